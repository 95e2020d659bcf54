package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/experiments/scenario"
	"suspect/experiments/scenarios"
	"suspect/model"
	"suspect/network"
	"suspect/properties"
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
	if l.Beaten || l.Tightness == nil || *l.Tightness < 0.5 || !r.Guarantee.Levels[0].Guaranteed() {
		t.Errorf("%+v, %+v", l, r.Guarantee.Levels[0])
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

// TestKnownLevels: all that is measured of packets which meet at one port is known.
func TestKnownLevels(t *testing.T) {
	const packet = 84800 * model.Picosecond // 106 B at 10 Gb/s
	for _, n := range []int{4, 12, 64} {
		var sends []string
		for h := 1; h < n; h++ {
			sends = append(sends, fmt.Sprintf("{at: 3us, from: h%d, to: h0, packet: 64B, priority: 7}", h))
		}
		r := do(t, parse(t, guarded, fmt.Sprintf("network.topology.star.hosts=%d", n), "detectors=[]", "properties=[]", "monitor={}",
			"traffic=[{use: schedule, sends: ["+strings.Join(sends, ", ")+"]}]"), 1)
		l := r.Levels[0]
		if want := model.Duration(n)*packet + model.Microsecond; l.Latency.Max != want || l.FromSending.Max != want || l.Tightness == nil || *l.Tightness != 1 || l.Beaten {
			t.Errorf("%d hosts: at most %v and %v, the bound is %+v; want %v, all of it", n, l.Latency.Max, l.FromSending.Max, r.Guarantee.Levels[0], want)
		}
		if l.Sent != int64(n-1) || l.Released != l.Sent || l.Delivered != l.Sent || l.Unlimited+l.Refused+l.Demoted != 0 || len(l.Lost) != 0 {
			t.Errorf("%d hosts: counts %+v", n, l)
		}
		// All but the first wait, from when they arrive.
		arrive := model.Time(3*model.Microsecond + packet + 500*model.Nanosecond)
		want := PortBacklog{From: "s0", To: "h0", Crossed: int64(n - 1), Bytes: 106 * int64(n-2), Packets: int64(n - 2), At: arrive}
		if len(l.Ports) != n || l.Ports[0] != want {
			t.Errorf("%d hosts: %d ports, the first %+v, want %+v", n, len(l.Ports), l.Ports[0], want)
		}
		for _, p := range l.Ports[1:] {
			if p.Bytes != 0 || p.Packets != 0 || !p.Host || p.Crossed != 1 {
				t.Errorf("%d hosts: %+v", n, p)
			}
		}
		slow := SlowPacket{
			Packet: uint64(n - 1), From: fmt.Sprintf("h%d", n-1), To: "h0", Sent: model.Time(3 * model.Microsecond), Released: model.Time(3 * model.Microsecond),
			Delivered: model.Time(4*model.Microsecond + model.Duration(n)*packet),
		}
		if *l.Slowest != slow {
			t.Errorf("%d hosts: the slowest is %+v, want %+v", n, *l.Slowest, slow)
		}
		if l.PairsSeen != n-1 || len(l.Pairs) != min(n-1, mostPairs) || l.Pairs[0] != (PairLatency{slow.From, "h0", 1, l.Latency.Max}) {
			t.Errorf("%d hosts: %d pairs, the first %+v", n, l.PairsSeen, l.Pairs[0])
		}
	}
}

// What waits for a limiter, and in the host behind it, is told apart; the warm-up counts
// for packets alone.
func TestKnownHost(t *testing.T) {
	const packet = 84800 * model.Picosecond
	sends := "traffic=[{use: schedule, sends: [" + strings.Repeat("{at: 3us, from: h1, to: h0, packet: 64B, priority: 7}, ", 3) +
		"{at: 3us, from: h2, to: h1, packet: 64B, priority: 7}]}]"
	set := []string{"detectors=[]", "properties=[]", "monitor={}", "qjump.levels[0].factor=2", sends}
	l := do(t, parse(t, guarded, set...), 1).Levels[0]
	epoch := 2 * 6 * packet // E = 2nP/R
	if l.FromSending.Max != epoch+2*packet+model.Microsecond || l.Latency.Max != 3*packet+model.Microsecond || l.Released != 4 {
		t.Errorf("from sending %v, from release %v, of %d packets", l.FromSending.Max, l.Latency.Max, l.Released)
	}
	if want := (PortBacklog{From: "h1", To: "s0", Host: true, Crossed: 3, Bytes: 106, Packets: 1, At: model.Time(3 * model.Microsecond)}); l.Ports[0] != want {
		t.Errorf("%+v, want %+v", l.Ports[0], want)
	}
	if l := do(t, parse(t, guarded, append(set, "warmup=1ms")...), 1).Levels[0]; l.Sent != 4 || l.Latency.Count+l.FromSending.Count != 0 || l.Ports[0].Bytes != 0 || l.Slowest != nil || l.PairsSeen != 0 {
		t.Errorf("in the warm-up: %+v", l)
	}
	if l := do(t, parse(t, guarded, append(set, "qjump.excess=drop")...), 1).Levels[0]; l.Sent != 4 || l.Refused != 1 || l.Released != 3 || len(l.Lost) != 0 {
		t.Errorf("drop: %+v", l)
	}
	set = append(set, "qjump.levels=[{priority: 7, factor: 2}, {priority: 6, factor: 3}]", "qjump.excess=demote")
	if l := do(t, parse(t, guarded, set...), 1).Levels; l[0].Demoted != 1 || l[0].Released != 3 || l[1].Sent != 0 || l[1].Released != 1 || l[1].Delivered != 1 {
		t.Errorf("demote: %+v", l)
	}
	if l := do(t, parse(t, guarded, append(set[:5:5], "qjump.excess=demote")...), 1).Levels[0]; l.Demoted != 1 || l.Released != 3 || l.Delivered != 3 || l.Refused != 0 {
		t.Errorf("demote to no level: %+v", l)
	}
	rogue := strings.Replace(sends, "{use: schedule,", "{use: schedule, limiter: none,", 1)
	if l := do(t, parse(t, guarded, append(set[:4:4], rogue)...), 1).Levels[0]; l.Unlimited != 4 || l.Released != 0 || l.Delivered != 4 || l.Latency.Count != 0 || l.Ports[0].Bytes != 212 {
		t.Errorf("rogue: %+v", l)
	}
	lossy := append(set[:5:5], "network.links=[{between: [h0, s0], direction: s0, loss: 100%}]")
	if l := do(t, parse(t, guarded, lossy...), 1).Levels[0]; l.Delivered != 1 || len(l.Lost) != 1 || l.Lost[0] != (Drops{"link-loss", 3}) {
		t.Errorf("lossy: %+v", l)
	}
	// A host that is down loses what reaches it, but what its limiters hold has not entered
	// the level.
	down := append(set[:5:5], "faults=[{use: host-crash, host: h0, at: 3us}]")
	if l := do(t, parse(t, guarded, down...), 1).Levels[0]; l.Delivered != 1 || len(l.Lost) != 1 || l.Lost[0] != (Drops{"host-down", 3}) || l.Ports[0].Crossed != 3 || l.Ports[1].Crossed != 3 {
		t.Errorf("receiver down: %+v", l)
	}
	down[5] = "faults=[{use: host-crash, host: h1, at: 3500ns}]"
	if l := do(t, parse(t, guarded, down...), 1).Levels[0]; l.Sent != 4 || l.Released != 3 || l.Delivered != 2 || len(l.Lost) != 1 || l.Lost[0] != (Drops{"host-down", 1}) {
		t.Errorf("sender down: %+v", l)
	}
	twice := "traffic=[{use: schedule, sends: [{at: 0s, from: h1, to: h0, packet: 64B, priority: 7}, {at: 1ms, from: h1, to: h0, packet: 64B, priority: 7}]}]"
	if l := do(t, parse(t, guarded, append(set[:4:4], twice)...), 1).Levels[0]; l.Slowest.Packet != 1 || l.Latency.Count != 2 {
		t.Errorf("twice: %+v", l.Slowest)
	}
}

// poller looks at the queues at the end of an instant at which a packet may have come to
// one, after everything else that happens then.
type poller struct {
	m       *simulation
	timer   sim.Timer
	until   model.Time // the latest of the looks that count for sure
	most    map[[2]int]int64
	certain map[[2]int]int64
}

func (p *poller) Fire(uint32) {
	for l := range 2 * len(p.m.scenario.Network.Topology.Links) {
		for _, level := range p.m.scenario.QJump.Table.Levels {
			_, bytes := p.m.network.Backlog(network.LinkID(l), level.Priority)
			at := [2]int{l, int(level.Priority)}
			p.most[at] = max(p.most[at], bytes)
			if p.m.kernel.Now() <= p.until {
				p.certain[at] = max(p.certain[at], bytes)
			}
		}
	}
}

// TestBacklogTwin: the fold finds in the records what the network has in its queues,
// looked at whenever a packet comes to one.
func TestBacklogTwin(t *testing.T) {
	peaks := 0
	for seed := range 40 {
		s := parse(t, randomLevels(seed, false), "duration=500us")
		poll := func(until model.Time) (*poller, *levels) {
			m, err := newSimulation(s, 0)
			if err != nil {
				t.Fatal(err)
			}
			p := &poller{m: m, until: until, most: map[[2]int]int64{}, certain: map[[2]int]int64{}}
			f := newLevels(s)
			m.kernel.Records.Subscribe(f.Kinds(), f.Observe)
			p.timer = m.kernel.NewTimer(p, 0)
			m.kernel.Records.Subscribe(model.KindSet(model.Sent, model.Released, model.Hopped), func(*model.Record) { m.kernel.Arm(p.timer, m.kernel.Now()) })
			runAll(t, m)
			return p, f
		}
		// What came to a port and has not left it at the end is unknown to the fold.
		_, f := poll(0)
		known := model.Time(s.Duration)
		for _, x := range f.under {
			known = min(known, x.arrived-1)
		}
		p, f := poll(known)
		for _, l := range f.levels {
			for link := range l.queues {
				got, at := l.queues[link].peakBytes, [2]int{link, int(l.priority)}
				if got < p.certain[at] || got > p.most[at] {
					t.Fatalf("%s\nlink %d, priority %d: %d B in the records, %d B to %d B in the queue", s.Source, link, l.priority, got, p.certain[at], p.most[at])
				}
				if got > 0 && p.certain[at] == p.most[at] {
					peaks++
				}
			}
		}
	}
	if peaks < 300 {
		t.Errorf("%d peaks only are compared", peaks)
	}
}

// randomLevels returns a scenario with two levels and much else. Without faults none
// takes packets from ports.
func randomLevels(seed int, faults bool) string {
	g := sim.NewStream(3, fmt.Sprint(seed))
	one := func(options ...string) string { return options[g.IntN(len(options))] }
	n := 3 + g.IntN(10)
	topology := fmt.Sprintf("star: {hosts: %d}", n)
	uneven := "[h1, s0]"
	if seed%4 == 3 {
		topology, uneven = fmt.Sprintf("leaf_spine: {leaves: %d, spines: %d, hosts_per_leaf: %d}", 2+g.IntN(2), 1+g.IntN(2), 2+g.IntN(2)), "[h1, leaf0]"
	}
	text := fmt.Sprintf(`name: random
seed: %d
duration: 3ms
network: {framing: ethernet, topology: {%s}, edge: {rate: %s, delay: %s}, links: [{between: %s, rate: %s, delay: %s}]}
monitor: {message_size: 64B, start: %s}
qjump: {packet: %s, epsilon: %s, semantics: %s, limiter: %s, excess: %s, levels: [{priority: 7, factor: 1}, {priority: 6, factor: 2}]}
detectors: [{use: timeout, eta: 100us, timeout: 1ms, stagger: %s}]
traffic:
  - {use: bulk, from: all, to: %s, packet: %dB}
  - {use: periodic, from: %s, to: random, period: 40us, packet: %dB, priority: 6}
  - {use: poisson, from: h1, to: h2, load: 5%%, packet: 70B, priority: 7}
`, seed, topology, one("1Gbps", "10Gbps"), one("0s", "1us"), uneven, one("1Gbps", "10Gbps", "3Gbps"), one("0s", "5us"),
		one("0s", `"uniform(0s, 1ms)"`), one("112B", "256B"), one("0s", "1us", "20us"), one("common-epoch", "epoch-per-level"),
		one("minimum-spacing", "fixed-window", "restarting-window"), one("delay", "drop", "demote"), one("true", "false"),
		one("h0", "random"), 46+g.IntN(1400), one("all", "h0", "[h0, h1]"), 30+g.IntN(35))
	if faults {
		text += fmt.Sprintf(`faults:
  - {use: host-crash, host: random, every: exponential(200us), for: exponential(30us)}
  - {use: link-down, link: random, every: %s, for: exponential(10us)}
  - {use: link-loss, link: random, probability: 10%%, every: exponential(1ms), for: exponential(300us)}
`, one("1s", "exponential(100us)"))
	}
	return text
}

// TestBoundsHoldInRandomScenarios: nothing that was measured is above what was proved,
// and what is said of the slowest packets adds up.
func TestBoundsHoldInRandomScenarios(t *testing.T) {
	var c boundCheck
	for seed := range 80 {
		c.check(t, parse(t, randomLevels(seed, seed%2 == 0)))
	}
	if c.bounds < 60 || c.judged < c.bounds || c.tightest < 0.6 {
		t.Errorf("%d bounds, %d judged, at most %v of one was reached: that tests little", c.bounds, c.judged, c.tightest)
	}
	for seed := range 250 {
		if s := parse(t, string(randomScenario(seed))); s.QJump != nil {
			c.check(t, s)
		}
	}
	t.Logf("%d bounds, %d backlogs and %d lines of flows; at most %v of a bound was reached, and %v of a backlog", c.bounds, c.backlogs, c.flows, c.tightest, c.fullest)
}

// boundCheck compares what was measured with what was proved.
type boundCheck struct {
	bounds, backlogs  int
	judged            int
	flows             int
	tightest, fullest float64
}

func (c *boundCheck) check(t *testing.T, s *scenario.Scenario) {
	t.Helper()
	r := do(t, s, 1)
	for i, l := range r.Levels {
		if l.Slowest != nil {
			x, err := Dissect(t.Context(), s, *l.Slowest)
			switch {
			case err != nil && strings.Contains(err.Error(), "has jitter"):
			case err != nil:
				t.Fatalf("%s\n%v", s.Source, err)
			case x.Total() != l.Slowest.Delivered.Sub(l.Slowest.Sent) || x.Total()-x.Limiter != l.Latency.Max || x.Priority != l.Priority:
				t.Errorf("%s\npriority %d: the parts of %+v sum to %v", s.Source, l.Priority, *l.Slowest, x.Total())
			}
		}
		g := r.Guarantee.Levels[i]
		if g.Bound == nil {
			continue
		}
		if l.Tightness != nil && *l.Tightness != float64(l.Latency.Max)/float64(g.Bound.Delay) {
			t.Errorf("%s\npriority %d: a tightness of %v", s.Source, l.Priority, *l.Tightness)
		}
		for _, p := range r.Properties {
			if of := (Param{"priority", fmt.Sprint(l.Priority)}); len(p.Params) == 1 && p.Params[0] == of {
				c.judged++
				late := l.Beaten || !g.Guaranteed() && strings.Contains(p.Reason, "still under way")
				if late != (p.Outcome == "violated") {
					t.Errorf("%s\npriority %d: beaten %v, but %s: %s", s.Source, l.Priority, l.Beaten, p.Outcome, p.Reason)
				}
			}
		}
		samples, place := int64(0), 0
		for k, f := range r.Guarantee.Flows {
			if f.Priority != l.Priority {
				continue
			}
			of := 0
			for from := range network.NodeID(s.Processes()) {
				for to := range network.NodeID(s.Processes()) {
					if r.Guarantee.Line(l.Priority, from, to) == k {
						of++
					}
				}
			}
			x := l.Flows[place]
			place++
			samples += x.Samples
			if of != f.Pairs || x.PairsSeen > of || (x.Samples > 0) != (x.PairsSeen > 0) || g.Guaranteed() && x.Max > f.Delay {
				t.Errorf("%s\nof the line %+v there are %d pairs, and measured is %+v", s.Source, f, of, x)
			}
			c.flows++
		}
		if place != len(l.Flows) || place > 0 && samples != l.Latency.Count {
			t.Errorf("%s\npriority %d: %d samples of %d flows, and %d of all", s.Source, l.Priority, samples, place, l.Latency.Count)
		}
		if !g.Guaranteed() {
			continue
		}
		if l.Beaten || l.Latency.Max > g.Bound.Delay {
			t.Errorf("%s\npriority %d took %v, above the bound of %v", s.Source, l.Priority, l.Latency.Max, g.Bound.Delay)
		}
		if l.Tightness != nil {
			c.bounds++
			c.tightest = max(c.tightest, *l.Tightness)
		}
		for _, p := range l.Ports {
			bound := g.Bound.Backlog
			if p.Host {
				bound = g.Bound.HostBacklog
			}
			for _, q := range r.Guarantee.Ports {
				if q.Priority == l.Priority && q.From == p.From && q.To == p.To {
					bound = min(bound, q.Backlog)
				}
			}
			if p.Bytes > bound {
				t.Errorf("%s\npriority %d: %d B waited from %s to %s, above the bound of %d B", s.Source, l.Priority, p.Bytes, p.From, p.To, bound)
			}
			c.backlogs++
			if bound > 0 {
				c.fullest = max(c.fullest, float64(p.Bytes)/float64(bound))
			}
		}
	}
}

// When an assumption of a bound is broken, latency-bound falls, with a witness from
// sending to delivery. Each scenario is judged by the bound of the sound one.
func TestBrokenAssumptions(t *testing.T) {
	sound := do(t, parse(t, guarded), 1).Guarantee.Levels[0].Bound.Delay
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
		p := r.Properties[0]
		if p.Outcome != c.want.String() {
			t.Errorf("%s: %s: %s", c.name, p.Outcome, p.Reason)
		}
		if c.want != properties.Violated {
			continue
		}
		var kinds []string
		for _, w := range p.Witness {
			kinds = append(kinds, strings.Fields(w)[1])
		}
		if got := strings.Join(kinds, " "); got != "sent released hopped delivered" {
			t.Errorf("%s: witness %q", c.name, p.Witness)
		}
	}
}

