package network

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"suspect/model"
	"suspect/sim"
)

// us is a microsecond: what 1000 bytes last at 8 Gb/s.
const us = model.Microsecond

// pair returns two hosts with one link of 8 Gb/s between them and no delay.
func pair(buffer Buffer) Topology {
	c := LinkConfig{Rate: 8 * Gbps, Buffer: buffer}
	return Topology{Names: []string{"a", "b"}, Hosts: 2, Links: []Link{{A: 0, B: 1, AtoB: c, BtoA: c}}}
}

func star8G(hosts int) Topology { return Star(hosts, LinkConfig{Rate: 8 * Gbps}) }

func hosts(n int) []NodeID {
	list := make([]NodeID, n)
	for i := range list {
		list[i] = NodeID(i)
	}
	return list
}

func mustAdd(tb testing.TB, n *Network, t Traffic) {
	tb.Helper()
	if err := n.AddTraffic(t); err != nil {
		tb.Fatal(err)
	}
}

// collect returns the records of the given kinds, as they come.
func collect(n *Network, kinds ...model.RecordKind) *[]model.Record {
	log := new([]model.Record)
	n.kernel.Records.Subscribe(model.KindSet(kinds...), func(r *model.Record) { *log = append(*log, *r) })
	return log
}

func constant(d model.Duration) sim.Distribution { return sim.Distribution{Mean: d} }

// A periodic source on one link is a D/D/1 queue: rows DD1-1 and DD1-2 of the
// vectors. With period T and service D the wait of packet n, counted from 0, is 0
// where D <= T, else n(D-T).
func TestPeriodicIsDD1(t *testing.T) {
	for _, c := range []struct {
		period model.Duration
		want   func(n int64) model.Duration
	}{
		{1250 * model.Nanosecond, func(int64) model.Duration { return 0 }},
		{us, func(int64) model.Duration { return 0 }},
		{800 * model.Nanosecond, func(n int64) model.Duration { return model.Duration(n) * 200 * model.Nanosecond }},
	} {
		n := newNetwork(t, 1, Config{Topology: pair(Buffer{}), Framing: Bare})
		delivered := collect(n, model.Delivered)
		mustAdd(t, n, Traffic{Kind: Periodic, From: hosts(1), Period: c.period, Bytes: 1000})
		run(t, n, model.Time(1500*us))
		if len(*delivered) < 1001 {
			t.Fatalf("period %v: %d packets", c.period, len(*delivered))
		}
		for i, r := range *delivered {
			if want := model.Time(i) * model.Time(c.period); r.SentAt != want {
				t.Fatalf("period %v: packet %d was sent at %v, want %v", c.period, i, r.SentAt, want)
			}
			if wait := r.At.Sub(r.SentAt) - us; wait != c.want(int64(i)) {
				t.Fatalf("period %v: packet %d waited %v, want %v", c.period, i, wait, c.want(int64(i)))
			}
		}
	}
}

// Row BATCH-1 of the vectors: 100 packets of 256 bytes that meet at an output of
// 10 Gb/s; the last one waits 20275.2 ns.
func TestSynchronisedFanIn(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: Star(101, LinkConfig{Rate: 10 * Gbps}), Framing: Bare})
	delivered := collect(n, model.Delivered)
	mustAdd(t, n, Traffic{Kind: Periodic, From: hosts(101), To: []NodeID{100}, Period: model.Second, Bytes: 256})
	run(t, n, model.Time(100*us))
	if len(*delivered) != 100 {
		t.Fatalf("%d packets, want 100", len(*delivered))
	}
	const own = 204_800 // ps on a link, of which there are two
	last := (*delivered)[99]
	if wait := last.At.Sub(last.SentAt) - 2*own; wait != 20_275_200 {
		t.Errorf("the last packet waited %v, want 20275.2ns", wait)
	}
}

