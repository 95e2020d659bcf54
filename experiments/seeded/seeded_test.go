//go:build seeded

package seeded

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"suspect/detectors"
	"suspect/detectors/agreement"
	"suspect/detectors/asynctest"
	"suspect/detectors/ideal"
	"suspect/detectors/reduction"
	"suspect/detectors/seeded"
	"suspect/model"
	"suspect/properties"
	"suspect/properties/explore"
)

// finder looks for a bug, and returns what is wrong, if anything, and what it took: plans,
// states or runs.
type finder func(t *testing.T) (wrong string, took int)

// bugs are all that can be put in, each with who is to find it.
var bugs = []struct {
	name  string
	in    string // which algorithm
	means string
	find  finder
}{
	{"a deadline is a period too early", "timeout", "suite, accuracy", suite("timeout", model.P, properties.Accurate)},
	{"a suspicion is never withdrawn", "timeout", "suite, accuracy", suite("timeout", model.EventuallyP, properties.Accurate)},
	{"a suspicion is not encoded", "timeout", "suite, copies", suite("timeout", model.P, properties.Copies)},
	{"an encoded time is not relative to now", "timeout", "suite, copies", suite("timeout", model.P, properties.Copies)},
	{"the last watcher gets no heartbeat", "all with heartbeats", "suite, accuracy", suite("nfd-s", model.P, properties.Accurate)},
	{"a timeout does not grow", "adaptive", "suite, accuracy", suite("adaptive", model.EventuallyP, properties.Accurate)},
	{"a timeout does not grow", "adaptive", "explorer, <>accuracy", exploreDetector(explore.EventualStrongAccuracy(0))},
	{"a timeout grows without a mistake", "adaptive", "suite, completeness", suite("adaptive", model.P, properties.Complete)},
	{"a heartbeat that is not fresh ends a suspicion", "nfd-s", "suite, accuracy", suite("nfd-s", model.EventuallyP, properties.Accurate)},
	{"an old heartbeat is taken for the latest", "nfd-e", "suite, accuracy", suite("nfd-e alpha=3s n=4", model.P, properties.Accurate)},
	{"what leaves the window stays in its sum", "nfd-e", "suite, completeness", suite("nfd-e n=4", model.P, properties.Complete)},
	{"a clone shares the window", "nfd-e", "suite, copies", suite("nfd-e n=4", model.EventuallyP, properties.Copies)},
	{"the deviation has no floor", "phi", "suite, accuracy", suite("phi threshold=1 n=20", model.EventuallyP, properties.Accurate)},
	{"an answer is waited for as if it took no time back", "timeout-2d-r", "suite, accuracy", suite("timeout-2d-r r=0s", model.P, properties.Accurate)},
	{"one missed packet is enough", "bfd", "suite, accuracy", suite("bfd", model.P, properties.Accurate)},
	{"a lease is renewed at any wake-up", "node-lease", "suite, copies", suite("node-lease", model.P, properties.Copies)},
	{"an accusation is never forgotten", "vote", "suite, accuracy", suite("vote", model.EventuallyP, properties.Accurate)},

	{"T does not erase who is heard from", "strong", "random runs, <>P", reductions(strong)},
	{"counters are not merged", "omega", "random runs, Omega", reductions(omega)},
	{"own suspicions are not counted", "omega", "random runs, Omega", reductions(omega)},
	{"half of all are a quorum", "sigma", "random runs, Sigma", reductions(sigma)},
	{"the leader is suspected too", "complement", "random runs, <>S", reductions(complement)},

	{"a message is not relayed", "reliable broadcast", "random runs, agreement", broadcasts(agreement.NewReliable, false)},
	{"an acknowledgement counts twice", "uniform broadcast", "random runs, uniform agreement", broadcasts(agreement.NewUniform, true)},
	{"a message is delivered without acknowledgements", "uniform broadcast", "random runs, uniform agreement", broadcasts(agreement.NewUniform, true)},
	{"half of all are a majority", "consensus with <>S", "explorer, agreement", exploreConsensus(agreement.WithEventuallyS)},
	{"half of all are a majority", "consensus with Omega", "explorer, agreement", exploreConsensus(agreement.WithOmega)},
	{"it decides before a majority has acknowledged", "consensus with <>S", "random runs, agreement", indulgence(agreement.WithEventuallyS)},
	{"one process coordinates all rounds", "consensus with <>S", "random runs, termination", decisions(agreement.WithEventuallyS, stable)},
	{"an adopted estimate is not stamped", "consensus with <>S", "random runs, agreement", indulgence(agreement.WithEventuallyS)},
	{"any estimate is taken for the latest", "consensus with <>S", "random runs, agreement", indulgence(agreement.WithEventuallyS)},
	{"who is slow is not waited for", "consensus with S", "random runs, agreement", decisions(agreement.WithS, stable)},
	{"phase 2 forgets nothing", "consensus with S", "random runs, agreement", decisions(agreement.WithS, stable)},
	{"an older ballot is accepted", "consensus with Omega", "random runs, agreement", indulgence(agreement.WithOmega)},
	{"what was accepted is not proposed again", "consensus with Omega", "random runs, agreement", indulgence(agreement.WithOmega)},
	{"a refusal is ignored", "consensus with Omega", "random runs, termination", decisions(agreement.WithOmega, 40)},
	{"a decision is not relayed", "consensus", "random runs, termination", decisions(agreement.WithOmega, 40)},
	{"what waits is delivered rather than what was decided", "atomic broadcast", "random runs, order", order},
	{"a message is delivered again", "atomic broadcast", "random runs, integrity", order},
}

