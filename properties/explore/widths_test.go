package explore_test

import (
	"testing"

	"suspect/properties/explore"
)

// Nothing but the words of a state depends on how wide numbers are made: not what is found
// when they turn out to be too narrow, nor when states have several words, or so many that
// a hash stands for them.
func TestWidths(t *testing.T) {
	for _, c := range []struct {
		row         row
		local, link int
		missed      bool
	}{
		{rows[1], 2, 1, false},
		{rows[1], 3, 4, false},
		{rows[1], 40, 3, false},
		{rows[1], 32, 15, false},
		{rows[1], 32, 18, true},
		{rows[2], 4, 2, false},
		{row{3, 1, 1, 1, 1, 1, 2, 0, 0, 0}, 20, 7, false},
		{row{3, 1, 1, 1, 1, 1, 2, 0, 0, 0}, 38, 8, true},
	} {
		for _, symmetry := range []bool{false, true} {
			ticks := c.row.adaptive()
			ticks.Symmetry = symmetry
			props := []explore.Property{explore.StrongAccuracy(), explore.EventualStrongAccuracy(0)}
			_, want := search(t, ticks, explore.Options{Workers: 1}, props...)
			sys, err := ticks.NewSystem()
			if err != nil {
				t.Fatal(err)
			}
			if err := explore.SetWidths(sys, c.local, c.link); err != nil {
				t.Fatal(err)
			}
			s, err := explore.NewSearch(sys, explore.Options{Workers: 2}, props...)
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Run()
			if err != nil {
				t.Fatal(err)
			}
			if got.States != want.States || got.Transitions != want.Transitions || got.Depth != want.Depth {
				t.Errorf("%v with %d and %d bits: %v, want %v", c.row, c.local, c.link, got, want)
			}
			if n := float64(got.States); got.Missed != 0 != c.missed || c.missed && got.Missed != n*n/(1<<64)/(1<<64)/2 {
				t.Errorf("%v with %d and %d bits: odds of a missed state %v", c.row, c.local, c.link, got.Missed)
			}
			for i, f := range got.Findings {
				w := want.Findings[i]
				if f.Outcome != w.Outcome || (f.Counterexample == nil) != (w.Counterexample == nil) || f.Counterexample != nil && len(f.Counterexample.Prefix) != len(w.Counterexample.Prefix) {
					t.Errorf("%v with %d and %d bits: %v, want %v", c.row, c.local, c.link, f, w)
				}
			}
		}
	}
}
