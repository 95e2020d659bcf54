package detectors

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"suspect/model"
)

// RapidObservers and RapidGone show tests of groups what a member knows.
var RapidObservers = observers

func RapidGone(a model.Automaton) []model.ProcessID { return a.(*rapid).gone }

// The observers of six processes on three rings, by the order of their hashes as computed
// elsewhere; on each ring every member observes the next.
func TestRapidRings(t *testing.T) {
	rings := [][]model.ProcessID{{3, 5, 4, 1, 2, 0}, {1, 5, 4, 3, 2, 0}, {4, 2, 1, 5, 0, 3}}
	table := observers(6, 3, nil)
	without := observers(6, 3, rapidList{2, 5})
	for r, ring := range rings {
		for i, p := range ring {
			if got, want := table[int(ring[(i+1)%6])*3+r], p; got != want {
				t.Errorf("ring %d: p%d is observed by p%d, want p%d", r, ring[(i+1)%6], got, want)
			}
		}
		left := slices.DeleteFunc(slices.Clone(ring), rapidList{2, 5}.has)
		for i, p := range left {
			if got := without[int(left[(i+1)%4])*3+r]; got != p {
				t.Errorf("ring %d of four: p%d is observed by p%d, want p%d", r, left[(i+1)%4], got, p)
			}
		}
		if without[2*3+r] != model.Nobody || without[5*3+r] != model.Nobody {
			t.Error("somebody observes who is gone")
		}
	}
	for _, p := range observers(3, 2, rapidList{0, 2}) {
		if p != model.Nobody {
			t.Error("who is alone is observed")
		}
	}
}

// cutForTest returns a detector of 40 processes with the paper's parameters, where the
// observer of s on ring r is s + r + 1, modulo 40.
func cutForTest() *cutDetector {
	c := &cutDetector{k: 10, h: 9, l: 3, reports: make([]uint64, 40)}
	for s := range 40 {
		for r := range 10 {
			c.observers = append(c.observers, model.ProcessID((s+r+1)%40))
		}
	}
	return c
}

// The cut detector by hand: who was reported by how many, from the first ring on, and the cut
// that is proposed. The processes are so far apart that none observes another, but 20 and 21.
func TestRapidCut(t *testing.T) {
	type reports struct {
		subject model.ProcessID
		n       int
	}
	for _, c := range []struct {
		name    string
		reports []reports
		want    rapidList
	}{
		{"nothing", nil, nil},
		{"noise alone", []reports{{0, 2}}, nil},
		{"unstable, by the least", []reports{{0, 3}}, nil},
		{"unstable, by the most", []reports{{0, 8}}, nil},
		{"stable, by the least", []reports{{0, 9}}, rapidList{0}},
		{"stable", []reports{{0, 10}}, rapidList{0}},
		{"stable, noise", []reports{{0, 9}, {12, 2}}, rapidList{0}},
		{"stable, unstable by the least", []reports{{0, 9}, {12, 3}}, nil},
		{"stable, unstable by the most", []reports{{0, 10}, {12, 8}}, nil},
		{"two stable", []reports{{0, 9}, {12, 10}}, rapidList{0, 12}},
		{"three stable and noise", []reports{{24, 9}, {12, 9}, {0, 9}, {36, 2}}, rapidList{0, 12, 24}},
		{"unstable among stable", []reports{{0, 9}, {12, 5}, {24, 9}}, nil},

		// p21 observes p20 on ring 0, from which p20 was reported already.
		{"observer unstable, no news", []reports{{20, 8}, {21, 3}}, nil},
		// p29 observes p20 on ring 8: the ninth report, as p29 is unstable itself, which it remains.
		{"observer unstable", []reports{{20, 8}, {29, 3}}, nil},
		// And as it is stable.
		{"observer stable", []reports{{20, 8}, {29, 9}}, rapidList{20, 29}},
		{"observer noisy", []reports{{20, 8}, {29, 2}}, nil},
		{"two observers stable", []reports{{20, 7}, {28, 9}, {29, 9}}, rapidList{20, 28, 29}},
		{"too few of them", []reports{{20, 6}, {28, 9}, {29, 9}}, nil},
		{"but noise is not helped", []reports{{20, 2}, {28, 9}, {29, 9}, {30, 9}}, rapidList{28, 29, 30}},
	} {
		d := cutForTest()
		for _, r := range c.reports {
			for o := range r.n {
				for range 2 { // a second time changes nothing
					d.report((r.subject+model.ProcessID(o)+1)%40, r.subject)
				}
			}
		}
		d.report(0, 20) // of whom it is no observer
		if got := d.propose(); !slices.Equal(got, c.want) || (got == nil) != (len(c.want) == 0) {
			t.Errorf("%s: proposes %v, want %v", c.name, got, c.want)
		}
	}
}

