package network

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"suspect/model"
	"suspect/sim"
)

// newFault makes a fault as a scenario does.
func newFault(kind string, t *Topology, s *sim.Stream, given map[string]string) (Fault, error) {
	spec, ok := LookupFault(kind)
	if !ok {
		return nil, fmt.Errorf("no fault %q", kind)
	}
	p, errs := model.NewParams(spec.Params, given)
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	return spec.New(p, t, s)
}

func mustFault(tb testing.TB, kind string, t *Topology, given map[string]string) Fault {
	tb.Helper()
	f, err := newFault(kind, t, sim.NewStream(1, "fault"), given)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

func newNetwork(tb testing.TB, seed uint64, c Config) *Network {
	tb.Helper()
	n, err := New(sim.New(seed), c)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func run(tb testing.TB, n *Network, until model.Time) {
	tb.Helper()
	if err := n.kernel.Run(until, sim.Budget{}); err != nil {
		tb.Fatal(err)
	}
}

func TestFaultsAreRegistered(t *testing.T) {
	var names []string
	for _, s := range AllFaults() {
		names = append(names, s.Name)
		if s.Source == "" || s.Doc == "" || s.New == nil {
			t.Errorf("%s lacks something", s.Name)
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("not sorted: %v", names)
	}
	for _, name := range []string{"process-crash", "process-exit", "host-crash", "link-down", "link-loss", "pause", "clock-drift", "clock-step",
		"link-one-way", "link-flapping", "link-slow", "nic-one-way", "switch-crash", "port-failure", "partition",
		"partition-subtree", "partition-partial", "rule-drop", "corruption", "reordering", "host-slow",
		"duplication", "corruption-undetected", "link-bursts", "power-failure", "wedge", "switch-overload"} {
		if s, ok := LookupFault(name); !ok || s.Name != name {
			t.Errorf("%s is not registered", name)
		}
	}
	none := func(model.Params, *Topology, *sim.Stream) (Fault, error) { return nil, nil }
	for _, s := range []FaultSpec{{New: none}, {Name: "link-down", New: none}, {Name: "hollow"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a fault named %q could be registered", s.Name)
				}
			}()
			RegisterFault(s)
		}()
	}
}

func TestFaultParameters(t *testing.T) {
	top := FatTree(4, testEdge, testCore)
	for _, c := range []struct {
		kind  string
		given map[string]string
		want  string // fault or error
	}{
		{"process-crash", map[string]string{"process": "h3"}, "network.processCrash{process:3}"},
		{"process-crash", nil, `parameter "process": is required: the name of a host, or random`},
		{"process-crash", map[string]string{"process": "core0"}, `parameter "process": core0 is a switch; processes run on hosts`},
		{"process-crash", map[string]string{"process": "h16"}, `parameter "process": no host is named "h16"`},
		{"process-exit", map[string]string{"process": "h3"}, "network.processExit{process:3}"},
		{"host-crash", map[string]string{"host": "h15"}, "network.hostCrash{host:15}"},
		{"host-crash", map[string]string{"host": "x"}, `parameter "host": no host is named "x"`},
		{"link-down", map[string]string{"link": "h1--edge0-0"}, "network.linkDown{links:[]network.LinkID{2, 3}}"},
		{"link-down", map[string]string{"link": "edge0-0--h1"}, "network.linkDown{links:[]network.LinkID{3, 2}}"},
		{"link-down", map[string]string{"link": "h1--edge0-0", "direction": "h1"}, "network.linkDown{links:[]network.LinkID{2}}"},
		{"link-down", map[string]string{"link": "h1--edge0-0", "direction": "edge0-0"}, "network.linkDown{links:[]network.LinkID{3}}"},
		{"link-down", map[string]string{"link": "h1--edge0-0", "direction": "h2"}, `parameter "direction": "h2" is not an end of the link: h1 or edge0-0`},
		{"link-down", map[string]string{"link": "h1--h2"}, `parameter "link": there is no link between h1 and h2`},
		{"link-down", map[string]string{"link": "h1-edge0-0"}, `parameter "link": "h1-edge0-0" does not name two nodes as a--b`},
		{"link-down", nil, `parameter "link": is required: a--b, or random`},
		{"link-down", map[string]string{"link": "random", "direction": "h1"}, `parameter "direction": a random link has no known end (it may be random too)`},
		{"link-loss", map[string]string{"link": "h0--edge0-0", "probability": "5%"},
			"&network.linkLoss{links:[]network.LinkID{0, 1}, loss:network.Loss{Good:0.05, Bad:0, GoodToBad:0, BadToGood:0}}"},
		{"link-loss", map[string]string{"link": "h0--edge0-0", "good": "0.1", "bad": "0.5", "good_to_bad": "0.2", "bad_to_good": "1"},
			"&network.linkLoss{links:[]network.LinkID{0, 1}, loss:network.Loss{Good:0.1, Bad:0.5, GoodToBad:0.2, BadToGood:1}}"},
		{"link-loss", map[string]string{"link": "h0--edge0-0", "bad": "0.5"},
			"parameter \"good_to_bad\": is required, unless probability is given\nparameter \"bad_to_good\": is required, unless probability is given"},
		{"link-loss", map[string]string{"link": "h0--edge0-0", "probability": "0.5", "good": "0.5"},
			`parameter "good": excludes probability: a link has either`},
		{"pause", map[string]string{"process": "h3"}, "network.pause{process:3}"},
		{"pause", nil, `parameter "process": is required: the name of a host, or random`},
		{"clock-drift", map[string]string{"host": "h3", "drift": "-100ppm"}, "network.clockDrift{host:3, drift:-100000}"},
		{"clock-drift", nil, "parameter \"host\": is required: the name of a host, or random\nparameter \"drift\": is required: a drift, as 100ppm or -100ppm"},
		{"clock-drift", map[string]string{"host": "h3", "drift": "0ppm"}, `parameter "drift": a drift of zero changes nothing`},
		{"clock-drift", map[string]string{"host": "h3", "drift": "100"}, `parameter "drift": "100" is not a drift (write a number and a unit, as 50ppm, -200ppb or 0.1%)`},
		{"clock-step", map[string]string{"host": "h3", "step": "-5ms"}, "network.clockStep{host:3, step:-5000000000}"},
		{"clock-step", map[string]string{"host": "core0"}, "parameter \"host\": core0 is a switch; processes run on hosts\nparameter \"step\": is required: a duration, as 5ms or -5ms"},
		{"clock-step", map[string]string{"host": "h3", "step": "0s"}, `parameter "step": a step of zero changes nothing`},
		{"clock-step", map[string]string{"host": "h3", "step": "-1300h"}, `parameter "step": duration "-1300h" is longer than the longest run (4611686.018427387904s)`},
		{"link-one-way", map[string]string{"link": "h1--edge0-0", "direction": "edge0-0"}, "network.linkDown{links:[]network.LinkID{3}}"},
		{"link-one-way", map[string]string{"link": "h1--edge0-0", "direction": "in"}, `parameter "direction": "in" is not an end of the link: h1 or edge0-0`},
		{"link-flapping", map[string]string{"link": "h1--edge0-0", "down": "1ms"}, `parameter "up": is required: a duration or a distribution, as 30ms or "exponential(30ms)"`},
		{"link-flapping", map[string]string{"link": "h1--edge0-0", "down": "uniform(0s, 0s)", "up": "5"},
			"parameter \"down\": must not be zero\nparameter \"up\": duration \"5\" has no unit (write 5s, 5ms, 5us or 5ns)"},
		{"link-slow", map[string]string{"link": "h1--edge0-0"}, "network.linkSlow{links:[]network.LinkID{2, 3}, divisor:10}"},
		{"link-slow", map[string]string{"link": "h1--edge0-0", "divisor": "1"}, `parameter "divisor": 1 is out of range: from 2 to 1000000`},
		{"nic-one-way", map[string]string{"host": "h2"}, "network.nicOneWay{host:2, in:true}"},
		{"nic-one-way", map[string]string{"direction": "both"}, "parameter \"host\": is required: the name of a host, or random\nparameter \"direction\": \"both\" is neither in nor out"},
		{"switch-crash", map[string]string{"switch": "core0"}, "network.switchCrash{at:32}"},
		{"switch-crash", map[string]string{"switch": "h0"}, `parameter "switch": h0 is a host`},
		{"switch-crash", map[string]string{"switch": "core9"}, `parameter "switch": no switch is named "core9"`},
		{"switch-crash", nil, `parameter "switch": is required: the name of a switch, or random`},
		{"port-failure", map[string]string{"switch": "edge0-0", "port": "h1"}, "network.linkDown{links:[]network.LinkID{3, 2}}"},
		{"port-failure", map[string]string{"switch": "edge0-0", "port": "core0"}, `parameter "port": edge0-0 has no port to core0`},
		{"port-failure", map[string]string{"switch": "edge0-0", "port": "x"}, `parameter "port": no node is named "x"`},
		{"port-failure", map[string]string{"switch": "edge0-0"}, `parameter "port": is required: the name of the node at the other end, or random`},
		{"partition", map[string]string{"side": "h1--edge0-0--h0"}, "network.linkDown{links:[]network.LinkID{32, 33, 34, 35}}"},
		{"partition", map[string]string{"side": "h1--edge0-0--h0", "lost": "in"}, "network.linkDown{links:[]network.LinkID{33, 35}}"},
		{"partition", map[string]string{"side": "h1", "lost": "out"}, "network.linkDown{links:[]network.LinkID{2}}"},
		{"partition", map[string]string{"side": "h0--h1"}, `parameter "side": no links among its nodes join h0 and h1, which the cut would part too (name the switches between them; partition-partial parts hosts of one switch)`},
		{"partition", map[string]string{"side": "h0, h1"}, `parameter "side": no node is named "h0, h1" (write several as a list: [h0, h1])`},
		{"partition", map[string]string{"side": "h0--h99", "lost": "all"}, "parameter \"side\": no node is named \"h99\"\nparameter \"lost\": \"all\" is neither both, in nor out"},
		{"partition", nil, `parameter "side": is required: the name of a node, or a list of names`},
		{"partition-subtree", map[string]string{"below": "edge0-0"}, "network.linkDown{links:[]network.LinkID{32, 33, 34, 35}}"},
		{"partition-subtree", map[string]string{"below": "edge0-0", "lost": "out"}, "network.linkDown{links:[]network.LinkID{32, 34}}"},
		{"partition-subtree", map[string]string{"below": "core0"}, `parameter "below": all hosts are below core0: there is nobody to part them from`},
		{"partition-subtree", map[string]string{"below": "h0"}, `parameter "below": h0 is a host`},
		{"partition-subtree", map[string]string{"below": "x"}, `parameter "below": no switch is named "x"`},
		{"partition-subtree", nil, `parameter "below": is required: the name of a switch, or random`},
		{"partition-partial", map[string]string{"from": "h1", "to": "h0", "one_way": "true"}, "&network.ruleDrop{rules:[]network.Rule{network.Rule{At:-1, From:1, To:0, Priority:-1}}}"},
		{"partition-partial", map[string]string{"from": "h1", "to": "h0"}, "&network.ruleDrop{rules:[]network.Rule{network.Rule{At:-1, From:1, To:0, Priority:-1}, network.Rule{At:-1, From:0, To:1, Priority:-1}}}"},
		{"partition-partial", map[string]string{"from": "h1--h2", "to": "h2"}, `parameter "to": h2 is in from too`},
		{"partition-partial", map[string]string{"from": "core0"}, "parameter \"from\": core0 is a switch\nparameter \"to\": is required: the name of a host, or a list of names"},
		{"partition-partial", map[string]string{"from": "h0", "probability": "0.5"}, `parameter "from": excludes probability: pairs are named or drawn`},
		{"rule-drop", map[string]string{"priority": "7"}, "&network.ruleDrop{rules:[]network.Rule{network.Rule{At:-1, From:-1, To:-1, Priority:7}}}"},
		{"rule-drop", map[string]string{"switch": "core0", "from": "h1"}, "&network.ruleDrop{rules:[]network.Rule{network.Rule{At:32, From:1, To:-1, Priority:-1}}}"},
		{"rule-drop", map[string]string{"switch": "h0", "from": "core0", "to": "x", "priority": "8"},
			"parameter \"switch\": h0 is a host\nparameter \"from\": core0 is a switch\nparameter \"to\": no host is named \"x\"\nparameter \"priority\": 8 is out of range: from 0 to 7"},
		{"rule-drop", map[string]string{"from": "h1", "to": "h1"}, `parameter "to": h1 is from too: nothing goes from a host to itself`},
		{"host-slow", map[string]string{"host": "h3", "each": "20us"}, "network.hostSlow{host:3, each:sim.Distribution{Kind:0x0, Mean:20000000, Deviation:0, Low:0, High:0}}"},
		{"host-slow", nil, "parameter \"host\": is required: the name of a host, or random\nparameter \"each\": is required: a duration or a distribution, as 30ms or \"exponential(30ms)\""},
		{"corruption", map[string]string{"link": "h1--edge0-0", "direction": "h1", "probability": "1%"}, "network.corruption{links:[]network.LinkID{2}, probability:0.01}"},
		{"reordering", map[string]string{"link": "h1--edge0-0", "direction": "h1", "probability": "1%"}, `parameter "late": is required: a duration or a distribution, as 30ms or "exponential(30ms)"`},
		{"wedge", map[string]string{"process": "h3"}, "network.wedge{process:3}"},
		{"wedge", nil, `parameter "process": is required: the name of a host, or random`},
		{"duplication", map[string]string{"link": "h1--edge0-0", "direction": "h1", "probability": "1%"},
			"network.duplication{links:[]network.LinkID{2}, some:network.Doubling{Probability:0.01, Lag:sim.Distribution{Kind:0x0, Mean:0, Deviation:0, Low:0, High:0}}}"},
		{"duplication", map[string]string{"link": "h1--h2", "probability": "1%", "lag": "soon"},
			"parameter \"link\": there is no link between h1 and h2\nparameter \"lag\": \"soon\" is not a duration (write a number and a unit, as 10ms)"},
		{"corruption-undetected", map[string]string{"link": "h1--edge0-0", "probability": "1%"}, "network.corruptionUndetected{links:[]network.LinkID{2, 3}, probability:0.01}"},
		{"corruption-undetected", map[string]string{"link": "h1--edge0-0"}, `parameter "probability": is required (probability: that bits of a message change, independent of the others)`},
		{"link-bursts", map[string]string{"link": "h1--edge0-0", "direction": "h1"}, "network.linkBursts{links:[]network.LinkID{2}, bursts:network.Bursts{Slot:5000000000, Bad:0.1, Loss:0.05, Mean:1.1111111111111112}}"},
		{"link-bursts", map[string]string{"link": "h1--edge0-0", "slot": "0s", "bad": "100%"},
			"parameter \"slot\": 0s must be longer than 0s and at most 4611686.018427387904s\nparameter \"bad\": all slots would be bad (link-loss loses packets all the time)"},
		{"link-bursts", map[string]string{"link": "h1--edge0-0", "burst": "1.1"}, `parameter "burst": 1.1 slots in a row are fewer than if slots were independent (at least 1.111 of 0.1)`},
		{"power-failure", map[string]string{"switch": "edge0-0"}, "network.powerFailure{nodes:[]network.NodeID{16, 0, 1}, hosts:16}"},
		{"switch-overload", map[string]string{"switch": "core0", "each": "1ms"},
			"network.switchOverload{at:32, load:network.Overload{Each:sim.Distribution{Kind:0x0, Mean:1000000000, Deviation:0, Low:0, High:0}, Queue:100, SlowPath:0}}"},
		{"switch-overload", map[string]string{"switch": "h0", "queue": "1000001"},
			"parameter \"switch\": h0 is a host\nparameter \"each\": is required: a duration or a distribution, as 30ms or \"exponential(30ms)\"\nparameter \"queue\": 1000001 is out of range: from 0 to 1000000"},
		{"power-failure", map[string]string{"switch": "h0"}, `parameter "switch": h0 is a host`},
		{"link-loss", map[string]string{"link": "x", "probability": "0.5"}, `parameter "link": "x" does not name two nodes as a--b`},
	} {
		f, err := newFault(c.kind, &top, sim.NewStream(1, ""), c.given)
		got := fmt.Sprintf("%#v", f)
		if err != nil {
			got = err.Error()
			if p := new(model.ParamError); !errors.As(err, &p) {
				t.Errorf("%s %v: %v is no ParamError", c.kind, c.given, err)
			}
		}
		if got != c.want {
			t.Errorf("%s %v:\n got %s\nwant %s", c.kind, c.given, got, c.want)
		}
	}
}

// Every host, and every link, is struck equally often at random.
func TestRandomTargets(t *testing.T) {
	top := LeafSpine(2, 2, 3, testEdge, testCore)
	s := sim.NewStream(1, "targets")
	hosts, links := make([]int, top.Hosts), make([]int, len(top.Links))
	for range 10_000 {
		f, err := newFault("process-crash", &top, s, map[string]string{"process": "random"})
		if err != nil {
			t.Fatal(err)
		}
		hosts[f.(processCrash).process]++
		if f, err = newFault("link-down", &top, s, map[string]string{"link": "random"}); err != nil {
			t.Fatal(err)
		}
		struck := f.(linkDown).links
		if len(struck) != 2 || struck[0]^1 != struck[1] {
			t.Fatalf("links %v are not one link", struck)
		}
		links[struck[0]/2]++
	}
	if p := uniformity(hosts); p < 1e-3 {
		t.Errorf("hosts: %v, p = %.2g", hosts, p)
	}
	if p := uniformity(links); p < 1e-3 {
		t.Errorf("links: %v, p = %.2g", links, p)
	}
}

// anyParams draws what a kind of fault must be given.
func anyParams(kind FaultSpec, s *sim.Stream) map[string]string {
	given := map[string]string{}
	for _, p := range kind.Params {
		switch p.Name {
		case "link", "host", "process", "switch", "port", "below":
			given[p.Name] = random
		case "probability":
			given[p.Name] = fmt.Sprintf("%d%%", 1+s.IntN(100))
		case "drift":
			given[p.Name] = fmt.Sprintf("%dppb", (1+s.IntN(MaxDrift))*(1-2*s.IntN(2)))
		case "side": // a host is on every side
			given[p.Name] = "h0"
		case "lost":
			given[p.Name] = []string{"both", "in", "out"}[s.IntN(3)]
		case "direction":
			if p.Default == "in" {
				given[p.Name] = []string{"in", "out"}[s.IntN(2)]
			}
		case "divisor":
			given[p.Name] = fmt.Sprint(2 + s.IntN(5))
		case "priority":
			given[p.Name] = fmt.Sprint(s.IntN(8))
		case "slow_path":
			given[p.Name] = []string{"0", "50%"}[s.IntN(2)]
		case "bad", "loss":
			if kind.Name == "link-bursts" {
				given[p.Name] = fmt.Sprintf("%d%%", 1+s.IntN(99))
			}
		case "down", "up", "late", "each", "lag":
			given[p.Name] = fmt.Sprintf("uniform(0s, %dns)", 1+s.IntN(20_000))
		case "step":
			given[p.Name] = fmt.Sprintf("%dns", (1+s.IntN(50_000))*(1-2*s.IntN(2)))
		}
	}
	return given
}

// tell returns a subscriber's log of what happened other than to packets.
func tell(n *Network) *[]string {
	log := new([]string)
	n.kernel.Records.Subscribe(model.KindSet(model.Crashed, model.Recovered, model.LinkWentDown, model.LinkCameUp, model.LinkChanged),
		func(r *model.Record) { *log = append(*log, r.String()) })
	return log
}

func TestSchedule(t *testing.T) {
	at := func(us int) model.Time { return model.Time(us) * model.Time(model.Microsecond) }
	n := newNetwork(t, 1, Config{Topology: Star(3, testEdge)})
	log := tell(n)
	top := n.Topology()
	for h := range model.ProcessID(3) {
		n.Attach(h, 0)
	}
	n.Schedule(mustFault(t, "process-crash", top, map[string]string{"process": "h0"}), at(5), 3*model.Microsecond)
	n.Schedule(mustFault(t, "host-crash", top, map[string]string{"host": "h1"}), at(2), -1)
	n.Schedule(mustFault(t, "link-down", top, map[string]string{"link": "h2--s0", "direction": "h2"}), at(4), 0)
	// It strikes at 1, 4 and 7 µs, and heals 2 µs later.
	n.ScheduleEvery(mustFault(t, "link-down", top, map[string]string{"link": "h0--s0", "direction": "s0"}),
		sim.Distribution{Mean: model.Microsecond}, sim.Distribution{Mean: 3 * model.Microsecond},
		sim.Distribution{Mean: 2 * model.Microsecond}, n.kernel.Stream("every"))
	run(t, n, at(8))
	want := []string{
		"1us link-down link=1 n3->n0",
		"2us crashed p1 host-crash",
		"3us link-up link=1 n3->n0",
		"4us link-down link=4 n2->n3",
		"4us link-down link=1 n3->n0",
		"4us link-up link=4 n2->n3",
		"5us crashed p0 process-crash",
		"6us link-up link=1 n3->n0",
		"7us link-down link=1 n3->n0",
		"8us recovered p0",
	}
	slices.Sort(*log) // those at 4 µs are ordered by timer
	slices.Sort(want)
	if !slices.Equal(*log, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(*log, "\n"), strings.Join(want, "\n"))
	}
}

