package explore

import (
	"fmt"
	"slices"

	"suspect/model"
)

func (t *ticks) Processes() int { return t.N }
func (t *ticks) Renamings() int { return len(t.perms) }
func (t *ticks) Words() int     { return t.layout.words }
func (t *ticks) Bits() int      { return t.layout.used }

func (t *ticks) Locals() []int {
	n := make([]int, t.N)
	for p := range n {
		n[p] = len(t.locals[p].list) - 1
	}
	return n
}

func (t *ticks) Bytes() int64 {
	n := int64(cap(t.words))*8 + t.mail.bytes()
	for p := range t.lists {
		n += int64(len(t.lists[p].keys))*12 + int64(cap(t.lists[p].lists))*48
		n += t.locals[p].bytes + int64(len(t.images[p]))*int64(4*len(t.perms)+48)
	}
	return n
}

// View fills v.
func (t *ticks) View(state []uint64, v *View) {
	if v.N != t.N {
		*v = View{N: t.N, Suspects: make([]uint64, t.N), Locals: make([]*Local, t.N)}
	}
	v.Stable = t.layout.stable.get(state) != 0
	v.Up = 0
	for p := range t.N {
		l := t.locals[p].list[t.layout.local[p].get(state)]
		v.Locals[p] = l
		v.Suspects[p] = 0
		if l != nil {
			v.Up |= 1 << p
			v.Suspects[p] = l.Suspects
		}
	}
}

// Rename returns the state after the renaming r.
func (t *ticks) Rename(state []uint64, r int) []uint64 {
	to := make([]uint64, t.layout.words)
	perm := t.perms[r]
	t.layout.stable.or(to, t.layout.stable.get(state))
	for p := range t.N {
		t.layout.local[perm[p]].or(to, uint64(t.images[p][t.layout.local[p].get(state)][r]))
		t.layout.pause[perm[p]].or(to, t.layout.pause[p].get(state))
		for q := range t.N {
			t.layout.link[perm[p]*t.N+perm[q]].or(to, t.layout.link[p*t.N+q].get(state))
		}
	}
	return to
}

// canonical returns the representative of the orbit of a state: the least under every
// renaming.
func (t *ticks) canonical(state []uint64) []uint64 {
	least := state
	for r := 1; r < len(t.perms); r++ {
		if s := t.Rename(state, r); slices.Compare(s, least) < 0 {
			least = s
		}
	}
	return least
}

// What a process does in a tick, other than the number of a run.
const (
	down = -1 - iota
	crashes
	rests
)

// tickExpander enumerates the ticks that may follow a state. What the processes do is
// chosen first. Then what reaches each process is known, and what the step of one
// process makes of its own state and of the links to it does not depend on the steps of
// the others. So the states after the tick are a product of lists, one of each process,
// that were made by stepping the automaton and are looked up here.
type tickExpander struct {
	t     *ticks
	learn bool // what is not known, rather than give up
	err   error
	out   *Successors

	// found is called with each choice instead, where it is not nil.
	found func() error

	// Of the state in hand.
	local []uint32
	pause []uint64
	aged  []uint32 // of each link, the content one tick later
	// Of the choice in hand.
	stable bool
	does   []int
	wires  []uint32 // to*N+from: what a process finds on its links
	lists  []*list
	base   []uint64    // what no list contributes, in the words of each renaming
	ways   [2][]uint64 // products of some lists
}

// Expander returns an expander for one worker.
func (t *ticks) Expander() Expander { return t.expander() }

func (t *ticks) expander() *tickExpander {
	e := &apart[tickExpander](1)[0]
	*e = tickExpander{
		t: t, local: apart[uint32](t.N), pause: apart[uint64](t.N), aged: apart[uint32](t.N * t.N),
		does: apart[int](t.N), wires: apart[uint32](t.N * t.N), lists: apart[*list](t.N),
		base: apart[uint64](t.layout.words * len(t.perms)),
	}
	return e
}

