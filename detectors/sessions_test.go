package detectors_test

import (
	"math"
	"slices"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"suspect/detectors"
	"suspect/detectors/detectortest"
	"suspect/model"
)

// The messages of package detectors' sessions, by their numbers in traces.
const (
	zkPing, zkPong, zkOpen, zkOpened     = 2, 3, 4, 5
	zkNew, zkResume, zkGranted, zkClosed = 6, 7, 8, 10
	bfdPacket                            = 2
	hello                                = 2
	renewal                              = 2
)

// A session of ZooKeeper expires at the first multiple of the tick later than the last sign
// of life and the timeout, which is 2 to 20 ticks. The expected values are by hand.
func TestZooKeeperBuckets(t *testing.T) {
	for _, c := range []struct{ tick, timeout, ping, expiry string }{
		{"2s", "10s", "1s", "12s"},
		{"2s", "10s", "1.999s", "12s"},
		{"2s", "10s", "2s", "14s"}, // t + T is a multiple: strictly later
		{"2s", "10s", "2.001s", "14s"},
		{"2s", "9s", "2.999s", "12s"},
		{"2s", "9s", "3s", "14s"},
		{"2s", "1s", "1s", "6s"},    // 2 ticks
		{"2s", "100s", "1s", "42s"}, // 20 ticks
		{"3s", "20s", "4s", "27s"},  // 24 is a multiple of 3
		{"500ms", "4s", "1s", "5.5s"},
	} {
		ping, _ := model.ParseDuration(c.ping)
		want, _ := model.ParseDuration(c.expiry)
		if got := expiryOf(t, c.tick, c.timeout, at(ping)); got != at(want) {
			t.Errorf("tick %s, timeout %s, ping at %s: expires at %v, want %v", c.tick, c.timeout, c.ping, got, want)
		}
	}
}

// expiryOf returns when the server suspects process 0 whose only ping came at the given time.
func expiryOf(t *testing.T, tick, timeout string, ping model.Time) model.Time {
	a, err := build(t, "zookeeper", map[string]string{"tick": tick, "timeout": timeout})(detectors.Env{Self: 1, N: 2, Watch: []model.ProcessID{0}})
	if err != nil {
		t.Fatal(err)
	}
	var out model.Output
	step := func(now model.Time, in model.Input) {
		out.Reset()
		a.Step(now, &in, &out)
	}
	step(0, model.Input{Kind: model.Start})
	step(ping-1, model.Input{Kind: model.Deliver, Message: model.Message{From: 0, To: 1, Kind: zkOpen, Arg: 1 << 8}})
	step(ping, model.Input{Kind: model.Deliver, Message: model.Message{From: 0, To: 1, Kind: zkPing, Seq: 1, Arg: 1<<8 + 1}})
	for {
		now := out.Wake
		step(now, model.Input{Kind: model.Wake})
		if len(out.Verdicts) > 0 {
			return now
		}
	}
}

// A crash is seen between 2T/3 and T + tick after it, plus here a delay of 1 ms: the last
// ping is up to T/3 old, and a session lasts for T and up to a tick more.
func TestZooKeeperDetectionTime(t *testing.T) {
	const T, tick = 9 * second, 2 * second
	least, most := model.Duration(math.MaxInt64), model.Duration(0)
	for i := range 240 {
		w := newWorld(t, 2, "zookeeper", map[string]string{"tick": "2s", "timeout": "9s"})
		w.now = at(model.Duration(i/120) * 900 * ms) // so that pings and ticks fall apart otherwise
		w.start()
		crash := at(20*second + model.Duration(i%120)*50*ms)
		w.until(crash)
		if w.suspectedAt(1, 0) != model.Never {
			t.Fatal("a mistake")
		}
		w.crash(0)
		w.until(crash.Add(T + tick + 2*ms))
		got := w.suspectedAt(1, 0)
		if got == model.Never {
			t.Fatalf("crash at %v: not suspected", crash)
		}
		least, most = min(least, got.Sub(crash)), max(most, got.Sub(crash))
	}
	if least <= 2*T/3-ms || most > T+tick+ms {
		t.Errorf("detection took %v to %v, want it in (%v, %v]", least, most, 2*T/3, T+tick)
	}
	if least > 2*T/3+200*ms || most < T+tick-200*ms {
		t.Errorf("detection took %v to %v, which is not about (%v, %v]", least, most, 2*T/3, T+tick)
	}
}

// An idle client pings when it has sent nothing for T/3.
func TestZooKeeperPings(t *testing.T) {
	w := newWorld(t, 2, "zookeeper", map[string]string{"timeout": "18s"})
	w.start()
	w.until(at(60 * second))
	gaps := w.gaps(0, 1, zkPing, 0)
	if len(gaps) != 8 || slices.Min(gaps) != 6*second || slices.Max(gaps) != 6*second {
		t.Errorf("gaps %v, want 8 of 6 s", gaps)
	}
}

