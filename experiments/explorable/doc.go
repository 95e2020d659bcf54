// Package explorable knows what suspect explore can explore, by name: every registered
// detector in the environment of ticks (package suspect/properties/explore, Ticks), and
// algorithms over ideal detectors in that of interleavings (Interleaved). It puts together
// the processes, the environment and the properties that are to hold, so that the
// command line, experiments and tests explore the same things.
package explorable
