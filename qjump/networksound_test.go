package qjump_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"suspect/model"
	"suspect/network"
	"suspect/qjump"
	"suspect/qjump/adversary"
	"suspect/sim"
)

// play is a random network with classes and frames, and a schedule for it.
type play struct {
	network.Topology
	net   qjump.Network
	sends []labelled
}

// labelled is a send whose label decides its way among equal ones.
type labelled struct {
	send
	label uint32
}

// randomTopology draws a star, a tree, a leaf-spine, a fat tree, or a connected graph, with
// links alike or not.
func randomTopology(r *sim.Stream) network.Topology {
	pick := func(values ...int) int { return values[r.IntN(len(values))] }
	core := link
	if pick(0, 0, 1) == 1 {
		core.Rate = 4 * rate
	}
	var t network.Topology
	switch pick(0, 0, 1, 1, 2, 2, 3, 4, 4) {
	case 0:
		t = network.Star(2+r.IntN(9), link)
	case 1:
		t = network.LeafSpine(2+r.IntN(2), 1, 1+r.IntN(4), link, core)
	case 2:
		t = network.LeafSpine(2+r.IntN(2), 2+r.IntN(2), 1+r.IntN(4), link, core)
	case 3:
		t = network.FatTree(pick(2, 4), link, core)
	case 4:
		switches := 2 + r.IntN(6)
		t.Hosts = 2 + r.IntN(8)
		for h := range t.Hosts {
			t.Names = append(t.Names, fmt.Sprint("h", h))
			s := network.NodeID(t.Hosts + r.IntN(switches))
			t.Links = append(t.Links, network.Link{A: network.NodeID(h), B: s, AtoB: link, BtoA: link})
		}
		linked := map[[2]int]bool{}
		for s := range switches {
			t.Names = append(t.Names, fmt.Sprint("s", s))
			for range 1 + r.IntN(2) {
				if s > 0 {
					if other := r.IntN(s); !linked[[2]int{other, s}] {
						linked[[2]int{other, s}] = true
						t.Links = append(t.Links, network.Link{A: network.NodeID(t.Hosts + other), B: network.NodeID(t.Hosts + s), AtoB: core, BtoA: core})
					}
				}
			}
		}
	}
	if pick(0, 0, 1) == 1 {
		for i := range t.Links {
			for _, c := range []*network.LinkConfig{&t.Links[i].AtoB, &t.Links[i].BtoA} {
				c.Rate = network.BitRate(pick(1, 1, 2, 4, 7)) * rate
				c.Delay = model.Duration(pick(0, 0, 100, 333, 1000)) * octet
				if pick(0, 0, 0, 0, 1) == 1 {
					c.Jitter = sim.Distribution{Kind: sim.Uniform, Low: 10 * octet, High: 400 * octet}
				}
			}
		}
	}
	return t
}

