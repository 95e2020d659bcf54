package explore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"suspect/model"
)

// Unlimited is a number of losses or duplicates that nothing bounds.
const Unlimited = -1

// Interleaved is asynchrony: an environment in which one thing happens at a time, in any
// order, after any finite time. Every step of the graph is one of these:
//
//   - A process starts, as nothing reaches it before.
//   - With Timers, a process that has asked to be woken is woken. It may be late in
//     relation to the others by any time, since clocks are not synchronised: its own
//     clock shows the time that it asked for. Clocks move by nothing else, so of times
//     that are to pass between two messages only none and all are explored.
//   - A message that is on its way arrives: any, or where links are Ordered the first of a
//     link.
//   - With Informs, a process is told by evidence that another one has crashed.
//   - A process crashes, as long as fewer than Crashes have: between two steps, or in the
//     middle of one that sends several messages. Then a prefix of them goes out, in the order
//     written, and what else the step would have told is not told. What is on its way to it
//     is dropped.
//   - A message is lost, or arrives and stays on its way, as often as Losses and Duplicates
//     allow. Where nothing may be lost, links are reliable; and since messages may be under
//     way for ever as far as safety can tell, loss makes a difference only to liveness and
//     on ordered links.
//
// Where an automaton chooses ([model.Input].Random), each choice is a branch.
//
// Runs on which nothing is left to happen but crashes and losses stay where they are. Of
// [Fairness], EveryoneSteps is weak fairness of each process, of what it is told, and of each
// link: what could be done without end is done.
type Interleaved struct {
	// New makes the automaton of a process.
	New func(p model.ProcessID) (model.Automaton, error)

	N       int    // processes, at most 7
	Crashes int    // at most so many crash
	Spared  uint64 // these do not: bit p for process p

	Timers bool // automata are woken at the times that they ask for; otherwise never

	// Informs tells every process of each crash, some time after it, as oracles want that
	// are bound to suspect the crashed: evidence of the kind [model.Liveness] about the
	// layer [model.ProcessLayer], not alive.
	Informs bool

	Ordered bool // messages of a link do not overtake one another

	// Sets tells that equal messages on a link travel, and arrive, as one. Without it each
	// counts, and an automaton that sends again and again has infinitely many states.
	Sets bool

	Losses     int // of messages, in a run; or Unlimited
	Duplicates int // likewise

	// QuasiReliable allows in addition that messages are lost whose sender has crashed, in
	// any number.
	QuasiReliable bool

	// Reduce explores one order of several where it can make no difference to safety: a
	// partial-order reduction, which [Reduction] describes. It needs links that lose and
	// duplicate nothing, and properties that look at no more than who is up, who is
	// suspected, and what has been announced.
	Reduce bool
}

const (
	maxInterleaved = 7  // processes, so that all that is to be fair to has a bit
	maxLetters     = 64 // on a link
)

// NewSystem returns the graph of the interleavings.
func (c Interleaved) NewSystem() (System, error) {
	switch {
	case c.N < 1 || c.N > maxInterleaved:
		return nil, fmt.Errorf("explore: %d processes: from 1 to %d", c.N, maxInterleaved)
	case c.Crashes < 0 || c.Crashes > c.N:
		return nil, fmt.Errorf("explore: %d crashes of %d processes", c.Crashes, c.N)
	case c.Losses < Unlimited || c.Losses > 250 || c.Duplicates < Unlimited || c.Duplicates > 250:
		return nil, fmt.Errorf("explore: %d losses and %d duplicates: up to 250 each, or Unlimited", c.Losses, c.Duplicates)
	case c.Duplicates == Unlimited && !c.Sets:
		return nil, errors.New("explore: with unlimited duplicates the messages on a link are sets: say Sets too")
	case c.Sets && c.Ordered:
		return nil, errors.New("explore: the messages on a link are in order, or a set")
	case c.Reduce && (c.Sets || c.Losses != 0 || c.Duplicates != 0 || c.QuasiReliable):
		return nil, errors.New("explore: the reduction needs links that bring every message once: a loss or a duplicate can come instead of the delivery that it does first; explore without (to safety, losses on links without order make no difference)")
	case c.New == nil:
		return nil, errors.New("explore: Interleaved.New is missing")
	}
	t := &interleaved{Interleaved: c, post: newPost(c.Sets, c.Ordered)}
	for range c.N {
		t.stations = append(t.stations, newStations())
		t.moves = append(t.moves, map[uint64][]move{})
	}
	t.lay(10, 6)
	return t, nil
}

