package network

import (
	"errors"
	"fmt"
	"slices"

	"suspect/model"
	"suspect/sim"
)

// Evidence tells which evidence hosts and switches give, and at what pace. The zero value
// is none. It travels as packets of its own, from whoever tells to the process that it is
// for, and is lost like any; [PayloadOf] has their sizes.
type Evidence struct {
	// Priority is that at which all of it travels, but for what packets bring with them.
	Priority model.Priority

	// Agents lets hosts and switches serve requests (see [model.Request]).
	Agents bool

	// Resets lets the system of a process that crashed or ended tell those that exchanged
	// messages with it, and whoever sends it messages afterwards, as TCP does. See
	// evidence_reset.go.
	Resets bool

	// Carrier is the time after which a switch sees that a link is down, or up again.
	Carrier model.Duration

	// Counter is how often the hypervisor looks at a counter of the system above it.
	Counter model.Duration

	// Look is how often a switch that is asked about a machine looks whether bytes came
	// from it, and Looks how often in vain before it takes it for dead.
	Look  model.Duration
	Looks int

	// Confirm is the time from an order to kill to the look that confirms it.
	Confirm model.Duration

	// Queues is how often a switch tells its subscribers of its queues; 0 for only when it
	// is asked.
	Queues model.Duration

	// Mark is how much has to wait in a queue of a switch, before a packet that comes to
	// it, for that packet to be marked: either of the two that is not zero.
	Mark Buffer

	// Errors lets switches tell the sender of a packet that they had no way for it, or
	// that it was in a loop, as ICMP does: each at most so many at once, and then one each
	// time that ErrorEvery has passed.
	Errors     int
	ErrorEvery model.Duration

	// Obituaries lets a switch tell the sender of every packet that it drops.
	Obituaries bool
}

// AllEvidence is all that there is, with the constants of Falcon's spies and of the Linux
// kernel where they have one.
var AllEvidence = Evidence{
	Priority: model.Priorities - 1,
	Agents:   true,
	Resets:   true,
	Carrier:  10 * model.Millisecond,
	Counter:  100 * model.Millisecond,
	Look:     20 * model.Millisecond,
	Looks:    6,
	Confirm:  5 * model.Millisecond,
	Queues:   100 * model.Millisecond,
	Mark:     Buffer{Bytes: 30_000},

	Errors:     50,
	ErrorEvery: model.Millisecond,

	Obituaries: true,
}

// Any tells whether there is any evidence at all.
func (e *Evidence) Any() bool {
	return e.Agents || e.Resets || e.Mark != (Buffer{}) || e.Errors != 0 || e.Obituaries
}

// Validate returns everything that is wrong with e.
func (e *Evidence) Validate() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf("evidence: "+format, args...)) }
	if e.Priority >= model.Priorities {
		fail("priority %d: it must lie between 0 and %d", e.Priority, model.Priorities-1)
	}
	within := func(what string, d, least model.Duration) {
		const most = model.Duration(model.MaxTime) / 8
		if d < least || d > most {
			fail("%s of %v: it must lie between %v and %v", what, d, least, most)
		}
	}
	within("carrier", e.Carrier, 0)
	if e.Agents {
		within("counter", e.Counter, 1)
		within("look", e.Look, 1)
		within("confirm", e.Confirm, 0)
		within("queues", e.Queues, 0)
		if e.Looks < 1 || e.Looks > 1_000_000 {
			fail("%d looks: there must be between 1 and 1000000", e.Looks)
		}
	}
	if e.Errors < 0 || e.Errors > 1_000_000_000 {
		fail("%d errors at once: there must be between 0 and 1000000000", e.Errors)
	} else if e.Errors > 0 {
		within("error_every", e.ErrorEvery, 1)
	}
	if e.Mark.Packets < 0 || e.Mark.Bytes < 0 {
		fail("a mark at %d packets and %d bytes: neither can be negative", e.Mark.Packets, e.Mark.Bytes)
	}
	return errors.Join(errs...)
}

