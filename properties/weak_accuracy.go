package properties

import (
	"fmt"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "weak-accuracy",
		Source: "Chandra and Toueg 1996, section 2",
		Doc: "Some correct process is never suspected by a process that has not crashed. " +
			"Safety: violated exactly when every process that has not crashed was suspected by one that had not crashed then. " +
			"Checked counts the correct processes that are monitored by one that had not crashed when the warm-up ended.",
		New: func(env Env, _ model.Params) (Checker, error) {
			m, err := newMistakes(env, 0)
			if err != nil {
				return nil, err
			}
			c := &weakAccuracy{mistakes: m, suspectedBy: make([]mistake, env.N)}
			for q := range c.suspectedBy {
				c.suspectedBy[q].pair = -1
			}
			m.found = func(pair int32) {
				if q := c.peer(pair); c.suspectedBy[q].pair < 0 {
					o := c.opinions[pair]
					c.suspectedBy[q] = mistake{pair, o.since, o.began}
				}
			}
			return c, nil
		},
	})
}

// mistake identifies the beginning of a suspicion.
type mistake struct {
	pair int32
	at   model.Time
	kind model.FailureKind
}

// weakAccuracy: there is a correct p such that for all t and all q not in F(t), p is
// not in H(q, t). Since the correct processes only grow fewer and the suspected ones
// only more, it is enough to look at the end.
type weakAccuracy struct {
	*mistakes
	suspectedBy []mistake // by process: its first mistaken suspicion; pair -1 if none
}

func (c *weakAccuracy) Observe(r *model.Record) { c.observe(r) }

func (c *weakAccuracy) Finish(end model.Time) Result {
	c.advance(end)
	result := Result{Property: "weak-accuracy"}
	var never []model.ProcessID
	for q, p := range c.processes {
		if p.everDown || !c.watched[q] {
			continue
		}
		result.Checked++
		if first := c.suspectedBy[q]; first.pair >= 0 {
			result.Witness = append(result.Witness, c.suspectedAt(first.pair, first.at, first.kind))
		} else {
			never = append(never, model.ProcessID(q))
		}
	}
	sortByTime(result.Witness)
	switch {
	case !c.started:
		result.Reason = tooShort
	case c.correct() == 0:
		result.Reason = noCorrect
	case result.Checked == 0:
		result.Reason = "vacuous: no process monitors a correct one"
	case len(never) == 0:
		result.Outcome = Violated
		result.Reason = "every correct process was suspected by one that had not crashed"
		return result
	default:
		result.Outcome = Holds
		result.Reason = fmt.Sprintf("p%d was never suspected", never[0])
		if others := len(never) - 1; others > 0 {
			result.Reason += ", nor " + plural(others, "other")
		}
	}
	result.Witness = nil
	return result
}
