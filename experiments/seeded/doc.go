// Package seeded shows that the tests find bugs: it puts deliberate ones, one at a time, into
// detectors, reductions and algorithms of agreement ([suspect/detectors/seeded]), and looks
// for each with one of the means that a user has:
//
//   - the suite: [properties.Suite] over random failure plans, against what the detector
//     claims;
//   - the explorer: all runs of a small system ([suspect/properties/explore]);
//   - random runs in an asynchronous system, with oracles that lie as much as their class
//     allows ([suspect/detectors/asynctest], [suspect/detectors/ideal]).
//
// It prints which found what, after how many plans, states or runs. A bug that nothing finds
// fails the test, and so does any finding when there is none.
//
//	go test -tags seeded -v ./experiments/seeded
//
// Without the tag there is nothing here to be run.
package seeded
