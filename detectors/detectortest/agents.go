package detectortest

import (
	"math"
	"reflect"

	"suspect/model"
)

// machine is a host and its port at the one switch of the system, as the agents there see
// them. A process that is down has no player.
type machine struct {
	starts, boots   int64 // the incarnations of process and system
	down            bool  // the system is: only the hypervisor answers
	killed          bool  // what is down is so by order
	disabledUntil   model.Time
	isolatedUntil   model.Time
	systemWatchers  []model.ProcessID // who subscribed to its system,
	machineWatchers []model.ProcessID // to its hypervisor,
	portWatchers    []model.ProcessID // and at the switch to all ports
}

// star is the map of n hosts at one switch, the node n.
func star(n int) *model.Graph {
	g := &model.Graph{Nodes: n + 1, Hosts: n}
	for p := range n {
		g.Links = append(g.Links, [2]model.ProcessID{model.ProcessID(p), model.ProcessID(n)})
	}
	return g
}

// switchNode is the node of the only switch.
func (s *system) switchNode() model.ProcessID { return model.ProcessID(len(s.processes)) }

// cut tells whether the switch lets nothing through from or to the node.
func (s *system) cut(node model.ProcessID) bool {
	if node < 0 || int(node) >= len(s.processes) {
		return false
	}
	m := &s.processes[node].machine
	return s.now < max(m.disabledUntil, m.isolatedUntil)
}

// stop ends the process, or all of its host. It comes back by itself.
func (s *system) stop(p *process, host, killed bool) {
	m := &p.machine
	p.player, p.wake = nil, model.Never
	p.changes = s.now.Add(s.random.upTo(10 * s.period))
	m.down, m.killed = host, killed
	if host {
		s.tell(m.machineWatchers, s.liveness(p, model.HypervisorLayer, model.SystemLayer))
		return
	}
	s.tell(m.systemWatchers, s.liveness(p, model.SystemLayer, model.ProcessLayer))
}

// back is the beginning of a process, and of its system if that was down.
func (s *system) back(p *process) {
	m := &p.machine
	m.starts++
	if m.down || m.boots == 0 {
		m.boots++
	}
	wasDown := m.down
	m.down, m.killed = false, false
	if m.starts == 1 {
		return
	}
	if wasDown {
		s.tell(m.machineWatchers, s.liveness(p, model.HypervisorLayer, model.SystemLayer))
	}
	s.tell(m.systemWatchers, s.liveness(p, model.SystemLayer, model.ProcessLayer))
}

// tell sends evidence that nobody has asked for at that moment.
func (s *system) tell(to []model.ProcessID, e model.Evidence) {
	for _, q := range to {
		s.inform(e.From, q, e)
	}
}

// liveness is what the agent of one layer of p's machine tells of another.
func (s *system) liveness(p *process, by, of model.Layer) model.Evidence {
	m, self := &p.machine, p.env.Self
	e := model.Evidence{Kind: model.Liveness, From: self, About: self, Layer: of, Alive: !m.down, Killed: m.down && m.killed, Incarnation: m.boots}
	if of == model.ProcessLayer || of == model.ApplicationLayer {
		e.Alive, e.Killed, e.Incarnation = p.player != nil, p.player == nil && m.killed, m.starts
	}
	return e
}

func (s *system) portState(host model.ProcessID) model.Evidence {
	return model.Evidence{Kind: model.PortState, From: s.switchNode(), About: host, Layer: model.SwitchLayer,
		Alive: !s.cut(host), Killed: s.cut(host), Place: model.LinkPlace(2*int32(host) + 1)}
}

// agent does what a request asks for, if anybody is there to do it.
func (s *system) agent(m *model.Message) {
	if m.To == s.switchNode() {
		s.switchAgent(m)
		return
	}
	p := s.processes[m.To]
	answer := func(by, of model.Layer) {
		e := s.liveness(p, by, of)
		e.Seq = m.Seq
		s.inform(m.To, m.From, e)
	}
	of, victim := model.Layer(m.Arg), int64(0)
	if m.Kind == uint8(model.Kill) {
		of, victim = model.VictimOf(m.Arg)
	}
	switch {
	case m.Layer == model.ApplicationLayer:
		if p.player == nil || m.Kind != uint8(model.Probe) {
			return
		}
		if s.now < p.pausedUntil {
			s.post(p.pausedUntil, *m)
			return
		}
		answer(m.Layer, m.Layer)
	case m.Layer == model.SystemLayer && !p.machine.down:
		switch model.Request(m.Kind) {
		case model.Kill:
			if of == model.ProcessLayer && p.player != nil && (victim == 0 || victim == p.machine.starts) {
				s.stop(p, false, true)
			}
			answer(m.Layer, model.ProcessLayer)
		case model.Probe:
			if of == model.ApplicationLayer && p.player != nil && s.now < p.pausedUntil {
				s.post(p.pausedUntil, *m) // the application is to answer for itself
			} else if of <= model.SystemLayer {
				answer(m.Layer, of)
			}
		case model.Subscribe:
			p.machine.systemWatchers = subscribe(p.machine.systemWatchers, m.From)
			if p.player == nil {
				answer(m.Layer, model.ProcessLayer)
			}
		}
	case m.Layer == model.HypervisorLayer:
		switch model.Request(m.Kind) {
		case model.Kill:
			if of == model.SystemLayer && !p.machine.down && (victim == 0 || victim == p.machine.boots) {
				s.stop(p, true, true)
			}
			answer(m.Layer, model.SystemLayer)
		case model.Probe:
			if of == model.SystemLayer || of == model.HypervisorLayer {
				answer(m.Layer, of)
			}
		case model.Subscribe:
			p.machine.machineWatchers = subscribe(p.machine.machineWatchers, m.From)
			if p.machine.down {
				answer(m.Layer, model.SystemLayer)
			}
		}
	}
}