func newPlay(t testing.TB, seed uint64) *play {
	r := sim.NewStream(seed, "play")
	pick := func(values ...int) int { return values[r.IntN(len(values))] }
	x := &play{Topology: randomTopology(r)}
	x.net.Topology = &x.Topology
	n := x.Hosts
	hosts := func() []network.NodeID {
		if pick(0, 1) == 1 {
			return hostsOf(n)
		}
		var some []network.NodeID
		for h := range n {
			if pick(0, 1) == 1 {
				some = append(some, network.NodeID(h))
			}
		}
		return some
	}
	frame := 0
	horizon := model.Time(0)
	if pick(0, 1) == 1 {
		frame = pick(64, 300, 1518)
		x.net.Frames = []qjump.Demand{{From: hosts(), Bytes: int32(frame)}}
	}
	levels := 1 + r.IntN(3)
	meet := model.Time(r.IntN(100_000_000))
	for i := range levels {
		c := qjump.NetworkClass{
			Priority: model.Priority(7 - i), Kind: qjump.LimiterKind(r.IntN(3)), Budget: int64(pick(1, 1, 1, 2, 3)), Packet: int32(pick(64, 100, 256)),
		}
		perHost := pick(1, 1, 1, 2)
		c.Epoch = model.Duration(int(c.Budget)*pick(n, 2*n, 2*n+3)*int(c.Packet)*levels*perHost) * octet
		if pick(0, 0, 0, 1) == 1 {
			c.Smallest = c.Packet / 2
		}
		for range n {
			c.Limiters = append(c.Limiters, int64(1+r.IntN(perHost)))
		}
		for range 1 + r.IntN(2) {
			d := qjump.Demand{From: hosts(), To: hosts()}
			if pick(0, 1) == 1 {
				d.To = []network.NodeID{network.NodeID(r.IntN(n))}
			}
			if d.To != nil {
				c.Demands = append(c.Demands, d)
			}
		}
		x.net.Classes = append(x.net.Classes, c)
		horizon = max(horizon, meet+model.Time(4*c.Epoch))
		together := model.Time(r.IntN(int(c.Epoch)))
		if pick(0, 1) == 1 {
			together = meet
		}
		for h := range n {
			var to []network.NodeID
			for _, d := range c.Demands {
				if slices.Contains(d.From, network.NodeID(h)) {
					for _, y := range d.To {
						if y != network.NodeID(h) {
							to = append(to, y)
						}
					}
				}
			}
			if len(to) == 0 {
				continue
			}
			for range c.Limiters[h] {
				config := qjump.LimiterConfig{Kind: c.Kind, Epoch: c.Epoch, Budget: qjump.Budget{Packets: c.Budget}, Phase: model.Duration(r.IntN(int(c.Epoch)))}
				now := model.Time(r.IntN(int(c.Epoch)))
				if pick(0, 1, 1) == 1 {
					now = together
					config.Phase = model.Duration(together)
				}
				l, err := qjump.NewLimiter(config)
				if err != nil {
					t.Fatal(err)
				}
				favourite := to[r.IntN(len(to))]
				for now < horizon {
					size := c.Packet
					if c.Smallest > 0 && pick(0, 1) == 1 {
						size = c.Smallest
					}
					if at, ok := l.Admit(now, size); ok {
						now = max(now, at)
						if pick(0, 0, 1) == 1 {
							favourite = to[r.IntN(len(to))]
						}
						x.sends = append(x.sends, labelled{send{at, network.NodeID(h), favourite, size, c.Priority}, uint32(r.IntN(4))})
					}
					switch pick(0, 0, 0, 1, 2) {
					case 1:
						now += model.Time(c.Epoch) - model.Time(r.IntN(2))
					case 2:
						now += model.Time(r.IntN(int(c.Epoch)))
					}
				}
			}
		}
	}
	for _, d := range x.net.Frames {
		for _, h := range d.From {
			// Some begin just before the packets.
			for now := meet - model.Time(r.IntN(2)); now < horizon; now += model.Time(r.IntN(4_000_000)) {
				if to := network.NodeID(r.IntN(n)); to != h {
					x.sends = append(x.sends, labelled{send{now, h, to, d.Bytes, 0}, uint32(r.IntN(4))})
				}
			}
		}
	}
	return x
}

// Fire sends what is due.
func (x *player) Fire(uint32) {
	now := x.n.Kernel().Now()
	for ; x.next < len(x.sends) && x.sends[x.next].at == now; x.next++ {
		s := &x.sends[x.next]
		x.n.Send(s.from, s.to, s.bytes, s.priority, s.label)
	}
	if x.next < len(x.sends) {
		x.n.Kernel().Arm(x.timer, x.sends[x.next].at)
	}
}

type player struct {
	*play
	n     *network.Network
	timer sim.Timer
	next  int
}

