// Package detectortest is the conformance suite of automata: one call that any
// failure detector passes or fails. It runs small systems of the automaton under
// random delays, losses, duplicates, pauses, crashes, recoveries and messages
// that nobody sent, and checks the contract of [model.Automaton]. Agents in the hosts,
// and in the one switch that joins them, answer requests and give evidence, some of it
// false. It does not judge what a detector suspects: package properties does.
package detectortest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"suspect/detectors"
	"suspect/model"
)

// New makes the automaton of one process, as [detectors.Spec]'s New does for
// fixed parameters.
type New func(env detectors.Env) (model.Automaton, error)

// Clause names one demand of the contract.
type Clause string

const (
	Built       Clause = "it can be made for any process of a system"
	NoPanic     Clause = "it does not panic, whatever comes"
	Progress    Clause = "it asks for few wake-ups"
	WakeLater   Clause = "the wake-up it asks for is later than now"
	Addresses   Clause = "it sends its own messages, to other processes and to agents"
	NotItself   Clause = "it does not suspect itself"
	OnlyWatched Clause = "it speaks only of peers that it watches"
	ChangesOnly Clause = "it writes only changes of verdict"
	Answers     Clause = "a typed one holds what its verdicts say, and has a reason for it"
	Repeatable  Clause = "the same inputs give the same outputs"
	EarlyWake   Clause = "early wake-ups are harmless"
	Buffers     Clause = "it neither keeps nor changes its input, nor keeps its output"
	CloneAlike  Clause = "a clone behaves like the original"
	CloneAlone  Clause = "a clone shares nothing mutable"
	StateAlike  Clause = "a loaded state behaves like the one encoded"
	StateText   Clause = "a loaded state encodes alike, and encoding changes nothing"
	StateShift  Clause = "the encoded state does not depend on the absolute time"
	Silence     Clause = "in silence the encoded state recurs"
	StateBroken Clause = "a truncated encoding is an error"
	Allocations Clause = "it allocates nothing in the steady state"
)

// Clauses returns all clauses. Check leaves out the last, which [Test] includes.
func Clauses() []Clause {
	return []Clause{Built, NoPanic, Progress, WakeLater, Addresses, NotItself, OnlyWatched, ChangesOnly, Answers, Repeatable,
		EarlyWake, Buffers, CloneAlike, CloneAlone, StateAlike, StateText, StateShift, Silence, StateBroken, Allocations}
}

// Violation is the error of an automaton that breaks a clause.
type Violation struct {
	Clause Clause
	Detail string
}

func (v *Violation) Error() string { return fmt.Sprintf("violated: %s: %s", v.Clause, v.Detail) }

func violation(c Clause, format string, args ...any) error {
	return &Violation{c, fmt.Sprintf(format, args...)}
}

// Check returns nil if the automata that build makes keep the contract, else the
// joined violations, at most one of each clause. The period is typical of the
// automaton, as its eta: delays and lengths of runs are chosen by it. It, and
// every period on which the automaton's clock-driven actions repeat, must divide
// an hour; in silence, all that lasts for a time must end within 3000 periods.
func Check(build New, period model.Duration) error {
	var errs []error
	var scripts []*script
	for _, scene := range []struct {
		processes int
		ring      bool
	}{{1, false}, {2, false}, {4, false}, {6, true}} {
		for seed := range 3 {
			s := &system{build: build, period: period, random: random(seed), ring: scene.ring, weather: weather{garbage: true}}
			got, _, err := s.run(scene.processes, 0)
			if err != nil {
				errs = add(errs, err)
			}
			scripts = append(scripts, got...)
		}
	}
	errs = add(errs, checkUnstarted(build, period))
	if errs != nil {
		return errors.Join(errs...) // what follows takes steps for granted
	}
	checkers := make([]checker, len(scripts))
	for i, s := range scripts {
		checkers[i] = checker{build: build, period: period, script: s, random: random(i)}
		errs = add(errs, checkers[i].repeatable())
	}
	if errs != nil {
		return errors.Join(errs...) // and repetition
	}
	errs = add(errs, checkShift(build, period))
	for i := range checkers {
		c := &checkers[i]
		for _, check := range []func() error{c.encoding, c.silence, c.earlyWake, c.buffers, c.clone, c.state} {
			errs = add(errs, check())
		}
	}
	return errors.Join(errs...)
}

// add adds err unless there is a violation of its clause already.
func add(errs []error, err error) []error {
	if err == nil {
		return errs
	}
	for _, e := range errs {
		if e.(*Violation).Clause == err.(*Violation).Clause {
			return errs
		}
	}
	return append(errs, err)
}

