package detectors

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "nfd-e",
		Source: "Chen, Toueg, Aguilera, \"On the quality of service of failure detectors\", IEEE Transactions on Computers 51(5), May 2002: algorithm NFD-E",
		Doc:    "Suspects a peer when none of its heartbeats is fresh, by arrival times estimated from the latest ones (Chen's NFD-E).",
		Claims: []model.Claim{
			{Class: model.P, Under: "no loss, delays below alpha, drift-free clocks, no pauses, all processes start together and none recovers"},
			{Class: model.EventuallyP, Under: "drift-free clocks, no pauses, and from some time on no loss and delays that differ by less than alpha; before it processes start and messages are lost or late at will"},
		},
		Params: HeartbeatParams(
			model.Param{Name: "alpha", Type: model.DurationParam, Default: "1s",
				Doc: "safety margin after the expected arrival"},
			model.Param{Name: "n", Type: model.CountParam, Default: "32",
				Doc: "how many of the latest heartbeats the estimate rests on"}),
		Heartbeats: true,
		New:        newNFDE,
	})
}

// nfde is Chen, Toueg and Aguilera's NFD-E. The paper's p is the peer, its q the
// detector's process. When m_j with j > l arrives, l being the largest number
// received until then, l becomes j and the next freshness point
//
//	tau_(l+1) = EA_(l+1) + alpha
//	EA_(l+1)  = (1/n) sum of (A_k - eta*s_k) + (l+1)*eta
//
// where s_k are the numbers of the n latest such heartbeats (or as many as there
// were) and A_k the local times of their arrival. q trusts p before tau_(l+1),
// and suspects it from that moment on. A heartbeat that comes after a later one,
// or twice, changes nothing. The mean is rounded down to a picosecond.
//
// This is the paper's algorithm but for two things.
//
// The paper's q suspects until a heartbeat comes. Here a new detector trusts, as
// everywhere in this module; before the first arrival tau is eta + alpha after
// the start.
//
// The paper's q remembers l for ever. Here it is forgotten when m_l has arrived
// and tau_(l+1) has passed, both at least [memory] periods ago: whatever heartbeat
// comes next counts, with the n latest as ever. How far l lies behind grows
// without end while a peer is silent, and would make every period of the silence
// a state of its own, so that no exploration of states could end. A peer that
// nobody has heard for so long and whose next heartbeat is a late copy is
// trusted once more, until the tau of that. (To ignore old numbers instead would
// bound l as well, but needs clocks that agree, or it would suspect for ever a
// peer whose clock is behind.)
type nfde struct {
	heartbeats Heartbeats
	peers      peers
	alpha      model.Duration
	memory     model.Duration // of l: that many periods
	n          int
	pairs      []arrivals
	ring       []uint64  // n for each peer: A_k - eta*s_k + bias, see entry
	fresh      deadlines // of the trusted peers: tau or earlier
}

// arrivals is what is kept of one peer, beside its ring.
type arrivals struct {
	largest      int64 // l, or -1
	tau          model.Time
	forget       model.Time // when l is forgotten, if a heartbeat has arrived
	sumHi, sumLo uint64     // of the ring, 128 bits: numbers out of place may be huge
	filled, at   int32      // entries in the ring; where the next one goes
}

// bias makes the entries of the ring non-negative: A_k and eta*s_k are at most
// model.MaxTime.
const bias = uint64(model.MaxTime)

const largestWindow = 1 << 16

// memory is for how many periods of silence l is remembered: longer than networks
// hold packets back.
const memory = 64

