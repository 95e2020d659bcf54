package detectors

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"suspect/model"
)

func membersForTest(rules precedence) *members {
	m := newMembers(Env{Self: 0, N: 4, Watch: []model.ProcessID{1, 2}})
	m.rules, m.copies, m.perUpdate, m.reported = rules, 5, 10, memberFailed
	m.timeouts = suspicionTimeouts(model.Second, 6*model.Second, 2, model.Millisecond)
	return &m
}

// What news overrides what, for all pairs of standings and incarnations 1 to 3, against
// the rules as the papers list them.
func TestPrecedence(t *testing.T) {
	overrides := map[precedence]func(new memberUpdate, old *member) bool{
		// SWIM, section 4.2: alive overrides alive and suspect of lower incarnations,
		// suspect overrides suspect of lower ones and alive of lower ones and the same, and
		// confirm overrides everything.
		confirmIsFinal: func(new memberUpdate, old *member) bool {
			switch {
			case old.standing == memberFailed:
				return false
			case new.Standing == memberAlive:
				return new.Incarnation > old.incarnation
			case new.Standing == memberSuspect && old.standing == memberSuspect:
				return new.Incarnation > old.incarnation
			case new.Standing == memberSuspect:
				return new.Incarnation >= old.incarnation
			}
			return true
		},
		// memberlist: lower incarnations count for nothing, alive needs a higher one, and a
		// suspicion or death that holds stays as it is.
		incarnationRules: func(new memberUpdate, old *member) bool {
			switch new.Standing {
			case memberAlive:
				return new.Incarnation > old.incarnation
			case memberSuspect:
				return new.Incarnation >= old.incarnation && old.standing == memberAlive
			}
			return new.Incarnation >= old.incarnation && old.standing != memberFailed
		},
	}
	for rules, want := range overrides {
		for old := memberAlive; old <= memberFailed; old++ {
			for new := memberAlive; new <= memberFailed; new++ {
				for incarnation := int64(1); incarnation <= 3; incarnation++ {
					m := membersForTest(rules)
					var out model.Output
					p := &m.list[1]
					p.incarnation = 1
					m.learn(memberUpdate{1, old, 2, 3}, 10, &out)
					if p.standing != old || p.incarnation != 2 {
						t.Fatal("not prepared")
					}
					before := *p
					out.Reset()
					p.left = 0
					u := memberUpdate{1, new, incarnation, 3}
					m.learn(u, 20, &out)
					got := p.left > 0 // news that overrides is spread, other is not
					name := fmt.Sprintf("rules %d: %v after %v", rules, memberNews{u}, memberNews{{1, old, 2, 3}})
					if got != want(u, &before) {
						t.Errorf("%s: taken over: %v", name, got)
					}
					if got && (p.standing != new || p.since != 20) || !got && (p.standing != old || p.incarnation != 2 || p.since != before.since) {
						t.Errorf("%s: %+v", name, *p)
					}
					if suspects := slices.Contains(m.suspects, 1); suspects != (p.standing == memberSuspect) {
						t.Errorf("%s: among the suspects: %v", name, suspects)
					}
					wantVerdicts := 0
					if (old == memberFailed) != (p.standing == memberFailed) {
						wantVerdicts = 1
					}
					if len(out.Verdicts) != wantVerdicts {
						t.Errorf("%s: verdicts %v", name, out.Verdicts)
					}
				}
			}
		}
	}
}

// Who is suspected refutes by a new incarnation, and so does who has failed where that is
// not final; old accusations and praise change nothing.
func TestRefutation(t *testing.T) {
	for _, c := range []struct {
		rules       precedence
		standing    standing
		incarnation int64
		want        int64 // incarnation, which was 5
		refutes     bool
	}{
		{confirmIsFinal, memberSuspect, 4, 5, false},
		{confirmIsFinal, memberSuspect, 5, 6, true},
		{confirmIsFinal, memberSuspect, 8, 9, true},
		{confirmIsFinal, memberFailed, 8, 5, false},
		{confirmIsFinal, memberAlive, 8, 8, false},
		{incarnationRules, memberFailed, 4, 5, false},
		{incarnationRules, memberFailed, 5, 6, true},
		{incarnationRules, memberSuspect, 7, 8, true},
	} {
		m := membersForTest(c.rules)
		m.list[0].incarnation = 5
		var out model.Output
		refuted := m.learn(memberUpdate{0, c.standing, c.incarnation, 1}, 0, &out)
		if self := m.list[0]; refuted != c.refutes || self.incarnation != c.want || self.standing != memberAlive || (self.left > 0) != c.refutes || len(out.Verdicts) > 0 {
			t.Errorf("%+v: refuted %v, self %+v", c, refuted, self)
		}
	}
}

