package qjump

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"suspect/model"
	"suspect/network"
)

// bounds returns what was found of all ports, and the flows.
func (a *classAnalysis) bounds() NetworkBounds {
	var b NetworkBounds
	for l := range a.ports {
		p := &a.ports[l]
		if p.senders == 0 {
			continue
		}
		x := PortBound{
			Link: network.LinkID(l), Senders: p.senders, Frame: a.frames[l],
			Jitter: p.jitter, Delay: p.delay,
		}
		x.Packets, x.Backlog = a.backlog(network.LinkID(l))
		b.Ports = append(b.Ports, x)
	}
	b.Flows = a.flows()
	return b
}

// backlog returns what waits at the port at most, in packets and bytes.
func (a *classAnalysis) backlog(l network.LinkID) (packets, bytes int64) {
	p := &a.ports[l]
	x := &p.port
	if a.small == a.Packet {
		packets = int64((p.waiting + x.packet - 1) / x.packet)
		if x.block == 0 && len(x.higher) == 0 {
			packets-- // one is in transmission
		}
		return packets, saturate(packets, int64(a.Packet))
	}
	bytes = bytesIn(p.waiting, l, a)
	return (bytes + int64(a.small) - 1) / int64(a.small), bytes
}

// bytesIn returns how many bytes a port sends in w.
func bytesIn(w model.Duration, l network.LinkID, a *classAnalysis) int64 {
	c, _, _ := a.config(l)
	bytes := ratio(product(rational(int64(w), 1), rational(int64(c.Rate), 8)), rational(int64(model.Second), 1))
	whole := bytes.Num()
	whole = whole.Quo(whole, bytes.Denom())
	if !whole.IsInt64() {
		return most
	}
	return whole.Int64()
}

// sender is a kind of host: the analysis makes no difference between two of them at one
// switch.
type sender struct {
	*solution
	jitter     model.Duration
	limiters   int64
	rate       network.BitRate
	near, far  model.Duration
	solitary   bool // linked to another host
	edge       int  // the place of its switch
	bits       hostSet
	bit, end   int32 // its first bit, and the one behind its last
	firstPorts map[*solution]portResult
}

// senders returns the kinds of hosts that send.
func (a *classAnalysis) senders() []*sender {
	var list []*sender
	for i := range a.order {
		bit := int32(i)
		h := a.order[bit]
		p := &a.ports[a.up[h]]
		if p.senders == 0 {
			continue
		}
		c, near, far := a.config(a.up[h])
		x := sender{
			solution: p.solution, jitter: a.hostJitter[bit], limiters: a.limiters[bit],
			rate: c.Rate, near: near, far: far, solitary: a.at[h] < 0, bit: bit,
		}
		if !x.solitary {
			x.edge = int(a.edge[a.at[h]])
		}
		k := slices.IndexFunc(list, func(y *sender) bool {
			return y.edge == x.edge && y.solution == x.solution && y.jitter == x.jitter && y.limiters == x.limiters &&
				y.rate == x.rate && y.near == x.near && y.far == x.far && y.solitary == x.solitary
		})
		if k < 0 {
			k = len(list)
			x.bits, x.firstPorts = a.sets(1)[0], make(map[*solution]portResult)
			list = append(list, &x)
		}
		list[k].bits.add(bit)
		list[k].end = bit + 1
	}
	return list
}

// last returns the last host of a kind that is in the set, which has one.
func (a *classAnalysis) last(x *sender, set hostSet) (h network.NodeID) {
	x.bits.each(x.bit, x.end, func(bit int32) {
		if set.has(bit) {
			h = a.order[bit]
		}
	})
	return h
}

// firstPort returns what the port of the first switch adds to that of the host.
func (a *classAnalysis) firstPort(x *sender, l network.LinkID) portResult {
	s := a.ports[l].solution
	r, ok := x.firstPorts[s]
	if !ok {
		r = a.together(x.bit, l)
		x.firstPorts[s] = r
	}
	return r
}

// firstTwo bounds the time in a host and at the first switch together.
func (a *classAnalysis) firstTwo(x *sender, l network.LinkID) model.Duration {
	return plus(x.delay, a.firstPort(x, l).delay)
}

// toward is what lies between each switch and one of them.
type toward struct {
	rest    []model.Duration // the longest delay from there on, by switch
	next    []network.LinkID // the first port of that way
	epsilon []model.Duration
	ways    []int64
}

