package network

import (
	"fmt"
	"iter"
	"slices"

	"suspect/model"
	"suspect/sim"
)

// process is the process of one host.
type process struct {
	starting sim.Timer
	crashes  int32     // of the process that hold, beside those of its host
	down     bool      // it or its host is crashed
	begun    bool      // its start has come
	running  bool      // begun and not down
	pauses   int32     // that hold
	slow     *slowness // nil if it never was
	wedges   int32     // that hold
	wedged   bool      // its application is stuck
	queues   bool      // it is paused, slow or wedged: inputs wait
	panels   []panel
	waiting  []stimulus // inputs, from the one numbered first on
	first    int
	stuck    []stimulus // inputs of the application, which is wedged

	incarnation int64 // how often it started
}

// stimulus is an input that waits for a process, in the order in which it became due.
type stimulus struct {
	input     model.Input
	automaton int32 // of a wake-up
	panel     uint8 // of a message
}

// panel is a group of automata on the same messages.
type panel struct {
	priority    model.Priority
	application bool
	first       int32 // index in Network.automata
	n           int32
}

// hosted is an automaton on its host, with the timer of its wake-up.
type hosted struct {
	model.Automaton // nil while the process is down
	make            func() model.Automaton
	wake            sim.Timer
	process         model.ProcessID
	panel           uint8
	detector        uint8
	speaks          bool
	queues          bool        // its inputs wait
	wakes           model.Time  // local time of the wake-up that is asked for; kept only where there are clocks
	random          *sim.Stream // nil until it is first drawn from
}

// choices are the network as the source of the choices of the automaton that it
// steps. Each automaton has a stream of its own, choices/"HOST"/DETECTOR, which goes
// on after a crash.
type choices Network

// IntN draws from the stream of the automaton that takes a step.
func (c *choices) IntN(n int) int {
	h := c.choosing
	if h.random == nil {
		h.random = c.kernel.Stream(fmt.Sprintf("choices/%q/%d", c.topology.Names[h.process], h.detector))
	}
	return h.random.IntN(n)
}

// Panel is a group of automata of one process that live on the same messages.
// All are stepped with every message that the first of the panel receives from
// its kind; only the first one's messages are sent, so that the others must be
// ones that would send the same. A detector that compares with no other is a
// panel by itself.
type Panel struct {
	// New makes the automata, at the start of the process and at each recovery.
	New []func() model.Automaton

	// Detectors number the automata in records.
	Detectors []uint8

	// Priority is the least priority of the panel's messages.
	Priority model.Priority

	// Application tells that the automata are the work of the process, which stands still
	// while it is wedged, and not what answers that it is alive.
	Application bool
}

// Attach gives process p its automata, which start at the given time. Panel i of
// one process talks to panel i of the others, so all have as many, and at most 256.
// Attach is called before the run, once for a process.
func (n *Network) Attach(p model.ProcessID, start model.Time, panels ...Panel) {
	pr := &n.processes[p]
	if len(pr.panels) != 0 {
		panic(fmt.Sprintf("network: process %d has its automata already", p))
	}
	if n.panels < 0 {
		n.panels = len(panels)
		n.speakers = make([]uint8, len(panels))
		for i, panel := range panels {
			if len(panel.Detectors) > 0 {
				n.speakers[i] = panel.Detectors[0]
			}
		}
	}
	if len(panels) != n.panels || len(panels) > 256 {
		panic(fmt.Sprintf("network: process %d has %d panels, others have %d", p, len(panels), n.panels))
	}
	for tag, panel := range panels {
		pr.panels = append(pr.panels, newPanel(panel, len(n.automata)))
		for j, makeOne := range panel.New {
			slot := uint32(len(n.automata))
			n.automata = append(n.automata, hosted{
				make: makeOne, process: p, panel: uint8(tag), detector: panel.Detectors[j], speaks: j == 0,
				wake: n.kernel.NewTimer((*wakes)(n), slot), wakes: model.Never,
			})
		}
	}
	n.kernel.Arm(pr.starting, start)
}