// Test runs Check and counts allocations, with a subtest for each clause.
func Test(t *testing.T, build New, period model.Duration) {
	t.Helper()
	err := Check(build, period)
	broken := map[Clause]error{}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			broken[e.(*Violation).Clause] = e
		}
	}
	if err == nil {
		if err := CheckAllocations(build, period); err != nil {
			broken[Allocations] = err
		}
	}
	for _, c := range Clauses() {
		t.Run(string(c), func(t *testing.T) {
			if e := broken[c]; e != nil {
				t.Error(e)
			} else if err != nil && c == Allocations {
				t.Skip("only of an automaton that passes the rest")
			}
		})
	}
}

// CheckAllocations returns nil if a process of a calm system allocates nothing
// after twenty periods. It counts allocations of the whole program, so nothing
// else may run.
func CheckAllocations(build New, period model.Duration) error {
	s := &system{build: build, period: period, weather: weather{calm: true}}
	scripts, _, err := s.run(4, 0)
	if err != nil {
		return err
	}
	a, err := build(scripts[0].env)
	if err != nil {
		return err
	}
	var out model.Output
	rest := scripts[0].steps
	play := func(n int) {
		for i := range rest[:n] {
			out.Reset()
			rest[i].in.Random = &rest[i].choices
			a.Step(rest[i].at, &rest[i].in, &out)
		}
		rest = rest[n:]
	}
	play(len(rest) / 2)
	part := len(rest) / 2
	// The function is called once to warm up and once to be measured.
	if n := testing.AllocsPerRun(1, func() { play(part) }); n > 0 {
		return violation(Allocations, "%v allocations in %d steps", n, part)
	}
	return nil
}

