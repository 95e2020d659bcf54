package sim

import (
	"math"
	"math/bits"

	"suspect/model"
)

// A variate is the quantile of its distribution at one draw of 64 bits, which it
// never decreases with: one draw makes one variate, whatever its distribution, and
// streams of two arms of an experiment stay aligned. Rejection methods, as those of
// math/rand, take a varying number of draws; its logarithm and fused products
// differ between architectures.

// unit maps 64 random bits to the open interval (0, 1): the upper 52 bits and a
// half, over 2^52. Both operations are exact, and so is 1-unit(draw).
func unit(draw uint64) float64 { return float64((float64(draw>>12) + 0.5) * (1.0 / (1 << 52))) }

// Exponential returns a variate of the exponential distribution, -mean·log(1-u) for
// u uniform in (0, 1), rounded once to a picosecond. It takes one draw. The largest
// is 36.7 means; longer than any run, at [model.MaxTime], it is cut. The mean must
// not be negative.
func (s *Stream) Exponential(mean model.Duration) model.Duration {
	return exponential(s.Uint64(), mean)
}

// Interval returns the time to the next event of a Poisson process with the given number of
// events per span, above zero, on average: it may be a fraction, of a span that is longer
// than any run. It is as [Stream.Exponential] otherwise.
func (s *Stream) Interval(events float64, span model.Duration) model.Duration {
	return round(float64(-model.Log(1-s.Float64()) * float64(float64(span)/events)))
}

// Normal returns a variate of the standard normal distribution, between -8.21 and
// 8.21. It takes one draw.
func (s *Stream) Normal() float64 { return normalQuantile(unit(s.Uint64())) }

func exponential(draw uint64, mean model.Duration) model.Duration {
	return round(float64(-model.Log(1-unit(draw)) * float64(mean)))
}

// round returns the whole number of picoseconds next to x, even of two, within
// ±MaxTime: converting a float that is out of range differs between architectures.
func round(x float64) model.Duration {
	const limit = model.Duration(model.MaxTime)
	switch {
	case x >= float64(limit):
		return limit
	case x <= -float64(limit):
		return -limit
	}
	return model.Duration(math.RoundToEven(x))
}

// Sample returns a variate of d, which must be valid. It takes one draw, even for a
// constant, so that exchanging one distribution for another leaves the later draws
// of s alone. Only the zero Distribution, which stands for no delay at all, takes
// none.
func (d Distribution) Sample(s *Stream) model.Duration {
	if d.IsZero() {
		return 0
	}
	return d.quantile(s.Uint64())
}

// Min returns the smallest duration that [Distribution.Sample] can return.
func (d Distribution) Min() model.Duration { return d.quantile(0) }

func (d Distribution) quantile(draw uint64) model.Duration {
	switch d.Kind {
	case Uniform:
		above, _ := bits.Mul64(draw, uint64(d.High-d.Low)+1)
		return d.Low + model.Duration(above)
	case Exponential:
		return exponential(draw, d.Mean)
	case Normal:
		off := round(float64(normalQuantile(unit(draw)) * float64(d.Deviation)))
		return max(0, min(off, model.Duration(model.MaxTime)-d.Mean)+d.Mean)
	case Lognormal:
		z := normalQuantile(unit(draw))
		return round(float64(model.Exp(float64(z*d.sigma())) * float64(d.Low)))
	default:
		return d.Mean
	}
}

// sigma returns the standard deviation of the logarithm of a lognormal distribution.
func (d Distribution) sigma() float64 {
	return model.Log(float64(d.High)/float64(d.Low)) / normalQuantile(0.95)
}

// Average returns the mean of d, rounded: of a normal distribution as if it were not cut at
// zero.
func (d Distribution) Average() model.Duration {
	switch d.Kind {
	case Uniform:
		return d.Low + (d.High-d.Low)/2
	case Lognormal:
		s := d.sigma()
		return round(float64(model.Exp(float64(s*s)/2) * float64(d.Low)))
	default:
		return d.Mean
	}
}

// normalQuantile returns the number below which a share p of the standard normal
// distribution lies, for p in (0, 1), to about 1 part in 10^15: routine PPND16 of
// Wichura, "Algorithm AS 241: the percentage points of the normal distribution",
// Applied Statistics 37(3), 1988.
func normalQuantile(p float64) float64 {
	q := p - 0.5
	if math.Abs(q) <= 0.425 {
		r := 0.180625 - float64(q*q)
		return float64(q * ratio(&ppndCentre, r))
	}
	r := math.Sqrt(-model.Log(min(p, 1-p)))
	var x float64
	if r <= 5 {
		x = ratio(&ppndMiddle, r-1.6)
	} else {
		x = ratio(&ppndTail, r-5)
	}
	return math.Copysign(x, q)
}

// rational is a quotient of two polynomials of degree 7, constant terms first.
type rational struct{ over, under [8]float64 }

func ratio(f *rational, r float64) float64 {
	over, under := 0.0, 0.0
	for i := 7; i >= 0; i-- {
		over = float64(over*r) + f.over[i]
		under = float64(under*r) + f.under[i]
	}
	return over / under
}

var (
	ppndCentre = rational{
		[8]float64{
			3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
			4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3,
		},
		[8]float64{
			1, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
			2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3,
		},
	}
	ppndMiddle = rational{
		[8]float64{
			1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
			1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4,
		},
		[8]float64{
			1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
			1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9,
		},
	}
	ppndTail = rational{
		[8]float64{
			6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
			2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
		},
		[8]float64{
			1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
			7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15,
		},
	}
)
