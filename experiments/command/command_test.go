package command_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"suspect/experiments/command"
	"suspect/experiments/run"
	"suspect/experiments/scenarios"
)

var update = flag.Bool("update", false, "write the golden files anew")

// binary is the command, built once.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "suspect-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "suspect")
	out, err := exec.Command("go", "build", "-o", binary, "suspect/experiments/cmd/suspect").CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s%v\n", out, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// small is a scenario that runs in milliseconds.
func small(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("testdata/small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// suspect runs the binary in dir and returns what came out.
func suspect(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	c := exec.Command(binary, args...)
	c.Dir = dir
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	var status *exec.ExitError
	if err != nil && !errors.As(err, &status) {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

// names returns the files and directories below dir.
func names(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if path != dir {
			list = append(list, path[len(dir)+1:])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// rogue are arguments that run the shipped levels beside a sender that passes no limiter.
func rogue(more ...string) []string {
	return append([]string{
		"run", "qjump", "--set", "duration=2ms", "--set", "warmup=0s", "--set", "detectors=[]",
		"--set", "traffic=[{use: periodic, from: h3, to: h0, packet: 64B, period: 10us, priority: 7}, {use: bulk, from: [h1, h2], to: h0, packet: 64B, priority: 7, limiter: none}]",
		"--set", "properties=[{use: latency-bound}]", "--set", "expect=[{property: latency-bound, outcome: holds}]",
	}, more...)
}

func TestExitCodes(t *testing.T) {
	file := small(t)
	inconclusive := "expect=[{property: eventual-strong-accuracy, detector: careful, outcome: holds}]"
	for _, c := range []struct {
		name string
		args []string
		code int
		want string // in what is printed
	}{
		{"as expected", []string{"run", file, "--no-report"}, 0, "As expected: 3 of 3"},
		{"not as expected", []string{"run", file, "--no-report", "--set", "expect[0].outcome=violated"}, 1, "NOT as expected: 2 of 3"},
		{"inconclusive", []string{"run", file, "--no-report", "--set", inconclusive}, 3, "Inconclusive: 0 of 1"},
		{"inconclusive as expected", []string{"run", file, "--no-report", "--set", strings.Replace(inconclusive, "holds", "inconclusive", 1)}, 0, "As expected: 1 of 1"},
		{"a bound broken without a detector", rogue("--no-report"), 1, "NOT as expected: 0 of 1"},
		{"a bound broken, for programs", rogue("--no-report", "--format", "json"), 1, " released packet="},
		{"shipped", []string{"validate", "first"}, 0, "first is valid"},

		{"no verb", nil, 64, "Available Commands"},
		{"unknown verb", []string{"rum"}, 64, `unknown verb "rum" (did you mean "run"?)`},
		{"no file", []string{"run"}, 64, "needs the FILE"},
		{"two files", []string{"run", file, "other"}, 64, `what is "other" for?`},
		{"unknown flag", []string{"run", file, "--sed", "4"}, 64, `unknown flag --sed (did you mean "--seed"?)`},
		{"bad seed", []string{"run", file, "--seed", "-1"}, 64, "--seed"},
		{"bad workers", []string{"run", file, "--workers", "-1"}, 64, "must not be negative"},
		{"bad format", []string{"run", file, "--format", "xml"}, 64, `unknown format "xml"`},
		{"no directory", []string{"run", file, "--out", ""}, 64, "--out needs a directory"},
		{"report and none", []string{"run", file, "--out", "x", "--no-report"}, 64, "none with --no-report"},
		{"bad workers of an experiment", []string{"experiment", "chen", "--workers", "-1"}, 64, "must not be negative"},
		{"unknown row", []string{"experiment", "chen", "--rows", "S99/E_TM", "--packets", "60"}, 64, "S99/E_TM"},
		{"unknown experiment", []string{"experiment", "chan"}, 64, `(did you mean "chen"?)`},
		{"two of a name", []string{"replay", "heartbeats-loopback-2ms.csv.gz", "--detector", "timeout name=a", "--detector", "nfd-s name=a"}, 64, `already a detector "a"`},
		{"unknown list", []string{"list", "fault"}, 64, `(did you mean "faults"?)`},
		{"unknown schema", []string{"schema", "result"}, 64, `(did you mean "results"?)`},
		{"unknown template", []string{"init", "--template", "starr"}, 64, `(did you mean "star"?)`},
		{"no detector", []string{"replay", "heartbeats-loopback-2ms.csv.gz"}, 64, "needs a detector"},
		{"unknown detector", []string{"replay", "x.csv", "--detector", "timeuot"}, 64, `(did you mean "timeout"?)`},
		{"parameter without value", []string{"replay", "x.csv", "--detector", "timeout 5ms"}, 64, "write name=value"},
		{"bad parameter", []string{"replay", "heartbeats-loopback-2ms.csv.gz", "--detector", "timeout timeout=5"}, 64, "no unit"},
		{"bad period", []string{"replay", "x.csv", "--detector", "timeout", "--eta", "0s"}, 64, "not a period"},

		{"missing file", []string{"run", "firts"}, 65, `(did you mean "first"?)`},
		{"a directory", []string{"run", "."}, 65, "is a directory"},
		{"unknown key", []string{"run", file, "--set", "durration=3s"}, 65, `did you mean "duration"`},
		{"no path", []string{"run", file, "--set", "duration"}, 65, "path=value"},
		{"bad value", []string{"validate", file, "--set", "detectors[0].timeout=60"}, 65, "no unit"},
		{"bad index", []string{"validate", file, "--set", "detectors[7].timeout=60ms"}, 65, "2 entries"},
		{"two errors", []string{"validate", file, "--set", "duration=3", "--set", "detectors[1].use=tiemout"}, 65, "2 errors"},
		{"missing trace", []string{"replay", "none.csv", "--detector", "timeout"}, 65, "none.csv"},
		{"no trace", []string{"replay", file, "--detector", "timeout"}, 65, "small.yaml:1:1"},

		{"help", []string{"help"}, 0, "Exit codes"},
		{"help of run", []string{"run", "--help"}, 0, "--set"},
		{"version", []string{"version"}, 0, "suspect " + run.Version},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			code, stdout, stderr := suspect(t, dir, c.args...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if !strings.Contains(stdout+stderr, c.want) {
				t.Errorf("what came out lacks %q", c.want)
			}
			if code >= 64 && stdout != "" {
				t.Errorf("an error, and results on stdout: %s", stdout)
			}
			if n := strings.Count(stderr, "suspect: "); code >= 64 && c.args != nil && n != 1 {
				t.Errorf("the error is told %d times", n)
			}
			if left := names(t, dir); len(left) > 0 {
				t.Errorf("files were left: %v", left)
			}
			if t.Failed() {
				t.Logf("stdout: %s\nstderr: %s", stdout, stderr)
			}
		})
	}
}

// A truncated run is inconclusive, even where it expects nothing.
func TestTruncatedRun(t *testing.T) {
	code, stdout, _ := suspect(t, t.TempDir(), "run", small(t), "--no-report", "--set", "expect=[]",
		"--set", "limits.wall=1ms", "--set", "duration=1000s", "--set", "replications=1")
	if code != command.ExitInconclusive || !strings.Contains(stdout, "Inconclusive") || !strings.Contains(stdout, "Truncated") {
		t.Errorf("exit code %d: %s", code, stdout)
	}
}

// The page of a small scenario, word by word. Its numbers are not judged here.
func TestGoldenRun(t *testing.T) {
	_, stdout, _ := suspect(t, t.TempDir(), "run", small(t), "--no-report")
	golden(t, "run.txt", stdout)
	_, stdout, _ = suspect(t, t.TempDir(), "replay", "heartbeats-loopback-2ms.csv.gz", "--detector", "timeout name=hasty timeout=5ms", "--detector", "nfd-s delta=20ms")
	golden(t, "replay.txt", stdout)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// Digits change when the simulator does; the words should not.
	digits := regexp.MustCompile(`[0-9a-f]{16,}|[0-9][0-9.,]*|  +`)
	if d := cmp.Diff(digits.ReplaceAllString(string(want), "#"), digits.ReplaceAllString(got, "#")); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// A report is written once, found again, and made anew from its own scenario.
func TestReports(t *testing.T) {
	dir := t.TempDir()
	file := small(t)
	code, first, stderr := suspect(t, dir, "run", file, "--out", "a", "--workers", "1")
	if code != 0 || !strings.Contains(stderr, "report: a/report.md") {
		t.Fatal(code, stderr)
	}
	want := []string{"a", "a/detection.csv", "a/detection.svg", "a/detectors.csv", "a/latency.csv", "a/latency.svg", "a/machine.json",
		"a/mistakes.csv", "a/properties.csv", "a/provenance.json", "a/report.md", "a/results.json", "a/scenario.yaml", "a/worst-mistake.svg"}
	if d := cmp.Diff(want, names(t, dir)); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}

	code, again, stderr := suspect(t, dir, "run", file, "--out", "a", "--workers", "4")
	if code != 0 || !strings.Contains(stderr, "was there already, the same") {
		t.Error(code, stderr)
	}
	if again != first {
		t.Error("the same run printed something else")
	}

	code, _, stderr = suspect(t, dir, "run", "a/scenario.yaml", "--out", "b")
	if code != 0 {
		t.Fatal(code, stderr)
	}
	for _, name := range want[1:] {
		x, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		y, err := os.ReadFile(filepath.Join(dir, "b", filepath.Base(name)))
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(name) != "machine.json" && !bytes.Equal(x, y) {
			t.Errorf("%s came out differently from the resolved scenario", name)
		}
	}

	// Without --out the name tells scenarios and seeds apart.
	suspect(t, dir, "run", file)
	suspect(t, dir, "run", file)
	suspect(t, dir, "run", file, "--seed", "8")
	if list, _ := os.ReadDir(filepath.Join(dir, "reports")); len(list) != 2 {
		t.Errorf("three runs of two seeds made %v", list)
	}
}

// What is in the way of a report is told before anything runs, and stays.
func TestReportInTheWay(t *testing.T) {
	file := small(t)
	for _, c := range []struct {
		name    string
		prepare func(out string) error
		want    string
	}{
		{"file", func(out string) error { return os.WriteFile(out, []byte("mine"), 0o666) }, "already there"},
		{"directory", func(out string) error {
			return errors.Join(os.Mkdir(out, 0o777), os.WriteFile(filepath.Join(out, "mine"), nil, 0o666))
		}, "already there"},
		{"parent is a file", func(out string) error { return os.WriteFile(filepath.Dir(out)+"/f", nil, 0o666) }, "not a directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			out := filepath.Join(dir, "out")
			if err := c.prepare(out); err != nil {
				t.Fatal(err)
			}
			if c.name == "parent is a file" {
				out = filepath.Join(dir, "f", "out")
			}
			before := names(t, dir)
			code, stdout, stderr := suspect(t, dir, "run", file, "--out", out)
			if code != command.ExitOutput || !strings.Contains(stderr, c.want) || stdout != "" {
				t.Errorf("exit code %d, %s%s", code, stdout, stderr)
			}
			if d := cmp.Diff(before, names(t, dir)); d != "" {
				t.Errorf("something changed:\n%s", d)
			}
		})
	}
}

// A report that cannot be written is told before the run, which would take for ever.
func TestUnwritableReport(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "reports"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--out", "/proc/self/report"}, {"--out", "/proc/self/a/report"}, nil} {
		args = append([]string{"run", small(t), "--set", "duration=100h", "--set", "limits.events=2000000000"}, args...)
		code, stdout, stderr := suspect(t, dir, args...)
		if code != command.ExitOutput || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "report directory") {
			t.Errorf("%v: exit code %d, %s%s", args, code, stdout, stderr)
		}
	}
}

// The signal ends a comparison too, between its many replications: it comes when the first line
// says how far they are.
func TestInterruptExperiment(t *testing.T) {
	for _, name := range []string{"chen", "queueing"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := exec.Command(binary, "experiment", name, "--packets", "1000000000", "--replications", "10000")
			var stdout bytes.Buffer
			c.Stdout = &stdout
			pipe, err := c.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			stderr := bufio.NewReader(pipe)
			line, err := stderr.ReadString('\n')
			if err != nil || !strings.Contains(line, "steps") {
				t.Errorf("%q (%v): no line that says how far it is", line, err)
			}
			began := time.Now()
			c.Process.Signal(syscall.SIGTERM)
			rest, err := io.ReadAll(stderr)
			c.Wait()
			if code := c.ProcessState.ExitCode(); err != nil || code != command.ExitInterrupted || stdout.Len() > 0 || !strings.Contains(string(rest), "interrupted") {
				t.Errorf("exit code %d (%v): %s%s", code, err, stdout.String(), rest)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("it took %v to stop", took)
			}
		})
	}
}