// Expand appends the successors of state.
func (e *tickExpander) Expand(state []uint64, out *Successors) bool {
	e.out = out
	return e.expand(state)
}

// Learn learns what Expand needs.
func (t *ticks) Learn(state []uint64) error {
	if t.learner == nil {
		t.learner = t.expander()
		t.learner.learn = true
	}
	e := t.learner
	e.out, e.err = new(Successors), nil
	e.expand(state)
	if e.err != nil {
		return e.err
	}
	if t.fits(); t.wider {
		if err := t.widen(); err != nil {
			return err
		}
		return ErrWider
	}
	return nil
}

// expand returns false where something is not known, or has failed.
func (e *tickExpander) expand(state []uint64) bool {
	t := e.t
	left := t.Crashes
	for p := range t.N {
		e.local[p] = uint32(t.layout.local[p].get(state))
		e.pause[p] = t.layout.pause[p].get(state)
		if e.local[p] == 0 {
			left--
		}
	}
	for i := range e.aged {
		content := uint32(t.layout.link[i].get(state))
		if e.learn {
			t.mail.age(content)
		}
		if e.aged[i] = t.mail.aged[content]; e.aged[i] == unlearnt {
			return false
		}
	}
	if t.layout.stable.get(state) != 0 {
		e.stable = true
		return e.choose(0, left)
	}
	e.stable = true
	if !e.choose(0, left) {
		return false
	}
	e.stable = false
	return e.choose(0, left)
}

// choose lets process p and those after it do each thing they may, when so many more
// may crash.
func (e *tickExpander) choose(p, left int) bool {
	t := e.t
	if p == t.N {
		return e.tick()
	}
	if e.local[p] == 0 {
		e.does[p] = down
		return e.choose(p+1, left)
	}
	runs := t.runs[p][e.local[p]]
	if runs == nil {
		if !e.learn {
			return false
		}
		if e.err = t.learnRuns(p, e.local[p]); e.err != nil {
			return false
		}
		runs = t.runs[p][e.local[p]]
	}
	for i := range runs {
		e.does[p] = i
		if !e.choose(p+1, left) {
			return false
		}
	}
	if !e.stable || int(e.pause[p]) < t.Phi-1 {
		e.does[p] = rests
		if !e.choose(p+1, left) {
			return false
		}
	}
	if left > 0 {
		e.does[p] = crashes
		return e.choose(p+1, left-1)
	}
	return true
}

// tick appends the successors in which the processes do what was chosen.
func (e *tickExpander) tick() bool {
	t := e.t
	n := t.N
	for to := range n {
		if e.does[to] == down || e.does[to] == crashes {
			continue
		}
		for from := range n {
			wire := e.aged[from*n+to]
			if does := e.does[from]; does >= 0 {
				if set := t.runs[from][e.local[from]][does].sends[to]; set != 0 {
					if e.learn {
						t.mail.add(wire, set)
					}
					if wire = t.mail.added[set][wire]; wire == unlearnt {
						return false
					}
				}
			}
			e.wires[to*n+from] = wire
		}
	}
	answers := false
	for p := range n {
		e.lists[p] = nil
		if e.does[p] < 0 {
			continue
		}
		l := e.list(p)
		if l == nil {
			return false
		}
		e.lists[p] = l
		answers = answers || l.answers
	}
	if e.learn && t.wider {
		return true // all is void anyway
	}
	if e.learn && e.found == nil && !answers {
		return true // all is known now
	}
	e.rest()
	if e.found != nil {
		e.err = e.found()
		return e.err == nil
	}
	if e.tooMany() {
		e.out.TooMany = true
		return true
	}
	before := len(e.out.States)
	switch {
	case answers:
		if !e.each(func([]int, []uint64) {}) {
			return false
		}
	case t.layout.words == 1 && len(t.perms) == 1:
		e.product1()
	default:
		e.product()
	}
	if e.out.Steps {
		var moved uint64
		for p, does := range e.does {
			if does >= 0 {
				moved |= 1 << p
			}
		}
		for range (len(e.out.States) - before) / t.layout.words {
			e.out.Moved = append(e.out.Moved, moved)
		}
	}
	return true
}

