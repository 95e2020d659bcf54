package network_test

import (
	"fmt"

	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// A leaf with two spines loses its link to one of them. Static routes do not react: what is
// routed over that link is lost, although there is a way around. When the other link goes
// down too, there is none.
func ExampleNetwork_WatchTruth() {
	k := sim.New(1)
	link := network.LinkConfig{Rate: 10 * network.Gbps, Delay: model.Microsecond}
	n, err := network.New(k, network.Config{Topology: network.LeafSpine(2, 2, 1, link, link)})
	if err != nil {
		fmt.Println(err)
		return
	}
	truth, err := n.WatchTruth(network.DefaultTruth(7))
	if err != nil {
		fmt.Println(err)
		return
	}
	k.Records.Subscribe(model.KindSet(model.FailureBegan, model.FailureEnded), func(r *model.Record) {
		if r.Process == 0 {
			fmt.Println(r)
		}
	})
	leaf, _ := n.Topology().Node("leaf0")
	for i, spine := range []string{"spine0", "spine1"} {
		s, _ := n.Topology().Node(spine)
		l, _ := n.Topology().LinkBetween(leaf, s)
		if err := k.Run(model.Time(i+1)*model.Time(model.Millisecond), sim.Budget{}); err != nil {
			fmt.Println(err)
		}
		n.SetLink(l, false) // from the leaf to the spine
	}
	fmt.Println(truth.Kinds(0, 1))
	if err := k.Run(model.Time(3*model.Millisecond), sim.Budget{}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 1ms failure-began p0->p1 route-failure forward
	// partition
	// 2ms failure-ended p0->p1 route-failure forward
	// 2ms failure-began p0->p1 partition forward
}
