package reproduce

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"suspect/experiments/figure"
	"suspect/model"
	"suspect/properties"
)

// kindLetters are the letters by which the cells of the matrix name kinds.
var kindLetters = [model.FailureKinds + 1]string{
	model.Unspecified: "?", model.ProcessCrash: "P", model.HostCrash: "H", model.Congestion: "C", model.RouteFailure: "R", model.Partition: "X",
	model.Corruption: "B", model.RouteInstability: "I", model.PolicyViolation: "V", model.Stall: "S", model.Wedge: "W", properties.NoKind: "none",
}

const matrixConfidence = 0.95

// report adds what was found.
func (m *matrix) report(d *Document) {
	for net := range m.nets {
		m.coverage(d, net)
	}
	m.unnamed(d)
	m.sides(d)
	m.accuracy(d)
	m.recall(d)
	m.confusion(d)
	m.classes(d)
	m.cost(d)
	m.acts(d)
	m.leak(d)
	m.lists(d)
	m.figures(d)
	m.check(d)
	m.notes(d)
}

// A matrixCell is what a detector made of a fault.
type matrixCell struct {
	pairs, detected, right int
	times                  []model.Duration // from the failure to the first word, of those detected
	label                  kindTally        // of all pairs
	first                  kindTally        // what was said first where it was not true
	named                  kindTally        // the first that was
	strayed, crashes       int
}

func summary(runs []*matrixRecords) matrixCell {
	return summaryOf(runs, func(*affected) bool { return true })
}

// summaryOf is the same of those pairs that are wanted.
func summaryOf(runs []*matrixRecords, want func(*affected) bool) (c matrixCell) {
	for _, x := range runs {
		c.strayed += x.strayed
		c.crashes += x.crashes
		for i := range x.pairs {
			p := &x.pairs[i]
			if !want(p) {
				continue
			}
			c.pairs++
			c.label[p.label]++
			if !p.detected {
				continue
			}
			c.detected++
			c.times = append(c.times, p.time)
			if p.right {
				c.right++
				c.named[p.named]++
			}
			if !p.right || p.first != p.named {
				c.first[p.first]++
			}
		}
	}
	return c
}

// text returns the cell as published tables have it, with what was said of most pairs: P is
// a true kind, (P) one that is not, and (H) P is first the one and then the other. P/50% is
// true of half of them.
func (c *matrixCell) text(typed bool) Cell {
	switch {
	case c.pairs == 0:
		return words("")
	case c.detected == 0:
		return words("-")
	}
	time := median(c.times).Seconds() * 1e3
	text := fmt.Sprintf("%.3g", time)
	if time >= 1000 {
		text = fmt.Sprintf("%.0f", time)
	}
	switch {
	case !typed:
		text += " ?"
	default:
		if wrong := c.first.total(); 2*wrong > c.detected {
			text += " (" + kindLetters[c.first.most()] + ")"
		}
		if 2*c.right >= c.detected {
			text += " " + kindLetters[c.named.most()]
		}
		if 0 < c.right && c.right < c.detected {
			text += fmt.Sprintf("/%.0f%%", 100*float64(c.right)/float64(c.detected))
		}
	}
	if share := float64(c.detected) / float64(c.pairs); share < 0.995 {
		text += fmt.Sprintf(" %.0f%%", 100*share)
	}
	return Cell{text, &time}
}

// coverage adds the tables of a network: detectors by faults.
func (m *matrix) coverage(d *Document, net int) {
	for from := 0; from < len(m.faults); {
		to := from
		for to < len(m.faults) && m.faults[to].group == m.faults[from].group {
			to++
		}
		columns := []string{"detector"}
		truth := []Cell{words("the truth: pairs")}
		for i, f := range m.faults[from:to] {
			columns = append(columns, f.name)
			c := summary((&matrixRow{matrix: m}).cell(net, from+i))
			if c.pairs == 0 {
				truth = append(truth, words("none"))
				continue
			}
			var kinds []string
			for k, n := range c.label {
				if n > 0 {
					kinds = append(kinds, fmt.Sprintf("%s %d", kindLetters[k], n))
				}
			}
			truth = append(truth, words("%s", strings.Join(kinds, ", ")))
		}
		t := newTable(fmt.Sprintf("%s, %s: milliseconds from a failure to the first word, and the kind", m.nets[net].name, m.faults[from].group), columns...)
		t.add(truth...)
		for _, r := range m.rows() {
			row := []Cell{words("%s", r.name)}
			for f := from; f < to; f++ {
				c := summary(r.cell(net, f))
				if m.faults[f].name == noFault {
					row = append(row, words("%d false", c.strayed))
					continue
				}
				row = append(row, c.text(r.kinds != nil))
			}
			t.add(row...)
		}
		d.Tables = append(d.Tables, t)
		from = to
	}
}

