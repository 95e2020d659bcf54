package run_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"suspect/detectors"
	"suspect/experiments/replay"
	"suspect/experiments/run"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/sim"
)

// wan returns when heartbeats that are sent every period arrive, in nanoseconds, or -1:
// bursts of loss by a Gilbert-Elliott channel, delays of 3 ms and an exponential part, and
// stalls of a Pareto length at whose end all arrives that came meanwhile, in order.
func wan(s *sim.Stream, n int, period int64) (received []int64) {
	bad, latest, stalledUntil := false, int64(0), int64(0)
	for i := range int64(n) {
		sent := i * period
		if s.Chance(map[bool]float64{false: 0.01, true: 0.2}[bad]) {
			bad = !bad
		}
		if s.Chance(0.005) {
			stalledUntil = sent + int64(2e6*math.Pow(1-s.Float64(), -1/1.2)) // shape 1.2, 2 ms at the least
		}
		at := max(sent+3e6+int64(-3e5*math.Log(1-s.Float64())), stalledUntil, latest)
		if bad && s.Chance(0.5) {
			at = -1
		} else {
			latest = at
		}
		received = append(received, at)
	}
	return received
}

// A link that replays a trace, driven by a sender that keeps the period of the trace, makes
// every detector that lives on heartbeats do what it does when the trace is replayed to it
// without a network: the same mistakes, and the same detection of a crash at the end.
func TestTraceLinkAgreesWithReplay(t *testing.T) {
	const (
		n            = 20_000
		period       = int64(2e6)
		transmission = 64 // ns, of 64 bytes at 8 Gb/s
	)
	// The link knows heartbeats by when their transmission ends. The same ones are
	// received so much later without a network.
	var onLink, alone strings.Builder
	for i, at := range wan(sim.NewStream(1, "wan"), n, period) {
		sent := int64(i) * period
		for b, later := range map[*strings.Builder]int64{&onLink: 0, &alone: transmission} {
			if i == 0 {
				b.WriteString("seq,sent_ns,received_ns\n")
			}
			switch {
			case at >= 0:
				fmt.Fprintf(b, "%d,%d,%d\n", i, sent, at+later)
			case i%2 == 0 || i == n-1:
				fmt.Fprintf(b, "%d,%d,\n", i, sent)
			}
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "wan.csv"), []byte(onLink.String()), 0o666); err != nil {
		t.Fatal(err)
	}

	var config replay.Config
	list := ""
	knobs := map[string]string{"timeout": "8ms", "delta": "6ms", "alpha": "5ms"}
	for _, spec := range detectors.All() {
		if !spec.Heartbeats {
			continue
		}
		d := replay.Detector{Use: spec.Name, Params: map[string]string{"eta": "2ms", "stagger": "false"}}
		list += fmt.Sprintf("  - {use: %s, eta: 2ms, stagger: false", spec.Name)
		for _, p := range spec.Params {
			if value, ok := knobs[p.Name]; ok {
				d.Params[p.Name] = value
				list += fmt.Sprintf(", %s: %s", p.Name, value)
			}
		}
		list += "}\n"
		config.Detectors = append(config.Detectors, d)
	}
	want, err := replay.Run(context.Background(), replay.Bytes("wan.csv", []byte(alone.String())), config)
	if err != nil {
		t.Fatal(err)
	}

	text := fmt.Sprintf(`
name: wan
duration: 50s
network:
  framing: bare
  topology: {graph: {hosts: [a, b], links: [[a, b]]}}
  edge: {rate: 8Gbps}
  links:
    - {between: [a, b], direction: a, trace: {file: wan.csv, offset: %dns}}
monitor: {message_size: 64B}
properties: []
faults:
  - {use: process-crash, process: a, at: %dns}
detectors:
%s`, n*period-transmission, (n-1)*period+1, list)
	s, err := scenario.Parse(filepath.Join(dir, "wan.yaml"), []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := run.Run(context.Background(), s, run.Options{})
	if err != nil {
		t.Fatal(err)
	}
	several := 0
	for i, d := range got.Detectors {
		w := want.Detectors[i]
		var count int64
		var longest model.Duration
		for _, p := range d.Mistakes.Pairs {
			if p.Monitor == "b" {
				count, longest = p.Count, p.Longest
			}
		}
		var wantLongest model.Duration
		if w.LongestMistake != nil {
			wantLongest = *w.LongestMistake
		}
		if count != w.Mistakes || longest != wantLongest {
			t.Errorf("%s: %d mistakes, the longest %v; replayed without a network %d, %v", d.Name, count, longest, w.Mistakes, wantLongest)
		}
		if w.Detected != (d.Detection.Detected == 1) || w.Detected && *w.DetectionTime-model.Nanosecond != d.Detection.Time.Max {
			t.Errorf("%s: %+v; replayed without a network %+v", d.Name, d.Detection.Time, w.DetectionTime)
		}
		if w.Mistakes >= 10 {
			several++
		}
	}
	if several < 7 {
		t.Errorf("only %d detectors made 10 mistakes", several)
	}
}
