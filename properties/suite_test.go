package properties_test

import (
	"cmp"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"suspect/model"
	"suspect/properties"
)

// beat is a detector of heartbeats with a timeout for each peer, and the mistakes that one
// can make in writing it.
type beat struct {
	self          model.ProcessID
	period, limit model.Duration
	grows         model.Duration // what a mistake adds to the limit of the peer
	bug           string

	started bool
	next    model.Time
	heard   []model.Time
	limits  []model.Duration
	suspect []bool
}

func newBeat(period, limit, grows model.Duration, bug string) properties.Factory {
	return func(self model.ProcessID, n int) model.Automaton {
		b := &beat{self: self, period: period, limit: limit, grows: grows, bug: bug,
			heard: make([]model.Time, n), limits: make([]model.Duration, n), suspect: make([]bool, n)}
		for q := range b.limits {
			b.limits[q] = limit
		}
		return b
	}
}

func (b *beat) Step(now model.Time, in *model.Input, out *model.Output) {
	if !b.started {
		b.started, b.next = true, now
		for q := range b.heard {
			b.heard[q] = now
		}
	}
	if b.bug == "panics" && in.Kind == model.Deliver && in.Message.From == 1 {
		panic("no more")
	}
	if now >= b.next || b.bug == "acts early" && in.Kind == model.Wake {
		for q := range model.ProcessID(len(b.heard)) {
			if q != b.self {
				out.Send = append(out.Send, model.Message{From: b.self, To: q})
			}
		}
		b.next = now.Add(b.period)
	}
	out.Wake = b.next
	for q := range model.ProcessID(len(b.heard)) {
		if q == b.self {
			continue
		}
		if !b.suspect[q] && now.Sub(b.heard[q]) >= b.limits[q] && b.bug != "never suspects" {
			b.suspect[q] = true
			out.Verdicts = append(out.Verdicts, model.Verdict{Peer: q, Suspected: true})
		}
		if in.Kind == model.Deliver && in.Message.From == q {
			b.heard[q] = now
			if b.suspect[q] && b.bug != "never trusts again" {
				b.suspect[q] = false
				b.limits[q] += b.grows
				out.Verdicts = append(out.Verdicts, model.Verdict{Peer: q})
			}
		}
		if !b.suspect[q] && b.bug != "never suspects" {
			out.Wake = min(out.Wake, max(b.heard[q].Add(b.limits[q]), now+1))
		}
	}
}

func (b *beat) Clone() model.Automaton {
	c := *b
	c.heard, c.limits = slices.Clone(b.heard), slices.Clone(b.limits)
	if b.bug != "shares its state" {
		c.suspect = slices.Clone(b.suspect)
	}
	return &c
}

func (b *beat) AppendState(to []byte, now model.Time) []byte {
	if !b.started {
		return append(to, 0)
	}
	to = binary.AppendVarint(append(to, 1), int64(b.next-now))
	for q := range b.heard {
		to = binary.AppendVarint(to, int64(now-b.heard[q]))
		to = binary.AppendVarint(to, int64(b.limits[q]))
		if b.bug != "forgets suspicions" && b.suspect[q] {
			to = append(to, 1)
		} else {
			to = append(to, 0)
		}
	}
	return to
}

func (b *beat) LoadState(from []byte, now model.Time) ([]byte, error) {
	if len(from) == 0 {
		return nil, errors.New("nothing")
	}
	b.started, from = from[0] == 1, from[1:]
	if !b.started {
		return from, nil
	}
	read := func() int64 {
		x, n := binary.Varint(from)
		from = from[n:]
		return x
	}
	b.next = now + model.Time(read())
	for q := range b.heard {
		b.heard[q] = now - model.Time(read())
		b.limits[q] = model.Duration(read())
		b.suspect[q], from = from[0] == 1, from[1:]
	}
	return from, nil
}

const second = model.Second

// perfect is what a beat of 1 s and a limit of 3 s promises: a heartbeat is at most 2 s late.
var perfect = properties.Claim{Class: model.P, Conditions: model.Conditions{
	Delay: 2*second - 1, Crashes: -1, Within: 5 * second,
}}

