package properties

import (
	"suspect/model"
)

// NoKind is the row of a [Confusion] for when no failure holds, and its column for a
// detector that says nothing. In that place stands [model.FailureKinds], which is no kind.
const NoKind = model.FailureKinds

// Confusion counts what was said, by column, while what was true, by row. Rows and columns
// are kinds of failure, and [NoKind].
type Confusion [model.FailureKinds + 1][model.FailureKinds + 1]int64

// Merge adds the counts of o.
func (m *Confusion) Merge(o *Confusion) {
	for i := range m {
		for j := range m[i] {
			m[i][j] += o[i][j]
		}
	}
}

// Row returns the sum of the row of kind k.
func (m *Confusion) Row(k model.FailureKind) (n int64) {
	for _, x := range m[k] {
		n += x
	}
	return n
}

// Information returns the mutual information of row and column in bits, by which the word
// of the detector makes one less uncertain of the truth (Shannon 1948, section 12; Cover
// and Thomas, "Elements of information theory", section 2.3), for the shares that were
// counted, and the entropy of the rows, which is the most that it could be. Being computed
// from n counts, it is too large by about (r-1)(c-1)/(2n ln 2) for r rows and c columns
// that occur (Miller 1955).
func (m *Confusion) Information() (bits, most float64) {
	var rows, columns [model.FailureKinds + 1]float64
	var n float64
	for i := range m {
		for j, x := range m[i] {
			rows[i] += float64(x)
			columns[j] += float64(x)
			n += float64(x)
		}
	}
	for i := range m {
		if rows[i] > 0 {
			most += float64(rows[i] / n * log2(n/rows[i]))
		}
		for j, x := range m[i] {
			if x > 0 {
				bits += float64(float64(x) / n * log2(float64(x)*n/(rows[i]*columns[j])))
			}
		}
	}
	return max(bits, 0), most
}

const ln2 = 0.69314718055994530941723212145818

func log2(x float64) float64 { return model.Log(x) / ln2 }

// Discrimination is a fold that measures how well one detector tells the kinds of failure
// apart. It needs the records of the ground truth.
//
// An episode is a longest time in which one kind is the label of what holds between a
// monitored pair ([model.FailureSet.Label]), while the monitor runs. It is judged when it
// ends, or after the time within if that comes first: what counts is the label of what the
// detector says at that moment. An episode during which its monitor crashes, or that goes
// on at the end of the run without having lasted for the time within, is left out; so is
// one that begins before the warm-up has ended.
//
// A report is the beginning of a verdict of one kind. It is true if that kind holds at the
// time or has held in the time stale before; otherwise its row is the label of what holds,
// or held then, and a report without such is false.
type Discrimination struct {
	env           Env
	within, stale model.Duration
	h             *kindHistory
	pairs         []labelled
	queue         []obligation
	due           int
	found         Discriminated
}

// labelled is what is kept of one pair.
type labelled struct {
	label model.FailureKind // NoKind: nothing holds
	since model.Time
	epoch int32
	open  bool                           // the episode counts, and is not judged yet
	any   bool                           // something was said in it
	right bool                           // the right kind was
	last  [model.FailureKinds]model.Time // by kind: the last instant at which it held, -1 for never
	watch model.Time                     // since when the monitor runs, or Never
}

// Discriminated is what a [Discrimination] found.
type Discriminated struct {
	Episodes Confusion // row: what held; column: what was said
	Reports  Confusion // row: what held; column: what the report said

	// Any and Right are the times from the beginning of an episode to the first word of
	// the detector in it, and to the first that names its kind, by kind. A verdict that
	// stands when the episode begins counts as said at once. Those in which it never
	// came are not among them.
	Any, Right [model.FailureKinds]Durations

	// PairTime is the time for which monitors ran, summed over the pairs.
	PairTime Total
}

// Recall returns in how many of the episodes of kind k the detector said k, and of how
// many; [ClopperPearson] makes an interval of it.
func (d *Discriminated) Recall(k model.FailureKind) (right, all int64) {
	return d.Episodes[k][k], d.Episodes.Row(k)
}

// FalseReports returns the number of reports that were made while nothing held.
func (d *Discriminated) FalseReports() int64 { return d.Reports.Row(NoKind) }

// Merge adds what o found in another run.
func (d *Discriminated) Merge(o *Discriminated) {
	d.Episodes.Merge(&o.Episodes)
	d.Reports.Merge(&o.Reports)
	for k := range d.Any {
		d.Any[k].Merge(&o.Any[k])
		d.Right[k].Merge(&o.Right[k])
	}
	d.PairTime.merge(o.PairTime)
}

// NewDiscrimination returns the fold for env.Detector. It fails where env is malformed or
// lacks the ground truth.
func NewDiscrimination(env Env, within, stale model.Duration) (*Discrimination, error) {
	all := model.FailureSet(1<<model.FailureKinds - 1)
	h, err := newKindHistory(env, all)
	if err != nil {
		return nil, err
	}
	d := &Discrimination{env: env, within: within, stale: stale, h: h, pairs: make([]labelled, h.len())}
	for i := range d.pairs {
		x := &d.pairs[i]
		x.label, x.watch = NoKind, model.Never
		if !env.Starts {
			x.watch = env.WarmUp
		}
		for k := range x.last {
			x.last[k] = -1
		}
	}
	return d, nil
}

