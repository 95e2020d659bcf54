// Package network is a packet network as a discrete-event model: hosts with one
// network interface each, full-duplex links, output-queued store-and-forward
// switches with eight strict 802.1Q priorities, shortest-path routes, background
// traffic and faults. It also hosts the processes: process p of a system runs on
// host p, and its automata are stepped with the packets that reach it.
//
// Build a [Topology], make a [Network] on a [sim.Kernel], attach automata, add
// traffic, schedule faults, subscribe to the kernel's records, and run the kernel.
//
// # What is modelled
//
// A packet is handed to the network interface of its host, passes the rate limiter
// of its priority if there is one, waits in the output queue of its priority, is
// transmitted for as long as its bytes last at the link's rate, propagates, arrives
// whole at a switch (store and forward), and is queued again at the output port of its
// route. The highest priority goes first; a packet in transmission is never
// interrupted. A full queue drops the newcomer (drop-tail). A packet has a fate: it is
// delivered or dropped with a cause.
//
// Routes are the shortest paths of the fault-free topology, spread over equal
// ones by a hash of the flow; they do not react to failures. Switching itself
// takes no time; put a switch's latency into the delay of its links.
//
// A link adds to its delay a random one, or one that was recorded on a real path, and it
// may lose packets at random or as recorded ([LinkConfig], [Replay]). Every packet is lost
// at the far end of a link.
//
// # Clocks and pauses
//
// Records, links, traffic and faults follow true time. The automata and limiters of a
// host know its own clock alone, which may be ahead, drift and step ([Network.SetClock]).
// What they are told never decreases: a clock that steps back shows the same time until
// it has caught up.
//
// A process that is paused keeps its state and takes no step ([Network.PauseProcess]). A
// message is delivered, in records and counts, when its last bit has reached the host,
// as the latency of the network ends there; the process takes it when it goes on. Its
// wake-ups wait too, all in the order in which they became due. There is no limit to
// what waits. A process that is slow works on each of these inputs for some time, and
// does at its end what the input makes it do ([Network.SlowProcess]).
//
// # Faults
//
// A [Fault] strikes and heals; [AllFaults] lists the kinds, each in its own file. Faults
// overlap: what one of them breaks works again when all that broke it have healed, and
// then the network is as before, but for the packets that were lost. A packet that a fault
// takes is dropped with a cause that names it: on a link that is down ([model.LinkDown]),
// by an interface that loses what its link brings though it is up
// ([model.InterfaceFault]), by a checksum ([model.Corrupted]), in a crashed switch
// ([model.SwitchDown]), or by a rule of a switch ([model.RuleDrop]).
//
// A partition is a cut of links ([Network.SetLink]) if that parts whom it should; pairs of
// hosts that others still reach are parted by rules at all switches ([Network.SetRule]).
// What a fault looks at, it looks at where packets come to the far end of a link, and only
// while it is in force: links without such faults are as fast to simulate as ever. Packets
// that come late there wait beside the link, so that those behind overtake them and the
// link itself keeps its order ([Network.DelaySome]).
//
// # One event a hop
//
// An output port does not schedule the end of a transmission. It decides late:
// when a packet arrives at the port, when the last packet that it has decided
// upon arrives at the far end, and when somebody looks, every transmission whose
// start lies in the past is settled, in the order that the port would have
// chosen then. A packet cannot have come too late for a choice, since its own
// arrival settles the port first; and a port whose queues are not empty always
// has a packet under way, whose arrival settles it again. Links with jitter or with
// recorded delays that overtake, on which arrivals come out of order, use a second event
// at the end of each transmission instead. [Config.TwoEventPorts] makes every port do so,
// which must not change any record.
package network
