package properties

import (
	"fmt"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "strong-accuracy",
		Source: "Chandra and Toueg 1996, section 2",
		Doc: "No process is suspected, by a process that has not crashed, from its start until it crashes. " +
			"Safety: judged as it stands. Checked counts the ordered monitored pairs that had not crashed when the warm-up had ended and both had started.",
		New: func(env Env, _ model.Params) (Checker, error) {
			m, err := newMistakes(env)
			if err != nil {
				return nil, err
			}
			c := &strongAccuracy{mistakes: m}
			m.found = c.mistake
			return c, nil
		},
	})
}

// strongAccuracy: for all t and all p, q not in F(t), p is not in H(q, t). One mistake
// is a bad prefix, whatever happens later.
type strongAccuracy struct {
	*mistakes
	count int
	first model.Record
}

func (c *strongAccuracy) mistake(m mistake) {
	if c.count == 0 {
		c.first = m.record
	}
	c.count++
}

func (c *strongAccuracy) Observe(r *model.Record) { c.observe(r) }

func (c *strongAccuracy) Finish(end model.Time) Result {
	c.conclude(end)
	result := Result{Property: "strong-accuracy", Checked: c.observedPairs()}
	switch {
	case c.count > 0:
		result.Outcome = Violated
		began := c.env.describe(&c.first)
		if start := c.processes[c.first.Peer].startedAt; c.first.At < start {
			began += fmt.Sprintf(", and still when that started at %v", start)
		}
		result.Reason = fmt.Sprintf("%s; %s in all between processes that had never crashed", began, plural(c.count, "mistake"))
		result.Witness = []model.Record{c.first}
	case c.tooShort(end):
		result.Reason = tooShort
	case result.Checked == 0:
		result.Reason = "vacuous: no process monitors another one, both having started and neither having crashed when the warm-up ended"
	case c.truth.AllCrashed():
		result.Reason = noCorrect
	default:
		result.Outcome = Holds
		result.Reason = "no process was suspected before it crashed"
	}
	return result
}
