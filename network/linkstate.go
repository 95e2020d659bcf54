package network

import (
	"slices"

	"suspect/model"
)

// router is the link-state routing process of one switch, with the mechanisms of OSPF
// version 2 (RFC 2328) on point-to-point links in one area:
//
//   - the Hello protocol (sections 9.5 and 10.5), with the 2-way check, by which a link
//     that fails in one direction fails at both ends, and the inactivity timer;
//   - adjacencies (10.3), which are announced when they are full;
//   - router link state advertisements (12.4.1) with sequence numbers and checksums
//     (13.1), not originated more often than each MinLSInterval (12.4);
//   - reliable flooding (13 to 13.6) by update, acknowledgement and retransmission, with
//     MinLSArrival, and the advance beyond an own one from before a restart (13.4);
//   - shortest paths by Dijkstra's algorithm over links that both ends announce (16.1),
//     with all equal ones;
//   - the detection of failures by the carrier, and by BFD (RFC 5880, asynchronous mode).
//     An adjacency needs a session that is up (RFC 9355, strict mode);
//   - the times between a change and the routes: a delay, a hold time that doubles while
//     changes go on coming, and the time to write the forwarding table, entry by entry.
//
// All links have the metric 1, as the static routes count hops. The prefixes are hosts and
// switches: a host is a stub link of its switch, as long as the port to it has a carrier.
//
// Left out is what a network of such links does not need: areas, other networks than
// point-to-point links and designated routers, authentication, and options. Databases are
// exchanged without their description: when two routers become neighbours, each sends the
// other its whole database, by the flooding's own retransmission lists, and the adjacency
// is full at a router when all that was sent is acknowledged. As a link counts only if
// both ends announce it, that is once both have all. That costs more bytes than Database
// Description and Link State Request packets, and no fewer exchanges. LSAs do not age and
// are not refreshed (each half hour): the one of a router that is gone stays, and its links
// do not count since nobody confirms them. Acknowledgements are not delayed, and a router
// takes no time to process a packet.
//
// What it looks up is small: packets and ports are few at a time, so deadlines are found
// by scanning the ports.
type router struct {
	config *LinkState
	fabric *fabric
	self   int32
	random dice

	ports      []adjacency
	database   []*lsa       // by switch; nil: not known
	installed  []model.Time // by switch, when its LSA came by flooding
	claims     []localClaim // false announcements
	originated model.Time   // when it did so last, or before all time
	originate  model.Time   // when it will, or Never

	// Of the computation of routes.
	compute  model.Time // when it will be made, or Never
	computed model.Time // the last one, or before all time
	hold     model.Duration
	tree     pathTree

	// The routes that were computed last, by node: numbers in sets.
	sets     [][]LinkID // of equal next hops, in increasing order; the first is empty
	setOf    map[string]int32
	computes []int32
	writing  []NodeID   // nodes to which routes are still to be written, in this order
	written  model.Time // when the next one is, or Never
}

// adjacency is what a router keeps of one port: the interface and the neighbour data
// structure of the RFC (sections 9 and 10).
type adjacency struct {
	carrier  bool
	state    neighbourState
	hello    model.Time // when the next Hello is sent
	dead     model.Time // the inactivity timer
	resend   model.Time // when what is not acknowledged is sent again
	unacked  []lsaName  // the retransmission list, in the order of their sending
	named    bool       // by the neighbour's last Hello
	session  bfdState
	transmit model.Time // when the next BFD packet is sent
	detect   model.Time // when the session goes down
}

type neighbourState uint8

const (
	neighbourDown     neighbourState = iota
	neighbourInit                    // its Hellos come, but do not name this router
	neighbourExchange                // 2-Way, and the database is on its way
	neighbourFull
)

type bfdState uint8

const (
	bfdDown bfdState = iota
	bfdInit
	bfdUp
)

// lsa is a router LSA. It is immutable and shared.
type lsa struct {
	origin   int32 // the switch
	seq      int64
	checksum uint64   // stands for the LS checksum
	links    []LinkID // to full neighbours, in increasing order; they leave the switch
	stubs    []claim
}

