package explore_test

import (
	"os"
	"path/filepath"
	"testing"

	"suspect/model"
	"suspect/properties"
	"suspect/properties/explore"
)

// again runs a counterexample again: from its file in an equal system, and in the simulator.
func again(t *testing.T, sys, other explore.System, c *explore.Counterexample, p explore.Property) []model.Record {
	t.Helper()
	trace, err := c.Trace(sys, nil)
	if err != nil {
		t.Fatal(err)
	}
	trace.System = "test"
	file := filepath.Join(t.TempDir(), "run.json")
	if err := trace.Save(file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if trace, err = explore.ParseTrace(text); err != nil {
		t.Fatal(err)
	}
	run, err := trace.Retrace(other)
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Shows(other, p); err != nil {
		t.Fatal(err)
	}
	if len(run.Prefix) != len(c.Prefix) || len(run.Cycle) != len(c.Cycle) {
		t.Fatalf("%d steps and %d of a cycle, found again as %d and %d", len(c.Prefix), len(c.Cycle), len(run.Prefix), len(run.Cycle))
	}
	s, err := explore.SimulationOf(other)
	if err != nil {
		t.Fatal(err)
	}
	var records []model.Record
	if err := s.Run(run, 3, func(r *model.Record) { records = append(records, *r) }); err != nil {
		for _, line := range run.Swimlane(s.N, nil) {
			t.Log(line)
		}
		t.Fatalf("%s: %v", p.Name, err)
	}
	return records
}

// Whatever is violated under partial synchrony is so in the simulator too.
func TestViolationsSimulatedFromTicks(t *testing.T) {
	t.Parallel()
	violated := 0
	for _, r := range []row{
		{n: 2, crashes: 1, delta: 2, phi: 2, first: 1, most: 8, period: 2, gst: 0},
		{n: 2, crashes: 1, delta: 1, phi: 1, first: 1, most: 3, period: 1, gst: 1},
		{n: 2, crashes: 1, delta: 2, phi: 1, first: 1, most: 1, period: 1, gst: 1},
		{n: 3, crashes: 1, delta: 1, phi: 1, first: 0, most: 0, period: 2, gst: 0},
	} {
		for _, p := range []explore.Property{
			explore.StrongAccuracy(), explore.EventualStrongAccuracy(0), explore.EventualStrongAccuracy(explore.EventuallyStable),
			explore.StrongCompleteness(0), explore.StrongCompleteness(explore.EventuallyStable), explore.EventualWeakAccuracy(0, r.n),
		} {
			sys, err := r.adaptive().NewSystem()
			if err != nil {
				t.Fatal(err)
			}
			s, err := explore.NewSearch(sys, explore.Options{Workers: 1}, p)
			if err != nil {
				t.Fatal(err)
			}
			report, err := s.Run()
			if err != nil {
				t.Fatal(err)
			}
			if report.Outcome() != properties.Violated {
				continue
			}
			violated++
			other, err := r.adaptive().NewSystem()
			if err != nil {
				t.Fatal(err)
			}
			records := again(t, sys, other, report.Findings[0].Counterexample, p)
			if p.Name != "strong-accuracy" {
				continue
			}
			// The records themselves show it: somebody suspects one that has not crashed.
			down, wrong := map[model.ProcessID]bool{}, 0
			for _, x := range records {
				switch {
				case x.Kind == model.Crashed:
					down[x.Process] = true
				case x.Kind == model.Suspected && !down[x.Peer]:
					wrong++
				}
			}
			if wrong == 0 {
				t.Errorf("%v: nobody is suspected wrongly in %v", r, records)
			}
		}
	}
	t.Logf("%d violations simulated", violated)
	if violated < 8 {
		t.Error("too few violations")
	}
}

// Nor in asynchrony, on random systems with losses, duplicates, crashes and choices.
func TestViolationsSimulatedFromInterleavings(t *testing.T) {
	t.Parallel()
	simulated := 0
	for seed := uint64(1); seed <= 150; seed++ {
		c := puppets(seed)
		dice := splitmix(seed)
		c.Losses, c.Duplicates, c.QuasiReliable = int(dice()%2), int(dice()%2), dice()%2 == 0
		for _, p := range agreements() {
			sys, err := c.NewSystem()
			if err != nil {
				t.Fatal(err)
			}
			s, err := explore.NewSearch(sys, explore.Options{Workers: 1, MaxStates: 500}, p)
			if err != nil {
				t.Fatal(err)
			}
			report, err := s.Run()
			if err != nil {
				t.Fatal(err)
			}
			if report.Outcome() != properties.Violated {
				continue
			}
			other, err := c.NewSystem()
			if err != nil {
				t.Fatal(err)
			}
			again(t, sys, other, report.Findings[0].Counterexample, p)
			simulated++
		}
	}
	t.Logf("%d violations simulated", simulated)
	if simulated < 100 {
		t.Error("too few violations")
	}
}

// Walks find what a search finds, and shorten it to the same length.
func TestWalksFind(t *testing.T) {
	t.Parallel()
	found, missed := 0, 0
	for seed := uint64(1); seed <= 60; seed++ {
		c := puppets(seed)
		for _, p := range agreements() {
			whole := interleave(t, c, explore.Options{Workers: 1, MaxStates: 3000}, p)
			sys, err := c.NewSystem()
			if err != nil {
				t.Fatal(err)
			}
			r, err := explore.Walk{Seed: seed, Walks: 40, Depth: 60}.Run(sys, p)
			if err != nil {
				t.Fatal(err)
			}
			switch f := r.Findings[0]; {
			case f.Outcome == properties.Holds:
				t.Fatal("a walk says that something holds")
			case f.Outcome == properties.Violated && whole.Outcome() == properties.Holds:
				t.Fatalf("seed %d: walks violate what holds", seed)
			case f.Outcome == properties.Violated && whole.Outcome() == properties.Violated:
				found++
				if err := f.Counterexample.Shows(sys, p); err != nil {
					t.Fatal(err)
				}
				if want := len(whole.Findings[0].Counterexample.Prefix); r.Shortest[0] && len(f.Counterexample.Prefix) != want {
					t.Fatalf("seed %d: %d steps, and a search finds %d", seed, len(f.Counterexample.Prefix), want)
				}
			case whole.Outcome() == properties.Violated:
				missed++
			}
		}
	}
	t.Logf("%d found, %d missed", found, missed)
	if found < 20 || missed > found/4 {
		t.Error("walks find too little")
	}
}

// No text makes a run of it panic: what is read is a run of the system, or an error.
func FuzzParseTrace(f *testing.F) {
	c := puppets(3)
	sys, err := c.NewSystem()
	if err != nil {
		f.Fatal(err)
	}
	bad := agreements()[2]
	s, err := explore.NewSearch(sys, explore.Options{Workers: 1}, bad)
	if err != nil {
		f.Fatal(err)
	}
	if r, err := s.Run(); err != nil {
		f.Fatal(err)
	} else if x := r.Findings[0].Counterexample; x != nil {
		trace, err := x.Trace(sys, nil)
		if err != nil {
			f.Fatal(err)
		}
		trace.System = "puppets"
		file := filepath.Join(f.TempDir(), "run.json")
		if err := trace.Save(file); err != nil {
			f.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"system": "s", "property": "p", "reason": "", "first": "00", "prefix": [{"events": [], "after": ""}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		trace, err := explore.ParseTrace(text)
		if err != nil {
			return
		}
		fresh, err := c.NewSystem()
		if err != nil {
			t.Fatal(err)
		}
		run, err := trace.Retrace(fresh)
		if err != nil {
			return
		}
		run.Swimlane(c.N, nil)
		_ = run.Shows(fresh, bad)
		simulation, err := explore.SimulationOf(fresh)
		if err != nil {
			t.Fatal(err)
		}
		if err := simulation.Run(run, 1, nil); err != nil && len(run.Cycle) == 0 {
			t.Errorf("a run of the explorer is none of the simulator: %v", err)
		}
	})
}
