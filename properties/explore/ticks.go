package explore

import (
	"fmt"
	"math/bits"
	"slices"

	"suspect/model"
)

// Ticks is partial synchrony in discrete time, after Dwork, Lynch and Stockmeyer (1988)
// with Delta and Phi as Chandra and Toueg (1996) use them: an environment for the very
// automata that are simulated. Every step of the graph is one tick of a clock that
// nobody reads:
//
//   - Where the bounds do not hold yet they may hold from here on.
//   - Each process that is up crashes, as long as fewer than Crashes have, or takes a step,
//     or rests. Where the bounds hold it rests for at most Phi-1 ticks in a row.
//   - Each message on its way becomes one tick older; ages end at Delta. Those who take a
//     step send. Who crashes sends nothing, and what is on its way to it is dropped.
//   - Each process that takes a step receives any of the messages on their way to it,
//     also such as were sent in this tick. Where the bounds hold it receives all that
//     are as old as Delta.
//
// A process counts its own steps and has no other clock: one step lasts three units
// of its local time. At the first the automaton is woken, and sends what is due; at the
// second the messages arrive, the oldest first, and those of an age by sender; at the
// third it is woken again, so that what was due by then has happened. What it sends at
// the second and third is on its way from the next tick on, of age 1. Automata start one
// step before step number FirstStep, at the second of the units; where one of them sends or
// chooses at its start, all start instead at the beginning of their first steps.
//
// No message is lost or duplicated. Two messages of one age on one link between which
// the receiver does not tell (see [MessageEncoder]) arrive together. As ages end at Delta,
// so do all such that are late while the bounds do not hold: runs in which they arrive one
// after another are left out, as in the reference model.
type Ticks struct {
	// New makes the automaton of a process.
	New func(p model.ProcessID) (model.Automaton, error)

	N       int // processes, at most 16
	Crashes int // at most so many crash
	Delta   int // bound on the age of messages, at least 1
	Phi     int // a process takes a step in any Phi ticks, at least 1

	// Stabilises tells that the bounds hold only from some tick on, or never. Otherwise
	// they hold from the first.
	Stabilises bool

	// FirstStep is the number of the first step on the local clocks, at least 1. What
	// automata do at multiples of a period of k steps they do in the first step where
	// FirstStep is a multiple of k.
	FirstStep int

	// Symmetry explores one state of those that differ by a renaming of the processes.
	// That the automata are indeed alike under renaming is checked on every step that
	// they take, and the exploration fails where they are not. Random choices of images are
	// matched in the order in which they are made: an automaton that chooses anew at each of
	// several messages of one tick is refused too.
	Symmetry bool
}

// unit is a third of a step of a local clock.
const unit = model.Millisecond

// Steps returns what k steps last on a local clock.
func Steps(k int) model.Duration { return model.Duration(3*k) * unit }

// Silence returns the timeout that has passed, at the end of a step, exactly when the
// process has heard nothing for more than k steps of its own.
func Silence(k int) model.Duration { return Steps(k+1) + unit }

const (
	maxProcesses = 16
	maxSymmetric = 5 // processes: 120 renamings
)

// mostArrivals is of how many messages a step may find any set.
const mostArrivals = 20

// NewSystem returns the graph of the ticks.
func (c Ticks) NewSystem() (System, error) {
	switch {
	case c.N < 1 || c.N > maxProcesses:
		return nil, fmt.Errorf("explore: %d processes: from 1 to %d", c.N, maxProcesses)
	case c.Symmetry && c.N > maxSymmetric:
		return nil, fmt.Errorf("explore: symmetry over %d processes: at most %d", c.N, maxSymmetric)
	case c.Crashes < 0 || c.Crashes > c.N:
		return nil, fmt.Errorf("explore: %d crashes of %d processes", c.Crashes, c.N)
	case c.Delta < 1 || c.Delta > 250:
		return nil, fmt.Errorf("explore: Delta is %d: from 1 to 250", c.Delta)
	case (c.N-1)*(c.Delta+1) > mostArrivals:
		return nil, fmt.Errorf("explore: a step of %d processes may find any set of %d messages under way: at most %d (fewer processes, or a smaller Delta)", c.N, (c.N-1)*(c.Delta+1), mostArrivals)
	case c.Phi < 1 || c.Phi > 250:
		return nil, fmt.Errorf("explore: Phi is %d: from 1 to 250", c.Phi)
	case c.FirstStep < 1:
		return nil, fmt.Errorf("explore: the first step is number %d: at least 1", c.FirstStep)
	case c.New == nil:
		return nil, fmt.Errorf("explore: Ticks.New is missing")
	}
	t := &ticks{
		Ticks: c, mail: newMail(c.Delta),
		renamings: newRenamings(c.N, c.Symmetry),
		locals:    make([]locals, c.N), images: make([][][]uint32, c.N), runs: make([][][]run, c.N),
		lists: make([]listTable, c.N),
	}
	for p := range t.locals {
		t.locals[p] = newLocals()
		t.images[p] = [][]uint32{make([]uint32, len(t.perms))} // who has crashed has so in every image
		t.runs[p] = [][]run{nil}
	}
	if err := t.lay(10, max(4, c.Delta+1)); err != nil {
		return nil, err
	}
	return t, nil
}

