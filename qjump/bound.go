package qjump

import (
	"fmt"
	"slices"

	"suspect/model"
)

// Status tells how much is known about a bound. What is not proved is not returned.
type Status uint8

const (
	// Proved: no packet is later, if the assumptions hold.
	Proved Status = iota
	// Exact: proved, and attained, if need be less a picosecond for each
	// coincidence that must be avoided.
	Exact
)

// String returns the name used in reports.
func (s Status) String() string {
	if s == Exact {
		return "exact"
	}
	return "proved"
}

// MarshalText writes the name.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Assumption is something that a bound needs.
type Assumption uint8

const (
	OneLimiter Assumption = iota
	CountedSenders
	WireBytes
	OneSize
	LinkRates
	Buffers
	StrictPriority
	FrameSize
	Clocks
	ConstantProcessing
	FeedForward
	JoinsOnce
	NoLoss
	assumptions
)

var assumptionTexts = [assumptions]string{
	"every packet of the class passes the limiters that are counted, and no other sends in its priority or above",
	"no more limiters than are counted send, at the same time, packets that can meet on a link",
	"packet sizes are those on the wire, with header, tag, check, preamble and gap",
	"every packet of the class has the stated size",
	"no link is slower than R, and none is faster than is stated",
	"no queue of the class overflows",
	"ports send whole frames, the highest priority first, and those of one priority in the order of arrival",
	"no frame of a lower priority is larger than is stated",
	"no limiter's clock is faster than is stated",
	"processing and propagation take no more than eps in all, and differ between packets by no more than is stated",
	"packets that meet at the i-th switch on the way have passed no more than i-1 before it",
	"all packets of a sender that come to the way join it at one port, and do not come back once they have left",
	"no packet is lost, sent again, or held back by flow control",
}

// String returns the assumption as a sentence without its point.
func (a Assumption) String() string {
	if a >= assumptions {
		return fmt.Sprintf("assumption(%d)", uint8(a))
	}
	return assumptionTexts[a]
}

// MarshalText writes the sentence.
func (a Assumption) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Guarantee is a bound on the time from a packet's leaving its limiter until its
// last bit is at the receiver.
type Guarantee struct {
	Delay  model.Duration `json:"delay_ps"`
	Status Status         `json:"status"`

	// Method names the argument that gave the least bound, Formula states it and
	// Numbers is the same with the numbers put in.
	Method  string `json:"method"`
	Formula string `json:"formula"`
	Numbers string `json:"numbers"`

	// Backlog bounds what waits of the class at the output port of a switch, and
	// HostBacklog at that of a host, both in bytes on the wire.
	Backlog     int64 `json:"backlog_bytes"`
	HostBacklog int64 `json:"host_backlog_bytes"`

	Assumptions []Assumption `json:"assumptions"`
}

// Bounds returns, for each of the classes on the path, in decreasing priority, the
// least proved bound on its delay. It returns an error for a description that is not
// usable, and where a class has no bound, because it and those above it are
// more than a link carries, or nearly so; the classes before have theirs then, and
// those behind have none.
func (p *Path) Bounds(classes []Class) ([]Guarantee, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	for i := range classes {
		if err := classes[i].validate(); err != nil {
			return nil, fmt.Errorf("class %d: %w", i+1, err)
		}
	}
	var (
		higher []flow
		bounds []Guarantee
	)
	for i, c := range classes {
		a := analysis{Path: *p, higher: higher, flow: newFlow(c, p)}
		for _, lower := range classes[i+1:] {
			a.Frame, a.HostFrame = max(a.Frame, lower.Packet), max(a.HostFrame, lower.Packet)
		}
		g, err := a.bound()
		if err != nil {
			return bounds, fmt.Errorf("class %d: %w", i+1, err)
		}
		bounds, higher = append(bounds, g), append(higher, a.flow)
	}
	return bounds, nil
}

