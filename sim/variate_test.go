package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"testing"

	"suspect/model"
)

const lastDraw = math.MaxUint64

// Published quantiles: those of the paper (Wichura 1988, page 484, p = 0.25, 0.001
// and 1e-20), those of statistical tables, and the factors by which accrual
// detectors turn a threshold of 1, 3, 5, 8, 10, 12 and 16 into a timeout, that is
// the quantiles at 1-10^-threshold.
func TestNormalQuantileIsThePublished(t *testing.T) {
	tests := []struct {
		p, want, tolerance float64
	}{
		{0.25, -0.6744897501960817, 1e-15},
		{0.001, -3.090232306167814, 1e-14},
		{1e-20, -9.262340089798408, 1e-14},
		{0.5, 0, 0},
		{0.75, 0.6744897501960817, 1e-15},
		{0.841344746068543, 1, 1e-14},
		{0.975, 1.959963984540054, 1e-14},
		{0.995, 2.575829303548901, 1e-14},
		{1e-1, -1.28155, 5e-6},
		{1e-3, -3.09023, 5e-6},
		{1e-5, -4.26489, 5e-6},
		{1e-8, -5.61200, 5e-6},
		{1e-10, -6.36134, 5e-6},
		{1e-12, -7.03448, 5e-6},
		{1e-16, -8.22208, 5e-6},
	}
	for _, test := range tests {
		if got := normalQuantile(test.p); math.Abs(got-test.want) > test.tolerance {
			t.Errorf("quantile at %v is %v, want %v ± %v", test.p, got, test.want, test.tolerance)
		}
	}
}

// The error function is the inverse, and goes another way.
func TestNormalQuantileInvertsErfc(t *testing.T) {
	s := NewStream(1, "erfc")
	for range 100_000 {
		p := math.Exp2(-52 * s.Float64()) // also the tail
		if p > 0.5 {
			p = 1 - p/2
		}
		x := normalQuantile(p)
		back := math.Erfc(-x/math.Sqrt2) / 2
		if math.Abs(back-p) > 1e-15*p*(2+x*x) {
			t.Fatalf("quantile at %v is %v, below which %v lie", p, x, back)
		}
	}
}

func TestNormalIsOddAndIncreasing(t *testing.T) {
	last := math.Inf(-1)
	const steps = 1 << 16
	for i := range uint64(steps) {
		draw := i << 48
		x := normalQuantile(unit(draw))
		if x < last {
			t.Fatalf("the variate falls from %v to %v at draw %#x", last, x, draw)
		}
		if y := normalQuantile(unit(^draw)); y != -x {
			t.Fatalf("draw %#x gives %v, and its mirror image %v", draw, x, y)
		}
		last = x
	}
	if x := normalQuantile(unit(lastDraw)); x < 8.2 || x > 8.21 {
		t.Errorf("the largest variate is %v, want 8.2095", x)
	}
}

func TestExponential(t *testing.T) {
	const second = model.Second
	tests := []struct {
		draw uint64
		mean model.Duration
		want model.Duration
	}{
		{0, second, 0},                                      // -log(1-2^-53) = 1.1e-16
		{1 << 63, second, 693_147_180_560},                  // the median: log 2
		{lastDraw, second, 36_736_800_569_677},              // the largest: 53 log 2
		{lastDraw - lastDraw/10, second, 2_302_585_092_994}, // the 90 % quantile: log 10
		{lastDraw, 0, 0},                                    //
		{lastDraw, model.Duration(model.MaxTime), model.Duration(model.MaxTime)}, // cut
		{lastDraw, math.MaxInt64, model.Duration(model.MaxTime)},
		{1 << 63, 1, 1},
		{1 << 62, 1, 0}, // log(4/3) = 0.29
	}
	for _, test := range tests {
		if got := exponential(test.draw, test.mean); got != test.want {
			t.Errorf("draw %#x of mean %v gives %d, want %d", test.draw, test.mean, got, test.want)
		}
	}
	// Against the logarithm of package math, near 0 too.
	s, raw := NewStream(2, "exponential"), NewStream(2, "exponential")
	for range 100_000 {
		want := -math.Log1p(-raw.Float64()) * float64(second)
		if got := s.Exponential(second); math.Abs(float64(got)-want) > 0.51+1e-15*want {
			t.Fatalf("variate %d, want %v", got, want)
		}
	}
}