// A recurring fault that lasts longer than the time to the next strike heals first.
func TestScheduleEveryWaitsForItself(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: Star(2, testEdge)})
	log := tell(n)
	n.ScheduleEvery(mustFault(t, "link-down", n.Topology(), map[string]string{"link": "h0--s0", "direction": "h0"}),
		sim.Distribution{}, sim.Distribution{Mean: model.Microsecond},
		sim.Distribution{Mean: 5 * model.Microsecond}, n.kernel.Stream("every"))
	run(t, n, model.Time(6*model.Microsecond))
	want := []string{
		"0s link-down link=0 n0->n2", "5us link-up link=0 n0->n2", "5us link-down link=0 n0->n2",
	}
	if !slices.Equal(*log, want) {
		t.Errorf("got %q, want %q", *log, want)
	}
}

// A loss that heals under a later one is not told: nothing changes.
func TestLossThatHealsBeneathAnother(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: Star(2, testEdge)})
	log := tell(n)
	loss := func(probability string) Fault {
		return mustFault(t, "link-loss", n.Topology(), map[string]string{
			"link": "h0--s0", "direction": "h0", "probability": probability,
		})
	}
	n.Schedule(loss("0.1"), model.Time(1*us), 2*us)
	n.Schedule(loss("0.2"), model.Time(2*us), 2*us)
	run(t, n, model.Time(9*us))
	want := []string{"1us link-changed link=0 n0->n2", "2us link-changed link=0 n0->n2", "4us link-changed link=0 n0->n2"}
	if !slices.Equal(*log, want) {
		t.Errorf("got %q, want %q", *log, want)
	}
}

