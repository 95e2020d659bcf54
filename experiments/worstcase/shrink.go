package worstcase

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"suspect/experiments/guarantee"
	"suspect/experiments/run"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
	"suspect/properties"
	"suspect/sim"
)

// Violation is a packet that was later than a bound in a run.
type Violation struct {
	Replication int // from 0
	Priority    model.Priority
	Bound       model.Duration
	// Proved tells that the bound is that of the level's guarantee rather than one that
	// the scenario states. In a smaller network it is smaller.
	Proved bool
}

// Violations returns what the property latency-bound found violated in a run, once for
// each level.
func Violations(r *run.Results) (all []Violation) {
	for _, p := range r.Properties {
		if p.Property != "latency-bound" || p.Outcome != "violated" {
			continue
		}
		v := Violation{Replication: p.Replication}
		for _, x := range p.Params {
			switch x.Name {
			case "priority":
				fmt.Sscan(x.Value, &v.Priority)
			case "bound":
				v.Bound, _ = model.ParseDuration(x.Value)
			}
		}
		if v.Bound == 0 && r.Guarantee != nil {
			for _, l := range r.Guarantee.Levels {
				if l.Priority == int(v.Priority) && l.Bound != nil {
					v.Bound, v.Proved = l.Bound.Delay, true
				}
			}
		}
		if !slices.ContainsFunc(all, func(o Violation) bool { return o.Priority == v.Priority }) {
			all = append(all, v)
		}
	}
	return all
}

// Counterexamples shrinks every violation of the property latency-bound in a run of s. It
// says why where there is no counterexample. The error wraps [run.ErrInterrupted] when ctx
// ends; there is no other.
func Counterexamples(ctx context.Context, s *scenario.Scenario, r *run.Results, o Options) (found []*Counterexample, notes []string, err error) {
	for _, v := range Violations(r) {
		c, err := Shrink(ctx, s, r.Guarantee, v, o)
		switch {
		case errors.Is(err, run.ErrInterrupted):
			return nil, nil, err
		case err != nil:
			notes = append(notes, fmt.Sprintf("there is no small counterexample for priority %d: %v", v.Priority, err))
		default:
			found = append(found, c)
		}
	}
	return found, notes, nil
}

// Shrink looks for the smallest schedule in which a packet is as late as one was in a run
// of s. It takes what was sent before the late packet, as far back as is needed for the
// delay to come about again with limiters that have seen nothing, and leaves out what is
// not needed for that; then it makes times round. g may be nil; of it comes what the
// scenario breaks. The error wraps [run.ErrInterrupted] when ctx ends; any other says why
// there is no such schedule.
func Shrink(ctx context.Context, s *scenario.Scenario, g *guarantee.Report, v Violation, o Options) (*Counterexample, error) {
	if s.QJump == nil {
		return nil, errors.New("the scenario has no levels")
	}
	found, err := find(ctx, s, v)
	if err != nil {
		return nil, err
	}
	if o.Events == 0 {
		o.Events = DefaultEvents
	}
	k := &shrinker{
		ctx: ctx, s: s, v: v, left: o.Events,
		fixed: run.Phases(s, v.Replication), faults: run.Faults(s, v.Replication),
	}
	whole := k
	k, c := k.atOnceAnywhere(found)
	before := 0
	if c != nil {
		before = len(c.sends)
		c = k.least(c)
	}
	// Packets at once say nothing of times; but where it takes many of them, times may.
	if c == nil || k == whole && len(c.sends) > few {
		if d := k.begin(found); d != nil {
			n := len(d.sends)
			if d = k.least(k.calm(k.least(d))); c == nil || len(d.sends) < len(c.sends) {
				c, before = d, n
			}
		}
	}
	switch {
	case k.err != nil:
		return nil, k.err
	case c == nil:
		return nil, errors.New("the packets alone, sent at the same times, are not late: something else delayed them")
	}
	return k.outcome(c, before, s.Processes(), g)
}

// few packets are a schedule that can be read at a glance.
const few = 12

// shrinker tries schedules.
type shrinker struct {
	ctx    context.Context
	s      *scenario.Scenario
	v      Violation
	fixed  []scenario.Phase // of the run
	faults []scenario.Fault // likewise
	world  world
	left   uint64 // events
	runs   int
	err    error
}