func TestFullStdout(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for _, args := range [][]string{
		{"run", small(t), "--no-report"}, {"run", small(t), "--no-report", "--format", "json"}, {"validate", small(t)},
		{"list"}, {"schema"}, {"version"}, {"replay", "heartbeats-loopback-2ms.csv.gz", "--detector", "timeout"},
	} {
		c := exec.Command(binary, args...)
		c.Dir = t.TempDir()
		var stderr bytes.Buffer
		c.Stdout, c.Stderr = full, &stderr
		c.Run()
		if code := c.ProcessState.ExitCode(); code != command.ExitOutput || !strings.Contains(stderr.String(), "no space left") {
			t.Errorf("%v: exit code %d, %s", args, code, stderr.String())
		}
	}
}

func TestInitOverwritesNothing(t *testing.T) {
	dir := t.TempDir()
	for _, template := range scenarios.Names() {
		file := template + "-mine.yaml"
		if code, _, stderr := suspect(t, dir, "init", "--template", template, file); code != 0 {
			t.Fatal(stderr)
		}
		if code, _, stderr := suspect(t, dir, "validate", file); code != 0 {
			t.Errorf("the template %s is no valid scenario: %s", template, stderr)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "mine.yaml"), []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := suspect(t, dir, "init", "mine.yaml")
	data, _ := os.ReadFile(filepath.Join(dir, "mine.yaml"))
	if code != command.ExitOutput || string(data) != "mine" || !strings.Contains(stderr, "already there") {
		t.Errorf("exit code %d, %q: %s", code, data, stderr)
	}
}

// Ctrl-C in a run leaves no report and says so. Another signal that comes with the first,
// as to a process and its group, is the same one and does not end the run at once.
func TestInterrupt(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		dir := t.TempDir()
		c := exec.Command(binary, "run", small(t), "--out", "report", "--set", "duration=100h", "--set", "limits.events=2000000000")
		c.Dir = dir
		var stdout, stderr bytes.Buffer
		c.Stdout = &stdout
		pipe, err := c.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		line := make([]byte, 1)
		pipe.Read(line) // it has begun: the seed is told
		time.Sleep(50 * time.Millisecond)
		began := time.Now()
		c.Process.Signal(sig)
		c.Process.Signal(syscall.SIGINT + syscall.SIGTERM - sig) // the other one: two alike may become one
		stderr.Write(line)
		stderr.ReadFrom(pipe)
		c.Wait()
		if code := c.ProcessState.ExitCode(); code != command.ExitInterrupted {
			t.Errorf("%v: exit code %d: %s", sig, code, stderr.String())
		}
		if !strings.Contains(stderr.String(), "no report was written (seed 1") || stdout.Len() > 0 {
			t.Errorf("%v: it did not say that there is no report: %s%s", sig, stdout.String(), stderr.String())
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%v: it took %v to stop", sig, took)
		}
		if left := names(t, dir); len(left) > 0 {
			t.Errorf("%v: files were left: %v", sig, left)
		}
	}
}

