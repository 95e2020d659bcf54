package explore

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"suspect/properties"
)

// Options bound a search. The zero value of a bound is none. Bounds are looked at every
// few hundred to few thousand states, and passed by what these lead to.
type Options struct {
	// Workers is the number of goroutines, at least 1. The report does not depend on it,
	// byte for byte.
	Workers int

	MaxStates int64
	MaxDepth  int
	MaxBytes  int64 // of states, tables and buffers

	// Stop is asked as often, and ends the search where it returns true: a limit of time,
	// or an interrupt.
	Stop func() bool
}

// Search is a breadth-first search of a System. It belongs to one goroutine.
type Search struct {
	sys   System
	opt   Options
	props []Property

	first []uint64
	store *store
	// levels[d] are the numbers, in each shard, of the first state of depth d. The last
	// entry is the level that is being filled.
	levels [][shards]int32
	// The next state to expand, which has depth len(levels)-2.
	cursor  cursor
	parents []stateID // of next

	transitions int64
	violations  []stateID         // of each property, noState where there is none
	judged      [shards]judgement // of the chunk in hand
	complete    bool
	bytes       int64 // of the buffers, at most

	workers []*worker
	blocks  [blocks]block
}

// cursor is a place in a level: states are expanded shard by shard.
type cursor struct{ shard, local int }

// A chunk is what is expanded before its successors are inserted: a small part of the
// states that there are, so that the buffers are small too. It is cut into blocks, which
// the workers share out. These numbers decide the order in which states are found, and
// hence none of them depends on the workers.
const (
	leastChunk = 1 << 9
	mostChunk  = 1 << 12
	mostFound  = 1 << 23 // successors, as many as parents had so far
	blocks     = 16
)

// worker is what one goroutine works with.
type worker struct {
	expander Expander
	succ     Successors // of the state in hand
	view     View
}

// block is a part of a chunk, and what was found from it.
type block struct {
	parents     []stateID
	unknown     []stateID // parents that the System must learn first
	found       [shards]found
	late        [shards]found // from those that had to be learnt
	transitions int64
	tooMany     bool // successors of one state
}

// found are successors that belong to one shard, in the order of their parents.
type found struct {
	states  []uint64
	parents []stateID
}

func (f *found) reset() { f.states, f.parents = f.states[:0], f.parents[:0] }

func (f *found) bytes() int64 { return int64(cap(f.states))*8 + int64(cap(f.parents))*4 }

// merge puts what was found late, from other parents, in its place. States have so many
// words.
func (f *found) merge(late *found, words int) {
	i, j := len(f.parents), len(late.parents)
	f.parents = append(f.parents, late.parents...)
	f.states = append(f.states, late.states...)
	for k := i + j; j > 0; { // from the last on, so that each may stay until it is moved
		k--
		if i > 0 && f.parents[i-1] > late.parents[j-1] {
			i--
			f.parents[k] = f.parents[i]
			copy(f.states[k*words:(k+1)*words], f.states[i*words:])
		} else {
			j--
			f.parents[k] = late.parents[j]
			copy(f.states[k*words:(k+1)*words], late.states[j*words:])
		}
	}
}

// NewSearch returns a search that has not begun. It fails where the System has no first
// state.
func NewSearch(sys System, opt Options, props ...Property) (*Search, error) {
	if opt.Workers < 1 {
		return nil, fmt.Errorf("explore: %d workers: at least 1", opt.Workers)
	}
	for _, p := range props {
		if err := p.check(sys); err != nil {
			return nil, err
		}
	}
	s := &Search{sys: sys, opt: opt, props: props}
	if err := s.restart(); err != nil {
		return nil, err
	}
	return s, nil
}

