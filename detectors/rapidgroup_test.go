package detectors_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"suspect/detectors"
	"suspect/model"
)

// rapidGroup is a group that keeps what its members say.
type rapidGroup struct {
	*group
	removed [][]model.ProcessID // by each, in order
	changes []int               // of the view, of each
	latest  []model.Time        // change
	votes   map[string]bool     // cuts voted for in the fast round
}

// Of the messages of rapid.
const (
	kindRapidVoted = 6
	rapidFastRank  = 1
)

func newRapidGroup(t testing.TB, n int, seed uint64, given map[string]string) *rapidGroup {
	g := &rapidGroup{group: newGroup(t, n, seed, "rapid", given), removed: make([][]model.ProcessID, n), changes: make([]int, n),
		latest: make([]model.Time, n), votes: map[string]bool{}}
	g.verdict = func(p model.ProcessID, v model.Verdict) {
		if !v.Suspected {
			t.Errorf("p%d trusts p%d again", p, v.Peer)
		}
		if g.now != g.latest[p] {
			g.changes[p]++
			g.latest[p] = g.now
		}
		g.removed[p] = append(g.removed[p], v.Peer)
	}
	g.sent = func(m *model.Message) {
		if m.Kind == kindRapidVoted && m.Seq == rapidFastRank {
			g.votes[fmt.Sprintf("view %d: %v", m.Arg, m.Body)] = true
		}
	}
	return g
}

// gone returns whom p holds removed, in order.
func (g *rapidGroup) gone(p int) string {
	return fmt.Sprint(slices.Sorted(slices.Values(g.removed[p])))
}

// Members probe at every second, and answer in half a millisecond. One that crashes between
// has missed four probes at the fifth second after; then come its observers' alerts, and a
// quarter of a millisecond later the votes.
func TestRapidDetectionTime(t *testing.T) {
	for _, c := range []struct {
		given map[string]string
		want  model.Duration
	}{
		{map[string]string{"stagger": "false"}, 15*model.Second + 500*model.Microsecond},
		{map[string]string{"stagger": "false", "window": "0", "failures": "10"}, 21*model.Second + 500*model.Microsecond}, // the code
		{map[string]string{"stagger": "false", "interval": "500ms"}, 13*model.Second + 500*model.Microsecond},
	} {
		g := newRapidGroup(t, 16, 1, c.given)
		g.run(at(10700*ms), nil)
		g.members[3].crashed = true
		g.run(at(60*second), nil)
		for p := range g.members {
			if want := at(c.want); p != 3 && (g.latest[p] != want || g.gone(p) != "[3]") {
				t.Errorf("%v: p%d removes %v at %v, want 3 at %v", c.given, p, g.gone(p), g.latest[p], want)
			}
		}
	}
}

// observed tells whether each of some members that crash is observed by others on l rings of k.
func (g *rapidGroup) observed(crashed []int, k, l int) bool {
	observers := detectors.RapidObservers(len(g.members), k, nil)
	for _, p := range crashed {
		live := 0
		for _, o := range observers[p*k : p*k+k] {
			if !slices.Contains(crashed, int(o)) {
				live++
			}
		}
		if live < l {
			return false
		}
	}
	return true
}

