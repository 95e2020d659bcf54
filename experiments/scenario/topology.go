package scenario

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"suspect/experiments/graphfile"
	"suspect/model"
	"suspect/network"
)

// maxPairs bounds the watched pairs of a system: each costs about 40 bytes for
// each detector.
const maxPairs = 1 << 26

// The kinds of layout are the keys of network.topology.
const (
	starLayout      = "star"
	leafSpineLayout = "leaf_spine"
	fatTreeLayout   = "fat_tree"
	graphLayout     = "graph"
	fileLayout      = "file"
)

var framings = [...]string{network.Ethernet: "ethernet", network.Bare: "bare"}

// layout is how a topology was described; from it a resolved scenario describes it
// again.
type layout struct {
	kind                    string
	hosts                   int64 // of a star
	leaves, spines, perLeaf int64
	k                       int64
	edge, core              network.LinkConfig
}

// size returns the numbers of hosts, nodes and links before anything is built.
func (l layout) size() (hosts, nodes, links int64) {
	switch l.kind {
	case starLayout:
		return l.hosts, l.hosts + 1, l.hosts
	case leafSpineLayout:
		hosts = l.leaves * l.perLeaf
		return hosts, hosts + l.leaves + l.spines, hosts + l.leaves*l.spines
	case fatTreeLayout:
		half := l.k / 2
		hosts = l.k * half * half
		return hosts, hosts + 2*l.k*half + half*half, 3 * hosts
	}
	return 0, 0, 0
}

// build makes the topology of a layout that needs no names.
func (l layout) build() network.Topology {
	switch l.kind {
	case starLayout:
		return network.Star(int(l.hosts), l.edge)
	case leafSpineLayout:
		return network.LeafSpine(int(l.leaves), int(l.spines), int(l.perLeaf), l.edge, l.core)
	}
	return network.FatTree(int(l.k), l.edge, l.core)
}

// usual returns what a link is configured as unless it is listed by itself.
func (l layout) usual(t *network.Topology, link *network.Link) network.LinkConfig {
	if int(link.A) < t.Hosts || int(link.B) < t.Hosts {
		return l.edge
	}
	return l.core
}

func (r *reader) network(top *section, s *Scenario) {
	n := top.get("network")
	sec := r.section("network", n, networkKeys)
	if n == nil || n.kind != mappingNode {
		return
	}
	framing := sec.oneOf("framing", framings[network.Ethernet], framings[:])
	s.Network.Framing = network.Framing(slices.Index(framings[:], framing))
	edge := r.section("network.edge", sec.get("edge"), linkKeys)
	s.layout.edge = r.link(edge, network.LinkConfig{})
	if sec.has("edge") && !edge.has("rate") && edge.good("rate") {
		r.add(edge.at, "network.edge lacks the key \"rate\" (%s)", rateForm.is)
	}
	s.layout.core = r.link(r.section("network.core", sec.get("core"), linkKeys), s.layout.edge)
	if before := r.told(); !r.topology(top, sec, s) || r.told() > before {
		s.Network.Topology = network.Topology{}
		return
	}
	t := &s.Network.Topology
	r.nodeNames = t.Names
	r.nodes = make(map[string]network.NodeID, len(t.Names))
	for i, name := range t.Names {
		r.nodes[name] = network.NodeID(i)
	}
	r.singleLinks(sec, s)
	if r.told() > 0 {
		return
	}
	// What the reader has no eye for.
	for _, err := range t.Validate() {
		sec.fail("topology", "%v", err)
	}
}

