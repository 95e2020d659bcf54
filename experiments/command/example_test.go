package command_test

import (
	"fmt"
	"os"

	"suspect/experiments/command"
)

// Execute is what the program suspect does with its arguments.
func Example() {
	code := command.Execute([]string{"reply", "trace.csv"}, os.Stdout, os.Stdout)
	fmt.Println("exit code", code)
	// Output:
	// suspect: unknown verb "reply" (did you mean "replay"?)
	// Run "suspect help" for usage.
	// exit code 64
}
