package network

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/model"
	"suspect/sim"
)

// reach tells which hosts receive what each host sends to every other, one packet a pair
// and priority, as a matrix of '.', '#' for none, and '-' for the host itself.
func reach(t *testing.T, n *Network, priority model.Priority) []string {
	t.Helper()
	hosts := n.topology.Hosts
	matrix := make([][]byte, hosts)
	for a := range matrix {
		matrix[a] = []byte(strings.Repeat("#", hosts))
		matrix[a][a] = '-'
	}
	begin := n.kernel.Now()
	n.kernel.Records.Subscribe(model.KindSet(model.Delivered), func(r *model.Record) {
		if r.SentAt >= begin {
			matrix[r.Peer][r.Process] = '.'
		}
	})
	for a := range NodeID(hosts) {
		for b := range NodeID(hosts) {
			if a != b {
				n.Send(a, b, 100, priority, 0)
			}
		}
	}
	run(t, n, begin.Add(model.Second))
	var rows []string
	for _, row := range matrix {
		rows = append(rows, string(row))
	}
	return rows
}

// Who reaches whom under each fault, worked out by hand on two leaves with two hosts each,
// under one spine.
func TestWhoReachesWhom(t *testing.T) {
	all := []string{"-...", ".-..", "..-.", "...-"}
	for _, c := range []struct {
		kind  string
		given map[string]string
		want  []string
		lost  model.DropCause
	}{
		{"link-one-way", map[string]string{"link": "h1--leaf0", "direction": "h1"}, []string{"-...", "#-##", "..-.", "...-"}, model.LinkDown},
		{"link-one-way", map[string]string{"link": "leaf0--spine0", "direction": "spine0"}, []string{"-...", ".-..", "##-.", "##.-"}, model.LinkDown},
		{"link-slow", map[string]string{"link": "leaf0--spine0"}, all, model.NotDropped},
		{"nic-one-way", map[string]string{"host": "h1"}, []string{"-#..", ".-..", ".#-.", ".#.-"}, model.InterfaceFault},
		{"nic-one-way", map[string]string{"host": "h1", "direction": "out"}, []string{"-...", "#-##", "..-.", "...-"}, model.InterfaceFault},
		{"switch-crash", map[string]string{"switch": "leaf0"}, []string{"-###", "#-##", "##-.", "##.-"}, model.SwitchDown},
		{"switch-crash", map[string]string{"switch": "spine0"}, []string{"-.##", ".-##", "##-.", "##.-"}, model.SwitchDown},
		{"port-failure", map[string]string{"switch": "leaf1", "port": "h3"}, []string{"-..#", ".-.#", "..-#", "###-"}, model.LinkDown},
		{"partition", map[string]string{"side": "h2--leaf1--h3"}, []string{"-.##", ".-##", "##-.", "##.-"}, model.LinkDown},
		{"partition", map[string]string{"side": "leaf1--h3"}, []string{"-.##", ".-##", "##-#", "###-"}, model.LinkDown},
		{"partition", map[string]string{"side": "h2--leaf1--h3", "lost": "in"}, []string{"-.##", ".-##", "..-.", "...-"}, model.LinkDown},
		{"partition-subtree", map[string]string{"below": "leaf0"}, []string{"-.##", ".-##", "##-.", "##.-"}, model.LinkDown},
		{"partition-subtree", map[string]string{"below": "leaf0", "lost": "out"}, []string{"-.##", ".-##", "..-.", "...-"}, model.LinkDown},
		{"partition-partial", map[string]string{"from": "h0", "to": "h1--h2"}, []string{"-##.", "#-..", "#.-.", "...-"}, model.RuleDrop},
		{"partition-partial", map[string]string{"from": "h0--h1", "to": "h2", "one_way": "true"}, []string{"-.#.", ".-#.", "..-.", "...-"}, model.RuleDrop},
		{"partition-partial", map[string]string{"probability": "1"}, []string{"-###", "#-##", "##-#", "###-"}, model.RuleDrop},
		{"rule-drop", map[string]string{"priority": "3"}, []string{"-###", "#-##", "##-#", "###-"}, model.RuleDrop},
		{"rule-drop", map[string]string{"priority": "4"}, all, model.NotDropped},
		{"rule-drop", map[string]string{"switch": "spine0", "to": "h0"}, []string{"-...", ".-..", "#.-.", "#..-"}, model.RuleDrop},
		{"rule-drop", map[string]string{"switch": "leaf0", "from": "h2"}, []string{"-...", ".-..", "##-.", "...-"}, model.RuleDrop},
		{"corruption", map[string]string{"link": "h0--leaf0", "direction": "leaf0", "probability": "100%"}, []string{"-...", "#-..", "#.-.", "#..-"}, model.Corrupted},
		{"reordering", map[string]string{"link": "h0--leaf0", "probability": "100%", "late": "1ms"}, all, model.NotDropped},
	} {
		for _, twoEvent := range []bool{false, true} {
			n := newNetwork(t, 1, Config{Topology: LeafSpine(2, 1, 2, testEdge, testCore), TwoEventPorts: twoEvent})
			f := mustFault(t, c.kind, &n.topology, c.given)
			f.Strike(n)
			if diff := cmp.Diff(c.want, reach(t, n, 3)); diff != "" {
				t.Errorf("%s %v, two events: %v:\n%s", c.kind, c.given, twoEvent, diff)
			}
			for cause, dropped := range n.Counts().Dropped {
				if (dropped > 0) != (model.DropCause(cause) == c.lost && c.lost != model.NotDropped) {
					t.Errorf("%s %v: %d packets were dropped: %v", c.kind, c.given, dropped, model.DropCause(cause))
				}
			}
			f.Heal(n)
			if diff := cmp.Diff(all, reach(t, n, 3)); diff != "" {
				t.Errorf("%s %v, healed:\n%s", c.kind, c.given, diff)
			}
			if n.InFlight() != 0 {
				t.Errorf("%s %v: %d packets are left", c.kind, c.given, n.InFlight())
			}
		}
	}
}

