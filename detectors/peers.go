package detectors

import (
	"math"
	"slices"

	"suspect/model"
)

// peers numbers the processes that a detector watches by 0, 1, ... in increasing
// order, so that state about them is kept in slices.
type peers struct {
	n int

	// Most often somebody watches a range of processes, with a hole where it
	// stands itself. Then ids is nil and the number is computed.
	first, last, hole model.ProcessID

	ids []model.ProcessID
}

func newPeers(watch []model.ProcessID) peers {
	p := peers{n: len(watch), last: -1, hole: math.MaxInt32}
	if p.n == 0 {
		return p
	}
	p.first, p.last = watch[0], watch[p.n-1]
	for k, id := range watch {
		expected := p.first + model.ProcessID(k)
		if p.hole < expected {
			expected++
		} else if id == expected+1 {
			p.hole = expected
			expected++
		}
		if id != expected {
			p.ids = watch
			break
		}
	}
	return p
}

// index returns the number of process id, and -1 if it is not watched.
func (p *peers) index(id model.ProcessID) int {
	if p.ids != nil {
		if k, found := slices.BinarySearch(p.ids, id); found {
			return k
		}
		return -1
	}
	if id < p.first || id > p.last || id == p.hole {
		return -1
	}
	if id > p.hole {
		id--
	}
	return int(id - p.first)
}

// id is the inverse of index.
func (p *peers) id(k int) model.ProcessID {
	if p.ids != nil {
		return p.ids[k]
	}
	id := p.first + model.ProcessID(k)
	if id >= p.hole {
		id++
	}
	return id
}

// sortVerdicts puts the verdicts of one moment into the order of their peers, so
// that what a detector says does not depend on how it keeps its deadlines. Those about
// one peer stay in the order written.
func sortVerdicts(v []model.Verdict) {
	if len(v) > 1 {
		slices.SortStableFunc(v, func(a, b model.Verdict) int { return int(a.Peer - b.Peer) })
	}
}
