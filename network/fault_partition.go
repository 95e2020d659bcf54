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
		Name:   "partition",
		Source: "Alquraan et al., \"An analysis of network-partitioning failures in cloud systems\", OSDI 2018 (complete partitions); Bailis and Kingsbury, \"The network is reliable\", ACM Queue 12(7), 2014",
		Doc:    "The network falls apart along a cut: all links between the nodes of one side and the others are down, in both directions or in one.",
		Loses:  true,
		Params: []model.Param{
			{Name: "side", Type: model.TextParam, Doc: "a list of the nodes on one side, hosts and switches"},
			lostParam,
		},
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			side, err := nodesOf(p, "side", t, false)
			lost, wrong := lostOf(p)
			if err := errors.Join(err, wrong); err != nil {
				return nil, err
			}
			f := t.cut(side, lost)
			if len(f.links) == 0 {
				err = errors.New("no link leads from it to another node: there is nothing to cut")
			} else if a, b, apart := t.apart(side); apart {
				err = fmt.Errorf("no links among its nodes join %s and %s, which the cut would part too (name the switches between them; partition-partial parts hosts of one switch)", t.Names[a], t.Names[b])
			}
			if err != nil {
				return nil, &model.ParamError{Name: "side", Err: err}
			}
			return f, nil
		},
	})
}

// lostParam tells which directions of a cut are down.
var lostParam = model.Param{Name: "lost", Type: model.TextParam, Default: "both", Doc: "what no longer crosses the cut: both, in for what goes to that side alone, or out for what comes from it alone"}

// lostOf returns whether lostParam names what goes to the side and what comes from it.
func lostOf(p model.Params) (lost cutWays, err error) {
	switch text := p.Text("lost"); text {
	case "both":
		return cutWays{in: true, out: true}, nil
	case "in":
		return cutWays{in: true}, nil
	case "out":
		return cutWays{out: true}, nil
	default:
		return lost, &model.ParamError{Name: "lost", Err: fmt.Errorf("%q is neither both, in nor out", text)}
	}
}

// cutWays tells what goes to a side of a cut, and what comes from it.
type cutWays struct{ in, out bool }

// cut returns the fault that parts a side from the other nodes.
func (t *Topology) cut(side []NodeID, lost cutWays) (f linkDown) {
	inside := t.set(side)
	for l := range LinkID(2 * len(t.Links)) {
		from, to := t.Ends(l)
		if lost.out && inside[from] && !inside[to] || lost.in && !inside[from] && inside[to] {
			f.links = append(f.links, l)
		}
	}
	return f
}

// set returns which nodes are among the given ones.
func (t *Topology) set(nodes []NodeID) []bool {
	in := make([]bool, len(t.Names))
	for _, n := range nodes {
		in[n] = true
	}
	return in
}

// apart returns two of the given nodes that no path of links among them joins, if there
// are some.
func (t *Topology) apart(nodes []NodeID) (a, b NodeID, apart bool) {
	next, among := t.adjacent(), t.set(nodes)
	seen := t.set(t.reached(nodes[0], func(from NodeID) []NodeID {
		return slices.DeleteFunc(next[from], func(to NodeID) bool { return !among[to] })
	}))
	for _, n := range nodes {
		if !seen[n] {
			return nodes[0], n, true
		}
	}
	return 0, 0, false
}
