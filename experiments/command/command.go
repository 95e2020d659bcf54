package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"suspect/experiments/report"
)

// Exit codes. 2 is left to the Go runtime, which exits with it on a panic.
const (
	ExitAsExpected   = 0
	ExitNotExpected  = 1  // an expectation of the scenario was not met
	ExitInconclusive = 3  // an expectation was neither met nor refuted, or the run was truncated
	ExitUsage        = 64 // the command line is wrong
	ExitBadInput     = 65 // a scenario, topology or trace is wrong or cannot be read
	ExitInternal     = 70 // a bug of this program, or nondeterminism
	ExitOutput       = 74 // results or a report could not be written
	ExitInterrupted  = 75 // stopped by a signal; the same command starts anew
)

// Main runs the command line of the process and exits. Detectors, faults and
// properties that are to be available must be registered before.
func Main() {
	// The signals are not given back: one that comes when all is done must not
	// look like one that stopped something.
	ctx, _ := interruptible(context.Background(), os.Stderr)
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// Execute runs the command line args and returns the exit code. Results go to
// stdout, progress and errors to stderr. SIGINT and SIGTERM end it early: the first
// in good order, the second at once.
func Execute(args []string, stdout, stderr io.Writer) int {
	ctx, stop := interruptible(context.Background(), stderr)
	defer stop()
	return execute(ctx, args, stdout, stderr)
}

func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c := newRoot(&environment{stdout: stdout, stderr: stderr})
	c.SetArgs(args)
	c.SetOut(stdout)
	c.SetErr(stderr)
	err := c.ExecuteContext(ctx)
	if err == nil {
		return ExitAsExpected
	}
	var e *exit
	if !errors.As(err, &e) { // cobra's own complaints are about usage
		e = &exit{ExitUsage, err}
	}
	if e.err != nil {
		fmt.Fprintf(stderr, "suspect: %s\n", safe(e.err.Error()))
	}
	if e.code == ExitUsage {
		fmt.Fprintln(stderr, "Run \"suspect help\" for usage.")
	}
	return e.code
}

// exit is an error with the code to exit with; err is nil where everything has been
// said.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &exit{ExitUsage, fmt.Errorf(format, args...)}
}

// environment is what all verbs share.
type environment struct {
	stdout, stderr io.Writer
	format         string
	quiet          bool
}

func (e *environment) json() bool { return e.format == "json" }

// print writes a result to stdout.
func (e *environment) print(text []byte) error {
	if _, err := e.stdout.Write(text); err != nil {
		return &exit{ExitOutput, fmt.Errorf("the results could not be written: %w", err)}
	}
	return nil
}

// note tells something beside the results, unless --quiet.
func (e *environment) note(format string, args ...any) {
	if !e.quiet {
		fmt.Fprintf(e.stderr, format+"\n", args...)
	}
}

// safe returns lines fit for a terminal.
func safe(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = report.Printable(l)
	}
	return strings.Join(lines, "\n")
}

func newRoot(e *environment) *cobra.Command {
	root := &cobra.Command{
		Use:   "suspect",
		Short: "A laboratory for failure detectors",
		Long: `Suspect runs failure detectors on simulated packet networks and tells what they
promise and keep: who was suspected wrongly, how fast crashes were seen, what
class was met, and how long packets took.

Begin with:  suspect run first`,
		Example: `  suspect run first                             run a scenario that comes along
  suspect init mine.yaml                        write one to begin with
  suspect validate mine.yaml                    check it and estimate its cost
  suspect run mine.yaml --seed 8 --set 'detectors[0].timeout=50ms'
  suspect check timeout timeout=2s              property-test a detector against its claims
  suspect explore adaptive                      visit every state that two of them can reach
  suspect replay heartbeats.csv.gz --detector "timeout eta=2ms timeout=10ms"
  suspect bound --hosts 1000 --packet 64B --rate 10Gbps   latency bounds of QJUMP
  suspect experiment queueing                   hold the simulator to closed forms
  suspect list detectors

Exit codes: 0 as expected, 1 not as expected, 3 inconclusive, 64 usage, 65 bad input,
70 internal error, 74 output not written, 75 interrupted.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return usage("unknown verb %q%s", args[0], meant(args[0], verbs(c)))
		},
		RunE: func(c *cobra.Command, _ []string) error {
			c.SetOut(e.stderr)
			c.Help()
			return &exit{ExitUsage, nil}
		},
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if e.format != "text" && e.format != "json" {
				return usage("unknown format %q: text or json", e.format)
			}
			return nil
		},
	}
	root.PersistentFlags().StringVar(&e.format, "format", "text", "format of the results: text or json")
	root.PersistentFlags().BoolVarP(&e.quiet, "quiet", "q", false, "no progress and no remarks on stderr")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		word, found := strings.CutPrefix(err.Error(), "unknown flag: ")
		if !found {
			return &exit{ExitUsage, err}
		}
		return usage("unknown flag %s%s", word, meant(word, flags(c)))
	})
	root.AddCommand(newRun(e), newValidate(e), newCheck(e), newExplore(e), newReplay(e), newBound(e), newExperiment(e), newInit(e), newList(e), newSchema(e), newVersion(e))
	return root
}

func verbs(c *cobra.Command) []string {
	var names []string
	for _, x := range c.Commands() {
		if !x.Hidden {
			names = append(names, x.Name())
		}
	}
	return names
}

// exactly is like cobra's ExactArgs with a message that says what is missing.
func exactly(what ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < len(what):
			return usage("%s needs %s", c.CommandPath(), what[len(args)])
		case len(args) > len(what):
			return usage("%s: what is %q for?", c.CommandPath(), args[len(what)])
		}
		return nil
	}
}