// link reads the fields of a link over what it has already.
func (r *reader) link(sec *section, c network.LinkConfig) network.LinkConfig {
	c.Rate = value(sec, "rate", c.Rate, parseRate)
	c.Delay = value(sec, "delay", c.Delay, parseDuration)
	c.Buffer = value(sec, "buffer", c.Buffer, parseBuffer)
	c.Jitter = value(sec, "jitter", c.Jitter, parseDistribution)
	c.Replay = r.trace(sec, c.Replay)
	if c.Replay.Recording != nil && !c.Jitter.IsZero() && sec.good("jitter", "trace") {
		r.add(sec.at, "%s: jitter beside a trace, which has its own (write jitter: 0s, or trace: none)", sec.name)
	}
	if n := sec.get("loss"); n != nil && n.kind == mappingNode {
		l := r.section(sec.name+".loss", n, lossKeys)
		c.Loss = network.Loss{
			Good:      value(l, "good", 0, model.ParseProbability),
			Bad:       value(l, "bad", 0, model.ParseProbability),
			GoodToBad: value(l, "good_to_bad", 0, model.ParseProbability),
			BadToGood: value(l, "bad_to_good", 0, model.ParseProbability),
		}
	} else if n != nil {
		c.Loss = network.IndependentLoss(value(sec, "loss", 0, model.ParseProbability))
	}
	return c
}

// topology reads network.topology and builds it. It returns false where there is
// none.
func (r *reader) topology(top, sec *section, s *Scenario) bool {
	n := sec.get("topology")
	if n == nil || n.kind != mappingNode {
		r.section("network.topology", n, topologyKeys)
		return false
	}
	t := r.section("network.topology", n, topologyKeys)
	for _, k := range topologyKeys {
		if !t.has(k.name) {
			continue
		}
		if s.layout.kind != "" {
			r.add(t.pairs[k.name].at, "a second topology, %q beside %q (keep one)", k.name, s.layout.kind)
			return false
		}
		s.layout.kind = k.name
	}
	const largest = network.MaxNodes
	l := &s.layout
	switch kind := l.kind; kind {
	case starLayout:
		sub := r.section("network.topology.star", t.get(kind), starKeys)
		l.hosts = sub.count("hosts", 0, 2, math.MaxInt32)
		return sub.good("hosts") && r.affordable(top, sub, s)
	case leafSpineLayout:
		sub := r.section("network.topology.leaf_spine", t.get(kind), leafSpineKeys)
		l.leaves = sub.count("leaves", 0, 1, largest)
		l.spines = sub.count("spines", 0, 1, largest)
		l.perLeaf = sub.count("hosts_per_leaf", 0, 1, largest)
		return sub.good("leaves", "spines", "hosts_per_leaf") && r.affordable(top, sub, s)
	case fatTreeLayout:
		sub := r.section("network.topology.fat_tree", t.get(kind), fatTreeKeys)
		l.k = sub.count("k", 0, 2, 1<<20)
		if sub.good("k") && l.k%2 != 0 {
			sub.fail("k", "the switches of a fat tree have an even number of ports, not %d", l.k)
		}
		return sub.good("k") && r.affordable(top, sub, s)
	case graphLayout:
		return r.graph(r.section("network.topology.graph", t.get(kind), graphKeys), s)
	case fileLayout:
		return r.graphFile(t, s)
	}
	if len(n.pairs) == 0 || len(t.pairs) == len(n.pairs) {
		r.add(n.at, "network.topology must have one of the keys %s", oneOf(keyNames(topologyKeys)))
	}
	return false
}

// affordable builds a layout, unless its numbers alone are too large.
func (r *reader) affordable(top, sec *section, s *Scenario) bool {
	hosts, nodes, links := s.layout.size()
	if hosts < 2 {
		r.add(sec.at, "%s has %d host; a failure detector needs two or more", sec.name, hosts)
		return false
	}
	if nodes > network.MaxNodes || links > network.MaxLinks {
		r.add(sec.at, "%s has %d hosts, %d nodes and %d links: at most %d nodes and %d links are supported",
			sec.name, hosts, nodes, links, network.MaxNodes, network.MaxLinks)
		return false
	}
	if !r.pairsFit(top, s, hosts) {
		return false
	}
	s.Network.Topology = s.layout.build()
	return true
}

