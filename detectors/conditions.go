package detectors

import "suspect/model"

// Conditions in numbers for the claims of the detectors here, see [model.Claim].

// span is a length of time that follows from the parameters of a detector.
type span = func(p model.Params) model.Duration

// after returns the span that is a duration parameter, times a factor.
func after(name string, times model.Duration) span {
	return func(p model.Params) model.Duration { return times * p.Duration(name) }
}

// less returns the span of the first parameter without that of the second.
func less(name, other string) span {
	return func(p model.Params) model.Duration { return p.Duration(name) - p.Duration(other) }
}

// both returns the span of both parameters, times a factor.
func both(name, other string, times model.Duration) span {
	return func(p model.Params) model.Duration { return times * (p.Duration(name) + p.Duration(other)) }
}

// half returns half of a span, as of a round trip, and sixth the sixth part of a parameter.
func half(s span) span { return func(p model.Params) model.Duration { return s(p) / 2 } }

func sixth(name string) span {
	return func(p model.Params) model.Duration { return p.Duration(name) / 6 }
}

// ospfBound is half the dead interval without the Hello interval.
func ospfBound(p model.Params) model.Duration { return p.Duration("dead")/2 - p.Duration("hello") }

// prompt are the conditions of most: no loss, delays below a bound, clocks without drift,
// no pauses, all processes start together and none recovers. Crashes are suspected within
// the other span.
func prompt(below, within span) func(model.Params) model.Conditions {
	return func(p model.Params) model.Conditions {
		return model.Conditions{Delay: below(p) - model.Picosecond, Crashes: -1, Within: within(p)}
	}
}

// finally are conditions that hold from some time on, except that before it processes
// start and messages are lost or late at will. The last mistake is over within the span.
func finally(c func(model.Params) model.Conditions, settle span) func(model.Params) model.Conditions {
	return func(p model.Params) model.Conditions {
		x := c(p)
		x.Eventually, x.Settle, x.Starts = true, settle(p), x.Within
		return x
	}
}

// ordered adds that messages from one process to another arrive in the order in which they
// were sent.
func ordered(c func(model.Params) model.Conditions) func(model.Params) model.Conditions {
	return func(p model.Params) model.Conditions {
		x := c(p)
		x.Ordered = true
		return x
	}
}
