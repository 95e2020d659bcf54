package run

import (
	"fmt"
	"math/big"
	"slices"

	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
	"suspect/properties"
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
	t := m.network.Topology()
	for h := range t.Hosts {
		stream := m.kernel.Stream("qjump/phase/" + t.Names[h])
		for i, level := range q.Table.Levels {
			c := q.Table.Limiter(i, q.Limiter)
			c.Drops = q.Excess != scenario.DelayExcess
			if q.Limiter == qjump.FixedWindow {
				phase := q.Phase
				if q.RandomPhase {
					phase = sim.Distribution{Kind: sim.Uniform, High: c.Epoch}
				}
				c.Phase = phase.Sample(stream)
			}
			l, err := qjump.NewLimiter(c)
			if err != nil {
				return err
			}
			m.network.SetLimiter(network.NodeID(h), level.Priority, l, q.Lower(level.Priority))
		}
	}
	return nil
}

// use is what is sent at one priority.
type use struct {
	senders           map[network.NodeID]bool
	smallest, largest int32 // wire bytes; 0 if nothing is
}

func (u *use) add(senders []network.NodeID, smallest, largest int32) {
	if len(senders) == 0 {
		return
	}
	if u.largest == 0 || smallest < u.smallest {
		u.smallest = smallest
	}
	u.largest = max(u.largest, largest)
	if u.senders == nil {
		u.senders = make(map[network.NodeID]bool)
	}
	for _, h := range senders {
		u.senders[h] = true
	}
}

// uses returns what the scenario sends at each priority, with what limiters may
// demote to it.
func uses(s *scenario.Scenario) (at [model.Priorities]use) {
	framing := s.Network.Framing
	if len(s.Detectors) > 0 {
		var all []network.NodeID
		for h := range s.Processes() {
			all = append(all, network.NodeID(h))
		}
		// A detector may send messages of other sizes than the usual one; what a
		// message's Bytes may be is known to it alone.
		wire := framing.WireBytes(s.Network.MessageBytes)
		at[s.Monitor.Priority].add(all, wire, wire)
	}
	for i := range s.Traffic {
		x := &s.Traffic[i]
		wire := framing.WireBytes(x.Bytes)
		smallest := wire
		if x.Kind == network.Flows {
			smallest = framing.WireBytes(1) // the last of a flow
		}
		at[x.Priority].add(x.From, smallest, wire)
	}
	for p := model.Priority(model.Priorities - 1); p > 0; p-- {
		_, limited := s.QJump.Level(p)
		lower := s.QJump.Lower(p)
		if limited && lower != p && at[p].largest > 0 {
			var hosts []network.NodeID
			for h := range s.Processes() {
				if at[p].senders[network.NodeID(h)] {
					hosts = append(hosts, network.NodeID(h))
				}
			}
			at[lower].add(hosts, at[p].smallest, at[p].largest)
		}
	}
	return at
}

// meet returns the largest number of senders whose packets can go to one receiver. A
// host sends nothing to itself.
func (u *use) meet(hosts int) int {
	if len(u.senders) == hosts {
		return hosts - 1
	}
	return len(u.senders)
}

// starPath describes the way over the one switch of a star, or says why there is no
// proof for the scenario's network.
func starPath(s *scenario.Scenario) (p qjump.Path, why string) {
	t := &s.Network.Topology
	if len(t.Names) != t.Hosts+1 || len(t.Links) != t.Hosts {
		return p, "bounds are derived for stars alone: this network has several switches or none"
	}
	for _, f := range s.Faults {
		if !slices.Contains([]string{"process-crash", "host-crash", "link-down", "link-loss"}, f.Spec.Name) {
			return p, fmt.Sprintf("the fault %s is not part of the analysis", f.Spec.Name)
		}
	}
	type direction struct {
		slowest, fastest network.BitRate
		near, far        model.Duration
	}
	take := func(d *direction, c network.LinkConfig, first bool) {
		if first {
			*d = direction{c.Rate, c.Rate, c.Delay, c.Delay}
		}
		d.slowest, d.fastest = min(d.slowest, c.Rate), max(d.fastest, c.Rate)
		d.near, d.far = min(d.near, c.Delay), max(d.far, c.Delay)
	}
	var up, down direction
	for i := range t.Links {
		l := &t.Links[i]
		if !l.AtoB.Jitter.IsZero() || !l.BtoA.Jitter.IsZero() {
			return p, "links delay packets at random (jitter), and so may overtake or bunch them"
		}
		if int(l.A) < t.Hosts {
			take(&up, l.AtoB, i == 0)
			take(&down, l.BtoA, i == 0)
		} else {
			take(&up, l.BtoA, i == 0)
			take(&down, l.AtoB, i == 0)
		}
	}
	p = qjump.Path{
		Switches: 1, Rate: min(up.slowest, down.slowest), Fastest: max(up.fastest, down.fastest),
		Epsilon: up.far + down.far, Jitter: up.far + down.far - up.near - down.near, JoinsOnce: true,
	}
	if up.fastest > down.slowest {
		p.Slowdowns = 1
	}
	return p, ""
}

