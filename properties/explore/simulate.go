package explore

import (
	"fmt"
	"slices"

	"suspect/model"
	"suspect/sim"
)

// Simulation is the other side of a counterexample: the same automata in a simulated
// system at message level, on the kernel of the simulator, in true time and with clocks of
// their own. It is no packet network. What an exploration chose is laid down beforehand, as a
// schedule:
//
//   - A step of the run lasts [Steps](1) of true time.
//   - The clock of a process shows what the exploration had it show: it stands still
//     while the process rests, and goes on in steps. That is a clock of a speed that changes,
//     as processes of partial synchrony have.
//   - Each message takes exactly as long as it took, is lost, or arrives twice.
//   - Processes crash at their times, perhaps with a part of their last messages sent.
//   - The choices of an automaton are those that it made.
//
// Automata are woken here when they have asked to be and only then, and messages are those
// that they really sent, one by one; an exploration wakes early, and takes for one what no
// receiver tells apart. So that both tell the same is worth seeing.
type Simulation struct {
	N   int
	New func(p model.ProcessID) (model.Automaton, error)

	begin  model.Time // on the clocks, where there are ticks: when processes start, unless in their first steps
	inStep bool
	oldest int // ages end there; 0 where there are no ticks, and no ages
}

// SimulationOf returns the simulated side of a graph of [Ticks] or [Interleaved].
func SimulationOf(sys System) (*Simulation, error) {
	switch t := sys.(type) {
	case *ticks:
		return &Simulation{N: t.N, New: t.New, begin: model.Time(Steps(t.FirstStep-1) + unit), inStep: t.startInStep, oldest: t.Delta}, nil
	case *interleaved:
		return &Simulation{N: t.N, New: t.New}, nil
	}
	return nil, fmt.Errorf("explore: no simulation is known for %T", sys)
}

func (s *Simulation) ticks() bool { return s.oldest > 0 }

// Run simulates a counterexample, the cycle the given number of times, and tells every
// record to observe, which may be nil: of processes, messages, verdicts and announcements. It
// returns an error that says where the simulated processes do anything else than the
// explored ones did: send, suspect, trust or announce, or are in another state after each
// repetition of the cycle than before.
func (s *Simulation) Run(c *Counterexample, turns int, observe func(*model.Record)) error {
	r := &simulated{Simulation: s, kernel: sim.New(1), observe: observe, links: make([][]packet, s.N*s.N), clocks: make([]model.Time, s.N)}
	for p := range s.N {
		a, err := s.New(model.ProcessID(p))
		if err != nil {
			return err
		}
		r.hosts = append(r.hosts, host{automaton: a, encoder: a.Clone(), wake: model.Never})
	}
	if s.ticks() && !s.inStep {
		for p := range s.N {
			r.at(0, 1, func() error { return r.clock(p, s.begin, Move{Kind: Begin}, false) })
			r.at(0, 2, func() error { return r.clock(p, s.begin+model.Time(unit), Move{Kind: Run}, false) })
		}
	}
	for p := range r.clocks {
		r.clocks[p] = s.begin + model.Time(unit)
	}
	step := 0
	for i := range c.Prefix {
		step++
		r.schedule(step, &c.Prefix[i])
	}
	if len(c.Cycle) > 0 {
		r.at(step, 3, r.remember)
	}
	for range turns {
		for i := range c.Cycle {
			step++
			r.schedule(step, &c.Cycle[i])
		}
		if len(c.Cycle) > 0 {
			r.at(step, 3, r.remember)
		}
	}
	return r.run()
}

// simulated is a run of a Simulation.
type simulated struct {
	*Simulation
	kernel  *sim.Kernel
	observe func(*model.Record)
	hosts   []host
	links   [][]packet // from*N+to: what is on its way
	packets uint64
	clocks  []model.Time // where there are ticks: of each process, after what has been scheduled
	events  []event
	step    int // that is being simulated
	failed  error
	state   []string // of the processes, at the beginning of a cycle
}

// host is a process.
type host struct {
	automaton model.Automaton // nil once it has crashed
	encoder   model.Automaton
	begun     bool
	now       model.Time // on its clock
	wake      model.Time
}

// packet is a message on its way.
type packet struct {
	model.Message
	number uint64
	step   int
	at     model.Time
	key    string
}

// event is something to be done.
type event struct {
	step  int
	at    model.Time
	third int
	do    func() error
}

func (r *simulated) at(step, third int, do func() error) {
	r.events = append(r.events, event{step, model.Time(Steps(step)) + model.Time(third)*model.Time(unit), third, do})
}

// Fire does an event; it is for the kernel.
func (r *simulated) Fire(n uint32) {
	if r.failed != nil {
		return
	}
	e := &r.events[n]
	r.step = e.step
	if err := e.do(); err != nil {
		r.failed = fmt.Errorf("explore: the simulation differs at step %d: %w", e.step, err)
	}
}

