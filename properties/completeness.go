package properties

import (
	"fmt"
	"slices"

	"suspect/model"
)

// within is the bound of both completeness properties.
var within = []model.Param{{
	Name: "within", Type: model.DurationParam, Optional: true,
	Doc: "bound: a crashed process is suspected at most this long after its crash, and from then on until it recovers or the run ends",
}}

// completeness follows the outages of processes and which monitors missed them.
type completeness struct {
	*history
	property string
	bounded  bool
	within   model.Duration
	outages  []outage // in the order of crashes, which is that of their deadlines
	due      int      // the first outage whose deadline has not passed
	current  []int32  // by process: its outage now, or -1
}

// outage is one crash of a process, until its recovery.
type outage struct {
	process   model.ProcessID
	at        model.Time
	failure   model.FailureKind
	over      bool   // recovered
	judged    bool   // its deadline passed before it was over
	missed    bitset // monitors, by their place in on(process), that did not suspect at some time after the deadline
	withdrawn []model.Record
}

// maxWithdrawn is how many withdrawn suspicions are kept as witnesses of an outage.
const maxWithdrawn = 4

func newCompleteness(property string, env Env, p model.Params) (*completeness, error) {
	h, err := newHistory(env)
	if err != nil {
		return nil, err
	}
	c := &completeness{history: h, property: property, bounded: p.Given("within"), current: make([]int32, env.N)}
	if c.bounded {
		c.within = p.Duration("within")
	}
	for q := range c.current {
		c.current[q] = -1
	}
	return c, nil
}

func (c *completeness) Kinds() model.Kinds { return verdictKinds }

// deadline is the last instant at which suspicion of the crashed process may begin.
func (c *completeness) deadline(o *outage) model.Time {
	return max(o.at.Add(c.within), c.env.WarmUp)
}

func (c *completeness) Observe(r *model.Record) {
	for c.due < len(c.outages) && c.deadline(&c.outages[c.due]) < r.At {
		c.judge()
	}
	what, pair := c.step(r)
	if !c.bounded {
		return
	}
	switch what {
	case crash:
		c.current[r.Process] = int32(len(c.outages))
		c.outages = append(c.outages, outage{process: r.Process, at: r.At, failure: r.Failure})
	case recovery:
		c.outages[c.current[r.Process]].over = true
		c.current[r.Process] = -1
	case trust:
		if i := c.current[r.Peer]; i >= 0 && c.outages[i].judged {
			o := &c.outages[i]
			place, _ := slices.BinarySearch(c.on(r.Peer), pair)
			c.miss(o, place)
			if len(o.withdrawn) < maxWithdrawn {
				o.withdrawn = append(o.withdrawn, *r)
			}
		}
	}
}

// judge looks at an outage whose deadline has passed.
func (c *completeness) judge() {
	o := &c.outages[c.due]
	c.due++
	if o.over {
		return
	}
	o.judged = true
	c.missedNow(o)
}

// missedNow books the monitors that do not suspect the crashed process now.
func (c *completeness) missedNow(o *outage) {
	for place, pair := range c.on(o.process) {
		if !c.suspects(pair) {
			c.miss(o, place)
		}
	}
}

func (c *completeness) miss(o *outage, place int) {
	if o.missed == nil {
		o.missed = newBitset(len(c.on(o.process)))
	}
	o.missed.set(place)
}

// verdict says of one judged outage how many correct monitors there are that had
// started when it began, how many missed it, and the first of those.
type verdict struct {
	monitors, missed int
	first            int32
}

func (c *completeness) verdict(o *outage) verdict {
	v := verdict{first: -1}
	for j, pair := range c.on(o.process) {
		if p := c.monitor[pair]; !c.truth.Correct(p) || c.processes[p].startedAt > o.at {
			continue
		}
		v.monitors++
		if o.missed != nil && o.missed.has(j) {
			if v.missed == 0 {
				v.first = pair
			}
			v.missed++
		}
	}
	return v
}

