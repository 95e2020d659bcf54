package detectors

import (
	"fmt"
	"slices"
	"strings"

	"suspect/model"
)

// standing is what a member is held to be. Its order is that of the paper: what comes
// later overrides what comes earlier at the same incarnation.
type standing uint8

const (
	memberAlive standing = iota
	memberSuspect
	memberFailed
)

// memberUpdate is one piece of news about a member, as it travels in messages. It is immutable
// from then on.
type memberUpdate struct {
	Member      model.ProcessID
	Standing    standing
	Incarnation int64
	Accuser     model.ProcessID // of a suspicion: who failed to reach the member
}

// memberNews is the body of the messages of membership protocols.
type memberNews []memberUpdate

// String returns the news as "p1 is suspected by p0 (0), p2 has failed (3)", with the
// incarnations.
func (n memberNews) String() string {
	var b strings.Builder
	for i, u := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		switch u.Standing {
		case memberAlive:
			fmt.Fprintf(&b, "p%d is alive", u.Member)
		case memberSuspect:
			fmt.Fprintf(&b, "p%d is suspected by p%d", u.Member, u.Accuser)
		case memberFailed:
			fmt.Fprintf(&b, "p%d has failed", u.Member)
		}
		fmt.Fprintf(&b, " (%d)", u.Incarnation)
	}
	return b.String()
}

// mentions tells whether there is news about p.
func (n memberNews) mentions(p model.ProcessID) bool {
	return slices.ContainsFunc(n, func(u memberUpdate) bool { return u.Member == p })
}

// What a plain encoding takes, in bytes: a kind, the number of a ping, a member and a count
// of updates; and in each update a member, its standing, its incarnation and an accuser.
const (
	newsHeader  = 1 + 1 + 4 + 2
	updateBytes = 4 + 1 + 4 + 4
)

// bytes returns the size of a message with the news n.
func (n memberNews) bytes() int32 { return int32(newsHeader + updateBytes*len(n)) }

// maxIncarnation is the largest incarnation that fits into an update.
const maxIncarnation = 1<<32 - 1

// members is the list of members of one process, with what it holds each to be and which
// news it still spreads. The processes are all members, from the start.
type members struct {
	self  model.ProcessID
	rules precedence
	list  []member // of each process, itself included

	// Processes in increasing order: those under suspicion, and those of which there is
	// news to spread.
	suspects, spreading []model.ProcessID

	// timeouts is how long a suspicion lasts, by the number of confirmations, from none
	// to as many as are counted. It is empty where nobody is suspected: then a member that
	// does not answer has failed.
	timeouts []model.Duration

	copies    int32    // how often a piece of news is sent
	perUpdate int      // most updates in a message
	reported  standing // from which standing on a member is reported
	watched   peers
}

// precedence is a choice of rules by which one piece of news overrides another.
type precedence uint8

const (
	// confirmIsFinal are the rules of the paper: who is confirmed to have failed has
	// left for ever. A suspicion of a later incarnation begins anew.
	confirmIsFinal precedence = iota
	// incarnationRules are those of memberlist: the failure, too, is of an incarnation,
	// and a later one that is alive takes it back. A suspicion goes on over incarnations.
	incarnationRules
)

// member is what is kept of one member.
type member struct {
	standing    standing
	probed      bool // in this round
	left        int32
	incarnation int64
	since       model.Time        // of a member that is not alive: when it came to its standing
	accusers    []model.ProcessID // of a suspicion, in increasing order
	accuser     model.ProcessID   // of a suspicion that is spread: the accuser named in it

	// Of a ping that this member asked for, while a nack is owed to it.
	relayed     model.Time // when
	relaySeq    int64
	relayTarget model.ProcessID
}

func newMembers(env Env) members {
	return members{self: env.Self, list: make([]member, env.N), watched: newPeers(env.Watch)}
}

func (m *members) clone() members {
	c := *m
	c.list = slices.Clone(m.list)
	for p := range c.list {
		c.list[p].accusers = slices.Clone(m.list[p].accusers)
	}
	c.suspects, c.spreading = slices.Clone(m.suspects), slices.Clone(m.spreading)
	return c
}

// has tells whether p is another member.
func (m *members) has(p model.ProcessID) bool {
	return p >= 0 && int(p) < len(m.list) && p != m.self
}

// learn takes in a piece of news and writes the verdict that changes by it. It tells
// whether this process had to refute it.
func (m *members) learn(u memberUpdate, now model.Time, out *model.Output) (refuted bool) {
	if u.Member == m.self {
		return m.hearOfSelf(u)
	}
	if !m.has(u.Member) {
		return false
	}
	p := &m.list[u.Member]
	switch u.Standing {
	case memberAlive:
		if u.Incarnation > p.incarnation && (p.standing != memberFailed || m.rules == incarnationRules) {
			m.become(u, now, out)
		}
	case memberSuspect:
		switch {
		case p.standing == memberFailed || u.Incarnation < p.incarnation || len(m.timeouts) == 0:
		case p.standing == memberAlive || u.Incarnation > p.incarnation && m.rules == confirmIsFinal:
			m.become(u, now, out)
		default:
			m.confirm(u)
		}
	case memberFailed:
		if p.standing != memberFailed && (u.Incarnation >= p.incarnation || m.rules == confirmIsFinal) {
			m.become(u, now, out)
		}
	}
	return false
}

