package network

import (
	"errors"
	"slices"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "link-loss",
		Source: "Gilbert, Bell System Technical Journal 39, 1960; Elliott, ibid. 42, 1963",
		Doc: "A link loses packets at random instead of as it is configured: each with the same probability, or in bursts. " +
			"Of several that strike one link the last one counts, until it heals.",
		Loses: true,
		Params: append(slices.Clone(linkParams),
			model.Param{Name: "probability", Type: model.ProbabilityParam, Optional: true, Doc: "of loss of a packet, independent of the others"},
			model.Param{Name: "good", Type: model.ProbabilityParam, Optional: true, Doc: "of loss in the good state"},
			model.Param{Name: "bad", Type: model.ProbabilityParam, Optional: true, Doc: "of loss in the bad state"},
			model.Param{Name: "good_to_bad", Type: model.ProbabilityParam, Optional: true, Doc: "of going bad before a packet"},
			model.Param{Name: "bad_to_good", Type: model.ProbabilityParam, Optional: true, Doc: "of going good before a packet"},
		),
		New: newLinkLoss,
	})
}

// linkLoss is one fault on its links.
type linkLoss struct {
	links []LinkID
	loss  Loss
}

func newLinkLoss(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
	links, err := linksOf(p, t, s)
	if p.Given("probability") {
		for _, name := range []string{"good", "bad", "good_to_bad", "bad_to_good"} {
			if p.Given(name) {
				err = errors.Join(err, &model.ParamError{Name: name, Err: errors.New("excludes probability: a link has either")})
			}
		}
		return &linkLoss{links, IndependentLoss(p.Probability("probability"))}, err
	}
	for _, name := range []string{"bad", "good_to_bad", "bad_to_good"} {
		if !p.Given(name) {
			err = errors.Join(err, &model.ParamError{Name: name, Err: errors.New("is required, unless probability is given")})
		}
	}
	return &linkLoss{links, Loss{
		Good: p.Probability("good"), Bad: p.Probability("bad"),
		GoodToBad: p.Probability("good_to_bad"), BadToGood: p.Probability("bad_to_good"),
	}}, err
}

// Strike puts f in force on its links.
func (f *linkLoss) Strike(n *Network) {
	for _, l := range f.links {
		x := &n.loss[l]
		if len(x.struck) == 0 {
			x.before = x.Loss
		}
		x.struck = append(x.struck, f)
		n.SetLoss(l, f.loss)
	}
}

// Heal gives each link the loss of the fault that struck it last and is still in
// force, or that of before all.
func (f *linkLoss) Heal(n *Network) {
	for _, l := range f.links {
		x := &n.loss[l]
		last := len(x.struck) - 1
		i := last
		for x.struck[i] != f {
			i--
		}
		x.struck = slices.Delete(x.struck, i, i+1)
		switch {
		case i < last: // another one counts
		case last > 0:
			n.SetLoss(l, x.struck[last-1].loss)
		default:
			n.SetLoss(l, x.before)
		}
	}
}
