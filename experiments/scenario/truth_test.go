package scenario

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/model"
	"suspect/network"
)

func TestTruth(t *testing.T) {
	usual := network.DefaultTruth(7)
	usual.Bytes = 64
	usual.Pairs = [][]model.ProcessID{{1, 2}, {0, 2}, {0, 1}}
	with := func(change func(c *Truth)) *Truth {
		c := &Truth{TruthConfig: usual}
		change(c)
		return c
	}
	for _, c := range []struct {
		set  []string
		want *Truth
	}{
		{nil, nil},
		{[]string{"truth.pairs=monitored"}, with(func(*Truth) {})},
		{[]string{"truth.pairs=all"}, with(func(c *Truth) { c.All, c.Pairs = true, nil })},
		{[]string{"truth.pairs=monitored", "monitor.watch={successors: 1}", "monitor.priority=3", "monitor.message_size=100B"}, with(func(c *Truth) {
			c.Pairs, c.Classes, c.Bytes = [][]model.ProcessID{{1}, {2}, {0}}, []model.Priority{3}, 100
		})},
		{[]string{"truth.classes=[1, 6]", "truth.definitions=[loss, reference]"}, with(func(c *Truth) {
			c.Classes = []model.Priority{1, 6}
			c.Definitions = []network.CongestionDefinition{network.ByLoss, network.ByReference}
		})},
		{[]string{"truth.definitions=[]"}, with(func(c *Truth) { c.Definitions = nil })},
		{[]string{"truth.congestion={wait: 3ms, slot: 1ms, window: 7ms, share: 30%, utilisation: 0.5, persistence: 2s, packet: 1KiB}"}, with(func(c *Truth) {
			c.Wait, c.Slot, c.Window = 3*model.Millisecond, model.Millisecond, 7*model.Millisecond
			c.Share, c.Utilisation, c.Persistence, c.Bytes = 0.3, 0.5, 2*model.Second, 1024
		})},
		{[]string{"truth={corruption: 1%, slow: 5ms, routes: {changes: 0, within: 1s}}"}, with(func(c *Truth) {
			c.Corruption, c.Slow, c.Changes, c.Flaps = 0.01, 5*model.Millisecond, 0, model.Second
		})},
		{[]string{"truth.forbidden=[s0, h1--s0]"}, with(func(c *Truth) {
			c.Names = []string{"s0", "h1--s0"}
			c.Forbidden = []model.Place{model.NodePlace(3), model.LinkPlace(2), model.LinkPlace(3)}
		})},
	} {
		s, err := Parse("x.yaml", []byte(plain), c.set)
		if err != nil {
			t.Errorf("%q: %v", c.set, err)
			continue
		}
		if diff := cmp.Diff(c.want, s.Truth); diff != "" {
			t.Errorf("%q: %s", c.set, diff)
		}
		again, err := Parse("x.yaml", s.Resolved(), nil)
		if err != nil {
			t.Errorf("%q: its resolved scenario is refused: %v", c.set, err)
			continue
		}
		if diff := cmp.Diff(s.Truth, again.Truth); diff != "" {
			t.Errorf("%q: what was resolved is another truth: %s", c.set, diff)
		}
		if has := strings.Contains(string(s.Resolved()), "truth:"); has != (c.want != nil) {
			t.Errorf("%q: resolved with a truth: %v", c.set, has)
		}
	}
}

// A look at the queues is an event, and each pair needs memory.
func TestTruthIsEstimated(t *testing.T) {
	estimate := func(set ...string) Estimate {
		s, err := Parse("x.yaml", []byte(plain), set)
		if err != nil {
			t.Fatal(err)
		}
		return s.Estimate()
	}
	without, coarse, none := estimate(), estimate("truth.pairs=all"), estimate("truth.definitions=[]", "monitor.watch={successors: 1}")
	if coarse.Events-without.Events != 400 {
		t.Errorf("%d events without a truth, %d with slots of 5ms in 2s", without.Events, coarse.Events)
	}
	one := estimate("monitor.watch={successors: 1}")
	if none.Events != one.Events {
		t.Errorf("%d events without a truth, %d with one without slots", one.Events, none.Events)
	}
	if all, watched := coarse.Bytes-without.Bytes, none.Bytes-one.Bytes; all != 6*300 || watched != 3*300 {
		t.Errorf("%d bytes of 6 pairs, and %d of 3", all, watched)
	}
}
