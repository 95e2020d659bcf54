package network

import "suspect/model"

// headerEntry is what a failed link costs in the header of a packet: the number of the link.
// A header begins with the number of entries, which costs as much.
const headerEntry = 4

// carryFailures makes packet i list the failed links that it goes around from now on, in
// addition to what it carries: failure-carrying packets (Lakshminarayanan et al., SIGCOMM
// 2007). The list replaces the one that the packet had, and is immutable. Its bytes are
// added to those of the packet.
func (n *Network) carryFailures(i int32, links []model.Place) {
	x := &n.pool.packets[i]
	e := extra{}
	if x.flags&hasExtra != 0 {
		e = n.pool.extra[i]
	}
	if e.detour == nil {
		x.bytes += headerEntry
	} else {
		x.bytes -= headerEntry * int32(len(e.detour.links))
	}
	x.bytes += headerEntry * int32(len(links))
	e.detour = &detour{links}
	x.news |= isDetoured
	n.pool.setExtra(i, e)
}

// failuresOf returns the failed links that packet i lists, which the caller must not change.
func (n *Network) failuresOf(i int32) []model.Place {
	if n.pool.packets[i].news&isDetoured == 0 {
		return nil
	}
	return n.pool.extra[i].detour.links
}
