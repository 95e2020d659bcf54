package network

import (
	"suspect/model"
	"suspect/sim"
)

// Lateness makes some packets come late, each by itself, so that others overtake them.
type Lateness struct {
	Probability float64
	By          sim.Distribution
}

// heldPackets are those that a fault makes late at the far end of a link, and second copies,
// as a heap by the time at which they go on. They are off the link: its arrivals stay in order.
type heldPackets struct {
	heap  []int32
	timer sim.Timer
	made  bool // the timer
}

// DelaySome makes packets late at the far end of link l until PunctualAgain with the same
// value. Of several that are in force each may delay a packet, and the delays add up.
func (n *Network) DelaySome(l LinkID, some Lateness) {
	f := n.impair(l)
	n.canHold(l, f)
	f.late = append(f.late, some)
	n.updateInspected(l)
	n.emitLink(model.LinkChanged, l)
}

// PunctualAgain takes one DelaySome back. What is late already comes when it was to come.
func (n *Network) PunctualAgain(l LinkID, some Lateness) {
	f := n.impair(l)
	f.late = without(f.late, some)
	n.updateInspected(l)
	n.emitLink(model.LinkChanged, l)
}

// canHold makes sure that there is a timer for what link l holds.
func (n *Network) canHold(l LinkID, f *impaired) {
	if !f.held.made {
		f.held.timer, f.held.made = n.kernel.NewTimer((*latecomers)(n), uint32(l)), true
	}
}

// delayed draws by how much a packet is late.
func (f *impaired) delayed() (late model.Duration) {
	for _, some := range f.late {
		if f.stream.Chance(some.Probability) {
			late += some.By.Sample(f.stream)
		}
	}
	return late
}

// hold keeps packet i, which came over link l, for some time.
func (n *Network) hold(l LinkID, i int32, late model.Duration) {
	h := &n.impaired[l].held
	n.pool.packets[i].arrives = n.kernel.Now().Add(late)
	h.heap = n.push(h.heap, i)
	n.kernel.Arm(h.timer, n.pool.packets[h.heap[0]].arrives)
}

// latecomers are the network as the handler of the timers of held packets; the argument
// is the link.
type latecomers Network

// Fire lets the first of the held packets go on.
func (a *latecomers) Fire(arg uint32) {
	n, l := (*Network)(a), LinkID(arg)
	h, p := &n.impaired[l].held, &n.ports[l]
	i := h.heap[0]
	h.heap = n.pop(h.heap)
	if len(h.heap) > 0 {
		n.kernel.Arm(h.timer, n.pool.packets[h.heap[0]].arrives)
	}
	if !n.refuses(l, p, i) && !n.takesSlowPath(l, i) {
		n.reach(l, p, i)
	}
}
