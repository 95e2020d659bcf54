package reproduce

import (
	"context"
	"fmt"
	"slices"

	runner "suspect/experiments/run"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/properties"
)

// matrixRecords is what one replication of a cell showed of one detector.
type matrixRecords struct {
	pairs         []affected // those between whom something failed
	crashes       int        // of processes
	strayed       int        // reports on pairs between whom nothing did, nor had shortly before
	discriminated *properties.Discriminated
	judged        []properties.Result // by matrixProperties

	messages, evidence int64 // bytes, after the warm-up
	seconds            float64
	processes          int
}

// An affected pair is one between which a failure began when the fault was in force.
type affected struct {
	monitor  model.ProcessID
	label    model.FailureKind // by which the first failure is called
	detected bool
	time     model.Duration // from the beginning of the failure to the first word
	first    model.FailureKind
	right    bool              // a kind was said that held then, or had shortly before
	named    model.FailureKind // the first such
}

// A coverage is a fold over the records of a run that tells what a detector said, and when,
// of those pairs between whom the fault made something fail. A word that stood when the
// failure began counts as said at once; one that comes matrixStale after its end does not
// count, nor one that comes after the fault has healed. Pairs whose monitor crashed count from then on for nothing.
type coverage struct {
	env     properties.Env
	at      map[[2]model.ProcessID]int
	pairs   []covered
	strayed int
	crashes int
}

type covered struct {
	holds, said model.FailureSet
	silenced    bool                           // the monitor crashed
	since       model.Time                     // the beginning of the first failure, or Never
	last        [model.FailureKinds]model.Time // when each held last; -1: never
	affected
}

func newCoverage(env properties.Env) *coverage {
	c := &coverage{env: env, at: make(map[[2]model.ProcessID]int)}
	for p, peers := range env.Watch {
		for _, q := range peers {
			c.at[[2]model.ProcessID{model.ProcessID(p), q}] = len(c.pairs)
			x := covered{since: model.Never, affected: affected{monitor: model.ProcessID(p)}}
			for k := range x.last {
				x.last[k] = -1
			}
			c.pairs = append(c.pairs, x)
		}
	}
	return c
}

// Kinds returns the records that the fold wants.
func (c *coverage) Kinds() model.Kinds {
	return model.KindSet(model.FailureBegan, model.FailureEnded, model.Suspected, model.Trusted, model.Crashed)
}

// Observe takes the next record.
func (c *coverage) Observe(r *model.Record) {
	if r.Kind == model.Crashed {
		for _, q := range c.env.Watch[r.Process] {
			c.pairs[c.at[[2]model.ProcessID{r.Process, q}]].silenced = true
		}
		c.crashes++
		return
	}
	i, ok := c.at[[2]model.ProcessID{r.Process, r.Peer}]
	if !ok {
		return
	}
	x, bit := &c.pairs[i], model.FailuresOf(r.Failure)
	if x.silenced {
		return
	}
	switch r.Kind {
	case model.FailureBegan:
		if r.Failure == model.Congestion && r.Detector != 0 {
			return
		}
		x.holds |= bit
		if r.At < model.Time(matrixStrikes) || r.At >= model.Time(matrixHeals) {
			return
		}
		if x.since == model.Never {
			x.since = r.At
			x.label = r.Failure
		} else if r.At == x.since {
			x.label, _ = x.holds.Label()
		}
		if x.said != 0 {
			x.hear(x.said, r.At)
		}
	case model.FailureEnded:
		if r.Failure == model.Congestion && r.Detector != 0 {
			return
		}
		x.holds &^= bit
		x.last[r.Failure] = r.At
	case model.Trusted:
		if r.Detector == c.env.Detector {
			x.said &^= bit
		}
	case model.Suspected:
		if r.Detector != c.env.Detector || r.Warning {
			return
		}
		x.said |= bit
		if recent := x.recent(r.At); recent != 0 {
			x.hear(bit, r.At)
		} else if r.At >= model.Time(matrixWarmUp) {
			c.strayed++
		}
	}
}

// recent returns what holds, or has held shortly before.
func (x *covered) recent(now model.Time) model.FailureSet {
	recent := x.holds
	for k, last := range x.last {
		if last >= 0 && now.Sub(last) <= matrixStale {
			recent |= model.FailuresOf(model.FailureKind(k))
		}
	}
	return recent
}

// hear takes in what is said while something holds, or shortly after.
func (x *covered) hear(said model.FailureSet, now model.Time) {
	if x.since == model.Never || now >= model.Time(matrixHeals) {
		return // it was so before the fault, or comes from its end
	}
	if !x.detected {
		x.detected, x.time = true, now.Sub(x.since)
		x.first, _ = said.Label()
	}
	if said &= x.recent(now); said != 0 && !x.right {
		x.right = true
		x.named, _ = said.Label()
	}
}

