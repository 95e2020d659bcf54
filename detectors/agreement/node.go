package agreement

import (
	"encoding/binary"
	"fmt"
	"strings"

	"suspect/detectors"
	"suspect/detectors/seeded"
	"suspect/model"
)

// Value is what consensus is about: a number, and where it decides on messages a batch of
// them. Values are compared by ==.
type Value struct {
	Number int64
	Batch  Batch
}

// node is a process among others, as one that sends also to itself: "send to all".
type node struct {
	self model.ProcessID
	n    int
	loop []model.Message // to itself, not looked at yet; empty between steps
	head int             // of loop
}

func newNode(env detectors.Env) (node, error) {
	if err := env.Check(); err != nil {
		return node{}, err
	}
	if env.N > detectors.MaxSet {
		return node{}, fmt.Errorf("the system has %d processes: these algorithms are for up to %d", env.N, detectors.MaxSet)
	}
	return node{self: env.Self, n: env.N}, nil
}

// majority returns the least number of n processes of which any two groups share one.
func majority(n int) int {
	if seeded.Bug("half of all are a majority") {
		return (n + 1) / 2
	}
	return n/2 + 1
}

// headBytes is the payload of a message without a body: its kind, and two numbers of 8 bytes.
const headBytes = 17

// send sends m to one process, which may be itself.
func (d *node) send(to model.ProcessID, m model.Message, out *model.Output) {
	m.From, m.To, m.Bytes = d.self, to, headBytes+int32(len(bodyOf(&m)))
	if to == d.self {
		d.loop = append(d.loop, m)
	} else {
		out.Send = append(out.Send, m)
	}
}

// sendToAll sends m to all processes, itself included.
func (d *node) sendToAll(m model.Message, out *model.Output) {
	for q := range model.ProcessID(d.n) {
		d.send(q, m, out)
	}
}

// take takes the next message to itself.
func (d *node) take() (m model.Message, ok bool) {
	if d.head == len(d.loop) {
		d.drop()
		return m, false
	}
	d.head++
	return d.loop[d.head-1], true
}

// drop forgets the messages to itself.
func (d *node) drop() {
	clear(d.loop) // let go of bodies
	d.loop, d.head = d.loop[:0], 0
}

func (d *node) clone() node { return node{self: d.self, n: d.n} }

// isOther tells whether p is another process of the system.
func (d *node) isOther(p model.ProcessID) bool { return 0 <= p && int(p) < d.n && p != d.self }

// The kinds of messages of all algorithms here.
const (
	decideKind   = 1 + iota // of consensus: the decision
	vectorKind              // with S: what is known of the proposals
	estimateKind            // with <>S, phase 1
	proposalKind            // phase 2
	ackKind                 // phase 3
	nackKind                // phase 3
	prepareKind             // with Omega, phase 1a
	promiseKind             // phase 1b
	acceptKind              // phase 2a
	acceptedKind            // phase 2b
	refusalKind             // for a prepare or accept of a ballot that comes too late
	relayKind               // of broadcasts: a message
)

// A message of consensus has in its Seq, from the lowest bits, a second number, which is a
// timestamp or a ballot, and the round or ballot it belongs to, of 20 bits each, and the
// number of the instance. Its Arg and Body are the value.
const (
	roundBits   = 20
	maxRound    = 1<<roundBits - 1
	maxInstance = 1<<(63-2*roundBits) - 1
)

func packRounds(instance int64, round, stamp int) int64 {
	return instance<<(2*roundBits) | int64(round)<<roundBits | int64(stamp)
}

func instanceOf(m *model.Message) int64 { return m.Seq >> (2 * roundBits) }
func roundOf(m *model.Message) int      { return int(m.Seq >> roundBits & maxRound) }
func stampOf(m *model.Message) int      { return int(m.Seq & maxRound) }

// valueOf returns the value in a message.
func valueOf(m *model.Message) Value {
	batch, _ := m.Body.(Batch)
	return Value{m.Arg, batch}
}

// withValue returns m with a value in it.
func withValue(m model.Message, v Value) model.Message {
	m.Arg = v.Number
	if v.Batch != "" {
		m.Body = v.Batch
	}
	return m
}

// bodyOf returns the body of a message as text, for encoding.
func bodyOf(m *model.Message) string {
	switch body := m.Body.(type) {
	case Batch:
		return string(body)
	case Vector:
		return string(body)
	}
	return ""
}

// appendValue and readValue are inverse.
func appendValue(b []byte, v Value) []byte {
	return detectors.AppendText(binary.AppendVarint(b, v.Number), string(v.Batch))
}

func readValue(r *detectors.Reader) Value { return Value{r.Int(), Batch(r.Text())} }

// Batch is a set of messages of a broadcast, in the order of their origins and numbers: an
// encoding of [Item]s, comparable and not to be changed.
type Batch string

// Item is one message of a broadcast.
type Item struct {
	Origin model.ProcessID // who broadcast it
	Number int64           // how many that one has broadcast before
	Value  int64
}

// newBatch returns the batch of items, which are in the order of their origins and numbers.
func newBatch(items []Item) Batch {
	var b []byte
	for _, i := range items {
		b = appendItem(b, i)
	}
	return Batch(b)
}

func appendItem(b []byte, i Item) []byte {
	b = binary.AppendUvarint(b, uint64(i.Origin))
	b = binary.AppendUvarint(b, uint64(i.Number))
	return binary.AppendVarint(b, i.Value)
}

func readItem(r *detectors.Reader, n int) Item {
	return Item{model.ProcessID(r.UpTo(uint64(n - 1))), int64(r.UpTo(maxNumber)), r.Int()}
}

// Items appends the messages of the batch, of a system of n processes, to the given ones, and
// tells whether it is one.
func (t Batch) Items(n int, to []Item) (items []Item, ok bool) {
	r := detectors.NewReader([]byte(t))
	for {
		rest, err := r.Rest()
		if len(rest) == 0 || err != nil {
			return to, err == nil
		}
		i := readItem(&r, n)
		if len(to) > 0 && !before(to[len(to)-1], i) {
			return to, false
		}
		to = append(to, i)
	}
}

// before tells whether a comes before b in a batch.
func before(a, b Item) bool {
	return a.Origin < b.Origin || a.Origin == b.Origin && a.Number < b.Number
}

// String returns the messages as p0.0=7 p1.3=8: origin, number and value.
func (t Batch) String() string {
	items, _ := t.Items(detectors.MaxSet, nil)
	var b strings.Builder
	for k, i := range items {
		if k > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "p%d.%d=%d", i.Origin, i.Number, i.Value)
	}
	return b.String()
}
