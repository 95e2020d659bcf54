// Package asynctest runs algorithms in small asynchronous systems and tells what they broke:
// a message-level runner for tests of what is built on failure detectors.
//
// A [System] says how many processes there are, who crashes when, what the links promise and
// how long messages take; [System.Run] gives every process an automaton and returns a [Run]:
// the records of what they announced and suspected. All choices come from one seed. A crash
// falls into the middle of a step: of the messages that the process sent last, only the first
// few go out.
//
// The checks are the definitions, read off the records by brute force: [Run.Consensus],
// [Run.Undecided], [Run.Broadcast], [Run.Order], and for histories of detectors [Run.Keeps].
// What is to hold "eventually" is checked from a given time on until the end of the run, which
// a test chooses so that everything has settled by then.
package asynctest
