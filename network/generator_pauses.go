package network

import (
	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterGenerator(GeneratorSpec{
		Name:   "pauses",
		Source: "Apache Geode, documentation (a collection of garbage of 21.7 s); Google Compute Engine and Azure, documentation of live migration (much less than a second as a rule, at most 5 s, rarely about 30 s)",
		Doc:    "Processes that stand still: while their memory is collected, for 10 ms to 21.7 s, and while their machine moves, for 10 ms to a second in 90 %, to 5 s in 99 % and to 30 s in all cases. The longest ones, and the bounds of 1 s and 5 s, are published; the rest, the shares and how often they come are not.",
		Params: []model.Param{
			{Name: "collections", Type: model.NumberParam, Default: "100", Doc: "of garbage, in 30 days for each process, above 0", Least: 0.001, Most: 1e6},
			{Name: "migrations", Type: model.NumberParam, Default: "1", Doc: "in 30 days for each machine, above 0", Least: 0.001, Most: 1e6},
		},
		New: func(p model.Params, t *Topology) ([]Arrivals, error) {
			n := float64(t.Hosts)
			return []Arrivals{
				{Name: "collection", Fault: "pause", PerMonth: n * p.Number("collections"), Lasts: collectionPauses, Target: struck("process", random)},
				{Name: "migration", Fault: "pause", PerMonth: n * p.Number("migrations"), Lasts: migrationPauses, Target: struck("process", random)},
			}, nil
		},
	})
}

var (
	collectionPauses = sim.Quantiles{
		{Share: 0, At: 10 * model.Millisecond},
		{Share: 1, At: 21700 * model.Millisecond},
	}
	migrationPauses = sim.Quantiles{
		{Share: 0, At: 10 * model.Millisecond},
		{Share: 0.9, At: model.Second},
		{Share: 0.99, At: 5 * model.Second},
		{Share: 1, At: 30 * model.Second},
	}
)
