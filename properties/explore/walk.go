package explore

import (
	"errors"
	"fmt"
	"slices"

	"suspect/properties"
	"suspect/sim"
)

// Walk goes at random through a [System] that is too large to be visited: from the first
// state, again and again, each time to one of the successors, each choice of the
// environment being equally likely. It judges properties of safety; what it does not
// find it says nothing about, so nothing ever holds.
type Walk struct {
	Seed  uint64
	Walks int // walks, at least 1
	Depth int // steps of a walk, at most; at least 1

	// Remember is the number of states that are remembered, to tell how many different ones
	// there were; 0 is for a million. They take 48 bytes each.
	Remember int

	// Shorten is the number of states that a search may visit in order to find a shorter
	// counterexample than the one that was met; 0 is for a hundred thousand.
	Shorten int64

	// Stop is asked before each walk, and ends it all where it returns true.
	Stop func() bool
}

// WalkReport is what random walks found.
type WalkReport struct {
	Walks    int
	Steps    int64
	Ended    int   // walks that came to a state that nothing follows
	States   int   // different states that were met, as far as they are remembered
	Full     bool  // more states were met than are remembered
	Fresh    int   // of them, in the last tenth of the walks: what is still being discovered
	Locals   []int // different states of each process
	Findings []Finding

	// Shortest tells of each counterexample whether it is as short as any.
	Shortest []bool
}

// Run walks.
func (w Walk) Run(sys System, props ...Property) (*WalkReport, error) {
	if w.Walks < 1 || w.Depth < 1 {
		return nil, fmt.Errorf("explore: %d walks of %d steps: at least one of one", w.Walks, w.Depth)
	}
	for _, p := range props {
		if !p.Safety() {
			return nil, fmt.Errorf("explore: %s: a random walk judges safety alone", p.Name)
		}
		if err := p.check(sys); err != nil {
			return nil, err
		}
	}
	if w.Remember == 0 {
		w.Remember = 1_000_000
	}
	if w.Shorten == 0 {
		w.Shorten = 100_000
	}
	r := &WalkReport{}
	for _, p := range props {
		r.Findings = append(r.Findings, Finding{Property: p.Name})
	}
	found := make([][][]uint64, len(props)) // the states of the walk that violates each property
	seen := map[[2]uint64]bool{}
	var view View
	for ; r.Walks < w.Walks && (w.Stop == nil || !w.Stop()); r.Walks++ {
		before := len(seen)
		dice := sim.NewStream(w.Seed, fmt.Sprintf("walk/%d", r.Walks))
		states, ended, err := w.walk(sys, dice, func(states [][]uint64) bool {
			state := states[len(states)-1]
			if a, b := wideKey(state); len(seen) < w.Remember {
				seen[[2]uint64{a, b}] = true
			} else if !seen[[2]uint64{a, b}] {
				r.Full = true
			}
			sys.View(state, &view)
			for i, p := range props {
				if found[i] == nil && !p.holds(&view) {
					found[i] = slices.Clone(states)
				}
			}
			return len(props) == 0 || slices.ContainsFunc(found, func(s [][]uint64) bool { return s == nil })
		})
		if errors.Is(err, ErrWider) {
			// States that are remembered are void; the walks are made again from the start.
			clear(seen)
			clear(found)
			*r = WalkReport{Walks: -1, Findings: r.Findings}
			continue
		}
		if err != nil {
			return nil, err
		}
		r.Steps += int64(len(states) - 1)
		if ended {
			r.Ended++
		}
		if 10*(w.Walks-r.Walks) <= w.Walks {
			r.Fresh += len(seen) - before
		}
		if len(props) > 0 && !slices.ContainsFunc(found, func(s [][]uint64) bool { return s == nil }) {
			r.Walks++
			break
		}
	}
	r.States, r.Locals = len(seen), sys.Locals()
	r.Shortest = make([]bool, len(props))
	for i, p := range props {
		if found[i] == nil {
			r.Findings[i].Reason = fmt.Sprintf("not violated in %d random walks of up to %d steps, which met %d different states", r.Walks, w.Depth, r.States)
			continue
		}
		if err := w.shorten(sys, p, found[i], r, i); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// walk makes one walk, as long as going returns true of the states so far.
func (w Walk) walk(sys System, dice *sim.Stream, going func(states [][]uint64) bool) (states [][]uint64, ended bool, err error) {
	state, err := sys.First()
	if err != nil {
		return nil, false, err
	}
	e := sys.Expander()
	var succ Successors
	states = [][]uint64{state}
	for len(states) <= w.Depth && going(states) {
		for succ.Reset(); !e.Expand(state, &succ); succ.Reset() {
			if err := sys.Learn(state); err != nil {
				return nil, false, err
			}
		}
		words := sys.Words()
		n := len(succ.States) / words
		if n == 0 {
			return states, true, nil
		}
		i := dice.IntN(n)
		state = slices.Clone(succ.States[i*words : (i+1)*words])
		if n == 1 && slices.Equal(state, states[len(states)-1]) {
			return states, true, nil // it stays where it is
		}
		states = append(states, state)
	}
	return states, false, nil
}

// shorten makes the counterexample of a property: the walk without its loops, or a shorter
// run where a search finds one within its bounds.
func (w Walk) shorten(sys System, p Property, states [][]uint64, r *WalkReport, i int) error {
	f := &r.Findings[i]
	f.Outcome = properties.Violated
	at := map[[2]uint64]int{}
	var path [][]uint64
	for _, state := range states {
		a, b := wideKey(state)
		if back, ok := at[[2]uint64{a, b}]; ok {
			for _, gone := range path[back+1:] {
				a, b := wideKey(gone)
				delete(at, [2]uint64{a, b})
			}
			path = path[:back+1]
			continue
		}
		at[[2]uint64{a, b}] = len(path)
		path = append(path, state)
	}
	f.Counterexample = &Counterexample{Property: p.Name, First: path[0]}
	now := path[0]
	for _, state := range path[1:] {
		step, err := sys.Follow(now, state)
		if err != nil {
			return err
		}
		f.Counterexample.Prefix = append(f.Counterexample.Prefix, step)
		now = step.After
	}
	f.Reason = fmt.Sprintf("violated after %d steps of walk %d, or %d without its loops", len(states)-1, r.Walks, len(path)-1)
	s, err := NewSearch(sys, Options{Workers: 1, MaxStates: w.Shorten, MaxDepth: len(path) - 1}, p)
	if err != nil {
		return err
	}
	report, err := s.Run()
	if err != nil {
		return err
	}
	switch found := report.Findings[0]; {
	case found.Outcome == properties.Violated:
		f.Counterexample, r.Shortest[i] = found.Counterexample, true
		f.Reason += fmt.Sprintf("; a search finds one of %d steps, and no shorter one exists", len(found.Counterexample.Prefix))
	case report.Depth >= len(path)-1:
		r.Shortest[i] = true
	default:
		f.Reason += fmt.Sprintf("; no shorter one was found among %d states", report.States)
	}
	return nil
}
