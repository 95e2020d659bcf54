package detectors

import (
	"encoding/binary"
	"fmt"
	"math"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "bertier",
		Source: "Bertier, Marin, Sens, \"Implementation and performance evaluation of an adaptable failure detector\", DSN 2002; the moderation step is that of a branch of ZooKeeper (ZOOKEEPER-702)",
		Doc:    "Suspects a peer when none of its heartbeats is fresh, by Chen's estimate of the arrival and a margin that is learnt from the errors of the estimate, as TCP learns its timeout.",
		Claims: []model.Claim{
			{Class: model.EventuallyP, Under: "a moderation step above zero, drift-free clocks, no pauses, and from some time on no loss and delays below some bound, which nobody needs to know; before it processes start and messages are lost or late at will", Given: bertierConditions},
		},
		Params: HeartbeatParams(
			model.Param{Name: "n", Type: model.CountParam, Default: "1000",
				Doc: "how many of the latest heartbeats the estimate of the arrival rests on"},
			model.Param{Name: "gamma", Type: model.ProbabilityParam, Default: "0.1",
				Doc: "weight of the latest error in what is learnt"},
			model.Param{Name: "beta", Type: model.CountParam, Default: "1",
				Doc: "weight of the learnt delay in the margin, at most 1000"},
			model.Param{Name: "phi", Type: model.CountParam, Default: "4",
				Doc: "weight of the learnt variation in the margin, at most 1000"},
			model.Param{Name: "delay", Type: model.DurationParam, Default: "0s",
				Doc: "delay before anything is learnt"},
			model.Param{Name: "var", Type: model.DurationParam, Default: "250ms",
				Doc: "variation before anything is learnt; implementations start with none or with a quarter of some timeout"},
			model.Param{Name: "moderation", Type: model.DurationParam, Default: "0s",
				Doc: "what the margin about a peer grows by, for good, at the end of every suspicion of it"}),
		Heartbeats: true,
		New:        newBertier,
	})
}

// newBertier makes the detector of Bertier, Marin and Sens: the estimator with a
// margin alpha that is learnt, for each peer alone, as TCP learns its timeout
// (Jacobson 1988). When m_k arrives at A_k, expected at EA_k by the n latest before it,
//
//	error = A_k - EA_k - delay
//	delay = delay + gamma*error
//	var   = var + gamma*(|error| - var)
//	alpha = beta*delay + phi*var
//	tau_(k+1) = EA_(k+1) + alpha
//
// EA_k goes by the number k, so that losses before m_k are no error. The first
// heartbeat teaches nothing: none was there to expect it by.
//
// The margin has no floor. Of heartbeats that arrive like clockwork it becomes less
// than half a picosecond and thus zero, and every one of them is late.
//
// With a moderation step, alpha has that step on top for each time that a suspicion of
// the peer turned out to be a mistake.
func newBertier(env Env, p model.Params) (model.Automaton, error) {
	n, err := window(p, "n")
	if err != nil {
		return nil, err
	}
	l := &jacobson{gamma: p.Probability("gamma"), pairs: make([]learnt, len(env.Watch))}
	for _, weight := range []struct {
		name string
		at   *float64
	}{{"beta", &l.beta}, {"phi", &l.phi}} {
		w := p.Count(weight.name)
		if w > 1000 {
			return nil, &model.ParamError{Name: weight.name, Err: fmt.Errorf("%d is too large: at most 1000", w)}
		}
		*weight.at = float64(w)
	}
	delay, err := duration(p, "delay", 0)
	if err != nil {
		return nil, err
	}
	variation, err := duration(p, "var", 0)
	if err != nil {
		return nil, err
	}
	if l.step, err = duration(p, "moderation", 0); err != nil {
		return nil, err
	}
	l.initial = learnt{delay: float64(delay), variation: float64(variation)}
	l.reset()
	d, err := newEstimator(env, p, 0, n)
	if err != nil {
		return nil, err
	}
	d.learnt = l
	return d, nil
}

// jacobson holds the learnt margins.
type jacobson struct {
	gamma, beta, phi float64
	step             model.Duration // of moderation
	initial          learnt
	pairs            []learnt
}

// learnt is what is learnt about one peer. Its first two are in picoseconds: means of
// errors, which no rounding to picoseconds shall keep from becoming small.
type learnt struct {
	delay, variation float64
	moderation       model.Duration // at most longest
}

func (l *jacobson) reset() {
	for p := range l.pairs {
		l.pairs[p] = l.initial
	}
}

func (l *jacobson) clone() *jacobson {
	if l == nil {
		return nil
	}
	c := *l
	c.pairs = append([]learnt(nil), l.pairs...)
	return &c
}

// observe learns from a heartbeat that arrived and the time at which it was expected,
// both as entries of a ring. An error of more than the longest duration counts as that.
func (l *jacobson) observe(p int, arrived, expected uint64) {
	late := float64(min(arrived-expected, uint64(longest)))
	if arrived < expected {
		late = -float64(min(expected-arrived, uint64(longest)))
	}
	a := &l.pairs[p]
	e := late - a.delay
	a.delay += float64(l.gamma * e)
	a.variation += float64(l.gamma * (math.Abs(e) - a.variation))
}

// mistaken is told that a suspicion ends.
func (l *jacobson) mistaken(p int) {
	l.pairs[p].moderation = min(l.pairs[p].moderation+l.step, longest)
}

// margin returns alpha, between -longest and twice longest.
func (l *jacobson) margin(p int) model.Duration {
	a := &l.pairs[p]
	alpha := float64(l.beta*a.delay) + float64(l.phi*a.variation)
	return model.Duration(math.Round(max(-float64(longest), min(alpha, float64(longest))))) + a.moderation
}

func (l *jacobson) appendState(b []byte, p int) []byte {
	a := &l.pairs[p]
	b = binary.BigEndian.AppendUint64(b, math.Float64bits(a.delay))
	b = binary.BigEndian.AppendUint64(b, math.Float64bits(a.variation))
	return binary.AppendUvarint(b, uint64(a.moderation))
}

func (l *jacobson) loadState(p int, b []byte) (rest []byte, err error) {
	if len(b) < 16 {
		return b, errEncoding
	}
	a := &l.pairs[p]
	a.delay = math.Float64frombits(binary.BigEndian.Uint64(b))
	a.variation = math.Float64frombits(binary.BigEndian.Uint64(b[8:]))
	moderation, b, err := uvarint(b[16:])
	if err != nil || moderation > uint64(longest) || !(math.Abs(a.delay) <= 2*float64(longest)) ||
		!(0 <= a.variation && a.variation <= 4*float64(longest)) {
		return b, errEncoding
	}
	a.moderation = model.Duration(moderation)
	return b, nil
}
