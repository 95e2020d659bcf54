package network

import (
	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "link-one-way",
		Source: "IEEE 802.3, clause 57 (operations, administration and maintenance: links that work in one direction)",
		Doc:    "One direction of a link is dead, as when one fibre of a pair breaks; the other works. The dead direction loses what is on it and what waits for it.",
		Loses:  true,
		Params: []model.Param{
			linkParams[0],
			{Name: "direction", Type: model.TextParam, Default: random, Doc: "the end from which nothing comes through, or random"},
		},
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			links, err := linksOf(p, t, s)
			if err != nil {
				return nil, err
			}
			return linkDown{links}, nil
		},
	})
}