// unnamed adds the faults by what the detectors call them best.
func (m *matrix) unnamed(d *Document) {
	t := newTable("Who names it: the pairs that a fault affected, and for how many of them a detector that knows several kinds said the true one", "network", "fault", "true", "pairs", "best", "named",
		"share", "see anything", "mostly called")
	for net := range m.nets {
		for f, fault := range m.faults {
			var best *matrixRow
			var most matrixCell
			seen, called := 0, kindTally{}
			for _, r := range m.rows() {
				c := summary(r.cell(net, f))
				if len(r.kinds) < 2 || c.pairs == 0 {
					continue
				}
				if best == nil || float64(c.right)/float64(c.pairs) > float64(most.right)/float64(most.pairs) {
					best, most = r, c
				}
				if c.detected > 0 {
					seen++
				}
				for k, n := range c.first {
					called[k] += n
				}
				for k, n := range c.named {
					called[k] += n
				}
			}
			if best == nil {
				continue
			}
			name := best.name
			if most.right == 0 {
				name = "nobody"
			}
			t.add(words("%s", m.nets[net].name), words("%s", fault.name), words("%v", most.label.most()), count(int64(most.pairs)), words("%s", name), count(int64(most.right)),
				number(float64(most.right)/float64(most.pairs), "%.2f"), count(int64(seen)), words("%v", called.most()))
		}
	}
	d.Tables = append(d.Tables, t)
}

// sides adds what those say who are behind a cut or a last link, and those before it.
func (m *matrix) sides(d *Document) {
	columns := []string{"network", "fault", "who watches", "true", "pairs"}
	var rows []*matrixRow
	for _, r := range m.rows() {
		if len(r.kinds) > 1 {
			rows = append(rows, r)
			columns = append(columns, r.name)
		}
	}
	t := newTable("Both sides of a failure: milliseconds to the first word, and the kind, by whether the monitor is the host or in the rack that is struck", columns...)
	for net, n := range m.nets {
		for f, fault := range m.faults {
			if !slices.Contains([]string{"machine", "access link", "NIC receives nothing", "ToR crash", "rack cut off", "one-way cut"}, fault.name) {
				continue
			}
			for _, within := range []bool{false, true} {
				side := map[bool]string{false: "from outside", true: "from inside"}[within]
				want := func(p *affected) bool {
					if fault.group == "switches and cuts" {
						return within == (p.monitor >= matrixRack && p.monitor <= n.last)
					}
					return within == (p.monitor == victimID)
				}
				truth := summaryOf((&matrixRow{matrix: m}).cell(net, f), want)
				if truth.pairs == 0 || rows == nil {
					continue
				}
				row := []Cell{words("%s", n.name), words("%s", fault.name), words("%s", side), words("%s", kindLetters[truth.label.most()]), count(int64(truth.pairs))}
				for _, r := range rows {
					c := summaryOf(r.cell(net, f), want)
					row = append(row, c.text(true))
				}
				t.add(row...)
			}
		}
	}
	if t.Rows != nil {
		d.Tables = append(d.Tables, t)
	}
}

