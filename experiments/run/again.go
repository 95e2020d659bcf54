package run

import (
	"context"
	"errors"

	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
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
	seed := replicationSeed(s.Seed, replication)
	for h, name := range s.Network.Topology.Names[:s.Processes()] {
		stream := sim.NewStream(seed, "qjump/phase/"+name)
		for i, level := range q.Table.Levels {
			x := scenario.Phase{Host: network.NodeID(h), Priority: level.Priority, Phase: limiterConfig(q, i, stream).Phase}
			for _, p := range q.Phases {
				if p.Host == x.Host && p.Priority == x.Priority {
					x.Phase = p.Phase
				}
			}
			all = append(all, x)
		}
	}
	return all
}
