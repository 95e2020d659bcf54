package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/properties"
	"suspect/sim"
)

// parse reads a scenario, with overrides.
func parse(t testing.TB, text string, set ...string) *scenario.Scenario {
	t.Helper()
	s, err := scenario.Parse("test.yaml", []byte(text), set)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// do runs s and wants no error.
func do(t testing.TB, s *scenario.Scenario, workers int) *Results {
	t.Helper()
	r, err := Run(t.Context(), s, Options{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// encode returns the results as JSON.
func encode(t testing.TB, r *Results) []byte {
	t.Helper()
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Faults strike at their times, again and again where they say so, and not before the
// last strike has healed.
func TestFaultTimes(t *testing.T) {
	for _, c := range []struct {
		times string
		want  []model.Duration // down, up, down...; in ms
	}{
		{"at: 105ms", []model.Duration{105}},
		{"at: 105ms, for: 40ms", []model.Duration{105, 145}},
		{"at: 105ms, for: 40ms, every: 300ms", []model.Duration{105, 145, 405, 445, 705, 745}},
		{"for: 40ms, every: 400ms", []model.Duration{400, 440, 800, 840}},
		{"at: 105ms, for: 400ms, every: 300ms", []model.Duration{105, 505, 505, 905, 905}},
	} {
		m, err := newSimulation(parse(t, twoHosts+"faults:\n  - {use: link-down, link: [h1, s0], "+c.times+"}\n"), 0)
		if err != nil {
			t.Fatal(err)
		}
		var got []model.Duration
		m.kernel.Records.Subscribe(model.KindSet(model.LinkWentDown, model.LinkCameUp), func(r *model.Record) {
			if r.Place != 2 { // the other direction
				return
			}
			if down := r.Kind == model.LinkWentDown; down != (len(got)%2 == 0) {
				t.Errorf("%s: %v out of turn", c.times, r)
			}
			got = append(got, model.Duration(r.At)/model.Millisecond)
		})
		runAll(t, m)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.times, got, c.want)
		}
	}
}

// Detectors with the same sending share messages; each pays for those that it uses.
func TestCostOfPanels(t *testing.T) {
	r := do(t, parse(t, twoHosts+`  - {use: timeout, name: other, eta: 100ms, timeout: 300ms, stagger: false}
  - {use: nfd-s, eta: 10ms, delta: 10ms, stagger: false}
`), 1)
	for d, want := range []Cost{
		{Messages: 202, Bytes: 202 * 125, MessagesPerSecond: 101, BytesPerSecond: 12625, SharedWith: []string{"nfd-s"}},
		{Messages: 22, Bytes: 22 * 125, MessagesPerSecond: 11, BytesPerSecond: 1375, SharedWith: []string{}},
		{Messages: 202, Bytes: 202 * 125, MessagesPerSecond: 101, BytesPerSecond: 12625, SharedWith: []string{"timeout"}},
	} {
		if diff := cmp.Diff(want, r.Detectors[d].Cost); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.Detectors[d].Name, diff)
		}
	}
}

// Two hosts on a switch. A message of 125 bytes takes 1 us on each link and 1 us of
// propagation, so 4 us in all; h0 and h1 send at 0, 10 ms, 20 ms...
const twoHosts = `
name: two-hosts
duration: 1s
network:
  framing: bare
  topology: {star: {hosts: 2}}
  edge: {rate: 1Gbps, delay: 1us}
monitor: {message_size: 125B}
detectors:
  - {use: timeout, eta: 10ms, timeout: 30ms, stagger: false}
`

// The last heartbeat before the crash at 105 ms leaves at 100 ms and arrives at
// 100.004 ms; the suspicion begins 30 ms later.
func TestDetectionTimeByHand(t *testing.T) {
	r := do(t, parse(t, twoHosts+`
judge: {detect_within: 26ms}
faults:
  - {use: process-crash, process: h1, at: 105ms}
`), 1)
	d := r.Detectors[0]
	const want = 25_004 * model.Microsecond
	if d.Detection.Detected != 1 || d.Detection.Time.Max != want || *d.Detection.Mean.Mean != want {
		t.Errorf("T_D: %+v, want one of %v", d.Detection.Time, want)
	}
	slowest := &Episode{Monitor: "h0", Peer: "h1", From: model.Time(105 * model.Millisecond), Until: model.Time(130_004 * model.Microsecond)}
	if diff := cmp.Diff(slowest, d.Detection.Slowest); diff != "" {
		t.Errorf("slowest (-want +got):\n%s", diff)
	}
	if d.Mistakes.Count != 0 || *d.Mistakes.Accuracy != 1 {
		t.Errorf("mistakes: %+v", d.Mistakes)
	}
	// Both sent 0..10 before the crash; h0 went on until 1 s, 101 in all, of which the
	// last is not yet delivered. What reaches h1 after the crash is dropped: 89 that
	// were sent at 110..990 ms.
	want2 := Packets{Sent: 112, Delivered: 22, Dropped: 89, Drops: []Drops{{"process-down", 89}}, InFlight: 1}
	if diff := cmp.Diff(want2, r.Messages); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	l := r.MessageLatency
	if len(l) != 1 || l[0].Priority != 7 || l[0].Count != 22 || l[0].Min != 4*model.Microsecond || l[0].Max != 4*model.Microsecond {
		t.Errorf("latency: %+v", l)
	}
	if got := outcome(d, "strong-completeness"); got != "holds" {
		t.Errorf("strong completeness within 26 ms %s", got)
	}
	if c := d.Classes[0]; c.Class != "P" || c.Outcome != "holds" || !c.Claimed {
		t.Errorf("class P: %+v", c)
	}
	if r.Conservation.Outcome != "holds" || r.Conservation.Checked != 112 {
		t.Errorf("conservation: %+v", r.Conservation)
	}
}

func outcome(d Detector, property string) string {
	i := slices.IndexFunc(d.Properties, func(p Property) bool { return p.Property == property })
	if i < 0 {
		return "not checked"
	}
	return d.Properties[i].Outcome
}

// The link of h1 is down from 205 ms to 245 ms, in both directions: heartbeats 21 to
// 24 are lost, each suspects the other 30 ms after the arrival of heartbeat 20, and
// trusts it again at that of heartbeat 25: T_M is 20 ms. Later it is down from 505 ms to
// 536 ms: 51 to 53 are lost, and T_M is 10 ms.
func TestMistakeByHand(t *testing.T) {
	s := parse(t, twoHosts+`
faults:
  - {use: link-down, link: [h1, s0], at: 205ms, for: 40ms}
  - {use: link-down, link: [h1, s0], at: 505ms, for: 31ms}
expect:
  - {property: strong-accuracy, detector: timeout, outcome: violated}
`)
	r := do(t, s, 1)
	m := r.Detectors[0].Mistakes
	at := func(us model.Duration) model.Time { return model.Time(us * model.Microsecond) }
	worst := &Episode{Monitor: "h0", Peer: "h1", From: at(230_004), Until: at(250_004)}
	if diff := cmp.Diff(worst, m.Longest); diff != "" {
		t.Errorf("longest (-want +got):\n%s", diff)
	}
	pairs := []PairMistakes{{"h0", "h1", 2, 20 * model.Millisecond}, {"h1", "h0", 2, 20 * model.Millisecond}}
	if diff := cmp.Diff(pairs, m.Pairs); diff != "" {
		t.Errorf("pairs (-want +got):\n%s", diff)
	}
	if m.Count != 4 || *m.Duration.Mean != 15*model.Millisecond || *m.Recurrence.Mean != 300*model.Millisecond ||
		*m.GoodPeriod.Mean != 280*model.Millisecond {
		t.Errorf("mistakes: %+v", m)
	}
	// 2 pairs for 1 s, wrong for 30 ms each.
	if m.PairSeconds != 2 || *m.Rate != 2 || *m.Accuracy != 0.97 {
		t.Errorf("pair time %v s, rate %v, accuracy %v", m.PairSeconds, *m.Rate, *m.Accuracy)
	}
	// Garwood (1936): 4 events have the 95% interval [1.0899, 10.2416].
	if in := m.RateExact; in.Low < 1.0898/2 || in.Low > 1.09/2 || in.High < 10.241/2 || in.High > 10.242/2 {
		t.Errorf("exact interval: %+v", in)
	}
	if r.Outcome != AsExpected || !r.Expectations[0].Met {
		t.Errorf("outcome %s, %+v", r.Outcome, r.Expectations)
	}
	if diff := cmp.Diff([]Drops{{"link-down", 14}}, r.Messages.Drops); diff != "" {
		t.Errorf("drops (-want +got):\n%s", diff)
	}
	// The messages of 0..990 ms and 1 s of 2 processes, at 125 bytes.
	if c := r.Detectors[0].Cost; c.Messages != 202 || c.MessagesPerSecond != 101 || c.BytesPerSecond != 12625 {
		t.Errorf("cost: %+v", c)
	}
}

// What happens before the warm-up ends at 300 ms is not counted, nor is the suspicion
// of a crashed process a mistake.
func TestWarmUpByHand(t *testing.T) {
	r := do(t, parse(t, twoHosts+`
warmup: 300ms
faults:
  - {use: link-down, link: [h1, s0], at: 205ms, for: 40ms}
  - {use: link-down, link: [h1, s0], at: 505ms, for: 31ms}
  - {use: process-crash, process: h1, at: 905ms}
`), 1)
	d := r.Detectors[0]
	pairs := []PairMistakes{{"h0", "h1", 1, 10 * model.Millisecond}, {"h1", "h0", 1, 10 * model.Millisecond}}
	if diff := cmp.Diff(pairs, d.Mistakes.Pairs); diff != "" || d.Mistakes.Count != 2 {
		t.Errorf("%d mistakes, pairs (-want +got):\n%s", d.Mistakes.Count, diff)
	}
	if d.Detection.Detected != 1 || d.Detection.Time.Max != 25_004*model.Microsecond {
		t.Errorf("detection: %+v", d.Detection)
	}
	// h0 sends at 300..1000 ms, h1 at 300..900 ms; two processes for 0.7 s.
	seconds := 2 * 0.7
	want := Cost{132, 132 * 125, 132 / seconds, 132 * 125 / seconds, []string{}}
	if diff := cmp.Diff(want, d.Cost); diff != "" {
		t.Errorf("cost (-want +got):\n%s", diff)
	}
	if r.Messages.Sent != 101+91 {
		t.Errorf("%d messages sent in the whole run", r.Messages.Sent)
	}
}

func TestExplain(t *testing.T) {
	s := parse(t, twoHosts+`
faults:
  - {use: link-down, link: [h1, s0], at: 205ms, for: 40ms}
`, "network.topology.star.hosts=3")
	r := do(t, s, 1)
	x, err := Explain(t.Context(), s, "timeout", *r.Detectors[0].Mistakes.Longest)
	if err != nil {
		t.Fatal(err)
	}
	want := `200.004ms: message 20 of h1 reaches h0, sent at 200ms, 4us on the way
205ms: link h1>s0 goes down
205ms: link s0>h1 goes down
210ms: message 21 of h1, sent at 210ms, is lost on h1>s0: link-down
220ms: message 22 of h1, sent at 220ms, is lost on h1>s0: link-down
230ms: message 23 of h1, sent at 230ms, is lost on h1>s0: link-down
230.004ms: timeout at h0 suspects h1
240ms: message 24 of h1, sent at 240ms, is lost on h1>s0: link-down
245ms: link h1>s0 comes up
245ms: link s0>h1 comes up
250.004ms: message 25 of h1 reaches h0, sent at 250ms, 4us on the way
250.004ms: timeout at h0 trusts h1 again
why: the last message of h1 had arrived 30ms before; of 3 sent after it, 3 were lost (link-down), 0 were still on the way`
	text := x.Text[slices.IndexFunc(x.Text, func(l string) bool { return strings.HasPrefix(l, "200.004ms") }):]
	text = slices.DeleteFunc(slices.Clone(text), func(l string) bool { return strings.Contains(l, "s0>h1") })
	wanted := slices.DeleteFunc(strings.Split(want, "\n"), func(l string) bool { return strings.Contains(l, "s0>h1") })
	if diff := cmp.Diff(wanted, text); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if first, last := x.Records[0], x.Records[len(x.Records)-1]; first.At >= x.Mistake.From || last.At != x.Mistake.Until {
		t.Errorf("records from %v to %v of a mistake from %v to %v", first.At, last.At, x.Mistake.From, x.Mistake.Until)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.Duration *= 1000
	if _, err := Explain(ctx, s, "timeout", Episode{Monitor: "h0", Peer: "h1", Until: model.Time(s.Duration)}); !errors.Is(err, ErrInterrupted) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := Explain(t.Context(), s, "nobody", Episode{Monitor: "h0", Peer: "h1"}); err == nil {
		t.Error("no error for an unknown detector")
	}
}

// A scenario with every source of randomness.
const random = `
name: random
seed: 5
duration: 300ms
warmup: 20ms
replications: 6
judge: {detect_within: 100ms, mistakes_at_most: 3}
network:
  framing: ethernet
  topology: {leaf_spine: {leaves: 2, spines: 2, hosts_per_leaf: 3}}
  edge: {rate: 100Mbps, delay: 1us, buffer: 8packets, loss: 5%, jitter: exponential(20us)}
  core: {rate: 100Mbps}
monitor: {start: "uniform(0s, 40ms)"}
detectors:
  - {use: timeout, eta: 5ms, timeout: 11ms}
  - {use: nfd-s, eta: 5ms, delta: 6ms}
  - {use: timeout, name: slow, eta: 20ms, timeout: 50ms}
traffic:
  - {use: poisson, from: all, to: random, load: 40%, packet: 1000B}
faults:
  - {use: process-crash, process: random, at: "uniform(100ms, 150ms)"}
  - {use: link-loss, link: [h0, leaf0], probability: 50%, every: exponential(50ms), for: exponential(25ms)}
`

// The same bytes whatever runs beside what.
func TestWorkersDoNotMatter(t *testing.T) {
	s := parse(t, random)
	want := encode(t, do(t, s, 1))
	for _, procs := range []int{1, 2} {
		before := runtime.GOMAXPROCS(procs)
		for _, workers := range []int{1, 4} {
			if got := encode(t, do(t, s, workers)); !bytes.Equal(got, want) {
				t.Errorf("GOMAXPROCS %d, %d workers: other results (-want +got):\n%s", procs, workers, cmp.Diff(string(want), string(got)))
			}
		}
		runtime.GOMAXPROCS(before)
	}
	if r := do(t, parse(t, random, "seed=6"), 1); r.Provenance.StreamHash == do(t, s, 1).Provenance.StreamHash {
		t.Error("another seed gives the same stream")
	}
}

// Replications differ, and the results are of something.
func TestReplicationsAreIndependent(t *testing.T) {
	r := do(t, parse(t, random, "network.topology.leaf_spine.hosts_per_leaf=2"), 2) // 12 pairs
	hashes := slices.Clone(r.Replications.Hashes)
	slices.Sort(hashes)
	if len(slices.Compact(hashes)) != 6 {
		t.Errorf("hashes repeat: %v", r.Replications.Hashes)
	}
	for _, d := range r.Detectors[:2] {
		if d.Mistakes.Count == 0 || d.Mistakes.RateReplicated == nil || d.Detection.Detected == 0 || d.Cost.Messages == 0 {
			t.Errorf("%s: %+v", d.Name, d)
		}
		var sum int64
		for _, p := range d.Mistakes.Pairs {
			sum += p.Count
		}
		if d.Mistakes.PairsWrong > mostPairs || sum != d.Mistakes.Count {
			t.Errorf("%s: pairs with %d mistakes in all, but %d mistakes", d.Name, sum, d.Mistakes.Count)
		}
	}
	if r.Conservation.Outcome != "holds" || r.Conservation.Held != 6 {
		t.Errorf("conservation: %+v", r.Conservation)
	}
}

// A replication stands by itself: with fewer of them the first ones are the same.
func TestFewerReplications(t *testing.T) {
	all, two := do(t, parse(t, random), 2), do(t, parse(t, random, "replications=2"), 2)
	if diff := cmp.Diff(all.Replications.Hashes[:2], two.Replications.Hashes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The stopping rule sees one replication after the other.
func TestSequentialStopping(t *testing.T) {
	const until = "replications={at_least: 4, at_most: 80, until: {measure: mistake-rate, detector: timeout, relative: 20%}}"
	s := parse(t, random, until)
	want := do(t, s, 1)
	reps := want.Replications
	if reps.Stopped != StoppedPrecise || reps.Count < 4 || reps.Count >= 80 || *reps.Precision > *reps.Wanted {
		t.Errorf("%+v", reps)
	}
	for _, workers := range []int{2, 5} {
		if got := do(t, s, workers); !bytes.Equal(encode(t, got), encode(t, want)) {
			t.Errorf("%d workers: %d replications instead of %d", workers, got.Replications.Count, reps.Count)
		}
	}
	// With one replication less the precision was not there yet.
	if reps.Count > 4 {
		fewer := *s
		fewer.Replications.AtMost = reps.Count - 1
		r := do(t, &fewer, 2)
		if r.Replications.Stopped != StoppedCap || *r.Replications.Precision <= *r.Replications.Wanted {
			t.Errorf("%+v", r.Replications)
		}
	}
}

// Where there is nothing to measure the precision is never there.
func TestNothingToMeasure(t *testing.T) {
	r := do(t, parse(t, twoHosts+`
replications: {at_least: 2, at_most: 5, until: {measure: detection-time, detector: timeout, relative: 10%}}
`, "monitor.start=uniform(0s, 1us)"), 2)
	if reps := r.Replications; reps.Count != 5 || reps.Stopped != StoppedCap || reps.Precision != nil {
		t.Errorf("%+v", reps)
	}
}

// A spent budget of events leaves nothing that counts as a pass, and the violations.
func TestBudgetOfEvents(t *testing.T) {
	s := parse(t, twoHosts+`
replications: 5
expect:
  - {property: strong-accuracy, detector: timeout, outcome: holds}
`)
	s.Limits.Events = 200
	r := do(t, s, 3)
	reps := r.Replications
	if reps.Stopped != StoppedTruncated || reps.Count != 1 || reps.Truncated == nil || !reps.Truncated.Reproducible {
		t.Fatalf("%+v", reps)
	}
	for _, p := range r.Detectors[0].Properties {
		if p.Outcome != "inconclusive" {
			t.Errorf("%s %s: %s", p.Property, p.Outcome, p.Reason)
		}
	}
	if r.Outcome != Inconclusive || r.Provenance.Events != 200 {
		t.Errorf("%s after %d events", r.Outcome, r.Provenance.Events)
	}
	if r.Conservation.Outcome != "holds" {
		t.Errorf("conservation: %+v", r.Conservation)
	}
}

func TestLimitsOfTheMachine(t *testing.T) {
	for _, limit := range []string{"limits.wall=1ns", "limits.memory=1KB"} {
		s := parse(t, random+"\nlimits: {events: 1000000000}\n", "duration=1s", "replications=8")
		if limit == "limits.wall=1ns" {
			s.Limits.Wall = model.Nanosecond
		} else {
			s.Limits.Memory = 1000
		}
		for _, workers := range []int{1, 4} {
			r := do(t, s, workers)
			tr := r.Replications.Truncated
			if tr == nil || tr.Reproducible || r.Replications.Stopped != StoppedTruncated || r.Outcome == AsExpected {
				t.Errorf("%s: %s, %+v", limit, r.Outcome, r.Replications)
			}
		}
	}
}

func TestInterrupted(t *testing.T) {
	s := parse(t, random, "duration=100s", "warmup=1s", "replications=50")
	for _, workers := range []int{1, 3} {
		ctx, cancel := context.WithCancel(t.Context())
		events := uint64(0)
		_, err := Run(ctx, s, Options{Workers: workers, Progress: func(p Progress) {
			if events = p.Events; events > 50_000 {
				cancel()
			}
		}})
		if !errors.Is(err, ErrInterrupted) || events > 150_000 {
			t.Errorf("%d workers: %v after %d events", workers, err, events)
		}
		if _, err := Run(ctx, s, Options{Workers: workers}); !errors.Is(err, ErrInterrupted) {
			t.Errorf("%d workers, cancelled before: %v", workers, err)
		}
	}
}

func TestProgress(t *testing.T) {
	var last Progress
	s := parse(t, random)
	_, err := Run(t.Context(), s, Options{Workers: 2, Progress: func(p Progress) {
		if p.Done < last.Done || p.Share < last.Share || p.Events < last.Events {
			t.Errorf("from %+v back to %+v", last, p)
		}
		last = p
	}})
	if err != nil || last.Done != 6 || last.Most != 6 || last.Share < 0.999 || last.Share > 1.001 || last.Events == 0 {
		t.Errorf("%v, at the end %+v", err, last)
	}
}

// A detector or an unrelated source of traffic that is added changes no fault and
// nobody else's draws.
func TestCommonRandomNumbers(t *testing.T) {
	base := parse(t, random, "replications=1")
	more := parse(t, strings.NewReplacer(
		"traffic:\n", "  - {use: timeout, name: further, eta: 7ms, timeout: 30ms}\ntraffic:\n",
		"faults:\n", "  - {use: poisson, from: h5, to: h4, rate: 1Mbps, packet: 100B}\nfaults:\n",
	).Replace(random), "replications=1")
	type event struct {
		At   model.Time
		Kind model.RecordKind
		Who  model.ProcessID
	}
	faults := func(s *scenario.Scenario) (events []event) {
		m, err := newSimulation(s, 0)
		if err != nil {
			t.Fatal(err)
		}
		m.kernel.Records.Subscribe(model.KindSet(model.Crashed, model.LinkChanged), func(r *model.Record) {
			events = append(events, event{r.At, r.Kind, r.Process})
		})
		runAll(t, m)
		return events
	}
	if diff := cmp.Diff(faults(base), faults(more)); diff != "" || len(faults(base)) < 3 {
		t.Errorf("faults (-without +with):\n%s", diff)
	}

	// The packets of the others go as before, on links that hardly queue.
	quiet := []string{"replications=1", "network.edge.rate=100Gbps", "network.core.rate=100Gbps", "traffic[0].load=0.04%", "network.edge.loss=0%", "network.edge.buffer=1GB"}
	sent := func(s *scenario.Scenario) (events []event) {
		m, err := newSimulation(s, 0)
		if err != nil {
			t.Fatal(err)
		}
		m.kernel.Records.Subscribe(model.KindSet(model.Sent), func(r *model.Record) {
			if r.Process != 5 {
				events = append(events, event{r.At, r.Kind, r.Process})
			}
		})
		runAll(t, m)
		return events
	}
	a := sent(parse(t, random, quiet...))
	b := sent(parse(t, strings.Replace(string(more.Source), "eta: 7ms", "eta: 5ms", 1), quiet...)) // the same messages
	if !slices.Equal(a, b) || len(a) < 500 {
		t.Errorf("other packets: %d and %d", len(a), len(b))
	}
}

func runAll(t *testing.T, m *simulation) {
	t.Helper()
	if err := m.kernel.Run(model.Time(m.scenario.Duration), noBudget); err != nil {
		t.Fatal(err)
	}
}

// A network that loses count of a packet is told, even where its records agree.
func TestConservationSurfaces(t *testing.T) {
	s := parse(t, twoHosts)
	r, err := replicate(s, 0, bounds(nil), (&guard{length: s.Duration, progress: Progress{Most: 1}}).watch(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	r.network.Delivered++
	r.compareCounts()
	m := newMerger(s)
	m.merge(r)
	if c := m.results().Conservation; c.Outcome != "violated" {
		t.Errorf("%+v", c)
	}
}

// Combined results are those of the worst replication.
func TestPropertyOfReplications(t *testing.T) {
	result := func(o properties.Outcome, checked int) properties.Result {
		return properties.Result{Outcome: o, Checked: checked, Reason: o.String()}
	}
	held, bad := result(properties.Holds, 2), result(properties.Violated, 1)
	undecided, vacuous := result(properties.Inconclusive, 1), result(properties.Inconclusive, 0)
	for _, c := range []struct {
		name    string
		results []properties.Result
		want    string
		from    int
		checked int
	}{
		{"all hold", []properties.Result{held, held}, "holds", 0, 4},
		{"one violated", []properties.Result{held, bad, undecided, bad}, "violated", 1, 5},
		{"one undecided", []properties.Result{held, undecided, held}, "inconclusive", 1, 5},
		{"vacuous ones say nothing", []properties.Result{vacuous, held, vacuous}, "holds", 1, 2},
		{"all vacuous", []properties.Result{vacuous, vacuous}, "inconclusive", 0, 0},
		{"vacuous and undecided", []properties.Result{vacuous, undecided}, "inconclusive", 1, 1},
	} {
		var p Property
		for i := range c.results {
			p.add(&c.results[i], &replication{index: i}, nil)
		}
		if p.Outcome != c.want || p.Replication != c.from || p.Checked != c.checked || p.Reason != c.want {
			t.Errorf("%s: %+v", c.name, p)
		}
	}
	// What a truncated run did not exercise is undecided, not vacuous.
	var p Property
	p.add(&held, &replication{}, nil)
	p.add(&vacuous, &replication{index: 1, truncated: &Truncation{}}, nil)
	if p.Outcome != "inconclusive" {
		t.Errorf("truncated: %+v", p)
	}
}

var noBudget = sim.Budget{}