// A fourth of the members crashes at once, as many as the paper's bound 1 - L/K - lambda/2K
// lets in a large group with these parameters. Whenever each of them is observed by live ones
// on L rings, the cut is they, and no others; and that is so for almost all choices.
func TestRapidTolerance(t *testing.T) {
	const n = 100
	c := &cutDetector{k: 10, h: 9, l: 3, reports: make([]uint64, n), observers: observers(n, 10, nil)}
	random := rand.New(rand.NewPCG(3, 4))
	observed := 0
	for range 1000 {
		var crashed rapidList
		for _, p := range random.Perm(n)[:n/4] {
			crashed = withMember(crashed, model.ProcessID(p))
		}
		clear(c.reports)
		enough := true
		for _, s := range crashed {
			live := 0
			for _, o := range c.observers[s*10 : s*10+10] {
				if !crashed.has(o) {
					live++
					c.report(o, s)
				}
			}
			enough = enough && live >= 3
		}
		if cut := c.propose(); enough {
			observed++
			if !slices.Equal(cut, crashed) {
				t.Fatalf("%v crash, proposed are %v", crashed, cut)
			}
		}
	}
	if observed < 950 {
		t.Errorf("only in %d of 1000 groups each is observed by enough", observed)
	}
	t.Log(observed, "of 1000")
}

// An observer of two rings counts twice.
func TestRapidCutOfFew(t *testing.T) {
	c := &cutDetector{k: 3, h: 3, l: 1, reports: make([]uint64, 3), observers: []model.ProcessID{1, 1, 2, 0, 2, 0, 0, 1, 0}}
	c.report(1, 0)
	if c.tally(0) != 2 || c.propose() != nil {
		t.Error(c.tally(0), "reports")
	}
	if c.report(2, 0); c.tally(0) != 3 || !slices.Equal(c.propose(), rapidList{0}) {
		t.Error(c.tally(0), "reports")
	}
}

// An edge fails with the fourth failure among the last ten probes: against a count over the
// list of all outcomes, and by hand; and in the code's way with the tenth of all.
func TestRapidEdge(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ window, failures int }{{10, 4}, {10, 1}, {1, 1}, {64, 20}, {0, 10}} {
		for range 200 {
			d := &rapid{window: c.window, failures: c.failures, edges: make([]rapidEdge, 1)}
			d.sender.watchers = []model.ProcessID{7}
			var missed []bool
			odds := 2 + random.IntN(9)
			for {
				missed = append(missed, random.IntN(odds) == 0)
				d.edges[0].awaited, d.edges[0].answered = true, !missed[len(missed)-1]
				failed := d.judge()
				latest := missed
				if c.window > 0 {
					latest = missed[max(0, len(missed)-c.window):]
				}
				count := 0
				for _, m := range latest {
					if m {
						count++
					}
				}
				if (count >= c.failures) != (len(failed) == 1) {
					t.Fatalf("%+v: %v: alerts %v", c, missed, failed)
				}
				if len(failed) == 1 {
					d.edges[0].awaited = true
					if again := d.judge(); len(again) > 0 || !slices.Equal(d.alerts, rapidList{7}) {
						t.Fatal("alerts again", again, d.alerts)
					}
					break
				}
				if len(missed) > 500 {
					break // as it may, when few fail
				}
			}
		}
	}
	alertsAt := func(outcomes string) int {
		d := &rapid{window: 10, failures: 4, edges: make([]rapidEdge, 1)}
		d.sender.watchers = []model.ProcessID{7}
		for i, o := range outcomes {
			d.edges[0].awaited, d.edges[0].answered = true, o == '.'
			if len(d.judge()) > 0 {
				return i
			}
		}
		return -1
	}
	for outcomes, want := range map[string]int{
		"xxxx":                       3,
		"xxx.......xxx.......xxx...": -1, // never four in ten
		"x..x..x..x":                 9,
		"x..x..x...x..x..x...":       -1,
		"...........xx.......xx....": -1, // 4 in eleven
		"...........xx......xx....":  20, // in ten
	} {
		if got := alertsAt(outcomes); got != want {
			t.Errorf("%s: alerts after probe %d, want %d", outcomes, got, want)
		}
	}
}