func newPanel(p Panel, first int) panel {
	if len(p.New) != len(p.Detectors) {
		panic("network: a panel needs one detector number for each automaton")
	}
	return panel{priority: p.Priority, application: p.Application, first: int32(first), n: int32(len(p.New))}
}

// starts and wakes are the network as the handler of its processes' timers.
type (
	starts Network // the argument is the process
	wakes  Network // the argument is the index of the automaton
)

// Fire starts a process.
func (s *starts) Fire(arg uint32) {
	n := (*Network)(s)
	n.processes[arg].begun = true
	n.emitProcess(model.Started, model.ProcessID(arg), model.Unspecified)
	n.updateProcess(model.ProcessID(arg), model.Unspecified)
}

// Fire wakes an automaton up.
func (w *wakes) Fire(arg uint32) {
	n := (*Network)(w)
	h := &n.automata[arg]
	n.in = model.Input{Kind: model.Wake, Random: (*choices)(n)}
	if h.queues {
		h.wakes = model.Never
		n.wait(h.process, int32(arg), 0)
		return
	}
	n.step(h)
}

// updateProcess starts or stops process p after something that it depends on
// changed; kind is the kind of the crash that struck or ended, if one did.
func (n *Network) updateProcess(p model.ProcessID, kind model.FailureKind) {
	pr := &n.processes[p]
	if down := pr.crashes != 0 || n.hostDown[p] != 0; down != pr.down {
		pr.down = down
		if down {
			n.emitProcess(model.Crashed, p, kind)
		} else {
			n.emitProcess(model.Recovered, p, kind)
		}
	}
	running := pr.begun && !pr.down
	if running == pr.running {
		return
	}
	pr.running = running
	if running {
		pr.incarnation++
	}
	switch {
	case !running:
		pr.forget()
		pr.stuck = nil
		n.unwedge(p)
		n.restartWork(pr)
		for h := range n.automataOf(pr) {
			h.Automaton, h.wakes = nil, model.Never
			n.kernel.Disarm(h.wake)
		}
	case pr.holds():
		n.in = model.Input{Kind: model.Start}
		n.wait(p, 0, 0)
	default:
		n.start(pr)
	}
	n.processChanged(p)
}

// forget empties what waits, and lets go of the bodies of messages.
func (pr *process) forget() {
	clear(pr.waiting)
	pr.waiting, pr.first = pr.waiting[:0], 0
}

// holds tells whether all inputs of a process wait, as while it is paused or slow.
func (pr *process) holds() bool { return pr.pauses != 0 || pr.slow != nil && len(pr.slow.by) != 0 }

// start makes the automata of a process.
func (n *Network) start(pr *process) {
	for h := range n.automataOf(pr) {
		h.Automaton = h.make()
		n.in = model.Input{Kind: model.Start, Random: (*choices)(n)}
		n.step(h)
	}
}

// automataOf yields the automata of a process.
func (n *Network) automataOf(pr *process) iter.Seq[*hosted] {
	return func(yield func(*hosted) bool) {
		for _, panel := range pr.panels {
			for j := panel.first; j < panel.first+panel.n; j++ {
				if !yield(&n.automata[j]) {
					return
				}
			}
		}
	}
}

