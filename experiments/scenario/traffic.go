package scenario

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"suspect/network"
	"suspect/sim"
)

// trafficKinds are the kinds with the keys beside those of all.
var trafficKinds = []struct {
	kind network.TrafficKind
	keys []key
}{
	{network.Flows, flowsKeys},
	{network.Periodic, periodicKeys},
	{network.Poisson, rateKeys},
	{network.OnOff, onOffKeys},
	{network.Bulk, nil},
	{network.Schedule, scheduleKeys},
}

// keysOfTraffic returns all keys of a kind.
func keysOfTraffic(kind int) []key {
	own := trafficKinds[kind].keys
	if trafficKinds[kind].kind == network.Schedule {
		return slices.Concat(usedTrafficKeys, own)
	}
	return slices.Concat(usedTrafficKeys, trafficKeys, own)
}

func trafficNames() []string {
	names := make([]string, len(trafficKinds))
	for i, k := range trafficKinds {
		names[i] = k.kind.String()
	}
	return names
}

// Bounds of what each takes microseconds to check, and hundreds of bytes for each host
// that sends.
const (
	maxTraffic = 1000
	maxSenders = 1 << 20
)

func (r *reader) traffic(top *section, s *Scenario) {
	items := top.list("traffic", false)
	if len(items) > maxTraffic {
		top.fail("traffic", "%d kinds of traffic; at most %d are supported (one can have many senders: from: all)", len(items), maxTraffic)
		return
	}
	senders := 0
	for i, n := range items {
		where := fmt.Sprintf("traffic[%d]", i)
		kind, ok := r.trafficKind(where, n)
		if !ok {
			continue
		}
		before := r.told()
		sec := r.section(where, n, keysOfTraffic(kind))
		t := network.Traffic{
			Kind: trafficKinds[kind].kind, Name: fmt.Sprint(i),
			Limiter: value(sec, "limiter", network.SharedLimiter, parseLimiterUse),
		}
		if sec.has("limiter") {
			r.limiters = append(r.limiters, limiterPlace{len(s.Traffic), sec.place("limiter")})
		}
		if t.Kind == network.Schedule {
			t.Sends = r.sends(sec, top, s)
			s.Traffic = append(s.Traffic, t)
			continue
		}
		t.Priority = r.priority(sec, 0)
		t.Bytes = value(sec, "packet", 0, parsePayload)
		t.Phase = value(sec, "phase", sim.Distribution{}, parseDistribution)
		t.From = r.hosts(sec, "from", "all", s)
		if senders += len(t.From); senders > maxSenders {
			sec.fail("from", "with this, more than %d hosts send, each counted once for each kind of its traffic", maxSenders)
			return
		}
		if n := sec.get("to"); n == nil || n.kind != scalarNode || n.text != "random" {
			t.To = r.hosts(sec, "to", "random", s)
		}
		switch t.Kind {
		case network.Flows:
			t.Sizes = value(sec, "sizes", nil, parseFlowSizes)
			t.Rate = r.rateOrLoad(sec, s, t.From)
		case network.Periodic:
			t.Period = value(sec, "period", 0, parseDuration)
			if sec.has("period") && sec.good("period") && t.Period == 0 {
				sec.fail("period", "a period of zero never lets the run go on")
			}
		case network.Poisson:
			t.Rate = r.rateOrLoad(sec, s, t.From)
		case network.OnOff:
			t.Rate = value(sec, "rate", 0, parseRate)
			t.On = value(sec, "on", sim.Distribution{}, parseDistribution)
			t.Off = value(sec, "off", sim.Distribution{}, parseDistribution)
			if sec.has("on") && sec.good("on") && longest(t.On) == 0 {
				sec.fail("on", "a burst that lasts no time sends nothing")
			}
		}
		if len(sec.failed) == 0 && (t.Rate > 0 || !sec.takes("load")) && r.told() == before && s.Network.Topology.Hosts > 0 {
			if err := t.Validate(&s.Network.Topology); err != nil {
				r.add(sec.at, "%s: %v", where, err)
			}
		}
		s.Traffic = append(s.Traffic, t)
	}
}

// takes tells whether the section may have the key.
func (s *section) takes(name string) bool { return s.key(name) != nil }

// trafficKind reads which of trafficKinds is meant.
func (r *reader) trafficKind(where string, n *node) (int, bool) {
	names := trafficNames()
	find := func(name string) (int, bool) {
		i := slices.Index(names, name)
		return i, i >= 0
	}
	return lookup(r, where, n, "traffic", "write "+oneOf(names), find, names)
}

func parseFlowSizes(name string) (*network.FlowSizes, error) {
	if sizes, ok := network.LookupFlowSizes(name); ok {
		return sizes, nil
	}
	names := flowSizesNames()
	return nil, fmt.Errorf("unknown table of flow sizes %q%s (tables: %s)", name, Meant(name, names), strings.Join(names, ", "))
}

func flowSizesNames() []string {
	var names []string
	for _, sizes := range network.AllFlowSizes() {
		names = append(names, sizes.Name)
	}
	return names
}

