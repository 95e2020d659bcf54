package detectors

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"suspect/detectors/seeded"
	"suspect/model"
)

// estimator is what the detectors have in common that estimate, as NFD-E does, when
// the next heartbeat will arrive. The sender is p, the detector's process q. When m_j
// with j > l arrives, l being the largest number received until then, l becomes j and
// the next freshness point
//
//	tau_(l+1) = EA_(l+1) + alpha
//	EA_(l+1)  = (1/n) sum of (A_k - eta*s_k) + (l+1)*eta
//
// where s_k are the numbers of the n latest such heartbeats (or as many as there
// were) and A_k the local times of their arrival. q trusts p before tau_(l+1),
// and suspects it from that moment on. A heartbeat that comes after a later one,
// or twice, changes nothing. The mean is rounded down to a picosecond.
//
// Two options make another detector of it: a second, shorter window, whose mean
// counts if it is the larger one (2W-FD), and a margin beside alpha that is learnt
// (Bertier's).
//
// A new detector trusts, as everywhere in this module; before the first arrival tau
// is eta and the margin after the start.
//
// The published detectors remember l for ever. Here it is forgotten when m_l has
// arrived and tau_(l+1) has passed, both at least [memory] periods ago: whatever
// heartbeat comes next counts, with the n latest as ever. How far l lies behind grows
// without end while a peer is silent, and would make every period of the silence
// a state of its own, so that no exploration of states could end. A peer that
// nobody has heard for so long and whose next heartbeat is a late copy is
// trusted once more, until the tau of that. (To ignore old numbers instead would
// bound l as well, but needs clocks that agree, or it would suspect for ever a
// peer whose clock is behind.)
type estimator struct {
	heartbeats Heartbeats
	peers      peers
	alpha      model.Duration
	memory     model.Duration // of l: that many periods
	n          int
	pairs      []arrivals
	ring       []uint64  // n for each peer: A_k - eta*s_k + bias, see entry
	short      shortView // or none
	learnt     *jacobson // or nil
	fresh      deadlines // of the trusted peers: tau or earlier
}

// arrivals is what is kept of one peer, beside its ring.
type arrivals struct {
	largest    int64 // l, or -1
	tau        model.Time
	forget     model.Time // when l is forgotten, if a heartbeat has arrived
	sum        sum        // of the ring
	filled, at int32      // entries in the ring; where the next one goes
}

// shortView is a window of the latest n arrivals in a longer ring; none if n is 0.
type shortView struct {
	n    int
	sums []sum // of each peer
}

// sum is a sum of entries of a ring, in 128 bits: numbers out of place may be huge.
type sum struct{ hi, lo uint64 }

func (s *sum) add(v uint64) {
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, v, 0)
	s.hi += carry
}

func (s *sum) sub(v uint64) {
	var borrow uint64
	s.lo, borrow = bits.Sub64(s.lo, v, 0)
	s.hi -= borrow
}

// mean returns the mean of the n entries that make the sum, rounded down.
func (s *sum) mean(n int32) uint64 {
	mean, _ := bits.Div64(s.hi, s.lo, uint64(n))
	return mean
}

// bias makes the entries of the ring non-negative: A_k and eta*s_k are at most
// model.MaxTime.
const bias = uint64(model.MaxTime)

const largestWindow = 1 << 16

// memory is for how many periods of silence l is remembered: longer than networks
// hold packets back.
const memory = 64

// window returns the parameter of the given name, a number of heartbeats.
func window(p model.Params, name string) (int, error) {
	n := p.Count(name)
	if n < 1 || n > largestWindow {
		return 0, &model.ParamError{Name: name, Err: fmt.Errorf("%d is out of range: from 1 to %d heartbeats", n, largestWindow)}
	}
	return int(n), nil
}

func newEstimator(env Env, p model.Params, alpha model.Duration, n int) (*estimator, error) {
	h, err := NewHeartbeats(env, p)
	if err != nil {
		return nil, err
	}
	d := &estimator{
		heartbeats: h, peers: newPeers(env.Watch), alpha: alpha, n: n,
		memory: min(h.schedule.eta, model.Duration(model.MaxTime)/memory) * memory,
		pairs:  make([]arrivals, len(env.Watch)),
		ring:   make([]uint64, len(env.Watch)*n),
		fresh:  newDeadlines(len(env.Watch), h.schedule.eta),
	}
	d.forgetAll()
	return d, nil
}

func (d *estimator) forgetAll() {
	for p := range d.pairs {
		d.pairs[p] = arrivals{largest: -1}
	}
	clear(d.short.sums)
	if d.learnt != nil {
		d.learnt.reset()
	}
	d.fresh.clear()
}

// margin returns what comes after the expected arrival of the peer's next heartbeat.
func (d *estimator) margin(p int) model.Duration {
	if d.learnt != nil {
		return d.alpha + d.learnt.margin(p)
	}
	return d.alpha
}

func (d *estimator) Step(now model.Time, in *model.Input, out *model.Output) {
	if d.heartbeats.Step(now, out) {
		for p := range d.pairs {
			d.pairs[p].tau = now.Add(d.heartbeats.schedule.eta + d.margin(p))
			d.fresh.add(p, d.pairs[p].tau)
		}
	}
	d.fresh.expire(now, d.deadline, &d.peers, out)
	if m := &in.Message; in.Kind == model.Deliver && m.Kind == HeartbeatKind && d.heartbeats.schedule.plausible(m.Seq) {
		if p := d.peers.index(m.From); p >= 0 && (m.Seq > d.pairs[p].largest || d.pairs[p].forget <= now || seeded.Bug("an old heartbeat is taken for the latest")) {
			d.receive(p, m.Seq, now, out)
		}
	}
	out.Wake = min(d.heartbeats.Next(), d.fresh.next())
}

