package detectors

import (
	"fmt"
	"strings"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "untyped-partition",
		Source: "folklore; the baseline of the typed detectors, after those who know but one failure, the total partition",
		Doc:    "Takes every silence for a partition, by any detector of silence.",
		Params: untypedParams(),
		Typed:  true,
		Kinds:  []model.FailureKind{model.Partition},
		New: func(env Env, p model.Params) (model.Automaton, error) {
			return newUntyped(env, p, model.Partition)
		},
	})
}

func untypedParams() []model.Param {
	return typedParams(model.Param{Name: "base", Type: model.TextParam, Default: "timeout",
		Doc: "the detector of silence: one that lives on heartbeats, and its parameters, as: nfd-e eta=1s alpha=2s"})
}

// untyped gives every suspicion of its base, a detector that lives on heartbeats, one and
// the same kind. It is what typed detectors are measured against: of all kinds of failure
// but its own it has none right. Of crashes, the one that says partition promises nothing.
type untyped struct {
	opinions
	kind model.FailureKind
	base model.Automaton
	said []model.Verdict // by the base, in this step
}

func newUntyped(env Env, p model.Params, kind model.FailureKind) (model.Automaton, error) {
	if err := env.Check(); err != nil {
		return nil, err
	}
	o, err := newOpinions(env, p)
	if err != nil {
		return nil, err
	}
	d := &untyped{opinions: o, kind: kind}
	words := strings.Fields(p.Text("base"))
	if len(words) > 0 {
		if s, ok := Lookup(words[0]); ok && !s.Heartbeats {
			return nil, &model.ParamError{Name: "base", Err: fmt.Errorf("%s does not live on heartbeats alone: write timeout, nfd-e or the like", s.Name)}
		}
	}
	if d.base, err = newBase(env, p.Text("base")); err != nil {
		return nil, &model.ParamError{Name: "base", Err: err}
	}
	return d, nil
}

func (d *untyped) Step(now model.Time, in *model.Input, out *model.Output) {
	before := len(out.Verdicts)
	d.base.Step(now, in, out)
	d.said = append(d.said[:0], out.Verdicts[before:]...)
	out.Verdicts = out.Verdicts[:before]
	for _, v := range d.said {
		p := d.peers.index(v.Peer)
		if v.Suspected {
			d.hold(p, now, model.Finding{Kind: d.kind}, Reason{From: v.Peer}, out)
		} else {
			d.withdraw(p, d.kind, out)
		}
	}
}

func (d *untyped) Clone() model.Automaton {
	return &untyped{opinions: d.opinions.clone(), kind: d.kind, base: d.base.Clone()}
}

// AppendState writes the state of the base, and the opinions.
func (d *untyped) AppendState(b []byte, now model.Time) []byte {
	return d.opinions.appendState(d.base.AppendState(b, now), now)
}

func (d *untyped) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	if b, err = d.base.LoadState(b, now); err != nil {
		return b, err
	}
	return d.opinions.loadState(b, now)
}
