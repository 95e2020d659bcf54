package network

import (
	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "process-crash",
		Source: "Chandra and Toueg, JACM 43(2), 1996, section 2; with recovery: Aguilera, Chen and Toueg, Distributed Computing 13(2), 2000, crash-recovery without stable storage",
		Doc:    "A process stops. If it heals, it starts anew without memory. Its host lives on.",
		Params: []model.Param{
			{Name: "process", Type: model.TextParam, Doc: "the host on which it runs, or random"},
		},
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			host, err := hostOf(p, "process", t, s)
			if err != nil {
				return nil, err
			}
			return processCrash{host}, nil
		},
	})
}

type processCrash struct{ process model.ProcessID }

func (f processCrash) Strike(n *Network) { n.CrashProcess(f.process) }
func (f processCrash) Heal(n *Network)   { n.RecoverProcess(f.process) }
