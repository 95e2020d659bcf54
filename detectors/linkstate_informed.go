package detectors

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "link-state",
		Source: "ours, after the sensors in routers of Leners, Gupta, Aguilera, Walfish, \"Improving availability in distributed systems with failure informers\" (Pigeon), NSDI 2013, and the indirect evidence of Vogels, \"World wide failures\", SIGOPS European Workshop 1996",
		Doc:    "Listens to switches alone, keeps a map of what they hold for dead, and tells from it whether a peer is cut off, or its routes are not yet what they should be.",
		Claims: []model.Claim{
			{Class: model.P, Under: "only whole machines crash, which take their port down for as long; none of their links fails otherwise; switches that tell the truth, and no loss"},
		},
		Params: typedParams(
			model.Param{Name: "switches", Type: model.TextParam, Default: "ends",
				Doc: "who is asked: ends, the switches of the process and of its peers, which know the rest where they run a link-state protocol; or all"},
			model.Param{Name: "poll", Type: model.DurationParam, Default: "500ms",
				Doc: "period of the questions to each of them, which also show whether it can be reached"},
			model.Param{Name: "misses", Type: model.CountParam, Default: "2",
				Doc: "unanswered ones in a row after which it cannot: from 1 to 100"},
			model.Param{Name: "convergence", Type: model.DurationParam, Default: "1s",
				Doc: "how long routes may take to change after a link died, or after a switch last told that it had no way for a packet"},
			model.Param{Name: "queue", Type: model.CountParam, Default: "0",
				Doc: "bytes waiting at a port, or more, that make the paths through it congested; 0: congestion is not told"},
			model.Param{Name: "fresh", Type: model.DurationParam, Default: "250ms",
				Doc: "how long a word about a queue, or a marked packet, holds"}),
		Asks:  true,
		Typed: true,
		Kinds: []model.FailureKind{model.HostCrash, model.Congestion, model.RouteFailure, model.Partition, model.PolicyViolation},
		New:   newLinkState,
	})
}

// linkState sees what routers see. It subscribes to switches, and keeps the map of the
// network with the links that they hold for dead: the last word about a link counts. A link
// is dead if it is so in one direction, as it is to a routing protocol. On this map, where
// hosts forward nothing, it looks for paths between itself and each peer:
//
//	on the map                                          said            certainty
//	the port of the peer's switch to it is down         host crash      500: or its link was cut
//	  and was disabled by order                         partition       500: or it is dead, for which
//	                                                                    it was disabled
//	no path                                             partition       500: or all behind the cut
//	                                                                    lost power
//	  as its own link is dead                           partition       certain
//	none that routers use, but the port is up again     route failure   certain
//	no answer from its own switch, misses times         partition       500: or a loss, a rule
//	none from the peer's, but there is a path           route failure   500: or that switch is
//	                                                                    overloaded, a rule
//	a link died on a path that might have been taken,   route failure   that its flow did so
//	  less than convergence ago, and there is another
//	less than convergence ago a switch had no way for   route failure   certain
//	  a packet to the peer, or it went in a loop
//	less than that ago one told that a rule forbids it  policy          certain
//	queue bytes wait at a port on a path                congestion      that its flow goes there
//	a packet from the peer, or a drop, tells of it      congestion      certain
//
// Flows are taken to choose among the shortest paths with equal probability, there and back
// each for itself: so the certainty that a link was on the path is the share of the paths on
// which it lies, f, and of one of the two directions 1-(1-f)^2.
//
// It is blind to processes: one that crashed, hangs or is paused looks well, and so does a
// host whose port stays up. Its certainties hold only as far as the switches are right: what
// an interface loses silently, nobody knows, and what the cut part of the network holds
// cannot be heard. The bytes of a queue are those of all classes: what waits below the class
// of its flow does not hold that up, and is told as congestion all the same. Of a drop on the way, a packet must have been sent by somebody: it reads
// what comes as an answer to the messages of other detectors, and sends none to its peers.
type linkState struct {
	opinions
	self        model.ProcessID
	network     *model.Graph
	ways        *adjacency
	poll        model.Duration
	convergence model.Duration
	fresh       model.Duration
	queue       int64
	misses      uint8
	uplink      int32 // the link of its own host
	own         int   // the switch there, in switches

	switches []model.ProcessID // that are asked, increasing
	silent   []uint8           // of each: questions without an answer, the latest included, up to misses + 1
	next     model.Time        // of the next questions
	state    []linkWord        // by link
	dead     []bool            // likewise: by its state, not to be used
	shortest paths             // from itself, on the map without the dead links
	awaited  paths             // likewise, but with those that routers have yet to use again
	pairs    []linkStatePair
	timers   timers

	begin, end paths // scratch: from the ends of a link
}

