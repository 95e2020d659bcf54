package sim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"suspect/model"
)

// sortedQueue is the queue at its plainest.
type sortedQueue []event

func (q *sortedQueue) push(e event) {
	i, _ := slices.BinarySearchFunc(*q, e, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.timer, b.timer))
	})
	*q = slices.Insert(*q, i, e)
}

func (q *sortedQueue) popUntil(until model.Time) (event, bool) {
	if len(*q) == 0 || (*q)[0].at > until {
		return event{}, false
	}
	e := (*q)[0]
	*q = (*q)[1:]
	return e, true
}

// delay spreads x's bits over delays of every magnitude, short ones and zero being
// the most frequent.
func delay(x uint64) model.Duration { return model.Duration(x << 6 >> 7 >> (x & 63)) }

// agree runs the same operations on both queues and returns the first difference.
func agree(ops []uint64) string {
	var q radixHeap
	var twin sortedQueue
	now := model.Time(0)
	pop := func(until model.Time) string {
		first := model.Never
		if len(twin) > 0 {
			first = twin[0].at
		}
		if got := q.first(); got != first {
			return fmt.Sprintf("first at %d, want %d", got, first)
		}
		got, ok := q.popUntil(until)
		want, wantOK := twin.popUntil(until)
		if ok != wantOK || got != want {
			return fmt.Sprintf("pop until %d: %v %v, want %v %v", until, got, ok, want, wantOK)
		}
		if q.len() != len(twin) {
			return fmt.Sprintf("%d events are left, want %d", q.len(), len(twin))
		}
		if ok {
			now = got.at
		}
		return ""
	}
	for _, op := range ops {
		what, op := op%8, op/8
		switch {
		case what < 4: // push, often at a time that is taken
			at := now.Add(delay(op / 16))
			if what == 0 && len(twin) > 0 {
				at = twin[op%uint64(len(twin))].at
			}
			e := event{at, Timer(op % 16)}
			q.push(e)
			twin.push(e)
		case what < 6: // pop whatever is first
			if s := pop(model.Never); s != "" {
				return s
			}
		default: // pop near the first
			until := now.Add(delay(op))
			if len(twin) > 0 && what == 7 {
				until = max(now, twin[0].at-1+model.Time(op%3))
			}
			if s := pop(until); s != "" {
				return s
			}
		}
	}
	for len(twin) > 0 {
		if s := pop(model.Never); s != "" {
			return s
		}
	}
	return pop(model.Never)
}

func TestRadixHeapAgreesWithSortedQueue(t *testing.T) {
	parameters := gopter.DefaultTestParametersWithSeed(1)
	parameters.MinSuccessfulTests = 2000
	parameters.MaxSize = 200
	properties := gopter.NewProperties(parameters)
	properties.Property("same events", prop.ForAll(agree, gen.SliceOf(gen.UInt64())))
	properties.TestingRun(t)
}

func TestRadixHeapAtFarTimes(t *testing.T) {
	var q radixHeap
	times := []model.Time{0, 1, model.MaxTime - 1, model.MaxTime, model.MaxTime + 1, model.Never - 1}
	for i := range times {
		q.push(event{times[len(times)-1-i], Timer(i)})
	}
	for _, want := range times {
		if _, ok := q.popUntil(want - 1); ok {
			t.Errorf("an event at %v came before its time", want)
		}
		if e, ok := q.popUntil(want); !ok || e.at != want {
			t.Errorf("popped %v %v, want an event at %v", e, ok, want)
		}
	}
}

// BenchmarkHold is the hold model: pop the first event and push one an exponential
// time later, with a constant number of events in the queue.
func BenchmarkHold(b *testing.B) {
	for _, n := range []int{1e3, 1e4, 1e5, 1e6} {
		b.Run(fmt.Sprintf("events=%d", n), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			later := make([]model.Duration, 1<<16)
			for i := range later {
				later[i] = model.Duration(rng.ExpFloat64() * float64(model.Millisecond))
			}
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var q radixHeap
			for i := range n {
				q.push(event{model.Time(later[i%len(later)]), Timer(i)})
			}
			hold := func(i int) {
				e, _ := q.popUntil(model.Never)
				q.push(event{e.at.Add(later[i%len(later)]), e.timer})
			}
			for i := range 3 * n {
				hold(i)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				hold(i)
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "heap-B/event")
			runtime.KeepAlive(&q)
		})
	}
}