// check runs the play and compares what it sees with the bounds: each delay with
// that of its pair, that at each port with the port's, and what waits at each port whenever
// a packet comes to a switch. It returns what is not within them, and the largest ratio of a delay to its bound.
func (x *play) check(t testing.TB, bounds []qjump.NetworkBounds) (wrong string, closest float64) {
	if len(x.sends) == 0 {
		return "", 0
	}
	slices.SortStableFunc(x.sends, func(a, b labelled) int { return int(a.at - b.at) })
	k := sim.New(1)
	n, err := network.New(k, network.Config{Topology: x.Topology, Framing: network.Bare})
	if err != nil {
		t.Fatal(err)
	}
	p := &player{play: x, n: n}
	p.timer = k.NewTimer(p, 0)
	k.Arm(p.timer, x.sends[0].at)
	delivered := 0
	hops := make(map[uint64]int)
	since := make(map[uint64]model.Time) // when a packet came to the port where it is
	// leaves compares how long a packet was at the port of link l, which it left to come at the
	// link's end now.
	leaves := func(r *model.Record, l network.LinkID) {
		i := 7 - int(r.Priority)
		if i >= len(bounds) {
			return
		}
		c := x.Links[l/2].AtoB
		if l%2 == 1 {
			c = x.Links[l/2].BtoA
		}
		d := r.At.Sub(since[uint64(r.Packet)]) - c.Delay
		if c.Jitter.Kind == sim.Uniform {
			d -= c.Jitter.High
		}
		for _, b := range bounds[i].Ports {
			if b.Link == l && d > b.Delay && wrong == "" {
				from, to := x.Ends(l)
				wrong = fmt.Sprintf("priority %d at %s-%s: %v, bound %+v", r.Priority, x.Names[from], x.Names[to], d, b)
			}
		}
	}
	k.Records.Subscribe(model.KindSet(model.Sent, model.Hopped, model.Delivered), func(r *model.Record) {
		if r.Kind == model.Delivered {
			leaves(r, downlink(&x.Topology, network.NodeID(r.Process)))
		}
		if r.Kind != model.Delivered {
			if r.Kind == model.Hopped {
				leaves(r, network.LinkID(r.Place))
				hops[uint64(r.Packet)]++
				if i := 7 - int(r.Priority); i < len(bounds) && !slices.ContainsFunc(bounds[i].Ports, func(b qjump.PortBound) bool { return int64(b.Link) == int64(r.Place) }) {
					wrong = fmt.Sprintf("priority %d is not expected on link %d", r.Priority, r.Place)
				}
			}
			since[uint64(r.Packet)] = r.At
			for i := range bounds {
				for _, b := range bounds[i].Ports {
					packets, bytes := n.Backlog(b.Link, model.Priority(7-i))
					if (int64(packets) > b.Packets || bytes > b.Backlog) && wrong == "" {
						from, to := x.Ends(b.Link)
						wrong = fmt.Sprintf("priority %d at %s-%s: %d packets, %d bytes wait, bound %+v", 7-i, x.Names[from], x.Names[to], packets, bytes, b)
					}
				}
			}
			return
		}
		delivered++
		i := 7 - int(r.Priority)
		if i >= len(bounds) {
			return
		}
		d := r.At.Sub(r.SentAt)
		from, to := x.Names[r.Peer], x.Names[r.Process]
		line := slices.IndexFunc(bounds[i].Flows, func(f qjump.FlowBound) bool { return f.Has(network.NodeID(r.Peer), network.NodeID(r.Process)) })
		if line < 0 {
			wrong = fmt.Sprintf("priority %d: no bound from %s to %s", r.Priority, from, to)
			return
		}
		f := &bounds[i].Flows[line]
		closest = max(closest, float64(d)/float64(f.Delay))
		if d > f.Delay && wrong == "" || f.Switches != hops[uint64(r.Packet)] {
			wrong = fmt.Sprintf("priority %d from %s to %s over %d switches: %v, bound %v over %d, %v", r.Priority, from, to, hops[uint64(r.Packet)], d, f.Delay, f.Switches, f.Steps)
		}
	})
	if err := k.Run(x.sends[len(x.sends)-1].at.Add(model.Second), sim.Budget{}); err != nil || delivered != len(x.sends) {
		t.Fatalf("%d of %d packets arrived, %v", delivered, len(x.sends), err)
	}
	return wrong, closest
}

// downlink returns the link to a host.
func downlink(t *network.Topology, h network.NodeID) network.LinkID {
	for l := range network.LinkID(2 * len(t.Links)) {
		if _, to := t.Ends(l); to == h {
			return l
		}
	}
	return -1
}

// shrunk leaves out what it can of a schedule that beats the bounds, which limiters allow all the
// same, and writes what is left.
func (x *play) shrunk(t testing.TB, bounds []qjump.NetworkBounds) string {
	least := *x
	for size := len(x.sends); size > 0; size /= 2 {
		for i := 0; i < len(least.sends); {
			less := least
			less.sends = slices.Delete(slices.Clone(least.sends), i, min(i+size, len(least.sends)))
			if wrong, _ := less.check(t, bounds); wrong != "" {
				least = less
			} else {
				i += size
			}
		}
	}
	wrong, _ := least.check(t, bounds)
	lines := []string{wrong}
	for _, s := range least.sends {
		lines = append(lines, fmt.Sprintf("%v: %s to %s, %d bytes, priority %d", model.Duration(s.at), x.Names[s.from], x.Names[s.to], s.bytes, s.priority))
	}
	for i := range least.Links {
		l := &least.Links[i]
		lines = append(lines, fmt.Sprintf("%s-%s: %d and %d b/s, %v and %v", x.Names[l.A], x.Names[l.B], l.AtoB.Rate, l.BtoA.Rate, l.AtoB.Delay, l.BtoA.Delay))
	}
	return strings.Join(lines, "\n")
}

