package properties_test

import (
	"math"
	"math/rand/v2"
	"slices"
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
		{"Wilson 3/1000", properties.Wilson(3, 1000, 0.95), properties.Interval{Low: 0.001021, High: 0.008783}},
		{"Clopper-Pearson 0/10", properties.ClopperPearson(0, 10, 0.95), properties.Interval{Low: 0, High: 1 - math.Pow(0.025, 0.1)}},
		{"Clopper-Pearson 10/10", properties.ClopperPearson(10, 10, 0.95), properties.Interval{Low: math.Pow(0.025, 0.1), High: 1}},
	} {
		if !nearInterval(tt.got, tt.want, 1e-3) {
			t.Errorf("%s: %v, want %v", tt.name, tt.got, tt.want)
		}
	}
	for n := int64(1); n <= 60; n++ {
		if in := properties.Wilson(0, n, 0.95); in.Low != 0 || in.High <= 0 {
			t.Errorf("Wilson 0/%d: %v", n, in)
		}
		if in := properties.Wilson(n, n, 0.95); in.High != 1 || in.Low >= 1 {
			t.Errorf("Wilson %d/%d: %v", n, n, in)
		}
		for k := range n + 1 {
			in, p := properties.Wilson(k, n, 0.95), float64(k)/float64(n)
			if !(0 <= in.Low && in.Low <= p && p <= in.High && in.High <= 1) {
				t.Errorf("Wilson %d/%d: %v", k, n, in)
			}
		}
	}
}

// TestQuantileInterval: the ranks for the median at 95% are in every table of the sign
// test: 2 and 9 of 10, 6 and 15 of 20; five values are too few.
func TestQuantileInterval(t *testing.T) {
	values := func(n int) []float64 {
		var xs []float64
		for i := n; i >= 1; i-- {
			xs = append(xs, float64(i))
		}
		return xs
	}
	for _, tt := range []struct {
		n         int
		q         float64
		low, high float64
	}{
		{10, 0.5, 2, 9}, {20, 0.5, 6, 15}, {6, 0.5, 1, 6},
		{5, 0.5, math.Inf(-1), math.Inf(1)}, {0, 0.5, math.Inf(-1), math.Inf(1)},
		{100, 0.99, 97, math.Inf(1)}, // 0.99^100 = 0.366: nothing is surely above
	} {
		xs := values(tt.n)
		in := properties.QuantileInterval(xs, tt.q, 0.95)
		if in.Low != tt.low || in.High != tt.high {
			t.Errorf("n=%d q=%v: %v, want [%v, %v]", tt.n, tt.q, in, tt.low, tt.high)
		}
		if !slices.Equal(xs, values(tt.n)) {
			t.Error("the values were reordered")
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
		{"Poisson rate", 0.94, 0.985, 1.2, func() properties.Interval { return properties.PoissonInterval(poisson(12), 10, 0.95) }},
		{"rare Poisson rate", 0.94, 1, 0.2, func() properties.Interval { return properties.PoissonInterval(poisson(2), 10, 0.95) }},
		{"Clopper-Pearson", 0.94, 0.985, 0.3, func() properties.Interval { return properties.ClopperPearson(binomial(80, 0.3), 80, 0.95) }},
		{"Wilson", 0.93, 0.97, 0.3, func() properties.Interval { return properties.Wilson(binomial(80, 0.3), 80, 0.95) }},
		{"median", 0.94, 0.98, math.Ln2, func() properties.Interval { return properties.QuantileInterval(sample(60, rng.ExpFloat64), 0.5, 0.95) }},
		{"90% quantile", 0.94, 0.985, math.Log(10), func() properties.Interval { return properties.QuantileInterval(sample(200, rng.ExpFloat64), 0.9, 0.95) }},
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
		"level 0":            func() { properties.MeanInterval(nil, 0) },
		"level 95":           func() { properties.MeanInterval(nil, 95) },
		"level NaN":          func() { properties.MeanInterval(nil, math.NaN()) },
		"negative events":    func() { properties.PoissonInterval(-1, 1, 0.95) },
		"no exposure":        func() { properties.PoissonInterval(1, 0, 0.95) },
		"more than trials":   func() { properties.ClopperPearson(2, 1, 0.95) },
		"no trials":          func() { properties.Wilson(0, 0, 0.95) },
		"quantile out of it": func() { properties.QuantileInterval(nil, 1, 0.95) },
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
