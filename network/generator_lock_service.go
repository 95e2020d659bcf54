package network

import (
	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterGenerator(GeneratorSpec{
		Name:   "lock-service-outages",
		Source: "Burrows, \"The Chubby lock service for loosely-coupled distributed systems\", OSDI 2006: 61 outages in 700 days of cells, 52 of them shorter than 30 s",
		Doc:    "A service on one process is down from time to time, as a cell of a lock service. That an outage takes a second at least and an hour at most is not in the source.",
		Params: []model.Param{
			{Name: "process", Type: model.TextParam, Default: random, Doc: "the host on which the service runs, or random for another one each time"},
		},
		New: func(p model.Params, t *Topology) ([]Arrivals, error) {
			process := p.Text("process")
			if _, err := hostOf(p, "process", t, sim.NewStream(0, "")); err != nil {
				return nil, err
			}
			return []Arrivals{{
				Name: "outage", Fault: "process-crash", PerMonth: 30 * 61.0 / 700,
				Lasts: chubbyOutages, Target: struck("process", process),
			}}, nil
		},
	})
}

var chubbyOutages = sim.Quantiles{
	{Share: 0, At: model.Second},
	{Share: 52.0 / 61, At: 30 * model.Second},
	{Share: 1, At: model.Hour},
}
