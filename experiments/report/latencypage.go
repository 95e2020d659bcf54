package report

import (
	"fmt"
	"strings"

	"suspect/experiments/worstcase"
)

// LatencyFile is the page on the latency bounds, which can be signed.
const LatencyFile = "latency.md"

// How many rows of each level the page has; the CSV files have all.
const (
	mostPorts = 8
	mostFlows = 8
	mostSends = 16
)

// LatencyFiles returns the files on the latency bounds of a scenario.
func LatencyFiles(x *Latency) []File {
	files := []File{
		{LatencyFile, nil},
		{"guarantee.json", JSON(x.Guarantee)},
		{"levels.csv", levelsCSV(x)},
		{"ports.csv", portsCSV(x)},
		{"flows.csv", flowsCSV(x)},
		{"curves.csv", curvesCSV(x.Curves)},
	}
	var figures latencyFigures
	add := func(name string, svg []byte) bool {
		if svg != nil {
			files = append(files, File{name, svg})
		}
		return svg != nil
	}
	figures.distribution = add("bounds.svg", x.distributionFigure())
	figures.backlog = add("backlog.svg", x.backlogFigure())
	figures.curves = add("curves.svg", x.curveFigure())
	if x.Slowest != nil {
		add("slowest.svg", x.slowestFigure(x.Slowest))
	}
	for i := range x.Worst {
		if w := &x.Worst[i]; w.Refused == "" {
			files = append(files, File{w.File(), w.Scenario()})
		}
	}
	for _, c := range x.Counterexamples {
		files = append(files, File{c.File(), c.Scenario()})
	}
	files[0].Data = x.page(figures)
	return files
}

type latencyFigures struct{ distribution, backlog, curves bool }

