package network

import (
	"errors"
	"fmt"

	"suspect/model"
	"suspect/sim"
)

// Config describes a network.
type Config struct {
	Topology Topology
	Framing  Framing
	Routing  Routing

	// MessageBytes is the payload of a message that states no size.
	MessageBytes int32

	// TwoEventPorts schedules the end of every transmission, as a plain
	// simulator would. It is slower and changes no record: it is there to check
	// the ports that decide late.
	TwoEventPorts bool

	// LimiterProcessing is what a limiter spends on each packet, one after the other,
	// before it decides.
	LimiterProcessing model.Duration

	// Evidence is what hosts and switches tell of failures.
	Evidence Evidence
}

// Network is a running network.
type Network struct {
	kernel   *sim.Kernel
	topology Topology
	framing  Framing
	payload  int32
	routes   *routes
	pool     pool
	ports    []port // by LinkID

	// Of each direction of a link, apart from the ports' hot state.
	rates        []BitRate
	linkDown     []int32 // faults that hold it down
	transmitted  []sim.Timer
	current      []int32 // the packet in transmission; two-event ports only
	loss         []lossState
	jitter       []sim.Distribution
	jitterStream []*sim.Stream
	reordered    [][]int32 // packets under way where they may overtake each other
	replays      []*replaying
	impaired     []*impaired // nil where no fault ever struck

	switchDown []int32 // crashes of the switch that hold; by node, less the hosts
	rules      rules
	cpus       []*controlProcessor // of the switches, less the hosts; nil where none was ever overloaded
	hopLimit   uint16              // links after which a switch drops a packet; 0: none
	control    controlHandler      // of what switches tell their neighbours; nil without

	planes   *controlPlanes // the routing protocol; nil without
	carrying *carrying      // failure-carrying routing; nil without
	wrong    []wrongRoute   // routes that faults hold in place of the right ones

	uplinks     []LinkID   // by host
	limiters    []*limited // by host and priority, then the traffics' own; nil if there are none at all
	hostDown    []int32    // crashes of the host that hold
	machineDown []int32    // those of them that took its hypervisor, too
	clocks      []clock    // by host; nil if all show true time

	processing model.Duration // of a packet in a limiter

	processes []process
	automata  []hosted
	panels    int     // of each attached process, or -1
	speakers  []uint8 // the detector that sends for each of them
	in        model.Input
	choosing  *hosted // the automaton that takes a step
	out       model.Output
	record    model.Record // lent to subscribers

	traffic map[string]*admission // by name

	informants *informants // nil if there is no evidence
	truth      *Truth      // nil if it is not followed

	sent, delivered, hops uint64
	duplicated            uint64
	dropped               [model.DropCauses]uint64
}

// New builds a network on kernel k, which must have no timers yet: at one instant
// transmissions end before packets arrive, and both before anything else happens,
// and the order of events at an instant is that in which timers were made. New
// panics if there are some, and returns an error if the topology is not valid.
func New(k *sim.Kernel, c Config) (*Network, error) {
	if k.Timers() != 0 {
		panic("network: the kernel has timers already; make the network first")
	}
	if err := errors.Join(c.Topology.Validate()...); err != nil {
		return nil, err
	}
	if c.LimiterProcessing < 0 || c.LimiterProcessing > model.Duration(model.MaxTime) {
		return nil, fmt.Errorf("a limiter spends %v on a packet: it must be between 0 and %v", c.LimiterProcessing, model.MaxTime)
	}
	if err := c.Evidence.Validate(); err != nil {
		return nil, err
	}
	routes, err := newRoutes(&c.Topology)
	if err != nil {
		return nil, err
	}
	links := 2 * len(c.Topology.Links)
	n := &Network{
		kernel: k, topology: c.Topology, framing: c.Framing, payload: c.MessageBytes, routes: routes,
		pool: pool{free: none}, processing: c.LimiterProcessing,
		panels:   -1,
		ports:    make([]port, links),
		rates:    make([]BitRate, links),
		linkDown: make([]int32, links),
		loss:     make([]lossState, links),

		jitter:       make([]sim.Distribution, links),
		jitterStream: make([]*sim.Stream, links),
		reordered:    make([][]int32, links),
		replays:      make([]*replaying, links),
		impaired:     make([]*impaired, links),
		switchDown:   make([]int32, len(c.Topology.Names)-c.Topology.Hosts),
		transmitted:  make([]sim.Timer, links),
		current:      make([]int32, links),
		uplinks:      make([]LinkID, c.Topology.Hosts),
		hostDown:     make([]int32, c.Topology.Hosts),
		machineDown:  make([]int32, c.Topology.Hosts),
		processes:    make([]process, c.Topology.Hosts),
	}
	for i, link := range c.Topology.Links {
		n.addPort(LinkID(2*i), link.A, link.B, link.AtoB, c.TwoEventPorts)
		n.addPort(LinkID(2*i+1), link.B, link.A, link.BtoA, c.TwoEventPorts)
	}
	// The ends of transmissions come before the arrivals of the same instant, as
	// they do in ports that decide late.
	for l := range n.ports {
		if n.ports[l].flags&portTwoEvent != 0 {
			n.transmitted[l] = k.NewTimer((*transmissions)(n), uint32(l))
		}
	}
	for l := range n.ports {
		n.ports[l].arrival = k.NewTimer((*arrivals)(n), uint32(l))
	}
	for p := range n.processes {
		n.processes[p].starting = k.NewTimer((*starts)(n), uint32(p))
	}
	n.newInformants(c.Evidence)
	if err := n.setUpRouting(c.Routing); err != nil {
		return nil, err
	}
	return n, nil
}