// graph reads a graph that is written out.
func (r *reader) graph(sec *section, s *Scenario) bool {
	t := &s.Network.Topology
	number := make(map[string]network.NodeID)
	places := make(map[string]place)
	before := r.told()
	for _, key := range []string{"hosts", "switches"} {
		for _, n := range sec.list(key, false) {
			name, ok := r.text("a name in "+key, n, nameForm)
			if !ok {
				continue
			}
			if _, err := parseName(name); err != nil {
				r.add(n.at, "%v", err)
				continue
			}
			if first, taken := places[name]; taken {
				r.add(n.at, "the node %q is already listed in %v", name, first)
				continue
			}
			places[name] = n.at
			number[name] = network.NodeID(len(t.Names))
			t.Names = append(t.Names, name)
		}
		if key == "hosts" {
			t.Hosts = len(t.Names)
		}
	}
	if sec.has("hosts") && sec.good("hosts") && t.Hosts < 2 && r.told() == before {
		sec.fail("hosts", "%d host; a failure detector needs two or more", t.Hosts)
	}
	type ends struct{ low, high network.NodeID }
	seen := make(map[ends]place)
	degree := make([]int, len(t.Names))
	for _, n := range sec.list("links", false) {
		a, b, ok := r.ends(n, number, t.Names)
		if !ok {
			continue
		}
		if a == b {
			r.add(n.at, "a link joins %s to itself", t.Names[a])
			continue
		}
		e := ends{min(a, b), max(a, b)}
		if first, twice := seen[e]; twice {
			r.add(n.at, "there is already a link between %s and %s, in %v", t.Names[a], t.Names[b], first)
			continue
		}
		seen[e] = n.at
		for _, x := range []network.NodeID{a, b} {
			if degree[x]++; int(x) < t.Hosts && degree[x] == 2 {
				r.add(n.at, "the host %s has a second link (a host has one; make it a switch if it forwards)", t.Names[x])
			}
		}
		link := network.Link{A: a, B: b}
		link.AtoB = s.layout.usual(t, &link)
		link.BtoA = link.AtoB
		t.Links = append(t.Links, link)
	}
	if r.told() == before && t.Hosts > 0 {
		r.connected(t, func(n network.NodeID) place { return places[t.Names[n]] })
	}
	return r.told() == before && t.Hosts > 0
}

// ends reads a pair of names.
func (r *reader) ends(n *node, number map[string]network.NodeID, names []string) (a, b network.NodeID, ok bool) {
	if n.kind == refusedNode {
		return 0, 0, false
	}
	if n.kind != listNode || len(n.items) != 2 {
		r.add(n.at, "a link is a pair of names, as [a, s]")
		return 0, 0, false
	}
	var id [2]network.NodeID
	ok = true
	for i, item := range n.items {
		name, fine := r.text("the end of a link", item, nameForm)
		if fine {
			id[i], fine = r.nodeNamed(name, item.at, number, names)
		}
		ok = ok && fine
	}
	return id[0], id[1], ok
}

func (r *reader) nodeNamed(name string, at place, number map[string]network.NodeID, names []string) (network.NodeID, bool) {
	id, ok := number[name]
	if !ok {
		r.add(at, "there is no node %q%s", name, r.nodeMeant(name, names))
	}
	return id, ok
}

// nodeMeant suggests a node's name, or tells what the names are like. It takes its time
// only for errors that will be shown.
func (r *reader) nodeMeant(name string, names []string) string {
	if r.told() >= maxErrors {
		return ""
	}
	if hint := Meant(name, names); hint != "" || len(names) == 0 {
		return hint
	}
	return fmt.Sprintf(" (the %d nodes are named like %s)", len(names), examples(names))
}

// examples names the first node, and the last.
func examples(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return names[0] + " and " + names[len(names)-1]
}

// connected tells the first node that the first one cannot reach.
func (r *reader) connected(t *network.Topology, at func(network.NodeID) place) {
	distance := distances(neighbours(t), 0)
	apart, example := 0, network.NodeID(0)
	for n, d := range distance {
		if d < 0 {
			if apart == 0 {
				example = network.NodeID(n)
			}
			apart++
		}
	}
	if apart > 0 {
		r.add(at(example), "the graph is not connected: from %s there is no path to %d of the %d nodes, as %s", t.Names[0], apart, len(t.Names), t.Names[example])
	}
}

