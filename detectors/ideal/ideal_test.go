package ideal_test

import (
	"strings"
	"testing"

	"suspect/detectors"
	"suspect/detectors/asynctest"
	"suspect/detectors/detectortest"
	"suspect/detectors/ideal"
	"suspect/model"
)

// history runs a system of nothing but oracles, one in each process.
func history(t *testing.T, s asynctest.System, module func(env detectors.Env) (model.Automaton, error)) *asynctest.Run {
	t.Helper()
	run, err := s.Run(module)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// plan draws a system and a plan for it, and returns when nothing is left to come of it.
func plan(seed uint64, longest int) (s asynctest.System, p ideal.Plan, last model.Time) {
	dice := asynctest.Dice(seed)
	n := 2 + dice.IntN(3)
	s = asynctest.Random(seed, n, dice.IntN(n), 200)
	s.Until = 600
	p = ideal.NewPlan(s.Crashes, model.Time(10+dice.IntN(longest)), model.Duration(1+dice.IntN(40)))
	last = p.Stable
	for _, at := range s.Crashes.CrashedAt {
		if at != model.Never {
			last = max(last, at)
		}
	}
	return s, p, last
}

// implies tells whether the accuracy a makes b hold (Chandra and Toueg 1996, section 2.4).
func implies(a, b model.Accuracy) bool {
	switch a {
	case model.StrongAccuracy:
		return true
	case model.WeakAccuracy, model.EventualStrongAccuracy:
		return b == a || b == model.EventualWeakAccuracy
	}
	return b == a
}

// Each oracle keeps its class, and what follows from that; and it keeps nothing else: every
// other property is broken in some run. So it is as bad as it may be.
func TestClasses(t *testing.T) {
	for _, class := range model.Classes() {
		t.Run(class.String(), func(t *testing.T) {
			t.Parallel()
			broken := map[string]int{}
			for seed := range uint64(300) {
				s, p, last := plan(seed, 200)
				run := history(t, s, func(env detectors.Env) (model.Automaton, error) { return ideal.New(class, env, p) })
				for c := model.StrongCompleteness; c <= model.WeakCompleteness; c++ {
					if err := run.Complete(c, last); err != nil {
						broken[c.String()]++
						if class.Completeness() <= c {
							t.Fatal(err)
						}
					}
				}
				for a := model.StrongAccuracy; a <= model.EventualWeakAccuracy; a++ {
					if err := run.Accurate(a, last); err != nil {
						broken[a.String()]++
						if implies(class.Accuracy(), a) {
							t.Fatal(err)
						}
					}
				}
				for _, r := range run.Records {
					switch crashed := r.Kind != model.Started && s.Crashes.Crashed(r.Peer, r.At); {
					case r.Kind == model.Trusted && crashed && r.At < p.Stable:
						broken["early trust in the crashed"]++
					case r.Kind == model.Suspected && r.At > p.Stable && !s.Crashes.Correct(r.Process) && s.Crashes.Correct(r.Peer):
						broken["lies of the faulty"]++
					}
				}
			}
			if broken["early trust in the crashed"] == 0 {
				t.Error("the crashed are never trusted again before the plan is stable")
			}
			if class.Accuracy() != model.StrongAccuracy && broken["lies of the faulty"] == 0 {
				t.Error("faulty processes do not lie to the end")
			}
			if class.Completeness() == model.WeakCompleteness && broken[model.StrongCompleteness.String()] == 0 {
				t.Error("it is always strongly complete")
			}
			for a := model.StrongAccuracy; a <= model.EventualWeakAccuracy; a++ {
				if !implies(class.Accuracy(), a) && broken[a.String()] == 0 {
					t.Errorf("it always has %v", a)
				}
			}
		})
	}
}

// The final leader is common and correct, and before there are others.
func TestOmega(t *testing.T) {
	t.Parallel()
	quarrels := 0
	for seed := range uint64(300) {
		s, p, _ := plan(seed, 200)
		run := history(t, s, func(env detectors.Env) (model.Automaton, error) { return ideal.NewOmega(env, p) })
		if err := run.Leads(p.Stable); err != nil {
			t.Fatal(err)
		}
		leaders := run.Leaders(p.Stable - 1)
		for _, l := range leaders {
			if l != leaders[0] && l != model.Nobody {
				quarrels++
			}
		}
	}
	if quarrels == 0 {
		t.Error("all have always had the same leader")
	}
}

// Quorums intersect for any number of crashes, and end up correct.
func TestSigma(t *testing.T) {
	t.Parallel()
	crashed := 0
	for seed := range uint64(300) {
		s, p, _ := plan(seed, 200)
		run := history(t, s, func(env detectors.Env) (model.Automaton, error) { return ideal.NewSigma(env, p) })
		if err := run.Quorums(p.Stable); err != nil {
			t.Fatal(err)
		}
		if run.Quorums(10) != nil {
			crashed++
		}
	}
	if crashed == 0 {
		t.Error("quorums never held a faulty process")
	}
}

// The trusting detector is strongly complete and eventually accurate, and never retracts the
// trust in a process that has not crashed. It is not perfect: it may suspect such a one from
// its start (Delporte-Gallet and others 2005: T lies strictly between P and <>P).
func TestTrusting(t *testing.T) {
	t.Parallel()
	imperfect, late := 0, 0
	for seed := range uint64(300) {
		s, p, last := plan(seed, 200)
		run := history(t, s, func(env detectors.Env) (model.Automaton, error) { return ideal.NewTrusting(env, p) })
		if err := run.Keeps(model.EventuallyP, last); err != nil {
			t.Fatal(err)
		}
		if run.Accurate(model.StrongAccuracy, 0) != nil {
			imperfect++
		}
		started := map[model.ProcessID]model.Time{}
		for _, r := range run.Records {
			switch {
			case r.Kind == model.Started:
				started[r.Process] = r.At
			case r.Kind == model.Suspected && r.At > started[r.Process] && !s.Crashes.Crashed(r.Peer, r.At):
				t.Fatalf("seed %d: %v", seed, &r)
			case r.Kind == model.Trusted && s.Crashes.Crashed(r.Peer, r.At):
				late++
			}
		}
	}
	if imperfect == 0 || late == 0 {
		t.Errorf("wrong suspicions in %d runs, trust in the crashed %d times", imperfect, late)
	}
}

// An eventually perfect detector need not be trusting: the one at its worst is not.
func TestEventuallyPerfectIsNotTrusting(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		s, p, _ := plan(seed, 200)
		run := history(t, s, func(env detectors.Env) (model.Automaton, error) { return ideal.New(model.EventuallyP, env, p) })
		for _, r := range run.Records {
			if r.Kind == model.Suspected && r.At > 50 && !s.Crashes.Crashed(r.Peer, r.At) {
				return
			}
		}
	}
	t.Error("trust was never retracted")
}

