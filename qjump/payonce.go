package qjump

import (
	"suspect/model"
	"suspect/network"
)

// payOnce bounds the flows of the highest class on stars and two-level networks (Clos), whose
// links have one rate and whose links between switches one delay, for packets of one size.
//
// Let p be a packet, and let all times at a port be less by what p takes to come there, if
// it never waits, so that p comes to a port when it leaves the one before. Let M be the
// earliest of the times at which the busy periods begin in which p is sent at its ports. At that
// port p is sent after L/R and all that came there since M. At each port behind, packets that
// came over the same link as p came one after another, and so are sent before p without a
// further delay: it waits for L/R and for those that came from elsewhere since M. So p leaves
// its last port no later than M + z, where z = sum of L/R + N*P/R, for the N packets that came
// to one of its ports in [M, M+z]: if not, p would come to a port later than that, but at one it
// came before it and leaves too late, or the port of M would have been idle. Each packet is
// counted where it joins the way. On these networks all packets of a sender take equally long to
// any of the ports at which they can join, and those that leave the way do not come back, but for
// packets of p's own host, which part from it at the first switch and can join it at the last:
// these count twice. So a sender has at most count(z + Q) of the N, if packets wait Q in all, and
// p waits at most z - P/R, as it is one of the N. If all packets were in time until now, none is
// late now (see [Network.Bounds]), so that any Q will do with which no z - P/R is greater.
type payOnce struct {
	*classAnalysis
	packet model.Duration
	wait   model.Duration // Q
}

// newPayOnce returns nil where the argument does not hold, or finds no bound.
func (a *classAnalysis) newPayOnce() *payOnce {
	if len(a.higher) != 0 || a.small != a.Packet || len(a.kinds) == 0 {
		return nil
	}
	p := &payOnce{classAnalysis: a, packet: a.kinds[0].port.packet}
	core := model.Duration(-1)
	limiters, frames := int64(0), [3]int32{} // of hosts, between switches, to hosts
	for l := range a.ports {
		if a.ports[l].senders == 0 {
			continue
		}
		config, near, far := a.config(network.LinkID(l))
		from, to := a.Ends(network.LinkID(l))
		if near != far || config.Rate != a.kinds[0].rate {
			return nil
		}
		kind := 1
		switch {
		case int(from) < a.Hosts && int(to) < a.Hosts:
			return nil
		case int(from) < a.Hosts:
			kind = 0
			limiters += a.ports[l].senders
		case int(to) < a.Hosts:
			kind = 2
		case core < 0:
			core = near
		case core != near:
			return nil
		}
		frames[kind] = max(frames[kind], a.frames[l])
	}
	for c := range a.edges {
		for _, s := range a.edges {
			if h := a.hops[c][s]; h != 0 && h != 2 {
				return nil
			}
		}
	}
	rate := a.kinds[0].rate
	block := plus(rate.Transmission(frames[0]), 2*rate.Transmission(frames[1]), rate.Transmission(frames[2]))
	own := int64(1)
	for _, x := range a.kinds {
		own = max(own, x.limiters)
	}
	for range 32 {
		wait, ok := p.waits(block, limiters, own)
		if !ok {
			return nil
		}
		if wait <= p.wait {
			return p
		}
		p.wait = wait
	}
	return nil
}

// waits returns z - P/R for the given limiters, of which some are on p's own host.
func (p *payOnce) waits(block model.Duration, limiters, own int64) (model.Duration, bool) {
	x := portAnalysis{}
	z, ok := x.fixpoint(func(z model.Duration) model.Duration {
		each := p.count(plus(z, p.wait))
		n := min(saturate(limiters, each)+saturate(own, each)-1, most)
		return plus(block, saturated(n, int64(p.packet)))
	})
	return z - p.packet, ok
}

// improve bounds the flow if that is less than what it has.
func (p *payOnce) improve(f *FlowBound, x *sender) {
	met := p.sets(1)[0]
	block := p.kinds[0].rate.Transmission(p.frames[p.up[f.From]])
	most := model.Duration(0)
	root := p.at[f.To]
	cross := func(l network.LinkID) {
		met.union(p.over[l])
		most = max(most, p.kinds[0].rate.Transmission(p.frames[l]))
	}
	if at := p.at[f.From]; at != root {
		c := p.edge[root]
		for _, y := range p.arcs[at] {
			if p.hops[c][y.to] >= p.hops[c][at] {
				continue
			}
			cross(y.link)
			for _, z := range p.arcs[y.to] {
				if z.to == root {
					cross(z.link)
				}
			}
		}
		block = plus(block, most, most)
	}
	met.union(p.over[p.down[f.To]])
	block = plus(block, p.kinds[0].rate.Transmission(p.frames[p.down[f.To]]))
	limiters := int64(0)
	for _, k := range p.kinds {
		limiters += p.common(k, met) * k.limiters
	}
	wait, ok := p.waits(block, limiters, x.limiters)
	if !ok {
		return
	}
	if d := plus(wait, saturated(int64(f.Switches)+1, int64(p.packet)), f.Epsilon); d < f.Delay {
		f.Delay, f.Met, f.packet, f.once, f.block = d, int64((wait-block)/p.packet)+1, p.packet, true, block
	}
}
