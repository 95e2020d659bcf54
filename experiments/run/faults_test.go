package run

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"suspect/detectors"
	"suspect/experiments/guarantee"
	"suspect/model"
	"suspect/network"
	"suspect/properties"
)

const leafSpine = `
name: leaf-spine
duration: 200ms
network:
  framing: ethernet
  topology: {leaf_spine: {leaves: 2, spines: 2, hosts_per_leaf: 2}}
  edge: {rate: 10Gbps, delay: 1us}
monitor: {message_size: 64B, priority: 7}
qjump: {packet: 106B, epsilon: 10us, levels: [{priority: 7, factor: 1}]}
detectors: [{use: timeout, eta: 1ms, timeout: 3ms}]
traffic: [{use: periodic, from: all, to: random, packet: 1000B, period: 200us, priority: 0}]
`

// faultLines has a way to write each kind of fault in a scenario, with the cause of what
// is lost by it, and with the assumption of the bounds that it breaks, if any.
var faultLines = map[string]struct{ params, cause, breaks string }{
	"process-crash":     {"process: random", "process-down", ""},
	"process-exit":      {"process: random", "process-down", ""},
	"host-crash":        {"host: random", "host-down", ""},
	"pause":             {"process: random", "", ""},
	"clock-drift":       {"host: random, drift: -100ppm", "", ""},
	"clock-step":        {"host: random, step: -5us", "", ""},
	"link-down":         {"link: random", "link-down", "no packet is lost on a link"},
	"link-loss":         {"link: random, probability: 10%", "link-loss", "no packet is lost on a link"},
	"link-one-way":      {"link: random", "link-down", "no packet is lost on a link"},
	"link-flapping":     {"link: [h1, leaf0], down: \"exponential(2ms)\", up: \"exponential(2ms)\"", "link-down", "no packet is lost on a link"},
	"link-slow":         {"link: [h1, leaf0], divisor: 100", "", "faults do not change"},
	"nic-one-way":       {"host: h1", "interface-fault", "no packet is lost on a link"},
	"switch-crash":      {"switch: random", "switch-down", "no packet is lost on a link"},
	"port-failure":      {"switch: leaf0, port: random", "link-down", "no packet is lost on a link"},
	"partition":         {"side: [leaf0, h0, h1], lost: in", "link-down", "no packet is lost on a link"},
	"partition-subtree": {"below: random", "link-down", "no packet is lost on a link"},
	"partition-partial": {"from: h0, to: [h1, h2]", "rule", "no packet is lost on a link"},
	"rule-drop":         {"switch: leaf0, from: h0", "rule", "no packet is lost on a link"},
	"corruption":        {"link: random, probability: 10%", "corrupted", "no packet is lost on a link"},
	"reordering":        {"link: [h1, leaf0], probability: 10%, late: \"uniform(0s, 1ms)\"", "", "faults do not change"},
	"host-slow":         {"host: random, each: \"exponential(100us)\"", "", ""},
	"switch-overload":   {"switch: leaf0, each: 200us, queue: 5, slow_path: 50%", "overload", "no packet is lost on a link; faults do not change"},
	"misorigination":    {"switch: leaf0, host: h2", "no-route", "no packet is lost on a link; faults do not change"},
	"wedge":             {"process: random", "", ""},
	"duplication":       {"link: [h1, leaf0], probability: 10%, lag: \"uniform(0s, 1ms)\"", "", "faults do not change"},
	"link-bursts":       {"link: [h1, leaf0], bad: 50%, loss: 50%", "link-loss", "no packet is lost on a link"},
	"power-failure":     {"switch: leaf0", "switch-down", "no packet is lost on a link"},

	// Nothing is lost: a heartbeat that is changed is one all the same.
	"corruption-undetected": {"link: [h1, leaf0], probability: 50%", "", "no packet is lost on a link"},
}

// Every kind of fault runs from a scenario, at a set time and again and again, alike for
// any number of workers; packets are conserved; the bounds of QJUMP stand or are withdrawn
// by the name of the fault.
func TestEveryKindOfFault(t *testing.T) {
	for _, spec := range network.AllFaults() {
		t.Run(spec.Name, func(t *testing.T) {
			line, ok := faultLines[spec.Name]
			if !ok {
				t.Fatal("faultLines does not have it")
			}
			text := leafSpine + "replications: 2\nfaults:\n" +
				"  - {use: " + spec.Name + ", " + line.params + ", at: 50ms, for: 20ms}\n" +
				"  - {use: " + spec.Name + ", " + line.params + ", every: \"exponential(40ms)\", for: \"uniform(1ms, 30ms)\", redraw: true}\n"
			s := parse(t, text)
			one, two := do(t, s, 1), do(t, s, 2)
			if !bytes.Equal(encode(t, one), encode(t, two)) {
				t.Error("the results of one worker and of two differ")
			}
			if c := one.Conservation; c.Outcome != properties.Holds.String() {
				t.Errorf("conservation: %v: %s", c.Outcome, c.Reason)
			}
			lost := func(d Drops) bool { return d.Cause == line.cause && d.Count > 10 }
			if line.cause != "" && !slices.ContainsFunc(one.Messages.Drops, lost) && !slices.ContainsFunc(one.Traffic.Drops, lost) {
				t.Errorf("nothing was lost by %s: %v %v", line.cause, one.Messages.Drops, one.Traffic.Drops)
			}
			if (one.Messages.Duplicated > 0) != (spec.Name == "duplication") || one.Messages.InFlight < 0 || one.Traffic.InFlight < 0 {
				t.Errorf("%d messages come twice; %d and %d are in flight", one.Messages.Duplicated, one.Messages.InFlight, one.Traffic.InFlight)
			}
			again := parse(t, string(s.Resolved()))
			if !bytes.Equal(encode(t, do(t, again, 1)), encode(t, one)) && again.Hash() == s.Hash() {
				t.Error("the resolved scenario runs in another way")
			}
			var broken []string
			for _, a := range guarantee.Derive(s).Assumptions {
				if a.Mark == guarantee.Broken {
					broken = append(broken, a.Text)
					if !strings.Contains(a.Why, spec.Name) {
						t.Errorf("%s is broken without the name of the fault: %s", a.Text, a.Why)
					}
				}
			}
			var want []string
			if line.breaks != "" {
				want = strings.Split(line.breaks, "; ")
			}
			if !slices.EqualFunc(broken, want, strings.HasPrefix) {
				t.Errorf("broken assumptions: %q, want %q", broken, line.breaks)
			}
		})
	}
}