// Without a bound of its own, latency-bound takes the one that is proved of the level.
// A rogue at the level's priority withdraws it, and packets of others are late by it.
func TestProvedBound(t *testing.T) {
	proved := "properties=[{use: latency-bound}]"
	r := do(t, parse(t, guarded, proved), 1)
	bound := r.Guarantee.Levels[0].Bound.Delay
	if p, want := r.Properties[0], "the proved bound is "+bound.String(); p.Outcome != "holds" || !strings.HasSuffix(p.Reason, want) {
		t.Errorf("%s: %s, want %q", p.Outcome, p.Reason, want)
	}
	r = do(t, parse(t, guarded, proved, "network.edge.jitter=exponential(1us)"), 1)
	if p := r.Properties[0]; p.Outcome != "inconclusive" || !strings.Contains(p.Reason, r.Guarantee.Levels[0].Refused) {
		t.Errorf("no proof: %s: %s", p.Outcome, p.Reason)
	}
	r = do(t, parse(t, guarded, proved, "traffic=[{use: bulk, from: all, to: random, packet: 1472B}, {use: poisson, from: [h1, h2], to: h0, load: 60%, packet: 64B, priority: 7, limiter: none}]"), 1)
	if l := r.Levels[0]; r.Guarantee.Levels[0].Guaranteed() || !l.Beaten || l.Unlimited == 0 {
		t.Errorf("rogue: beaten %v, %d past the limiter, %+v", l.Beaten, l.Unlimited, r.Guarantee.Levels[0])
	}
	if p := r.Properties[0]; p.Outcome != "violated" || !strings.Contains(p.Reason, "above the proved bound") || len(p.Witness) != 4 {
		t.Errorf("rogue: %s: %s\n%s", p.Outcome, p.Reason, p.Witness)
	}
	// Two limiters on each host let twice as many packets meet.
	sends := ""
	for h := 1; h < 6; h++ {
		sends += fmt.Sprintf("{at: 1us, from: h%d, to: h0, packet: 64B, priority: 7}, ", h)
	}
	r = do(t, parse(t, guarded, proved, "monitor.priority=0", fmt.Sprintf("traffic=[{use: schedule, sends: [%s]}, {use: schedule, limiter: own, sends: [%s]}]", sends, sends)), 1)
	if p := r.Properties[0]; p.Outcome != "violated" || p.Checked != 10 || r.Guarantee.Levels[0].Guaranteed() || r.Levels[0].Unlimited != 0 {
		t.Errorf("two limiters: %s: %s\n%+v", p.Outcome, p.Reason, r.Guarantee.Levels[0])
	}
}