// lsaName names an instance of an LSA.
type lsaName struct {
	origin   int32
	seq      int64
	checksum uint64
}

func (a *lsa) name() lsaName { return lsaName{a.origin, a.seq, a.checksum} }

// newer tells which of two instances is the newer one: 1, 0 or -1 (section 13.1).
func (a lsaName) newer(b lsaName) int {
	switch {
	case a == b:
		return 0
	case a.seq > b.seq, a.seq == b.seq && a.checksum > b.checksum:
		return 1
	}
	return -1
}

// before is so long before the run that no interval reaches it.
const before = -model.MaxTime

// The payloads of packets in bytes (RFC 2328, A.3 and A.4; RFC 5880, 4.1), in IPv4.
const (
	ipBytes         = 20
	ospfHeader      = 24
	helloBytes      = ipBytes + ospfHeader + 20
	helloNameBytes  = 4 // of the neighbour that it names
	updateBytes     = ipBytes + ospfHeader + 4
	lsaHeader       = 20
	routerLSABytes  = lsaHeader + 4
	lsaLinkBytes    = 12
	ackBytes        = ipBytes + ospfHeader
	bfdBytes        = ipBytes + 8 + 24
	mtu             = 1500
	bfdSlow         = model.Second // least interval of a session that is not up (RFC 5880, 6.8.3)
	linkStateBudget = mtu - updateBytes
)

func (a *lsa) bytes() int32 { return routerLSABytes + lsaLinkBytes*int32(len(a.links)+len(a.stubs)) }

// newRouter returns the routing process of a switch that knows nothing yet. The carrier
// of each port is as given.
func newRouter(c *LinkState, f *fabric, self int32, carrier []bool, random dice) *router {
	r := &router{
		config: c, fabric: f, self: self, random: random,
		ports:    make([]adjacency, len(f.switches[self])),
		database: make([]*lsa, len(f.switches)), installed: make([]model.Time, len(f.switches)),
		originated: before, originate: model.Never, compute: model.Never, computed: before, hold: c.SPFHold, written: model.Never,
		sets: [][]LinkID{nil}, setOf: map[string]int32{"": 0},
		computes: make([]int32, f.nodes()),
	}
	for i := range r.installed {
		r.installed[i] = before
	}
	for p := range r.ports {
		a := &r.ports[p]
		a.carrier = carrier[p]
		a.forget()
		a.hello, a.transmit, a.detect = model.Never, model.Never, model.Never
	}
	return r
}

// forget takes the neighbour of a port down.
func (a *adjacency) forget() {
	a.state, a.named, a.dead, a.resend, a.unacked = neighbourDown, false, model.Never, model.Never, a.unacked[:0]
}

// converged makes r know all that a router knows which has been running for long: the
// given database, full neighbours, sessions that are up, and the routes. Its next Hellos
// come at random times of the interval.
func (r *router) converged(now model.Time, database []*lsa) {
	copy(r.database, database)
	r.originated, r.computed = before, before
	for p := range r.ports {
		a := &r.ports[p]
		if r.fabric.switches[r.self][p].peer < 0 {
			continue
		}
		a.state, a.named = neighbourFull, true
		a.hello = now.Add(model.Duration(r.random.IntN(int(r.config.Hello))))
		a.dead = now.Add(r.config.Dead)
		if r.config.BFD != 0 {
			a.session = bfdUp
			a.transmit = now.Add(model.Duration(r.random.IntN(int(r.config.BFD))))
			a.detect = now.Add(r.detection(r.config.BFD))
		}
	}
	r.findRoutes()
	r.writing, r.written = nil, model.Never
}

// convergedDatabase returns the LSAs of all switches when everything works.
func convergedDatabase(f *fabric) []*lsa {
	database := make([]*lsa, len(f.switches))
	for s, ports := range f.switches {
		a := &lsa{origin: int32(s), seq: 1}
		for _, p := range ports {
			if p.peer < 0 {
				a.stubs = append(a.stubs, claim{host: p.to, metric: 1})
			} else {
				a.links = append(a.links, p.link)
			}
		}
		a.sum()
		database[s] = a
	}
	return database
}