// A client that receives nothing for 20 s in every 40 s is not suspected: its pings arrive
// at first, and it resumes its session when it can connect again. (That sessions do not
// react to one-way flip-flop is in Suresh et al., "Stable and consistent membership at
// scale with Rapid", USENIX ATC 2018, section 7.) If it receives nothing for good, it gives
// up after 2T/3, and its session expires.
func TestZooKeeperOneWay(t *testing.T) {
	for _, forGood := range []bool{false, true} {
		w := newWorld(t, 2, "zookeeper", map[string]string{"timeout": "40s"})
		w.path = func(now model.Time, m *model.Message) (model.Duration, bool) {
			broken := now > at(90*second) && (forGood || now/at(20*second)%2 == 1)
			return ms, m.To != 0 || !broken
		}
		w.start()
		w.until(at(400 * second))
		switch got := w.suspectedAt(1, 0); {
		case !forGood && len(w.changes[1]) > 0:
			t.Errorf("flip-flop: %v", w.changes[1])
		case forGood && (got <= at(90*second+40*second) || got > at(158667*ms+2*ms)):
			t.Errorf("for good: suspected at %v", got)
		}
	}
}

// lossyWorld lets n processes hold sessions with each other, and loses packets with the
// given chances; if not again, also all packets of data that were sent before on the same
// connection.
func lossyWorld(t *testing.T, n int, again bool, chance func(now model.Time, m *model.Message) (percent int)) *world {
	type packet struct {
		from, to, kind int
		seq, port      int64
	}
	sent := map[packet]model.Time{}
	w := newWorld(t, n, "zookeeper", map[string]string{"timeout": "40s"})
	dice := splitMix(1)
	w.path = func(now model.Time, m *model.Message) (model.Duration, bool) {
		p := packet{int(m.From), int(m.To), int(m.Kind), m.Seq, m.Arg >> 8}
		last, before := sent[p]
		sent[p] = now
		data := m.Kind == zkPing || m.Kind == zkPong || m.Kind == zkNew || m.Kind == zkResume || m.Kind == zkGranted
		if !again && data && before && now < last.Add(100*second) { // numbers and ports come again
			return 0, false
		}
		return ms, dice.IntN(100) >= chance(now, m)
	}
	w.start()
	return w
}

// With 2% of all packets lost, no session of 40 s expires in an hour, since TCP sends again
// what is lost; if it did not, many would.
func TestZooKeeperRetransmits(t *testing.T) {
	for _, again := range []bool{true, false} {
		w := lossyWorld(t, 6, again, func(model.Time, *model.Message) int { return 2 })
		w.until(at(3600 * second))
		expired := 0
		for p := range w.changes {
			for _, c := range w.changes[p] {
				if c.Suspected {
					expired++
				}
			}
		}
		if again && expired > 0 || !again && expired < 6 {
			t.Errorf("retransmission %v: %d sessions expired", again, expired)
		}
	}
}

// To a process that loses 80% of its packets, sessions of 40 s react late and in part. Of 11
// observers, half suspect it for the first time within 98 s when what it sends is lost, and
// within 170 s when what it receives is lost; the last after 324 s and 1026 s. They trust it
// again and again: it is suspected for 36% and 8% of an hour. The bounds here are wider, for
// other draws.
func TestZooKeeperHeavyLoss(t *testing.T) {
	const n, start, length = 12, 90 * second, 3600 * second
	for _, c := range []struct {
		egress                  bool
		leastMedian, mostMedian model.Duration
		leastPart, mostPart     float64
	}{{true, 60 * second, 240 * second, .25, .45}, {false, 120 * second, 720 * second, .02, .15}} {
		w := lossyWorld(t, n, true, func(now model.Time, m *model.Message) int {
			if now >= at(start) && (c.egress && m.From == 0 || !c.egress && m.To == 0) {
				return 80
			}
			return 0
		})
		w.until(at(start + length))
		var firsts []model.Duration
		var suspected model.Duration
		for p := 1; p < n; p++ {
			first, since := model.Never, model.Never
			for _, change := range w.changes[p] {
				switch {
				case change.Peer != 0:
					t.Errorf("egress %v: %d says %v", c.egress, p, change)
				case change.Suspected:
					since = change.at
					first = min(first, since)
				default:
					suspected += change.at.Sub(since)
					since = model.Never
				}
			}
			if since != model.Never {
				suspected += at(start + length).Sub(since)
			}
			firsts = append(firsts, first.Sub(at(start)))
		}
		slices.Sort(firsts)
		if median := firsts[len(firsts)/2]; firsts[0] < 26*second || median < c.leastMedian || median > c.mostMedian {
			t.Errorf("egress %v: first suspected after %v", c.egress, firsts)
		}
		if part := float64(suspected) / float64((n-1)*length); part < c.leastPart || part > c.mostPart {
			t.Errorf("egress %v: suspected for %.3f of the time", c.egress, part)
		}
	}
}

