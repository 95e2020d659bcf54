package network

import (
	"errors"
	"fmt"
	"slices"

	"suspect/model"
	"suspect/sim"
)

// controlPlanes are the routing processes of the switches, on the kernel.
type controlPlanes struct {
	network *Network
	config  Routing
	fabric  *fabric
	planes  []controlPlane // by switch; nil while it is crashed
	wakes   []sim.Timer    // by switch
	dice    []*sim.Stream  // by switch
	claims  [][]localClaim // by switch, those in force
	out     controlOutput

	carriers *carriers
	bridges  []*bridge // by switch; of a crashed one, the last
	tree     []LinkID  // by switch, and by the one that it leads to
}

// controlPriority is that of the packets of routing: network control (IEEE 802.1Q, annex I).
const controlPriority = model.Priorities - 1

// setUpRouting starts the protocol by which switches find their routes. It finds
// everything in the state that it has when all has worked for long.
func (n *Network) setUpRouting(r Routing) error {
	if err := errors.Join(r.Validate()...); err != nil {
		return fmt.Errorf("routing: %w", err)
	}
	t := &n.topology
	if r.Use == Static || t.Hosts == len(t.Names) {
		return nil
	}
	if r.Use == SpanningTreeBridging && r.SpanningTree.Root != 0 && (int(r.SpanningTree.Root) < t.Hosts || int(r.SpanningTree.Root) >= len(t.Names)) {
		return fmt.Errorf("routing: the root of the spanning tree is node %d, which is no switch", r.SpanningTree.Root)
	}
	f := newFabric(t)
	n.limitHops()
	if r.Use == FailureCarrying {
		n.carrying = newCarrying(n, f, r.Carrier)
		return nil
	}
	if err := n.ownRoutes(); err != nil {
		return err
	}
	count := len(f.switches)
	c := &controlPlanes{
		network: n, config: r, fabric: f, planes: make([]controlPlane, count),
		wakes: make([]sim.Timer, count), dice: make([]*sim.Stream, count), claims: make([][]localClaim, count),
	}
	for s := range count {
		c.wakes[s] = n.kernel.NewTimer(c, uint32(s))
		c.dice[s] = n.kernel.Stream(fmt.Sprintf("routing/%q", t.Names[t.Hosts+s]))
	}
	c.carriers = newCarriers(n, f, r.Carrier, c.carrierSeen)
	n.planes, n.control = c, c
	if r.Use == LinkStateRouting {
		c.startRouters()
		if n.informants != nil {
			n.informants.linkView = n.linksDown
		}
	} else if err := c.startBridges(); err != nil {
		return fmt.Errorf("routing: %w", err)
	}
	return nil
}

// ownRoutes lets each switch have a route of its own to each node.
func (n *Network) ownRoutes() error {
	t := &n.topology
	if switches := len(t.Names) - t.Hosts; switches*len(t.Names) > maxRoutes {
		return fmt.Errorf("%d switches with a route to each of %d nodes: there would be %d; at most %d are supported",
			switches, len(t.Names), switches*len(t.Names), maxRoutes)
	}
	n.routes.spread()
	n.routes.routeToSwitches(t)
	return nil
}

func (c *controlPlanes) startRouters() {
	now := c.network.kernel.Now()
	database := convergedDatabase(c.fabric)
	for s := range c.planes {
		r := newRouter(&c.config.LinkState, c.fabric, int32(s), c.carriers.seen[s], c.dice[s])
		r.converged(now, database)
		c.planes[s] = r
		c.network.kernel.Arm(c.wakes[s], r.next())
	}
}

func (c *controlPlanes) startBridges() error {
	n := c.network
	c.bridges = make([]*bridge, len(c.planes))
	for s := range c.bridges {
		c.bridges[s] = newBridge(&c.config.SpanningTree, c.fabric, int32(s), c.carriers.seen[s])
	}
	if err := converge(n.kernel.Now(), &c.config.SpanningTree, c.fabric, c.bridges, n.kernel.Stream("routing")); err != nil {
		return err
	}
	for s, b := range c.bridges {
		c.planes[s] = b
		n.kernel.Arm(c.wakes[s], b.next())
	}
	c.tree = slices.Repeat([]LinkID{noLink - 1}, len(c.planes)*len(c.planes))
	c.followTree()
	return nil
}

// Fire wakes the control plane of a switch up.
func (c *controlPlanes) Fire(arg uint32) { c.step(int32(arg), &controlInput{kind: wakened}) }

// receiveControl brings a packet to the control plane of switch at.
func (c *controlPlanes) receiveControl(at NodeID, l LinkID, body any) {
	if x, ok := body.(*controlPacket); ok {
		c.step(c.number(at), &controlInput{kind: arrived, port: c.fabric.port[l^1], packet: x})
	}
}

