package properties

import (
	"container/heap"
	"fmt"

	"suspect/model"
	"suspect/sim"
)

// Factory makes the automaton of one process, the detector, for the processes 0..n-1, each
// of which monitors all others. It is called again when the process recovers.
type Factory func(self model.ProcessID, n int) model.Automaton

// Run runs the plan with the detectors that the factory makes, and tells every record to
// observe: of processes, of messages (a Packet is the number of a message, in the order of
// sending) and of verdicts. Records are in the order of time and lent for the call.
//
// Each process has one automaton and is stepped on each message and at each wake-up that
// it asked for. Of the same instant crashes and pauses come first, then the inputs that
// waited for the end of a pause, messages, and wake-ups.
func (p *Plan) Run(factory Factory, observe func(*model.Record)) Counts {
	return p.run(factory, observe, nil)
}

// Counts tell what happened in a run of a plan, so that one can see what was tested.
type Counts struct {
	Sent, Delivered, Lost int // messages
	Late                  int // messages that took longer than the plan's Delay
	Crashes, Recoveries   int
	Paused                int // inputs that waited
	Suspicions            int // of a failure of the host, that began
	Mistakes              int // of them, of processes that were up
	Detections            int // of them, of processes that were down
}

// Merge adds the counts of o.
func (c *Counts) Merge(o Counts) {
	c.Sent += o.Sent
	c.Delivered += o.Delivered
	c.Lost += o.Lost
	c.Late += o.Late
	c.Crashes += o.Crashes
	c.Recoveries += o.Recoveries
	c.Paused += o.Paused
	c.Suspicions += o.Suspicions
	c.Mistakes += o.Mistakes
	c.Detections += o.Detections
}

// meddler changes an automaton before it takes an input, in a way that must not matter.
// Early tells that it did not ask to be woken up by now.
type meddler func(q model.ProcessID, a model.Automaton, local model.Time, in *model.Input, early bool) model.Automaton

// run is Run, with a meddler or nil.
func (p *Plan) run(factory Factory, observe func(*model.Record), meddle meddler) Counts {
	r := newPlanRun(p, factory, observe)
	r.meddle = meddle
	r.run()
	return r.counts
}

// planRun is a run of a plan.
type planRun struct {
	plan      *Plan
	factory   Factory
	observe   func(*model.Record)
	meddle    meddler
	now       model.Time
	processes []planned
	agenda    agenda
	ordinal   int64
	messages  uint64
	fates     *sim.Stream // of messages
	out       model.Output
	counts    Counts
}

// planned is a process of a plan.
type planned struct {
	automaton model.Automaton // nil while it is down or has not started
	begun     bool
	down      bool
	wake      model.Time // true time
	life      int        // counts its starts
	drift     int64
	resumes   model.Time // the end of its pause
	choices   *sim.Stream
	suspects  []uint16     // by peer: the kinds of host failure that it says hold
	arrivals  []model.Time // by peer: of the last message to it
}

// task is something to do at a time.
type task struct {
	at      model.Time
	order   uint8 // of those at one time
	ordinal int64
	do      func()
}

const (
	changesFirst uint8 = iota // crashes, recoveries, starts and pauses
	waitedNext                // inputs that came before, during a pause
	messagesNext
	wakesLast
)

// agenda is a heap of tasks.
type agenda []task

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	x, y := &a[i], &a[j]
	if x.at != y.at {
		return x.at < y.at
	}
	if x.order != y.order {
		return x.order < y.order
	}
	return x.ordinal < y.ordinal
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(task)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

func newPlanRun(p *Plan, factory Factory, observe func(*model.Record)) *planRun {
	r := &planRun{plan: p, factory: factory, observe: observe, fates: sim.NewStream(p.Seed, "messages")}
	for q := range p.Processes {
		x := planned{wake: model.Never, choices: sim.NewStream(p.Seed, fmt.Sprintf("choices/%d", q)), suspects: make([]uint16, p.Processes), arrivals: make([]model.Time, p.Processes)}
		if q < len(p.Drifts) {
			x.drift = p.Drifts[q]
		}
		r.processes = append(r.processes, x)
		var start model.Duration
		if q < len(p.Starts) {
			start = p.Starts[q]
		}
		r.at(start, changesFirst, func() { r.begin(model.ProcessID(q)) })
	}
	for _, c := range p.Crashes {
		r.at(c.At, changesFirst, func() { r.crash(c.Process) })
		if c.For > 0 {
			r.at(c.At+c.For, changesFirst, func() { r.recover(c.Process) })
		}
	}
	for _, x := range p.Pauses {
		r.at(x.At, changesFirst, func() {
			q := &r.processes[x.Process]
			q.resumes = max(q.resumes, r.now.Add(x.For))
		})
	}
	return r
}

