package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"suspect/experiments/run"
	"suspect/experiments/scenario"
	"suspect/sim"
)

// watched is a writer that calls a function with what is written.
type watched struct{ tell func(string) }

func (w watched) Write(b []byte) (int, error) {
	w.tell(string(b))
	return len(b), nil
}

// A signal that comes when the report has been written changes the exit code, and the
// report is said to be complete.
func TestInterruptAfterTheReport(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	e := &environment{stdout: io.Discard, stderr: watched{func(s string) {
		if strings.Contains(s, "report:") {
			cancel(errSignal)
		}
	}}}
	c := newRoot(e)
	dir := filepath.Join(t.TempDir(), "report")
	c.SetArgs([]string{"run", "testdata/small.yaml", "--out", dir})
	var x *exit
	if err := c.ExecuteContext(ctx); !errors.As(err, &x) || x.code != ExitInterrupted || !strings.Contains(err.Error(), "report is complete") {
		t.Errorf("got %v", err)
	}
}

// A report that cannot be written after all does not take the results with it.
func TestReportFailsLate(t *testing.T) {
	out := filepath.Join(t.TempDir(), "report")
	var stdout bytes.Buffer
	e := &environment{stdout: &stdout, stderr: watched{func(s string) {
		if strings.Contains(s, "seed 1") { // the run begins
			os.WriteFile(out, nil, 0o666)
		}
	}}}
	c := newRoot(e)
	c.SetArgs([]string{"run", "testdata/small.yaml", "--out", out})
	var x *exit
	if err := c.Execute(); !errors.As(err, &x) || x.code != ExitOutput || !strings.Contains(stdout.String(), "As expected") {
		t.Errorf("got %v after %s", err, stdout.String())
	}
}

// Events without progress of time are a bug of suspect, what else ends a run is one of
// its scenario.
func TestWhoseFault(t *testing.T) {
	r := &runner{scenario: &scenario.Scenario{Path: "x.yaml"}}
	for _, c := range []struct {
		err  error
		want int
	}{
		{fmt.Errorf("replication 3: %w: 1000001 at 5ps", sim.ErrStill), ExitInternal},
		{fmt.Errorf("%w: by a signal", run.ErrInterrupted), ExitInterrupted},
		{errors.New("fault 2 fits no link"), ExitBadInput},
	} {
		var x *exit
		if err := r.failed(c.err); !errors.As(err, &x) || x.code != c.want {
			t.Errorf("%v: %v, want code %d", c.err, err, c.want)
		}
	}
}

func runProgress(done int) run.Progress { return run.Progress{Done: done, Most: 3} }

// On a terminal the line is painted over and taken away; elsewhere it is not painted.
func TestProgress(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		var b bytes.Buffer
		p := newProgress(&b)
		p.terminal = terminal
		for i := range 3 {
			p.next = p.began // it is time
			p.show(runProgress(i))
		}
		p.clear()
		want := strings.Repeat("\r\x1b[K#", 3) + "\r\x1b[K"
		if !terminal {
			want = "#\n#\n#\n"
		}
		got := b.String()
		for i := range 3 {
			got = strings.Replace(got, progressLine(runProgress(i), 0), "#", 1)
		}
		if got != want {
			t.Errorf("terminal %v: %q, want %q", terminal, got, want)
		}
	}
}

// The exit code judges expectations alone, but for a simulator that loses packets.
func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		outcome, conservation string
		want                  int
	}{
		{run.AsExpected, "holds", ExitAsExpected},
		{run.NotAsExpected, "holds", ExitNotExpected},
		{run.Inconclusive, "holds", ExitInconclusive},
		{run.Inconclusive, "inconclusive", ExitInconclusive},
		{run.AsExpected, "violated", ExitInternal},
	} {
		code := ExitAsExpected
		var x *exit
		if err := verdict(&run.Results{Outcome: c.outcome, Conservation: run.Property{Outcome: c.conservation}}); errors.As(err, &x) {
			code = x.code
		}
		if code != c.want {
			t.Errorf("%s with conservation %s: %d, want %d", c.outcome, c.conservation, code, c.want)
		}
	}
}

// A slip of one or two letters is recognised, another word is not.
func TestMeant(t *testing.T) {
	for _, c := range []struct{ word, want string }{
		{"rum", ` (did you mean "run"?)`}, {"replya", ` (did you mean "replay"?)`}, {"lsit", ` (did you mean "list"?)`},
		{"simulate", ""}, {"", ""}, {strings.Repeat("x", 100), ""},
	} {
		if got := meant(c.word, []string{"run", "replay", "list", "validate"}); got != c.want {
			t.Errorf("meant(%q) = %q, want %q", c.word, got, c.want)
		}
	}
}
