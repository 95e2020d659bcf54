package command

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"suspect/detectors"
	"suspect/experiments/report"
	"suspect/experiments/run"
	"suspect/experiments/schema"
	"suspect/model"
	"suspect/properties"
)

// checkDocument is what check prints as JSON.
type checkDocument struct {
	SchemaVersion int `json:"schema_version"`
	// Suspect is the version of this program.
	Suspect string `json:"suspect"`
	// Detector is the name of the detector, and Params are the values of its parameters.
	Detector string            `json:"detector"`
	Params   map[string]string `json:"params"`
	// Seed is that of the failure plans.
	Seed uint64 `json:"seed"`
	// Claims are what the detector claims, in the order in which it does.
	Claims []checkedClaim `json:"claims"`
}

// checkedClaim is what was found out about one claim.
type checkedClaim struct {
	// Class is that of Chandra and Toueg, as <>P, and Under what the claim needs.
	Class string `json:"class"`
	Under string `json:"under"`
	// Conditions are these in numbers, as sentences.
	Conditions []string `json:"conditions,omitempty"`
	// Untested says why the claim was not tested, if it was not.
	Untested string `json:"untested,omitempty"`
	// Subjects are what was found out: completeness, accuracy, copies, outside, coverage.
	Subjects []checkedSubject `json:"subjects,omitempty"`
}

// checkedSubject is what was found out about one subject of the suite.
type checkedSubject struct {
	// Subject is its name.
	Subject string `json:"subject"`
	// Outcome is holds, violated or inconclusive, and Reason says why.
	Outcome properties.Outcome `json:"outcome"`
	Reason  string             `json:"reason,omitempty"`
	// Plans is how many failure plans were run, First the number of the first one in which
	// the subject is violated, and Shrunk how many steps made that smaller.
	Plans int `json:"plans"`
	// Judged is in how many of them there was something to judge, and it held.
	Judged int `json:"judged"`
	First  int `json:"first,omitempty"`
	Shrunk int `json:"shrunk,omitempty"`
	// Counterexample is the file with that plan, and Story what happens in it.
	Counterexample string   `json:"counterexample,omitempty"`
	Story          []string `json:"story,omitempty"`
}

// rerunDocument is what replay prints as JSON of a counterexample.
type rerunDocument struct {
	SchemaVersion int `json:"schema_version"`
	// Suspect is the version of this program.
	Suspect string `json:"suspect"`
	// Detector is the name of the detector, and Params are the values of its parameters.
	Detector string            `json:"detector"`
	Params   map[string]string `json:"params"`
	// Class is that of Chandra and Toueg, as <>P.
	Class string `json:"class"`
	checkedSubject
}

// checkSchemaVersion is that of both documents.
const checkSchemaVersion = 1

//go:embed check.go
var checkSource string

// checkSchema returns the JSON Schema of what check prints, and replay of a counterexample.
func checkSchema() []byte {
	return schema.AnyOf("What suspect check found out, or suspect replay of a counterexample",
		schema.Of("", &checkDocument{}, checkSource), schema.Of("", &rerunDocument{}, checkSource))
}

// checkOptions are the flags of check.
type checkOptions struct {
	seed      uint64
	runs      int
	processes int
	out       string
}

func newCheck(e *environment) *cobra.Command {
	var o checkOptions
	c := &cobra.Command{
		Use:   "check DETECTOR [PARAMETER=VALUE]...",
		Short: "Test a detector against the classes that it claims, over random failure plans",
		Long: `Check tests a detector at message level against each class that it claims. Random
failure plans (processes, crashes, delays, losses, cuts, pauses, clock drift and the time
from which the conditions of the claim hold) are run, and what the class promises is judged
in each. A plan in which it is broken is made smaller as long as it stays broken, shown, and
saved; suspect replay runs it again.

The subjects are the completeness and the accuracy of the class; copies: encoding and
loading the state at every step changes nothing; outside: a lasting silence between the
living is taken for a crash, so that the suite would see a mistake; and coverage: all that
the claim speaks of did happen. Nothing is said of what happens only in a packet network.`,
		Example: `  suspect check timeout
  suspect check timeout eta=100ms timeout=150ms
  suspect check adaptive --runs 5000 --seed 7`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("suspect check needs the name of a detector (suspect list detectors)")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return e.check(c.Context(), args, o) },
	}
	c.Flags().Uint64Var(&o.seed, "seed", 1, "seed of the failure plans")
	c.Flags().IntVar(&o.runs, "runs", 200, "failure plans for each subject")
	c.Flags().IntVar(&o.processes, "processes", 5, "processes in a plan, at most")
	c.Flags().StringVar(&o.out, "out", "", "directory for counterexamples (default: the current one)")
	return c
}

