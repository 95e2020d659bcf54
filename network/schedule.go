package network

import (
	"errors"
	"fmt"
	"slices"

	"suspect/model"
	"suspect/sim"
)

// validateSends returns what is wrong with the packets of a schedule.
func (t *Traffic) validateSends(top *Topology) error {
	var errs []error
	if len(t.Sends) == 0 {
		errs = append(errs, errors.New("the schedule is empty"))
	}
	for i := range t.Sends {
		if err := t.Sends[i].Validate(top); err != nil {
			errs = append(errs, fmt.Errorf("sends[%d]: %w", i, err))
		}
		if i > 0 && t.Sends[i].At < t.Sends[i-1].At {
			errs = append(errs, fmt.Errorf("sends[%d]: %v is before the packet before it, at %v", i, t.Sends[i].At, t.Sends[i-1].At))
		}
	}
	return errors.Join(errs...)
}

// Validate returns the first thing that is wrong with x in a network of topology top.
func (x *Send) Validate(top *Topology) error {
	for _, h := range [...]NodeID{x.From, x.To} {
		switch {
		case h < 0 || int(h) >= len(top.Names):
			return fmt.Errorf("there is no node %d", h)
		case int(h) >= top.Hosts:
			return fmt.Errorf("%s is a switch; only hosts send and receive", top.name(h))
		}
	}
	switch {
	case x.From == x.To:
		return fmt.Errorf("%s would send to itself", top.name(x.From))
	case x.At < 0 || x.At > model.MaxTime:
		return fmt.Errorf("time %v: it must lie between 0 and %v", x.At, model.MaxTime)
	case x.Bytes <= 0 || x.Bytes > MaxPayload:
		return fmt.Errorf("a packet of %d bytes: it must have between 1 and %d", x.Bytes, MaxPayload)
	case x.Priority >= model.Priorities:
		return fmt.Errorf("priority %d: it must lie between 0 and %d", x.Priority, model.Priorities-1)
	}
	return nil
}

// schedule sends the packets of a Schedule.
type schedule struct {
	network   *Network
	admission *admission
	sends     []Send
	begin     model.Time
	next      int
	timer     sim.Timer
}

func (n *Network) addSchedule(t *Traffic, a *admission) {
	s := &schedule{network: n, admission: a, sends: slices.Clone(t.Sends), begin: n.kernel.Now()}
	s.timer = n.kernel.NewTimer(s, 0)
	n.kernel.Arm(s.timer, s.begin.Add(model.Duration(s.sends[0].At)))
}

// Fire sends what is due.
func (s *schedule) Fire(uint32) {
	due := s.sends[s.next].At
	for ; s.next < len(s.sends) && s.sends[s.next].At == due; s.next++ {
		x := &s.sends[s.next]
		s.network.send(x.From, x.To, x.Bytes, x.Priority, 0, s.admission)
	}
	if s.next < len(s.sends) {
		s.network.kernel.Arm(s.timer, s.begin.Add(model.Duration(s.sends[s.next].At)))
	}
}
