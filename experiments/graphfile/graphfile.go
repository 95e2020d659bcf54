package graphfile

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// Limits of a file. They keep any file from costing more than a second.
const (
	MaxBytes = 3 << 20
	MaxNodes = 50_000
	MaxLinks = 200_000

	maxNameBytes = 255
)

// Options are what a file leaves open.
type Options struct {
	Edge network.LinkConfig // of links that touch a host
	Core network.LinkConfig // of links between switches

	// HostsPerSwitch, if positive, attaches so many hosts to every switch, named
	// "<switch>-h0" and so on, by links configured as Edge. Nodes without a kind
	// are then switches, however many links they have.
	HostsPerSwitch int
}

// Read reads the topology in the file at path: .dot or .gv is DOT, .graphml or
// .xml is GraphML. What is wrong with the contents comes as an [ErrorList].
func Read(path string, o Options) (network.Topology, error) {
	f, err := os.Open(path)
	if err != nil {
		return network.Topology{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return network.Topology{}, err
	}
	return Parse(path, text, o)
}

// Parse reads the topology in text; path names it in errors and tells its format
// as in [Read].
func Parse(path string, text []byte, o Options) (network.Topology, error) {
	var read func(*graph)
	switch strings.ToLower(filepath.Ext(path)) {
	case ".dot", ".gv":
		read = readDOT
	case ".graphml", ".xml":
		read = readGraphML
	default:
		return network.Topology{}, fmt.Errorf("%s: not a known kind of graph file (.dot and .gv are DOT, .graphml and .xml are GraphML)", path)
	}
	g := &graph{problems: problems{path: path}}
	if len(text) > MaxBytes {
		g.add(0, "the file is larger than %d MiB", MaxBytes>>20)
		return network.Topology{}, g.err()
	}
	g.text = strings.TrimPrefix(string(text), "\ufeff")
	if offset := invalidUTF8(g.text); offset >= 0 {
		g.add(offset, "the byte %#x is not UTF-8: save the file in that encoding", g.text[offset])
		return network.Topology{}, g.err()
	}
	read(g)
	g.checkNames()
	t := g.topology(o)
	return t, g.err()
}

// invalidUTF8 returns the offset of the first byte of s that is not UTF-8, or -1.
func invalidUTF8(s string) int {
	if utf8.ValidString(s) {
		return -1
	}
	for i := 0; ; {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
}

// graph is what a file says, before kinds and defaults are filled in.
type graph struct {
	problems
	nodes []node
	links []link
	start int  // offset of the graph itself
	stop  bool // a limit or the syntax ended the reading: what was read is not all
}

type node struct {
	name   string
	kind   string // host, switch, or empty
	offset int
}

type link struct {
	a, b       int // nodes
	attributes []attribute
	offset     int
}

// attribute is one that this package knows.
type attribute struct {
	name, value string
	offset      int
}

var linkAttributes = []string{"rate", "delay", "jitter", "loss", "buffer"}

// synonyms are names of other tools for what is called otherwise here.
var synonyms = map[string]string{
	"bandwidth": "rate", "bw": "rate", "capacity": "rate", "speed": "rate", "latency": "delay",
}

// known tells whether name is one of known, and reports one that was likely meant
// to be.
func (g *graph) known(name string, known []string, offset int) bool {
	for _, k := range known {
		if name == k {
			return true
		}
	}
	lower := strings.ToLower(name)
	for _, k := range known {
		if synonyms[lower] == k || oneSlip(lower, k) {
			g.add(offset, "attribute %q is not read here: did you mean %q?", name, k)
		}
	}
	return false
}

// oneSlip tells whether a and b differ by at most one letter that is added, left
// out or replaced.
func oneSlip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	switch len(b) - len(a) {
	case 0:
		return i == len(a) || a[i+1:] == b[i+1:]
	case 1:
		return a[i:] == b[i+1:]
	}
	return false
}

// addNode adds a node, unless there are too many.
func (g *graph) addNode(n node) int {
	if len(g.nodes) == MaxNodes {
		if !g.stop {
			g.add(n.offset, "more than %d nodes", MaxNodes)
		}
		g.stop = true
		return 0
	}
	g.nodes = append(g.nodes, n)
	return len(g.nodes) - 1
}

// addLink adds a link, unless there are too many.
func (g *graph) addLink(l link) {
	if len(g.links) == MaxLinks {
		if !g.stop {
			g.add(l.offset, "more than %d links", MaxLinks)
		}
		g.stop = true
		return
	}
	g.links = append(g.links, l)
}

// setKind reads the attribute kind of node n.
func (g *graph) setKind(n int, value string, offset int) {
	if value != "host" && value != "switch" {
		g.add(offset, "kind %q of node %q is unknown (kinds: host, switch)", value, g.nodes[n].name)
		return
	}
	g.nodes[n].kind = value
}

// checkNames refuses names that cannot be shown or are there twice.
func (g *graph) checkNames() {
	first := make(map[string]int, len(g.nodes))
	for i, n := range g.nodes {
		switch {
		case strings.TrimSpace(n.name) == "":
			g.add(n.offset, "the node has an empty name")
		case len(n.name) > maxNameBytes:
			g.add(n.offset, "the name of the node has %d bytes; at most %d are supported", len(n.name), maxNameBytes)
			g.nodes[i].name = strings.ToValidUTF8(n.name[:maxNameBytes], "") + "..." // for further messages
		case strings.ContainsFunc(n.name, func(r rune) bool { return !unicode.IsPrint(r) }):
			g.add(n.offset, "the name %q of the node has characters that cannot be printed", n.name)
		}
		if j, ok := first[n.name]; ok {
			g.add(n.offset, "a node named %q is already in line %d", n.name, g.line(g.nodes[j].offset))
			continue
		}
		first[n.name] = i
	}
}

// topology checks the links and the kinds of g and makes its topology.
func (g *graph) topology(o Options) network.Topology {
	neighbours := g.checkLinks()
	if g.stop {
		return network.Topology{} // what was read is not all: nothing more can be said
	}
	if len(g.nodes) == 0 {
		g.add(g.start, "the graph has no nodes")
		return network.Topology{}
	}
	isHost := make([]bool, len(g.nodes))
	hosts := 0
	for i, n := range g.nodes {
		degree := len(neighbours[i])
		isHost[i] = n.kind == "host" || n.kind == "" && degree == 1 && o.HostsPerSwitch == 0
		if isHost[i] {
			hosts++
		}
		switch {
		case degree == 0 && !(o.HostsPerSwitch > 0 && !isHost[i]):
			g.add(n.offset, "%q has no link", n.name)
		case isHost[i] && degree > 1:
			g.add(n.offset, "host %q has %d links (to %s); a host has exactly one: put a switch in its place, or remove kind=host",
				n.name, degree, g.list(neighbours[i]))
		}
	}
	if hosts == 0 && o.HostsPerSwitch == 0 {
		g.add(g.start, "no node is a host: mark hosts with the attribute kind=host, or ask for hosts on every switch")
	}
	hosts += (len(g.nodes) - hosts) * o.HostsPerSwitch
	if hosts > MaxNodes {
		g.add(g.start, "%d hosts; at most %d are supported", hosts, MaxNodes)
	}
	if g.found != nil {
		return network.Topology{}
	}
	t := g.assemble(isHost, hosts, o)
	if g.found == nil {
		for _, err := range t.Validate() {
			g.add(g.start, "%v", err)
		}
	}
	return t
}

// checkLinks returns the neighbours of each node. It reports loops and parallel
// links.
func (g *graph) checkLinks() [][]int {
	neighbours := make([][]int, len(g.nodes))
	first := make(map[[2]int]int, len(g.links))
	for _, l := range g.links {
		if l.a == l.b {
			g.add(l.offset, "a link joins %q to itself", g.nodes[l.a].name)
			continue
		}
		pair := [2]int{min(l.a, l.b), max(l.a, l.b)}
		if other, ok := first[pair]; ok {
			g.add(l.offset, "%q and %q are already linked in line %d; parallel links are not supported: keep one, with the sum of their rates",
				g.nodes[l.a].name, g.nodes[l.b].name, g.line(other))
			continue
		}
		first[pair] = l.offset
		neighbours[l.a] = append(neighbours[l.a], l.b)
		neighbours[l.b] = append(neighbours[l.b], l.a)
	}
	return neighbours
}

// list returns the names of nodes, or the first of them.
func (g *graph) list(nodes []int) string {
	const shown = 8
	var names []string
	for i, n := range nodes {
		if i == shown {
			names = append(names, fmt.Sprintf("and %d more", len(nodes)-shown))
			break
		}
		names = append(names, fmt.Sprintf("%q", g.nodes[n].name))
	}
	return strings.Join(names, ", ")
}

// assemble numbers the hosts before the switches and configures the links.
func (g *graph) assemble(isHost []bool, hosts int, o Options) network.Topology {
	t := network.Topology{Hosts: hosts, Names: make([]string, 0, len(g.nodes)+hosts)}
	id := make([]network.NodeID, len(g.nodes))
	for i, n := range g.nodes {
		if isHost[i] {
			id[i] = network.NodeID(len(t.Names))
			t.Names = append(t.Names, n.name)
		}
	}
	firstAttached := network.NodeID(len(t.Names))
	for i, n := range g.nodes {
		if !isHost[i] {
			for h := range o.HostsPerSwitch {
				t.Names = append(t.Names, fmt.Sprintf("%s-h%d", n.name, h))
			}
		}
	}
	attached := firstAttached
	for i, n := range g.nodes {
		if !isHost[i] {
			id[i] = network.NodeID(len(t.Names))
			t.Names = append(t.Names, n.name)
			for range o.HostsPerSwitch {
				t.Links = append(t.Links, network.Link{A: attached, B: id[i], AtoB: o.Edge, BtoA: o.Edge})
				attached++
			}
		}
	}
	if attached > firstAttached && o.Edge.Rate == 0 {
		g.add(g.start, "the links of the attached hosts have no rate: give the edge one")
	}
	for _, l := range g.links {
		c, section := o.Core, "core"
		if isHost[l.a] || isHost[l.b] {
			c, section = o.Edge, "edge"
		}
		for _, a := range l.attributes {
			if err := a.apply(&c); err != nil {
				g.add(a.offset, "%v", err)
				c.Rate = max(c.Rate, 1) // said what is wrong with it
			}
		}
		if c.Rate == 0 {
			g.add(l.offset, "the link between %q and %q has no rate: give it one, as in rate=\"10Gbps\", or give the %s one",
				g.nodes[l.a].name, g.nodes[l.b].name, section)
		}
		t.Links = append(t.Links, network.Link{A: id[l.a], B: id[l.b], AtoB: c, BtoA: c})
	}
	return t
}

// apply sets what a describes in c.
func (a attribute) apply(c *network.LinkConfig) (err error) {
	switch a.name {
	case "rate":
		c.Rate, err = ParseRate(a.value)
	case "delay":
		c.Delay, err = model.ParseDuration(a.value)
		if err == nil && (c.Delay < 0 || c.Delay > model.Duration(model.MaxTime)) {
			err = fmt.Errorf("delay %q: it must lie between 0s and %v", a.value, model.MaxTime)
		}
	case "jitter":
		c.Jitter, err = sim.ParseDistribution(a.value)
	case "loss":
		var p float64
		p, err = model.ParseProbability(a.value)
		c.Loss = network.IndependentLoss(p)
	case "buffer":
		c.Buffer, err = ParseBuffer(a.value)
	}
	return err
}
