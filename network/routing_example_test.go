package network_test

import (
	"fmt"

	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// A link of a leaf-spine network fails at once. Its ends see that 10 ms later, compute new
// routes after 50 ms more, and need 20 ms to put them in force; until then what h0 sends to
// h1 by spine0 is lost.
func ExampleRouting() {
	link := network.LinkConfig{Rate: network.Gbps, Delay: model.Microsecond}
	routing := network.DefaultRouting(network.LinkStateRouting)
	routing.LinkState.SPFDelay = 50 * model.Millisecond
	routing.LinkState.FIBBase, routing.LinkState.FIBPerHost = 20*model.Millisecond, 0

	kernel := sim.New(1)
	n, err := network.New(kernel, network.Config{Topology: network.LeafSpine(2, 2, 1, link, link), Routing: routing})
	if err != nil {
		fmt.Println(err)
		return
	}
	top := n.Topology()
	leaf0, _ := top.Node("leaf0")
	kernel.Records.Subscribe(model.KindSet(model.RouteChanged), func(r *model.Record) {
		if network.NodeID(r.Process) == leaf0 {
			via, _ := n.NextHop(leaf0, 1, n.Flow(0, 1, 0))
			_, to := top.Ends(via)
			fmt.Printf("%v leaf0 sends to h1 by %s\n", r.At, top.Names[to])
		}
	})
	toSpine, _ := top.LinkBetween(leaf0, leaf0+2)
	n.SetLink(toSpine, false)
	n.SetLink(toSpine^1, false)
	if err := kernel.Run(model.Time(model.Second), sim.Budget{}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 80ms leaf0 sends to h1 by spine1
}
