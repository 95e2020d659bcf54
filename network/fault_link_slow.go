package network

import (
	"errors"
	"fmt"
	"slices"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:    "link-slow",
		Source:  "Do et al., \"Limplock: understanding the impact of limpware on scale-out cloud systems\", SoCC 2013; Gunawi et al., \"Fail-slow at scale\", FAST 2018",
		Doc:     "A link transmits slower than it should, as a port does that settled on a lower rate. Of several that strike one link the slowest counts. A packet in transmission goes on as it began.",
		Retimes: true,
		Params: append(slices.Clone(linkParams),
			model.Param{Name: "divisor", Type: model.CountParam, Default: "10", Doc: "of its rate, from 2 to 1000000"},
		),
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			links, err := linksOf(p, t, s)
			d := p.Count("divisor")
			if d < 2 || d > 1_000_000 {
				err = errors.Join(err, &model.ParamError{Name: "divisor", Err: fmt.Errorf("%d is out of range: from 2 to 1000000", d)})
			}
			if err != nil {
				return nil, err
			}
			return linkSlow{links, d}, nil
		},
	})
}

type linkSlow struct {
	links   []LinkID
	divisor int64
}

func (f linkSlow) Strike(n *Network) {
	for _, l := range f.links {
		n.SlowLink(l, f.divisor)
	}
}

func (f linkSlow) Heal(n *Network) {
	for _, l := range f.links {
		n.FastenLink(l, f.divisor)
	}
}
