package reproduce

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"suspect/detectors"
	"suspect/model"
	"suspect/properties"
)

func init() {
	Register(Spec{
		Name: "class-atlas",
		Doc: "Which Chandra-Toueg class each detector met in synchronous, partially synchronous, asynchronous, lossy, asymmetric and crash-recovery systems, beside what it claims. " +
			"For everything that was violated there is a smallest run that violates it.",
		Source: "T. D. Chandra and S. Toueg, Unreliable failure detectors for reliable distributed systems, Journal of the ACM 43(2), 1996, section 2; " +
			"C. Dwork, N. Lynch and L. Stockmeyer, Consensus in the presence of partial synchrony, Journal of the ACM 35(2), 1988",
		Params: []model.Param{
			{Name: "worlds", Type: model.CountParam, Default: "8", Doc: "runs of each detector in each environment, from 1 to 1000"},
			{Name: "environments", Type: model.TextParam, Default: climateNames(), Doc: "which environments"},
			{Name: "detectors", Type: model.TextParam, Default: "all", Doc: "which detectors: all, or their names"},
			{Name: "shrink", Type: model.SwitchParam, Default: "true", Doc: "look for the smallest run that violates what was violated"},
		},
		Run: classAtlas,
	})
}

func climateNames() string {
	var names []string
	for _, c := range climates {
		names = append(names, c.name)
	}
	return strings.Join(names, " ")
}

// entry is a row of the atlas: a detector.
type entry struct {
	detectors.Spec
	ordered bool // messages keep their order
}

func (e *entry) name() string {
	if e.ordered {
		return e.Name + ", in order"
	}
	return e.Name
}

// region is a cell of the atlas: a detector in an environment.
type region struct {
	*entry
	climate         *climate
	results         []properties.Result       // the worst of the worlds
	classes         []properties.ClassOutcome // in the order of model.Classes
	counterexamples []*counterexample
}

func (r *region) String() string { return r.name() + " in " + r.climate.name }

// atlas is the table of regions, by detector and environment.
type atlas struct {
	Options
	entries  []*entry
	climates []*climate
	worlds   int
	regions  []*region
}

func planAtlas(o Options) (*atlas, error) {
	a := &atlas{Options: o, worlds: int(o.Params.Count("worlds"))}
	if a.worlds < 1 || a.worlds > 1000 {
		return nil, &model.ParamError{Name: "worlds", Err: fmt.Errorf("%d: from 1 to 1000", a.worlds)}
	}
	for _, name := range namesIn(o.Params.Text("environments")) {
		i := slices.IndexFunc(climates, func(c climate) bool { return c.name == name })
		if i < 0 {
			return nil, &model.ParamError{Name: "environments", Err: fmt.Errorf("%q is none of %s", name, climateNames())}
		}
		a.climates = append(a.climates, &climates[i])
	}
	names := namesIn(o.Params.Text("detectors"))
	for _, name := range names {
		spec, ok := detectors.Lookup(name)
		switch {
		case !ok && name != "all":
			return nil, &model.ParamError{Name: "detectors", Err: fmt.Errorf("there is no detector %q", name)}
		case spec.Typed:
			return nil, &model.ParamError{Name: "detectors", Err: fmt.Errorf("%s names kinds of failure: it is in kind-matrix", name)}
		}
	}
	for _, spec := range detectors.All() {
		if spec.Typed || !slices.Contains(names, "all") && !slices.Contains(names, spec.Name) {
			continue
		}
		a.entries = append(a.entries, &entry{spec, false})
		if needsOrder[spec.Name] {
			a.entries = append(a.entries, &entry{spec, true})
		}
	}
	switch none := errors.New("none is given"); {
	case len(a.climates) == 0:
		return nil, &model.ParamError{Name: "environments", Err: none}
	case len(a.entries) == 0:
		return nil, &model.ParamError{Name: "detectors", Err: none}
	}
	for _, e := range a.entries {
		for _, c := range a.climates {
			a.regions = append(a.regions, &region{entry: e, climate: c})
		}
	}
	return a, nil
}