// A bound that is one packet too small ends at the packets that beat it, and no more.
func TestShrinksToAReadableCase(t *testing.T) {
	x := &play{Topology: network.Star(6, link)}
	c := allToAll(6, 100, 2)
	x.net = qjump.Network{Topology: &x.Topology, Classes: []qjump.NetworkClass{c}}
	for h := 1; h < 6; h++ {
		for k := range 20 {
			x.sends = append(x.sends, labelled{send{model.Time(k) * model.Time(c.Epoch), network.NodeID(h), network.NodeID(h * k % 2), 100, 7}, 0})
		}
	}
	x.sends = slices.DeleteFunc(x.sends, func(s labelled) bool { return s.from == s.to })
	bounds := networkBounds(t, x.net)
	if wrong, _ := x.check(t, bounds); wrong != "" {
		t.Error(wrong)
	}
	bounds[0].Flows[0].Delay = 5 * 100 * octet
	lines := strings.Split(x.shrunk(t, bounds), "\n")
	want := regexp.MustCompile(`^priority 7 from h5 to h0 over 1 switches: 480ns, bound 400ns .*(\n.*s: h[1-5] to h0, 100 bytes, priority 7){5}(\nh[0-5]-s0: .*){6}$`)
	if got := strings.Join(lines, "\n"); !want.MatchString(got) {
		t.Error(got)
	}
}

// No packet of a random network is later than its bound, and no port holds more.
func TestNoPacketBeatsItsNetworkBound(t *testing.T) {
	parameters := gopter.DefaultTestParametersWithSeed(1)
	parameters.MinSuccessfulTests = 1000
	properties := gopter.NewProperties(parameters)
	bounded, trials, near := 0, 0, 0
	properties.Property("observed <= proved", prop.ForAll(func(seed uint64) string {
		x := newPlay(t, seed)
		trials++
		bounds, err := x.net.Bounds()
		if err != nil && len(bounds) == 0 && !strings.Contains(err.Error(), "there is no bound") {
			return err.Error()
		}
		bounded += len(bounds)
		for i := range bounds {
			longest := model.Duration(0)
			for k := range bounds[i].Flows {
				f := &bounds[i].Flows[k]
				if wrong := sums(f); wrong != "" {
					return wrong
				}
				longest = max(longest, f.Epsilon)
			}
			if d, err := x.net.Propagation(i); err != nil || d != longest {
				return fmt.Sprintf("propagation %v (%v), of flows %v", d, err, longest)
			}
		}
		wrong, closest := x.check(t, bounds)
		if closest > 0.9 {
			near++
		}
		if wrong != "" {
			return x.shrunk(t, bounds)
		}
		return ""
	}, gen.UInt64()))
	properties.TestingRun(t)
	t.Logf("%d bounds in %d trials, %d within a tenth", bounded, trials, near)
	if bounded < trials || near < trials/10 {
		t.Errorf("%d bounds in %d trials, %d within a tenth: too few to tell", bounded, trials, near)
	}
}

// spacedPlay is a tree or a two-level network with one link rate and one class, where the theorem
// of route interference and the bound that pays for each packet once are used. Epochs have
// just room for all, or twice that. Hosts send as soon as they may, or when others do.
func spacedPlay(t testing.TB, seed uint64) *play {
	r := sim.NewStream(seed, "spaced")
	x := &play{}
	leaves, m, epochs := 2+r.IntN(3), 1+r.IntN(4), 1+r.IntN(2)
	x.Topology = network.LeafSpine(leaves, 1+r.IntN(3), m, link, link)
	n := leaves * m
	c := allToAll(n, 100, epochs)
	budget := 1 + r.IntN(2)
	c.Budget, c.Epoch = int64(budget), c.Epoch*model.Duration(budget)
	x.net = qjump.Network{Topology: &x.Topology, Classes: []qjump.NetworkClass{c}}
	packet := model.Time(100 * octet)
	for h := range n {
		at := packet * model.Time(r.IntN(2)*r.IntN(n+1))
		for range 6 {
			for range budget {
				to := network.NodeID(r.IntN(n))
				if r.IntN(3) > 0 {
					to = 0
				}
				if to != network.NodeID(h) {
					x.sends = append(x.sends, labelled{send{at, network.NodeID(h), to, 100, 7}, uint32(r.IntN(4))})
				}
			}
			at += model.Time(c.Epoch) + packet*model.Time(r.IntN(2)*r.IntN(2)*r.IntN(n+1))
		}
	}
	return x
}

