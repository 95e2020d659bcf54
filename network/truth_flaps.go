package network

import (
	"slices"

	"suspect/model"
	"suspect/sim"
)

// flapHistory knows when the routes of trips changed.
type flapHistory struct {
	t       *Truth
	timer   sim.Timer
	changed []changedRoute      // in the present instant
	of      map[int32]*flapping // by trip
	ends    []flapEnd           // when changes leave the trailing time, in that order
	begin   int                 // of those that are left
}

// changedRoute is a trip with the route that it had before the present instant.
type changedRoute struct {
	trip   int32
	before []LinkID
}

// flapping are the times of the last changes of a route, as a ring: one more than are
// allowed.
type flapping struct {
	at   []model.Time
	next int
}

type flapEnd struct {
	at   model.Time
	trip int32
}

func (f *flapHistory) init(t *Truth) {
	f.t, f.of = t, make(map[int32]*flapping)
	f.timer = t.n.kernel.NewTimer((*truthFlaps)(t), 0)
}

// note takes note that the route of a trip is going to be another than before.
func (f *flapHistory) note(i int32, x *trip) {
	if x.flags&isRerouted == 0 {
		x.flags |= isRerouted
		f.changed = append(f.changed, changedRoute{i, slices.Clone(f.t.pathOf(x))})
	}
}

// endInstant counts the routes that are others than they were before the instant.
func (f *flapHistory) endInstant() {
	now := f.t.n.kernel.Now()
	for _, c := range f.changed {
		x := &f.t.trips[c.trip]
		x.flags &^= isRerouted
		if slices.Equal(c.before, f.t.pathOf(x)) {
			continue
		}
		g := f.of[c.trip]
		if g == nil {
			g = &flapping{at: make([]model.Time, f.t.config.Changes+1)}
			for k := range g.at {
				g.at[k] = -1
			}
			f.of[c.trip] = g
		}
		if g.at[(g.next+f.t.config.Changes)%len(g.at)] == now {
			continue // the same instant, in which something came to pass once more
		}
		g.at[g.next] = now
		g.next = (g.next + 1) % len(g.at)
		if f.begin == len(f.ends) {
			f.ends, f.begin = f.ends[:0], 0
			f.t.n.kernel.Arm(f.timer, now.Add(f.t.config.Flaps))
		}
		f.ends = append(f.ends, flapEnd{now.Add(f.t.config.Flaps), c.trip})
		f.judge(c.trip)
	}
	f.changed = f.changed[:0]
}

// judge finds out whether the route of a trip is unstable now.
func (f *flapHistory) judge(i int32) {
	x, g := &f.t.trips[i], f.of[i]
	oldest := g.at[g.next]
	unstable := oldest >= 0 && f.t.n.kernel.Now().Sub(oldest) < f.t.config.Flaps
	if unstable != (x.flags&isUnstable != 0) {
		x.flags ^= isUnstable
		f.t.touchBoth(x)
	}
}

// truthFlaps are the truth as the handler of the timer of changes that leave the trailing
// time.
type truthFlaps Truth

// Fire judges the trips of which a change does so.
func (e *truthFlaps) Fire(uint32) {
	f := &(*Truth)(e).changes
	now := f.t.n.kernel.Now()
	for f.begin < len(f.ends) && f.ends[f.begin].at <= now {
		f.judge(f.ends[f.begin].trip)
		f.begin++
	}
	if f.begin > len(f.ends)/2 {
		f.ends, f.begin = slices.Delete(f.ends, 0, f.begin), 0
	}
	if f.begin < len(f.ends) {
		f.t.n.kernel.Arm(f.timer, f.ends[f.begin].at)
	}
	f.t.awaken()
}
