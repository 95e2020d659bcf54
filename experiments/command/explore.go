package command

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"suspect/detectors"
	"suspect/experiments/explorable"
	"suspect/experiments/report"
	"suspect/experiments/run"
	"suspect/experiments/schema"
	"suspect/model"
	"suspect/properties"
	"suspect/properties/explore"
)

// exploreSchemaVersion is the version of the shape of what explore prints as JSON. It
// grows when a field changes its meaning or goes away.
const exploreSchemaVersion = 1

//go:embed explore.go
var exploreSource string

// exploredDocument is what explore prints as JSON.
type exploredDocument struct {
	SchemaVersion int    `json:"schema_version"`
	Suspect       string `json:"suspect"` // version
	// System is the detector or algorithm, with all of its parameters.
	System string            `json:"system"`
	Params map[string]string `json:"params"`
	// Environment says what may happen.
	Environment []string       `json:"environment"`
	Outcome     string         `json:"outcome"`
	Search      *exploredGraph `json:"search,omitempty"` // unless there were walks
	Walks       *exploredWalks `json:"walks,omitempty"`
	// Properties are the judgements.
	Properties []exploredProperty `json:"properties"`
}

// exploredGraph is what a search visited.
type exploredGraph struct {
	// Complete tells that every reachable state was visited; else Reason says why not.
	Complete bool   `json:"complete"`
	Reason   string `json:"reason,omitempty"`
	// States counts those visited, with symmetry their orbits, and Transitions the choices
	// of the environment over all expanded states.
	States      int64 `json:"states"`
	Transitions int64 `json:"transitions"`
	Depth       int   `json:"depth"`
	// LocalStates counts the distinct states of each process.
	LocalStates []int `json:"local_states"`
	// Seconds is the time that it took, liveness included. It differs from run to run.
	Seconds       float64 `json:"seconds"`
	BytesPerState float64 `json:"bytes_per_state"`
	// Missed bounds the odds that some state was taken for another.
	Missed    float64 `json:"odds_of_missed_state"`
	Reduction string  `json:"reduction,omitempty"`
	// Checkpoint is the file from which --resume goes on.
	Checkpoint string `json:"checkpoint,omitempty"`
}

// exploredWalks is what random walks visited.
type exploredWalks struct {
	Seed  uint64 `json:"seed"`
	Walks int    `json:"walks"`
	Steps int64  `json:"steps"`
	// Ended counts the walks that came to a state that nothing follows.
	Ended int `json:"ended"`
	// States counts the different states that were met, and Fresh those of them that were
	// met in the last tenth of the walks for the first time.
	States      int   `json:"states"`
	Fresh       int   `json:"fresh"`
	LocalStates []int `json:"local_states"`
}

// exploredProperty is what was found out about a property.
type exploredProperty struct {
	Property string `json:"property"`
	// Outcome is "holds", "violated" or "inconclusive", of a property and, as the worst of
	// them, of all.
	Outcome string `json:"outcome"`
	Reason  string `json:"reason"`
	// Steps is the length of the counterexample, and Cycle that of what is repeated for
	// ever after it.
	Steps          int      `json:"steps,omitempty"`
	Cycle          int      `json:"cycle,omitempty"`
	Counterexample string   `json:"counterexample,omitempty"` // file
	Swimlane       []string `json:"swimlane,omitempty"`
}

// exploreSchema returns the JSON Schema of what explore prints.
func exploreSchema() []byte {
	return schema.AnyOf("Results of suspect explore, and of suspect replay of a counterexample to it",
		schema.Of("", &exploredDocument{}, exploreSource), schema.Of("", &retracedDocument{}, exploreSource))
}

// exploreOptions are the flags of explore.
type exploreOptions struct {
	environment        explorable.Environment
	losses, duplicates string
	properties         []string
	search             explore.Options
	memory             int64 // MB
	time               time.Duration
	checkpoint         string
	resume             bool
	walks, depth       int
	seed               uint64
	out                string
}

