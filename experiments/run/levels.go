package run

import (
	"cmp"
	"slices"

	"suspect/experiments/guarantee"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
	"suspect/properties"
)

// levels is a fold that follows the packets of QJUMP's levels from their sending to
// their end. All that it tells comes from records: a port's queue from the arrivals at
// its two ends, see [levels.crossed].
type levels struct {
	warmUp  model.Time
	ports   []port                 // by directed link
	index   [model.Priorities]int8 // in levels, or -1
	levels  []level                // in decreasing priority
	watched [model.Priorities]bool // packets of a level may be of this priority, perhaps by demotion
	under   map[uint64]*underway   // packets by their number
	free    *underway              // for reuse
}

// level is what was found of one level.
type level struct {
	priority               model.Priority
	latency, sending       properties.Durations
	sent, refused, demoted int64
	released, unlimited    int64
	delivered              int64
	lost                   [model.DropCauses]uint64
	slowest                slowest
	queues                 []queue // by directed link
	pairs                  map[hostPair]*pairLatency
}

// slowest is the packet with the longest time from release to delivery.
type slowest struct {
	packet                    uint64 // 0: none
	from, to                  model.ProcessID
	sent, released, delivered model.Time
	replication               int
}

func (s *slowest) took() model.Duration { return s.delivered.Sub(s.released) }

type hostPair struct{ from, to model.ProcessID }

type pairLatency struct {
	samples int64
	max     model.Duration
}

// underway is a packet that is neither delivered nor dropped.
type underway struct {
	priority model.Priority // at which it was sent, or that it was last demoted to
	entered  bool           // it is known to be behind the limiters, or past them
	released bool           // by a limiter
	at       model.Time     // of its release
	arrived  model.Time     // at the port where it is
	next     *underway
}

// queue is one level's output queue at one port: the packets in it that are known to
// have waited beyond the latest known arrival, and the most that there were.
type queue struct {
	waits   []wait // in the order of arrival, from first on
	first   int
	bytes   int64
	crossed int64

	peakBytes, peakPackets int64
	peakAt                 model.Time
	replication            int
}

// wait is a packet that waited until its transmission began.
type wait struct {
	until model.Time
	bytes int32
}

// newLevels returns a fold for s, or nil where it has no levels.
func newLevels(s *scenario.Scenario) *levels {
	if s.QJump == nil {
		return nil
	}
	f := &levels{warmUp: model.Time(s.WarmUp), ports: newPorts(s), under: map[uint64]*underway{}}
	for p := model.Priorities - 1; p >= 0; p-- {
		f.index[p] = -1
		if _, is := s.QJump.Level(model.Priority(p)); is {
			f.index[p] = int8(len(f.levels))
			f.watched[p], f.watched[s.QJump.Lower(model.Priority(p))] = true, true
			f.levels = append(f.levels, level{
				priority: model.Priority(p), queues: make([]queue, len(f.ports)), pairs: map[hostPair]*pairLatency{},
			})
		}
	}
	return f
}

// at returns the level of a priority, or nil.
func (f *levels) at(p model.Priority) *level {
	if f.index[p] < 0 {
		return nil
	}
	return &f.levels[f.index[p]]
}

// Kinds returns the records that the fold wants.
func (f *levels) Kinds() model.Kinds {
	return model.KindSet(model.Sent, model.Released, model.Hopped, model.Delivered, model.Dropped)
}

// Observe takes the next record.
func (f *levels) Observe(r *model.Record) {
	if !f.watched[r.Priority] {
		return
	}
	if r.Kind == model.Sent {
		// A packet comes to a level by demotion only from a level.
		if l := f.at(r.Priority); l != nil {
			l.sent++
			f.follow(r)
		}
		return
	}
	x := f.under[r.Packet]
	if x == nil {
		return
	}
	if r.Priority != x.priority {
		f.at(x.priority).demoted++
		x.priority = r.Priority
	}
	l := f.at(r.Priority)
	if l == nil {
		f.forget(r.Packet, x)
		return
	}
	switch r.Kind {
	case model.Released:
		l.released++
		x.released, x.entered = true, true
		x.at, x.arrived = r.At, r.At
	case model.Hopped:
		l.enter(x)
		f.crossed(l, x, r)
		x.arrived = r.At
	case model.Delivered:
		l.enter(x)
		f.crossed(l, x, r)
		f.deliver(l, x, r)
		f.forget(r.Packet, x)
	case model.Dropped:
		f.drop(l, x, r)
		f.forget(r.Packet, x)
	}
}

