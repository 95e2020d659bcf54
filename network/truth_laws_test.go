package network

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"suspect/model"
	"suspect/sim"
)

// idleProcesses gives every host a process that does nothing.
func idleProcesses(n *Network) {
	idle := func() model.Automaton { return &beats{next: model.Never} }
	for h := range model.ProcessID(n.topology.Hosts) {
		n.Attach(h, 0, Panel{New: []func() model.Automaton{idle}, Detectors: []uint8{0}})
	}
}

// fingerprint describes all of the state of a network that faults change, and where each
// switch sends the packets of some flows.
func fingerprint(n *Network) string {
	var b strings.Builder
	t := &n.topology
	for l := range LinkID(len(n.ports)) {
		f := impaired{}
		if n.impaired[l] != nil {
			f = *n.impaired[l]
		}
		fmt.Fprintln(&b, "link", l, n.linkDown[l], n.rates[l], n.LossOf(l), f.silent, len(f.slow), len(f.corrupt), len(f.mangle),
			len(f.late), len(f.double), n.ports[l].flags&portInspected)
	}
	for s, down := range n.switchDown {
		at := NodeID(s + t.Hosts)
		fmt.Fprintln(&b, "switch", s, down)
		for h := range NodeID(t.Hosts) {
			for label := range uint32(4) {
				l, ok := n.NextHop(at, h, n.Flow(0, h, label))
				fmt.Fprintln(&b, "route", s, h, label, l, ok)
			}
		}
	}
	fmt.Fprintln(&b, "rules", n.rules.list, len(n.rules.pairs))
	for p := range n.processes {
		pr := &n.processes[p]
		slow := 0
		if pr.slow != nil {
			slow = len(pr.slow.by)
		}
		drift := int64(0)
		if n.clocks != nil {
			drift = n.clocks[p].drift
		}
		fmt.Fprintln(&b, "process", p, n.hostDown[p], pr.crashes, pr.running, pr.pauses, pr.wedged, slow, pr.queues, drift)
	}
	return b.String()
}

// When all faults have healed, and the protocols have had their time, the network is as
// before, and nothing is true of it any more.
func TestHealingRestores(t *testing.T) {
	parameters := gopter.DefaultTestParametersWithSeed(5)
	properties := gopter.NewProperties(parameters)
	struck, held := map[string]int{}, 0
	properties.Property("healing restores", prop.ForAll(
		func(seed uint64, faultCount int) (string, error) {
			s := sim.NewStream(seed, "healing")
			config, c := randomTruth(seed, s)
			c.Forbidden, c.Definitions = nil, nil // so that long times pass at once
			n, err := New(sim.New(seed), config)
			if err != nil {
				return "", err
			}
			idleProcesses(n)
			told := heard(t, n)
			if _, err := n.WatchTruth(c); err != nil {
				return "", err
			}
			run(t, n, 1)
			before := fingerprint(n)
			kinds := AllFaults()
			for range faultCount {
				kind := kinds[s.IntN(len(kinds))]
				f, err := newFault(kind.Name, &n.topology, s, anyParams(kind, s))
				if err != nil {
					continue
				}
				struck[kind.Name]++
				n.Schedule(f, 1+model.Time(s.IntN(int(100*us))), model.Duration(s.IntN(int(100*us))))
			}
			run(t, n, model.Time(150*us))
			held += len(told)
			run(t, n, model.Time(300*model.Second))
			if diff := cmp.Diff(before, fingerprint(n)); diff != "" {
				return "not as before:\n" + diff, nil
			}
			if len(told) != 0 {
				return "still told:\n" + told.String(), nil
			}
			if n.InFlight() != 0 && config.Routing.Use == Static {
				return fmt.Sprintf("%d packets are left", n.InFlight()), nil
			}
			return "", nil
		},
		seeds, gen.IntRange(1, 8),
	))
	properties.TestingRun(t)
	if held < 100 {
		t.Errorf("only %d failures held", held)
	}
	for _, kind := range AllFaults() {
		if struck[kind.Name] == 0 {
			t.Errorf("%s never struck", kind.Name)
		}
	}
}

