package detectors

import (
	"fmt"
	"math"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "phi-cassandra",
		Source: "Apache Cassandra, FailureDetector.java: exponential arrivals (CASSANDRA-2597), with the seed and the caps of the later versions",
		Doc:    "Suspects a peer when its silence is improbable by the exponential distribution of the mean interval, unless the process itself stood still lately (phi accrual of Cassandra).",
		Claims: []model.Claim{
			{Class: model.EventuallyP, Under: "a threshold of 1 or more, drift-free clocks, no pauses, and from some time on no loss and delays that differ by less than max - eta and by less than a third of eta; before it processes start and messages are lost or late at will", Given: phiCassandraConditions},
		},
		Params: HeartbeatParams(
			thresholdParam("8", 0.01, 1000, "value of phi above which to suspect (phi_convict_threshold)"),
			model.Param{Name: "n", Type: model.CountParam, Default: "1000",
				Doc: "how many of the latest inter-arrival times count"},
			model.Param{Name: "seed", Type: model.DurationParam, Default: "2s",
				Doc: "interval that stands in the window at first (fd_initial_value_ms; 500ms in 2010)"},
			model.Param{Name: "max", Type: model.DurationParam, Default: "2s",
				Doc: "longest interval that counts (fd_max_interval_ms; none in 2010)"},
			model.Param{Name: "pause", Type: model.DurationParam, Default: "5s",
				Doc: "for which the process may stand still; after longer nobody is suspected for as long again (max_local_pause_in_ms); 0s for no such rule"}),
		Heartbeats: true,
		New:        newPhiCassandra,
	})
}

// newPhiCassandra makes Cassandra's detector: the exponential law on the window that
// Cassandra keeps. A first interval, the seed, stands in it from the start on, since the
// right average is not known then and too long is better than too short. Intervals above
// the max are dropped, so that a peer that is often cut off for so long is suspected
// soon rather than adapted to. Intervals count in nanoseconds.
//
// Cassandra looks at its peers once a second, when it gossips. A look that comes later
// after the last one than the pause tells that the process itself stood still, in a
// collection of garbage most often; heartbeats that wait unread are no sign then, and
// nobody is suspected for the length of the pause. Here it looks once in each period
// of the clock, for this rule alone; a peer is suspected the moment phi reaches the
// threshold (Cassandra: passes it), or the rule allows it.
//
// A Cassandra process knows no peer until it has heard of it. Here the start counts as
// the first arrival, so that one of which nothing is ever heard is suspected too.
func newPhiCassandra(env Env, p model.Params) (model.Automaton, error) {
	seed, err := duration(p, "seed", model.Nanosecond)
	if err != nil {
		return nil, err
	}
	most, err := duration(p, "max", model.Nanosecond)
	if err != nil {
		return nil, err
	}
	pause, err := duration(p, "pause", 0)
	if err != nil {
		return nil, err
	}
	if eta := p.Duration("eta"); pause > 0 && pause <= eta {
		return nil, &model.ParamError{Name: "pause", Err: fmt.Errorf("%v would take every period of %v for a pause: more than eta, or 0s for no such rule", pause, eta)}
	}
	r := exponentialRules(p)
	r.seeds = []model.Duration{seed}
	r.longest, r.memory = most, most // longer silences do not count in any case
	r.pause = pause
	return newAccrual(env, p, r)
}

// exponential is the level of the detectors that take intervals to be exponential:
//
//	phi = -log10(P_later(t)) = t/mean * log10(e), P_later(t) = exp(-t/mean)
//
// with t the silence and the mean of the window.
type exponential struct {
	means float64 // silence over mean where phi is the threshold
}

// exponentialRules returns the rules by which every interval counts.
func exponentialRules(p model.Params) rules {
	return rules{
		law:  &exponential{means: p.Number("threshold") * math.Ln10},
		unit: model.Nanosecond, base: p.Duration("eta"), tick: model.Picosecond, numbered: true,
		outages: true, longest: anyLength,
	}
}

func (l *exponential) timeout(d *accrual, p int) float64 { return float64(l.means * d.mean(p)) }

// level is infinite if the mean is 0, as it may be after heartbeats at one moment.
func (l *exponential) level(d *accrual, p int, silence float64) float64 {
	if mean := d.mean(p); mean > 0 {
		return silence / mean / math.Ln10
	}
	return math.Inf(1)
}
