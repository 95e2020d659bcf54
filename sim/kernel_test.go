package sim_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"suspect/model"
	"suspect/sim"
)

type handlerFunc func(arg uint32)

func (f handlerFunc) Fire(arg uint32) { f(arg) }

// fired is one line of what a kernel did.
type fired struct {
	At    model.Time
	Timer sim.Timer
}

// timers is what a program below needs of a kernel.
type timers interface {
	Now() model.Time
	Arm(t sim.Timer, at model.Time)
	Disarm(t sim.Timer)
	Due(t sim.Timer) model.Time
}

// plainKernel is the kernel at its plainest: the next timer is looked for among all.
type plainKernel struct {
	now  model.Time
	due  []model.Time
	fire func(t sim.Timer)
}

func (k *plainKernel) Now() model.Time                { return k.now }
func (k *plainKernel) Arm(t sim.Timer, at model.Time) { k.due[t] = at }
func (k *plainKernel) Disarm(t sim.Timer)             { k.due[t] = model.Never }
func (k *plainKernel) Due(t sim.Timer) model.Time     { return k.due[t] }

func (k *plainKernel) run(until model.Time) {
	for {
		first := 0
		for t, at := range k.due {
			if at < k.due[first] {
				first = t
			}
		}
		if k.due[first] > until {
			k.now = until
			return
		}
		k.now = k.due[first]
		k.due[first] = model.Never
		k.fire(sim.Timer(first))
	}
}

// A program is what timers do when they fire: each firing takes the next few
// operations and arms timers earlier, later, at the same time, now or never.
type program struct {
	k    timers
	n    int // timers
	ops  []uint64
	told []fired
	err  string
}

func (p *program) fire(t sim.Timer) {
	p.told = append(p.told, fired{p.k.Now(), t})
	if p.k.Due(t) != model.Never {
		p.err = fmt.Sprintf("timer %d is armed while it fires", t)
	}
	p.act(4)
}

func (p *program) act(operations int) {
	for range min(operations, len(p.ops)) {
		op := p.ops[0]
		p.ops = p.ops[1:]
		t, op := sim.Timer(op%uint64(p.n)), op/uint64(p.n)
		now, due := p.k.Now(), p.k.Due(t)
		at := now
		switch op % 8 {
		case 0:
			p.k.Disarm(t)
			continue
		case 1:
			at = model.Never
		case 2: // at the same time as another timer, or never
			at = p.k.Due(sim.Timer(op / 8 % uint64(p.n)))
		case 3: // a little earlier or later
			if due != model.Never {
				at = max(now, due-2+model.Time(op/8%5))
			}
		case 4: // now
		default:
			at = now.Add(model.Duration(op / 8 % 20))
		}
		p.k.Arm(t, at)
		if p.k.Due(t) != at {
			p.err = fmt.Sprintf("timer %d was armed at %v and is due at %v", t, at, p.k.Due(t))
		}
	}
}

const programTimers = 6

// plainRun returns what the plain kernel does with a program.
func plainRun(ops []uint64) []fired {
	k := &plainKernel{due: slices.Repeat([]model.Time{model.Never}, programTimers)}
	p := &program{k: k, n: programTimers, ops: ops}
	k.fire = p.fire
	p.act(programTimers)
	k.run(1000)
	return p.told
}

// kernelRun returns what the kernel does with it, driven by run.
func kernelRun(ops []uint64, run func(k *sim.Kernel) error) (told []fired, err error) {
	k := sim.New(1)
	p := &program{k: k, n: programTimers, ops: ops}
	for t := range uint32(programTimers) {
		k.NewTimer(handlerFunc(func(arg uint32) { p.fire(sim.Timer(arg)) }), t)
	}
	p.act(programTimers)
	err = run(k)
	switch {
	case err != nil:
	case p.err != "":
		err = errors.New(p.err)
	case k.Now() != 1000:
		err = fmt.Errorf("the run ended at %v", k.Now())
	case k.Events() != uint64(len(p.told)):
		err = fmt.Errorf("%d events are counted, %d were seen", k.Events(), len(p.told))
	}
	return p.told, err
}

