package reproduce

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"suspect/experiments/report"
	"suspect/model"
)

// Text returns the document as a page for a terminal.
func (d *Document) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n%s\n", d.Experiment, d.headline(), report.Hang(d.Doc, 0))
	fmt.Fprintf(&b, "source: %s\n%s\n", report.Hang(d.Source, 8), report.Hang(d.settings(), 0))
	for _, t := range d.tables() {
		fmt.Fprintf(&b, "\n%s\n%s", report.Hang(t.Title, 0), t.text())
	}
	if len(d.Notes) > 0 {
		b.WriteString("\nHow to read it\n")
	}
	for _, n := range d.Notes {
		fmt.Fprintf(&b, "  - %s\n", report.Hang(n, 4))
	}
	return b.String()
}

// Markdown returns the document as a page that shows its figures.
func (d *Document) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\nSource: %s.\n\nOutcome: **%s**.\n\nParameters: %s.\n", d.Experiment, escape(d.Doc),
		escape(strings.TrimSuffix(d.Source, ".")), d.headline(), escape(d.settings()))
	for _, f := range d.Figures {
		fmt.Fprintf(&b, "\n![%s](%s.svg)\n\n*%s*\n", escape(f.Caption), f.Name, escape(f.Caption))
	}
	for _, t := range d.tables() {
		fmt.Fprintf(&b, "\n## %s\n\n%s", escape(t.Title), t.markdown())
	}
	if len(d.Notes) > 0 {
		b.WriteString("\n## How to read it\n\n")
	}
	for _, n := range d.Notes {
		fmt.Fprintf(&b, "- %s\n", escape(n))
	}
	return b.String()
}

// Files returns the files of a report on the experiment.
func (d *Document) Files() []report.File {
	files := []report.File{{Name: "report.md", Data: []byte(d.Markdown())}, {Name: "results.json", Data: report.JSON(d)}}
	for _, f := range d.Figures {
		files = append(files, report.File{Name: f.Name + ".svg", Data: f.SVG})
	}
	return append(files, d.Attached...)
}

// headline says in a line what came of the checks.
func (d *Document) headline() string {
	if len(d.Checks) == 0 {
		return "nothing to check"
	}
	s := fmt.Sprintf("%d of %s", d.count(Agrees), report.Plural(int64(len(d.Checks)), "check agrees", "checks agree"))
	if n := d.count(Differs); n > 0 {
		s += fmt.Sprintf(", %d DIFFERS", n)
		if n > 1 {
			s = strings.TrimSuffix(s, "S")
		}
	}
	if n := d.count(NotComparable); n > 0 {
		s += fmt.Sprintf(", %d not comparable", n)
	}
	return s
}

// settings returns the parameters and the seed, by which the same comes out again.
func (d *Document) settings() string {
	var words []string
	for _, name := range model.SortedKeys(d.Params) {
		if d.Params[name] != "" {
			words = append(words, name+"="+d.Params[name])
		}
	}
	return strings.Join(append(words, fmt.Sprintf("seed=%d", d.Seed)), " ")
}

// tables returns the tables, the one of the checks the last.
func (d *Document) tables() []Table {
	t := newTable("Expected beside measured", "what", "expected", "measured", "outcome", "why")
	for _, c := range d.Checks {
		outcome := string(c.Outcome)
		if c.Outcome == Differs {
			outcome = "DIFFERS"
		}
		t.add(words("%s", c.What), words("%s", c.Expected), words("%s", c.Measured), words("%s", outcome), words("%s", c.Why))
	}
	if len(t.Rows) == 0 {
		return d.Tables
	}
	return append(slices.Clip(d.Tables), t)
}

// heading returns the name of a column with its unit.
func (c Column) heading() string {
	if c.Unit == "" {
		return c.Name
	}
	return c.Name + " [" + c.Unit + "]"
}

// right tells whether column i is one of numbers, to be aligned at the right.
func (t *Table) right(i int) bool {
	numbers := false
	for _, r := range t.Rows {
		if r[i].Text != "" && r[i].Text != "-" && r[i].Value == nil {
			return false
		}
		numbers = numbers || r[i].Value != nil
	}
	return numbers
}

// text returns the table for a terminal, indented by two blanks. The last column is
// broken into lines where it is long.
func (t *Table) text() string {
	lines := [][]string{nil}
	for _, c := range t.Columns {
		lines[0] = append(lines[0], report.Printable(c.heading()))
	}
	for _, r := range t.Rows {
		var line []string
		for _, c := range r {
			line = append(line, report.Printable(c.Text))
		}
		lines = append(lines, line)
	}
	last := len(t.Columns) - 1
	width := make([]int, last+1)
	right := make([]bool, last+1)
	start := 2 // of the last column
	for i := range t.Columns {
		for _, line := range lines {
			width[i] = max(width[i], utf8.RuneCountInString(line[i]))
		}
		if right[i] = t.right(i); i < last {
			start += width[i] + 2
		}
	}
	var b strings.Builder
	for _, line := range lines {
		var row strings.Builder
		for i, cell := range line {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			switch {
			case right[i]:
				row.WriteString("  " + pad + cell)
			case i == last:
				row.WriteString("  " + report.Hang(cell, start))
			default:
				row.WriteString("  " + cell + pad)
			}
		}
		b.WriteString(strings.TrimRight(row.String(), " ") + "\n")
	}
	return b.String()
}

// markdown returns the table in Markdown.
func (t *Table) markdown() string {
	var b strings.Builder
	for _, c := range t.Columns {
		b.WriteString("| " + escape(c.heading()) + " ")
	}
	b.WriteString("|\n")
	for i := range t.Columns {
		if t.right(i) {
			b.WriteString("|---:")
		} else {
			b.WriteString("|---")
		}
	}
	b.WriteString("|\n")
	for _, r := range t.Rows {
		for _, c := range r {
			b.WriteString("| " + escape(c.Text) + " ")
		}
		b.WriteString("|\n")
	}
	return b.String()
}

// escape returns text in which Markdown sees no markup.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "<", `\<`, "#", `\#`).
		Replace(report.Printable(s))
}
