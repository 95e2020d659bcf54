package network

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"suspect/model"
	"suspect/sim"
)

// every sends a packet from one host to another at each of a number of times.
func every(n *Network, from, to NodeID, first model.Time, gap model.Duration, count int) {
	for i := range count {
		n.then(first.Add(model.Duration(i)*gap), func() { n.Send(from, to, 100, 0, 0) })
	}
}

// ends returns what became of the traffic between hosts, in the order of its sending.
func ends(n *Network) *[]model.Record {
	all := new([]model.Record)
	n.kernel.Records.Subscribe(model.KindSet(model.Delivered, model.Dropped), func(r *model.Record) {
		if int(r.Process) < n.topology.Hosts && int(r.Peer) < n.topology.Hosts {
			*all = append(*all, *r)
		}
	})
	return all
}

// TestBlackHoleLastsAsLongAsTheConvergence: h1 on s1 sends to h0 on s0 each millisecond over
// the link between them, which is the only shortest path of a ring of three. It fails at
// 10 s; the carrier is seen to be lost 7 ms later, and s1 has the other route 50 + 20 ms
// after that, plus 0.1 ms for each host whose route is written. In that time the packets are
// lost, and no others. A packet needs 1.1 us to come to s1.
func TestBlackHoleLastsAsLongAsTheConvergence(t *testing.T) {
	r := fastLinkState()
	r.Carrier = 7 * model.Millisecond
	n := newRouted(t, ring(3, 1, 1, 1), r, 1)
	h0, h1 := NodeID(2), NodeID(1) // hosts are numbered from the last switch on
	const fails = model.Time(10 * model.Second)
	all := ends(n)
	every(n, h1, h0, fails.Add(-10*model.Millisecond), model.Millisecond, 200)
	n.then(fails, func() { cut(n, linkOfNames(t, &n.topology, "s0", "s1"), false) })
	runUntil(t, n, fails.Add(model.Second))
	converged := fails.Add(77*model.Millisecond + 100*model.Microsecond)
	lost := 0
	for _, x := range *all {
		toSwitch := x.SentAt.Add(model.Duration(Ethernet.WireBytes(100))*800 + testEdge.Delay)
		in := toSwitch >= fails && toSwitch < converged
		if in != (x.Kind == model.Dropped) || in && x.Cause != model.LinkDown {
			t.Errorf("sent at %v: %v, %v", x.SentAt, x.Kind, x.Cause)
		}
		if in {
			lost++
		}
	}
	if len(*all) != 200 || lost != 78 { // those sent from 10.000 s to 10.077 s
		t.Errorf("%d packets of %d are lost", lost, len(*all))
	}
}

