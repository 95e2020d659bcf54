package network

import "fmt"

// Star returns hosts h0, h1, ... on one switch s0, each by a link that is
// configured alike in both directions. It panics on a negative number of hosts.
func Star(hosts int, edge LinkConfig) Topology {
	b := newBuilder(hosts)
	s := b.node("s0")
	for h := range hosts {
		b.link(NodeID(h), s, edge)
	}
	return b.Topology
}

// LeafSpine returns a two-level Clos network: leaf0, leaf1, ... with hostsPerLeaf
// hosts each (h0 and the next ones on leaf0, and so on), every leaf linked to every
// one of spine0, spine1, .... Links of hosts are configured as edge, the others as
// core. It panics on a negative number.
func LeafSpine(leaves, spines, hostsPerLeaf int, edge, core LinkConfig) Topology {
	b := newBuilder(leaves * hostsPerLeaf)
	leaf := b.nodes(leaves, "leaf%d")
	spine := b.nodes(spines, "spine%d")
	for l := range leaves {
		for h := range hostsPerLeaf {
			b.link(NodeID(l*hostsPerLeaf+h), leaf+NodeID(l), edge)
		}
	}
	for l := range leaves {
		for s := range spines {
			b.link(leaf+NodeID(l), spine+NodeID(s), core)
		}
	}
	return b.Topology
}

// FatTree returns the three-level fat tree of k-port switches (Al-Fares, Loukissas
// and Vahdat, "A scalable, commodity data center network architecture", SIGCOMM
// 2008, section 3): k pods of k/2 edge switches with k/2 hosts each and k/2
// aggregation switches, joined by (k/2)² core switches. Switch i of pod p is
// edge<p>-<i> or agg<p>-<i>; agg<p>-<i> is linked to core switches i*k/2 to
// (i+1)*k/2-1. It panics unless k is even and positive.
func FatTree(k int, edge, core LinkConfig) Topology {
	if k <= 0 || k%2 != 0 {
		panic(fmt.Sprintf("network: a fat tree of %d-port switches: the number must be even and positive", k))
	}
	half := k / 2
	b := newBuilder(k * half * half)
	inPods := func(what string) (first NodeID) {
		first = NodeID(len(b.Names))
		for i := range k * half {
			b.node(fmt.Sprintf("%s%d-%d", what, i/half, i%half))
		}
		return first
	}
	edges, aggs := inPods("edge"), inPods("agg")
	cores := b.nodes(half*half, "core%d")
	for h := range b.Hosts {
		b.link(NodeID(h), edges+NodeID(h/half), edge)
	}
	for e := range k * half {
		pod := e / half
		for a := range half {
			b.link(edges+NodeID(e), aggs+NodeID(pod*half+a), core)
		}
	}
	for a := range k * half {
		for c := range half {
			b.link(aggs+NodeID(a), cores+NodeID(a%half*half+c), core)
		}
	}
	return b.Topology
}

// Node returns the node of the given name. It takes time proportional to the
// number of nodes.
func (t *Topology) Node(name string) (NodeID, bool) {
	for i, n := range t.Names {
		if n == name {
			return NodeID(i), true
		}
	}
	return 0, false
}

// LinkBetween returns the direction from a to b of the link between them. It takes
// time proportional to the number of links.
func (t *Topology) LinkBetween(a, b NodeID) (LinkID, bool) {
	for i := range t.Links {
		switch l := &t.Links[i]; {
		case l.A == a && l.B == b:
			return LinkID(2 * i), true
		case l.A == b && l.B == a:
			return LinkID(2*i + 1), true
		}
	}
	return 0, false
}

// builder is a topology under construction.
type builder struct{ Topology }

// newBuilder returns a topology of hosts h0, h1, ... without links.
func newBuilder(hosts int) *builder {
	b := &builder{Topology{Hosts: hosts}}
	b.nodes(hosts, "h%d")
	return b
}

func (b *builder) node(name string) NodeID {
	b.Names = append(b.Names, name)
	return NodeID(len(b.Names) - 1)
}

// nodes adds n nodes, named by their number from 0 on, and returns the first.
func (b *builder) nodes(n int, format string) NodeID {
	if n < 0 {
		panic(fmt.Sprintf("network: a topology with %d nodes of a kind", n))
	}
	first := NodeID(len(b.Names))
	for i := range n {
		b.node(fmt.Sprintf(format, i))
	}
	return first
}

func (b *builder) link(x, y NodeID, c LinkConfig) {
	b.Links = append(b.Links, Link{A: x, B: y, AtoB: c, BtoA: c})
}
