package reproduce

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"suspect/experiments/report"
	runner "suspect/experiments/run"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
	"suspect/properties"
)

// world is one run of one detector, with everything that happens to it. Processes are hosts
// of a star that watch each other.
type world struct {
	detector, params string // params as ", step: 3s"
	n                int
	seed             uint64
	duration         model.Duration
	jitter           bool // of messages on the way to the switch
	ordered          bool // they keep their order: instead of jitter each host has a fixed delay
	late             bool // processes start at different times
	troubles         []trouble
}

// trouble is what happens to one host.
type trouble struct {
	kind ailment
	host int
	at   model.Duration
	last model.Duration // 0: for ever
}

type ailment uint8

const (
	crashes ailment = iota // its process stops; if it ends, it starts anew without memory
	stalls                 // what is on the way to it arrives when that ends
	loses                  // some of what it sends gets lost
	muted                  // all of it does, and it hears the others
)

// The bounds that make of "eventually" something a run can decide, and what the worlds are
// made of.
const (
	atlasDuration = 600 * model.Second
	atlasStable   = 400 * model.Second // no mistake from here on
	atlasWithin   = 120 * model.Second // from a crash to the suspicion that stays
	atlasHosts    = 5
	atlasJitter   = 40 * model.Millisecond
	atlasLoss     = "30%"
	atlasStarts   = 30 * model.Second
	stallStep     = 500 * model.Millisecond // in which a stalled link sends at one delay
)

func (t trouble) String() string {
	host := fmt.Sprintf("h%d", t.host)
	what := [...]string{
		crashes: host + " is down",
		stalls:  "nothing reaches " + host,
		loses:   host + " loses " + atlasLoss + " of what it sends",
		muted:   "nobody hears " + host,
	}[t.kind]
	switch {
	case t.last > 0:
		return fmt.Sprintf("%s from %v for %v", what, t.at, t.last)
	case t.at > 0:
		return fmt.Sprintf("%s from %v on", what, t.at)
	}
	return what + " all the time"
}

// fault returns the entry of a scenario's list of faults, or "" for stalls, which are a
// trace.
func (t trouble) fault() string {
	last := ""
	if t.last > 0 {
		last = fmt.Sprintf(", for: %v", t.last)
	}
	loss := func(probability string) string {
		return fmt.Sprintf("{use: link-loss, link: [h%d, s0], direction: h%d, probability: %s, at: %v%s}", t.host, t.host, probability, t.at, last)
	}
	switch t.kind {
	case crashes:
		return fmt.Sprintf("{use: process-crash, process: h%d, at: %v%s}", t.host, t.at, last)
	case loses:
		return loss(atlasLoss)
	case muted:
		return loss("100%")
	}
	return ""
}

// text returns the world as a scenario, which expects what is listed. The names of traces
// are those of the hosts that have one, by host.
func (w *world) text(name, about string, traces []string, expect string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "name: %s\n", name)
	if about != "" {
		fmt.Fprintf(&b, "about: %q\n", about)
	}
	fmt.Fprintf(&b, "seed: %d\nduration: %v\n\njudge: {detect_within: %v", w.seed, w.duration, atlasWithin)
	if w.duration > atlasStable { // else nobody could tell
		fmt.Fprintf(&b, ", stable_from: %v", atlasStable)
	}
	b.WriteString("}\n\n")
	fmt.Fprintf(&b, "network:\n  framing: ethernet\n  topology: {star: {hosts: %d}}\n  edge: {rate: 1Gbps, delay: 1us}\n", w.n)
	if w.jitter || strings.Join(traces, "") != "" {
		b.WriteString("  links:\n")
	}
	for h := range w.n {
		switch {
		case w.jitter && w.ordered:
			fmt.Fprintf(&b, "    - {between: [h%d, s0], direction: h%d, delay: %v}\n", h, h, atlasJitter*model.Duration(h+1)/atlasHosts)
		case w.jitter:
			fmt.Fprintf(&b, "    - {between: [h%d, s0], direction: h%d, jitter: \"uniform(0s, %v)\"}\n", h, h, atlasJitter)
		}
		if h < len(traces) && traces[h] != "" {
			fmt.Fprintf(&b, "    - {between: [h%d, s0], direction: s0, trace: %s}\n", h, traces[h])
		}
	}
	if w.late {
		fmt.Fprintf(&b, "\nmonitor: {start: \"uniform(0s, %v)\"}\n", atlasStarts)
	}
	fmt.Fprintf(&b, "\ndetectors:\n  - {use: %s%s}\n", w.detector, w.params)
	first := true
	for _, t := range w.troubles {
		if f := t.fault(); f != "" {
			if first {
				b.WriteString("\nfaults:\n")
			}
			first = false
			fmt.Fprintf(&b, "  - %s\n", f)
		}
	}
	b.WriteString(expect)
	return b.Bytes()
}

