package explore_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"suspect/model"
	"suspect/properties"
	"suspect/properties/explore"
)

// everything is every property, so that reports have much to say.
func everything(processes int) []explore.Property {
	return []explore.Property{
		explore.StrongAccuracy(),
		explore.EventualStrongAccuracy(explore.EventuallyStable),
		explore.EventualStrongAccuracy(0),
		explore.EventualWeakAccuracy(explore.EveryoneSteps, processes),
		explore.StrongCompleteness(explore.EveryoneSteps),
		explore.WeakCompleteness(0, processes),
	}
}

// The report, counterexamples included, is the same for every number of workers.
func TestWorkersAgree(t *testing.T) {
	for _, row := range []row{rows[1], {2, 1, 1, 2, 1, 2, 2, 1, 0, 0}, {3, 1, 1, 1, 1, 1, 2, 0, 0, 0}} {
		_, one := search(t, row.adaptive(), explore.Options{Workers: 1}, everything(row.n)...)
		for workers := 2; workers <= 3; workers++ {
			_, many := search(t, row.adaptive(), explore.Options{Workers: workers}, everything(row.n)...)
			if d := cmp.Diff(one, many); d != "" {
				t.Errorf("%v with %d workers:\n%s", row, workers, d)
			}
		}
	}
}

// A search that is stopped, saved and loaded again and again finds what one does that is
// not, with any number of workers: the same states in the same order, on which the runs
// depend that it shows.
func TestCheckpoint(t *testing.T) {
	for _, symmetry := range []bool{false, true} {
		ticks := rows[1].adaptive()
		props := everything(2)
		if ticks.Symmetry = symmetry; symmetry {
			props = []explore.Property{explore.StrongAccuracy(), explore.EventualStrongAccuracy(0)}
		}
		whole, want := search(t, ticks, explore.Options{Workers: 1}, props...)
		var saved bytes.Buffer
		resumed := 0
		for n := int64(1); ; n += 4000 {
			sys, err := ticks.NewSystem()
			if err != nil {
				t.Fatal(err)
			}
			s, err := explore.NewSearch(sys, explore.Options{Workers: 1 + resumed%2, MaxStates: n}, props...)
			if err != nil {
				t.Fatal(err)
			}
			if saved.Len() > 0 {
				if err := s.Load(saved.Bytes(), "row"); err != nil {
					t.Fatal(err)
				}
				resumed++
			}
			got, err := s.Run()
			if err != nil {
				t.Fatal(err)
			}
			if got.Complete {
				if d := cmp.Diff(want, got, cmpopts.IgnoreFields(explore.Report{}, "Bytes")); d != "" {
					t.Errorf("after %d resumptions:\n%s", resumed, d)
				}
				if !slices.Equal(explore.InOrder(s), explore.InOrder(whole)) {
					t.Errorf("after %d resumptions the states were found in another order, or from others", resumed)
				}
				break
			}
			if got.Outcome() != properties.Inconclusive && got.Outcome() != properties.Violated {
				t.Errorf("an incomplete search is %v", got.Outcome())
			}
			saved.Reset()
			if err := s.Save(&saved, "row"); err != nil {
				t.Fatal(err)
			}
		}
		if resumed < 2 {
			t.Errorf("resumed %d times", resumed)
		}
	}
}