// linkStatePair is what is kept of one peer.
type linkStatePair struct {
	access  int32 // its link
	at      int   // its switch, in switches
	lost    told  // what took away its last path; without end
	route   told
	policy  told
	crowded told
}

// linkWord is what was said of a link.
type linkWord uint8

const (
	portDown     linkWord = 1 << iota // by a switch at its end
	portDisabled                      // likewise, and by order
	viewDown                          // by a router, of its view
	portUp                            // by a switch at its end, while a router holds it for dead
)

func (w linkWord) dead() bool { return w&(portDown|viewDown) != 0 }

// told is something that a switch told, and until when it holds.
type told struct {
	until     model.Time
	certainty model.Certainty
	place     model.Place
	evidence  model.EvidenceKind
	from      model.ProcessID
}

func (t *told) reason() Reason { return Reason{Evidence: t.evidence, From: t.from, Place: t.place} }

func newLinkState(env Env, p model.Params) (model.Automaton, error) {
	if err := needsMap(env); err != nil {
		return nil, err
	}
	o, err := newOpinions(env, p)
	if err != nil {
		return nil, err
	}
	g := env.Map
	d := &linkState{opinions: o, self: env.Self, network: g, ways: newAdjacency(g), queue: p.Count("queue"),
		state: make([]linkWord, len(g.Links)), dead: make([]bool, len(g.Links)),
		pairs: make([]linkStatePair, len(env.Watch)), timers: newTimers(len(env.Watch)),
		shortest: newPaths(g.Nodes), awaited: newPaths(g.Nodes), begin: newPaths(g.Nodes), end: newPaths(g.Nodes)}
	if d.poll, err = duration(p, "poll", model.Picosecond); err != nil {
		return nil, err
	}
	if d.convergence, err = duration(p, "convergence", 0); err != nil {
		return nil, err
	}
	if d.fresh, err = duration(p, "fresh", model.Picosecond); err != nil {
		return nil, err
	}
	misses := p.Count("misses")
	if misses < 1 || misses > 100 {
		return nil, &model.ParamError{Name: "misses", Err: fmt.Errorf("%d is out of range: from 1 to 100", misses)}
	}
	d.misses = uint8(misses)
	attach := func(host model.ProcessID) (at model.ProcessID, link int32, err error) {
		at, direction := g.Uplink(host)
		if at < model.ProcessID(g.Hosts) {
			return at, 0, fmt.Errorf("host %d is not linked to a switch, and only switches are asked", host)
		}
		return at, direction / 2, nil
	}
	at, link, err := attach(env.Self)
	if err != nil {
		return nil, err
	}
	d.uplink = link
	d.switches = append(d.switches, at)
	homes := make([]model.ProcessID, len(env.Watch))
	for k, q := range env.Watch {
		if homes[k], d.pairs[k].access, err = attach(q); err != nil {
			return nil, err
		}
		d.switches = append(d.switches, homes[k])
	}
	switch which := p.Text("switches"); which {
	case "ends":
	case "all":
		for s := g.Hosts; s < g.Nodes; s++ {
			d.switches = append(d.switches, model.ProcessID(s))
		}
	default:
		return nil, &model.ParamError{Name: "switches", Err: fmt.Errorf("%q is neither ends nor all", which)}
	}
	slices.Sort(d.switches)
	d.switches = slices.Compact(d.switches)
	d.silent = make([]uint8, len(d.switches))
	d.own, _ = slices.BinarySearch(d.switches, at)
	for k := range d.pairs {
		d.pairs[k].at, _ = slices.BinarySearch(d.switches, homes[k])
	}
	d.reset()
	return d, nil
}

