package network

import (
	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "power-failure",
		Source: "Dean, \"Designs, lessons and advice from building large distributed systems\", LADIS 2009 (racks and power distribution units that fail)",
		Doc:    "A switch and all below it, as a rack or a pod, lose power: its machines crash with all on them, and its switches. Below a switch are its hosts, and those switches nearer to hosts than itself that it has links to, with all below them. When power is back, processes start anew without memory.",
		Loses:  true,
		Params: []model.Param{
			{Name: "switch", Type: model.TextParam, Doc: "the name of the switch at the top, or random"},
		},
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			top, err := switchOf(p, "switch", t, s)
			if err != nil {
				return nil, err
			}
			return powerFailure{t.below(top, t.lower()), t.Hosts}, nil
		},
	})
}

// powerFailure takes nodes down, of which those numbered below hosts are hosts.
type powerFailure struct {
	nodes []NodeID
	hosts int
}

func (f powerFailure) Strike(n *Network) {
	for _, x := range f.nodes {
		if int(x) < f.hosts {
			n.CrashMachine(model.ProcessID(x))
		} else {
			n.CrashSwitch(x)
		}
	}
}

func (f powerFailure) Heal(n *Network) {
	for _, x := range f.nodes {
		if int(x) < f.hosts {
			n.RecoverMachine(model.ProcessID(x))
		} else {
			n.RecoverSwitch(x)
		}
	}
}
