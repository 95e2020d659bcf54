package network

import (
	"fmt"
	"runtime"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"suspect/detectors"
	"suspect/model"
	"suspect/sim"
)

// burster sends background packets of random sizes, priorities and destinations
// in bursts on a coarse grid of times, so that arrivals, ends of transmissions
// and faults often coincide to the picosecond.
type burster struct {
	n      *Network
	random *sim.Stream
	timer  sim.Timer
	grid   int
}

func (b *burster) Fire(host uint32) {
	hosts := b.n.topology.Hosts
	for range 1 + b.random.IntN(6) {
		to := NodeID(b.random.IntN(hosts - 1))
		if to >= NodeID(host) {
			to++
		}
		payload := int32(100 * (1 + b.random.IntN(4)))
		b.n.Send(NodeID(host), to, payload, model.Priority(b.random.IntN(8)), uint32(b.random.IntN(3)))
	}
	gap := model.Duration(b.grid*(1+b.random.IntN(20))) * model.Nanosecond
	b.n.kernel.Arm(b.timer, b.n.kernel.Now().Add(gap))
}

// breaker takes links down and up, slows, silences and corrupts them, makes packets late,
// crashes and recovers hosts, processes and switches, sets rules, pauses and slows processes,
// changes losses and clocks, and looks at queues, at times of the same grid.
type breaker struct {
	n      *Network
	random *sim.Stream
	timer  sim.Timer
	grid   int
	undo   []func()
}

func (b *breaker) Fire(uint32) {
	n := b.n
	link := LinkID(b.random.IntN(len(n.ports)))
	switch b.random.IntN(20) {
	case 14:
		p := model.ProcessID(b.random.IntN(n.topology.Hosts))
		each := sim.Distribution{Kind: sim.Uniform, High: model.Duration(b.grid*b.random.IntN(200)) * model.Nanosecond}
		n.SlowProcess(p, each)
		b.undo = append(b.undo, func() { n.FastenProcess(p, each) })
	case 8:
		s := randomOf(n.topology.switches(), b.random)
		n.CrashSwitch(s)
		b.undo = append(b.undo, func() { n.RecoverSwitch(s) })
	case 9:
		divisor := int64(1 + b.random.IntN(5))
		n.SlowLink(link, divisor)
		b.undo = append(b.undo, func() { n.FastenLink(link, divisor) })
	case 10:
		n.SetSilent(link, true)
		b.undo = append(b.undo, func() { n.SetSilent(link, false) })
	case 11:
		r := Rule{
			At: Everywhere, From: model.ProcessID(b.random.IntN(2) - 1), To: model.ProcessID(b.random.IntN(3) - 1),
			Priority: int8(b.random.IntN(9) - 1),
		}
		if b.random.IntN(2) == 0 {
			r.At = randomOf(n.topology.switches(), b.random)
		}
		n.SetRule(r)
		b.undo = append(b.undo, func() { n.LiftRule(r) })
	case 12:
		n.Corrupt(link, 0.3)
		b.undo = append(b.undo, func() { n.Mend(link, 0.3) })
	case 13:
		some := Lateness{0.3, sim.Distribution{Kind: sim.Uniform, High: model.Duration(b.grid*b.random.IntN(20)) * model.Nanosecond}}
		n.DelaySome(link, some)
		b.undo = append(b.undo, func() { n.PunctualAgain(link, some) })
	case 4:
		p := model.ProcessID(b.random.IntN(n.topology.Hosts))
		n.PauseProcess(p)
		b.undo = append(b.undo, func() { n.ResumeProcess(p) })
	case 5:
		h, step := NodeID(b.random.IntN(n.topology.Hosts)), model.Duration(b.random.IntN(21)-10)*model.Microsecond
		n.StepClock(h, step)
		b.undo = append(b.undo, func() { n.StepClock(h, -step) })
	case 7:
		h, drift := NodeID(b.random.IntN(n.topology.Hosts)), int64(b.random.IntN(2*MaxDrift)-MaxDrift)
		n.DriftClock(h, drift)
		b.undo = append(b.undo, func() { n.DriftClock(h, -drift) })
	case 6:
		p := model.ProcessID(b.random.IntN(n.topology.Hosts))
		n.CrashProcess(p)
		b.undo = append(b.undo, func() { n.RecoverProcess(p) })
	case 0:
		n.SetLink(link, false)
		b.undo = append(b.undo, func() { n.SetLink(link, true) })
	case 1:
		p := model.ProcessID(b.random.IntN(n.topology.Hosts))
		n.CrashHost(p)
		b.undo = append(b.undo, func() { n.RecoverHost(p) })
	case 2:
		n.SetLoss(link, Loss{Good: 0.1, Bad: 0.9, GoodToBad: 0.2, BadToGood: 0.3})
	case 3:
		n.Backlog(link, model.Priority(b.random.IntN(8)))
	default:
		if len(b.undo) > 0 {
			b.undo[0]()
			b.undo = b.undo[1:]
		}
	}
	gap := model.Duration(b.grid*(1+b.random.IntN(50))) * model.Nanosecond
	n.kernel.Arm(b.timer, n.kernel.Now().Add(gap))
}

