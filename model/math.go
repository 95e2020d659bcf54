package model

import "math"

// Log and Exp give the same bits on every architecture. Those of package math do
// not: some architectures have them in assembly, and a compiler may fuse a product
// and a sum into one rounding. Here every product is rounded by an explicit
// conversion, which the language forbids to fuse. Code that takes a decision from
// floating-point arithmetic does the same: float64(a*b) + c.

const (
	// ln2Hi + ln2Lo is the logarithm of 2. ln2Hi has 32 significant bits, so that
	// its product with a binary exponent is exact.
	ln2Hi = 0x1.62e42feep-1
	ln2Lo = math.Ln2 - ln2Hi
)

// Log returns the natural logarithm of x, with an error below one unit in the last
// place. Log(0) is -Inf, Log(+Inf) is +Inf, and Log of NaN or a negative number is
// NaN.
//
// The reduction is that of FreeBSD's e_log.c, x = 2^k·(1+f) with 1+f between
// sqrt(1/2) and sqrt(2); with s = f/(2+f) the series is
// log(1+f) = 2·(s + s³/3 + s⁵/5 + ...) = f - f²/2 + s·(f²/2 + r).
func Log(x float64) float64 {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 1):
		return x
	case x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	}
	m, exponent := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m *= 2
		exponent--
	}
	f, k := m-1, float64(exponent)
	s := f / (2 + f)
	z := float64(s * s)
	r := 0.0
	for i := len(logSeries) - 1; i >= 0; i-- {
		r = float64(z * (logSeries[i] + r))
	}
	half := float64(0.5 * float64(f*f))
	low := float64(s*(half+r)) + float64(k*ln2Lo)
	return float64(k*ln2Hi) - ((half - low) - f)
}

// logSeries has the coefficients of r in z = s² ≤ 0.0295; the first term left out
// is below 2^-59 of the result.
var logSeries = [...]float64{2. / 3, 2. / 5, 2. / 7, 2. / 9, 2. / 11, 2. / 13, 2. / 15, 2. / 17, 2. / 19, 2. / 21}

// Exp returns e to the power x, with an error below one unit in the last place
// where the result is a normal number, and half the smallest positive number more
// where it is subnormal. Exp(-Inf) is 0, Exp(+Inf) and results out of range are
// +Inf, and Exp(NaN) is NaN.
//
// It takes x = k·log(2) + r with |r| ≤ log(2)/2 and sums the Taylor series of
// exp(r).
func Exp(x float64) float64 {
	switch {
	case math.IsNaN(x):
		return x
	case x > 709.79: // log of the largest number is 709.78...
		return math.Inf(1)
	case x < -745.14: // log of half the smallest number is -745.13...
		return 0
	}
	k := math.Floor(float64(x*math.Log2E) + 0.5)
	hi := x - float64(k*ln2Hi) // exact
	lo := float64(k * ln2Lo)
	r := hi - lo
	lost := (hi - r) - lo // by rounding r, and below by rounding 1+r
	sum := 0.0
	for i := len(expSeries) - 1; i >= 0; i-- {
		sum = float64(r * (expSeries[i] + sum))
	}
	one := 1 + r
	lost += r - (one - 1)
	return math.Ldexp(one+(float64(r*sum)+lost), int(k))
}

// expSeries has 1/2!, 1/3!, ... for |r| ≤ 0.347; the first term left out is below
// 2^-60.
var expSeries = [...]float64{
	1. / 2, 1. / 6, 1. / 24, 1. / 120, 1. / 720, 1. / 5040, 1. / 40320, 1. / 362880,
	1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800, 1. / 87178291200,
}