// A suspicion ends the earlier, the more other members confirm it, each once; what counts
// is when it began.
func TestConfirmations(t *testing.T) {
	m := membersForTest(confirmIsFinal)
	var out model.Output
	begin := model.Time(10 * model.Second)
	for _, c := range []struct {
		accuser model.ProcessID
		want    model.Duration // of the suspicion
		spread  bool
	}{
		{3, 6 * model.Second, true},
		{3, 6 * model.Second, false},
		{2, 2845 * model.Millisecond, true}, // 6 - 5 ln(2)/ln(3) = 2.8453...
		{3, 2845 * model.Millisecond, false},
		{0, model.Second, true},
	} {
		m.list[1].left = 0
		m.learn(memberUpdate{1, memberSuspect, 0, c.accuser}, begin+model.Time(m.list[1].left), &out)
		if got := m.expiry(1).Sub(begin); got != c.want || (m.list[1].left > 0) != c.spread {
			t.Errorf("after %d: lasts %v, want %v; spread: %v", c.accuser, got, c.want, m.list[1].left > 0)
		}
		if c.spread && m.about(1).Accuser != c.accuser {
			t.Errorf("after %d: spreads %v", c.accuser, memberNews{m.about(1)})
		}
	}
	m.expire(begin.Add(model.Second-1), &out)
	if len(out.Verdicts) != 0 || m.nextExpiry() != begin.Add(model.Second) {
		t.Errorf("verdicts %v before its time, next %v", out.Verdicts, m.nextExpiry())
	}
	m.expire(begin.Add(model.Second), &out)
	if want := []model.Verdict{{Peer: 1, Suspected: true}}; !slices.Equal(out.Verdicts, want) || m.nextExpiry() != model.Never {
		t.Errorf("verdicts %v, next %v", out.Verdicts, m.nextExpiry())
	}
}

// News goes out as often as it should, the least sent first, so many to a message.
func TestSpreading(t *testing.T) {
	m := membersForTest(confirmIsFinal)
	m.copies, m.perUpdate = 2, 2
	var out model.Output
	m.learn(memberUpdate{1, memberSuspect, 0, 3}, 0, &out)
	m.learn(memberUpdate{2, memberSuspect, 0, 3}, 0, &out)
	m.learn(memberUpdate{3, memberFailed, 0, 0}, 0, &out)
	var got []string
	for range 4 {
		got = append(got, m.take().String())
	}
	want := []string{
		"p1 is suspected by p3 (0), p2 is suspected by p3 (0)",
		"p3 has failed (0), p1 is suspected by p3 (0)",
		"p2 is suspected by p3 (0), p3 has failed (0)",
		"",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got, want := (memberNews{{}, {}}).bytes(), int32(8+2*13); got != want {
		t.Errorf("two updates take %d bytes, want %d", got, want)
	}
}

// The arithmetic of memberlist: timers of a group of 100 by confirmations, as computed for
// the reference; and its logarithms at their steps.
func TestMemberlistArithmetic(t *testing.T) {
	s, _ := Lookup("memberlist")
	p, errs := model.NewParams(s.Params, nil)
	if errs != nil {
		t.Fatal(errs)
	}
	for _, c := range []struct {
		n    int
		want []model.Duration
	}{
		{100, []model.Duration{48 * model.Second, 22762 * model.Millisecond, 8 * model.Second}},
		{10_000, []model.Duration{96 * model.Second, 45525 * model.Millisecond, 16 * model.Second}}, // the longest: 96 s, not 120
		{4, []model.Duration{24 * model.Second, 11381 * model.Millisecond, 4 * model.Second}},
		{3, []model.Duration{4 * model.Second}}, // nobody to confirm twice
		{30, []model.Duration{6 * 5908 * model.Millisecond, 16810 * model.Millisecond, 5908 * model.Millisecond}},
	} {
		got, err := memberlistTimeouts(model.Second, p, c.n)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("n=%d: suspicions last %v, want %v (%v)", c.n, got, c.want, err)
		}
	}
	for n, want := range map[int]model.Duration{1: 1000, 9: 1000, 10: 1000, 11: 1041, 99: 1995, 100: 2000, 101: 2004, 1000: 3000, 1_000_000: 6000} {
		if got := thousandthsOfLog10(n); got != want {
			t.Errorf("1000 log10(%d) rounds down to %d, want %d", n, got, want)
		}
	}
	for n, want := range map[int]int{1: 0, 2: 1, 10: 1, 11: 2, 100: 2, 101: 3} {
		if got := decimalCeil(n); got != want {
			t.Errorf("log10(%d) rounds up to %d, want %d", n, got, want)
		}
	}
	for n, want := range map[int]int{1: 0, 2: 1, 3: 2, 7: 2, 8: 3, 20: 3, 21: 4, 1001: 7} {
		if got := naturalCeil(n); got != want || n > 1 && got != int(math.Ceil(math.Log(float64(n)))) {
			t.Errorf("ln(%d) rounds up to %d, want %d", n, got, want)
		}
	}
	for n, want := range map[int]model.Duration{1: 1, 32: 1, 33: 2, 64: 2, 65: 3, 128: 3} {
		if got := pushPullScale(n); got != want {
			t.Errorf("exchanges in a group of %d are %d times as rare, want %d", n, got, want)
		}
	}
}

