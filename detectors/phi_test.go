package detectors_test

import (
	"fmt"
	"math"
	"testing"

	"suspect/detectors"
	"suspect/model"
)

// By the deviations at which phi reaches a threshold, and by the error function where
// that is accurate.
func TestPhi(t *testing.T) {
	for threshold, want := range map[float64]float64{1: 1.28155, 3: 3.09023, 5: 4.26489, 8: 5.61200, 10: 6.36134, 12: 7.03448, 16: 8.22208} {
		if got := detectors.PhiDeviations(threshold); math.Abs(got-want) > 6e-6 {
			t.Errorf("phi reaches %v at %.6f deviations, want %.5f", threshold, got, want)
		}
	}
	last := -1.0
	for z := -3.0; z < 37; z += 0.01 {
		got, want := detectors.Phi(100+20*z, 100, 20), -math.Log10(math.Erfc(z/math.Sqrt2)/2)
		if math.Abs(got-want) > 1e-12*want+1e-15 {
			t.Errorf("phi at %.2f deviations is %v, want %v", z, got, want)
		}
		if got <= last {
			t.Errorf("phi at %.2f deviations is %v, and before it %v", z, got, last)
		}
		last = got
	}
	for _, threshold := range []float64{0.01, 0.3, 0.30103, 1, 2.5, 17, 250, 1000} {
		y := detectors.PhiDeviations(threshold)
		if got := detectors.Phi(y, 0, 1); math.Abs(got-threshold) > 1e-12*threshold {
			t.Errorf("at %v deviations phi is %v, want %v", y, got, threshold)
		}
	}
	for _, threshold := range []float64{0, -1, 0.009, 1001, math.NaN(), math.Inf(1)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a threshold of %v does not panic", threshold)
				}
			}()
			detectors.PhiDeviations(threshold)
		}()
	}
}

// Intervals of hours do not overflow, and one above the longest counts as that.
func TestPhiOfLongIntervals(t *testing.T) {
	const (
		hour    = model.Hour
		n       = 3
		longest = hour + (1<<45)*model.Nanosecond
	)
	a, err := build(t, "phi", map[string]string{"eta": "1h", "threshold": "1", "n": fmt.Sprint(n), "deviation": "1s"})(
		detectors.Env{Self: 2, N: 3, Watch: []model.ProcessID{0}})
	if err != nil {
		t.Fatal(err)
	}
	intervals := []model.Duration{hour * 3 / 4, hour * 5 / 4}
	now := model.Time(hour / 2)
	arrivals := []arrival{{now, 0, 1}}
	for i, gap := range []model.Duration{hour / 2, 7 * hour, 9 * hour, 6 * model.Minute, 12 * hour, hour, 3 * hour, hour, hour} {
		now = now.Add(gap)
		arrivals = append(arrivals, arrival{now, 0, int64(i + 2)})
		intervals = append(intervals, min(gap, longest))
		mean, variance := 0.0, 0.0
		for _, v := range intervals[len(intervals)-n:] {
			mean += v.Seconds() / n
		}
		for _, v := range intervals[len(intervals)-n:] {
			variance += (v.Seconds() - mean) * (v.Seconds() - mean) / n
		}
		tau := now.Add(model.Duration((mean + 1.2815515655446004*math.Sqrt(variance)) * float64(model.Second)))
		changes := drive(t, a.Clone(), 0, tau+model.Time(hour), arrivals)
		const tolerance = model.Time(model.Microsecond)
		if suspects(changes, 0, tau-tolerance) || !suspects(changes, 0, tau+tolerance) {
			t.Errorf("after %v: not suspected from %v on: %v", gap, tau, changes)
		}
	}
}

// The state before the start loads into a detector that has lived.
func TestPhiStateBeforeStart(t *testing.T) {
	env := detectors.Env{Self: 2, N: 3, Watch: []model.ProcessID{0, 1}}
	fresh, err := build(t, "phi", nil)(env)
	if err != nil {
		t.Fatal(err)
	}
	used := fresh.Clone()
	drive(t, used, 0, model.Time(5*model.Second), []arrival{{1, 0, 0}, {2, 1, 0}})
	if rest, err := used.LoadState(fresh.AppendState(nil, 0), 0); err != nil || len(rest) > 0 {
		t.Fatal(rest, err)
	}
	want := drive(t, fresh, 0, model.Time(5*model.Second), nil)
	if got := drive(t, used, 0, model.Time(5*model.Second), nil); len(want) != 2 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}
