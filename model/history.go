package model

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// ProcessSet is a set of processes 0 to 63.
type ProcessSet uint64

// ProcessesOf returns the set of the given processes.
func ProcessesOf(ids ...ProcessID) (s ProcessSet) {
	for _, p := range ids {
		s |= 1 << p
	}
	return s
}

// Has tells whether p is in s, and Size how many are.
func (s ProcessSet) Has(p ProcessID) bool { return s>>p&1 != 0 }
func (s ProcessSet) Size() int            { return bits.OnesCount64(uint64(s)) }

// String returns s as {p0, p2}.
func (s ProcessSet) String() string {
	var names []string
	for p := range ProcessID(64) {
		if s.Has(p) {
			names = append(names, fmt.Sprintf("p%d", p))
		}
	}
	return "{" + strings.Join(names, ", ") + "}"
}

// History is Chandra and Toueg's H: what the detector of every process outputs at every
// time. T is the range of the detector: the set of suspects, a leader, a quorum. It is
// infinite, but changes finitely often: what a process outputs last it outputs for ever.
// So whether it belongs to a detector is decided and not estimated. It is for small
// systems and for proofs; what a run of the simulator puts out is a stream of [Record], of
// which the end is not known.
type History[T any] struct {
	Outputs [][]Said[T] // by process: increasing in From, the first from time 0 on
}

// Said is the output of one process from a time on.
type Said[T any] struct {
	From  Time
	Value T
}

// At returns H(p, t).
func (h History[T]) At(p ProcessID, t Time) T {
	o := h.Outputs[p]
	i := len(o) - 1
	for i > 0 && o[i].From > t {
		i--
	}
	return o[i].Value
}

// moments returns one time for each stretch in which neither the history nor the pattern
// changes, in increasing order; the last stands for ever.
func (h History[T]) moments(f FailurePattern) []Time {
	at := []Time{0}
	for _, o := range h.Outputs {
		for _, x := range o {
			at = append(at, x.From)
		}
	}
	for _, t := range f.CrashedAt {
		if t != Never {
			at = append(at, t)
		}
	}
	slices.Sort(at)
	return slices.Compact(at)
}

// Admits tells whether h is one of the histories that c allows for f. Processes suspect
// others, and what they say of themselves is ignored. It panics if no process of f is
// correct: Chandra and Toueg's definitions are made for patterns with one.
func (c Class) Admits(f FailurePattern, h History[ProcessSet]) bool {
	return c.Completeness().Admits(f, h) && c.Accuracy().Admits(f, h)
}

// Admits tells whether h is complete for f.
func (c Completeness) Admits(f FailurePattern, h History[ProcessSet]) bool {
	end := lastMoment(f, h)
	for p := range processes(f) {
		if f.Correct(p) {
			continue
		}
		watchers, suspecting := 0, 0
		for q := range processes(f) {
			if f.Correct(q) {
				watchers++
				if h.At(q, end).Has(p) {
					suspecting++
				}
			}
		}
		if suspecting == 0 || c == StrongCompleteness && suspecting < watchers {
			return false
		}
	}
	return true
}

// Admits tells whether h is accurate for f.
func (a Accuracy) Admits(f FailurePattern, h History[ProcessSet]) bool {
	end := lastMoment(f, h)
	wronged := ProcessSet(0) // by those who had not crashed, or for ever by the correct
	strong := true
	for _, t := range h.moments(f) {
		eventual := a >= EventualStrongAccuracy
		if eventual && t != end {
			continue
		}
		for q := range processes(f) {
			if f.Crashed(q, t) {
				continue
			}
			s := h.At(q, t) &^ ProcessesOf(q)
			wronged |= s
			for p := range processes(f) {
				if s.Has(p) && !f.Crashed(p, t) {
					strong = false
				}
			}
		}
	}
	if a == StrongAccuracy || a == EventualStrongAccuracy {
		return strong
	}
	for p := range processes(f) {
		if f.Correct(p) && !wronged.Has(p) {
			return true
		}
	}
	return false
}

// OmegaAdmits tells whether h is one of Omega's histories for f: from some time on every
// correct process outputs one and the same correct process (Chandra, Hadzilacos and Toueg,
// JACM 43(4), 1996).
func OmegaAdmits(f FailurePattern, h History[ProcessID]) bool {
	end := lastMoment(f, h)
	leader := Nobody
	for q := range processes(f) {
		if !f.Correct(q) {
			continue
		}
		l := h.At(q, end)
		if l < 0 || int(l) >= len(f.CrashedAt) || !f.Correct(l) || leader != Nobody && l != leader {
			return false
		}
		leader = l
	}
	return true
}

