package properties

import (
	"math"
	"math/bits"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"

	"suspect/model"
)

// Total is an exact sum of durations in picoseconds. Its 128 bits do not overflow:
// that would take 2^65 durations. Sums of integers are the same in any order.
type Total struct{ hi, lo uint64 }

// add adds d, which is not negative.
func (t *Total) add(d model.Duration) {
	var carry uint64
	t.lo, carry = bits.Add64(t.lo, uint64(d), 0)
	t.hi += carry
}

func (t *Total) merge(u Total) {
	var carry uint64
	t.lo, carry = bits.Add64(t.lo, u.lo, 0)
	t.hi, _ = bits.Add64(t.hi, u.hi, carry)
}

// IsZero tells whether the sum is zero.
func (t Total) IsZero() bool { return t.hi|t.lo == 0 }

// Seconds returns the sum in seconds, rounded to a float64.
func (t Total) Seconds() float64 { return t.float() / float64(model.Second) }

func (t Total) float() float64 { return math.Ldexp(float64(t.hi), 64) + float64(t.lo) }

// over returns t/n, rounded to the nearest picosecond. Each of the n durations was
// below 2^63, and so is their mean.
func (t Total) over(n int64) model.Duration {
	q, r := bits.Div64(t.hi, t.lo, uint64(n))
	if r > (uint64(n)-1)/2 {
		q++
	}
	return model.Duration(q)
}

// maxExact is how many durations are kept one by one.
const maxExact = 512

// quantileDigits is the precision of the histogram in significant decimal digits.
const quantileDigits = 3

// QuantileError is the relative quantisation error of [Durations.Quantile] and
// [Durations.CDF] of more than 512 durations: a quantile is never below the order
// statistic that it stands for, and above it by less than this share of it. That is the
// histogram's error, and comes on top of the sampling error. Quantiles of fewer
// durations, and values below 2048 ps, are exact.
const QuantileError = 1.0 / 1024

// Durations summarises a set of durations, none negative: count, sum, minimum and
// maximum are exact. Quantiles are exact up to 512 durations, which are kept; from then
// on they come from an HDR histogram of 430 KiB. What is kept does not depend on the
// order of Add and Merge. The zero value is empty.
type Durations struct {
	count    int64
	sum      Total
	min, max model.Duration
	exact    []model.Duration // all of them, while hist is nil
	hist     *hdrhistogram.Histogram
}

// Add adds d. It panics where d is negative or above [model.MaxTime]: nothing in a run
// lasts so long.
func (s *Durations) Add(d model.Duration) {
	if d < 0 || d > model.Duration(model.MaxTime) {
		panic("properties: duration " + d.String() + " is out of range")
	}
	if s.count == 0 || d < s.min {
		s.min = d
	}
	s.max = max(s.max, d)
	s.count++
	s.sum.add(d)
	if s.hist == nil && s.count <= maxExact {
		s.exact = append(s.exact, d)
		return
	}
	s.toHistogram()
	s.record(d)
}

// toHistogram moves the durations that were kept into a histogram.
func (s *Durations) toHistogram() {
	if s.hist != nil {
		return
	}
	s.hist = hdrhistogram.New(1, int64(model.MaxTime), quantileDigits)
	for _, d := range s.exact {
		s.record(d)
	}
	s.exact = nil
}

func (s *Durations) record(d model.Duration) {
	if err := s.hist.RecordValue(int64(d)); err != nil {
		panic("unreachable: the histogram covers every duration: " + err.Error())
	}
}

// Merge adds the durations of o.
func (s *Durations) Merge(o *Durations) {
	if o.hist == nil {
		for _, d := range o.exact {
			s.Add(d)
		}
		return
	}
	s.toHistogram()
	s.hist.Merge(o.hist)
	if s.count == 0 || o.min < s.min {
		s.min = o.min
	}
	s.max = max(s.max, o.max)
	s.count += o.count
	s.sum.merge(o.sum)
}

// Count returns the number of durations.
func (s *Durations) Count() int64 { return s.count }

// Sum returns their exact sum.
func (s *Durations) Sum() Total { return s.sum }

// Min returns the shortest, exactly; 0 where there is none.
func (s *Durations) Min() model.Duration { return s.min }

// Max returns the longest, exactly; 0 where there is none.
func (s *Durations) Max() model.Duration { return s.max }

// Mean returns the mean, rounded to the nearest picosecond; 0 where there is none.
func (s *Durations) Mean() model.Duration {
	if s.count == 0 {
		return 0
	}
	return s.sum.over(s.count)
}

// Quantile returns the q-quantile, 0 <= q <= 1: the smallest value that is not below
// a share q of the durations, to within [QuantileError]. Quantile(0) is the exact
// minimum and Quantile(1) the exact maximum. It is 0 where there is no duration.
func (s *Durations) Quantile(q float64) model.Duration {
	if s.count == 0 {
		return 0
	}
	if q <= 0 {
		return s.min
	}
	rank := min(quantileRank(q, s.count), s.count)
	if s.hist == nil {
		return slices.Sorted(slices.Values(s.exact))[rank-1]
	}
	// The histogram rounds percentile*count/100 to the nearest rank, which is ours.
	v := model.Duration(s.hist.ValueAtPercentile(100 * (float64(rank) / float64(s.count))))
	return min(v, s.max)
}

// quantileRank returns ⌈q·n⌉, forgiving products such as 0.07·100 that floating point
// puts just above a whole number.
func quantileRank(q float64, n int64) int64 {
	x := float64(q * float64(n))
	return max(1, int64(math.Ceil(x-float64(x*1e-12))))
}

// CDFPoint says that a share of the durations is not above Value.
type CDFPoint struct {
	Value model.Duration
	Share float64 // in (0, 1]
}

// CDF returns the distribution function at each value that occurs (to within
// [QuantileError]), in increasing order; the last point is the exact maximum.
func (s *Durations) CDF() []CDFPoint {
	var points []CDFPoint
	var below int64
	add := func(value model.Duration, count int64) {
		below += count
		share := float64(below) / float64(s.count)
		if n := len(points); n > 0 && points[n-1].Value == value {
			points[n-1].Share = share
		} else {
			points = append(points, CDFPoint{value, share})
		}
	}
	if s.hist == nil {
		for _, d := range slices.Sorted(slices.Values(s.exact)) {
			add(d, 1)
		}
		return points
	}
	for _, bar := range s.hist.Distribution() {
		if bar.Count > 0 {
			add(min(model.Duration(bar.To), s.max), bar.Count)
		}
	}
	return points
}
