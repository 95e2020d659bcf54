package detectors

import "suspect/model"

func init() {
	Register(Spec{
		Name:   "nfd-u",
		Source: "Chen, Toueg, Aguilera, \"On the quality of service of failure detectors\", IEEE Transactions on Computers 51(5), May 2002: algorithm NFD-U",
		Doc:    "Suspects a peer when none of its heartbeats is fresh, by arrival times that are known in advance (Chen's NFD-U).",
		Claims: []model.Claim{
			{Class: model.P, Under: "no loss, every heartbeat arrives less than alpha after it is expected, drift-free clocks, no pauses, all processes start together and none recovers", Given: prompt(times(1, "expected", "alpha"), times(2, "eta", "expected", "alpha"))},
			{Class: model.EventuallyP, Under: "the same from some time on, except that before it processes start and messages are lost or late at will", Given: finally(prompt(times(1, "expected", "alpha"), times(2, "eta", "expected", "alpha")), times(2, "eta", "expected", "alpha"))},
		},
		Params: HeartbeatParams(
			model.Param{Name: "expected", Type: model.DurationParam, Default: "0s",
				Doc: "time from a heartbeat's sending, by the sender's clock, to its expected arrival, by the monitor's: the mean delay, and by how much the monitor's clock is ahead"},
			model.Param{Name: "alpha", Type: model.DurationParam, Default: "1s",
				Doc: "safety margin after the expected arrival"}),
		Heartbeats: true,
		New:        newNFDU,
	})
}

// newNFDU makes Chen, Toueg and Aguilera's NFD-U. It is NFD-S with other freshness
// points,
//
//	tau_i = EA_i + alpha
//
// where EA_i is the local time at which m_i is expected to arrive, which is known: here
// sigma_i + expected. When m_j with j > l arrives, l being the largest number received
// until then, the paper's q trusts until tau_(j+1); that is to trust in
// [tau_i, tau_(i+1)) exactly if some m_j with j >= i was received, which is how NFD-S
// puts it.
//
// The paper's clocks need not agree, and q knows each EA_i by itself. Here one number
// says all of it, and for all peers.
func newNFDU(env Env, p model.Params) (model.Automaton, error) {
	expected, err := duration(p, "expected", 0)
	if err != nil {
		return nil, err
	}
	alpha, err := duration(p, "alpha", 0)
	if err != nil {
		return nil, err
	}
	return newFreshness(env, p, expected+alpha)
}
