package network

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/model"
	"suspect/sim"
)

// say is a message of 100 bytes from process to process.
func say(at model.Time, to model.ProcessID, seq int64) timedMessage {
	return timedMessage{at, model.Message{To: to, Seq: seq, Bytes: 100}}
}

// line is a network of hosts at switches in a row: h0 at s0, h1 at s1, and so on.
func line(hosts int) Topology {
	t := Topology{Hosts: hosts}
	for i := range hosts {
		t.Names = append(t.Names, fmt.Sprint("h", i))
		t.Links = append(t.Links, Link{NodeID(i), NodeID(hosts + i), gigabyte(), gigabyte()})
	}
	for i := range hosts {
		t.Names = append(t.Names, fmt.Sprint("s", i))
		if i > 0 {
			t.Links = append(t.Links, Link{NodeID(hosts + i - 1), NodeID(hosts + i), gigabyte(), gigabyte()})
		}
	}
	return t
}

// A message of 100 bytes takes 1.1 us a link, a reset 1.04 us, what ICMP says 1.056 us, and
// an obituary 1.072 us.
func TestUnsolicitedEvidence(t *testing.T) {
	const two = 2 * 1100
	all := func(also func(*Evidence)) Evidence {
		var e Evidence
		also(&e)
		return e
	}
	resets := all(func(e *Evidence) { e.Resets = true })
	errors := all(func(e *Evidence) { e.Errors, e.ErrorEvery, e.Carrier = 3, model.Millisecond, 10*model.Millisecond })
	obituaries := all(func(e *Evidence) { e.Obituaries, e.Carrier = true, 10*model.Millisecond })
	small := gigabyte()
	small.Buffer = Buffer{Packets: 2}
	for _, c := range []struct {
		name     string
		topology Topology
		evidence Evidence
		do       map[model.Time]func(*Network)
		say      map[model.ProcessID][]timedMessage
		want     []string // what process 0 hears
	}{
		{
			name:     "whom a process talked with is told when it crashes, and whoever calls it later",
			topology: Star(3, gigabyte()), evidence: resets,
			do: map[model.Time]func(*Network){
				atUs(50): func(n *Network) { n.CrashProcess(1) },
				atUs(60): func(n *Network) { n.CrashProcess(2) }, // which process 0 never met
			},
			say: map[model.ProcessID][]timedMessage{0: {say(atUs(10), 1, 1), say(atUs(49), 1, 2), say(atUs(70), 2, 3)}},
			want: []string{
				fmt.Sprint(atUs(50)+atNs(2*1040), " reset 1 about 1 alive=false start=1 seq=0"),
				fmt.Sprint(atUs(49)+atNs(two+2*1040), " reset 1 about 1 alive=false start=1 seq=2"), // it was under way
				fmt.Sprint(atUs(70)+atNs(two+2*1040), " reset 2 about 2 alive=false start=1 seq=3"),
			},
		},
		{
			name:     "who was talked to knows, too, and once",
			topology: Star(2, gigabyte()), evidence: resets,
			do: map[model.Time]func(*Network){
				atUs(50): func(n *Network) { n.CrashProcess(1) },
				atUs(60): func(n *Network) { n.RecoverProcess(1) },
				atUs(70): func(n *Network) { n.CrashProcess(1) }, // nothing was said meanwhile
			},
			say: map[model.ProcessID][]timedMessage{1: {say(atUs(10), 0, 1)}},
			want: []string{
				fmt.Sprint(atUs(10)+atNs(two), " message 1"),
				fmt.Sprint(atUs(50)+atNs(2*1040), " reset 1 about 1 alive=false start=1 seq=0"),
			},
		},
		{
			name:     "who ends by himself finishes, but for what he has not read",
			topology: Star(4, gigabyte()), evidence: resets,
			do: map[model.Time]func(*Network){
				0:        func(n *Network) { n.processes[3].panels[0].application = true },
				atUs(40): func(n *Network) { n.PauseProcess(2); n.WedgeProcess(3) },
				atUs(50): func(n *Network) { n.ExitProcess(1) },
				atUs(55): func(n *Network) { n.ExitProcess(1); n.CrashProcess(1) }, // it has ended
				atUs(60): func(n *Network) { n.ExitProcess(2) },
				atUs(65): func(n *Network) { n.ExitProcess(3) },
				atUs(80): func(n *Network) { n.RecoverProcess(1) },
				atUs(81): func(n *Network) { n.RecoverProcess(1) },
				atUs(82): func(n *Network) { n.RecoverProcess(1) },
			},
			say: map[model.ProcessID][]timedMessage{0: {
				say(atUs(10), 1, 1), say(atUs(45), 2, 2), say(atUs(46), 3, 3), say(atUs(70), 1, 4), say(atUs(90), 1, 5),
			}},
			want: []string{
				fmt.Sprint(atUs(50)+atNs(2*1040), " finish 1 about 1 alive=false start=1 seq=0"),
				fmt.Sprint(atUs(60)+atNs(2*1040), " reset 2 about 2 alive=false start=1 seq=0"),
				fmt.Sprint(atUs(65)+atNs(2*1040), " reset 3 about 3 alive=false start=1 seq=0"),
				fmt.Sprint(atUs(70)+atNs(two+2*1040), " reset 1 about 1 alive=false start=1 seq=4"),
			},
		},
		{
			name:     "a host that is down, paused or wedged resets nothing",
			topology: Star(4, gigabyte()), evidence: resets,
			do: map[model.Time]func(*Network){atUs(50): func(n *Network) {
				n.CrashHost(1)
				n.ExitProcess(1)
				n.PauseProcess(2)
				n.WedgeProcess(3)
			}},
			say: map[model.ProcessID][]timedMessage{0: {
				say(atUs(10), 1, 1), say(atUs(11), 2, 2), say(atUs(12), 3, 3), say(atUs(60), 1, 4), say(atUs(61), 2, 5), say(atUs(62), 3, 6),
			}},
		},
		{
			name:     "no way over a link that is known to be down, three at once and then one each ms",
			topology: line(2), evidence: errors,
			do: map[model.Time]func(*Network){
				0: func(n *Network) { n.SetLink(4, false) },
				// The switch sees its own port, which is the direction that comes in.
				atMs(5):  func(n *Network) { n.SetLink(5, false) },
				atMs(30): func(n *Network) { n.SetLink(4, true); n.SetLink(5, true) },
				// Nobody saw yet that it was up, nor sees what gets lost on it.
				atMs(30) + atNs(2500): func(n *Network) { n.SetLink(4, false) },
			},
			say: map[model.ProcessID][]timedMessage{0: {
				say(atMs(12), 1, 1), // not known yet, but to the switch at the other end
				say(atMs(20), 1, 2), say(atMs(20)+atUs(100), 1, 3), say(atMs(20)+atUs(200), 1, 4),
				say(atMs(20)+atUs(300), 1, 5), say(atMs(20)+atUs(999), 1, 6), say(atMs(21), 1, 7), say(atMs(21)+atUs(500), 1, 8),
				say(atMs(22), 1, 9), say(atMs(22)+atUs(1), 1, 10), say(atMs(30)+atUs(1), 1, 11),
			}},
			want: func() (want []string) {
				for _, m := range []struct {
					at  model.Time
					seq int
				}{{atMs(20), 2}, {atMs(20) + atUs(100), 3}, {atMs(20) + atUs(200), 4}, {atMs(21), 7}, {atMs(22), 9}} {
					want = append(want, fmt.Sprint(m.at+atNs(1100+1056), " unreachable 2 about 1 alive=false cause=link-down at link=4 seq=", m.seq))
				}
				return want
			}(),
		},
		{
			name:     "a packet that runs in a circle",
			topology: line(3), evidence: errors,
			do: map[model.Time]func(*Network){0: func(n *Network) {
				n.limitHops()
				n.routes.spread()
				back, _ := n.topology.LinkBetween(4, 3)
				n.routes.install(4, 2, []LinkID{back})
			}},
			say: map[model.ProcessID][]timedMessage{0: {say(atUs(10), 2, 1)}},
			// The 64th link leads to the middle; two lead back.
			want: []string{fmt.Sprint(atUs(10)+atNs(64*1100+2*1056), " time-exceeded 4 about 2 alive=false cause=hop-limit at node=4 seq=1")},
		},
		{
			name:     "the hop that drops a packet tells",
			topology: line(3), evidence: obituaries,
			do: map[model.Time]func(*Network){
				0: func(n *Network) {
					n.SetRule(Rule{At: 4, From: 0, To: 1, Priority: AnyPriority})
					n.routes.spread()
					n.routes.install(3, 2, nil)
				},
				atUs(1): func(n *Network) { n.SetLink(8, false); n.SetLink(9, false) }, // from s1 to s2
				atMs(30): func(n *Network) {
					ahead, _ := n.topology.LinkBetween(3, 4)
					n.routes.install(3, 2, []LinkID{ahead})
				},
			},
			say: map[model.ProcessID][]timedMessage{0: {say(atMs(20), 1, 1), say(atMs(21), 2, 2), say(atMs(40), 2, 3)}},
			want: []string{
				fmt.Sprint(atMs(20)+atNs(2*1100+2*1072), " obituary 4 about 1 alive=false cause=rule at node=4 seq=1"),
				fmt.Sprint(atMs(21)+atNs(1*1100+1*1072), " obituary 3 about 2 alive=false cause=no-route at node=3 seq=2"),
				fmt.Sprint(atMs(40)+atNs(2*1100+2*1072), " obituary 4 about 2 alive=false cause=link-down at link=8 seq=3"),
			},
		},
		{
			name:     "of a full queue",
			topology: Star(3, small), evidence: obituaries,
			do: map[model.Time]func(*Network){
				atUs(10): func(n *Network) {
					for range 3 {
						n.Send(0, 1, 1000, 0, 0)
						n.Send(2, 1, 1000, 0, 0)
					}
				},
			},
			// Each of two hosts brings a packet of 1 us at 12, 13 and 14 us. The port sends one
			// each microsecond, so that one more waits each time: two from 14 us on, since
			// what is due to begin then has begun. The message is sent after the traffic of its
			// host, at 13 us, and comes at 14.1 us.
			say:  map[model.ProcessID][]timedMessage{0: {say(atUs(12)+atNs(500), 1, 7)}},
			want: []string{fmt.Sprint(atUs(14)+atNs(100+1072), " obituary 3 about 1 alive=false cause=buffer-full at link=3 seq=7")},
		},
		{
			name:     "nobody resets a reset",
			topology: Star(2, gigabyte()), evidence: resets,
			do: map[model.Time]func(*Network){
				atUs(50): func(n *Network) { n.CrashProcess(0); n.CrashProcess(1) },
				atUs(90): func(n *Network) {
					if n.sent != 1+2 {
						t.Errorf("%d packets were sent", n.sent)
					}
				},
			},
			say: map[model.ProcessID][]timedMessage{0: {say(atUs(10), 1, 1)}},
		},
		{
			name:     "nobody is told that evidence was dropped",
			topology: line(3), evidence: all(func(e *Evidence) { *e = agents(); e.Obituaries, e.Errors, e.Resets = true, 9, true }),
			do: map[model.Time]func(*Network){
				0:        func(n *Network) { n.SetRule(Rule{At: 4, From: 0, To: 1, Priority: AnyPriority}) },
				atUs(50): func(n *Network) { n.SetLink(n.uplinks[0], false) },
			},
			// The answers to process 1 are dropped in the middle, and then at their host.
			say: map[model.ProcessID][]timedMessage{1: {
				ask(atUs(10), 0, model.SystemLayer, model.Probe, int64(model.SystemLayer), 1), ask(atUs(60), 0, model.SystemLayer, model.Probe, int64(model.SystemLayer), 2),
			}},
		},
		{
			name:     "a switch whose neighbour crashes sees its port go down",
			topology: line(2), evidence: agents(),
			do: map[model.Time]func(*Network){
				atMs(20): func(n *Network) { n.CrashSwitch(3) },
				atMs(50): func(n *Network) { n.RecoverSwitch(3) },
			},
			say: map[model.ProcessID][]timedMessage{0: {ask(0, 2, model.SwitchLayer, model.Subscribe, 0, 1)}},
			want: []string{
				fmt.Sprint(atMs(30)+atNs(1052), " port-state 2 about 3 alive=false at link=4 seq=1"),
				fmt.Sprint(atMs(60)+atNs(1052), " port-state 2 about 3 alive=true at link=4 seq=1"),
			},
		},
		{
			name:     "who is told by a partition, is not",
			topology: line(2), evidence: resets,
			do: map[model.Time]func(*Network){
				atUs(50): func(n *Network) { n.SetLink(5, false) }, // only what comes back is cut
				atUs(60): func(n *Network) { n.CrashProcess(1) },
			},
			say: map[model.ProcessID][]timedMessage{0: {say(atUs(10), 1, 1), say(atUs(100), 1, 2)}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNetwork(t, 1, Config{Topology: c.topology, Framing: Bare, Evidence: c.evidence})
			logs := attachScripts(n, c.say)
			var kept conserved
			kept.watch(n)
			for _, when := range sortedTimes(c.do) {
				n.at(when, func() { c.do[when](n) })
			}
			run(t, n, model.Time(model.Second))
			if diff := cmp.Diff(c.want, *logs[0]); diff != "" {
				t.Error(diff)
			}
			kept.check(t, n)
		})
	}
}

