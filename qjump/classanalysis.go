package qjump

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"suspect/model"
	"suspect/network"
)

// classAnalysis looks for the bounds of one class.
type classAnalysis struct {
	*fabric
	*passing
	flow
	*NetworkClass
	small    int32   // bytes
	limiters []int64 // by bit
	frames   []int32 // by link: the largest of lower priority
	higher   []*classAnalysis
	ports    []classPort // by link

	hostJitter      []model.Duration   // by bit: of packets at the end of the host's link
	kinds           []*sender          // of hosts that send, those of one switch in a row
	latest, soonest [][]model.Duration // by edge switch and switch: from there, or -1
	moved           []bool             // by switch: packets come there with other jitters than before
	solved          map[string]*solution
}

// classPort is an output port as the class sees it.
type classPort struct {
	inflow  *inflow // nil where nothing of the class passes
	inputs  []input
	senders int64
	jitter  model.Duration
	*solution
}

// input is a set of links from switches over which the same limiters' packets come to a
// port.
type input struct {
	links []network.LinkID
	from  hostSet
}

// solution is what is proved of ports that are alike.
type solution struct {
	portResult
	number int
	port   portAnalysis
	blocks model.Duration // of the port of a host: what others delay its packets
}

func newClassAnalysis(f *fabric, c *NetworkClass) *classAnalysis {
	a := &classAnalysis{
		fabric: f, NetworkClass: c, passing: f.reach(c.Demands), small: c.Smallest,
		limiters: slices.Repeat([]int64{1}, f.Hosts), ports: make([]classPort, 2*len(f.Links)),
		hostJitter: make([]model.Duration, f.Hosts), moved: make([]bool, f.switches), solved: make(map[string]*solution),
	}
	if a.small == 0 {
		a.small = c.Packet
	}
	for h, n := range c.Limiters {
		a.limiters[f.bit[h]] = n
	}
	for l := range a.over {
		p := &a.ports[l]
		if c.Limiters == nil {
			p.senders = int64(a.over[l].count(0, int32(f.Hosts)))
			continue
		}
		a.over[l].each(0, int32(f.Hosts), func(bit int32) { p.senders += a.limiters[bit] })
	}
	for range f.edges {
		a.latest = append(a.latest, make([]model.Duration, f.switches))
		a.soonest = append(a.soonest, make([]model.Duration, f.switches))
	}
	a.flow = newFlow(c.class(), &Path{Rate: 1})
	return a
}

// solve finds bounds for all ports.
func (a *classAnalysis) solve() error {
	if err := a.loads(); err != nil {
		return err
	}
	for bit, h := range a.order {
		l := a.up[h]
		if a.ports[l].senders == 0 {
			continue
		}
		in := a.newInflow(l)
		in.groups = []group{{times: 1, streams: []stream{{0, a.limiters[bit]}}}}
		if !a.port(l, in) {
			return a.refuse(l)
		}
		s := a.ports[l].solution
		if s.blocks < 0 {
			s.blocks = s.blocking()
		}
		_, near, far := a.config(l)
		a.hostJitter[bit] = s.blocks + far - near
	}
	a.kinds = a.senders()
	for l := range a.ports {
		if from, _ := a.Ends(network.LinkID(l)); int(from) >= a.Hosts && a.ports[l].senders > 0 {
			a.ports[l].inputs = a.inputs(network.LinkID(l))
		}
	}
	// From below: without a wait at any port the jitters are least.
	for round := 0; ; round++ {
		a.spread()
		changed := network.LinkID(-1)
		for l := range a.ports {
			from, _ := a.Ends(network.LinkID(l))
			if int(from) < a.Hosts || a.ports[l].senders == 0 || round > 0 && !a.moved[int(from)-a.Hosts] {
				continue
			}
			before := a.ports[l].solution
			if !a.port(network.LinkID(l), a.arrivals(network.LinkID(l))) {
				return a.refuse(network.LinkID(l))
			}
			if before == nil || before.delay != a.ports[l].delay {
				changed = network.LinkID(l)
			}
		}
		if changed < 0 {
			return nil
		}
		if round > maxRounds {
			return a.refuse(changed)
		}
	}
}

