package properties

import "suspect/model"

func init() {
	Register(Spec{
		Name:   "strong-completeness",
		Source: "Chandra and Toueg 1996, section 2",
		Doc: "Every crashed process is permanently suspected by every correct process. " +
			"Judged with a bound: within that time of the crash, and until recovery or the end. " +
			"Checked counts the pairs of a judged crash and a correct monitor.",
		Params: within,
		New: func(env Env, p model.Params) (Checker, error) {
			c, err := newCompleteness("strong-completeness", env, p)
			if err != nil {
				return nil, err
			}
			return strongCompleteness{c}, nil
		},
	})
}

type strongCompleteness struct{ *completeness }

func (c strongCompleteness) Finish(end model.Time) Result {
	return c.finish(end,
		func(v verdict) int { return v.monitors },
		func(v verdict) bool { return v.missed > 0 })
}