// N periodic sources with period T > N·D: no packet ever waits longer than (N-1)D,
// whatever their phases (rows NDD1 of the vectors), and one that meets all others
// does.
func TestPeriodicSourcesWaitForEachOtherAtMost(t *testing.T) {
	const sources, hardMax = 10, 9 * us
	longest := model.Duration(0)
	for seed := range uint64(100) {
		n := newNetwork(t, seed, Config{Topology: star8G(sources + 1), Framing: Bare})
		phase := sim.Distribution{Kind: sim.Uniform, High: 12*us - 1}
		want := model.Duration(0)
		if seed == 0 {
			phase = constant(5 * us)
			want = hardMax
		}
		seen := model.Duration(0)
		n.kernel.Records.Subscribe(model.KindSet(model.Delivered), func(r *model.Record) {
			seen = max(seen, r.At.Sub(r.SentAt)-2*us)
		})
		mustAdd(t, n, Traffic{Kind: Periodic, From: hosts(sources), To: []NodeID{sources}, Period: 12 * us, Phase: phase, Bytes: 1000})
		run(t, n, model.Time(100*us))
		if seen > hardMax || seen < want {
			t.Errorf("seed %d: longest wait %v, want at least %v and at most %v", seed, seen, want, hardMax)
		}
		if seed > 0 {
			longest = max(longest, seen)
		}
	}
	if longest < 2*us { // the mean over phases is 0.89 µs, its 99 % quantile 3.5 µs
		t.Errorf("with random phases no wait exceeded %v", longest)
	}
}

// Packets of an on-off source leave at whole multiples of the gap on a clock that
// stands still in off periods.
func TestOnOffIsEvenOnItsOwnClock(t *testing.T) {
	for _, c := range []struct {
		on, off model.Duration
		cycles  int
	}{
		{20 * us, 7 * us, 500},
		{us / 10, us / 50, 80_000},        // 80 periods for each packet
		{us / 125, us / 1000, 500 * 1000}, // 1000
	} {
		n := newNetwork(t, 1, Config{Topology: pair(Buffer{}), Framing: Bare})
		sent := collect(n, model.Sent)
		// At 1 Gb/s 1000 bytes last 8 µs.
		mustAdd(t, n, Traffic{
			Kind: OnOff, From: hosts(1), Rate: Gbps, Bytes: 1000, Phase: constant(3 * us),
			On: constant(c.on), Off: constant(c.off),
		})
		run(t, n, model.Time(3*us+model.Duration(c.cycles)*(c.on+c.off)-1))
		for i, r := range *sent {
			on := model.Duration(i) * 8 * us
			periods := (on - 1) / c.on // that have ended before
			if want := model.Time(3*us + on + periods*c.off); r.At != want {
				t.Fatalf("on %v: packet %d at %v, want %v", c.on, i, r.At, want)
			}
		}
		if want := int(model.Duration(c.cycles)*c.on/(8*us)) + 1; len(*sent) != want {
			t.Errorf("on %v: %d packets, want %d", c.on, len(*sent), want)
		}
	}
}

// However many periods pass between two packets, those who limit a run are asked.
func TestOnOffCanBeStopped(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: pair(Buffer{}), Framing: Bare})
	sent := collect(n, model.Sent)
	// At 10 kb/s 1500 bytes last 1.2 s, or 600,000 on periods.
	mustAdd(t, n, Traffic{Kind: OnOff, From: hosts(1), Rate: 10_000, Bytes: 1500, On: constant(2 * us)})
	asked := 0
	if err := n.kernel.Run(model.Time(3*model.Second), sim.Budget{Stop: func() error { asked++; return nil }}); err != nil {
		t.Fatal(err)
	}
	if len(*sent) != 3 || (*sent)[2].At != model.Time(2400*model.Millisecond) || asked < 2 {
		t.Errorf("%d packets, asked %d times", len(*sent), asked)
	}
}

// The long-run average of a random on-off source is its rate times the share of time
// for which it is on.
func TestOnOffRate(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: pair(Buffer{}), Framing: Ethernet})
	mustAdd(t, n, Traffic{
		Kind: OnOff, From: hosts(1), Rate: 4 * Gbps, Bytes: 1000,
		On:  sim.Distribution{Kind: sim.Exponential, Mean: 2 * us},
		Off: sim.Distribution{Kind: sim.Exponential, Mean: 6 * us},
	})
	const span = 4000 * model.Millisecond
	run(t, n, model.Time(span))
	// The share of on time over span/8µs = 500,000 cycles has a standard deviation
	// of 2·s(1-s)/√cycles, 0.05 % of a Gb/s.
	rate := float64(n.Counts().Sent) * 1042 * 8 / span.Seconds()
	if math.Abs(rate-1e9) > 5e6 {
		t.Errorf("%.5g bit/s, want 1e9", rate)
	}
}

