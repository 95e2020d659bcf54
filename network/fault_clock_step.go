package network

import (
	"errors"
	"fmt"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "clock-step",
		Source: "RFC 5905 (NTPv4), clock discipline: an offset above 128 ms is stepped, not slewed",
		Doc:    "The clock of a host jumps. A step ahead is seen at once; after a step back the process sees its clock stand still until it has caught up. When it heals the clock jumps by as much the other way.",
		Params: []model.Param{
			{Name: "host", Type: model.TextParam, Doc: "name of the host, or random"},
			{Name: "step", Type: model.TextParam, Doc: "by how much, as 5ms, or -5ms for a step back"},
		},
		New: func(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
			host, err := hostOf(p, "host", t, s)
			step, wrong := stepOf(p, "step")
			if err := errors.Join(err, wrong); err != nil {
				return nil, err
			}
			return clockStep{NodeID(host), step}, nil
		},
	})
}

// stepOf returns the step that parameter name of p gives.
func stepOf(p model.Params, name string) (model.Duration, error) {
	if p.Text(name) == "" {
		return 0, &model.ParamError{Name: name, Err: errors.New("is required: a duration, as 5ms or -5ms")}
	}
	d, err := model.ParseDuration(p.Text(name))
	switch {
	case err != nil:
	case d == 0:
		err = errors.New("a step of zero changes nothing")
	case d > model.Duration(model.MaxTime) || d < -model.Duration(model.MaxTime):
		err = fmt.Errorf("duration %q is longer than the longest run (%v)", p.Text(name), model.MaxTime)
	}
	if err != nil {
		return 0, &model.ParamError{Name: name, Err: err}
	}
	return d, nil
}

type clockStep struct {
	host NodeID
	step model.Duration
}

func (f clockStep) Strike(n *Network) { n.StepClock(f.host, f.step) }
func (f clockStep) Heal(n *Network)   { n.StepClock(f.host, -f.step) }