// Bound returns the bound of the last of the classes: see [Path.Bounds].
func (p *Path) Bound(classes ...Class) (Guarantee, error) {
	bounds, err := p.Bounds(classes)
	if err != nil {
		return Guarantee{}, err
	}
	if len(bounds) == 0 {
		return Guarantee{}, fmt.Errorf("qjump: a bound for no class")
	}
	return bounds[len(bounds)-1], nil
}

// analysis looks for the bound of one class below others that are analysed.
type analysis struct {
	Path
	higher []flow
	flow
	block, hostBlock model.Duration // L/R, at a switch and at a host
	steps            int            // taken so far
}

// maxSteps limits the work for one class. Loads so near to the rate of a link that it
// takes more have no bound of use.
const maxSteps = 1 << 20

// fixpoint returns the least w with w = step(w), from below, and no where it passes
// the range of time or takes too many steps.
func (a *analysis) fixpoint(step func(model.Duration) model.Duration) (model.Duration, bool) {
	for w := model.Duration(0); a.steps < maxSteps; a.steps++ {
		next := step(w)
		if int64(next) >= most {
			return 0, false
		}
		if next == w {
			return w, true
		}
		w = next
	}
	return 0, false
}

// withHigher returns the least w with w = base and what the higher classes send in
// an interval of length w, both ends included, through the port of switch k, or
// through that of the host itself where k is 0.
func (a *analysis) withHigher(base model.Duration, k int) (model.Duration, bool) {
	if len(a.higher) == 0 {
		return base, int64(base) < most
	}
	return a.fixpoint(func(w model.Duration) model.Duration { return plus(base, a.higherWork(w, k)) })
}

func (a *analysis) higherWork(w model.Duration, k int) model.Duration {
	total := model.Duration(0)
	for i := range a.higher {
		h := &a.higher[i]
		if k == 0 {
			total = plus(total, h.work(saturate(h.perHost, h.count(w))))
		} else {
			total = plus(total, h.work(saturate(int64(h.Senders), h.count(plus(w, h.jitter[k])))))
		}
	}
	return total
}

// loaded tells whether the higher classes and this one are more than a link of
// rate R carries.
func (a *analysis) loaded() (*Rational, bool) {
	load := rational(0, 1)
	for _, f := range append(append([]flow(nil), a.higher...), a.flow) {
		load = sum(load, product(rational(int64(f.Senders), int64(f.epoch)), rational(int64(f.packet), 1)).times(f.Budget))
	}
	return load, load.Cmp(&rational(1, 1).Rat) > 0
}

// overload is the error of a class without a bound.
type overload struct {
	load *Rational // of the class and those above it
	what string    // follows from it
}

func (o *overload) Error() string { return o.of("the class and those above it load") }

// of says why there is no bound, after a subject and its verb.
func (o *overload) of(who string) string {
	return fmt.Sprintf("qjump: there is no bound on the delay: %s a link to %s, %s", who, o.load.Decimal(), o.what)
}

