package network

import (
	"errors"
	"fmt"
	"math/big"
	"slices"

	"suspect/model"
	"suspect/sim"
)

// TrafficKind is a kind of background traffic.
type TrafficKind uint8

const (
	// Periodic sends a packet every Period.
	Periodic TrafficKind = iota
	// Poisson sends packets after exponential gaps, on average at Rate.
	Poisson
	// OnOff sends packets evenly at Rate during periods that last On, and none
	// during the periods between them, which last Off. The first is an on
	// period. The time to the next packet stands still while it is off, so the
	// average is exactly Rate times the share of on periods.
	OnOff
	// Bulk saturates the link of its host: whenever the transmitter is ready for
	// its priority there is a packet. It puts packets into the output queue
	// while fewer than two wait there in its priority and there is room, looks
	// again after each transmission time of a packet, and so never overflows it.
	// It sends nothing while its link or host is down, or its limiter has a packet
	// to decide upon. What limiters hold back or demote it does not count.
	Bulk
	// Flows lets flows of random Sizes begin after exponential gaps, such that
	// their packets come to Rate on average. A host sends its flows one after
	// another, their packets back to back at the rate of its link. There is no
	// transport protocol: nothing reacts to congestion or loss, and nothing is
	// sent again.
	Flows
	// Schedule sends the packets of Sends, each at its time. Those from one host to
	// another are one flow.
	Schedule
	trafficKinds
)

// String returns the name of k in scenarios.
func (k TrafficKind) String() string {
	if k >= trafficKinds {
		return fmt.Sprintf("traffic-kind(%d)", uint8(k))
	}
	return [...]string{"periodic", "poisson", "on-off", "bulk", "flows", "schedule"}[k]
}

// Traffic describes background traffic. Every host of From is a source by itself,
// with its own random streams.
type Traffic struct {
	Kind TrafficKind

	// Name is part of the names of the random streams, which are
	// traffic/"NAME"/"HOST"/PURPOSE. It differs from that of every other
	// traffic of the network.
	Name string

	From []NodeID // hosts

	// To are the hosts to which packets go, or flows where Kind is Flows: to each
	// equally likely, except that no host sends to itself. If To is nil, all
	// hosts. A host of From that would send to itself alone is left out.
	To []NodeID

	Priority model.Priority
	Bytes    int32 // payload of a packet; of all but the last of a flow

	// Limiter tells which limiters of its hosts the packets meet.
	Limiter LimiterUse

	// Phase is after what time a source begins.
	Phase sim.Distribution

	Period  model.Duration   // of Periodic
	Rate    BitRate          // of Poisson, OnOff and Flows: per source, counted on the wire
	On, Off sim.Distribution // of OnOff
	Sizes   *FlowSizes       // of Flows

	// Sends are the packets of Schedule, in the order of their times; those of one
	// time leave in the order of the list. Schedule has no other field but Name and
	// Limiter.
	Sends []Send
}

// LimiterUse tells which limiter of a host and priority a packet meets.
type LimiterUse uint8

const (
	// SharedLimiter is the one of all that the host sends at the priority.
	SharedLimiter LimiterUse = iota
	// OwnLimiter is one of the traffic's own ([Network.SetOwnLimiter]) on each host. A
	// packet that it demotes meets the shared one of the lower priority.
	OwnLimiter
	// NoLimiter lets packets go past all limiters.
	NoLimiter
	limiterUses
)

// String returns the name of u in scenarios.
func (u LimiterUse) String() string {
	if u >= limiterUses {
		return fmt.Sprintf("limiter-use(%d)", uint8(u))
	}
	return [...]string{"shared", "own", "none"}[u]
}

// Send is one packet of a schedule.
type Send struct {
	At       model.Time // from when the traffic is added
	From, To NodeID     // hosts
	Bytes    int32      // payload
	Priority model.Priority
}

// Sender is what one host sends at one priority.
type Sender struct {
	Host              NodeID
	Priority          model.Priority
	Smallest, Largest int32 // payload of a packet
}

// Senders returns what each host sends of t, in the order of From or, of a Schedule,
// in that of the first packets. It counts hosts without anybody to send to.
func (t *Traffic) Senders() []Sender {
	var all []Sender
	if t.Kind != Schedule {
		smallest := t.Bytes
		if t.Kind == Flows {
			smallest = 1 // the last of a flow
		}
		for _, h := range t.From {
			all = append(all, Sender{h, t.Priority, smallest, t.Bytes})
		}
		return all
	}
	type place struct {
		host     NodeID
		priority model.Priority
	}
	known := make(map[place]int)
	for _, x := range t.Sends {
		at := place{x.From, x.Priority}
		i, is := known[at]
		if !is {
			i = len(all)
			known[at] = i
			all = append(all, Sender{x.From, x.Priority, x.Bytes, x.Bytes})
		}
		all[i].Smallest, all[i].Largest = min(all[i].Smallest, x.Bytes), max(all[i].Largest, x.Bytes)
	}
	return all
}