// The threshold of a mark counts what waits, in packets or bytes, in the queue of the
// packet's priority.
func TestMarks(t *testing.T) {
	for _, c := range []struct {
		name   string
		mark   Buffer
		marked []int64
	}{
		{"from one packet on", Buffer{Packets: 1}, []int64{2, 3, 4, 5}},
		{"from two packets on", Buffer{Packets: 2}, []int64{3, 4, 5}},
		{"from 200 bytes on", Buffer{Bytes: 200}, []int64{3, 4, 5}},
		{"from 201 bytes on", Buffer{Bytes: 201}, []int64{4, 5}},
		{"never", Buffer{Packets: 100}, nil},
	} {
		for _, twoEvent := range []bool{false, true} {
			n := newNetwork(t, 1, Config{Topology: Star(3, gigabyte()), Framing: Bare, Evidence: Evidence{Mark: c.mark}, TwoEventPorts: twoEvent})
			var sends []timedMessage
			for seq := range int64(5) {
				sends = append(sends, say(atUs(10)+atNs(100*seq), 0, seq+1))
			}
			// A packet of 1000 bytes is being sent from 11.05 us to 12.05 us. The first message
			// comes at 11.1 us; each of the others finds one more waiting.
			n.at(atUs(10)-atNs(950), func() { n.Send(2, 0, 1000, 0, 0) })
			other := timedMessage{atUs(10) + atNs(500), model.Message{To: 0, Seq: 6, Bytes: 100, Priority: 1}} // nothing waits at its priority
			logs := attachScripts(n, map[model.ProcessID][]timedMessage{1: append(sends, other)})
			run(t, n, model.Time(model.Millisecond))
			var want []string
			at := atNs(12050 + 100 + 1000) // the higher priority goes first
			want = append(want, fmt.Sprint(at, " message 6"))
			for seq := range int64(5) {
				at += atNs(100)
				want = append(want, fmt.Sprint(at, " message ", seq+1))
				if slices.Contains(c.marked, seq+1) {
					want = append(want, fmt.Sprint(at, " congestion-mark 1 about 1 alive=false seq=", seq+1))
				}
			}
			if diff := cmp.Diff(want, *logs[0]); diff != "" {
				t.Errorf("%s, two events: %v:\n%s", c.name, twoEvent, diff)
			}
		}
	}
}