// checkUnstarted feeds automata that have not been started.
func checkUnstarted(build New, period model.Duration) error {
	for _, in := range []model.Input{
		{Kind: model.Wake},
		{Kind: model.Deliver, Message: model.Message{From: 1, To: 0, Kind: detectors.HeartbeatKind}},
		{Kind: model.Inform, Evidence: &model.Evidence{Kind: model.Reset, From: 1, About: 1}},
	} {
		p, err := newPlayer(build, environment(0, 3, false, star(3)))
		if err != nil {
			return err
		}
		for i, in := range []model.Input{in, {Kind: model.Start}, {Kind: model.Wake}} {
			if _, err := p.play(stimulus{at: model.Time(i) * model.Time(period), in: in}); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkShift runs a system now and an hour later.
func checkShift(build New, period model.Duration) error {
	const shift = model.Time(model.Hour)
	runAt := func(start model.Time) ([]*script, [][]output, error) {
		s := &system{build: build, period: period, random: 7}
		return s.run(4, start)
	}
	scripts, outputs, err := runAt(0)
	if err != nil {
		return err
	}
	later, laterOutputs, err := runAt(shift)
	if err != nil {
		return err
	}
	if len(scripts) != len(later) {
		return violation(StateShift, "the run itself is another an hour later")
	}
	for i, s := range scripts {
		a, err := newPlayer(build, s.env)
		if err != nil {
			return err
		}
		b, err := newPlayer(build, s.env)
		if err != nil {
			return err
		}
		for k, step := range s.steps {
			if k >= len(later[i].steps) || later[i].steps[k].at != step.at+shift || !alikeLater(outputs[i][k], laterOutputs[i][k]) {
				return violation(StateShift, "process %d acts differently an hour later than at %v", s.env.Self, step.at)
			}
			if _, err := a.play(step); err != nil {
				return err
			}
			if _, err := b.play(later[i].steps[k]); err != nil {
				return err
			}
			x, err := a.encode(nil, step.at)
			if err != nil {
				return err
			}
			y, err := b.encode(nil, step.at+shift)
			if err != nil {
				return err
			}
			if !bytes.Equal(x, y) {
				return violation(StateShift, "process %d at %v encodes as %x, an hour later as %x", s.env.Self, step.at, x, y)
			}
		}
	}
	return nil
}

// alikeLater compares the outputs of steps that lie an hour apart, but not the
// numbers of messages, which may follow the clock.
func alikeLater(a, b output) bool {
	if len(a.send) != len(b.send) {
		return false
	}
	for i := range a.send {
		x, y := a.send[i], b.send[i]
		if x.From != y.From || x.To != y.To || x.Kind != y.Kind || x.Bytes != y.Bytes || x.Priority != y.Priority {
			return false
		}
	}
	return sameActs(output{verdicts: a.verdicts}, output{verdicts: b.verdicts})
}

// checker holds one recorded script, with the outputs and encoded states after
// each of its steps.
type checker struct {
	build   New
	period  model.Duration
	script  *script
	random  random
	outputs []output
	states  [][]byte
}

// replay plays the script on a fresh automaton.
func (c *checker) replay(poison bool, each func(i int, p *player, o output) error) error {
	p, err := newPlayer(c.build, c.script.env)
	if err != nil {
		return err
	}
	p.poison = poison
	for i, s := range c.script.steps {
		o, err := p.play(s)
		if err == nil {
			err = each(i, p, o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// repeatable plays the script twice, and keeps the outputs.
func (c *checker) repeatable() error {
	err := c.replay(false, func(_ int, _ *player, o output) error {
		c.outputs = append(c.outputs, o)
		return nil
	})
	if err != nil {
		return err
	}
	return c.replay(false, func(i int, _ *player, o output) error {
		if !sameActs(o, c.outputs[i]) || o.wake != c.outputs[i].wake {
			return violation(Repeatable, "at %v, once %v; then %v", c.script.steps[i].at, c.outputs[i], o)
		}
		return nil
	})
}

// encoding encodes after every step, and keeps what it gets.
func (c *checker) encoding() error {
	return c.replay(false, func(i int, p *player, o output) error {
		b, err := p.encode(nil, c.script.steps[i].at)
		c.states = append(c.states, b)
		if err == nil && (!sameActs(o, c.outputs[i]) || o.wake != c.outputs[i].wake) {
			return violation(StateText, "encoding the state changed what follows, at %v", c.script.steps[i].at)
		}
		return err
	})
}

// silentPeriods is how many periods of silence an automaton may take until its
// encoded state recurs. In the scripts, numbers are up to a thousand periods ahead
// of their time, and there may be a few such in a row.
const silentPeriods = 4096

// silence plays the script, and then nothing but the wake-ups asked for. If what
// follows depends on the encoded state alone, as other clauses demand, then a state
// that recurs once recurs for ever: the silence has finitely many states at the ends
// of periods.
func (c *checker) silence() error {
	at := c.script.steps[len(c.script.steps)-1].at
	return c.replay(false, func(i int, p *player, _ output) error {
		if i+1 < len(c.script.steps) {
			return nil
		}
		seen := map[string]bool{}
		var state []byte
		for range silentPeriods {
			at = at.Add(c.period)
			for steps := 0; p.last.wake <= at; steps++ {
				if steps > maxSteps {
					return violation(Progress, "more than %d wake-ups in a period of silence", maxSteps)
				}
				if _, err := p.play(stimulus{at: p.last.wake, in: model.Input{Kind: model.Wake}}); err != nil {
					return err
				}
			}
			var err error
			if state, err = p.encode(nil, at); err != nil {
				return err
			}
			if seen[string(state)] {
				return nil
			}
			seen[string(state)] = true
		}
		return violation(Silence, "not in %d periods of it, until %v: %x", silentPeriods, at, state)
	})
}

func (c *checker) earlyWake() error {
	return c.replay(false, func(i int, p *player, o output) error {
		at := c.script.steps[i].at
		if !sameActs(o, c.outputs[i]) {
			return violation(EarlyWake, "at %v: %v; with early wake-ups before: %v", at, c.outputs[i], o)
		}
		state, err := p.encode(nil, at)
		if err != nil {
			return err
		}
		if i < len(c.states) && !bytes.Equal(state, c.states[i]) {
			return violation(EarlyWake, "at %v, the state encodes as %x; with early wake-ups before as %x", at, c.states[i], state)
		}
		limit := at
		if i+1 < len(c.script.steps) {
			limit = c.script.steps[i+1].at
		}
		for at <= limit && at < p.last.wake && c.random.oneIn(2) {
			o, err := p.play(stimulus{at: at, in: model.Input{Kind: model.Wake}})
			if err != nil {
				return err
			}
			if len(o.send)+len(o.verdicts) > 0 {
				return violation(EarlyWake, "at %v, before the time asked for: %v", at, o)
			}
			if p.chose {
				return violation(EarlyWake, "at %v, before the time asked for, it makes a choice", at)
			}
			at += 1 + model.Time(c.random.upTo(limit.Sub(at)))
		}
		return nil
	})
}

func (c *checker) buffers() error {
	return c.replay(true, func(i int, _ *player, o output) error {
		if !sameActs(o, c.outputs[i]) || o.wake != c.outputs[i].wake {
			return violation(Buffers, "at %v: %v; after its buffers were overwritten: %v", c.script.steps[i].at, c.outputs[i], o)
		}
		return nil
	})
}

// clone compares a clone and the original on the rest of the script, and the
// original with itself after the clone has gone another way.
func (c *checker) clone() error {
	points := c.points()
	return c.replay(false, func(i int, p *player, o output) error {
		if !sameActs(o, c.outputs[i]) {
			return violation(CloneAlone, "at %v: %v; after a clone was stepped: %v", c.script.steps[i].at, c.outputs[i], o)
		}
		if !points[i] {
			return nil
		}
		twin := p.copyWith(p.automaton.Clone())
		for k := i + 1; k < len(c.script.steps); k++ {
			o, err := twin.play(c.script.steps[k])
			if err != nil {
				return err
			}
			if !sameActs(o, c.outputs[k]) || o.wake != c.outputs[k].wake {
				return violation(CloneAlike, "cloned at %v: at %v: %v; the clone: %v", c.script.steps[i].at, c.script.steps[k].at, c.outputs[k], o)
			}
		}
		return nil
	})
}

// state encodes at some points and loads into a fresh automaton, which then
// lives on beside the original.
func (c *checker) state() error {
	points := c.points()
	return c.replay(false, func(i int, p *player, o output) error {
		if !points[i] {
			return nil
		}
		at := c.script.steps[i].at
		if i+1 < len(c.script.steps) && c.random.oneIn(2) {
			at = c.script.steps[i+1].at // what is due by then has not been done
		}
		return c.stateAt(p.copyWith(p.automaton.Clone()), at, c.script.steps[i+1:])
	})
}

// cuts is about how many beginnings of one encoded state are loaded. A Check encodes
// some two hundred.
const cuts = 24

func (c *checker) stateAt(original *player, at model.Time, rest []stimulus) error {
	prefix, suffix := []byte("before"), []byte("after")
	encoded, err := original.encode(prefix, at)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(encoded, prefix) {
		return violation(StateText, "AppendState does not append, at %v", at)
	}
	encoded = encoded[len(prefix):]
	stride := 1 + len(encoded)/cuts
	for cut := c.random.below(stride); cut < len(encoded); cut += stride {
		a, err := newPlayer(c.build, c.script.env)
		if err != nil {
			return err
		}
		if _, err := a.load(encoded[:cut], at); err == nil {
			return violation(StateBroken, "the first %d bytes of %x, at %v", cut, encoded, at)
		} else if v, ok := err.(*Violation); ok {
			return v
		}
	}
	used, err := newPlayer(c.build, c.script.env) // it must forget what it was
	if err != nil {
		return err
	}
	if _, err := used.play(stimulus{in: model.Input{Kind: model.Start}}); err != nil {
		return err
	}
	loaded := original.copyWith(used.automaton)
	left, err := loaded.load(append(bytes.Clone(encoded), suffix...), at)
	if err != nil || !bytes.Equal(left, suffix) {
		return violation(StateText, "%x, at %v, does not load: error %v, rest %q, want rest %q", encoded, at, err, left, suffix)
	}
	again, err := loaded.encode(nil, at)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, encoded) {
		return violation(StateText, "%x, at %v, loads as %x", encoded, at, again)
	}
	return c.lockstep(original, loaded, at, rest)
}

// lockstep gives both automata the same inputs: the script's, and the wake-ups
// that either asks for.
func (c *checker) lockstep(a, b *player, since model.Time, rest []stimulus) error {
	both := func(s stimulus) error {
		x, err := a.play(s)
		if err != nil {
			return err
		}
		y, err := b.play(s)
		if err != nil {
			return err
		}
		if !sameActs(x, y) {
			return violation(StateAlike, "encoded at %v: at %v: %v; the loaded one: %v", since, s.at, x, y)
		}
		return nil
	}
	if err := both(stimulus{at: since, in: model.Input{Kind: model.Wake}}); err != nil {
		return err
	}
	steps := 0
	for _, s := range rest {
		for wake := min(a.last.wake, b.last.wake); wake < s.at; wake = min(a.last.wake, b.last.wake) {
			if steps++; steps > maxSteps {
				return violation(Progress, "more than %d wake-ups of a loaded state", maxSteps)
			}
			if err := both(stimulus{at: wake, in: model.Input{Kind: model.Wake}}); err != nil {
				return err
			}
		}
		if err := both(s); err != nil {
			return err
		}
	}
	return nil
}

// points chooses about six steps of the script.
func (c *checker) points() map[int]bool {
	points := map[int]bool{0: true}
	for range 5 {
		points[c.random.below(len(c.script.steps))] = true
	}
	return points
}

func (p *player) encode(b []byte, at model.Time) (encoded []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = violation(NoPanic, "AppendState at %v: %v", at, r)
		}
	}()
	return p.automaton.AppendState(bytes.Clone(b), at), nil
}

func (p *player) load(b []byte, at model.Time) (rest []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = violation(NoPanic, "LoadState of %x at %v: %v", b, at, r)
		}
	}()
	return p.automaton.LoadState(b, at)
}
