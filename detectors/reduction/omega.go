package reduction

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"suspect/detectors"
	"suspect/detectors/seeded"
	"suspect/model"
)

// omega makes a leader of a list of suspects by counting (after Chu, "Reducing Omega to
// <>W", Information Processing Letters 67, 1998). Process p keeps a matrix R, where R_q[x]
// is the number of times that q has found x among its suspects:
//
//	repeatedly  R_p[x] = R_p[x] + 1 for each x in D_p; send R to all
//	on R'       R_q[x] = max(R_q[x], R'_q[x]) for all q, x
//	leader      the x with the least (sum of R_q[x] over q, x)
//
// The sum of a crashed process grows for ever, since a correct one suspects it for good, and
// that of the one which correct processes in the end trust comes to a halt: faulty ones are
// soon still. As all that anybody has counted reaches everybody, correct processes agree
// on each sum that has come to a halt, and so in the end on the leader, who is correct.
// Weak completeness is enough. It stands lost and duplicated messages on fair-lossy links.
//
// Each row is its owner's, and the maximum is what repairs a crash in the middle of sending:
// what reached one correct process reaches all through it. Were the numbers merely added up
// where they arrive, that crash would leave two processes with different sums for good.
type omega struct {
	every
	self   model.ProcessID
	n      int
	most   uint64
	module detectors.Module

	rows   []uint64 // R_q[x] at q*n + x
	body   any      // a Matrix of rows, or nil if they have changed since
	bytes  int32    // of a message with it
	leader model.ProcessID
}

// Matrix is the body of a message that carries the matrix R: n rows of n numbers, as
// [binary.AppendUvarint] writes them.
type Matrix string

// String returns the numbers.
func (m Matrix) String() string {
	var b strings.Builder
	r := detectors.NewReader([]byte(m))
	for rest, err := r.Rest(); len(rest) > 0 && err == nil; rest, err = r.Rest() {
		fmt.Fprintf(&b, "%d ", r.UpTo(^uint64(0)))
	}
	return "[" + strings.TrimSuffix(b.String(), " ") + "]"
}

const matrixKind = 1

// MaxCount is the largest count that [NewOmega] takes.
const MaxCount = 1 << 50

// NewOmega returns a module of env.Self that elects leaders by the suspicions of d, which is
// in <>W or a stronger class. It counts, and sends what it has counted, after each given
// period, and counts up to most: 0 is for [MaxCount], which takes ages. With fewer the state
// is finite, but where the final leader's count gets there too, its election is no more
// promised.
func NewOmega(env detectors.Env, d model.Automaton, period model.Duration, most int64) (model.Automaton, error) {
	module, err := detectors.NewModule(env, d)
	if err != nil {
		return nil, err
	}
	timer, err := newEvery(period)
	if err != nil {
		return nil, err
	}
	if most < 0 || most > MaxCount {
		return nil, fmt.Errorf("suspicions cannot be counted up to %d: from 1 to %d, or 0 for the latter", most, MaxCount)
	}
	if most == 0 {
		most = MaxCount
	}
	return &omega{every: timer, self: env.Self, n: env.N, most: uint64(most), module: module,
		rows: make([]uint64, env.N*env.N), leader: model.Nobody}, nil
}

func (d *omega) Step(now model.Time, in *model.Input, out *model.Output) {
	own := d.module.Step(now, in, out)
	if m := &in.Message; own && m.Kind == matrixKind && isOther(m.From, d.self, d.n) {
		if text, ok := m.Body.(Matrix); ok && m.Body != d.body && !seeded.Bug("counters are not merged") {
			d.merge(text)
		}
	}
	if d.due(now) {
		for rest := d.module.Suspects() & detectors.AllOf(d.n); rest != 0; rest &= rest - 1 {
			if count := &d.rows[int(d.self)*d.n+int(rest.First())]; *count < d.most && !seeded.Bug("own suspicions are not counted") {
				*count++
				d.body = nil
			}
		}
		if d.body == nil {
			text := Matrix(appendNumbers(nil, d.rows))
			d.body, d.bytes = text, int32(1+len(text))
		}
		sendToOthers(model.Message{From: d.self, Kind: matrixKind, Body: d.body, Bytes: d.bytes}, d.n, out)
	}
	if leader := d.least(); leader != d.leader {
		d.leader = leader
		out.Announcements = append(out.Announcements, model.Announcement{Kind: model.Elected, Peer: leader})
	}
	out.Wake = min(out.Wake, d.next)
}

// merge takes in a matrix, if it is one.
func (d *omega) merge(text Matrix) {
	r := detectors.NewReader([]byte(text))
	for range d.rows {
		r.UpTo(d.most)
	}
	if rest, err := r.Rest(); err != nil || len(rest) > 0 {
		return
	}
	r = detectors.NewReader([]byte(text))
	for i := range d.rows {
		if count := r.UpTo(d.most); count > d.rows[i] {
			d.rows[i] = count
			d.body = nil
		}
	}
}

// least returns the leader.
func (d *omega) least() (leader model.ProcessID) {
	least := ^uint64(0)
	for x := range d.n {
		var sum uint64
		for q := range d.n {
			sum += d.rows[q*d.n+x]
		}
		if sum < least {
			least, leader = sum, model.ProcessID(x)
		}
	}
	return leader
}

func appendNumbers(b []byte, numbers []uint64) []byte {
	for _, v := range numbers {
		b = binary.AppendUvarint(b, v)
	}
	return b
}

func (d *omega) Clone() model.Automaton {
	c := *d
	c.module = d.module.Clone()
	c.rows = slices.Clone(d.rows)
	return &c
}

// AppendMessage is for exploration: what of a message matters.
func (d *omega) AppendMessage(b []byte, m *model.Message) []byte {
	text, _ := m.Body.(Matrix)
	return d.module.AppendMessage(b, m, string(text))
}

// AppendState writes the source's module, the time until the next message, the leader and
// the matrix.
func (d *omega) AppendState(b []byte, now model.Time) []byte {
	b = d.every.append(d.module.AppendState(b, now), now)
	b = binary.AppendUvarint(b, uint64(d.leader+1))
	return appendNumbers(b, d.rows)
}

func (d *omega) LoadState(b []byte, now model.Time) ([]byte, error) {
	r := detectors.NewReader(b)
	r.Module(&d.module, now)
	d.every.load(&r, now)
	d.leader = model.ProcessID(r.UpTo(uint64(d.n))) - 1
	for i := range d.rows {
		d.rows[i] = r.UpTo(d.most)
	}
	d.body = nil
	return r.Rest()
}
