package agreement

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"suspect/detectors"
	"suspect/detectors/seeded"
	"suspect/model"
)

// Submissions are the messages that a process broadcasts: the values, in order, the first at
// its start and each of the others Every later than the one before, or all at once if Every
// is zero.
type Submissions struct {
	Values []int64
	Every  model.Duration
}

// submitter submits what a process broadcasts, in time.
type submitter struct {
	Submissions
	sent int
	next model.Time
}

func newSubmitter(s Submissions) (submitter, error) {
	if s.Every < 0 {
		return submitter{}, fmt.Errorf("the messages are to be broadcast every %v: give a positive time, or 0 for all at once", s.Every)
	}
	s.Values = slices.Clone(s.Values)
	return submitter{Submissions: s, next: -1}, nil
}

// due takes the next message, if it is time for it.
func (s *submitter) due(now model.Time) (number, value int64, ok bool) {
	if s.sent == len(s.Values) || now < s.next {
		return 0, 0, false
	}
	s.sent++
	if s.next = now.Add(s.Every); s.Every == 0 {
		s.next = now
	}
	return int64(s.sent - 1), s.Values[s.sent-1], true
}

// wake returns when the next message is due.
func (s *submitter) wake() model.Time {
	if s.sent == len(s.Values) {
		return model.Never
	}
	return s.next
}

func (s *submitter) append(b []byte, now model.Time) []byte {
	b = binary.AppendUvarint(b, uint64(s.sent))
	if s.sent > 0 && s.sent < len(s.Values) {
		b = detectors.AppendLeft(b, s.next, now)
	}
	return b
}

func (s *submitter) load(r *detectors.Reader, now model.Time) {
	s.sent, s.next = int(r.UpTo(uint64(len(s.Values)))), -1
	if s.sent > 0 && s.sent < len(s.Values) {
		s.next = r.Left(now, s.Every)
	}
}

// A message of a broadcast has in its Seq, from the lowest bits, its number, of 40 bits, and
// its origin. Its Arg is the value.
const (
	numberBits = 40
	maxNumber  = 1<<numberBits - 1
)

func relayOf(i Item) model.Message {
	return model.Message{Kind: relayKind, Seq: int64(i.Origin)<<numberBits | i.Number, Arg: i.Value}
}

// itemOf returns the message in a relay, if it is one, of n processes.
func itemOf(m *model.Message, n int) (i Item, ok bool) {
	origin := m.Seq >> numberBits
	return Item{model.ProcessID(origin), m.Seq & maxNumber, m.Arg}, m.Kind == relayKind && 0 <= origin && origin < int64(n)
}

// numbers is a set of numbers of messages, of each origin. Those of an origin fill up from
// below, so little is kept.
type numbers []numbersOf

type numbersOf struct {
	below int64   // all smaller ones are in
	more  []int64 // others, increasing, from below+1 on
}

// add adds the number of a message, and tells whether it was not in.
func (s numbers) add(i Item) bool {
	of := &s[i.Origin]
	at, found := slices.BinarySearch(of.more, i.Number)
	if found || i.Number < of.below {
		return false
	}
	if i.Number > of.below {
		of.more = slices.Insert(of.more, at, i.Number)
		return true
	}
	of.below++
	for len(of.more) > 0 && of.more[0] == of.below {
		of.below++
		of.more = slices.Delete(of.more, 0, 1)
	}
	return true
}

// has tells whether the number of a message is in.
func (s numbers) has(i Item) bool {
	of := &s[i.Origin]
	_, found := slices.BinarySearch(of.more, i.Number)
	return found || i.Number < of.below
}

func (s numbers) clone() numbers {
	c := slices.Clone(s)
	for q := range c {
		c[q].more = slices.Clone(c[q].more)
	}
	return c
}

func (s numbers) append(b []byte) []byte {
	for _, of := range s {
		b = binary.AppendUvarint(b, uint64(of.below))
		b = binary.AppendUvarint(b, uint64(len(of.more)))
		for _, number := range of.more {
			b = binary.AppendUvarint(b, uint64(number))
		}
	}
	return b
}

func (s numbers) load(r *detectors.Reader) {
	for q := range s {
		of := &s[q]
		of.below, of.more = int64(r.UpTo(maxNumber+1)), of.more[:0]
		last := of.below
		for range r.UpTo(maxNumber) {
			number := int64(r.UpTo(maxNumber))
			if r.Fail(number <= last); r.Failed() {
				return
			}
			of.more = append(of.more, number)
			last = number
		}
	}
}

// reliable is reliable broadcast (Chandra, Toueg 1996, section 4; Hadzilacos and
// Toueg): to broadcast, send the message to all; on its first receipt, relay it to all unless it
// is one's own, and then deliver it. Any number of processes may crash.
//
//   - Validity: what a correct process broadcasts it delivers.
//   - Agreement: what a correct process delivers all correct ones deliver.
//   - Integrity: a message is delivered once at most, and only if it was broadcast.
//
// On reliable links, where what was sent arrives though its sender crashes, agreement is
// uniform: it holds for what faulty processes deliver too, since they relay before. On
// quasi-reliable links it is not.
type reliable struct {
	node
	submitter
	seen numbers
}

// NewReliable returns the process env.Self of reliable broadcast, and the messages that it
// broadcasts.
func NewReliable(env detectors.Env, s Submissions) (model.Automaton, error) {
	n, err := newNode(env)
	if err != nil {
		return nil, err
	}
	sub, err := newSubmitter(s)
	if err != nil {
		return nil, err
	}
	return &reliable{n, sub, make(numbers, n.n)}, nil
}