// bound carries out the analysis, and leaves in a.flow what the classes below need.
func (a *analysis) bound() (Guarantee, error) {
	a.block, a.hostBlock = a.Rate.Transmission(a.Frame), a.Rate.Transmission(a.HostFrame)
	load, over := a.loaded()
	refuse := func(what string) (Guarantee, error) {
		return Guarantee{}, &overload{load, what}
	}
	if over {
		return refuse("more than it carries")
	}
	host, ok := a.host()
	if !ok {
		return refuse("and a host's queue need not become empty")
	}
	best := Guarantee{Delay: model.Duration(most)}
	consider := func(g Guarantee, ok bool) {
		if ok && g.Delay < best.Delay {
			best = g
		}
	}
	if a.Switches == 0 {
		consider(Guarantee{
			Delay: plus(host, a.Epsilon), Method: "host",
			Formula: "D = P/R + q + eps", Numbers: fmt.Sprintf("%v + %v + %v", a.packet, host-a.packet, a.Epsilon),
		}, true)
	}
	consider(a.rin())
	if a.Switches == 1 {
		consider(a.star(host))
	}
	hopDelay, hops, ok := a.hopByHop(host)
	consider(hops, ok)
	consider(a.payOnce(host))
	if int64(best.Delay) >= most {
		return refuse("and a queue need not become empty, or not within reason")
	}
	// What is late by the bound leaves a jitter too; where queues were not bounded
	// one by one, it is all there is.
	ports := a.Switches
	for k := 1; k <= ports; k++ {
		limit := best.Delay - a.Epsilon + a.Jitter - model.Duration(k+1)*(a.packet-a.spread)
		if k >= len(a.jitter) {
			a.jitter = append(a.jitter, limit)
		}
		a.jitter[k] = min(a.jitter[k], limit)
	}
	wait := best.Delay - a.Epsilon
	if ports > 0 && hopDelay != 0 {
		wait = min(wait, hopDelay)
	}
	if ports > 0 {
		best.Backlog = saturate(saturate(int64(a.Senders), a.count(plus(wait, slices.Max(a.jitter)))), int64(a.Packet))
	}
	best.HostBacklog = saturate(saturate(a.perHost, a.count(host)), int64(a.Packet))
	best.Status = a.status(best.Delay)
	best.Assumptions = a.assumptions(best.Method)
	return best, nil
}

// multiples returns how many multiples of the epoch, from 0 on, are not above x, and
// no where they are too many to look at.
func (a *analysis) multiples(x model.Duration) (int64, bool) {
	n := int64(x/a.epoch) + 1
	a.steps += int(min(n, maxSteps))
	return n, a.steps < maxSteps
}

// host bounds the time that a packet of the class is in its host, transmission
// included, and finds how that differs between packets.
func (a *analysis) host() (model.Duration, bool) {
	busy, ok := a.fixpoint(func(b model.Duration) model.Duration {
		before := max(b-1, 0)
		return plus(a.hostBlock, a.work(saturate(a.perHost, a.count(before))), a.higherWork(before, 0))
	})
	if !ok {
		return 0, false
	}
	n, ok := a.multiples(busy)
	if !ok {
		return 0, false
	}
	worst, last := model.Duration(0), a.last()
	for i := range n {
		x := model.Duration(i) * a.epoch
		w, ok := a.withHigher(plus(a.hostBlock, a.work(saturate(a.perHost, a.count(x))))-last, 0)
		if !ok {
			return 0, false
		}
		worst = max(worst, w+last-x)
	}
	// A packet that follows m others of its host and class is later than they by
	// its distance from them, and no more than what blocked them all: the jitter that
	// counts is that of the blocking. But m + 1 large packets take longer than as many
	// small ones that follow (see the proof at [Network.Bounds]).
	a.rowSpread = saturated(saturate(a.perHost, a.count(busy)), int64(a.spread))
	before := int64(1)
	if len(a.higher) != 0 { // else it is the same for every m
		before = saturate(a.perHost, a.count(busy))
	}
	if before > maxSteps {
		return 0, false
	}
	for m := range before {
		w, ok := a.withHigher(plus(a.hostBlock, a.work(m)), 0)
		if !ok {
			return 0, false
		}
		a.hostJitter = max(a.hostJitter, w-a.work(m))
	}
	return worst, true
}

// train returns how long the packets can take that leave a host in a row, behind
// the first of them.
func (a *analysis) train() model.Duration {
	n := saturate(a.perHost, a.count(0))
	if !a.ByBytes {
		n--
	}
	return a.work(n)
}

// last is what of the last packet's transmission is sure to come after everything
// else has had its turn.
func (a *analysis) last() model.Duration {
	if a.ByBytes {
		return 0 // it may be small
	}
	return a.packet
}

