// Package agreement holds what processes do with failure detectors: broadcasts that all or
// none deliver, consensus, and broadcasts in one order, each an automaton that runs over any
// detector, and that is simulated and explored as detectors are.
//
//   - [NewReliable] and [NewUniform] broadcast messages, with no detector at all;
//   - [NewConsensus] decides one value, by one of three algorithms: [WithS], [WithEventuallyS]
//     and [WithOmega];
//   - [NewAtomic] broadcasts messages in one order, by instances of consensus;
//   - [NewOrdered] decides one value by the first message of such a broadcast.
//
// To elect a leader is what a detector of the class Omega does: see package reduction.
//
// # Over a detector
//
// A constructor is given the process's place in the system, and the automaton of its failure
// detector, made for the same place. That is to watch all others: for a crashed process that it
// does not watch an algorithm waits for ever. The algorithm embeds it as a [detectors.Module]: the
// detector's messages travel with the algorithm's own, and its verdicts, leaders and quorums
// are put out as the algorithm's, so that one run records both the decisions and the history
// that they rest on. An algorithm looks at its detector in each step: what the papers write as
// "wait until received or suspected" is asked again after each input.
//
// Processes tell what they do by announcements: [model.Proposed] and [model.Decided], with the
// value, [model.Broadcast] and [model.Handed], with the process that broadcast, the number of
// the message among its own, and the value.
//
// # Links
//
// The algorithms send every message once. They assume links that are quasi-reliable: a
// message between correct processes arrives, after any finite time, in any order; one from a
// process that crashes may be lost. Where the paper assumes reliable links, on which mail of
// the crashed arrives too, and the difference matters, it is told; so is what happens with
// fewer correct processes than needed, or a detector that is not in its class. Duplicates do
// no harm. A process that crashes does not recover.
//
// # Finite states
//
// The algorithms know no time, but for the moments at which messages are broadcast. What is
// not finite is the number of rounds that a process may begin while its detector errs:
// exploration bounds it ([Options]), and a process that has used its rounds begins no other
// but goes on to receive. Numbers of processes are bounded by [detectors.MaxSet].
package agreement