// station is a local state of a process of Interleaved.
type station struct {
	*Local
	begun bool
	down  bool           // then Automaton is nil
	wake  model.Duration // from Now until it wants to be woken; 0 for never
}

func (s *station) appendKey(b []byte) []byte {
	flags := b2u(s.begun) | b2u(s.down)<<1
	b = binary.AppendUvarint(append(b, byte(flags)), uint64(s.wake))
	if s.down {
		return s.appendTold(b)
	}
	return s.Local.appendKey(b)
}

// tells tells whether two states say the same.
func (s *station) tells(o *station) bool {
	return s.Suspects == o.Suspects && slices.Equal(s.Kinds, o.Kinds) && slices.Equal(s.Said, o.Said)
}

// stations are the local states of one process that were met.
type stations struct {
	ids   map[string]uint32
	list  []station
	bytes int64
}

func newStations() stations { return stations{ids: map[string]uint32{}} }

// intern returns the number of s, of which it takes ownership.
func (t *stations) intern(s station) uint32 {
	key := s.appendKey(nil)
	id, ok := t.ids[string(key)]
	if !ok {
		id = uint32(len(t.list))
		t.ids[string(key)] = id
		t.list = append(t.list, s)
		t.bytes += int64(2*len(key)) + 240
	}
	return id
}

// input is what a process can be given: startInput, wakeInput, the crash of a process, or
// a message of a class from a process.
type input uint32

const (
	startInput input = iota
	wakeInput
	firstInform // and the number of who has crashed
)

func (t *interleaved) messageInput(from int, class uint16) input {
	return firstInform + input(t.N) + input(int(class)*t.N+from)
}

// message is the inverse of messageInput.
func (t *interleaved) message(in input) (from int, class uint16, ok bool) {
	if in < firstInform+input(t.N) {
		return 0, 0, false
	}
	k := int(in - firstInform - input(t.N))
	return k % t.N, uint16(k / t.N), true
}

// move is a way in which a step of a process can end.
type move struct {
	after  uint32
	script []int // choices
	sends  []sending
}

type sending struct {
	to    uint8
	class uint16
}

// interleaved is the System of Interleaved.
type interleaved struct {
	Interleaved
	post     post
	stations []stations
	moves    []map[uint64][]move // [process][station and input]
	dead     [][]uint32          // [process][station]: the number of the station after a crash there, +1

	reduction *Reduction

	layout interleavedLayout
	wider  bool
}

// interleavedLayout says where things stand in a state.
type interleavedLayout struct {
	localBits, linkBits int
	words, used         int

	local      []field // of each process
	told       []field // of each process: whose crashes it was told of
	link       []field // from*N+to
	losses     field   // that are left
	duplicates field
}

func (t *interleaved) lay(localBits, linkBits int) {
	l := interleavedLayout{localBits: localBits, linkBits: linkBits}
	room := 0
	place := func(width int) field {
		if width > room {
			l.words++
			room = 64
		}
		f := field{uint8(l.words - 1), uint8((64 - room) & 63), 1<<width - 1}
		room -= width
		l.used += width
		return f
	}
	for range t.N {
		l.local = append(l.local, place(localBits))
	}
	for range t.N {
		width := 0
		if t.Informs {
			width = t.N
		}
		l.told = append(l.told, place(width))
	}
	for from := range t.N {
		for to := range t.N {
			width := linkBits
			if from == to {
				width = 0
			}
			l.link = append(l.link, place(width))
		}
	}
	l.losses = place(bits.Len(uint(max(0, t.Losses))))
	l.duplicates = place(bits.Len(uint(max(0, t.Duplicates))))
	t.layout, t.wider = l, false
}