// busyPeriod bounds the length of a busy period of the class and those above it at
// the port of switch k, where packets come there with the given jitter.
func (a *analysis) busyPeriod(k int, jitter model.Duration) (model.Duration, bool) {
	return a.fixpoint(func(b model.Duration) model.Duration {
		before := max(b-1, 0) // what comes at its end is of the next
		return plus(a.block, a.work(saturate(int64(a.Senders), a.count(plus(before, jitter)))), a.higherWork(before, k))
	})
}

// star bounds the delay over one switch. Let s be the beginning of the busy period of
// the port in which the packet is sent, x how long after s it comes to the port, and
// q how long it waited in its host. Each other sender has at most count(x+J)
// packets in [s, s+x], where J is the jitter of hosts. Those of its own host are at
// most count(x+q'-q), where q' is the largest q: one that waited long follows its
// predecessors late. Nor can a host send more than its link takes in that time. The
// worst q is the largest or one at which a packet more comes in; the worst x is the
// beginning, or one at which a packet more of some sender does, or where its link has
// brought the last one.
func (a *analysis) star(host model.Duration) (Guarantee, bool) {
	jitter := plus(a.hostJitter, a.rowSpread, a.Jitter)
	a.jitter = []model.Duration{0, jitter}
	longest := host - a.packet // q'
	own := plus(longest, a.spread, a.Jitter)
	train := a.train()
	busy, ok := a.busyPeriod(1, plus(jitter, train))
	if !ok {
		return Guarantee{}, false
	}
	last := a.last()
	otherHosts := (int64(a.Senders) - 1) / a.perHost // rounded up, without the packet's own
	var worst, worstX, worstQ, worstHigher model.Duration
	var worstOthers, worstOwn int64
	try := func(x, q model.Duration) bool {
		others := saturate(int64(a.Senders)-a.perHost, a.count(plus(x, jitter)))
		mine := saturate(a.perHost, a.count(x+own-q))
		if a.spread == 0 && !a.ByBytes { // else links can bring more
			brought := int64((x+a.Jitter)/a.packet) + 1
			others, mine = min(others, saturate(otherHosts, brought)), min(mine, brought)
		}
		base := plus(a.block, a.work(others), a.work(mine)) - last
		if a.Slowdowns == 0 {
			base = min(base, plus(a.block, x, a.Jitter, a.packet, a.work(others))-last)
		}
		w, ok := a.withHigher(base, 1)
		if !ok {
			return false
		}
		if d := plus(a.packet, q, w, last) - x; d > worst {
			worst, worstX, worstQ, worstHigher, worstOthers, worstOwn = d, x, q, w-base, others, mine
		}
		return true
	}
	n, ok := a.multiples(plus(busy, max(jitter, own), train))
	if !ok {
		return Guarantee{}, false
	}
	for i := range n {
		e := model.Duration(i) * a.epoch
		row := a.work(saturate(a.perHost, a.count(e)) - 1)
		for _, x := range [...]model.Duration{e - jitter, e - own, e, row} {
			x = max(x, 0)
			if x-train > busy {
				continue
			}
			if !try(x, longest) {
				return Guarantee{}, false
			}
			for _, q := range a.waits(x, own, longest) {
				if !try(x, q) {
					return Guarantee{}, false
				}
			}
		}
	}
	d := plus(worst, a.Epsilon)
	return Guarantee{
		Delay: d, Method: "busy period",
		Formula: "D = P/R + q + min(L/R + (m + m')*P/R, L/R + x + (m + 1)*P/R) + H - x + eps, with m packets of other hosts and m' of its own in a busy period until x",
		Numbers: fmt.Sprintf("%v + %v + min(%v + (%d + %d)*%v, %v + %v + (%d + 1)*%v) + %v - %v + %v = %v, with J = %v",
			a.packet, worstQ, a.block, worstOthers, worstOwn, a.packet, a.block, worstX, worstOthers, a.packet,
			worstHigher, worstX, a.Epsilon, d, jitter),
	}, true
}

