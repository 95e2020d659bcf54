package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"suspect/detectors"
	"suspect/experiments/intime"
	"suspect/experiments/scenario/scenariotest"
	"suspect/experiments/scenarios"
	"suspect/model"
	"suspect/network"
	"suspect/properties"
	"suspect/sim"
)

// plans compares plans by what a run depends on. Functions of specifications are
// known by their names.
var plans = cmp.Options{
	cmp.AllowUnexported(Scenario{}, Monitor{}, layout{}),
	cmp.Comparer(func(a, b detectors.Spec) bool { return a.Name == b.Name }),
	cmp.Comparer(func(a, b network.FaultSpec) bool { return a.Name == b.Name }),
	cmp.Comparer(func(a, b network.GeneratorSpec) bool { return a.Name == b.Name }),
	cmp.Comparer(func(a, b network.Arrivals) bool { // what they strike is a function
		a.Target, b.Target = nil, nil
		return reflect.DeepEqual(a, b)
	}),
	cmp.Comparer(func(a, b properties.Spec) bool { return a.Name == b.Name }),
	cmp.Comparer(func(a, b model.Params) bool { return reflect.DeepEqual(a, b) }),
	cmp.FilterPath(func(p cmp.Path) bool {
		name := p.Last().String()
		return name == ".Source" || name == ".Path"
	}, cmp.Ignore()),
}

// texts returns valid scenarios: those that are shipped, and random ones.
func texts(t testing.TB, random int) map[string][]byte {
	t.Helper()
	all := make(map[string][]byte)
	for _, name := range scenarios.Names() {
		text, ok := scenarios.Text(name)
		if !ok {
			t.Fatalf("no text of %s", name)
		}
		all[filepath.Join("../scenarios", name+".yaml")] = text
	}
	for i := range random {
		all[fmt.Sprintf("random-%03d.yaml", i)] = scenariotest.Random(sim.NewStream(1, fmt.Sprint(i)))
	}
	return all
}

func TestResolvedReadsBack(t *testing.T) {
	for path, text := range texts(t, 300) {
		s, err := Parse(path, text, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		resolved := s.Resolved()
		again, err := Parse("elsewhere.yaml", resolved, nil)
		if err != nil {
			t.Fatalf("%s: its resolved scenario is refused: %v\n%s", path, err, resolved)
		}
		if diff := cmp.Diff(s, again, plans); diff != "" {
			t.Fatalf("%s: its resolved scenario is another plan (-original +resolved):\n%s\n%s", path, diff, text)
		}
		if !bytes.Equal(again.Resolved(), resolved) || again.Hash() != s.Hash() {
			t.Errorf("%s: resolving twice gives another text", path)
		}
	}
}

// TestRandomHasAll checks that the generator makes everything that there is.
func TestRandomHasAll(t *testing.T) {
	var all strings.Builder
	most := int64(0)
	for i := range 300 {
		text := scenariotest.Random(sim.NewStream(1, fmt.Sprint(i)))
		if again := scenariotest.Random(sim.NewStream(1, fmt.Sprint(i))); !bytes.Equal(text, again) {
			t.Fatal("the same stream gives another text")
		}
		all.Write(text)
		s, err := Parse("x.yaml", text, nil)
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, s.Estimate().Events)
	}
	if most > 40_000 {
		t.Errorf("a random scenario has %d events", most)
	}
	for _, want := range []string{
		"star:", "leaf_spine:", "graph:", "framing: bare", "links:", "direction:", "bad_to_good", "jitter", "trace: heartbeats", "excess: true", "overtake: true", "successors",
		"timeout,", "nfd-s", "nfd-e", "stagger: false", "start:",
		"periodic", "poisson", "on-off", "flows", "bulk", "load:", "schedule", "phases:", "limiter: own", "limiter: none",
		"clocks:", "evidence: all", "mark: 3packets", "pause", "clock-drift", "clock-step", "processing:",
		"process-crash", "host-crash", "link-down", "link-loss", "every:", "redraw: true", "use: bursty-loss", "random", "expect:", "judge:", "latency-bound, name:",
		"excess: delay", "excess: drop", "excess: demote", "epoch-per-level", "restarting-window", "phase: random", "phase: 0s",
	} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("no random scenario has %q", want)
		}
	}
}

