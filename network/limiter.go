package network

import (
	"fmt"
	"iter"

	"suspect/model"
	"suspect/sim"
)

// Limiter limits what one host sends at one priority.
type Limiter interface {
	// Admit is asked once for each packet, in the order of sending, at time now. It
	// returns when the packet may enter the output queue, now or later and not
	// before the packets admitted earlier, or false to refuse it. bytes is its
	// size on the wire. Times are those of the host's clock, which never decrease.
	Admit(now model.Time, bytes int32) (release model.Time, ok bool)
}

// limited is a limiter in its place, with the packets that it holds back.
type limited struct {
	Limiter
	host     NodeID
	lower    model.Priority
	new      packetList // those that it has not decided upon, where that takes time
	held     packetList // in the order of release, each with its local time as arrives
	decision sim.Timer  // of the first of new, where it takes time
	release  sim.Timer  // of the first of held
}

// packetList is a list of packets, of which the first one leaves first.
type packetList struct{ first, last int32 }

func (o *pool) push(l *packetList, i int32) {
	o.packets[i].next = none
	if l.first == none {
		l.first = i
	} else {
		o.packets[l.last].next = i
	}
	l.last = i
}

func (o *pool) pop(l *packetList) int32 {
	i := l.first
	l.first = o.packets[i].next
	return i
}

// admission is how the packets of one traffic meet the limiters of their hosts; nil
// is [SharedLimiter].
type admission struct {
	use LimiterUse
	own []*limited // by host and priority
}

func (n *Network) addAdmission(t *Traffic) *admission {
	var a *admission
	if t.Limiter != SharedLimiter {
		a = &admission{use: t.Limiter}
	}
	if n.traffic == nil {
		n.traffic = make(map[string]*admission)
	}
	n.traffic[t.Name] = a
	return a
}

// SetLimiter puts a limiter before the output queue of a host for the packets of
// one priority. Packets that it refuses go on at priority lower, where they meet the
// limiter of that, or are dropped if lower is the priority itself. It is called before
// the run, once for a host and priority. It panics if lower is above the priority.
func (n *Network) SetLimiter(host NodeID, priority model.Priority, l Limiter, lower model.Priority) {
	n.makeLimiters()
	at := place(host, priority)
	if n.limiters[at] != nil {
		panic(fmt.Sprintf("network: a second limiter of host %d at priority %d", host, priority))
	}
	n.limiters[at] = n.newLimited(at, host, priority, l, lower)
}

// SetOwnLimiter is SetLimiter for the packets of one traffic, which was added with
// [OwnLimiter] under the given name.
func (n *Network) SetOwnLimiter(traffic string, host NodeID, priority model.Priority, l Limiter, lower model.Priority) {
	n.makeLimiters()
	a := n.traffic[traffic]
	if a == nil || a.use != OwnLimiter {
		panic(fmt.Sprintf("network: no traffic %q has limiters of its own", traffic))
	}
	if a.own == nil {
		a.own = make([]*limited, n.topology.Hosts*model.Priorities)
	}
	at := place(host, priority)
	if a.own[at] != nil {
		panic(fmt.Sprintf("network: a second limiter of traffic %q on host %d at priority %d", traffic, host, priority))
	}
	a.own[at] = n.newLimited(len(n.limiters), host, priority, l, lower)
	n.limiters = append(n.limiters, a.own[at])
}

func (n *Network) makeLimiters() {
	if n.limiters == nil {
		n.limiters = make([]*limited, n.topology.Hosts*model.Priorities)
	}
}

// place is the index of a host and priority among limiters.
func place(host NodeID, priority model.Priority) int {
	return int(host)*model.Priorities + int(priority)
}

// newLimited returns limiter number at.
func (n *Network) newLimited(at int, host NodeID, priority model.Priority, l Limiter, lower model.Priority) *limited {
	if lower > priority {
		panic(fmt.Sprintf("network: a limiter of host %d at priority %d with demotion to %d", host, priority, lower))
	}
	g := &limited{
		Limiter: l, host: host, lower: lower, new: packetList{first: none}, held: packetList{first: none},
		release: n.kernel.NewTimer((*releases)(n), uint32(at)),
	}
	if n.processing > 0 {
		g.decision = n.kernel.NewTimer((*decisions)(n), uint32(at))
	}
	return g
}

// limiterOf returns the limiter that a host's packets of the priority meet first, or nil.
func (n *Network) limiterOf(host NodeID, priority model.Priority, a *admission) *limited {
	if n.limiters == nil || a != nil && a.use == NoLimiter {
		return nil
	}
	at := place(host, priority)
	if a != nil && a.own != nil && a.own[at] != nil {
		return a.own[at]
	}
	return n.limiters[at]
}

