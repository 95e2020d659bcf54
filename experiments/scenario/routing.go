package scenario

import (
	"errors"
	"slices"
	"strings"

	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

var routingKeys = []key{
	{"use", choiceForm(protocolNames()...), true, "How switches find their routes: shortest paths that stay; a link-state protocol as OSPF; a spanning tree as of IEEE 802.1D; or shortest paths with packets that carry the failed links which they met."},
	{"carrier", eitherForm("a duration, as 10ms, or never", durationForm, choiceForm(never)), false, "How long a switch takes to see that a link has lost or found its carrier, or never if it looks at what it hears alone (default 10ms)."},
	{"hello", durationForm, false, "Time between two Hellos on a link (link-state, default 10s), or between two BPDUs of the root (spanning-tree, default 2s)."},
	{"dead", durationForm, false, "Silence after which a neighbour is dead (link-state, default 40s)."},
	{"bfd", mapping(bfdKeys), false, "Bidirectional forwarding detection between neighbours (link-state, default none)."},
	{"retransmit", durationForm, false, "Time until an announcement is sent again that was not acknowledged (link-state, default 5s)."},
	{"lsa", mapping(lsaKeys), false, "How often announcements may come (link-state)."},
	{"spf", mapping(spfKeys), false, "When routes are computed (link-state)."},
	{"fib", mapping(fibKeys), false, "How long it takes until computed routes are in force (link-state)."},
	{"max_age", durationForm, false, "Age at which what was heard of the root is forgotten (spanning-tree, default 20s)."},
	{"forward_delay", durationForm, false, "Time that a port listens, and then learns, before it forwards (spanning-tree, default 15s)."},
	{"root", nameForm, false, "The switch with the best priority (spanning-tree, default: the first switch)."},
}

var bfdKeys = []key{
	{"interval", durationForm, true, "Time between two packets, less a jitter of 0 to 25%."},
	{"multiplier", countForm, false, "How many packets in a row must be missed (default 3)."},
}

var lsaKeys = []key{
	{"interval", durationForm, false, "Least time between two announcements of one switch (default 5s)."},
	{"arrival", durationForm, false, "Least time between two that are taken (default 1s)."},
}

var spfKeys = []key{
	{"delay", durationForm, false, "Time from a change to the computation (default 5s)."},
	{"hold", durationForm, false, "Least time between two computations (default 10s)."},
	{"max_hold", durationForm, false, "What that grows to, doubling, while changes go on coming (default: as hold)."},
}

var fibKeys = []key{
	{"base", durationForm, false, "Time from the computation until the first changed route is written (default 50ms)."},
	{"per_host", durationForm, false, "Time to write each of them (default 100us)."},
}

// never is the carrier delay of switches that do not look.
const never = "never"

func protocolNames() (names []string) {
	for _, p := range network.Protocols() {
		names = append(names, p.String())
	}
	return names
}

// routingFields are the keys of each kind of routing, beside use.
var routingFields = map[network.Protocol][]string{
	network.Static:               {},
	network.LinkStateRouting:     {"carrier", "hello", "dead", "bfd", "retransmit", "lsa", "spf", "fib"},
	network.SpanningTreeBridging: {"carrier", "hello", "max_age", "forward_delay", "root"},
	network.FailureCarrying:      {"carrier"},
}

// routing reads how switches find their routes, once they are known.
func (r *reader) routing(top *section, s *Scenario) {
	sec := r.section("routing", top.get("routing"), routingKeys)
	use := sec.oneOf("use", network.Static.String(), protocolNames())
	if !sec.good("use") {
		return
	}
	x := network.DefaultRouting(network.Protocol(slices.Index(protocolNames(), use)))
	for _, k := range routingKeys[1:] {
		if sec.has(k.name) && !slices.Contains(routingFields[x.Use], k.name) {
			sec.fail(k.name, "belongs to another kind of routing than %s (delete it)", use)
		}
	}
	x.Carrier = value(sec, "carrier", x.Carrier, func(text string) (model.Duration, error) {
		if text == never {
			return model.Forever, nil
		}
		return parseDuration(text)
	})
	sections := map[string]*section{"": sec}
	sub := func(name string, keys []key) *section {
		sections[name] = r.section("routing."+name, sec.get(name), keys)
		return sections[name]
	}
	bfd, lsa, spf, fib := sub("bfd", bfdKeys), sub("lsa", lsaKeys), sub("spf", spfKeys), sub("fib", fibKeys)
	switch x.Use {
	case network.LinkStateRouting:
		l := &x.LinkState
		l.Hello = value(sec, "hello", l.Hello, parseDuration)
		l.Dead = value(sec, "dead", l.Dead, parseDuration)
		if sec.has("bfd") {
			l.BFD = value(bfd, "interval", l.BFD, parseDuration)
			l.BFDMultiplier = bfd.count("multiplier", 3, 1, 255)
			if l.BFD == 0 && bfd.has("interval") && bfd.good("interval") {
				bfd.fail("interval", "must be above zero (delete bfd to have none)")
			}
		}
		l.Retransmit = value(sec, "retransmit", l.Retransmit, parseDuration)
		l.LSAInterval = value(lsa, "interval", l.LSAInterval, parseDuration)
		l.LSAArrival = value(lsa, "arrival", l.LSAArrival, parseDuration)
		l.SPFDelay = value(spf, "delay", l.SPFDelay, parseDuration)
		l.SPFHold = value(spf, "hold", l.SPFHold, parseDuration)
		l.SPFMaxHold = value(spf, "max_hold", l.SPFHold, parseDuration)
		l.FIBBase = value(fib, "base", l.FIBBase, parseDuration)
		l.FIBPerHost = value(fib, "per_host", l.FIBPerHost, parseDuration)
	case network.SpanningTreeBridging:
		b := &x.SpanningTree
		b.Hello = value(sec, "hello", b.Hello, parseDuration)
		b.MaxAge = value(sec, "max_age", b.MaxAge, parseDuration)
		b.ForwardDelay = value(sec, "forward_delay", b.ForwardDelay, parseDuration)
		if sec.has("root") && s.Network.Topology.Hosts > 0 {
			name := value(sec, "root", "", parseText)
			node, ok := r.nodes[name]
			switch {
			case ok && int(node) >= s.Network.Topology.Hosts:
				b.Root = node
			case ok:
				sec.fail("root", "%s is a host, not a switch", name)
			default:
				sec.fail("root", "no switch is named %q%s", name, Meant(name, r.nodeNames))
			}
		}
	}
	r.refuseTimes(x, sections)
	s.Network.Routing = x
	if x.Use == network.SpanningTreeBridging && sec.good("max_age") {
		r.refuseDeepTree(sec, s)
	}
}

// refuseDeepTree tells when the tree of the network is too deep for the age of its messages,
// unless something else is wrong with it.
func (r *reader) refuseDeepTree(sec *section, s *Scenario) {
	t := &s.Network.Topology
	if t.Hosts == 0 || t.Validate() != nil || s.Network.Routing.Validate() != nil {
		return
	}
	_, err := network.New(sim.New(0), network.Config{Topology: *t, Routing: s.Network.Routing})
	var p *model.ParamError
	if errors.As(err, &p) {
		sec.fail(p.Name, "%v", p.Err)
	}
}

// refuseTimes tells which of the times of x are out of range, unless something else is
// wrong with them.
func (r *reader) refuseTimes(x network.Routing, sections map[string]*section) {
	for _, e := range x.Validate() {
		var p *model.ParamError
		if !errors.As(e, &p) {
			continue // the kind of routing was looked at
		}
		where, name := "", p.Name
		if before, after, ok := strings.Cut(p.Name, "."); ok {
			where, name = before, after
		}
		sec := sections[where]
		if sec.good(name) {
			sec.fail(name, "%v", p.Err)
		}
	}
}

func (s *Scenario) writeRouting(w *writer) {
	x := s.Network.Routing
	if x.Use == network.Static {
		return
	}
	w.open("routing")
	w.line("use: %v", x.Use)
	if x.Carrier == model.Forever {
		w.line("carrier: %s", never)
	} else {
		w.line("carrier: %v", x.Carrier)
	}
	switch x.Use {
	case network.LinkStateRouting:
		l := &x.LinkState
		w.line("hello: %v", l.Hello)
		w.line("dead: %v", l.Dead)
		if l.BFD != 0 {
			w.line("bfd: {interval: %v, multiplier: %d}", l.BFD, l.BFDMultiplier)
		}
		w.line("retransmit: %v", l.Retransmit)
		w.line("lsa: {interval: %v, arrival: %v}", l.LSAInterval, l.LSAArrival)
		w.line("spf: {delay: %v, hold: %v, max_hold: %v}", l.SPFDelay, l.SPFHold, l.SPFMaxHold)
		w.line("fib: {base: %v, per_host: %v}", l.FIBBase, l.FIBPerHost)
	case network.SpanningTreeBridging:
		b := &x.SpanningTree
		w.line("hello: %v", b.Hello)
		w.line("max_age: %v", b.MaxAge)
		w.line("forward_delay: %v", b.ForwardDelay)
		if b.Root != 0 {
			w.text("root", s.Network.Topology.Names[b.Root])
		}
	}
	w.shut()
}

// routingPackets returns how many packets of one hop the switches send each other while
// nothing fails.
func (s *Scenario) routingPackets() float64 {
	t := &s.Network.Topology
	between := 0.0 // directions of links between switches
	for _, l := range t.Links {
		if int(l.A) >= t.Hosts && int(l.B) >= t.Hosts {
			between += 2
		}
	}
	times := func(d model.Duration) float64 { return between * s.Duration.Seconds() / d.Seconds() }
	switch x := &s.Network.Routing; x.Use {
	case network.LinkStateRouting:
		packets := times(x.LinkState.Hello)
		if x.LinkState.BFD != 0 {
			const jitter = 0.875 // the mean of 75% to 100%
			packets += times(x.LinkState.BFD) / jitter
		}
		return packets
	case network.SpanningTreeBridging:
		return times(x.SpanningTree.Hello) / 2 // the end that is nearer to the root speaks
	}
	return 0
}
