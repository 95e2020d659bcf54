package network

import (
	"errors"
	"slices"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "link-flapping",
		Source: "Labovitz, Malan and Jahanian, \"Internet routing instability\", SIGCOMM 1997; Turner et al., \"California fault lines\", SIGCOMM 2010 (flapping links)",
		Doc:    "A link goes down and comes up again and again, for times that are drawn anew each time. It goes down when the fault strikes, and is up when it has healed.",
		Loses:  true,
		Params: append(slices.Clone(linkParams),
			model.Param{Name: "down", Type: model.TextParam, Doc: "how long it is down, each time: a duration or distribution"},
			model.Param{Name: "up", Type: model.TextParam, Doc: "how long it is up in between: a duration or distribution"},
		),
		New: newLinkFlapping,
	})
}

// linkFlapping has its own stream, from which it draws while it is in force.
type linkFlapping struct {
	linkDown
	down, up sim.Distribution
	stream   *sim.Stream

	network *Network // on which it has its timer, once it has struck
	timer   sim.Timer
	inForce int  // strikes
	isDown  bool // the links are, by it
}

func newLinkFlapping(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
	links, err := linksOf(p, t, s)
	down, wrongDown := distributionOf(p, "down")
	up, wrongUp := distributionOf(p, "up")
	if err := errors.Join(err, wrongDown, wrongUp); err != nil {
		return nil, err
	}
	return &linkFlapping{linkDown: linkDown{links}, down: down, up: up, stream: sim.NewStream(s.Uint64(), "flapping")}, nil
}

// Strike takes the links down for the first time.
func (f *linkFlapping) Strike(n *Network) {
	if f.inForce++; f.inForce > 1 {
		return
	}
	if f.network != n {
		f.network, f.timer = n, n.kernel.NewTimer(f, 0)
	}
	f.toggle()
}

// Heal leaves the links up.
func (f *linkFlapping) Heal(n *Network) {
	if f.inForce--; f.inForce > 0 {
		return
	}
	n.kernel.Disarm(f.timer)
	if f.isDown {
		f.isDown = false
		f.linkDown.Heal(n)
	}
}

// Fire takes the links down, or lets them up.
func (f *linkFlapping) Fire(uint32) { f.toggle() }

func (f *linkFlapping) toggle() {
	f.isDown = !f.isDown
	next := f.up
	if f.isDown {
		next = f.down
		f.linkDown.Strike(f.network)
	} else {
		f.linkDown.Heal(f.network)
	}
	k := f.network.kernel
	k.Arm(f.timer, k.Now().Add(next.Sample(f.stream)))
}