// sum computes the checksum of a.
func (a *lsa) sum() {
	h := mix64(uint64(a.origin)<<32 ^ uint64(a.seq))
	for _, l := range a.links {
		h = mix64(h ^ uint64(l))
	}
	h = mix64(h)
	for _, s := range a.stubs {
		h = mix64(h ^ uint64(s.host)<<32 ^ uint64(uint32(s.metric)))
		if s.specific {
			h = mix64(h)
		}
	}
	a.checksum = h
}

func (r *router) step(now model.Time, in *controlInput, out *controlOutput) {
	r.expire(now, out)
	switch in.kind {
	case booted:
		r.boot(now, out)
	case arrived:
		r.receive(now, in.port, in.packet, out)
	case carrierChanged:
		r.carrierChanged(now, in.port, in.carrier, out)
	case claimed:
		r.claims = append(r.claims, in.claim)
		r.announce(now, out)
	case withdrawn:
		r.claims = without(r.claims, in.claim)
		r.announce(now, out)
	}
	out.wake = r.next()
}

// boot begins after a restart.
func (r *router) boot(now model.Time, out *controlOutput) {
	for p := range r.ports {
		if r.ports[p].carrier {
			r.open(now, int32(p), out)
		}
	}
	r.announce(now, out)
}

// open begins to talk to the neighbour on a port (the event InterfaceUp).
func (r *router) open(now model.Time, p int32, out *controlOutput) {
	a := &r.ports[p]
	if r.fabric.switches[r.self][p].peer < 0 {
		return
	}
	r.sendHello(now, p, out)
	if r.config.BFD != 0 {
		a.session, a.detect = bfdDown, model.Never
		r.sendBFD(now, p, out)
	}
}

// expire does what is due by now.
func (r *router) expire(now model.Time, out *controlOutput) {
	for p := range r.ports {
		a := &r.ports[p]
		if a.detect <= now {
			r.sessionDown(now, int32(p), out)
		}
		if a.dead <= now {
			r.lose(now, int32(p), out)
		}
		if a.resend <= now {
			r.resend(now, int32(p), out)
		}
		if a.hello <= now {
			r.sendHello(now, int32(p), out)
		}
		if a.transmit <= now {
			r.sendBFD(now, int32(p), out)
		}
	}
	if r.originate <= now {
		r.announce(now, out)
	}
	if r.compute <= now {
		r.compute, r.computed = model.Never, now
		idle := len(r.writing) == 0
		r.findRoutes()
		if idle && len(r.writing) > 0 {
			r.written = now.Add(r.config.FIBBase).Add(r.config.FIBPerHost)
		}
	}
	r.write(now, out)
}

// next returns when something is due.
func (r *router) next() model.Time {
	next := min(r.originate, r.compute, r.written)
	for p := range r.ports {
		a := &r.ports[p]
		next = min(next, a.hello, a.dead, a.resend, a.transmit, a.detect)
	}
	return next
}

func (r *router) carrierChanged(now model.Time, p int32, carrier bool, out *controlOutput) {
	a := &r.ports[p]
	if a.carrier == carrier {
		return
	}
	a.carrier = carrier
	switch {
	case r.fabric.switches[r.self][p].peer < 0:
		r.announce(now, out)
	case carrier:
		r.open(now, p, out)
	default:
		r.lose(now, p, out)
		a.hello, a.transmit, a.detect = model.Never, model.Never, model.Never
		a.session = bfdDown
	}
}

// lose takes the neighbour on a port down (the events InactivityTimer, LLDown and, by
// BFD, KillNbr).
func (r *router) lose(now model.Time, p int32, out *controlOutput) {
	a := &r.ports[p]
	full := a.state == neighbourFull
	a.forget()
	if full {
		r.announce(now, out)
	}
}

func (r *router) sendHello(now model.Time, p int32, out *controlOutput) {
	a := &r.ports[p]
	h := &controlPacket{kind: helloPacket, bytes: helloBytes, heard: a.state != neighbourDown}
	if h.heard {
		h.bytes += helloNameBytes
	}
	out.send = append(out.send, controlSend{p, h})
	a.hello = now.Add(r.config.Hello)
}

