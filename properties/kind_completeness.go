package properties

import (
	"fmt"

	"suspect/model"
)

func init() {
	for _, k := range judgedKinds() {
		Register(Spec{
			Name:   k.name + "-completeness",
			Source: "Chandra and Toueg 1996, section 2, carried over to kinds of failure",
			Doc: "Whenever there is a " + k.name + " between a correct process and a peer for as long as the bound, the process says so by then and until it ends. " +
				"Weak: of the correct processes that have it with that peer, some one does. " +
				"Checked counts the failures that lasted as long as the bound: of monitored pairs, or of the weak form of monitored processes.",
			Truth: true,
			Params: []model.Param{
				{Name: "within", Type: model.DurationParam, Optional: true, Doc: "bound: what lasts that long is said to hold by then, and until it ends"},
				{Name: "weak", Type: model.SwitchParam, Default: "false", Doc: "it is enough that some correct process says it"},
			},
			New: func(env Env, p model.Params) (Checker, error) {
				return newKindCompleteness(k, env, p)
			},
		})
	}
}

// kindCompleteness: whenever k holds between p and q throughout [t, t+D], every correct p
// says so of q by t+D and until k ends; or, in the weak form, some correct p does of all
// for which k holds in one episode of q, which is a longest time in which k holds between
// somebody and q.
//
// For the crash kinds, which hold for every p alike, this is the completeness of Chandra
// and Toueg. A failure that began before p started, or before the warm-up ended, counts
// from there on.
type kindCompleteness struct {
	*kindHistory
	name    string
	bounded bool
	within  model.Duration
	weak    bool

	pairs  []owed
	queue  []obligation // in the order of their deadlines
	due    int          // the first whose deadline has not passed
	doubts []int32      // pairs that were told otherwise in this instant
	now    model.Time

	holding  []int32     // by peer: the pairs of which the failure holds
	episodes []episode   // by peer: the present one
	missed   []firstMiss // by process
	lasted   []int       // by process: failures that lasted as long as the bound
	unmet    []shortfall // of the weak form: episodes, of which none may be met
}

// owed is what is kept of one pair.
type owed struct {
	epoch  int32 // counts the failures, and the starts of the monitor
	judged bool  // the failure in force has lasted as long as the bound
	missed bool  // and was not said all the time from then on
}

// obligation is a failure that the monitor of the pair has to report by the deadline.
type obligation struct {
	deadline model.Time
	pair     int32
	epoch    int32
}

// firstMiss is the first failure that a process did not report, and how many there were.
type firstMiss struct {
	count  int
	record model.Record // the failure, with At the time at which it was not said
}

// episode collects who said what of one process: pairs whose failure lasted as long as
// the bound.
type episode struct {
	judged []int32
	missed []int32 // those of them who did not say it
}

// shortfall is an episode that not everybody of judged reported.
type shortfall struct {
	peer model.ProcessID
	at   model.Time // when it ended
	episode
}

func newKindCompleteness(k judgedKind, env Env, p model.Params) (Checker, error) {
	h, err := newKindHistory(env, k.kinds)
	if err != nil {
		return nil, err
	}
	c := &kindCompleteness{
		kindHistory: h, name: k.name + "-completeness", bounded: p.Given("within"), weak: p.Switch("weak"),
		pairs: make([]owed, h.len()), holding: make([]int32, env.N), episodes: make([]episode, env.N),
		missed: make([]firstMiss, env.N), lasted: make([]int, env.N),
	}
	if c.bounded {
		c.within = p.Duration("within")
	}
	return c, nil
}

func (c *kindCompleteness) Kinds() model.Kinds { return kindRecords }

func (c *kindCompleteness) Observe(r *model.Record) {
	c.advance(r.At)
	what, pair := c.fold(r)
	switch what {
	case began:
		c.holding[c.peer(pair)]++
		c.owe(pair, r.At)
	case ended:
		c.end(pair)
	case withdrawn:
		if c.pairs[pair].judged {
			c.doubts = append(c.doubts, pair)
		}
	case upAgain:
		from, to := c.of(r.Process)
		for i := from; i < to; i++ {
			if c.holds[i] != 0 {
				c.owe(i, r.At)
			}
		}
	}
}

// owe begins to count the failure of the pair, which holds, from now on.
func (c *kindCompleteness) owe(pair int32, now model.Time) {
	x := &c.pairs[pair]
	x.epoch++
	x.judged, x.missed = false, false
	if !c.bounded || !c.isUp(c.monitor[pair]) {
		return
	}
	c.queue = append(c.queue, obligation{max(now, c.env.WarmUp).Add(c.within), pair, x.epoch})
}

