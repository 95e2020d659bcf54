package qjump_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"suspect/model"
	"suspect/network"
	"suspect/qjump"
	"suspect/sim"
)

// trial is a random network with classes on it.
type trial struct {
	topology network.Topology
	path     qjump.Path
	classes  []qjump.Class
	sends    []send
}

// newTrial draws hosts, levels, limiters, phases, packets and frames. Packets want
// to leave in bursts around the ends of epochs, where limiters are at their worst.
func newTrial(t testing.TB, seed uint64) trial {
	r := sim.NewStream(seed, "trial")
	pick := func(values ...int) int { return values[r.IntN(len(values))] }
	x := trial{path: qjump.Path{Switches: 1, Rate: rate, JoinsOnce: true}}
	n := 2 + r.IntN(9)
	switch leaves := pick(1, 1, 2, 3); {
	case leaves == 1:
		x.topology = network.Star(n, link)
	default:
		m, core := 2+r.IntN(3), link
		n = leaves * m
		x.path.Switches = 3
		if pick(0, 1) == 1 {
			core.Rate = 4 * rate
			x.path.Fastest, x.path.Slowdowns = core.Rate, 1
		}
		spines := pick(1, 2)
		x.path.JoinsOnce = spines == 1
		x.topology = network.LeafSpine(leaves, spines, m, link, core)
	}
	if pick(0, 1) == 1 {
		x.path.Frame = int32(pick(64, 300, 1518))
		x.path.HostFrame = x.path.Frame
	}
	levels := 1 + r.IntN(3)
	horizon := model.Time(0)
	for i := range levels {
		c := qjump.Class{
			Kind: qjump.LimiterKind(r.IntN(3)), Budget: int64(pick(1, 1, 1, 2, 3)), Packet: int32(pick(64, 100, 256)),
			Senders: max(n-1, 1),
		}
		c.Epoch = model.Duration(int(c.Budget)*pick(n, 2*n, 2*n+3)*int(c.Packet)*levels) * octet
		if pick(0, 0, 1) == 1 {
			c.Smallest = c.Packet / 2
			c.ByBytes = pick(0, 1) == 1
		}
		x.classes = append(x.classes, c)
		horizon = max(horizon, model.Time(4*c.Epoch))
		together := model.Time(r.IntN(int(c.Epoch)))
		for h := 1; h < n; h++ {
			config := limiterOf(c)
			if c.ByBytes {
				config.Budget = qjump.Budget{Bytes: c.Budget * int64(c.Packet)}
			}
			config.Phase = model.Duration(r.IntN(int(c.Epoch)))
			l, err := qjump.NewLimiter(config)
			if err != nil {
				t.Fatal(err)
			}
			now := model.Time(r.IntN(int(c.Epoch)))
			if pick(0, 1) == 1 {
				now = together
				config.Phase = model.Duration(together)
			}
			for now < horizon {
				size := c.Packet
				if c.Smallest > 0 && pick(0, 1) == 1 {
					size = c.Smallest
				}
				if at, ok := l.Admit(now, size); ok {
					now = max(now, at) // the next one wants to leave at once
					to := network.NodeID(0)
					if pick(0, 0, 0, 1) == 1 {
						to = network.NodeID(r.IntN(n))
					}
					if to != network.NodeID(h) {
						x.sends = append(x.sends, send{at, network.NodeID(h), to, size, model.Priority(7 - i)})
					}
				}
				switch pick(0, 0, 0, 1, 2) {
				case 1: // the last moment before the epoch ends, or its end
					now += model.Time(c.Epoch) - model.Time(r.IntN(2))
				case 2:
					now += model.Time(r.IntN(int(c.Epoch)))
				}
			}
		}
	}
	if x.path.Frame > 0 {
		for h := range n {
			for now := model.Time(r.IntN(1_000_000)); now < horizon; now += model.Time(r.IntN(4_000_000)) {
				if to := network.NodeID(r.IntN(n)); to != network.NodeID(h) {
					x.sends = append(x.sends, send{now, network.NodeID(h), to, x.path.Frame, 0})
				}
			}
		}
	}
	return x
}

