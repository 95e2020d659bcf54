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
