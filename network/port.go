package network

import (
	"math/bits"

	"suspect/model"
	"suspect/sim"
)

// port is an output port: eight queues, a transmitter, and the direction of the
// link that it feeds, with the packets under way on it.
type port struct {
	free      model.Time     // the transmitter is idle from here on
	idle      model.Duration // how long it was, in all, until it began to transmit last
	delay     model.Duration // propagation
	psPerByte uint32         // 0: not a whole number, or larger; see Network.transmission

	arrival sim.Timer // armed at the first arrival of a packet under way
	to      NodeID

	// The packets under way, a list in the order of their arrival. On a link that
	// reorders they are a heap instead, see Network.reordered.
	first, last int32

	waiting   uint8 // bit k: the queue of priority k is not empty
	flags     uint16
	tail      [model.Priorities]int32 // the queues, as circular lists: the last packet, whose next is the first
	packets   [model.Priorities]int32
	bytes     [model.Priorities]int64
	maxPacket int32
	maxBytes  int64
}

const (
	portTwoEvent = 1 << iota // a second event ends each transmission
	portReorders             // packets under way may overtake each other
	portLossy
	portUnlimited // no buffer limit
	portReplays   // delays and losses are recorded ones
	portInspected // a fault looks at what comes to the far end
	portHeard     // the switch at the far end notes what comes
	portMarks     // packets that find a crowded queue are marked
	portWatched   // the ground truth is told when packets begin to wait
)

// transmission returns how long n bytes occupy link l, rounded up to a picosecond.
func (n *Network) transmission(l LinkID, bytes int32) model.Duration {
	if ps := n.ports[l].psPerByte; ps != 0 {
		return model.Duration(int64(bytes) * int64(ps))
	}
	return n.rates[l].Transmission(bytes)
}

// Transmission returns how long the given number of bytes last at rate r, rounded
// up to a picosecond, and at most [model.MaxTime].
func (r BitRate) Transmission(bytes int32) model.Duration {
	const most = uint64(model.MaxTime)
	hi, lo := bits.Mul64(uint64(bytes)*8, uint64(model.Second))
	if hi >= uint64(r) {
		return model.Duration(most)
	}
	q, rest := bits.Div64(hi, lo, uint64(r))
	if rest != 0 {
		q++
	}
	return model.Duration(min(q, most))
}

// enqueue hands packet i to output port l, which now owns it.
func (n *Network) enqueue(l LinkID, i int32) {
	p := &n.ports[l]
	x := &n.pool.packets[i]
	if n.linkDown[l] != 0 {
		n.drop(i, l, model.LinkDown)
		return
	}
	now := n.kernel.Now()
	if p.flags&portTwoEvent != 0 {
		if n.current[l] == none {
			n.transmit(l, i)
			return
		}
	} else {
		if p.waiting != 0 {
			n.settle(l, p)
		}
		if p.free <= now { // then nothing waits
			p.idle += now.Sub(p.free)
			p.free = now.Add(n.transmission(l, x.bytes))
			isFirst := p.first == none
			n.depart(l, p, i)
			if isFirst {
				n.kernel.Arm(p.arrival, x.arrives)
			}
			return
		}
	}
	c := x.priority()
	if p.flags&portUnlimited == 0 &&
		(p.packets[c] >= p.maxPacket || p.bytes[c]+int64(x.bytes) > p.maxBytes) {
		n.drop(i, l, model.BufferFull)
		return
	}
	if p.flags&portMarks != 0 && n.crowded(p, c) {
		x.news |= isMarked
	}
	if p.waiting&(1<<c) == 0 {
		if p.flags&portWatched != 0 {
			n.truth.congestion.backlog(l, p)
		}
		p.waiting |= 1 << c
		x.next = i
	} else {
		tail := &n.pool.packets[p.tail[c]]
		x.next = tail.next
		tail.next = i
	}
	p.tail[c] = i
	p.packets[c]++
	p.bytes[c] += int64(x.bytes)
}

