package network

import (
	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "link-down",
		Source: "Gill, Jain and Nagappan, \"Understanding network failures in data centers\", SIGCOMM 2011 (link failures)",
		Doc:    "A link carries nothing and loses what is on it and what waits for it. Packets that are routed over it are lost until the switches route around it, if they do, or it heals.",
		Loses:  true,
		Params: linkParams,
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			links, err := linksOf(p, t, s)
			if err != nil {
				return nil, err
			}
			return linkDown{links}, nil
		},
	})
}

// linkDown holds directions of links down.
type linkDown struct{ links []LinkID }

func (f linkDown) Strike(n *Network) {
	for _, l := range f.links {
		n.SetLink(l, false)
	}
}

func (f linkDown) Heal(n *Network) {
	for _, l := range f.links {
		n.SetLink(l, true)
	}
}