func (e *environment) check(ctx context.Context, args []string, o checkOptions) error {
	if o.runs < 1 || o.processes < 2 || o.processes > 64 {
		return usage("--runs must be at least 1, and --processes between 2 and 64")
	}
	spec, params, err := detectorOf(args)
	if err != nil {
		return err
	}
	document := checkDocument{SchemaVersion: checkSchemaVersion, Suspect: run.Version, Detector: spec.Name, Params: values(params), Seed: o.seed}
	outcomes := []properties.Outcome{}
	for _, claim := range spec.Claims {
		found, err := e.checkClaim(ctx, spec, params, claim, o)
		if err != nil {
			return err
		}
		for _, s := range found.Subjects {
			outcomes = append(outcomes, s.Outcome)
		}
		if found.Untested != "" {
			outcomes = append(outcomes, properties.Inconclusive)
		}
		document.Claims = append(document.Claims, found)
	}
	if e.json() {
		err = e.print(report.JSON(document))
	} else {
		err = e.print(document.text())
	}
	switch worst := properties.Worst(outcomes...); {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return &exit{ExitInterrupted, errors.New("interrupted: what was not tested is inconclusive")}
	case worst == properties.Violated:
		return &exit{ExitNotExpected, nil}
	case worst == properties.Inconclusive:
		return &exit{ExitInconclusive, nil}
	}
	return nil
}

// detectorOf reads the name of a detector and its parameters.
func detectorOf(args []string) (detectors.Spec, model.Params, error) {
	var known []string
	for _, s := range detectors.All() {
		known = append(known, s.Name)
	}
	spec, ok := detectors.Lookup(args[0])
	if !ok {
		return spec, model.Params{}, usage("there is no detector %q%s (suspect list detectors)", args[0], meant(args[0], known))
	}
	given := make(map[string]string)
	for _, a := range args[1:] {
		name, value, ok := strings.Cut(a, "=")
		if _, twice := given[name]; !ok || twice {
			return spec, model.Params{}, usage("%q: write each parameter once, as name=value", a)
		}
		given[name] = value
	}
	params, errs := model.NewParams(spec.Params, given)
	if len(errs) > 0 {
		return spec, params, usage("detector %s: %v", spec.Name, errors.Join(errs...))
	}
	if spec.Asks {
		return spec, params, nil // it cannot be made without a network
	}
	if _, err := newDetector(spec, params)(0, 2); err != nil {
		return spec, params, usage("detector %s: %v", spec.Name, err)
	}
	return spec, params, nil
}

// values returns the values of parameters.
func values(params model.Params) map[string]string {
	all := make(map[string]string)
	for name, value := range params.All() {
		all[name] = value
	}
	return all
}

// newDetector returns what makes the detectors of processes that all watch each other.
func newDetector(spec detectors.Spec, params model.Params) func(self model.ProcessID, n int) (model.Automaton, error) {
	return func(self model.ProcessID, n int) (model.Automaton, error) {
		env := detectors.Env{Self: self, N: n}
		for q := range model.ProcessID(n) {
			if q != self {
				env.Watch = append(env.Watch, q)
			}
		}
		env.Watchers = env.Watch
		return spec.New(env, params)
	}
}

