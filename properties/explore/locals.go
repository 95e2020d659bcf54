package explore

import (
	"encoding/binary"
	"fmt"
	"slices"

	"suspect/model"
)

// MessageEncoder is an optional interface of automata: what of their messages matters.
// Without it every field counts, and a message with a Body cannot be explored; a
// sequence number that nobody reads then makes the graph infinite.
type MessageEncoder interface {
	// AppendMessage appends a canonical encoding of m, which is a message between
	// automata of this kind. Two messages from one process to another encode alike
	// exactly when it does not matter to the receiver, whatever its state, which of them
	// it gets.
	AppendMessage(b []byte, m *model.Message) []byte
}

// Local is the state of a process: its automaton's, and what it has told so far. Locals
// are interned, so one stands for all that behave alike from there on. They are
// immutable, and stand on the clock that their process had when they were first met.
type Local struct {
	Automaton model.Automaton
	Now       model.Time

	unstarted bool // it starts in its first step

	// Kinds are the kinds of failure that it suspects of each process, bit k for kind k.
	Kinds []uint16

	// Suspects are the processes of which it suspects a failure of the host.
	Suspects uint64

	// Said is what it has announced, in the order in which it did. Of those that replace
	// one another, as leaders and quorums, only the last is kept.
	Said []model.Announcement
}

// clone returns a copy to step.
func (l *Local) clone() *Local {
	return &Local{l.Automaton.Clone(), l.Now, l.unstarted, slices.Clone(l.Kinds), l.Suspects, slices.Clone(l.Said)}
}

// tell takes in what the automaton of process self wrote.
func (l *Local) tell(self model.ProcessID, out *model.Output) error {
	for _, v := range out.Verdicts {
		if v.Peer < 0 || int(v.Peer) >= len(l.Kinds) {
			return fmt.Errorf("explore: p%d judges p%d, which does not exist", self, v.Peer)
		}
		if v.Warning {
			continue // the failure is expected, and not said to hold
		}
		kinds := &l.Kinds[v.Peer]
		if v.Suspected {
			*kinds |= 1 << v.Kind
		} else {
			*kinds &^= 1 << v.Kind
		}
		l.Suspects &^= 1 << v.Peer
		if *kinds&model.HostFailures != 0 {
			l.Suspects |= 1 << v.Peer
		}
	}
	for _, a := range out.Announcements {
		if a.Kind == model.Elected || a.Kind == model.Quorum {
			l.Said = slices.DeleteFunc(l.Said, func(b model.Announcement) bool { return b.Kind == a.Kind })
		}
		l.Said = append(l.Said, a)
	}
	return nil
}

// appendKey appends what makes l this local state and no other.
func (l *Local) appendKey(b []byte) []byte {
	b = l.Automaton.AppendState(b, l.Now)
	return l.appendTold(b)
}

// appendTold appends what l has told.
func (l *Local) appendTold(b []byte) []byte {
	for _, kinds := range l.Kinds {
		b = binary.AppendUvarint(b, uint64(kinds))
	}
	b = binary.AppendUvarint(b, uint64(len(l.Said)))
	for _, a := range l.Said {
		b = append(b, byte(a.Kind))
		b = binary.AppendVarint(b, int64(a.Peer))
		b = binary.AppendVarint(b, a.Seq)
		b = binary.AppendVarint(b, a.Value)
	}
	if l.unstarted {
		b = append(b, 1)
	}
	return b
}

// locals are the states of one process that were met. Number 0 is to have crashed.
type locals struct {
	ids   map[string]uint32
	list  []*Local
	bytes int64
}

func newLocals() locals {
	return locals{ids: map[string]uint32{"": 0}, list: []*Local{nil}}
}

// intern returns the number of l, of which it takes ownership, and whether l was new.
func (t *locals) intern(l *Local) (id uint32, fresh bool) {
	key := l.appendKey(nil)
	if id, ok := t.ids[string(key)]; ok {
		return id, false
	}
	id = uint32(len(t.list))
	t.ids[string(key)] = id
	t.list = append(t.list, l)
	t.bytes += int64(2*len(key)) + 200 // the encoding, and the automaton, which is seldom larger
	return id, true
}

// choices is a Random that takes one branch after another: the same step is made again
// until every sequence of choices was taken.
type choices struct {
	taken []int // of the step in hand
	of    []int // out of how many
	next  int
}

// IntN returns the choice of this branch.
func (c *choices) IntN(n int) int {
	if n <= 0 {
		panic(fmt.Sprintf("explore: a choice among %d", n))
	}
	if c.next == len(c.taken) {
		c.taken, c.of = append(c.taken, 0), append(c.of, n)
	}
	c.next++
	return c.taken[c.next-1]
}

// again moves on to the next branch whose first keep choices are as before, and tells
// whether there is one.
func (c *choices) again(keep int) bool {
	c.taken, c.of = c.taken[:c.next], c.of[:c.next]
	c.next = 0
	for i := len(c.taken) - 1; i >= keep; i-- {
		if c.taken[i]++; c.taken[i] < c.of[i] {
			c.taken, c.of = c.taken[:i+1], c.of[:i+1]
			return true
		}
	}
	return false
}
