package reproduce

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"suspect/model"
	"suspect/sim"
)

// Spec describes an experiment.
type Spec struct {
	Name   string // lower-case words joined by hyphens
	Doc    string // what it shows; the first sentence is one line
	Source string // the paper, and its figure, table or section
	Params []model.Param

	// Run runs the experiment. It fills in the tables, figures, checks and notes of
	// the document; [Run] does the rest. An error about the value of a parameter is a
	// *[model.ParamError]. When ctx ends it returns soon, with any error.
	Run func(ctx context.Context, o Options) (*Document, error)
}

// Options of one run of an experiment.
type Options struct {
	Params  model.Params // those of the Spec
	Seed    uint64       // from which all randomness follows
	Workers int          // simulations at a time; 0 is one for each processor

	// Progress, unless nil, is told after each step how many of all there are done,
	// and what the step was. Calls do not overlap.
	Progress func(done, total int, what string)
}

// reserved are the names of flags that every experiment has.
var reserved = []string{"seed", "workers", "out", "format", "quiet", "help"}

var registry model.Registry[Spec]

// Register makes an experiment available under its name. It is called from init
// functions, and panics where its author has slipped: see [model.Registry.Add].
func Register(s Spec) {
	for _, p := range s.Params {
		if slices.Contains(reserved, p.Name) {
			panic(fmt.Sprintf("reproduce: experiment %q: the name of parameter %q is taken by a flag", s.Name, p.Name))
		}
	}
	if s.Run == nil || strings.TrimSpace(s.Source) == "" {
		panic(fmt.Sprintf("reproduce: experiment %q has no Run or no Source", s.Name))
	}
	registry.Add(s.Name, s.Params, s)
}

// Lookup returns the experiment with the given name.
func Lookup(name string) (Spec, bool) { return registry.Lookup(name) }

// All returns all experiments in the order of their names.
func All() []Spec { return registry.All() }

// Run runs an experiment and returns its complete document.
func Run(ctx context.Context, s Spec, o Options) (*Document, error) {
	d, err := s.Run(ctx, o)
	if err != nil {
		return nil, err
	}
	d.SchemaVersion, d.Experiment, d.Doc, d.Source, d.Seed = SchemaVersion, s.Name, s.Doc, s.Source, o.Seed
	d.Params = make(map[string]string)
	for name, value := range o.Params.All() {
		d.Params[name] = value
	}
	d.complete()
	return d, nil
}

// each calls work for 0 to n-1, several at a time, and tells the progress: name(i) is
// what step i was. It returns the error of the first step, in their order, that has
// one; steps that have not begun when ctx ends, or another fails, are left out.
func (o Options) each(ctx context.Context, n int, name func(i int) string, work func(i int) error) error {
	workers := o.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	errs := make([]error, n)
	var (
		mutex      sync.Mutex
		next, done int
		failed     bool
		group      sync.WaitGroup
	)
	take := func() int {
		mutex.Lock()
		defer mutex.Unlock()
		if next == n || failed || ctx.Err() != nil {
			return -1
		}
		next++
		return next - 1
	}
	finish := func(i int, err error) {
		mutex.Lock()
		defer mutex.Unlock()
		errs[i] = err
		failed = failed || err != nil
		if done++; err == nil {
			o.tell(done, n, name(i))
		}
	}
	for range min(workers, n) {
		group.Go(func() {
			for i := take(); i >= 0; i = take() {
				finish(i, work(i))
			}
		})
	}
	group.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	for i, err := range errs {
		if err != nil {
			return fmt.Errorf("%s: %w", name(i), err)
		}
	}
	return nil
}

// tell tells the progress to whom it may concern.
func (o Options) tell(done, total int, what string) {
	if o.Progress != nil {
		o.Progress(done, total, what)
	}
}

// budget makes a kernel stop when ctx ends.
func budget(ctx context.Context) sim.Budget { return sim.Budget{Stop: ctx.Err} }
