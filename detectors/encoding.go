package detectors

import (
	"encoding/binary"

	"suspect/model"
)

// Reader reads what an automaton's AppendState wrote. After the first thing that is not
// there or out of range it reads nothing but zeros, so that LoadState need look for an
// error only at its end.
type Reader struct {
	rest   []byte
	failed bool
}

// NewReader returns a reader of b.
func NewReader(b []byte) Reader { return Reader{rest: b} }

// UpTo reads a number as [binary.AppendUvarint] writes it, of at most the given size.
func (r *Reader) UpTo(most uint64) uint64 {
	v, rest, err := uvarint(r.rest)
	if r.failed = r.failed || err != nil || v > most; r.failed {
		return 0
	}
	r.rest = rest
	return v
}

// Int reads a number as [binary.AppendVarint] writes it.
func (r *Reader) Int() int64 {
	v, rest, err := varint(r.rest)
	if r.failed = r.failed || err != nil; r.failed {
		return 0
	}
	r.rest = rest
	return v
}

// Bool reads what AppendBool wrote.
func (r *Reader) Bool() bool { return r.UpTo(1) == 1 }

// Set reads a set of the processes 0..n-1, written as its number.
func (r *Reader) Set(n int) Set { return Set(r.UpTo(uint64(AllOf(n)))) }

// Text reads what AppendText wrote.
func (r *Reader) Text() string {
	n := r.UpTo(uint64(len(r.rest)))
	if r.failed = r.failed || n > uint64(len(r.rest)); r.failed {
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}

// Left reads what AppendLeft wrote, for a time at most the given duration after now.
func (r *Reader) Left(now model.Time, most model.Duration) model.Time {
	code := r.UpTo(uint64(most) + 1)
	if code == 0 {
		return model.Never
	}
	return now + model.Time(code-1)
}

// Module reads the state of a module.
func (r *Reader) Module(m *Module, now model.Time) {
	if r.failed {
		return
	}
	rest, err := m.LoadState(r.rest, now)
	if r.failed = err != nil; !r.failed {
		r.rest = rest
	}
}

// Fail makes reading fail if what was read is wrong.
func (r *Reader) Fail(wrong bool) { r.failed = r.failed || wrong }

// Failed tells whether reading has failed.
func (r *Reader) Failed() bool { return r.failed }

// Rest returns what follows, and an error if reading has failed.
func (r *Reader) Rest() ([]byte, error) {
	if r.failed {
		return r.rest, errEncoding
	}
	return r.rest, nil
}

// AppendBool appends 1 for true and 0 for false.
func AppendBool(b []byte, v bool) []byte { return append(b, flagBits(v)) }

// AppendText appends the length of s, and s.
func AppendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// AppendLeft appends how long it takes from now until at: 0 if that is Never, else 1 +
// the duration, which is zero for a time that has passed.
func AppendLeft(b []byte, at, now model.Time) []byte { return appendLeft(b, at, now) }
