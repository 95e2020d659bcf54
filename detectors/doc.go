// Package detectors holds failure detectors: one algorithm per file, each a pure
// [model.Automaton] with an entry in the registry. A detector never sees the
// simulator that runs it.
//
// # Heartbeats
//
// Most detectors here monitor by heartbeats that follow one schedule (see
// [Heartbeats]), so several of them can listen to the same packets. Of the timeout
// family:
//
//   - timeout suspects a peer after a fixed silence;
//   - adaptive does so too, with a timeout that grows with each mistake (Chandra and
//     Toueg's detector for partial synchrony);
//   - nfd-s is Chen, Toueg and Aguilera's detector for synchronised clocks;
//   - nfd-u is theirs for clocks that merely run at the same rate, when the times are
//     known at which heartbeats are to arrive;
//   - nfd-e is that with estimated times;
//   - 2w-fd estimates them twice, from a few and from many heartbeats, and takes the
//     later one;
//   - bertier estimates them once, and the margin too.
//
// Of the accrual family, which tell how much they suspect a peer (see [Accrual]) and
// suspect it when that reaches a threshold:
//
//   - phi takes the intervals between heartbeats to be normal, and suspects when a
//     silence has become too improbable;
//   - phi-akka is phi as Akka and Pekko have it, with a pause that is accepted;
//   - phi-exponential takes the intervals to be exponential;
//   - phi-cassandra does so too, with Cassandra's rules for what to count and when to
//     hold back;
//   - satzger assumes no distribution and counts how many intervals were shorter;
//   - kappa counts missing heartbeats.
//
// # Pings
//
// Others ask, and answer those who ask. They have messages of their own:
//
//   - ping suspects a peer after a fixed time without a reply;
//   - timeout-2d-r judges each request by itself, and is perfect while delays and
//     processing times keep to their bounds;
//   - so-sirer pings within a budget, more often those that fail more often.
//
// # Membership by gossip
//
// Everybody is a member from the start, and news spread on other messages:
//
//   - swim probes one member in a period, directly and through others, and lets the
//     suspected refute (with Lifeguard's three components as switches);
//   - memberlist is that with the arithmetic of the library of this name;
//   - gossip spreads the heartbeat counters of all, one random member at a time;
//   - rapid has each member observed by several others, and removes those who fail
//     together by one decision of consensus.
//
// # Counters
//
// One detector suspects nobody: heartbeat-counter counts heartbeats (see [Counters]).
//
// # Leases and sessions
//
// Protocols whose timers are detectors:
//
//   - zookeeper expires sessions in buckets of ticks, and has the client's own timers;
//   - lease is safe while clocks drift no more than stated, for both sides;
//   - bfd and ospf are what routers run;
//   - node-lease is what Kubernetes does.
//
// # Judgement by a group
//
//   - vote suspects whom k members accuse, by any other detector;
//   - traffic-light changes its timeout with the state of the whole centre.
//
// # Kinds of failure
//
// Typed detectors (see [Typed]) say what has failed. Their verdicts name the kind; what
// else is told, by verdicts and to those who ask for the [model.Finding]s, depends on the
// parameter report. Why is answered by an [Explainer].
//
//   - untyped-partition and untyped-crash take every silence for one and the same kind,
//     for the others to be compared with;
//   - falcon asks the layer below whether a layer is stuck, kills it, and then says so;
//   - pigeon interprets what sensors in hosts and routers tell, warnings included;
//   - albatross has switches disconnect whom it then reports as disconnected;
//   - link-state listens to routers alone, and host-informed to hosts alone;
//   - differential asks nobody but its peers: it tells kinds apart by which probes come back;
//   - badabing estimates how often a way is congested (see [CongestionEstimator]);
//   - merger joins several of them into one report.
//
// Those with [Spec].Asks set send requests to the agents of hosts and switches
// ([model.Request]) and live on their [model.Evidence]. They number requests by the local
// time of asking, and what they have subscribed to has the number 0.
//
// # Conventions
//
// All agree in three conventions. A new detector trusts everybody. What falls due
// by a step's time is done before the step's input is looked at, so an arrival at
// the very moment of a deadline is too late, in whatever order a scheduler hands
// over the two. And a step that comes late, after a pause of its process, acts as
// of its own time: it neither backdates verdicts nor makes up for heartbeats.
//
// # Quality of service
//
// [NFDSQoS] computes what NFD-S achieves under a given delay distribution, and
// [Configure], [ConfigureFromMoments] and [ConfigureNFDU] are Chen's procedures
// that choose its parameters from requirements. They are analysis for users, in
// float64 seconds; no detector calls them.
//
// # Adding a detector
//
// Write one file, here or in another module, that registers a [Spec] from its
// init function, and call detectortest.Check from its test. The example of
// [Register] is a complete one.
package detectors
