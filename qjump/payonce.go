package qjump

import (
	"suspect/model"
	"suspect/network"
)

// payOnce improves the bounds of the highest class on stars and two-level networks (Clos),
// whose links have one rate and whose links between switches one delay, for packets of one size.
//
// Let p be a packet to host b, and let all times at a port be less by what a packet of p's host
// takes to come there, if it never waits. That is the same on all ways. So a packet comes to a
// port when it begins to be sent at the one before, of which it is the next.
//
// Let A be what came to the last port, that of b, from s on, when the busy period begins in which
// p is sent there, up to p. So p leaves no later than s + L/R + |A|*P/R. Let o be the packet of A
// that was the first to leave p's own host, perhaps p itself, and s' the earliest of the times at
// which the busy periods begin in which o is sent at the ports before. Where s is not after s',
// that is all. Else look at the port of s'. There o begins to be sent after L/R and all that came
// since s'. At each port behind, those that came over the same link as o came one after another,
// and are sent before o without a further delay: it waits for L/R and for those that came
// from elsewhere since s'. So o comes to the last port no later than s' + L/R for each port + (|B| -
// 1)*P/R, where B is o and what it waited for. What is in A and in B came to the last port over
// one link, one after another, from s on until o, so that o comes no earlier than
// s + (|A and B| - 1)*P/R. Together, p leaves no later than M + z, where M = min(s, s') and
// z = sum of L/R + N*P/R, with all N packets of A and B counted once, as they come to a port of
// o's way or to the last port. And M is not after p's release, as o was released no later than p.
//
// None of them comes after M + z: else look at what had come by then. That is N packets or
// fewer, so that o and then the busy period of the last port would have come to an end before.
// On these networks all packets of a sender take equally long to any of the ports where they are
// counted. So it has at most count(z + Q) of them, if packets wait Q in all, and p waits at most
// z - P/R, as it is one of the N, nor longer than the ports bound it. If all packets were in time
// until now, none is late now (see [Network.Bounds]), so that any Q will do that gives none more.
func (a *classAnalysis) payOnce(routes []route) {
	if !a.paysOnce() {
		return
	}
	rate, packet := a.kinds[0].rate, a.kinds[0].port.packet
	ways := make([]way, len(routes))
	for i := range routes {
		ways[i] = a.way(&routes[i], rate)
	}
	alone := func(f *FlowBound) model.Duration {
		return plus(saturated(int64(f.Switches)+1, int64(packet)), f.Epsilon)
	}
	for round, longest := 0, model.Duration(0); round < 32; round++ { // longest is Q
		known := make(map[way]model.Duration)
		next := longest
		for i := range routes {
			wait, ok := known[ways[i]]
			if !ok {
				wait = a.wait(ways[i], longest)
				known[ways[i]] = wait
			}
			f := &routes[i].FlowBound
			next = max(next, min(wait, f.Delay-alone(f)))
		}
		if next > longest {
			longest = next
			continue
		}
		for i := range routes {
			f, w := &routes[i].FlowBound, ways[i]
			if d := plus(known[w], alone(f)); d < f.Delay {
				f.Delay, f.Met, f.packet, f.once, f.block = d, int64((known[w]-w.block)/packet)+1, packet, true, w.block
			}
		}
		return
	}
}

// paysOnce tells whether the argument of payOnce holds for all flows.
func (a *classAnalysis) paysOnce() bool {
	if len(a.higher) != 0 || a.small != a.Packet || len(a.kinds) == 0 {
		return false
	}
	core := model.Duration(-1)
	for l := range a.ports {
		if a.ports[l].senders == 0 {
			continue
		}
		config, near, far := a.config(network.LinkID(l))
		from, to := a.Ends(network.LinkID(l))
		if near != far || config.Rate != a.kinds[0].rate || int(from) < a.Hosts && int(to) < a.Hosts {
			return false
		}
		if int(from) >= a.Hosts && int(to) >= a.Hosts {
			if core >= 0 && core != near {
				return false
			}
			core = near
		}
	}
	for c := range a.edges {
		for _, s := range a.edges {
			if h := a.hops[c][s]; h != 0 && h != 2 {
				return false
			}
		}
	}
	return true
}

// way is what a packet can meet on any of the ways between two hosts, at most.
type way struct {
	block    model.Duration // all L/R
	limiters int64
}

// way returns what packets of a route can meet.
func (a *classAnalysis) way(r *route, rate network.BitRate) (w way) {
	met := a.sets(1)[0]
	over := func(links ...network.LinkID) {
		clear(met)
		block, limiters := model.Duration(0), int64(0)
		for _, l := range links {
			met.union(a.over[l])
			block = plus(block, rate.Transmission(a.frames[l]))
		}
		for _, k := range a.kinds {
			limiters += a.common(k, met) * k.limiters
		}
		w = way{max(w.block, block), max(w.limiters, limiters)}
	}
	first, last := a.up[r.From], a.down[r.To]
	at, root := a.at[r.From], a.at[r.To]
	if at == root {
		over(first, last)
		return w
	}
	for _, y := range a.arcs[at] {
		for _, z := range a.arcs[y.to] {
			if z.to == root {
				over(first, y.link, z.link, last)
			}
		}
	}
	return w
}

// wait returns z - P/R, where packets wait for longest in all, or most.
func (a *classAnalysis) wait(w way, longest model.Duration) model.Duration {
	packet := a.kinds[0].port.packet
	x := portAnalysis{}
	z, ok := x.fixpoint(func(z model.Duration) model.Duration {
		return plus(w.block, saturated(saturate(w.limiters, a.count(plus(z, longest))), int64(packet)))
	})
	if !ok {
		return model.Duration(most)
	}
	return z - packet
}
