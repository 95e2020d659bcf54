package command

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"suspect/experiments/scenario"
)

// meant suggests what word was meant to be, as errors of scenarios do.
func meant(word string, candidates []string) string { return scenario.Meant(word, candidates) }

func flags(c *cobra.Command) []string {
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	c.InheritedFlags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	return names
}
