package detectors

import (
	"encoding/binary"
	"slices"

	"suspect/model"
)

// timers holds at most one time for each of some peers. Unlike deadlines, which it is
// built on, it is exact: a peer comes up at its time and not before.
type timers struct {
	deadlines
	popped []int
}

func newTimers(peers int) timers { return timers{deadlines: newDeadlines(peers, 1)} }

func (t *timers) clone() timers { return timers{deadlines: t.deadlines.clone()} }

// at returns the time of a peer, or Never.
func (t *timers) at(peer int) model.Time {
	if !t.has(peer) {
		return model.Never
	}
	return t.heap[t.pos[peer]].at
}

// set gives a peer another time, or none if that is Never.
func (t *timers) set(peer int, at model.Time) {
	if t.at(peer) == at {
		return
	}
	if t.has(peer) {
		t.remove(peer)
	}
	if at != model.Never {
		t.add(peer, at)
	}
}

// pop takes the times up to now away, and returns whose they were, in increasing order.
// The result is valid until the next pop.
func (t *timers) pop(now model.Time) []int {
	t.popped = t.popped[:0]
	for t.next() <= now {
		t.popped = append(t.popped, t.top())
		t.remove(t.top())
	}
	slices.Sort(t.popped)
	return t.popped
}

// appendLeft appends how long it takes from now until at: 0 if that is Never, else 1 +
// the duration, which is zero for a time that has passed.
func appendLeft(b []byte, at, now model.Time) []byte {
	var code uint64
	if at != model.Never {
		code = 1 + uint64(max(0, at.Sub(now)))
	}
	return binary.AppendUvarint(b, code)
}

// loadLeft is the inverse of appendLeft for a time at most the given duration ahead.
func loadLeft(b []byte, now model.Time, most model.Duration) (at model.Time, rest []byte, err error) {
	code, b, err := uvarint(b)
	switch {
	case err != nil || code > uint64(most)+1:
		return 0, b, errEncoding
	case code == 0:
		return model.Never, b, nil
	}
	return now + model.Time(code-1), b, nil
}

// neighbours returns whom a process watches and who watches it, in increasing order: the
// other ends of its links, in protocols whose links are alike at both ends.
func neighbours(env Env) []model.ProcessID {
	all := slices.Concat(env.Watch, env.Watchers)
	slices.Sort(all)
	return slices.Compact(all)
}

// contained tells of each process of a list whether it is among the others, which are
// increasing.
func contained(list, others []model.ProcessID) []bool {
	found := make([]bool, len(list))
	for i, p := range list {
		_, found[i] = slices.BinarySearch(others, p)
	}
	return found
}

// permille returns k thousandths of d, rounded down.
func permille(d model.Duration, k int) model.Duration {
	return d/1000*model.Duration(k) + d%1000*model.Duration(k)/1000
}

// flagBits packs flags into a byte, the first into the lowest bit.
func flagBits(flags ...bool) (b byte) {
	for i, set := range flags {
		if set {
			b |= 1 << i
		}
	}
	return b
}
