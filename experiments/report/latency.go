package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"suspect/experiments/guarantee"
	"suspect/experiments/run"
	"suspect/experiments/worstcase"
	"suspect/model"
)

// Latency is what the report on the latency bounds of a scenario is made of.
type Latency struct {
	Guarantee *guarantee.Report
	// Results are of a run of the scenario; nil where it was not run.
	Results *run.Results
	// Slowest is the packet that [Slowest] names, taken apart; nil where there is none.
	Slowest *run.Dissection
	// Curves are how the bounds change with the scenario.
	Curves []Curve
	// Worst are the worst schedules that an adversary found, and Counterexamples small
	// ones under which a bound that was violated in the run does not hold. NoExample says
	// of violations why there is none.
	Worst           []worstcase.Worst
	Counterexamples []*worstcase.Counterexample
	NoExample       []string
	// Source identifies what the report is about.
	Source Source
}

// Source identifies a scenario and the program that judged it.
type Source struct {
	Suspect      string `json:"suspect"`
	Go           string `json:"go"`
	Architecture string `json:"architecture"`
	Scenario     string `json:"scenario"`
	ScenarioHash string `json:"scenario_hash"`
	Seed         uint64 `json:"seed"`
}

// Signable tells whether every level that is used has a bound that can be signed.
func Signable(g *guarantee.Report) bool {
	signable, used := levelsInUse(g)
	return signable == used
}

// levelsInUse counts the levels at which somebody sends, and those of them with a bound
// that can be signed.
func levelsInUse(g *guarantee.Report) (signable, used int) {
	for i := range g.Levels {
		l := &g.Levels[i]
		if l.Unused {
			continue
		}
		used++
		if l.Guaranteed() {
			signable++
		}
	}
	return signable, used
}

// measured returns what was measured of level i, or nil where nothing was run.
func (x *Latency) measured(i int) *run.Level {
	if x.Results == nil || i >= len(x.Results.Levels) {
		return nil
	}
	return &x.Results.Levels[i]
}

// headline tells in one sentence whether the levels are guaranteed.
func (x *Latency) headline() string {
	signable, used := levelsInUse(x.Guarantee)
	for i := range x.Guarantee.Levels {
		l, m := &x.Guarantee.Levels[i], x.measured(i)
		if m != nil && l.Guaranteed() && m.Latency.Max > l.Bound.Delay {
			return "NOT TO BE SIGNED: a packet was later than is proved."
		}
	}
	switch {
	case used == 0:
		return "Nothing to guarantee: nobody sends at the priority of a level."
	case signable < used:
		return fmt.Sprintf("NOT GUARANTEED: %d of %s in use cannot be signed.", used-signable, Plural(int64(used), "level", "levels"))
	}
	return fmt.Sprintf("GUARANTEED: %s in use, under the assumptions below.", Plural(int64(used), "level", "levels"))
}

// verdict tells what a level is promised, and how close the slowest packet came.
func (x *Latency) verdict(i int) string {
	l, m := &x.Guarantee.Levels[i], x.measured(i)
	var s string
	switch {
	case l.Unused:
		return fmt.Sprintf("Priority %d: nobody sends at it.", l.Priority)
	case l.Bound == nil:
		s = fmt.Sprintf("NOT GUARANTEED: priority %d has no proved bound: %s", l.Priority, l.Refused)
	case l.Withdrawn != "":
		s = fmt.Sprintf("NOT GUARANTEED: priority %d, BROKEN: %s. Without that, packets would arrive within %v of leaving their limiter", l.Priority, l.Withdrawn, l.Bound.Delay)
	default:
		s = fmt.Sprintf("Every packet of priority %d arrives within %v of leaving its limiter", l.Priority, l.Bound.Delay)
	}
	if m == nil {
		return s + "."
	}
	switch n, most := m.Latency.Count, m.Latency.Max; {
	case n == 0:
		s += "; the run measured none"
	case l.Bound == nil:
		s += fmt.Sprintf("; the slowest of %s took %v", Count(n), most)
	case most <= l.Bound.Delay:
		s += fmt.Sprintf("; the slowest of %s took %v: margin %s", Count(n), most, margin(most, l.Bound.Delay))
	case l.Guaranteed():
		s += fmt.Sprintf("; BUT a packet took %v: a detector sends larger messages than the scenario says, or this is a bug; please report it with the scenario and seed", most)
	default:
		s += fmt.Sprintf("; the slowest of %s took %v, %s of it", Count(n), most, share(most.Seconds()/l.Bound.Delay.Seconds()))
	}
	if lost := lostPackets(m); lost > 0 {
		s += fmt.Sprintf("; %s lost: %s", Plural(lost, "packet was", "packets were"), causes(lostDrops(m)))
	}
	return s + "."
}

