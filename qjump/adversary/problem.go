package adversary

import (
	"fmt"
	"slices"

	"suspect/model"
	"suspect/network"
	"suspect/qjump"
)

// Problem is what the adversary plays on.
type Problem struct {
	// Topology has no loss and no jitter: delays must follow from the schedule.
	Topology network.Topology
	Framing  network.Framing

	// Processing is what a limiter spends on each packet before it decides.
	Processing model.Duration

	Receiver network.NodeID // of all classes

	// Classes are in decreasing priority. The delay of the last is looked for.
	Classes []Class

	// Frame is the payload of best-effort frames, which have priority 0, below all
	// classes. Each host but the receiver sends so many.
	Frame  int32
	Frames int

	// FrameBetween, unless nil, returns the payload of a frame from one host to
	// another, at most Frame, or 0 where none goes.
	FrameBetween func(from, to network.NodeID) int32
}

// Class is one level with its limited senders.
type Class struct {
	Priority model.Priority
	Payload  int32 // of each packet

	// Limiter is that of every sender. The adversary chooses the phase.
	Limiter qjump.LimiterConfig
	Senders []network.NodeID
	Packets int // that each sender offers
}

// Send is a packet that a host offers to its limiter or, if it has none for that
// priority, to its output queue.
type Send struct {
	At       model.Time     `json:"at_ps"`
	From     network.NodeID `json:"from"`
	To       network.NodeID `json:"to"`
	Payload  int32          `json:"payload_bytes"`
	Priority model.Priority `json:"priority"`
}

// Phase is that of the limiter of one host and priority.
type Phase struct {
	Host     network.NodeID `json:"host"`
	Priority model.Priority `json:"priority"`
	Phase    model.Duration `json:"phase_ps"`
}

// Schedule is all that the adversary chose. It begins at time 0, and its sends are in
// the order in which they happen. As JSON it is the same text for the same schedule.
type Schedule struct {
	Phases []Phase `json:"phases"`
	Sends  []Send  `json:"sends"`
}

// maxSends limits a problem to what a search can make use of.
const maxSends = 1 << 20

func (p *Problem) validate() error {
	if p.Receiver < 0 || int(p.Receiver) >= p.Topology.Hosts {
		return fmt.Errorf("adversary: the receiver is node %d, which is no host", p.Receiver)
	}
	if len(p.Classes) == 0 {
		return fmt.Errorf("adversary: there is no class")
	}
	for i, l := range p.Topology.Links {
		for _, c := range []network.LinkConfig{l.AtoB, l.BtoA} {
			if c.Loss != (network.Loss{}) || c.Varies() {
				return fmt.Errorf("adversary: link %d has loss or jitter, which no schedule decides", i)
			}
		}
	}
	if p.Frame < 0 || p.Frames < 0 || (p.Frame == 0) != (p.Frames == 0) || p.Frames > maxSends {
		return fmt.Errorf("adversary: %d frames of %d bytes on each host: both are positive, or both zero", p.Frames, p.Frame)
	}
	sends := p.Frames * p.Topology.Hosts
	for i := range p.Classes {
		if err := p.validateClass(i); err != nil {
			return fmt.Errorf("adversary: class %d: %w", i+1, err)
		}
		sends += p.Classes[i].Packets * len(p.Classes[i].Senders)
	}
	if sends > maxSends {
		return fmt.Errorf("adversary: %d packets; at most %d are supported", sends, maxSends)
	}
	return nil
}

func (p *Problem) validateClass(i int) error {
	c := &p.Classes[i]
	above := model.Priority(model.Priorities)
	if i > 0 {
		above = p.Classes[i-1].Priority
	}
	if c.Priority >= above || c.Priority == 0 && p.Frames > 0 {
		return fmt.Errorf("priority %d: it must be below that of the class before, and above that of frames", c.Priority)
	}
	if c.Payload < 1 || c.Packets < 1 || c.Packets > maxSends || len(c.Senders) == 0 {
		return fmt.Errorf("%d senders of %d packets with %d bytes: all must be positive", len(c.Senders), c.Packets, c.Payload)
	}
	for k, h := range c.Senders {
		if h < 0 || int(h) >= p.Topology.Hosts || h == p.Receiver || slices.Contains(c.Senders[:k], h) {
			return fmt.Errorf("sender %d is no host, the receiver, or there twice", h)
		}
	}
	if _, err := qjump.NewLimiter(c.Limiter); err != nil {
		return err
	}
	return nil
}

// phases returns a place for the phase of every limiter, in the order of classes and
// senders.
func (p *Problem) phases() (all []Phase) {
	for _, c := range p.Classes {
		for _, h := range c.Senders {
			all = append(all, Phase{Host: h, Priority: c.Priority})
		}
	}
	return all
}

// fits returns an error unless the rules of p allow s.
func (p *Problem) fits(s *Schedule) error {
	want := p.phases()
	if len(s.Phases) != len(want) || len(s.Sends) == 0 || len(s.Sends) > maxSends {
		return fmt.Errorf("adversary: a schedule with %d phases and %d packets, for %d limiters", len(s.Phases), len(s.Sends), len(want))
	}
	for i, phase := range s.Phases {
		if phase.Host != want[i].Host || phase.Priority != want[i].Priority {
			return fmt.Errorf("adversary: phase %d is for host %d and priority %d, not %d and %d", i, phase.Host, phase.Priority, want[i].Host, want[i].Priority)
		}
	}
	before := model.Time(0)
	sent := make([]int, p.Topology.Hosts*model.Priorities)
	for i, x := range s.Sends {
		if x.At < before || x.At > model.MaxTime {
			return fmt.Errorf("adversary: packet %d is sent at %v, after one at %v", i, x.At, before)
		}
		before = x.At
		most := p.allowed(x)
		if most == 0 {
			return fmt.Errorf("adversary: packet %d, from %d to %d with %d bytes and priority %d, is of no class and no frame", i, x.From, x.To, x.Payload, x.Priority)
		}
		n := &sent[int(x.From)*model.Priorities+int(x.Priority)]
		if *n++; *n > most {
			return fmt.Errorf("adversary: host %d sends more than %d packets with priority %d", x.From, most, x.Priority)
		}
	}
	return nil
}

// allowed returns how many packets like x its host may send.
func (p *Problem) allowed(x Send) int {
	hosts := network.NodeID(p.Topology.Hosts)
	if x.From < 0 || x.From >= hosts || x.To < 0 || x.To >= hosts || x.From == x.To || x.Payload < 1 {
		return 0
	}
	for i := range p.Classes {
		if c := &p.Classes[i]; c.Priority == x.Priority {
			if x.To == p.Receiver && x.Payload == c.Payload && slices.Contains(c.Senders, x.From) {
				return c.Packets
			}
			return 0
		}
	}
	if x.Priority == 0 && x.Payload <= p.frame(x.From, x.To) {
		return p.Frames
	}
	return 0
}

// frame returns the payload of a frame from one host to another, or 0 where none goes.
func (p *Problem) frame(from, to network.NodeID) int32 {
	switch {
	case from == p.Receiver || from == to:
		return 0
	case p.FrameBetween == nil:
		return p.Frame
	}
	return min(p.FrameBetween(from, to), p.Frame)
}