// maxRounds limits the search for jitters. On a network without cycles it takes as many rounds as
// there are switches on a way.
const maxRounds = 500

// loads returns an error if the class and those above it are more than a port carries.
func (a *classAnalysis) loads() error {
	type kind struct {
		rate    network.BitRate
		senders [model.Priorities]int64
	}
	known := make(map[kind]*Rational)
	var worst *Rational
	var at network.LinkID
	all := append(slices.Clone(a.higher), a)
	for l := range a.ports {
		if a.ports[l].senders == 0 {
			continue
		}
		c, _, _ := a.config(network.LinkID(l))
		k := kind{rate: c.Rate}
		for i, x := range all {
			k.senders[i] = x.ports[l].senders
		}
		load, ok := known[k]
		if !ok {
			load = rational(0, 1)
			for i, x := range all {
				load = sum(load, product(rational(k.senders[i], int64(x.epoch)), rational(int64(c.Rate.Transmission(x.Packet)), 1)).times(x.flow.Budget))
			}
			known[k] = load
		}
		if worst == nil || load.Cmp(&worst.Rat) > 0 {
			worst, at = load, network.LinkID(l)
		}
	}
	if worst != nil && worst.Cmp(&rational(1, 1).Rat) > 0 {
		return &NoBound{a.Priority, fmt.Sprintf("%s the port %s to %s, more than it carries", a.who("load"), a.name(at), worst.Decimal())}
	}
	return nil
}

// who names the class, as the subject of a verb.
func (a *classAnalysis) who(verb string) string {
	if len(a.higher) == 0 {
		return fmt.Sprintf("the level with priority %d %ss", a.Priority, verb)
	}
	return fmt.Sprintf("the level with priority %d and those above it %s", a.Priority, verb)
}

// refuse says why there is no bound, where a port's has not been found.
func (a *classAnalysis) refuse(l network.LinkID) error {
	why := ""
	if cycle := a.cycle(); cycle != "" {
		why = ", and ports depend on each other in a cycle: " + cycle
	}
	return &NoBound{a.Priority, fmt.Sprintf("%s the port %s so much that its queue need not become empty, or not within reason%s", a.who("load"), a.name(l), why)}
}

// newInflow returns an inflow to the port without its groups.
func (a *classAnalysis) newInflow(l network.LinkID) *inflow {
	c, _, _ := a.config(l)
	return &inflow{flow: &a.flow, priority: a.Priority, packet: c.Rate.Transmission(a.Packet), small: c.Rate.Transmission(a.small)}
}

// port solves the port for an inflow, or finds the solution of one that is alike.
func (a *classAnalysis) port(l network.LinkID, in *inflow) bool {
	in.seal()
	p := &a.ports[l]
	p.inflow = in
	x := portAnalysis{inflow: in}
	c, _, _ := a.config(l)
	x.block = c.Rate.Transmission(a.frames[l])
	key := append(appendInts(nil, int64(x.block)), in.id...)
	for i, h := range a.higher {
		if other := h.ports[l].inflow; other != nil {
			x.higher = append(x.higher, other)
			key = append(appendInts(key, -3, int64(i)), other.id...)
		}
	}
	if s, ok := a.solved[string(key)]; ok {
		p.solution = s
		return true
	}
	r, ok := x.solve(0)
	if !ok {
		return false
	}
	p.solution = &solution{portResult: r, number: len(a.solved), port: x, blocks: -1}
	a.solved[string(key)] = p.solution
	return true
}

// blocking returns by how much others can delay packets of a host at its own port, beyond
// those of the host before them: see [Network.Bounds].
func (s *solution) blocking() model.Duration {
	x := s.port
	x.steps = 0
	usual := s.delay - x.small // the largest delay less the least
	packets := int64(x.work(max(s.busy-1, 0)) / x.packet)
	if packets > maxSteps/16 {
		return usual
	}
	worst := model.Duration(0)
	for m := range packets {
		before := saturated(m, int64(x.packet))
		w, ok := x.begins(plus(x.block, before))
		if !ok {
			return usual
		}
		worst = max(worst, w-before+saturated(m+1, int64(x.packet-x.small)))
		if len(x.higher) == 0 && x.packet == x.small {
			break // it is the same for every m
		}
	}
	return min(usual, worst)
}