func TestPoissonRate(t *testing.T) {
	n := newNetwork(t, 3, Config{Topology: star8G(4), Framing: Ethernet})
	sent := make([]float64, 4)
	gaps, last := []float64{}, model.Time(0)
	n.kernel.Records.Subscribe(model.KindSet(model.Sent), func(r *model.Record) {
		sent[r.Process]++
		if r.Process == 0 {
			gaps = append(gaps, float64(r.At.Sub(last)))
			last = r.At
		}
	})
	const span = 400 * model.Millisecond
	mustAdd(t, n, Traffic{Kind: Poisson, From: hosts(4), Rate: 2 * Gbps, Bytes: 1000})
	run(t, n, model.Time(span))
	for h, packets := range sent {
		// 96,000 packets: 1 % is three standard deviations.
		if rate := packets * 1042 * 8 / span.Seconds(); math.Abs(rate/2e9-1) > 0.01 {
			t.Errorf("host %d sends %.4g bit/s, want 2e9", h, rate)
		}
	}
	// The gaps are exponential: Kolmogorov's distance, as for flow sizes.
	slices.Sort(gaps)
	worst, mean := 0.0, float64(1042*8*500) // ps
	for i, g := range gaps {
		f := 1 - math.Exp(-g/mean)
		worst = max(worst, f-float64(i)/float64(len(gaps)), float64(i+1)/float64(len(gaps))-f)
	}
	if limit := 1.95 / math.Sqrt(float64(len(gaps))); worst > limit {
		t.Errorf("the distribution of the gaps is off by %.4f, limit %.4f", worst, limit)
	}
}

func TestDestinations(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to []NodeID
		want     [][]int // destinations by source
	}{
		{"any other", hosts(3), nil, [][]int{{1, 2}, {0, 2}, {0, 1}}},
		{"one for all", hosts(3), []NodeID{1}, [][]int{{1}, nil, {1}}},
		{"some", []NodeID{0, 2}, []NodeID{2, 1, 0}, [][]int{{1, 2}, nil, {0, 1}}},
		{"others", []NodeID{0}, []NodeID{2}, [][]int{{2}, nil, nil}},
	} {
		n := newNetwork(t, 1, Config{Topology: star8G(3), Framing: Bare})
		counts := [3][3]int{}
		n.kernel.Records.Subscribe(model.KindSet(model.Sent), func(r *model.Record) { counts[r.Process][r.Peer]++ })
		mustAdd(t, n, Traffic{Kind: Periodic, From: c.from, To: c.to, Period: 10 * us, Bytes: 100})
		run(t, n, model.Time(20*model.Millisecond))
		for from := range 3 {
			var to, numbers []int
			for i, x := range counts[from] {
				if x > 0 {
					to, numbers = append(to, i), append(numbers, x)
				}
			}
			if !slices.Equal(to, c.want[from]) {
				t.Errorf("%s: host %d sends to %v, want %v", c.name, from, to, c.want[from])
			}
			if len(numbers) > 1 && uniformity(numbers) < 1e-3 {
				t.Errorf("%s: host %d sends %v packets to %v", c.name, from, numbers, to)
			}
		}
	}
}

// busy checks that a link does not idle between the arrivals of the given packets,
// which a rate of 8 Gb/s brings at 1 ns for a byte.
func busy(t *testing.T, arrivals []model.Record) {
	t.Helper()
	for i := 1; i < len(arrivals); i++ {
		r := &arrivals[i]
		if gap := r.At.Sub(arrivals[i-1].At); gap != model.Duration(r.Bytes)*model.Nanosecond {
			t.Fatalf("arrival %d is %v after the one before, of %d bytes", i, gap, r.Bytes)
		}
	}
}

