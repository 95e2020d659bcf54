package detectors

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/integrate/quad"
)

// This file is the analysis of NFD-S by Chen, Toueg and Aguilera, "On the quality
// of service of failure detectors", IEEE Transactions on Computers 51(5), May
// 2002 (the January printing has errors). All times are float64 seconds.

// DelayDistribution is the distribution of a heartbeat's delay D, which is
// positive and continuous.
type DelayDistribution interface {
	// Tail returns Pr(D > x), with x in seconds; 1 for x <= 0.
	Tail(x float64) float64
}

// ExponentialDelay is the exponential distribution with the given mean in
// seconds.
type ExponentialDelay struct{ Mean float64 }

// Tail returns exp(-x/Mean).
func (d ExponentialDelay) Tail(x float64) float64 {
	if x <= 0 {
		return 1
	}
	return math.Exp(-x / d.Mean)
}

// QoS is the quality of service of a detector (section 2 of the paper). Times are
// in seconds, rates per second. All but the detection times are of runs without
// a crash.
type QoS struct {
	MaxDetectionTime  float64 // the bound of T_D
	MeanDetectionTime float64 // E(T_D) for a crash uniformly distributed in a period
	MistakeRecurrence float64 // E(T_MR): from one wrong suspicion to the next
	MistakeDuration   float64 // E(T_M)
	GoodPeriod        float64 // E(T_G): between mistakes
	MistakeRate       float64 // lambda_M
	QueryAccuracy     float64 // P_A: probability of the right output at a random time

	// Of the theorem.
	K      int     // heartbeats that can still prevent a suspicion, less one
	Q0, U0 float64 // q_0 and u(0)
	PS     float64 // p_S: probability that a freshness point begins a mistake
}

// NFDSQoS returns the quality of service of NFD-S with the given eta and delta in
// seconds, when each heartbeat is lost with probability pL and delayed by D,
// independently (the paper's theorem on NFD-S):
//
//	k = ceil(delta/eta)
//	p_j(x) = pL + (1-pL) Pr(D > delta + x - j*eta)
//	q_0 = (1-pL) Pr(D < delta + eta)
//	u(x) = p_0(x) ... p_k(x), 0 <= x < eta
//	p_S = q_0 u(0)
//	T_D <= delta + eta, E(T_MR) = eta/p_S, E(T_M) = integral of u / p_S
//
// The mean detection time is not in the theorem: it is the mean of
// max(0, delta + eta - U - G*eta), with U uniform on a period and G the number of
// heartbeats lost or late before the crash, Pr(G=g) = q_0 (1-q_0)^g.
//
// A detector that makes no mistake has E(T_MR) and E(T_G) infinite and E(T_M)
// NaN; one that suspects for ever has E(T_MR) and E(T_M) infinite and E(T_G) NaN.
// The integral is accurate to about 1e-14, relatively, for smooth distributions.
// It panics unless eta > 0, delta >= 0 and 0 <= pL <= 1.
func NFDSQoS(eta, delta, pL float64, d DelayDistribution) QoS {
	if !(eta > 0 && delta >= 0 && pL >= 0 && pL <= 1) {
		panic(fmt.Sprintf("detectors: NFD-S with eta %v, delta %v, loss %v", eta, delta, pL))
	}
	k := int(math.Ceil(delta / eta))
	u := func(x float64) float64 {
		product := 1.0
		for j := 0; j <= k; j++ {
			product *= pL + (1-pL)*d.Tail(delta+x-float64(j)*eta)
		}
		return product
	}
	// p_k is 1 up to here, and p_j with j < k is smooth.
	bend := min(max(float64(k)*eta-delta, 0), eta)
	wrong := min(integral(u, 0, bend)+integral(u, bend, eta), eta)

	q := QoS{
		K:                k,
		Q0:               (1 - pL) * (1 - d.Tail(delta+eta)),
		U0:               u(0),
		MaxDetectionTime: delta + eta,
		QueryAccuracy:    1 - wrong/eta,
	}
	q.PS = q.Q0 * q.U0
	q.MistakeRecurrence = eta / q.PS
	q.MistakeRate = q.PS / eta
	q.MistakeDuration = wrong / q.PS
	q.GoodPeriod = (eta - wrong) / q.PS
	if q.U0 == 0 {
		q.MistakeDuration = math.NaN()
	}
	weight := q.Q0
	for left := delta + eta; left > 0 && weight > 0; left -= eta {
		if left >= eta {
			q.MeanDetectionTime += weight * (left - eta/2)
		} else {
			q.MeanDetectionTime += weight * left * left / (2 * eta)
		}
		weight *= 1 - q.Q0
	}
	return q
}

