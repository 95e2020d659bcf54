package network

import (
	"fmt"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "misorigination",
		Source: "RIPE NCC, \"YouTube hijacking: a RIPE NCC RIS case study\", 2008 (a longer prefix, announced by Pakistan Telecom); Mahajan, Wetherall and Anderson, \"Understanding BGP misconfiguration\", SIGCOMM 2002",
		Doc:    "A switch announces by mistake that it leads to a host. With link-state routing the announcement spreads, and those switches that find it better send it all that is for the host; otherwise only its own route is wrong. There it ends, or goes on the wrong way. Healing withdraws the announcement.",
		Loses:  true,
		Params: []model.Param{
			{Name: "switch", Type: model.TextParam, Doc: "the one that errs: its name, or random"},
			{Name: "host", Type: model.TextParam, Doc: "whose packets it attracts: its name, or random"},
			{Name: "specific", Type: model.SwitchParam, Default: "true", Doc: "the prefix is longer than the right one, which goes before any metric; otherwise the metric decides"},
			{Name: "metric", Type: model.CountParam, Default: "0", Doc: "the metric that it announces; that of the right switch is 1, as that of each link"},
			{Name: "via", Type: model.TextParam, Optional: true, Doc: "the neighbour that it sends those packets to; nobody, if empty: it drops them"},
		},
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			fail := func(name, format string, args ...any) (Fault, error) {
				return nil, &model.ParamError{Name: name, Err: fmt.Errorf(format, args...)}
			}
			at, err := switchOf(p, "switch", t, s)
			if err != nil {
				return nil, err
			}
			host, err := hostOf(p, "host", t, s)
			if err != nil {
				return nil, err
			}
			if switches := len(t.Names) - t.Hosts; switches*len(t.Names) > maxRoutes {
				return fail("switch", "the network is too large for routes to single hosts: %d switches and %d nodes make more than %d", switches, len(t.Names), maxRoutes)
			}
			const highest = 1 << 24 // of RFC 2328, LSInfinity
			metric := p.Count("metric")
			if metric < 0 || metric >= highest {
				return fail("metric", "%d is out of range: from 0 to %d", metric, highest-1)
			}
			f := misorigination{at: at, host: NodeID(host), metric: int32(metric), specific: p.Switch("specific"), via: noLink}
			if via := p.Text("via"); via != "" {
				to, ok := t.Node(via)
				if !ok {
					return fail("via", "no node is named %q", via)
				}
				if f.via, ok = t.LinkBetween(at, to); !ok {
					return fail("via", "%s is no neighbour of %s", via, t.Names[at])
				}
			}
			return f, nil
		},
	})
}

type misorigination struct {
	at, host NodeID
	metric   int32
	specific bool
	via      LinkID
}

func (f misorigination) Strike(n *Network) {
	n.Misoriginate(f.at, f.host, f.metric, f.specific, f.via)
}

func (f misorigination) Heal(n *Network) { n.Withdraw(f.at, f.host, f.metric, f.specific, f.via) }