func newExplore(e *environment) *cobra.Command {
	var o exploreOptions
	c := &cobra.Command{
		Use:   "explore DETECTOR|ALGORITHM [PARAMETER=VALUE]...",
		Short: "Visit every state that a small system of detectors can reach",
		Long: `Explore runs the very automata that are simulated in an environment that may do whatever
its bounds allow, and visits every state that they can reach. A property that holds there
holds in every run; one that does not is shown by a shortest run, as a swimlane with a column
for each process, which is saved and which suspect replay runs again.

A detector lives in ticks of partial synchrony: messages take up to --delta of them, and each
process takes a step in any --phi, from the start or, with --gst, from some time on. Its
clock counts its own steps. Parameters may be given in them: eta=2steps is two steps, and
timeout=1silent is over when more than one step was silent. What is left out is that of the
reference model: eta=2steps timeout=1silent step=1steps most=8silent stagger=false.

An algorithm (suspect list explorable) lives in asynchrony: one thing happens at a time, in
any order. Its failure detector is arbitrary, or an oracle of a class.

What a bound leaves open is inconclusive. The exit code is 0 if all properties hold, 1 if one
is violated, 3 if neither, and 75 after an interrupt; with --checkpoint the search was then
saved, and the same command with --resume goes on. With --walks, random walks take the place
of the search; they find violations, and prove nothing.`,
		Example: `  suspect explore adaptive
  suspect explore adaptive --gst --property strong-accuracy
  suspect explore timeout timeout=3silent --delta 2 --phi 2
  suspect explore consensus-eventually-s --processes 3 --reduce
  suspect explore consensus-s detector=arbitrary --processes 2
  suspect explore adaptive most=9silent --delta 3 --gst --checkpoint big.explored --time 1m`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("suspect explore needs the name of a detector or an algorithm (suspect list detectors explorable)")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return e.explore(c, args, o) },
	}
	f := c.Flags()
	f.IntVar(&o.environment.Processes, "processes", 2, "processes (algorithms have defaults of their own)")
	f.IntVar(&o.environment.Crashes, "crashes", 1, "of which so many may crash, at any time")
	f.IntVar(&o.environment.Delta, "delta", 2, "ticks: bound on the age of messages")
	f.IntVar(&o.environment.Phi, "phi", 2, "ticks: a process takes a step in any so many ticks")
	f.BoolVar(&o.environment.Stabilises, "gst", false, "ticks: the bounds hold only from some time on (default: from the start)")
	f.IntVar(&o.environment.FirstStep, "first-step", 0, "ticks: the number of the first step on the clocks (default: the steps of eta)")
	f.BoolVar(&o.environment.Symmetry, "symmetry", false, "ticks: states that differ in the names of processes are one")
	f.BoolVar(&o.environment.Ordered, "ordered", false, "asynchrony: messages of a link do not overtake each other")
	f.StringVar(&o.losses, "losses", "0", "asynchrony: messages that may be lost, or unlimited")
	f.StringVar(&o.duplicates, "duplicates", "0", "asynchrony: messages that may arrive twice, or unlimited")
	f.BoolVar(&o.environment.QuasiReliable, "quasi-reliable", false, "asynchrony: messages of the crashed may be lost")
	f.BoolVar(&o.environment.Reduce, "reduce", false, "asynchrony: partial-order reduction; for safety alone")
	f.StringArrayVar(&o.properties, "property", nil, "judge this property (repeatable; default: those that are to hold)")
	f.IntVar(&o.search.Workers, "workers", 0, "goroutines (default: one for each processor); the results do not depend on it")
	f.Int64Var(&o.search.MaxStates, "max-states", 0, "visit no more than some so many states (default: no bound)")
	f.IntVar(&o.search.MaxDepth, "max-depth", 0, "go no deeper than so many steps (default: no bound)")
	f.Int64Var(&o.memory, "memory", 4096, "take no more than some so many MB")
	f.DurationVar(&o.time, "time", 0, "take no longer than this (default: no bound)")
	f.StringVar(&o.checkpoint, "checkpoint", "", "file into which the search is saved where a bound or an interrupt ends it")
	f.BoolVar(&o.resume, "resume", false, "go on from the checkpoint")
	f.IntVar(&o.walks, "walks", 0, "random walks instead of a search")
	f.IntVar(&o.depth, "depth", 1000, "steps of a walk, at most")
	f.Uint64Var(&o.seed, "seed", 1, "seed of the walks")
	f.StringVar(&o.out, "out", "", "directory for counterexamples (default: the current one)")
	return c
}

