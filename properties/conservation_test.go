package properties_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"suspect/model"
	"suspect/properties"
)

func sent(n uint64) model.Record { return model.Record{Kind: model.Sent, Packet: n} }
func delivered(n uint64) model.Record {
	return model.Record{Kind: model.Delivered, Packet: n, At: 2, SentAt: 1}
}
func duplicated(n, of uint64) model.Record {
	return model.Record{Kind: model.Duplicated, Packet: n, Seq: int64(of)}
}
func dropped(n uint64, c model.DropCause) model.Record {
	return model.Record{Kind: model.Dropped, Packet: n, Cause: c}
}

// TestConservation: each way of losing count of a packet is found.
func TestConservation(t *testing.T) {
	early := delivered(1)
	early.At = 0
	tests := []struct {
		name     string
		records  []model.Record
		inFlight int // -1: nobody knows
		outcome  properties.Outcome
		reason   string
	}{
		{"balanced", []model.Record{sent(1), sent(2), delivered(2), dropped(1, model.BufferFull)}, -1, properties.Holds, "2 sent = 1 delivered + 1 dropped + 0 in flight"},
		{"in flight, and the network agrees", []model.Record{sent(1), sent(2), delivered(2)}, 1, properties.Holds, "1 in flight"},
		{"in flight, and nobody knows", []model.Record{sent(1), sent(2), delivered(2)}, -1, properties.Inconclusive, "the oldest in flight is packet 1"},
		{"lost", []model.Record{sent(1), sent(2), delivered(1)}, 0, properties.Violated, "the network holds 0; the oldest in flight is packet 2"},
		{"delivered twice", []model.Record{sent(1), delivered(1), delivered(1)}, -1, properties.Violated, "packet 1 was delivered after it had ended"},
		{"delivered twice, much later", append(many(1, 9000), delivered(5)), -1, properties.Violated, "packet 5 was delivered after it had ended"},
		{"dropped after delivery", []model.Record{sent(1), delivered(1), dropped(1, model.LinkLoss)}, -1, properties.Violated, "packet 1 was dropped after it had ended"},
		{"dropped without a cause", []model.Record{sent(1), dropped(1, model.NotDropped)}, -1, properties.Violated, "without a cause"},
		{"never sent", []model.Record{sent(1), delivered(2)}, -1, properties.Violated, "packet 2 was delivered but never sent"},
		{"number zero", []model.Record{sent(1), delivered(0)}, -1, properties.Violated, "packet 0 was delivered but never sent"},
		{"a number left out", []model.Record{sent(1), sent(3)}, -1, properties.Violated, "packet 3 was sent after packet 1"},
		{"a number sent twice", []model.Record{sent(1), sent(1)}, -1, properties.Violated, "packet 1 was sent after packet 1"},
		{"before it was sent", []model.Record{sent(1), early}, -1, properties.Violated, "packet 1 ended before it was sent"},
		{"a second copy", []model.Record{sent(1), duplicated(2, 1), delivered(1), delivered(2)}, 0, properties.Holds, "1 sent + 1 duplicated = 2 delivered + 0 dropped + 0 in flight"},
		{"a second copy that is lost", []model.Record{sent(1), duplicated(2, 1), delivered(1), sent(3), delivered(3)}, 0, properties.Violated, "the oldest in flight is packet 2"},
		{"a copy of a copy", []model.Record{sent(1), duplicated(2, 1), delivered(1), duplicated(3, 2), dropped(2, model.LinkLoss)}, 1, properties.Holds, "1 in flight"},
		{"a second copy of what has ended", []model.Record{sent(1), delivered(1), duplicated(2, 1), delivered(2)}, 0, properties.Violated, "packet 2 is a second copy of packet 1, which is not in flight"},
		{"a second copy of nothing", []model.Record{sent(1), duplicated(2, 7)}, 2, properties.Violated, "packet 2 is a second copy of packet 7, which is not in flight"},
		{"a second copy with the number of the first", []model.Record{sent(1), duplicated(1, 1), delivered(1)}, 0, properties.Violated, "packet 1 was duplicated after packet 1"},
		{"nothing", nil, 0, properties.Inconclusive, "vacuous"},
		{"nothing, but the network holds one", nil, 1, properties.Violated, "the network holds 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := properties.NewConservation()
			for i := range tt.records {
				c.Observe(&tt.records[i])
			}
			var got properties.Result
			if tt.inFlight < 0 {
				got = c.Finish(10)
			} else {
				got = c.FinishWith(tt.inFlight)
			}
			if got.Outcome != tt.outcome || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("%v: %s\nwant %v: %s", got.Outcome, got.Reason, tt.outcome, tt.reason)
			}
		})
	}
}

