package network

import (
	"fmt"
	"math/bits"
	"slices"

	"suspect/model"
	"suspect/sim"
)

// CongestionDefinition is a definition of congestion between two hosts, of a class of
// packets and in one direction. All of them hold only while the routes carry packets of the
// class there, and no rule drops them. Time is cut into slots, at whose ends the ports of
// the path are looked at: the output ports of the host and the switches. What rate limiters
// hold back is not counted.
type CongestionDefinition uint8

const (
	// ByReference: in more than the share Share of the slots of the trailing Window, a
	// reference packet of the pair's flow would, at the end of the slot, have been dropped
	// by a full queue on its path, or its waits would have been longer than Wait together.
	// The wait at a port is the rest of the transmission that is under way there and the
	// time of all packets that wait at the class or above, as they stand at that instant;
	// those that come later at higher priorities are left out. Slots before the truth was
	// followed, or in which the packet was not carried, count as slots without congestion.
	ByReference CongestionDefinition = iota
	// ByLoss: in more than the share Share of the slots of the trailing Window, some packet
	// of the class was lost by a full queue at a port of the path, as it is at the end of
	// the slot.
	ByLoss
	// ByDelay: at the end of the last slot, the waits of a reference packet, as of
	// ByReference, were longer than Wait together.
	ByDelay
	// ByUtilisation: at the end of the last slot, some port of the path had been
	// transmitting, packets of whatever class, for more than the share Utilisation of the
	// trailing Window.
	ByUtilisation
	// ByPersistence: at the end of the last slot, ByReference had held for Persistence or
	// longer without a break, and it holds on.
	ByPersistence
	CongestionDefinitions // the number of definitions
)

var congestionNames = [CongestionDefinitions]string{"reference", "loss", "delay", "utilisation", "persistence"}

// String returns the name of d in scenarios.
func (d CongestionDefinition) String() string {
	if d >= CongestionDefinitions {
		return fmt.Sprintf("congestion-definition(%d)", uint8(d))
	}
	return congestionNames[d]
}

// CongestionNames returns the names of all definitions, in their order.
func CongestionNames() []string { return congestionNames[:] }

// congestionTruth looks at the ports at the end of each slot: at those where packets wait,
// which tell when the first one does, and at those so slow that one packet in transmission
// matters. A path can only be over the limit if some port of it is over its part of the
// limit, so that paths without such a port are not looked at. Windows are kept for paths
// that were over the limit within them.
type congestionTruth struct {
	t       *Truth
	timer   sim.Timer
	at      [CongestionDefinitions]int // in a class's bits of trip.congested, or below 0
	slots   int                        // of a window
	words   int                        // of 64 slots
	most    int                        // slots that are no congestion yet
	slot    int                        // the present one, modulo slots
	stamp   uint32                     // of the present one
	longest int                        // number of links of a path
	least   model.Duration             // a wait at a port that cannot matter by itself

	backlogged []LinkID
	slow       []LinkID // where the largest packet lasts longer than least, or no reference packet may wait
	isSlow     []bool

	// Of each link, as the present slot sees it.
	seen  []uint32
	waits []model.Duration // by class
	full  []uint8          // bit i: the queue of class i

	lost   []uint8 // bit i: it lost a packet of class i in the present slot
	lossy  []LinkID
	idle   []model.Duration // by slot, until its end
	active []int32          // trips with a window
	broken []int32          // trips that are to be looked at because they fare otherwise

	windows []congestionWindow
	free    []int32
}

// congestionWindow is what was seen of a trip in the trailing window.
type congestionWindow struct {
	// over and lost have a bit for each class and slot of the window, and how many are set.
	over, lost           []uint64
	overCount, lostCount [model.Priorities]int

	// In the present slot.
	isOver, isLost, waits uint8 // bit i: of class i
	busy                  bool

	since [model.Priorities]model.Time // ByReference holds; or [model.Never]
}

// largestPacket is the most that a packet occupies on a link, in bytes.
var largestPacket = Ethernet.WireBytes(MaxPayload)