// waits returns the waits in the host, up to the longest, at which just one more of
// the packet's predecessors comes to the switch less than x before it.
func (a *analysis) waits(x, own, longest model.Duration) []model.Duration {
	var waits []model.Duration
	for e := (x/a.epoch + 1) * a.epoch; e <= x+own; e += a.epoch {
		if q := x + own - e; q <= longest {
			waits = append(waits, q)
		}
	}
	return waits
}

// hopByHop adds the worst delays of the ports. The jitter of packets that come to
// the port of switch k is what the ports before it can have made of it.
func (a *analysis) hopByHop(host model.Duration) (last model.Duration, g Guarantee, ok bool) {
	total := host
	text := fmt.Sprint(host)
	jitters := []model.Duration{0}
	jitter := plus(a.hostJitter, a.rowSpread, a.Jitter)
	for k := 1; k <= a.Switches; k++ {
		jitters = append(jitters, jitter)
		a.jitter = jitters
		train := model.Duration(0)
		if k == 1 {
			train = a.train()
		}
		hop, ok := a.hop(k, jitter, train)
		if !ok {
			a.jitter = jitters[:k]
			return 0, Guarantee{}, false
		}
		total = plus(total, hop)
		text += fmt.Sprintf(" + %v", hop)
		last = max(last, hop)
		if k == 1 { // from here on, packets of a host can close up
			jitter = plus(host-a.packet, a.spread, a.Jitter)
		}
		jitter = plus(jitter, hop-a.packet, a.spread)
	}
	return last, Guarantee{
		Delay: plus(total, a.Epsilon), Method: "hop by hop",
		Formula: "D = host + sum over the ports of max over x of (L/R + N*P/R*count(x + J) - x + higher) + eps",
		Numbers: fmt.Sprintf("%s + %v = %v", text, a.Epsilon, plus(total, a.Epsilon)),
	}, true
}

// hop bounds the delay at the port of switch k for packets that come with the given
// jitter, and from each host in trains of the given length.
func (a *analysis) hop(k int, jitter, train model.Duration) (model.Duration, bool) {
	busy, ok := a.busyPeriod(k, plus(jitter, train))
	if !ok {
		return 0, false
	}
	n, ok := a.multiples(plus(busy, jitter, train))
	if !ok {
		return 0, false
	}
	worst, last := model.Duration(0), a.last()
	for i := range n {
		x := max(model.Duration(i)*a.epoch-jitter, 0)
		w, ok := a.withHigher(plus(a.block, a.work(saturate(int64(a.Senders), a.count(plus(x, jitter)))))-last, k)
		if !ok {
			return 0, false
		}
		worst = max(worst, w+last-x)
	}
	return worst, true
}

// payOnce counts the packets of each other sender at the one port where they join
// the way: behind that, as many can be ahead as the link brings meanwhile, which is
// no delay but for one packet's store and forward. How many they are depends on the
// jitter, and that on the bound: if all packets were in time until now, none is
// late now, so any solution of the equation is a bound.
func (a *analysis) payOnce(host model.Duration) (Guarantee, bool) {
	h := a.Switches
	if !a.JoinsOnce || h == 0 {
		return Guarantee{}, false
	}
	var busy, jitter model.Duration
	var joining int64
	least := model.Duration(h+1) * (a.packet - a.spread)
	d, ok := a.fixpoint(func(d model.Duration) model.Duration {
		jitter = plus(max(d-least, 0), a.Jitter)
		busy = 0
		for k := 1; k <= h; k++ {
			b, ok := a.busyPeriod(k, jitter)
			if !ok {
				return model.Duration(most)
			}
			busy = max(busy, b)
		}
		joining = saturate(int64(a.Senders)-a.perHost, a.count(plus(busy, jitter)))
		total := plus(host, a.work(joining), a.Jitter)
		for k := 1; k <= h; k++ {
			if k <= h-a.Slowdowns {
				total = plus(total, a.packet, a.block, a.higherWork(busy, k))
				continue
			}
			slow := model.Duration(0) // the worst of all ports, as it may be any
			for j := 1; j <= h; j++ {
				hop, ok := a.hop(j, jitter, 0)
				if !ok {
					return model.Duration(most)
				}
				slow = max(slow, hop)
			}
			total = plus(total, slow, a.higherWork(busy, k))
		}
		return total
	})
	if !ok {
		return Guarantee{}, false
	}
	return Guarantee{
		Delay: plus(d, a.Epsilon), Method: "pay once",
		Formula: "D = host + h*(P/R + L/R) + (N - 1)*P/R*count(B + J) + higher + eps, with J = D - (h + 1)*P/R and B the longest busy period",
		Numbers: fmt.Sprintf("%v + %d*(%v + %v) + %d*%v + higher + %v = %v, with J = %v and B = %v",
			host, h, a.packet, a.block, joining, a.packet, a.Epsilon, plus(d, a.Epsilon), jitter, busy),
	}, true
}

