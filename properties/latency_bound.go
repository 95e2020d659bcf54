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
			"Without a bound it is the one that is proved of the level; where the scenario breaks an assumption of that, as if it did not. " +
			"Safety: judged as it stands. Checked counts the packets that were released after the warm-up and delivered, or late at the end of the run.",
		OfNetwork: true,
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
			c := &latencyBound{env: env, priority: model.Priority(priority), what: "bound", under: map[uint64]*journey{}}
			if p.Given("bound") {
				c.bound, c.bounded = p.Duration("bound"), true
				return c, nil
			}
			b := env.Bounds[priority]
			c.bound, c.bounded, c.what, c.why = b.Delay, b.Delay > 0, "proved bound", b.Why
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
	what     string // the bound is
	why      string // there is none

	under map[uint64]*journey // the packets under way
	free  []*journey          // for reuse

	checked, late int
	longest       model.Duration
	first         []model.Record // of the first packet that was late
	reason        string
}

// journey is what became of a packet so far: its records, which begin with its
// sending, and the one that released it.
type journey struct {
	records  []model.Record
	released int // index in records; 0: it was not, or not at the priority
}

func (c *latencyBound) Kinds() model.Kinds {
	return model.KindSet(model.Sent, model.Released, model.Hopped, model.Delivered, model.Dropped)
}

func (c *latencyBound) Observe(r *model.Record) {
	if r.Kind == model.Sent {
		if r.Priority >= c.priority { // a limiter may demote it
			c.follow(r)
		}
		return
	}
	if r.Kind == model.Hopped && r.Priority != c.priority {
		return // most packets are of no concern
	}
	x := c.under[r.Packet]
	if x == nil {
		return
	}
	switch r.Kind {
	case model.Released:
		if r.Priority == c.priority && r.At >= c.env.WarmUp {
			x.released = len(x.records)
		}
	case model.Dropped:
		c.forget(r.Packet, x)
		return
	}
	x.records = append(x.records, *r)
	if r.Kind == model.Delivered {
		if x.released > 0 {
			c.took(x, r.At)
		}
		c.forget(r.Packet, x)
	}
}

func (c *latencyBound) follow(r *model.Record) {
	if len(c.free) == 0 {
		c.free = append(c.free, &journey{})
	}
	x := c.free[len(c.free)-1]
	c.free = c.free[:len(c.free)-1]
	*x = journey{records: append(x.records[:0], *r)}
	c.under[r.Packet] = x
}

func (c *latencyBound) forget(packet uint64, x *journey) {
	delete(c.under, packet)
	c.free = append(c.free, x)
}

// took judges a released packet that was delivered at the given time, or is still
// under way.
func (c *latencyBound) took(x *journey, at model.Time) {
	released := &x.records[x.released]
	d := at.Sub(released.At)
	c.checked++
	c.longest = max(c.longest, d)
	if !c.bounded || d <= c.bound {
		return
	}
	if c.late++; c.late > 1 {
		return
	}
	c.first = slices.Clone(x.records)
	end := "still under way"
	if c.first[len(c.first)-1].Kind == model.Delivered {
		end = "delivered"
	}
	c.reason = fmt.Sprintf("packet %d from %s to %s was released at %v and %s %v later, above the %s of %v",
		released.Packet, c.env.name(released.Process), c.env.name(released.Peer), released.At, end, d, c.what, c.bound)
}

func (c *latencyBound) Finish(end model.Time) Result {
	if c.bounded {
		for _, packet := range slices.Sorted(maps.Keys(c.under)) {
			if x := c.under[packet]; x.released > 0 && end.Sub(x.records[x.released].At) > c.bound {
				c.took(x, end)
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
	case !c.bounded && c.why != "":
		result.Reason = fmt.Sprintf("no bound was given, and none is proved: %s; the longest of %s took %v", c.why, plural(c.checked, "packet"), c.longest)
	case !c.bounded:
		result.Reason = fmt.Sprintf("no bound was given; the longest of %s took %v", plural(c.checked, "packet"), c.longest)
	default:
		result.Outcome = Holds
		result.Reason = fmt.Sprintf("the longest of %s took %v from its release to delivery, and the %s is %v", plural(c.checked, "packet"), c.longest, c.what, c.bound)
	}
	return result
}