func (r *simulated) run() error {
	// Events of one time are in the order in which they were made.
	end := model.Time(0)
	for i := range r.events {
		e := &r.events[i]
		r.kernel.Arm(r.kernel.NewTimer(r, uint32(i)), e.at)
		end = max(end, e.at)
	}
	if err := r.kernel.Run(end, sim.Budget{}); err != nil {
		return err
	}
	return r.failed
}

// schedule lays down a step of the run.
func (r *simulated) schedule(step int, s *Step) {
	first := make([]model.Time, r.N)
	for p := range first {
		first[p] = -1
	}
	for i := range s.Moves {
		m := s.Moves[i]
		p := int(m.Process)
		third := 0
		if p >= 0 && (m.Kind == Begin || m.Kind == Run || m.Kind == Deliver) {
			if first[p] < 0 {
				first[p] = m.At
			}
			third = int(m.At.Sub(first[p]) / unit)
			// The clocks of an exploration are right within a step only: states of different
			// times are one where they behave alike.
			m.At = r.clocks[p].Add(model.Duration(third+1) * unit)
		}
		// A crash right behind a step of the same process cuts that short.
		cut := i+1 < len(s.Moves) && s.Moves[i+1].Kind == Crash && s.Moves[i+1].Process == m.Process
		switch m.Kind {
		case Begin, Run:
			r.at(step, third, func() error {
				if cut {
					defer r.crash(p)
				}
				return r.clock(p, m.At, m, cut)
			})
		case Deliver:
			r.at(step, third, func() error { return r.deliver(p, m, cut) })
		case Inform:
			r.at(step, 0, func() error {
				if cut {
					defer r.crash(p)
				}
				return r.input(p, model.Input{Kind: model.Inform, Evidence: crashEvidence(m.Peer)}, m, cut)
			})
		case Crash:
			if i == 0 || s.Moves[i-1].Process != m.Process {
				r.at(step, 0, func() error { r.crash(p); return nil })
			}
		case Lose:
			r.at(step, 0, func() error { return r.lose(m) })
		}
	}
	for p := range first {
		if first[p] >= 0 {
			r.clocks[p] = r.clocks[p].Add(Steps(1))
		}
	}
}

// clock sets the clock of process p, and wakes it if it wants to be woken by then.
func (r *simulated) clock(p int, now model.Time, m Move, cut bool) error {
	h := &r.hosts[p]
	switch {
	case r.ticks():
	case m.Kind == Begin:
		now = 0
	default:
		now = h.wake // of which nothing is known but that it comes
		if now == model.Never {
			return fmt.Errorf("p%d does not want to be woken", p)
		}
	}
	h.now = now
	switch {
	case m.Kind == Begin:
		h.begun = true
		r.tell(model.Record{Kind: model.Started, Process: model.ProcessID(p), Peer: model.Nobody})
		return r.input(p, model.Input{Kind: model.Start}, m, cut)
	case h.wake <= now:
		h.wake = model.Never
		return r.input(p, model.Input{Kind: model.Wake}, m, cut)
	}
	return r.compare(p, m, nil, nil, nil)
}

// input hands an input to process p, of which m tells what the exploration has seen.
func (r *simulated) input(p int, in model.Input, m Move, cut bool) error {
	h := &r.hosts[p]
	if h.automaton == nil {
		return fmt.Errorf("p%d has crashed", p)
	}
	var out model.Output
	out.Reset()
	dice := &chosen{of: m.Choices}
	in.Random = dice
	h.automaton.Step(h.now, &in, &out)
	if dice.missing || dice.used < len(m.Choices) {
		return fmt.Errorf("p%d makes other choices", p)
	}
	h.wake = out.Wake
	if cut {
		out.Send, out.Verdicts, out.Announcements = out.Send[:min(len(m.Send), len(out.Send))], nil, nil
	}
	for _, v := range out.Verdicts {
		kind := model.Trusted
		if v.Suspected {
			kind = model.Suspected
		}
		r.tell(model.Record{Kind: kind, Process: model.ProcessID(p), Peer: v.Peer, Failure: v.Kind, Certainty: v.Certainty, Place: int32(v.Place)})
	}
	for _, a := range out.Announcements {
		r.tell(model.Record{Kind: model.Announced, Process: model.ProcessID(p), Peer: a.Peer, Announcement: a.Kind, Seq: a.Seq, SentAt: model.Time(a.Value)})
	}
	for i := range out.Send {
		if err := r.send(p, out.Send[i]); err != nil {
			return err
		}
	}
	return r.compare(p, m, out.Send, out.Verdicts, out.Announcements)
}

