package network

import (
	"fmt"
	"slices"
	"testing"

	"suspect/model"
	"suspect/sim"
)

// fastLinkState has times that are short and easy to tell apart.
func fastLinkState() Routing {
	r := DefaultRouting(LinkStateRouting)
	r.LinkState = LinkState{
		Hello: model.Second, Dead: 4 * model.Second, Retransmit: 500 * model.Millisecond,
		LSAInterval: 100 * model.Millisecond, LSAArrival: 10 * model.Millisecond,
		SPFDelay: 50 * model.Millisecond, SPFHold: 200 * model.Millisecond, SPFMaxHold: 800 * model.Millisecond,
		FIBBase: 20 * model.Millisecond, FIBPerHost: 100 * model.Microsecond,
	}
	return r
}

// newRouted returns a network with routing.
func newRouted(t testing.TB, top Topology, r Routing, seed uint64) *Network {
	t.Helper()
	n, err := New(sim.New(seed), Config{Topology: top, Framing: Ethernet, MessageBytes: 64, Routing: r})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func runUntil(t testing.TB, n *Network, at model.Time) {
	t.Helper()
	if err := n.kernel.Run(at, sim.Budget{}); err != nil {
		t.Fatal(err)
	}
}

// ring returns switches s0, s1, ... in a ring, each with the given number of hosts; those of
// s0 come last.
func ring(switches int, hosts ...int) Topology {
	total := 0
	for _, h := range hosts {
		total += h
	}
	b := newBuilder(total)
	first := b.nodes(switches, "s%d")
	for s := range switches {
		b.link(first+NodeID(s), first+NodeID((s+1)%switches), testEdge)
	}
	h := total
	for s := range hosts {
		for range hosts[s] {
			h--
			b.link(NodeID(h), first+NodeID(s), testEdge)
		}
	}
	return b.Topology
}

func linkOfNames(t testing.TB, top *Topology, a, b string) LinkID {
	t.Helper()
	l, err := linkOf(a+"--"+b, top)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func cut(n *Network, l LinkID, up bool) {
	n.SetLink(l, up)
	n.SetLink(l^1, up)
}

// then lets something happen at a time.
func (n *Network) then(t model.Time, do func()) { n.kernel.Arm(n.kernel.NewTimer(doing(do), 0), t) }

type doing func()

func (d doing) Fire(uint32) { d() }

// joinsBothWays tells from the state of a network alone whether a link carries packets both
// ways, between switches that are up.
func (n *Network) joinsBothWays(l LinkID) bool {
	for _, d := range []LinkID{l, l ^ 1} {
		if n.linkDown[d] != 0 || n.impaired[d] != nil && n.impaired[d].silent != 0 {
			return false
		}
		if from, _ := n.topology.Ends(d); n.isSwitch(from) && n.switchIsDown(from) {
			return false
		}
	}
	return true
}

// remaining returns the topology without what does not work.
func (n *Network) remaining() (top Topology, number []LinkID) {
	top = Topology{Names: n.topology.Names, Hosts: n.topology.Hosts}
	for i, l := range n.topology.Links {
		if n.joinsBothWays(LinkID(2 * i)) {
			top.Links = append(top.Links, l)
			number = append(number, LinkID(2*i))
		}
	}
	return top, number
}

// hopsTo returns the distance of every node to dst, or -1, where hosts do not forward: by
// relaxation until nothing changes.
func hopsTo(t *Topology, dst NodeID) []int {
	hops := make([]int, len(t.Names))
	for i := range hops {
		hops[i] = -1
	}
	hops[dst] = 0
	for changed := true; changed; {
		changed = false
		for i := range 2 * len(t.Links) {
			from, to := t.Ends(LinkID(i))
			if hops[to] < 0 || int(to) < t.Hosts && to != dst {
				continue
			}
			if hops[from] < 0 || hops[from] > hops[to]+1 {
				hops[from] = hops[to] + 1
				changed = true
			}
		}
	}
	return hops
}

// wrongRoutes compares the routes of all switches that are up to those that a brute-force
// search finds in what works.
func wrongRoutes(n *Network) string {
	top, number := n.remaining()
	for dst := range NodeID(len(top.Names)) {
		hops := hopsTo(&top, dst)
		for s := range n.switchDown {
			at := n.switchNode(int32(s))
			if at == dst || n.switchIsDown(at) || n.isSwitch(dst) && n.switchIsDown(dst) {
				continue
			}
			var want []LinkID
			for i := range 2 * len(top.Links) {
				from, to := top.Ends(LinkID(i))
				if from == at && hops[to] >= 0 && hops[to] == hops[at]-1 && (n.isSwitch(to) || to == dst) {
					want = append(want, number[i/2]+LinkID(i%2))
				}
			}
			slices.Sort(want)
			got := n.installedTo(at, dst)
			if !slices.Equal(got, want) {
				return fmt.Sprintf("%s to %s: %v, want %v", top.Names[at], top.Names[dst], got, want)
			}
		}
	}
	return ""
}

// installedTo is routes.installed for any node, sorted.
func (n *Network) installedTo(at, dst NodeID) []LinkID {
	r := n.routes
	if !n.isSwitch(dst) {
		return slices.Sorted(slices.Values(r.installed(at, dst)))
	}
	entry := r.toSwitch[int(at-r.first)*len(r.salt)+int(dst-r.first)]
	set := slices.Clone(r.links[entry>>setBits:][:entry&maxSet])
	if set[0] == noLink {
		return nil
	}
	slices.Sort(set)
	return set
}

func TestRoutersBeginWithTheStaticRoutes(t *testing.T) {
	s := sim.NewStream(1, "graphs")
	for range 50 {
		top := randomTopology(1+s.IntN(8), 1+s.IntN(8), s.IntN(12), s)
		static := newRouted(t, top, Routing{}, 1)
		routed := newRouted(t, top, fastLinkState(), 1)
		if wrong := wrongRoutes(routed); wrong != "" {
			t.Fatal(wrong)
		}
		for at := NodeID(top.Hosts); int(at) < len(top.Names); at++ {
			for dst := range NodeID(top.Hosts) {
				for label := range uint32(50) {
					flow := static.Flow(0, dst, label)
					a, okA := static.NextHop(at, dst, flow)
					b, okB := routed.NextHop(at, dst, flow)
					if a != b || okA != okB {
						t.Fatalf("at %d to %d: link %d, %v; static %d, %v", at, dst, b, okB, a, okA)
					}
				}
			}
		}
		changes := collect(routed, model.RouteChanged)
		runUntil(t, routed, model.Time(20*model.Second))
		if len(*changes) != 0 {
			t.Fatalf("a network in which nothing happens changes its routes: %v", (*changes)[0].String())
		}
	}
}

// changeTimes returns the times of the changes of routes at a node.
func changeTimes(records []model.Record, at NodeID) (times []model.Time) {
	for _, r := range records {
		if r.Kind == model.RouteChanged && r.Process == model.ProcessID(at) {
			times = append(times, r.At)
		}
	}
	return times
}

// onWire returns how long a packet with a payload is on a test link.
func onWire(payload int32) model.Duration {
	return model.Duration(Ethernet.WireBytes(payload))*800 + testEdge.Delay
}

// TestConvergenceTakesAsLongAsItsParts: in a ring of four switches with one host each, the
// link s0-s1 fails. The ends see that, after the time of detection; s2 and s3 hear of it
// through an update of the size that RFC 2328 gives it.
func TestConvergenceTakesAsLongAsItsParts(t *testing.T) {
	const fails = model.Time(10 * model.Second)
	for _, c := range []struct {
		name   string
		change func(*Routing)
		// seen returns when the far end of link l takes its neighbour for dead.
		seen func(n *Network, l LinkID, lastHello, lastBFD model.Time) model.Time
	}{
		{"carrier", func(r *Routing) { r.Carrier = 7 * model.Millisecond },
			func(*Network, LinkID, model.Time, model.Time) model.Time { return fails.Add(7 * model.Millisecond) }},
		{"hello", func(r *Routing) { r.Carrier = model.Forever },
			func(_ *Network, _ LinkID, hello, _ model.Time) model.Time { return hello.Add(4 * model.Second) }},
		{"bfd", func(r *Routing) {
			r.Carrier = model.Forever
			r.LinkState.BFD, r.LinkState.BFDMultiplier = 50*model.Millisecond, 3
		}, func(_ *Network, _ LinkID, _, bfd model.Time) model.Time { return bfd.Add(150 * model.Millisecond) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := fastLinkState()
			c.change(&r)
			n := newRouted(t, ring(4, 1, 1, 1, 1), r, 1)
			l := linkOfNames(t, &n.topology, "s0", "s1")
			lastHello, lastBFD := map[LinkID]model.Time{}, map[LinkID]model.Time{}
			n.kernel.Records.Subscribe(model.KindSet(model.Delivered), func(r *model.Record) {
				switch r.Bytes {
				case Ethernet.WireBytes(helloBytes + helloNameBytes):
					lastHello[LinkID(r.Place)] = r.At
				case Ethernet.WireBytes(bfdBytes):
					lastBFD[LinkID(r.Place)] = r.At
				}
			})
			records := collect(n, model.RouteChanged)
			n.then(fails, func() { cut(n, l, false) })
			runUntil(t, n, fails.Add(20*model.Second))
			if wrong := wrongRoutes(n); wrong != "" {
				t.Fatal(wrong)
			}
			// An LSA of s0 or s1 without the link has one link and one stub.
			const lsaOf2 = 24 + 2*12
			update := onWire(20 + 24 + 4 + lsaOf2)
			seen1, seen0 := c.seen(n, l, lastHello[l], lastBFD[l]), c.seen(n, l^1, lastHello[l^1], lastBFD[l^1])
			plus := func(at model.Time, more model.Duration) model.Time { return at.Add(more) }
			first := min(seen0, seen1)
			wait := 50*model.Millisecond + 20*model.Millisecond
			// Who sees first tells the other by the way around the ring: three links.
			heard := map[string]model.Time{
				"s0": min(seen0, plus(seen1, 3*update)), "s1": min(seen1, plus(seen0, 3*update)),
				"s2": min(plus(seen1, update), plus(seen0, 2*update)), "s3": min(plus(seen0, update), plus(seen1, 2*update)),
			}
			// s0 and s1 lose the direct way to each other and one of two to the host two links
			// away, and to two switches: 2 hosts and 2 switches change. s2 had two equal ways to
			// s0 and its host, and s3 to s1 and its host.
			for name, changes := range map[string]int{"s0": 4, "s1": 4, "s2": 2, "s3": 2} {
				at, _ := n.topology.Node(name)
				var want []model.Time
				for i := range changes / 2 { // hosts come before switches, which nobody notices
					want = append(want, plus(heard[name], wait+model.Duration(i+1)*100*model.Microsecond))
				}
				if got := changeTimes(*records, at); !slices.Equal(got, want) {
					t.Errorf("%s changes its routes at %v, want %v (the failure was seen at %v)", name, got, want, first)
				}
			}
		})
	}
}

// Everything fails and heals at random, and after a while the routes are right.
func TestRoutesBecomeThoseOfWhatWorks(t *testing.T) {
	s := sim.NewStream(3, "failures")
	for run := range 250 {
		top := randomTopology(1+s.IntN(6), 2+s.IntN(7), s.IntN(12), s)
		r := fastLinkState()
		if run%3 == 1 {
			r.LinkState.BFD, r.LinkState.BFDMultiplier = 100*model.Millisecond, 3
		}
		n := newRouted(t, top, r, uint64(run))
		var undo []func()
		for range 4 {
			struck := len(undo) // they heal no earlier than in the next round
			for range 1 + s.IntN(4) {
				at := n.kernel.Now().Add(model.Duration(s.IntN(int(6 * model.Second))))
				if struck > 0 && s.IntN(2) == 0 {
					i := s.IntN(struck)
					n.then(at, undo[i])
					undo = slices.Delete(undo, i, i+1)
					struck--
					continue
				}
				strike, heal := randomFailure(n, s)
				n.then(at, strike)
				undo = append(undo, heal)
			}
			runUntil(t, n, n.kernel.Now().Add(30*model.Second))
			if wrong := wrongRoutes(n); wrong != "" {
				t.Fatalf("run %d at %v: %s", run, n.kernel.Now(), wrong)
			}
		}
	}
}

// randomFailure returns something that breaks between switches, or a switch.
func randomFailure(n *Network, s *sim.Stream) (strike, heal func()) {
	var fabric []LinkID
	for i := range n.ports {
		if from, to := n.topology.Ends(LinkID(i)); n.isSwitch(from) && n.isSwitch(to) {
			fabric = append(fabric, LinkID(i))
		}
	}
	l := fabric[s.IntN(len(fabric))]
	switch s.IntN(4) {
	case 0:
		return func() { cut(n, l, false) }, func() { cut(n, l, true) }
	case 1:
		return func() { n.SetLink(l, false) }, func() { n.SetLink(l, true) }
	case 2:
		return func() { n.SetSilent(l, true) }, func() { n.SetSilent(l, false) }
	}
	at := n.switchNode(int32(s.IntN(len(n.switchDown))))
	return func() { n.CrashSwitch(at) }, func() { n.RecoverSwitch(at) }
}
