package reproduce

import (
	"fmt"
	"slices"
	"strings"

	"suspect/model"
	"suspect/properties"
)

// What the detector that joins the evidence is held to: that it tells the four kinds of list
// A apart, by intervals of 95 %.
const (
	leastRecall   = 0.6  // the lower end
	mostConfusion = 0.25 // the upper end, with another of the four
	leastRuns     = 6    // with such failures; of fewer nothing follows
)

// row returns a detector, if it is there.
func (m *matrix) row(name string) (*matrixRow, bool) {
	rows := m.rows()
	i := slices.IndexFunc(rows, func(r *matrixRow) bool { return r.name == name })
	if i < 0 {
		return nil, false
	}
	return rows[i], true
}

// has tells whether all the faults were wanted.
func (m *matrix) has(names ...string) bool {
	for _, name := range names {
		if !slices.ContainsFunc(m.faults, func(f *matrixFault) bool { return f.name == name }) {
			return false
		}
	}
	return true
}

// check adds what is expected of detectors by their own descriptions.
func (m *matrix) check(d *Document) {
	if r, ok := m.row("merger"); ok {
		m.checkMerger(d, r)
	}
	if r, ok := m.row("untyped-partition"); ok {
		other := 0
		sum := told(r.all(anyFault))
		for k := range sum.Episodes {
			for j, n := range sum.Episodes[k] {
				if model.FailureKind(j) != model.Partition && model.FailureKind(j) != properties.NoKind {
					other += int(n)
				}
			}
		}
		d.check("untyped-partition: failures called anything but partition", "0", fmt.Sprint(other), other == 0, "it knows but one kind: its matrix has one column")
	}
	if r, ok := m.row("link-state"); ok {
		m.blind(d, r, "routers do not see processes", "process crash", "OS crash", "pause", "wedge")
	}
	if r, ok := m.row("host-informed"); ok {
		m.neverSays(d, r, "hosts know nothing of the network", model.FailuresOf(model.Congestion, model.RouteFailure, model.Partition), "incast", "fabric link", "rack cut off")
	}
	if r, ok := m.row("timeout"); ok {
		m.blind(d, r, "the process answers", "wedge")
	}
	if r, ok := m.row("badabing"); ok && m.has(noFault) {
		n := told(r.all(noneAtAll)).FalseReports()
		d.check("badabing, no fault: false congestion", "0", fmt.Sprint(n), n == 0, "there is no loss")
	}
	if r, ok := m.row("falcon"); ok {
		m.checkFalcon(d, r)
	}
	m.checkLastHop(d)
	if r, ok := m.row("albatross"); ok {
		sum := told(r.all(someFault))
		n := sum.FalseReports()
		d.check("albatross: reports between processes that are connected", "0", fmt.Sprint(n), n == 0, "what is reported disconnected is made so, before")
	}
}

// checkMerger tells whether list A is told apart.
func (m *matrix) checkMerger(d *Document, r *matrixRow) {
	runs := r.all(anyFault)
	for _, k := range matrixKinds {
		var others model.FailureSet
		for _, j := range matrixKinds {
			if j.name != k.name {
				others |= j.kinds
			}
		}
		for _, c := range []struct {
			what, expected string
			said           model.FailureSet
			agrees         func(properties.Interval) bool
		}{
			{"recall of " + k.name, fmt.Sprintf("lower end >= %.2f", leastRecall), k.kinds, func(in properties.Interval) bool { return in.Low >= leastRecall }},
			{k.name + " called another kind of list A", fmt.Sprintf("upper end <= %.2f", mostConfusion), others, func(in properties.Interval) bool { return in.High <= mostConfusion }},
		} {
			value, in, n, all := share(runs, func(x *properties.Discriminated) (int64, int64) { return groupSaid(x, k.kinds, c.said) })
			with := 0
			for _, x := range runs {
				if _, all := groupSaid(x.discriminated, k.kinds, c.said); all > 0 {
					with++
				}
			}
			measured := fmt.Sprintf("%d of %d = %.3f, from %.3f to %.3f", n, all, value, in.Low, in.High)
			switch {
			case all == 0:
			case with < leastRuns:
				d.notComparable("merger: "+c.what, c.expected, measured, fmt.Sprintf("%d runs with such failures: too few", with))
			default:
				d.check("merger: "+c.what, c.expected, measured, c.agrees(in), "the wider of Clopper and Pearson's interval and Student's over runs")
			}
		}
	}
}

