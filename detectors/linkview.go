package detectors

import (
	"encoding/binary"
	"math"

	"suspect/model"
)

// linkView is the map of the network without the links that some routers hold for dead,
// as one process has it. Of a link counts the last word. A link that a router held for
// dead is alive again when that router's full answer leaves it out.
type linkView struct {
	self   model.ProcessID
	ways   *adjacency
	dead   []bool            // by link
	deadTo []model.ProcessID // the router that said so, or Nobody
	now    paths             // on the map as it is
	before paths             // and as it was before the last change
}

func newLinkView(env Env) linkView {
	v := linkView{self: env.Self, ways: newAdjacency(env.Map), dead: make([]bool, len(env.Map.Links)),
		deadTo: make([]model.ProcessID, len(env.Map.Links)), now: newPaths(env.Map.Nodes), before: newPaths(env.Map.Nodes)}
	v.forget()
	return v
}

// forget makes the map whole.
func (v *linkView) forget() {
	for l := range v.deadTo {
		v.deadTo[l], v.dead[l] = model.Nobody, false
	}
	v.now.search(v.ways, v.self, v.dead)
}

// inform takes what a router tells of links, and tells whether the map has changed. The
// answer to what all routers were asked last, for all links, is full.
func (v *linkView) inform(e *model.Evidence, asked model.Time) (changed bool) {
	changed = v.mark(e.From, e.Place, e.Alive)
	if e.Kind == model.LinkState {
		for _, place := range e.Links {
			changed = v.mark(e.From, place, e.Alive) || changed
		}
		if e.Seq > 0 && askedAt(e) == asked {
			for l, r := range v.deadTo {
				if r == e.From && !lists(e, int32(l)) {
					v.deadTo[l], v.dead[l] = model.Nobody, false
					changed = true
				}
			}
		}
	}
	if changed {
		v.before, v.now = v.now, v.before
		v.now.search(v.ways, v.self, v.dead)
	}
	return changed
}

// lists tells whether e names a link, in either direction.
func lists(e *model.Evidence, link int32) bool {
	if l, ok := e.Place.Link(); ok && l/2 == link {
		return true
	}
	for _, place := range e.Links {
		if l, ok := place.Link(); ok && l/2 == link {
			return true
		}
	}
	return false
}

func (v *linkView) mark(router model.ProcessID, place model.Place, alive bool) (changed bool) {
	l, ok := place.Link()
	if !ok || int(l/2) >= len(v.dead) {
		return false
	}
	link := l / 2
	changed = v.dead[link] == alive
	v.dead[link], v.deadTo[link] = !alive, model.Nobody
	if !alive {
		v.deadTo[link] = router
	}
	return changed
}

func (v *linkView) clone() linkView {
	c := *v
	c.dead = append([]bool(nil), v.dead...)
	c.deadTo = append([]model.ProcessID(nil), v.deadTo...)
	c.now, c.before = newPaths(len(v.now.distance)), newPaths(len(v.now.distance))
	c.now.search(c.ways, c.self, c.dead)
	return c
}

// appendState writes how many links are dead, which, and to whom.
func (v *linkView) appendState(b []byte) []byte {
	n := 0
	for _, dead := range v.dead {
		if dead {
			n++
		}
	}
	b = binary.AppendUvarint(b, uint64(n))
	for l, r := range v.deadTo {
		if v.dead[l] {
			b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(l)), uint64(r))
		}
	}
	return b
}

func (v *linkView) load(r *Reader) {
	v.forget()
	last := -1
	for range r.UpTo(uint64(len(v.dead))) {
		l := int(r.UpTo(uint64(len(v.dead) - 1)))
		router := model.ProcessID(r.UpTo(math.MaxInt32))
		r.Fail(l <= last)
		v.dead[l], v.deadTo[l], last = true, router, l
	}
	v.now.search(v.ways, v.self, v.dead)
}