// realistic runs a detector in two failure patterns that are alike before a time, and tells
// whether its histories are too (Delporte-Gallet, Fauconnier, Guerraoui, "A realistic look at
// failure detectors", DSN 2002).
func realistic(t *testing.T, until model.Time, module func(crashes model.FailurePattern) func(env detectors.Env) (model.Automaton, error)) bool {
	var histories [2]string
	for k := range histories {
		s := asynctest.Random(1, 3, 0, 1)
		s.Until = until - 1
		if k == 1 {
			s.Crashes.CrashedAt[2] = until
		}
		run := history(t, s, module(s.Crashes))
		for _, r := range run.Records {
			histories[k] += r.String() + "\n"
		}
	}
	return histories[0] == histories[1]
}

// The Marabout sees the future, and a detector that knows messages alone does not.
func TestRealism(t *testing.T) {
	t.Parallel()
	timeout := func(model.FailurePattern) func(env detectors.Env) (model.Automaton, error) {
		return func(env detectors.Env) (model.Automaton, error) {
			spec, _ := detectors.Lookup("timeout")
			p, _ := model.NewParams(spec.Params, map[string]string{"eta": "20ps", "timeout": "40ps"})
			return spec.New(env, p)
		}
	}
	if !realistic(t, 300, timeout) {
		t.Error("timeout sees the future")
	}
	marabout := func(crashes model.FailurePattern) func(env detectors.Env) (model.Automaton, error) {
		return func(env detectors.Env) (model.Automaton, error) {
			return ideal.NewMarabout(env, ideal.NewPlan(crashes, 0, 10))
		}
	}
	if realistic(t, 300, marabout) {
		t.Error("the Marabout does not see the future")
	}
	for seed := range uint64(100) {
		s, p, _ := plan(seed, 200)
		run := history(t, s, func(env detectors.Env) (model.Automaton, error) { return ideal.NewMarabout(env, p) })
		if err := run.Keeps(model.S, 10); err != nil {
			t.Fatal(err)
		}
		if err := run.Keeps(model.EventuallyP, 10); err != nil {
			t.Fatal(err)
		}
	}
}

