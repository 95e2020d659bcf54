package run

import (
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
	"suspect/properties"
)

// truth is what one replication, or several, found of the ground truth.
type truth struct {
	lines     []properties.TruthLine
	agreement properties.Agreement
}

// truthFolds follow the ground truth; nil where the scenario does not ask.
type truthFolds struct {
	summary   *properties.TruthSummary
	agreement *properties.CongestionAgreement
}

func newTruthFolds(s *scenario.Scenario) *truthFolds {
	if s.Truth == nil {
		return nil
	}
	warmUp := model.Time(s.WarmUp)
	return &truthFolds{
		properties.NewTruthSummary(warmUp),
		properties.NewCongestionAgreement(warmUp, truePairs(s), len(s.Truth.Classes)),
	}
}

// truePairs returns the number of ordered pairs whose truth is followed.
func truePairs(s *scenario.Scenario) (pairs int) {
	if s.Truth.All {
		return s.Processes() * (s.Processes() - 1)
	}
	for _, peers := range s.Monitor.Watch {
		pairs += len(peers)
	}
	return pairs
}

// observers returns the folds.
func (f *truthFolds) observers() []observer {
	if f == nil {
		return nil
	}
	return []observer{f.summary, f.agreement}
}

func (f *truthFolds) finish(end model.Time) *truth {
	if f == nil {
		return nil
	}
	return &truth{f.summary.Finish(end), *f.agreement.Finish(end)}
}

// merge adds another replication; t is nil before the first one.
func (t *truth) merge(o *truth) *truth {
	if t == nil || o == nil {
		return o
	}
	t.lines = properties.MergeTruth(t.lines, o.lines)
	t.agreement.Merge(&o.agreement)
	return t
}

// results returns what the results say of the truth; nil where the scenario does not ask.
func (t *truth) results(s *scenario.Scenario) *Truth {
	if t == nil {
		return nil
	}
	res := &Truth{Pairs: truePairs(s), Kinds: []TrueKind{}}
	for i := range t.lines {
		x := &t.lines[i]
		k := TrueKind{
			Kind: x.Failure.String(), Intervals: x.Intervals, Open: x.Open, PairSeconds: x.Time.Seconds(),
			Forward: x.Forward.Seconds(), Backward: x.Backward.Seconds(), Both: x.BothWays.Seconds(),
		}
		if x.Failure == model.Congestion {
			priority := int(x.Priority)
			k.Priority, k.Definition = &priority, network.CongestionDefinition(x.Definition).String()
		}
		res.Kinds = append(res.Kinds, k)
	}
	for i, a := range s.Truth.Definitions {
		for _, b := range s.Truth.Definitions[i+1:] {
			g := &t.agreement
			r := RivalDefinitions{A: a.String(), B: b.String(), OnlyA: g.Only[a][b].Seconds(), OnlyB: g.Only[b][a].Seconds()}
			if share, ok := g.Disagree(int(a), int(b)); ok {
				r.Disagree = &share
			}
			if share, ok := g.Jaccard(int(a), int(b)); ok {
				r.Jaccard = &share
			}
			res.Congestion = append(res.Congestion, r)
		}
	}
	return res
}