// eventually is what one promises whose limits grow.
var eventually = properties.Claim{Class: model.EventuallyP, Conditions: model.Conditions{
	Delay: 4 * second, Crashes: -1, Starts: second, Eventually: true, Within: 40 * second, Mistakes: 40,
}}

// TestDetector: the suite on a detector that keeps its promises, as a user would call it.
func TestDetector(t *testing.T) {
	t.Run("perfect", func(t *testing.T) { properties.Test(t, newBeat(second, 3*second, 0, ""), perfect) })
	t.Run("eventually", func(t *testing.T) { properties.Test(t, newBeat(second, 2*second, second, ""), eventually) })
}

// TestSuiteFinds: each mistake is found, in a plan without anything that has to do with it.
func TestSuiteFinds(t *testing.T) {
	settled := eventually
	settled.Mistakes, settled.Settle = 0, 10*second
	tests := []struct {
		name    string
		factory properties.Factory
		claim   properties.Claim
		subject string
		reason  string
		fits    func(p *properties.Plan) bool // what is left of the plan
	}{
		{"never suspects", newBeat(second, 3*second, 0, "never suspects"), perfect, properties.Complete, "did not suspect",
			func(p *properties.Plan) bool { return p.Processes == 2 && len(p.Crashes) == 1 && p.Crashes[0].At == 0 }},
		{"never suspects", newBeat(second, 3*second, 0, "never suspects"), perfect, properties.Outside, "trust each other", nil},
		{"limit too short", newBeat(second, 3*second-1, 0, ""), perfect, properties.Accurate, "mistake",
			func(p *properties.Plan) bool { return p.Processes == 2 && len(p.Crashes) == 0 }},
		{"limit does not grow", newBeat(second, 2*second, 0, ""), eventually, properties.Accurate, "mistake",
			func(p *properties.Plan) bool { return p.Processes == 2 && len(p.Crashes)+len(p.Pauses) == 0 }},
		{"never trusts again", newBeat(second, 2*second, second, "never trusts again"), settled, properties.Accurate, "suspected",
			func(p *properties.Plan) bool { return p.Processes == 2 }},
		{"forgets suspicions", newBeat(second, 3*second, 0, "forgets suspicions"), perfect, properties.Copies, "loads an encoded state",
			func(p *properties.Plan) bool { return p.Processes == 2 && len(p.Crashes) == 1 }},
		{"never trusts again", newBeat(second, 2*second, second, "never trusts again"), eventually, properties.Accurate, "a mistake that lasts for longer than 40s",
			func(p *properties.Plan) bool { return p.Processes == 2 }},
		{"acts early", newBeat(second, 3*second, 0, "acts early"), perfect, properties.Copies, "does not let it pass: it sends 1 messages",
			func(p *properties.Plan) bool { return p.Processes == 2 && len(p.Crashes) == 0 }},
		{"shares its state", newBeat(second, 3*second, 0, "shares its state"), perfect, properties.Copies, "a clone does not go on as",
			func(p *properties.Plan) bool { return p.Processes == 2 && len(p.Crashes) == 1 }},
		{"panics", newBeat(second, 3*second, 0, "panics"), perfect, properties.Accurate, "panics: ",
			func(p *properties.Plan) bool { return p.Processes == 2 && len(p.Crashes) == 0 }},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.name, " ", "-")+"/"+tt.subject, func(t *testing.T) {
			s := &properties.Suite{New: tt.factory, Claim: tt.claim, Seed: 1}
			found := s.Examine(tt.subject)
			if found.Outcome != properties.Violated || !strings.Contains(found.Reason, tt.reason) {
				t.Fatalf("%v: %s", found.Outcome, found.Reason)
			}
			if tt.fits != nil && !tt.fits(found.Plan) {
				t.Errorf("after %d steps of shrinking the plan is\n%v", found.Shrunk, found.Plan)
			}
			if tt.subject == properties.Outside {
				return
			}
			file := filepath.Join(t.TempDir(), "a", "b.json")
			if err := (&properties.Counterexample{Subject: tt.subject, Reason: found.Reason, Plan: found.Plan}).Save(file); err != nil {
				t.Fatal(err)
			}
			c, err := properties.ReadCounterexample(file)
			if err != nil {
				t.Fatal(err)
			}
			if again := s.Rerun(c.Subject, c.Plan); again.Outcome != properties.Violated || again.Reason != found.Reason && tt.name != "panics" {
				t.Errorf("run again it is %v: %s, not: %s", again.Outcome, again.Reason, found.Reason)
			}
		})
	}
}

