package calculus

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// A slotted is a network of servers in slots of one time unit and packets of one
// unit of data. A server that gets something to do rests for its latency, then sends as
// many packets a slot as its rate; they are at the next server when the slot ends.
// That is a strict service curve of the same rate and one slot more latency.
type slotted struct {
	rate, latency []int
	path          [][]int // of a flow
	burst         []int
	period        []int // of a flow: it may send burst + t/period packets in any time t
	// order says which of two packets at a server goes first. nil is the order of arrival.
	order func(server int, a, b packet) bool
}

type packet struct {
	flow, sent, arrived, hop int
}

// analysed returns the network that the calculus is to bound.
func (s slotted) analysed(t testing.TB) Network {
	var n Network
	for v := range s.rate {
		n.Servers = append(n.Servers, Server{Name: fmt.Sprint("s", v), Service: rateLatency(t, fmt.Sprint(s.rate[v]), fmt.Sprint(s.latency[v]+1)),
			Capacity: whole(s.rate[v])})
	}
	for f, path := range s.path {
		curve, err := NewArrival(Bucket{Rate: big.NewRat(1, int64(s.period[f])), Burst: whole(s.burst[f])})
		if err != nil {
			t.Fatal(err)
		}
		flow := Flow{Name: fmt.Sprint("f", f), Arrival: curve}
		for _, v := range path {
			flow.Path = append(flow.Path, fmt.Sprint("s", v))
		}
		n.Flows = append(n.Flows, flow)
	}
	return n
}

// run lets flow f send at the times wanted, as far as its bucket allows, and returns
// the longest delay of every flow.
func (s slotted) run(slots int, wants func(f, t int) bool) []int {
	worst := make([]int, len(s.path))
	queue := make([][]packet, len(s.rate))
	rest := slices.Repeat([]int{-1}, len(s.rate)) // slots to rest, or -1 if there is nothing to do
	tokens := make([]int, len(s.path))            // in parts of 1/period
	for f := range tokens {
		tokens[f] = s.burst[f] * s.period[f]
	}
	var moving []packet
	for t := range slots {
		var next []packet
		for _, p := range moving { // the slot before has ended
			if p.hop == len(s.path[p.flow]) {
				worst[p.flow] = max(worst[p.flow], t-p.sent)
			} else {
				next = append(next, p)
			}
		}
		moving = moving[:0]
		for f := range s.path {
			if t > 0 {
				tokens[f] = min(tokens[f]+1, s.burst[f]*s.period[f])
			}
			for wants(f, t) && tokens[f] >= s.period[f] {
				tokens[f] -= s.period[f]
				next = append(next, packet{flow: f, sent: t})
			}
		}
		for _, p := range next {
			p.arrived = t
			v := s.path[p.flow][p.hop]
			queue[v] = append(queue[v], p)
		}
		for v := range queue {
			switch {
			case len(queue[v]) == 0:
				rest[v] = -1
				continue
			case rest[v] < 0:
				rest[v] = s.latency[v]
			}
			if rest[v] > 0 {
				rest[v]--
				continue
			}
			if s.order != nil {
				slices.SortStableFunc(queue[v], func(a, b packet) int {
					switch {
					case a.flow == b.flow: // each flow stays in order
						return 0
					case s.order(v, a, b):
						return -1
					}
					return 1
				})
			}
			n := min(s.rate[v], len(queue[v]))
			for _, p := range queue[v][:n] {
				p.hop++
				moving = append(moving, p)
			}
			queue[v] = append([]packet(nil), queue[v][n:]...)
		}
	}
	return worst
}

// randomSlotted returns a network without cycles, loaded below its service.
func randomSlotted(rng *rand.Rand) slotted {
	var s slotted
	servers := 1 + rng.IntN(5)
	load := make([]float64, servers)
	for range servers {
		s.rate = append(s.rate, 1+rng.IntN(3))
		s.latency = append(s.latency, rng.IntN(4))
	}
	for range 2 + rng.IntN(4) {
		var path []int
		for v := range servers { // to greater numbers only
			if rng.IntN(2) == 0 {
				path = append(path, v)
			}
		}
		period := 2 + rng.IntN(6)
		fits := len(path) > 0
		for _, v := range path {
			fits = fits && load[v]+1/float64(period) <= float64(s.rate[v])
		}
		if fits {
			for _, v := range path {
				load[v] += 1 / float64(period)
			}
			s.path, s.period, s.burst = append(s.path, path), append(s.period, period), append(s.burst, 1+rng.IntN(8))
		}
	}
	return s
}

