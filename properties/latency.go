package properties

import "suspect/model"

// Latency is a fold that measures how long delivered packets took, from their
// hand-over to the network interface to their arrival, per priority, and for messages
// and background traffic apart. Packets that were sent before the warm-up's end do not
// count, whenever they arrive. Packets that were dropped have no latency: see
// [PacketCounts] for how many there are.
type Latency struct {
	warmUp  model.Time
	classes [2][model.Priorities]Durations
}

// NewLatency returns an empty fold for runs whose warm-up ends at the given time.
func NewLatency(warmUp model.Time) *Latency { return &Latency{warmUp: warmUp} }

// Kinds returns the records that the fold wants.
func (l *Latency) Kinds() model.Kinds { return model.KindSet(model.Delivered) }

// Observe takes the next record.
func (l *Latency) Observe(r *model.Record) {
	if r.Kind == model.Delivered && r.SentAt >= l.warmUp {
		l.classes[trafficIndex(r.Traffic)][r.Priority].Add(r.At.Sub(r.SentAt))
	}
}

// Of returns the latencies of one priority, of background traffic or of messages.
func (l *Latency) Of(traffic bool, p model.Priority) *Durations {
	return &l.classes[trafficIndex(traffic)][p]
}

// Merge adds the latencies of o, as of another replication.
func (l *Latency) Merge(o *Latency) {
	for i := range l.classes {
		for p := range l.classes[i] {
			l.classes[i][p].Merge(&o.classes[i][p])
		}
	}
}

func trafficIndex(traffic bool) int {
	if traffic {
		return 1
	}
	return 0
}

// ReleasedLatency is a fold that measures how long packets took from their release
// by a rate limiter to delivery, by the priority at which they were released. Those
// released before the warm-up's end do not count.
type ReleasedLatency struct {
	warmUp  model.Time
	classes [model.Priorities]Durations
	under   map[uint64]model.Time // when the packets under way were released
}

// NewReleasedLatency returns an empty fold for runs whose warm-up ends at the given
// time.
func NewReleasedLatency(warmUp model.Time) *ReleasedLatency {
	return &ReleasedLatency{warmUp: warmUp, under: map[uint64]model.Time{}}
}

// Kinds returns the records that the fold wants.
func (l *ReleasedLatency) Kinds() model.Kinds {
	return model.KindSet(model.Released, model.Delivered, model.Dropped)
}

// Observe takes the next record.
func (l *ReleasedLatency) Observe(r *model.Record) {
	if r.Kind == model.Released {
		if r.At >= l.warmUp {
			l.under[r.Packet] = r.At
		}
		return
	}
	if at, ok := l.under[r.Packet]; ok {
		delete(l.under, r.Packet)
		if r.Kind == model.Delivered {
			l.classes[r.Priority].Add(r.At.Sub(at))
		}
	}
}

// Of returns the latencies of one priority.
func (l *ReleasedLatency) Of(p model.Priority) *Durations { return &l.classes[p] }

// Merge adds the latencies of o, as of another replication.
func (l *ReleasedLatency) Merge(o *ReleasedLatency) {
	for p := range l.classes {
		l.classes[p].Merge(&o.classes[p])
	}
}
