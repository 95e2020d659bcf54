package scenario

import (
	"fmt"
	"math"

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
	Bytes           int64 // of memory
	Wall            model.Duration

	// Overloaded is the number of hosts that send more than their link carries,
	// so that their queues grow or drop.
	Overloaded int
}

// Costs of a run, by measurement and the sizes of types.
const (
	eventsPerSecond  = 5e6
	bytesPerPort     = 512 // with its configuration and routes
	packetsPerPort   = 4   // in flight or waiting
	bytesPerPacket   = 64
	bytesPerProcess  = 512
	bytesPerPair     = 150 // of each detector, with the folds over the records
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
	sent := make([]float64, t.Hosts) // bits per second on the wire, by host
	messages, wakes := s.messages(sent)
	var traffic float64 // packets
	uplink := uplinkRates(t)
	seconds := s.Duration.Seconds()
	var flows float64
	for i := range s.Traffic {
		x := &s.Traffic[i]
		wire := 8 * float64(s.Network.Framing.WireBytes(x.Bytes))
		for _, h := range x.From {
			rate := float64(x.Rate)
			switch x.Kind {
			case network.Periodic:
				rate = wire / x.Period.Seconds()
			case network.Bulk:
				rate = float64(uplink[h])
			case network.OnOff:
				on, off := mean(x.On), mean(x.Off)
				rate *= on / (on + off)
			case network.Flows:
				flows += rate * seconds / wire / math.Max(1, x.Sizes.Mean()/float64(x.Bytes))
			}
			traffic += rate * seconds / wire
			if x.Kind != network.Bulk { // which takes what others leave
				sent[h] += rate
			}
		}
	}
	for h, rate := range sent {
		if rate > float64(uplink[h]) {
			e.Overloaded++
		}
	}
	packets := messages + traffic
	hops := packets * meanHops(t)
	inFlight := math.Min(packets, packetsPerPort*float64(e.Ports))
	e.Flows, e.Packets, e.Hops = whole(flows), whole(packets), whole(hops)
	// A hop is an event, and so is sending a packet of traffic, or messages to all.
	e.Events = whole(hops + traffic + wakes)
	e.Bytes = whole(bytesOfEverybody + bytesPerPort*float64(e.Ports) + bytesPerProcess*float64(e.Hosts) +
		bytesPerPair*float64(e.Pairs)*float64(len(s.Detectors)) + bytesPerPacket*inFlight)
	e.Wall = model.Duration(math.Min(float64(e.Events)/eventsPerSecond*float64(model.Second), float64(model.MaxTime)))
	return e
}

// messages returns the number of packets that the detectors send and of their wake-ups,
// and adds what each host sends. Detectors that send the same heartbeats share them.
func (s *Scenario) messages(sent []float64) (packets, wakes float64) {
	type sending struct {
		eta     model.Duration
		stagger bool
	}
	shared := make(map[sending]bool)
	wire := 8 * float64(s.Network.Framing.WireBytes(s.Network.MessageBytes))
	for _, d := range s.Detectors {
		eta, ok := paramDuration(d, "eta")
		if !ok || eta <= 0 {
			continue // how often it sends is known to itself alone
		}
		rounds := s.Duration.Seconds() / eta.Seconds()
		wakes += 2 * rounds * float64(len(s.Monitor.Watch)) // to send, and to suspect
		if d.Spec.Heartbeats {
			key := sending{eta, d.Params.Switch("stagger")}
			if shared[key] {
				continue
			}
			shared[key] = true
		}
		for p, watch := range s.Monitor.Watch {
			// Everybody is watched by as many as he watches.
			packets += rounds * float64(len(watch))
			sent[p] += wire * float64(len(watch)) / eta.Seconds()
		}
	}
	return packets, wakes
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
func mean(d sim.Distribution) float64 {
	if d.Kind == sim.Uniform {
		return (d.Low.Seconds() + d.High.Seconds()) / 2
	}
	return d.Mean.Seconds()
}

// whole rounds a number that is not negative, within the range of int64.
func whole(x float64) int64 {
	if x >= 1<<62 {
		return 1 << 62
	}
	return int64(math.Round(x))
}

// checkSize refuses a scenario that is larger than its limits, or than anybody
// can want.
func (r *reader) checkSize(top *section, s *Scenario) {
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
	if e.Events > events {
		r.add(at("events"), "a replication takes about %s events (%d hosts, %s packets, %v of one core), above the limit of %s (make it smaller, or raise limits: {events: ...})",
			about(e.Events), e.Hosts, about(e.Packets), aboutTime(e.Wall), about(events))
	}
	if e.Bytes > memory {
		r.add(at("memory"), "a replication takes about %s of memory (%d hosts, %d ports, %d watched pairs), above the limit of %s (make it smaller, or raise limits: {memory: ...})",
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
