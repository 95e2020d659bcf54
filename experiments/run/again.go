package run

import (
	"context"
	"errors"
	"slices"

	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/qjump"
	"suspect/sim"
)

// errEnough ends a run that has shown what it was for.
var errEnough = errors.New("enough")

// Again runs one replication of s, from 0, and hands its records of the given kinds to
// observe, until the end or until observe returns false; a record is lent for the call.
// It returns the number of events. The error is as that of [Run].
func Again(ctx context.Context, s *scenario.Scenario, replication int, kinds model.Kinds, observe func(*model.Record) (more bool)) (events uint64, err error) {
	m, err := newSimulation(s, replication)
	if err != nil {
		return 0, err
	}
	more := true
	m.kernel.Records.Subscribe(kinds, func(r *model.Record) { more = more && observe(r) })
	err = m.kernel.Run(model.Time(s.Duration), sim.Budget{Stop: func() error {
		switch {
		case ctx.Err() != nil:
			return ErrInterrupted
		case !more:
			return errEnough
		}
		return nil
	}})
	if err == errEnough {
		err = nil
	}
	return m.kernel.Events(), err
}

// Phases returns when the fixed windows of every limiter that hosts have for all they send
// begin in a replication of s: those that are drawn, and those that s lists. There are none
// without fixed windows.
func Phases(s *scenario.Scenario, replication int) (all []scenario.Phase) {
	q := s.QJump
	if q == nil || q.Limiter != qjump.FixedWindow {
		return nil
	}
	for h, limiters := range hostLimiters(s, streams(s, replication)) {
		for i, level := range q.Table.Levels {
			all = append(all, scenario.Phase{Host: h, Priority: level.Priority, Phase: limiters[i].Phase})
		}
	}
	return all
}

// Faults returns the faults of s with the names of the elements that they strike in a
// replication.
func Faults(s *scenario.Scenario, replication int) []scenario.Fault {
	stream := streams(s, replication)
	all := slices.Clone(s.Faults)
	for i := range all {
		f := &all[i]
		if f.Redraw {
			continue // it strikes others, time and again
		}
		f.Params = f.Spec.Settle(f.Params, &s.Network.Topology, stream(f.Stream))
	}
	return all
}

// streams returns the random streams of a replication by their names.
func streams(s *scenario.Scenario, replication int) func(name string) *sim.Stream {
	seed := replicationSeed(s.Seed, replication)
	return func(name string) *sim.Stream { return sim.NewStream(seed, name) }
}