// suiteOf returns the suite that tests a claim of a detector, or why there is none.
func suiteOf(spec detectors.Spec, params model.Params, claim model.Claim, o checkOptions) (*properties.Suite, string) {
	switch {
	case spec.Asks:
		return nil, "it lives on what hosts and switches tell, which there are none of at message level (suspect run)"
	case claim.Given == nil:
		return nil, "its conditions are not ones that failure plans are made of"
	}
	makeOne := newDetector(spec, params)
	s := &properties.Suite{
		New: func(self model.ProcessID, n int) model.Automaton {
			a, err := makeOne(self, n)
			if err != nil {
				panic(fmt.Sprintf("detector %s of process %d of %d: %v", spec.Name, self, n, err))
			}
			return a
		},
		Claim: properties.Claim{Class: claim.Class, Conditions: claim.Given(params), Processes: o.processes},
		Seed:  o.seed, Runs: o.runs,
	}
	if err := s.Claim.Check(); err != nil {
		return nil, "with these parameters there is nothing to claim: " + err.Error()
	}
	return s, ""
}

// checkClaim tests one claim.
func (e *environment) checkClaim(ctx context.Context, spec detectors.Spec, params model.Params, claim model.Claim, o checkOptions) (checkedClaim, error) {
	found := checkedClaim{Class: claim.Class.String(), Under: claim.Under}
	s, why := suiteOf(spec, params, claim, o)
	if s == nil {
		found.Untested = why
		return found, nil
	}
	s.Stop = ctx.Err
	found.Conditions = describeConditions(s.Claim)
	for _, name := range properties.Subjects() {
		if ctx.Err() != nil {
			found.Subjects = append(found.Subjects, checkedSubject{Subject: name, Reason: "interrupted"})
			continue
		}
		e.note("%s %s: %s ...", spec.Name, found.Class, name)
		x := s.Examine(name)
		subject := checkedSubject{Subject: name, Outcome: x.Outcome, Plans: x.Runs, Judged: x.Judged, Reason: x.Reason, First: x.First, Shrunk: x.Shrunk}
		if x.Plan != nil && name != properties.Outside {
			subject.Story = story(s, x.Plan)
			c := &properties.Counterexample{Subject: name, Reason: x.Reason, Detector: spec.Name, Params: values(params), Class: found.Class, Plan: x.Plan}
			subject.Counterexample = filepath.Join(o.out, fmt.Sprintf("%s-%s-%s.json", spec.Name, strings.ReplaceAll(found.Class, "<>", "eventually-"), name))
			if err := c.Save(subject.Counterexample); err != nil {
				return found, &exit{ExitOutput, fmt.Errorf("the counterexample could not be saved: %w", err)}
			}
		}
		found.Subjects = append(found.Subjects, subject)
	}
	return found, nil
}

// story tells what happens in a plan, up to where the detector panics if it does.
func story(s *properties.Suite, p *properties.Plan) (lines []string) {
	defer func() {
		if r := recover(); r != nil {
			lines = append(lines, fmt.Sprintf("panic: %v", r))
		}
	}()
	return s.Story(p)
}

// describeConditions says conditions in numbers.
func describeConditions(c properties.Claim) []string {
	lines := []string{fmt.Sprintf("2 to %d processes, of which any may crash but one", c.Processes)}
	if c.Crashes >= 0 {
		lines[0] = fmt.Sprintf("2 to %d processes, of which at most %d crash", c.Processes, c.Crashes)
	}
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	add("messages take at most %v", c.Delay)
	if c.Ordered {
		add("messages do not overtake each other")
	}
	if c.Loss > 0 {
		add("messages are lost with probability %v", c.Loss)
	}
	if c.Drift > 0 {
		add("clocks drift by at most %d ppm", c.Drift)
	}
	if c.Pause > 0 {
		add("processes pause for at most %v", c.Pause)
	}
	if c.Recover {
		add("processes come back")
	}
	if c.Eventually {
		add("this holds from some time on; before, messages are late or lost, links cut and processes pause")
	}
	add("a crash is suspected within %v", c.Within)
	switch {
	case c.Class.Accuracy() < model.EventualStrongAccuracy:
	case c.Settle > 0:
		add("the last mistake is over %v after the conditions hold", c.Settle)
	default:
		add("there are at most %d mistakes about a peer", c.Mistakes)
	}
	return lines
}

