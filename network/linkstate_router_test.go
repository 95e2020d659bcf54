package network

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"suspect/model"
	"suspect/sim"
)

// routerBench is the router of s0 in a triangle of switches without hosts but for h0 on s0, with
// nobody around it: what it sends is seen, and what it receives is made up.
type routerBench struct {
	*router
	now model.Time
	out controlOutput
}

func newBench(change func(*LinkState)) *routerBench {
	b := newBuilder(1)
	first := b.nodes(3, "s%d")
	b.link(first, first+1, testEdge)   // links 0 and 1, port 0 of s0
	b.link(first, first+2, testEdge)   // 2 and 3, port 1
	b.link(first+1, first+2, testEdge) // 4 and 5
	b.link(0, first, testEdge)         // port 2 of s0
	c := DefaultRouting(LinkStateRouting).LinkState
	c.LSAInterval = 0
	if change != nil {
		change(&c)
	}
	f := newFabric(&b.Topology)
	return &routerBench{router: newRouter(&c, f, 0, []bool{true, true, true}, sim.NewStream(1, "bench"))}
}

// does gives the router an input and returns what it sends, a line for each packet.
func (b *routerBench) does(in *controlInput) string {
	b.out.reset()
	b.step(b.now, in, &b.out)
	var lines []string
	for _, x := range b.out.send {
		line := fmt.Sprintf("%d:", x.port)
		switch p := x.packet; p.kind {
		case helloPacket:
			line += fmt.Sprintf("hello(%v)", p.heard)
		case updatePacket:
			line += "update"
			for _, a := range p.lsas {
				line += fmt.Sprintf(" s%d#%d%v", a.origin, a.seq, a.links)
			}
		case ackPacket:
			line += "ack"
			for _, a := range p.acks {
				line += fmt.Sprintf(" s%d#%d", a.origin, a.seq)
			}
		case bfdPacket:
			line += fmt.Sprintf("bfd(%d)", p.session)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, ", ")
}

func (b *routerBench) boots() string { return b.does(&controlInput{kind: booted}) }

func (b *routerBench) hears(port int32, p controlPacket) string {
	return b.does(&controlInput{kind: arrived, port: port, packet: &p})
}

// waits lets time pass, with a wake-up whenever the router wants one.
func (b *routerBench) waits(d model.Duration) string {
	var lines []string
	for end := b.now.Add(d); ; {
		b.now = min(b.next(), end)
		if text := b.does(&controlInput{}); text != "" {
			lines = append(lines, text)
		}
		if b.now == end {
			return strings.Join(lines, ", ")
		}
	}
}

func lsaOf(origin int32, seq int64, links ...LinkID) *lsa {
	a := &lsa{origin: origin, seq: seq, links: links}
	a.sum()
	return a
}

func updateOf(list ...*lsa) controlPacket { return controlPacket{kind: updatePacket, lsas: list} }

func (b *routerBench) expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("at %v, %s: %q, want %q", b.now, what, got, want)
	}
}

// meets makes the router a full neighbour of the switch at a port.
func (b *routerBench) meets(t *testing.T, port int32) {
	t.Helper()
	b.hears(port, controlPacket{kind: helloPacket, heard: true})
	var acks []lsaName
	for _, a := range b.database {
		if a != nil {
			acks = append(acks, a.name())
		}
	}
	b.hears(port, controlPacket{kind: ackPacket, acks: acks})
	b.hears(port, controlPacket{kind: ackPacket, acks: []lsaName{b.database[0].name()}})
	if b.ports[port].state != neighbourFull || len(b.ports[port].unacked) != 0 {
		t.Fatalf("port %d is in state %d", port, b.ports[port].state)
	}
}

