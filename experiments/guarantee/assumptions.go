package guarantee

import (
	"fmt"
	"slices"
	"strings"

	"suspect/model"
	"suspect/network"
	"suspect/qjump"
)

// broken is what breaks an assumption for the levels up to a priority.
type broken struct {
	upTo int // the highest priority that needs it
	why  string
}

// assume adds an assumption of all levels in use. What breaks it withdraws the bounds of
// the levels that need it; the others stand by the same assumption as it is.
func (d *derivation) assume(text string, mark Mark, why string, breaks ...broken) {
	var good, bad []int
	var whys []string
	for i := range d.report.Levels {
		l := &d.report.Levels[i]
		if d.uses[l.Priority].largest == 0 {
			continue
		}
		hit := false
		for _, b := range breaks {
			if l.Priority <= b.upTo {
				hit = true
				if !slices.Contains(whys, b.why) {
					whys = append(whys, b.why)
				}
				if l.Bound != nil {
					if l.Withdrawn != "" {
						l.Withdrawn += "; "
					}
					l.Withdrawn += b.why
				}
			}
		}
		if hit {
			bad = append(bad, l.Priority)
		} else {
			good = append(good, l.Priority)
		}
	}
	if len(bad) > 0 {
		d.report.Assumptions = append(d.report.Assumptions, Assumption{text, Broken, strings.Join(whys, "; "), bad})
	}
	if len(good) > 0 {
		d.report.Assumptions = append(d.report.Assumptions, Assumption{text, mark, why, good})
	}
}

// assumptions lists everything that the bounds rest on.
func (d *derivation) assumptions() {
	if len(d.provedFor) == 0 {
		return
	}
	t, r, q := &d.Network.Topology, d.report, d.QJump
	highest := r.Levels[d.provedFor[0]].Priority

	d.assume("every packet of a level passes the limiter of its host, and nothing without a limiter is sent above a level",
		Derived, "all that is sent at these priorities and above passes one", d.past()...)
	d.assume("every host has one limiter for each level", Derived, "no traffic has limiters of its own", d.own()...)
	d.assume("no more limiters than are counted send packets that meet at a port", Derived, d.counted())
	d.assume("the levels fit the links: no port is offered more than it carries", Derived, r.Admission.Reason, d.overloaded()...)

	sizes := "with header, tag, check, preamble and gap, as framing: ethernet adds them"
	mark := Derived
	if d.Network.Framing == network.Bare {
		sizes, mark = "framing: bare adds nothing to the sizes of the scenario", Given
	}
	d.assume("packet sizes are those on the wire", mark, sizes)
	d.assume(fmt.Sprintf("no packet of a level has more than P = %d B", r.Packet), Derived, d.largest(true))
	d.assume("no frame of a lower priority is larger than is counted", Derived, d.largest(false))

	d.assume(fmt.Sprintf("no link is slower than R = %v", rateText(q.Table.Rate)), Derived, fmt.Sprintf("the slowest has %s, and each port is counted at its own rate", rateText(slowestLink(t))), d.slowLinks(highest)...)
	d.assume("link rates do not decrease from the edge to the core", Derived, d.coreRates())
	d.assume("propagation and processing take no longer than the delays of the links", Given, "the delays of links in the scenario stand for both; a limiter's own processing comes before its release")
	d.assume("no queue of a level overflows", Derived, d.buffers(), d.overflows()...)
	d.assume("ports send whole frames, the highest priority first, and each priority in the order of arrival", NotModelled, "every port here does, at hosts and switches")
	d.assume("no limiter's clock is faster than is counted", Derived, d.clockText(), d.steps(highest)...)
	d.assume("no packet is lost on a link", Derived, "no link loses packets, or goes down", d.losses(highest)...)
	d.assume("no switch or host holds packets back to control flows (802.3x, PFC), and no network card sends packets again", NotModelled, "nothing here does")
	if len(d.Detectors) > 0 {
		d.assume("detectors send no message of another size or priority than the usual ones", Given,
			fmt.Sprintf("message_size is %d B and the priority %d; what else a detector sends, and whether it asks for another priority, is known to it alone", d.Network.MessageBytes, d.Monitor.Priority))
	}
	d.assume("faults do not change when packets are sent and served", Derived, d.faults(), d.otherFaults(highest)...)
}

