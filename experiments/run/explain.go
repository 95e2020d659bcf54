package run

import (
	"context"
	"fmt"
	"strings"

	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// Explanation is what happened between two processes around a mistake: the
// records that explain why the peer was suspected.
type Explanation struct {
	Detector string
	Mistake  Episode

	// Records are those about the pair, in order: the packets from the peer to the
	// monitor, the detector's verdicts, crashes of either, and changes of links on
	// the packets' way; at most explainBefore from before the mistake, and
	// explainDuring from the mistake on, besides what was heard of the pair itself.
	Records []model.Record

	// Left is the number of records during the mistake that were left out.
	Left int

	// Text is the same in words, a line for each message and event, and a last line
	// that says why.
	Text []string
}

// How many records an explanation keeps from before a mistake and from it on.
const (
	explainBefore = 60
	explainDuring = 140
)

// Explain runs a replication again, until the mistake of the named detector has
// ended, and keeps what explains it. The mistake is one from the Results of the same
// scenario and seed. It returns an error that wraps [ErrInterrupted] when ctx ends.
func Explain(ctx context.Context, s *scenario.Scenario, detector string, mistake Episode) (*Explanation, error) {
	m, err := newSimulation(s, mistake.Replication)
	if err != nil {
		return nil, err
	}
	e, err := m.newExplainer(detector, mistake)
	if err != nil {
		return nil, err
	}
	m.kernel.Records.Subscribe(model.AllKinds, e.observe)
	stop := func() error {
		if ctx.Err() != nil {
			return ErrInterrupted
		}
		return nil
	}
	if err := m.kernel.Run(mistake.Until, sim.Budget{Stop: stop}); err != nil {
		return nil, err
	}
	x := &Explanation{
		Detector: detector, Mistake: mistake,
		Records: append(e.before.inOrder(), e.during...), Left: e.left,
	}
	x.Text = e.words(x.Records, x.Left)
	return x, nil
}

// explainer keeps the records about one pair.
type explainer struct {
	topology      *network.Topology
	name          string
	monitor, peer model.ProcessID
	detector      uint8
	tag           uint8 // the detector whose number the pair's messages carry
	from          model.Time
	way           map[int32]bool // links that the peer's messages took

	before ring
	during []model.Record
	left   int
}

func (m *simulation) newExplainer(detector string, mistake Episode) (*explainer, error) {
	e := &explainer{
		topology: m.network.Topology(), name: detector, monitor: model.Nobody, peer: model.Nobody,
		from: mistake.From, way: make(map[int32]bool),
	}
	found := false
	for _, members := range m.panels {
		for _, d := range members {
			if m.scenario.Detectors[d].Name == detector {
				e.detector, e.tag, found = uint8(d), uint8(members[0]), true
			}
		}
	}
	for p, name := range e.topology.Names[:e.topology.Hosts] {
		switch name {
		case mistake.Monitor:
			e.monitor = model.ProcessID(p)
		case mistake.Peer:
			e.peer = model.ProcessID(p)
		}
	}
	if !found || e.monitor == model.Nobody || e.peer == model.Nobody {
		return nil, fmt.Errorf("the scenario has no detector %q of %q and %q", detector, mistake.Monitor, mistake.Peer)
	}
	return e, nil
}

func (e *explainer) observe(r *model.Record) {
	if !e.concerns(r) {
		return
	}
	switch {
	case r.At < e.from:
		e.before.add(*r)
	case len(e.during) < explainDuring || ofPair.Has(r.Kind):
		e.during = append(e.during, *r)
	default:
		e.left++
	}
}

// ofPair are the kinds that concern the pair itself, of which a mistake has few.
var ofPair = verdicts | model.KindSet(model.Started, model.Crashed, model.Recovered, model.HostWentDown, model.HostCameUp)

// concerns tells whether r is about the pair.
func (e *explainer) concerns(r *model.Record) bool {
	switch r.Kind {
	case model.Sent, model.Released, model.Hopped, model.Dropped, model.Delivered:
		from, to := r.Process, r.Peer
		if r.Kind == model.Delivered {
			from, to = to, from
		}
		if r.Traffic || from != e.peer || to != e.monitor || r.Detector != e.tag {
			return false
		}
		e.way[r.Place] = true
		return true
	case model.Suspected, model.Trusted:
		return r.Failure.HostFailure() && r.Detector == e.detector && r.Process == e.monitor && r.Peer == e.peer
	case model.Started, model.Crashed, model.Recovered, model.HostWentDown, model.HostCameUp:
		return r.Process == e.monitor || r.Process == e.peer
	case model.SwitchWentDown, model.SwitchCameUp:
		return e.passes(network.NodeID(r.Process))
	case model.RuleSet, model.RuleLifted:
		return (r.Process == model.Nobody || r.Process == e.peer) && (r.Peer == model.Nobody || r.Peer == e.monitor) &&
			(r.Place < 0 || e.passes(network.NodeID(r.Place)))
	}
	return e.way[r.Place] // what happens to links
}

// passes tells whether the peer's messages came to a node.
func (e *explainer) passes(node network.NodeID) bool {
	for l := range network.LinkID(2 * len(e.topology.Links)) {
		if _, to := e.topology.Ends(l); to == node && e.way[int32(l)] {
			return true
		}
	}
	return false
}

// ring keeps the last explainBefore records.
type ring struct {
	records [explainBefore]model.Record
	n       int
}

func (b *ring) add(r model.Record) {
	b.records[b.n%explainBefore] = r
	b.n++
}

func (b *ring) inOrder() []model.Record {
	if b.n <= explainBefore {
		return b.records[:b.n:b.n]
	}
	first := b.n % explainBefore
	return append(append([]model.Record(nil), b.records[first:]...), b.records[:first]...)
}

// words tells the records in words: one line for each message, at the place of its
// end, or of its sending where the end is not among them.
func (e *explainer) words(records []model.Record, left int) []string {
	ended := make(map[uint64]bool)
	for _, r := range records {
		if r.Kind == model.Delivered || r.Kind == model.Dropped {
			ended[r.Packet] = true
		}
	}
	link := func(l int32) string { return portName(e.topology, l) }
	at := func(node int32) string {
		if node < 0 {
			return "a rule tells every switch"
		}
		return "a rule tells switch " + e.topology.Names[node]
	}
	ruled := func(r *model.Record) string {
		what := "packets"
		if r.Seq >= 0 {
			what += fmt.Sprintf(" of priority %d", r.Seq)
		}
		if r.Process != model.Nobody {
			what += " from " + e.topology.Names[r.Process]
		}
		if r.Peer != model.Nobody {
			what += " to " + e.topology.Names[r.Peer]
		}
		return what
	}
	monitor, peer := e.topology.Names[e.monitor], e.topology.Names[e.peer]
	var lines []string
	say := func(at model.Time, format string, args ...any) {
		lines = append(lines, fmt.Sprintf("%v: ", at)+fmt.Sprintf(format, args...))
	}
	for _, r := range records {
		switch r.Kind {
		case model.Sent:
			if !ended[r.Packet] {
				say(r.At, "%s sends message %d to %s; its end is not seen here", peer, r.Seq, monitor)
			}
		case model.Delivered:
			say(r.At, "message %d of %s reaches %s, sent at %v, %v on the way", r.Seq, peer, monitor, r.SentAt, r.At.Sub(r.SentAt))
		case model.Dropped:
			say(r.At, "message %d of %s, sent at %v, is lost on %s: %v", r.Seq, peer, r.SentAt, link(r.Place), r.Cause)
		case model.Suspected, model.Trusted:
			say(r.At, "%s at %s", e.name, tell(&r, e.topology.Names))
		case model.Started, model.Crashed, model.Recovered, model.HostWentDown, model.HostCameUp:
			say(r.At, "%s", tell(&r, e.topology.Names))
		case model.LinkWentDown:
			say(r.At, "link %s goes down", link(r.Place))
		case model.LinkCameUp:
			say(r.At, "link %s comes up", link(r.Place))
		case model.LinkChanged:
			say(r.At, "link %s begins or ceases to lose, delay or slow packets", link(r.Place))
		case model.SwitchWentDown:
			say(r.At, "switch %s crashes", e.topology.Names[r.Process])
		case model.SwitchCameUp:
			say(r.At, "switch %s recovers", e.topology.Names[r.Process])
		case model.RuleSet:
			say(r.At, "%s to drop %s", at(r.Place), ruled(&r))
		case model.RuleLifted:
			say(r.At, "%s no longer to drop %s", at(r.Place), ruled(&r))
		}
	}
	if left > 0 {
		lines = append(lines, fmt.Sprintf("(%d more records during the mistake)", left))
	}
	return append(lines, e.why(records))
}

// portName names the port that sends on a link.
func portName(t *network.Topology, link int32) string {
	from, to := t.Ends(network.LinkID(link))
	return t.Names[from] + ">" + t.Names[to]
}

// tell says what r, a record about processes, means; "" of others.
func tell(r *model.Record, names []string) string {
	switch r.Kind {
	case model.Suspected:
		return names[r.Process] + " suspects " + names[r.Peer]
	case model.Trusted:
		return names[r.Process] + " trusts " + names[r.Peer] + " again"
	case model.Started:
		return names[r.Process] + " starts"
	case model.Crashed:
		return fmt.Sprintf("%s crashes (%v)", names[r.Process], r.Failure)
	case model.Recovered:
		return names[r.Process] + " recovers"
	case model.HostWentDown:
		return "host " + names[r.Process] + " goes down"
	case model.HostCameUp:
		return "host " + names[r.Process] + " comes up"
	}
	return ""
}

// witness returns a record that shows a violation, in words where it is about processes,
// and of packets with the names of their hosts and of the port.
func witness(r *model.Record, t *network.Topology) string {
	names := t.Names
	if s := tell(r, names); s != "" {
		return fmt.Sprintf("%v: %s", r.At, s)
	}
	from, to := r.Process, r.Peer
	switch r.Kind {
	case model.Sent, model.Released, model.Hopped, model.Dropped:
	case model.Delivered:
		from, to = to, from
	default:
		return r.String()
	}
	text := strings.Replace(r.String(), fmt.Sprintf(" p%d->p%d ", from, to), fmt.Sprintf(" %s->%s ", names[from], names[to]), 1)
	if before, is := strings.CutSuffix(text, fmt.Sprintf(" link=%d", r.Place)); is {
		text = before + " link=" + portName(t, r.Place)
	}
	return text
}

// why says in one sentence what kept messages away when the suspicion began: what
// became, by then, of those sent after the last one that had arrived.
func (e *explainer) why(records []model.Record) string {
	last, packet := model.Never, uint64(0)
	for _, r := range records {
		if r.Kind == model.Delivered && r.At <= e.from {
			last, packet = r.At, max(packet, r.Packet)
		}
	}
	var lost [model.DropCauses]int
	sent, gone := 0, 0
	for _, r := range records {
		if r.At > e.from || r.Packet <= packet {
			continue
		}
		switch r.Kind {
		case model.Sent:
			sent++
		case model.Dropped:
			lost[r.Cause]++
			gone++
		}
	}
	var b strings.Builder
	peer := e.topology.Names[e.peer]
	if last == model.Never {
		fmt.Fprintf(&b, "why: no message of %s is seen to arrive before", peer)
	} else {
		fmt.Fprintf(&b, "why: the last message of %s had arrived %v before", peer, e.from.Sub(last))
	}
	if sent < gone {
		sent = gone // their sending is older than the records kept
	}
	if sent == 0 {
		b.WriteString(", and none was sent after it")
		return b.String()
	}
	fmt.Fprintf(&b, "; of %d sent after it, ", sent)
	for cause, n := range lost {
		if n > 0 {
			fmt.Fprintf(&b, "%d were lost (%v), ", n, model.DropCause(cause))
		}
	}
	fmt.Fprintf(&b, "%d were still on the way", sent-gone)
	return b.String()
}
