package detectors

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "gossip",
		Source: "van Renesse, Minsky, Hayden, \"A gossip-style failure detection service\", Middleware 1998: the basic protocol",
		Doc:    "Tells a random member from time to time which heartbeats of all members it has heard of, and suspects a member of whose heartbeats no new one has been heard of for a fixed time.",
		Claims: []model.Claim{
			{Class: model.P, Under: "every heartbeat reaches all members in less than t-fail - t-gossip, less the longest delay of a message, which is probable but never certain; t-cleanup at least twice t-fail, drift-free clocks, no pauses, all processes start together and none recovers"},
		},
		Params: []model.Param{
			{Name: "t-gossip", Type: model.DurationParam, Default: "1s",
				Doc: "period in which a member sends its list to one other"},
			{Name: "t-fail", Type: model.DurationParam, Default: "10s",
				Doc: "time without an increase of its counter after which a member is suspected"},
			{Name: "t-cleanup", Type: model.DurationParam, Optional: true,
				Doc: "time without an increase after which its counter is forgotten; at least t-fail; left out: twice t-fail"},
			{Name: "stagger", Type: model.SwitchParam, Default: "true",
				Doc: "spread the members' gossip evenly over the period, rather than send it all at once"},
		},
		New: newGossip,
	})
}

// gossip is one member of a group that watches itself. A member keeps a heartbeat counter
// of each. In each period it increments its own and sends the list of all to one other
// member, drawn at random; who receives a list takes over the counters that are larger than
// its own. A member fails when its counter has not increased for t-fail. From then on it is
// left out of the lists that are sent, but its counter is kept until t-cleanup: others hear
// of a heartbeat later, so their lists go on to name it for a while, and must not bring it
// back to life. Then it is forgotten, and any counter would be an increase.
//
// Everybody is a member from the start, and where a member is to be reached is not
// forgotten with its counter: lists go to all others with equal chances, failed ones
// included. The paper finds members, and heals partitions, by an occasional broadcast
// instead. A member's own counter is the number of the period on its clock, so one that
// recovers goes on with a larger counter than it had.
//
// A step that comes late, after a pause, fails members as of its own time, and forgets them
// t-cleanup - t-fail later.
//
// Every message allocates its body.
type gossip struct {
	sender  Heartbeats
	self    model.ProcessID
	fail    model.Duration
	keep    model.Duration // t-cleanup - t-fail
	members []gossipMember // of each process; its own is unused
	due     timers         // when a member fails, or its counter is forgotten
	watched peers
}

// gossipMember is what is kept of one member.
type gossipMember struct {
	counter int64 // or unheard
	alive   bool  // not failed
}

// unheard is the counter of a member of which nothing was heard, or all was forgotten.
const unheard = math.MinInt64

// gossipKind is the kind of the only message. Its Seq is the sender's own counter.
const gossipKind = HeartbeatKind + 1

// gossipList is the body of a message: members in increasing order, with their counters.
type gossipList []gossipEntry

type gossipEntry struct {
	Member  model.ProcessID
	Counter int64
}

// String returns the list as "p0 7, p2 5".
func (l gossipList) String() string {
	var b strings.Builder
	for i, e := range l {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "p%d %d", e.Member, e.Counter)
	}
	return b.String()
}

// bytes returns the size of a plain encoding: a kind and a count, and in each entry a member
// and the counter, of 4 bytes each.
func (l gossipList) bytes() int32 { return int32(1 + 2 + 8*len(l)) }

func newGossip(env Env, p model.Params) (model.Automaton, error) {
	if err := env.Check(); err != nil {
		return nil, err
	}
	period, err := duration(p, "t-gossip", model.Picosecond)
	if err != nil {
		return nil, err
	}
	fail, err := duration(p, "t-fail", model.Picosecond)
	if err != nil {
		return nil, err
	}
	cleanup := 2 * fail
	if p.Given("t-cleanup") {
		if cleanup, err = duration(p, "t-cleanup", 0); err != nil {
			return nil, err
		}
		if cleanup < fail {
			return nil, &model.ParamError{Name: "t-cleanup", Err: fmt.Errorf("%v is shorter than t-fail, %v: a member is forgotten after it has failed", cleanup, fail)}
		}
	}
	var to []model.ProcessID // one, drawn for each message
	if env.N > 1 {
		to = []model.ProcessID{env.Self}
	}
	return &gossip{
		sender:  newSender(env, period, p.Switch("stagger"), gossipKind, to),
		self:    env.Self,
		fail:    fail,
		keep:    cleanup - fail,
		members: make([]gossipMember, env.N),
		due:     newTimers(env.N),
		watched: newPeers(env.Watch),
	}, nil
}

