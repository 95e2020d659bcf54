package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"suspect/experiments/report"
	"suspect/experiments/reproduce"
	"suspect/model"
)

func newExperiment(e *environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "experiment [NAME]",
		Short: "Put published numbers and closed forms beside measured ones",
		Long: `Experiment runs an experiment and prints what is published, or follows from theory,
beside what was measured, and where the two must not be expected to agree. Without a
NAME it lists the experiments. The exit code is 0 when everything that can be compared
agrees, and 1 when something differs.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return usage("there is no experiment %q%s (experiments: %s)", args[0], meant(args[0], verbs(c)), strings.Join(verbs(c), ", "))
		},
		RunE: func(*cobra.Command, []string) error {
			list := experimentListing()
			if e.json() {
				return e.print(report.JSON(map[string][]listing{"experiments": list}))
			}
			var b bytes.Buffer
			writeListing(&b, "experiments", list, true)
			return e.print(b.Bytes())
		},
	}
	for _, s := range reproduce.All() {
		c.AddCommand(newOneExperiment(e, s))
	}
	return c
}

// experimentListing returns what "list" shows of the experiments.
func experimentListing() []listing {
	var l []listing
	for _, s := range reproduce.All() {
		l = append(l, listing{Name: s.Name, Doc: s.Doc, Source: s.Source, Params: listingParams(s.Params)})
	}
	return l
}

// paramFlag is a flag for a parameter of an experiment.
type paramFlag struct {
	model.Param
	given map[string]string // by parameter
}

func (f paramFlag) Type() string   { return f.Param.Type.String() }
func (f paramFlag) String() string { return f.Default }

func (f paramFlag) Set(value string) error {
	f.given[f.Name] = value
	if _, errs := model.NewParams([]model.Param{f.Param}, map[string]string{f.Name: value}); len(errs) > 0 {
		return errors.Unwrap(errs[0])
	}
	return nil
}

func newOneExperiment(e *environment, s reproduce.Spec) *cobra.Command {
	var (
		o     reproduce.Options
		out   string
		given = make(map[string]string)
	)
	c := &cobra.Command{
		Use:   s.Name,
		Short: firstSentence(s.Doc),
		Long:  fmt.Sprintf("%s\n\nSource: %s", report.Hang(s.Doc, 0), report.Hang(s.Source, 8)),
		Args:  exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			if o.Workers < 0 {
				return usage("--workers %d: must not be negative", o.Workers)
			}
			var errs []error
			if o.Params, errs = model.NewParams(s.Params, given); len(errs) > 0 {
				return wrongParam(errs[0])
			}
			if out != "" {
				if err := report.Check(out, ""); err != nil {
					return &exit{ExitOutput, err}
				}
			}
			return e.experiment(c.Context(), s, o, out)
		},
	}
	for _, p := range s.Params {
		f := c.Flags().VarPF(paramFlag{p, given}, p.Name, "", p.Doc)
		if p.Type == model.SwitchParam {
			f.NoOptDefVal = "true"
		}
	}
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "seed of all randomness")
	c.Flags().IntVar(&o.Workers, "workers", 0, "simulations that run at a time (default: one for each processor)")
	c.Flags().StringVar(&out, "out", "", "directory for a report with the figures (default: none is written)")
	return c
}

// wrongParam tells what is wrong with a parameter as if it were a flag.
func wrongParam(err error) error {
	if p := new(model.ParamError); errors.As(err, &p) {
		return usage("--%s: %v", p.Name, p.Err)
	}
	return err
}

// experiment runs one experiment, prints its document and writes it to directory out,
// unless that is "".
func (e *environment) experiment(ctx context.Context, s reproduce.Spec, o reproduce.Options, out string) error {
	p := newProgress(e.stderr)
	if !e.quiet {
		o.Progress = p.step
	}
	d, err := reproduce.Run(ctx, s, o)
	p.clear()
	switch wrong := new(model.ParamError); {
	case ctx.Err() != nil:
		return &exit{ExitInterrupted, fmt.Errorf("interrupted %w: there are no results", context.Cause(ctx))}
	case errors.As(err, &wrong):
		return wrongParam(wrong)
	case err != nil:
		return &exit{ExitInternal, fmt.Errorf("experiment %s: %w", s.Name, err)}
	}
	var unwritten error
	if out != "" {
		_, unwritten = report.Write(out, d.Files())
	}
	text := []byte(d.Text())
	if e.json() {
		text = report.JSON(d)
	}
	if err := e.print(text); err != nil {
		return err
	}
	switch {
	case unwritten != nil:
		return &exit{ExitOutput, unwritten}
	case out != "":
		e.note("report: %s", filepath.Join(out, "report.md"))
	}
	if !d.Agrees {
		return &exit{ExitNotExpected, nil}
	}
	return nil
}