// receive takes a packet that came in by port p.
func (r *router) receive(now model.Time, p int32, x *controlPacket, out *controlOutput) {
	a := &r.ports[p]
	if !a.carrier {
		return // it is not known yet that there is one
	}
	switch x.kind {
	case helloPacket:
		r.receiveHello(now, p, x.heard, out)
	case bfdPacket:
		r.receiveBFD(now, p, x, out)
	case updatePacket:
		if a.state == neighbourInit {
			r.meet(now, p, out) // it would not send one otherwise (section 10.6)
		}
		if a.state >= neighbourExchange {
			r.receiveUpdate(now, p, x.lsas, out)
		}
	case ackPacket:
		if a.state >= neighbourExchange {
			for _, name := range x.acks {
				r.acknowledged(now, p, name, out)
			}
		}
	}
}

// receiveHello is section 10.5.
func (r *router) receiveHello(now model.Time, p int32, heard bool, out *controlOutput) {
	a := &r.ports[p]
	a.dead = now.Add(r.config.Dead)
	if a.state == neighbourDown {
		a.state = neighbourInit
	}
	a.named = heard
	switch {
	case !heard && a.state >= neighbourExchange: // 1-WayReceived
		r.lose(now, p, out)
		a.state, a.dead = neighbourInit, now.Add(r.config.Dead)
	case heard:
		r.meet(now, p, out)
	}
}

// meet begins to exchange databases with a neighbour that hears this router (the event
// 2-WayReceived).
func (r *router) meet(now model.Time, p int32, out *controlOutput) {
	a := &r.ports[p]
	if a.state != neighbourInit || r.config.BFD != 0 && a.session != bfdUp {
		return
	}
	a.state = neighbourExchange
	for _, known := range r.database {
		if known != nil {
			a.unacked = append(a.unacked, known.name())
		}
	}
	r.resend(now, p, out)
	r.checkFull(now, p, out)
}

// checkFull takes note that a neighbour has all that it was sent.
func (r *router) checkFull(now model.Time, p int32, out *controlOutput) {
	a := &r.ports[p]
	if len(a.unacked) > 0 {
		return
	}
	a.resend = model.Never
	if a.state == neighbourExchange {
		a.state = neighbourFull
		r.announce(now, out)
	}
}

// resend sends all that a neighbour has not acknowledged, in as few packets as it takes.
func (r *router) resend(now model.Time, p int32, out *controlOutput) {
	a := &r.ports[p]
	var batch []*lsa
	bytes := int32(0)
	flush := func() {
		if len(batch) > 0 {
			r.update(p, batch, bytes, out)
		}
		batch, bytes = nil, 0
	}
	for _, name := range a.unacked {
		known := r.database[name.origin]
		if bytes+known.bytes() > linkStateBudget {
			flush()
		}
		batch = append(batch, known)
		bytes += known.bytes()
	}
	flush()
	a.resend = now.Add(r.config.Retransmit)
}

// update sends LSAs of so many bytes together. A single one may be larger than the MTU,
// which IP would send in fragments.
func (r *router) update(p int32, batch []*lsa, bytes int32, out *controlOutput) {
	out.send = append(out.send, controlSend{p, &controlPacket{kind: updatePacket, bytes: updateBytes + bytes, lsas: batch}})
}

// receiveUpdate is the flooding procedure, section 13. Its steps have the numbers of the
// RFC.
func (r *router) receiveUpdate(now model.Time, p int32, lsas []*lsa, out *controlOutput) {
	var acks []lsaName
	var fresh []*lsa
	for _, x := range lsas {
		known := r.database[x.origin]
		order := 1
		if known != nil {
			order = x.name().newer(known.name())
		}
		switch {
		case order > 0: // (5)
			if known != nil && r.installed[x.origin].Add(r.config.LSAArrival) > now { // (a)
				continue
			}
			fresh = append(fresh, x) // (b)
			r.replace(now, x, out)   // (c) and (d)
			r.installed[x.origin] = now
			acks = append(acks, x.name()) // (e)
		case order == 0: // (7)
			if !r.acknowledged(now, p, x.name(), out) {
				acks = append(acks, x.name())
			}
		default: // (8)
			r.update(p, []*lsa{known}, known.bytes(), out)
		}
	}
	if len(acks) > 0 {
		out.send = append(out.send, controlSend{p, &controlPacket{kind: ackPacket, bytes: ackBytes + lsaHeader*int32(len(acks)), acks: acks}})
	}
	r.flood(now, p, fresh, out)
	for q := range r.ports { // what a neighbour lacked may be out of date now
		r.checkFull(now, int32(q), out)
	}
	for _, x := range fresh {
		if x.origin == r.self { // (f): of an earlier life (13.4)
			r.announce(now, out)
		}
	}
}

