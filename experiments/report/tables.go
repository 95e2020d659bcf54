package report

import (
	"cmp"
	"fmt"
	"strings"

	"suspect/experiments/run"
	"suspect/model"
)

// headline tells in one sentence whether the run was as expected.
func headline(r *run.Results) string {
	met := 0
	for _, e := range r.Expectations {
		if e.Met {
			met++
		}
	}
	of := fmt.Sprintf("%d of %s met", met, Plural(int64(len(r.Expectations)), "expectation", "expectations"))
	switch {
	case len(r.Expectations) == 0 && r.Outcome == run.AsExpected:
		return "Done: the scenario states no expectation."
	case len(r.Expectations) == 0:
		return "Inconclusive: the run was truncated."
	}
	switch r.Outcome {
	case run.AsExpected:
		return "As expected: " + of + "."
	case run.NotAsExpected:
		return "NOT as expected: " + of + "."
	}
	return "Inconclusive: " + of + "."
}

// warnings are what a reader must know before believing the numbers.
func warnings(r *run.Results) []string {
	var w []string
	if r.Conservation.Outcome == "violated" {
		w = append(w, "The simulator lost packets without a cause: "+r.Conservation.Reason+". This is a bug; please report it with the scenario and seed.")
	}
	if g := r.Guarantee; g != nil {
		for i, l := range r.Levels {
			if level := &g.Levels[i]; l.Beaten && level.Guaranteed() {
				w = append(w, fmt.Sprintf("A packet of the level with priority %d took %v, longer than the proved bound of %v: a detector sends larger messages than the scenario says, or this is a bug. Please report it with the scenario and seed.", l.Priority, l.Latency.Max, level.Bound.Delay))
			}
		}
	}
	if t := r.Replications.Truncated; t != nil {
		s := fmt.Sprintf("Truncated: replication %d ended at %v: %s. What it did not live to see is inconclusive.", t.Replication, Duration(model.Duration(t.At)), t.Reason)
		if !t.Reproducible {
			s += " Where it ended depends on the machine, and so do the results."
		}
		w = append(w, s)
	}
	switch n, distinct := r.Replications.Count, r.Replications.Distinct; {
	case n > 1 && distinct == 1:
		w = append(w, "The replications are identical: nothing is random. There are no intervals, and counts are those of one run times their number.")
	case n > distinct:
		w = append(w, fmt.Sprintf("Only %d of the %d replications differ: too little is random for intervals, and there are none.", distinct, n))
	}
	if r.Replications.Stopped == run.StoppedCap {
		w = append(w, fmt.Sprintf("The interval of %s did not become as narrow as wanted within %d replications%s.",
			r.Replications.Measure, r.Replications.Count, precision(r)))
	}
	return w
}

func precision(r *run.Results) string {
	p := r.Replications
	if p.Precision == nil || p.Wanted == nil {
		return ""
	}
	return fmt.Sprintf(": its half-width is %s of the mean, wanted %s", share(*p.Precision), share(*p.Wanted))
}

// extent tells how much was simulated.
func extent(r *run.Results) string {
	p := r.Provenance
	s := fmt.Sprintf("%s of %s", Plural(int64(r.Replications.Count), "replication", "replications"), p.Duration)
	if p.WarmUp > 0 {
		s += fmt.Sprintf(" (the first %s not counted)", p.WarmUp)
	}
	s += fmt.Sprintf(", %s, %s events", Plural(int64(p.Processes), "process", "processes"), Count(int64(p.Events)))
	return s
}

func expectationTable(r *run.Results) *table {
	t := newTable("detector", "property", "expected", "found", "")
	for _, e := range r.Expectations {
		met := "met"
		if !e.Met {
			met = "NOT met"
			if e.Found == "inconclusive" || e.Found == e.Expected {
				met = "undecided"
			}
		}
		t.add(cmp.Or(e.Detector, "-"), e.Property, e.Expected, e.Found, met)
	}
	return t
}

func detectorTable(r *run.Results) *table {
	t := newTable("detector", "algorithm", "parameters", ">messages/s", ">bytes/s", "source")
	for _, d := range r.Detectors {
		var params []string
		for _, p := range d.Params {
			params = append(params, p.Name+"="+p.Value)
		}
		t.add(d.Name, d.Use, strings.Join(params, " "), number(d.Cost.MessagesPerSecond), byteCount(d.Cost.BytesPerSecond), d.Source)
	}
	return t
}