// restart begins anew from the first state.
func (s *Search) restart() error {
	for {
		first, err := s.sys.First()
		if errors.Is(err, ErrWider) {
			continue
		}
		if err != nil {
			return err
		}
		s.first = first
		s.store = newStore(s.sys.Words())
		a, b := s.store.keyOf(first)
		hash := s.store.hash(a, b)
		s.store.insert(&s.store.shards[shardOf(hash)], first, a, b, hash, noState)
		break
	}
	s.levels = [][shards]int32{{}}
	s.levels = append(s.levels, s.ends())
	s.cursor = cursor{}
	s.transitions, s.complete, s.bytes = 0, false, 0
	s.violations = slices.Repeat([]stateID{noState}, len(s.props))
	s.workersAnew()
	for shard := range shards {
		s.judge(shard, 0, &s.workers[0].view)
	}
	return s.settle()
}

func (s *Search) workersAnew() {
	s.workers = nil
	for range s.opt.Workers {
		w := &apart[worker](1)[0]
		w.expander = s.sys.Expander()
		s.workers = append(s.workers, w)
	}
	for i := range s.blocks {
		s.blocks[i] = block{}
	}
}

// ends returns the numbers of states in the shards.
func (s *Search) ends() (n [shards]int32) {
	for i := range n {
		n[i] = int32(s.store.shards[i].n)
	}
	return n
}

// Run searches until everything is visited, every property is settled by a violation of
// safety, or a bound is reached, and judges the properties. After a bound was reached,
// and raised (see [Search.Bound]), it may be called again and goes on.
func (s *Search) Run() (*Report, error) {
	for {
		reason, err := s.explore()
		if errors.Is(err, ErrWider) {
			if err := s.restart(); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		return s.report(reason)
	}
}

// States returns how many states have been found so far.
func (s *Search) States() int64 { return s.store.len() }

// Bound replaces the bounds, of which Workers must be as before.
func (s *Search) Bound(opt Options) {
	opt.Workers = s.opt.Workers
	s.opt = opt
}

// explore visits states. It returns why it stopped before it had visited all.
func (s *Search) explore() (reason string, err error) {
	for !s.complete {
		if s.settled() {
			return "every property is violated", nil
		}
		if reason := s.bound(); reason != "" {
			return reason, nil
		}
		parents := s.next()
		if len(parents) == 0 {
			depth := len(s.levels) - 1
			if s.levels[depth] == s.ends() {
				s.complete = true
				break
			}
			s.levels = append(s.levels, s.ends())
			s.cursor = cursor{}
			if !s.keepsAll() {
				s.store.forget(&s.levels[depth])
			}
			continue
		}
		if err := s.expand(parents); err != nil {
			return "", err
		}
	}
	return "", nil
}

// settled tells whether nothing is left to learn: there are properties, and all of them
// have been violated.
func (s *Search) settled() bool {
	return len(s.props) > 0 && !slices.Contains(s.violations, noState)
}

// keepsAll tells whether the words of all states are wanted, for liveness.
func (s *Search) keepsAll() bool {
	return slices.ContainsFunc(s.props, func(p Property) bool { return !p.Safety() })
}

// bound returns which bound has been reached, or "".
func (s *Search) bound() string {
	switch n := s.store.len(); {
	case s.opt.MaxStates > 0 && n >= s.opt.MaxStates:
		return fmt.Sprintf("the bound of %d states is reached", s.opt.MaxStates)
	case s.opt.MaxDepth > 0 && len(s.levels)-2 >= s.opt.MaxDepth:
		return fmt.Sprintf("the bound of %d steps is reached", s.opt.MaxDepth)
	case s.opt.MaxBytes > 0 && s.memory() >= s.opt.MaxBytes:
		return fmt.Sprintf("the bound of %d bytes is reached", s.opt.MaxBytes)
	case s.store.full(1 << 20):
		return fmt.Sprintf("no more than some %d states can be numbered", shards*maxLocal)
	case s.opt.Stop != nil && s.opt.Stop():
		return "stopped"
	}
	return ""
}

func (s *Search) memory() int64 {
	return s.store.bytes() + s.sys.Bytes() + s.bytes + int64(len(s.levels))*shards*4
}

// next returns the next states to expand, none at the end of the level. They are lent until
// it is called again.
func (s *Search) next() []stateID {
	depth := len(s.levels) - 2
	from, to := &s.levels[depth], &s.levels[depth+1]
	size := int(min(max(leastChunk, s.store.len()/32), mostChunk))
	if s.transitions > 0 { // what they have together has to be held
		var expanded int64
		for i := range from {
			switch {
			case i < s.cursor.shard:
				expanded += int64(to[i])
			case i == s.cursor.shard:
				expanded += int64(max(s.cursor.local, int(from[i])))
			default:
				expanded += int64(from[i])
			}
		}
		size = min(size, max(1, int(mostFound*expanded/s.transitions)))
	}
	parents := s.parents[:0]
	for s.cursor.shard < shards && len(parents) < size {
		lo := max(s.cursor.local, int(from[s.cursor.shard]))
		hi := min(int(to[s.cursor.shard]), lo+size-len(parents))
		for n := lo; n < hi; n++ {
			parents = append(parents, idOf(s.cursor.shard, n))
		}
		s.cursor.local = max(lo, hi)
		if s.cursor.local >= int(to[s.cursor.shard]) {
			s.cursor = cursor{shard: s.cursor.shard + 1}
		}
	}
	s.parents = parents
	return parents
}

// apart returns n zero values whose memory is far enough from everything else that no other
// worker waits when they are written: processors hand memory to one another in lines of 64
// bytes, and fetch two at a time.
func apart[T any](n int) []T {
	var t T
	gap := (128 + int(unsafe.Sizeof(t)) - 1) / int(unsafe.Sizeof(t))
	return make([]T, gap+n+gap)[gap : gap+n : gap+n]
}

// parallel calls do for 0 <= i < n, each once, in goroutines of the workers, of which the
// first is the caller's: to wake another takes as long as to expand several states.
func (s *Search) parallel(n int, do func(w *worker, i int)) {
	var next atomic.Int64
	work := func(w *worker) {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			do(w, i)
		}
	}
	var wait sync.WaitGroup
	for _, w := range s.workers[1:max(1, min(len(s.workers), n))] {
		wait.Go(func() { work(w) })
	}
	work(s.workers[0])
	wait.Wait()
}

