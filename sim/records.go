package sim

import "suspect/model"

// Records streams the records of a run to its subscribers, in the order in which
// things happen. A kind that nobody subscribed to costs one test.
type Records struct {
	wanted      model.Kinds
	subscribers [model.RecordKinds][]func(*model.Record)
}

// Subscribe calls f with every later record of the given kinds. The record is
// lent for the call: f copies what it keeps. Subscribers of one kind are called in
// the order of subscription.
func (s *Records) Subscribe(kinds model.Kinds, f func(*model.Record)) {
	s.wanted |= kinds
	for k := range model.RecordKinds {
		if kinds.Has(k) {
			s.subscribers[k] = append(s.subscribers[k], f)
		}
	}
}

// Wants tells whether anybody subscribed to kind k.
func (s *Records) Wants(k model.RecordKind) bool { return s.wanted.Has(k) }

// Emit hands r to the subscribers of its kind. Callers build r only where Wants
// says that somebody listens.
func (s *Records) Emit(r *model.Record) {
	for _, f := range s.subscribers[r.Kind] {
		f(r)
	}
}