// What is no property of a detector is judged once, needs none, and is there several
// times under several names: a rogue makes the level below its own late.
func TestNetworkProperties(t *testing.T) {
	const two = `name: rogue
duration: 1ms
network: {framing: ethernet, topology: {star: {hosts: 6}}, edge: {rate: 10Gbps, delay: 500ns}}
qjump: {packet: 106B, levels: [{priority: 7, factor: 1}, {priority: 6, factor: 1}]}
traffic:
  - {use: periodic, from: all, to: h0, packet: 64B, period: 10us, priority: 7}
  - {use: periodic, from: all, to: h0, packet: 64B, period: 10us, priority: 6}
  - {use: bulk, from: [h1, h2], to: h0, packet: 64B, priority: 6, limiter: none}
properties:
  - {use: latency-bound, name: stated, bound: 1ns}
  - {use: latency-bound}
  - {use: latency-bound, priority: 6}
expect:
  - {property: stated, outcome: violated}
  - {property: latency-bound, outcome: holds}
  - {property: latency-bound-2, outcome: holds}
`
	r := do(t, parse(t, two), 1)
	want := []Expectation{
		{Property: "stated", Expected: "violated", Found: "violated", Met: true},
		{Property: "latency-bound", Expected: "holds", Found: "holds", Met: true},
		{Property: "latency-bound-2", Expected: "holds", Found: "violated"},
	}
	if diff := cmp.Diff(want, r.Expectations); diff != "" || r.Outcome != NotAsExpected || len(r.Detectors) != 0 {
		t.Errorf("%s, %d detectors (-want +got):\n%s", r.Outcome, len(r.Detectors), diff)
	}
	for i, p := range r.Properties {
		if l := r.Levels[i/2]; p.Property != "latency-bound" || p.Name != want[i].Property || int64(p.Checked) < l.Latency.Count || l.Latency.Count == 0 {
			t.Errorf("%+v, of a level with %d samples", p, l.Latency.Count)
		}
	}
	if p := r.Properties[2]; len(p.Witness) != 4 || !strings.Contains(p.Witness[1], "released") || !strings.Contains(p.Witness[3], "delivered") {
		t.Errorf("%s: witness %q", p.Outcome, p.Witness)
	}
	if b, err := json.Marshal(r); err != nil || strings.Contains(string(b), "null") {
		t.Errorf("%v; the document has a null: %s", err, b)
	}
	sound := do(t, parse(t, two, "traffic[2].priority=0", "traffic[2].limiter=shared"), 1)
	if sound.Outcome != AsExpected {
		t.Errorf("without the rogue: %s: %+v", sound.Outcome, sound.Properties)
	}
	// Replications are joined, and one that is cut short is no pass.
	if p := do(t, parse(t, two, "replications=3"), 2).Properties; p[1].Held != 3 || p[2].Violated != 3 {
		t.Errorf("three replications: %+v", p)
	}
	cut := do(t, parse(t, two, "traffic[2].priority=0", "traffic[2].limiter=shared", "limits={events: 40000}"), 1)
	if p := cut.Properties[1]; p.Outcome != "inconclusive" || !strings.Contains(p.Reason, "truncated") || p.Checked == 0 {
		t.Errorf("cut short: %+v", p)
	}
	// Detectors beside them change nothing, and have none of them.
	beside := do(t, parse(t, two, "monitor.priority=0", "detectors=[{use: timeout, eta: 1s, timeout: 2s}, {use: nfd-s, eta: 1s, delta: 1s}]"), 1)
	if diff := cmp.Diff(r.Expectations, beside.Expectations); diff != "" || len(beside.Detectors) != 2 {
		t.Errorf("(-without +with detectors):\n%s", diff)
	}
	for _, d := range beside.Detectors {
		if len(d.Properties) != 0 {
			t.Errorf("%s has %+v", d.Name, d.Properties)
		}
	}
	// Without a list each level is judged.
	usual := do(t, parse(t, two, "properties=[]", "expect=[]"), 1)
	if len(usual.Properties) != 0 {
		t.Errorf("an empty list: %+v", usual.Properties)
	}
	usual = do(t, parse(t, strings.Split(two, "properties:")[0]), 1)
	if p := usual.Properties; len(p) != 2 || p[0].Params[0].Value != "7" || p[1].Params[0].Value != "6" || p[0].Outcome != "holds" || p[1].Outcome != "violated" || usual.Outcome != AsExpected {
		t.Errorf("%s: %+v", usual.Outcome, p)
	}
}

