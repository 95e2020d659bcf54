package report

import (
	"cmp"
	"fmt"
	"strings"

	"suspect/experiments/run"
	"suspect/model"
)

// page returns report.md.
func page(in Input, figures figureSet) []byte {
	r := in.Results
	p := r.Provenance
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	section := func(title, about string, t *table) {
		if len(t.rows) == 0 {
			return
		}
		line("## %s\n", title)
		if about != "" {
			line("%s\n", about)
		}
		line("%s", t.markdown())
	}

	line("# %s\n", markdown(p.Scenario))
	line("**%s**\n", headline(r))
	line("%s, seed %d.\n", extent(r), p.Seed)
	for _, w := range warnings(r) {
		line("> **%s**\n", markdown(w))
	}
	if p.About != "" {
		for _, l := range strings.Split(strings.TrimSpace(p.About), "\n") {
			line("> %s", markdown(strings.TrimSpace(l)))
		}
		line("")
	}
	section("Expectations", "", expectationTable(r))
	if x := in.Latency; x != nil {
		line("## Latency bounds\n")
		line("**%s**\n", markdown(x.headline()))
		for i := range x.Guarantee.Levels {
			line("- %s", markdown(x.verdict(i)))
		}
		line("\n[%s](%s) has the assumptions, the derivation, ports and flows.\n", LatencyFile, LatencyFile)
		if t := x.measuredTable(); len(t.rows) > 0 {
			line("%s", t.markdown())
		}
	}
	section("Detectors", "Messages and bytes are those that one process sends in a second; detectors that share heartbeats each pay for all of them.", detectorTable(r))
	for _, d := range r.Detectors {
		for _, c := range d.Claims {
			line("- %s promises class `%s` under: %s", markdown(d.Name), c.Class, markdown(c.Under))
		}
	}
	line("")

	section("Who was suspected wrongly",
		"A mistake is a suspicion that begins, after the warm-up, while its process is up; one that outlasts a recovery is none, but lowers the accuracy. The rate is per hour of one monitored pair; "+
			"its 95% interval has the outer ends of two: Student's with replications as clusters, and Garwood's, which is exact for a Poisson process. Accuracy is the share of time in which a process that was up was trusted (P\\_A of Chen, Toueg and Aguilera).",
		mistakeTable(r))
	section("The pairs with most mistakes", "", pairTable(r, 20))
	if in.Worst != nil {
		worst(&b, in.Worst)
	}

	section("How fast crashes were seen",
		"The time from a crash to the suspicion that is not taken back (T\\_D), for each crash and each monitor that is up all the time. The mean is over all of them, its interval Student's with replications as clusters.", detectionTable(r))
	for _, d := range r.Detectors {
		for _, s := range unseen(&d.Detection) {
			line("- %s: %s", markdown(d.Name), markdown(s))
		}
	}
	line("")
	if figures.detection {
		line("![Detection time of each detector](detection.svg)\n")
	}

	section("Which failures there were",
		"The ground truth, from the state of the network: how often each kind of failure held between two processes, and for how long, summed over the ordered pairs; there, back or both ways for kinds that have a direction.", truthTable(r))
	section("Where definitions of congestion differ", "Disagreement is the share of all pair-time in which one of the two says that there is congestion and the other does not.", rivalTable(r))
	section("What was said of failures",
		"An episode is a longest time in which one kind is the label of what holds between two processes. Right are those of which the detector said that kind when they ended, or after the bound on detection if that came first, with the exact interval of Clopper and Pearson; the times are medians over the episodes in which there was such a word.", kindTable(r))
	section("What these words are worth",
		"A false report is one made when nothing held nor had held in the last second, with Garwood's interval. Bits are the mutual information of what held and what was said, of the entropy of what held.", informationTable(r))
	section("What class was met",
		"The classes of Chandra and Toueg. A star marks what the detector's author promises; ? is what a run of this length did not decide, and is not a pass.", classTable(r))
	section("Properties", "Exercised tells how often the property could have failed; a vacuous one never could.", propertyTable(r))
	for _, x := range judgements(r) {
		if x.Outcome != "violated" || len(x.Witness) == 0 {
			continue
		}
		line("%s violates %s in replication %d:\n", markdown(cmp.Or(x.detector, "The network")), markdown(propertyName(x.Property)), x.Replication)
		block(&b, x.Witness)
	}

	section("How long packets took",
		fmt.Sprintf("From the sender's network interface to delivery%s, after the warm-up. Minimum and maximum are exact, quantiles to %s of their size.", limiterWait(r), quantileError(r)),
		latencyTable(r))
	if figures.latency {
		line("![Distribution of packet latency, and its tail](latency.svg)\n")
	}
	section("What became of the packets", "Over the whole run, warm-up included.", packetTable(r))
	line("Conservation of packets: %s, %s.\n", r.Conservation.Outcome, markdown(r.Conservation.Reason))

	line("## What this is not\n")
	line("A simulated maximum is not a worst case, and no mistake in a run is no proof that none can happen. The results speak of the network, load and faults of [scenario.yaml](scenario.yaml) alone.\n")

	line("## Provenance\n")
	t := newTable("", "")
	t.add("suspect", p.Suspect)
	t.add("Go", p.Go+" "+p.Architecture)
	t.add("seed", fmt.Sprint(p.Seed))
	t.add("hash of the scenario", p.ScenarioHash)
	t.add("hash of the records", p.StreamHash)
	t.add("replications", fmt.Sprintf("%d, %s%s", r.Replications.Count, r.Replications.Stopped, precision(r)))
	t.add("events, records, hops", fmt.Sprintf("%s, %s, %s", Count(int64(p.Events)), Count(int64(p.Records)), Count(int64(p.Hops))))
	line("%s", t.markdown())
	again := fmt.Sprintf("All files but %s come out with the same bytes.", MachineFile)
	if x := r.Replications.Truncated; x != nil && !x.Reproducible {
		again = "As a limit of this machine truncated the run, the results may be others."
	}
	line("The same again: `suspect run scenario.yaml` by suspect %s, with the resolved scenario of this directory. %s", markdown(p.Suspect), again)
	return []byte(b.String())
}

// worst explains a mistake: the figure, the reason, and the records.
func worst(b *strings.Builder, x *run.Explanation) {
	m := x.Mistake
	fmt.Fprintf(b, "### The worst mistake, explained\n\n")
	fmt.Fprintf(b, "%s at %s suspected %s from %s on, for %s, in replication %d.\n\n", markdown(x.Detector),
		markdown(m.Monitor), markdown(m.Peer), Duration(model.Duration(m.From)), lasted(&m), m.Replication)
	fmt.Fprintf(b, "![Messages between the two processes around the mistake](worst-mistake.svg)\n\n")
	block(b, x.Text)
}

// block writes lines as they are, in a code block that they cannot end.
func block(b *strings.Builder, lines []string) {
	for _, l := range lines {
		b.WriteString("    " + Printable(l) + "\n")
	}
	b.WriteString("\n")
}

func quantileError(r *run.Results) string {
	for _, l := range latencies(r) {
		return share(l.QuantileError)
	}
	return "0%"
}