// compare returns how what process p does differs from what was explored, or nil.
func (r *simulated) compare(p int, m Move, send []model.Message, verdicts []model.Verdict, announcements []model.Announcement) error {
	if r.step == 0 {
		return nil // the exploration begins after that
	}
	same := slices.Equal(verdicts, m.Verdicts) && slices.Equal(announcements, m.Announcements) && len(send) == len(m.Send)
	for i := 0; same && i < len(send); i++ {
		a, b := send[i], m.Send[i]
		x, err := messageKey(r.hosts[p].encoder, &a)
		if err != nil {
			return err
		}
		y, err := messageKey(r.hosts[p].encoder, &b)
		if err != nil {
			return err
		}
		same = a.To == b.To && string(x) == string(y)
	}
	if same {
		return nil
	}
	return fmt.Errorf("p%d says %v %v and sends %d messages, where the explored one says %v %v and sends %d",
		p, verdicts, announcements, len(send), m.Verdicts, m.Announcements, len(m.Send))
}

// send puts a message on its way.
func (r *simulated) send(p int, m model.Message) error {
	m.From = model.ProcessID(p)
	key, err := messageKey(r.hosts[p].encoder, &m)
	if err != nil {
		return err
	}
	r.packets++
	x := packet{Message: m, number: r.packets, step: r.step, at: r.kernel.Now(), key: string(key)}
	r.packet(model.Sent, &x)
	if r.hosts[m.To].automaton == nil {
		r.packet(model.Dropped, &x)
		return nil
	}
	link := &r.links[p*r.N+int(m.To)]
	*link = append(*link, x)
	return nil
}

// arriving takes what a move names from its link: one message, or all of one age that
// travel as one.
func (r *simulated) arriving(m Move) (took []packet, err error) {
	key, err := messageKey(r.hosts[m.Message.From].encoder, &m.Message)
	if err != nil {
		return nil, err
	}
	link := &r.links[int(m.Message.From)*r.N+int(m.Message.To)]
	var kept []packet
	for _, x := range *link {
		age := r.step - x.step
		switch {
		case x.key != string(key), r.oldest == 0 && len(took) > 0, r.oldest > 0 && min(age, r.oldest) != m.Age:
			kept = append(kept, x)
		default:
			took = append(took, x)
			if m.Stays {
				kept = append(kept, x)
			}
		}
	}
	if len(took) == 0 {
		return nil, fmt.Errorf("no message of kind %d is on its way from p%d to p%d", m.Message.Kind, m.Message.From, m.Message.To)
	}
	*link = kept
	return took, nil
}

func (r *simulated) deliver(p int, m Move, cut bool) error {
	took, err := r.arriving(m)
	if err != nil {
		return err
	}
	h := &r.hosts[p]
	if r.ticks() {
		h.now = m.At
	}
	for i := range took {
		x := took[i]
		r.packet(model.Delivered, &x)
		if i > 0 { // what travels as one makes no difference when it comes again
			m.Send, m.Verdicts, m.Announcements, m.Choices = nil, nil, nil, nil
		}
		if err := r.input(p, model.Input{Kind: model.Deliver, Message: x.Message}, m, cut); err != nil {
			return err
		}
	}
	if cut {
		r.crash(p)
	}
	return nil
}

func (r *simulated) lose(m Move) error {
	took, err := r.arriving(m)
	for i := range took {
		r.packet(model.Dropped, &took[i])
	}
	return err
}

func (r *simulated) crash(p int) {
	h := &r.hosts[p]
	if h.automaton == nil {
		return
	}
	h.automaton, h.wake = nil, model.Never
	r.tell(model.Record{Kind: model.Crashed, Process: model.ProcessID(p), Peer: model.Nobody, Failure: model.ProcessCrash})
	for q := range r.N {
		link := &r.links[q*r.N+p]
		for i := range *link {
			r.packet(model.Dropped, &(*link)[i])
		}
		*link = nil
	}
}

// remember compares the states of the processes with those at the beginning of the cycle.
func (r *simulated) remember() error {
	var now []string
	for p := range r.hosts {
		state := ""
		if h := &r.hosts[p]; h.automaton != nil {
			state = string(h.automaton.AppendState(nil, h.now))
		}
		now = append(now, state)
	}
	if r.state != nil && !slices.Equal(now, r.state) {
		return fmt.Errorf("the processes are not in the states in which they began the cycle")
	}
	r.state = now
	return nil
}

func (r *simulated) packet(kind model.RecordKind, x *packet) {
	rec := model.Record{Kind: kind, Process: x.From, Peer: x.To, Packet: x.number, SentAt: x.at, Seq: x.Seq, Bytes: x.Bytes, Priority: x.Priority}
	switch kind {
	case model.Delivered:
		rec.Process, rec.Peer = x.To, x.From
	case model.Dropped:
		rec.Cause = model.LinkLoss
		if r.hosts[x.To].automaton == nil {
			rec.Cause = model.ProcessDown
		}
	}
	r.tell(rec)
}

func (r *simulated) tell(rec model.Record) {
	if r.observe != nil {
		rec.At = r.kernel.Now()
		r.observe(&rec)
	}
}

// chosen is a Random by choices that are given.
type chosen struct {
	of      []int
	used    int
	missing bool
}

func (c *chosen) IntN(n int) int {
	if c.used == len(c.of) || c.of[c.used] >= n {
		c.missing = true
		return 0
	}
	c.used++
	return c.of[c.used-1]
}
