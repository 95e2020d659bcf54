package network

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"suspect/model"
)

// A control processor takes 10 us for each packet and lets two wait: worked out by hand. A
// packet of 100 bytes lasts 100 ns. What switches tell each other waits for the processors at
// both ends; other packets pass.
func TestSwitchOverload(t *testing.T) {
	top := LeafSpine(2, 1, 1, LinkConfig{Rate: 8 * Gbps}, LinkConfig{Rate: 8 * Gbps})
	for _, c := range []struct {
		name    string
		switchs string
		want    []string
	}{
		{"the receiver", "spine0", []string{
			"0.2us dropped overload", "10.1us delivered", "20.1us delivered", "30.1us delivered",
			// Sent while the third is at work, and nothing else waits.
			"40.1us delivered",
		}},
		{"the sender", "leaf0", []string{
			"0us dropped overload", "10.1us delivered", "20.1us delivered", "30.1us delivered", "40.1us delivered",
		}},
	} {
		n := newNetwork(t, 1, Config{Topology: top, Framing: Bare})
		var got []string
		n.kernel.Records.Subscribe(model.KindSet(model.Delivered, model.Dropped), func(r *model.Record) {
			if int(r.Process) < top.Hosts { // traffic
				if r.At.Sub(r.SentAt) != 400*model.Nanosecond {
					t.Errorf("traffic takes %v", r.At.Sub(r.SentAt))
				}
				return
			}
			text := fmt.Sprintf("%.3gus %v", float64(r.At)/float64(model.Microsecond), r.Kind)
			if r.Kind == model.Dropped {
				text += " " + r.Cause.String()
			}
			got = append(got, text)
		})
		f := mustFault(t, "switch-overload", &top, map[string]string{"switch": c.switchs, "each": "10us", "queue": "2"})
		f.Strike(n)
		leaf, _ := top.Node("leaf0")
		spine, _ := top.Node("spine0")
		l, _ := top.LinkBetween(leaf, spine)
		send := func(times int) {
			for range times {
				n.sendControl(l, nil, 100, 0)
			}
		}
		send(4)
		run(t, n, model.Time(25*model.Microsecond))
		if n.InFlight() != n.pool.live || n.InFlight() != 1 {
			t.Errorf("%s: %d in flight, %d live", c.name, n.InFlight(), n.pool.live)
		}
		send(1)
		run(t, n, model.Time(50*model.Microsecond))
		n.Send(0, 1, 100, 0, 0)
		run(t, n, model.Time(60*model.Microsecond))
		if c.name == "the receiver" {
			// The first four come at 0.1, 0.2, 0.3 and 0.4 us: the fourth finds two waiting.
			c.want[0] = "0.4us dropped overload"
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		got = nil
		send(2)
		f.Heal(n) // what waits goes on at once
		run(t, n, model.Time(61*model.Microsecond))
		if want := []string{"60.1us delivered", "60.2us delivered"}; !slices.Equal(got, want) {
			t.Errorf("%s, relieved: %q, want %q", c.name, got, want)
		}
	}
}

// The slow path takes its share of what a switch forwards, within five standard deviations,
// through the processor; what waits there when the switch crashes is lost with it.
func TestSlowPath(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: Star(2, LinkConfig{Rate: 8 * Gbps}), Framing: Bare})
	fast, slow := 0, 0
	n.kernel.Records.Subscribe(model.KindSet(model.Hopped), func(r *model.Record) {
		if r.At == model.Time(r.Packet)*model.Time(100*model.Nanosecond) {
			fast++
		} else {
			slow++
		}
	})
	f := mustFault(t, "switch-overload", &n.topology, map[string]string{"switch": "s0", "each": "70ns", "queue": "1000000", "slow_path": "25%"})
	f.Strike(n)
	const packets = 10_000
	for range packets {
		n.Send(0, 1, 100, 0, 0)
	}
	run(t, n, model.Time(model.Second))
	if c := n.Counts(); c.Delivered != packets || fast+slow != packets || math.Abs(float64(slow)-packets/4) > 5*math.Sqrt(packets*0.25*0.75) {
		t.Errorf("%d of %d packets take the slow path: %+v", slow, packets, c)
	}
	f.Heal(n)
	f = mustFault(t, "switch-overload", &n.topology, map[string]string{"switch": "s0", "each": "1s", "queue": "4", "slow_path": "100%"})
	f.Strike(n)
	for range 10 {
		n.Send(0, 1, 100, 0, 0)
	}
	run(t, n, model.Time(3*model.Second))
	// One is forwarded after a second, one is at work, three wait, and five found no room.
	if c := n.Counts(); n.InFlight() != 4 || n.pool.live != 4 || c.Dropped[model.Overload] != 5 || c.Delivered != packets+1 {
		t.Errorf("%d are left: %+v", n.InFlight(), c)
	}
	n.CrashSwitch(2)
	if c := n.Counts(); n.InFlight() != 0 || n.pool.live != 0 || c.Dropped[model.SwitchDown] != 4 {
		t.Errorf("%d are left: %+v", n.InFlight(), c)
	}
}

// What is for the switch itself waits for its processor once, and takes no slow path.
func TestControlTakesNoSlowPath(t *testing.T) {
	top := LeafSpine(2, 1, 1, LinkConfig{Rate: 8 * Gbps}, LinkConfig{Rate: 8 * Gbps})
	n := newNetwork(t, 1, Config{Topology: top, Framing: Bare})
	var got []string
	n.kernel.Records.Subscribe(model.KindSet(model.Hopped, model.Delivered), func(r *model.Record) {
		got = append(got, fmt.Sprintf("%v %v", r.At, r.Kind))
	})
	mustFault(t, "switch-overload", &top, map[string]string{"switch": "spine0", "each": "10us", "slow_path": "100%"}).Strike(n)
	l, err := linkOf("leaf0--spine0", &top)
	if err != nil {
		t.Fatal(err)
	}
	n.sendControl(l, nil, 100, 0)
	run(t, n, model.Time(model.Second))
	if want := []string{"100ns hopped", "10.1us delivered"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
