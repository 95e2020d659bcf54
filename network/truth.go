package network

import (
	"fmt"
	"math/bits"
	"slices"
	"sort"

	"suspect/model"
	"suspect/sim"
)

// Truth is the ground truth: for every ordered pair (p, q) of processes that it follows,
// which kinds of failure hold between them, from the state of the network and not from what
// anybody could know. It tells every change by [model.FailureBegan] and
// [model.FailureEnded], at the end of the instant in which it came about, so that what
// strikes and heals in one instant is not told.
//
// A pair has a truth only while p's process is up: what holds for a crashed p ends with its
// crash and begins anew with its recovery, since nobody is there who could be asked to see
// it. While q's host is down, that is all that holds.
//
//   - Host crash: q's host is down.
//   - Process crash: q's process is down, and its host is up.
//   - Partition: q's host is up, and no path of working elements leads from p to q
//     (forward) or from q to p (backward). Directions of links work that are not down, that do
//     not lose every packet, and whose interfaces are not silent; switches work that are up. What routes and rules
//     make of the path does not matter.
//   - Route failure: there is such a path both ways, and yet the routes that are installed
//     do not lead the pair's flow from p to q (forward) or from q to p (backward): a
//     switch has no route, or one over what does not work or to another host, or the
//     routes make a loop. A rule that drops packets is none.
//   - Policy violation: a packet of the pair's own class and flow comes to a switch that
//     drops it by a rule, or crosses a forbidden place, in the direction given.
//   - Congestion of a class, in a direction: see [CongestionDefinition]. It holds only
//     while the routes carry the class's packets in that direction.
//   - Corruption: the routes carry the pair's packets in the direction, and the links on
//     its path damage more than the share Corruption of them, noticed or not.
//   - Route instability: the installed route in the direction changed in more than Changes
//     instants of the trailing time Flaps. A link that goes down is no change of the
//     route; that a protocol routes around it is one.
//   - Stall: q's process is up and paused, or takes on average at least Slow for an input.
//   - Wedge: q's process is up, and its application makes no progress.
//
// The work follows the changes: of each pair the path in both directions is known, and by
// each link and host the pairs that depend on it. A change looks at these alone, and at
// others if it parts switches from each other. Pairs of hosts on the same two switches
// share what is known of the paths between these.
type Truth struct {
	n      *Network
	config TruthConfig
	bytes  int32 // of a reference packet on the wire

	pairs []truthPair // by p and q
	first []int32     // by p, and the number of pairs: where those of p begin
	about [][]int32   // pairs by q

	trips    []trip    // by from and to
	leaving  [][]int32 // trips by the host that they leave, in the order of the one they reach
	reaching [][]int32 // trips by the host that they reach
	crossing []crossers
	arena    []LinkID    // of paths
	route    []LinkID    // the one that is being found
	into     [][]LinkID  // links by the node that they reach
	changes  flapHistory // of routes

	switches             // which of them reach which
	intact     []float64 // by link: probability that a packet is not damaged
	forbidden  []bool    // by link: it or the switch that it reaches
	congestion congestionTruth

	// What has to be looked at before the truth is known again.
	changedLinks    []LinkID
	linkChanged     []bool
	changedSwitches []NodeID
	switchChanged   []bool
	reroutedAt      []NodeID
	switchRerouted  []bool
	reroutedTo      []switchRoute
	dirtyTrips      []int32
	dirtyPairs      []int32
	telling         []int32 // scratch

	instant sim.Timer    // the end of the present instant
	record  model.Record // lent to subscribers
	stamp   uint32       // of what was looked at last
}

// truthPair is an ordered pair of processes.
type truthPair struct {
	p, q              model.ProcessID
	forward, backward int32 // trips
	told              pairState
	isDirty           bool
}

// pairState is what holds of a pair: two bits for each kind of failure but congestion,
// which are its directions, or both for a kind that has none; and for each direction one
// bit for each class and definition of congestion.
type pairState struct {
	kinds             uint32
	forward, backward uint64
}

