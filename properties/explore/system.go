package explore

import (
	"errors"

	"suspect/model"
)

// System is what is explored: a graph of states, given by its first state and by what
// may follow each. A state is a fixed number of words. Two states are the same exactly
// when their words are, so a System encodes them canonically; with symmetry, as the
// representative of all states that differ by a renaming of the processes.
//
// What varies in size, as the state of an automaton, is interned: kept in a table of the
// System, and named in the state by its number. Tables grow by Learn alone, which nobody
// calls while somebody expands. So expanding needs no locks, and what is numbered how
// does not depend on the number of workers.
type System interface {
	// Processes is the number of processes.
	Processes() int

	// Renamings is the number of renamings of the processes of whose states only one is
	// given; 1 without symmetry. Rename returns the state after the r-th; the 0-th is the
	// identity.
	Renamings() int
	Rename(state []uint64, r int) []uint64

	// Words is the number of words of a state.
	Words() int

	// First returns the state in which every run begins.
	First() ([]uint64, error)

	// Expander returns something that expands states. Each worker has its own.
	Expander() Expander

	// Learn grows the tables until the state can be expanded. It returns [ErrWider] when
	// the state has no room for the numbers of the larger tables: the System has then
	// made room, and all states that it gave before are void.
	Learn(state []uint64) error

	// View fills v with what properties see of a state.
	View(state []uint64, v *View)

	// Follow returns a step from the state before, which is any, to a state that is
	// represented by after; both have been given by this System. The step's After is a
	// true successor of before, and not the representative of its orbit.
	Follow(before, after []uint64) (Step, error)

	// Locals returns the number of local states of each process that were met.
	Locals() []int

	// Bits is the number of bits of a state that are in use.
	Bits() int

	// Bytes is the memory of the tables.
	Bytes() int64

	// AppendTables and LoadTables write and read the tables, for a checkpoint. What is read
	// was written by an equally configured System, and replaces everything.
	AppendTables(b []byte) ([]byte, error)
	LoadTables(b []byte) (rest []byte, err error)
}

// ErrWider is returned by [System].Learn.
var ErrWider = errors.New("explore: states have become wider")

// Expander enumerates what may follow a state.
type Expander interface {
	// Expand appends all successors of the state to out, one for every choice of the
	// environment and so perhaps the same state several times. It returns false, and out
	// is of no use, where the System must Learn the state first.
	Expand(state []uint64, out *Successors) bool
}

// Successors collects the successors of a state.
type Successors struct {
	// States are the successors, one after another.
	States []uint64

	// Steps tells that Moved is wanted.
	Steps bool

	// TooMany tells that there are more than anybody would wait for, and that States is not
	// all of them.
	TooMany bool

	// Moved are the sets of processes that took a step, bit p for process p, one for
	// each successor. A process that was up and could take none counts as moved.
	Moved []uint64
}

// Reset empties s.
func (s *Successors) Reset() { s.States, s.Moved, s.TooMany = s.States[:0], s.Moved[:0], false }

// View is what a property sees of a state.
type View struct {
	N      int
	Up     uint64 // who has not crashed: bit p for process p
	Stable bool   // the bounds on delays and speeds hold from here on

	// Suspects is, of each process that is up, the set of those of which it suspects a
	// failure of the host ([model.FailureKind.HostFailure]).
	Suspects []uint64

	// Locals are the states of the processes, nil for who has crashed. They are shared.
	Locals []*Local

	// Crashed is, of each process that has crashed, what it had announced, in a Local that
	// has no Automaton. [Ticks] forgets it: there Crashed is nil.
	Crashed []*Local
}

// Said returns what process p has announced, which is nothing where it has crashed and the
// System forgets it.
func (v *View) Said(p int) []model.Announcement {
	switch {
	case v.Locals[p] != nil:
		return v.Locals[p].Said
	case v.Crashed != nil && v.Crashed[p] != nil:
		return v.Crashed[p].Said
	}
	return nil
}

// Alive tells whether process p is up.
func (v *View) Alive(p int) bool { return v.Up>>p&1 != 0 }

// Suspected tells whether process p suspects q.
func (v *View) Suspected(p, q int) bool { return v.Suspects[p]>>q&1 != 0 }

// MoveKind tells what kind of thing happened in a [Step].
type MoveKind uint8

const (
	Stabilise MoveKind = iota // the bounds on delays and speeds hold from here on
	Crash                     // Process crashes
	Rest                      // Process takes no step
	Run                       // Process takes a step
	Deliver                   // Process receives Message
	Lose                      // Message to Process is lost
	Begin                     // Process starts
	Inform                    // Process is told that Peer has crashed
)

var moveNames = [...]string{"stabilise", "crash", "rest", "run", "deliver", "lose", "begin", "inform"}

// String returns the name of k in lower case.
func (k MoveKind) String() string { return moveNames[k] }

// Move is one thing that happened in a step.
type Move struct {
	Kind    MoveKind
	Process model.ProcessID
	At      model.Time // where Process takes a step, on a clock that is right within one step of the run

	Message model.Message   // of Deliver and Lose
	Age     int             // of the message, in ticks where there are ticks
	Stays   bool            // of Deliver: the message will arrive once more
	Peer    model.ProcessID // of Inform

	Choices []int // that the process made in the step

	// What the process then wrote.
	Send          []model.Message
	Verdicts      []model.Verdict
	Announcements []model.Announcement
}

// Step is one step of a run, with the state after it.
type Step struct {
	Moves []Move
	After []uint64
}
