package network

import (
	"encoding/binary"
	"fmt"

	"suspect/model"
)

// NextHop returns the link on which switch at would send now a packet for host dst whose
// flow has the given hash (see [Network.Flow]), and whether it has a route. The link may
// be down. For failure-carrying packets it is the next hop of one that carries nothing
// yet, with what the switch itself knows of its own links.
func (n *Network) NextHop(at, dst NodeID, flow uint32) (LinkID, bool) {
	l, ok := n.routes.next(at, dst, flow)
	if n.carrying != nil {
		l, ok, _ = n.carrying.steer(at, dst, flow, l, ok, nil)
	}
	return l, ok
}

// Flow returns the hash of a flow, which decides its path among equal ones: all packets
// of a flow take the same. The label of a message is the number of its panel.
func (n *Network) Flow(from, to NodeID, label uint32) uint32 { return ecmpHash(from, to, label) }

// spread gives every host its own column in the tables, so that a switch can have a route
// of its own to each, even to those that are linked to it.
func (r *routes) spread() {
	if r.isSpread {
		return
	}
	r.isSpread = true
	switches := len(r.salt)
	table := make([]uint32, switches*len(r.hosts))
	for h := range r.hosts {
		last := &r.hosts[h]
		direct := r.entry([]LinkID{last.down})
		for s := range switches {
			table[s*len(r.hosts)+h] = r.table[s*r.columns+int(last.column)]
			if last.at == r.first+NodeID(s) {
				table[s*len(r.hosts)+h] = direct
			}
		}
	}
	for h := range r.hosts {
		r.hosts[h].at, r.hosts[h].column = nowhere, int32(h)
	}
	r.table, r.columns = table, len(r.hosts)
}

// nowhere is the switch of a host whose routes are all in the table.
const nowhere NodeID = -1

// entry returns the table entry of a set of equal next hops, which is stored if it is new.
func (r *routes) entry(set []LinkID) uint32 {
	if len(set) == 0 {
		return 1
	}
	r.key = r.key[:0]
	for _, l := range set {
		r.key = binary.LittleEndian.AppendUint32(r.key, uint32(l))
	}
	if entry, ok := r.known[string(r.key)]; ok {
		return entry
	}
	if len(set) > maxSet || len(r.links)+len(set) > maxSets {
		panic(fmt.Sprintf("network: the routing tables would hold more than %d next hops, or a set of more than %d", maxSets, maxSet))
	}
	entry := uint32(len(r.links))<<setBits | uint32(len(set))
	r.links = append(r.links, set...)
	r.known[string(r.key)] = entry
	return entry
}

// install makes switch at forward packets for a host to the equal next hops of a set, or
// nowhere if that is empty, and tells whether this changes something. The tables are
// spread.
func (r *routes) install(at, host NodeID, set []LinkID) bool {
	slot := &r.table[int(at-r.first)*r.columns+int(host)]
	entry := r.entry(set)
	changed := *slot != entry
	*slot = entry
	return changed
}

// installed returns the equal next hops of switch at for packets to a host, none if it
// has no route. The caller must not change them. The tables are spread.
func (r *routes) installed(at, host NodeID) []LinkID {
	entry := r.table[int(at-r.first)*r.columns+int(host)]
	set := r.links[entry>>setBits:][:entry&maxSet]
	if set[0] == noLink {
		return nil
	}
	return set
}

// emitRoute tells that switch at forwards otherwise than before.
func (n *Network) emitRoute(at NodeID) { n.emitRouteTo(at, model.Nobody) }

// emitRouteTo tells that switch at forwards otherwise than before what is for one host, or
// for more than one if that is Nobody.
func (n *Network) emitRouteTo(at NodeID, host model.ProcessID) {
	if n.kernel.Records.Wants(model.RouteChanged) {
		n.kernel.Records.Emit(&model.Record{At: n.kernel.Now(), Kind: model.RouteChanged, Process: model.ProcessID(at), Peer: host})
	}
}
