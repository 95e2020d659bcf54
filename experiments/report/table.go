package report

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// table is a table of plain text, which each way of showing it escapes for itself.
type table struct {
	header []string
	right  []bool // columns of numbers, to be aligned at the right; may be short
	rows   [][]string
}

func newTable(columns ...string) *table {
	t := new(table)
	for _, c := range columns {
		name, right := strings.CutPrefix(c, ">")
		t.header = append(t.header, name)
		t.right = append(t.right, right)
	}
	return t
}

func (t *table) add(cells ...string) {
	if len(cells) != len(t.header) {
		panic(fmt.Sprintf("report: a row of %d cells in a table of %d columns", len(cells), len(t.header)))
	}
	t.rows = append(t.rows, cells)
}

// lineWidth is the width in characters that pages for a terminal try to keep.
const lineWidth = 120

// Hang breaks s, made fit for a terminal, between words into lines that begin at column start and end before
// lineWidth, but takes at least 40 columns.
func Hang(s string, start int) string {
	room := max(lineWidth-start, 40)
	var b strings.Builder
	used := 0
	for i, word := range strings.Fields(Printable(s)) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case used+1+n > room:
			b.WriteString("\n" + strings.Repeat(" ", start))
			used = 0
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += n
	}
	return b.String()
}

// text returns the table for a terminal, indented by two blanks. The last column is
// broken into lines where it is long.
func (t *table) text() string {
	width := make([]int, len(t.header))
	lines := append([][]string{t.header}, t.rows...)
	for _, line := range lines {
		for i, cell := range line {
			width[i] = max(width[i], utf8.RuneCountInString(Printable(cell)))
		}
	}
	start := 0 // of the last column
	for _, w := range width[:len(width)-1] {
		start += 2 + w
	}
	var b strings.Builder
	for _, line := range lines {
		var row strings.Builder
		for i, cell := range line {
			cell = Printable(cell)
			if i == len(line)-1 && !t.right[i] {
				row.WriteString("  " + Hang(cell, start+2))
				break
			}
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			row.WriteString("  ")
			if t.right[i] {
				row.WriteString(pad + cell)
			} else {
				row.WriteString(cell + pad)
			}
		}
		b.WriteString(strings.TrimRight(row.String(), " ") + "\n")
	}
	return b.String()
}

// markdown returns the table in Markdown.
func (t *table) markdown() string {
	var b strings.Builder
	row := func(cells []string) {
		for _, c := range cells {
			b.WriteString("| " + markdown(c) + " ")
		}
		b.WriteString("|\n")
	}
	row(t.header)
	for i := range t.header {
		if t.right[i] {
			b.WriteString("|---:")
		} else {
			b.WriteString("|---")
		}
	}
	b.WriteString("|\n")
	for _, r := range t.rows {
		row(r)
	}
	return b.String()
}
