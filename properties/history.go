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

// opinion is what the monitor of a pair says of the peer, projected on host failure:
// verdicts of other kinds say nothing about crashes.
type opinion struct {
	since model.Time        // when the suspicion in force, or the last one, began
	kinds uint16            // the kinds of host failure suspected; 0 is trust
	began model.FailureKind // the first kind of that suspicion
}

// process is the state of a process.
type process struct {
	startedAt model.Time // Never: not yet
	down      bool
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
	start            // a process began to run, unless it is down
)

// verdictKinds are the records that a history is made of.
var verdictKinds = model.KindSet(model.Suspected, model.Trusted, model.Started, model.Crashed, model.Recovered)

// history follows what every monitor thinks of every peer, and who is up.
type history struct {
	*pairs
	env       Env
	opinions  []opinion // by pair
	processes []process
	truth     model.FailurePattern // so far
}

func newHistory(env Env) (*history, error) {
	if err := env.validate(); err != nil {
		return nil, err
	}
	x := newPairs(env)
	h := &history{
		pairs: x, env: env, opinions: make([]opinion, x.len()),
		processes: make([]process, env.N), truth: model.NewFailurePattern(env.N),
	}
	if env.Starts {
		for p := range h.processes {
			h.processes[p].startedAt = model.Never
		}
	}
	return h, nil
}

func (h *history) suspects(pair int32) bool { return h.opinions[pair].kinds != 0 }

// about returns the pair whose opinion the verdict r changes, or -1 where it counts for
// nothing.
func (h *history) about(r *model.Record) int32 {
	if r.Detector != h.env.Detector || !r.Failure.HostFailure() || r.Warning {
		return -1
	}
	pair := h.find(r.Process, r.Peer)
	if pair < 0 || !h.isUp(r.Process) {
		return -1
	}
	return pair
}

// step folds r and says what changed: the pair, for suspicion and trust. Crashes of
// processes that are down, recoveries of those that are not, and starts of those that
// have started change nothing. The
// output of a crashed process stays as it was, and is reset by its recovery.
func (h *history) step(r *model.Record) (what change, pair int32) {
	switch r.Kind {
	case model.Suspected, model.Trusted:
		if pair = h.about(r); pair < 0 {
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
	case model.Started:
		if h.isStart(r) {
			h.processes[r.Process].startedAt = r.At
			return start, -1
		}
	case model.Crashed:
		if h.isCrash(r) {
			p := &h.processes[r.Process]
			p.down, p.crashedAt, p.failure = true, r.At, r.Failure
			if h.truth.Correct(r.Process) {
				h.truth.CrashedAt[r.Process] = r.At
			}
			return crash, -1
		}
	case model.Recovered:
		if h.has(r.Process) && h.processes[r.Process].down {
			h.processes[r.Process].down = false
			from, to := h.of(r.Process)
			clear(h.opinions[from:to])
			return recovery, -1
		}
	}
	return nothing, -1
}

// has tells whether p is a process of the system.
func (h *history) has(p model.ProcessID) bool { return p >= 0 && int(p) < len(h.processes) }

// isUp tells whether process p has started and is not down.
func (h *history) isUp(p model.ProcessID) bool {
	return h.processes[p].startedAt != model.Never && !h.processes[p].down
}

// isStart tells whether r, the record of a start, is that of a process that has not
// started.
func (h *history) isStart(r *model.Record) bool {
	return h.has(r.Process) && h.processes[r.Process].startedAt == model.Never
}

// isCrash tells whether r, the record of a crash, is that of a process that is not down.
// It may not have started.
func (h *history) isCrash(r *model.Record) bool {
	return h.has(r.Process) && !h.processes[r.Process].down
}

// startedBoth returns the time since which both processes of the pair have been
// started, or Never.
func (h *history) startedBoth(pair int32) model.Time {
	return max(h.processes[h.monitor[pair]].startedAt, h.processes[h.peer(pair)].startedAt)
}

// correctPair tells whether both processes of the pair have started, and neither has
// crashed so far.
func (h *history) correctPair(pair int32) bool {
	return h.startedBoth(pair) != model.Never && h.truth.Correct(h.monitor[pair]) && h.truth.Correct(h.peer(pair))
}

// crashed tells whether a process of the pair is in F(t).
func (h *history) crashed(pair int32, t model.Time) bool {
	return h.truth.Crashed(h.monitor[pair], t) || h.truth.Crashed(h.peer(pair), t)
}

// suspected returns the record that began the latest suspicion of the pair.
func (h *history) suspected(pair int32) model.Record {
	o := &h.opinions[pair]
	return model.Record{
		At: o.since, Kind: model.Suspected, Process: h.monitor[pair], Peer: h.peer(pair),
		Failure: o.began, Detector: h.env.Detector,
	}
}

func crashedRecord(p model.ProcessID, at model.Time, kind model.FailureKind) model.Record {
	return model.Record{At: at, Kind: model.Crashed, Process: p, Peer: model.Nobody, Failure: kind}
}
