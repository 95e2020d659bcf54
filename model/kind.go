package model

import "fmt"

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
	Stall // a pause: garbage collection, steal time
	Wedge // answers pings, makes no progress
	failureKinds
)

var failureKindNames = [failureKinds]string{
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
	if k >= failureKinds {
		return fmt.Sprintf("failure-kind(%d)", uint8(k))
	}
	return failureKindNames[k]
}
