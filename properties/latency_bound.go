package properties

import (
	"fmt"
	"maps"
	"slices"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "latency-bound",
		Source: "Grosvenor and others 2015, section 3.1",
		Doc: "Every packet of the priority that a rate limiter released is delivered within bound from then on, unless it is dropped. " +
			"Safety: judged as it stands. Checked counts the packets that were released after the warm-up and delivered, or late at the end of the run.",
		Params: []model.Param{
			{Name: "bound", Type: model.DurationParam, Optional: true, Doc: "longest time from the release by the sender's limiter to delivery"},
			{Name: "priority", Type: model.CountParam, Default: "7", Doc: "802.1Q priority, at which the packets are released"},
		},
		New: func(env Env, p model.Params) (Checker, error) {
			if err := env.validate(); err != nil {
				return nil, err
			}
			priority := p.Count("priority")
			if priority < 0 || priority >= model.Priorities {
				return nil, &model.ParamError{Name: "priority", Err: fmt.Errorf("802.1Q has 0 to %d", model.Priorities-1)}
			}
			c := &latencyBound{env: env, priority: model.Priority(priority), bounded: p.Given("bound"), under: map[uint64]*[2]model.Record{}}
			if c.bounded {
				c.bound = p.Duration("bound")
			}
			return c, nil
		},
	})
}

// latencyBound: every packet released at t is delivered by t + bound. A packet under
// way for longer than that when the run ends is a bad prefix too.
type latencyBound struct {
	env      Env
	priority model.Priority
	bound    model.Duration
	bounded  bool

	// under has the packets under way: how they were sent and, if they were,
	// released.
	under map[uint64]*[2]model.Record

	checked, late int
	longest       model.Duration
	first         []model.Record // of the first packet that was late
	reason        string
}

func (c *latencyBound) Kinds() model.Kinds {
	return model.KindSet(model.Sent, model.Released, model.Delivered, model.Dropped)
}

func (c *latencyBound) Observe(r *model.Record) {
	switch r.Kind {
	case model.Sent:
		if r.Priority >= c.priority { // a limiter may demote it
			c.under[r.Packet] = &[2]model.Record{*r}
		}
	case model.Released:
		if x := c.under[r.Packet]; x != nil && r.Priority == c.priority && r.At >= c.env.WarmUp {
			x[1] = *r
		}
	case model.Delivered:
		if x := c.under[r.Packet]; x != nil && x[1].Kind == model.Released {
			c.took(x, r.At, r)
		}
		delete(c.under, r.Packet)
	case model.Dropped:
		delete(c.under, r.Packet)
	}
}

// took judges a packet that was delivered at the given time, or is still under way.
func (c *latencyBound) took(x *[2]model.Record, at model.Time, delivered *model.Record) {
	released := &x[1]
	d := at.Sub(released.At)
	c.checked++
	c.longest = max(c.longest, d)
	if !c.bounded || d <= c.bound {
		return
	}
	if c.late++; c.late > 1 {
		return
	}
	c.first = append(c.first, x[0], x[1])
	end := "still under way"
	if delivered != nil {
		c.first = append(c.first, *delivered)
		end = "delivered"
	}
	c.reason = fmt.Sprintf("packet %d from %s to %s was released at %v and %s %v later, above the bound of %v",
		released.Packet, c.env.name(released.Process), c.env.name(released.Peer), released.At, end, d, c.bound)
}

func (c *latencyBound) Finish(end model.Time) Result {
	if c.bounded {
		for _, packet := range slices.Sorted(maps.Keys(c.under)) {
			if x := c.under[packet]; x[1].Kind == model.Released && end.Sub(x[1].At) > c.bound {
				c.took(x, end, nil)
			}
		}
	}
	result := Result{Property: "latency-bound", Checked: c.checked}
	switch {
	case c.late > 0:
		result.Outcome, result.Witness = Violated, c.first
		result.Reason = fmt.Sprintf("%s; %d of %s were late, and the longest took %v", c.reason, c.late, plural(c.checked, "packet"), c.longest)
	case c.checked == 0:
		result.Reason = fmt.Sprintf("vacuous: no packet that a limiter released at priority %d after the warm-up was delivered", c.priority)
	case !c.bounded:
		result.Reason = fmt.Sprintf("no bound was given; the longest of %s took %v", plural(c.checked, "packet"), c.longest)
	default:
		result.Outcome = Holds
		result.Reason = fmt.Sprintf("the longest of %s took %v from its release to delivery", plural(c.checked, "packet"), c.longest)
	}
	return result
}
