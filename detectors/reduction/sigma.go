package reduction

import (
	"encoding/binary"
	"fmt"

	"suspect/detectors"
	"suspect/detectors/seeded"
	"suspect/model"
)

// sigma makes quorums of nothing, while a majority is correct (Delporte-Gallet, Fauconnier,
// Guerraoui, Hadzilacos, Kouznetsov, Toueg, "The weakest failure detectors to solve certain
// fundamental problems in distributed computing", PODC 2004):
//
//	repeatedly  k = k + 1; send (query, k) to all
//	            wait for (answer, k) from a majority, and take these for the quorum
//
// where a process answers itself at once. Any two majorities intersect, and answers to the
// queries of late are those of correct processes. Before the first answers a process gives
// out all processes. Where only a minority is correct the queries are not answered and the last
// quorum stays, as it may, but contains crashed ones, as it may not. No detector is asked.
//
// Links must not lose what correct processes send each other: queries are not repeated.
type sigma struct {
	every
	self   model.ProcessID
	n      int
	need   int // answers that make a quorum
	rounds int64

	k       int64
	waits   bool // for answers to query k
	answers detectors.Set
	quorum  detectors.Set
}

const (
	queryKind = 1 + iota
	answerKind
)

// NewSigma returns a module of env.Self that gives out quorums. It asks again when a period
// has passed since the last query and that has been answered, up to the given number of
// times, so that the states are finite; 0 is for ever.
func NewSigma(env detectors.Env, period model.Duration, rounds int64) (model.Automaton, error) {
	if err := env.Check(); err != nil {
		return nil, err
	}
	if env.N > detectors.MaxSet {
		return nil, fmt.Errorf("the system has %d processes: quorums hold up to %d", env.N, detectors.MaxSet)
	}
	if rounds < 0 {
		return nil, fmt.Errorf("it cannot ask %d times: give it a positive number, or 0 for ever", rounds)
	}
	timer, err := newEvery(period)
	if err != nil {
		return nil, err
	}
	need := env.N/2 + 1
	if seeded.Bug("half of all are a quorum") {
		need = (env.N + 1) / 2
	}
	return &sigma{every: timer, self: env.Self, n: env.N, need: need, rounds: rounds}, nil
}

func (d *sigma) Step(now model.Time, in *model.Input, out *model.Output) {
	if d.quorum == 0 {
		d.take(detectors.AllOf(d.n), out)
	}
	if m := &in.Message; in.Kind == model.Deliver && m.Tag == 0 && isOther(m.From, d.self, d.n) {
		switch {
		case m.Kind == queryKind:
			out.Send = append(out.Send, model.Message{From: d.self, To: m.From, Kind: answerKind, Bytes: numberBytes, Seq: m.Seq})
		case m.Kind == answerKind && d.waits && m.Seq == d.k:
			d.answers = d.answers.With(m.From)
			d.count(out)
		}
	}
	if d.mayAsk() && d.due(now) {
		d.k++
		d.waits = true
		d.answers = detectors.SetOf(d.self)
		sendToOthers(model.Message{From: d.self, Kind: queryKind, Bytes: numberBytes, Seq: d.k}, d.n, out)
		d.count(out)
	}
	if d.mayAsk() {
		out.Wake = d.next
	}
}

// mayAsk tells whether the next query waits for nothing but its time.
func (d *sigma) mayAsk() bool { return !d.waits && (d.rounds == 0 || d.k < d.rounds) }

// count looks whether there are answers enough.
func (d *sigma) count(out *model.Output) {
	if d.answers.Len() >= d.need {
		d.waits = false
		d.take(d.answers, out)
	}
}

func (d *sigma) take(quorum detectors.Set, out *model.Output) {
	if quorum != d.quorum {
		d.quorum = quorum
		out.Announcements = append(out.Announcements, model.Announcement{Kind: model.Quorum, Peer: d.self, Value: int64(quorum)})
	}
}

func (d *sigma) Clone() model.Automaton { c := *d; return &c }

// AppendState writes the quorum, the number of the query, the answers to it if there are not
// enough, and the time until the next.
func (d *sigma) AppendState(b []byte, now model.Time) []byte {
	b = binary.AppendUvarint(b, uint64(d.quorum))
	b = binary.AppendUvarint(b, uint64(d.k))
	b = detectors.AppendBool(b, d.waits)
	if d.waits {
		b = binary.AppendUvarint(b, uint64(d.answers))
	}
	return d.every.append(b, now)
}

func (d *sigma) LoadState(b []byte, now model.Time) ([]byte, error) {
	r := detectors.NewReader(b)
	d.quorum = r.Set(d.n)
	d.k = int64(r.UpTo(1<<63 - 1))
	d.waits, d.answers = r.Bool(), 0
	if d.waits {
		d.answers = r.Set(d.n)
	}
	d.every.load(&r, now)
	return r.Rest()
}
