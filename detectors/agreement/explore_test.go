package agreement

import (
	"testing"

	"suspect/detectors"
	"suspect/detectors/asynctest"
	"suspect/detectors/ideal"
	"suspect/model"
	"suspect/properties"
	"suspect/properties/explore"
)

// agreed is agreement among the processes that are up.
func agreed(v *explore.View) bool {
	first := int64(-1)
	for _, l := range v.Locals {
		if l == nil {
			continue
		}
		for _, a := range l.Said {
			if a.Kind == model.Decided {
				if first >= 0 && a.Value != first {
					return false
				}
				first = a.Value
			}
		}
	}
	return true
}

// Two processes, in every run of messages that take up to two ticks, pauses of one, crashes,
// and detectors that say anything at any step: indulgent algorithms agree, that for S agrees if
// one process is spared, and does not if none is, nor do quorums of one.
func TestExplored(t *testing.T) {
	t.Parallel()
	arbitrary := func(env detectors.Env) (model.Automaton, error) { return ideal.NewArbitrary(env, explore.Steps(1)) }
	leader := func(env detectors.Env) (model.Automaton, error) {
		return ideal.NewArbitraryLeader(env, explore.Steps(1))
	}
	spared := func(env detectors.Env) (model.Automaton, error) {
		return ideal.New(model.S, env, ideal.NewPlan(model.NewFailurePattern(2), model.Never, explore.Steps(1)))
	}
	for _, c := range []struct {
		name      string
		algorithm Algorithm
		detector  detector
		want      properties.Outcome
	}{
		{"<>S", WithEventuallyS, arbitrary, properties.Holds},
		{"Omega", WithOmega, leader, properties.Holds},
		{"S", WithS, spared, properties.Holds},
		{"S without accuracy", WithS, arbitrary, properties.Violated},
		{"<>S, quorums of one", quorums(WithEventuallyS, 1), arbitrary, properties.Violated},
		{"Omega, quorums of one", quorums(WithOmega, 1), leader, properties.Violated},
	} {
		system, err := explore.Ticks{N: 2, Crashes: 2, Delta: 2, Phi: 2, FirstStep: 1,
			New: func(p model.ProcessID) (model.Automaton, error) {
				env := asynctest.Everybody(p, 2)
				fd, err := c.detector(env)
				if err != nil {
					return nil, err
				}
				return NewConsensus(env, c.algorithm, fd, 10+int64(p), Options{Rounds: 2})
			}}.NewSystem()
		if err != nil {
			t.Fatal(err)
		}
		search, err := explore.NewSearch(system, explore.Options{Workers: 1}, explore.Always("agreement", agreed))
		if err != nil {
			t.Fatal(err)
		}
		report, err := search.Run()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d states, %d transitions, depth %d: %v", c.name, report.States, report.Transitions, report.Depth, report.Outcome())
		if report.Outcome() != c.want {
			t.Errorf("%s: %v, want %v", c.name, report.Outcome(), c.want)
		}
	}
}
