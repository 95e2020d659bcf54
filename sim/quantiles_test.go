package sim_test

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/integrate/quad"

	"suspect/model"
	"suspect/sim"
)

var table = sim.Quantiles{
	{Share: 0, At: model.Second}, {Share: 0.5, At: 4 * model.Second}, {Share: 0.9, At: model.Minute}, {Share: 1, At: model.Hour},
}

func TestQuantiles(t *testing.T) {
	for share, want := range map[float64]model.Duration{
		0: model.Second, 0.25: 2 * model.Second, 0.5: 4 * model.Second, 0.9: model.Minute, 1: model.Hour,
		0.7: 15_491_933_384_830, // sqrt(4 s * 60 s)
	} {
		if got := table.At(share); got < want-1 || got > want+1 {
			t.Errorf("%v at %v, want %v", got, share, want)
		}
	}
	last := model.Duration(0)
	for i := range 10_001 {
		at := table.At(float64(i) / 10_000)
		if at < last {
			t.Fatalf("%v at %v is below %v", at, i, last)
		}
		last = at
	}
}

// The mean is the integral of the quantiles, piece by piece, and that of the samples.
func TestMeanOfQuantiles(t *testing.T) {
	want := 0.0
	for i := 1; i < len(table); i++ {
		want += quad.Fixed(func(p float64) float64 { return float64(table.At(p)) }, table[i-1].Share, table[i].Share, 50, nil, 0)
	}
	got := float64(table.Average())
	if math.Abs(got-want) > 1e-9*want {
		t.Errorf("mean %v, want %v", got, want)
	}
	s := sim.NewStream(1, "quantiles")
	sum, squares := 0.0, 0.0
	const n = 100_000
	for range n {
		x := float64(table.Sample(s))
		sum += x
		squares += x * x
	}
	deviation := math.Sqrt((squares/n - sum/n*sum/n) / n)
	if math.Abs(sum/n-want) > 5*deviation {
		t.Errorf("the mean of samples is %v, want %v", sum/n, want)
	}
}

func TestQuantilesErrors(t *testing.T) {
	const s = model.Second
	for _, c := range []struct {
		q    sim.Quantiles
		want string
	}{
		{nil, "must begin with 0 and end with 1"},
		{sim.Quantiles{{0, s}}, "must begin with 0 and end with 1"},
		{sim.Quantiles{{0.1, s}, {1, 2 * s}}, "must begin with 0 and end with 1"},
		{sim.Quantiles{{0, s}, {0.9, 2 * s}}, "must begin with 0 and end with 1"},
		{sim.Quantiles{{0, 0}, {1, s}}, "0s must be positive"},
		{sim.Quantiles{{0, s}, {1, model.Duration(model.MaxTime) + 1}}, "at most"},
		{sim.Quantiles{{0, s}, {0.5, 2 * s}, {0.5, 3 * s}, {1, 4 * s}}, "3s at 0.5 must be above 2s at 0.5"},
		{sim.Quantiles{{0, s}, {0.5, 2 * s}, {1, 2 * s}}, "2s at 1 must be above 2s at 0.5"},
	} {
		if err := c.q.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.q, err, c.want)
		}
	}
	if err := table.Validate(); err != nil {
		t.Error(err)
	}
}

// A lognormal distribution has its median and its 95 % quantile where it says, and the mean
// of the closed form exp(mu + sigma^2/2); shares of samples below both are within five
// standard deviations.
func TestLognormal(t *testing.T) {
	d, err := sim.ParseDistribution("lognormal(2.7min, 19.9min)")
	if err != nil {
		t.Fatal(err)
	}
	sigma := math.Log(19.9/2.7) / 1.6448536269514722
	if want := 2.7 * 60e12 * math.Exp(sigma*sigma/2); math.Abs(float64(d.Average())/want-1) > 1e-9 {
		t.Errorf("mean %v, want %v ps", d.Average(), want)
	}
	s := sim.NewStream(1, "lognormal")
	const n = 100_000
	below, atMost := 0, 0
	for range n {
		x := d.Sample(s)
		if x <= d.Low {
			below++
		}
		if x <= d.High {
			atMost++
		}
	}
	for _, c := range []struct {
		count int
		p     float64
	}{{below, 0.5}, {atMost, 0.95}} {
		if math.Abs(float64(c.count)-n*c.p) > 5*math.Sqrt(n*c.p*(1-c.p)) {
			t.Errorf("%d of %d samples are below the quantile at %v", c.count, n, c.p)
		}
	}
	same := sim.Distribution{Kind: sim.Lognormal, Low: model.Second, High: model.Second}
	if err := same.Validate(); err != nil || same.Sample(s) != model.Second || same.Average() != model.Second {
		t.Errorf("without spread: %v, %v", err, same.Sample(s))
	}
}

// The time to the next of so many events is exponential, of a span longer than any run too;
// what is longer than a run is cut.
func TestInterval(t *testing.T) {
	a, b := sim.NewStream(1, "a"), sim.NewStream(1, "a")
	for range 1000 {
		x, y := a.Interval(4, model.Hour), b.Exponential(15*model.Minute)
		if x-y > 1 || y-x > 1 {
			t.Fatalf("%v and %v", x, y)
		}
	}
	// Once in ten years: of 10000 draws, a share of 1-exp(-MaxTime/10 years) is in a run.
	in := 0
	for range 10_000 {
		if a.Interval(0.1*30/365, 30*24*model.Hour) < model.Duration(model.MaxTime) {
			in++
		}
	}
	p := 1 - math.Exp(-model.MaxTime.Seconds()/(3650*86400))
	if math.Abs(float64(in)-10_000*p) > 5*math.Sqrt(10_000*p*(1-p)) {
		t.Errorf("%d of 10000 are in a run, want %v", in, 10_000*p)
	}
}

func TestAverage(t *testing.T) {
	for text, want := range map[string]model.Duration{
		"5ms": 5 * model.Millisecond, "uniform(1s, 3s)": 2 * model.Second, "exponential(2s)": 2 * model.Second, "normal(3s, 1s)": 3 * model.Second,
	} {
		if d, err := sim.ParseDistribution(text); err != nil || d.Average() != want {
			t.Errorf("%s: %v, %v", text, d.Average(), err)
		}
	}
}