// What is not acknowledged is sent again 0.2, 0.6, 1.4, ... s later, and the connection given
// up 924.6 s later; the reply to a SYN after 1, 3, 7, 15 and 31 s, and given up after 63 s.
func TestZooKeeperBackoff(t *testing.T) {
	for _, c := range []struct {
		ping  bool
		again []model.Duration // tenths of a second; the last is the end
	}{
		{false, []model.Duration{10, 30, 70, 150, 310, 630}},
		{true, []model.Duration{2, 6, 14, 30, 62, 126, 254, 510, 1022, 2046, 3246, 4446, 5646, 6846, 8046, 9246}},
	} {
		a, err := build(t, "zookeeper", map[string]string{"tick": "1000s", "timeout": "20000s"})(detectors.Env{Self: 1, N: 2, Watch: []model.ProcessID{0}})
		if err != nil {
			t.Fatal(err)
		}
		var out model.Output
		step := func(now model.Time, in model.Input) {
			out.Reset()
			a.Step(now, &in, &out)
		}
		deliver := func(now model.Time, kind uint8, seq, arg int64) {
			step(now, model.Input{Kind: model.Deliver, Message: model.Message{From: 0, To: 1, Kind: kind, Seq: seq, Arg: arg}})
		}
		step(0, model.Input{Kind: model.Start})
		deliver(0, zkOpen, 0, 1<<8)
		kind := uint8(zkOpened)
		if c.ping {
			deliver(0, zkPing, 1, 1<<8+1)
			kind = zkPong
		}
		for i, tenths := range c.again {
			now := at(tenths * 100 * ms)
			if out.Wake != now {
				t.Errorf("ping %v: wakes at %v, want %v", c.ping, out.Wake, now)
			}
			step(now, model.Input{Kind: model.Wake})
			last := i == len(c.again)-1
			if last != (len(out.Send) == 0) || !last && (len(out.Send) != 1 || out.Send[0].Kind != kind || out.Send[0].Bytes < 20) {
				t.Errorf("ping %v, at %v: sends %v", c.ping, now, out.Send)
			}
		}
		deliver(at(925*second), zkPing, 2, 1<<8+1)
		if len(out.Send) != 1 || out.Send[0].Kind != zkClosed {
			t.Errorf("ping %v: the connection that it gave up says %v", c.ping, out.Send)
		}
	}
}

// Connections under loss behave the same when states are encoded and loaded anew all the time.
func TestZooKeeperStateInUse(t *testing.T) {
	run := func(anew bool) []letter {
		w := lossyWorld(t, 3, true, func(model.Time, *model.Message) int { return 40 })
		for w.now < at(2000*second) {
			w.until(w.now.Add(170 * ms))
			for p := range w.automata {
				if state := w.automata[p].AppendState(nil, w.now); anew {
					w.automata[p] = w.build(t, p, 3, "zookeeper", map[string]string{"timeout": "40s"})
					if rest, err := w.automata[p].LoadState(state, w.now); err != nil || len(rest) > 0 {
						t.Fatalf("at %v, %x loads with rest %x, error %v", w.now, state, rest, err)
					}
					if again := w.automata[p].AppendState(nil, w.now); !slices.Equal(again, state) {
						t.Fatalf("at %v, %x loads as %x", w.now, state, again)
					}
				}
			}
		}
		return w.sent
	}
	if kept, loaded := run(false), run(true); !slices.Equal(kept, loaded) || len(kept) < 1000 {
		t.Errorf("%d packets, and %d if loaded anew, or others", len(kept), len(loaded))
	}
}

// In silence, once connections are given up, states recur after 16 ports, each for T and 1 s.
func TestZooKeeperRecurs(t *testing.T) {
	w := newWorld(t, 2, "zookeeper", map[string]string{"timeout": "40s"})
	w.choices = first{}
	w.path = func(now model.Time, m *model.Message) (model.Duration, bool) { return ms, now < at(97*second) }
	w.start()
	w.until(at(2000 * second))
	before := w.automata[0].AppendState(nil, w.now)
	w.until(at((2000 + 16*41) * second))
	if after := w.automata[0].AppendState(nil, w.now); !slices.Equal(before, after) {
		t.Errorf("state %x, and then %x", before, after)
	}
}

// A client that restarts finds its server with a connection on the same port. It resets that,
// and its second SYN, a second later, opens a new one.
func TestZooKeeperRestart(t *testing.T) {
	w := newWorld(t, 2, "zookeeper", map[string]string{"timeout": "40s"})
	w.start()
	w.until(at(100 * second))
	w.automata[0] = w.build(t, 0, 2, "zookeeper", map[string]string{"timeout": "40s"})
	w.step(0, model.Input{Kind: model.Start})
	w.sent = nil
	w.until(at(300 * second))
	for _, m := range w.sent {
		if m.From == 1 && m.Kind == zkGranted {
			if m.at != at(101*second+3*ms) { // SYN, its reply, and the request
				t.Errorf("a new session at %v", m.at)
			}
			break
		}
	}
	if len(w.changes[0])+len(w.changes[1]) > 0 {
		t.Errorf("suspicions %v", w.changes)
	}
}