// limited reads a number of losses or duplicates.
func limited(flag, text string) (int, error) {
	if text == "unlimited" {
		return explore.Unlimited, nil
	}
	var n int
	if _, err := fmt.Sscanf(text, "%d", &n); err != nil || n < 0 || fmt.Sprint(n) != text {
		return 0, usage("--%s %s: a number, or unlimited", flag, text)
	}
	return n, nil
}

// open puts together what the command line names.
func (o *exploreOptions) open(c *cobra.Command, args []string) (*explorable.Opened, error) {
	given := map[string]string{}
	for _, arg := range args[1:] {
		name, value, ok := strings.Cut(arg, "=")
		if _, twice := given[name]; !ok || twice {
			return nil, usage("%q is no parameter, or one that is given twice (write name=value)", arg)
		}
		given[name] = value
	}
	var err error
	if o.environment.Losses, err = limited("losses", o.losses); err != nil {
		return nil, err
	}
	if o.environment.Duplicates, err = limited("duplicates", o.duplicates); err != nil {
		return nil, err
	}
	ticks := []string{"delta", "phi", "gst", "first-step", "symmetry"}
	others := []string{"ordered", "losses", "duplicates", "quasi-reliable", "reduce"}
	kind := "an algorithm, in asynchrony"
	if s, ok := explorable.Lookup(args[0]); ok {
		if !c.Flags().Changed("processes") {
			o.environment.Processes = s.Processes
		}
		if !c.Flags().Changed("crashes") {
			o.environment.Crashes = s.Crashes
		}
		ticks, others = others, ticks
	} else if _, ok := detectors.Lookup(args[0]); ok {
		kind = "a detector, in ticks"
	} else {
		var known []string
		for _, s := range explorable.All() {
			known = append(known, s.Name)
		}
		for _, s := range detectors.All() {
			known = append(known, s.Name)
		}
		return nil, usage("there is no detector or algorithm %q%s (suspect list detectors explorable)", args[0], meant(args[0], known))
	}
	for _, name := range others {
		if c.Flags().Changed(name) {
			return nil, usage("--%s: %s is explored as %s, which has no such choice", name, args[0], kind)
		}
	}
	opened, err := explorable.Open(args[0], given, o.environment)
	if err != nil {
		return nil, usage("%s: %w", args[0], err)
	}
	return opened, nil
}

// chosen returns the properties that are to be judged.
func (o *exploreOptions) chosen(opened *explorable.Opened) ([]explore.Property, error) {
	if len(o.properties) == 0 {
		return opened.Properties[:opened.Default], nil
	}
	var all []explore.Property
	var names []string
	for _, p := range opened.Properties {
		names = append(names, p.Name)
	}
next:
	for _, name := range o.properties {
		for _, p := range opened.Properties {
			if p.Name == name {
				all = append(all, p)
				continue next
			}
		}
		return nil, usage("--property %s: %s has no such property%s (properties: %s)", name, opened.Name, meant(name, names), strings.Join(names, ", "))
	}
	return all, nil
}

