package qjump

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"suspect/model"
)

// inflow is what of one class comes to an output port: from groups of links and, at the
// port of a host, from its limiters. Groups share no limiter.
type inflow struct {
	*flow
	priority      model.Priority
	packet, small model.Duration // of the largest and the smallest packet at this port
	groups        []group
	id            string // equal for equal inflows
}

// group is a number of equal sets of streams, each with links that bring them.
type group struct {
	times   int64
	links   []feed // none: nothing but the limiters holds the streams back
	streams []stream
}

// feed is a number of equal links. What one brings in a time x after its first packet
// takes this port no more than x*num/den.
type feed struct {
	links    int64
	num, den int64
}

// stream is a number of limiters whose packets come with the same jitter.
type stream struct {
	jitter   model.Duration
	limiters int64
}

// share returns x*num/den, rounded up, or the largest time if that is less.
func (d feed) share(x model.Duration) model.Duration {
	if d.num == d.den {
		return x
	}
	hi, lo := bits.Mul64(uint64(x), uint64(d.num))
	if hi >= uint64(d.den) {
		return model.Duration(most)
	}
	q, rest := bits.Div64(hi, lo, uint64(d.den))
	if rest != 0 {
		q++
	}
	return model.Duration(min(q, uint64(most)))
}

// brought bounds what the links of one set bring in an interval of length x, both ends
// included: a packet at its beginning, and then no more than they carry.
func (i *inflow) brought(g *group, x model.Duration) model.Duration {
	total := model.Duration(0)
	for _, d := range g.links {
		total = plus(total, saturated(d.links, int64(plus(i.packet, d.share(x)))))
	}
	return total
}

// let bounds what the limiters of one set let pass in an interval of length x.
func (i *inflow) let(g *group, x model.Duration) model.Duration {
	n := int64(0)
	for _, s := range g.streams {
		n = min(n+saturate(s.limiters, i.count(plus(x, s.jitter))), most)
	}
	return saturated(n, int64(i.packet))
}

// work bounds how long the port is busy with what comes in an interval of length x, both
// ends included.
func (i *inflow) work(x model.Duration) model.Duration {
	total := model.Duration(0)
	for k := range i.groups {
		g := &i.groups[k]
		w := i.let(g, x)
		if len(g.links) > 0 {
			w = min(w, i.brought(g, x))
		}
		total = plus(total, saturated(g.times, int64(w)))
	}
	return total
}