func (n *Network) addPort(l LinkID, from, to NodeID, c LinkConfig, twoEvent bool) {
	if int(from) < n.topology.Hosts {
		n.uplinks[from] = l
	}
	p := &n.ports[l]
	p.delay, p.to, p.first, n.current[l] = c.Delay, to, none, none
	if twoEvent {
		p.flags |= portTwoEvent
	}
	if !c.Jitter.IsZero() {
		p.flags |= portTwoEvent | portReorders
		n.jitter[l] = c.Jitter
		n.jitterStream[l] = n.kernel.Stream(n.linkName(l) + "/jitter")
	}
	if c.Replay.Recording != nil {
		p.flags |= portReplays
		if c.Replay.Overtake {
			p.flags |= portTwoEvent | portReorders
		}
		n.replays[l] = n.newReplaying(l, c.Replay)
	}
	p.maxPacket, p.maxBytes = c.Buffer.Packets, c.Buffer.Bytes
	if p.maxPacket == 0 {
		p.maxPacket = 1<<31 - 1
	}
	if p.maxBytes == 0 {
		p.maxBytes = 1<<63 - 1<<32
	}
	if c.Buffer == (Buffer{}) {
		p.flags |= portUnlimited
	}
	n.setRate(l, c.Rate)
	n.setLoss(l, c.Loss)
}

// Kernel returns the kernel on which n runs.
func (n *Network) Kernel() *sim.Kernel { return n.kernel }

// Topology returns the topology, which the caller must not change.
func (n *Network) Topology() *Topology { return &n.topology }

// Uplink returns the direction of a host's link that leads away from it.
func (n *Network) Uplink(host NodeID) LinkID { return n.uplinks[host] }

// setRate makes link l transmit at rate r what it has not begun to transmit.
func (n *Network) setRate(l LinkID, r BitRate) {
	p := &n.ports[l]
	n.rates[l], p.psPerByte = r, 0
	if int64(8*model.Second)%int64(r) == 0 {
		if ps := int64(8*model.Second) / int64(r); ps <= 1<<32-1 {
			p.psPerByte = uint32(ps)
		}
	}
}

// Rate returns the rate of link l, as it is now.
func (n *Network) Rate(l LinkID) BitRate { return n.rates[l] }

// WireBytes returns what a packet with the given payload occupies on a link, in bytes.
func (n *Network) WireBytes(payload int32) int32 { return n.framing.WireBytes(payload) }

// WireBytes returns what a packet with the given payload occupies on a link, in
// bytes; at least one, so that every packet takes time.
func (f Framing) WireBytes(payload int32) int32 {
	if f == Bare {
		return max(payload, 1)
	}
	const header, tag, check, smallest, preambleAndGap = 14, 4, 4, 64, 8 + 12
	return max(payload+header+tag+check, smallest) + preambleAndGap
}

// linkName names one direction of a link in the names of its streams.
func (n *Network) linkName(l LinkID) string {
	from, to := n.topology.Ends(l)
	return fmt.Sprintf("link/%q>%q", n.topology.Names[from], n.topology.Names[to])
}

// Ends returns the node that link l leaves and the node that it reaches.
func (t *Topology) Ends(l LinkID) (from, to NodeID) {
	link := &t.Links[l/2]
	if l%2 == 0 {
		return link.A, link.B
	}
	return link.B, link.A
}

