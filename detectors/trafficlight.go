package detectors

import (
	"encoding/binary"
	"fmt"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "traffic-light",
		Source: "Birman's lectures on failure detection: a centre-wide status light that sets the timeout, with a minimal stay in each colour",
		Doc:    "Suspects a peer from which no heartbeat has arrived for a timeout that depends on the colour of a light, which follows from how many peers everybody suspects.",
		Claims: []model.Claim{
			{Class: model.P, Under: "no loss, delays below green - eta, drift-free clocks, no pauses, all processes start together and none recovers", Given: prompt(less("green", "eta"), times(3, "red"))},
			{Class: model.EventuallyP, Under: "the same from some time on, except that before it processes start and messages are lost or late at will", Given: finally(prompt(less("green", "eta"), times(3, "red")), times(3, "red"))},
		},
		Params: HeartbeatParams(
			model.Param{Name: "green", Type: model.DurationParam, Default: "3s",
				Doc: "silence after which a peer is suspected while the light is green: all is well"},
			model.Param{Name: "yellow", Type: model.DurationParam, Default: "10s",
				Doc: "the same while it is yellow: signs of disruption; not shorter"},
			model.Param{Name: "red", Type: model.DurationParam, Default: "30s",
				Doc: "the same while it is red: the centre is in trouble; not shorter"},
			model.Param{Name: "yellow-from", Type: model.ProbabilityParam, Default: "10%",
				Doc: "the part of the peers that processes suspect, in the mean over the processes, from which the light is yellow"},
			model.Param{Name: "red-from", Type: model.ProbabilityParam, Default: "30%",
				Doc: "the part from which it is red; not smaller"},
			model.Param{Name: "dwell", Type: model.DurationParam, Default: "1min",
				Doc: "hysteresis: once it has changed, the light stays as it is for that long; 0s for none"}),
		New: newTrafficLight,
	})
}

// Colour is a colour of the light.
type Colour uint8

// The colours of the light, from the shortest timeout to the longest.
const (
	Green Colour = iota
	Yellow
	Red
	colours
)

// String returns the name of c in lower case.
func (c Colour) String() string { return [...]string{"green", "yellow", "red"}[c] }

// Light is a detector with a traffic light.
type Light interface {
	// Colour returns the colour that the process sees.
	Colour() Colour
}

// trafficLight is a plain timeout whose length depends on how the centre as a whole is
// doing. Each heartbeat tells what part of its peers the sender suspects, in thousandths.
// Whenever a process sends heartbeats, it takes the mean of its own part and of the last
// ones told by the peers that it does not suspect, and that sets the colour of its light.
// Once the colour has changed, it stays for the dwell time. There is no centre: each
// process has a light of its own, and lights agree as far as their evidence does. What
// does not watch all sees a part of the centre.
//
// A peer is suspected exactly while it has been silent for the timeout of the colour: a
// change of colour begins or ends suspicions at once. A heartbeat at the very moment at
// which the timeout has passed is too late.
//
// Without dwell time the light may feed on itself. Where peers are late by more than the
// green timeout and less than the red one, green makes suspicions, which make it red,
// which ends the suspicions, which makes it green.
type trafficLight struct {
	heartbeats Heartbeats
	peers      peers
	timeouts   [colours]model.Duration
	from       [colours]int64 // thousandths from which each colour holds
	dwell      model.Duration
	colour     Colour
	stays      model.Time // the colour does not change before
	pairs      []seen
	suspected  int    // how many
	silent     timers // when trusted peers are suspected
}

// seen is what is kept of one peer.
type seen struct {
	since    model.Time // last arrival
	status   int64      // what it told of itself: thousandths of its peers that it suspects
	suspects bool
}

const statusOne = 1000 // of the part of suspected peers: all

func newTrafficLight(env Env, p model.Params) (model.Automaton, error) {
	h, err := NewHeartbeats(env, p)
	if err != nil {
		return nil, err
	}
	h.kind = lightKind
	d := &trafficLight{heartbeats: h, peers: newPeers(env.Watch), pairs: make([]seen, len(env.Watch)), silent: newTimers(len(env.Watch))}
	least := model.Picosecond
	for c := range colours {
		if least, err = duration(p, c.String(), least); err != nil {
			return nil, err
		}
		d.timeouts[c] = least
	}
	if d.dwell, err = duration(p, "dwell", 0); err != nil {
		return nil, err
	}
	yellow, red := p.Probability("yellow-from"), p.Probability("red-from")
	if yellow <= 0 || yellow > red {
		return nil, &model.ParamError{Name: "yellow-from", Err: fmt.Errorf("%v is not above zero and at most red-from, %v", yellow, red)}
	}
	d.from = [colours]int64{Yellow: thousandths(yellow), Red: thousandths(red)}
	return d, nil
}

// thousandths rounds f to thousandths, and up to one at least.
func thousandths(f float64) int64 { return max(1, int64(float64(f*statusOne)+0.5)) }

const lightKind = HeartbeatKind + 1

// Colour implements [Light].
func (d *trafficLight) Colour() Colour { return d.colour }