// dequeue removes the packet that a port with waiting packets serves next.
func (n *Network) dequeue(p *port) int32 {
	c := bits.Len8(p.waiting) - 1
	tail := &n.pool.packets[p.tail[c]]
	i := tail.next
	x := &n.pool.packets[i]
	tail.next = x.next
	p.packets[c]--
	p.bytes[c] -= int64(x.bytes)
	if i == p.tail[c] {
		p.waiting &^= 1 << c
	}
	return i
}

// settle decides every transmission of one-event port l that has started by now.
func (n *Network) settle(l LinkID, p *port) {
	now := n.kernel.Now()
	for p.waiting != 0 && p.free <= now {
		i := n.dequeue(p)
		p.free = p.free.Add(n.transmission(l, n.pool.packets[i].bytes))
		n.depart(l, p, i)
	}
}

// transmit starts to send packet i on two-event port l.
func (n *Network) transmit(l LinkID, i int32) {
	p := &n.ports[l]
	n.current[l] = i
	p.idle += n.kernel.Now().Sub(p.free)
	p.free = n.kernel.Now().Add(n.transmission(l, n.pool.packets[i].bytes))
	n.kernel.Arm(n.transmitted[l], p.free)
}

// transmissions and arrivals are the network as the handler of its two timers of
// a port; their argument is the link.
type (
	transmissions Network
	arrivals      Network
)

// Fire ends a transmission on a two-event port.
func (t *transmissions) Fire(arg uint32) {
	n, l := (*Network)(t), LinkID(arg)
	p := &n.ports[l]
	i := n.current[l]
	if p.flags&portReorders != 0 {
		n.overtake(l, p, i)
	} else {
		n.depart(l, p, i)
	}
	n.kernel.Arm(p.arrival, n.pool.packets[p.first].arrives)
	n.current[l] = none
	if p.waiting != 0 {
		n.transmit(l, n.dequeue(p))
	}
}

// Fire brings the first packet under way to the far end of its link.
func (a *arrivals) Fire(arg uint32) {
	n, l := (*Network)(a), LinkID(arg)
	p := &n.ports[l]
	i := n.arrive(l, p)
	if p.waiting != 0 && p.flags&portTwoEvent == 0 {
		n.settle(l, p)
	}
	if p.first != none {
		n.kernel.Arm(p.arrival, n.pool.packets[p.first].arrives)
	}
	n.hops++
	if p.flags&(portLossy|portReplays|portInspected|portHeard) != 0 && n.stops(l, p, i) {
		return
	}
	n.reach(l, p, i)
}

// reach brings packet i into the node at the far end of link l.
func (n *Network) reach(l LinkID, p *port, i int32) {
	if int(p.to) < n.topology.Hosts {
		n.receive(p.to, l, i)
		return
	}
	x := &n.pool.packets[i]
	if n.kernel.Records.Wants(model.Hopped) {
		n.emit(model.Hopped, x, l, 0)
	}
	if x.hops++; x.hops == n.hopLimit {
		n.drop(i, l, model.HopLimit)
		return
	}
	if int(x.to) >= n.topology.Hosts {
		n.reachSwitch(l, p, i)
		return
	}
	next, ok := n.routes.next(p.to, x.to, x.flow)
	if n.carrying != nil {
		next, ok = n.carry(p.to, i, next, ok)
	}
	if !ok {
		n.drop(i, l, model.NoRoute)
		return
	}
	n.enqueue(next, i)
}

// depart appends packet i, whose transmission by port p ends when that is free, to the
// packets under way on link l.
func (n *Network) depart(l LinkID, p *port, i int32) {
	x := &n.pool.packets[i]
	x.next = none
	x.arrives = p.free.Add(p.delay)
	if p.flags&portReplays != 0 {
		n.replay(l, p, x)
	}
	if p.first == none {
		p.first = i
	} else {
		n.pool.packets[p.last].next = i
	}
	p.last = i
}