func TestBulkSaturatesAndNeverOverflows(t *testing.T) {
	const span = 2 * model.Millisecond
	for name, buffer := range map[string]Buffer{
		"unlimited": {}, "one packet": {Packets: 1}, "two packets": {Packets: 2},
		"one packet's bytes": {Bytes: 1000}, "nearly two packets' bytes": {Bytes: 1999}, "many": {Packets: 100, Bytes: 100_000},
	} {
		for _, twoEvent := range []bool{false, true} {
			// Alone, it uses every picosecond.
			n := newNetwork(t, 1, Config{Topology: pair(buffer), Framing: Bare, TwoEventPorts: twoEvent})
			mustAdd(t, n, Traffic{Kind: Bulk, From: hosts(1), Bytes: 1000})
			arrivals := collect(n, model.Delivered)
			for n.kernel.Now() < model.Time(span) {
				if waiting, _ := n.Backlog(0, 0); n.kernel.Now() > 0 && waiting < 1 {
					t.Fatalf("%s: nothing waits at %v", name, n.kernel.Now())
				}
				run(t, n, min(n.kernel.Now().Add(us/3), model.Time(span)))
			}
			if c := n.Counts(); c.Delivered != uint64(span/us) || c.Dropped != [model.DropCauses]uint64{} {
				t.Errorf("%s: %+v, want %d packets delivered", name, c, span/us)
			}
			busy(t, *arrivals)

			// Beside traffic of a higher priority, it uses what that leaves.
			n = newNetwork(t, 1, Config{Topology: pair(buffer), Framing: Bare, TwoEventPorts: twoEvent})
			mustAdd(t, n, Traffic{Kind: Bulk, Name: "bulk", From: hosts(1), Bytes: 1000})
			mustAdd(t, n, Traffic{Kind: Poisson, Name: "high", From: hosts(1), Bytes: 333, Rate: 3 * Gbps, Priority: 7})
			arrivals = collect(n, model.Delivered)
			n.kernel.Records.Subscribe(model.KindSet(model.Dropped), func(r *model.Record) {
				if r.Priority == 0 {
					t.Errorf("%s: bulk packet dropped: %v", name, r)
				}
			})
			for n.kernel.Now() < model.Time(span) {
				run(t, n, n.kernel.Now().Add(us/3))
				// Room for two that wait is room for one at any time.
				if waiting, _ := n.Backlog(0, 0); waiting < 1 && buffer.Packets != 1 && (buffer.Bytes == 0 || buffer.Bytes >= 2000) {
					t.Fatalf("%s: nothing waits at %v", name, n.kernel.Now())
				}
			}
			if n.Counts().Delivered < 1000 {
				t.Errorf("%s: %d packets", name, n.Counts().Delivered)
			}
			busy(t, *arrivals)
		}
	}
}

// A limiter that takes longer to decide than the link takes to transmit gets one packet
// after the other, however many it drops.
func TestBulkWaitsForDecisions(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: pair(Buffer{}), Framing: Bare, LimiterProcessing: 5 * us})
	n.SetLimiter(0, 7, &spacing{gap: 20 * us}, 7)
	mustAdd(t, n, Traffic{Kind: Bulk, From: hosts(1), Bytes: 1000, Priority: 7})
	run(t, n, model.Time(model.Millisecond))
	c := n.Counts()
	if c.Sent < 190 || n.InFlight() > 2 || c.Delivered != 50 && c.Delivered != 49 {
		t.Errorf("%+v and %d in flight, want about 200 decisions, 50 of them to send", c, n.InFlight())
	}
}

func TestBulkPausesWhileItsLinkIsDown(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: pair(Buffer{}), Framing: Bare})
	mustAdd(t, n, Traffic{Kind: Bulk, From: hosts(1), Bytes: 1000})
	n.Schedule(linkDown{[]LinkID{0}}, model.Time(10*us), 10*us)
	n.Schedule(hostCrash{0}, model.Time(30*us), 10*us)
	run(t, n, model.Time(50*us))
	c := n.Counts()
	// 10 µs of each 20 bring 10 packets. At most the one in transmission and two
	// that wait are lost for each fault.
	lost := c.Dropped[model.LinkDown] + c.Dropped[model.HostDown]
	if c.Delivered < 28 || c.Delivered > 30 || lost > 6 || c.Sent > 40 {
		t.Errorf("%+v", c)
	}
}

