// Package model is the vocabulary and the mathematics of failure detection:
// time, processes, automata, failure patterns, detector classes and the records
// of a run. It has no behaviour of networks and imports nothing of this module.
//
// The terms are those of Chandra and Toueg, "Unreliable failure detectors for
// reliable distributed systems", JACM 43(2), 1996, and are never mixed:
//
//   - A fault is what the environment does to a run.
//   - A [FailurePattern] is the truth about who has crashed when (their F).
//   - A [Verdict] is a detector's opinion of one peer; the verdicts of a
//     process over time are its history (their H).
//   - A [Record] is one line of a run and the only source for every check,
//     metric, plot and report.
//
// # The model
//
// Processes 0..n-1 take steps and crash for good; nobody can read the time of the model.
// A [FailurePattern] F is non-decreasing, and an [Environment] is a set of patterns. A
// detector D with some range maps each pattern to the histories that it allows, and a
// [History] H gives what each process reads at each time. Of the eight classes of Chandra
// and Toueg (1996, section 2; [Class]) the range is the set of suspects:
//
//   - Strong completeness: from some time on every crashed process is suspected by every
//     correct one. Weak completeness: by some correct one.
//   - Strong accuracy: nobody is suspected before it crashes. Weak accuracy: some correct
//     process is never suspected. Eventual accuracy is either from some time on.
//
// Perpetual accuracy speaks of all processes that have not crashed yet, eventual accuracy
// of correct ones, and every pattern has a correct process. Omega gives a leader, Sigma
// quorums, T does not take trust back from the living, and HB counts ([OmegaAdmits],
// [SigmaAdmits], [TrustingAdmits], [HeartbeatAdmits]). [Oracles] lists them with the
// synchrony that they need, and [Order] says which is at least as strong as which, by
// definition or by an algorithm, with the source of each.
//
// A typed detector says which kinds of [FailureKind] it suspects. Each kind has its own
// completeness and accuracy, with the times that they take ([TypedClass]). The projection
// of its history on host failure is a history in the sense above, and keeps its class;
// its collapse, in which any kind is a suspicion, does not.
//
// # Automata
//
// A detector, and any algorithm built on one, is an [Automaton]: a
// deterministic function of its local clock and one [Input], writing messages,
// changes of verdict and one wanted wake-up to an [Output]. The same automaton is
// simulated on a packet network, explored exhaustively, property-tested, and
// replayed on recorded traces; it cannot tell which.
//
// # Time
//
// [Time] and [Duration] are whole picoseconds, since a byte lasts a whole number
// of them at every Ethernet rate. The range is 106 days. Floating point never
// enters time arithmetic.
package model
