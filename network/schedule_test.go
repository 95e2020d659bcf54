package network

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/model"
)

// sentLog returns a log of the packets that are sent: when, from where, to where, bytes
// and priority.
func sentLog(n *Network) *[]string {
	log := new([]string)
	n.kernel.Records.Subscribe(model.KindSet(model.Sent), func(r *model.Record) {
		*log = append(*log, fmt.Sprint(r.At, " ", r.Process, ">", r.Peer, " ", r.Bytes, "B ", r.Priority))
	})
	return log
}

// The packets of a schedule are sent at their times, those of one time in the order of
// the list, and none by a host that is down.
func TestScheduledSends(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: star8G(3), Framing: Bare})
	run(t, n, 10)
	log := sentLog(n)
	mustAdd(t, n, Traffic{Kind: Schedule, Sends: []Send{
		{0, 2, 1, 5, 0}, {3, 1, 0, 100, 7}, {3, 0, 1, 200, 7}, {3, 1, 0, 64, 1}, {7, 1, 2, 100, 7},
		{20, 0, 1, 100, 7}, {20, 1, 0, 100, 7}, {40, 0, 1, 100, 7},
	}})
	n.Schedule(hostCrash{0}, 25, 10)
	run(t, n, 100)
	want := []string{
		"10ps 2>1 5B 0", "13ps 1>0 100B 7", "13ps 0>1 200B 7", "13ps 1>0 64B 1", "17ps 1>2 100B 7",
		"30ps 1>0 100B 7", "50ps 0>1 100B 7",
	}
	if diff := cmp.Diff(want, *log); diff != "" {
		t.Error(diff)
	}
}

func TestSchedulesAreValidated(t *testing.T) {
	top := star8G(3)
	good := Send{1, 0, 1, 64, 7}
	for _, c := range []struct {
		sends []Send
		want  string
	}{
		{nil, "the schedule is empty"},
		{[]Send{good, {0, 0, 1, 64, 7}}, "sends[1]: 0s is before the packet before it, at 1ps"},
		{[]Send{{1, 0, 0, 64, 7}}, "sends[0]: h0 would send to itself"},
		{[]Send{{1, 3, 0, 64, 7}}, "sends[0]: s0 is a switch; only hosts send and receive"},
		{[]Send{{1, 0, 4, 64, 7}}, "sends[0]: there is no node 4"},
		{[]Send{{1, 0, 1, 0, 7}, {1, 0, 1, 64, 8}}, "sends[0]: a packet of 0 bytes: it must have between 1 and 65536\nsends[1]: priority 8: it must lie between 0 and 7"},
		{[]Send{{-1, 0, 1, 64, 7}}, "sends[0]: time -1ps: it must lie between 0 and 4611686.018427387904s"},
	} {
		n := newNetwork(t, 1, Config{Topology: top})
		err := n.AddTraffic(Traffic{Kind: Schedule, Sends: c.sends})
		if err == nil || err.Error() != c.want {
			t.Errorf("%v: got %v, want %s", c.sends, err, c.want)
		}
	}
}

func TestSenders(t *testing.T) {
	sizes, _ := LookupFlowSizes("web-search")
	for _, c := range []struct {
		traffic Traffic
		want    []Sender
	}{
		{Traffic{Kind: Bulk, From: []NodeID{2, 0}, Bytes: 100, Priority: 3}, []Sender{{2, 3, 100, 100}, {0, 3, 100, 100}}},
		{Traffic{Kind: Flows, Sizes: sizes, From: []NodeID{1}, Bytes: 1460}, []Sender{{1, 0, 1, 1460}}},
		{Traffic{Kind: Schedule, Sends: []Send{{0, 1, 0, 64, 7}, {1, 0, 1, 9, 7}, {1, 1, 2, 32, 7}, {2, 1, 2, 1000, 6}, {3, 1, 2, 99, 7}}},
			[]Sender{{1, 7, 32, 99}, {0, 7, 9, 9}, {1, 6, 1000, 1000}}},
	} {
		if diff := cmp.Diff(c.want, c.traffic.Senders()); diff != "" {
			t.Errorf("%v: %s", c.traffic.Kind, diff)
		}
	}
}

// A schedule that was added before the limiters sends before a release of the same
// instant, one that was added after them sends after it.
func TestScheduleBeforeReleases(t *testing.T) {
	for _, first := range []bool{true, false} {
		n := newNetwork(t, 1, Config{Topology: star8G(2), Framing: Bare})
		limit := func() { n.SetLimiter(0, 7, &spacing{gap: model.Microsecond, room: 9}, 7) }
		if !first {
			limit()
		}
		at := model.Time(model.Microsecond)
		mustAdd(t, n, Traffic{Kind: Schedule, Sends: []Send{{0, 0, 1, 64, 7}, {0, 0, 1, 65, 7}, {at, 0, 1, 100, 0}}})
		if first {
			limit()
		}
		var order []string
		n.kernel.Records.Subscribe(model.KindSet(model.Delivered), func(r *model.Record) {
			order = append(order, fmt.Sprint(r.Bytes))
		})
		run(t, n, model.Time(model.Millisecond))
		want := "64 65 100"
		if first {
			want = "64 100 65" // the frame has begun when the packet is released
		}
		if got := strings.Join(order, " "); got != want {
			t.Errorf("schedule first %t: %s, want %s", first, got, want)
		}
	}
}

