package detectors

import (
	"fmt"
	"math"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name: "kappa",
		Source: "Hayashibara, Défago, Katayama: the kappa accrual failure detector, " +
			"with the arrival times of Chen, Toueg, Aguilera (NFD-E) and a linear contribution",
		Doc: "Suspects a peer when enough of its heartbeats are missing, each counting from 0 to 1 as it becomes overdue (kappa accrual).",
		Claims: []model.Claim{
			{Class: model.P, Under: "a threshold above 1, no loss, delays below (threshold - 1)*eta, drift-free clocks, no pauses, all processes start together and none recovers", Given: prompt(kappaMargin, kappaWithin)},
			{Class: model.EventuallyP, Under: "a threshold above 1, drift-free clocks, no pauses, and from some time on no loss and delays that differ by less than (threshold - 1)*eta; before it processes start and messages are lost or late at will", Given: estimated(kappaMargin)},
		},
		Params: HeartbeatParams(
			thresholdParam("3", 0.01, 1000, "number of missing heartbeats at which to suspect; a fraction is for one that is overdue in part"),
			model.Param{Name: "ramp", Type: model.NumberParam, Default: "1", Least: 0, Most: 1,
				Doc: "how long after its expected arrival a heartbeat is missing in full, in periods; with 0 at once"},
			model.Param{Name: "n", Type: model.CountParam, Default: "32",
				Doc: "how many of the latest heartbeats the expected arrivals rest on"}),
		Heartbeats: true,
		New:        newKappa,
	})
}

// kappa is the detector whose level counts missing heartbeats,
//
//	kappa(t) = sum over j > l of c((t - EA_j)/eta)
//
// with l the largest number received, EA_j the expected arrival of heartbeat j, and a
// contribution c that rises from 0 to 1. Here it is linear,
//
//	c(x) = 0 for x < 0, x/ramp below ramp, and 1 from there on
//
// and EA_j is NFD-E's estimate. A threshold of k bears k-1 lost heartbeats in a row and
// more, however the arrivals vary.
//
// Since EA_(j+1) = EA_j + eta, kappa reaches its threshold at a fixed time after
// EA_(l+1): at that threshold the detector is NFD-E with that time for alpha.
type kappa struct {
	*estimator
	ramp float64 // picoseconds
}

func newKappa(env Env, p model.Params) (model.Automaton, error) {
	n, err := window(p, "n")
	if err != nil {
		return nil, err
	}
	eta, err := duration(p, "eta", model.Picosecond)
	if err != nil {
		return nil, err
	}
	ramp := float64(p.Number("ramp") * float64(eta))
	// of threshold heartbeats all but the last are missing in full
	threshold := p.Number("threshold")
	full := math.Ceil(threshold) - 1
	alpha := float64(full*float64(eta)) + float64((threshold-full)*ramp)
	if alpha > float64(longest) {
		return nil, &model.ParamError{Name: "threshold", Err: fmt.Errorf("%v periods of %v are too long: at most %v", threshold, eta, longest)}
	}
	e, err := newEstimator(env, p, model.Duration(math.Ceil(alpha)), n)
	if err != nil {
		return nil, err
	}
	return &kappa{e, ramp}, nil
}

// Level is kappa. It grows no more from the moment on at which number l is forgotten.
func (d *kappa) Level(now model.Time, peer model.ProcessID) float64 {
	p := d.peers.index(peer)
	if p < 0 || !d.heartbeats.started {
		return 0
	}
	eta := d.heartbeats.schedule.eta
	overdue := d.overdue(p, now)
	if overdue < 0 {
		return 0
	}
	full, rest := overdue/eta, float64(overdue%eta)
	if rest >= d.ramp {
		return float64(full) + 1
	}
	return float64(full) + rest/d.ramp
}

func (d *kappa) Clone() model.Automaton {
	return &kappa{d.estimator.Clone().(*estimator), d.ramp}
}
