package network

import (
	"fmt"

	"suspect/model"
	"suspect/sim"
)

// Limiter limits what one host sends at one priority.
type Limiter interface {
	// Admit is asked once for each packet, in the order of sending, at time now. It
	// returns when the packet may enter the output queue, now or later and not
	// before the packets admitted earlier, or false to refuse it. bytes is its
	// size on the wire.
	Admit(now model.Time, bytes int32) (release model.Time, ok bool)
}

// limited is a limiter in its place, with the packets that it holds back.
type limited struct {
	Limiter
	link        LinkID
	lower       model.Priority
	first, last int32 // a list in the order of release
	timer       sim.Timer
}

// SetLimiter puts a limiter before the output queue of a host for the packets of
// one priority. Packets that it refuses go on at priority lower, past the limiter
// there, or are dropped if lower is the priority itself. It is called before the
// run, once for a host and priority. It panics if lower is above the priority.
func (n *Network) SetLimiter(host NodeID, priority model.Priority, l Limiter, lower model.Priority) {
	if n.limiters == nil {
		n.limiters = make([]*limited, n.topology.Hosts*model.Priorities)
	}
	at := int(host)*model.Priorities + int(priority)
	if n.limiters[at] != nil || lower > priority {
		panic(fmt.Sprintf("network: a limiter of host %d at priority %d with demotion to %d", host, priority, lower))
	}
	n.limiters[at] = &limited{
		Limiter: l, link: n.uplinks[host], lower: lower, first: none,
		timer: n.kernel.NewTimer((*releases)(n), uint32(at)),
	}
}

// passes asks the limiters of a host about packet i. If it reports true the packet
// goes into the output queue at once, perhaps at a lower priority; otherwise it is
// held back or dropped.
func (n *Network) passes(l LinkID, i int32, x *packet) bool {
	for {
		g := n.limiters[int(x.from)*model.Priorities+int(x.priority())]
		if g == nil {
			return true
		}
		now := n.kernel.Now()
		at, ok := g.Admit(now, x.bytes)
		switch {
		case !ok && g.lower == x.priority():
			n.drop(i, l, model.RateLimited)
			return false
		case !ok:
			x.flags = x.flags&^priorityBits | uint8(g.lower)
			continue
		case at <= now && g.first == none:
			n.release(l, x)
			return true
		}
		x.arrives, x.next = at, none
		if g.first == none {
			g.first = i
			n.kernel.Arm(g.timer, at)
		} else {
			n.pool.packets[g.last].next = i
		}
		g.last = i
		return false
	}
}

func (n *Network) release(l LinkID, x *packet) {
	if n.kernel.Records.Wants(model.Released) {
		n.emit(model.Released, x, l, 0)
	}
}

// releases are the network as the handler of its limiters' timers; the argument is
// the host and the priority.
type releases Network

// Fire releases the packets whose time has come.
func (r *releases) Fire(arg uint32) {
	n := (*Network)(r)
	g := n.limiters[arg]
	for g.first != none {
		i := g.first
		x := &n.pool.packets[i]
		if x.arrives > n.kernel.Now() {
			n.kernel.Arm(g.timer, x.arrives)
			return
		}
		g.first = x.next
		n.release(g.link, x)
		n.enqueue(g.link, i)
	}
}

// dropHeld drops what the limiters of a host hold back.
func (n *Network) dropHeld(host NodeID) {
	if n.limiters == nil {
		return
	}
	for _, g := range n.limiters[int(host)*model.Priorities:][:model.Priorities] {
		if g == nil {
			continue
		}
		for g.first != none {
			i := g.first
			g.first = n.pool.packets[i].next
			n.drop(i, g.link, model.HostDown)
		}
		n.kernel.Disarm(g.timer)
	}
}
