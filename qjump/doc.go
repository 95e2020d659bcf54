// Package qjump holds the latency arithmetic of QJUMP (Grosvenor, Schwarzkopf, Gog,
// Watson, Moore, Hand and Crowcroft, "Queues don't matter when you can JUMP them!",
// NSDI 2015).
//
// An output-queued switch can hold a packet up for at most one packet of every
// other input, so that n hosts with packets of P bytes on links of rate R see a
// delay of at most n*P/R + eps, where eps is the sum of all processing on the way
// ([FanIn]). Hosts that send one packet in each network epoch keep it so; as their
// epochs are not aligned, the epoch is twice as long ([Epoch]).
//
// The package does not limit anybody's rate yet, and its two functions are the
// published formulas, with the published assumptions: one packet a host and epoch,
// no frame of a lower priority in transmission at the ports on the way, and links
// that do not get slower from the edge to the core.
package qjump
