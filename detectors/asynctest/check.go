package asynctest

import (
	"fmt"
	"slices"

	"suspect/detectors"
	"suspect/model"
)

// announced yields the announcements of one kind.
func (r *Run) announced(kind model.AnnouncementKind) (found []model.Record) {
	for _, rec := range r.Records {
		if rec.Kind == model.Announced && rec.Announcement == kind {
			found = append(found, rec)
		}
	}
	return found
}

// Correct returns the processes that never crash.
func (r *Run) Correct() (correct detectors.Set) {
	for p := range model.ProcessID(r.System.N) {
		if r.System.Crashes.Correct(p) {
			correct = correct.With(p)
		}
	}
	return correct
}

func (r *Run) errorf(format string, args ...any) error {
	return fmt.Errorf("seed %d, %v links, crashes at %v: %w", r.System.Seed, r.System.Links, r.System.Crashes.CrashedAt, fmt.Errorf(format, args...))
}

// Consensus returns what is wrong with the decisions: of those that crashed later too, since
// agreement is to be uniform.
func (r *Run) Consensus() error {
	proposed := map[int64]bool{}
	var first *model.Record
	var decided detectors.Set
	for i := range r.Records {
		rec := &r.Records[i]
		if rec.Kind != model.Announced {
			continue
		}
		switch rec.Announcement {
		case model.Proposed:
			proposed[int64(rec.SentAt)] = true
		case model.Decided:
			switch {
			case decided.Has(rec.Process):
				return r.errorf("integrity: p%d decides twice", rec.Process)
			case !proposed[int64(rec.SentAt)]:
				return r.errorf("validity: p%d decides %d, which nobody has proposed", rec.Process, rec.SentAt)
			case first != nil && first.SentAt != rec.SentAt:
				return r.errorf("agreement: p%d decides %d and p%d decides %d", first.Process, first.SentAt, rec.Process, rec.SentAt)
			}
			first = rec
			decided = decided.With(rec.Process)
		}
	}
	return nil
}

// Undecided returns the correct processes that have not decided.
func (r *Run) Undecided() detectors.Set {
	undecided := r.Correct()
	for _, rec := range r.announced(model.Decided) {
		undecided = undecided.Without(rec.Process)
	}
	return undecided
}

// AllDecided tells whether every correct process has decided: a [System.Done].
func AllDecided(r *Run) bool {
	last := r.Records[len(r.Records)-1]
	return last.Kind == model.Announced && last.Announcement == model.Decided && r.Undecided() == 0
}

// item names a message of a broadcast.
type item struct {
	origin model.ProcessID
	number int64
	value  model.Time
}

func itemOf(r model.Record) item { return item{r.Peer, r.Seq, r.SentAt} }

// Handed returns what a process delivered, in order, as records.
func (r *Run) Handed(p model.ProcessID) (delivered []model.Record) {
	for _, rec := range r.announced(model.Handed) {
		if rec.Process == p {
			delivered = append(delivered, rec)
		}
	}
	return delivered
}

// Broadcast returns what is wrong with the messages delivered of a broadcast, at the end of
// the run: in validity and agreement of correct processes, uniform agreement if that is asked
// for, or integrity.
func (r *Run) Broadcast(uniform bool) error {
	sent := map[item]bool{}
	for _, rec := range r.announced(model.Broadcast) {
		sent[itemOf(rec)] = true
	}
	got := map[item]detectors.Set{}
	for _, rec := range r.announced(model.Handed) {
		i := itemOf(rec)
		if !sent[i] {
			return r.errorf("integrity: p%d delivers %v, which was not broadcast", rec.Process, i)
		}
		if got[i].Has(rec.Process) {
			return r.errorf("integrity: p%d delivers %v twice", rec.Process, i)
		}
		got[i] = got[i].With(rec.Process)
	}
	correct := r.Correct()
	for _, rec := range r.announced(model.Broadcast) {
		i := itemOf(rec)
		by := got[i]
		switch {
		case correct.Has(i.origin) && !by.Has(i.origin):
			return r.errorf("validity: p%d broadcasts %v and does not deliver it", i.origin, i)
		case by&correct != 0 && by&correct != correct:
			return r.errorf("agreement: %v is delivered by %v, and the correct are %v", i, by, correct)
		case uniform && by != 0 && by&correct != correct:
			return r.errorf("uniform agreement: %v is delivered by %v, and the correct are %v", i, by, correct)
		}
	}
	return nil
}