// Without a stable time the eventual clauses never hold: everybody is suspected again and again.
func TestArbitrary(t *testing.T) {
	t.Parallel()
	s := asynctest.Random(1, 3, 0, 1)
	s.Until = 2000
	run := history(t, s, func(env detectors.Env) (model.Automaton, error) { return ideal.NewArbitrary(env, 7) })
	if run.Accurate(model.EventualWeakAccuracy, 1500) == nil {
		t.Error("somebody is spared in the end")
	}
	run = history(t, s, func(env detectors.Env) (model.Automaton, error) { return ideal.NewArbitraryLeader(env, 7) })
	if run.Leads(1500) == nil {
		t.Error("there is a leader in the end")
	}
}

func TestConformance(t *testing.T) {
	still := func(n int) ideal.Plan {
		return ideal.NewPlan(model.NewFailurePattern(n), 0, 100*model.Millisecond)
	}
	cases := map[string]detectortest.New{
		"Omega":            func(env detectors.Env) (model.Automaton, error) { return ideal.NewOmega(env, still(env.N)) },
		"Sigma":            func(env detectors.Env) (model.Automaton, error) { return ideal.NewSigma(env, still(env.N)) },
		"T":                func(env detectors.Env) (model.Automaton, error) { return ideal.NewTrusting(env, still(env.N)) },
		"Marabout":         func(env detectors.Env) (model.Automaton, error) { return ideal.NewMarabout(env, still(env.N)) },
		"arbitrary":        func(env detectors.Env) (model.Automaton, error) { return ideal.NewArbitrary(env, model.Second) },
		"arbitrary leader": func(env detectors.Env) (model.Automaton, error) { return ideal.NewArbitraryLeader(env, model.Second) },
	}
	for _, class := range []model.Class{model.P, model.S, model.EventuallyS} {
		cases[class.String()] = func(env detectors.Env) (model.Automaton, error) { return ideal.New(class, env, still(env.N)) }
	}
	for _, name := range model.SortedKeys(cases) {
		t.Run(name, func(t *testing.T) { detectortest.Test(t, cases[name], model.Second) })
	}
}

// The state of an oracle that has still to settle loads, at the same distance from its plan's
// end alone.
func TestState(t *testing.T) {
	t.Parallel()
	crashes := model.NewFailurePattern(3)
	crashes.CrashedAt[1] = 50
	p := ideal.NewPlan(crashes, 100, 7)
	dice := asynctest.Dice(1)
	for _, class := range model.Classes() {
		step := func(a model.Automaton, at model.Time, dice asynctest.Dice) (out model.Output) {
			out.Reset()
			a.Step(at, &model.Input{Kind: model.Wake, Random: &dice}, &out)
			return out
		}
		a, err := ideal.New(class, asynctest.Everybody(0, 3), p)
		if err != nil {
			t.Fatal(err)
		}
		b := a.Clone()
		for at := model.Time(0); at < 150; at += 3 {
			text := a.AppendState(nil, at)
			if rest, err := b.LoadState(text, at); err != nil || len(rest) > 0 {
				t.Fatalf("%v at %v: %v", class, at, err)
			}
			if at < 100 {
				if _, err := b.Clone().LoadState(text, at+1); err == nil {
					t.Fatalf("%v: the state at %v loads at another time", class, at)
				}
			}
			seed := asynctest.Dice(dice.IntN(1 << 30))
			x, y := step(a, at, seed), step(b, at, seed)
			if len(x.Verdicts) != len(y.Verdicts) || x.Wake != y.Wake || string(a.AppendState(nil, at)) != string(b.AppendState(nil, at)) {
				t.Fatalf("%v at %v: %v and %v", class, at, x, y)
			}
		}
	}
}

