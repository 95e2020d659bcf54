package worstcase

import (
	"fmt"
	"slices"
	"strings"

	"suspect/experiments/guarantee"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
	"suspect/qjump/adversary"
	"suspect/sim"
)

// talk is a kind of packets that the scenario's hosts send: by a detector, or of one
// traffic.
type talk struct {
	between func(from, to network.NodeID) bool
	bytes   int32            // the largest payload
	at      []model.Priority // where limiters may put it, the first being where it is sent
	past    bool             // no limiter sees it
}

// talks returns all that the scenario sends.
func talks(s *scenario.Scenario) (all []talk) {
	if len(s.Detectors) > 0 {
		watch := s.Monitor.Watch
		watches := func(p, q network.NodeID) bool {
			_, is := slices.BinarySearch(watch[p], model.ProcessID(q))
			return is
		}
		all = append(all, talk{
			between: func(from, to network.NodeID) bool { return watches(from, to) || watches(to, from) },
			bytes:   s.Network.MessageBytes, at: reached(s, s.Monitor.Priority),
		})
	}
	for i := range s.Traffic {
		t := &s.Traffic[i]
		past := t.Limiter == network.NoLimiter
		if t.Kind == network.Schedule {
			all = append(all, scheduled(s, t.Sends, past)...)
			continue
		}
		from, to := set(s, t.From), set(s, t.To)
		x := talk{bytes: t.Bytes, at: reached(s, t.Priority), past: past}
		x.between = func(p, q network.NodeID) bool { return p != q && from[p] && (to == nil || to[q]) }
		all = append(all, x)
	}
	return all
}

// scheduled returns the packets of a schedule, those of one size and priority as one.
func scheduled(s *scenario.Scenario, sends []network.Send, past bool) (all []talk) {
	type kind struct {
		bytes    int32
		priority model.Priority
	}
	pairs := map[kind]map[[2]network.NodeID]bool{}
	for _, x := range sends {
		k := kind{x.Bytes, x.Priority}
		p := pairs[k]
		if p == nil {
			p = map[[2]network.NodeID]bool{}
			pairs[k] = p
			all = append(all, talk{
				between: func(from, to network.NodeID) bool { return p[[2]network.NodeID{from, to}] },
				bytes:   x.Bytes, at: reached(s, x.Priority), past: past,
			})
		}
		p[[2]network.NodeID{x.From, x.To}] = true
	}
	return all
}

// reached returns the priorities that a packet can have, from that at which it is sent to
// the lowest to which limiters may demote it.
func reached(s *scenario.Scenario, p model.Priority) []model.Priority {
	at := []model.Priority{p}
	for _, limited := s.QJump.Level(p); limited; _, limited = s.QJump.Level(p) {
		lower := s.QJump.Lower(p)
		if lower == p {
			break
		}
		p = lower
		at = append(at, p)
	}
	return at
}

// set returns the list as a set of hosts, or nil for nil.
func set(s *scenario.Scenario, list []network.NodeID) []bool {
	if list == nil {
		return nil
	}
	in := make([]bool, s.Processes())
	for _, h := range list {
		in[h] = true
	}
	return in
}

