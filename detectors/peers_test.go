package detectors

import (
	"slices"
	"testing"

	"suspect/model"
)

func TestPeers(t *testing.T) {
	for _, watch := range [][]model.ProcessID{
		nil, {0}, {5}, {0, 1, 2}, {1, 2, 3}, {0, 1, 3, 4}, {4, 5, 7}, {0, 2}, {0, 2, 4}, {0, 3}, {0, 1, 9998, 9999}, {3, 5, 6, 8},
	} {
		p := newPeers(watch)
		if computed := p.ids == nil; computed != (len(watch) == 0 || int(watch[len(watch)-1]-watch[0]) <= len(watch)) {
			t.Errorf("%v: computed %v", watch, computed)
		}
		for id := model.ProcessID(-2); id < 10_001; id++ {
			want := slices.Index(watch, id)
			if got := p.index(id); got != want {
				t.Errorf("%v: index(%d) = %d", watch, id, got)
			}
			if want >= 0 && p.id(want) != id {
				t.Errorf("%v: id(%d) = %d", watch, want, p.id(want))
			}
		}
	}
}

// deadlines against a plain slice: any operations, in an order chosen by
// arithmetic.
func TestDeadlines(t *testing.T) {
	const n = 13
	d := newDeadlines(n, 64)
	var plain [n]model.Time
	for p := range plain {
		plain[p] = model.Never
	}
	x := uint64(1)
	draw := func(below uint64) uint64 {
		x = x*6364136223846793005 + 1442695040888963407
		return x >> 33 % below
	}
	for range 20_000 {
		p, at := int(draw(n)), model.Time(draw(50))
		switch {
		case !d.has(p):
			d.add(p, at)
			plain[p] = at
		case draw(3) == 0:
			d.remove(p)
			plain[p] = model.Never
		case draw(2) == 0:
			d.hasten(p, at)
			plain[p] = min(plain[p], at)
		default:
			top, now := d.top(), d.next()
			at += now + 1
			d.postpone(at, now)
			got := d.heap[d.pos[top]].at
			if got <= now || got > at || got <= at-8 {
				t.Fatalf("at %v, postponed to %v: %v", now, at, got)
			}
			plain[top] = got
		}
		if want := slices.Min(plain[:]); d.next() != want || want != model.Never && plain[d.top()] != want {
			t.Fatalf("next is %v, want %v", d.next(), want)
		}
		for p := range plain {
			if d.has(p) != (plain[p] != model.Never) {
				t.Fatalf("has(%d) = %v", p, d.has(p))
			}
		}
	}
}
