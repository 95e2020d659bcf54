package theorems

import (
	"fmt"
	"slices"
	"testing"

	"suspect/detectors"
	"suspect/model"
	"suspect/properties"
	"suspect/properties/explore"
)

// factory returns what makes detectors, for processes that all watch each other.
func factory(t *testing.T, name string, given map[string]string) properties.Factory {
	t.Helper()
	spec, ok := detectors.Lookup(name)
	if !ok {
		t.Fatalf("there is no detector %q", name)
	}
	params, errs := model.NewParams(spec.Params, given)
	if errs != nil {
		t.Fatal(errs)
	}
	return func(self model.ProcessID, n int) model.Automaton {
		env := detectors.Env{Self: self, N: n}
		for q := range model.ProcessID(n) {
			if q != self {
				env.Watch = append(env.Watch, q)
			}
		}
		env.Watchers = env.Watch
		a, err := spec.New(env, params)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
}

// heard returns what process p of a run hears and says, line by line.
func heard(plan *properties.Plan, make properties.Factory, p model.ProcessID) (lines []string, suspects bool) {
	plan.Run(make, func(r *model.Record) {
		if r.Process != p || r.Kind == model.Sent {
			return
		}
		switch r.Kind {
		case model.Suspected:
			suspects = true
		case model.Trusted:
			suspects = false
		case model.Dropped:
			return
		}
		lines = append(lines, fmt.Sprint(r.At, r.Kind, r.Peer, r.Failure))
	})
	return lines, suspects
}

// No detector on messages is perfect where delays are not bounded: in one run a process
// crashes, in another its messages from then on take longer than the run lasts, and the other
// process hears and says the same in both. So by any time it has either suspected nobody, and
// completeness is not to be had by then; or somebody who is alive, and accuracy is broken.
// (Fischer, Lynch and Paterson, JACM 32(2), 1985; Chandra and Toueg, JACM 43(2), 1996, section 1.)
func TestNoPerfectDetectorWithoutBounds(t *testing.T) {
	const crash, horizon = 20 * model.Second, 200 * model.Second
	suspicious := 0
	for _, spec := range detectors.All() {
		if spec.Asks {
			continue
		}
		make := factory(t, spec.Name, nil)
		for seed := range uint64(3) {
			crashed := &properties.Plan{Seed: seed, Processes: 2, Horizon: horizon, Delay: 100 * model.Millisecond,
				Crashes: []properties.Crash{{Process: 1, At: crash}}}
			slow := *crashed
			slow.Crashes = nil
			slow.Partitions = []properties.Partition{{At: crash, For: horizon, Group: model.ProcessesOf(0), OneWay: true}}
			a, suspects := heard(crashed, make, 0)
			b, alsoSuspects := heard(&slow, make, 0)
			if !slices.Equal(a, b) || suspects != alsoSuspects {
				t.Errorf("%s, seed %d: it tells a crash from slowness:\n%v\n%v", spec.Name, seed, a, b)
			}
			if suspects {
				suspicious++
			}
		}
	}
	if suspicious == 0 {
		t.Error("no detector ever suspects anybody")
	}
}

// judge returns the outcome of a property in a run.
func judge(t *testing.T, plan *properties.Plan, make properties.Factory, property string, given map[string]string) properties.Outcome {
	t.Helper()
	spec, _ := properties.Lookup(property)
	params, errs := model.NewParams(spec.Params, given)
	if errs != nil {
		t.Fatal(errs)
	}
	checker, err := spec.New(properties.Env{N: plan.Processes, Watch: properties.WatchAll(plan.Processes), Starts: true}, params)
	if err != nil {
		t.Fatal(err)
	}
	plan.Run(make, checker.Observe)
	return checker.Finish(model.Time(plan.Horizon)).Outcome
}

// The timeout 2d + r is perfect exactly while d and r hold: with delays of up to d, and a peer
// that takes r to answer, there is never a mistake, and a crash is suspected within eta + 2d + r;
// a picosecond more of either, and there is a run with one.
func TestTwoDRIsPerfectExactly(t *testing.T) {
	const d, r, ms = 100 * model.Millisecond, 50 * model.Millisecond, model.Millisecond
	twoDR := func(d, r model.Duration) properties.Factory {
		return factory(t, "timeout-2d-r", map[string]string{"eta": "1s", "stagger": "false", "d": d.String(), "r": r.String()})
	}
	mistakes := func(delay model.Duration) (mistakes int) {
		for seed := range uint64(40) {
			plan := &properties.Plan{Seed: seed, Processes: 3, Horizon: 30 * model.Second, Delay: delay}
			if judge(t, plan, twoDR(d, 0), "strong-accuracy", nil) == properties.Violated {
				mistakes++
			}
			plan.Crashes = []properties.Crash{{Process: 2, At: model.Duration(seed) * 100 * ms}}
			within := (model.Second + 2*d + 1).String()
			if got := judge(t, plan, twoDR(d, 0), "strong-completeness", map[string]string{"within": within}); got != properties.Holds {
				t.Errorf("delays up to %v, seed %d: completeness within %v is %v", delay, seed, within, got)
			}
		}
		return mistakes
	}
	if n := mistakes(d); n != 0 {
		t.Errorf("with delays of up to d there are mistakes in %d runs", n)
	}
	if mistakes(d+1) == 0 {
		t.Error("with delays of up to d and a picosecond there is no mistake")
	}
	// Messages take no time, and the peer stands still when a request comes.
	for _, c := range []struct {
		pause model.Duration
		want  properties.Outcome
	}{{r, properties.Holds}, {r + 1, properties.Violated}} {
		plan := &properties.Plan{Processes: 2, Horizon: 9 * model.Second,
			Pauses: []properties.Pause{{Process: 1, At: 5 * model.Second, For: c.pause}}}
		if got := judge(t, plan, twoDR(0, r), "strong-accuracy", nil); got != c.want {
			t.Errorf("when an answer takes %v of r = %v, accuracy is %v", c.pause, r, got)
		}
	}
}

// The adaptive detector is eventually perfect where bounds hold from some time on that it does
// not know, and not before: for any number of mistakes there are bounds, kept from the beginning,
// under which it makes more of them; so no count of them, and no time, is right for all.
// (Chandra and Toueg, JACM 43(2), 1996, section 9.1; Dwork, Lynch and Stockmeyer, JACM 35(2), 1988.)
func TestAdaptiveIsEventuallyPerfectAndNotBefore(t *testing.T) {
	make := factory(t, "adaptive", map[string]string{"eta": "1s", "timeout": "1s", "step": "1s"})
	for _, most := range []int{0, 1, 3, 7} {
		bound := model.Duration(2*most+4) * model.Second // unknown to the detector
		mistakes := map[string]string{"mistakes": fmt.Sprint(most)}
		enough := map[string]string{"mistakes": fmt.Sprint(2*most + 5)} // the timeout is then the bound, eta and a second
		broken := false
		for seed := range uint64(8) {
			plan := &properties.Plan{Seed: seed, Processes: 2, Horizon: 1000 * model.Second, Delay: bound, Ordered: true}
			if judge(t, plan, make, "eventual-strong-accuracy", mistakes) == properties.Violated {
				broken = true
			}
			if got := judge(t, plan, make, "eventual-strong-accuracy", enough); got != properties.Holds {
				t.Errorf("delays up to %v, seed %d: at most %s mistakes is %v", bound, seed, enough["mistakes"], got)
			}
		}
		if !broken {
			t.Errorf("%d mistakes are enough for delays up to %v", most, bound)
		}
	}
}

// A cutoff: as verdicts are about pairs, what holds of pairs with two processes holds with
// three, for the same bounds and periods. (Tran, Konnov and Widder, "Cutoffs for symmetric
// point-to-point distributed algorithms", NETYS 2020; LMCS 2023.)
func TestCutoff(t *testing.T) {
	for _, c := range []struct{ delta, phi, first int }{{1, 1, 0}, {1, 1, 1}, {1, 2, 0}, {1, 2, 2}} {
		var outcomes [2][]properties.Outcome
		for i, n := range []int{2, 3} {
			spec, _ := detectors.Lookup("timeout")
			params, errs := model.NewParams(spec.Params, map[string]string{"eta": explore.Steps(1).String(), "stagger": "false", "timeout": explore.Silence(c.first).String()})
			if errs != nil {
				t.Fatal(errs)
			}
			system, err := explore.Ticks{N: n, Crashes: 1, Delta: c.delta, Phi: c.phi, FirstStep: 1, Symmetry: true,
				New: func(p model.ProcessID) (model.Automaton, error) {
					env := detectors.Env{Self: p, N: n}
					for q := range model.ProcessID(n) {
						if q != p {
							env.Watch = append(env.Watch, q)
						}
					}
					env.Watchers = env.Watch
					return spec.New(env, params)
				}}.NewSystem()
			if err != nil {
				t.Fatal(err)
			}
			search, err := explore.NewSearch(system, explore.Options{Workers: 1}, explore.StrongAccuracy(), explore.EventualStrongAccuracy(0), explore.StrongCompleteness(0))
			if err != nil {
				t.Fatal(err)
			}
			report, err := search.Run()
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range report.Findings {
				outcomes[i] = append(outcomes[i], f.Outcome)
			}
			t.Logf("%+v, %d processes: %d states, %v", c, n, report.States, outcomes[i])
		}
		if !slices.Equal(outcomes[0], outcomes[1]) || slices.Contains(outcomes[0], properties.Inconclusive) {
			t.Errorf("%+v: two processes %v, three %v", c, outcomes[0], outcomes[1])
		}
	}
}
