package network

import (
	"errors"
	"fmt"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "nic-one-way",
		Source: "Bailis and Kingsbury, \"The network is reliable\", ACM Queue 12(7), 2014: an interface dropped all that came in while heartbeats still went out",
		Doc:    "The network interface of a host silently loses all that comes in, or all that goes out, and passes the rest. Its link is up at both ends.",
		Loses:  true,
		Params: []model.Param{
			{Name: "host", Type: model.TextParam, Doc: "its name, or random"},
			{Name: "direction", Type: model.TextParam, Default: "in", Doc: "what is lost: in or out"},
		},
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			host, err := hostOf(p, "host", t, s)
			d := p.Text("direction")
			if d != "in" && d != "out" {
				err = errors.Join(err, &model.ParamError{Name: "direction", Err: fmt.Errorf("%q is neither in nor out", d)})
			}
			if err != nil {
				return nil, err
			}
			return nicOneWay{NodeID(host), d == "in"}, nil
		},
	})
}

type nicOneWay struct {
	host NodeID
	in   bool // else out
}

// link returns the direction of the host's link that is silent.
func (f nicOneWay) link(n *Network) LinkID {
	if f.in {
		return n.uplinks[f.host] ^ 1
	}
	return n.uplinks[f.host]
}

func (f nicOneWay) Strike(n *Network) { n.SetSilent(f.link(n), true) }
func (f nicOneWay) Heal(n *Network)   { n.SetSilent(f.link(n), false) }
