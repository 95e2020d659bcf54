package detectors

import (
	"fmt"
	"math"

	"suspect/detectors/seeded"
	"suspect/model"
)

func init() {
	Register(Spec{
		Name: "phi",
		Source: "Hayashibara, Défago, Yared, Katayama, \"The phi accrual failure detector\", SRDS 2004, " +
			"with the first intervals of Akka's implementation",
		Doc: "Suspects a peer when its silence is improbable by the normal distribution of its latest inter-arrival times (phi accrual).",
		Claims: []model.Claim{
			{Class: model.EventuallyP, Under: "a threshold of 1 or more, outages=true, drift-free clocks, no pauses, and from some time on no loss and delays that differ by less than half of the least deviation; before it processes start and messages are lost or late at will", Given: phiConditions},
		},
		Params: HeartbeatParams(
			thresholdParam("8", 0.01, 1000, "value of phi at which to suspect: 1 takes an error of 10% for acceptable, 2 of 1%, 3 of 0.1%"),
			model.Param{Name: "deviation", Type: model.DurationParam, Default: "100ms",
				Doc: "least standard deviation; with 0s, as published, a perfectly regular peer is suspected at the first picosecond of delay"},
			model.Param{Name: "n", Type: model.CountParam, Default: "1000",
				Doc: "how many of the latest inter-arrival times count, from 2 on"},
			model.Param{Name: "sample", Type: model.SwitchParam, Default: "false",
				Doc: "take the standard deviation of a sample, with n-1, rather than that of the population, with n"},
			model.Param{Name: "outages", Type: model.SwitchParam, Default: "true",
				Doc: "let the silence that ended in a suspicion count as an interval, as published: one long outage makes the detector slow, but without it one that has become too quick never learns"},
			model.Param{Name: "naive", Type: model.SwitchParam, Default: "false",
				Doc: "compute 1-F in floating point, as some implementations do: phi is infinite from 8.3 deviations on, so that a threshold above 16 is one of 16"}),
		Heartbeats: true,
		New:        newPhi,
	})
}

// Phi returns the suspicion level of the phi accrual detector,
//
//	phi = -log10(P_later(elapsed)), P_later(t) = 1 - F(t)
//
// with F the normal distribution of the given mean and deviation: when the silence has
// lasted for elapsed, the probability of a heartbeat that comes still later is 10^-phi.
// All are in one unit; the deviation is positive. The tail is computed by its logarithm
// and so has no end: 1-F in floating point is 0 from 8.3 deviations on, where phi is 16.
// The relative error is below 1e-12 for phi above 0.01.
func Phi(elapsed, mean, deviation float64) float64 {
	return max(0, -logNormalTail((elapsed-mean)/deviation)/math.Ln10)
}

// PhiDeviations returns by how many standard deviations a silence passes the mean when
// phi reaches the threshold: y with -log10(1 - F(y)) = threshold, F being the standard
// normal distribution. It panics unless the threshold is between 0.01 and 1000.
func PhiDeviations(threshold float64) float64 {
	if !(threshold >= 0.01 && threshold <= 1000) {
		panic(fmt.Sprintf("detectors: phi with a threshold of %v", threshold))
	}
	return deviations(threshold, func(y float64) float64 { return Phi(y, 0, 1) })
}

// deviations returns the least y at which phi, as a function of the standardised
// silence, is the threshold or more. There it lies between -3 and 70: the normal phi is
// 0.0006 and 1066, the logistic one of Akka 0.0005 and 10560.
func deviations(threshold float64, phi func(y float64) float64) float64 {
	low, high := -3.0, 70.0
	for {
		y := low + (high-low)/2
		switch {
		case y == low || y == high: // they are neighbours
			return high
		case phi(y) < threshold:
			low = y
		default:
			high = y
		}
	}
}

// thresholdParam returns the parameter of an accrual detector that is its threshold.
func thresholdParam(value string, least, most float64, doc string) model.Param {
	return model.Param{Name: "threshold", Type: model.NumberParam, Default: value, Least: least, Most: most, Doc: doc}
}

