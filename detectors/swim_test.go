package detectors_test

import (
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"suspect/detectors"
	"suspect/detectors/detectortest"
	"suspect/model"
)

// group runs the members of one group on messages that are lost and delayed as a test
// says.
type group struct {
	t       testing.TB
	members []*groupMember
	events  groupEvents
	count   int
	now     model.Time
	random  *rand.Rand
	lose    func(m *model.Message) bool // nil: none
	delay   func() model.Duration

	verdict func(p model.ProcessID, v model.Verdict)
	sent    func(m *model.Message)
}

type groupMember struct {
	automaton   model.Automaton
	wake        model.Time
	crashed     bool
	pausedUntil model.Time
}

type groupEvent struct {
	at      model.Time
	number  int
	member  model.ProcessID
	input   model.InputKind
	message model.Message
}

type groupEvents []groupEvent

func (e groupEvents) Len() int      { return len(e) }
func (e groupEvents) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *groupEvents) Push(x any)   { *e = append(*e, x.(groupEvent)) }
func (e *groupEvents) Pop() any     { n := len(*e); x := (*e)[n-1]; *e = (*e)[:n-1]; return x }
func (e groupEvents) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].number < e[j].number
}

// newGroup makes n members of the named detector, which all watch all others and start at
// time 0.
func newGroup(t testing.TB, n int, seed uint64, name string, given map[string]string) *group {
	t.Helper()
	g := &group{t: t, random: rand.New(rand.NewPCG(seed, 1)), delay: func() model.Duration { return 250 * model.Microsecond }}
	make := build(t, name, given)
	for p := range n {
		env := detectors.Env{Self: model.ProcessID(p), N: n}
		for q := range n {
			if q != p {
				env.Watch = append(env.Watch, model.ProcessID(q))
			}
		}
		env.Watchers = env.Watch
		a, err := make(env)
		if err != nil {
			t.Fatal(err)
		}
		g.members = append(g.members, &groupMember{automaton: a, wake: model.Never})
		g.post(groupEvent{member: model.ProcessID(p), input: model.Start})
	}
	return g
}

func (g *group) IntN(n int) int { return g.random.IntN(n) }

func (g *group) post(e groupEvent) {
	g.count++
	e.number = g.count
	heap.Push(&g.events, e)
}

// run takes all steps up to and at the given time, or as long as stop is false.
func (g *group) run(until model.Time, stop func() bool) {
	var out model.Output
	for len(g.events) > 0 && g.events[0].at <= until && !(stop != nil && stop()) {
		e := heap.Pop(&g.events).(groupEvent)
		m := g.members[e.member]
		g.now = e.at
		switch {
		case m.crashed || e.input == model.Wake && m.wake > e.at:
			continue
		case m.pausedUntil > e.at:
			e.at = m.pausedUntil
			g.post(e)
			continue
		}
		out.Reset()
		in := model.Input{Kind: e.input, Message: e.message, Random: g}
		m.automaton.Step(e.at, &in, &out)
		if m.wake = out.Wake; m.wake != model.Never {
			g.post(groupEvent{at: m.wake, member: e.member, input: model.Wake})
		}
		for i := range out.Send {
			s := &out.Send[i]
			if g.sent != nil {
				g.sent(s)
			}
			if g.lose == nil || !g.lose(s) {
				g.post(groupEvent{at: e.at.Add(g.delay()), member: s.To, input: model.Deliver, message: *s})
			}
		}
		for _, v := range out.Verdicts {
			if g.verdict != nil {
				g.verdict(e.member, v)
			}
		}
	}
}

// Kinds of messages, as swim numbers them.
const (
	kindPing = 1 + iota
	kindAck
	kindPingReq
	kindForward
	kindNack
)

// mean returns the mean of the values and its standard error.
func mean(values []float64) (mean, err float64) {
	var sum, squares float64
	for _, v := range values {
		sum += v
		squares += v * v
	}
	n := float64(len(values))
	mean = sum / n
	return mean, math.Sqrt(max(0, squares/n-mean*mean) / n)
}

