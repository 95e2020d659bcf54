package oracle

import (
	"fmt"
	"math"

	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// busyPeriod estimates the mean length of the periods in which a queue is never
// empty.
func busyPeriod(q queue) estimate {
	return func(seed uint64, packets int, _ float64) (float64, error) {
		var total model.Duration
		var periods float64
		var end model.Time // of the last packet's service
		err := q.run(seed, packets, func(c customer) {
			if c.wait == 0 {
				periods++
			}
			total += c.service
			end = c.arrived.Add(c.wait + c.service)
		})
		if end == 0 {
			return 0, fmt.Errorf("no packet left the queue")
		}
		// The server is busy exactly while it serves.
		return inUnits(total) / periods, err
	}
}

// lastWait returns the wait of the last of n packets.
func lastWait(q queue, n int) estimate {
	return func(seed uint64, _ int, _ float64) (float64, error) {
		var last model.Duration
		err := q.run(seed, n, func(c customer) { last = c.wait })
		return inUnits(last), err
	}
}

// fanIn returns how long the last of n packets of the given size waits, in
// nanoseconds, when n hosts send one each at the same moment over 10 Gb/s links to
// one more host.
func fanIn(n int, bytes int32) estimate {
	return func(seed uint64, _ int, _ float64) (float64, error) {
		k := sim.New(seed)
		link := network.LinkConfig{Rate: 10 * network.Gbps}
		net, err := network.New(k, network.Config{Topology: network.Star(n+1, link), Framing: network.Bare})
		if err != nil {
			return 0, err
		}
		var last model.Time
		k.Records.Subscribe(model.KindSet(model.Delivered), func(r *model.Record) { last = r.At })
		for h := range n {
			net.Send(network.NodeID(h), network.NodeID(n), bytes, 7, 0)
		}
		err = k.Run(model.Time(model.Second), sim.Budget{})
		transmission := link.Rate.Transmission(bytes)
		return float64(last.Sub(0)-2*transmission) / float64(model.Nanosecond), err
	}
}

// secondHop returns the largest wait of Poisson packets of one size at the second
// of two hops of equal rate.
func secondHop(lambda float64) estimate {
	return func(seed uint64, packets int, _ float64) (float64, error) {
		k := sim.New(seed)
		link := network.LinkConfig{Rate: portRate}
		net, err := network.New(k, network.Config{Topology: network.Star(2, link), Framing: network.Bare})
		if err != nil {
			return 0, err
		}
		reached := make(map[uint64]model.Time) // when a packet reached the switch
		var most model.Duration
		k.Records.Subscribe(model.KindSet(model.Hopped, model.Delivered), func(r *model.Record) {
			if r.Kind == model.Hopped {
				reached[r.Packet] = r.At
				return
			}
			most = max(most, r.At.Sub(reached[r.Packet])-unit)
			delete(reached, r.Packet)
		})
		s := &source{n: net, class: poisson(lambda, deterministic(1)), left: packets, gaps: k.Stream("gaps"), service: k.Stream("service")}
		s.timer = k.NewTimer(s, 0)
		k.Arm(s.timer, 0)
		err = k.Run(model.Time(units(float64(packets)/lambda*1.2)), sim.Budget{})
		return inUnits(most), err
	}
}

// periodicSources averages f over the packets of n sources, each with a packet
// every period units at a random phase, that share one output port of a switch. A
// round of such a queue repeats itself after two periods: each round draws new
// phases, counts the third period, and lets the queue run empty.
func periodicSources(n, period int, f func(customer, float64) (float64, bool)) estimate {
	return func(seed uint64, packets int, exact float64) (float64, error) {
		k := sim.New(seed)
		net, err := network.New(k, network.Config{
			Topology: network.Star(n+1, network.LinkConfig{Rate: portRate}), Framing: network.Bare,
		})
		if err != nil {
			return 0, err
		}
		var from, to model.Time // the period that counts, at the switch
		var sum, count float64
		k.Records.Subscribe(model.KindSet(model.Delivered), func(r *model.Record) {
			reached := r.SentAt.Add(unit)
			if reached < from || reached >= to {
				return
			}
			v, _ := f(customer{arrived: reached, wait: r.At.Sub(reached) - unit}, exact)
			sum += v
			count++
		})
		phases := k.Stream("phases")
		sources := make([]*periodicSource, n)
		for h := range sources {
			sources[h] = &periodicSource{n: net, to: network.NodeID(n), period: units(float64(period))}
			sources[h].timer = k.NewTimer(sources[h], uint32(h))
		}
		rounds := max(1, packets/n)
		for range rounds {
			start := k.Now()
			for _, s := range sources {
				s.left = 3
				k.Arm(s.timer, start.Add(model.Duration(phases.IntN(int(s.period)))))
			}
			p := units(float64(period))
			from, to = start.Add(unit+2*p), start.Add(unit+3*p)
			if err := k.Run(start.Add(3*p+units(float64(n+2))), sim.Budget{}); err != nil {
				return 0, err
			}
		}
		return sum / count, nil
	}
}

// periodicSource sends left packets of one unit, one each period.
type periodicSource struct {
	n      *network.Network
	timer  sim.Timer
	to     network.NodeID
	period model.Duration
	left   int
}

// Fire sends a packet.
func (s *periodicSource) Fire(host uint32) {
	s.n.Send(network.NodeID(host), s.to, unitBytes, 7, 0)
	if s.left--; s.left > 0 {
		s.n.Kernel().Arm(s.timer, s.n.Kernel().Now().Add(s.period))
	}
}

// The rest are bare queues: recursions over mechanisms that the network does not
// have, on the random streams of the simulator.

// exponentialUnits draws an exponential variate of mean 1 in units.
func exponentialUnits(s *sim.Stream) float64 { return -model.Log(s.Float64()) }

// resampledTandem estimates the tail of the time through two M/M/1 queues in a row,
// where a packet draws a new service time at the second (Lindley's recursion at
// each).
func resampledTandem(lambda float64) estimate {
	return func(seed uint64, packets int, exact float64) (float64, error) {
		gaps, first, second := sim.NewStream(seed, "gaps"), sim.NewStream(seed, "first"), sim.NewStream(seed, "second")
		var arrival, free1, free2, tail, n float64
		for i := range packets {
			arrival += exponentialUnits(gaps) / lambda
			free1 = max(free1, arrival) + exponentialUnits(first)
			free2 = max(free2, free1) + exponentialUnits(second)
			if i >= int(warmUp*float64(packets)) {
				tail += indicator(free2-arrival > exact)
				n++
			}
		}
		return tail / n, nil
	}
}

// slottedSwitch estimates the mean wait, in slots, at an output of an n x n
// output-queued switch whose inputs each bring a packet for it with probability
// load/n in a slot; packets of one slot are queued in random order and the first
// of an idle output leaves at once.
func slottedSwitch(n int, load float64) estimate {
	return func(seed uint64, slots int, _ float64) (float64, error) {
		s := sim.NewStream(seed, "arrivals")
		var backlog, sum, count float64
		for range slots {
			arrivals := 0
			for range n {
				if s.Chance(load / float64(n)) {
					arrivals++
				}
			}
			for a := range arrivals {
				sum += backlog + float64(a)
				count++
			}
			backlog = max(0, backlog+float64(arrivals)-1)
		}
		return sum / count, nil
	}
}

// slottedQueue estimates the mean wait, in slots, of a Geo/D/1 queue: an arrival
// with probability p in each slot, service of d slots.
func slottedQueue(p float64, d int) estimate {
	return func(seed uint64, slots int, _ float64) (float64, error) {
		s := sim.NewStream(seed, "arrivals")
		work := 0
		var sum, count float64
		for range slots {
			if s.Chance(p) {
				sum += float64(work)
				count++
				work += d
			}
			work = max(0, work-1)
		}
		return sum / count, nil
	}
}

// headOfLine estimates the throughput of a port of a saturated n x n switch with
// one first-in-first-out queue at each input (Karol, Hluchyj and Morgan 1987).
func headOfLine(n int) estimate {
	return func(seed uint64, slots int, _ float64) (float64, error) {
		s := sim.NewStream(seed, "destinations")
		head := make([]int, n) // the output that each input's first packet wants
		for i := range head {
			head[i] = s.IntN(n)
		}
		served := 0
		wanting := make([]int, 0, n)
		for range slots {
			for output := range n {
				wanting = wanting[:0]
				for i, want := range head {
					if want == output {
						wanting = append(wanting, i)
					}
				}
				if len(wanting) > 0 {
					head[wanting[s.IntN(len(wanting))]] = n + s.IntN(n) // served; the next takes part from the next slot
					served++
				}
			}
			for i := range head {
				head[i] %= n
			}
		}
		return float64(served) / float64(slots) / float64(n), nil
	}
}

// tokenBucket estimates the probability that a Poisson packet is delayed by a
// token bucket of the given depth that fills by one token in a unit, each packet
// taking one.
func tokenBucket(lambda, depth float64) estimate {
	return func(seed uint64, packets int, _ float64) (float64, error) {
		gaps := sim.NewStream(seed, "gaps")
		tokens := depth // below zero: packets wait for that many
		var delayed, n float64
		for i := range packets {
			tokens = min(depth, tokens+exponentialUnits(gaps)/lambda)
			if i >= int(warmUp*float64(packets)) {
				delayed += indicator(tokens < 1)
				n++
			}
			tokens--
		}
		return delayed / n, nil
	}
}

// rateLatency returns the worst delay, in microseconds, of a flow with burst b
// bytes and rate r b/s through a server that offers rate R b/s after latency T s:
// the greedy flow, followed bit by bit through its busy period.
func rateLatency(b, r, R, T float64) estimate {
	return func(uint64, int, float64) (float64, error) {
		worst := 0.0
		for t := 0.0; t <= 10*T; t += T / 1000 {
			arrived := b*8 + r*t
			worst = max(worst, T+arrived/R-t)
		}
		return math.Round(worst*1e12) / 1e6, nil
	}
}

// splitting estimates the probability that an M/M/1 queue with one customer reaches
// k before it empties, by fixed-effort multilevel splitting: each level is entered
// by the same number of walks (Garvels and Kroese 1998). The embedded walk goes up
// with probability lambda/(1+lambda).
func splitting(lambda float64, k int) estimate {
	return func(seed uint64, effort int, _ float64) (float64, error) {
		s := sim.NewStream(seed, "walk")
		p, up := 1.0, lambda/(1+lambda)
		effort = max(100, effort/100)
		for level := 1; level < k; level++ {
			hits := 0
			for range effort {
				x := level
				for x > 0 && x <= level {
					if s.Chance(up) {
						x++
					} else {
						x--
					}
				}
				if x > level {
					hits++
				}
			}
			p *= float64(hits) / float64(effort)
		}
		return p, nil
	}
}
