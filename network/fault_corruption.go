package network

import (
	"slices"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "corruption",
		Source: "Zhuo et al., \"Understanding and mitigating packet corruption in data center networks\", SIGCOMM 2017",
		Doc:    "A link changes bits of packets, as a dirty or bent fibre does. The frame check sequence tells at the far end, where the packet is dropped. Of several that strike one link each may do so.",
		Loses:  true,
		Params: append(slices.Clone(linkParams),
			model.Param{Name: "probability", Type: model.ProbabilityParam, Doc: "that bits of a packet change, independent of the others"},
		),
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			links, err := linksOf(p, t, s)
			if err != nil {
				return nil, err
			}
			return corruption{links, p.Probability("probability")}, nil
		},
	})
}

type corruption struct {
	links       []LinkID
	probability float64
}

func (f corruption) Strike(n *Network) {
	for _, l := range f.links {
		n.Corrupt(l, f.probability)
	}
}

func (f corruption) Heal(n *Network) {
	for _, l := range f.links {
		n.Mend(l, f.probability)
	}
}
