package network

import (
	"fmt"
	"slices"
	"testing"

	"suspect/model"
	"suspect/sim"
)

// treeLinks returns the links of the spanning tree that IEEE 802.1D prescribes for what
// works, found by brute force: in each part the switch with the least identifier is the
// root; costs are relaxed until nothing changes; and every other switch has the link to the
// best neighbour, by cost, identifier of the neighbour, its port, and the own port.
func treeLinks(n *Network, c *SpanningTree) []LinkID {
	f := newFabric(&n.topology)
	count := len(f.switches)
	up := func(s int32) bool { return !n.switchIsDown(n.switchNode(s)) }
	root, cost := make([]int64, count), make([]int64, count)
	for s := range root {
		root[s] = c.bridgeID(f, int32(s))
	}
	for changed := true; changed; {
		changed = false
		for s, ports := range f.switches {
			for _, p := range ports {
				if p.peer < 0 || !n.joinsBothWays(p.link) {
					continue
				}
				r, k := root[p.peer], cost[p.peer]+pathCost(n.topology.Links[p.link/2].AtoB.Rate)
				if r < root[s] || r == root[s] && k < cost[s] {
					root[s], cost[s] = r, k
					changed = true
				}
			}
		}
	}
	var tree []LinkID
	for s, ports := range f.switches {
		best, link := [4]int64{}, noLink
		for own, p := range ports {
			if p.peer < 0 || !n.joinsBothWays(p.link) || !up(int32(s)) {
				continue
			}
			key := [4]int64{cost[p.peer] + pathCost(n.topology.Links[p.link/2].AtoB.Rate), c.bridgeID(f, p.peer), int64(f.port[p.link^1]), int64(own)}
			if link == noLink || slices.Compare(key[:], best[:]) < 0 {
				best, link = key, p.link
			}
		}
		if link != noLink && root[s] != c.bridgeID(f, int32(s)) {
			tree = append(tree, link&^1)
		}
	}
	slices.Sort(tree)
	return tree
}

// activeLinks returns the links over which the switches that are up forward.
func activeLinks(n *Network) []LinkID {
	var active []LinkID
	for i, l := range n.topology.Links {
		if !n.isSwitch(l.A) || !n.isSwitch(l.B) || n.switchIsDown(l.A) || n.switchIsDown(l.B) {
			continue
		}
		c := n.planes
		a, aRoot := c.bridges[c.number(l.A)].inTree(c.fabric.port[2*i])
		b, bRoot := c.bridges[c.number(l.B)].inTree(c.fabric.port[2*i+1])
		if a && b && (aRoot || bRoot) {
			active = append(active, LinkID(2*i))
		}
	}
	return active
}

// forwardingLinks returns the links that work and at both ends of which a switch that is up
// forwards.
func forwardingLinks(n *Network) []LinkID {
	var forwarding []LinkID
	for s, ports := range n.planes.fabric.switches {
		for p, port := range ports {
			if port.peer <= int32(s) || !n.joinsBothWays(port.link) {
				continue
			}
			here, _ := n.planes.bridges[s].inTree(int32(p))
			if there, _ := n.planes.bridges[port.peer].inTree(n.planes.fabric.port[port.link^1]); here && there {
				forwarding = append(forwarding, port.link&^1)
			}
		}
	}
	return forwarding
}

// wrongTree compares the tree in force, and the routes along it, with what they should be.
func wrongTree(n *Network, c *SpanningTree) string {
	want := treeLinks(n, c)
	if got := activeLinks(n); !slices.Equal(got, want) {
		return fmt.Sprintf("the tree has the links %v, want %v", got, want)
	}
	top := Topology{Names: n.topology.Names, Hosts: n.topology.Hosts}
	for i, l := range n.topology.Links {
		if !n.isSwitch(l.A) || !n.isSwitch(l.B) || slices.Contains(want, LinkID(2*i)) {
			top.Links = append(top.Links, l)
		}
	}
	for dst := range NodeID(top.Hosts) {
		hops := hopsTo(&top, dst)
		_, home := n.topology.Ends(n.uplinks[dst])
		for s := range n.switchDown {
			at := n.switchNode(int32(s))
			if n.switchIsDown(at) || n.switchIsDown(home) {
				continue
			}
			l, ok := n.NextHop(at, dst, 0)
			if ok != (hops[at] > 0) {
				return fmt.Sprintf("%s has a route to %s: %v", top.Names[at], top.Names[dst], ok)
			}
			if ok && (n.ports[l^1].to != at || hops[n.ports[l].to] != hops[at]-1) {
				return fmt.Sprintf("%s sends to %s by link %d", top.Names[at], top.Names[dst], l)
			}
		}
	}
	return ""
}

