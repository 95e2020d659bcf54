package detectors

import (
	"fmt"

	"suspect/model"
)

// Env is what a detector is told about its system.
type Env struct {
	Self     model.ProcessID
	N        int               // the processes are 0..N-1
	Watch    []model.ProcessID // whom it monitors, increasing, without Self
	Watchers []model.ProcessID // who monitors it, increasing, without Self

	// Map is that of the network, for detectors that ask its agents; nil where there is
	// no network. It is shared and not to be changed.
	Map *model.Graph
}

// Check returns an error that says what is wrong with e, or nil.
func (e Env) Check() error {
	if e.Self < 0 || int(e.Self) >= e.N {
		return fmt.Errorf("process %d is not one of the %d processes 0..%d", e.Self, e.N, e.N-1)
	}
	for _, list := range [][]model.ProcessID{e.Watch, e.Watchers} {
		last := model.Nobody
		for _, p := range list {
			if p <= last || int(p) >= e.N || p == e.Self {
				return fmt.Errorf("process %d: the list of peers %v must be increasing, from 0..%d, and without %d", e.Self, list, e.N-1, e.Self)
			}
			last = p
		}
	}
	return nil
}

// Spec describes a detector to the registry.
type Spec struct {
	Name   string // as scenarios write it
	Source string // the publication, with section, figure or the algorithm's name there
	Doc    string // one sentence

	// Claims are what the detector promises, each with the synchrony it needs.
	Claims []model.Claim

	Params []model.Param

	// Heartbeats tells that the detector sends and consumes nothing but the
	// standard heartbeat (see [Heartbeats]) and has its parameters, so that
	// several such detectors can live on the same packets.
	Heartbeats bool

	// Asks tells that the detector sends messages to the agents of hosts and switches and
	// lives on their evidence: it needs [Env].Map.
	Asks bool

	// Typed tells that its verdicts name kinds of failure: it is a [Typed] one.
	Typed bool

	// Kinds are those that the verdicts of a typed detector may name, in increasing
	// order. The others it cannot see.
	Kinds []model.FailureKind

	// New makes the detector of one process. Its error is the user's: a
	// *[model.ParamError] where a single parameter is at fault.
	New func(env Env, p model.Params) (model.Automaton, error)
}

var registry model.Registry[Spec]

// Register adds s to the registry. It is called from init functions and panics when s
// lacks New, or as [model.Registry.Add] does: a name that is empty or taken, or a slip
// in the parameters.
func Register(s Spec) {
	if s.New == nil {
		panic(fmt.Sprintf("detectors: %q has no New", s.Name))
	}
	registry.Add(s.Name, s.Params, s)
}

// Lookup returns the detector of the given name.
func Lookup(name string) (Spec, bool) { return registry.Lookup(name) }

// All returns the registered detectors, sorted by name.
func All() []Spec { return registry.All() }

// longest is the longest duration that a parameter may have (160 hours): a time
// of a run plus a few of them does not overflow.
const longest = model.Duration(model.MaxTime / 8)

// duration returns the duration parameter of the given name, if it lies between
// least and longest.
func duration(p model.Params, name string, least model.Duration) (model.Duration, error) {
	d := p.Duration(name)
	if d < least {
		return 0, &model.ParamError{Name: name, Err: fmt.Errorf("%v is too short: at least %v", d, least)}
	}
	if d > longest {
		return 0, &model.ParamError{Name: name, Err: fmt.Errorf("%v is too long: at most %v", d, longest)}
	}
	return d, nil
}
