// Package ideal holds detectors that no process could be: oracles, which are told when
// everybody is to crash, and which keep the letter of a class of detectors and nothing
// beyond it. They are adversaries. Where the class demands that a process be suspected, or
// not, they comply at the last moment; whatever it leaves open they choose at random, again
// and again, and an exploration branches on every choice. An algorithm that is right with
// the oracle of a class does not rely on more than the class.
//
// There is one for each of the eight classes of Chandra and Toueg ([New]), for Omega, Sigma
// and the trusting detector, and the Marabout, which is not realistic. Two more lie at will
// and for ever ([NewArbitrary], [NewArbitraryLeader]), for what must not depend on the
// detector at all: the safety of indulgent algorithms.
//
// What an oracle knows is in its [Plan]: the failure pattern, the time from which on it is
// bound by completeness and by the eventual clauses, and whom it picks where the class says
// "some correct process". It must be the pattern of the run. Domains are those of the
// definitions: perpetual accuracy binds every process until it crashes and protects every
// process until it crashes, eventual clauses bind correct processes and protect correct ones.
// So a faulty process's module may lie until the end, and a faulty process may be suspected
// before its crash where accuracy is eventual.
//
// An environment that decides on crashes as it goes, as an exploration does, makes a plan in
// which nobody crashes, and hands every oracle the evidence of each crash when it happens:
// [model.Liveness] of the [model.ProcessLayer], not alive. It must spare Chosen, where the
// class speaks of one correct process, and Watcher where completeness is weak. The histories are then those in which the oracle does not see crashes ahead. If the stable time is
// Never it need not tell: what is left is perpetual accuracy, and safety is explored with more
// than the class.
//
// Oracles are not in the registry of detectors: no scenario can name one. They send no
// messages. Times are those of one clock for all; with drifting clocks, and for a process
// that is paused, an oracle is as wrong as the clock or as late as the process.
package ideal