// expand visits the successors of the parents.
func (s *Search) expand(parents []stateID) error {
	per := (len(parents) + blocks - 1) / blocks
	for i := range s.blocks {
		lo := min(i*per, len(parents))
		s.blocks[i].reset(parents[lo:min(lo+per, len(parents))])
	}
	s.parallel(blocks, func(w *worker, i int) {
		b := &s.blocks[i]
		s.expandBlock(w, b, b.parents, &b.found)
	})
	if err := s.learn(); err != nil {
		return err
	}
	for i := range s.blocks {
		if s.blocks[i].tooMany {
			return fmt.Errorf("explore: a state has more than %d successors: with fewer processes, or shorter delays, there are fewer", mostSuccessors)
		}
	}
	before := s.ends()
	s.parallel(shards, func(w *worker, shard int) {
		s.insert(shard)
		s.judge(shard, int(before[shard]), &w.view)
	})
	if err := s.settle(); err != nil {
		return err
	}
	var bytes int64
	for i := range s.blocks {
		s.transitions += s.blocks[i].transitions
		bytes += s.blocks[i].bytes()
	}
	s.bytes = max(s.bytes, bytes)
	return nil
}

// learn lets the System learn what it does not know of the parents, and visits the
// successors of those then. They are put where they would be otherwise: which parents had
// to be learnt must not matter, as a search that goes on from a checkpoint has learnt less.
func (s *Search) learn() error {
	var late []*block
	for i := range s.blocks {
		b := &s.blocks[i]
		for _, id := range b.unknown {
			if err := s.sys.Learn(s.store.state(id)); err != nil {
				return err
			}
		}
		if len(b.unknown) > 0 {
			late = append(late, b)
		}
	}
	s.parallel(len(late), func(w *worker, i int) {
		b := late[i]
		learnt := b.unknown
		b.unknown = nil
		s.expandBlock(w, b, learnt, &b.late)
		if len(b.unknown) > 0 {
			panic("explore: a System has learnt a state and cannot expand it")
		}
		for shard := range b.found {
			b.found[shard].merge(&b.late[shard], s.store.words)
		}
	})
	return nil
}

