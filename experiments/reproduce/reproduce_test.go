package reproduce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"suspect/experiments/report"
	"suspect/model"
)

// run runs a registered experiment with the given parameters.
func run(t testing.TB, name string, workers int, given map[string]string) *Document {
	t.Helper()
	d, err := runIn(context.Background(), t, name, workers, given)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func runIn(ctx context.Context, t testing.TB, name string, workers int, given map[string]string) (*Document, error) {
	t.Helper()
	s, ok := Lookup(name)
	if !ok {
		t.Fatalf("there is no experiment %q", name)
	}
	p, errs := model.NewParams(s.Params, given)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return Run(ctx, s, Options{Params: p, Seed: 1, Workers: workers})
}

// agree fails where a check differs.
func agree(t *testing.T, d *Document) {
	t.Helper()
	for _, c := range d.Checks {
		if c.Outcome == Differs {
			t.Errorf("%s: expected %s, measured %s: %s", c.What, c.Expected, c.Measured, c.Why)
		}
	}
	if !d.Agrees || d.count(Agrees) == 0 {
		t.Errorf("the document does not agree: %s", d.headline())
	}
}

// small are parameters with which the experiments take a fraction of a second.
var small = map[string]map[string]string{
	"queueing":               {"rows": "DD1-1,MM1-1a", "packets": "60000"},
	"chen":                   {"rows": "S01", "packets": "30000"},
	"guarantee-1000":         {},
	"parameters":             {},
	"known-answers":          {"runs": "200", "groups": "4"},
	"worst-cases":            {"hosts": "24", "repetitions": "20", "draws": "60"},
	"class-atlas":            {"detectors": "timeout", "environments": "synchronous asymmetric", "worlds": "2"},
	"kind-matrix":            {"replications": "2", "networks": "leaf-spine", "faults": "process crash, incast", "detectors": "timeout, link-state"},
	"congestion-definitions": {"replications": "3", "length": "5s"},
	"bound-validation":       {"draws": "2", "length": "200us", "step": "11"},
	"exploration":            {"largest": "16000", "limit": "1000", "times": "false"},
}

// Each agrees with what is published, whatever the number of workers, and its pages show
// every table, note and figure.
func TestSmall(t *testing.T) {
	for name, given := range small {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := run(t, name, 1, given)
			agree(t, d)
			again := run(t, name, 3, given)
			if diff := cmp.Diff(string(report.JSON(d)), string(report.JSON(again))); diff != "" {
				t.Errorf("three workers find something else:\n%s", diff)
			}
			markdown, text := d.Markdown(), d.Text()
			for _, table := range d.Tables {
				if len(table.Rows) == 0 {
					t.Errorf("the table %q is empty", table.Title)
				}
				if !strings.Contains(markdown, "## "+escape(table.Title)) || !strings.Contains(text, table.Title[:20]) {
					t.Errorf("the table %q is on no page", table.Title)
				}
			}
			files := make(map[string]bool)
			for _, f := range d.Files() {
				files[f.Name] = len(f.Data) > 0
			}
			for _, f := range d.Figures {
				if !files[f.Name+".svg"] || !strings.Contains(markdown, "("+f.Name+".svg)") {
					t.Errorf("the figure %s is not shown", f.Name)
				}
			}
			if !files["report.md"] || !files["results.json"] || len(d.Notes) == 0 {
				t.Errorf("files %v, %d notes", files, len(d.Notes))
			}
		})
	}
}