func (e *environment) explore(c *cobra.Command, args []string, o exploreOptions) error {
	switch {
	case o.walks < 0 || o.depth < 1 || o.search.Workers < 0 || o.search.MaxStates < 0 || o.search.MaxDepth < 0 || o.memory < 1 || o.time < 0:
		return usage("bounds must not be negative, and --depth and --memory at least 1")
	case o.resume && o.checkpoint == "":
		return usage("--resume goes on from a file: name it with --checkpoint")
	case o.walks > 0 && o.checkpoint != "":
		return usage("random walks have no checkpoint: they begin anew")
	}
	opened, err := o.open(c, args)
	if err != nil {
		return err
	}
	props, err := o.chosen(opened)
	if err != nil {
		return err
	}
	began := time.Now()
	ctx := c.Context()
	over := func() bool { return ctx.Err() != nil || o.time > 0 && time.Since(began) > o.time }
	d := &exploredDocument{
		SchemaVersion: exploreSchemaVersion, Suspect: run.Version, System: opened.Name, Params: opened.Params,
		Environment: o.environment.Lines(opened.Ticks), Properties: []exploredProperty{},
	}
	var findings []explore.Finding
	if o.walks > 0 {
		w := explore.Walk{Seed: o.seed, Walks: o.walks, Depth: o.depth, Stop: over}
		r, err := w.Run(opened.System, props...)
		if err != nil {
			return usage("%s: %w", opened.Name, err)
		}
		d.Walks = &exploredWalks{o.seed, r.Walks, r.Steps, r.Ended, r.States, r.Fresh, r.Locals}
		findings = r.Findings
		if len(props) == 0 {
			d.Outcome = properties.Inconclusive.String()
		}
	} else {
		r, err := e.search(opened, props, &o, over)
		if err != nil {
			return err
		}
		d.Search = &exploredGraph{
			Complete: r.Complete, Reason: r.Reason, States: r.States, Transitions: r.Transitions, Depth: r.Depth, LocalStates: r.Locals,
			Seconds: time.Since(began).Seconds(), BytesPerState: r.BytesPerState(), Missed: r.Missed,
		}
		if x := explore.ReductionOf(opened.System); x != nil {
			d.Search.Reduction = x.String()
		}
		if !r.Complete && o.checkpoint != "" {
			d.Search.Checkpoint = o.checkpoint
		}
		findings = r.Findings
	}
	var outcomes []properties.Outcome
	for _, f := range findings {
		p := exploredProperty{Property: f.Property, Outcome: f.Outcome.String(), Reason: f.Reason}
		if x := f.Counterexample; x != nil {
			p.Steps, p.Cycle = len(x.Prefix), len(x.Cycle)
			p.Swimlane = x.Swimlane(o.environment.Processes, opened.Message)
			if p.Counterexample, err = o.save(opened, x, f.Reason); err != nil {
				return err
			}
		}
		d.Properties = append(d.Properties, p)
		outcomes = append(outcomes, f.Outcome)
	}
	worst := properties.Worst(outcomes...)
	if len(outcomes) == 0 && d.Search != nil && d.Search.Complete {
		worst = properties.Holds
	}
	d.Outcome = worst.String()
	text := d.text()
	if e.json() {
		text = report.JSON(d)
	}
	switch err := e.print(text); {
	case err != nil:
		return err
	case ctx.Err() != nil && worst != properties.Violated:
		if d.Search != nil && d.Search.Checkpoint != "" {
			return &exit{ExitInterrupted, fmt.Errorf("interrupted %w: the search is saved; the same command with --resume goes on", context.Cause(ctx))}
		}
		return &exit{ExitInterrupted, fmt.Errorf("interrupted %w", context.Cause(ctx))}
	case worst == properties.Violated:
		return &exit{ExitNotExpected, nil}
	case worst == properties.Inconclusive:
		return &exit{ExitInconclusive, nil}
	}
	return nil
}

// search searches, from the checkpoint or anew, and saves a checkpoint where it is not
// complete.
func (e *environment) search(opened *explorable.Opened, props []explore.Property, o *exploreOptions, over func() bool) (*explore.Report, error) {
	o.search.MaxBytes = o.memory << 20
	o.search.Stop = over
	if o.search.Workers == 0 {
		o.search.Workers = runtime.GOMAXPROCS(0)
	}
	s, err := explore.NewSearch(opened.System, o.search, props...)
	if err != nil {
		return nil, usage("%s: %w", opened.Name, err)
	}
	if o.resume {
		saved, err := os.ReadFile(o.checkpoint)
		if err == nil {
			err = s.Load(saved, opened.Label)
		}
		if err != nil {
			return nil, &exit{ExitBadInput, fmt.Errorf("the checkpoint cannot be gone on from: %w", err)}
		}
	}
	saved := s.States()
	r, err := s.Run()
	if err != nil {
		return nil, usage("%s: %w", opened.Name, err)
	}
	if r.States < saved {
		return nil, &exit{ExitInconclusive, fmt.Errorf("states turned out to need more room, so that the search began anew, and has not come as far as the checkpoint's %d states: that is left as it is (go on with a longer --time)", saved)}
	}
	if r.Complete || o.checkpoint == "" || r.Outcome() == properties.Violated && len(props) == 1 {
		return r, nil
	}
	temporary, err := os.CreateTemp(filepath.Dir(o.checkpoint), ".explored-*")
	if err == nil {
		err = errors.Join(s.Save(temporary, opened.Label), temporary.Close())
		if err == nil {
			err = os.Rename(temporary.Name(), o.checkpoint)
		}
		if err != nil {
			os.Remove(temporary.Name())
		}
	}
	if err != nil {
		return nil, &exit{ExitOutput, fmt.Errorf("the search could not be saved: %w", err)}
	}
	return r, nil
}

