package properties

import (
	"errors"

	"suspect/model"
)

// kindHistory follows, for every monitored pair, which kinds of failure hold between the
// two and which ones the monitor says to hold, as far as they are in the set that is
// judged.
type kindHistory struct {
	*history // of the processes alone: who has started and who is up
	judged   model.FailureSet

	holds []model.FailureSet // by pair
	said  []model.FailureSet

	// congested are the priorities at which congestion holds between a pair, by the
	// definition of number 0: it holds of the pair if it does at any.
	congested []uint8
}

// kindRecords are the records that a history of kinds is made of.
var kindRecords = verdictKinds | model.KindSet(model.FailureBegan, model.FailureEnded)

var errNoTruth = errors.New("properties of kinds of failure need the ground truth (in a scenario: truth: {})")

func newKindHistory(env Env, judged model.FailureSet) (*kindHistory, error) {
	if !env.Truth {
		return nil, errNoTruth
	}
	h, err := newHistory(env)
	if err != nil {
		return nil, err
	}
	n := h.len()
	return &kindHistory{
		history: h, judged: judged,
		holds: make([]model.FailureSet, n), said: make([]model.FailureSet, n), congested: make([]uint8, n),
	}, nil
}

// kindChange is what a record did to a history of kinds.
type kindChange uint8

const (
	noChange  kindChange = iota
	began                // a judged kind holds of the pair, and none did before
	ended                // none does any more
	reported             // the monitor says a judged kind, and said none before
	withdrawn            // it says none any more
	lost                 // the process stopped: what it said counts no more
	upAgain              // the process started, or recovered without memory
)

// fold takes r in and says what changed: of the pair, or of the process of the record.
func (h *kindHistory) fold(r *model.Record) (what kindChange, pair int32) {
	switch r.Kind {
	case model.FailureBegan, model.FailureEnded:
		if pair = h.find(r.Process, r.Peer); pair < 0 {
			return noChange, -1
		}
		before := h.holds[pair]
		h.tell(pair, r)
		switch after := h.holds[pair]; {
		case before == 0 && after != 0:
			return began, pair
		case before != 0 && after == 0:
			return ended, pair
		}
	case model.Suspected, model.Trusted:
		if r.Detector != h.env.Detector || !h.judged.Has(r.Failure) || r.Warning {
			return noChange, -1
		}
		if pair = h.find(r.Process, r.Peer); pair < 0 || !h.isUp(r.Process) {
			return noChange, -1
		}
		before := h.said[pair]
		if r.Kind == model.Suspected {
			h.said[pair] |= 1 << r.Failure
		} else {
			h.said[pair] &^= 1 << r.Failure
		}
		switch after := h.said[pair]; {
		case before == 0 && after != 0:
			return reported, pair
		case before != 0 && after == 0:
			return withdrawn, pair
		}
	default:
		switch what, _ := h.step(r); what {
		case crash:
			return lost, -1
		case recovery:
			from, to := h.of(r.Process)
			clear(h.said[from:to])
			return upAgain, -1
		case start:
			return upAgain, -1
		}
	}
	return noChange, -1
}

// tell takes in the ground truth.
func (h *kindHistory) tell(pair int32, r *model.Record) {
	if !h.judged.Has(r.Failure) {
		return
	}
	holds := r.Kind == model.FailureBegan
	if r.Failure == model.Congestion {
		if r.Detector != 0 {
			return
		}
		bit := uint8(1) << r.Priority
		h.congested[pair] &^= bit
		if holds {
			h.congested[pair] |= bit
		}
		holds = h.congested[pair] != 0
	}
	h.holds[pair] &^= 1 << r.Failure
	if holds {
		h.holds[pair] |= 1 << r.Failure
	}
}

// judgedKind is a kind of failure that has properties of its own, by the name that they
// bear.
type judgedKind struct {
	name  string
	kinds model.FailureSet
}

// judgedKinds are all of them: each kind, and host failure, which is a crash of a process
// or of its host and what a suspicion of no kind is taken for.
func judgedKinds() []judgedKind {
	all := []judgedKind{{"host-failure", model.HostFailures}}
	for k := model.ProcessCrash; k < model.FailureKinds; k++ {
		all = append(all, judgedKind{k.String(), model.FailuresOf(k)})
	}
	return all
}