// integral returns the integral of f from a to b by adaptive Gauss-Legendre
// quadrature: an interval is halved until its halves agree with the whole.
func integral(f func(float64) float64, a, b float64) float64 {
	const points, depth = 16, 40
	rule := func(a, b float64) float64 { return quad.Fixed(f, a, b, points, quad.Legendre{}, 0) }
	var refine func(a, b, whole float64, depth int) float64
	total := 0.0 // of what is finished
	refine = func(a, b, whole float64, depth int) float64 {
		middle := a + (b-a)/2
		left, right := rule(a, middle), rule(middle, b)
		if depth == 0 || math.Abs(left+right-whole) <= 1e-15*math.Abs(total+left+right) {
			total += left + right
			return left + right
		}
		return refine(a, middle, left, depth-1) + refine(middle, b, right, depth-1)
	}
	if a >= b {
		return 0
	}
	return refine(a, b, rule(a, b), depth)
}

// Requirements are what an application demands, in seconds.
type Requirements struct {
	DetectionTime     float64 // T_D^U: T_D is at most this
	MistakeRecurrence float64 // T_MR^L: E(T_MR) is at least this
	MistakeDuration   float64 // T_M^U: E(T_M) is at most this
}

// ErrUnachievable is the error of requirements that Chen's procedures cannot
// meet.
var ErrUnachievable = errors.New("the required quality of service cannot be achieved")

func (r Requirements) check(pL float64) error {
	for _, x := range []float64{r.DetectionTime, r.MistakeRecurrence, r.MistakeDuration} {
		if !(x > 0) || math.IsInf(x, 1) {
			return fmt.Errorf("requirements must be positive and finite, not %+v", r)
		}
	}
	if !(pL >= 0 && pL <= 1) {
		return fmt.Errorf("the loss %v is not a probability", pL)
	}
	return nil
}

// Configure returns the eta and delta, in seconds, with which NFD-S meets r at
// the least bandwidth that the paper's procedure finds, for a known loss and
// delay distribution. With T = T_D^U:
//
//	q_0' = (1-pL) Pr(D < T), eta_max = q_0' T_M^U
//	f(eta) = eta / (q_0' product over j = 1..ceil(T/eta)-1 of pL + (1-pL) Pr(D > T - j*eta))
//
// eta is the largest up to eta_max (and T) with f(eta) >= T_MR^L, and delta is
// T - eta. The error is [ErrUnachievable] also if that takes 100,000 heartbeats or
// more in T.
func Configure(r Requirements, pL float64, d DelayDistribution) (eta, delta float64, err error) {
	if err := r.check(pL); err != nil {
		return 0, 0, err
	}
	q0 := (1 - pL) * (1 - d.Tail(r.DetectionTime))
	eta, err = largestEta(q0*r.MistakeDuration, r.DetectionTime, r.MistakeRecurrence, func(left float64) float64 {
		return pL + (1-pL)*d.Tail(left)
	}, q0)
	return eta, r.DetectionTime - eta, err
}

// ConfigureFromMoments is [Configure] for a delay of which only the mean (in
// seconds) and the variance (in seconds squared) are known, by the one-sided
// Chebyshev inequality. With Theta = T_D^U - E(D):
//
//	gamma' = (1-pL) Theta^2 / (V(D) + Theta^2), eta_max = min(gamma' T_M^U, Theta)
//	f(eta) = eta product over j = 1..ceil(Theta/eta)-1 of (V(D) + x^2) / (V(D) + pL x^2), x = Theta - j*eta
func ConfigureFromMoments(r Requirements, pL, mean, variance float64) (eta, delta float64, err error) {
	if err := r.check(pL); err != nil {
		return 0, 0, err
	}
	if !(mean >= 0 && variance >= 0) {
		return 0, 0, fmt.Errorf("a delay cannot have mean %v and variance %v", mean, variance)
	}
	eta, err = configureByChebyshev(r, r.DetectionTime-mean, pL, variance)
	return eta, r.DetectionTime - eta, err
}