// moments draws n variates and compares their mean and variance with the exact ones
// at four standard errors (kurtosis is the fourth central moment over the squared
// variance), and their distribution with the exact one by Kolmogorov and Smirnov's
// test at a level of 0.001. Seeds are fixed: it passes always or never.
func checkLaw(t *testing.T, name string, draw func() float64, mean, variance, kurtosis float64, cdf func(float64) float64) {
	t.Helper()
	const n = 200_000
	xs := make([]float64, n)
	sum := 0.0
	for i := range xs {
		xs[i] = draw()
		sum += xs[i]
	}
	gotMean, squares := sum/n, 0.0
	for _, x := range xs {
		squares += (x - gotMean) * (x - gotMean)
	}
	gotVariance := squares / (n - 1)
	if e := 4 * math.Sqrt(variance/n); math.Abs(gotMean-mean) > e {
		t.Errorf("%s: mean %v, want %v ± %v", name, gotMean, mean, e)
	}
	if e := 4 * variance * math.Sqrt((kurtosis-1)/n); math.Abs(gotVariance-variance) > e {
		t.Errorf("%s: variance %v, want %v ± %v", name, gotVariance, variance, e)
	}
	slices.Sort(xs)
	distance := 0.0
	for i, x := range xs {
		f := cdf(x)
		distance = max(distance, math.Abs(f-float64(i)/n), math.Abs(f-float64(i+1)/n))
	}
	if limit := 1.95 / math.Sqrt(n); distance > limit {
		t.Errorf("%s: Kolmogorov-Smirnov distance %v, above %v", name, distance, limit)
	}
}

func TestVariatesFollowTheirLaw(t *testing.T) {
	s := NewStream(11, "laws")
	sample := func(d Distribution) func() float64 {
		return func() float64 { return float64(d.Sample(s)) }
	}
	phi := func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
	checkLaw(t, "Float64", s.Float64, 0.5, 1./12, 1.8, func(x float64) float64 { return x })
	checkLaw(t, "Normal", s.Normal, 0, 1, 3, phi)
	ms := float64(model.Millisecond)
	checkLaw(t, "exponential(1ms)", sample(Distribution{Kind: Exponential, Mean: model.Millisecond}),
		ms, ms*ms, 9, func(x float64) float64 { return -math.Expm1(-x / ms) })
	checkLaw(t, "uniform(1ms, 3ms)", sample(Distribution{Kind: Uniform, Low: model.Millisecond, High: 3 * model.Millisecond}),
		2*ms, ms*ms/3, 1.8, func(x float64) float64 { return (x - ms) / (2 * ms) })
	checkLaw(t, "normal(10ms, 1ms)", sample(Distribution{Kind: Normal, Mean: 10 * model.Millisecond, Deviation: model.Millisecond}),
		10*ms, ms*ms, 3, func(x float64) float64 { return phi((x - 10*ms) / ms) })
}

func TestUniformTakesBothEnds(t *testing.T) {
	s := NewStream(1, "ends")
	d := Distribution{Kind: Uniform, Low: 7, High: 9}
	var count [10]int
	for range 3000 {
		count[d.Sample(s)]++
	}
	for v := 7; v <= 9; v++ {
		if count[v] < 850 || count[v] > 1150 { // 5.8 standard deviations
			t.Errorf("%d of 3000 samples of %v are %dps", count[v], d, v)
		}
	}
}

