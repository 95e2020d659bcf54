package properties

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/prop"

	"suspect/model"
	"suspect/sim"
)

// Claim is what the suite tests: that a detector is of a class under conditions.
type Claim struct {
	Class model.Class
	model.Conditions

	// Processes is how many there are at most; 0 is for 5. There are at least 2.
	Processes int
}

// Check returns an error that says what is wrong with the claim, or nil.
func (c Claim) Check() error {
	const longest = model.Duration(model.MaxTime / 64)
	switch {
	case c.Delay < 0:
		return fmt.Errorf("claim of %v: no message is fast enough: the longest delay would be %v", c.Class, c.Delay)
	case c.Within <= 0:
		return fmt.Errorf("claim of %v: without a bound on completeness (Within) no finite run settles it", c.Class)
	case c.eventual() && c.Settle <= 0 && c.Mistakes <= 0:
		return fmt.Errorf("claim of %v: without a bound on eventual accuracy (Settle, or Mistakes) no finite run settles it", c.Class)
	case c.Eventually && !c.eventual():
		return fmt.Errorf("claim of %v: it speaks of all times, and cannot rest on what holds eventually", c.Class)
	case max(c.Within, c.Settle, c.Delay, c.Pause, c.Starts, c.By) > longest || min(c.Settle, c.Delay, c.Pause, c.Starts, c.By) < 0:
		return fmt.Errorf("claim of %v: times must be between 0 and %v", c.Class, longest)
	case !(c.Loss >= 0 && c.Loss < 1):
		return fmt.Errorf("claim of %v: messages are lost with probability %v: it must be at least 0 and below 1", c.Class, c.Loss)
	case c.Drift < 0 || c.Drift > maxDrift:
		return fmt.Errorf("claim of %v: a drift of %d ppm: between 0 and %d", c.Class, c.Drift, maxDrift)
	case c.Processes < 0 || c.Processes == 1 || c.Processes > maxPlanned:
		return fmt.Errorf("claim of %v: %d processes: between 2 and %d", c.Class, c.Processes, maxPlanned)
	}
	return nil
}

// eventual tells whether the class promises accuracy only from some time on.
func (c Claim) eventual() bool { return c.Class.Accuracy() >= model.EventualStrongAccuracy }

// by returns when the conditions begin to hold at the latest.
func (c Claim) by() model.Duration {
	if c.By > 0 {
		return c.By
	}
	return 4*c.Within + c.Settle
}

// most returns the largest number of processes, and crashes that of those that crash of n.
func (c Claim) most() int {
	if c.Processes == 0 {
		return 5
	}
	return c.Processes
}

func (c Claim) crashes(n int) int {
	most := n - 1
	if c.Crashes >= 0 {
		most = min(c.Crashes, most)
	}
	if c.Minority {
		most = min(most, (n-1)/2)
	}
	return most
}

