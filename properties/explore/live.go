package explore

import (
	"errors"
	"fmt"
	"slices"

	"suspect/properties"
)

// graph is the stored graph of a complete search. Its nodes are the visited states,
// numbered densely; its edges are found again by expanding, which takes less memory
// than to keep them.
type graph struct {
	s    *Search
	e    Expander
	base [shards + 1]uint32 // the first node of each shard
	succ Successors
	to   []uint32 // the targets of the edges that were asked for last
	view View
}

func newGraph(s *Search) *graph {
	g := &graph{s: s, e: s.sys.Expander()}
	for i := range s.store.shards {
		g.base[i+1] = g.base[i] + uint32(s.store.shards[i].n)
	}
	return g
}

func (g *graph) len() int { return int(g.base[shards]) }

func (g *graph) node(id stateID) uint32 { return g.base[id.shard()] + uint32(id.local()) }

func (g *graph) id(v uint32) stateID {
	lo, hi := 0, shards
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; g.base[mid] <= v {
			lo = mid
		} else {
			hi = mid
		}
	}
	return idOf(lo, int(v-g.base[lo]))
}

func (g *graph) look(v uint32) *View {
	g.s.sys.View(g.s.store.state(g.id(v)), &g.view)
	return &g.view
}

// edges returns the targets of the edges of v, and with steps who moves on each. They are
// lent until the next call. A state that nothing follows is where a run ends, and counts
// as followed by itself, with everybody moving: nobody could do more.
func (g *graph) edges(v uint32, steps bool) (to []uint32, moved []uint64, err error) {
	state := g.s.store.state(g.id(v))
	g.succ.Reset()
	g.succ.Steps = steps
	for !g.e.Expand(state, &g.succ) {
		if err := g.s.sys.Learn(state); err != nil {
			if errors.Is(err, ErrWider) {
				panic("explore: a System has become wider by states that it knows")
			}
			return nil, nil, err
		}
		g.succ.Reset()
	}
	g.to = g.to[:0]
	words := g.s.store.words
	for states := g.succ.States; len(states) > 0; states = states[words:] {
		id, ok := g.s.store.lookup(states[:words])
		if !ok {
			panic("explore: a state has a successor that was not visited")
		}
		g.to = append(g.to, g.node(id))
	}
	if len(g.to) == 0 {
		g.to = append(g.to, v)
		g.succ.Moved = append(g.succ.Moved, ^uint64(0))
	}
	return g.to, g.succ.Moved, nil
}

// bytesOfLiveness is what liveness takes for each state at most, beside what the states
// take: the numbers of the components, and the stacks.
const bytesOfLiveness = 40

// nodes is a set of nodes.
type nodes []uint64

func (g *graph) none() nodes { return make(nodes, (g.len()+63)/64) }

func (s nodes) has(v uint32) bool { return s[v/64]>>(v%64)&1 != 0 }
func (s nodes) add(v uint32)      { s[v/64] |= 1 << (v % 64) }

