package agreement

import (
	"testing"

	"suspect/detectors"
	"suspect/detectors/detectortest"
	"suspect/detectors/ideal"
	"suspect/model"
)

// Every algorithm keeps the contract of automata, over a detector that sends heartbeats and
// over one that lies and elects.
func TestConformance(t *testing.T) {
	timeout := func(env detectors.Env) (model.Automaton, error) {
		spec, _ := detectors.Lookup("timeout")
		p, _ := model.NewParams(spec.Params, nil)
		return spec.New(env, p)
	}
	liar := func(env detectors.Env) (model.Automaton, error) {
		return ideal.NewArbitraryLeader(env, 100*model.Millisecond)
	}
	s := Submissions{Values: []int64{5, 6, 7}, Every: 200 * model.Millisecond}
	over := func(d detector, make func(env detectors.Env, fd model.Automaton) (model.Automaton, error)) detectortest.New {
		return func(env detectors.Env) (model.Automaton, error) {
			fd, err := d(env)
			if err != nil {
				return nil, err
			}
			return make(env, fd)
		}
	}
	cases := map[string]detectortest.New{
		"reliable": func(env detectors.Env) (model.Automaton, error) { return NewReliable(env, s) },
		"uniform":  func(env detectors.Env) (model.Automaton, error) { return NewUniform(env, s) },
	}
	for _, a := range []Algorithm{WithS, WithEventuallyS, WithOmega} {
		d := timeout
		if a.name == "Omega" {
			d = liar
		}
		cases["consensus with "+a.name] = over(d, func(env detectors.Env, fd model.Automaton) (model.Automaton, error) {
			return NewConsensus(env, a, fd, 3, Options{Rounds: 4})
		})
		cases["atomic with "+a.name] = over(d, func(env detectors.Env, fd model.Automaton) (model.Automaton, error) {
			return NewAtomic(env, a, fd, s, Options{Rounds: 4})
		})
		cases["ordered with "+a.name] = over(d, func(env detectors.Env, fd model.Automaton) (model.Automaton, error) {
			return NewOrdered(env, a, fd, 3, Options{Rounds: 4})
		})
	}
	for _, name := range model.SortedKeys(cases) {
		t.Run(name, func(t *testing.T) { detectortest.Test(t, cases[name], model.Second) })
	}
}
