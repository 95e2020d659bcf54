package detectors_test

import (
	"slices"

	"suspect/model"
)

// starOf is the map of n hosts at one switch, the node n.
func starOf(n int) *model.Graph {
	g := &model.Graph{Nodes: n + 1, Hosts: n}
	for p := range n {
		g.Links = append(g.Links, [2]model.ProcessID{model.ProcessID(p), model.ProcessID(n)})
	}
	return g
}

// agents are those of a world's machines, and of the one switch that joins them. They tell
// the truth, at once.
type agents struct {
	w        *world
	machines []machine
	kills    []model.Message // that were done
}

// machine is a host and its port.
type machine struct {
	starts     int64 // of its process
	stuck      bool  // the application does nothing, though the process runs
	systemDown bool
	dark       bool // without power, or cut off by the link to it
	disabled   bool // the port
	isolated   bool // by a rule of the switch

	ofSystem, ofHypervisor []model.ProcessID // subscribers
}

// withAgents gives a world's machines agents.
func withAgents(w *world) *agents {
	a := &agents{w: w, machines: make([]machine, len(w.automata))}
	for p := range a.machines {
		a.machines[p].starts = 1
	}
	w.agents = a
	path := w.path
	w.path = func(now model.Time, m *model.Message) (model.Duration, bool) {
		if a.cut(m.From) || a.cut(m.To) {
			return 0, false
		}
		return path(now, m)
	}
	return a
}

func (a *agents) hub() model.ProcessID { return model.ProcessID(len(a.machines)) }

// cut tells whether nothing passes the port of a node.
func (a *agents) cut(node model.ProcessID) bool {
	return node < a.hub() && (a.machines[node].dark || a.machines[node].disabled || a.machines[node].isolated)
}

func (a *agents) runs(p model.ProcessID) bool { return a.w.automata[p] != nil }

// crash ends the process of a machine, or its system too, and tells those who subscribed.
func (a *agents) crash(p model.ProcessID, system bool) {
	m := &a.machines[p]
	a.w.crash(int(p))
	m.systemDown = m.systemDown || system
	for _, q := range m.ofHypervisor {
		if system {
			a.tell(q, a.liveness(p, p, model.SystemLayer, false), 0)
		}
	}
	for _, q := range m.ofSystem {
		if !m.systemDown {
			a.tell(q, a.liveness(p, p, model.ProcessLayer, false), 0)
		}
	}
}

// recover starts the process of a machine anew.
func (a *agents) recover(p model.ProcessID, made model.Automaton) {
	m := &a.machines[p]
	m.systemDown, m.stuck = false, false
	m.starts++
	a.w.automata[p] = made
	a.w.step(int(p), model.Input{Kind: model.Start})
	for _, q := range m.ofSystem {
		a.tell(q, a.liveness(p, p, model.ProcessLayer, true), 0)
	}
}

func (a *agents) liveness(from, about model.ProcessID, layer model.Layer, alive bool) *model.Evidence {
	return &model.Evidence{Kind: model.Liveness, From: from, About: about, Layer: layer, Alive: alive, Incarnation: a.machines[about].starts}
}

func (a *agents) tell(to model.ProcessID, e *model.Evidence, seq int64) {
	e.Seq = seq
	a.w.carry(model.Message{From: e.From, To: to, Body: e})
}

// serve answers a request. What comes about ports is told of them by the switch.
func (a *agents) serve(m *model.Message) {
	request, layer := model.Request(m.Kind), model.Layer(m.Arg)
	if m.Layer == model.SwitchLayer {
		if m.Arg >= 0 && request != model.Subscribe {
			a.serveAtSwitch(m, request)
		}
		return
	}
	at := &a.machines[m.To]
	answer := func(of model.Layer, alive bool) { a.tell(m.From, a.liveness(m.To, m.To, of, alive), m.Seq) }
	switch {
	case m.Layer == model.SystemLayer && at.systemDown:
	case m.Layer == model.SystemLayer && request == model.Subscribe:
		at.ofSystem = append(at.ofSystem, m.From)
	case m.Layer == model.SystemLayer && request == model.Kill:
		if a.isMeant(m) {
			a.killed(m, a.runs(m.To))
			a.crash(m.To, false)
		}
		answer(model.ProcessLayer, false)
	case m.Layer == model.SystemLayer && layer == model.ApplicationLayer && at.stuck && a.runs(m.To):
	case m.Layer == model.SystemLayer:
		answer(layer, a.runs(m.To))
	case request == model.Subscribe:
		at.ofHypervisor = append(at.ofHypervisor, m.From)
	case request == model.Kill:
		if a.isMeant(m) {
			a.killed(m, !at.systemDown)
			a.crash(m.To, true)
		}
		answer(model.SystemLayer, false)
	default:
		answer(model.SystemLayer, !at.systemDown)
	}
}

// isMeant tells whether an order to kill does not name a predecessor.
func (a *agents) isMeant(m *model.Message) bool {
	_, victim := model.VictimOf(m.Arg)
	return victim == 0 || victim == a.machines[m.To].starts
}

func (a *agents) killed(m *model.Message, anew bool) {
	if anew {
		a.kills = append(a.kills, *m)
	}
}

func (a *agents) serveAtSwitch(m *model.Message, request model.Request) {
	host := model.ProcessID(m.Arg)
	at := &a.machines[host]
	port := &model.Evidence{Kind: model.PortState, From: m.To, About: host, Layer: model.SwitchLayer, Place: model.LinkPlace(2*int32(host) + 1)}
	switch request {
	case model.Kill:
		a.killed(m, !at.disabled)
		at.disabled = true
		fallthrough
	case model.Probe:
		e := a.liveness(m.To, host, model.HypervisorLayer, !at.dark && !at.disabled)
		e.Killed, e.Incarnation = at.disabled, 0
		a.tell(m.From, e, m.Seq)
	case model.Isolate, model.Admit:
		at.isolated = request == model.Isolate
		port.Alive, port.Killed = !at.isolated, at.isolated
		a.tell(m.From, port, m.Seq)
	case model.Query:
		port.Alive = !at.dark
		a.tell(m.From, port, m.Seq)
	}
}

// down tells whether nobody hears of the process any more, and it can do nothing to
// others.
func (a *agents) down(p model.ProcessID) bool { return !a.runs(p) || a.cut(p) }

// held returns what p holds of q by its verdicts.
func (w *world) held(p, q model.ProcessID) (kinds []model.FailureKind) {
	for _, c := range w.changes[p] {
		i := slices.Index(kinds, c.Kind)
		switch {
		case c.Peer != q:
		case c.Suspected && i < 0:
			kinds = append(kinds, c.Kind)
		case !c.Suspected && i >= 0:
			kinds = slices.Delete(kinds, i, i+1)
		}
	}
	return kinds
}
