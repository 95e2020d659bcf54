package network

import "suspect/model"

// A switch tells what waits at its output ports, in all queues of a port together and without
// the packet in transmission, and how many packets they had no room for since the beginning:
// when it is asked, and every Evidence.Queues to its subscribers, of those ports at which
// something waits or was lost since it last told.

// tellQueue tells of the port of a switch that feeds link l.
func (n *Network) tellQueue(at NodeID, l LinkID, to asker) {
	_, peer := n.topology.Ends(l)
	n.tell(at, to, model.Evidence{
		Kind: model.QueueState, About: model.ProcessID(peer), Layer: model.SwitchLayer,
		Place: model.LinkPlace(int32(l)), Value: n.waitingAt(l), Lost: n.informants.links[l].lost,
	})
}

// waitingAt returns how many bytes wait at port l.
func (n *Network) waitingAt(l LinkID) (bytes int64) {
	for c := range model.Priority(model.Priorities) {
		_, b := n.Backlog(l, c)
		bytes += b
	}
	return bytes
}

// tellQueues tells the subscribers of a switch of its queues, from now on.
func (n *Network) tellQueues(at NodeID) {
	f, a := n.informants, n.agentOf(at)
	if a.telling || f.Queues == 0 {
		return
	}
	a.telling = true
	starts := a.starts
	var tick func()
	tick = func() {
		if a.starts != starts || n.switchIsDown(at) {
			return // it has forgotten
		}
		for _, l := range n.portsOf(at) {
			w := &f.links[l]
			if w.lost == w.told && n.waitingAt(l) == 0 {
				continue
			}
			w.told = w.lost
			for _, to := range a.subscribers {
				n.tellQueue(at, l, to)
			}
		}
		n.later(f.Queues, tick)
	}
	n.later(f.Queues, tick)
}
