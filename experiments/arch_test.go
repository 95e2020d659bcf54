package experiments

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mayImport says which of our packages each of them may import, and why not more.
// Packages below experiments may import everything.
var mayImport = map[string]struct {
	ours []string
	why  string
}{
	"suspect/model":      {nil, "the vocabulary stands on nothing"},
	"suspect/sim":        {[]string{"suspect/model"}, "the kernel knows no packets and no detectors"},
	"suspect/network":    {[]string{"suspect/model", "suspect/sim"}, "a network hosts any automaton and knows no detector"},
	"suspect/qjump":      {[]string{"suspect/model", "suspect/sim", "suspect/network"}, "limiters and bounds know no detector"},
	"suspect/detectors":  {[]string{"suspect/model", "suspect/detectors/seeded"}, "a detector is a pure automaton and never sees the simulator"},
	"suspect/properties": {[]string{"suspect/model", "suspect/sim"}, "a property reads records, whoever wrote them"},
}

// banned are packages that a deterministic core has no use for.
var banned = map[string]string{
	"time":         "time is model.Time; wall-clock limits reach the kernel as a stop function",
	"sync":         "a simulation has one goroutine",
	"sync/atomic":  "a simulation has one goroutine",
	"os":           "inputs are arguments",
	"math/rand":    "randomness is a named sim.Stream",
	"hash/maphash": "its seed differs between processes",
}

// allowed are exceptions: what runs many systems at once, or keeps files. The results do
// not depend on it.
var allowed = map[string][]string{
	"suspect/properties":         {"os"},                        // the suite keeps counterexamples
	"suspect/properties/explore": {"os", "sync", "sync/atomic"}, // workers, and counterexamples
}

// isCore tells whether a package is one of the deterministic core, or below one.
func isCore(path string) bool {
	for core := range mayImport {
		if path == core || strings.HasPrefix(path, core+"/") {
			return true
		}
	}
	return false
}

type listed struct {
	ImportPath string
	Dir        string
	Imports    []string
	GoFiles    []string
}

func list(t *testing.T) []listed {
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles", "suspect/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// policyOf returns the policy for a package: its own, or that of the core package
// that it lies below, which it may import as well.
func policyOf(path string) (ours []string, why string) {
	for core, policy := range mayImport {
		if path == core {
			return policy.ours, policy.why
		}
		if strings.HasPrefix(path, core+"/") {
			return append([]string{core}, policy.ours...), policy.why
		}
	}
	return nil, ""
}

// siblings tells whether both packages lie below the same core package.
func siblings(a, b string) bool {
	for core := range mayImport {
		if strings.HasPrefix(a, core+"/") && strings.HasPrefix(b, core+"/") {
			return true
		}
	}
	return false
}

// The arrows between our packages are the ones in the README's map.
func TestImportPolicy(t *testing.T) {
	packages := list(t)
	if len(packages) < len(mayImport) {
		t.Fatalf("go list found only %d packages", len(packages))
	}
	for _, p := range packages {
		if !isCore(p.ImportPath) {
			continue
		}
		ours, why := policyOf(p.ImportPath)
		for _, imported := range p.Imports {
			if strings.HasPrefix(imported, "suspect/") && !slices.Contains(ours, imported) && !siblings(p.ImportPath, imported) {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, why)
			}
			if why, ok := banned[imported]; ok && !slices.Contains(allowed[p.ImportPath], imported) {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, why)
			}
		}
	}
}

// The core has no goroutines and no channels to choose among: both would make a
// run depend on the scheduler.
func TestCoreHasNoGoroutines(t *testing.T) {
	files := 0
	for _, p := range list(t) {
		if !isCore(p.ImportPath) || slices.Contains(allowed[p.ImportPath], "sync") {
			continue
		}
		for _, name := range p.GoFiles {
			files++
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n.(type) {
				case *ast.GoStmt, *ast.SelectStmt, *ast.SendStmt:
					t.Errorf("%s: a goroutine or channel in the core", set.Position(n.Pos()))
				}
				return true
			})
		}
	}
	if files < 20 {
		t.Errorf("only %d files were looked at", files)
	}
}

// The top level is fixed by the project's owner.
func TestTopLevel(t *testing.T) {
	allowed := []string{
		"model", "network", "detectors", "qjump", "sim", "properties", "experiments", "go.mod", "go.sum", "README.md",
	}
	entries, err := fs.ReadDir(os.DirFS(".."), ".")
	if err != nil {
		t.Fatal(err)
	}
	allowed = append(allowed, "reports", "suspect") // of runs and builds, ignored by git
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(allowed, e.Name()) {
			t.Errorf("%s is not part of the fixed top level", e.Name())
		}
	}
}
