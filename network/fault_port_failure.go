package network

import (
	"fmt"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "port-failure",
		Source: "Potharaju and Jain, \"When the network crumbles\", SoCC 2013",
		Doc:    "A port of a switch is dead: its link carries nothing in either direction, and what is on it and what waits for it is lost. The other ports work.",
		Loses:  true,
		Params: []model.Param{
			{Name: "switch", Type: model.TextParam, Doc: "its name, or random"},
			{Name: "port", Type: model.TextParam, Doc: "the name of the node at the other end, or random"},
		},
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			fail := func(format string, args ...any) (Fault, error) {
				return nil, &model.ParamError{Name: "port", Err: fmt.Errorf(format, args...)}
			}
			at, err := switchOf(p, "switch", t, s)
			if err != nil {
				return nil, err
			}
			text := p.Text("port")
			other, ok := t.Node(text)
			switch {
			case text == "":
				return fail("is required: the name of the node at the other end, or %s", random)
			case !ok && text == random:
				other = randomOf(t.adjacent()[at], s)
			case !ok:
				return fail("no node is named %q", text)
			}
			l, ok := t.LinkBetween(at, other)
			if !ok {
				return fail("%s has no port to %s", t.Names[at], text)
			}
			return linkDown{[]LinkID{l, l ^ 1}}, nil
		},
	})
}