// Order returns what is wrong with the order of deliveries: of any two processes, crashed or
// not, one must have delivered a prefix of what the other did.
func (r *Run) Order() error {
	var longest []item
	var whose model.ProcessID
	for p := range model.ProcessID(r.System.N) {
		var items []item
		for _, rec := range r.Handed(p) {
			items = append(items, itemOf(rec))
		}
		k := min(len(items), len(longest))
		if !slices.Equal(items[:k], longest[:k]) {
			return r.errorf("order: p%d delivers %v and p%d %v", whose, longest, p, items)
		}
		if len(items) > len(longest) {
			longest, whose = items, p
		}
	}
	return nil
}

// outputs replays the history of lists of suspects: it calls each for every span of time in
// which the lists do not change, with those of all processes that run.
func (r *Run) outputs(each func(from, to model.Time, running detectors.Set, lists []detectors.Set)) {
	lists := make([]detectors.Set, r.System.N)
	var running detectors.Set
	for i, rec := range r.Records {
		switch rec.Kind {
		case model.Started:
			running = running.With(rec.Process)
		case model.Crashed:
			running = running.Without(rec.Process)
		case model.Suspected:
			lists[rec.Process] = lists[rec.Process].With(rec.Peer)
		case model.Trusted:
			lists[rec.Process] = lists[rec.Process].Without(rec.Peer)
		}
		to := r.Ended + 1
		if r.Idle { // nothing will ever happen again
			to = model.Never
		}
		if i+1 < len(r.Records) {
			to = r.Records[i+1].At
		}
		if to > rec.At {
			each(rec.At, to, running, lists)
		}
	}
}

// Keeps returns how the history of the lists of suspects leaves a class, where what is to hold
// eventually must hold from the given time until the end of the run.
func (r *Run) Keeps(class model.Class, from model.Time) error {
	if err := r.Complete(class.Completeness(), from); err != nil {
		return err
	}
	return r.Accurate(class.Accuracy(), from)
}

// covers returns an error if the run was cut off before something was to hold.
func (r *Run) covers(what any, from model.Time) error {
	if from > r.Ended && !r.Idle {
		return r.errorf("%v: it is to hold from %v on, and the run was cut off at %v", what, from, r.Ended)
	}
	return nil
}

// Complete returns how the history breaks completeness, which is to hold from the given time on.
func (r *Run) Complete(c model.Completeness, from model.Time) (err error) {
	if err := r.covers(c, from); err != nil {
		return err
	}
	correct := r.Correct()
	crashed := detectors.AllOf(r.System.N) &^ correct
	never := make([]detectors.Set, r.System.N) // suspected by q without a gap since from
	for q := range never {
		never[q] = crashed
	}
	r.outputs(func(_, to model.Time, _ detectors.Set, lists []detectors.Set) {
		for q := range lists {
			if to > from {
				never[q] &= lists[q]
			}
		}
	})
	every, some := crashed, detectors.Set(0)
	for rest := correct; rest != 0; rest &= rest - 1 {
		every &= never[rest.First()]
		some |= never[rest.First()]
	}
	switch {
	case c == model.StrongCompleteness && every != crashed:
		return r.errorf("%v: of the crashed %v only %v are suspected by all correct ones from %v on", c, crashed, every, from)
	case c == model.WeakCompleteness && some != crashed:
		return r.errorf("%v: of the crashed %v only %v are suspected by a correct one from %v on", c, crashed, some, from)
	}
	return nil
}

