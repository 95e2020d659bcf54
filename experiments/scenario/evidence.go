package scenario

import (
	"fmt"

	"suspect/network"
)

// The word that stands for everything in [network.AllEvidence].
const allEvidence = "all"

// noMark as a threshold marks nothing.
const noMark = "none"

var evidenceKeys = []key{
	{"priority", priorityForm, false, "Priority at which evidence travels (default 7)."},
	{"agents", switchForm, false, "Whether hosts and switches have agents that answer detectors, and kill and isolate for them (default false)."},
	{"resets", switchForm, false, "Whether a system resets the connections of a process that crashed, and tells whoever sends to it later (default false)."},
	{"obituaries", switchForm, false, "Whether a switch tells the sender of each packet that it drops (default false)."},
	{"errors", countForm, false, "How often at once a switch tells senders that it had no way for a packet, or that it was in a loop (default 0: never)."},
	{"error_every", durationForm, false, "Time after which it may do so once more (default 1ms)."},
	{"mark", eitherForm("a size, as 30KiB, a number of packets, as 20packets, or none", choiceForm(noMark), bufferForm), false, "How much has to wait in a queue of a switch for a packet that comes to it to be marked (default none)."},
	{"carrier", durationForm, false, "Time after which a switch sees that a link is down, or up again (default 10ms)."},
	{"counter", durationForm, false, "How often a hypervisor looks whether its system still counts (default 100ms)."},
	{"look", durationForm, false, "How often a switch looks for bytes of a machine that it is asked about (default 20ms)."},
	{"looks", countForm, false, "After how many looks in vain it gives up (default 6)."},
	{"confirm", durationForm, false, "Time from an order to kill to its confirmation (default 5ms)."},
	{"queues", durationForm, false, "How often a switch tells its subscribers what waits in its queues (default 0s: only when asked)."},
}

// evidence reads what hosts and switches tell.
func (r *reader) evidence(top *section, s *Scenario) {
	n := top.get("evidence")
	switch {
	case n == nil:
		return
	case n.kind == scalarNode:
		top.oneOf("evidence", "", []string{allEvidence})
		s.Network.Evidence = network.AllEvidence
		return
	}
	sec := r.section("evidence", n, evidenceKeys)
	usual := network.AllEvidence
	e := network.Evidence{
		Priority:   r.priority(sec, usual.Priority),
		Agents:     value(sec, "agents", false, parseSwitch),
		Resets:     value(sec, "resets", false, parseSwitch),
		Obituaries: value(sec, "obituaries", false, parseSwitch),
		Errors:     int(sec.count("errors", 0, 0, 1_000_000_000)),
		ErrorEvery: value(sec, "error_every", usual.ErrorEvery, parseDuration),
		Mark:       value(sec, "mark", network.Buffer{}, parseMark),
		Carrier:    value(sec, "carrier", usual.Carrier, parseDuration),
		Counter:    value(sec, "counter", usual.Counter, parseDuration),
		Look:       value(sec, "look", usual.Look, parseDuration),
		Looks:      int(sec.count("looks", int64(usual.Looks), 1, 1_000_000)),
		Confirm:    value(sec, "confirm", usual.Confirm, parseDuration),
		Queues:     value(sec, "queues", 0, parseDuration),
	}
	for _, name := range []string{"counter", "look", "error_every"} {
		if sec.has(name) && sec.good(name) && value(sec, name, 0, parseDuration) == 0 {
			sec.fail(name, "it must be longer than 0s")
		}
	}
	for _, name := range []string{"counter", "look", "looks", "confirm", "queues"} {
		if sec.has(name) && sec.good(name, "agents") && !e.Agents {
			sec.fail(name, "there are no agents that would need it (add agents: true)")
		}
	}
	if sec.has("error_every") && sec.good("errors") && e.Errors == 0 {
		sec.fail("error_every", "no errors are told (give errors, as errors: %d)", usual.Errors)
	}
	e.Agents = e.Agents || !sec.good("agents") // no detector need complain
	s.Network.Evidence = e
	if !e.Any() && n.kind == mappingNode && sec.good(keyNames(evidenceKeys)...) {
		r.add(n.at, "evidence: nothing is given (write evidence: %s, or at least one of agents, resets, obituaries, errors and mark)", allEvidence)
	}
}

func parseMark(text string) (network.Buffer, error) {
	if text == noMark {
		return network.Buffer{}, nil
	}
	b, err := parseBuffer(text)
	if err == nil && b == (network.Buffer{}) {
		err = fmt.Errorf("%q marks nothing (write %s for that)", text, noMark)
	}
	return b, err
}

func (s *Scenario) writeEvidence(w *writer) {
	e := &s.Network.Evidence
	if !e.Any() {
		return
	}
	w.open("evidence")
	w.line("priority: %d", e.Priority)
	w.line("agents: %v", e.Agents)
	w.line("resets: %v", e.Resets)
	w.line("obituaries: %v", e.Obituaries)
	w.line("errors: %d", e.Errors)
	if e.Errors > 0 {
		w.line("error_every: %v", e.ErrorEvery)
	}
	if e.Mark == (network.Buffer{}) {
		w.line("mark: %s", noMark)
	} else {
		w.line("mark: %s", formatBuffer(e.Mark))
	}
	w.line("carrier: %v", e.Carrier)
	if e.Agents {
		w.line("counter: %v", e.Counter)
		w.line("look: %v", e.Look)
		w.line("looks: %d", e.Looks)
		w.line("confirm: %v", e.Confirm)
		w.line("queues: %v", e.Queues)
	}
	w.shut()
}

// agentsFor tells whether there are agents if detector d asks any.
func (r *reader) agentsFor(sec *section, d *Detector, s *Scenario) bool {
	if !d.Spec.Asks || s.Network.Evidence.Agents {
		return true
	}
	sec.fail("use", "%s asks the agents of hosts and switches, and there are none (add evidence: %s, or evidence: {agents: true})", d.Spec.Name, allEvidence)
	return false
}
