package network

import (
	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "host-crash",
		Source: "Chandra and Toueg, JACM 43(2), 1996, section 2, for a process and everything beneath it",
		Doc:    "A host stops with its process: it sends and receives nothing, and loses what waits in its network interface. If it heals, its process starts anew without memory.",
		Params: []model.Param{
			{Name: "host", Type: model.TextParam, Doc: "its name, or random"},
		},
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			host, err := hostOf(p, "host", t, s)
			if err != nil {
				return nil, err
			}
			return hostCrash{host}, nil
		},
	})
}

type hostCrash struct{ host model.ProcessID }

func (f hostCrash) Strike(n *Network) { n.CrashHost(f.host) }
func (f hostCrash) Heal(n *Network)   { n.RecoverHost(f.host) }
