package command

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"suspect/detectors"
	"suspect/experiments/replay"
	"suspect/experiments/report"
	"suspect/experiments/reproduce"
	"suspect/experiments/run"
	"suspect/experiments/scenario"
	"suspect/experiments/scenarios"
	"suspect/model"
	"suspect/network"
	"suspect/properties"
)

func newInit(e *environment) *cobra.Command {
	var template string
	c := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a commented scenario to begin with",
		Long: `Init writes a commented scenario to FILE, or to scenario.yaml, and beside it the
files that it refers to. It overwrites nothing. "suspect list scenarios" tells what
there is.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("suspect init: what is %q for?", args[1])
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			text, ok := scenarios.Text(template)
			if !ok {
				return usage("unknown template %q%s (templates: %s)", template, meant(template, scenarios.Names()), strings.Join(scenarios.Names(), ", "))
			}
			file := "scenario.yaml"
			if len(args) == 1 {
				file = args[0]
			}
			names, contents := []string{file}, [][]byte{text}
			for _, name := range companions(text) {
				data, err := scenarios.FS.ReadFile(name)
				if err != nil {
					panic(err) // it is embedded
				}
				names, contents = append(names, filepath.Join(filepath.Dir(file), name)), append(contents, data)
			}
			for i := range names {
				if err := createFile(names[i], contents[i]); err != nil {
					return &exit{ExitOutput, err}
				}
				e.note("wrote %s", names[i])
			}
			e.note("run it by: suspect run %s", file)
			return nil
		},
	}
	c.Flags().StringVar(&template, "template", "star", "which scenario: "+strings.Join(scenarios.Names(), ", "))
	return c
}

// companions returns the shipped files that a shipped scenario refers to.
func companions(text []byte) []string {
	entries, err := scenarios.FS.ReadDir(".")
	if err != nil {
		panic(err) // it is embedded
	}
	var names []string
	for _, f := range entries {
		if !strings.HasSuffix(f.Name(), ".yaml") && bytes.Contains(text, []byte("file: "+f.Name())) {
			names = append(names, f.Name())
		}
	}
	return names
}

// introduction returns the comment that a shipped scenario begins with, as one line.
func introduction(name string) string {
	text, _ := scenarios.Text(name)
	var words []string
	for line := range strings.Lines(string(text)) {
		comment, ok := strings.CutPrefix(line, "#")
		if comment = strings.TrimSpace(comment); !ok || comment == "" {
			break
		}
		words = append(words, comment)
	}
	return strings.Join(words, " ")
}

// createFile writes a new file, or leaves nothing.
func createFile(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s %w", name, report.ErrExists)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(name)
		return fmt.Errorf("%s could not be written: %w", name, err)
	}
	return nil
}

// listing is one registered thing, as "list" shows it.
type listing struct {
	Name   string         `json:"name"`
	Doc    string         `json:"doc"`
	Source string         `json:"source,omitempty"`
	Claims []string       `json:"claims,omitempty"`
	Known  []string       `json:"known,omitempty"`
	Params []listingParam `json:"params,omitempty"`
}

type listingParam struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Default  string `json:"default,omitempty"`
	Optional bool   `json:"optional,omitempty"`
	Doc      string `json:"doc"`
}

func listingParams(ps []model.Param) []listingParam {
	var l []listingParam
	for _, p := range ps {
		l = append(l, listingParam{p.Name, p.Type.String(), p.Default, p.Optional, p.Doc})
	}
	return l
}

// lists are what "list" can show, in its order.
var lists = []struct {
	name string
	get  func() []listing
}{
	{"detectors", func() []listing {
		var l []listing
		for _, s := range detectors.All() {
			var claims []string
			for _, c := range s.Claims {
				claims = append(claims, fmt.Sprintf("%v under: %s", c.Class, c.Under))
			}
			l = append(l, listing{Name: s.Name, Doc: s.Doc, Source: s.Source, Claims: claims, Params: listingParams(s.Params)})
		}
		return l
	}},
	{"explorable", explorableListing},
	{"faults", func() []listing {
		var l []listing
		for _, s := range network.AllFaults() {
			l = append(l, listing{Name: s.Name, Doc: s.Doc, Source: s.Source, Params: listingParams(s.Params)})
		}
		return l
	}},
	{"generators", func() []listing {
		var l []listing
		for _, s := range network.AllGenerators() {
			l = append(l, listing{Name: s.Name, Doc: s.Doc, Source: s.Source, Params: listingParams(s.Params)})
		}
		return l
	}},
	{"properties", func() []listing {
		var l []listing
		for _, s := range properties.All() {
			l = append(l, listing{Name: s.Name, Doc: s.Doc, Source: s.Source, Params: listingParams(s.Params)})
		}
		return l
	}},
	{"classes", classListing},
	{"experiments", experimentListing},
	{"scenarios", func() []listing {
		var l []listing
		for _, name := range scenarios.Names() {
			l = append(l, listing{Name: name, Doc: introduction(name)})
		}
		return l
	}},
}

// classListing lists the detectors of the theory, with what is known of each.
func classListing() []listing {
	var l []listing
	for _, o := range model.Oracles() {
		needs := "can be implemented in " + o.Needs.String()
		if o.Needs == model.Unrealistic {
			needs = "can be implemented nowhere: it sees the future"
		}
		if o.Provided != "" {
			needs += "; " + o.Provided
		}
		known := []string{needs}
		for _, r := range model.Order() {
			if r.Stronger != o.Name {
				continue
			}
			is := fmt.Sprintf("at least as strong as %s %v: %s (%s)", r.Weaker, r.How, r.By, r.Source)
			if r.Strict {
				is = "strictly stronger" + is[len("at least as strong"):]
				is = strings.Replace(is, " as ", " than ", 1)
			}
			if r.Majority {
				is += ", if a majority is correct"
			}
			known = append(known, is)
		}
		l = append(l, listing{Name: o.Name, Doc: strings.ToUpper(o.Says[:1]) + o.Says[1:] + ". A process reads " + o.Range + ".", Source: o.Source, Known: known})
	}
	return l
}

func listNames() []string {
	var names []string
	for _, l := range lists {
		names = append(names, l.name)
	}
	return names
}

func newList(e *environment) *cobra.Command {
	return &cobra.Command{
		Use:       "list [" + strings.Join(listNames(), "|") + "]",
		Short:     "List detectors, faults, generators, properties, the classes of the theory, experiments and the scenarios that come with suspect",
		ValidArgs: listNames(),
		Args: func(c *cobra.Command, args []string) error {
			for _, a := range args {
				known := false
				for _, name := range listNames() {
					known = known || a == name
				}
				if !known {
					return usage("there is no list of %q%s (lists: %s)", a, meant(a, listNames()), strings.Join(listNames(), ", "))
				}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = listNames()
			}
			all := make(map[string][]listing)
			var b bytes.Buffer
			for _, name := range args {
				for _, l := range lists {
					if l.name != name {
						continue
					}
					all[name] = l.get()
					writeListing(&b, name, all[name], len(args) > 1)
				}
			}
			if e.json() {
				return e.print(report.JSON(all))
			}
			return e.print(b.Bytes())
		},
	}
}

// firstSentence returns s up to its first full stop that ends a sentence.
func firstSentence(s string) string {
	first, _, found := strings.Cut(s, ". ")
	if found {
		first += "."
	}
	return first
}

// writeListing writes one list: names and what they are for, and unless it is brief
// all that is known of each.
func writeListing(b *bytes.Buffer, title string, list []listing, brief bool) {
	if brief {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(b, "%s\n", title)
		w := tabwriter.NewWriter(b, 0, 8, 2, ' ', 0)
		for _, l := range list {
			fmt.Fprintf(w, "  %s\t%s\n", report.Printable(l.Name), report.Printable(firstSentence(l.Doc)))
		}
		w.Flush()
		return
	}
	for i, l := range list {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(b, "%s\n  %s\n", report.Printable(l.Name), report.Hang(l.Doc, 2))
		if l.Source != "" {
			fmt.Fprintf(b, "  source: %s\n", report.Hang(l.Source, 10))
		}
		for _, c := range l.Claims {
			fmt.Fprintf(b, "  promises class %s\n", report.Hang(c, 17))
		}
		for _, k := range l.Known {
			fmt.Fprintf(b, "  %s\n", report.Hang(k, 4))
		}
		w := tabwriter.NewWriter(b, 0, 8, 2, ' ', 0)
		for _, p := range l.Params {
			value := p.Default
			if value == "" {
				value = "(required)"
				if p.Optional {
					value = "(optional)"
				}
			}
			fmt.Fprintf(w, "    %s\t%s\t%s\t%s\n", p.Name, p.Type, value, report.Printable(p.Doc))
		}
		w.Flush()
	}
}

func newSchema(e *environment) *cobra.Command {
	schemas := map[string]func() []byte{
		"scenario": scenario.Schema, "results": run.ResultsSchema, "replay": replay.ResultsSchema, "experiment": reproduce.ResultsSchema, "bound": boundSchema, "check": checkSchema, "explore": exploreSchema,
	}
	names := []string{"scenario", "results", "replay", "experiment", "bound", "check", "explore"}
	return &cobra.Command{
		Use:   "schema [" + strings.Join(names, "|") + "]",
		Short: "Print the JSON Schema of scenarios, or of results as --format json",
		Long: `Schema prints a JSON Schema:

  scenario    of scenario files, by which editors complete and check them; the default
  results     of what run --format json prints
  replay      of what replay --format json prints
  experiment  of what experiment --format json prints
  bound       of what bound --format json prints
  check       of what check --format json prints, and replay of a counterexample
  explore     of what explore --format json prints, and replay of a counterexample`,
		ValidArgs: names,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("suspect schema: what is %q for?", args[1])
			}
			if len(args) == 1 && schemas[args[0]] == nil {
				return usage("there is no schema of %q%s (schemas: %s)", args[0], meant(args[0], names), strings.Join(names, ", "))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = names[:1]
			}
			return e.print(schemas[args[0]]())
		},
	}
}

func newVersion(e *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			v := struct {
				Suspect  string `json:"suspect"`
				Go       string `json:"go"`
				System   string `json:"system"`
				Revision string `json:"revision,omitempty"`
				Modified bool   `json:"modified,omitempty"`
				Schema   int    `json:"results_schema"`
			}{Suspect: run.Version, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Schema: run.SchemaVersion}
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, s := range info.Settings {
					switch s.Key {
					case "vcs.revision":
						v.Revision = s.Value
					case "vcs.modified":
						v.Modified = s.Value == "true"
					}
				}
			}
			if e.json() {
				return e.print(report.JSON(v))
			}
			text := fmt.Sprintf("suspect %s, %s, %s", v.Suspect, v.Go, v.System)
			if v.Revision != "" {
				text += ", revision " + v.Revision
				if v.Modified {
					text += " (modified)"
				}
			}
			return e.print([]byte(text + "\n"))
		},
	}
}