// Plan returns a failure plan within the claim's conditions, which follows from the seed.
func (c Claim) Plan(seed uint64) *Plan {
	s := sim.NewStream(seed, "plan")
	upTo := func(d model.Duration) model.Duration {
		if d <= 0 {
			return 0
		}
		return model.Duration(s.Uint64() % uint64(d+1))
	}
	n := 2 + s.IntN(c.most()-1)
	p := &Plan{Seed: s.Uint64() >> 1, Processes: n, Delay: c.Delay, Ordered: c.Ordered}
	if s.IntN(4) == 0 {
		p.Delay = upTo(c.Delay)
	}
	if s.IntN(4) > 0 {
		p.Loss = c.Loss
	}
	if c.Eventually && s.IntN(5) > 0 {
		p.Settles = upTo(c.by())
	}
	for range n {
		p.Starts = append(p.Starts, upTo(c.Starts))
		if c.Eventually { // a process that has not started keeps no conditions
			p.Settles = max(p.Settles, p.Starts[len(p.Starts)-1])
		}
	}
	calm := p.Settles + max(c.Settle, c.Within)
	p.Horizon = calm + 4*c.Within + c.Starts
	for range n {
		p.Drifts = append(p.Drifts, int64(s.Uint64()%uint64(2*c.Drift+1))-c.Drift)
	}
	victims := s.IntN(c.crashes(n) + 1)
	for q := range n {
		if s.IntN(n-q) >= victims {
			continue
		}
		victims--
		x := Crash{Process: model.ProcessID(q), At: upTo(calm + 2*c.Within)}
		if c.Recover && s.IntN(2) == 0 {
			x.For = 1 + upTo(2*c.Within)
		}
		p.Crashes = append(p.Crashes, x)
	}
	paused := model.ProcessSet(0) // once: two pauses that touch are one that is too long
	for range s.IntN(3) {
		if c.Pause <= 0 {
			continue
		}
		if x := (Pause{model.ProcessID(s.IntN(n)), upTo(p.Horizon), upTo(c.Pause)}); !paused.Has(x.Process) {
			paused |= model.ProcessesOf(x.Process)
			p.Pauses = append(p.Pauses, x)
		}
	}
	if p.Settles == 0 {
		return p
	}
	span := func() (at, lasts model.Duration) {
		at = upTo(p.Settles)
		return at, upTo(p.Settles - at)
	}
	for range s.IntN(3) {
		x := Storm{Loss: []float64{0, 0.5, 1}[s.IntN(3)]}
		x.At, x.For = span()
		x.Delay = upTo(p.Settles - x.At - x.For) // all is there before the conditions hold
		p.Storms = append(p.Storms, x)
	}
	for range s.IntN(3) {
		x := Partition{Group: model.ProcessSet(s.Uint64()) & (1<<n - 1), OneWay: s.IntN(3) == 0}
		x.At, x.For = span()
		p.Partitions = append(p.Partitions, x)
	}
	for range s.IntN(2) {
		x := Pause{Process: model.ProcessID(s.IntN(n))}
		x.At, x.For = span()
		p.Pauses = append(p.Pauses, x)
	}
	return p
}

// allows tells whether plan p, which was made smaller, is still within the conditions.
func (c Claim) allows(p *Plan) bool {
	var down model.ProcessSet
	for _, x := range p.Crashes {
		down |= model.ProcessesOf(x.Process)
	}
	return p.Check() == nil && p.Processes >= 2 && down.Size() <= c.crashes(p.Processes)
}

// judge runs plan p and returns the judgement of the completeness, or of the accuracy, of
// the class.
func (c Claim) judge(p *Plan, factory Factory, accuracy bool, observe func(*model.Record)) (Result, Counts) {
	env := Env{N: p.Processes, Watch: WatchAll(p.Processes), Starts: true}
	name := strings.ReplaceAll(c.Class.Completeness().String(), " ", "-")
	given := map[string]string{"within": c.Within.String()}
	switch {
	case accuracy:
		name = strings.ReplaceAll(c.Class.Accuracy().String(), " ", "-")
		given = nil
		if c.eventual() && c.Settle > 0 {
			given = map[string]string{"from": (p.Settles + c.Settle).String()}
		} else if c.eventual() {
			given = map[string]string{"mistakes": fmt.Sprint(c.Mistakes)}
		}
	case p.Settles > 0:
		env.WarmUp = model.Time(p.Settles + c.Within)
	}
	spec, ok := Lookup(name)
	if !ok {
		panic("properties: no property is named " + name)
	}
	params, errs := model.NewParams(spec.Params, given)
	if len(errs) > 0 {
		panic(errs[0])
	}
	checker, err := spec.New(env, params)
	if err != nil {
		panic(err)
	}
	kinds := checker.Kinds()
	standing := make(map[[2]model.ProcessID]model.Record)
	counts := p.Run(factory, func(r *model.Record) {
		if kinds.Has(r.Kind) {
			checker.Observe(r)
		}
		switch pair := [2]model.ProcessID{r.Process, r.Peer}; r.Kind {
		case model.Suspected:
			if r.Failure.HostFailure() {
				standing[pair] = *r
			}
		case model.Trusted:
			delete(standing, pair)
		}
		if observe != nil {
			observe(r)
		}
	})
	result := checker.Finish(model.Time(p.Horizon))
	if accuracy && c.eventual() && c.Settle == 0 && result.Outcome == Inconclusive {
		c.lasting(p, standing, &result)
	}
	return result, counts
}

