package properties

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"suspect/model"
)

// Plan is everything that happens to a small system of processes at message level: a
// failure plan. Two runs of one plan are alike. It is made by [Claim.Plan] of random
// numbers, shrinks to a smaller one, and is kept in a file as JSON, with times in
// picoseconds.
type Plan struct {
	Seed      uint64         `json:"seed"` // of delays, losses and the choices of automata
	Processes int            `json:"processes"`
	Horizon   model.Duration `json:"horizon"` // the run ends then

	// Settles is when the conditions of the claim begin to hold.
	Settles model.Duration `json:"settles,omitempty"`

	// Delay and Loss are those of every message: the longest delay, of which some is drawn
	// for each, and the probability of loss.
	Delay model.Duration `json:"delay,omitempty"`
	Loss  float64        `json:"loss,omitempty"`

	Ordered bool `json:"ordered,omitempty"` // messages between two processes do not overtake each other

	Starts     []model.Duration `json:"starts,omitempty"` // of the first processes, others at 0
	Drifts     []int64          `json:"drifts,omitempty"` // of their clocks, in parts in a million
	Crashes    []Crash          `json:"crashes,omitempty"`
	Pauses     []Pause          `json:"pauses,omitempty"`
	Storms     []Storm          `json:"storms,omitempty"`
	Partitions []Partition      `json:"partitions,omitempty"`
}

// Crash stops a process at a time, and for ever if For is zero.
type Crash struct {
	Process model.ProcessID `json:"process"`
	At      model.Duration  `json:"at"`
	For     model.Duration  `json:"for,omitempty"`
}

// Pause keeps a process from taking steps. Nothing is lost: its inputs wait.
type Pause struct {
	Process model.ProcessID `json:"process"`
	At      model.Duration  `json:"at"`
	For     model.Duration  `json:"for"`
}

// Storm loses messages that are sent during it with a probability of its own, and delays
// the others by up to Delay more.
type Storm struct {
	At    model.Duration `json:"at"`
	For   model.Duration `json:"for"`
	Loss  float64        `json:"loss,omitempty"`
	Delay model.Duration `json:"delay,omitempty"`
}

// Partition cuts the processes of a group off the others, so that messages sent during it
// are lost; those into the group only, if it is one-way.
type Partition struct {
	At     model.Duration   `json:"at"`
	For    model.Duration   `json:"for"`
	Group  model.ProcessSet `json:"group"` // its lowest bit is process 0
	OneWay bool             `json:"one_way,omitempty"`
}

// maxPlanned is how many processes a plan may have.
const maxPlanned = 64

// JSON writes the plan.
func (p *Plan) JSON() []byte {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		panic(err) // all fields can be written
	}
	return append(text, '\n')
}

// Check returns an error that says what is wrong with the plan, or nil.
func (p *Plan) Check() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf("plan: "+format, args...)) }
	const longest = model.Duration(model.MaxTime / 8)
	last := func(what string, times ...model.Duration) {
		for _, t := range times {
			if t < 0 || t > longest {
				fail("%s: %v is not between 0 and %v", what, t, longest)
			}
		}
	}
	is := func(what string, q model.ProcessID) {
		if q < 0 || int(q) >= p.Processes {
			fail("%s: there is no process %d", what, q)
		}
	}
	probability := func(what string, x float64) {
		if !(x >= 0 && x <= 1) {
			fail("%s: %v is no probability", what, x)
		}
	}
	if p.Processes < 1 || p.Processes > maxPlanned {
		fail("%d processes: at least 1 and at most %d", p.Processes, maxPlanned)
	}
	if len(p.Starts) > p.Processes || len(p.Drifts) > p.Processes {
		fail("there are more starts or drifts than processes")
	}
	last("horizon, settles or delay", p.Horizon, p.Settles, p.Delay)
	last("starts", p.Starts...)
	probability("loss", p.Loss)
	for _, d := range p.Drifts {
		if d < -maxDrift || d > maxDrift {
			fail("drifts: %d ppm is not between %d and %d", d, -maxDrift, maxDrift)
		}
	}
	for i, c := range p.Crashes {
		is("crashes", c.Process)
		last("crashes", c.At, c.For)
		for _, o := range p.Crashes[:i] {
			if o.Process == c.Process && o.At < c.end() && c.At < o.end() {
				fail("crashes: process %d crashes at %v while it is down", c.Process, max(o.At, c.At))
			}
		}
	}
	for _, x := range p.Pauses {
		is("pauses", x.Process)
		last("pauses", x.At, x.For)
	}
	for _, s := range p.Storms {
		last("storms", s.At, s.For, s.Delay)
		probability("storms", s.Loss)
	}
	for _, x := range p.Partitions {
		last("partitions", x.At, x.For)
	}
	return errors.Join(errs...)
}

// maxDrift is the largest drift of a clock that a plan may have, in parts in a million.
const maxDrift = 500_000

// end returns when the process runs again.
func (c Crash) end() model.Duration {
	if c.For == 0 {
		return model.Forever
	}
	return c.At + c.For
}

// String returns the plan as text for people.
func (p *Plan) String() string { return string(p.JSON()) }

