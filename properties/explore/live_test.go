package explore_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"suspect/properties"
	"suspect/properties/explore"
)

// toy is a System of a few nodes, drawn at random. Its states have as many words as it
// is told, all of them made from the number of the node.
type toy struct {
	words     int
	processes int
	edges     [][]edge
	stable    []bool
	up        []uint64
	colour    []int // for predicates
	learnt    []bool
}

type edge struct {
	to    int
	moved uint64
}

func (g *toy) Processes() int                        { return g.processes }
func (g *toy) Renamings() int                        { return 1 }
func (g *toy) Rename(state []uint64, r int) []uint64 { return state }
func (g *toy) Words() int                            { return g.words }
func (g *toy) Bits() int                             { return 3 }
func (g *toy) Bytes() int64                          { return 0 }
func (g *toy) Locals() []int                         { return nil }

func (g *toy) state(v int) []uint64 {
	s := make([]uint64, g.words)
	for i := range s {
		s[i] = uint64(v + i)
	}
	return s
}

func (g *toy) First() ([]uint64, error)   { return g.state(0), nil }
func (g *toy) Expander() explore.Expander { return g }

func (g *toy) Expand(state []uint64, out *explore.Successors) bool {
	v := int(state[0])
	for _, e := range g.edges[v] {
		out.States = append(out.States, g.state(e.to)...)
		if out.Steps {
			out.Moved = append(out.Moved, e.moved)
		}
	}
	return g.learnt[v]
}

func (g *toy) Learn(state []uint64) error {
	g.learnt[state[0]] = true
	return nil
}

func (g *toy) View(state []uint64, v *explore.View) {
	n := state[0]
	*v = explore.View{N: g.processes, Up: g.up[n], Stable: g.stable[n], Suspects: []uint64{uint64(g.colour[n])}}
}

func (g *toy) Follow(before, after []uint64) (explore.Step, error) {
	for _, e := range g.edges[before[0]] {
		if uint64(e.to) == after[0] {
			return explore.Step{After: after}, nil
		}
	}
	return explore.Step{}, fmt.Errorf("no edge from %d to %d", before[0], after[0])
}

func (g *toy) AppendTables(b []byte) ([]byte, error)        { return b, nil }
func (g *toy) LoadTables(b []byte) (rest []byte, err error) { return b, nil }

func coloured(c int) explore.Predicate {
	return func(v *explore.View) bool { return int(v.Suspects[0]) == c }
}

func randomToy(r *rand.Rand) *toy {
	n := 1 + r.IntN(6)
	g := &toy{words: 1 + r.IntN(3), processes: 1 + r.IntN(2), learnt: make([]bool, n)}
	everyone := 1<<g.processes - 1
	stabilises := r.IntN(2) == 0
	for v := range n {
		g.stable = append(g.stable, !stabilises || v >= n/2)
		g.up = append(g.up, uint64(everyone))
		if r.IntN(6) == 0 {
			g.up[v] &= r.Uint64()
		}
		g.colour = append(g.colour, r.IntN(3))
		g.edges = append(g.edges, nil)
	}
	for v := range n {
		for range r.IntN(4) {
			w := r.IntN(n)
			if !g.stable[v] || g.stable[w] {
				g.edges[v] = append(g.edges[v], edge{w, r.Uint64N(uint64(everyone) + 1)})
			}
		}
	}
	return g
}

// wish says what a run that violates a property does.
type wish struct {
	fair      explore.Fairness
	within    func(colour int) bool
	hits      []int // colours that are met infinitely often
	leadsFrom int   // colour from which on only within is met; -1: there is none
}