// step runs automaton h on the input in n.in and does what it asks for.
func (n *Network) step(h *hosted) {
	now := n.kernel.Now()
	local := now
	if n.clocks != nil {
		local = n.clocks[h.process].at(now)
	}
	n.out.Reset()
	n.choosing = h
	h.Step(local, &n.in, &n.out)
	if n.out.Wake <= local {
		panic(fmt.Sprintf("network: detector %d of process %d asks at local time %v to be woken at %v", h.detector, h.process, local, n.out.Wake))
	}
	wake := n.out.Wake
	if n.clocks != nil {
		h.wakes = wake
		wake = n.clocks[h.process].when(wake, now)
	}
	n.kernel.Arm(h.wake, wake)
	for _, v := range n.out.Verdicts {
		kind := model.Trusted
		if v.Suspected {
			kind = model.Suspected
		}
		if n.kernel.Records.Wants(kind) {
			n.record = model.Record{
				At: now, Kind: kind, Process: h.process, Peer: v.Peer, Failure: v.Kind, Detector: h.detector, Warning: v.Warning,
			}
			if v.Suspected {
				n.record.Certainty, n.record.Place = v.Certainty, int32(v.Place)
			}
			n.kernel.Records.Emit(&n.record)
		}
	}
	for _, a := range n.out.Announcements {
		if n.kernel.Records.Wants(model.Announced) {
			n.record = model.Record{
				At: now, Kind: model.Announced, Process: h.process, Peer: a.Peer, Detector: h.detector,
				Announcement: a.Kind, Seq: a.Seq, SentAt: model.Time(a.Value),
			}
			n.kernel.Records.Emit(&n.record)
		}
	}
	if !h.speaks || len(n.out.Send) == 0 {
		return
	}
	priority := n.processes[h.process].panels[h.panel].priority
	for i := range n.out.Send {
		n.sendMessage(h.process, &n.out.Send[i], h.panel, priority)
	}
}

// receive ends packet i at its host, where it arrived over link l.
func (n *Network) receive(host NodeID, l LinkID, i int32) {
	x := &n.pool.packets[i]
	pr := &n.processes[host]
	switch {
	case x.to != host:
		n.drop(i, l, model.NoRoute)
		return
	case x.flags&isControl != 0:
		n.receiveControl(host, l, i)
		return
	case n.hostDown[host] != 0:
		n.drop(i, l, model.HostDown)
		return
	case x.flags&isTraffic == 0 && !pr.running:
		n.refuse(host, x)
		n.drop(i, l, model.ProcessDown)
		return
	}
	n.delivered++
	if n.kernel.Records.Wants(model.Delivered) {
		n.emit(model.Delivered, x, l, 0)
	}
	if x.flags&isTraffic != 0 {
		n.pool.put(i)
		return
	}
	if n.informants != nil && n.informants.Resets {
		n.meet(host, x.from, x.panel)
	}
	n.in.Kind, n.in.Random = model.Deliver, (*choices)(n)
	n.pool.message(i, &n.in.Message)
	panel := x.panel
	if x.news != 0 {
		n.receiveNews(host, i)
		return
	}
	n.pool.put(i)
	n.hand(host, panel)
}

// hand lets the automata of a panel of a process take the input in n.in, now or when the
// process does.
func (n *Network) hand(host NodeID, panel uint8) {
	pr := &n.processes[host]
	if pr.queues {
		n.wait(model.ProcessID(host), 0, panel)
		return
	}
	n.stepPanel(&pr.panels[panel])
}

// stepPanel runs the automata of a panel on the input in n.in.
func (n *Network) stepPanel(panel *panel) {
	for j := panel.first; j < panel.first+panel.n; j++ {
		n.step(&n.automata[j])
	}
}

// wait keeps the input in n.in until process p takes it. Of a process that is wedged and no
// more, it keeps those of its application alone. It is kept out of line, for its callers
// are on the way of every message.
//
//go:noinline
func (n *Network) wait(p model.ProcessID, automaton int32, panel uint8) {
	pr := &n.processes[p]
	if !pr.holds() {
		n.consider(pr, stimulus{n.in, automaton, panel})
		return
	}
	pr.waiting = append(pr.waiting, stimulus{n.in, automaton, panel})
	if len(pr.waiting) == pr.first+1 {
		n.restartWork(pr)
	}
}