// affected returns the pairs that the fault affected.
func (c *coverage) affected() (pairs []affected) {
	for i := range c.pairs {
		if x := &c.pairs[i]; x.since != model.Never && (x.detected || !x.silenced) {
			pairs = append(pairs, c.pairs[i].affected)
		}
	}
	return pairs
}

// matrixKinds are those that applications should be told apart, list A, with the name by
// which properties know them.
var matrixKinds = []struct {
	name  string
	kinds model.FailureSet
}{
	{"host-failure", model.FailuresOf(model.ProcessCrash, model.HostCrash)},
	{"congestion", model.FailuresOf(model.Congestion)},
	{"route-failure", model.FailuresOf(model.RouteFailure)},
	{"partition", model.FailuresOf(model.Partition)},
}

// matrixProperties are judged of every detector in every run, two of each of matrixKinds.
func matrixProperties() (all []matrixProperty) {
	for _, k := range matrixKinds {
		all = append(all,
			matrixProperty{k.name + "-completeness", map[string]string{"within": "1s"}},
			matrixProperty{k.name + "-accuracy", map[string]string{"stale": matrixStale.String()}})
	}
	return all
}

type matrixProperty struct {
	name  string
	given map[string]string
}

// checker returns a checker of the property.
func (p matrixProperty) checker(env properties.Env) (properties.Checker, error) {
	spec, ok := properties.Lookup(p.name)
	if !ok {
		panic(fmt.Sprintf("reproduce: no property %q", p.name))
	}
	params, errs := model.NewParams(spec.Params, p.given)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	return spec.New(env, params)
}

// A fold takes the records of a run.
type fold interface {
	Kinds() model.Kinds
	Observe(r *model.Record)
}

// measureMatrix runs one replication of a scenario of a cell and returns what it showed of
// each of its detectors.
func measureMatrix(ctx context.Context, s *scenario.Scenario, replication int) ([]matrixRecords, error) {
	found := make([]matrixRecords, len(s.Detectors))
	var observers [model.RecordKinds][]func(*model.Record)
	wanted := model.KindSet(model.Sent)
	add := func(f fold) {
		kinds := f.Kinds()
		wanted |= kinds
		for k := range observers {
			if kinds.Has(model.RecordKind(k)) {
				observers[k] = append(observers[k], f.Observe)
			}
		}
	}
	var finish []func(end model.Time)
	for d := range s.Detectors {
		x := &found[d]
		env := properties.Env{
			N: s.Processes(), Watch: s.Monitor.Watch, WarmUp: model.Time(s.WarmUp), Starts: true, Truth: true, Detector: uint8(d),
		}
		c := newCoverage(env)
		add(c)
		told, err := properties.NewDiscrimination(env, matrixWithin, matrixStale)
		if err != nil {
			return nil, err
		}
		add(told)
		finish = append(finish, func(end model.Time) {
			x.pairs, x.crashes, x.strayed, x.discriminated = c.affected(), c.crashes, c.strayed, told.Finish(end)
			x.seconds, x.processes = end.Sub(model.Time(s.WarmUp)).Seconds(), s.Processes()
		})
		for _, p := range matrixProperties() {
			checker, err := p.checker(env)
			if err != nil {
				return nil, err
			}
			add(checker)
			finish = append(finish, func(end model.Time) { x.judged = append(x.judged, checker.Finish(end)) })
		}
	}
	first := &found[0] // those that share messages share their cost
	_, err := runner.Again(ctx, s, replication, wanted, func(r *model.Record) bool {
		if r.Kind == model.Sent && !r.Traffic && r.At >= model.Time(s.WarmUp) {
			if r.Evidence != model.NoEvidence {
				first.evidence += int64(r.Bytes)
			} else {
				first.messages += int64(r.Bytes)
			}
		}
		for _, observe := range observers[r.Kind] {
			observe(r)
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	for _, f := range finish {
		f(model.Time(s.Duration))
	}
	for d := range found[1:] {
		found[d+1].messages, found[d+1].evidence = first.messages, first.evidence
	}
	return found, nil
}

// median returns the median of durations, of which there are some: the lower one of two.
func median(list []model.Duration) model.Duration {
	list = slices.Clone(list)
	slices.Sort(list)
	return list[(len(list)-1)/2]
}

// kindTally counts kinds.
type kindTally [model.FailureKinds]int

// most returns the kind that is counted most often, the first of several.
func (t *kindTally) most() (kind model.FailureKind) {
	for k, n := range t {
		if n > t[kind] {
			kind = model.FailureKind(k)
		}
	}
	return kind
}

// total returns the sum of the counts.
func (t *kindTally) total() (sum int) {
	for _, n := range t {
		sum += n
	}
	return sum
}
