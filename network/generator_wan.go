package network

import (
	"errors"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterGenerator(GeneratorSpec{
		Name:   "wan-partitions",
		Source: "Turner, Levchenko, Snoeren and Savage, \"California fault lines: understanding the causes and impact of network failures\", SIGCOMM 2010: more than 500 partitions of sites of a wide area network",
		Doc: "A site, which is a switch with its hosts, is cut off from all others; in a network of one switch a host is. Software is the cause, for a median of 2.7 minutes and less than 19.9 in 95 % of all cases, or hardware, for a median of 32 minutes, a mean of 8.2 hours and less than 3.7 days in 95 % of all cases. " +
			"The former are lognormal. No lognormal distribution has all three of the latter: they are drawn by a table of quantiles, of which the shortest, the one at 80 % (such that the mean is the published one) and the longest, of 4 days, are not from the source, as is how many there are.",
		Params: []model.Param{
			{Name: "per_month", Type: model.NumberParam, Default: "10", Doc: "partitions in 30 days, above 0", Least: 0.001, Most: 1e6},
			{Name: "hardware", Type: model.ProbabilityParam, Default: "50%", Doc: "share of those that hardware causes, above 0 and below 1"},
		},
		New: newWAN,
	})
}

// The durations of partitions that software and hardware cause.
var (
	turnerSoftware = sim.Distribution{Kind: sim.Lognormal, Low: 162 * model.Second, High: 1194 * model.Second}
	turnerHardware = sim.Quantiles{
		{Share: 0, At: model.Minute},
		{Share: 0.5, At: 32 * model.Minute},
		{Share: 0.8, At: 92 * model.Minute},
		{Share: 0.95, At: 5328 * model.Minute},
		{Share: 1, At: 96 * model.Hour},
	}
)

func newWAN(p model.Params, t *Topology) ([]Arrivals, error) {
	hardware := p.Probability("hardware")
	if hardware == 0 || hardware == 1 {
		return nil, &model.ParamError{Name: "hardware", Err: errors.New("must be above 0 and below 1")}
	}
	fault, site, err := t.sites()
	if err != nil {
		return nil, err
	}
	each := p.Number("per_month")
	return []Arrivals{
		{Name: "software", Fault: fault, PerMonth: each * (1 - hardware), Lasts: turnerSoftware, Target: site},
		{Name: "hardware", Fault: fault, PerMonth: each * hardware, Lasts: turnerHardware, Target: site},
	}, nil
}

// sites returns the fault that cuts off a site, and how it is drawn: a switch that does not
// have all hosts below it, with its hosts, or where there is none a host.
func (t *Topology) sites() (fault string, site func(*sim.Stream) []map[string]string, err error) {
	racks, _, err := t.racks()
	if err != nil {
		return "", nil, err
	}
	if len(racks) > 1 {
		return "partition-subtree", t.oneOf("below", racks), nil
	}
	return "partition", func(s *sim.Stream) []map[string]string {
		return []map[string]string{{"side": t.Names[randomHost(t, s)]}}
	}, nil
}