// paramsWithin draws what a kind of fault must be given to strike the nodes of a region
// alone; ok is false for kinds that reach beyond any region.
func paramsWithin(kind FaultSpec, t *Topology, region []NodeID, s *sim.Stream) (given map[string]string, ok bool) {
	switch kind.Name {
	case "misorigination", "partition-subtree", "power-failure":
		return nil, false
	}
	in := t.set(region)
	host := region[s.IntN(2)] // the first two are hosts
	l := LinkID(-1)
	for l < 0 || !in[t.Links[l/2].A] || !in[t.Links[l/2].B] || int(t.Links[l/2].A) < t.Hosts {
		l = LinkID(2 * s.IntN(len(t.Links)))
	}
	a, b := t.Ends(l)
	given = anyParams(kind, s)
	for _, p := range kind.Params {
		switch p.Name {
		case "link":
			given["link"] = t.Names[a] + "--" + t.Names[b]
		case "host", "process":
			given[p.Name] = t.Names[host]
		case "switch":
			given["switch"] = t.Names[a]
		case "port":
			given["port"] = t.Names[b]
		case "side":
			given["side"] = t.Names[host]
		}
	}
	if kind.Name == "partition-partial" {
		given = map[string]string{"from": t.Names[region[0]], "to": t.Names[region[1]]}
	}
	return given, true
}

// twoRegions joins two random networks of three hosts each by a link that nobody uses. It
// returns the nodes of each, hosts first.
func twoRegions(s *sim.Stream) (top Topology, a, b []NodeID) {
	const hosts, switches = 3, 3
	builder := newBuilder(2 * hosts)
	first := builder.nodes(2*switches, "s%d")
	for side := range NodeID(2) {
		part := randomTopology(hosts, switches, s.IntN(3), s)
		node := func(x NodeID) NodeID {
			if x < hosts {
				return side*hosts + x
			}
			return first + side*switches + x - hosts
		}
		for _, l := range part.Links {
			l.A, l.B = node(l.A), node(l.B)
			if int(l.A) < 2*hosts { // links begin at a switch, for paramsWithin
				l.A, l.B = l.B, l.A
			}
			c := LinkConfig{Rate: BitRate(1+s.IntN(3)) * Gbps, Delay: us}
			c.Buffer.Packets = int32(2 + s.IntN(5))
			l.AtoB, l.BtoA = c, c
			builder.Links = append(builder.Links, l)
		}
		for x := range NodeID(hosts + switches) {
			if side == 0 {
				a = append(a, node(x))
			} else {
				b = append(b, node(x))
			}
		}
	}
	builder.Links = append(builder.Links, Link{A: first, B: first + switches, AtoB: testCore, BtoA: testCore})
	return builder.Topology, a, b
}