// flood sends new LSAs to all neighbours but the one that they came from (13.3).
func (r *router) flood(now model.Time, from int32, fresh []*lsa, out *controlOutput) {
	if len(fresh) == 0 {
		return
	}
	var all *controlPacket
	for p := range r.ports {
		a := &r.ports[p]
		if int32(p) == from || a.state < neighbourExchange {
			continue
		}
		if all == nil {
			all = &controlPacket{kind: updatePacket, bytes: updateBytes, lsas: fresh}
			for _, x := range fresh {
				all.bytes += x.bytes()
			}
		}
		for _, x := range fresh {
			a.unacked = append(a.unacked, x.name())
		}
		if a.resend == model.Never {
			a.resend = now.Add(r.config.Retransmit)
		}
		out.send = append(out.send, controlSend{int32(p), all})
	}
}

// acknowledged removes an LSA from the retransmission list of a port, if it is on it.
func (r *router) acknowledged(now model.Time, p int32, name lsaName, out *controlOutput) bool {
	a := &r.ports[p]
	i := slices.Index(a.unacked, name)
	if i < 0 {
		return false
	}
	a.unacked = slices.Delete(a.unacked, i, i+1)
	r.checkFull(now, p, out)
	return true
}

// replace puts an LSA into the database instead of the one of its origin that is there.
func (r *router) replace(now model.Time, x *lsa, out *controlOutput) {
	old := r.database[x.origin]
	r.database[x.origin] = x
	if old != nil {
		for p := range r.ports {
			a := &r.ports[p]
			if i := slices.Index(a.unacked, old.name()); i >= 0 {
				a.unacked = slices.Delete(a.unacked, i, i+1)
			}
		}
	}
	if old != nil && slices.Equal(old.links, x.links) && slices.Equal(old.stubs, x.stubs) {
		return
	}
	r.tellLinks(old, x, out)
	r.wantRoutes(now)
}

// announce originates the own LSA anew if it has changed, as soon as it may (12.4).
func (r *router) announce(now model.Time, out *controlOutput) {
	x := &lsa{origin: r.self, seq: 1}
	for p := range r.ports {
		port := &r.fabric.switches[r.self][p]
		switch {
		case port.peer >= 0:
			if r.ports[p].state == neighbourFull {
				x.links = append(x.links, port.link)
			}
		case r.ports[p].carrier:
			x.stubs = append(x.stubs, claim{host: port.to, metric: 1})
		}
	}
	for _, c := range r.claims {
		x.stubs = append(x.stubs, c.claim)
	}
	r.originate = model.Never
	if known := r.database[r.self]; known != nil {
		if slices.Equal(known.links, x.links) && slices.Equal(known.stubs, x.stubs) {
			return
		}
		x.seq = known.seq + 1
	}
	if next := r.originated.Add(r.config.LSAInterval); next > now {
		r.originate = next
		return
	}
	r.originated = now
	x.sum()
	r.replace(now, x, out)
	r.flood(now, -1, []*lsa{x}, out)
}

// wantRoutes plans the computation of routes after a change of the database.
func (r *router) wantRoutes(now model.Time) {
	if r.compute != model.Never {
		return
	}
	earliest := r.computed.Add(r.hold)
	if now < earliest {
		r.hold = min(2*r.hold, r.config.SPFMaxHold)
	} else {
		r.hold = r.config.SPFHold
	}
	r.compute = max(now.Add(r.config.SPFDelay), earliest)
}
