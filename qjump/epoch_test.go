package qjump_test

import (
	"fmt"
	"math"
	"testing"

	"suspect/model"
	"suspect/network"
	"suspect/qjump"
)

func TestEpochRefuses(t *testing.T) {
	for _, c := range []struct {
		n, bytes int
		rate     network.BitRate
		eps      model.Duration
	}{
		{0, 64, network.Gbps, 0}, {1, 0, network.Gbps, 0}, {1, 64, 0, 0}, {1, 64, network.Gbps, -1},
		{math.MaxInt32, math.MaxInt32, 1, 0},
	} {
		if d, err := qjump.Epoch(c.n, int32(c.bytes), c.rate, c.eps); err == nil {
			t.Errorf("%+v: an epoch of %v", c, d)
		}
	}
}

// The guarantee that the project page states for a thousand hosts: about 100 us.
func ExampleEpoch() {
	epoch, err := qjump.Epoch(1000, 64, 10*network.Gbps, 0)
	fmt.Println(epoch, err)
	// Output: 102.4us <nil>
}
