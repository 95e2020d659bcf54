package qjump

import (
	"fmt"
	"math/bits"

	"suspect/model"
	"suspect/network"
)

// Class is what the limiters of one level let into the network.
type Class struct {
	Kind   LimiterKind
	Epoch  model.Duration // positive
	Budget int64          // f: packets in an epoch
	Packet int32          // P: the largest packet, in bytes on the wire

	// Senders is the number of limiters whose packets can meet the one that the
	// bound is about, its own included. Limiters are counted, not hosts.
	Senders int

	// PerHost is how many of them every sending host has, and so share its link; 0
	// is one.
	PerHost int

	// ByBytes tells that the limiters count Budget*Packet bytes rather than
	// packets, so that smaller packets are more numerous.
	ByBytes bool

	// Smallest is the smallest packet, in bytes on the wire; 0 is Packet. Packets
	// of several sizes spend unequal times on the way, and so change their spacing.
	Smallest int32

	// Drift is by how many parts in a million the clock of a limiter may run fast,
	// which shortens its epochs.
	Drift int64
}

// Path is the way of a packet from its limiter to its receiver.
type Path struct {
	Switches int             // h, each with one output port on the way, after that of the host
	Rate     network.BitRate // R: that of the slowest link

	// Fastest is the rate of the fastest link of the network; 0 is Rate.
	Fastest network.BitRate

	// Slowdowns is the number of switches on the way that send at a lower rate than
	// they receive. There, packets arrive faster than they can leave, and are
	// counted again.
	Slowdowns int

	// Frame and HostFrame are the largest frames of a lower priority, in bytes on the wire, that can
	// be in transmission at the output port of a switch, and of a host.
	Frame, HostFrame int32

	// Epsilon is the sum of all processing and propagation on the way, the delay
	// of a limiter not included. Jitter is the part of it that can differ between
	// two packets.
	Epsilon, Jitter model.Duration

	// JoinsOnce tells that all packets of a sender that come to the way join it at one port,
	// and, once they have left, do not come back to it. So it is in trees and stars, but
	// not where there are equal-cost paths: over two spines, packets of one sender join
	// the way at different switches, and those of the packet's own host can leave it at the
	// first and come back at the last.
	JoinsOnce bool

	// EvenTree tells that the network is a tree of two levels, the senders spread
	// evenly over its lower switches, and the way one through the core.
	EvenTree bool
}

func (c *Class) validate() error {
	switch {
	case c.Kind >= limiterKinds:
		return fmt.Errorf("qjump: there is no %v", c.Kind)
	case c.Epoch <= 0 || c.Epoch > model.Duration(model.MaxTime):
		return fmt.Errorf("qjump: an epoch of %v: it must be positive, and at most %v", c.Epoch, model.MaxTime)
	case c.Budget < 1 || c.Packet < 1 || c.Senders < 1 || c.PerHost < 0 || c.PerHost > c.Senders || c.Drift < 0 || c.Drift >= 1_000_000:
		return fmt.Errorf("qjump: a class with a budget of %d packets of %d bytes, %d senders, %d on a host, a drift of %d ppm: packets and senders are positive", c.Budget, c.Packet, c.Senders, c.PerHost, c.Drift)
	case c.PerHost > 0 && c.Senders%c.PerHost != 0:
		return fmt.Errorf("qjump: %d senders, where every host has %d", c.Senders, c.PerHost)
	case c.Smallest < 0 || c.Smallest > c.Packet:
		return fmt.Errorf("qjump: a smallest packet of %d bytes, where the largest has %d", c.Smallest, c.Packet)
	}
	return nil
}

