// Package explore visits every state that a small system can reach: the very automata
// that are simulated ([model.Automaton]), unchanged, in an environment that may do
// whatever its bounds allow. What it says about a property is said of every run.
//
//   - An environment is a [System]: a first state, and what may follow each. [Ticks] is
//     partial synchrony in discrete time; [Interleaved] is asynchrony, one event at a time.
//     Delays, losses, pauses, crashes and the automaton's own random choices are branches.
//   - A [Search] goes through the graph breadth first, so a safety property ([Always]) is
//     refuted by a shortest run. Its [Options] bound it; what a bound leaves open is
//     inconclusive, and never holds. It can be saved and gone on with ([Search.Save]).
//   - A liveness property ([EventuallyAlways], [InfinitelyOften], [LeadsTo],
//     [Recurrence]) is judged on the whole graph. It is violated exactly if a reachable
//     strongly connected component contains all of a violating cycle; the
//     counterexample is a path and the cycle that is repeated for ever. [Fairness] says
//     which infinite runs count.
//   - The properties of Chandra and Toueg are ready-made: [StrongAccuracy],
//     [StrongCompleteness] and their neighbours.
//   - [Search.Delays] measures, on the whole graph, how long something takes at worst.
//   - A [Walk] goes at random through what is too large to be visited.
//   - A [Counterexample] is printed as a swimlane ([Counterexample.Swimlane]), kept in a file
//     ([Trace]), found again in the explorer, and run by the simulator ([Simulation]).
//
// # States
//
// The state of a process is that of its automaton in its canonical encoding
// ([model.Automaton].AppendState), with what it has told. It is interned, and so are
// the contents of links: a state of the whole is a few numbers of such things, packed
// into words. An automaton takes each distinct step once, and is remembered. Where the
// state has at most 128 bits, which is usual, it is its own key, and no two states are
// ever confused. Where it is wider, a hash of 128 bits stands for it, and the report
// states the odds that some state was missed: n²/2^129 for n states.
//
// A finite graph needs automata whose states are finitely many: whose encodings are
// relative to the local time and saturate counters, and whose messages leave out what
// no receiver reads ([MessageEncoder]). Otherwise the search ends at a bound.
//
// # Symmetry
//
// Where the processes run the same algorithm, states that differ only in the names of
// the processes behave alike, and one of them is explored for all. That renaming does
// commute with every step is not believed but checked: each step of an automaton is also
// taken by its images under all renamings, with the renamed messages, and must end in the
// image of where it ends. Properties must not name processes; fairness of single
// processes, which the quotient cannot tell, is refused.
//
// # Reduction
//
// Much of asynchrony is the order of events that have nothing to do with one another. The
// [Reduction] of [Interleaved] delivers at once what can make no difference when it comes.
// It keeps the verdicts of safety, of what processes tell, and is refused for everything else.
//
// # Workers
//
// The states are split into a fixed number of shards by their hash. A fixed number of
// states is expanded at a time, by whichever worker comes first, and the successors are
// then inserted shard by shard in the order of the states that they come from. So the
// order in which states are found, and with it the whole report, counterexamples
// included, does not depend on the number of workers.
package explore
