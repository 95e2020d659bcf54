package detectors

import (
	"math"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "satzger",
		Source: "Satzger, Pietzowski, Trumler, Ungerer, \"A new adaptive accrual failure detector for dependable distributed systems\", SAC 2007",
		Doc:    "Suspects a peer when its silence, scaled down, is longer than a given share of its latest inter-arrival times (accrual by histogram).",
		Claims: []model.Claim{
			{Class: model.EventuallyP, Under: "a scale below 1, drift-free clocks, no pauses, and from some time on no loss and delays that differ by less than eta*(1 - scale)/(1 + scale); before it processes start and messages are lost or late at will", Given: satzgerConditions},
		},
		Params: HeartbeatParams(
			thresholdParam("0.5", 0.0001, 1, "share of the inter-arrival times that the scaled silence must reach to suspect"),
			model.Param{Name: "scale", Type: model.NumberParam, Default: "0.9", Least: 0.01, Most: 1,
				Doc: "what the silence is multiplied by; the margin"},
			model.Param{Name: "n", Type: model.CountParam, Default: "1000",
				Doc: "how many of the latest inter-arrival times count"}),
		Heartbeats: true,
		New:        newSatzger,
	})
}

// satzger is the level of Satzger's detector,
//
//	P = |{s in S: s <= scale*t}| / |S|
//
// with t the silence and S the window: the share of the intervals that were no longer.
// It assumes no distribution. It is 1 from the largest interval (over the scale) on, and
// so tells nothing apart beyond.
//
// Every interval counts; until there is one, one of eta stands in the window. A
// heartbeat costs time in proportion to the window, for the order of which two moves
// of memory are made.
type satzger struct {
	threshold, scale float64
}

func newSatzger(env Env, p model.Params) (model.Automaton, error) {
	return newAccrual(env, p, rules{
		law: &satzger{p.Number("threshold"), p.Number("scale")}, byRank: true,
		unit: model.Nanosecond, base: p.Duration("eta"), tick: model.Picosecond, numbered: true,
		outages: true, longest: anyLength,
	})
}

// timeout is the k-th least interval over the scale, k the least number that is the
// threshold's share of the window.
func (l *satzger) timeout(d *accrual, p int) float64 {
	s := float64(d.heartbeats.schedule.eta)
	if n := float64(d.pairs[p].filled); n > 0 {
		k := math.Ceil(l.threshold * n)
		if (k-1)/n >= l.threshold {
			k--
		} else if k/n < l.threshold {
			k++
		}
		s = d.interval(d.ranked(p)[int(k)-1])
	}
	t := math.Ceil(s / l.scale)
	if float64(t*l.scale) < s {
		t++
	}
	return t
}

func (l *satzger) level(d *accrual, p int, silence float64) float64 {
	scaled := float64(silence * l.scale)
	n := int(d.pairs[p].filled)
	if n == 0 {
		if scaled >= float64(d.heartbeats.schedule.eta) {
			return 1
		}
		return 0
	}
	// the least entry that stands for a longer interval
	v := math.Floor((scaled - float64(d.base)) / float64(d.unit))
	below := rank(d.ranked(p), int64(v)+1)
	return float64(below) / float64(n)
}
