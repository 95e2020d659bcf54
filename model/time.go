package model

import (
	"fmt"
	"math"
	"math/bits"
	"strings"
)

// Time is a point in a run, in picoseconds since its beginning. Negative times
// do not occur in a run.
type Time int64

// Duration is a length of time in picoseconds.
type Duration int64

// Units of time. There is no day: a run is at most [MaxTime] long.
const (
	Picosecond  Duration = 1
	Nanosecond           = 1000 * Picosecond
	Microsecond          = 1000 * Nanosecond
	Millisecond          = 1000 * Microsecond
	Second               = 1000 * Millisecond
	Minute               = 60 * Second
	Hour                 = 60 * Minute
)

const (
	// Never is later than every time of a run; a wake-up at Never is none.
	Never Time = math.MaxInt64

	// MaxTime is the latest time that a run may reach (53 days). It is half the
	// range of Time, so that a time of a run plus a duration of a run does not
	// overflow.
	MaxTime Time = 1 << 62
)

// Add returns t+d, and [Never] where t is Never or the sum passes the range:
// the sum of a time and a positive duration never wraps into the past.
func (t Time) Add(d Duration) Time {
	if t == Never {
		return Never
	}
	s := t + Time(d)
	if d > 0 && s < t {
		return Never
	}
	return s
}

// Sub returns the duration t-u. Both must be times of a run.
func (t Time) Sub(u Time) Duration { return Duration(t - u) }

// Seconds returns t in seconds, for output only: it rounds.
func (t Time) Seconds() float64 { return float64(t) / float64(Second) }

// Seconds returns d in seconds, for output only: it rounds.
func (d Duration) Seconds() float64 { return float64(d) / float64(Second) }

// String returns t exactly, as a duration since the beginning of the run, or
// "never".
func (t Time) String() string {
	if t == Never {
		return "never"
	}
	return Duration(t).String()
}

var units = [...]struct {
	name string
	size Duration
}{
	{"h", Hour}, {"min", Minute}, {"s", Second}, {"ms", Millisecond},
	{"us", Microsecond}, {"ns", Nanosecond}, {"ps", Picosecond},
}

// String returns d exactly, in the largest of s, ms, us, ns and ps that is not
// above it: "1.5ms", "51.2ns", "3600s".
func (d Duration) String() string {
	if d == 0 {
		return "0s"
	}
	sign, u := "", uint64(d)
	if d < 0 {
		sign, u = "-", -u
	}
	for _, unit := range units[2:] {
		size := uint64(unit.size)
		if u < size {
			continue
		}
		whole, rest := u/size, u%size
		if rest == 0 {
			return fmt.Sprintf("%s%d%s", sign, whole, unit.name)
		}
		digits := len(fmt.Sprint(size)) - 1
		frac := strings.TrimRight(fmt.Sprintf("%0*d", digits, rest), "0")
		return fmt.Sprintf("%s%d.%s%s", sign, whole, frac, unit.name)
	}
	panic("unreachable: a non-zero duration is at least a picosecond")
}

// ParseDuration reads a decimal number and one unit: h, min, s, ms, us (or µs),
// ns, ps. The value is exact: what is not a whole number of picoseconds, what
// overflows, and a number without a unit are errors. A bare "0" is zero.
func ParseDuration(s string) (Duration, error) {
	number, unit := SplitUnit(s)
	if number == "0" && unit == "" {
		return 0, nil
	}
	if number == "" {
		return 0, fmt.Errorf("%q is not a duration (write a number and a unit, as 10ms)", s)
	}
	if unit == "" {
		return 0, fmt.Errorf("duration %q has no unit (write %ss, %sms, %sus or %sns)", s, number, number, number, number)
	}
	if unit == "µs" || unit == "μs" {
		unit = "us"
	}
	for _, u := range units {
		if u.name != unit {
			continue
		}
		v, err := ParseDecimal(number, int64(u.size))
		if err != nil {
			return 0, fmt.Errorf("duration %q: %w", s, err)
		}
		return Duration(v), nil
	}
	return 0, fmt.Errorf("duration %q has an unknown unit %q (units: h, min, s, ms, us, ns, ps)", s, unit)
}

// SplitUnit splits "10 Gbps" into its number and its unit, without blanks.
func SplitUnit(s string) (number, unit string) {
	s = strings.TrimSpace(s)
	i := strings.IndexFunc(s, func(r rune) bool {
		return r != '+' && r != '-' && r != '.' && (r < '0' || r > '9')
	})
	if i < 0 {
		return s, ""
	}
	return strings.TrimSpace(s[:i]), strings.TrimSpace(s[i:])
}

// ParseDecimal returns the decimal number s times scale, exactly. It is an error
// where the product is not whole or overflows, and where s is not a plain decimal
// number (no exponent, hexadecimal, underscore, NaN or infinity).
func ParseDecimal(s string, scale int64) (int64, error) {
	digits := s
	negative := strings.HasPrefix(digits, "-")
	if negative || strings.HasPrefix(digits, "+") {
		digits = digits[1:]
	}
	whole, frac, hasPoint := strings.Cut(digits, ".")
	if whole == "" && frac == "" || hasPoint && frac == "" ||
		strings.Trim(whole, "0123456789") != "" || strings.Trim(frac, "0123456789") != "" {
		return 0, fmt.Errorf("%q is not a decimal number", s)
	}
	frac = strings.TrimRight(frac, "0")
	var v uint64
	for _, c := range whole {
		hi, lo := bits.Mul64(v, 10)
		sum, carry := bits.Add64(lo, uint64(c-'0'), 0)
		if hi != 0 || carry != 0 {
			return 0, fmt.Errorf("%s is out of range", s)
		}
		v = sum
	}
	hi, v := bits.Mul64(v, uint64(scale))
	if hi != 0 || v > math.MaxInt64 {
		return 0, fmt.Errorf("%s is out of range", s)
	}
	rest := scale
	for _, c := range frac {
		if rest%10 != 0 {
			return 0, fmt.Errorf("%s is finer than the smallest unit", s)
		}
		rest /= 10
		v += uint64(c-'0') * uint64(rest)
	}
	if v > math.MaxInt64 {
		return 0, fmt.Errorf("%s is out of range", s)
	}
	if negative {
		return -int64(v), nil
	}
	return int64(v), nil
}
