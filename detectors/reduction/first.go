package reduction

import (
	"suspect/detectors"
	"suspect/model"
)

// first elects the smallest process that is trusted. Of an eventually perfect detector this
// makes Omega: in the end all correct processes trust the same, those that are correct. Of an
// eventually strong one it does not, since one process may be suspected here and trusted there
// for ever. It sends nothing.
type first struct {
	self   model.ProcessID
	n      int
	module detectors.Module
	leader model.ProcessID
}

// NewFirst returns a module of env.Self that elects the smallest process which d, that is
// eventually perfect, does not suspect.
func NewFirst(env detectors.Env, d model.Automaton) (model.Automaton, error) {
	module, err := detectors.NewModule(env, d)
	if err != nil {
		return nil, err
	}
	return &first{self: env.Self, n: env.N, module: module, leader: model.Nobody}, nil
}

func (d *first) Step(now model.Time, in *model.Input, out *model.Output) {
	d.module.Step(now, in, out)
	trusted := (detectors.AllOf(d.n) &^ d.module.Suspects()).With(d.self)
	if leader := trusted.First(); leader != d.leader {
		d.leader = leader
		out.Announcements = append(out.Announcements, model.Announcement{Kind: model.Elected, Peer: leader})
	}
}

func (d *first) Clone() model.Automaton {
	c := *d
	c.module = d.module.Clone()
	return &c
}

// AppendMessage is for exploration: what of a message matters.
func (d *first) AppendMessage(b []byte, m *model.Message) []byte {
	return d.module.AppendMessage(b, m, "")
}

// AppendState writes the source's module and the leader.
func (d *first) AppendState(b []byte, now model.Time) []byte {
	return append(d.module.AppendState(b, now), byte(d.leader+1))
}

func (d *first) LoadState(b []byte, now model.Time) ([]byte, error) {
	r := detectors.NewReader(b)
	r.Module(&d.module, now)
	d.leader = model.ProcessID(r.UpTo(uint64(d.n))) - 1
	return r.Rest()
}