// Each traffic meets the limiters that it asks for: the shared one, its own, which
// counts apart, or none. What its own demotes meets the shared one below.
func TestLimiterUse(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: star8G(2), Framing: Bare})
	sends := func(bytes int32, count int) (all []Send) {
		for range count {
			all = append(all, Send{0, 0, 1, bytes, 7})
		}
		return all
	}
	mustAdd(t, n, Traffic{Kind: Schedule, Name: "shared", Sends: sends(10, 2)})
	mustAdd(t, n, Traffic{Kind: Schedule, Name: "own", Limiter: OwnLimiter, Sends: sends(20, 5)})
	mustAdd(t, n, Traffic{Kind: Schedule, Name: "rogue", Limiter: NoLimiter, Sends: sends(30, 3)})
	mustAdd(t, n, Traffic{Kind: Schedule, Name: "again", Sends: sends(40, 1)})
	n.SetLimiter(0, 7, &spacing{gap: model.Microsecond, room: 9}, 7)
	n.SetLimiter(0, 5, &spacing{gap: model.Millisecond, room: 0}, 5)
	n.SetOwnLimiter("own", 0, 7, &spacing{gap: model.Microsecond, room: 2}, 5)
	var got []string
	n.kernel.Records.Subscribe(model.KindSet(model.Released, model.Delivered, model.Dropped), func(r *model.Record) {
		if r.Kind != model.Delivered || r.Bytes == 30 {
			got = append(got, fmt.Sprint(r.At, " ", r.Kind, " ", r.Bytes, "B ", r.Priority))
		}
	})
	run(t, n, 0)
	if n.InFlight() != n.pool.live || n.InFlight() != 10 {
		t.Errorf("%d packets in flight, %d in the pool, want 10", n.InFlight(), n.pool.live)
	}
	run(t, n, model.Time(model.Second))
	want := []string{
		"0s released 10B 7", "0s released 20B 7", "0s released 20B 5", "0s dropped 20B 5",
		"90ns delivered 30B 7", "120ns delivered 30B 7", "150ns delivered 30B 7",
		"1us released 10B 7", "1us released 20B 7", "2us released 40B 7", "2us released 20B 7",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n.InFlight() != 0 || n.pool.live != 0 {
		t.Errorf("%d packets in flight, %d in the pool, at the end", n.InFlight(), n.pool.live)
	}
}

// A crash of a host loses what all its limiters hold back, and nobody else's.
func TestCrashLosesWhatIsHeldBack(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: star8G(3), Framing: Bare})
	for h := range NodeID(2) {
		name := fmt.Sprint(h)
		mustAdd(t, n, Traffic{Kind: Schedule, Name: name, Limiter: OwnLimiter, Sends: []Send{{0, h, 2, 10, 7}, {0, h, 2, 10, 7}}})
		mustAdd(t, n, Traffic{Kind: Schedule, Name: "shared " + name, Sends: []Send{{0, h, 2, 10, 7}, {0, h, 2, 10, 7}}})
		n.SetLimiter(h, 7, &spacing{gap: model.Microsecond, room: 9}, 7)
		n.SetOwnLimiter(name, h, 7, &spacing{gap: model.Microsecond, room: 9}, 7)
	}
	run(t, n, model.Time(model.Microsecond/2))
	n.CrashHost(0)
	run(t, n, model.Time(model.Second))
	c := n.Counts()
	if c.Delivered != 6 || c.Dropped[model.HostDown] != 2 || n.InFlight() != 0 {
		t.Errorf("%+v and %d in flight, want 6 delivered and 2 lost", c, n.InFlight())
	}
}

func TestSetOwnLimiterPanics(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: star8G(2)})
	mustAdd(t, n, Traffic{Kind: Bulk, Name: "shared", From: hosts(1), Bytes: 100})
	mustAdd(t, n, Traffic{Kind: Bulk, Name: "own", From: hosts(1), Bytes: 100, Limiter: OwnLimiter})
	n.SetOwnLimiter("own", 0, 7, &spacing{}, 7)
	for _, c := range []struct {
		traffic string
		lower   model.Priority
	}{{"shared", 7}, {"nobody", 7}, {"own", 7}, {"own", 8}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a limiter of %q with demotion to %d is accepted", c.traffic, c.lower)
				}
			}()
			n.SetOwnLimiter(c.traffic, 0, 7, &spacing{}, c.lower)
		}()
	}
}

// The packets of a schedule between two hosts take one path, that of packets with the
// label 0.
func TestScheduleIsOneFlow(t *testing.T) {
	for to := NodeID(2); to < 4; to++ {
		var paths [2][]int32
		for i := range paths {
			n := newNetwork(t, 1, Config{Topology: LeafSpine(2, 16, 2, testEdge, testCore)})
			n.kernel.Records.Subscribe(model.KindSet(model.Hopped), func(r *model.Record) { paths[i] = append(paths[i], r.Place) })
			if i == 0 {
				mustAdd(t, n, Traffic{Kind: Schedule, Sends: []Send{{0, 0, to, 64, 7}, {0, 0, to, 64, 7}, {9, 0, to, 64, 0}}})
			} else {
				for range 3 {
					n.Send(0, to, 64, 7, 0)
				}
			}
			run(t, n, model.Time(model.Second))
			slices.Sort(paths[i])
		}
		if !slices.Equal(paths[0], paths[1]) || len(slices.Compact(paths[0])) != 3 {
			t.Errorf("links %v, want %v", paths[0], paths[1])
		}
	}
}
