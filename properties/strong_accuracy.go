package properties

import (
	"fmt"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "strong-accuracy",
		Source: "Chandra and Toueg 1996, section 2",
		Doc: "No process is suspected, by a process that has not crashed, before it crashes. " +
			"Safety: judged as it stands. Checked counts the ordered monitored pairs that had not crashed when the warm-up ended.",
		New: func(env Env, _ model.Params) (Checker, error) {
			m, err := newMistakes(env, 0)
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

func (c *strongAccuracy) mistake(pair int32) {
	if c.count == 0 {
		c.first = c.suspected(pair)
	}
	c.count++
}

func (c *strongAccuracy) Observe(r *model.Record) { c.observe(r) }

func (c *strongAccuracy) Finish(end model.Time) Result {
	c.advance(end)
	result := Result{Property: "strong-accuracy", Checked: c.checked}
	switch {
	case c.count > 0:
		result.Outcome = Violated
		result.Reason = fmt.Sprintf("%s; %s in all", describe(&c.first), plural(c.count, "mistake"))
		result.Witness = []model.Record{c.first}
	case !c.started:
		result.Reason = tooShort
	case c.checked == 0:
		result.Reason = "vacuous: no process monitors another one"
	case c.correct() == 0:
		result.Reason = noCorrect
	default:
		result.Outcome = Holds
		result.Reason = "no process was suspected before it crashed"
	}
	return result
}
