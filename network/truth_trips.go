package network

import (
	"slices"
	"sort"

	"suspect/model"
)

// trip is what packets do from one host to another.
type trip struct {
	from, to          NodeID
	path              int32 // in the arena
	length, room      uint16
	ruled             uint8 // bit i: a rule drops packets of class i
	flags             uint8
	forward, backward int32  // the pairs whose way there or back it is, or none
	window            int32  // of its congestion, or none
	congested         uint64 // by class and definition
	stamp, sampled    uint32
}

const (
	isLinked    = 1 << iota // a path of working elements exists
	isCarried               // the routes carry packets
	isForbidden             // they cross a forbidden place
	isDamaged               // they are corrupted
	isUnstable
	isDirty    // it is to be evaluated
	isRerouted // its route may be another than before this instant
)

// crossers are the trips that cross a link, but for those that begin with it or have their
// end there. The list may have some that no longer do so, or twice.
type crossers struct {
	trips []int32
	live  int // the number of those that do
}

// trip returns the one between two hosts, if there is one.
func (t *Truth) trip(from, to NodeID) (int32, bool) {
	list := t.leaving[from]
	i := sort.Search(len(list), func(i int) bool { return t.trips[list[i]].to >= to })
	if i == len(list) || t.trips[list[i]].to != to {
		return none, false
	}
	return list[i], true
}

// review takes note that a trip may fare otherwise than before.
func (t *Truth) review(i int32) {
	if x := &t.trips[i]; x.flags&isDirty == 0 {
		x.flags |= isDirty
		t.dirtyTrips = append(t.dirtyTrips, i)
	}
}

func (t *Truth) reviewAll(trips []int32) {
	for _, i := range trips {
		t.review(i)
	}
}

// eachInto calls f with the trips whose path comes to a node.
func (t *Truth) eachInto(node NodeID, f func(int32)) {
	for _, l := range t.into[node] {
		t.each(l, f)
	}
}

// each calls f with the trips whose path has link l, and perhaps others.
func (t *Truth) each(l LinkID, f func(int32)) {
	from, to := t.n.topology.Ends(l)
	hosts := NodeID(t.n.topology.Hosts)
	if from < hosts {
		for _, i := range t.leaving[from] {
			f(i)
		}
		return
	}
	if to < hosts {
		for _, i := range t.reaching[to] {
			f(i)
		}
	}
	t.tidy(l)
	for _, i := range t.crossing[l].trips {
		f(i)
	}
}

// tidy removes from the trips of link l those that cross it no more.
func (t *Truth) tidy(l LinkID) {
	c := &t.crossing[l]
	if len(c.trips) == c.live {
		return
	}
	t.stamp++
	kept := c.trips[:0]
	for _, i := range c.trips {
		if x := &t.trips[i]; x.stamp != t.stamp && slices.Contains(t.pathOf(x), l) {
			x.stamp = t.stamp
			kept = append(kept, i)
		}
	}
	c.trips = kept
}

// pathOf returns the route that is installed for a trip: link after link, to the host at
// its end, or to where there is no route, or to the first switch that comes twice.
func (t *Truth) pathOf(x *trip) []LinkID { return t.arena[x.path:][:x.length] }

// settleRoutes takes in that switch s may forward otherwise. A trip whose next link is the
// same goes on as before.
func (t *Truth) settleRoutes(s NodeID) {
	var changed []int32
	t.eachInto(s, func(i int32) {
		x := &t.trips[i]
		if t.n.steersByLinks() || t.next(x, s) != t.linkFrom(x, s) {
			changed = append(changed, i)
		}
	})
	t.rerouteAll(changed)
}

// switchRoute is the route of a switch to a host.
type switchRoute struct{ at, host NodeID }

// settleRoutesTo is settleRoutes where the route to one host alone is another: a protocol
// writes its routes one after the other.
func (t *Truth) settleRoutesTo(r switchRoute) {
	var changed []int32
	for _, i := range t.reaching[r.host] {
		if x := &t.trips[i]; t.comesTo(x, r.at) && t.next(x, r.at) != t.linkFrom(x, r.at) {
			changed = append(changed, i)
		}
	}
	t.rerouteAll(changed)
}

// comesTo tells whether the path of a trip comes to a node.
func (t *Truth) comesTo(x *trip, node NodeID) bool {
	for _, l := range t.pathOf(x) {
		if t.n.ports[l].to == node {
			return true
		}
	}
	return false
}

func (t *Truth) rerouteAll(changed []int32) {
	for _, i := range changed {
		t.changes.note(i, &t.trips[i])
		t.reroute(i)
		t.review(i)
	}
}

// next returns the link on which switch s sends the packets of a trip, or noLink.
func (t *Truth) next(x *trip, s NodeID) LinkID {
	l, ok := t.n.NextHop(s, x.to, t.n.Flow(x.from, x.to, t.config.Label))
	if !ok {
		return noLink
	}
	return l
}

// linkFrom returns the link on which the path of a trip leaves switch s as far as it is
// known, or noLink.
func (t *Truth) linkFrom(x *trip, s NodeID) LinkID {
	for _, l := range t.pathOf(x) {
		if from, _ := t.n.topology.Ends(l); from == s {
			return l
		}
	}
	return noLink
}

