package adversary_test

import (
	"encoding/json"
	"fmt"

	"suspect/model"
	"suspect/network"
	"suspect/qjump"
	"suspect/qjump/adversary"
)

// Three hosts send packets of 125 bytes to a fourth, one in each window of 1 us. The
// worst case is 2n-1 = 7 packets of 100 ns, less the picosecond by which the first
// packets must come before the edge of the window.
func Example() {
	p := adversary.Problem{
		Topology: network.Star(4, network.LinkConfig{Rate: 10 * network.Gbps}),
		Framing:  network.Bare,
		Receiver: 0,
		Classes: []adversary.Class{{
			Priority: 7, Payload: 125, Senders: []network.NodeID{1, 2, 3}, Packets: 2,
			Limiter: qjump.LimiterConfig{
				Kind: qjump.FixedWindow, Epoch: model.Microsecond, Budget: qjump.Budget{Packets: 1},
			},
		}},
	}
	best, err := adversary.Search(p, adversary.Options{Seed: 1, Evaluations: 100})
	if err != nil {
		panic(err)
	}
	again, err := adversary.Replay(p, best.Schedule)
	fmt.Println(best.Delay, "in", best.Evaluations, "runs; again", again, err)
	text, err := json.Marshal(best.Schedule.Sends[0])
	fmt.Println(string(text), err)
	// Output:
	// 699.999ns in 100 runs; again 699.999ns <nil>
	// {"at_ps":0,"from":1,"to":0,"payload_bytes":125,"priority":7} <nil>
}
