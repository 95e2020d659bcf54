package network

import (
	"errors"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterGenerator(GeneratorSpec{
		Name:   "cluster-first-year",
		Source: "Dean, \"Designs, lessons and advice from building large distributed systems\", LADIS 2009: the first year of a cluster of 1800 servers",
		Doc: "What befell a new cluster in its first year: 1000 machines failed, 20 racks went away for 1 to 6 hours and 5 lost half of their packets, a power distribution unit took 500 to 1000 machines away for 6 hours, 4 maintenances lost packets at random for half an hour, routers were reloaded 12 times, for minutes, and failed 3 times, for an hour, and half a time it overheated, for 1 to 2 days. " +
			"Not in the source: for how long a machine is away and a rack loses packets (repair), that reloads take 1 to 10 minutes, that a maintenance loses half of the packets at one switch above the racks, and that overheating takes half of the racks or more. The short failures of its name service, and 4 maintenances without an effect, are left out.",
		Params: []model.Param{
			scaleParam,
			{Name: "repair", Type: model.TextParam, Default: "uniform(1h, 6h)", Doc: "how long a machine is away, and a rack loses packets: a duration or distribution"},
		},
		New: newClusterYear,
	})
}

func newClusterYear(p model.Params, t *Topology) ([]Arrivals, error) {
	const servers, unitLeast, unitMost = 1800, 500, 1000
	racks, routers, none := t.racks()
	scaled, wrong := isScaled(p)
	repair, err := durationsOf(p, "repair")
	if err := errors.Join(none, wrong, err); err != nil {
		return nil, err
	}
	if routers == nil { // the switches of racks are all there are
		routers = racks
	}
	rate := func(perYear float64) float64 {
		if scaled {
			perYear *= float64(t.Hosts) / servers
		}
		return perMonth(perYear)
	}
	next := t.adjacent()
	fixed := func(d model.Duration) Durations { return sim.Distribution{Mean: d} }
	between := func(low, high model.Duration) Durations {
		return sim.Distribution{Kind: sim.Uniform, Low: low, High: high}
	}
	// lossy makes all links of a switch that lead to nodes of the kind lose half.
	lossy := func(at NodeID, hosts bool) (all []map[string]string) {
		for _, to := range next[at] {
			if !hosts || int(to) < t.Hosts {
				all = append(all, map[string]string{"link": t.Names[at] + listSeparator + t.Names[to], "probability": "50%"})
			}
		}
		return all
	}
	// share takes neighbouring racks away with about a share of all, and at least one.
	share := func(low, high float64) func(*sim.Stream) []map[string]string {
		return func(s *sim.Stream) (all []map[string]string) {
			first := s.IntN(len(racks))
			part := low + float64(s.Float64()*(high-low))
			for i := range max(1, int(float64(part*float64(len(racks)))+0.5)) {
				all = append(all, map[string]string{"switch": t.Names[racks[(first+i)%len(racks)]]})
			}
			return all
		}
	}
	return []Arrivals{
		{Name: "machine", Fault: "host-crash", PerMonth: rate(1000), Lasts: repair, Target: struck("host", random)},
		{Name: "rack", Fault: "power-failure", PerMonth: rate(20), Lasts: between(model.Hour, 6*model.Hour), Target: t.oneOf("switch", racks)},
		{Name: "lossy-rack", Fault: "link-loss", PerMonth: rate(5), Lasts: repair, Target: func(s *sim.Stream) []map[string]string {
			return lossy(randomOf(racks, s), true)
		}},
		{Name: "power-unit", Fault: "power-failure", PerMonth: rate(1), Lasts: fixed(6 * model.Hour), Target: share(float64(unitLeast)/servers, float64(unitMost)/servers)},
		{Name: "maintenance", Fault: "link-loss", PerMonth: rate(4), Lasts: fixed(30 * model.Minute), Target: func(s *sim.Stream) []map[string]string {
			return lossy(randomOf(routers, s), false)
		}},
		{Name: "router-reload", Fault: "switch-crash", PerMonth: rate(12), Lasts: between(model.Minute, 10*model.Minute), Target: t.oneOf("switch", routers)},
		{Name: "router", Fault: "switch-crash", PerMonth: rate(3), Lasts: fixed(model.Hour), Target: t.oneOf("switch", routers)},
		{Name: "overheating", Fault: "power-failure", PerMonth: rate(0.5), Lasts: between(24*model.Hour, 48*model.Hour), Target: share(0.5, 1)},
	}, nil
}
