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
	n.crashAgent(s)
	n.crashCPU(s)
	for l := range LinkID(len(n.ports)) {
		from, to := n.topology.Ends(l)
		if from == s {
			n.silence(l, model.SwitchDown)
			n.carrierChanged(l)
		}
		if to == s {
			n.updateInspected(l)
		}
	}
	if n.planes != nil {
		n.planes.crash(s)
	}
}

// RecoverSwitch takes one CrashSwitch back. A switch that works again has empty queues
// and, without a routing protocol, the routes that it had.
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
		} else if from, _ := n.topology.Ends(l); from == s {
			n.carrierChanged(l)
		}
	}
	switch {
	case n.planes != nil:
		n.planes.recover(s)
	case n.carrying != nil:
		n.carrying.lookAt(int32(s) - int32(n.topology.Hosts))
		n.emitRoute(s)
	}
}
