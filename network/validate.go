package network

import (
	"fmt"
	"strings"

	"suspect/model"
)

// Limits of size: what a run of these sizes would need is refused rather than
// tried.
const (
	MaxNodes = 1 << 20
	MaxLinks = 1 << 21

	// maxRoutes bounds the pairs of a switch and a switch with hosts: each has
	// an entry of 4 bytes in the routing tables.
	maxRoutes = 1 << 26

	// MaxRate leaves a byte a whole picosecond at the least.
	MaxRate BitRate = 8_000 * Gbps
)

// Validate returns everything that is wrong with t, each error with the names of
// the nodes that it concerns. A topology without errors is connected, so every
// host reaches every other.
func (t *Topology) Validate() []error {
	v := validation{t: t}
	if t.Hosts < 0 || t.Hosts > len(t.Names) {
		v.fail("%d hosts among %d nodes", t.Hosts, len(t.Names))
		return v.errs
	}
	if len(t.Names) > MaxNodes {
		v.fail("%d nodes; at most %d are supported", len(t.Names), MaxNodes)
	}
	if len(t.Links) > MaxLinks {
		v.fail("%d links; at most %d are supported", len(t.Links), MaxLinks)
	}
	if v.errs != nil {
		return v.errs
	}
	if t.Hosts == 0 {
		v.fail("there are no hosts")
	}
	v.names()
	v.links()
	v.degrees()
	v.connection()
	v.tables()
	return v.errs
}

// validation gathers the errors of a topology.
type validation struct {
	t    *Topology
	errs []error
}

func (v *validation) fail(format string, args ...any) {
	v.errs = append(v.errs, fmt.Errorf(format, args...))
}

// names checks that the names of nodes are there and differ.
func (v *validation) names() {
	byName := make(map[string]int, len(v.t.Names))
	for i, name := range v.t.Names {
		if name == "" {
			v.fail("node %d has no name", i)
			continue
		}
		if first, ok := byName[name]; ok {
			v.fail("nodes %d and %d are both named %q", first, i, name)
			continue
		}
		byName[name] = i
	}
}

// links checks every link by itself, and that there is one for each pair.
func (v *validation) links() {
	type pair struct{ low, high NodeID }
	seen := make(map[pair]bool, len(v.t.Links))
	for i := range v.t.Links {
		l := &v.t.Links[i]
		if !v.inRange(l) {
			v.fail("link %d joins the nodes %d and %d, but there are the nodes 0 to %d only",
				i, l.A, l.B, len(v.t.Names)-1)
			continue
		}
		if l.A == l.B {
			v.fail("a link joins %s to itself", v.t.name(l.A))
		} else if p := (pair{min(l.A, l.B), max(l.A, l.B)}); seen[p] {
			v.fail("there are two links between %s and %s", v.t.name(l.A), v.t.name(l.B))
		} else {
			seen[p] = true
		}
		where := func(from, to NodeID) string {
			return fmt.Sprintf("link from %s to %s", v.t.name(from), v.t.name(to))
		}
		if l.AtoB == l.BtoA {
			v.config(fmt.Sprintf("link between %s and %s", v.t.name(l.A), v.t.name(l.B)), &l.AtoB)
		} else {
			v.config(where(l.A, l.B), &l.AtoB)
			v.config(where(l.B, l.A), &l.BtoA)
		}
	}
}

func (v *validation) inRange(l *Link) bool {
	n := NodeID(len(v.t.Names))
	return l.A >= 0 && l.A < n && l.B >= 0 && l.B < n
}

func (v *validation) config(where string, c *LinkConfig) {
	if c.Rate <= 0 || c.Rate > MaxRate {
		v.fail("%s: rate of %d bit/s: it must be positive and at most %d", where, c.Rate, MaxRate)
	}
	if c.Delay < 0 || c.Delay > model.Duration(model.MaxTime) {
		v.fail("%s: delay of %v: it must lie between 0 and %v", where, c.Delay, model.MaxTime)
	}
	if err := c.Jitter.Validate(); err != nil {
		v.fail("%s: jitter: %w", where, err)
	}
	if err := c.Replay.validate(); err != nil {
		v.fail("%s: replay: %w", where, err)
	} else if c.Replay.Recording != nil && !c.Jitter.IsZero() {
		v.fail("%s: jitter beside a recording, which has its own", where)
	}
	if c.Buffer.Packets < 0 {
		v.fail("%s: buffer of %d packets: it must not be negative", where, c.Buffer.Packets)
	}
	if c.Buffer.Bytes < 0 {
		v.fail("%s: buffer of %d bytes: it must not be negative", where, c.Buffer.Bytes)
	}
	if err := c.Loss.validate(); err != nil {
		v.fail("%s: %w", where, err)
	}
}

