package reduction

import (
	"encoding/binary"

	"suspect/detectors"
	"suspect/detectors/seeded"
	"suspect/model"
)

// strong is the algorithm of Chandra and Toueg (Journal of the ACM 43(2), 1996, section 3)
// that makes strong completeness of weak. Process p emulates output_p:
//
//	initially   output_p = {}
//	repeatedly  send (p, D_p) to all
//	on (q, s)   output_p = (output_p + s) - {q}
//
// Who suspects a crashed process for good tells so for ever, and no message of the crashed
// one comes to take that back. Names get into an output only through a process that suspects
// them, so that the accuracy of the source carries over, perpetual or eventual, weak or strong.
//
// It stands lost messages, of those that are sent for ever infinitely many of which arrive
// (fair-lossy links), and duplicates, but then a stale suspicion may come back as long as
// old messages are around. A process's own name is left out of its output: it knows better.
type strong struct {
	every
	self   model.ProcessID
	n      int
	watch  detectors.Set
	module detectors.Module

	output detectors.Set // output_p
	keep   bool          // only in tests: leaves out "- {q}"
}

// suspicionsKind is the message (p, D_p): its Seq is the set.
const suspicionsKind = 1

// NewStrong returns the module of env.Self of a detector with strong completeness, that has
// the accuracy of d, which has weak completeness. It sends its suspicions to all after each
// given period.
func NewStrong(env detectors.Env, d model.Automaton, period model.Duration) (model.Automaton, error) {
	module, err := detectors.NewModule(env, d)
	if err != nil {
		return nil, err
	}
	timer, err := newEvery(period)
	if err != nil {
		return nil, err
	}
	return &strong{every: timer, self: env.Self, n: env.N, watch: detectors.SetOf(env.Watch...), module: module}, nil
}

func (d *strong) Step(now model.Time, in *model.Input, out *model.Output) {
	own := d.module.Step(now, in, out)
	if d.due(now) {
		s := d.module.Suspects()
		sendToOthers(model.Message{From: d.self, Kind: suspicionsKind, Bytes: numberBytes, Seq: int64(s)}, d.n, out)
		d.receive(d.self, s, out)
	}
	if m := &in.Message; own && m.Kind == suspicionsKind && isOther(m.From, d.self, d.n) {
		d.receive(m.From, detectors.Set(m.Seq), out)
	}
	out.Wake = min(out.Wake, d.next)
}

// receive is (q, s) at p. The output is kept to whom the process watches.
func (d *strong) receive(q model.ProcessID, s detectors.Set, out *model.Output) {
	output := d.output | s&d.watch
	if !d.keep && !seeded.Bug("T does not erase who is heard from") {
		output = output.Without(q)
	}
	d.output = tell(d.output, output, out)
}

func (d *strong) Clone() model.Automaton {
	c := *d
	c.module = d.module.Clone()
	return &c
}

// AppendMessage is for exploration: what of a message matters.
func (d *strong) AppendMessage(b []byte, m *model.Message) []byte {
	return d.module.AppendMessage(b, m, "")
}

// AppendState writes the source's module, the time until the next message, and the output.
func (d *strong) AppendState(b []byte, now model.Time) []byte {
	b = d.every.append(d.module.AppendState(b, now), now)
	return binary.AppendUvarint(b, uint64(d.output))
}

func (d *strong) LoadState(b []byte, now model.Time) ([]byte, error) {
	r := detectors.NewReader(b)
	r.Module(&d.module, now)
	d.every.load(&r, now)
	d.output = r.Set(d.n)
	r.Fail(d.output&^d.watch != 0)
	return r.Rest()
}