// The gaps between BFD's packets are 75 to 100% of the interval, and 75 to 90% if the
// multiplier is 1 (RFC 5880, section 6.8.7); until a session is up, the interval is a second
// (6.8.3).
func TestBFDJitter(t *testing.T) {
	for _, c := range []struct {
		multiplier  string
		least, most model.Duration // thousandths
	}{{"3", 750, 1000}, {"1", 750, 900}} {
		for _, choices := range []model.Random{first{}, last{}, new(splitMix)} {
			w := newWorld(t, 2, "bfd", map[string]string{"tx": "50ms", "rx": "50ms", "multiplier": c.multiplier})
			w.choices = choices
			w.path = func(model.Time, *model.Message) (model.Duration, bool) { return 0, false }
			w.start()
			w.until(at(2000 * second))
			alone := w.gaps(0, 1, bfdPacket, 0)

			w = newWorld(t, 2, "bfd", map[string]string{"tx": "50ms", "rx": "50ms", "multiplier": c.multiplier, "setup": "60s"})
			w.choices = choices
			w.start()
			w.until(at(100 * second))
			together := w.gaps(0, 1, bfdPacket, at(10*second))

			for _, g := range []struct {
				gaps     []model.Duration
				interval model.Duration
			}{{alone, second}, {together, 50 * ms}} {
				least, most := slices.Min(g.gaps), slices.Max(g.gaps)
				wantLeast, wantMost := g.interval*c.least/1000, g.interval*c.most/1000
				switch choices.(type) {
				case first:
					wantLeast = wantMost
				case last:
					wantMost = wantLeast
				}
				if least != wantLeast || most != wantMost {
					t.Errorf("multiplier %s, interval %v, choices %T: gaps of %v to %v, want %v to %v", c.multiplier, g.interval, choices, least, most, wantLeast, wantMost)
				}
			}
		}
	}
}

// BFD's detection time is the remote multiplier times the greater of the own required and
// the remote desired interval (RFC 5880, section 6.8.4): 150 ms for 3 times 50 ms.
func TestBFDDetectionTime(t *testing.T) {
	type side struct{ tx, rx, multiplier string }
	for _, c := range []struct {
		a, b side
		want model.Duration // from b's last packet at a
	}{
		{side{"50ms", "50ms", "3"}, side{"50ms", "50ms", "3"}, 150 * ms},
		{side{"50ms", "100ms", "3"}, side{"300ms", "20ms", "5"}, 1500 * ms},
		{side{"300ms", "20ms", "5"}, side{"50ms", "100ms", "3"}, 150 * ms},
		{side{"10ms", "100ms", "2"}, side{"10ms", "10ms", "4"}, 400 * ms},
		{side{"2s", "2s", "9"}, side{"2s", "3s", "1"}, 2 * second},
	} {
		w := newWorld(t, 2, "bfd", nil)
		for p, s := range []side{c.a, c.b} {
			w.automata[p] = w.build(t, p, 2, "bfd", map[string]string{"tx": s.tx, "rx": s.rx, "multiplier": s.multiplier})
		}
		var lastArrival model.Time
		w.path = func(now model.Time, m *model.Message) (model.Duration, bool) {
			if m.To == 0 {
				lastArrival = now.Add(ms)
			}
			return ms, true
		}
		w.start()
		w.until(at(30 * second))
		w.crash(1)
		w.until(at(60 * second))
		if got := w.suspectedAt(0, 1); got == model.Never || got.Sub(lastArrival) != c.want || len(w.changes[0]) != 1 {
			t.Errorf("%v: changes %v, the last packet came at %v, want %v after it", c, w.changes[0], lastArrival, c.want)
		}
	}
}

// In demand mode only polls and their answers go back and forth: here one in 500 ms from
// each side. A crash is suspected within a poll interval and the detection time, which is
// counted from the poll.
func TestBFDDemand(t *testing.T) {
	for i := range 20 {
		w := newWorld(t, 2, "bfd", map[string]string{"tx": "50ms", "rx": "50ms", "demand": "true", "poll": "500ms"})
		w.start()
		crash := at(20*second + model.Duration(i)*27*ms)
		w.until(crash)
		n := 0
		for _, m := range w.sent {
			if m.at > at(10*second) && m.at <= at(20*second) && m.From == 0 {
				n++
			}
		}
		if n < 38 || n > 41 { // a poll takes 500 ms and a round trip of 2 ms
			t.Errorf("%d packets in 10 s, want 20 polls and 20 answers", n)
		}
		w.crash(0)
		w.until(crash.Add(5 * second))
		if took := w.suspectedAt(1, 0).Sub(crash); took <= 150*ms-2*ms || took > 650*ms {
			t.Errorf("crash at %v suspected after %v, want it in (148 ms, 650 ms]", crash, took)
		}
	}
}