func TestKernelAgreesWithPlainKernel(t *testing.T) {
	parameters := gopter.DefaultTestParametersWithSeed(2)
	parameters.MinSuccessfulTests = 1500
	parameters.MaxSize = 150
	properties := gopter.NewProperties(parameters)
	ways := []struct {
		name string
		run  func(k *sim.Kernel) error
	}{
		{"in one run", func(k *sim.Kernel) error { return k.Run(1000, sim.Budget{}) }},
		{"in slices of time", func(k *sim.Kernel) error {
			for until := model.Time(0); until < 1000; until = until*5/4 + 1 {
				if err := k.Run(until, sim.Budget{}); err != nil {
					return err
				}
				if k.Now() != until {
					return fmt.Errorf("a run until %v ended at %v", until, k.Now())
				}
			}
			return k.Run(1000, sim.Budget{})
		}},
		{"event by event", func(k *sim.Kernel) error {
			for n := uint64(1); ; n++ {
				err := k.Run(1000, sim.Budget{Events: n})
				if !errors.Is(err, sim.ErrEvents) {
					return err
				}
				if k.Events() != n {
					return fmt.Errorf("%d events with a budget of %d", k.Events(), n)
				}
			}
		}},
	}
	for _, way := range ways {
		properties.Property(way.name, prop.ForAll(func(ops []uint64) string {
			told, err := kernelRun(ops, way.run)
			if err != nil {
				return err.Error()
			}
			return cmp.Diff(plainRun(ops), told)
		}, gen.SliceOf(gen.UInt64())))
	}
	properties.TestingRun(t)
}

func TestTimersAtOneTimeFireInTheOrderTheyWereMade(t *testing.T) {
	k := sim.New(1)
	var order []uint32
	h := handlerFunc(func(arg uint32) { order = append(order, arg) })
	var made []sim.Timer
	for i := range uint32(8) {
		made = append(made, k.NewTimer(h, i))
	}
	for _, i := range []int{5, 0, 7, 2, 6, 1, 4, 3} {
		k.Arm(made[i], 100)
	}
	if err := k.Run(100, sim.Budget{}); err != nil {
		t.Fatal(err)
	}
	if want := []uint32{0, 1, 2, 3, 4, 5, 6, 7}; !slices.Equal(order, want) {
		t.Errorf("fired in the order %v, want %v", order, want)
	}
}

func TestTimersMadeAndArmedNowTakeTheirPlace(t *testing.T) {
	k := sim.New(1)
	var order []string
	say := func(s string) sim.Handler { return handlerFunc(func(uint32) { order = append(order, s) }) }
	first := k.NewTimer(say("first"), 0)
	var last sim.Timer
	second := k.NewTimer(handlerFunc(func(uint32) {
		order = append(order, "second")
		last = k.NewTimer(say("last"), 0)
		k.Arm(last, k.Now())
		k.Arm(first, k.Now())
	}), 0)
	third := k.NewTimer(say("third"), 0)
	k.Arm(third, 5)
	k.Arm(second, 5)
	if err := k.Run(5, sim.Budget{}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"second", "first", "third", "last"}; !slices.Equal(order, want) {
		t.Errorf("fired in the order %v, want %v", order, want)
	}
}

func mustPanic(t *testing.T, what, want string, f func()) {
	t.Helper()
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
			t.Errorf("%s: panic %q, want %q in it", what, got, want)
		}
	}()
	f()
}

func TestThePastAndTheFarFutureAreRefused(t *testing.T) {
	k := sim.New(1)
	timer := k.NewTimer(handlerFunc(func(uint32) {}), 0)
	if err := k.Run(10, sim.Budget{}); err != nil {
		t.Fatal(err)
	}
	mustPanic(t, "arming in the past", "armed at 10ps for the past time 9ps", func() { k.Arm(timer, 9) })
	mustPanic(t, "running too far", "passes the largest time", func() { k.Run(model.MaxTime+1, sim.Budget{}) })
	k.Arm(timer, 10) // now is not the past
	k.Arm(timer, model.MaxTime)
	if err := k.Run(model.MaxTime, sim.Budget{}); err != nil || k.Events() != 1 {
		t.Errorf("%d events until the largest time, error %v", k.Events(), err)
	}
}

// Whoever runs a kernel to Next, again and again, misses no timer: Next may be early, of a
// timer that was moved since, but not late, and it comes to an end.
func TestNextIsNeverLate(t *testing.T) {
	k := sim.New(1)
	var firedAt []model.Time
	h := handlerFunc(func(uint32) { firedAt = append(firedAt, k.Now()) })
	moved, kept, disarmed := k.NewTimer(h, 0), k.NewTimer(h, 0), k.NewTimer(h, 0)
	if got := k.Next(); got != model.Never {
		t.Errorf("without timers, the next event is at %v", got)
	}
	k.Arm(moved, 5)
	k.Arm(kept, 7)
	k.Arm(disarmed, 3)
	k.Arm(moved, 9)
	k.Disarm(disarmed)
	for range 10 {
		if k.Next() == model.Never {
			break
		}
		if err := k.Run(k.Next(), sim.Budget{}); err != nil {
			t.Fatal(err)
		}
	}
	if want := []model.Time{7, 9}; !slices.Equal(firedAt, want) || k.Next() != model.Never {
		t.Errorf("timers fired at %v, want %v; the next event is at %v", firedAt, want, k.Next())
	}
}