// Every bug is found, and without one nothing is.
func TestBugsAreFound(t *testing.T) {
	var table strings.Builder
	fmt.Fprintf(&table, "\n%-52s  %-20s  %-30s  %s\n", "bug", "in", "found by", "tests or states")
	for _, b := range bugs {
		seeded.Put("")
		if wrong, _ := b.find(t); wrong != "" {
			t.Errorf("%s, %s: without any bug: %s", b.in, b.means, wrong)
		}
		seeded.Put(b.name)
		wrong, took := b.find(t)
		seeded.Put("")
		if wrong == "" {
			t.Errorf("%s: %s: not found by %s in %d", b.in, b.name, b.means, took)
		}
		fmt.Fprintf(&table, "%-52s  %-20s  %-30s  %d\n", b.name, b.in, b.means, took)
	}
	t.Log(table.String())
}

// The bugs in the sources are those of the table.
func TestAllBugsAreListed(t *testing.T) {
	pattern := regexp.MustCompile(`seeded\.Bug\("([^"]+)"\)`)
	var found, listed []string
	err := filepath.WalkDir("../../detectors", func(path string, d os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || filepath.Base(filepath.Dir(path)) == "seeded" {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range pattern.FindAllStringSubmatch(string(text), -1) {
			found = append(found, m[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bugs {
		listed = append(listed, b.name)
	}
	for _, list := range []*[]string{&found, &listed} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	if !slices.Equal(found, listed) || len(found) < 20 {
		t.Errorf("in the sources are %q\nand in the table %q", found, listed)
	}
}

// suite looks with the suite of properties, at one subject of one claim.
func suite(use string, class model.Class, subject string) finder {
	return func(t *testing.T) (string, int) {
		words := strings.Fields(use)
		spec, ok := detectors.Lookup(words[0])
		if !ok {
			t.Fatalf("there is no detector %q", words[0])
		}
		given := map[string]string{}
		for _, w := range words[1:] {
			name, value, _ := strings.Cut(w, "=")
			given[name] = value
		}
		params, errs := model.NewParams(spec.Params, given)
		if errs != nil {
			t.Fatal(errs)
		}
		i := slices.IndexFunc(spec.Claims, func(c model.Claim) bool { return c.Class == class })
		s := &properties.Suite{
			New: func(self model.ProcessID, n int) model.Automaton {
				a, err := spec.New(asynctest.Everybody(self, n), params)
				if err != nil {
					t.Fatal(err)
				}
				return a
			},
			Claim: properties.Claim{Class: class, Conditions: spec.Claims[i].Given(params)},
			Seed:  1, Runs: 40,
		}
		found := s.Examine(subject)
		if found.Outcome == properties.Holds {
			return "", found.Runs
		}
		return found.Reason, max(found.First, 1)
	}
}

// runs looks at random runs, one for each seed, until one is wrong.
func runs(most int, one func(seed uint64, dice *asynctest.Dice) error) (string, int) {
	for seed := range uint64(most) {
		dice := asynctest.Dice(seed)
		if err := one(seed, &dice); err != nil {
			return err.Error(), int(seed) + 1
		}
	}
	return "", most
}

const (
	stable  = 300  // oracles are bound from some time before on
	settled = 1500 // what is to hold eventually holds
	end     = 2000
)

type build func(env detectors.Env) (model.Automaton, error)

// over makes an algorithm over a detector.
func over(base build, make func(env detectors.Env, d model.Automaton) (model.Automaton, error)) build {
	return func(env detectors.Env) (model.Automaton, error) {
		d, err := base(env)
		if err != nil {
			return nil, err
		}
		return make(env, d)
	}
}

func of(class model.Class, p ideal.Plan) build {
	return func(env detectors.Env) (model.Automaton, error) { return ideal.New(class, env, p) }
}

func leaders(p ideal.Plan) build {
	return func(env detectors.Env) (model.Automaton, error) { return ideal.NewOmega(env, p) }
}

func strong(s asynctest.System, p ideal.Plan) error {
	r, err := s.Run(over(of(model.EventuallyQ, p), func(env detectors.Env, d model.Automaton) (model.Automaton, error) {
		return reduction.NewStrong(env, d, 20)
	}))
	if err != nil {
		return err
	}
	return r.Keeps(model.EventuallyP, settled)
}

func omega(s asynctest.System, p ideal.Plan) error {
	r, err := s.Run(over(of(model.EventuallyS, p), func(env detectors.Env, d model.Automaton) (model.Automaton, error) {
		return reduction.NewOmega(env, d, 20, 0)
	}))
	if err != nil {
		return err
	}
	return r.Leads(settled)
}

func complement(s asynctest.System, p ideal.Plan) error {
	r, err := s.Run(over(leaders(p), reduction.NewComplement))
	if err != nil {
		return err
	}
	return r.Keeps(model.EventuallyS, settled)
}

func sigma(s asynctest.System, _ ideal.Plan) error {
	for s.Crashes.CrashedAt = nil; len(s.Crashes.CrashedAt) < s.N; { // a minority at most crashes
		s.Crashes.CrashedAt = append(s.Crashes.CrashedAt, model.Never)
	}
	r, err := s.Run(func(env detectors.Env) (model.Automaton, error) { return reduction.NewSigma(env, 20, 0) })
	if err != nil {
		return err
	}
	return r.Quorums(settled)
}

func reductions(one func(s asynctest.System, p ideal.Plan) error) finder {
	return func(*testing.T) (string, int) {
		return runs(100, func(seed uint64, dice *asynctest.Dice) error {
			n := 2 + dice.IntN(3)
			s := asynctest.Random(seed, n, dice.IntN(n), stable)
			s.Links, s.Until = asynctest.Links(dice.IntN(2)), end
			return one(s, ideal.NewPlan(s.Crashes, model.Time(dice.IntN(stable)), model.Duration(5+dice.IntN(40))))
		})
	}
}

func messages(p model.ProcessID, dice *asynctest.Dice) agreement.Submissions {
	s := agreement.Submissions{Every: model.Duration(dice.IntN(2) * 30)}
	for k := range dice.IntN(4) {
		s.Values = append(s.Values, int64(p)*100+int64(k))
	}
	return s
}

func broadcasts(make func(env detectors.Env, s agreement.Submissions) (model.Automaton, error), uniform bool) finder {
	return func(*testing.T) (string, int) {
		return runs(600, func(seed uint64, dice *asynctest.Dice) error {
			n := 2 + dice.IntN(4)
			s := asynctest.Random(seed, n, dice.IntN((n+1)/2), 150)
			s.Links = asynctest.QuasiReliable
			plan := *dice
			r, err := s.Run(func(env detectors.Env) (model.Automaton, error) { return make(env, messages(env.Self, &plan)) })
			if err != nil {
				return err
			}
			return r.Broadcast(uniform)
		})
	}
}

// decisions are runs of consensus with the worst detector of the class that it needs, and
// crashes before a time, which must agree and end.
func decisions(a agreement.Algorithm, before model.Time) finder {
	return func(*testing.T) (string, int) {
		return runs(1500, func(seed uint64, dice *asynctest.Dice) error {
			n := 2 + dice.IntN(4)
			crashes := (n - 1) / 2
			if a.String() == agreement.WithS.String() {
				crashes = n - 1
			}
			s := asynctest.Random(seed, n, dice.IntN(crashes+1), before)
			s.Links, s.Until, s.Done = asynctest.QuasiReliable, 20_000, asynctest.AllDecided
			r, err := consensus(s, a, detectorFor(a, &s, dice))
			if err != nil {
				return err
			}
			if err := r.Consensus(); err != nil {
				return err
			}
			if left := r.Undecided(); left != 0 {
				return fmt.Errorf("seed %d: %v do not decide", seed, left)
			}
			return nil
		})
	}
}

// indulgence are runs with any detector and any number of crashes, which must agree.
func indulgence(a agreement.Algorithm) finder {
	return func(*testing.T) (string, int) {
		return runs(3000, func(seed uint64, dice *asynctest.Dice) error {
			n := 3 + dice.IntN(3)
			s := asynctest.Random(seed, n, dice.IntN(n), 120)
			s.Links, s.Until, s.Done = asynctest.Links(dice.IntN(3)), 1000, asynctest.AllDecided
			every := model.Duration(1 + dice.IntN(40))
			r, err := consensus(s, a, arbitrary(a, every))
			if err != nil {
				return err
			}
			return r.Consensus()
		})
	}
}

func detectorFor(a agreement.Algorithm, s *asynctest.System, dice *asynctest.Dice) build {
	plan := ideal.NewPlan(s.Crashes, model.Time(dice.IntN(stable)), model.Duration(1+dice.IntN(1+dice.IntN(60))))
	switch a.String() {
	case agreement.WithOmega.String():
		return leaders(plan)
	case agreement.WithS.String():
		return of(model.S, plan)
	}
	return of(model.EventuallyS, plan)
}

func arbitrary(a agreement.Algorithm, every model.Duration) build {
	return func(env detectors.Env) (model.Automaton, error) {
		if a.String() == agreement.WithOmega.String() {
			return ideal.NewArbitraryLeader(env, every)
		}
		return ideal.NewArbitrary(env, every)
	}
}

// consensus runs consensus, where process p proposes 10+p.
func consensus(s asynctest.System, a agreement.Algorithm, d build) (*asynctest.Run, error) {
	return s.Run(over(d, func(env detectors.Env, fd model.Automaton) (model.Automaton, error) {
		return agreement.NewConsensus(env, a, fd, 10+int64(env.Self), agreement.Options{Rounds: 1000})
	}))
}

// order are runs of atomic broadcast.
func order(*testing.T) (string, int) {
	return runs(200, func(seed uint64, dice *asynctest.Dice) error {
		n := 2 + dice.IntN(3)
		s := asynctest.Random(seed, n, dice.IntN((n-1)/2+1), stable)
		s.Links, s.Until = asynctest.Links(dice.IntN(2)), end
		d, plan := detectorFor(agreement.WithEventuallyS, &s, dice), *dice
		r, err := s.Run(over(d, func(env detectors.Env, fd model.Automaton) (model.Automaton, error) {
			return agreement.NewAtomic(env, agreement.WithEventuallyS, fd, messages(env.Self, &plan), agreement.Options{})
		}))
		if err != nil {
			return err
		}
		if err := r.Order(); err != nil {
			return err
		}
		return r.Broadcast(false)
	})
}

// exploreAll explores a system of two processes, and returns what is wrong.
func exploreAll(t *testing.T, c explore.Ticks, property explore.Property) (string, int) {
	system, err := c.NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	search, err := explore.NewSearch(system, explore.Options{Workers: 1}, property)
	if err != nil {
		t.Fatal(err)
	}
	report, err := search.Run()
	if err != nil {
		t.Fatal(err)
	}
	if report.Outcome() != properties.Holds {
		return property.Name + " is " + report.Outcome().String(), int(report.States)
	}
	return "", int(report.States)
}

// exploreDetector explores the adaptive detector where bounds hold that its timeouts grow to.
func exploreDetector(property explore.Property) finder {
	return func(t *testing.T) (string, int) {
		spec, _ := detectors.Lookup("adaptive")
		params, errs := model.NewParams(spec.Params, map[string]string{
			"eta": explore.Steps(2).String(), "stagger": "false",
			"timeout": explore.Silence(1).String(), "step": explore.Steps(1).String(), "most": explore.Silence(8).String(),
		})
		if errs != nil {
			t.Fatal(errs)
		}
		return exploreAll(t, explore.Ticks{N: 2, Crashes: 1, Delta: 2, Phi: 2, FirstStep: 2, New: func(p model.ProcessID) (model.Automaton, error) {
			return spec.New(asynctest.Everybody(p, 2), params)
		}}, property)
	}
}

// exploreConsensus explores consensus of two processes with detectors that say anything.
func exploreConsensus(a agreement.Algorithm) finder {
	return func(t *testing.T) (string, int) {
		d := arbitrary(a, explore.Steps(1))
		return exploreAll(t, explore.Ticks{N: 2, Crashes: 1, Delta: 1, Phi: 1, FirstStep: 1, New: func(p model.ProcessID) (model.Automaton, error) {
			env := asynctest.Everybody(p, 2)
			fd, err := d(env)
			if err != nil {
				return nil, err
			}
			c, err := agreement.NewConsensus(env, a, fd, 10+int64(p), agreement.Options{Rounds: 2})
			return &late{Automaton: c}, err
		}}, explore.Always("agreement", agreed))
	}
}

// agreed is agreement among the processes that are up.
func agreed(v *explore.View) bool {
	first := int64(-1)
	for p := range v.N {
		for _, a := range v.Said(p) {
			if a.Kind == model.Decided {
				if first >= 0 && a.Value != first {
					return false
				}
				first = a.Value
			}
		}
	}
	return true
}

// late lets an automaton begin in its first step of an exploration, rather than before.
type late struct {
	model.Automaton
	started bool
}

func (d *late) Step(now model.Time, in *model.Input, out *model.Output) {
	if first := model.Time(explore.Steps(1)); !d.started && now < first {
		out.Wake = first
		return
	}
	d.started = true
	d.Automaton.Step(now, in, out)
}

func (d *late) Clone() model.Automaton { return &late{d.Automaton.Clone(), d.started} }

func (d *late) AppendState(b []byte, now model.Time) []byte {
	return d.Automaton.AppendState(detectors.AppendBool(b, d.started), now)
}

func (d *late) LoadState(b []byte, now model.Time) ([]byte, error) {
	d.started = b[0] == 1
	return d.Automaton.LoadState(b[1:], now)
}

func (d *late) AppendMessage(b []byte, m *model.Message) []byte {
	return d.Automaton.(explore.MessageEncoder).AppendMessage(b, m)
}