func (d *reliable) Step(now model.Time, in *model.Input, out *model.Output) {
	for {
		number, value, ok := d.due(now)
		if !ok {
			break
		}
		i := Item{d.self, number, value}
		announce(model.Broadcast, i, out)
		d.sendToAll(relayOf(i), out)
	}
	if m := &in.Message; in.Kind == model.Deliver && m.Tag == 0 && d.isOther(m.From) {
		d.receive(m, out)
	}
	for m, ok := d.take(); ok; m, ok = d.take() {
		d.receive(&m, out)
	}
	out.Wake = d.wake()
}

func (d *reliable) receive(m *model.Message, out *model.Output) {
	i, ok := itemOf(m, d.n)
	if !ok || !d.seen.add(i) {
		return
	}
	if i.Origin != d.self && !seeded.Bug("a message is not relayed") {
		d.sendToAll(relayOf(i), out)
	}
	announce(model.Handed, i, out)
}

// announce tells that a message was broadcast, or handed over.
func announce(kind model.AnnouncementKind, i Item, out *model.Output) {
	out.Announcements = append(out.Announcements, model.Announcement{Kind: kind, Peer: i.Origin, Seq: i.Number, Value: i.Value})
}

func (d *reliable) Clone() model.Automaton {
	return &reliable{d.node.clone(), d.submitter, d.seen.clone()}
}

// AppendState writes what is left to broadcast, and what has been received.
func (d *reliable) AppendState(b []byte, now model.Time) []byte {
	return d.seen.append(d.submitter.append(b, now))
}

func (d *reliable) LoadState(b []byte, now model.Time) ([]byte, error) {
	r := detectors.NewReader(b)
	d.submitter.load(&r, now)
	d.seen.load(&r)
	return r.Rest()
}

// uniform is uniform reliable broadcast with a majority of correct processes (Cachin,
// Guerraoui, Rodrigues, "Introduction to reliable and secure distributed programming", 2011,
// majority-ack uniform reliable broadcast): on first receipt relay a message to all, which is
// the acknowledgement too; deliver it when a majority has acknowledged it, itself included. One
// of these is correct, and its relay reaches everybody, also on quasi-reliable links. With a
// correct minority integrity is all that is left: some may deliver what others wait for.
type uniform struct {
	node
	submitter
	need    int // acknowledgements that a message needs
	seen    numbers
	waiting []acknowledged // seen and not delivered, in order
}

type acknowledged struct {
	Item
	by detectors.Set
}

// NewUniform returns the process env.Self of uniform reliable broadcast, and the messages
// that it broadcasts.
func NewUniform(env detectors.Env, s Submissions) (model.Automaton, error) {
	n, err := newNode(env)
	if err != nil {
		return nil, err
	}
	sub, err := newSubmitter(s)
	if err != nil {
		return nil, err
	}
	return &uniform{node: n, submitter: sub, need: majority(n.n), seen: make(numbers, n.n)}, nil
}

func (d *uniform) Step(now model.Time, in *model.Input, out *model.Output) {
	for {
		number, value, ok := d.due(now)
		if !ok {
			break
		}
		i := Item{d.self, number, value}
		announce(model.Broadcast, i, out)
		d.acknowledge(i, d.self, out)
	}
	if m := &in.Message; in.Kind == model.Deliver && m.Tag == 0 && d.isOther(m.From) {
		if i, ok := itemOf(m, d.n); ok {
			d.acknowledge(i, m.From, out)
		}
	}
	for m, ok := d.take(); ok; m, ok = d.take() {
		i, _ := itemOf(&m, d.n)
		d.acknowledge(i, d.self, out)
	}
	out.Wake = d.wake()
}

// acknowledge counts that a process has relayed a message.
func (d *uniform) acknowledge(i Item, by model.ProcessID, out *model.Output) {
	at, found := slices.BinarySearchFunc(d.waiting, i, func(a acknowledged, i Item) int {
		return cmp.Or(cmp.Compare(a.Origin, i.Origin), cmp.Compare(a.Number, i.Number))
	})
	if !found {
		if !d.seen.add(i) {
			return // delivered
		}
		d.waiting = slices.Insert(d.waiting, at, acknowledged{Item: i})
		d.sendToAll(relayOf(i), out)
	}
	a := &d.waiting[at]
	twice := seeded.Bug("an acknowledgement counts twice") && a.by.Has(by)
	a.by = a.by.With(by)
	if a.by.Len() >= d.need || twice || seeded.Bug("a message is delivered without acknowledgements") {
		announce(model.Handed, a.Item, out)
		d.waiting = slices.Delete(d.waiting, at, at+1)
	}
}

func (d *uniform) Clone() model.Automaton {
	c := *d
	c.node, c.seen, c.waiting = d.node.clone(), d.seen.clone(), slices.Clone(d.waiting)
	return &c
}

// AppendState writes what is left to broadcast, what has been received, and what of it waits
// for whose acknowledgements.
func (d *uniform) AppendState(b []byte, now model.Time) []byte {
	b = d.seen.append(d.submitter.append(b, now))
	b = binary.AppendUvarint(b, uint64(len(d.waiting)))
	for _, a := range d.waiting {
		b = binary.AppendUvarint(appendItem(b, a.Item), uint64(a.by))
	}
	return b
}

func (d *uniform) LoadState(b []byte, now model.Time) ([]byte, error) {
	r := detectors.NewReader(b)
	d.submitter.load(&r, now)
	d.seen.load(&r)
	d.waiting = d.waiting[:0]
	for range r.UpTo(uint64(len(b))) {
		a := acknowledged{readItem(&r, d.n), r.Set(d.n)}
		if k := len(d.waiting); k > 0 {
			r.Fail(!before(d.waiting[k-1].Item, a.Item))
		}
		if r.Fail(!d.seen.has(a.Item)); r.Failed() {
			break
		}
		d.waiting = append(d.waiting, a)
	}
	return r.Rest()
}