// uniformSizes is a table of sizes between 100 and 30,000 bytes.
var uniformSizes = &FlowSizes{Name: "uniform", Points: []FlowSize{{100, 0}, {30_000, million}}}

func TestFlowsRate(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: star8G(4), Framing: Ethernet})
	sent := make([]float64, 4)
	n.kernel.Records.Subscribe(model.KindSet(model.Sent), func(r *model.Record) { sent[r.Process] += float64(r.Bytes) })
	mustAdd(t, n, Traffic{Kind: Flows, From: hosts(4), Rate: 4 * Gbps, Bytes: 1460, Sizes: uniformSizes})
	const span = 1600 * model.Millisecond
	run(t, n, model.Time(span))
	for h, bytes := range sent {
		// About 51,000 flows whose sizes have a coefficient of variation of 0.57:
		// 1 % is two standard deviations.
		if rate := bytes * 8 / span.Seconds(); math.Abs(rate/4e9-1) > 0.01 {
			t.Errorf("host %d sends %.5g bit/s, want 4e9", h, rate)
		}
	}
}

// Flows leave one after another, back to back, and their packets take one path each
// while the flows of a pair of hosts take all.
func TestFlowsStickToOnePath(t *testing.T) {
	const flowBytes, perFlow = 10*1000 + 123, 11
	fixed := &FlowSizes{Name: "fixed", Points: []FlowSize{{flowBytes, 0}, {flowBytes, million}}}
	link := LinkConfig{Rate: 8 * Gbps}
	top := LeafSpine(3, 4, 2, link, link)
	n := newNetwork(t, 1, Config{Topology: top, Framing: Bare})
	type where struct {
		host  model.ProcessID
		index int
	}
	spine0, _ := top.Node("spine0")
	place := make(map[uint64]where) // of a packet in its host's order
	count := make([]int, 6)
	lastSent := make([]model.Record, 6)
	spineOf := make(map[where]NodeID) // by flow
	spines := make([]int, 4)
	backToBack := 0
	n.kernel.Records.Subscribe(model.KindSet(model.Sent, model.Hopped), func(r *model.Record) {
		if r.Kind == model.Sent {
			h := r.Process
			i := count[h]
			place[r.Packet] = where{h, i}
			count[h]++
			wantBytes := int32(1000)
			if i%perFlow == perFlow-1 {
				wantBytes = 123
			}
			before := lastSent[h]
			lastSent[h] = *r
			if r.Bytes != wantBytes {
				t.Fatalf("packet %d of host %d has %d bytes, want %d", i, h, r.Bytes, wantBytes)
			}
			if i%perFlow == 0 {
				if i > 0 && r.At.Sub(before.At) < 123*model.Nanosecond {
					t.Fatalf("a flow of host %d begins %v after the last packet of the one before", h, r.At.Sub(before.At))
				}
				return
			}
			backToBack++
			if r.Peer != before.Peer || r.At.Sub(before.At) != us {
				t.Fatalf("packet %d of host %d goes to %d at %v, the one before to %d at %v", i, h, r.Peer, r.At, before.Peer, before.At)
			}
			return
		}
		if _, to := top.Ends(LinkID(r.Place)); to >= spine0 {
			w := place[r.Packet]
			w.index /= perFlow
			if first, ok := spineOf[w]; !ok {
				spineOf[w] = to
				spines[to-spine0]++
			} else if first != to {
				t.Fatalf("a flow of host %d takes spines %d and %d", w.host, first, to)
			}
		}
	})
	mustAdd(t, n, Traffic{Kind: Flows, From: hosts(6), Rate: 2 * Gbps, Bytes: 1000, Sizes: fixed})
	run(t, n, model.Time(20*model.Millisecond))
	if backToBack < 10_000 {
		t.Errorf("only %d packets followed others of their flow", backToBack)
	}
	if p := uniformity(spines); p < 1e-3 {
		t.Errorf("spines were taken by %v flows, p = %.2g", spines, p)
	}
}