// A context that has ended ends every experiment that takes long.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name := range small {
		if name == "parameters" {
			continue
		}
		if _, err := runIn(ctx, t, name, 0, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// Values that mean nothing are refused, with the name of the parameter.
func TestWrongParameters(t *testing.T) {
	for _, c := range []struct{ experiment, param, value string }{
		{"queueing", "replications", "1"}, {"queueing", "packets", "3"}, {"chen", "rows", "S99"},
		{"guarantee-1000", "hosts", "1"}, {"guarantee-1000", "hosts", "10001"}, {"guarantee-1000", "packet", "45"}, {"guarantee-1000", "packet", "99999999999"},
		{"class-atlas", "worlds", "0"}, {"class-atlas", "detectors", "nobody"}, {"class-atlas", "environments", ","}, {"worst-cases", "draws", "0"}, {"worst-cases", "hosts", "3"}, {"bound-validation", "draws", "0"}, {"bound-validation", "step", "0"}, {"bound-validation", "length", "1us"}, {"bound-validation", "length", "101ms"},
		{"congestion-definitions", "replications", "2"}, {"congestion-definitions", "length", "4s"},
		{"kind-matrix", "replications", "1"}, {"kind-matrix", "faults", "flood"}, {"kind-matrix", "networks", "ring"}, {"kind-matrix", "detectors", ","},
	} {
		given := map[string]string{c.param: c.value}
		if c.experiment == "worst-cases" && c.param != "hosts" {
			given["hosts"] = "4"
		}
		_, err := runIn(context.Background(), t, c.experiment, 0, given)
		if p := new(model.ParamError); !errors.As(err, &p) || p.Name != c.param {
			t.Errorf("%s, %s=%s: error %v", c.experiment, c.param, c.value, err)
		}
	}
}

func TestRegister(t *testing.T) {
	nothing := func(context.Context, Options) (*Document, error) { return nil, nil }
	for _, s := range []Spec{
		{Name: "parameters", Source: "x", Run: nothing},
		{Name: "a", Source: "x"},
		{Name: "b", Run: nothing},
		{Name: "c", Source: "x", Run: nothing, Params: []model.Param{{Name: "seed", Type: model.CountParam}}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was registered", s.Name)
				}
			}()
			Register(s)
		}()
	}
	for i, s := range All() {
		if s.Doc == "" || i > 0 && All()[i-1].Name >= s.Name {
			t.Errorf("experiment %q: no doc, or out of order", s.Name)
		}
	}
}