// mostSuccessors is how many successors a state may have.
const mostSuccessors = 1 << 22

// tooMany tells whether the product of the lists is larger than that.
func (e *tickExpander) tooMany() bool {
	n := 1 + len(e.out.States)/e.t.layout.words
	for _, l := range e.lists {
		if l != nil {
			n *= max(1, l.n)
		}
		if n > mostSuccessors {
			return true
		}
	}
	return false
}

// list returns the outcomes of the step of process p, or nil.
func (e *tickExpander) list(p int) *list {
	t := e.t
	wires := e.wires[p*t.N : (p+1)*t.N]
	key := uint64(e.local[p])<<variantBits | uint64(e.does[p])
	for q, wire := range wires {
		if q != p {
			key = key<<t.layout.linkBits | uint64(wire)
		}
	}
	key = key<<1 | b2u(e.stable)
	l := t.lists[p].get(key)
	if l == nil && e.learn {
		if e.err = t.learnList(key, p, e.local[p], t.runs[p][e.local[p]][e.does[p]], e.stable, wires); e.err != nil {
			return nil
		}
		l = t.lists[p].get(key)
	}
	return l
}

// rest fills in base: whether the bounds hold, and the processes that rest, with the
// links to them.
func (e *tickExpander) rest() {
	t := e.t
	n, width := t.N, t.layout.words
	e.base = slices.Grow(e.base[:0], width*len(t.perms))[:width*len(t.perms)]
	clear(e.base)
	for r, perm := range t.perms {
		base := e.base[r*width : (r+1)*width]
		t.layout.stable.or(base, b2u(e.stable))
		for p := range n {
			if e.does[p] != rests {
				continue
			}
			t.layout.local[perm[p]].or(base, uint64(t.images[p][e.local[p]][r]))
			t.layout.pause[perm[p]].or(base, min(e.pause[p]+1, uint64(t.Phi-1)))
			for q := range n {
				t.layout.link[perm[q]*n+perm[p]].or(base, uint64(e.wires[p*n+q]))
			}
		}
	}
}

// product1 appends the product of the lists, of states of one word without symmetry.
func (e *tickExpander) product1() {
	from := len(e.out.States)
	states := append(e.out.States, e.base[0])
	for _, l := range e.lists {
		if l == nil {
			continue
		}
		ways := e.t.words[l.from : l.from+l.n]
		// Each of the states so far is joined with all ways, from the last on, so that
		// they can stay where they are until they are read.
		have := len(states) - from
		states = slices.Grow(states, have*(len(ways)-1))[:from+have*len(ways)]
		for i := have - 1; i >= 0; i-- {
			s := states[from+i]
			row := states[from+i*len(ways) : from+(i+1)*len(ways)]
			for j, w := range ways {
				row[j] = s | w
			}
		}
	}
	e.out.States = states
}

// product appends the representatives of the product of the lists.
func (e *tickExpander) product() {
	t := e.t
	width := t.layout.words
	stride := width * len(t.perms)
	have, next := append(e.ways[0][:0], e.base...), e.ways[1]
	for _, l := range e.lists {
		if l == nil {
			continue
		}
		ways := t.words[l.from : l.from+l.n*stride]
		next = next[:0]
		for ; len(have) > 0; have = have[stride:] {
			for w := ways; len(w) > 0; w = w[stride:] {
				at := len(next)
				next = append(next, have[:stride]...)
				for i, x := range w[:stride] {
					next[at+i] |= x
				}
			}
		}
		e.ways[0], e.ways[1] = next, e.ways[0]
		have, next = next, e.ways[1]
	}
	for ; len(have) > 0; have = have[stride:] {
		least := have[:width]
		for r := width; r < stride; r += width {
			if s := have[r : r+width]; slices.Compare(s, least) < 0 {
				least = s
			}
		}
		e.out.States = append(e.out.States, least...)
	}
}