// TestMicroLoop: in a ring of five, when the link s0-s1 comes back, s1 has the new routes to
// the four hosts on s4 to write before that to the host on s0, and s2 that one alone. For
// four times the time of an entry, less the time until s2 has heard, s2 sends to s1 what s1
// still sends to s2. Packets that would go round longer than 64 hops die of that; later ones
// leave the loop in time, and all others arrive.
func TestMicroLoop(t *testing.T) {
	r := fastLinkState()
	r.Carrier = model.Forever
	r.LinkState.FIBPerHost = model.Millisecond
	n := newRouted(t, ring(5, 1, 0, 1, 0, 4), r, 1)
	top := &n.topology
	l := linkOfNames(t, top, "s0", "s1")
	cut(n, l, false)
	runUntil(t, n, model.Time(20*model.Second))
	s1, s2 := n.switchNode(1), n.switchNode(2)
	h0, h2 := NodeID(5), NodeID(4)
	if to, _ := n.NextHop(s1, h0, 0); to != linkOfNames(t, top, "s1", "s2") {
		t.Fatal("s1 does not go around")
	}
	var loopFrom, loopTo model.Time
	n.kernel.Records.Subscribe(model.KindSet(model.RouteChanged), func(x *model.Record) {
		if l, _ := n.NextHop(s2, h0, 0); loopFrom == 0 && l == linkOfNames(t, top, "s2", "s1") {
			loopFrom = x.At
		}
		if l, _ := n.NextHop(s1, h0, 0); loopTo == 0 && l == linkOfNames(t, top, "s1", "s0") {
			loopTo = x.At
		}
	})
	all := ends(n)
	cut(n, l, true)
	every(n, h2, h0, n.kernel.Now(), 50*model.Microsecond, 80_000)
	runUntil(t, n, n.kernel.Now().Add(20*model.Second))
	if loopFrom == 0 || loopTo <= loopFrom {
		t.Fatalf("the loop is there from %v to %v", loopFrom, loopTo)
	}
	onLink := model.Duration(Ethernet.WireBytes(100))*800 + testEdge.Delay
	update := onWire(20 + 24 + 4 + 24 + 2*12 + 0)
	if d := loopTo.Sub(loopFrom); d > 4*model.Millisecond || d < 4*model.Millisecond-3*update {
		t.Errorf("the loop lasts for %v", d)
	}
	died := 0
	for _, x := range *all {
		// The packet comes to s2, its first hop; the 64th, where it dies, is 63 links later.
		first := x.SentAt.Add(onLink)
		last := first.Add(63 * onLink)
		if should := first >= loopFrom && last < loopTo.Add(-onLink); should && x.Kind != model.Dropped ||
			(first < loopFrom || last > loopTo.Add(onLink)) && x.Kind != model.Delivered {
			t.Fatalf("sent at %v, %v %v; loop from %v to %v", x.SentAt, x.Kind, x.Cause, loopFrom, loopTo)
		}
		if x.Kind == model.Dropped {
			died++
			if x.Cause != model.HopLimit {
				t.Fatalf("a packet is lost by %v", x.Cause)
			}
		}
	}
	if died < 70 || died > 80 { // (4 ms - 64 hops of 1.1 us) / 50 us = 78
		t.Errorf("%d packets die in the loop", died)
	}
}

// TestHellosMayBeLost: with a dead interval of four Hellos two in a row may be lost. After
// three the next one comes at the very end of the interval, which is too late.
func TestHellosMayBeLost(t *testing.T) {
	for _, c := range []struct {
		lost    model.Duration
		changes bool
	}{{2 * model.Second, false}, {3 * model.Second, true}} {
		r := fastLinkState()
		n := newRouted(t, ring(4, 1, 1, 1, 1), r, 1)
		l := linkOfNames(t, &n.topology, "s0", "s1")
		changes := collect(n, model.RouteChanged)
		n.then(model.Time(10*model.Second), func() { n.SetLoss(l, IndependentLoss(1)) })
		n.then(model.Time(10*model.Second).Add(c.lost), func() { n.SetLoss(l, Loss{}) })
		runUntil(t, n, model.Time(30*model.Second))
		if (len(*changes) > 0) != c.changes {
			t.Errorf("%d changes after a loss of all Hellos for %v", len(*changes), c.lost)
		}
		if wrong := wrongRoutes(n); wrong != "" {
			t.Errorf("loss for %v: %s", c.lost, wrong)
		}
	}
}

// TestOneWayLinkIsLeftByBothEnds: the interface of s1 hears nothing more from s0, though it
// has a carrier. s1 finds that out after the dead interval, and its Hellos, which then do
// not name s0, tell that one.
func TestOneWayLinkIsLeftByBothEnds(t *testing.T) {
	n := newRouted(t, ring(4, 1, 1, 1, 1), fastLinkState(), 1)
	l := linkOfNames(t, &n.topology, "s0", "s1")
	runUntil(t, n, model.Time(10*model.Second))
	n.SetSilent(l, true)
	s0, s1 := n.planes.planes[0].(*router), n.planes.planes[1].(*router)
	p0, p1 := n.planes.fabric.port[l], n.planes.fabric.port[l^1]
	dead := s1.ports[p1].dead
	runUntil(t, n, dead-1)
	if s1.ports[p1].state != neighbourFull || s0.ports[p0].state != neighbourFull {
		t.Error("the adjacency ends before the dead interval")
	}
	runUntil(t, n, dead)
	if s1.ports[p1].state != neighbourDown {
		t.Error("the adjacency outlives the dead interval")
	}
	next := s1.ports[p1].hello.Add(onWire(helloBytes))
	runUntil(t, n, next)
	if s0.ports[p0].state != neighbourInit {
		t.Errorf("s0 has its neighbour in state %d after a Hello that does not name it", s0.ports[p0].state)
	}
	runUntil(t, n, model.Time(20*model.Second))
	if wrong := wrongRoutes(n); wrong != "" {
		t.Error(wrong)
	}
}