// informants are what hosts and switches need to give evidence.
type informants struct {
	Evidence
	hosts    []hostAgent
	switches []switchAgent
	links    []wire    // by direction
	contacts []contact // by process and panel

	// linkView returns the links that a router holds for dead, in increasing order; nil
	// without a routing protocol.
	linkView func(at NodeID) []model.Place

	due    []errand // in the order in which they are to be done
	errand sim.Timer
	order  uint64
}

// wire is what the node that a link leads to knows of it.
type wire struct {
	seen     bool       // that it is up
	changed  model.Time // when its state last changed
	bytes    int64      // received over it
	heard    model.Time // when the last of them came, or -1
	lost     int64      // packets for which there was no room in the queues at its beginning
	told     int64      // of them
	disabled bool       // by order
	askers   []asker    // who wait to hear whether the machine at its beginning is alive
	looks    int        // in vain, since they were first asked
}

// newInformants prepares the evidence of n.
func (n *Network) newInformants(e Evidence) {
	if !e.Any() {
		return
	}
	n.informants = &informants{
		Evidence: e,
		hosts:    make([]hostAgent, n.topology.Hosts),
		switches: make([]switchAgent, len(n.switchDown)),
		links:    make([]wire, len(n.ports)),
	}
	f := n.informants
	f.errand = n.kernel.NewTimer((*errands)(n), 0)
	n.routes.routeToSwitches(&n.topology)
	for h := range f.hosts {
		f.hosts[h] = hostAgent{starts: 1, counted: true, counting: true, told: true, seen: 1}
	}
	for s := range f.switches {
		f.switches[s].starts = 1
	}
	for l := range n.ports {
		f.links[l].seen, f.links[l].heard = true, -1
		from, to := n.topology.Ends(LinkID(l))
		if e.Agents && n.isSwitch(to) {
			n.ports[l].flags |= portHeard
		}
		if e.Mark != (Buffer{}) && n.isSwitch(from) {
			n.ports[l].flags |= portMarks
		}
	}
}

func (n *Network) isSwitch(node NodeID) bool { return int(node) >= n.topology.Hosts }

// asker is the process, and which of its automata, that an answer goes to.
type asker struct {
	node  NodeID
	panel uint8
	tag   uint8
	seq   int64
}

// askerOf returns who sent packet x.
func askerOf(x *packet) asker { return asker{x.from, x.panel, x.tag, x.seq} }

// PayloadOf returns how many bytes of payload evidence has when it is a packet by itself:
//
//   - an IP header (20), and of a reset or finish that of TCP (20);
//   - of ICMP its header (8), and the beginning of the packet that it is about: its IP
//     header and 8 bytes (28; RFC 792);
//   - of the rest that of UDP (8), its kind, layer, two flags and a cause in 4 bytes, whom
//     or which place it is about (4), and the Seq of the request (8); then
//   - of Liveness the incarnation (8),
//   - of PortState the bytes received (8),
//   - of QueueState what waits, and what was lost (16),
//   - of LinkState 4 for each of the links that are listed,
//   - of an Obituary the beginning of the packet (28).
//
// A mark is two bits of a header that is there anyway, and what failed links cost is that of
// the packets that go around them (see evidence_detour.go).
func PayloadOf(e *model.Evidence) int32 {
	const ip, tcp, udp, icmp, quoted, common = 20, 20, 8, 8, 28, 16
	switch e.Kind {
	case model.Reset, model.Finish:
		return ip + tcp
	case model.Unreachable, model.TimeExceeded:
		return ip + icmp + quoted
	case model.Obituary:
		return ip + udp + common + quoted
	case model.Liveness, model.PortState:
		return ip + udp + common + 8
	case model.QueueState:
		return ip + udp + common + 16
	case model.LinkState:
		return ip + udp + common + 4*int32(len(e.Links))
	}
	panic(fmt.Sprintf("network: evidence of kind %v is no packet by itself", e.Kind))
}

// tell sends evidence from the agent of a switch. It fills in who tells and the Seq of the
// request, and lets the packet bear the number of the detector that asked.
func (n *Network) tell(from NodeID, to asker, e model.Evidence) {
	n.tellBy(from, model.SwitchLayer, to, e)
}

