package properties

import (
	"slices"

	"suspect/model"
)

// pairs numbers the ordered monitored pairs (monitor, peer) densely: first the peers
// of process 0, then those of process 1, and so on.
type pairs struct {
	watch   [][]model.ProcessID
	first   []int32           // of each monitor; one more at the end
	monitor []model.ProcessID // of each pair
	in      []int32           // pairs by peer, then by monitor
	inFirst []int32           // of each peer; one more at the end
}

func newPairs(env Env) *pairs {
	x := &pairs{
		watch:   env.Watch,
		first:   make([]int32, env.N+1),
		inFirst: make([]int32, env.N+1),
	}
	for p, row := range env.Watch {
		x.first[p+1] = x.first[p] + int32(len(row))
		for _, q := range row {
			x.monitor = append(x.monitor, model.ProcessID(p))
			x.inFirst[q+1]++
		}
	}
	for q := range env.N {
		x.inFirst[q+1] += x.inFirst[q]
	}
	x.in = make([]int32, len(x.monitor))
	next := slices.Clone(x.inFirst)
	for i := range x.monitor {
		q := x.peer(int32(i))
		x.in[next[q]] = int32(i)
		next[q]++
	}
	return x
}

func (x *pairs) len() int { return len(x.monitor) }

func (x *pairs) peer(i int32) model.ProcessID {
	p := x.monitor[i]
	return x.watch[p][i-x.first[p]]
}

// find returns the number of the pair (p, q), or -1 where p does not monitor q.
func (x *pairs) find(p, q model.ProcessID) int32 {
	if p < 0 || int(p) >= len(x.watch) {
		return -1
	}
	row := x.watch[p]
	if len(row) == len(x.watch)-1 && p != q && q >= 0 && int(q) < len(x.watch) { // p monitors everybody
		if q > p {
			q--
		}
		return x.first[p] + int32(q)
	}
	i, ok := slices.BinarySearch(row, q)
	if !ok {
		return -1
	}
	return x.first[p] + int32(i)
}

// of returns the range [from, to) of the pairs in which p is the monitor.
func (x *pairs) of(p model.ProcessID) (from, to int32) { return x.first[p], x.first[p+1] }

// on returns the pairs in which q is the peer.
func (x *pairs) on(q model.ProcessID) []int32 { return x.in[x.inFirst[q]:x.inFirst[q+1]] }

// opinion is what the monitor of a pair says of the peer.
type opinion struct {
	since model.Time        // when the suspicion in force, or the last one, began
	kinds uint16            // the kinds of failure suspected; 0 is trust
	began model.FailureKind // the first kind of that suspicion
}

// process is the truth about a process.
type process struct {
	down      bool
	everDown  bool              // has crashed at some time: in Chandra and Toueg's F(t)
	crashedAt model.Time        // when it last crashed
	failure   model.FailureKind // of that crash
}

// change is what a record did to a history.
type change uint8

const (
	nothing   change = iota
	suspicion        // a pair went from trust to suspicion
	trust            // a pair went from suspicion to trust
	crash            // a process that was up went down
	recovery         // a process that was down came up
)

// verdictKinds are the records that a history is made of.
var verdictKinds = model.KindSet(model.Suspected, model.Trusted, model.Crashed, model.Recovered)

// history follows what every monitor thinks of every peer, and who is up.
type history struct {
	*pairs
	env       Env
	opinions  []opinion // by pair
	processes []process
}

func newHistory(env Env) (*history, error) {
	if err := env.validate(); err != nil {
		return nil, err
	}
	x := newPairs(env)
	return &history{pairs: x, env: env, opinions: make([]opinion, x.len()), processes: make([]process, env.N)}, nil
}

func (h *history) suspects(pair int32) bool { return h.opinions[pair].kinds != 0 }

// step folds r and says what changed: the pair, for suspicion and trust. Crashes of
// processes that are down and recoveries of those that are up change nothing. The
// output of a crashed process stays as it was, and is reset by its recovery.
func (h *history) step(r *model.Record) (what change, pair int32) {
	switch r.Kind {
	case model.Suspected, model.Trusted:
		if r.Detector != h.env.Detector {
			return nothing, -1
		}
		pair = h.find(r.Process, r.Peer)
		if pair < 0 || h.processes[r.Process].down {
			return nothing, -1
		}
		o := &h.opinions[pair]
		before := o.kinds
		if r.Kind == model.Trusted {
			o.kinds &^= 1 << r.Failure
			if before != 0 && o.kinds == 0 {
				return trust, pair
			}
			return nothing, -1
		}
		o.kinds |= 1 << r.Failure
		if before == 0 {
			o.since, o.began = r.At, r.Failure
			return suspicion, pair
		}
	case model.Crashed:
		if r.Process < 0 || int(r.Process) >= len(h.processes) {
			return nothing, -1
		}
		if p := &h.processes[r.Process]; !p.down {
			*p = process{down: true, everDown: true, crashedAt: r.At, failure: r.Failure}
			return crash, -1
		}
	case model.Recovered:
		if r.Process < 0 || int(r.Process) >= len(h.processes) {
			return nothing, -1
		}
		if p := &h.processes[r.Process]; p.down {
			p.down = false
			from, to := h.of(r.Process)
			clear(h.opinions[from:to])
			return recovery, -1
		}
	}
	return nothing, -1
}

// neverCrashed tells whether neither process of the pair has crashed so far.
func (h *history) neverCrashed(pair int32) bool {
	return !h.processes[h.monitor[pair]].everDown && !h.processes[h.peer(pair)].everDown
}

// correct returns the number of processes that have never crashed.
func (h *history) correct() int {
	n := 0
	for _, p := range h.processes {
		if !p.everDown {
			n++
		}
	}
	return n
}

// suspected returns the record that began the latest suspicion of the pair.
func (h *history) suspected(pair int32) model.Record {
	return h.suspectedAt(pair, h.opinions[pair].since, h.opinions[pair].began)
}

func (h *history) suspectedAt(pair int32, at model.Time, kind model.FailureKind) model.Record {
	return model.Record{
		At: at, Kind: model.Suspected, Process: h.monitor[pair], Peer: h.peer(pair),
		Failure: kind, Detector: h.env.Detector,
	}
}

func crashedRecord(p model.ProcessID, at model.Time, kind model.FailureKind) model.Record {
	return model.Record{At: at, Kind: model.Crashed, Process: p, Peer: model.Nobody, Failure: kind}
}