// components finds the strongly connected components of the graph that the nodes in span,
// in Tarjan's order: each comes after those to which edges lead from it. It calls do with
// the nodes of each, lent, and whether a cycle passes through them. The components
// are numbered from 1; of holds the number of each node in, 0 of the others.
func (g *graph) components(in nodes, do func(number uint32, members []uint32, cyclic bool) error) (of []uint32, err error) {
	n := g.len()
	of = make([]uint32, n)
	index := make([]uint32, n) // in the order of visits, from 1; 0 not visited
	low := make([]uint32, n)
	var visits, number uint32
	var stack []uint32   // of nodes that have no component yet
	var pending []uint32 // successors of the nodes on the path that were not visited
	type frame struct {
		v    uint32
		from int // where its pending successors begin
		loop bool
	}
	var path []frame
	visit := func(v uint32) error {
		visits++
		index[v], low[v] = visits, visits
		stack = append(stack, v)
		f := frame{v: v, from: len(pending)}
		to, _, err := g.edges(v, false)
		if err != nil {
			return err
		}
		for _, w := range to {
			switch {
			case !in.has(w):
			case w == v:
				f.loop = true
			case index[w] == 0:
				pending = append(pending, w)
			case of[w] == 0:
				low[v] = min(low[v], index[w])
			}
		}
		path = append(path, f)
		return nil
	}
	for root := range uint32(n) {
		if !in.has(root) || index[root] != 0 {
			continue
		}
		if err := visit(root); err != nil {
			return nil, err
		}
		for len(path) > 0 {
			f := &path[len(path)-1]
			if len(pending) > f.from {
				w := pending[len(pending)-1]
				pending = pending[:len(pending)-1]
				// Where w has been visited since, it was from a node that comes after v.
				if index[w] == 0 {
					if err := visit(w); err != nil {
						return nil, err
					}
				}
				continue
			}
			v, loop := f.v, f.loop
			path = path[:len(path)-1]
			if len(path) > 0 {
				parent := path[len(path)-1].v
				low[parent] = min(low[parent], low[v])
			}
			if low[v] != index[v] {
				continue
			}
			number++
			at := len(stack) - 1
			for stack[at] != v {
				at--
			}
			members := stack[at:]
			for _, w := range members {
				of[w] = number
			}
			if err := do(number, members, loop || len(members) > 1); err != nil {
				return nil, err
			}
			stack = stack[:at]
		}
	}
	return of, nil
}

// lasso is where a property is violated: a cycle through the entry, which lies in a
// component and satisfies what is asked for.
type lasso struct {
	entry     uint32
	component uint32
	row       []Predicate
}

// live judges a property of infinite runs on the complete graph. It is violated exactly
// if there is a reachable cycle of states that are all within, on which every predicate of
// some row is satisfied and all that is fair happens. Such a cycle exists exactly if some
// strongly connected component has all of it in some of its states and edges, since a
// cycle may pass through all of them.
func (s *Search) live(p Property) (Finding, error) {
	f := Finding{Property: p.Name}
	g := newGraph(s)
	in, before, err := g.candidates(p)
	if err != nil {
		return f, err
	}
	var best *lasso
	var bestAt place
	cycles := 0
	mark := g.none()
	of, err := g.components(in, func(number uint32, members []uint32, cyclic bool) error {
		if !cyclic {
			return nil
		}
		cycles++
		for _, row := range p.hits {
			entry, at, ok := g.hit(members, row)
			if !ok || best != nil && !at.before(bestAt) {
				continue
			}
			if p.Fair&EveryoneSteps != 0 {
				fair, err := g.everyoneSteps(members, mark)
				if err != nil {
					return err
				}
				if !fair {
					continue
				}
			}
			best, bestAt = &lasso{entry, number, row}, at
		}
		return nil
	})
	if err != nil {
		return f, err
	}
	if best == nil {
		f.Outcome = properties.Holds
		f.Reason = fmt.Sprintf("holds: no fair cycle violates it in the graph of %d states, %d components of which have cycles that could", g.len(), cycles)
		return f, nil
	}
	c, err := g.counterexample(p, best, of, before)
	if err != nil {
		return f, err
	}
	f.Outcome, f.Counterexample = properties.Violated, c
	f.Reason = fmt.Sprintf("violated by a run of %d steps after which %d are repeated for ever", len(c.Prefix), len(c.Cycle))
	return f, nil
}

// candidates returns the nodes that a cycle which violates p may pass. For leads-to they
// are reached from where the property is triggered by nodes that do not fulfil it, and
// before holds the node before each on such a way: itself where it begins.
func (g *graph) candidates(p Property) (in nodes, before []uint32, err error) {
	in = g.none()
	open := g.none() // within, whether stable or not
	var queue []uint32
	if p.form == leadsTo {
		before = make([]uint32, g.len())
	}
	reached := g.none()
	for v := range uint32(g.len()) {
		view := g.look(v)
		if p.within != nil && !p.within(view) {
			continue
		}
		open.add(v)
		if p.Fair&EventuallyStable == 0 || view.Stable {
			in.add(v)
		}
		if p.form == leadsTo && p.from(view) {
			before[v] = v
			reached.add(v)
			queue = append(queue, v)
		}
	}
	if p.form != leadsTo {
		return in, nil, nil
	}
	for ; len(queue) > 0; queue = queue[1:] {
		to, _, err := g.edges(queue[0], false)
		if err != nil {
			return nil, nil, err
		}
		for _, w := range to {
			if open.has(w) && !reached.has(w) {
				reached.add(w)
				before[w] = queue[0]
				queue = append(queue, w)
			}
		}
	}
	for i := range in {
		in[i] &= reached[i]
	}
	return in, before, nil
}