// margin returns by how much of the bound a maximum stays below it, rounded down.
func margin(most, bound model.Duration) string {
	return strconv.FormatFloat(math.Floor(1000*(1-most.Seconds()/bound.Seconds())+1e-9)/10, 'f', 1, 64) + "%"
}

// Slowest returns the packet to be taken apart: of the slowest of all levels, the one
// that came closest to its bound. It is nil where there is none.
func Slowest(r *run.Results) *run.SlowPacket {
	var slowest *run.SlowPacket
	closest := -1.0
	for i := range r.Levels {
		l := &r.Levels[i]
		part := 0.0
		if l.Tightness != nil {
			part = *l.Tightness
		}
		if l.Slowest != nil && part > closest {
			slowest, closest = l.Slowest, part
		}
	}
	return slowest
}

func lostPackets(m *run.Level) (n int64) {
	for _, d := range lostDrops(m) {
		n += d.Count
	}
	return n
}

// lostDrops returns what became of lost packets, with those that limiters refused.
func lostDrops(m *run.Level) []run.Drops {
	if m.Refused == 0 {
		return m.Lost
	}
	return append([]run.Drops{{Cause: model.RateLimited.String(), Count: m.Refused}}, m.Lost...)
}

// markOrder is the order of assumptions in a report: first what a reader must act on.
var markOrder = []guarantee.Mark{guarantee.Broken, guarantee.Given, guarantee.NotModelled, guarantee.Derived}

func assumptionTable(g *guarantee.Report) *table {
	t := newTable("mark", "the bounds need that", "levels", "why")
	for _, mark := range markOrder {
		for _, a := range g.Assumptions {
			if a.Mark == mark {
				t.add(string(a.Mark), a.Text, priorityList(g, a.Priorities), a.Why)
			}
		}
	}
	return t
}

// assumptionLines is assumptionTable for a terminal.
func assumptionLines(g *guarantee.Report) *table {
	t := newTable("mark", "the bounds need that")
	for _, row := range assumptionTable(g).rows {
		s := row[1]
		if row[3] != "" {
			s += " – " + row[3]
		}
		if row[2] != "all" && len(g.Levels) > 1 {
			s += " (priority " + row[2] + ")"
		}
		t.add(row[0], s)
	}
	return t
}

// priorityList writes priorities, or "all" where no assumption is needed at another.
func priorityList(g *guarantee.Report, priorities []int) string {
	if len(priorities) > 1 && !slices.ContainsFunc(g.Assumptions, func(a guarantee.Assumption) bool {
		return slices.ContainsFunc(a.Priorities, func(p int) bool { return !slices.Contains(priorities, p) })
	}) {
		return "all"
	}
	var s []string
	for _, p := range priorities {
		s = append(s, strconv.Itoa(p))
	}
	return strings.Join(s, " ")
}

// assumptionCounts tells how many assumptions there are of each mark.
func assumptionCounts(g *guarantee.Report) string {
	var parts []string
	for _, mark := range markOrder {
		n := 0
		for _, a := range g.Assumptions {
			if a.Mark == mark {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, mark))
		}
	}
	return fmt.Sprintf("%s: %s", Plural(int64(len(g.Assumptions)), "assumption", "assumptions"), strings.Join(parts, ", "))
}

// boundCells returns a level's bound and what kind of bound it is.
func boundCells(l *guarantee.Level) (bound, status string) {
	switch {
	case l.Unused:
		return "-", "unused"
	case l.Bound == nil:
		return "none", "-"
	case l.Withdrawn != "":
		return l.Bound.Delay.String(), "BROKEN"
	}
	return l.Bound.Delay.String(), l.Bound.Status
}

// levelTable has what is proved of each level.
func (x *Latency) levelTable() *table {
	t := newTable(">priority", ">f", ">epoch", ">packets in it", ">rate of a host", ">senders", ">published", ">bound", "status")
	for i := range x.Guarantee.Levels {
		l := &x.Guarantee.Levels[i]
		cells := provedCells(l)
		t.add(append([]string{cells[0], cells[1], l.Epoch.String(), Count(l.Budget)}, cells[2:]...)...)
	}
	return t
}