// TestVacuousSuite: a claim in whose plans nothing happens does not pass.
func TestVacuousSuite(t *testing.T) {
	claim := eventually
	claim.Eventually, claim.Recover = false, true
	s := &properties.Suite{New: newBeat(second, 20*second, second, ""), Claim: claim, Seed: 1, Runs: 1}
	if found := s.Examine(properties.Coverage); found.Outcome != properties.Violated || !strings.Contains(found.Reason, "never happened that a message arrived, nor that a process crashed") {
		t.Errorf("without any run: %v: %s", found.Outcome, found.Reason)
	}
}

func TestSuiteStops(t *testing.T) {
	runs := 0
	s := &properties.Suite{New: newBeat(second, 3*second, 0, ""), Claim: perfect, Stop: func() error {
		if runs++; runs > 3 {
			return errors.New("enough")
		}
		return nil
	}}
	if found := s.Examine(properties.Accurate); found.Outcome != properties.Inconclusive || found.Runs != 3 || found.Reason != "stopped: enough" {
		t.Errorf("%+v", found)
	}
}

// TestSuiteStopsWhileItShrinks: what was found before is not forgotten.
func TestSuiteStopsWhileItShrinks(t *testing.T) {
	asked := 0
	s := &properties.Suite{New: newBeat(second, 3*second, 0, "never suspects"), Claim: perfect, Seed: 1, Stop: func() error {
		if asked++; asked > 5 {
			return errors.New("enough")
		}
		return nil
	}}
	found := s.Examine(properties.Complete)
	if found.Outcome != properties.Violated || found.Plan == nil || found.Runs != 5 {
		t.Fatalf("%+v", found)
	}
	if again := s.Rerun(properties.Complete, found.Plan); again.Outcome != properties.Violated || again.Reason != found.Reason {
		t.Errorf("run again it is %+v, not: %s", again, found.Reason)
	}
}

// TestSmallerPlansStayWithinTheClaim: of two processes none may crash if fewer than half do.
func TestSmallerPlansStayWithinTheClaim(t *testing.T) {
	claim := perfect
	claim.Minority = true
	s := &properties.Suite{New: newBeat(second, 3*second, 0, "never suspects"), Claim: claim, Seed: 1}
	found := s.Examine(properties.Complete)
	if found.Outcome != properties.Violated || found.Plan.Processes != 3 || len(found.Plan.Crashes) != 1 {
		t.Errorf("%+v", found)
	}
}

// TestPlansOfAClaim: plans are within the claim, and follow from the seed.
func TestPlansOfAClaim(t *testing.T) {
	minority := eventually
	minority.Minority, minority.By = true, 3*second
	for _, claim := range []properties.Claim{perfect, eventually, minority, {Class: model.EventuallyS, Processes: 9, Conditions: model.Conditions{
		Delay: second, Loss: 0.3, Drift: 200, Pause: second, Crashes: 2, Recover: true, Starts: second, Eventually: true, Within: 5 * second, Settle: 9 * second,
	}}} {
		if err := claim.Check(); err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(500) {
			p := claim.Plan(seed)
			if err := p.Check(); err != nil {
				t.Fatal(err)
			}
			if string(p.JSON()) != string(claim.Plan(seed).JSON()) {
				t.Fatal("two plans of one seed differ")
			}
			for _, x := range p.Storms {
				if x.At+x.For+x.Delay > p.Settles {
					t.Fatalf("a storm goes on when the conditions hold: %v", p)
				}
			}
			for _, x := range p.Partitions {
				if x.At+x.For > p.Settles {
					t.Fatalf("a partition goes on when the conditions hold: %v", p)
				}
			}
			for q := range model.ProcessID(p.Processes) {
				if rest := longestRest(p, q); rest > claim.Pause {
					t.Fatalf("p%d takes no step for %v: %v", q, rest, p)
				}
			}
			if claim.Minority && 2*len(p.Crashes) >= p.Processes || claim.By > 0 && p.Settles > claim.By {
				t.Fatalf("too many crashes, or too late: %v", p)
			}
			if n := len(p.Crashes); claim.Crashes >= 0 && n > claim.Crashes || n >= p.Processes || p.Delay > claim.Delay || p.Loss > claim.Loss {
				t.Fatalf("not within the conditions: %v", p)
			}
		}
	}
}