// Members that crash together are removed together, all by the same proposal: in one change of
// view, without classic rounds as long as at most (n-1)/4 crash, and with them up to a half.
// The paper's bound on what the cut detector stands is a fourth for K = 10 and L = 3, in large
// groups. Here more crash, wherever each is observed by live ones on L rings.
func TestRapidCrashes(t *testing.T) {
	for _, c := range []struct {
		n, crash int
		fallback string
		removed  bool
	}{
		{20, 1, "0", true}, {20, 4, "0", true}, {20, 5, "0", false}, {20, 5, "1", true}, {20, 9, "1", true}, {20, 10, "1", false},
		{40, 10, "1", true}, {3, 1, "0", false}, {3, 1, "1", true}, {3, 2, "1", false}, {5, 1, "0", true}, {5, 2, "1", true}, {2, 1, "1", false},
	} {
		runs := 0
		for seed := range uint64(4) {
			g := newRapidGroup(t, c.n, seed, map[string]string{"fallback": c.fallback})
			g.delay = func() model.Duration { return model.Duration(1+g.random.IntN(20)) * ms }
			g.run(at(10*second), nil)
			crashed := g.random.Perm(c.n)[:c.crash]
			slices.Sort(crashed)
			for _, p := range crashed {
				g.members[p].crashed = true
			}
			if c.removed && !g.observed(crashed, 10, 3) {
				continue
			}
			runs++
			g.run(at(80*second), nil)
			want := "[]"
			if c.removed {
				want = fmt.Sprint(crashed)
			}
			for p, m := range g.members {
				if got := g.gone(p); !m.crashed && (got != want || g.changes[p] > 1) {
					t.Errorf("%+v, seed %d: p%d removes %v in %d changes, want %v", c, seed, p, got, g.changes[p], want)
				}
			}
			if len(g.votes) > 1 {
				t.Errorf("%+v, seed %d: %d proposals: %v", c, seed, len(g.votes), g.votes)
			}
		}
		if runs < 2 {
			t.Errorf("%+v: only %d runs", c, runs)
		}
	}
}

// Whatever is lost and whoever crashes when, all members see the same views: consensus. Some
// members lose half of what they send, so members are removed that live, and proposals differ.
func TestRapidAgreement(t *testing.T) {
	views, differ, fallbacks := 0, 0, 0
	for seed := range uint64(60) {
		n := 5 + int(seed%6)
		g := newRapidGroup(t, n, seed, map[string]string{"h": "6", "l": "2"})
		g.delay = func() model.Duration { return model.Duration(1+g.random.IntN(900)) * ms }
		g.lose = func(m *model.Message) bool {
			return int(m.From) < n/3 && g.random.IntN(2) == 0 || g.random.IntN(20) == 0
		}
		sent := g.sent
		g.sent = func(m *model.Message) {
			sent(m)
			if m.Kind == kindRapidVoted && m.Seq > rapidFastRank {
				fallbacks++
			}
		}
		byNumber := map[int]string{}
		check := func() bool {
			for p := range g.members {
				gone := detectors.RapidGone(g.members[p].automaton)
				text, known := byNumber[len(gone)]
				if got := fmt.Sprint(gone); !known {
					byNumber[len(gone)] = got
				} else if got != text {
					t.Fatalf("seed %d at %v: p%d sees a view without %s, another one without %s", seed, g.now, p, got, text)
				}
			}
			return false
		}
		g.run(at(20*second), check)
		g.members[n-1].crashed = true
		g.run(at(23*second), check)
		g.members[n-2].crashed = n > 6
		g.run(at(100*second), check)
		views += len(byNumber) - 1
		perView := map[string]int{}
		for vote := range g.votes {
			view, _, _ := strings.Cut(vote, ":")
			if perView[view]++; perView[view] == 2 {
				differ++
			}
		}
	}
	t.Log(views, "changes of view;", differ, "views with different proposals;", fallbacks, "classic votes sent")
	if views < 60 || differ < 20 || fallbacks < 100 {
		t.Error("too calm a test")
	}
}

// oneWay makes members hear nothing in every other 20 seconds, from 30 s on, while all that
// they say arrives: the flip-flop of the paper, in which 10 of 1000 members were so.
func oneWay(g *group, faulty int) {
	g.lose = func(m *model.Message) bool {
		return int(m.To) < faulty && g.now >= at(30*second) && int64(g.now.Sub(at(30*second))/(20*second))%2 == 0
	}
}

