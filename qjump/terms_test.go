package qjump_test

import (
	"slices"
	"testing"

	"suspect/model"
	"suspect/network"
	"suspect/qjump"
	"suspect/sim"
)

// Packets that leave their limiter an epoch apart come to the switch with less between them, by
// the jitter of its port and no more: because of a frame below, of packets above, also of those
// that come while the packets before are sent, of a large packet before a small one, and of
// what the link adds.
func TestJitterIsAttained(t *testing.T) {
	const (
		large, small = 256, 64
		epoch        = 4000 * octet
	)
	low := qjump.NetworkClass{Priority: 6, Epoch: epoch, Budget: 1, Packet: large}
	burst := low
	burst.Budget = 2
	mixed := low
	mixed.Smallest = small
	high := qjump.NetworkClass{Priority: 7, Epoch: 400 * octet, Budget: 1, Packet: large}
	const late = model.Time(epoch)
	for _, c := range []struct {
		name    string
		classes []qjump.NetworkClass
		frame   int32
		sends   []send
		want    model.Duration
	}{
		{"a frame below", []qjump.NetworkClass{low}, 1518, []send{{0, 1, 0, 1518, 0}, {1, 1, 0, large, 6}, {late + 1, 1, 0, large, 6}}, 1518 * octet},
		{"a packet above", []qjump.NetworkClass{high, low}, 0, []send{{0, 1, 0, large, 7}, {0, 1, 0, large, 6}, {late, 1, 0, large, 6}}, large * octet},
		{"two packets above", []qjump.NetworkClass{high, burst}, 0, []send{
			{0, 1, 0, large, 7}, {0, 1, 0, large, 6}, {0, 1, 0, large, 6}, {model.Time(high.Epoch), 1, 0, large, 7}, {late, 1, 0, large, 6}, {late, 1, 0, large, 6},
		}, 2 * large * octet},
		{"a large packet before", []qjump.NetworkClass{mixed}, 0, []send{{0, 1, 0, large, 6}, {late, 1, 0, small, 6}}, (large - small) * octet},
	} {
		x := &play{Topology: network.Star(2, link)}
		x.net = qjump.Network{Topology: &x.Topology, Classes: c.classes}
		for i := range c.classes {
			c.classes[i].Demands = []qjump.Demand{{From: hostsOf(2)[1:]}}
		}
		if c.frame > 0 {
			x.net.Frames = []qjump.Demand{{From: hostsOf(2), Bytes: c.frame}}
		}
		for _, s := range c.sends {
			x.sends = append(x.sends, labelled{s, 0})
		}
		bounds := networkBounds(t, x.net)
		if wrong, _ := x.check(t, bounds); wrong != "" {
			t.Errorf("%s: %s", c.name, wrong)
		}
		got, budget := jitterAtSwitch(bounds[len(bounds)-1]), int(c.classes[len(c.classes)-1].Budget)
		come := x.comes(t, 6)
		closer := model.Duration(epoch) - come[len(come)-1].Sub(come[len(come)-1-budget])
		if got != c.want || closer > got || closer < got-1 {
			t.Errorf("%s: jitter %v, want %v; packets came closer by %v", c.name, got, c.want, closer)
		}
	}
	x := &play{Topology: network.Star(2, link)}
	const added = 1000 * octet
	x.Links[1].AtoB.Jitter = sim.Distribution{Kind: sim.Uniform, Low: 0, High: added}
	low.Demands = []qjump.Demand{{From: hostsOf(2)[1:]}}
	x.net = qjump.Network{Topology: &x.Topology, Classes: []qjump.NetworkClass{low}}
	for k := range 200 {
		x.sends = append(x.sends, labelled{send{model.Time(k) * late, 1, 0, large, 6}, 0})
	}
	come, closest := x.comes(t, 6), model.Duration(0)
	for i := range come[1:] {
		closest = max(closest, epoch-come[i+1].Sub(come[i]))
	}
	if got := jitterAtSwitch(networkBounds(t, x.net)[0]); got != added || closest > got || closest < got*9/10 {
		t.Errorf("what the link adds: jitter %v, packets came closer by %v", got, closest)
	}
}

// jitterAtSwitch returns the largest jitter of a port, which is one of a switch.
func jitterAtSwitch(b qjump.NetworkBounds) model.Duration {
	return slices.MaxFunc(b.Ports, func(p, q qjump.PortBound) int { return int(p.Jitter - q.Jitter) }).Jitter
}

// comes returns when the packets of a priority come to the first switch, in order.
func (x *play) comes(t *testing.T, priority model.Priority) (times []model.Time) {
	k := sim.New(1)
	n, err := network.New(k, network.Config{Topology: x.Topology, Framing: network.Bare})
	if err != nil {
		t.Fatal(err)
	}
	p := &player{play: x, n: n}
	p.timer = k.NewTimer(p, 0)
	k.Arm(p.timer, x.sends[0].at)
	k.Records.Subscribe(model.KindSet(model.Hopped), func(r *model.Record) {
		if r.Priority == priority {
			times = append(times, r.At)
		}
	})
	if err := k.Run(x.sends[len(x.sends)-1].at.Add(model.Second), sim.Budget{}); err != nil {
		t.Fatal(err)
	}
	return times
}

