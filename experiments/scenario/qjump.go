package scenario

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"suspect/model"
	"suspect/network"
	"suspect/qjump"
	"suspect/sim"
)

// Excess is what happens to a packet that comes before its limiter lets it pass.
type Excess uint8

const (
	DelayExcess  Excess = iota // it waits
	DropExcess                 // it is lost
	DemoteExcess               // it goes on at the priority of [qjump.Demoted]
)

var excesses = [...]string{"delay", "drop", "demote"}

// String returns the name used in scenarios.
func (e Excess) String() string { return excesses[e] }

// QJump are the levels of QJUMP. Every host has a limiter for each.
type QJump struct {
	// Table has the levels. Its n is the number of hosts of the topology, and its R the
	// rate of the slowest link, or what the scenario says.
	Table   qjump.Table
	Limiter qjump.LimiterKind
	Excess  Excess

	// Phase is when the fixed windows of a host begin. RandomPhase draws it
	// uniformly over the level's epoch instead.
	Phase       sim.Distribution
	RandomPhase bool

	// Processing is what a limiter spends on each packet before it decides.
	Processing model.Duration

	// Phases are those of single limiters, in the order of hosts and falling priority.
	Phases []Phase
}

// Phase is when the fixed windows of a host begin at one priority.
type Phase struct {
	Host     network.NodeID
	Priority model.Priority
	Phase    model.Duration
}

// Level returns the index of the level with the priority, or no.
func (q *QJump) Level(p model.Priority) (int, bool) {
	i := slices.IndexFunc(q.Table.Levels, func(l qjump.Level) bool { return l.Priority == p })
	return i, i >= 0
}

// Lower returns where the excess of a priority goes: the priority itself drops it.
func (q *QJump) Lower(p model.Priority) model.Priority {
	if q.Excess == DemoteExcess {
		if lower, ok := qjump.Demoted(p); ok {
			return lower
		}
	}
	return p
}

var qjumpKeys = []key{
	{"packet", sizeForm, true, "P: the largest packet of any level, on the wire."},
	{"rate", rateForm, false, "R: that of the slowest link, by which epochs are long enough (default: what the topology has). A link that is slower all the same breaks the guarantees."},
	{"epsilon", durationForm, false, "All processing on the way, of which epochs are longer (default 0s)."},
	{"semantics", choiceForm(qjump.CommonEpoch.String(), qjump.EpochPerLevel.String()), false, "What a factor means: that many packets in the epoch of all, or one packet in a shorter epoch (default common-epoch)."},
	{"limiter", choiceForm(limiterKinds()...), false, "How a limiter counts epochs (default minimum-spacing)."},
	{"excess", choiceForm(excesses[:]...), false, "What becomes of what a host sends too early (default delay)."},
	{"phase", eitherForm("random, or a duration or distribution, as 0s or \"uniform(0s, 100us)\"", choiceForm(randomPhase), distributionForm), false, "When the fixed windows of a host begin: random is any time of the epoch (default random)."},
	{"processing", durationForm, false, "What a limiter spends on each packet, one after the other, before it decides (default 0s)."},
	{"phases", listForm("a list of phases, as {host: h1, priority: 7, phase: 12ns}", func() schema { return mappingSchema(phaseKeys) }), false, "When the fixed windows of single hosts begin, instead of phase."},
	{"levels", listForm("a list of levels, as {priority: 7, factor: 1}", func() schema { return mappingSchema(levelKeys) }), true, "The levels: a smaller factor has a higher priority."},
}

var levelKeys = []key{
	{"priority", priorityForm, true, "802.1Q priority of the level, 7 first."},
	{"factor", countForm, true, "Throughput factor f, from 1 to the number of hosts: n/f hosts are to use the level at once."},
}

var phaseKeys = []key{
	{"host", nameForm, true, "The host."},
	{"priority", priorityForm, true, "Priority of the level."},
	{"phase", durationForm, true, "When one of the windows begins."},
}

const randomPhase = "random"

func limiterKinds() []string {
	return []string{qjump.MinimumSpacing.String(), qjump.FixedWindow.String(), qjump.RestartingWindow.String()}
}