func TestSamplesAtTheEnds(t *testing.T) {
	const most = model.Duration(model.MaxTime)
	tests := []struct {
		d               Distribution
		least, greatest model.Duration
	}{
		{Distribution{}, 0, 0},
		{Distribution{Mean: 5}, 5, 5},
		{Distribution{Kind: Uniform, Low: 3, High: 3}, 3, 3},
		{Distribution{Kind: Uniform, Low: 3, High: 8}, 3, 8},
		{Distribution{Kind: Uniform, High: most}, 0, most},
		{Distribution{Kind: Exponential, Mean: model.Second}, 0, 36_736_800_569_677},
		{Distribution{Kind: Exponential, Mean: most}, 512, most},        // 2^62 · 2^-53
		{Distribution{Kind: Normal, Mean: 100, Deviation: 10}, 18, 182}, // 8.2095 deviations away
		{Distribution{Kind: Normal, Mean: 100, Deviation: 100}, 0, 921},
		{Distribution{Kind: Normal, Mean: 100}, 100, 100},
		{Distribution{Kind: Normal, Mean: most, Deviation: most}, 0, most},
		{Distribution{Kind: Normal, Mean: most, Deviation: 1}, most - 8, most},
	}
	for _, test := range tests {
		if err := test.d.Validate(); err != nil {
			t.Errorf("%v: %v", test.d, err)
		}
		if got := test.d.Min(); got != test.least {
			t.Errorf("the least sample of %v is %d, want %d", test.d, got, test.least)
		}
		if got := test.d.quantile(lastDraw); got != test.greatest {
			t.Errorf("the greatest sample of %v is %d, want %d", test.d, got, test.greatest)
		}
	}
}

func TestOneDrawIsOneVariate(t *testing.T) {
	for _, text := range []string{"5ms", "uniform(0s, 10ms)", "uniform(1ms, 1ms)", "exponential(20us)", "normal(1ms, 100us)"} {
		d, err := ParseDistribution(text)
		if err != nil {
			t.Fatal(err)
		}
		s, raw := NewStream(9, "draws"), NewStream(9, "draws")
		for range 10 {
			d.Sample(s)
			raw.Uint64()
		}
		if *s != *raw {
			t.Errorf("ten samples of %s do not take ten draws", text)
		}
	}
	s := NewStream(9, "draws")
	if (Distribution{}).Sample(s); *s != *NewStream(9, "draws") {
		t.Error("the zero distribution took a draw")
	}
	s.Normal()
	s.Exponential(1)
	raw := NewStream(9, "draws")
	raw.Uint64()
	raw.Uint64()
	if *s != *raw {
		t.Error("Normal and Exponential do not take one draw each")
	}
}

// The bits must be those that other architectures give. The digests were taken on
// amd64; the tests above tell that they are of good values.
func TestVariateBits(t *testing.T) {
	digest := func(value func(s *Stream) uint64) string {
		s, h := NewStream(42, "golden"), sha256.New()
		for range 100_000 {
			h.Write(binary.BigEndian.AppendUint64(nil, value(s)))
		}
		return fmt.Sprintf("%x", h.Sum(nil)[:8])
	}
	sample := func(d Distribution) func(s *Stream) uint64 {
		return func(s *Stream) uint64 { return uint64(d.Sample(s)) }
	}
	tests := []struct {
		name  string
		value func(s *Stream) uint64
		want  string
	}{
		{"Uint64", (*Stream).Uint64, "4ebe9b3ad0fb930c"},
		{"Float64", func(s *Stream) uint64 { return math.Float64bits(s.Float64()) }, "8aba5178ea451fd3"},
		{"Normal", func(s *Stream) uint64 { return math.Float64bits(s.Normal()) }, "4387469b2a30440b"},
		{"exponential(1s)", sample(Distribution{Kind: Exponential, Mean: model.Second}), "038b74d6211d7058"},
		{"exponential(40h)", sample(Distribution{Kind: Exponential, Mean: 40 * model.Hour}), "1bd35f85ce06643e"},
		{"uniform(1s, 3s)", sample(Distribution{Kind: Uniform, Low: model.Second, High: 3 * model.Second}), "77cac3a51489fa70"},
		{"normal(1s, 1s)", sample(Distribution{Kind: Normal, Mean: model.Second, Deviation: model.Second}), "bb6b1c6721701428"},
	}
	for _, test := range tests {
		if got := digest(test.value); got != test.want {
			t.Errorf("%s: digest %s, want %s: this architecture computes other bits", test.name, got, test.want)
		}
	}
}