// Every detector goes on when links change what messages say, bring them twice and out of
// order: none panics, breaks the rules of automata that the network checks, or floods it.
func TestDetectorsUnderCorruption(t *testing.T) {
	for _, spec := range detectors.All() {
		t.Run(spec.Name, func(t *testing.T) {
			t.Parallel()
			text := `
name: corrupt
duration: 60s
network:
  framing: ethernet
  topology: {star: {hosts: 5}}
  edge: {rate: 10Gbps, delay: 1ms}
evidence: all
detectors: [{use: ` + spec.Name + `}]
properties: []
`
			calm := do(t, parse(t, text), 1)
			faults := "faults:\n"
			for h := range 5 {
				for _, fault := range []string{"corruption-undetected, probability: 20%", "duplication, probability: 10%, lag: 3ms", "reordering, probability: 10%, late: 300ms"} {
					faults += fmt.Sprintf("  - {use: %s, link: [h%d, s0], at: 5s, for: 40s}\n", fault, h)
				}
			}
			got := do(t, parse(t, text+faults), 1)
			if got.Messages.Sent == 0 || got.Messages.Sent > 5*calm.Messages.Sent+1000 {
				t.Errorf("%d messages are sent, and %d in peace", got.Messages.Sent, calm.Messages.Sent)
			}
			if c := got.Conservation; c.Outcome != properties.Holds.String() {
				t.Errorf("conservation: %v: %s", c.Outcome, c.Reason)
			}
		})
	}
}

// What happens to switches and rules concerns a pair if its messages meet it.
func TestExplainerOfSwitchesAndRules(t *testing.T) {
	m, err := newSimulation(parse(t, leafSpine), 1)
	if err != nil {
		t.Fatal(err)
	}
	e, err := m.newExplainer("timeout", Episode{Monitor: "h0", Peer: "h3"})
	if err != nil {
		t.Fatal(err)
	}
	top := m.network.Topology()
	node := func(name string) int32 {
		n, ok := top.Node(name)
		if !ok {
			t.Fatal(name)
		}
		return int32(n)
	}
	for _, hop := range []struct{ from, to string }{{"h3", "leaf1"}, {"leaf1", "spine1"}, {"spine1", "leaf0"}} {
		l, _ := top.LinkBetween(network.NodeID(node(hop.from)), network.NodeID(node(hop.to)))
		e.way[int32(l)] = true
	}
	var met []model.Record
	for _, c := range []struct {
		r    model.Record
		want bool
	}{
		{model.Record{Kind: model.SwitchWentDown, Process: model.ProcessID(node("spine1"))}, true},
		{model.Record{Kind: model.SwitchWentDown, Process: model.ProcessID(node("spine0"))}, false},
		{model.Record{Kind: model.SwitchCameUp, Process: model.ProcessID(node("leaf0"))}, true},
		{model.Record{Kind: model.RuleSet, Process: 3, Peer: 0, Place: -1, Seq: -1}, true},
		{model.Record{Kind: model.RuleSet, Process: 0, Peer: 3, Place: -1, Seq: -1}, false},
		{model.Record{Kind: model.RuleSet, Process: model.Nobody, Peer: model.Nobody, Place: node("leaf1"), Seq: 7}, true},
		{model.Record{Kind: model.RuleLifted, Process: model.Nobody, Peer: 0, Place: node("leaf0"), Seq: -1}, true},
		{model.Record{Kind: model.RuleLifted, Process: model.Nobody, Peer: 0, Place: node("spine0"), Seq: -1}, false},
	} {
		if got := e.concerns(&c.r); got != c.want {
			t.Errorf("%s: %v", c.r.String(), got)
		}
		if c.want {
			met = append(met, c.r)
		}
	}
	lines := e.words(met, 0)
	want := []string{
		"0s: switch spine1 crashes",
		"0s: switch leaf0 recovers",
		"0s: a rule tells every switch to drop packets from h3 to h0",
		"0s: a rule tells switch leaf1 to drop packets of priority 7",
		"0s: a rule tells switch leaf0 no longer to drop packets to h0",
	}
	if !slices.Equal(lines[:len(want)], want) {
		t.Errorf("%q", lines)
	}
}