// ticks is the System of Ticks.
type ticks struct {
	Ticks
	renamings
	mail   mail
	locals []locals

	startInStep bool // automata start in their first steps

	images [][][]uint32 // [process][local][renaming]: the number of the image, of the renamed process
	runs   [][][]run    // [process][local]: the ways in which a step can begin; nil: not learnt

	layout layout
	wider  bool // some number has no room in the layout

	// Of the steps that were learnt: what each contributes to the state after, in the
	// words of each renaming.
	lists []listTable // of each process
	words []uint64
	out   model.Output

	learner *tickExpander // of Learn
}

// renamings are the permutations of the processes, the first of which is the identity;
// it is the only one without symmetry.
type renamings struct {
	perms   [][]int
	compose [][]int // [r][q]: the number of r after q
}

func newRenamings(n int, all bool) renamings {
	identity := make([]int, n)
	for p := range identity {
		identity[p] = p
	}
	r := renamings{perms: [][]int{identity}}
	for all {
		next := slices.Clone(r.perms[len(r.perms)-1])
		if !nextPermutation(next) {
			break
		}
		r.perms = append(r.perms, next)
	}
	for _, second := range r.perms {
		var row []int
		for _, first := range r.perms {
			both := make([]int, n)
			for p := range both {
				both[p] = second[first[p]]
			}
			row = append(row, slices.IndexFunc(r.perms, func(q []int) bool { return slices.Equal(q, both) }))
		}
		r.compose = append(r.compose, row)
	}
	return r
}

// nextPermutation moves p on in the lexicographic order, and tells whether there was a
// next.
func nextPermutation(p []int) bool {
	i := len(p) - 2
	for i >= 0 && p[i] > p[i+1] {
		i--
	}
	if i < 0 {
		return false
	}
	j := len(p) - 1
	for p[j] < p[i] {
		j--
	}
	p[i], p[j] = p[j], p[i]
	slices.Reverse(p[i+1:])
	return true
}

// field is where a number stands in a state.
type field struct {
	word, shift uint8
	mask        uint64
}

func (f field) get(state []uint64) uint64 { return state[f.word] >> f.shift & f.mask }

func (f field) or(state []uint64, v uint64) { state[f.word] |= v << f.shift }

// layout says where things stand in a state.
type layout struct {
	localBits, linkBits int

	words  int
	used   int // bits
	stable field
	local  []field // of each process: the number of its Local, 0 if it has crashed
	pause  []field // of each process: for how many ticks it has rested, at most Phi-1
	link   []field // from*N+to: the number of the content
}

// variantBits hold the number of a run. More are never needed: automata choose seldom.
const variantBits = 8

// lay makes the layout for numbers of the given widths. What was learnt is forgotten.
func (t *ticks) lay(localBits, linkBits int) error {
	if localBits+(t.N-1)*linkBits+variantBits+1 > 64 {
		return fmt.Errorf("explore: %d processes with up to %d local states and %d contents of links are too many", t.N, 1<<localBits, 1<<linkBits)
	}
	l := layout{localBits: localBits, linkBits: linkBits}
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
	l.stable = place(1)
	for range t.N {
		l.local = append(l.local, place(localBits))
		l.pause = append(l.pause, place(bits.Len(uint(t.Phi-1))))
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
	t.layout = l
	t.wider = false
	for p := range t.lists {
		t.lists[p] = newListTable()
	}
	t.words = nil
	return nil
}

// fits notes where the tables have outgrown the layout.
func (t *ticks) fits() {
	for p := range t.locals {
		t.wider = t.wider || len(t.locals[p].list) > 1<<t.layout.localBits
	}
	t.wider = t.wider || len(t.mail.contents) > 1<<t.layout.linkBits
}

// widen makes room.
func (t *ticks) widen() error {
	local, link := t.layout.localBits, t.layout.linkBits
	for p := range t.locals {
		for len(t.locals[p].list) > 1<<local {
			local += 3
		}
	}
	for len(t.mail.contents) > 1<<link {
		link += 2
	}
	return t.lay(local, link)
}

// run is a way in which a step can begin: by what is chosen, and sent, when the process
// is woken.
type run struct {
	script []int
	sends  []uint32 // to each process, a set of classes
}

// delivery is a letter that arrives.
type delivery struct {
	from int
	letter
}