func (c *congestionTruth) init(t *Truth) {
	c.t = t
	c.longest = max(c.longest, 1)
	for d := range c.at {
		c.at[d] = slices.Index(t.config.Definitions, CongestionDefinition(d))
	}
	if len(t.config.Definitions) == 0 {
		return
	}
	links, classes := len(t.n.ports), len(t.config.Classes)
	c.slots = int(t.config.Window / t.config.Slot)
	c.words = (c.slots + 63) / 64
	const rounding = 1e-9 // of a share such as 29 %
	c.most = int(float64(t.config.Share*float64(c.slots)) + rounding)
	c.seen, c.full, c.isSlow = make([]uint32, links), make([]uint8, links), make([]bool, links)
	c.waits = make([]model.Duration, links*classes)
	c.setLeast()
	for l := range t.n.ports {
		p := &t.n.ports[l]
		p.flags |= portWatched
		if p.waiting != 0 {
			c.backlog(LinkID(l), p)
		}
	}
	if c.at[ByLoss] >= 0 {
		c.lost = make([]uint8, links)
		t.n.kernel.Records.Subscribe(model.KindSet(model.Dropped), c.drop)
	}
	if c.at[ByUtilisation] >= 0 {
		// Before the beginning all ports were idle.
		c.idle = make([]model.Duration, links*c.slots)
		for l := range t.n.ports {
			now := t.n.idle(LinkID(l))
			for k := range c.slots {
				c.idle[l*c.slots+k] = now - model.Duration((c.slots-k)%c.slots)*t.config.Slot
			}
		}
	}
	c.timer = t.n.kernel.NewTimer((*truthSlots)(t), 0)
	t.n.kernel.Arm(c.timer, t.n.kernel.Now().Add(t.config.Slot))
}

// lengthen takes in that a path has so many links.
func (c *congestionTruth) lengthen(links int) {
	if links <= c.longest {
		return
	}
	c.longest = links
	if c.slots > 0 {
		c.setLeast()
	}
}

// setLeast finds the wait at a port that cannot matter by itself.
func (c *congestionTruth) setLeast() {
	c.least = c.t.config.Wait / model.Duration(c.longest)
	for l := range c.isSlow {
		c.linkChanged(LinkID(l))
	}
}

// linkChanged takes in the rate of link l.
func (c *congestionTruth) linkChanged(l LinkID) {
	if c.slots == 0 || c.isSlow[l] || c.t.n.transmission(l, largestPacket) <= c.least && !c.isTight(l) {
		return
	}
	c.isSlow[l] = true
	c.slow = append(c.slow, l)
}

// isTight tells whether a reference packet finds no room at port l even where nothing waits.
func (c *congestionTruth) isTight(l LinkID) bool {
	p := &c.t.n.ports[l]
	return p.flags&portUnlimited == 0 && int64(c.t.bytes) > p.maxBytes
}

// backlog takes note that packets wait at port l.
func (c *congestionTruth) backlog(l LinkID, p *port) {
	p.flags &^= portWatched
	c.backlogged = append(c.backlogged, l)
}

// drop takes note of a packet that a full queue lost.
func (c *congestionTruth) drop(r *model.Record) {
	if r.Cause != model.BufferFull {
		return
	}
	i := slices.Index(c.t.config.Classes, r.Priority)
	if i < 0 {
		return
	}
	if c.lost[r.Place] == 0 {
		c.lossy = append(c.lossy, LinkID(r.Place))
	}
	c.lost[r.Place] |= 1 << i
}

// idle returns for how long port l has not been transmitting, in all.
func (n *Network) idle(l LinkID) model.Duration {
	p := &n.ports[l]
	if p.waiting != 0 && p.flags&portTwoEvent == 0 {
		n.settle(l, p)
	}
	return p.idle + max(n.kernel.Now().Sub(p.free), 0)
}

// truthSlots are the truth as the handler of the timer of its slots.
type truthSlots Truth

// Fire ends a slot.
func (s *truthSlots) Fire(uint32) {
	t := (*Truth)(s)
	t.settle()
	t.congestion.sample()
	t.tell()
	t.n.kernel.Arm(t.congestion.timer, t.n.kernel.Now().Add(t.config.Slot))
}

// sample looks at the ports at the end of a slot.
func (c *congestionTruth) sample() {
	n := c.t.n
	c.stamp++
	c.slot = (c.slot + 1) % c.slots
	waiting := c.backlogged
	c.backlogged = c.backlogged[:0]
	for _, l := range waiting {
		p := &n.ports[l]
		if p.flags&portTwoEvent == 0 {
			n.settle(l, p)
		}
		if p.waiting == 0 {
			p.flags |= portWatched
			continue
		}
		c.backlogged = append(c.backlogged, l)
		c.consider(l)
	}
	now := n.kernel.Now()
	for _, l := range c.slow {
		if rest := n.ports[l].free.Sub(now); rest > c.least || rest > 0 && c.isTight(l) {
			c.consider(l)
		}
	}
	for _, l := range c.lossy {
		classes := c.lost[l]
		c.lost[l] = 0
		c.t.each(l, func(i int32) {
			if x := &c.t.trips[i]; x.flags&isCarried != 0 && classes&^x.ruled != 0 {
				c.window(i).isLost |= classes &^ x.ruled
			}
		})
	}
	c.lossy = c.lossy[:0]
	if c.idle != nil {
		c.sampleUtilisation()
	}
	kept := c.active[:0]
	for _, i := range c.active {
		if c.endSlot(i) {
			kept = append(kept, i)
		}
	}
	c.active = kept
}

