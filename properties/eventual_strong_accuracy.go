package properties

import "suspect/model"

func init() {
	Register(Spec{
		Name:   "eventual-strong-accuracy",
		Source: "Chandra and Toueg 1996, section 2",
		Doc: "There is a time after which correct processes are not suspected by any correct process. " +
			"Judged with a bound: none from a given time on, or at most so many mistakes. " +
			"Checked counts the ordered monitored pairs of correct processes that have started.",
		Params: stability,
		New: func(env Env, p model.Params) (Checker, error) {
			c, err := newEventualAccuracy("eventual-strong-accuracy", env, p)
			if err != nil {
				return nil, err
			}
			return eventualStrongAccuracy{c}, nil
		},
	})
}

type eventualStrongAccuracy struct{ *eventualAccuracy }

func (c eventualStrongAccuracy) Finish(end model.Time) Result {
	c.conclude(end)
	outcome, worst := Holds, int32(-1)
	for i := range int32(c.len()) {
		if !c.correctPair(i) {
			continue
		}
		outcome = Worst(outcome, c.judge(i, end))
		if c.worse(i, worst, end) {
			worst = i
		}
	}
	return c.finish(end, outcome, c.correctPairs(), worst)
}
