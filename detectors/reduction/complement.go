package reduction

import (
	"encoding/binary"

	"suspect/detectors"
	"suspect/detectors/seeded"
	"suspect/model"
)

// complement suspects everybody but the leader, and nobody before there is one. Of Omega this
// makes an eventually strong detector (Chandra, Hadzilacos, Toueg, "The weakest failure
// detector for solving consensus", Journal of the ACM 43(4), 1996): in the end the
// leader is a correct process that no correct one suspects, and all others are suspected,
// those who crashed among them. It sends nothing.
type complement struct {
	watch  detectors.Set
	module detectors.Module
	output detectors.Set
}

// NewComplement returns a module of env.Self of an eventually strong detector, made of a
// detector that elects leaders.
func NewComplement(env detectors.Env, leaders model.Automaton) (model.Automaton, error) {
	module, err := detectors.NewModule(env, leaders)
	if err != nil {
		return nil, err
	}
	return &complement{watch: detectors.SetOf(env.Watch...), module: module}, nil
}

func (d *complement) Step(now model.Time, in *model.Input, out *model.Output) {
	d.module.Step(now, in, out)
	if leader := d.module.Leader(); leader != model.Nobody {
		suspects := d.watch.Without(leader)
		if seeded.Bug("the leader is suspected too") {
			suspects = d.watch
		}
		d.output = tell(d.output, suspects, out)
	}
}

func (d *complement) Clone() model.Automaton {
	c := *d
	c.module = d.module.Clone()
	return &c
}

// AppendMessage is for exploration: what of a message matters.
func (d *complement) AppendMessage(b []byte, m *model.Message) []byte {
	return d.module.AppendMessage(b, m, "")
}

// AppendState writes the source's module and the output.
func (d *complement) AppendState(b []byte, now model.Time) []byte {
	return binary.AppendUvarint(d.module.AppendState(b, now), uint64(d.output))
}

func (d *complement) LoadState(b []byte, now model.Time) ([]byte, error) {
	r := detectors.NewReader(b)
	r.Module(&d.module, now)
	d.output = detectors.Set(r.UpTo(uint64(d.watch)))
	r.Fail(d.output&^d.watch != 0)
	return r.Rest()
}
