package detectors

import (
	"encoding/binary"
	"math"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "pigeon",
		Source: "Leners, Gupta, Aguilera, Walfish, \"Improving availability in distributed systems with failure informers\", NSDI 2013",
		Doc:    "Collects what sensors in hosts and routers tell, and interprets it: a peer has stopped, cannot be reached, or might soon not be, and for how long.",
		Claims: []model.Claim{
			{Class: model.P, Under: "agents that tell the truth, no machine that stops with its hypervisor, and now and then a way for a question and its answer"},
		},
		Params: typedParams(
			model.Param{Name: "eta", Type: model.DurationParam, Default: "1s",
				Doc: "period of the questions to all sensors, which make up for lost news"},
			model.Param{Name: "timeout", Type: model.DurationParam, Default: "10s",
				Doc: "end-to-end time without an answer of the application after which a peer counts as out of reach"},
			model.Param{Name: "convergence", Type: model.DurationParam, Default: "1s",
				Doc: "how long routes take to go around a link that failed, at most"},
			model.Param{Name: "renew", Type: model.DurationParam, Default: "10s",
				Doc: "time after which the sensors are subscribed to anew, as they forget when they start anew"},
		),
		Asks:  true,
		Typed: true,
		Kinds: []model.FailureKind{model.ProcessCrash, model.HostCrash, model.RouteFailure, model.Partition},
		New:   newPigeon,
	})
}

// pigeon tells of two conditions. After a stop the target will do nothing more: that is
// certain, and lasts for ever, as a process that is started later is another. During an
// unreachability it may run, but cannot be spoken to: that is not certain, and comes with
// a hint of its duration. Either has come, or is to be expected: then the finding is a
// warning.
//
// Sensors are the systems of the peers (the process stopped: ProcessCrash), their
// hypervisors (the system did: HostCrash), and the routers next to this process and to
// the peers, with their views of the links. Routers serve as relays too: what they tell
// travels on the way of everything else. The interpreter runs at the process that
// watches. It keeps the map of the network without the links that are held for dead: of
// a link counts the last word, and one that a router held for dead is alive when it is no
// longer in that router's full answer. On the map, for each peer:
//
//   - if there is no path, it cannot be reached, for ever: Partition;
//   - if the shortest paths have become longer, those that were used are gone and
//     convergence is needed to install others: RouteFailure, for that long;
//   - the same where there is a path again after there was none;
//   - if some of the shortest paths are gone, those that remain may be the ones in use:
//     a warning of RouteFailure, for that long.
//
// An answer of the application that was asked for later ends an unreachability, and a
// stop that a sensor was wrong about. If no
// answer comes for the end-to-end time, for whatever reason, the peer is taken for
// unreachable: Partition, of no told duration. That covers what no sensor sees.
//
// What Pigeon confuses: it takes a machine without power, whose port goes down, for a
// partition, and a wedge, a long pause, congestion that lets nothing through, a rule, or
// a failure that routers do not see, as a silent interface, for one too when the
// end-to-end time has passed. A link that is dead in one direction is dead to it.
//
// Of the paper's conditions, a stop that is expected is never told, as no agent knows of
// one in advance; and there are no certainties between certain and not told.
type pigeon struct {
	opinions
	timers      timers
	self        model.ProcessID
	eta         model.Duration
	timeout     model.Duration
	convergence model.Duration
	period      model.Duration // of the subscriptions
	routers     []model.ProcessID
	started     bool
	next, renew model.Time
	targets     []pigeonTarget
	view        linkView
}

// pigeonTarget is what is kept of one peer. Its timer is the earlier of its times.
type pigeonTarget struct {
	until   model.Time // the routes are converging until then, or Never
	end     model.Time // of the end-to-end time; Never when it has passed, or the peer has stopped
	asked   model.Time // answers to questions up to that time are old
	process int64      // the incarnations that are known, 0 if none
	system  int64
}