// finish judges the run, given how much of an outage's verdict counts as checked and
// whether it violates the property.
func (c *completeness) finish(end model.Time, checked func(verdict) int, violates func(verdict) bool) Result {
	if !c.bounded {
		return c.unbounded(end, checked, violates)
	}
	for c.due < len(c.outages) && c.deadline(&c.outages[c.due]) <= end {
		c.judge()
	}
	result := Result{Property: c.property}
	var late *outage
	for i := range c.outages {
		o := &c.outages[i]
		v := c.verdict(o)
		if !o.judged {
			if !o.over && checked(v) > 0 && late == nil {
				late = o
			}
			continue
		}
		result.Checked += checked(v)
		if result.Outcome != Violated && violates(v) {
			result.Outcome = Violated
			result.Reason, result.Witness = c.explain(o, v)
		}
	}
	switch {
	case result.Outcome == Violated:
	case c.truth.AllCrashed():
		result.Reason = noCorrect
	case late != nil:
		result.Reason = fmt.Sprintf("too short: %s crashed at %v, and the run ends at %v, before the bound of %v has passed", c.env.name(late.process), late.at, end, c.within)
	case result.Checked == 0 && len(c.outages) == 0:
		result.Reason = "vacuous: no process crashed"
	case result.Checked == 0:
		result.Reason = fmt.Sprintf("vacuous: no crash of a process with a correct monitor lasted longer than %v", c.within)
	default:
		result.Outcome = Holds
		result.Reason = fmt.Sprintf("every crash was detected within %v and until its end", c.within)
	}
	return result
}

func (c *completeness) explain(o *outage, v verdict) (string, []model.Record) {
	witness := []model.Record{crashedRecord(o.process, o.at, o.failure)}
	monitor := c.monitor[v.first]
	reason := fmt.Sprintf("%s did not suspect %s within %v of its crash at %v", c.env.name(monitor), c.env.name(o.process), c.within, o.at)
	for _, r := range o.withdrawn {
		if r.Process == monitor {
			reason = fmt.Sprintf("%s no longer suspected %s at %v, which had crashed at %v", c.env.name(monitor), c.env.name(o.process), r.At, o.at)
			witness = append(witness, r)
			break
		}
	}
	return fmt.Sprintf("%s (%d of %d correct monitors missed it)", reason, v.missed, v.monitors), witness
}

// unbounded says what the end of the run looks like. Without a bound no finite run
// settles completeness: the missing suspicion may still come, and those in force may
// still be withdrawn.
func (c *completeness) unbounded(end model.Time, checked func(verdict) int, violates func(verdict) bool) Result {
	result := Result{Property: c.property}
	reason := ""
	for q := range c.processes {
		p := &c.processes[q]
		if !p.down {
			continue
		}
		o := &outage{process: model.ProcessID(q), at: p.crashedAt, failure: p.failure, judged: true}
		c.missedNow(o)
		v := c.verdict(o)
		result.Checked += checked(v)
		if reason == "" && violates(v) {
			reason = fmt.Sprintf("no bound was given; at the horizon of %v, %s does not suspect %s, which crashed at %v", end, c.env.name(c.monitor[v.first]), c.env.name(o.process), p.crashedAt)
		}
	}
	switch {
	case c.truth.AllCrashed():
		result.Reason = noCorrect
	case result.Checked == 0:
		result.Reason = "vacuous: no process with a correct monitor crashed for ever"
	case reason != "":
		result.Reason = reason
	default:
		result.Reason = "no bound was given; consistent at the horizon"
	}
	return result
}

// bitset is a set of small numbers.
type bitset []uint64

func newBitset(n int) bitset    { return make(bitset, (n+63)/64) }
func (b bitset) set(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bitset) has(i int) bool { return b[i/64]>>(i%64)&1 != 0 }