// The sizes of quorums, which must meet: two fast ones and a classic one in somebody who votes,
// so of any majority more than half of those that a fast quorum may spare.
func TestRapidQuorums(t *testing.T) {
	for n := 1; n <= 200; n++ {
		c := consensus{n: n}
		fast, classic := c.quorum(fastRank), c.quorum(2)
		if want := int(math.Ceil(3 * float64(n) / 4)); fast < want || fast > want+1 {
			t.Errorf("n=%d: a fast quorum has %d, three quarters are %d", n, fast, want)
		}
		if 2*classic <= n || 2*fast+classic <= 2*n {
			t.Errorf("n=%d: quorums of %d and %d need not meet", n, fast, classic)
		}
	}
	for n, want := range map[int]int{1: 1, 2: 2, 4: 4, 5: 4, 8: 7, 9: 7, 20: 16, 1000: 751} {
		if got := (&consensus{n: n}).quorum(fastRank); got != want {
			t.Errorf("n=%d: a fast quorum has %d, want %d", n, got, want)
		}
	}
}

// The coordinator's choice, for all ways in which seven members can vote for one of two cuts
// or not at all, and all majorities that can promise: what has been decided, or may come to
// be by the votes of those who did not promise, is what is chosen.
func TestRapidChoice(t *testing.T) {
	const n = 7
	cuts := []rapidList{nil, {5}, {6}}
	checked := 0
	for votes := range 3 * 3 * 3 * 3 * 3 * 3 * 3 {
		var vote [n]int
		for p, v := 0, votes; p < n; p, v = p+1, v/3 {
			vote[p] = v % 3
		}
		for quorum := range 1 << n {
			if bits.OnesCount(uint(quorum)) <= n/2 || quorum&1 == 0 {
				continue
			}
			d := &rapid{consensus: newConsensus(Env{N: n})}
			d.cut.reports = make([]uint64, n)
			d.consensus.reset(n)
			d.proposal, d.promised, d.round = rapidList{4}, 2*n, 2*n
			possible := map[int]int{}
			for p := range n {
				promised := quorum>>p&1 != 0
				d.promises[p] = promised
				if vote[p] > 0 {
					d.votes[p] = rapidVote{fastRank, cuts[vote[p]]}
				}
				for v := 1; v <= 2; v++ {
					if vote[p] == v || !promised && vote[p] == 0 {
						possible[v]++
					}
				}
			}
			var out model.Output
			d.choose(&out)
			for v := 1; v <= 2; v++ {
				if possible[v] >= d.quorum(fastRank) {
					checked++
					if !slices.Equal(d.chosen, cuts[v]) {
						t.Fatalf("votes %v, promises %b: chooses %v, but %v may be decided", vote, quorum, d.chosen, cuts[v])
					}
				}
			}
			if d.chosen == nil {
				t.Fatalf("votes %v, promises %b: chooses nothing", vote, quorum)
			}
		}
	}
	if checked < 1000 {
		t.Errorf("only %d cases", checked)
	}
}

func TestRapidParameters(t *testing.T) {
	s, _ := Lookup("rapid")
	for _, c := range []struct{ name, value, want string }{
		{"k", "65", `parameter "k": 65 is not between 1 and 64`},
		{"h", "11", `parameter "h": 11 is not between 1 and 10`},
		{"l", "10", `parameter "l": 10 is not between 1 and 9`},
		{"failures", "11", `parameter "failures": 11 is not between 1 and 10`},
		{"interval", "0s", `parameter "interval": 0s is too short: at least 1ps`},
	} {
		p, errs := model.NewParams(s.Params, map[string]string{c.name: c.value})
		if errs != nil {
			t.Fatal(errs)
		}
		if _, err := s.New(Env{N: 2}, p); err == nil || err.Error() != c.want {
			t.Errorf("%s=%s: %v", c.name, c.value, err)
		}
	}
}

