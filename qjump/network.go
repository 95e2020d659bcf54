package qjump

import (
	"fmt"
	"slices"

	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// Network is a topology with all that is sent on it, for [Network.Bounds].
type Network struct {
	Topology *network.Topology
	Classes  []NetworkClass // in decreasing priority
	Frames   []Demand       // of lower priorities than all classes
}

// Demand tells who may send to whom: each host of From to each of To, but not to itself.
type Demand struct {
	From, To []network.NodeID // hosts; To nil is all
	Bytes    int32            // of the largest frame on the wire; not used for classes
}

// NetworkClass is what the limiters of one level let into the network.
type NetworkClass struct {
	Priority model.Priority // names the class in errors
	Kind     LimiterKind
	Epoch    model.Duration // positive
	Budget   int64          // f: packets in an epoch
	Packet   int32          // P: the largest packet, in bytes on the wire
	Smallest int32          // the smallest; 0 is Packet
	Drift    int64          // by how many parts in a million the fastest clock of a limiter is fast
	Limiters []int64        // of each host; nil is one for each
	Demands  []Demand

	// Processing is what a limiter spends on each packet before it decides. Where it is
	// positive, two packets of one limiter may not leave together, and no bound that needs
	// such bursts is called exact.
	Processing model.Duration
}

// NetworkBounds is what is proved of one class.
type NetworkBounds struct {
	Ports []PortBound // that packets of the class can pass, by their links
	Flows []FlowBound // between hosts, the slowest first; equal ones are one
}

// PortBound is what is proved of one class at one output port.
type PortBound struct {
	Link    network.LinkID
	Senders int64 // limiters whose packets can pass
	Frame   int32 // the largest frame of a lower priority that can

	// Jitter bounds by how much more than another a packet can be late when it comes.
	Jitter model.Duration

	// Delay bounds the time from a packet's arrival at the port, or its release by the
	// limiter, to the end of its transmission there.
	Delay model.Duration

	// Backlog bounds what of the class waits at once, without the packet in
	// transmission, in bytes on the wire and in packets.
	Backlog, Packets int64
}

// FlowBound is what is proved of the ways between two hosts, or all pairs of which the
// same is proved.
type FlowBound struct {
	From, To network.NodeID // one of the pairs
	Pairs    int64
	Switches int
	Ways     int64 // of equal cost

	// Epsilon is the longest propagation of all ways. Links is that of the slowest way, and
	// Steps are its ports, the host's first; the first switch's is what it adds to that.
	Epsilon, Links model.Duration
	Steps          []Step

	// Met is the number of packets on the way, the flow's own included, where the bound is
	// that of route interference or pays for each of them once; else 0.
	Met int64

	Delay  model.Duration // from the release by the limiter to the last bit at the receiver
	Status Status

	packet model.Duration // P/R, with Met
	once   bool           // it is not that of route interference
	block  model.Duration // all L/R, where it is not

	members []members
}

// members are the pairs of some hosts with others to which they send.
type members struct {
	*classAnalysis
	from, to hostSet
}

// Step is the bound of one port on a way: Block, the work of Own and that of Above, less
// Before, is Delay.
type Step struct {
	Port   string // by the ends of its link
	Delay  model.Duration
	Block  model.Duration // the transmission of a frame of a lower priority
	Frame  int32          // that frame; 0 is none
	Own    Work           // of the class, up to the packet that the bound is about
	Before model.Duration // how long the port was busy when that packet came
	Above  []Work         // of the classes above, in decreasing priority
}

// Work is what a class sends at a port: packets of the largest size, and Part of one more where the
// links to the port cannot have brought all of it.
type Work struct {
	Priority model.Priority
	Packets  int64
	Each     model.Duration // P/R
	Part     model.Duration
}

func (i *inflow) packets(work model.Duration) Work {
	return Work{i.priority, int64(work / i.packet), i.packet, work % i.packet}
}

// Has tells whether a pair of hosts is one of those of which this is proved.
func (f *FlowBound) Has(from, to network.NodeID) bool {
	return slices.ContainsFunc(f.members, func(m members) bool {
		return m.from.has(m.bit[from]) && m.to.has(m.bit[to]) && m.passing.to[to].has(m.bit[from])
	})
}

// NoBound is the error of a class that has no bound, as it and those above it are more than
// a port carries, or nearly so.
type NoBound struct {
	Priority model.Priority
	Why      string
}

func (e *NoBound) Error() string { return "qjump: there is no bound: " + e.Why }

// Bounds bounds the delay of each class, in decreasing priority, on any topology. It
// returns an error for a description that is not usable, and a [NoBound] where a class has
// no bound; the classes before have theirs then, and those behind have none.
//
// # The proof
//
// A limiter lets at most count(x) packets leave in any interval of length x. Let W be a
// bound on the delay of every port, and let packets of a host h take from lo to hi to come
// from the end of its link to some port, over any of the shortest paths. Then at most
// count(x + J) of them come to that port in an interval of length x, where J is hi - lo and
// what the host's own port can add: if n packets come to the end of the host's link in an
// interval of length x, and n > count(x + J), let m be the packets of the host before the
// first of them, since its port last had no more to send for the class and those above than
// the frame below. The last m + 1 of all n + m were released more than x + J after the
// first, and take as long on the link as the first m + 1, so that the first of the n was
// delayed by more than J beyond these m + 1. That is what classAnalysis.blocking bounds.
//
// Nor can one link bring more than P and what it carries in x: its packets come one after
// another. So the arrivals at a port in x are bounded by the sum, over sets of input links
// that share no limiter, of the least of what their limiters let pass and what the links
// carry (Grieu, "Analyse et évaluation de techniques de commutation Ethernet pour
// l'interconnexion des systèmes avioniques", 2004; Mifdaoui and Leydier, 2017).
//
// The port serves its class in the order of arrival, below the classes above it and
// behind one frame below. With these arrivals its busy periods and delays are bounded as
// in Davis, Burns, Bril and Lukkien (2007), see portAnalysis.solve.
//
// The bounds W make the jitters, and these the bounds (Tindell and Clark, 1994). Any
// solution will do, also where ports depend on each other in a cycle: let the first packet
// that breaks its bound do so at some time; all that came to its port before were within
// theirs, so that the jitters hold until then, and it is within its own. The network is
// empty at the beginning.
//
// A delay from end to end is the sum over the ports and propagation. For the port of
// the host and that of the first switch it is less: a packet that waited longest in its host
// follows its predecessors late. So they are counted without jitter, see
// classAnalysis.together.
func (n *Network) Bounds() ([]NetworkBounds, error) {
	if err := n.validate(); err != nil {
		return nil, err
	}
	f, err := newFabric(n.Topology)
	if err != nil {
		return nil, err
	}
	var (
		higher []*classAnalysis
		bounds []NetworkBounds
	)
	frames := f.frames(n.Frames)
	classes := make([]*classAnalysis, len(n.Classes))
	for i := range n.Classes {
		classes[i] = newClassAnalysis(f, &n.Classes[i])
	}
	for i, a := range classes {
		a.frames = slices.Clone(frames)
		for _, lower := range classes[i+1:] {
			for l, set := range lower.over {
				if a.frames[l] < lower.Packet && set.count(0, int32(f.Hosts)) > 0 {
					a.frames[l] = lower.Packet
				}
			}
		}
		a.higher = higher
		if err := a.solve(); err != nil {
			return bounds, err
		}
		b := a.bounds()
		if len(b.Flows) > 0 && int64(b.Flows[0].Delay) >= most {
			return bounds, &NoBound{a.Priority, fmt.Sprintf("the delays of the level with priority %d pass the range of time", a.Priority)}
		}
		bounds, higher = append(bounds, b), append(higher, a)
	}
	return bounds, nil
}

// Propagation returns the longest propagation of all ways of class i, which it has even where
// it has no bound. It returns an error where that has no upper end, or the description is
// not usable.
func (n *Network) Propagation(i int) (model.Duration, error) {
	if err := n.validate(); err != nil {
		return 0, err
	}
	f, err := newFabric(n.Topology)
	if err != nil {
		return 0, err
	}
	a := newClassAnalysis(f, &n.Classes[i])
	longest := model.Duration(0)
	for h, l := range a.up {
		if _, _, far := a.config(l); a.at[h] < 0 && a.ports[l].senders > 0 {
			longest = max(longest, far)
		}
	}
	for c, root := range a.edges {
		t := a.toward(c)
		for _, h := range a.order[a.first[root]:a.first[root+1]] {
			_, _, far := a.config(a.down[h])
			for _, s := range a.edges {
				a.to[h].each(a.first[s], a.first[s+1], func(bit int32) {
					_, _, near := a.config(a.up[a.order[bit]])
					longest = max(longest, plus(near, t.epsilon[s], far))
				})
			}
		}
	}
	return longest, nil
}

func (n *Network) validate() error {
	t := n.Topology
	demands := func(list []Demand) error {
		for _, d := range list {
			for _, h := range append(slices.Clone(d.From), d.To...) {
				if h < 0 || int(h) >= t.Hosts {
					return fmt.Errorf("qjump: there is no host %d", h)
				}
			}
			if d.Bytes < 0 {
				return fmt.Errorf("qjump: frames of %d bytes", d.Bytes)
			}
		}
		return nil
	}
	if err := demands(n.Frames); err != nil {
		return err
	}
	for i := range t.Links {
		for _, c := range []network.LinkConfig{t.Links[i].AtoB, t.Links[i].BtoA} {
			if c.Replay.Recording != nil {
				return fmt.Errorf("qjump: there is no bound: the link between %s and %s replays the recording %s, and what was not recorded can take longer",
					t.Names[t.Links[i].A], t.Names[t.Links[i].B], c.Replay.Name)
			}
			if k := c.Jitter.Kind; k != sim.Constant && k != sim.Uniform {
				return fmt.Errorf("qjump: there is no bound: %v has no upper end, and it is added to the delay of the link between %s and %s",
					c.Jitter, t.Names[t.Links[i].A], t.Names[t.Links[i].B])
			}
		}
	}
	for i := range n.Classes {
		c := &n.Classes[i]
		one := c.class()
		if err := one.validate(); err != nil {
			return err
		}
		if i > 0 && c.Priority >= n.Classes[i-1].Priority {
			return fmt.Errorf("qjump: a class with priority %d behind one with %d: classes come in decreasing priority", c.Priority, n.Classes[i-1].Priority)
		}
		if c.Limiters != nil && len(c.Limiters) != t.Hosts {
			return fmt.Errorf("qjump: limiters of %d hosts, where there are %d", len(c.Limiters), t.Hosts)
		}
		for h, k := range c.Limiters {
			if k < 0 || k > most/(1<<20) {
				return fmt.Errorf("qjump: %d limiters on host %d", k, h)
			}
		}
		if err := demands(c.Demands); err != nil {
			return err
		}
	}
	return nil
}

func (c *NetworkClass) class() Class {
	return Class{Kind: c.Kind, Epoch: c.Epoch, Budget: c.Budget, Packet: c.Packet, Smallest: c.Smallest, Drift: c.Drift, Senders: 1}
}
