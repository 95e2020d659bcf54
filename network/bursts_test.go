package network

import (
	"math"
	"testing"

	"suspect/model"
	"suspect/sim"
)

// The published figures: a tenth of the slots of 5 ms are bad, a twentieth of what comes in
// them is lost, which is 0.5 % of all; and the bad slots in a row are as many as asked for.
// Packets come twice in each slot, or in one of seven: the chain moves over those between.
func TestBurstsOfSlots(t *testing.T) {
	for _, mean := range []float64{1 / 0.9, 4} {
		for _, stride := range []int64{1, 7} {
			b := Bursts{Slot: 5 * model.Millisecond, Bad: 0.1, Loss: 0.05, Mean: mean}
			f := impaired{stream: sim.NewStream(1, "bursts"), bursts: []burstState{{Bursts: b, slot: -1}}}
			const slots = 200_000
			bad, begun, lost, both := 0, 0, 0, 0
			before := false
			for i := range int64(slots) {
				for half := range int64(2) {
					if f.lostInBurst(model.Time(i*stride*int64(b.Slot) + half*int64(b.Slot)/2)) {
						lost++
						if !f.bursts[0].bad {
							t.Fatal("lost in a good slot")
						}
					}
				}
				now := f.bursts[0].bad
				if now {
					bad++
					if !before {
						begun++
					} else {
						both++
					}
				}
				before = now
			}
			memory := math.Pow(1-1/mean-0.1/(mean*0.9), float64(stride))
			if mean < 2 {
				memory = 0
			}
			// The variance of a mean of a chain with memory m is (1+m)/(1-m) times that
			// of independent draws.
			more := math.Sqrt((1 + memory) / (1 - memory))
			near := func(what string, got int, of, p float64) {
				if math.Abs(float64(got)-of*p) > 5*more*math.Sqrt(of*p*(1-p)) {
					t.Errorf("mean %v, stride %d: %s: %d of %v, want about %v", mean, stride, what, got, of, of*p)
				}
			}
			near("bad slots", bad, slots, 0.1)
			near("lost", lost, 2*slots, 0.005)
			near("bad after bad", both, float64(bad), 0.1+0.9*memory)
		}
	}
}

// The bad slots in a row last as long as is asked for, within five standard deviations of a
// geometric distribution.
func TestLengthOfBursts(t *testing.T) {
	const mean = 4.0
	f := impaired{stream: sim.NewStream(2, "bursts"), bursts: []burstState{{Bursts: Bursts{Slot: 1, Bad: 0.25, Loss: 0, Mean: mean}, slot: -1}}}
	runs, bad, before := 0.0, 0.0, false
	for i := range model.Time(100_000) {
		f.lostInBurst(i)
		now := f.bursts[0].bad
		if now {
			bad++
		}
		if before && !now {
			runs++
		}
		before = now
	}
	if got := bad / runs; math.Abs(got-mean) > 5*math.Sqrt(mean*(mean-1)/runs) {
		t.Errorf("%v bad slots in a row, want %v", got, mean)
	}
}

func TestPower(t *testing.T) {
	for _, x := range []float64{0, 0.5, 0.999, 1} {
		for k := range int64(70) {
			if got, want := power(x, k), math.Pow(x, float64(k)); math.Abs(got-want) > 1e-13*want {
				t.Errorf("%v^%d is %v, want %v", x, k, got, want)
			}
		}
	}
	if power(0.5, 1<<40) != 0 {
		t.Error("a half to the power of 2^40 is not zero")
	}
}
