package network

import (
	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "process-exit",
		Source: "RFC 9293, section 3.6, and RFC 1122, section 4.2.2.13 (how a system closes the connections of a process that ends); to who watches it is a crash, as in Chandra and Toueg, JACM 43(2), 1996",
		Doc:    "A process ends by itself. It is a process-crash but for what its system tells those that exchanged messages with it, where resets are a part of the evidence: that the connection is finished, and not that it is reset. If it heals, the process starts anew without memory.",
		Params: []model.Param{
			{Name: "process", Type: model.TextParam, Doc: "the host on which it runs, or random"},
		},
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			host, err := hostOf(p, "process", t, s)
			if err != nil {
				return nil, err
			}
			return processExit{host}, nil
		},
	})
}

type processExit struct{ process model.ProcessID }

func (f processExit) Strike(n *Network) { n.ExitProcess(f.process) }
func (f processExit) Heal(n *Network)   { n.RecoverProcess(f.process) }
