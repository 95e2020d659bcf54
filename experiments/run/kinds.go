package run

import (
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/properties"
)

// kindTimes returns those times: within is the bound on detection that the scenario judges
// by, or a second, which is what stale is.
func kindTimes(s *scenario.Scenario) (within, stale model.Duration) {
	stale = model.Second
	if within = s.Judge.DetectWithin; within == 0 {
		within = stale
	}
	return within, stale
}

// kindName names a row or column.
func kindName(k model.FailureKind) string {
	if k == properties.NoKind {
		return "none"
	}
	return k.String()
}

// kindsOf returns what the results say of the kinds of failure that a detector told.
func kindsOf(s *scenario.Scenario, d *properties.Discriminated) *Kinds {
	if d == nil {
		return nil
	}
	k := &Kinds{FalseReports: d.FalseReports(), Episodes: kindRows(&d.Episodes), Reports: kindRows(&d.Reports)}
	k.Within, k.Stale = kindTimes(s)
	for i := range k.Episodes {
		row := &k.Episodes[i]
		kind, err := model.ParseFailureKind(row.Kind)
		if err != nil {
			continue // none
		}
		row.Right, row.All = d.Recall(kind)
		in := properties.ClopperPearson(row.Right, row.All, confidence)
		row.Recall = &Interval{in.Low, in.High, confidence}
		row.First, row.FirstRight = spreadOf(&d.Any[kind]), spreadOf(&d.Right[kind])
	}
	if hours := d.PairTime.Seconds() / 3600; hours > 0 {
		rate := float64(k.FalseReports) / hours
		k.FalsePerHour = &rate
		in := properties.PoissonInterval(k.FalseReports, hours, confidence)
		k.FalseExact = &Interval{in.Low, in.High, confidence}
	}
	k.Bits, k.MostBits = d.Episodes.Information()
	return k
}

func spreadOf(d *properties.Durations) *Spread {
	if d.Count() == 0 {
		return nil
	}
	x := spread(d)
	return &x
}

// kindRows returns the rows of m that are not empty.
func kindRows(m *properties.Confusion) []KindRow {
	rows := []KindRow{}
	for k := range model.FailureKinds + 1 {
		row := KindRow{Kind: kindName(k), All: m.Row(k), Said: []KindCell{}}
		for j, n := range m[k] {
			if n > 0 {
				row.Said = append(row.Said, KindCell{kindName(model.FailureKind(j)), n})
			}
		}
		if row.All > 0 {
			rows = append(rows, row)
		}
	}
	return rows
}
