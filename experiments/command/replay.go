package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"suspect/detectors"
	"suspect/experiments/data"
	"suspect/experiments/replay"
	"suspect/experiments/report"
	"suspect/model"
)

// shippedTrace is the name of the trace that comes with suspect.
const shippedTrace = data.HeartbeatsLoopback2msFile

func newReplay(e *environment) *cobra.Command {
	var (
		uses []string
		eta  string
	)
	c := &cobra.Command{
		Use:   "replay FILE",
		Short: "Drive detectors with a recorded heartbeat trace, or run a counterexample again",
		Long: `Replay runs a counterexample again that suspect check or suspect explore has saved, and
tells what happens in it; exit code 1 says that it still is one. One of an exploration is run in the
explorer and in the simulator. Otherwise it drives detectors with a recorded heartbeat trace, without a network: CSV, or
CSV.gz, with the columns seq,sent_ns,received_ns. A lost heartbeat has an empty third
field, or no line. Where there is no file ` + shippedTrace + `,
the name stands for the trace that comes with suspect.`,
		Example: `  suspect replay ` + shippedTrace + ` \
      --detector "timeout name=hasty timeout=5ms" --detector "nfd-s delta=20ms"`,
		Args: exactly("the FILE of a trace"),
		RunE: func(c *cobra.Command, args []string) error {
			if isCounterexample(args[0]) {
				if t, err := readTrace(args[0]); t != nil || err != nil {
					if err != nil {
						return &exit{ExitBadInput, err}
					}
					return e.retrace(args[0], t)
				}
				if len(uses) > 0 || eta != "" {
					return usage("a counterexample names its detector: --detector and --eta are for traces")
				}
				return e.rerun(args[0])
			}
			config, err := replayConfig(uses, eta)
			if err != nil {
				return err
			}
			results, err := replay.Run(c.Context(), replay.Named(args[0]), config)
			if err != nil {
				return replayFailed(err)
			}
			if e.json() {
				return e.print(report.JSON(results))
			}
			var b bytes.Buffer
			results.WriteText(&b) // a bytes.Buffer takes everything
			return e.print(b.Bytes())
		},
	}
	c.Flags().StringArrayVar(&uses, "detector", nil, `a detector with its parameters, as "timeout timeout=10ms" (repeatable)`)
	c.Flags().StringVar(&eta, "eta", "", "period of the sender, instead of an estimate from the trace")
	return c
}

// replayConfig reads the flags of replay.
func replayConfig(uses []string, eta string) (replay.Config, error) {
	var c replay.Config
	if eta != "" {
		d, err := model.ParseDuration(eta)
		if err != nil || d <= 0 {
			return c, usage("--eta %s: not a period (write --eta 2ms)", eta)
		}
		c.Eta = d
	}
	if len(uses) == 0 {
		return c, usage(`suspect replay needs a detector (write --detector "timeout timeout=10ms")`)
	}
	var known []string
	for _, s := range detectors.All() {
		known = append(known, s.Name)
	}
	for _, text := range uses {
		fields := strings.Fields(text)
		if len(fields) == 0 {
			return c, usage(`--detector "" names no detector`)
		}
		d := replay.Detector{Use: fields[0], Params: make(map[string]string)}
		if _, ok := detectors.Lookup(d.Use); !ok {
			return c, usage("--detector %q: there is no detector %q%s (detectors: %s)", text, d.Use, meant(d.Use, known), strings.Join(known, ", "))
		}
		for _, f := range fields[1:] {
			name, value, ok := strings.Cut(f, "=")
			_, twice := d.Params[name]
			switch {
			case !ok:
				return c, usage("--detector %q: %q is no parameter (write name=value)", text, f)
			case name == "name":
				d.Name = value
			case twice:
				return c, usage("--detector %q: parameter %q is given twice", text, name)
			default:
				d.Params[name] = value
			}
		}
		c.Detectors = append(c.Detectors, d)
	}
	return c, nil
}

// replayFailed tells whose fault it is that there are no results.
func replayFailed(err error) error {
	var list replay.ErrorList
	var path *fs.PathError
	switch {
	case errors.Is(err, context.Canceled):
		return &exit{ExitInterrupted, errors.New("interrupted: there are no results")}
	case errors.As(err, &list):
		n := "1 error"
		if len(list) != 1 {
			n = fmt.Sprintf("%d errors", len(list))
		}
		return &exit{ExitBadInput, fmt.Errorf("this trace cannot be replayed: %s\n%w", n, err)}
	case errors.As(err, &path):
		return &exit{ExitBadInput, err}
	}
	return &exit{ExitUsage, err}
}
