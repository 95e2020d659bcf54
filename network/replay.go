package network

import (
	"fmt"
	"slices"

	"suspect/model"
	"suspect/sim"
)

// Probe is what a recording knows of one packet.
type Probe struct {
	At    model.Duration // when it was sent, since the beginning of the recording
	Delay model.Duration // until it was received, or [Lost]
}

// Lost is the delay of a probe that was not received.
const Lost model.Duration = -1

// Recording is what probes met, one after the other, on a path that was measured. It
// does not change, so that links share it.
type Recording struct {
	// Name and Sum tell where it is from: a file, and the SHA-256 sum of what is in it.
	Name, Sum string

	probes []Probe
	length model.Duration
	least  model.Duration // delay of a probe that was not lost
}

// NewRecording makes a recording of probes in the order of their sending, of which the
// first is sent at zero. It lasts for the length, which is above the time of the last
// one. The recording keeps the slice.
func NewRecording(name, sum string, probes []Probe, length model.Duration) (*Recording, error) {
	const most = model.Duration(model.MaxTime)
	if len(probes) == 0 || probes[0].At != 0 {
		return nil, fmt.Errorf("%s: a recording begins with a probe, at 0s", name)
	}
	r := &Recording{Name: name, Sum: sum, probes: probes, length: length, least: most}
	for i, p := range probes {
		if i > 0 && p.At < probes[i-1].At {
			return nil, fmt.Errorf("%s: probe %d was sent at %v, before the one in front of it, at %v", name, i, p.At, probes[i-1].At)
		}
		if p.Delay < Lost || p.Delay > most {
			return nil, fmt.Errorf("%s: probe %d has a delay of %d ps: it must lie between 0 and %v", name, i, p.Delay, most)
		}
		if p.Delay != Lost {
			r.least = min(r.least, p.Delay)
		}
	}
	if last := probes[len(probes)-1].At; length <= last || length > most {
		return nil, fmt.Errorf("%s: a length of %v: it must be above the time of the last probe, %v, and at most %v", name, length, last, most)
	}
	return r, nil
}

// Length returns after what time the recording begins again.
func (r *Recording) Length() model.Duration { return r.length }

// Probes returns the number of probes.
func (r *Recording) Probes() int { return len(r.probes) }

// Equal tells whether two recordings are the same, or both nil.
func (r *Recording) Equal(s *Recording) bool {
	if r == nil || s == nil {
		return r == s
	}
	return r.Name == s.Name && r.Sum == s.Sum && r.length == s.length && slices.Equal(r.probes, s.probes)
}

// Overtaken tells whether some probe was received before one that was sent earlier.
func (r *Recording) Overtaken() bool {
	latest := model.Duration(-1)
	for _, p := range r.probes {
		if p.Delay == Lost {
			continue
		}
		if p.At+p.Delay < latest {
			return true
		}
		latest = p.At + p.Delay
	}
	return false
}

// Replay makes a link treat its packets as a recording says. The zero value does not.
//
// A packet whose transmission ends at time t meets what the last probe met that was
// sent at or before t: it is lost, or comes later by the probe's delay than by that of
// the link alone. So neighbouring packets share their fate as they did on the recorded
// path, and a loss of several probes in a row is a time in which nothing comes
// through. At its end the recording begins again. Since it knows only the
// packets that it was made with, it cannot know what more load would have done to the
// path: load of the run has its effect at the queue in front of the link.
type Replay struct {
	*Recording

	// Offset is how far the recording is when the run begins; beyond its end it is
	// taken modulo its length. Each direction of a link draws its own.
	Offset sim.Distribution

	// Excess adds to the delay of the link only what a recorded delay is above the
	// least of the recording.
	Excess bool

	// Overtake lets packets overtake each other, as they do whenever the recorded delay
	// shrinks by more than the time between two packets. Without it, a packet that
	// would come before its predecessor comes together with it, behind it. Probes
	// that kept their order, sent anew at the recorded times, meet the same either way.
	Overtake bool
}

// Varies tells whether packets that are sent one after the other over the link can have
// different delays.
func (c *LinkConfig) Varies() bool { return !c.Jitter.IsZero() || c.Replay.Recording != nil }

// validate returns an error for a replay that a link cannot do.
func (r *Replay) validate() error {
	if r.Recording == nil {
		if *r != (Replay{}) {
			return fmt.Errorf("there is nothing to replay")
		}
		return nil
	}
	return r.Offset.Validate()
}

// replaying is one direction of a link that replays a recording.
type replaying struct {
	*Recording
	offset model.Duration
	base   model.Duration // taken off every delay
	near   int            // the probe that was found last; the next one is near
}

func (n *Network) newReplaying(l LinkID, c Replay) *replaying {
	r := &replaying{Recording: c.Recording}
	r.offset = c.Offset.Sample(n.kernel.Stream(n.linkName(l)+"/replay")) % r.length
	if c.Excess {
		r.base = r.least
	}
	return r
}

// meet returns what a packet meets that is sent at time t.
func (r *replaying) meet(t model.Time) (late model.Duration, lost bool) {
	at := (model.Duration(t)%r.length + r.offset) % r.length
	i := r.near
	if at < r.probes[i].At || i+1 < len(r.probes) && r.probes[i+1].At <= at {
		i, _ = slices.BinarySearchFunc(r.probes, at, func(p Probe, at model.Duration) int {
			if p.At <= at {
				return -1
			}
			return 1
		})
		i-- // the last at or before
		r.near = i
	}
	if r.probes[i].Delay == Lost {
		return 0, true
	}
	return r.probes[i].Delay - r.base, false
}

// replay changes the arrival of packet x, which leaves port p, as the recording says.
// What is lost takes the link's own delay, and gets lost at its end.
func (n *Network) replay(l LinkID, p *port, x *packet) {
	late, lost := n.replays[l].meet(p.free)
	x.arrives = x.arrives.Add(late)
	if lost {
		x.flags |= isLost
	}
	if p.flags&portReorders != 0 {
		return
	}
	// The predecessor is under way, or arrives in this moment.
	x.arrives = max(x.arrives, n.kernel.Now())
	if p.first != none {
		x.arrives = max(x.arrives, n.pool.packets[p.last].arrives)
	}
}
