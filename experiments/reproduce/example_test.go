package reproduce_test

import (
	"context"
	"fmt"

	"suspect/experiments/reproduce"
	"suspect/model"
)

// The published guarantee for 1000 hosts, checked to the picosecond.
func Example() {
	s, ok := reproduce.Lookup("guarantee-1000")
	if !ok {
		panic("not registered")
	}
	params, errs := model.NewParams(s.Params, nil)
	if len(errs) > 0 {
		panic(errs[0])
	}
	d, err := reproduce.Run(context.Background(), s, reproduce.Options{Params: params, Seed: 1})
	if err != nil {
		panic(err)
	}
	for _, c := range d.Checks[:4] {
		fmt.Printf("%s: %s, %s\n", c.What, c.Measured, c.Outcome)
	}
	// Output:
	// 2nP/R, the published guarantee: 102.4 us, agrees
	// spaced: nP/R: 51.2 us, agrees
	// windows that restart, one packet each: nP/R: 51.2 us, agrees
	// fixed windows: (2n-1)P/R: 102.3488 us, agrees
}