// No packet of a random network is later than its bound, where there is one.
func TestNoPacketBeatsItsBound(t *testing.T) {
	parameters := gopter.DefaultTestParametersWithSeed(1)
	parameters.MinSuccessfulTests = 1500
	properties := gopter.NewProperties(parameters)
	bounded, trials, closest := 0, 0, 0.0
	properties.Property("observed <= proved", prop.ForAll(func(seed uint64) string {
		x := newTrial(t, seed)
		trials++
		if len(x.sends) == 0 {
			return ""
		}
		bounds, _ := x.path.Bounds(x.classes)
		delays := worst(t, x.topology, x.sends)
		for i, g := range bounds {
			bounded++
			got := delays[7-i]
			closest = max(closest, float64(got)/float64(g.Delay))
			if got > g.Delay {
				return fmt.Sprintf("class %d of %+v on %+v: %v, bound %v (%s: %s)", i+1, x.classes, x.path, got, g.Delay, g.Method, g.Numbers)
			}
		}
		return ""
	}, gen.UInt64()))
	properties.TestingRun(t)
	if bounded < trials || closest < 0.95 {
		t.Errorf("%d bounds in %d trials, the closest at %.3f: too few or too far to tell", bounded, trials, closest)
	}
}

// The bound grows with the senders, the packet and the frames, and falls with the
// rate, where the epoch stays; and so do the published figures, where it follows.
func TestBoundIsMonotone(t *testing.T) {
	properties := gopter.NewProperties(gopter.DefaultTestParametersWithSeed(1))
	properties.Property("monotone", prop.ForAll(
		func(kind, f, n, packet, frame, megabits, h, more int) string {
			path := qjump.Path{Switches: h, Rate: network.BitRate(megabits) * network.Mbps, Frame: int32(frame), HostFrame: int32(frame), JoinsOnce: true}
			class := qjump.Class{
				Kind: qjump.LimiterKind(kind), Budget: int64(f), Packet: int32(packet), Senders: n,
				Epoch: path.Rate.Transmission(int32(2 * n * f * packet)),
			}
			// A second class below, of the same kind.
			below := class
			below.Epoch *= 2
			less, err := path.Bounds([]qjump.Class{class, below})
			if err != nil {
				return "" // nothing to compare with
			}
			for name, change := range map[string]func(*qjump.Path, *qjump.Class){
				"n": func(_ *qjump.Path, c *qjump.Class) { c.Senders += more },
				"P": func(_ *qjump.Path, c *qjump.Class) { c.Packet += int32(more) },
				"L": func(p *qjump.Path, _ *qjump.Class) { p.Frame += int32(more); p.HostFrame += int32(more) },
				"R": func(p *qjump.Path, _ *qjump.Class) { p.Rate -= p.Rate / network.BitRate(2+more) },
				"f": func(_ *qjump.Path, c *qjump.Class) { c.Budget += int64(more) },
			} {
				p, c, b := path, class, below
				change(&p, &c)
				change(&path, &b)
				path = qjump.Path{Switches: h, Rate: network.BitRate(megabits) * network.Mbps, Frame: int32(frame), HostFrame: int32(frame), JoinsOnce: true}
				greater, err := p.Bounds([]qjump.Class{c, b})
				for i := range greater {
					if greater[i].Delay < less[i].Delay {
						return fmt.Sprintf("more of %s: class %d from %v to %v (%s, %s)", name, i+1, less[i].Delay, greater[i].Delay, less[i].Numbers, greater[i].Numbers)
					}
				}
				if err != nil && !strings.Contains(err.Error(), "there is no bound") {
					return err.Error()
				}
			}
			return ""
		},
		gen.IntRange(0, 2), gen.IntRange(1, 4), gen.IntRange(1, 40), gen.IntRange(1, 1500), gen.OneConstOf(0, 64, 1518, 9018),
		gen.OneConstOf(10, 100, 1000, 10_000), gen.OneConstOf(1, 1, 2, 3), gen.IntRange(1, 300)))
	properties.Property("the figures", prop.ForAll(
		func(n, packet, frame, more int) string {
			row := func(n, packet, frame int, r network.BitRate) []*qjump.Rational {
				t := qjump.Table{Hosts: n, Packet: int32(packet), Rate: r, Epsilon: 5, Levels: []qjump.Level{{Priority: 7, Factor: 1}}}
				x, err := t.Row(0, int32(frame))
				if err != nil {
					panic(err)
				}
				return []*qjump.Rational{x.Ser, x.BoundNPR, x.Epoch2NPR, x.TightSpaced, x.TightTumbling, x.TightSpacedPlusL, x.SpacedPlus2L}
			}
			less := row(n, packet, frame, rate)
			for _, greater := range [][]*qjump.Rational{
				row(n+more, packet, frame, rate), row(n, packet+more, frame, rate), row(n, packet, frame+more, rate), row(n, packet, frame, rate/2),
			} {
				for i := range less {
					if greater[i].Cmp(&less[i].Rat) < 0 {
						return fmt.Sprintf("figure %d falls from %s to %s", i, less[i].Decimal(), greater[i].Decimal())
					}
				}
			}
			return ""
		}, gen.IntRange(1, 1000), gen.IntRange(1, 9000), gen.IntRange(0, 9000), gen.IntRange(1, 100)))
	properties.TestingRun(t)
}