// place is the place of a state in the order of the search.
type place struct {
	depth int
	id    stateID
}

func (a place) before(b place) bool {
	if a.depth != b.depth {
		return a.depth < b.depth
	}
	return a.id < b.id
}

func (s *Search) placeOf(id stateID) place {
	lo, hi := 0, len(s.levels)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; int(s.levels[mid][id.shard()]) <= id.local() {
			lo = mid
		} else {
			hi = mid
		}
	}
	return place{lo, id}
}

// hit tells whether each predicate of the row is satisfied by some member, and returns
// the first member found by the search that satisfies the first of them.
func (g *graph) hit(members []uint32, row []Predicate) (entry uint32, at place, ok bool) {
	done := make([]bool, len(row))
	left := len(row)
	found := false
	for _, v := range members {
		first := len(row) == 0
		if left > 0 || len(row) > 0 {
			view := g.look(v)
			for i, p := range row {
				if (i == 0 || !done[i]) && p(view) {
					first = first || i == 0
					if !done[i] {
						done[i] = true
						left--
					}
				}
			}
		}
		if first {
			if here := g.s.placeOf(g.id(v)); !found || here.before(at) {
				entry, at, found = v, here, true
			}
		}
	}
	return entry, at, left == 0 && found
}

// everyoneSteps tells whether each process is down in some member or moves on an edge
// between members. The set mark is empty, before and after.
func (g *graph) everyoneSteps(members []uint32, mark nodes) (bool, error) {
	for _, v := range members {
		mark.add(v)
	}
	want := g.tasks()
	var seen uint64
	for _, v := range members {
		seen |= g.down(v)
		to, moved, err := g.edges(v, true)
		if err != nil {
			return false, err
		}
		for i, w := range to {
			if mark.has(w) {
				seen |= moved[i]
			}
		}
		if seen&want == want {
			break
		}
	}
	for _, v := range members {
		mark[v/64] = 0
	}
	return seen&want == want, nil
}

// tasks are the things to be fair to: the steps of each process, or what the System has
// said that they are.
func (g *graph) tasks() uint64 {
	if t, ok := g.s.sys.(interface{ Tasks() int }); ok {
		return uint64(1)<<t.Tasks() - 1
	}
	return uint64(1)<<g.s.sys.Processes() - 1
}

// down returns the tasks of processes, where these are all, that have crashed.
func (g *graph) down(v uint32) uint64 {
	if _, ok := g.s.sys.(interface{ Tasks() int }); ok {
		return 0 // what cannot be done counts as done on every edge
	}
	return g.tasks() &^ g.look(v).Up
}

