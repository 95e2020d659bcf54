package command

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"suspect/experiments/oracle"
	"suspect/experiments/report"
)

// comparisons are the experiments that hold the simulator to closed forms.
var comparisons = []struct {
	name, short string
	run         func(context.Context, oracle.Options) ([]oracle.Result, error)
}{
	{"queueing", "Queues, priorities, finite buffers, periodic sources and NFD-S against their closed forms", oracle.Queueing},
	{"chen", "The quality of service of NFD-S on lossy links against Chen, Toueg and Aguilera's theorem", oracle.Chen},
}

func newExperiment(e *environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "experiment NAME",
		Short: "Compare the simulator with theory, row by row",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("suspect experiment needs the NAME of an experiment (%s)", strings.Join(verbs(c), ", "))
			}
			return usage("there is no experiment %q%s (experiments: %s)", args[0], meant(args[0], verbs(c)), strings.Join(verbs(c), ", "))
		},
		RunE: func(*cobra.Command, []string) error { return nil }, // Args refuses what reaches it
	}
	for _, x := range comparisons {
		o := oracle.Options{}
		sub := &cobra.Command{
			Use:   x.name,
			Short: x.short,
			Args:  exactly(),
			RunE: func(c *cobra.Command, _ []string) error {
				if o.Workers < 0 {
					return usage("--workers %d: must not be negative", o.Workers)
				}
				if o.Packets < o.Replications || o.Replications < 2 {
					return usage("--packets %d --replications %d: at least two replications, of a packet each", o.Packets, o.Replications)
				}
				results, err := x.run(c.Context(), o)
				switch {
				case c.Context().Err() != nil:
					return &exit{ExitInterrupted, fmt.Errorf("interrupted: there are no results")}
				case err != nil:
					return usage("%v", err)
				}
				return e.printComparison(oracle.Comparison{
					SchemaVersion: oracle.SchemaVersion, Experiment: x.name, Seed: o.Seed,
					Judgement: oracle.Judge(results, o.Seed), Results: results,
				})
			},
		}
		sub.Flags().IntVar(&o.Packets, "packets", 10_000_000, "packets or heartbeats of each row, in all replications together")
		sub.Flags().IntVar(&o.Replications, "replications", 30, "independent replications of each row")
		sub.Flags().Uint64Var(&o.Seed, "seed", 1, "seed of all randomness")
		sub.Flags().StringSliceVar(&o.IDs, "rows", nil, "only these rows, by identifier")
		sub.Flags().IntVar(&o.Workers, "workers", 0, "replications at a time (default: one for each core)")
		c.AddCommand(sub)
	}
	return c
}

// printComparison prints the rows and the judgement of them all.
func (e *environment) printComparison(c oracle.Comparison) error {
	var b bytes.Buffer
	if e.json() {
		b.Write(report.JSON(c))
	} else {
		j := c.Judgement
		oracle.Write(&b, c.Results) // a bytes.Buffer takes everything
		fmt.Fprintf(&b, "\n%d of %d rows agree with theory; seed %d.\n", j.Rows-j.Failed, j.Rows, c.Seed)
		if j.High > 0 {
			fmt.Fprintf(&b, "The sum of t² is %.1f; a right simulator is between %.1f and %.1f in 998 of 1000 cases.\n", j.SumOfSquares, j.Low, j.High)
		}
	}
	if err := e.print(b.Bytes()); err != nil {
		return err
	}
	if !c.Judgement.Agrees {
		return &exit{ExitNotExpected, nil}
	}
	return nil
}
