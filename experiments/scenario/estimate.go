package scenario

import (
	"fmt"
	"math"
	"slices"

	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// Estimate is what one replication of a scenario is expected to take. It is made
// from rates and mean path lengths alone, before anything is allocated for the run.
// The wall-clock time is that of one core of a common machine.
type Estimate struct {
	Hosts, Switches int
	Ports           int   // directed links
	Pairs           int64 // of a process and one that it watches
	Flows           int64 // of traffic that comes in flows
	Packets         int64 // of messages and traffic
	Hops            int64 // packets crossing one link
	Events          int64
	Bytes           int64 // of memory; replications that run side by side take it each
	Wall            model.Duration

	// Overloaded is the number of hosts that send more than their link carries,
	// so that their queues grow or drop.
	Overloaded int

	// Strikes counts those of faults.
	Strikes int64
}

// Costs of a run, by measurement and the sizes of types.
const (
	eventsPerSecond  = 5e6
	bytesPerPort     = 512 // with its configuration and routes
	packetsPerPort   = 4   // in flight or waiting
	bytesPerPacket   = 64
	bytesPerWaiting  = 3 * bytesPerPacket // in arrays that double: the old beside the new
	bytesPerProcess  = 512
	bytesPerPair     = 150 // of each detector, with the folds over the records
	bytesPerTruePair = 300 // of the ground truth, while it is set up
	bytesOfEverybody = 16 << 20
)

// Without limits of its own a scenario is refused above these.
const (
	maxEvents = 1_000_000_000_000 // days
	maxMemory = 64 << 30
)

// Estimate returns what a replication is expected to take.
func (s *Scenario) Estimate() Estimate {
	t := &s.Network.Topology
	e := Estimate{Hosts: t.Hosts, Switches: len(t.Names) - t.Hosts, Ports: 2 * len(t.Links)}
	for _, watch := range s.Monitor.Watch {
		e.Pairs += int64(len(watch))
	}
	uplink := uplinkRates(t)
	sent := make([]flow, t.Hosts) // by each host
	messages, wakes := s.messages(sent)
	var traffic, flows float64 // packets, flows
	decisions := 0.0           // of limiters, where they take time
	if s.decides(s.Monitor.Priority, network.SharedLimiter) {
		decisions += messages
	}
	for i := range s.Traffic {
		x := &s.Traffic[i]
		seconds := remaining(x.Phase, s.Duration)
		for _, h := range x.From {
			rate := s.rate(x, uplink[h])
			packets := rate.packets * seconds
			traffic += packets
			if s.decides(x.Priority, x.Limiter) {
				decisions += packets
			}
			if x.Kind == network.Flows {
				flows += packets / math.Max(1, x.Sizes.Mean()/float64(x.Bytes))
			}
			if x.Kind != network.Bulk { // which takes what others leave
				sent[h].add(rate, seconds/s.Duration.Seconds())
			}
		}
		traffic += float64(len(x.Sends))
		for j := range x.Sends {
			sent[x.Sends[j].From].add(s.rateOf(&x.Sends[j]), 1)
			if s.decides(x.Sends[j].Priority, x.Limiter) {
				decisions++
			}
		}
	}
	for h, f := range sent {
		if f.bits > float64(uplink[h]) {
			e.Overloaded++
		}
	}
	packets := messages + traffic
	told := s.routingPackets()
	hops := packets*meanHops(t) + told
	strikes := s.strikes()
	e.Flows, e.Packets, e.Hops, e.Strikes = whole(flows), whole(packets), whole(hops), whole(strikes)
	// A hop is an event, and so is sending a packet of traffic, or messages to all,
	// and the decision of a limiter, the beginning and end of a fault, what switches tell
	// their neighbours, a look of the ground truth at the queues, and of a switch at its own.
	e.Events = whole(told + hops + traffic + wakes + decisions + 2*strikes + s.slots() + s.queueLooks())
	inFlight := math.Min(packets, packetsPerPort*float64(e.Ports))
	e.Bytes = whole(bytesOfEverybody + bytesPerPort*float64(e.Ports) + bytesPerProcess*float64(e.Hosts) +
		bytesPerPair*float64(e.Pairs)*float64(len(s.Detectors)) + bytesPerTruePair*s.truePairs() + bytesPerPacket*inFlight + bytesPerWaiting*s.waiting(sent))
	e.Wall = model.Duration(math.Min(float64(e.Events)/eventsPerSecond*float64(model.Second), float64(model.MaxTime)))
	return e
}

// truePairs returns the number of pairs whose ground truth is followed.
func (s *Scenario) truePairs() float64 {
	if s.Truth == nil {
		return 0
	}
	n := float64(s.Network.Topology.Hosts)
	if s.Truth.All {
		return n * (n - 1)
	}
	return n * float64(s.watched(int64(n)))
}

// slots returns how often the ground truth looks at the queues.
func (s *Scenario) slots() float64 {
	if s.Truth == nil || len(s.Truth.Definitions) == 0 {
		return 0
	}
	return s.Duration.Seconds() / s.Truth.Slot.Seconds()
}

// queueLooks returns how often switches look at their queues for their subscribers, if some
// detector asks them: at most, since it is known to itself alone whether it subscribes.
func (s *Scenario) queueLooks() float64 {
	e := &s.Network.Evidence
	if !e.Agents || e.Queues == 0 || !slices.ContainsFunc(s.Detectors, func(d Detector) bool { return d.Spec.Asks }) {
		return 0
	}
	t := &s.Network.Topology
	return float64(len(t.Names)-t.Hosts) * (s.Duration.Seconds() / e.Queues.Seconds())
}

// flow is a stream of packets on a wire.
type flow struct {
	bits, packets float64 // per second
}

func (f *flow) add(g flow, times float64) {
	f.bits += g.bits * times
	f.packets += g.packets * times
}

// rate returns what a sender of x, with an uplink of the given rate, sends on average.
func (s *Scenario) rate(x *network.Traffic, uplink network.BitRate) flow {
	wire := 8 * float64(s.Network.Framing.WireBytes(x.Bytes))
	bits := float64(x.Rate)
	switch x.Kind {
	case network.Periodic:
		bits = wire / x.Period.Seconds()
	case network.Bulk:
		bits = float64(uplink)
	case network.OnOff:
		on, off := mean(x.On), mean(x.Off)
		bits *= on / (on + off)
	}
	return flow{bits, bits / wire}
}

// decides tells whether packets of the priority meet a limiter that takes time for them.
func (s *Scenario) decides(p model.Priority, use network.LimiterUse) bool {
	if s.QJump == nil || s.QJump.Processing == 0 || use == network.NoLimiter {
		return false
	}
	_, is := s.QJump.Level(p)
	return is
}

// rateOf returns what one packet of a schedule adds to the mean rate of its sender.
func (s *Scenario) rateOf(x *network.Send) flow {
	seconds := s.Duration.Seconds()
	return flow{8 * float64(s.Network.Framing.WireBytes(x.Bytes)) / seconds, 1 / seconds}
}

// messages returns the number of packets that the detectors send and of their wake-ups,
// and adds what each host sends. Detectors of one panel share their packets.
func (s *Scenario) messages(sent []flow) (packets, wakes float64) {
	wire := 8 * float64(s.Network.Framing.WireBytes(s.Network.MessageBytes))
	seconds := remaining(s.Monitor.Start, s.Duration)
	for _, panel := range s.Panels() {
		eta, ok := paramDuration(s.Detectors[panel[0]], "eta")
		if !ok || eta <= 0 {
			continue // how often it sends is known to itself alone
		}
		rounds := seconds / eta.Seconds()
		// Each wakes to send, and to suspect.
		wakes += 2 * rounds * float64(len(s.Monitor.Watch)) * float64(len(panel))
		for p, watch := range s.Monitor.Watch {
			// Everybody is watched by as many as he watches.
			n := float64(len(watch))
			packets += rounds * n
			sent[p].add(flow{wire * n, n}, 1/eta.Seconds())
		}
	}
	return packets, wakes
}

// Panels groups the detectors, by their indices, that live on the same packets: those
// that send only the standard heartbeat, with the same period and stagger. Every
// other detector is a panel by itself.
func (s *Scenario) Panels() [][]int {
	type sending struct {
		eta     model.Duration
		stagger bool
	}
	var panels [][]int
	shared := make(map[sending]int)
	for i, d := range s.Detectors {
		if !d.Spec.Heartbeats {
			panels = append(panels, []int{i})
			continue
		}
		key := sending{d.Params.Duration("eta"), d.Params.Switch("stagger")}
		if at, ok := shared[key]; ok {
			panels[at] = append(panels[at], i)
			continue
		}
		shared[key] = len(panels)
		panels = append(panels, []int{i})
	}
	return panels
}

// strikes returns how often faults strike. One that comes again waits for its end.
func (s *Scenario) strikes() float64 {
	var n float64
	for _, f := range s.Faults {
		n++
		if f.HasEvery {
			n += remaining(f.At, s.Duration) / math.Max(mean(f.Every), mean(f.For))
		}
	}
	for i := range s.Generators {
		for j := range s.Generators[i].Arrivals {
			n += s.Generators[i].Arrivals[j].Expected(s.Duration)
		}
	}
	return n
}

// waiting returns how many packets wait at the end where hosts send more than their
// link carries, or are sent more, up to what the buffers hold. Links between switches
// are taken to carry all.
func (s *Scenario) waiting(sent []flow) float64 {
	t := &s.Network.Topology
	uplink := uplinkRates(t)
	received := make([]flow, t.Hosts)
	s.messages(received) // as many as he sends
	var toAll flow       // to each host, also of itself, to be taken off
	others := float64(t.Hosts - 1)
	for i := range s.Traffic {
		x := &s.Traffic[i]
		var all flow
		for _, h := range x.From {
			rate := s.rate(x, uplink[h])
			carried := 1.0
			if x.Kind == network.Bulk {
				carried = math.Max(0, 1-sent[h].bits/rate.bits)
			} else if sent[h].bits > float64(uplink[h]) {
				carried = float64(uplink[h]) / sent[h].bits
			}
			carried *= remaining(x.Phase, s.Duration) / s.Duration.Seconds()
			all.add(rate, carried)
			if x.To == nil {
				received[h].add(rate, -carried/others)
			}
		}
		if x.To == nil {
			toAll.add(all, 1/others)
		}
		for _, h := range x.To {
			received[h].add(all, 1/float64(len(x.To)))
		}
		for j := range x.Sends {
			received[x.Sends[j].To].add(s.rateOf(&x.Sends[j]), 1)
		}
	}
	var n float64
	queue := func(f flow, c network.LinkConfig) {
		excess := f.bits - float64(c.Rate)
		if excess <= 0 {
			return
		}
		packets := excess * f.packets / f.bits * s.Duration.Seconds()
		if b := c.Buffer; b.Packets > 0 {
			packets = math.Min(packets, float64(b.Packets))
		} else if b.Bytes > 0 {
			packets = math.Min(packets, 8*float64(b.Bytes)*f.packets/f.bits)
		}
		n += packets
	}
	for i := range t.Links {
		l := &t.Links[i]
		for _, end := range [...]struct {
			node    network.NodeID
			out, in network.LinkConfig
		}{{l.A, l.AtoB, l.BtoA}, {l.B, l.BtoA, l.AtoB}} {
			if int(end.node) < t.Hosts {
				received[end.node].add(toAll, 1)
				queue(sent[end.node], end.out)
				queue(received[end.node], end.in)
			}
		}
	}
	return n
}

// remaining returns how many of the seconds of a run are left after a random time,
// on average.
func remaining(after sim.Distribution, duration model.Duration) float64 {
	d := duration.Seconds()
	low, high := after.Low.Seconds(), after.High.Seconds()
	switch {
	case after.Kind == sim.Uniform && low < d && d < high:
		return (d - low) * (d - low) / 2 / (high - low)
	case after.Kind == sim.Exponential && after.Mean > 0:
		m := after.Mean.Seconds()
		return d + m*math.Expm1(-d/m)
	}
	return math.Max(0, d-mean(after))
}

func paramDuration(d Detector, name string) (model.Duration, bool) {
	for _, p := range d.Spec.Params {
		if p.Name == name && p.Type == model.DurationParam {
			return d.Params.Duration(name), true
		}
	}
	return 0, false
}

// meanHops returns the mean number of links between two hosts, from a sample of
// hosts.
func meanHops(t *network.Topology) float64 {
	const sample = 16
	var sum, pairs float64
	next := neighbours(t)
	for i := range min(sample, t.Hosts) {
		from := network.NodeID(i * t.Hosts / min(sample, t.Hosts))
		for to, d := range distances(next, from)[:t.Hosts] {
			if network.NodeID(to) != from {
				sum += float64(d)
				pairs++
			}
		}
	}
	return sum / pairs
}

// mean returns the mean of d in seconds.
func mean(d sim.Distribution) float64 { return d.Average().Seconds() }

// whole rounds a number that is not negative, within the range of int64.
func whole(x float64) int64 {
	if x >= 1<<62 {
		return 1 << 62
	}
	return int64(math.Round(x))
}

// checkSize refuses a scenario that is larger than anybody can want, or that is
// expected to take more than twice what its limits allow. What is nearer to them is
// for the run to find out, since an estimate may be wrong by that much.
func (r *reader) checkSize(top *section, s *Scenario) {
	const factor = 2
	e := s.Estimate()
	at := func(limit string) place {
		if limits := top.get("limits"); limits != nil && limits.find(limit) != nil {
			return limits.find(limit).at
		}
		return top.at
	}
	events, memory := int64(maxEvents), int64(maxMemory)
	if s.Limits.Events > 0 {
		events = int64(s.Limits.Events)
	}
	if s.Limits.Memory > 0 {
		memory = s.Limits.Memory
	}
	if e.Events/factor > events {
		r.add(at("events"), "a replication takes about %s events (%d hosts, %s packets, %s faults, %v of one core), far above the limit of %s (make it smaller, or raise limits: {events: ...})",
			about(e.Events), e.Hosts, about(e.Packets), about(e.Strikes), aboutTime(e.Wall), about(events))
	}
	if e.Bytes/factor > memory {
		r.add(at("memory"), "a replication takes about %s of memory (%d hosts, %d ports, %d watched pairs, queues; each one that runs at the same time takes as much), far above the limit of %s (make it smaller, or raise limits: {memory: ...})",
			aboutBytes(e.Bytes), e.Hosts, e.Ports, e.Pairs, formatSize(memory))
	}
}

// about writes a count with two digits that matter.
func about(n int64) string {
	if n < 10_000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%.2g", float64(n))
}

func aboutBytes(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.3gGiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.3gMiB", float64(n)/(1<<20))
	}
	return formatSize(n)
}

// aboutTime writes a duration in whole milliseconds, seconds or days.
func aboutTime(d model.Duration) string {
	const day = 24 * model.Hour
	switch {
	case d == model.Duration(model.MaxTime):
		return "months"
	case d > 2*day:
		return fmt.Sprintf("%d days", d/day)
	case d < model.Second:
		return (d / model.Millisecond * model.Millisecond).String()
	}
	return (d / model.Second * model.Second).String()
}