// fits notes where the tables have outgrown the layout.
func (t *interleaved) fits() bool {
	for p := range t.stations {
		t.wider = t.wider || len(t.stations[p].list) > 1<<t.layout.localBits
	}
	t.wider = t.wider || len(t.post.contents) > 1<<t.layout.linkBits
	return !t.wider
}

func (t *interleaved) widen() {
	local, link := t.layout.localBits, t.layout.linkBits
	for p := range t.stations {
		for len(t.stations[p].list) > 1<<local {
			local += 2
		}
	}
	for len(t.post.contents) > 1<<link {
		link += 2
	}
	t.lay(local, link)
}

func (t *interleaved) Processes() int                        { return t.N }
func (t *interleaved) Renamings() int                        { return 1 }
func (t *interleaved) Rename(state []uint64, _ int) []uint64 { return state }
func (t *interleaved) Words() int                            { return t.layout.words }
func (t *interleaved) Bits() int                             { return t.layout.used }

func (t *interleaved) Locals() []int {
	var n []int
	for p := range t.stations {
		n = append(n, len(t.stations[p].list))
	}
	return n
}

func (t *interleaved) Bytes() int64 {
	n := t.post.bytes()
	for p := range t.stations {
		n += t.stations[p].bytes + int64(len(t.moves[p]))*120
	}
	return n + t.reduction.bytes()
}

// Tasks is the number of things to be fair to: for each process, its own steps, what it is
// told, and each link to it.
func (t *interleaved) Tasks() int { return 2*t.N + t.N*t.N }

func (t *interleaved) linkTask(from, to int) uint64 { return 1 << (2*t.N + from*t.N + to) }

// Judges returns why the property cannot be judged on this graph, or nil.
func (t *interleaved) Judges(p Property) error {
	switch {
	case t.Reduce && !p.Safety():
		return fmt.Errorf("explore: %s: the reduction leaves out infinite runs; explore without", p.Name)
	case t.Losses == Unlimited && p.Fair&EveryoneSteps != 0:
		return fmt.Errorf("explore: %s: on links that lose without a limit weak fairness promises no delivery; bound the losses", p.Name)
	}
	return nil
}

// First is the state in which nobody has started.
func (t *interleaved) First() ([]uint64, error) {
	first := make([]uint32, t.N)
	for p := range t.N {
		a, err := t.New(model.ProcessID(p))
		if err != nil {
			return nil, err
		}
		first[p] = t.stations[p].intern(station{Local: &Local{Automaton: a, Kinds: make([]uint16, t.N)}})
	}
	if t.Reduce && t.reduction == nil {
		r, err := t.reduce(first)
		if err != nil {
			return nil, err
		}
		t.reduction = r
	}
	if !t.fits() {
		t.widen()
		return nil, ErrWider
	}
	state := make([]uint64, t.layout.words)
	for p, id := range first {
		t.layout.local[p].or(state, uint64(id))
	}
	t.layout.losses.or(state, uint64(max(0, t.Losses)))
	t.layout.duplicates.or(state, uint64(max(0, t.Duplicates)))
	return state, nil
}

// View fills v. Who has crashed has a Local without an automaton: what it had told.
func (t *interleaved) View(state []uint64, v *View) {
	if v.N != t.N {
		*v = View{N: t.N, Suspects: make([]uint64, t.N), Locals: make([]*Local, t.N), Crashed: make([]*Local, t.N)}
	}
	v.Stable, v.Up = true, 0
	for p := range t.N {
		s := &t.stations[p].list[t.layout.local[p].get(state)]
		v.Locals[p], v.Crashed[p], v.Suspects[p] = nil, nil, 0
		if s.down {
			v.Crashed[p] = s.Local
			continue
		}
		v.Locals[p] = s.Local
		v.Up |= 1 << p
		v.Suspects[p] = s.Suspects
	}
}

