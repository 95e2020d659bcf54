package properties

import (
	"fmt"

	"suspect/model"
)

// stability are the bounds of both eventual accuracy properties. Where both are
// given, both must hold.
var stability = []model.Param{
	{Name: "from", Type: model.DurationParam, Optional: true,
		Doc: "bound: no mistake is in force at any time from this long after the beginning of the run on, and the run goes on after that"},
	{Name: "mistakes", Type: model.CountParam, Optional: true,
		Doc: "bound: each process makes at most this many mistakes about a peer after the warm-up, and takes each back before the run ends"},
}

// eventualAccuracy counts the mistakes of each pair and keeps when the last one was.
// Only pairs of processes that turn out to be correct are judged, so all of that waits
// for the end.
type eventualAccuracy struct {
	*mistakes
	property  string
	bounded   bool         // by from or limit
	stable    model.Time   // no mistake from here on; Never without that bound
	limit     int64        // mistakes of a pair; negative without that bound
	count     []int32      // by pair: mistakes since the warm-up
	trustedAt []model.Time // by pair: when the last suspicion ended; -1 if none did
}

func newEventualAccuracy(property string, env Env, p model.Params) (*eventualAccuracy, error) {
	m, err := newMistakes(env)
	if err != nil {
		return nil, err
	}
	c := &eventualAccuracy{
		mistakes: m, property: property, stable: model.Never, limit: -1,
		count: make([]int32, m.len()), trustedAt: make([]model.Time, m.len()),
	}
	if p.Given("from") {
		c.stable, c.bounded = max(model.Time(p.Duration("from")), env.WarmUp), true
	}
	if p.Given("mistakes") {
		c.limit, c.bounded = p.Count("mistakes"), true
	}
	for i := range c.trustedAt {
		c.trustedAt[i] = -1
	}
	m.found = func(found mistake) { c.count[found.pair]++ }
	return c, nil
}

func (c *eventualAccuracy) Observe(r *model.Record) {
	if what, pair := c.observe(r); what == trust && c.startedBoth(pair) != model.Never {
		c.trustedAt[pair] = r.At
	}
}

// judge judges a pair of correct processes, by the worst of its bounds.
func (c *eventualAccuracy) judge(pair int32, end model.Time) Outcome {
	if !c.bounded {
		return Inconclusive
	}
	outcome := Holds
	if c.stable != model.Never {
		switch {
		case end < c.stable:
			outcome = Inconclusive
		case c.suspects(pair) || c.trustedAt[pair] >= c.stable:
			return Violated
		case end == c.stable: // one instant shows nothing
			outcome = Inconclusive
		}
	}
	if c.limit >= 0 {
		switch {
		case int64(c.count[pair]) > c.limit:
			return Violated
		case c.suspects(pair):
			outcome = Inconclusive
		}
	}
	return outcome
}

// bound describes what was asked for.
func (c *eventualAccuracy) bound() string {
	switch {
	case c.stable != model.Never && c.limit >= 0:
		return fmt.Sprintf("no mistake from %v on and at most %s per pair", c.stable, plural(int(c.limit), "mistake"))
	case c.limit >= 0:
		return fmt.Sprintf("at most %s per pair", plural(int(c.limit), "mistake"))
	}
	return fmt.Sprintf("no mistake from %v on", c.stable)
}

// finish fills in what strong and weak have in common: given the outcome, the number
// of things judged, and the pair that shows it worst (or -1).
func (c *eventualAccuracy) finish(end model.Time, outcome Outcome, checked int, worst int32) Result {
	result := Result{Property: c.property, Checked: checked}
	switch {
	case c.tooShort(end):
		result.Reason = tooShort
		return result
	case c.truth.AllCrashed():
		result.Reason = noCorrect
		return result
	case checked == 0:
		result.Reason = "vacuous: no correct process monitors another one"
		return result
	}
	result.Outcome = outcome
	seen := "no correct process was suspected by a correct one after the warm-up"
	if worst >= 0 && c.count[worst] > 0 {
		last := c.suspected(worst)
		until := fmt.Sprintf("until %v", c.trustedAt[worst])
		if c.suspects(worst) {
			until = "still at the horizon"
		}
		seen = fmt.Sprintf("%s, %s, in mistake number %d", c.env.describe(&last), until, c.count[worst])
		if outcome == Violated {
			result.Witness = []model.Record{last}
		}
	}
	switch {
	case !c.bounded && (worst < 0 || !c.suspects(worst)):
		result.Reason = "no bound was given; consistent at the horizon (" + seen + ")"
	case !c.bounded:
		result.Reason = "no bound was given; " + seen
	case outcome == Inconclusive && c.stable != model.Never && end <= c.stable:
		result.Reason = fmt.Sprintf("too short: the run ends at %v, not after %v", end, c.stable)
	case outcome == Inconclusive:
		result.Reason = "within the bound so far, but " + seen
	case outcome == Violated:
		result.Reason = seen + ", against the bound: " + c.bound()
	case c.stable != model.Never:
		result.Reason = fmt.Sprintf("%s: none in the last %v (%s)", c.bound(), end.Sub(c.stable), seen)
	default:
		result.Reason = c.bound() + ": " + seen
	}
	return result
}

// worse tells whether pair a shows more than pair b (or -1) that mistakes go on: a
// suspicion in force, then more mistakes, then the later one.
func (c *eventualAccuracy) worse(a, b int32, end model.Time) bool {
	if b < 0 {
		return true
	}
	if x, y := c.judge(a, end).badness(), c.judge(b, end).badness(); x != y {
		return x > y
	}
	if x, y := c.suspects(a), c.suspects(b); x != y {
		return x
	}
	if x, y := c.count[a], c.count[b]; x != y {
		return x > y
	}
	return c.trustedAt[a] > c.trustedAt[b]
}