// namesIn splits a list of names at blanks and commas.
func namesIn(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

func classAtlas(ctx context.Context, o Options) (*Document, error) {
	a, err := planAtlas(o)
	if err != nil {
		return nil, err
	}
	err = o.each(ctx, len(a.regions), func(i int) string { return a.regions[i].String() }, func(i int) error {
		return a.explore(ctx, a.regions[i])
	})
	if err != nil {
		return nil, err
	}
	return a.document(), nil
}

// explore runs the worlds of a region, and shrinks those that violate something.
func (a *atlas) explore(ctx context.Context, r *region) error {
	worst := map[string]*world{}
	for i := range a.worlds {
		w := r.climate.world(a.Seed, i)
		w.detector, w.params, w.ordered = r.Name, atlasParams[r.Name], r.ordered
		found, err := w.judge(ctx)
		if err != nil {
			return err
		}
		for j, f := range found {
			if i == 0 {
				r.results = append(r.results, f)
			} else if worse(f, r.results[j]) {
				r.results[j] = f
			}
			if f.Outcome == properties.Violated && worst[f.Property] == nil {
				worst[f.Property] = w
			}
		}
	}
	r.classes = properties.ClassOutcomes(r.results)
	if !a.Params.Switch("shrink") {
		return nil
	}
	for _, property := range r.telling() {
		c, err := shrink(ctx, worst[property], property)
		if err != nil {
			return fmt.Errorf("%s: %w", property, err)
		}
		r.counterexamples = append(r.counterexamples, c)
	}
	return nil
}

// worse tells whether the result of one world counts rather than that of others: a world
// that is vacuous says nothing where others are not.
func worse(x, than properties.Result) bool {
	switch vacuous := func(r properties.Result) bool { return r.Outcome == properties.Inconclusive && r.Checked == 0 }; {
	case vacuous(x):
		return false
	case vacuous(than):
		return true
	}
	return x.Outcome != than.Outcome && properties.Worst(x.Outcome, than.Outcome) == x.Outcome
}

// impliedBy are the stronger properties of each.
var impliedBy = map[string][]string{
	"weak-completeness":        {"strong-completeness"},
	"weak-accuracy":            {"strong-accuracy"},
	"eventual-strong-accuracy": {"strong-accuracy"},
	"eventual-weak-accuracy":   {"strong-accuracy", "weak-accuracy", "eventual-strong-accuracy"},
}

// leastViolated returns the violated properties that ask for least: a run that violates
// them violates the stronger ones, too.
func leastViolated(results []properties.Result) (names []string) {
	names = violated(results)
	for _, weak := range slices.Clone(names) {
		names = slices.DeleteFunc(names, func(x string) bool { return slices.Contains(impliedBy[weak], x) })
	}
	return names
}

// telling returns the violated properties that have a counterexample: those that ask for
// least, and those that a claim is violated by where it applies.
func (r *region) telling() []string {
	least := leastViolated(r.results)
	var names []string
	for _, name := range violated(r.results) {
		if slices.Contains(least, name) || slices.ContainsFunc(r.Claims, func(c model.Claim) bool {
			return r.climate.applies(r.entry, c) && (propertyName(c.Class.Completeness()) == name || propertyName(c.Class.Accuracy()) == name)
		}) {
			names = append(names, name)
		}
	}
	return names
}

// propertyName returns the name of the property that a part of a class is.
func propertyName(part fmt.Stringer) string { return strings.ReplaceAll(part.String(), " ", "-") }

// implies tells whether every history of class a is one of class b.
func implies(a, b model.Class) bool {
	if a.Completeness() > b.Completeness() {
		return false
	}
	x, y := a.Accuracy(), b.Accuracy()
	return x == y || x == model.StrongAccuracy || y == model.EventualWeakAccuracy
}

// outcome returns what the region says of a class.
func (r *region) outcome(c model.Class) properties.Outcome { return r.classes[c].Outcome }

// strongest returns the classes of an outcome that no other one of it implies.
func (r *region) strongest(o properties.Outcome) (all []string) {
	for _, c := range model.Classes() {
		if r.outcome(c) == o && !slices.ContainsFunc(model.Classes(), func(b model.Class) bool {
			return b != c && r.outcome(b) == o && implies(b, c)
		}) {
			all = append(all, c.String())
		}
	}
	return all
}

// label is what the map shows of a region.
func (r *region) label() string {
	words := r.strongest(properties.Holds)
	for _, c := range r.strongest(properties.Inconclusive) {
		words = append(words, "?"+c)
	}
	if len(words) == 0 {
		words = []string{"none"}
	}
	if r.broken() {
		words = append(words, "!")
	}
	return strings.Join(words, " ")
}

// broken tells whether a claim that applies is violated.
func (r *region) broken() bool {
	return slices.ContainsFunc(r.Claims, func(c model.Claim) bool {
		return r.climate.applies(r.entry, c) && r.outcome(c.Class) == properties.Violated
	})
}

// regionsOf returns the regions of entry i.
func (a *atlas) regionsOf(i int) []*region {
	return a.regions[i*len(a.climates) : (i+1)*len(a.climates)]
}

// counterexampleName returns the name of the file of a counterexample.
func (r *region) counterexampleName(c int) string {
	return fmt.Sprintf("%s-%s-%s", strings.ReplaceAll(r.name(), ", in ", "-in-"), r.climate.name, r.counterexamples[c].property)
}

func (a *atlas) document() *Document {
	d := new(Document)
	var names []string
	for _, c := range a.climates {
		names = append(names, c.name)
	}
	classes := newTable("The strongest classes that each detector met (none: not one of the eight; ?: left open; !: a claim is violated where it applies)",
		append([]string{"detector", "claims"}, names...)...)
	claims := newTable("Each claim: met or VIOLATED where the environment has what it needs; in brackets what came of it elsewhere",
		append(append([]string{"detector", "claim"}, names...), "needs")...)
	for i, e := range a.entries {
		var promised []string
		for _, c := range e.Claims {
			promised = append(promised, c.Class.String())
		}
		row := []Cell{words("%s", e.name()), words("%s", strings.Join(promised, " "))}
		for _, r := range a.regionsOf(i) {
			row = append(row, words("%s", r.label()))
		}
		classes.add(row...)
		for _, c := range e.Claims {
			row := []Cell{words("%s", e.name()), words("%s", c.Class)}
			for _, r := range a.regionsOf(i) {
				row = append(row, words("%s", r.claimed(c)))
			}
			claims.add(append(row, words("%s", c.Under))...)
			a.checkClaim(d, i, c)
		}
	}
	d.Tables = append(d.Tables, classes, claims)
	a.counterexamples(d)
	a.checkTheory(d)
	a.notes(d)
	return d
}

// claimed says what came of a claim.
func (r *region) claimed(c model.Claim) string {
	outcome := [...]string{properties.Holds: "met", properties.Violated: "violated", properties.Inconclusive: "open"}[r.outcome(c.Class)]
	switch {
	case !r.climate.applies(r.entry, c):
		return "(" + outcome + ")"
	case outcome == "violated":
		return "VIOLATED"
	}
	return outcome
}

// checkClaim checks a claim where it applies.
func (a *atlas) checkClaim(d *Document, entry int, c model.Claim) {
	var where, not []string
	why := ""
	for i, r := range a.regionsOf(entry) {
		if !r.climate.applies(r.entry, c) {
			continue
		}
		where = append(where, r.climate.name)
		if o := r.outcome(c.Class); o != properties.Holds {
			not = append(not, fmt.Sprintf("%s in %s", o, a.climates[i].name))
			why = r.classes[c.Class].Reason
		}
	}
	if len(where) == 0 {
		return
	}
	what := fmt.Sprintf("%s claims %s", a.entries[entry].name(), c.Class)
	expected, measured := "met in "+strings.Join(where, ", "), strings.Join(not, ", ")
	if len(not) == 0 {
		measured = "met"
	}
	d.check(what, expected, measured, len(not) == 0, why)
}

// impossible are the classes that no detector can meet in an environment, and who says so.
var impossible = []struct {
	climate string
	class   model.Class
	why     string
}{
	{"unknown-bound", model.P, "with bounds that nobody knows no algorithm implements P: to every timeout there is a delay that is longer"},
	{"asynchronous", model.P, "without bounds on delays no algorithm implements P"},
	{"asynchronous", model.EventuallyP, "without bounds on delays no algorithm implements <>P, which solves consensus (Chandra and Toueg 1996; Fischer, Lynch and Paterson 1985)"},
}

// checkTheory checks that the environments are as bad as theory says they can be.
func (a *atlas) checkTheory(d *Document) {
	for _, x := range impossible {
		var met []string
		any := false
		for _, r := range a.regions {
			if r.climate.name != x.climate {
				continue
			}
			any = true
			if r.outcome(x.class) == properties.Holds {
				met = append(met, r.name())
			}
		}
		if !any {
			continue
		}
		found := "nobody meets it"
		if len(met) > 0 {
			found = "met by " + strings.Join(met, ", ")
		}
		d.check(fmt.Sprintf("%s, %s", x.class, x.climate), "nobody meets it", found, len(met) == 0, x.why)
	}
}

// counterexamples adds the table of counterexamples, and their files.
func (a *atlas) counterexamples(d *Document) {
	t := newTable("The smallest runs that were found to violate what was violated", "detector", "environment", "violated", "processes", "ends [s]", "file", "what happens, and what comes of it")
	for _, r := range a.regions {
		for i, c := range r.counterexamples {
			var events []string
			for _, x := range c.troubles {
				events = append(events, x.String())
			}
			switch {
			case c.jitter && c.ordered:
				events = append(events, fmt.Sprintf("fixed delays of up to %v", atlasJitter))
			case c.jitter:
				events = append(events, fmt.Sprintf("delays of up to %v", atlasJitter))
			}
			if c.late {
				events = append(events, fmt.Sprintf("starts within %v", atlasStarts))
			}
			if len(events) == 0 {
				events = []string{"nothing"}
			}
			name := r.counterexampleName(i)
			file := ""
			for _, f := range c.files(name, c.reason, c.violated) {
				d.Attached = append(d.Attached, f)
				file = f.Name
			}
			t.add(words("%s", r.name()), words("%s", r.climate.name), words("%s", c.property), count(int64(c.n)),
				number(c.duration.Seconds(), "%.0f"), words("%s", file), words("%s: %s", strings.Join(events, "; "), c.reason))
		}
	}
	if len(t.Rows) > 0 {
		d.Tables = append(d.Tables, t)
	}
}

func (a *atlas) notes(d *Document) {
	for _, c := range a.climates {
		d.Notes = append(d.Notes, fmt.Sprintf("%s: %s.", c.name, c.about))
	}
	d.Notes = append(d.Notes, "Detectors that name kinds of failure are not here: kind-matrix is about them.")
	d.Notes = append(d.Notes,
		fmt.Sprintf("%d processes watch each other for %v; in every run one of them crashes for good. Each detector meets the same %d runs of an environment, and a class has the worst outcome of them.", atlasHosts, atlasDuration, a.worlds),
		fmt.Sprintf("Eventual properties are judged in a bounded form: a crash is seen within %v and for good, and from %v on there is no mistake. That the bounded form holds, or is violated, says nothing beyond the end of a run. Accuracy without \"eventually\" is judged as it stands: one mistake violates it for ever.", atlasWithin, atlasStable),
		"All of figure 1 that a listed class does not imply, and that is not marked ?, was violated. What is left open counts as not met.",
		"Whether a claim applies is decided by its class: without \"eventually\" it needs bounds that always hold and fit the parameters, and no recovery; else it needs them from some time on, and some claims need only that there are bounds.",
		"Messages overtake each other. Where a detector claims something only if they do not, a second row of it, in order, has fixed delays on the way from each process instead.",
		"Counterexamples are shrunk: processes, then what happens, then times, as long as the same property is violated. A run that violates a property violates the stronger ones, too, so these have one of their own only where a claim says that they hold. With --out they are files that `suspect run` repeats, with the violations as their expectations.",
	)
	for _, e := range a.entries {
		if len(e.Claims) == 0 {
			d.Notes = append(d.Notes, fmt.Sprintf("%s claims no class. %s", e.name(), e.Doc))
		}
	}
	var set []string // those that do not have their defaults
	for _, e := range a.entries {
		if p := atlasParams[e.Name]; p != "" && !e.ordered {
			set = append(set, e.Name+strings.Replace(p, ",", ":", 1))
		}
	}
	if len(set) > 0 {
		d.Notes = append(d.Notes, "Detectors have their default parameters, but for "+strings.Join(set, "; ")+".")
	}
}
