package detectors

import (
	"encoding/binary"
	"slices"

	"suspect/model"
)

func (d *swim) Clone() model.Automaton {
	c := *d
	c.members, c.owed, c.scratch = d.members.clone(), slices.Clone(d.owed), nil
	return &c
}

// AppendState writes whether the detector has started, and if so its probe, its clocks and
// every member. What a member's standing makes irrelevant is zero.
func (d *swim) AppendState(b []byte, now model.Time) []byte {
	if !d.started {
		return append(b, 0)
	}
	b = append(b, 1, d.number)
	b = binary.AppendUvarint(b, uint64(d.doubts))
	b = d.appendNext(b, now)
	b = binary.AppendUvarint(b, uint64(d.probe.target+1))
	if p := &d.probe; p.target != model.Nobody {
		asks := uint64(0) // already
		if !p.asked {
			asks = 1 + timeLeft(p.asks, now)
		}
		b = binary.AppendUvarint(b, asks)
		b = binary.AppendUvarint(b, timeLeft(p.deadline, now))
		if d.maxDoubts > 0 {
			b = binary.AppendUvarint(b, uint64(p.relays))
			b = binary.AppendUvarint(b, uint64(p.nacks))
		}
	}
	if d.gossipEvery > 0 {
		// Nothing happens on a tick without news.
		tick := d.gossips
		if len(d.members.spreading) == 0 && tick <= now {
			tick = tickAfter(now, tick, d.gossipEvery)
		}
		b = appendTick(b, tick, now, d.gossipEvery)
	}
	if d.pushEvery > 0 {
		b = binary.AppendUvarint(b, timeLeft(d.pushes, now))
	}
	for p := range d.members.list {
		b = d.appendMember(b, model.ProcessID(p), now)
	}
	return b
}

// timeLeft returns the time from now to at, and 0 if at has passed.
func timeLeft(at, now model.Time) uint64 { return uint64(max(0, at.Sub(now))) }

// appendNext appends when the next period begins. Of ticks that have passed, only the
// place of the later ones is needed.
func (d *swim) appendNext(b []byte, now model.Time) []byte {
	if d.ticks {
		return appendTick(b, d.next, now, d.period)
	}
	return binary.AppendUvarint(b, timeLeft(d.next, now))
}

// appendTick appends the time to a tick, or, if it has come, 0 and the time to the next.
func appendTick(b []byte, tick, now model.Time, every model.Duration) []byte {
	if tick > now {
		return binary.AppendUvarint(b, timeLeft(tick, now))
	}
	return binary.AppendUvarint(append(b, 0), timeLeft(tickAfter(now, tick, every), now))
}

// Of the encoding of a member, beside its standing.
const (
	memberProbed = 4 << iota
	memberOwed
)

func (d *swim) appendMember(b []byte, id model.ProcessID, now model.Time) []byte {
	p := &d.members.list[id]
	owed := slices.Contains(d.owed, id)
	first := byte(p.standing)
	if p.probed {
		first |= memberProbed
	}
	if owed {
		first |= memberOwed
	}
	b = append(b, first)
	b = binary.AppendUvarint(b, uint64(p.incarnation))
	b = binary.AppendUvarint(b, uint64(p.left))
	switch p.standing {
	case memberSuspect:
		b = binary.AppendUvarint(b, timeLeft(d.members.expiry(id), now))
		b = binary.AppendUvarint(b, uint64(len(p.accusers)))
		for _, a := range p.accusers {
			b = binary.AppendUvarint(b, uint64(a))
		}
		if p.left > 0 {
			b = binary.AppendUvarint(b, uint64(p.accuser))
		}
	case memberFailed:
		if d.gossipTo > 0 && d.gossipEvery > 0 {
			b = binary.AppendUvarint(b, timeLeft(p.since.Add(d.gossipToDead+1), now))
		}
	}
	if owed {
		b = binary.AppendUvarint(b, timeLeft(p.relayed, now))
		b = binary.AppendUvarint(b, uint64(p.relaySeq))
		b = binary.AppendUvarint(b, uint64(p.relayTarget))
	}
	return b
}

// LoadState is the inverse of AppendState.
func (d *swim) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	d.forget()
	d.number, d.doubts, d.owed = 0, 0, d.owed[:0]
	d.members.suspects, d.members.spreading = d.members.suspects[:0], d.members.spreading[:0]
	for p := range d.members.list {
		d.members.list[p] = member{}
	}
	r := swimReader{b: b, now: now}
	if d.started = r.upTo(1) == 1; d.started {
		d.load(&r)
	}
	if r.failed {
		return r.b, errEncoding
	}
	return r.b, nil
}

