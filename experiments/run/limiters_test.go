package run

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
	"suspect/qjump"
	"suspect/qjump/adversary"
	"suspect/sim"
)

// simulate runs replication 0 of s and hands the records of the given kinds to f.
func simulate(t *testing.T, s *scenario.Scenario, f func(*model.Record), kinds ...model.RecordKind) *simulation {
	t.Helper()
	m, err := newSimulation(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	m.kernel.Records.Subscribe(model.KindSet(kinds...), f)
	if err := m.kernel.Run(model.Time(s.Duration), sim.Budget{}); err != nil {
		t.Fatal(err)
	}
	return m
}

// A schedule that the adversary found has the same worst delay in a run of a scenario, to
// the picosecond: it sends at the instants of releases, and before them.
func TestScheduleReplaysTheAdversary(t *testing.T) {
	for _, c := range []struct {
		topology, limiter string
		frames            int
	}{
		{"star: {hosts: 6}", "minimum-spacing", 0},
		{"star: {hosts: 5}", "fixed-window", 2},
		{"leaf_spine: {leaves: 2, spines: 1, hosts_per_leaf: 3}", "fixed-window", 1},
		{"leaf_spine: {leaves: 2, spines: 2, hosts_per_leaf: 3}", "restarting-window", 2},
	} {
		text := fmt.Sprintf(`name: worst
duration: 1ms
network: {framing: bare, topology: {%s}, edge: {rate: 10Gbps, delay: 50ns}}
qjump: {packet: 256B, limiter: %s, levels: [{priority: 7, factor: 1}]}
`, c.topology, c.limiter)
		s := parse(t, text)
		class := adversary.Class{Priority: 7, Payload: 256, Limiter: s.QJump.Table.Limiter(0, s.QJump.Limiter), Packets: 2}
		for h := 1; h < s.Processes(); h++ {
			class.Senders = append(class.Senders, network.NodeID(h))
		}
		p := adversary.Problem{
			Topology: s.Network.Topology, Framing: s.Network.Framing, Classes: []adversary.Class{class}, Frames: c.frames,
		}
		if c.frames > 0 {
			p.Frame = 1500
		}
		best, err := adversary.Search(p, adversary.Options{Seed: 1, Evaluations: 300})
		if err != nil {
			t.Fatal(err)
		}
		name := func(n network.NodeID) string { return s.Network.Topology.Names[n] }
		var phases, sends []string
		for _, x := range best.Schedule.Phases {
			phases = append(phases, fmt.Sprintf("{host: %s, priority: %d, phase: %v}", name(x.Host), x.Priority, x.Phase))
		}
		for _, x := range best.Schedule.Sends {
			sends = append(sends, fmt.Sprintf("{at: %v, from: %s, to: %s, packet: %dB, priority: %d}", x.At, name(x.From), name(x.To), x.Payload, x.Priority))
		}
		set := []string{"traffic=[{use: schedule, sends: [" + strings.Join(sends, ", ") + "]}]"}
		if c.limiter == "fixed-window" {
			set = append(set, "qjump.phases=["+strings.Join(phases, ", ")+"]")
		}
		released := make(map[uint64]model.Time)
		worst := model.Duration(0)
		simulate(t, parse(t, text, set...), func(r *model.Record) {
			switch {
			case r.Priority != 7:
			case r.Kind == model.Released:
				released[r.Packet] = r.At
			default:
				worst = max(worst, r.At.Sub(released[r.Packet]))
			}
		}, model.Released, model.Delivered)
		if worst != best.Delay || worst == 0 {
			t.Errorf("%s, %s: the run's worst delay is %v, the adversary's %v", c.topology, c.limiter, worst, best.Delay)
		}
	}
}

// A frame that a schedule sends at the instant of a release is in transmission when the
// packet is released, and the packet waits for all of it at the host. Other traffic comes
// after the release.
func TestScheduleComesBeforeReleases(t *testing.T) {
	const text = `name: frame
duration: 1ms
network: {framing: bare, topology: {star: {hosts: 2}}, edge: {rate: 10Gbps}}
qjump: {packet: 125B, levels: [{priority: 7, factor: 1}]}
traffic:
  - {use: schedule, sends: [{at: 0s, from: h0, to: h1, packet: 125B, priority: 7}, {at: 0s, from: h0, to: h1, packet: 125B, priority: 7}%s]}
%s`
	// E = 2*2*125*8/10^10 s = 400 ns; a packet takes 100 ns on a link, the frame 1 us. At
	// the switch the packet comes 100 ns after the frame and waits for what is left of it.
	for _, c := range []struct {
		sends, traffic string
		want           model.Duration
	}{
		{"", "", 200 * model.Nanosecond},
		{", {at: 400ns, from: h0, to: h1, packet: 1250B}", "", (1000 + 100 + 900 + 100) * model.Nanosecond},
		{"", "  - {use: periodic, from: h0, to: h1, period: 1ms, phase: 400ns, packet: 1250B}\n", 200 * model.Nanosecond},
	} {
		var released, delivered model.Time
		simulate(t, parse(t, fmt.Sprintf(text, c.sends, c.traffic)), func(r *model.Record) {
			switch {
			case r.Packet != 2:
			case r.Kind == model.Released:
				released = r.At
			default:
				delivered = r.At
			}
		}, model.Released, model.Delivered)
		if released != model.Time(400*model.Nanosecond) || delivered.Sub(released) != c.want {
			t.Errorf("%s%s: released at %v, %v before it is delivered, want %v", c.sends, c.traffic, released, delivered.Sub(released), c.want)
		}
	}
}

// A host has one limiter for a level, and each traffic that asks for it another one; a
// rogue has none. So many packets are released at once.
func TestTrafficWithItsOwnLimiter(t *testing.T) {
	const text = `name: own
duration: 1ms
network: {framing: bare, topology: {star: {hosts: 3}}, edge: {rate: 10Gbps}}
qjump: {packet: 100B, limiter: fixed-window, phase: 0s, levels: [{priority: 7, factor: 1}, {priority: 6, factor: 2}]}
traffic:
  - {use: periodic, from: [h0, h1], to: h2, packet: 100B, priority: 7, period: 1ms}
  - {use: periodic, from: h0, to: h2, packet: 90B, priority: 7, period: 1ms}
  - {use: periodic, from: h0, to: h2, packet: 80B, priority: 7, period: 1ms, limiter: own}
  - {use: schedule, limiter: own, sends: [{at: 0s, from: h0, to: h2, packet: 70B, priority: 7}, {at: 0s, from: h0, to: h2, packet: 60B, priority: 7}, {at: 0s, from: h1, to: h2, packet: 50B, priority: 6}, {at: 0s, from: h1, to: h2, packet: 40B, priority: 0}]}
  - {use: bulk, from: h1, to: h2, packet: 30B, priority: 7, limiter: none}
`
	s := parse(t, text)
	epoch := s.QJump.Table.Limiter(0, s.QJump.Limiter).Epoch
	at := make(map[model.Time][]string)
	simulate(t, s, func(r *model.Record) {
		at[r.At] = append(at[r.At], fmt.Sprintf("h%d %dB", r.Process, r.Bytes))
	}, model.Released)
	for when, want := range map[model.Time][]string{
		0:                             {"h0 100B", "h0 70B", "h0 80B", "h1 100B", "h1 50B"},
		model.Time(epoch):             {"h0 60B", "h0 90B"},
		model.Time(model.Millisecond): {"h0 100B", "h0 80B", "h1 100B"},
	} {
		slices.Sort(at[when])
		if !slices.Equal(at[when], want) {
			t.Errorf("at %v are released %q, want %q", when, at[when], want)
		}
	}
	if len(at) != 3 {
		t.Errorf("packets are released at %d times: %v", len(at), at)
	}
}

// Single phases are set for their hosts, and leave those of the others as they were.
func TestSinglePhases(t *testing.T) {
	const text = `name: phases
duration: 1ms
network: {framing: bare, topology: {star: {hosts: 4}}, edge: {rate: 10Gbps}}
qjump: {packet: 100B, limiter: fixed-window, levels: [{priority: 7, factor: 1}]}
traffic: [{use: periodic, from: all, to: random, packet: 100B, priority: 7, period: 1ns}]
`
	first := func(set ...string) (at [4]model.Time, epoch model.Duration) {
		s := parse(t, text, set...)
		simulate(t, s, func(r *model.Record) {
			if r.At > 0 && at[r.Process] == 0 {
				at[r.Process] = r.At // the next window
			}
		}, model.Released)
		return at, s.QJump.Table.Limiter(0, qjump.FixedWindow).Epoch
	}
	before, epoch := first()
	after, _ := first("duration=2us", "qjump.phases=[{host: h2, priority: 7, phase: 12ns}, {host: h1, priority: 7, phase: 1us}]")
	want := before
	want[2] = model.Time(12 * model.Nanosecond)
	want[1] = model.Time(model.Microsecond % epoch)
	if after != want {
		t.Errorf("%v, want %v of epochs of %v", after, want, epoch)
	}
}

// The limiter of a host whose clock is fast lets more pass, in the ratio of the clocks; a
// processing time of every packet is a limit too.
func TestLimitersFollowClocks(t *testing.T) {
	const text = `name: clocks
duration: 10ms
network: {framing: bare, topology: {star: {hosts: 2}}, edge: {rate: 10Gbps}}
qjump: {packet: 125B, levels: [{priority: 7, factor: 1}]}
traffic: [{use: periodic, from: h1, to: h0, packet: 125B, priority: 7, period: 100ns}]
faults: [{use: pause, process: h0, at: 1us}]
`
	count := func(set ...string) (n int) {
		simulate(t, parse(t, text, set...), func(*model.Record) { n++ }, model.Released)
		return n
	}
	// E = 2*2*125*8/10^10 s = 400 ns, the first at once.
	for _, c := range []struct {
		want int
		set  []string
	}{
		{25_001, nil},
		{27_501, []string{"clocks={drift: 10%}"}},
		{22_501, []string{"clocks={offset: 5ms, drift: -10%}"}},
		{25_000, []string{"qjump.processing=400ns"}}, // the first after 400 ns
		{20_000, []string{"qjump.processing=500ns"}},
		// Of 101 packets until then 26 have passed; the others go at once, and from
		// 10.1 us on one in 400 ns, of which there are 24975.
		{26 + 75 + 24_975, []string{"faults=[{use: clock-step, host: h1, step: 5ms, at: 10us}]"}},
		{12_501, []string{"faults=[{use: clock-step, host: h1, step: -5ms, at: 1ms}]"}}, // none for 5 ms
	} {
		if got := count(c.set...); got != c.want {
			t.Errorf("%q: %d packets are released, want %d", c.set, got, c.want)
		}
	}
}
