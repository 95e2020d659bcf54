package explore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"suspect/model"
)

// An orbit is a local state of process p under every renaming: orbit[r] is the state in
// which process perms[r][p] is when the processes are renamed by r.

// intern returns the number of orbit[0], the state of process p, and enters the orbit
// into the tables. It takes ownership. It fails where an image was known and is another.
func (t *ticks) intern(p int, orbit []*Local) (uint32, error) {
	ids := make([]uint32, len(orbit))
	for r, l := range orbit {
		q := t.perms[r][p]
		id, fresh := t.locals[q].intern(l)
		ids[r] = id
		if fresh {
			t.images[q] = append(t.images[q], nil)
			t.runs[q] = append(t.runs[q], nil)
		}
	}
	for first := range orbit {
		q := t.perms[first][p]
		images := make([]uint32, len(orbit))
		for second := range orbit {
			images[second] = ids[t.compose[second][first]]
		}
		switch known := t.images[q][ids[first]]; {
		case known == nil:
			t.images[q][ids[first]] = images
		case !slices.Equal(known, images):
			return 0, t.asymmetry(p)
		}
	}
	t.fits()
	return ids[0], nil
}

func (t *ticks) asymmetry(p int) error {
	return fmt.Errorf("explore: the automata are not alike under a renaming of the processes: p%d behaves otherwise than one with another name; explore without symmetry", p)
}

// orbit returns copies of the orbit of a local state of process p, to be stepped.
func (t *ticks) orbit(p int, local uint32) []*Local {
	orbit := make([]*Local, len(t.perms))
	for r := range orbit {
		orbit[r] = t.locals[t.perms[r][p]].list[t.images[p][local][r]].clone()
	}
	return orbit
}

// First starts the processes, before the first step, or leaves it to their first steps where
// some send or choose at the start.
func (t *ticks) First() ([]uint64, error) {
	if !t.startInStep {
		state, err := t.first()
		if !errors.Is(err, errBusyStart) {
			return state, err
		}
		t.startInStep = true
	}
	return t.first()
}

// errBusyStart tells that an automaton cannot start before the first step.
var errBusyStart = errors.New("explore: an automaton sends or chooses at its start")

func (t *ticks) first() ([]uint64, error) {
	state := make([]uint64, t.layout.words)
	t.layout.stable.or(state, b2u(!t.Stabilises))
	orbits := make([][]*Local, t.N)
	for p := range t.N {
		orbits[p] = make([]*Local, len(t.perms))
		for r := range orbits[p] {
			l, err := t.begin(model.ProcessID(t.perms[r][p]))
			if err != nil {
				return nil, err
			}
			orbits[p][r] = l
		}
	}
	for p, orbit := range orbits {
		id, err := t.intern(p, orbit)
		if err != nil {
			return nil, err
		}
		t.layout.local[p].or(state, uint64(id))
	}
	if t.wider {
		if err := t.widen(); err != nil {
			return nil, err
		}
		return nil, ErrWider
	}
	return t.canonical(state), nil
}

// begin returns process q before its first step.
func (t *ticks) begin(q model.ProcessID) (*Local, error) {
	a, err := t.New(q)
	if err != nil {
		return nil, err
	}
	l := &Local{Automaton: a, Now: model.Time(Steps(t.FirstStep-1) + 2*unit), Kinds: make([]uint16, t.N), unstarted: t.startInStep}
	if t.startInStep {
		return l, nil
	}
	l.Now -= model.Time(unit)
	for _, in := range []model.Input{{Kind: model.Start}, {Kind: model.Wake}} {
		c := new(choices)
		in.Random = c
		t.out.Reset()
		l.Automaton.Step(l.Now, &in, &t.out)
		if len(t.out.Send) > 0 || c.next > 0 {
			return nil, errBusyStart
		}
		if err := l.tell(q, &t.out); err != nil {
			return nil, err
		}
		if in.Kind == model.Start {
			l.Now += model.Time(unit)
		}
	}
	return l, nil
}

