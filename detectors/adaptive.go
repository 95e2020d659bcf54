package detectors

import (
	"encoding/binary"
	"fmt"

	"suspect/detectors/seeded"
	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "adaptive",
		Source: "Chandra, Toueg, \"Unreliable failure detectors for reliable distributed systems\", Journal of the ACM 43(2), 1996: the eventually perfect detector for partial synchrony",
		Doc:    "Suspects a peer from which no heartbeat has arrived for a timeout, which grows with each mistake about that peer.",
		Claims: []model.Claim{
			{Class: model.P, Under: "no loss, delays below timeout - eta, drift-free clocks, no pauses, all processes start together and none recovers", Given: prompt(less("timeout", "eta"), times(2, "timeout"))},
			{Class: model.EventuallyP, Under: "from some time on no loss, and delays, pauses and clock drift within some bounds, which nobody needs to know (but a most above them, if it is given); before it processes start and messages are lost or late at will", Given: adaptiveConditions},
		},
		Params: HeartbeatParams(
			model.Param{Name: "timeout", Type: model.DurationParam, Default: "3s",
				Doc: "silence after which a peer is suspected for the first time"},
			model.Param{Name: "step", Type: model.DurationParam, Default: "1s",
				Doc: "what the timeout of a peer grows by when a suspicion of it turns out to be a mistake"},
			model.Param{Name: "most", Type: model.DurationParam, Optional: true,
				Doc: "what no timeout grows beyond; none if left out, as published"}),
		Heartbeats: true,
		New:        newAdaptive,
	})
}

// adaptive is Chandra and Toueg's detector for systems in which the bounds on delays
// and speeds hold only after some time and are not known. Every peer has a timeout of
// its own. A peer is suspected at the moment at which its timeout has passed since its
// last heartbeat arrived, or since the start. A heartbeat, whatever its number, from a
// suspected peer ends the suspicion, which was a mistake, and its timeout grows by the
// step. A heartbeat that arrives at the very moment is too late. Heartbeats from trusted
// peers never change a timeout.
//
// The paper's process counts its own steps. Here it reads its local clock, and so may
// suspect everybody after a pause, which to one that counts steps is none; but that is
// a mistake like others, and makes the timeouts grow.
type adaptive struct {
	heartbeats Heartbeats
	peers      peers
	timeout    model.Duration // at first
	step, most model.Duration
	pairs      []patience
	silent     deadlines // of the trusted peers: since + timeout, or earlier
}

// patience is what is kept of one peer.
type patience struct {
	since   model.Time // last arrival
	timeout model.Duration
}

func newAdaptive(env Env, p model.Params) (model.Automaton, error) {
	h, err := NewHeartbeats(env, p)
	if err != nil {
		return nil, err
	}
	n := len(env.Watch)
	d := &adaptive{heartbeats: h, peers: newPeers(env.Watch), most: longest,
		pairs: make([]patience, n), silent: newDeadlines(n, h.schedule.eta)}
	if d.timeout, err = duration(p, "timeout", model.Picosecond); err != nil {
		return nil, err
	}
	if d.step, err = duration(p, "step", model.Picosecond); err != nil {
		return nil, err
	}
	if p.Given("most") {
		if d.most, err = duration(p, "most", 0); err != nil {
			return nil, err
		}
		if d.most < d.timeout {
			return nil, &model.ParamError{Name: "most", Err: fmt.Errorf("%v is less than the first timeout: at least %v", d.most, d.timeout)}
		}
	}
	return d, nil
}

func (d *adaptive) deadline(p int) model.Time { return d.pairs[p].since.Add(d.pairs[p].timeout) }

func (d *adaptive) Step(now model.Time, in *model.Input, out *model.Output) {
	if d.heartbeats.Step(now, out) {
		for p := range d.pairs {
			d.pairs[p] = patience{now, d.timeout}
			d.silent.add(p, d.deadline(p))
		}
	}
	d.silent.expire(now, d.deadline, &d.peers, out)
	if in.Kind == model.Deliver && in.Message.Kind == HeartbeatKind {
		if p := d.peers.index(in.Message.From); p >= 0 {
			d.receive(p, now, out)
		}
	}
	out.Wake = min(d.heartbeats.Next(), d.silent.next())
}

func (d *adaptive) receive(p int, now model.Time, out *model.Output) {
	a := &d.pairs[p]
	a.since = now
	if seeded.Bug("a timeout grows without a mistake") {
		a.timeout = min(a.timeout+d.step, d.most)
	}
	if !d.silent.has(p) {
		if !seeded.Bug("a timeout does not grow") {
			a.timeout = min(a.timeout+d.step, d.most)
		}
		d.silent.add(p, d.deadline(p))
		out.Verdicts = append(out.Verdicts, model.Verdict{Peer: d.peers.id(p)})
	}
}

func (d *adaptive) Clone() model.Automaton {
	c := *d
	c.pairs = append([]patience(nil), d.pairs...)
	c.silent = d.silent.clone()
	return &c
}

// AppendState writes for each peer by how much its timeout has grown, and then 0 if it
// is suspected, else 1 + the time left to it.
func (d *adaptive) AppendState(b []byte, now model.Time) []byte {
	b = d.heartbeats.AppendState(b, now)
	if !d.heartbeats.started {
		return b
	}
	for p := range d.pairs {
		b = binary.AppendUvarint(b, uint64(d.pairs[p].timeout-d.timeout))
		var code uint64
		if d.silent.has(p) {
			code = 1 + uint64(max(0, d.deadline(p).Sub(now)))
		}
		b = binary.AppendUvarint(b, code)
	}
	return b
}

func (d *adaptive) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	b, err = d.heartbeats.LoadState(b, now)
	d.silent.clear()
	if err != nil || !d.heartbeats.started {
		return b, err
	}
	for p := range d.pairs {
		var grown, code uint64
		if grown, b, err = uvarint(b); err != nil || grown > uint64(d.most-d.timeout) {
			return b, errEncoding
		}
		timeout := d.timeout + model.Duration(grown)
		if code, b, err = uvarint(b); err != nil || code > uint64(timeout)+1 {
			return b, errEncoding
		}
		d.pairs[p] = patience{timeout: timeout}
		if code > 0 {
			d.pairs[p].since = now + model.Time(code-1) - model.Time(timeout)
			d.silent.add(p, d.deadline(p))
		}
	}
	return b, nil
}

// AppendMessage appends what a receiver makes of m: a heartbeat is a heartbeat, whatever
// its number.
func (d *adaptive) AppendMessage(b []byte, m *model.Message) []byte { return append(b, m.Kind) }

// Timeout returns the timeout of a peer that is monitored, as mistakes have made it.
func (d *adaptive) Timeout(peer model.ProcessID) model.Duration {
	return d.pairs[d.peers.index(peer)].timeout
}
