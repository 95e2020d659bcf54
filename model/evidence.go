package model

import "fmt"

// Layer is a level of a machine: each is watched, and can be stopped, by the one below.
// A message to a layer other than [ProcessLayer] is not for an automaton but for an
// agent that the environment hosts there.
type Layer uint8

const (
	ProcessLayer     Layer = iota // the automaton itself
	ApplicationLayer              // the work of the process: stuck in a wedge, while the automaton runs on
	SystemLayer                   // the operating system of the host
	HypervisorLayer               // what runs the operating system
	SwitchLayer                   // the control processor of a switch
	Layers                        // the number of layers
)

var layerNames = [Layers]string{"process", "application", "system", "hypervisor", "switch"}

// String returns the name of l in lower case.
func (l Layer) String() string {
	if l >= Layers {
		return fmt.Sprintf("layer(%d)", uint8(l))
	}
	return layerNames[l]
}

// Request is what a message to an agent asks for: its [Message].Kind. The answer, where
// there is one, is [Evidence] with the Seq of the request.
type Request uint8

const (
	// Probe asks whether the layer Arg of the same machine is alive, to be answered by
	// [Liveness]. An agent that is asked about its own layer answers if it can. A switch is
	// asked whether the machine behind its port to the node Arg is alive, of which it answers
	// for the lowest layer, or by its own number for itself.
	Probe Request = iota + 1
	// Kill asks to stop a layer of the same machine for good, which the agent confirms by a
	// Liveness that says so of the incarnation that it stopped. Arg is the layer, or that and
	// the only incarnation that is meant ([Victim]). What is down already, and what has a
	// successor, is confirmed to be dead and else left alone; of an incarnation that was
	// never there nothing is said. A switch is asked to kill the machine behind its port to
	// the node Arg: it disables the port, also if that is down, as a machine may live on
	// behind a dead link, and confirms the death of the machine's lowest layer.
	Kill
	// Subscribe asks an agent to tell of every change that it sees, from now on, and at
	// once what is not as it should be: the system of its process, the hypervisor of the
	// system, a switch of its ports and of its view of the links.
	Subscribe
	// Query asks a switch for the state of its port to the node Arg, or of all links
	// that it knows of if that is negative.
	Query
	// Isolate asks a switch to drop everything from and to the host Arg, and Admit to
	// take that back. Both are confirmed by the [PortState] of the host, killed or alive.
	Isolate
	Admit
	requests
)

var requestNames = [requests]string{"", "probe", "kill", "subscribe", "query", "isolate", "admit"}

// String returns the name of r in lower case.
func (r Request) String() string {
	if r == 0 || r >= requests {
		return fmt.Sprintf("request(%d)", uint8(r))
	}
	return requestNames[r]
}

// Victim returns the Arg of an order to [Kill] an incarnation of a layer; 0 is whichever is
// there when the order comes, so that the layer alone is such an Arg.
func Victim(layer Layer, incarnation int64) (arg int64) {
	return int64(layer) + int64(Layers)*incarnation
}

// VictimOf returns whom the Arg of an order to [Kill] means. A negative one means nobody: the
// layer is [Layers].
func VictimOf(arg int64) (layer Layer, incarnation int64) {
	if arg < 0 {
		return Layers, 0
	}
	return Layer(arg % int64(Layers)), arg / int64(Layers)
}

// EvidenceKind tells what a piece of evidence is.
type EvidenceKind uint8

const (
	NoEvidence     EvidenceKind = iota
	Reset                       // a system says that the process About does not run there: TCP's RST
	Finish                      // a system says that the process About ended in good order: TCP's FIN
	Liveness                    // an agent says whether Layer of the machine About is Alive
	PortState                   // a switch says whether its port to Place is Alive
	LinkState                   // a router's view of the network holds the link Place for Alive
	QueueState                  // a switch says what waits at its port Place: Value bytes, Lost packets so far
	CongestionMark              // a packet came that had to wait where more than a threshold did: ECN
	Unreachable                 // a switch had no way for a packet to About: ICMP type 3
	TimeExceeded                // a packet to About ran out of hops: ICMP type 11
	Obituary                    // the hop at Place tells that it dropped a packet to About, and why
	FailureHeader               // a packet came by a detour around the links that it lists
	EvidenceKinds               // the number of kinds
)