// levels returns the levels of the scenario's QJUMP section with what is proved of
// them. Their latency is left open.
func levels(s *scenario.Scenario) []Level {
	q := s.QJump
	if q == nil {
		return nil
	}
	var out []Level
	for i, l := range q.Table.Levels {
		c := q.Table.Limiter(i, q.Limiter)
		rate, err := qjump.Budget{Bytes: c.Budget.Packets * int64(q.Table.Packet)}.Rate(c.Epoch)
		if err != nil {
			panic("run: " + err.Error()) // the scenario was checked
		}
		bps, _ := new(big.Float).SetRat(&rate.Rat).Float64()
		out = append(out, Level{
			Priority: int(l.Priority), Factor: l.Factor, Epoch: c.Epoch, Budget: c.Budget.Packets, Rate: bps,
			Limiter: q.Limiter.String(), Excess: q.Excess.String(),
		})
	}
	slices.SortFunc(out, func(a, b Level) int { return b.Priority - a.Priority })
	prove(s, out)
	return out
}

// prove finds the bounds of the levels, which come in decreasing priority.
func prove(s *scenario.Scenario, out []Level) {
	q := s.QJump
	path, why := starPath(s)
	at := uses(s)
	var classes []qjump.Class
	var rows []*Level
	for i, next := 0, model.Priorities-1; i < len(out); i++ {
		l := &out[i]
		for p := next; p > l.Priority && why == ""; p-- {
			if at[p].largest > 0 {
				why = fmt.Sprintf("hosts send at priority %d, which is above and has no limiter", p)
			}
		}
		next = l.Priority - 1
		u := &at[l.Priority]
		switch {
		case why != "":
			l.BoundRefused = why
			continue
		case u.largest == 0:
			l.BoundRefused = "nobody sends at this priority"
			continue
		}
		index, _ := q.Level(model.Priority(l.Priority))
		c := q.Table.Class(index, q.Limiter)
		c.Senders, c.Smallest = max(u.meet(s.Processes()), 1), u.smallest
		if u.smallest == c.Packet {
			c.Smallest = 0
		}
		classes, rows = append(classes, c), append(rows, l)
	}
	if len(rows) == 0 {
		return
	}
	for p := range rows[len(rows)-1].Priority {
		path.Frame = max(path.Frame, at[p].largest)
	}
	path.HostFrame = path.Frame
	bounds, err := path.Bounds(classes)
	for i, l := range rows {
		l.Senders = classes[i].Senders
		if i >= len(bounds) {
			l.BoundRefused = err.Error()
			continue
		}
		g := &bounds[i]
		l.Bound = &LevelBound{
			Delay: g.Delay, Status: g.Status.String(), Method: g.Method, Formula: g.Formula, Numbers: g.Numbers,
			Frame: path.Frame, Backlog: g.Backlog, HostBacklog: g.HostBacklog, Assumptions: []string{},
		}
		for _, a := range g.Assumptions {
			l.Bound.Assumptions = append(l.Bound.Assumptions, a.String())
		}
		l.Bound.Broken = brokenByLinks(s, g, at[l.Priority].smallest)
	}
}

// measure puts in what was measured.
func (l *Level) measure(d *properties.Durations) {
	l.Latency = spread(d)
	if l.Bound != nil && d.Count() > 0 {
		tightness := float64(d.Max()) / float64(l.Bound.Delay)
		l.Tightness, l.Beaten = &tightness, d.Max() > l.Bound.Delay
	}
}

// brokenByLinks tells which assumptions of g the links of a star break, where a packet of the
// level has at least the given bytes on the wire.
func brokenByLinks(s *scenario.Scenario, g *qjump.Guarantee, smallest int32) (lines []string) {
	t := &s.Network.Topology
	short, lossy := false, false
	look := func(from network.NodeID, c network.LinkConfig) {
		backlog := g.Backlog
		if int(from) < t.Hosts {
			backlog = g.HostBacklog
		}
		packets := (backlog + int64(smallest) - 1) / int64(smallest)
		short = short || c.Buffer.Bytes > 0 && c.Buffer.Bytes < backlog || c.Buffer.Packets > 0 && int64(c.Buffer.Packets) < packets
		lossy = lossy || c.Loss != network.Loss{}
	}
	for i := range t.Links {
		look(t.Links[i].A, t.Links[i].AtoB)
		look(t.Links[i].B, t.Links[i].BtoA)
	}
	if short {
		lines = append(lines, fmt.Sprintf("a buffer may overflow: up to %d B can wait at a host, and %d B at the switch", g.HostBacklog, g.Backlog))
	}
	if lossy {
		lines = append(lines, "links lose packets")
	}
	return lines
}
