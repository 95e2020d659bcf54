package model

import "fmt"

// ProcessID names a process. The n processes of a system are 0..n-1, so that
// state about peers can be kept in slices. In a network, process p runs on the host that is
// node p, and numbers from n on name switches.
type ProcessID int32

// Nobody is the process of a record that concerns none.
const Nobody ProcessID = -1

// Priority is an 802.1Q priority, 0 to 7; a switch serves the highest first.
type Priority uint8

// Priorities is the number of 802.1Q priorities.
const Priorities = 8

// Message is what one process sends to another. It is a value: what does not fit
// in the fixed fields goes into Body, which is immutable from the moment it is
// sent and may be shared by many messages.
type Message struct {
	From, To ProcessID

	// Seq and Arg are two numbers whose meaning belongs to the algorithm, as a
	// heartbeat's sequence number or a round.
	Seq, Arg int64

	// Kind tells the messages of one algorithm apart.
	Kind uint8

	// Tag is left alone by the algorithm that sends: whoever embeds several
	// automata writes it on the way out and routes by it on the way in.
	Tag uint8

	// Layer is where at To the message goes. Other than the zero value, ProcessLayer, it
	// asks an agent there, which may be that of a switch, for the [Request] Kind.
	Layer Layer

	// Priority asks the network for a class of service.
	Priority Priority

	// Flow picks one of the equal paths, if a network has several: messages of one flow
	// between the same two processes take the same, others perhaps another. It does not
	// arrive with the message.
	Flow uint8

	// Bytes is the size of the payload on the wire; 0 asks for the size that the
	// environment gives to every message (in a scenario, the monitor's
	// message_size).
	Bytes int32

	Body any
}

// InputKind tells what happened to an automaton.
type InputKind uint8

const (
	// Start is the first input, and the first after a recovery: the automaton
	// is then newly made and remembers nothing.
	Start InputKind = iota
	// Wake says that time has passed. It may come before the wake-up that was
	// asked for, at any time, and must then be harmless.
	Wake
	// Deliver hands over a message that arrived. It may be a duplicate, late, or
	// from a process that is not monitored.
	Deliver
	// Inform hands over evidence that arrived. It may be about anybody, and is ignored
	// by whoever has no use for it.
	Inform
)

// String returns the name of k in lower case.
func (k InputKind) String() string { return [...]string{"start", "wake", "deliver", "inform"}[k] }

// Random is where an automaton's choices come from.
type Random interface {
	// IntN returns a number from 0 to n-1, for n > 0: in a simulation a random one,
	// all equally likely, in an exploration each of them in a branch of its own.
	IntN(n int) int
}

// Input is one stimulus of an automaton.
type Input struct {
	Kind    InputKind
	Message Message // of Deliver

	// Evidence is that of Inform. It is lent for the step.
	Evidence *Evidence

	// Random is for the choices of this step alone. It belongs to the environment
	// and is no part of the automaton's state, which is why an early wake-up must not
	// draw from it. Environments for automata that make no choices may leave it nil.
	Random Random
}

// Verdict is a detector's opinion of a peer, written when it changes: from now
// on the failure is believed to hold, or no more. A detector's full opinion of a
// peer is the set of kinds that it last said to hold; empty means trust.
type Verdict struct {
	Peer ProcessID

	// Kind is the kind of failure that is suspected; [Unspecified] for a
	// detector that only tells suspicion from trust.
	Kind FailureKind

	// Suspected is true when the suspicion begins and false when it ends.
	Suspected bool

	// What a typed detector says beyond the kind when a suspicion begins; see [Finding].
	Warning   bool
	Certainty Certainty
	Place     Place
	Lasts     Duration
}

// String returns v as "suspect p1 of congestion" or "trust p1".
func (v Verdict) String() string {
	verb := "trust"
	if v.Suspected {
		verb = "suspect"
	}
	if v.Kind == Unspecified {
		return fmt.Sprintf("%s p%d", verb, v.Peer)
	}
	return fmt.Sprintf("%s p%d of %v", verb, v.Peer, v.Kind)
}

// AnnouncementKind tells what an algorithm announces.
type AnnouncementKind uint8

const (
	Proposed          AnnouncementKind = iota // Value was proposed to instance Seq of consensus
	Decided                                   // instance Seq of consensus decided Value
	Broadcast                                 // the message Value of process Peer was broadcast
	Handed                                    // the message Value of process Peer was delivered by a broadcast
	Elected                                   // Peer is the leader
	Quorum                                    // the quorum is the set of processes whose bits are set in Value
	AnnouncementKinds                         // the number of kinds
)

var announcementKindNames = [AnnouncementKinds]string{"proposed", "decided", "broadcast", "handed", "elected", "quorum"}

// String returns the name of k in lower case.
func (k AnnouncementKind) String() string {
	if k >= AnnouncementKinds {
		return fmt.Sprintf("announcement-kind(%d)", uint8(k))
	}
	return announcementKindNames[k]
}

// Announcement is what an algorithm built on a detector tells its user.
type Announcement struct {
	Kind  AnnouncementKind
	Peer  ProcessID
	Seq   int64
	Value int64
}

// Output is what an automaton wants after a step. The caller owns it, resets it
// before each step and must not be surprised by the order of its lines: messages
// are sent, and verdicts take effect, in the order written.
type Output struct {
	Send     []Message
	Verdicts []Verdict // changes only

	Announcements []Announcement

	// Wake is the local time at which the automaton wants its next Wake input.
	// Every step states it anew: a step that leaves it at Never asks for none.
	Wake Time
}

// Reset empties o and keeps its buffers.
func (o *Output) Reset() {
	clear(o.Send) // let go of bodies
	o.Send, o.Verdicts, o.Announcements, o.Wake = o.Send[:0], o.Verdicts[:0], o.Announcements[:0], Never
}

// Automaton is a deterministic process: a detector, or an algorithm built on
// one. Its methods know no clock but the now that they are given, which is the
// local clock of its process and may drift; they use no randomness but a stream
// they were given, and start no goroutine.
type Automaton interface {
	// Step consumes one input at local time now, which never decreases, and
	// writes what follows to out. It retains neither in nor out, allocates
	// nothing in the steady state, and writes a Verdict only when an opinion
	// changes. Wake-ups before the time asked for change nothing, and the Wake
	// that is asked for is later than now.
	Step(now Time, in *Input, out *Output)

	// Clone returns a copy that shares nothing mutable with the receiver.
	Clone() Automaton

	// AppendState appends a canonical encoding of the state to b: two automata
	// with the same parameters encode alike at their times exactly when they
	// behave alike from there on. Times are therefore relative to now, and what
	// no longer matters is saturated or left out.
	AppendState(b []byte, now Time) []byte

	// LoadState overwrites the state with one that AppendState wrote, as of the
	// local time now, and returns the rest of b. It returns an error, leaving the
	// receiver unusable, when b is not such an encoding.
	LoadState(b []byte, now Time) (rest []byte, err error)
}
