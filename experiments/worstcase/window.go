package worstcase

import (
	"context"
	"fmt"

	"suspect/experiments/run"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
)

// send is a packet of a run or of a candidate schedule.
type send struct {
	network.Send
	limiter network.LimiterUse
	traffic int  // with an own limiter: which traffic
	free    bool // its priority is of no level
}

// place ranks what a packet shares a traffic with.
func (x *send) place() int {
	if x.free {
		return int(network.NoLimiter) + 1
	}
	return int(x.limiter)
}

// stretch is the part of a run before and until a late packet arrived.
type stretch struct {
	sends   []send     // the last that were sent, in that order
	late    int        // the late packet, in sends
	arrived model.Time // when that was delivered
}

// longestStretch limits how many packets before the late one are looked at.
const longestStretch = 1 << 16

// watcher finds the first packet of a level that takes longer than the bound from its
// release to its delivery, with what was sent until then.
type watcher struct {
	priority model.Priority
	bound    model.Duration
	from     model.Time // packets that are released before do not count
	level    [model.Priorities]bool

	ring     []watched // by the number of the packet
	last     uint64    // the number of the last packet that was sent
	released map[uint64]model.Time

	// The late packet, or 0.
	late    uint64
	release model.Time
	arrival model.Time
}

// watched is a packet of which more is known than how it was sent.
type watched struct {
	model.Record
	passed bool // it went into the network, past or through a limiter
	let    bool // a limiter let it pass
}

func newWatcher(s *scenario.Scenario, priority model.Priority, bound model.Duration, size int) *watcher {
	w := &watcher{
		priority: priority, bound: bound, from: model.Time(s.WarmUp),
		ring: make([]watched, size), released: map[uint64]model.Time{},
	}
	for _, l := range s.QJump.Table.Levels {
		w.level[l.Priority] = true
	}
	return w
}

var watchedKinds = model.KindSet(model.Sent, model.Released, model.Hopped, model.Delivered, model.Dropped)

func (w *watcher) observe(r *model.Record) (more bool) {
	if r.Kind == model.Sent {
		w.ring[r.Packet%uint64(len(w.ring))] = watched{Record: *r}
		w.last = r.Packet
		return true
	}
	if x := w.of(r.Packet); x != nil {
		x.passed = x.passed || r.Kind == model.Hopped || r.Kind == model.Delivered
		x.let = x.let || r.Kind == model.Released
	}
	switch r.Kind {
	case model.Released:
		if r.Priority == w.priority && r.At >= w.from {
			w.released[r.Packet] = r.At
		}
	case model.Delivered, model.Dropped:
		at, ok := w.released[r.Packet]
		delete(w.released, r.Packet)
		if ok && r.Kind == model.Delivered && r.At.Sub(at) > w.bound {
			w.late, w.release, w.arrival = r.Packet, at, r.At
			return false
		}
	}
	return true
}

// of returns the packet of the number if it is still known.
func (w *watcher) of(number uint64) *watched {
	if x := &w.ring[number%uint64(len(w.ring))]; x.Packet == number {
		return x
	}
	return nil
}

// find runs the replication again until a packet is later than the bound.
func find(ctx context.Context, s *scenario.Scenario, v Violation) (*stretch, error) {
	w := newWatcher(s, v.Priority, v.Bound, longestStretch)
	if _, err := run.Again(ctx, s, v.Replication, watchedKinds, w.observe); err != nil {
		return nil, err
	}
	if w.late == 0 || w.of(w.late) == nil {
		return nil, fmt.Errorf("no packet with priority %d is delivered more than %v after its release, and within %d packets of being sent", v.Priority, v.Bound, longestStretch)
	}
	own, err := ownSends(ctx, s, v.Replication, w.arrival)
	if err != nil {
		return nil, err
	}
	x := &stretch{arrived: w.arrival}
	for number := w.last - min(w.last, longestStretch) + 1; number <= w.last; number++ {
		p := w.of(number)
		if number == w.late {
			x.late = len(x.sends)
		}
		y := send{Send: network.Send{
			At: p.At, From: network.NodeID(p.Process), To: network.NodeID(p.Peer),
			Bytes: payload(s.Network.Framing, p.Bytes), Priority: p.Priority,
		}, free: !w.level[p.Priority]}
		if traffics := own[keyOf(&p.Record)]; len(traffics) > 0 {
			y.limiter, y.traffic = network.OwnLimiter, traffics[0]
			own[keyOf(&p.Record)] = traffics[1:]
		} else if w.level[p.Priority] && p.passed && !p.let {
			y.limiter = network.NoLimiter
		}
		x.sends = append(x.sends, y)
	}
	return x, nil
}

// key is what records tell of a packet's sending.
type key struct {
	at       model.Time
	from, to model.ProcessID
	bytes    int32
	priority model.Priority
}

func keyOf(r *model.Record) key { return key{r.At, r.Process, r.Peer, r.Bytes, r.Priority} }

// ownSends returns what the traffics that have limiters of their own send until the given
// time. No record tells the traffic of a packet, but what a traffic sends does not depend
// on the others, so each is run by itself. Bulk does, on what else waits in its queue: some
// of its packets may be taken for those of others, and then the schedule that they make
// is not late, or late all the same.
func ownSends(ctx context.Context, s *scenario.Scenario, replication int, until model.Time) (map[key][]int, error) {
	own := map[key][]int{}
	for i := range s.Traffic {
		if s.Traffic[i].Limiter != network.OwnLimiter {
			continue
		}
		alone := *s
		alone.Detectors, alone.Traffic = nil, s.Traffic[i:i+1]
		_, err := run.Again(ctx, &alone, replication, model.KindSet(model.Sent), func(r *model.Record) bool {
			if r.At <= until {
				own[keyOf(r)] = append(own[keyOf(r)], i)
			}
			return r.At <= until
		})
		if err != nil {
			return nil, err
		}
	}
	return own, nil
}

// payload returns the largest payload of a packet that has the given bytes on the wire.
func payload(f network.Framing, wire int32) int32 {
	return wire - (f.WireBytes(network.MaxPayload) - network.MaxPayload)
}