// A switch tells its subscribers of what waits, every period, as long as something does or
// was lost.
func TestQueueState(t *testing.T) {
	e := agents()
	e.Queues = 10 * model.Microsecond
	slow := gigabyte()
	slow.Rate /= 10
	slow.Buffer = Buffer{Packets: 4}
	top := Star(3, gigabyte())
	top.Links[1].BtoA = slow // to h1
	n := newNetwork(t, 1, Config{Topology: top, Framing: Bare, Evidence: e})
	logs := attachScripts(n, map[model.ProcessID][]timedMessage{0: {ask(0, 3, model.SwitchLayer, model.Subscribe, 0, 1)}})
	n.at(atUs(3), func() { // six packets come from 5 us on, and last 10 us each: one is lost
		for range 6 {
			n.Send(2, 1, 1000, 0, 0)
		}
	})
	run(t, n, model.Time(model.Millisecond))
	// The request comes at 1.1 us, and from then on the switch looks every 10 us. At 11.1 us
	// all packets have come; one is being sent from 5 us to 15 us, four wait.
	var want []string
	for k, value := range []int64{4000, 3000, 2000, 1000} {
		want = append(want, fmt.Sprint(atNs(1100+10000*int64(k+1)+1060), fmt.Sprintf(" queue-state 3 about 1 alive=false at link=3 value=%d lost=1 seq=1", value)))
	}
	if diff := cmp.Diff(want, *logs[0]); diff != "" {
		t.Error(diff)
	}
}

