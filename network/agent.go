package network

import (
	"fmt"

	"suspect/model"
)

// hostAgent is what the agents of a host know: of its system and of its hypervisor. That of
// the application is a responder within the process, which shares its fate.
type hostAgent struct {
	starts   int64 // of the system
	machines int64 // starts of the machine after its first

	// Of the counter that the system keeps counting: whether it counted between the last
	// two looks of the hypervisor, whether it did since the last, and when that was.
	counted  bool
	counting bool
	looked   model.Time
	told     bool  // what the subscribers know
	blind    bool  // it has not looked since the machine started, and counted means nothing yet
	seen     int64 // the start of the system that it saw count last, or 0

	processKilled, systemKilled bool

	ofProcess []asker // subscribers of the system
	ofSystem  []asker // subscribers of the hypervisor
}

// subscribe adds an asker to a list, once.
func subscribe(list []asker, a asker) []asker {
	for i := range list {
		if list[i].node == a.node && list[i].panel == a.panel && list[i].tag == a.tag {
			list[i].seq = a.seq
			return list
		}
	}
	return append(list, a)
}

// request sends a request to an agent: from a process, or from a switch for one.
func (n *Network) request(m *model.Message, from NodeID, panel uint8, priority model.Priority) {
	if n.informants == nil || !n.informants.Agents || m.To < 0 || int(m.To) >= len(n.topology.Names) {
		panic(fmt.Sprintf("network: node %d sends a request to the %v of node %d: there is none (agents need Config.Evidence)", from, m.Layer, m.To))
	}
	to := NodeID(m.To)
	if to == from { // it does not pass the network
		a := asker{from, panel, m.Tag, m.Seq}
		layer, kind, arg := m.Layer, model.Request(m.Kind), m.Arg
		n.later(0, func() {
			if n.hostDown[from] == 0 {
				n.serveHost(from, layer, a, kind, arg)
			}
		})
		return
	}
	payload := m.Bytes
	if payload == 0 {
		payload = n.payload
	}
	i := n.pool.get()
	n.pool.packets[i] = packet{
		from: from, to: to, seq: m.Seq, kind: m.Kind, tag: m.Tag, panel: panel, layer: m.Layer,
		flags: uint8(max(priority, m.Priority))&priorityBits | isControl, bytes: n.WireBytes(payload),
		flow: ecmpHash(from, to, uint32(m.Flow)),
	}
	if m.Arg != 0 {
		n.pool.setExtra(i, extra{arg: m.Arg})
	}
	n.launchFrom(i)
}

// serveHost lets the agent of a layer of a host, which is up, serve a request.
func (n *Network) serveHost(host NodeID, layer model.Layer, from asker, request model.Request, arg int64) {
	if n.informants == nil || !n.informants.Agents {
		return
	}
	switch layer {
	case model.ApplicationLayer:
		n.in = model.Input{Kind: model.Deliver, Random: (*choices)(n), Message: model.Message{
			From: model.ProcessID(from.node), To: model.ProcessID(host), Seq: from.seq, Kind: uint8(request),
			Tag: from.tag, Layer: layer,
		}}
		n.askApplication(host, from.panel)
	case model.SystemLayer:
		n.serveSystem(host, from, request, arg)
	case model.HypervisorLayer:
		n.serveHypervisor(host, from, request, arg)
	}
}

// subjectOf returns which layer a request is about, and of a Kill which incarnation.
func subjectOf(request model.Request, arg int64) (layer model.Layer, incarnation int64) {
	if request == model.Kill {
		return model.VictimOf(arg)
	}
	return model.Layer(arg), 0
}

// askApplication lets the application of a process, which runs, take the request in n.in.
func (n *Network) askApplication(host NodeID, panel uint8) {
	pr := &n.processes[host]
	if pr.queues {
		n.wait(model.ProcessID(host), 0, panel)
		return
	}
	n.answerProbe(panel)
}

