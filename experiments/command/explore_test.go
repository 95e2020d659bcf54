package command

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"suspect/experiments/explorable"
)

// explored runs explore with --format json and returns its document.
func explored(t *testing.T, dir string, args ...string) (code int, d exploredDocument) {
	t.Helper()
	code, stdout, stderr := in(t, dir, append([]string{"explore", "--format", "json"}, args...)...)
	if err := json.Unmarshal([]byte(stdout), &d); err != nil {
		t.Fatalf("suspect explore %v: %v\n%s%s", args, err, stdout, stderr)
	}
	return code, d
}

func TestExploreHolds(t *testing.T) {
	code, d := explored(t, t.TempDir(), "adaptive")
	// The counts are those of the reference model 2,1,2,2,1,8,2,0.
	if s := d.Search; code != ExitAsExpected || !s.Complete || s.States != 15_286 || s.Transitions != 117_764 {
		t.Errorf("exit code %d, %+v", code, d.Search)
	}
}

// A violation is shown and saved, and runs again in the explorer and in the simulator.
func TestExploreViolation(t *testing.T) {
	dir := t.TempDir()
	code, stdout, _ := in(t, dir, "explore", "timeout", "--gst", "--phi", "1", "--out", dir)
	if code != ExitNotExpected {
		t.Fatalf("exit code %d\n%s", code, stdout)
	}
	for _, want := range []string{"SUSPECTS p", "trusts p", "this is repeated for ever", "run it again"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	file := filepath.Join(dir, "explored-timeout-eventual-strong-accuracy.json")
	code, stdout, stderr := in(t, dir, "replay", file)
	if code != ExitNotExpected || !strings.Contains(stdout, "simulated: the same") || !strings.Contains(stdout, "explored: it violates") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, _ = in(t, dir, "replay", file, "--format", "json")
	var d retracedDocument
	if err := json.Unmarshal([]byte(stdout), &d); err != nil || code != ExitNotExpected || d.Simulated != "" || len(d.Records) == 0 {
		t.Errorf("exit code %d, %v\n%s", code, err, stdout)
	}
	// A detector that waits longer does not go that way.
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(text, []byte(`"timeout": "7ms"`), []byte(`"timeout": "70ms"`), 1)
	if bytes.Equal(changed, text) {
		t.Fatalf("no timeout in %s", text)
	}
	if err := os.WriteFile(file, changed, 0o666); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := in(t, dir, "replay", file); code != ExitBadInput || !strings.Contains(stderr, "another one") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// A search that a bound has ended goes on from its checkpoint, to the same end.
func TestExploreResumes(t *testing.T) {
	dir := t.TempDir()
	code, first := explored(t, dir, "adaptive", "--max-states", "3000", "--checkpoint", "half")
	if code != ExitInconclusive || first.Search.Complete || first.Search.Checkpoint != "half" {
		t.Fatalf("exit code %d, %+v", code, first.Search)
	}
	code, d := explored(t, dir, "adaptive", "--checkpoint", "half", "--resume")
	if s := d.Search; code != ExitAsExpected || s.States != 15_286 || s.Transitions != 117_764 {
		t.Errorf("exit code %d, %+v", code, d.Search)
	}
	if code, _, stderr := in(t, dir, "explore", "adaptive", "--delta", "3", "--checkpoint", "half", "--resume"); code != ExitBadInput || !strings.Contains(stderr, "delta=2") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// An interrupt saves the search.
func TestExploreInterrupted(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errSignal)
	var out, errs bytes.Buffer
	if code := execute(ctx, []string{"explore", "adaptive", "--checkpoint", "saved"}, &out, &errs); code != ExitInterrupted || !strings.Contains(errs.String(), "--resume") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
	if code, d := explored(t, dir, "adaptive", "--checkpoint", "saved", "--resume"); code != ExitAsExpected || d.Search.States != 15_286 {
		t.Errorf("exit code %d, %+v", code, d.Search)
	}
}

func TestExploreWalks(t *testing.T) {
	dir := t.TempDir()
	code, d := explored(t, dir, "consensus-s", "detector=arbitrary", "--processes", "2", "--property", "agreement", "--walks", "50", "--depth", "40")
	if code != ExitNotExpected || d.Properties[0].Steps != 2 {
		t.Errorf("exit code %d, %+v", code, d.Properties)
	}
	code, d = explored(t, dir, "consensus-omega", "--walks", "20", "--depth", "40", "--seed", "3")
	if code != ExitInconclusive || d.Walks.Walks != 20 || d.Walks.States < 20 {
		t.Errorf("exit code %d, %+v", code, d.Walks)
	}
}

func TestExploreUsage(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"", "needs the name"},
		{"adaptiv", `"adaptive"`},
		{"adaptive timeout", "no parameter"},
		{"adaptive timeout=xsilent", "no number of steps"},
		{"adaptive --losses 3", "has no such choice"},
		{"consensus-s --delta 3", "has no such choice"},
		{"consensus-s --losses many", "a number, or unlimited"},
		{"consensus-s --property terminaton", `"termination"`},
		{"consensus-s --reduce --property termination", "explore without"},
		{"adaptive --resume", "--checkpoint"},
		{"adaptive --processes 40", "from 1 to 16"},
		{"timeout --processes 5", "more than 4194304 successors"},
		{"timeout --processes 9", "any set of 24 messages"},
		{"link-state", "hosts and switches"},
	} {
		code, _, stderr := in(t, t.TempDir(), append([]string{"explore"}, strings.Fields(c.args)...)...)
		if code != ExitUsage || !strings.Contains(stderr, c.want) {
			t.Errorf("explore %s: exit code %d: %s", c.args, code, stderr)
		}
	}
}

func TestListExplorable(t *testing.T) {
	code, stdout, _ := in(t, t.TempDir(), "list", "explorable")
	for _, s := range explorable.All() {
		if code != 0 || !strings.Contains(stdout, s.Name+"\n") {
			t.Errorf("exit code %d, and %s is not in\n%s", code, s.Name, stdout)
		}
	}
}
