package detectors

import (
	"encoding/binary"
	"math"

	"suspect/detectors/seeded"
	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "nfd-s",
		Source: "Chen, Toueg, Aguilera, \"On the quality of service of failure detectors\", IEEE Transactions on Computers 51(5), May 2002: algorithm NFD-S",
		Doc:    "Suspects a peer when none of its heartbeats is fresh, by clocks that agree (Chen's NFD-S).",
		Claims: []model.Claim{
			{Class: model.P, Under: "no loss, delays below delta, synchronised clocks, no pauses, all processes start together and none recovers", Given: prompt(times(1, "delta"), times(2, "eta", "delta"))},
			{Class: model.EventuallyP, Under: "the same from some time on, except that before it processes start and messages are lost or late at will", Given: finally(prompt(times(1, "delta"), times(2, "eta", "delta")), times(2, "eta", "delta"))},
		},
		Params: HeartbeatParams(model.Param{Name: "delta", Type: model.DurationParam, Default: "2s",
			Doc: "shift of the freshness points against the sending times"}),
		Heartbeats: true,
		New:        newNFDS,
	})
}

// nfds is Chen, Toueg and Aguilera's NFD-S. The paper's p is the peer, its q the
// detector's process. Heartbeat m_i is sent at sigma_i, and
//
//	tau_i = sigma_i + delta
//
// are the freshness points. During [tau_i, tau_(i+1)), q trusts p exactly if it
// has received some m_j with j >= i. So q suspects p at tau_(l+1), where l is the
// largest number received, and a late m_j with j < i ends no suspicion. A
// heartbeat that arrives at the very moment tau_i is too late: it ends the
// suspicion that has just begun.
//
// The paper's q suspects at first, until a heartbeat comes. Here a new detector
// trusts, as everywhere in this module, until the freshness point of the first
// heartbeat sent at or after its start; from there on it is as in the paper.
type nfds struct {
	heartbeats Heartbeats
	peers      peers
	delta      model.Duration
	largest    []int64   // l, of each peer; of no meaning if suspected
	fresh      deadlines // of the trusted peers: tau_(l+1) or earlier
}

func newNFDS(env Env, p model.Params) (model.Automaton, error) {
	delta, err := duration(p, "delta", 0)
	if err != nil {
		return nil, err
	}
	return newFreshness(env, p, delta)
}

// newFreshness makes the detector whose freshness points are delta after the sending
// times.
func newFreshness(env Env, p model.Params, delta model.Duration) (model.Automaton, error) {
	h, err := NewHeartbeats(env, p)
	if err != nil {
		return nil, err
	}
	n := len(env.Watch)
	return &nfds{h, newPeers(env.Watch), delta, make([]int64, n), newDeadlines(n, h.schedule.eta)}, nil
}

// tau returns freshness point i of the peer.
func (d *nfds) tau(peer int, i int64) model.Time {
	return d.heartbeats.schedule.sigma(d.peers.id(peer), i).Add(d.delta)
}

// deadline returns tau_(l+1) of a trusted peer.
func (d *nfds) deadline(peer int) model.Time { return d.tau(peer, d.largest[peer]+1) }

// current returns the i with tau_i <= now < tau_(i+1).
func (d *nfds) current(peer int, now model.Time) int64 {
	return d.heartbeats.schedule.index(d.peers.id(peer), now-model.Time(d.delta))
}

func (d *nfds) Step(now model.Time, in *model.Input, out *model.Output) {
	if d.heartbeats.Step(now, out) {
		for p := range d.largest {
			// As if the last heartbeat sent before the start had arrived.
			d.largest[p] = max(-1, d.heartbeats.schedule.index(d.peers.id(p), now-1))
			d.fresh.add(p, d.tau(p, d.largest[p]+1))
		}
	}
	d.fresh.expire(now, d.deadline, &d.peers, out)
	if m := &in.Message; in.Kind == model.Deliver && m.Kind == HeartbeatKind && d.heartbeats.schedule.plausible(m.Seq) {
		if p := d.peers.index(m.From); p >= 0 {
			d.receive(p, m.Seq, now, out)
		}
	}
	out.Wake = min(d.heartbeats.Next(), d.fresh.next())
}

// receive takes m_j.
func (d *nfds) receive(p int, j int64, now model.Time, out *model.Output) {
	if d.fresh.has(p) {
		d.largest[p] = max(d.largest[p], j)
	} else if j >= d.current(p, now) || seeded.Bug("a heartbeat that is not fresh ends a suspicion") {
		d.largest[p] = j
		d.fresh.add(p, d.tau(p, j+1))
		out.Verdicts = append(out.Verdicts, model.Verdict{Peer: d.peers.id(p)})
	}
}

func (d *nfds) Clone() model.Automaton {
	c := *d
	c.largest = append([]int64(nil), d.largest...)
	c.fresh = d.fresh.clone()
	return &c
}

// AppendState writes for each peer 0 if it is suspected, 1 if it is about to be,
// else 2 + how far l is ahead of the current i.
func (d *nfds) AppendState(b []byte, now model.Time) []byte {
	b = d.heartbeats.AppendState(b, now)
	if !d.heartbeats.started {
		return b
	}
	for p, l := range d.largest {
		var code uint64
		if d.fresh.has(p) {
			code = uint64(max(1, 2+l-d.current(p, now)))
		}
		b = binary.AppendUvarint(b, code)
	}
	return b
}

func (d *nfds) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	b, err = d.heartbeats.LoadState(b, now)
	d.fresh.clear()
	if err != nil || !d.heartbeats.started {
		return b, err
	}
	for p := range d.largest {
		var code uint64
		if code, b, err = uvarint(b); err != nil || code > math.MaxInt64/2 {
			return b, errEncoding
		}
		l := int64(code) - 2 + d.current(p, now)
		if code == 0 {
			continue
		}
		if l > d.heartbeats.schedule.maxSeq {
			return b, errEncoding
		}
		d.largest[p] = l
		d.fresh.add(p, d.tau(p, l+1))
	}
	return b, nil
}