// cpuOf returns the control processor of a switch, less the hosts.
func cpuOf(n *Network, s int) *controlProcessor {
	if n.cpus == nil || n.cpus[s] == nil {
		return &controlProcessor{}
	}
	return n.cpus[s]
}

// works describes what is broken in n.
func works(n *Network) string {
	var b strings.Builder
	for l := range LinkID(len(n.ports)) {
		f := impaired{}
		if n.impaired[l] != nil {
			f = *n.impaired[l]
		}
		slices.Sort(f.corrupt)
		fmt.Fprintf(&b, "link %d: %v %v %d %d %v %v %d %d %d %d %v\n", l, n.linkDown[l] != 0, n.LossOf(l), n.rates[l], n.ports[l].psPerByte,
			f.silent != 0, f.corrupt, len(f.late), len(f.double), len(f.mangle), len(f.bursts), n.ports[l].flags&portInspected != 0)
	}
	for s, down := range n.switchDown {
		fmt.Fprintf(&b, "switch %d: %v %d\n", s, down != 0, len(cpuOf(n, s).by))
	}
	for from := range NodeID(n.topology.Hosts) {
		for to := range NodeID(n.topology.Hosts) {
			for c := range uint8(model.Priorities) {
				for s := n.topology.Hosts; s < len(n.topology.Names); s++ {
					if n.rules.forbid(NodeID(s), &packet{from: from, to: to, flags: c}) {
						fmt.Fprintf(&b, "switch %d: no %d>%d at %d\n", s, from, to, c)
					}
				}
			}
		}
	}
	for p := range n.processes {
		pr, c := &n.processes[p], trueClock
		if n.clocks != nil {
			c = n.clocks[p]
		}
		paused := false
		slow := 0
		if pr.slow != nil {
			slow = len(pr.slow.by)
		}
		for h := range n.automataOf(pr) {
			paused = h.queues
		}
		fmt.Fprintf(&b, "host %d: %v %v %v %v %d %d %v\n", p, n.hostDown[p] != 0, pr.running, paused, pr.wedges > 0, slow, c.drift, c.hidden(1))
	}
	return b.String()
}