// sendsOf adds what the automaton of l wrote to the letters to each process.
func (t *ticks) sendsOf(p int, l *Local, to [][]uint16) error {
	for i := range t.out.Send {
		m := &t.out.Send[i]
		if m.Layer != model.ProcessLayer {
			return fmt.Errorf("explore: p%d asks the agent of a network, and there is none", p)
		}
		if m.To < 0 || int(m.To) >= t.N || int(m.To) == p {
			return fmt.Errorf("explore: p%d sends to p%d", p, m.To)
		}
		class, err := t.mail.class(l.Automaton, m)
		if err != nil {
			return err
		}
		to[m.To] = append(to[m.To], class)
	}
	return nil
}

// wake makes the first part of a step of l, the state of process p, and returns what it
// sends to each process.
func (t *ticks) wake(p int, l *Local, c *choices, told func(Move)) ([]uint32, error) {
	kind := model.Wake
	if l.unstarted {
		kind, l.unstarted = model.Start, false
	}
	return t.part(p, l, []model.Input{{Kind: kind}}, c, told)
}

// receive makes the other parts.
func (t *ticks) receive(p int, l *Local, deliveries []delivery, c *choices, told func(Move)) ([]uint32, error) {
	var in []model.Input
	for _, d := range deliveries {
		m := t.mail.samples[d.class]
		m.From, m.To = model.ProcessID(d.from), model.ProcessID(p)
		in = append(in, model.Input{Kind: model.Deliver, Message: m})
	}
	l.Now += model.Time(unit)
	sends, err := t.part(p, l, in, c, told)
	if err != nil {
		return nil, err
	}
	l.Now += model.Time(unit)
	more, err := t.part(p, l, []model.Input{{Kind: model.Wake}}, c, told)
	if err != nil {
		return nil, err
	}
	for q := range sends {
		if more[q] != 0 {
			sends[q] = t.mail.set(append(slices.Clone(t.mail.sets[sends[q]]), t.mail.sets[more[q]]...))
		}
	}
	return sends, nil
}

// part makes a part of a step, which begins at l.Now.
func (t *ticks) part(p int, l *Local, inputs []model.Input, c *choices, told func(Move)) ([]uint32, error) {
	to := make([][]uint16, t.N)
	for i := range inputs {
		in := &inputs[i]
		in.Random = c
		t.out.Reset()
		chosen := c.next
		l.Automaton.Step(l.Now, in, &t.out)
		if err := t.sendsOf(p, l, to); err != nil {
			return nil, err
		}
		if err := l.tell(model.ProcessID(p), &t.out); err != nil {
			return nil, err
		}
		if told != nil {
			m := Move{Kind: Run, Process: model.ProcessID(p), At: l.Now, Message: in.Message, Choices: slices.Clone(c.taken[chosen:c.next]),
				Send: slices.Clone(t.out.Send), Verdicts: slices.Clone(t.out.Verdicts), Announcements: slices.Clone(t.out.Announcements)}
			switch in.Kind {
			case model.Deliver:
				m.Kind = Deliver
			case model.Start:
				m.Kind = Begin
			}
			told(m)
		}
	}
	sends := make([]uint32, t.N)
	for q, classes := range to {
		sends[q] = t.mail.set(classes)
	}
	return sends, nil
}

// renamed tells whether sends2 are the sends under the renaming r.
func (t *ticks) renamed(r int, sends, sends2 []uint32) bool {
	for q, set := range sends {
		if sends2[t.perms[r][q]] != set {
			return false
		}
	}
	return true
}

// learnRuns learns how a step of process p can begin.
func (t *ticks) learnRuns(p int, local uint32) error {
	var runs []run
	var c choices
	for more := true; more; more = c.again(0) {
		var first run
		for r, l := range t.orbit(p, local) {
			branch := c
			branch.next = 0
			if r == 0 {
				branch.taken, branch.of = slices.Clone(c.taken), slices.Clone(c.of)
			}
			l.Now += model.Time(unit)
			sends, err := t.wake(t.perms[r][p], l, &branch, nil)
			if err != nil {
				return err
			}
			if r == 0 {
				c = branch
				first = run{slices.Clone(c.taken[:c.next]), sends}
			} else if branch.next != c.next || !t.renamed(r, first.sends, sends) {
				return t.asymmetry(p)
			}
		}
		runs = append(runs, first)
		if len(runs) == 1<<variantBits {
			return fmt.Errorf("explore: a step of p%d can begin in %d ways: too many", p, 1<<variantBits)
		}
	}
	t.runs[p][local] = runs
	t.fits()
	return nil
}

