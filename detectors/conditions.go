package detectors

import (
	"math"

	"suspect/model"
)

// Conditions in numbers for the claims of the detectors here, see [model.Claim]. Where
// parameters leave nothing to claim, as a threshold that is too low, no completeness is
// bounded or the bound on delays is negative.

// span is a length of time that follows from the parameters of a detector.
type span = func(p model.Params) model.Duration

// conditions are those of a detector with the given parameters.
type conditions = func(p model.Params) model.Conditions

// times returns k times the sum of some parameters.
func times(k model.Duration, names ...string) span {
	return func(p model.Params) (sum model.Duration) {
		for _, name := range names {
			sum += k * p.Duration(name)
		}
		return sum
	}
}

// less returns the span of the first parameter without that of the second.
func less(name, other string) span {
	return func(p model.Params) model.Duration { return p.Duration(name) - p.Duration(other) }
}

// half returns half of a span, as of a round trip, and sixth the sixth part of a parameter.
func half(s span) span { return func(p model.Params) model.Duration { return s(p) / 2 } }

func sixth(name string) span {
	return func(p model.Params) model.Duration { return p.Duration(name) / 6 }
}

// share returns a share of a length of time, rounded down.
func share(x float64, d model.Duration) model.Duration {
	return model.Duration(math.Floor(float64(x * float64(d))))
}

// prompt are the conditions of most: no loss, delays below a bound, clocks without drift,
// no pauses, all processes start together and none recovers. Crashes are suspected within
// the other span.
func prompt(below, within span) conditions {
	return func(p model.Params) model.Conditions {
		return model.Conditions{Delay: below(p) - model.Picosecond, Crashes: -1, Within: within(p)}
	}
}

// finally are conditions that hold from some time on, except that before it processes
// start and messages are lost or late at will. The last mistake is over within the span.
func finally(c conditions, settle span) conditions {
	return func(p model.Params) model.Conditions {
		x := c(p)
		x.Eventually, x.Settle, x.Starts = true, settle(p), x.Within
		return x
	}
}

// ordered adds that messages from one process to another arrive in the order in which they
// were sent.
func ordered(c conditions) conditions {
	return func(p model.Params) model.Conditions {
		x := c(p)
		x.Ordered = true
		return x
	}
}

// minority adds that fewer than half of the processes crash.
func minority(c conditions) conditions {
	return func(p model.Params) model.Conditions {
		x := c(p)
		x.Minority = true
		return x
	}
}

// learning are conditions that hold from some time on, for a detector of heartbeats that
// learns from arrivals: how soon it suspects a crash depends on how late it has ever seen
// messages, and so on how long all went wrong. Crashes are suspected within a multiple of
// that time, and the last mistake is over within another one, each with some periods of
// heartbeats on top.
func learning(p model.Params, wild, below model.Duration, within, settle float64) model.Conditions {
	slack := 4*p.Duration("eta") + below
	return model.Conditions{
		Delay: below - model.Picosecond, Crashes: -1, Eventually: true, By: wild, Starts: wild,
		Within: share(within, wild+slack) + slack, Settle: share(settle, wild+slack) + slack,
	}
}

// estimated are the conditions of the detectors with Chen's estimate of the arrival and a
// margin after it: no mean of what was late is later than that, and none is earlier than
// the delay of no time, so that no mistake needs anything to be forgotten.
func estimated(margin span) conditions {
	return func(p model.Params) model.Conditions { return learning(p, times(10, "eta")(p), margin(p), 1, 0) }
}

// ospfBound is half the dead interval without the Hello interval.
func ospfBound(p model.Params) model.Duration { return p.Duration("dead")/2 - p.Duration("hello") }

// nodeLeaseMargin is grace - 1.04*renew - monitor.
func nodeLeaseMargin(p model.Params) model.Duration {
	renew := p.Duration("renew")
	return p.Duration("grace") - renew - permille(renew, 40) - p.Duration("monitor")
}

