package run

import (
	"context"
	"fmt"

	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
)

// Dissection is the delay of one packet, taken apart. Its parts sum to the time from
// sending to delivery, to the picosecond.
type Dissection struct {
	Packet   SlowPacket
	Priority int
	// Limiter is the wait for the limiter, from sending to release.
	Limiter model.Duration
	// Ports are on the packet's way, in order.
	Ports []PortDelay
}

// PortDelay is what one output port and its link add to a packet's delay.
type PortDelay struct {
	From, To string
	// Arrived is when the packet came to the port.
	Arrived model.Time
	// Lower is the wait for a frame of a lower priority in flight, Same that for packets
	// of the same priority, and Higher that for those of higher ones.
	Lower, Same, Higher model.Duration
	// Transmission and Propagation are those of the packet itself.
	Transmission, Propagation model.Duration
}

// Total returns what the port and its link add.
func (p *PortDelay) Total() model.Duration {
	return p.Lower + p.Same + p.Higher + p.Transmission + p.Propagation
}

// Total returns the time from sending to delivery.
func (d *Dissection) Total() model.Duration {
	total := d.Limiter
	for i := range d.Ports {
		total += d.Ports[i].Total()
	}
	return total
}

// Dissect runs a replication again, until the packet is delivered, and tells what its
// delay is made of. The packet is one from the Results of the same scenario and seed.
// It returns an error where a link on the way has jitter, or may be struck by a fault that
// changes how long packets take, which hides when packets left,
// and one that wraps [ErrInterrupted] when ctx ends.
func Dissect(ctx context.Context, s *scenario.Scenario, packet SlowPacket) (*Dissection, error) {
	d := &dissector{
		topology: &s.Network.Topology, ports: newPorts(s), packet: packet.Packet,
		out: Dissection{Packet: packet},
	}
	kinds := model.KindSet(model.Sent, model.Released, model.Hopped, model.Delivered, model.Dropped)
	if _, err := Again(ctx, s, packet.Replication, kinds, d.observe); err != nil {
		return nil, err
	}
	if d.err == nil && !d.delivered {
		d.err = fmt.Errorf("packet %d is not delivered in replication %d", packet.Packet, packet.Replication)
	}
	if d.err != nil {
		return nil, d.err
	}
	return &d.out, nil
}

// dissector follows one packet, with what other packets do to the ports of the node at
// which it is.
type dissector struct {
	topology *network.Topology
	ports    []port
	packet   uint64
	node     network.NodeID // where it is, once it was released
	inside   bool           // it was
	arrived  model.Time     // there
	passing  []passage      // since then, over links that leave the node

	out       Dissection
	delivered bool
	err       error
}

// passage is a packet's transmission over a link.
type passage struct {
	place        int32
	priority     model.Priority
	began, ended model.Time
}

// observe takes the next record, and returns false when the packet is delivered or
// nothing can be told of it.
func (d *dissector) observe(r *model.Record) (more bool) {
	if r.Packet != d.packet {
		if d.inside && d.leaves(r.Place) && d.ports[r.Place].far(r) {
			began := d.ports[r.Place].began(r)
			d.passing = append(d.passing, passage{r.Place, r.Priority, began, r.At.Add(-d.ports[r.Place].delay)})
		}
		return true
	}
	switch r.Kind {
	case model.Sent:
	case model.Released:
		d.out.Limiter, d.out.Priority = r.At.Sub(r.SentAt), int(r.Priority)
		d.node, d.inside, d.arrived = network.NodeID(r.Process), true, r.At
	case model.Hopped, model.Delivered:
		d.cross(r)
		d.delivered = r.Kind == model.Delivered
	case model.Dropped:
		d.err = fmt.Errorf("packet %d is dropped (%v)", d.packet, r.Cause)
	}
	return d.err == nil && !d.delivered
}

// leaves tells whether a link leaves the node at which the packet is.
func (d *dissector) leaves(place int32) bool {
	from, _ := d.topology.Ends(network.LinkID(place))
	return from == d.node
}

// cross adds the port from which the packet came.
func (d *dissector) cross(r *model.Record) {
	from, to := d.topology.Ends(network.LinkID(r.Place))
	p := &d.ports[r.Place]
	switch {
	case !d.inside:
		d.err = fmt.Errorf("packet %d passed no limiter", d.packet)
		return
	case p.hidden:
		d.err = fmt.Errorf("the link from %s to %s has jitter or a fault, which hides when packets left it", d.topology.Names[from], d.topology.Names[to])
		return
	}
	began := p.began(r)
	x := PortDelay{
		From: d.topology.Names[from], To: d.topology.Names[to], Arrived: d.arrived,
		Transmission: r.At.Add(-p.delay).Sub(began), Propagation: p.delay,
	}
	for _, y := range d.passing {
		wait := y.ended.Sub(max(y.began, d.arrived))
		switch {
		case y.place != r.Place || wait <= 0:
		case y.priority < r.Priority:
			x.Lower += wait
		case y.priority > r.Priority:
			x.Higher += wait
		default:
			x.Same += wait
		}
	}
	if waits := x.Lower + x.Same + x.Higher; waits != began.Sub(d.arrived) {
		d.err = fmt.Errorf("packet %d waited %v at the port from %s to %s, of which the records explain %v", d.packet, began.Sub(d.arrived), x.From, x.To, waits)
		return
	}
	d.out.Ports = append(d.out.Ports, x)
	d.node, d.arrived, d.passing = to, r.At, d.passing[:0]
}
