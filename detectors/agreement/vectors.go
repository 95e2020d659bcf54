package agreement

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"suspect/detectors"
	"suspect/detectors/seeded"
	"suspect/model"
)

// WithS is the algorithm of Chandra and Toueg (Journal of the ACM 43(2), 1996, section 6.1) over a detector of
// the class S, for any number of crashes. Process p keeps a vector V_p of the proposals that
// it knows of, and in Delta_p those that are new:
//
//	Phase 1, rounds r = 1 to n-1: send (r, Delta_p) to all; wait, for each q, until
//	(r, Delta_q) has come or q is suspected; take over what is unknown.
//
//	Phase 2: send V_p to all; wait, for each q, until V_q has come or q is suspected; forget
//	the components that one of those that came does not have.
//
//	Phase 3: decide on the first component that is left.
//
// The one process that nobody ever suspects is waited for by everybody, so after phase 1 its
// vector is part of every other, after phase 2 all vectors are equal, and not empty. With a
// detector that is not in S, as one that is only eventually so, processes may decide
// differently, and one that has nothing left in its vector does not decide.
//
// Who decides has sent all that others may wait for, and has no more to do.
var WithS = Algorithm{"S", func(n *node, _ Options) protocol {
	p := &vectors{self: n.self, n: n.n}
	p.reset()
	return p
}}

// vectors is that algorithm. Phase 2 is round n, and round n+1 is that of nothing left.
type vectors struct {
	self model.ProcessID
	n    int

	round int            // 0 before it proposes
	v     vector         // V_p
	mail  []vectorLetter // of this and later rounds, by round and sender
}

// vector is a vector of proposals, of which some are unknown.
type vector struct {
	known  detectors.Set
	values []Value // of all; those that are unknown are zero
}

// vectorLetter is the vector of a process in a round.
type vectorLetter struct {
	round int
	from  model.ProcessID
	text  Vector
}

// Vector is the body of a message that carries a vector of proposals: the set of those that
// are known, as a number, and their values.
type Vector string

// String returns the vector as [5 - 7], where - is unknown.
func (t Vector) String() string {
	r := detectors.NewReader([]byte(t))
	var b strings.Builder
	known := detectors.Set(r.UpTo(^uint64(0)))
	for q := model.ProcessID(0); known>>q != 0; q++ {
		if !known.Has(q) {
			b.WriteString(" -")
		} else if v := readValue(&r); v.Batch == "" {
			fmt.Fprintf(&b, " %d", v.Number)
		} else {
			fmt.Fprintf(&b, " {%v}", v.Batch)
		}
	}
	return "[" + strings.TrimPrefix(b.String(), " ") + "]"
}

func (v *vector) clear() { v.known = 0; clear(v.values) }

func (v *vector) set(q model.ProcessID, value Value) {
	v.known, v.values[q] = v.known.With(q), value
}

func (v *vector) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(v.known))
	for rest := v.known; rest != 0; rest &= rest - 1 {
		b = appendValue(b, v.values[rest.First()])
	}
	return b
}

// load reads a vector of n components.
func (v *vector) load(r *detectors.Reader) {
	v.clear()
	for rest := r.Set(len(v.values)); rest != 0; rest &= rest - 1 {
		v.set(rest.First(), readValue(r))
	}
}

// parse reads the vector in a message, and tells whether it is one.
func (v *vector) parse(t Vector) bool {
	r := detectors.NewReader([]byte(t))
	v.load(&r)
	rest, err := r.Rest()
	return err == nil && len(rest) == 0
}

func newVector(n int) vector { return vector{values: make([]Value, n)} }

func (v *vector) clone() vector { return vector{v.known, slices.Clone(v.values)} }

func (p *vectors) propose(c *instance, v Value, out *model.Output) {
	p.v.set(p.self, v)
	p.enter(c, 1, &p.v, out)
}