// Whenever the signal comes, there is a complete report or none.
func TestInterruptAtAnyTime(t *testing.T) {
	complete := 14 // files
	for i := range 12 {
		dir := t.TempDir()
		c := exec.Command(binary, "run", small(t), "--out", "report")
		c.Dir = dir
		var stderr bytes.Buffer
		c.Stderr = &stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i) * 8 * time.Millisecond)
		c.Process.Signal(os.Interrupt)
		c.Wait()
		left, said := names(t, dir), stderr.String()
		switch code := c.ProcessState.ExitCode(); {
		case code == -1 && len(left) == 0: // before the program could ask for the signal
		case code == command.ExitInterrupted && len(left) == 0 && strings.Contains(said, "no report was written"):
		case code == command.ExitInterrupted && len(left) == complete && strings.Contains(said, "report is complete"):
		case code == 0 && len(left) == complete: // it was over
		default:
			t.Errorf("exit code %d with %d files: %s", code, len(left), said)
		}
	}
}

// What is printed as JSON has the keys that its schema has.
func TestJSON(t *testing.T) {
	dir := t.TempDir()
	type definitions map[string]struct {
		Properties map[string]any `json:"properties"`
		Required   []string       `json:"required"`
	}
	read := func(schema string, args ...string) (definitions, map[string]any) {
		_, text, _ := suspect(t, dir, "schema", schema)
		var s struct {
			Defs definitions `json:"$defs"`
		}
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		code, stdout, _ := suspect(t, dir, append(args, "--format", "json")...)
		var results map[string]any
		if err := json.Unmarshal([]byte(stdout), &results); err != nil || code != 0 {
			t.Fatal(code, err)
		}
		if v, _ := results["schema_version"].(float64); v < 1 {
			t.Errorf("%v: schema_version is %v", args, results["schema_version"])
		}
		return s.Defs, results
	}
	same := func(defs definitions, name string, value any) {
		def := defs[name]
		if len(def.Properties) == 0 {
			t.Errorf("the schema has no %s", name)
		}
		object := value.(map[string]any)
		for key := range object {
			if def.Properties[key] == nil {
				t.Errorf("%s has the key %q, which the schema does not", name, key)
			}
		}
		for _, key := range def.Required {
			if _, ok := object[key]; !ok {
				t.Errorf("%s lacks the key %q, which the schema requires", name, key)
			}
		}
	}
	defs, results := read("results", "run", small(t), "--no-report")
	same(defs, "Results", results)
	same(defs, "Provenance", results["provenance"])
	for _, d := range results["detectors"].([]any) {
		same(defs, "Detector", d)
	}
	defs, results = read("replay", "replay", "heartbeats-loopback-2ms.csv.gz", "--detector", "timeout", "--detector", "timeout timeout=100s")
	same(defs, "Results", results)
	same(defs, "Delays", results["delay"])
	for i, d := range results["detectors"].([]any) {
		same(defs, "DetectorResult", d)
		if want := []string{"timeout", "timeout-2"}[i]; d.(map[string]any)["name"] != want {
			t.Errorf("detector %d is not called %s", i, want)
		}
	}
	defs, results = read("experiment", "experiment", "queueing", "--rows", "DD1-1,MM1-1a", "--packets", "200000")
	same(defs, "Document", results)
	for def, key := range map[string]string{"Check": "checks", "Table": "tables"} {
		for _, x := range results[key].([]any) {
			same(defs, def, x)
		}
	}
	for _, args := range [][]string{
		{"validate", small(t)}, {"list"}, {"version"},
	} {
		_, stdout, _ := suspect(t, dir, append(args, "--format", "json")...)
		if !json.Valid([]byte(stdout)) {
			t.Errorf("%v is not JSON: %s", args, stdout)
		}
	}
	// Where a scenario is wrong, JSON tells what and where on stdout.
	code, stdout, _ := suspect(t, dir, "validate", small(t), "--format", "json", "--set", "duration=3", "--set", "durration=3s")
	var v struct {
		Valid  bool
		Errors []struct{ Line, Column int }
	}
	if err := json.Unmarshal([]byte(stdout), &v); err != nil || code != command.ExitBadInput || v.Valid || len(v.Errors) != 2 {
		t.Errorf("exit code %d: %s %v", code, stdout, err)
	}
}

