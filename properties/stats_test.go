package properties_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"suspect/properties"
)

func near(a, b, relative float64) bool { return math.Abs(a-b) <= relative*math.Abs(b) }

func nearInterval(a, b properties.Interval, relative float64) bool {
	return near(a.Low, b.Low, relative) && near(a.High, b.High, relative)
}

// TestMeanInterval: t(0.975, 9) = 2.262157 (any table of Student's t), and the interval
// of 1..10 has mean 5.5 and standard deviation sqrt(55/6).
func TestMeanInterval(t *testing.T) {
	xs := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	h := 2.2621571627409915 * math.Sqrt(55./6/10)
	mean, in := properties.MeanInterval(xs, 0.95)
	if mean != 5.5 || !nearInterval(in, properties.Interval{Low: 5.5 - h, High: 5.5 + h}, 1e-9) {
		t.Errorf("%v %v, want 5.5 ± %v", mean, in, h)
	}
	// t(0.995, 4) = 4.604095
	if _, in := properties.MeanInterval([]float64{0, 0, 0, 0, 1}, 0.99); !near(in.HalfWidth(), 4.604094871349993*math.Sqrt(0.2/5), 1e-9) {
		t.Errorf("half-width %v", in.HalfWidth())
	}
	if mean, in := properties.MeanInterval([]float64{3}, 0.95); mean != 3 || !math.IsInf(in.Low, -1) || !math.IsInf(in.High, 1) {
		t.Errorf("of one value: %v %v", mean, in)
	}
	if mean, _ := properties.MeanInterval(nil, 0.95); !math.IsNaN(mean) {
		t.Errorf("of nothing: %v", mean)
	}
}

// TestRatioInterval: with equal sizes it is the interval of the mean; by hand, x = (2,
// 4), n = (1, 3): the ratio is 6/4, the residuals are 0.5 and -0.5, so that the standard
// error is sqrt(0.5*2/1)/4 = 0.25, and t(0.975, 1) = 12.7062.
func TestRatioInterval(t *testing.T) {
	xs := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	ones, fours := make([]float64, 10), make([]float64, 10)
	for i := range xs {
		ones[i], fours[i] = 1, 4
	}
	mean, in := properties.MeanInterval(xs, 0.95)
	ratio, got := properties.RatioInterval(xs, ones, 0.95)
	if ratio != mean || !nearInterval(got, in, 1e-12) {
		t.Errorf("%v %v, want %v %v", ratio, got, mean, in)
	}
	ratio, got = properties.RatioInterval(xs, fours, 0.95)
	if ratio != mean/4 || !nearInterval(got, properties.Interval{Low: in.Low / 4, High: in.High / 4}, 1e-12) {
		t.Errorf("%v %v, want a quarter of %v %v", ratio, got, mean, in)
	}
	h := 12.706204736432095 * 0.25
	ratio, got = properties.RatioInterval([]float64{2, 0, 4}, []float64{1, 0, 3}, 0.95)
	if ratio != 1.5 || !nearInterval(got, properties.Interval{Low: 1.5 - h, High: 1.5 + h}, 1e-9) {
		t.Errorf("%v %v, want 1.5 ± %v", ratio, got, h)
	}
	if ratio, in := properties.RatioInterval([]float64{3, 0}, []float64{2, 0}, 0.95); ratio != 1.5 || !math.IsInf(in.Low, -1) || !math.IsInf(in.High, 1) {
		t.Errorf("of one value: %v %v", ratio, in)
	}
	if ratio, _ := properties.RatioInterval(nil, nil, 0.95); !math.IsNaN(ratio) {
		t.Errorf("of nothing: %v", ratio)
	}
}