// With targets drawn at random, the number of periods until somebody first probes a failed
// member is geometric: each of the n-1 others misses it with probability 1-1/(n-1), so the
// expected first detection is 1/(1-(1-1/(n-1))^(n-1)) periods, the finite form of the
// paper's e/(e-1) = 1.582 (section 3.1; here periods that begin together, and a crash just
// before one does).
func TestSwimFirstDetection(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n, runs int
		want    float64 // to 3 digits
	}{{3, 4000, 1.333}, {10, 4000, 1.530}, {100, 600, 1.577}} {
		if exact := 1 / (1 - math.Pow(1-1/float64(c.n-1), float64(c.n-1))); math.Abs(exact-c.want) > 0.0005 {
			t.Fatalf("n=%d: the closed form is %v, not %v", c.n, exact, c.want)
		}
		var periods []float64
		for run := range c.runs {
			g := newGroup(t, c.n, uint64(run), "swim", map[string]string{"select": "random", "suspicion": "0s", "stagger": "false"})
			g.members[0].crashed = true
			found := false
			g.verdict = func(p model.ProcessID, v model.Verdict) {
				if v.Peer != 0 {
					t.Fatalf("member %d lives and is confirmed to have failed", v.Peer)
				}
				found = true
			}
			g.run(model.Time(model.Minute), func() bool { return found })
			periods = append(periods, g.now.Seconds())
		}
		if got, err := mean(periods); math.Abs(got-c.want) > 3.5*err+0.0005 {
			t.Errorf("n=%d: first detected after %.4f +- %.4f periods, want %.3f", c.n, got, err, c.want)
		} else {
			t.Logf("n=%d: %.4f +- %.4f periods, closed form %.3f", c.n, got, err, c.want)
		}
	}
}

// One probe of a live member fails exactly when the direct round trip and all k indirect
// ones lose a message. With each message delivered with probability q, independently, that
// is (1-q^2)(1-q^4)^k. The test runs the probe for every pattern of losses and adds up the
// patterns' probabilities. A member is probed once in a period on average, and the chance
// that it is probed at all is 1-1/e in a large group, so given that it is, the expected
// number of failed probes is e/(e-1) as large: the values for q = 0.95 to 3 digits.
func TestSwimFalseDetection(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		k    int
		want float64 // at q = 0.95
	}{{0, 0.154}, {1, 0.0286}, {3, 9.8e-4}} {
		legs := 2 + 4*c.k
		fails := map[int]int{} // patterns that fail, by how many messages they lose
		for lost := range 1 << legs {
			if probeFails(t, c.k, func(leg int) bool { return lost>>leg&1 != 0 }) {
				n := 0
				for l := lost; l != 0; l &= l - 1 {
					n++
				}
				fails[n]++
			}
		}
		failure := func(q float64) float64 {
			p := 0.0
			for n := range legs + 1 {
				p += float64(fails[n]) * math.Pow(1-q, float64(n)) * math.Pow(q, float64(legs-n))
			}
			return p
		}
		for _, q := range []float64{0, 0.3, 0.5, 0.8, 0.95, 1} {
			want := (1 - q*q) * math.Pow(1-math.Pow(q, 4), float64(c.k))
			if got := failure(q); math.Abs(got-want) > 1e-12 {
				t.Errorf("k=%d q=%v: a probe fails with probability %v, want %v", c.k, q, got, want)
			}
		}
		if got := failure(0.95) * math.E / (math.E - 1); math.Abs(got/c.want-1) > 0.005 {
			t.Errorf("k=%d: %v false detections, want %v", c.k, got, c.want)
		}
	}
}

