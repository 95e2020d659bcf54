package properties

import "suspect/model"

// Collapse returns a checker that judges, by c, the history in which a verdict of any kind
// is a suspicion. It is not the projection on host failure that checkers see otherwise, and
// shows what is lost by it: who says truly that a live peer is behind congestion makes a
// mistake then. c is not to be used by others.
func Collapse(c Checker) Checker {
	return &collapsed{Checker: c, said: map[opinionOf]model.FailureSet{}}
}

type collapsed struct {
	Checker
	said map[opinionOf]model.FailureSet
}

// opinionOf names the opinion of a detector of one process about another.
type opinionOf struct {
	monitor, peer model.ProcessID
	detector      uint8
}

// Observe takes the next record.
func (c *collapsed) Observe(r *model.Record) {
	switch r.Kind {
	case model.Suspected, model.Trusted:
	case model.Recovered:
		for o := range c.said { // in no order: all that is done is to forget
			if o.monitor == r.Process {
				delete(c.said, o)
			}
		}
		fallthrough
	default:
		c.Checker.Observe(r)
		return
	}
	if r.Warning {
		return
	}
	o := opinionOf{r.Process, r.Peer, r.Detector}
	before := c.said[o]
	after := before | 1<<r.Failure
	if r.Kind == model.Trusted {
		after = before &^ (1 << r.Failure)
	}
	c.said[o] = after
	if (before == 0) == (after == 0) {
		return
	}
	one := *r
	one.Failure = model.Unspecified
	c.Checker.Observe(&one)
}
