package properties

import "suspect/model"

func init() {
	Register(Spec{
		Name:   "weak-completeness",
		Source: "Chandra and Toueg 1996, section 2",
		Doc: "Every crashed process is permanently suspected by some correct process. " +
			"Judged with a bound: within that time of the crash, and until recovery or the end. " +
			"Checked counts the judged crashes of processes with a correct monitor.",
		Params: within,
		New: func(env Env, p model.Params) (Checker, error) {
			c, err := newCompleteness("weak-completeness", env, p)
			if err != nil {
				return nil, err
			}
			return weakCompleteness{c}, nil
		},
	})
}

type weakCompleteness struct{ *completeness }

func (c weakCompleteness) Finish(end model.Time) Result {
	return c.finish(end,
		func(v verdict) int { return min(v.monitors, 1) },
		func(v verdict) bool { return v.monitors > 0 && v.missed == v.monitors })
}