func (b *block) reset(parents []stateID) {
	b.parents, b.unknown, b.transitions, b.tooMany = parents, nil, 0, false
	for i := range b.found {
		b.found[i].reset()
		b.late[i].reset()
	}
}

func (b *block) bytes() int64 {
	var n int64
	for i := range b.found {
		n += b.found[i].bytes() + b.late[i].bytes()
	}
	return n
}

// expandBlock puts the successors of some parents of b into the given lists. Those that are
// not known to the System are left in b.
func (s *Search) expandBlock(w *worker, b *block, parents []stateID, into *[shards]found) {
	words := s.store.words
	var transitions int64
	for _, id := range parents {
		w.succ.Reset()
		if !w.expander.Expand(s.store.state(id), &w.succ) {
			b.unknown = append(b.unknown, id)
			continue
		}
		if w.succ.TooMany {
			b.tooMany = true
			return
		}
		states := w.succ.States
		transitions += int64(len(states) / words)
		if words == 1 {
			for _, a := range states {
				f := &into[shardOf(hash1(a))]
				f.states = append(f.states, a)
				f.parents = append(f.parents, id)
			}
			continue
		}
		for ; len(states) > 0; states = states[words:] {
			x, y := s.store.keyOf(states[:words])
			f := &into[shardOf(hash2(x, y))]
			f.states = append(f.states, states[:words]...)
			f.parents = append(f.parents, id)
		}
	}
	b.transitions += transitions
}

// insert puts what was found for a shard into it.
func (s *Search) insert(shard int) {
	// Worked on in a copy, as other workers write to the neighbours.
	own := s.store.shards[shard]
	defer func() { s.store.shards[shard] = own }()
	h := &own
	words := s.store.words
	for i := range s.blocks {
		f := &s.blocks[i].found[shard]
		if words == 1 {
			for n, a := range f.states {
				s.store.insert(h, nil, a, 0, hash1(a), f.parents[n])
			}
			continue
		}
		for n, parent := range f.parents {
			state := f.states[n*words : (n+1)*words]
			a, b := s.store.keyOf(state)
			s.store.insert(h, state, a, b, hash2(a, b), parent)
		}
	}
}

// judgement is what was found in the new states of a shard.
type judgement struct {
	violations []stateID // the first of each property
	names      int       // 1 + a property that is not invariant under renaming, or 0
}

// judge evaluates the properties on the states of a shard from a number on.
func (s *Search) judge(shard, from int, v *View) {
	h := &s.store.shards[shard]
	j := judgement{violations: slices.Repeat([]stateID{noState}, len(s.props))}
	for n := from; n < h.n && len(s.props) > 0; n++ {
		id := idOf(shard, n)
		viewed := false
		for i := range s.props {
			p := &s.props[i]
			if !p.Safety() || s.violations[i] != noState || j.violations[i] != noState {
				continue
			}
			if !viewed {
				s.sys.View(s.store.state(id), v)
				viewed = true
			}
			if !p.holds(v) {
				j.violations[i] = id
			}
		}
		if s.sys.Renamings() > 1 {
			j.names = max(j.names, s.names(s.store.state(id), v))
		}
	}
	s.judged[shard] = j
}

// names returns 1 + the number of a property that tells the state from one that differs
// by a renaming, or 0.
func (s *Search) names(state []uint64, v *View) int {
	for i := range s.props {
		for _, p := range s.props[i].predicates() {
			s.sys.View(state, v)
			holds := p(v)
			for r := 1; r < s.sys.Renamings(); r++ {
				if s.sys.View(s.sys.Rename(state, r), v); p(v) != holds {
					return i + 1
				}
			}
		}
	}
	return 0
}