// A module of somebody else adds a detector, a fault and a property in a main of ten
// lines.
func TestOtherModule(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../testdata/example")); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	mod = bytes.Replace(mod, []byte("=> ../../.."), []byte("=> "+root), 1)
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "go.mod"), mod, 0o666), os.WriteFile(filepath.Join(dir, "go.sum"), sum, 0o666)); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-mod=mod", "-o", "mine", ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOFLAGS=", "GOPROXY=off", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s%v", out, err)
	}
	mine := func(args ...string) string {
		c := exec.Command(filepath.Join(dir, "mine"), args...)
		c.Dir = dir
		out, err := c.CombinedOutput()
		if err != nil {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	listed := mine("list")
	schema := mine("schema")
	for _, name := range []string{"increasing", "unplug", "few-changes"} {
		if !strings.Contains(listed, name) || !strings.Contains(schema, `"`+name+`"`) {
			t.Errorf("%s is not listed, or not in the schema", name)
		}
	}
	if out := mine("run", "scenario.yaml", "--no-report"); !strings.Contains(out, "As expected: 2 of 2") {
		t.Errorf("its scenario:\n%s", out)
	}
}

// A directory by the name of a shipped scenario does not hide it, as in the root of
// this module; and errors in a shipped one name no temporary file.
func TestShippedScenarios(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "qjump"), 0o755); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := suspect(t, dir, "validate", "qjump"); code != 0 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	code, _, stderr := suspect(t, dir, "validate", "lossy", "--set", "duration=1ms")
	if code != command.ExitBadInput || !strings.Contains(stderr, "\nlossy.yaml:") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