// outcome is a way in which a step can end.
type outcome struct {
	kept       []uint32 // of each process, the content of the link from it
	deliveries []delivery
	script     []int
	after      uint32   // the local state
	replies    []uint32 // to each process, a set of classes
}

// outcomes calls do for every way in which a step of process p that begins as run can
// end, where wires are the contents of the links to p.
func (t *ticks) outcomes(p int, local uint32, run run, stable bool, wires []uint32, do func(outcome) error) error {
	var o outcome
	o.kept = make([]uint32, t.N)
	var from func(q int, deliveries []delivery) error
	from = func(q int, deliveries []delivery) (err error) {
		if q == t.N {
			o.deliveries = deliveries
			return t.branches(p, local, run, &o, do)
		}
		if q == p {
			return from(q+1, deliveries)
		}
		t.mail.options(wires[q], stable, func(kept uint32, delivered []letter) {
			if err != nil {
				return
			}
			o.kept[q] = kept
			all := slices.Clone(deliveries)
			for _, l := range delivered {
				all = append(all, delivery{q, l})
			}
			err = from(q+1, all)
		})
		return err
	}
	return from(0, nil)
}

// branches calls do for every sequence of choices of a step.
func (t *ticks) branches(p int, local uint32, run run, o *outcome, do func(outcome) error) error {
	c := choices{taken: slices.Clone(run.script), of: slices.Repeat([]int{0}, len(run.script))}
	for more := true; more; more = c.again(len(run.script)) {
		orbit := t.orbit(p, local)
		for r, l := range orbit {
			branch := c
			branch.next = 0
			if r == 0 {
				branch.taken, branch.of = slices.Clone(c.taken), slices.Clone(c.of)
			}
			q := t.perms[r][p]
			arrive := make([]delivery, len(o.deliveries))
			for i, d := range o.deliveries {
				arrive[i] = delivery{t.perms[r][d.from], d.letter}
			}
			inOrder(arrive)
			l.Now += model.Time(unit)
			if _, err := t.wake(q, l, &branch, nil); err != nil {
				return err
			}
			replies, err := t.receive(q, l, arrive, &branch, nil)
			if err != nil {
				return err
			}
			if r == 0 {
				c = branch
				o.replies = replies
			} else if branch.next != c.next || !t.renamed(r, o.replies, replies) {
				return t.asymmetry(p)
			}
		}
		after, err := t.intern(p, orbit)
		if err != nil {
			return err
		}
		o.after, o.script = after, c.taken[:c.next]
		if err := do(*o); err != nil {
			return err
		}
	}
	return nil
}

// inOrder sorts letters into the order in which they arrive.
func inOrder(letters []delivery) {
	slices.SortFunc(letters, func(a, b delivery) int {
		switch {
		case a.age != b.age:
			return int(b.age) - int(a.age)
		case a.from != b.from:
			return a.from - b.from
		}
		return int(a.class) - int(b.class)
	})
}

