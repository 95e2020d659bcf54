package network

import (
	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "switch-crash",
		Source: "Gill, Jain and Nagappan, \"Understanding network failures in data centers\", SIGCOMM 2011 (device failures)",
		Doc:    "A switch loses what waits in its queues and forwards nothing: what reaches it is lost, until it heals. Its routes stay if they are static; a routing protocol begins anew.",
		Loses:  true,
		Params: []model.Param{
			{Name: "switch", Type: model.TextParam, Doc: "its name, or random"},
		},
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			at, err := switchOf(p, "switch", t, s)
			if err != nil {
				return nil, err
			}
			return switchCrash{at}, nil
		},
	})
}

type switchCrash struct{ at NodeID }

func (f switchCrash) Strike(n *Network) { n.CrashSwitch(f.at) }
func (f switchCrash) Heal(n *Network)   { n.RecoverSwitch(f.at) }