// TestFlappingIsDamped: the port to a host changes each 20 ms for two seconds, and its switch
// tells each time, as nothing else keeps it from that here. But routes are computed no more
// often than the hold time allows, which doubles from 200 to 800 ms. With a MinLSInterval of
// 100 ms the switch tells of each fifth change at most, and of none after the last.
func TestFlappingIsDamped(t *testing.T) {
	r := fastLinkState()
	r.Carrier = 0
	r.LinkState.LSAInterval, r.LinkState.LSAArrival = 0, 0
	n := newRouted(t, ring(4, 1, 1, 1, 1), r, 1)
	l := n.Uplink(2)
	begin := model.Time(10 * model.Second)
	computed := map[model.Time]bool{}
	s2 := n.planes.planes[2].(*router)
	for i := range 100 {
		n.then(begin.Add(model.Duration(i)*20*model.Millisecond), func() { cut(n, l, i%2 == 1) })
	}
	for i := range 3000 {
		n.then(begin.Add(model.Duration(i)*model.Millisecond), func() { computed[s2.computed] = true })
	}
	runUntil(t, n, model.Time(30*model.Second))
	delete(computed, before)
	var waits []model.Duration
	times := slices.Sorted(maps.Keys(computed))
	for i := range times[1:] {
		waits = append(waits, times[i+1].Sub(times[i]))
	}
	const ms = model.Millisecond
	if want := []model.Duration{200 * ms, 400 * ms, 800 * ms, 800 * ms}; !slices.Equal(waits, want) {
		t.Errorf("computations of routes wait %v for each other, want %v", waits, want)
	}
	if wrong := wrongRoutes(n); wrong != "" {
		t.Error(wrong)
	}
	if told := s2.database[1].seq - 1; told != 100 {
		t.Errorf("s1 tells %d times of 100 changes", told)
	}

	r.LinkState.LSAInterval = 100 * ms
	n = newRouted(t, ring(4, 1, 1, 1, 1), r, 1)
	for i := range 99 {
		n.then(begin.Add(model.Duration(i)*20*ms), func() { cut(n, l, i%2 == 1) })
	}
	runUntil(t, n, model.Time(30*model.Second))
	// The first change is told at once; each 100 ms later the port is as it was not told.
	if told := n.planes.planes[2].(*router).database[1].seq - 1; told < 15 || told > 21 {
		t.Errorf("s1 tells %d times of 99 changes within 2 s", told)
	}
	if wrong := wrongRoutes(n); wrong != "" {
		t.Error(wrong)
	}
}

// TestCrashedSwitchStartsAnew: a switch that comes back has forgotten its routes and its
// sequence number, gets the database of its neighbours, and goes beyond its own old LSA.
func TestCrashedSwitchStartsAnew(t *testing.T) {
	n := newRouted(t, ring(4, 1, 1, 1, 1), fastLinkState(), 1)
	at := n.switchNode(1)
	n.then(model.Time(5*model.Second), func() { cut(n, linkOfNames(t, &n.topology, "s1", "s2"), false) })
	n.then(model.Time(6*model.Second), func() { cut(n, linkOfNames(t, &n.topology, "s1", "s2"), true) })
	runUntil(t, n, model.Time(20*model.Second))
	old := n.planes.planes[0].(*router).database[1].seq
	n.CrashSwitch(at)
	for dst := range NodeID(4) {
		if _, ok := n.NextHop(at, dst, 0); ok {
			t.Errorf("a crashed switch has a route to host %d", dst)
		}
	}
	runUntil(t, n, model.Time(30*model.Second))
	if wrong := wrongRoutes(n); wrong != "" {
		t.Error(wrong)
	}
	n.RecoverSwitch(at)
	if seq := n.planes.planes[1].(*router).database[1].seq; seq != 1 {
		t.Errorf("the first LSA after the restart has the number %d", seq)
	}
	runUntil(t, n, model.Time(40*model.Second))
	if wrong := wrongRoutes(n); wrong != "" {
		t.Error(wrong)
	}
	for s := range n.planes.planes {
		r := n.planes.planes[s].(*router)
		if got := r.database[1]; got.seq <= old || len(got.links) != 2 {
			t.Errorf("s%d has LSA %d of s1, with %d links; before the crash it was %d", s, got.seq, len(got.links), old)
		}
		for o := range r.database {
			if r.database[o].name() != n.planes.planes[0].(*router).database[o].name() {
				t.Errorf("s%d and s0 have different LSAs of s%d", s, o)
			}
		}
	}
}

