package model

import (
	"fmt"
	"strings"
)

// RecordKind tells what a record is about.
type RecordKind uint8

const (
	// Sent: Process handed a packet for Peer to its network interface.
	Sent RecordKind = iota
	// Released: a rate limiter let a packet from Process to Peer pass into the output
	// queue of its host; At - SentAt is how long it was held back.
	Released
	// Hopped: a packet arrived at the switch at the far end of link Place.
	Hopped
	// Delivered: a packet from Peer reached Process; At - SentAt is its latency.
	Delivered
	// Dropped: a packet from Process to Peer was lost at link Place, by Cause.
	Dropped
	// Suspected: detector Detector of Process begins to suspect Peer of Failure.
	Suspected
	// Trusted: detector Detector of Process no longer suspects Peer of Failure.
	Trusted
	// Started: Process began to run; before that it is neither up nor crashed.
	Started
	// Crashed: Process stopped. Failure tells whether it or its host did; a process
	// that is down already does not crash again.
	Crashed
	// Recovered: Process runs again, without memory; its detectors trust
	// everybody.
	Recovered
	// HostWentDown and HostCameUp: the host of Process stopped and runs again,
	// whether or not the process was down already.
	HostWentDown
	HostCameUp
	// LinkWentDown and LinkCameUp: link Place stopped and resumed carrying
	// packets, in the direction from Process to Peer (nodes).
	LinkWentDown
	LinkCameUp
	// LinkChanged: what link Place does to packets changed: its loss, its rate, or what
	// the interfaces at its ends make of them.
	LinkChanged
	// SwitchWentDown and SwitchCameUp: the switch that is node Process stopped and
	// resumed forwarding.
	SwitchWentDown
	SwitchCameUp
	// RuleSet and RuleLifted: the switch that is node Place, or each one if that is
	// negative, began and ceased to drop the packets from host Process to host Peer
	// ([Nobody]: any) with the priority Seq (negative: any).
	RuleSet
	RuleLifted
	// Duplicated: link Place brought the packet Seq twice; the second copy has the number
	// Packet.
	Duplicated
	// FailureBegan and FailureEnded are the ground truth: from now on Failure holds, or no
	// more, between Process and Peer, in that order, in the directions Seq (see
	// [Directions]). Of congestion, Priority is the class and Detector numbers the
	// definition. A FailureBegan for one that holds already changes its directions.
	FailureBegan
	FailureEnded
	// RouteChanged: the switch that is node Process forwards otherwise than before: to the
	// host Peer, or where that is Nobody, to several.
	RouteChanged
	// Paused and Resumed: Process stopped running without losing anything, and goes on.
	Paused
	Resumed
	// Wedged and Unwedged: the application of Process makes no progress, though the
	// process answers, and does so again.
	Wedged
	Unwedged
	// ClockChanged: the clock of Process was set, by Seq picoseconds, or drifts otherwise.
	ClockChanged
	// Announced: an algorithm of Process announces Announcement: its Peer, Seq, and Value,
	// which is in SentAt.
	Announced
	RecordKinds // the number of kinds
)

var recordKindNames = [RecordKinds]string{
	"sent", "released", "hopped", "delivered", "dropped", "suspected", "trusted",
	"started", "crashed", "recovered", "host-down", "host-up", "link-down", "link-up", "link-changed",
	"switch-down", "switch-up", "rule-set", "rule-lifted", "duplicated", "failure-began", "failure-ended",
	"route-changed", "paused", "resumed", "wedged", "unwedged", "clock-changed", "announced",
}

// String returns the name of k in lower case.
func (k RecordKind) String() string {
	if k >= RecordKinds {
		return fmt.Sprintf("record-kind(%d)", uint8(k))
	}
	return recordKindNames[k]
}

// Kinds is a set of record kinds.
type Kinds uint32

// KindSet returns the set of the given kinds.
func KindSet(kinds ...RecordKind) Kinds {
	var s Kinds
	for _, k := range kinds {
		s |= 1 << k
	}
	return s
}

// AllKinds is the set of all record kinds.
const AllKinds Kinds = 1<<RecordKinds - 1

// Directions are those of an ordered pair of processes in which a failure holds.
type Directions uint8

const (
	Forward  Directions = 1 << iota // from the first to the second
	Backward                        // from the second to the first
	Both     = Forward | Backward
)

// String returns "forward", "backward", "both" or "none".
func (d Directions) String() string {
	return [...]string{"none", "forward", "backward", "both"}[d&Both]
}

// Has tells whether k is in s.
func (s Kinds) Has(k RecordKind) bool { return s>>k&1 != 0 }

// DropCause tells why a packet was lost.
type DropCause uint8

const (
	NotDropped     DropCause = iota
	BufferFull               // drop-tail: the queue of its class was full
	LinkLoss                 // lost at random on a link
	LinkDown                 // the link was down, or went down under it
	ProcessDown              // the receiving process had crashed, or had not started yet
	HostDown                 // the sending or receiving host had crashed
	NoRoute                  // a switch had no route to its destination
	RateLimited              // the rate limiter of its host and priority refused it
	SwitchDown               // the switch had crashed, or crashed while it waited there
	RuleDrop                 // a rule of the switch, as of a firewall, forbids it
	InterfaceFault           // a network interface lost it silently, with its link up
	Corrupted                // bits of it changed, and a checksum told
	HopLimit                 // it crossed as many links as a packet may: it was in a loop
	Overload                 // the control processor of a switch had too much to do
	DropCauses               // the number of causes
)