// inputs returns by which sets of links from switches the class comes to the port.
func (a *classAnalysis) inputs(l network.LinkID) []input {
	from, _ := a.Ends(l)
	var list []input
	for _, in := range a.into[int(from)-a.Hosts] {
		if source, _ := a.Ends(in); int(source) < a.Hosts || in == l^1 {
			continue
		}
		set := slices.Clone(a.over[in])
		some := false
		for i, w := range a.over[l] {
			set[i] &= w
			some = some || set[i] != 0
		}
		if !some {
			continue
		}
		x := input{[]network.LinkID{in}, set}
		rest := list[:0]
		for _, other := range list {
			if other.from.meets(x.from) {
				x.from.union(other.from)
				x.links = append(x.links, other.links...)
			} else {
				rest = append(rest, other)
			}
		}
		list = append(rest, x)
	}
	return list
}

// spread finds how long packets of the hosts of each switch take from there to the others.
func (a *classAnalysis) spread() {
	before := slices.Repeat([]model.Duration{-1}, a.switches)
	clear(a.moved)
	for c, root := range a.edges {
		latest, soonest := a.latest[c], a.soonest[c]
		for s := range latest {
			before[s], latest[s] = latest[s], -1
		}
		latest[root], soonest[root] = 0, 0
		for _, s := range a.layers[c] {
			if latest[s] < 0 {
				continue
			}
			for _, x := range a.arcs[s] {
				if a.hops[c][x.to] <= a.hops[c][s] || a.over[x.link].count(a.first[root], a.first[root+1]) == 0 {
					continue
				}
				config, near, far := a.config(x.link)
				least := config.Rate.Transmission(a.small)
				longest := config.Rate.Transmission(a.Packet)
				if p := a.ports[x.link].solution; p != nil {
					longest = p.delay
				}
				late, soon := plus(latest[s], longest, far), plus(soonest[s], least, near)
				if latest[x.to] < 0 {
					soonest[x.to] = soon
				}
				latest[x.to], soonest[x.to] = max(latest[x.to], late), min(soonest[x.to], soon)
			}
		}
		for s := range latest { // what is soonest stays
			a.moved[s] = a.moved[s] || latest[s] != before[s]
		}
	}
}

// common returns how many hosts of a kind are in the set.
func (a *classAnalysis) common(k *sender, set hostSet) (n int64) {
	for i := k.bit / 64; i*64 < k.end; i++ {
		n += int64(bits.OnesCount64(k.bits[i] & set[i]))
	}
	return n
}

// arrivals returns what comes to the port of a switch.
func (a *classAnalysis) arrivals(l network.LinkID) *inflow {
	in := a.newInflow(l)
	p := &a.ports[l]
	p.jitter = 0
	from, _ := a.Ends(l)
	s := int32(from) - int32(a.Hosts)
	for _, k := range a.kinds {
		n := int64(0)
		if !k.solitary && a.edges[k.edge] == s {
			n = a.common(k, a.over[l])
		}
		if n == 0 {
			continue
		}
		g := group{times: n, streams: []stream{{k.jitter, k.limiters}}}
		p.jitter = max(p.jitter, k.jitter)
		if d, ok := a.feed(in, a.up[a.order[k.bit]], l); ok {
			g.links = []feed{d}
		}
		in.groups = append(in.groups, g)
	}
	for _, x := range p.inputs {
		g := group{times: 1}
		for _, link := range x.links {
			d, ok := a.feed(in, link, l)
			if !ok {
				g.links = nil
				break
			}
			if k := slices.IndexFunc(g.links, func(e feed) bool { return e.num == d.num && e.den == d.den }); k >= 0 {
				g.links[k].links++
			} else {
				g.links = append(g.links, d)
			}
		}
		for _, k := range a.kinds {
			if k.solitary || a.latest[k.edge][s] < 0 {
				continue
			}
			n := saturate(a.common(k, x.from), k.limiters)
			if n == 0 {
				continue
			}
			jitter := plus(k.jitter, a.latest[k.edge][s]-a.soonest[k.edge][s])
			p.jitter = max(p.jitter, jitter)
			if last := len(g.streams) - 1; last >= 0 && g.streams[last].jitter == jitter {
				g.streams[last].limiters += n
			} else {
				g.streams = append(g.streams, stream{jitter, n})
			}
		}
		in.groups = append(in.groups, g)
	}
	return in
}