// tellBy is tell for a layer of any node. What a system sends passes the limiters of its
// host; they are not those of the hypervisor.
func (n *Network) tellBy(from NodeID, by model.Layer, to asker, e model.Evidence) {
	e.From, e.Seq = model.ProcessID(from), to.seq
	n.sendEvidence(from, by, to, &e, isControl)
}

// sendEvidence sends evidence, which is immutable from now on. The flags may say that nobody
// but the system of its destination reads it.
func (n *Network) sendEvidence(from NodeID, by model.Layer, to asker, e *model.Evidence, flags uint8) {
	if from == to.node { // it does not pass the network
		n.later(0, func() { n.inform(to, e) })
		return
	}
	i := n.pool.get()
	n.pool.packets[i] = packet{
		from: from, to: to.node, seq: to.seq, panel: to.panel, tag: to.tag, evidence: e.Kind,
		flags: flags | uint8(n.informants.Priority), bytes: n.WireBytes(PayloadOf(e)),
		flow: ecmpHash(from, to.node, uint32(to.panel)),
	}
	n.pool.setExtra(i, extra{evidence: e})
	if by == model.HypervisorLayer {
		n.launchAt(i, n.uplinks[from])
		return
	}
	n.launchFrom(i)
}

// inform hands evidence to the automata that it is for, if their process runs.
func (n *Network) inform(to asker, e *model.Evidence) {
	pr := &n.processes[to.node]
	if !pr.running || int(to.panel) >= len(pr.panels) {
		return
	}
	n.in = model.Input{Kind: model.Inform, Evidence: e, Random: (*choices)(n), Message: model.Message{
		From: e.From, To: model.ProcessID(to.node), Seq: to.seq, Tag: to.tag,
	}}
	n.hand(to.node, to.panel)
}

// receiveControl ends packet i, which is no message of a process to a process, at its host.
func (n *Network) receiveControl(host NodeID, l LinkID, i int32) {
	x := &n.pool.packets[i]
	pr := &n.processes[host]
	asked := x.evidence == model.NoEvidence && x.flags&isTraffic == 0
	switch {
	case n.hostDown[host] != 0 && !(asked && x.layer == model.HypervisorLayer && n.machineDown[host] == 0):
		n.drop(i, l, model.HostDown)
		return
	case !pr.running && x.flags&isTraffic == 0 && (!asked || x.layer == model.ApplicationLayer):
		n.refuse(host, x)
		n.drop(i, l, model.ProcessDown)
		return
	}
	n.delivered++
	if n.kernel.Records.Wants(model.Delivered) {
		n.emit(model.Delivered, x, l, 0)
	}
	from, layer := askerOf(x), x.layer
	request, arg, evidence := model.Request(x.kind), int64(0), (*model.Evidence)(nil)
	if x.flags&hasExtra != 0 {
		arg, evidence = n.pool.extra[i].arg, n.pool.extra[i].evidence
	}
	forNobody := x.flags&isTraffic != 0
	n.pool.put(i)
	switch {
	case forNobody:
	case asked:
		n.serveHost(host, layer, from, request, arg)
	default:
		from.node = host
		n.inform(from, evidence)
	}
}

// errand is something that an informant does later.
type errand struct {
	at    model.Time
	order uint64
	do    func()
}

// errands are the network as the handler of the timer of the first of them.
type errands Network

// later lets an informant do something after some time.
func (n *Network) later(wait model.Duration, do func()) {
	f := n.informants
	f.order++
	e := errand{n.kernel.Now().Add(wait), f.order, do}
	at, _ := slices.BinarySearchFunc(f.due, e, func(a, b errand) int {
		switch {
		case a.at < b.at || a.at == b.at && a.order < b.order:
			return -1
		default:
			return 1
		}
	})
	f.due = slices.Insert(f.due, at, e)
	n.kernel.Arm(f.errand, f.due[0].at)
}

// Fire does what is due.
func (r *errands) Fire(uint32) {
	n := (*Network)(r)
	f := n.informants
	first := f.due[0]
	f.due = slices.Delete(f.due, 0, 1)
	first.do()
	if len(f.due) > 0 {
		n.kernel.Arm(f.errand, f.due[0].at)
	}
}