// page returns the page on the latency bounds.
func (x *Latency) page(figures latencyFigures) []byte {
	g := x.Guarantee
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	section := func(title, about string, t *table) bool {
		if len(t.rows) == 0 {
			return false
		}
		line("## %s\n", title)
		if about != "" {
			line("%s\n", about)
		}
		line("%s", t.markdown())
		return true
	}

	line("# Latency bounds of %s\n", markdown(x.Source.Scenario))
	line("**%s**\n", markdown(x.headline()))
	for i := range g.Levels {
		line("- %s", markdown(x.verdict(i)))
	}
	line("")
	if x.Results == nil {
		line("Nothing was run: this is what follows from the scenario alone.\n")
	} else {
		line("Measured in %s, seed %d.\n", extent(x.Results), x.Source.Seed)
	}

	section("What it rests on",
		"Given is what the scenario or its author says and nothing here can tell; derived is what follows from the scenario; not modelled is what the simulator has nothing to break with, and a real network may; "+
			"BROKEN is what the scenario breaks, and what needs it is withdrawn.", assumptionTable(g))

	line("## Where the bounds come from\n")
	line("n = %d hosts, P = %d B on the wire, R = %s on the slowest link, epsilon = %v in the epochs; %s, limiters of kind %s, excess: %s. The time goes from a packet's release by its limiter to its last bit at the receiver. In the formulas eps is the delay of the links on the way; of what each port takes, Ports has the parts.\n",
		g.Hosts, g.Packet, bitRate(float64(g.Rate)), g.Epsilon, g.Semantics, g.Limiter, g.Excess)
	for i := range g.Levels {
		l := &g.Levels[i]
		if l.Bound == nil {
			line("- Priority %d: no bound: %s", l.Priority, markdown(l.Refused))
			continue
		}
		line("- Priority %d, %s in each %v; %s, %s: %s", l.Priority, Plural(l.Budget, "packet", "packets"), l.Epoch, l.Bound.Status, markdown(l.Bound.Method), markdown(l.Bound.Formula))
		line("  - %s", markdown(l.Bound.Numbers))
		if l.Bound.Frame > 0 {
			line("  - L is a frame of %d B on the wire, the largest of a lower priority.", l.Bound.Frame)
		}
	}
	line("\nAdmission: %s\n", markdown(g.Admission.Reason))

	about := "Published is n\\*P/R + eps, without frames below, other levels and the kind of limiter: it is no guarantee. Exact says that the bound is known to be attained, proved that no packet is later if the assumptions hold."
	if x.Results != nil {
		about += " The measured maximum is exact, quantiles are to " + x.quantileError() + " of their size. Lost counts what limiters refused too. The last two columns are the most that waited at any port of the level, and its bound, in bytes on the wire."
	}
	section("Levels", about, x.classTable())
	var waits []string
	for i := range g.Levels {
		if m := x.measured(i); m != nil && m.FromSending.Count > 0 {
			waits = append(waits, fmt.Sprintf("%v at priority %d", m.FromSending.Max, g.Levels[i].Priority))
		}
	}
	if len(waits) > 0 {
		line("With the wait for its limiter, which no bound here speaks of, the slowest packet took %s.\n", strings.Join(waits, ", "))
	}
	if figures.distribution {
		line("![Latency of each level, with its bound](bounds.svg)\n")
	}

	if d := x.Slowest; d != nil {
		p := d.Packet
		line("## The packet closest to its bound\n")
		line("Of priority %d: packet %d of replication %d, from %s to %s, sent at %v. It waited %v for its limiter, and took %v from there.\n", d.Priority, p.Packet, p.Replication,
			markdown(p.From), markdown(p.To), p.Sent.Sub(0), d.Limiter, p.Delivered.Sub(p.Released))
		line("%s", dissectionTable(d).markdown())
		line("![What the packet spent its time on](slowest.svg)\n")
	}

	ports, left := x.portTable(mostPorts)
	if section("Ports", "Ports with the same guarantee are one line. The delay is that at the port, with the transmission; the jitter is by how much more than others a packet can be late before it gets there."+leftOut(left, "line", "lines", "ports.csv"), ports) && figures.backlog {
		line("![Backlog at ports, and its bound](backlog.svg)\n")
	}
	flows, left := x.flowTable(mostFlows)
	section("Flows", "Pairs of hosts with the same guarantee are one line."+leftOut(left, "line", "lines", "flows.csv"), flows)

	if figures.curves {
		line("## What the bound depends on\n")
		line("Each point is the bound of the scenario with that one change. Marks are at the scenario itself; [curves.csv](curves.csv) has the numbers.\n")
		line("![Bounds against the number of hosts, packet size, rate and factor](curves.svg)\n")
	} else if x.Curves == nil {
		line("## What the bound depends on\n")
		line("There are no curves: the network is too large to derive its bounds many times over. `suspect bound` answers for any one change by `--set`.\n")
	}

	x.adversary(&b)
	x.counterexamples(&b)

	line("## What this report is not\n")
	for _, s := range notThis {
		line("- %s", s)
	}
	line("")
	line("## Identity and signature\n")
	t := newTable("", "")
	t.add("scenario", x.Source.Scenario)
	t.add("hash of the scenario", x.Source.ScenarioHash)
	if x.Results != nil {
		t.add("hash of the records", x.Results.Provenance.StreamHash)
	} else {
		t.add("hash of the records", "none: nothing was run")
	}
	t.add("seed", fmt.Sprint(x.Source.Seed))
	t.add("suspect", x.Source.Suspect)
	t.add("Go", x.Source.Go+" "+x.Source.Architecture)
	line("%s", t.markdown())
	line("The same again: `suspect %s scenario.yaml`, with the resolved scenario of this directory.\n", x.verb())
	line("I have checked the assumptions that are given or not modelled for the network this is to be used on.\n")
	line("    Name ______________________   Date ______________   Signature ______________________")
	return []byte(b.String())
}

func (x *Latency) verb() string {
	if x.Results == nil {
		return "bound"
	}
	return "run"
}

// leftOut tells how many rows a table leaves out, and where they are.
func leftOut(n int, one, many, file string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" Left out: %s with smaller bounds, which are in [%s](%s).", Plural(int64(n), one, many), file, file)
}