// A fault in one region of a network changes no record of another whose packets do not
// cross the first: of its packets, its elements, its processes or the truth about them. What
// differs are the numbers of packets, which count all.
func TestFaultsElsewhereChangeNothing(t *testing.T) {
	parameters := gopter.DefaultTestParametersWithSeed(7)
	properties := gopter.NewProperties(parameters)
	struck := map[string]int{}
	records, truths, elsewhere := 0, 0, 0
	properties.Property("faults elsewhere change nothing", prop.ForAll(
		func(seed uint64, faultCount, kindNumber int) (string, error) {
			kinds := AllFaults()
			extra := kinds[kindNumber%len(kinds)]
			var streams [2][]string
			for arm := range streams {
				s := sim.NewStream(seed, "regions")
				top, a, b := twoRegions(s)
				n, err := New(sim.New(seed), Config{Topology: top})
				if err != nil {
					return "", err
				}
				idleProcesses(n)
				in := top.set(a)
				n.kernel.Records.Subscribe(model.AllKinds, func(r *model.Record) {
					switch {
					case r.Kind == model.RuleSet || r.Kind == model.RuleLifted:
						if r.Place >= 0 && !in[NodeID(r.Place)] || r.Place < 0 && r.Process >= 0 && !in[NodeID(r.Process)] {
							return
						}
					case !in[NodeID(r.Process)]:
						if arm == 1 && r.Kind == model.FailureBegan {
							elsewhere++
						}
						return
					}
					x := *r
					x.Packet = 0
					if x.Kind == model.FailureBegan {
						truths++
					}
					streams[arm] = append(streams[arm], x.String())
				})
				for i, region := range [][]NodeID{a[:3], b[:3]} {
					for _, x := range []Traffic{
						{Kind: Poisson, Rate: Gbps / 2, Bytes: 700, Priority: 5},
						{Kind: Bulk, Bytes: 1500},
					} {
						x.Name, x.From, x.To = fmt.Sprint(x.Kind, i), region, region
						if x.Kind == Bulk {
							x.From, x.To = region[:1], region[1:]
						}
						if err := n.AddTraffic(x); err != nil {
							return "", err
						}
					}
				}
				c := DefaultTruth(5)
				c.Wait, c.Slot, c.Window, c.Flaps, c.Slow = 5*us, 3*us, 60*us, 50*us, us
				c.Definitions = []CongestionDefinition{ByReference, ByLoss, ByDelay, ByUtilisation, ByPersistence}
				c.Classes, c.Persistence = []model.Priority{5, 0}, 10*us
				c.Pairs = make([][]model.ProcessID, top.Hosts)
				for p := range c.Pairs {
					for q := range model.ProcessID(top.Hosts) {
						if int(q) != p && int(q)/3 == p/3 {
							c.Pairs[p] = append(c.Pairs[p], q)
						}
					}
				}
				if _, err := n.WatchTruth(c); err != nil {
					return "", err
				}
				span := sim.Distribution{Kind: sim.Exponential, Mean: 40 * us}
				strike := func(kind FaultSpec, region []NodeID, s *sim.Stream) (bool, error) {
					given, ok := paramsWithin(kind, &top, region, s)
					if !ok {
						return false, nil
					}
					f, err := newFault(kind.Name, &top, s, given)
					if err == nil {
						n.ScheduleEvery(f, span, span, span, s)
					}
					return true, err
				}
				for i := range faultCount {
					s := sim.NewStream(seed, fmt.Sprint("fault", i))
					if _, err := strike(kinds[s.IntN(len(kinds))], a, s); err != nil {
						return "", err
					}
				}
				if arm == 1 {
					ok, err := strike(extra, b, sim.NewStream(seed, "extra"))
					if err != nil {
						return "", err
					}
					if ok {
						struck[extra.Name]++
					}
				}
				if err := n.kernel.Run(model.Time(200*us), sim.Budget{}); err != nil {
					return "", err
				}
			}
			records += len(streams[0])
			if !slices.Equal(streams[0], streams[1]) {
				return extra.Name + ":\n" + cmp.Diff(streams[0], streams[1]), nil
			}
			return "", nil
		},
		seeds, gen.IntRange(0, 3), gen.IntRange(0, 1000),
	))
	properties.TestingRun(t)
	if len(struck) < 20 || records < 10_000 || truths < 100 || elsewhere < 100 {
		t.Errorf("%d kinds of faults, %d records, %d of the truth, and %d elsewhere", len(struck), records, truths, elsewhere)
	}
}

