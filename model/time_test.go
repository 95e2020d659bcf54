package model_test

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"suspect/model"
)

func TestDurationText(t *testing.T) {
	tests := []struct {
		text  string
		want  model.Duration
		print string // what String returns, if not text
	}{
		{"0s", 0, ""},
		{"0", 0, "0s"},
		{"1ps", 1, ""},
		{"999ps", 999, ""},
		{"1ns", 1000, ""},
		{"51.2ns", 51_200, ""}, // 64 bytes at 10 Gb/s
		{"5.12ns", 5_120, ""},  // and at 100 Gb/s
		{"1.001us", 1_001_000, ""},
		{"1.5ms", 1_500_000_000, ""},
		{"1500us", 1_500_000_000, "1.5ms"},
		{"-1.5ms", -1_500_000_000, ""},
		{"+2s", 2 * model.Second, "2s"},
		{"1min", 60 * model.Second, "60s"},
		{"1h", 3600 * model.Second, "3600s"},
		{"0.5h", 1800 * model.Second, "1800s"},
		{".5s", 500 * model.Millisecond, "500ms"},
		{" 10 ms ", 10 * model.Millisecond, "10ms"},
		{"10µs", 10 * model.Microsecond, "10us"}, // micro sign
		{"10μs", 10 * model.Microsecond, "10us"}, // Greek mu
		{"0.0000000000010s", 1, "1ps"},
		{"9223372.036854775807s", math.MaxInt64, ""},
		{"-9223372.036854775807s", -math.MaxInt64, ""},
		{"2562h", 2562 * model.Hour, "9223200s"},
	}
	for _, test := range tests {
		got, err := model.ParseDuration(test.text)
		if err != nil || got != test.want {
			t.Errorf("ParseDuration(%q) = %d, %v, want %d", test.text, got, err, test.want)
		}
		want := test.print
		if want == "" {
			want = test.text
		}
		if got := test.want.String(); got != want {
			t.Errorf("%d prints as %q, want %q", test.want, got, want)
		}
	}
	if got, want := model.Duration(math.MinInt64).String(), "-9223372.036854775808s"; got != want {
		t.Errorf("the least duration prints as %q, want %q", got, want)
	}
}

func TestParseDurationErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", "is not a duration"},
		{"ms", "is not a duration"},
		{"soon", "is not a duration"},
		{"10", "has no unit (write 10s, 10ms, 10us or 10ns)"},
		{"10m", `unknown unit "m"`},
		{"10sec", `unknown unit "sec"`},
		{"10 MS", `unknown unit "MS"`},
		{"1d", `unknown unit "d"`},
		{"1.5ps", "finer than the smallest unit"},
		{"0.0001ns", "finer than the smallest unit"},
		{"2563h", "out of range"},
		{"9223372.036854775808s", "out of range"},
		{"99999999999999999999999ps", "out of range"},
		{"18446744073709551616ps", "out of range"},  // 2^64: 0 where the carry is forgotten
		{"18446744073709551.616ns", "out of range"}, // again, in the fraction
		{"-s", "not a decimal number"},
		{"1.s", "not a decimal number"},
		{".s", "not a decimal number"},
		{"1.2.3s", "not a decimal number"},
		{"--1s", "not a decimal number"},
		{"1-2s", "not a decimal number"},
		{"1e3s", "unknown unit"},
		{"0x10s", "unknown unit"},
		{"1_000s", "unknown unit"},
		{"NaNs", "not a duration"},
	}
	for _, test := range tests {
		d, err := model.ParseDuration(test.text)
		if err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", test.text, d)
		} else if !strings.Contains(err.Error(), test.want) {
			t.Errorf("ParseDuration(%q): %v, want %q in it", test.text, err, test.want)
		}
	}
}

// bigDuration reads what ParseDuration accepts, with rational numbers.
func bigDuration(s string) *big.Rat {
	sizes := map[string]int64{"": 0, "h": 3600e12, "min": 60e12, "s": 1e12, "ms": 1e9, "us": 1e6, "µs": 1e6, "μs": 1e6, "ns": 1e3, "ps": 1}
	s = strings.TrimSpace(s)
	unit := strings.TrimLeft(s, "+-.0123456789")
	v, ok := new(big.Rat).SetString(strings.TrimSpace(strings.TrimSuffix(s, unit)))
	if !ok {
		return nil
	}
	size, ok := sizes[strings.TrimSpace(unit)]
	if !ok {
		return nil
	}
	return v.Mul(v, big.NewRat(size, 1))
}

// What is accepted is exact, and what is printed reads the same.
func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"0", "51.2ns", "-1.5ms", "10 µs", "2562.047788h", "1e3s", "9223372.036854775807s", "+.5min", "1.2.3s", "00012.50us"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := model.ParseDuration(s)
		if err != nil {
			return
		}
		if want := bigDuration(s); want == nil || want.Cmp(big.NewRat(int64(d), 1)) != 0 {
			t.Fatalf("ParseDuration(%q) = %dps, want %v", s, d, want)
		}
		if again, err := model.ParseDuration(d.String()); err != nil || again != d {
			t.Fatalf("%q prints as %v, which reads as %v, %v", s, d, again, err)
		}
	})
}

