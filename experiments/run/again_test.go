package run

import (
	"context"
	"errors"
	"slices"
	"strings"
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

// Faults names what a replication strikes: a scenario that lists these runs alike, and
// another seed strikes others.
func TestFaultsAreNamed(t *testing.T) {
	s := parse(t, windows,
		"faults=[{use: pause, process: random, at: 10us, for: 100us}, {use: host-crash, host: random, at: 20us, for: 50us}, "+
			"{use: link-down, link: random, at: 5us, for: 30us}, {use: clock-step, host: h2, step: 5us, at: 40us}]")
	for replication := range 3 {
		var logs [2][]string
		for i := range logs {
			x := *s
			if i == 1 {
				x.Faults = Faults(s, replication)
			}
			for _, f := range x.Faults {
				if strings.Contains(f.Params.String(), "random") != (i == 0 && f.Spec.Name != "clock-step") {
					t.Errorf("the fault %s has the parameters %v", f.Spec.Name, f.Params)
				}
			}
			kinds := model.KindSet(model.Crashed, model.Recovered, model.LinkWentDown, model.LinkCameUp, model.Sent, model.Released)
			if _, err := Again(context.Background(), &x, replication, kinds, func(r *model.Record) bool {
				logs[i] = append(logs[i], r.String())
				return true
			}); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(logs[0], logs[1]) || len(logs[0]) < 100 {
			t.Errorf("replication %d: %d and %d records, which differ", replication, len(logs[0]), len(logs[1]))
		}
	}
	if a, b := Faults(s, 0), Faults(s, 1); a[0].Params.String() == b[0].Params.String() && a[2].Params.String() == b[2].Params.String() {
		t.Errorf("two replications strike %v and %v", a[0].Params, a[2].Params)
	}
	if !strings.Contains(s.Faults[0].Params.String(), "random") {
		t.Error("the scenario was changed")
	}
}