// acts adds how many processes crashed in runs with detectors that act, which the fault did
// not strike.
func (m *matrix) acts(d *Document) {
	t := newTable("What acting costs: processes that crashed in all runs with a fault, beside those that the fault itself strikes", "detector", "network", "fault", "crashed by it")
	for _, r := range m.rows() {
		if !m.arms[r.arm].acts {
			continue
		}
		for net := range m.nets {
			for f, fault := range m.faults {
				by := summary(r.cell(net, f)).crashes
				if strings.HasSuffix(fault.name, "crash") && fault.group == "hosts" || fault.name == "machine" {
					by -= m.replications
				}
				if by != 0 {
					t.add(words("%s", r.name), words("%s", m.nets[net].name), words("%s", fault.name), count(int64(by)))
				}
			}
		}
	}
	if t.Rows != nil {
		d.Tables = append(d.Tables, t)
	}
}

// accuracy adds what detectors say of pairs between whom there is nothing.
func (m *matrix) accuracy(d *Document) {
	t := newTable("Accuracy: reports while nothing failed between the pair, nor had in the last 500 ms; with the fault somewhere else, or none", "detector",
		"no fault: false", "pair-hours", "per pair-hour", "from", "to", "faults: reports", "true kind", "other kind", "false", "per pair-hour", "from", "to", "mostly")
	for _, r := range m.rows() {
		row := []Cell{words("%s", r.name)}
		add := func(runs []*matrixRecords, all bool) {
			found := told(runs)
			hours := found.PairTime.Seconds() / 3600
			var reports, right int64
			for k := range found.Reports {
				reports += found.Reports.Row(model.FailureKind(k))
				if model.FailureKind(k) != properties.NoKind {
					right += found.Reports[k][k]
				}
			}
			wrong := found.FalseReports()
			var xs, ns []float64
			for _, x := range runs {
				xs, ns = append(xs, float64(x.discriminated.FalseReports())), append(ns, x.discriminated.PairTime.Seconds()/3600)
			}
			in := properties.PoissonInterval(wrong, max(hours, math.SmallestNonzeroFloat64), matrixConfidence)
			if _, clustered := properties.RatioInterval(xs, ns, matrixConfidence); wrong > 0 && len(runs) > 2 {
				in.Low, in.High = max(0, min(in.Low, clustered.Low)), max(in.High, clustered.High)
			}
			if all {
				row = append(row, count(reports), count(right), count(reports-right-wrong), count(wrong))
			} else {
				row = append(row, count(wrong), number(hours, "%.3f"))
			}
			row = append(row, number(float64(wrong)/hours, "%.3g"), number(in.Low, "%.3g"), number(in.High, "%.3g"))
		}
		if quiet := r.all(noneAtAll); len(quiet) > 0 {
			add(quiet, false)
		} else {
			row = append(row, words("-"), words("-"), words("-"), words("-"), words("-"))
		}
		if runs := r.all(someFault); len(runs) > 0 {
			add(runs, true)
			row = append(row, falsely(told(runs)))
		} else {
			for len(row) < len(t.Columns) {
				row = append(row, words("-"))
			}
		}
		t.add(row...)
	}
	d.Tables = append(d.Tables, t)
}

// falsely is a cell with the kind that is said most often where there is nothing.
func falsely(x *properties.Discriminated) Cell {
	most := model.FailureKind(0)
	for k := range model.FailureKinds {
		if x.Reports[properties.NoKind][k] > x.Reports[properties.NoKind][most] {
			most = k
		}
	}
	if n := x.Reports[properties.NoKind][most]; n > 0 {
		return words("%v (%d)", most, n)
	}
	return words("-")
}

// share returns k of n with an interval: the wider one of Clopper and Pearson's, of pairs,
// and Student's, of runs, as the pairs of one run see the same fault.
func share(runs []*matrixRecords, of func(*properties.Discriminated) (k, n int64)) (value float64, in properties.Interval, k, n int64) {
	var xs, ns []float64
	for _, x := range runs {
		a, b := of(x.discriminated)
		k, n = k+a, n+b
		xs, ns = append(xs, float64(a)), append(ns, float64(b))
	}
	if n == 0 {
		return math.NaN(), properties.Interval{Low: 0, High: 1}, 0, 0
	}
	in = properties.ClopperPearson(k, n, matrixConfidence)
	if _, student := properties.RatioInterval(xs, ns, matrixConfidence); !math.IsInf(student.Low, 0) {
		in.Low, in.High = max(0, min(in.Low, student.Low)), min(1, max(in.High, student.High))
	}
	return float64(k) / float64(n), in, k, n
}