// A pod is below its aggregation switch, with all its hosts; the other aggregation
// switches of the pod stay outside (Al-Fares et al. 2008, figure 3: k = 4).
func TestBelow(t *testing.T) {
	top := FatTree(4, testEdge, testCore)
	names := func(nodes []NodeID) string {
		nodes = slices.Sorted(slices.Values(nodes))
		return top.list(nodes)
	}
	for at, want := range map[string]string{
		"edge1-0": "h4, h5, edge1-0",
		"agg1-1":  "h4, h5, h6, h7, edge1-0, edge1-1, agg1-1",
	} {
		root, _ := top.Node(at)
		if got := names(top.below(root, top.lower())); got != want {
			t.Errorf("below %s: %s, want %s", at, got, want)
		}
	}
	// Switches of one height are not below each other.
	ring := newBuilder(3)
	first := ring.nodes(3, "s%d")
	for i := range NodeID(3) {
		ring.link(i, first+i, testEdge)
		ring.link(first+i, first+(i+1)%3, testCore)
	}
	if got := ring.below(first, ring.lower()); !slices.Equal(got, []NodeID{first, 0}) {
		t.Errorf("below s0 of a ring: %v", got)
	}
	if roots := top.roots(); len(roots) != 16 {
		t.Errorf("%d switches have some hosts below them and not all, want the 8 edge and 8 aggregation switches", len(roots))
	}
}

