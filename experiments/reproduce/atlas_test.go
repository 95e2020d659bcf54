package reproduce

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"suspect/detectors"
	runner "suspect/experiments/run"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/properties"
)

// cell returns what the first table of a document says of a detector in an environment.
func cell(t *testing.T, d *Document, detector, environment string) string {
	t.Helper()
	for i, c := range d.Tables[0].Columns {
		for _, row := range d.Tables[0].Rows {
			if c.Name == environment && row[0].Text == detector {
				return row[i].Text
			}
		}
	}
	t.Fatalf("the atlas has no %s in %s", detector, environment)
	return ""
}

// What theory says of a fixed timeout, of one that grows, and of how each is affected by
// one way that is broken; and that counterexamples are files from which the violation comes
// about again, and from which nothing can be left out.
func TestAtlas(t *testing.T) {
	t.Parallel()
	d := run(t, "class-atlas", 0, map[string]string{"detectors": "timeout,adaptive", "worlds": "1",
		"environments": "synchronous unknown-bound stabilising asynchronous asymmetric crash-recovery"})
	agree(t, d)
	for _, want := range []struct{ detector, environment, classes string }{
		{"timeout", "synchronous", "P"},
		{"timeout", "unknown-bound", "none"},
		{"timeout", "stabilising", "<>P"},
		{"timeout", "asynchronous", "none"},
		{"timeout", "asymmetric", "S"}, // only the one that nobody hears is suspected
		{"timeout", "crash-recovery", "P"},
		{"adaptive", "synchronous", "P"},
		{"adaptive", "unknown-bound", "<>P"},
		{"adaptive", "stabilising", "<>P"},
		{"adaptive", "asynchronous", "none"},
	} {
		if got := cell(t, d, want.detector, want.environment); got != want.classes {
			t.Errorf("%s in %s met %s, not %s", want.detector, want.environment, got, want.classes)
		}
	}
	pull := run(t, "class-atlas", 0, map[string]string{"detectors": "ping", "worlds": "1", "environments": "asymmetric", "shrink": "false"})
	if got := cell(t, pull, "ping", "asymmetric"); got != "none" { // that one gets no replies
		t.Errorf("ping in asymmetric met %s", got)
	}
	dir := t.TempDir()
	for _, f := range d.Attached {
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(files) != len(d.Tables[2].Rows) || len(files) == 0 {
		t.Fatalf("%d files, error %v", len(files), err)
	}
	for _, file := range files {
		s, err := scenario.Read(file, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		r, err := runner.Run(context.Background(), s, runner.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Outcome != runner.AsExpected || len(r.Expectations) == 0 {
			t.Errorf("%s: %s", filepath.Base(file), r.Outcome)
		}
	}
}

// timeoutIn returns a small world in which the detector timeout is violated.
func timeoutIn(climate string) *world {
	for i := range climates {
		if climates[i].name == climate {
			w := climates[i].world(1, 0)
			w.detector = "timeout"
			return w
		}
	}
	panic(climate)
}

// Of a shrunk world nothing can be left out.
func TestShrink(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for climate, property := range map[string]string{"unknown-bound": "strong-accuracy", "stabilising": "weak-accuracy", "asymmetric": "eventual-strong-accuracy"} {
		c, err := shrink(ctx, timeoutIn(climate), property)
		if err != nil {
			t.Fatal(err)
		}
		if c.n != 2 || !slices.Contains(c.violated, property) || c.reason == "" {
			t.Errorf("%s: %d processes, violated: %v, %q", climate, c.n, c.violated, c.reason)
		}
		smaller := []*world{}
		for i := range c.troubles {
			smaller = append(smaller, c.without(i, i+1))
		}
		x := *c.world
		x.duration -= model.Second
		if x.duration > 0 {
			smaller = append(smaller, &x)
		}
		for _, w := range smaller {
			results, err := w.judge(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if slices.Contains(violated(results), property) {
				t.Errorf("%s: %v for %v is not needed to violate %s", climate, c.troubles, c.duration, property)
			}
		}
	}
}

// A world as files is the world that was judged.
func TestWorldFiles(t *testing.T) {
	t.Parallel()
	for i := range climates {
		w := climates[i].world(1, 1)
		w.detector = "timeout"
		want, err := w.scenario()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for _, f := range w.files("atlas", "", nil) {
			text := strings.Replace(string(f.Data), "\nexpect:\n", "", 1)
			if err := os.WriteFile(filepath.Join(dir, f.Name), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		got, err := scenario.Read(filepath.Join(dir, "atlas.yaml"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got.Hash() != want.Hash() {
			t.Errorf("%s: the files say\n%s\nnot\n%s", climates[i].name, got.Resolved(), want.Resolved())
		}
		for j := range want.Network.Topology.Links {
			a, b := want.Network.Topology.Links[j].BtoA.Replay, got.Network.Topology.Links[j].BtoA.Replay
			if !a.Equal(b.Recording) || a.Overtake != b.Overtake {
				t.Errorf("%s: link %d replays something else", climates[i].name, j)
			}
		}
	}
}

// Every environment keeps what it promises, whatever the seed: the bounds on which claims
// rely, a majority that never crashes, and one process that crashes for good soon enough to
// be judged.
func TestClimates(t *testing.T) {
	for i := range climates {
		c := &climates[i]
		for seed := range uint64(50) {
			w := c.world(seed, int(seed%5))
			down := map[int]bool{}
			forGood := 0
			var lastStall model.Duration
			for _, x := range w.troubles {
				end := x.at + x.last
				switch {
				case x.kind == crashes && x.last == 0:
					forGood++
					if x.at < c.settled || x.at+atlasWithin > atlasStable {
						t.Fatalf("%s: %v", c.name, x)
					}
					fallthrough
				case x.kind == crashes:
					down[x.host] = true
				case x.kind == stalls && end > lastStall:
					lastStall = end
				}
				switch {
				case c.bounds == knownAlways && (x.kind != crashes || x.last > 0),
					c.bounds == knownInEnd && x.kind == crashes && x.last > 0 && end >= atlasStable,
					c.bounds == knownInEnd && x.kind != crashes && (x.last == 0 || end > stabilisation),
					c.bounds == unknownInEnd && x.kind != crashes && (x.kind != stalls || x.last > unknownStall):
					t.Fatalf("%s, with %v: %v", c.name, c.bounds, x)
				}
			}
			if forGood != 1 || len(down) > 2 {
				t.Fatalf("%s: %d of %d crash, %d for good", c.name, len(down), w.n, forGood)
			}
			if c.name == "asynchronous" && lastStall < atlasStable {
				t.Fatalf("the last stall ends at %v", lastStall)
			}
		}
	}
}

// The tables of parameters are about registered detectors, and these accept them.
func TestAtlasParams(t *testing.T) {
	names := model.SortedKeys(atlasParams)
	for name := range learnsBounds {
		names = append(names, name)
	}
	for name := range needsOrder {
		names = append(names, name)
	}
	for _, name := range names {
		if _, ok := detectors.Lookup(name); !ok {
			t.Errorf("there is no detector %q", name)
		}
	}
	for _, spec := range detectors.All() {
		if spec.Typed {
			continue
		}
		for _, c := range spec.Claims {
			if strings.Contains(c.Under, "order") != needsOrder[spec.Name] && c.Class == model.P {
				t.Errorf("%s claims %v under %q, which the atlas does not know", spec.Name, c.Class, c.Under)
			}
			if strings.Contains(c.Under, "nobody needs to know") != learnsBounds[spec.Name] && c.Class == model.EventuallyP {
				t.Errorf("%s claims %v under %q, which the atlas does not know", spec.Name, c.Class, c.Under)
			}
		}
		w := climates[0].world(1, 0)
		w.detector, w.params = spec.Name, atlasParams[spec.Name]
		if _, err := w.scenario(); err != nil {
			t.Error(err)
		}
	}
}

// implies is the relation of figure 1: checked against what [properties.ClassOutcomes]
// says of every combination of properties that hold.
func TestImplies(t *testing.T) {
	names := []string{"strong-completeness", "weak-completeness", "strong-accuracy", "weak-accuracy", "eventual-strong-accuracy", "eventual-weak-accuracy"}
	counter := map[[2]model.Class]bool{}
	for set := range 1 << len(names) {
		var results []properties.Result
		consistent := true
		for i, name := range names {
			outcome := properties.Violated
			if set>>i&1 != 0 {
				outcome = properties.Holds
			}
			results = append(results, properties.Result{Property: name, Outcome: outcome, Checked: 1})
		}
		for _, r := range results {
			for _, stronger := range impliedBy[r.Property] {
				for _, x := range results {
					consistent = consistent && (x.Property != stronger || x.Outcome == properties.Violated || r.Outcome == properties.Holds)
				}
			}
		}
		if !consistent {
			continue
		}
		outcomes := properties.ClassOutcomes(results)
		for _, a := range outcomes {
			for _, b := range outcomes {
				if a.Outcome == properties.Holds && b.Outcome != properties.Holds {
					counter[[2]model.Class{a.Class, b.Class}] = true
				}
			}
		}
	}
	for _, a := range model.Classes() {
		for _, b := range model.Classes() {
			if implies(a, b) == counter[[2]model.Class{a, b}] {
				t.Errorf("%v implies %v: %v", a, b, implies(a, b))
			}
		}
	}
}

// Inconclusive is never shown as met, and one vacuous world does not hide the others.
func TestAtlasOutcomes(t *testing.T) {
	violated := properties.Result{Outcome: properties.Violated, Checked: 1}
	holds := properties.Result{Outcome: properties.Holds, Checked: 1}
	open := properties.Result{Outcome: properties.Inconclusive, Checked: 1}
	vacuous := properties.Result{Outcome: properties.Inconclusive}
	for i, c := range []struct {
		x, than properties.Result
		want    bool
	}{
		{violated, holds, true}, {holds, violated, false}, {open, holds, true}, {holds, open, false}, {violated, open, true},
		{vacuous, holds, false}, {holds, vacuous, true}, {open, vacuous, true}, {violated, vacuous, true}, {vacuous, vacuous, false}, {holds, holds, false},
	} {
		if got := worse(c.x, c.than); got != c.want {
			t.Errorf("%d: %v", i, got)
		}
	}
	r := &region{climate: &climates[0], entry: &entry{Spec: detectors.Spec{Claims: []model.Claim{{Class: model.P}}}}}
	for _, c := range []struct {
		results        map[string]properties.Outcome
		label, claimed string
	}{
		{map[string]properties.Outcome{}, "?P", "open"},
		{map[string]properties.Outcome{"strong-completeness": properties.Holds}, "?P", "open"},
		{map[string]properties.Outcome{"strong-completeness": properties.Holds, "strong-accuracy": properties.Holds}, "P", "met"},
		{map[string]properties.Outcome{"strong-completeness": properties.Holds, "weak-completeness": properties.Holds, "strong-accuracy": properties.Violated, "weak-accuracy": properties.Holds, "eventual-strong-accuracy": properties.Holds}, "S <>P !", "VIOLATED"},
		{map[string]properties.Outcome{"strong-completeness": properties.Holds, "strong-accuracy": properties.Violated, "weak-accuracy": properties.Violated, "eventual-strong-accuracy": properties.Violated, "eventual-weak-accuracy": properties.Inconclusive}, "?<>S !", "VIOLATED"},
	} {
		r.results = nil
		for _, name := range model.SortedKeys(c.results) {
			r.results = append(r.results, properties.Result{Property: name, Outcome: c.results[name], Checked: 1})
		}
		r.classes = properties.ClassOutcomes(r.results)
		if r.label() != c.label || r.claimed(r.Claims[0]) != c.claimed {
			t.Errorf("%v: %q and %q, not %q and %q", c.results, r.label(), r.claimed(r.Claims[0]), c.label, c.claimed)
		}
	}
}

// A claim agrees only where it was met everywhere that it applies, and so does theory.
func TestAtlasChecks(t *testing.T) {
	claim := model.Claim{Class: model.P}
	for outcome, want := range map[properties.Outcome]Outcome{properties.Holds: Agrees, properties.Violated: Differs, properties.Inconclusive: Differs} {
		e := &entry{Spec: detectors.Spec{Name: "x", Claims: []model.Claim{claim}}}
		a := &atlas{entries: []*entry{e}}
		for i := range climates {
			r := &region{entry: e, climate: &climates[i], classes: properties.ClassOutcomes([]properties.Result{
				{Property: "strong-completeness", Outcome: properties.Holds}, {Property: "strong-accuracy", Outcome: outcome},
			})}
			a.climates, a.regions = append(a.climates, r.climate), append(a.regions, r)
		}
		d := new(Document)
		a.checkClaim(d, 0, claim)
		if len(d.Checks) != 1 || d.Checks[0].Outcome != want || d.Checks[0].Expected != "met in synchronous" {
			t.Errorf("accuracy %v: %+v", outcome, d.Checks)
		}
		d = new(Document)
		a.checkTheory(d)
		for _, c := range d.Checks {
			if (c.Outcome == Differs) != (outcome == properties.Holds) {
				t.Errorf("accuracy %v: %+v", outcome, c)
			}
		}
		if len(d.Checks) != len(impossible) {
			t.Errorf("%d checks", len(d.Checks))
		}
	}
}

// What is sent during a stall arrives when it ends, or less than a step later; of two stalls
// at a time the one that ends later counts. Other hosts, and other times, have none.
func TestProbes(t *testing.T) {
	w := &world{n: 2, duration: 60 * model.Second, troubles: []trouble{
		{stalls, 1, 3 * model.Second, 4 * model.Second}, {crashes, 1, 5 * model.Second, 0}, {stalls, 1, 20 * model.Second, 2 * model.Second}, {stalls, 1, 21 * model.Second, 9 * model.Second},
	}}
	if p := w.probes(0); p != nil {
		t.Errorf("h0 meets %v", p)
	}
	probes := w.probes(1)
	for at := model.Duration(0); at < w.duration; at += 100 * model.Millisecond {
		i := len(probes) - 1
		for probes[i].At > at {
			i--
		}
		arrives := at + probes[i].Delay
		until := at
		switch {
		case at >= 3*model.Second && at < 7*model.Second:
			until = 7 * model.Second
		case at >= 20*model.Second && at < 21*model.Second:
			until = 22 * model.Second
		case at >= 21*model.Second && at < 30*model.Second:
			until = 30 * model.Second
		}
		if late := arrives - until; late < 0 || late >= stallStep || until == at && late > 0 {
			t.Errorf("what is sent at %v arrives at %v, not at %v", at, arrives, until)
		}
	}
}
