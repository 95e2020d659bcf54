package model_test

import (
	"fmt"

	"suspect/model"
)

// A detector whose claim is the class P promises both of its properties.
func Example() {
	eta, err := model.ParseDuration("1.5ms")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("third heartbeat at", model.Time(0).Add(3*eta))

	claim := model.Claim{Class: model.P, Under: "delays below 1 ms, no loss"}
	fmt.Printf("%v: %v and %v, under %s\n", claim.Class, claim.Class.Completeness(), claim.Class.Accuracy(), claim.Under)

	suspicion := model.Record{Kind: model.Suspected, At: model.Time(7 * model.Millisecond), Process: 0, Peer: 1}
	fmt.Println(&suspicion)
	// Output:
	// third heartbeat at 4.5ms
	// P: strong completeness and strong accuracy, under delays below 1 ms, no loss
	// 7ms suspected p0 of p1 detector=0 kind=unspecified
}

func ExampleNewParams() {
	declared := []model.Param{
		{Name: "eta", Type: model.DurationParam, Doc: "time between two heartbeats"},
		{Name: "loss", Type: model.ProbabilityParam, Default: "1%"},
	}
	p, errs := model.NewParams(declared, map[string]string{"eta": "10ms"})
	fmt.Println(p.Duration("eta"), p.Probability("loss"), errs)

	_, errs = model.NewParams(declared, map[string]string{"loss": "2", "etta": "10ms"})
	for _, err := range errs {
		fmt.Println(err)
	}
	// Output:
	// 10ms 0.01 []
	// parameter "eta": is required (duration: time between two heartbeats)
	// parameter "loss": "2" is not a probability: it must lie between 0 and 1
	// parameter "etta": is unknown (parameters: eta, loss)
}