// kappaMargin is (threshold - 1)*eta. A crash is suspected threshold*eta or less after
// the arrival that is expected next.
func kappaMargin(p model.Params) model.Duration {
	return share(p.Number("threshold")-1, p.Duration("eta"))
}

func kappaWithin(p model.Params) model.Duration {
	return kappaMargin(p) + share(p.Number("threshold")+2, p.Duration("eta"))
}

// bfdMargin is the detection time of asynchronous mode less a transmit interval. In demand
// mode a session goes down when a round trip is too long: nothing is said of delays there.
// A session is up after two packets there and back, with a slow interval before the first,
// for which setup must be enough.
func bfdMargin(p model.Params) model.Duration {
	interval := max(p.Duration("tx"), p.Duration("rx"))
	margin := model.Duration(p.Count("multiplier")-1) * interval
	if p.Switch("demand") || 4*margin+max(interval, bfdSlow) > p.Duration("setup") {
		return 0
	}
	return margin
}

// bfdWithin is the setup, or for a session that came up later the slow detection time and
// one more until it is up again.
func bfdWithin(p model.Params) model.Duration {
	slow := max(p.Duration("tx"), p.Duration("rx"), bfdSlow)
	return p.Duration("setup") + 2*model.Duration(p.Count("multiplier")+2)*slow
}

// adaptiveConditions bound the delays, pauses and drift that the detector does not know,
// so that timeouts must grow four times, or may up to the most. Nobody who pauses or whose
// peer does, twice, then hears nothing for longer than the gap.
//
// A mistake makes the timeout grow by the step. So there are no more of them, but for one,
// than what takes the timeout to the gap; and until the conditions hold no more than there
// is time for, each of which takes as long as the timeout at least.
func adaptiveConditions(p model.Params) model.Conditions {
	const drift = 200
	eta, timeout, step := p.Duration("eta"), p.Duration("timeout"), p.Duration("step")
	gap := timeout + 4*step
	if p.Given("most") {
		gap = min(gap, p.Duration("most"))
	}
	pause := eta / 10
	below := gap - gap/1000 - eta - 4*pause
	wild := 4 * gap
	grows, early := 0, 0
	for at := timeout; at < gap; at += step {
		grows++
	}
	for left, at := wild, timeout; left > 0; left -= at {
		early++
		at = min(at+step, gap)
	}
	mistakes := max(grows, early) + 1
	return model.Conditions{
		Delay: below, Drift: drift, Pause: pause, Crashes: -1, Eventually: true, By: wild, Starts: wild,
		Within: timeout + model.Duration(mistakes)*step + 2*gap, Mistakes: mistakes,
	}
}

// bertierConditions bound the delays by twice eta. Each mistake makes the margin grow by
// the moderation step. It may begin below zero, by as much as what was learnt from
// arrivals that came earlier than expected: when those before were late.
func bertierConditions(p model.Params) model.Conditions {
	step := p.Duration("moderation")
	if step == 0 {
		return model.Conditions{}
	}
	beta, phi := float64(p.Count("beta")), float64(p.Count("phi"))
	x := learning(p, times(10, "eta")(p), times(2, "eta")(p), 0, 0)
	late := x.By + x.Delay
	grows := math.Ceil(float64(float64(x.Delay)+float64(beta*float64(late))) / float64(step))
	x.Mistakes = int(late/p.Duration("eta")) + int(grows) + 2
	x.Settle = 0
	x.Within = 2*late + share(beta, late+p.Duration("delay")) + share(phi, 2*late+p.Duration("var")) + model.Duration(x.Mistakes)*step
	return x
}

// satzgerConditions: a timeout is a quantile of the intervals over the scale. In a window
// with short intervals, of what came late, it is one of those that arrive as they should
// when there are so many of these that the threshold's share is reached.
func satzgerConditions(p model.Params) model.Conditions {
	scale := p.Number("scale")
	below := share((1-scale)/(1+scale), p.Duration("eta"))
	return learning(p, times(10, "eta")(p), below, 2/scale, 2/p.Number("threshold"))
}