func (f *levels) follow(r *model.Record) {
	x := f.free
	if x == nil {
		x = &underway{}
	} else {
		f.free = x.next
	}
	*x = underway{priority: r.Priority, arrived: r.At}
	f.under[r.Packet] = x
}

func (f *levels) forget(packet uint64, x *underway) {
	delete(f.under, packet)
	x.next, f.free = f.free, x
}

// enter counts a packet that turns out to have passed no limiter.
func (l *level) enter(x *underway) {
	if !x.entered {
		x.entered = true
		l.unlimited++
	}
}

// crossed tells that a packet of the level came to the far end of a link, and so when
// its transmission began, and how long it waited before. A port sends packets of one
// priority in the order of their arrival, so that by now it is known of all that were
// there when this one arrived how long they stayed: what waited just after an arrival
// can be told, and between arrivals it does not grow.
func (f *levels) crossed(l *level, x *underway, r *model.Record) {
	p := &f.ports[r.Place]
	if p.hidden {
		return // it does not show when the transmission began
	}
	q := &l.queues[r.Place]
	q.crossed++
	for q.first < len(q.waits) && q.waits[q.first].until <= x.arrived {
		q.bytes -= int64(q.waits[q.first].bytes)
		q.first++
	}
	began := p.began(r)
	if began <= x.arrived {
		return
	}
	if q.first > len(q.waits)/2 {
		q.waits = q.waits[:copy(q.waits, q.waits[q.first:])]
		q.first = 0
	}
	q.waits = append(q.waits, wait{began, r.Bytes})
	q.bytes += int64(r.Bytes)
	if x.arrived >= f.warmUp {
		q.peakPackets = max(q.peakPackets, int64(len(q.waits)-q.first))
		if q.bytes > q.peakBytes {
			q.peakBytes, q.peakAt = q.bytes, x.arrived
		}
	}
}

// deliver measures a packet. Those that passed no limiter have no latency from their
// release.
func (f *levels) deliver(l *level, x *underway, r *model.Record) {
	l.delivered++
	if r.SentAt >= f.warmUp {
		l.sending.Add(r.At.Sub(r.SentAt))
	}
	if !x.released || x.at < f.warmUp {
		return
	}
	d := r.At.Sub(x.at)
	l.latency.Add(d)
	from, to := r.Peer, r.Process
	if l.slowest.packet == 0 || d > l.slowest.took() {
		l.slowest = slowest{packet: r.Packet, from: from, to: to, sent: r.SentAt, released: x.at, delivered: r.At}
	}
	p := l.pairs[hostPair{from, to}]
	if p == nil {
		p = &pairLatency{}
		l.pairs[hostPair{from, to}] = p
	}
	p.samples++
	p.max = max(p.max, d)
}

// drop counts a packet that was lost.
func (f *levels) drop(l *level, x *underway, r *model.Record) {
	switch {
	case r.Cause == model.RateLimited:
		l.refused++
		return
	case f.ports[r.Place].far(r):
		l.enter(x)
		f.crossed(l, x, r)
	case r.Cause == model.HostDown && !x.entered:
		return // it may have waited for its limiter
	default:
		l.enter(x)
	}
	l.lost[r.Cause]++
}

// merge adds what o, a fold of replication index, found.
func (f *levels) merge(o *levels, index int) {
	for i := range f.levels {
		f.levels[i].merge(&o.levels[i], index)
	}
}

func (l *level) merge(o *level, index int) {
	l.latency.Merge(&o.latency)
	l.sending.Merge(&o.sending)
	l.sent += o.sent
	l.refused += o.refused
	l.demoted += o.demoted
	l.released += o.released
	l.unlimited += o.unlimited
	l.delivered += o.delivered
	for cause, n := range o.lost {
		l.lost[cause] += n
	}
	if o.slowest.packet != 0 && (l.slowest.packet == 0 || o.slowest.took() > l.slowest.took()) {
		l.slowest = o.slowest
		l.slowest.replication = index
	}
	for i := range o.queues {
		q, x := &l.queues[i], &o.queues[i]
		q.crossed += x.crossed
		q.peakPackets = max(q.peakPackets, x.peakPackets)
		if x.peakBytes > q.peakBytes {
			q.peakBytes, q.peakAt, q.replication = x.peakBytes, x.peakAt, index
		}
	}
	for k, x := range o.pairs { // sums and maxima, so in any order
		p := l.pairs[k]
		if p == nil {
			p = &pairLatency{}
			l.pairs[k] = p
		}
		p.samples += x.samples
		p.max = max(p.max, x.max)
	}
}

