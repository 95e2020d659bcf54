package worstcase_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/experiments/guarantee"
	"suspect/experiments/run"
	"suspect/experiments/worstcase"
	"suspect/model"
)

// breaks is a scenario whose third traffic can break the bound of the level.
const breaks = `
name: breaks
duration: 2ms
network:
  framing: ethernet
  topology: {star: {hosts: 8}}
  edge: {rate: 10Gbps, delay: 500ns}
qjump:
  packet: 106B
  levels: [{priority: 7, factor: 1}]
detectors: [{use: timeout, eta: 200us, timeout: 1ms}]
traffic:
  - {use: poisson, from: all, to: random, priority: 7, packet: 64B, rate: 100Mbps}
  - {use: poisson, from: all, to: random, priority: 0, packet: 1472B, load: 50%}
  - {use: poisson, from: h3, to: h0, priority: 7, packet: 64B, load: 90%, limiter: none}
properties: [{use: latency-bound}]
`

// edges sends packets just before and after an edge of windows that begin at 5us and last
// 1.3568us: with all of the two windows, 1us and 15 packets of 84.8ns pass until the last is
// there.
var edges = func() string {
	var sends []string
	for _, at := range []string{"65.910633us", "66.056417us"} {
		for h := 1; h < 8; h++ {
			sends = append(sends, fmt.Sprintf("{at: %s, from: h%d, to: h0, packet: 64B, priority: 7}", at, h))
		}
	}
	return "{use: schedule, sends: [" + strings.Join(sends, ", ") + "]}"
}()

// A run in which an assumption is broken ends as a schedule of few packets, of which each
// is needed, and which breaks the same bound when it is run.
func TestShrinks(t *testing.T) {
	const (
		beside = "traffic[0]={use: periodic, from: all, to: h0, priority: 7, packet: 64B, period: 10us}"
		alone  = "traffic[1]={use: periodic, from: h1, to: h2, priority: 7, packet: 64B, period: 20us}"
	)
	for name, c := range map[string]struct {
		set  []string
		most int    // packets
		text string // that is told
	}{
		"rogue": {nil, 4, "2 packets of 64 B with priority 7 past all limiters"},
		"rogue in a tree": {[]string{
			"network.topology={leaf_spine: {leaves: 2, spines: 2, hosts_per_leaf: 4}}",
			"traffic[2]={use: bulk, from: [h3, h5], to: h0, priority: 7, packet: 64B, limiter: none}",
		}, 4, "In a star of 2 hosts"},
		"second limiter": {[]string{
			beside, alone, "traffic[2]={use: periodic, from: all, to: h0, priority: 7, packet: 64B, period: 10us, limiter: own}",
		}, 2, "through a second limiter"},
		"second limiters with windows": {[]string{
			"traffic[0]={use: poisson, from: all, to: h0, priority: 7, packet: 64B, rate: 600Mbps}", alone,
			"traffic[2]={use: poisson, from: all, to: h0, priority: 7, packet: 64B, rate: 600Mbps, limiter: own}",
			"qjump.limiter=fixed-window", "properties[0].bound=1.4us",
		}, 5, "through a second limiter"},
		"slow link": {[]string{
			"traffic[2].limiter=shared", "properties[0].bound=4.5us", "network.links=[{between: [h0, s0], direction: s0, rate: 1Gbps}]",
		}, 3, "one packet of 1472 B with priority 0"},
		"two windows": {[]string{
			"traffic=[{use: periodic, from: h0, to: h1, priority: 7, packet: 64B, period: 900ns}, " + edges + "]",
			"detectors=[]", "qjump.limiter=fixed-window", "qjump.phase=5us", "properties[0].bound=1.7us",
		}, 9, "each send one packet of 64 B"},
		"clock": {[]string{
			beside, alone, "traffic[2]={use: periodic, from: h3, to: h0, priority: 7, packet: 64B, period: 1us}",
			"faults=[{use: clock-step, host: h3, step: 5ms, at: 400us}]", "properties[0].bound=1.6784us",
		}, 8, "clock-step"},
		"clock of a random host": {[]string{
			"traffic=[{use: periodic, from: [h1, h2, h3], to: h0, priority: 7, packet: 64B, period: 1.2us}]", "detectors=[]",
			"faults=[{use: pause, process: random, at: exponential(1ms)}, {use: pause, process: h1, at: 27.1us}, " +
				"{use: clock-step, host: random, step: 2us, at: 27.136us}]", "properties[0].bound=1.3392us", "seed=8",
		}, 40, "with priority 7. The fault clock-step (host=h3 step=2us) at 27.136us is part of it. Without"},
	} {
		t.Run(name, func(t *testing.T) {
			s := parse(t, breaks, c.set...)
			r, err := run.Run(context.Background(), s, run.Options{})
			if err != nil {
				t.Fatal(err)
			}
			found, notes, err := worstcase.Counterexamples(context.Background(), s, r, worstcase.Options{})
			if err != nil || len(found) != 1 {
				t.Fatalf("%d counterexamples, %q, %v; the longest delay is %v", len(found), notes, err, r.Levels[0].Latency.Max)
			}
			x := found[0]
			t.Logf("%d -> %d packets, %d runs: %s", x.Before, len(x.Sends), x.Runs, x.Text)
			// A window before the late packet is enough: not all since the beginning.
			if before := map[string]int{"two windows": 20, "clock": 300}[name]; before > 0 && x.Before > before {
				t.Errorf("%d packets to begin with, above %d", x.Before, before)
			}
			if len(x.Sends) > c.most || !x.Minimal || !strings.Contains(x.Text, c.text) || x.Delay <= x.Bound {
				t.Errorf("minimal: %v, %v of %v\n%s", x.Minimal, x.Delay, x.Bound, x.Scenario())
			}
			l, again := replayed(t, x.Scenario(), x.Priority)
			if again.Outcome != run.AsExpected || l.Latency.Max < x.Delay {
				t.Errorf("%s, %v: %v of %v again\n%s", again.Outcome, again.Properties, l.Latency.Max, x.Delay, x.Scenario())
			}
			for _, y := range x.Sends {
				if y.At%model.Time(model.Nanosecond) != 0 {
					t.Errorf("a packet is sent at %v, which is not round", y.At)
				}
			}
			if late := x.Sends[x.Late]; late.Priority != 7 || late.Limiter == "none" {
				t.Errorf("the late packet is %+v", late)
			}
			// Without any line of the schedule the property holds.
			lines := bytes.SplitAfter(x.Scenario(), []byte("\n"))
			left := 0
			for i, line := range lines {
				if !bytes.Contains(line, []byte("- {at: ")) || len(x.Sends) == 1 {
					continue
				}
				left++
				less := bytes.Join(append(append([][]byte{}, lines[:i]...), lines[i+1:]...), nil)
				less = bytes.ReplaceAll(less, []byte("sends:\n  - use"), []byte("sends: []\n  - use"))
				less = bytes.ReplaceAll(less, []byte("sends:\nfaults"), []byte("sends: []\nfaults"))
				if bytes.Contains(less, []byte("sends: []")) {
					continue // a schedule is never empty
				}
				if l, _ := replayed(t, less, x.Priority); l.Latency.Max > x.Bound {
					t.Errorf("without %q a packet takes %v, still more than %v", line, l.Latency.Max, x.Bound)
				}
			}
			if left != len(x.Sends) && len(x.Sends) > 1 {
				t.Errorf("%d lines for %d packets", left, len(x.Sends))
			}
			twice, _, err := worstcase.Counterexamples(context.Background(), s, r, worstcase.Options{})
			if diff := cmp.Diff(found, twice, cmp.AllowUnexported(worstcase.Counterexample{})); err != nil || diff != "" {
				t.Errorf("not the same again: %v\n%s", err, diff)
			}
		})
	}
}

