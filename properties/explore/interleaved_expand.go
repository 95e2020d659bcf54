package explore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"suspect/model"
)

// interleavedExpander enumerates the steps that may follow a state.
type interleavedExpander struct {
	t     *interleaved
	learn bool // what is not known, rather than give up
	err   error
	out   *Successors

	// found is called with each step instead, where it is not nil.
	found func(a action, after []uint64) error

	state    []uint64
	after    []uint64
	up       uint64 // who has not crashed
	mayCrash uint64
}

// action is what happens in a step.
type action struct {
	kind    MoveKind
	process int
	in      input
	move    *move // of a process that takes a step
	sent    int   // messages of it that go out
	crashes bool  // in that step, or by itself
	kept    bool  // the message that arrives stays on its way
	class   uint16
	from    int
	tasks   uint64 // that are done
}

// Expander returns an expander for one worker.
func (t *interleaved) Expander() Expander { return t.expander() }

func (t *interleaved) expander() *interleavedExpander {
	e := &apart[interleavedExpander](1)[0]
	e.t, e.after = t, apart[uint64](t.layout.words)
	return e
}

// Expand appends the successors of state.
func (e *interleavedExpander) Expand(state []uint64, out *Successors) bool {
	e.out = out
	return e.expand(state)
}

// Learn learns what Expand needs.
func (t *interleaved) Learn(state []uint64) error {
	e := t.expander()
	e.learn, e.out = true, new(Successors)
	e.expand(state)
	if e.err != nil {
		return e.err
	}
	if !t.fits() {
		t.widen()
		return ErrWider
	}
	return nil
}

func (e *interleavedExpander) local(p int) uint32 { return uint32(e.t.layout.local[p].get(e.state)) }

func (e *interleavedExpander) content(from, to int) uint32 {
	return uint32(e.t.layout.link[from*e.t.N+to].get(e.state))
}

// expand returns false where something is not known, or has failed.
func (e *interleavedExpander) expand(state []uint64) bool {
	t := e.t
	e.state = state
	e.after = slices.Grow(e.after[:0], len(state))[:len(state)]
	e.up, e.mayCrash = 0, 0
	var open uint64 // tasks that can be done
	left := t.Crashes
	for p := range t.N {
		s := &t.stations[p].list[e.local(p)]
		if s.down {
			left--
			continue
		}
		e.up |= 1 << p
		if !s.begun || s.wake > 0 {
			open |= 1 << p
		}
	}
	if left > 0 {
		e.mayCrash = e.up &^ t.Spared
	}
	for p := range t.N {
		if e.up>>p&1 == 0 || !t.stations[p].list[e.local(p)].begun {
			continue
		}
		if e.untold(p) != 0 {
			open |= 1 << (t.N + p)
		}
		for q := range t.N {
			if q != p && e.content(q, p) != 0 {
				open |= t.linkTask(q, p)
			}
		}
	}
	if t.Reduce {
		if p, q, place, ok := e.confluent(); ok {
			return e.arrive(p, q, place, false)
		}
	}
	before := len(e.out.Moved)
	for p := range t.N {
		if e.up>>p&1 != 0 && !e.process(p) {
			return false
		}
	}
	if !e.crashes() || !e.losses() {
		return false
	}
	if open == 0 && !e.emit(action{kind: Rest, process: -1}, nil) {
		return false
	}
	if e.out.Steps {
		done := uint64(1)<<t.Tasks() - 1 // what cannot be done counts as done
		for i := range e.out.Moved[before:] {
			e.out.Moved[before+i] |= done &^ open
		}
	}
	return true
}

// untold returns those whose crash process p has not been told of.
func (e *interleavedExpander) untold(p int) uint64 {
	if !e.t.Informs {
		return 0
	}
	return (uint64(1)<<e.t.N - 1) &^ e.up &^ e.t.layout.told[p].get(e.state)
}

// process appends the steps of process p.
func (e *interleavedExpander) process(p int) bool {
	t := e.t
	s := &t.stations[p].list[e.local(p)]
	if !s.begun {
		return e.steps(action{kind: Begin, process: p, in: startInput, tasks: 1 << p}, nil)
	}
	if s.wake > 0 && !e.steps(action{kind: Run, process: p, in: wakeInput, tasks: 1 << p}, nil) {
		return false
	}
	for left := e.untold(p); left != 0; left &= left - 1 {
		q := bits.TrailingZeros64(left)
		if !e.steps(action{kind: Inform, process: p, in: firstInform + input(q), from: q, tasks: 1 << (t.N + p)}, func(after []uint64) bool {
			t.layout.told[p].or(after, 1<<q)
			return true
		}) {
			return false
		}
	}
	for q := range t.N {
		if q == p {
			continue
		}
		content := e.content(q, p)
		for place, ok := t.post.next(content, -1); ok; place, ok = t.post.next(content, place) {
			if !e.arrive(p, q, place, false) {
				return false
			}
			if t.Duplicates == Unlimited || t.layout.duplicates.get(e.state) > 0 {
				if !e.arrive(p, q, place, true) {
					return false
				}
			}
		}
	}
	return true
}

