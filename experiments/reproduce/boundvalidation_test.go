package reproduce

import (
	"context"
	"slices"
	"strings"
	"testing"

	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// The published test bed: hosts 0 to 5, 6 to 8 and 9 to 11 on three switches below one,
// and 4 us for each hop of a packet that is alone.
func TestTestBed(t *testing.T) {
	bed := testBed()
	if errs := bed.Validate(); len(errs) > 0 {
		t.Fatal(errs)
	}
	for to, hops := range map[network.NodeID]model.Duration{1: 1, 5: 1, 6: 3, 9: 3, 11: 3} {
		took, losses, err := latencies(context.Background(), []network.Send{{From: to, To: 0, Bytes: caseBytes}})
		if want := hops*4*us + 204_800; err != nil || losses != 0 || took[0] != want {
			t.Errorf("from h%d: %v, %d lost, %v; want %v", to, took, losses, err, want)
		}
	}
}

// No start of the neighbours makes the critical instant longer.
func TestCriticalInstantIsTheWorst(t *testing.T) {
	c := trains{epoch: 29 * us, senders: trainSenders, burst: trainBurst, length: 29 * us}
	s := sim.NewStream(1, "critical")
	for range 300 {
		var sends []network.Send
		for _, h := range slices.Concat(trainNeighbours, trainRemote) {
			at := model.Time(s.IntN(2)) * model.Time(s.IntN(16_000_000))
			for range trainSenders {
				one, err := c.sender(h, at)
				if err != nil {
					t.Fatal(err)
				}
				sends = append(sends, one...)
			}
		}
		took, _, err := latencies(context.Background(), sends)
		if err != nil {
			t.Fatal(err)
		}
		if longest := took[len(took)-1]; longest > publishedBound {
			t.Errorf("%v", longest)
		}
	}
}

// More packets than the line counts pass it: what the checks would find.
func TestMorePacketsPassTheLine(t *testing.T) {
	c := trains{epoch: 29 * us, senders: trainSenders, burst: trainBurst + 1, length: 29 * us}
	sends, err := c.critical()
	if err != nil {
		t.Fatal(err)
	}
	took, _, err := latencies(context.Background(), sends)
	if want := publishedBound + packets(30); err != nil || took[len(took)-1] != want {
		t.Errorf("%v, %v; want %v", took[len(took)-1], err, want)
	}
}

func TestQuantile(t *testing.T) {
	s := sweep{took: []model.Duration{1, 2, 3, 4}}
	if s.quantile(0.5) != 3 || s.quantile(0.99) != 4 || s.quantile(1) != 4 || s.longest() != 4 {
		t.Error(s.quantile(0.5), s.quantile(0.99), s.longest())
	}
}

// The figure has the line of the bound, and a mark for every epoch.
func TestValidationFigure(t *testing.T) {
	d := run(t, "bound-validation", 0, small["bound-validation"])
	svg := string(d.Figures[0].SVG)
	for _, want := range []string{"published bound: 24.288 µs", "epoch = bound", "link full", "p99"} {
		if !strings.Contains(svg, want) {
			t.Errorf("the figure does not say %q", want)
		}
	}
}