// receive takes m_j with j > l, or any if l is forgotten.
func (d *estimator) receive(p int, j int64, now model.Time, out *model.Output) {
	a := &d.pairs[p]
	a.largest = j
	arrival := uint64(now) - uint64(j*int64(d.heartbeats.schedule.eta)) + bias
	if d.learnt != nil && a.filled > 0 {
		d.learnt.observe(p, arrival, d.mean(p))
	}
	d.remember(p, arrival)
	d.expect(p, now)
	trusted := d.fresh.has(p)
	if d.learnt != nil && !trusted && now < a.tau {
		d.learnt.mistaken(p)
		d.expect(p, now)
	}
	switch fresh := now < a.tau; {
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
func (d *estimator) entry(p, i int) *uint64 { return &d.ring[i*len(d.pairs)+p] }

// remember enters an arrival into the peer's ring, instead of the oldest if it
// is full.
func (d *estimator) remember(p int, arrival uint64) {
	a := &d.pairs[p]
	if n := d.short.n; n > 0 {
		s := &d.short.sums[p]
		if int(a.filled) >= n {
			s.sub(*d.entry(p, (int(a.at)+d.n-n)%d.n))
		}
		s.add(arrival)
	}
	oldest := d.entry(p, int(a.at))
	if int(a.filled) == d.n {
		if !seeded.Bug("what leaves the window stays in its sum") {
			a.sum.sub(*oldest)
		}
	} else {
		a.filled++
	}
	a.sum.add(arrival)
	*oldest = arrival
	if a.at++; int(a.at) == d.n {
		a.at = 0
	}
}

// mean returns the mean of the peer's window, or of the shorter one if that is
// larger. There is an arrival.
func (d *estimator) mean(p int) uint64 {
	a := &d.pairs[p]
	mean := a.sum.mean(a.filled)
	if d.short.n > 0 {
		mean = max(mean, d.short.sums[p].mean(min(a.filled, int32(d.short.n))))
	}
	return mean
}

// expect sets tau_(l+1), when m_l is known to have arrived at the given time.
func (d *estimator) expect(p int, arrived model.Time) {
	a := &d.pairs[p]
	since := (a.largest+1)*int64(d.heartbeats.schedule.eta) + int64(d.margin(p))
	a.tau = model.Time(since).Add(model.Duration(d.mean(p) - bias))
	a.forget = max(a.tau, arrived).Add(d.memory)
}

func (d *estimator) deadline(p int) model.Time { return d.pairs[p].tau }

func (d *estimator) Clone() model.Automaton {
	c := *d
	c.pairs = append([]arrivals(nil), d.pairs...)
	if !seeded.Bug("a clone shares the window") {
		c.ring = append([]uint64(nil), d.ring...)
	}
	c.short.sums = append([]sum(nil), d.short.sums...)
	c.learnt = d.learnt.clone()
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
// lies, the ring from its oldest entry on, and what was learnt. An entry is a
// difference of times that does not depend on now.
func (d *estimator) AppendState(b []byte, now model.Time) []byte {
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
			b = binary.AppendVarint(b, a.largest-d.heartbeats.schedule.period(now))
		}
		for k := range int(a.filled) {
			i := (int(a.at) - int(a.filled) + k + d.n) % d.n
			b = binary.AppendVarint(b, int64(*d.entry(p, i)-bias))
		}
		if d.learnt != nil && a.filled > 0 {
			b = d.learnt.appendState(b, p)
		}
	}
	return b
}

func (d *estimator) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	b, err = d.heartbeats.LoadState(b, now)
	d.forgetAll()
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

func (d *estimator) loadPair(p int, b []byte, now model.Time) (rest []byte, err error) {
	a := &d.pairs[p]
	code, b, err := uvarint(b)
	filled, remembers := int(min(code/filledOnce, math.MaxInt32)), code&remembered != 0
	if err != nil || filled > d.n || filled == 0 && remembers {
		return b, errEncoding
	}
	if code == isTrusted {
		left, rest, err := uvarint(b)
		if err != nil || left > uint64(d.heartbeats.schedule.eta+d.margin(p)) {
			return b, errEncoding
		}
		a.tau = now + model.Time(left)
		b = rest
	}
	if remembers {
		var distance int64
		if distance, b, err = varint(b); err != nil || distance > math.MaxInt64/2 {
			return b, errEncoding
		}
		a.largest = distance + d.heartbeats.schedule.period(now)
		if !d.heartbeats.schedule.plausible(a.largest) {
			return b, errEncoding
		}
	}
	var entry int64
	for range filled {
		if entry, b, err = varint(b); err != nil || entry > int64(bias) || entry < -int64(bias) {
			return b, errEncoding
		}
		d.remember(p, uint64(entry)+bias)
	}
	if d.learnt != nil && filled > 0 {
		if b, err = d.learnt.loadState(p, b); err != nil {
			return b, err
		}
	}
	if remembers {
		d.expect(p, model.Time(a.largest*int64(d.heartbeats.schedule.eta)).Add(model.Duration(entry)))
	} else if filled > 0 {
		a.tau = now // at the latest; and forget has passed at any time
	}
	if code&isTrusted != 0 {
		d.fresh.add(p, a.tau)
	}
	return b, nil
}