// validate returns an error for what is not a probability.
func (l Loss) validate() error {
	for _, p := range [...]struct {
		name  string
		value float64
	}{
		{"in the good state", l.Good}, {"in the bad state", l.Bad},
		{"of going bad", l.GoodToBad}, {"of going good", l.BadToGood},
	} {
		if !(p.value >= 0 && p.value <= 1) { // NaN is refused too
			return fmt.Errorf("loss with probability %v %s: it must lie between 0 and 1", p.value, p.name)
		}
	}
	return nil
}

// degrees checks that every host has one link.
func (v *validation) degrees() {
	degree := make([]int, len(v.t.Names))
	for i := range v.t.Links {
		if l := &v.t.Links[i]; v.inRange(l) {
			degree[l.A]++
			degree[l.B]++
		}
	}
	for h, d := range degree[:v.t.Hosts] {
		if d != 1 {
			v.fail("host %s has %d links; a host has exactly one", v.t.name(NodeID(h)), d)
		}
	}
}

// connection checks that the nodes are one component.
func (v *validation) connection() {
	parent := make([]int32, len(v.t.Names)) // a forest, with its roots as the least of each tree
	for i := range parent {
		parent[i] = int32(i)
	}
	root := func(i int32) int32 {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	for i := range v.t.Links {
		if l := &v.t.Links[i]; v.inRange(l) {
			a, b := root(int32(l.A)), root(int32(l.B))
			parent[max(a, b)] = min(a, b)
		}
	}
	var roots []int32
	members := make([][]NodeID, len(parent))
	for i := range parent {
		r := root(int32(i))
		if int(r) == i {
			roots = append(roots, r)
		}
		members[r] = append(members[r], NodeID(i))
	}
	if len(roots) <= 1 {
		return
	}
	var parts []string
	for _, r := range roots {
		if len(parts) == listed {
			parts = append(parts, fmt.Sprintf("and %d more", len(roots)-listed))
			break
		}
		parts = append(parts, "{"+v.t.list(members[r])+"}")
	}
	v.fail("the network falls into %d parts that no path joins: %s", len(roots), strings.Join(parts, ", "))
}

// tables checks that the routing tables are not too large.
func (v *validation) tables() {
	hasHosts := make([]bool, len(v.t.Names))
	columns := 0
	for i := range v.t.Links {
		l := &v.t.Links[i]
		if !v.inRange(l) {
			continue
		}
		for _, end := range [...][2]NodeID{{l.A, l.B}, {l.B, l.A}} {
			if int(end[0]) < v.t.Hosts && int(end[1]) >= v.t.Hosts && !hasHosts[end[1]] {
				hasHosts[end[1]] = true
				columns++
			}
		}
	}
	if switches := len(v.t.Names) - v.t.Hosts; switches*columns > maxRoutes {
		v.fail("%d switches, %d of them with hosts: the routing tables would have %d entries; at most %d are supported",
			switches, columns, switches*columns, maxRoutes)
	}
}

// listed is the number of names that an error lists.
const listed = 8

// list returns the names of nodes, or the first of them.
func (t *Topology) list(nodes []NodeID) string {
	var names []string
	for _, n := range nodes {
		if len(names) == listed {
			names = append(names, fmt.Sprintf("and %d more", len(nodes)-listed))
			break
		}
		names = append(names, t.name(n))
	}
	return strings.Join(names, ", ")
}

// name returns the name of node n for an error.
func (t *Topology) name(n NodeID) string {
	if t.Names[n] == "" {
		return fmt.Sprintf("node %d", n)
	}
	return t.Names[n]
}
