package scenario

import (
	"cmp"
	"fmt"
	"slices"

	"suspect/model"
	"suspect/network"
)

// maxSends bounds the packets of all schedules, such that a resolved scenario with
// them is no larger than what can be read.
const maxSends = 5000

var scheduleKeys = []key{
	{"sends", listForm("a list of packets, as {at: 0s, from: h1, to: h0, packet: 64B, priority: 7}", func() schema { return mappingSchema(sendKeys) }), true, "The packets. Those of one time are sent in the order of the list."},
}

var sendKeys = []key{
	{"at", durationForm, true, "When the packet is sent."},
	{"from", nameForm, true, "The sending host."},
	{"to", nameForm, true, "The receiving host."},
	{"packet", sizeForm, true, "Payload of the packet."},
	{"priority", priorityForm, false, "802.1Q priority, 7 first (default 0)."},
}

// sends reads the packets of a schedule, and sorts them by time.
func (r *reader) sends(sec, top *section, s *Scenario) (sends []network.Send) {
	items := sec.list("sends", false)
	if sec.has("sends") && sec.good("sends") && len(items) == 0 {
		sec.fail("sends", "the list is empty")
	}
	total := len(items)
	for i := range s.Traffic {
		total += len(s.Traffic[i].Sends)
	}
	if total > maxSends {
		sec.fail("sends", "with this, the schedules have %d packets; at most %d are supported", total, maxSends)
		return nil
	}
	for i, n := range items {
		e := r.section(fmt.Sprintf("%s.sends[%d]", sec.name, i), n, sendKeys)
		x := network.Send{
			At:   model.Time(value(e, "at", 0, parseDuration)),
			From: r.hostNamed(e, "from", s), To: r.hostNamed(e, "to", s),
			Bytes:    value(e, "packet", 0, parsePayload),
			Priority: r.priority(e, 0),
		}
		if e.has("at") && e.good("at") && top.good("duration") && x.At > model.Time(s.Duration) {
			e.fail("at", "the packet comes after the end of the run at %v", s.Duration)
		}
		if e.good("from", "to") && e.has("from") && e.has("to") && s.Network.Topology.Hosts > 0 && x.From == x.To {
			e.fail("to", "%s would send to itself", s.Network.Topology.Names[x.To])
		}
		sends = append(sends, x)
	}
	slices.SortStableFunc(sends, func(a, b network.Send) int { return cmp.Compare(a.At, b.At) })
	return sends
}

func (s *Scenario) writeSends(w *writer, t *network.Traffic) {
	names := s.Network.Topology.Names
	w.list("sends", len(t.Sends), func(i int) {
		x := &t.Sends[i]
		w.line("{at: %v, from: %s, to: %s, packet: %s, priority: %d}",
			x.At, quoted(names[x.From]), quoted(names[x.To]), formatSize(int64(x.Bytes)), x.Priority)
	})
}
