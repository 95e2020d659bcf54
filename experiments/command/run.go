package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"suspect/experiments/report"
	"suspect/experiments/run"
	"suspect/experiments/scenario"
	"suspect/sim"
)

func newRun(e *environment) *cobra.Command {
	var (
		flags    scenarioFlags
		out      string
		noReport bool
		workers  int
	)
	c := &cobra.Command{
		Use:   "run FILE",
		Short: "Run a scenario, print what was found and write a report",
		Long: `Run runs the scenario of a file, or one that comes with suspect, by its name (see
"suspect list scenarios"). It prints what was found and writes a report directory:
--out DIR, or reports/NAME-HASH by the scenario's name and hash. A report is never
overwritten: where DIR holds the same report it is left, where it holds anything
else run refuses it (and without --out takes the next free name). A DIR that cannot
be written is refused before anything runs.

The exit code judges what the scenario expects, and that alone: 0 when every
expectation is met, 1 when one is not, 3 when the worst of them is inconclusive.`,
		Args: exactly("the FILE of a scenario, or the name of one that comes along (suspect list scenarios)"),
		RunE: func(c *cobra.Command, args []string) error {
			if workers < 0 {
				return usage("--workers %d: must not be negative", workers)
			}
			if c.Flags().Changed("out") && (noReport || out == "") {
				return usage("--out needs a directory, and none with --no-report")
			}
			s, err := flags.read(c, args[0])
			if err != nil {
				return err
			}
			r := runner{environment: e, scenario: s, out: out, workers: workers, noReport: noReport}
			return r.run(c.Context())
		},
	}
	flags.declare(c)
	c.Flags().StringVar(&out, "out", "", "directory of the report (default reports/NAME-HASH)")
	c.Flags().BoolVar(&noReport, "no-report", false, "write no report directory")
	c.Flags().IntVar(&workers, "workers", 0, "replications that run at a time (default: one for each processor)")
	return c
}

// runner runs one scenario for the verb run.
type runner struct {
	*environment
	scenario *scenario.Scenario
	out      string
	workers  int
	noReport bool
}

func (r *runner) run(ctx context.Context) error {
	if !r.noReport {
		err := r.firstFree(func(dir string) error { return report.Check(dir, r.scenario.Hash()) })
		if err != nil {
			return &exit{ExitOutput, err}
		}
	}
	if r.workers == 0 {
		r.workers = runtime.GOMAXPROCS(0)
	}
	r.note("%s: seed %d", report.Printable(r.scenario.Name), r.scenario.Seed)
	began := time.Now()
	options := run.Options{Workers: r.workers}
	p := newProgress(r.stderr)
	if !r.quiet {
		options.Progress = p.show
	}
	results, err := run.Run(ctx, r.scenario, options)
	p.clear()
	if err != nil {
		return r.failed(err)
	}
	took := time.Since(began)

	var written string
	var unwritten error
	if !r.noReport {
		input := report.Input{Results: results, Scenario: r.scenario.Resolved(), Machine: machine(results, r.workers, took)}
		if detector, mistake, ok := report.Worst(results); ok {
			if input.Worst, err = run.Explain(ctx, r.scenario, detector, mistake); err != nil {
				return r.failed(err)
			}
		}
		if results.Guarantee != nil {
			if input.Latency, err = r.latencyReport(ctx, r.scenario, results.Guarantee, results); err != nil {
				return r.failed(err)
			}
		}
		written, unwritten = r.write(report.Files(input))
	}
	if err := r.show(results); err != nil {
		return err
	}
	if unwritten != nil {
		return &exit{ExitOutput, unwritten}
	}
	if written != "" {
		r.note("%s", written)
	}
	if ctx.Err() != nil {
		said := "the report is complete"
		if r.noReport {
			said = "the results are complete"
		}
		return &exit{ExitInterrupted, fmt.Errorf("interrupted %w, but %s", context.Cause(ctx), said)}
	}
	return verdict(results)
}

// failed tells why there are no results.
func (r *runner) failed(err error) error {
	if errors.Is(err, run.ErrInterrupted) {
		return &exit{ExitInterrupted, fmt.Errorf("interrupted: no report was written (seed %d; the same command starts anew)", r.scenario.Seed)}
	}
	code := ExitBadInput
	if errors.Is(err, sim.ErrStill) { // no scenario can ask for that
		code = ExitInternal
	}
	return &exit{code, fmt.Errorf("%s cannot be run: %w", r.scenario.Path, err)}
}

// show prints the results.
func (r *runner) show(results *run.Results) error {
	if r.json() {
		return r.print(report.JSON(results))
	}
	var b bytes.Buffer
	if err := report.Text(&b, results); err != nil {
		return err
	}
	return r.print(b.Bytes())
}

// firstFree calls try with the directory of the report; without --out with one name
// after another while something else is in the way.
func (r *runner) firstFree(try func(dir string) error) error {
	if r.out != "" {
		return try(r.out)
	}
	dir := filepath.Join("reports", report.FileName(r.scenario.Name)+"-"+r.scenario.Hash()[:8])
	for i := 1; ; i++ {
		name := dir
		if i > 1 {
			name = fmt.Sprintf("%s-%d", dir, i)
		}
		if err := try(name); i == 1000 || !errors.Is(err, report.ErrExists) {
			return err
		}
	}
}

// write writes the report and returns what to say about it.
func (r *runner) write(files []report.File) (said string, err error) {
	err = r.firstFree(func(dir string) error {
		said, err = announce(dir, files)
		return err
	})
	return said, err
}

func announce(dir string, files []report.File) (string, error) {
	same, err := report.Write(dir, files)
	if err != nil {
		return "", err
	}
	page := filepath.Join(dir, files[0].Name)
	if same {
		return "report: " + page + " (was there already, the same)", nil
	}
	return "report: " + page, nil
}

// machine describes what is no result.
func machine(r *run.Results, workers int, took time.Duration) report.Machine {
	return report.Machine{
		Finished:      time.Now().UTC().Format(time.RFC3339),
		WallSeconds:   took.Seconds(),
		Workers:       workers,
		Processors:    runtime.NumCPU(),
		System:        runtime.GOOS + "/" + runtime.GOARCH,
		HopsPerSecond: float64(r.Provenance.Hops) / took.Seconds(),
	}
}

// verdict returns the exit code of complete results.
func verdict(r *run.Results) error {
	switch {
	case r.Conservation.Outcome == "violated":
		return &exit{ExitInternal, fmt.Errorf("packets were lost without a cause: %s", r.Conservation.Reason)}
	case r.Outcome == run.NotAsExpected:
		return &exit{ExitNotExpected, nil}
	case r.Outcome == run.Inconclusive:
		return &exit{ExitInconclusive, nil}
	}
	return nil
}
