package qjump_test

import (
	"fmt"

	"suspect/model"
	"suspect/network"
	"suspect/qjump"
)

// Twelve hosts with packets of 256 bytes, and best-effort frames of 1518 bytes
// everywhere: what is published, what is proved, and why.
func ExampleBound() {
	a, err := qjump.Bound(qjump.Spec{
		Hosts: 12, Packet: 256, Rate: 10 * network.Gbps, Factors: []int{1, 4}, Frame: 1518,
	})
	if err != nil {
		panic(err)
	}
	fmt.Println("published:", a.BoundNPR.Decimal(), "us in epochs of", a.Epoch2NPR.Decimal(), "us")
	for _, level := range a.Levels {
		fmt.Println("factor", level.Factor, level.Bound.Status, level.Bound.Delay)
	}
	fmt.Println(a.Admission.Reason)
	// Output:
	// published: 2.4576 us in epochs of 4.9152 us
	// factor 1 proved 4.8864us
	// factor 4 proved 10.8112us
	// the levels load the receiver's link to 1, which fits (2 of 2 fully used)
}

// Spaced packets over one switch: the bound is exact.
func ExamplePath_Bound() {
	path := qjump.Path{Switches: 1, Rate: 10 * network.Gbps}
	g, err := path.Bound(qjump.Class{
		Kind: qjump.MinimumSpacing, Epoch: 30 * model.Microsecond, Budget: 1, Packet: 1518, Senders: 11,
	})
	fmt.Println(g.Delay, g.Status, err)
	// Output: 14.5728us exact <nil>
}
