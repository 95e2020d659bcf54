package scenario

import (
	"fmt"
	"slices"
	"strings"

	"suspect/model"
	"suspect/network"
)

// Truth is the ground truth that a run follows and tells.
type Truth struct {
	network.TruthConfig

	// All tells that it is followed for all pairs of processes, and not for those alone of
	// which one monitors the other.
	All bool

	// Names are those of the forbidden places, as they were given.
	Names []string
}

var truthKeys = []key{
	{"pairs", choiceForm("monitored", "all"), false, "Of which pairs of processes it is told (default monitored)."},
	{"classes", listForm("a list of priorities", priorityForm.schema), false, "The priorities of which congestion is told; rules are judged for the first one (default: that of the monitor)."},
	{"definitions", listForm("a list of definitions of congestion", func() schema { return schema{"enum": network.CongestionNames()} }), false, "Definitions of congestion that are told side by side: by a reference packet, by losses of full queues, by delay at one time, by utilisation of links, and by a reference packet without a break (default [reference])."},
	{"congestion", mapping(congestionKeys), false, "What counts as congestion."},
	{"corruption", probabilityForm, false, "Share of damaged packets on a path that is no corruption yet (default 0)."},
	{"routes", mapping(routeTruthKeys), false, "What counts as route instability."},
	{"slow", durationForm, false, "Mean work on an input from which on a process counts as stalled (default 1ms)."},
	{"forbidden", namesForm, false, "Switches and links, as a--b, that a path must not cross (default none)."},
}

var congestionKeys = []key{
	{"wait", durationForm, false, "Longest wait of a packet, in all queues of its path together, that is no congestion (default 1ms)."},
	{"slot", durationForm, false, "Time between two looks at the queues (default 5ms)."},
	{"window", durationForm, false, "Trailing time in which slots are counted (default 1s)."},
	{"share", probabilityForm, false, "Share of the slots of a window that may be congested (default 10%)."},
	{"utilisation", probabilityForm, false, "Share of a window for which a port may be transmitting (default 95%)."},
	{"persistence", durationForm, false, "For how long congestion holds before it is persistent (default 1s)."},
	{"packet", sizeForm, false, "Payload of a reference packet (default: the size of messages)."},
}

var routeTruthKeys = []key{
	{"changes", countForm, false, "How often a route may change within the time (default 4)."},
	{"within", durationForm, false, "The trailing time (default 10s)."},
}

// truth reads what of the ground truth is wanted, once the hosts and who monitors whom are
// known.
func (r *reader) truth(top *section, s *Scenario) {
	if top.get("truth") == nil {
		return
	}
	sec := r.section("truth", top.get("truth"), truthKeys)
	t := &Truth{TruthConfig: network.DefaultTruth(s.Monitor.Priority)}
	s.Truth = t
	t.All = sec.oneOf("pairs", "monitored", []string{"monitored", "all"}) == "all"
	if sec.has("classes") {
		t.Classes = nil
		for _, n := range sec.list("classes", true) {
			text, ok := r.text("a priority in classes", n, priorityForm)
			if !ok {
				sec.failed["classes"] = true
				continue
			}
			v, err := parseCount(text)
			if err != nil || v < 0 || v >= model.Priorities {
				sec.failed["classes"] = true
				r.add(n.at, "classes: %s is no priority from 0 to %d", text, model.Priorities-1)
				continue
			}
			t.Classes = append(t.Classes, model.Priority(v))
		}
	}
	if sec.has("definitions") {
		t.Definitions = nil
		names := network.CongestionNames()
		for _, n := range sec.list("definitions", true) {
			text, ok := r.text("a definition of congestion", n, nameForm)
			d := slices.Index(names, text)
			if ok && d < 0 {
				r.add(n.at, "definitions: unknown definition of congestion %q%s (write %s)", text, Meant(text, names), oneOf(names))
			}
			if d < 0 {
				sec.failed["definitions"] = true
				continue
			}
			t.Definitions = append(t.Definitions, network.CongestionDefinition(d))
		}
	}
	c := r.section("truth.congestion", sec.get("congestion"), congestionKeys)
	t.Wait = value(c, "wait", t.Wait, parseDuration)
	t.Slot = value(c, "slot", t.Slot, parseDuration)
	t.Window = value(c, "window", t.Window, parseDuration)
	t.Share = value(c, "share", t.Share, model.ParseProbability)
	t.Utilisation = value(c, "utilisation", t.Utilisation, model.ParseProbability)
	t.Persistence = value(c, "persistence", t.Persistence, parseDuration)
	t.Bytes = value(c, "packet", s.Network.MessageBytes, parsePayload)
	t.Corruption = value(sec, "corruption", t.Corruption, model.ParseProbability)
	routes := r.section("truth.routes", sec.get("routes"), routeTruthKeys)
	t.Changes = int(routes.count("changes", int64(t.Changes), 0, 1000))
	t.Flaps = value(routes, "within", t.Flaps, parseDuration)
	t.Slow = value(sec, "slow", t.Slow, parseDuration)
	known := s.Network.Topology.Hosts > 0 // else the network was refused
	if n := sec.get("forbidden"); n != nil {
		names, ok := r.names("forbidden", n)
		if !ok {
			sec.failed["forbidden"] = true
		}
		for _, name := range names {
			if !known || !ok {
				break
			}
			places, err := s.Network.Topology.Places(name)
			if err != nil {
				sec.fail("forbidden", "%v", err)
			}
			t.Forbidden = append(t.Forbidden, places...)
			t.Names = append(t.Names, name)
		}
	}
	if !known || len(sec.failed)+len(c.failed)+len(routes.failed) > 0 || !top.good("monitor") {
		return
	}
	if !t.All {
		t.Pairs = s.Monitor.Watch
	}
	if err, ok := t.Validate(&s.Network.Topology).(interface{ Unwrap() []error }); ok {
		for _, err := range err.Unwrap() {
			r.add(sec.at, "truth: %v", err)
		}
	}
}

func (s *Scenario) writeTruth(w *writer) {
	t := s.Truth
	if t == nil {
		return
	}
	w.open("truth")
	w.line("pairs: %s", map[bool]string{true: "all", false: "monitored"}[t.All])
	w.line("classes: [%s]", strings.Join(textsOf(t.Classes), ", "))
	w.names("definitions", textsOf(t.Definitions))
	w.open("congestion")
	w.line("wait: %v", t.Wait)
	w.line("slot: %v", t.Slot)
	w.line("window: %v", t.Window)
	w.line("share: %s", formatProbability(t.Share))
	w.line("utilisation: %s", formatProbability(t.Utilisation))
	w.line("persistence: %v", t.Persistence)
	w.line("packet: %s", formatSize(int64(t.Bytes)))
	w.shut()
	w.line("corruption: %s", formatProbability(t.Corruption))
	w.open("routes")
	w.line("changes: %d", t.Changes)
	w.line("within: %v", t.Flaps)
	w.shut()
	w.line("slow: %v", t.Slow)
	w.names("forbidden", t.Names)
	w.shut()
}

// textsOf writes each of a list.
func textsOf[T any](list []T) []string {
	all := make([]string, len(list))
	for i, x := range list {
		all[i] = fmt.Sprint(x)
	}
	return all
}