func TestDefaults(t *testing.T) {
	s, err := Parse("x.yaml", []byte("name: least\nduration: 1s\nnetwork: {framing: bare, topology: {star: {hosts: 2}}, edge: {rate: 1Gbps}}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{
		"seed": s.Seed, "warmup": s.WarmUp, "replications": s.Replications, "judge": s.Judge,
		"priority": s.Monitor.Priority, "message": s.Network.MessageBytes, "framing": s.Network.Framing,
		"watch": s.Monitor.Watch, "limits": s.Limits, "properties": len(s.Properties), "link": s.Network.Topology.Links[0],
	}
	edge := network.LinkConfig{Rate: network.Gbps}
	want := map[string]any{
		"seed": uint64(1), "warmup": model.Duration(0), "replications": Replications{1, 1, nil}, "judge": Judge{0, model.Never, -1},
		"priority": model.Priority(7), "message": int32(64), "framing": network.Bare,
		"watch": [][]model.ProcessID{{1}, {0}}, "limits": Limits{}, "properties": 6, "link": network.Link{A: 0, B: 2, AtoB: edge, BtoA: edge},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

const base = `name: base
duration: 1s
network:
  framing: ethernet
  topology:
    graph: {hosts: [a, b, c], switches: [s, t], links: [[a, s], [b, s], [s, t], [t, c]]}
  edge: {rate: 10Gbps, loss: 1%}
  core: {delay: 5us}
  links:
    - {between: [t, s], direction: s, buffer: 10packets, loss: {bad: 1, good_to_bad: 0.5, bad_to_good: 25%}}
judge: {detect_within: 20ms, mistakes_at_most: 2}
monitor: {watch: {successors: 1}, start: "uniform(1ms, 2ms)"}
detectors:
  - {use: timeout, eta: 10ms}
  - {use: timeout, timeout: 5ms}
  - {use: timeout, name: timeout-3}
  - {use: timeout}
traffic:
  - {use: poisson, from: [c, a], to: b, load: 12.5%, packet: 1000B}
faults:
  - {use: link-down, link: [t, s], every: 1s, for: 1ms}
properties:
  - {use: strong-completeness}
  - {use: eventual-strong-accuracy, mistakes: 9}
`

func TestPlan(t *testing.T) {
	s, err := Parse("x.yaml", []byte(base), nil)
	if err != nil {
		t.Fatal(err)
	}
	top := s.Network.Topology
	edge := network.LinkConfig{Rate: 10 * network.Gbps, Loss: network.Loss{Good: 0.01}}
	core := edge
	core.Delay = 5 * model.Microsecond
	single := core
	single.Buffer.Packets = 10
	single.Loss = network.Loss{Bad: 1, GoodToBad: 0.5, BadToGood: 0.25}
	want := network.Topology{
		Names: []string{"a", "b", "c", "s", "t"}, Hosts: 3,
		Links: []network.Link{
			{A: 0, B: 3, AtoB: edge, BtoA: edge}, {A: 1, B: 3, AtoB: edge, BtoA: edge},
			{A: 3, B: 4, AtoB: single, BtoA: core}, {A: 4, B: 2, AtoB: edge, BtoA: edge},
		},
	}
	if diff := cmp.Diff(want, top); diff != "" {
		t.Errorf("topology (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([][]model.ProcessID{{1}, {2}, {0}}, s.Monitor.Watch); diff != "" {
		t.Errorf("watch (-want +got):\n%s", diff)
	}
	var names []string
	for _, d := range s.Detectors {
		names = append(names, d.Name)
	}
	if diff := cmp.Diff([]string{"timeout", "timeout-2", "timeout-3", "timeout-4"}, names); diff != "" {
		t.Errorf("names of detectors (-want +got):\n%s", diff)
	}
	if got := s.Traffic[0]; got.Rate != 1250*network.Mbps || len(got.From) != 2 || got.From[0] != 2 || len(got.To) != 1 {
		t.Errorf("traffic %+v", got)
	}
	if f := s.Faults[0]; f.At.Mean != model.Second || !f.HasEvery || !f.HasFor || f.Params.Text("link") != "t--s" {
		t.Errorf("fault %+v", f)
	}
	if p := s.Properties[0].Params; p.Duration("within") != 20*model.Millisecond {
		t.Errorf("judge does not bound %v", p)
	}
	if p := s.Properties[1].Params; p.Count("mistakes") != 9 || p.Given("from") {
		t.Errorf("a property's own bound yields to judge: %v", p)
	}
}

// TestWatchLists compares the lists of a ring with their definition.
func TestWatchLists(t *testing.T) {
	for n := 2; n < 9; n++ {
		for each := 1; each < n; each++ {
			s := Scenario{Monitor: Monitor{Watch: watchLists(n, each)}}
			watchers := make([][]model.ProcessID, n)
			for p, watch := range s.Monitor.Watch {
				isWatched := make(map[model.ProcessID]bool)
				for k := 1; k <= each; k++ {
					isWatched[model.ProcessID((p+k)%n)] = true
				}
				if len(watch) != each {
					t.Errorf("n %d each %d: %d watches %v", n, each, p, watch)
				}
				for i, q := range watch {
					if !isWatched[q] || i > 0 && watch[i-1] >= q {
						t.Errorf("n %d each %d: %d watches %v", n, each, p, watch)
					}
					watchers[q] = append(watchers[q], model.ProcessID(p))
				}
			}
			for q := range watchers {
				if diff := cmp.Diff(watchers[q], s.watchersOf(model.ProcessID(q))); diff != "" {
					t.Errorf("n %d each %d: watchers of %d (-want +got):\n%s", n, each, q, diff)
				}
			}
		}
	}
}

func TestSet(t *testing.T) {
	s, err := Parse("x.yaml", []byte(base), []string{
		"detectors[1].timeout=50ms", "network.edge.rate=1Gbps", "seed=18446744073709551615", "traffic=[]",
		"limits.events=100000", "monitor.start=uniform(0s, 3ms)", "faults[0]={use: host-crash, host: b, at: 5ms}",
		"seed=9", "replications.at_most=7", "replications.until={measure: query-accuracy, detector: timeout, relative: 5%}", "replications.at_least=5",
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := s.Detectors[1].Params.Duration("timeout"); d != 50*model.Millisecond {
		t.Errorf("timeout %v", d)
	}
	if r := s.Network.Topology.Links[2].BtoA.Rate; r != network.Gbps {
		t.Errorf("core rate %v", r)
	}
	if s.Seed != 9 || len(s.Traffic) != 0 || s.Limits.Events != 100_000 || s.Monitor.Start.High != 3*model.Millisecond ||
		s.Faults[0].Spec.Name != "host-crash" || s.Replications.AtMost != 7 || s.Replications.AtLeast != 5 {
		t.Errorf("plan %+v", s)
	}
}

func TestSetErrors(t *testing.T) {
	for _, c := range []struct{ set, want string }{
		{"seed", `--set:1:5: an override is written path=value, as detectors[0].timeout=50ms`},
		{"=5", `--set:1:1: the path "" lacks a name here`},
		{"a..b=5", `--set:1:3: the path "a..b" lacks a name here`},
		{"a[x]=5", `--set:1:2: the path "a[x]" has no index here`},
		{"a[0]b=5", `--set:1:5: the path "a[0]b" goes wrong here`},
		{"a[-1]=5", `--set:1:2: the path "a[-1]" has no index here`},
		{"detectors[9].eta=5ms", `--set:1:10: index 9 is past the end: the list has 4 entries, counted from 0`},
		{"name[0]=5ms", `--set:1:5: there is no list here, but a single value`},
		{"name.first=x", `--set:1:6: there is no key "first" here: this is a single value`},
		{"detectors.timeout=x", `--set:1:11: there is no key "timeout" here: this is a list`},
		{"seed=", `--set:1:6: the override has no value`},
		{"seed=[1", `--set:1:6: not YAML`},
		{"seed=&x 1", `--set:1:6: anchors`},
		{"seed=1\n2", `--set:1:7: an override is one line`},
		{"network.edge.rate=10GBps", `--set:1:19: rate "10GBps" has an unknown unit "GBps"`},
		{"network.edeg.rate=10Gbps", `--set:1:9: unknown key "edeg" in network (did you mean "edge"?)`},
		{"monitor.start={a: 1}", `--set:1:15: start must be a duration`},
		{"duration=#", `--set:1:10: the override has no value`},
		{"duration= # 5s", `--set:1:10: the override has no value`},
		{"duration=1\x1b[2J", `--set:1:11: an override is one line of UTF-8 text`},
	} {
		_, err := Parse("x.yaml", []byte(base), []string{c.set})
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("--set %q: %v, want %s", c.set, err, c.want)
		}
	}
	_, err := Parse("x.yaml", []byte(base), []string{"seed=1", "colour=red", "seed=x"})
	want := "--set:2:1: unknown key \"colour\""
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--set:3:6: seed") {
		t.Errorf("%v, want the numbers of the overrides", err)
	}
	_, err = Parse("x.yaml", []byte(base), []string{"seed=1", "monitor={priority: 3, priority: 4}"})
	want = "--set:2:23: the key \"priority\" is already given in --set number 2 "
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestPlainFormsOfYAML checks that the ways to write one value are one value.
func TestPlainFormsOfYAML(t *testing.T) {
	same := []string{
		base,
		"\uFEFF" + base,
		strings.ReplaceAll(base, "\n", "\r\n"),
		"---\n" + base,
		strings.ReplaceAll(base, "duration: 1s", "duration: \"1s\""),
		strings.ReplaceAll(base, "duration: 1s", "duration: 1000ms # a comment"),
		strings.ReplaceAll(base, "name: base", "\"name\": 'base'"),
	}
	var first string
	for i, text := range same {
		s, err := Parse("x.yaml", []byte(text), nil)
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		if first == "" {
			first = s.Hash()
		} else if s.Hash() != first {
			t.Errorf("%d: the hash differs", i)
		}
	}
	json, err := yaml.YAMLToJSON([]byte(base))
	if err != nil {
		t.Fatal(err)
	}
	if s, err := Parse("x.json", json, nil); err != nil || s.Hash() != first {
		t.Errorf("as JSON: %v", err)
	}
}

func TestEstimate(t *testing.T) {
	text := `name: e
duration: 10s
network: {framing: bare, topology: {star: {hosts: 5}}, edge: {rate: 1Gbps}}
monitor: {message_size: 100B}
detectors:
  - {use: timeout, eta: 10ms}
  - {use: nfd-s, eta: 10ms}
  - {use: timeout, eta: 20ms}
traffic:
  - {use: poisson, from: h1, to: h0, rate: 80Mbps, packet: 1000B}
  - {use: periodic, from: all, to: random, period: 1ms, packet: 500B}
  - {use: on-off, from: h2, to: h0, rate: 40Mbps, on: exponential(1ms), off: exponential(3ms), packet: 1250B}
  - {use: bulk, from: h3, to: h0, packet: 1250B}
  - {use: poisson, from: h4, to: h0, rate: 1.1Gbps, packet: 1000B}
`
	s, err := Parse("x.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	// By hand: heartbeats of two panels, 20 pairs, every 10 and 20 ms for 10 s;
	// then 80e6/8000, 5 hosts * 1000/s, 10e6/10000, 1e9/10000 and 1.1e9/8000 packets
	// a second. Each of 5 processes wakes twice in each round of each detector.
	traffic := int64(100_000 + 50_000 + 10_000 + 1_000_000 + 1_375_000)
	packets := int64(20*1000+20*500) + traffic
	events := 2*packets + traffic + 2*5*(1000+1000+500)
	got := s.Estimate()
	if got.Hosts != 5 || got.Switches != 1 || got.Ports != 10 || got.Pairs != 20 || got.Packets != packets ||
		got.Hops != 2*packets || got.Events != events || got.Overloaded != 1 {
		t.Errorf("%+v, want %d packets, %d events", got, packets, events)
	}
}

// TestEstimateOfPart computes by hand what only a part of the run does.
func TestEstimateOfPart(t *testing.T) {
	text := `name: e
duration: 2s
network: {framing: bare, topology: {star: {hosts: 3}}, edge: {rate: 12Mbps}}
detectors: [{use: timeout, eta: 10ms}]
`
	s, err := Parse("x.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	all := s.Estimate()
	if all.Events != 200*(6*2+3*2) { // rounds of 6 packets over 2 links and 3 processes that wake twice
		t.Fatalf("%+v", all)
	}
	// At 12 Mbps, 1500 B take 1 ms.
	for _, c := range []struct {
		set     string
		events  int64
		waiting int64
	}{
		{"monitor.start=1500ms", 50 * 18, 0},
		{"monitor.start=uniform(1s, 3s)", 25 * 18, 0}, // a half starts, with a half second left
		{"traffic=[{use: periodic, from: h0, to: h1, period: 10ms, phase: 1500ms, packet: 12B}]", all.Events + 3*50, 0},
		{"traffic=[{use: periodic, from: h0, to: h1, period: 10ms, phase: 5s, packet: 12B}]", all.Events, 0},
		{"faults=[{use: link-down, link: [h0, s0], at: 1s, for: 1ms}]", all.Events + 2, 0},
		{"faults=[{use: link-down, link: [h0, s0], at: 1s, every: 1ms, for: 1us}]", all.Events + 2*1001, 0},
		{"faults=[{use: link-down, link: [h0, s0], at: 1s, every: 1us, for: 1ms}]", all.Events + 2*1001, 0},
		// 500 packets a second more than the link carries, then 1000.
		{"traffic=[{use: poisson, from: h0, to: h1, rate: 18Mbps, packet: 1500B}]", all.Events + 3*3000, 1000},
		{"traffic=[{use: poisson, from: [h0, h2], to: h1, load: 75%, packet: 1500B}]", all.Events + 3*3000, 1000},
		{"traffic=[{use: bulk, from: [h0, h2], to: h1, packet: 1500B}]", all.Events + 3*4000, 2000},
	} {
		s, err := Parse("x.yaml", []byte(text), []string{c.set})
		if err != nil {
			t.Fatal(err)
		}
		e := s.Estimate()
		if e.Events != c.events {
			t.Errorf("%s: %d events, want %d", c.set, e.Events, c.events)
		}
		waiting := (e.Bytes - all.Bytes) / bytesPerWaiting
		if math.Abs(float64(waiting-c.waiting)) > 0.15*float64(c.waiting)+10 {
			t.Errorf("%s: %d packets wait, want about %d", c.set, waiting, c.waiting)
		}
	}
	s, err = Parse("x.yaml", []byte(text), []string{
		"traffic=[{use: poisson, from: h0, to: h1, rate: 18Mbps, packet: 1500B}]", "network.edge.buffer=100packets",
	})
	if err != nil {
		t.Fatal(err)
	}
	if waiting := (s.Estimate().Bytes - all.Bytes) / bytesPerWaiting; waiting < 100 || waiting > 110 {
		t.Errorf("%d packets wait where 100 have room", waiting)
	}
	// Half of what two hosts send goes to h1: 6 Mbps, 500 packets a second, beside 200
	// heartbeats with 0.1024 Mbps. Of these 6.1024 Mbps, 5.1024 wait: 585.3 a second.
	s, err = Parse("x.yaml", []byte(text), []string{
		"traffic=[{use: poisson, from: [h0, h2], to: random, rate: 6Mbps, packet: 1500B}]",
		"network.links=[{between: [s0, h1], direction: s0, rate: 1Mbps}]",
	})
	if err != nil {
		t.Fatal(err)
	}
	if waiting := (s.Estimate().Bytes - all.Bytes) / bytesPerWaiting; waiting != 1170 {
		t.Errorf("%d packets wait, want 1170", waiting)
	}
}

// TestRefusedByFar checks that limits refuse only what is twice as large.
func TestRefusedByFar(t *testing.T) {
	text := []byte(`name: e
duration: 2s
network: {framing: bare, topology: {star: {hosts: 3}}, edge: {rate: 1Gbps}}
detectors: [{use: timeout, eta: 10ms}]
`) // 3600 events and 16 MiB
	for set, refused := range map[string]bool{
		"limits.events=1800": false, "limits.events=1799": true,
		"limits.memory=9MiB": false, "limits.memory=7MiB": true,
		"limits.events=9223372036854775807": false,
	} {
		if _, err := Parse("x.yaml", text, []string{set}); (err != nil) != refused {
			t.Errorf("%s: %v", set, err)
		}
	}
}

func TestPanels(t *testing.T) {
	s, err := Parse("x.yaml", []byte(base), []string{
		"detectors=[{use: timeout, eta: 10ms}, {use: timeout, eta: 20ms}, {use: nfd-s, eta: 10ms}, {use: nfd-e, eta: 10ms, stagger: false}]",
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]int{{0, 2}, {1}, {3}}, s.Panels()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTooMuch checks the limits on what makes the YAML library slow.
func TestTooMuch(t *testing.T) {
	repeat := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for _, c := range []struct{ text, want string }{
		{"a: [" + strings.Repeat("x,", maxTokens/2) + "x]\n", ":1:200002: the file has more than 200000 names"},
		{repeat("k%d: 1\n", maxKeys+1), ":201:1: a mapping with more than 200 keys"},
		{"a:\n" + repeat("  k%d: 1\n#\n", maxKeys+1), ":402:3: a mapping with more than 200 keys"},
		{"a: {" + repeat("k%d: 1, ", maxKeys) + "x: 1}\n", ":1:1693: a mapping with more than 200 keys"},
		{strings.Repeat("-\n", maxMissing+1), ":1001:1: more than 1000 values are missing"},
		{strings.Repeat("- a:\n", maxMissing+1), ":1001:4: more than 1000 values are missing"},
		{"[" + strings.Repeat("{a:},", maxMissing+1) + "]", ":1:5004: more than 1000 values are missing"},
		{"- |\n" + strings.Repeat(" \n", maxBlankLines+1) + "  x\n", ":102:1: more than 100 blank lines"},
	} {
		if _, err := Parse("x.yaml", []byte(c.text), nil); err == nil || !strings.HasPrefix(err.Error(), "x.yaml"+c.want) {
			t.Errorf("%.20q...: %.200v, want %s", c.text, err, c.want)
		}
	}
	for _, text := range []string{
		"- |\n" + strings.Repeat(" \n", maxBlankLines) + "  x\n",
		strings.Repeat("a:\n- x\n", maxKeys),
		strings.Repeat("- a:\n    b\n", maxMissing+1),
		strings.Repeat("- a: 1\n  b: 1\n", maxKeys+1),
		"[" + strings.Repeat("{a: 1}, ", maxKeys+1) + "]",
	} {
		var list ErrorList
		if _, err := Parse("x.yaml", []byte(text), nil); !errors.As(err, &list) || strings.Contains(list[0].Message, "more than") {
			t.Errorf("%.20q...: %.200v", text, err)
		}
	}
}

// TestManyLinesAreFine reads scenarios that are long, but do not take long.
func TestManyLinesAreFine(t *testing.T) {
	var hosts, links, tall strings.Builder
	for i := range 4200 {
		fmt.Fprintf(&hosts, "a%d, ", i)
		fmt.Fprintf(&links, "      - [a%d, s]\n", i)
		fmt.Fprintf(&tall, "  - between: [a%d, s]\n    delay: 2us\n", i)
	}
	graph := "name: x\nduration: 1s\nmonitor: {watch: {successors: 1}}\nnetwork:\n  framing: bare\n  edge: {rate: 1Gbps}\n  topology:\n    graph:\n" +
		"      hosts: [" + hosts.String() + "]\n      switches: [s]\n      links:\n" + links.String()
	for name, text := range map[string]string{
		"comments":  base + strings.Repeat("# x\n", 4100),
		"comments2": strings.Repeat("# x\n", 4100) + strings.ReplaceAll(base, "\n", "\n  # x\n"),
		"list":      graph,
		"tall list": graph + "  links:\n" + tall.String(),
	} {
		intime.Check(t, func() {
			if _, err := Parse("x.yaml", []byte(text), nil); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// TestLargeIsRefusedSoon checks that sizes that nobody can run cost nothing to refuse.
func TestLargeIsRefusedSoon(t *testing.T) {
	for _, topology := range []string{
		"star: {hosts: 1000000000}", "fat_tree: {k: 1000000}",
		"leaf_spine: {leaves: 1000000, spines: 1000000, hosts_per_leaf: 1000000}",
	} {
		text := []byte("name: x\nduration: 1s\nnetwork: {framing: bare, topology: {" + topology + "}, edge: {rate: 1Gbps}}\n")
		if allocs := testing.AllocsPerRun(1, func() {
			if _, err := Parse("x.yaml", text, nil); err == nil {
				t.Errorf("%s is accepted", topology)
			}
		}); allocs > 5000 {
			t.Errorf("%s: %v allocations to refuse", topology, allocs)
		}
	}
}

// TestHostile checks inputs that are slow to parse for a naive reader.
func TestHostile(t *testing.T) {
	many := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"keys":         many("k%d: 1\n", 100_000),
		"nested keys":  "network:\n" + many("  k%d: 1\n", 100_000),
		"brackets":     strings.Repeat("[", 100_000),
		"braces":       strings.Repeat("{a: ", 100_000),
		"dashes":       strings.Repeat("- ", 100_000),
		"questions":    strings.Repeat("? ", 100_000),
		"colons":       strings.Repeat("a: ", 100_000),
		"anchors":      strings.Repeat("&a ", 100_000),
		"blanks":       strings.Repeat(" ", 1_000_000),
		"lines":        strings.Repeat("\n", 1_000_000),
		"comment":      strings.Repeat("# x\n", 200_000),
		"list":         "detectors:\n" + strings.Repeat("- {use: x}\n", 5_000),
		"hosts":        "network: {topology: {graph: {hosts: [" + strings.Repeat("a, ", 20_000) + "]}}}\n",
		"large":        strings.Repeat("x", maxFileBytes+1),
		"digits":       "seed: " + strings.Repeat("9", 100_000),
		"long keys":    many(strings.Repeat("x", 1000)+"%d: 1\n", 500),
		"long name":    "name: " + strings.Repeat("x", 1_000_000),
		"flow list":    "faults: [" + strings.Repeat("x,", maxFileBytes/2-10) + "x]\n",
		"flow lists":   "faults: [" + strings.Repeat("[],", maxFileBytes/3-10) + "x]\n",
		"flow keys":    "a: {" + many("k%d: 1, ", 45_000) + "}\n",
		"entries":      strings.Repeat("- x\n", maxFileBytes/4),
		"no entries":   strings.Repeat("-\n", maxFileBytes/2),
		"no values":    strings.Repeat("- a:\n", maxFileBytes/5),
		"odd keys":     "a:\n" + strings.Repeat("  ? x\n", maxFileBytes/6-1),
		"blank lines":  "name: x\nabout: |\n" + strings.Repeat(" \n", maxFileBytes/2-10),
		"blank blocks": many("k%d: |\n"+strings.Repeat("\n", maxBlankLines), 4000),
		"hidden keys":  "network:\n" + many("  k%d: 1\n#\n", 40_000),
		"key lists":    "a:\n" + strings.Repeat("-\n  a:\n", maxFileBytes/7-1),
		"host names":   "name: x\nduration: 1s\nnetwork: {framing: bare, edge: {rate: 1Gbps}, topology: {star: {hosts: 50000}}}\nmonitor: {watch: {successors: 1}}\ntraffic:\n  - {use: poisson, to: random, load: 1%, packet: 1B, from: [" + many("hosd%d, ", 40_000) + "]}\n",
		"link ends":    "name: x\nduration: 1s\nnetwork:\n  framing: bare\n  edge: {rate: 1Gbps}\n  topology:\n    graph:\n      hosts: [" + many("host%d, ", 15_000) + "]\n      links:\n" + many("      - [hxst%d, b]\n", 12_000),
		"senders":      "name: x\nduration: 1s\nnetwork: {framing: bare, edge: {rate: 1Gbps}, topology: {star: {hosts: 50000}}}\nmonitor: {watch: {successors: 1}}\ntraffic:\n" + strings.Repeat("  - {use: poisson, from: all, to: random, load: 1%, packet: 1B}\n", 1000),
		"traffic":      "name: x\nduration: 1s\nnetwork: {framing: bare, edge: {rate: 1Gbps}, topology: {star: {hosts: 50000}}}\nmonitor: {watch: {successors: 1}}\ntraffic:\n" + strings.Repeat("  - {use: poisson, from: h1, to: random, load: 1%, packet: 1B}\n", 7000),
		"faults":       "name: x\nduration: 1s\nnetwork: {framing: bare, edge: {rate: 1Gbps}, topology: {star: {hosts: 50000}}}\nmonitor: {watch: {successors: 1}}\nfaults:\n" + strings.Repeat("  - {use: link-down, link: [h49999, s0], at: 1ms}\n", 7000),
		"distribution": "monitor: {start: \"uniform(" + strings.Repeat("(", 100_000) + "\"}",
	} {
		t.Run(name, func(t *testing.T) {
			intime.Check(t, func() {
				if _, err := Parse("x.yaml", []byte(text), nil); err == nil {
					t.Error("it is accepted")
				} else if len(err.Error()) > 200_000 {
					t.Errorf("%d bytes of errors", len(err.Error()))
				}
			})
		})
	}
}

// TestSchemaKnowsTheScenarios reads scenarios and errors as an editor would, with the
// schema alone.
func TestSchemaKnowsTheScenarios(t *testing.T) {
	var root any
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	check := func(path string, text []byte) error {
		var v any
		if err := yaml.Unmarshal(text, &v); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		return conforms(root.(map[string]any), v, "")
	}
	for path, text := range texts(t, 100) {
		if err := check(path, text); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		s, err := Parse(path, text, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := check(path, s.Resolved()); err != nil {
			t.Errorf("resolved %s: %v", path, err)
		}
	}
	// What the reader refuses for its form, the schema refuses too.
	for _, name := range []string{
		"unknown-key", "unknown-key-link", "missing-all", "wrong-case-key", "list-for-mapping", "mapping-for-list",
		"list-for-scalar", "quoted-count", "scalar-for-detector", "rates", "sizes", "framing", "watch", "priority",
		"detector-unknown", "detector-no-use", "detector-param-unknown", "traffic-unknown", "fault-unknown",
		"property-unknown", "replications-incomplete", "key-of-other-traffic", "graph-not-a-pair", "duration-units",
		"switch-yes", "edge-missing", "null-values", "just-text",
	} {
		text, err := os.ReadFile("testdata/malformed/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		if check(name, text) == nil {
			t.Errorf("the schema accepts %s", name)
		}
	}
}

// conforms is the part of JSON Schema (2020-12, validation vocabulary) that Schema
// uses.
func conforms(s map[string]any, v any, path string) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...))
	}
	for keyword, arg := range s {
		switch keyword {
		case "$schema", "title", "description", "additionalProperties":
		case "type":
			types, ok := arg.([]any)
			if !ok {
				types = []any{arg}
			}
			fits := false
			for _, t := range types {
				fits = fits || t == typeOf(v) || t == "number" && typeOf(v) == "integer"
			}
			if !fits {
				return fail("%v is not of type %v", v, arg)
			}
		case "const":
			if fmt.Sprint(arg) != fmt.Sprint(v) {
				return fail("%v is not %v", v, arg)
			}
		case "enum":
			fits := false
			for _, a := range arg.([]any) {
				fits = fits || a == v
			}
			if !fits {
				return fail("%v is not one of %v", v, arg)
			}
		case "pattern":
			if text, ok := v.(string); ok && !regexp.MustCompile(arg.(string)).MatchString(text) {
				return fail("%q does not match %s", text, arg)
			}
		case "minimum", "maximum":
			n, ok := v.(json.Number)
			if !ok {
				continue
			}
			f, err := n.Float64()
			if err != nil || keyword == "minimum" && f < arg.(float64) || keyword == "maximum" && f > arg.(float64) {
				return fail("%v: %s %v", v, keyword, arg)
			}
		case "items":
			list, _ := v.([]any)
			for i, item := range list {
				if err := conforms(arg.(map[string]any), item, fmt.Sprintf("%s[%d]", path, i)); err != nil {
					return err
				}
			}
		case "minItems", "maxItems":
			if list, ok := v.([]any); ok && (keyword == "minItems" && len(list) < int(arg.(float64)) || keyword == "maxItems" && len(list) > int(arg.(float64))) {
				return fail("%d items", len(list))
			}
		case "required":
			for _, name := range arg.([]any) {
				if m, ok := v.(map[string]any); ok && m[name.(string)] == nil {
					return fail("lacks %v", name)
				}
			}
		case "properties":
			m, _ := v.(map[string]any)
			for name, value := range m {
				field, known := arg.(map[string]any)[name]
				if !known {
					if s["additionalProperties"] == false {
						return fail("has %s", name)
					}
					continue
				}
				if err := conforms(field.(map[string]any), value, path+"."+name); err != nil {
					return err
				}
			}
		case "anyOf", "oneOf":
			fits := 0
			var last error
			for _, a := range arg.([]any) {
				if err := conforms(a.(map[string]any), v, path); err != nil {
					last = err
				} else {
					fits++
				}
			}
			if fits == 0 || keyword == "oneOf" && fits != 1 {
				return fail("%d of %s fit; %v", fits, keyword, last)
			}
		default:
			return fail("the schema has the keyword %s, which this test does not know", keyword)
		}
	}
	return nil
}

func typeOf(v any) string {
	switch v := v.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return "number"
		}
		return "integer"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	}
	return "null"
}

// TestReadErrors checks what is not about the contents of a file.
func TestReadErrors(t *testing.T) {
	if _, err := Read("testdata/nowhere.yaml", nil); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := Read("testdata", nil); err == nil || strings.Contains(err.Error(), "testdata:1:1") {
		t.Errorf("a directory: %v", err)
	}
	large := filepath.Join(t.TempDir(), "large.yaml")
	if err := os.WriteFile(large, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, 1<<30); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(large, nil); err == nil || !strings.Contains(err.Error(), "larger than 512 KiB") {
		t.Errorf("a gibibyte: %v", err)
	}
	if _, err := Read("/dev/zero", nil); err == nil || !strings.Contains(err.Error(), "larger than 512 KiB") {
		t.Errorf("a file without end: %v", err)
	}
}

// TestReadPipe reads a scenario that comes through a pipe, as of a shell's <(...).
func TestReadPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe.yaml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() { _ = os.WriteFile(pipe, []byte(base), 0) }()
	if s, err := Read(pipe, nil); err != nil || s.Name != "base" {
		t.Errorf("%v", err)
	}
}

// TestShippedFilesAreEmbedded checks that what is beside the scenarios is shipped.
func TestShippedFilesAreEmbedded(t *testing.T) {
	files, err := os.ReadDir("../scenarios")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".go") {
			continue
		}
		if _, err := fs.Stat(scenarios.FS, f.Name()); err != nil {
			t.Error(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range texts(f, 10) {
		f.Add(text, "seed=2")
	}
	files, err := filepath.Glob("testdata/malformed/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, "detectors[0].timeout=50ms")
	}
	f.Fuzz(func(t *testing.T, text []byte, set string) {
		began := time.Now()
		s, err := Parse("x.yaml", text, []string{set})
		if err != nil {
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("it took %v to refuse", took)
			}
			_ = err.Error()
			return
		}
		again, err := Parse("x.yaml", s.Resolved(), nil)
		if err != nil {
			t.Fatalf("resolved scenario refused: %v\n%s", err, s.Resolved())
		}
		if again.Hash() != s.Hash() {
			t.Fatalf("resolving twice gives another text:\n%s\n%s", s.Resolved(), again.Resolved())
		}
	})
}