// past returns what is sent without a limiter at a level or above it.
func (d *derivation) past() (list []broken) {
	if use := d.Network.Routing.Use; use == network.LinkStateRouting || use == network.SpanningTreeBridging {
		list = append(list, broken{model.Priorities - 1, fmt.Sprintf("the switches' routing (%v) sends at priority %d, which no limiter knows", use, model.Priorities-1)})
	}
	for p := len(d.uses) - 1; p >= 0; p-- {
		u := &d.uses[p]
		if _, is := d.QJump.Level(model.Priority(p)); !is && u.largest > 0 {
			list = append(list, broken{p - 1, fmt.Sprintf("%s sends at priority %d, which has no limiter", u.source, p)})
		}
		for _, x := range u.past {
			list = append(list, broken{p, fmt.Sprintf("%s goes past the limiters at priority %d", x, p)})
		}
	}
	if d.Network.Evidence.Any() { // at whatever priority: its packets are not counted
		list = append(list, broken{model.Priorities - 1, "evidence: hosts and switches send packets past the limiters"})
	}
	return list
}

// own returns which hosts have more than one limiter, and what is proved where all of
// them are counted.
func (d *derivation) own() (list []broken) {
	all := *d.nominal
	all.Classes = slices.Clone(all.Classes)
	for i := range all.Classes {
		all.Classes[i].Limiters = d.uses[all.Classes[i].Priority].limiters
	}
	var bounds []qjump.NetworkBounds
	var err error
	for p := len(d.uses) - 1; p >= 0; p-- {
		u := &d.uses[p]
		if len(u.own) == 0 {
			continue
		}
		if bounds == nil && err == nil {
			bounds, err = all.Bounds()
		}
		counted := "with all of them counted there is no bound"
		if err != nil {
			counted += ": " + reason(err)
		}
		for i := range bounds {
			if int(all.Classes[i].Priority) == p {
				counted = fmt.Sprintf("with all of them counted the bound at priority %d is %v", p, bounds[i].Flows[0].Delay)
			}
		}
		list = append(list, broken{p, fmt.Sprintf("limiters of their own at priority %d: %s; %s", p, strings.Join(u.own, ", "), counted)})
	}
	return list
}

// counted says how many limiters meet.
func (d *derivation) counted() string {
	var parts []string
	for i, b := range d.bounds {
		most := b.Ports[0]
		for _, p := range b.Ports {
			if p.Senders > most.Senders {
				most = p
			}
		}
		from, to := d.Network.Topology.Ends(most.Link)
		parts = append(parts, fmt.Sprintf("priority %d: up to %d meet, at %s→%s", d.nominal.Classes[i].Priority, most.Senders, d.Network.Topology.Names[from], d.Network.Topology.Names[to]))
	}
	if parts == nil {
		return "from the traffic and who watches whom"
	}
	return strings.Join(parts, "; ") + ", by the traffic and who watches whom"
}

// overloaded returns the levels that have no bound as the links do not carry them.
func (d *derivation) overloaded() []broken {
	if d.unbounded == nil {
		return nil
	}
	return []broken{{int(d.unbounded.Priority), d.unbounded.Why}}
}

// largest names the largest packets of levels, or frames of what has no limiter.
func (d *derivation) largest(levels bool) string {
	var parts []string
	for p := len(d.uses) - 1; p >= 0; p-- {
		u := &d.uses[p]
		if _, is := d.QJump.Level(model.Priority(p)); u.largest > 0 && (is && len(u.past) == 0) == levels {
			parts = append(parts, fmt.Sprintf("%d B at priority %d, of %s", u.largest, p, u.source))
		}
	}
	if parts == nil {
		return "there is nothing without a limiter; the lower levels have P"
	}
	return "the largest are " + strings.Join(parts, "; ")
}