func TestCheckpointRefusals(t *testing.T) {
	s, _ := search(t, rows[1].adaptive(), explore.Options{Workers: 1, MaxStates: 1000}, explore.StrongAccuracy())
	var saved bytes.Buffer
	if err := s.Save(&saved, "one"); err != nil {
		t.Fatal(err)
	}
	fresh := func(props ...explore.Property) *explore.Search {
		sys, err := rows[1].adaptive().NewSystem()
		if err != nil {
			t.Fatal(err)
		}
		s, err := explore.NewSearch(sys, explore.Options{Workers: 1}, props...)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, c := range []struct {
		name  string
		b     []byte
		label string
		props []explore.Property
		want  string
	}{
		{"other label", saved.Bytes(), "two", []explore.Property{explore.StrongAccuracy()}, `that of "one", not of "two"`},
		{"no properties", saved.Bytes(), "one", nil, "1 properties, not 0"},
		{"other property", saved.Bytes(), "one", []explore.Property{explore.StrongCompleteness(0)}, "strong-accuracy"},
		{"cut", saved.Bytes()[:saved.Len()/2], "one", []explore.Property{explore.StrongAccuracy()}, "damaged"},
		{"another file", []byte("states: 17\n and more of the same sort"), "one", nil, "not the checkpoint"},
	} {
		if err := fresh(c.props...).Load(c.b, c.label); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	flipped := bytes.Clone(saved.Bytes())
	flipped[len(flipped)/2] ^= 4
	if err := fresh(explore.StrongAccuracy()).Load(flipped, "one"); err == nil {
		t.Error("a flipped bit goes unnoticed")
	}
}

// A bound that is reached makes everything inconclusive that was not violated before,
// and never holds.
func TestBounds(t *testing.T) {
	asked := 0
	for _, c := range []struct {
		name string
		opt  explore.Options
		want string
	}{
		{"states", explore.Options{MaxStates: 5000}, "5000 states"},
		{"depth", explore.Options{MaxDepth: 7}, "7 steps"},
		{"bytes", explore.Options{MaxBytes: 1 << 18}, "262144 bytes"},
		{"stop", explore.Options{Stop: func() bool { asked++; return asked > 3 }}, "stopped"},
	} {
		c.opt.Workers = 1
		_, r := search(t, rows[1].adaptive(), c.opt, explore.StrongCompleteness(0), explore.EventualStrongAccuracy(0), explore.Always("true", func(*explore.View) bool { return true }))
		if r.Complete || !strings.Contains(r.Reason, c.want) {
			t.Errorf("%s: %v", c.name, r)
		}
		for _, f := range r.Findings {
			if f.Outcome != properties.Inconclusive || !strings.Contains(f.Reason, c.want) {
				t.Errorf("%s: %+v", c.name, f)
			}
		}
		if r.Outcome() != properties.Inconclusive {
			t.Errorf("%s: %v", c.name, r.Outcome())
		}
		if c.opt.MaxDepth > 0 && r.Depth != 7 {
			t.Errorf("depth %d", r.Depth)
		}
	}
	_, r := search(t, rows[1].adaptive(), explore.Options{Workers: 1, MaxStates: 10})
	if r.Outcome() != properties.Inconclusive {
		t.Errorf("an incomplete search for nothing is %v", r.Outcome())
	}
}

// The steps of a counterexample, given to fresh automata, lead to the same verdicts.
func TestCounterexampleIsARun(t *testing.T) {
	row := rows[1]
	for _, symmetry := range []bool{false, true} {
		ticks := row.adaptive()
		ticks.Symmetry = symmetry
		_, r := search(t, ticks, explore.Options{Workers: 1}, explore.StrongAccuracy())
		if r.Complete || r.States >= row.states/2 {
			t.Errorf("the search goes on when its only property is violated: %v", r)
		}
		c := r.Findings[0].Counterexample
		suspects := map[[2]model.ProcessID]bool{}
		clock := make([]model.Time, row.n)
		automata := make([]model.Automaton, row.n)
		var out model.Output
		for p := range automata {
			a, err := ticks.New(model.ProcessID(p))
			if err != nil {
				t.Fatal(err)
			}
			automata[p] = a
			clock[p] = model.Time(explore.Steps(row.period-1)) + model.Time(model.Millisecond)
			out.Reset()
			a.Step(clock[p], &model.Input{Kind: model.Start}, &out)
		}
		up := []bool{true, true}
		onTheWay := map[[2]model.ProcessID]int{}
		for _, s := range c.Prefix {
			for _, m := range s.Moves {
				in := model.Input{Kind: model.Wake}
				switch m.Kind {
				case explore.Crash:
					up[m.Process] = false
					continue
				case explore.Deliver:
					in = model.Input{Kind: model.Deliver, Message: m.Message}
					if onTheWay[[2]model.ProcessID{m.Message.From, m.Process}]--; onTheWay[[2]model.ProcessID{m.Message.From, m.Process}] < -1 {
						t.Errorf("a message from p%d arrives that was not sent", m.Message.From)
					}
				case explore.Run:
				default:
					continue
				}
				if m.At < clock[m.Process] {
					t.Errorf("the clock of p%d goes back from %v to %v", m.Process, clock[m.Process], m.At)
				}
				clock[m.Process] = m.At
				out.Reset()
				automata[m.Process].Step(m.At, &in, &out)
				for _, sent := range out.Send {
					onTheWay[[2]model.ProcessID{sent.From, sent.To}]++
				}
				if d := cmp.Diff(m.Verdicts, out.Verdicts, cmpopts.EquateEmpty()); d != "" {
					t.Errorf("at %v p%d:\n%s", m.At, m.Process, d)
				}
				for _, v := range out.Verdicts {
					suspects[[2]model.ProcessID{m.Process, v.Peer}] = v.Suspected
				}
			}
		}
		mistake := false
		for pair, suspected := range suspects {
			mistake = mistake || suspected && up[pair[0]] && up[pair[1]]
		}
		if !mistake {
			t.Errorf("symmetry %v: no mistake at the end of the counterexample", symmetry)
		}
	}
}

func TestTicksRefusals(t *testing.T) {
	good := rows[0].adaptive()
	for _, c := range []struct {
		change func(c *explore.Ticks)
		want   string
	}{
		{func(c *explore.Ticks) { c.N = 0 }, "0 processes"},
		{func(c *explore.Ticks) { c.N = 17 }, "17 processes"},
		{func(c *explore.Ticks) { c.N, c.Symmetry = 6, true }, "symmetry over 6"},
		{func(c *explore.Ticks) { c.Crashes = 3 }, "3 crashes of 2"},
		{func(c *explore.Ticks) { c.Delta = 0 }, "Delta is 0"},
		{func(c *explore.Ticks) { c.Phi = 0 }, "Phi is 0"},
		{func(c *explore.Ticks) { c.FirstStep = 0 }, "first step"},
		{func(c *explore.Ticks) { c.New = nil }, "New is missing"},
	} {
		ticks := good
		c.change(&ticks)
		if _, err := ticks.NewSystem(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	sys, err := good.NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := explore.NewSearch(sys, explore.Options{}); err == nil {
		t.Error("no workers, and no error")
	}
}
