package run

import (
	"slices"

	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
)

// port is what records do not tell of an output port and its link.
type port struct {
	rate     network.BitRate
	delay    model.Duration
	hidden   bool // records do not show when a transmission began
	fromHost bool
	toHost   bool
}

// newPorts returns the ports of the scenario, by directed link. A fault that changes how
// long packets take, which may strike any link, hides when transmissions begin.
func newPorts(s *scenario.Scenario) []port {
	t := &s.Network.Topology
	retimed := slices.ContainsFunc(s.FaultKinds(), func(f network.FaultSpec) bool { return f.Retimes })
	ports := make([]port, 2*len(t.Links))
	for l := range ports {
		c := &t.Links[l/2].AtoB
		if l%2 == 1 {
			c = &t.Links[l/2].BtoA
		}
		from, to := t.Ends(network.LinkID(l))
		ports[l] = port{c.Rate, c.Delay, c.Varies() || retimed, int(from) < t.Hosts, int(to) < t.Hosts}
	}
	return ports
}

// far tells whether r says that a packet came to the far end of the link, be it lost
// there. Between two hosts without a switch, it does not tell of a packet that was lost
// with a host: that may be either.
func (p *port) far(r *model.Record) bool {
	switch r.Kind {
	case model.Hopped, model.Delivered:
		return true
	case model.Dropped:
		switch r.Cause {
		case model.LinkLoss, model.Corrupted, model.InterfaceFault, model.ProcessDown:
			return true
		case model.NoRoute: // RuleDrop and SwitchDown are at a switch only
			return p.toHost // at a switch it has hopped before
		case model.HostDown:
			return p.toHost && !p.fromHost
		}
	}
	return false
}

// began returns when the transmission began of a packet that comes to the far end of
// the link by r, which the link does not hide.
func (p *port) began(r *model.Record) model.Time {
	return r.At.Add(-p.delay - p.rate.Transmission(r.Bytes))
}
