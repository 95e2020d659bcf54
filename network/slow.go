package network

import (
	"fmt"

	"suspect/model"
	"suspect/sim"
)

// slowness is what makes a process take time for its inputs.
type slowness struct {
	by     []sim.Distribution // in force
	stream *sim.Stream
	done   sim.Timer // with the first of the inputs that wait
}

// SlowProcess makes process p work on each of its inputs for a time drawn from each, one
// after the other, until FastenProcess with the same distribution. Of several that are in
// force the times add up. Inputs that come meanwhile wait, however many; what a process
// does on an input, it does at the end of the work on it. A pause interrupts the work,
// which begins again after it, and a crash takes everything that waits. The host, its
// network interface and its limiters are as fast as ever.
func (n *Network) SlowProcess(p model.ProcessID, each sim.Distribution) {
	pr := &n.processes[p]
	if pr.slow == nil {
		pr.slow = &slowness{
			stream: n.kernel.Stream(fmt.Sprintf("slow/%q", n.topology.Names[p])),
			done:   n.kernel.NewTimer((*finishes)(n), uint32(p)),
		}
	}
	pr.slow.by = append(pr.slow.by, each)
	n.truth.slowed(p)
	n.updateQueues(pr)
}

// FastenProcess takes one SlowProcess back. A process that is as fast as ever again takes
// what waits for it at once.
func (n *Network) FastenProcess(p model.ProcessID, each sim.Distribution) {
	pr := &n.processes[p]
	pr.slow.by = without(pr.slow.by, each)
	n.truth.slowed(p)
	if len(pr.slow.by) == 0 {
		n.restartWork(pr)
	}
	n.updateQueues(pr)
}

// restartWork lets a process begin to work on the first input that waits, or on none if
// it is paused, not slow, or has nothing to do.
func (n *Network) restartWork(pr *process) {
	s := pr.slow
	switch {
	case s == nil:
	case len(s.by) == 0 || pr.pauses != 0 || pr.first == len(pr.waiting):
		n.kernel.Disarm(s.done)
	default:
		takes := model.Duration(0)
		for _, d := range s.by {
			takes += d.Sample(s.stream)
		}
		n.kernel.Arm(s.done, n.kernel.Now().Add(takes))
	}
}

// finishes are the network as the handler of the timers of slow processes; the argument is
// the process.
type finishes Network

// Fire ends the work on an input.
func (w *finishes) Fire(arg uint32) {
	n := (*Network)(w)
	pr := &n.processes[arg]
	n.take(pr)
	n.restartWork(pr)
}
