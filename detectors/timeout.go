package detectors

import (
	"encoding/binary"

	"suspect/detectors/seeded"
	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "timeout",
		Source: "folklore; the comparator SFD of Chen, Toueg, Aguilera, \"On the quality of service of failure detectors\", IEEE Transactions on Computers 51(5), May 2002, without its cutoff",
		Doc:    "Suspects a peer from which no heartbeat has arrived for a fixed time.",
		Claims: []model.Claim{
			{Class: model.P, Under: "no loss, delays below timeout - eta, drift-free clocks, no pauses, all processes start together and none recovers", Given: prompt(less("timeout", "eta"), times(2, "timeout"))},
			{Class: model.EventuallyP, Under: "the same from some time on, except that before it processes start and messages are lost or late at will", Given: finally(prompt(less("timeout", "eta"), times(2, "timeout")), times(2, "timeout"))},
		},
		Params: HeartbeatParams(model.Param{Name: "timeout", Type: model.DurationParam, Default: "3s",
			Doc: "silence after which a peer is suspected"}),
		Heartbeats: true,
		New:        newTimeout,
	})
}

// timeout suspects a peer at the moment at which timeout has passed since its
// last heartbeat arrived, or since the start, and trusts it when the next one
// arrives, whatever its number. A heartbeat that arrives at that very moment is
// too late: it ends the suspicion that has just begun.
//
// All timeouts being equal, the trusted peers expire in the order of their last
// arrivals. They form a list in that order, so a heartbeat costs O(1).
type timeout struct {
	heartbeats Heartbeats
	sign       uint8 // the kind of message that is a sign of life
	peers      peers
	timeout    model.Duration
	pairs      []heardFrom // of each peer, and a last one: the ends of the list
}

// heardFrom is what is kept of one peer: 16 bytes.
type heardFrom struct {
	since      model.Time // last arrival
	prev, next int32      // neighbours in the list; prev is unlisted if suspected
}

const unlisted = -1

func newTimeout(env Env, p model.Params) (model.Automaton, error) {
	h, err := NewHeartbeats(env, p)
	if err != nil {
		return nil, err
	}
	return newSilence(env, p, h, HeartbeatKind)
}

// newSilence makes the detector of silence, that is of messages of the given kind that
// do not come, for parameters that include the timeout.
func newSilence(env Env, p model.Params, h Heartbeats, sign uint8) (*timeout, error) {
	after, err := duration(p, "timeout", model.Picosecond)
	if err != nil {
		return nil, err
	}
	d := &timeout{heartbeats: h, sign: sign, peers: newPeers(env.Watch), timeout: after, pairs: make([]heardFrom, len(env.Watch)+1)}
	d.unlistAll()
	return d, nil
}

func (d *timeout) unlistAll() {
	for p := range d.pairs {
		d.pairs[p].prev = unlisted
	}
	ends := d.ends()
	d.pairs[ends].prev, d.pairs[ends].next = ends, ends
}

func (d *timeout) ends() int32 { return int32(len(d.pairs) - 1) }

// insert lists p after the listed peer (or end) q.
func (d *timeout) insert(p, q int32) {
	next := d.pairs[q].next
	d.pairs[p].prev, d.pairs[p].next = q, next
	d.pairs[q].next = p
	d.pairs[next].prev = p
}

func (d *timeout) unlist(p int32) {
	prev, next := d.pairs[p].prev, d.pairs[p].next
	d.pairs[prev].next = next
	d.pairs[next].prev = prev
	d.pairs[p].prev = unlisted
}

func (d *timeout) Step(now model.Time, in *model.Input, out *model.Output) {
	if d.heartbeats.Step(now, out) {
		for p := range d.ends() {
			d.pairs[p].since = now
			d.insert(p, d.pairs[d.ends()].prev)
		}
	}
	ends := d.ends()
	if d.deadline() <= now {
		before := len(out.Verdicts)
		for d.deadline() <= now {
			p := d.pairs[ends].next
			d.unlist(p)
			out.Verdicts = append(out.Verdicts, model.Verdict{Peer: d.peers.id(int(p)), Suspected: true})
		}
		sortVerdicts(out.Verdicts[before:])
	}
	if in.Kind == model.Deliver && in.Message.Kind == d.sign {
		if k := d.peers.index(in.Message.From); k >= 0 && !(seeded.Bug("a suspicion is never withdrawn") && d.pairs[k].prev == unlisted) {
			p := int32(k)
			if d.pairs[p].prev == unlisted {
				out.Verdicts = append(out.Verdicts, model.Verdict{Peer: in.Message.From})
			} else {
				d.unlist(p)
			}
			d.pairs[p].since = now
			d.insert(p, d.pairs[ends].prev)
		}
	}
	out.Wake = min(d.heartbeats.Next(), d.deadline())
}

// deadline returns the time at which the first of the trusted peers expires.
func (d *timeout) deadline() model.Time {
	first := d.pairs[len(d.pairs)-1].next
	if first == d.ends() {
		return model.Never
	}
	if seeded.Bug("a deadline is a period too early") {
		return d.pairs[first].since.Add(d.timeout - d.heartbeats.schedule.eta)
	}
	return d.pairs[first].since.Add(d.timeout)
}

func (d *timeout) Clone() model.Automaton {
	c := *d
	c.pairs = append([]heardFrom(nil), d.pairs...)
	return &c
}

// AppendState writes for each peer 0 if it is suspected, else 1 + the time left
// to it.
func (d *timeout) AppendState(b []byte, now model.Time) []byte {
	b = d.heartbeats.AppendState(b, now)
	if !d.heartbeats.started {
		return b
	}
	for _, s := range d.pairs[:d.ends()] {
		var code uint64
		if s.prev != unlisted {
			code = 1 + uint64(max(0, s.since.Add(d.timeout).Sub(now)))
			if seeded.Bug("an encoded time is not relative to now") {
				code += uint64(now)
			}
		} else if seeded.Bug("a suspicion is not encoded") {
			code = 1
		}
		b = binary.AppendUvarint(b, code)
	}
	return b
}

func (d *timeout) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	b, err = d.heartbeats.LoadState(b, now)
	d.unlistAll()
	if err != nil || !d.heartbeats.started {
		return b, err
	}
	for p := range d.ends() {
		var code uint64
		if code, b, err = uvarint(b); err != nil || code > uint64(d.timeout)+1 {
			return b, errEncoding
		}
		if code == 0 {
			continue
		}
		since := now + model.Time(code-1) - model.Time(d.timeout)
		d.pairs[p].since = since
		q := d.pairs[d.ends()].prev
		for q != d.ends() && d.pairs[q].since > since {
			q = d.pairs[q].prev
		}
		d.insert(p, q)
	}
	return b, nil
}

// AppendMessage appends what a receiver makes of m: a sign of life is one, whatever its
// number.
func (d *timeout) AppendMessage(b []byte, m *model.Message) []byte { return append(b, m.Kind) }
