package agreement

import (
	"testing"

	"suspect/detectors"
	"suspect/detectors/asynctest"
	"suspect/detectors/ideal"
	"suspect/model"
)

// A broken encoding is an error, or the state of some other run: it is never a panic, neither
// when it is loaded nor later.
func TestBrokenStates(t *testing.T) {
	t.Parallel()
	s := Submissions{Values: []int64{5, 6}, Every: 20}
	make := map[string]func(env detectors.Env, fd model.Automaton) (model.Automaton, error){
		"reliable": func(env detectors.Env, _ model.Automaton) (model.Automaton, error) { return NewReliable(env, s) },
		"uniform":  func(env detectors.Env, _ model.Automaton) (model.Automaton, error) { return NewUniform(env, s) },
	}
	for _, a := range []Algorithm{WithS, WithEventuallyS, WithOmega} {
		make["consensus "+a.name] = func(env detectors.Env, fd model.Automaton) (model.Automaton, error) {
			return NewConsensus(env, a, fd, int64(env.Self), Options{Rounds: 5})
		}
		make["atomic "+a.name] = func(env detectors.Env, fd model.Automaton) (model.Automaton, error) {
			return NewAtomic(env, a, fd, s, Options{Rounds: 5})
		}
	}
	for _, name := range model.SortedKeys(make) {
		loaded := 0
		dice := asynctest.Dice(1)
		var mail []model.Message
		build := func(env detectors.Env) (model.Automaton, error) {
			fd, err := ideal.NewArbitraryLeader(env, 7)
			if err != nil {
				return nil, err
			}
			a, err := make[name](env, fd)
			return tapped{a, func(m model.Message) {
				if m.To == 0 {
					mail = append(mail, m)
				}
			}}, err
		}
		for end := range model.Time(25) {
			sys := asynctest.Random(3, 3, 0, 1)
			sys.Until = 4 * end
			run, err := sys.Run(build)
			if err != nil {
				t.Fatal(err)
			}
			text := run.Automaton(0).AppendState(nil, run.Ended)
			for range 40 {
				broken := append([]byte(nil), text...)
				for range 1 + dice.IntN(3) {
					broken[dice.IntN(len(broken))] = byte(dice.IntN(1 << dice.IntN(9)))
				}
				a, err := build(asynctest.Everybody(0, 3))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := a.LoadState(broken, run.Ended); err != nil {
					continue
				}
				loaded++
				var out model.Output
				for k := range model.Time(20) {
					in := model.Input{Kind: model.Wake, Random: &dice}
					if len(mail) > 0 && k%3 > 0 {
						in.Kind, in.Message = model.Deliver, mail[dice.IntN(len(mail))]
					}
					out.Reset()
					a.Step(run.Ended+1+k, &in, &out)
				}
				a.AppendState(nil, run.Ended+30)
			}
		}
		if loaded == 0 {
			t.Errorf("%s: no broken state could be loaded", name)
		}
	}
}
