package model

import (
	"fmt"
	"strings"
)

// FailureKind is a kind of failure that can hold between two processes. The
// kinds up to Partition are those that an application should be told apart
// (host failure being a process or a host crash); the next three are rarer, and
// the last two are the gray failures.
type FailureKind uint8

const (
	// Unspecified is the suspicion of a detector that does not tell kinds apart.
	Unspecified FailureKind = iota
	ProcessCrash
	HostCrash
	Congestion
	RouteFailure
	Partition
	Corruption
	RouteInstability
	PolicyViolation
	Stall        // a pause: garbage collection, steal time
	Wedge        // answers pings, makes no progress
	FailureKinds // the number of kinds
)

var failureKindNames = [FailureKinds]string{
	"unspecified", "process-crash", "host-crash", "congestion", "route-failure",
	"partition", "corruption", "route-instability", "policy-violation", "stall", "wedge",
}

// HostFailure tells whether k is a crash of a process or of its host. A suspicion of
// an [Unspecified] kind counts as one, since those who do not tell kinds apart suspect
// crashes. The suspicions of these kinds alone, the projection of a history on host
// failure, are a history in the sense of Chandra and Toueg.
func (k FailureKind) HostFailure() bool { return k <= HostCrash }

// String returns the name used in scenarios and reports.
func (k FailureKind) String() string {
	if k >= FailureKinds {
		return fmt.Sprintf("failure-kind(%d)", uint8(k))
	}
	return failureKindNames[k]
}

// ParseFailureKind returns the kind with the given name.
func ParseFailureKind(name string) (FailureKind, error) {
	for k, n := range failureKindNames {
		if n == name {
			return FailureKind(k), nil
		}
	}
	return 0, fmt.Errorf("no kind of failure is named %q (kinds: %s)", name, strings.Join(failureKindNames[1:], ", "))
}

// FailureSet is a set of kinds of failure.
type FailureSet uint16

// HostFailures is the set of the kinds of host failure, see [FailureKind.HostFailure].
const HostFailures = 1<<Unspecified | 1<<ProcessCrash | 1<<HostCrash

// FailuresOf returns the set of the given kinds.
func FailuresOf(kinds ...FailureKind) (s FailureSet) {
	for _, k := range kinds {
		s |= 1 << k
	}
	return s
}

// Has tells whether k is in s.
func (s FailureSet) Has(k FailureKind) bool { return s>>k&1 != 0 }

// precedence orders the kinds for [FailureSet.Label].
var precedence = [...]FailureKind{
	HostCrash, ProcessCrash, Partition, RouteFailure, PolicyViolation, Stall, Wedge, Congestion, Corruption, RouteInstability,
	Unspecified,
}

// Label returns the kind that s is called by where one has to do: crash before partition,
// route failure, policy violation, stall and wedge, congestion, and the rest; ok is false
// if s is empty. [Unspecified] comes last.
func (s FailureSet) Label() (k FailureKind, ok bool) {
	for _, k := range precedence {
		if s.Has(k) {
			return k, true
		}
	}
	return 0, false
}

// String returns the names of the kinds in s, joined by "+", or "none".
func (s FailureSet) String() string {
	var names []string
	for k := range FailureKinds {
		if s.Has(k) {
			names = append(names, k.String())
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, "+")
}