// A new view remembers nothing of the one before, and takes no message of it.
func TestRapidNextView(t *testing.T) {
	s, _ := Lookup("rapid")
	p, errs := model.NewParams(s.Params, nil)
	if errs != nil {
		t.Fatal(errs)
	}
	env := Env{Self: 1, N: 6, Watch: []model.ProcessID{0, 2, 4, 5}}
	used, fresh := rapidForTest(t, s, env, p), rapidForTest(t, s, env, p)
	var out model.Output
	for _, d := range []*rapid{used, fresh} {
		d.Step(0, &model.Input{Kind: model.Start, Random: highest{}}, &out)
		d.Step(model.Time(model.Second), &model.Input{Kind: model.Wake, Random: highest{}}, &out)
	}
	for i := range used.edges {
		used.edges[i] = rapidEdge{awaited: true, history: 7}
	}
	used.alerts, used.proposal, used.promised, used.round, used.wait = rapidList{0}, rapidList{0}, 13, 13, 5
	used.cut.reports[4], used.votes[3], used.promises[2], used.chosen = 3, rapidVote{1, rapidList{0}}, true, rapidList{0}
	out.Reset()
	used.change(rapidList{2, 3}, &out)
	if want := []model.Verdict{{Peer: 2, Suspected: true}}; !slices.Equal(out.Verdicts, want) {
		t.Errorf("verdicts %v, want %v", out.Verdicts, want) // 3 is not watched
	}
	fresh.gone = rapidList{2, 3}
	fresh.begin()
	same := func(after string) {
		t.Helper()
		if got, want := used.AppendState(nil, 5), fresh.AppendState(nil, 5); !slices.Equal(got, want) || len(used.alerts) > 0 {
			t.Errorf("after %s: %x, want %x", after, got, want)
		}
	}
	same("the change")
	if used.n != 4 || len(used.edges) == 0 || used.edges[0].awaited {
		t.Errorf("%+v", used)
	}
	for _, m := range []model.Message{
		{From: 0, Kind: rapidAlert, Arg: 0, Body: rapidList{1, 4}},
		{From: 0, Kind: rapidAlert, Arg: 3, Body: rapidList{1, 4}},
		{From: 2, Kind: rapidAlert, Arg: 2, Body: rapidList{1, 4}}, // who is gone
		{From: 0, Kind: rapidVoted, Seq: 1, Arg: 0, Body: rapidList{4}},
		{From: 0, Kind: rapidVoted, Seq: 1, Arg: 2, Body: rapidList{2, 4}}, // no member
		{From: 0, Kind: rapidPrepare, Seq: 12, Arg: 1},
		{From: 0, Kind: rapidPrepare, Seq: 13, Arg: 2}, // another's round
		{From: 0, Kind: rapidView, Arg: 2, Body: rapidList{2, 3}},
		{From: 0, Kind: rapidView, Arg: 2, Body: rapidList{0, 2, 3}},
	} {
		used.Step(model.Time(model.Second), &model.Input{Kind: model.Deliver, Message: m, Random: highest{}}, &out)
		same(fmt.Sprint(m))
	}
	used.Step(model.Time(model.Second), &model.Input{Kind: model.Deliver, Message: model.Message{From: 4, Kind: rapidView, Arg: 3, Body: rapidList{0, 2, 3}}}, &out)
	if !slices.Equal(used.gone, rapidList{0, 2, 3}) {
		t.Error("does not take over a later view:", used.gone)
	}
}

func rapidForTest(t *testing.T, s Spec, env Env, p model.Params) *rapid {
	a, err := s.New(env, p)
	if err != nil {
		t.Fatal(err)
	}
	return a.(*rapid)
}

// Who has promised a later round neither votes in its own any more nor, if it had no vote yet,
// in the fast one.
func TestRapidOvertaken(t *testing.T) {
	s, _ := Lookup("rapid")
	p, errs := model.NewParams(s.Params, nil)
	if errs != nil {
		t.Fatal(errs)
	}
	d := rapidForTest(t, s, Env{Self: 0, N: 5}, p)
	step := func(m model.Message) []model.Message {
		var out model.Output
		m.To = 0
		d.receive(&m, highest{}, &out)
		return out.Send
	}
	d.Step(0, &model.Input{Kind: model.Start}, &model.Output{})
	if sent := step(model.Message{From: 1, Kind: rapidPrepare, Seq: 11}); len(sent) != 1 || sent[0].Kind != rapidPromise || sent[0].Seq != 11 || sent[0].Body != nil {
		t.Fatal(sent)
	}
	var out model.Output
	d.propose(rapidList{4}, &out)
	if len(out.Send) > 0 || d.votes[0].Rank != 0 {
		t.Error("votes in the fast round:", out.Send)
	}
	d.coordinate(&out)
	if d.round != 15 || out.Send[0].Kind != rapidPrepare || out.Send[0].Seq != 15 {
		t.Fatal("begins", d.round, out.Send)
	}
	if sent := step(model.Message{From: 1, Kind: rapidAccept, Seq: 11, Body: rapidList{3}}); len(sent) != 1 || sent[0].Kind != rapidPromise || sent[0].Seq != 15 {
		t.Error("does not refuse:", sent)
	}
	if sent := step(model.Message{From: 2, Kind: rapidPrepare, Seq: 17}); len(sent) != 1 || sent[0].Seq != 17 {
		t.Error("does not promise:", sent)
	}
	for p := range model.ProcessID(3) {
		if sent := step(model.Message{From: p + 1, Kind: rapidPromise, Seq: 15}); len(sent) > 0 || d.votes[0].Rank > 0 {
			t.Error("goes on with an overtaken round:", sent)
		}
	}
	if sent := step(model.Message{From: 2, Kind: rapidAccept, Seq: 17, Body: rapidList{3}}); len(sent) != 4 || sent[3].Kind != rapidVoted || sent[3].Seq != 17 || sent[3].Bytes != 13+2+4 {
		t.Error("does not vote:", sent)
	}
	if sent := step(model.Message{From: 4, Kind: rapidPrepare, Seq: 19}); sent[0].Bytes != 13+8+2+4 || sent[0].Body.(rapidVote).Rank != 17 {
		t.Error("does not tell its vote:", sent)
	}
	// Nor does a refusal hide it: the promise of that rank may have been lost.
	if sent := step(model.Message{From: 2, Kind: rapidAccept, Seq: 17, Body: rapidList{3}}); sent[0].Seq != 19 || sent[0].Body == nil || sent[0].Body.(rapidVote).Rank != 17 {
		t.Error("refuses without its vote:", sent)
	}
}

