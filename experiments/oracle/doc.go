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
// that are too wide and replications that share their randomness.
package oracle