// settle takes for each property the first violation of the chunk.
func (s *Search) settle() error {
	for shard := range s.judged {
		j := &s.judged[shard]
		if j.names > 0 {
			return fmt.Errorf("explore: %s names processes: it does not judge alike all states that differ by a renaming; explore without symmetry", s.props[j.names-1].Name)
		}
		for i := range s.props {
			if s.violations[i] == noState {
				s.violations[i] = j.violations[i]
			}
		}
	}
	return nil
}

func (s *Search) report(reason string) (*Report, error) {
	r := &Report{
		Complete: s.complete, Reason: reason,
		States: s.store.len(), Transitions: s.transitions, Depth: s.depth(),
		Locals: s.sys.Locals(), StateBits: s.sys.Bits(), Bytes: s.memory(),
	}
	if s.store.words > 2 {
		n := float64(r.States)
		r.Missed = n * n / math.Pow(2, 129)
	}
	for i, p := range s.props {
		f, err := s.finding(i, p, r)
		if err != nil {
			return nil, err
		}
		r.Findings = append(r.Findings, f)
	}
	return r, nil
}

// depth returns that of the deepest state.
func (s *Search) depth() int {
	d := len(s.levels) - 1
	if s.levels[d] == s.ends() {
		d--
	}
	return d
}

func (s *Search) finding(i int, p Property, r *Report) (Finding, error) {
	f := Finding{Property: p.Name}
	if p.Safety() {
		switch v := s.violations[i]; {
		case v != noState:
			path, err := s.path(v)
			if err != nil {
				return f, err
			}
			path.Property = p.Name
			f.Outcome, f.Counterexample = properties.Violated, path
			f.Reason = fmt.Sprintf("violated after %d steps, and after no fewer", len(path.Prefix))
		case s.complete:
			f.Outcome, f.Reason = properties.Holds, fmt.Sprintf("holds in all %d reachable states", r.States)
		default:
			f.Reason = fmt.Sprintf("not violated in the %d states visited; %s", r.States, r.Reason)
		}
		return f, nil
	}
	if !s.complete {
		f.Reason = "liveness is judged on the whole graph; " + r.Reason
		return f, nil
	}
	if need := s.memory() + r.States*bytesOfLiveness; s.opt.MaxBytes > 0 && need > s.opt.MaxBytes {
		f.Reason = fmt.Sprintf("to judge liveness would take some %d bytes, and the bound is %d", need, s.opt.MaxBytes)
		return f, nil
	}
	return s.live(p)
}

// path returns a shortest run to a visited state.
func (s *Search) path(id stateID) (*Counterexample, error) {
	var ids []stateID
	for ; id != noState; id = s.store.parent(id) {
		ids = append(ids, id)
	}
	slices.Reverse(ids)
	c := &Counterexample{First: s.first}
	_, steps, err := s.follow(s.first, ids[1:])
	c.Prefix = steps
	return c, err
}

// follow returns the steps from the state now, which is any that ids lead on from,
// through the visited states ids, and the last state. With symmetry ids are
// representatives, and the steps those of the processes under their true names.
func (s *Search) follow(now []uint64, ids []stateID) (last []uint64, steps []Step, err error) {
	for _, id := range ids {
		after := s.store.state(id)
		if after == nil {
			if after, err = s.successor(now, id); err != nil {
				return nil, nil, err
			}
		}
		step, err := s.sys.Follow(now, after)
		if err != nil {
			return nil, nil, err
		}
		steps = append(steps, step)
		now = step.After
	}
	return now, steps, nil
}

// successor returns the words of the visited state id, which may follow the state now.
func (s *Search) successor(now []uint64, id stateID) ([]uint64, error) {
	var succ Successors
	for !s.workers[0].expander.Expand(now, &succ) {
		if err := s.sys.Learn(now); err != nil {
			return nil, err
		}
		succ.Reset()
	}
	for state := range slices.Chunk(succ.States, s.store.words) {
		if found, ok := s.store.lookup(state); ok && found == id {
			return state, nil
		}
	}
	return nil, fmt.Errorf("explore: a state has lost the successor that it had")
}