func (x *Latency) quantileError() string {
	if x.Results != nil {
		for _, l := range x.Results.Levels {
			if l.Latency.Count > 0 {
				return share(l.Latency.QuantileError)
			}
		}
	}
	return "0%"
}

// adversary shows the worst schedules that were found.
func (x *Latency) adversary(b *strings.Builder) {
	if len(x.Worst) == 0 {
		return
	}
	fmt.Fprintf(b, "## The adversary's best schedules\n\n")
	fmt.Fprintf(b, "A search over phases, windows and background frames for the schedule under which a packet is latest, begun at the critical instant. What it found is attained: the true worst case lies between it and the bound. `suspect run` replays the schedules to the picosecond.\n\n")
	fmt.Fprintf(b, "%s\n", x.worstTable().markdown())
	for i := range x.Worst {
		w := &x.Worst[i]
		if w.Refused != "" {
			fmt.Fprintf(b, "Priority %d was not searched: %s.\n\n", w.Priority, markdown(w.Refused))
			continue
		}
		fmt.Fprintf(b, "The schedule for priority %d:\n\n", w.Priority)
		for _, p := range w.Phases {
			fmt.Fprintf(b, "- windows of %s at priority %d begin at %v\n", markdown(p.Host), p.Priority, p.Phase)
		}
		if len(w.Phases) > 0 {
			fmt.Fprintln(b)
		}
		writeSends(b, w.Sends, w.File())
		for _, n := range w.Notes {
			fmt.Fprintf(b, "- %s\n", markdown(n))
		}
		if len(w.Notes) > 0 {
			fmt.Fprintln(b)
		}
	}
}

// counterexamples shows small schedules under which bounds do not hold.
func (x *Latency) counterexamples(b *strings.Builder) {
	if len(x.Counterexamples)+len(x.NoExample) > 0 {
		fmt.Fprintf(b, "## Counterexamples\n\n")
	}
	for _, s := range x.NoExample {
		fmt.Fprintf(b, "%s\n\n", markdown(s))
	}
	for _, c := range x.Counterexamples {
		fmt.Fprintf(b, "Priority %d: %s\n\n", c.Priority, markdown(c.Text))
		size := fmt.Sprintf("It was shrunk from %s in %s", Plural(int64(c.Before), "packet", "packets"), Plural(int64(c.Runs), "run", "runs"))
		if c.Minimal {
			size += "; each packet of it is needed"
		}
		fmt.Fprintf(b, "The packet takes %v, the bound was %v. %s. `suspect run %s` replays it.\n\n", c.Delay, c.Bound, size, c.File())
		writeSends(b, c.Sends, c.File())
	}
}

func writeSends(b *strings.Builder, sends []worstcase.Send, file string) {
	t, left := sendTable(sends, mostSends)
	fmt.Fprintf(b, "%s\n", t.markdown())
	if left > 0 {
		fmt.Fprintf(b, "%s more in [%s](%s).\n\n", Plural(int64(left), "packet is", "packets are"), file, file)
	}
}

// notThis are the limits of a report on latency bounds, in Markdown.
var notThis = []string{
	"A measured maximum is no worst case, and neither is an adversary's: what is guaranteed is the bound, and that only while every assumption holds.",
	"The bound speaks of the model: switches that store and forward, with an output queue for each priority, strict and non-preemptive, and with nothing else in the way. Switches that share buffers or an internal fabric, pause their neighbours (802.3x, PFC), or forward in software are others.",
	"Propagation and the processing of switches are the delays that the scenario gives its links. On real hardware they vary with the device, its load and its firmware; the largest must be put in.",
	"The network interface is the model's: a frame leaves when the line is free. Real ones fetch by DMA, coalesce interrupts and cut large segments (TSO) behind the limiter, which must be the last on the way.",
	"The bound ends with the last bit at the receiver, and begins at the limiter: the wait for the limiter, the operating systems at both ends and the scheduling of processes are outside of it.",
	"P counts bytes on the wire, with preamble, frame check and gap. A limiter that counts fewer lets more pass.",
	"Nothing is retransmitted here. Frames that bit errors destroy are late for ever.",
}