func (d *linkState) reset() {
	d.next = model.Never
	clear(d.silent)
	clear(d.state)
	clear(d.dead)
	for k := range d.pairs {
		x := &d.pairs[k]
		*x = linkStatePair{access: x.access, at: x.at}
	}
	d.timers.clear()
	d.search()
}

func (d *linkState) Step(now model.Time, in *model.Input, out *model.Output) {
	before := len(out.Verdicts)
	if d.next == model.Never {
		d.next = now.Add(d.poll)
		for _, s := range d.switches {
			ask(d.self, s, model.SwitchLayer, model.Subscribe, 0, now, out)
		}
	}
	if now >= d.next {
		d.askAll(now, out)
		d.settleAll(now, out)
	}
	for _, k := range d.timers.pop(now) {
		d.settle(k, now, out)
	}
	if in.Kind == model.Inform {
		d.inform(now, in.Evidence, out)
	}
	sortVerdicts(out.Verdicts[before:])
	out.Wake = min(d.next, d.timers.next())
}

// askAll asks all switches what they hold for dead.
func (d *linkState) askAll(now model.Time, out *model.Output) {
	for i, s := range d.switches {
		d.silent[i] = min(d.silent[i]+1, d.misses+1)
		ask(d.self, s, model.SwitchLayer, model.Query, -1, now, out)
	}
	d.next = now.Add(d.poll)
}

// inform takes evidence: of the switches that are asked, and of packets on their way to or
// from a peer.
func (d *linkState) inform(now model.Time, e *model.Evidence, out *model.Output) {
	switch e.Kind {
	case model.LinkState, model.PortState, model.QueueState:
		i, known := slices.BinarySearch(d.switches, e.From)
		if !known {
			return
		}
		if i == d.own && d.silent[i] > d.misses { // what kept it away kept all away
			for k := range d.silent {
				d.silent[k] = min(d.silent[k], 2)
			}
		}
		if d.silent[i] > 1 { // it may have forgotten who subscribed to it
			ask(d.self, e.From, model.SwitchLayer, model.Subscribe, 0, now, out)
		}
		d.silent[i] = 0
		d.ofSwitch(now, e)
		d.settleAll(now, out)
	case model.CongestionMark, model.Unreachable, model.TimeExceeded, model.Obituary:
		if k := d.peers.index(e.About); k >= 0 {
			d.ofPacket(&d.pairs[k], now, e)
			d.settle(k, now, out)
		}
	}
}

// ofSwitch takes the word of a switch on its links, ports or queues.
func (d *linkState) ofSwitch(now model.Time, e *model.Evidence) {
	switch e.Kind {
	case model.PortState:
		if link, ok := d.link(e.Place); ok {
			w := d.state[link]
			switch {
			case !e.Alive && e.Killed:
				w = w&^portUp | portDown | portDisabled
			case !e.Alive:
				w = w&^(portUp|portDisabled) | portDown
			case w&viewDown != 0:
				w = viewDown | portUp
			default:
				w = 0
			}
			d.turn(link, w, now, e)
		}
	case model.LinkState:
		d.ofView(e.Place, now, e)
		for _, place := range e.Links {
			d.ofView(place, now, e)
		}
		if last := d.next.Add(-d.poll); !e.Alive && answers(e, last-1, last) {
			d.revive(now, e)
		}
	case model.QueueState:
		if l, ok := e.Place.Link(); ok && int(l/2) < len(d.dead) && d.queue > 0 && e.Value >= d.queue {
			d.crowd(l, now, e)
		}
	}
}

// link returns the link of a place that is a direction of one.
func (d *linkState) link(p model.Place) (link int32, ok bool) {
	l, ok := p.Link()
	return l / 2, ok && int(l/2) < len(d.dead)
}

// ofView takes the word of a router on a link. One that it uses is not down.
func (d *linkState) ofView(place model.Place, now model.Time, e *model.Evidence) {
	if link, ok := d.link(place); ok && e.Alive {
		d.turn(link, 0, now, e)
	} else if ok {
		d.turn(link, d.state[link]|viewDown, now, e)
	}
}

