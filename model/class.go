package model

import "fmt"

// Completeness says who must suspect a crashed process (Chandra and Toueg 1996,
// section 2).
type Completeness uint8

const (
	// StrongCompleteness: eventually every crashed process is permanently
	// suspected by every correct process.
	StrongCompleteness Completeness = iota
	// WeakCompleteness: eventually every crashed process is permanently
	// suspected by some correct process.
	WeakCompleteness
)

// String returns "strong completeness" or "weak completeness".
func (c Completeness) String() string {
	return [...]string{"strong completeness", "weak completeness"}[c]
}

// Accuracy says who must not be suspected (section 2). The domains differ:
// perpetual accuracy speaks of processes that have not crashed yet, eventual
// accuracy of correct ones.
type Accuracy uint8

const (
	// StrongAccuracy: no process is suspected, by a process that has not
	// crashed, before it crashes.
	StrongAccuracy Accuracy = iota
	// WeakAccuracy: some correct process is never suspected by a process that
	// has not crashed.
	WeakAccuracy
	// EventualStrongAccuracy: there is a time after which correct processes are
	// not suspected by any correct process.
	EventualStrongAccuracy
	// EventualWeakAccuracy: there is a time after which some correct process is
	// never suspected by any correct process.
	EventualWeakAccuracy
)

// String returns the accuracy's name, as "eventual weak accuracy".
func (a Accuracy) String() string {
	return [...]string{"strong accuracy", "weak accuracy", "eventual strong accuracy", "eventual weak accuracy"}[a]
}

// Class is one of the eight classes of Chandra and Toueg (1996, figure 1).
type Class uint8

// The classes in the order of figure 1: a row of strong completeness, then a row
// of weak completeness. <>X reads "eventually X". Figure 1 gives Q and <>Q a letter
// only.
const (
	P           Class = iota // Perfect
	S                        // Strong
	EventuallyP              // Eventually Perfect
	EventuallyS              // Eventually Strong
	Q                        // (no name of its own)
	W                        // Weak
	EventuallyQ              // (no name of its own)
	EventuallyW              // Eventually Weak
	numberOfClasses
)

// Classes returns the eight classes in the order of figure 1.
func Classes() []Class {
	return []Class{P, S, EventuallyP, EventuallyS, Q, W, EventuallyQ, EventuallyW}
}

var classNames = [numberOfClasses]string{"P", "S", "<>P", "<>S", "Q", "W", "<>Q", "<>W"}

// String returns the class's letter, with <> for "eventually".
func (c Class) String() string {
	if c >= numberOfClasses {
		return fmt.Sprintf("class(%d)", uint8(c))
	}
	return classNames[c]
}

// Completeness returns the completeness that c demands.
func (c Class) Completeness() Completeness { return Completeness(c / 4) }

// Accuracy returns the accuracy that c demands.
func (c Class) Accuracy() Accuracy { return Accuracy(c % 4) }

// Claim is what the author of a detector promises: a class, and the synchrony
// that it needs.
type Claim struct {
	Class Class
	Under string // e.g. "delays below 5 ms, no loss, synchronised clocks"

	// Given says the same in numbers, for a detector with the given parameters; it is nil
	// where what is needed are no such conditions.
	Given func(p Params) Conditions
}
