package network

import "suspect/model"

// A switch sees that a link to it is down by the loss of its carrier: nothing is received on
// its port, not even idle symbols. It takes Evidence.Carrier to be sure, and as long to
// believe that the carrier is back; a flap that is shorter is not seen. What it sees is the
// direction towards it. One that it alone cannot send on looks well to it, and so does one on
// which an interface silently loses everything. The links of a crashed switch, and of a
// machine without power, have no carrier.

// carrier tells whether link l has one at its far end.
func (n *Network) carrier(l LinkID) bool {
	from, _ := n.topology.Ends(l)
	return n.linkDown[l] == 0 && !(n.isSwitch(from) && n.switchIsDown(from))
}

// carrierChanged is called when link l may have gained or lost its carrier.
func (n *Network) carrierChanged(l LinkID) {
	switch {
	case n.carrying != nil:
		n.carrying.changed(l)
	case n.planes != nil:
		n.planes.carriers.changed(l)
	}
	if n.informants == nil {
		return
	}
	w := &n.informants.links[l]
	w.changed = n.kernel.Now()
	n.later(n.informants.Carrier, func() {
		if up := n.carrier(l); up != w.seen && n.kernel.Now() == w.changed.Add(n.informants.Carrier) {
			w.seen = up
			n.portSeen(l)
		}
	})
}

// portSeen tells the subscribers of the switch at the far end of link l of its state.
func (n *Network) portSeen(l LinkID) {
	_, at := n.topology.Ends(l)
	if !n.isSwitch(at) || n.switchIsDown(at) {
		return
	}
	for _, to := range n.agentOf(at).subscribers {
		n.tellPort(at, l^1, to)
	}
}

// tellPort tells of the port of a switch that feeds link l.
func (n *Network) tellPort(at NodeID, l LinkID, to asker) {
	w := &n.informants.links[l^1]
	_, peer := n.topology.Ends(l)
	n.tell(at, to, model.Evidence{
		Kind: model.PortState, About: model.ProcessID(peer), Layer: model.SwitchLayer,
		Alive: w.seen && !w.disabled, Killed: w.disabled, Place: model.LinkPlace(int32(l)), Value: w.bytes,
	})
}

// hear notes that a packet came to a switch over link l.
func (n *Network) hear(l LinkID, i int32) {
	w := &n.informants.links[l]
	w.bytes += int64(n.pool.packets[i].bytes)
	w.heard = n.kernel.Now()
}
