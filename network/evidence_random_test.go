package network

import (
	"fmt"
	"testing"

	"suspect/model"
	"suspect/sim"
)

// chatter talks to others and to agents, at random.
type chatter struct {
	self, hosts, nodes model.ProcessID
	next               model.Time
	seq                int64
}

func (c *chatter) Step(now model.Time, in *model.Input, out *model.Output) {
	if now >= c.next {
		for range 4 {
			c.seq++
			m := model.Message{
				To: model.ProcessID(in.Random.IntN(int(c.nodes))), Seq: c.seq, Bytes: int32(50 + in.Random.IntN(500)),
				Priority: model.Priority(in.Random.IntN(3)),
			}
			switch {
			case m.To >= c.hosts:
				m.Layer, m.Kind, m.Arg = model.SwitchLayer, uint8(1+in.Random.IntN(6)), int64(in.Random.IntN(int(c.nodes)+1)-1)
			case in.Random.IntN(3) == 0:
				m.Layer, m.Kind, m.Arg = model.Layer(1+in.Random.IntN(3)), uint8(1+in.Random.IntN(6)), int64(in.Random.IntN(5))
			}
			if r := model.Request(m.Kind); (r == model.Kill || r == model.Isolate) && in.Random.IntN(30) != 0 {
				m.Kind = uint8(model.Probe) // few of them are enough
			}
			if m.To != c.self || m.Layer != model.ProcessLayer {
				out.Send = append(out.Send, m)
			}
		}
		c.next = now.Add(model.Duration(20+in.Random.IntN(200)) * model.Microsecond)
	}
	out.Wake = c.next
}

func (c *chatter) Clone() model.Automaton                             { d := *c; return &d }
func (c *chatter) AppendState(buf []byte, _ model.Time) []byte        { return buf }
func (c *chatter) LoadState(buf []byte, _ model.Time) ([]byte, error) { return buf, nil }

// everything is a network in which all evidence is given, everybody talks, and much goes
// wrong, that has run for 30 ms.
func everything(t *testing.T, seed uint64, twoEvent bool, evidence Evidence) (n *Network, hash string, kinds [model.EvidenceKinds]int) {
	edge := LinkConfig{Rate: 1 * Gbps, Delay: model.Microsecond, Buffer: Buffer{Packets: 8}}
	top := LeafSpine(3, 2, 3, edge, edge)
	n = newNetwork(t, seed, Config{Topology: top, Framing: Ethernet, TwoEventPorts: twoEvent, Evidence: evidence})
	h := new(sim.Hash)
	n.kernel.Records.Subscribe(model.AllKinds, h.Observe)
	n.kernel.Records.Subscribe(model.KindSet(model.Delivered), func(r *model.Record) { kinds[r.Evidence]++ })
	var kept conserved
	kept.watch(n)
	nodes := len(top.Names)
	s := sim.NewStream(seed, "everything")
	for p := range top.Hosts {
		c := chatter{self: model.ProcessID(p), hosts: model.ProcessID(top.Hosts), nodes: model.ProcessID(nodes), next: atUs(int64(s.IntN(100)))}
		var panels []Panel
		for tag := range uint8(2) {
			panels = append(panels, Panel{
				New: []func() model.Automaton{func() model.Automaton { d := c; return &d }}, Detectors: []uint8{tag}, Application: tag == 0,
			})
		}
		n.Attach(c.self, atUs(int64(s.IntN(2000))), panels...)
	}
	// Traffic that fills queues now and then.
	for k := range 40 {
		from, to := NodeID(s.IntN(top.Hosts)), NodeID(s.IntN(top.Hosts))
		if from == to {
			continue
		}
		n.at(atUs(int64(s.IntN(30_000))), func() {
			for range 12 {
				n.Send(from, to, 1000, model.Priority(k%3), uint32(k))
			}
		})
	}
	if seed%2 == 0 { // packets for some hosts run in circles
		n.limitHops()
		n.routes.spread()
		up, _ := n.topology.LinkBetween(NodeID(top.Hosts+3), NodeID(top.Hosts))
		n.at(atMs(5), func() { n.routes.install(NodeID(top.Hosts), 1, []LinkID{up ^ 1}) })
		n.at(atMs(15), func() { n.routes.install(NodeID(top.Hosts), 1, []LinkID{n.uplinks[1] ^ 1}) })
	}
	for range 25 {
		host, link, at := model.ProcessID(s.IntN(top.Hosts)), LinkID(s.IntN(len(n.ports))), NodeID(top.Hosts+s.IntN(nodes-top.Hosts))
		rule := Rule{At: at, From: host, To: model.Nobody, Priority: AnyPriority}
		begin := model.Time(s.IntN(int(atMs(25))))
		end := begin + model.Time(s.IntN(int(atMs(8))))
		pair := [][2]func(){
			{func() { n.CrashProcess(host) }, func() { n.RecoverProcess(host) }},
			{func() { n.ExitProcess(host) }, func() { n.RecoverProcess(host) }},
			{func() { n.CrashHost(host) }, func() { n.RecoverHost(host) }},
			{func() { n.CrashMachine(host) }, func() { n.RecoverMachine(host) }},
			{func() { n.WedgeProcess(host) }, func() { n.UnwedgeProcess(host) }},
			{func() { n.PauseProcess(host) }, func() { n.ResumeProcess(host) }},
			{func() { n.CrashSwitch(at) }, func() { n.RecoverSwitch(at) }},
			{func() { n.SetLink(link, false) }, func() { n.SetLink(link, true) }},
			{func() { n.SetSilent(link, true) }, func() { n.SetSilent(link, false) }},
			{func() { n.SetRule(rule) }, func() { n.LiftRule(rule) }},
		}[s.IntN(10)]
		n.at(begin, pair[0])
		n.at(end, pair[1])
	}
	run(t, n, atMs(30))
	kept.check(t, n)
	return n, fmt.Sprint(h.Sum()), kinds
}

