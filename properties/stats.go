package properties

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Interval is a confidence interval. Either end may be infinite: nothing is known in
// that direction.
type Interval struct{ Low, High float64 }

// HalfWidth returns half the length of the interval.
func (i Interval) HalfWidth() float64 { return (i.High - i.Low) / 2 }

// String returns "[low, high]" with six significant digits.
func (i Interval) String() string { return fmt.Sprintf("[%.6g, %.6g]", i.Low, i.High) }

// tail returns (1-level)/2, and panics where level is not a confidence level.
func tail(level float64) float64 {
	if !(level > 0 && level < 1) {
		panic(fmt.Sprintf("properties: confidence level %v is not between 0 and 1", level))
	}
	return (1 - level) / 2
}

// MeanInterval returns the mean of xs, one value per independent replication, and its
// Student t interval. Of fewer than two values the interval is infinite; of none the
// mean is NaN. The values must be roughly normal, or many (30 or more).
func MeanInterval(xs []float64, level float64) (mean float64, in Interval) {
	a, n := tail(level), float64(len(xs))
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	mean = sum / n
	if len(xs) < 2 {
		return mean, Interval{math.Inf(-1), math.Inf(1)}
	}
	squares := 0.0
	for _, x := range xs {
		squares += float64((x - mean) * (x - mean))
	}
	t := distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile(1 - a)
	h := t * math.Sqrt(squares/(n-1)/n)
	return mean, Interval{mean - h, mean + h}
}

// RatioInterval returns the ratio of the sums of xs and of ns, one pair of values per
// independent replication, and its Student t interval with linearised variance (Cochran,
// Sampling Techniques, 3rd ed. 1977, section 2.11). It is for means over samples whose
// number differs between replications, and for rates over exposures that do: the
// interval lies around the pooled value. No n is negative, and replications whose n is 0
// are left out. Of fewer than two that remain the interval is infinite; of none the
// ratio is NaN. Where all ns are 1 it is that of [MeanInterval].
func RatioInterval(xs, ns []float64, level float64) (ratio float64, in Interval) {
	a := tail(level)
	sum, size, k := 0.0, 0.0, 0.0
	for i, n := range ns {
		if n > 0 {
			sum, size, k = sum+xs[i], size+n, k+1
		}
	}
	ratio = sum / size
	if k < 2 {
		return ratio, Interval{math.Inf(-1), math.Inf(1)}
	}
	squares := 0.0
	for i, n := range ns {
		if n > 0 {
			e := xs[i] - float64(ratio*n)
			squares += float64(e * e)
		}
	}
	t := distuv.StudentsT{Sigma: 1, Nu: k - 1}.Quantile(1 - a)
	h := t * math.Sqrt(squares*k/(k-1)) / size
	return ratio, Interval{ratio - h, ratio + h}
}

// PoissonInterval returns the exact (Garwood 1936) interval for a rate, from the number
// of events seen in the given exposure (say, seconds). With no event the whole error
// goes to the upper end: -ln(1-level)/exposure, which is 2.996/exposure at 95%. It
// panics where events is negative or exposure not positive. Events that cluster, as
// mistakes do, need replications as the unit instead.
func PoissonInterval(events int64, exposure, level float64) Interval {
	a := tail(level)
	if events < 0 || !(exposure > 0) {
		panic(fmt.Sprintf("properties: %d events in an exposure of %v", events, exposure))
	}
	if events == 0 {
		return Interval{0, -math.Log(1-level) / exposure}
	}
	k := float64(events)
	low := distuv.ChiSquared{K: 2 * k}.Quantile(a) / 2
	high := distuv.ChiSquared{K: 2*k + 2}.Quantile(1-a) / 2
	return Interval{low / exposure, high / exposure}
}

// ClopperPearson returns the exact interval for a probability, from k successes in n
// trials (Clopper and Pearson 1934). It panics unless 0 <= k <= n and n > 0.
func ClopperPearson(k, n int64, level float64) Interval {
	a := tail(level)
	if k < 0 || k > n || n <= 0 {
		panic(fmt.Sprintf("properties: %d successes in %d trials", k, n))
	}
	in := Interval{0, 1}
	if k > 0 {
		in.Low = distuv.Beta{Alpha: float64(k), Beta: float64(n - k + 1)}.Quantile(a)
	}
	if k < n {
		in.High = distuv.Beta{Alpha: float64(k + 1), Beta: float64(n - k)}.Quantile(1 - a)
	}
	return in
}

// Stopping is a sequential stopping rule: replicate until the confidence interval of
// the mean is narrow. It never looks at significance.
type Stopping struct {
	AtLeast  int     // the pilot; 10 is usual, and 2 the least that is used
	AtMost   int     // the cap
	Relative float64 // γ, the relative error wanted: 0.05 for 5%
	Level    float64 // the confidence level: 0.95
}

// Decision is what a [Stopping] rule says after some replications.
type Decision uint8

const (
	Continue   Decision = iota // run another replication
	Reached                    // the precision is reached
	NotReached                 // the cap is, and the precision is not: say so
)

// String returns "continue", "precision reached" or "precision not reached".
func (d Decision) String() string {
	return [...]string{"continue", "precision reached", "precision not reached"}[d]
}

// Decide looks at the values of the replications so far. The precision is reached when
// half-width / |mean| <= γ/(1+γ), which keeps the relative error to the true mean below
// γ (Law, Simulation Modeling and Analysis). A mean of zero never
// reaches it: no relative error can be stated where nothing happened.
func (s Stopping) Decide(xs []float64) Decision {
	if len(xs) >= max(s.AtLeast, 2) {
		mean, in := MeanInterval(xs, s.Level)
		if mean != 0 && in.HalfWidth() <= s.Relative/(1+s.Relative)*math.Abs(mean) {
			return Reached
		}
	}
	if len(xs) >= s.AtMost {
		return NotReached
	}
	return Continue
}
