package network

import (
	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "pause",
		Source: "Cristian and Fetzer, IEEE TPDS 10(6), 1999: a process that suffers performance failures; Dwork, Lynch and Stockmeyer, JACM 35(2), 1988: a time without a bound on its speed",
		Doc:    "A process stands still, as while its memory is collected or its virtual machine gets no processor, and keeps its state. Messages and wake-ups wait for it; its clock, and its host, go on.",
		Params: []model.Param{
			{Name: "process", Type: model.TextParam, Doc: "the host on which it runs, or random"},
		},
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			host, err := hostOf(p, "process", t, s)
			if err != nil {
				return nil, err
			}
			return pause{host}, nil
		},
	})
}

type pause struct{ process model.ProcessID }

func (f pause) Strike(n *Network) { n.PauseProcess(f.process) }
func (f pause) Heal(n *Network)   { n.ResumeProcess(f.process) }