// lasting makes a result, which a mistake that stands at the end of the run has left
// open, a violation if that has stood for too long.
func (c Claim) lasting(p *Plan, standing map[[2]model.ProcessID]model.Record, result *Result) {
	faulty := model.ProcessSet(0)
	for _, x := range p.Crashes {
		faulty |= model.ProcessesOf(x.Process)
	}
	latest := model.Time(p.Horizon - c.Within)
	for q := range model.ProcessID(p.Processes) {
		for peer := range model.ProcessID(p.Processes) {
			r, ok := standing[[2]model.ProcessID{q, peer}]
			if ok && !faulty.Has(q) && !faulty.Has(peer) && max(r.At, model.Time(p.Settles)) < latest {
				result.Outcome = Violated
				result.Reason = fmt.Sprintf("p%d suspects p%d from %v on until the end at %v: a mistake that lasts for longer than %v", q, peer, r.At, p.Horizon, c.Within)
				return
			}
		}
	}
}

// Subject is one thing that the suite finds out.
type Subject struct {
	Name    string
	Outcome Outcome
	Reason  string
	Runs    int

	// Judged is in how many of the runs there was something to judge, as a crash that lasts
	// is for completeness, and it held.
	Judged int

	// First is the number of the first plan in which it is violated, from 1 on. Plan is
	// the smallest one that was found, and Shrunk how many steps led to it.
	First  int
	Plan   *Plan
	Shrunk int
}

// Suite tests a detector against a claim, over random failure plans.
type Suite struct {
	New   Factory
	Claim Claim

	Seed uint64 // from which all plans follow
	Runs int    // plans for each subject; 0 is for 200

	// Stop, unless nil, is asked before each run whether to end, and why.
	Stop func() error

	counts Counts
	judged [2]int // plans in which completeness, and accuracy, was judged and no vacuous
}

// The subjects of a suite, in their order.
const (
	Complete = "completeness"
	Accurate = "accuracy"
	Copies   = "copies"
	Outside  = "outside"
	Coverage = "coverage"
)

// Subjects returns their names, in the order in which [Suite.Examine] takes them: the last
// one is about the runs of those before.
func Subjects() []string { return []string{Complete, Accurate, Copies, Outside, Coverage} }

// Examine examines the subject of the given name.
//
//   - completeness and accuracy are those of the class, over plans within the conditions;
//   - copies: a run in which every automaton is replaced before every step by one that
//     loads its encoded state, or by its clone while it takes the step itself too, or is
//     woken up earlier than it asked for, goes as without;
//   - outside: where a process is cut off for ever, there is a mistake. A detector that is
//     complete cannot do otherwise, and a suite that does not see it sees nothing;
//   - coverage: what the claim speaks of has happened in the runs so far.
//
// The outcome of a suite that is stopped before it has found a violation is Inconclusive.
func (s *Suite) Examine(name string) Subject {
	switch name {
	case Complete:
		return s.over(name, func(p *Plan) (bool, string) { return s.holds(p, false) })
	case Accurate:
		return s.over(name, func(p *Plan) (bool, string) { return s.holds(p, true) })
	case Copies:
		return s.over(name, s.copies)
	case Outside:
		return s.outside()
	case Coverage:
		return s.coverage()
	}
	panic("properties: the suite has no subject " + name)
}

// Rerun judges the subject of the given name, one of those that are about plans, by one
// plan.
func (s *Suite) Rerun(name string, p *Plan) (found Subject) {
	if name != Complete && name != Accurate && name != Copies {
		panic("properties: the subject " + name + " is not about one plan")
	}
	found = Subject{Name: name, Runs: 1, Outcome: Holds}
	defer func() {
		if r := recover(); r != nil {
			found.Outcome, found.Plan, found.Reason = Violated, p, fmt.Sprintf("the detector panics: %v", r)
		}
	}()
	var ok bool
	if name == Copies {
		ok, found.Reason = s.copies(p)
	} else {
		ok, found.Reason = s.holds(p, name == Accurate)
	}
	if !ok {
		found.Outcome, found.Plan = Violated, p
	}
	return found
}

// holds judges one plan.
func (s *Suite) holds(p *Plan, accuracy bool) (ok bool, reason string) {
	result, counts := s.Claim.judge(p, s.New, accuracy, nil)
	s.counts.Merge(counts)
	if result.Outcome == Holds {
		i := 0
		if accuracy {
			i = 1
		}
		s.judged[i]++
	}
	return result.Outcome != Violated, result.Reason
}