// The delay of a packet that waits for everything that it can wait for.
func TestDissect(t *testing.T) {
	s := parse(t, guarded, "detectors=[]", "properties=[]", "monitor={}", "qjump.levels=[{priority: 7, factor: 1}, {priority: 6, factor: 3}]",
		strings.ReplaceAll(`traffic=[{use: schedule, sends: [
			{at: 0s, from: h1, to: h0, packet: 1472B, priority: 0},
			{at: 0s, from: h1, to: h3, packet: 64B, priority: 6}, {at: 0s, from: h1, to: h3, packet: 64B, priority: 6}, {at: 0s, from: h1, to: h3, packet: 64B, priority: 6},
			{at: 100ns, from: h1, to: h0, packet: 64B, priority: 6},
			{at: 1400ns, from: h4, to: h0, packet: 64B, priority: 6},
			{at: 1500ns, from: h5, to: h2, packet: 1472B, priority: 0},
			{at: 2300ns, from: h2, to: h0, packet: 64B, priority: 7}]}]`, "\n\t\t\t", " "))
	const (
		ns     = model.Nanosecond
		packet = 84800 * model.Picosecond // 106 B at 10 Gb/s
		frame  = 1211200 * model.Picosecond
		epoch  = 2 * 6 * packet // of three packets
		link   = 500 * ns
	)
	l := do(t, s, 1).Levels[1]
	x, err := Dissect(t.Context(), s, *l.Slowest)
	if err != nil {
		t.Fatal(err)
	}
	// Released at 1017.6 ns, behind a frame until 1211.2 ns and three packets. At the
	// switch from 2050.4 ns on, behind the same frame, which is sent there from 1711.2 to
	// 2922.4 ns, the packet of h4 and that of h2, which came last.
	arrived := model.Time(frame + 4*packet + link)
	want := &Dissection{Packet: *l.Slowest, Priority: 6, Limiter: epoch - 100*ns, Ports: []PortDelay{
		{From: "h1", To: "s0", Arrived: model.Time(epoch), Lower: frame - epoch, Same: 3 * packet, Transmission: packet, Propagation: link},
		{From: "s0", To: "h0", Arrived: arrived, Lower: 2*frame + link - model.Duration(arrived), Same: packet, Higher: packet, Transmission: packet, Propagation: link},
	}}
	if diff := cmp.Diff(want, x); diff != "" || x.Total() != l.FromSending.Max || l.Slowest.Packet != 5 {
		t.Errorf("%+v, a total of %v for %+v:\n%s", l.Slowest, x.Total(), l.FromSending, diff)
	}

	if _, err := Dissect(t.Context(), s, SlowPacket{Packet: 1}); err == nil || err.Error() != "packet 1 passed no limiter" {
		t.Errorf("a packet without a limiter: %v", err)
	}
	if _, err := Dissect(t.Context(), s, SlowPacket{Packet: 9}); err == nil || err.Error() != "packet 9 is not delivered in replication 0" {
		t.Errorf("no such packet: %v", err)
	}
	jitter := parse(t, guarded, "network.edge.jitter=exponential(1us)")
	if _, err := Dissect(t.Context(), jitter, *do(t, jitter, 1).Levels[0].Slowest); err == nil || !strings.Contains(err.Error(), "has jitter") {
		t.Errorf("with jitter: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Dissect(ctx, parse(t, guarded), SlowPacket{}); !errors.Is(err, ErrInterrupted) {
		t.Errorf("interrupted: %v", err)
	}
}

// The fold takes no memory for a packet, once it has seen as many under way.
func TestLevelsAllocate(t *testing.T) {
	f := newLevels(parse(t, guarded))
	packet, at := uint64(0), model.Time(0)
	var record model.Record
	r := func(kind model.RecordKind, packet uint64, after model.Duration, place int32) *model.Record {
		at = at.Add(after)
		record = model.Record{Kind: kind, At: at, Process: 1, Peer: 2, Packet: packet, Priority: 7, Bytes: 106, Place: place}
		return &record
	}
	journey := func() {
		packet += 3
		for _, p := range []uint64{packet, packet + 1, packet + 2} {
			f.Observe(r(model.Sent, p, 0, 2))
			f.Observe(r(model.Released, p, 0, 2))
		}
		for _, p := range []uint64{packet, packet + 1, packet + 2} {
			f.Observe(r(model.Hopped, p, model.Microsecond, 2))
		}
		for _, p := range []uint64{packet, packet + 1, packet + 2} {
			f.Observe(r(model.Delivered, p, model.Microsecond, 5))
		}
	}
	for range 1000 {
		journey()
	}
	if n := testing.AllocsPerRun(1000, journey); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if f.levels[0].delivered < 3000 || f.levels[0].queues[2].peakPackets != 3 {
		t.Errorf("%+v", f.levels[0].queues[2])
	}
}

// Levels of several replications are sums and maxima, the first of equal ones.
func TestLevelsOfReplications(t *testing.T) {
	s := parse(t, randomLevels(4, true), "replications=4", "duration=1ms")
	r := do(t, s, 2)
	var sent, lost, samples int64
	var longest model.Duration
	var slowest SlowPacket
	pairs := map[[2]string]PairLatency{}
	ports := map[[2]string]PortBacklog{}
	names := s.Network.Topology.Names
	for index := range 4 {
		one, err := replicate(s, index, bounds(nil), (&guard{length: s.Duration, progress: Progress{Most: 1}}).watch(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		l := &one.levels.levels[0]
		sent += l.sent
		for _, n := range l.lost {
			lost += int64(n)
		}
		samples += l.latency.Count()
		if w := l.slowest; w.took() > longest {
			longest = w.took()
			slowest = SlowPacket{index, w.packet, names[w.from], names[w.to], w.sent, w.released, w.delivered}
		}
		for k, x := range l.pairs {
			p := pairs[[2]string{names[k.from], names[k.to]}]
			pairs[[2]string{names[k.from], names[k.to]}] = PairLatency{names[k.from], names[k.to], p.Samples + x.samples, max(p.Max, x.max)}
		}
		for _, p := range one.levels.backlogs(l, &s.Network.Topology) {
			before, seen := ports[[2]string{p.From, p.To}]
			p.Crossed += before.Crossed
			p.Packets = max(p.Packets, before.Packets)
			p.Replication = index
			if seen && before.Bytes >= p.Bytes {
				p.Bytes, p.At, p.Replication = before.Bytes, before.At, before.Replication
			}
			ports[[2]string{p.From, p.To}] = p
		}
	}
	l := r.Levels[0]
	gotLost := int64(0)
	for _, d := range l.Lost {
		gotLost += d.Count
	}
	if l.Sent != sent || gotLost != lost || lost == 0 || l.Latency.Count != samples || *l.Slowest != slowest || l.Latency.Max != longest || slowest.Replication == 0 {
		t.Errorf("%d sent, %d lost, %d samples, the slowest %+v; want %d, %d, %d, %+v", l.Sent, gotLost, l.Latency.Count, *l.Slowest, sent, lost, samples, slowest)
	}
	if len(pairs) != l.PairsSeen {
		t.Errorf("%d pairs, want %d", l.PairsSeen, len(pairs))
	}
	for i, p := range l.Pairs {
		if p != pairs[[2]string{p.From, p.To}] || i > 0 && p.Max > l.Pairs[i-1].Max {
			t.Errorf("pair %+v, want %+v", p, pairs[[2]string{p.From, p.To}])
		}
	}
	for i, p := range l.Ports {
		want := ports[[2]string{p.From, p.To}]
		if p.Bytes == 0 {
			want.Replication = 0
		}
		if p != want || i > 0 && p.Bytes > l.Ports[i-1].Bytes {
			t.Errorf("port %+v, want %+v", p, want)
		}
	}
	if len(l.Ports) != len(ports) {
		t.Errorf("%d ports, want %d", len(l.Ports), len(ports))
	}
}

// BenchmarkLevels states what the fold costs a run in which one packet of six is of a
// level.
func BenchmarkLevels(b *testing.B) {
	s := parse(b, guarded)
	for _, fold := range []bool{false, true} {
		b.Run(fmt.Sprintf("fold=%v", fold), func(b *testing.B) {
			events := uint64(0)
			for b.Loop() {
				m, err := newSimulation(s, 0)
				if err != nil {
					b.Fatal(err)
				}
				var r replication
				m.kernel.Records.Subscribe(model.AllKinds, r.hash.Observe)
				if fold {
					f := newLevels(s)
					m.kernel.Records.Subscribe(f.Kinds(), f.Observe)
				}
				if err := m.kernel.Run(model.Time(s.Duration), noBudget); err != nil {
					b.Fatal(err)
				}
				events += m.kernel.Events()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
		})
	}
}