// revive takes the answer of a switch to the last question: it lists all links that are
// dead, so of its own ones the others live. Word of that may have been lost.
func (d *linkState) revive(now model.Time, e *model.Evidence) {
	for _, w := range d.ways.of(e.From) {
		listed := func(p model.Place) bool { l, _ := p.Link(); return l/2 == w.link }
		if d.dead[w.link] && d.state[w.link]&portDisabled == 0 && !slices.ContainsFunc(e.Links, listed) {
			d.turn(w.link, 0, now, e)
		}
	}
}

// turn changes what was said of a link, by which it may die or live again.
func (d *linkState) turn(link int32, w linkWord, now model.Time, e *model.Evidence) {
	if d.state[link] == w {
		return
	}
	d.state[link] = w
	alive := !w.dead()
	if d.dead[link] == !alive {
		d.search()
		return
	}
	t := told{now.Add(d.convergence), 0, model.LinkPlace(2 * link), e.Kind, e.From}
	if !alive {
		ends := d.network.Links[link]
		d.begin.search(d.ways, ends[0], d.dead)
		d.end.search(d.ways, ends[1], d.dead)
		for k := range d.pairs {
			f := max(d.share(ends[0], &d.end, k), d.share(ends[1], &d.begin, k))
			t.certainty = f + model.Certainty(int(f)*int(model.Certain-f)/int(model.Certain))
			if x := &d.pairs[k]; t.certainty > 0 && (x.route.until <= now || x.route.certainty <= t.certainty) {
				x.route = t
			}
		}
	}
	d.dead[link] = !alive
	d.search()
	for k := range d.pairs {
		x := &d.pairs[k]
		if alive && x.route.place == t.place {
			x.route = told{}
		}
		switch {
		case d.shortest.reaches(d.peers.id(k)):
			x.lost = told{}
		case x.lost == told{}:
			x.lost = told{model.Never, 0, t.place, t.evidence, t.from}
		}
	}
}

// search looks for paths anew.
func (d *linkState) search() {
	d.shortest.search(d.ways, d.self, d.dead)
	awaiting := false
	for link, w := range d.state {
		if w&portUp != 0 {
			d.dead[link], awaiting = false, true
		}
	}
	if !awaiting {
		d.awaited.copyFrom(&d.shortest)
		return
	}
	d.awaited.search(d.ways, d.self, d.dead)
	for link, w := range d.state {
		d.dead[link] = w.dead()
	}
}

// crowd notes that much waits at the port that feeds a direction of a link.
func (d *linkState) crowd(l int32, now model.Time, e *model.Evidence) {
	u, v := d.network.Ends(l)
	d.begin.search(d.ways, u, d.dead)
	d.end.search(d.ways, v, d.dead)
	for k := range d.pairs {
		x := &d.pairs[k]
		t := told{now.Add(d.fresh), max(d.share(u, &d.end, k), d.share(v, &d.begin, k)), e.Place, e.Kind, e.From}
		if t.certainty > 0 && (x.crowded.until <= now || x.crowded.certainty <= t.certainty) {
			x.crowded = t
		}
	}
}

// share returns the share of the shortest paths to a peer that go to a node and from there
// over a link, to whose far end the other paths belong.
func (d *linkState) share(near model.ProcessID, far *paths, peer int) model.Certainty {
	q := d.peers.id(peer)
	if !d.shortest.reaches(q) || !d.shortest.reaches(near) || !far.reaches(q) || d.shortest.distance[near]+1+far.distance[q] != d.shortest.distance[q] {
		return 0
	}
	hi, lo := bits.Mul64(d.shortest.count[near]*far.count[q], uint64(model.Certain))
	share, _ := bits.Div64(hi, lo, d.shortest.count[q])
	return model.Certainty(min(share, uint64(model.Certain)))
}

