package network

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"suspect/model"
)

// pathTree is the shortest paths from a router to all others.
type pathTree struct {
	distance []int32  // by switch, in links; -1 if there is no path
	order    []int32  // the switches that are reached, by distance
	words    int      // of a set of ports
	first    []uint64 // by switch, words each: the ports at which the paths begin
	union    []uint64
	key      []byte  // of a set
	offers   []offer // by host
	queued   []bool  // by node: its route is still to be written
}

// joined tells whether link l from a switch to a peer counts: both announce it.
func (r *router) joined(l LinkID, peer int32) bool {
	other := r.database[peer]
	if other == nil {
		return false
	}
	_, ok := slices.BinarySearch(other.links, l^1)
	return ok
}

// peerOf returns the switch that link l reaches from switch s.
func (r *router) peerOf(s int32, l LinkID) int32 {
	return r.fabric.switches[s][r.fabric.port[l]].peer
}

// findPaths computes the shortest paths (RFC 2328, section 16.1). As the metric of every
// link is 1, the candidates of Dijkstra's algorithm are a plain queue.
func (r *router) findPaths() {
	t := &r.tree
	if t.distance == nil {
		t.distance = make([]int32, len(r.database))
		t.words = (len(r.ports) + 63) / 64
		t.first = make([]uint64, t.words*len(r.database))
		t.union = make([]uint64, t.words)
		t.offers = make([]offer, r.fabric.hosts)
		t.queued = make([]bool, r.fabric.nodes())
	}
	for s := range t.distance {
		t.distance[s] = -1
	}
	clear(t.first)
	t.distance[r.self] = 0
	t.order = append(t.order[:0], r.self)
	for i := 0; i < len(t.order); i++ {
		s := t.order[i]
		for _, l := range r.database[s].links {
			peer := r.peerOf(s, l)
			if t.distance[peer] >= 0 && t.distance[peer] <= t.distance[s] || !r.joined(l, peer) {
				continue
			}
			if t.distance[peer] < 0 {
				t.distance[peer] = t.distance[s] + 1
				t.order = append(t.order, peer)
			}
			if s == r.self {
				p := r.fabric.port[l]
				t.of(peer)[p/64] |= 1 << (p % 64)
				continue
			}
			for w, ports := range t.of(s) {
				t.of(peer)[w] |= ports
			}
		}
	}
}

// of returns the ports at which the paths to switch s begin.
func (t *pathTree) of(s int32) []uint64 { return t.first[int(s)*t.words:][:t.words] }

// findRoutes computes the routes to all nodes, and lists those that are to be written.
func (r *router) findRoutes() {
	if r.database[r.self] == nil {
		return
	}
	r.findPaths()
	t := &r.tree
	for h := range t.offers {
		t.offers[h].from = t.offers[h].from[:0]
	}
	for _, s := range t.order {
		for _, c := range r.database[s].stubs {
			t.offers[c.host].add(s, t.distance[s]+c.metric, c.specific)
		}
	}
	for _, node := range r.writing {
		t.queued[node] = true
	}
	for node := range r.computes {
		set := int32(0)
		if node < r.fabric.hosts {
			set = r.setToHost(NodeID(node))
		} else if s := int32(node - r.fabric.hosts); s != r.self {
			set = r.number(t.of(s))
		}
		if set != r.computes[node] {
			r.computes[node] = set
			if !t.queued[node] {
				r.writing = append(r.writing, NodeID(node))
			}
		}
	}
	clear(t.queued)
}

// offer is the best way to a host.
type offer struct {
	from     []int32 // the switches that announce it at that metric
	metric   int32
	specific bool
}

func (o *offer) add(s, metric int32, specific bool) {
	switch {
	case len(o.from) == 0, specific && !o.specific, specific == o.specific && metric < o.metric:
		o.from, o.metric, o.specific = append(o.from[:0], s), metric, specific
	case specific == o.specific && metric == o.metric:
		o.from = append(o.from, s)
	}
}

// setToHost returns the set of equal next hops to a host. One that the switch is linked to
// itself, or claims to be, it does not look for elsewhere.
func (r *router) setToHost(host NodeID) int32 {
	t := &r.tree
	clear(t.union)
	for _, c := range r.claims {
		if c.host == host {
			if c.via != noLink {
				t.add(r.fabric.port[c.via])
			}
			return r.number(t.union)
		}
	}
	for p, port := range r.fabric.switches[r.self] {
		if port.to == host && r.ports[p].carrier {
			t.add(int32(p))
			return r.number(t.union)
		}
	}
	for _, s := range t.offers[host].from {
		for w, ports := range t.of(s) {
			t.union[w] |= ports
		}
	}
	return r.number(t.union)
}

func (t *pathTree) add(port int32) { t.union[port/64] |= 1 << (port % 64) }

// number returns the number of a set of ports, which is stored if it is new.
func (r *router) number(ports []uint64) int32 {
	t := &r.tree
	t.key = t.key[:0]
	for _, w := range ports {
		t.key = binary.LittleEndian.AppendUint64(t.key, w)
	}
	if n, ok := r.setOf[string(t.key)]; ok {
		return n
	}
	var set []LinkID
	for w, word := range ports {
		for ; word != 0; word &= word - 1 {
			set = append(set, r.fabric.switches[r.self][64*w+bits.TrailingZeros64(word)].link)
		}
	}
	n := int32(0)
	if len(set) > 0 {
		n = int32(len(r.sets))
		r.sets = append(r.sets, set)
	}
	r.setOf[string(t.key)] = n
	return n
}

// write puts the routes in force whose time has come.
func (r *router) write(now model.Time, out *controlOutput) {
	for r.written <= now {
		node := r.writing[0]
		r.writing = r.writing[1:]
		out.routes = append(out.routes, routeChange{node, r.sets[r.computes[node]]})
		if len(r.writing) == 0 {
			r.writing, r.written = nil, model.Never
			break
		}
		r.written = r.written.Add(r.config.FIBPerHost)
	}
}

// tellLinks tells which links the router takes to be alive, or no more, after the LSA x
// took the place of an old one, which may be nil.
func (r *router) tellLinks(old, x *lsa, out *controlOutput) {
	var none lsa
	if old == nil {
		old = &none
	}
	for _, port := range r.fabric.switches[x.origin] {
		var was, is bool
		if port.peer < 0 {
			was, is = old.announces(port.to), x.announces(port.to)
		} else if r.joined(port.link, port.peer) {
			_, was = slices.BinarySearch(old.links, port.link)
			_, is = slices.BinarySearch(x.links, port.link)
		}
		if was != is {
			out.links = append(out.links, linkChange{port.link, is})
		}
	}
}

func (a *lsa) announces(host NodeID) bool {
	return slices.ContainsFunc(a.stubs, func(c claim) bool { return c.host == host })
}

// alive tells whether the router takes link l, of which one direction leaves switch s, to
// be alive. A neighbour that it lost is lost, whether or not it may announce so yet.
func (r *router) alive(s int32, l LinkID) bool {
	own := r.database[s]
	if own == nil {
		return false
	}
	port := &r.fabric.switches[s][r.fabric.port[l]]
	if port.peer < 0 {
		return own.announces(port.to)
	}
	switch {
	case s == r.self && r.ports[r.fabric.port[l]].state != neighbourFull,
		port.peer == r.self && r.ports[r.fabric.port[l^1]].state != neighbourFull:
		return false
	}
	_, ok := slices.BinarySearch(own.links, l)
	return ok && r.joined(l, port.peer)
}