// drawn is a source of choices that keeps whether it was asked for one.
type drawn struct{ asked bool }

func (d *drawn) IntN(int) int {
	d.asked = true
	return 0
}

// copies compares a run with three in which automata are replaced or woken up early.
func (s *Suite) copies(p *Plan) (ok bool, reason string) {
	var hashes [4]sim.Hash
	var broken error
	var out model.Output
	for i, replace := range []meddler{
		nil,
		func(_ model.ProcessID, a model.Automaton, local model.Time, in *model.Input, _ bool) model.Automaton {
			b, other := a.Clone(), *in
			other.Random = new(drawn)
			out.Reset()
			a.Step(local, &other, &out) // what happens to it must not matter to its clone
			return b
		},
		func(q model.ProcessID, a model.Automaton, local model.Time, _ *model.Input, early bool) model.Automaton {
			if !early || broken != nil {
				return a
			}
			var choices drawn
			out.Reset()
			a.Step(local, &model.Input{Kind: model.Wake, Random: &choices}, &out)
			if choices.asked || len(out.Send)+len(out.Verdicts)+len(out.Announcements) > 0 {
				broken = fmt.Errorf("process %d is woken up at %v, earlier than it asked for, and does not let it pass: it sends %d messages, gives %d verdicts, or makes a choice", q, local, len(out.Send), len(out.Verdicts))
			}
			return a
		},
		func(q model.ProcessID, a model.Automaton, local model.Time, _ *model.Input, _ bool) model.Automaton {
			b := s.New(q, p.Processes)
			rest, err := b.LoadState(a.AppendState(nil, local), local)
			if err == nil && len(rest) > 0 {
				err = fmt.Errorf("%d bytes are left over", len(rest))
			}
			if err != nil {
				broken = fmt.Errorf("process %d cannot load at %v what it has encoded: %w", q, local, err)
				return a
			}
			return b
		},
	} {
		p.run(s.New, hashes[i].Observe, replace)
	}
	switch {
	case broken != nil:
		return false, broken.Error()
	case hashes[1] != hashes[0]:
		return false, "a clone does not go on as what it was made of"
	case hashes[2] != hashes[0]:
		return false, "an automaton that is woken up earlier than it asked for does not go on as one that is not"
	case hashes[3] != hashes[0]:
		return false, "an automaton that loads an encoded state does not go on as the one that encoded it"
	}
	return true, ""
}

// over examines a subject over random plans, and shrinks one for which it fails.
func (s *Suite) over(name string, test func(*Plan) (bool, string)) Subject {
	found := Subject{Name: name, Outcome: Holds}
	before := s.judged
	var stopped error
	params := gopter.DefaultTestParametersWithSeed(int64(subSeed(s.Seed, name)))
	params.MinSuccessfulTests = s.Runs
	if s.Runs == 0 {
		params.MinSuccessfulTests = 200
	}
	params.MaxShrinkCount = 2000
	smallest := func(p *Plan) *gopter.PropResult {
		if stopped == nil && s.Stop != nil {
			stopped = s.Stop()
		}
		if stopped != nil {
			return &gopter.PropResult{Status: gopter.PropTrue}
		}
		found.Runs++
		ok, reason := false, ""
		defer func() { // also if it panics
			if !ok && found.First == 0 {
				found.First = found.Runs
			}
		}()
		if ok, reason = test(p); !ok {
			found.Plan, found.Reason = p, reason
			return &gopter.PropResult{Status: gopter.PropFalse}
		}
		return &gopter.PropResult{Status: gopter.PropTrue}
	}
	sooner := name == Copies || name == Accurate && !s.Claim.eventual()
	result := prop.ForAll(smallest, s.Claim.plans(sooner)).Check(params)
	switch {
	case result.Status == gopter.TestFailed: // also if it was stopped while it shrank
		found.Outcome = Violated
		for _, a := range result.Args {
			found.Shrunk = a.Shrinks
		}
	case result.Status == gopter.TestError:
		found.Outcome, found.Reason = Violated, fmt.Sprintf("the detector panics: %v", result.Error)
		for _, a := range result.Args {
			found.Plan, _ = a.Arg.(*Plan)
			found.Shrunk = a.Shrinks
		}
	case stopped != nil:
		found.Outcome, found.Reason = Inconclusive, "stopped: "+stopped.Error()
	}
	switch name {
	case Complete:
		found.Judged = s.judged[0] - before[0]
	case Accurate:
		found.Judged = s.judged[1] - before[1]
	default:
		found.Judged = found.Runs
	}
	return found
}

