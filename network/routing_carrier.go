package network

import (
	"suspect/model"
	"suspect/sim"
)

// carriers are what the switches see of the carriers of their ports. They see a change
// when it has lasted for a time; a shorter one they do not notice. A port sees the
// direction of its link that comes in.
type carriers struct {
	network *Network
	fabric  *fabric
	delay   model.Duration // Forever: they see none
	seen    [][]bool       // by switch and port
	looks   []sim.Timer    // by LinkID, of those that reach a switch

	// tell is called when switch s sees that a port lost or found its carrier.
	tell func(s, port int32, carrier bool)
}

func newCarriers(n *Network, f *fabric, delay model.Duration, tell func(s, port int32, carrier bool)) *carriers {
	c := &carriers{network: n, fabric: f, delay: delay, seen: make([][]bool, len(f.switches)), looks: make([]sim.Timer, len(n.ports)), tell: tell}
	for s, ports := range f.switches {
		c.seen[s] = make([]bool, len(ports))
		for p := range ports {
			c.seen[s][p] = true
			if delay != model.Forever {
				in := ports[p].link ^ 1
				c.looks[in] = n.kernel.NewTimer(c, uint32(in))
			}
		}
	}
	return c
}

// changed is called when link l may have gained or lost its carrier.
func (c *carriers) changed(l LinkID) {
	if c.delay == model.Forever || int(c.network.ports[l].to) < c.fabric.hosts {
		return
	}
	c.network.kernel.Arm(c.looks[l], c.network.kernel.Now().Add(c.delay))
}

// Fire lets a switch look at the link that reaches it.
func (c *carriers) Fire(arg uint32) {
	n, l := c.network, LinkID(arg)
	at := n.ports[l].to
	if n.switchIsDown(at) {
		return
	}
	s, port := int32(at)-int32(c.fabric.hosts), c.fabric.port[l^1]
	if up := n.carrier(l); up != c.seen[s][port] {
		c.seen[s][port] = up
		c.tell(s, port, up)
	}
}

// lookAt lets switch s look at all its ports at once, as when it starts.
func (c *carriers) lookAt(s int32) {
	if c.delay == model.Forever {
		return
	}
	for p, port := range c.fabric.switches[s] {
		c.seen[s][p] = c.network.carrier(port.link ^ 1)
		c.network.kernel.Disarm(c.looks[port.link^1])
	}
}
