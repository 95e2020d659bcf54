package agreement

import (
	"testing"

	"suspect/detectors"
	"suspect/detectors/asynctest"
	"suspect/detectors/ideal"
	"suspect/detectors/reduction"
	"suspect/model"
)

// Consensus over detectors that are made of weaker ones, as the papers join them: W is enough
// for any number of crashes, and <>W with a correct majority (Chandra and Toueg 1996,
// section 6), in either of the two forms that Omega has.
func TestConsensusOverReductions(t *testing.T) {
	const period = 20
	strong := func(env detectors.Env, d model.Automaton) (model.Automaton, error) {
		return reduction.NewStrong(env, d, period)
	}
	omega := func(env detectors.Env, d model.Automaton) (model.Automaton, error) {
		return reduction.NewOmega(env, d, period, 0)
	}
	type step = func(env detectors.Env, d model.Automaton) (model.Automaton, error)
	for _, c := range []struct {
		name      string
		algorithm Algorithm
		source    model.Class
		tower     []step
		crashes   func(n int) int
	}{
		{"S over W", WithS, model.W, []step{strong}, func(n int) int { return n - 1 }},
		{"<>S over <>W", WithEventuallyS, model.EventuallyW, []step{strong}, func(n int) int { return (n - 1) / 2 }},
		{"Omega over <>W", WithOmega, model.EventuallyW, []step{omega}, func(n int) int { return (n - 1) / 2 }},
		{"Omega over <>P", WithOmega, model.EventuallyP, []step{reduction.NewFirst}, func(n int) int { return (n - 1) / 2 }},
		{"<>S over Omega over <>W", WithEventuallyS, model.EventuallyW, []step{strong, omega, reduction.NewComplement}, func(n int) int { return (n - 1) / 2 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(60) {
				dice := asynctest.Dice(seed)
				n := 1 + dice.IntN(4)
				s := asynctest.Random(seed, n, dice.IntN(c.crashes(n)+1), settled)
				s.Links = asynctest.Links(dice.IntN(2))
				base := oracle(&s, c.source, &dice)
				run := decide(t, s, c.algorithm, func(env detectors.Env) (model.Automaton, error) {
					d, err := base(env)
					for _, step := range c.tower {
						if err == nil {
							d, err = step(env, d)
						}
					}
					return d, err
				})
				if err := run.Consensus(); err != nil {
					t.Fatal(err)
				}
				if left := run.Undecided(); left != 0 {
					t.Fatalf("seed %d: %v do not decide, with crashes at %v", seed, left, s.Crashes.CrashedAt)
				}
			}
		})
	}
}

// Consensus over a real detector: that of Chandra and Toueg for partial synchrony, whose
// timeouts grow, so that here, where delays are bounded, it is eventually perfect. Its first
// timeouts are shorter than the delays.
func TestConsensusOverHeartbeats(t *testing.T) {
	t.Parallel()
	spec, ok := detectors.Lookup("adaptive")
	if !ok {
		t.Fatal("adaptive is gone")
	}
	params, errs := model.NewParams(spec.Params, map[string]string{"eta": "50ps", "timeout": "60ps", "step": "10ps"})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	wrong := 0
	for seed := range uint64(200) {
		dice := asynctest.Dice(seed)
		n := 2 + dice.IntN(4)
		s := asynctest.Random(seed, n, dice.IntN((n+1)/2), 300)
		run := decide(t, s, WithEventuallyS, func(env detectors.Env) (model.Automaton, error) { return spec.New(env, params) })
		if err := run.Consensus(); err != nil {
			t.Fatal(err)
		}
		if left := run.Undecided(); left != 0 {
			t.Fatalf("seed %d: %v do not decide, with crashes at %v", seed, left, s.Crashes.CrashedAt)
		}
		if run.Accurate(model.StrongAccuracy, 0) != nil {
			wrong++
		}
	}
	if wrong == 0 {
		t.Error("the detector made no mistake")
	}
}

// With the Marabout consensus is trivial, which is why it is no detector: it decides with all
// crashes seen ahead.
func TestConsensusOverMarabout(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		dice := asynctest.Dice(seed)
		n := 1 + dice.IntN(4)
		s := asynctest.Random(seed, n, dice.IntN(n), settled)
		p := ideal.NewPlan(s.Crashes, 0, 10)
		run := decide(t, s, WithS, func(env detectors.Env) (model.Automaton, error) { return ideal.NewMarabout(env, p) })
		if err := run.Consensus(); err != nil || run.Undecided() != 0 {
			t.Fatalf("seed %d: %v do not decide, %v", seed, run.Undecided(), err)
		}
	}
}