func TestTrafficIsValidated(t *testing.T) {
	top := star8G(3)
	good := Traffic{Kind: Periodic, From: hosts(1), Bytes: 100, Period: us}
	for _, c := range []struct {
		want   string
		change func(t *Traffic)
	}{
		{"there is no traffic-kind(6)", func(t *Traffic) { t.Kind = trafficKinds }},
		{"no host sends", func(t *Traffic) { t.From = nil }},
		{"from: there is no node 9", func(t *Traffic) { t.From = []NodeID{9} }},
		{"from: h1 is listed twice", func(t *Traffic) { t.From = []NodeID{1, 1} }},
		{"to: s0 is a switch; only hosts send and receive", func(t *Traffic) { t.To = []NodeID{3} }},
		{"h0 would send to itself alone", func(t *Traffic) { t.To = []NodeID{0} }},
		{"h0 would send to itself alone", func(t *Traffic) { t.To = []NodeID{} }},
		{"priority 8: it must lie between 0 and 7", func(t *Traffic) { t.Priority = 8 }},
		{"packets of 0 bytes: they must have between 1 and 65536", func(t *Traffic) { t.Bytes = 0 }},
		{"packets of 65537 bytes: they must have between 1 and 65536", func(t *Traffic) { t.Bytes = MaxPayload + 1 }},
		{"phase: distribution -1ps: -1ps is negative", func(t *Traffic) { t.Phase.Mean = -1 }},
		{"period of 0s: it must be positive", func(t *Traffic) { t.Period = 0 }},
		{"rate of 0 bit/s: it must be positive and at most 8000000000000", func(t *Traffic) { t.Kind = Poisson }},
		{"on: an on period must last", func(t *Traffic) { t.Kind, t.Rate = OnOff, 1 }},
		{"on: an on period must last", func(t *Traffic) { t.Kind, t.Rate, t.On.Kind = OnOff, 1, sim.Uniform }},
		{"on: 9ns is too short: there would be one packet in 10ms of such periods",
			func(t *Traffic) { t.Kind, t.Rate, t.On.Mean = OnOff, 80_000, 9*model.Nanosecond }},
		{"off: distribution -1ps: -1ps is negative", func(t *Traffic) { t.Kind, t.Rate, t.On.Mean, t.Off.Mean = OnOff, Gbps, us, -1 }},
		{"there are no flow sizes", func(t *Traffic) { t.Kind, t.Rate = Flows, 1 }},
		{`flow sizes "": 0 points; there must be two or more`, func(t *Traffic) { t.Kind, t.Rate, t.Sizes = Flows, 1, &FlowSizes{} }},
		{"priority 9: it must lie between 0 and 7\nperiod of -1ps: it must be positive", func(t *Traffic) { t.Priority, t.Period = 9, -1 }},
	} {
		bad := good
		c.change(&bad)
		if err := bad.Validate(&top); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	barely := good
	barely.Kind, barely.Rate, barely.On = OnOff, 80_000, sim.Distribution{Kind: sim.Normal, Deviation: 10 * model.Nanosecond}
	for _, valid := range []Traffic{good, barely} {
		if err := valid.Validate(&top); err != nil {
			t.Error(err)
		}
	}
	n := newNetwork(t, 1, Config{Topology: pair(Buffer{Bytes: 999}), Framing: Bare})
	err := n.AddTraffic(Traffic{Kind: Bulk, From: hosts(1), Bytes: 1000})
	const want = "the output queue of a has no room for a packet of 1000 bytes, so it cannot be saturated"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	// What was refused has added nothing, not even its name.
	mustAdd(t, n, Traffic{Kind: Bulk, From: hosts(1), Bytes: 999})
	if err := n.AddTraffic(good); err == nil || err.Error() != `there is traffic by the name of "" already` {
		t.Errorf("got %v", err)
	}
}

// everyKind is traffic of each kind from every host.
func everyKind(hostCount int) []Traffic {
	all := hosts(hostCount)
	return []Traffic{
		{Kind: Periodic, Name: "periodic", From: all, To: []NodeID{0}, Period: 10 * us, Bytes: 500, Priority: 6,
			Phase: sim.Distribution{Kind: sim.Uniform, High: 10 * us}},
		{Kind: Poisson, Name: "poisson", From: all, Rate: Gbps, Bytes: 700, Priority: 5},
		{Kind: OnOff, Name: "on-off", From: all, Rate: 2 * Gbps, Bytes: 300, Priority: 3,
			On:  sim.Distribution{Kind: sim.Exponential, Mean: 20 * us},
			Off: sim.Distribution{Kind: sim.Exponential, Mean: 50 * us}},
		{Kind: Bulk, Name: "bulk", From: all[:1], Bytes: 1500},
		{Kind: Flows, Name: "flows", From: all, Rate: 2 * Gbps, Bytes: 1460, Priority: 1, Sizes: uniformSizes},
	}
}

// What one traffic sends does not depend on which others there are.
func TestTrafficHasItsOwnStreams(t *testing.T) {
	var alone, together []string
	for i, kind := range everyKind(4) {
		n := newNetwork(t, 9, Config{Topology: star8G(4), Framing: Bare})
		log := collect(n, model.Sent)
		mustAdd(t, n, kind)
		run(t, n, model.Time(500*us))
		if len(*log) < 50 {
			t.Errorf("traffic %d sent %d packets", i, len(*log))
		}
		if kind.Kind == Bulk { // it fills what the others leave
			continue
		}
		for _, r := range *log {
			alone = append(alone, fmt.Sprintf("%v %v %d %d %d", r.At, r.Priority, r.Process, r.Peer, r.Bytes))
		}
	}
	n := newNetwork(t, 9, Config{Topology: star8G(4), Framing: Bare})
	log := collect(n, model.Sent)
	for _, kind := range everyKind(4) {
		mustAdd(t, n, kind)
	}
	run(t, n, model.Time(500*us))
	for _, r := range *log {
		if r.Priority != 0 {
			together = append(together, fmt.Sprintf("%v %v %d %d %d", r.At, r.Priority, r.Process, r.Peer, r.Bytes))
		}
	}
	slices.Sort(alone)
	slices.Sort(together)
	if !slices.Equal(alone, together) {
		t.Errorf("%d packets alone and %d together, or others", len(alone), len(together))
	}
}

// Two traffics that differ in name alone, and two hosts, draw differently.
func TestTrafficsOfDifferentNamesDiffer(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: star8G(3), Framing: Bare})
	sent := make(map[model.Time]int)
	n.kernel.Records.Subscribe(model.KindSet(model.Sent), func(r *model.Record) { sent[r.At]++ })
	for _, name := range []string{"a", "b"} {
		mustAdd(t, n, Traffic{Kind: Poisson, Name: name, From: hosts(3), Rate: Gbps, Bytes: 1000})
	}
	run(t, n, model.Time(model.Millisecond))
	if total := int(n.Counts().Sent); total < 600 || len(sent) < total-5 {
		t.Errorf("%d packets were sent at only %d times", total, len(sent))
	}
}