// OSPF: a crash is seen the dead interval after the last Hello arrived, so between 30 and
// 40 s after it; on non-broadcast networks between 90 and 120 s.
func TestOSPFDeadInterval(t *testing.T) {
	for _, c := range []struct{ hello, dead model.Duration }{{10 * second, 40 * second}, {30 * second, 120 * second}} {
		for i := range 10 {
			w := newWorld(t, 2, "ospf", map[string]string{"hello": c.hello.String(), "dead": c.dead.String()})
			w.start()
			crash := at(10*c.hello + model.Duration(i)*c.hello/10 + 2*ms)
			w.until(crash)
			w.crash(0)
			lastHello := model.Time(0)
			for _, m := range w.sent {
				if m.From == 0 && m.Kind == hello {
					lastHello = m.at
				}
			}
			w.until(crash.Add(c.dead + second))
			if got := w.suspectedAt(1, 0); got != lastHello.Add(ms+c.dead) || len(w.changes[1]) != 1 {
				t.Errorf("hello %v, dead %v: crash at %v, changes %v", c.hello, c.dead, crash, w.changes[1])
			}
		}
	}
}

// A link that fails in one direction is seen at its far end by the dead interval, and at the
// near end by the next Hello from there, which no longer names it; but not without the
// two-way check.
func TestOSPFOneWay(t *testing.T) {
	for _, check := range []string{"true", "false"} {
		w := newWorld(t, 2, "ospf", map[string]string{"two-way": check, "stagger": "false"})
		w.path = func(now model.Time, m *model.Message) (model.Duration, bool) {
			return ms, m.From != 0 || now < at(95*second)
		}
		w.start()
		w.until(at(300 * second))
		near := model.Never
		if check == "true" {
			near = at(140*second + ms) // the Hello at 140 s, after the silence since 90 s
		}
		if far := w.suspectedAt(1, 0); far != at(130*second+ms) {
			t.Errorf("two-way %s: the far end suspects at %v, want 130.001 s", check, far)
		}
		if got := w.suspectedAt(0, 1); got != near {
			t.Errorf("two-way %s: the near end suspects at %v, want %v", check, got, near)
		}
	}
}

// Kubernetes: renewals every 10 to 10.4 s; a crash is suspected between 40 - 10.4 s and
// 40 + 2*5 s after it.
func TestNodeLease(t *testing.T) {
	w := newWorld(t, 2, "node-lease", nil)
	w.start()
	w.until(at(10_000 * second))
	gaps := w.gaps(0, 1, renewal, 0)
	if least, most := slices.Min(gaps), slices.Max(gaps); least != 10*second || most != 10390*ms {
		t.Errorf("renewals after %v to %v, want 10 s to 10.39 s", least, most)
	}
	for i := range 100 {
		w := newWorld(t, 2, "node-lease", nil)
		w.start()
		crash := at(100*second + model.Duration(i)*333*ms)
		w.until(crash)
		if len(w.changes[1]) > 0 {
			t.Fatal("a mistake")
		}
		w.crash(0)
		w.until(crash.Add(60 * second))
		if took := w.suspectedAt(1, 0).Sub(crash); took < 29600*ms || took > 50*second {
			t.Errorf("crash at %v suspected after %v", crash, took)
		}
	}
}

// While clocks drift within the bound, a holder never believes in a lease whose grantor
// suspects it: not with any drifts, delays or losses. With twice the drift it does.
func TestLeaseSafety(t *testing.T) {
	const rho = 50_000 // millionths, so that it shows within a term
	unsafe := func(drifts [2]int64, delays []int) bool {
		w := newWorld(t, 2, "lease", map[string]string{"eta": "1s", "timeout": "3s", "drift": "5%", "stagger": "false"})
		w.drift = drifts[:]
		sent := 0
		w.path = func(model.Time, *model.Message) (model.Duration, bool) {
			sent++
			delay := delays[sent%len(delays)]
			return model.Duration(delay) * 10 * ms, delay > 0
		}
		w.start()
		holder := w.automata[0].(detectors.LeaseHolder)
		for w.now < at(40*second) {
			w.until(w.now + at(7*ms))
			if w.suspectedAt(1, 0) != model.Never && holder.Holds(w.local(0, w.now), 1) {
				return true
			}
		}
		return false
	}
	drift := gen.Int64Range(-rho, rho)
	delays := gen.SliceOfN(13, gen.IntRange(-200, 400)).SuchThat(func(d []int) bool { return len(d) == 13 })
	parameters := gopter.DefaultTestParametersWithSeed(1)
	parameters.MinSuccessfulTests = 400
	properties := gopter.NewProperties(parameters)
	properties.Property("never unsafe", prop.ForAll(func(holder, grantor int64, delays []int) bool {
		return !unsafe([2]int64{holder, grantor}, delays)
	}, drift, drift, delays))
	properties.TestingRun(t)

	lossy := []int{1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1} // the last acknowledgement, and then silence
	if unsafe([2]int64{-rho, rho}, lossy) {
		t.Error("unsafe at the bound")
	}
	if !unsafe([2]int64{-2 * rho, 2 * rho}, lossy) {
		t.Error("safe at twice the bound: this test would notice nothing")
	}
}

