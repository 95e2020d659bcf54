package graphfile

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/experiments/intime"
	"suspect/model"
	"suspect/network"
)

var update = flag.Bool("update", false, "write the golden files; read the difference before committing it")

var testOptions = Options{
	Edge: network.LinkConfig{Rate: 10 * network.Gbps, Delay: model.Microsecond},
	Core: network.LinkConfig{Rate: 40 * network.Gbps, Delay: 2 * model.Microsecond},
}

// golden compares got with the golden file at path.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update writes it):\n%s", path, diff)
	}
}

func files(t testing.TB, dir string) []string {
	t.Helper()
	var paths []string
	all, err := filepath.Glob(filepath.Join("testdata", dir, "*"))
	if err != nil || len(all) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	for _, path := range all {
		if filepath.Ext(path) != ".golden" {
			paths = append(paths, path)
		}
	}
	return paths
}

func TestMalformed(t *testing.T) {
	for _, path := range files(t, "malformed") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			var err error
			intime.Check(t, func() { _, err = Read(path, testOptions) })
			if err == nil {
				t.Fatal("no error")
			}
			golden(t, path+".golden", strings.ReplaceAll(err.Error(), filepath.Dir(path)+"/", "")+"\n")
		})
	}
}

// describe lists all that a topology says.
func describe(t network.Topology) string {
	var b strings.Builder
	for i, name := range t.Names {
		kind := "host"
		if i >= t.Hosts {
			kind = "switch"
		}
		fmt.Fprintf(&b, "%d %s %q\n", i, kind, name)
	}
	for _, l := range t.Links {
		c := l.AtoB
		fmt.Fprintf(&b, "%s -- %s rate=%d delay=%v jitter=%v loss=%v buffer=%v\n",
			t.Names[l.A], t.Names[l.B], c.Rate, c.Delay, c.Jitter, c.Loss.Good, c.Buffer)
		if l.AtoB != l.BtoA {
			b.WriteString("  the other way differs\n")
		}
	}
	return b.String()
}

func TestValid(t *testing.T) {
	for _, path := range files(t, "valid") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			o := testOptions
			if filepath.Base(path) == "backbone.graphml" {
				o.HostsPerSwitch = 2
			}
			topology, err := Read(path, o)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, path+".golden", describe(topology))
		})
	}
}

// The same network comes out of either format.
func TestFormatsAgree(t *testing.T) {
	dot := `graph { b [kind=host]; s -- a [rate="1Gbps"]; b -- s [rate="2Gbps", loss="1%"] }`
	xml := `<graphml><key id="k" for="node" attr.name="kind"/><key id="r" for="edge" attr.name="rate"/><key id="l" for="edge" attr.name="loss"/>
<graph><node id="b"><data key="k">host</data></node><node id="s"/><node id="a"/>
<edge source="s" target="a"><data key="r">1Gbps</data></edge><edge source="b" target="s"><data key="l">0.01</data><data key="r">2Gbps</data></edge></graph></graphml>`
	fromDOT, err := Parse("x.dot", []byte(dot), testOptions)
	if err != nil {
		t.Fatal(err)
	}
	fromXML, err := Parse("x.graphml", []byte("\ufeff"+xml), testOptions)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fromDOT, fromXML); diff != "" {
		t.Error(diff)
	}
	want := network.Topology{Names: []string{"b", "a", "s"}, Hosts: 2, Links: []network.Link{
		{A: 2, B: 1, AtoB: network.LinkConfig{Rate: network.Gbps, Delay: model.Microsecond}},
		{A: 0, B: 2, AtoB: network.LinkConfig{Rate: 2 * network.Gbps, Delay: model.Microsecond, Loss: network.IndependentLoss(0.01)}},
	}}
	for i := range want.Links {
		want.Links[i].BtoA = want.Links[i].AtoB
	}
	if diff := cmp.Diff(want, fromDOT); diff != "" {
		t.Error(diff)
	}
}

