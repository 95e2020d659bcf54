package network

import (
	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "wedge",
		Source: "Huang et al., \"Gray failure: the Achilles' heel of cloud-scale systems\", HotOS 2017; Leners et al., \"Detecting failures in distributed systems with the Falcon spy network\", SOSP 2011 (an application that hangs while its machine answers)",
		Doc:    "The application of a process makes no progress, as behind a deadlock, while the process answers pings and its host goes on. What comes for it waits until it heals. Background traffic is that of the host, and goes on. A process that crashes is not wedged when it starts anew.",
		Params: []model.Param{
			{Name: "process", Type: model.TextParam, Doc: "the host on which it runs, or random"},
		},
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			host, err := hostOf(p, "process", t, s)
			if err != nil {
				return nil, err
			}
			return wedge{host}, nil
		},
	})
}

type wedge struct{ process model.ProcessID }

func (f wedge) Strike(n *Network) { n.WedgeProcess(f.process) }
func (f wedge) Heal(n *Network)   { n.UnwedgeProcess(f.process) }