func (a *classAnalysis) toward(c int) *toward {
	t := &toward{
		make([]model.Duration, a.switches), make([]network.LinkID, a.switches), make([]model.Duration, a.switches), make([]int64, a.switches),
	}
	t.ways[a.edges[c]] = 1
	for _, s := range a.layers[c][1:] {
		for _, x := range a.arcs[s] {
			p := &a.ports[x.link]
			if a.hops[c][x.to] >= a.hops[c][s] || p.senders == 0 {
				continue
			}
			_, _, far := a.config(x.link)
			delay := model.Duration(0)
			if p.solution != nil { // else propagation is all that is asked for
				delay = p.delay
			}
			if d := plus(delay, far, t.rest[x.to]); d > t.rest[s] {
				t.rest[s], t.next[s] = d, x.link
			}
			t.epsilon[s] = max(t.epsilon[s], plus(far, t.epsilon[x.to]))
			t.ways[s] = min(t.ways[s]+t.ways[x.to], most)
		}
	}
	return t
}

// flows returns the bounds from end to end, the largest first.
func (a *classAnalysis) flows() []FlowBound {
	routes := a.routes()
	if a.tree() {
		for i := range routes {
			a.interference(&routes[i])
		}
	}
	a.payOnce(routes)
	type like struct {
		delay, epsilon model.Duration
		switches       int
		ways           int64
		status         Status
		met            int64
	}
	known := make(map[like]int)
	var flows []FlowBound
	for i := range routes {
		f := &routes[i].FlowBound
		if f.Switches > 0 {
			f.Status = a.status(f, routes[i].sender)
		}
		key := like{f.Delay, f.Epsilon, f.Switches, f.Ways, f.Status, f.Met}
		if k, ok := known[key]; ok {
			flows[k].Pairs += f.Pairs
			flows[k].members = append(flows[k].members, f.members...)
			continue
		}
		known[key] = len(flows)
		a.steps(&routes[i])
		flows = append(flows, *f)
	}
	slices.SortStableFunc(flows, func(f, g FlowBound) int { return cmp.Compare(g.Delay, f.Delay) })
	return flows
}

// route is the flow from one kind of host to another.
type route struct {
	FlowBound
	sender *sender
	toward *toward        // the receiver's switch; nil where both are linked to each other
	first  network.LinkID // the port of the first switch, on the slowest way
}

// receiver is a kind of host: packets come to two of them on one switch in the same way.
type receiver struct {
	port  *solution
	far   model.Duration
	from  hostSet // who sends to it, and itself
	hosts []network.NodeID
	bits  hostSet // the same
}

// receivers returns the kinds of hosts of a switch to which somebody sends.
func (a *classAnalysis) receivers(s int32) []*receiver {
	var list []*receiver
	for _, h := range a.order[a.first[s]:a.first[s+1]] {
		port := a.ports[a.down[h]].solution
		if port == nil {
			continue
		}
		_, _, far := a.config(a.down[h])
		from := slices.Clone(a.to[h])
		from.add(a.bit[h])
		k := slices.IndexFunc(list, func(r *receiver) bool {
			return r.port == port && r.far == far && slices.Equal(r.from, from)
		})
		if k < 0 {
			k = len(list)
			list = append(list, &receiver{port: port, far: far, from: from, bits: a.sets(1)[0]})
		}
		list[k].hosts = append(list[k].hosts, h)
		list[k].bits.add(a.bit[h])
	}
	return list
}

// routes returns the flows with the bound that is the sum over the ports.
func (a *classAnalysis) routes() []route {
	var list []route
	for c, root := range a.edges {
		t := a.toward(c)
		for _, r := range a.receivers(root) {
			for _, x := range a.kinds {
				if x.solitary {
					continue
				}
				f := route{sender: x, toward: t, first: a.down[r.hosts[0]]}
				f.members = []members{{a, x.bits, r.bits}}
				for _, h := range r.hosts {
					n := a.common(x, a.to[h])
					if n > 0 && f.Pairs == 0 {
						f.From, f.To, f.first = a.last(x, a.to[h]), h, a.down[h]
					}
					f.Pairs += n
				}
				if f.Pairs == 0 {
					continue
				}
				at := a.edges[x.edge]
				f.Switches = int(a.hops[c][at]) + 1
				if at == root {
					f.Delay, f.Ways, f.Epsilon = plus(a.firstTwo(x, f.first), x.far, r.far), 1, plus(x.far, r.far)
				} else {
					rest := model.Duration(0)
					for _, y := range a.arcs[at] {
						if a.hops[c][y.to] >= a.hops[c][at] || a.ports[y.link].senders == 0 {
							continue
						}
						_, _, far := a.config(y.link)
						if d := plus(a.firstTwo(x, y.link), far, t.rest[y.to]); d > rest {
							rest, f.first = d, y.link
						}
					}
					f.Delay, f.Ways, f.Epsilon = plus(x.far, rest, r.port.delay, r.far), t.ways[at], plus(x.far, t.epsilon[at], r.far)
				}
				list = append(list, f)
			}
		}
	}
	for _, x := range a.kinds {
		if x.solitary {
			x.bits.each(0, int32(a.Hosts), func(bit int32) {
				_, to := a.Ends(a.up[a.order[bit]])
				f := FlowBound{From: a.order[bit], To: to, Pairs: 1, Ways: 1, Epsilon: x.far, Delay: plus(x.delay, x.far)}
				f.members = []members{{a, x.bits, a.sets(1)[0]}}
				f.members[0].to.add(a.bit[to])
				list = append(list, route{FlowBound: f, sender: x})
			})
		}
	}
	return list
}

