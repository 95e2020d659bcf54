package network

import (
	"slices"
	"testing"

	"suspect/model"
)

// whoArrives tells of each host whether what it sends to dst arrives, and what it is lost by.
func whoArrives(t *testing.T, n *Network, dst NodeID) []model.DropCause {
	t.Helper()
	got := make([]model.DropCause, n.topology.Hosts)
	begin := n.kernel.Now()
	n.kernel.Records.Subscribe(model.KindSet(model.Dropped), func(r *model.Record) {
		if r.SentAt >= begin && int(r.Process) < n.topology.Hosts && NodeID(r.Peer) == dst {
			got[r.Process] = r.Cause
		}
	})
	for h := range NodeID(n.topology.Hosts) {
		if h != dst {
			n.Send(h, dst, 100, 0, 0)
		}
	}
	runUntil(t, n, begin.Add(model.Second))
	return got
}

// A ring of six switches with a host each; s3 announces the host h5 of s0, which it does not
// have. Worked out by hand: its distances are 3 2 1 0 1 2, and those of s0 0 1 2 3 2 1.
func TestMisorigination(t *testing.T) {
	const ok, lost, looped = model.NotDropped, model.NoRoute, model.HopLimit
	// By host: h0 is on s5, h1 on s4, and so on to h5 on s0.
	for _, c := range []struct {
		name    string
		routing Routing
		given   map[string]string
		want    []model.DropCause
	}{
		{"longer prefix", fastLinkState(), map[string]string{}, []model.DropCause{lost, lost, lost, lost, lost, ok}},
		// With the metric 0 the false way costs d, the right one d+1: s2 (1 against 3) and s4 (1
		// against 3) are deceived, s1 (2 against 2) and s5 have two equal ways, on which flow the
		// packet goes; so this table leaves them out.
		{"better metric", fastLinkState(), map[string]string{"specific": "false"}, []model.DropCause{255, lost, lost, lost, 255, ok}},
		{"worse metric", fastLinkState(), map[string]string{"specific": "false", "metric": "3"}, []model.DropCause{ok, ok, lost, ok, ok, ok}},
		// What s3 sends to s2 comes back at once, where s2 believes it.
		{"sent on", fastLinkState(), map[string]string{"via": "s2"}, []model.DropCause{looped, looped, looped, looped, looped, ok}},
		{"static", Routing{}, map[string]string{}, []model.DropCause{ok, ok, lost, ok, ok, ok}},
		{"static, sent on", Routing{}, map[string]string{"via": "s2"}, []model.DropCause{ok, ok, ok, ok, ok, ok}},
		{"tree", DefaultRouting(SpanningTreeBridging), map[string]string{}, []model.DropCause{ok, ok, lost, ok, ok, ok}},
		{"failure-carrying", DefaultRouting(FailureCarrying), map[string]string{}, []model.DropCause{ok, ok, lost, ok, ok, ok}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newRouted(t, ring(6, 1, 1, 1, 1, 1, 1), c.routing, 1)
			before := routesOf(n)
			spec, _ := LookupFault("misorigination")
			given := map[string]string{"switch": "s3", "host": "h5"}
			for k, v := range c.given {
				given[k] = v
			}
			params, errs := model.NewParams(spec.Params, given)
			if errs != nil {
				t.Fatal(errs)
			}
			f, err := spec.New(params, &n.topology, n.kernel.Stream("fault"))
			if err != nil {
				t.Fatal(err)
			}
			f.Strike(n)
			f.Strike(n) // two of a kind
			runUntil(t, n, model.Time(5*model.Second))
			got := whoArrives(t, n, 5)
			for h, want := range c.want {
				if want != 255 && got[h] != want {
					t.Errorf("what h%d sends: %v, want %v", h, got[h], want)
				}
			}
			f.Heal(n)
			runUntil(t, n, model.Time(10*model.Second))
			if again := whoArrives(t, n, 5); !slices.Equal(got, again) {
				t.Errorf("after one of two has healed: %v, before %v", again, got)
			}
			f.Heal(n)
			runUntil(t, n, model.Time(20*model.Second))
			if after := routesOf(n); !slices.Equal(after, before) {
				t.Errorf("healing leaves the routes %v, before they were %v", after, before)
			}
			if len(n.wrong) != 0 {
				t.Error("a wrong route is left")
			}
		})
	}
}

// routesOf returns the next hops of some flows at all switches.
func routesOf(n *Network) (all []LinkID) {
	for s := range n.switchDown {
		for dst := range NodeID(n.topology.Hosts) {
			for label := range uint32(20) {
				l, _ := n.NextHop(n.switchNode(int32(s)), dst, n.Flow(0, dst, label))
				all = append(all, l)
			}
		}
	}
	return all
}

func TestMisoriginationOutlivesItsSwitch(t *testing.T) {
	n := newRouted(t, ring(4, 1, 1, 1, 1), fastLinkState(), 1)
	at := n.switchNode(2)
	n.Misoriginate(at, 3, 0, true, noLink)
	runUntil(t, n, model.Time(5*model.Second))
	n.CrashSwitch(at)
	runUntil(t, n, model.Time(15*model.Second))
	if wrong := wrongRoutes(n); wrong != "" {
		t.Errorf("while it is down: %s", wrong)
	}
	n.RecoverSwitch(at)
	runUntil(t, n, model.Time(25*model.Second))
	if got := whoArrives(t, n, 3); got[0] != model.NoRoute {
		t.Errorf("after it came back, a packet is lost by %v", got[0])
	}
	n.Withdraw(at, 3, 0, true, noLink)
	runUntil(t, n, model.Time(35*model.Second))
	if wrong := wrongRoutes(n); wrong != "" {
		t.Error(wrong)
	}
}