// What cannot be shrunk is told of, with a reason.
func TestShrinkRefuses(t *testing.T) {
	for want, v := range map[string]worstcase.Violation{
		"no packet with priority 7 is delivered more than 1ms": {Priority: 7, Bound: model.Millisecond},
		"no packet with priority 6":                            {Priority: 6, Bound: 1},
	} {
		s := parse(t, breaks)
		c, err := worstcase.Shrink(context.Background(), s, guarantee.Derive(s), v, worstcase.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v, %v; want an error with %q", c, err, want)
		}
	}
	s := parse(t, breaks)
	s.QJump = nil
	if _, err := worstcase.Shrink(context.Background(), s, nil, worstcase.Violation{}, worstcase.Options{}); err == nil {
		t.Error("there are no levels")
	}
}

// An interrupt ends both; a small effort ends the shrinking early, which is told.
func TestStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s := parse(t, breaks)
	v := worstcase.Violation{Priority: 7, Bound: 4 * model.Microsecond}
	if _, err := worstcase.Search(ctx, s, guarantee.Derive(s), worstcase.Options{}); err == nil || err.Error() != run.ErrInterrupted.Error() {
		t.Errorf("the search ended with %v", err)
	}
	c, err := worstcase.Shrink(context.Background(), s, nil, v, worstcase.Options{Events: 5000})
	if err != nil || c.Minimal || c.Runs < 2 {
		t.Errorf("%+v, %v", c, err)
	} else if _, r := replayed(t, c.Scenario(), 7); r.Outcome != run.AsExpected {
		t.Errorf("%s\n%s", r.Outcome, c.Scenario())
	}
}
