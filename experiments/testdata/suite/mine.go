// Package mine is a detector of somebody else, in a module of its own: everybody sends a
// heartbeat to everybody every second, and whoever is silent for longer than a limit is
// suspected.
package mine

import (
	"encoding/binary"
	"errors"
	"slices"

	"suspect/model"
)

const period = model.Second

type detector struct {
	self    model.ProcessID
	limit   model.Duration
	started bool
	next    model.Time   // heartbeat
	until   []model.Time // by peer: trusted until then; 0 for those who are suspected
}

// New returns the detector of process self among n, with a limit on silence.
func New(self model.ProcessID, n int, limit model.Duration) model.Automaton {
	return &detector{self: self, limit: limit, until: make([]model.Time, n)}
}

// Step takes one input, and says what follows.
func (d *detector) Step(now model.Time, in *model.Input, out *model.Output) {
	if !d.started {
		d.started, d.next = true, now
		for q := range d.until {
			d.until[q] = now.Add(d.limit)
		}
		d.until[d.self] = 0
	}
	for q, until := range d.until {
		if until != 0 && until <= now {
			d.until[q] = 0
			out.Verdicts = append(out.Verdicts, model.Verdict{Peer: model.ProcessID(q), Suspected: true})
		}
	}
	if q := in.Message.From; in.Kind == model.Deliver {
		if d.until[q] == 0 {
			out.Verdicts = append(out.Verdicts, model.Verdict{Peer: q})
		}
		d.until[q] = now.Add(d.limit)
	}
	if d.next <= now {
		for q := range d.until {
			if to := model.ProcessID(q); to != d.self {
				out.Send = append(out.Send, model.Message{From: d.self, To: to})
			}
		}
		d.next = now.Add(period)
	}
	out.Wake = d.next
	for _, until := range d.until {
		if until != 0 {
			out.Wake = min(out.Wake, until)
		}
	}
}

// Clone returns a copy.
func (d *detector) Clone() model.Automaton {
	c := *d
	c.until = slices.Clone(d.until)
	return &c
}

// AppendState writes what is left of all times.
func (d *detector) AppendState(b []byte, now model.Time) []byte {
	if !d.started {
		return append(b, 0)
	}
	b = binary.AppendVarint(append(b, 1), int64(d.next-now))
	for _, until := range d.until {
		if until == 0 {
			b = append(b, 0)
		} else {
			b = binary.AppendVarint(append(b, 1), int64(until-now))
		}
	}
	return b
}

// LoadState reads what AppendState wrote.
func (d *detector) LoadState(b []byte, now model.Time) ([]byte, error) {
	flag := func() bool {
		if len(b) == 0 {
			return false
		}
		set := b[0] == 1
		b = b[1:]
		return set
	}
	failed := false
	left := func() model.Time {
		v, n := binary.Varint(b)
		failed = failed || n <= 0
		b = b[max(n, 0):]
		return now + model.Time(v)
	}
	if d.started = flag(); d.started {
		d.next = left()
		for q := range d.until {
			if d.until[q] = 0; flag() {
				d.until[q] = left()
			}
		}
	}
	if failed {
		return b, errors.New("not the state of a detector")
	}
	return b, nil
}