// plans generates plans within the claim that shrink, and may end sooner when they do.
func (c Claim) plans(sooner bool) gopter.Gen {
	shrink := func(value any) gopter.Shrink {
		var simpler []*Plan
		for p := range value.(*Plan).simpler(sooner) {
			if c.allows(p) {
				simpler = append(simpler, p)
			}
		}
		i := 0
		return func() (any, bool) {
			if i == len(simpler) {
				return nil, false
			}
			i++
			return simpler[i-1], true
		}
	}
	return func(g *gopter.GenParameters) *gopter.GenResult {
		return gopter.NewGenResult(c.Plan(g.Rng.Uint64()), shrink)
	}
}

// subSeed returns the seed of a subject: what others draw does not depend on it.
func subSeed(seed uint64, name string) uint64 { return sim.NewStream(seed, "suite/"+name).Uint64() }

// outside runs a process that is cut off from another one, or from two if one of two may not
// crash.
func (s *Suite) outside() (found Subject) {
	p := &Plan{Processes: 2, Seed: s.Seed, Delay: s.Claim.Delay, Ordered: s.Claim.Ordered, Loss: 1}
	p.Horizon = 4*s.Claim.Within + s.Claim.Settle + s.Claim.Starts
	if s.Claim.Minority && s.Claim.most() > 2 { // of two, none may crash
		p.Processes, p.Loss = 3, 0
		p.Partitions = []Partition{{For: p.Horizon + 1, Group: model.ProcessesOf(2)}}
	}
	found = Subject{Name: Outside, Runs: 1, Judged: 1, Outcome: Holds}
	defer func() {
		if r := recover(); r != nil {
			found.Outcome, found.Plan, found.Reason = Violated, p, fmt.Sprintf("the detector panics: %v", r)
		}
	}()
	counts := p.Run(s.New, nil)
	if counts.Mistakes == 0 {
		found.Outcome, found.Plan = Violated, p
		found.Reason = fmt.Sprintf("%d processes, of which one hears nothing of the others for %v, nor they of it, trust each other: they cannot tell it from a crash, which they would have to suspect", p.Processes, p.Horizon)
	}
	return found
}

// coverage tells what the runs so far have not shown though the claim speaks of it.
func (s *Suite) coverage() Subject {
	c := s.counts
	var missing []string
	need := func(speaks bool, times int, what string) {
		if speaks && times == 0 {
			missing = append(missing, what)
		}
	}
	claim := s.Claim
	crashes := claim.Crashes != 0
	need(true, c.Delivered, "a message arrived")
	need(crashes, c.Crashes, "a process crashed")
	need(crashes, c.Detections, "a crash was suspected")
	need(crashes && claim.Recover, c.Recoveries, "a process recovered")
	need(claim.Loss > 0 || claim.Eventually, c.Lost, "a message was lost")
	need(claim.Eventually, c.Late, "a message was later than the conditions allow")
	need(claim.Pause > 0 || claim.Eventually, c.Paused, "an input waited for a process that paused")
	need(claim.Eventually, c.Mistakes, "a wrong suspicion occurred")
	need(crashes, s.judged[0], "completeness was judged and held")
	need(true, s.judged[1], "accuracy was judged and held")
	found := Subject{Name: Coverage, Outcome: Holds, Reason: fmt.Sprintf("%d messages, %d lost, %d late; %d crashes, %d suspected; %d mistakes",
		c.Sent, c.Lost, c.Late, c.Crashes, c.Detections, c.Mistakes)}
	if len(missing) > 0 {
		found.Outcome = Violated
		found.Reason = "vacuous: it never happened that " + strings.Join(missing, ", nor that ")
	}
	return found
}

// Story returns what happened in a run of the plan, but for messages, one line each.
func (s *Suite) Story(p *Plan) []string {
	var lines []string
	p.Run(s.New, func(r *model.Record) {
		if !slices.Contains([]model.RecordKind{model.Sent, model.Delivered, model.Dropped}, r.Kind) {
			lines = append(lines, r.String())
		}
	})
	return lines
}