// text writes the document for people.
func (d *checkDocument) text() []byte {
	var b bytes.Buffer
	var names []string
	for name := range d.Params {
		names = append(names, name)
	}
	sort.Strings(names)
	fmt.Fprintf(&b, "%s", d.Detector)
	for _, name := range names {
		fmt.Fprintf(&b, " %s=%s", name, d.Params[name])
	}
	fmt.Fprintf(&b, "\nseed %d\n", d.Seed)
	if len(d.Claims) == 0 {
		b.WriteString("\nit claims no class\n")
	}
	for _, c := range d.Claims {
		fmt.Fprintf(&b, "\nclass %s under: %s\n", c.Class, report.Hang(c.Under, 2))
		if c.Untested != "" {
			fmt.Fprintf(&b, "  not tested: %s\n", report.Hang(c.Untested, 4))
			continue
		}
		for _, line := range c.Conditions {
			fmt.Fprintf(&b, "  - %s\n", report.Hang(line, 4))
		}
		for _, s := range c.Subjects {
			fmt.Fprintf(&b, "  %-12s  %-12s  %s\n", s.Subject, s.Outcome, report.Hang(s.summary(), 30))
			for _, line := range s.Story {
				fmt.Fprintf(&b, "      %s\n", report.Printable(line))
			}
			if s.Counterexample != "" {
				fmt.Fprintf(&b, "      run it again: suspect replay %s\n", s.Counterexample)
			}
		}
	}
	return b.Bytes()
}

// summary is what one line says of s.
func (s *checkedSubject) summary() string {
	switch {
	case s.Outcome == properties.Holds && s.Reason == "":
		if s.Judged < s.Plans {
			return fmt.Sprintf("in the %d of %d plans that have something to judge", s.Judged, s.Plans)
		}
		return "in " + report.Plural(int64(s.Plans), "plan", "plans")
	case s.First > 0:
		return fmt.Sprintf("%s (in plan %d, made smaller in %d steps)", s.Reason, s.First, s.Shrunk)
	}
	return s.Reason
}

// isCounterexample tells whether a file is a counterexample rather than a trace: by its
// name, or because it begins as one.
func isCounterexample(file string) bool {
	if filepath.Ext(file) == ".json" {
		return true
	}
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	var first [64]byte
	n, _ := io.ReadFull(f, first[:])
	return bytes.HasPrefix(bytes.TrimSpace(first[:n]), []byte("{"))
}

// rerun runs a counterexample again.
func (e *environment) rerun(file string) error {
	c, err := properties.ReadCounterexample(file)
	if err != nil {
		return &exit{ExitBadInput, err}
	}
	if c.Detector == "" {
		return &exit{ExitBadInput, fmt.Errorf("%s names no detector: properties.Test wrote it, and runs it again\n  go test -properties.replay=%s", file, file)}
	}
	args := []string{c.Detector}
	for name, value := range c.Params {
		args = append(args, name+"="+value)
	}
	sort.Strings(args[1:])
	spec, params, err := detectorOf(args)
	if err != nil {
		return &exit{ExitBadInput, fmt.Errorf("%s: %w", file, errors.Unwrap(err))}
	}
	var s *properties.Suite
	why := fmt.Sprintf("%s claims no class %q", spec.Name, c.Class)
	for _, claim := range spec.Claims {
		if claim.Class.String() == c.Class {
			s, why = suiteOf(spec, params, claim, checkOptions{runs: 1, processes: 64})
			break
		}
	}
	if s == nil {
		return &exit{ExitBadInput, fmt.Errorf("%s: %s", file, why)}
	}
	found := s.Rerun(c.Subject, c.Plan)
	subject := checkedSubject{Subject: c.Subject, Outcome: found.Outcome, Plans: 1, Reason: found.Reason, Story: story(s, c.Plan)}
	if e.json() {
		err = e.print(report.JSON(rerunDocument{checkSchemaVersion, run.Version, spec.Name, values(params), c.Class, subject}))
	} else {
		var b bytes.Buffer
		fmt.Fprintf(&b, "%s\n%s of class %s: %v. %s\n", strings.Join(args, " "), c.Subject, c.Class, found.Outcome, found.Reason)
		for _, line := range subject.Story {
			fmt.Fprintf(&b, "  %s\n", report.Printable(line))
		}
		err = e.print(b.Bytes())
	}
	if err == nil && found.Outcome != properties.Holds {
		err = &exit{ExitNotExpected, nil}
	}
	return err
}
