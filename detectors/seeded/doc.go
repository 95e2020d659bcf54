// Package seeded puts deliberate bugs into the detectors, reductions and algorithms of
// agreement, so that one can see that the tests find them. A bug is a condition in the
// algorithm with a name for what is then wrong:
//
//	if now >= d.deadline() || seeded.Bug("it suspects at once") {
//
// In a normal build [Bug] is false, which the compiler sees, and nothing is left of it. With
// the build tag seeded it is true of one name at a time, which the tests of
// suspect/experiments/seeded choose.
package seeded