// ofPacket takes what was told of a packet to or from a peer.
func (d *linkState) ofPacket(x *linkStatePair, now model.Time, e *model.Evidence) {
	t := told{now.Add(d.convergence), model.Certain, e.Place, e.Kind, e.From}
	cause := e.Cause
	switch e.Kind {
	case model.Unreachable:
		cause = model.NoRoute
	case model.TimeExceeded:
		cause = model.HopLimit
	case model.CongestionMark:
		cause = model.BufferFull
	}
	switch cause {
	case model.NoRoute, model.LinkDown, model.HopLimit:
		x.route = t
	case model.RuleDrop:
		x.policy = t
	case model.BufferFull:
		if t.until = now.Add(d.fresh); d.queue > 0 {
			x.crowded = t
		}
	}
}

func (d *linkState) settleAll(now model.Time, out *model.Output) {
	for k := range d.pairs {
		d.settle(k, now, out)
	}
}

// settle says of a peer what follows from all that is known.
func (d *linkState) settle(k int, now model.Time, out *model.Output) {
	x, id := &d.pairs[k], d.peers.id(k)
	say := func(kind model.FailureKind, holds bool, t told, lasts model.Duration) {
		if !holds {
			d.withdraw(k, kind, out)
			return
		}
		d.hold(k, now, model.Finding{Kind: kind, Certainty: t.certainty, Place: t.place, Lasts: lasts}, t.reason(), out)
	}
	noAnswer := func(i int) told {
		return told{certainty: model.Certain / 2, place: model.NodePlace(d.switches[i]), from: d.switches[i]}
	}
	access := d.dead[x.access] && d.state[x.access]&portDisabled == 0
	isolated, unheard := d.silent[d.own] > d.misses, d.silent[x.at] > d.misses
	cut := x.lost
	switch cut.certainty = model.Certain; {
	case isolated && (x.lost == told{}):
		cut = noAnswer(d.own)
	case access || !d.dead[d.uplink]:
		cut.certainty = model.Certain / 2
	}
	unused := !d.shortest.reaches(id) // by the routers
	parted := isolated || !d.awaited.reaches(id)
	say(model.HostCrash, parted && access && !isolated, cut, model.Forever)
	say(model.Partition, parted && (!access || isolated), cut, model.Forever)
	switch {
	case !parted && unused:
		cut.certainty = model.Certain
		say(model.RouteFailure, true, cut, 0)
	case !parted && unheard && x.route.until <= now:
		say(model.RouteFailure, true, noAnswer(x.at), 0)
	default:
		say(model.RouteFailure, !parted && x.route.until > now, x.route, x.route.until.Sub(now))
	}
	say(model.PolicyViolation, x.policy.until > now, x.policy, 0)
	say(model.Congestion, x.crowded.until > now, x.crowded, 0)
	next := model.Never
	for _, t := range []*told{&x.route, &x.policy, &x.crowded} {
		if t.until > now {
			next = min(next, t.until)
		} else {
			*t = told{}
		}
	}
	d.timers.set(k, next)
}

func (d *linkState) Clone() model.Automaton {
	c := *d
	c.opinions = d.opinions.clone()
	c.silent, c.state, c.dead = slices.Clone(d.silent), slices.Clone(d.state), slices.Clone(d.dead)
	c.pairs = slices.Clone(d.pairs)
	c.timers = d.timers.clone()
	n := d.network.Nodes
	c.shortest, c.awaited, c.begin, c.end = newPaths(n), newPaths(n), newPaths(n), newPaths(n)
	c.search()
	return &c
}

// AppendState writes the opinions, what is left until the next questions, who has not
// answered, the dead links, and what was told of each peer.
func (d *linkState) AppendState(b []byte, now model.Time) []byte {
	b = appendLeft(b, d.next, now)
	if d.next == model.Never {
		return b
	}
	b = d.opinions.appendState(b, now)
	b = append(b, d.silent...)
	for _, w := range d.state {
		b = append(b, byte(w))
	}
	for k := range d.pairs {
		x := &d.pairs[k]
		for _, t := range x.told() {
			b = appendUntil(b, t.until, now)
			if t.until <= now {
				continue
			}
			b = binary.AppendUvarint(b, uint64(t.certainty))
			b = binary.AppendVarint(b, int64(t.place))
			b = append(b, byte(t.evidence))
			b = binary.AppendVarint(b, int64(t.from))
		}
	}
	return b
}

