package sim

import (
	"errors"
	"fmt"

	"suspect/model"
)

// Handler is what a timer does when it is due.
type Handler interface {
	// Fire is called at [Kernel.Now], with the argument that the timer was made
	// with. The timer is then disarmed and may be armed again.
	Fire(arg uint32)
}

// Timer names one timer of a kernel.
type Timer uint32

// timer is the state of one Timer. Moving a timer later costs a store: the event
// that is queued for it is early, and is put back when it comes up.
type timer struct {
	due     model.Time // when to fire, or Never
	queued  model.Time // time of the one queued event that counts, or Never
	handler Handler
	arg     uint32
}

// Kernel runs timers in order of time. The zero value is not usable: see [New].
type Kernel struct {
	// Records is the record stream of the run.
	Records Records

	now    model.Time
	seed   uint64
	queue  radixHeap
	timers []timer
	events uint64
	still  uint64 // events at now
}

// Budget limits a run; a zero field sets no limit of its kind.
type Budget struct {
	// Events is the largest number of events in the whole run.
	Events uint64

	// Stop is asked every 8192 events whether the run must end, and why.
	// It is how limits of wall-clock time and memory, and interrupts, reach a
	// kernel that knows neither.
	Stop func() error
}

// stillEvents, and one more for each timer, is the number of events at one time
// after which time is taken to have stopped for ever.
const stillEvents = 1_000_000

// stopInterval is the number of events between two questions to Budget.Stop.
const stopInterval = 1 << 13

// ErrEvents is returned (wrapped) by [Kernel.Run] when the budget of events is
// spent, and ErrStill when time does not advance: a million events, and one more for
// each timer, fired at one time.
var (
	ErrEvents = errors.New("the budget of events is spent")
	ErrStill  = errors.New("events without progress of time")
)

// New returns a kernel at time 0 whose random streams follow from seed.
func New(seed uint64) *Kernel { return &Kernel{seed: seed} }

// Now returns the current time.
func (k *Kernel) Now() model.Time { return k.now }

// Events returns the number of timers that have fired.
func (k *Kernel) Events() uint64 { return k.events }

// Pending returns the number of events in the queue: at most one for each armed
// timer, and one for each time that a timer was moved to an earlier time or
// disarmed.
func (k *Kernel) Pending() int { return k.queue.len() }

// Stream returns a new random stream for the purpose name. Two calls with one
// name return streams that draw the same numbers.
func (k *Kernel) Stream(name string) *Stream { return NewStream(k.seed, name) }

// NewTimer returns a new, disarmed timer that fires h with arg.
func (k *Kernel) NewTimer(h Handler, arg uint32) Timer {
	k.timers = append(k.timers, timer{due: model.Never, queued: model.Never, handler: h, arg: arg})
	return Timer(len(k.timers) - 1)
}

// Timers returns the number of timers made so far.
func (k *Kernel) Timers() int { return len(k.timers) }

// Arm makes t fire at the given time instead of any other. [model.Never] disarms
// it. Arming in the past panics.
func (k *Kernel) Arm(t Timer, at model.Time) {
	if at < k.now {
		panic(fmt.Sprintf("sim: timer %d armed at %v for the past time %v", t, k.now, at))
	}
	x := &k.timers[t]
	x.due = at
	if at < x.queued {
		x.queued = at
		k.queue.push(event{at, t})
	}
}

// Disarm keeps t from firing.
func (k *Kernel) Disarm(t Timer) { k.timers[t].due = model.Never }

// Due returns the time at which t is going to fire, or [model.Never].
func (k *Kernel) Due(t Timer) model.Time { return k.timers[t].due }

// Next returns the time of the first event in the queue, or [model.Never]: no timer
// fires before, and one fires then unless it was moved or disarmed. It is for a caller
// who runs the kernel in step with another clock.
func (k *Kernel) Next() model.Time { return k.queue.first() }

// Run fires timers up to and including time until, which then is the current time, and
// may be called again to go on. It returns nil at until or, leaving the clock at the
// first event that it did not fire, the reason why it ended early: an error that
// wraps [ErrEvents] or [ErrStill], or what Budget.Stop returned.
func (k *Kernel) Run(until model.Time, budget Budget) error {
	if until > model.MaxTime {
		panic(fmt.Sprintf("sim: a run until %v passes the largest time %v", until, model.MaxTime))
	}
	for {
		e, ok := k.queue.popUntil(until)
		if !ok {
			k.advance(until)
			return nil
		}
		t := &k.timers[e.timer]
		if e.at != t.queued {
			continue // the timer was moved to an earlier time since
		}
		if t.due != e.at { // later, or Never
			t.queued = t.due
			if t.due != model.Never {
				k.queue.push(event{t.due, e.timer})
			}
			continue
		}
		k.advance(e.at)
		if err := k.refuse(budget); err != nil {
			k.queue.push(e)
			return err
		}
		k.events++
		k.still++
		t.due, t.queued = model.Never, model.Never
		t.handler.Fire(t.arg)
	}
}

func (k *Kernel) advance(to model.Time) {
	if to > k.now {
		k.now, k.still = to, 0
	}
}

// refuse returns the reason why no further event may fire, if there is one.
func (k *Kernel) refuse(budget Budget) error {
	if budget.Events != 0 && k.events >= budget.Events {
		return fmt.Errorf("%w: %d events until %v", ErrEvents, k.events, k.now)
	}
	if k.still >= stillEvents+uint64(len(k.timers)) {
		return fmt.Errorf("%w: %d at %v", ErrStill, k.still, k.now)
	}
	if budget.Stop != nil && k.events%stopInterval == stopInterval-1 {
		return budget.Stop()
	}
	return nil
}
