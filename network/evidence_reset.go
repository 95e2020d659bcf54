package network

import (
	"math/bits"

	"suspect/model"
)

// The system of a host resets the connections of a process that crashed (RFC 9293, section
// 3.10.7.1: what comes for a connection that does not exist is answered by a reset): it tells
// the processes that exchanged messages with it since its start, at once, and whoever sends it
// one later, each time. Nothing comes from a host that is down itself, nor about a process
// that is paused or wedged. Nobody resets a reset, or other evidence.

// contact is the set of processes that a process exchanged messages with, in one panel.
type contact []uint64

func (c contact) add(p NodeID, n int) contact {
	if c == nil {
		c = make(contact, (n+63)/64)
	}
	c[p/64] |= 1 << (p % 64)
	return c
}

// meet notes that two processes exchange a message.
func (n *Network) meet(p, q NodeID, panel uint8) {
	f := n.informants
	if f.contacts == nil {
		f.contacts = make([]contact, n.topology.Hosts*n.panels)
	}
	c := &f.contacts[int(p)*n.panels+int(panel)]
	*c = c.add(q, n.topology.Hosts)
}

// resetAll tells those that know process p that it does not run any more.
func (n *Network) resetAll(p NodeID) {
	f := n.informants
	if f == nil || !f.Resets || f.contacts == nil {
		return
	}
	for panel := range n.panels {
		c := f.contacts[int(p)*n.panels+panel]
		for w, word := range c {
			for c[w] = 0; word != 0; word &= word - 1 {
				peer := NodeID(w*64 + bits.TrailingZeros64(word))
				n.reset(p, asker{node: peer, panel: uint8(panel)})
			}
		}
	}
}

// refuse answers packet x, which came for a process that does not run on a host that does.
func (n *Network) refuse(host NodeID, x *packet) {
	if n.informants != nil && n.informants.Resets && x.evidence == model.NoEvidence && !n.isSwitch(x.from) {
		n.reset(host, askerOf(x))
	}
}

func (n *Network) reset(host NodeID, to asker) {
	n.tellBy(host, model.SystemLayer, to, model.Evidence{
		Kind: model.Reset, About: model.ProcessID(host), Layer: model.SystemLayer,
		Incarnation: n.processes[host].incarnation,
	})
}