func slowestLink(t *network.Topology) network.BitRate {
	least := network.MaxRate
	for i := range t.Links {
		least = min(least, t.Links[i].AtoB.Rate, t.Links[i].BtoA.Rate)
	}
	return least
}

// slowLinks returns the links that are slower than R.
func (d *derivation) slowLinks(highest int) []broken {
	var names []string
	more := 0
	t := &d.Network.Topology
	for l := range network.LinkID(2 * len(t.Links)) {
		if c := linkOf(t, l); c.Rate < d.QJump.Table.Rate {
			if len(names) < 3 {
				names = append(names, fmt.Sprintf("%s has %s", portName(t, l), rateText(c.Rate)))
			} else {
				more++
			}
		}
	}
	if names == nil {
		return nil
	}
	text := strings.Join(names, ", ")
	if more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return []broken{{highest, text}}
}

// coreRates says whether links between switches are as fast as those of hosts.
func (d *derivation) coreRates() string {
	t := &d.Network.Topology
	edge := network.BitRate(0)
	for i := range t.Links {
		if l := &t.Links[i]; int(l.A) < t.Hosts || int(l.B) < t.Hosts {
			edge = max(edge, l.AtoB.Rate, l.BtoA.Rate)
		}
	}
	for l := range network.LinkID(2 * len(t.Links)) {
		from, to := t.Ends(l)
		if c := linkOf(t, l); int(from) >= t.Hosts && int(to) >= t.Hosts && c.Rate < edge {
			return fmt.Sprintf("they do: %s has %s, and a host's link %s; the bounds hold, as each port is counted at its own rate, but the published figure needs it", portName(t, l), rateText(c.Rate), rateText(edge))
		}
	}
	return "no link between switches is slower than a host's; only the published figure needs it, as each port is counted at its own rate"
}

// buffers says what is needed at most.
func (d *derivation) buffers() string {
	var parts []string
	for i, place := range d.provedFor {
		if i < len(d.bounds) {
			b := d.report.Levels[place].Bound
			parts = append(parts, fmt.Sprintf("priority %d needs %d B at hosts and %d B at switches", d.nominal.Classes[i].Priority, b.HostBacklog, b.Backlog))
		}
	}
	return strings.Join(append(parts, "every queue has that or no limit"), "; ")
}

// overflows returns the queues that are too small.
func (d *derivation) overflows() (list []broken) {
	t := &d.Network.Topology
	for i, b := range d.bounds {
		short := 0
		first := ""
		for _, p := range b.Ports {
			buffer := linkOf(t, p.Link).Buffer
			if buffer.Bytes > 0 && buffer.Bytes < p.Backlog || buffer.Packets > 0 && int64(buffer.Packets) < p.Packets {
				if short++; short == 1 {
					has := fmt.Sprintf("%d B", buffer.Bytes)
					if buffer.Bytes == 0 {
						has = fmt.Sprintf("%d packets", buffer.Packets)
					}
					first = fmt.Sprintf("the queue of %s holds %s of priority %d, and up to %d packets with %d B can wait there",
						portName(t, p.Link), has, d.nominal.Classes[i].Priority, p.Packets, p.Backlog)
				}
			}
		}
		if short > 1 {
			first += fmt.Sprintf(" (%d queues are too small)", short)
		}
		if short > 0 {
			// A packet that is lost delays nobody: the levels below stand.
			list = append(list, broken{int(d.nominal.Classes[i].Priority), first})
		}
	}
	return list
}

// clockText says by how much clocks are fast.
func (d *derivation) clockText() string {
	ppm, pieces := d.drift()
	if ppm == 0 && pieces == 0 {
		return "the clocks of hosts show true time"
	}
	return fmt.Sprintf("at most %d ppm fast, by clocks and faults; epochs are counted so much shorter", ppm)
}