// enter begins a round by sending what is new, in phase 1, or all.
func (p *vectors) enter(c *instance, round int, delta *vector, out *model.Output) {
	p.round = round
	if round == p.n {
		delta = &p.v
	}
	text := Vector(delta.append(nil))
	c.sendToAll(model.Message{Kind: vectorKind, Seq: packRounds(c.number, round, 0), Body: text}, out)
}

func (p *vectors) receive(_ *instance, m *model.Message, _ *model.Output) {
	text, ok := m.Body.(Vector)
	l := vectorLetter{roundOf(m), m.From, text}
	if m.Kind != vectorKind || !ok || l.round < max(p.round, 1) || l.round > p.n {
		return
	}
	at, found := slices.BinarySearchFunc(p.mail, l, func(a, b vectorLetter) int {
		if a.round != b.round {
			return a.round - b.round
		}
		return int(a.from - b.from)
	})
	if v := newVector(p.n); !found && v.parse(text) {
		p.mail = slices.Insert(p.mail, at, l)
	}
}

func (p *vectors) step(c *instance, d *detectors.Module, out *model.Output) bool {
	came, letters := detectors.Set(0), 0
	for letters < len(p.mail) && p.mail[letters].round == p.round {
		came = came.With(p.mail[letters].from)
		letters++
	}
	if p.round > p.n || detectors.AllOf(p.n)&^(came|d.Suspects()) != 0 && !(seeded.Bug("who is slow is not waited for") && letters > 1) {
		return false
	}
	if p.round < p.n {
		delta := p.learn(p.mail[:letters])
		p.mail = slices.Delete(p.mail, 0, letters)
		p.enter(c, p.round+1, &delta, out)
		return true
	}
	p.forget(p.mail[:letters])
	if p.v.known != 0 {
		c.decide(p.v.values[p.v.known.First()])
	} else {
		p.round, p.mail = p.n+1, p.mail[:0]
	}
	return true
}

// learn is the end of a round of phase 1: it returns Delta_p of the next.
func (p *vectors) learn(letters []vectorLetter) vector {
	delta, got := newVector(p.n), newVector(p.n)
	for _, l := range letters {
		got.parse(l.text)
		for rest := got.known &^ p.v.known; rest != 0; rest &= rest - 1 {
			q := rest.First()
			p.v.set(q, got.values[q])
			delta.set(q, got.values[q])
		}
	}
	return delta
}

// forget is the end of phase 2.
func (p *vectors) forget(letters []vectorLetter) {
	got := newVector(p.n)
	for _, l := range letters {
		if got.parse(l.text); seeded.Bug("phase 2 forgets nothing") {
			continue
		}
		p.v.known &= got.known
	}
}

func (p *vectors) reset() {
	p.round, p.v, p.mail = 0, newVector(p.n), p.mail[:0]
}

func (p *vectors) clone() protocol {
	return &vectors{p.self, p.n, p.round, p.v.clone(), slices.Clone(p.mail)}
}

// append writes the round, what is known, and what has come for this round and later ones.
func (p *vectors) append(b []byte) []byte {
	b = p.v.append(binary.AppendUvarint(b, uint64(p.round)))
	b = binary.AppendUvarint(b, uint64(len(p.mail)))
	for _, l := range p.mail {
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(l.round)), uint64(l.from))
		b = detectors.AppendText(b, string(l.text))
	}
	return b
}

func (p *vectors) load(r *detectors.Reader) {
	p.round = int(r.UpTo(uint64(p.n + 1)))
	p.v.load(r)
	for range r.UpTo(uint64(p.n * p.n)) {
		l := vectorLetter{int(r.UpTo(uint64(p.n))), model.ProcessID(r.UpTo(uint64(p.n - 1))), Vector(r.Text())}
		if v := newVector(p.n); !r.Failed() {
			r.Fail(!v.parse(l.text))
			p.mail = append(p.mail, l)
		}
	}
}
