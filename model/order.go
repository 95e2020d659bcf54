package model

import "slices"

// Oracle is a failure detector of the theory: what it outputs, which histories it allows,
// and where it can be implemented.
type Oracle struct {
	Name   string
	Range  string // what a process reads
	Says   string // which histories it allows
	Source string

	// Needs is the weakest synchrony of those here in which it can be implemented, with
	// reliable or fair-lossy links and any number of crashes but for what Provided says.
	Needs    Synchrony
	Provided string
}

// Synchrony is what is assumed of delays and speeds.
type Synchrony uint8

const (
	// Asynchronous: none is bounded.
	Asynchronous Synchrony = iota
	// PartiallySynchronous: they are bounded, but nobody knows by what, or only from some
	// time on (Dwork, Lynch and Stockmeyer, JACM 35(2), 1988: M1, M2, M3).
	PartiallySynchronous
	// Synchronous: they have known bounds from the beginning.
	Synchronous
	// Unrealistic: it sees the future, and no synchrony helps.
	Unrealistic
)

// String returns the name of s in lower case.
func (s Synchrony) String() string {
	return [...]string{"asynchrony", "partial synchrony", "synchrony", "nowhere"}[s]
}

const (
	chandraToueg = "Chandra and Toueg, JACM 43(2), 1996"
	omegaPaper   = "Chandra, Hadzilacos and Toueg, JACM 43(4), 1996"
	sigmaPaper   = "Delporte-Gallet, Fauconnier, Guerraoui, Hadzilacos, Kouznetsov and Toueg, PODC 2004"
	trustPaper   = "Delporte-Gallet, Fauconnier, Guerraoui and Kouznetsov, JPDC 65(4), 2005"
	countPaper   = "Aguilera, Chen and Toueg, WDAG 1997"
	realPaper    = "Delporte-Gallet, Fauconnier and Guerraoui, DSN 2002"
	futurePaper  = "Guerraoui, IPL 79(2), 2001"
)

// Oracles returns the detectors of the theory.
func Oracles() []Oracle {
	suspects := "the set of processes that are suspected"
	eight := func(c Class, needs Synchrony, provided string) Oracle {
		return Oracle{c.String(), suspects, c.Completeness().String() + " and " + c.Accuracy().String(), chandraToueg, needs, provided}
	}
	return []Oracle{
		eight(P, Synchronous, ""),
		eight(S, Synchronous, "if it is realistic and any number may crash, it is as hard as P ("+realPaper+")"),
		eight(EventuallyP, PartiallySynchronous, ""),
		eight(EventuallyS, PartiallySynchronous, ""),
		eight(Q, Synchronous, "it is as hard as P"),
		eight(W, Synchronous, "it is as hard as S"),
		eight(EventuallyQ, PartiallySynchronous, "it is as hard as <>P"),
		eight(EventuallyW, PartiallySynchronous, "it is as hard as <>S"),
		{"Omega", "a process, the leader", "from some time on all correct processes have one and the same correct leader", omegaPaper, PartiallySynchronous, ""},
		{"Sigma", "a set of processes, the quorum", "any two quorums intersect, and from some time on those of correct processes are correct", sigmaPaper, Asynchronous, "only if a majority is correct; otherwise synchrony"},
		{"T", suspects, "strong completeness, eventual strong accuracy, and whoever is no longer trusted has crashed", trustPaper, Synchronous, ""},
		{"HB", "a counter for each process", "counters of crashed processes stop, those of correct ones grow for ever", countPaper, Asynchronous, ""},
		{"Marabout", suspects, "the processes that will have crashed at the end of time", futurePaper, Unrealistic, ""},
	}
}

// How tells why one detector is at least as strong as another.
type How uint8

const (
	// Includes: every history of the stronger is one of the weaker.
	Includes How = iota
	// Transforms: an algorithm turns the stronger into the weaker.
	Transforms
)

// String returns "by definition" or "by an algorithm".
func (h How) String() string { return [...]string{"by definition", "by an algorithm"}[h] }