func newPigeon(env Env, p model.Params) (model.Automaton, error) {
	if err := needsMap(env); err != nil {
		return nil, err
	}
	o, err := newOpinions(env, p)
	if err != nil {
		return nil, err
	}
	d := &pigeon{opinions: o, self: env.Self, timers: newTimers(len(env.Watch)),
		routers: routersOf(env), targets: make([]pigeonTarget, len(env.Watch)), view: newLinkView(env)}
	for _, v := range []struct {
		name string
		to   *model.Duration
	}{{"eta", &d.eta}, {"timeout", &d.timeout}, {"convergence", &d.convergence}, {"renew", &d.period}} {
		if *v.to, err = duration(p, v.name, model.Microsecond); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// routersOf returns the switches next to a process and to its peers, each once.
func routersOf(env Env) (routers []model.ProcessID) {
	add := func(host model.ProcessID) {
		at, _ := env.Map.Uplink(host)
		for _, r := range routers {
			if r == at {
				return
			}
		}
		if at >= model.ProcessID(env.Map.Hosts) {
			routers = append(routers, at)
		}
	}
	if len(env.Watch) > 0 {
		add(env.Self)
	}
	for _, q := range env.Watch {
		add(q)
	}
	return routers
}

func (d *pigeon) Step(now model.Time, in *model.Input, out *model.Output) {
	before := len(out.Verdicts)
	if !d.started {
		d.started = true
		d.next, d.renew = now, now
		for p := range d.targets {
			d.targets[p] = pigeonTarget{until: model.Never, end: now.Add(d.timeout), asked: now - 1}
			d.timers.set(p, d.targets[p].end)
		}
	}
	if now >= d.renew {
		d.renew = now.Add(d.period)
		d.subscribe(now, out)
	}
	if now >= d.next {
		d.next = now.Add(d.eta)
		d.askAll(now, out)
	}
	for _, p := range d.timers.pop(now) {
		d.due(p, now, out)
	}
	if in.Kind == model.Inform {
		d.inform(in.Evidence, now, out)
	}
	sortVerdicts(out.Verdicts[before:])
	if out.Wake = d.timers.next(); len(d.targets) > 0 {
		out.Wake = min(out.Wake, d.next, d.renew)
	}
}

func (d *pigeon) subscribe(now model.Time, out *model.Output) {
	for p := range d.targets {
		ask(d.self, d.peers.id(p), model.SystemLayer, model.Subscribe, 0, now, out)
		ask(d.self, d.peers.id(p), model.HypervisorLayer, model.Subscribe, 0, now, out)
	}
	for _, r := range d.routers {
		ask(d.self, r, model.SwitchLayer, model.Subscribe, 0, now, out)
	}
}

func (d *pigeon) askAll(now model.Time, out *model.Output) {
	for p := range d.targets {
		ask(d.self, d.peers.id(p), model.SystemLayer, model.Probe, int64(model.ApplicationLayer), now, out)
		ask(d.self, d.peers.id(p), model.HypervisorLayer, model.Probe, int64(model.SystemLayer), now, out)
	}
	for _, r := range d.routers {
		ask(d.self, r, model.SwitchLayer, model.Query, -1, now, out)
	}
}

// stopped tells whether a peer has, as far as is known.
func (d *pigeon) stopped(p int) bool {
	return d.holds(p, model.ProcessCrash) || d.holds(p, model.HostCrash)
}

func (d *pigeon) arm(p int) { d.timers.set(p, min(d.targets[p].until, d.targets[p].end)) }

// due ends the convergence of routes, or patience with the application.
func (d *pigeon) due(p int, now model.Time, out *model.Output) {
	t := &d.targets[p]
	if now >= t.until {
		t.until = model.Never
		d.withdraw(p, model.RouteFailure, out)
	}
	if now >= t.end {
		t.end = model.Never
		if !d.holds(p, model.Partition) {
			d.hold(p, now, model.Finding{Kind: model.Partition}, Reason{From: d.peers.id(p)}, out)
		}
	}
	d.arm(p)
}

// inform interprets what a sensor tells.
func (d *pigeon) inform(e *model.Evidence, now model.Time, out *model.Output) {
	switch e.Kind {
	case model.LinkState, model.PortState:
		for _, r := range d.routers {
			if r == e.From {
				if d.view.inform(e, d.next.Add(-d.eta)) {
					d.interpret(e, now, out)
				}
			}
		}
		return
	}
	p := d.peers.index(e.About)
	if p < 0 || e.From != e.About {
		return
	}
	switch {
	case e.Kind == model.Reset || e.Kind == model.Finish:
		d.informOfProcess(p, e, false, now, out)
	case e.Kind != model.Liveness:
	case e.Layer == model.ProcessLayer || e.Layer == model.ApplicationLayer:
		d.informOfProcess(p, e, e.Alive, now, out)
	case e.Layer == model.SystemLayer:
		d.informOfSystem(p, e, now, out)
	}
}

// recent tells whether e answers a question that was asked after the time that the target
// holds, and not longer than the end-to-end time ago.
func (d *pigeon) recent(t *pigeonTarget, e *model.Evidence, now model.Time) bool {
	return answers(e, max(t.asked, now-model.Time(d.timeout)), now)
}

func (d *pigeon) informOfProcess(p int, e *model.Evidence, alive bool, now model.Time, out *model.Output) {
	t := &d.targets[p]
	older, newer := generation(&t.process, e)
	recent := d.recent(t, e, now)
	switch {
	case older:
	case !alive:
		// A reset that names no incarnation tells of the one that a message went to.
		if pushed(e) || recent || e.Kind != model.Liveness {
			d.stop(p, model.ProcessCrash, e, now, out)
		}
	case newer:
		d.live(p, now, now, out)
	case recent && e.Layer == model.ApplicationLayer:
		d.live(p, askedAt(e), now, out)
	}
}

func (d *pigeon) informOfSystem(p int, e *model.Evidence, now model.Time, out *model.Output) {
	t := &d.targets[p]
	older, _ := generation(&t.system, e)
	if !older && !e.Alive && (pushed(e) || d.recent(t, e, now)) {
		d.stop(p, model.HostCrash, e, now, out)
	}
}

// stop notes that a peer stopped. Its system takes the process along.
func (d *pigeon) stop(p int, kind model.FailureKind, e *model.Evidence, now model.Time, out *model.Output) {
	if d.holds(p, model.HostCrash) || d.holds(p, kind) {
		return
	}
	d.holdOnly(p, now, model.Finding{Kind: kind, Certainty: model.Certain, Lasts: model.Forever}, Reason{Evidence: e.Kind, From: e.From}, out)
	t := &d.targets[p]
	t.until, t.end, t.asked = model.Never, model.Never, now
	d.arm(p)
}

// live notes that the application was well at some time after it was asked: then it ran,
// and there was a way. A warning stands, as others may go another way.
func (d *pigeon) live(p int, asked, now model.Time, out *model.Output) {
	t := &d.targets[p]
	t.asked = max(t.asked, asked)
	t.end = now.Add(d.timeout)
	d.withdraw(p, model.ProcessCrash, out)
	d.withdraw(p, model.HostCrash, out)
	d.withdraw(p, model.Partition, out)
	if i, found := d.find(p, model.RouteFailure); !found || !d.held[p][i].finding.Warning {
		t.until = model.Never
		d.withdraw(p, model.RouteFailure, out)
	}
	d.arm(p)
}

// interpret looks at the map after a change.
func (d *pigeon) interpret(e *model.Evidence, now model.Time, out *model.Output) {
	place := e.Place
	if place == model.Nowhere && len(e.Links) > 0 {
		place = e.Links[0] // of several, the first stands for all
	}
	for p := range d.targets {
		if d.stopped(p) {
			continue
		}
		t, q := &d.targets[p], d.peers.id(p)
		was, is := d.view.before.distance[q], d.view.now.distance[q]
		why := Reason{Evidence: e.Kind, From: e.From, Place: place}
		f := model.Finding{Kind: model.RouteFailure, Place: place, Lasts: d.convergence}
		switch {
		case is < 0 && was >= 0:
			t.until, t.asked = model.Never, now
			d.withdraw(p, model.RouteFailure, out)
			d.hold(p, now, model.Finding{Kind: model.Partition, Place: place, Lasts: model.Forever}, why, out)
		case is < 0:
		case was < 0 || is > was:
			t.until, t.asked = now.Add(d.convergence), now
			d.withdraw(p, model.Partition, out)
			d.hold(p, now, f, why, out)
		case is == was && d.view.now.count[q] < d.view.before.count[q] && !d.holds(p, model.RouteFailure):
			t.until = now.Add(d.convergence)
			f.Warning = true
			d.hold(p, now, f, why, out)
		}
		d.arm(p)
	}
}

func (d *pigeon) Clone() model.Automaton {
	c := *d
	c.opinions, c.timers = d.opinions.clone(), d.timers.clone()
	c.targets = append([]pigeonTarget(nil), d.targets...)
	c.view = d.view.clone()
	return &c
}

// AppendState writes what is left until the next questions and subscriptions; the links
// that are dead; for each peer its times and incarnations; and the
// opinions. When the routers were asked follows from when they will be asked next.
func (d *pigeon) AppendState(b []byte, now model.Time) []byte {
	if !d.started {
		return append(b, notStarted)
	}
	b = appendLeft(append(b, idle), d.next, now)
	b = appendLeft(b, d.renew, now)
	b = d.view.appendState(b)
	for p := range d.targets {
		t := &d.targets[p]
		b = appendLeft(b, t.until, now)
		b = appendLeft(b, t.end, now)
		b = binary.AppendUvarint(b, uint64(min(now.Sub(t.asked), d.timeout)))
		b = binary.AppendUvarint(b, uint64(t.process))
		b = binary.AppendUvarint(b, uint64(t.system))
	}
	return d.opinions.appendState(b, now)
}

func (d *pigeon) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	d.timers.clear()
	r := NewReader(b)
	d.started = r.UpTo(uint64(idle)) == uint64(idle)
	if !d.started || r.Failed() {
		d.opinions.clear()
		return r.Rest()
	}
	d.next, d.renew = r.Left(now, d.eta), r.Left(now, d.period)
	d.view.load(&r)
	for p := range d.targets {
		t := pigeonTarget{until: r.Left(now, d.convergence), end: r.Left(now, d.timeout), asked: now - model.Time(r.UpTo(uint64(d.timeout))),
			process: int64(r.UpTo(math.MaxInt64)), system: int64(r.UpTo(math.MaxInt64))}
		d.targets[p] = t
		d.arm(p)
	}
	if r.Fail(d.next == model.Never || d.renew == model.Never); r.Failed() {
		return r.Rest()
	}
	b, _ = r.Rest()
	return d.opinions.loadState(b, now)
}