// many returns the records of packets that are sent and at once delivered.
func many(from, to uint64) []model.Record {
	var all []model.Record
	for n := from; n <= to; n++ {
		all = append(all, sent(n), delivered(n))
	}
	return all
}

// TestConservationAgreesWithSet compares the pages of bits with a plain set, on packets
// that end in random order, some of them twice.
func TestConservationAgreesWithSet(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 7))
		c := properties.NewConservation()
		outstanding := map[uint64]bool{}
		var open []uint64
		var n uint64
		wrong := false
		for range 30000 {
			var r model.Record
			switch x := rng.IntN(100); {
			case x < 50:
				n++
				r = sent(n)
				outstanding[n] = true
				open = append(open, n)
			case len(open) > 0:
				i := rng.IntN(len(open))
				if rng.IntN(3) > 0 {
					i = 0 // mostly in order, so that pages come and go
				}
				r = delivered(open[i])
				if rng.IntN(60000) > 0 { // else it stays, and ends twice
					open = append(open[:i], open[i+1:]...)
				}
				wrong = wrong || !outstanding[r.Packet]
				delete(outstanding, r.Packet)
			default:
				continue
			}
			c.Observe(&r)
		}
		got := c.FinishWith(len(outstanding))
		if wrong != (got.Outcome == properties.Violated) {
			t.Fatalf("seed %d: %v (%s), but a packet ended twice: %v", seed, got.Outcome, got.Reason, wrong)
		}
		oldest, ok := c.Oldest()
		for i := range n {
			if outstanding[i+1] {
				if !ok || oldest != i+1 {
					t.Fatalf("seed %d: oldest is %d, want %d", seed, oldest, i+1)
				}
				break
			}
		}
	}
}

// TestConservationMemory: one old packet in flight does not hold on to the bits of the
// many that come after it.
func TestConservationMemory(t *testing.T) {
	c := properties.NewConservation()
	old := sent(1)
	c.Observe(&old)
	n := uint64(1)
	run := func() {
		for range 100_000 {
			n++
			s, d := sent(n), delivered(n)
			c.Observe(&s)
			c.Observe(&d)
		}
	}
	run()
	if allocs := testing.AllocsPerRun(10, run); allocs > 3 { // the table of pages grows now and then
		t.Errorf("%v allocations per 100,000 packets", allocs)
	}
	if oldest, ok := c.Oldest(); !ok || oldest != 1 {
		t.Errorf("oldest is %d", oldest)
	}
	last := delivered(1)
	c.Observe(&last)
	if got := c.Finish(10); got.Outcome != properties.Holds {
		t.Error(got.Reason)
	}
}

func TestPacketCounts(t *testing.T) {
	var a, b properties.PacketCounts
	for _, r := range []model.Record{
		{Kind: model.Sent, Priority: 7}, {Kind: model.Sent, Priority: 7}, {Kind: model.Sent}, {Kind: model.Sent},
		{Kind: model.Delivered, Priority: 7}, {Kind: model.Dropped, Cause: model.BufferFull}, {Kind: model.Dropped, Cause: model.LinkLoss},
		{Kind: model.Hopped},
	} {
		a.Observe(&r)
	}
	if a.Sent[7] != 2 || a.Sent[0] != 2 || a.Delivered[7] != 1 || a.Dropped[0][model.BufferFull] != 1 || a.Dropped[0][model.LinkLoss] != 1 {
		t.Errorf("counts: %+v", a)
	}
	if got := a.String(); got != "4 sent = 1 delivered + 2 dropped + 1 in flight" {
		t.Error(got)
	}
	b.Merge(&a)
	b.Merge(&a)
	if got := b.String(); got != "8 sent = 2 delivered + 4 dropped + 2 in flight" {
		t.Error(got)
	}
}

var _ properties.Checker = properties.NewConservation()