// A small packet that follows a large one over a slow link waits for all of it, and for a packet
// above that comes meanwhile, which would come too late for a large packet in its place.
func TestSmallPacketWaitsForPacketsAbove(t *testing.T) {
	const large, small, above, epoch = 256, 64, 200, 512
	x := &play{Topology: network.Star(3, link)}
	x.Links[1].AtoB.Rate = rate / 2
	x.net = qjump.Network{Topology: &x.Topology, Classes: []qjump.NetworkClass{
		{Priority: 7, Epoch: 455 * octet, Budget: 1, Packet: above, Demands: []qjump.Demand{{From: hostsOf(3)[2:], To: hostsOf(1)}}},
		{Priority: 6, Epoch: epoch * octet, Budget: 1, Packet: large, Smallest: small, Demands: []qjump.Demand{{From: hostsOf(2)[1:], To: hostsOf(1)}}},
	}}
	const first = model.Time((2*large-above)*octet - 1) // so that both first packets come to the switch together
	x.sends = []labelled{
		{send{0, 1, 0, large, 6}, 0}, {send{model.Time(epoch * octet), 1, 0, small, 6}, 0},
		{send{first, 2, 0, above, 7}, 0}, {send{first + model.Time(455*octet), 2, 0, above, 7}, 0},
	}
	if wrong, _ := x.check(t, networkBounds(t, x.net)); wrong != "" {
		t.Error(wrong)
	}
}

// Times are rounded up for each packet, and may be so at a port but not on the link to it: the
// more and the smaller the packets, the more they fall behind.
func TestRoundedTimesOfSmallPackets(t *testing.T) {
	const budget = 100
	x := &play{Topology: network.Star(2, link)}
	x.Links[1].AtoB.Rate = 7 * network.Gbps
	x.Links[0].BtoA.Rate = 7*network.Gbps - 1
	x.net = qjump.Network{Topology: &x.Topology, Classes: []qjump.NetworkClass{{
		Priority: 7, Epoch: model.Millisecond, Budget: budget, Packet: 64, Smallest: 62, Demands: []qjump.Demand{{From: hostsOf(2)[1:]}},
	}}}
	x.sends = []labelled{{send{0, 1, 0, 64, 7}, 0}}
	for range budget - 1 {
		x.sends = append(x.sends, labelled{send{0, 1, 0, 63, 7}, 0})
	}
	if wrong, _ := x.check(t, networkBounds(t, x.net)); wrong != "" {
		t.Error(wrong)
	}
}

// Packets can meet one of a sender's next epoch where theirs have waited before: on each of three
// leaves, two hosts wait behind six others, whose packets go elsewhere, so that their next packets
// follow at once. The three rows of four come to the port of the packet before it does, and it
// waits for what is left of all twelve, not of six.
func TestRowsOfTwoEpochsMeet(t *testing.T) {
	const hosts, bytes, epoch = 8, 100, 8 * 100 * octet // of a leaf
	x := &play{Topology: network.LeafSpine(8, 1, hosts, link, link)}
	c := qjump.NetworkClass{Priority: 7, Epoch: epoch, Budget: 1, Packet: bytes}
	put := func(at model.Time, from, to network.NodeID) {
		x.sends = append(x.sends, labelled{send{at, from, to, bytes, 7}, 0})
		c.Demands = append(c.Demands, qjump.Demand{From: []network.NodeID{from}, To: []network.NodeID{to}})
	}
	const to, from = 0, hosts // on the first and the second leaf
	put(model.Time(9*bytes*octet+2), from, to)
	for leaf := 2; leaf < 5; leaf++ {
		for h := range network.NodeID(hosts) {
			host := network.NodeID(leaf*hosts) + h
			if h < 6 {
				put(0, host, network.NodeID((leaf+3)*hosts))
				continue
			}
			put(1, host, to)
			put(model.Time(1+epoch), host, to)
		}
	}
	x.net = qjump.Network{Topology: &x.Topology, Classes: []qjump.NetworkClass{c}}
	bounds := networkBounds(t, x.net)
	wrong, closest := x.check(t, bounds)
	if wrong != "" || closest < 0.9 {
		t.Errorf("%s, the slowest packet took %.3f of its bound", wrong, closest)
	}
}

// Packets that part from the way of another, at the spine or at the last switch, delay it too.
func TestPacketsThatPartFromTheWay(t *testing.T) {
	const bytes = 100
	for _, c := range []struct {
		name  string
		sends []send
	}{
		{"at the spine", []send{{0, 5, 8, bytes, 7}, {0, 6, 9, bytes, 7}, {0, 7, 10, bytes, 7}, {1, 4, 0, bytes, 7}}},
		{"at the last switch", []send{
			{0, 8, 1, bytes, 7}, {0, 9, 1, bytes, 7}, {0, 10, 1, bytes, 7}, {0, 11, 1, bytes, 7},
			{0, 12, 1, bytes, 7}, {0, 13, 1, bytes, 7}, {0, 14, 1, bytes, 7}, {0, 15, 1, bytes, 7}, {model.Time(3*bytes*octet) + 1, 4, 0, bytes, 7},
		}},
	} {
		x := &play{Topology: network.LeafSpine(4, 1, 4, link, link)}
		class := allToAll(16, bytes, 2)
		class.Demands = nil
		for _, s := range c.sends {
			x.sends = append(x.sends, labelled{s, 0})
			class.Demands = append(class.Demands, qjump.Demand{From: []network.NodeID{s.from}, To: []network.NodeID{s.to}})
		}
		x.net = qjump.Network{Topology: &x.Topology, Classes: []qjump.NetworkClass{class}}
		if wrong, closest := x.check(t, networkBounds(t, x.net)); wrong != "" || closest < 0.75 {
			t.Errorf("%s: %s, the slowest packet took %.3f of its bound", c.name, wrong, closest)
		}
	}
}
