package network

import (
	"cmp"
	"fmt"

	"suspect/model"
)

// bridge is the spanning tree process of one switch, as in IEEE 802.1D-1998, clause 8:
// configuration BPDUs from the root each Hello Time, which every bridge that forwards
// sends on with its own cost and one second more of age; the election of the root, the
// root port and the designated ports by the best of them (8.6.2 to 8.6.11); the message
// age timer, by which a bridge takes its root for dead; the hold timer; and the states of
// a port, which listens for the forward delay and learns for another before it forwards.
// The names of the methods are those of its procedures.
//
// Ports to hosts are edge ports: they forward always and send no BPDUs. The bridge
// identifiers are the numbers of the switches, but for the one that is made the root.
//
// Left out are the addresses: which way a host is is found anew whenever the tree changes
// (see controlPlanes.followTree), as if every bridge had learnt it at once.
// So there are no topology change notifications and no ageing either, and what a bridge
// would flood while it does not know takes the one way that leads to the host.
type bridge struct {
	config *SpanningTree
	fabric *fabric
	self   int32
	id     int64

	ports    []bridgePort
	root     int64
	cost     int64 // of the path to the root
	rootPort int32 // -1 at the root itself
	hello    model.Time
}

// bridgePort is what a bridge keeps of one port (8.5.5).
type bridgePort struct {
	state   portState
	best    bpdu       // designated root, cost, bridge and port
	age     model.Time // when the message age timer expires, or Never
	forward model.Time // when the forward delay timer does
	held    model.Time // when the hold timer does
	pending bool       // a BPDU waits for it
}

type portState uint8

const (
	portDisabled portState = iota // without a carrier, or to a host
	portBlocking
	portListening
	portLearning
	portForwarding
)

// bpdu is a configuration BPDU. Its times are those of the root, which all have alike.
type bpdu struct {
	root   int64
	cost   int64
	bridge int64
	port   int32
	age    model.Duration
}

// compare orders BPDUs, better ones first (8.6.2.2 and 8.6.8).
func (a *bpdu) compare(b *bpdu) int {
	return cmp.Or(cmp.Compare(a.root, b.root), cmp.Compare(a.cost, b.cost), cmp.Compare(a.bridge, b.bridge), cmp.Compare(a.port, b.port))
}

const (
	holdTime     = model.Second // Hold Time: at most one BPDU by a port (8.10.2, table 8-3)
	ageIncrement = model.Second // Message Age Increment Overestimate

	llcBytes  = 3
	bpduBytes = llcBytes + 35 // payload of the frame (9.3.1)
)

// pathCost returns the cost of a link (IEEE 802.1D-2004, table 17-3).
func pathCost(r BitRate) int64 {
	const dividend, most = 20_000 * int64(Gbps), 200_000_000
	return min(max(dividend/int64(r), 1), most)
}

// bridgeID returns the identifier of switch s: the least is the best.
func (c *SpanningTree) bridgeID(f *fabric, s int32) int64 {
	if int(c.Root)-f.hosts == int(s) {
		return 0
	}
	return int64(s) + 1
}

// newBridge returns the process of a switch that takes itself for the root.
func newBridge(c *SpanningTree, f *fabric, self int32, carrier []bool) *bridge {
	b := &bridge{
		config: c, fabric: f, self: self, id: c.bridgeID(f, self),
		ports: make([]bridgePort, len(f.switches[self])), rootPort: -1, hello: model.Never,
	}
	b.root = b.id
	for p := range b.ports {
		b.stop(int32(p))
		if carrier[p] && f.switches[self][p].peer >= 0 {
			b.ports[p].state = portBlocking
		}
	}
	return b
}

// stop clears a port.
func (b *bridge) stop(p int32) {
	b.ports[p] = bridgePort{age: model.Never, forward: model.Never, held: model.Never}
	b.becomeDesignated(p)
}

// inTree tells whether the tree has the link at a port, as far as this end knows: the port
// forwards, and isRoot tells that it is the way to the root.
func (b *bridge) inTree(p int32) (forwards, isRoot bool) {
	return b.ports[p].state == portForwarding, b.rootPort == p
}

func (b *bridge) step(now model.Time, in *controlInput, out *controlOutput) {
	rootPort := b.rootPort
	b.expire(now, out)
	switch in.kind {
	case booted:
		b.selectStates(now, out)
		b.generate(now, out)
		b.hello = now.Add(b.config.Hello)
	case arrived:
		if in.packet.kind == configPacket && b.ports[in.port].state != portDisabled {
			b.receive(now, in.port, &in.packet.config, out)
		}
	case carrierChanged:
		b.carrierChanged(now, in.port, in.carrier, out)
	}
	out.tree = out.tree || b.rootPort != rootPort
	out.wake = b.next()
}

