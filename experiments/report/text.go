package report

import (
	"fmt"
	"io"
	"strings"

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
	section("Who was suspected wrongly", mistakeTable(r))
	section("By whom, the pairs with most mistakes", pairTable(r, 3))
	section("How fast crashes were seen, from the crash to the suspicion that stayed", detectionTable(r))
	section("What class was met (* promised by the author; ? not decided by a run of this length)", classTable(r))
	section("Why not", reasonTable(r))
	section("The levels of QJUMP: from the release by the sender's limiter to delivery", levelTable(r))
	section("Where their bounds come from", derivationTable(r))
	section("How long packets took, from the sender's interface to delivery", latencyTable(r))
	section("What became of the packets", packetTable(r))
	fmt.Fprintf(&b, "\nseed %d  scenario %s  records %s  suspect %s\n", p.Seed, shortHash(p.ScenarioHash), p.StreamHash, Printable(p.Suspect))
	_, err := io.WriteString(w, b.String())
	return err
}

// shortHash returns the beginning of a hash: enough to tell scenarios apart.
func shortHash(h string) string { return h[:min(len(h), 16)] }
