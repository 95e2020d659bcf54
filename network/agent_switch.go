package network

import (
	"slices"

	"suspect/model"
)

// switchAgent is what the agent of a switch knows.
type switchAgent struct {
	ports       []LinkID // that leave it
	subscribers []asker
	starts      int64
	telling     bool // of its queues
	errors      errorMeter
	isolated    []NodeID
}

func (n *Network) agentOf(s NodeID) *switchAgent {
	return &n.informants.switches[int(s)-n.topology.Hosts]
}

// portsOf returns the links that leave a switch.
func (n *Network) portsOf(s NodeID) []LinkID {
	a := n.agentOf(s)
	if a.ports == nil {
		for l := range LinkID(len(n.ports)) {
			if from, _ := n.topology.Ends(l); from == s {
				a.ports = append(a.ports, l)
			}
		}
	}
	return a.ports
}

// portTo returns the link from a switch to a node that is linked to it.
func (n *Network) portTo(s, node NodeID) (LinkID, bool) {
	for _, l := range n.portsOf(s) {
		if _, to := n.topology.Ends(l); to == node {
			return l, true
		}
	}
	return noLink, false
}

// crashAgent lets the agent of a switch that crashes forget who asked it; the rules that it
// was asked for, and ports that it disabled, are kept as configured.
func (n *Network) crashAgent(s NodeID) {
	if n.informants == nil {
		return
	}
	a := n.agentOf(s)
	a.subscribers, a.telling = nil, false
	a.starts++
	for _, l := range n.portsOf(s) {
		n.informants.links[l^1].askers = nil
	}
}

// serveSwitch lets the agent of a switch serve a request.
func (n *Network) serveSwitch(s NodeID, from asker, request model.Request, arg int64) {
	a := n.agentOf(s)
	node := NodeID(arg)
	if arg < 0 || arg >= int64(len(n.topology.Names)) {
		node = nowhere
	}
	port, has := n.portTo(s, node)
	switch request {
	case model.Probe:
		if has {
			n.probeMachine(s, port, from)
		} else {
			n.tellMachine(s, s, from, true)
		}
	case model.Kill:
		if has {
			n.disable(port)
			n.confirmDisabled(s, node, from)
		}
	case model.Subscribe:
		a.subscribers = subscribe(a.subscribers, from)
		for _, l := range n.portsOf(s) {
			if w := &n.informants.links[l^1]; !w.seen || w.disabled {
				n.tellPort(s, l, from)
			}
		}
		if view := n.informants.linkView; view != nil {
			if dead := view(s); len(dead) > 0 {
				n.tellLinks(s, from, false, dead)
			}
		}
		n.tellQueues(s)
	case model.Query:
		switch {
		case has:
			n.tellPort(s, port, from)
			n.tellQueue(s, port, from)
		case arg < 0:
			n.tellLinks(s, from, false, n.linksHeldDead(s))
		}
	case model.Isolate, model.Admit:
		if node != nowhere && !n.isSwitch(node) {
			n.isolate(s, node, request == model.Isolate)
			n.tellIsolated(s, node, from)
		}
	}
}

// disable takes the link of a port down in both directions, for good.
func (n *Network) disable(port LinkID) {
	w := &n.informants.links[port^1]
	if w.disabled {
		return
	}
	w.disabled = true
	n.informants.links[port].disabled = true
	n.SetLink(port, false)
	n.SetLink(port^1, false)
}

// confirmDisabled tells that the machine behind a port was cut off by order.
func (n *Network) confirmDisabled(s, node NodeID, to asker) {
	starts := n.agentOf(s).starts
	n.later(n.informants.Confirm, func() {
		if !n.switchIsDown(s) && n.agentOf(s).starts == starts {
			n.tell(s, to, model.Evidence{
				Kind: model.Liveness, About: model.ProcessID(node), Layer: n.layerBehind(node), Killed: true,
			})
		}
	})
}