// What holds between whom under each fault, by hand, on two leaves with two hosts each under
// one spine, and with two spines.
func TestTruthByHand(t *testing.T) {
	for _, c := range []struct {
		spines int
		kind   string
		given  map[string]string
		want   []string // of some pairs
	}{
		{1, "process-crash", map[string]string{"process": "h1"}, []string{"h0>h1 process-crash", "h2>h1 process-crash", "h1>h0 -", "h0>h2 -"}},
		{1, "host-crash", map[string]string{"host": "h1"}, []string{"h0>h1 host-crash", "h1>h0 -", "h0>h2 -"}},
		{1, "pause", map[string]string{"process": "h1"}, []string{"h0>h1 stall", "h1>h0 -"}},
		{1, "wedge", map[string]string{"process": "h1"}, []string{"h0>h1 wedge", "h1>h0 -"}},
		{1, "host-slow", map[string]string{"host": "h1", "each": "999us"}, []string{"h0>h1 -"}},
		{1, "host-slow", map[string]string{"host": "h1", "each": "1ms"}, []string{"h0>h1 stall", "h1>h0 -"}},
		{1, "link-down", map[string]string{"link": "h1--leaf0"}, []string{"h0>h1 partition both", "h1>h0 partition both", "h2>h1 partition both", "h0>h2 -"}},
		{1, "link-one-way", map[string]string{"link": "h1--leaf0", "direction": "h1"}, []string{"h0>h1 partition backward", "h1>h0 partition forward"}},
		{1, "nic-one-way", map[string]string{"host": "h1"}, []string{"h0>h1 partition forward", "h1>h2 partition backward", "h0>h2 -"}},
		{1, "switch-crash", map[string]string{"switch": "leaf0"}, []string{"h0>h1 partition both", "h0>h2 partition both", "h2>h3 -"}},
		{1, "switch-crash", map[string]string{"switch": "spine0"}, []string{"h0>h1 -", "h0>h2 partition both", "h2>h3 -"}},
		{1, "partition", map[string]string{"side": "h2--leaf1--h3", "lost": "in"}, []string{"h0>h2 partition forward", "h3>h1 partition backward", "h2>h3 -"}},
		{1, "link-slow", map[string]string{"link": "leaf0--spine0"}, []string{"h0>h2 -"}},
		{1, "corruption", map[string]string{"link": "leaf0--spine0", "direction": "leaf0", "probability": "0.1%"}, []string{"h0>h2 corruption forward", "h3>h1 corruption backward", "h0>h1 -"}},
		{1, "corruption-undetected", map[string]string{"link": "h1--leaf0", "probability": "0.1%"}, []string{"h0>h1 corruption both", "h0>h2 -"}},
		{1, "rule-drop", map[string]string{"priority": "3"}, []string{"h0>h1 policy-violation both", "h0>h2 policy-violation both"}},
		{1, "rule-drop", map[string]string{"priority": "4"}, []string{"h0>h1 -", "h0>h2 -"}},
		{1, "rule-drop", map[string]string{"switch": "spine0", "to": "h0"}, []string{"h0>h1 -", "h2>h0 policy-violation forward", "h0>h2 policy-violation backward"}},
		{1, "partition-partial", map[string]string{"from": "h0", "to": "h1--h2", "one_way": "true"}, []string{"h0>h1 policy-violation forward", "h2>h0 policy-violation backward", "h0>h3 -"}},
		// Static routes do not react: a second spine would do, and is not used.
		{2, "link-down", map[string]string{"link": "leaf0--spine0", "direction": "leaf0"}, []string{"h0>h1 -", "h0>h2 route-failure forward", "h2>h0 route-failure backward"}},
		{2, "switch-crash", map[string]string{"switch": "spine0"}, []string{"h0>h2 route-failure both", "h2>h0 route-failure both", "h2>h3 -"}},
		{2, "switch-crash", map[string]string{"switch": "spine1"}, []string{"h0>h2 -", "h2>h3 -"}},
		{2, "misorigination", map[string]string{"switch": "leaf1", "host": "h0"}, []string{"h2>h0 route-failure forward", "h0>h2 route-failure backward", "h0>h1 -"}},
	} {
		n := newNetwork(t, 1, Config{Topology: LeafSpine(2, c.spines, 2, testEdge, testCore)})
		config := DefaultTruth(3)
		// The flows of h0 and h2 cross spine0 both ways under this label.
		for c.spines == 2 && !slices.Equal(crossed(n, config.Label, "spine0"), []bool{true, true}) {
			config.Label++
		}
		truth, err := n.WatchTruth(config)
		if err != nil {
			t.Fatal(err)
		}
		told := heard(t, n)
		idleProcesses(n)
		run(t, n, 1)
		f := mustFault(t, c.kind, &n.topology, c.given)
		f.Strike(n)
		for _, want := range c.want {
			from, to, _ := strings.Cut(strings.Fields(want)[0], ">")
			p, _ := n.topology.Node(from)
			q, _ := n.topology.Node(to)
			got := []string{from + ">" + to}
			kinds := truth.Kinds(model.ProcessID(p), model.ProcessID(q))
			for k := range model.FailureKinds {
				if d, holds := truth.Holds(model.ProcessID(p), model.ProcessID(q), k); holds {
					got = append(got, k.String())
					if d != 0 {
						got = append(got, d.String())
					}
				}
			}
			if label, ok := truth.Label(model.ProcessID(p), model.ProcessID(q)); ok != (kinds != 0) || ok && label.String() != got[1] {
				t.Errorf("%s %v: label %v of %v", c.kind, c.given, label, kinds)
			}
			if len(got) == 1 {
				got = append(got, "-")
			}
			if g := strings.Join(got, " "); g != want {
				t.Errorf("%s %v: got %s, want %s", c.kind, c.given, g, want)
			}
		}
		run(t, n, 2)
		affected := slices.ContainsFunc(c.want, func(w string) bool { return !strings.HasSuffix(w, " -") })
		if c.spines == 1 && affected != (len(told) > 0) || affected && len(told) == 0 {
			t.Errorf("%s %v: told\n%v", c.kind, c.given, told)
		}
		f.Heal(n)
		run(t, n, 3)
		if len(told) != 0 {
			t.Errorf("%s %v, healed:\n%v", c.kind, c.given, told)
		}
	}
}

