package reduction_test

import (
	"fmt"

	"suspect/detectors"
	"suspect/detectors/asynctest"
	"suspect/detectors/ideal"
	"suspect/detectors/reduction"
	"suspect/model"
)

// Process 1 of three crashes at time 40. Of a detector of the class <>W, that is weakly complete
// and errs at will until time 100, counting makes a leader.
func Example() {
	s := asynctest.Random(7, 3, 0, 1)
	s.Crashes.CrashedAt[1] = 40
	s.Until = 5000
	plan := ideal.NewPlan(s.Crashes, 100, 10)
	run, err := s.Run(func(env detectors.Env) (model.Automaton, error) {
		weak, err := ideal.New(model.EventuallyW, env, plan)
		if err != nil {
			return nil, err
		}
		return reduction.NewOmega(env, weak, 20, 0)
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, at := range []model.Time{20, 60, 150, 2000, 5000} {
		fmt.Println(at, "the leaders are", run.Leaders(at))
	}
	fmt.Println(run.Leads(2000))
	// Output:
	// 20ps the leaders are [1 1 2]
	// 60ps the leaders are [2 2 2]
	// 150ps the leaders are [0 2 0]
	// 2ns the leaders are [2 2 2]
	// 5ns the leaders are [2 2 2]
	// <nil>
}
