package explore

import "errors"

// Unbounded is the delay where some run never gets there.
const Unbounded = -1

// Delays measures how long it takes until something holds for good. For each edge of the
// graph it calls visit with the states at its ends, which are lent, and the number of
// steps from the second of them until good holds for ever, in the worst of all runs: 0 if
// good holds there already and for ever. It is [Unbounded] where a run that stays on a
// cycle, fair or not, has a bad state before it forever or again and again. The search
// must be complete, and have kept the states as one with a liveness property does.
func (s *Search) Delays(good Predicate, visit func(before, after *View, steps int)) error {
	if !s.complete {
		return errors.New("explore: delays are measured on the whole graph, and the search is not complete")
	}
	if s.store.words > 2 && !s.keepsAll() {
		return errors.New("explore: the search has not kept its states: give it a liveness property")
	}
	g := newGraph(s)
	all := g.none()
	for v := range uint32(g.len()) {
		all.add(v)
	}
	delay := make([]int32, g.len())
	_, err := g.components(all, func(_ uint32, members []uint32, cyclic bool) error {
		// All that follows the component has its delay by now.
		worst := int32(0)
		for _, v := range members {
			bad := !good(g.look(v))
			if bad {
				worst = longer(worst, 1)
			}
			if len(members) > 1 && worst != 0 && cyclic {
				break
			}
			to, _, err := g.edges(v, false)
			if err != nil {
				return err
			}
			for _, w := range to {
				if d := delay[w]; d == Unbounded {
					worst = Unbounded
				} else if d > 0 {
					worst = longer(worst, d+1)
				}
			}
		}
		if cyclic && worst != 0 {
			worst = Unbounded
		}
		for _, v := range members {
			delay[v] = worst
		}
		return nil
	})
	if err != nil {
		return err
	}
	var before View
	for v := range uint32(g.len()) {
		s.sys.View(s.store.state(g.id(v)), &before)
		to, _, err := g.edges(v, false)
		if err != nil {
			return err
		}
		for _, w := range to {
			visit(&before, g.look(w), int(delay[w]))
		}
	}
	return nil
}

// longer returns the longer of two delays.
func longer(a, b int32) int32 {
	if a == Unbounded || b == Unbounded {
		return Unbounded
	}
	return max(a, b)
}
