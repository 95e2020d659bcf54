// Package reduction holds algorithms that make one failure detector out of another. Each is
// an automaton that embeds the module of the weaker or other detector
// ([detectors.Module]) and puts out what a module of the emulated detector would. Chandra and
// Toueg write T_{D -> D'} for such an algorithm; that there is one means that D' is reducible
// to D, and that what can be solved with D' can be solved with D.
//
//   - [NewStrong] makes strong completeness of weak, and keeps all four accuracies;
//   - [NewOmega] makes a common leader of an eventually weak list of suspects, by counting;
//   - [NewFirst] does so of an eventually perfect one: the first that is trusted;
//   - [NewComplement] makes an eventually strong list of a leader: everybody else;
//   - [NewSigma] makes quorums of nothing at all, while a majority is correct.
//
// Lists of suspects are told by verdicts, leaders and quorums by announcements
// ([model.Elected], [model.Quorum]).
//
// # What is assumed
//
// Processes crash and do not recover. Links are quasi-reliable: what a correct process sends
// to a correct process arrives, once or several times, after any finite time and in any order.
// Where an algorithm stands more, as lost messages, it says so.
//
// An emulated detector lags behind its source: what it says now follows from what the source
// said some time ago, elsewhere. Perpetual accuracy survives that; a promise about one moment
// would not (Charron-Bost, Hutle, Widder, "In search of lost time", Information Processing
// Letters, 2010).
package reduction
