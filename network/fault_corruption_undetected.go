package network

import (
	"slices"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "corruption-undetected",
		Source: "Stone and Partridge, \"When the CRC and TCP checksum disagree\", SIGCOMM 2000: one packet in 16 million to 10 billion is delivered with an error that no checksum tells; Saltzer, Reed and Clark, ACM TOCS 2(4), 1984",
		Doc:    "Bits of what messages say change on the way, as in the memory of a device behind its links, such that the Internet checksum stays the same: the message is delivered as it has become. Its addresses, and traffic, are as they were. A change in what carries a check of its own, or one that the checksum tells after all, is noticed: the packet is dropped as corrupted.",
		Loses:  true,
		Params: append(slices.Clone(linkParams),
			model.Param{Name: "probability", Type: model.ProbabilityParam, Doc: "that bits of a message change, independent of the others"},
		),
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			links, err := linksOf(p, t, s)
			if err != nil {
				return nil, err
			}
			return corruptionUndetected{links, p.Probability("probability")}, nil
		},
	})
}

type corruptionUndetected struct {
	links       []LinkID
	probability float64
}

func (f corruptionUndetected) Strike(n *Network) {
	for _, l := range f.links {
		n.Mangle(l, f.probability)
	}
}

func (f corruptionUndetected) Heal(n *Network) {
	for _, l := range f.links {
		n.Unmangle(l, f.probability)
	}
}