// full returns the least x at which links can have brought w, or most.
func (i *inflow) full(g *group, w model.Duration) model.Duration {
	low, high := model.Duration(0), model.Duration(1)
	for i.brought(g, high) < w {
		if low, high = high, high*2; int64(high) >= most {
			return model.Duration(most)
		}
	}
	for low < high {
		if mid := low + (high-low)/2; i.brought(g, mid) >= w {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

// seal puts equal groups together and gives the inflow its id.
func (i *inflow) seal() {
	known := make(map[string]int)
	var groups []group
	var keys []string
	for _, g := range i.groups {
		slices.SortFunc(g.streams, func(a, b stream) int { return int(min(max(a.jitter-b.jitter, -1), 1)) })
		merged := g.streams[:0]
		for _, s := range g.streams {
			if n := len(merged); n > 0 && merged[n-1].jitter == s.jitter {
				merged[n-1].limiters += s.limiters
			} else {
				merged = append(merged, s)
			}
		}
		g.streams = merged
		var key []byte
		for _, d := range g.links {
			key = appendInts(key, d.links, d.num, d.den)
		}
		key = appendInts(key, -1)
		for _, s := range g.streams {
			key = appendInts(key, int64(s.jitter), s.limiters)
		}
		if k, ok := known[string(key)]; ok {
			groups[k].times += g.times
			continue
		}
		known[string(key)] = len(groups)
		groups, keys = append(groups, g), append(keys, string(key))
	}
	order := make([]int, len(groups))
	for k := range order {
		order[k] = k
	}
	slices.SortFunc(order, func(a, b int) int {
		if keys[a] < keys[b] {
			return -1
		}
		return 1 // keys are different
	})
	i.groups = nil
	id := appendInts(nil, int64(i.packet), int64(i.small))
	for _, k := range order {
		i.groups = append(i.groups, groups[k])
		id = append(appendInts(id, -2, groups[k].times), keys[k]...)
	}
	i.id = string(id)
}

func appendInts(b []byte, xs ...int64) []byte {
	for _, x := range xs {
		b = binary.AppendVarint(b, x)
	}
	return b
}

// maxPortSteps limits the work for one port and class.
const maxPortSteps = 1 << 16

// portAnalysis is one output port as one class sees it.
type portAnalysis struct {
	*inflow
	higher []*inflow
	block  model.Duration // the largest frame of a lower priority
	steps  int
}

func (a *portAnalysis) higherWork(w model.Duration) model.Duration {
	total := model.Duration(0)
	for _, h := range a.higher {
		total = plus(total, h.work(w))
	}
	return total
}

// fixpoint returns the least w with w = step(w), from below, and no where it passes
// the range of time or takes too many steps.
func (a *portAnalysis) fixpoint(step func(model.Duration) model.Duration) (model.Duration, bool) {
	for w := model.Duration(0); a.steps < maxPortSteps; a.steps++ {
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

// begins returns when a transmission begins that has base before it in its own class and
// below, from the beginning of the busy period on.
func (a *portAnalysis) begins(base model.Duration) (model.Duration, bool) {
	if len(a.higher) == 0 {
		return base, int64(base) < most
	}
	return a.fixpoint(func(w model.Duration) model.Duration { return plus(base, a.higherWork(w)) })
}

// busyPeriod bounds how long the port is busy with the class and those above it.
func (a *portAnalysis) busyPeriod() (model.Duration, bool) {
	return a.fixpoint(func(b model.Duration) model.Duration {
		before := max(b-1, 0) // what comes at its end is of the next
		return plus(a.block, a.work(before), a.higherWork(before))
	})
}

// instants returns the times below end at which a worst case can lie, increasing: those
// at which one more packet of a limiter can come in, and those at which links have brought
// all that limiters let pass. Between two of them the inflow grows evenly.
func (a *portAnalysis) instants(end model.Duration) ([]model.Duration, bool) {
	if int64(end) > most/4 {
		return nil, false
	}
	jumps := []model.Duration{0}
	for _, i := range append([]*inflow{a.inflow}, a.higher...) {
		for k := range i.groups {
			for _, s := range i.groups[k].streams {
				if int64(s.jitter) > most/4 {
					return nil, false
				}
				for e := s.jitter - s.jitter%i.epoch + i.epoch; e-s.jitter < end; e += i.epoch {
					jumps = append(jumps, e-s.jitter)
					if a.steps++; a.steps >= maxPortSteps {
						return nil, false
					}
				}
			}
		}
	}
	slices.Sort(jumps)
	jumps = slices.Compact(jumps)
	all := jumps
	for k := range a.groups {
		g := &a.groups[k]
		if len(g.links) == 0 {
			continue
		}
		let := model.Duration(-1)
		for _, x := range jumps {
			if l := a.let(g, x); l != let {
				let = l
				if full := a.full(g, l); full > x && full < end {
					all = append(all, full-1, full)
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all), true
}

// portResult is what is proved of a port.
type portResult struct {
	delay   model.Duration // of a packet there, transmission included
	waiting model.Duration // the work of the class that is there at once
	busy    model.Duration
	worst   worst
}

// worst is where the delay of a port is largest: the packet comes at this time of the busy
// period, with so much work of its class until then, itself included, and waits for what
// the classes above send in the window. With the frame below, the delay is what
// remains of all that at the packet's arrival.
type worst struct {
	at, work, window model.Duration
}

// solve bounds the delay and the backlog where packets come until longer after the end
// of the longest busy period. Let a packet come x after the beginning of the busy
// period. It begins to be sent when the frame below, the class's packets that came up to
// x, and what the classes above brought meanwhile have been sent. Between two instants
// the delay without the last is a straight line, and so largest at an end; the last
// grows with x.
func (a *portAnalysis) solve(longer model.Duration) (r portResult, ok bool) {
	if r.busy, ok = a.busyPeriod(); !ok {
		return r, false
	}
	end := plus(r.busy, longer)
	xs, ok := a.instants(end)
	if !ok {
		return r, false
	}
	for k, x := range xs {
		stop := end - 1
		if k+1 < len(xs) {
			stop = xs[k+1] - 1
		}
		first, last := a.work(x), a.work(stop)
		line := max(first-x, last-stop) // perhaps negative
		base := plus(a.block, last) - a.small
		w, ok := a.begins(base)
		if !ok {
			return r, false
		}
		if d := a.block + line + (w - base); d > r.delay {
			r.delay, r.worst = d, worst{x, first, w}
			if line > first-x {
				r.worst = worst{stop, last, w}
			}
		}
		// At any time up to stop the port has been at work since the beginning, but
		// perhaps on other things.
		r.waiting = max(r.waiting, min(last, line+min(plus(a.block, a.higherWork(stop)), stop)))
	}
	return r, true
}