func TestHostsPerSwitch(t *testing.T) {
	o := testOptions
	o.HostsPerSwitch = 1
	for _, c := range []struct{ dot, want string }{
		{`graph { a -- b }`, "a-h0 b-h0 | a b"},
		{`graph { alone }`, "alone-h0 | alone"},
		{`graph { a -- b -- x; x [kind=host] }`, "x a-h0 b-h0 | a b"},
	} {
		topology, err := Parse("x.dot", []byte(c.dot), o)
		if err != nil {
			t.Errorf("%s: %v", c.dot, err)
			continue
		}
		got := strings.Join(topology.Names[:topology.Hosts], " ") + " | " + strings.Join(topology.Names[topology.Hosts:], " ")
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.dot, got, c.want)
		}
	}
	_, err := Parse("x.dot", []byte(`graph { a -- b -- "a-h0" }`), o)
	if err == nil || !strings.Contains(err.Error(), `"a-h0"`) {
		t.Errorf("the name of an attached host is taken: %v", err)
	}
}

// Default attributes reach the nodes and edges that come after them in their
// scope, as Graphviz has it.
func TestScopes(t *testing.T) {
	topology, err := Parse("x.dot", []byte(`graph {
	a -- s
	edge [rate="1Gbps"]
	b -- s
	subgraph { edge [rate="2Gbps" delay="7us"]; node [kind=switch]; c -- s }
	d -- s
	c -- x
	subgraph { e -- s }
	{ f; f } -- s
}`), testOptions)
	if err != nil {
		t.Fatal(err)
	}
	want := `0 host "a"
1 host "b"
2 host "d"
3 host "x"
4 host "e"
5 host "f"
6 switch "s"
7 switch "c"
a -- s rate=10000000000 delay=1us jitter=0s loss=0 buffer={0 0}
b -- s rate=1000000000 delay=1us jitter=0s loss=0 buffer={0 0}
c -- s rate=2000000000 delay=7us jitter=0s loss=0 buffer={0 0}
d -- s rate=1000000000 delay=1us jitter=0s loss=0 buffer={0 0}
c -- x rate=1000000000 delay=1us jitter=0s loss=0 buffer={0 0}
e -- s rate=1000000000 delay=1us jitter=0s loss=0 buffer={0 0}
f -- s rate=1000000000 delay=1us jitter=0s loss=0 buffer={0 0}
`
	if diff := cmp.Diff(want, describe(topology)); diff != "" {
		t.Error(diff)
	}
}

func TestMissingRate(t *testing.T) {
	_, err := Parse("x.dot", []byte("graph {\n a -- s\n b -- s [rate=\"1Gbps\"]\n s -- t -- c [rate=\"1Gbps\"] }"), Options{})
	var list ErrorList
	if !errors.As(err, &list) || len(list) != 1 || list[0].Line != 2 || list[0].Column != 4 {
		t.Errorf("got %v, want one error at 2:4", err)
	}
}

// Columns count characters, so that the caret stands right.
func TestColumn(t *testing.T) {
	_, err := Parse("x.dot", []byte("graph { é -- é }"), testOptions)
	want := `x.dot:1:1: no node is a host: mark hosts with the attribute kind=host, or ask for hosts on every switch
     1 | graph { é -- é }
       | ^
x.dot:1:9: "é" has no link
     1 | graph { é -- é }
       |         ^
x.dot:1:11: a link joins "é" to itself
     1 | graph { é -- é }
       |           ^`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v", err)
	}
}

func TestReadErrors(t *testing.T) {
	if _, err := Read("testdata/none.dot", testOptions); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	dir := filepath.Join(t.TempDir(), "dir.dot")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir, testOptions); err == nil {
		t.Error("a directory is read without error")
	}
}