// reroute finds the path of a trip.
func (t *Truth) reroute(i int32) {
	x := &t.trips[i]
	t.route = t.n.appendRoute(t.route[:0], x.from, x.to, t.config.Label)
	path, before := t.route, t.pathOf(x)
	if slices.Equal(path, before) {
		return
	}
	hosts := NodeID(t.n.topology.Hosts)
	isListed := func(l LinkID) bool {
		from, to := t.n.topology.Ends(l)
		return from >= hosts && to != x.to
	}
	for k, l := range before {
		if isListed(l) && !slices.Contains(path, l) && !slices.Contains(before[:k], l) {
			t.crossing[l].live--
		}
	}
	for k, l := range path {
		if isListed(l) && !slices.Contains(before, l) && !slices.Contains(path[:k], l) {
			c := &t.crossing[l]
			c.trips = append(c.trips, i)
			c.live++
		}
	}
	if len(path) > int(x.room) {
		x.path, x.room = int32(len(t.arena)), uint16(len(path))
		t.arena = append(t.arena, path...)
	}
	x.length = uint16(len(path))
	copy(t.pathOf(x), path)
	for _, l := range path {
		if c := &t.crossing[l]; len(c.trips) > 2*c.live+16 {
			t.tidy(l)
		}
	}
	t.congestion.lengthen(len(path))
}

// appendRoute appends the route that is installed for packets of a flow: link after link,
// to the host at its end, or to where there is no route, or to the first switch that comes
// twice. Whether its links and switches work does not matter. A packet that carries
// failures goes as the switches on its way see their links, with the header that it has by
// then, and is in a loop where it comes back with the same one.
func (n *Network) appendRoute(path []LinkID, from, to NodeID, label uint32) []LinkID {
	flow := n.Flow(from, to, label)
	begin := len(path)
	var header []LinkID
	var carried []int // the lengths of the headers on the links of the path
	path = append(path, n.uplinks[from])
	for {
		at := n.ports[path[len(path)-1]].to
		if int(at) < n.topology.Hosts {
			return path
		}
		if n.steersByLinks() {
			carried = append(carried, len(header))
		}
		for k, l := range path[begin : len(path)-1] {
			if n.ports[l].to == at && (carried == nil || carried[k] == len(header)) {
				return path
			}
		}
		l, ok := n.routes.next(at, to, flow)
		if n.steersByLinks() {
			var grown []LinkID
			l, ok, grown = n.carrying.steer(at, to, flow, l, ok, header)
			header = slices.Clone(grown)
		}
		if !ok {
			return path
		}
		path = append(path, l)
	}
}

// evaluate finds out how a trip fares.
func (t *Truth) evaluate(i int32) {
	x := &t.trips[i]
	const kept = isUnstable | isDirty | isRerouted
	flags, ruled := x.flags&kept, uint8(0)
	if t.switches.linked(t.n, x.from, x.to) {
		flags |= isLinked
	}
	intact, seen := float64(1), 0
	for _, l := range t.pathOf(x) {
		if !t.works[l] {
			break
		}
		intact = float64(intact * t.intact[l])
		if t.forbidden[l] {
			flags |= isForbidden
		}
		at := t.n.ports[l].to
		if int(at) < t.n.topology.Hosts {
			if at == x.to {
				flags |= isCarried
			}
			break
		}
		if seen++; !t.on[int(at)-t.n.topology.Hosts] || seen == int(t.n.hopLimit) {
			break
		}
		for c, class := range t.config.Classes {
			if t.n.ruledOut(at, x.from, x.to, class) {
				ruled |= 1 << c
			}
		}
	}
	if flags&isCarried != 0 && intact < 1-t.config.Corruption {
		flags |= isDamaged
	}
	if flags != x.flags || ruled != x.ruled {
		x.flags, x.ruled = flags, ruled
		t.congestion.interrupted(i)
		t.touchBoth(x)
	}
}

// linkWorks tells whether link l carries packets: it is not down, no interface at its ends is
// silent, and it does not lose each one.
func (n *Network) linkWorks(l LinkID) bool {
	loss := &n.loss[l]
	losesAll := loss.Good == 1 && (loss.Bad == 1 || loss.GoodToBad == 0)
	return n.linkDown[l] == 0 && !losesAll && (n.impaired[l] == nil || n.impaired[l].silent == 0)
}

// switchWorks tells whether a switch is up.
func (n *Network) switchWorks(s NodeID) bool { return n.switchDown[int(s)-n.topology.Hosts] == 0 }

// intact returns the probability that link l changes no bits of a packet, whether or not a
// checksum would tell.
func (n *Network) intact(l LinkID) float64 {
	intact := float64(1)
	f := n.impaired[l]
	if f == nil {
		return intact
	}
	for _, all := range [...][]float64{f.corrupt, f.mangle} {
		for _, p := range all {
			intact = float64(intact * (1 - p))
		}
	}
	return intact
}

// ruledOut tells whether a rule of switch at drops packets of a class between two hosts.
func (n *Network) ruledOut(at, from, to NodeID, class model.Priority) bool {
	if len(n.rules.list) == 0 && len(n.rules.pairs) == 0 {
		return false
	}
	x := packet{from: from, to: to, flags: uint8(class)}
	return n.rules.forbid(at, &x)
}