// The consensus alone, in any order of messages that are lost and doubled: members propose one
// of three cuts and begin rounds at any time, and no two ever go on to different views. When
// the losses end, one coordinator is enough for all to go on.
func TestRapidConsensus(t *testing.T) {
	s, _ := Lookup("rapid")
	p, errs := model.NewParams(s.Params, nil)
	if errs != nil {
		t.Fatal(errs)
	}
	random := rand.New(rand.NewPCG(5, 6))
	early, values := 0, map[string]int{}
	for run := range 4000 {
		n := 4 + run%4
		var members []*rapid
		for i := range n {
			d := rapidForTest(t, s, Env{Self: model.ProcessID(i), N: n}, p)
			d.Step(0, &model.Input{Kind: model.Start, Random: random}, &model.Output{})
			members = append(members, d)
		}
		var mail []model.Message
		act := func(i int, step func(d *rapid, out *model.Output)) {
			var out model.Output
			if len(members[i].gone) > 0 {
				return // it has decided, and acts no more
			}
			step(members[i], &out)
			mail = append(mail, out.Send...)
		}
		propose := func(i int, cut rapidList) {
			act(i, func(d *rapid, out *model.Output) {
				if d.proposal == nil {
					d.propose(cut, out)
				}
			})
		}
		deliver := func(m model.Message) {
			act(int(m.To), func(d *rapid, out *model.Output) { d.receive(&m, random, out) })
		}
		coordinate := func(i int) {
			act(i, func(d *rapid, out *model.Output) {
				if d.proposal != nil {
					d.coordinate(out)
				}
			})
		}
		agree := func() (decided int) {
			var first rapidList
			for i, d := range members {
				if d.gone == nil {
					continue
				}
				if decided++; first == nil {
					first = d.gone
				}
				if !slices.Equal(first, d.gone) {
					t.Fatalf("run %d: one goes on without %v, p%d without %v", run, first, i, d.gone)
				}
			}
			return decided
		}
		favour, lossy := random.IntN(10), random.IntN(40)
		for range 60 * n {
			switch i := random.IntN(n); {
			case random.IntN(12) == 0:
				cut := rapidList{0}
				if random.IntN(10) < favour {
					cut = rapidList{model.ProcessID(random.IntN(3))}
				}
				propose(i, cut)
			case random.IntN(25) == 0:
				coordinate(i)
			case len(mail) > 0:
				k := random.IntN(len(mail))
				m := mail[k]
				switch action := random.IntN(100); {
				case action < lossy: // lost
				case action < 90:
					deliver(m)
				default:
					deliver(m)
					continue // and again, later
				}
				mail[k] = mail[len(mail)-1]
				mail = mail[:len(mail)-1]
			}
		}
		if d := agree(); d > 0 && d < n {
			early++
		}
		propose(0, rapidList{1})
		for range 20 {
			coordinate(0)
			for i := range n {
				act(i, func(d *rapid, out *model.Output) { d.vote(out) })
			}
			for len(mail) > 0 {
				m := mail[0]
				mail = mail[1:]
				deliver(m)
			}
			if d := agree(); d == n || d > 0 && members[0].gone != nil {
				break // who is late is told the view when it probes
			}
		}
		if agree() == 0 {
			t.Fatalf("run %d: no decision at the end", run)
		}
		values[members[0].gone.String()]++
	}
	t.Log(early, "runs decided by some when the losses end; decisions:", values)
	if early < 400 || len(values) < 3 {
		t.Error("too calm a test")
	}
}