// arrive removes and returns the first of the packets under way on link l, of
// which there is one.
func (n *Network) arrive(l LinkID, p *port) int32 {
	if p.flags&portReorders != 0 {
		return n.arriveFirst(l, p)
	}
	i := p.first
	p.first = n.pool.packets[i].next
	return i
}

// before orders the packets under way on a link that reorders, and those that are late.
func (n *Network) before(i, j int32) bool {
	a, b := &n.pool.packets[i], &n.pool.packets[j]
	return a.arrives < b.arrives || a.arrives == b.arrives && a.number < b.number
}

// overtake is depart on a link that reorders. It and arriveFirst keep the packets under
// way there as a heap; the port's first is its root.
func (n *Network) overtake(l LinkID, p *port, i int32) {
	x := &n.pool.packets[i]
	x.arrives = p.free.Add(p.delay)
	if p.flags&portReplays != 0 {
		n.replay(l, p, x)
	} else {
		x.arrives = x.arrives.Add(n.jitter[l].Sample(n.jitterStream[l]))
	}
	n.reordered[l] = n.push(n.reordered[l], i)
	p.first = n.reordered[l][0]
}

func (n *Network) arriveFirst(l LinkID, p *port) int32 {
	first := p.first
	n.reordered[l] = n.pop(n.reordered[l])
	p.first = none
	if h := n.reordered[l]; len(h) > 0 {
		p.first = h[0]
	}
	return first
}

// push adds packet i to heap h, whose root is the packet that arrives first.
func (n *Network) push(h []int32, i int32) []int32 {
	h = append(h, i)
	k := len(h) - 1
	for k > 0 && n.before(i, h[(k-1)/2]) {
		h[k] = h[(k-1)/2]
		k = (k - 1) / 2
	}
	h[k] = i
	return h
}

// pop removes the root of heap h.
func (n *Network) pop(h []int32) []int32 {
	end := len(h) - 1
	i := h[end]
	h = h[:end]
	for k := 0; end > 0; {
		c := 2*k + 1
		if c+1 < end && n.before(h[c+1], h[c]) {
			c++
		}
		if c >= end || !n.before(h[c], i) {
			h[k] = i
			break
		}
		h[k] = h[c]
		k = c
	}
	return h
}

// stops tells at the far end of link l whether packet i gets no further, for now or for
// ever: it is out of the way then.
func (n *Network) stops(l LinkID, p *port, i int32) bool {
	if p.flags&(portLossy|portReplays) != 0 && n.loses(l, p, i) {
		n.drop(i, l, model.LinkLoss)
		return true
	}
	if p.flags&portInspected != 0 {
		return n.inspect(l, p, i)
	}
	if p.flags&portHeard != 0 {
		n.hear(l, i)
	}
	return false
}

// loses tells at the far end of link l whether packet i is lost there: by what the link
// replays, or by the draw of a lossy link, which is made in either case.
func (n *Network) loses(l LinkID, p *port, i int32) bool {
	drawn := p.flags&portLossy != 0 && n.drawLoss(l)
	return drawn || n.pool.packets[i].flags&isLost != 0
}

// drawLoss draws the fate of a packet on lossy link l.
func (n *Network) drawLoss(l LinkID) bool {
	c := &n.loss[l]
	if c.GoodToBad != 0 || c.BadToGood != 0 {
		change := c.GoodToBad
		if c.bad {
			change = c.BadToGood
		}
		if c.stream.Chance(change) {
			c.bad = !c.bad
		}
	}
	// The second draw is made in either state, so that streams stay aligned.
	u := c.stream.Float64()
	if c.bad {
		return u < c.Bad
	}
	return u < c.Good
}

// lossState is the channel of one direction of a link.
type lossState struct {
	Loss
	bad    bool
	stream *sim.Stream

	before Loss        // the loss without the faults in force
	struck []*linkLoss // the faults in force, in the order of striking
}
