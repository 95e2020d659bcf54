package sim_test

import (
	"strings"
	"testing"

	"suspect/model"
	"suspect/sim"
)

func TestParseDistribution(t *testing.T) {
	const us, ms = model.Microsecond, model.Millisecond
	tests := []struct {
		text  string
		want  sim.Distribution
		print string // what String returns, if not text
	}{
		{"5ms", sim.Distribution{Mean: 5 * ms}, ""},
		{"0", sim.Distribution{}, "0s"},
		{" 0.5 ms ", sim.Distribution{Mean: 500 * us}, "500us"},
		{"uniform(0s, 10ms)", sim.Distribution{Kind: sim.Uniform, High: 10 * ms}, ""},
		{" uniform ( 1ms,2 ms )", sim.Distribution{Kind: sim.Uniform, Low: ms, High: 2 * ms}, "uniform(1ms, 2ms)"},
		{"exponential(20us)", sim.Distribution{Kind: sim.Exponential, Mean: 20 * us}, ""},
		{"normal(1ms, 100us)", sim.Distribution{Kind: sim.Normal, Mean: ms, Deviation: 100 * us}, ""},
		{"lognormal(1ms, 100ms)", sim.Distribution{Kind: sim.Lognormal, Low: ms, High: 100 * ms}, ""},
		{"normal(1ms, 0s)", sim.Distribution{Kind: sim.Normal, Mean: ms}, ""},
	}
	for _, test := range tests {
		got, err := sim.ParseDistribution(test.text)
		if err != nil || got != test.want {
			t.Errorf("ParseDistribution(%q) = %+v, %v, want %+v", test.text, got, err, test.want)
		}
		want := test.print
		if want == "" {
			want = test.text
		}
		if got.String() != want {
			t.Errorf("%q prints as %q, want %q", test.text, got.String(), want)
		}
	}
}

func TestParseDistributionErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", `"" is not a duration`},
		{"5", "write 5s, 5ms"},
		{"-5ms", "is negative"},
		{"1500h", "longer than any run"},
		{"uniform", "not a duration"},
		{"uniform(1ms, 2ms", "closing parenthesis"},
		{"uniform(1ms, 2ms) x", "closing parenthesis"},
		{"uniform(1ms)", "write uniform(low, high)"},
		{"uniform()", "write uniform(low, high)"},
		{"uniform(2ms, 1ms)", "the low end 2ms is above the high end 1ms"},
		{"uniform(-1ms, 1ms)", "-1ms is negative"},
		{"exponential(1ms, 2ms)", "write exponential(mean)"},
		{"exponential(0s)", "must be positive"},
		{"exponential(fast)", `"fast" is not a duration`},
		{"lognormal(1ms)", "write lognormal(median, p95)"},
		{"lognormal(0s, 1ms)", "the median must be positive"},
		{"lognormal(2ms, 1ms)", "the median 2ms is above the 95% quantile 1ms"},
		{"normal(1ms)", "write normal(mean, deviation)"},
		{"normal(1ms, -1us)", "-1us is negative"},
		{"gamma(1ms, 2)", "unknown distribution"},
		{"Uniform(1ms, 2ms)", "unknown distribution"},
		{"(1ms)", "unknown distribution"},
	}
	for _, test := range tests {
		d, err := sim.ParseDistribution(test.text)
		if err == nil {
			t.Errorf("ParseDistribution(%q) = %v, want an error", test.text, d)
		} else if !strings.Contains(err.Error(), test.want) {
			t.Errorf("ParseDistribution(%q): %v, want %q in it", test.text, err, test.want)
		}
	}
}

func TestValidateRefusesParametersOfAnotherKind(t *testing.T) {
	for _, d := range []sim.Distribution{
		{Kind: sim.Normal + 1},
		{Mean: 1, High: 2},
		{Kind: sim.Uniform, Mean: 1, High: 2},
		{Kind: sim.Exponential, Mean: 1, Deviation: 1},
		{Kind: sim.Normal, Mean: 1, Low: 1},
	} {
		if d.Validate() == nil {
			t.Errorf("%+v is valid", d)
		}
	}
}

// Whatever is accepted is printed so that it reads the same.
func FuzzParseDistribution(f *testing.F) {
	for _, s := range []string{"5ms", "uniform(0s, 10ms)", "exponential(20us)", "normal(1ms, 100us)", "normal(", "(,)", "uniform(1h,2h))"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := sim.ParseDistribution(s)
		if err != nil {
			return
		}
		if err := d.Validate(); err != nil {
			t.Fatalf("%q was accepted: %v", s, err)
		}
		if again, err := sim.ParseDistribution(d.String()); err != nil || again != d {
			t.Fatalf("%q prints as %v, which reads as %v, %v", s, d, again, err)
		}
		if x := d.Min(); x < 0 || x > d.Sample(sim.NewStream(1, "")) {
			t.Fatalf("the least sample of %v is not %v", d, x)
		}
	})
}
