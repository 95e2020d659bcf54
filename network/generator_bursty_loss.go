package network

import (
	"errors"
	"fmt"
	"maps"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterGenerator(GeneratorSpec{
		Name:   "bursty-loss",
		Source: "Measurements of Amazon EC2 by Badabing (Sommers et al., SIGCOMM 2005): more than 10 % of the slots of 5 ms see congestion, while less than 0.5 % of all packets are lost",
		Doc:    "Every link loses packets in bursts for the whole run, each direction by itself. It takes the figures as the limits that they are: 10 % of the slots are bad, in which 5 % of the packets are lost, which is 0.5 % of all. They are those of a path: on one of several links each has its share of bad slots. How long bursts last is not in the source.",
		Params: []model.Param{
			{Name: "bad", Type: model.ProbabilityParam, Default: "10%", Doc: "share of the slots that are bad on a path of hops links, less than all"},
			{Name: "loss", Type: model.ProbabilityParam, Default: "5%", Doc: "of a packet in a bad slot"},
			{Name: "hops", Type: model.CountParam, Default: "1", Doc: "links of a path for which the figures are, from 1 to 100"},
			{Name: "burst", Type: model.NumberParam, Optional: true, Doc: "mean number of bad slots in a row; as many as if slots were independent if left out", Least: 1, Most: 1e9},
		},
		New: newBurstyLoss,
	})
}

func newBurstyLoss(p model.Params, t *Topology) ([]Arrivals, error) {
	hops := p.Count("hops")
	if hops < 1 || hops > 100 {
		return nil, &model.ParamError{Name: "hops", Err: fmt.Errorf("%d is out of range: from 1 to 100", hops)}
	}
	if p.Probability("bad") == 1 {
		return nil, &model.ParamError{Name: "bad", Err: errors.New("all slots would be bad")}
	}
	// A slot of a path is good if it is so on every link.
	bad := p.Probability("bad")
	if hops > 1 {
		bad = 1 - model.Exp(model.Log(1-bad)/float64(hops))
	}
	given := map[string]string{
		"bad": model.FormatNumber(bad), "loss": model.FormatNumber(p.Probability("loss")),
	}
	if p.Given("burst") {
		given["burst"] = model.FormatNumber(p.Number("burst"))
	}
	var links []map[string]string
	for i := range t.Links {
		one := maps.Clone(given)
		one["link"] = t.Names[t.Links[i].A] + listSeparator + t.Names[t.Links[i].B]
		links = append(links, one)
	}
	return []Arrivals{{Name: "link", Fault: "link-bursts", Target: func(*sim.Stream) []map[string]string { return links }}}, nil
}