func (r *planRun) at(t model.Duration, order uint8, do func()) {
	r.ordinal++
	heap.Push(&r.agenda, task{model.Time(t), order, r.ordinal, do})
}

// maxPlanSteps is above what automata do that wait between two steps, in plans as claims
// make them.
const maxPlanSteps = 1_000_000

func (r *planRun) run() {
	end := model.Time(r.plan.Horizon)
	for steps := 0; len(r.agenda) > 0 && r.agenda[0].at <= end; steps++ {
		t := heap.Pop(&r.agenda).(task)
		r.now = t.at
		t.do()
		if steps == maxPlanSteps {
			panic(fmt.Sprintf("properties: more than %d steps by %v of %v: does a detector never wait, or wake up too often for a run of this length?", maxPlanSteps, r.now, end))
		}
	}
}

func (r *planRun) begin(q model.ProcessID) {
	x := &r.processes[q]
	x.begun = true
	r.tell(model.Record{Kind: model.Started, Process: q, Peer: model.Nobody})
	if !x.down {
		r.boot(q)
	}
}

func (r *planRun) crash(q model.ProcessID) {
	x := &r.processes[q]
	x.down = true
	x.automaton, x.wake = nil, model.Never
	x.life++
	r.counts.Crashes++
	r.tell(model.Record{Kind: model.Crashed, Process: q, Peer: model.Nobody, Failure: model.ProcessCrash})
}

func (r *planRun) recover(q model.ProcessID) {
	x := &r.processes[q]
	x.down = false
	clear(x.suspects)
	r.counts.Recoveries++
	r.tell(model.Record{Kind: model.Recovered, Process: q, Peer: model.Nobody, Failure: model.ProcessCrash})
	if x.begun {
		r.boot(q)
	}
}

// boot makes the automaton of process q.
func (r *planRun) boot(q model.ProcessID) {
	x := &r.processes[q]
	x.life++
	x.automaton = r.factory(q, r.plan.Processes)
	r.input(q, model.Input{Kind: model.Start})
}

// local returns what the clock of x shows at time t.
func (x *planned) local(t model.Time) model.Time {
	const million = 1_000_000
	return t + t/million*model.Time(x.drift) + t%million*model.Time(x.drift)/million
}

// due returns the first time at which the clock of x shows local or more.
func (x *planned) due(local model.Time) model.Time {
	const million = 1_000_000
	if x.drift == 0 || local > model.MaxTime {
		return local
	}
	rate := million + model.Time(x.drift)
	t := local/rate*million + local%rate*million/rate
	for x.local(t) < local {
		t++
	}
	for t > 0 && x.local(t-1) >= local {
		t--
	}
	return t
}

// input hands an input to process q, after its pause if there is one.
func (r *planRun) input(q model.ProcessID, in model.Input) {
	x := &r.processes[q]
	if x.automaton == nil {
		return
	}
	if x.resumes > r.now {
		r.counts.Paused++
		life := x.life
		r.at(model.Duration(x.resumes), waitedNext, func() {
			if x.life == life {
				r.input(q, in)
			}
		})
		return
	}
	local := x.local(r.now)
	if r.meddle != nil {
		x.automaton = r.meddle(q, x.automaton, local, &in, in.Kind == model.Deliver && x.wake > r.now)
	}
	in.Random = x.choices
	r.out.Reset()
	x.automaton.Step(local, &in, &r.out)
	if r.out.Wake <= local {
		panic(fmt.Sprintf("properties: the detector of process %d asks at local time %v to be woken at %v", q, local, r.out.Wake))
	}
	r.wakeAt(q, r.out.Wake)
	for _, v := range r.out.Verdicts {
		r.verdict(q, v)
	}
	for i := range r.out.Send {
		r.send(q, r.out.Send[i])
	}
}

// wakeAt arms the wake-up of process q, by its own clock, in place of any other.
func (r *planRun) wakeAt(q model.ProcessID, local model.Time) {
	if local == model.Never {
		r.processes[q].wake = model.Never
		return
	}
	r.arm(q, r.processes[q].due(local))
}

