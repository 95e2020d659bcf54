// Package theorems lists what the theory says of failure detectors, where it is said, and the
// tests that hold our code to it; and it has those of these tests that need more than one
// package. Statements that must fail without one of their conditions are shown to fail.
//
//	go test -v -run TestIndex ./experiments/theorems
//
// prints the list. A test in it that does not exist fails it.
package theorems
