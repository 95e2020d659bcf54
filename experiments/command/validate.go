package command

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"suspect/experiments/report"
	"suspect/experiments/scenario"
	"suspect/model"
)

// validation is what validate prints as JSON.
type validation struct {
	File         string            `json:"file"`
	Valid        bool              `json:"valid"`
	Errors       []validationError `json:"errors"`
	Scenario     string            `json:"scenario,omitempty"`
	Hash         string            `json:"scenario_hash,omitempty"`
	Seed         uint64            `json:"seed"`
	Replications int               `json:"replications_at_most,omitempty"`
	// Generators are those of faults, with the mean number of faults in one replication.
	Generators []generated `json:"generators,omitempty"`
	// Estimate is that of one replication.
	Estimate *estimate `json:"estimate,omitempty"`
}

type generated struct {
	Generator string  `json:"generator"`
	Arrivals  string  `json:"arrivals"`
	Fault     string  `json:"fault"`
	Expected  float64 `json:"expected"`
}

type validationError struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

type estimate struct {
	Hosts       int     `json:"hosts"`
	Switches    int     `json:"switches"`
	Ports       int     `json:"ports"`
	Pairs       int64   `json:"pairs"`
	Packets     int64   `json:"packets"`
	Hops        int64   `json:"hops"`
	Events      int64   `json:"events"`
	Bytes       int64   `json:"bytes"`
	WallSeconds float64 `json:"wall_seconds"`
	Overloaded  int     `json:"overloaded_hosts"`
}

func newValidate(e *environment) *cobra.Command {
	var flags scenarioFlags
	c := &cobra.Command{
		Use:   "validate FILE",
		Short: "Check a scenario, and estimate what it takes to run it",
		Long: `Validate checks a scenario without running it: all its errors, each with file,
line and column, or else an estimate of the events, memory and time that it takes.`,
		Args: exactly("the FILE of a scenario, or the name of one that comes along (suspect list scenarios)"),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := flags.read(c, args[0])
			if err != nil {
				var list scenario.ErrorList
				if e.json() && errors.As(err, &list) {
					v := validation{File: args[0], Errors: []validationError{}}
					for _, x := range list {
						v.Errors = append(v.Errors, validationError{x.File, x.Line, x.Column, x.Message})
					}
					if err := e.print(report.JSON(v)); err != nil {
						return err
					}
				}
				return err
			}
			if e.json() {
				return e.print(report.JSON(validated(s)))
			}
			return e.print([]byte(estimateText(s)))
		},
	}
	flags.declare(c)
	return c
}

func validated(s *scenario.Scenario) validation {
	x := s.Estimate()
	return validation{
		File: s.Path, Valid: true, Errors: []validationError{},
		Scenario: s.Name, Hash: s.Hash(), Seed: s.Seed, Replications: s.Replications.AtMost,
		Generators: generatedBy(s),
		Estimate:   &estimate{x.Hosts, x.Switches, x.Ports, x.Pairs, x.Packets, x.Hops, x.Events, x.Bytes, x.Wall.Seconds(), x.Overloaded},
	}
}

// generatedBy returns what the generators of s are expected to strike with.
func generatedBy(s *scenario.Scenario) (all []generated) {
	for i := range s.Generators {
		g := &s.Generators[i]
		for j := range g.Arrivals {
			a := &g.Arrivals[j]
			all = append(all, generated{g.Name, a.Name, a.Fault, a.Expected(s.Duration)})
		}
	}
	return all
}

func estimateText(s *scenario.Scenario) string {
	x := s.Estimate()
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	times := ""
	if n := s.Replications.AtMost; n > 1 {
		times = fmt.Sprintf(", %d times", n)
		if s.Replications.AtLeast < n {
			times = fmt.Sprintf(", %d to %d times", s.Replications.AtLeast, n)
		}
	}
	line("%s is valid: %s, %s of simulated time%s, seed %d", report.Printable(s.Path), report.Printable(s.Name), s.Duration, times, s.Seed)
	line("  network      %s hosts, %s, %s directed links", report.Count(int64(x.Hosts)), report.Plural(int64(x.Switches), "switch", "switches"), report.Count(int64(x.Ports)))
	names := make([]string, len(s.Detectors))
	for i, d := range s.Detectors {
		names[i] = report.Printable(d.Name)
	}
	line("  detectors    %s, on %s watched pairs", strings.Join(names, ", "), report.Count(x.Pairs))
	last := ""
	for _, g := range generatedBy(s) {
		if g.Generator != last {
			line("  generator    %s, on average in a replication:", report.Printable(g.Generator))
			last = g.Generator
		}
		line("               %8s %s (%s)", strconv.FormatFloat(g.Expected, 'g', 3, 64), g.Arrivals, g.Fault)
	}
	line("  replication  about %s packets, %s hops, %s events", roughly(x.Packets), roughly(x.Hops), roughly(x.Events))
	line("               about %s of memory and %s of one core", roughBytes(x.Bytes), roughTime(x.Wall))
	if x.Overloaded > 0 {
		line("  note         %d hosts send more than their link carries: their queues grow until they drop", x.Overloaded)
	}
	line("  hash         %s", s.Hash())
	return b.String()
}

// roughly writes an estimate with two digits that matter.
func roughly(n int64) string {
	for _, u := range []struct {
		name string
		size float64
	}{{" trillion", 1e12}, {" billion", 1e9}, {" million", 1e6}} {
		if f := float64(n); f >= u.size {
			return twoDigits(f/u.size) + u.name
		}
	}
	return report.Count(int64(math.Round(roundTo(float64(n)))))
}

func roughBytes(n int64) string {
	switch f := float64(n); {
	case n >= 1<<30:
		return twoDigits(f/(1<<30)) + " GiB"
	default:
		return twoDigits(f/(1<<20)) + " MiB"
	}
}

func roughTime(d model.Duration) string {
	s := d.Seconds()
	switch {
	case s < 0.1:
		return "less than 0.1 s"
	case s < 120:
		return twoDigits(s) + " s"
	case s < 7200:
		return twoDigits(s/60) + " min"
	}
	return twoDigits(s/3600) + " h"
}

// roundTo rounds to two significant digits.
func roundTo(f float64) float64 {
	if f < 100 {
		return f
	}
	unit := math.Pow(10, math.Floor(math.Log10(f))-1)
	return math.Round(f/unit) * unit
}

func twoDigits(f float64) string {
	if f < 10 {
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.0f", roundTo(f))
}
