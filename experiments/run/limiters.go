package run

import (
	"fmt"

	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
	"suspect/qjump"
	"suspect/sim"
)

// limitHosts gives every host a limiter for each level. The phases of a host come from
// its own stream.
func (m *simulation) limitHosts() error {
	q := m.scenario.QJump
	if q == nil {
		return nil
	}
	type place struct {
		host     network.NodeID
		priority model.Priority
	}
	phases := make(map[place]model.Duration, len(q.Phases))
	for _, p := range q.Phases {
		phases[place{p.Host, p.Priority}] = p.Phase
	}
	names := m.network.Topology().Names
	for h := range network.NodeID(m.network.Topology().Hosts) {
		stream := m.kernel.Stream("qjump/phase/" + names[h])
		for i, level := range q.Table.Levels {
			c := limiterConfig(q, i, stream)
			if phase, is := phases[place{h, level.Priority}]; is {
				c.Phase = phase
			}
			l, err := qjump.NewLimiter(c)
			if err != nil {
				return err
			}
			m.network.SetLimiter(h, level.Priority, l, q.Lower(level.Priority))
		}
	}
	return nil
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
