package properties

import (
	"slices"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "weak-accuracy",
		Source: "Chandra and Toueg 1996, section 2",
		Doc: "Some correct process is never suspected by a process that has not crashed. " +
			"Safety: violated exactly when every process that has not crashed was suspected by one that had not crashed then. " +
			"Checked counts the correct processes that are monitored by one that had not crashed when the warm-up had ended and both had started.",
		New: func(env Env, _ model.Params) (Checker, error) {
			all, err := newMistakes(env)
			if err != nil {
				return nil, err
			}
			c := &weakAccuracy{mistakes: all, first: make([]*model.Record, env.N)}
			all.found = func(m mistake) {
				if q := c.peer(m.pair); c.first[q] == nil {
					record := m.record
					c.first[q] = &record
				}
			}
			return c, nil
		},
	})
}

// weakAccuracy: there is a correct p such that for all t and all q not in F(t), p is
// not in H(q, t). Since the correct processes only grow fewer and the suspected ones
// only more, it is enough to look at the end.
type weakAccuracy struct {
	*mistakes
	first []*model.Record // by process: the first mistaken suspicion of it, if any
}

func (c *weakAccuracy) Observe(r *model.Record) { c.observe(r) }

func (c *weakAccuracy) Finish(end model.Time) Result {
	c.conclude(end)
	result := Result{Property: "weak-accuracy"}
	var never []model.ProcessID
	for q := range model.ProcessID(c.env.N) {
		if !c.truth.Correct(q) || !slices.ContainsFunc(c.on(q), c.observed) {
			continue
		}
		result.Checked++
		if first := c.first[q]; first != nil {
			result.Witness = append(result.Witness, *first)
		} else {
			never = append(never, q)
		}
	}
	sortByTime(result.Witness)
	switch {
	case c.tooShort(end):
		result.Reason = tooShort
	case c.truth.AllCrashed():
		result.Reason = noCorrect
	case result.Checked == 0:
		result.Reason = "vacuous: no process monitors a correct one"
	case len(never) == 0:
		result.Outcome = Violated
		result.Reason = "every correct process was suspected by one that had not crashed"
		return result
	default:
		result.Outcome = Holds
		result.Reason = c.env.name(never[0]) + " was never suspected"
		if others := len(never) - 1; others > 0 {
			result.Reason += ", nor " + plural(others, "other")
		}
	}
	result.Witness = nil
	return result
}