func (d *gossip) Step(now model.Time, in *model.Input, out *model.Output) {
	if !d.sender.started {
		for q := range d.members {
			if model.ProcessID(q) != d.self {
				d.members[q] = gossipMember{unheard, true}
				d.due.set(q, now.Add(d.fail))
			}
		}
	}
	d.expire(now, out)
	sent := len(out.Send)
	if d.sender.Step(now, out); len(out.Send) > sent {
		d.address(&out.Send[sent], in.Random)
	}
	if in.Kind == model.Deliver && in.Message.Kind == gossipKind {
		body, _ := in.Message.Body.(gossipList)
		d.merge(body, now, out)
	}
	out.Wake = min(d.sender.Next(), d.due.next())
}

// expire lets members fail and forgets failed ones, if their time is over.
func (d *gossip) expire(now model.Time, out *model.Output) {
	for _, q := range d.due.pop(now) {
		m := &d.members[q]
		if m.alive {
			m.alive = false
			d.say(q, true, out)
			if d.keep > 0 && m.counter != unheard {
				d.due.set(q, now.Add(d.keep))
				continue
			}
		}
		m.counter = unheard
	}
}

func (d *gossip) say(member int, suspected bool, out *model.Output) {
	if id := model.ProcessID(member); d.watched.index(id) >= 0 {
		out.Verdicts = append(out.Verdicts, model.Verdict{Peer: id, Suspected: suspected})
	}
}

// address gives a message its receiver and its list.
func (d *gossip) address(m *model.Message, random model.Random) {
	m.To = model.ProcessID(random.IntN(len(d.members) - 1))
	if m.To >= d.self {
		m.To++
	}
	size := 1
	for _, q := range d.members {
		if q.alive && q.counter != unheard {
			size++
		}
	}
	list := make(gossipList, 0, size)
	for id, q := range d.members {
		switch {
		case model.ProcessID(id) == d.self:
			list = append(list, gossipEntry{d.self, m.Seq})
		case q.alive && q.counter != unheard:
			list = append(list, gossipEntry{model.ProcessID(id), q.counter})
		}
	}
	m.Body, m.Bytes = list, list.bytes()
}

// merge takes over what is newer in a list.
func (d *gossip) merge(list gossipList, now model.Time, out *model.Output) {
	for _, e := range list {
		if e.Member < 0 || int(e.Member) >= len(d.members) || e.Member == d.self {
			continue
		}
		m := &d.members[e.Member]
		if e.Counter <= m.counter {
			continue
		}
		if !m.alive {
			d.say(int(e.Member), false, out)
		}
		*m = gossipMember{e.Counter, true}
		d.due.set(int(e.Member), now.Add(d.fail))
	}
}

func (d *gossip) Clone() model.Automaton {
	c := *d
	c.sender.watchers = slices.Clone(d.sender.watchers)
	c.members = slices.Clone(d.members)
	c.due = d.due.clone()
	return &c
}

// Of the encoding of a member: how it stands. A member that has failed and is forgotten has
// nothing else to it.
const (
	gossipForgotten byte = iota
	gossipFailed
	gossipAlive
	gossipUnheard // alive, since the start
)

// AppendState writes for each other member how it stands, the time until that changes, and
// its counter less the number of this member's period.
func (d *gossip) AppendState(b []byte, now model.Time) []byte {
	b = d.sender.AppendState(b, now)
	if !d.sender.started {
		return b
	}
	period := d.sender.schedule.index(d.self, now)
	for q, m := range d.members {
		if model.ProcessID(q) == d.self {
			continue
		}
		standing := gossipForgotten
		switch {
		case m.alive && m.counter == unheard:
			standing = gossipUnheard
		case m.alive:
			standing = gossipAlive
		case m.counter != unheard:
			standing = gossipFailed
		}
		if b = append(b, standing); standing == gossipForgotten {
			continue
		}
		b = binary.AppendUvarint(b, timeLeft(d.due.at(q), now))
		if m.counter != unheard {
			b = binary.AppendVarint(b, m.counter-period)
		}
	}
	return b
}

func (d *gossip) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	clear(d.members)
	d.due.clear()
	if b, err = d.sender.LoadState(b, now); err != nil || !d.sender.started {
		return b, err
	}
	period := d.sender.schedule.index(d.self, now)
	r := swimReader{b: b, now: now}
	for q := range d.members {
		if model.ProcessID(q) == d.self {
			continue
		}
		m := &d.members[q]
		m.counter = unheard
		standing := r.byte()
		switch {
		case standing > gossipUnheard:
			r.failed = true
		case standing == gossipForgotten:
			continue
		case standing == gossipFailed:
			d.due.set(q, r.time(d.keep))
		default:
			m.alive = true
			d.due.set(q, r.time(d.fail))
		}
		if r.failed {
			return r.b, errEncoding
		}
		if standing == gossipUnheard {
			continue
		}
		ahead, n := binary.Varint(r.b)
		if n <= 0 || ahead < -math.MaxInt64/2 || ahead > math.MaxInt64/2 {
			return r.b, errEncoding
		}
		m.counter, r.b = period+ahead, r.b[n:]
	}
	if r.failed {
		return r.b, errEncoding
	}
	return r.b, nil
}