func TestNoPacketBeatsWhatPaysOnce(t *testing.T) {
	parameters := gopter.DefaultTestParametersWithSeed(1)
	parameters.MinSuccessfulTests = 1000
	properties := gopter.NewProperties(parameters)
	used, near := 0, 0
	properties.Property("observed <= proved", prop.ForAll(func(seed uint64) string {
		x := spacedPlay(t, seed)
		bounds := networkBounds(t, x.net)
		wrong, closest := x.check(t, bounds)
		if bounds[0].Flows[0].Met > 0 {
			used++
		}
		if closest > 0.7 {
			near++
		}
		if wrong != "" {
			return x.shrunk(t, bounds)
		}
		return ""
	}, gen.UInt64()))
	properties.TestingRun(t)
	if used < 150 || near < 100 {
		t.Errorf("used %d times, %d times within 0.7: too few to tell", used, near)
	}
}

// The adversary, which looks for bad schedules, beats no bound of a network either.
func TestNoAdversaryBeatsItsNetworkBound(t *testing.T) {
	parameters := gopter.DefaultTestParametersWithSeed(1)
	parameters.MinSuccessfulTests = 400
	properties := gopter.NewProperties(parameters)
	bounded, near := 0, 0
	properties.Property("found <= proved", prop.ForAll(func(seed uint64) string {
		r := sim.NewStream(seed, "adversary")
		pick := func(values ...int) int { return values[r.IntN(len(values))] }
		top := randomTopology(r)
		for i := range top.Links {
			for _, c := range []*network.LinkConfig{&top.Links[i].AtoB, &top.Links[i].BtoA} {
				c.Jitter = sim.Distribution{}
			}
		}
		p := adversary.Problem{Topology: top, Framing: network.Bare}
		n := qjump.Network{Topology: &top}
		if pick(0, 1) == 1 {
			p.Frame, p.Frames = int32(pick(64, 300, 1518)), 1+r.IntN(2)
			n.Frames = []qjump.Demand{{From: hostsOf(top.Hosts), Bytes: p.Frame}}
		}
		for i := range 1 + r.IntN(2) {
			budget := pick(1, 1, 2)
			c := adversary.Class{Priority: model.Priority(7 - i), Payload: int32(pick(64, 100, 256)), Packets: budget + 1 + r.IntN(2)}
			c.Limiter = qjump.LimiterConfig{
				Kind: qjump.LimiterKind(r.IntN(3)), Budget: qjump.Budget{Packets: int64(budget)},
				Epoch: model.Duration(budget*pick(top.Hosts, 2*top.Hosts, 2*top.Hosts+3)*int(c.Payload)*(1+i)) * octet,
			}
			for h := 1; h < top.Hosts; h++ {
				c.Senders = append(c.Senders, network.NodeID(h))
			}
			p.Classes = append(p.Classes, c)
			n.Classes = append(n.Classes, qjump.NetworkClass{
				Priority: c.Priority, Kind: c.Limiter.Kind, Epoch: c.Limiter.Epoch, Budget: int64(budget), Packet: c.Payload,
				Demands: []qjump.Demand{{From: c.Senders, To: hostsOf(1)}},
			})
		}
		bounds, err := n.Bounds()
		if err != nil {
			return ""
		}
		best, err := adversary.Search(p, adversary.Options{Seed: seed, Evaluations: 150})
		if err != nil {
			return err.Error()
		}
		worst := bounds[len(bounds)-1].Flows[0]
		bounded++
		if float64(best.Delay) >= 0.9*float64(worst.Delay) {
			near++
		}
		if best.Delay > worst.Delay {
			return fmt.Sprintf("found %v, proved %v by %v\n%+v", best.Delay, worst.Delay, worst.Steps, p)
		}
		return ""
	}, gen.UInt64()))
	properties.TestingRun(t)
	t.Logf("%d of %d within a tenth of the bound", near, bounded)
	if bounded < 300 || near < bounded/6 {
		t.Errorf("%d networks with a bound, within a tenth of it in %d: too few to tell", bounded, near)
	}
}

