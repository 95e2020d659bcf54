// Package report shows the results of a run: as a page for a terminal, and as a
// directory with a Markdown page, figures, CSV files, the machine-readable
// results, the resolved scenario and its provenance.
//
//	report.md           the page, with the figures
//	results.json        everything, as package run documents it
//	scenario.yaml       the scenario with all defaults and --set values
//	provenance.json     version, seed and hashes
//	detectors.csv       one line per detector
//	properties.csv      one line per detector and property, and per property of the network
//	mistakes.csv        who suspected whom wrongly, and how often
//	detection.csv       the distribution function of detection times
//	latency.csv         the distribution function of latencies
//	latency.svg, detection.svg, worst-mistake.svg
//	latency.md          where the scenario has levels of QJUMP: the report on their
//	                    latency bounds, to be signed, with the files below
//	guarantee.json      all that is guaranteed, as package guarantee documents it
//	levels.csv, ports.csv, flows.csv, curves.csv
//	bounds.svg, backlog.svg, slowest.svg, curves.svg
//	adversary-7.yaml    the worst schedule that was found for priority 7, a scenario
//	counterexample-7.yaml
//	machine.json        when, where and how long: all that may differ between two
//	                    reports of the same scenario, seed and version
//
// A directory is complete or not there: its files are written and synced under a
// temporary name, which is then changed. An existing report is never changed; a new
// one with the same bytes leaves it, one with others is refused.
//
// Names that come from a scenario are made harmless wherever they appear: no
// control characters reach a terminal, no markup a page, no formula a spreadsheet,
// and no path a file name.
package report