// RFC 2328, sections 10.3, 10.5 and 12.4, step by step.
func TestRouterMeetsANeighbour(t *testing.T) {
	b := newBench(nil)
	b.expect(t, "it boots", b.boots(), "0:hello(false), 1:hello(false)")
	b.expect(t, "a hello that does not name it", b.hears(0, controlPacket{kind: helloPacket}), "")
	b.expect(t, "an update on a port without a neighbour", b.hears(1, updateOf(lsaOf(2, 1))), "")
	b.expect(t, "the next hellos", b.waits(10*model.Second), "0:hello(true), 1:hello(false)")
	b.expect(t, "a hello that names it", b.hears(0, controlPacket{kind: helloPacket, heard: true}), "0:update s0#1[]")
	b.expect(t, "no acknowledgement comes", b.waits(6*model.Second), "0:update s0#1[]")
	own := b.database[0].name()
	b.expect(t, "it comes", b.hears(0, controlPacket{kind: ackPacket, acks: []lsaName{own}}), "0:update s0#2[0]")
	b.expect(t, "the neighbour's database", b.hears(0, updateOf(lsaOf(1, 7, 1, 4), lsaOf(2, 3, 5))), "0:ack s1#7 s2#3")
	b.expect(t, "its acknowledgement by the same", b.hears(0, updateOf(b.database[0])), "")
	b.expect(t, "nothing is sent again", b.waits(3*model.Second), "")
	if !slices.Equal(b.tree.distance, []int32{0, -1, -1}) {
		t.Errorf("the distances are %v before the delay of 5 s is over", b.tree.distance)
	}
	b.waits(3 * model.Second)
	if !slices.Equal(b.tree.distance, []int32{0, 1, 2}) {
		t.Errorf("the distances are %v", b.tree.distance)
	}
	b.expect(t, "the neighbour restarts", b.hears(0, controlPacket{kind: helloPacket}), "")
	if b.database[0].seq != 3 || len(b.database[0].links) != 0 {
		t.Errorf("its own LSA is %v", b.database[0])
	}
}

// RFC 2328, section 13, by the steps of its list.
func TestFlooding(t *testing.T) {
	ready := func(change func(*LinkState)) *routerBench {
		b := newBench(change)
		b.boots()
		b.meets(t, 0)
		b.meets(t, 1)
		b.hears(0, controlPacket{kind: ackPacket, acks: []lsaName{b.database[0].name()}})
		return b
	}
	newest := lsaOf(1, 9, 1, 4)
	b := ready(nil)
	b.expect(t, "(5) a new one goes to the others", b.hears(0, updateOf(newest)), "0:ack s1#9, 1:update s1#9[1 4]")
	b.expect(t, "(7) the same from where it was sent to", b.hears(1, updateOf(newest)), "")
	b.expect(t, "(7) the same again", b.hears(0, updateOf(newest)), "0:ack s1#9")
	b.expect(t, "(8) an older one", b.hears(1, updateOf(lsaOf(1, 8))), "1:update s1#9[1 4]")
	b.expect(t, "(5a) a newer one within MinLSArrival", b.hears(0, updateOf(lsaOf(1, 10))), "")
	b.waits(model.Second)
	b.expect(t, "(5a) and after it", b.hears(0, updateOf(lsaOf(1, 10))), "0:ack s1#10, 1:update s1#10[]")
	b.expect(t, "what is not acknowledged is sent again", b.waits(5*model.Second), "1:update s1#10[]")
	b.expect(t, "the acknowledgement of another instance", b.hears(1, controlPacket{kind: ackPacket, acks: []lsaName{newest.name()}}), "")
	b.hears(1, controlPacket{kind: ackPacket, acks: []lsaName{lsaOf(1, 10).name()}})
	if b.ports[1].resend != model.Never {
		t.Error("it goes on after the acknowledgement")
	}

	// 13.1: at the same number the larger checksum is newer.
	x, y := lsaOf(2, 5, 3), lsaOf(2, 5, 5)
	if x.checksum > y.checksum {
		x, y = y, x
	}
	b.hears(0, updateOf(x))
	b.waits(2 * model.Second)
	b.hears(0, updateOf(y))
	b.waits(2 * model.Second)
	b.hears(0, updateOf(x))
	if b.database[2] != y {
		t.Error("the smaller checksum is taken for newer")
	}

	// 13.4: one's own from an earlier life.
	b = ready(nil)
	b.expect(t, "its own, of an earlier life", b.hears(0, updateOf(lsaOf(0, 40, 2))),
		"0:ack s0#40, 1:update s0#40[2], 0:update s0#41[0 2], 1:update s0#41[0 2]")

	// 12.4: MinLSInterval.
	b = ready(func(c *LinkState) { c.LSAInterval = 5 * model.Second })
	b.waits(20 * model.Second)
	seq := b.database[0].seq
	for range 3 {
		b.does(&controlInput{kind: carrierChanged, port: 2, carrier: false})
		b.does(&controlInput{kind: carrierChanged, port: 2, carrier: true})
	}
	b.does(&controlInput{kind: carrierChanged, port: 2, carrier: false})
	if b.database[0].seq != seq+1 {
		t.Errorf("it tells %d times within an instant", b.database[0].seq-seq)
	}
	b.waits(6 * model.Second)
	if b.database[0].seq != seq+1 {
		t.Errorf("it tells %d times, though all is as it told first", b.database[0].seq-seq)
	}
}

