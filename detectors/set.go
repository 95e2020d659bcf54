package detectors

import (
	"fmt"
	"math/bits"
	"strings"

	"suspect/model"
)

// Set is a set of processes: p is in it if its bit p is set. So it has room for the
// processes 0..MaxSet-1, and algorithms that reckon with sets run in systems of at most
// that many.
type Set uint64

// MaxSet is the largest number of processes that a [Set] is for.
const MaxSet = 64

// AllOf returns the set of the processes 0..n-1, for n up to MaxSet.
func AllOf(n int) Set { return ^Set(0) >> (MaxSet - n) }

// SetOf returns the set of the given processes.
func SetOf(processes ...model.ProcessID) (s Set) {
	for _, p := range processes {
		s = s.With(p)
	}
	return s
}

// Has tells whether p is in s.
func (s Set) Has(p model.ProcessID) bool { return s&(1<<uint(p)) != 0 }

// With returns s and p, and s alone if there is no room for p.
func (s Set) With(p model.ProcessID) Set { return s | 1<<uint(p) }

// Without returns s but for p.
func (s Set) Without(p model.ProcessID) Set { return s &^ (1 << uint(p)) }

// Len returns how many processes are in s.
func (s Set) Len() int { return bits.OnesCount64(uint64(s)) }

// First returns the smallest process in s, which must not be empty. The loop over a set is
//
//	for rest := s; rest != 0; rest &= rest - 1 {
//		p := rest.First()
//	}
func (s Set) First() model.ProcessID { return model.ProcessID(bits.TrailingZeros64(uint64(s))) }

// String returns s as {p0 p2}.
func (s Set) String() string {
	var b strings.Builder
	for rest := s; rest != 0; rest &= rest - 1 {
		fmt.Fprintf(&b, " p%d", rest.First())
	}
	return "{" + strings.TrimPrefix(b.String(), " ") + "}"
}