// each appends the representatives of the product one by one, and calls do with the
// numbers of the outcomes and the state itself. It is slower than product, and sees to
// what is sent in answer to what arrives.
func (e *tickExpander) each(do func(picks []int, state []uint64)) bool {
	t := e.t
	n, width := t.N, t.layout.words
	stride := width * len(t.perms)
	picks := make([]int, n)
	for {
		state := slices.Clone(e.base[:width])
		for p, l := range e.lists {
			if l != nil {
				at := l.from + picks[p]*stride
				for i, w := range t.words[at : at+width] {
					state[i] |= w
				}
			}
		}
		for p, l := range e.lists {
			if l == nil || !l.answers {
				continue
			}
			for q, set := range l.replies[picks[p]] {
				if set == 0 || e.does[q] == down || e.does[q] == crashes {
					continue
				}
				f := t.layout.link[p*n+q]
				content := uint32(f.get(state))
				if e.learn {
					t.mail.add(content, set)
					t.fits()
				}
				sum := t.mail.added[set][content]
				if sum == unlearnt {
					return false
				}
				state[f.word] &^= f.mask << f.shift
				f.or(state, uint64(sum)&f.mask)
			}
		}
		do(picks, state)
		if !e.learn || !t.wider {
			e.out.States = append(e.out.States, t.canonical(state)...)
		}
		p := 0
		for ; p < n; p++ {
			if e.lists[p] == nil {
				continue
			}
			if picks[p]++; picks[p] < e.lists[p].n {
				break
			}
			picks[p] = 0
		}
		if p == n {
			return true
		}
	}
}

// Follow finds the tick from before to a state that after represents.
func (t *ticks) Follow(before, after []uint64) (Step, error) {
	var step *Step
	e := t.expander()
	e.learn, e.out = true, new(Successors)
	wasStable := t.layout.stable.get(before) != 0
	e.found = func() (err error) {
		if step != nil {
			return nil
		}
		ok := e.each(func(picks []int, state []uint64) {
			if step != nil || t.wider || !slices.Equal(t.canonical(state), after) {
				return
			}
			step = &Step{After: slices.Clone(state)}
			if e.stable && !wasStable {
				step.Moves = append(step.Moves, Move{Kind: Stabilise, Process: model.Nobody})
			}
			for p, does := range e.does {
				switch does {
				case down:
				case crashes:
					step.Moves = append(step.Moves, Move{Kind: Crash, Process: model.ProcessID(p)})
				case rests:
					step.Moves = append(step.Moves, Move{Kind: Rest, Process: model.ProcessID(p)})
				default:
					if err = e.tellRun(p, picks[p], step); err != nil {
						return
					}
				}
			}
		})
		if err == nil && !ok {
			err = fmt.Errorf("explore: what was learnt is lost")
		}
		return err
	}
	e.expand(before)
	if e.err != nil {
		return Step{}, e.err
	}
	if t.wider || step == nil {
		return Step{}, fmt.Errorf("explore: no tick leads from the one state to the other")
	}
	return *step, nil
}

// tellRun makes a step of process p again, and tells what happened in it.
func (e *tickExpander) tellRun(p, pick int, step *Step) error {
	t := e.t
	n := 0
	return t.outcomes(p, e.local[p], t.runs[p][e.local[p]][e.does[p]], e.stable, e.wires[p*t.N:(p+1)*t.N], func(o outcome) error {
		if n++; n-1 != pick {
			return nil
		}
		l := t.locals[p].list[e.local[p]].clone()
		inOrder(o.deliveries)
		arrived := 0
		told := func(m Move) {
			if m.Kind == Deliver {
				m.Age = int(o.deliveries[arrived].age)
				arrived++
			}
			step.Moves = append(step.Moves, m)
		}
		l.Now += model.Time(unit)
		c := &choices{taken: o.script, of: make([]int, len(o.script))}
		if _, err := t.wake(p, l, c, told); err != nil {
			return err
		}
		_, err := t.receive(p, l, o.deliveries, c, told)
		return err
	})
}
