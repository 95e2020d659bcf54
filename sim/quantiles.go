package sim

import (
	"fmt"

	"suspect/model"
)

// Quantile is a point of a table: the given share of all durations is at most At.
type Quantile struct {
	Share float64
	At    model.Duration
}

// Quantiles is a distribution of durations by a table of its quantiles, as measurements are
// published, in the order of both columns, from a share of 0 (the shortest) to one of 1 (the
// longest). Between two points the logarithm of a duration is uniform: on the scale on which
// outages are told, nothing between two points is preferred.
type Quantiles []Quantile

// Validate returns an error unless the shares increase from 0 to 1, and the durations do so
// from more than zero to at most [model.MaxTime].
func (q Quantiles) Validate() error {
	if len(q) < 2 || q[0].Share != 0 || q[len(q)-1].Share != 1 {
		return fmt.Errorf("quantiles %v: the shares must begin with 0 and end with 1", q)
	}
	for i, p := range q {
		if p.At <= 0 || p.At > model.Duration(model.MaxTime) {
			return fmt.Errorf("quantiles: %v must be positive and at most %v", p.At, model.MaxTime)
		}
		if i > 0 && (p.Share <= q[i-1].Share || p.At <= q[i-1].At) {
			return fmt.Errorf("quantiles: %v at %v must be above %v at %v", p.At, p.Share, q[i-1].At, q[i-1].Share)
		}
	}
	return nil
}

// Sample returns a variate of q, which must be valid. It takes one draw.
func (q Quantiles) Sample(s *Stream) model.Duration { return q.At(s.Float64()) }

// At returns the duration below which the given share of all lies, between 0 and 1.
func (q Quantiles) At(share float64) model.Duration {
	i := 1
	for share > q[i].Share {
		i++
	}
	a, b := q[i-1], q[i]
	if share == b.Share {
		return b.At
	}
	part := (share - a.Share) / (b.Share - a.Share)
	return round(float64(float64(a.At) * model.Exp(float64(part*model.Log(float64(b.At)/float64(a.At))))))
}

// Average returns the mean of q, rounded: of a piece from a to b it is (b-a)/log(b/a).
func (q Quantiles) Average() model.Duration {
	sum := 0.0
	for i := 1; i < len(q); i++ {
		a, b := float64(q[i-1].At), float64(q[i].At)
		sum += float64((q[i].Share - q[i-1].Share) * ((b - a) / model.Log(b/a)))
	}
	return round(sum)
}
