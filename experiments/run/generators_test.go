package run

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"suspect/experiments/guarantee"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
	"suspect/properties"
	"suspect/sim"
)

// monthText is a month of four hosts that send heartbeats every ten minutes.
const monthText = `
name: month
duration: 720h
network:
  framing: ethernet
  topology: {leaf_spine: {leaves: 2, spines: 2, hosts_per_leaf: 2}}
  edge: {rate: 10Gbps, delay: 1us}
detectors: [{use: timeout, eta: 10min, timeout: 30min}]
`

// Every generator fills a simulated month: as one line of a scenario it strikes about as
// often as is expected, alike for any number of workers, and packets are conserved.
func TestEveryGenerator(t *testing.T) {
	for _, spec := range network.AllGenerators() {
		t.Run(spec.Name, func(t *testing.T) {
			t.Parallel()
			line := "{use: " + spec.Name + "}"
			for _, p := range spec.Params {
				if p.Name == "scale" { // few hosts have few faults
					line = "{use: " + spec.Name + ", scale: published}"
				}
			}
			s := parse(t, monthText+"replications: 2\ngenerators: ["+line+"]\n")
			one, two := do(t, s, 1), do(t, s, 2)
			if !bytes.Equal(encode(t, one), encode(t, two)) {
				t.Error("the results of one worker and of two differ")
			}
			if c := one.Conservation; c.Outcome != properties.Holds.String() {
				t.Errorf("conservation: %v: %s", c.Outcome, c.Reason)
			}
			again := parse(t, string(s.Resolved()))
			if again.Hash() != s.Hash() || !bytes.Equal(encode(t, do(t, again, 1)), encode(t, one)) {
				t.Error("the resolved scenario runs in another way")
			}
		})
	}
}

// told returns what happened to hosts, switches and links in a replication.
func told(t *testing.T, s *scenario.Scenario) []string {
	t.Helper()
	m, err := newSimulation(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	m.kernel.Records.Subscribe(model.KindSet(model.HostWentDown, model.HostCameUp, model.SwitchWentDown, model.SwitchCameUp,
		model.LinkWentDown, model.LinkCameUp), func(r *model.Record) { all = append(all, r.String()) })
	if err := m.kernel.Run(model.Time(s.Duration), sim.Budget{}); err != nil {
		t.Fatal(err)
	}
	return all
}

// Whoever else is added, and in front of whom, a generator strikes when, where and for as
// long as it does alone.
func TestGeneratorsDoNotDisturbEachOther(t *testing.T) {
	text := strings.Replace(monthText, "eta: 10min, timeout: 30min", "eta: 1h, timeout: 3h", 1)
	alone := told(t, parse(t, text+"generators: [{use: cluster-first-year, scale: published}]\n"))
	beside := told(t, parse(t, text+`generators:
  - {use: pauses}
  - {use: lock-service-outages}
  - {use: cluster-first-year, scale: published}
  - {use: pauses, name: more-pauses}
`))
	if len(alone) < 100 || strings.Join(alone, "\n") != strings.Join(beside, "\n") {
		t.Errorf("alone it does %d things, and beside others %d", len(alone), len(beside))
	}
	renamed := told(t, parse(t, text+"generators: [{use: cluster-first-year, scale: published, name: another}]\n"))
	if strings.Join(alone, "\n") == strings.Join(renamed, "\n") {
		t.Error("by another name it does the same")
	}
}

// A fault that comes again strikes the same host each time, or with redraw others too.
func TestRedraw(t *testing.T) {
	for _, redraw := range []bool{false, true} {
		s := parse(t, monthText+fmt.Sprintf("faults: [{use: host-crash, host: random, every: 10h, for: 1h, redraw: %v}]\n", redraw))
		hosts := map[string]int{}
		for _, line := range told(t, s) {
			if f := strings.Fields(line); f[1] == model.HostWentDown.String() {
				hosts[f[2]]++
			}
		}
		times := 0
		for _, n := range hosts {
			times += n
		}
		if want := map[bool]int{false: 1, true: 4}[redraw]; len(hosts) != want || times != 72 {
			t.Errorf("redraw %v: struck %v", redraw, hosts)
		}
	}
}

// A generator takes the bounds of QJUMP back by its name.
func TestGeneratorsBreakGuarantees(t *testing.T) {
	why := func(generators string) (all string) {
		for _, a := range guarantee.Derive(parse(t, leafSpine+generators)).Assumptions {
			if a.Mark == guarantee.Broken {
				all += a.Text + ": " + a.Why + "\n"
			}
		}
		return all
	}
	if got := why("generators: [{use: machine-rack}]\n"); !strings.Contains(got, "generators[0]: machine-rack") {
		t.Errorf("broken: %q", got)
	}
	if got := why("generators: [{use: pauses}]\n"); got != "" {
		t.Errorf("broken by pauses: %q", got)
	}
}