// Names that run together when they are joined by slashes are different names still.
func TestNamesWithSlashesDiffer(t *testing.T) {
	top := star8G(3)
	top.Names[0], top.Names[1] = "h", "x/h"
	n := newNetwork(t, 1, Config{Topology: top, Framing: Bare})
	sent := make(map[model.Time]int)
	n.kernel.Records.Subscribe(model.KindSet(model.Sent), func(r *model.Record) { sent[r.At]++ })
	mustAdd(t, n, Traffic{Kind: Poisson, Name: "a/x", From: []NodeID{0}, Rate: Gbps, Bytes: 1000})
	mustAdd(t, n, Traffic{Kind: Poisson, Name: "a", From: []NodeID{1}, Rate: Gbps, Bytes: 1000})
	run(t, n, model.Time(model.Millisecond))
	if total := int(n.Counts().Sent); total < 200 || len(sent) < total-5 {
		t.Errorf("%d packets were sent at only %d times", total, len(sent))
	}
}

func TestTrafficDoesNotAllocate(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: star8G(4), Framing: Ethernet})
	for _, kind := range everyKind(4) {
		mustAdd(t, n, kind)
	}
	// The packets that wait for host 0 grow without end but for buffers.
	run(t, n, model.Time(20*model.Millisecond))
	before := n.Counts().Sent
	allocs := testing.AllocsPerRun(5, func() { run(t, n, n.kernel.Now().Add(model.Millisecond)) })
	if sent := n.Counts().Sent - before; sent < 1000 || allocs > 0 {
		t.Errorf("%v allocations for %d packets", allocs/6, sent)
	}
}

