// Package oracle holds the simulator to closed forms: it runs a queue, or the
// detector NFD-S, as the real network with real packets, and compares what it
// measures with what theory says, under a gate that can fail in both directions.
//
// The exact values are in queueing.csv and chen.csv, with the formula behind each.
// A row is simulated as independent replications. It passes when its t statistic is
// small enough for a whole family of rows to pass together with probability 99 %,
// and when its confidence interval is narrow enough for the comparison to mean
// something; a row that has no randomness must be matched to the picosecond. The
// sum of all t² must be neither too large nor too small, which catches intervals
// that are too wide and replications that share their randomness. The rows of chen.csv
// that are about one link are measured in two simulations, one without crashes and one
// with, so they are not independent: only the first row of each counts in the sum.
//
// All rows with a million packets take 45 s of one core for the queues and 12 s for
// chen.csv (measured on a 2-core virtual machine), and ten times as many packets, the
// size for which the precision is stated, ten times as long: about four minutes and
// one minute on two idle cores.
package oracle