// bounds returns what g promises of each priority, for properties. g may be nil.
func bounds(g *guarantee.Report) (all [model.Priorities]properties.Bound) {
	for p := range all {
		all[p].Why = "it is no level of QJUMP"
	}
	if g == nil {
		return all
	}
	for i := range g.Levels {
		l := &g.Levels[i]
		all[l.Priority] = properties.Bound{Why: l.Refused}
		if l.Bound != nil {
			all[l.Priority] = properties.Bound{Delay: l.Bound.Delay}
		}
	}
	return all
}

// results returns what was measured of each level beside what g guarantees. The
// topology has the names.
func (f *levels) results(g *guarantee.Report, t *network.Topology) []Level {
	var out []Level
	for i := range f.levels {
		l := &f.levels[i]
		pairs := l.slowestPairs()
		x := Level{
			Priority: int(l.priority), Latency: spread(&l.latency), FromSending: spread(&l.sending),
			Sent: l.sent, Refused: l.refused, Demoted: l.demoted, Released: l.released, Unlimited: l.unlimited,
			Delivered: l.delivered, Lost: drops(&l.lost), Ports: f.backlogs(l, t), Flows: l.flows(pairs, g, t),
			Pairs: []PairLatency{}, PairsSeen: len(l.pairs),
		}
		if s := &l.slowest; s.packet != 0 {
			x.Slowest = &SlowPacket{s.replication, s.packet, t.Names[s.from], t.Names[s.to], s.sent, s.released, s.delivered}
		}
		if b := g.Levels[i].Bound; b != nil && x.Latency.Count > 0 {
			x.Tightness, x.Beaten = tightness(x.Latency.Max, b.Delay), x.Latency.Max > b.Delay
		}
		for _, p := range pairs[:min(len(pairs), mostPairs)] {
			x.Pairs = append(x.Pairs, PairLatency{t.Names[p.from], t.Names[p.to], p.samples, p.max})
		}
		out = append(out, x)
	}
	return out
}

// tightness returns what share of a bound was reached.
func tightness(longest, bound model.Duration) *float64 {
	share := float64(longest) / float64(bound)
	return &share
}

// measuredPair is a pair of hosts with what was measured of it.
type measuredPair struct {
	hostPair
	pairLatency
}

// slowestPairs returns the pairs with any latency, the longest first.
func (l *level) slowestPairs() []measuredPair {
	pairs := make([]measuredPair, 0, len(l.pairs))
	for p, x := range l.pairs {
		pairs = append(pairs, measuredPair{p, *x})
	}
	slices.SortFunc(pairs, func(a, b measuredPair) int {
		return cmp.Or(cmp.Compare(b.max, a.max), cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
	return pairs
}

// flows returns what was measured of the lines of g's flows at the level; the slowest
// pairs come first.
func (l *level) flows(pairs []measuredPair, g *guarantee.Report, t *network.Topology) []FlowLatency {
	out := []FlowLatency{}
	place := make(map[int]int) // in out, by line
	for i := range g.Flows {
		if g.Flows[i].Priority == int(l.priority) {
			place[i] = len(out)
			out = append(out, FlowLatency{})
		}
	}
	for _, p := range pairs {
		line := g.Line(int(l.priority), network.NodeID(p.from), network.NodeID(p.to))
		if line < 0 {
			continue
		}
		x := &out[place[line]]
		if x.PairsSeen == 0 {
			x.Max, x.From, x.To, x.Tightness = p.max, t.Names[p.from], t.Names[p.to], tightness(p.max, g.Flows[line].Delay)
		}
		x.PairsSeen++
		x.Samples += p.samples
	}
	return out
}

// backlogs returns the ports that packets of the level crossed.
func (f *levels) backlogs(l *level, t *network.Topology) []PortBacklog {
	out := []PortBacklog{}
	for i := range l.queues {
		q := &l.queues[i]
		if q.crossed == 0 {
			continue
		}
		from, to := t.Ends(network.LinkID(i))
		out = append(out, PortBacklog{
			From: t.Names[from], To: t.Names[to], Host: f.ports[i].fromHost, Crossed: q.crossed,
			Bytes: q.peakBytes, Packets: q.peakPackets, Replication: q.replication, At: q.peakAt,
		})
	}
	slices.SortStableFunc(out, func(a, b PortBacklog) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return out
}
