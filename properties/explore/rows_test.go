package explore_test

import (
	"fmt"
	"testing"

	"suspect/detectors"
	"suspect/model"
	"suspect/properties"
	"suspect/properties/explore"
)

// row is an instance of the reference model: its parameters, and the counts of its
// states and transitions on which SPIN, TLC and a search written by hand agree.
type row struct {
	n, crashes, delta, phi, first, most, period, gst int
	states, transitions                              int64
}

// rows are published with the model.
var rows = []row{
	{2, 1, 1, 1, 1, 5, 1, 1, 8_225, 224_300},
	{2, 1, 2, 2, 1, 8, 2, 0, 15_286, 117_764},
	{3, 1, 1, 1, 1, 6, 2, 0, 54_004, 504_772},
	{2, 1, 2, 2, 1, 8, 2, 1, 430_660, 9_138_550},
	{3, 1, 1, 2, 1, 6, 1, 0, 517_392, 42_390_156},
	{2, 1, 3, 2, 1, 9, 2, 1, 1_747_242, 48_976_260},
	{2, 1, 3, 3, 1, 11, 2, 1, 4_675_543, 124_995_613},
}

func (r row) String() string {
	return fmt.Sprintf("%d,%d,%d,%d,%d,%d,%d,%d", r.n, r.crashes, r.delta, r.phi, r.first, r.most, r.period, r.gst)
}

// ticks returns the instance for a registered detector, with further parameters.
func (r row) ticks(detector string, given map[string]string) explore.Ticks {
	return explore.Ticks{
		N: r.n, Crashes: r.crashes, Delta: r.delta, Phi: r.phi, Stabilises: r.gst == 1, FirstStep: r.period,
		New: func(p model.ProcessID) (model.Automaton, error) {
			spec, ok := detectors.Lookup(detector)
			if !ok {
				return nil, fmt.Errorf("no detector %q", detector)
			}
			given["eta"] = explore.Steps(r.period).String()
			given["stagger"] = "false"
			given["timeout"] = explore.Silence(r.first).String()
			params, errs := model.NewParams(spec.Params, given)
			if len(errs) > 0 {
				return nil, errs[0]
			}
			var others []model.ProcessID
			for q := range model.ProcessID(r.n) {
				if q != p {
					others = append(others, q)
				}
			}
			return spec.New(detectors.Env{Self: p, N: r.n, Watch: others, Watchers: others}, params)
		},
	}
}

func (r row) adaptive() explore.Ticks {
	return r.ticks("adaptive", map[string]string{
		"step": explore.Steps(1).String(), "most": explore.Silence(r.most).String(),
	})
}

// search explores ticks and fails the test on errors.
func search(t testing.TB, ticks explore.Ticks, opt explore.Options, props ...explore.Property) (*explore.Search, *explore.Report) {
	t.Helper()
	sys, err := ticks.NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	s, err := explore.NewSearch(sys, opt, props...)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Run()
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

// The counts of states and transitions are those of the reference model.
func TestReferenceCounts(t *testing.T) {
	for _, row := range rows[:4] {
		_, r := search(t, row.adaptive(), explore.Options{Workers: 1})
		t.Log(row, r)
		if !r.Complete || r.States != row.states || r.Transitions != row.transitions {
			t.Errorf("%v: %d states and %d transitions, want %d and %d", row, r.States, r.Transitions, row.states, row.transitions)
		}
	}
}

// Of the rows with 400,000 states and more: at least 3 million transitions a second on
// one core, under 64 bytes a state, and what two cores make of it.
func BenchmarkRows(b *testing.B) {
	for _, row := range rows {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%v/workers=%d", row, workers), func(b *testing.B) {
				var r *explore.Report
				for b.Loop() {
					if _, r = search(b, row.adaptive(), explore.Options{Workers: workers}); r.States != row.states || r.Transitions != row.transitions {
						b.Fatalf("%d states and %d transitions, want %d and %d", r.States, r.Transitions, row.states, row.transitions)
					}
				}
				b.ReportMetric(float64(r.Transitions)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mtransitions/s")
				b.ReportMetric(r.BytesPerState(), "B/state")
			})
		}
	}
}

// The fourth row with two properties of infinite runs.
func BenchmarkLiveness(b *testing.B) {
	for b.Loop() {
		_, r := search(b, rows[3].adaptive(), explore.Options{Workers: 2},
			explore.StrongCompleteness(explore.EventuallyStable), explore.EventualStrongAccuracy(explore.EventuallyStable))
		if r.Outcome() != properties.Holds {
			b.Fatal(r.Findings)
		}
	}
}