// world is what of the scenario stays beside the schedule.
type world struct {
	clocks scenario.Clocks
	faults []scenario.Fault
}

// candidate is a schedule that may make a packet late.
type candidate struct {
	sends  []send // as [compare] orders them
	phases []scenario.Phase

	// Where one is late: which, and when it was released and arrived.
	late              int
	released, arrived model.Time

	minimal bool // no packet can be left out
}

// begin returns the shortest end of the stretch that makes a packet late again.
func (k *shrinker) begin(x *stretch) *candidate {
	for _, whole := range []bool{false, true} {
		if whole && len(k.s.Faults) == 0 && k.s.Clocks.AreTrue() {
			break
		}
		window := max(x.arrived.Sub(x.sends[x.late].At), k.epoch()/4)
		for last := false; !last && !k.done(); window *= 2 {
			begin := x.arrived.Add(-window)
			if begin <= x.sends[0].At {
				begin, last = x.sends[0].At, true
			}
			if k.world = (world{}); whole {
				k.world = k.around(begin)
			}
			c := &candidate{}
			for _, y := range x.sends {
				if y.At >= begin {
					y.At -= begin
					c.sends = append(c.sends, y)
				}
			}
			for _, p := range k.fixed {
				p.Phase = modulo(p.Phase-model.Duration(begin), k.epochOf(p.Priority))
				c.phases = append(c.phases, p)
			}
			slices.SortStableFunc(c.sends, compare)
			if k.fails(c) {
				return c
			}
		}
	}
	return nil
}

// calm leaves out the faults that the failing candidate does not need.
func (k *shrinker) calm(c *candidate) *candidate {
	for i := len(k.world.faults) - 1; i >= 0; i-- {
		all := k.world.faults
		if k.world.faults = slices.Delete(slices.Clone(all), i, i+1); !k.fails(c) {
			k.world.faults = all
		}
	}
	return c
}

// around returns the world from a time on, with those faults whose times are fixed.
func (k *shrinker) around(begin model.Time) world {
	w := world{clocks: k.s.Clocks}
	for _, f := range k.faults {
		constant := func(d sim.Distribution) bool { return d == sim.Distribution{Mean: d.Mean} }
		if f.HasEvery || !constant(f.At) || !constant(f.For) {
			continue
		}
		if f.At.Mean -= model.Duration(begin); f.At.Mean < 0 {
			f.For.Mean += f.At.Mean
			f.At.Mean = 0
		}
		if !f.HasFor || f.For.Mean > 0 {
			w.faults = append(w.faults, f)
		}
	}
	return w
}

// epoch is the longest of any level.
func (k *shrinker) epoch() (longest model.Duration) {
	for _, l := range k.s.QJump.Table.Levels {
		longest = max(longest, k.epochOf(l.Priority))
	}
	return longest
}

func (k *shrinker) epochOf(p model.Priority) model.Duration {
	i, _ := k.s.QJump.Level(p)
	return k.s.QJump.Table.Limiter(i, k.s.QJump.Limiter).Epoch
}

func modulo(d, by model.Duration) model.Duration {
	if d %= by; d < 0 {
		d += by
	}
	return d
}

func (k *shrinker) done() bool { return k.err != nil || k.left == 0 }

// perLink is how many events making a network takes the time of, for each of its links.
const perLink = 20

// fails tells whether a packet is late, and puts into c which.
func (k *shrinker) fails(c *candidate) bool {
	if k.done() || len(c.sends) == 0 {
		return false
	}
	s := k.scenario(c)
	w := newWatcher(s, k.v.Priority, k.v.Bound, len(c.sends)+1)
	events, err := run.Again(k.ctx, s, 0, watchedKinds, w.observe)
	k.runs++
	k.left -= min(k.left, events+perLink*uint64(len(s.Network.Topology.Links)))
	if err != nil {
		k.err = err
	}
	if w.late == 0 {
		return false
	}
	c.late = int(w.late) - 1
	c.released, c.arrived = w.release, w.arrival
	return true
}