// The bound grows with hosts, packets and frames, and falls with the rate of the links, where
// the epoch stays.
func TestNetworkBoundIsMonotone(t *testing.T) {
	properties := gopter.NewProperties(gopter.DefaultTestParametersWithSeed(1))
	properties.Property("monotone", prop.ForAll(
		func(kind, f, m, packet, frame, spines, faster, more int) string {
			bounds := func(m, packet, frame int, slower network.BitRate) ([]qjump.NetworkBounds, error) {
				edge := network.LinkConfig{Rate: rate / slower}
				core := network.LinkConfig{Rate: edge.Rate * network.BitRate(faster)}
				top := network.LeafSpine(3, spines, m, edge, core)
				if spines == 0 {
					top = network.Star(3*m, edge)
				}
				n := qjump.Network{Topology: &top}
				for i := range 2 {
					n.Classes = append(n.Classes, qjump.NetworkClass{
						Priority: model.Priority(7 - i), Kind: qjump.LimiterKind(kind), Budget: int64(f), Packet: int32(packet),
						Epoch: 400_000 * octet * model.Duration(1+i), Demands: []qjump.Demand{{From: hostsOf(3 * m)}},
					})
				}
				if frame > 0 {
					n.Frames = []qjump.Demand{{From: hostsOf(3 * m), Bytes: int32(frame)}}
				}
				return n.Bounds()
			}
			less, err := bounds(m, packet, frame, 1)
			if err != nil {
				return ""
			}
			for what, change := range map[string]func() ([]qjump.NetworkBounds, error){
				"n": func() ([]qjump.NetworkBounds, error) { return bounds(m+1, packet, frame, 1) },
				"P": func() ([]qjump.NetworkBounds, error) { return bounds(m, packet+more, frame, 1) },
				"L": func() ([]qjump.NetworkBounds, error) { return bounds(m, packet, frame+more, 1) },
				"R": func() ([]qjump.NetworkBounds, error) { return bounds(m, packet, frame, 2) },
			} {
				greater, _ := change()
				for i := range greater {
					if greater[i].Flows[0].Delay < less[i].Flows[0].Delay {
						return fmt.Sprintf("more of %s: class %d from %v to %v", what, i+1, less[i].Flows[0], greater[i].Flows[0])
					}
				}
			}
			return ""
		},
		gen.IntRange(0, 2), gen.IntRange(1, 4), gen.IntRange(1, 12), gen.IntRange(1, 1500), gen.OneConstOf(0, 64, 1518, 9018),
		gen.IntRange(0, 3), gen.OneConstOf(1, 1, 4), gen.IntRange(1, 300)))
	properties.TestingRun(t)
}

// Whatever the numbers, there is a bound that a time can hold, or a refusal, soon.
func TestNetworkExtremes(t *testing.T) {
	properties := gopter.NewProperties(gopter.DefaultTestParametersWithSeed(1))
	properties.Property("bound or refusal", prop.ForAll(
		func(seed, epoch, budget uint64, packet int32, mbps int64, delay uint64) string {
			r := sim.NewStream(seed, "extremes")
			top := randomTopology(r)
			shift := func(x uint64, bits int) int64 { return int64(x >> (2 + r.IntN(bits))) }
			for i := range top.Links {
				for _, c := range []*network.LinkConfig{&top.Links[i].AtoB, &top.Links[i].BtoA} {
					c.Rate = network.BitRate(1 + mbps>>r.IntN(40))
					c.Delay = model.Duration(shift(delay, 60))
				}
			}
			n := qjump.Network{Topology: &top, Frames: []qjump.Demand{{From: hostsOf(top.Hosts), Bytes: packet}}}
			for i := range 3 {
				n.Classes = append(n.Classes, qjump.NetworkClass{
					Priority: model.Priority(6 - i), Kind: qjump.LimiterKind(r.IntN(3)), Epoch: model.Duration(1 + shift(epoch, 50)), Budget: 1 + shift(budget, 61),
					Packet: 1 + packet>>r.IntN(31), Drift: int64(r.IntN(1000)), Demands: []qjump.Demand{{From: hostsOf(top.Hosts)}},
				})
			}
			bounds, err := n.Bounds()
			if err != nil && !strings.Contains(err.Error(), "there is no bound") && !strings.Contains(err.Error(), "an epoch of") {
				return err.Error()
			}
			for _, b := range bounds {
				for _, f := range b.Flows {
					if wrong := sums(&f); wrong != "" {
						return wrong
					}
					if f.Delay <= 0 || f.Delay >= model.Duration(model.MaxTime) || f.Delay < f.Epsilon {
						return fmt.Sprintf("%+v", f)
					}
				}
			}
			return ""
		},
		gen.UInt64(), gen.UInt64(), gen.UInt64(), gen.Int32Range(0, 1<<30), gen.Int64Range(0, int64(network.MaxRate)-1), gen.UInt64()))
	properties.TestingRun(t)
}
