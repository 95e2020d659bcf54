package properties

import (
	"fmt"
	"slices"

	"suspect/model"
)

// Checker judges one property of one detector in one run: a fold over the records.
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

	// Detector is the one that is judged: verdicts of others are ignored.
	Detector uint8

	// WarmUp is the time from which on the run counts.
	WarmUp model.Time
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

	// New returns a checker for one run. It fails where env is malformed.
	New func(env Env, p model.Params) (Checker, error)
}

var registry []Spec

// Register adds a property, from an init function. It panics where the name is taken
// or the Spec has no name or New.
func Register(s Spec) {
	i, taken := find(s.Name)
	if taken || s.Name == "" || s.New == nil {
		panic(fmt.Sprintf("properties: cannot register %q: it is taken, or has no name or New", s.Name))
	}
	registry = slices.Insert(registry, i, s)
}

func find(name string) (int, bool) {
	return slices.BinarySearchFunc(registry, name, func(s Spec, name string) int {
		switch {
		case s.Name < name:
			return -1
		case s.Name > name:
			return 1
		}
		return 0
	})
}

// Lookup returns the property with the given name.
func Lookup(name string) (Spec, bool) {
	i, ok := find(name)
	if !ok {
		return Spec{}, false
	}
	return registry[i], true
}

// All returns the registered properties, sorted by name.
func All() []Spec { return slices.Clone(registry) }