// feed returns what link from carries while port l works, and no where its packets need not
// come one after another.
func (a *classAnalysis) feed(in *inflow, from, l network.LinkID) (feed, bool) {
	source, near, far := a.config(from)
	port, _, _ := a.config(l)
	if near != far {
		return feed{}, false
	}
	if source.Rate == port.Rate {
		return feed{1, 1, 1}, true
	}
	if a.small == a.Packet {
		return feed{1, int64(in.packet), int64(source.Rate.Transmission(a.Packet))}, true
	}
	// Transmission times are rounded up.
	den := int64(source.Rate.Transmission(a.small)) - 1
	return feed{1, int64(in.small) + 1, den}, den > 0
}

// together bounds the time in the host and at the port of its switch together, where
// packets of the host have the given solution there, and returns what the port of the
// switch adds to that of the host. Let s be the beginning of the busy
// period in which the packet is sent at the switch, x how long after s it comes there, and q
// how long it was in its host, of which q' is the most. Packets of its host that come in [s,
// s+x] were released no more than x + q' - q before it: who stays long follows late. For q
// less than q', no fewer come with q' and x + q' - q, and the sum of both delays is the same.
func (a *classAnalysis) together(bit int32, l network.LinkID) portResult {
	h := a.order[bit]
	host, p := &a.ports[a.up[h]], &a.ports[l]
	alone := p.portResult
	d, ok := a.feed(p.inflow, a.up[h], l)
	if !ok {
		return alone
	}
	own := stream{a.hostJitter[bit], a.limiters[bit]}
	k := slices.IndexFunc(p.inflow.groups, func(g group) bool {
		return len(g.links) == 1 && g.links[0] == d && len(g.streams) == 1 && g.streams[0] == own
	})
	if k < 0 {
		return alone
	}
	own.jitter = 0
	in := *p.inflow
	in.groups = slices.Clone(in.groups)
	in.groups[k].times--
	in.groups = append(in.groups, group{1, []feed{d}, []stream{own}})
	x := p.port
	x.steps, x.inflow = 0, &in
	// Later than the busy period of the whole inflow ends, and by q', need not be looked at.
	r, ok := x.solve(plus(host.delay, p.busy))
	if !ok || r.delay >= alone.delay {
		return alone
	}
	return r
}

// cycle names ports that depend on each other in a cycle, or is empty.
func (a *classAnalysis) cycle() string {
	const unseen, open, done = 0, 1, 2
	state := make([]uint8, len(a.ports))
	var path []network.LinkID
	var visit func(l network.LinkID) []network.LinkID
	visit = func(l network.LinkID) []network.LinkID {
		state[l] = open
		path = append(path, l)
		_, to := a.Ends(l)
		if int(to) >= a.Hosts {
			for _, x := range a.arcs[int(to)-a.Hosts] {
				switch {
				case x.link == l^1 || !a.over[x.link].meets(a.over[l]):
				case state[x.link] == open:
					return append(path[slices.Index(path, x.link):], x.link)
				case state[x.link] == unseen:
					if found := visit(x.link); found != nil {
						return found
					}
				}
			}
		}
		state[l] = done
		path = path[:len(path)-1]
		return nil
	}
	for s := range a.arcs {
		for _, x := range a.arcs[s] {
			if state[x.link] != unseen {
				continue
			}
			if found := visit(x.link); found != nil {
				var names []string
				for _, l := range found {
					names = append(names, a.name(l))
				}
				return strings.Join(names, ", ")
			}
		}
	}
	return ""
}