// Send sends a packet of background traffic with the given payload. The label
// is part of its flow: packets of one flow take one path. A host that is down
// sends nothing.
func (n *Network) Send(from, to NodeID, payload int32, priority model.Priority, label uint32) {
	n.send(from, to, payload, priority, label, nil)
}

// send is Send for packets with the given admission.
func (n *Network) send(from, to NodeID, payload int32, priority model.Priority, label uint32, a *admission) {
	if n.hostDown[from] != 0 {
		return
	}
	i := n.pool.get()
	x := &n.pool.packets[i]
	*x = packet{
		from: from, to: to, flags: uint8(priority)&priorityBits | isTraffic,
		bytes: n.WireBytes(payload), flow: ecmpHash(from, to, label),
	}
	n.launch(i, x, a)
}

// sendMessage sends m from a panel of process p.
func (n *Network) sendMessage(p model.ProcessID, m *model.Message, panel uint8, priority model.Priority) {
	if m.Layer != model.ProcessLayer {
		n.request(m, NodeID(p), panel, priority)
		return
	}
	if m.To == p || m.To < 0 || int(m.To) >= len(n.processes) {
		panic(fmt.Sprintf("network: process %d sends a message to process %d", p, m.To))
	}
	payload := m.Bytes
	if payload == 0 {
		payload = n.payload
	}
	if n.informants != nil && n.informants.Resets {
		n.meet(NodeID(p), NodeID(m.To), panel)
	}
	i := n.pool.get()
	x := &n.pool.packets[i]
	*x = packet{
		from: NodeID(p), to: NodeID(m.To), seq: m.Seq, kind: m.Kind, tag: m.Tag, panel: panel,
		flags: uint8(max(priority, m.Priority)) & priorityBits, bytes: n.WireBytes(payload),
		flow: ecmpHash(NodeID(p), NodeID(m.To), uint32(m.Flow)),
	}
	if m.Arg != 0 || m.Body != nil {
		n.pool.setExtra(i, extra{arg: m.Arg, body: m.Body})
	}
	n.launch(i, x, nil)
}

// number counts a packet that is sent now.
func (n *Network) number(x *packet) {
	n.sent++
	x.number, x.sentAt = n.sent+n.duplicated, n.kernel.Now()
}

// launch hands a new packet to its host's network interface.
func (n *Network) launch(i int32, x *packet, a *admission) {
	n.number(x)
	l := n.uplinks[x.from]
	if n.kernel.Records.Wants(model.Sent) {
		n.emit(model.Sent, x, l, 0)
	}
	if n.limiters == nil || n.passes(i, x, a) {
		n.enqueue(l, i)
	}
}

// drop ends packet i at link l, of which the switch there may tell its sender.
func (n *Network) drop(i int32, l LinkID, cause model.DropCause) {
	if n.informants != nil {
		n.tellDrop(i, l, cause)
	}
	n.lose(i, l, cause)
}

// lose ends packet i at link l.
func (n *Network) lose(i int32, l LinkID, cause model.DropCause) {
	n.dropped[cause]++
	if n.kernel.Records.Wants(model.Dropped) {
		n.emit(model.Dropped, &n.pool.packets[i], l, cause)
	}
	n.pool.put(i)
}

// emit tells a record about a packet.
func (n *Network) emit(kind model.RecordKind, x *packet, l LinkID, cause model.DropCause) {
	r := &n.record
	*r = model.Record{
		At: n.kernel.Now(), Kind: kind, Process: model.ProcessID(x.from), Peer: model.ProcessID(x.to),
		Packet: x.number, SentAt: x.sentAt, Seq: x.seq, Bytes: x.bytes, Place: int32(l),
		Priority: x.priority(), Traffic: x.flags&isTraffic != 0, Cause: cause,
	}
	if x.flags&(isTraffic|isControl) == 0 {
		r.Detector = n.automata[n.processes[x.from].panels[x.panel].first].detector
	} else if x.flags&isControl != 0 {
		r.Evidence = x.evidence
		if !r.Traffic {
			r.Detector = n.speakers[x.panel]
		}
	}
	if kind == model.Delivered {
		r.Process, r.Peer = r.Peer, r.Process
	}
	n.kernel.Records.Emit(r)
}

// Backlog returns what waits now in the output queue of link l for a priority,
// not counting a packet in transmission.
func (n *Network) Backlog(l LinkID, priority model.Priority) (packets int, bytes int64) {
	p := &n.ports[l]
	if p.waiting != 0 && p.flags&portTwoEvent == 0 {
		n.settle(l, p)
	}
	return int(p.packets[priority]), p.bytes[priority]
}