// probeFails runs member 0's probe of member 1, asking k others, and tells whether it
// fails. Leg 0 is the ping, 1 its ack; 2+4i to 5+4i are the four messages by way of the
// member i+2.
func probeFails(t *testing.T, k int, lost func(leg int) bool) bool {
	g := newGroup(t, k+2, 1, "swim", map[string]string{"indirect": fmt.Sprint(k), "suspicion": "0s"})
	g.lose = func(m *model.Message) bool {
		via := func(p model.ProcessID, leg int) bool { return lost(2 + 4*(int(p)-2) + leg) }
		switch {
		case m.Kind == kindPing && m.Arg == 0:
			return lost(0)
		case m.Kind == kindAck && m.Arg == 0:
			return lost(1)
		case m.Kind == kindPingReq:
			return via(m.To, 0)
		case m.Kind == kindPing:
			return via(m.From, 1)
		case m.Kind == kindAck:
			return via(m.To, 2)
		case m.Kind == kindForward:
			return via(m.From, 3)
		}
		t.Fatalf("message %+v", m)
		return false
	}
	failed := false
	g.verdict = func(p model.ProcessID, v model.Verdict) { failed = failed || p == 0 && v.Peer == 1 }
	for p, m := range g.members {
		if p != 0 {
			// The others answer, but begin no period of their own before the end.
			m.automaton = quiet{m.automaton}
		}
	}
	g.members[0].automaton = firstStep{g.members[0].automaton}
	g.run(model.Time(model.Second), nil)
	return failed
}

// quiet is an automaton whose first period begins as late as can be.
type quiet struct{ model.Automaton }

func (q quiet) Step(now model.Time, in *model.Input, out *model.Output) {
	if now >= model.Time(990*model.Millisecond) {
		return
	}
	in.Random = last{}
	q.Automaton.Step(now, in, out)
}

// firstStep is an automaton that draws the first of everything.
type firstStep struct{ model.Automaton }

func (f firstStep) Step(now model.Time, in *model.Input, out *model.Output) {
	in.Random = first{}
	f.Automaton.Step(now, in, out)
}

// last chooses the last of everything.
type last struct{}

func (last) IntN(n int) int { return n - 1 }

// In a round of random order, each other member is probed once; so between two probes of
// one there are at most 2(n-1)-2 others, and the worst case occurs. The paper's bound of
// 2n-1 periods counts n members of a list that does not hold the prober.
func TestSwimRoundRobin(t *testing.T) {
	const n = 6
	g := newGroup(t, n, 3, "swim", map[string]string{"stagger": "false"})
	var probes []model.ProcessID
	g.sent = func(m *model.Message) {
		if m.From == 0 && m.Kind == kindPing {
			probes = append(probes, m.To)
		}
	}
	g.run(model.Time(2000*model.Second), nil)
	latest := map[model.ProcessID]int{}
	worst := 0
	orders := map[string]int{}
	for i, p := range probes {
		if before, ok := latest[p]; ok {
			worst = max(worst, i-before)
		}
		latest[p] = i
		if i%(n-1) == n-2 {
			seen := map[model.ProcessID]bool{}
			for _, q := range probes[i-n+2 : i+1] {
				seen[q] = true
			}
			if len(seen) != n-1 {
				t.Fatalf("round %d probes %v", i/(n-1), probes[i-n+2:i+1])
			}
			orders[fmt.Sprint(probes[i-n+2:i+1])]++
		}
	}
	if len(probes) < 1999 || worst != 2*(n-1)-1 {
		t.Errorf("%d probes; %d periods between two of one member, want %d", len(probes), worst, 2*(n-1)-1)
	}
	// 400 rounds of 120 orders: each is missed with probability 0.035.
	if len(orders) < 105 {
		t.Errorf("%d orders of 120 in 400 rounds", len(orders))
	}
}

