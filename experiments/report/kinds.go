package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"suspect/experiments/run"
)

// truthTable is for how long which failures held.
func truthTable(r *run.Results) *table {
	t := newTable("failure", ">times", ">pair-seconds", ">there", ">back", ">both ways", "remark")
	if r.Truth == nil {
		return t
	}
	for _, k := range r.Truth.Kinds {
		name := k.Kind
		if k.Priority != nil {
			name += fmt.Sprintf(", priority %d, by %s", *k.Priority, k.Definition)
		}
		directed := func(s float64) string {
			if k.Forward+k.Backward+k.Both == 0 {
				return "-"
			}
			return number(s)
		}
		remark := ""
		if k.Open > 0 {
			remark = fmt.Sprintf("%s at the end", Count(k.Open))
		}
		t.add(name, Count(k.Intervals), number(k.PairSeconds), directed(k.Forward), directed(k.Backward), directed(k.Both), remark)
	}
	return t
}

// rivalTable is how far the definitions of congestion agree.
func rivalTable(r *run.Results) *table {
	t := newTable("definition", "and", ">only the first, s", ">only the second, s", ">of the time they differ", ">both of either")
	if r.Truth == nil {
		return t
	}
	for _, x := range r.Truth.Congestion {
		t.add(x.A, x.B, number(x.OnlyA), number(x.OnlyB), shareOr(x.Disagree), shareOr(x.Jaccard))
	}
	return t
}

func shareOr(x *float64) string {
	if x == nil {
		return "-"
	}
	return share(*x)
}

// kindTable is what each detector said of each kind of failure that held.
func kindTable(r *run.Results) *table {
	t := newTable("detector", "failure", ">right", "95% interval", ">first word", ">right word", "what was said in the end")
	for _, d := range r.Detectors {
		if d.Kinds == nil {
			continue
		}
		for _, row := range d.Kinds.Episodes {
			interval := "-"
			if row.Recall != nil {
				interval = fmt.Sprintf("%s to %s", share(row.Recall.Low), share(row.Recall.High))
			}
			t.add(d.Name, row.Kind, fmt.Sprintf("%s of %s", Count(row.Right), Count(row.All)), interval, median(row.First), median(row.FirstRight), said(row.Said))
		}
	}
	return t
}

// median is the median of a spread, with how many there are: those in which the word never came
// are not among them.
func median(s *run.Spread) string {
	if s == nil {
		return "never"
	}
	return fmt.Sprintf("%s (%s)", Duration(s.P50), Count(s.Count))
}

// said lists what was said, the most frequent first.
func said(cells []run.KindCell) string {
	cells = slices.Clone(cells)
	slices.SortStableFunc(cells, func(a, b run.KindCell) int { return cmp.Compare(b.Count, a.Count) })
	var words []string
	for _, c := range cells {
		name := c.Kind
		if name == "none" {
			name = "nothing"
		}
		words = append(words, fmt.Sprintf("%s %s", name, Count(c.Count)))
	}
	return strings.Join(words, ", ")
}

// informationTable is how much the words of each detector tell of the truth.
func informationTable(r *run.Results) *table {
	t := newTable("detector", ">false reports", ">per pair-hour", "95% interval", ">bits", ">of")
	for _, d := range r.Detectors {
		k := d.Kinds
		if k == nil {
			continue
		}
		rate, interval := "-", "-"
		if k.FalsePerHour != nil {
			rate = number(*k.FalsePerHour)
			interval = fmt.Sprintf("%s to %s", number(k.FalseExact.Low), number(k.FalseExact.High))
		}
		t.add(d.Name, Count(k.FalseReports), rate, interval, number(k.Bits), number(k.MostBits))
	}
	return t
}
