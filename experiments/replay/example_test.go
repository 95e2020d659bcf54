package replay_test

import (
	"context"
	"fmt"
	"os"

	"suspect/experiments/data"
	"suspect/experiments/replay"
)

func Example() {
	trace := replay.Bytes("heartbeats-loopback-2ms.csv.gz", data.HeartbeatsLoopback2ms)
	results, err := replay.Run(context.Background(), trace, replay.Config{Detectors: []replay.Detector{
		{Name: "fast", Use: "timeout", Params: map[string]string{"timeout": "5ms"}},
		{Name: "slow", Use: "timeout", Params: map[string]string{"timeout": "100ms"}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	results.WriteText(os.Stdout)
	// Output:
	// trace heartbeats-loopback-2ms.csv.gz
	//   50000 heartbeats in 100s, 0 lost, 0 reordered
	//   period 1.999999944ms (estimated), sent up to 79.33ms behind the fitted schedule
	//   delay min 1.983us, mean 247.3us, median 53.67us, 99% 4.341ms, max 50.33ms
	//
	// detector  mistakes  per second  mean T_M  max T_M  mean T_MR  P_A         T_D at the end
	// fast      320       3.2         7.877ms   79.03ms  306.2ms    0.97479339  5.019ms
	// slow      0         0           -         -        -          1.00000000  100ms
	//
	// fast: timeout eta=1.999999944ms stagger=true timeout=5ms
	// slow: timeout eta=1.999999944ms stagger=true timeout=100ms
}