// limitersOf yields all limiters of a host.
func (n *Network) limitersOf(host NodeID) iter.Seq[*limited] {
	return func(yield func(*limited) bool) {
		if n.limiters == nil {
			return
		}
		first, own := place(host, 0), place(NodeID(n.topology.Hosts), 0)
		for _, some := range [...][]*limited{n.limiters[first : first+model.Priorities], n.limiters[own:]} {
			for _, g := range some {
				if g != nil && g.host == host && !yield(g) {
					return
				}
			}
		}
	}
}

// passes hands packet i to the limiter that it meets first. If it reports true the
// packet goes into the output queue at once, perhaps at a lower priority; otherwise it
// is held back or dropped.
func (n *Network) passes(i int32, x *packet, a *admission) bool {
	for g := n.limiterOf(x.from, x.priority(), a); g != nil; g = n.limiters[place(x.from, x.priority())] {
		if n.processing > 0 {
			if g.new.first == none {
				n.kernel.Arm(g.decision, n.kernel.Now().Add(n.processing))
			}
			n.pool.push(&g.new, i)
			return false
		}
		demoted, passed := n.decide(g, i, x)
		if !demoted {
			return passed
		}
	}
	return true
}

// decide asks limiter g about packet i. The packet is demoted, or passes at once, or is
// held back or dropped.
func (n *Network) decide(g *limited, i int32, x *packet) (demoted, passed bool) {
	now := n.LocalTime(g.host)
	at, ok := g.Admit(now, x.bytes)
	switch {
	case !ok && g.lower == x.priority():
		n.drop(i, n.uplinks[g.host], model.RateLimited)
		return false, false
	case !ok:
		x.flags = x.flags&^priorityBits | uint8(g.lower)
		return true, false
	case at <= now && g.held.first == none:
		n.emitReleased(g, x)
		return false, true
	}
	x.arrives = at
	if g.held.first == none {
		n.kernel.Arm(g.release, n.whenLocal(g.host, at))
	}
	n.pool.push(&g.held, i)
	return false, false
}

func (n *Network) emitReleased(g *limited, x *packet) {
	if n.kernel.Records.Wants(model.Released) {
		n.emit(model.Released, x, n.uplinks[g.host], 0)
	}
}

// decisions and releases are the network as the handler of its limiters' timers; the
// argument is the index of the limiter.
type (
	decisions Network
	releases  Network
)

// Fire decides upon a packet for which the limiter has taken its time.
func (d *decisions) Fire(arg uint32) {
	n := (*Network)(d)
	g := n.limiters[arg]
	i := n.pool.pop(&g.new)
	if g.new.first != none {
		n.kernel.Arm(g.decision, n.kernel.Now().Add(n.processing))
	}
	x := &n.pool.packets[i]
	demoted, passed := n.decide(g, i, x)
	if demoted {
		passed = n.passes(i, x, nil)
	}
	if passed {
		n.enqueue(n.uplinks[g.host], i)
	}
}

// Fire releases the packets whose time has come.
func (r *releases) Fire(arg uint32) {
	n := (*Network)(r)
	g := n.limiters[arg]
	now := n.LocalTime(g.host)
	for g.held.first != none {
		x := &n.pool.packets[g.held.first]
		if x.arrives > now {
			n.kernel.Arm(g.release, n.whenLocal(g.host, x.arrives))
			return
		}
		i := n.pool.pop(&g.held)
		n.emitReleased(g, x)
		n.enqueue(n.uplinks[g.host], i)
	}
}

// dropHeld drops what the limiters of a host hold back.
func (n *Network) dropHeld(host NodeID) {
	for g := range n.limitersOf(host) {
		for _, l := range [...]*packetList{&g.held, &g.new} {
			for l.first != none {
				n.drop(n.pool.pop(l), n.uplinks[host], model.HostDown)
			}
		}
		n.kernel.Disarm(g.release)
		if n.processing > 0 {
			n.kernel.Disarm(g.decision)
		}
	}
}

// heldBack counts what limiters hold back.
func (n *Network) heldBack() int {
	count := 0
	for _, g := range n.limiters {
		if g == nil {
			continue
		}
		for _, l := range [...]packetList{g.held, g.new} {
			for i := l.first; i != none; i = n.pool.packets[i].next {
				count++
			}
		}
	}
	return count
}