// arrive appends the steps in which process p receives the letter at a place of the link
// from q, which stays there or not.
func (e *interleavedExpander) arrive(p, q, place int, stays bool) bool {
	t := e.t
	content := e.content(q, p)
	class := t.post.contents[content][place]
	a := action{kind: Deliver, process: p, in: t.messageInput(q, class), from: q, class: class, kept: stays, tasks: t.linkTask(q, p)}
	if stays {
		return e.steps(a, func(after []uint64) bool {
			if t.Duplicates > 0 {
				put(t.layout.duplicates, after, t.layout.duplicates.get(after)-1)
			}
			return true
		})
	}
	less := t.post.remove(content, place, e.learn)
	if less == unlearnt {
		return false
	}
	return e.steps(a, func(after []uint64) bool {
		put(t.layout.link[q*t.N+p], after, uint64(less))
		return true
	})
}

// put overwrites a field.
func put(f field, state []uint64, v uint64) {
	state[f.word] &^= f.mask << f.shift
	f.or(state, v&f.mask)
}

// steps appends the steps of a process on an input, of all choices, and with crashes in the
// middle. Prepare makes what else changes.
func (e *interleavedExpander) steps(a action, prepare func(after []uint64) bool) bool {
	t := e.t
	p := a.process
	moves, err := t.take(p, e.local(p), a.in, e.learn)
	if err != nil {
		e.err = err
	}
	if moves == nil {
		return false
	}
	for i := range moves {
		a.move, a.sent, a.crashes = &moves[i], len(moves[i].sends), false
		if !e.step(a, moves[i].after, prepare) {
			return false
		}
		if e.mayCrash>>p&1 == 0 {
			continue
		}
		for a.sent = 1; a.sent < len(moves[i].sends); a.sent++ {
			dead, ok := t.crash(p, e.local(p), e.learn)
			if !ok {
				return false
			}
			a.crashes = true
			if !e.step(a, dead, prepare) {
				return false
			}
		}
	}
	return true
}

// step appends one step, after which the process is in the given local state.
func (e *interleavedExpander) step(a action, local uint32, prepare func(after []uint64) bool) bool {
	t := e.t
	copy(e.after, e.state)
	if prepare != nil && !prepare(e.after) {
		return false
	}
	put(t.layout.local[a.process], e.after, uint64(local))
	if a.crashes {
		e.bury(a.process)
	}
	for _, s := range a.move.sends[:a.sent] {
		if e.up>>s.to&1 == 0 {
			continue
		}
		link := t.layout.link[a.process*t.N+int(s.to)]
		sum, err := t.post.add(uint32(link.get(e.after)), s.class, e.learn)
		if err != nil {
			e.err = err
			return false
		}
		if sum == unlearnt {
			return false
		}
		if e.learn && !t.fits() {
			return true // all is void anyway
		}
		put(link, e.after, uint64(sum))
	}
	return e.emit(a, e.after)
}

// bury drops what is on its way to process p, and what it was told.
func (e *interleavedExpander) bury(p int) {
	for q := range e.t.N {
		put(e.t.layout.link[q*e.t.N+p], e.after, 0)
	}
	put(e.t.layout.told[p], e.after, 0)
}

// emit appends a step; nil stands for the state itself.
func (e *interleavedExpander) emit(a action, after []uint64) bool {
	if after == nil {
		after = e.state
	}
	if e.found != nil {
		e.err = e.found(a, after)
		return e.err == nil
	}
	e.out.States = append(e.out.States, after...)
	if e.out.Steps {
		e.out.Moved = append(e.out.Moved, a.tasks)
	}
	return true
}

// crashes appends the crashes between steps.
func (e *interleavedExpander) crashes() bool {
	for left := e.mayCrash; left != 0; left &= left - 1 {
		p := bits.TrailingZeros64(left)
		dead, ok := e.t.crash(p, e.local(p), e.learn)
		if !ok {
			return false
		}
		if e.learn && !e.t.fits() {
			return true // all is void anyway
		}
		copy(e.after, e.state)
		put(e.t.layout.local[p], e.after, uint64(dead))
		e.bury(p)
		if !e.emit(action{kind: Crash, process: p, crashes: true}, e.after) {
			return false
		}
	}
	return true
}

// losses appends the losses.
func (e *interleavedExpander) losses() bool {
	t := e.t
	budget := t.Losses == Unlimited || t.layout.losses.get(e.state) > 0
	for q := range t.N {
		free := t.QuasiReliable && e.up>>q&1 == 0
		if !free && !budget {
			continue
		}
		for p := range t.N {
			if p == q {
				continue
			}
			content := e.content(q, p)
			for place, ok := t.post.next(content, -1); ok; place, ok = t.post.next(content, place) {
				less := t.post.remove(content, place, e.learn)
				if less == unlearnt {
					return false
				}
				if e.learn && !t.fits() {
					return true // all is void anyway
				}
				copy(e.after, e.state)
				put(t.layout.link[q*t.N+p], e.after, uint64(less))
				if !free && t.Losses > 0 {
					put(t.layout.losses, e.after, t.layout.losses.get(e.state)-1)
				}
				if !e.emit(action{kind: Lose, process: p, from: q, class: t.post.contents[content][place]}, e.after) {
					return false
				}
			}
		}
	}
	return true
}