// end ends the failure of the pair.
func (c *kindCompleteness) end(pair int32) {
	x := &c.pairs[pair]
	x.epoch++
	x.judged, x.missed = false, false
	q := c.peer(pair)
	if c.holding[q]--; c.holding[q] == 0 {
		c.close(q)
	}
}

// close ends the episode of process q.
func (c *kindCompleteness) close(q model.ProcessID) {
	e := &c.episodes[q]
	if c.weak && len(e.judged) > 0 {
		c.unmet = append(c.unmet, shortfall{q, c.now, *e})
	}
	*e = episode{}
}

// advance takes note that all records before the time now were seen.
func (c *kindCompleteness) advance(now model.Time) {
	if now == c.now {
		return
	}
	for _, pair := range c.doubts {
		if x := &c.pairs[pair]; x.judged {
			c.miss(pair, c.now)
		}
	}
	c.doubts = c.doubts[:0]
	for ; c.due < len(c.queue) && c.queue[c.due].deadline < now; c.due++ {
		c.judge(c.queue[c.due])
	}
	if c.due > len(c.queue)/2 {
		c.queue = append(c.queue[:0], c.queue[c.due:]...)
		c.due = 0
	}
	c.now = now
}

// judge looks at a failure whose deadline has just passed.
func (c *kindCompleteness) judge(o obligation) {
	x := &c.pairs[o.pair]
	if x.epoch != o.epoch || !c.isUp(c.monitor[o.pair]) {
		return
	}
	x.judged = true
	c.lasted[c.monitor[o.pair]]++
	e := &c.episodes[c.peer(o.pair)]
	if c.weak {
		e.judged = append(e.judged, o.pair)
	}
	if c.said[o.pair] == 0 {
		c.miss(o.pair, o.deadline)
	}
}

// miss books that the failure of the pair was not said at the given time.
func (c *kindCompleteness) miss(pair int32, at model.Time) {
	x := &c.pairs[pair]
	if x.missed {
		return
	}
	x.missed = true
	p, q := c.monitor[pair], c.peer(pair)
	if m := &c.missed[p]; m.count == 0 {
		k, _ := c.judged.Label()
		m.record = model.Record{At: at, Kind: model.FailureBegan, Process: p, Peer: q, Failure: k}
	}
	c.missed[p].count++
	if c.weak {
		c.episodes[q].missed = append(c.episodes[q].missed, pair)
	}
}

func (c *kindCompleteness) Finish(end model.Time) Result {
	c.advance(end + 1)
	for q := range c.episodes {
		c.close(model.ProcessID(q))
	}
	result := Result{Property: c.name}
	checked, missed, first := c.strong()
	if c.weak {
		checked, missed, first = c.some()
	}
	result.Checked = checked
	switch {
	case !c.bounded:
		result.Checked = 0
		result.Reason = "without a bound (within) no finite run settles it"
	case c.truth.AllCrashed():
		result.Reason = noCorrect
	case missed > 0:
		result.Outcome, result.Witness = Violated, []model.Record{first}
		result.Reason = fmt.Sprintf("%s did not say it of %s at %v, %v or more after it began; %d of %s missed",
			c.env.name(first.Process), c.env.name(first.Peer), first.At, c.within, missed, plural(checked, "failure"))
	case checked == 0:
		result.Reason = fmt.Sprintf("vacuous: none held for %v between a correct process and one that it monitors", c.within)
	default:
		result.Outcome = Holds
		result.Reason = fmt.Sprintf("%s said within %v and until the end", plural(checked, "failure"), c.within)
	}
	return result
}

// strong counts the failures that correct processes had to report and did not.
func (c *kindCompleteness) strong() (checked, missed int, first model.Record) {
	for p := range c.missed {
		if !c.truth.Correct(model.ProcessID(p)) {
			continue
		}
		checked += c.lasted[p]
		if m := &c.missed[p]; m.count > 0 {
			if missed == 0 || m.record.At < first.At {
				first = m.record
			}
			missed += m.count
		}
	}
	return checked, missed, first
}

// some counts the episodes that some correct process had to report and none did.
func (c *kindCompleteness) some() (checked, missed int, first model.Record) {
	for _, s := range c.unmet {
		silent := make(map[int32]bool)
		for _, pair := range s.missed {
			silent[pair] = true
		}
		correct, told := model.Nobody, false
		for _, pair := range s.judged {
			if p := c.monitor[pair]; c.truth.Correct(p) {
				correct = p
				told = told || !silent[pair]
			}
		}
		if correct == model.Nobody {
			continue
		}
		checked++
		if told {
			continue
		}
		if missed++; missed == 1 {
			k, _ := c.judged.Label()
			first = model.Record{At: s.at, Kind: model.FailureBegan, Process: correct, Peer: s.peer, Failure: k}
		}
	}
	return checked, missed, first
}