// directions returns those in which a kind other than congestion holds.
func (s *pairState) directions(k model.FailureKind) model.Directions {
	return model.Directions(s.kinds>>(2*k)) & model.Both
}

func (s *pairState) set(k model.FailureKind, d model.Directions) { s.kinds |= uint32(d) << (2 * k) }

// congested returns the directions of congestion number i.
func (s *pairState) congested(i int) model.Directions {
	return model.Directions(s.forward>>i&1) | model.Directions(s.backward>>i&1)<<1
}

// WatchTruth follows the ground truth from now on. It is called once, after [New] and
// before the run. It returns an error if c is not valid.
func (n *Network) WatchTruth(c TruthConfig) (*Truth, error) {
	if n.truth != nil {
		panic("network: the ground truth is followed already")
	}
	if err := c.Validate(&n.topology); err != nil {
		return nil, fmt.Errorf("ground truth: %w", err)
	}
	if c.Bytes == 0 {
		c.Bytes = max(n.payload, 1)
	}
	links, nodes, hosts := len(n.ports), len(n.topology.Names), n.topology.Hosts
	t := &Truth{
		n: n, config: c, bytes: n.WireBytes(c.Bytes),
		about: make([][]int32, hosts), leaving: make([][]int32, hosts), reaching: make([][]int32, hosts),
		crossing: make([]crossers, links), into: make([][]LinkID, nodes),
		intact: make([]float64, links), forbidden: make([]bool, links),
		linkChanged: make([]bool, links), switchChanged: make([]bool, nodes), switchRerouted: make([]bool, nodes),
	}
	for l := range LinkID(links) {
		_, to := n.topology.Ends(l)
		t.into[to] = append(t.into[to], l)
		t.intact[l] = n.intact(l)
	}
	for _, place := range c.Forbidden {
		if l, ok := place.Link(); ok {
			t.forbidden[l] = true
		} else if s, ok := place.Node(); ok {
			for _, l := range t.into[s] {
				t.forbidden[l] = true
			}
		}
	}
	t.addPairs()
	t.switches.init(n)
	t.sortByEnds()
	for i := range t.trips {
		t.reroute(int32(i))
		t.evaluate(int32(i))
	}
	t.instant = n.kernel.NewTimer((*truthInstants)(t), 0)
	t.changes.init(t)
	t.congestion.init(t)
	for i := range t.pairs {
		t.touch(int32(i))
	}
	n.kernel.Records.Subscribe(truthRecords, t.observe)
	n.truth = t
	t.awaken()
	return t, nil
}

// addPairs makes the pairs and their trips.
func (t *Truth) addPairs() {
	hosts := t.n.topology.Hosts
	type end struct{ from, to NodeID }
	var ends []end
	add := func(p, q model.ProcessID) {
		t.about[q] = append(t.about[q], int32(len(t.pairs)))
		t.pairs = append(t.pairs, truthPair{p: p, q: q})
		ends = append(ends, end{NodeID(p), NodeID(q)}, end{NodeID(q), NodeID(p)})
	}
	t.first = make([]int32, hosts+1)
	for p := range model.ProcessID(hosts) {
		t.first[p] = int32(len(t.pairs))
		if t.config.Pairs != nil {
			for _, q := range t.config.Pairs[p] {
				add(p, q)
			}
			continue
		}
		for q := range model.ProcessID(hosts) {
			if p != q {
				add(p, q)
			}
		}
	}
	t.first[hosts] = int32(len(t.pairs))
	slices.SortFunc(ends, func(a, b end) int {
		if a.from != b.from {
			return int(a.from - b.from)
		}
		return int(a.to - b.to)
	})
	ends = slices.Compact(ends)
	t.trips = make([]trip, len(ends))
	for i, e := range ends {
		t.trips[i] = trip{from: e.from, to: e.to, forward: none, backward: none, window: none}
		t.leaving[e.from] = append(t.leaving[e.from], int32(i))
		t.reaching[e.to] = append(t.reaching[e.to], int32(i))
	}
	for i := range t.pairs {
		x := &t.pairs[i]
		x.forward, _ = t.trip(NodeID(x.p), NodeID(x.q))
		x.backward, _ = t.trip(NodeID(x.q), NodeID(x.p))
		t.trips[x.forward].forward, t.trips[x.backward].backward = int32(i), int32(i)
	}
}