// The margin between the end of a belief and that of the lease is nothing but the time that
// the renewal took, when clocks drift by the bound in the worst way: T/(1+rho) both.
func TestLeaseBeliefIsTight(t *testing.T) {
	a, err := build(t, "lease", map[string]string{"eta": "10s", "timeout": "3s", "drift": "0.2"})(detectors.Env{Self: 0, N: 2, Watchers: []model.ProcessID{1}})
	if err != nil {
		t.Fatal(err)
	}
	var out model.Output
	a.Step(0, &model.Input{Kind: model.Start}, &out)
	a.Step(1, &model.Input{Kind: model.Deliver, Message: model.Message{From: 1, Kind: 3, Seq: 0}}, &out)
	holder := a.(detectors.LeaseHolder)
	if !holder.Holds(at(2*second)-1, 1) || holder.Holds(at(2*second), 1) { // 3 s * 0.8 / 1.2
		t.Error("the belief in a term of 3 s, at a drift of 0.2, does not last for 2 s")
	}
	if holder.Holds(1, 0) || holder.Holds(1, 5) {
		t.Error("holds a lease of nobody")
	}
}

// Closed forms by hand: 1 - (2/3)^4 - 4 (1/3) (2/3)^3 = 33/81, and a fair coin's three of five.
func TestVoteError(t *testing.T) {
	for _, c := range []struct {
		n, k int
		e    float64
		want float64
	}{{4, 2, 1. / 3, 33. / 81}, {5, 3, .5, .5}, {7, 0, .1, 1}, {3, 3, .1, .001}, {3, 4, .1, 0}, {1, 1, .25, .25}} {
		if got := detectors.VoteError(c.n, c.k, c.e); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("VoteError(%d, %d, %v) = %v, want %v", c.n, c.k, c.e, got, c.want)
		}
	}
}

// When everybody accuses at random, mistakes are as frequent as the binomial says: within
// four standard deviations.
func TestVoteOfFaultyAccusers(t *testing.T) {
	const epochs = 1000
	for _, k := range []int{1, 2, 3, 4} {
		w := newWorld(t, 5, "vote", map[string]string{"k": string(rune('0' + k)), "faulty": "0 1 2 3 4", "odds": "3"})
		w.start()
		mistakes, trials := 0, 0
		for epoch := range epochs {
			w.until(at(model.Duration(epoch+1)*second + 500*ms))
			w.sent = nil
			for peer := range 5 {
				trials++
				observer := (peer + 1) % 5
				if w.suspectedAt(observer, peer) != model.Never {
					mistakes++
				}
			}
			for p := range w.changes { // keep what is suspected
				held := w.changes[p][:0]
				for q := range 5 {
					if since := w.suspectedAt(p, q); since != model.Never {
						held = append(slices.Clone(held), change{since, model.Verdict{Peer: model.ProcessID(q), Suspected: true}})
					}
				}
				w.changes[p] = held
			}
		}
		want := detectors.VoteError(4, k, 1./3)
		got := float64(mistakes) / float64(trials)
		if math.Abs(got-want) > 4*math.Sqrt(want*(1-want)/float64(trials)) {
			t.Errorf("k = %d: mistakes with frequency %v, want %v", k, got, want)
		}
	}
}

// A majority stands fewer faulty accusers than itself, and still sees a crash; one accuser
// is enough for mistakes otherwise.
func TestVoteOutvotesTheFaulty(t *testing.T) {
	for _, c := range []struct {
		k        string
		mistakes bool
	}{{"1", true}, {"2", true}, {"3", false}} {
		w := newWorld(t, 5, "vote", map[string]string{"k": c.k, "faulty": "0,1", "odds": "2"})
		w.start()
		w.until(at(100 * second))
		if mistaken := len(w.changes[2]) > 0; mistaken != c.mistakes {
			t.Errorf("k = %s: mistakes %v", c.k, mistaken)
		}
		w.crash(4)
		w.until(at(110 * second))
		// Heartbeats stagger by 200 ms, the timeout is 3 s; accusations take 1 ms.
		if got := w.suspectedAt(2, 4); got == model.Never || got > at(103*second+100*ms) && c.k == "3" {
			t.Errorf("k = %s: the crash is suspected at %v", c.k, got)
		}
	}
}

// A load under which heartbeats come every 5 s, for 40 s. The green timeout is less than
// that, yellow and red more. Without dwell time the light goes back and forth as long as the
// load lasts; with a minute of it, it changes to and fro once.
func TestTrafficLightHysteresis(t *testing.T) {
	for _, c := range []struct {
		dwell       string
		least, most int // changes
	}{{"0s", 6, 1000}, {"1min", 2, 2}} {
		w := newWorld(t, 4, "traffic-light", map[string]string{"dwell": c.dwell, "stagger": "false"})
		w.path = func(now model.Time, m *model.Message) (model.Duration, bool) {
			load := now >= at(20*second) && now < at(60*second)
			return ms, !load || m.Seq%5 == 0
		}
		w.start()
		light := w.automata[0].(detectors.Light)
		var changes []model.Time
		colour := light.Colour()
		for w.now < at(300*second) {
			w.until(w.now.Add(100 * ms))
			if light.Colour() != colour {
				colour = light.Colour()
				changes = append(changes, w.now)
			}
		}
		if n := len(changes); n < c.least || n > c.most || colour != detectors.Green {
			t.Errorf("dwell %s: %d changes, at %v, and %v in the end", c.dwell, n, changes, colour)
		}
		for i := 1; i < len(changes) && c.dwell == "1min"; i++ {
			if changes[i].Sub(changes[i-1]) < model.Minute {
				t.Errorf("changes at %v and %v: less than a minute apart", changes[i-1], changes[i])
			}
		}
	}
}