// Relation says that Stronger is at least as strong as Weaker: whatever can be solved with
// Weaker can be with Stronger.
type Relation struct {
	Stronger, Weaker string
	How              How
	By               string // the algorithm, or the reason
	Source           string
	Majority         bool // only where a majority is correct
	Strict           bool // no algorithm goes back
}

// Order returns the relations from which all others that are known here follow (see
// [AtLeastAsStrong]).
func Order() []Relation {
	var all []Relation
	include := func(stronger, weaker Class) {
		all = append(all, Relation{Stronger: stronger.String(), Weaker: weaker.String(), How: Includes,
			By: "its properties imply those", Source: chandraToueg})
	}
	for _, row := range []Class{P, Q} { // of strong, and of weak completeness
		include(row, row+1)   // P => S
		include(row, row+2)   // P => <>P
		include(row+1, row+3) // S => <>S
		include(row+2, row+3) // <>P => <>S
	}
	for c := P; c <= EventuallyS; c++ {
		include(c, c+4)
		all = append(all, Relation{Stronger: (c + 4).String(), Weaker: c.String(), How: Transforms,
			By: "everybody repeats whom it suspects, and who is heard from is cleared", Source: chandraToueg + ", section 3"})
	}
	return append(all,
		Relation{Stronger: "P", Weaker: "T", How: Includes, By: "its properties imply those", Source: trustPaper, Strict: true},
		Relation{Stronger: "T", Weaker: "<>P", How: Includes, By: "its properties imply those", Source: trustPaper, Strict: true},
		Relation{Stronger: "Marabout", Weaker: "S", How: Includes, By: "its properties imply those", Source: futurePaper},
		Relation{Stronger: "Marabout", Weaker: "T", How: Includes, By: "its properties imply those", Source: futurePaper},
		Relation{Stronger: "<>S", Weaker: "Omega", How: Transforms, By: "the leader is whom all together suspected the least", Source: "Chu, IPL 67(6), 1998"},
		Relation{Stronger: "Omega", Weaker: "<>S", How: Transforms, By: "everybody but the leader is suspected", Source: omegaPaper},
		Relation{Stronger: "S", Weaker: "Sigma", How: Transforms, By: "the quorum is who has answered when all others are suspected: with the one whom nobody ever suspects", Source: sigmaPaper + ": what solves consensus for any number of crashes gives it"},
		Relation{Stronger: "<>S", Weaker: "HB", How: Transforms, By: "HB needs no detector", Source: countPaper},
		Relation{Stronger: "Sigma", Weaker: "HB", How: Transforms, By: "HB needs no detector", Source: countPaper},
		Relation{Stronger: "HB", Weaker: "Sigma", How: Transforms, By: "the quorum is the majority that answered first", Source: sigmaPaper, Majority: true},
	)
}

// AtLeastAsStrong tells whether by [Order] detector a is at least as strong as b, in every
// environment or only in those with a correct majority.
func AtLeastAsStrong(a, b string, majority bool) bool {
	return follows(a, b, func(r Relation) bool { return majority || !r.Majority })
}

// IncludedIn tells whether by [Order] every history of detector a is one of b.
func IncludedIn(a, b string) bool {
	return follows(a, b, func(r Relation) bool { return r.How == Includes })
}

// follows tells whether relations that pass lead from a to b.
func follows(a, b string, pass func(Relation) bool) bool {
	reached := []string{a}
	for i := 0; i < len(reached); i++ {
		if reached[i] == b {
			return true
		}
		for _, r := range Order() {
			if r.Stronger == reached[i] && pass(r) && !slices.Contains(reached, r.Weaker) {
				reached = append(reached, r.Weaker)
			}
		}
	}
	return false
}

// TypedClass is what a typed detector promises for one kind of failure: completeness with
// the time D within which it is said, and accuracy with the time for which it may be said
// after it has ended. For the crash kinds and Stale 0 it is a [Class].
type TypedClass struct {
	Kind   FailureKind
	Class  Class
	Within Duration
	Stale  Duration
}