// naivePhi is phi as implementations have it that compute the normal distribution from
// the error function, in float64: phi = -log10(1 - (1/2 + erf(z/sqrt 2)/2)).
func naivePhi(z float64) float64 {
	erf := 1 - 2*model.Exp(logNormalTail(z)) // 1 from z = 8.3 on
	return max(0, -model.Log(1-(0.5+0.5*erf))/math.Ln10)
}

// logNormalTail returns the natural logarithm of the probability that a standard
// normal variable is above z: below 2 from the series
//
//	F(z) - 1/2 = f(z) (z + z^3/3 + z^5/(3*5) + ...), f(z) = exp(-z^2/2)/sqrt(2 pi)
//
// and from 2 on from Laplace's continued fraction
//
//	1 - F(z) = f(z) / (z + 1/(z + 2/(z + 3/(z + ...))))
//
// (Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.11 and 26.2.14).
func logNormalTail(z float64) float64 {
	const halfLog2Pi = 0.91893853320467274178
	square := float64(z * z)
	switch {
	case z <= -2:
		return model.Log(1 - model.Exp(logNormalTail(-z)))
	case z < 2:
		term, sum := z, z
		for k := 3; k < 80; k += 2 {
			term = float64(term*square) / float64(k)
			sum += term
		}
		return model.Log(0.5 - float64(model.Exp(-float64(square/2)-halfLog2Pi)*sum))
	}
	fraction := z
	for k := 60; k > 0; k-- {
		fraction = z + float64(k)/fraction
	}
	return -float64(square/2) - halfLog2Pi - model.Log(fraction)
}

// phi is Hayashibara, Défago, Yared and Katayama's detector with a fixed threshold. A
// peer is suspected while phi(now - T_last) is not below the threshold, T_last being the
// arrival of its latest heartbeat, which is from
//
//	tau = T_last + mean + y*max(sigma, deviation)
//
// on, with y from [PhiDeviations], and mean and sigma those of the latest n times between
// two arrivals. A heartbeat that comes after a later one, or twice, changes nothing.
//
// The paper leaves open what to do until there are n intervals. As in Akka's
// implementation, two of 3/4 and 5/4 of eta stand in the window at first; the
// expectation of the first heartbeat rests on them, from the start on.
//
// Intervals count in whole nanoseconds, at most 2^45 of them (9.7 hours) above eta, so
// that all sums are exact.
//
// The level is phi.
type phi struct {
	y         float64
	deviation float64 // picoseconds
	sample    bool
	naive     bool
}

func newPhi(env Env, p model.Params) (model.Automaton, error) {
	deviation, err := duration(p, "deviation", 0)
	if err != nil {
		return nil, err
	}
	if n := p.Count("n"); n < 2 || n > largestWindow {
		return nil, &model.ParamError{Name: "n", Err: fmt.Errorf("%d is out of range: from 2 to %d intervals", n, largestWindow)}
	}
	l := &phi{deviation: float64(deviation), sample: p.Switch("sample"), naive: p.Switch("naive")}
	l.y = deviations(p.Number("threshold"), l.phi)
	eta := p.Duration("eta")
	return newAccrual(env, p, rules{
		law: l, unit: model.Nanosecond, base: eta, tick: model.Picosecond, numbered: true,
		seeds:   []model.Duration{eta - eta/4, eta + eta/4},
		outages: p.Switch("outages"), longest: anyLength,
	})
}

// phi returns the level at z deviations above the mean.
func (l *phi) phi(z float64) float64 {
	if l.naive {
		return naivePhi(z)
	}
	return Phi(z, 0, 1)
}

func (l *phi) timeout(d *accrual, p int) float64 {
	sigma := max(d.deviation(p, l.sample), l.deviation)
	if seeded.Bug("the deviation has no floor") {
		sigma = d.deviation(p, l.sample)
	}
	if sigma == 0 {
		return math.Floor(d.mean(p)) + 1
	}
	return d.mean(p) + float64(l.y*sigma)
}

func (l *phi) level(d *accrual, p int, silence float64) float64 {
	mean, sigma := d.mean(p), max(d.deviation(p, l.sample), l.deviation)
	switch {
	case sigma > 0:
		return l.phi((silence - mean) / sigma)
	case silence > mean:
		return math.Inf(1)
	}
	return 0
}