// sampleUtilisation looks for ports that transmitted too much.
func (c *congestionTruth) sampleUtilisation() {
	window := c.t.config.Window
	most := float64(c.t.config.Utilisation) * float64(window)
	for l := range LinkID(len(c.t.n.ports)) {
		now, then := c.t.n.idle(l), &c.idle[int(l)*c.slots+c.slot]
		busy := window - (now - *then)
		*then = now
		if float64(busy) > most {
			c.t.each(l, func(i int32) {
				if c.t.trips[i].flags&isCarried != 0 {
					c.window(i).busy = true
				}
			})
		}
	}
}

// consider looks at the trips over port l if its wait can matter.
func (c *congestionTruth) consider(l LinkID) {
	c.look(l)
	classes := len(c.t.config.Classes)
	matters := c.full[l] != 0
	for _, w := range c.waits[int(l)*classes:][:classes] {
		matters = matters || w > c.least
	}
	if matters {
		c.t.each(l, c.measure)
	}
}

// look finds out how long a reference packet of each class would wait at port l.
func (c *congestionTruth) look(l LinkID) {
	if c.seen[l] == c.stamp {
		return
	}
	c.seen[l] = c.stamp
	n, classes := c.t.n, c.t.config.Classes
	p := &n.ports[l]
	if p.waiting != 0 && p.flags&portTwoEvent == 0 {
		n.settle(l, p)
	}
	rest := max(p.free.Sub(n.kernel.Now()), 0)
	c.full[l] = 0
	for i, class := range classes {
		wait := &c.waits[int(l)*len(classes)+i]
		*wait = rest
		if rest == 0 && p.waiting == 0 {
			continue
		}
		ahead := int64(0)
		for k := class; k < model.Priorities; k++ {
			if p.waiting>>k&1 != 0 {
				ahead += p.bytes[k]
			}
		}
		*wait = plus(rest, n.transmissionOf(l, ahead))
		if p.flags&portUnlimited == 0 && (p.packets[class] >= p.maxPacket || p.bytes[class]+int64(c.t.bytes) > p.maxBytes) {
			c.full[l] |= 1 << i
		}
	}
}

// transmissionOf returns how long so many bytes occupy link l, rounded up to a picosecond,
// and at most [model.MaxTime].
func (n *Network) transmissionOf(l LinkID, bytes int64) model.Duration {
	if ps := n.ports[l].psPerByte; ps != 0 {
		if hi, lo := bits.Mul64(uint64(bytes), uint64(ps)); hi == 0 && lo <= uint64(model.MaxTime) {
			return model.Duration(lo)
		}
		return model.Duration(model.MaxTime)
	}
	hi, lo := bits.Mul64(uint64(bytes)*8, uint64(model.Second))
	if hi >= uint64(n.rates[l]) {
		return model.Duration(model.MaxTime)
	}
	q, rest := bits.Div64(hi, lo, uint64(n.rates[l]))
	if rest != 0 {
		q++
	}
	return model.Duration(min(q, uint64(model.MaxTime)))
}

// plus returns a + b, at most [model.MaxTime]. Neither is negative.
func plus(a, b model.Duration) model.Duration {
	if a > model.Duration(model.MaxTime)-b {
		return model.Duration(model.MaxTime)
	}
	return a + b
}

// measure finds out how reference packets of each class would fare on a trip.
func (c *congestionTruth) measure(i int32) {
	x := &c.t.trips[i]
	if x.sampled == c.stamp {
		return
	}
	x.sampled = c.stamp
	if x.flags&isCarried == 0 {
		return
	}
	path, classes := c.t.pathOf(x), len(c.t.config.Classes)
	over, waits := uint8(0), uint8(0)
	for _, l := range path {
		c.look(l)
		over |= c.full[l]
	}
	for k := range classes {
		sum := model.Duration(0)
		for _, l := range path {
			sum = plus(sum, c.waits[int(l)*classes+k])
		}
		if sum > c.t.config.Wait {
			waits |= 1 << k
		}
	}
	over |= waits
	if over &^= x.ruled; over != 0 {
		w := c.window(i)
		w.isOver, w.waits = over, waits&^x.ruled
	}
}

