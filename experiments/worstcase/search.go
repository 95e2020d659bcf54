package worstcase

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"suspect/experiments/guarantee"
	"suspect/experiments/run"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
	"suspect/properties"
	"suspect/qjump"
	"suspect/qjump/adversary"
)

// Search looks for the worst schedule of every level for which g has a bound, in g's
// order. Bounds that are withdrawn count too: what would hold without the break is
// compared with what can happen without it. The error wraps [run.ErrInterrupted] when ctx
// ends; there is no other.
func Search(ctx context.Context, s *scenario.Scenario, g *guarantee.Report, o Options) (found []Worst, err error) {
	if g == nil {
		return nil, nil
	}
	var levels []guarantee.Level
	for _, l := range g.Levels {
		if l.Bound != nil {
			levels = append(levels, l)
		}
	}
	if o.Events == 0 {
		o.Events = DefaultEvents
	}
	o.Events = max(1, o.Events/uint64(max(1, len(levels))))
	for _, l := range levels {
		w := Worst{Priority: l.Priority, Bound: l.Bound.Delay, Phases: []Phase{}, Sends: []Send{}, Notes: []string{}}
		if err := w.search(ctx, s, g, o); errors.Is(err, run.ErrInterrupted) {
			return nil, err
		} else if err != nil {
			w.Refused = err.Error()
		}
		found = append(found, w)
	}
	return found, nil
}

// coincidences is what an exact worst case may miss: a picosecond for each coincidence that
// must be avoided, such as the edge of a window and a frame at the host and at the switch.
const coincidences = 3 * model.Picosecond

func (w *Worst) search(ctx context.Context, s *scenario.Scenario, g *guarantee.Report, o Options) error {
	p, notes, err := Problem(s, g, model.Priority(w.Priority))
	if err != nil {
		return err
	}
	best, err := adversary.Search(p, adversary.Options{
		Seed: o.Seed, Evaluations: 1 << 30, Events: o.Events, Enough: w.Bound - coincidences,
		Stop: func() error {
			if ctx.Err() != nil {
				return run.ErrInterrupted
			}
			return nil
		},
	})
	if err != nil {
		return err
	}
	w.Delay, w.Evaluations, w.Events = best.Delay, best.Evaluations, best.Events
	w.Receiver = s.Network.Topology.Names[p.Receiver]
	w.Notes = append(w.Notes, notes...)

	c := bare(s)
	c.Network.Topology.Links = p.Topology.Links
	// The levels below are not limited here, as frames are best effort.
	c.QJump.Table.Levels = slices.DeleteFunc(c.QJump.Table.Levels, func(l qjump.Level) bool { return int(l.Priority) < w.Priority })
	if c.QJump.Excess == scenario.DemoteExcess {
		c.QJump.Excess = scenario.DropExcess
	}
	if c, err = w.tidy(ctx, c, &best.Schedule, o.Events/4); err != nil {
		return err
	}
	introduce(c, fmt.Sprintf("adversary-%d", w.Priority), fmt.Sprintf(
		"The worst schedule that a search found for the level with priority %d of the scenario %s: a packet takes %v from its limiter to its last bit at %s, where %v is proved.",
		w.Priority, s.Name, w.Delay, w.Receiver, w.Bound))
	w.Phases, w.Sends = phases(c), sent(c)
	w.text, _, err = text(c, model.Priority(w.Priority), w.Bound, properties.Holds)
	return err
}

// tidy returns the scenario with the schedule, without the packets that the delay does not
// depend on, and with simpler times, as far as that takes no more events than are given.
func (w *Worst) tidy(ctx context.Context, s *scenario.Scenario, best *adversary.Schedule, events uint64) (*scenario.Scenario, error) {
	c := &candidate{}
	for _, x := range best.Sends {
		c.sends = append(c.sends, send{
			Send: network.Send{At: x.At, From: x.From, To: x.To, Bytes: x.Payload, Priority: x.Priority}, free: int(x.Priority) < w.Priority,
		})
	}
	for _, x := range best.Phases {
		if s.QJump.Limiter == qjump.FixedWindow {
			c.phases = append(c.phases, scenario.Phase{Host: x.Host, Priority: x.Priority, Phase: x.Phase})
		}
	}
	k := &shrinker{ctx: ctx, s: s, v: Violation{Priority: model.Priority(w.Priority), Bound: w.Delay - 1}, left: max(events, 1)}
	if k.fails(c) {
		c = k.least(c)
	}
	if k.err != nil {
		return nil, k.err
	}
	longest := model.Duration(0)
	s = k.scenario(c)
	watch := newWatcher(s, model.Priority(w.Priority), model.Duration(model.MaxTime), len(c.sends)+1)
	_, err := run.Again(ctx, s, 0, watchedKinds, func(r *model.Record) bool {
		if at, released := watch.released[r.Packet]; released && r.Kind == model.Delivered {
			longest = max(longest, r.At.Sub(at))
		}
		return watch.observe(r)
	})
	if err == nil && longest < w.Delay {
		err = fmt.Errorf("the schedule takes %v where it was found, and %v as a scenario: this is a bug", w.Delay, longest)
	}
	w.Delay, w.Ratio = longest, float64(longest)/float64(w.Bound)
	return s, err
}