func detectionTable(r *run.Results) *table {
	t := newTable("detector", ">detected", ">mean", "95% interval", ">p50", ">p99", ">max", "slowest")
	for _, d := range r.Detectors {
		x := d.Detection
		due := due(x)
		m, interval := mean(x.Mean)
		p50, p99, most, slowest := "-", "-", "-", "-"
		if x.Time.Count > 0 {
			p50, p99, most = Duration(x.Time.P50), Duration(x.Time.P99), Duration(x.Time.Max)
		}
		if e := x.Slowest; e != nil {
			slowest = fmt.Sprintf("%s saw %s, down at %s", e.Monitor, e.Peer, Duration(model.Duration(e.From)))
		}
		detected := fmt.Sprintf("%s of %s", Count(x.Detected), Count(due))
		if due == 0 {
			detected = "none due"
		}
		if x.TooLate > 0 {
			detected += fmt.Sprintf(", %s too late", Count(x.TooLate))
		}
		t.add(d.Name, detected, m, interval, p50, p99, most, slowest)
	}
	return t
}

// unseen tells of crashes that were not seen.
func unseen(d *run.Detection) (lines []string) {
	if u := d.Unseen; u != nil && u.Interval != nil {
		lines = append(lines, fmt.Sprintf("in %d of the %d replications with a crash of %s or longer some monitor did not suspect it at its end; %s to %s of such replications (95%% interval of Clopper and Pearson)",
			u.Replications, u.Of, Duration(*d.DecidedAfter), share(u.Interval.Low), share(u.Interval.High)))
	}
	if d.TooLate == 0 {
		return lines
	}
	late := fmt.Sprintf("%s too late to tell: not suspected when the run ended, %s after the crash or less",
		Plural(d.TooLate, "pair of a crash and a monitor is", "pairs of a crash and a monitor are"), Duration(d.TooLateAge))
	if d.DecidedAfter == nil {
		late += ", and no crash was seen from which to know how long it takes (the scenario may say: judge.detect_within)"
	}
	return append(lines, late)
}

// rateInterval returns the outer ends of the two intervals of the rate of mistakes: few
// replications may agree by chance, and mistakes may cluster.
func rateInterval(m run.Mistakes) *run.Interval {
	a, b := m.RateExact, m.RateReplicated
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	return &run.Interval{Low: min(a.Low, b.Low), High: max(a.High, b.High), Confidence: a.Confidence}
}

// rate returns mistakes per hour of one pair, with its interval.
func rate(m run.Mistakes) (value, interval string) {
	value, interval = "-", "-"
	if m.Rate != nil {
		value = number(*m.Rate * 3600)
	}
	if i := rateInterval(m); i != nil {
		interval = fmt.Sprintf("%s to %s", number(i.Low*3600), number(i.High*3600))
	}
	return value, interval
}

func mistakeTable(r *run.Results) *table {
	t := newTable("detector", ">mistakes", ">pairs", ">per pair-hour", "95% interval", ">mean length", ">accuracy", "longest")
	for _, d := range r.Detectors {
		m := d.Mistakes
		value, interval := rate(m)
		length, _ := mean(m.Duration)
		accuracy, longest := "-", "-"
		if m.Accuracy != nil {
			accuracy = share(*m.Accuracy)
		}
		if e := m.Longest; e != nil {
			longest = fmt.Sprintf("%s of %s, %s at %s", e.Monitor, e.Peer, lasted(e), Duration(model.Duration(e.From)))
		}
		t.add(d.Name, Count(m.Count), Count(int64(m.PairsWrong)), value, interval, length, accuracy, longest)
	}
	return t
}

func lasted(e *run.Episode) string {
	s := Duration(e.Until.Sub(e.From))
	if e.Open {
		s = "over " + s
	}
	return s
}

// pairTable lists who suspected whom wrongly, at most most pairs per detector.
func pairTable(r *run.Results, most int) *table {
	t := newTable("detector", "monitor", "suspected", ">times", ">longest")
	for _, d := range r.Detectors {
		for i, p := range d.Mistakes.Pairs {
			if i == most {
				break
			}
			t.add(d.Name, p.Monitor, p.Peer, Count(p.Count), Duration(p.Longest))
		}
	}
	return t
}

// classTable shows the eight classes for each detector: yes, no, or ? where the
// run decided nothing. What the detector's author promises has a star.
func classTable(r *run.Results) *table {
	columns := []string{"detector"}
	for _, c := range model.Classes() {
		columns = append(columns, c.String())
	}
	t := newTable(columns...)
	for _, d := range r.Detectors {
		row := []string{d.Name}
		for _, name := range columns[1:] {
			cell := ""
			for _, c := range d.Classes {
				if c.Class != name {
					continue
				}
				cell = map[string]string{"holds": "yes", "violated": "no"}[c.Outcome]
				if cell == "" {
					cell = "?"
				}
				if c.Claimed {
					cell += "*"
				}
			}
			row = append(row, cell)
		}
		t.add(row...)
	}
	return t
}