func newNFDE(env Env, p model.Params) (model.Automaton, error) {
	h, err := NewHeartbeats(env, p)
	if err != nil {
		return nil, err
	}
	alpha, err := duration(p, "alpha", 0)
	if err != nil {
		return nil, err
	}
	n := p.Count("n")
	if n < 1 || n > largestWindow {
		return nil, &model.ParamError{Name: "n", Err: fmt.Errorf("%d is out of range: from 1 to %d heartbeats", n, largestWindow)}
	}
	d := &nfde{
		heartbeats: h, peers: newPeers(env.Watch), alpha: alpha, n: int(n),
		memory: min(h.schedule.eta, model.Duration(model.MaxTime)/memory) * memory,
		pairs:  make([]arrivals, len(env.Watch)),
		ring:   make([]uint64, len(env.Watch)*int(n)),
		fresh:  newDeadlines(len(env.Watch), h.schedule.eta),
	}
	for p := range d.pairs {
		d.pairs[p].largest = -1
	}
	return d, nil
}

func (d *nfde) Step(now model.Time, in *model.Input, out *model.Output) {
	if d.heartbeats.Step(now, out) {
		for p := range d.pairs {
			d.pairs[p].tau = now.Add(d.heartbeats.schedule.eta + d.alpha)
			d.fresh.add(p, d.pairs[p].tau)
		}
	}
	if d.fresh.next() <= now {
		d.expire(now, out)
	}
	if m := &in.Message; in.Kind == model.Deliver && m.Kind == HeartbeatKind && d.heartbeats.schedule.plausible(m.Seq) {
		if p := d.peers.index(m.From); p >= 0 && (m.Seq > d.pairs[p].largest || d.pairs[p].forget <= now) {
			d.receive(p, m.Seq, now, out)
		}
	}
	out.Wake = min(d.heartbeats.Next(), d.fresh.next())
}

// receive takes m_j with j > l, or any if l is forgotten.
func (d *nfde) receive(p int, j int64, now model.Time, out *model.Output) {
	a := &d.pairs[p]
	a.largest = j
	d.remember(p, uint64(now)-uint64(j*int64(d.heartbeats.schedule.eta))+bias)
	d.expect(a, now)
	switch trusted, fresh := d.fresh.has(p), now < a.tau; {
	case trusted && fresh:
		d.fresh.hasten(p, a.tau)
	case trusted:
		d.fresh.remove(p)
		out.Verdicts = append(out.Verdicts, model.Verdict{Peer: d.peers.id(p), Suspected: true})
	case fresh:
		d.fresh.add(p, a.tau)
		out.Verdicts = append(out.Verdicts, model.Verdict{Peer: d.peers.id(p)})
	}
}

// entry returns entry i of the ring of peer p. The rings advance together, about
// one entry a period, so that the entries in use lie side by side.
func (d *nfde) entry(p, i int) *uint64 { return &d.ring[i*len(d.pairs)+p] }

// remember enters an arrival into the peer's ring, instead of the oldest if it
// is full.
func (d *nfde) remember(p int, arrival uint64) {
	a := &d.pairs[p]
	oldest := d.entry(p, int(a.at))
	var carry uint64
	if int(a.filled) == d.n {
		a.sumLo, carry = bits.Sub64(a.sumLo, *oldest, 0)
		a.sumHi -= carry
	} else {
		a.filled++
	}
	a.sumLo, carry = bits.Add64(a.sumLo, arrival, 0)
	a.sumHi += carry
	*oldest = arrival
	if a.at++; int(a.at) == d.n {
		a.at = 0
	}
}

// expect sets tau_(l+1), when m_l is known to have arrived at the given time.
func (d *nfde) expect(a *arrivals, arrived model.Time) {
	mean, _ := bits.Div64(a.sumHi, a.sumLo, uint64(a.filled))
	since := (a.largest+1)*int64(d.heartbeats.schedule.eta) + int64(d.alpha)
	a.tau = model.Time(since).Add(model.Duration(mean - bias))
	a.forget = max(a.tau, arrived).Add(d.memory)
}

// expire suspects the trusted peers that have reached tau.
func (d *nfde) expire(now model.Time, out *model.Output) {
	before := len(out.Verdicts)
	for d.fresh.next() <= now {
		p := d.fresh.top()
		if tau := d.pairs[p].tau; tau > now {
			d.fresh.postpone(tau, now)
			continue
		}
		d.fresh.remove(p)
		out.Verdicts = append(out.Verdicts, model.Verdict{Peer: d.peers.id(p), Suspected: true})
	}
	sortVerdicts(out.Verdicts[before:])
}