// No run of packets beats a proved bound: random networks, phases and orders of service.
func TestSimulationNeverBeatsBounds(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	closest := map[string]float64{}
	for round := range 400 {
		s := randomSlotted(rng)
		n := s.analysed(t)
		var bounds []Result
		cases := []analysisCase{{TFA, FIFO}, {SFACounting, FIFO}, {TFAShaped, FIFO}}
		blind := round%2 == 1
		if blind {
			cases = []analysisCase{{TFA, Blind}, {SFA, Blind}, {SFACounting, Blind}, {PMOO, Blind}, {TFAShaped, Blind}}
		}
		for _, c := range cases {
			m := n
			if c.a == TFAShaped {
				// What a slot moves arrives in one go: lines shape to the rate and a slot's packets.
				m.Packetizer, m.Flows = true, slices.Clone(n.Flows)
				for f := range m.Flows {
					m.Flows[f].MaxPacket = whole(3)
				}
			}
			bounds = append(bounds, analyse(t, m, c.a, c.m))
		}
		for range 4 {
			start, pause := make([]int, len(s.path)), make([]int, len(s.path))
			for f := range start {
				start[f], pause[f] = rng.IntN(30), rng.IntN(40)
			}
			if blind {
				rank := make([][]int, len(s.rate))
				for v := range rank {
					rank[v] = rng.Perm(len(s.path))
				}
				last := rng.IntN(len(s.path) + 1) // one flow may come last everywhere
				s.order = func(v int, a, b packet) bool {
					if a.flow == last || b.flow == last {
						return b.flow == last
					}
					return rank[v][a.flow] < rank[v][b.flow]
				}
			}
			worst := s.run(400, func(f, t int) bool {
				return t >= start[f] && (pause[f] == 0 || (t-start[f])/pause[f]%2 == 0)
			})
			for i, r := range bounds {
				for f, w := range worst {
					if b := r.Flows[f].Delay; Finite(whole(w)).Cmp(b) > 0 {
						t.Fatalf("round %d: %s under %s: flow %d takes %d, bound %v\n%+v", round, cases[i].a, cases[i].m, f, w, b, s)
					} else if !b.Infinite() {
						v, _ := b.Rat().Float64()
						name := fmt.Sprint(cases[i])
						closest[name] = max(closest[name], float64(w)/v)
					}
				}
			}
		}
	}
	t.Logf("greatest shares of the bounds: %v", closest)
	for name, share := range closest {
		if share < 0.5 {
			t.Errorf("%s: the simulation reached only %.2f of the bound: it is too tame to tell anything", name, share)
		}
	}
}

// Why SFA leaves the flow out only on shared lines. The cross flow goes from a server
// that it shares with the flow straight to the last one, the flow takes a detour that holds it
// up. The flow first holds up the cross flow, and meets it again when it has piled up. Had the
// cross flow at the last server been bounded as if the flow were nowhere, the bound would
// be beaten.
func TestAbsentFlowMattersOnOtherLines(t *testing.T) {
	const b = 200
	s := slotted{rate: []int{1, 1000, 1}, latency: []int{0, b - 1, 0},
		path: [][]int{{0, 1, 2}, {0, 2}}, burst: []int{b, 1}, period: []int{10000, 2}}
	s.order = func(server int, x, y packet) bool {
		if server == 0 {
			return x.flow == 0
		}
		return y.flow == 0
	}
	worst := s.run(2000, func(f, t int) bool { return f == 1 || t == 100 })[0]

	n := s.analysed(t)
	cross := n.Flows[1].Arrival
	first, detour, last := n.Servers[0].Service, n.Servers[1].Service, n.Servers[2].Service
	absent := LeftOverBlind(first, cross).Then(detour).Then(LeftOverBlind(last, Output(cross, first)))
	unsound := Delay(n.Flows[0].Arrival, absent)
	bound := analyse(t, n, SFA, Blind).Flows[0].Delay
	t.Logf("reached %d, with the flow absent everywhere %s, SFA %s", worst, unsound.Decimal(2), bound.Decimal(2))
	if Finite(whole(worst)).Cmp(bound) > 0 {
		t.Errorf("the packets take %d, SFA says %v", worst, bound)
	}
	if Finite(whole(worst)).Cmp(unsound) <= 0 {
		t.Errorf("the packets take %d and do not beat %v, so that this shows nothing", worst, unsound)
	}
}