// As the paper shows it for 1000 members: under one-way flip-flop, memberlist goes to and fro
// and Rapid removes the faulty members, together and no others. But a faulty member alerts
// about those whom it observes, as they never answer it. Where a healthy one is observed by
// faulty ones on L rings, as in small groups with many faulty members, it is unstable for ever,
// and nobody is removed.
func TestRapidFlipFlop(t *testing.T) {
	for _, c := range []struct {
		n, faulty int
		removes   bool
	}{{30, 1, true}, {60, 3, true}, {30, 2, false}} {
		most := 0
		var faulty []int
		for p := range c.faulty {
			faulty = append(faulty, p)
		}
		table := detectors.RapidObservers(c.n, 10, nil)
		for s := c.faulty; s < c.n; s++ {
			rings := 0
			for _, o := range table[s*10 : s*10+10] {
				if int(o) < c.faulty {
					rings++
				}
			}
			most = max(most, rings)
		}
		if (most < 3) != c.removes {
			t.Fatalf("%+v: faulty members observe a healthy one on %d rings", c, most)
		}
		g := newRapidGroup(t, c.n, 1, nil)
		oneWay(g.group, c.faulty)
		g.run(at(120*second), nil)
		want, changes := fmt.Sprint(faulty), 1
		if !c.removes {
			want, changes = "[]", 0
		}
		for p := c.faulty; p < c.n; p++ {
			if g.gone(p) != want || g.changes[p] != changes || g.latest[p] > at(50*second) {
				t.Errorf("%+v: p%d removes %s, latest at %v", c, p, g.gone(p), g.latest[p])
			}
		}
	}
	g := newGroup(t, 30, 1, "memberlist", nil)
	oneWay(g, 1)
	back, mistakes := 0, 0
	g.verdict = func(p model.ProcessID, v model.Verdict) {
		switch {
		case p != 0 && v.Peer == 0 && !v.Suspected:
			back++
		case v.Peer != 0 && v.Suspected:
			mistakes++
		}
	}
	g.run(at(120*second), nil)
	t.Logf("memberlist: others took the faulty member back %d times; %d mistakes about others", back, mistakes)
	if back < 29 {
		t.Errorf("memberlist: the faulty member is taken back %d times", back)
	}
}

// Members that lose 80% of what they send, or of what is sent to them, from some time on are
// removed, and no others.
func TestRapidLoss(t *testing.T) {
	const n = 30
	for _, direction := range []string{"egress", "ingress"} {
		for seed := range uint64(3) {
			g := newRapidGroup(t, n, seed, nil)
			g.lose = func(m *model.Message) bool {
				end := m.From
				if direction == "ingress" {
					end = m.To
				}
				return end == 0 && g.now >= at(30*second) && g.random.IntN(5) > 0
			}
			g.run(at(200*second), nil)
			for p := 1; p < n; p++ {
				if g.gone(p) != "[0]" || g.changes[p] != 1 {
					t.Errorf("%s, seed %d: p%d removes %s", direction, seed, p, g.gone(p))
				}
			}
		}
	}
}

// A member that no vote reaches learns of the view from those whom it probes, and so does one
// that was removed and lives.
func TestRapidLateMember(t *testing.T) {
	g := newRapidGroup(t, 16, 1, nil)
	g.lose = func(m *model.Message) bool {
		return m.To == 5 && m.Kind == kindRapidVoted || m.To == 3 && g.now > at(10*second) && g.now < at(30*second)
	}
	g.run(at(60*second), nil)
	for p := range g.members {
		if want := "[3]"; p != 3 && g.gone(p) != want {
			t.Errorf("p%d removes %s, want %s", p, g.gone(p), want)
		}
	}
	if gone := detectors.RapidGone(g.members[3].automaton); !slices.Equal(gone, []model.ProcessID{3}) {
		t.Errorf("p3 sees a view without %v", gone)
	}
}

// Two members that cannot reach each other are no reason to remove one: two alerts at most are
// noise.
func TestRapidBlackhole(t *testing.T) {
	g := newRapidGroup(t, 30, 1, nil)
	g.lose = func(m *model.Message) bool { return m.From+m.To == 1 }
	g.run(at(100*second), nil)
	for p := range g.members {
		if g.changes[p] > 0 {
			t.Errorf("p%d removes %s", p, g.gone(p))
		}
	}
}