// provedCells has a level's priority, factor, rate, senders, published figure, bound and
// status.
func provedCells(l *guarantee.Level) []string {
	bound, status := boundCells(l)
	senders, published := "-", "-" // of a level without a bound they may not be known
	if l.Senders > 0 {
		senders = Count(int64(l.Senders))
	}
	if l.Paper > 0 {
		published = l.Paper.String()
	}
	return []string{strconv.Itoa(l.Priority), strconv.Itoa(l.Factor), bitRate(l.Rate), senders, published, bound, status}
}

// measuredTable has what was measured of each level; it is empty where nothing was run.
func (x *Latency) measuredTable() *table {
	t := newTable(append([]string{">priority"}, measuredColumns...)...)
	for i := range x.Guarantee.Levels {
		if m := x.measured(i); m != nil {
			l := &x.Guarantee.Levels[i]
			t.add(append([]string{strconv.Itoa(l.Priority)}, measuredCells(l, m)...)...)
		}
	}
	return t
}

// classTable has both, for a page that is wide enough.
func (x *Latency) classTable() *table {
	columns := []string{">priority", ">f", ">rate of a host", ">senders", ">published", ">bound", "status"}
	if x.Results == nil {
		t := newTable(append(columns, ">waits at a switch at most", ">at a host")...)
		for i := range x.Guarantee.Levels {
			l := &x.Guarantee.Levels[i]
			ports, hosts := "-", "-"
			if l.Bound != nil {
				ports, hosts = Count(l.Bound.Backlog)+" B", Count(l.Bound.HostBacklog)+" B"
			}
			t.add(append(provedCells(l), ports, hosts)...)
		}
		return t
	}
	t := newTable(append(columns, measuredColumns...)...)
	for i := range x.Guarantee.Levels {
		if m := x.measured(i); m != nil {
			l := &x.Guarantee.Levels[i]
			t.add(append(provedCells(l), measuredCells(l, m)...)...)
		}
	}
	return t
}

var measuredColumns = []string{">samples", ">p50", ">p99", ">p99.9", ">exact max", ">of the bound", ">lost", ">waited at a port", ">at most"}

func measuredCells(l *guarantee.Level, m *run.Level) []string {
	row := []string{Count(m.Latency.Count)}
	if s := m.Latency; s.Count > 0 {
		row = append(row, Duration(s.P50), Duration(s.P99), Duration(s.P999), s.Max.String())
	} else {
		row = append(row, "-", "-", "-", "-")
	}
	row = append(row, tightness(m.Tightness), Count(lostPackets(m)))
	waited, limit := "-", "-"
	if len(m.Ports) > 0 {
		waited = Count(m.Ports[0].Bytes) + " B"
	}
	if l.Bound != nil {
		limit = Count(max(l.Bound.Backlog, l.Bound.HostBacklog)) + " B"
	}
	return append(row, waited, limit)
}

func tightness(f *float64) string {
	if f == nil {
		return "-"
	}
	return share(*f)
}

// bitRate returns a rate in bits per second in a unit that suits it.
func bitRate(bps float64) string {
	for _, u := range []struct {
		name string
		size float64
	}{{"Gb/s", 1e9}, {"Mb/s", 1e6}, {"kb/s", 1e3}} {
		if bps >= u.size {
			return strconv.FormatFloat(bps/u.size, 'g', 4, 64) + " " + u.name
		}
	}
	return strconv.FormatFloat(bps, 'g', 4, 64) + " b/s"
}

// portBacklog returns what was measured at a port, or nil.
func portBacklog(m *run.Level, p *guarantee.Port) *run.PortBacklog {
	if m == nil {
		return nil
	}
	for i := range m.Ports {
		if b := &m.Ports[i]; b.From == p.From && b.To == p.To {
			return b
		}
	}
	return nil
}

// levelIndex returns the index of the level with the priority; it is one of g's.
func levelIndex(g *guarantee.Report, priority int) int {
	return slices.IndexFunc(g.Levels, func(l guarantee.Level) bool { return l.Priority == priority })
}

// portGroup is a set of ports of a level that have the same guarantee, with the one of
// them at which most waited in the run.
type portGroup struct {
	*guarantee.Port
	ports   int
	most    *run.PortBacklog // nil where nothing was run, or no packet came by
	packets int64            // that crossed them
}

// portGroups returns the ports in their order, those with the same guarantee as one.
func (x *Latency) portGroups() []*portGroup {
	var all []*portGroup
	known := make(map[guarantee.Port]*portGroup)
	for i := range x.Guarantee.Ports {
		p := &x.Guarantee.Ports[i]
		same := *p
		same.From, same.To = "", ""
		g := known[same]
		if g == nil {
			g = &portGroup{Port: p}
			known[same] = g
			all = append(all, g)
		}
		g.ports++
		if b := portBacklog(x.measured(levelIndex(x.Guarantee, p.Priority)), p); b != nil {
			g.packets += b.Crossed
			if g.most == nil || b.Bytes > g.most.Bytes {
				g.Port, g.most = p, b
			}
		}
	}
	return all
}

