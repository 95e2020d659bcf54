package experiments

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The property suite from a module of somebody else, in twenty lines: it finds nothing in a
// detector that keeps its promise; and where the limit is too short, it fails, and says what to
// type to see the smallest run with a mistake again.
func TestSuiteFromAnotherModule(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/suite")); err != nil {
		t.Fatal(err)
	}
	change := func(file, old, new string) {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err == nil && !bytes.Contains(text, []byte(old)) {
			err = errors.New(file + " lacks " + old)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, file), bytes.Replace(text, []byte(old), []byte(new), 1), 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	change("go.mod", "=> ../../..", "=> "+root)
	sum, err := os.ReadFile("../go.sum")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "go.sum"), sum, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	test := func(args ...string) (string, error) {
		c := exec.Command("go", append([]string{"test", "-mod=mod", "-v"}, args...)...)
		c.Dir = dir
		c.Env = append(os.Environ(), "GOFLAGS=", "GOPROXY=off", "GOWORK=off")
		out, err := c.CombinedOutput()
		return string(out), err
	}
	has := func(out string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("lacks %q:\n%s", w, out)
			}
		}
	}
	out, err := test()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	has(out, "seed 1 (-properties.seed=1)", "--- PASS: TestPerfect/completeness", "--- PASS: TestPerfect/accuracy",
		"--- PASS: TestPerfect/copies", "--- PASS: TestPerfect/outside", "--- PASS: TestPerfect/coverage")

	change("mine_test.go", "2*model.Second", "2*model.Second-2")
	out, err = test("-properties.seed=7")
	if err == nil {
		t.Errorf("a limit that is too short passes:\n%s", out)
	}
	const file = "testdata/counterexamples/TestPerfect/accuracy.json"
	has(out, "seed 7", "--- PASS: TestPerfect/completeness", "--- FAIL: TestPerfect/accuracy", "suspected p", "-run '^TestPerfect$' -properties.replay="+file)
	out, err = test("-run", "^TestPerfect$", "-properties.replay="+file)
	if err == nil {
		t.Errorf("the counterexample is none:\n%s", out)
	}
	has(out, "started p0", "suspected p")

	change("mine_test.go", "2*model.Second-2", "2*model.Second")
	if out, err = test("-run", "TestPerfect/again"); err != nil {
		t.Errorf("after it is mended: %v\n%s", err, out)
	}
	has(out, "--- PASS: TestPerfect/again/accuracy")
}