// hearOfSelf refutes, by a new incarnation, that this process is suspected or, where that
// is not final, has failed.
func (m *members) hearOfSelf(u memberUpdate) (refuted bool) {
	self := &m.list[m.self]
	if u.Standing == memberAlive {
		self.incarnation = max(self.incarnation, u.Incarnation) // an earlier life's
		return false
	}
	if u.Incarnation < self.incarnation || u.Standing == memberFailed && m.rules == confirmIsFinal {
		return false
	}
	self.incarnation = min(u.Incarnation+1, maxIncarnation)
	m.spread(m.self)
	return true
}

// become gives a member the standing of u.
func (m *members) become(u memberUpdate, now model.Time, out *model.Output) {
	p := &m.list[u.Member]
	if (p.standing >= m.reported) != (u.Standing >= m.reported) && m.watched.index(u.Member) >= 0 {
		out.Verdicts = append(out.Verdicts, model.Verdict{Peer: u.Member, Suspected: u.Standing >= m.reported})
	}
	p.standing, p.incarnation, p.since = u.Standing, u.Incarnation, now
	p.accusers = p.accusers[:0]
	m.suspects = withoutMember(m.suspects, u.Member)
	switch u.Standing {
	case memberSuspect:
		p.accuser = u.Accuser
		p.accusers = append(p.accusers, u.Accuser)
		m.suspects = withMember(m.suspects, u.Member)
	case memberFailed:
		p.probed = false
		m.endRound()
	}
	m.spread(u.Member)
}

// endRound begins a new round of probes if this one has seen all that have not failed.
func (m *members) endRound() {
	for p := range m.list {
		if q := &m.list[p]; model.ProcessID(p) != m.self && q.standing != memberFailed && !q.probed {
			return
		}
	}
	for p := range m.list {
		m.list[p].probed = false
	}
}

// confirm counts the accuser of a suspicion, if it is new and counts are of use, and then
// spreads its accusation, so that others count it too.
func (m *members) confirm(u memberUpdate) {
	p := &m.list[u.Member]
	if len(p.accusers) == len(m.timeouts) || slices.Contains(p.accusers, u.Accuser) {
		return
	}
	p.accusers = withMember(p.accusers, u.Accuser)
	p.accuser = u.Accuser
	m.spread(u.Member)
}

// expiry returns when the suspicion of a suspect ends in its failure.
func (m *members) expiry(p model.ProcessID) model.Time {
	s := &m.list[p]
	return s.since.Add(m.timeouts[len(s.accusers)-1])
}

// expire lets the suspects fail whose time is over.
func (m *members) expire(now model.Time, out *model.Output) {
	for i := 0; i < len(m.suspects); {
		p := m.suspects[i]
		if m.expiry(p) > now {
			i++
			continue
		}
		m.become(memberUpdate{Member: p, Standing: memberFailed, Incarnation: m.list[p].incarnation}, now, out)
	}
}

// nextExpiry returns when the first of the suspicions ends.
func (m *members) nextExpiry() model.Time {
	next := model.Never
	for _, p := range m.suspects {
		next = min(next, m.expiry(p))
	}
	return next
}

// spread makes what is known of p news, to be sent as often as any.
func (m *members) spread(p model.ProcessID) {
	if m.copies > 0 {
		m.list[p].left = m.copies
		m.spreading = withMember(m.spreading, p)
	}
}

// about returns what is known of p.
func (m *members) about(p model.ProcessID) memberUpdate {
	q := &m.list[p]
	u := memberUpdate{Member: p, Standing: q.standing, Incarnation: q.incarnation}
	if q.standing == memberSuspect {
		u.Accuser = q.accuser
	}
	return u
}

// take returns the news for one message, the ones that were sent least often first, and
// counts them as sent. Of news that was sent equally often, that about this process comes
// first, a refutation, and then that about the members after it, so that not all begin with
// the same. It allocates, for bodies are shared, but not where there is no news.
func (m *members) take() memberNews {
	if len(m.spreading) == 0 {
		return nil
	}
	order := slices.Clone(m.spreading)
	n := model.ProcessID(len(m.list))
	after := func(p model.ProcessID) model.ProcessID { return (p - m.self + n) % n }
	slices.SortFunc(order, func(a, b model.ProcessID) int {
		if d := m.list[b].left - m.list[a].left; d != 0 {
			return int(d)
		}
		return int(after(a) - after(b))
	})
	order = order[:min(len(order), m.perUpdate)]
	body := make(memberNews, len(order))
	for i, p := range order {
		body[i] = m.about(p)
		if m.list[p].left--; m.list[p].left == 0 {
			m.spreading = withoutMember(m.spreading, p)
		}
	}
	return body
}

// withMember and withoutMember add a process to an increasing list and take it away, if it is not
// there, or there.
func withMember(list []model.ProcessID, p model.ProcessID) []model.ProcessID {
	i, found := slices.BinarySearch(list, p)
	if found {
		return list
	}
	return slices.Insert(list, i, p)
}

func withoutMember(list []model.ProcessID, p model.ProcessID) []model.ProcessID {
	if i, found := slices.BinarySearch(list, p); found {
		return slices.Delete(list, i, i+1)
	}
	return list
}

// suspicionTimeouts returns how long a suspicion lasts after 0, 1, ..., k confirmations
// (Lifeguard, LHA-Suspicion): max - (max - min) ln(C+1)/ln(k+1), which falls from max to
// min, in whole units. Without confirmations to expect it is min.
func suspicionTimeouts(least, most model.Duration, k int, unit model.Duration) []model.Duration {
	if k < 1 {
		return []model.Duration{least}
	}
	timeouts := []model.Duration{most}
	for c := 1; c <= k; c++ {
		part := model.Log(float64(c+1)) / model.Log(float64(k+1))
		d := most - model.Duration(float64(float64(most-least)*part))
		timeouts = append(timeouts, max(least, d-d%unit))
	}
	return timeouts
}
