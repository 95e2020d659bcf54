// Package qjump holds the levels, the rate limiters and the latency bounds of QJUMP
// (Grosvenor, Schwarzkopf, Gog, Watson, Moore, Hand and Crowcroft, "Queues don't
// matter when you can JUMP them!", NSDI 2015), which couples priority with rate: who
// sends little is promised much.
//
// An output-queued switch holds a packet up for at most one packet of every other
// input, so that n hosts with packets of P bytes on links of rate R see a delay of
// at most n*P/R + eps, where eps is the sum of all processing ([FanIn]). Hosts that
// send one packet in each network epoch keep it so; as their epochs are not aligned,
// the epoch is 2*n*P/R + eps ([Epoch]). A level with throughput factor f counts on
// n/f hosts to use it at once, and sends f times as much ([Table]). What f means is
// not the same everywhere ([Semantics]).
//
// [Limiter] is what a host does, in three kinds, and [Host] has one for each level.
// [Network.Bounds] proves bounds on the delay from a limiter to the last bit at the
// receiver, port by port, for any topology and who sends to whom; [Path.Bounds] does so for
// a way of which little more is known than its length. [Bound] gives the latter and the
// published figures.
//
// # What holds, and what does not
//
// Let h switches be on the way, with N limiters whose packets can meet there, and L be
// the largest frame of a lower priority.
//
//   - On one switch the worst delay of n-1 spaced senders is exactly n*P/R, for every
//     epoch of n*P/R or more. With fixed windows it is exactly (2n-1)*P/R: two packets
//     of each sender can leave at the edge of two windows. So doubling the epoch does
//     not lower the worst delay. It makes it fit into one epoch, and halves the load.
//   - Store and forward adds (h-1)*P/R: n*P/R alone is the bound of a single switch.
//     For trees (n+h-1)*P/R follows from Chlamtac, Faragó, Zhang and Fumagalli,
//     "A deterministic approach to the end-to-end analysis of packet flows in
//     connection-oriented networks", IEEE/ACM Transactions on Networking 6(4), 1998.
//   - A frame in transmission is not interrupted. It adds L/R at each port, but at the
//     ports of hosts it also closes packets up: some wait for it, others do not, and
//     what left the limiters an epoch apart is less than that apart at the switch. So
//     n*P/R + 2*L/R is reached, and beaten: with n = 12, P = 256 B, L = 1518 B and
//     epochs of n*P/R, 6108 byte times by 7114. The bounds here take the delay of one
//     port for the jitter at the next and solve for the busy period (as in Tindell and
//     Clark, "Holistic schedulability analysis for distributed hard real-time systems",
//     Microprocessing and Microprogramming 40, 1994; for non-preemptive priorities see
//     Davis, Burns, Bril and Lukkien, "Controller Area Network (CAN) schedulability
//     analysis: refuted, revisited and revised", Real-Time Systems 35, 2007).
//   - On a tree the packets of many limiters come over one link, one after another, and
//     that counts: with a frame at every port, the sum over the ports is (n+h-1)*P/R +
//     (h+1)*L/R where no second packets of a sender meet the first, as on 3x5 hosts with
//     256 and 1518 bytes, of which an adversary found 40.6 of 40.72 packet times.
//   - For the same reason the bound is monotone in n, P, L and 1/R where the epoch
//     stays, but not where the epoch follows them: a longer epoch can be worth more than
//     a longer packet costs.
//   - Level f with n/f senders beside the receiver sees (n+1)*P/R with spaced bursts and
//     (2n+1)*P/R with windows, one packet more than the published figures.
//   - A fully used level is half a link's load. At most two fit ([Table.Admission]).
//   - Limiters count, not hosts; bytes on the wire, not those of the kernel; and the
//     slowest link.
//
// Times are whole picoseconds, where a packet's time on a link is rounded up; figures
// of the formulas are exact rationals.
package qjump