// take lets a process take the first of the inputs that wait.
func (n *Network) take(pr *process) {
	s := pr.waiting[pr.first]
	switch pr.first++; {
	case pr.first == len(pr.waiting):
		pr.forget()
	case pr.first > len(pr.waiting)/2 && pr.slow != nil: // then it may never be empty
		left := copy(pr.waiting, pr.waiting[pr.first:])
		clear(pr.waiting[left:])
		pr.waiting, pr.first = pr.waiting[:left], 0
	}
	n.consider(pr, s)
}

// consider lets a process take an input, unless it is for its application, which is stuck.
func (n *Network) consider(pr *process, s stimulus) {
	if pr.wedged && n.isForApplication(pr, &s) {
		pr.stuck = append(pr.stuck, s)
		return
	}
	n.in = s.input
	switch s.input.Kind {
	case model.Start:
		n.start(pr)
	case model.Wake:
		n.step(&n.automata[s.automaton])
	default:
		if n.in.Message.Layer == model.ApplicationLayer {
			n.answerProbe(s.panel)
			return
		}
		n.stepPanel(&pr.panels[s.panel])
	}
}

// isForApplication tells whether an input is for the application of a process. Its start
// is not, since a process that starts anew is not wedged.
func (n *Network) isForApplication(pr *process, s *stimulus) bool {
	switch s.input.Kind {
	case model.Start:
		return false
	case model.Wake:
		return pr.panels[n.automata[s.automaton].panel].application
	default:
		return s.input.Message.Layer == model.ApplicationLayer || pr.panels[s.panel].application
	}
}

// updateQueues decides whether inputs of a process wait, after something that it depends
// on changed. If not, it takes all that wait.
func (n *Network) updateQueues(pr *process) {
	holds := pr.holds()
	pr.queues = holds || pr.wedged
	for h := range n.automataOf(pr) {
		h.queues = holds || pr.wedged && pr.panels[h.panel].application
	}
	for !pr.holds() && pr.first < len(pr.waiting) {
		n.take(pr)
	}
}

// PauseProcess keeps process p from running until as many calls of ResumeProcess, as
// when a garbage collector stops it or its virtual machine is not scheduled. Nothing is
// lost: messages are delivered into the memory of its host, however many, and wait
// there, as do its wake-ups and a start after a crash. Its clock goes on. A crash during
// the pause takes everything that waits.
func (n *Network) PauseProcess(p model.ProcessID) {
	pr := &n.processes[p]
	if pr.pauses++; pr.pauses == 1 {
		n.emitProcess(model.Paused, p, model.Unspecified)
		n.updateQueues(pr)
		n.restartWork(pr)
	}
}

// ResumeProcess takes one PauseProcess back. A process that goes on takes what waits for
// it at once, in the order in which it became due.
func (n *Network) ResumeProcess(p model.ProcessID) {
	pr := &n.processes[p]
	if pr.pauses--; pr.pauses < 0 {
		panic(fmt.Sprintf("network: process %d resumes more often than it paused", p))
	}
	if pr.pauses == 0 {
		n.emitProcess(model.Resumed, p, model.Unspecified)
		n.updateQueues(pr)
		n.restartWork(pr)
	}
}

// WedgeProcess makes the application of process p stand still until as many calls of
// UnwedgeProcess: its inputs wait, as in a pause, while the process answers for the rest
// (Panel.Application tells which automata are which). A process that crashes loses what
// waits and is not wedged when it starts anew; nor is one that was down when it was to be.
func (n *Network) WedgeProcess(p model.ProcessID) {
	pr := &n.processes[p]
	pr.wedges++
	if pr.running && !pr.wedged {
		pr.wedged = true
		n.emitProcess(model.Wedged, p, model.Unspecified)
		n.updateQueues(pr)
	}
}

// UnwedgeProcess takes one WedgeProcess back. An application that goes on takes what waits
// for it at once, in the order in which it became due.
func (n *Network) UnwedgeProcess(p model.ProcessID) {
	pr := &n.processes[p]
	if pr.wedges--; pr.wedges < 0 {
		panic(fmt.Sprintf("network: process %d is unwedged more often than it was wedged", p))
	}
	if pr.wedges == 0 {
		n.unwedge(p)
	}
}