// blind checks that a detector never says anything of faults.
func (m *matrix) blind(d *Document, r *matrixRow, why string, faults ...string) {
	for _, name := range faults {
		if !m.has(name) {
			continue
		}
		pairs, detected := 0, 0
		for _, x := range r.all(named(name)) {
			pairs += len(x.pairs)
			for _, p := range x.pairs {
				if p.detected {
					detected++
				}
			}
		}
		d.check(fmt.Sprintf("%s, %s: pairs of which it says anything", r.name, name), fmt.Sprintf("0 of %d", pairs), fmt.Sprint(detected), detected == 0 && pairs > 0, why)
	}
}

// neverSays checks that a detector says none of some kinds, though there are such failures.
func (m *matrix) neverSays(d *Document, r *matrixRow, why string, kinds model.FailureSet, faults ...string) {
	for _, name := range faults {
		if !m.has(name) {
			continue
		}
		sum := told(r.all(named(name)))
		reports, there := int64(0), int64(0)
		for k := range model.FailureKinds {
			if kinds.Has(k) {
				there += sum.Episodes.Row(k)
				for row := range sum.Reports {
					reports += sum.Reports[row][k]
				}
			}
		}
		d.check(fmt.Sprintf("%s, %s: reports of %v, of %d failures", r.name, name, kinds, there), "0", fmt.Sprint(reports), reports == 0 && there > 0, why)
	}
}

// Faults of the last link of a host that runs, in which Falcon makes its claim for nothing.
var lastLinks = []string{"access link", "NIC receives nothing", "corrupting link"}

// checkFalcon holds Falcon to its guarantee, and to its price.
func (m *matrix) checkFalcon(d *Document, r *matrixRow) {
	var wrong, reports int64
	crashed := model.FailuresOf(model.ProcessCrash, model.HostCrash)
	for _, x := range r.all(func(f *matrixFault) bool { return !slices.Contains(lastLinks, f.name) }) {
		for k := range x.discriminated.Reports {
			for j := range model.FailureKinds {
				if n := x.discriminated.Reports[k][j]; crashed.Has(j) {
					reports += n
					if kind := model.FailureKind(k); kind == properties.NoKind || !crashed.Has(kind) {
						wrong += n
					}
				}
			}
		}
	}
	d.check("falcon: reports that a process is down that runs, with sound last links", "0", fmt.Sprintf("%d of %d", wrong, reports), wrong == 0 && reports > 0,
		"it kills before it reports (SOSP 2011, section 3); without "+strings.Join(lastLinks, ", "))
	m.blind(d, r, "what would have to be killed cannot be reached: it blocks", "rack cut off", "ToR crash")
}

// checkLastHop looks for a detector that tells a host without power from one whose only link
// is cut, as seen by others.
func (m *matrix) checkLastHop(d *Document) {
	const dead, cut = "machine", "access link"
	if !m.has(dead, cut) {
		return
	}
	var both []string
	asked := 0
	for _, r := range m.rows() {
		if len(r.kinds) < 2 {
			continue
		}
		asked++
		tells := true
		for f, fault := range m.faults {
			if fault.name != dead && fault.name != cut {
				continue
			}
			for net := range m.nets {
				c := summaryOf(r.cell(net, f), func(p *affected) bool { return p.monitor != victimID })
				tells = tells && 2*c.right > c.pairs
			}
		}
		if tells {
			both = append(both, r.name)
		}
	}
	if asked > 0 {
		d.check("detectors by which most of those outside name both a machine without power and a cut access link", fmt.Sprintf("none of %d", asked),
			strings.Join(append(both, fmt.Sprintf("%d of %d", len(both), asked)), ", "), len(both) == 0, "what comes from either is the same: nothing, and the word of a switch that its port is down")
	}
}