func (p *Path) validate() error {
	switch {
	case p.Switches < 0 || p.Slowdowns < 0 || p.Slowdowns > p.Switches:
		return fmt.Errorf("qjump: a way over %d switches, at %d of which it gets slower", p.Switches, p.Slowdowns)
	case p.Rate < 1 || p.Rate > network.MaxRate || p.Fastest != 0 && p.Fastest < p.Rate || p.Fastest > network.MaxRate:
		return fmt.Errorf("qjump: a slowest link of %d b/s and a fastest of %d b/s: from 1 to %d are possible", p.Rate, p.Fastest, network.MaxRate)
	case p.Slowdowns > 0 && (p.Fastest == 0 || p.Fastest == p.Rate):
		return fmt.Errorf("qjump: a way that gets slower at %d switches, without a link faster than %d b/s", p.Slowdowns, p.Rate)
	case p.Frame < 0 || p.HostFrame < 0:
		return fmt.Errorf("qjump: frames of %d and %d bytes: sizes are not negative", p.Frame, p.HostFrame)
	case p.Epsilon < 0 || p.Jitter < 0 || p.Jitter > p.Epsilon:
		return fmt.Errorf("qjump: eps = %v of which %v can differ: the first is not below the second, nor that below zero", p.Epsilon, p.Jitter)
	}
	return nil
}

// flow is a class on a path, in picoseconds.
type flow struct {
	Class
	perHost int64          // limiters on a host
	epoch   model.Duration // the shortest, with drift
	packet  model.Duration // P/R
	spread  model.Duration // P/R less the least time that a packet spends on a link

	// What the analysis of the class found, for the classes below it.
	hostJitter model.Duration   // how much longer than others a packet can be in its host
	rowSpread  model.Duration   // spread of all packets that can leave it in a row
	jitter     []model.Duration // and until it comes to the port of switch i
}

func newFlow(c Class, p *Path) flow {
	f := flow{Class: c, perHost: int64(max(c.PerHost, 1)), packet: p.Rate.Transmission(c.Packet)}
	if c.ByBytes {
		f.packet = saturated(int64(c.Packet), int64(p.Rate.Transmission(1)))
	}
	f.epoch = c.Epoch
	if c.Drift > 0 {
		hi, lo := bits.Mul64(uint64(c.Epoch), 1_000_000)
		q, _ := bits.Div64(hi, lo, uint64(1_000_000+c.Drift))
		f.epoch = model.Duration(q)
	}
	smallest := c.Packet
	if c.Smallest > 0 {
		smallest = c.Smallest
	}
	fastest := p.Rate
	if p.Fastest > 0 {
		fastest = p.Fastest
	}
	f.spread = f.packet - min(f.packet, fastest.Transmission(smallest))
	return f
}

// count returns the largest number of packets that one limiter lets leave in an
// interval of length x, both ends included.
func (f *flow) count(x model.Duration) int64 {
	epochs := int64(x / f.epoch)
	switch f.Kind {
	case FixedWindow:
		// The interval meets so many windows and, at its edges, two more.
		return saturate(f.Budget, epochs+2)
	case RestartingWindow:
		// So many windows begin in the interval. One can have begun before, with a
		// packet that is before it too.
		if f.ByBytes {
			return saturate(f.Budget, epochs+2)
		}
		return saturate(f.Budget, epochs+2) - 1
	}
	return saturate(f.Budget, epochs+1)
}

// work returns how long a link is busy with n packets, or at most [model.MaxTime].
func (f *flow) work(n int64) model.Duration { return saturated(n, int64(f.packet)) }

const most = int64(model.MaxTime)

// saturate returns a*b for numbers that are not negative, or the largest time if
// that is less.
func saturate(a, b int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if hi != 0 || lo > uint64(most) {
		return most
	}
	return int64(lo)
}

func saturated(a, b int64) model.Duration { return model.Duration(saturate(a, b)) }

// plus adds durations that are not negative, up to the largest time.
func plus(ds ...model.Duration) model.Duration {
	total := model.Duration(0)
	for _, d := range ds {
		if d > model.Duration(most)-total {
			return model.Duration(most)
		}
		total += d
	}
	return total
}