// hosts reads a name, a list of names, or a word that stands for all hosts.
func (r *reader) hosts(sec *section, name, word string, s *Scenario) []network.NodeID {
	n := sec.get(name)
	if n == nil {
		return nil
	}
	t := &s.Network.Topology
	if n.kind == scalarNode && n.text == word {
		all := make([]network.NodeID, t.Hosts)
		for h := range all {
			all[h] = network.NodeID(h)
		}
		return all
	}
	var list []network.NodeID
	seen := make(map[network.NodeID]bool)
	items := sec.list(name, true)
	if sec.good(name) && len(items) == 0 {
		sec.fail(name, "the list is empty")
	}
	for _, item := range items {
		text, ok := r.text(name, item, nameForm)
		if !ok {
			sec.failed[name] = true
			continue
		}
		if t.Hosts == 0 {
			continue // the network was refused
		}
		id, known := r.host(item, text, []string{word}, t)
		switch {
		case !known:
		case seen[id]:
			r.add(item.at, "the host %s is listed twice", text)
		default:
			seen[id] = true
			list = append(list, id)
			continue
		}
		sec.failed[name] = true
	}
	return list
}

// host finds the host that the text of n names; words are what else could be meant.
func (r *reader) host(n *node, text string, words []string, t *network.Topology) (id network.NodeID, ok bool) {
	id, ok = r.nodes[text]
	switch {
	case !ok:
		hint := Meant(text, words)
		if hint == "" {
			hint = r.nodeMeant(text, t.Names[:t.Hosts])
		}
		r.add(n.at, "there is no host %q%s", text, hint)
	case int(id) >= t.Hosts:
		r.add(n.at, "%s is a switch; only hosts send and receive traffic", text)
		return id, false
	}
	return id, ok
}

// hostNamed reads the name of one host. It is 0 if there is no such host.
func (r *reader) hostNamed(sec *section, name string, s *Scenario) network.NodeID {
	n := sec.get(name)
	if n == nil {
		return 0
	}
	text, ok := r.text(name, n, sec.key(name).form)
	if ok && s.Network.Topology.Hosts > 0 { // else the network was refused
		var id network.NodeID
		if id, ok = r.host(n, text, nil, &s.Network.Topology); ok {
			return id
		}
	}
	sec.failed[name] = sec.failed[name] || !ok
	return 0
}

// limiterPlace tells where a traffic, by its index in the scenario, has its limiter.
type limiterPlace struct {
	traffic int
	at      place
}

// parseLimiterUse reads which limiters packets meet.
func parseLimiterUse(text string) (network.LimiterUse, error) {
	for _, u := range limiterUses {
		if text == u.String() {
			return u, nil
		}
	}
	names := limiterUseNames()
	return 0, fmt.Errorf("unknown limiter %q%s (write %s)", text, Meant(text, names), oneOf(names))
}

var limiterUses = []network.LimiterUse{network.SharedLimiter, network.OwnLimiter, network.NoLimiter}

func limiterUseNames() []string {
	names := make([]string, len(limiterUses))
	for i, u := range limiterUses {
		names[i] = u.String()
	}
	return names
}

// rateOrLoad reads a rate, or the share of the senders' link rate.
func (r *reader) rateOrLoad(sec *section, s *Scenario, from []network.NodeID) network.BitRate {
	switch {
	case sec.has("rate") && sec.has("load"):
		sec.fail("load", "both rate and load are given (delete one)")
		return 0
	case sec.has("rate"):
		return value(sec, "rate", 0, parseRate)
	case !sec.has("load"):
		sec.failed["rate"] = true
		r.add(sec.at, "%s has neither rate nor load (write load: 60%% or rate: 1Gbps)", sec.name)
		return 0
	}
	load := value(sec, "load", 0, parseShare)
	if !sec.good("load") || len(from) == 0 {
		return 0
	}
	uplink := uplinkRates(&s.Network.Topology)
	rate := uplink[from[0]]
	if rate == 0 {
		return 0 // it was refused
	}
	for _, h := range from {
		if uplink[h] != rate {
			t := &s.Network.Topology
			sec.fail("load", "the links of %s and %s differ in rate, %s and %s (write rate, or one entry for each kind of host)",
				t.Names[from[0]], t.Names[h], formatRate(rate), formatRate(uplink[h]))
			return 0
		}
	}
	share := math.Round(float64(load * float64(rate)))
	if share < 1 || share > float64(network.MaxRate) {
		sec.fail("load", "%s of %s is no rate", sec.get("load").text, formatRate(rate))
		return 0
	}
	return network.BitRate(share)
}

// uplinkRates returns for each host the rate of its link.
func uplinkRates(t *network.Topology) []network.BitRate {
	rates := make([]network.BitRate, t.Hosts)
	for i := range t.Links {
		l := &t.Links[i]
		if int(l.A) < t.Hosts {
			rates[l.A] = l.AtoB.Rate
		}
		if int(l.B) < t.Hosts {
			rates[l.B] = l.BtoA.Rate
		}
	}
	return rates
}
