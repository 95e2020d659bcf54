package run

import (
	"fmt"

	"suspect/detectors"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// simulation is one replication that is ready to run, without anybody who
// listens to its records.
type simulation struct {
	scenario *scenario.Scenario
	kernel   *sim.Kernel
	network  *network.Network
	panels   [][]int // detectors that share messages, by their index
}

// replicationSeed returns the seed of replication index: the first draw of the
// scenario's stream "replication/<index>". Every stream of the replication follows
// from it and the stream's own name.
func replicationSeed(seed uint64, index int) uint64 {
	return sim.NewStream(seed, fmt.Sprintf("replication/%d", index)).Uint64()
}

// newSimulation builds replication index of s. Timers are made in a fixed order of
// purposes (ports, starts of processes, schedules, limiters of hosts, wake-ups, other
// traffic, its own limiters, faults, generators, truth), so that what is due at one time happens in that order:
// a schedule can send at the instant of a release, and before it.
func newSimulation(s *scenario.Scenario, index int) (*simulation, error) {
	m := &simulation{scenario: s, kernel: sim.New(replicationSeed(s.Seed, index)), panels: s.Panels()}
	config := s.Network
	if s.QJump != nil {
		config.LimiterProcessing = s.QJump.Processing
	}
	var err error
	if m.network, err = network.New(m.kernel, config); err != nil {
		return nil, err
	}
	m.setClocks()
	if err := m.addTraffic(true); err != nil {
		return nil, err
	}
	if err := m.limitHosts(); err != nil {
		return nil, err
	}
	if err := m.attachProcesses(); err != nil {
		return nil, err
	}
	if err := m.addTraffic(false); err != nil {
		return nil, err
	}
	for i := range s.Traffic {
		if err := m.limitTraffic(&s.Traffic[i]); err != nil {
			return nil, err
		}
	}
	for i := range s.Faults {
		if err := m.scheduleFault(&s.Faults[i]); err != nil {
			return nil, err
		}
	}
	for i := range s.Generators {
		g := &s.Generators[i]
		if err := m.network.Generate(g.Name, g.Arrivals); err != nil {
			return nil, err
		}
	}
	if s.Truth != nil {
		if _, err := m.network.WatchTruth(s.Truth.TruthConfig); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// setClocks gives every host its clock.
func (m *simulation) setClocks() {
	c := m.scenario.Clocks
	if c.AreTrue() {
		return
	}
	t := m.network.Topology()
	for h := range t.Hosts {
		offset, drift := c.Draw(m.kernel.Stream("clock/offset/"+t.Names[h]), m.kernel.Stream("clock/drift/"+t.Names[h]))
		m.network.SetClock(network.NodeID(h), offset, drift)
	}
}

// addTraffic adds the schedules, or all other traffic.
func (m *simulation) addTraffic(schedules bool) error {
	for _, t := range m.scenario.Traffic {
		if (t.Kind == network.Schedule) != schedules {
			continue
		}
		if err := m.network.AddTraffic(t); err != nil {
			return err
		}
	}
	return nil
}

// attachProcesses gives every process its detectors and the time of its start.
func (m *simulation) attachProcesses() error {
	s := m.scenario
	watchers := make([][]model.ProcessID, len(s.Monitor.Watch))
	for p, watch := range s.Monitor.Watch {
		for _, q := range watch {
			watchers[q] = append(watchers[q], model.ProcessID(p))
		}
	}
	graph := s.Network.Topology.Graph()
	for p, watch := range s.Monitor.Watch {
		env := detectors.Env{Self: model.ProcessID(p), N: len(s.Monitor.Watch), Watch: watch, Watchers: watchers[p]}
		panels := make([]network.Panel, len(m.panels))
		for i, members := range m.panels {
			panels[i].Priority = s.Monitor.Priority
			for _, d := range members {
				use := &s.Detectors[d]
				env := env
				if use.Spec.Asks {
					env.Map = graph
				}
				if _, err := use.Spec.New(env, use.Params); err != nil {
					return fmt.Errorf("detector %s: %w", use.Name, err)
				}
				panels[i].Detectors = append(panels[i].Detectors, uint8(d))
				panels[i].New = append(panels[i].New, func() model.Automaton {
					a, err := use.Spec.New(env, use.Params)
					if err != nil {
						panic(fmt.Sprintf("run: detector %s could be made once but not again: %v", use.Name, err))
					}
					return a
				})
			}
		}
		stream := m.kernel.Stream("start/" + s.Network.Topology.Names[p])
		m.network.Attach(model.ProcessID(p), model.Time(s.Monitor.Start.Sample(stream)), panels...)
	}
	return nil
}

// fault strikes and heals at its times, which are drawn as they come.
type fault struct {
	network *network.Network
	fault   network.Fault // nil if it is to be drawn anew
	plan    *scenario.Fault
	stream  *sim.Stream
	timer   sim.Timer
	strikes model.Time // the next strike
	heals   model.Time // the end of the present strike
	struck  bool
}

// scheduleFault arms a fault of the scenario.
func (m *simulation) scheduleFault(plan *scenario.Fault) error {
	f := &fault{network: m.network, plan: plan, stream: m.kernel.Stream(plan.Stream), heals: model.Never}
	if err := f.draw(); err != nil {
		return fmt.Errorf("fault %s: %w", plan.Spec.Name, err)
	}
	f.timer = m.kernel.NewTimer(f, 0)
	f.strikes = model.Time(plan.At.Sample(f.stream))
	m.kernel.Arm(f.timer, f.strikes)
	return nil
}

// draw makes the fault, with what it leaves to chance.
func (f *fault) draw() (err error) {
	f.fault, err = f.plan.Spec.New(f.plan.Params, f.network.Topology(), f.stream)
	return err
}

// Fire strikes or heals. A strike that is drawn to come before the last one has
// healed comes right after it.
func (f *fault) Fire(uint32) {
	k := f.network.Kernel()
	now := k.Now()
	if f.struck {
		f.fault.Heal(f.network)
		f.struck = false
		if f.plan.Redraw {
			f.fault = nil
		}
	} else {
		if f.fault == nil {
			if err := f.draw(); err != nil {
				panic(fmt.Sprintf("run: fault %s could be drawn once but not again: %v", f.plan.Spec.Name, err))
			}
		}
		f.fault.Strike(f.network)
		f.struck = true
		f.heals, f.strikes = model.Never, model.Never
		if f.plan.HasFor {
			f.heals = now.Add(f.plan.For.Sample(f.stream))
		}
		if f.plan.HasEvery {
			f.strikes = now.Add(f.plan.Every.Sample(f.stream))
		}
	}
	if f.struck {
		k.Arm(f.timer, f.heals)
	} else {
		k.Arm(f.timer, max(now, f.strikes))
	}
}