// SetLoss changes how link l loses packets; the channel starts in its good state.
// A packet's loss is drawn at the far end of the link, so that those under way meet
// the new channel. While a link-loss fault is in force, its end takes the change
// back.
func (n *Network) SetLoss(l LinkID, loss Loss) {
	n.setLoss(l, loss)
	n.emitLink(model.LinkChanged, l)
}

func (n *Network) setLoss(l LinkID, loss Loss) {
	p := &n.ports[l]
	p.flags &^= portLossy
	if loss != (Loss{}) {
		p.flags |= portLossy
		if n.loss[l].stream == nil {
			n.loss[l].stream = n.kernel.Stream(n.linkName(l) + "/loss")
		}
	}
	n.loss[l].Loss, n.loss[l].bad = loss, false
}

// LossOf returns how link l loses packets.
func (n *Network) LossOf(l LinkID) Loss { return n.loss[l].Loss }

// SetLink takes link l down, or takes back one such call: it is up when every
// fault that took it down has ended. What waits for a link that goes down, is in
// transmission or under way on it is lost, and so is what comes while it is down.
func (n *Network) SetLink(l LinkID, up bool) {
	if up {
		n.linkDown[l]--
		if n.linkDown[l] < 0 {
			panic(fmt.Sprintf("network: link %d comes up more often than it went down", l))
		}
		if n.linkDown[l] == 0 {
			n.emitLink(model.LinkCameUp, l)
			n.carrierChanged(l)
		}
		return
	}
	n.linkDown[l]++
	if n.linkDown[l] > 1 {
		return
	}
	n.emitLink(model.LinkWentDown, l)
	n.carrierChanged(l)
	p := &n.ports[l]
	if p.waiting != 0 && p.flags&portTwoEvent == 0 {
		n.settle(l, p)
	}
	for p.first != none {
		n.lose(n.arrive(l, p), l, model.LinkDown)
	}
	n.kernel.Disarm(p.arrival)
	n.silence(l, model.LinkDown)
}

// silence drops what waits at port l and what it is transmitting.
func (n *Network) silence(l LinkID, cause model.DropCause) {
	p := &n.ports[l]
	now := n.kernel.Now()
	if p.flags&portTwoEvent != 0 {
		if n.current[l] != none {
			n.lose(n.current[l], l, cause)
			n.current[l] = none
			n.kernel.Disarm(n.transmitted[l])
		}
	} else {
		n.settle(l, p)
		if p.first != none && p.free > now { // the last one under way is in transmission
			n.lose(n.recall(p), l, cause)
		}
	}
	p.idle += max(now.Sub(p.free), 0)
	p.free = now
	for p.waiting != 0 {
		n.lose(n.dequeue(p), l, cause)
	}
}

// recall removes and returns the last of the packets under way from port p, of
// which there is one.
func (n *Network) recall(p *port) int32 {
	i := p.last
	if p.first == i {
		p.first = none
		n.kernel.Disarm(p.arrival)
		return i
	}
	before := p.first
	for n.pool.packets[before].next != i {
		before = n.pool.packets[before].next
	}
	n.pool.packets[before].next = none
	p.last = before
	return i
}

func (n *Network) emitLink(kind model.RecordKind, l LinkID) {
	if !n.kernel.Records.Wants(kind) {
		return
	}
	from, to := n.topology.Ends(l)
	n.kernel.Records.Emit(&model.Record{
		At: n.kernel.Now(), Kind: kind, Process: model.ProcessID(from), Peer: model.ProcessID(to), Place: int32(l),
	})
}

// Counts are the totals of a network's packets since the beginning.
type Counts struct {
	Sent, Delivered uint64
	Duplicated      uint64 // second copies, which end as packets do
	Dropped         [model.DropCauses]uint64
	Hops            uint64 // packets that crossed a link, whether or not they were then lost
}

// Counts returns the totals so far.
func (n *Network) Counts() Counts {
	return Counts{n.sent, n.delivered, n.duplicated, n.dropped, n.hops}
}

// InFlight returns the number of packets that are neither delivered nor
// dropped, counted port by port and limiter by limiter.
func (n *Network) InFlight() int {
	count := n.heldBack() + n.atCPUs()
	for l := range n.ports {
		p := &n.ports[l]
		if p.flags&portReorders != 0 {
			count += len(n.reordered[l])
		} else {
			for i := p.first; i != none; i = n.pool.packets[i].next {
				count++
			}
		}
		if n.current[l] != none {
			count++
		}
		if f := n.impaired[l]; f != nil {
			count += len(f.held.heap)
		}
		for _, waiting := range p.packets {
			count += int(waiting)
		}
	}
	return count
}