// Follow finds the step from before to after.
func (t *interleaved) Follow(before, after []uint64) (Step, error) {
	var step *Step
	e := t.expander()
	e.learn, e.out = true, new(Successors)
	e.found = func(a action, state []uint64) (err error) {
		if step != nil || !slices.Equal(state, after) {
			return nil
		}
		step = &Step{After: slices.Clone(state)}
		step.Moves, err = t.tell(e.local, a)
		return err
	}
	e.expand(slices.Clone(before))
	if e.err != nil {
		return Step{}, e.err
	}
	if t.wider || step == nil {
		return Step{}, errors.New("explore: no step leads from the one state to the other")
	}
	return *step, nil
}

// tell tells what happens in a step.
func (t *interleaved) tell(local func(p int) uint32, a action) ([]Move, error) {
	p := a.process
	m := Move{Kind: a.kind, Process: model.ProcessID(p)}
	switch a.kind {
	case Rest:
		m.Process = model.Nobody
		return []Move{m}, nil
	case Crash:
		m.At = t.stations[p].list[local(p)].Now
		return []Move{m}, nil
	case Lose, Deliver:
		m.Message = t.post.samples[a.class]
		m.Message.From, m.Message.To = model.ProcessID(a.from), model.ProcessID(p)
		if a.kind == Lose {
			return []Move{m}, nil
		}
		m.Stays = a.kept
	case Inform:
		m.Peer = model.ProcessID(a.from)
	}
	c := &choices{taken: slices.Clone(a.move.script), of: make([]int, len(a.move.script))}
	s, out, err := t.step(p, local(p), a.in, c)
	if err != nil {
		return nil, err
	}
	m.At, m.Choices, m.Send = s.Now, a.move.script, out.Send[:a.sent]
	if !a.crashes {
		m.Verdicts, m.Announcements = out.Verdicts, out.Announcements
		return []Move{m}, nil
	}
	return []Move{m, {Kind: Crash, Process: m.Process, At: m.At}}, nil
}

// AppendTables writes what the numbers in states stand for.
func (t *interleaved) AppendTables(b []byte) ([]byte, error) {
	b = binary.AppendUvarint(b, uint64(t.layout.localBits))
	b = binary.AppendUvarint(b, uint64(t.layout.linkBits))
	for p := range t.stations {
		b = binary.AppendUvarint(b, uint64(len(t.stations[p].list)))
		for i := range t.stations[p].list {
			s := &t.stations[p].list[i]
			b = append(b, byte(b2u(s.begun)|b2u(s.down)<<1))
			b = binary.AppendUvarint(b, uint64(s.wake))
			b = binary.AppendVarint(b, int64(s.Now))
			b = appendBytes(b, s.appendTold(nil))
			if !s.down {
				b = appendBytes(b, s.Automaton.AppendState(nil, s.Now))
			}
		}
	}
	return t.post.appendTables(b)
}

// LoadTables reads them.
func (t *interleaved) LoadTables(b []byte) (rest []byte, err error) {
	d := decoder{b: b}
	localBits, linkBits := d.int(), d.int()
	t.dead = nil
	for p := range t.stations {
		t.stations[p], t.moves[p] = newStations(), map[uint64][]move{}
		n := d.int()
		for range n {
			flags := d.byte()
			s := station{begun: flags&1 != 0, down: flags&2 != 0, wake: model.Duration(d.uvarint())}
			s.Local = &Local{Now: model.Time(d.varint()), Kinds: make([]uint16, t.N)}
			if err := s.loadTold(d.bytes()); err != nil {
				return nil, err
			}
			if !s.down {
				if s.Automaton, err = t.New(model.ProcessID(p)); err != nil {
					return nil, err
				}
				state := d.bytes()
				if d.err != nil {
					return nil, d.err
				}
				if rest, err := s.Automaton.LoadState(state, s.Now); err != nil || len(rest) > 0 {
					return nil, fmt.Errorf("explore: a state of p%d in the checkpoint is not one of such an automaton", p)
				}
			}
			t.stations[p].intern(s)
		}
		if d.err == nil && len(t.stations[p].list) != n {
			return nil, errCheckpoint
		}
	}
	if d.err != nil {
		return nil, d.err
	}
	if localBits > 40 || linkBits > 40 {
		return nil, errCheckpoint
	}
	if rest, err = t.post.loadTables(d.b); err != nil {
		return nil, err
	}
	t.lay(localBits, linkBits)
	return rest, nil
}
