// Package scenario reads scenario files: YAML that says which network, load, faults
// and detectors to run, what to check, and what is expected.
//
// [Read] is strict. It tells everything that is wrong at once, each with file, line
// and column, the offending line, and what was probably meant: unknown, duplicate and
// missing keys, values without units, names that nothing has, networks that are not
// connected, and runs larger than their limits. What it returns is a plan that can be
// run as it is. [Scenario.Estimate] tells what a run of it will take.
//
// [Scenario.Resolved] writes the plan as a scenario with all defaults filled in, which
// reads back as the same plan; its SHA-256, [Scenario.Hash], names what was run.
// [Schema] describes scenarios to editors. The reader and the schema work by the same
// tables of keys (keys.go).
//
// # Values
//
// Values carry their units: durations as 10ms (h, min, s, ms, us, ns, ps), rates as
// 10Gbps, sizes as 256KiB or 64B, buffers as 256KiB, 100packets or unlimited,
// probabilities as 0.1% or 0.001, drifts of clocks as 50ppm. Where a time may be random,
// it is a duration or one of
//
//	uniform(lowest, highest)
//	exponential(mean)
//	normal(mean, deviation)    cut at zero
//
// YAML ends a value at a comma inside {...} and [...]; there "uniform(0s, 10ms)" is
// put in quotes. Anchors, aliases, tags and further documents are refused.
package scenario