// Validate returns what is wrong with t as traffic of a network of topology top.
func (t *Traffic) Validate(top *Topology) error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if t.Kind >= trafficKinds {
		fail("there is no %v", t.Kind)
	}
	if t.Limiter >= limiterUses {
		fail("there is no %v", t.Limiter)
	}
	if t.Kind == Schedule {
		if err := t.validateSends(top); err != nil {
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}
	if len(t.From) == 0 {
		fail("no host sends")
	}
	hosts := func(what string, list []NodeID) {
		seen := make(map[NodeID]bool, len(list))
		for _, h := range list {
			switch {
			case h < 0 || int(h) >= len(top.Names):
				fail("%s: there is no node %d", what, h)
			case int(h) >= top.Hosts:
				fail("%s: %s is a switch; only hosts send and receive", what, top.name(h))
			case seen[h]:
				fail("%s: %s is listed twice", what, top.name(h))
			}
			seen[h] = true
		}
	}
	hosts("from", t.From)
	hosts("to", t.To)
	if len(errs) == 0 && len(t.sources(top)) == 0 {
		fail("%s would send to itself alone", top.name(t.From[0]))
	}
	if t.Priority >= model.Priorities {
		fail("priority %d: it must lie between 0 and %d", t.Priority, model.Priorities-1)
	}
	if t.Bytes <= 0 || t.Bytes > MaxPayload {
		fail("packets of %d bytes: they must have between 1 and %d", t.Bytes, MaxPayload)
	}
	if err := t.Phase.Validate(); err != nil {
		fail("phase: %w", err)
	}
	switch t.Kind {
	case Periodic:
		if t.Period <= 0 {
			fail("period of %v: it must be positive", t.Period)
		}
	case Poisson, OnOff, Flows:
		if t.Rate <= 0 || t.Rate > MaxRate {
			fail("rate of %d bit/s: it must be positive and at most %d", t.Rate, MaxRate)
		}
	}
	switch t.Kind {
	case OnOff:
		if err := t.On.Validate(); err != nil {
			fail("on: %w", err)
		} else if on := max(t.On.Mean, t.On.Deviation, t.On.High); on == 0 {
			fail("on: an on period must last")
		} else if packet := t.Rate.Transmission(t.Bytes); t.Rate > 0 && t.Bytes > 0 && packet/onPeriodsPerPacket > on {
			fail("on: %v is too short: there would be one packet in %v of such periods", t.On, packet)
		}
		if err := t.Off.Validate(); err != nil {
			fail("off: %w", err)
		}
	case Flows:
		if t.Sizes == nil {
			fail("there are no flow sizes")
		} else if err := t.Sizes.Validate(); err != nil {
			fail("%w", err)
		}
	}
	return errors.Join(errs...)
}

// onPeriodsPerPacket bounds the number of on periods, each of which is drawn, that pass
// between two packets.
const onPeriodsPerPacket = 1_000_000

// MaxPayload is the largest payload of a packet in bytes, beyond every jumbo frame.
const MaxPayload = 1 << 16

// sources returns the hosts of From that have somebody to send to.
func (t *Traffic) sources(top *Topology) []NodeID {
	var sources []NodeID
	for _, h := range t.From {
		others := len(t.To)
		if t.To == nil {
			others = top.Hosts
		}
		if t.position(h) < others {
			others--
		}
		if others > 0 {
			sources = append(sources, h)
		}
	}
	return sources
}

// position returns the position of h among the destinations, or their number.
func (t *Traffic) position(h NodeID) int {
	if t.To == nil {
		return int(h)
	}
	for i, to := range t.To {
		if to == h {
			return i
		}
	}
	return len(t.To)
}