// TestPoissonInterval: the well-known table of Garwood's (1936) limits, each held
// against its definition besides; and the rule of three.
func TestPoissonInterval(t *testing.T) {
	for _, tt := range []struct {
		events           int64
		level, low, high float64
	}{
		{0, 0.95, 0, 2.995732}, {0, 0.99, 0, 4.605170},
		{1, 0.95, 0.0253178, 5.571643}, {2, 0.95, 0.242209, 7.224688}, {3, 0.95, 0.618672, 8.767273},
		{10, 0.95, 4.795389, 18.390356}, {100, 0.95, 81.363981, 121.627258},
	} {
		for _, exposure := range []float64{1, 250} {
			got := properties.PoissonInterval(tt.events, exposure, tt.level)
			if want := (properties.Interval{Low: tt.low / exposure, High: tt.high / exposure}); !nearInterval(got, want, 1e-5) {
				t.Errorf("%d events in %v at %v: %v, want %v", tt.events, exposure, tt.level, got, want)
			}
		}
		// The definition: the limits are those means at which what was seen, or
		// something more extreme, has probability (1-level)/2.
		if tt.events > 0 {
			in := properties.PoissonInterval(tt.events, 1, tt.level)
			above, below := 1-poissonCDF(tt.events-1, in.Low), poissonCDF(tt.events, in.High)
			if a := (1 - tt.level) / 2; !near(above, a, 1e-8) || !near(below, a, 1e-8) {
				t.Errorf("%d events: tails %v and %v, want %v", tt.events, above, below, a)
			}
		}
	}
}

func poissonCDF(k int64, mean float64) float64 {
	term, sum := math.Exp(-mean), 0.0
	for i := int64(0); i <= k; i++ {
		sum += term
		term *= mean / float64(i+1)
	}
	return sum
}