// A packet that is sent to a wrong host crosses the link to that one, and no more when it is
// down.
func TestPathToAWrongHost(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: Star(3, testEdge)})
	to := n.uplinks[2] ^ 1
	c := DefaultTruth(7)
	c.Forbidden = []model.Place{model.LinkPlace(int32(to))}
	truth, err := n.WatchTruth(c)
	if err != nil {
		t.Fatal(err)
	}
	told := heard(t, n)
	n.routes.spread()
	n.routes.install(3, 1, []LinkID{to})
	n.emitRoute(3)
	run(t, n, 1)
	if got, want := truth.Kinds(0, 1), model.FailuresOf(model.RouteFailure, model.PolicyViolation); got != want {
		t.Errorf("over the forbidden link: %v, want %v", got, want)
	}
	n.SetLink(to, false)
	run(t, n, 2)
	if got, want := truth.Kinds(0, 1), model.FailuresOf(model.RouteFailure); got != want {
		t.Errorf("over the link that is down: %v, want %v", got, want)
	}
	if got, want := truth.Kinds(0, 2), model.FailuresOf(model.Partition); got != want {
		t.Errorf("to the host itself: %v, want %v", got, want)
	}
	if len(told) == 0 {
		t.Error("nothing was told")
	}
}

// crossed tells whether packets from h0 to h2, and back, cross a switch.
func crossed(n *Network, label uint32, name string) []bool {
	at, _ := n.topology.Node(name)
	via := func(from, to NodeID) bool {
		return slices.ContainsFunc(n.appendRoute(nil, from, to, label), func(l LinkID) bool { return n.ports[l].to == at })
	}
	return []bool{via(0, 2), via(2, 0)}
}

// A port is idle for exactly the time that no packet on it explains, and a queue of a known
// length congests it from the first slot on in which its share of the window is passed.
func TestCongestionInClosedForm(t *testing.T) {
	for _, twoEvent := range []bool{false, true} {
		// A packet of 1000 bytes lasts 1 us.
		n := newNetwork(t, 1, Config{Topology: Star(3, LinkConfig{Rate: 8 * Gbps}), Framing: Bare, TwoEventPorts: twoEvent, MessageBytes: 1000})
		c := DefaultTruth(0)
		c.Definitions = []CongestionDefinition{ByReference, ByDelay, ByUtilisation, ByPersistence}
		c.Wait, c.Slot, c.Window, c.Share, c.Persistence = 10*us, 5*us, 100*us, 0.1, 20*us
		if _, err := n.WatchTruth(c); err != nil {
			t.Fatal(err)
		}
		log := new([]string)
		n.kernel.Records.Subscribe(model.KindSet(model.FailureBegan, model.FailureEnded), func(r *model.Record) {
			if r.Process == 0 && r.Peer == 1 {
				*log = append(*log, fmt.Sprintf("%v %v %v by %d", r.At, r.Kind, model.Directions(r.Seq), r.Detector))
			}
		})
		// 61 packets leave h0 from 7 us to 68 us. At the end of a slot at t wait 68 us - t of
		// transmission there, and 1 us at the switch, which sends each as it comes.
		n.Schedule(burst{61}, model.Time(7*us), -1)
		run(t, n, model.Time(300*us))
		want := []string{
			"10us failure-began forward by 2",  // it waits 59 us
			"20us failure-began forward by 0",  // 3 of 20 slots
			"40us failure-began forward by 4",  // for 20 us
			"60us failure-ended forward by 2",  // at 55 us: 14 us, and now 9 us
			"145us failure-ended forward by 0", // the slots of 50 us and 55 us are left of the bad ones
			"145us failure-ended forward by 4",
		}
		if twoEvent && len(*log) == 0 {
			t.Error("nothing was told")
		}
		if diff := cmp.Diff(want, *log); diff != "" {
			t.Errorf("two events: %v:\n%s", twoEvent, diff)
		}
		if got, want := n.idle(0), model.Duration(300-61)*us; got != want {
			t.Errorf("two events: %v: h0 was idle for %v, want %v", twoEvent, got, want)
		}
		if got, want := n.idle(n.uplinks[1]^1), model.Duration(300-61)*us; got != want {
			t.Errorf("two events: %v: the switch was idle for %v, want %v", twoEvent, got, want)
		}
	}
}

