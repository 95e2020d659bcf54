package adversary

import (
	"cmp"
	"fmt"
	"slices"

	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// Options say how long to search.
type Options struct {
	Seed        uint64
	Evaluations int // runs of the network; positive

	// Events, unless 0, ends the search after the run in which so many events of all
	// runs are passed.
	Events uint64

	// Stop, unless nil, is asked before every run whether to end the search with the
	// error that it returns.
	Stop func() error

	// Enough ends the search at a schedule with this delay or more; 0 never does.
	Enough model.Duration
}

// Best is the outcome of a search.
type Best struct {
	Delay       model.Duration `json:"delay_ps"`
	Schedule    Schedule       `json:"schedule"`
	End         model.Time     `json:"end_ps"` // when its last packet is delivered
	Evaluations int            `json:"evaluations"`
	Events      uint64         `json:"events"` // of all evaluations
}

// Search looks for the schedule that makes a packet of the last class the latest. The
// same problem and options give the same outcome. It returns an error where they are
// not usable, or where a run can pass the range of time.
func Search(p Problem, o Options) (Best, error) {
	if o.Evaluations < 1 {
		return Best{}, fmt.Errorf("adversary: a search of %d evaluations", o.Evaluations)
	}
	s, err := newSearch(&p, o)
	if err != nil {
		return Best{}, err
	}
	for k := range shapes {
		s.critical(k)
	}
	s.now.copy(&s.best)
	for round := 0; !s.done(); round++ {
		s.climb()
		switch {
		case round%2 == 0:
			s.critical(shape(round / 2 % int(shapes)))
		case round%8 == 7:
			s.random()
		default:
			s.now.copy(&s.best)
			for range 1 + s.stream.IntN(6) {
				s.change()
			}
		}
	}
	return s.outcome()
}

// plan is a schedule in which every packet keeps its place, and what its run showed.
type plan struct {
	phases []Phase
	sends  []Send

	delay    model.Duration
	end      model.Time
	worst    int // the latest packet, or -1
	arrivals []arrival
}

func (p *plan) copy(q *plan) {
	p.phases = append(p.phases[:0], q.phases...)
	p.sends = append(p.sends[:0], q.sends...)
	p.delay, p.end, p.worst = q.delay, q.end, q.worst
	p.arrivals = append(p.arrivals[:0], q.arrivals...)
}

// search is a search under way.
type search struct {
	*arena
	o      Options
	stream *sim.Stream
	err    error
	left   int // evaluations

	now, before, best plan
	schedule          Schedule         // now, as it was last run
	order             []int            // the place in the plan of each of its packets
	limiter           []int            // the limiter of each packet of the plan, or -1
	hosts             []network.NodeID // that send
	limited           []bool           // by host: whether it has a limiter
	asides            []network.NodeID // by host: where frames go that are to keep its link busy
	patience          int              // changes in a row that may be in vain
	shifts            []model.Duration // that can matter
	span              model.Duration   // schedules are not longer
}

func newSearch(p *Problem, o Options) (*search, error) {
	a, err := newArena(p)
	if err != nil {
		return nil, err
	}
	s := &search{arena: a, o: o, stream: sim.NewStream(o.Seed, "adversary"), left: o.Evaluations}
	s.now.phases = p.phases()
	place := func(from, to network.NodeID, bytes int32, priority model.Priority, packets, limiter int) {
		if packets > 0 && !slices.Contains(s.hosts, from) {
			s.hosts = append(s.hosts, from)
		}
		for range packets {
			s.now.sends = append(s.now.sends, Send{From: from, To: to, Payload: bytes, Priority: priority})
			s.limiter = append(s.limiter, limiter)
		}
	}
	limiter := 0
	for _, c := range p.Classes {
		for _, h := range c.Senders {
			place(h, p.Receiver, c.Payload, c.Priority, c.Packets, limiter)
			limiter++
		}
		s.shifts = append(s.shifts, c.Limiter.Epoch, s.transmission(c.Payload))
		s.span = max(s.span, model.Duration(c.Packets+2)*c.Limiter.Epoch)
	}
	s.limited = make([]bool, p.Topology.Hosts)
	for _, x := range s.now.phases {
		s.limited[x.Host] = true
	}
	s.asides = make([]network.NodeID, p.Topology.Hosts)
	for h := range network.NodeID(p.Topology.Hosts) {
		if p.Frames == 0 {
			break
		}
		if to := s.aside(h); to != h {
			s.asides[h] = to
			place(h, to, p.frame(h, to), 0, p.Frames, -1)
		}
	}
	if p.Processing > 0 {
		s.shifts = append(s.shifts, p.Processing)
	}
	if p.Frames > 0 {
		s.shifts = append(s.shifts, s.transmission(p.Frame))
	}
	s.span += s.slack / 4
	s.now.worst = -1
	// Many short climbs find more than a few long ones: what is found soon is most of
	// what is found from there.
	s.patience = 30 + len(s.now.sends)
	return s, nil
}

// transmission returns how long a packet is on the receiver's link.
func (s *search) transmission(payload int32) model.Duration {
	return s.n.Rate(s.n.Uplink(s.p.Receiver)).Transmission(s.n.WireBytes(payload))
}

func (s *search) done() bool {
	return s.err != nil || s.left == 0 || s.o.Enough > 0 && s.best.delay >= s.o.Enough ||
		s.o.Events > 0 && s.total() >= s.o.Events
}

// total counts the events of all runs.
func (s *search) total() uint64 { return s.arena.events + s.n.Kernel().Events() }

func (s *search) outcome() (Best, error) {
	if s.err != nil {
		return Best{}, s.err
	}
	s.now.copy(&s.best)
	s.arrange()
	return Best{s.best.delay, s.schedule, s.best.end, s.o.Evaluations - s.left, s.total()}, nil
}

// arrange makes a schedule of the plan. At one instant frames come first, as they would
// a moment before.
func (s *search) arrange() {
	s.order = s.order[:0]
	for i := range s.now.sends {
		s.order = append(s.order, i)
	}
	slices.SortStableFunc(s.order, func(i, j int) int {
		x, y := &s.now.sends[i], &s.now.sends[j]
		return cmp.Or(cmp.Compare(x.At, y.At), cmp.Compare(x.Priority, y.Priority))
	})
	begin := s.now.sends[s.order[0]].At
	s.schedule.Sends = s.schedule.Sends[:0]
	for _, i := range s.order {
		x := s.now.sends[i]
		x.At -= begin
		s.schedule.Sends = append(s.schedule.Sends, x)
	}
	s.schedule.Phases = append(s.schedule.Phases[:0], s.now.phases...)
	for i := range s.schedule.Phases {
		epoch := s.gates[i].config.Epoch
		phase := &s.schedule.Phases[i].Phase
		if *phase = (*phase - model.Duration(begin)%epoch) % epoch; *phase < 0 {
			*phase += epoch
		}
	}
}

// evaluate runs the plan, whose times then are those of the schedule.
func (s *search) evaluate() {
	if s.done() {
		return
	}
	s.arrange()
	for i, j := range s.order {
		s.now.sends[j].At = s.schedule.Sends[i].At
	}
	copy(s.now.phases, s.schedule.Phases)
	if s.schedule.Sends[len(s.order)-1].At > model.Time(s.span) {
		s.now.delay = 0 // such plans lead nowhere
		return
	}
	if s.o.Stop != nil {
		if s.err = s.o.Stop(); s.err != nil {
			return
		}
	}
	s.left--
	if s.now.delay, s.err = s.run(&s.schedule); s.err != nil {
		return
	}
	s.now.end, s.now.arrivals = s.arena.end, s.now.arrivals[:0]
	for _, x := range s.arena.arrivals {
		x.packet = s.order[x.packet]
		s.now.arrivals = append(s.now.arrivals, x)
	}
	if s.now.worst = s.arena.worst; s.now.worst >= 0 {
		s.now.worst = s.order[s.now.worst]
	}
	if s.now.delay > s.best.delay || s.best.sends == nil {
		s.best.copy(&s.now)
	}
}

// climb changes the plan for as long as that helps now and then.
func (s *search) climb() {
	s.evaluate()
	for idle := 0; idle < s.patience && !s.done(); idle++ {
		s.before.copy(&s.now)
		s.change()
		s.evaluate()
		switch {
		case s.now.delay > s.before.delay:
			idle = 0
		case s.now.delay < s.before.delay:
			s.now.copy(&s.before)
		}
	}
}

// shape is how the packets of a sender are offered at the critical instant.
type shape int

const (
	together   shape = iota // at the beginning of a window
	atEdge                  // one budget just before its end, the others at it
	afterFirst              // so, but for one an epoch before, which opened the window
	shapes
)

// critical makes the plan in which all senders do their worst at once, each frame
// begins just before, and packets that join the way of the latest later on meet it.
func (s *search) critical(k shape) {
	edge := model.Time(0)
	for _, c := range s.p.Classes {
		edge = max(edge, model.Time(c.Limiter.Epoch))
	}
	for i := range s.now.phases {
		s.now.phases[i].Phase = model.Duration(edge)
	}
	place := 0 // among the packets of a limiter
	for i := range s.now.sends {
		x := &s.now.sends[i]
		x.At = edge
		l := s.limiter[i]
		if l < 0 {
			if k != together {
				x.At--
			}
			s.direct(x, s.asides[x.From])
			continue
		}
		if place++; i == 0 || s.limiter[i-1] != l {
			place = 0
		}
		limiter := &s.gates[l].config
		switch {
		case k == afterFirst && place == 0:
			x.At -= model.Time(limiter.Epoch)
		case k != together && int64(place) < limiter.Budget.Packets:
			x.At--
		}
		x.At -= model.Time(s.p.Processing) // decided upon at the instant
	}
	s.evaluate()
	for range 3 {
		s.before.copy(&s.now)
		s.meet()
		s.evaluate()
		if s.now.delay < s.before.delay {
			s.now.copy(&s.before)
			return
		}
	}
}

// aside returns where a host sends frames that keep its own link busy: a host that has
// nothing else to do with the classes, if there is one. Hosts that send nothing
// themselves send to the receiver. It returns the host itself where it sends no frames.
func (s *search) aside(from network.NodeID) network.NodeID {
	best := from
	if s.p.frame(from, s.p.Receiver) > 0 {
		best = s.p.Receiver
	}
	if !s.limited[from] && best != from {
		return best
	}
	for h := range network.NodeID(s.p.Topology.Hosts) {
		if h != s.p.Receiver && s.p.frame(from, h) > 0 {
			if best = h; !s.limited[h] {
				break
			}
		}
	}
	return best
}

// random draws every phase, time and destination.
func (s *search) random() {
	for i := range s.now.phases {
		s.now.phases[i].Phase = s.upTo(s.gates[i].config.Epoch)
	}
	epoch := s.gates[len(s.gates)-1].config.Epoch
	for i := range s.now.sends {
		x := &s.now.sends[i]
		x.At = model.Time(s.upTo(2 * epoch))
		if s.limiter[i] < 0 {
			s.redirect(x)
		}
	}
}

// upTo returns a random duration from 0 to d-1.
func (s *search) upTo(d model.Duration) model.Duration {
	return model.Duration(s.stream.IntN(int(d)))
}
