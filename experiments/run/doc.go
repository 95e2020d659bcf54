// Package run turns a scenario into results: it builds the network with its
// detectors, traffic and faults, folds the records of the run into properties,
// quality of service and latencies, and does so again in independent replications
// until there are enough.
//
//	scenario -> kernel, network, detectors -> records -> folds -> replication
//	replications, in the order of their index -> [Results]
//
// # Determinism
//
// [Results] are the same bytes for the same scenario, seed and version, whatever the
// number of workers and processors: a replication has no goroutine, replications are
// merged in the order of their index, and a rule that stops early is asked after each
// of them in that order, so that work which ran ahead of the decision is thrown away.
// Only limits of wall-clock time and memory depend on the machine, and results that
// they truncated say so and satisfy no expectation. Both are for one replication; that of
// memory is compared with the heap over the number of replications that exist at the time.
//
// Replication i has its own seed, the first draw of the scenario's stream
// "replication/<i>". All its random streams follow from that seed and their names:
// "start/<host>", "link/<from>><to>/loss", and those that the scenario gives to its
// faults and traffic, by their places in its lists. A detector, or a fault or source of
// traffic that comes last, leaves what everybody else draws as it was: the arms of an
// experiment share their random numbers.
//
// # Detectors that share messages
//
// Detectors that send nothing but the standard heartbeat, with the same period and
// stagger, listen to the same messages, so that they are compared on the same losses
// and delays. Others send their own messages on the same network.
//
// # Levels
//
// Where the scenario has levels of QJUMP, what is proved of them ([guarantee.Derive]) is
// in Results.Guarantee, and what was measured of the same levels, ports, flows in
// Results.Levels, from records alone. A record tells when a packet came to a port and
// when it came to the far end of the link; the port's rate and the link's delay tell when
// its transmission began in between. So the backlogs are those of the queues, exactly, but for
// packets that a fault takes from a port, that are there at the end of the run, or whose
// link has jitter. The property latency-bound, which is judged of the network and of no
// detector, takes the proved bound of its level where the scenario gives it no other,
// even if that bound is withdrawn: then it shows what a broken assumption does. [Dissect]
// takes the delay of a packet apart.
//
// # Statistics
//
// The unit of every interval is the replication, since mistakes cluster; that of a
// Poisson process, for rare counts, is beside it. Where two replications have the same
// hash there are no intervals, and no rule that stops early calls them precise: they are
// one observation. See the fields of [Results], which [ResultsSchema] describes too.
package run
