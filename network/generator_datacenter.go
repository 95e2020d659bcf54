package network

import (
	"errors"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterGenerator(GeneratorSpec{
		Name:   "datacenter-devices",
		Source: "Gill, Jain and Nagappan, \"Understanding network failures in data centers\", SIGCOMM 2011",
		Doc: "Switches that fail, and links between them. In a year about 5 % of the switches of racks fail and 10 % of those above; links fail as much more often as they were counted: 40.8 a day beside 5.2 devices. A repair takes 5 minutes in the median and at most a week. " +
			"Between the two it is taken to be lognormal: the longest of a year of 46 failures a day would last a week. Load balancers, of which 20 % fail, are left out.",
		Params: []model.Param{
			scaleParam,
			{Name: "repair", Type: model.TextParam, Default: "lognormal(5min, 129min)", Doc: "how long one lasts, cut at a week: a duration or distribution"},
		},
		New: newDatacenter,
	})
}

// Failures a day of all devices and links that were watched.
const (
	gillDevices = 5.2
	gillLinks   = 40.8
)

func newDatacenter(p model.Params, t *Topology) ([]Arrivals, error) {
	const week = 7 * 24 * model.Hour
	racks, routers, none := t.racks()
	scaled, wrong := isScaled(p)
	repair, err := durationsOf(p, "repair")
	if err := errors.Join(none, wrong, err); err != nil {
		return nil, err
	}
	// A device that fails with probability p in a year fails -log(1-p) times.
	ofRacks := float64(len(racks)) * -model.Log(1-0.05)
	ofRouters := float64(len(routers)) * -model.Log(1-0.10)
	ofLinks := (ofRacks + ofRouters) * (gillLinks / gillDevices)
	if !scaled {
		times := 365 * gillDevices / (ofRacks + ofRouters)
		ofRacks, ofRouters, ofLinks = times*ofRacks, times*ofRouters, 365*gillLinks
	}
	repair = atMost{repair, week}
	// Links between switches fail; where there are none, those of hosts.
	var links, trunks []string
	for i := range t.Links {
		l := &t.Links[i]
		name := t.Names[l.A] + listSeparator + t.Names[l.B]
		if links = append(links, name); int(l.A) >= t.Hosts && int(l.B) >= t.Hosts {
			trunks = append(trunks, name)
		}
	}
	if trunks != nil {
		links = trunks
	}
	all := []Arrivals{{Name: "rack-switch", Fault: "switch-crash", PerMonth: perMonth(ofRacks), Lasts: repair, Target: t.oneOf("switch", racks)}}
	if len(routers) > 0 {
		all = append(all, Arrivals{Name: "aggregation-switch", Fault: "switch-crash", PerMonth: perMonth(ofRouters), Lasts: repair, Target: t.oneOf("switch", routers)})
	}
	return append(all, Arrivals{Name: "link", Fault: "link-down", PerMonth: perMonth(ofLinks), Lasts: repair, Target: func(s *sim.Stream) []map[string]string {
		return []map[string]string{{"link": links[s.IntN(len(links))]}}
	}}), nil
}