var evidenceKindNames = [EvidenceKinds]string{
	"none", "reset", "finish", "liveness", "port-state", "link-state", "queue-state", "congestion-mark",
	"unreachable", "time-exceeded", "obituary", "failure-header",
}

// String returns the name of k in lower case.
func (k EvidenceKind) String() string {
	if k >= EvidenceKinds {
		return fmt.Sprintf("evidence-kind(%d)", uint8(k))
	}
	return evidenceKindNames[k]
}

// Evidence is what a host or a switch tells about the state of the system, as it was
// when it was told. It travels as a packet, by itself or with another, and is as late and
// as easily lost as any.
type Evidence struct {
	Kind  EvidenceKind
	From  ProcessID // the node that tells
	About ProcessID // the process, host or destination that it is about, or Nobody
	Layer Layer     // of Liveness: whose; of the others: that of the teller
	Alive bool

	// Killed tells, where Alive is false, that this was done by order.
	Killed bool

	Cause DropCause // of an Obituary
	Place Place
	Value int64
	Lost  int64

	// Incarnation counts the starts of About's layer, from 1, so that a machine is not
	// taken for its predecessor. 0: not told.
	Incarnation int64

	// Seq is that of the request that is answered, or of the packet that is reported.
	Seq int64

	// Links are those of a FailureHeader, or of a LinkState that tells of all that are
	// not as they should be. They are not to be changed.
	Links []Place
}

// Place is where in the network something is: a direction of a link, or a node. The zero
// value is nowhere. Places are numbered as the environment's map is ([Graph]).
type Place int32

// Nowhere is the place of what has none, or is not told.
const Nowhere Place = 0

// LinkPlace returns the place of a direction of a link, NodePlace that of a node.
func LinkPlace(link int32) Place { return Place(link + 1) }

// NodePlace returns the place of a node.
func NodePlace(node ProcessID) Place { return Place(-node - 1) }

// Link returns the direction of a link that p is, if it is one.
func (p Place) Link() (link int32, ok bool) { return int32(p) - 1, p > 0 }

// Node returns the node that p is, if it is one.
func (p Place) Node() (node ProcessID, ok bool) { return ProcessID(-p - 1), p < 0 }

// String returns p as link=3, node=7 or nowhere.
func (p Place) String() string {
	if l, ok := p.Link(); ok {
		return fmt.Sprintf("link=%d", l)
	}
	if n, ok := p.Node(); ok {
		return fmt.Sprintf("node=%d", n)
	}
	return "nowhere"
}

// Graph is the map of a network. Its nodes are hosts 0..Hosts-1, on each of which runs
// the process of the same number, and then the switches.
type Graph struct {
	Nodes int
	Hosts int

	// Links are the pairs of nodes that are linked. Direction 2i of a place goes from
	// Links[i][0] to Links[i][1], and 2i+1 back.
	Links [][2]ProcessID
}

// Ends returns the node that a direction of a link leaves and the one that it reaches.
func (g *Graph) Ends(link int32) (from, to ProcessID) {
	l := g.Links[link/2]
	if link%2 == 0 {
		return l[0], l[1]
	}
	return l[1], l[0]
}

// Uplink returns the switch, or host, that a host is linked to, and the direction of that
// link which leaves the host.
func (g *Graph) Uplink(host ProcessID) (to ProcessID, link int32) {
	for i, l := range g.Links {
		switch host {
		case l[0]:
			return l[1], int32(2 * i)
		case l[1]:
			return l[0], int32(2*i + 1)
		}
	}
	return Nobody, -1
}

// Certainty is how sure a detector is of what it says, in thousandths. 0 is not told.
type Certainty uint16

// Certain is the certainty of what cannot be otherwise.
const Certain Certainty = 1000

// Finding is what a typed detector has to say of one peer and one kind of failure.
type Finding struct {
	Kind  FailureKind
	Since Time // local time from which on it was held to be so

	// Warning tells that the failure is expected and has not come yet.
	Warning bool

	Certainty Certainty
	Place     Place

	// Lasts is for how long the failure is expected to go on, from now: 0 is not told,
	// and Forever that it will not end by itself.
	Lasts Duration
}

// Forever is longer than any run.
const Forever = Duration(Never)
