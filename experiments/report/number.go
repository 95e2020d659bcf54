package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"suspect/experiments/run"
	"suspect/model"
)

// Duration returns d to four significant digits, in the unit that suits it: what
// a reader wants. The files beside a report have every picosecond.
func Duration(d model.Duration) string {
	if d == 0 {
		return "0s"
	}
	sign, v := "", float64(d)
	if d < 0 {
		sign, v = "-", -v
	}
	units := []struct {
		name string
		size model.Duration
	}{{"ps", model.Picosecond}, {"ns", model.Nanosecond}, {"us", model.Microsecond},
		{"ms", model.Millisecond}, {"s", model.Second}}
	for i, u := range units {
		x := v / float64(u.size)
		digits := max(0, 3-int(math.Floor(math.Log10(x))))
		s := strconv.FormatFloat(x, 'f', digits, 64)
		if rounded, _ := strconv.ParseFloat(s, 64); rounded < 1000 || i == len(units)-1 {
			if strings.Contains(s, ".") {
				s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
			}
			return sign + s + u.name
		}
	}
	panic("unreachable")
}

// Count returns n, which is not negative, with commas between thousands.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// number returns f to four significant digits, without an exponent where that is
// readable.
func number(f float64) string {
	if a := math.Abs(f); a != 0 && (a < 1e-3 || a >= 1e7) {
		return strconv.FormatFloat(f, 'g', 4, 64)
	} else if a >= 1000 {
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return strconv.FormatFloat(f, 'g', 4, 64)
}

// byteCount returns a number of bytes in decimal units.
func byteCount(f float64) string {
	for _, u := range []struct {
		name string
		size float64
	}{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}} {
		if f >= u.size {
			return strconv.FormatFloat(f/u.size, 'g', 4, 64) + " " + u.name
		}
	}
	return strconv.FormatFloat(f, 'g', 4, 64) + " B"
}

// mean returns a mean with its interval, or "-" where there is none.
func mean(m run.Mean) (value, interval string) {
	value, interval = "-", "-"
	if m.Mean != nil {
		value = Duration(*m.Mean)
	}
	if m.Interval != nil {
		interval = fmt.Sprintf("%s to %s", Duration(m.Interval.Low), Duration(m.Interval.High))
	}
	return value, interval
}

// share returns a probability as a percentage to four digits, or near 1 to two
// digits of what it lacks; a part of a bound may be far above 1.
func share(p float64) string {
	if p > 0.999 && p < 1 {
		digits := 1 - int(math.Floor(math.Log10(100*(1-p))))
		return strconv.FormatFloat(100*p, 'f', digits, 64) + "%"
	}
	if p >= 100 && p < 1e15 {
		return Count(int64(math.Round(100*p))) + "%"
	}
	return strconv.FormatFloat(100*p, 'g', 4, 64) + "%"
}

// Plural returns "1 crash", "2 crashes".
func Plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}