// probes returns what packets meet on the way to a host, or nothing if they meet nothing.
func (w *world) probes(host int) (probes []network.Probe) {
	end := model.Duration(0)
	for at := model.Duration(0); at <= w.duration; at += stallStep {
		p := network.Probe{At: at}
		for _, t := range w.troubles {
			if t.kind == stalls && t.host == host && t.at <= at && at < t.at+t.last {
				p.Delay = max(p.Delay, t.at+t.last-at)
				end = t.at + t.last
			}
		}
		// A probe where the delay is another one, and at the end, where the trace begins again.
		if n := len(probes); n == 0 || at <= end || p.Delay != probes[n-1].Delay {
			probes = append(probes, p)
		}
	}
	if end == 0 {
		return nil
	}
	return append(probes, network.Probe{At: max(w.duration, end) + stallStep})
}

// traceText returns probes as a trace.
func traceText(probes []network.Probe) []byte {
	var b bytes.Buffer
	b.WriteString("seq,sent_ns,received_ns\n")
	for i, p := range probes {
		fmt.Fprintf(&b, "%d,%d,%d\n", i, p.At/model.Nanosecond, (p.At+p.Delay)/model.Nanosecond)
	}
	return b.Bytes()
}

// scenario returns the world as a plan that needs no files.
func (w *world) scenario() (*scenario.Scenario, error) {
	s, err := scenario.Parse("atlas.yaml", w.text("atlas", "", nil, ""), nil)
	if err != nil {
		return nil, fmt.Errorf("the detector %s%s in a scenario of this experiment: %w", w.detector, w.params, err)
	}
	topology := &s.Network.Topology
	for h := range w.n {
		probes := w.probes(h)
		if probes == nil {
			continue
		}
		sum := sha256.Sum256(traceText(probes))
		span := probes[len(probes)-1].At
		r, err := network.NewRecording(traceName("atlas", h), hex.EncodeToString(sum[:]), probes, span+span/model.Duration(len(probes)-1))
		if err != nil {
			panic(fmt.Sprintf("reproduce: %v", err))
		}
		for i := range topology.Links {
			l := &topology.Links[i]
			if int(l.A) == h { // a star lists its hosts first
				l.BtoA.Replay = network.Replay{Recording: r, Overtake: r.Overtaken()}
			}
		}
	}
	return s, nil
}

func traceName(name string, host int) string { return fmt.Sprintf("%s-h%d.csv", name, host) }

// files returns the world as files from which "suspect run" repeats it, and which expect the
// properties to be violated.
func (w *world) files(name, about string, violated []string) (files []report.File) {
	traces := make([]string, w.n)
	for h := range traces {
		if probes := w.probes(h); probes != nil {
			traces[h] = traceName(name, h)
			files = append(files, report.File{Name: traces[h], Data: traceText(probes)})
		}
	}
	var expect strings.Builder
	expect.WriteString("\nexpect:\n")
	for _, p := range violated {
		fmt.Fprintf(&expect, "  - {property: %s, detector: %s, outcome: violated}\n", p, w.detector)
	}
	return append(files, report.File{Name: name + ".yaml", Data: w.text(name, about, traces, expect.String())})
}

// judge runs the world and returns what the properties of the classes found.
func (w *world) judge(ctx context.Context) ([]properties.Result, error) {
	s, err := w.scenario()
	if err != nil {
		return nil, err
	}
	r, err := runner.Run(ctx, s, runner.Options{Workers: 1})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.detector, err)
	}
	var found []properties.Result
	for _, p := range r.Detectors[0].Properties {
		outcome, err := properties.ParseOutcome(p.Outcome)
		if err != nil {
			panic(fmt.Sprintf("reproduce: %v", err))
		}
		found = append(found, properties.Result{Property: p.Property, Outcome: outcome, Checked: p.Checked, Reason: p.Reason})
	}
	return found, nil
}

// violated returns the properties that are violated, in their order.
func violated(results []properties.Result) (names []string) {
	for _, r := range results {
		if r.Outcome == properties.Violated {
			names = append(names, r.Property)
		}
	}
	return names
}

// without returns the world without its troubles i to j-1.
func (w world) without(i, j int) *world {
	w.troubles = slices.Delete(slices.Clone(w.troubles), i, j)
	return &w
}

// among returns the world of a few of its hosts, in increasing order.
func (w world) among(hosts []int) *world {
	all := w.troubles
	w.n, w.troubles = len(hosts), nil
	for _, t := range all {
		if i := slices.Index(hosts, t.host); i >= 0 {
			t.host = i
			w.troubles = append(w.troubles, t)
		}
	}
	return &w
}