// chaos returns a small random network under random load and faults.
func chaos(t *testing.T, seed uint64, twoEvent bool) *Network {
	k := sim.New(seed)
	draw := k.Stream("chaos")
	link := func() LinkConfig {
		c := LinkConfig{
			// 8 Gb/s and 4 Gb/s make a byte last whole nanoseconds' parts, so that
			// everything meets on the grid.
			Rate:  []BitRate{8 * Gbps, 4 * Gbps, 3 * Gbps}[draw.IntN(3)],
			Delay: model.Duration(draw.IntN(4)*100) * model.Nanosecond,
		}
		switch draw.IntN(4) {
		case 0:
			c.Buffer.Packets = int32(1 + draw.IntN(4))
		case 1:
			c.Buffer.Bytes = int64(200 * (1 + draw.IntN(8)))
		}
		if draw.IntN(4) == 0 {
			c.Loss = IndependentLoss(0.1)
		}
		if draw.IntN(8) == 0 {
			c.Jitter = sim.Distribution{Kind: sim.Uniform, High: model.Microsecond}
		} else if draw.IntN(4) == 0 {
			c.Replay = randomReplay(draw, 100*model.Nanosecond)
		}
		return c
	}
	var topology Topology
	switch draw.IntN(3) {
	case 0:
		topology = Star(2+draw.IntN(6), link())
	case 1:
		topology = LeafSpine(1+draw.IntN(3), 1+draw.IntN(3), 2, link(), link())
	default:
		topology = FatTree(2, link(), link())
	}
	for i := range topology.Links {
		topology.Links[i].AtoB, topology.Links[i].BtoA = link(), link()
	}
	n, err := New(k, Config{
		Topology: topology, Framing: Framing(draw.IntN(2)), TwoEventPorts: twoEvent,
		LimiterProcessing: model.Duration(draw.IntN(3)*50) * model.Nanosecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	grid := []int{25, 50, 100}[draw.IntN(3)]
	for h := range topology.Hosts {
		if draw.IntN(2) == 0 {
			n.SetClock(NodeID(h), model.Duration(draw.IntN(3))*model.Microsecond, int64(draw.IntN(2*MaxDrift)-MaxDrift))
		}
		for p := range model.Priority(model.Priorities) {
			if draw.IntN(4) == 0 {
				n.SetLimiter(NodeID(h), p, &spacing{gap: model.Duration(50*draw.IntN(40)) * model.Nanosecond, room: 2}, p/2)
			}
		}
	}
	spec, _ := detectors.Lookup("nfd-e")
	params, errs := model.NewParams(spec.Params, map[string]string{"eta": "10us", "alpha": "5us"})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for p := range topology.Hosts {
		env := detectors.Env{Self: model.ProcessID(p), N: topology.Hosts}
		for q := range topology.Hosts {
			if q != p {
				env.Watch = append(env.Watch, model.ProcessID(q))
			}
		}
		env.Watchers = env.Watch
		n.Attach(env.Self, model.Time(draw.IntN(int(20*model.Microsecond))), Panel{
			Detectors: []uint8{0}, Priority: model.Priority(draw.IntN(8)),
			New: []func() model.Automaton{func() model.Automaton {
				a, err := spec.New(env, params)
				if err != nil {
					t.Fatal(err)
				}
				return a
			}},
		})
	}
	for h := range topology.Hosts {
		b := &burster{n: n, random: k.Stream(fmt.Sprint("burst", h)), grid: grid}
		b.timer = k.NewTimer(b, uint32(h))
		k.Arm(b.timer, 0)
	}
	b := &breaker{n: n, random: k.Stream("breaker"), grid: grid}
	b.timer = k.NewTimer(b, 0)
	k.Arm(b.timer, model.Time(10*model.Microsecond))
	return n
}

// A port that decides late and one that schedules the end of each transmission
// tell the same records: same packets, same picoseconds, same order.
func TestLatePortsAgreeWithTwoEventPorts(t *testing.T) {
	var drops, hops uint64
	for seed := range uint64(300) {
		records := [2][]model.Record{}
		for i, twoEvent := range []bool{false, true} {
			n := chaos(t, seed, twoEvent)
			n.kernel.Records.Subscribe(model.AllKinds, func(r *model.Record) {
				records[i] = append(records[i], *r)
			})
			if err := n.kernel.Run(model.Time(200*model.Microsecond), sim.Budget{}); err != nil {
				t.Fatal(err)
			}
			if c := n.Counts(); i == 0 {
				hops += c.Hops
				drops += c.Sent - c.Delivered - uint64(n.InFlight())
			}
		}
		for i := range min(len(records[0]), len(records[1])) {
			if records[0][i] != records[1][i] {
				t.Fatalf("seed %d, record %d:\nlate:      %s\ntwo-event: %s", seed, i, records[0][i].String(), records[1][i].String())
			}
		}
		if len(records[0]) != len(records[1]) {
			t.Fatalf("seed %d: %d records late, %d two-event", seed, len(records[0]), len(records[1]))
		}
	}
	if hops < 100_000 || drops < 1000 {
		t.Errorf("only %d hops and %d drops were compared", hops, drops)
	}
}

// Every packet is delivered, dropped or in flight, and none is in the pool twice.
func TestPacketsAreConserved(t *testing.T) {
	for seed := range uint64(100) {
		n := chaos(t, seed, seed%2 == 0)
		live := make(map[uint64]bool)
		n.kernel.Records.Subscribe(model.KindSet(model.Sent, model.Delivered, model.Dropped), func(r *model.Record) {
			if r.Kind == model.Sent {
				live[r.Packet] = true
				return
			}
			if !live[r.Packet] {
				t.Fatalf("seed %d: packet %d has two fates", seed, r.Packet)
			}
			delete(live, r.Packet)
		})
		for range 20 {
			if err := n.kernel.Run(n.kernel.Now().Add(10*model.Microsecond), sim.Budget{}); err != nil {
				t.Fatal(err)
			}
			if len(live) != n.InFlight() || n.pool.live != n.InFlight() {
				t.Fatalf("seed %d: %d packets without a fate, %d in flight, %d in the pool", seed, len(live), n.InFlight(), n.pool.live)
			}
		}
	}
}

func TestTransmissionRoundsUp(t *testing.T) {
	for _, c := range []struct {
		rate  BitRate
		bytes int32
		want  model.Duration
	}{
		{10 * Gbps, 64, 51_200}, {100 * Gbps, 64, 5_120}, {400 * Gbps, 1, 20},
		{3 * Gbps, 1, 2667}, {3 * Gbps, 3, 8000}, {7, 1, 1_142_857_142_858},
	} {
		if got := c.rate.Transmission(c.bytes); got != c.want {
			t.Errorf("%d bytes at %d b/s take %v, want %v", c.bytes, c.rate, got, c.want)
		}
	}
}

// What IEEE 802.3 and 802.1Q put on the wire.
func TestWireBytes(t *testing.T) {
	for payload, want := range map[int32]int32{0: 84, 1: 84, 42: 84, 43: 85, 64: 106, 1500: 1542} {
		if got := Ethernet.WireBytes(payload); got != want {
			t.Errorf("Ethernet.WireBytes(%d) = %d, want %d", payload, got, want)
		}
	}
	if got := Bare.WireBytes(64); got != 64 {
		t.Errorf("Bare.WireBytes(64) = %d", got)
	}
}

// The sizes that the cost of a large network hangs on: a packet is in one place of
// the pool wherever it is, and a port is small.
func TestSizes(t *testing.T) {
	if size := unsafe.Sizeof(packet{}); size > 64 {
		t.Errorf("a packet in flight takes %d bytes, want at most 64", size)
	}
	if size := unsafe.Sizeof(port{}); size > 256 {
		t.Errorf("a port takes %d bytes, want at most 256", size)
	}
}

// What is under way on a long link takes no memory beside the pool of packets,
// which grows by a quarter at a time.
func TestMemoryInFlight(t *testing.T) {
	k := sim.New(1)
	n, err := New(k, Config{Topology: Star(2, LinkConfig{Rate: 10 * Gbps, Delay: model.Second}), Framing: Bare})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.AddTraffic(Traffic{
		Kind: Periodic, Name: "long", From: []NodeID{0}, To: []NodeID{1}, Bytes: 100, Period: 10 * model.Microsecond,
	}); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	if err := k.Run(model.Time(900*model.Millisecond), sim.Budget{}); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	perPacket := float64(after.HeapAlloc-before.HeapAlloc) / float64(n.InFlight())
	if n.InFlight() < 80_000 || perPacket > 1.3*float64(unsafe.Sizeof(packet{})) {
		t.Errorf("%d packets in flight take %.1f bytes each", n.InFlight(), perPacket)
	}
	runtime.KeepAlive(n)
}

// A hop takes one event on a port that decides late, and two on one that does not.
func TestEventsPerHop(t *testing.T) {
	for _, twoEvent := range []bool{false, true} {
		k := sim.New(1)
		n, err := New(k, Config{Topology: Star(8, LinkConfig{Rate: Gbps, Delay: model.Microsecond}), TwoEventPorts: twoEvent})
		if err != nil {
			t.Fatal(err)
		}
		const packets = 50 // in a burst from each of seven hosts to one
		for range packets {
			for h := range NodeID(7) {
				n.Send(h, 7, 1000, model.Priority(h), 0)
			}
		}
		if err := k.Run(model.Time(model.Second), sim.Budget{}); err != nil {
			t.Fatal(err)
		}
		events := uint64(2 * 7 * packets)
		if twoEvent {
			events *= 2
		}
		if n.hops != 2*7*packets || k.Events() != events {
			t.Errorf("two events: %v: %d hops in %d events, want %d", twoEvent, n.hops, k.Events(), events)
		}
	}
}

// echo sends one message of every kind of field and keeps what it receives.
type echo struct {
	beats
	got []model.Message
}

func (e *echo) Step(now model.Time, in *model.Input, out *model.Output) {
	if in.Kind == model.Start && e.self == 0 {
		out.Send = append(out.Send, model.Message{
			From: 0, To: 1, Seq: 1 << 40, Arg: -5, Kind: 200, Tag: 7, Priority: 3, Bytes: 100, Body: "body",
		}, model.Message{From: 0, To: 1, Seq: -1, Priority: 6})
	}
	if in.Kind == model.Deliver {
		e.got = append(e.got, in.Message)
	}
}

// A message arrives as it was sent, but for its size and for the least priority of
// its panel.
func TestMessagesArriveWhole(t *testing.T) {
	k := sim.New(1)
	n, err := New(k, Config{Topology: Star(2, LinkConfig{Rate: Gbps}), MessageBytes: 64})
	if err != nil {
		t.Fatal(err)
	}
	receiver := &echo{beats: beats{self: 1}}
	for p, a := range []model.Automaton{&echo{}, receiver} {
		n.Attach(model.ProcessID(p), 0,
			Panel{New: []func() model.Automaton{func() model.Automaton { return &beats{next: model.Never} }}, Detectors: []uint8{0}},
			Panel{New: []func() model.Automaton{func() model.Automaton { return a }}, Detectors: []uint8{1}, Priority: 5})
	}
	if err := k.Run(model.Time(model.Second), sim.Budget{}); err != nil {
		t.Fatal(err)
	}
	want := []model.Message{
		{From: 0, To: 1, Seq: -1, Priority: 6},
		{From: 0, To: 1, Seq: 1 << 40, Arg: -5, Kind: 200, Tag: 7, Priority: 5, Body: "body"},
	}
	// The first was in transmission when the other, more urgent one came.
	want[0], want[1] = want[1], want[0]
	if diff := cmp.Diff(want, receiver.got); diff != "" {
		t.Error(diff)
	}
}

// Processes that have panels have equally many.
func TestAttachRefusesUnequalPanels(t *testing.T) {
	n, err := New(sim.New(1), Config{Topology: Star(2, LinkConfig{Rate: Gbps})})
	if err != nil {
		t.Fatal(err)
	}
	panel := Panel{New: []func() model.Automaton{func() model.Automaton { return &beats{} }}, Detectors: []uint8{0}}
	n.Attach(0, 0, panel, panel)
	defer func() {
		if recover() == nil {
			t.Error("one panel was attached beside two")
		}
	}()
	n.Attach(1, 0, panel)
}

// A timer that is older than the network would run before its ports.
func TestNewRefusesAKernelWithTimers(t *testing.T) {
	k := sim.New(1)
	k.NewTimer(&paced{}, 0)
	defer func() {
		if recover() == nil {
			t.Error("a network was made on a kernel with timers")
		}
	}()
	New(k, Config{Topology: Star(2, LinkConfig{Rate: Gbps})})
}

// A host that crashes when its process is down already, and recovers before it, is
// recorded as a host; the process's record begins and ends with its being down.
func TestOverlappingCrashes(t *testing.T) {
	k := sim.New(1)
	n, err := New(k, Config{Topology: Star(2, LinkConfig{Rate: Gbps})})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	k.Records.Subscribe(model.AllKinds, func(r *model.Record) { got = append(got, r.String()) })
	n.CrashProcess(0)
	n.CrashHost(0)
	n.RecoverProcess(0)
	n.CrashHost(0)
	n.RecoverHost(0)
	n.RecoverHost(0)
	want := []string{"0s crashed p0 process-crash", "0s host-down p0", "0s host-up p0", "0s recovered p0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
