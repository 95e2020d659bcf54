package explore_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"suspect/model"
	"suspect/properties/explore"
)

// orbits are published with the model, like the rows that they belong to.
var orbits = map[string]int64{
	"3,1,1,1,1,6,2,0": 9_187,
	"3,1,1,2,1,6,1,0": 86_844,
	"2,1,2,2,1,8,2,1": 215_643,
}

func TestOrbits(t *testing.T) {
	for _, row := range rows {
		want, ok := orbits[row.String()]
		if !ok {
			continue
		}
		ticks := row.adaptive()
		ticks.Symmetry = true
		_, r := search(t, ticks, explore.Options{Workers: 2})
		t.Log(row, r)
		if !r.Complete || r.States != want {
			t.Errorf("%v: %d orbits, want %d", row, r.States, want)
		}
	}
}

// Verdicts are the same with and without symmetry, of eventual properties too, and so are
// the lengths of shortest counterexamples.
func TestSymmetryKeepsVerdicts(t *testing.T) {
	for _, row := range []row{
		{n: 2, crashes: 1, delta: 1, phi: 2, first: 1, most: 1, period: 2, gst: 0},
		{n: 2, crashes: 2, delta: 1, phi: 2, first: 1, most: 5, period: 2, gst: 0},
		{n: 2, crashes: 1, delta: 1, phi: 1, first: 1, most: 2, period: 1, gst: 1},
		{n: 3, crashes: 1, delta: 1, phi: 1, first: 1, most: 1, period: 2, gst: 0},
		{n: 3, crashes: 2, delta: 1, phi: 1, first: 1, most: 2, period: 2, gst: 0},
	} {
		var outcomes []string
		var states []int64
		for _, symmetry := range []bool{false, true} {
			ticks := row.adaptive()
			ticks.Symmetry = symmetry
			_, r := search(t, ticks, explore.Options{Workers: 2}, explore.StrongAccuracy(), explore.EventualStrongAccuracy(explore.EventuallyStable),
				explore.StrongCompleteness(explore.EventuallyStable), explore.StrongCompleteness(0))
			got := ""
			for _, f := range r.Findings {
				got += fmt.Sprintf("%s %v", f.Property, f.Outcome)
				if c := f.Counterexample; c != nil && len(c.Cycle) > 0 {
					begins := c.First
					if n := len(c.Prefix); n > 0 {
						begins = c.Prefix[n-1].After
					}
					if ends := c.Cycle[len(c.Cycle)-1].After; !slices.Equal(begins, ends) {
						t.Errorf("%v, symmetry %v: the cycle begins in %x and ends in %x", row, symmetry, begins, ends)
					}
				}
				if f.Counterexample != nil && len(f.Counterexample.Cycle) == 0 {
					got += fmt.Sprint(len(f.Counterexample.Prefix))
				}
				got += "\n"
			}
			outcomes = append(outcomes, got)
			states = append(states, r.States)
		}
		if outcomes[0] != outcomes[1] {
			t.Errorf("%v: without symmetry\n%swith it\n%s", row, outcomes[0], outcomes[1])
		}
		if states[1] >= states[0] {
			t.Errorf("%v: %d orbits of %d states", row, states[1], states[0])
		}
	}
}

// Processes that differ are refused.
func TestSymmetryIsChecked(t *testing.T) {
	row := rows[2]
	ticks := row.adaptive()
	ticks.Symmetry = true
	alike := ticks.New
	ticks.New = func(p model.ProcessID) (model.Automaton, error) {
		if p == 1 {
			other := row
			other.first++
			return other.adaptive().New(p)
		}
		return alike(p)
	}
	sys, err := ticks.NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	s, err := explore.NewSearch(sys, explore.Options{Workers: 1})
	if err == nil {
		_, err = s.Run()
	}
	if err == nil || !strings.Contains(err.Error(), "not alike under a renaming") {
		t.Errorf("got %v", err)
	}
	if _, err := explore.NewSearch(sys, explore.Options{Workers: 1}, explore.StrongCompleteness(explore.EveryoneSteps)); err == nil {
		t.Error("fairness of each process is not refused with symmetry")
	}
	if _, err := explore.NewSearch(sys, explore.Options{Workers: 1}, explore.EventualWeakAccuracy(0, 3)); err == nil {
		t.Error("recurrence of several things is not refused with symmetry")
	}
	ticks.New = alike
	if sys, err = ticks.NewSystem(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []explore.Property{
		explore.Always("p0 is up", func(v *explore.View) bool { return v.Alive(0) }),
		explore.EventuallyAlways("p2 is up", 0, func(v *explore.View) bool { return v.Alive(2) }),
	} {
		s, err := explore.NewSearch(sys, explore.Options{Workers: 1}, p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Run(); err == nil || !strings.Contains(err.Error(), "names processes") {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}