// RFC 5880, section 6.8.6: the handshake of three states, and who notices what.
func TestBFDHandshake(t *testing.T) {
	b := newBench(func(c *LinkState) { c.BFD, c.BFDMultiplier = 50*model.Millisecond, 3 })
	bfd := func(s bfdState, every model.Duration) controlPacket {
		return controlPacket{kind: bfdPacket, session: s, every: every}
	}
	b.expect(t, "it boots", b.boots(), "0:hello(false), 0:bfd(0), 1:hello(false), 1:bfd(0)")
	b.expect(t, "down", b.hears(0, bfd(bfdDown, model.Second)), "0:bfd(1)")
	b.expect(t, "a hello waits for the session", b.hears(0, controlPacket{kind: helloPacket, heard: true}), "")
	b.expect(t, "up", b.hears(0, bfd(bfdUp, model.Second)), "0:bfd(2), 0:update s0#1[]")
	b.hears(0, bfd(bfdUp, 50*model.Millisecond))
	begin := b.now
	for b.ports[0].session == bfdUp {
		b.waits(b.next().Sub(b.now))
	}
	if got := b.now.Sub(begin); got != 150*model.Millisecond {
		t.Errorf("the session ends %v after the last packet", got)
	}
	if b.ports[0].state != neighbourDown {
		t.Error("the adjacency outlives its session")
	}
	// The slow start: at most a packet a second, less the jitter.
	sent := strings.Count(b.waits(10*model.Second), "0:bfd(0)")
	if sent < 10 || sent > 14 {
		t.Errorf("%d packets in 10 s while the session is down", sent)
	}
}

// Early wake-ups are harmless.
func TestEarlyWakeUpsChangeNothing(t *testing.T) {
	run := func(early bool) string {
		r := fastLinkState()
		r.LinkState.BFD, r.LinkState.BFDMultiplier = 50*model.Millisecond, 3
		n := newRouted(t, LeafSpine(3, 2, 2, testEdge, testCore), r, 5)
		hash := new(sim.Hash)
		n.kernel.Records.Subscribe(model.AllKinds, hash.Observe)
		s := sim.NewStream(17, "failures")
		for i := range 6 {
			strike, heal := randomFailure(n, s)
			at := model.Time(i+1) * model.Time(model.Second)
			n.then(at, strike)
			n.then(at.Add(3*model.Second), heal)
		}
		for range 3000 {
			at, plane := model.Time(s.IntN(int(15*model.Second))), int32(s.IntN(5))
			n.then(at, func() {
				if early {
					n.planes.step(plane, &controlInput{kind: wakened})
				}
			})
		}
		runUntil(t, n, model.Time(15*model.Second))
		return hash.String()
	}
	if run(true) != run(false) {
		t.Error("they change the records")
	}
}
