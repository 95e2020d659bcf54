package explore_test

import (
	"fmt"

	"suspect/detectors"
	"suspect/model"
	"suspect/properties/explore"
)

// Two processes watch each other by Chandra and Toueg's detector. Messages take up to two
// ticks and processes pause for up to one, which nobody knows.
func Example() {
	spec, _ := detectors.Lookup("adaptive")
	params, errs := model.NewParams(spec.Params, map[string]string{
		"eta": explore.Steps(2).String(), "stagger": "false", // a heartbeat every second step
		"timeout": explore.Silence(1).String(), // more than one step without any
		"step":    explore.Steps(1).String(),
		"most":    explore.Silence(8).String(),
	})
	if errs != nil {
		fmt.Println(errs)
		return
	}
	system, err := explore.Ticks{
		N: 2, Crashes: 1, Delta: 2, Phi: 2, FirstStep: 2,
		New: func(p model.ProcessID) (model.Automaton, error) {
			other := []model.ProcessID{1 - p}
			return spec.New(detectors.Env{Self: p, N: 2, Watch: other, Watchers: other}, params)
		},
	}.NewSystem()
	if err != nil {
		fmt.Println(err)
		return
	}
	search, err := explore.NewSearch(system, explore.Options{Workers: 2},
		explore.StrongAccuracy(), explore.EventualStrongAccuracy(0), explore.StrongCompleteness(0))
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := search.Run()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d states, %d transitions\n", report.States, report.Transitions)
	for _, f := range report.Findings {
		fmt.Printf("%s: %v\n", f.Property, f.Outcome)
	}
	// Output:
	// 15286 states, 117764 transitions
	// strong-accuracy: violated
	// eventual-strong-accuracy: holds
	// strong-completeness: holds
}