// recall adds how often each kind was named, and when.
func (m *matrix) recall(d *Document) {
	t := newTable("Recall: of the failures of a kind, how many were called so at their end or after 1.5 s; when anything was said, and when the right thing", "detector", "kind", "failures",
		"named", "recall", "pairs from", "to", "runs from", "to", "in silence", "any word [ms]", "right word [ms]")
	for _, r := range m.rows() {
		if r.kinds == nil {
			continue
		}
		runs := r.all(anyFault)
		sum := told(runs)
		for k := range model.FailureKinds {
			if sum.Episodes.Row(k) == 0 || !slices.Contains(r.kinds, k) {
				continue
			}
			value, wide, right, all := share(runs, func(x *properties.Discriminated) (int64, int64) { return x.Recall(k) })
			pairs := properties.ClopperPearson(right, all, matrixConfidence)
			t.add(words("%s", r.name), words("%v", k), count(all), count(right), number(value, "%.3f"), number(pairs.Low, "%.3f"), number(pairs.High, "%.3f"),
				number(wide.Low, "%.3f"), number(wide.High, "%.3f"), count(sum.Episodes[k][properties.NoKind]), middle(&sum.Any[k]), middle(&sum.Right[k]))
		}
	}
	d.Tables = append(d.Tables, t)
}

// middle is a cell with the median of durations, in milliseconds.
func middle(x *properties.Durations) Cell {
	if x.Count() == 0 {
		return words("-")
	}
	return number(x.Quantile(0.5).Seconds()*1e3, "%.4g")
}

// confusion adds the matrices of the typed detectors, with one that is not to compare with,
// and for each detector what its words tell.
func (m *matrix) confusion(d *Document) {
	columns := []string{"detector", "true kind"}
	for k := model.ProcessCrash; k < model.FailureKinds; k++ {
		columns = append(columns, k.String())
	}
	t := newTable("Confusion: failures by their true kind, and what was said of them at their end or after 1.5 s", append(columns, "no kind", "silence")...)
	told4 := newTable("List A: of the failures of four kinds, how many were called by each of them, by something else, and by nothing", "detector", "true", "failures",
		"host failure", "congestion", "route failure", "partition", "else", "silence", "recall", "runs from", "to")
	bits := newTable("Information: what the word of a detector tells of which kind of failure there is (mutual information; the most is the entropy of the kinds)", "detector",
		"failures", "bits", "of")
	for i, r := range m.rows() {
		runs := r.all(anyFault)
		sum := told(runs)
		tells, most := sum.Episodes.Information()
		all := int64(0)
		for k := range model.FailureKinds {
			n := sum.Episodes.Row(k)
			if all += n; n == 0 || r.kinds == nil && i > 0 {
				continue
			}
			row := []Cell{words("%s", r.name), words("%v", k)}
			for j := model.ProcessCrash; j < model.FailureKinds; j++ {
				row = append(row, count(sum.Episodes[k][j]))
			}
			t.add(append(row, count(sum.Episodes[k][model.Unspecified]), count(sum.Episodes[k][properties.NoKind]))...)
		}
		bits.add(words("%s", r.name), count(all), number(tells, "%.3f"), number(most, "%.3f"))
		for _, k := range matrixKinds {
			if r.kinds == nil {
				continue
			}
			row := []Cell{words("%s", r.name), words("%s", k.name)}
			named := int64(0)
			_, all := groupSaid(sum, k.kinds, k.kinds)
			row = append(row, count(all))
			for _, j := range matrixKinds {
				n, _ := groupSaid(sum, k.kinds, j.kinds)
				named += n
				row = append(row, count(n))
			}
			silent := int64(0)
			for j := range model.FailureKinds {
				if k.kinds.Has(j) {
					silent += sum.Episodes[j][properties.NoKind]
				}
			}
			row = append(row, count(all-named-silent), count(silent))
			value, in, _, _ := share(runs, func(x *properties.Discriminated) (int64, int64) { return groupSaid(x, k.kinds, k.kinds) })
			if all > 0 {
				row = append(row, number(value, "%.3f"), number(in.Low, "%.3f"), number(in.High, "%.3f"))
			} else {
				row = append(row, words("-"), words("-"), words("-"))
			}
			told4.add(row...)
		}
	}
	d.Tables = append(d.Tables, told4, t, bits)
}