// compare orders packets as they are sent: by time, and at one time by their traffic, those
// of no level first, as they would be a moment before, and those that share limiters last.
func compare(x, y send) int {
	return cmp.Or(cmp.Compare(x.At, y.At), -cmp.Compare(x.place(), y.place()), cmp.Compare(x.traffic, y.traffic))
}

// scenario returns the schedule as a scenario that runs for as long as is needed: one
// traffic for what is of no level, one for what passes no limiter, one for each that has
// its own, and one for those that share their hosts' limiters. While nothing is known of
// the late packet, it may have to wait for its limiter as often as there are packets.
func (k *shrinker) scenario(c *candidate) *scenario.Scenario {
	s := bare(k.s)
	s.Clocks, s.Faults = k.world.clocks, k.world.faults
	s.Network.Topology.Links, _ = certain(k.s)
	for _, p := range c.phases {
		if p.Phase != 0 { // which it is anyway
			s.QJump.Phases = append(s.QJump.Phases, p)
		}
	}
	var of []send // the first of each traffic
	for _, x := range c.sends {
		if !slices.ContainsFunc(of, func(y send) bool { return x.place() == y.place() && x.traffic == y.traffic }) {
			of = append(of, x)
		}
	}
	slices.SortFunc(of, func(x, y send) int { x.At, y.At = 0, 0; return compare(x, y) })
	for i, x := range of {
		t := network.Traffic{Kind: network.Schedule, Name: fmt.Sprint(i), Limiter: x.limiter}
		for _, y := range c.sends {
			if x.place() == y.place() && x.traffic == y.traffic {
				t.Sends = append(t.Sends, y.Send)
			}
		}
		s.Traffic = append(s.Traffic, t)
	}
	last := c.sends[len(c.sends)-1].At
	if c.arrived > last {
		last = c.arrived
	}
	s.Duration = roundUp(model.Duration(last)+4*k.v.Bound+2*k.epoch(), model.Microsecond)
	if c.arrived == 0 {
		packets := model.Duration(len(c.sends))
		wait := 2*k.epoch() + s.QJump.Processing
		s.Duration += min(packets*min(wait, longestWait/packets), model.Duration(model.MaxTime)-s.Duration)
	}
	return s
}

// longestWait limits the wait for a limiter in a schedule that is tried.
const longestWait = model.Duration(model.MaxTime) / 4

// least makes the candidate as small and as simple as it can.
func (k *shrinker) least(c *candidate) *candidate {
	for n := 0; n != len(c.sends) && !k.done(); c = k.smaller(c) {
		n = len(c.sends)
		c = k.simpler(k.smaller(c)) // round times may need fewer packets
	}
	c.minimal = !k.done()
	return c
}

// atOnce returns the late packet with the fewest packets that were sent last and make it, or
// another one, late if all are sent at once, or nil.
func (k *shrinker) atOnce(x *stretch) *candidate {
	for n := 1; n < 2*len(x.sends) && n <= mostAtOnce && !k.done(); n *= 2 {
		first := len(x.sends) - n
		c := &candidate{}
		for i, y := range x.sends {
			if i >= first || i == x.late {
				y.At = 0
				c.sends = append(c.sends, y)
			}
		}
		slices.SortStableFunc(c.sends, compare)
		if k.fails(c) {
			return c
		}
	}
	return nil
}

// mostAtOnce packets that are not late all at once tell that times matter.
const mostAtOnce = 4096

