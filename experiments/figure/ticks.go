package figure

import (
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// Unit says what the numbers along an axis are, and so how its ticks are written.
type Unit int

const (
	Number Unit = iota
	Count       // numbers of things: ticks are at whole ones
	Seconds
	Share // of 1, written in percent, and in ppm where it is small
	Bytes
	BitsPerSecond
)

// scale is a name for a multiple of a unit.
type scale struct {
	name string
	size float64
}

var scales = map[Unit][]scale{
	Seconds:       {{"s", 1}, {"ms", 1e-3}, {"µs", 1e-6}, {"ns", 1e-9}, {"ps", 1e-12}},
	Bytes:         {{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}},
	BitsPerSecond: {{"Tb/s", 1e12}, {"Gb/s", 1e9}, {"Mb/s", 1e6}, {"kb/s", 1e3}, {"b/s", 1}},
}

// labels writes values in one multiple of the unit, which the largest of them chooses,
// with as many digits as it takes.
func (u Unit) labels(values []float64) []string {
	var top float64
	for _, v := range values {
		top = math.Max(top, math.Abs(v))
	}
	out := make([]string, len(values))
	if u == Number || u == Count {
		for i, v := range values {
			out[i] = plainNumber(v)
		}
		return out
	}
	in, space := scale{"%", 1e-2}, ""
	if u != Share {
		for _, in = range scales[u] {
			if top >= in.size*(1-1e-9) {
				break
			}
		}
		space = " "
	} else if top < 0.99e-4 { // 0.01% is still read with ease
		in, space = scale{"ppm", 1e-6}, " "
	}
	for i, v := range values {
		out[i] = strconv.FormatFloat(math.Round(v/in.size*1e6)/1e6, 'f', -1, 64) + space + in.name
		if v == 0 && u != Share {
			out[i] = "0"
		}
	}
	return out
}

// plainNumber writes a number without a unit: in full from 0.001 up to a million.
func plainNumber(v float64) string {
	if a := math.Abs(v); a != 0 && (a < 0.999e-3 || a > 1.001e6) {
		e := math.Floor(math.Log10(a) + 1e-9)
		return fmt.Sprintf("%se%d", strconv.FormatFloat(math.Round(v/math.Pow(10, e)*1e6)/1e6, 'f', -1, 64), int(e))
	}
	return strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64)
}

// Ticks marks an axis. On a logarithmic one it labels decades, or 1-2-5 steps where
// there are few, and falls back to even steps on less than an octave or so.
type Ticks struct {
	Unit Unit
	Log  bool
	// Most is the most labels that there is room for; 0 means 12.
	Most int
}

// Ticks implements plot.Ticker.
func (t Ticks) Ticks(lo, hi float64) []plot.Tick {
	most := t.Most
	if most == 0 {
		most = 12
	}
	if t.Log {
		for _, digits := range [][]int{{1}, {1, 3}, {1, 2, 5}} {
			ticks, labelled := logTicks(lo, hi, digits, t.Unit, most)
			if labelled >= 4 || labelled == 3 && (len(digits) == 3 || hi/lo > 1e3) {
				return ticks
			}
		}
	}
	return evenTicks(lo, hi, t.Unit, most)
}

// logTicks returns ticks at every digit of the decades in [lo, hi], with labels at the
// given leading digits of every decade, or of every so many where all are more than
// most, and the number of labels.
func logTicks(lo, hi float64, digits []int, unit Unit, most int) (ticks []plot.Tick, labelled int) {
	first, last := int(math.Floor(math.Log10(lo)+1e-9)), int(math.Ceil(math.Log10(hi)-1e-9))
	every := 1
	if len(digits) == 1 {
		within := int(math.Floor(math.Log10(hi)+1e-9)) - int(math.Ceil(math.Log10(lo)-1e-9)) + 1
		every = max(1, (within+most-1)/most)
	}
	for e := first; e <= last; e++ {
		for digit := 1; digit <= 9; digit++ {
			v := float64(digit) * math.Pow10(e)
			if v < lo*(1-1e-9) || v > hi*(1+1e-9) || every > 1 && digit > 1 {
				continue
			}
			tick := plot.Tick{Value: v}
			for _, d := range digits {
				if d == digit && e%every == 0 {
					tick.Label = unit.labels([]float64{v})[0]
					labelled++
				}
			}
			ticks = append(ticks, tick)
		}
	}
	if labelled > most {
		return ticks, 0
	}
	return ticks, labelled
}

// evenTicks returns labelled ticks at the multiples of 1, 2 or 5 times a power of ten in
// [lo, hi] that are closest together with at most 8 of them, or most.
func evenTicks(lo, hi float64, unit Unit, most int) []plot.Tick {
	steps := float64(min(most, 8) - 1)
	size := math.Pow(10, math.Floor(math.Log10((hi-lo)/steps)))
	if unit == Count {
		size = math.Max(size, 1)
	}
	for _, m := range []float64{1, 2, 5, 10} {
		if (hi-lo)/(m*size) <= steps {
			size *= m
			break
		}
	}
	var values []float64
	slack := 1e-9 * (hi - lo)
	for i := int64(math.Ceil((lo - slack) / size)); float64(i)*size <= hi+slack; i++ {
		values = append(values, float64(i)*size)
	}
	ticks := make([]plot.Tick, len(values))
	for i, label := range unit.labels(values) {
		ticks[i] = plot.Tick{Value: values[i], Label: label}
	}
	return ticks
}