// Problem returns what an adversary may do in the scenario against the level with the
// priority: each limited sender of the level and of those above sends to one receiver, and
// frames of lower priorities go where the scenario sends any. The receiver is that of the
// flow with the largest guarantee, or the one with the most senders where g is nil or tells
// of none. The notes say what of the scenario is left out. It returns an error where
// nobody sends at the priority.
func Problem(s *scenario.Scenario, g *guarantee.Report, priority model.Priority) (p adversary.Problem, notes []string, err error) {
	if s.QJump == nil {
		return p, nil, fmt.Errorf("worstcase: the scenario has no levels")
	}
	if _, is := s.QJump.Level(priority); !is {
		return p, nil, fmt.Errorf("worstcase: no level has priority %d", priority)
	}
	p = adversary.Problem{Topology: s.Network.Topology, Framing: s.Network.Framing, Processing: s.QJump.Processing}
	all := talks(s)
	p.Receiver = receiver(s, g, all, priority)
	for i, l := range s.QJump.Table.Levels {
		if l.Priority < priority {
			continue
		}
		c := adversary.Class{Priority: l.Priority, Limiter: s.QJump.Table.Limiter(i, s.QJump.Limiter)}
		c.Limiter.Drops = s.QJump.Excess != scenario.DelayExcess
		c.Packets = int(min(c.Limiter.Budget.Packets*2, mostPackets))
		for _, x := range all {
			if !x.past && slices.Contains(x.at, l.Priority) {
				c.Payload = max(c.Payload, x.bytes)
			}
		}
		for h := range network.NodeID(s.Processes()) {
			if sends(all, h, p.Receiver, l.Priority) {
				c.Senders = append(c.Senders, h)
			}
		}
		if len(c.Senders) > 0 {
			p.Classes = append(p.Classes, c)
		}
	}
	slices.SortFunc(p.Classes, func(a, b adversary.Class) int { return int(b.Priority) - int(a.Priority) })
	if len(p.Classes) == 0 || p.Classes[len(p.Classes)-1].Priority != priority {
		return p, nil, fmt.Errorf("worstcase: nobody sends at priority %d", priority)
	}
	var lower []talk
	for _, x := range all {
		if x.at[len(x.at)-1] < priority || x.past && x.at[0] < priority {
			lower = append(lower, x)
			p.Frame, p.Frames = max(p.Frame, x.bytes), 1
		}
	}
	p.FrameBetween = func(from, to network.NodeID) (bytes int32) {
		for i := range lower {
			if lower[i].bytes > bytes && lower[i].between(from, to) {
				bytes = lower[i].bytes
			}
		}
		return bytes
	}
	p.Topology.Links, notes = certain(s)
	return p, append(notes, leftOut(s, all, priority)...), nil
}

// mostPackets limits how many packets each limiter of a search has to let pass: bursts of
// more make searches slow.
const mostPackets = 64

// sends tells whether a host sends packets to another that can pass its limiter of the
// priority.
func sends(all []talk, from, to network.NodeID, priority model.Priority) bool {
	return slices.ContainsFunc(all, func(x talk) bool {
		return !x.past && slices.Contains(x.at, priority) && x.between(from, to)
	})
}

func receiver(s *scenario.Scenario, g *guarantee.Report, all []talk, priority model.Priority) network.NodeID {
	if g != nil {
		for _, f := range g.Flows {
			if h, ok := s.Network.Topology.Node(f.To); ok && f.Priority == int(priority) {
				return h
			}
		}
	}
	best, most := network.NodeID(0), -1
	for to := range network.NodeID(s.Processes()) {
		n := 0
		for from := range network.NodeID(s.Processes()) {
			if sends(all, from, to, priority) {
				n++
			}
		}
		if n > most {
			best, most = to, n
		}
	}
	return best
}

// certain returns the scenario's links without loss, jitter and recordings, and says so.
func certain(s *scenario.Scenario) (links []network.Link, notes []string) {
	chance := false
	links = slices.Clone(s.Network.Topology.Links)
	for i := range links {
		for _, c := range []*network.LinkConfig{&links[i].AtoB, &links[i].BtoA} {
			chance = chance || c.Loss != network.Loss{} || c.Varies()
			c.Loss, c.Jitter, c.Replay = network.Loss{}, sim.Distribution{}, network.Replay{}
		}
	}
	if chance {
		notes = append(notes, "loss, jitter and recorded delays of links are left out: no schedule decides them")
	}
	return links, notes
}

// leftOut names what of the scenario the search does not use.
func leftOut(s *scenario.Scenario, all []talk, priority model.Priority) (notes []string) {
	if kinds := s.FaultKinds(); len(kinds) > 0 {
		var names []string
		for i := range kinds {
			if name := kinds[i].Name; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		notes = append(notes, fmt.Sprintf("faults are left out: %s", strings.Join(names, ", ")))
	}
	if !s.Clocks.AreTrue() {
		notes = append(notes, "all clocks show true time")
	}
	unlimited := false
	for _, x := range all {
		_, level := s.QJump.Level(x.at[0])
		unlimited = unlimited || x.at[0] >= priority && (x.past || !level)
	}
	if unlimited {
		notes = append(notes, "packets that pass no limiter, at the priority or above, are left out")
	}
	if slices.ContainsFunc(s.Traffic, func(t network.Traffic) bool { return t.Limiter == network.OwnLimiter }) {
		notes = append(notes, "each host has one limiter for each level: those of single traffics are left out")
	}
	if s.QJump.Excess == scenario.DemoteExcess {
		notes = append(notes, "limiters drop their excess instead of demoting it")
	}
	return notes
}