func TestRunIntoThePastDoesNothing(t *testing.T) {
	k := sim.New(1)
	k.Arm(k.NewTimer(handlerFunc(func(uint32) {}), 0), 20)
	for _, until := range []model.Time{10, 5} {
		if err := k.Run(until, sim.Budget{}); err != nil || k.Now() != 10 || k.Events() != 0 {
			t.Errorf("run until %v: now %v, %d events, error %v", until, k.Now(), k.Events(), err)
		}
	}
}

// crowd is a run of a hundred timers that arm themselves at random and tell a record
// each time.
func crowd(hash *sim.Hash) *sim.Kernel {
	k := sim.New(7)
	k.Records.Subscribe(model.AllKinds, hash.Observe)
	s := k.Stream("crowd")
	var made []sim.Timer
	var record model.Record
	h := handlerFunc(func(arg uint32) {
		record = model.Record{Kind: model.Sent, At: k.Now(), Process: model.ProcessID(arg)}
		k.Records.Emit(&record)
		k.Arm(made[arg], k.Now().Add(model.Duration(s.IntN(50))))
		k.Arm(made[s.IntN(len(made))], k.Now().Add(s.Exponential(30)))
	})
	for i := range uint32(100) {
		made = append(made, k.NewTimer(h, i))
		k.Arm(made[i], 0)
	}
	return k
}

func TestInterruptedRunGoesOn(t *testing.T) {
	const until = 20_000
	var whole, parts sim.Hash
	if err := crowd(&whole).Run(until, sim.Budget{}); err != nil {
		t.Fatal(err)
	}
	if whole.Records() < 50_000 {
		t.Fatalf("only %d events: too few to be interrupted", whole.Records())
	}
	k := crowd(&parts)
	stop := errors.New("interrupted")
	asked, stopped := 0, 0
	budget := sim.Budget{Stop: func() error {
		if asked++; asked%2 == 1 {
			return stop
		}
		return nil
	}}
	for {
		err := k.Run(until, budget)
		if err == nil {
			break
		}
		if err != stop {
			t.Fatal(err)
		}
		if now, at := k.Now(), k.Events(); k.Run(0, budget) != nil || k.Now() != now || k.Events() != at {
			t.Fatalf("a run into the past did something")
		}
		stopped++
	}
	if want := int(whole.Records() / 8192); stopped != want {
		t.Errorf("stopped %d times in %d events, want %d", stopped, whole.Records(), want)
	}
	if parts.Sum() != whole.Sum() || parts.Records() != whole.Records() {
		t.Errorf("the interrupted run differs: %v, want %v", &parts, &whole)
	}
}

func TestBudgetOfEventsIsOfTheWholeRun(t *testing.T) {
	var h sim.Hash
	k := crowd(&h)
	for range 3 {
		err := k.Run(20_000, sim.Budget{Events: 500})
		if !errors.Is(err, sim.ErrEvents) || k.Events() != 500 || h.Records() != 500 {
			t.Fatalf("%d events, %d records, error %v; want 500 of each", k.Events(), h.Records(), err)
		}
	}
	if err := k.Run(20_000, sim.Budget{}); err != nil {
		t.Errorf("without a budget: %v", err)
	}
}

func TestTimeThatStandsStill(t *testing.T) {
	k := sim.New(1)
	var timer sim.Timer
	timer = k.NewTimer(handlerFunc(func(uint32) { k.Arm(timer, k.Now()) }), 0)
	k.Arm(timer, 5)
	for range 2 {
		err := k.Run(10, sim.Budget{})
		if !errors.Is(err, sim.ErrStill) || k.Events() != 1_000_001 || k.Now() != 5 {
			t.Fatalf("%d events until %v, error %v", k.Events(), k.Now(), err)
		}
	}
	if k.Due(timer) != 5 || k.Pending() != 1 {
		t.Errorf("the event that did not fire is lost")
	}
	k.Disarm(timer)
	if err := k.Run(10, sim.Budget{}); err != nil || k.Now() != 10 {
		t.Errorf("without the culprit: until %v, error %v", k.Now(), err)
	}
}

