package properties

import "suspect/model"

func init() {
	Register(Spec{
		Name:   "eventual-weak-accuracy",
		Source: "Chandra and Toueg 1996, section 2",
		Doc: "There is a time after which some correct process is never suspected by any correct process. " +
			"Judged with a bound: none from a given time on, or at most so many mistakes of each of its monitors. " +
			"Checked counts the correct processes that a correct one monitors, both having started.",
		Params: stability,
		New: func(env Env, p model.Params) (Checker, error) {
			c, err := newEventualAccuracy("eventual-weak-accuracy", env, p)
			if err != nil {
				return nil, err
			}
			return eventualWeakAccuracy{c}, nil
		},
	})
}

type eventualWeakAccuracy struct{ *eventualAccuracy }

func (c eventualWeakAccuracy) Finish(end model.Time) Result {
	c.conclude(end)
	outcome, checked, best := Violated, 0, int32(-1)
	for q := range c.processes {
		q := model.ProcessID(q)
		if !c.watchedByCorrect(q) {
			continue
		}
		checked++
		of, worst := Holds, int32(-1)
		for _, i := range c.on(q) {
			if !c.correctPair(i) {
				continue
			}
			of = Worst(of, c.judge(i, end))
			if c.worse(i, worst, end) {
				worst = i
			}
		}
		if best < 0 || of.badness() < outcome.badness() || of == outcome && c.worse(best, worst, end) {
			outcome, best = of, worst
		}
	}
	result := c.finish(end, outcome, checked, best)
	if result.Outcome == Violated {
		result.Reason = "of every correct process there was a mistake too many; the least: " + result.Reason
	}
	return result
}