// steps finds the links and the bound of each port on the slowest way, see [FlowBound].
func (a *classAnalysis) steps(r *route) {
	add := func(l network.LinkID, found portResult) {
		x, w := &a.ports[l].port, found.worst
		step := Step{
			Port: a.name(l), Delay: found.delay, Block: x.block, Frame: a.frames[l],
			Own: x.packets(w.work), Before: w.at,
		}
		for _, h := range x.higher {
			step.Above = append(step.Above, h.packets(h.work(w.window)))
		}
		_, _, far := a.config(l)
		r.Steps, r.Links = append(r.Steps, step), plus(r.Links, far)
	}
	add(a.up[r.From], r.sender.portResult)
	if r.toward == nil {
		return
	}
	add(r.first, a.firstPort(r.sender, r.first))
	last := a.down[r.To]
	for l := r.first; l != last; {
		_, s := a.Ends(l)
		if l = last; int(s)-a.Hosts != int(a.at[r.To]) {
			l = r.toward.next[int(s)-a.Hosts]
		}
		add(l, a.ports[l].portResult)
	}
}

// String writes the step as a sum, with all that is in it.
func (s *Step) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", s.Port)
	if s.Block > 0 {
		fmt.Fprintf(&b, "%v (frame of %d B) + ", s.Block, s.Frame)
	}
	fmt.Fprint(&b, s.Own)
	for _, w := range s.Above {
		if w.Packets > 0 || w.Part > 0 {
			fmt.Fprintf(&b, " + %v (priority %d)", w, w.Priority)
		}
	}
	if s.Before > 0 {
		fmt.Fprintf(&b, " - %v (sent before)", s.Before)
	}
	fmt.Fprintf(&b, " = %v", s.Delay)
	return b.String()
}

// String writes the work as packets of P/R each, and a part of one.
func (w Work) String() string {
	text := fmt.Sprintf("%d x %v", w.Packets, w.Each)
	if w.Part > 0 {
		text += fmt.Sprintf(" + %v (part of one)", w.Part)
	}
	return text
}

// tree tells whether the theorem of route interference (see analysis.rin) holds for all flows:
// ways are unique, so that packets which meet and part do not meet again, packets are spaced
// and of one size, links of one rate, nothing is above or below the class, and the epoch has
// room for a packet of every sender.
func (a *classAnalysis) tree() bool {
	c := a.NetworkClass
	if len(a.Links) != len(a.Names)-1 || c.Budget != 1 || c.Kind == FixedWindow || a.small != c.Packet || len(a.higher) != 0 || len(a.kinds) == 0 {
		return false
	}
	hosts := int64(0)
	for _, x := range a.kinds {
		hosts += int64(x.bits.count(0, int32(a.Hosts)))
		if x.limiters != 1 {
			return false
		}
	}
	for l := range a.ports {
		config, near, far := a.config(network.LinkID(l))
		if a.ports[l].senders > 0 && (a.frames[l] > 0 || near != far || config.Rate != a.kinds[0].rate) {
			return false
		}
	}
	return saturated(hosts, int64(a.kinds[0].port.packet)) <= a.epoch
}

