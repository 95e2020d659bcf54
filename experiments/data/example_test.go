package data_test

import (
	"context"
	"fmt"

	"suspect/experiments/data"
	"suspect/experiments/replay"
)

func Example() {
	trace := replay.Bytes("trace", data.HeartbeatsLoopback2ms)
	results, err := replay.Run(context.Background(), trace, replay.Config{
		Detectors: []replay.Detector{{Use: "timeout", Params: map[string]string{"timeout": "10ms"}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(results.Heartbeats, "heartbeats, the slowest took", results.Delay.Max)
	// Output: 50000 heartbeats, the slowest took 50.334899ms
}
