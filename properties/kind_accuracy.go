package properties

import (
	"fmt"
	"slices"

	"suspect/model"
)

func init() {
	for _, k := range judgedKinds() {
		Register(Spec{
			Name:   k.name + "-accuracy",
			Source: "Chandra and Toueg 1996, section 2, carried over to kinds of failure",
			Doc: "Whenever a process says that there is a " + k.name + " between it and a peer, there was one at that time or at most the staleness before. " +
				"Strong: nobody ever says it wrongly; weak: of some correct peer nobody does. Given a time from which on it shall hold, it is the eventual form, in which what is said before does not count. " +
				"Checked counts the monitored pairs whose monitor ran after the warm-up, or of the weak form the correct monitored processes.",
			Truth: true,
			Params: []model.Param{
				{Name: "stale", Type: model.DurationParam, Default: "0s", Doc: "how long after its end a failure may still be said to hold"},
				{Name: "weak", Type: model.SwitchParam, Default: "false", Doc: "it is enough that nobody says it wrongly of some correct process"},
				{Name: "after", Type: model.DurationParam, Optional: true, Doc: "the time of the run from which on it shall hold"},
			},
			New: func(env Env, p model.Params) (Checker, error) {
				return newKindAccuracy(k, env, p)
			},
		})
	}
}

// kindAccuracy: at every moment t at which p's verdict on q contains k, k held at some
// moment of [t-d, t].
//
// Verdicts and failures are in force from the record that begins them to the one that
// ends them, both instants included. So a verdict in force during [s, e] is wrong from
// max(s, L+d+1 ps) on, where L is the last instant at which the failure held, until the
// failure begins again, if that comes before e.
type kindAccuracy struct {
	*kindHistory
	name  string
	stale model.Duration
	weak  bool
	since model.Time // what is said before does not count

	pairs  []claimed
	doubts []doubt // that the other records of this instant may remove
	now    model.Time

	reports int
	wrong   int
	first   model.Record
	spoiled []bool // by peer: somebody said it wrongly
	ran     []bool // by process: at some time that counts
}

// claimed is what is kept of one pair.
type claimed struct {
	from     model.Time // since when the verdict in force is said, or counts again
	lastHeld model.Time // the last instant at which the failure held; -1: it never did, Never: it does
	blamed   bool       // the verdict in force was found wrong
}

// doubt is a verdict that is wrong at this instant unless the failure holds in it.
type doubt struct {
	pair int32
	from model.Time // when it was said
}

func newKindAccuracy(k judgedKind, env Env, p model.Params) (Checker, error) {
	h, err := newKindHistory(env, k.kinds)
	if err != nil {
		return nil, err
	}
	c := &kindAccuracy{
		kindHistory: h, name: k.name + "-accuracy", stale: p.Duration("stale"), weak: p.Switch("weak"),
		since: env.WarmUp, pairs: make([]claimed, h.len()), spoiled: make([]bool, env.N), ran: make([]bool, env.N),
	}
	if p.Given("after") {
		c.since = max(c.since, model.Time(p.Duration("after")))
	}
	for i := range c.pairs {
		c.pairs[i].lastHeld = -1
	}
	return c, nil
}

func (c *kindAccuracy) Kinds() model.Kinds { return kindRecords }

func (c *kindAccuracy) Observe(r *model.Record) {
	c.advance(r.At)
	if r.Kind == model.Crashed && c.isCrash(r) {
		c.silence(r.Process, r.At)
	}
	what, pair := c.fold(r)
	switch what {
	case began:
		if c.said[pair] != 0 {
			c.judge(pair, r.At-1)
		}
		c.pairs[pair].lastHeld = model.Never
	case ended:
		c.pairs[pair].lastHeld = r.At
		c.pairs[pair].blamed = false
	case reported:
		c.pairs[pair].from, c.pairs[pair].blamed = r.At, false
		if r.At >= c.since {
			c.reports++
		}
	case withdrawn:
		c.judge(pair, r.At)
	}
}