// hasLoop tells whether links form a loop.
func hasLoop(t *Topology, links []LinkID) bool {
	part := make([]NodeID, len(t.Names))
	for i := range part {
		part[i] = NodeID(i)
	}
	for _, l := range links {
		a, b := t.Ends(l)
		from, to := part[a], part[b]
		if from == to {
			return true
		}
		for i := range part {
			if part[i] == from {
				part[i] = to
			}
		}
	}
	return false
}

// randomRates gives the links of t one of two rates.
func randomRates(t *Topology, s *sim.Stream) {
	for i := range t.Links {
		l := &t.Links[i]
		if s.IntN(2) == 0 {
			l.AtoB.Rate = Gbps
		}
		l.BtoA = l.AtoB
	}
}

// TestSpanningTree: it begins as prescribed, changes nothing by itself, has no loop at any
// time while links and switches fail and heal, and becomes the prescribed one of what works.
func TestSpanningTree(t *testing.T) {
	s := sim.NewStream(11, "trees")
	for run := range 80 {
		top := randomTopology(1+s.IntN(5), 1+s.IntN(8), s.IntN(12), s)
		randomRates(&top, s)
		r := DefaultRouting(SpanningTreeBridging)
		if run%2 == 1 {
			r.SpanningTree.Root = NodeID(top.Hosts + s.IntN(len(top.Names)-top.Hosts))
		}
		n := newRouted(t, top, r, uint64(run))
		if wrong := wrongTree(n, &r.SpanningTree); wrong != "" {
			t.Fatalf("run %d at the beginning: %s", run, wrong)
		}
		changes := collect(n, model.RouteChanged)
		runUntil(t, n, model.Time(100*model.Second))
		if len(*changes) > 0 {
			t.Fatalf("run %d: a tree in which nothing happens changes", run)
		}
		if len(top.Names)-top.Hosts < 2 {
			continue
		}
		silent := false
		n.kernel.Records.Subscribe(model.KindSet(model.RouteChanged), func(r *model.Record) {
			if !silent && hasLoop(&n.topology, forwardingLinks(n)) || hasLoop(&n.topology, activeLinks(n)) {
				t.Errorf("run %d at %v: a loop", run, r.At)
			}
		})
		// A link that fails without loss of carrier, and comes back, does make a loop in the
		// standard's tree until the next BPDU.
		silent = run%4 < 2
		var undo []func()
		for range 4 {
			struck := len(undo)
			for range 1 + s.IntN(3) {
				at := n.kernel.Now().Add(model.Duration(s.IntN(int(40 * model.Second))))
				if struck > 0 && s.IntN(2) == 0 {
					i := s.IntN(struck)
					n.then(at, undo[i])
					undo = slices.Delete(undo, i, i+1)
					struck--
					continue
				}
				l := LinkID(2 * s.IntN(len(top.Links)))
				switch a, b := top.Ends(l); {
				case s.IntN(3) == 0:
					at2 := n.switchNode(int32(s.IntN(len(n.switchDown))))
					n.then(at, func() { n.CrashSwitch(at2) })
					undo = append(undo, func() { n.RecoverSwitch(at2) })
				case n.isSwitch(a) && n.isSwitch(b) && silent:
					n.then(at, func() { n.SetSilent(l, true); n.SetSilent(l^1, true) })
					undo = append(undo, func() { n.SetSilent(l, false); n.SetSilent(l^1, false) })
				case n.isSwitch(a) && n.isSwitch(b):
					n.then(at, func() { cut(n, l, false) })
					undo = append(undo, func() { cut(n, l, true) })
				}
			}
			runUntil(t, n, n.kernel.Now().Add(200*model.Second))
			if wrong := wrongTree(n, &r.SpanningTree); wrong != "" {
				t.Fatalf("run %d at %v: %s", run, n.kernel.Now(), wrong)
			}
		}
	}
}

