package network

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"suspect/model"
	"suspect/sim"
)

// seeds do not shrink: each is another network.
var seeds = gen.UInt64().WithShrinker(gopter.NoShrinker)

// truthKey names what a record of the truth is about.
type truthKey struct {
	p, q    model.ProcessID
	failure model.FailureKind
	class   model.Priority
	by      uint8
}

// toldTruth is what the records say to hold.
type toldTruth map[truthKey]model.Directions

// heard has the truth as its records tell it; they must tell changes alone.
func heard(t *testing.T, n *Network) toldTruth {
	told := toldTruth{}
	n.kernel.Records.Subscribe(model.KindSet(model.FailureBegan, model.FailureEnded), func(r *model.Record) {
		k := truthKey{r.Process, r.Peer, r.Failure, r.Priority, r.Detector}
		before, holds := told[k]
		if r.Kind == model.FailureEnded {
			if !holds || before != model.Directions(r.Seq) {
				t.Errorf("%v ends and was %v", r, before)
			}
			delete(told, k)
			return
		}
		if holds && before == model.Directions(r.Seq) {
			t.Errorf("%v begins twice", r)
		}
		told[k] = model.Directions(r.Seq)
	})
	return told
}

func (told toldTruth) String() string {
	var lines []string
	for k, d := range told {
		lines = append(lines, fmt.Sprintf("p%d->p%d %v %v class=%d by=%d", k.p, k.q, k.failure, d, k.class, k.by))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// truthTwin finds the truth by looking at everything, from the state of the network and
// from logs of all that was ever seen.
type truthTwin struct {
	t    *testing.T
	n    *Network
	c    TruthConfig
	told toldTruth

	watch          [][]model.ProcessID
	instant, slots sim.Timer
	slot           int

	routes  map[[2]NodeID][]LinkID
	changes map[[2]NodeID][]model.Time
	seen    map[[2]NodeID]*[model.Priorities]sights
	lost    map[LinkID]uint8 // in the present slot, by priority
	idle    [][]model.Duration
	wrong   string
	checks  int
	kinds   map[truthKey]int // how often something held, whoever is concerned
}

// sights are what was seen of one class between two hosts, slot by slot.
type sights struct {
	over, lost, waits, busy []bool
	since                   model.Time
	persists                bool
}

// newTwin follows the truth twice. Its timers follow those of the truth.
func newTwin(t *testing.T, n *Network, c TruthConfig) (*truthTwin, error) {
	told := heard(t, n)
	if _, err := n.WatchTruth(c); err != nil {
		return nil, err
	}
	w := &truthTwin{
		t: t, n: n, c: n.truth.config, told: told, watch: c.Pairs, routes: map[[2]NodeID][]LinkID{}, changes: map[[2]NodeID][]model.Time{},
		seen: map[[2]NodeID]*[model.Priorities]sights{}, lost: map[LinkID]uint8{}, kinds: map[truthKey]int{},
	}
	if w.watch == nil {
		w.watch = make([][]model.ProcessID, n.topology.Hosts)
		for p := range w.watch {
			for q := range model.ProcessID(n.topology.Hosts) {
				if int(q) != p {
					w.watch[p] = append(w.watch[p], q)
				}
			}
		}
	}
	w.instant = n.kernel.NewTimer((*twinInstants)(w), 0)
	w.slots = n.kernel.NewTimer((*twinSlots)(w), 0)
	n.kernel.Arm(w.slots, n.kernel.Now().Add(c.Slot))
	n.kernel.Records.Subscribe(truthRecords, func(*model.Record) {
		n.kernel.Arm(w.instant, n.kernel.Now())
		if w.checks++; w.checks%7 == 0 { // in the midst of what happens
			w.query(model.FailuresOf(model.ProcessCrash, model.HostCrash, model.Partition, model.Stall, model.Wedge))
		}
	})
	n.kernel.Records.Subscribe(model.KindSet(model.Dropped), func(r *model.Record) {
		if r.Cause == model.BufferFull {
			w.lost[LinkID(r.Place)] |= 1 << r.Priority
		}
	})
	w.eachWay(func(way [2]NodeID) { w.routes[way] = w.route(way) })
	return w, nil
}

func (w *truthTwin) eachWay(f func([2]NodeID)) {
	for a := range NodeID(w.n.topology.Hosts) {
		for b := range NodeID(w.n.topology.Hosts) {
			if a != b {
				f([2]NodeID{a, b})
			}
		}
	}
}

type (
	twinInstants truthTwin
	twinSlots    truthTwin
)

func (i *twinInstants) Fire(uint32) { (*truthTwin)(i).endInstant() }

func (s *twinSlots) Fire(uint32) {
	w := (*truthTwin)(s)
	w.slot++
	w.look()
	w.endInstant()
	w.n.kernel.Arm(w.slots, w.n.kernel.Now().Add(w.c.Slot))
}

// works tells whether a link, or a switch, carries packets.
func (w *truthTwin) works(l LinkID) bool {
	f := w.n.impaired[l]
	return w.n.linkDown[l] == 0 && (f == nil || f.silent == 0)
}

func (w *truthTwin) isHost(x NodeID) bool { return int(x) < w.n.topology.Hosts }

func (w *truthTwin) isUp(s NodeID) bool { return w.n.switchDown[int(s)-w.n.topology.Hosts] == 0 }

// linked tells whether a path of working elements leads from one host to another.
func (w *truthTwin) linked(way [2]NodeID) bool {
	reached := map[NodeID]bool{way[0]: true}
	for grown := true; grown; {
		grown = false
		for l := range LinkID(len(w.n.ports)) {
			from, to := w.n.topology.Ends(l)
			forwards := from == way[0] || !w.isHost(from)
			if reached[from] && forwards && !reached[to] && w.works(l) && (w.isHost(to) || w.isUp(to)) {
				reached[to], grown = true, true
			}
		}
	}
	return reached[way[1]]
}

// route walks the installed routes until the host, or nowhere, or until a packet would come
// to a switch as it was there before.
func (w *truthTwin) route(way [2]NodeID) []LinkID {
	path := []LinkID{w.n.uplinks[way[0]]}
	seen := map[[2]int]bool{} // switches, with how long the header was
	flow := w.n.Flow(way[0], way[1], w.c.Label)
	var header []LinkID
	for {
		_, at := w.n.topology.Ends(path[len(path)-1])
		state := [2]int{int(at), len(header)}
		if w.isHost(at) || seen[state] {
			return path
		}
		seen[state] = true
		next, ok := w.n.NextHop(at, way[1], flow)
		if w.n.carrying != nil {
			next, ok = w.n.routes.next(at, way[1], flow)
			next, ok, header = w.n.carrying.steer(at, way[1], flow, next, ok, header)
			header = slices.Clone(header)
		}
		if !ok {
			return path
		}
		path = append(path, next)
	}
}

// fate is what becomes of a packet on its way.
type fate struct {
	carried, ruled, forbidden bool
	intact                    float64
}

func (w *truthTwin) fateOf(way [2]NodeID, class model.Priority) (f fate) {
	f.intact = 1
	for _, l := range w.route(way) {
		_, at := w.n.topology.Ends(l)
		if !w.works(l) {
			return f
		}
		for _, x := range w.c.Forbidden {
			link, isLink := x.Link()
			node, isNode := x.Node()
			f.forbidden = f.forbidden || isLink && LinkID(link) == l || isNode && NodeID(node) == at
		}
		if i := w.n.impaired[l]; i != nil {
			lives := float64(1)
			for _, p := range slices.Concat(i.corrupt, i.mangle) {
				lives = float64(lives * (1 - p))
			}
			f.intact = float64(f.intact * lives)
		}
		if w.isHost(at) {
			f.carried = at == way[1]
			return f
		}
		if !w.isUp(at) {
			return f
		}
		f.ruled = f.ruled || w.n.rules.forbid(at, &packet{from: way[0], to: way[1], flags: uint8(class)})
	}
	return f
}

// look walks all paths at the end of a slot, and adds up what waits, packet by packet.
func (w *truthTwin) look() {
	n := w.n
	now := n.kernel.Now()
	idle := make([]model.Duration, len(n.ports))
	for l := range n.ports {
		idle[l] = n.idle(LinkID(l))
	}
	w.idle = append(w.idle, idle)
	w.eachWay(func(way [2]NodeID) {
		if w.seen[way] == nil {
			w.seen[way] = new([model.Priorities]sights)
			for k := range w.seen[way] {
				w.seen[way][k].since = model.Never
			}
		}
		path := w.route(way)
		for _, class := range w.c.Classes {
			s := &w.seen[way][class]
			f := w.fateOf(way, class)
			wait, full, lost, busy := model.Duration(0), false, false, false
			for _, l := range path {
				p := &n.ports[l]
				n.idle(l) // settles
				rest := max(p.free.Sub(now), 0)
				bytes, packets, ofClass := int64(0), int32(0), int64(0)
				for k := range model.Priority(model.Priorities) {
					if p.waiting>>k&1 == 0 {
						continue
					}
					i := p.tail[k]
					for first := true; first || i != p.tail[k]; first = false {
						i = n.pool.packets[i].next
						if k >= class {
							bytes += int64(n.pool.packets[i].bytes)
						}
						if k == class {
							packets++
							ofClass += int64(n.pool.packets[i].bytes)
						}
					}
				}
				wait += rest + n.rates[l].Transmission(int32(bytes))
				if p.flags&portUnlimited == 0 && (rest > 0 || p.waiting != 0) {
					full = full || packets >= p.maxPacket || ofClass+int64(n.WireBytes(w.c.Bytes)) > p.maxBytes
				}
				lost = lost || w.lost[l]>>class&1 != 0
				then := model.Duration(0) // idle until the window began
				if before := len(w.idle) - 1 - int(w.c.Window/w.c.Slot); before >= 0 {
					then = w.idle[before][l]
				} else {
					then = model.Duration(now) - w.c.Window // it was always idle before
				}
				busy = busy || float64(w.c.Window-(idle[l]-then)) > float64(w.c.Utilisation*float64(w.c.Window))
			}
			good := f.carried && !f.ruled
			s.over = append(s.over, good && (full || wait > w.c.Wait))
			s.waits = append(s.waits, good && wait > w.c.Wait)
			s.lost = append(s.lost, good && lost)
			s.busy = append(s.busy, f.carried && busy)
			s.note(w, good, now)
			s.persists = s.since != model.Never && now.Sub(s.since) >= w.c.Persistence
		}
	})
	clear(w.lost)
}

// share tells whether too many slots of the window were bad.
func (w *truthTwin) share(log []bool) bool {
	bad, slots := 0, int(w.c.Window/w.c.Slot)
	for _, is := range log[max(len(log)-slots, 0):] {
		if is {
			bad++
		}
	}
	return float64(bad) > float64(w.c.Share*float64(slots))+1e-9
}

// note finds out since when congestion holds by the first definition.
func (s *sights) note(w *truthTwin, good bool, now model.Time) {
	switch holds := good && w.share(s.over); {
	case !holds:
		s.since, s.persists = model.Never, false
	case s.since == model.Never:
		s.since = now
	}
}

// congested tells whether one class is congested one way.
func (w *truthTwin) congested(way [2]NodeID, class model.Priority, f fate, by CongestionDefinition) bool {
	if w.seen[way] == nil || !f.carried || f.ruled {
		return false
	}
	s := &w.seen[way][class]
	last := func(log []bool) bool { return len(log) > 0 && log[len(log)-1] }
	switch by {
	case ByReference:
		return w.share(s.over)
	case ByLoss:
		return w.share(s.lost)
	case ByDelay:
		return last(s.waits)
	case ByUtilisation:
		return last(s.busy)
	}
	return s.persists
}

// endInstant takes note of what changed in an instant, and compares what was told.
func (w *truthTwin) endInstant() {
	now := w.n.kernel.Now()
	w.eachWay(func(way [2]NodeID) {
		if path := w.route(way); !slices.Equal(path, w.routes[way]) {
			w.routes[way] = path
			if c := w.changes[way]; len(c) == 0 || c[len(c)-1] != now {
				w.changes[way] = append(c, now)
			}
		}
		if w.seen[way] != nil {
			for _, class := range w.c.Classes {
				f := w.fateOf(way, class)
				w.seen[way][class].note(w, f.carried && !f.ruled, now)
			}
		}
	})
	w.compare()
	if w.checks%5 == 0 {
		w.query(^model.FailuresOf(model.Congestion))
	}
}

// compare compares what the records told with what is.
func (w *truthTwin) compare() {
	want := w.truth()
	for k := range want {
		k.p, k.q, k.class = 0, 0, 0
		w.kinds[k]++
	}
	if got := w.told.String(); got != want.String() && w.wrong == "" {
		w.wrong = fmt.Sprintf("at %v, - want + got:\n%s", w.n.kernel.Now(), cmp.Diff(strings.Split(want.String(), "\n"), strings.Split(got, "\n")))
	}
}

// query compares the answers to queries about some kinds.
func (w *truthTwin) query(about model.FailureSet) {
	want := w.truth()
	for p, peers := range w.watch {
		for _, q := range peers {
			p := model.ProcessID(p)
			kinds := w.n.truth.Kinds(p, q)
			for k := range model.FailureKinds {
				d, holds := want[truthKey{p: p, q: q, failure: k}]
				if !about.Has(k) {
					continue
				}
				got, is := w.n.truth.Holds(p, q, k)
				if (is != holds || got != d || is != kinds.Has(k)) && w.wrong == "" {
					w.wrong = fmt.Sprintf("at %v a query for %v of %d and %d: %v %v, want %v %v", w.n.kernel.Now(), k, p, q, is, got, holds, d)
				}
			}
		}
	}
}

// truth finds out what holds.
func (w *truthTwin) truth() toldTruth {
	n, now := w.n, w.n.kernel.Now()
	all := toldTruth{}
	for p, peers := range w.watch {
		if n.hostDown[p] != 0 || n.processes[p].down {
			continue
		}
		for _, q := range peers {
			set := func(k model.FailureKind, holds bool) {
				if holds {
					all[truthKey{p: model.ProcessID(p), q: q, failure: k}] = 0
				}
			}
			pr := &n.processes[q]
			set(model.HostCrash, n.hostDown[q] != 0)
			if n.hostDown[q] != 0 {
				continue
			}
			set(model.ProcessCrash, pr.down)
			work := model.Duration(0)
			if pr.slow != nil {
				for _, d := range pr.slow.by {
					work += d.Mean + (d.Low+d.High)/2
				}
			}
			set(model.Stall, !pr.down && (pr.pauses > 0 || pr.slow != nil && work >= w.c.Slow && len(pr.slow.by) > 0))
			set(model.Wedge, !pr.down && pr.wedged)
			ways := [2][2]NodeID{{NodeID(p), NodeID(q)}, {NodeID(q), NodeID(p)}}
			both := w.linked(ways[0]) && w.linked(ways[1])
			for i, way := range ways {
				d := model.Directions(1 << i)
				in := func(k truthKey, holds bool) {
					if k.p, k.q = model.ProcessID(p), q; holds {
						all[k] |= d
					}
				}
				f := w.fateOf(way, w.c.Classes[0])
				in(truthKey{failure: model.Partition}, !w.linked(way))
				in(truthKey{failure: model.RouteFailure}, both && !f.carried)
				in(truthKey{failure: model.PolicyViolation}, f.ruled || f.forbidden)
				in(truthKey{failure: model.Corruption}, f.carried && f.intact < 1-w.c.Corruption)
				late := 0
				for _, at := range w.changes[way] {
					if now.Sub(at) < w.c.Flaps {
						late++
					}
				}
				in(truthKey{failure: model.RouteInstability}, late > w.c.Changes)
				for _, class := range w.c.Classes {
					f := w.fateOf(way, class)
					for _, by := range w.c.Definitions {
						in(truthKey{failure: model.Congestion, class: class, by: uint8(by)}, w.congested(way, class, f, by))
					}
				}
			}
		}
	}
	return all
}

// noticed is a fault that no record tells of where it makes a process slow.
type noticed struct {
	Fault
	w *truthTwin
}

func (f noticed) Strike(n *Network) {
	f.Fault.Strike(n)
	n.kernel.Arm(f.w.instant, n.kernel.Now())
}

func (f noticed) Heal(n *Network) {
	f.Fault.Heal(n)
	n.kernel.Arm(f.w.instant, n.kernel.Now())
}

// routeChanger gives switches routes at random, as no protocol would: they end, lead
// elsewhere and make loops.
type routeChanger struct {
	n      *Network
	timer  sim.Timer
	random *sim.Stream
	around model.Duration
}

func (c *routeChanger) Fire(uint32) {
	n, t := c.n, &c.n.topology
	n.routes.spread()
	for range 1 + c.random.IntN(2) {
		at := randomOf(t.switches(), c.random)
		var next []LinkID
		for l := range LinkID(len(n.ports)) {
			if from, _ := t.Ends(l); from == at && c.random.IntN(3) == 0 {
				next = append(next, l)
			}
		}
		if n.routes.install(at, NodeID(randomHost(t, c.random)), next) {
			n.emitRoute(at)
		}
	}
	n.kernel.Arm(c.timer, n.kernel.Now().Add(1+c.random.Exponential(c.around)))
}

// randomTruth is a random network with a random configuration of the truth, whose pairs,
// classes and degrees are such that everything happens.
func randomTruth(seed uint64, s *sim.Stream) (Config, TruthConfig) {
	var top Topology
	switch s.IntN(6) {
	case 0:
		top = LeafSpine(1+s.IntN(3), 1+s.IntN(2), 2, testEdge, testCore)
	case 1:
		top = FatTree(2, testEdge, testCore)
	case 2:
		top = Topology{Names: []string{"h0", "h1"}, Hosts: 2, Links: []Link{{A: NodeID(s.IntN(2)), AtoB: testEdge, BtoA: testEdge}}}
		top.Links[0].B = 1 - top.Links[0].A
	default:
		top = randomTopology(2+s.IntN(4), 1+s.IntN(5), s.IntN(5), s)
	}
	for l := range top.Links {
		c := LinkConfig{Rate: BitRate(1+s.IntN(3)) * Gbps, Delay: model.Duration(s.IntN(3)) * us}
		switch s.IntN(3) {
		case 0:
			c.Buffer.Packets = int32(1 + s.IntN(5))
		case 1:
			c.Buffer.Bytes = int64(2000 + s.IntN(5000))
		}
		if s.IntN(4) == 0 {
			c.Jitter = sim.Distribution{Kind: sim.Exponential, Mean: us}
		}
		top.Links[l].AtoB, top.Links[l].BtoA = c, c
	}
	c := TruthConfig{
		Label: uint32(s.IntN(3)), Bytes: int32(1 + s.IntN(1500)), Slow: model.Duration(s.IntN(20_000)+1) * model.Nanosecond,
		Wait: model.Duration(s.IntN(20_000)) * model.Nanosecond, Slot: 3 * us, Window: model.Duration(1+s.IntN(30)) * 3 * us,
		Share: float64(s.IntN(50)) / 100, Utilisation: float64(50+s.IntN(49)) / 100, Persistence: model.Duration(s.IntN(30)) * us,
		Corruption: float64(s.IntN(60)) / 100, Changes: s.IntN(3), Flaps: model.Duration(1+s.IntN(50)) * us,
	}
	if s.IntN(8) == 0 {
		c.Window = model.Duration(100+s.IntN(100)) * 3 * us // more than one word of slots
	}
	for k := range model.Priority(model.Priorities) {
		if s.IntN(4) == 0 {
			c.Classes = append(c.Classes, k)
		}
	}
	if c.Classes == nil {
		c.Classes = []model.Priority{model.Priority(s.IntN(8))}
	}
	for d := range CongestionDefinitions {
		if s.IntN(4) != 0 {
			c.Definitions = append(c.Definitions, d)
		}
	}
	if s.IntN(2) == 0 {
		c.Pairs = make([][]model.ProcessID, top.Hosts)
		for p := range c.Pairs {
			for q := range model.ProcessID(top.Hosts) {
				if int(q) != p && s.IntN(3) != 0 {
					c.Pairs[p] = append(c.Pairs[p], q)
				}
			}
		}
	}
	for range s.IntN(5) {
		if switches := top.switches(); len(switches) > 0 && s.IntN(2) == 0 {
			c.Forbidden = append(c.Forbidden, model.NodePlace(model.ProcessID(randomOf(switches, s))))
		} else {
			c.Forbidden = append(c.Forbidden, model.LinkPlace(int32(s.IntN(2*len(top.Links)))))
		}
	}
	r := DefaultRouting(Protocols()[s.IntN(len(Protocols()))])
	if r.Use != Static {
		r.Carrier = model.Duration(s.IntN(20)) * us
	}
	if l := &r.LinkState; r.Use == LinkStateRouting {
		l.LSAInterval, l.LSAArrival = 5*us, us
		l.SPFDelay, l.SPFHold, l.SPFMaxHold = 2*us, 5*us, 10*us
		l.FIBBase, l.FIBPerHost = us, model.Duration(s.IntN(3))*us
	}
	if r.Use == SpanningTreeBridging {
		r.SpanningTree.ForwardDelay = model.Duration(s.IntN(20)) * us
	}
	return Config{Topology: top, MessageBytes: 100, TwoEventPorts: s.IntN(3) == 0, Routing: r}, c
}

// anyRule is a rule that names some or none of what it can name.
func anyRule(t *Topology, s *sim.Stream) Rule {
	r := Rule{At: Everywhere, From: model.Nobody, To: model.Nobody, Priority: AnyPriority}
	if s.IntN(2) == 0 {
		r.At = randomOf(t.switches(), s)
	}
	if s.IntN(2) == 0 {
		r.From = model.ProcessID(randomHost(t, s))
	}
	if s.IntN(2) == 0 {
		r.To = model.ProcessID(randomHost(t, s))
	}
	if s.IntN(2) == 0 {
		r.Priority = int8(s.IntN(model.Priorities))
	}
	return r
}

// scheduleFaults lets random faults of all kinds strike.
func scheduleFaults(n *Network, count int, s *sim.Stream, wrap func(Fault) Fault) error {
	kinds := AllFaults()
	for range count {
		kind := kinds[s.IntN(len(kinds))]
		f, err := newFault(kind.Name, n.Topology(), s, anyParams(kind, s))
		if err != nil {
			continue // this network has none of what it strikes
		}
		if kind.Name == "rule-drop" || s.IntN(8) == 0 && len(n.topology.switches()) > 0 {
			f = &ruleDrop{[]Rule{anyRule(&n.topology, s)}}
		}
		f = wrap(f)
		span := sim.Distribution{Kind: sim.Exponential, Mean: 40 * us}
		if s.IntN(2) == 0 {
			n.Schedule(f, model.Time(span.Sample(s)), span.Sample(s))
		} else {
			n.ScheduleEvery(f, span, span, span, s)
		}
	}
	return nil
}

// The truth that follows changes is the one that is found by looking at everything: at the
// end of every instant and, of what does not depend on the past, in its midst. Packets are
// conserved meanwhile.
func TestTruthIsThatOfATwin(t *testing.T) {
	parameters := gopter.DefaultTestParametersWithSeed(3)
	parameters.MinSuccessfulTests = 200
	properties := gopter.NewProperties(parameters)
	kinds := map[truthKey]int{}
	properties.Property("truth", prop.ForAll(
		func(seed uint64, faultCount int, changes bool) (string, error) {
			s := sim.NewStream(seed, "truth")
			config, c := randomTruth(seed, s)
			n, err := New(sim.New(seed), config)
			if err != nil {
				return "", err
			}
			idle := func() model.Automaton { return &beats{next: model.Never} }
			for h := range model.ProcessID(n.topology.Hosts) {
				n.Attach(h, 0, Panel{New: []func() model.Automaton{idle}, Detectors: []uint8{0}})
			}
			for _, kind := range everyKind(n.topology.Hosts) {
				if s.IntN(2) == 0 {
					if err := n.AddTraffic(kind); err != nil {
						continue
					}
				}
			}
			w, err := newTwin(t, n, c)
			if err != nil {
				return "", err
			}
			if err := scheduleFaults(n, faultCount, s, func(f Fault) Fault { return noticed{f, w} }); err != nil {
				return "", err
			}
			if changes && config.Routing.Use == Static && len(n.topology.switches()) > 0 {
				r := &routeChanger{n: n, random: s, around: 20 * us}
				r.timer = n.kernel.NewTimer(r, 0)
				n.kernel.Arm(r.timer, model.Time(s.IntN(int(30*us))))
			}
			const end = 200 * us
			if err := n.kernel.Run(model.Time(end), sim.Budget{}); err != nil {
				return "", err
			}
			w.compare()
			for k, times := range w.kinds {
				kinds[k] += times
			}
			if w.wrong != "" {
				return w.wrong, nil
			}
			if lost := unaccounted(n); lost != 0 {
				return fmt.Sprintf("%d packets are unaccounted for", lost), nil
			}
			return "", nil
		},
		seeds, gen.IntRange(0, 8), gen.Bool(),
	))
	properties.TestingRun(t)
	for k := model.ProcessCrash; k < model.FailureKinds; k++ {
		for by := range uint8(CongestionDefinitions) {
			if (k == model.Congestion || by == 0) && kinds[truthKey{failure: k, by: by}] == 0 {
				t.Errorf("%v by %d never held", k, by)
			}
		}
	}
}

// unaccounted returns how many packets were sent or copied and are neither delivered nor dropped nor
// under way.
func unaccounted(n *Network) int {
	c := n.Counts()
	dropped := uint64(0)
	for _, d := range c.Dropped {
		dropped += d
	}
	return int(c.Sent + c.Duplicated - c.Delivered - dropped - uint64(n.InFlight()))
}