// rin applies the theorem of route interference (Chlamtac, Faragó, Zhang and
// Fumagalli, "A deterministic approach to the end-to-end analysis of packet flows in
// connection-oriented networks", IEEE/ACM Transactions on Networking 6(4), 1998): where
// packets of one size are spaced, at equal rates, by more transmission times than
// there are flows that join the way of their flow, each is delayed by at most one
// packet of each. Here that spacing is N*P/R, which a load of at most 1 implies.
func (a *analysis) rin() (Guarantee, bool) {
	spaced := a.Budget == 1 && (a.Kind == MinimumSpacing || a.Kind == RestartingWindow) && !a.ByBytes
	if !spaced || !a.JoinsOnce || a.spread != 0 || a.Jitter != 0 || a.perHost != 1 ||
		a.block != 0 || a.hostBlock != 0 || len(a.higher) != 0 || a.Slowdowns != 0 {
		return Guarantee{}, false
	}
	d := plus(a.work(int64(a.Senders)+int64(a.Switches)), a.Epsilon)
	return Guarantee{
		Delay: d, Method: "route interference",
		Formula: "D = (N - 1)*P/R + (h + 1)*P/R + eps",
		Numbers: fmt.Sprintf("%d*%v + %d*%v + %v = %v", a.Senders-1, a.packet, a.Switches+1, a.packet, a.Epsilon, d),
	}, true
}

// status tells whether d is known to be attained: on one switch, and in an even tree
// of two levels without lower frames.
func (a *analysis) status(d model.Duration) Status {
	if len(a.higher) != 0 || a.hostBlock != 0 || a.spread != 0 || a.Jitter != 0 || a.perHost != 1 || a.ByBytes || a.Slowdowns != 0 {
		return Proved
	}
	d -= a.Epsilon
	n := saturate(int64(a.Senders), a.Budget)
	spaced := a.Kind == MinimumSpacing || a.Kind == RestartingWindow && a.Budget == 1
	switch {
	case a.Switches == 1 && spaced && (a.block == 0 || a.Budget == 1) && d == a.work(n+1)+a.block,
		a.Switches == 1 && a.Kind == FixedWindow && a.block == 0 && d == a.work(2*n+1),
		a.Switches == 3 && a.EvenTree && spaced && a.Budget == 1 && a.block == 0 && d == a.work(n+3):
		return Exact
	}
	return Proved
}

func (a *analysis) assumptions(method string) []Assumption {
	list := []Assumption{OneLimiter, CountedSenders, WireBytes, LinkRates, Buffers, StrictPriority, FrameSize, Clocks, ConstantProcessing, NoLoss}
	if a.Smallest == 0 {
		list = append(list, OneSize)
	}
	switch method {
	case "hop by hop":
		list = append(list, FeedForward)
	case "pay once", "route interference":
		list = append(list, JoinsOnce)
	}
	return list
}
