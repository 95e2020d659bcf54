package guarantee

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
	"suspect/qjump"
)

// mostLines is how many ports, and how many kinds of flows, of one level a report names.
const mostLines = 1000

// Derive returns what the levels of s are promised, or nil where it has none.
func Derive(s *scenario.Scenario) *Report {
	q := s.QJump
	if q == nil {
		return nil
	}
	d := &derivation{Scenario: s, uses: usesOf(s), report: &Report{
		Scenario: s.Name, Hosts: q.Table.Hosts, Packet: q.Table.Packet, Rate: int64(q.Table.Rate), Epsilon: q.Table.Epsilon,
		Semantics: q.Table.Semantics.String(), Limiter: q.Limiter.String(), Excess: q.Excess.String(),
		Assumptions: []Assumption{}, Levels: []Level{}, Ports: []Port{}, Flows: []Flow{},
	}}
	for i, l := range q.Table.Levels {
		c := q.Table.Limiter(i, q.Limiter)
		rate, err := qjump.Budget{Bytes: c.Budget.Packets * int64(q.Table.Packet)}.Rate(c.Epoch)
		if err != nil {
			panic("guarantee: " + err.Error()) // the scenario was checked
		}
		bps, _ := new(big.Float).SetRat(&rate.Rat).Float64()
		d.report.Levels = append(d.report.Levels, Level{
			Priority: int(l.Priority), Factor: l.Factor, Epoch: c.Epoch, Budget: c.Budget.Packets, Rate: bps,
		})
	}
	slices.SortFunc(d.report.Levels, func(a, b Level) int { return b.Priority - a.Priority })
	d.prove()
	d.assumptions()
	return d.report
}

// derivation is a report under construction.
type derivation struct {
	*scenario.Scenario
	uses      [model.Priorities]use
	report    *Report
	nominal   *qjump.Network // every host with one limiter for a level, and nobody past it
	provedFor []int          // the levels of its classes, as places in the report
	bounds    []qjump.NetworkBounds
	unbounded *qjump.NoBound // of the first level without a bound
}

// use is what is sent at one priority.
type use struct {
	demands           []qjump.Demand
	smallest, largest int32    // wire bytes; 0 if nothing is sent
	source            string   // of the largest
	past              []string // traffic that meets no limiter
	own               []string // traffic with limiters of its own
	limiters          []int64  // of each host, with these; nil where nobody has one of its own
}

func (u *use) add(d qjump.Demand, smallest int32, source string) {
	if len(d.From) == 0 {
		return
	}
	if u.largest == 0 || smallest < u.smallest {
		u.smallest = smallest
	}
	if d.Bytes > u.largest {
		u.largest, u.source = d.Bytes, source
	}
	u.demands = append(u.demands, d)
}

// usesOf returns what the scenario sends at each priority, with what limiters may demote to
// it.
func usesOf(s *scenario.Scenario) (at [model.Priorities]use) {
	framing := s.Network.Framing
	if len(s.Detectors) > 0 && s.Processes() > 1 {
		// Messages go both ways between who watches and who is watched. A detector may send
		// some of another size than the usual one; that is known to it alone.
		wire := framing.WireBytes(s.Network.MessageBytes)
		u := &at[s.Monitor.Priority]
		everybody := make([]network.NodeID, s.Processes())
		all := len(s.Monitor.Watch) == len(everybody)
		for p := range everybody {
			everybody[p] = network.NodeID(p)
			all = all && len(s.Monitor.Watch[p]) == len(everybody)-1
		}
		if all {
			u.add(qjump.Demand{From: everybody, Bytes: wire}, wire, "the detectors")
		} else {
			for p, watch := range s.Monitor.Watch {
				var watched []network.NodeID
				for _, w := range watch {
					watched = append(watched, network.NodeID(w))
				}
				self := []network.NodeID{network.NodeID(p)}
				if len(watched) > 0 {
					u.add(qjump.Demand{From: self, To: watched, Bytes: wire}, wire, "the detectors")
					u.add(qjump.Demand{From: watched, To: self, Bytes: wire}, wire, "the detectors")
				}
			}
		}
	}
	for i := range s.Traffic {
		x := &s.Traffic[i]
		name := fmt.Sprintf("traffic[%d]", i)
		for _, d := range demandsOf(x) {
			d.Bytes = framing.WireBytes(d.Bytes)
			at[d.priority].add(d.Demand, framing.WireBytes(d.smallest), name)
		}
		if x.Limiter == network.SharedLimiter {
			continue
		}
		hosts := make(map[model.Priority][]network.NodeID)
		for _, sender := range x.Senders() {
			hosts[sender.Priority] = append(hosts[sender.Priority], sender.Host)
		}
		for p := range model.Priority(model.Priorities) {
			if _, is := s.QJump.Level(p); !is || len(hosts[p]) == 0 {
				continue
			}
			u := &at[p]
			text := fmt.Sprintf("%s from %s", name, some(&s.Network.Topology, hosts[p]))
			if x.Limiter == network.NoLimiter {
				u.past = append(u.past, text)
				continue
			}
			u.own = append(u.own, text)
			if u.limiters == nil {
				u.limiters = slices.Repeat([]int64{1}, s.Processes())
			}
			for _, h := range hosts[p] {
				u.limiters[h]++
			}
		}
	}
	for p := model.Priority(model.Priorities - 1); p > 0; p-- {
		lower := s.QJump.Lower(p)
		if _, is := s.QJump.Level(p); is && lower != p {
			for _, d := range at[p].demands {
				at[lower].add(d, at[p].smallest, fmt.Sprintf("what is demoted from priority %d", p))
			}
		}
	}
	return at
}

