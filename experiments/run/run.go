package run

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/metrics"
	"sync"
	"time"

	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/sim"
)

// Version is the version of this program, which is part of every result.
const Version = "0.1.0"

// ErrInterrupted is returned (wrapped) when the context of a run ends before it.
var ErrInterrupted = errors.New("interrupted")

// Options say how to run, which has no influence on the results.
type Options struct {
	// Workers is the number of replications that run at a time; 0 takes the number
	// of processors.
	Workers int

	// Progress, unless nil, is told how far the run is: every few thousand events,
	// by one goroutine at a time. It must be quick.
	Progress func(Progress)
}

// Progress tells how far a run is.
type Progress struct {
	// Done counts the replications that ended, Most is the largest number there
	// will be.
	Done, Most int
	// Share is the simulated time so far over that of Most replications, 0 to 1.
	Share float64
	// Events is the number of events so far.
	Events uint64
}

// Run runs all replications of s and returns what they found. The results are
// the same for every number of workers, except where a limit of wall-clock time or
// memory truncated them. The error wraps [ErrInterrupted] when ctx ended, and
// [sim.ErrStill] when something, such as a detector, goes on without progress of time;
// any other says that the scenario cannot be run, as a fault that fits no part of the
// network.
func Run(ctx context.Context, s *scenario.Scenario, o Options) (*Results, error) {
	workers := o.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	most := max(1, s.Replications.AtLeast, s.Replications.AtMost)
	guard := newGuard(s, most, o.Progress)
	m := newMerger(s)
	bounds := bounds(m.guarantee)
	merge := func(r *replication) (more bool) {
		more = m.merge(r)
		guard.merged()
		return more
	}
	work := func(ctx context.Context, index int) (*replication, error) {
		r, err := replicate(s, index, bounds, guard.watch(ctx))
		if err != nil {
			return nil, fmt.Errorf("replication %d: %w", index, err)
		}
		return r, nil
	}
	err := inOrder(ctx, workers, most, work, merge)
	switch {
	case err == nil:
		return m.results(), nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%w: %w", ErrInterrupted, context.Cause(ctx))
	}
	return nil, err
}

// limitError says that a limit of the machine's resources was reached.
type limitError struct{ reason string }

func (e *limitError) Error() string { return e.reason }

// guard watches the wall clock, the memory and the context for all replications of
// a run, and counts its progress.
type guard struct {
	limits scenario.Limits
	length model.Duration // of a replication
	tell   func(Progress)

	mutex    sync.Mutex
	progress Progress
	polls    uint64
	live     uint64 // replications that began and are not yet merged
	heap     func() uint64
}

func newGuard(s *scenario.Scenario, most int, tell func(Progress)) *guard {
	return &guard{limits: s.Limits, length: s.Duration, tell: tell, heap: heapInUse, progress: Progress{Most: most}}
}

// heapInUse returns the bytes of objects, those that the garbage collector has yet to
// find dead included.
func heapInUse() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// tooMuch tells whether the replications that exist hold more than their limits together,
// so that the number of workers does not matter to each. Garbage does not count.
func (g *guard) tooMuch() bool {
	limit := uint64(g.limits.Memory) * max(1, g.live)
	if g.heap() <= limit {
		return false
	}
	runtime.GC()
	return g.heap() > limit
}

// merged tells that a replication was merged: its memory is free.
func (g *guard) merged() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.live--
}

// memoryPolls is the number of polls between two looks at the memory in use.
const memoryPolls = 16

// watch returns the watcher of one replication.
func (g *guard) watch(ctx context.Context) *watcher {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.live++
	return &watcher{guard: g, ctx: ctx, began: time.Now()}
}

// watcher watches one replication for its guard.
type watcher struct {
	guard  *guard
	ctx    context.Context
	began  time.Time
	now    model.Time // as of the last poll
	events uint64
}

// poll is called by the replication every few thousand events, and returns why it
// must end, if it must.
func (w *watcher) poll(k *sim.Kernel) error {
	if w.ctx.Err() != nil {
		return ErrInterrupted
	}
	g := w.guard
	g.mutex.Lock()
	defer g.mutex.Unlock()
	w.advance(k, k.Now())
	if wall := time.Duration(g.limits.Wall / model.Nanosecond); wall != 0 && time.Since(w.began) > wall {
		return &limitError{fmt.Sprintf("the limit of wall-clock time, %v, for a replication is spent", g.limits.Wall)}
	}
	g.polls++
	if g.limits.Memory != 0 && g.polls%memoryPolls == 0 && g.tooMuch() {
		return &limitError{fmt.Sprintf("the limit of memory, %d bytes for a replication, is passed", g.limits.Memory)}
	}
	return nil
}

// finished counts the replication as done.
func (w *watcher) finished(k *sim.Kernel) {
	w.guard.mutex.Lock()
	defer w.guard.mutex.Unlock()
	w.guard.progress.Done++
	w.advance(k, model.Time(w.guard.length))
}

// advance tells that the replication is at time now. The guard is locked.
func (w *watcher) advance(k *sim.Kernel, now model.Time) {
	p := &w.guard.progress
	p.Share += now.Sub(w.now).Seconds() / w.guard.length.Seconds() / float64(p.Most)
	p.Events += k.Events() - w.events
	w.now, w.events = now, k.Events()
	if w.guard.tell != nil {
		w.guard.tell(*p)
	}
}
