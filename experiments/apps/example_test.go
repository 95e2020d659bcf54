package apps_test

import (
	"fmt"

	"suspect/experiments/apps"
	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// A ping over a switch, and what it measures.
func Example() {
	k := sim.New(1)
	n, err := network.New(k, network.Config{
		Topology: network.Star(2, network.LinkConfig{Rate: 10 * network.Gbps, Delay: model.Microsecond}),
	})
	if err != nil {
		panic(err)
	}
	ping, err := apps.NewPing(apps.PingConfig{Self: 0, To: 1, Period: model.Millisecond, Bytes: 84})
	if err != nil {
		panic(err)
	}
	server, err := apps.NewServer(apps.ServerConfig{Self: 1, N: 2, Bytes: 84})
	if err != nil {
		panic(err)
	}
	for p, a := range []model.Automaton{ping, server} {
		n.Attach(model.ProcessID(p), 0, network.Panel{Application: true, New: []func() model.Automaton{a.Clone}, Detectors: []uint8{0}})
	}
	trips := apps.NewRoundTrips(0, 1, 0)
	k.Records.Subscribe(trips.Kinds(), trips.Observe)
	if err := k.Run(model.Time(10*model.Millisecond), sim.Budget{}); err != nil {
		panic(err)
	}
	fmt.Println(trips.Asked, "requests,", trips.Unanswered(), "of them without a reply; the first took", trips.Durations[0])
	// Output: 11 requests, 1 of them without a reply; the first took 4.4032us
}
