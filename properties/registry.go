package properties

import (
	"fmt"

	"suspect/model"
)

// Checker judges one property, of one detector or of the network, in one run: a fold
// over the records.
type Checker interface {
	// Kinds returns the kinds of records that Observe wants to see.
	Kinds() model.Kinds

	// Observe takes the next record. The record is lent for the call.
	Observe(r *model.Record)

	// Finish ends the run at the time end, which is not before the last record, and
	// returns the judgement. It is called once.
	Finish(end model.Time) Result
}

// Env is what a checker is told about the system.
type Env struct {
	N     int                 // the processes are 0..N-1
	Watch [][]model.ProcessID // whom each process monitors, increasing, without itself
	Names []string            // of the processes, for reasons; nil: "p0", "p1"...

	// Detector is the one that is judged: verdicts of others are ignored. A property of
	// the network ignores all.
	Detector uint8

	// WarmUp is the time from which on the run counts.
	WarmUp model.Time

	// Starts tells that a process runs only from its [model.Started] record on.
	// Without it all run from time 0, and such records are ignored.
	Starts bool

	// Truth tells that the records of the ground truth are told: [model.FailureBegan] and
	// [model.FailureEnded]. Properties of kinds of failure need them.
	Truth bool

	// Bounds are what is promised of the latency at each priority, for properties
	// that are given no bound of their own.
	Bounds [model.Priorities]Bound
}

// Bound is a promise about latency.
type Bound struct {
	Delay model.Duration // 0: there is none
	Why   string         // there is none
}

// name returns the name of process p.
func (env Env) name(p model.ProcessID) string {
	if env.Names == nil {
		return fmt.Sprintf("p%d", p)
	}
	return env.Names[p]
}

// WatchAll returns the Watch of n processes each of which monitors every other.
func WatchAll(n int) [][]model.ProcessID {
	watch := make([][]model.ProcessID, n)
	for p := range watch {
		for q := range n {
			if q != p {
				watch[p] = append(watch[p], model.ProcessID(q))
			}
		}
	}
	return watch
}

func (env Env) validate() error {
	if len(env.Watch) != env.N {
		return fmt.Errorf("properties: %d processes, but Watch has %d rows", env.N, len(env.Watch))
	}
	if env.Names != nil && len(env.Names) != env.N {
		return fmt.Errorf("properties: %d processes, but %d names", env.N, len(env.Names))
	}
	if env.WarmUp < 0 {
		return fmt.Errorf("properties: the warm-up ends at the negative time %v", env.WarmUp)
	}
	for p, row := range env.Watch {
		last := model.ProcessID(-1)
		for _, q := range row {
			if q <= last || int(q) >= env.N || int(q) == p {
				return fmt.Errorf("properties: p%d cannot monitor p%d: Watch is increasing, below %d and without the process itself", p, q, env.N)
			}
			last = q
		}
	}
	return nil
}

// Spec describes a property that scenarios can ask for.
type Spec struct {
	Name   string // as in "strong-completeness"
	Source string // paper and section
	Doc    string // what it says, its bounded form, and the unit of Result.Checked
	Params []model.Param

	// OfNetwork tells that the property is about packets and no verdict: it is judged
	// once in a run, however many detectors there are, and with several settings of its
	// parameters where that is asked for.
	OfNetwork bool

	// Truth tells that it needs [Env].Truth.
	Truth bool

	// New returns a checker for one run. It fails where env is malformed.
	New func(env Env, p model.Params) (Checker, error)
}

var registry model.Registry[Spec]

// Register adds a property. It is called from init functions and panics when s lacks
// New, or as [model.Registry.Add] does: a name that is empty or taken, or a slip in the
// parameters.
func Register(s Spec) {
	if s.New == nil {
		panic(fmt.Sprintf("properties: %q has no New", s.Name))
	}
	registry.Add(s.Name, s.Params, s)
}

// Lookup returns the property with the given name.
func Lookup(name string) (Spec, bool) { return registry.Lookup(name) }

// All returns the registered properties, sorted by name.
func All() []Spec { return registry.All() }