// The size of each kind of evidence, written out, and that records have it.
func TestEvidenceBytes(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: line(2), Framing: Bare, Evidence: AllEvidence})
	attachScripts(n, nil)
	run(t, n, 0)
	got := map[model.EvidenceKind]int32{}
	n.kernel.Records.Subscribe(model.KindSet(model.Sent), func(r *model.Record) {
		if r.Process != 3 || r.Peer != 0 || r.Priority != 7 || r.Seq != 9 || r.Traffic {
			t.Errorf("%v", r)
		}
		got[r.Evidence] = r.Bytes
	})
	for k := model.Reset; k < model.EvidenceKinds; k++ {
		if k != model.CongestionMark && k != model.FailureHeader {
			n.tell(3, asker{node: 0, seq: 9}, model.Evidence{Kind: k, Links: make([]model.Place, 3)})
		}
	}
	want := map[model.EvidenceKind]int32{
		model.Reset:        40,
		model.Finish:       40,
		model.Liveness:     52,
		model.PortState:    52,
		model.LinkState:    44 + 3*4,
		model.QueueState:   60,
		model.Unreachable:  56,
		model.TimeExceeded: 56,
		model.Obituary:     72,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	run(t, n, model.Time(model.Second))
	if left := n.InFlight(); left != 0 {
		t.Errorf("%d are under way", left)
	}
}