// A large system may do a lot at one time, and a run may be driven in small steps.
func TestTimeThatDoesNotStandStill(t *testing.T) {
	const many = 1_200_000
	k := sim.New(1)
	h := handlerFunc(func(uint32) {})
	for i := range uint32(many) {
		k.Arm(k.NewTimer(h, i), 5)
	}
	if err := k.Run(10, sim.Budget{}); err != nil {
		t.Errorf("%d timers at one time: %v", many, err)
	}

	k = sim.New(1)
	timer := k.NewTimer(h, 0)
	for i := range model.Time(many) {
		k.Arm(timer, k.Now())
		if err := k.Run(i, sim.Budget{}); err != nil {
			t.Fatalf("step by step: %v", err)
		}
	}
}

func TestMovingATimerLaterOrNotTakesNoRoom(t *testing.T) {
	k := sim.New(1)
	timer := k.NewTimer(handlerFunc(func(uint32) {}), 0)
	for i := range model.Time(1000) {
		k.Arm(timer, 10+i)
		k.Arm(timer, 10+i)
	}
	k.Arm(timer, 10) // the time of the event that is queued
	if k.Pending() != 1 {
		t.Errorf("%d events for one timer that was only moved later", k.Pending())
	}
	if err := k.Run(model.MaxTime, sim.Budget{}); err != nil || k.Events() != 1 {
		t.Errorf("%d events, error %v", k.Events(), err)
	}
}

func TestRecordsReachTheirSubscribers(t *testing.T) {
	var s sim.Records
	var told []string
	tell := func(name string) func(*model.Record) {
		return func(r *model.Record) { told = append(told, fmt.Sprint(name, " ", r.Kind)) }
	}
	if s.Wants(model.Sent) {
		t.Error("a record that nobody subscribed to is wanted")
	}
	s.Subscribe(model.KindSet(model.Crashed, model.Recovered), tell("a"))
	s.Subscribe(model.KindSet(model.Crashed, model.Sent), tell("b"))
	for k := range model.RecordKinds {
		want := k == model.Crashed || k == model.Recovered || k == model.Sent
		if s.Wants(k) != want {
			t.Errorf("Wants(%v) = %v", k, !want)
		}
		s.Emit(&model.Record{Kind: k})
	}
	want := []string{"b sent", "a crashed", "b crashed", "a recovered"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	var h sim.Hash
	k := crowd(&h)
	until := model.Time(10_000)
	k.Run(until, sim.Budget{})
	allocs := testing.AllocsPerRun(20, func() {
		until += 1000
		k.Run(until, sim.Budget{})
	})
	if allocs > 2 { // a bucket may still grow
		t.Errorf("%v allocations in a thousand picoseconds of %d records", allocs, h.Records())
	}
}

type beat struct {
	k *sim.Kernel
	t sim.Timer
	s *sim.Stream
}

func (b *beat) Fire(uint32) { b.k.Arm(b.t, b.k.Now().Add(model.Duration(b.s.Uint64()>>44))) }

// BenchmarkKernel is the hold model on timers: each firing arms its timer again.
func BenchmarkKernel(b *testing.B) {
	for _, n := range []int{1e3, 1e5, 1e6} {
		b.Run(fmt.Sprintf("timers=%d", n), func(b *testing.B) {
			k := sim.New(1)
			s := k.Stream("beats")
			for range n {
				x := &beat{k: k, s: s}
				x.t = k.NewTimer(x, 0)
				x.Fire(0)
			}
			k.Run(1<<21, sim.Budget{})
			b.ReportAllocs()
			start := k.Events()
			b.ResetTimer()
			if err := k.Run(model.MaxTime, sim.Budget{Events: start + uint64(b.N)}); !errors.Is(err, sim.ErrEvents) {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkRearm moves timers to later times, as each heartbeat moves a timeout.
func BenchmarkRearm(b *testing.B) {
	k := sim.New(1)
	h := handlerFunc(func(uint32) {})
	var made []sim.Timer
	for i := range uint32(1000) {
		made = append(made, k.NewTimer(h, i))
	}
	b.ReportAllocs()
	for i := range b.N {
		k.Arm(made[i%1000], model.Time(1000+i))
	}
}

func BenchmarkStream(b *testing.B) {
	s := sim.NewStream(1, "benchmark")
	b.Run("Uint64", func(b *testing.B) {
		for b.Loop() {
			s.Uint64()
		}
	})
	b.Run("Exponential", func(b *testing.B) {
		for b.Loop() {
			s.Exponential(model.Millisecond)
		}
	})
	b.Run("Normal", func(b *testing.B) {
		for b.Loop() {
			s.Normal()
		}
	})
}
