package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"suspect/experiments/reproduce"
	"suspect/model"
)

// call runs a command line.
func call(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = Execute(args, &out, &err)
	return code, out.String(), err.String()
}

// Without a name the experiments are listed, as "list" does.
func TestListOfExperiments(t *testing.T) {
	code, text, _ := call("experiment")
	if code != 0 || !strings.Contains(text, "guarantee-1000") || !strings.Contains(text, "queueing") {
		t.Errorf("exit code %d: %s", code, text)
	}
	code, text, _ = call("experiment", "--format", "json")
	_, list, _ := call("list", "experiments", "--format", "json")
	var l struct{ Experiments []listing }
	if err := json.Unmarshal([]byte(text), &l); err != nil || code != 0 || len(l.Experiments) != len(reproduce.All()) || text != list {
		t.Errorf("exit code %d, %v: %s", code, err, text)
	}
	for _, x := range l.Experiments {
		if x.Name == "" || x.Doc == "" || x.Source == "" {
			t.Errorf("%+v", x)
		}
	}
}

// The help of an experiment tells its source and its parameters with their defaults.
func TestHelpOfExperiment(t *testing.T) {
	code, text, _ := call("experiment", "guarantee-1000", "--help")
	for _, want := range []string{"Source: Grosvenor", "--hosts count", "(default 1000)", "--out", "--seed", "--workers"} {
		if code != 0 || !strings.Contains(text, want) {
			t.Errorf("exit code %d, no %q: %s", code, want, text)
		}
	}
}

func TestExperimentUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"guarantee-100"}, `did you mean "guarantee-1000"?`},
		{[]string{"guarantee-1000", "x"}, `what is "x" for?`},
		{[]string{"guarantee-1000", "--hosts", "many"}, `"many" is not a whole number`},
		{[]string{"guarantee-1000", "--hosts", "1"}, "--hosts: 1: must lie between 2 and 10000"},
		{[]string{"guarantee-1000", "--host", "1"}, `did you mean "--hosts"?`},
		{[]string{"bound-validation", "--length", "5"}, "no unit"},
		{[]string{"bound-validation", "--workers", "-1"}, "must not be negative"},
		{[]string{"queueing", "--replications", "1"}, "--replications: 1"},
	} {
		code, stdout, stderr := call(append([]string{"experiment"}, c.args...)...)
		if code != ExitUsage || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit code %d: %s%s", c.args, code, stdout, stderr)
		}
	}
}

// With --out the page, the document and the figures are written, once.
func TestExperimentReport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	args := []string{"experiment", "bound-validation", "--step", "11", "--draws", "1", "--length", "100us", "--out", dir, "--format", "json"}
	code, stdout, stderr := call(args...)
	if code != 0 || !strings.Contains(stderr, "report.md") {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	results, err := os.ReadFile(filepath.Join(dir, "results.json"))
	if err != nil || string(results) != stdout {
		t.Errorf("the document is not the one that was printed: %v", err)
	}
	for _, name := range []string{"report.md", "bound-validation.svg"} {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || len(data) < 1000 {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
	}
	code, stdout, stderr = call(args...)
	if code != ExitOutput || stdout != "" || !strings.Contains(stderr, "is left as it is") {
		t.Errorf("again: exit code %d: %s%s", code, stdout, stderr)
	}
}

// The checks decide the exit code; what is wrong inside is no error of usage, and a
// signal comes before both.
func TestExperimentCodes(t *testing.T) {
	ended, end := context.WithCancelCause(context.Background())
	end(errSignal)
	wrong := reproduce.Check{What: "x", Outcome: reproduce.Differs}
	unlike := reproduce.Check{What: "x", Outcome: reproduce.NotComparable}
	for _, c := range []struct {
		name   string
		ctx    context.Context
		checks []reproduce.Check
		err    error
		code   int
	}{
		{"agrees", context.Background(), []reproduce.Check{{What: "x", Outcome: reproduce.Agrees}}, nil, 0},
		{"not comparable", context.Background(), []reproduce.Check{unlike}, nil, 0},
		{"differs", context.Background(), []reproduce.Check{unlike, wrong}, nil, ExitNotExpected},
		{"fails", context.Background(), nil, errors.New("broken"), ExitInternal},
		{"wrong parameter", context.Background(), nil, &model.ParamError{Name: "n", Err: errors.New("odd")}, ExitUsage},
		{"interrupted", ended, nil, context.Canceled, ExitInterrupted},
	} {
		for _, format := range []string{"text", "json"} {
			var out, stderr bytes.Buffer
			e := &environment{stdout: &out, stderr: &stderr, format: format}
			s := reproduce.Spec{Name: "x", Doc: "X.", Source: "x", Run: func(context.Context, reproduce.Options) (*reproduce.Document, error) {
				return &reproduce.Document{Checks: c.checks}, c.err
			}}
			err := e.experiment(c.ctx, s, reproduce.Options{}, "")
			code := 0
			if x := new(exit); errors.As(err, &x) {
				code = x.code
			} else if err != nil {
				t.Errorf("%s: %v has no exit code", c.name, err)
			}
			if code != c.code || (out.Len() > 0) != (c.err == nil) {
				t.Errorf("%s, %s: exit code %d (%v), want %d: %s", c.name, format, code, err, c.code, out.String())
			}
		}
	}
}

// Every experiment tells its steps, each once, as a line that says how far it is.
func TestExperimentProgress(t *testing.T) {
	var b bytes.Buffer
	p := newProgress(&b)
	p.next = p.began
	p.step(1, 4, "the first \x1b[2J")
	p.step(2, 4, "too soon")
	if got := b.String(); !strings.HasPrefix(got, " 25%  1 of 4 steps  00:00  00:00 left  the first") || strings.Count(got, "\n") != 1 || strings.Contains(got, "\x1b") {
		t.Errorf("%q", got)
	}
}