func (s *system) switchAgent(m *model.Message) {
	if m.Kind == uint8(model.Subscribe) {
		for _, p := range s.processes {
			p.machine.portWatchers = subscribe(p.machine.portWatchers, m.From)
		}
		return
	}
	if m.Kind == uint8(model.Query) && m.Arg < 0 {
		e := model.Evidence{Kind: model.LinkState, From: m.To, About: model.Nobody, Layer: model.SwitchLayer, Seq: m.Seq}
		for p := range s.processes {
			if s.cut(model.ProcessID(p)) {
				e.Links = append(e.Links, model.LinkPlace(int32(2*p)), model.LinkPlace(int32(2*p+1)))
			}
		}
		s.inform(m.To, m.From, e)
		return
	}
	if m.Arg < 0 || m.Arg >= int64(len(s.processes)) {
		return
	}
	host := model.ProcessID(m.Arg)
	at := &s.processes[host].machine
	was := s.cut(host)
	switch model.Request(m.Kind) {
	case model.Kill:
		at.disabledUntil = s.now.Add(s.random.upTo(10 * s.period)) // somebody enables it again
	case model.Probe:
	case model.Isolate:
		at.isolatedUntil = model.MaxTime
	case model.Admit:
		at.isolatedUntil = 0
	case model.Query:
	default:
		return
	}
	e := s.portState(host)
	if s.cut(host) != was {
		s.tell(at.portWatchers, e)
	}
	if r := model.Request(m.Kind); r == model.Probe || r == model.Kill {
		e = model.Evidence{Kind: model.Liveness, From: m.To, About: host, Layer: model.HypervisorLayer,
			Alive: !s.cut(host) && r == model.Probe, Killed: s.cut(host) || r == model.Kill}
	}
	e.Seq = m.Seq
	s.inform(m.To, m.From, e)
}

func subscribe(list []model.ProcessID, who model.ProcessID) []model.ProcessID {
	for _, p := range list {
		if p == who {
			return list
		}
	}
	return append(list, who)
}

// inform sends evidence, which is as late and as easily lost as any message, and comes
// with some that is of no use.
func (s *system) inform(from, to model.ProcessID, e model.Evidence) {
	s.carry(letter{message: model.Message{From: from, To: to}, evidence: &e})
}

// refuse answers a message that found nobody: the system of a host resets, the switch has
// no way to one that is down.
func (s *system) refuse(m *model.Message) {
	p := s.processes[m.To]
	e := model.Evidence{Kind: model.Reset, From: m.To, About: m.To, Layer: model.SystemLayer, Seq: m.Seq, Incarnation: p.machine.starts}
	if p.machine.down {
		e = model.Evidence{Kind: model.Unreachable, From: s.switchNode(), About: m.To, Layer: model.SwitchLayer, Seq: m.Seq}
	}
	if m.From >= 0 && int(m.From) < len(s.processes) { // garbage has other senders
		s.inform(e.From, m.From, e)
	}
}

// mangleEvidence returns evidence that nobody has given.
func (s *system) mangleEvidence(e model.Evidence) model.Evidence {
	n := model.ProcessID(len(s.processes))
	nodes := []model.ProcessID{e.From, e.About, 0, -1, n, n + 100, math.MaxInt32, math.MinInt32}
	numbers := []int64{e.Seq - 1, e.Seq + 1, e.Seq + 1000, e.Seq + int64(s.period), 0, -1, math.MaxInt64, math.MinInt64, int64(s.random.next())}
	places := []model.Place{e.Place, -e.Place, 1, 2 * model.Place(n), -1, math.MaxInt32, math.MinInt32, model.Place(s.random.next())}
	number := func() int64 { return numbers[s.random.below(len(numbers))] }
	e.From, e.About = nodes[s.random.below(len(nodes))], nodes[s.random.below(len(nodes))]
	e.Place, e.Alive, e.Killed = places[s.random.below(len(places))], s.random.oneIn(2), s.random.oneIn(4)
	e.Seq, e.Value, e.Lost, e.Incarnation = number(), number(), number(), number()
	if s.random.oneIn(2) {
		e.Kind, e.Layer = model.EvidenceKind(s.random.below(int(model.EvidenceKinds))), model.Layer(s.random.below(int(model.Layers)))
	}
	switch s.random.below(8) {
	case 0:
		e.Kind, e.Layer = model.EvidenceKind(s.random.next()), model.Layer(s.random.next())
	case 1:
		e.Links = []model.Place{places[s.random.below(len(places))], places[s.random.below(len(places))]}
	}
	return e
}

// sameEvidence compares what two pieces of evidence tell.
func sameEvidence(a, b *model.Evidence) bool {
	if a == nil || b == nil {
		return a == b
	}
	return reflect.DeepEqual(*a, *b)
}
