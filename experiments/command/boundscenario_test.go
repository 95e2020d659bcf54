package command_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"suspect/model"
)

// scenarioBounds is what is looked at of the answer about a scenario.
type scenarioBounds struct {
	Hash     string `json:"scenario_hash"`
	Signable bool
	Levels   []struct {
		Priority int
		Bound    *struct {
			Delay model.Duration `json:"delay_ps"`
		}
	}
	Assumptions []struct{ Text, Mark, Why string }
}

// The shipped scenario, as text and JSON, agree with each other. Its bound is not below
// n*P/R + 2*L/R + eps = 8*84.8ns + 2*1211.2ns + 1us, which packets can take (and which is
// no bound in general).
func TestBoundScenario(t *testing.T) {
	code, text, stderr := suspect(t, t.TempDir(), "bound", "qjump")
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	code, stdout, _ := suspect(t, t.TempDir(), "bound", "qjump", "--format", "json")
	var b scenarioBounds
	if err := json.Unmarshal([]byte(stdout), &b); err != nil || code != 0 || !b.Signable || len(b.Levels) != 1 || b.Levels[0].Bound == nil {
		t.Fatalf("exit code %d, %v:\n%s", code, err, stdout)
	}
	delay := b.Levels[0].Bound.Delay
	if low := 4100800 * model.Picosecond; delay < low || delay > 3*low/2 {
		t.Errorf("the bound is %v, want %v or little more", delay, low)
	}
	for _, want := range []string{
		"qjump: latency bounds of QJUMP on 8 hosts\n\nGUARANTEED: 1 level in use, under the assumptions below.\n",
		fmt.Sprintf("  Every packet of priority 7 arrives within %v of leaving its limiter.\n", delay),
		"\nscenario " + b.Hash[:16] + "  suspect ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the text does not say %q:\n%s", want, text)
		}
	}
	for _, a := range b.Assumptions {
		if a.Why == "" || a.Text == "" || !strings.Contains(text, "\n  "+a.Mark+"  ") {
			t.Errorf("an assumption is %+v", a)
		}
	}
	// A scenario of one's own, and a change of it.
	if code, changed, _ := suspect(t, t.TempDir(), "bound", "qjump", "--set", "network.topology.star.hosts=16"); code != 0 || !strings.Contains(changed, "on 16 hosts") {
		t.Errorf("exit code %d:\n%s", code, changed)
	}
}

// What bound says of the shipped scenario is in the report of its run too, and the
// slowest packet of the run is no later. The adversary's schedule, replayed, takes as long
// as the report says.
func TestBoundReport(t *testing.T) {
	dir := t.TempDir()
	code, _, stderr := suspect(t, dir, "bound", "qjump", "--out", "signed")
	if want := "report: " + filepath.Join("signed", "latency.md") + "\n"; code != 0 || !strings.HasSuffix(stderr, want) {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if code, _, stderr = suspect(t, dir, "bound", "qjump", "--out", "signed"); code != 0 || !strings.Contains(stderr, "was there already, the same") {
		t.Errorf("again: exit code %d: %s", code, stderr)
	}
	if code, _, stderr = suspect(t, dir, "bound", "qjump", "--seed", "2", "--out", "signed"); code != 74 {
		t.Errorf("another over it: exit code %d: %s", code, stderr)
	}
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	page := read("signed/latency.md")
	for _, m := range regexp.MustCompile(`\]\(([^)]*)\)`).FindAllStringSubmatch(page, -1) {
		read("signed/" + m[1])
	}
	if code, _, stderr = suspect(t, dir, "run", "qjump", "--set", "duration=20ms", "--out", "run"); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	measured := read("run/latency.md")
	m := regexp.MustCompile(`arrives within (\S+) of leaving its limiter; the slowest of [0-9,]+ took (\S+): margin ([0-9.]+)%`).FindStringSubmatch(measured)
	if m == nil {
		t.Fatalf("no verdict:\n%s", measured)
	}
	bound, err := model.ParseDuration(m[1])
	slowest, err2 := model.ParseDuration(m[2])
	if err != nil || err2 != nil || slowest > bound {
		t.Errorf("the slowest packet took %v of %v (%v, %v)", slowest, bound, err, err2)
	}
	if !strings.Contains(page, "arrives within "+m[1]+" of leaving its limiter.") {
		t.Errorf("without a run the bound is another:\n%s", page)
	}
	worst := regexp.MustCompile(`\| 7 \| \S+ \| (\S+) \| \S+ \|.*\| adversary-7.yaml \|`).FindStringSubmatch(page)
	if worst == nil {
		t.Fatalf("no schedule:\n%s", page)
	}
	code, replayed, stderr := suspect(t, dir, "run", "signed/adversary-7.yaml", "--no-report")
	if code != 0 || !strings.Contains(replayed, " "+worst[1]+" ") {
		t.Errorf("the schedule takes %s, replayed (exit code %d):\n%s%s", worst[1], code, replayed, stderr)
	}
}

// A scenario without a bound to sign is told by the exit code, and a wrong question by
// its error.
func TestBoundScenarioCodes(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		// Bulk above the level, without a limiter.
		{[]string{"qjump", "--set", "qjump.levels[0].priority=6", "--set", "monitor.priority=6", "--set", "traffic[0].priority=7"}, 1, "NOT GUARANTEED"},
		{[]string{"first"}, 65, "first has no section qjump"},
		{[]string{"qjumb"}, 65, `(did you mean "qjump"?)`},
		{[]string{"qjump", "--set", "qjump.packet=0B"}, 65, "qjump.packet"},
		{[]string{"qjump", "--hosts", "3"}, 64, "--hosts does not go with the scenario qjump"},
		{[]string{"qjump", "--network", "x.json"}, 64, "--network does not go with the scenario qjump"},
		{[]string{"qjump", "other"}, 64, `what is "other" for?`},
		{[]string{"qjump", "--out", ""}, 64, "--out needs a directory"},
		{[]string{"--out", "x"}, 64, "--out is for a scenario"},
		{[]string{"--set", "a=b", "--hosts", "3"}, 64, "--set is for a scenario"},
		{[]string{"qjump", "--out", "."}, 74, "current directory"},
	} {
		code, stdout, stderr := suspect(t, dir, append([]string{"bound"}, c.args...)...)
		if said := stdout + stderr; code != c.code || !strings.Contains(said, c.says) {
			t.Errorf("%v: exit code %d, want %d:\n%s", c.args, code, c.code, said)
		}
	}
	if left := names(t, dir); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
}

