package graphfile

import (
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/graph/formats/dot"
	"gonum.org/v1/gonum/graph/formats/dot/ast"

	"suspect/network"
)

// seeds adds the test files with one of the extensions.
func seeds(f *testing.F, extensions ...string) {
	for _, dir := range []string{"malformed", "valid"} {
		for _, path := range files(f, dir) {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			for _, e := range extensions {
				if filepath.Ext(path) == e {
					f.Add(text)
				}
			}
		}
	}
}

// checkParse parses text and checks what holds of every result: a topology that
// can be run, or errors that lie in the text.
func checkParse(t *testing.T, path string, text []byte) (network.Topology, error) {
	t.Helper()
	topology, err := Parse(path, text, testOptions)
	if err == nil {
		if errs := topology.Validate(); errs != nil {
			t.Errorf("accepted, but %v", errs)
		}
		return topology, nil
	}
	lines := strings.Split(strings.TrimPrefix(string(text), "\ufeff"), "\n")
	for _, e := range err.(ErrorList) {
		if e.Line < 1 || e.Line > len(lines) || e.Column < 1 || e.Column > len(lines[e.Line-1])+1 {
			t.Errorf("error outside of the text: %v", e)
		}
		for _, r := range e.Message + e.Text {
			if r < ' ' {
				t.Errorf("control character in the error %q", e.Message)
			}
		}
	}
	return topology, err
}

func FuzzGraphML(f *testing.F) {
	seeds(f, ".graphml")
	f.Fuzz(func(t *testing.T, text []byte) { checkParse(t, "x.graphml", text) })
}

// FuzzDOT compares the parser with that of gonum, an independent one: it accepts
// what we accept, with the same nodes and edges.
func FuzzDOT(f *testing.F) {
	seeds(f, ".dot", ".gv")
	f.Fuzz(func(t *testing.T, text []byte) {
		topology, err := checkParse(t, "x.dot", text)
		if err != nil || beyondGonum(string(text)) {
			return
		}
		file, err := dot.ParseBytes(text)
		if err != nil {
			t.Fatalf("gonum refuses what we accept: %v", err)
		}
		want := gonumGraph(file.Graphs[0])
		got := make(map[string][]string)
		for _, n := range topology.Names {
			got[n] = nil
		}
		for _, l := range topology.Links {
			a, b := topology.Names[l.A], topology.Names[l.B]
			got[a] = append(got[a], b)
			got[b] = append(got[b], a)
		}
		for _, neighbours := range got {
			sort.Strings(neighbours)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-gonum +ours:\n%s", diff)
		}
	})
}

// beyondGonum tells whether text may use what gonum's grammar lacks: joined strings,
// keywords in odd capitals, a comment at the end of the file, form feeds, escapes
// and nested HTML.
func beyondGonum(text string) bool {
	for _, k := range dotKeywords {
		if strings.Count(strings.ToLower(text), k) != strings.Count(text, k) {
			return true
		}
	}
	return strings.ContainsAny(text, "+\\<#\f\v\x00\ufeff\ufffd") || strings.Contains(text, "/")
}

// gonumGraph returns the neighbours of each node.
func gonumGraph(g *ast.Graph) map[string][]string {
	graph := make(map[string][]string)
	unquote := func(id string) string {
		if strings.HasPrefix(id, `"`) {
			return id[1 : len(id)-1]
		}
		return id
	}
	var statements func([]ast.Stmt) []string
	vertex := func(v ast.Vertex) []string {
		switch v := v.(type) {
		case *ast.Node:
			name := unquote(v.ID)
			graph[name] = append(graph[name], []string{}...)
			return []string{name}
		case *ast.Subgraph:
			return statements(v.Stmts)
		}
		panic("unknown vertex")
	}
	statements = func(list []ast.Stmt) []string {
		nodes := make(map[string]bool)
		add := func(names []string) []string {
			for _, n := range names {
				nodes[n] = true
			}
			return names
		}
		for _, s := range list {
			switch s := s.(type) {
			case *ast.NodeStmt:
				add(vertex(s.Node))
			case *ast.Subgraph:
				add(statements(s.Stmts))
			case *ast.EdgeStmt:
				from := add(vertex(s.From))
				for e := s.To; e != nil; e = e.To {
					to := add(vertex(e.Vertex))
					for _, a := range from {
						for _, b := range to {
							graph[a] = append(graph[a], b)
							graph[b] = append(graph[b], a)
						}
					}
					from = to
				}
			}
		}
		var names []string
		for n := range nodes {
			names = append(names, n)
		}
		return names
	}
	statements(g.Stmts)
	for _, neighbours := range graph {
		sort.Strings(neighbours)
	}
	return graph
}
