package network

import (
	"encoding/binary"
	"slices"

	"suspect/model"
)

// carrying is failure-carrying routing (Lakshminarayanan, Caesar, Rangan, Anderson, Shenker
// and Stoica, "Achieving convergence-free routing using failure-carrying packets", SIGCOMM
// 2007, section 3). All switches have the same map, which does not change, and no protocol.
// A switch that sees that the link which a packet should take has no carrier adds that link
// to the packet's header, and sends it along a shortest path of the map without all links
// of the header. The header only grows, and between two additions the packet comes nearer
// to its destination with each hop, so that it arrives if there is a path at all.
//
// Left out is the slow distribution of new maps, and the paper's source-routing variant.
type carrying struct {
	*carriers

	// distances of all switches to one, on the map without some links, by the links and the
	// number of that switch.
	distances map[string][]int32
	key       []byte
	queue     []int32
	header    []LinkID // scratch, the even direction of each link
	choice    []LinkID
}

// rememberedDistances is the number of sets of failed links and destinations after which
// what is known of them is forgotten, to be found again.
const rememberedDistances = 1 << 14

func newCarrying(n *Network, f *fabric, delay model.Duration) *carrying {
	c := &carrying{distances: make(map[string][]int32)}
	c.carriers = newCarriers(n, f, delay, func(s, _ int32, _ bool) { n.emitRoute(n.switchNode(s)) })
	return c
}

// steersByLinks tells whether switches forward by what they see of their own links, and
// not by routes alone.
func (n *Network) steersByLinks() bool { return n.carrying != nil }

// dead tells whether the switch that link l leaves sees that it is.
func (c *carrying) dead(s int32, l LinkID) bool {
	return !c.seen[s][c.fabric.port[l]]
}

// steer returns the link on which switch at sends a packet for a host that carries a
// header, if it is l without one and ok tells whether there is such a route. The header has
// the even directions of links in increasing order. If it has to grow, the new one is
// returned; it is valid until the next call.
func (c *carrying) steer(at, dst NodeID, flow uint32, l LinkID, ok bool, header []LinkID) (LinkID, bool, []LinkID) {
	s := int32(at) - int32(c.fabric.hosts)
	if len(header) == 0 && (!ok || !c.dead(s, l)) {
		return l, ok, header
	}
	_, home := c.network.topology.Ends(c.network.uplinks[dst])
	root := int32(home) - int32(c.fabric.hosts)
	if s == root {
		return l, ok && !c.dead(s, l), header // there is no other way
	}
	c.header = append(c.header[:0], header...)
	for {
		distance := c.distancesTo(root)
		c.choice = c.choice[:0]
		for _, port := range c.fabric.switches[s] {
			if port.peer >= 0 && distance[s] > 0 && distance[port.peer] == distance[s]-1 && !c.lists(port.link) {
				c.choice = append(c.choice, port.link)
			}
		}
		if len(c.choice) == 0 {
			return noLink, false, c.header
		}
		l = c.choice[uint64(flow)*c.network.routes.salt[s]>>32*uint64(len(c.choice))>>32]
		if !c.dead(s, l) {
			return l, true, c.header
		}
		i, _ := slices.BinarySearch(c.header, l&^1)
		c.header = slices.Insert(c.header, i, l&^1)
	}
}

// lists tells whether the header in c has link l.
func (c *carrying) lists(l LinkID) bool {
	_, ok := slices.BinarySearch(c.header, l&^1)
	return ok
}

// distancesTo returns the distances of all switches to root in hops without the links of
// the header in c, and -1 for those that have no path.
func (c *carrying) distancesTo(root int32) []int32 {
	c.key = binary.LittleEndian.AppendUint32(c.key[:0], uint32(root))
	for _, l := range c.header {
		c.key = binary.LittleEndian.AppendUint32(c.key, uint32(l))
	}
	if d, ok := c.distances[string(c.key)]; ok {
		return d
	}
	if len(c.distances) >= rememberedDistances {
		clear(c.distances)
	}
	d := make([]int32, len(c.fabric.switches))
	for s := range d {
		d[s] = -1
	}
	d[root] = 0
	c.queue = append(c.queue[:0], root)
	for i := 0; i < len(c.queue); i++ {
		s := c.queue[i]
		for _, port := range c.fabric.switches[s] {
			if port.peer >= 0 && d[port.peer] < 0 && !c.lists(port.link) {
				d[port.peer] = d[s] + 1
				c.queue = append(c.queue, port.peer)
			}
		}
	}
	c.distances[string(c.key)] = d
	return d
}

// carry is steer for packet i at switch at.
func (n *Network) carry(at NodeID, i int32, l LinkID, ok bool) (LinkID, bool) {
	x := &n.pool.packets[i]
	var header []LinkID
	for _, place := range n.failuresOf(i) {
		link, _ := place.Link()
		header = append(header, LinkID(link))
	}
	l, ok, after := n.carrying.steer(at, x.to, x.flow, l, ok, header)
	if ok && len(after) > len(header) {
		places := make([]model.Place, len(after))
		for k, failed := range after {
			places[k] = model.LinkPlace(int32(failed))
		}
		n.carryFailures(i, places)
	}
	return l, ok
}