// The largest inputs, and those made to be slow, end within a second.
func TestLargeInputs(t *testing.T) {
	fill := func(prefix, unit, suffix string) string {
		return prefix + strings.Repeat(unit, (MaxBytes-len(prefix)-len(suffix))/len(unit)) + suffix
	}
	star := func(n int, format, suffix string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String() + suffix
	}
	graphml := "<graphml><graph>"
	for _, c := range []struct {
		name, path, text string
		isValid          bool
	}{
		{"too large", "x.dot", strings.Repeat(" ", MaxBytes+1), false},
		{"blanks", "x.dot", strings.Repeat(" ", MaxBytes), false},
		{"one name", "x.dot", fill("graph{", "a", "}"), false},
		{"the same node", "x.dot", fill("graph{", "a ", "}"), false},
		{"the same edge", "x.dot", fill("graph{", "a--b ", "}"), false},
		{"loops", "x.dot", fill("graph{", "a--a\n", "}"), false},
		{"set product", "x.dot", "graph{{" + star(2000, "a%d ", "}--{") + star(2000, "b%d ", "}}"), false},
		{"open braces", "x.dot", fill("graph", "{", ""), false},
		{"defaults", "x.dot", fill("graph{", "edge[loss=0.1]", "a--s--b}"), true},
		{"semicolons", "x.dot", fill("graph{", ";", "}"), false},
		{"open brackets", "x.dot", fill("graph{a", "<", "}"), false},
		{"escapes", "x.dot", fill("graph{\"", `\"`, "\"}"), false},
		{"joined strings", "x.dot", fill("graph{\"\"", `+""`, "}"), false},
		{"large star", "x.dot", "graph{" + star(MaxNodes-1, "h%d--s ", "}"), true},
		{"nested", "x.graphml", fill(graphml, "<a>", ""), false},
		{"nodes", "x.graphml", fill(graphml, "<node id=''/>", "</graph></graphml>"), false},
		{"edges", "x.graphml", fill(graphml+"<node id='a'/><node id='b'/>", "<edge source='a' target='b'/>", "</graph></graphml>"), false},
		{"keys", "x.graphml", fill("<graphml>", "<key id='a'/>", "</graphml>"), false},
		{"attributes", "x.graphml", fill(graphml+"<node ", "a='' ", "/></graph></graphml>"), false},
		{"all attributes", "x.graphml", fill(graphml+"<node id='a'/><node id='b'/>", "<edge source='a' target='b' directed='false' id=''><data key=''>x</data></edge>", "</graph></graphml>"), false},
		{"data", "x.graphml", fill("<graphml><key id='r' for='edge' attr.name='rate'/><graph><node id='a'/><node id='b'/><edge source='a' target='b'>", "<data key='r'>1Gbps</data>", "</edge></graph></graphml>"), true},
		{"distinct nodes", "x.graphml", graphml + star(50_000, "<node id='%d'/>", "</graph></graphml>"), false},
		{"comments", "x.graphml", fill(graphml, "<!---->", "</graph></graphml>"), false},
		{"instructions", "x.graphml", fill(graphml, "<?a?>", "</graph></graphml>"), false},
		{"references", "x.graphml", fill(graphml, "&lt;", "</graph></graphml>"), false},
		{"empty elements", "x.graphml", fill(graphml, "<a/>", "</graph></graphml>"), false},
		{"large star", "x.graphml", graphml + "<node id='s'/>" + star(MaxNodes-1, "<node id='%[1]d'/><edge source='s' target='%[1]d'/>", "</graph></graphml>"), true},
	} {
		t.Run(c.name+" "+filepath.Ext(c.path), func(t *testing.T) {
			var err error
			intime.Check(t, func() { _, err = Parse(c.path, []byte(c.text), testOptions) })
			if (err == nil) != c.isValid {
				t.Errorf("error: %v", err)
			}
			if err != nil && len(err.Error()) > 20_000 {
				t.Errorf("a message of %d bytes", len(err.Error()))
			}
		})
	}
}