// ConfigureNFDU returns eta and alpha, in seconds, for NFD-U and NFD-E, which
// need no synchronised clocks. Here r.DetectionTime bounds T_D - E(D), so that no
// mean is needed: the procedure is that of [ConfigureFromMoments] with
// Theta = r.DetectionTime, and alpha is Theta - eta.
func ConfigureNFDU(r Requirements, pL, variance float64) (eta, alpha float64, err error) {
	if err := r.check(pL); err != nil {
		return 0, 0, err
	}
	if !(variance >= 0) {
		return 0, 0, fmt.Errorf("a delay cannot have variance %v", variance)
	}
	eta, err = configureByChebyshev(r, r.DetectionTime, pL, variance)
	return eta, r.DetectionTime - eta, err
}

func configureByChebyshev(r Requirements, theta, pL, variance float64) (eta float64, err error) {
	if theta <= 0 {
		return 0, fmt.Errorf("%w: the mean delay alone is %v s or more", ErrUnachievable, r.DetectionTime)
	}
	gamma := (1 - pL) * theta * theta / (variance + theta*theta)
	return largestEta(gamma*r.MistakeDuration, theta, r.MistakeRecurrence, func(left float64) float64 {
		return (variance + pL*left*left) / (variance + left*left)
	}, 1)
}

// mostHeartbeats is how many heartbeats the procedures consider in a detection time.
const mostHeartbeats = 100_000

// largestEta returns the largest eta <= min(etaMax, theta) with f(eta) >= goal,
// where
//
//	f(eta) = eta / (first * product over j = 1..ceil(theta/eta)-1 of factor(theta - j*eta))
//
// and factor falls from 1 at zero, but not below zero. f is continuous but not
// monotone: it rises with eta where losses decide, and falls where delays do,
// between each theta/n and theta/(n-1). A bisection may miss the largest solution.
//
// The product alone is monotone: a smaller eta adds factors and makes none larger.
// So for eta from low to high
//
//	f(eta) <= high/low * f(low)
//
// and where that is less than the goal no solution lies between. The search goes down
// from etaMax in steps that this allows, doubled while it does, and halved while it
// does not until they are a millionth. Because of the latter, a larger eta at the
// top of a peak that exceeds the goal by less than a millionth may be missed.
func largestEta(etaMax, theta, goal float64, factor func(left float64) float64, first float64) (float64, error) {
	const finest = 1e-6
	etaMax = min(etaMax, theta)
	if !(etaMax > 0) {
		return 0, fmt.Errorf("%w: no heartbeat would arrive in time", ErrUnachievable)
	}
	f := func(eta float64) float64 {
		product := first
		for j := 1; product > 0; j++ {
			left := theta - float64(j)*eta
			if left <= 0 {
				break
			}
			product *= factor(left)
		}
		return eta / product
	}
	least := theta / mostHeartbeats
	if etaMax >= least && f(etaMax) >= goal {
		return etaMax, nil
	}
	for high, step := etaMax, 0.5; high > least; {
		low := max(high*(1-step), least)
		switch reached := f(low); {
		case step <= finest && reached >= goal:
			return bisect(f, low, high, goal), nil
		case step <= finest || high/low*reached < goal:
			high, step = low, min(2*step, 0.5)
		default:
			step /= 2
		}
	}
	return 0, fmt.Errorf("%w with fewer than %d heartbeats in a detection time", ErrUnachievable, mostHeartbeats)
}

// bisect returns the last point from good up to bad at which f >= goal, for f
// that crosses goal once between, to the precision of the numbers.
func bisect(f func(float64) float64, good, bad, goal float64) float64 {
	for {
		middle := good + (bad-good)/2
		switch {
		case middle <= good || middle >= bad:
			return good
		case f(middle) >= goal:
			good = middle
		default:
			bad = middle
		}
	}
}
