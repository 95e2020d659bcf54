package network

import (
	"errors"
	"fmt"

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
			{Name: "layer", Type: model.TextParam, Optional: true, Doc: "what crashes: the system of the host, whose hypervisor lives on and can tell those who ask it; or the whole machine, as without power, by which its link goes down too; the system if empty"},
		},
		LosesAs: func(p model.Params) bool { return p.Text("layer") == wholeMachine },
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			host, err := hostOf(p, "host", t, s)
			layer := p.Text("layer")
			if layer != "" && layer != wholeSystem && layer != wholeMachine {
				err = errors.Join(err, &model.ParamError{Name: "layer", Err: fmt.Errorf("%q is neither %s nor %s", layer, wholeSystem, wholeMachine)})
			}
			if err != nil {
				return nil, err
			}
			if layer == wholeMachine {
				return machineCrash{host}, nil
			}
			return hostCrash{host}, nil
		},
	})
}

// What a host-crash stops.
const (
	wholeSystem  = "system"
	wholeMachine = "machine"
)

type hostCrash struct{ host model.ProcessID }

func (f hostCrash) Strike(n *Network) { n.CrashHost(f.host) }
func (f hostCrash) Heal(n *Network)   { n.RecoverHost(f.host) }

type machineCrash struct{ host model.ProcessID }

func (f machineCrash) Strike(n *Network) { n.CrashMachine(f.host) }
func (f machineCrash) Heal(n *Network)   { n.RecoverMachine(f.host) }
