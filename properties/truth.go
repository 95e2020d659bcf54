package properties

import (
	"cmp"
	"slices"

	"suspect/model"
)

// TruthSummary adds up for how long which failures held between the processes of a run, as
// the records of the ground truth tell ([model.FailureBegan]).
type TruthSummary struct {
	warmUp model.Time
	at     map[truthKey]int32 // in states
	states []truthState
	lines  []TruthLine // sorted
}

// TruthLine is what was true of one kind of failure; of congestion, for one class and by
// one definition.
type TruthLine struct {
	Failure    model.FailureKind
	Priority   model.Priority // of congestion
	Definition uint8          // likewise

	// Intervals is the number of times that it held between two processes, in that order,
	// with some moment after the warm-up. Open of them had no end when the run ended. A
	// change of direction begins no new interval.
	Intervals, Open int64

	// Time is for how long, after the warm-up, added up over ordered pairs. Forward,
	// Backward and BothWays are the parts of it with these directions; kinds that have none
	// leave them empty.
	Time, Forward, Backward, BothWays Total
}

// truthKey is who is concerned, and what line.
type truthKey struct {
	p, q       model.ProcessID
	failure    model.FailureKind
	priority   model.Priority
	definition uint8
}

// truthState is whether a failure holds.
type truthState struct {
	line       int32
	holds      bool
	isCounted  bool // of the interval
	directions model.Directions
	since      model.Time
}

// NewTruthSummary returns a summary of what is true from the end of the warm-up on.
func NewTruthSummary(warmUp model.Time) *TruthSummary {
	return &TruthSummary{warmUp: warmUp, at: make(map[truthKey]int32)}
}

// Kinds returns the kinds of records that Observe wants to see.
func (s *TruthSummary) Kinds() model.Kinds {
	return model.KindSet(model.FailureBegan, model.FailureEnded)
}

// Observe takes the next record.
func (s *TruthSummary) Observe(r *model.Record) {
	key := truthKey{r.Process, r.Peer, r.Failure, r.Priority, r.Detector}
	i, known := s.at[key]
	if !known {
		i = int32(len(s.states))
		s.at[key] = i
		s.states = append(s.states, truthState{line: s.line(TruthLine{Failure: r.Failure, Priority: r.Priority, Definition: r.Detector})})
	}
	x := &s.states[i]
	s.advance(x, r.At)
	if x.since = r.At; r.Kind == model.FailureEnded {
		x.holds = false
		return
	}
	if !x.holds {
		x.holds, x.isCounted = true, false
	}
	x.directions = model.Directions(r.Seq)
}

// line returns the number of the line like x.
func (s *TruthSummary) line(x TruthLine) int32 {
	for i := range s.lines {
		if s.lines[i].compare(&x) == 0 {
			return int32(i)
		}
	}
	s.lines = append(s.lines, x)
	return int32(len(s.lines) - 1)
}

func (x *TruthLine) compare(y *TruthLine) int {
	return cmp.Or(cmp.Compare(x.Failure, y.Failure), cmp.Compare(x.Priority, y.Priority), cmp.Compare(x.Definition, y.Definition))
}

// advance adds the time until now.
func (s *TruthSummary) advance(x *truthState, now model.Time) {
	if !x.holds || now < s.warmUp {
		return
	}
	line := &s.lines[x.line]
	if !x.isCounted {
		x.isCounted = true
		line.Intervals++
	}
	d := now.Sub(max(x.since, s.warmUp))
	line.Time.add(d)
	switch x.directions {
	case model.Forward:
		line.Forward.add(d)
	case model.Backward:
		line.Backward.add(d)
	case model.Both:
		line.BothWays.add(d)
	}
}

// Finish ends the run and returns a line for each kind of failure that held, sorted by kind,
// priority and definition.
func (s *TruthSummary) Finish(end model.Time) []TruthLine {
	for i := range s.states {
		x := &s.states[i]
		s.advance(x, end)
		if x.holds && x.isCounted {
			s.lines[x.line].Open++
		}
	}
	lines := slices.DeleteFunc(s.lines, func(x TruthLine) bool { return x.Intervals == 0 })
	slices.SortFunc(lines, func(x, y TruthLine) int { return x.compare(&y) })
	return lines
}

// MergeTruth returns the sums of the lines of two runs.
func MergeTruth(x, y []TruthLine) []TruthLine {
	all := slices.Concat(x, y)
	slices.SortStableFunc(all, func(x, y TruthLine) int { return x.compare(&y) })
	var merged []TruthLine
	for i := range all {
		if end := len(merged) - 1; end >= 0 && merged[end].compare(&all[i]) == 0 {
			sum := &merged[end]
			sum.Intervals += all[i].Intervals
			sum.Open += all[i].Open
			sum.Time.merge(all[i].Time)
			sum.Forward.merge(all[i].Forward)
			sum.Backward.merge(all[i].Backward)
			sum.BothWays.merge(all[i].BothWays)
			continue
		}
		merged = append(merged, all[i])
	}
	return merged
}
