package agreement

import (
	"cmp"
	"encoding/binary"
	"slices"

	"suspect/detectors"
	"suspect/detectors/seeded"
	"suspect/model"
)

// atomic is atomic broadcast by instances of consensus (Chandra and Toueg 1996, section 7): R-broadcast the messages; while some have been R-delivered that have not been
// A-delivered, propose these to the next instance, wait for its decision, and A-deliver what
// is new in that, in the order of origins and numbers.
//
//   - Validity, agreement and integrity are those of reliable broadcast.
//   - Total order: what two correct processes deliver they deliver in the same order.
//
// It holds where consensus does, for the number of crashes, detector and links of the given
// algorithm. A process proposes to an instance only once it has something to propose; what comes
// earlier for it, the decision included, waits.
//
// What is proposed is whole messages. To propose their names only would be cheaper and wrong:
// a name can be decided on whose message is lost with its sender.
type atomic struct {
	node
	submitter
	module   detectors.Module
	received numbers // R-delivered: R_delivered
	handed   numbers // A-delivered: A_delivered
	waiting  []Item  // R-delivered and not A-delivered, in order
	instance instance
	later    []model.Message // of this instance if it has not begun, and of later ones, in order
}

// NewAtomic returns the process env.Self of atomic broadcast by an algorithm of consensus over
// the detector d, which is that process's, and the messages that it broadcasts.
func NewAtomic(env detectors.Env, a Algorithm, d model.Automaton, s Submissions, o Options) (model.Automaton, error) {
	n, err := newNode(env)
	if err != nil {
		return nil, err
	}
	c := &atomic{node: n, received: make(numbers, n.n), handed: make(numbers, n.n)}
	if c.submitter, err = newSubmitter(s); err != nil {
		return nil, err
	}
	if c.module, err = detectors.NewModule(env, d); err != nil {
		return nil, err
	}
	c.instance, err = newInstance(&c.node, a, o)
	c.instance.number = 1
	return c, err
}

func (d *atomic) Step(now model.Time, in *model.Input, out *model.Output) {
	own := d.module.Step(now, in, out)
	d.module.Report(out)
	for {
		number, value, ok := d.due(now)
		if !ok {
			break
		}
		i := Item{d.self, number, value}
		announce(model.Broadcast, i, out)
		for q := range model.ProcessID(d.n) {
			if q != d.self {
				d.send(q, relayOf(i), out)
			}
		}
		d.receive(i, out)
	}
	if m := &in.Message; own && d.isOther(m.From) {
		if i, ok := itemOf(m, d.n); ok {
			d.receive(i, out)
		} else if k := instanceOf(m); k == d.instance.number && d.instance.begun {
			d.instance.receive(m, out)
		} else if k >= d.instance.number && k <= maxInstance {
			d.postpone(*m)
		}
	}
	for d.goOn(out) {
	}
	out.Wake = min(out.Wake, d.wake())
}

// receive takes a message of the broadcast, for the first time or again.
func (d *atomic) receive(i Item, out *model.Output) {
	if !d.received.add(i) {
		return
	}
	if i.Origin != d.self {
		for q := range model.ProcessID(d.n) {
			if q != d.self {
				d.send(q, relayOf(i), out)
			}
		}
	}
	if !d.handed.has(i) {
		at, _ := slices.BinarySearchFunc(d.waiting, i, compareItems)
		d.waiting = slices.Insert(d.waiting, at, i)
	}
}

func compareItems(a, b Item) int {
	return cmp.Or(cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Number, b.Number))
}

// postpone keeps a message of consensus for later.
func (d *atomic) postpone(m model.Message) {
	switch m.Body.(type) {
	case nil, Batch, Vector:
	default:
		return
	}
	if m.Kind < decideKind || m.Kind > refusalKind {
		return
	}
	m.To, m.Bytes = d.self, 0
	at, found := slices.BinarySearchFunc(d.later, m, compareMessages)
	if !found {
		d.later = slices.Insert(d.later, at, m)
	}
}

func compareMessages(a, b model.Message) int {
	return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.From, b.From))
}

// goOn begins the next instance, or brings the present one forward, and tells whether one was
// decided.
func (d *atomic) goOn(out *model.Output) bool {
	if !d.instance.begun {
		if len(d.waiting) == 0 {
			return false
		}
		d.instance.propose(Value{Batch: newBatch(d.waiting)}, out)
		for len(d.later) > 0 && instanceOf(&d.later[0]) == d.instance.number {
			d.instance.receive(&d.later[0], out)
			d.later = slices.Delete(d.later, 0, 1)
		}
	}
	d.instance.run(&d.module, out)
	if !d.instance.decided {
		return false
	}
	items, _ := d.instance.decision.Batch.Items(d.n, nil)
	if seeded.Bug("what waits is delivered rather than what was decided") {
		items = slices.Clone(d.waiting)
	}
	for _, i := range items {
		if d.handed.add(i) || seeded.Bug("a message is delivered again") {
			announce(model.Handed, i, out)
		}
	}
	if !seeded.Bug("a message is delivered again") {
		d.waiting = slices.DeleteFunc(d.waiting, d.handed.has)
	}
	d.instance.restart(d.instance.number + 1)
	return true
}

func (d *atomic) Clone() model.Automaton {
	c := &atomic{node: d.node.clone(), submitter: d.submitter, module: d.module.Clone(), received: d.received.clone(),
		handed: d.handed.clone(), waiting: slices.Clone(d.waiting), later: slices.Clone(d.later)}
	c.instance = d.instance.clone(&c.node)
	return c
}