// The steps are all done once, by as many workers as there may be, and told one by one.
func TestEach(t *testing.T) {
	for _, workers := range []int{0, 1, 3, 100} {
		var done [20]atomic.Int32
		var told []int
		o := Options{Workers: workers, Progress: func(done, total int, what string) {
			if total != 20 || !strings.HasPrefix(what, "step ") {
				t.Errorf("%d of %d: %s", done, total, what)
			}
			told = append(told, done)
		}}
		err := o.each(context.Background(), 20, func(i int) string { return fmt.Sprint("step ", i) }, func(i int) error {
			done[i].Add(1)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range done {
			if done[i].Load() != 1 || told[i] != i+1 {
				t.Errorf("%d workers: step %d was done %d times, told as %v", workers, i, done[i].Load(), told)
			}
		}
	}
}

// The first step that fails, in their order, is the error; those that had not begun are
// left out.
func TestEachFails(t *testing.T) {
	var begun atomic.Int32
	wrong := errors.New("wrong")
	name := func(i int) string { return fmt.Sprint("step ", i) }
	err := Options{Workers: 1}.each(context.Background(), 1000, name, func(i int) error {
		begun.Add(1)
		if i >= 3 {
			return wrong
		}
		return nil
	})
	if !errors.Is(err, wrong) || !strings.HasPrefix(err.Error(), "step 3:") || begun.Load() != 4 {
		t.Errorf("%v after %d steps", err, begun.Load())
	}
	ctx, cancel := context.WithCancel(context.Background())
	begun.Store(0)
	err = Options{Workers: 1}.each(ctx, 1000, name, func(i int) error {
		if begun.Add(1) == 5 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || begun.Load() != 5 {
		t.Errorf("%v after %d steps", err, begun.Load())
	}
}

// The schema describes every field.
func TestResultsSchema(t *testing.T) {
	var s struct {
		Defs map[string]struct {
			Properties map[string]struct{ Description string }
		} `json:"$defs"`
	}
	if err := json.Unmarshal(ResultsSchema(), &s); err != nil || len(s.Defs) != 6 || len(s.Defs["Document"].Properties) < 10 {
		t.Fatal(err, s)
	}
	for name, def := range s.Defs {
		for field, p := range def.Properties {
			if p.Description == "" {
				t.Errorf("%s.%s has no description", name, field)
			}
		}
	}
}

// sample is a document with everything that the pages have to show.
func sample() *Document {
	t := newTable("What was | found", "case", "delay [us]", "packets", "note")
	t.add(words("first"), micros(1_500_000), count(12345), words("a <b> *bold* one"))
	t.add(words("second"), micros(-1), count(7), words("%s", strings.Repeat("long ", 20)))
	d := &Document{Tables: []Table{t}, Notes: []string{"Only `one` note."}, Figures: []Figure{{Name: "f", Caption: "A [figure]", SVG: []byte("<svg/>")}}}
	d.checkExactly("the same", 51_200*model.Nanosecond, 51_200*model.Nanosecond, "")
	d.checkExactly("not the same", 51_200*model.Nanosecond, 51_200*model.Nanosecond+1, "by one")
	d.check("near", "2.00 us", "2.01 us", true, "within 1 %")
	d.check("far", "-2.0 us", "-2.1 us", false, "not within 1 %")
	d.notComparable("unlike", "-", "3", "no reason")
	s := Spec{Name: "sample", Doc: "A sample. It shows all.", Source: "nowhere.", Params: []model.Param{{Name: "n", Type: model.CountParam, Default: "3"}},
		Run: func(context.Context, Options) (*Document, error) { return d, nil }}
	p, _ := model.NewParams(s.Params, nil)
	d, err := Run(context.Background(), s, Options{Params: p, Seed: 7})
	if err != nil {
		panic(err)
	}
	return d
}

func TestText(t *testing.T) {
	want := `sample: 2 of 5 checks agree, 2 DIFFER, 1 not comparable
A sample. It shows all.
source: nowhere.
n=3 seed=7

What was | found
  case    delay [us]  packets  note
  first          1.5   12,345  a <b> *bold* one
  second   -0.000001        7  long long long long long long long long long long long long long long long long long long
                               long long

Expected beside measured
  what          expected  measured      outcome         why
  the same      51.2 us   51.2 us       agrees
  not the same  51.2 us   51.200001 us  DIFFERS         by one
  near          2.00 us   2.01 us       agrees          within 1 %
  far           -2.0 us   -2.1 us       DIFFERS         not within 1 %
  unlike        -         3             not comparable  no reason

How to read it
  - Only ` + "`one`" + ` note.
`
	if diff := cmp.Diff(want, sample().Text()); diff != "" {
		t.Error(diff)
	}
}

func TestMarkdown(t *testing.T) {
	want := `# sample

A sample. It shows all.

Source: nowhere.

Outcome: **2 of 5 checks agree, 2 DIFFER, 1 not comparable**.

Parameters: n=3 seed=7.

![A \[figure\]](f.svg)

*A \[figure\]*

## What was \| found

| case | delay [us] | packets | note |
|---|---:|---:|---|
| first | 1.5 | 12,345 | a \<b> \*bold\* one |
| second | -0.000001 | 7 | ` + strings.Repeat("long ", 20) + ` |

## Expected beside measured

| what | expected | measured | outcome | why |
|---|---|---|---|---|
| the same | 51.2 us | 51.2 us | agrees |  |
| not the same | 51.2 us | 51.200001 us | DIFFERS | by one |
| near | 2.00 us | 2.01 us | agrees | within 1 % |
| far | -2.0 us | -2.1 us | DIFFERS | not within 1 % |
| unlike | - | 3 | not comparable | no reason |

## How to read it

- Only ` + "\\`one\\`" + ` note.
`
	if diff := cmp.Diff(want, strings.ReplaceAll(sample().Markdown(), `delay \[us\]`, "delay [us]")); diff != "" {
		t.Error(diff)
	}
}

// JSON has the numbers themselves, in the unit of the column, and lists where nothing is.
func TestJSON(t *testing.T) {
	var d struct {
		SchemaVersion int `json:"schema_version"`
		Seed          int
		Params        map[string]string
		Agrees        bool
		Tables        []struct {
			Columns []Column
			Rows    [][]struct{ Value *float64 }
		}
	}
	if err := json.Unmarshal(report.JSON(sample()), &d); err != nil {
		t.Fatal(err)
	}
	row := d.Tables[0].Rows[0]
	if d.SchemaVersion != SchemaVersion || d.Seed != 7 || d.Params["n"] != "3" || d.Agrees || d.Tables[0].Columns[1] != (Column{"delay", "us"}) ||
		row[0].Value != nil || *row[1].Value != 1.5 || *row[2].Value != 12345 {
		t.Errorf("%+v", d)
	}
	empty := new(Document)
	empty.complete()
	if text := string(report.JSON(empty)); strings.Count(text, "[]") != 4 {
		t.Error(text)
	}
}

// A number that is none is shown, but JSON has no value of it.
func TestNumber(t *testing.T) {
	zero := 0.0
	if c := number(1/zero, "%.1f"); c.Value != nil || c.Text != "+Inf" {
		t.Errorf("%+v", c)
	}
	if c := number(0.25, "%.1f"); *c.Value != 0.25 || c.Text != "0.2" {
		t.Errorf("%+v", c)
	}
}

// An experiment that would take minutes is interrupted in the middle of a simulation.
func TestInterruptedInside(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := runIn(ctx, t, "bound-validation", 1, map[string]string{"length": "100ms", "draws": "1000", "step": "29"})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 30*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}