func (d *nfde) Clone() model.Automaton {
	c := *d
	c.pairs = append([]arrivals(nil), d.pairs...)
	c.ring = append([]uint64(nil), d.ring...)
	c.fresh = d.fresh.clone()
	return &c
}

// Of the encoded state of a peer.
const (
	isTrusted  = 1 << iota
	remembered // l is neither missing nor forgotten
	filledOnce // times the entries in the ring
)

// AppendState writes for each peer whether it is trusted, whether l is remembered
// and how many arrivals are in its ring. If none, the time left to a trusted peer
// follows; else l, if remembered, as its distance from the period in which now
// lies, and the ring from its oldest entry on. An entry is a difference of times
// that does not depend on now.
func (d *nfde) AppendState(b []byte, now model.Time) []byte {
	b = d.heartbeats.AppendState(b, now)
	if !d.heartbeats.started {
		return b
	}
	for p := range d.pairs {
		a := &d.pairs[p]
		code := uint64(a.filled) * filledOnce
		if d.fresh.has(p) {
			code |= isTrusted
		}
		if a.filled > 0 && now < a.forget {
			code |= remembered
		}
		b = binary.AppendUvarint(b, code)
		if code == isTrusted {
			b = binary.AppendUvarint(b, uint64(max(0, a.tau.Sub(now))))
		}
		if code&remembered != 0 {
			b = binary.AppendVarint(b, a.largest-d.period(now))
		}
		for k := range int(a.filled) {
			i := (int(a.at) - int(a.filled) + k + d.n) % d.n
			b = binary.AppendVarint(b, int64(*d.entry(p, i)-bias))
		}
	}
	return b
}

// period returns the number of the period of the local clock in which t lies.
func (d *nfde) period(t model.Time) int64 {
	return floorDiv(int64(t), int64(d.heartbeats.schedule.eta))
}

func (d *nfde) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	b, err = d.heartbeats.LoadState(b, now)
	d.fresh.clear()
	for p := range d.pairs {
		d.pairs[p] = arrivals{largest: -1}
	}
	if err != nil || !d.heartbeats.started {
		return b, err
	}
	for p := range d.pairs {
		if b, err = d.loadPair(p, b, now); err != nil {
			return b, err
		}
	}
	return b, nil
}

func (d *nfde) loadPair(p int, b []byte, now model.Time) (rest []byte, err error) {
	a := &d.pairs[p]
	code, b, err := uvarint(b)
	filled, remembers := int(min(code/filledOnce, math.MaxInt32)), code&remembered != 0
	if err != nil || filled > d.n || filled == 0 && remembers {
		return b, errEncoding
	}
	if code == isTrusted {
		left, rest, err := uvarint(b)
		if err != nil || left > uint64(d.heartbeats.schedule.eta+d.alpha) {
			return b, errEncoding
		}
		a.tau = now + model.Time(left)
		b = rest
	}
	if remembers {
		distance, size := binary.Varint(b)
		if size <= 0 || distance > math.MaxInt64/2 {
			return b, errEncoding
		}
		b = b[size:]
		a.largest = distance + d.period(now)
		if !d.heartbeats.schedule.plausible(a.largest) {
			return b, errEncoding
		}
	}
	var entry int64
	for range filled {
		v, size := binary.Varint(b)
		if size <= 0 || v > int64(bias) || v < -int64(bias) {
			return b, errEncoding
		}
		b = b[size:]
		d.remember(p, uint64(v)+bias)
		entry = v
	}
	if remembers {
		d.expect(a, model.Time(a.largest*int64(d.heartbeats.schedule.eta)).Add(model.Duration(entry)))
	} else if filled > 0 {
		a.tau = now // at the latest; and forget has passed at any time
	}
	if code&isTrusted != 0 {
		d.fresh.add(p, a.tau)
	}
	return b, nil
}