func (c *controlPlanes) number(at NodeID) int32 { return int32(at) - int32(c.fabric.hosts) }

// step gives an input to the control plane of switch s, and does what it asks for.
func (c *controlPlanes) step(s int32, in *controlInput) {
	n, plane := c.network, c.planes[s]
	if plane == nil {
		return
	}
	c.out.reset()
	plane.step(n.kernel.Now(), in, &c.out)
	n.kernel.Arm(c.wakes[s], c.out.wake)
	at := n.switchNode(s)
	changed, host := 0, model.Nobody
	for _, r := range c.out.routes {
		if n.setRoute(at, r.to, r.next) {
			changed, host = changed+1, model.ProcessID(r.to)
		}
	}
	switch changed {
	case 0:
	case 1:
		n.emitRouteTo(at, host)
	default:
		n.emitRoute(at)
	}
	if c.out.tree {
		c.followTree()
	}
	if len(c.out.links) > 0 && n.informants != nil {
		n.tellLinkState(at, false, places(c.out.links, false))
		n.tellLinkState(at, true, places(c.out.links, true))
	}
	for _, x := range c.out.send {
		n.sendControl(c.fabric.switches[s][x.port].link, x.packet, x.packet.bytes, controlPriority)
	}
}

// places returns those of the links that are alive now, or are not.
func places(links []linkChange, alive bool) (list []model.Place) {
	for _, l := range links {
		if l.alive == alive {
			list = append(list, model.LinkPlace(int32(l.link&^1)))
		}
	}
	slices.Sort(list)
	return list
}

func (n *Network) switchNode(s int32) NodeID { return NodeID(s) + NodeID(n.topology.Hosts) }

// carrierSeen tells switch s that a port has lost or found its carrier.
func (c *controlPlanes) carrierSeen(s, port int32, carrier bool) {
	c.step(s, &controlInput{kind: carrierChanged, port: port, carrier: carrier})
}

// crash takes the control plane of a switch with all that it knows.
func (c *controlPlanes) crash(at NodeID) {
	n, s := c.network, c.number(at)
	c.planes[s] = nil
	n.kernel.Disarm(c.wakes[s])
	if c.config.Use != LinkStateRouting {
		return
	}
	changed := false
	for to := range c.fabric.nodes() {
		if NodeID(to) != at {
			changed = n.setRoute(at, NodeID(to), nil) || changed
		}
	}
	if changed {
		n.emitRoute(at)
	}
}

// recover starts the control plane of a switch anew. It sees at once which of its ports
// have a carrier.
func (c *controlPlanes) recover(at NodeID) {
	s := c.number(at)
	c.carriers.lookAt(s)
	if c.config.Use == LinkStateRouting {
		c.planes[s] = newRouter(&c.config.LinkState, c.fabric, s, c.carriers.seen[s], c.dice[s])
	} else {
		c.bridges[s] = newBridge(&c.config.SpanningTree, c.fabric, s, c.carriers.seen[s])
		c.planes[s] = c.bridges[s]
		c.followTree()
	}
	c.step(s, &controlInput{kind: booted})
	for _, x := range c.claims[s] {
		c.step(s, &controlInput{kind: claimed, claim: x})
	}
}

// followTree makes all switches forward along the tree: the links of which both ends
// forward, and one end takes it for its way to the root. When BPDUs get lost these may hold a
// loop; then packets take the way with the fewest links.
func (c *controlPlanes) followTree() {
	n, count := c.network, len(c.bridges)
	tree := make([][]neighbour, count) // by switch, with the links that lead to it
	for s, ports := range c.fabric.switches {
		for p, port := range ports {
			if port.peer < 0 {
				continue
			}
			forwards, isRoot := c.bridges[s].inTree(int32(p))
			forwardsToo, isRootToo := c.bridges[port.peer].inTree(c.fabric.port[port.link^1])
			if forwards && forwardsToo && (isRoot || isRootToo) {
				tree[s] = append(tree[s], neighbour{port.peer, port.link ^ 1})
			}
		}
	}
	reached := make([]bool, count)
	changed := make([]bool, count)
	var queue []int32
	for root := range int32(count) {
		clear(reached)
		reached[root] = true
		queue = append(queue[:0], root)
		for i := 0; i < len(queue); i++ {
			for _, x := range tree[queue[i]] {
				if !reached[x.to] {
					reached[x.to] = true
					queue = append(queue, x.to)
					changed[x.to] = c.lead(x.to, root, x.link) || changed[x.to]
				}
			}
		}
		for s := range int32(count) {
			if !reached[s] {
				changed[s] = c.lead(s, root, noLink) || changed[s]
			}
		}
	}
	for s := range int32(count) {
		if changed[s] {
			n.emitRoute(n.switchNode(s))
		}
	}
}