// Limiters are what counts: two on each host break n*P/R, and two fixed windows on
// each host break the epoch 2*n*P/R. With epochs of n*P/R there is no bound.
func TestTwoLimitersOnAHost(t *testing.T) {
	const bytes, n = 256, 64
	for _, test := range []struct {
		kind            qjump.LimiterKind
		bound, attained int // packets
	}{
		{qjump.MinimumSpacing, 2*n - 1, 2*n - 1},
		{qjump.FixedWindow, 4*n - 2, 4*n - 3}, // proved, not exact
	} {
		c := classOf(n, test.kind, bytes, 2)
		c.Senders, c.PerHost = 2*(n-1), 2
		path := qjump.Path{Switches: 1, Rate: rate}
		g := bound(t, path, c)
		if g.Delay != model.Duration(test.bound*bytes)*octet || g.Status != qjump.Proved {
			t.Errorf("%v: %v (%v), want %d packets", c.Kind, g.Delay, g.Status, test.bound)
		}
		end := model.Time(c.Epoch) - 1
		var sends []send
		for i := range c.Senders {
			sends = append(sends, limited(t, limiterOf(c), network.NodeID(1+i/2), bytes, 7, end, end)...)
		}
		attained(t, c.Kind.String(), worst(t, network.Star(n, link), sends)[7], model.Duration(test.attained*bytes)*octet, model.Duration(test.kind))
		c.Epoch /= 2
		if g, err := path.Bound(c); err == nil || !strings.Contains(err.Error(), "load a link to 1.96875, more than it carries") {
			t.Errorf("%v: overload has the bound %v, %v", c.Kind, g.Delay, err)
		}
	}
}

// The bounds that were computed independently for one switch and for trees, in bit
// times.
func TestComputedBounds(t *testing.T) {
	const bit = 100 * model.Picosecond // at 10 Gb/s
	const bytes, frame = 256, 1500
	rows := readCSV(t, "bounds.csv")
	for _, row := range rows {
		var n, m, leaves int
		kind, path := qjump.MinimumSpacing, qjump.Path{Switches: 1, Rate: rate, JoinsOnce: true}
		switch id := row["id"]; {
		case strings.HasPrefix(id, "qj-tree"):
			if _, err := fmt.Sscanf(id, "qj-tree-%dx%d", &leaves, &m); err != nil {
				t.Fatal(err)
			}
			n, path.Switches, path.EvenTree = leaves*m, 3, true
		default:
			if _, err := fmt.Sscanf(id, "qj-star-%d", &n); err != nil {
				t.Fatal(err)
			}
			switch id[strings.LastIndex(id, "-")+1:] {
			case "window":
				kind = qjump.FixedWindow
			case "2L": // here the epoch is long enough for the simple count
				path.Frame, path.HostFrame = frame, frame
			case "L":
				path.Frame = frame
			}
		}
		g := bound(t, path, classOf(n, kind, bytes, 2))
		if want := model.Duration(integer(t, row["delay"])) * bit; g.Delay != want || (g.Status == qjump.Exact) == (path.HostFrame > 0) {
			t.Errorf("%s: %v (%v), want %v", row["id"], g.Delay, g.Status, want)
		}
	}
	if len(rows) < 8 {
		t.Errorf("%d rows", len(rows))
	}
}

// Two bounds worked out by hand, in packet times, of senders with spaced packets.
func TestBoundsByHand(t *testing.T) {
	const packet = 100 * octet
	class := qjump.Class{Epoch: 4 * packet, Budget: 1, Packet: 100, Senders: 3}
	// Two switches, ways that may part and meet again. The host takes 1. The first
	// port takes 3, and so makes a jitter of 2. At the second, 3 packets come with the
	// first or, as 4-2 = 2, 6 until 2 after it: it takes max(3, 6-2) = 4.
	if g := bound(t, qjump.Path{Switches: 2, Rate: rate}, class); g.Delay != 8*packet || g.Method != "hop by hop" {
		t.Errorf("two switches: %v by %s, want 8 packet times", g.Delay, g.Method)
	}
	// A train of 3 from one host. Where links are equal, it pays once: 3 in the host
	// and 1 at the switch. Where the switch sends more slowly than it receives, it
	// waits twice: 3 and 3.
	class.Budget, class.Senders = 3, 1
	path := qjump.Path{Switches: 1, Rate: rate}
	if g := bound(t, path, class); g.Delay != 4*packet {
		t.Errorf("a train: %v, want 4 packet times", g.Delay)
	}
	path.Fastest, path.Slowdowns = 4*rate, 1
	if g := bound(t, path, class); g.Delay != 6*packet {
		t.Errorf("a train into a slower link: %v, want 6 packet times", g.Delay)
	}
}