// AddTraffic adds sources that begin after their Phase from now on. It returns an
// error, and adds nothing, if t is not valid, its name is taken, or a Bulk source's
// packets do not fit into its host's output queue.
func (n *Network) AddTraffic(t Traffic) error {
	if err := t.Validate(&n.topology); err != nil {
		return err
	}
	if _, taken := n.traffic[t.Name]; taken {
		return fmt.Errorf("there is traffic by the name of %q already", t.Name)
	}
	if t.Kind == Schedule {
		n.addSchedule(&t, n.addAdmission(&t))
		return nil
	}
	sources := t.sources(&n.topology)
	if t.Kind == Bulk {
		for _, h := range sources {
			p := &n.ports[n.uplinks[h]]
			if p.maxPacket < 1 || p.maxBytes < int64(n.WireBytes(t.Bytes)) {
				return fmt.Errorf("the output queue of %s has no room for a packet of %d bytes, so it cannot be saturated",
					n.topology.name(h), n.WireBytes(t.Bytes))
			}
		}
	}
	a := n.addAdmission(&t)
	t.To = slices.Clone(t.To)
	var gap model.Duration // on average, between packets or flows
	switch t.Kind {
	case Poisson, OnOff:
		gap = t.Rate.Transmission(n.WireBytes(t.Bytes))
	case Flows:
		gap = transmissionOf(t.Sizes.meanWire(t.Bytes, n.framing), t.Rate)
	}
	for _, h := range sources {
		n.addSource(&t, h, gap, a)
	}
	return nil
}

func (n *Network) addSource(t *Traffic, host NodeID, gap model.Duration, a *admission) {
	stream := func(purpose string) *sim.Stream {
		return n.kernel.Stream(fmt.Sprintf("traffic/%q/%q/%s", t.Name, n.topology.Names[host], purpose))
	}
	s := source{
		network: n, from: host, bytes: t.Bytes, priority: t.Priority, admission: a, to: t.To,
		destinations: stream("destination"), label: uint32(stream("label").Uint64()),
	}
	s.choices, s.self = len(t.To), t.position(host)
	if t.To == nil {
		s.choices = n.topology.Hosts
	}
	if s.self < s.choices {
		s.choices--
	}
	begin := n.kernel.Now().Add(t.Phase.Sample(stream("phase")))
	arm := func(h sim.Handler, timer *sim.Timer, at model.Time) {
		*timer = n.kernel.NewTimer(h, 0)
		n.kernel.Arm(*timer, at)
	}
	switch t.Kind {
	case Periodic:
		x := &periodicSource{source: s, period: t.Period}
		arm(x, &x.timer, begin)
	case Poisson:
		x := &poissonSource{source: s, mean: gap, gaps: stream("gap")}
		arm(x, &x.timer, begin.Add(x.gaps.Exponential(x.mean)))
	case OnOff:
		x := &onOffSource{
			source: s, gap: gap,
			on: t.On, off: t.Off, onStream: stream("on"), offStream: stream("off"),
		}
		x.left = x.on.Sample(x.onStream)
		arm(x, &x.timer, begin)
	case Bulk:
		x := &bulkSource{source: s, uplink: n.uplinks[host], wire: int64(n.WireBytes(t.Bytes))}
		arm(x, &x.timer, begin)
	case Flows:
		x := &flowSource{
			source: s, uplink: n.uplinks[host], sizes: t.Sizes, sizeStream: stream("size"), mean: gap, gaps: stream("gap"),
		}
		arm(x, &x.timer, begin.Add(x.gaps.Exponential(x.mean)))
		x.sending = n.kernel.NewTimer((*sendingFlows)(x), 0)
	}
}

// transmissionOf returns how long a mean number of bytes lasts at rate r, rounded to a
// picosecond, or the longest run if that is shorter.
func transmissionOf(bytes *big.Rat, r BitRate) model.Duration {
	ps := new(big.Rat).Mul(bytes, big.NewRat(8*int64(model.Second), int64(r)))
	ps.Add(ps, big.NewRat(1, 2))
	whole := new(big.Int).Quo(ps.Num(), ps.Denom())
	if !whole.IsInt64() || whole.Int64() > int64(model.MaxTime) {
		return model.Duration(model.MaxTime)
	}
	return model.Duration(whole.Int64())
}

// source is what sources of all kinds have in common.
type source struct {
	network   *Network
	from      NodeID
	bytes     int32
	label     uint32 // of the flow, random to keep flows of several sources apart
	priority  model.Priority
	timer     sim.Timer
	admission *admission

	// Destinations are drawn from to, or from all hosts if it is nil, without
	// the one at position self.
	to            []NodeID
	choices, self int
	destinations  *sim.Stream
}

// destination draws where the next packet or flow goes.
func (s *source) destination() NodeID {
	i := 0
	if s.choices > 1 {
		i = s.destinations.IntN(s.choices)
	}
	if i >= s.self {
		i++
	}
	if s.to == nil {
		return NodeID(i)
	}
	return s.to[i]
}

// send sends a packet to a new destination.
func (s *source) send() {
	s.network.send(s.from, s.destination(), s.bytes, s.priority, s.label, s.admission)
}