func TestBadPlans(t *testing.T) {
	t.Parallel()
	env := asynctest.Everybody(0, 3)
	all := model.NewFailurePattern(3)
	good := func() ideal.Plan { return ideal.NewPlan(all, 10, 1) }
	dead := model.NewFailurePattern(3)
	for p := range dead.CrashedAt {
		dead.CrashedAt[p] = 5
	}
	for _, c := range []struct {
		want string
		plan func() ideal.Plan
	}{
		{"tells of 2 processes", func() ideal.Plan { return ideal.NewPlan(model.NewFailurePattern(2), 1, 1) }},
		{"positive time", func() ideal.Plan { return ideal.NewPlan(all, 1, 0) }},
		{"before the run", func() ideal.Plan { return ideal.NewPlan(all, -1, 1) }},
		{"chosen process is p-1", func() ideal.Plan { return ideal.NewPlan(dead, 1, 1) }},
		{"watcher is p7", func() ideal.Plan { p := good(); p.Watcher = 7; return p }},
	} {
		if _, err := ideal.New(model.S, env, c.plan()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
	if _, err := ideal.New(model.S, detectors.Env{Self: 4, N: 3}, good()); err == nil {
		t.Error("a process that is none has an oracle")
	}
}

// told is an oracle whose plan knows of no crash, and who is told of those of a pattern.
type told struct {
	model.Automaton
	crashes model.FailurePattern
	knows   detectors.Set
}

func (d *told) Step(now model.Time, in *model.Input, out *model.Output) {
	for p := range model.ProcessID(len(d.crashes.CrashedAt)) {
		if d.crashes.Crashed(p, now) && !d.knows.Has(p) {
			d.knows = d.knows.With(p)
			d.Automaton.Step(now, &model.Input{Kind: model.Inform, Random: in.Random, Evidence: &model.Evidence{
				Kind: model.Liveness, From: p, About: p, Layer: model.ProcessLayer}}, out)
		}
	}
	d.Automaton.Step(now, in, out)
	for _, at := range d.crashes.CrashedAt {
		if at > now {
			out.Wake = min(out.Wake, at)
		}
	}
}

// Evidence of crashes does for a plan that tells of them.
func TestTold(t *testing.T) {
	t.Parallel()
	for _, class := range model.Classes() {
		for seed := range uint64(100) {
			s, p, last := plan(seed, 200)
			ignorant := p
			ignorant.Crashes = model.NewFailurePattern(s.N)
			run := history(t, s, func(env detectors.Env) (model.Automaton, error) {
				a, err := ideal.New(class, env, ignorant)
				return &told{Automaton: a, crashes: s.Crashes}, err
			})
			if err := run.Keeps(class, last); err != nil {
				t.Fatal(err)
			}
		}
	}
	for seed := range uint64(100) {
		s, p, last := plan(seed, 200)
		ignorant := p
		ignorant.Crashes = model.NewFailurePattern(s.N)
		run := history(t, s, func(env detectors.Env) (model.Automaton, error) {
			a, err := ideal.NewSigma(env, ignorant)
			return &told{Automaton: a, crashes: s.Crashes}, err
		})
		if err := run.Quorums(last); err != nil {
			t.Fatal(err)
		}
	}
}
