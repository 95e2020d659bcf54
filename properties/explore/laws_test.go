package explore_test

import (
	"fmt"
	"testing"

	"suspect/model"
	"suspect/properties"
	"suspect/properties/explore"
)

// patient is what tells its timeouts, as the adaptive detector does.
type patient interface {
	Timeout(peer model.ProcessID) model.Duration
}

// tau returns the timeout of p for q, in steps.
func tau(v *explore.View, p, q int) int {
	d := v.Locals[p].Automaton.(patient).Timeout(model.ProcessID(q))
	for k := 0; ; k++ {
		if explore.Silence(k) >= d {
			return k
		}
	}
}

// synchronous are instances whose bounds hold from the first tick, with a largest timeout
// that is out of reach.
var synchronous = []row{
	{2, 1, 1, 1, 1, 9, 1, 0, 0, 0},
	{2, 1, 1, 1, 1, 9, 2, 0, 0, 0},
	{2, 1, 1, 1, 1, 9, 3, 0, 0, 0},
	{2, 1, 1, 2, 1, 9, 1, 0, 0, 0},
	{2, 1, 1, 2, 1, 9, 2, 0, 0, 0},
	{2, 1, 1, 3, 1, 9, 1, 0, 0, 0},
	{2, 1, 2, 1, 1, 9, 1, 0, 0, 0},
	{2, 1, 2, 1, 1, 9, 2, 0, 0, 0},
	{2, 1, 2, 2, 1, 9, 1, 0, 0, 0},
	{2, 1, 2, 2, 1, 9, 2, 0, 0, 0},
	{2, 1, 2, 2, 3, 9, 2, 0, 0, 0},
	{2, 1, 2, 2, 4, 9, 2, 0, 0, 0},
	{2, 1, 2, 2, 5, 9, 2, 0, 0, 0},
	{2, 1, 2, 2, 6, 9, 2, 0, 0, 0},
	{2, 1, 3, 1, 1, 9, 1, 0, 0, 0},
	{2, 1, 3, 1, 1, 9, 2, 0, 0, 0},
	{2, 1, 3, 2, 2, 9, 1, 0, 0, 0},
	{2, 1, 1, 2, 7, 9, 3, 0, 0, 0},
}

// theta is Delta + Phi*sigma - 1: a process hears from a live one at least that often.
func (r row) theta() int { return r.delta + r.phi*r.period - 1 }

// The laws of the adaptive detector where the bounds hold from the start, theta being
// Delta + Phi*sigma - 1 and tau* the larger of theta and the first timeout:
//   - the largest timeout that is ever reached is tau*;
//   - it is strongly accurate exactly where the first timeout is at least theta;
//   - a crash is suspected for good within Delta + Phi(min(tau+1, tau*) + 2) - 2 ticks, tau
//     being the timeout at the crash, and in some run no sooner.
func TestLaws(t *testing.T) {
	for _, row := range synchronous {
		t.Run(row.String(), func(t *testing.T) {
			worst := max(row.first, row.theta())
			largest := 0
			s, r := search(t, row.adaptive(), explore.Options{Workers: 1},
				explore.Always("timeouts", func(v *explore.View) bool {
					if v.Alive(0) {
						largest = max(largest, tau(v, 0, 1))
					}
					return true
				}))
			if !r.Complete {
				t.Fatal(r)
			}
			if largest != worst {
				t.Errorf("the largest timeout is %d, want %d", largest, worst)
			}
			_, r = search(t, row.adaptive(), explore.Options{Workers: 1}, explore.StrongAccuracy())
			want := properties.Violated
			if row.first >= row.theta() {
				want = properties.Holds
			}
			if got := r.Findings[0].Outcome; got != want {
				t.Errorf("strong accuracy is %v, want %v for a first timeout of %d and theta %d", got, want, row.first, row.theta())
			}
			delays := map[int]int{}
			err := s.Delays(
				func(v *explore.View) bool { return !v.Alive(0) || v.Alive(1) || v.Suspected(0, 1) },
				func(before, after *explore.View, ticks int) {
					if before.Alive(1) && !after.Alive(1) && after.Alive(0) {
						tau := tau(before, 0, 1)
						if ticks == explore.Unbounded || delays[tau] == explore.Unbounded {
							delays[tau] = explore.Unbounded
						} else {
							delays[tau] = max(delays[tau], ticks)
						}
					}
				})
			if err != nil {
				t.Fatal(err)
			}
			if len(delays) != worst-row.first+1 {
				t.Errorf("crashes at %d timeouts, want %d", len(delays), worst-row.first+1)
			}
			for tau, ticks := range delays {
				if want := row.delta + row.phi*(min(tau+1, worst)+2) - 2; ticks != want {
					t.Errorf("a crash at timeout %d is suspected for good after %d ticks, want %d", tau, ticks, want)
				}
			}
		})
	}
}