// reasonTable tells for each detector why it did not meet classes, those with the same
// reason together.
func reasonTable(r *run.Results) *table {
	t := newTable("detector", "class", "outcome", "why")
	for _, d := range r.Detectors {
		first := len(t.rows)
		for _, c := range d.Classes {
			if c.Outcome == "holds" {
				continue
			}
			known := false
			for _, row := range t.rows[first:] {
				if row[2] == c.Outcome && row[3] == c.Reason {
					row[1] += " " + c.Class
					known = true
				}
			}
			if !known {
				t.add(d.Name, c.Class, c.Outcome, c.Reason)
			}
		}
	}
	return t
}

func propertyTable(r *run.Results) *table {
	t := newTable("detector", "property", "outcome", ">exercised", "why")
	for _, p := range judgements(r) {
		t.add(cmp.Or(p.detector, "-"), propertyName(p.Property), outcome(p.Property), Count(int64(p.Checked)), p.Reason)
	}
	return t
}

// networkTable has the properties of the network, for the terminal.
func networkTable(r *run.Results) *table {
	t := newTable("property", "outcome", ">exercised", "why")
	for _, p := range r.Properties {
		t.add(propertyName(p), outcome(p), Count(int64(p.Checked)), p.Reason)
	}
	return t
}

// outcome says too where a property could not have failed.
func outcome(p run.Property) string {
	if p.Checked == 0 {
		return p.Outcome + ", vacuous"
	}
	return p.Outcome
}

// judgement is the result of a property of a detector, or of the network.
type judgement struct {
	detector string // "": of the network
	run.Property
}

// judgements returns those of the detectors, then those of the network.
func judgements(r *run.Results) []judgement {
	var all []judgement
	for _, d := range r.Detectors {
		for _, p := range d.Properties {
			all = append(all, judgement{d.Name, p})
		}
	}
	for _, p := range r.Properties {
		all = append(all, judgement{"", p})
	}
	return all
}

func propertyName(p run.Property) string {
	s := p.Property
	if p.Name != "" && p.Name != p.Property {
		s = p.Name + ": " + p.Property
	}
	for _, x := range p.Params {
		if x.Value != "" {
			s += " " + x.Name + "=" + x.Value
		}
	}
	return s
}

func latencyTable(r *run.Results) *table {
	t := newTable("packets", ">delivered", ">min", ">p50", ">p90", ">p99", ">p99.9", ">max")
	for _, l := range latencies(r) {
		t.add(l.name, Count(l.Count), Duration(l.Min), Duration(l.P50), Duration(l.P90), Duration(l.P99), Duration(l.P999), Duration(l.Max))
	}
	return t
}

// latencyClass is the latency of one class of packets.
type latencyClass struct {
	name, kind string
	run.Latency
}

func latencies(r *run.Results) []latencyClass {
	var all []latencyClass
	for _, l := range r.MessageLatency {
		all = append(all, latencyClass{fmt.Sprintf("messages, priority %d", l.Priority), "messages", l})
	}
	for _, l := range r.TrafficLatency {
		all = append(all, latencyClass{fmt.Sprintf("traffic, priority %d", l.Priority), "traffic", l})
	}
	return all
}

func packetTable(r *run.Results) *table {
	t := newTable("packets", ">sent", ">delivered", ">dropped", ">in flight at the end", "causes")
	for _, x := range []struct {
		name string
		run.Packets
	}{{"messages", r.Messages}, {"traffic", r.Traffic}} {
		if x.Sent == 0 {
			continue
		}
		why := "-"
		if len(x.Drops) > 0 {
			why = causes(x.Drops)
		}
		if x.Duplicated > 0 {
			why = fmt.Sprintf("%s; %s came twice", why, Count(x.Duplicated))
		}
		t.add(x.name, Count(x.Sent), Count(x.Delivered), Count(x.Dropped), Count(x.InFlight), why)
	}
	return t
}

// causes returns "buffer-full 865, link-down 220".
func causes(drops []run.Drops) string {
	parts := make([]string, len(drops))
	for i, d := range drops {
		parts[i] = d.Cause + " " + Count(d.Count)
	}
	return strings.Join(parts, ", ")
}
