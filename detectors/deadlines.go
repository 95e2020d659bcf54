package detectors

import "suspect/model"

// deadlines is a heap of peers by the time at which each must next be looked at.
// That time is only a lower bound of the peer's true deadline: an arrival that
// postpones the deadline does not touch the heap. When a peer comes up too early
// it is postponed to its deadline as of then, so a peer costs one heap operation
// per timeout rather than one per heartbeat, and some wake-ups find nothing to do.
//
// To make few of those, a postponed deadline is first rounded down to an eighth of
// the period in which it lies, so that many peers are looked at in one wake-up.
type deadlines struct {
	heap   []deadline
	pos    []int32 // of each peer, -1 if it has no deadline
	period model.Time
}

type deadline struct {
	at   model.Time
	peer int32
}

func newDeadlines(peers int, period model.Duration) deadlines {
	d := deadlines{make([]deadline, 0, peers), make([]int32, peers), model.Time(period)}
	d.clear()
	return d
}

func (d *deadlines) clear() {
	d.heap = d.heap[:0]
	for p := range d.pos {
		d.pos[p] = -1
	}
}

func (d *deadlines) clone() deadlines {
	return deadlines{append(make([]deadline, 0, cap(d.heap)), d.heap...), append([]int32(nil), d.pos...), d.period}
}

// next returns the earliest time in the heap, or model.Never.
func (d *deadlines) next() model.Time {
	if len(d.heap) == 0 {
		return model.Never
	}
	return d.heap[0].at
}

// top returns the peer of that time.
func (d *deadlines) top() int { return int(d.heap[0].peer) }

// has tells whether the peer has a deadline.
func (d *deadlines) has(peer int) bool { return d.pos[peer] >= 0 }

// add gives a deadline to a peer that has none.
func (d *deadlines) add(peer int, at model.Time) {
	d.heap = append(d.heap, deadline{})
	d.up(len(d.heap)-1, deadline{at, int32(peer)})
}

// hasten makes sure that a peer with a deadline is looked at by the time at.
func (d *deadlines) hasten(peer int, at model.Time) {
	if i := int(d.pos[peer]); at < d.heap[i].at {
		d.up(i, deadline{at, int32(peer)})
	}
}

// postpone moves the top, which has come up at now, to a later time, or to some
// time between.
func (d *deadlines) postpone(at, now model.Time) {
	if rounded := at - at%d.period%max(1, d.period/8); rounded > now {
		at = rounded
	}
	d.down(0, deadline{at, d.heap[0].peer})
}

// expire suspects the trusted peers, which are those in the heap, whose true deadline has
// come, and takes them away.
func (d *deadlines) expire(now model.Time, deadline func(peer int) model.Time, peers *peers, out *model.Output) {
	before := len(out.Verdicts)
	for d.next() <= now {
		p := d.top()
		if at := deadline(p); at > now {
			d.postpone(at, now)
			continue
		}
		d.remove(p)
		out.Verdicts = append(out.Verdicts, model.Verdict{Peer: peers.id(p), Suspected: true})
	}
	sortVerdicts(out.Verdicts[before:])
}

// remove takes a peer's deadline away.
func (d *deadlines) remove(peer int) {
	i := int(d.pos[peer])
	d.pos[peer] = -1
	last := d.heap[len(d.heap)-1]
	d.heap = d.heap[:len(d.heap)-1]
	switch {
	case i == len(d.heap):
	case i > 0 && last.at < d.heap[(i-1)/2].at:
		d.up(i, last)
	default:
		d.down(i, last)
	}
}

// up and down put e at i or where it belongs above or below.
func (d *deadlines) up(i int, e deadline) {
	for i > 0 {
		parent := (i - 1) / 2
		if d.heap[parent].at <= e.at {
			break
		}
		d.put(i, d.heap[parent])
		i = parent
	}
	d.put(i, e)
}

func (d *deadlines) down(i int, e deadline) {
	for {
		child := 2*i + 1
		if child >= len(d.heap) {
			break
		}
		if right := child + 1; right < len(d.heap) && d.heap[right].at < d.heap[child].at {
			child = right
		}
		if e.at <= d.heap[child].at {
			break
		}
		d.put(i, d.heap[child])
		i = child
	}
	d.put(i, e)
}

func (d *deadlines) put(i int, e deadline) {
	d.heap[i] = e
	d.pos[e.peer] = int32(i)
}
