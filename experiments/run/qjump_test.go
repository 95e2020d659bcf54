package run

import (
	"fmt"
	"strings"
	"testing"

	"suspect/experiments/scenarios"
	"suspect/model"
	"suspect/network"
	"suspect/properties"
	"suspect/qjump"
	"suspect/sim"
)

const guarded = `name: guarded
duration: 20ms
network: {framing: ethernet, topology: {star: {hosts: 6}}, edge: {rate: 10Gbps, delay: 500ns}}
monitor: {message_size: 64B}
qjump:
  packet: 106B
  levels: [{priority: 7, factor: 1}]
detectors: [{use: timeout, eta: 50us, timeout: 1ms}]
traffic:
  - {use: bulk, from: all, to: random, packet: 1472B}
properties: [{use: latency-bound, bound: 1ms}]
`

// The shipped scenario is as expected, and its bound is above the longest delay by
// little.
func TestShippedQJump(t *testing.T) {
	text, _ := scenarios.Text("qjump")
	r := do(t, parse(t, string(text)), 1)
	if len(r.Levels) != 1 || r.Outcome != AsExpected {
		t.Fatalf("%s: %+v", r.Outcome, r.Levels)
	}
	l := r.Levels[0]
	if l.Bound == nil || l.Beaten || l.Tightness == nil || *l.Tightness < 0.5 {
		t.Errorf("%+v", l)
	}
	// E = 2*n*P/R + eps.
	if want := 2*8*84800*model.Picosecond + model.Microsecond; l.Epoch != want || l.Budget != 1 {
		t.Errorf("an epoch of %v with %d packets, want one in %v", l.Epoch, l.Budget, want)
	}
	if want := 106 * 8 / l.Epoch.Seconds(); l.Rate != want {
		t.Errorf("a rate of %v, want %v", l.Rate, want)
	}
}

// Without frames below, one switch and spaced packets have the exact bound n*P/R, and
// with frames the bound is above n*P/R + L/R, which is attained.
func TestLevelBoundsOfStars(t *testing.T) {
	const packet = 84800 * model.Picosecond
	alone := levels(parse(t, guarded, "traffic=[]"))[0]
	if b := alone.Bound; b == nil || b.Delay != 6*packet+model.Microsecond || b.Status != "exact" {
		t.Errorf("alone: %+v, want 6*P/R and the delay of two links", b)
	}
	windows := levels(parse(t, guarded, "traffic=[]", "qjump.limiter=fixed-window"))[0]
	if b := windows.Bound; b == nil || b.Delay != 11*packet+model.Microsecond || b.Status != "exact" {
		t.Errorf("windows: %+v, want 11*P/R and the delay of two links", b)
	}
	const frame = 1514 * 800 * model.Picosecond
	below := levels(parse(t, guarded))[0]
	if b := below.Bound; b == nil || b.Delay < 6*packet+frame+model.Microsecond || b.Status != "proved" || b.Frame != 1514 {
		t.Errorf("with frames: %+v", b)
	}
}

// Six packets can come to one port, of which the switch sends one.
func TestBrokenBuffers(t *testing.T) {
	for _, c := range []struct {
		set  string
		want int
	}{
		{"network.edge.buffer=unlimited", 0}, {"network.edge.buffer=1MB", 0}, {"network.edge.buffer=100packets", 0},
		{"network.edge.buffer=200B", 1}, {"network.edge.buffer=2packets", 1}, {"network.edge.loss=1%", 1},
	} {
		b := levels(parse(t, guarded, "traffic=[]", c.set))[0].Bound
		if b == nil || len(b.Broken) != c.want {
			t.Errorf("%s: %+v", c.set, b)
		}
	}
}

// What the proof is told about an uneven star: the slowest rate, that a port sends slower
// than it receives, how delays differ, and packets of several sizes.
func TestUnevenStar(t *testing.T) {
	set := []string{
		"qjump.packet=256B", "network.links=[{between: [h0, s0], direction: s0, rate: 2Gbps, delay: 3us}, {between: [s0, h1], direction: h1, delay: 4us}]",
		"traffic=[{use: periodic, from: h1, to: random, period: 1ms, packet: 210B, priority: 7}, {use: poisson, from: h2, to: h0, packet: 1000B, load: 1%, priority: 3}]",
	}
	s := parse(t, guarded, set...)
	got, why := starPath(s)
	want := qjump.Path{
		Switches: 1, Rate: 2 * network.Gbps, Fastest: 10 * network.Gbps, Slowdowns: 1, JoinsOnce: true,
		Epsilon: 7 * model.Microsecond, Jitter: 6 * model.Microsecond,
	}
	if got != want || why != "" {
		t.Errorf("%+v, %s; want %+v", got, why, want)
	}
	want.Frame, want.HostFrame = 1042, 1042
	g, err := want.Bound(qjump.Class{
		Kind: qjump.MinimumSpacing, Epoch: 2 * 6 * 1024 * model.Nanosecond, Budget: 1, Packet: 256, Smallest: 106, Senders: 5,
	})
	if err != nil {
		t.Fatal(err)
	}
	if b := levels(s)[0].Bound; b == nil || b.Delay != g.Delay {
		t.Errorf("%+v, want %v", b, g.Delay)
	}
}