// Whatever faults overlap on whatever elements: at each moment an element is broken
// exactly if some fault in force says so, a link's loss is that of the last loss fault
// in force on it, and after all have healed everything is as before.
func TestFaultsNest(t *testing.T) {
	top := LeafSpine(2, 1, 2, testEdge, testCore)
	top.Links[0].AtoB.Loss = IndependentLoss(0.25)
	kinds := AllFaults()
	parameters := gopter.DefaultTestParametersWithSeed(1)
	properties := gopter.NewProperties(parameters)
	overlaps := 0
	properties.Property("faults nest", prop.ForAll(
		func(seed uint64, strikes int) (string, error) {
			n := newNetwork(t, seed, Config{Topology: top})
			idle := func() model.Automaton { return &beats{next: model.Never} }
			for h := range model.ProcessID(4) {
				n.Attach(h, 0, Panel{New: []func() model.Automaton{idle}, Detectors: []uint8{0}})
			}
			run(t, n, 1)
			before := works(n)
			s := sim.NewStream(seed, "faults")
			var inForce []Fault
			check := func() string {
				down, hosts, processes := map[LinkID]bool{}, map[model.ProcessID]bool{}, map[model.ProcessID]bool{}
				loss := map[LinkID]Loss{0: IndependentLoss(0.25)}
				slowest, silent, switches := map[LinkID]int64{}, map[LinkID]bool{}, map[NodeID]bool{}
				corrupt, inspected := map[LinkID][]float64{}, map[LinkID]bool{}
				late, double, mangle, bursts := map[LinkID]int{}, map[LinkID]int{}, map[LinkID]int{}, map[LinkID]int{}
				var rules []Rule
				slow, overloaded := map[model.ProcessID]int{}, map[NodeID]int{}
				inspect := func(at NodeID) {
					for l := range LinkID(len(n.ports)) {
						if _, to := top.Ends(l); to == at || at == Everywhere && int(to) >= top.Hosts {
							inspected[l] = true
						}
					}
				}
				paused, wedged, drift, clock := map[model.ProcessID]bool{}, map[model.ProcessID]bool{}, map[NodeID]int64{}, map[NodeID]model.Duration{}
				for _, f := range inForce {
					switch f := f.(type) {
					case linkDown:
						for _, l := range f.links {
							down[l] = true
						}
					case *linkFlapping:
						for _, l := range f.links {
							down[l] = true // no time passes
						}
					case linkSlow:
						for _, l := range f.links {
							slowest[l] = max(slowest[l], f.divisor)
						}
					case nicOneWay:
						l, _ := top.LinkBetween(f.host, top.adjacent()[f.host][0])
						if f.in {
							l ^= 1
						}
						silent[l], inspected[l] = true, true
					case hostSlow:
						slow[f.host]++
					case switchCrash:
						switches[f.at] = true
						inspect(f.at)
					case *ruleDrop:
						rules = append(rules, f.rules...)
						for _, r := range f.rules {
							inspect(r.At)
						}
					case corruption:
						for _, l := range f.links {
							corrupt[l] = append(corrupt[l], f.probability)
							inspected[l] = true
						}
					case reordering:
						for _, l := range f.links {
							late[l]++
							inspected[l] = true
						}
					case duplication:
						for _, l := range f.links {
							double[l]++
							inspected[l] = true
						}
					case corruptionUndetected:
						for _, l := range f.links {
							mangle[l]++
							inspected[l] = true
						}
					case linkBursts:
						for _, l := range f.links {
							bursts[l]++
							inspected[l] = true
						}
					case powerFailure:
						for _, x := range f.nodes {
							if int(x) < top.Hosts { // whose light goes out
								l, _ := top.LinkBetween(x, top.adjacent()[x][0])
								down[l], down[l^1] = true, true
								hosts[model.ProcessID(x)] = true
							} else {
								switches[x] = true
								inspect(x)
							}
						}
					case switchOverload:
						overloaded[f.at]++
						if f.load.SlowPath > 0 {
							inspect(f.at)
						}
					case wedge:
						wedged[f.process] = true
					case *linkLoss:
						for _, l := range f.links {
							loss[l] = f.loss
						}
					case hostCrash:
						hosts[f.host] = true
					case processCrash:
						processes[f.process] = true
					case processExit:
						processes[f.process] = true
					case pause:
						paused[f.process] = true
					case clockDrift:
						drift[f.host] += f.drift
					case clockStep:
						clock[f.host] += f.step
					}
				}
				var want strings.Builder
				for l := range LinkID(len(n.ports)) {
					rate := top.Links[l/2].AtoB.Rate
					if slowest[l] > 0 {
						rate /= BitRate(slowest[l])
					}
					ps := int64(8*model.Second) / int64(rate)
					if ps*int64(rate) != int64(8*model.Second) {
						ps = 0
					}
					slices.Sort(corrupt[l])
					fmt.Fprintf(&want, "link %d: %v %v %d %d %v %v %d %d %d %d %v\n", l, down[l], loss[l], rate, ps, silent[l], corrupt[l], late[l], double[l], mangle[l], bursts[l], inspected[l])
				}
				for s := top.Hosts; s < len(top.Names); s++ {
					fmt.Fprintf(&want, "switch %d: %v %d\n", s-top.Hosts, switches[NodeID(s)], overloaded[NodeID(s)])
				}
				for from := range model.ProcessID(4) {
					for to := range model.ProcessID(4) {
						for c := range int8(model.Priorities) {
							for s := top.Hosts; s < len(top.Names); s++ {
								if slices.ContainsFunc(rules, func(r Rule) bool {
									return (r.At < 0 || r.At == NodeID(s)) && (r.From < 0 || r.From == from) && (r.To < 0 || r.To == to) && (r.Priority < 0 || r.Priority == c)
								}) {
									fmt.Fprintf(&want, "switch %d: no %d>%d at %d\n", s, from, to, c)
								}
							}
						}
					}
				}
				for p := range model.ProcessID(4) {
					h := NodeID(p)
					fmt.Fprintf(&want, "host %d: %v %v %v %v %d %d %v\n", p, hosts[p], !hosts[p] && !processes[p], paused[p] || slow[p] > 0, wedged[p], slow[p], drift[h], model.Time(1).Add(clock[h]))
				}
				if got := works(n); got != want.String() {
					return fmt.Sprintf("with %#v in force:\ngot\n%s\nwant\n%s", inForce, got, want.String())
				}
				return ""
			}
			for left := strikes; left > 0 || len(inForce) > 0; {
				if left > 0 && s.IntN(2) == 0 {
					left--
					k := s.IntN(len(kinds))
					f, err := newFault(kinds[k].Name, &top, s, anyParams(kinds[k], s))
					if err != nil {
						return "", err
					}
					f.Strike(n)
					if len(inForce) > 0 {
						overlaps++
					}
					inForce = append(inForce, f)
				} else if len(inForce) > 0 {
					i := s.IntN(len(inForce))
					inForce[i].Heal(n)
					inForce = slices.Delete(inForce, i, i+1)
				}
				if wrong := check(); wrong != "" {
					return wrong, nil
				}
			}
			if after := works(n); after != before {
				return "not as before:\n" + after, nil
			}
			return "", nil
		},
		gen.UInt64(), gen.IntRange(1, 15),
	))
	properties.TestingRun(t)
	if overlaps < 100 {
		t.Errorf("faults overlapped %d times only", overlaps)
	}
}
