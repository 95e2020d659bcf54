package run

import (
	"context"
	"errors"
	"testing"

	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/sim"
)

const windows = `
name: windows
duration: 1ms
network: {framing: ethernet, topology: {star: {hosts: 4}}, edge: {rate: 10Gbps}}
qjump: {packet: 106B, limiter: fixed-window, levels: [{priority: 7, factor: 2}, {priority: 6, factor: 4}]}
traffic: [{use: poisson, from: all, to: random, priority: 7, packet: 64B, rate: 5Gbps}]
`

// Again shows the records of the replication that Run ran, from the first one on, and as
// many as are wanted; and Phases the windows that it drew, so that a scenario that lists
// them runs alike.
func TestAgain(t *testing.T) {
	s := parse(t, windows, "replications=3", "qjump.phases=[{host: h1, priority: 7, phase: 5ns}]")
	r, err := Run(context.Background(), s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range r.Replications.Hashes {
		var hash sim.Hash
		events, err := Again(context.Background(), s, i, model.AllKinds, func(r *model.Record) bool {
			hash.Observe(r)
			return true
		})
		if err != nil || hash.String() != want || events == 0 {
			t.Errorf("replication %d: %v, %v, want %v", i, hash.String(), err, want)
		}
	}
	seen := 0
	if _, err := Again(context.Background(), s, 0, model.AllKinds, func(*model.Record) bool { seen++; return seen < 10 }); err != nil || seen != 10 {
		t.Errorf("%d records, %v", seen, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.Duration = model.Second
	if _, err := Again(ctx, s, 0, 0, nil); !errors.Is(err, ErrInterrupted) {
		t.Errorf("an interrupted run ended with %v", err)
	}
}

func TestWindowPhases(t *testing.T) {
	s := parse(t, windows, "qjump.phases=[{host: h1, priority: 7, phase: 5ns}]")
	drawn := Phases(s, 0)
	listed := parse(t, windows)
	listed.QJump.Phases = drawn
	var hashes []string
	for _, x := range []*scenario.Scenario{s, listed, parse(t, windows, "qjump.phase=0s")} {
		r, err := Run(context.Background(), x, Options{})
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, r.Provenance.StreamHash)
	}
	if len(drawn) != 8 || hashes[0] != hashes[1] || hashes[0] == hashes[2] {
		t.Errorf("%v: %v", drawn, hashes)
	}
	if all := Phases(parse(t, windows, "qjump.limiter=minimum-spacing"), 0); all != nil {
		t.Errorf("%v without fixed windows", all)
	}
}
