package referee

import (
	"errors"
	"fmt"
	"strconv"

	"suspect/detectors"
	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// Automaton kills a member of a group that runs the detector "memberlist" in the
// simulator alone, by the plan that [Library] follows for the same seed.
func Automaton(s Settings, seed uint64) (Outcome, error) {
	spec, ok := detectors.Lookup("memberlist")
	if !ok {
		return Outcome{}, errors.New("there is no detector memberlist")
	}
	params, errs := model.NewParams(spec.Params, map[string]string{
		"suspicion-mult": strconv.Itoa(s.SuspicionMult),
	})
	if len(errs) > 0 {
		return Outcome{}, errors.Join(errs...)
	}
	plan, err := newPlan(s, seed)
	if err != nil {
		return Outcome{}, err
	}
	kernel := sim.New(seed)
	n, err := network.New(kernel, network.Config{Topology: s.topology()})
	if err != nil {
		return Outcome{}, err
	}
	for p := range s.Members {
		env := detectors.Env{Self: model.ProcessID(p), N: s.Members, Watch: others(s.Members, p), Watchers: others(s.Members, p)}
		if _, err := spec.New(env, params); err != nil {
			return Outcome{}, err
		}
		n.Attach(model.ProcessID(p), model.Time(plan.starts[p]), network.Panel{
			New: []func() model.Automaton{func() model.Automaton {
				a, err := spec.New(env, params)
				if err != nil {
					panic(fmt.Sprintf("referee: a detector could be made once but not again: %v", err))
				}
				return a
			}},
			Detectors: []uint8{0},
		})
	}

	died := make([]model.Duration, s.Members) // 0: not yet
	deaths, wrong := 0, 0
	kernel.Records.Subscribe(model.KindSet(model.Suspected), func(r *model.Record) {
		switch {
		case int(r.Peer) != plan.victim || r.At < model.Time(plan.kill):
			wrong++
		case died[r.Process] == 0:
			died[r.Process] = r.At.Sub(model.Time(plan.kill))
			deaths++
		}
	})
	if err := kernel.Run(model.Time(forming), sim.Budget{}); err != nil {
		return Outcome{}, err
	}
	s.lose(n)
	if err := kernel.Run(model.Time(plan.kill), sim.Budget{}); err != nil {
		return Outcome{}, err
	}
	n.CrashHost(model.ProcessID(plan.victim))
	for end := kernel.Now().Add(patience); kernel.Now() < end && deaths < s.Members-1; {
		if err := kernel.Run(kernel.Now().Add(100*model.Millisecond), sim.Budget{}); err != nil {
			return Outcome{}, err
		}
	}
	return outcome(s, died, wrong), nil
}

// others returns the processes 0..n-1 but p.
func others(n, p int) []model.ProcessID {
	var list []model.ProcessID
	for q := range n {
		if q != p {
			list = append(list, model.ProcessID(q))
		}
	}
	return list
}