// Kinds returns the records that the fold wants.
func (d *Discrimination) Kinds() model.Kinds { return kindRecords }

// Observe takes the next record.
func (d *Discrimination) Observe(r *model.Record) {
	d.advance(r.At)
	pair := int32(-1)
	var before, said model.FailureSet
	switch r.Kind {
	case model.FailureBegan, model.FailureEnded, model.Suspected, model.Trusted:
		if pair = d.h.find(r.Process, r.Peer); pair >= 0 {
			before, said = d.h.holds[pair], d.h.said[pair]
		}
	case model.Crashed:
		if d.h.isCrash(r) {
			d.stop(r.Process, r.At)
		}
	}
	what, _ := d.h.fold(r)
	if what == upAgain && d.h.isUp(r.Process) {
		d.start(r.Process, r.At)
	}
	if pair < 0 {
		return
	}
	x := &d.pairs[pair]
	switch {
	case before != d.h.holds[pair]:
		if ended := before &^ d.h.holds[pair]; ended != 0 {
			k, _ := ended.Label()
			x.last[k] = r.At
		}
		d.relabel(pair, r.At)
	case d.h.said[pair]&^said != 0 && r.At >= d.env.WarmUp:
		d.report(pair, r.Failure, r.At)
	}
}

// start begins to count the pairs of a monitor.
func (d *Discrimination) start(p model.ProcessID, now model.Time) {
	from, to := d.h.of(p)
	for i := from; i < to; i++ {
		d.pairs[i].watch = max(now, d.env.WarmUp)
		d.pairs[i].label = NoKind
		d.relabel(i, now)
	}
}

// stop ends that: what is going on is not judged.
func (d *Discrimination) stop(p model.ProcessID, now model.Time) {
	from, to := d.h.of(p)
	for i := from; i < to; i++ {
		x := &d.pairs[i]
		d.exposed(x, now)
		x.watch, x.open = model.Never, false
		x.epoch++
	}
}

// exposed books the time for which the monitor has run.
func (d *Discrimination) exposed(x *labelled, now model.Time) {
	if x.watch < now {
		d.found.PairTime.add(now.Sub(x.watch))
	}
}

// relabel begins another episode if what holds has another label.
func (d *Discrimination) relabel(pair int32, now model.Time) {
	x := &d.pairs[pair]
	label, ok := d.h.holds[pair].Label()
	if !ok {
		label = NoKind
	}
	if label == x.label {
		return
	}
	if x.open {
		d.judge(pair)
	}
	x.epoch++
	x.label, x.since = label, now
	x.open = ok && x.watch != model.Never && now >= d.env.WarmUp
	x.any, x.right = false, false
	if !x.open {
		return
	}
	d.queue = append(d.queue, obligation{now.Add(d.within), pair, x.epoch})
	for k := range model.FailureKinds {
		if d.h.said[pair].Has(k) {
			d.heard(x, k, now)
		}
	}
}

// heard books the first words of an episode.
func (d *Discrimination) heard(x *labelled, k model.FailureKind, now model.Time) {
	if !x.any {
		x.any = true
		d.found.Any[x.label].Add(now.Sub(x.since))
	}
	if k == x.label && !x.right {
		x.right = true
		d.found.Right[x.label].Add(now.Sub(x.since))
	}
}

// judge books what is said at the end of the episode of the pair, or after the time within.
func (d *Discrimination) judge(pair int32) {
	x := &d.pairs[pair]
	x.open = false
	said, ok := d.h.said[pair].Label()
	if !ok {
		said = NoKind
	}
	d.found.Episodes[x.label][said]++
}

// report books a report of kind k.
func (d *Discrimination) report(pair int32, k model.FailureKind, now model.Time) {
	x := &d.pairs[pair]
	if x.label != NoKind && x.watch != model.Never && x.since >= d.env.WarmUp {
		d.heard(x, k, now) // though the episode may have been judged
	}
	d.found.Reports[d.truthOf(pair, k, now)][k]++
}

// truthOf returns the row of a report of kind k.
func (d *Discrimination) truthOf(pair int32, k model.FailureKind, now model.Time) model.FailureKind {
	x := &d.pairs[pair]
	recent := d.h.holds[pair]
	if recent == 0 {
		for j, last := range x.last {
			if last >= 0 && now.Sub(last) <= d.stale {
				recent |= 1 << j
			}
		}
	}
	if recent.Has(k) || x.last[k] >= 0 && now.Sub(x.last[k]) <= d.stale {
		return k
	}
	if label, ok := recent.Label(); ok {
		return label
	}
	return NoKind
}

// advance takes note that all records before the time now were seen.
func (d *Discrimination) advance(now model.Time) {
	for ; d.due < len(d.queue) && d.queue[d.due].deadline < now; d.due++ {
		if o := d.queue[d.due]; d.pairs[o.pair].open && d.pairs[o.pair].epoch == o.epoch {
			d.judge(o.pair)
		}
	}
	if d.due > len(d.queue)/2 {
		d.queue = append(d.queue[:0], d.queue[d.due:]...)
		d.due = 0
	}
}

// Finish ends the run at the time end and returns what was found. It is called once.
func (d *Discrimination) Finish(end model.Time) *Discriminated {
	d.advance(end + 1)
	for i := range d.pairs {
		d.exposed(&d.pairs[i], end)
	}
	return &d.found
}
