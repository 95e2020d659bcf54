package network

import (
	"errors"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "clock-drift",
		Source: "Cristian and Fetzer, IEEE TPDS 10(6), 1999: hardware clocks that drift",
		Doc:    "The clock of a host runs too fast or, with a drift below zero, too slow. When it heals the clock has its old rate again, and keeps the time that it has come to.",
		Params: []model.Param{
			{Name: "host", Type: model.TextParam, Doc: "name of the host, or random"},
			{Name: "drift", Type: model.TextParam, Doc: "by how much, on top of what it drifts already, as 100ppm or -100ppm; at most 10%"},
		},
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			host, err := hostOf(p, "host", t, s)
			drift, wrong := driftOf(p, "drift")
			if err := errors.Join(err, wrong); err != nil {
				return nil, err
			}
			return clockDrift{NodeID(host), drift}, nil
		},
	})
}

type clockDrift struct {
	host  NodeID
	drift int64
}

func (f clockDrift) Strike(n *Network) { n.DriftClock(f.host, f.drift) }
func (f clockDrift) Heal(n *Network)   { n.DriftClock(f.host, -f.drift) }