func TestNoBound(t *testing.T) {
	for _, c := range []struct{ set, why string }{
		{"network.topology={leaf_spine: {leaves: 2, spines: 2, hosts_per_leaf: 3}}", "stars alone"},
		{"network.edge.jitter=exponential(1us)", "jitter"},
		{"monitor.priority=6", "nobody sends"},
		{"qjump.levels[0].priority=5", "priority 7, which is above and has no limiter"},
		{"qjump.levels[0].factor=6", "more than it carries"},
	} {
		l := levels(parse(t, guarded, c.set))[0]
		if l.Bound != nil || !strings.Contains(l.BoundRefused, c.why) {
			t.Errorf("%s: %+v", c.set, l)
		}
	}
	// Excess that is demoted to a level without a limiter is in the way of those below.
	set := []string{"qjump.levels=[{priority: 7, factor: 1}, {priority: 5, factor: 2}]", "traffic[0]={use: periodic, from: h1, to: h0, period: 50us, packet: 64B, priority: 5}"}
	if l := levels(parse(t, guarded, set...)); l[0].Bound == nil || l[1].Bound == nil {
		t.Errorf("%+v", l)
	}
	if l := levels(parse(t, guarded, append(set, "qjump.excess=demote")...)); l[0].Bound == nil || l[1].Bound != nil ||
		!strings.Contains(l[1].BoundRefused, "priority 6") {
		t.Errorf("%+v", l)
	}
}

// What happens to the excess: it is late, lost, or goes below.
func TestExcess(t *testing.T) {
	dropped := func(r *Results) (n int64) {
		for _, d := range r.Messages.Drops {
			if d.Cause == model.RateLimited.String() {
				n = d.Count
			}
		}
		return n
	}
	delay, drop, demote := do(t, parse(t, guarded), 1), do(t, parse(t, guarded, "qjump.excess=drop"), 1), do(t, parse(t, guarded, "qjump.excess=demote"), 1)
	if n := delay.Levels[0].Latency.Count; dropped(delay) != 0 || n < delay.Messages.Delivered || n == 0 {
		t.Errorf("delay: %d dropped, %d released", dropped(delay), n)
	}
	// Five heartbeats leave at once, and one has a slot.
	if n, sent := dropped(drop), drop.Messages.Sent; n != sent/5*4 {
		t.Errorf("drop: %d of %d messages", n, sent)
	}
	if len(demote.MessageLatency) != 2 || demote.MessageLatency[1].Priority != 6 || dropped(demote) != 0 {
		t.Errorf("demote: %+v", demote.MessageLatency)
	}
}

// Phases are drawn anew for each host and replication, unless they are given.
func TestPhases(t *testing.T) {
	// The first heartbeats leave at once, the second ones with the next window.
	second := func(set ...string) map[model.Duration]bool {
		s := parse(t, guarded, append(set, "traffic=[]", "qjump.limiter=fixed-window", "detectors[0].stagger=false")...)
		seen := map[model.Duration]bool{}
		for index := range 3 {
			m, err := newSimulation(s, index)
			if err != nil {
				t.Fatal(err)
			}
			count := map[model.ProcessID]int{}
			m.kernel.Records.Subscribe(model.KindSet(model.Released), func(r *model.Record) {
				if count[r.Process]++; count[r.Process] == 2 {
					seen[model.Duration(r.At)%s.QJump.Table.Limiter(0, s.QJump.Limiter).Epoch] = true
				}
			})
			if err := m.kernel.Run(model.Time(40*model.Microsecond), sim.Budget{}); err != nil {
				t.Fatal(err)
			}
		}
		return seen
	}
	if n := len(second()); n != 18 {
		t.Errorf("%d phases of 6 hosts in 3 replications", n)
	}
	if seen := second("qjump.phase=100ns"); len(seen) != 1 || !seen[100*model.Nanosecond] {
		t.Errorf("phases %v, want 100ns", seen)
	}
}

