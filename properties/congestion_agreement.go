package properties

import (
	"math/bits"

	"suspect/model"
)

// CongestionAgreement compares the definitions of congestion that are told side by side:
// for how long each held, and for how long one held and another did not. Time is added up
// over ways: the ordered pairs of processes, each in both directions, and the classes.
type CongestionAgreement struct {
	warmUp model.Time
	ways   int64
	at     map[congestedPair]int32 // in states
	states []congestedState
	sums   Agreement
}

// CongestionDefinitions is the largest number of definitions of congestion.
const CongestionDefinitions = 8

// Agreement is how definitions of congestion compare.
type Agreement struct {
	Held [CongestionDefinitions]Total
	// Only [i][j] is for how long definition i held and definition j did not.
	Only [CongestionDefinitions][CongestionDefinitions]Total
	// WaySeconds is the time, in seconds, that was looked at.
	WaySeconds float64
}

// congestedPair is an ordered pair and a class.
type congestedPair struct {
	p, q  model.ProcessID
	class model.Priority
}

// congestedState is which definitions hold, of each direction: bit i is definition i.
type congestedState struct {
	since model.Time
	holds [2]uint8
}

// NewCongestionAgreement compares what is true of so many ordered pairs and classes from
// the end of the warm-up on.
func NewCongestionAgreement(warmUp model.Time, pairs, classes int) *CongestionAgreement {
	return &CongestionAgreement{warmUp: warmUp, ways: 2 * int64(pairs) * int64(classes), at: make(map[congestedPair]int32)}
}

// Kinds returns the kinds of records that Observe wants to see.
func (a *CongestionAgreement) Kinds() model.Kinds {
	return model.KindSet(model.FailureBegan, model.FailureEnded)
}

// Observe takes the next record.
func (a *CongestionAgreement) Observe(r *model.Record) {
	if r.Failure != model.Congestion || r.Detector >= CongestionDefinitions {
		return
	}
	key := congestedPair{r.Process, r.Peer, r.Priority}
	i, known := a.at[key]
	if !known {
		i = int32(len(a.states))
		a.at[key] = i
		a.states = append(a.states, congestedState{})
	}
	x := &a.states[i]
	a.advance(x, r.At)
	now := model.Directions(0)
	if r.Kind == model.FailureBegan {
		now = model.Directions(r.Seq)
	}
	for k, d := range [...]model.Directions{model.Forward, model.Backward} {
		x.holds[k] &^= 1 << r.Detector
		if now&d != 0 {
			x.holds[k] |= 1 << r.Detector
		}
	}
}

// advance adds the time until now.
func (a *CongestionAgreement) advance(x *congestedState, now model.Time) {
	d := now.Sub(max(x.since, a.warmUp))
	x.since = now
	if d <= 0 {
		return
	}
	for _, holds := range x.holds {
		for h := holds; h != 0; h &= h - 1 {
			i := bits.TrailingZeros8(h)
			a.sums.Held[i].add(d)
			for j := range CongestionDefinitions {
				if holds>>j&1 == 0 {
					a.sums.Only[i][j].add(d)
				}
			}
		}
	}
}

// Finish ends the run.
func (a *CongestionAgreement) Finish(end model.Time) *Agreement {
	for i := range a.states {
		a.advance(&a.states[i], end)
	}
	a.sums.WaySeconds = float64(a.ways) * max(end.Sub(a.warmUp), 0).Seconds()
	return &a.sums
}

// Merge adds another run.
func (a *Agreement) Merge(o *Agreement) {
	for i := range a.Held {
		a.Held[i].merge(o.Held[i])
		for j := range a.Only[i] {
			a.Only[i][j].merge(o.Only[i][j])
		}
	}
	a.WaySeconds += o.WaySeconds
}

// Disagree returns the share of the time in which definitions i and j differ; ok is false
// where there is no time.
func (a *Agreement) Disagree(i, j int) (share float64, ok bool) {
	if a.WaySeconds == 0 {
		return 0, false
	}
	return (a.Only[i][j].Seconds() + a.Only[j][i].Seconds()) / a.WaySeconds, true
}

// Jaccard returns for how long both of two definitions held, as a share of the time in which
// at least one did; ok is false where none ever did.
func (a *Agreement) Jaccard(i, j int) (share float64, ok bool) {
	either := a.Held[i].Seconds() + a.Only[j][i].Seconds()
	if either == 0 {
		return 0, false
	}
	return (a.Held[i].Seconds() - a.Only[i][j].Seconds()) / either, true
}
