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
// Routes are the shortest paths, spread over equal ones by a hash of the flow; how they
// react to failures is a choice, see below. Switching itself takes no time; put a switch's
// latency into the delay of its links.
//
// A link adds to its delay a random one, or one that was recorded on a real path, and it
// may lose packets at random or as recorded ([LinkConfig], [Replay]). Every packet is lost
// at the far end of a link.
//
// # Routing
//
// Without more, routes are those of the fault-free topology and stay ([Static]).
// [Config.Routing] lets the switches learn of failures instead, each by itself, from what
// reaches it; what it has not learnt yet shows as black holes, loops that a limit of hops
// ends ([model.HopLimit]), and stale entries. A record [model.RouteChanged] tells each time
// that a switch forwards otherwise, and [Network.NextHop] what it does.
//
// [LinkStateRouting] has the mechanisms of OSPF: Hellos and the 2-way check, adjacencies,
// reliable flooding, shortest paths after a delay and not too often, and a forwarding table
// that is written entry by entry; failures are found by the dead interval, by BFD, or by the
// carrier. A failure is over, for traffic, after the sum of these times.
// [SpanningTreeBridging] has the mechanisms of IEEE 802.1D: one tree, and ports that listen
// and learn before they forward. [FailureCarrying] has no protocol: a packet that meets a
// link whose carrier is gone carries it along in its header, and goes around.
//
// The processes of these protocols are step functions of time and
// packets that know no kernel, as automata are. Their packets are real ones, of priority 7
// on the same links, are as late and as easily lost, and are told in records as traffic
// between nodes that are switches. A crashed switch forgets what its protocol had learnt.
// All begin as if everything had worked for long.
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
// does at its end what the input makes it do ([Network.SlowProcess]). One that is wedged
// goes on, but for its application ([Network.WedgeProcess]).
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
// link itself keeps its order ([Network.DelaySome]), and so do the second copies of packets
// that come twice there ([Network.DoubleSome]): each is a packet with a number of its own,
// and what was sent and duplicated is what is delivered, dropped or in flight. A message may
// also say something else when it arrives than when it was sent ([Network.Mangle]).
//
// # Generators
//
// A generator is where faults come from: a study of real systems, with its rates, its
// targets and its durations ([GeneratorSpec]). Its faults come as Poisson processes
// ([Arrivals]); each has a target and a duration of its own, drawn from streams that no
// other shares. What a study tells by rate for each element is multiplied by the elements
// there are; durations that are told by a few quantiles are drawn by a lognormal distribution
// where one has them, and by a table of quantiles where none does ([sim.Quantiles]). A run is
// at most 53 days long: rates are told by the [Month], and a year is simulated as twelve
// months that do not depend on each other.
//
// # Agents and evidence
//
// [Config.Evidence] lets hosts and switches tell of failures. All that they tell travels as
// packets ([PayloadOf] has their sizes), from the node that knows to the process that is told,
// at one priority, through the same queues as everything, and is as late and as easily lost;
// records of such packets have [model.Record].Evidence set, and the number of the detector
// that it is for. Its automata are told by an input [model.Inform].
//
// Agents answer the requests of automata ([model.Request]): a message whose Layer is not the
// process's goes to an agent of that layer.
//
//   - In a process the application answers for itself, when it comes to it: not while the
//     process is paused, wedged, slow, or down ([Panel.Application]).
//   - The system of a host knows whether its process runs, and kills it.
//   - The hypervisor looks at a counter of the system each [Evidence.Counter], sees in the
//     second look after its crash that it does not count any more, and kills it. Of a start
//     it knows when it has looked: until then it speaks of the incarnation that it saw. It
//     lives on when a host crashes ([Network.CrashHost]), but not without power
//     ([Network.CrashMachine]).
//   - A switch knows the state of its ports (carrier, bytes received, queues), asks a machine
//     from which no bytes come, cuts it off by disabling its port, and isolates it by rules.
//     It tells what its router holds of the links, where there is one ([Config.Routing]).
//
// What is killed stays down: no healing fault brings it back. Incarnations count the starts
// of each layer, so that nobody takes a machine for its predecessor; an order to kill may
// name one ([model.Victim]). What was down before is only confirmed to be so. Whoever crashes
// forgets his subscribers; rules and disabled ports are kept.
//
// Other evidence comes without being asked for, each kind in its own file: resets and ends
// of connections (evidence_reset.go), the state of ports (evidence_port.go) and queues
// (evidence_queue.go), marks of packets that waited (evidence_mark.go), errors and obituaries
// of packets that were dropped (evidence_error.go), what a router knows (evidence_link.go),
// and the failed links that a packet went around (evidence_detour.go).
//
// # Ground truth
//
// [Network.WatchTruth] tells what really holds between whom, from the state of the network
// and for every ordered pair of processes that is asked for: which kinds of failure, in
// which directions, from when to when ([Truth] defines each kind, [CongestionDefinition] the
// rival ones of congestion). It follows the changes: a fault looks at the pairs whose path
// it touches, and the end of a slot at the ports where packets wait (truth_switches.go,
// truth_trips.go, truth_congestion.go, truth_flaps.go). Nothing else changes by it but the
// number of events.
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
