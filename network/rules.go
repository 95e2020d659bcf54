package network

import (
	"slices"

	"suspect/model"
)

// Rule makes a switch drop packets that it would forward, as an access list or a
// firewall does. It drops those from From to To at the priority.
type Rule struct {
	At       NodeID          // the switch, or Everywhere
	From, To model.ProcessID // hosts, or [model.Nobody] for any
	Priority int8            // or AnyPriority
}

const (
	// Everywhere is the place of a rule of all switches.
	Everywhere NodeID = -1
	// AnyPriority is that of a rule that does not look at priorities.
	AnyPriority int8 = -1
)

// rules are those in force at the switches.
type rules struct {
	list  []Rule             // but for those in pairs
	pairs map[hostPair]int32 // how many drop all from one host to another, everywhere
}

type hostPair struct{ from, to NodeID }

// isPair tells whether r is one of the rules that are found by their pair of hosts.
func (r *Rule) isPair() bool {
	return r.At == Everywhere && r.From != model.Nobody && r.To != model.Nobody && r.Priority == AnyPriority
}

// any tells whether there is a rule for switch at.
func (s *rules) any(at NodeID) bool {
	return len(s.pairs) != 0 || slices.ContainsFunc(s.list, func(r Rule) bool { return r.At == at || r.At == Everywhere })
}

// forbid tells whether switch at has to drop packet x.
func (s *rules) forbid(at NodeID, x *packet) bool {
	if len(s.pairs) != 0 && s.pairs[hostPair{x.from, x.to}] != 0 {
		return true
	}
	for i := range s.list {
		r := &s.list[i]
		if (r.At == at || r.At == Everywhere) &&
			(r.From == model.Nobody || NodeID(r.From) == x.from) && (r.To == model.Nobody || NodeID(r.To) == x.to) &&
			(r.Priority == AnyPriority || r.Priority == int8(x.priority())) {
			return true
		}
	}
	return false
}

// SetRule puts a rule in force until as many calls of LiftRule with the same one. It is
// about packets that come to a switch from now on: what waits there already goes its way.
func (n *Network) SetRule(r Rule) {
	s := &n.rules
	if r.isPair() {
		if s.pairs == nil {
			s.pairs = make(map[hostPair]int32)
		}
		s.pairs[hostPair{NodeID(r.From), NodeID(r.To)}]++
	} else {
		s.list = append(s.list, r)
	}
	if !r.isPair() || len(s.pairs) == 1 {
		n.updateRuled(r.At)
	}
	n.emitRule(model.RuleSet, r)
}

// LiftRule takes one SetRule back.
func (n *Network) LiftRule(r Rule) {
	s := &n.rules
	if r.isPair() {
		p := hostPair{NodeID(r.From), NodeID(r.To)}
		switch s.pairs[p] {
		case 0:
			panic("network: a rule is lifted more often than it was set")
		case 1:
			delete(s.pairs, p)
		default:
			s.pairs[p]--
		}
	} else {
		s.list = without(s.list, r)
	}
	if !r.isPair() || len(s.pairs) == 0 {
		n.updateRuled(r.At)
	}
	n.emitRule(model.RuleLifted, r)
}

// updateRuled lets switch at, or each one, look at what comes to it if there is a rule.
func (n *Network) updateRuled(at NodeID) {
	for l := range n.ports {
		if to := n.ports[l].to; int(to) >= n.topology.Hosts && (at == Everywhere || at == to) {
			n.updateInspected(LinkID(l))
		}
	}
}

func (n *Network) emitRule(kind model.RecordKind, r Rule) {
	if n.kernel.Records.Wants(kind) {
		n.kernel.Records.Emit(&model.Record{
			At: n.kernel.Now(), Kind: kind, Process: r.From, Peer: r.To, Place: int32(r.At), Seq: int64(r.Priority),
		})
	}
}