// silence ends what the process p, which crashes now, says: the last instant of it is the
// one before.
func (c *kindAccuracy) silence(p model.ProcessID, now model.Time) {
	c.count(p, now)
	c.doubts = slices.DeleteFunc(c.doubts, func(d doubt) bool { return c.monitor[d.pair] == p })
	from, to := c.of(p)
	for i := from; i < to; i++ {
		if c.said[i] != 0 {
			c.judge(i, now-1)
			c.said[i] = 0
		}
	}
}

// judge looks at what was said of the pair, or is, until the time until.
func (c *kindAccuracy) judge(pair int32, until model.Time) {
	x := &c.pairs[pair]
	if x.lastHeld == model.Never || x.blamed {
		return
	}
	from := max(x.from, c.since)
	if x.lastHeld >= 0 {
		from = max(from, x.lastHeld.Add(c.stale)+1)
	}
	switch {
	case from > until:
	case from == c.now: // it may begin to hold in this instant
		c.doubts = append(c.doubts, doubt{pair, x.from})
	default:
		c.blame(pair, x.from)
	}
}

func (c *kindAccuracy) blame(pair int32, from model.Time) {
	p, q := c.monitor[pair], c.peer(pair)
	if c.wrong++; c.wrong == 1 {
		c.first = model.Record{At: from, Kind: model.Suspected, Process: p, Peer: q, Detector: c.env.Detector}
		c.first.Failure, _ = c.judged.Label()
	}
	c.pairs[pair].blamed = true
	c.spoiled[q] = true
}

// advance takes note that all records before the time now were seen.
func (c *kindAccuracy) advance(now model.Time) {
	if now == c.now {
		return
	}
	for _, d := range c.doubts {
		if x := &c.pairs[d.pair]; x.lastHeld != model.Never && x.lastHeld != c.now && !x.blamed {
			c.blame(d.pair, d.from)
		}
	}
	c.doubts = c.doubts[:0]
	c.now = now
}

// count takes note that process p ran until now, if it did.
func (c *kindAccuracy) count(p model.ProcessID, now model.Time) {
	if c.isUp(p) && now > max(c.since, c.processes[p].startedAt) {
		c.ran[p] = true
	}
}

func (c *kindAccuracy) Finish(end model.Time) Result {
	c.advance(end)
	for i := range c.pairs {
		if c.said[i] != 0 && c.isUp(c.monitor[i]) {
			c.judge(int32(i), end)
		}
	}
	c.advance(end + 1)
	result := Result{Property: c.name}
	if c.wrong > 0 {
		result.Witness = []model.Record{c.first}
	}
	accurate := 0
	for q := range c.env.N {
		if c.weak && c.truth.Correct(model.ProcessID(q)) && len(c.on(model.ProcessID(q))) > 0 {
			result.Checked++
			if !c.spoiled[q] {
				accurate++
			}
		}
	}
	for p := range c.ran {
		c.count(model.ProcessID(p), end)
		if from, to := c.of(model.ProcessID(p)); !c.weak && c.ran[p] {
			result.Checked += int(to - from)
		}
	}
	said := fmt.Sprintf("%s of it, %d wrong", plural(c.reports, "report"), c.wrong)
	switch {
	case !c.weak && c.wrong > 0:
		result.Outcome = Violated
		result.Reason = fmt.Sprintf("%s of it though there was none; %s", c.env.describe(&c.first), said)
	case end <= c.since:
		result.Reason = "too short: the run does not go on after the time from which it counts"
	case result.Checked == 0:
		result.Reason = "vacuous: nobody of whom it speaks is there"
	case c.weak && accurate == 0:
		result.Outcome = Violated
		result.Reason = fmt.Sprintf("of every correct process somebody said it wrongly; %s", said)
	default:
		result.Outcome, result.Witness = Holds, nil
		result.Reason = "whenever it was said it was so; " + said
		if c.weak {
			result.Reason = fmt.Sprintf("of %d of %d correct processes nobody said it wrongly; %s", accurate, result.Checked, said)
		}
	}
	return result
}
