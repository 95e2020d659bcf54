package reproduce

import (
	"context"
	"math"
	"testing"

	"suspect/experiments/scenario"
	"suspect/model"
)

// Slots that are congested by one definition or the other make one episode where they
// follow each other, and what comes before the warm-up does not count.
func TestSlotEpisodes(t *testing.T) {
	const slot = 5 * model.Time(model.Millisecond)
	type step struct {
		at         model.Time // in slots
		definition uint8
		began      bool
		directions model.Directions
	}
	on := func(at model.Time, definition uint8) step { return step{at, definition, true, model.Backward} }
	off := func(at model.Time, definition uint8) step { return step{at, definition, false, 0} }
	for _, c := range []struct {
		name     string
		steps    []step
		episodes int
		slots    int
	}{
		{"none", nil, 0, 0},
		{"one", []step{on(10, 1), off(13, 1)}, 1, 3},
		{"two", []step{on(10, 1), off(13, 1), on(14, 1), off(15, 1)}, 2, 4},
		{"one, by two definitions in turn", []step{on(10, 1), off(13, 1), on(13, 2), off(15, 2)}, 1, 5},
		{"the same, told the other way round", []step{on(10, 1), on(13, 2), off(13, 1), off(15, 2)}, 1, 5},
		{"one, by two definitions at once", []step{on(10, 1), on(11, 2), off(13, 1), off(15, 2)}, 1, 5},
		{"the other direction", []step{{10, 1, true, model.Forward}, off(13, 1)}, 0, 0},
		{"a direction that ends", []step{on(10, 1), {12, 1, true, model.Forward}, off(13, 1)}, 1, 2},
		{"before the warm-up", []step{on(1, 1), off(2, 1)}, 0, 0},
		{"across its end", []step{on(1, 1), off(7, 1)}, 1, 3},
		{"at the end of the run", []step{on(18, 1)}, 1, 2},
	} {
		w := slotEpisodes{since: model.Never, warmUp: 4 * slot}
		for _, s := range c.steps {
			r := model.Record{At: s.at * slot, Kind: model.FailureEnded, Failure: model.Congestion, Detector: s.definition, Seq: int64(s.directions)}
			if s.began {
				r.Kind = model.FailureBegan
			}
			w.observe(&r)
		}
		w.finish(20 * slot)
		if w.episodes != c.episodes || w.congested != model.Duration(c.slots)*model.Duration(slot) {
			t.Errorf("%s: %d episodes, %v", c.name, w.episodes, w.congested)
		}
	}
}

// Bursts that come in a fixed rhythm make a queue whose truth is known: 150 ms at twice the
// rate fill 250 packets in about 61 ms, so that it loses for the remaining 89, and it is
// nine tenths full for a bit longer on either side.
func TestTruthOfEvenBursts(t *testing.T) {
	c := congestionSetting{text: bottleneck + evenBursts.text + slotTruth + "detectors: [{use: badabing}]\n"}
	s, err := scenario.Parse("even.yaml", []byte(c.file(1, 3, 20*model.Second)), []string{"traffic[0].off=850ms"})
	if err != nil {
		t.Fatal(err)
	}
	e, err := estimateCongestion(context.Background(), s, 0)
	if err != nil {
		t.Fatal(err)
	}
	if e.trueDuration < 89.0/5 || e.trueDuration > (89+3*6.1)/5+1 {
		t.Errorf("episodes of %.2f slots", e.trueDuration)
	}
	if want := e.trueDuration / 200; math.Abs(e.trueFrequency/want-1) > 0.06 {
		t.Errorf("a share of %.4f of the slots, and %.4f by the rhythm", e.trueFrequency, want)
	}
	if math.Abs(e.frequency/e.trueFrequency-1) > 0.25 {
		t.Errorf("an estimate of %.4f for %.4f", e.frequency, e.trueFrequency)
	}
}