// steps returns the faults that make a clock jump.
func (d *derivation) steps(highest int) (list []broken) {
	for i, f := range d.Faults {
		if f.Spec.Name == "clock-step" && !strings.HasPrefix(strings.TrimSpace(f.Params.Text("step")), "-") {
			list = append(list, broken{highest, fmt.Sprintf("faults[%d]: the clock of %s jumps ahead by %s, and an epoch with it", i, f.Params.Text("host"), f.Params.Text("step"))})
		}
	}
	return list
}

// losses returns what loses packets.
func (d *derivation) losses(highest int) (list []broken) {
	t := &d.Network.Topology
	lossy := 0
	for l := range network.LinkID(2 * len(t.Links)) {
		if c := linkOf(t, l); c.Loss != (network.Loss{}) {
			if lossy++; lossy == 1 {
				list = append(list, broken{highest, fmt.Sprintf("%s loses packets", portName(t, l))})
			}
		}
	}
	if lossy > 1 {
		list[0].why += fmt.Sprintf(", and %d more do", lossy-1)
	}
	for i, f := range d.Faults {
		if f.Spec.LosesWith(f.Params) {
			list = append(list, broken{highest, fmt.Sprintf("faults[%d]: %s", i, f.Spec.Name)})
		}
	}
	for i := range d.Generators {
		g := &d.Generators[i]
		if g.Strikes(func(f network.FaultSpec) bool { return f.Loses }) {
			list = append(list, broken{highest, fmt.Sprintf("generators[%d]: %s", i, g.Spec.Name)})
		}
	}
	if len(d.otherFaults(highest)) > 0 {
		return list
	}
	for i := range list {
		list[i].why += "; packets that arrive are in time all the same"
	}
	return list
}

// faults says what faults there are that the bounds need not mind.
func (d *derivation) faults() string {
	var names []string
	for _, f := range d.FaultKinds() {
		if !slices.Contains(names, f.Name) && !isOther(f) {
			names = append(names, f.Name)
		}
	}
	if names == nil {
		return "there are none"
	}
	return strings.Join(names, ", ") + ": who is down, slow or paused sends less, and what a process does after the last bit is not in the bound"
}

// otherFaults returns those that are not part of the analysis, since packets that arrive may
// be late by them.
func (d *derivation) otherFaults(highest int) (list []broken) {
	if d.Network.Routing.Use == network.FailureCarrying && slices.ContainsFunc(d.FaultKinds(), func(f network.FaultSpec) bool { return f.Loses }) {
		list = append(list, broken{highest, "packets that meet a failed link carry it in their header and go another way (failure-carrying routing)"})
	}
	for i := range d.Faults {
		if f := &d.Faults[i]; isOther(f.Spec) {
			list = append(list, broken{highest, fmt.Sprintf("faults[%d]: %s is not part of the analysis", i, f.Spec.Name)})
		}
	}
	for i := range d.Generators {
		if g := &d.Generators[i]; g.Strikes(isOther) {
			list = append(list, broken{highest, fmt.Sprintf("generators[%d]: %s has faults that are not part of the analysis", i, g.Spec.Name)})
		}
	}
	return list
}

// isOther tells whether packets may be late by a fault, on links or by a way that is not theirs.
func isOther(f network.FaultSpec) bool {
	return (!f.Loses || f.Retimes || f.Name == "misorigination") && !slices.Contains([]string{"process-crash", "process-exit", "host-crash", "host-slow", "pause", "wedge", "clock-drift", "clock-step"}, f.Name)
}

func portName(t *network.Topology, l network.LinkID) string {
	from, to := t.Ends(l)
	return t.Names[from] + "→" + t.Names[to]
}

// rateText writes a rate in the largest unit that leaves a whole number.
func rateText(r network.BitRate) string {
	for _, u := range []struct {
		size network.BitRate
		name string
	}{{network.Gbps, "Gbps"}, {network.Mbps, "Mbps"}, {network.Kbps, "Kbps"}} {
		if r >= u.size && r%u.size == 0 {
			return fmt.Sprintf("%d%s", r/u.size, u.name)
		}
	}
	return fmt.Sprintf("%dbps", r)
}