func (x *linkStatePair) told() [4]*told { return [...]*told{&x.lost, &x.route, &x.policy, &x.crowded} }

func (d *linkState) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	d.reset()
	if d.next, b, err = loadLeft(b, now, d.poll); err != nil || d.next == model.Never {
		return b, err
	}
	if b, err = d.opinions.loadState(b, now); err != nil {
		return b, err
	}
	r := NewReader(b)
	for i := range d.silent {
		d.silent[i] = uint8(r.UpTo(uint64(d.misses) + 1))
	}
	for link := range d.state {
		d.state[link] = linkWord(r.UpTo(uint64(portDown | portDisabled | viewDown | portUp)))
		d.dead[link] = d.state[link].dead()
	}
	d.search()
	for k := range d.pairs {
		for _, t := range d.pairs[k].told() {
			if b, err = r.Rest(); err != nil {
				return b, err
			}
			if t.until, b, err = loadUntil(b, now); err != nil {
				return b, err
			}
			if r = NewReader(b); t.until == 0 {
				continue
			}
			t.certainty = model.Certainty(r.UpTo(uint64(model.Certain)))
			t.place = model.Place(r.Int())
			t.evidence = model.EvidenceKind(r.UpTo(math.MaxUint8))
			t.from = model.ProcessID(r.Int())
		}
		r.Fail(d.shortest.reaches(d.peers.id(k)) != (d.pairs[k].lost == told{}))
		d.timers.set(k, now) // what has passed by now
	}
	return r.Rest()
}

// adjacency is the links of each node of a map.
type adjacency struct {
	hosts model.ProcessID
	first []int32 // of each node, and of the end
	ways  []way
}

// way is a link as one of its ends has it.
type way struct {
	to   model.ProcessID
	link int32
}

func newAdjacency(g *model.Graph) *adjacency {
	a := &adjacency{hosts: model.ProcessID(g.Hosts), first: make([]int32, g.Nodes+1), ways: make([]way, 2*len(g.Links))}
	for _, l := range g.Links {
		a.first[l[0]]++
		a.first[l[1]]++
	}
	for n := range g.Nodes {
		a.first[n+1] += a.first[n]
	}
	for i := len(g.Links) - 1; i >= 0; i-- { // each takes the last free place of its node
		for k, n := range g.Links[i] {
			a.first[n]--
			a.ways[a.first[n]] = way{g.Links[i][1-k], int32(i)}
		}
	}
	return a
}

// of returns the links of a node.
func (a *adjacency) of(n model.ProcessID) []way {
	return a.ways[a.first[n]:a.first[n+1]]
}

// paths are the shortest ones from a node to the others, through switches alone.
type paths struct {
	distance []int32  // in links, -1: none
	count    []uint64 // of the paths, up to mostPaths
	queue    []model.ProcessID
}

const mostPaths = 1 << 31

func newPaths(nodes int) paths {
	return paths{make([]int32, nodes), make([]uint64, nodes), make([]model.ProcessID, 0, nodes)}
}

func (p *paths) reaches(n model.ProcessID) bool { return p.distance[n] >= 0 }

func (p *paths) copyFrom(q *paths) {
	copy(p.distance, q.distance)
	copy(p.count, q.count)
}

// search finds the shortest paths from a node that use no dead link, by breadth.
func (p *paths) search(a *adjacency, from model.ProcessID, dead []bool) {
	for n := range p.distance {
		p.distance[n], p.count[n] = -1, 0
	}
	p.distance[from], p.count[from] = 0, 1
	p.queue = append(p.queue[:0], from)
	for i := 0; i < len(p.queue); i++ {
		n := p.queue[i]
		if n < a.hosts && n != from {
			continue
		}
		for _, w := range a.of(n) {
			if dead[w.link] {
				continue
			}
			if p.distance[w.to] < 0 {
				p.distance[w.to] = p.distance[n] + 1
				p.queue = append(p.queue, w.to)
			}
			if p.distance[w.to] == p.distance[n]+1 {
				p.count[w.to] = min(p.count[w.to]+p.count[n], mostPaths)
			}
		}
	}
}
