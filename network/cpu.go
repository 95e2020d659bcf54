package network

import (
	"fmt"

	"suspect/model"
	"suspect/sim"
)

// Overload makes the control processor of a switch slow.
type Overload struct {
	Each  sim.Distribution // what it takes for each packet
	Queue int64            // packets that may wait for it, beside the one that it is at work on

	// SlowPath is the probability that a packet which the switch should forward goes
	// through the processor, as one does with an option in its header or without an entry
	// in the tables of the hardware.
	SlowPath float64
}

// controlProcessor is the control processor of a switch.
type controlProcessor struct {
	by      []Overload // in force
	stream  *sim.Stream
	done    sim.Timer // with the first of the packets that wait
	waiting []cpuWork // from the one numbered first on
	first   int
}

// cpuWork is a packet that waits for a control processor: link is the one that it came over,
// or if it is outgoing the one that it is to take.
type cpuWork struct {
	packet   int32
	link     LinkID
	outgoing bool
}

// OverloadSwitch makes the control processor of switch s take time for each control packet:
// one that it receives, as a hello of a neighbour or a request to its agent, and one that it
// sends, as its own hellos, evidence and errors. They wait in its queue, and are dropped as
// [model.Overload] where that is full. The hardware forwards all other packets as ever. It
// does so until RelieveSwitch with the same value. Of several that are in force the times add
// up, the shortest queue counts, and each may send a packet on the slow path.
func (n *Network) OverloadSwitch(s NodeID, o Overload) {
	if n.cpus == nil {
		n.cpus = make([]*controlProcessor, len(n.switchDown))
	}
	at := int(s) - n.topology.Hosts
	c := n.cpus[at]
	if c == nil {
		c = &controlProcessor{
			stream: n.kernel.Stream(fmt.Sprintf("cpu/%q", n.topology.Names[s])),
			done:   n.kernel.NewTimer((*processors)(n), uint32(at)),
		}
		n.cpus[at] = c
	}
	c.by = append(c.by, o)
	n.updateSlowPath(s)
}

// RelieveSwitch takes one OverloadSwitch back. A processor that is as fast as ever again
// takes what waits for it at once.
func (n *Network) RelieveSwitch(s NodeID, o Overload) {
	c := n.cpus[int(s)-n.topology.Hosts]
	c.by = without(c.by, o)
	n.updateSlowPath(s)
	if len(c.by) > 0 {
		return
	}
	n.kernel.Disarm(c.done)
	for c.first < len(c.waiting) {
		n.finish(c.next())
	}
}

// isOverloaded tells whether the control processor of switch s takes time.
func (n *Network) isOverloaded(s NodeID) bool {
	if n.cpus == nil {
		return false
	}
	c := n.cpus[int(s)-n.topology.Hosts]
	return c != nil && len(c.by) > 0
}

// updateSlowPath lets switch s look at what comes to it if some of it goes through its
// processor.
func (n *Network) updateSlowPath(s NodeID) {
	for l := range n.ports {
		if n.ports[l].to == s {
			n.updateInspected(LinkID(l))
		}
	}
}

// hasSlowPath tells whether some packets go through the processor of switch s.
func (n *Network) hasSlowPath(s NodeID) bool {
	if !n.isOverloaded(s) {
		return false
	}
	for _, o := range n.cpus[int(s)-n.topology.Hosts].by {
		if o.SlowPath > 0 {
			return true
		}
	}
	return false
}

// waitsAtCPU hands a packet to the control processor of switch s if that takes time, and
// tells whether it does. The packet is dropped if the queue is full.
func (n *Network) waitsAtCPU(s NodeID, w cpuWork) bool {
	if !n.isOverloaded(s) {
		return false
	}
	c := n.cpus[int(s)-n.topology.Hosts]
	queue := c.by[0].Queue
	for _, o := range c.by {
		queue = min(queue, o.Queue)
	}
	if waiting := len(c.waiting) - c.first; int64(waiting) > queue {
		n.drop(w.packet, w.link, model.Overload)
		return true
	}
	c.waiting = append(c.waiting, w)
	if len(c.waiting) == c.first+1 {
		n.startWork(c)
	}
	return true
}

// takesSlowPath draws whether packet i, which came over link l and is for another node, goes
// through the processor of the switch at the far end, and sends it there if so. It counts as
// arrived when the processor has done with it.
func (n *Network) takesSlowPath(l LinkID, i int32) bool {
	s := n.ports[l].to
	if int(s) < n.topology.Hosts || !n.hasSlowPath(s) || n.pool.packets[i].to == s {
		return false
	}
	c := n.cpus[int(s)-n.topology.Hosts]
	slow := false
	for _, o := range c.by {
		if o.SlowPath > 0 && c.stream.Chance(o.SlowPath) {
			slow = true
		}
	}
	return slow && n.waitsAtCPU(s, cpuWork{packet: i, link: l})
}

// startWork lets a processor begin to work on the first packet that waits.
func (n *Network) startWork(c *controlProcessor) {
	takes := model.Duration(0)
	for _, o := range c.by {
		takes += o.Each.Sample(c.stream)
	}
	n.kernel.Arm(c.done, n.kernel.Now().Add(takes))
}

// next removes and returns the first packet that waits.
func (c *controlProcessor) next() cpuWork {
	w := c.waiting[c.first]
	if c.first++; c.first > len(c.waiting)/2 {
		left := copy(c.waiting, c.waiting[c.first:])
		c.waiting, c.first = c.waiting[:left], 0
	}
	return w
}

// finish lets a packet that a processor has done with go its way.
func (n *Network) finish(w cpuWork) {
	p := &n.ports[w.link]
	switch {
	case w.outgoing:
		n.enqueue(w.link, w.packet)
	case n.pool.packets[w.packet].to == p.to:
		n.receiveAtSwitch(w.link, p, w.packet)
	default:
		n.reach(w.link, p, w.packet)
	}
}

// crashCPU loses what waits for the processor of a switch that crashes.
func (n *Network) crashCPU(s NodeID) {
	if n.cpus == nil || n.cpus[int(s)-n.topology.Hosts] == nil {
		return
	}
	c := n.cpus[int(s)-n.topology.Hosts]
	n.kernel.Disarm(c.done)
	for _, w := range c.waiting[c.first:] {
		n.drop(w.packet, w.link, model.SwitchDown)
	}
	c.waiting, c.first = c.waiting[:0], 0
}

// atCPUs counts the packets that wait for control processors.
func (n *Network) atCPUs() (packets int) {
	for _, c := range n.cpus {
		if c != nil {
			packets += len(c.waiting) - c.first
		}
	}
	return packets
}

// processors are the network as the handler of the timers of control processors; the
// argument is the switch, less the hosts.
type processors Network

// Fire ends the work on a packet.
func (a *processors) Fire(arg uint32) {
	n := (*Network)(a)
	c := n.cpus[arg]
	w := c.next()
	if c.first < len(c.waiting) {
		n.startWork(c)
	}
	n.finish(w)
}