// learnList learns the outcomes of a step, and enters them under the key.
func (t *ticks) learnList(key uint64, p int, local uint32, run run, stable bool, wires []uint32) error {
	width := t.layout.words
	l := list{from: len(t.words)}
	err := t.outcomes(p, local, run, stable, wires, func(o outcome) error {
		if t.wider {
			return nil // the numbers have no room: the layout changes before anyone reads this
		}
		for r, perm := range t.perms {
			state := make([]uint64, width)
			t.layout.local[perm[p]].or(state, uint64(t.images[p][o.after][r]))
			for q, kept := range o.kept {
				t.layout.link[perm[q]*t.N+perm[p]].or(state, uint64(kept))
			}
			t.words = append(t.words, state...)
		}
		l.n++
		for _, set := range o.replies {
			if set != 0 {
				l.answers = true
			}
		}
		if l.answers && l.replies == nil {
			l.replies = make([][]uint32, l.n-1)
			for i := range l.replies {
				l.replies[i] = make([]uint32, t.N)
			}
		}
		if l.answers {
			l.replies = append(l.replies, slices.Clone(o.replies))
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.fits()
	t.lists[p].put(key, l)
	return nil
}

// list is the outcomes of a step.
type list struct {
	from, n int // outcomes from words[from] on
	answers bool
	replies [][]uint32 // of each outcome, where any answers
}

// listTable is a hash table of lists by a word that is not 0.
type listTable struct {
	keys  []uint64
	at    []uint32
	lists []list
}

func newListTable() listTable {
	return listTable{keys: make([]uint64, 64), at: make([]uint32, 64)}
}

func (t *listTable) slot(key uint64) int {
	i := int(hash1(key)) & (len(t.keys) - 1)
	for t.keys[i] != 0 && t.keys[i] != key {
		i = (i + 1) & (len(t.keys) - 1)
	}
	return i
}

func (t *listTable) get(key uint64) *list {
	if i := t.slot(key); t.keys[i] != 0 {
		return &t.lists[t.at[i]]
	}
	return nil
}

func (t *listTable) put(key uint64, l list) {
	if 2*len(t.lists) >= len(t.keys) {
		keys, at := t.keys, t.at
		t.keys, t.at = make([]uint64, 2*len(keys)), make([]uint32, 2*len(keys))
		for i, k := range keys {
			if k != 0 {
				j := t.slot(k)
				t.keys[j], t.at[j] = k, at[i]
			}
		}
	}
	i := t.slot(key)
	t.keys[i], t.at[i] = key, uint32(len(t.lists))
	t.lists = append(t.lists, l)
}

// AppendTables writes what the numbers in states stand for.
func (t *ticks) AppendTables(b []byte) ([]byte, error) {
	b = binary.AppendUvarint(b, uint64(t.layout.localBits))
	b = binary.AppendUvarint(b, uint64(t.layout.linkBits))
	for p := range t.locals {
		b = binary.AppendUvarint(b, uint64(len(t.locals[p].list)))
		for _, l := range t.locals[p].list[1:] {
			b = binary.AppendVarint(b, int64(l.Now))
			b = appendBytes(b, l.appendTold(nil))
			b = appendBytes(b, l.Automaton.AppendState(nil, l.Now))
		}
		for _, images := range t.images[p][1:] {
			for _, id := range images {
				b = binary.AppendUvarint(b, uint64(id))
			}
		}
	}
	return t.mail.appendTables(b)
}

// LoadTables reads them.
func (t *ticks) LoadTables(b []byte) (rest []byte, err error) {
	d := decoder{b: b}
	localBits, linkBits := d.int(), d.int()
	for p := range t.locals {
		t.locals[p] = newLocals()
		t.images[p], t.runs[p] = t.images[p][:1], make([][]run, 1)
		n := d.int()
		for range n - 1 {
			l := &Local{Now: model.Time(d.varint()), Kinds: make([]uint16, t.N)}
			if err := l.loadTold(d.bytes()); err != nil {
				return nil, err
			}
			if l.Automaton, err = t.New(model.ProcessID(p)); err != nil {
				return nil, err
			}
			state := d.bytes()
			if d.err != nil {
				return nil, d.err
			}
			if rest, err := l.Automaton.LoadState(state, l.Now); err != nil || len(rest) > 0 {
				return nil, fmt.Errorf("explore: a state of p%d in the checkpoint is not one of such an automaton", p)
			}
			t.locals[p].intern(l)
			t.runs[p] = append(t.runs[p], nil)
		}
		for range n - 1 {
			images := make([]uint32, len(t.perms))
			for r := range images {
				images[r] = uint32(d.int())
			}
			t.images[p] = append(t.images[p], images)
		}
		if d.err == nil && len(t.locals[p].list) != n {
			return nil, errCheckpoint
		}
	}
	if d.err != nil {
		return nil, d.err
	}
	if rest, err = t.mail.loadTables(d.b); err != nil {
		return nil, err
	}
	return rest, t.lay(localBits, linkBits)
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