// atOnceAnywhere is atOnce in the smallest star in which that can be done: the bound that is
// proved grows with the number of hosts and switches, and so does what it takes to pass it.
// It returns a shrinker for that. A bound that the scenario states is for its own network.
func (k *shrinker) atOnceAnywhere(x *stretch) (*shrinker, *candidate) {
	// What is proved holds anywhere, unless packets go past the limiters that it counts.
	if !k.v.Proved || !slices.ContainsFunc(x.sends, func(y send) bool { return y.limiter != network.SharedLimiter }) {
		return k, k.atOnce(x)
	}
	rest := k.left / 2
	k.left -= rest
	for n := 2; n < k.s.Processes() && !k.done(); n += max(1, n/4) {
		set := []string{
			fmt.Sprintf("network.topology={star: {hosts: %d}}", n), "network.links=[]",
			"detectors=[]", "traffic=[]", "faults=[]", "properties=[]", "expect=[]", "monitor={}", "replications=1",
		}
		if len(k.s.QJump.Phases) > 0 {
			set = append(set, "qjump.phases=[]")
		}
		s, err := scenario.Parse(k.s.Path, k.s.Resolved(), set)
		if err != nil {
			continue // levels that need more hosts
		}
		y := x.among(n)
		small := &shrinker{ctx: k.ctx, s: s, v: k.v, left: k.left, runs: k.runs}
		all := &candidate{sends: y.sends}
		for _, l := range guarantee.Derive(small.scenario(all)).Levels {
			if l.Priority == int(k.v.Priority) && l.Bound != nil {
				small.v.Bound = l.Bound.Delay
			}
		}
		if small.v.Bound < k.v.Bound {
			if c := small.atOnce(y); c != nil {
				small.left += rest
				return small, c
			}
		}
		k.left, k.runs, k.err = small.left, small.runs, small.err
	}
	k.left += rest
	return k, k.atOnce(x)
}

// among returns what of the stretch n hosts send. What they sent to others goes to one that
// is not the late packet's receiver, if there is one.
func (x *stretch) among(n int) *stretch {
	order := x.hosts()
	keep := slices.Sorted(slices.Values(order[:min(n, len(order))]))
	number := func(h network.NodeID) (network.NodeID, bool) {
		i, is := slices.BinarySearch(keep, h)
		return network.NodeID(i), is
	}
	receiver, _ := number(x.sends[x.late].To)
	y := &stretch{arrived: x.arrived}
	for i, z := range x.sends {
		from, is := number(z.From)
		if !is {
			continue
		}
		to, is := number(z.To)
		for h := network.NodeID(0); !is && int(h) < len(keep); h++ {
			if h != from && h != receiver {
				to, is = h, true
			}
		}
		if !is {
			to, is = receiver, from != receiver
		}
		if z.From, z.To = from, to; !is {
			continue
		}
		if i == x.late {
			y.late = len(y.sends)
		}
		y.sends = append(y.sends, z)
	}
	return y
}

// hosts returns the hosts in the order of what they have to do with the late packet: its
// receiver, those with packets that do not share one limiter, its sender, then the others,
// whose packets came last first.
func (x *stretch) hosts() (order []network.NodeID) {
	add := func(h network.NodeID) {
		if !slices.Contains(order, h) {
			order = append(order, h)
		}
	}
	late := x.sends[x.late]
	add(late.To)
	for _, y := range x.sends {
		if y.limiter != network.SharedLimiter {
			add(y.From)
		}
	}
	add(late.From)
	for _, y := range slices.Backward(x.sends) {
		add(y.From)
	}
	return order
}

// punctual sends the late packet when its limiter lets it pass, where it then is late too:
// so it needs none before it to wait for.
func (k *shrinker) punctual(c *candidate) *candidate {
	if c.sends[c.late].At == c.released {
		return c
	}
	d := &candidate{sends: slices.Clone(c.sends), phases: c.phases}
	d.sends[c.late].At = c.released
	k.arrange(d)
	if k.fails(d) {
		return d
	}
	return c
}

// arrange puts the packets in the order of their times, of which the first is 0.
func (k *shrinker) arrange(c *candidate) {
	slices.SortStableFunc(c.sends, compare)
	first := c.sends[0].At
	for i := range c.sends {
		c.sends[i].At -= first
	}
	c.phases = slices.Clone(c.phases)
	for i := range c.phases {
		p := &c.phases[i]
		p.Phase = modulo(p.Phase-model.Duration(first), k.epochOf(p.Priority))
	}
}

// kind is packets that hold up a link for as long, whoever sends them.
type kind struct {
	priority model.Priority
	bytes    int32
	limiter  network.LimiterUse
}

func kindOf(x send) kind { return kind{x.Priority, x.Bytes, x.limiter} }

// smaller leaves out what can be left out until no packet can. It begins with what there
// is most of, so that few large packets stay rather than many small ones.
func (k *shrinker) smaller(c *candidate) *candidate {
	c = k.punctual(c)
	for _, x := range counted(c.sends, kindOf) {
		c = k.thin(c, x.count, func(y send) bool { return kindOf(y) == x.of })
	}
	for n := 0; n != len(c.sends) && !k.done(); {
		n = len(c.sends)
		c = k.thin(c, n/2, func(send) bool { return true })
	}
	return c
}

