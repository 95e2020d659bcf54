package sim

import (
	"fmt"
	"strings"

	"suspect/model"
)

// DistributionKind names a family of distributions.
type DistributionKind uint8

const (
	// Constant is always Mean.
	Constant DistributionKind = iota
	// Uniform takes every whole number of picoseconds from Low to High, both
	// included, equally often.
	Uniform
	// Exponential has mean Mean.
	Exponential
	// Normal has mean Mean and standard deviation Deviation, and is cut at zero:
	// a draw below it is taken as zero.
	Normal
	// Lognormal has median Low and 95 % quantile High: repairs and outages are told
	// by these two.
	Lognormal
)

// Distribution is a distribution of durations; the zero value is constantly zero.
type Distribution struct {
	Kind            DistributionKind
	Mean, Deviation model.Duration
	Low, High       model.Duration
}

// IsZero tells whether d is the zero value, whose samples are zero.
func (d Distribution) IsZero() bool { return d == Distribution{} }

// families has the names and parameters of the scenario syntax.
var families = [...]struct {
	name   string
	params string
	make   func(a, b model.Duration) Distribution
}{
	Uniform: {"uniform", "low, high", func(a, b model.Duration) Distribution {
		return Distribution{Kind: Uniform, Low: a, High: b}
	}},
	Exponential: {"exponential", "mean", func(a, _ model.Duration) Distribution {
		return Distribution{Kind: Exponential, Mean: a}
	}},
	Normal: {"normal", "mean, deviation", func(a, b model.Duration) Distribution {
		return Distribution{Kind: Normal, Mean: a, Deviation: b}
	}},
	Lognormal: {"lognormal", "median, p95", func(a, b model.Duration) Distribution {
		return Distribution{Kind: Lognormal, Low: a, High: b}
	}},
}

// ParseDistribution reads a distribution as scenarios write it: "5ms",
// "uniform(0s, 10ms)", "exponential(20us)", "normal(1ms, 100us)" or
// "lognormal(5min, 2h)". What it returns is valid.
func ParseDistribution(s string) (Distribution, error) {
	name, rest, isCall := strings.Cut(strings.TrimSpace(s), "(")
	if !isCall {
		mean, err := model.ParseDuration(s)
		if err != nil {
			return Distribution{}, err
		}
		d := Distribution{Mean: mean}
		return d, d.Validate()
	}
	inside, isClosed := strings.CutSuffix(rest, ")")
	if !isClosed {
		return Distribution{}, fmt.Errorf("distribution %q has no closing parenthesis at its end", s)
	}
	for _, f := range families[Uniform:] {
		if f.name != strings.TrimSpace(name) {
			continue
		}
		arguments := strings.Split(inside, ",")
		if len(arguments) != strings.Count(f.params, ",")+1 {
			return Distribution{}, fmt.Errorf("distribution %q: write %s(%s)", s, f.name, f.params)
		}
		var values [2]model.Duration
		for i, a := range arguments {
			v, err := model.ParseDuration(a)
			if err != nil {
				return Distribution{}, fmt.Errorf("distribution %q: %w", s, err)
			}
			values[i] = v
		}
		d := f.make(values[0], values[1])
		return d, d.Validate()
	}
	return Distribution{}, fmt.Errorf("unknown distribution %q (write a duration, uniform(low, high), exponential(mean), normal(mean, deviation) or lognormal(median, p95))", s)
}

// String returns d as [ParseDistribution] reads it.
func (d Distribution) String() string {
	switch d.Kind {
	case Constant:
		return d.Mean.String()
	case Uniform:
		return fmt.Sprintf("uniform(%v, %v)", d.Low, d.High)
	case Exponential:
		return fmt.Sprintf("exponential(%v)", d.Mean)
	case Normal:
		return fmt.Sprintf("normal(%v, %v)", d.Mean, d.Deviation)
	case Lognormal:
		return fmt.Sprintf("lognormal(%v, %v)", d.Low, d.High)
	default:
		return fmt.Sprintf("distribution-kind(%d)", uint8(d.Kind))
	}
}

// Validate returns an error unless every parameter that d's kind uses lies between
// zero and [model.MaxTime] and every other is zero, Low is not above High, and an
// exponential distribution's mean and a lognormal one's median are positive.
func (d Distribution) Validate() error {
	used := Distribution{Kind: d.Kind}
	switch d.Kind {
	case Constant:
		used.Mean = d.Mean
	case Uniform, Lognormal:
		used.Low, used.High = d.Low, d.High
	case Exponential:
		used.Mean = d.Mean
	case Normal:
		used.Mean, used.Deviation = d.Mean, d.Deviation
	default:
		return fmt.Errorf("unknown kind of distribution %d", d.Kind)
	}
	if used != d {
		return fmt.Errorf("distribution %v has parameters of another kind", d)
	}
	for _, v := range [...]model.Duration{d.Mean, d.Deviation, d.Low, d.High} {
		if v < 0 {
			return fmt.Errorf("distribution %v: %v is negative", d, v)
		}
		if v > model.Duration(model.MaxTime) {
			return fmt.Errorf("distribution %v: %v is longer than any run (%v)", d, v, model.MaxTime)
		}
	}
	if d.Kind == Lognormal && d.Low == 0 {
		return fmt.Errorf("distribution %v: the median must be positive", d)
	}
	if d.Kind == Lognormal && d.Low > d.High {
		return fmt.Errorf("distribution %v: the median %v is above the 95%% quantile %v", d, d.Low, d.High)
	}
	if d.Low > d.High {
		return fmt.Errorf("distribution %v: the low end %v is above the high end %v", d, d.Low, d.High)
	}
	if d.Kind == Exponential && d.Mean == 0 {
		return fmt.Errorf("distribution %v: the mean must be positive", d)
	}
	return nil
}
