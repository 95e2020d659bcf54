// Package command is the command line of suspect.
//
// A program of a few lines in another module adds its own detectors, faults and
// properties to it: it registers them with packages detectors, network and
// properties, and calls [Main].
//
//	func main() {
//		detectors.Register(mine.Spec)
//		command.Main()
//	}
//
// Everything that suspect does then works on them: scenarios name them, list shows
// them, the schema of scenarios contains them.
//
// # Streams and exit codes
//
// Results go to standard output and nothing else does; progress, remarks and errors go
// to standard error. The exit code of run judges what the scenario expects, and
// that alone; that of experiment is 1 where the simulator does not agree with theory, and
// that of check where a detector breaks a claim, or 3 where one could not be tested; that of
// explore where a property is violated, or 3 where a bound left one open:
//
//	 0  every expectation is met, or there is none
//	 1  an expectation is not met
//	 3  none is refuted, but one is not decided, or the run was truncated by a budget
//	64  the command line is wrong
//	65  a scenario, topology or trace is wrong or cannot be read
//	70  a bug of suspect itself
//	74  the results or the report could not be written
//	75  a signal ended the run
//
// # Interrupts
//
// The first SIGINT or SIGTERM ends a run within milliseconds; no report is written, or
// the one that is just being written is completed, and a line says which. The
// second ends the process at once, and if it comes while a report is written it may
// leave a hidden directory .NAME.*.tmp beside the report, which can be deleted. Either
// way the exit code is 75.
package command
