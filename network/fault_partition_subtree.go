package network

import (
	"errors"
	"fmt"
	"slices"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "partition-subtree",
		Source: "Dean, \"Designs, lessons and advice from building large distributed systems\", LADIS 2009 (racks that go away); Alquraan et al., OSDI 2018 (complete partitions)",
		Doc:    "A switch and all below it, as a rack or a pod, are cut off: all their links to other nodes are down, in both directions or in one. Below a switch are its hosts, and those switches nearer to hosts than itself that it has links to, with all below them. The other switches above them are not part of it.",
		Loses:  true,
		Params: []model.Param{
			{Name: "below", Type: model.TextParam, Doc: "the name of the switch at the top, or random for any that does not have all hosts below it"},
			lostParam,
		},
		New: newPartitionSubtree,
	})
}

func newPartitionSubtree(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
	fail := func(format string, args ...any) error {
		return &model.ParamError{Name: "below", Err: fmt.Errorf(format, args...)}
	}
	text := p.Text("below")
	top, ok := t.Node(text)
	lower := t.lower()
	var err error
	switch {
	case text == "":
		err = fail("is required: the name of a switch, or %s", random)
	case !ok && text != random:
		err = fail("no switch is named %q", text)
	case ok && int(top) < t.Hosts:
		err = fail("%s is a host", text)
	case ok && t.hostsIn(t.below(top, lower)) == t.Hosts:
		err = fail("all hosts are below %s: there is nobody to part them from", text)
	case !ok:
		if roots := t.roots(); len(roots) > 0 {
			top = randomOf(roots, s)
		} else {
			err = fail("every switch has all hosts below it: there is nobody to part them from")
		}
	}
	lost, wrong := lostOf(p)
	if err := errors.Join(err, wrong); err != nil {
		return nil, err
	}
	return t.cut(t.below(top, lower), lost), nil
}

// adjacent returns the nodes to which each node has links.
func (t *Topology) adjacent() [][]NodeID {
	next := make([][]NodeID, len(t.Names))
	for i := range t.Links {
		l := &t.Links[i]
		next[l.A] = append(next[l.A], l.B)
		next[l.B] = append(next[l.B], l.A)
	}
	return next
}

// lower returns the nodes to which each node has links and which are nearer to hosts.
func (t *Topology) lower() [][]NodeID {
	next := t.adjacent()
	height := make([]int, len(t.Names)) // hops to the nearest host
	var queue []NodeID
	for n := range height {
		height[n] = -1
		if n < t.Hosts {
			height[n] = 0
			queue = append(queue, NodeID(n))
		}
	}
	for i := 0; i < len(queue); i++ {
		for _, to := range next[queue[i]] {
			if height[to] < 0 {
				height[to] = height[queue[i]] + 1
				queue = append(queue, to)
			}
		}
	}
	for n := range next {
		next[n] = slices.DeleteFunc(next[n], func(to NodeID) bool { return height[to] >= height[n] })
	}
	return next
}

// below returns a switch with all below it.
func (t *Topology) below(top NodeID, lower [][]NodeID) []NodeID {
	return t.reached(top, func(from NodeID) []NodeID { return lower[from] })
}

// reached returns a node with all that steps lead to from it, in the order of a search
// in breadth.
func (t *Topology) reached(start NodeID, steps func(from NodeID) []NodeID) []NodeID {
	queue := []NodeID{start}
	seen := t.set(queue)
	for i := 0; i < len(queue); i++ {
		for _, to := range steps(queue[i]) {
			if !seen[to] {
				seen[to] = true
				queue = append(queue, to)
			}
		}
	}
	return queue
}

// hostsIn counts the hosts among nodes.
func (t *Topology) hostsIn(nodes []NodeID) (hosts int) {
	for _, n := range nodes {
		if int(n) < t.Hosts {
			hosts++
		}
	}
	return hosts
}

// roots returns the switches that do not have all hosts below them. (There are some
// below each: the neighbour on the way to the nearest one is lower.)
func (t *Topology) roots() (roots []NodeID) {
	lower := t.lower()
	for _, s := range t.switches() {
		if t.hostsIn(t.below(s, lower)) < t.Hosts {
			roots = append(roots, s)
		}
	}
	return roots
}
