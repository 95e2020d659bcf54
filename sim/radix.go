package sim

import (
	"math/bits"

	"suspect/model"
)

// event is one entry of the event queue.
type event struct {
	at    model.Time
	timer Timer
}

// radixHeap is a monotone priority queue of events in order of (time, timer):
// nothing is pushed before the time last popped. Bucket i > 0 holds the events
// whose time differs from last in bit i-1 and in none above it; bucket 0 holds
// those at last itself, as a binary heap on the timer. An event moves to a lower
// bucket at most 64 times, and in practice two or three: the cost does not grow
// with the number of events. After Ahuja, Mehlhorn, Orlin and Tarjan, "Faster
// algorithms for the shortest path problem", JACM 37(2), 1990.
type radixHeap struct {
	bucket   [65][]event
	occupied uint64 // bit i-1 tells whether bucket i has events
	last     model.Time
	n        int
}

func (q *radixHeap) len() int { return q.n }

func (q *radixHeap) push(e event) {
	q.n++
	i := bits.Len64(uint64(e.at ^ q.last))
	if i == 0 {
		q.pushNow(e)
		return
	}
	q.bucket[i] = append(q.bucket[i], e)
	q.occupied |= 1 << (i - 1)
}

// first returns the time of the first event, or Never if there is none.
func (q *radixHeap) first() model.Time {
	if len(q.bucket[0]) != 0 {
		return q.last
	}
	if q.occupied == 0 {
		return model.Never
	}
	first := model.Never
	for _, e := range q.bucket[bits.TrailingZeros64(q.occupied)+1] {
		first = min(first, e.at)
	}
	return first
}

// popUntil removes and returns the first event, unless it is later than until.
func (q *radixHeap) popUntil(until model.Time) (e event, ok bool) {
	if len(q.bucket[0]) == 0 {
		if q.occupied == 0 {
			return event{}, false
		}
		i := bits.TrailingZeros64(q.occupied) + 1
		b := q.bucket[i]
		first := b[0].at
		for j := 1; j < len(b); j++ {
			first = min(first, b[j].at)
		}
		if first > until {
			return event{}, false
		}
		q.last = first
		q.bucket[i] = b[:0]
		q.occupied &= q.occupied - 1
		if len(b) == 1 {
			q.n--
			return b[0], true
		}
		for _, e := range b {
			k := bits.Len64(uint64(e.at ^ first))
			if k == 0 {
				q.pushNow(e)
				continue
			}
			q.bucket[k] = append(q.bucket[k], e)
			q.occupied |= 1 << (k - 1)
		}
	} else if q.last > until {
		return event{}, false
	}
	q.n--
	return q.popNow(), true
}

// pushNow and popNow are a binary heap of the events at the time last popped.
func (q *radixHeap) pushNow(e event) {
	h := append(q.bucket[0], e)
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].timer <= e.timer {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = e
	q.bucket[0] = h
}

func (q *radixHeap) popNow() event {
	h := q.bucket[0]
	first, n := h[0], len(h)-1
	e := h[n]
	h = h[:n]
	q.bucket[0] = h
	i := 0
	for {
		child := 2*i + 1
		if child >= n {
			break
		}
		if child+1 < n && h[child+1].timer < h[child].timer {
			child++
		}
		if e.timer <= h[child].timer {
			break
		}
		h[i] = h[child]
		i = child
	}
	if n > 0 {
		h[i] = e
	}
	return first
}
