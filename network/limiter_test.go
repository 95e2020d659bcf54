package network

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/model"
	"suspect/sim"
)

// spacing admits one packet each gap, and at most room packets ahead of time.
type spacing struct {
	gap  model.Duration
	room int
	next model.Time
}

func (s *spacing) Admit(now model.Time, _ int32) (model.Time, bool) {
	at := max(now, s.next)
	if at.Sub(now) > model.Duration(s.room)*s.gap {
		return 0, false
	}
	s.next = at.Add(s.gap)
	return at, true
}

// Five packets at once: one passes, two are held back for their time, one goes on
// at a lower priority, where there is no limiter, and one beyond that limiter's
// room is dropped. A crash of the host loses what is still held back.
func TestLimiter(t *testing.T) {
	k := sim.New(1)
	n, err := New(k, Config{Topology: Star(2, LinkConfig{Rate: 8 * Gbps}), Framing: Bare})
	if err != nil {
		t.Fatal(err)
	}
	n.SetLimiter(0, 7, &spacing{gap: model.Microsecond, room: 2}, 5)
	n.SetLimiter(0, 5, &spacing{gap: model.Millisecond, room: 0}, 5)
	var got []string
	k.Records.Subscribe(model.KindSet(model.Released, model.Delivered, model.Dropped), func(r *model.Record) {
		got = append(got, fmt.Sprint(r.At, " ", r.Kind, " ", r.Packet, " ", r.Priority, " ", r.Cause))
	})
	for range 5 {
		n.Send(0, 1, 100, 7, 0)
	}
	if n.InFlight() != 4 {
		t.Errorf("%d packets in flight, want 4", n.InFlight())
	}
	if err := k.Run(model.Time(1500*model.Nanosecond), sim.Budget{}); err != nil {
		t.Fatal(err)
	}
	n.CrashHost(0)
	if err := k.Run(model.Time(model.Second), sim.Budget{}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"0s released 1 7 none", "0s released 4 5 none", "0s dropped 5 5 rate-limited",
		"200ns delivered 1 7 none", "300ns delivered 4 5 none",
		"1us released 2 7 none", "1.2us delivered 2 7 none",
		"1.5us dropped 3 7 host-down",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n.InFlight() != 0 || n.pool.live != 0 {
		t.Errorf("%d packets in flight, %d in the pool, at the end", n.InFlight(), n.pool.live)
	}
}