// answerProbe lets an application answer the request in n.in: it is alive, since it does.
func (n *Network) answerProbe(panel uint8) {
	m := &n.in.Message
	if model.Request(m.Kind) != model.Probe {
		return
	}
	n.tellBy(NodeID(m.To), model.ProcessLayer, asker{NodeID(m.From), panel, m.Tag, m.Seq}, model.Evidence{
		Kind: model.Liveness, About: m.To, Layer: model.ApplicationLayer, Alive: true,
		Incarnation: n.processes[m.To].incarnation,
	})
}

// serveSystem lets the system of a host serve a request about its process. It knows by its
// table of processes whether the process runs; whether the application in it gets on, it
// asks the application.
func (n *Network) serveSystem(host NodeID, from asker, request model.Request, arg int64) {
	layer, victim := subjectOf(request, arg)
	pr, a := &n.processes[host], &n.informants.hosts[host]
	switch {
	case request == model.Probe && layer == model.SystemLayer:
		n.tellLayer(host, from, model.SystemLayer, model.SystemLayer, true)
	case request == model.Probe && layer == model.ApplicationLayer && pr.running:
		n.serveHost(host, layer, from, request, int64(layer))
	case request == model.Probe && (layer == model.ProcessLayer || layer == model.ApplicationLayer):
		n.tellLayer(host, from, model.SystemLayer, layer, pr.running)
	case request == model.Subscribe:
		a.ofProcess = subscribe(a.ofProcess, from)
		if !pr.running {
			n.tellLayer(host, from, model.SystemLayer, model.ProcessLayer, false)
		}
	case request == model.Kill && (layer == model.ProcessLayer || layer == model.ApplicationLayer):
		if present := pr.incarnation; victim == 0 || victim == present {
			victim = present
			if pr.running {
				a.processKilled = true
				n.CrashProcess(model.ProcessID(host))
			}
		}
		if victim <= pr.incarnation {
			n.confirm(host, from, model.SystemLayer, layer, victim)
		}
	}
}

// serveHypervisor lets the hypervisor of a host serve a request about the system above it.
// That it is alive it sees by a counter of its kernel, which it looks at from time to time.
func (n *Network) serveHypervisor(host NodeID, from asker, request model.Request, arg int64) {
	layer, victim := subjectOf(request, arg)
	a := &n.informants.hosts[host]
	n.lookAtCounter(host)
	switch {
	case request == model.Probe && layer == model.HypervisorLayer:
		n.tellLayer(host, from, model.HypervisorLayer, layer, true)
	case request == model.Probe && layer == model.SystemLayer && !a.blind:
		n.tellLayer(host, from, model.HypervisorLayer, layer, a.counted)
	case request == model.Subscribe:
		a.ofSystem = subscribe(a.ofSystem, from)
		if !a.counted {
			n.tellLayer(host, from, model.HypervisorLayer, model.SystemLayer, false)
		}
	case request == model.Kill && layer == model.SystemLayer:
		if present := a.starts; victim == 0 || victim == present {
			victim = present
			if n.hostDown[host] == 0 {
				a.systemKilled = true
				n.CrashHost(model.ProcessID(host))
			}
		}
		if victim <= a.starts {
			n.confirm(host, from, model.HypervisorLayer, layer, victim)
		}
	}
}

// confirm tells who ordered to kill it that an incarnation of a layer of a host is dead, when
// the layer below it has looked. It may have been so before, and have a successor by now.
func (n *Network) confirm(host NodeID, to asker, by, layer model.Layer, victim int64) {
	a := &n.informants.hosts[host]
	starts, machines := a.starts, a.machines
	n.later(n.informants.Confirm, func() {
		if by == model.SystemLayer && (n.hostDown[host] != 0 || a.starts != starts) || n.machineDown[host] != 0 || a.machines != machines {
			return // who was to confirm it is dead
		}
		killed := a.processKilled && victim == n.processes[host].incarnation
		if layer == model.SystemLayer {
			killed = a.systemKilled && victim == a.starts
		}
		n.tellBy(host, by, to, model.Evidence{
			Kind: model.Liveness, About: model.ProcessID(host), Layer: layer, Killed: killed, Incarnation: victim,
		})
	})
}