// arm wakes process q up at a time, or after the pause in which that lies.
func (r *planRun) arm(q model.ProcessID, wake model.Time) {
	x := &r.processes[q]
	life := x.life
	x.wake = wake
	// In the order of processes, and after messages also after a pause: when a wake-up was
	// asked for, which may be early, must not matter.
	heap.Push(&r.agenda, task{wake, wakesLast, int64(q), func() {
		switch {
		case x.life != life || x.wake != wake:
		case x.resumes > r.now:
			r.counts.Paused++
			r.arm(q, x.resumes)
		default:
			x.wake = model.Never
			r.input(q, model.Input{Kind: model.Wake})
		}
	}})
}

func (r *planRun) verdict(q model.ProcessID, v model.Verdict) {
	rec := model.Record{Kind: model.Trusted, Process: q, Peer: v.Peer, Failure: v.Kind, Warning: v.Warning}
	if v.Suspected {
		rec.Kind, rec.Certainty, rec.Place = model.Suspected, v.Certainty, int32(v.Place)
	}
	r.tell(rec)
	if v.Warning || !v.Kind.HostFailure() {
		return // the classes do not speak of it
	}
	set := &r.processes[q].suspects[v.Peer]
	before := *set
	*set &^= 1 << v.Kind
	if v.Suspected {
		*set |= 1 << v.Kind
	}
	if before == 0 && *set != 0 {
		r.counts.Suspicions++
		if peer := &r.processes[v.Peer]; peer.down {
			r.counts.Detections++
		} else if peer.begun {
			r.counts.Mistakes++
		}
	}
}

// send decides the fate of a message. The draws are made in any case, so that a message
// less in the plan's troubles changes nobody else's.
func (r *planRun) send(q model.ProcessID, m model.Message) {
	if m.Layer != model.ProcessLayer || m.To < 0 || int(m.To) >= len(r.processes) {
		return // there are no agents here
	}
	m.From = q
	r.messages++
	r.counts.Sent++
	packet := model.Record{Process: q, Peer: m.To, Packet: r.messages, SentAt: r.now, Seq: m.Seq}
	packet.Kind = model.Sent
	r.tell(packet)
	share, luck, stormShare, stormLuck := r.share(), r.fates.Float64(), r.share(), r.fates.Float64()
	lost := luck < r.plan.Loss || r.cut(q, m.To)
	delay := model.Duration(share * float64(r.plan.Delay))
	for _, s := range r.plan.Storms {
		if during(r.now, s.At, s.For) {
			lost = lost || stormLuck < s.Loss
			delay += model.Duration(stormShare * float64(s.Delay))
		}
	}
	if lost {
		r.counts.Lost++
		packet.Kind, packet.Cause = model.Dropped, model.LinkLoss
		r.tell(packet)
		return
	}
	if delay > r.plan.Delay {
		r.counts.Late++
	}
	arrives := r.now.Add(delay)
	if last := &r.processes[q].arrivals[m.To]; r.plan.Ordered {
		arrives = max(arrives, *last)
		*last = arrives
	}
	r.at(model.Duration(arrives), messagesNext, func() {
		x := &r.processes[m.To]
		if x.automaton == nil {
			packet.Kind, packet.Cause = model.Dropped, model.ProcessDown
			r.tell(packet)
			return
		}
		r.counts.Delivered++
		packet.Kind, packet.Process, packet.Peer = model.Delivered, m.To, q
		r.tell(packet)
		r.input(m.To, model.Input{Kind: model.Deliver, Message: m})
	})
}

// share draws which share of the longest delay a message takes: none and all of it are
// likely, since detectors break at the ends.
func (r *planRun) share() float64 {
	u := r.fates.Float64()
	switch {
	case u < 0.2:
		return 0
	case u < 0.4:
		return 1
	}
	return (u - 0.4) / 0.6
}

// cut tells whether a partition keeps messages of process q from process to, now.
func (r *planRun) cut(q, to model.ProcessID) bool {
	for _, x := range r.plan.Partitions {
		if during(r.now, x.At, x.For) && x.Group.Has(q) != x.Group.Has(to) && (!x.OneWay || x.Group.Has(to)) {
			return true
		}
	}
	return false
}

// during tells whether now is in the time from at on that lasts so long.
func during(now model.Time, at, lasts model.Duration) bool {
	return model.Duration(now) >= at && model.Duration(now) < at+lasts
}

func (r *planRun) tell(rec model.Record) {
	if r.observe != nil {
		rec.At = r.now
		r.observe(&rec)
	}
}