// A port whose link is down is idle, and so it is after a transmission that was cut short.
func TestBrokenPortsAreIdle(t *testing.T) {
	for _, twoEvent := range []bool{false, true} {
		n := newNetwork(t, 1, Config{Topology: Star(2, LinkConfig{Rate: 8 * Gbps}), Framing: Bare, TwoEventPorts: twoEvent})
		at := func(when model.Duration, what func()) {
			run(t, n, model.Time(when))
			what()
		}
		send := func() { n.Send(0, 1, 1000, 0, 0) } // takes 1 us
		at(5*us, send)                              // done at 6 us
		at(10*us, func() { n.SetLink(0, false) })   // while idle
		at(20*us, func() { n.SetLink(0, true) })
		at(30*us, send)
		at(30*us+400*model.Nanosecond, func() { n.SetLink(0, false) }) // in the midst of it
		at(35*us, func() { n.SetLink(0, true) })
		at(40*us, send)
		run(t, n, model.Time(50*us))
		if got, want := n.idle(0), 50*us-us-400*model.Nanosecond-us; got != want {
			t.Errorf("two events: %v: idle for %v, want %v", twoEvent, got, want)
		}
	}
}

// What is lost of a class while a rule keeps the class of a pair from its way is no congestion
// of the pair, then or when the rule is lifted; of another class or pair on the same way it is.
func TestLossUnderARule(t *testing.T) {
	slow := LinkConfig{Rate: Gbps, Buffer: Buffer{Packets: 2}}
	top := Star(3, LinkConfig{Rate: 8 * Gbps})
	top.Links[1].BtoA = slow // to h1
	n := newNetwork(t, 1, Config{Topology: top, Framing: Bare, MessageBytes: 1000})
	c := DefaultTruth(0)
	c.Classes, c.Definitions = []model.Priority{0, 7}, []CongestionDefinition{ByLoss}
	c.Slot, c.Window, c.Share = 10*us, 100*us, 0.1
	truth, err := n.WatchTruth(c)
	if err != nil {
		t.Fatal(err)
	}
	rule := Rule{At: Everywhere, From: 2, To: 1, Priority: 0}
	n.at(atUs(1), func() { n.SetRule(rule) })
	for slot := range int64(5) { // five slots of ten in which the switch loses packets to h1
		n.Schedule(burst{9}, atUs(10*slot+2), -1)
		n.at(atUs(10*slot+2), func() {
			for range 9 {
				n.Send(2, 1, 1000, 7, 0)
			}
		})
	}
	n.at(atUs(55), func() { n.LiftRule(rule) })
	for at, lossy := range map[int64]bool{50: true, 56: true, 75: true, 300: false} {
		n.at(atUs(at)+1, func() {
			for _, from := range []model.ProcessID{0, 2} {
				for _, class := range c.Classes {
					got, want := truth.Congested(from, 1, class, ByLoss), lossy && (from != 2 || class != 0)
					if (got&model.Forward != 0) != want {
						t.Errorf("at %d us from h%d at priority %d: congestion %v, want %v", at, from, class, got, want)
					}
				}
			}
		})
	}
	run(t, n, model.Time(400*us))
	if n.Counts().Dropped[model.BufferFull] < 5 {
		t.Errorf("%d packets were lost", n.Counts().Dropped[model.BufferFull])
	}
}