// counterexample makes the run that l describes.
func (g *graph) counterexample(p Property, l *lasso, of, before []uint32) (*Counterexample, error) {
	s := g.s
	c := &Counterexample{Property: p.Name, First: s.first}
	// To the entry: from the first state by the search, and for leads-to from where it
	// is triggered by nodes that do not fulfil it.
	var late []stateID
	v := l.entry
	for before != nil && before[v] != v {
		late = append(late, g.id(v))
		v = before[v]
	}
	var ids []stateID
	for id := g.id(v); id != noState; id = s.store.parent(id) {
		ids = append(ids, id)
	}
	slices.Reverse(ids)
	slices.Reverse(late)
	ids = append(ids, late...)
	at, steps, err := s.follow(s.first, ids[1:])
	if err != nil {
		return nil, err
	}
	c.Prefix = steps

	cycle, err := g.cycle(p, l, of)
	if err != nil {
		return nil, err
	}
	if len(cycle) == 1 && cycle[0] == l.entry {
		if g.succ.Reset(); g.e.Expand(at, &g.succ) && len(g.succ.States) == 0 {
			c.Cycle = []Step{{After: at}} // the run has ended
			return c, nil
		}
	}
	ids = ids[:0]
	for _, v := range cycle {
		ids = append(ids, g.id(v))
	}
	// With symmetry a turn ends in a state that is the first but for the names of the
	// processes. There are finitely many of those, so the turns close in the end, perhaps
	// to a state after the first turn.
	starts := [][]uint64{at}
	var turns [][]Step
	for {
		next, steps, err := s.follow(at, ids)
		if err != nil {
			return nil, err
		}
		at = next
		turns = append(turns, steps)
		if i := slices.IndexFunc(starts, func(state []uint64) bool { return slices.Equal(state, at) }); i >= 0 {
			c.Prefix = append(c.Prefix, slices.Concat(turns[:i]...)...)
			c.Cycle = slices.Concat(turns[i:]...)
			return c, nil
		}
		starts = append(starts, at)
	}
}

// cycle returns the nodes of a cycle from the entry, without it, back to it, on which all
// that is wanted happens. It goes to the nearest thing that is missing, again and again.
func (g *graph) cycle(p Property, l *lasso, of []uint32) ([]uint32, error) {
	done := make([]bool, len(l.row))
	var moved uint64
	if p.Fair&EveryoneSteps != 0 {
		moved = g.tasks()
	}
	missing := func(v uint32) (any bool) {
		view := g.look(v)
		for i, p := range l.row {
			any = any || !done[i] && p(view)
		}
		return any || moved&g.down(v) != 0
	}
	arrive := func(v uint32, by uint64) {
		view := g.look(v)
		for i, p := range l.row {
			done[i] = done[i] || p(view)
		}
		moved &^= by | g.down(v)
	}
	complete := func() bool {
		for _, d := range done {
			if !d {
				return false
			}
		}
		return moved == 0
	}
	arrive(l.entry, 0)
	var cycle []uint32
	now := l.entry
	for {
		home := complete()
		way, by, err := g.nearest(now, l.component, of, p.Fair&EveryoneSteps != 0, func(v uint32, by uint64) bool {
			if home {
				return v == l.entry
			}
			return missing(v) || moved&by != 0
		})
		if err != nil {
			return nil, err
		}
		for i, v := range way {
			arrive(v, by[i])
		}
		cycle = append(cycle, way...)
		now = way[len(way)-1]
		if home || now == l.entry && complete() {
			return cycle, nil
		}
	}
}

// nearest returns a shortest way of at least one edge inside the component from a node to
// one, or by an edge, that is wanted, and who moves on each edge.
func (g *graph) nearest(from, component uint32, of []uint32, steps bool, wanted func(v uint32, by uint64) bool) (way []uint32, by []uint64, err error) {
	type arrival struct {
		before uint32 // place in the queue
		v      uint32
		by     uint64
	}
	queue := []arrival{{v: from}}
	seen := map[uint32]bool{}
	for at := 0; at < len(queue); at++ {
		to, moved, err := g.edges(queue[at].v, steps)
		if err != nil {
			return nil, nil, err
		}
		to = append([]uint32(nil), to...)
		for i, w := range to {
			if of[w] != component {
				continue
			}
			a := arrival{before: uint32(at), v: w}
			if steps {
				a.by = moved[i]
			}
			if wanted(w, a.by) {
				way, by = []uint32{w}, []uint64{a.by}
				for ; at > 0; at = int(queue[at].before) {
					way, by = append(way, queue[at].v), append(by, queue[at].by)
				}
				slices.Reverse(way)
				slices.Reverse(by)
				return way, by, nil
			}
			if !seen[w] {
				seen[w] = true
				queue = append(queue, a)
			}
		}
	}
	panic("explore: a component lacks what was found in it")
}
