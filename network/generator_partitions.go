package network

import (
	"errors"
	"strings"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterGenerator(GeneratorSpec{
		Name:   "partitions",
		Source: "Alquraan, Takruri, Alfatafta and Al-Kiswany, \"An analysis of network-partitioning failures in cloud systems\", OSDI 2018: of the partitions that made systems fail, 29 % were partial and 2 % one-way",
		Doc:    "Partitions of all shapes. A complete one (69 %) cuts a rack off, or a host in a network of one switch; a one-way one (2 %) does so for what comes from there or for what goes there; a partial one (29 %) parts some hosts from some others, while the rest reaches both. How often they come and how long they last is not in the source.",
		Params: []model.Param{
			{Name: "per_month", Type: model.NumberParam, Default: "12", Doc: "partitions in 30 days, above 0", Least: 0.001, Most: 1e6},
			{Name: "repair", Type: model.TextParam, Default: "lognormal(5min, 129min)", Doc: "how long one lasts: a duration or distribution"},
		},
		New: newPartitions,
	})
}

func newPartitions(p model.Params, t *Topology) ([]Arrivals, error) {
	const partial, oneWay = 0.29, 0.02
	fault, site, none := t.sites()
	repair, err := durationsOf(p, "repair")
	if t.Hosts < 3 {
		none = errors.Join(none, errors.New("a partial partition needs a third host, which reaches both sides"))
	}
	if err := errors.Join(none, err); err != nil {
		return nil, err
	}
	each := p.Number("per_month")
	return []Arrivals{
		{Name: "complete", Fault: fault, PerMonth: each * (1 - partial - oneWay), Lasts: repair, Target: site},
		{Name: "partial", Fault: "partition-partial", PerMonth: each * partial, Lasts: repair, Target: t.twoGroups},
		{Name: "one-way", Fault: fault, PerMonth: each * oneWay, Lasts: repair, Target: func(s *sim.Stream) []map[string]string {
			given := site(s)
			given[0]["lost"] = []string{"in", "out"}[s.IntN(2)]
			return given
		}},
	}, nil
}

// twoGroups draws two groups of hosts, as large as each other and at most a third of all,
// for a partial partition.
func (t *Topology) twoGroups(s *sim.Stream) []map[string]string {
	size := 1 + s.IntN(t.Hosts/3)
	hosts := make([]string, t.Hosts)
	copy(hosts, t.Names)
	for i := range 2 * size {
		j := i + s.IntN(t.Hosts-i)
		hosts[i], hosts[j] = hosts[j], hosts[i]
	}
	list := func(names []string) string { return strings.Join(names, listSeparator) }
	return []map[string]string{{"from": list(hosts[:size]), "to": list(hosts[size : 2*size])}}
}
