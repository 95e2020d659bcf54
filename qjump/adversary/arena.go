package adversary

import (
	"fmt"

	"suspect/model"
	"suspect/network"
	"suspect/qjump"
	"suspect/sim"
)

// arena runs schedules on one network, one after the other: when all packets of one
// have arrived, nothing is left of it but the time, from which the next one counts.
type arena struct {
	p        *Problem
	measured model.Priority
	gates    []gate
	n        *network.Network
	timer    sim.Timer
	slack    model.Duration // after the last send, everything has arrived
	events   uint64         // of networks that were given up

	// Of the current run, by the place of a packet in the schedule.
	sends    []Send
	next     int
	base     model.Time
	before   uint64 // packets sent before
	released []model.Time
	arrivals []arrival
	worst    int // the packet with the longest delay, or -1
	delay    model.Duration
	end      model.Time // when the last packet was delivered
}

// arrival tells when a packet had come to a switch, from the begin of the schedule.
type arrival struct {
	packet int
	at     model.Time
	node   network.NodeID
}

// gate is a limiter that each run finds new, and whose time is that of the schedule.
type gate struct {
	*qjump.Limiter
	config qjump.LimiterConfig
	a      *arena
}

// Admit asks the limiter of the run.
func (g *gate) Admit(now model.Time, bytes int32) (model.Time, bool) {
	at, ok := g.Limiter.Admit(now-g.a.base, bytes)
	return at + g.a.base, ok
}

func newArena(p *Problem) (*arena, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	a := &arena{p: p, measured: p.Classes[len(p.Classes)-1].Priority}
	for _, c := range p.Classes {
		for range c.Senders {
			a.gates = append(a.gates, gate{config: c.Limiter, a: a})
		}
	}
	if err := a.build(); err != nil {
		return nil, err
	}
	return a, a.setSlack()
}

// build makes a new network, at time 0.
func (a *arena) build() error {
	if a.n != nil {
		a.events += a.n.Kernel().Events()
	}
	k := sim.New(0)
	n, err := network.New(k, network.Config{Topology: a.p.Topology, Framing: a.p.Framing, LimiterProcessing: a.p.Processing})
	if err != nil {
		return err
	}
	a.n, a.base, a.before = n, 0, 0
	// The timer comes before those of the limiters, so that a frame can begin at the
	// instant of a release, and before it.
	a.timer = k.NewTimer(a, 0)
	for i, phase := range a.p.phases() {
		n.SetLimiter(phase.Host, phase.Priority, &a.gates[i], phase.Priority)
	}
	k.Records.Subscribe(model.KindSet(model.Released, model.Hopped, model.Delivered), a.observe)
	return nil
}

// setSlack bounds the time from the last send to the last arrival: all packets wait for
// all epochs and then cross all links one by one.
func (a *arena) setSlack() error {
	const most = model.Duration(model.MaxTime) / 4
	ok := true
	add := func(n int, d model.Duration) {
		ok = ok && d <= (most-a.slack)/model.Duration(max(n, 1))
		if ok {
			a.slack += model.Duration(n) * d
		}
	}
	packets, largest := a.p.Frames*a.p.Topology.Hosts, a.p.Frame
	for _, c := range a.p.Classes {
		add(c.Packets+2, c.Limiter.Epoch)
		packets += c.Packets * len(c.Senders)
		largest = max(largest, c.Payload)
	}
	add(packets, a.p.Processing)
	for _, l := range a.p.Topology.Links {
		for _, c := range []network.LinkConfig{l.AtoB, l.BtoA} {
			add(packets, c.Rate.Transmission(a.n.WireBytes(largest)))
			add(1, c.Delay)
		}
	}
	if !ok {
		return fmt.Errorf("adversary: a run can pass the range of time")
	}
	return nil
}

func (a *arena) observe(r *model.Record) {
	i := int(r.Packet - a.before - 1)
	at := r.At - a.base
	switch r.Kind {
	case model.Released:
		a.released[i] = at
	case model.Hopped:
		_, node := a.n.Topology().Ends(network.LinkID(r.Place))
		a.arrivals = append(a.arrivals, arrival{i, at, node})
	case model.Delivered:
		a.end = at
		if r.Priority == a.measured {
			if d := at.Sub(a.released[i]); d > a.delay {
				a.delay, a.worst = d, i
			}
		}
	}
}

// Fire sends what is due.
func (a *arena) Fire(uint32) {
	k := a.n.Kernel()
	now := k.Now() - a.base
	for ; a.next < len(a.sends) && a.sends[a.next].At == now; a.next++ {
		x := &a.sends[a.next]
		a.n.Send(x.From, x.To, x.Payload, x.Priority, 0)
	}
	if a.next < len(a.sends) {
		k.Arm(a.timer, a.sends[a.next].At+a.base)
	}
}

// run plays a schedule that fits the problem, and leaves in the arena what it saw.
func (a *arena) run(s *Schedule) (model.Duration, error) {
	last := s.Sends[len(s.Sends)-1].At
	if last > model.MaxTime/2 {
		return 0, fmt.Errorf("adversary: a schedule of %v passes the range of time", last)
	}
	if a.base = a.n.Kernel().Now(); a.base > model.MaxTime/4 {
		if err := a.build(); err != nil {
			return 0, err
		}
	}
	for i := range a.gates {
		g := &a.gates[i]
		g.config.Phase = s.Phases[i].Phase
		l, err := qjump.NewLimiter(g.config)
		if err != nil {
			return 0, err
		}
		g.Limiter = l
	}
	a.before, a.sends, a.next = a.n.Counts().Sent, s.Sends, 0
	a.released = append(a.released[:0], make([]model.Time, len(s.Sends))...)
	a.arrivals, a.delay, a.worst, a.end = a.arrivals[:0], 0, -1, 0
	k := a.n.Kernel()
	k.Arm(a.timer, s.Sends[0].At+a.base)
	if err := k.Run((a.base + last).Add(a.slack), sim.Budget{}); err != nil {
		return 0, err
	}
	if left := a.n.InFlight(); left != 0 {
		return 0, fmt.Errorf("adversary: %d packets are still under way at the end of a run", left)
	}
	return a.delay, nil
}

// Replay runs the schedule on a new network and returns the longest delay of the last
// class, from its limiter to the last bit at the receiver, or 0 where no packet of it
// arrives. It returns an error where the problem is not usable or its rules do not
// allow the schedule.
func Replay(p Problem, s Schedule) (model.Duration, error) {
	a, err := newArena(&p)
	if err != nil {
		return 0, err
	}
	if err := p.fits(&s); err != nil {
		return 0, err
	}
	return a.run(&s)
}