// demand is a demand in payload bytes, with its priority.
type demand struct {
	qjump.Demand
	priority model.Priority
	smallest int32
}

// demandsOf returns who sends to whom in a traffic.
func demandsOf(x *network.Traffic) []demand {
	if x.Kind != network.Schedule {
		senders := x.Senders()
		return []demand{{qjump.Demand{From: x.From, To: x.To, Bytes: x.Bytes}, x.Priority, senders[0].Smallest}}
	}
	var all []demand
	type pair struct {
		from, to network.NodeID
		priority model.Priority
	}
	known := make(map[pair]int)
	for _, y := range x.Sends {
		k := pair{y.From, y.To, y.Priority}
		i, is := known[k]
		if !is {
			i = len(all)
			known[k] = i
			all = append(all, demand{qjump.Demand{From: []network.NodeID{y.From}, To: []network.NodeID{y.To}, Bytes: y.Bytes}, y.Priority, y.Bytes})
		}
		all[i].Bytes, all[i].smallest = max(all[i].Bytes, y.Bytes), min(all[i].smallest, y.Bytes)
	}
	return all
}

// some names hosts, or a few of them.
func some(t *network.Topology, hosts []network.NodeID) string {
	var names []string
	for _, h := range hosts[:min(len(hosts), 3)] {
		names = append(names, t.Names[h])
	}
	text := strings.Join(names, ", ")
	if more := len(hosts) - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// drift returns by how many parts in a million a host's clock can be fast, rounded up, and
// how many pieces of a clock an epoch can meet.
func (d *derivation) drift() (ppm int64, pieces model.Duration) {
	ppb := max(d.Clocks.DriftHigh, 0)
	if !d.Clocks.AreTrue() {
		pieces = 1
	}
	for _, f := range d.Faults {
		if f.Spec.Name != "clock-drift" {
			continue
		}
		pieces += 2 // it comes and goes
		if more, err := network.ParseDrift(f.Params.Text("drift")); err == nil {
			ppb += max(more, 0)
		}
	}
	return (ppb + 999) / 1000, pieces
}

// prove finds the bounds of the levels as if nothing were broken that can be put right.
func (d *derivation) prove() {
	q, r := d.QJump, d.report
	topology := d.Network.Topology
	topology.Links = slices.Clone(topology.Links)
	for i := range topology.Links {
		l := &topology.Links[i]
		l.AtoB.Rate, l.BtoA.Rate = max(l.AtoB.Rate, q.Table.Rate), max(l.BtoA.Rate, q.Table.Rate)
	}
	n := &qjump.Network{Topology: &topology}
	d.nominal = n
	ppm, pieces := d.drift()
	for i := range r.Levels {
		l := &r.Levels[i]
		u := &d.uses[l.Priority]
		if u.largest == 0 {
			l.Unused, l.Refused = true, "nobody sends at this priority"
			continue
		}
		c := qjump.NetworkClass{
			Priority: model.Priority(l.Priority), Kind: q.Limiter, Epoch: max(l.Epoch-pieces, 1), Budget: l.Budget,
			Packet: q.Table.Packet, Smallest: min(u.smallest, q.Table.Packet), Drift: ppm, Demands: u.demands, Processing: q.Processing,
		}
		n.Classes, d.provedFor = append(n.Classes, c), append(d.provedFor, i)
	}
	for p := range d.uses {
		if _, is := q.Level(model.Priority(p)); !is || len(d.uses[p].past) > 0 {
			n.Frames = append(n.Frames, d.uses[p].demands...)
		}
	}
	bounds, err := n.Bounds()
	d.bounds = bounds
	unbounded := errors.As(err, &d.unbounded)
	senders := make([]int, len(q.Table.Levels))
	for i, place := range d.provedFor {
		l := &r.Levels[place]
		switch {
		case i < len(bounds):
			d.put(l, &bounds[i])
		case unbounded && i > len(bounds):
			l.Refused = fmt.Sprintf("the level with priority %d, above it, has none", d.unbounded.Priority)
		default:
			l.Refused = reason(err)
		}
		if l.Bound == nil {
			l.Senders = d.meet(l.Priority)
			if epsilon, err := n.Propagation(i); err == nil {
				l.Paper, _ = qjump.FanIn(r.Hosts, r.Packet, q.Table.Rate, epsilon)
			}
		}
		index, _ := q.Level(model.Priority(l.Priority))
		senders[index] = l.Senders
	}
	r.Admission = q.Table.Admission(senders)
}

func reason(err error) string {
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), "qjump: "), "there is no bound: ")
}