// What waits at a switch that crashes, or is in transmission there, is lost; what is on
// the wire behind it is not; what comes while it is down is lost on arrival; and what
// comes when it has recovered is forwarded.
func TestSwitchCrash(t *testing.T) {
	for _, twoEvent := range []bool{false, true} {
		// A packet of 100 bytes lasts 100 ns; a wire 50 ns.
		link := LinkConfig{Rate: 8 * Gbps, Delay: 50 * model.Nanosecond}
		n := newNetwork(t, 1, Config{Topology: Star(3, link), Framing: Bare, TwoEventPorts: twoEvent})
		var got []string
		n.kernel.Records.Subscribe(model.KindSet(model.Delivered, model.Dropped, model.SwitchWentDown, model.SwitchCameUp),
			func(r *model.Record) {
				var told []string
				for i, field := range strings.Fields(r.String()) {
					if i < 2 || strings.Contains("packet cause link n3", strings.Split(field, "=")[0]) {
						told = append(told, field)
					}
				}
				got = append(got, strings.Join(told, " "))
			})
		for range 5 {
			n.Send(0, 2, 100, 0, 0) // at s0 at 150, 250, 350, 450, 550 ns
			n.Send(1, 2, 100, 0, 0) // so that each waits for the other
		}
		for _, at := range [][2]model.Duration{{360, 40}, {370, 90}} {
			f := mustFault(t, "switch-crash", &n.topology, map[string]string{"switch": "s0"})
			n.Schedule(f, model.Time(at[0]*model.Nanosecond), at[1]*model.Nanosecond)
		}
		run(t, n, model.Time(model.Second))
		want := []string{
			"300ns delivered packet=1",
			"360ns switch-down n3",
			"360ns dropped packet=3 cause=switch-down link=5", // in transmission
			"360ns dropped packet=4 cause=switch-down link=5", // waiting
			"360ns dropped packet=5 cause=switch-down link=5",
			"360ns dropped packet=6 cause=switch-down link=5",
			"400ns delivered packet=2", // on the wire
			"450ns dropped packet=7 cause=switch-down link=0",
			"450ns dropped packet=8 cause=switch-down link=2",
			"460ns switch-up n3",
			"700ns delivered packet=9",
			"800ns delivered packet=10",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("two events: %v:\n%s", twoEvent, diff)
		}
	}
}

// A slow link transmits each packet for as many times as long, and a packet that has
// begun goes on as it began.
func TestSlowLink(t *testing.T) {
	for _, twoEvent := range []bool{false, true} {
		n := newNetwork(t, 1, Config{Topology: Star(2, LinkConfig{Rate: 8 * Gbps}), Framing: Bare, TwoEventPorts: twoEvent})
		var arrived []string
		n.kernel.Records.Subscribe(model.KindSet(model.Hopped), func(r *model.Record) { arrived = append(arrived, r.At.String()) })
		for range 5 {
			n.Send(0, 1, 100, 0, 0)
		}
		slow := func(divisor string, at, duration model.Duration) {
			f := mustFault(t, "link-slow", &n.topology, map[string]string{"link": "h0--s0", "divisor": divisor})
			n.Schedule(f, model.Time(at*model.Nanosecond), duration*model.Nanosecond)
		}
		slow("4", 150, 500) // in the second packet
		slow("2", 160, 1000)
		run(t, n, model.Time(model.Second))
		// The third starts at 200 ns four times slower, the fourth at 600 ns too, the fifth
		// at 1000 ns twice slower.
		want := []string{"100ns", "200ns", "600ns", "1us", "1.2us"}
		if !slices.Equal(arrived, want) {
			t.Errorf("two events: %v: packets arrive at %v, want %v", twoEvent, arrived, want)
		}
		if n.Rate(0) != 8*Gbps {
			t.Errorf("the link has %d bit/s at the end", n.Rate(0))
		}
	}
}

// A flapping link is down and up in turn from the strike on, for as long as is drawn, and
// up when the fault has healed.
func TestFlapping(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: Star(2, testEdge)})
	log := tell(n)
	f := mustFault(t, "link-flapping", &n.topology, map[string]string{
		"link": "h0--s0", "direction": "h0", "down": "2us", "up": "3us",
	})
	n.ScheduleEvery(f, sim.Distribution{Mean: us}, sim.Distribution{Mean: 20 * us}, sim.Distribution{Mean: 11 * us}, n.kernel.Stream("every"))
	run(t, n, model.Time(22*us))
	var want []string
	for _, at := range []string{"1us down", "3us up", "6us down", "8us up", "11us down", "12us up", "21us down"} {
		time, what, _ := strings.Cut(at, " ")
		want = append(want, fmt.Sprintf("%s link-%s link=0 n0->n2", time, what))
	}
	if diff := cmp.Diff(want, *log); diff != "" {
		t.Error(diff)
	}
}