// take returns the ways in which a step of process p on an input can end. Only with learn it
// makes steps that were not made before.
func (t *interleaved) take(p int, local uint32, in input, learn bool) ([]move, error) {
	key := uint64(local)<<32 | uint64(in)
	if moves, ok := t.moves[p][key]; ok || !learn {
		return moves, nil
	}
	var moves []move
	var c choices
	for more := true; more; more = c.again(0) {
		s, out, err := t.step(p, local, in, &c)
		if err != nil {
			return nil, err
		}
		m := move{after: t.stations[p].intern(s), script: slices.Clone(c.taken[:c.next])}
		for i := range out.Send {
			sent := &out.Send[i]
			class, err := t.post.class(s.Automaton, sent)
			if err != nil {
				return nil, err
			}
			m.sends = append(m.sends, sending{uint8(sent.To), class})
		}
		moves = append(moves, m)
	}
	t.moves[p][key] = moves
	return moves, nil
}

// step makes a step of process p, with the choices c.
func (t *interleaved) step(p int, local uint32, in input, c *choices) (station, *model.Output, error) {
	from := t.stations[p].list[local]
	s := station{Local: from.clone(), begun: true}
	stimulus := model.Input{Kind: model.Start, Random: c}
	if q, class, ok := t.message(in); ok {
		stimulus.Kind, stimulus.Message = model.Deliver, t.post.samples[class]
		stimulus.Message.From, stimulus.Message.To = model.ProcessID(q), model.ProcessID(p)
	} else if in == wakeInput {
		stimulus.Kind = model.Wake
		s.Now = s.Now.Add(from.wake)
	} else if in >= firstInform {
		stimulus.Kind, stimulus.Evidence = model.Inform, crashEvidence(model.ProcessID(in-firstInform))
	}
	out := new(model.Output)
	out.Reset()
	s.Automaton.Step(s.Now, &stimulus, out)
	switch {
	case out.Wake <= s.Now:
		return s, nil, fmt.Errorf("explore: p%d asks at %v to be woken at %v", p, s.Now, out.Wake)
	case out.Wake != model.Never && t.Timers:
		s.wake = out.Wake.Sub(s.Now)
	}
	for i := range out.Send {
		m := &out.Send[i]
		if m.Layer != model.ProcessLayer {
			return s, nil, fmt.Errorf("explore: p%d asks the agent of a network, and there is none", p)
		}
		if m.To < 0 || int(m.To) >= t.N || int(m.To) == p {
			return s, nil, fmt.Errorf("explore: p%d sends to p%d", p, m.To)
		}
	}
	return s, out, s.tell(model.ProcessID(p), out)
}

// crashEvidence is what a process is told of the crash of q.
func crashEvidence(q model.ProcessID) *model.Evidence {
	return &model.Evidence{Kind: model.Liveness, About: q, Layer: model.ProcessLayer}
}

// crash returns the number of the station of process p after a crash.
func (t *interleaved) crash(p int, local uint32, learn bool) (uint32, bool) {
	for p >= len(t.dead) {
		if !learn {
			return 0, false
		}
		t.dead = append(t.dead, nil)
	}
	if int(local) >= len(t.dead[p]) {
		if !learn {
			return 0, false
		}
		t.dead[p] = append(t.dead[p], make([]uint32, int(local)+1-len(t.dead[p]))...)
	}
	if t.dead[p][local] == 0 {
		if !learn {
			return 0, false
		}
		s := t.stations[p].list[local]
		last := &Local{Kinds: make([]uint16, t.N), Said: s.Said}
		t.dead[p][local] = 1 + t.stations[p].intern(station{Local: last, begun: s.begun, down: true})
	}
	return t.dead[p][local] - 1, true
}
