package detectors

import "suspect/model"

func init() {
	Register(Spec{
		Name:   "untyped-crash",
		Source: "folklore; the baseline of the typed detectors: what most systems do with a timeout",
		Doc:    "Takes every silence for a crash of the host, by any detector of silence.",
		Claims: []model.Claim{
			{Class: model.P, Under: "what the base detector needs to be perfect", Given: based(model.P)},
			{Class: model.EventuallyP, Under: "what the base detector needs to be eventually perfect", Given: based(model.EventuallyP)},
		},
		Params: untypedParams(),
		Typed:  true,
		Kinds:  []model.FailureKind{model.HostCrash},
		New: func(env Env, p model.Params) (model.Automaton, error) {
			return newUntyped(env, p, model.HostCrash)
		},
	})
}
