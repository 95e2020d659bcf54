package network

import (
	"errors"
	"fmt"
	"slices"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "link-bursts",
		Source: "Sommers, Barford, Duffield and Ron, \"Improving accuracy in end-to-end packet loss measurement\", SIGCOMM 2005 (slots of 5 ms in which a path is congested or not); Gilbert, Bell System Technical Journal 39, 1960",
		Doc:    "A link loses packets in bursts that last for a time, not for a number of packets: time is divided into slots, which are good or bad, and a packet that comes in a bad slot may be lost. Of several that strike one link each may lose a packet.",
		Loses:  true,
		Params: append(slices.Clone(linkParams),
			model.Param{Name: "slot", Type: model.DurationParam, Default: "5ms", Doc: "how long a slot is"},
			model.Param{Name: "bad", Type: model.ProbabilityParam, Default: "10%", Doc: "share of the slots that are bad, less than all"},
			model.Param{Name: "loss", Type: model.ProbabilityParam, Default: "5%", Doc: "of a packet in a bad slot"},
			model.Param{Name: "burst", Type: model.NumberParam, Optional: true, Doc: "mean number of bad slots in a row; as many as if slots were independent if left out", Least: 1, Most: 1e9},
		),
		New: newLinkBursts,
	})
}

func newLinkBursts(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
	links, err := linksOf(p, t, s)
	fail := func(name, format string, args ...any) {
		err = errors.Join(err, &model.ParamError{Name: name, Err: fmt.Errorf(format, args...)})
	}
	b := Bursts{Slot: p.Duration("slot"), Bad: p.Probability("bad"), Loss: p.Probability("loss")}
	if b.Slot <= 0 || b.Slot > model.Duration(model.MaxTime) {
		fail("slot", "%v must be longer than 0s and at most %v", b.Slot, model.MaxTime)
	}
	if b.Bad == 1 {
		fail("bad", "all slots would be bad (link-loss loses packets all the time)")
	} else if least := 1 / (1 - b.Bad); !p.Given("burst") {
		b.Mean = least
	} else if b.Mean = p.Number("burst"); b.Mean < least {
		fail("burst", "%v slots in a row are fewer than if slots were independent (at least %.4g of %v)", b.Mean, least, b.Bad)
	}
	if err != nil {
		return nil, err
	}
	return linkBursts{links, b}, nil
}

type linkBursts struct {
	links  []LinkID
	bursts Bursts
}

func (f linkBursts) Strike(n *Network) {
	for _, l := range f.links {
		n.LoseInBursts(l, f.bursts)
	}
}

func (f linkBursts) Heal(n *Network) {
	for _, l := range f.links {
		n.LoseNoBursts(l, f.bursts)
	}
}
