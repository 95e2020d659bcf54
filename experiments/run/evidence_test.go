package run

import (
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/model"
	"suspect/network"
	"suspect/properties"
	"suspect/sim"
)

// A crash right before the end says nothing about a detector.
func TestCrashesTooLateToTell(t *testing.T) {
	const early, late = "{use: process-crash, process: h1, at: 105ms, for: 100ms}", "{use: process-crash, process: h1, at: 999ms}"
	seen, halfMillisecond := 25_004*model.Microsecond, 500*model.Microsecond // as in TestDetectionTimeByHand
	for _, c := range []struct {
		name, faults, judge string
		want                Detection
	}{
		{"no bound, and nothing else seen", late, "", Detection{TooLate: 1, TooLateAge: model.Millisecond}},
		{"younger than the slowest detection", early + ", " + late, "",
			Detection{Detected: 1, TooLate: 1, TooLateAge: model.Millisecond, DecidedAfter: &seen, Unseen: &Unseen{Of: 1}}},
		{"older than the bound", late, "judge: {detect_within: 500us}",
			Detection{Undetected: 1, DecidedAfter: &halfMillisecond, Unseen: &Unseen{Replications: 1, Of: 1}}},
		{"seen later than the bound", early, "judge: {detect_within: 500us}",
			Detection{Detected: 1, DecidedAfter: &halfMillisecond, Unseen: &Unseen{Of: 1}}},
	} {
		d := do(t, parse(t, twoHosts+"faults: ["+c.faults+"]\n"+c.judge+"\n"), 1).Detectors[0].Detection
		d.Mean, d.Time, d.Slowest = Mean{}, Spread{}, nil
		if diff := cmp.Diff(c.want, d); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// The trial is the replication, however many pairs of a crash and a monitor it has.
func TestUnseenByReplication(t *testing.T) {
	r := do(t, parse(t, random), 2) // 6 replications with a crash that 5 monitors are to see
	for i, d := range r.Detectors {
		u := d.Detection.Unseen
		if u == nil || u.Of != 6 || u.Interval == nil || (u.Replications > 0) != (d.Detection.Undetected > 0) {
			t.Fatalf("detector %d: %+v", i, d.Detection)
		}
		want := properties.ClopperPearson(int64(u.Replications), 6, 0.95)
		if u.Interval.Low != want.Low || u.Interval.High != want.High {
			t.Errorf("%+v, want %v", u, want)
		}
	}
}

const broken = `
faults:
  - {use: link-down, link: [h1, s0], at: 205ms, for: 40ms}
`

// intervals returns what a detector's results have of intervals.
func intervals(d *Detector) (has []string) {
	for name, there := range map[string]bool{
		"rate": d.Mistakes.RateExact != nil || d.Mistakes.RateReplicated != nil, "accuracy": d.Mistakes.AccuracyInterval != nil,
		"duration": d.Mistakes.Duration.Interval != nil, "recurrence": d.Mistakes.Recurrence.Interval != nil,
		"detection": d.Detection.Mean.Interval != nil, "unseen": d.Detection.Unseen != nil && d.Detection.Unseen.Interval != nil,
	} {
		if there {
			has = append(has, name)
		}
	}
	slices.Sort(has)
	return has
}

// Identical replications are no evidence.
func TestIdenticalReplications(t *testing.T) {
	const until = "replications={at_least: 4, at_most: 9, until: {measure: mistake-rate, detector: timeout, relative: 20%}}"
	const anyHost = "faults=[{use: process-crash, process: random, at: 105ms}, {use: link-down, link: [h1, s0], at: 31ms, for: 40ms}]"
	for _, c := range []struct {
		name            string
		set             []string
		count, distinct int
		stopped         string
	}{
		{"nothing is random", []string{"replications=20"}, 20, 1, StoppedAsRequested},
		{"nothing is random, until precise", []string{until}, 4, 1, StoppedIdentical},
		{"one of two hosts crashes", []string{"replications=9", anyHost}, 9, 2, StoppedAsRequested},
		{"one of two hosts crashes, until precise", []string{until, anyHost}, 9, 2, StoppedCap},
	} {
		r := do(t, parse(t, twoHosts+broken, c.set...), 2)
		reps := r.Replications
		if reps.Count != c.count || reps.Distinct != c.distinct || reps.Stopped != c.stopped || reps.Precision != nil {
			t.Errorf("%s: %+v", c.name, reps)
		}
		if has := intervals(&r.Detectors[0]); has != nil || r.Detectors[0].Mistakes.Count == 0 {
			t.Errorf("%s: %d mistakes, intervals of %q", c.name, r.Detectors[0].Mistakes.Count, has)
		}
	}
	if has := intervals(&do(t, parse(t, random), 2).Detectors[0]); len(has) != 6 {
		t.Errorf("replications that differ have intervals of %q only", has)
	}
}

// Intervals lie around what they are of, and in the range of what is possible.
func TestIntervalsArePossible(t *testing.T) {
	m := newMerger(parse(t, twoHosts))
	h := 12.706204736432095 * 0.25 // as in the test of RatioInterval: 1.5 ± 3.18
	for most, want := range map[float64]Interval{math.Inf(1): {0, 1.5 + h, 0.95}, 2: {0, 2, 0.95}} {
		got := m.interval(&ratio{[]float64{2, 4}, []float64{1, 3}}, most)
		if got == nil || got.Low != want.Low || math.Abs(got.High-want.High) > 1e-9 {
			t.Errorf("at most %v: %+v, want %+v", most, got, want)
		}
	}
	// Mistakes in a few replications only, and unequally many.
	r := do(t, parse(t, random, "replications=8", "network.edge.loss=0%",
		"faults=[{use: link-down, link: [h0, leaf0], at: \"uniform(100ms, 1s)\", for: 60ms}]"), 2)
	cut := 0
	for _, d := range r.Detectors {
		x := d.Mistakes
		for _, in := range []struct {
			of      *float64
			in      *Interval
			highest float64
		}{{x.Rate, x.RateReplicated, math.Inf(1)}, {x.Rate, x.RateExact, math.Inf(1)}, {x.Accuracy, x.AccuracyInterval, 1}} {
			if in.in == nil || in.in.Low < 0 || in.in.High > in.highest || *in.of < in.in.Low-1e-12 || *in.of > in.in.High+1e-12 {
				t.Fatalf("%s: %v, interval %+v", d.Name, *in.of, in.in)
			}
			if in.in.Low == 0 || in.in.High == 1 {
				cut++
			}
		}
		for _, mean := range []Mean{x.Duration, x.Recurrence, x.GoodPeriod, d.Detection.Mean} {
			if in := mean.Interval; in != nil {
				if in.Low < 0 || in.High > 300*model.Millisecond || *mean.Mean < in.Low-1 || *mean.Mean > in.High+1 {
					t.Errorf("%s: mean %v, interval %+v", d.Name, *mean.Mean, in)
				}
			}
		}
	}
	if cut == 0 {
		t.Error("no interval had to be cut: the scenario is too tame")
	}
}

// Who suspects a process that has not started makes no mistake: the pair is alive, and
// its accuracy counts, from the start of the second on.
func TestLateStarts(t *testing.T) {
	s := parse(t, twoHosts, "monitor.start=uniform(0s, 800ms)", "monitor.message_size=125B")
	m, err := newSimulation(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	var starts []model.Time
	var suspected model.Record
	m.kernel.Records.Subscribe(model.KindSet(model.Started, model.Suspected), func(r *model.Record) {
		if r.Kind == model.Started {
			starts = append(starts, r.At)
		} else {
			suspected = *r
		}
	})
	runAll(t, m)
	if len(starts) != 2 || starts[1].Sub(starts[0]) < 50*model.Millisecond || suspected.At >= starts[1] {
		t.Fatalf("the seed is no good: starts at %v, suspicion %v", starts, suspected.String())
	}
	r := do(t, s, 1)
	x := r.Detectors[0].Mistakes
	if x.Count != 0 || x.Longest != nil || math.Abs(x.PairSeconds-2*(1-starts[1].Seconds())) > 1e-9 {
		t.Errorf("%+v; the second started at %v", x, starts[1])
	}
	// Suspected until the first heartbeat, 4 us after the next multiple of 10 ms.
	heartbeat := (starts[1].Seconds()*100-math.Floor(starts[1].Seconds()*100))*-0.01 + 0.01 + 4e-6
	if want := 1 - heartbeat/x.PairSeconds; math.Abs(*x.Accuracy-want) > 1e-9 {
		t.Errorf("accuracy %v, want %v", *x.Accuracy, want)
	}
	if got := outcome(r.Detectors[0], "strong-accuracy"); got != "violated" {
		t.Errorf("suspected at its start, but strong accuracy %s", got)
	}
}

// Results name hosts, not the numbers of processes.
func TestHostNamesInResults(t *testing.T) {
	s := parse(t, `
name: cities
duration: 1s
network:
  framing: bare
  topology: {graph: {hosts: [tokyo, osaka], switches: [s], links: [[tokyo, s], [osaka, s]]}}
  edge: {rate: 1Gbps, delay: 1us}
detectors:
  - {use: timeout, eta: 10ms, timeout: 30ms, stagger: false}
judge: {detect_within: 10ms, stable_from: 100ms, mistakes_at_most: 0}
faults:
  - {use: link-down, link: [osaka, s], at: 205ms, for: 40ms}
  - {use: process-crash, process: osaka, at: 905ms}
`)
	named := 0
	for _, p := range do(t, s, 1).Detectors[0].Properties {
		for _, text := range append(p.Witness, p.Reason) {
			if strings.Contains(text, "p0") || strings.Contains(text, "p1") {
				t.Errorf("%s: %s", p.Property, text)
			}
			if strings.Contains(text, "osaka") {
				named++
			}
		}
		if p.Property == "strong-accuracy" && (len(p.Witness) != 1 || !strings.HasSuffix(p.Witness[0], ": tokyo suspects osaka")) {
			t.Errorf("witness %q", p.Witness)
		}
	}
	if named < 4 {
		t.Errorf("hosts are named only %d times", named)
	}
}

// Records that show a violation name hosts and ports as the scenario does.
func TestWitnessNamesHosts(t *testing.T) {
	top := network.Star(2, network.LinkConfig{Rate: network.Gbps})
	top.Names = []string{"p1", "web", "s0"}
	for _, c := range []struct {
		record model.Record
		want   string
	}{
		{model.Record{Kind: model.Sent, At: 5, Process: 0, Peer: 1, Packet: 9, Traffic: true, Priority: 7, Bytes: 106}, "5ps sent packet=9 p1->web traffic priority=7 bytes=106"},
		{model.Record{Kind: model.Delivered, At: 5, Process: 1, Peer: 0, Packet: 9, Traffic: true, Priority: 7, Bytes: 106}, "5ps delivered packet=9 p1->web traffic priority=7 bytes=106 latency=5ps"},
		{model.Record{Kind: model.Hopped, At: 5, Process: 0, Peer: 1, Packet: 9, Traffic: true, Priority: 7, Bytes: 106, Place: 2}, "5ps hopped packet=9 p1->web traffic priority=7 bytes=106 link=web>s0"},
		{model.Record{Kind: model.Dropped, At: 5, Process: 0, Peer: 1, Packet: 9, Traffic: true, Priority: 7, Bytes: 106, Cause: model.BufferFull, Place: 3}, "5ps dropped packet=9 p1->web traffic priority=7 bytes=106 cause=buffer-full link=s0>web"},
		{model.Record{Kind: model.Suspected, At: 5, Process: 1, Peer: 0}, "5ps: web suspects p1"},
	} {
		if got := witness(&c.record, &top); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// What depends on the machine satisfies no expectation.
func TestTruncatedByTheMachineMeetsNothing(t *testing.T) {
	for limit, want := range map[string]bool{"events": true, "wall": false} {
		s := parse(t, twoHosts+`
expect:
  - {property: strong-accuracy, detector: timeout, outcome: inconclusive}
`, "duration=100s")
		if limit == "events" {
			s.Limits.Events = 200
		} else {
			s.Limits.Wall = model.Nanosecond
		}
		r := do(t, s, 1)
		if r.Replications.Truncated == nil || r.Expectations[0].Met != want || (r.Outcome == AsExpected) != want {
			t.Errorf("%s: %s, %+v", limit, r.Outcome, r.Expectations)
		}
	}
}

// The limit of memory is for one replication, whoever runs beside it.
func TestMemoryIsShared(t *testing.T) {
	s := parse(t, twoHosts)
	s.Limits.Memory = 1000
	g := newGuard(s, 8, nil)
	used := uint64(0)
	g.heap = func() uint64 { return used }
	for live := uint64(1); live <= 3; live++ {
		g.watch(t.Context())
		for used = range 4 * uint64(1000) {
			if got, want := g.tooMuch(), used > live*1000; got != want {
				t.Fatalf("%d bytes of %d replications: %v", used, live, got)
			}
			if used == live*1000+2 { // each costs a garbage collection
				break
			}
		}
	}
	g.merged()
	if used = 2001; !g.tooMuch() {
		t.Error("a replication that was merged counts")
	}
	// Garbage does not count.
	g.heap = func() uint64 {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		if stats.NumGC > uint32(used) {
			return 0
		}
		return 5000
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	used = uint64(stats.NumGC)
	if g.tooMuch() {
		t.Error("garbage counts")
	}
}

// A crash that comes late in a long mistake is not left out of what explains it.
func TestExplainLateCrash(t *testing.T) {
	s := parse(t, twoHosts+`
faults:
  - {use: link-down, link: [h1, s0], at: 105ms}
  - {use: host-crash, host: h1, at: 955ms}
`)
	r := do(t, s, 1)
	for _, monitor := range []string{"h0", "h1"} {
		peer := map[string]string{"h0": "h1", "h1": "h0"}[monitor]
		x, err := Explain(t.Context(), s, "timeout", Episode{Monitor: monitor, Peer: peer, From: r.Detectors[0].Mistakes.Longest.From, Until: model.Time(955 * model.Millisecond)})
		if err != nil {
			t.Fatal(err)
		}
		if x.Left == 0 {
			t.Error("the mistake is too short for records to be left out")
		}
		for _, want := range []string{"955ms: host h1 goes down", "955ms: h1 crashes (host-crash)", "0s: h0 starts"} {
			if want == "0s: h0 starts" && len(x.Records) > 0 && x.Records[0].At > 0 {
				continue
			}
			if !slices.Contains(x.Text, want) {
				t.Errorf("not told: %q\n%s", want, strings.Join(x.Text, "\n"))
			}
		}
	}
}

// Verdicts of other kinds than host failure are no part of a mistake.
func TestExplainHostFailureOnly(t *testing.T) {
	m, err := newSimulation(parse(t, twoHosts), 0)
	if err != nil {
		t.Fatal(err)
	}
	e, err := m.newExplainer("timeout", Episode{Monitor: "h0", Peer: "h1"})
	if err != nil {
		t.Fatal(err)
	}
	e.way[0] = true // a link on the way
	for _, c := range []struct {
		r    model.Record
		want bool
	}{
		{model.Record{Kind: model.Suspected, Process: 0, Peer: 1, Failure: model.HostCrash}, true},
		{model.Record{Kind: model.Suspected, Process: 0, Peer: 1, Failure: model.Congestion}, false},
		{model.Record{Kind: model.Trusted, Process: 0, Peer: 1, Failure: model.Congestion}, false},
		{model.Record{Kind: model.Released, Process: 1, Peer: 0}, true},
		{model.Record{Kind: model.Released, Process: 0, Peer: 1}, false},
		{model.Record{Kind: model.HostWentDown, Process: 1}, true},
		{model.Record{Kind: model.HostCameUp, Process: 2}, false},
		{model.Record{Kind: model.Started, Process: 2}, false},
		{model.Record{Kind: model.LinkWentDown, Place: 0}, true},
	} {
		if got := e.concerns(&c.r); got != c.want {
			t.Errorf("%s: %v", c.r.String(), got)
		}
	}
}

// A run without progress of time says so to those who look.
func TestStill(t *testing.T) {
	s := parse(t, twoHosts+"faults:\n  - {use: link-down, link: [h1, s0], at: 5ms, for: 1ms, every: 1ms}\n")
	s.Faults[0].For, s.Faults[0].Every = sim.Distribution{}, sim.Distribution{}
	if _, err := Run(t.Context(), s, Options{}); !errors.Is(err, sim.ErrStill) {
		t.Errorf("%v", err)
	}
}