func (b *bridge) next() model.Time {
	next := b.hello
	for p := range b.ports {
		x := &b.ports[p]
		next = min(next, x.age, x.forward, x.held)
	}
	return next
}

// expire does what is due by now.
func (b *bridge) expire(now model.Time, out *controlOutput) {
	for p := range b.ports {
		x := &b.ports[p]
		if x.age <= now { // 8.7.4
			was := b.rootPort
			x.age = model.Never
			b.becomeDesignated(int32(p))
			b.update(now, was, out)
		}
		if x.forward <= now { // 8.7.5
			x.forward = model.Never
			if x.state++; x.state == portLearning {
				x.forward = now.Add(b.config.ForwardDelay)
			} else {
				out.tree = true
			}
		}
		if x.held <= now { // 8.7.8
			x.held = model.Never
			if x.pending {
				b.transmit(now, int32(p), out)
			}
		}
	}
	if b.hello <= now { // 8.7.3
		b.generate(now, out)
		b.hello = now.Add(b.config.Hello)
	}
}

// receive is 8.7.1. What a designated bridge says that is worse than what it said before
// is not believed: it has to grow old first.
func (b *bridge) receive(now model.Time, p int32, x *bpdu, out *controlOutput) {
	port := &b.ports[p]
	switch {
	case b.supersedes(x, &port.best):
		wasRoot := b.isRoot()
		port.best = *x
		port.age = now.Add(b.config.MaxAge - x.age)
		b.selectRoot()
		b.selectDesignated()
		b.selectStates(now, out)
		if wasRoot && !b.isRoot() {
			b.hello = model.Never
		}
		if p == b.rootPort {
			b.generate(now, out)
		}
	case b.isDesignated(p):
		b.transmit(now, p, out)
	}
}

// supersedes is 8.6.2.2.
func (b *bridge) supersedes(x, best *bpdu) bool {
	order := cmp.Or(cmp.Compare(x.root, best.root), cmp.Compare(x.cost, best.cost), cmp.Compare(x.bridge, best.bridge))
	return order < 0 || order == 0 && (x.bridge != b.id || x.port <= best.port)
}

func (b *bridge) carrierChanged(now model.Time, p int32, carrier bool, out *controlOutput) {
	if b.fabric.switches[b.self][p].peer < 0 || carrier == (b.ports[p].state != portDisabled) {
		return
	}
	out.tree = b.ports[p].state == portForwarding
	was := b.rootPort
	b.stop(p)
	if carrier { // 8.8.1
		b.ports[p].state = portBlocking
		b.selectStates(now, out)
		return
	}
	b.update(now, was, out) // 8.8.2
}

// update elects anew after a port lost what it had heard.
func (b *bridge) update(now model.Time, rootPort int32, out *controlOutput) {
	b.selectRoot()
	b.selectDesignated()
	b.selectStates(now, out)
	if rootPort >= 0 && b.isRoot() {
		b.generate(now, out)
		b.hello = now.Add(b.config.Hello)
	}
}

func (b *bridge) isRoot() bool { return b.rootPort < 0 }

// isDesignated tells whether the bridge is the one that its LAN behind a port reaches the
// root by.
func (b *bridge) isDesignated(p int32) bool {
	best := &b.ports[p].best
	return best.bridge == b.id && best.port == p
}

func (b *bridge) becomeDesignated(p int32) {
	b.ports[p].best = bpdu{root: b.root, cost: b.cost, bridge: b.id, port: p}
}

// selectRoot is 8.6.8.
func (b *bridge) selectRoot() {
	b.root, b.cost, b.rootPort = b.id, 0, -1
	var best bpdu
	for p := range b.ports {
		port := &b.ports[p]
		if port.state == portDisabled || b.isDesignated(int32(p)) || port.best.root >= b.id {
			continue
		}
		offer := port.best
		offer.cost += b.fabric.switches[b.self][p].cost
		if b.rootPort < 0 || offer.compare(&best) < 0 {
			best, b.rootPort = offer, int32(p)
		}
	}
	if b.rootPort >= 0 {
		b.root, b.cost = best.root, best.cost
	}
}

