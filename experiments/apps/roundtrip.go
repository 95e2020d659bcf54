package apps

import "suspect/model"

// RoundTrips is a fold over records that measures how long the requests of one process,
// a [Ping] or a [Client], take until their first reply is delivered. A request that was
// sent again counts from the first time that it was sent.
type RoundTrips struct {
	asker, answerer model.ProcessID
	from            model.Time
	sent            map[int64]model.Time // requests without a reply, by their number

	// Durations are the round trips of the requests sent at or after the time that
	// NewRoundTrips was given, in the order of their ends.
	Durations []model.Duration

	// Asked is the number of those requests, Again how often one was sent again.
	Asked, Again int64
}

// NewRoundTrips returns a fold over the requests of asker to answerer that are sent at
// or after time from.
func NewRoundTrips(asker, answerer model.ProcessID, from model.Time) *RoundTrips {
	return &RoundTrips{asker: asker, answerer: answerer, from: from, sent: make(map[int64]model.Time)}
}

// Kinds returns the records that the fold wants.
func (t *RoundTrips) Kinds() model.Kinds { return model.KindSet(model.Sent, model.Delivered) }

// Observe takes the next record.
func (t *RoundTrips) Observe(r *model.Record) {
	if r.Traffic || r.Process != t.asker || r.Peer != t.answerer {
		return
	}
	first, known := t.sent[r.Seq]
	if !known {
		first = r.At
	}
	counts := first >= t.from
	switch {
	case r.Kind == model.Delivered && known:
		delete(t.sent, r.Seq)
		if counts {
			t.Durations = append(t.Durations, r.At.Sub(first))
		}
	case r.Kind == model.Sent && known && counts:
		t.Again++
	case r.Kind == model.Sent && !known:
		t.sent[r.Seq] = r.At
		if counts {
			t.Asked++
		}
	}
}

// Unanswered returns the number of those requests that have no reply.
func (t *RoundTrips) Unanswered() int64 { return t.Asked - int64(len(t.Durations)) }