// The means of hashicorp/memberlist v0.7.0 itself, run in virtual time: 40 kills in groups
// of each size with a delay of 0.25 ms, from the kill to the first "dead". The standard
// errors of those means are taken to be those of our own 40 kills.
//
// For three members there is a closed form. The kill waits half an interval for a tick in
// the mean, the probe takes an interval and the suspicion four. Between, both survivors may
// probe each other: at the first tick of a round of two with probability 1/4, and then not
// again; at the second with 1/4, and again at the next tick with another 1/4. That is
// (1/4 + 1/4 + 1/16)/2 intervals, so 5.78125 s in all.
func TestMemberlistKillToDead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n                    int
		mean, least, longest float64
	}{{3, 5.86, 5.01, 6.93}, {5, 5.98, 5.00, 7.94}, {10, 6.13, 5.01, 8.73}, {30, 8.02, 6.96, 12.37}} {
		const runs = 200
		var times []float64
		shortest := math.Inf(1)
		for run := range runs {
			g := newGroup(t, c.n, uint64(run), "memberlist", nil)
			kill := model.Time(20*model.Second) + model.Time(g.random.Int64N(int64(10*model.Second)))
			g.verdict = func(p model.ProcessID, v model.Verdict) { t.Fatal("a verdict before the kill") }
			g.run(kill, nil)
			g.members[0].crashed = true
			dead := false
			g.verdict = func(p model.ProcessID, v model.Verdict) { dead = dead || v.Peer == 0 && v.Suspected }
			g.run(kill.Add(model.Minute), func() bool { return dead })
			seconds := g.now.Sub(kill).Seconds()
			times = append(times, seconds)
			shortest = min(shortest, seconds)
		}
		got, err := mean(times)
		if c.n == 3 && math.Abs(got-5.78125) > 3.5*err {
			t.Errorf("three members: dead after %.3f +- %.3f s in the mean, want 5.78125", got, err)
		}
		err = math.Sqrt(err*err + err*err*runs/40)
		t.Logf("n=%d: mean %.2f s, library %.2f s, standard error of the difference %.2f s", c.n, got, c.mean, err)
		if math.Abs(got-c.mean) > 3*err {
			t.Errorf("n=%d: dead after %.2f s in the mean, the library after %.2f (standard error of the difference %.2f)", c.n, got, c.mean, err)
		}
		if math.Abs(shortest-c.least) > 0.1 {
			t.Errorf("n=%d: dead after %.2f s at the earliest, the library after %.2f", c.n, shortest, c.least)
		}
	}
}

// overloaded runs groups of 16 in which member 0 is slow: it takes its messages and timers
// in bursts, with up to six seconds between. It returns how often in two minutes another
// one confirms the failure of one that is neither slow nor failed.
func overloaded(t *testing.T, given map[string]string) (mistakes int) {
	for seed := range uint64(10) {
		g := newGroup(t, 16, seed, "swim", given)
		g.delay = func() model.Duration { return model.Duration(g.random.Int64N(int64(50 * model.Millisecond))) }
		g.verdict = func(p model.ProcessID, v model.Verdict) {
			if p != 0 && v.Peer != 0 && v.Suspected {
				mistakes++
			}
		}
		for at := model.Time(0); at < model.Time(2*model.Minute); {
			g.run(at, nil)
			slow := g.members[0]
			slow.pausedUntil = at.Add(model.Duration(g.random.Int64N(int64(6 * model.Second))))
			at = slow.pausedUntil.Add(model.Duration(g.random.Int64N(int64(100 * model.Millisecond))))
		}
	}
	return mistakes
}

// suspected runs groups of 16 that lose a tenth of all messages. It returns for how long in
// two minutes members suspect others, all of which live, in seconds.
func suspected(t *testing.T, given map[string]string) (seconds float64) {
	for seed := range uint64(10) {
		g := newGroup(t, 16, seed, "swim", given)
		g.lose = func(*model.Message) bool { return g.random.IntN(10) == 0 }
		end := model.Time(2 * model.Minute)
		g.verdict = func(p model.ProcessID, v model.Verdict) {
			if left := end.Sub(g.now).Seconds(); v.Suspected {
				seconds += left
			} else {
				seconds -= left
			}
		}
		g.run(end, nil)
	}
	return seconds
}

// One overloaded member makes healthy ones confirm that healthy ones have failed, and
// Lifeguard's LHA-Probe and LHA-Suspicion make that rarer, all together most (the direction
// of effect in the Lifeguard paper; its figures are not known here). The buddy system
// shortens suspicions of members that live, most where news is scarce.
func TestLifeguard(t *testing.T) {
	t.Parallel()
	plain := overloaded(t, map[string]string{"suspicion": "4s"})
	probe := overloaded(t, map[string]string{"suspicion": "4s", "lha-probe": "true"})
	suspicion := overloaded(t, map[string]string{"suspicion": "4s", "lha-suspicion": "true"})
	all := overloaded(t, map[string]string{"suspicion": "4s", "lha-probe": "true", "lha-suspicion": "true", "buddy": "true"})
	t.Logf("mistakes: %d, with lha-probe %d, with lha-suspicion %d, with all %d", plain, probe, suspicion, all)
	if !(plain > probe && plain > 4*suspicion && probe > all && suspicion > all) {
		t.Error("a component makes it worse")
	}
	given := map[string]string{"lambda": "1", "updates": "1", "report": "suspect", "suspicion": "1h", "buddy": "false"}
	alone := suspected(t, given)
	given["buddy"] = "true"
	buddy := suspected(t, given)
	t.Logf("suspicions of %.0f s, with buddy %.0f s", alone, buddy)
	if buddy > alone/2 {
		t.Error("the buddy system does not shorten suspicions")
	}
}