// count is how many packets of some kind there are.
type count[K comparable] struct {
	of    K
	count int
}

// counted counts packets by their kind, and returns what there is most of first.
func counted[K comparable](sends []send, of func(send) K) (all []count[K]) {
	index := map[K]int{}
	for _, x := range sends {
		i, known := index[of(x)]
		if !known {
			i = len(all)
			index[of(x)] = i
			all = append(all, count[K]{of: of(x)})
		}
		all[i].count++
	}
	slices.SortStableFunc(all, func(a, b count[K]) int { return b.count - a.count })
	return all
}

// thin leaves out what it can of some packets: so many together, and then fewer and fewer.
func (k *shrinker) thin(c *candidate, size int, of func(x send) bool) *candidate {
	for ; size >= 1 && !k.done(); size /= 2 {
		for at := 0; at < len(c.sends) && !k.done(); {
			n, taken, next := len(c.sends), 0, len(c.sends)
			c = k.without(c, func(i int, x send) bool {
				if i < at || taken == size || !of(x) {
					return false
				}
				taken++
				next = i + 1
				return true
			})
			if len(c.sends) == n {
				at = next
			}
		}
	}
	return c
}

// without returns the candidate without some of its packets if it still fails, else as it
// is. Phases of hosts that send no more go with them.
func (k *shrinker) without(c *candidate, out func(i int, x send) bool) *candidate {
	if k.done() {
		return c
	}
	d := &candidate{}
	for i, x := range c.sends {
		if !out(i, x) {
			d.sends = append(d.sends, x)
		}
	}
	if len(d.sends) == len(c.sends) {
		return c
	}
	sending := map[scenario.Phase]bool{}
	for _, x := range d.sends {
		if x.limiter == network.SharedLimiter {
			sending[scenario.Phase{Host: x.From, Priority: x.Priority}] = true
		}
	}
	for _, p := range c.phases {
		if sending[scenario.Phase{Host: p.Host, Priority: p.Priority}] {
			d.phases = append(d.phases, p)
		}
	}
	if k.fails(d) {
		return d
	}
	return c
}

// units are what times are rounded to, where that does not matter.
var units = []model.Duration{
	model.Microsecond, 100 * model.Nanosecond, 10 * model.Nanosecond, model.Nanosecond,
}

// simpler makes times round: all together to the coarsest unit, and then one after the
// other, to the time of the packet before or to a coarser unit.
func (k *shrinker) simpler(c *candidate) *candidate {
	try := func(change func(d *candidate)) (changed bool) {
		if k.done() {
			return false
		}
		d := &candidate{sends: slices.Clone(c.sends), phases: slices.Clone(c.phases)}
		change(d)
		k.arrange(d)
		if slices.Equal(c.sends, d.sends) && slices.Equal(c.phases, d.phases) || !k.fails(d) {
			return false
		}
		c = d
		return true
	}
	try(func(*candidate) {}) // begins at 0
	try(func(d *candidate) { d.phases = nil })
	for _, unit := range units {
		if try(func(d *candidate) {
			for i := range d.sends {
				d.sends[i].At -= d.sends[i].At % model.Time(unit)
			}
			for i := range d.phases {
				d.phases[i].Phase -= d.phases[i].Phase % unit
			}
		}) {
			break
		}
	}
	for i := 0; i < len(c.sends) && !k.done(); i++ {
		if i > 0 && (c.sends[i].At == c.sends[i-1].At || try(func(d *candidate) { d.sends[i].At = d.sends[i-1].At })) {
			continue
		}
		for _, unit := range units {
			if c.sends[i].At%model.Time(unit) == 0 || try(func(d *candidate) { d.sends[i].At -= d.sends[i].At % model.Time(unit) }) {
				break
			}
		}
	}
	for i := range c.phases {
		for _, unit := range append([]model.Duration{k.epoch()}, units...) {
			if try(func(d *candidate) { d.phases[i].Phase -= d.phases[i].Phase % unit }) {
				break
			}
		}
	}
	return c
}