// brute tells whether some infinite run of g is as wished, by trying all sets of nodes
// that a run may visit infinitely often. A run in a node without edges stays there.
func brute(g *toy, want wish) bool {
	n := len(g.edges)
	edges := make([][]edge, n)
	for v := range edges {
		edges[v] = g.edges[v]
		if len(edges[v]) == 0 {
			edges[v] = []edge{{v, ^uint64(0)}}
		}
	}
	closure := func(allowed func(v int) bool) [][]bool {
		reach := make([][]bool, n)
		for v := range reach {
			reach[v] = make([]bool, n)
			for _, e := range edges[v] {
				reach[v][e.to] = allowed(v) && allowed(e.to)
			}
		}
		for k := range n {
			for i := range n {
				for j := range n {
					reach[i][j] = reach[i][j] || reach[i][k] && reach[k][j]
				}
			}
		}
		return reach
	}
	all := closure(func(int) bool { return true })
	inside := closure(func(v int) bool { return want.within(g.colour[v]) })
	reachable := func(v int) bool { return v == 0 || all[0][v] }
	for set := 1; set < 1<<n; set++ {
		in := func(v int) bool { return set>>v&1 != 0 }
		walk := closure(in)
		ok, entered := true, false
		var moved uint64
		colours := map[int]bool{}
		for v := range n {
			if !in(v) {
				continue
			}
			ok = ok && want.within(g.colour[v]) && (g.stable[v] || want.fair&explore.EventuallyStable == 0)
			for w := range n {
				ok = ok && (!in(w) || walk[v][w])
			}
			if want.leadsFrom < 0 {
				entered = entered || reachable(v)
			} else {
				for u := range n {
					entered = entered || reachable(u) && g.colour[u] == want.leadsFrom && want.within(g.colour[u]) && (u == v || inside[u][v])
				}
			}
			moved |= ^g.up[v]
			for _, e := range edges[v] {
				if in(e.to) {
					moved |= e.moved
				}
			}
			colours[g.colour[v]] = true
		}
		everyone := uint64(1)<<g.processes - 1
		if want.fair&explore.EveryoneSteps != 0 && moved&everyone != everyone {
			continue
		}
		for _, c := range want.hits {
			ok = ok && colours[c]
		}
		if ok && entered {
			return true
		}
	}
	return false
}

// checkLasso fails the test where c is no run of g that is as wished.
func checkLasso(t *testing.T, g *toy, c *explore.Counterexample, want wish) {
	t.Helper()
	at := int(c.First[0])
	if at != 0 {
		t.Fatalf("begins at %d", at)
	}
	triggered := -1
	step := func(s explore.Step, ends bool) (moved uint64) {
		to := int(s.After[0])
		if len(g.edges[at]) == 0 && ends && to == at {
			return ^uint64(0)
		}
		found := false
		for _, e := range g.edges[at] {
			if e.to == to {
				found = true
				moved |= e.moved // the best of parallel edges
			}
		}
		if !found {
			t.Fatalf("no edge from %d to %d", at, to)
		}
		at = to
		return moved
	}
	visited := []int{0}
	for _, s := range c.Prefix {
		step(s, false)
		visited = append(visited, at)
	}
	for i, v := range visited {
		if g.colour[v] == want.leadsFrom {
			triggered = i
		}
		if triggered >= 0 && !want.within(g.colour[v]) {
			triggered = -1
		}
	}
	if want.leadsFrom >= 0 && triggered < 0 {
		t.Fatalf("colour %d leads nowhere on the way %v", want.leadsFrom, visited)
	}
	if len(c.Cycle) == 0 {
		t.Fatal("no cycle")
	}
	entry := at
	var moved uint64
	colours := map[int]bool{}
	for _, s := range c.Cycle {
		moved |= step(s, true) | ^g.up[at]
		colours[g.colour[at]] = true
		if !want.within(g.colour[at]) {
			t.Fatalf("the cycle passes %d", at)
		}
		if want.fair&explore.EventuallyStable != 0 && !g.stable[at] {
			t.Fatalf("the cycle passes %d, which is not stable", at)
		}
	}
	if at != entry {
		t.Fatalf("the cycle ends at %d and not at %d", at, entry)
	}
	everyone := uint64(1)<<g.processes - 1
	if want.fair&explore.EveryoneSteps != 0 && moved&everyone != everyone {
		t.Fatalf("on the cycle only %b move", moved)
	}
	for _, colour := range want.hits {
		if !colours[colour] {
			t.Fatalf("the cycle does not meet colour %d", colour)
		}
	}
}

