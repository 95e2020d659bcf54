package reproduce

import (
	"context"
	"math/bits"
	"slices"

	"suspect/model"
	"suspect/properties"
)

// mostTries bounds the runs that are made to shrink one world.
const mostTries = 400

// atlasShrinker looks for the smallest world that still violates a property.
type atlasShrinker struct {
	ctx      context.Context
	property string
	tries    int
	err      error
}

// counterexample is a small world that violates properties.
type counterexample struct {
	*world
	property string // for which it was shrunk
	reason   string // for which that is violated
	violated []string
}

// shrink returns the smallest world that it finds in which the property is violated, given
// one in which it is: of fewest processes, then with least that happens to them, then
// shortest. Nothing in it can be left out.
func shrink(ctx context.Context, w *world, property string) (*counterexample, error) {
	s := &atlasShrinker{ctx: ctx, property: property}
	w = s.sooner(s.fewer(w))
	for before := -1; before != s.size(w); {
		before = s.size(w)
		w = s.thinner(w)
		w = s.simpler(w)
		w = s.earlier(w)
		w = s.shorter(w)
	}
	if s.err != nil {
		return nil, s.err
	}
	results, err := w.judge(ctx)
	if err != nil {
		return nil, err
	}
	c := &counterexample{world: w, property: property, violated: violated(results)}
	for _, r := range results {
		if r.Property == property {
			c.reason = r.Reason
		}
	}
	return c, nil
}

// size grows with everything that shrinking takes away.
func (s *atlasShrinker) size(w *world) int {
	n := w.n + len(w.troubles) + int(w.duration/model.Second)
	for _, t := range w.troubles {
		n += int((t.at + t.last) / model.Second)
	}
	if w.jitter {
		n++
	}
	if w.late {
		n++
	}
	return n
}

// fails tells whether the property is violated in a world.
func (s *atlasShrinker) fails(w *world) bool {
	if s.err != nil || s.tries >= mostTries {
		return false
	}
	s.tries++
	results, err := w.judge(s.ctx)
	if err != nil {
		s.err = err
		return false
	}
	return slices.ContainsFunc(results, func(r properties.Result) bool {
		return r.Property == s.property && r.Outcome == properties.Violated
	})
}

// keep returns the smaller world if it fails, else the other one.
func (s *atlasShrinker) keep(w, smaller *world) *world {
	if s.fails(smaller) {
		return smaller
	}
	return w
}

// otherSeeds are tried where fewer processes have no bad luck with the seed of more.
const otherSeeds = 10

// fewer leaves out processes.
func (s *atlasShrinker) fewer(w *world) *world {
	for n := 2; n < w.n; n++ {
		sets := subsets(w.n, n)
		for _, hosts := range sets {
			if smaller := w.among(hosts); s.fails(smaller) {
				return smaller
			}
		}
		for seed := range uint64(otherSeeds) {
			smaller := w.among(sets[int(seed)%len(sets)])
			if smaller.seed = seed + 1; s.fails(smaller) {
				return smaller
			}
		}
	}
	return w
}

// subsets returns the sets of k of the hosts 0 to n-1, each in increasing order.
func subsets(n, k int) (all [][]int) {
	for set := range 1 << n {
		if bits.OnesCount(uint(set)) != k {
			continue
		}
		var hosts []int
		for h := range n {
			if set>>h&1 != 0 {
				hosts = append(hosts, h)
			}
		}
		all = append(all, hosts)
	}
	return all
}

// thinner leaves out troubles: many together, and then fewer and fewer.
func (s *atlasShrinker) thinner(w *world) *world {
	for size := len(w.troubles); size >= 1; size /= 2 {
		for i := 0; i < len(w.troubles); {
			n := len(w.troubles)
			if w = s.keep(w, w.without(i, min(i+size, n))); len(w.troubles) == n {
				i += size
			}
		}
	}
	return w
}

// simpler leaves out what happens to all.
func (s *atlasShrinker) simpler(w *world) *world {
	for _, change := range []func(x *world) bool{
		func(x *world) bool { was := x.jitter; x.jitter = false; return was },
		func(x *world) bool { was := x.late; x.late = false; return was },
		func(x *world) bool { was := x.seed; x.seed = 1; return was != 1 },
	} {
		if x := *w; change(&x) {
			w = s.keep(w, &x)
		}
	}
	return w
}

// earlier makes everything begin sooner.
func (s *atlasShrinker) earlier(w *world) *world {
	for i := range w.troubles {
		before := model.Duration(0)
		if i > 0 { // what is together stays so
			before = min(w.troubles[i].at, w.troubles[i-1].at)
		}
		w = s.least(w, before, w.troubles[i].at, func(x *world, d model.Duration) {
			by := x.troubles[i].at - d
			for j := range x.troubles[i:] {
				x.troubles[i+j].at = max(0, x.troubles[i+j].at-by)
			}
		})
	}
	return w
}

// shorter makes troubles, and then the run, end sooner.
func (s *atlasShrinker) shorter(w *world) *world {
	for i := range w.troubles {
		w = s.least(w, model.Second, w.troubles[i].last, func(x *world, d model.Duration) { x.troubles[i].last = d })
	}
	return s.sooner(w)
}

// sooner ends the run sooner, which also makes the next ones quick.
func (s *atlasShrinker) sooner(w *world) *world {
	return s.least(w, model.Second, w.duration, func(x *world, d model.Duration) {
		x.duration = d
		x.troubles = slices.DeleteFunc(x.troubles, func(t trouble) bool { return t.at >= d })
	})
}

// least finds by bisection a small duration, of whole seconds from low to high, to which a
// world can be changed so that it still fails.
func (s *atlasShrinker) least(w *world, low, high model.Duration, change func(x *world, d model.Duration)) *world {
	for low < high {
		d := (low + (high-low)/2) / model.Second * model.Second
		d = max(d, low)
		x := *w
		x.troubles = slices.Clone(w.troubles)
		change(&x, d)
		if s.fails(&x) {
			w, high = &x, d
		} else {
			low = d + model.Second
		}
	}
	return w
}
