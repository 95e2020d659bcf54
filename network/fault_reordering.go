package network

import (
	"errors"
	"slices"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:    "reordering",
		Source:  "Bennett, Partridge and Shectman, \"Packet reordering is not pathological network behavior\", IEEE/ACM ToN 7(6), 1999",
		Doc:     "Some packets come late at the far end of a link, as when its switch has several ways inside, and others overtake them. Of several that strike one link each may delay a packet, and the delays add up. What is late when it heals comes all the same.",
		Retimes: true,
		Params: append(slices.Clone(linkParams),
			model.Param{Name: "probability", Type: model.ProbabilityParam, Doc: "that a packet is late, independent of the others"},
			model.Param{Name: "late", Type: model.TextParam, Doc: "by how much: a duration or distribution"},
		),
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			links, err := linksOf(p, t, s)
			late, wrong := distributionOf(p, "late")
			if err := errors.Join(err, wrong); err != nil {
				return nil, err
			}
			return reordering{links, Lateness{p.Probability("probability"), late}}, nil
		},
	})
}

type reordering struct {
	links []LinkID
	some  Lateness
}

func (f reordering) Strike(n *Network) {
	for _, l := range f.links {
		n.DelaySome(l, f.some)
	}
}

func (f reordering) Heal(n *Network) {
	for _, l := range f.links {
		n.PunctualAgain(l, f.some)
	}
}