// The ping to a suspect names who pings as its accuser, though it heard of the suspicion
// from another and has no news of it left.
func TestBuddy(t *testing.T) {
	s, _ := Lookup("swim")
	for _, buddy := range []string{"true", "false"} {
		p, errs := model.NewParams(s.Params, map[string]string{"buddy": buddy, "stagger": "false", "lambda": "0", "suspicion": "1min"})
		if errs != nil {
			t.Fatal(errs)
		}
		d, err := s.New(Env{Self: 2, N: 3}, p)
		if err != nil {
			t.Fatal(err)
		}
		var out model.Output
		heard := model.Message{From: 1, To: 2, Kind: swimAck, Seq: 99, Body: memberNews{{0, memberSuspect, 4, 1}}}
		d.Step(0, &model.Input{Kind: model.Start, Random: highest{}}, &out) // pings process 1
		d.Step(1, &model.Input{Kind: model.Deliver, Message: heard, Random: highest{}}, &out)
		out.Reset()
		d.Step(model.Time(model.Second), &model.Input{Kind: model.Wake, Random: highest{}}, &out)
		body, _ := out.Send[0].Body.(memberNews)
		want, bytes := "p0 is suspected by p2 (4)", int32(8+13)
		if buddy == "false" {
			want, bytes = "", 8
		}
		if out.Send[0].Kind != swimPing || out.Send[0].To != 0 || body.String() != want || out.Send[0].Bytes != bytes {
			t.Errorf("buddy %s: sends %+v, want news %q", buddy, out.Send[0], want)
		}
	}
}

// highest chooses the last of everything.
type highest struct{}

func (highest) IntN(n int) int { return n - 1 }

// Who gets the list of another answers with its own, as it was before, and suspects those
// whom the other holds dead, on its own account; it does not take over that they are.
func TestExchangeOfLists(t *testing.T) {
	s, _ := Lookup("memberlist")
	p, errs := model.NewParams(s.Params, map[string]string{"report": "suspect"})
	if errs != nil {
		t.Fatal(errs)
	}
	a, err := s.New(Env{Self: 2, N: 4, Watch: []model.ProcessID{0, 1, 3}}, p)
	if err != nil {
		t.Fatal(err)
	}
	var out model.Output
	push := model.Message{From: 1, To: 2, Kind: swimPush, Body: memberNews{
		{0, memberFailed, 0, 0}, {1, memberAlive, 3, 0}, {2, memberSuspect, 5, 0}, {3, memberSuspect, 2, 0},
	}}
	a.Step(0, &model.Input{Kind: model.Start, Random: highest{}}, &out)
	a.Step(1, &model.Input{Kind: model.Deliver, Message: push, Random: highest{}}, &out)
	if len(out.Send) != 1 || out.Send[0].Kind != swimPull || out.Send[0].To != 1 ||
		out.Send[0].Body.(memberNews).String() != "p0 is alive (0), p1 is alive (0), p2 is alive (0), p3 is alive (0)" {
		t.Errorf("answers %v", out.Send)
	}
	if want := []model.Verdict{{Peer: 0, Suspected: true}, {Peer: 3, Suspected: true}}; !slices.Equal(out.Verdicts, want) {
		t.Errorf("verdicts %v", out.Verdicts)
	}
	list := a.(*swim).members.list
	if got, want := (&a.(*swim).members).take().String(),
		"p2 is alive (6), p3 is suspected by p2 (2), p0 is suspected by p2 (0), p1 is alive (3)"; got != want || list[0].standing != memberSuspect {
		t.Errorf("spreads %q, want %q", got, want)
	}
}