func (r *reader) qjump(top *section, s *Scenario) {
	n := top.get("qjump")
	if n == nil {
		for _, l := range r.limiters {
			if s.Traffic[l.traffic].Limiter != network.SharedLimiter {
				r.add(l.at, "limiter: hosts have limiters only with a section qjump (delete it)")
			}
		}
		return
	}
	sec := r.section("qjump", n, qjumpKeys)
	q := &QJump{RandomPhase: true}
	q.Table = qjump.Table{
		Hosts:   s.Network.Topology.Hosts,
		Rate:    value(sec, "rate", slowest(&s.Network.Topology), parseRate),
		Packet:  value(sec, "packet", 0, parseWireBytes),
		Epsilon: value(sec, "epsilon", 0, parseDuration),
	}
	if sec.oneOf("semantics", "common-epoch", []string{"common-epoch", "epoch-per-level"}) == "epoch-per-level" {
		q.Table.Semantics = qjump.EpochPerLevel
	}
	q.Limiter, _ = qjump.ParseLimiterKind(sec.oneOf("limiter", limiterKinds()[0], limiterKinds()))
	q.Processing = value(sec, "processing", 0, parseDuration)
	q.Excess = Excess(max(0, slices.Index(excesses[:], sec.oneOf("excess", excesses[0], excesses[:]))))
	q.Phase = value(sec, "phase", sim.Distribution{}, func(text string) (sim.Distribution, error) {
		if text == randomPhase {
			return sim.Distribution{}, nil
		}
		q.RandomPhase = false
		return parseDistribution(text)
	})
	if sec.has("phase") && q.Limiter != qjump.FixedWindow && sec.good("limiter") {
		sec.fail("phase", "only the windows of a fixed-window limiter have a phase (delete it)")
	}
	r.levels(sec, q, s)
	r.phases(sec, q, s)
	s.QJump = q
}

// phases reads the phases of single limiters.
func (r *reader) phases(sec *section, q *QJump, s *Scenario) {
	if sec.has("phases") && q.Limiter != qjump.FixedWindow && sec.good("limiter") {
		sec.fail("phases", "only the windows of a fixed-window limiter have a phase (delete it)")
		return
	}
	sound := sec.good("levels") && len(q.Table.Levels) == len(sec.list("levels", false))
	for i, n := range sec.list("phases", false) {
		e := r.section(fmt.Sprintf("qjump.phases[%d]", i), n, phaseKeys)
		p := Phase{r.hostNamed(e, "host", s), r.priority(e, 0), value(e, "phase", 0, parseDuration)}
		if !e.good("host", "priority", "phase") || !e.has("host") {
			continue
		}
		if _, is := q.Level(p.Priority); !is && sound {
			e.fail("priority", "no level has the priority %d", p.Priority)
		}
		if slices.ContainsFunc(q.Phases, func(o Phase) bool { return o.Host == p.Host && o.Priority == p.Priority }) {
			e.fail("phase", "there is already a phase of this host and priority")
		}
		q.Phases = append(q.Phases, p)
	}
	slices.SortStableFunc(q.Phases, func(a, b Phase) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(b.Priority, a.Priority))
	})
}

// levels reads the levels, and tells what is wrong with each where it stands.
func (r *reader) levels(sec *section, q *QJump, s *Scenario) {
	items := sec.list("levels", false)
	if sec.good("levels") && sec.has("levels") && len(items) == 0 {
		sec.fail("levels", "the list is empty")
	}
	if len(items) > model.Priorities {
		sec.fail("levels", "%d levels: 802.1Q has %d priorities", len(items), model.Priorities)
		return
	}
	// Without a network or P there is nothing to check the levels against.
	sound := sec.good("packet", "rate", "epsilon", "semantics") && sec.has("packet") && q.Table.Hosts > 0 && q.Table.Rate > 0
	if sound {
		for _, err := range q.Table.Validate() {
			r.add(sec.at, "%s", levelError(err))
			sound = false
		}
	}
	told := 0
	for i, n := range items {
		before := r.told()
		level := r.section(fmt.Sprintf("qjump.levels[%d]", i), n, levelKeys)
		priority := r.priority(level, 0)
		factor := int(level.count("factor", 1, 1, math.MaxInt32))
		if r.told() > before || !level.has("priority") || !level.has("factor") {
			sound = false
			continue
		}
		q.Table.Levels = append(q.Table.Levels, qjump.Level{Priority: priority, Factor: factor})
		if !sound {
			continue
		}
		errs := q.Table.Validate()
		for _, err := range errs[told:] {
			r.add(level.at, "qjump.levels[%d]: %s", i, levelError(err))
		}
		told = len(errs)
	}
	if !sound || told > 0 || !sec.good("limiter") {
		return
	}
	for i, l := range q.Table.Levels {
		if _, err := qjump.NewLimiter(q.Table.Limiter(i, q.Limiter)); err != nil {
			r.add(sec.at, "qjump: the level with priority %d: %s", l.Priority, levelError(err))
		}
	}
	if len(s.Detectors) > 0 && len(s.Monitor.Watch) > 1 {
		r.fitsLevel(sec, q, s.Monitor.Priority, s.Network.Framing.WireBytes(s.Network.MessageBytes), "messages")
	}
	r.checkLimiterUse(q, s)
	for i := range s.Traffic {
		x := &s.Traffic[i]
		if x.Limiter == network.NoLimiter {
			continue
		}
		what := fmt.Sprintf("the packets of traffic[%s]", x.Name)
		largest := make(map[model.Priority]int32)
		for _, sender := range x.Senders() {
			largest[sender.Priority] = max(largest[sender.Priority], sender.Largest)
		}
		for p := range model.Priority(model.Priorities) {
			if largest[p] > 0 {
				r.fitsLevel(sec, q, p, s.Network.Framing.WireBytes(largest[p]), what)
			}
		}
		if _, is := q.Level(x.Priority); !is || x.Kind != network.Bulk {
			continue
		}
		excess := ""
		switch {
		case q.Excess == DelayExcess:
			excess = "would wait for their limiter without end"
		case q.Lower(x.Priority) != x.Priority:
			excess = fmt.Sprintf("what their limiter demotes would wait at priority %d without end", q.Lower(x.Priority))
		default:
			continue
		}
		sec.fail("excess", "%s are always backlogged, and so %s (write excess: drop, or send them below all levels)", what, excess)
	}
}

