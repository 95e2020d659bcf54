package network

import (
	"errors"
	"fmt"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:    "switch-overload",
		Source:  "Shaikh, Isett, Greenberg, Roughan and Gottlieb, \"A case study of OSPF behavior in a large enterprise network\", IMW 2002, and Shaikh and Greenberg, \"Experience in black-box OSPF measurement\", IMW 2001 (control processors that take time for each packet); RFC 6192 (protecting the router control plane)",
		Doc:     "The control processor of a switch has too much to do: what it receives and sends itself, as hellos of routing, requests to its agent and errors, waits for it and is dropped where its queue is full, while the hardware goes on to forward. Of several that strike one switch the times add up and the shortest queue counts.",
		Loses:   true,
		Retimes: true,
		Params: []model.Param{
			{Name: "switch", Type: model.TextParam, Doc: "its name, or random"},
			{Name: "each", Type: model.TextParam, Doc: "what it takes for each packet: a duration or distribution"},
			{Name: "queue", Type: model.CountParam, Default: "100", Doc: "packets that may wait, beside the one at work, up to 1000000"},
			{Name: "slow_path", Type: model.ProbabilityParam, Default: "0", Doc: "that a packet which it forwards goes through it, independent of the others"},
		},
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			at, err := switchOf(p, "switch", t, s)
			each, wrong := distributionOf(p, "each")
			err = errors.Join(err, wrong)
			queue := p.Count("queue")
			if queue > 1_000_000 {
				err = errors.Join(err, &model.ParamError{Name: "queue", Err: fmt.Errorf("%d is out of range: from 0 to 1000000", queue)})
			}
			if err != nil {
				return nil, err
			}
			return switchOverload{at, Overload{each, queue, p.Probability("slow_path")}}, nil
		},
	})
}

type switchOverload struct {
	at   NodeID
	load Overload
}

func (f switchOverload) Strike(n *Network) { n.OverloadSwitch(f.at, f.load) }
func (f switchOverload) Heal(n *Network)   { n.RelieveSwitch(f.at, f.load) }
