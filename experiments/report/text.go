package report

import (
	"fmt"
	"io"
	"strings"

	"suspect/experiments/guarantee"
	"suspect/experiments/run"
)

// Text writes the results as a page for a terminal. It holds nothing that two
// runs of the same scenario, seed and version could differ in.
func Text(w io.Writer, r *run.Results) error {
	var b strings.Builder
	section := func(title string, t *table) {
		if len(t.rows) > 0 {
			fmt.Fprintf(&b, "\n%s\n%s", title, t.text())
		}
	}
	p := r.Provenance
	fmt.Fprintf(&b, "%s: %s\n%s, seed %d\n", Printable(p.Scenario), headline(r), extent(r), p.Seed)
	for _, line := range warnings(r) {
		fmt.Fprintf(&b, "! %s\n", Printable(line))
	}
	section("Expectations", expectationTable(r))
	section("Properties of the network", networkTable(r))
	if r.Guarantee != nil {
		latencyText(&b, &Latency{Guarantee: r.Guarantee, Results: r})
	}
	section("Who was suspected wrongly", mistakeTable(r))
	section("By whom, the pairs with most mistakes", pairTable(r, 3))
	section("How fast crashes were seen, from the crash to the suspicion that stayed", detectionTable(r))
	section("Which failures there were", truthTable(r))
	section("Where definitions of congestion differ", rivalTable(r))
	section("What was said of them", kindTable(r))
	section("What these words are worth", informationTable(r))
	section("What class was met (* promised by the author; ? not decided by a run of this length)", classTable(r))
	section("Why not", reasonTable(r))
	section("How long packets took, from the sender's interface to delivery"+limiterWait(r), latencyTable(r))
	section("What became of the packets", packetTable(r))
	fmt.Fprintf(&b, "\nseed %d  scenario %s  records %s  suspect %s\n", p.Seed, shortHash(p.ScenarioHash), p.StreamHash, Printable(p.Suspect))
	_, err := io.WriteString(w, b.String())
	return err
}

// BoundText writes what a scenario's levels are promised as a page for a terminal.
func BoundText(w io.Writer, x *Latency) error {
	var b strings.Builder
	g := x.Guarantee
	fmt.Fprintf(&b, "%s: latency bounds of QJUMP on %s\n", Printable(x.Source.Scenario), Plural(int64(g.Hosts), "host", "hosts"))
	latencyText(&b, x)
	if lines := assumptionLines(g); len(lines.rows) > 0 {
		fmt.Fprintf(&b, "\nWhat it rests on\n%s", lines.text())
	}
	fmt.Fprintf(&b, "\nscenario %s  suspect %s\n", shortHash(x.Source.ScenarioHash), Printable(x.Source.Suspect))
	_, err := io.WriteString(w, b.String())
	return err
}

// latencyText writes the verdicts on the levels, their bounds and what was measured.
func latencyText(b *strings.Builder, x *Latency) {
	g := x.Guarantee
	section := func(title string, t *table) {
		if len(t.rows) > 0 {
			fmt.Fprintf(b, "\n%s\n%s", title, t.text())
		}
	}
	fmt.Fprintf(b, "\n%s\n", Printable(x.headline()))
	for i := range g.Levels {
		fmt.Fprintf(b, "  %s\n", Hang(x.verdict(i), 4))
	}
	section("The levels of QJUMP: from the release by the sender's limiter to the last bit at the receiver", x.levelTable())
	section("What was measured of them", x.measuredTable())
	section("Where their bounds come from", derivationTable(g))
	if x.Results != nil && len(g.Assumptions) > 0 {
		fmt.Fprintf(b, "\n%s\n", assumptionCounts(g))
		for _, a := range g.Assumptions {
			if a.Mark == guarantee.Broken {
				fmt.Fprintf(b, "  BROKEN: %s\n", Hang(a.Text+" – "+a.Why, 10))
			}
		}
	}
}

// limiterWait says of times since the sending that they have the wait for limiters too.
func limiterWait(r *run.Results) string {
	if r.Guarantee == nil {
		return ""
	}
	return ", with the wait for a limiter"
}

// derivationTable tells for each level with a bound how that was derived.
func derivationTable(g *guarantee.Report) *table {
	t := newTable(">priority", "how the bound was derived")
	for i := range g.Levels {
		l := &g.Levels[i]
		if b := l.Bound; b != nil {
			how := fmt.Sprintf("%s: %s; that is %s", b.Method, b.Formula, b.Numbers)
			if strings.Contains(b.Formula, "eps") {
				how += "; eps are the delays of the links on the way"
			}
			if b.Frame > 0 {
				how += fmt.Sprintf("; L is a frame of %d B", b.Frame)
			}
			t.add(fmt.Sprint(l.Priority), how)
		}
	}
	return t
}

// shortHash returns the beginning of a hash: enough to tell scenarios apart.
func shortHash(h string) string { return h[:min(len(h), 16)] }
