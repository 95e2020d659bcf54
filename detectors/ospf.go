package detectors

import (
	"slices"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "ospf",
		Source: "RFC 2328 (OSPF version 2): the Hello protocol, section 9.5, and the neighbour states up to 2-Way, sections 10.1 to 10.5, on point-to-point links",
		Doc:    "Exchanges Hellos with its neighbours, and suspects one whose Hellos stop for the dead interval, or no longer name this process.",
		Claims: []model.Claim{
			{Class: model.P, Under: "no loss, delays below half the dead interval less the Hello interval, messages in the order of their sending, drift-free clocks, no pauses, all processes start together and none recovers", Given: ordered(prompt(ospfBound, times(3, "dead")))},
			{Class: model.EventuallyP, Under: "the same from some time on, except that before it processes start and messages are lost or late at will", Given: finally(ordered(prompt(ospfBound, times(3, "dead"))), times(3, "dead"))},
		},
		Params: []model.Param{
			{Name: "hello", Type: model.DurationParam, Default: "10s",
				Doc: "HelloInterval, the period of the Hellos; 30s is customary on non-broadcast networks"},
			{Name: "dead", Type: model.DurationParam, Default: "40s",
				Doc: "RouterDeadInterval, the silence after which a neighbour is down; 120s is customary on non-broadcast networks"},
			{Name: "two-way", Type: model.SwitchParam, Default: "true",
				Doc: "count a neighbour as up only if its Hellos name this process, so that a link which fails in one direction fails at both ends"},
			{Name: "stagger", Type: model.SwitchParam, Default: "true",
				Doc: "spread the processes' Hellos evenly over the interval"},
		},
		New: newOSPF,
	})
}

// ospf is the liveness part of OSPF: the Hello protocol on point-to-point links, one to
// each process that this one watches or that watches it. A Hello names the neighbour if
// a Hello of it came within the dead interval. A neighbour whose Hellos name this
// process is 2-Way. It falls back when a Hello does not name this process (the event
// 1-WayReceived), as when the other direction of the link is broken or the neighbour has
// restarted, and when no Hello came for the dead interval (InactivityTimer). A Hello at
// that very moment is too late.
//
// A neighbour is suspected while it is not 2-Way, except that at first each has the dead
// interval from the start to get there. (The protocol itself starts with everybody down;
// detectors here start with trust.)
//
// Left out are adjacencies and databases, designated routers, and the poll interval for
// neighbours that are down on non-broadcast networks. The payload of a Hello is 44 bytes,
// and 4 more if it names the neighbour (RFC 2328, A.3.2).
type ospf struct {
	hellos  Heartbeats // to all neighbours
	peers   peers      // all neighbours
	watched []bool
	dead    model.Duration
	check   bool // of both directions
	links   []link
	silent  timers // inactivity timers, of neighbours whose Hellos are recent
	grace   model.Time
}

// link is what is kept of one neighbour, beside its inactivity timer.
type link struct {
	young  bool // has never been 2-Way, and need not yet
	twoWay bool
}

const helloKind = HeartbeatKind + 1

// The payload of a Hello, in bytes.
const (
	helloBytes     = 24 + 20 // header, and body without neighbours
	helloNameBytes = 4       // of each neighbour that it names
)

func newOSPF(env Env, p model.Params) (model.Automaton, error) {
	if err := env.Check(); err != nil {
		return nil, err
	}
	hello, err := duration(p, "hello", model.Picosecond)
	if err != nil {
		return nil, err
	}
	dead, err := duration(p, "dead", model.Picosecond)
	if err != nil {
		return nil, err
	}
	all := neighbours(env)
	d := &ospf{hellos: newSender(env, hello, p.Switch("stagger"), helloKind, all), peers: newPeers(all),
		watched: contained(all, env.Watch), dead: dead, check: p.Switch("two-way"), links: make([]link, len(all)), silent: newTimers(len(all))}
	d.reset()
	return d, nil
}

func (d *ospf) reset() {
	d.silent.clear()
	clear(d.links)
	d.grace = model.Never
}

func (d *ospf) Step(now model.Time, in *model.Input, out *model.Output) {
	before := len(out.Verdicts)
	for _, k := range d.silent.pop(now) {
		d.judge(k, false, out)
	}
	if now >= d.grace {
		d.grace = model.Never
		for k := range d.links {
			if d.links[k].young {
				d.links[k].young = false
				d.say(k, true, out)
			}
		}
	}
	sortVerdicts(out.Verdicts[before:])
	sent := len(out.Send)
	if d.hellos.Step(now, out) {
		for k := range d.links {
			d.links[k].young = true
		}
		d.grace = now.Add(d.dead)
	}
	for i := range out.Send[sent:] { // one to each neighbour, if any
		m := &out.Send[sent+i]
		m.Bytes = helloBytes
		if d.silent.has(i) {
			m.Arg = 1
			m.Bytes += helloNameBytes
		}
	}
	if in.Kind == model.Deliver && in.Message.Kind == helloKind {
		if k := d.peers.index(in.Message.From); k >= 0 {
			d.silent.set(k, now.Add(d.dead))
			d.judge(k, in.Message.Arg == 1 || !d.check, out)
		}
	}
	out.Wake = min(d.hellos.Next(), d.silent.next(), d.patience())
}

// judge takes note that neighbour k is 2-Way or not.
func (d *ospf) judge(k int, twoWay bool, out *model.Output) {
	l := &d.links[k]
	if twoWay != l.twoWay {
		l.twoWay = twoWay
		if !l.young {
			d.say(k, !twoWay, out)
		}
	}
	l.young = l.young && !twoWay
}

func (d *ospf) say(k int, suspected bool, out *model.Output) {
	if d.watched[k] {
		out.Verdicts = append(out.Verdicts, model.Verdict{Peer: d.peers.id(k), Suspected: suspected})
	}
}

// patience returns the time at which young neighbours will be suspected.
func (d *ospf) patience() model.Time {
	if d.grace == model.Never || slices.ContainsFunc(d.links, func(l link) bool { return l.young }) {
		return d.grace
	}
	d.grace = model.Never // nobody is young again
	return d.grace
}

func (d *ospf) Clone() model.Automaton {
	c := *d
	c.links = append([]link(nil), d.links...)
	c.silent = d.silent.clone()
	return &c
}

// AppendState writes the time left to young neighbours, and for each neighbour whether it
// is young or 2-Way and what is left of its inactivity timer.
func (d *ospf) AppendState(b []byte, now model.Time) []byte {
	b = d.hellos.AppendState(b, now)
	if !d.hellos.started {
		return b
	}
	b = appendLeft(b, d.grace, now)
	for k, l := range d.links {
		b = append(b, flagBits(l.young, l.twoWay))
		b = appendLeft(b, d.silent.at(k), now)
	}
	return b
}

func (d *ospf) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	b, err = d.hellos.LoadState(b, now)
	d.reset()
	if err != nil || !d.hellos.started {
		return b, err
	}
	if d.grace, b, err = loadLeft(b, now, d.dead); err != nil {
		return b, err
	}
	for k := range d.links {
		if len(b) == 0 || b[0] > 2 || b[0]&1 != 0 && d.grace == model.Never {
			return b, errEncoding
		}
		d.links[k] = link{b[0]&1 != 0, b[0]&2 != 0}
		var at model.Time
		if at, b, err = loadLeft(b[1:], now, d.dead); err != nil || d.links[k].twoWay && at == model.Never {
			return b, errEncoding
		}
		d.silent.set(k, at)
	}
	d.patience()
	return b, nil
}
