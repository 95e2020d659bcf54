package detectors

import "suspect/model"

func init() {
	Register(Spec{
		Name: "phi-exponential",
		Source: "the exponential distribution failure detector (ED) of Xiong and others, " +
			"as phi in github.com/vektra/go-failure and in Atomix",
		Doc: "Suspects a peer when its silence is improbable by the exponential distribution of the mean of its latest inter-arrival times.",
		Claims: []model.Claim{
			{Class: model.EventuallyP, Under: "a threshold of 1 or more, drift-free clocks, no pauses, and from some time on no loss and delays that differ by less than a third of eta; before it processes start and messages are lost or late at will", Given: phiExponentialConditions},
		},
		Params: HeartbeatParams(
			thresholdParam("8", 0.01, 1000, "value of phi at which to suspect: 1 takes an error of 10% for acceptable, 2 of 1%, 3 of 0.1%"),
			model.Param{Name: "n", Type: model.CountParam, Default: "1000",
				Doc: "how many of the latest inter-arrival times count (250 in Atomix)"}),
		Heartbeats: true,
		New:        newPhiExponential,
	})
}

// newPhiExponential makes the detector with the plain exponential law. ED's level is
// the probability 1 - exp(-t/mean); phi is that on a scale which does not end at 1,
// -log10(1 - p), and so has the same verdicts at the corresponding threshold.
//
// Every interval counts. Until there is one, eta stands for the mean.
func newPhiExponential(env Env, p model.Params) (model.Automaton, error) {
	return newAccrual(env, p, exponentialRules(p))
}
