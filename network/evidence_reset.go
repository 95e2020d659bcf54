package network

import (
	"math/bits"
	"slices"

	"suspect/model"
)

// The system of a host resets the connections of a process that crashed (RFC 9293, section
// 3.10.7.1: what comes for a connection that does not exist is answered by a reset): it tells
// the processes that exchanged messages with it since its start, at once, and whoever sends it
// one later, each time. Nothing comes from a host that is down itself, nor about a process
// that is paused or wedged. Nobody resets a reset, or other evidence.
//
// Of a process that ends by itself the system closes the connections in good order: it tells
// those that exchanged messages with it that they are finished. Whom a message came from that
// the process has not taken yet, it resets, as that is lost (RFC 1122, section 4.2.2.13); so
// it does from then on with whoever sends one.

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
	n.part(p, func(asker) model.EvidenceKind { return model.Reset })
}

// finishAll tells those that know process p, which runs, that it ends.
func (n *Network) finishAll(p NodeID) {
	f, pr := n.informants, &n.processes[p]
	if f == nil || !f.Resets || f.contacts == nil {
		return
	}
	n.part(p, func(to asker) model.EvidenceKind {
		unread := func(s stimulus) bool {
			m := &s.input.Message
			return s.input.Kind == model.Deliver && m.Layer == model.ProcessLayer && NodeID(m.From) == to.node && s.panel == to.panel
		}
		if slices.ContainsFunc(pr.waiting[pr.first:], unread) || slices.ContainsFunc(pr.stuck, unread) {
			return model.Reset
		}
		return model.Finish
	})
}

// part tells each process that exchanged messages with p what how returns, and forgets it.
func (n *Network) part(p NodeID, how func(asker) model.EvidenceKind) {
	for panel := range n.panels {
		c := n.informants.contacts[int(p)*n.panels+panel]
		for w, word := range c {
			for c[w] = 0; word != 0; word &= word - 1 {
				peer := asker{node: NodeID(w*64 + bits.TrailingZeros64(word)), panel: uint8(panel)}
				n.tellConnection(p, peer, how(peer))
			}
		}
	}
}

// refuse answers packet x, which came for a process that does not run on a host that does.
func (n *Network) refuse(host NodeID, x *packet) {
	if n.informants != nil && n.informants.Resets && x.evidence == model.NoEvidence && !n.isSwitch(x.from) {
		n.tellConnection(host, askerOf(x), model.Reset)
	}
}

// tellConnection resets or finishes the connection between the process of a host and another.
func (n *Network) tellConnection(host NodeID, to asker, how model.EvidenceKind) {
	n.tellBy(host, model.SystemLayer, to, model.Evidence{
		Kind: how, About: model.ProcessID(host), Layer: model.SystemLayer,
		Incarnation: n.processes[host].incarnation,
	})
}
