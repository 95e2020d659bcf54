package network

import "suspect/model"

// Control packets are those that no process sends to a process: what switches tell each
// other, requests to the agents of hosts and switches, and evidence. They use the same
// queues and links as any packet, at their priority, and are lost like any.
//
// Those between neighbours are records of traffic, since no detector pays for them.
// Requests, and evidence for a detector, bear its number.

// controlHandler is the control processor of the switches, as far as it speaks with that of
// neighbours.
type controlHandler interface {
	// receiveControl is called when switch at receives over link l what a neighbour sent by
	// sendControl.
	receiveControl(at NodeID, l LinkID, body any)
}

// hopLimit is the number of links after which a packet is dropped where routes can loop:
// the time to live that most systems begin with.
const hopLimit = 64

// limitHops lets switches drop packets that have crossed hopLimit links.
func (n *Network) limitHops() { n.hopLimit = hopLimit }

// sendControl sends a packet with a body, and a payload of so many bytes, out of port l of
// a switch to the node at the far end. A crashed switch sends nothing. Hosts take no notice
// of what they receive. The body is immutable from now on.
func (n *Network) sendControl(l LinkID, body any, payload int32, priority model.Priority) {
	from, to := n.topology.Ends(l)
	if n.switchIsDown(from) {
		return
	}
	i := n.pool.get()
	n.pool.packets[i] = packet{
		from: from, to: to, bytes: n.WireBytes(payload),
		flags: uint8(priority)&priorityBits | isTraffic | isControl,
	}
	n.pool.setExtra(i, extra{body: body})
	n.launchAt(i, l)
}

// switchIsDown tells whether a switch has crashed.
func (n *Network) switchIsDown(s NodeID) bool { return n.switchDown[int(s)-n.topology.Hosts] != 0 }

// launchAt hands a new packet to output port l of the switch or host that sends it.
func (n *Network) launchAt(i int32, l LinkID) {
	x := &n.pool.packets[i]
	n.number(x)
	if n.kernel.Records.Wants(model.Sent) {
		n.emit(model.Sent, x, l, 0)
	}
	if n.cpus == nil || int(x.from) < n.topology.Hosts || !n.waitsAtCPU(x.from, cpuWork{packet: i, link: l, outgoing: true}) {
		n.enqueue(l, i)
	}
}

// launchFrom hands a new packet to the interface of its host, or to the output port of its
// switch that leads to its destination. A switch without a route to it sends nothing.
func (n *Network) launchFrom(i int32) {
	x := &n.pool.packets[i]
	if int(x.from) < n.topology.Hosts {
		n.launch(i, x, nil)
		return
	}
	l, ok := n.nextHop(x.from, x.to, x.flow)
	if n.carrying != nil {
		l, ok = n.carry(x.from, i, l, ok)
	}
	if ok {
		n.launchAt(i, l)
		return
	}
	n.pool.put(i)
}

// nextHop is routes.next for any destination.
func (n *Network) nextHop(at, to NodeID, flow uint32) (LinkID, bool) {
	if int(to) < n.topology.Hosts {
		return n.routes.next(at, to, flow)
	}
	return n.routes.nextToSwitch(at, to, flow)
}

// reachSwitch brings packet i, which is for a switch, into the one at the far end of link l.
func (n *Network) reachSwitch(l LinkID, p *port, i int32) {
	x := &n.pool.packets[i]
	if x.to != p.to {
		next, ok := n.routes.nextToSwitch(p.to, x.to, x.flow)
		if n.carrying != nil {
			next, ok = n.carry(p.to, i, next, ok)
		}
		if !ok {
			n.drop(i, l, model.NoRoute)
			return
		}
		n.enqueue(next, i)
		return
	}
	if n.cpus == nil || !n.waitsAtCPU(p.to, cpuWork{packet: i, link: l}) {
		n.receiveAtSwitch(l, p, i)
	}
}

// receiveAtSwitch ends packet i at the switch at the far end of link l, which it is for.
func (n *Network) receiveAtSwitch(l LinkID, p *port, i int32) {
	x := &n.pool.packets[i]
	n.delivered++
	if n.kernel.Records.Wants(model.Delivered) {
		n.emit(model.Delivered, x, l, 0)
	}
	from, request, neighbourly := askerOf(x), model.Request(x.kind), x.flags&isTraffic != 0
	asked := !neighbourly && x.evidence == model.NoEvidence && x.layer == model.SwitchLayer
	e := extra{}
	if x.flags&hasExtra != 0 {
		e = n.pool.extra[i]
	}
	n.pool.put(i)
	switch {
	case neighbourly && n.control != nil:
		n.control.receiveControl(p.to, l, e.body)
	case asked:
		n.serveSwitch(p.to, from, request, e.arg)
	}
}