// The drawn times of a flapping link have the given means, within five standard errors.
func TestFlappingTimes(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: Star(2, testEdge)})
	f := mustFault(t, "link-flapping", &n.topology, map[string]string{
		"link": "h0--s0", "direction": "h0", "down": "exponential(1us)", "up": "uniform(1us, 3us)",
	})
	var last model.Time
	var total, times [2]float64
	n.kernel.Records.Subscribe(model.KindSet(model.LinkWentDown, model.LinkCameUp), func(r *model.Record) {
		i := 0
		if r.Kind == model.LinkWentDown {
			i = 1
		}
		total[i] += float64(r.At.Sub(last)) / float64(us)
		times[i]++
		last = r.At
	})
	f.Strike(n)
	run(t, n, model.Time(30*model.Millisecond))
	f.Heal(n)
	for i, c := range []struct{ mean, deviation float64 }{{1, 1}, {2, 2 / math.Sqrt(12)}} {
		mean := total[i] / times[i]
		if times[i] < 9000 || math.Abs(mean-c.mean) > 5*c.deviation/math.Sqrt(times[i]) {
			t.Errorf("%.0f times have the mean %.3f us, want %v us", times[i], mean, c.mean)
		}
	}
}

// Corruption takes its share of packets, within five standard deviations, and two that
// are in force take what both leave of each other.
func TestCorruptionShare(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: Star(2, LinkConfig{Rate: 8 * Gbps}), Framing: Bare})
	for _, p := range []string{"20%", "30%"} {
		mustFault(t, "corruption", &n.topology, map[string]string{"link": "h0--s0", "probability": p}).Strike(n)
	}
	const packets = 20_000
	for range packets {
		n.Send(0, 1, 100, 0, 0)
	}
	run(t, n, model.Time(model.Second))
	want := 1 - 0.8*0.7
	got := float64(n.Counts().Dropped[model.Corrupted])
	if math.Abs(got-want*packets) > 5*math.Sqrt(packets*want*(1-want)) {
		t.Errorf("%v of %d packets are lost, want about %v", got, packets, want*packets)
	}
}

// Late packets are overtaken: each arrives as late as is drawn, in the order of arrival.
func TestReordering(t *testing.T) {
	for _, twoEvent := range []bool{false, true} {
		n := newNetwork(t, 1, Config{Topology: Star(2, LinkConfig{Rate: 8 * Gbps}), Framing: Bare, TwoEventPorts: twoEvent})
		late, order, before := 0, 0, uint64(0)
		n.kernel.Records.Subscribe(model.KindSet(model.Hopped), func(r *model.Record) {
			due := model.Time(r.Packet) * model.Time(100*model.Nanosecond)
			switch r.At {
			case due:
			case due.Add(450 * model.Nanosecond):
				late++
			default:
				t.Errorf("packet %d arrives at %v", r.Packet, r.At)
			}
			if r.Packet < before {
				order++
			}
			before = r.Packet
		})
		f := mustFault(t, "reordering", &n.topology, map[string]string{"link": "h0--s0", "probability": "25%", "late": "450ns"})
		const packets = 4000
		n.Schedule(f, 0, model.Duration(packets)*100*model.Nanosecond)
		for range packets {
			n.Send(0, 1, 100, 0, 0)
		}
		run(t, n, model.Time(model.Second))
		if c := n.Counts(); c.Delivered != packets {
			t.Errorf("%d of %d packets are delivered", c.Delivered, packets)
		}
		if math.Abs(float64(late)-packets/4) > 5*math.Sqrt(packets*0.25*0.75) || order == 0 || order > late {
			t.Errorf("%d packets are late and %d come behind a later one", late, order)
		}
	}
}

