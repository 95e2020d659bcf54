package run

import (
	"fmt"
	"iter"

	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
	"suspect/qjump"
	"suspect/sim"
)

// limitHosts gives every host a limiter for each level.
func (m *simulation) limitHosts() error {
	q := m.scenario.QJump
	if q == nil {
		return nil
	}
	for h, limiters := range hostLimiters(m.scenario, m.kernel.Stream) {
		for i, level := range q.Table.Levels {
			l, err := qjump.NewLimiter(limiters[i])
			if err != nil {
				return err
			}
			m.network.SetLimiter(h, level.Priority, l, q.Lower(level.Priority))
		}
	}
	return nil
}

// hostLimiters yields for each host what describes its limiters, in the order of levels.
// Phases that are not listed are drawn from a stream of the host.
func hostLimiters(s *scenario.Scenario, stream func(name string) *sim.Stream) iter.Seq2[network.NodeID, []qjump.LimiterConfig] {
	type place struct {
		host     network.NodeID
		priority model.Priority
	}
	q := s.QJump
	listed := make(map[place]model.Duration, len(q.Phases))
	for _, p := range q.Phases {
		listed[place{p.Host, p.Priority}] = p.Phase
	}
	return func(yield func(network.NodeID, []qjump.LimiterConfig) bool) {
		limiters := make([]qjump.LimiterConfig, len(q.Table.Levels)) // lent
		for h, name := range s.Network.Topology.Names[:s.Processes()] {
			phases := stream("qjump/phase/" + name)
			for i, level := range q.Table.Levels {
				limiters[i] = limiterConfig(q, i, phases)
				if phase, is := listed[place{network.NodeID(h), level.Priority}]; is {
					limiters[i].Phase = phase
				}
			}
			if !yield(network.NodeID(h), limiters) {
				return
			}
		}
	}
}

// limitTraffic gives a traffic its own limiters, if it has any, with phases from a
// stream for each of them.
func (m *simulation) limitTraffic(t *network.Traffic) error {
	q := m.scenario.QJump
	if q == nil || t.Limiter != network.OwnLimiter {
		return nil
	}
	for _, x := range t.Senders() {
		i, is := q.Level(x.Priority)
		if !is {
			continue
		}
		stream := fmt.Sprintf("traffic/%q/%q/limiter/%d", t.Name, m.network.Topology().Names[x.Host], x.Priority)
		l, err := qjump.NewLimiter(limiterConfig(q, i, m.kernel.Stream(stream)))
		if err != nil {
			return err
		}
		m.network.SetOwnLimiter(t.Name, x.Host, x.Priority, l, q.Lower(x.Priority))
	}
	return nil
}

// limiterConfig describes a limiter of level i, with a phase that is drawn from the
// stream.
func limiterConfig(q *scenario.QJump, i int, stream *sim.Stream) qjump.LimiterConfig {
	c := q.Table.Limiter(i, q.Limiter)
	c.Drops = q.Excess != scenario.DelayExcess
	if q.Limiter == qjump.FixedWindow {
		phase := q.Phase
		if q.RandomPhase {
			phase = sim.Distribution{Kind: sim.Uniform, High: c.Epoch}
		}
		c.Phase = phase.Sample(stream)
	}
	return c
}
