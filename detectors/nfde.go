package detectors

import "suspect/model"

func init() {
	Register(Spec{
		Name:   "nfd-e",
		Source: "Chen, Toueg, Aguilera, \"On the quality of service of failure detectors\", IEEE Transactions on Computers 51(5), May 2002: algorithm NFD-E",
		Doc:    "Suspects a peer when none of its heartbeats is fresh, by arrival times estimated from the latest ones (Chen's NFD-E).",
		Claims: []model.Claim{
			{Class: model.P, Under: "no loss, delays below alpha, drift-free clocks, no pauses, all processes start together and none recovers", Given: prompt(times(1, "alpha"), times(4, "eta", "alpha"))},
			{Class: model.EventuallyP, Under: "drift-free clocks, no pauses, and from some time on no loss and delays that differ by less than alpha; before it processes start and messages are lost or late at will", Given: estimated(times(1, "alpha"))},
		},
		Params: HeartbeatParams(
			model.Param{Name: "alpha", Type: model.DurationParam, Default: "1s",
				Doc: "safety margin after the expected arrival"},
			model.Param{Name: "n", Type: model.CountParam, Default: "32",
				Doc: "how many of the latest heartbeats the estimate rests on"}),
		Heartbeats: true,
		New:        newNFDE,
	})
}

// newNFDE makes Chen, Toueg and Aguilera's NFD-E: the plain estimator. But for what
// estimator says of the time before the first arrival and of silence without end, it is
// the paper's algorithm.
func newNFDE(env Env, p model.Params) (model.Automaton, error) {
	alpha, err := duration(p, "alpha", 0)
	if err != nil {
		return nil, err
	}
	n, err := window(p, "n")
	if err != nil {
		return nil, err
	}
	return newEstimator(env, p, alpha, n)
}
