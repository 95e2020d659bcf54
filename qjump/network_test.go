package qjump_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"suspect/model"
	"suspect/network"
	"suspect/qjump"
	"suspect/sim"
)

// allToAll is a class that all hosts send to all others, with spaced packets.
func allToAll(hosts int, bytes int32, epochs int) qjump.NetworkClass {
	return qjump.NetworkClass{
		Priority: 7, Epoch: model.Duration(epochs*hosts) * model.Duration(bytes) * octet, Budget: 1, Packet: bytes,
		Demands: []qjump.Demand{{From: hostsOf(hosts)}},
	}
}

func hostsOf(n int) []network.NodeID {
	hosts := make([]network.NodeID, n)
	for h := range hosts {
		hosts[h] = network.NodeID(h)
	}
	return hosts
}

func networkBounds(t testing.TB, n qjump.Network) []qjump.NetworkBounds {
	t.Helper()
	b, err := n.Bounds()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// On stars and even trees the analysis of ports comes to the closed forms n*P/R, (2n-1)*P/R
// and (n+h-1)*P/R, exactly.
func TestNetworkClosedForms(t *testing.T) {
	const bytes = 256
	for _, n := range []int{2, 4, 12, 64, 144} {
		for _, epochs := range []int{1, 2} {
			for kind, want := range []int{n, 2*n - 1, n} {
				top := network.Star(n, link)
				c := allToAll(n, bytes, epochs)
				c.Kind = qjump.LimiterKind(kind)
				f := networkBounds(t, qjump.Network{Topology: &top, Classes: []qjump.NetworkClass{c}})[0].Flows
				if len(f) != 1 || f[0].Delay != model.Duration(want*bytes)*octet || f[0].Status != qjump.Exact || f[0].Pairs != int64(n*(n-1)) {
					t.Errorf("n = %d, %v: %+v, want %d packets", n, c.Kind, f, want)
				}
			}
		}
	}
	for _, shape := range [][2]int{{2, 4}, {3, 4}, {4, 16}, {9, 16}} {
		leaves, m := shape[0], shape[1]
		n := leaves * m
		for _, epochs := range []int{1, 2} {
			top := network.LeafSpine(leaves, 1, m, link, link)
			f := networkBounds(t, qjump.Network{Topology: &top, Classes: []qjump.NetworkClass{allToAll(n, bytes, epochs)}})[0].Flows
			if len(f) != 2 || f[0].Delay != model.Duration((n+2)*bytes)*octet || f[0].Status != qjump.Exact || f[0].Switches != 3 {
				t.Errorf("%v: %+v, want %d packets", shape, f, n+2)
			}
		}
	}
}

// Over several spines every packet of others is still paid for once, where epochs have room:
// (n+h-1)*P/R, which an adversary reaches on 3x2x4. Frames that fit into epsilon add L/R for
// each port.
func TestNetworkPaysOnce(t *testing.T) {
	const bytes = 256
	for _, c := range []struct{ leaves, spines, m int }{{2, 2, 2}, {3, 2, 4}, {4, 4, 8}, {9, 3, 16}} {
		n := c.leaves * c.m
		top := network.LeafSpine(c.leaves, c.spines, c.m, link, link)
		net := qjump.Network{Topology: &top, Classes: []qjump.NetworkClass{allToAll(n, bytes, 2)}}
		f := networkBounds(t, net)[0].Flows[0]
		if method, _, _ := f.Derivation(); f.Delay != model.Duration((n+2)*bytes)*octet || f.Status != qjump.Proved || f.Ways != int64(c.spines) || method != "pay once" {
			t.Errorf("%+v: %v (%v by %s), want %d packets", c, f.Delay, f.Status, method, n+2)
		}
		net.Frames = []qjump.Demand{{From: hostsOf(n), Bytes: bytes}}
		net.Classes[0].Epoch += 16 * bytes * octet
		f = networkBounds(t, net)[0].Flows[0]
		if f.Delay > model.Duration((n+6)*bytes)*octet {
			t.Errorf("%+v with frames: %v, want %d packets", c, f.Delay, n+6)
		}
	}
}

// With frames below, the analysis of ports comes to the worst cases that are known for stars
// (see TestFramesAtTheHosts), and for a tree of 3x5 hosts to (n+h-1)*P/R + (h+1)*L/R: an
// adversary found 40.6 of these 40.72 packet times.
func TestNetworkFrames(t *testing.T) {
	const frame = 1518
	flows := func(top network.Topology, c qjump.NetworkClass) qjump.FlowBound {
		n := qjump.Network{Topology: &top, Classes: []qjump.NetworkClass{c}, Frames: []qjump.Demand{{From: hostsOf(top.Hosts), Bytes: frame}}}
		return networkBounds(t, n)[0].Flows[0]
	}
	for _, c := range []struct {
		n      int
		bytes  int32
		epochs int
		want   int // octets
	}{
		{12, 256, 1, 7114},
		{12, 64, 2, 4380},
		{16, 256, 1, 8138},
	} {
		class := allToAll(c.n, c.bytes, c.epochs)
		class.Demands = []qjump.Demand{{From: hostsOf(c.n)[1:], To: hostsOf(1)}}
		if f := flows(network.Star(c.n+2, link), class); f.Delay != model.Duration(c.want)*octet || f.Status != qjump.Proved {
			t.Errorf("%+v: %v (%v)", c, f.Delay, f.Status)
		}
	}
	f := flows(network.LeafSpine(3, 1, 5, link, link), allToAll(15, 256, 2))
	if want := model.Duration(17*256+4*frame) * octet; f.Delay != want {
		t.Errorf("3x5: %v, want %v", f.Delay, want)
	}
}

// Levels of factor f on a star come to the closed forms of [Path.Bounds] too, and several
// levels to the same bounds or less.
func TestNetworkAgreesWithPath(t *testing.T) {
	const n, bytes = 12, 256
	for kind := range 3 {
		for _, f := range []int64{1, 2, 3} {
			for _, frame := range []int32{0, 1518} {
				top := network.Star(n+1, link)
				path := qjump.Path{Switches: 1, Rate: rate, Frame: frame, HostFrame: frame, JoinsOnce: true}
				var classes []qjump.Class
				net := qjump.Network{Topology: &top}
				if frame > 0 {
					net.Frames = []qjump.Demand{{From: hostsOf(n + 1), Bytes: frame}}
				}
				for i := range 2 {
					c := classOf(n+1, qjump.LimiterKind(kind), bytes, 8*(i+1))
					c.Budget = f
					classes = append(classes, c)
					net.Classes = append(net.Classes, qjump.NetworkClass{
						Priority: model.Priority(7 - i), Kind: c.Kind, Epoch: c.Epoch, Budget: f, Packet: bytes,
						Demands: []qjump.Demand{{From: hostsOf(n + 1)[1:], To: hostsOf(1)}},
					})
				}
				paths, err := path.Bounds(classes)
				if err != nil {
					t.Fatal(err)
				}
				for i, b := range networkBounds(t, net) {
					if got := b.Flows[0].Delay; got > paths[i].Delay || i == 0 && got != paths[i].Delay {
						t.Errorf("kind %d, f = %d, frame %d: class %d has %v, by path %v (%s)", kind, f, frame, i+1, got, paths[i].Delay, paths[i].Numbers)
					}
				}
			}
		}
	}
}

// What has no bound is refused by the name of its port, and, in a ring, of the cycle.
func TestNetworkRefuses(t *testing.T) {
	refusal := func(n qjump.Network) string {
		_, err := n.Bounds()
		if err == nil {
			return ""
		}
		return err.Error()
	}
	top := network.Star(4, link)
	two := qjump.Network{Topology: &top, Classes: []qjump.NetworkClass{allToAll(4, 256, 1), allToAll(4, 256, 1)}}
	two.Classes[1].Priority, two.Classes[1].Budget = 5, 2
	if got, want := refusal(two), "qjump: there is no bound: the level with priority 5 and those above it load the port s0→h0 to 2.25, more than it carries"; got != want {
		t.Errorf("overload: %q, want %q", got, want)
	}
	if b, err := two.Bounds(); len(b) != 1 || !errors.As(err, new(*qjump.NoBound)) {
		t.Errorf("%d bounds, %v", len(b), err)
	}
	ring := func(epochs int) qjump.Network {
		const n = 6
		var t network.Topology
		t.Hosts = n
		for i := range 2 * n {
			t.Names = append(t.Names, fmt.Sprint([]string{"h", "s"}[i/n], i%n))
		}
		for i := range n {
			t.Links = append(t.Links, network.Link{A: network.NodeID(i), B: network.NodeID(n + i), AtoB: link, BtoA: link},
				network.Link{A: network.NodeID(n + i), B: network.NodeID(n + (i+1)%n), AtoB: link, BtoA: link})
		}
		return qjump.Network{Topology: &t, Classes: []qjump.NetworkClass{allToAll(n, 256, epochs)}}
	}
	if got := refusal(ring(20)); got != "" {
		t.Errorf("a ring with little load: %q", got)
	}
	b := networkBounds(t, ring(20))[0]
	if b.Flows[0].Switches != 4 || b.Flows[0].Ways != 2 || b.Flows[0].Delay < 5*256*octet {
		t.Errorf("a ring: %+v", b.Flows[0])
	}
	full := ring(1)
	full.Classes[0].Epoch = 5 * 256 * octet // what one host's link takes of the other five
	if got := refusal(full); !strings.Contains(got, "depend on each other in a cycle: s") {
		t.Errorf("a ring with much load: %q", got)
	}
	far := network.Star(4, network.LinkConfig{Rate: rate, Jitter: sim.Distribution{Kind: sim.Exponential, Mean: 5}})
	if got := refusal(qjump.Network{Topology: &far, Classes: two.Classes[:1]}); !strings.Contains(got, "has no upper end") {
		t.Errorf("jitter without end: %q", got)
	}
}

func benchmarkNetwork(b *testing.B, top network.Topology) {
	n := qjump.Network{Topology: &top, Frames: []qjump.Demand{{From: hostsOf(top.Hosts), Bytes: 1518}}}
	for i := range 8 {
		c := allToAll(top.Hosts, 256, 20)
		c.Priority = model.Priority(7 - i)
		n.Classes = append(n.Classes, c)
	}
	for b.Loop() {
		networkBounds(b, n)
	}
}

func BenchmarkNetworkStar(b *testing.B) { benchmarkNetwork(b, network.Star(1000, link)) }
func BenchmarkNetworkLeafSpine(b *testing.B) {
	core := link
	core.Rate *= 4
	benchmarkNetwork(b, network.LeafSpine(25, 10, 40, link, core))
}
func BenchmarkNetworkFatTree(b *testing.B) { benchmarkNetwork(b, network.FatTree(16, link, link)) }