// Where the bounds come to hold, the adaptive detector is eventually accurate exactly if
// its largest timeout is at least theta. Otherwise there is a lasso.
func TestEventualAccuracyIsSharp(t *testing.T) {
	for _, c := range []struct{ delta, phi, period int }{{1, 1, 1}, {1, 1, 2}, {1, 2, 1}, {2, 1, 1}, {2, 1, 2}} {
		r := row{n: 2, crashes: 1, delta: c.delta, phi: c.phi, first: 1, period: c.period, gst: 1}
		for _, most := range []int{r.theta() - 1, r.theta()} {
			r.most = most
			if most < r.first {
				continue
			}
			t.Run(fmt.Sprint(r), func(t *testing.T) {
				_, report := search(t, r.adaptive(), explore.Options{Workers: 1}, explore.EventualStrongAccuracy(explore.EventuallyStable))
				want := properties.Holds
				if most < r.theta() {
					want = properties.Violated
				}
				if f := report.Findings[0]; f.Outcome != want {
					t.Errorf("%v, want %v", f, want)
				}
			})
		}
	}
}

// Completeness needs no synchrony, but processes that go on taking steps: without, the
// observer may rest for ever. Accuracy needs the synchrony.
func TestWithoutStabilisation(t *testing.T) {
	r := rows[0]
	for _, c := range []struct {
		property explore.Property
		want     properties.Outcome
	}{
		{explore.StrongCompleteness(explore.EventuallyStable), properties.Holds},
		{explore.StrongCompleteness(explore.EveryoneSteps), properties.Holds},
		{explore.StrongCompleteness(0), properties.Violated},
		{explore.WeakCompleteness(explore.EveryoneSteps, 2), properties.Holds},
		{explore.WeakCompleteness(0, 2), properties.Violated},
		{explore.EventualStrongAccuracy(explore.EventuallyStable), properties.Holds},
		{explore.EventualStrongAccuracy(explore.EveryoneSteps), properties.Violated},
		{explore.EventualStrongAccuracy(0), properties.Violated},
		{explore.EventualWeakAccuracy(explore.EventuallyStable, 2), properties.Holds},
		{explore.EventualWeakAccuracy(explore.EveryoneSteps, 2), properties.Violated},
	} {
		_, report := search(t, r.adaptive(), explore.Options{Workers: 2}, c.property)
		f := report.Findings[0]
		if f.Outcome != c.want {
			t.Errorf("%s with fairness %b: %v, want %v (%s)", f.Property, c.property.Fair, f.Outcome, c.want, f.Reason)
		}
		if f.Counterexample == nil {
			continue
		}
		if f.Property == "strong-completeness" {
			// The paused observer's lasso.
			rested := false
			for _, s := range f.Counterexample.Cycle {
				for _, m := range s.Moves {
					rested = rested || m.Kind == explore.Rest
					if m.Kind == explore.Run {
						t.Errorf("p%d takes a step in the lasso", m.Process)
					}
				}
			}
			if !rested {
				t.Error("nobody rests in the lasso")
			}
		}
	}
}

// A detector whose timeouts do not grow is not eventually accurate, and the lasso shows a
// suspicion that comes and goes for ever.
func TestFixedTimeoutLasso(t *testing.T) {
	r := row{n: 2, crashes: 1, delta: 2, phi: 2, first: 3, period: 2, gst: 0}
	_, report := search(t, r.ticks("timeout", map[string]string{}), explore.Options{Workers: 1},
		explore.EventualStrongAccuracy(0), explore.StrongCompleteness(0), explore.StrongAccuracy())
	for i, want := range []properties.Outcome{properties.Violated, properties.Holds, properties.Violated} {
		if f := report.Findings[i]; f.Outcome != want {
			t.Errorf("%s: %v, want %v", f.Property, f.Outcome, want)
		}
	}
	began, ended := 0, 0
	for _, s := range report.Findings[0].Counterexample.Cycle {
		for _, m := range s.Moves {
			for _, v := range m.Verdicts {
				if v.Suspected {
					began++
				} else {
					ended++
				}
			}
		}
	}
	if began == 0 || began != ended {
		t.Errorf("in the cycle %d suspicions begin and %d end", began, ended)
	}
}
