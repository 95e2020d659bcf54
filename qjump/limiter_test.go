package qjump_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"github.com/google/go-cmp/cmp"

	"suspect/model"
	"suspect/network"
	"suspect/qjump"
	"suspect/sim"
)

// A burst of packets of 10 bytes at time 5, then more at 18 and 45, through limiters
// with epochs of 10: when they leave, where -1 is a refusal.
func TestLimiterKinds(t *testing.T) {
	type limiter = qjump.LimiterConfig
	arrivals := []model.Time{5, 5, 5, 18, 45, 45}
	tests := []struct {
		name   string
		config limiter
		want   []model.Time
	}{
		{"spacing", limiter{Budget: qjump.Budget{Packets: 1}}, []model.Time{5, 15, 25, 35, 45, 55}},
		{"spacing of pairs", limiter{Budget: qjump.Budget{Packets: 2}}, []model.Time{5, 5, 15, 18, 45, 45}},
		{"spacing of 25 bytes", limiter{Budget: qjump.Budget{Bytes: 25}}, []model.Time{5, 5, 15, 18, 45, 45}},
		{"windows from 0", limiter{Kind: qjump.FixedWindow, Budget: qjump.Budget{Packets: 1}}, []model.Time{5, 10, 20, 30, 45, 50}},
		{"windows from 8", limiter{Kind: qjump.FixedWindow, Phase: 8, Budget: qjump.Budget{Packets: 1}}, []model.Time{5, 8, 18, 28, 45, 48}},
		{"windows from -2", limiter{Kind: qjump.FixedWindow, Phase: -2, Budget: qjump.Budget{Packets: 1}}, []model.Time{5, 8, 18, 28, 45, 48}},
		{"windows of 2", limiter{Kind: qjump.FixedWindow, Budget: qjump.Budget{Packets: 2}}, []model.Time{5, 5, 10, 18, 45, 45}},
		{"restarting", limiter{Kind: qjump.RestartingWindow, Budget: qjump.Budget{Packets: 1}}, []model.Time{5, 15, 25, 35, 45, 55}},
		{"restarting of 2", limiter{Kind: qjump.RestartingWindow, Budget: qjump.Budget{Packets: 2}}, []model.Time{5, 5, 15, 18, 45, 45}},
		{"restarting, dropping", limiter{Kind: qjump.RestartingWindow, Drops: true, Budget: qjump.Budget{Packets: 1}}, []model.Time{5, -1, -1, 18, 45, -1}},
		{"spacing, dropping", limiter{Drops: true, Budget: qjump.Budget{Packets: 2}}, []model.Time{5, 5, -1, 18, 45, 45}},
		{"windows, dropping", limiter{Kind: qjump.FixedWindow, Drops: true, Budget: qjump.Budget{Bytes: 20}}, []model.Time{5, 5, -1, 18, 45, 45}},
		{"smaller than a packet", limiter{Budget: qjump.Budget{Bytes: 9}}, []model.Time{-1, -1, -1, -1, -1, -1}},
	}
	for _, test := range tests {
		test.config.Epoch = 10
		l, err := qjump.NewLimiter(test.config)
		if err != nil {
			t.Fatal(err)
		}
		var got []model.Time
		for _, now := range arrivals {
			at, ok := l.Admit(now, 10)
			if !ok {
				at = -1
			}
			got = append(got, at)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}

// The kinds differ in what they let leave close together: one packet, two at the
// edge of fixed windows; and of f packets f, 2f and 2f-1.
func TestLargestBursts(t *testing.T) {
	const epoch = 100
	// The traffic that finds the worst: one packet, and many when its window ends.
	arrivals := []model.Time{0}
	for range 20 {
		arrivals = append(arrivals, 99)
	}
	for _, f := range []int64{1, 2, 5} {
		for kind, want := range []int64{f, 2 * f, 2*f - 1} {
			l, err := qjump.NewLimiter(qjump.LimiterConfig{Kind: qjump.LimiterKind(kind), Epoch: epoch, Budget: qjump.Budget{Packets: f}})
			if err != nil {
				t.Fatal(err)
			}
			releases := make([]model.Time, 0, len(arrivals))
			for i, now := range arrivals {
				if i == 0 && kind == int(qjump.FixedWindow) {
					continue // it would take a place
				}
				at, _ := l.Admit(now, 1)
				releases = append(releases, at)
			}
			most := int64(0)
			for i := range releases {
				n := int64(0)
				for _, r := range releases[i:] {
					if r <= releases[i]+1 {
						n++
					}
				}
				most = max(most, n)
			}
			if most != want {
				t.Errorf("%v of %d packets: %d leave together, want %d", qjump.LimiterKind(kind), f, most, want)
			}
		}
	}
}

type passed struct {
	at    model.Time
	bytes int32
}

// lawful counts everything anew: whether a packet more can leave at the given time
// after those that did.
func lawful(c qjump.LimiterConfig, history []passed, p passed) bool {
	all := append(slices.Clone(history), p)
	fits := func(part []passed) bool {
		total := int64(0)
		for _, p := range part {
			total += int64(p.bytes)
		}
		return (c.Budget.Packets == 0 || int64(len(part)) <= c.Budget.Packets) && (c.Budget.Bytes == 0 || total <= c.Budget.Bytes)
	}
	epoch := model.Time(c.Epoch)
	for i := 0; i < len(all); {
		next := i
		for j := i; j < len(all); j++ {
			in := all[j].at < all[i].at+epoch // the others: an epoch that begins with packet i
			if c.Kind == qjump.FixedWindow {
				// Shifted by many epochs, so that nothing is negative.
				shift := 1000*epoch - model.Time(c.Phase)
				in = (all[j].at+shift)/epoch == (all[i].at+shift)/epoch
			}
			if in {
				next = j + 1
			}
		}
		if !fits(all[i:next]) {
			return false
		}
		if c.Kind == qjump.MinimumSpacing {
			next = i + 1 // an epoch begins with every packet
		}
		i = next
	}
	return true
}

// A limiter lets each packet leave at the first time at which that is lawful, not
// before its predecessor, or refuses what is not lawful at once.
func TestLimiterAgainstRecount(t *testing.T) {
	parameters := gopter.DefaultTestParametersWithSeed(1)
	parameters.MinSuccessfulTests = 2000
	properties := gopter.NewProperties(parameters)
	properties.Property("least lawful time", prop.ForAll(
		func(kind uint8, drops bool, epoch, phase int, packets, bytes int64, gaps, sizes []int) string {
			c := qjump.LimiterConfig{
				Kind: qjump.LimiterKind(kind), Drops: drops, Epoch: model.Duration(epoch), Phase: model.Duration(phase),
				Budget: qjump.Budget{Packets: packets, Bytes: bytes},
			}
			l, err := qjump.NewLimiter(c)
			if err != nil {
				if packets == 0 && bytes == 0 {
					return ""
				}
				return err.Error()
			}
			var history []passed
			now, last := model.Time(0), model.Time(0)
			for i, gap := range gaps {
				now += model.Time(gap)
				size := int32(1 + sizes[i%len(sizes)])
				want, fits := max(now, last), lawful(c, nil, passed{0, size})
				for fits && !lawful(c, history, passed{want, size}) {
					want++
				}
				fits = fits && (want == now || !drops)
				at, ok := l.Admit(now, size)
				if ok != fits || ok && at != want {
					return fmt.Sprintf("packet %d at %d: %d %v, want %d %v", i, now, at, ok, want, fits)
				}
				if ok {
					history, last = append(history, passed{at, size}), at
				}
			}
			return ""
		},
		gen.UInt8Range(0, 2), gen.Bool(), gen.IntRange(1, 12), gen.IntRange(-30, 30), gen.Int64Range(0, 4), gen.Int64Range(0, 12),
		gen.SliceOfN(24, gen.OneConstOf(0, 0, 0, 1, 2, 5, 11, 30)), gen.SliceOfN(5, gen.IntRange(0, 5))))
	properties.TestingRun(t)
}

func TestLimiterRefuses(t *testing.T) {
	one := qjump.Budget{Packets: 1}
	for _, c := range []qjump.LimiterConfig{
		{Kind: 3, Epoch: 1, Budget: one}, {Budget: one}, {Epoch: -1, Budget: one}, {Epoch: 1},
		{Epoch: 1, Budget: qjump.Budget{Packets: -1, Bytes: 5}}, {Epoch: 1<<62 + 1, Budget: one},
	} {
		if _, err := qjump.NewLimiter(c); err == nil {
			t.Errorf("%+v is a limiter", c)
		}
	}
	// A packet whose time would pass the range of time is refused, and those after it.
	l, err := qjump.NewLimiter(qjump.LimiterConfig{Epoch: 1 << 61, Budget: one})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, true, true, false, false} {
		if at, ok := l.Admit(0, 1); ok != want {
			t.Errorf("packet %d: %v %v", i, at, ok)
		}
	}
}

// As in the kernel module: a packet that its level refuses tries the lower ones,
// from 3 on the lowest, and is dropped only below that. Priorities 6 and 5 have no
// levels: the module gives them no budget.
func TestDemotion(t *testing.T) {
	k := sim.New(1)
	n, err := network.New(k, network.Config{
		Topology: network.Star(2, network.LinkConfig{Rate: network.Gbps}), Framing: network.Bare,
	})
	if err != nil {
		t.Fatal(err)
	}
	for priority, budget := range map[model.Priority]qjump.Budget{
		7: {Packets: 1}, 6: {Bytes: 1}, 5: {Bytes: 1}, 4: {Packets: 2}, 3: {Packets: 1}, 0: {Packets: 1},
	} {
		l, err := qjump.NewLimiter(qjump.LimiterConfig{
			Kind: qjump.RestartingWindow, Epoch: 100, Drops: true, Budget: budget,
		})
		if err != nil {
			t.Fatal(err)
		}
		lower, ok := qjump.Demoted(priority)
		if !ok {
			lower = priority
		}
		n.SetLimiter(0, priority, l, lower)
	}
	var got []string
	k.Records.Subscribe(model.KindSet(model.Released, model.Dropped), func(r *model.Record) {
		got = append(got, fmt.Sprint(r.Kind, " ", r.Priority))
	})
	for range 6 {
		n.Send(0, 1, 64, 7, 0)
	}
	want := []string{"released 7", "released 4", "released 4", "released 3", "released 0", "dropped 0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func ExampleLimiter() {
	l, err := qjump.NewLimiter(qjump.LimiterConfig{
		Kind: qjump.FixedWindow, Epoch: 10 * model.Microsecond, Budget: qjump.Budget{Packets: 1},
	})
	if err != nil {
		panic(err)
	}
	for _, now := range []model.Duration{9 * model.Microsecond, 9 * model.Microsecond, 9 * model.Microsecond} {
		fmt.Println(l.Admit(model.Time(now), 256))
	}
	// Output:
	// 9us true
	// 10us true
	// 20us true
}
