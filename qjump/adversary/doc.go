// Package adversary looks for the schedule under which a class of packets is latest:
// a lower bound on the worst delay, to be held against the upper bounds that package
// qjump proves. Random phases do not come near the worst case; on one switch with 64
// hosts they reach about an eighth of it.
//
// The adversary chooses what the rules leave open: the phase of each limiter, the times
// at which each limited sender offers its packets, and when best-effort frames leave
// which host for which other. It does not break the rules. Every evaluation is a run
// of package network with the limiters of package qjump, and the delay is that from
// the limiter's release to the last bit at the receiver.
//
// [Search] first plays the critical instants: all senders at once, all at the edge of a
// window, and the last packets of one window with the first of the next, where packets
// that join the way of the latest one further on are sent to meet it there (for one
// processor and preemptive priorities, Liu and Layland, "Scheduling algorithms for
// multiprogramming in a hard-real-time environment", Journal of the ACM 20, 1973, prove
// this instant the worst; for networks it is where to begin). From each it then climbs
// by small changes that are kept where the delay does not fall, and begins anew when
// that no longer helps. Many changes use what the last run showed, such as sending so as to
// meet a given packet at a given switch; others are single picoseconds, as the worst
// cases lie at edges.
//
// What is found is attained: [Replay] shows it again, to the picosecond. What is not
// found may exist all the same.
package adversary
