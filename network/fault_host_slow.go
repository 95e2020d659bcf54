package network

import (
	"errors"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "host-slow",
		Source: "Gunawi et al., \"Fail-slow at scale\", FAST 2018; Cristian and Fetzer, IEEE TPDS 10(6), 1999 (performance failures)",
		Doc:    "The process of a host takes time for each message and wake-up, one after the other, as on a processor that is slow or shared. Its clock and its network interface are as ever. Of several that strike one host the times add up.",
		Params: []model.Param{
			{Name: "host", Type: model.TextParam, Doc: "its name, or random"},
			{Name: "each", Type: model.TextParam, Doc: "what the process takes for each input: a duration or distribution"},
		},
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			host, err := hostOf(p, "host", t, s)
			each, wrong := distributionOf(p, "each")
			if err := errors.Join(err, wrong); err != nil {
				return nil, err
			}
			return hostSlow{host, each}, nil
		},
	})
}

type hostSlow struct {
	host model.ProcessID
	each sim.Distribution
}

func (f hostSlow) Strike(n *Network) { n.SlowProcess(f.host, f.each) }
func (f hostSlow) Heal(n *Network)   { n.FastenProcess(f.host, f.each) }
