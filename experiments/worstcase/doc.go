// Package worstcase plays against the latency bounds of a scenario. For a level of
// QJUMP it looks for the schedule under which a packet is latest, and for a run in
// which a bound was broken it looks for the smallest schedule that still breaks it.
// Both end as a scenario of their own, with every packet written out, which `suspect
// run` replays to the picosecond.
//
// The search is that of package adversary on the scenario's network; its delay is
// attained, and so stands below the proved bound of package guarantee, however long the
// search was. The schedule is then freed of all packets that the delay does not depend on.
//
// The shrinking is delta debugging (Zeller and Hildebrandt, "Simplifying and isolating
// failure-inducing input", IEEE Transactions on Software Engineering 28, 2002) on the
// packets that were sent before the late one: fewer packets, rounder times and, for a bound
// that is proved, a network as small as possible. What breaks the bound stays: a sender past
// all limiters, a second limiter, a slow link, a clock that jumps. Every step is judged by a
// run, and the effort is counted in events, so that the outcome is the same on every machine.
package worstcase