// hashOfStorm returns the hash of the records of a run in which much fails.
func hashOfStorm(t *testing.T, r Routing, twoEvents bool) string {
	t.Helper()
	n, err := New(sim.New(5), Config{Topology: LeafSpine(4, 3, 3, testEdge, testCore), Routing: r, TwoEventPorts: twoEvents})
	if err != nil {
		t.Fatal(err)
	}
	hash := new(sim.Hash)
	n.kernel.Records.Subscribe(model.AllKinds, hash.Observe)
	s := sim.NewStream(7, "storm")
	for i := range 12 {
		strike, heal := randomFailure(n, s)
		at := model.Time(i+1) * model.Time(2*model.Second)
		n.then(at, strike)
		n.then(at.Add(model.Duration(s.IntN(int(9*model.Second)))), heal)
	}
	for h := range NodeID(12) {
		every(n, h, (h+5)%12, model.Time(h), 10*model.Millisecond, 3000)
	}
	runUntil(t, n, model.Time(40*model.Second))
	return hash.String()
}

func TestRoutingIsDeterministic(t *testing.T) {
	link, tree := fastLinkState(), DefaultRouting(SpanningTreeBridging)
	link.LinkState.BFD, link.LinkState.BFDMultiplier = 50*model.Millisecond, 3
	tree.SpanningTree = SpanningTree{Hello: 200 * model.Millisecond, MaxAge: 4 * model.Second, ForwardDelay: model.Second}
	for _, r := range []Routing{link, tree, DefaultRouting(FailureCarrying)} {
		first := hashOfStorm(t, r, false)
		if again := hashOfStorm(t, r, false); again != first {
			t.Errorf("%v: a second run differs", r.Use)
		}
		if other := hashOfStorm(t, r, true); other != first {
			t.Errorf("%v: ports of two events differ", r.Use)
		}
	}
}

// TestIdleTrafficIsHellos: each direction of a link between switches carries a Hello of 68
// bytes of payload, 110 on the wire, each interval; with BFD also 52 (94) each 0.875
// intervals in the mean, as the jitter is 0 to 25%. Links to hosts carry nothing.
func TestIdleTrafficIsHellos(t *testing.T) {
	const seconds = 1000
	for _, withBFD := range []bool{false, true} {
		r := DefaultRouting(LinkStateRouting)
		if withBFD {
			r.LinkState.BFD, r.LinkState.BFDMultiplier = 50*model.Millisecond, 3
		}
		n := newRouted(t, ring(3, 1, 1, 1), r, 1)
		bytes := make([]float64, len(n.ports))
		n.kernel.Records.Subscribe(model.KindSet(model.Delivered), func(r *model.Record) { bytes[r.Place] += float64(r.Bytes) })
		runUntil(t, n, model.Time(seconds*model.Second))
		for l, got := range bytes {
			from, to := n.topology.Ends(LinkID(l))
			want, tolerance := 0.0, 0.0
			if n.isSwitch(from) && n.isSwitch(to) {
				want = 110.0 / 10
				if withBFD {
					want += 94 / (0.875 * 0.050)
					tolerance = 0.01
				}
			}
			if got /= seconds; math.Abs(got-want) > tolerance*want {
				t.Errorf("link %d carries %v bytes/s, want %v", l, got, want)
			}
		}
	}
}

