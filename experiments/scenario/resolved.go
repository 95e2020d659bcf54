package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"suspect/model"
	"suspect/network"
)

// Resolved returns the scenario with every default and choice written out, as YAML
// that reads back as the same plan: what is run depends on it alone, and on recorded
// traces, which it names together with their sums. The same plan always gives the same
// bytes.
func (s *Scenario) Resolved() []byte {
	w := new(writer)
	w.text("name", s.Name)
	if s.About != "" {
		w.text("about", s.About)
	}
	w.line("seed: %d", s.Seed)
	w.line("duration: %v", s.Duration)
	w.line("warmup: %v", s.WarmUp)
	s.writeLimits(w)
	s.writeReplications(w)
	s.writeJudge(w)
	s.writeNetwork(w)
	s.writeRouting(w)
	s.writeClocks(w)
	s.writeEvidence(w)
	w.open("monitor")
	if s.Monitor.successors > 0 {
		w.line("watch: {successors: %d}", s.Monitor.successors)
	} else {
		w.line("watch: all")
	}
	w.line("message_size: %s", formatSize(int64(s.Network.MessageBytes)))
	w.line("priority: %d", s.Monitor.Priority)
	w.line("start: %v", s.Monitor.Start)
	w.shut()
	s.writeQJump(w)
	w.list("detectors", len(s.Detectors), func(i int) {
		d := &s.Detectors[i]
		w.text("use", d.Spec.Name)
		w.text("name", d.Name)
		w.params(d.Spec.Params, d.Params)
	})
	w.list("traffic", len(s.Traffic), func(i int) { s.writeTraffic(w, &s.Traffic[i]) })
	w.list("faults", len(s.Faults), func(i int) {
		f := &s.Faults[i]
		w.text("use", f.Spec.Name)
		w.params(f.Spec.Params, f.Params)
		w.line("at: %v", f.At)
		if f.HasFor {
			w.line("for: %v", f.For)
		}
		if f.HasEvery {
			w.line("every: %v", f.Every)
		}
		if f.Redraw {
			w.line("redraw: true")
		}
	})
	w.list("generators", len(s.Generators), func(i int) {
		g := &s.Generators[i]
		w.text("use", g.Spec.Name)
		w.text("name", g.Name)
		w.params(g.Spec.Params, g.Params)
	})
	s.writeTruth(w)
	judged := slices.Concat(s.Properties, s.NetworkProperties)
	w.list("properties", len(judged), func(i int) {
		p := &judged[i]
		w.text("use", p.Spec.Name)
		if p.Spec.OfNetwork {
			w.text("name", p.Name)
		}
		w.params(p.Spec.Params, p.Params)
	})
	w.list("expect", len(s.Expect), func(i int) {
		e := &s.Expect[i]
		w.text("property", e.Property)
		if e.Detector >= 0 {
			w.text("detector", s.Detectors[e.Detector].Name)
		}
		w.line("outcome: %v", e.Outcome)
	})
	return w.Bytes()
}

func (s *Scenario) writeLimits(w *writer) {
	if s.Limits == (Limits{}) {
		return
	}
	w.open("limits")
	if s.Limits.Events > 0 {
		w.line("events: %d", s.Limits.Events)
	}
	if s.Limits.Wall > 0 {
		w.line("wall: %v", s.Limits.Wall)
	}
	if s.Limits.Memory > 0 {
		w.line("memory: %s", formatSize(s.Limits.Memory))
	}
	w.shut()
}

func (s *Scenario) writeReplications(w *writer) {
	r := s.Replications
	if r.Until == nil {
		w.line("replications: %d", r.AtMost)
		return
	}
	w.open("replications")
	w.line("at_least: %d", r.AtLeast)
	w.line("at_most: %d", r.AtMost)
	w.open("until")
	w.line("measure: %s", r.Until.Measure)
	w.text("detector", s.Detectors[r.Until.Detector].Name)
	w.line("relative: %s", formatProbability(r.Until.Relative))
	w.shut()
	w.shut()
}

func (s *Scenario) writeJudge(w *writer) {
	j := s.Judge
	if len(j.bounds()) == 0 {
		return
	}
	w.open("judge")
	if j.DetectWithin > 0 {
		w.line("detect_within: %v", j.DetectWithin)
	}
	if j.StableFrom != model.Never {
		w.line("stable_from: %v", j.StableFrom)
	}
	if j.MistakesAtMost >= 0 {
		w.line("mistakes_at_most: %d", j.MistakesAtMost)
	}
	w.shut()
}

func (s *Scenario) writeNetwork(w *writer) {
	t, l := &s.Network.Topology, s.layout
	w.open("network")
	w.line("framing: %s", framings[s.Network.Framing])
	w.open("topology")
	switch l.kind {
	case starLayout:
		w.line("star: {hosts: %d}", l.hosts)
	case leafSpineLayout:
		w.line("leaf_spine: {leaves: %d, spines: %d, hosts_per_leaf: %d}", l.leaves, l.spines, l.perLeaf)
	case fatTreeLayout:
		w.line("fat_tree: {k: %d}", l.k)
	default: // a file too: a resolved scenario needs no other
		w.open("graph")
		w.names("hosts", t.Names[:t.Hosts])
		w.names("switches", t.Names[t.Hosts:])
		w.open("links")
		for i := range t.Links {
			w.line("- %s", nameList([]string{t.Names[t.Links[i].A], t.Names[t.Links[i].B]}))
		}
		w.shut()
		w.shut()
	}
	w.shut()
	w.traced = l.edge.Replay.Recording != nil || l.core.Replay.Recording != nil
	w.open("edge")
	w.link(l.edge)
	w.shut()
	w.open("core")
	w.link(l.core)
	w.shut()
	s.writeSingleLinks(w)
	w.shut()
}