// classes adds in how many runs the properties of kinds hold.
func (m *matrix) classes(d *Document) {
	columns := []string{"detector"}
	for _, p := range matrixProperties() {
		columns = append(columns, p.name)
	}
	t := newTable("Completeness within 1 s and accuracy 500 ms stale: the runs in which they hold, of those that put them to the test, where the detector may say the kind", columns...)
	for _, r := range m.rows() {
		row := []Cell{words("%s", r.name)}
		for i := range matrixProperties() {
			kinds := matrixKinds[i/2].kinds
			if r.kinds == nil && kinds&model.HostFailures == 0 || r.kinds != nil && kinds&model.FailuresOf(r.kinds...) == 0 {
				row = append(row, words("-"))
				continue
			}
			holds, tested := 0, 0
			for _, x := range r.all(anyFault) {
				switch j := &x.judged[i]; {
				case j.Checked == 0:
				case j.Outcome == properties.Holds:
					holds++
					tested++
				case j.Outcome == properties.Violated:
					tested++
				}
			}
			if tested == 0 {
				row = append(row, words("-"))
				continue
			}
			row = append(row, words("%d of %d", holds, tested))
		}
		t.add(row...)
	}
	d.Tables = append(d.Tables, t)
}

// cost adds what detection costs where nothing fails, and on average.
func (m *matrix) cost(d *Document) {
	t := newTable("Cost: bytes on the wire of the first link, per process", "detector", "no fault: messages [B/s]", "evidence [B/s]", "faults: messages [B/s]", "evidence [B/s]",
		"watches [peers]", "shared with")
	for _, r := range m.rows() {
		row := []Cell{words("%s", r.name)}
		for _, runs := range [][]*matrixRecords{r.all(noneAtAll), r.all(someFault)} {
			var messages, evidence, seconds float64
			for _, x := range runs {
				messages, evidence, seconds = messages+float64(x.messages), evidence+float64(x.evidence), seconds+x.seconds*float64(x.processes)
			}
			if seconds == 0 {
				row = append(row, words("-"), words("-"))
				continue
			}
			row = append(row, number(messages/seconds, "%.0f"), number(evidence/seconds, "%.0f"))
		}
		a := m.arms[r.arm]
		peers := int64(5)
		if a.watch != "" {
			peers = 15
		}
		t.add(append(row, count(peers), words("%s", strings.Join(slices.DeleteFunc(a.names(), func(n string) bool { return n == r.name }), ", ")))...)
	}
	d.Tables = append(d.Tables, t)
}

// leak adds what reports tell of the topology.
func (m *matrix) leak(d *Document) {
	if len(m.leaks) == 0 {
		return
	}
	t := newTable(fmt.Sprintf("Leak: what all reports together tell of which link or switch of the %s failed, each once and for %v", m.leaks[0].net.name, leakLasts),
		"detector", "report", "elements", "groups that look alike", "smallest", "leak [bits]", "of")
	for _, l := range m.leaks {
		level := l.report
		if level == "" {
			level = "no kind"
		}
		x := &l.leaked
		t.add(words("%s", l.name()), words("%s", level), count(int64(x.Elements)), count(int64(x.Groups)), count(int64(x.Smallest)), number(x.Bits, "%.3f"), number(x.Most, "%.3f"))
	}
	d.Tables = append(d.Tables, t)
	for i := 1; i < len(m.leaks); i++ {
		a, b := m.leaks[i-1], m.leaks[i]
		if a.name() == b.name() {
			d.check(fmt.Sprintf("%s: a report of %s leaks no more than one of %s", a.name(), a.report, b.report), fmt.Sprintf("<= %.3f bits", b.leaked.Bits),
				fmt.Sprintf("%.3f bits", a.leaked.Bits), a.leaked.Bits <= b.leaked.Bits+1e-12, "a report is a function of the finer one: the data-processing inequality (Cover and Thomas, section 2.8)")
		}
	}
}