// save writes a counterexample to a file and returns its name.
func (o *exploreOptions) save(opened *explorable.Opened, c *explore.Counterexample, reason string) (string, error) {
	t, err := c.Trace(opened.System, func(m *explore.Move) []string { return m.Events(opened.Message) })
	if err != nil {
		return "", err
	}
	t.System, t.Params, t.Reason = opened.Name, opened.Params, reason
	environment := o.environment
	environment.Symmetry, environment.Reduce = false, false // runs are those of the whole graph
	if t.Environment, err = json.Marshal(environment); err != nil {
		return "", err
	}
	file := filepath.Join(o.out, fmt.Sprintf("explored-%s-%s.json", opened.Name, c.Property))
	if o.out != "" {
		err = os.MkdirAll(o.out, 0o777)
	}
	if err = errors.Join(err, t.Save(file)); err != nil {
		return "", &exit{ExitOutput, fmt.Errorf("the counterexample could not be saved: %w", err)}
	}
	return file, nil
}

// text writes the document for people.
func (d *exploredDocument) text() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s", d.System)
	for _, name := range model.SortedKeys(d.Params) {
		fmt.Fprintf(&b, " %s=%s", name, d.Params[name])
	}
	b.WriteByte('\n')
	for _, line := range d.Environment {
		fmt.Fprintf(&b, "  - %s\n", report.Hang(line, 4))
	}
	b.WriteByte('\n')
	if s := d.Search; s != nil {
		fmt.Fprintf(&b, "%d states, %d transitions, depth %d", s.States, s.Transitions, s.Depth)
		if s.Complete {
			b.WriteString(": every state that can be reached\n")
		} else {
			fmt.Fprintf(&b, ": not all, since %s\n", s.Reason)
		}
		rate := float64(s.Transitions) / max(s.Seconds, 1e-9) / 1e6
		fmt.Fprintf(&b, "%.2f s, %.2f million transitions/s, %.1f bytes a state\n", s.Seconds, rate, s.BytesPerState)
		if s.Missed > 0 {
			fmt.Fprintf(&b, "odds that a state was missed, for a hash of 128 bits: %.2g\n", s.Missed)
		} else {
			b.WriteString("no state is missed: they are compared in full\n")
		}
		if s.Reduction != "" {
			fmt.Fprintf(&b, "reduction: %s\n", s.Reduction)
		}
		if s.Checkpoint != "" {
			fmt.Fprintf(&b, "saved in %s: the same command with --resume goes on\n", s.Checkpoint)
		}
	}
	if w := d.Walks; w != nil {
		fmt.Fprintf(&b, "%d random walks of %d steps in all, seed %d; %d came to an end\n", w.Walks, w.Steps, w.Seed, w.Ended)
		fmt.Fprintf(&b, "%d different states, %d of them new in the last tenth of the walks\n", w.States, w.Fresh)
	}
	for _, p := range d.Properties {
		reason := p.Reason
		if !strings.HasPrefix(reason, p.Outcome) {
			reason = p.Outcome + ": " + reason
		}
		fmt.Fprintf(&b, "\n%s %s\n", p.Property, report.Hang(reason, 2))
		for _, line := range p.Swimlane {
			fmt.Fprintf(&b, "  %s\n", report.Printable(line))
		}
		if p.Counterexample != "" {
			fmt.Fprintf(&b, "  run it again: suspect replay %s\n", p.Counterexample)
		}
	}
	return b.Bytes()
}

