package network

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"suspect/model"
	"suspect/sim"
)

// randomRecording has losses in bursts, delays that overtake, and probes at one moment,
// all on a grid, so that what happens often coincides.
func randomRecording(draw *sim.Stream, grid model.Duration) *Recording {
	var probes []Probe
	at, lossy := model.Duration(0), false
	for range 1 + draw.IntN(40) {
		if draw.IntN(5) == 0 {
			lossy = !lossy
		}
		delay := model.Duration(draw.IntN(draw.IntN(30)+1)) * grid
		if lossy && draw.IntN(3) > 0 {
			delay = Lost
		}
		probes = append(probes, Probe{at, delay})
		at += model.Duration(draw.IntN(8)) * grid
	}
	r, err := NewRecording("random", "", probes, at+model.Duration(1+draw.IntN(5))*grid)
	if err != nil {
		panic(err)
	}
	return r
}

func randomReplay(draw *sim.Stream, grid model.Duration) Replay {
	r := Replay{Recording: randomRecording(draw, grid), Excess: draw.IntN(3) == 0, Overtake: draw.IntN(2) == 0}
	if draw.IntN(2) == 0 {
		r.Offset = sim.Distribution{Kind: sim.Uniform, High: 3 * r.length}
	}
	return r
}

// between is two hosts with one link, of which the first's direction is c. A byte takes
// 1 ns there.
func between(t *testing.T, seed uint64, c LinkConfig) *Network {
	t.Helper()
	c.Rate = 8 * Gbps
	n, err := New(sim.New(seed), Config{Framing: Bare, Topology: Topology{
		Names: []string{"a", "b"}, Hosts: 2, Links: []Link{{A: 0, B: 1, AtoB: c, BtoA: LinkConfig{Rate: Gbps}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// sendings sends packets of one byte from the first host at given times.
type sendings struct {
	n     *Network
	timer sim.Timer
	at    []model.Time
}

func send(n *Network, at []model.Time) {
	s := &sendings{n: n, at: at}
	s.timer = n.kernel.NewTimer(s, 0)
	n.kernel.Arm(s.timer, at[0])
}

func (s *sendings) Fire(uint32) {
	s.n.Send(0, 1, 1, 0, 0)
	if s.at = s.at[1:]; len(s.at) > 0 {
		s.n.kernel.Arm(s.timer, s.at[0])
	}
}

// fates are what became of the packets, by number from 1: the time of arrival, or none.
func fates(t *testing.T, n *Network, until model.Time) map[uint64]model.Time {
	t.Helper()
	got := make(map[uint64]model.Time)
	n.kernel.Records.Subscribe(model.KindSet(model.Delivered), func(r *model.Record) { got[r.Packet] = r.At })
	if err := n.kernel.Run(until, sim.Budget{}); err != nil {
		t.Fatal(err)
	}
	if n.InFlight() != 0 {
		t.Fatalf("%d packets are still under way", n.InFlight())
	}
	return got
}

// TestReplayTwin compares a link with the definition, written down as a walk over all
// probes.
func TestReplayTwin(t *testing.T) {
	draw := sim.New(7).Stream("twin")
	var lost, late, clamped, wrapped, overtook int
	for round := range 300 {
		const grid = 10 * model.Nanosecond
		c := LinkConfig{Delay: model.Duration(draw.IntN(3)) * 5 * grid, Replay: randomReplay(draw, grid)}
		r := &c.Replay
		r.Offset = sim.Distribution{Mean: model.Duration(draw.IntN(1000)) * grid}

		var at, ends []model.Time
		now, free := model.Time(0), model.Time(0)
		for range 200 {
			now += model.Time(draw.IntN(40)) * model.Time(model.Nanosecond)
			at = append(at, now)
			free = max(free, now) + model.Time(model.Nanosecond)
			ends = append(ends, free)
		}
		want := make(map[uint64]model.Time)
		latest := model.Time(0)
		for i, end := range ends {
			position := model.Duration(end) + r.Offset.Mean
			for position >= r.length {
				position -= r.length
				wrapped++
			}
			least, probe := model.Duration(1<<62), Probe{}
			for _, p := range r.probes {
				if p.Delay != Lost {
					least = min(least, p.Delay)
				}
				if p.At <= position {
					probe = p
				}
			}
			if probe.Delay == Lost {
				lost++
				continue
			}
			arrival := end.Add(c.Delay + probe.Delay)
			if r.Excess {
				arrival = end.Add(c.Delay + probe.Delay - least)
			}
			if arrival < latest {
				if r.Overtake {
					overtook++
				} else {
					clamped++
					arrival = latest
				}
			}
			if arrival > end.Add(c.Delay) {
				late++
			}
			latest = max(latest, arrival)
			want[uint64(i+1)] = arrival
		}
		n := between(t, uint64(round), c)
		send(n, at)
		got := fates(t, n, model.Time(model.Millisecond))
		for i := range uint64(len(at)) {
			a, arrived := got[i+1]
			b, should := want[i+1]
			if a != b || arrived != should {
				t.Fatalf("round %d, packet %d, sent at %v: arrived %v %v, want %v %v\n%+v", round, i+1, at[i], arrived, a, should, b, r)
			}
		}
		if c := n.Counts(); c.Dropped[model.LinkLoss] != uint64(len(at)-len(want)) {
			t.Fatalf("round %d: %+v, want %d delivered", round, c, len(want))
		}
	}
	for what, k := range map[string]int{"lost": lost, "late": late, "clamped": clamped, "wrapped": wrapped, "overtook": overtook} {
		if k < 1000 {
			t.Errorf("only %d packets were %s", k, what)
		}
	}
}

// Probes that are sent again at the times at which they were recorded meet what they met.
// Without overtaking that is so for a path on which nothing overtook.
func TestReplayIsFaithful(t *testing.T) {
	draw := sim.New(8).Stream("faithful")
	kept := 0
	for round := range 300 {
		r := randomRecording(draw, model.Microsecond)
		// Of probes at one moment the link knows the last one alone.
		r.probes = slices.CompactFunc(r.probes, func(a, b Probe) bool { return a.At == b.At })
		if !r.Overtaken() {
			kept++
		} else if round%2 == 0 {
			continue
		}
		c := LinkConfig{Replay: Replay{
			Recording: r, Overtake: r.Overtaken(),
			// The transmission of the first probe ends after 1 ns.
			Offset: sim.Distribution{Mean: r.length - model.Nanosecond},
		}}
		var at []model.Time
		for _, p := range r.probes {
			at = append(at, model.Time(p.At))
		}
		n := between(t, 1, c)
		send(n, at)
		got := fates(t, n, model.Time(model.Second))
		for i, p := range r.probes {
			arrival, arrived := got[uint64(i+1)]
			if arrived != (p.Delay != Lost) || arrived && arrival.Sub(at[i])-model.Nanosecond != p.Delay {
				t.Fatalf("round %d, probe %d %+v: %v %v", round, i, p, arrived, arrival)
			}
		}
	}
	if kept < 20 {
		t.Errorf("only %d recordings kept their order", kept)
	}
}

// Each direction draws where it begins, a function of the seed and its name alone, and
// links of one recording share it.
func TestReplayOffsets(t *testing.T) {
	r := mustRecord(t, Probe{0, 0}, Probe{50, 7})
	config := LinkConfig{Rate: Gbps, Replay: Replay{Recording: r, Offset: sim.Distribution{Kind: sim.Uniform, High: 10_000 * r.length}}}
	offsets := func(seed uint64, hosts int) (list []model.Duration) {
		n, err := New(sim.New(seed), Config{Topology: Star(hosts, config)})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range n.replays {
			if x.offset < 0 || x.offset >= r.length || x.Recording != r {
				t.Fatalf("%+v", x)
			}
			list = append(list, x.offset)
		}
		return list
	}
	few, many, other := offsets(1, 4), offsets(1, 8), offsets(2, 4)
	if !slices.Equal(few, many[:len(few)]) || slices.Equal(few, other) {
		t.Errorf("%v, more hosts %v, another seed %v", few, many, other)
	}
	slices.SortFunc(many, cmp.Compare[model.Duration])
	if different := slices.Compact(many); len(different) < 10 {
		t.Errorf("only %d different offsets: %v", len(different), different)
	}
}

func mustRecord(t *testing.T, probes ...Probe) *Recording {
	t.Helper()
	r, err := NewRecording("r", "", probes, 100)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A loss that is recorded, and one that is drawn or comes with a fault, are all losses;
// the draws do not depend on the recording.
func TestReplayBesideLoss(t *testing.T) {
	arrived := func(loss Loss, r *Recording) map[uint64]model.Time {
		n := between(t, 3, LinkConfig{Loss: loss, Replay: Replay{Recording: r}})
		var at []model.Time
		for i := range 2000 {
			at = append(at, model.Time(i)*model.Time(10*model.Nanosecond))
		}
		send(n, at)
		return fates(t, n, model.Time(model.Millisecond))
	}
	some, err := NewRecording("r", "", []Probe{{0, 0}, {7777, Lost}}, 30*model.Nanosecond)
	if err != nil {
		t.Fatal(err)
	}
	half := IndependentLoss(0.5)
	both, drawn, recorded := arrived(half, some), arrived(half, nil), arrived(Loss{}, some)
	if len(both) == 0 || len(drawn) < 900 || len(drawn) > 1100 || len(recorded) == 0 {
		t.Fatalf("%d, %d and %d packets arrived", len(both), len(drawn), len(recorded))
	}
	for i := range uint64(2000) {
		_, a := drawn[i+1]
		_, b := recorded[i+1]
		if _, is := both[i+1]; is != (a && b) {
			t.Fatalf("packet %d arrived: %v; with the draws alone %v, with the recording alone %v", i+1, is, a, b)
		}
	}
}

func TestOvertaken(t *testing.T) {
	for _, c := range []struct {
		probes []Probe
		want   bool
	}{
		{[]Probe{{0, 5}}, false},
		{[]Probe{{0, 5}, {1, 4}, {2, 3}}, false}, // together
		{[]Probe{{0, 5}, {1, 3}}, true},
		{[]Probe{{0, 5}, {1, Lost}, {2, 2}}, true},
		{[]Probe{{0, Lost}, {1, 1}, {2, Lost}}, false},
	} {
		if got := mustRecord(t, c.probes...).Overtaken(); got != c.want {
			t.Errorf("%v: %v", c.probes, got)
		}
	}
}

func TestBadRecordings(t *testing.T) {
	for _, c := range []struct {
		probes []Probe
		length model.Duration
		want   string
	}{
		{nil, 1, "begins with a probe, at 0s"},
		{[]Probe{{1, 1}}, 2, "begins with a probe, at 0s"},
		{[]Probe{{0, 1}, {5, 1}, {4, 1}}, 9, "probe 2 was sent at 4ps, before the one in front of it, at 5ps"},
		{[]Probe{{0, -2}}, 2, "probe 0 has a delay of -2 ps"},
		{[]Probe{{0, model.Duration(model.MaxTime) + 1}}, 2, "probe 0 has a delay of"},
		{[]Probe{{0, 1}, {5, 1}}, 5, "a length of 5ps: it must be above the time of the last probe, 5ps"},
		{[]Probe{{0, 1}}, model.Duration(model.MaxTime) + 1, "a length of"},
	} {
		if _, err := NewRecording("r", "", c.probes, c.length); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.probes, err, c.want)
		}
	}
	r := mustRecord(t, Probe{0, 1})
	for want, c := range map[string]LinkConfig{
		"there is nothing to replay": {Replay: Replay{Overtake: true}},
		"replay: distribution":       {Replay: Replay{Recording: r, Offset: sim.Distribution{Mean: -1}}},
		"jitter beside a recording":  {Replay: Replay{Recording: r}, Jitter: sim.Distribution{Mean: 1}},
	} {
		c.Rate = Gbps
		star := Star(2, c)
		if errs := star.Validate(); len(errs) == 0 || !strings.Contains(fmt.Sprint(errs), want) {
			t.Errorf("%v, want %q", errs, want)
		}
	}
}