// TestHostBehindDeadPortIsWithdrawn: a switch that sees the carrier of a host's port gone
// has no route to it, and soon nobody has.
func TestHostBehindDeadPortIsWithdrawn(t *testing.T) {
	n := newRouted(t, ring(4, 1, 1, 1, 1), fastLinkState(), 1)
	host := NodeID(2)
	l := n.Uplink(host)
	n.then(model.Time(10*model.Second), func() { cut(n, l, false) })
	runUntil(t, n, model.Time(15*model.Second))
	if wrong := wrongRoutes(n); wrong != "" {
		t.Error(wrong)
	}
	if dead := n.linksDown(n.switchNode(3)); !slices.Equal(dead, []model.Place{model.LinkPlace(int32(l &^ 1))}) {
		t.Errorf("the router at the other side holds %v for dead", dead)
	}
	cut(n, l, true)
	runUntil(t, n, model.Time(25*model.Second))
	if wrong := wrongRoutes(n); wrong != "" {
		t.Error(wrong)
	}
	if dead := n.linksDown(n.switchNode(3)); dead != nil {
		t.Errorf("after it heals %v are held for dead", dead)
	}
}

// TestLostNeighboursAreHeldDead: a switch that loses both neighbours at once knows so, though
// it may announce only the first loss for now.
func TestLostNeighboursAreHeldDead(t *testing.T) {
	routing := fastLinkState()
	routing.LinkState.LSAInterval = 5 * model.Second
	n := newRouted(t, ring(4, 1, 1, 1, 1), routing, 1)
	at := n.switchNode(2)
	var lost []model.Place
	n.then(model.Time(10*model.Second), func() {
		for i := range n.topology.Links {
			if link := &n.topology.Links[i]; n.isSwitch(link.A) && n.isSwitch(link.B) && (link.A == at || link.B == at) {
				cut(n, LinkID(2*i), false)
				lost = append(lost, model.LinkPlace(int32(2*i)))
			}
		}
	})
	runUntil(t, n, model.Time(11*model.Second))
	if dead := n.linksDown(at); len(lost) != 2 || !slices.Equal(dead, lost) {
		t.Errorf("it lost %v and holds %v for dead", lost, dead)
	}
}

// TestRouterTellsOfLinks: h0 subscribes at s1, two links away from the link s2-s3 that fails
// at 10 s. s1 hears of it by the updates of both of its ends, when their carrier is seen to be
// gone, and tells that the link is dead: once, as both LSAs are needed for it to be alive.
// When it is back it has to be announced by both.
func TestRouterTellsOfLinks(t *testing.T) {
	n, err := New(sim.New(1), Config{Topology: ring(4, 0, 1, 0, 0), Routing: fastLinkState(), Evidence: agents(), MessageBytes: 64})
	if err != nil {
		t.Fatal(err)
	}
	s1 := n.switchNode(1)
	l := linkOfNames(t, &n.topology, "s2", "s3")
	logs := attachScripts(n, map[model.ProcessID][]timedMessage{0: {
		ask(0, model.ProcessID(s1), model.SwitchLayer, model.Subscribe, 0, 1),
		ask(model.Time(15*model.Second), model.ProcessID(s1), model.SwitchLayer, model.Query, -1, 2),
	}})
	n.then(model.Time(10*model.Second), func() { cut(n, l, false) })
	n.then(model.Time(20*model.Second), func() { cut(n, l, true) })
	runUntil(t, n, model.Time(30*model.Second))
	var links []string
	for _, line := range *logs[0] {
		if _, told, ok := strings.Cut(line, " link-state "); ok {
			links = append(links, told)
		}
	}
	place := model.LinkPlace(int32(l &^ 1))
	told := func(alive bool, seq int) string {
		return fmt.Sprintf("%d about -1 alive=%v at %v seq=%d links=[%v]", s1, alive, place, seq, place)
	}
	if want := []string{told(false, 1), told(false, 2), told(true, 1)}; !slices.Equal(links, want) {
		t.Errorf("%q, want %q", links, want)
	}
}
