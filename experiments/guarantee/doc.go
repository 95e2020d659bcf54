// Package guarantee derives what a scenario with QJUMP levels can promise about
// latency before it is run: a proved bound for each level, port and flow, and every
// assumption that it rests on, marked as given, derived, not modelled or broken.
package guarantee