// quick is evidence whose delays suit a run of 30 ms.
func quick() Evidence {
	e := AllEvidence
	e.Carrier, e.Counter, e.Look, e.Looks = 500*model.Microsecond, model.Millisecond, 200*model.Microsecond, 3
	e.Confirm, e.Queues = 100*model.Microsecond, 700*model.Microsecond
	e.Mark, e.Errors, e.ErrorEvery = Buffer{Packets: 3}, 5, 300*model.Microsecond
	return e
}

// With all evidence and many faults no packet is lost without a record, ports that decide
// late tell the same as those that do not, and a run is repeated exactly.
func TestEvidenceAmongFaults(t *testing.T) {
	var all [model.EvidenceKinds]int
	for seed := range uint64(12) {
		_, late, kinds := everything(t, seed, false, quick())
		_, twoEvent, _ := everything(t, seed, true, quick())
		_, again, _ := everything(t, seed, false, quick())
		if late != twoEvent || late != again {
			t.Errorf("seed %d: ports that decide late give %s, and %s again; those with two events %s", seed, late, again, twoEvent)
		}
		for k := range kinds {
			all[k] += kinds[k]
		}
	}
	for k, count := range all {
		kind := model.EvidenceKind(k)
		alone := kind != model.LinkState && kind != model.CongestionMark && kind != model.FailureHeader
		if alone && count < 20 {
			t.Errorf("%d packets with %v were delivered: the test tells nothing about it", count, kind)
		}
	}
}

// Without evidence nobody pays for it: no tables, no timers, no flags of ports.
func TestNoEvidence(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: Star(3, gigabyte())})
	if n.informants != nil || n.routes.toSwitch != nil || n.kernel.Timers() != len(n.ports)+n.topology.Hosts {
		t.Errorf("%v, %v, %d timers", n.informants, n.routes.toSwitch, n.kernel.Timers())
	}
	for l := range n.ports {
		if n.ports[l].flags&^portUnlimited != 0 {
			t.Errorf("port %d has the flags %b", l, n.ports[l].flags)
		}
	}
}

func TestEvidenceIsValidated(t *testing.T) {
	for _, c := range []struct {
		change func(*Evidence)
		want   string
	}{
		{func(e *Evidence) {}, ""},
		{func(e *Evidence) { *e = Evidence{} }, ""},
		{func(e *Evidence) { e.Priority = 8 }, "evidence: priority 8: it must lie between 0 and 7"},
		{func(e *Evidence) { e.Carrier = -1 }, "evidence: carrier of -1ps: it must lie between 0s and "},
		{func(e *Evidence) { e.Counter = 0 }, "evidence: counter of 0s"},
		{func(e *Evidence) { e.Look = 0 }, "evidence: look of 0s"},
		{func(e *Evidence) { e.Looks = 0 }, "evidence: 0 looks"},
		{func(e *Evidence) { e.Confirm = -1 }, "evidence: confirm"},
		{func(e *Evidence) { e.Queues = -1 }, "evidence: queues"},
		{func(e *Evidence) { e.Errors = -1 }, "evidence: -1 errors"},
		{func(e *Evidence) { e.ErrorEvery = 0 }, "evidence: error_every of 0s"},
		{func(e *Evidence) { e.Mark.Packets = -1 }, "evidence: a mark"},
	} {
		e := AllEvidence
		c.change(&e)
		err := e.Validate()
		_, made := New(sim.New(1), Config{Topology: Star(2, gigabyte()), Evidence: e})
		if c.want == "" {
			if err != nil || made != nil {
				t.Errorf("%+v: %v, %v", e, err, made)
			}
			continue
		}
		if err == nil || made == nil || err.Error()[:min(len(err.Error()), len(c.want))] != c.want {
			t.Errorf("%+v: %v (%v), want %s", e, err, made, c.want)
		}
	}
}