// TestTreePauses: in a ring of four with the root s0 the link s2-s3 is not in the tree (s2
// goes by s1, as its identifier is less). When s1-s2 loses its carrier, s2 makes the port to
// s3 its root port at once, and forwards after twice the forward delay: a pause of 30 s. If
// it fails silently, s2 has to wait for the message age first: what it heard last was one
// hop from the root and has an age of 1 s, of at most 20. When s0-s3 fails, the blocked port
// of s2 goes on hearing from s3, which now takes itself for the root; s2 does not believe
// that until what it heard before is 20-1 s old: what the standard calls an indirect failure.
func TestTreePauses(t *testing.T) {
	const second = model.Second
	for _, c := range []struct {
		name   string
		a, b   string
		fails  func(n *Network, l LinkID)
		pauses model.Duration // at most; a hello time of 2 s less at the least
		exact  bool
		at     string // the switch behind the failure
	}{
		{"carrier", "s1", "s2", func(n *Network, l LinkID) { cut(n, l, false) }, 30*second + 10*model.Millisecond, true, "s2"},
		{"silent", "s1", "s2", func(n *Network, l LinkID) { n.SetSilent(l, true); n.SetSilent(l^1, true) }, 30*second + 19*second, false, "s2"},
		{"indirect", "s0", "s3", func(n *Network, l LinkID) { cut(n, l, false) }, 30*second + 19*second, false, "s3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newRouted(t, ring(4, 1, 1, 1, 1), DefaultRouting(SpanningTreeBridging), 1)
			if dead := linkOfNames(t, &n.topology, "s2", "s3"); slices.Contains(activeLinks(n), dead&^1) {
				t.Fatal("s2-s3 is in the tree")
			}
			at, _ := n.topology.Node(c.at)
			h0 := NodeID(3) // on s0
			fails := model.Time(1000 * second)
			runUntil(t, n, fails)
			healed := model.Never
			n.kernel.Records.Subscribe(model.KindSet(model.RouteChanged), func(r *model.Record) {
				if l, ok := n.NextHop(at, h0, 0); ok && n.linkDown[l] == 0 && n.impaired[l] == nil && healed == model.Never {
					healed = r.At
				}
			})
			c.fails(n, linkOfNames(t, &n.topology, c.a, c.b))
			runUntil(t, n, fails.Add(100*second))
			got := healed.Sub(fails)
			// BPDUs are under way for some microseconds.
			if got > c.pauses+model.Millisecond || got < c.pauses-2*second-model.Millisecond || c.exact && got != c.pauses {
				t.Errorf("the pause is %v, want %v", got, c.pauses)
			}
			if wrong := wrongTree(n, &n.planes.config.SpanningTree); wrong != "" {
				t.Error(wrong)
			}
		})
	}
}

// TestPathCosts are those of IEEE 802.1D-2004, table 17-3.
func TestPathCosts(t *testing.T) {
	for rate, want := range map[BitRate]int64{
		100 * Kbps: 200_000_000, Mbps: 20_000_000, 10 * Mbps: 2_000_000, 100 * Mbps: 200_000,
		Gbps: 20_000, 10 * Gbps: 2_000, 100 * Gbps: 200, 1000 * Gbps: 20,
	} {
		if got := pathCost(rate); got != want {
			t.Errorf("%d bit/s cost %d, want %d", rate, got, want)
		}
	}
}

// TestIdleTreeTraffic: one BPDU of 38 bytes, padded to a frame of 64 and 84 on the wire, on
// each link between switches each two seconds, from its designated end.
func TestIdleTreeTraffic(t *testing.T) {
	n := newRouted(t, ring(4, 1, 1, 1, 1), DefaultRouting(SpanningTreeBridging), 1)
	bytes := make([]int64, len(n.ports))
	n.kernel.Records.Subscribe(model.KindSet(model.Delivered), func(r *model.Record) { bytes[r.Place] += int64(r.Bytes) })
	runUntil(t, n, model.Time(1000*model.Second))
	for i, l := range n.topology.Links {
		want := int64(0)
		if n.isSwitch(l.A) && n.isSwitch(l.B) {
			want = 500 * 84
		}
		if got := bytes[2*i] + bytes[2*i+1]; got != want || bytes[2*i]*bytes[2*i+1] != 0 {
			t.Errorf("link %d carries %d and %d bytes, want %d in one direction", i, bytes[2*i], bytes[2*i+1], want)
		}
	}
}
