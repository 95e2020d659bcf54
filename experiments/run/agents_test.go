package run

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"suspect/experiments/guarantee"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/properties"
)

const asking = `name: asking
duration: 1s
network:
  framing: ethernet
  topology: {leaf_spine: {leaves: 2, spines: 2, hosts_per_leaf: 2}}
  edge: {rate: 10Gbps, delay: 1us}
evidence: all
detectors: [{use: falcon}, {use: timeout, eta: 10ms}]
faults: [{use: process-crash, process: h1, at: 305ms}]
`

// A detector that asks agents has the map of the network, and hears of a crash from the
// system of the host as soon as a packet takes.
func TestDetectorsThatAsk(t *testing.T) {
	s := parse(t, asking)
	suspected := map[model.ProcessID]model.Time{}
	evidence := 0
	if _, err := Again(context.Background(), s, 0, model.KindSet(model.Suspected, model.Delivered), func(r *model.Record) bool {
		switch {
		case r.Kind == model.Delivered && r.Evidence == model.Liveness:
			evidence++
		case r.Kind == model.Suspected && r.Detector == 0 && r.Peer == 1:
			suspected[r.Process] = r.At
			if r.Failure != model.ProcessCrash || r.Certainty != model.Certain {
				t.Errorf("%v", r)
			}
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	for p := range model.ProcessID(4) {
		late := suspected[p] - model.Time(305*model.Millisecond)
		if p != 1 && (suspected[p] == 0 || late < 0 || late > model.Time(10*model.Microsecond)) {
			t.Errorf("process %d suspects process 1 at %v", p, suspected[p])
		}
	}
	if evidence < 50 {
		t.Errorf("agents answered %d times", evidence)
	}
}

// Evidence is conserved, counted as messages of the detector that it is for, and alike for
// any number of workers; and it is not part of the analysis of QJUMP.
func TestResultsWithEvidence(t *testing.T) {
	s := parse(t, asking, "replications=2", "qjump={packet: 256B, levels: [{priority: 7, factor: 1}]}")
	one, two := do(t, s, 1), do(t, s, 2)
	if !bytes.Equal(encode(t, one), encode(t, two)) {
		t.Error("the results of one worker and of two differ")
	}
	if one.Conservation.Outcome != properties.Holds.String() {
		t.Errorf("conservation: %+v", one.Conservation)
	}
	withdrawn := 0
	for _, l := range guarantee.Derive(s).Levels {
		if strings.Contains(l.Withdrawn, "evidence") {
			withdrawn++
		}
	}
	if withdrawn != 1 {
		t.Errorf("%d levels are withdrawn because of evidence", withdrawn)
	}
	if again, err := scenario.Parse("again.yaml", s.Resolved(), nil); err != nil || !bytes.Equal(encode(t, do(t, again, 1)), encode(t, one)) {
		t.Errorf("resolved, it runs in another way (%v)", err)
	}
}
