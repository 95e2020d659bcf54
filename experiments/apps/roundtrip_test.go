package apps_test

import (
	"slices"
	"testing"

	"suspect/experiments/apps"
	"suspect/model"
)

// RoundTrips counts a request from its first sending to its first reply, once, if it was
// first sent late enough; other packets do not count.
func TestRoundTrips(t *testing.T) {
	const us = model.Microsecond
	trips := apps.NewRoundTrips(1, 0, model.Time(10*us))
	for _, r := range []struct {
		at      model.Duration
		kind    model.RecordKind
		process model.ProcessID
		seq     int64
		traffic bool
	}{
		{1 * us, model.Sent, 1, 0, false},
		{9 * us, model.Sent, 1, 1, false},
		{11 * us, model.Sent, 1, 1, false}, // again, but from before
		{12 * us, model.Delivered, 1, 0, false},
		{13 * us, model.Delivered, 1, 1, false},
		{14 * us, model.Sent, 1, 2, false},
		{15 * us, model.Sent, 1, 2, false}, // again
		{16 * us, model.Delivered, 1, 2, true},
		{17 * us, model.Delivered, 0, 2, false}, // of the request
		{18 * us, model.Delivered, 1, 2, false},
		{19 * us, model.Delivered, 1, 2, false}, // of the second request
		{20 * us, model.Sent, 1, 3, true},
		{21 * us, model.Sent, 1, 4, false},
		{22 * us, model.Sent, 1, 5, false},
		{30 * us, model.Delivered, 1, 5, false},
	} {
		trips.Observe(&model.Record{At: model.Time(r.at), Kind: r.kind, Process: r.process, Peer: 1 - r.process, Seq: r.seq, Traffic: r.traffic})
	}
	if !slices.Equal(trips.Durations, []model.Duration{4 * us, 8 * us}) || trips.Asked != 3 || trips.Again != 1 || trips.Unanswered() != 1 {
		t.Errorf("%v of %d requests, %d sent again, %d without a reply", trips.Durations, trips.Asked, trips.Again, trips.Unanswered())
	}
}
