package scenariotest_test

import (
	"context"
	"fmt"
	"testing"

	"suspect/experiments/run"
	"suspect/experiments/scenario"
	"suspect/experiments/scenario/scenariotest"
	"suspect/sim"
)

// TestRandomRunsSmall runs random scenarios: they must be small, and something must
// happen in them.
func TestRandomRunsSmall(t *testing.T) {
	most, mistakes, detections, drops := 0.0, uint64(0), uint64(0), uint64(0)
	for i := range 100 {
		text := scenariotest.Random(sim.NewStream(2, fmt.Sprint(i)))
		s, err := scenario.Parse("random.yaml", text, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		r, err := run.Run(context.Background(), s, run.Options{Workers: 1})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		events := float64(r.Provenance.Events) / float64(r.Replications.Count)
		if events > 20_000 {
			t.Errorf("%v events:\n%s", events, text)
		}
		most = max(most, events)
		for _, d := range r.Detectors {
			mistakes += uint64(d.Mistakes.Count)
			detections += uint64(d.Detection.Detected)
		}
		drops += uint64(r.Messages.Dropped + r.Traffic.Dropped)
	}
	t.Logf("at most %v events; %d mistakes, %d detections, %d drops", most, mistakes, detections, drops)
	if mistakes == 0 || detections == 0 || drops == 0 {
		t.Errorf("too little happens: %d mistakes, %d detections, %d drops", mistakes, detections, drops)
	}
}