// tellLayer tells whether a layer of a host is alive, as the layer by has it.
func (n *Network) tellLayer(host NodeID, to asker, by, layer model.Layer, alive bool) {
	a := &n.informants.hosts[host]
	e := model.Evidence{Kind: model.Liveness, About: model.ProcessID(host), Layer: layer, Alive: alive}
	switch layer {
	case model.ProcessLayer, model.ApplicationLayer:
		e.Incarnation, e.Killed = n.processes[host].incarnation, a.processKilled
	case model.SystemLayer:
		e.Incarnation = a.starts
		if by == model.HypervisorLayer {
			e.Incarnation = a.seen
		}
		e.Killed = a.systemKilled && e.Incarnation == a.starts
	case model.HypervisorLayer:
		e.Incarnation = 1 + a.machines
	}
	e.Killed = e.Killed && !alive
	n.tellBy(host, by, to, e)
}

// lookAtCounter brings what the hypervisor of a host knows of its system up to date. It
// looks at multiples of Evidence.Counter; the system is alive to it if it was up at some
// moment since the look before. Of a start in between it does not know: until the look it
// speaks of what it saw. It is called before each change, and at the two looks after
// it (systemChanges): between any other two looks nothing happened.
func (n *Network) lookAtCounter(host NodeID) {
	a, every := &n.informants.hosts[host], model.Time(n.informants.Counter)
	up := n.hostDown[host] == 0
	last := n.kernel.Now() / every * every
	if last > a.looked {
		a.counted = a.counting || up
		a.counting = false
		a.looked = last
		a.blind = false
		if a.counted {
			a.seen = a.starts
		}
	}
	a.counting = a.counting || up
}

// systemChanges is called before the system of a host goes down or comes up.
func (n *Network) systemChanges(host model.ProcessID) {
	f := n.informants
	if f == nil || !f.Agents {
		return
	}
	n.lookAtCounter(NodeID(host))
	n.lookTwice(host)
}

// lookTwice lets the hypervisor of a host tell at the next two looks what it has seen.
func (n *Network) lookTwice(host model.ProcessID) {
	f, now := n.informants, n.kernel.Now()
	for k := range 2 {
		look := (now/model.Time(f.Counter) + model.Time(k+1)) * model.Time(f.Counter)
		n.later(look.Sub(now), func() { n.tellSystem(NodeID(host)) })
	}
}

// tellSystem tells the subscribers of a hypervisor what it has just seen.
func (n *Network) tellSystem(host NodeID) {
	a := &n.informants.hosts[host]
	if n.lookAtCounter(host); n.machineDown[host] != 0 || a.counted == a.told {
		return
	}
	a.told = a.counted
	for _, to := range a.ofSystem {
		n.tellLayer(host, to, model.HypervisorLayer, model.SystemLayer, a.counted)
	}
}

// systemCameUp counts a start of the system of a host, whose memory is empty.
func (n *Network) systemCameUp(host model.ProcessID) {
	if f := n.informants; f != nil {
		f.hosts[host].starts++
		f.hosts[host].ofProcess = nil
	}
}

// machineCameUp counts a start of a machine, whose hypervisor has forgotten everything. It
// says nothing of the system until it has looked.
func (n *Network) machineCameUp(host model.ProcessID) {
	f := n.informants
	if f == nil {
		return
	}
	a := &f.hosts[host]
	a.machines++
	a.ofSystem = nil
	a.counted, a.counting, a.told, a.looked, a.blind, a.seen = true, false, true, n.kernel.Now(), true, 0
	if f.Agents {
		n.lookTwice(host)
	}
}

// processChanged lets the system of a host tell that its process started or stopped.
func (n *Network) processChanged(p model.ProcessID) {
	f, pr := n.informants, &n.processes[p]
	if f == nil || n.hostDown[p] != 0 {
		return
	}
	for _, to := range f.hosts[p].ofProcess {
		n.tellLayer(NodeID(p), to, model.SystemLayer, model.ProcessLayer, pr.running)
	}
	if !pr.running {
		n.resetAll(NodeID(p))
	}
}
