package network

import (
	"fmt"

	"suspect/model"
)

// CrashSwitch stops a switch until as many calls of RecoverSwitch. What waits in its
// queues or is being transmitted by it is lost, and so is what reaches it; what is under
// way on the links that leave it is not.
func (n *Network) CrashSwitch(s NodeID) {
	down := &n.switchDown[int(s)-n.topology.Hosts]
	if *down++; *down != 1 {
		return
	}
	n.emitProcess(model.SwitchWentDown, model.ProcessID(s), model.Unspecified)
	for l := range LinkID(len(n.ports)) {
		from, to := n.topology.Ends(l)
		if from == s {
			n.silence(l, model.SwitchDown)
		}
		if to == s {
			n.updateInspected(l)
		}
	}
}

// RecoverSwitch takes one CrashSwitch back. A switch that works again has empty queues
// and the routes that it had.
func (n *Network) RecoverSwitch(s NodeID) {
	down := &n.switchDown[int(s)-n.topology.Hosts]
	if *down--; *down < 0 {
		panic(fmt.Sprintf("network: switch %d recovers more often than it crashed", s))
	}
	if *down != 0 {
		return
	}
	n.emitProcess(model.SwitchCameUp, model.ProcessID(s), model.Unspecified)
	for l := range LinkID(len(n.ports)) {
		if n.ports[l].to == s {
			n.updateInspected(l)
		}
	}
}
