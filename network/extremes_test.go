package network

import (
	"errors"
	"fmt"
	"testing"

	"suspect/model"
	"suspect/sim"
)

// lineOf is a line of switches with a host at each.
func lineOf(switches int) (t Topology) {
	t.Hosts = switches
	for i := range switches {
		t.Names = append(t.Names, fmt.Sprintf("h%d", i))
	}
	for i := range switches {
		t.Names = append(t.Names, fmt.Sprintf("s%d", i))
		t.Links = append(t.Links, Link{A: NodeID(i), B: NodeID(switches + i), AtoB: testEdge, BtoA: testEdge})
		if i > 0 {
			t.Links = append(t.Links, Link{A: NodeID(switches + i - 1), B: NodeID(switches + i), AtoB: testCore, BtoA: testCore})
		}
	}
	return t
}

// A tree in which BPDUs grow too old before the next ones come does not hold. On a line whose
// last switch is d links from the root they are d-1 seconds old there.
func TestTreeIsTooDeep(t *testing.T) {
	for _, c := range []struct {
		switches  int
		maxAge    model.Duration
		isRefused bool
	}{{19, 20 * model.Second, false}, {20, 20 * model.Second, true}, {25, 20 * model.Second, true}, {3, 3 * model.Second, true}, {3, 3*model.Second + 1, false}} {
		r := DefaultRouting(SpanningTreeBridging)
		r.SpanningTree.MaxAge = c.maxAge
		_, err := New(sim.New(1), Config{Topology: lineOf(c.switches), Routing: r})
		var p *model.ParamError
		if refused := errors.As(err, &p) && p.Name == "max_age"; refused != c.isRefused || err != nil && !refused {
			t.Errorf("%d switches, %v: %v", c.switches, c.maxAge, err)
		}
	}
}

// A packet that a wrong static route leads into a loop is dropped after 64 links, and the truth
// of a path that is longer is a route failure.
func TestPacketsDoNotLiveForEver(t *testing.T) {
	n, err := New(sim.New(1), Config{Topology: lineOf(3)})
	if err != nil {
		t.Fatal(err)
	}
	dropped := collect(n, model.Dropped)
	n.Misoriginate(4, 2, 0, true, linkOfNames(t, n.Topology(), "s1", "s0"))
	n.Send(0, 2, 100, 0, 0)
	runUntil(t, n, model.Time(model.Second))
	if len(*dropped) != 1 || (*dropped)[0].Cause != model.HopLimit {
		t.Errorf("%v", *dropped)
	}
	for switches, fails := range map[int]bool{63: false, 64: true} {
		n := newRouted(t, lineOf(switches), DefaultRouting(FailureCarrying), 1)
		truth, err := n.WatchTruth(DefaultTruth(0))
		if err != nil {
			t.Fatal(err)
		}
		if _, is := truth.Holds(0, model.ProcessID(switches-1), model.RouteFailure); is != fails {
			t.Errorf("%d switches: a route failure: %v", switches, is)
		}
		ends := collect(n, model.Delivered)
		n.Send(0, NodeID(switches-1), 100, 0, 0)
		runUntil(t, n, model.Time(model.Second))
		if (len(*ends) == 0) != fails {
			t.Errorf("%d switches: %d packets arrive", switches, len(*ends))
		}
	}
}

// A link that loses every packet is no path.
func TestCertainLossParts(t *testing.T) {
	n, err := New(sim.New(1), Config{Topology: lineOf(2)})
	if err != nil {
		t.Fatal(err)
	}
	truth, err := n.WatchTruth(DefaultTruth(0))
	if err != nil {
		t.Fatal(err)
	}
	l := linkOfNames(t, n.Topology(), "s0", "s1")
	for _, c := range []struct {
		loss  Loss
		parts bool
	}{
		{IndependentLoss(1), true}, {IndependentLoss(0.999), false}, {Loss{}, false}, {Loss{Good: 1, Bad: 1, GoodToBad: 0.5, BadToGood: 0.5}, true},
		{Loss{Good: 1, Bad: 0, GoodToBad: 0.5, BadToGood: 0.5}, false},
	} {
		n.SetLoss(l, c.loss)
		if d, is := truth.Holds(0, 1, model.Partition); is != c.parts || is && d != model.Forward {
			t.Errorf("%+v: %v %v", c.loss, d, is)
		}
	}
}