var dropCauseNames = [DropCauses]string{
	"none", "buffer-full", "link-loss", "link-down", "process-down", "host-down", "no-route", "rate-limited",
	"switch-down", "rule", "interface-fault", "corrupted", "hop-limit", "overload",
}

// String returns the name of c in lower case.
func (c DropCause) String() string {
	if c >= DropCauses {
		return fmt.Sprintf("drop-cause(%d)", uint8(c))
	}
	return dropCauseNames[c]
}

// Record is one line of a run, in the order of true time. It is one flat struct
// for all kinds; fields that a kind does not use are zero (Process and Peer:
// [Nobody]).
type Record struct {
	At      Time // true time, whatever the process's clock says
	Process ProcessID
	Peer    ProcessID

	// Of a packet.
	Packet   uint64 // number in the order of sending, from 1
	SentAt   Time   // when it was handed to the network interface
	Seq      int64  // the message's sequence number
	Bytes    int32  // on the wire, with all framing that the scenario counts
	Place    int32  // directed link
	Priority Priority
	Traffic  bool // background traffic, not a message of an automaton
	Cause    DropCause

	Kind     RecordKind
	Failure  FailureKind // of a verdict or crash
	Detector uint8       // which detector's opinion or message it is, in the scenario's order

	Evidence     EvidenceKind     // of a packet that carries evidence and nothing else
	Announcement AnnouncementKind // of Announced
	Certainty    Certainty        // of Suspected, with Place as a [Place]
	Warning      bool             // of Suspected: the failure is expected and is not said to hold
}

// String returns the record as one stable line: time, kind, then the fields that
// the kind uses.
func (r *Record) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %v", r.At, r.Kind)
	switch r.Kind {
	case Sent, Released, Hopped, Delivered, Dropped:
		from, to := r.Process, r.Peer
		if r.Kind == Delivered {
			from, to = to, from
		}
		fmt.Fprintf(&b, " packet=%d p%d->p%d", r.Packet, from, to)
		switch {
		case r.Traffic:
			b.WriteString(" traffic")
		case r.Evidence != NoEvidence:
			fmt.Fprintf(&b, " evidence=%v", r.Evidence)
		default:
			fmt.Fprintf(&b, " seq=%d", r.Seq)
		}
		fmt.Fprintf(&b, " priority=%d bytes=%d", r.Priority, r.Bytes)
		if r.Kind == Delivered {
			fmt.Fprintf(&b, " latency=%v", r.At.Sub(r.SentAt))
		}
		if r.Kind == Dropped {
			fmt.Fprintf(&b, " cause=%v", r.Cause)
		}
		if r.Kind == Dropped || r.Kind == Hopped {
			fmt.Fprintf(&b, " link=%d", r.Place)
		}
	case Suspected, Trusted:
		fmt.Fprintf(&b, " p%d of p%d detector=%d kind=%v", r.Process, r.Peer, r.Detector, r.Failure)
		if r.Warning {
			b.WriteString(" expected")
		}
		if r.Certainty != 0 {
			fmt.Fprintf(&b, " certainty=%d", r.Certainty)
		}
		if r.Place != 0 {
			fmt.Fprintf(&b, " place=%v", Place(r.Place))
		}
	case Crashed:
		fmt.Fprintf(&b, " p%d %v", r.Process, r.Failure)
	case Duplicated:
		fmt.Fprintf(&b, " packet=%d of=%d link=%d", r.Packet, r.Seq, r.Place)
	case FailureBegan, FailureEnded:
		fmt.Fprintf(&b, " p%d->p%d %v", r.Process, r.Peer, r.Failure)
		if r.Seq != 0 {
			fmt.Fprintf(&b, " %v", Directions(r.Seq))
		}
		if r.Failure == Congestion {
			fmt.Fprintf(&b, " priority=%d definition=%d", r.Priority, r.Detector)
		}
	case ClockChanged:
		fmt.Fprintf(&b, " p%d step=%v", r.Process, Duration(r.Seq))
	case Announced:
		fmt.Fprintf(&b, " p%d detector=%d %v p%d seq=%d value=%d", r.Process, r.Detector, r.Announcement, r.Peer, r.Seq, int64(r.SentAt))
	case RouteChanged:
		fmt.Fprintf(&b, " n%d", r.Process)
	case Started, Recovered, HostWentDown, HostCameUp, Paused, Resumed, Wedged, Unwedged:
		fmt.Fprintf(&b, " p%d", r.Process)
	case SwitchWentDown, SwitchCameUp:
		fmt.Fprintf(&b, " n%d", r.Process)
	case RuleSet, RuleLifted:
		fmt.Fprintf(&b, " n%d p%d->p%d priority=%d", r.Place, r.Process, r.Peer, r.Seq)
	default:
		fmt.Fprintf(&b, " link=%d n%d->n%d", r.Place, r.Process, r.Peer)
	}
	return b.String()
}