// writeSingleLinks lists the links that are not as usual.
func (s *Scenario) writeSingleLinks(w *writer) {
	t := &s.Network.Topology
	type single struct {
		link      *network.Link
		direction string
		config    network.LinkConfig
	}
	var list []single
	for i := range t.Links {
		l := &t.Links[i]
		usual := s.layout.usual(t, l)
		if l.AtoB == l.BtoA {
			if l.AtoB != usual {
				list = append(list, single{l, "", l.AtoB})
			}
			continue
		}
		if l.AtoB != usual {
			list = append(list, single{l, t.Names[l.A], l.AtoB})
		}
		if l.BtoA != usual {
			list = append(list, single{l, t.Names[l.B], l.BtoA})
		}
	}
	w.list("links", len(list), func(i int) {
		x := list[i]
		w.names("between", []string{t.Names[x.link.A], t.Names[x.link.B]})
		if x.direction != "" {
			w.text("direction", x.direction)
		}
		w.link(x.config)
	})
}

func (s *Scenario) writeTraffic(w *writer, t *network.Traffic) {
	top := &s.Network.Topology
	w.line("use: %v", t.Kind)
	w.line("limiter: %v", t.Limiter)
	if t.Kind == network.Schedule {
		s.writeSends(w, t)
		return
	}
	hosts := func(key string, list []network.NodeID) {
		names := make([]string, len(list))
		for i, h := range list {
			names[i] = top.Names[h]
		}
		w.names(key, names)
	}
	if len(t.From) == top.Hosts && increasing(t.From) {
		w.line("from: all")
	} else {
		hosts("from", t.From)
	}
	if t.To == nil {
		w.line("to: random")
	} else {
		hosts("to", t.To)
	}
	w.line("priority: %d", t.Priority)
	w.line("packet: %s", formatSize(int64(t.Bytes)))
	w.line("phase: %v", t.Phase)
	switch t.Kind {
	case network.Flows:
		w.text("sizes", t.Sizes.Name)
		w.line("rate: %s", formatRate(t.Rate))
	case network.Periodic:
		w.line("period: %v", t.Period)
	case network.Poisson:
		w.line("rate: %s", formatRate(t.Rate))
	case network.OnOff:
		w.line("rate: %s", formatRate(t.Rate))
		w.line("on: %v", t.On)
		w.line("off: %v", t.Off)
	}
}

func increasing(list []network.NodeID) bool {
	for i, n := range list {
		if i > 0 && n <= list[i-1] {
			return false
		}
	}
	return true
}

// writer writes YAML in block style.
type writer struct {
	bytes.Buffer
	depth int
	first bool // of an entry of a list: its dash takes the place of the indentation

	traced bool // links replay a trace unless it is said that they do not
}

func (w *writer) line(format string, args ...any) {
	indent := strings.Repeat("  ", w.depth)
	if w.first {
		indent = indent[:len(indent)-2] + "- "
		w.first = false
	}
	fmt.Fprintf(w, indent+"%s\n", fmt.Sprintf(format, args...))
}

func (w *writer) open(key string) {
	w.line("%s:", key)
	w.depth++
}

func (w *writer) shut() { w.depth-- }

// list writes a list of n mappings.
func (w *writer) list(key string, n int, entry func(i int)) {
	if n == 0 {
		w.line("%s: []", key)
		return
	}
	w.open(key)
	w.depth++
	for i := range n {
		w.first = true
		entry(i)
	}
	w.depth--
	w.shut()
}

func (w *writer) text(key, s string) { w.line("%s: %s", key, quoted(s)) }

func (w *writer) names(key string, names []string) { w.line("%s: %s", key, nameList(names)) }

func nameList(names []string) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = quoted(name)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// quoted returns s as a YAML scalar: plain where no reader can take it for anything
// else than text.
func quoted(s string) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	plain := s != "" && strings.ContainsRune(letters, rune(s[0])) &&
		strings.Trim(s, letters+"0123456789-_.") == "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune(letters+"0123456789-_.", r)
	})
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "null", "y", "n":
		plain = false
	}
	if plain {
		return s
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a string
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (w *writer) link(c network.LinkConfig) {
	w.line("rate: %s", formatRate(c.Rate))
	w.line("delay: %v", c.Delay)
	w.line("buffer: %s", formatBuffer(c.Buffer))
	if loss := c.Loss; loss == network.IndependentLoss(loss.Good) {
		w.line("loss: %s", formatProbability(loss.Good))
	} else {
		w.line("loss: {good: %s, bad: %s, good_to_bad: %s, bad_to_good: %s}",
			formatProbability(loss.Good), formatProbability(loss.Bad),
			formatProbability(loss.GoodToBad), formatProbability(loss.BadToGood))
	}
	w.line("jitter: %v", c.Jitter)
	w.trace(c.Replay)
}

// params writes the parameters that have a value.
func (w *writer) params(decl []model.Param, p model.Params) {
	for _, d := range decl {
		if text, has := paramValue(p, d); has && d.Type == model.TextParam {
			w.text(d.Name, text)
		} else if has {
			w.line("%s: %s", d.Name, text)
		}
	}
}