// SigmaAdmits tells whether h is one of Sigma's histories for f: any two quorums that any
// two processes output at any times before they crash have a process in common, and from
// some time on those of correct processes contain only correct ones (Delporte-Gallet,
// Fauconnier, Guerraoui et al., PODC 2004).
func SigmaAdmits(f FailurePattern, h History[ProcessSet]) bool {
	end := lastMoment(f, h)
	var correct ProcessSet
	for p := range processes(f) {
		if f.Correct(p) {
			correct |= ProcessesOf(p)
		}
	}
	var quorums []ProcessSet
	for _, t := range h.moments(f) {
		for q := range processes(f) {
			if f.Crashed(q, t) {
				continue
			}
			s := h.At(q, t)
			quorums = append(quorums, s)
			if t == end && f.Correct(q) && s&^correct != 0 {
				return false
			}
		}
	}
	for i, a := range quorums {
		for _, b := range quorums[:i+1] {
			if a&b == 0 {
				return false
			}
		}
	}
	return true
}

// TrustingAdmits tells whether h, of suspects, is one of the histories of the trusting
// detector T for f: it has strong completeness and eventual strong accuracy, and whoever
// is suspected after having been trusted by the same process has crashed (Delporte-Gallet,
// Fauconnier, Guerraoui and Kouznetsov, JPDC 65(4), 2005).
func TrustingAdmits(f FailurePattern, h History[ProcessSet]) bool {
	if !EventuallyP.Admits(f, h) {
		return false
	}
	trusted := make([]ProcessSet, len(f.CrashedAt))
	for _, t := range h.moments(f) {
		for q := range processes(f) {
			if f.Crashed(q, t) {
				continue
			}
			s := h.At(q, t) &^ ProcessesOf(q)
			for p := range processes(f) {
				if s.Has(p) && trusted[q].Has(p) && !f.Crashed(p, t) {
					return false
				}
			}
			trusted[q] |= ^s
		}
	}
	return true
}

// Count is what the heartbeat detector says of one process: a counter, and whether it goes
// on to grow as long as this output stands. Of an output that stands for ever, it is then
// unbounded.
type Count struct {
	Value int64
	Grows bool
}

// HeartbeatAdmits tells whether h is one of the histories of the heartbeat detector for f:
// counters never decrease, those of crashed processes are bounded at every correct process,
// and those of correct ones are not (Aguilera, Chen and Toueg, WDAG 1997).
func HeartbeatAdmits(f FailurePattern, h History[[]Count]) bool {
	end := lastMoment(f, h)
	for q := range processes(f) {
		last := make([]int64, len(f.CrashedAt))
		for _, o := range h.Outputs[q] {
			if f.Crashed(q, o.From) {
				break
			}
			for p, c := range o.Value {
				if c.Value < last[p] {
					return false
				}
				last[p] = c.Value
			}
		}
		if !f.Correct(q) {
			continue
		}
		for p, c := range h.At(q, end) {
			if c.Grows != f.Correct(ProcessID(p)) && ProcessID(p) != q {
				return false
			}
		}
	}
	return true
}

// processes yields the processes of f.
func processes(f FailurePattern) func(func(ProcessID) bool) {
	return func(yield func(ProcessID) bool) {
		for p := range ProcessID(len(f.CrashedAt)) {
			if !yield(p) {
				return
			}
		}
	}
}

// lastMoment returns the time from which on nothing changes.
func lastMoment[T any](f FailurePattern, h History[T]) Time {
	if f.AllCrashed() {
		panic("model: a pattern without a correct process")
	}
	if len(h.Outputs) != len(f.CrashedAt) {
		panic(fmt.Sprintf("model: a history of %d processes for a pattern of %d", len(h.Outputs), len(f.CrashedAt)))
	}
	m := h.moments(f)
	return m[len(m)-1]
}

// Environment is a set of failure patterns: those of N processes of which at most F crash,
// and at least one does not.
type Environment struct{ N, F int }

// Has tells whether pattern f is in e.
func (e Environment) Has(f FailurePattern) bool {
	crashes := 0
	for _, t := range f.CrashedAt {
		if t != Never {
			crashes++
		}
	}
	return len(f.CrashedAt) == e.N && crashes <= e.F && crashes < e.N
}

// MajorityCorrect tells whether in every pattern of e more than half of the processes are
// correct.
func (e Environment) MajorityCorrect() bool { return 2*e.F < e.N }