// clone returns a copy that shares nothing.
func (p *Plan) clone() *Plan {
	c := *p
	c.Starts, c.Drifts, c.Crashes = slices.Clone(p.Starts), slices.Clone(p.Drifts), slices.Clone(p.Crashes)
	c.Pauses, c.Storms, c.Partitions = slices.Clone(p.Pauses), slices.Clone(p.Storms), slices.Clone(p.Partitions)
	return &c
}

// simpler returns plans that are a step smaller than p, the largest steps first; and ones
// that end sooner, if that is allowed: where something is broken at a time, rather than
// for ever.
func (p *Plan) simpler(sooner bool) func(yield func(*Plan) bool) {
	return func(yield func(*Plan) bool) { p.simplify(sooner, yield) }
}

func (p *Plan) simplify(sooner bool, yield func(*Plan) bool) {
	try := func(change func(*Plan)) bool {
		c := p.clone()
		change(c)
		return yield(c)
	}
	if p.Processes > 2 {
		for q := p.Processes - 1; q >= 0; q-- {
			// With fewer messages others are drawn for: another seed may be needed.
			for _, seed := range []uint64{p.Seed, 0, 1, 2, 3, 4, 5, 6, 7} {
				if !try(func(c *Plan) { c.remove(model.ProcessID(q)); c.Seed = seed }) {
					return
				}
			}
		}
	}
	less := func(n int, remove func(c *Plan, from, to int)) bool {
		for size := n; size > 0; size /= 2 {
			for from := 0; from+size <= n; from += size {
				if !try(func(c *Plan) { remove(c, from, from+size) }) {
					return false
				}
			}
		}
		return true
	}
	if !less(len(p.Crashes), func(c *Plan, from, to int) { c.Crashes = slices.Delete(c.Crashes, from, to) }) ||
		!less(len(p.Pauses), func(c *Plan, from, to int) { c.Pauses = slices.Delete(c.Pauses, from, to) }) ||
		!less(len(p.Storms), func(c *Plan, from, to int) { c.Storms = slices.Delete(c.Storms, from, to) }) ||
		!less(len(p.Partitions), func(c *Plan, from, to int) { c.Partitions = slices.Delete(c.Partitions, from, to) }) {
		return
	}
	if len(p.Starts) > 0 && !try(func(c *Plan) { c.Starts = nil }) || len(p.Drifts) > 0 && !try(func(c *Plan) { c.Drifts = nil }) ||
		p.Loss > 0 && !try(func(c *Plan) { c.Loss = 0 }) {
		return
	}
	for i := range p.Crashes {
		if p.Crashes[i].For > 0 && !try(func(c *Plan) { c.Crashes[i].For = 0 }) {
			return
		}
	}
	if p.Seed > 3 {
		for seed := range uint64(4) {
			if !try(func(c *Plan) { c.Seed = seed }) {
				return
			}
		}
	}
	// Times become zero, or lose their last digits or half of themselves.
	times := p.times(sooner)
	for i, t := range times {
		if *t > 0 && !try(func(c *Plan) { *c.times(sooner)[i] = 0 }) {
			return
		}
		for unit := model.Second; unit >= model.Microsecond; unit /= 10 {
			if rounded := *t / unit * unit; rounded != *t && rounded > 0 {
				if !try(func(c *Plan) { *c.times(sooner)[i] = rounded }) {
					return
				}
			}
		}
		if *t > model.Millisecond && !try(func(c *Plan) { *c.times(sooner)[i] /= 2 }) {
			return
		}
	}
}

// times returns the times of the plan that shrinking makes smaller, the horizon, if it is
// among them, first.
func (p *Plan) times(horizon bool) []*model.Duration {
	var all []*model.Duration
	if horizon {
		all = append(all, &p.Horizon)
	}
	for i := range p.Starts {
		all = append(all, &p.Starts[i])
	}
	for i := range p.Crashes {
		all = append(all, &p.Crashes[i].At)
		if p.Crashes[i].For > 0 {
			all = append(all, &p.Crashes[i].For)
		}
	}
	for i := range p.Pauses {
		all = append(all, &p.Pauses[i].At, &p.Pauses[i].For)
	}
	for i := range p.Storms {
		all = append(all, &p.Storms[i].At, &p.Storms[i].For, &p.Storms[i].Delay)
	}
	for i := range p.Partitions {
		all = append(all, &p.Partitions[i].At, &p.Partitions[i].For)
	}
	return all
}

// remove takes process q out of the plan, and numbers those after it anew.
func (p *Plan) remove(q model.ProcessID) {
	p.Processes--
	if int(q) < len(p.Starts) {
		p.Starts = slices.Delete(p.Starts, int(q), int(q)+1)
	}
	if int(q) < len(p.Drifts) {
		p.Drifts = slices.Delete(p.Drifts, int(q), int(q)+1)
	}
	p.Crashes = slices.DeleteFunc(p.Crashes, func(c Crash) bool { return c.Process == q })
	p.Pauses = slices.DeleteFunc(p.Pauses, func(x Pause) bool { return x.Process == q })
	for i := range p.Crashes {
		if p.Crashes[i].Process > q {
			p.Crashes[i].Process--
		}
	}
	for i := range p.Pauses {
		if p.Pauses[i].Process > q {
			p.Pauses[i].Process--
		}
	}
	for i := range p.Partitions {
		low := p.Partitions[i].Group & (1<<q - 1)
		p.Partitions[i].Group = low | p.Partitions[i].Group>>(q+1)<<q
	}
}