func (d *trafficLight) Step(now model.Time, in *model.Input, out *model.Output) {
	sent := len(out.Send)
	next := d.heartbeats.next
	if d.heartbeats.Step(now, out) {
		for p := range d.pairs {
			d.pairs[p] = seen{since: now}
			d.silent.set(p, now.Add(d.timeouts[d.colour]))
		}
	}
	before := len(out.Verdicts)
	for _, p := range d.silent.pop(now) {
		d.judge(p, now, out)
	}
	if now >= next { // heartbeats were due, whether or not anybody gets them
		d.update(now, out)
		for i := range out.Send[sent:] {
			out.Send[sent+i].Arg = d.status()
		}
	}
	sortVerdicts(out.Verdicts[before:])
	if m := &in.Message; in.Kind == model.Deliver && m.Kind == lightKind && 0 <= m.Arg && m.Arg <= statusOne {
		if p := d.peers.index(m.From); p >= 0 {
			d.pairs[p].since, d.pairs[p].status = now, m.Arg
			d.judge(p, now, out)
		}
	}
	out.Wake = min(d.heartbeats.Next(), d.silent.next())
	if len(d.pairs) > 0 {
		out.Wake = min(out.Wake, d.heartbeats.next)
	}
}

// judge suspects p if it has been silent for the timeout, and trusts it if not.
func (d *trafficLight) judge(p int, now model.Time, out *model.Output) {
	a := &d.pairs[p]
	deadline := a.since.Add(d.timeouts[d.colour])
	suspects := now >= deadline
	if suspects {
		deadline = model.Never
	}
	d.silent.set(p, deadline)
	if suspects == a.suspects {
		return
	}
	a.suspects = suspects
	d.suspected--
	if suspects {
		d.suspected += 2
	}
	out.Verdicts = append(out.Verdicts, model.Verdict{Peer: d.peers.id(p), Suspected: suspects})
}

// status returns the thousandths of its peers that this process suspects.
func (d *trafficLight) status() int64 {
	if len(d.pairs) == 0 {
		return 0
	}
	return int64(d.suspected) * statusOne / int64(len(d.pairs))
}

// update lets the light change.
func (d *trafficLight) update(now model.Time, out *model.Output) {
	sum, n := d.status(), int64(1)
	for p := range d.pairs {
		if !d.pairs[p].suspects {
			sum += d.pairs[p].status
			n++
		}
	}
	colour := Green
	for colour < Red && sum >= d.from[colour+1]*n {
		colour++
	}
	if colour == d.colour || now < d.stays {
		return
	}
	d.colour, d.stays = colour, now.Add(d.dwell)
	for p := range d.pairs {
		d.judge(p, now, out)
	}
}

func (d *trafficLight) Clone() model.Automaton {
	c := *d
	c.pairs = append([]seen(nil), d.pairs...)
	c.silent = d.silent.clone()
	return &c
}

// AppendState writes the colour and how long it stays; and for each peer its status,
// whether it is suspected, and for how long it has been silent, up to the longest timeout.
func (d *trafficLight) AppendState(b []byte, now model.Time) []byte {
	b = d.heartbeats.AppendState(b, now)
	if !d.heartbeats.started {
		return b
	}
	b = append(b, byte(d.colour))
	b = appendLeft(b, d.stays, now)
	for p := range d.pairs {
		a := &d.pairs[p]
		silent, status := min(now.Sub(a.since), d.timeouts[Red]), a.status
		if silent == d.timeouts[Red] {
			status = 0 // will not count again
		}
		b = append(b, flagBits(a.suspects))
		b = binary.AppendUvarint(b, uint64(status))
		b = binary.AppendUvarint(b, uint64(silent))
	}
	return b
}

func (d *trafficLight) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	b, err = d.heartbeats.LoadState(b, now)
	d.silent.clear()
	clear(d.pairs)
	d.colour, d.stays, d.suspected = Green, 0, 0
	if err != nil || !d.heartbeats.started {
		return b, err
	}
	if len(b) == 0 || b[0] >= byte(colours) {
		return b, errEncoding
	}
	d.colour = Colour(b[0])
	if d.stays, b, err = loadLeft(b[1:], now, d.dwell); err != nil || d.stays == model.Never {
		return b, errEncoding
	}
	for p := range d.pairs {
		a := &d.pairs[p]
		if len(b) == 0 || b[0] > 1 {
			return b, errEncoding
		}
		a.suspects = b[0] == 1
		var status, silent uint64
		if status, b, err = uvarint(b[1:]); err != nil || status > statusOne {
			return b, errEncoding
		}
		if silent, b, err = uvarint(b); err != nil || silent > uint64(d.timeouts[Red]) {
			return b, errEncoding
		}
		a.since, a.status = now-model.Time(silent), int64(status)
		deadline := a.since.Add(d.timeouts[d.colour])
		switch {
		case !a.suspects:
			d.silent.set(p, deadline)
		case deadline > now:
			return b, errEncoding // suspected too early
		default:
			d.suspected++
		}
	}
	return b, nil
}
