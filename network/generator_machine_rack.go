package network

import (
	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterGenerator(GeneratorSpec{
		Name:   "machine-rack",
		Source: "Leners, Gupta, Aguilera and Walfish, \"Taming uncertainty in distributed systems with help from the network\", EuroSys 2015: about 12 network faults a month in a medium-sized data centre, of which half disconnect a machine and half a rack",
		Doc:    "Faults of the network that disconnect one machine, by its link, or a rack, by its switch: half of each. How long they last is not in the source.",
		Params: []model.Param{
			{Name: "per_month", Type: model.NumberParam, Default: "12", Doc: "faults in 30 days, above 0", Least: 0.001, Most: 1e6},
			{Name: "repair", Type: model.TextParam, Default: "lognormal(5min, 129min)", Doc: "how long one lasts: a duration or distribution"},
		},
		New: func(p model.Params, t *Topology) ([]Arrivals, error) {
			racks, _, err := t.racks()
			if err != nil {
				return nil, err
			}
			repair, err := durationsOf(p, "repair")
			if err != nil {
				return nil, err
			}
			half := p.Number("per_month") / 2
			next := t.adjacent()
			return []Arrivals{
				{Name: "machine", Fault: "link-down", PerMonth: half, Lasts: repair, Target: func(s *sim.Stream) []map[string]string {
					h := NodeID(randomHost(t, s))
					return []map[string]string{{"link": t.Names[h] + listSeparator + t.Names[next[h][0]]}}
				}},
				{Name: "rack", Fault: "switch-crash", PerMonth: half, Lasts: repair, Target: t.oneOf("switch", racks)},
			}, nil
		},
	})
}

// oneOf is the target of a fault of one of the nodes, which its parameter name names.
func (t *Topology) oneOf(name string, nodes []NodeID) func(*sim.Stream) []map[string]string {
	return func(s *sim.Stream) []map[string]string {
		return []map[string]string{{name: t.Names[randomOf(nodes, s)]}}
	}
}