// selectDesignated is 8.6.9.
func (b *bridge) selectDesignated() {
	for p := range b.ports {
		own := bpdu{root: b.root, cost: b.cost, bridge: b.id, port: int32(p)}
		best := &b.ports[p].best
		if b.isDesignated(int32(p)) || best.root != b.root || own.compare(best) < 0 {
			*best = own
		}
	}
}

// selectStates is 8.6.11 to 8.6.13.
func (b *bridge) selectStates(now model.Time, out *controlOutput) {
	for p := range b.ports {
		x := &b.ports[p]
		if x.state == portDisabled {
			continue
		}
		designated := b.isDesignated(int32(p))
		if designated {
			x.age = model.Never
		}
		if int32(p) == b.rootPort {
			x.pending = false
		}
		switch {
		case int32(p) == b.rootPort || designated:
			if x.state == portBlocking {
				x.state, x.forward = portListening, now.Add(b.config.ForwardDelay)
			}
		case x.state != portBlocking:
			if x.state == portForwarding {
				out.tree = true
			}
			x.state, x.forward, x.pending = portBlocking, model.Never, false
		}
	}
}

// generate is 8.6.4.
func (b *bridge) generate(now model.Time, out *controlOutput) {
	for p := range b.ports {
		if b.ports[p].state != portDisabled && b.isDesignated(int32(p)) {
			b.transmit(now, int32(p), out)
		}
	}
}

// transmit is 8.6.1.
func (b *bridge) transmit(now model.Time, p int32, out *controlOutput) {
	x := &b.ports[p]
	if x.held != model.Never {
		x.pending = true
		return
	}
	config := bpdu{root: b.root, cost: b.cost, bridge: b.id, port: p}
	if !b.isRoot() {
		heard := b.ports[b.rootPort].age.Add(-b.config.MaxAge)
		config.age = now.Sub(heard) + ageIncrement
		if config.age >= b.config.MaxAge {
			return
		}
	}
	x.pending, x.held = false, now.Add(holdTime)
	out.send = append(out.send, controlSend{p, &controlPacket{kind: configPacket, bytes: bpduBytes, config: config}})
}

// converge puts all bridges into the state in which they are when everything has worked
// for long: the tree of the least costs is in force, every bridge has just heard from the
// root, and the root's next BPDUs come at a random time of the interval. It returns an error
// where BPDUs grow too old on their way to the last bridge: the tree would not hold.
func converge(now model.Time, c *SpanningTree, f *fabric, bridges []*bridge, random dice) error {
	root := int32(0)
	if c.Root != 0 {
		root = int32(c.Root) - int32(f.hosts)
	}
	hear := func(s int32) { // what its neighbours would tell switch s
		for p, port := range f.switches[s] {
			if port.peer >= 0 {
				peer := bridges[port.peer]
				bridges[s].ports[p].best = bpdu{root: peer.root, cost: peer.cost, bridge: peer.id, port: f.port[port.link^1]}
			}
		}
	}
	for changed := true; changed; { // until nothing gets better: the algorithm of Bellman and Ford
		changed = false
		for s, b := range bridges {
			if int32(s) != root {
				hear(int32(s))
				cost, id, was := b.cost, b.root, b.rootPort
				b.selectRoot()
				changed = changed || cost != b.cost || id != b.root || was != b.rootPort
			}
		}
	}
	depth := func(s int32) (d model.Duration) {
		for ; bridges[s].rootPort >= 0; d++ {
			s = f.switches[s][bridges[s].rootPort].peer
		}
		return d
	}
	for s := range bridges {
		// It hears them depth-1 seconds old, and must hear the next ones before they are forgotten.
		if d := depth(int32(s)); d > 0 && c.MaxAge <= c.Hello+(d-1)*ageIncrement {
			return &model.ParamError{Name: "max_age", Err: fmt.Errorf("%v is too short for a tree with a switch %d links away from the root: it must be longer than hello and 1s for each link but the last, %v", c.MaxAge, d, c.Hello+(d-1)*ageIncrement)}
		}
	}
	for s, b := range bridges {
		hear(int32(s))
		for p, port := range f.switches[s] {
			if port.peer < 0 {
				continue
			}
			x := &b.ports[p]
			own := bpdu{root: b.root, cost: b.cost, bridge: b.id, port: int32(p)}
			switch x.state = portForwarding; {
			case own.compare(&x.best) < 0:
				x.best = own
				continue
			case int32(p) != b.rootPort:
				x.state = portBlocking
			}
			x.age = now.Add(c.MaxAge - depth(port.peer)*ageIncrement)
		}
	}
	bridges[root].hello = now.Add(model.Duration(random.IntN(int(c.Hello))))
	return nil
}
