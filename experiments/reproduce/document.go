package reproduce

import (
	_ "embed"

	"suspect/experiments/report"
	"suspect/experiments/schema"
)

// SchemaVersion is the version of the shape of [Document]. It grows when a field
// changes its meaning or goes away; new fields leave it as it is.
const SchemaVersion = 2

//go:embed document.go
var documentSource string

// ResultsSchema returns the JSON Schema of [Document].
func ResultsSchema() []byte {
	return schema.Of("Results of suspect experiment", &Document{}, documentSource)
}

// Document is what an experiment found.
type Document struct {
	// SchemaVersion is the version of this document's shape.
	SchemaVersion int `json:"schema_version"`
	// Experiment is the name of the experiment, Doc what it shows and Source the
	// paper, and its figure, table or section.
	Experiment string `json:"experiment"`
	Doc        string `json:"doc"`
	Source     string `json:"source"`
	// Seed is the seed from which all randomness follows.
	Seed uint64 `json:"seed"`
	// Params are the values of the experiment's parameters.
	Params map[string]string `json:"params"`
	// Agrees tells that no check differs.
	Agrees bool `json:"agrees"`
	// Checks hold published and expected values beside the measured ones.
	Checks []Check `json:"checks"`
	// Tables are what was found.
	Tables []Table `json:"tables"`
	// Figures are drawn from the tables.
	Figures []Figure `json:"figures"`
	// Notes say how the numbers are to be read, and where published and measured ones
	// must not be expected to agree.
	Notes []string `json:"notes"`
	// Attached are further files, which are written beside the document.
	Attached []report.File `json:"-"`
}

// Outcome tells what came of a check.
type Outcome string

// The outcomes.
const (
	Agrees        Outcome = "agrees"
	Differs       Outcome = "differs"
	NotComparable Outcome = "not comparable"
)

// Check is one published or expected value beside the measured one.
type Check struct {
	// What says what the value is of.
	What string `json:"what"`
	// Expected and Measured are the values, with their units.
	Expected string `json:"expected"`
	Measured string `json:"measured"`
	// Outcome is "agrees", "differs" or "not comparable".
	Outcome Outcome `json:"outcome"`
	// Why says by which measure they agree, or why they do not or need not.
	Why string `json:"why,omitempty"`
}

// Table is one table.
type Table struct {
	// Title says what the rows are.
	Title string `json:"title"`
	// Columns are its columns.
	Columns []Column `json:"columns"`
	// Rows have a cell for each column.
	Rows [][]Cell `json:"rows"`
}

// Column describes a column.
type Column struct {
	// Name is its heading.
	Name string `json:"name"`
	// Unit is the unit of its values, or is empty.
	Unit string `json:"unit,omitempty"`
}

// Cell is one entry of a table.
type Cell struct {
	// Text is what is shown.
	Text string `json:"text"`
	// Value is the number itself, in the unit of the column, where there is one.
	Value *float64 `json:"value,omitempty"`
}

// Figure is a figure. It is written beside the document, as NAME.svg.
type Figure struct {
	// Name is its name, without a suffix.
	Name string `json:"name"`
	// Caption says what it shows.
	Caption string `json:"caption"`
	SVG     []byte `json:"-"`
}

// complete judges the checks and makes every list a list.
func (d *Document) complete() {
	d.Agrees = d.count(Differs) == 0
	d.Checks = list(d.Checks)
	d.Tables = list(d.Tables)
	d.Figures = list(d.Figures)
	d.Notes = list(d.Notes)
	for i := range d.Tables {
		d.Tables[i].Rows = list(d.Tables[i].Rows)
	}
}

// list returns s, or an empty list that JSON shows as one.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// count returns the number of checks with the given outcome.
func (d *Document) count(o Outcome) int {
	n := 0
	for _, c := range d.Checks {
		if c.Outcome == o {
			n++
		}
	}
	return n
}
