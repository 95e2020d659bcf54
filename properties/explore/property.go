package explore

import (
	"fmt"
	"slices"
)

// Predicate is true or false of a state.
type Predicate func(v *View) bool

// Fairness says which infinite runs count: those on which all of it happens. Runs that
// a liveness property loses only by unfairness are not held against it.
type Fairness uint8

const (
	// EventuallyStable: the bounds hold from some time on.
	EventuallyStable Fairness = 1 << iota
	// EveryoneSteps: every process that does not crash takes infinitely many steps.
	EveryoneSteps
)

// form is the shape of a property.
type form uint8

const (
	always form = iota
	recurrence
	leadsTo
)

// Property is a property of all runs of a System. Make one by [Always],
// [EventuallyAlways], [InfinitelyOften], [LeadsTo] or [Recurrence].
type Property struct {
	Name string

	// Fair says which runs count. Safety needs no fairness.
	Fair Fairness

	form   form
	holds  Predicate     // of always
	from   Predicate     // of leadsTo
	within Predicate     // of a cycle that violates: every state satisfies it; nil is true
	hits   [][]Predicate // of a cycle that violates: it hits all predicates of one row
}

// Safety tells whether the property is violated, where it is, by a finite run.
func (p Property) Safety() bool { return p.form == always }

// Always is G holds: every reachable state satisfies it. It is safety.
func Always(name string, holds Predicate) Property {
	return Property{Name: name, form: always, holds: holds}
}

// EventuallyAlways is FG holds: from some state on, every state of the run satisfies it.
func EventuallyAlways(name string, fair Fairness, holds Predicate) Property {
	return Recurrence(name, fair, []Predicate{not(holds)})
}

// InfinitelyOften is GF holds: every run satisfies it again and again.
func InfinitelyOften(name string, fair Fairness, holds Predicate) Property {
	return Property{Name: name, Fair: fair, form: recurrence, within: not(holds), hits: [][]Predicate{{}}}
}

// LeadsTo is G(when -> F then): each state that satisfies the one is, or is followed
// by, one that satisfies the other.
func LeadsTo(name string, fair Fairness, when, then Predicate) Property {
	return Property{Name: name, Fair: fair, form: leadsTo, from: when, within: not(then), hits: [][]Predicate{{}}}
}

// Recurrence is violated by the runs that satisfy, for some row, every predicate of the
// row infinitely often. With rows of one it is FG of the negations; rows of several
// serve properties as "some process is suspected by nobody from some time on", which is
// violated when each process is suspected again and again.
func Recurrence(name string, fair Fairness, rows ...[]Predicate) Property {
	return Property{Name: name, Fair: fair, form: recurrence, hits: rows}
}

func not(p Predicate) Predicate { return func(v *View) bool { return !p(v) } }

// check returns why the property cannot be judged on the graph of sys, or nil.
func (p Property) check(sys System) error {
	if j, ok := sys.(interface{ Judges(p Property) error }); ok {
		if err := j.Judges(p); err != nil {
			return err
		}
	}
	if sys.Renamings() == 1 {
		return nil
	}
	if p.Fair&EveryoneSteps != 0 {
		return fmt.Errorf("explore: %s: that every process takes steps cannot be told with symmetry, which forgets who is who from state to state; explore without", p.Name)
	}
	for _, row := range p.hits {
		if len(row) > 1 {
			return fmt.Errorf("explore: %s: several things that happen again and again, perhaps each to a process, cannot be told with symmetry, which forgets who is who from state to state; explore without", p.Name)
		}
	}
	return nil
}

// predicates returns all that the property asks of states.
func (p Property) predicates() []Predicate {
	all := slices.Concat(p.hits...)
	for _, q := range []Predicate{p.holds, p.from, p.within} {
		if q != nil {
			all = append(all, q)
		}
	}
	return all
}