// neighbours returns the nodes next to each node.
func neighbours(t *network.Topology) [][]network.NodeID {
	next := make([][]network.NodeID, len(t.Names))
	for _, l := range t.Links {
		next[l.A] = append(next[l.A], l.B)
		next[l.B] = append(next[l.B], l.A)
	}
	return next
}

// distances returns the number of links from a node to every other, -1 where
// there is no path.
func distances(next [][]network.NodeID, from network.NodeID) []int32 {
	distance := make([]int32, len(next))
	for i := range distance {
		distance[i] = -1
	}
	distance[from] = 0
	queue := []network.NodeID{from}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		for _, m := range next[n] {
			if distance[m] < 0 {
				distance[m] = distance[n] + 1
				queue = append(queue, m)
			}
		}
	}
	return distance
}

// graphFile reads a topology from another file, beside the scenario.
func (r *reader) graphFile(sec *section, s *Scenario) bool {
	name := value(sec, "file", "", parseText)
	if !sec.good("file") {
		return false
	}
	path, ok := r.beside(sec, "file", name)
	if !ok {
		return false
	}
	t, err := graphfile.Read(path, graphfile.Options{Edge: s.layout.edge, Core: s.layout.core})
	var list graphfile.ErrorList
	if errors.As(err, &list) {
		for _, e := range list {
			r.tell(&Error{e.Path, e.Line, e.Column, e.Message, e.Text})
		}
		return false
	}
	if err != nil {
		sec.fail("file", "%v", err)
		return false
	}
	if t.Hosts < 2 {
		sec.fail("file", "%q has %d hosts; a failure detector needs two or more", name, t.Hosts)
		return false
	}
	s.Network.Topology = t
	s.layout.kind = graphLayout // a resolved scenario needs no other file
	return true
}

// singleLinks reads network.links.
func (r *reader) singleLinks(sec *section, s *Scenario) {
	t := &s.Network.Topology
	items := sec.list("links", false)
	if len(items) == 0 {
		return
	}
	type ends struct{ from, to network.NodeID }
	number := make(map[ends]int, len(t.Links))
	for i, l := range t.Links {
		number[ends{l.A, l.B}] = i
		number[ends{l.B, l.A}] = i
	}
	done := make(map[ends]place)
	for i, n := range items {
		sub := r.section(fmt.Sprintf("network.links[%d]", i), n, singleLinkKeys)
		between := sub.get("between")
		if between == nil {
			continue
		}
		a, b, ok := r.ends(between, r.nodes, t.Names)
		if !ok {
			continue
		}
		l, ok := number[ends{a, b}]
		if !ok {
			sub.fail("between", "there is no link between %s and %s", t.Names[a], t.Names[b])
			continue
		}
		directions := []ends{{a, b}, {b, a}}
		if sub.has("direction") {
			name := value(sub, "direction", "", parseText)
			switch {
			case !sub.good("direction"):
				continue
			case name == t.Names[a]:
				directions = directions[:1]
			case name == t.Names[b]:
				directions = directions[1:]
			default:
				sub.fail("direction", "%q is not an end of the link (write %s or %s)", name, t.Names[a], t.Names[b])
				continue
			}
		}
		if len(sub.pairs) == 1 || len(sub.pairs) == 2 && sub.has("direction") {
			r.add(sub.at, "%s changes nothing (give one of %s)", sub.name, oneOf(keyNames(linkKeys)))
		}
		for _, d := range directions {
			if first, twice := done[d]; twice {
				r.add(sub.at, "the link from %s to %s is already listed in %v", t.Names[d.from], t.Names[d.to], first)
				break
			}
			done[d] = sub.at
			c := &t.Links[l].AtoB
			if t.Links[l].A != d.from {
				c = &t.Links[l].BtoA
			}
			known := r.told()
			*c = r.link(sub, *c)
			if r.told() > known {
				break // the other direction would be wrong alike
			}
		}
	}
}
