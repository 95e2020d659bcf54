package detectors

import (
	"encoding/binary"
	"fmt"

	"suspect/model"
)

// Module is a process's failure detector as an algorithm embeds it: Chandra and Toueg's
// local failure detector module. It steps the detector's automaton, carries its messages,
// and keeps what it says, for the algorithm to read whenever it wants.
//
// The detector may be an algorithm with a module of its own, as one that makes a leader of
// a list of suspects, of which a base detector is the source. So messages of the algorithm
// have [model.Message].Tag 0, and what the detector sends with the tag t goes out with the
// tag t+1. Towers of up to 255 algorithms can be built so.
type Module struct {
	automaton model.Automaton
	input     model.Input
	out       model.Output

	held   [model.HostCrash + 1]Set // suspected of each kind of host failure
	leader model.ProcessID
	quorum Set
}

// NewModule returns the module of the process env.Self, whose detector is a, made for env.
// From then on a is the module's own. A system of more than [MaxSet] processes is an error.
func NewModule(env Env, a model.Automaton) (Module, error) {
	m := Module{automaton: a, leader: model.Nobody}
	if err := env.Check(); err != nil {
		return m, err
	}
	if env.N > MaxSet {
		return m, fmt.Errorf("the system has %d processes: sets of processes hold %d", env.N, MaxSet)
	}
	if a == nil {
		return m, fmt.Errorf("process %d has no detector: give it one", env.Self)
	}
	return m, nil
}

// Step steps the detector on an input of the algorithm, appends its messages to out.Send and
// brings out.Wake forward to the wake-up that it wants. It tells whether the input is a
// message to the algorithm itself; then the detector has only been woken.
//
// What the detector says goes to the module alone: see Report.
func (m *Module) Step(now model.Time, in *model.Input, out *model.Output) (own bool) {
	m.input = *in
	if in.Kind == model.Deliver {
		if own = in.Message.Tag == 0; own {
			m.input = model.Input{Kind: model.Wake, Random: in.Random}
		} else {
			m.input.Message.Tag--
		}
	}
	m.out.Reset()
	m.automaton.Step(now, &m.input, &m.out)
	m.input = model.Input{}
	for i := range m.out.Send {
		m.out.Send[i].Tag++
	}
	out.Send = append(out.Send, m.out.Send...)
	out.Wake = min(out.Wake, m.out.Wake)
	for _, v := range m.out.Verdicts {
		m.note(v)
	}
	for _, a := range m.out.Announcements {
		switch a.Kind {
		case model.Elected:
			m.leader = a.Peer
		case model.Quorum:
			m.quorum = Set(a.Value)
		}
	}
	return own
}

// note takes in a verdict. The history of the module is the projection on host failure.
func (m *Module) note(v model.Verdict) {
	switch {
	case !v.Kind.HostFailure():
	case v.Suspected:
		m.held[v.Kind] = m.held[v.Kind].With(v.Peer)
	default:
		m.held[v.Kind] = m.held[v.Kind].Without(v.Peer)
	}
}

// Report appends the verdicts of the detector's last step, and its leaders and quorums, to
// out, so that a run of the algorithm records the history of its detector.
func (m *Module) Report(out *model.Output) {
	out.Verdicts = append(out.Verdicts, m.out.Verdicts...)
	out.Announcements = append(out.Announcements, m.out.Announcements...)
}

// Suspects returns the processes that the detector suspects of a host failure.
func (m *Module) Suspects() (s Set) {
	for _, held := range m.held {
		s |= held
	}
	return s
}

// Leader returns the process that the detector elected last, or Nobody.
func (m *Module) Leader() model.ProcessID { return m.leader }

// Quorum returns the detector's quorum, empty before the first.
func (m *Module) Quorum() Set { return m.quorum }

// Automaton returns the detector, for its optional interfaces. It is not to be stepped.
func (m *Module) Automaton() model.Automaton { return m.automaton }

// AppendMessage appends a canonical encoding of a message, for the explorer's MessageEncoder:
// of the algorithm's own, whose body is text if it has one, or of the detector's.
func (m *Module) AppendMessage(b []byte, message *model.Message, text string) []byte {
	b = append(b, message.Tag)
	if message.Tag == 0 {
		return AppendText(binary.AppendVarint(binary.AppendVarint(append(b, message.Kind), message.Seq), message.Arg), text)
	}
	inner := *message
	inner.Tag--
	if e, ok := m.automaton.(interface {
		AppendMessage(b []byte, m *model.Message) []byte
	}); ok {
		return e.AppendMessage(b, &inner)
	}
	if inner.Body != nil {
		panic(fmt.Sprintf("detectors: a message of kind %d of the detector %T has a body, and that has no AppendMessage to encode it", inner.Kind, m.automaton))
	}
	return binary.AppendVarint(binary.AppendVarint(append(b, inner.Kind), inner.Seq), inner.Arg)
}

// Clone returns a copy that shares nothing mutable with m.
func (m *Module) Clone() Module {
	c := *m
	c.automaton = m.automaton.Clone()
	c.out = model.Output{}
	return c
}

// AppendState appends the state of the detector, and what is known of its output.
func (m *Module) AppendState(b []byte, now model.Time) []byte {
	b = m.automaton.AppendState(b, now)
	for _, held := range m.held {
		b = binary.AppendUvarint(b, uint64(held))
	}
	b = binary.AppendUvarint(b, uint64(m.leader+1))
	return binary.AppendUvarint(b, uint64(m.quorum))
}

// LoadState is the inverse of AppendState.
func (m *Module) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	m.out.Reset()
	if b, err = m.automaton.LoadState(b, now); err != nil {
		return b, err
	}
	var v uint64
	for k := range m.held {
		if v, b, err = uvarint(b); err != nil {
			return b, err
		}
		m.held[k] = Set(v)
	}
	if v, b, err = uvarint(b); err != nil || v > MaxSet {
		return b, errEncoding
	}
	m.leader = model.ProcessID(v) - 1
	if v, b, err = uvarint(b); err != nil {
		return b, err
	}
	m.quorum = Set(v)
	return b, nil
}