// checkLimiterUse refuses a choice of limiters by traffic that meets none.
func (r *reader) checkLimiterUse(q *QJump, s *Scenario) {
	var names []string
	for _, l := range q.Table.Levels {
		names = append(names, fmt.Sprint(l.Priority))
	}
	for _, l := range r.limiters {
		x := &s.Traffic[l.traffic]
		limited := func(sender network.Sender) bool { _, is := q.Level(sender.Priority); return is }
		if x.Limiter != network.SharedLimiter && !slices.ContainsFunc(x.Senders(), limited) {
			r.add(l.at, "limiter: none of its packets has a priority with a limiter (levels of qjump: %s)", strings.Join(names, ", "))
		}
	}
}

// fitsLevel refuses packets that are larger than P, on which all bounds rest.
func (r *reader) fitsLevel(sec *section, q *QJump, p model.Priority, wire int32, what string) {
	if _, is := q.Level(p); is && wire > q.Table.Packet {
		sec.fail("packet", "%s are sent in the level with priority %d and have %s on the wire, above P = %s", what, p, formatSize(int64(wire)), formatSize(int64(q.Table.Packet)))
	}
}

func levelError(err error) string { return strings.TrimPrefix(err.Error(), "qjump: ") }

// slowest returns the lowest rate of any link, or 0 without links.
func slowest(t *network.Topology) network.BitRate {
	rate := network.BitRate(0)
	for i := range t.Links {
		for _, x := range []network.BitRate{t.Links[i].AtoB.Rate, t.Links[i].BtoA.Rate} {
			if rate == 0 || x < rate {
				rate = x
			}
		}
	}
	return rate
}

// parseWireBytes reads the size of a packet on the wire.
func parseWireBytes(text string) (int32, error) {
	v, err := parseSize(text)
	switch {
	case err != nil:
		return 0, err
	case v == 0:
		return 0, fmt.Errorf("a packet has at least 1B")
	case v > math.MaxInt32:
		return 0, fmt.Errorf("size %q is above the largest packet", text)
	}
	return int32(v), nil
}

func (s *Scenario) writeQJump(w *writer) {
	q := s.QJump
	if q == nil {
		return
	}
	w.open("qjump")
	w.line("packet: %s", formatSize(int64(q.Table.Packet)))
	w.line("rate: %s", formatRate(q.Table.Rate))
	w.line("epsilon: %v", q.Table.Epsilon)
	w.line("semantics: %v", q.Table.Semantics)
	w.line("limiter: %v", q.Limiter)
	w.line("excess: %v", q.Excess)
	if q.Limiter == qjump.FixedWindow && q.RandomPhase {
		w.line("phase: %s", randomPhase)
	} else if q.Limiter == qjump.FixedWindow {
		w.line("phase: %v", q.Phase)
	}
	w.line("processing: %v", q.Processing)
	if len(q.Phases) > 0 {
		w.list("phases", len(q.Phases), func(i int) {
			p := q.Phases[i]
			w.line("{host: %s, priority: %d, phase: %v}", quoted(s.Network.Topology.Names[p.Host]), p.Priority, p.Phase)
		})
	}
	w.list("levels", len(q.Table.Levels), func(i int) {
		w.line("priority: %d", q.Table.Levels[i].Priority)
		w.line("factor: %d", q.Table.Levels[i].Factor)
	})
	w.shut()
}
