package network

import (
	"errors"
	"fmt"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "partition-partial",
		Source: "Alquraan et al., \"An analysis of network-partitioning failures in cloud systems\", OSDI 2018 (partial and one-way partitions); Alfatafta et al., \"Toward a generic fault tolerance technique for partial network partitioning\", OSDI 2020",
		Doc:    "Some pairs of hosts cannot reach each other, while others reach both: reachability is no longer transitive. Every switch drops the packets of these pairs; no link is down.",
		Loses:  true,
		Params: []model.Param{
			{Name: "from", Type: model.TextParam, Optional: true, Doc: "a host or a list of hosts: on one side"},
			{Name: "to", Type: model.TextParam, Optional: true, Doc: "a host or a list of hosts: on the other side"},
			{Name: "probability", Type: model.ProbabilityParam, Optional: true, Doc: "instead of from and to: with which each pair of hosts is parted"},
			{Name: "one_way", Type: model.SwitchParam, Default: "false", Doc: "whether only packets from the one to the other are dropped; random pairs are ordered ones then"},
		},
		New: newPartitionPartial,
	})
}

func newPartitionPartial(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
	if len(t.Names) == t.Hosts {
		return nil, &model.ParamError{Name: "from", Err: errors.New("there is no switch that could drop packets")}
	}
	var f ruleDrop
	part := func(a, b NodeID) {
		f.rules = append(f.rules, Rule{At: Everywhere, From: model.ProcessID(a), To: model.ProcessID(b), Priority: AnyPriority})
		if !p.Switch("one_way") {
			f.rules = append(f.rules, Rule{At: Everywhere, From: model.ProcessID(b), To: model.ProcessID(a), Priority: AnyPriority})
		}
	}
	if p.Given("probability") {
		for _, name := range []string{"from", "to"} {
			if p.Text(name) != "" {
				return nil, &model.ParamError{Name: name, Err: errors.New("excludes probability: pairs are named or drawn")}
			}
		}
		for a := range NodeID(t.Hosts) {
			for b := range NodeID(t.Hosts) {
				if (a < b || a > b && p.Switch("one_way")) && s.Chance(p.Probability("probability")) {
					part(a, b)
				}
			}
		}
		return &f, nil
	}
	from, err := nodesOf(p, "from", t, true)
	to, wrong := nodesOf(p, "to", t, true)
	if err := errors.Join(err, wrong); err != nil {
		return nil, err
	}
	other := t.set(to)
	for _, a := range from {
		if other[a] {
			return nil, &model.ParamError{Name: "to", Err: fmt.Errorf("%s is in from too", t.Names[a])}
		}
		for _, b := range to {
			part(a, b)
		}
	}
	return &f, nil
}