// AppendMessage is for exploration: what of a message matters.
func (d *atomic) AppendMessage(b []byte, m *model.Message) []byte {
	return d.module.AppendMessage(b, m, bodyOf(m))
}

// AppendState writes the detector's module, what is left to broadcast, what was received and
// delivered, the number of the instance with its state, and what waits for later.
func (d *atomic) AppendState(b []byte, now model.Time) []byte {
	b = d.submitter.append(d.module.AppendState(b, now), now)
	b = d.handed.append(d.received.append(b))
	b = binary.AppendUvarint(b, uint64(len(d.waiting)))
	for _, i := range d.waiting {
		b = appendItem(b, i)
	}
	b = d.instance.append(binary.AppendUvarint(b, uint64(d.instance.number)))
	b = binary.AppendUvarint(b, uint64(len(d.later)))
	for i := range d.later {
		b = appendMessage(b, &d.later[i])
	}
	return b
}

func (d *atomic) LoadState(b []byte, now model.Time) ([]byte, error) {
	r := detectors.NewReader(b)
	r.Module(&d.module, now)
	d.submitter.load(&r, now)
	d.received.load(&r)
	d.handed.load(&r)
	d.waiting, d.later = d.waiting[:0], d.later[:0]
	for range r.UpTo(uint64(len(b))) {
		d.waiting = append(d.waiting, readItem(&r, d.n))
		if k := len(d.waiting); k > 1 {
			r.Fail(!before(d.waiting[k-2], d.waiting[k-1]))
		}
	}
	d.instance.number = int64(r.UpTo(maxInstance))
	d.instance.load(&r)
	for range r.UpTo(uint64(len(b))) {
		m := d.readMessage(&r)
		if k := len(d.later); k > 0 {
			r.Fail(compareMessages(d.later[k-1], m) >= 0)
		}
		d.later = append(d.later, m)
	}
	return r.Rest()
}

// appendMessage writes a message that waits, and the type of its body.
func appendMessage(b []byte, m *model.Message) []byte {
	b = binary.AppendUvarint(b, uint64(m.Seq))
	b = append(b, m.Kind, byte(m.From))
	b = binary.AppendVarint(b, m.Arg)
	switch body := m.Body.(type) {
	case Batch:
		return detectors.AppendText(append(b, 1), string(body))
	case Vector:
		return detectors.AppendText(append(b, 2), string(body))
	}
	return append(b, 0)
}

func (d *atomic) readMessage(r *detectors.Reader) model.Message {
	m := model.Message{To: d.self, Seq: int64(r.UpTo(1<<63 - 1)), Kind: uint8(r.UpTo(refusalKind)), From: model.ProcessID(r.UpTo(uint64(d.n - 1))), Arg: r.Int()}
	switch r.UpTo(2) {
	case 1:
		m.Body = Batch(r.Text())
	case 2:
		m.Body = Vector(r.Text())
	}
	return m
}

// ordered is consensus by atomic broadcast (section 7): broadcast the proposal and decide on
// what is delivered first.
type ordered struct {
	self      model.ProcessID
	broadcast detectors.Module
	proposal  int64
	started   bool
	decided   bool
}

// NewOrdered returns the process env.Self of consensus by an atomic broadcast over the detector
// d: with it, and [NewAtomic], each of the two problems is solved by the other.
func NewOrdered(env detectors.Env, a Algorithm, d model.Automaton, propose int64, o Options) (model.Automaton, error) {
	b, err := NewAtomic(env, a, d, Submissions{Values: []int64{propose}}, o)
	if err != nil {
		return nil, err
	}
	m, err := detectors.NewModule(env, b)
	return &ordered{self: env.Self, broadcast: m, proposal: propose}, err
}

func (d *ordered) Step(now model.Time, in *model.Input, out *model.Output) {
	if !d.started {
		d.started = true
		out.Announcements = append(out.Announcements, model.Announcement{Kind: model.Proposed, Peer: d.self, Value: d.proposal})
	}
	d.broadcast.Step(now, in, out)
	told := len(out.Announcements)
	d.broadcast.Report(out)
	if d.decided {
		return
	}
	for _, a := range out.Announcements[told:] {
		if a.Kind == model.Handed {
			d.decided = true
			out.Announcements = append(out.Announcements, model.Announcement{Kind: model.Decided, Peer: d.self, Value: a.Value})
			return
		}
	}
}

func (d *ordered) Clone() model.Automaton {
	c := *d
	c.broadcast = d.broadcast.Clone()
	return &c
}

// AppendMessage is for exploration: what of a message matters.
func (d *ordered) AppendMessage(b []byte, m *model.Message) []byte {
	return d.broadcast.AppendMessage(b, m, "")
}

// AppendState writes whether the process has proposed and decided, and the broadcast.
func (d *ordered) AppendState(b []byte, now model.Time) []byte {
	b = detectors.AppendBool(detectors.AppendBool(b, d.started), d.decided)
	return d.broadcast.AppendState(b, now)
}

func (d *ordered) LoadState(b []byte, now model.Time) ([]byte, error) {
	r := detectors.NewReader(b)
	d.started, d.decided = r.Bool(), r.Bool()
	r.Module(&d.broadcast, now)
	return r.Rest()
}