// longestRest returns for how long a process takes no step from when the conditions hold on,
// where pauses that touch are one.
func longestRest(p *properties.Plan, q model.ProcessID) (longest model.Duration) {
	pauses := slices.DeleteFunc(slices.Clone(p.Pauses), func(x properties.Pause) bool { return x.Process != q })
	slices.SortFunc(pauses, func(a, b properties.Pause) int { return cmp.Compare(a.At, b.At) })
	from, to := p.Settles, p.Settles
	for _, x := range pauses {
		if x.At > to {
			from = x.At
		}
		to = max(to, x.At+x.For)
		longest = max(longest, to-from)
	}
	return longest
}

func TestMalformedClaims(t *testing.T) {
	for text, change := range map[string]func(*properties.Claim){
		"completeness (Within)":     func(c *properties.Claim) { c.Within = 0 },
		"Settle, or Mistakes":       func(c *properties.Claim) { c.Class = model.EventuallyS },
		"speaks of all times":       func(c *properties.Claim) { c.Eventually = true },
		"times must be between":     func(c *properties.Claim) { c.Pause = -1 },
		"no message is fast enough": func(c *properties.Claim) { c.Delay = -1 },
		"lost with probability":     func(c *properties.Claim) { c.Loss = 1 },
		"a drift of":                func(c *properties.Claim) { c.Drift = -4 },
		"processes: between 2 and ": func(c *properties.Claim) { c.Processes = 1 },
	} {
		c := perfect
		change(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("want %q, got: %v", text, err)
		}
	}
}

func TestMalformedCounterexamples(t *testing.T) {
	for text, want := range map[string]string{
		``:                      "not a counterexample: EOF",
		`{"subject": "copies"}`: "it has no plan",
		`{"subject": "outside", "plan": {"processes": 2}}`:                                                      "there is no such subject",
		`{"subject": "copies", "plan": {"processes": 2}, "extra": 1}`:                                           `unknown field "extra"`,
		`{"subject": "copies", "plan": {"processes": 65}}`:                                                      "65 processes: at least 1 and at most 64",
		`{"subject": "copies", "plan": {"processes": 2, "loss": 2}}`:                                            "loss: 2 is no probability",
		`{"subject": "copies", "plan": {"processes": 2, "crashes": [{"process": 7}]}}`:                          "there is no process 7",
		`{"subject": "copies", "plan": {"processes": 2, "drifts": [1, 1, 1]}}`:                                  "more starts or drifts than processes",
		`{"subject": "copies", "plan": {"processes": 2, "storms": [{"at": -1}]}}`:                               "storms: -1ps is not between",
		`{"subject": "copies", "plan": {"processes": 2, "crashes": [{"process": 0}, {"process": 0, "at": 5}]}}`: "process 0 crashes at 5ps while it is down",
	} {
		if _, err := properties.ParseCounterexample([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want %q, got: %v", text, want, err)
		}
	}
	if _, err := properties.ReadCounterexample("nowhere.json"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// FuzzCounterexample: what is read is written and read again alike, and runs.
func FuzzCounterexample(f *testing.F) {
	for seed := range uint64(4) {
		f.Add([]byte(`{"subject": "accuracy", "plan": ` + string(eventually.Plan(seed).JSON()) + "}"))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := properties.ParseCounterexample(text)
		if err != nil {
			return
		}
		again, err := properties.ParseCounterexample([]byte(`{"subject": "accuracy", "plan": ` + string(c.Plan.JSON()) + "}"))
		if err != nil || string(again.Plan.JSON()) != string(c.Plan.JSON()) {
			t.Fatalf("%v: %v", err, c.Plan)
		}
		c.Plan.Horizon = min(c.Plan.Horizon, 20*second)
		if c.Plan.Processes < 9 {
			c.Plan.Run(newBeat(second, 3*second, second, ""), nil)
		}
	})
}
