package properties

import (
	"fmt"
	"math"
	"slices"

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
	checkTrials(k, n)
	in := Interval{0, 1}
	if k > 0 {
		in.Low = distuv.Beta{Alpha: float64(k), Beta: float64(n - k + 1)}.Quantile(a)
	}
	if k < n {
		in.High = distuv.Beta{Alpha: float64(k + 1), Beta: float64(n - k)}.Quantile(1 - a)
	}
	return in
}

// Wilson returns the score interval for a probability (Wilson 1927), clamped to
// [0, 1]. It is shorter than [ClopperPearson]'s and covers only about the level. It
// panics unless 0 <= k <= n and n > 0.
func Wilson(k, n int64, level float64) Interval {
	a := tail(level)
	checkTrials(k, n)
	z, trials := distuv.UnitNormal.Quantile(1-a), float64(n)
	p := float64(k) / trials
	zz := z * z / trials
	centre := (p + zz/2) / (1 + zz)
	h := z / (1 + zz) * math.Sqrt(p*(1-p)/trials+zz/(4*trials))
	in := Interval{max(0, centre-h), min(1, centre+h)}
	if k == 0 {
		in.Low = 0 // not 2e-19
	}
	if k == n {
		in.High = 1
	}
	return in
}

func checkTrials(k, n int64) {
	if k < 0 || k > n || n <= 0 {
		panic(fmt.Sprintf("properties: %d successes in %d trials", k, n))
	}
}

// QuantileInterval returns the distribution-free interval for the q-quantile of the
// distribution of xs, whose ends are two of the values (order statistics; David and
// Nagaraja, Order Statistics, 2003). An end is infinite where there are too few values for
// it. It panics unless 0 < q < 1.
func QuantileInterval(xs []float64, q, level float64) Interval {
	a := tail(level)
	if !(q > 0 && q < 1) {
		panic(fmt.Sprintf("properties: quantile %v is not between 0 and 1", q))
	}
	in := Interval{math.Inf(-1), math.Inf(1)}
	if len(xs) == 0 {
		return in
	}
	sorted := slices.Sorted(slices.Values(xs))
	// With B values below the quantile, B is binomial: the i-th smallest value is above
	// it with probability P(B < i), and below with P(B >= i).
	below := distuv.Binomial{N: float64(len(xs)), P: q}
	for i, x := range sorted {
		if below.CDF(float64(i)) <= a { // P(B < i+1): it lies above too rarely
			in.Low = x
		}
		if below.CDF(float64(i)) >= 1-a {
			in.High = x
			break
		}
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
