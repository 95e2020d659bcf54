package guarantee

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"suspect/experiments/scenario"
	"suspect/model"
)

const star = `
name: star
duration: 10ms
network:
  framing: ethernet
  topology: {star: {hosts: 8}}
  edge: {rate: 10Gbps, delay: 500ns}
monitor: {message_size: 64B, priority: 7}
qjump:
  packet: 106B
  epsilon: 1us
  levels: [{priority: 7, factor: 1}]
detectors: [{use: timeout, eta: 100us, timeout: 120us}]
traffic:
  - {use: bulk, from: all, to: random, packet: 1472B, priority: 0}
`

func parse(t testing.TB, set ...string) *scenario.Scenario {
	t.Helper()
	s, err := scenario.Parse("star.yaml", []byte(star), set)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// of returns the assumption that begins with the text, for a level.
func of(r *Report, text string, priority int) *Assumption {
	for i := range r.Assumptions {
		if a := &r.Assumptions[i]; strings.HasPrefix(a.Text, text) && slices.Contains(a.Priorities, priority) {
			return a
		}
	}
	return &Assumption{}
}

func TestWithoutLevels(t *testing.T) {
	s := parse(t)
	s.QJump = nil
	if r := Derive(s); r != nil {
		t.Errorf("%+v", r)
	}
}

// The bound of the star that the package comment of the scenario works out: with L/R =
// 1.2112us at the host and at the switch, and packets of 84.8 ns that come in pairs, as frames
// at hosts close them up: D = 1.2112 + 8*0.0848 + 1.2112 + 1 = 4.1008us.
func TestStar(t *testing.T) {
	r := Derive(parse(t))
	l := r.Levels[0]
	if !l.Guaranteed() || l.Bound.Delay != 4_100_800 || l.Bound.Status != "proved" || l.Bound.Numbers != "h7→s0: 1.2112us (frame of 1514 B) + 1 x 84.8ns = 1.296us; s0→h0: 1.2112us (frame of 1514 B) + 7 x 84.8ns = 1.8048us; links: 1us; in all 4.1008us" {
		t.Errorf("%+v", l.Bound)
	}
	// n*P/R and the propagation of two links.
	if l.Paper != 8*84_800+1_000_000 || l.Senders != 7 || l.Bound.Frame != 1514 {
		t.Errorf("%+v", l)
	}
	if len(r.Flows) != 1 || r.Flows[0].Pairs != 56 || r.Flows[0].Switches != 1 || r.Line(7, 3, 4) != 0 || r.Line(7, 3, 3) != -1 || r.Line(6, 3, 4) != -1 {
		t.Errorf("%+v", r.Flows)
	}
	if len(r.Ports) != 16 || r.Ports[0].From != "s0" || r.Ports[0].Senders != 7 || r.Ports[0].Jitter != 1_211_200 {
		t.Errorf("%+v", r.Ports[0])
	}
	for _, a := range r.Assumptions {
		if a.Mark == Broken || a.Why == "" || len(a.Priorities) != 1 {
			t.Errorf("%+v", a)
		}
	}
}

// Each break names what breaks it, and withdraws the bound of the levels that need it, while
// the bound says what would hold without it.
func TestBroken(t *testing.T) {
	more := func(x string) string {
		return "traffic=[{use: bulk, from: all, to: random, packet: 1472B}, " + x + "]"
	}
	for _, c := range []struct {
		text, why string
		set       []string
	}{
		{"every packet of a level passes", "traffic[1] from h3 goes past the limiters at priority 7", []string{more("{use: bulk, from: h3, to: h0, packet: 64B, priority: 7, limiter: none}")}},
		{"every host has one limiter", "limiters of their own at priority 7: traffic[1] from h3, h4; with all of them counted the bound at priority 7 is ", []string{more("{use: poisson, load: 1%, from: [h3, h4], to: h0, packet: 64B, priority: 7, limiter: own}")}},
		{"no queue of a level overflows", "the queue of s0→h0 holds 300 B of priority 7, and up to 14 packets with 1484 B can wait there (8 queues are too small)", []string{"network.edge.buffer=300B", "traffic=[{use: poisson, load: 50%, from: all, to: random, packet: 1472B}]"}},
		{"no limiter's clock is faster", "faults[0]: the clock of h3 jumps ahead by 5ms, and an epoch with it", []string{"faults=[{use: clock-step, host: h3, step: 5ms, at: 1ms}]"}},
		{"no packet is lost", "h0→s0 loses packets, and 15 more do; packets that arrive are in time all the same", []string{"network.edge.loss=1%"}},
		{"no packet is lost", "faults[0]: host-crash; packets that arrive are in time all the same", []string{"faults=[{use: host-crash, host: h0, layer: machine, at: 1ms}]"}},
		{"no packet is lost", "faults[0]: link-down; packets that arrive are in time all the same", []string{"faults=[{use: link-down, link: [h0, s0], at: 1ms}]"}},
		{"faults do not change", "faults[0]: misorigination is not part of the analysis", []string{"faults=[{use: misorigination, switch: s0, host: h0, via: h1, at: 1ms}]"}},
		{"faults do not change", "faults[0]: switch-overload is not part of the analysis", []string{"faults=[{use: switch-overload, switch: s0, each: 1ms, slow_path: 50%, at: 1ms}]"}},
		{"faults do not change", "go another way (failure-carrying routing)", []string{"routing={use: failure-carrying}", "faults=[{use: link-down, link: [h0, s0], at: 1ms}]"}},
		{"no link is slower than R = 10Gbps", "s0→h2 has 1Gbps", []string{"qjump.rate=10Gbps", "network.links=[{between: [h2, s0], direction: s0, rate: 1Gbps}]"}},
		{"no link is slower than R = 40Gbps", "h0→s0 has 10Gbps, s0→h0 has 10Gbps, h1→s0 has 10Gbps and 13 more", []string{"qjump.rate=40Gbps"}},
	} {
		s, err := scenario.Parse("star.yaml", []byte(star), c.set)
		if err != nil {
			t.Errorf("%v: %v", c.set, err)
			continue
		}
		r := Derive(s)
		a, l := of(r, c.text, 7), r.Levels[0]
		late := strings.HasPrefix(c.text, "faults") // and lost, of which nothing is said then
		if a.Mark != Broken || !strings.Contains(a.Why, c.why) || l.Guaranteed() || l.Bound == nil ||
			!strings.HasSuffix(l.Withdrawn, a.Why) || !late && l.Withdrawn != a.Why || late && strings.Contains(l.Withdrawn, "in time all the same") {
			t.Errorf("%v: %v: %s; %q, %+v", c.set, a.Mark, a.Why, l.Withdrawn, l.Bound)
		}
	}
}

// R is that of the slowest link where the scenario says nothing, and a stated one that is less
// makes epochs longer, while ports are counted at their own rates.
func TestRate(t *testing.T) {
	for _, c := range []struct {
		set  []string
		rate int64
		want model.Duration
	}{
		{nil, 10e9, 2*8*84_800 + 1_000_000},
		{[]string{"network.links=[{between: [h2, s0], direction: s0, rate: 1Gbps}]"}, 1e9, 2*8*848_000 + 1_000_000},
		{[]string{"qjump.rate=1Gbps"}, 1e9, 2*8*848_000 + 1_000_000},
	} {
		r := Derive(parse(t, c.set...))
		if l := r.Levels[0]; r.Rate != c.rate || l.Epoch != c.want || !l.Guaranteed() {
			t.Errorf("%v: R = %d, epoch %v, %+v", c.set, r.Rate, l.Epoch, l.Bound)
		}
	}
}

// What has no limiter above a level breaks that level and those below, not those above.
func TestBetweenLevels(t *testing.T) {
	r := Derive(parse(t, "qjump.levels=[{priority: 7, factor: 1}, {priority: 4, factor: 2}]",
		"traffic=[{use: poisson, load: 1%, from: all, to: random, packet: 60B, priority: 4}, {use: poisson, load: 1%, from: h1, to: h0, packet: 500B, priority: 6}]"))
	above, below := r.Levels[0], r.Levels[1]
	if !above.Guaranteed() || above.Bound.Frame != 542 || below.Guaranteed() || below.Withdrawn != "traffic[1] sends at priority 6, which has no limiter" {
		t.Errorf("%+v\n%+v", above, below)
	}
}

// Clocks that run fast, and faults that make them, count into the bound; loads name priorities.
func TestClocksAndLoads(t *testing.T) {
	r := Derive(parse(t, "clocks={drift: \"uniform(-50ppm, 50ppm)\"}", "faults=[{use: clock-drift, host: h3, drift: 100ppm, at: 1ms}, {use: pause, process: h1, at: 1ms, for: 1ms}]"))
	if a := of(r, "no limiter's clock", 7); a.Mark != Derived || !strings.HasPrefix(a.Why, "at most 150 ppm fast") || !r.Levels[0].Guaranteed() {
		t.Errorf("%+v", a)
	}
	r = Derive(parse(t, "network.edge.delay=600ns", "qjump.levels=[{priority: 7, factor: 1}, {priority: 6, factor: 8}, {priority: 5, factor: 8}]",
		"traffic=[{use: periodic, period: 10us, from: all, to: random, packet: 60B, priority: 6}, {use: periodic, period: 10us, from: all, to: random, packet: 60B, priority: 5}]"))
	if r.Levels[0].Bound == nil || !strings.Contains(r.Levels[1].Refused, "the level with priority 6 and those above it load the port s0→h0 to 2.26") ||
		r.Levels[2].Refused != "the level with priority 6, above it, has none" || of(r, "the levels fit the links", 5).Mark != Broken {
		t.Errorf("%q\n%q\n%+v", r.Levels[1].Refused, r.Levels[2].Refused, r.Assumptions)
	}
	// The published figure is the same with a bound and without one: n*P/R and two links of 600 ns,
	// where the epsilon of epochs is 1us.
	for _, l := range r.Levels {
		if l.Paper != 8*84_800+1_200_000 {
			t.Errorf("priority %d: published %v", l.Priority, l.Paper)
		}
	}
	r = Derive(parse(t, "network.edge.jitter=exponential(1us)"))
	if l := r.Levels[0]; l.Bound != nil || l.Paper != 0 || !strings.Contains(l.Refused, "has no upper end") || r.Admission.Load == nil {
		t.Errorf("%+v", l)
	}
}

// What a limiter spends on packets keeps those of one limiter apart, so that two of them need not
// leave at the edge of two windows: the bound stands, and is not known to be attained.
func TestProcessing(t *testing.T) {
	for _, c := range []struct {
		limiter, processing, want string
	}{
		{"fixed-window", "0s", "exact"}, {"fixed-window", "20ns", "proved"}, {"minimum-spacing", "20ns", "exact"}, {"restarting-window", "20ns", "exact"},
	} {
		r := Derive(parse(t, "traffic=[]", "qjump.limiter="+c.limiter, "qjump.processing="+c.processing))
		if l := r.Levels[0]; !l.Guaranteed() || l.Bound.Status != c.want || r.Flows[0].Status != c.want {
			t.Errorf("%+v: %+v", c, l.Bound)
		}
	}
}

// What a detector sends besides the usual is known to it alone, also where it is asked to send
// below all levels: a message can ask for another priority.
func TestMessagesOfDetectors(t *testing.T) {
	for _, priority := range []string{"7", "0"} {
		r := Derive(parse(t, "monitor.priority="+priority, "traffic=[{use: poisson, load: 1%, from: h1, to: h0, packet: 60B, priority: 7}]"))
		if a := of(r, "detectors send no message of another size or priority", 7); a.Mark != Given || !strings.Contains(a.Why, "64 B and the priority "+priority) {
			t.Errorf("monitor at %s: %+v", priority, a)
		}
	}
}

// Any network will do; who does not meet is not counted. On a leaf-spine whose processes watch
// the next one, no more than two hosts send over any port of a switch that leads to a host.
func TestOtherNetworks(t *testing.T) {
	for _, topology := range []string{
		"{leaf_spine: {leaves: 3, spines: 2, hosts_per_leaf: 4}}", "{fat_tree: {k: 4}}", "{star: {hosts: 2}}",
	} {
		r := Derive(parse(t, "network.topology="+topology, "network.core={rate: 40Gbps, delay: 1us}"))
		l := r.Levels[0]
		if !l.Guaranteed() || l.Bound.Delay <= l.Paper || l.Bound.Delay > 4*l.Paper {
			t.Errorf("%s: %+v %+v", topology, l, l.Bound)
		}
		pairs := 0
		for _, f := range r.Flows {
			pairs += f.Pairs
		}
		if pairs != r.Hosts*(r.Hosts-1) {
			t.Errorf("%s: %d pairs of %d hosts", topology, pairs, r.Hosts)
		}
	}
	r := Derive(parse(t, "network.topology={leaf_spine: {leaves: 3, spines: 2, hosts_per_leaf: 4}}", "network.core={rate: 40Gbps, delay: 1us}", "monitor.watch={successors: 1}"))
	for _, p := range r.Ports {
		if strings.HasPrefix(p.To, "h") && p.Senders != 2 || strings.HasPrefix(p.From, "h") && p.Senders != 1 {
			t.Errorf("%+v", p)
		}
	}
}

func Example() {
	s, err := scenario.Parse("star.yaml", []byte(star), nil)
	if err != nil {
		panic(err)
	}
	r := Derive(s)
	l := r.Levels[0]
	fmt.Println(l.Bound.Delay, l.Bound.Status+",", l.Bound.Method)
	fmt.Println(l.Bound.Numbers)
	fmt.Println("published:", l.Paper)
	marks := map[Mark]int{}
	for _, a := range r.Assumptions {
		marks[a.Mark]++
	}
	fmt.Println(marks[Given], "given,", marks[Derived], "derived,", marks[NotModelled], "not modelled,", marks[Broken], "broken")
	// Output:
	// 4.1008us proved, port by port
	// h7→s0: 1.2112us (frame of 1514 B) + 1 x 84.8ns = 1.296us; s0→h0: 1.2112us (frame of 1514 B) + 7 x 84.8ns = 1.8048us; links: 1us; in all 4.1008us
	// published: 1.6784us
	// 2 given, 13 derived, 2 not modelled, 0 broken
}