func (k *shrinker) outcome(c *candidate, before, hosts int, g *guarantee.Report) (*Counterexample, error) {
	s := k.scenario(c)
	x := &Counterexample{
		Priority: int(k.v.Priority), Bound: k.v.Bound, Delay: c.arrived.Sub(c.released),
		Hosts: s.Processes(), Late: c.late, Before: before, Runs: k.runs, Minimal: c.minimal, Phases: phases(s), Sends: sent(s),
	}
	x.Text = k.words(c, hosts, g)
	introduce(s, fmt.Sprintf("counterexample-%d", k.v.Priority), x.Text)
	var err error
	if x.text, s, err = text(s, k.v.Priority, k.v.Bound, properties.Violated); err != nil {
		return nil, err
	}
	w := newWatcher(s, k.v.Priority, k.v.Bound, len(c.sends)+1)
	if _, err := run.Again(k.ctx, s, 0, watchedKinds, w.observe); err != nil {
		return nil, err
	}
	if w.late == 0 {
		return nil, errors.New("the schedule that was found is not late as a scenario: this is a bug")
	}
	return x, nil
}

// words tells what happens, where the scenario has so many hosts.
func (k *shrinker) words(c *candidate, hosts int, g *guarantee.Report) string {
	var b strings.Builder
	names := k.s.Network.Topology.Names
	late := c.sends[c.late]
	how := map[network.LimiterUse]string{network.OwnLimiter: " through a second limiter", network.NoLimiter: " past all limiters"}
	if n := k.s.Processes(); n < hosts {
		fmt.Fprintf(&b, "In a star of %d hosts, instead of the whole network, the bound is %v. ", n, k.v.Bound)
	}
	fmt.Fprintf(&b, "A packet of %s to %s with priority %d is sent%s at %v, released at %v and delivered %v later, above the bound of %v.",
		names[late.From], names[late.To], late.Priority, how[late.limiter], late.At, c.released, c.arrived.Sub(c.released), k.v.Bound)
	type by struct {
		kind
		from network.NodeID
	}
	groups := counted(slices.Delete(slices.Clone(c.sends), c.late, c.late+1), func(x send) by { return by{kindOf(x), x.From} })
	var told []string
	for i, x := range groups {
		if x.count == 0 {
			continue
		}
		var hosts []network.NodeID // that do the same
		for j := range groups[i:] {
			if y := &groups[i+j]; y.count == x.count && y.of.kind == x.of.kind {
				hosts = append(hosts, y.of.from)
				y.count = 0
			}
		}
		slices.Sort(hosts)
		does := "sends"
		if len(hosts) > 1 {
			does = "each send"
		}
		told = append(told, fmt.Sprintf("%s %s %s of %d B with priority %d%s",
			enumerate(k.s, hosts), does, packets(x.count), x.of.bytes, x.of.priority, how[x.of.limiter]))
	}
	if len(told) > 0 {
		fmt.Fprintf(&b, " In its way, %s.", strings.Join(told, "; "))
	}
	for i := range k.world.faults {
		f := &k.world.faults[i]
		fmt.Fprintf(&b, " The fault %s (%v) at %v is part of it.", f.Spec.Name, f.Params, f.At)
	}
	if !k.world.clocks.AreTrue() {
		b.WriteString(" So are the clocks, which do not show true time.")
	}
	if c.minimal && len(c.sends) > 1 {
		b.WriteString(" Without any one of these packets none is late.")
	}
	if g != nil {
		for _, a := range g.Assumptions {
			if a.Mark == guarantee.Broken && slices.Contains(a.Priorities, int(k.v.Priority)) {
				fmt.Fprintf(&b, " The scenario breaks what the bound needs, that %s: %s.", a.Text, a.Why)
			}
		}
	}
	return b.String()
}

func packets(n int) string {
	if n == 1 {
		return "one packet"
	}
	return fmt.Sprintf("%d packets", n)
}

// enumerate joins the names of hosts as a sentence does; of many it tells the first and how
// many more.
func enumerate(s *scenario.Scenario, hosts []network.NodeID) string {
	const most = 8
	var names []string
	for _, h := range hosts[:min(len(hosts), most)] {
		names = append(names, s.Network.Topology.Names[h])
	}
	if more := len(hosts) - most; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