// Liveness is judged as a search by brute force judges it, on random graphs with cycles,
// joined paths, dead ends, parallel edges and loops, and every counterexample is a run
// of the graph that violates the property.
func TestLivenessAgainstBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 1))
	const graphs = 2000
	violated := map[string]int{}
	for range graphs {
		g := randomToy(r)
		fair := explore.Fairness(r.IntN(4))
		not := func(c int) func(int) bool { return func(colour int) bool { return colour != c } }
		any := func(int) bool { return true }
		cases := []struct {
			property explore.Property
			want     []wish // one of them violates it
		}{
			{explore.EventuallyAlways("FG", fair, func(v *explore.View) bool { return v.Suspects[0] != 1 }),
				[]wish{{fair, any, []int{1}, -1}}},
			{explore.InfinitelyOften("GF", fair, coloured(1)),
				[]wish{{fair, not(1), nil, -1}}},
			{explore.LeadsTo("leads-to", fair, coloured(0), coloured(1)),
				[]wish{{fair, not(1), nil, 0}}},
			{explore.Recurrence("recurrence", fair, []explore.Predicate{coloured(0), coloured(1)}, []explore.Predicate{coloured(2), coloured(0)}),
				[]wish{{fair, any, []int{0, 1}, -1}, {fair, any, []int{2, 0}, -1}}},
		}
		for _, c := range cases {
			s, err := explore.NewSearch(g, explore.Options{Workers: 1 + r.IntN(2)}, c.property)
			if err != nil {
				t.Fatal(err)
			}
			report, err := s.Run()
			if err != nil {
				t.Fatal(err)
			}
			want := properties.Holds
			i := slices.IndexFunc(c.want, func(w wish) bool { return brute(g, w) })
			if i >= 0 {
				want = properties.Violated
				violated[c.property.Name]++
			}
			f := report.Findings[0]
			if f.Outcome != want {
				t.Fatalf("%s with fairness %b of %+v is %v, want %v", c.property.Name, fair, g, f.Outcome, want)
			}
			if f.Counterexample == nil {
				continue
			}
			if len(c.want) == 1 {
				checkLasso(t, g, f.Counterexample, c.want[0])
			}
		}
	}
	for name, n := range violated {
		if n < graphs/20 || n > graphs*19/20 {
			t.Errorf("%s is violated by %d of %d graphs: the test says little", name, n, graphs)
		}
	}
}

// Safety is judged, with a shortest counterexample, as Floyd and Warshall's distances say.
func TestSafetyAgainstBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 2))
	for range 2000 {
		g := randomToy(r)
		n := len(g.edges)
		distance := make([]int, n)
		for v := range distance {
			distance[v] = n
		}
		distance[0] = 0
		for range n {
			for v := range n {
				for _, e := range g.edges[v] {
					distance[e.to] = min(distance[e.to], distance[v]+1)
				}
			}
		}
		want, reachable := n, 0
		for v := range n {
			if distance[v] < n {
				reachable++
			}
			if g.colour[v] == 1 {
				want = min(want, distance[v])
			}
		}
		s, err := explore.NewSearch(g, explore.Options{Workers: 1}, explore.Always("G", func(v *explore.View) bool { return v.Suspects[0] != 1 }))
		if err != nil {
			t.Fatal(err)
		}
		report, err := s.Run()
		if err != nil {
			t.Fatal(err)
		}
		f := report.Findings[0]
		if want == n {
			if f.Outcome != properties.Holds || report.States != int64(reachable) {
				t.Fatalf("%+v: %v", g, f)
			}
		} else if f.Outcome != properties.Violated || len(f.Counterexample.Prefix) != want {
			t.Fatalf("%+v: %v, want a violation after %d steps", g, f, want)
		}
	}
}