// What bound prints as JSON has the keys that its schema has, all the way down, and every
// type of the schema is described.
func TestBoundSchema(t *testing.T) {
	code, text, _ := suspect(t, t.TempDir(), "schema", "bound")
	type node struct {
		Ref         string `json:"$ref"`
		Type        string
		Description string
		Properties  map[string]*node
		Required    []string
		Items       *node
		AnyOf       []node          `json:"anyOf"`
		Defs        map[string]node `json:"$defs"`
	}
	var schema node
	if err := json.Unmarshal([]byte(text), &schema); err != nil || code != 0 {
		t.Fatal(code, err)
	}
	var same func(path string, n *node, v any)
	same = func(path string, n *node, v any) {
		if name, ok := strings.CutPrefix(n.Ref, "#/$defs/"); ok {
			def, ok := schema.Defs[name]
			if !ok {
				t.Errorf("%s: no definition of %s", path, name)
			}
			n = &def
		}
		switch v := v.(type) {
		case map[string]any:
			if n.Type != "object" {
				t.Errorf("%s: an object where the schema has %q", path, n.Type)
			}
			for key, x := range v {
				if n.Properties[key] == nil {
					t.Errorf("%s: the key %q is not in the schema", path, key)
					continue
				}
				same(path+"."+key, n.Properties[key], x)
			}
			for _, key := range n.Required {
				if _, ok := v[key]; !ok {
					t.Errorf("%s: the key %q is required, and not there", path, key)
				}
			}
		case []any:
			if n.Type != "array" {
				t.Errorf("%s: an array where the schema has %q", path, n.Type)
				return
			}
			for _, x := range v {
				same(path+"[]", n.Items, x)
			}
		case float64, nil:
			kind := "number"
			if v == nil {
				kind = "null"
			}
			ok := n.Type == kind || n.Type == "integer" && v != nil
			for _, x := range n.AnyOf {
				ok = ok || x.Type == kind
			}
			if !ok {
				t.Errorf("%s: %v where the schema has %q", path, v, n.Type)
			}
		case bool:
			if n.Type != "boolean" {
				t.Errorf("%s: a truth value where the schema has %q", path, n.Type)
			}
		case string:
			if n.Type != "string" {
				t.Errorf("%s: a string where the schema has %q", path, n.Type)
			}
		}
	}
	full := filepath.Join(t.TempDir(), "full.json") // a server that need never become empty
	if err := os.WriteFile(full, []byte(twoPorts("5", `["s0", "s1"]`)), 0o666); err != nil {
		t.Fatal(err)
	}
	for i, args := range [][]string{issueBound, {"bound", "--network", full, "--multiplexing", "blind"}, {"bound", "qjump"}} {
		_, stdout, _ := suspect(t, t.TempDir(), append(args, "--format", "json")...)
		var document any
		if err := json.Unmarshal([]byte(stdout), &document); err != nil {
			t.Fatal(err)
		}
		if i >= len(schema.AnyOf) {
			t.Fatalf("the schema has %d documents", len(schema.AnyOf))
		}
		same(strings.Join(args[:2], " "), &schema.AnyOf[i], document)
	}
	for name, def := range schema.Defs {
		if def.Description == "" {
			t.Errorf("type %s has no description", name)
		}
	}
}