// unwedge lets the application of a process go on, if it is stuck. What waits for it is
// older than all else that waits.
func (n *Network) unwedge(p model.ProcessID) {
	pr := &n.processes[p]
	if !pr.wedged {
		return
	}
	pr.wedged = false
	n.emitProcess(model.Unwedged, p, model.Unspecified)
	pr.waiting = slices.Concat(pr.stuck, pr.waiting[pr.first:])
	pr.stuck, pr.first = nil, 0
	n.updateQueues(pr)
	n.restartWork(pr)
}

// CrashProcess stops process p, which loses its state, until as many calls of
// RecoverProcess.
func (n *Network) CrashProcess(p model.ProcessID) {
	n.processes[p].crashes++
	n.updateProcess(p, model.ProcessCrash)
}

// ExitProcess is a CrashProcess of a process that ends by itself, in good order, so that its
// system finishes its connections where a crash resets them. RecoverProcess takes it back,
// too.
func (n *Network) ExitProcess(p model.ProcessID) {
	if n.processes[p].running {
		n.finishAll(NodeID(p))
	}
	n.CrashProcess(p)
}

// RecoverProcess takes one CrashProcess back. A process that runs again starts
// anew.
func (n *Network) RecoverProcess(p model.ProcessID) {
	pr := &n.processes[p]
	if pr.crashes--; pr.crashes < 0 {
		panic(fmt.Sprintf("network: process %d recovers more often than it crashed", p))
	}
	n.updateProcess(p, model.ProcessCrash)
}

// CrashHost stops the system of host p, and its process, until as many calls of
// RecoverHost. What waits in its network interface or is being transmitted by it is lost,
// and so is what reaches it; what is under way on the link is not. The hypervisor beneath
// the system lives on, which only those notice who ask it.
func (n *Network) CrashHost(p model.ProcessID) {
	if n.hostDown[p] == 0 {
		n.systemChanges(p)
	}
	if n.hostDown[p]++; n.hostDown[p] == 1 {
		n.emitProcess(model.HostWentDown, p, model.HostCrash)
		n.silence(n.uplinks[p], model.HostDown)
		n.dropHeld(NodeID(p))
	}
	n.updateProcess(p, model.HostCrash)
}

// RecoverHost takes one CrashHost back.
func (n *Network) RecoverHost(p model.ProcessID) {
	if n.hostDown[p] == 1 {
		n.systemChanges(p)
	}
	if n.hostDown[p]--; n.hostDown[p] < 0 {
		panic(fmt.Sprintf("network: host %d recovers more often than it crashed", p))
	}
	if n.hostDown[p] == 0 {
		n.systemCameUp(p)
		n.emitProcess(model.HostCameUp, p, model.HostCrash)
	}
	n.updateProcess(p, model.HostCrash)
}

// CrashMachine stops all of host p, as when it loses its power, until as many calls of
// RecoverMachine: its hypervisor too, and the light on its link, which is down meanwhile.
func (n *Network) CrashMachine(p model.ProcessID) {
	n.machineDown[p]++
	n.CrashHost(p)
	n.SetLink(n.uplinks[p], false)
	n.SetLink(n.uplinks[p]^1, false)
}

// RecoverMachine takes one CrashMachine back.
func (n *Network) RecoverMachine(p model.ProcessID) {
	n.SetLink(n.uplinks[p]^1, true)
	n.SetLink(n.uplinks[p], true)
	if n.machineDown[p]--; n.machineDown[p] == 0 {
		n.machineCameUp(p)
	}
	n.RecoverHost(p)
}

func (n *Network) emitProcess(kind model.RecordKind, p model.ProcessID, failure model.FailureKind) {
	if n.kernel.Records.Wants(kind) {
		n.kernel.Records.Emit(&model.Record{At: n.kernel.Now(), Kind: kind, Process: p, Peer: model.Nobody, Failure: failure})
	}
}