// portTable has at most most groups of ports of each level, and how many are left out.
func (x *Latency) portTable(most int) (t *table, left int) {
	t = newTable(">priority", "port, or that with most", ">ports", ">senders", ">jitter before", ">delay at most", ">waits at most", ">waited", ">of it", "buffer", ">packets")
	shown := make(map[int]int)
	for _, p := range x.portGroups() {
		if shown[p.Priority]++; shown[p.Priority] > most {
			left++
			continue
		}
		waited, part, crossed := "-", "-", "-"
		if p.most != nil {
			waited, crossed = Count(p.most.Bytes)+" B", Count(p.packets)
			if p.Backlog > 0 {
				part = share(float64(p.most.Bytes) / float64(p.Backlog))
			}
		}
		t.add(strconv.Itoa(p.Priority), p.From+" > "+p.To, Count(int64(p.ports)), Count(int64(p.Senders)), p.Jitter.String(), p.Delay.String(), Count(p.Backlog)+" B", waited, part, bufferSize(p.Port), crossed)
	}
	return t, left
}

func bufferSize(p *guarantee.Port) string {
	switch {
	case p.BufferBytes > 0:
		return Count(p.BufferBytes) + " B"
	case p.BufferPackets > 0:
		return Plural(int64(p.BufferPackets), "packet", "packets")
	}
	return "no limit"
}

// flowsMeasured returns what was measured of each flow of the guarantee, or nil.
func (x *Latency) flowsMeasured() []*run.FlowLatency {
	all := make([]*run.FlowLatency, len(x.Guarantee.Flows))
	next := make(map[int]int) // the line of the level that comes next
	for i, f := range x.Guarantee.Flows {
		m := x.measured(levelIndex(x.Guarantee, f.Priority))
		if m != nil && next[f.Priority] < len(m.Flows) {
			all[i] = &m.Flows[next[f.Priority]]
		}
		next[f.Priority]++
	}
	return all
}

// flowTable has at most most flows of each level, and how many are left out.
func (x *Latency) flowTable(most int) (t *table, left int) {
	t = newTable(">priority", "flow, or one of them", ">pairs", ">switches", ">ways", ">delay at most", "status", ">samples", ">exact max", ">of the bound", "slowest")
	measured := x.flowsMeasured()
	shown := make(map[int]int)
	for i := range x.Guarantee.Flows {
		f := &x.Guarantee.Flows[i]
		if shown[f.Priority]++; shown[f.Priority] > most {
			left++
			continue
		}
		samples, longest, part, slowest := "-", "-", "-", "-"
		if m := measured[i]; m != nil {
			samples = Count(m.Samples)
			if m.Samples > 0 {
				longest, part, slowest = m.Max.String(), tightness(m.Tightness), m.From+" > "+m.To
			}
		}
		t.add(strconv.Itoa(f.Priority), f.From+" > "+f.To, Count(int64(f.Pairs)), Count(int64(f.Switches)), Count(int64(f.Ways)), f.Delay.String(), f.Status, samples, longest, part, slowest)
	}
	return t, left
}

// worstTable has the adversary's best schedule for each level.
func (x *Latency) worstTable() *table {
	t := newTable(">priority", "receiver", ">its latest packet", ">bound", ">of the bound", ">packets", ">schedules tried", ">events", "replay")
	for i := range x.Worst {
		w := &x.Worst[i]
		if w.Refused != "" {
			continue
		}
		t.add(strconv.Itoa(w.Priority), w.Receiver, w.Delay.String(), w.Bound.String(), share(w.Ratio), Count(int64(len(w.Sends))),
			Count(int64(w.Evaluations)), Count(int64(w.Events)), w.File())
	}
	return t
}

// sendTable lists the packets of a schedule on at most most lines, the same ones that
// follow each other on one, and tells how many packets are left out.
func sendTable(sends []worstcase.Send, most int) (t *table, left int) {
	t = newTable(">sent at", ">packets", "from", "to", ">payload", ">priority", "limiter")
	for i := 0; i < len(sends); {
		if len(t.rows) == most {
			return t, len(sends) - i
		}
		s, n := sends[i], 1
		for i+n < len(sends) && sends[i+n] == s {
			n++
		}
		t.add(model.Duration(s.At).String(), strconv.Itoa(n), s.From, s.To, fmt.Sprintf("%d B", s.Packet), strconv.Itoa(s.Priority), s.Limiter)
		i += n
	}
	return t, 0
}