// phiConditions: where a share f of the intervals is as it should be and the others are
// nothing, the mean is f and the deviation the root of f(1-f), in periods. From half of
// them on their sum with a threshold of 1 suffices, which is 1.28 deviations. One interval
// among a few that is as long as all that went wrong makes a mean of that and a deviation
// of half of it, at most.
func phiConditions(p model.Params) model.Conditions {
	if p.Number("threshold") < 1 || !p.Switch("outages") {
		return model.Conditions{}
	}
	y := PhiDeviations(p.Number("threshold"))
	return learning(p, times(10, "eta")(p), p.Duration("deviation")/2, 1+y, 2)
}

// phiAkkaConditions are like those of phi, for crashes; the pause alone is patience enough.
func phiAkkaConditions(p model.Params) model.Conditions {
	l := &phiAkka{naive: p.Switch("naive")}
	y := deviations(p.Number("threshold"), l.phi)
	x := learning(p, times(10, "eta")(p)+times(2, "pause", "expected")(p), less("pause", "eta")(p), 1+y, 0)
	x.Within += times(2, "pause", "expected")(p)
	return x
}

// exponentialWithin is how many means the silence lasts for at which phi is the threshold.
func exponentialWithin(p model.Params) float64 { return p.Number("threshold") * math.Ln10 }

// phiExponentialConditions: the mean is at most as long as all that went wrong, and where a
// share of 0.58 of the intervals is as it should be and the others are nothing it is enough
// for a threshold of 1.
func phiExponentialConditions(p model.Params) model.Conditions {
	if p.Number("threshold") < 1 {
		return model.Conditions{}
	}
	wild := share(exponentialWithin(p), 2*p.Duration("eta"))
	return learning(p, wild, p.Duration("eta")/3, exponentialWithin(p), 2)
}

// phiCassandraConditions are like those: no interval counts above the max, and who stood
// still suspects nobody for as long as the pause.
func phiCassandraConditions(p model.Params) model.Conditions {
	if p.Number("threshold") < 1 {
		return model.Conditions{}
	}
	longest := share(exponentialWithin(p), max(p.Duration("seed"), p.Duration("max"))) + 2*p.Duration("pause")
	x := learning(p, 2*longest, min(p.Duration("eta")/3, less("max", "eta")(p)), 0, 2)
	x.Within += longest
	return x
}

// rapidConditions: a member is removed after as many probes as may fail, and then by
// consensus, in whose classic rounds somebody waits for a random time.
func rapidConditions(p model.Params) model.Conditions {
	if p.Count("fallback") == 0 {
		return model.Conditions{}
	}
	waits := model.Duration(p.Count("failures") + 2*p.Count("fallback") + 100)
	interval := p.Duration("interval")
	return minority(prompt(half(times(1, "interval")), func(model.Params) model.Duration { return waits * interval }))(p)
}

// based are the conditions under which the base detector is of a class.
func based(class model.Class) conditions {
	return func(p model.Params) model.Conditions {
		spec, inner, err := parseBase(p.Text("base"))
		if err == nil {
			for _, c := range spec.Claims {
				if c.Class == class && c.Given != nil {
					return c.Given(inner)
				}
			}
		}
		return model.Conditions{}
	}
}

// voteConditions are those of the base with fewer crashes than half, so that a majority is
// there to accuse. Accusations take and last some repetitions.
func voteConditions(p model.Params) model.Conditions {
	x := minority(based(model.EventuallyP))(p)
	if p.Given("k") || p.Text("faulty") != "" || x.Within == 0 {
		return model.Conditions{}
	}
	repeat := p.Duration("repeat")
	x.Delay = min(x.Delay, repeat-model.Picosecond)
	x.Within += (accusationLasts + 1) * repeat
	if x.Settle > 0 {
		x.Settle += (accusationLasts + 1) * repeat
	}
	return x
}