// meet returns the largest number of hosts that send to one receiver at a priority.
func (d *derivation) meet(priority int) int {
	from := make([]map[network.NodeID]bool, d.Processes())
	most := 0
	for _, x := range d.uses[priority].demands {
		to := x.To
		if to == nil {
			if len(x.From) == d.Processes() {
				return d.Processes() - 1
			}
			for h := range d.Processes() {
				to = append(to, network.NodeID(h))
			}
		}
		for _, h := range to {
			if from[h] == nil {
				from[h] = make(map[network.NodeID]bool)
			}
			for _, y := range x.From {
				if y != h {
					from[h][y] = true
				}
			}
			most = max(most, len(from[h]))
		}
	}
	return most
}

// put writes what is proved of a level into the report.
func (d *derivation) put(l *Level, b *qjump.NetworkBounds) {
	r, t := d.report, &d.Network.Topology
	worst := &b.Flows[0]
	x := &Bound{Delay: worst.Delay, Status: worst.Status.String()}
	l.Bound = x
	x.Method, x.Formula, x.Numbers = worst.Derivation()
	epsilon := model.Duration(0)
	for _, f := range b.Flows {
		epsilon = max(epsilon, f.Epsilon)
	}
	l.Paper, _ = qjump.FanIn(r.Hosts, r.Packet, d.QJump.Table.Rate, epsilon)
	ports := slices.Clone(b.Ports)
	slices.SortStableFunc(ports, func(p, q qjump.PortBound) int { return cmp.Compare(q.Delay, p.Delay) })
	for i, p := range ports {
		from, to := t.Ends(p.Link)
		l.Senders = max(l.Senders, int(p.Senders))
		x.Frame = max(x.Frame, p.Frame)
		if int(from) < t.Hosts {
			x.HostBacklog = max(x.HostBacklog, p.Backlog)
		} else {
			x.Backlog = max(x.Backlog, p.Backlog)
		}
		if i >= mostLines {
			continue
		}
		buffer := linkOf(t, p.Link).Buffer
		r.Ports = append(r.Ports, Port{
			From: t.Names[from], To: t.Names[to], Priority: l.Priority, Senders: int(p.Senders), Jitter: p.Jitter,
			Delay: p.Delay, Backlog: p.Backlog, BufferBytes: buffer.Bytes, BufferPackets: int(buffer.Packets),
		})
	}
	for i := range b.Flows[:min(len(b.Flows), mostLines)] {
		f := &b.Flows[i]
		r.Flows = append(r.Flows, Flow{
			From: t.Names[f.From], To: t.Names[f.To], Pairs: int(f.Pairs), Priority: l.Priority, Switches: f.Switches,
			Ways: int(f.Ways), Epsilon: f.Epsilon, Delay: f.Delay, Status: f.Status.String(), has: f.Has,
		})
	}
}

// linkOf returns the description of one direction of a link.
func linkOf(t *network.Topology, l network.LinkID) *network.LinkConfig {
	if l%2 == 1 {
		return &t.Links[l/2].BtoA
	}
	return &t.Links[l/2].AtoB
}