// lead makes switch s send what is for switch root, or a host there, out of link l, and
// tells whether that is new.
func (c *controlPlanes) lead(s, root int32, l LinkID) (isNew bool) {
	slot := &c.tree[int(s)*len(c.bridges)+int(root)]
	if *slot == l {
		return false
	}
	*slot = l
	n := c.network
	var next []LinkID
	if l != noLink {
		next = []LinkID{l}
	}
	isNew = n.setRoute(n.switchNode(s), n.switchNode(root), next)
	for _, port := range c.fabric.switches[root] {
		if port.peer < 0 {
			isNew = n.setRoute(n.switchNode(s), port.to, next) || isNew
		}
	}
	return isNew
}

// linksDown returns the links that the router of switch at does not hold for alive, in
// increasing order, as places: of each the direction that the topology lists first. It
// returns nil while the switch is crashed.
func (n *Network) linksDown(at NodeID) (dead []model.Place) {
	r, ok := n.planes.planes[n.planes.number(at)].(*router)
	if !ok {
		return nil
	}
	for i := range n.topology.Links {
		l := LinkID(2 * i)
		from, _ := n.topology.Ends(l)
		if int(from) < n.topology.Hosts {
			from, _ = n.topology.Ends(l ^ 1)
			l ^= 1
		}
		if !r.alive(n.planes.number(from), l) {
			dead = append(dead, model.LinkPlace(int32(2*i)))
		}
	}
	return dead
}

// wrongRoute is a route of switch at to a host that a fault holds in place of the right one.
type wrongRoute struct {
	at, host NodeID
	via      []LinkID // of each fault in force: where to, or noLink; the last one counts
	right    []LinkID
}

func (n *Network) wrongAt(at, host NodeID) *wrongRoute {
	for i := range n.wrong {
		if w := &n.wrong[i]; w.at == at && w.host == host {
			return w
		}
	}
	return nil
}

// setRoute gives switch at a set of equal next hops to a node, and tells whether this
// changes something.
func (n *Network) setRoute(at, to NodeID, next []LinkID) bool {
	if int(to) >= n.topology.Hosts {
		n.routes.installToSwitch(at, to, next)
		return false // no process notices
	}
	if w := n.wrongAt(at, to); w != nil {
		w.right = next
		return false
	}
	return n.routes.install(at, to, next)
}

// Misoriginate lets switch at announce by mistake that it leads to a host, at the given
// metric, or as if by a longer prefix that goes before any metric, until as many calls of
// Withdraw. What comes to it for the host it sends out of link via, or nowhere if that is
// negative. Without link-state routing nobody hears of it, and only its own route is wrong.
func (n *Network) Misoriginate(at, host NodeID, metric int32, specific bool, via LinkID) {
	x := localClaim{claim{host, metric, specific}, via}
	if c := n.planes; c != nil && c.config.Use == LinkStateRouting {
		s := c.number(at)
		c.claims[s] = append(c.claims[s], x)
		c.step(s, &controlInput{kind: claimed, claim: x})
		return
	}
	if err := n.ownRoutes(); err != nil {
		panic("network: " + err.Error())
	}
	n.limitHops() // the wrong route may lead back
	w := n.wrongAt(at, host)
	if w == nil {
		n.wrong = append(n.wrong, wrongRoute{at: at, host: host, right: n.routes.installed(at, host)})
		w = &n.wrong[len(n.wrong)-1]
	}
	w.via = append(w.via, via)
	n.misroute(w)
}

// Withdraw takes one Misoriginate back.
func (n *Network) Withdraw(at, host NodeID, metric int32, specific bool, via LinkID) {
	x := localClaim{claim{host, metric, specific}, via}
	if c := n.planes; c != nil && c.config.Use == LinkStateRouting {
		s := c.number(at)
		c.claims[s] = without(c.claims[s], x)
		c.step(s, &controlInput{kind: withdrawn, claim: x})
		return
	}
	w := n.wrongAt(at, host)
	if w == nil {
		panic(fmt.Sprintf("network: switch %d withdraws host %d, which it does not announce", at, host))
	}
	w.via = without(w.via, via)
	n.misroute(w)
}

// misroute puts a wrong route in force, or the right one if there is no more wrong one.
func (n *Network) misroute(w *wrongRoute) {
	next := w.right
	if len(w.via) > 0 {
		next = nil
		if via := w.via[len(w.via)-1]; via != noLink {
			next = []LinkID{via}
		}
	}
	at := w.at
	changed := n.routes.install(at, w.host, next)
	n.wrong = slices.DeleteFunc(n.wrong, func(w wrongRoute) bool { return len(w.via) == 0 })
	if changed {
		n.emitRoute(at)
	}
}
