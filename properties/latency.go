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