// TestProportions: 3 of 1000, from 30-digit references; and a textbook pair, 0 of 10
// (Clopper-Pearson's upper limit is 1-0.025^(1/10)).
func TestProportions(t *testing.T) {
	for _, tt := range []struct {
		name string
		got  properties.Interval
		want properties.Interval
	}{
		{"Clopper-Pearson 3/1000", properties.ClopperPearson(3, 1000, 0.95), properties.Interval{Low: 0.000619, High: 0.008742}},
		{"Clopper-Pearson 0/10", properties.ClopperPearson(0, 10, 0.95), properties.Interval{Low: 0, High: 1 - math.Pow(0.025, 0.1)}},
		{"Clopper-Pearson 10/10", properties.ClopperPearson(10, 10, 0.95), properties.Interval{Low: math.Pow(0.025, 0.1), High: 1}},
	} {
		if !nearInterval(tt.got, tt.want, 1e-3) {
			t.Errorf("%s: %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

// TestCoverage: of 2000 experiments, as many 95% intervals hold the true value as they
// should: 93 to 97% for those that are exact, and at least 94% for those that only
// promise a minimum, as the distribution is discrete.
func TestCoverage(t *testing.T) {
	const experiments = 2000
	rng := rand.New(rand.NewPCG(20, 26))
	poisson := func(mean float64) (k int64) {
		for t := rng.ExpFloat64(); t < mean; t += rng.ExpFloat64() {
			k++
		}
		return k
	}
	binomial := func(n int, p float64) (k int64) {
		for range n {
			if rng.Float64() < p {
				k++
			}
		}
		return k
	}
	sample := func(n int, draw func() float64) []float64 {
		xs := make([]float64, n)
		for i := range xs {
			xs[i] = draw()
		}
		return xs
	}
	for _, tt := range []struct {
		name      string
		low, high float64
		truth     float64
		interval  func() properties.Interval
	}{
		{"mean of 10 normal", 0.93, 0.97, 3, func() properties.Interval {
			_, in := properties.MeanInterval(sample(10, func() float64 { return 3 + 2*rng.NormFloat64() }), 0.95)
			return in
		}},
		{"mean of 40 exponential", 0.92, 0.97, 1, func() properties.Interval {
			_, in := properties.MeanInterval(sample(40, rng.ExpFloat64), 0.95)
			return in
		}},
		{"mean of 40 clusters of 0 to 9 exponential", 0.92, 0.97, 1, func() properties.Interval {
			xs, ns := make([]float64, 40), make([]float64, 40)
			for i := range xs {
				for range rng.IntN(10) {
					xs[i], ns[i] = xs[i]+rng.ExpFloat64(), ns[i]+1
				}
			}
			_, in := properties.RatioInterval(xs, ns, 0.95)
			return in
		}},
		{"Poisson rate", 0.94, 0.985, 1.2, func() properties.Interval { return properties.PoissonInterval(poisson(12), 10, 0.95) }},
		{"rare Poisson rate", 0.94, 1, 0.2, func() properties.Interval { return properties.PoissonInterval(poisson(2), 10, 0.95) }},
		{"Clopper-Pearson", 0.94, 0.985, 0.3, func() properties.Interval { return properties.ClopperPearson(binomial(80, 0.3), 80, 0.95) }},
	} {
		covered := 0
		for range experiments {
			if in := tt.interval(); in.Low <= tt.truth && tt.truth <= in.High {
				covered++
			}
		}
		if share := float64(covered) / experiments; share < tt.low || share > tt.high {
			t.Errorf("%s: covered in %.1f%%, want %.1f to %.1f%%", tt.name, 100*share, 100*tt.low, 100*tt.high)
		}
	}
}

func TestStopping(t *testing.T) {
	rule := properties.Stopping{AtLeast: 10, AtMost: 20, Relative: 0.05, Level: 0.95}
	repeat := func(n int, xs ...float64) []float64 {
		var all []float64
		for len(all) < n {
			all = append(all, xs[len(all)%len(xs)])
		}
		return all
	}
	for _, tt := range []struct {
		name string
		xs   []float64
		want properties.Decision
	}{
		{"nothing yet", nil, properties.Continue},
		{"precise, but fewer than the pilot", repeat(9, 1), properties.Continue},
		{"precise", repeat(10, 1), properties.Reached},
		{"precise, negative", repeat(10, -1, -1.01), properties.Reached},
		{"wide", repeat(10, 1, 2), properties.Continue},
		{"wide at the cap", repeat(20, 1, 2), properties.NotReached},
		{"precise at the cap", repeat(20, 1), properties.Reached},
		{"nothing ever happens", repeat(10, 0), properties.Continue},
		{"nothing ever happens, to the cap", repeat(20, 0), properties.NotReached},
	} {
		if got := rule.Decide(tt.xs); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	// On the edge: half-width/mean just below and just above γ/(1+γ) = 0.05/1.05.
	for _, tt := range []struct {
		factor float64
		want   properties.Decision
	}{{0.999, properties.Reached}, {1.001, properties.Continue}} {
		// ±d around 1 with n=10: half-width = t * d*sqrt(10/9)/sqrt(10) = t*d/3.
		d := tt.factor * 0.05 / 1.05 * 3 / 2.2621571627409915
		if got := rule.Decide(repeat(10, 1-d, 1+d)); got != tt.want {
			t.Errorf("factor %v: %v, want %v", tt.factor, got, tt.want)
		}
	}
}

// TestStatsRefuseNonsense: arguments outside the domain are slips of the caller.
func TestStatsRefuseNonsense(t *testing.T) {
	for name, f := range map[string]func(){
		"level 0":          func() { properties.MeanInterval(nil, 0) },
		"level 95":         func() { properties.MeanInterval(nil, 95) },
		"level NaN":        func() { properties.MeanInterval(nil, math.NaN()) },
		"negative events":  func() { properties.PoissonInterval(-1, 1, 0.95) },
		"no exposure":      func() { properties.PoissonInterval(1, 0, 0.95) },
		"more than trials": func() { properties.ClopperPearson(2, 1, 0.95) },
		"no trials":        func() { properties.ClopperPearson(0, 0, 0.95) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