// A process of memberlist that was down, or cut off, longer than the dead are told so is
// trusted again, and trusts: it learns by an exchange of lists, or by what it hears, that
// it was taken for dead. In SWIM's own rules it has no way back.
func TestReturn(t *testing.T) {
	for _, c := range []struct {
		name    string
		returns bool
	}{{"memberlist", true}, {"swim", false}} {
		for _, cut := range []bool{false, true} {
			g := newGroup(t, 10, 1, c.name, nil)
			distrust := map[[2]model.ProcessID]bool{}
			g.verdict = func(p model.ProcessID, v model.Verdict) {
				if pair := [2]model.ProcessID{p, v.Peer}; v.Suspected {
					distrust[pair] = true
				} else {
					delete(distrust, pair)
				}
			}
			g.run(model.Time(20*model.Second), nil)
			if cut {
				g.lose = func(m *model.Message) bool { return m.To == 0 } // what it sends gets through
			} else {
				g.members[0].crashed = true
			}
			g.run(model.Time(80*model.Second), nil)
			for p := model.ProcessID(1); p < 10; p++ {
				if !distrust[[2]model.ProcessID{p, 0}] {
					t.Errorf("%s: member %d trusts member 0", c.name, p)
				}
			}
			if g.lose = nil; !cut {
				g.members[0].crashed = false
				g.members[0].automaton, _ = build(t, c.name, nil)(detectors.Env{Self: 0, N: 10, Watch: []model.ProcessID{1, 2, 3, 4, 5, 6, 7, 8, 9}})
				g.post(groupEvent{at: g.now, member: 0, input: model.Start})
			}
			g.run(model.Time(200*model.Second), nil)
			if got := len(distrust) == 0; got != c.returns {
				t.Errorf("%s, cut off %v: member 0 returns: %v; distrust %v", c.name, cut, got, distrust)
			}
		}
	}
}

func TestSwimConformanceOfOddParameters(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		given map[string]string
	}{
		{"swim", map[string]string{"suspicion": "0s", "select": "random", "indirect": "0", "lambda": "0"}},
		{"swim", map[string]string{"timeout": "1s", "updates": "1", "report": "suspect", "suspicion": "1ps"}},
		{"swim", map[string]string{"lha-probe": "true", "lha-suspicion": "true", "buddy": "true", "report": "suspect", "suspicion": "3s"}},
		{"swim", map[string]string{"lha-probe": "true", "timeout": "100ms", "indirect": "1", "stagger": "false"}},
		{"memberlist", map[string]string{"report": "suspect", "stagger": "true", "push-pull": "3s", "gossip-to-dead": "2s"}},
		{"memberlist", map[string]string{"gossip-interval": "0s", "push-pull": "0s", "suspicion-mult": "1", "awareness-max": "1"}},
		{"memberlist", map[string]string{"probe-interval": "500ms", "gossip-interval": "100ms", "gossip-nodes": "1", "suspicion-mult": "9"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := detectortest.Check(build(t, c.name, c.given), model.Second); err != nil {
				t.Error(c.given, err)
			}
		})
	}
}

