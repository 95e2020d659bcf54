package network

import (
	"fmt"
	"slices"
	"testing"

	"suspect/model"
	"suspect/sim"
)

// TestFailureCarryingPacketsArrive: on random graphs with random failed links, which the
// switches at both ends see, a packet arrives from every host at every other to which any
// path is left, and no other does; and it crosses a failed link never.
func TestFailureCarryingPacketsArrive(t *testing.T) {
	s := sim.NewStream(13, "carrying")
	detours := 0
	for run := range 200 {
		top := randomTopology(2+s.IntN(5), 1+s.IntN(9), s.IntN(14), s)
		n := newRouted(t, top, DefaultRouting(FailureCarrying), uint64(run))
		for range s.IntN(1 + len(top.Links)/2) {
			cut(n, LinkID(2*s.IntN(len(top.Links))), false)
		}
		if s.IntN(3) == 0 {
			n.CrashSwitch(n.switchNode(int32(s.IntN(len(n.switchDown)))))
		}
		runUntil(t, n, model.Time(model.Second))
		all := ends(n)
		headers := collect(n, model.Delivered)
		for a := range NodeID(top.Hosts) {
			for b := range NodeID(top.Hosts) {
				if a != b {
					n.Send(a, b, 100, 0, uint32(run))
				}
			}
		}
		runUntil(t, n, model.Time(2*model.Second))
		left, _ := n.remaining()
		if want := top.Hosts * (top.Hosts - 1); len(*all) != want {
			t.Fatalf("run %d: %d packets of %d have an end", run, len(*all), want)
		}
		for _, x := range *all {
			from, to := NodeID(x.Process), NodeID(x.Peer)
			if x.Kind == model.Delivered {
				from, to = to, from
			}
			if joined := hopsTo(&left, to)[from] > 0; joined != (x.Kind == model.Delivered) {
				t.Fatalf("run %d: from %d to %d: %v %v, though a path is left: %v", run, from, to, x.Kind, x.Cause, joined)
			}
			// It may end where the way does, but not on a link that is seen to be dead, but for
			// the link of its own sender.
			if x.Kind == model.Dropped && x.Cause != model.NoRoute && LinkID(x.Place) != n.Uplink(from) {
				t.Fatalf("run %d: from %d to %d: lost by %v on link %d", run, from, to, x.Cause, x.Place)
			}
		}
		for _, x := range *headers {
			if x.Bytes > Ethernet.WireBytes(100) {
				detours++
			}
		}
	}
	if detours < 100 {
		t.Errorf("%d packets of all runs went by a detour", detours)
	}
}

// TestFailureCarryingByHand: in a ring of four s0 has two ways to s2. The link s1-s2 fails, so
// that what s0 sends by s1 meets it there, goes back with the link in its header, and by s3.
// Before s1 sees that its port has no carrier, 10 ms, it is lost. s0, which sees nothing,
// sends nothing by s1 again once it reads the header.
func TestFailureCarryingByHand(t *testing.T) {
	n := newRouted(t, ring(4, 1, 0, 1, 0), DefaultRouting(FailureCarrying), 1)
	h0, h2 := NodeID(1), NodeID(0)
	top := &n.topology
	l := linkOfNames(t, top, "s1", "s2")
	s0, _ := top.Node("s0")
	label := uint32(0) // of a flow that goes by s1
	for via, _ := n.NextHop(s0, h2, n.Flow(h0, h2, label)); via != linkOfNames(t, top, "s0", "s1"); {
		label++
		via, _ = n.NextHop(s0, h2, n.Flow(h0, h2, label))
	}
	const fails = model.Time(model.Second)
	var log []string
	n.kernel.Records.Subscribe(model.KindSet(model.Hopped, model.Delivered, model.Dropped), func(r *model.Record) {
		_, to := top.Ends(LinkID(r.Place))
		log = append(log, fmt.Sprintf("%v %s %dB", r.Kind, top.Names[to], r.Bytes))
	})
	n.then(fails, func() { cut(n, l, false) })
	n.then(fails.Add(9*model.Millisecond), func() { n.Send(h0, h2, 100, 0, label) })
	n.then(fails.Add(11*model.Millisecond), func() { n.Send(h0, h2, 100, 0, label) })
	runUntil(t, n, fails.Add(model.Second))
	want := []string{
		"hopped s0 142B", "hopped s1 142B", "dropped s2 142B",
		"hopped s0 142B", "hopped s1 142B", "hopped s0 150B", "hopped s3 150B", "hopped s2 150B", "delivered h0 150B",
	}
	if !slices.Equal(log, want) {
		t.Errorf("%q, want %q", log, want)
	}
}