// Failed links that a packet lists make it longer, and are told with its message.
func TestFailureHeader(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: Star(2, gigabyte()), Framing: Bare, Evidence: AllEvidence})
	logs := attachScripts(n, map[model.ProcessID][]timedMessage{0: {say(atUs(10), 1, 5)}})
	run(t, n, atUs(10))
	i := n.ports[n.uplinks[0]].first
	n.carryFailures(i, []model.Place{model.LinkPlace(8)})
	n.carryFailures(i, []model.Place{model.LinkPlace(4), model.LinkPlace(8)})
	if got := n.failuresOf(i); len(got) != 2 || got[0] != model.LinkPlace(4) {
		t.Errorf("it lists %v", got)
	}
	run(t, n, model.Time(model.Second))
	at := atUs(10) + atNs(1100+1112) // 12 bytes more from the switch on
	want := []string{fmt.Sprint(at, " message 5"), fmt.Sprint(at, " failure-header 0 about 0 alive=false seq=5 links=[link=4 link=8]")}
	if diff := cmp.Diff(want, *logs[1]); diff != "" {
		t.Error(diff)
	}
}

// The links that a router holds for dead or alive are told to its subscribers.
func TestLinkState(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: line(3), Framing: Bare, Evidence: agents()})
	n.informants.linkView = func(at NodeID) []model.Place { return []model.Place{model.LinkPlace(6), model.LinkPlace(8)} }
	logs := attachScripts(n, map[model.ProcessID][]timedMessage{0: {
		ask(0, 3, model.SwitchLayer, model.Subscribe, 0, 1), ask(atUs(20), 4, model.SwitchLayer, model.Query, -1, 2),
	}})
	n.at(atUs(100), func() {
		n.tellLinkState(3, true, []model.Place{model.LinkPlace(8)})
		n.tellLinkState(4, true, []model.Place{model.LinkPlace(8)}) // to nobody
		n.tellLinkState(3, true, nil)
	})
	run(t, n, model.Time(model.Second))
	want := []string{
		fmt.Sprint(atNs(1100+1052), " link-state 3 about -1 alive=false seq=1 links=[link=6 link=8]"),
		fmt.Sprint(atUs(20)+atNs(2*1100+2*1052), " link-state 4 about -1 alive=false seq=2 links=[link=6 link=8]"),
		fmt.Sprint(atUs(100)+atNs(1048), " link-state 3 about -1 alive=true at link=8 seq=1 links=[link=8]"),
	}
	if diff := cmp.Diff(want, *logs[0]); diff != "" {
		t.Error(diff)
	}
}