// retracedDocument is what replay prints as JSON of a run of an exploration.
type retracedDocument struct {
	SchemaVersion int    `json:"schema_version"`
	Suspect       string `json:"suspect"`
	System        string `json:"system"`
	Property      string `json:"property"`
	// Explored and Simulated are what was wrong in the explorer and in the simulator; absent
	// where the run violates the property as it did, and both sides do the same.
	Explored  string   `json:"explored,omitempty"`
	Simulated string   `json:"simulated,omitempty"`
	Swimlane  []string `json:"swimlane"`
	// Records are those of the simulated run: verdicts, crashes and announcements.
	Records []string `json:"records"`
}

// readTrace returns the run of an exploration that a file holds, or nil where it holds
// something else.
func readTrace(file string) (*explore.Trace, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil // it may be the name of a trace that comes along
		}
		return nil, err
	}
	var keys map[string]json.RawMessage
	if json.Unmarshal(text, &keys) != nil || keys["first"] == nil || keys["system"] == nil {
		return nil, nil
	}
	return explore.ParseTrace(text)
}

// retrace runs a counterexample of an exploration again, in the explorer and in the
// simulator.
func (e *environment) retrace(file string, t *explore.Trace) error {
	wrong := func(err error) error { return &exit{ExitBadInput, fmt.Errorf("%s: %w", file, err)} }
	var environment explorable.Environment
	if err := json.Unmarshal(t.Environment, &environment); err != nil {
		return wrong(fmt.Errorf("its environment cannot be read: %w", err))
	}
	opened, err := explorable.Open(t.System, t.Params, environment)
	if err != nil {
		return wrong(err)
	}
	d := retracedDocument{SchemaVersion: exploreSchemaVersion, Suspect: run.Version, System: t.System, Property: t.Property, Records: []string{}}
	var property *explore.Property
	for i := range opened.Properties {
		if opened.Properties[i].Name == t.Property {
			property = &opened.Properties[i]
		}
	}
	if property == nil {
		return wrong(fmt.Errorf("%s has no property %q", t.System, t.Property))
	}
	c, err := t.Retrace(opened.System)
	if err != nil {
		return wrong(err)
	}
	if err := c.Shows(opened.System, *property); err != nil {
		d.Explored = err.Error()
	}
	s, err := explore.SimulationOf(opened.System)
	if err != nil {
		return wrong(err)
	}
	told := model.KindSet(model.Crashed, model.Suspected, model.Trusted, model.Announced)
	if err := s.Run(c, 2, func(r *model.Record) {
		if told.Has(r.Kind) {
			d.Records = append(d.Records, r.String())
		}
	}); err != nil {
		d.Simulated = err.Error()
	}
	d.Swimlane = c.Swimlane(environment.Processes, opened.Message)
	if e.json() {
		err = e.print(report.JSON(d))
	} else {
		err = e.print(d.text())
	}
	// As with other counterexamples, exit code 1 says that it still is one.
	switch {
	case err != nil:
		return err
	case d.Simulated != "":
		return &exit{ExitInternal, errors.New("the explorer and the simulator disagree: this is a bug of suspect, or an automaton that keeps state where its encoding does not see it")}
	case d.Explored == "":
		return &exit{ExitNotExpected, nil}
	}
	return nil
}

func (d *retracedDocument) text() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: a run that violates %s\n\n", d.System, d.Property)
	for _, line := range d.Swimlane {
		fmt.Fprintf(&b, "  %s\n", report.Printable(line))
	}
	b.WriteByte('\n')
	if d.Explored == "" {
		fmt.Fprintf(&b, "explored: it violates %s\n", d.Property)
	} else {
		fmt.Fprintf(&b, "explored: it does no longer: %s\n", d.Explored)
	}
	if d.Simulated == "" {
		b.WriteString("simulated: the same processes, at these times and with messages that take as long, do the same\n")
	} else {
		fmt.Fprintf(&b, "simulated: %s\n", d.Simulated)
	}
	for _, line := range d.Records {
		fmt.Fprintf(&b, "  %s\n", report.Printable(line))
	}
	return b.Bytes()
}

// explorableListing returns what "list" shows of the algorithms that can be explored.
func explorableListing() []listing {
	var l []listing
	for _, s := range explorable.All() {
		l = append(l, listing{Name: s.Name, Doc: s.Doc, Source: s.Source, Params: listingParams(s.Params)})
	}
	sort.Slice(l, func(i, j int) bool { return l[i].Name < l[j].Name })
	return l
}