// isolate makes a switch drop what comes from and goes to a host, or no more.
func (n *Network) isolate(s, host NodeID, drop bool) {
	a := n.agentOf(s)
	at := slices.Index(a.isolated, host)
	if drop == (at >= 0) {
		return
	}
	from := Rule{At: s, From: model.ProcessID(host), To: model.Nobody, Priority: AnyPriority}
	to := Rule{At: s, From: model.Nobody, To: model.ProcessID(host), Priority: AnyPriority}
	if drop {
		a.isolated = append(a.isolated, host)
		n.SetRule(from)
		n.SetRule(to)
		return
	}
	a.isolated = slices.Delete(a.isolated, at, at+1)
	n.LiftRule(from)
	n.LiftRule(to)
}

// tellIsolated confirms that a switch drops what comes from and goes to a host, or does not:
// as the state of a port, and where the host is elsewhere, of none.
func (n *Network) tellIsolated(s, host NodeID, to asker) {
	isolated := slices.Contains(n.agentOf(s).isolated, host)
	e := model.Evidence{
		Kind: model.PortState, About: model.ProcessID(host), Layer: model.SwitchLayer, Alive: !isolated, Killed: isolated,
	}
	if port, has := n.portTo(s, host); has {
		e.Place = model.LinkPlace(int32(port))
	}
	n.tell(s, to, e)
}

// layerBehind returns the lowest layer of a node, which is what a switch next to it can see.
func (n *Network) layerBehind(node NodeID) model.Layer {
	if n.isSwitch(node) {
		return model.SwitchLayer
	}
	return model.HypervisorLayer
}

// tellMachine tells whether a node is alive as switch s has it.
func (n *Network) tellMachine(s, node NodeID, to asker, alive bool) {
	e := model.Evidence{Kind: model.Liveness, About: model.ProcessID(node), Layer: n.layerBehind(node), Alive: alive}
	if port, has := n.portTo(s, node); has {
		e.Killed = !alive && n.informants.links[port].disabled
	}
	if node == s {
		e.Incarnation = n.agentOf(s).starts
	}
	n.tell(s, to, e)
}

// probeMachine answers whether the machine behind a port is alive, as Falcon's spy on the
// switch does (Leners et al., SOSP 2011): it is dead if the port is down; alive if bytes came
// from it within the last Evidence.Look; else the switch asks it, looks again and again
// whether bytes came, and gives up after so many looks.
func (n *Network) probeMachine(s NodeID, port LinkID, from asker) {
	f := n.informants
	in := port ^ 1
	w := &f.links[in]
	_, node := n.topology.Ends(port)
	now := n.kernel.Now()
	switch {
	case !w.seen || w.disabled:
		n.tellMachine(s, node, from, false)
		return
	case w.heard >= 0 && now.Sub(w.heard) <= f.Look:
		n.tellMachine(s, node, from, true)
		return
	}
	w.askers = append(w.askers, from)
	if len(w.askers) > 1 {
		return
	}
	layer := n.layerBehind(node)
	arg := int64(layer)
	if layer == model.SwitchLayer {
		arg = int64(node)
	}
	const payload = 46 // as of an ARP request, in the smallest frame
	n.request(&model.Message{
		To: model.ProcessID(node), Layer: layer, Kind: uint8(model.Probe), Arg: arg, Tag: from.tag, Bytes: payload,
	}, s, from.panel, f.Priority)
	n.lookForBytes(s, in, now, f.Looks)
}

// lookForBytes lets a switch look whether something came over link l since it asked, at most
// so many times more.
func (n *Network) lookForBytes(s NodeID, l LinkID, since model.Time, left int) {
	f := n.informants
	w := &f.links[l]
	starts := n.agentOf(s).starts
	n.later(f.Look, func() {
		if n.agentOf(s).starts != starts {
			return // it crashed meanwhile
		}
		alive := w.heard >= since
		if !alive && left > 1 && w.seen {
			n.lookForBytes(s, l, since, left-1)
			return
		}
		askers := w.askers
		w.askers = nil
		for _, to := range askers {
			n.tellMachine(s, n.nodeAt(l), to, alive)
		}
	})
}

// nodeAt returns the node at the beginning of link l.
func (n *Network) nodeAt(l LinkID) NodeID {
	from, _ := n.topology.Ends(l)
	return from
}
