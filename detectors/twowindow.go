package detectors

import (
	"fmt"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "2w-fd",
		Source: "Tomsic, Sens, Garcia, Arantes, Sopena, \"2W-FD: A failure detector algorithm with QoS\", IPDPS 2015",
		Doc:    "Suspects a peer when none of its heartbeats is fresh, by the later of two arrival times, estimated from a few and from many of the latest ones (2W-FD).",
		Claims: []model.Claim{
			{Class: model.P, Under: "no loss, delays below alpha, drift-free clocks, no pauses, all processes start together and none recovers", Given: prompt(times(1, "alpha"), times(4, "eta", "alpha"))},
			{Class: model.EventuallyP, Under: "drift-free clocks, no pauses, and from some time on no loss and delays that differ by less than alpha; before it processes start and messages are lost or late at will", Given: estimated(times(1, "alpha"))},
		},
		Params: HeartbeatParams(
			model.Param{Name: "alpha", Type: model.DurationParam, Default: "1s",
				Doc: "safety margin after the later of the expected arrivals"},
			model.Param{Name: "short", Type: model.CountParam, Default: "1",
				Doc: "how many of the latest heartbeats the estimate rests on that follows changes at once"},
			model.Param{Name: "long", Type: model.CountParam, Default: "1000",
				Doc: "how many of them the steady estimate rests on; at least short"}),
		Heartbeats: true,
		New:        newTwoWindow,
	})
}

// newTwoWindow makes the 2W-FD:
//
//	tau_(l+1) = max(EA_(l+1) of the short window, EA_(l+1) of the long one) + alpha
//
// with Chen's estimate of the expected arrival, EA, in both. When heartbeats become
// slower, the short window says so at once; when they become faster, the long one keeps
// the detector patient for a while. The paper writes the margin as a Delta.
func newTwoWindow(env Env, p model.Params) (model.Automaton, error) {
	alpha, err := duration(p, "alpha", 0)
	if err != nil {
		return nil, err
	}
	short, err := window(p, "short")
	if err != nil {
		return nil, err
	}
	long, err := window(p, "long")
	if err != nil {
		return nil, err
	}
	if short > long {
		return nil, &model.ParamError{Name: "short", Err: fmt.Errorf("%d heartbeats are more than those of the long window: at most %d", short, long)}
	}
	d, err := newEstimator(env, p, alpha, long)
	if err != nil {
		return nil, err
	}
	d.short = shortView{short, make([]sum, len(env.Watch))}
	return d, nil
}