// Accurate returns how the history breaks accuracy, which is to hold from the given time on if
// it is eventual.
func (r *Run) Accurate(a model.Accuracy, from model.Time) (err error) {
	if a == model.EventualStrongAccuracy || a == model.EventualWeakAccuracy {
		if err := r.covers(a, from); err != nil {
			return err
		}
	}
	correct := r.Correct()
	spared := correct // suspected by nobody who counts
	r.outputs(func(at, to model.Time, running detectors.Set, lists []detectors.Set) {
		eventual := a == model.EventualStrongAccuracy || a == model.EventualWeakAccuracy
		if eventual && to <= from {
			return
		}
		observers, protected := running, correct
		if eventual {
			observers = running & correct
		} else if a == model.StrongAccuracy {
			protected = 0
			for p := range model.ProcessID(r.System.N) {
				if !r.System.Crashes.Crashed(p, at) {
					protected = protected.With(p)
				}
			}
		}
		for rest := observers; rest != 0; rest &= rest - 1 {
			wrong := lists[rest.First()] & protected
			spared &^= wrong
			if wrong != 0 && err == nil && (a == model.StrongAccuracy || a == model.EventualStrongAccuracy) {
				err = r.errorf("%v: p%d suspects %v from %v to %v", a, rest.First(), wrong, at, to)
			}
		}
	})
	if err == nil && spared == 0 && (a == model.WeakAccuracy || a == model.EventualWeakAccuracy) {
		err = r.errorf("%v: everybody correct is suspected by somebody", a)
	}
	return err
}

// Leaders returns the leaders of all processes at a time, Nobody for those without one.
func (r *Run) Leaders(at model.Time) []model.ProcessID {
	leaders := make([]model.ProcessID, r.System.N)
	for p := range leaders {
		leaders[p] = model.Nobody
	}
	for _, rec := range r.announced(model.Elected) {
		if rec.At <= at {
			leaders[rec.Process] = rec.Peer
		}
	}
	return leaders
}

// Leads returns how the history of leaders is not one of Omega, where all correct processes
// must have the same correct leader from the given time until the end.
func (r *Run) Leads(from model.Time) error {
	if err := r.covers("leadership", from); err != nil {
		return err
	}
	leaders := r.Leaders(from)
	correct := r.Correct()
	leader := leaders[correct.First()]
	for rest := correct; rest != 0; rest &= rest - 1 {
		if q := rest.First(); leaders[q] != leader || leader == model.Nobody || !correct.Has(leader) {
			return r.errorf("at %v the leaders are %v, and the correct are %v", from, leaders, correct)
		}
	}
	for _, rec := range r.announced(model.Elected) {
		if rec.At > from && correct.Has(rec.Process) {
			return r.errorf("at %v p%d elects another leader, p%d", rec.At, rec.Process, rec.Peer)
		}
	}
	return nil
}

// Quorums returns how the history of quorums is not one of Sigma: two that do not intersect,
// or one of a correct process, from the given time on, that holds a crashed one.
func (r *Run) Quorums(from model.Time) error {
	if err := r.covers("quorums", from); err != nil {
		return err
	}
	correct := r.Correct()
	var all []detectors.Set
	latest := make([]detectors.Set, r.System.N)
	for _, rec := range r.announced(model.Quorum) {
		quorum := detectors.Set(rec.SentAt)
		for _, other := range all {
			if other&quorum == 0 {
				return r.errorf("the quorums %v and %v do not intersect", other, quorum)
			}
		}
		if quorum == 0 {
			return r.errorf("p%d has an empty quorum", rec.Process)
		}
		if !slices.Contains(all, quorum) {
			all = append(all, quorum)
		}
		if rec.At > from && correct.Has(rec.Process) && quorum&^correct != 0 {
			return r.errorf("at %v the quorum of p%d is %v, and the correct are %v", rec.At, rec.Process, quorum, correct)
		}
		if rec.At <= from {
			latest[rec.Process] = quorum
		}
	}
	for rest := correct; rest != 0; rest &= rest - 1 {
		if quorum := latest[rest.First()]; quorum == 0 || quorum&^correct != 0 {
			return r.errorf("at %v the quorum of p%d is %v, and the correct are %v", from, rest.First(), quorum, correct)
		}
	}
	return nil
}