// The errors of a switch are those of a bucket that is filled with a token every so often.
func TestErrorMeter(t *testing.T) {
	for seed := range uint64(200) {
		s := sim.NewStream(seed, "bucket")
		burst, every := 1+s.IntN(5), model.Duration(1+s.IntN(20))
		var m errorMeter
		tokens, next := burst, model.Time(0) // the time of the next token, while it is not full
		now := model.Time(0)
		for range 300 {
			now += model.Time(s.IntN(12))
			for tokens < burst && next <= now {
				tokens++
				next = next.Add(every)
			}
			want := tokens > 0
			if want {
				if tokens == burst {
					next = now.Add(every)
				}
				tokens--
			}
			if got := m.allow(now, burst, every); got != want {
				t.Fatalf("seed %d, %d at once and one every %d: at %d %v", seed, burst, every, now, got)
			}
		}
	}
}

// What a hypervisor knows of its system is what looks at its period would have seen.
func TestCounterOfSystem(t *testing.T) {
	wrong := 0
	for seed := range uint64(100) {
		s := sim.NewStream(seed, "counter")
		e := agents()
		e.Counter = 10 * model.Microsecond
		n := newNetwork(t, 1, Config{Topology: Star(2, gigabyte()), Framing: Bare, Evidence: e})
		attachScripts(n, nil)
		down, counted, since := false, true, true // counted at the last look; up at some time since
		for now := range 600 {
			run(t, n, atUs(int64(now)))
			if now > 0 && now%10 == 0 {
				counted, since = since || !down, !down
			}
			since = since || !down
			if s.IntN(9) == 0 {
				if down = !down; down {
					n.CrashHost(1)
				} else {
					n.RecoverHost(1)
					since = true
				}
			}
			if s.IntN(5) > 0 {
				continue // and not look each time
			}
			n.lookAtCounter(1)
			if got := n.informants.hosts[1].counted; got != counted {
				t.Fatalf("seed %d: at %d us it is %v, want %v", seed, now, got, counted)
			}
			if counted == down {
				wrong++
			}
		}
	}
	if wrong < 1000 {
		t.Errorf("it was wrong only %d times: the test tells nothing", wrong)
	}
}
