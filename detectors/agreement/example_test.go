package agreement_test

import (
	"fmt"

	"suspect/detectors"
	"suspect/detectors/agreement"
	"suspect/detectors/asynctest"
	"suspect/detectors/ideal"
	"suspect/model"
)

// Three processes propose 10, 11 and 12. The detector is the worst that is eventually strong:
// until time 200 it says anything. Process 0 crashes at time 30.
func Example() {
	s := asynctest.Random(1, 3, 0, 1)
	s.Crashes.CrashedAt[0] = 30
	s.Done, s.Until = asynctest.AllDecided, 10_000
	plan := ideal.NewPlan(s.Crashes, 200, 10)
	run, err := s.Run(func(env detectors.Env) (model.Automaton, error) {
		fd, err := ideal.New(model.EventuallyS, env, plan)
		if err != nil {
			return nil, err
		}
		return agreement.NewConsensus(env, agreement.WithEventuallyS, fd, 10+int64(env.Self), agreement.Options{})
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range run.Records {
		if r.Kind == model.Announced {
			fmt.Println(r.At, "process", r.Process, r.Announcement, int64(r.SentAt))
		}
	}
	fmt.Println(run.Consensus())
	// Output:
	// 0s process 2 proposed 12
	// 4ps process 0 proposed 10
	// 9ps process 1 proposed 11
	// 46ps process 1 decided 10
	// 50ps process 2 decided 10
	// <nil>
}