func TestBadMembershipParameters(t *testing.T) {
	for _, c := range []struct{ detector, parameter, value, want string }{
		{"swim", "period", "11h", `parameter "period": 39600s is too long: at most 36028.797018963968s`},
		{"swim", "timeout", "1001ms", `parameter "timeout": 1.001s is longer than the period, 1s: no probe could wait for it`},
		{"swim", "timeout", "0s", `parameter "timeout": 0s is too short: at least 1ps`},
		{"swim", "select", "best", `parameter "select": "best" is neither round-robin nor random`},
		{"swim", "report", "all", `parameter "report": "all" is neither confirm nor suspect`},
		{"swim", "updates", "0", `parameter "updates": 0 is not between 1 and 1000`},
		{"swim", "indirect", "1001", `parameter "indirect": 1001 is not between 0 and 1000`},
		{"swim", "lambda", "1000", `parameter "lambda": 1000 is not between 0 and 100`},
		{"memberlist", "awareness-max", "9", `parameter "awareness-max": 9 is not between 1 and 8`},
		{"memberlist", "suspicion-mult", "0", `parameter "suspicion-mult": 0 is not between 1 and 1000`},
		{"memberlist", "probe-interval", "9h", `parameter "suspicion-max-mult": 6 times 129600s is too long: at most 576460.752303423488s`},
		{"memberlist", "push-pull", "11h", `parameter "push-pull": 39600s is too long: at most 36028.797018963968s`},
	} {
		_, err := build(t, c.detector, map[string]string{c.parameter: c.value})(detectors.Env{Self: 0, N: 2, Watch: []model.ProcessID{1}})
		if err == nil || err.Error() != c.want {
			t.Errorf("%s with %s=%s: error %v, want %s", c.detector, c.parameter, c.value, err, c.want)
		}
	}
	for _, name := range []string{"swim", "memberlist"} {
		if _, err := build(t, name, nil)(detectors.Env{Self: 2, N: 2}); err == nil {
			t.Errorf("%s is made for a process that does not exist", name)
		}
	}
}

// What Rapid's authors saw of memberlist in 1000 processes (Suresh et al., "Stable and
// consistent membership at scale with Rapid", USENIX ATC 2018), here in 40 with 2 faulty
// ones. When these lose all that is sent to them, 20 s on and 20 s off, they are removed and
// come back, again and again. When they lose 80% of what they send, healthy members are
// taken for dead as well, by what the faulty ones say of them.
func TestMemberlistIsUnstable(t *testing.T) {
	t.Parallel()
	const n, faulty = 40, 2
	for _, c := range []struct {
		name    string
		lose    func(g *group, m *model.Message) bool
		returns int  // of each faulty member, to all healthy ones, at least
		spreads bool // to healthy members
	}{
		{"one-way flip-flop", func(g *group, m *model.Message) bool {
			return m.To < faulty && g.now/model.Time(20*model.Second)%2 == 1
		}, 2, false},
		{"80% loss", func(g *group, m *model.Message) bool { return m.From < faulty && g.random.IntN(5) != 0 }, 0, true},
	} {
		g := newGroup(t, n, 7, "memberlist", nil)
		g.lose = func(m *model.Message) bool { return g.now >= model.Time(20*model.Second) && c.lose(g, m) }
		removed, returned := map[model.ProcessID]int{}, map[model.ProcessID]int{} // by healthy ones
		g.verdict = func(p model.ProcessID, v model.Verdict) {
			if p >= faulty && v.Suspected {
				removed[v.Peer]++
			} else if p >= faulty {
				returned[v.Peer]++
			}
		}
		g.run(model.Time(300*model.Second), nil)
		mistakes := 0
		for p := range model.ProcessID(n) {
			switch {
			case p >= faulty:
				mistakes += removed[p]
				if removed[p] != returned[p] {
					t.Errorf("%s: in the end, %d hold the healthy member %d dead", c.name, removed[p]-returned[p], p)
				}
			case removed[p]-returned[p] != n-faulty:
				t.Errorf("%s: in the end, only %d hold the faulty member %d dead", c.name, removed[p]-returned[p], p)
			case returned[p] < c.returns*(n-faulty):
				t.Errorf("%s: member %d was removed %d times, and returned %d times", c.name, p, removed[p], returned[p])
			}
		}
		if (mistakes > 0) != c.spreads {
			t.Errorf("%s: healthy members were taken for dead %d times", c.name, mistakes)
		}
		t.Logf("%s: the faulty ones were removed %d and %d times by %d, returned %d and %d times; healthy ones were removed %d times",
			c.name, removed[0], removed[1], n-faulty, returned[0], returned[1], mistakes)
	}
}