// again arms the source's timer.
func (s *source) again(after model.Duration) {
	k := s.network.kernel
	k.Arm(s.timer, k.Now().Add(after))
}

type periodicSource struct {
	source
	period model.Duration
}

// Fire sends a packet.
func (s *periodicSource) Fire(uint32) {
	s.send()
	s.again(s.period)
}

type poissonSource struct {
	source
	mean model.Duration // of gaps
	gaps *sim.Stream
}

// Fire sends a packet.
func (s *poissonSource) Fire(uint32) {
	s.send()
	s.again(s.gaps.Exponential(s.mean))
}

type onOffSource struct {
	source
	gap                 model.Duration // between packets
	toGo                model.Duration // on time until the next packet
	left                model.Duration // of the on period
	on, off             sim.Distribution
	onStream, offStream *sim.Stream
}

// periodsPerEvent bounds the work of an event of an on-off source, so that whoever
// limits a run is asked often enough, however short the periods are.
const periodsPerEvent = 64

// Fire sends a packet if one is due, and passes over the off periods before the next
// one, to fire when that is due. Of very many it passes over the first, and fires again
// at the end of the last of these.
func (s *onOffSource) Fire(uint32) {
	if s.toGo == 0 {
		s.send()
		s.toGo = s.gap
	}
	next := s.network.kernel.Now()
	for range periodsPerEvent {
		if s.toGo <= s.left {
			next = next.Add(s.toGo)
			s.left, s.toGo = s.left-s.toGo, 0
			break
		}
		next = next.Add(s.left).Add(s.off.Sample(s.offStream))
		s.toGo -= s.left
		s.left = s.on.Sample(s.onStream)
	}
	s.network.kernel.Arm(s.timer, next)
}

type bulkSource struct {
	source
	uplink LinkID
	wire   int64
}

// Fire fills the queue up: a packet to transmit and two that wait. Until the next look,
// one transmission time later, the port begins to send at most one of them.
func (s *bulkSource) Fire(uint32) {
	n := s.network
	p := &n.ports[s.uplink]
	for range 3 {
		packets, bytes := n.Backlog(s.uplink, s.priority)
		if packets >= 2 || int32(packets) >= p.maxPacket || bytes+s.wire > p.maxBytes ||
			n.linkDown[s.uplink] != 0 || n.hostDown[s.from] != 0 ||
			s.undecided() {
			break
		}
		s.send()
	}
	s.again(n.transmission(s.uplink, int32(s.wire)))
}

// flowSource has its second timer for the packets of the flows that wait.
// undecided tells whether the limiter of the source has a packet to decide upon.
func (s *source) undecided() bool {
	g := s.network.limiterOf(s.from, s.priority, s.admission)
	return g != nil && g.new.first != none
}

type flowSource struct {
	source
	uplink           LinkID
	sizes            *FlowSizes
	mean             model.Duration // between flows
	gaps, sizeStream *sim.Stream
	sending          sim.Timer
	waiting          []flow // a ring of a power of two flows
	first, length    int
}

// flow is what is left of a flow.
type flow struct {
	bytes int64
	to    NodeID
	label uint32
}

// Fire lets a flow begin.
func (s *flowSource) Fire(uint32) {
	if s.length == len(s.waiting) {
		ring := make([]flow, max(4, 2*s.length))
		k := copy(ring, s.waiting[s.first:])
		copy(ring[k:], s.waiting[:s.first])
		s.waiting, s.first = ring, 0
	}
	s.label++
	s.waiting[(s.first+s.length)&(len(s.waiting)-1)] = flow{s.sizes.Sample(s.sizeStream), s.destination(), s.label}
	s.length++
	if k := s.network.kernel; k.Due(s.sending) == model.Never {
		k.Arm(s.sending, k.Now())
	}
	s.again(s.gaps.Exponential(s.mean))
}

type sendingFlows flowSource

// Fire sends the next packet of the first flow. It is armed for the end of each packet,
// also the last one, so that the next flow does not begin before.
func (s *sendingFlows) Fire(uint32) {
	if s.length == 0 {
		return
	}
	n, f := s.network, &s.waiting[s.first]
	bytes := int32(min(f.bytes, int64(s.bytes)))
	n.send(s.from, f.to, bytes, s.priority, f.label, s.admission)
	if f.bytes -= int64(bytes); f.bytes == 0 {
		s.first = (s.first + 1) & (len(s.waiting) - 1)
		s.length--
	}
	n.kernel.Arm(s.sending, n.kernel.Now().Add(n.transmission(s.uplink, n.WireBytes(bytes))))
}