// swimReader reads an encoding; after an error it reads zeros.
type swimReader struct {
	b      []byte
	now    model.Time
	failed bool
}

// upTo reads a number of at most most.
func (r *swimReader) upTo(most uint64) uint64 {
	v, rest, err := uvarint(r.b)
	if err != nil || v > most || r.failed {
		r.failed = true
		return 0
	}
	r.b = rest
	return v
}

func (r *swimReader) byte() byte {
	if len(r.b) == 0 || r.failed {
		r.failed = true
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

// time reads a time of at most d from now.
func (r *swimReader) time(d model.Duration) model.Time {
	return r.now.Add(model.Duration(r.upTo(uint64(d))))
}

// tick is the inverse of appendTick.
func (r *swimReader) tick(most, every model.Duration) model.Time {
	if at := r.time(most); at > r.now {
		return at
	}
	at := r.time(every)
	if at == r.now {
		r.failed = true
	}
	return at.Add(-every)
}

func (d *swim) load(r *swimReader) {
	d.number = r.byte()
	d.doubts = int32(r.upTo(uint64(d.maxDoubts)))
	longestPeriod := d.period * model.Duration(1+d.maxDoubts)
	if d.ticks {
		d.next = r.tick(2*d.period, d.period)
	} else {
		d.next = r.time(longestPeriod)
	}
	n := uint64(len(d.members.list))
	if d.probe.target = model.ProcessID(r.upTo(n)) - 1; d.probe.target != model.Nobody {
		p := &d.probe
		asks := r.upTo(1 + uint64(longestPeriod))
		if p.asked = asks == 0; !p.asked {
			p.asks = r.now.Add(model.Duration(asks - 1))
		}
		p.deadline = r.time(longestPeriod)
		if d.maxDoubts > 0 {
			p.relays = int32(r.upTo(uint64(d.indirect)))
			p.nacks = int32(r.upTo(uint64(p.relays)))
		}
		r.failed = r.failed || p.target == d.members.self
	}
	if d.gossipEvery > 0 {
		d.gossips = r.tick(d.gossipEvery, d.gossipEvery)
	}
	if d.pushEvery > 0 {
		d.pushes = r.time(2 * d.pushEvery)
	}
	for p := range d.members.list {
		d.loadMember(r, model.ProcessID(p))
	}
}

func (d *swim) loadMember(r *swimReader, id model.ProcessID) {
	m := &d.members
	p := &m.list[id]
	n := uint64(len(m.list))
	first := r.byte()
	p.standing, p.probed = standing(first&3), first&memberProbed != 0
	p.incarnation = int64(r.upTo(maxIncarnation))
	if p.left = int32(r.upTo(uint64(m.copies))); p.left > 0 {
		m.spreading = append(m.spreading, id)
	}
	bad := first >= memberOwed<<1 || p.standing > memberFailed || p.standing == memberFailed && p.probed ||
		p.standing == memberSuspect && len(m.timeouts) == 0 || id == m.self && first != 0
	if r.failed = r.failed || bad; r.failed {
		return
	}
	switch p.standing {
	case memberSuspect:
		expiry := r.time(m.timeouts[0])
		count := int(r.upTo(uint64(len(m.timeouts))))
		last := model.Nobody
		for range count {
			a := model.ProcessID(r.upTo(n - 1))
			r.failed = r.failed || a <= last
			p.accusers, last = append(p.accusers, a), a
		}
		if r.failed = r.failed || count == 0; r.failed {
			return
		}
		after := m.timeouts[count-1]
		r.failed = r.failed || expiry.Sub(r.now) > after
		p.since = expiry.Add(-after)
		m.suspects = append(m.suspects, id)
		if p.left > 0 {
			p.accuser = model.ProcessID(r.upTo(n - 1))
		}
	case memberFailed:
		if d.gossipTo > 0 && d.gossipEvery > 0 {
			p.since = r.time(d.gossipToDead + 1).Add(-d.gossipToDead - 1)
		}
	}
	if first&memberOwed != 0 {
		p.relayed = r.time(d.timeout)
		p.relaySeq = int64(r.upTo(255))
		p.relayTarget = model.ProcessID(r.upTo(n - 1))
		r.failed = r.failed || p.relayTarget == m.self || p.relayTarget == id
		d.owed = append(d.owed, id)
	}
}
