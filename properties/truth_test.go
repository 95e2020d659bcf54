package properties

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/model"
	"suspect/sim"
)

// truthRecord is a record of the truth, at a time in milliseconds.
func truthRecord(ms int, p, q model.ProcessID, k model.FailureKind, holds bool, d model.Directions, class model.Priority, by uint8) *model.Record {
	kind := model.FailureEnded
	if holds {
		kind = model.FailureBegan
	}
	return &model.Record{
		At: model.Time(ms) * model.Time(model.Millisecond), Kind: kind, Process: p, Peer: q,
		Failure: k, Seq: int64(d), Priority: class, Detector: by,
	}
}

// written writes lines with times in milliseconds.
func written(lines []TruthLine) (all []string) {
	ms := func(t Total) int { return int(math.Round(t.Seconds() * 1000)) }
	for _, x := range lines {
		all = append(all, fmt.Sprintf("%v %d %d: %d open %d, %d = %d + %d + %d", x.Failure, x.Priority, x.Definition,
			x.Intervals, x.Open, ms(x.Time), ms(x.Forward), ms(x.Backward), ms(x.BothWays)))
	}
	return all
}

// A run of 100 ms with a warm-up of 10 ms, by hand.
func TestTruthSummary(t *testing.T) {
	const ms = model.Time(model.Millisecond)
	s := NewTruthSummary(10 * ms)
	for _, r := range []*model.Record{
		truthRecord(1, 0, 1, model.HostCrash, true, 0, 0, 0), // before the warm-up, to 3 ms: does not count
		truthRecord(2, 0, 1, model.Partition, true, model.Forward, 0, 0),
		truthRecord(3, 0, 1, model.HostCrash, false, 0, 0, 0),
		truthRecord(5, 1, 0, model.Stall, true, 0, 0, 0),
		truthRecord(20, 0, 1, model.Partition, true, model.Both, 0, 0), // forward for 10 ms
		truthRecord(25, 0, 1, model.Partition, false, model.Both, 0, 0),
		truthRecord(30, 1, 0, model.Partition, true, model.Backward, 0, 0),
		truthRecord(40, 1, 0, model.Stall, false, 0, 0, 0), // 30 ms
		truthRecord(50, 0, 1, model.Congestion, true, model.Forward, 3, 1),
		truthRecord(60, 0, 1, model.Congestion, true, model.Forward, 3, 0),
		truthRecord(61, 0, 1, model.Congestion, false, model.Forward, 3, 0),
		truthRecord(61, 0, 1, model.Congestion, true, model.Backward, 3, 0),
		truthRecord(64, 0, 1, model.Congestion, false, model.Backward, 3, 0),
	} {
		s.Observe(r)
	}
	want := []string{
		"congestion 3 0: 2 open 0, 4 = 1 + 3 + 0",
		"congestion 3 1: 1 open 1, 50 = 50 + 0 + 0",
		"partition 0 0: 2 open 1, 85 = 10 + 70 + 5",
		"stall 0 0: 1 open 0, 30 = 0 + 0 + 0",
	}
	lines := s.Finish(100 * ms)
	if diff := cmp.Diff(want, written(lines)); diff != "" {
		t.Error(diff)
	}
	want = []string{
		"congestion 3 0: 4 open 0, 8 = 2 + 6 + 0",
		"congestion 3 1: 2 open 2, 100 = 100 + 0 + 0",
		"partition 0 0: 4 open 2, 170 = 20 + 140 + 10",
		"stall 0 0: 2 open 0, 60 = 0 + 0 + 0",
	}
	if diff := cmp.Diff(want, written(MergeTruth(lines, lines))); diff != "" {
		t.Error(diff)
	}
}

// The agreement is that which is found millisecond by millisecond.
func TestCongestionAgreement(t *testing.T) {
	const ms, end, warmUp, pairs, classes, definitions = model.Time(model.Millisecond), 200, 30, 2, 2, 3
	for seed := range uint64(50) {
		draw := sim.NewStream(seed, "agreement")
		a := NewCongestionAgreement(warmUp*ms, pairs, classes)
		var holds [pairs][classes][definitions]model.Directions
		var held [definitions]int
		var only [definitions][definitions]int
		for now := range end {
			for range draw.IntN(4) {
				p, class, by := draw.IntN(pairs), draw.IntN(classes), draw.IntN(definitions)
				d := model.Directions(draw.IntN(4))
				x := &holds[p][class][by]
				if d == *x {
					continue
				}
				told := d
				if d == 0 {
					told = *x
				}
				*x = d
				a.Observe(truthRecord(now, model.ProcessID(p), model.ProcessID(1-p), model.Congestion, d != 0, told, model.Priority(class), uint8(by)))
			}
			if now < warmUp {
				continue
			}
			for _, of := range holds {
				for _, by := range of {
					for _, d := range []model.Directions{model.Forward, model.Backward} {
						for i := range by {
							if by[i]&d == 0 {
								continue
							}
							held[i]++
							for j := range by {
								if by[j]&d == 0 {
									only[i][j]++
								}
							}
						}
					}
				}
			}
		}
		got := a.Finish(end * ms)
		got.Merge(&Agreement{})
		if want := float64(2*pairs*classes*(end-warmUp)) / 1000; math.Abs(got.WaySeconds-want) > 1e-12 {
			t.Errorf("%v s were looked at, want %v", got.WaySeconds, want)
		}
		for i := range held {
			if ms := int(math.Round(got.Held[i].Seconds() * 1000)); ms != held[i] {
				t.Errorf("seed %d: definition %d held for %d ms, want %d", seed, i, ms, held[i])
			}
			for j := range held {
				if i == j {
					continue
				}
				share, _ := got.Disagree(i, j)
				if want := float64(only[i][j]+only[j][i]) / float64(2*pairs*classes*(end-warmUp)); math.Abs(share-want) > 1e-12 {
					t.Errorf("seed %d: %d and %d differ in %v of the time, want %v", seed, i, j, share, want)
				}
				both, _ := got.Jaccard(i, j)
				if want := float64(held[i]-only[i][j]) / float64(held[i]+only[j][i]); math.Abs(both-want) > 1e-12 {
					t.Errorf("seed %d: the Jaccard index of %d and %d is %v, want %v", seed, i, j, both, want)
				}
			}
		}
	}
}
