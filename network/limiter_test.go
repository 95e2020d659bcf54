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

// A limiter decides upon one packet after the other, each time after its processing,
// and asks at the end of it; what it demotes waits for that of the lower limiter too.
// What passes no limiter waits for none. A crash loses the packets that are not decided
// upon.
func TestLimiterProcessing(t *testing.T) {
	const ns = model.Nanosecond
	n := newNetwork(t, 1, Config{Topology: Star(2, LinkConfig{Rate: 8 * Gbps}), Framing: Bare, LimiterProcessing: 20 * ns})
	n.SetLimiter(0, 7, &spacing{gap: 30 * ns, room: 1}, 5)
	n.SetLimiter(0, 5, &spacing{gap: 0, room: 0}, 5)
	n.SetLimiter(1, 7, &spacing{gap: 30 * ns, room: 1}, 5)
	var got []string
	n.kernel.Records.Subscribe(model.KindSet(model.Released, model.Dropped, model.Hopped), func(r *model.Record) {
		if r.Kind != model.Hopped || r.Bytes == 2 {
			got = append(got, fmt.Sprint(r.At, " ", r.Kind, " ", r.Packet, " ", r.Priority, " ", r.Cause))
		}
	})
	// Decisions at 20, 40, 60, 80 and 100 ns: the limiter lets packets go at 20, 50, 80
	// and 110; the last, at 140, would wait for more than one gap.
	for range 5 {
		n.Send(0, 1, 1, 7, 0)
	}
	n.Send(0, 1, 2, 6, 0)
	n.Send(0, 1, 1, 5, 0)
	run(t, n, model.Time(200*ns))
	for range 3 {
		n.Send(0, 1, 1, 7, 0)
		n.Send(1, 0, 1, 7, 0)
	}
	run(t, n, model.Time(230*ns))
	if n.InFlight() != 4 || n.pool.live != 4 {
		t.Errorf("%d packets in flight, %d in the pool, want 4", n.InFlight(), n.pool.live)
	}
	n.CrashHost(0)
	run(t, n, model.Time(model.Microsecond))
	want := []string{
		"2ns hopped 6 6 none",
		"20ns released 1 7 none", "20ns released 7 5 none",
		"50ns released 2 7 none", "80ns released 3 7 none", "110ns released 4 7 none", "120ns released 5 5 none",
		"220ns released 8 7 none", "220ns released 9 7 none",
		"230ns dropped 10 7 host-down", "230ns dropped 12 7 host-down",
		"250ns released 11 7 none", "252ns dropped 11 7 host-down",
		"280ns released 13 7 none", "282ns dropped 13 7 host-down",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n.InFlight() != 0 || n.pool.live != 0 {
		t.Errorf("%d packets in flight, %d in the pool, at the end", n.InFlight(), n.pool.live)
	}
}

func TestLimiterProcessingIsChecked(t *testing.T) {
	for _, d := range []model.Duration{-1, model.Duration(model.MaxTime) + 1} {
		if _, err := New(sim.New(1), Config{Topology: star8G(2), LimiterProcessing: d}); err == nil {
			t.Errorf("a processing of %v is accepted", d)
		}
	}
}