// pair returns the number of a pair.
func (t *Truth) pair(p, q model.ProcessID) int32 {
	from, to := t.first[p], t.first[p+1]
	i := from + int32(sort.Search(int(to-from), func(i int) bool { return t.pairs[from+int32(i)].q >= q }))
	if i == to || t.pairs[i].q != q {
		panic(fmt.Sprintf("network: the ground truth does not follow the pair of %d and %d", p, q))
	}
	return i
}

// Config returns the configuration, which the caller must not change.
func (t *Truth) Config() *TruthConfig { return &t.config }

// Kinds returns the kinds of failure that hold now between p and q, in that order:
// congestion by the first of the definitions and of any of the classes. It is what the
// records have told of the network so far: of an instant that is not at its end, perhaps
// not all. It panics if the pair is not followed.
func (t *Truth) Kinds(p, q model.ProcessID) (kinds model.FailureSet) {
	s := t.stateOf(p, q)
	for k := range model.FailureKinds {
		if s.directions(k) != 0 {
			kinds |= 1 << k
		}
	}
	for c := range t.config.Classes {
		if len(t.config.Definitions) > 0 && s.congested(c*len(t.config.Definitions)) != 0 {
			kinds |= 1 << model.Congestion
		}
	}
	return kinds
}

// Label returns the kind of failure that is named where one has to do, and whether any
// holds now between p and q (see [model.FailureSet.Label]).
func (t *Truth) Label(p, q model.ProcessID) (model.FailureKind, bool) { return t.Kinds(p, q).Label() }

// Holds tells whether failure k, other than congestion, holds now between p and q, and in
// which directions if it has any.
func (t *Truth) Holds(p, q model.ProcessID, k model.FailureKind) (d model.Directions, holds bool) {
	s := t.stateOf(p, q)
	d = s.directions(k)
	if !hasDirections(k) {
		return 0, d != 0
	}
	return d, d != 0
}

// Congested returns the directions in which a class is congested now between p and q by
// a definition. Both are among those of the configuration.
func (t *Truth) Congested(p, q model.ProcessID, class model.Priority, by CongestionDefinition) model.Directions {
	c, d := slices.Index(t.config.Classes, class), slices.Index(t.config.Definitions, by)
	if c < 0 || d < 0 {
		panic(fmt.Sprintf("network: the ground truth does not follow the congestion of class %d by definition %d", class, by))
	}
	s := t.stateOf(p, q)
	return s.congested(c*len(t.config.Definitions) + d)
}

// hasDirections tells whether a kind of failure holds in directions.
func hasDirections(k model.FailureKind) bool {
	switch k {
	case model.ProcessCrash, model.HostCrash, model.Stall, model.Wedge:
		return false
	}
	return true
}

// truthRecords are those after which the truth may be another. The congestion has its own.
var truthRecords = model.KindSet(
	model.LinkWentDown, model.LinkCameUp, model.LinkChanged, model.SwitchWentDown, model.SwitchCameUp,
	model.RuleSet, model.RuleLifted, model.RouteChanged,
	model.Crashed, model.Recovered, model.HostWentDown, model.HostCameUp,
	model.Paused, model.Resumed, model.Wedged, model.Unwedged,
)

// observe takes note of a change.
func (t *Truth) observe(r *model.Record) {
	switch r.Kind {
	case model.LinkWentDown, model.LinkCameUp, model.LinkChanged:
		if l := LinkID(r.Place); !t.linkChanged[l] {
			t.linkChanged[l] = true
			t.changedLinks = append(t.changedLinks, l)
		}
	case model.SwitchWentDown, model.SwitchCameUp:
		if s := NodeID(r.Process); !t.switchChanged[s] {
			t.switchChanged[s] = true
			t.changedSwitches = append(t.changedSwitches, s)
		}
	case model.RouteChanged:
		if r.Peer != model.Nobody {
			t.reroutedTo = append(t.reroutedTo, switchRoute{NodeID(r.Process), NodeID(r.Peer)})
		} else {
			t.reroutedBy(NodeID(r.Process))
		}
	case model.RuleSet, model.RuleLifted:
		t.ruleChanged(r)
	default:
		t.processChanged(r.Process)
	}
	t.awaken()
}

