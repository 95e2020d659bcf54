package command_test

import (
	"fmt"
	"os"

	"suspect/experiments/command"
)

// Execute is what the program suspect does with its arguments.
func Example() {
	code := command.Execute([]string{"replay", "trace.csv", "--detector", "tiemout timeout=5ms"}, os.Stdout, os.Stdout)
	fmt.Println("exit code", code)
	// Output:
	// suspect: --detector "tiemout timeout=5ms": there is no detector "tiemout" (did you mean "timeout"?) (detectors: nfd-e, nfd-s, timeout)
	// Run "suspect help" for usage.
	// exit code 64
}
