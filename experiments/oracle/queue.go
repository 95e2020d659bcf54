package oracle

import (
	"fmt"
	"math"

	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// A unit of time of a row is unitBytes at 8 Gb/s, at which a byte takes a whole
// nanosecond: service times are rounded to 1e-5 of a unit.
const (
	unitBytes = 100_000
	portRate  = 8 * network.Gbps
	psPerByte = 1000
	unit      = model.Duration(unitBytes * psPerByte)
)

// units converts a number of units to a duration.
func units(u float64) model.Duration { return model.Duration(math.Round(u * float64(unit))) }

// inUnits converts a duration to units.
func inUnits(d model.Duration) float64 { return float64(d) / float64(unit) }

// service draws sizes in bytes.
type service func(s *sim.Stream) int32

func deterministic(u float64) service {
	b := int32(math.Round(u * unitBytes))
	return func(*sim.Stream) int32 { return b }
}

func exponential(mean float64) service {
	m := model.Duration(mean * float64(unit))
	return func(s *sim.Stream) int32 { return max(1, int32((s.Exponential(m)+psPerByte/2)/psPerByte)) }
}

func uniform(low, high float64) service {
	return func(s *sim.Stream) int32 { return int32(math.Round((low + (high-low)*s.Float64()) * unitBytes)) }
}

// mix draws one of the given sizes in bytes, by weight.
func mix(sizes []int32, weights []int) service {
	total := 0
	for _, w := range weights {
		total += w
	}
	return func(s *sim.Stream) int32 {
		k := s.IntN(total)
		for i, w := range weights {
			if k -= w; k < 0 {
				return sizes[i]
			}
		}
		panic("unreachable: k is below the sum of the weights")
	}
}

// class is one priority class that arrives at the queue.
type class struct {
	gap      model.Duration // mean time between arrivals
	periodic bool           // arrivals every gap; otherwise Poisson
	service  service
	priority model.Priority
}

// queue is a row that is a single queue: the network interface of a host on a link
// without delay, which is an output port like every other.
type queue struct {
	classes []class
	buffer  int32   // packets that may wait; 0 is no limit
	bulk    float64 // service time of an always backlogged class below all, or 0
}

// customer is what happened to one packet of a queue.
type customer struct {
	class   model.Priority
	arrived model.Time
	wait    model.Duration
	lost    bool
	service model.Duration
}

// source sends the packets of one class.
type source struct {
	n             *network.Network
	timer         sim.Timer
	gaps, service *sim.Stream
	class         class
	left          int
}

// Fire sends a packet and arms the next.
func (s *source) Fire(uint32) {
	if s.left--; s.left < 0 {
		return
	}
	s.n.Send(0, 1, s.class.service(s.service), s.class.priority, 0)
	gap := s.class.gap
	if !s.class.periodic {
		gap = s.gaps.Exponential(gap)
	}
	s.n.Kernel().Arm(s.timer, s.n.Kernel().Now().Add(gap))
}

// backlogged keeps packets of priority 0 waiting at all times.
type backlogged struct {
	n     *network.Network
	timer sim.Timer
	bytes int32
}

// Fire refills the queue, which cannot empty before the next time.
func (b *backlogged) Fire(uint32) {
	for {
		if waiting, _ := b.n.Backlog(0, 0); waiting >= 2 {
			break
		}
		b.n.Send(0, 1, b.bytes, 0, 0)
	}
	b.n.Kernel().Arm(b.timer, b.n.Kernel().Now().Add(model.Duration(b.bytes)*psPerByte))
}

// run simulates about the given number of packets in all and tells each that left
// or was lost, in the order of leaving.
func (q queue) run(seed uint64, packets int, tell func(customer)) error {
	k := sim.New(seed)
	n, err := network.New(k, network.Config{
		Topology: network.Topology{
			Names: []string{"source", "sink"}, Hosts: 2,
			Links: []network.Link{{A: 0, B: 1,
				AtoB: network.LinkConfig{Rate: portRate, Buffer: network.Buffer{Packets: q.buffer}},
				BtoA: network.LinkConfig{Rate: portRate},
			}},
		},
		Framing: network.Bare,
	})
	if err != nil {
		return err
	}
	k.Records.Subscribe(model.KindSet(model.Delivered, model.Dropped), func(r *model.Record) {
		c := customer{class: r.Priority, arrived: r.SentAt, lost: r.Kind == model.Dropped}
		c.service = model.Duration(r.Bytes) * psPerByte
		c.wait = r.At.Sub(r.SentAt) - c.service
		tell(c)
	})
	var rate float64
	for _, c := range q.classes {
		rate += 1 / float64(c.gap)
	}
	for i, c := range q.classes {
		s := &source{
			n: n, class: c, left: int(float64(packets)/rate/float64(c.gap) + 0.5),
			gaps: k.Stream(fmt.Sprint("gaps/", i)), service: k.Stream(fmt.Sprint("service/", i)),
		}
		s.timer = k.NewTimer(s, 0)
		first := model.Duration(0)
		if !c.periodic {
			first = s.gaps.Exponential(c.gap)
		}
		k.Arm(s.timer, model.Time(first))
	}
	if q.bulk != 0 {
		b := &backlogged{n: n, bytes: int32(q.bulk * unitBytes)}
		b.timer = k.NewTimer(b, 0)
		k.Arm(b.timer, 0)
	}
	end := model.Time(float64(packets) / rate)
	return k.Run(end+end/10+model.Time(1000*unit), sim.Budget{})
}