// awaken lets the truth be told at the end of the instant.
func (t *Truth) awaken() { t.n.kernel.Arm(t.instant, t.n.kernel.Now()) }

// reroutedBy takes note that switch s forwards otherwise than before.
func (t *Truth) reroutedBy(s NodeID) {
	if !t.switchRerouted[s] {
		t.switchRerouted[s] = true
		t.reroutedAt = append(t.reroutedAt, s)
	}
}

// processChanged takes note that process h, or its host, is in another state.
func (t *Truth) processChanged(h model.ProcessID) {
	for i := t.first[h]; i < t.first[h+1]; i++ {
		t.touch(i)
	}
	for _, i := range t.about[h] {
		t.touch(i)
	}
}

// slowed takes note that process h works faster or slower than before. No record tells.
func (t *Truth) slowed(h model.ProcessID) {
	if t != nil {
		t.processChanged(h)
		t.awaken()
	}
}

// ruleChanged takes note of a rule that is set or lifted.
func (t *Truth) ruleChanged(r *model.Record) {
	from, to := NodeID(r.Process), NodeID(r.Peer)
	switch {
	case r.Process != model.Nobody && r.Peer != model.Nobody:
		if i, ok := t.trip(from, to); ok {
			t.review(i)
		}
	case r.Process != model.Nobody:
		t.reviewAll(t.leaving[from])
	case r.Peer != model.Nobody:
		t.reviewAll(t.reaching[to])
	case r.Place >= 0:
		t.eachInto(NodeID(r.Place), t.review)
	default:
		for i := range t.trips {
			t.review(int32(i))
		}
	}
}

// touch takes note that the truth of a pair may be another.
func (t *Truth) touch(i int32) {
	if x := &t.pairs[i]; !x.isDirty {
		x.isDirty = true
		t.dirtyPairs = append(t.dirtyPairs, i)
	}
}

// touchBoth touches the pairs whose way a trip is.
func (t *Truth) touchBoth(x *trip) {
	if x.forward != none {
		t.touch(x.forward)
	}
	if x.backward != none {
		t.touch(x.backward)
	}
}

// settle brings the truth up to date.
func (t *Truth) settle() {
	for _, s := range t.changedSwitches {
		t.switchChanged[s] = false
		if t.switches.setSwitch(s, t.n.switchWorks(s), t.parted) {
			t.eachInto(s, t.review)
		}
	}
	t.changedSwitches = t.changedSwitches[:0]
	for _, l := range t.changedLinks {
		t.linkChanged[l] = false
		t.settleLink(l)
	}
	t.changedLinks = t.changedLinks[:0]
	for _, s := range t.reroutedAt {
		t.switchRerouted[s] = false
		t.settleRoutes(s)
	}
	t.reroutedAt = t.reroutedAt[:0]
	for _, r := range t.reroutedTo {
		t.settleRoutesTo(r)
	}
	t.reroutedTo = t.reroutedTo[:0]
	for _, i := range t.dirtyTrips {
		t.trips[i].flags &^= isDirty
		t.evaluate(i)
	}
	t.dirtyTrips = t.dirtyTrips[:0]
}

// settleLink takes in what became of link l.
func (t *Truth) settleLink(l LinkID) {
	isNew := t.switches.setLink(l, t.n.linkWorks(l), t.parted)
	if p := t.n.intact(l); p != t.intact[l] {
		t.intact[l] = p
		isNew = true
	}
	if isNew {
		t.each(l, t.review)
	}
	t.congestion.linkChanged(l)
}

// stateOf returns what holds now of a pair.
func (t *Truth) stateOf(p, q model.ProcessID) pairState {
	t.settle()
	return t.state(&t.pairs[t.pair(p, q)])
}

