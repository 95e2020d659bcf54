package network

import (
	"errors"
	"slices"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:    "duplication",
		Source:  "Paxson, \"End-to-end Internet packet dynamics\", IEEE/ACM ToN 7(3), 1999 (packet replication)",
		Doc:     "Some packets come twice at the far end of a link, as when the link below sends one again whose acknowledgement was lost. The second copy is a packet by itself, with a number of its own. Of several that strike one link each may double a packet. A second copy that is on its way when it heals comes all the same.",
		Retimes: true,
		Params: append(slices.Clone(linkParams),
			model.Param{Name: "probability", Type: model.ProbabilityParam, Doc: "that a packet comes twice, independent of the others"},
			model.Param{Name: "lag", Type: model.TextParam, Default: "0s", Doc: "by how much the second copy comes later: a duration or distribution"},
		),
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			links, err := linksOf(p, t, s)
			lag, wrong := sim.ParseDistribution(p.Text("lag"))
			if wrong != nil {
				err = errors.Join(err, &model.ParamError{Name: "lag", Err: wrong})
			}
			if err != nil {
				return nil, err
			}
			return duplication{links, Doubling{p.Probability("probability"), lag}}, nil
		},
	})
}

type duplication struct {
	links []LinkID
	some  Doubling
}

func (f duplication) Strike(n *Network) {
	for _, l := range f.links {
		n.DoubleSome(l, f.some)
	}
}

func (f duplication) Heal(n *Network) {
	for _, l := range f.links {
		n.SingleAgain(l, f.some)
	}
}