// Of many peers that are suspected and trusted again in one step, since the suspicions have
// changed the colour, the suspicion is written first.
func TestTrafficLightChangesInOneStep(t *testing.T) {
	w := newWorld(t, 20, "traffic-light", map[string]string{"stagger": "false"})
	w.path = func(model.Time, *model.Message) (model.Duration, bool) { return 0, false }
	w.start()
	w.until(at(3 * second)) // the green timeout, and a heartbeat
	if n := len(w.changes[0]); n != 2*19 {
		t.Fatalf("%d verdicts", n)
	}
	for i, c := range w.changes[0] {
		if int(c.Peer) != 1+i/2 || c.Suspected != (i%2 == 0) {
			t.Errorf("verdict number %d is %v", i, c)
		}
	}
}

// Parameters that are refused, with the reason.
func TestBadSessionParameters(t *testing.T) {
	for _, c := range []struct{ detector, parameter, value, want string }{
		{"zookeeper", "tick", "1us", `parameter "tick": 1us is too short: at least 1ms`},
		{"zookeeper", "tick", "20h", `parameter "tick": 72000s is too long: at most 28823.037615171174s`},
		{"bfd", "tx", "1500ns", `parameter "tx": 1.5us is not a whole number of microseconds up to 60s`},
		{"bfd", "rx", "61s", `parameter "rx": 61s is not a whole number of microseconds up to 60s`},
		{"bfd", "multiplier", "0", `parameter "multiplier": 0 is out of range: from 1 to 255`},
		{"lease", "drift", "1", `parameter "drift": 1 leaves nothing of a term of 3s`},
		{"vote", "k", "2", `parameter "k": 2 of 2 processes cannot accuse another: from 1 to 1`},
		{"vote", "odds", "0", `parameter "odds": 0 is out of range: from 1 to 1000000`},
		{"vote", "base", "vote", `parameter "base": "vote" is not a detector that can accuse`},
		{"vote", "base", " ", `parameter "base": names no detector: write one, and its parameters, as: timeout eta=1s`},
		{"vote", "base", "timeout eta", `parameter "base": "eta" is not a parameter of timeout: write name=value, without blanks`},
		{"vote", "base", "nfd-e n=0", `parameter "base": nfd-e: parameter "n": 0 is out of range: from 1 to 65536 heartbeats`},
		{"vote", "faulty", "2", `parameter "faulty": "2" is not the number of a process: from 0 to 1`},
		{"traffic-light", "yellow", "1s", `parameter "yellow": 1s is too short: at least 3s`},
		{"traffic-light", "yellow-from", "40%", `parameter "yellow-from": 0.4 is not above zero and at most red-from, 0.3`},
	} {
		_, err := build(t, c.detector, map[string]string{c.parameter: c.value})(detectors.Env{N: 2, Watch: []model.ProcessID{1}})
		if err == nil || err.Error() != c.want {
			t.Errorf("%s %s=%s: %v, want %s", c.detector, c.parameter, c.value, err, c.want)
		}
	}
}

// The detectors of this file keep the contract with parameters at their edges, too.
func TestConformanceOfOddSessions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		given  map[string]string
		period model.Duration
	}{
		{"zookeeper", map[string]string{"tick": "500ms", "timeout": "0s"}, second},
		{"lease", map[string]string{"eta": "10ms", "timeout": "10ms", "stagger": "false", "drift": "0"}, 10 * ms},
		{"bfd", map[string]string{"demand": "true"}, second},
		{"bfd", map[string]string{"tx": "3s", "rx": "1us", "multiplier": "2", "setup": "1s"}, second},
		{"ospf", map[string]string{"hello": "10ms", "dead": "5ms", "stagger": "false"}, 10 * ms},
		{"ospf", map[string]string{"hello": "10ms", "dead": "40ms", "two-way": "false"}, 10 * ms},
		{"node-lease", map[string]string{"renew": "10ms", "grace": "25ms", "monitor": "5ms"}, 10 * ms},
		{"node-lease", map[string]string{"renew": "1s", "grace": "1ps", "monitor": "1s"}, second},
		{"vote", map[string]string{"faulty": "0", "odds": "3", "base": "timeout timeout=1s"}, second},
		{"vote", map[string]string{"base": "ospf hello=1s dead=4s", "repeat": "300ms"}, second},
		{"traffic-light", map[string]string{"eta": "10ms", "green": "15ms", "yellow": "15ms", "red": "40ms", "dwell": "0s"}, 10 * ms},
		{"traffic-light", map[string]string{"eta": "10ms", "green": "15ms", "yellow": "25ms", "red": "40ms", "dwell": "35ms", "stagger": "false"}, 10 * ms},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := detectortest.Check(build(t, c.name, c.given), c.period); err != nil {
				t.Error(c.given, err)
			}
		})
	}
}

