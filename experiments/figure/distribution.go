package figure

import "math"

// Distribution is a sample: its values, increasing, each with the number of samples at
// or below it. Total may exceed the last number: the rest never got a value, as a
// crash that was never detected.
type Distribution struct {
	Values []float64
	Below  []int64
	Total  int64
}

// Steps returns the distribution function: the share of samples at or below each
// value, from 0.
func (d *Distribution) Steps() []Point {
	if len(d.Values) == 0 {
		return nil
	}
	p := []Point{{d.Values[0], 0}}
	for i, v := range d.Values {
		p = append(p, Point{v, float64(d.Below[i]) / float64(d.Total)})
	}
	return p
}

// Tail returns the share of samples above each value, from 1 to the share of one sample
// at the greatest value, for a logarithmic axis.
func (d *Distribution) Tail() []Point {
	if len(d.Values) == 0 {
		return nil
	}
	p := []Point{{d.Values[0], 1}}
	for i, v := range d.Values {
		if above := d.Total - d.Below[i]; above > 0 {
			p = append(p, Point{v, float64(above) / float64(d.Total)})
		} else {
			p = append(p, Point{v, p[len(p)-1].Y})
		}
	}
	return p
}

// TailFloor returns the lower end of an axis for the tails of ds: a power of ten with
// room below the share of one sample.
func TailFloor(ds ...Distribution) float64 {
	floor := 1.0
	for _, d := range ds {
		if d.Total > 0 {
			floor = math.Min(floor, 1/float64(d.Total))
		}
	}
	return math.Pow10(int(math.Floor(math.Log10(floor) - 0.15)))
}