// TestBoundsHoldInRandomScenarios: nothing that was measured is above what was proved.
func TestBoundsHoldInRandomScenarios(t *testing.T) {
	bounds, tightest := 0, 0.0
	for seed := range 60 {
		g := sim.NewStream(3, fmt.Sprint(seed))
		one := func(options ...string) string { return options[g.IntN(len(options))] }
		n := 3 + g.IntN(10)
		text := fmt.Sprintf(`name: random
seed: %d
duration: 3ms
network: {framing: ethernet, topology: {star: {hosts: %d}}, edge: {rate: %s, delay: %s}, links: [{between: [h1, s0], rate: %s, delay: %s}]}
monitor: {message_size: 64B, start: %s}
qjump: {packet: %s, epsilon: %s, semantics: %s, limiter: %s, excess: %s, levels: [{priority: 7, factor: 1}, {priority: 6, factor: 2}]}
detectors: [{use: timeout, eta: 100us, timeout: 1ms, stagger: %s}]
properties: [{use: latency-bound, bound: 1s}]
traffic:
  - {use: bulk, from: all, to: %s, packet: %dB}
  - {use: periodic, from: %s, to: random, period: 40us, packet: %dB, priority: 6}
  - {use: poisson, from: h1, to: h2, load: 5%%, packet: 70B, priority: 7}
faults:
  - {use: host-crash, host: random, every: exponential(200us), for: exponential(30us)}
  - {use: link-down, link: random, every: %s, for: exponential(10us)}
  - {use: link-loss, link: random, probability: 10%%, every: exponential(1ms), for: exponential(300us)}
`, seed, n, one("1Gbps", "10Gbps"), one("0s", "1us"), one("1Gbps", "10Gbps", "3Gbps"), one("0s", "5us"),
			one("0s", `"uniform(0s, 1ms)"`), one("112B", "256B"), one("0s", "1us", "20us"), one("common-epoch", "epoch-per-level"),
			one("minimum-spacing", "fixed-window", "restarting-window"), one("delay", "drop", "demote"), one("true", "false"),
			one("h0", "random"), 46+g.IntN(1400), one("all", "h0", "[h0, h1]"), 30+g.IntN(35), one("1s", "exponential(100us)"))
		s := parse(t, text)
		r := do(t, s, 1)
		for _, l := range r.Levels {
			if l.Bound == nil {
				continue
			}
			if l.Beaten || l.Latency.Max > l.Bound.Delay {
				t.Errorf("%s\npriority %d took %v, above the bound of %v", text, l.Priority, l.Latency.Max, l.Bound.Delay)
			}
			if l.Tightness != nil {
				bounds++
				tightest = max(tightest, *l.Tightness)
			}
		}
	}
	if bounds < 60 || tightest < 0.6 {
		t.Errorf("%d bounds, at most %v of one was reached: that tests little", bounds, tightest)
	}
}

// When an assumption of a bound is broken, latency-bound falls, with a witness from
// sending to delivery. Each scenario is judged by the bound of the sound one.
func TestBrokenAssumptions(t *testing.T) {
	sound := levels(parse(t, guarded))[0].Bound.Delay
	for _, c := range []struct {
		name string
		set  []string
		want properties.Outcome
	}{
		{"sound", nil, properties.Holds},
		{"a sender above without a limiter", []string{"monitor.priority=6", "qjump.levels[0].priority=6", "properties[0].priority=6",
			"traffic[0]={use: poisson, from: [h1, h2], to: h0, load: 60%, packet: 1472B, priority: 7}"}, properties.Violated},
		{"a slow link", []string{"network.links=[{between: [h0, s0], direction: s0, rate: 1Gbps}]"}, properties.Violated},
		{"larger frames", []string{"traffic[0].packet=9000B"}, properties.Violated},
	} {
		r := do(t, parse(t, guarded, append(c.set, "properties[0].bound="+sound.String())...), 1)
		p := r.Detectors[0].Properties[0]
		if p.Outcome != c.want.String() {
			t.Errorf("%s: %s: %s", c.name, p.Outcome, p.Reason)
		}
		if c.want != properties.Violated {
			continue
		}
		if len(p.Witness) != 3 || !strings.Contains(p.Witness[1], "released") || !strings.Contains(p.Witness[2], "delivered") {
			t.Errorf("%s: witness %q", c.name, p.Witness)
		}
	}
}