// interference bounds the flow by the theorem of route interference: it is delayed by at most
// one packet of every other sender whose packets can come to its way.
func (a *classAnalysis) interference(f *route) {
	met := slices.Clone(a.over[a.down[f.To]])
	for s := a.at[f.From]; s != a.at[f.To]; {
		l := f.toward.next[s]
		met.union(a.over[l])
		_, to := a.Ends(l)
		s = int32(to) - int32(a.Hosts)
	}
	n := int64(met.count(0, int32(a.Hosts)))
	packet := a.kinds[0].port.packet
	if d := plus(saturated(n+int64(f.Switches), int64(packet)), f.Epsilon); d < f.Delay {
		f.Delay, f.Met, f.packet = d, n, packet
	}
}

// status tells whether the bound of a flow is known to be attained: on one switch, and in an
// even tree of two levels without lower frames, where all links have one rate and packets one
// size (section "What holds, and what does not" of the package comment).
func (a *classAnalysis) status(f *FlowBound, x *sender) Status {
	port := &a.ports[a.down[f.To]]
	if len(a.higher) != 0 || a.small != a.Packet || x.limiters != 1 || x.blocks != 0 {
		return Proved
	}
	from := a.to[f.To]
	alike := true
	blocked := false
	look := func(l network.LinkID) {
		c, near, far := a.config(l)
		alike = alike && c.Rate == x.rate && near == far
		blocked = blocked || a.frames[l] > 0
	}
	hosts := int64(0)
	var perEdge []int64 // senders at other switches
	root := a.at[f.To]
	for c, s := range a.edges {
		n := int64(0)
		from.each(a.first[s], a.first[s+1], func(bit int32) {
			n++
			alike = alike && a.limiters[bit] == 1
			look(a.up[a.order[bit]])
		})
		hosts += n
		if s != root && n > 0 {
			perEdge = append(perEdge, n)
			alike = alike && a.hops[c][root] == 2
		}
	}
	if !alike || blocked {
		return Proved // a frame at a host closes packets up
	}
	look(a.down[f.To])
	if !alike || port.senders != hosts {
		return Proved
	}
	d := f.Delay - f.Epsilon
	n := saturate(hosts, a.NetworkClass.Budget)
	packet := port.port.packet
	spaced := a.NetworkClass.Kind == MinimumSpacing || a.NetworkClass.Kind == RestartingWindow && a.NetworkClass.Budget == 1
	if a.Processing > 0 && (!spaced || a.NetworkClass.Budget > 1) {
		return Proved // two packets of one limiter may not leave together
	}
	work := func(n int64) model.Duration { return saturated(n, int64(packet)) }
	if len(perEdge) == 0 && len(port.inputs) == 0 {
		if spaced && (!blocked || a.NetworkClass.Budget == 1) && d == work(n+1)+port.port.block ||
			a.NetworkClass.Kind == FixedWindow && !blocked && d == work(2*n+1) {
			return Exact
		}
		return Proved
	}
	// The senders of the other switches come over one port, evenly, and those of this one are
	// one less.
	if blocked || !spaced || a.NetworkClass.Budget != 1 || f.Ways != 1 || f.Switches != 3 ||
		len(port.inputs) != 1 || len(port.inputs[0].links) != 1 || d != work(n+3) {
		return Proved
	}
	core := port.inputs[0].links[0]
	look(core)
	each := perEdge[0]
	for _, m := range perEdge {
		if m != each {
			return Proved
		}
	}
	for _, y := range a.ports[core].inputs {
		for _, l := range y.links {
			look(l)
		}
	}
	local := hosts - each*int64(len(perEdge))
	if !alike || blocked || local != each-1 {
		return Proved
	}
	return Exact
}

// Derivation names the argument, states it as a formula, and puts the numbers in.
func (f *FlowBound) Derivation() (method, formula, numbers string) {
	if f.once {
		return "pay once", "D = sum of L/R + (N + h)*P/R + eps, with N packets that come to the way in a busy period",
			fmt.Sprintf("%v + (%d + %d)*%v + %v = %v", f.block, f.Met, f.Switches, f.packet, f.Epsilon, f.Delay)
	}
	if f.Met > 0 {
		return "route interference", "D = (N + h)*P/R + eps",
			fmt.Sprintf("(%d + %d)*%v + %v = %v", f.Met, f.Switches, f.packet, f.Epsilon, f.Delay)
	}
	var text strings.Builder
	for i := range f.Steps {
		fmt.Fprintf(&text, "%v; ", &f.Steps[i])
	}
	return "port by port",
		"D = sum over the ports of max over x of (L/R + A(x) - x + H) + eps, with at most A(x) of the class and H of those above in a busy period until x",
		fmt.Sprintf("%slinks: %v; in all %v", text.String(), f.Links, f.Delay)
}