// state returns what holds of a pair, from what is known of its trips.
func (t *Truth) state(x *truthPair) (s pairState) {
	n := t.n
	if p := &n.processes[x.p]; p.down || n.hostDown[x.p] != 0 {
		return s
	}
	if n.hostDown[x.q] != 0 {
		s.set(model.HostCrash, model.Both)
		return s
	}
	if q := &n.processes[x.q]; q.down {
		s.set(model.ProcessCrash, model.Both)
	} else {
		if q.stalls(t.config.Slow) {
			s.set(model.Stall, model.Both)
		}
		if q.wedged {
			s.set(model.Wedge, model.Both)
		}
	}
	forward, backward := &t.trips[x.forward], &t.trips[x.backward]
	in := func(flag uint8) model.Directions {
		return bit(forward.flags&flag != 0, model.Forward) | bit(backward.flags&flag != 0, model.Backward)
	}
	s.set(model.Partition, model.Both&^in(isLinked))
	if in(isLinked) == model.Both {
		s.set(model.RouteFailure, model.Both&^in(isCarried))
	}
	s.set(model.PolicyViolation, in(isForbidden)|bit(forward.ruled&1 != 0, model.Forward)|bit(backward.ruled&1 != 0, model.Backward))
	s.set(model.Corruption, in(isDamaged))
	s.set(model.RouteInstability, in(isUnstable))
	s.forward, s.backward = t.congestion.of(forward), t.congestion.of(backward)
	return s
}

func bit(set bool, d model.Directions) model.Directions {
	if set {
		return d
	}
	return 0
}

// truthInstants are the truth as the handler of the timer of the end of an instant.
type truthInstants Truth

// Fire ends an instant in which something changed.
func (i *truthInstants) Fire(uint32) { (*Truth)(i).tell() }

// tell tells what holds now and did not before, and the reverse.
func (t *Truth) tell() {
	t.settle()
	t.changes.endInstant()
	t.congestion.settleBroken()
	pairs := t.dirtyPairs
	t.dirtyPairs = t.telling[:0] // for whoever changes something when told
	slices.Sort(pairs)
	for _, i := range pairs {
		x := &t.pairs[i]
		x.isDirty = false
		if now := t.state(x); now != x.told {
			t.tellPair(x, now)
			x.told = now
		}
	}
	t.telling = pairs
}

func (t *Truth) tellPair(x *truthPair, now pairState) {
	for k := range model.FailureKinds {
		is, was := now.directions(k), x.told.directions(k)
		if is == was {
			continue
		}
		if !hasDirections(k) {
			t.emit(x, k, is != 0, 0, 0, 0)
			continue
		}
		t.emit(x, k, is != 0, is|bit(is == 0, was), 0, 0)
	}
	changed := (now.forward ^ x.told.forward) | (now.backward ^ x.told.backward)
	for ; changed != 0; changed &= changed - 1 {
		i := bits.TrailingZeros64(changed)
		is, was := now.congested(i), x.told.congested(i)
		d := len(t.config.Definitions)
		t.emit(x, model.Congestion, is != 0, is|bit(is == 0, was), t.config.Classes[i/d], t.config.Definitions[i%d])
	}
}

func (t *Truth) emit(x *truthPair, k model.FailureKind, holds bool, d model.Directions, class model.Priority, by CongestionDefinition) {
	kind := model.FailureEnded
	if holds {
		kind = model.FailureBegan
	}
	if !t.n.kernel.Records.Wants(kind) {
		return
	}
	t.record = model.Record{
		At: t.n.kernel.Now(), Kind: kind, Process: x.p, Peer: x.q, Failure: k, Seq: int64(d), Priority: class, Detector: uint8(by),
	}
	t.n.kernel.Records.Emit(&t.record)
}

// stalls tells whether a process is paused, or its mean work on an input is at least slow.
func (pr *process) stalls(slow model.Duration) bool {
	if pr.pauses != 0 {
		return true
	}
	if pr.slow == nil {
		return false
	}
	mean := model.Duration(0)
	for _, d := range pr.slow.by {
		mean += d.Average()
	}
	return mean >= slow
}