// burst sends so many packets at once.
type burst struct{ packets int }

func (b burst) Strike(n *Network) {
	for range b.packets {
		n.Send(0, 1, 1000, 0, 0)
	}
}

func (b burst) Heal(*Network) {}

// A port that is used for 96 % or 94 % of the time is above and below 95 %.
func TestUtilisation(t *testing.T) {
	for gap, congested := range map[model.Duration]bool{1040 * model.Nanosecond: true, 1065 * model.Nanosecond: false} {
		n := newNetwork(t, 1, Config{Topology: Star(2, LinkConfig{Rate: 8 * Gbps}), Framing: Bare})
		mustAdd(t, n, Traffic{Kind: Periodic, Name: "x", From: hosts(1), To: []NodeID{1}, Period: gap, Bytes: 1000})
		c := DefaultTruth(7)
		c.Definitions, c.Slot, c.Window = []CongestionDefinition{ByUtilisation}, 10*us, 1000*us
		truth, err := n.WatchTruth(c)
		if err != nil {
			t.Fatal(err)
		}
		run(t, n, model.Time(5*model.Millisecond))
		if d := truth.Congested(0, 1, 7, ByUtilisation); (d == model.Forward) != congested || d&model.Backward != 0 {
			t.Errorf("a packet of 1 us each %v: congestion %v", gap, d)
		}
	}
}

func TestTruthConfigIsValidated(t *testing.T) {
	top := Star(3, testEdge)
	for want, change := range map[string]func(c *TruthConfig){
		"": func(c *TruthConfig) {},
		"pairs of 2 processes are given, and there are 3":                        func(c *TruthConfig) { c.Pairs = make([][]model.ProcessID, 2) },
		"pairs of process 1: [0 1] must be other processes, in increasing order": func(c *TruthConfig) { c.Pairs = [][]model.ProcessID{nil, {0, 1}, nil} },
		"pairs of process 0: [2 1] must be other processes, in increasing order": func(c *TruthConfig) { c.Pairs = [][]model.ProcessID{{2, 1}, nil, nil} },
		"no class is given": func(c *TruthConfig) { c.Classes = nil },
		"classes [7 7] must be different priorities from 0 to 7":                 func(c *TruthConfig) { c.Classes = []model.Priority{7, 7} },
		"definitions of congestion [delay delay]: each is given once":            func(c *TruthConfig) { c.Definitions = []CongestionDefinition{ByDelay, ByDelay} },
		"slot of 0s: it must be above zero and at most 4611686.018427387904s":    func(c *TruthConfig) { c.Slot = 0 },
		"the window of 1s must be a whole number of slots of 3ms, at most 10000": func(c *TruthConfig) { c.Slot = 3 * model.Millisecond },
		"share of 1: it must be at least 0 and below 1":                          func(c *TruthConfig) { c.Share = 1 },
		"1001 changes of a route: from 0 to 1000":                                func(c *TruthConfig) { c.Changes = 1001 },
		"node=1 is neither a link nor a switch, which a path could cross":        func(c *TruthConfig) { c.Forbidden = []model.Place{model.NodePlace(1)} },
		"link=6 is neither a link nor a switch, which a path could cross":        func(c *TruthConfig) { c.Forbidden = []model.Place{model.LinkPlace(6)} },
		"reference packets of 100000 bytes: they have at most 65536":             func(c *TruthConfig) { c.Bytes = 100_000 },
		"a wait of -1ps and a persistence of 1s must not be negative":            func(c *TruthConfig) { c.Wait = -1 },
	} {
		c := DefaultTruth(7)
		change(&c)
		got := ""
		if err := c.Validate(&top); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for text, want := range map[string]string{
		"s0": "[node=3]", "h1--s0": "[link=2 link=3]", "h1": "h1 is a host, which no path crosses", "h1--h2": "there is no link between h1 and h2",
	} {
		places, err := top.Places(text)
		got := fmt.Sprint(places)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