// The share of parted pairs is the probability, within five standard deviations; one-way
// pairs are drawn for each direction by itself.
func TestPartialShare(t *testing.T) {
	top := Star(100, testEdge)
	for _, oneWay := range []string{"false", "true"} {
		f := mustFault(t, "partition-partial", &top, map[string]string{"probability": "5%", "one_way": oneWay}).(*ruleDrop)
		parted := map[hostPair]bool{}
		for _, r := range f.rules {
			parted[hostPair{NodeID(r.From), NodeID(r.To)}] = true
		}
		both := 0
		for p := range parted {
			if parted[hostPair{p.to, p.from}] {
				both++
			}
		}
		draws, each := 4950.0, 2.0
		if oneWay == "true" {
			draws, each = 9900, 1
		}
		got := float64(len(parted)) / each
		if math.Abs(got-draws/20) > 5*math.Sqrt(draws*0.05*0.95) || len(parted) != len(f.rules) {
			t.Errorf("one way: %s: %d parted ordered pairs", oneWay, len(parted))
		}
		if oneWay == "false" && both != len(parted) || oneWay == "true" && both > len(parted)/4 {
			t.Errorf("one way: %s: %d of %d are parted in both directions", oneWay, both, len(parted))
		}
	}
}

// What a fault draws at random is what Settle names, so that the settled fault is the same.
func TestSettle(t *testing.T) {
	top := FatTree(4, testEdge, testCore)
	for _, kind := range AllFaults() {
		for seed := range uint64(20) {
			given := anyParams(kind, sim.NewStream(seed, "given"))
			for _, d := range kind.Params {
				if d.Name == "direction" && d.Default != "in" {
					given[d.Name] = random
				}
			}
			drawn, err := newFault(kind.Name, &top, sim.NewStream(seed, "fault"), given)
			if err != nil {
				t.Fatal(err)
			}
			p, _ := model.NewParams(kind.Params, given)
			p = kind.Settle(p, &top, sim.NewStream(seed, "fault"))
			settled := map[string]string{}
			for name, value := range p.All() {
				if value == random {
					t.Errorf("%s: %s is still random", kind.Name, name)
				}
				settled[name] = value
			}
			again, err := newFault(kind.Name, &top, sim.NewStream(seed, "fault"), settled)
			if err != nil {
				t.Fatal(err)
			}
			strip := func(f Fault) string {
				if flapping, is := f.(*linkFlapping); is { // its stream is another one
					return fmt.Sprint(flapping.links, flapping.down, flapping.up)
				}
				return fmt.Sprintf("%#v", f)
			}
			if kind.Name != "partition-partial" && strip(drawn) != strip(again) {
				t.Fatalf("%s %v: %s was drawn, and %s is settled as %v", kind.Name, given, strip(drawn), strip(again), p)
			}
		}
	}
}

// A packet that is late meets the switch as it is when it comes: crashed, or with a rule;
// and it crosses a link that has gone down behind it.
func TestLatePacketsMeetTheSwitch(t *testing.T) {
	for _, c := range []struct {
		kind  string
		given map[string]string
		want  model.DropCause
	}{
		{"switch-crash", map[string]string{"switch": "s0"}, model.SwitchDown},
		{"rule-drop", map[string]string{"from": "h0"}, model.RuleDrop},
		{"link-down", map[string]string{"link": "h0--s0"}, model.NotDropped},
	} {
		n := newNetwork(t, 1, Config{Topology: Star(2, LinkConfig{Rate: 8 * Gbps}), Framing: Bare})
		late := mustFault(t, "reordering", &n.topology, map[string]string{"link": "h0--s0", "probability": "1", "late": "1us"})
		n.Schedule(late, 0, 500*model.Nanosecond)
		n.Schedule(mustFault(t, c.kind, &n.topology, c.given), model.Time(600*model.Nanosecond), -1)
		n.kernel.Arm(n.kernel.NewTimer(&sender{n}, 0), 0)
		run(t, n, model.Time(800*model.Nanosecond))
		if n.InFlight() != 1 {
			t.Fatalf("%s: %d packets in flight", c.kind, n.InFlight())
		}
		run(t, n, model.Time(model.Second))
		got := n.Counts()
		if c.want == model.NotDropped && got.Delivered != 1 || c.want != model.NotDropped && got.Dropped[c.want] != 1 {
			t.Errorf("%s: %+v", c.kind, got)
		}
	}
}

// sender sends one packet from host 0 to host 1.
type sender struct{ n *Network }

func (s *sender) Fire(uint32) { s.n.Send(0, 1, 100, 0, 0) }
