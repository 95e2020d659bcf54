// Package detectors holds failure detectors: one algorithm per file, each a pure
// [model.Automaton] with an entry in the registry. A detector never sees the
// simulator that runs it.
//
// # Heartbeats
//
// The detectors here monitor by heartbeats that follow one schedule (see
// [Heartbeats]), so several of them can listen to the same packets:
//
//   - timeout suspects a peer after a fixed silence;
//   - nfd-s is Chen, Toueg and Aguilera's detector for synchronised clocks;
//   - nfd-e is theirs for clocks that merely run at the same rate.
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