// Whatever the network, the traffic and the faults: a packet has at most one fate, and
// what has none is in the network. The same seed gives the same run.
func TestConservationUnderTrafficAndFaults(t *testing.T) {
	var causes [model.DropCauses]uint64
	parameters := gopter.DefaultTestParametersWithSeed(1)
	parameters.MinSuccessfulTests = 150
	properties := gopter.NewProperties(parameters)
	properties.Property("packets are conserved", prop.ForAll(
		func(hostCount, switches, extra, faultCount, packets int, seed uint64) (string, error) {
			var hashes [2]sim.Hash
			for i := range hashes {
				s := sim.NewStream(seed, "scenario")
				top := randomTopology(hostCount, switches, extra, s)
				for l := range top.Links {
					c := LinkConfig{Rate: BitRate(1+s.IntN(10)) * Gbps, Delay: model.Duration(s.IntN(3)) * us}
					c.Buffer.Packets = int32(packets)
					if s.IntN(4) == 0 {
						c.Jitter = sim.Distribution{Kind: sim.Exponential, Mean: us}
					}
					if s.IntN(4) == 0 {
						c.Loss = Loss{Bad: 0.5, GoodToBad: 0.1, BadToGood: 0.2}
					}
					top.Links[l].AtoB, top.Links[l].BtoA = c, c
				}
				n, err := New(sim.New(seed), Config{Topology: top})
				if err != nil {
					return "", err
				}
				fates := make(map[uint64]int)
				n.kernel.Records.Subscribe(model.KindSet(model.Delivered, model.Dropped), func(r *model.Record) { fates[r.Packet]++ })
				n.kernel.Records.Subscribe(model.AllKinds, hashes[i].Observe)
				for _, kind := range everyKind(hostCount) {
					if err := n.AddTraffic(kind); err != nil {
						return "", err
					}
				}
				kinds := AllFaults()
				for range faultCount {
					kind := kinds[s.IntN(len(kinds))]
					if kind.Name == "partition-subtree" && len(top.roots()) == 0 {
						continue
					}
					f, err := newFault(kind.Name, n.Topology(), s, anyParams(kind, s))
					if err != nil {
						return "", err
					}
					span := sim.Distribution{Kind: sim.Exponential, Mean: 40 * us}
					if s.IntN(2) == 0 {
						n.Schedule(f, model.Time(span.Sample(s)), span.Sample(s))
					} else {
						n.ScheduleEvery(f, span, span, span, s)
					}
				}
				if err := n.kernel.Run(model.Time(300*us), sim.Budget{}); err != nil {
					return "", err
				}
				c := n.Counts()
				dropped := uint64(0)
				for cause, d := range c.Dropped {
					dropped += d
					causes[cause] += d
				}
				if c.Sent+c.Duplicated != c.Delivered+dropped+uint64(n.InFlight()) || c.Sent == 0 {
					return fmt.Sprintf("%d sent, %d delivered, %d dropped, %d in flight", c.Sent, c.Delivered, dropped, n.InFlight()), nil
				}
				if uint64(len(fates)) != c.Delivered+dropped {
					return fmt.Sprintf("%d fates of %d packets", c.Delivered+dropped, len(fates)), nil
				}
			}
			if hashes[0].Sum() != hashes[1].Sum() {
				return "two runs differ", nil
			}
			return "", nil
		},
		gen.IntRange(2, 5), gen.IntRange(1, 4), gen.IntRange(0, 4), gen.IntRange(0, 6), gen.IntRange(1, 10), gen.UInt64(),
	))
	properties.TestingRun(t)
	for _, cause := range []model.DropCause{model.BufferFull, model.LinkLoss, model.LinkDown, model.HostDown,
		model.SwitchDown, model.RuleDrop, model.InterfaceFault, model.Corrupted} {
		if causes[cause] == 0 {
			t.Errorf("no packet was dropped because of %v", cause)
		}
	}
}