// lists adds the detectors with their parameters.
func (m *matrix) lists(d *Document) {
	t := newTable("Detectors as they were run, each line by itself", "watch", "detectors")
	for _, a := range m.arms {
		t.add(words("%s", a.watches()), words("%s", a.detectors()))
	}
	d.Tables = append(d.Tables, t)
}

// figures adds the figures.
func (m *matrix) figures(d *Document) {
	recall := figure.Figure{Title: "Recall of each kind against the time to the right word", Columns: 2}
	for _, k := range matrixKinds {
		p := figure.Panel{
			Caption: k.name + ": share that is called so", X: figure.Axis{Label: "median time to the right word", Unit: figure.Seconds, Log: true, From: 2e-5, To: 1},
			Y: figure.Axis{Unit: figure.Share, From: 0, To: 1.05},
		}
		for i, r := range m.rows() {
			runs := r.all(anyFault)
			value, in, right, _ := share(runs, func(x *properties.Discriminated) (int64, int64) { return groupSaid(x, k.kinds, k.kinds) })
			sum := told(runs)
			var times properties.Durations
			for j := range model.FailureKinds {
				if k.kinds.Has(j) {
					times.Merge(&sum.Right[j])
				}
			}
			if r.kinds == nil || right == 0 || times.Count() == 0 {
				continue
			}
			p.Series = append(p.Series, figure.Series{
				Name: r.name, Kind: figure.Marks, Shape: figure.Shape(i / figure.Colours % 3),
				Points: []figure.Point{{X: times.Quantile(0.5).Seconds(), Y: value}}, Low: []float64{in.Low}, High: []float64{in.High},
			})
		}
		if len(p.Series) > 0 {
			recall.Panels = append(recall.Panels, p)
		}
	}
	if len(recall.Panels) > 0 {
		d.Figures = append(d.Figures, Figure{
			Name:    "kind-matrix-recall",
			Caption: "For each kind of list A: how many failures a detector calls by their kind, and after what time, over all faults and networks. Who is not there never does.",
			SVG:     recall.SVG(),
		})
	}
	for _, r := range m.rows() {
		if r.name != "merger" {
			continue
		}
		bars := figure.Bars{
			Title: "What the merger says of the pairs that a fault affects", X: figure.Axis{Label: "share of the pairs", Unit: figure.Share, To: 1},
			Parts: []figure.Part{{Name: "the true kind"}, {Name: "another kind"}, {Name: "nothing", Muted: true}},
		}
		for f, fault := range m.faults {
			var c matrixCell
			for net := range m.nets {
				x := summary(r.cell(net, f))
				c.pairs, c.detected, c.right = c.pairs+x.pairs, c.detected+x.detected, c.right+x.right
			}
			if n := float64(c.pairs); n > 0 {
				bars.Rows = append(bars.Rows, figure.Row{
					Label: fault.name, Lengths: []float64{float64(c.right) / n, float64(c.detected-c.right) / n, float64(c.pairs-c.detected) / n},
				})
			}
		}
		if len(bars.Rows) > 0 {
			d.Figures = append(d.Figures, Figure{Name: "kind-matrix-merger", Caption: "The pairs between whom a fault made something fail, on all networks, by what the merger said of them: a kind was right if it was said at some time and true then.", SVG: bars.SVG()})
		}
	}
}

// groupSaid returns in how many failures of kinds of one set a kind of another was said, and
// of how many.
func groupSaid(x *properties.Discriminated, kinds, said model.FailureSet) (n, all int64) {
	for k := range model.FailureKinds {
		if !kinds.Has(k) {
			continue
		}
		all += x.Episodes.Row(k)
		for j := range model.FailureKinds {
			if said.Has(j) {
				n += x.Episodes[k][j]
			}
		}
	}
	return n, all
}
