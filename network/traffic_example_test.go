package network_test

import (
	"fmt"

	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// A hundred hosts send 256 bytes to one at the same moment. The last packet waits
// until the output of the switch has sent the 99 before it.
func ExampleNetwork_AddTraffic() {
	kernel := sim.New(1)
	n, err := network.New(kernel, network.Config{
		Topology: network.Star(101, network.LinkConfig{Rate: 10 * network.Gbps}),
		Framing:  network.Bare,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	longest := model.Duration(0)
	kernel.Records.Subscribe(model.KindSet(model.Delivered), func(r *model.Record) {
		longest = max(longest, r.At.Sub(r.SentAt))
	})
	traffic := network.Traffic{
		Kind: network.Periodic, To: []network.NodeID{100}, Bytes: 256, Period: model.Millisecond,
	}
	for host := range network.NodeID(100) {
		traffic.From = append(traffic.From, host)
	}
	if err := n.AddTraffic(traffic); err != nil {
		fmt.Println(err)
		return
	}
	if err := kernel.Run(model.Time(100*model.Microsecond), sim.Budget{}); err != nil {
		fmt.Println(err)
		return
	}
	own := 2 * (10 * network.Gbps).Transmission(256)
	fmt.Println(n.Counts().Delivered, "delivered, longest wait", longest-own)
	// Output: 100 delivered, longest wait 20.2752us
}
