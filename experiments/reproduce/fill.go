package reproduce

import (
	"fmt"
	"math"
	"strings"

	"suspect/experiments/report"
	"suspect/model"
)

// newTable returns a table without rows. A column is its name or "name [unit]".
func newTable(title string, columns ...string) Table {
	t := Table{Title: title}
	for _, c := range columns {
		name, unit, _ := strings.Cut(c, " [")
		t.Columns = append(t.Columns, Column{name, strings.TrimSuffix(unit, "]")})
	}
	return t
}

// add adds a row.
func (t *Table) add(cells ...Cell) {
	if len(cells) != len(t.Columns) {
		panic(fmt.Sprintf("reproduce: a row of %d cells in the table %q of %d columns", len(cells), t.Title, len(t.Columns)))
	}
	t.Rows = append(t.Rows, cells)
}

// words is a cell without a number.
func words(format string, args ...any) Cell { return Cell{Text: fmt.Sprintf(format, args...)} }

// number is a cell with the number v, shown in the given format, as "%.3f". Numbers
// that are infinite or undefined are shown, but have no value.
func number(v float64, format string) Cell {
	c := Cell{Text: fmt.Sprintf(format, v)}
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		c.Value = &v
	}
	return c
}

// count is a cell with a whole number.
func count(n int64) Cell {
	v := float64(n)
	return Cell{report.Count(n), &v}
}

// micros is a cell with a duration in microseconds, every picosecond of it.
func micros(d model.Duration) Cell {
	v := float64(d) / float64(model.Microsecond)
	return Cell{strings.TrimSuffix(inMicros(d), " us"), &v}
}

// inMicros returns a duration in microseconds, every picosecond of it.
func inMicros(d model.Duration) string {
	sign, n := "", int64(d)
	if n < 0 {
		sign, n = "-", -n
	}
	s := fmt.Sprintf("%s%d.%06d", sign, n/int64(model.Microsecond), n%int64(model.Microsecond))
	return strings.TrimRight(strings.TrimRight(s, "0"), ".") + " us"
}

// check adds a check that agrees or differs.
func (d *Document) check(what, expected, measured string, agrees bool, why string) {
	outcome := Differs
	if agrees {
		outcome = Agrees
	}
	d.Checks = append(d.Checks, Check{what, expected, measured, outcome, why})
}

// checkExactly adds a check of two durations that are to be the same.
func (d *Document) checkExactly(what string, expected, measured model.Duration, why string) {
	d.check(what, inMicros(expected), inMicros(measured), expected == measured, why)
}

// notComparable adds a check that decides nothing.
func (d *Document) notComparable(what, expected, measured, why string) {
	d.Checks = append(d.Checks, Check{what, expected, measured, NotComparable, why})
}