// window returns the window of a trip.
func (c *congestionTruth) window(i int32) *congestionWindow {
	x := &c.t.trips[i]
	if x.window != none {
		return &c.windows[x.window]
	}
	if end := len(c.free) - 1; end >= 0 {
		x.window = c.free[end]
		c.free = c.free[:end]
	} else {
		x.window = int32(len(c.windows))
		all := make([]uint64, 2*len(c.t.config.Classes)*c.words)
		c.windows = append(c.windows, congestionWindow{over: all[:len(all)/2], lost: all[len(all)/2:]})
	}
	w := &c.windows[x.window]
	for k := range w.since {
		w.since[k] = model.Never
	}
	c.active = append(c.active, i)
	return w
}

// endSlot moves the window of a trip on by the present slot, and tells whether it is still
// wanted.
func (c *congestionTruth) endSlot(i int32) bool {
	x := &c.t.trips[i]
	w := &c.windows[x.window]
	before := x.congested
	x.congested = 0
	wanted := w.busy || w.waits != 0
	for k := range c.t.config.Classes {
		c.count(w.over, &w.overCount[k], k, w.isOver>>k&1 != 0)
		c.count(w.lost, &w.lostCount[k], k, w.isLost>>k&1 != 0)
		wanted = wanted || w.overCount[k] != 0 || w.lostCount[k] != 0
		c.put(x, k, ByReference, w.overCount[k] > c.most)
		c.put(x, k, ByLoss, w.lostCount[k] > c.most)
		c.put(x, k, ByDelay, w.waits>>k&1 != 0)
		c.put(x, k, ByUtilisation, w.busy)
		c.persist(x, w, k)
	}
	w.isOver, w.isLost, w.waits, w.busy = 0, 0, 0, false
	if x.congested != before {
		c.t.touchBoth(x)
	}
	if !wanted {
		c.free = append(c.free, x.window)
		x.window = none
	}
	return wanted
}

// count puts whether class k had a bad slot into its bits, in the place of that which
// leaves the window.
func (c *congestionTruth) count(set []uint64, number *int, k int, is bool) {
	word, bit := &set[k*c.words+c.slot/64], uint64(1)<<(c.slot%64)
	if *word&bit != 0 {
		*number--
		*word &^= bit
	}
	if is {
		*number++
		*word |= bit
	}
}

// put says whether congestion of class k holds by definition d.
func (c *congestionTruth) put(x *trip, k int, d CongestionDefinition, holds bool) {
	if c.at[d] >= 0 && holds {
		x.congested |= 1 << (k*len(c.t.config.Definitions) + c.at[d])
	}
}

// persist finds out since when ByReference holds for class k.
func (c *congestionTruth) persist(x *trip, w *congestionWindow, k int) {
	now := c.t.n.kernel.Now()
	holds := w.overCount[k] > c.most && x.flags&isCarried != 0 && x.ruled>>k&1 == 0
	switch {
	case !holds:
		w.since[k] = model.Never
	case w.since[k] == model.Never:
		w.since[k] = now
	}
	c.put(x, k, ByPersistence, holds && now.Sub(w.since[k]) >= c.t.config.Persistence)
}

// interrupted takes note that a trip fares otherwise than before.
func (c *congestionTruth) interrupted(i int32) {
	if c.t != nil && c.t.trips[i].window != none {
		c.broken = append(c.broken, i)
	}
}

// settleBroken lets congestion that ceased to hold begin anew to persist.
func (c *congestionTruth) settleBroken() {
	for _, i := range c.broken {
		x := &c.t.trips[i]
		if x.window == none {
			continue
		}
		for k := range c.t.config.Classes {
			if x.flags&isCarried == 0 || x.ruled>>k&1 != 0 {
				c.windows[x.window].since[k] = model.Never
				if at := c.at[ByPersistence]; at >= 0 {
					x.congested &^= 1 << (k*len(c.t.config.Definitions) + at)
				}
			} else if w := &c.windows[x.window]; w.overCount[k] > c.most && w.since[k] == model.Never {
				w.since[k] = c.t.n.kernel.Now()
			}
		}
	}
	c.broken = c.broken[:0]
}

// of returns which classes are congested on a trip, by which definitions.
func (c *congestionTruth) of(x *trip) uint64 {
	if x.congested == 0 || x.flags&isCarried == 0 {
		return 0
	}
	d := len(c.t.config.Definitions)
	s := x.congested
	for r := x.ruled; r != 0; r &= r - 1 {
		s &^= (1<<d - 1) << (bits.TrailingZeros8(r) * d)
	}
	return s
}
