package run

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"suspect/experiments/scenario"
	"suspect/experiments/scenario/scenariotest"
	"suspect/sim"
)

// Of the child processes of TestDeterminism.
const (
	childWorkers    = "SUSPECT_TEST_WORKERS" // set in a child
	randomScenarios = 200
)

// TestDeterminism runs random scenarios in two processes, one on one processor with
// one worker, the other on two with four, and compares the results byte by byte. Zero
// mismatches in 200 bound the share of scenarios that differ by 3/200 (95 %).
func TestDeterminism(t *testing.T) {
	if workers := os.Getenv(childWorkers); workers != "" {
		child(t, workers)
		return
	}
	one := startChild(t, "1", "1")
	four := startChild(t, "2", "4")
	a, b := one(), four()
	if len(a) != randomScenarios || len(b) != randomScenarios {
		t.Fatalf("%d and %d lines from the processes instead of %d", len(a), len(b), randomScenarios)
	}
	for i := range a {
		if a[i] != b[i] {
			t.Errorf("random scenario %d:\none worker:   %s\nfour workers: %s\n%s", i, a[i], b[i], randomScenario(i))
		}
	}
	distinct := make([]string, len(a))
	for i, line := range a {
		_, distinct[i], _ = strings.Cut(line, " ")
	}
	slices.Sort(distinct)
	if len(slices.Compact(distinct)) < randomScenarios {
		t.Error("random scenarios repeat")
	}
}

// startChild runs this test in another process, and returns the function that waits
// for the lines of its results.
func startChild(t *testing.T, procs, workers string) (lines func() []string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^TestDeterminism$", "-test.v")
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+procs, childWorkers+"="+workers, "TZ=Asia/Kathmandu")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() (lines []string) {
		if err := cmd.Wait(); err != nil {
			t.Fatalf("GOMAXPROCS %s: %v\n%s", procs, err, out.String())
		}
		for line := range strings.Lines(out.String()) {
			if line, ok := strings.CutPrefix(line, "result "); ok {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
		return lines
	}
}

// child prints a line for each random scenario: its number, the hash of its results
// and, to tell where a difference comes from, those of its streams.
func child(t *testing.T, workers string) {
	var n int
	if _, err := fmt.Sscan(workers, &n); err != nil {
		t.Fatal(err)
	}
	var events uint64
	wrong := 0
	for i := range randomScenarios {
		text := randomScenario(i)
		s, err := scenario.Parse("random.yaml", text, []string{"replications=3"})
		if err != nil {
			t.Fatalf("random scenario %d: %v\n%s", i, err, text)
		}
		r, err := Run(t.Context(), s, Options{Workers: n})
		if err != nil {
			t.Fatalf("random scenario %d: %v\n%s", i, err, text)
		}
		if r.Conservation.Outcome == "violated" {
			t.Errorf("random scenario %d: %s\n%s", i, r.Conservation.Reason, text)
		}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("result %d %x %s\n", i, sha256.Sum256(b), strings.Join(r.Replications.Hashes, " "))
		events += r.Provenance.Events
		if d := r.Detectors; d[0].Mistakes.Count > 0 {
			wrong++
		}
	}
	// Random scenarios in which nothing happens would be no test.
	if events < 1000*randomScenarios || wrong < randomScenarios/10 {
		t.Errorf("%d events, and mistakes in %d scenarios", events, wrong)
	}
	t.Logf("%d events, and mistakes in %d scenarios", events, wrong)
}

func randomScenario(i int) []byte {
	return scenariotest.Random(sim.NewStream(1, fmt.Sprintf("determinism/%d", i)))
}