// In demand mode the detection time is the own multiplier times the greater of the own
// desired and the remote required interval (RFC 5880, section 6.8.4): here 3 * 200 ms, from
// the first poll without answer.
func TestBFDDemandUsesLocalValues(t *testing.T) {
	w := newWorld(t, 2, "bfd", nil)
	w.automata[0] = w.build(t, 0, 2, "bfd", map[string]string{"tx": "50ms", "rx": "50ms", "demand": "true", "poll": "2s"})
	w.automata[1] = w.build(t, 1, 2, "bfd", map[string]string{"tx": "50ms", "rx": "200ms", "demand": "true", "poll": "2s", "multiplier": "5"})
	w.start()
	w.until(at(30 * second))
	w.crash(1)
	w.sent = nil
	w.until(at(40 * second))
	for _, m := range w.sent {
		if m.Seq&0x20 != 0 { // poll
			if got := w.suspectedAt(0, 1); got != m.at.Add(600*ms) {
				t.Errorf("suspected at %v, want 600 ms after the poll at %v", got, m.at)
			}
			return
		}
	}
	t.Error("no poll")
}

// The grace period counts from the look that saw the renewal: a renewal at 1 s, seen at 5 s,
// with 42 s of grace, makes a suspicion at the look at 50 s, and not at 45 s.
func TestNodeLeaseCountsFromTheLook(t *testing.T) {
	w := newWorld(t, 2, "node-lease", map[string]string{"grace": "42s"})
	w.path = func(now model.Time, _ *model.Message) (model.Duration, bool) { return second, now == 0 }
	w.start()
	w.until(at(60 * second))
	if got := w.suspectedAt(1, 0); got != at(50*second) {
		t.Errorf("suspected at %v, want 50 s", got)
	}
}

// While delays differ by less than repeat, a crashed process that enough accuse is not
// trusted again, whatever the phases of the repetitions; where they differ by twice that,
// accusations are forgotten between two arrivals.
func TestVoteRemembers(t *testing.T) {
	for _, c := range []struct {
		below   model.Duration
		forgets bool
	}{{second, false}, {2 * second, true}} {
		trusts := 0
		for seed := range 10 {
			w := newWorld(t, 4, "vote", map[string]string{"k": "3"})
			dice := splitMix(seed)
			w.path = func(model.Time, *model.Message) (model.Duration, bool) {
				return []model.Duration{0, c.below - 1, model.Duration(dice.IntN(int(c.below)))}[dice.IntN(3)], true
			}
			for p := range w.wakes {
				w.wakes[p] = model.Never
			}
			for p := range w.wakes {
				w.until(at(model.Duration(p) * 270 * ms))
				w.step(p, model.Input{Kind: model.Start})
			}
			w.crash(3)
			w.until(at(100 * second))
			for p := range 3 {
				for _, change := range w.changes[p] {
					if !change.Suspected {
						trusts++
					}
				}
			}
		}
		if (trusts > 0) != c.forgets {
			t.Errorf("delays below %v: a crashed process is trusted again %d times", c.below, trusts)
		}
	}
}

// Where each process is watched by three, two of them are a majority; where it is watched by
// seven, four are.
func TestVoteMajority(t *testing.T) {
	all := []model.ProcessID{1, 2, 3, 4, 5, 6, 7}
	for _, c := range []struct {
		env  detectors.Env
		want int // accusers
	}{
		{detectors.Env{N: 8, Watch: all[:3], Watchers: all[4:]}, 2},
		{detectors.Env{N: 8, Watch: all, Watchers: all}, 4},
		{detectors.Env{N: 8, Watch: all}, 1}, // nobody else accuses
	} {
		a, err := build(t, "vote", nil)(c.env)
		if err != nil {
			t.Fatal(err)
		}
		accusers, suspected := 0, false
		step := func(now model.Time, in model.Input) {
			var out model.Output
			out.Reset()
			a.Step(now, &in, &out)
			suspected = slices.Contains(out.Verdicts, model.Verdict{Peer: 1, Suspected: true})
		}
		step(0, model.Input{Kind: model.Start})
		step(at(3*second), model.Input{Kind: model.Wake}) // its base suspects everybody
		for accusers = 1; !suspected && accusers < 8; accusers++ {
			step(at(3*second)+model.Time(accusers), model.Input{Kind: model.Deliver,
				Message: model.Message{From: model.ProcessID(8 - accusers), Kind: 100, Seq: 1, Arg: 1}})
		}
		if accusers != c.want {
			t.Errorf("%d watchers: suspected by %d accusers, want %d", len(c.env.Watchers), accusers, c.want)
		}
	}
}

// A faulty accuser does not care what its base detector says.
func TestVoteFaultyIgnoresItsBase(t *testing.T) {
	w := newWorld(t, 2, "vote", map[string]string{"k": "1", "faulty": "0"})
	w.choices = last{} // never the lot that accuses
	w.start()
	w.crash(1)
	w.until(at(20 * second))
	if len(w.changes[0]) > 0 {
		t.Errorf("it says %v", w.changes[0])
	}
}