// dissectionTable tells what a packet spent its time on.
func dissectionTable(d *run.Dissection) *table {
	t := newTable("port", ">arrived after", ">frame below", ">same level", ">levels above", ">transmission", ">propagation")
	for _, p := range d.Ports {
		t.add(p.From+" > "+p.To, p.Arrived.Sub(d.Packet.Released).String(), p.Lower.String(), p.Same.String(), p.Higher.String(), p.Transmission.String(), p.Propagation.String())
	}
	return t
}

func levelsCSV(x *Latency) []byte {
	header := []string{"priority", "factor", "epoch_ps", "budget_packets", "rate_bps", "senders", "published_ps", "bound_ps", "status", "withdrawn", "refused",
		"samples", "p50_ps", "p99_ps", "p999_ps", "max_ps", "tightness", "lost", "backlog_bytes", "backlog_bound_bytes", "host_backlog_bound_bytes"}
	var rows [][]string
	for i := range x.Guarantee.Levels {
		l, m := &x.Guarantee.Levels[i], x.measured(i)
		row := []string{strconv.Itoa(l.Priority), strconv.Itoa(l.Factor), picoseconds(l.Epoch), count(l.Budget), optional(&l.Rate), strconv.Itoa(l.Senders), picoseconds(l.Paper)}
		if b := l.Bound; b != nil {
			row = append(row, picoseconds(b.Delay), b.Status)
		} else {
			row = append(row, "", "")
		}
		row = append(row, csvText(l.Withdrawn), csvText(l.Refused))
		switch {
		case m == nil:
			row = append(row, "", "", "", "", "", "", "")
		case m.Latency.Count == 0:
			row = append(row, "0", "", "", "", "", "", count(lostPackets(m)))
		default:
			s := m.Latency
			row = append(row, count(s.Count), picoseconds(s.P50), picoseconds(s.P99), picoseconds(s.P999), picoseconds(s.Max), optional(m.Tightness), count(lostPackets(m)))
		}
		if m != nil && len(m.Ports) > 0 {
			row = append(row, count(m.Ports[0].Bytes))
		} else {
			row = append(row, "")
		}
		if b := l.Bound; b != nil {
			row = append(row, count(b.Backlog), count(b.HostBacklog))
		} else {
			row = append(row, "", "")
		}
		rows = append(rows, row)
	}
	return csvFile(header, rows)
}

func portsCSV(x *Latency) []byte {
	var rows [][]string
	for i := range x.Guarantee.Ports {
		p := &x.Guarantee.Ports[i]
		row := []string{strconv.Itoa(p.Priority), csvText(p.From), csvText(p.To), strconv.Itoa(p.Senders), picoseconds(p.Jitter), picoseconds(p.Delay), count(p.Backlog)}
		if b := portBacklog(x.measured(levelIndex(x.Guarantee, p.Priority)), p); b != nil {
			row = append(row, count(b.Bytes), count(b.Packets), count(b.Crossed))
		} else {
			row = append(row, "", "", "")
		}
		rows = append(rows, append(row, count(p.BufferBytes), strconv.Itoa(p.BufferPackets)))
	}
	return csvFile([]string{"priority", "from", "to", "senders", "jitter_ps", "delay_bound_ps", "backlog_bound_bytes",
		"backlog_bytes", "backlog_packets", "crossed_packets", "buffer_bytes", "buffer_packets"}, rows)
}

func flowsCSV(x *Latency) []byte {
	var rows [][]string
	measured := x.flowsMeasured()
	for i := range x.Guarantee.Flows {
		f := &x.Guarantee.Flows[i]
		row := []string{strconv.Itoa(f.Priority), csvText(f.From), csvText(f.To), strconv.Itoa(f.Pairs), strconv.Itoa(f.Switches), strconv.Itoa(f.Ways),
			picoseconds(f.Epsilon), picoseconds(f.Delay), f.Status}
		if m := measured[i]; m != nil && m.Samples > 0 {
			row = append(row, count(m.Samples), picoseconds(m.Max), optional(m.Tightness), csvText(m.From), csvText(m.To))
		} else {
			row = append(row, "", "", "", "", "")
		}
		rows = append(rows, row)
	}
	return csvFile([]string{"priority", "from", "to", "pairs", "switches", "ways", "epsilon_ps", "bound_ps", "status", "samples", "max_ps", "tightness", "slowest_from", "slowest_to"}, rows)
}