// ParseDecimal is exact or an error: against rational numbers.
func TestParseDecimalIsExact(t *testing.T) {
	largest := new(big.Rat).SetInt64(math.MaxInt64)
	exact := func(whole uint64, frac uint64, digits uint, scale int64, negative bool) string {
		s := fmt.Sprintf("%d.%0*d", whole, int(digits), frac)
		if negative {
			s = "-" + s
		}
		want, _ := new(big.Rat).SetString(s)
		want.Mul(want, big.NewRat(scale, 1))
		fits := want.IsInt() && new(big.Rat).Abs(want).Cmp(largest) <= 0
		got, err := model.ParseDecimal(s, scale)
		if fits != (err == nil) || fits && big.NewRat(got, 1).Cmp(want) != 0 {
			return fmt.Sprintf("%s × %d = %d, %v, want %v", s, scale, got, err, want.FloatString(20))
		}
		return ""
	}
	parameters := gopter.DefaultTestParametersWithSeed(1)
	parameters.MinSuccessfulTests = 5000
	properties := gopter.NewProperties(parameters)
	scales := gen.OneConstOf(int64(1), int64(8), int64(1000), int64(1_000_000_000), int64(1e12), int64(3600e12), int64(1<<40), int64(math.MaxInt64))
	properties.Property("small", prop.ForAll(exact, gen.UInt64Range(0, 100), gen.UInt64Range(0, 9999), gen.UIntRange(1, 12), scales, gen.Bool()))
	properties.Property("any", prop.ForAll(exact, gen.UInt64(), gen.UInt64(), gen.UIntRange(1, 22), scales, gen.Bool()))
	properties.Property("near the largest", prop.ForAll(exact, gen.UInt64Range(9223370, 9223374), gen.UInt64Range(0, 1e12), gen.UIntRange(12, 13), gen.Const(int64(1e12)), gen.Bool()))
	properties.TestingRun(t)
}

func TestEveryDurationPrintsExactly(t *testing.T) {
	properties := gopter.NewProperties(gopter.DefaultTestParametersWithSeed(1))
	properties.Property("round trip", prop.ForAll(func(v int64, shift uint) bool {
		d := model.Duration(v >> shift)
		again, err := model.ParseDuration(d.String())
		return err == nil && again == d
	}, gen.Int64Range(-math.MaxInt64, math.MaxInt64), gen.UIntRange(0, 62)))
	properties.TestingRun(t)
}

func TestSplitUnit(t *testing.T) {
	tests := []struct{ text, number, unit string }{
		{"10Gbps", "10", "Gbps"},
		{" 10 Gbps ", "10", "Gbps"},
		{"-1.5", "-1.5", ""},
		{"KiB", "", "KiB"},
		{"1 2", "1", "2"},
		{"", "", ""},
	}
	for _, test := range tests {
		if number, unit := model.SplitUnit(test.text); number != test.number || unit != test.unit {
			t.Errorf("SplitUnit(%q) = %q, %q, want %q, %q", test.text, number, unit, test.number, test.unit)
		}
	}
}

func TestTimeArithmetic(t *testing.T) {
	const most = model.Duration(math.MaxInt64)
	tests := []struct {
		t    model.Time
		d    model.Duration
		want model.Time
	}{
		{5, 3, 8},
		{5, -3, 2},
		{5, -8, -3},
		{0, most, model.Never},
		{1, most, model.Never},
		{model.MaxTime, most, model.Never},
		{model.MaxTime, model.Duration(model.MaxTime), model.Never},
		{model.MaxTime, model.Duration(model.MaxTime) - 2, model.Never - 1},
		{model.Never, 0, model.Never},
		{model.Never, -5, model.Never},
		{model.Never, most, model.Never},
		{model.Never - 1, 1, model.Never},
		{model.Never - 1, 2, model.Never},
	}
	for _, test := range tests {
		if got := test.t.Add(test.d); got != test.want {
			t.Errorf("(%v).Add(%v) = %v, want %v", test.t, test.d, got, test.want)
		}
	}
	if got := model.Time(7).Sub(10); got != -3 {
		t.Errorf("7ps - 10ps = %v", got)
	}
	if got := model.Time(1_500_000_000_000).Seconds(); got != 1.5 {
		t.Errorf("1.5s is %v seconds", got)
	}
	if got := model.Never.String(); got != "never" {
		t.Errorf("Never prints as %q", got)
	}
	if got := model.MaxTime.String(); got != "4611686.018427387904s" {
		t.Errorf("MaxTime prints as %q", got)
	}
}