// notes says how to read it, and what nobody can tell.
func (m *matrix) notes(d *Document) {
	d.Notes = append(d.Notes,
		"Cells of the coverage tables: the median over the pairs that the fault affected of the time from the beginning of the failure, as the truth has it, to the first word; "+
			"then the kind. P process crash, H host crash, C congestion, R route failure, X partition, B corruption, I route instability, V policy violation, S stall, W wedge, "+
			"? no kind. In parentheses is what was said first of most pairs and is not true. After a slash is of how many of the pairs of which anything was said the true kind was, if not of all. A share by itself is that of the affected pairs of which anything was said, where it is not all. - is never. "+
			"Words count that come before the fault heals, after 2 s, and at most 500 ms after the end of a failure.",
		"The first line has the truth: how many ordered pairs of monitor and peer are affected, by what their first failure is called. It is taken from the records of the ground truth, "+
			"so that a link that routes go around is a route failure for some 200 ms and of some pairs, and nothing of others. Pairs whose monitor crashed do not count.",
		"Detectors run alone, unless they live on the same heartbeats: what one sends, or does to the network, is nothing to another. "+
			"So each has the truth of its own messages; faults, times and traffic are the same for all (common random numbers).",
		"Each asks or speaks every 100 ms, and silence counts after 350 ms; SWIM, ZooKeeper, Falcon, Pigeon and Badabing have rules of their own. Every process watches the next 5, but all for Albatross, whose manager must. "+
			"Routing is link-state with the carrier seen after 10 ms, BFD of 3 x 50 ms, 150 ms until routes are computed and 50 ms until they are in force; evidence of all kinds, with marks at 12.5 kB, which last 1 ms.",
		"Falcon kills what is stuck, so that its word is true when it comes: a pause, a wedge and a host that is too slow become crashes by its hand, and the table of what acting costs counts them. Albatross isolates: its partitions are true for the same reason, "+
			"and of the processes that it excludes nobody reports anything, which is why it sees half of the pairs.",
		"A scenario of each column is among the files, with the last detector. To run it with another one: suspect run FILE --set 'detectors=LIST', with a list of the table of detectors as they were run; "+
			"for Albatross with --set monitor.watch=all.")
	d.Notes = append(d.Notes,
		"What nobody can tell. The last hop is one element: a host whose only link is cut and a host without power send nothing and answer nothing, and the port is down in both; who asks hosts and who probes "+
			"through others has the same to go by, and so has the switch. The report path shares the partition: those behind a cut hear no switch but their own, so that link-state has only what it knows itself. "+
			"The table of both sides has these cells.",
		"Accuracy is judged pair by pair, on the path of the pair's own messages. So a detector that tells of a link which the pair might use, or of another path which it probes too, makes a false report "+
			"where that path is not the one in use; and SWIM, which tells all members what one has found, makes one for each pair that is well.")
	if text := m.silences(); text != "" {
		d.Notes = append(d.Notes, text)
	}
}

// silences says what nobody named, or only who acts, in the runs that there were.
func (m *matrix) silences() string {
	var nobody, parts []string
	for net := range m.nets {
		for f, fault := range m.faults {
			pairs, best := 0, 0.0
			for _, r := range m.rows() {
				if len(r.kinds) < 2 {
					continue
				}
				if c := summary(r.cell(net, f)); c.pairs > 0 {
					pairs = c.pairs
					best = max(best, float64(c.right)/float64(c.pairs))
				}
			}
			where := fmt.Sprintf("%s (%s)", fault.name, m.nets[net].name)
			switch {
			case pairs == 0:
			case best == 0:
				nobody = append(nobody, where)
			case best < 0.95:
				parts = append(parts, fmt.Sprintf("%s: %.0f %%", where, 100*best))
			}
		}
	}
	var text string
	if nobody != nil {
		text = "Nobody named the true kind for: " + strings.Join(nobody, ", ") + ". "
	}
	if parts != nil {
		text += "Nobody named it for all pairs, and the best for so many, in: " + strings.Join(parts, ", ") + "."
	}
	return strings.TrimSpace(text)
}
