package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// maxErrors is how many errors of one scenario are told; a file with more is
// probably no scenario.
const maxErrors = 50

// Error is one thing that is wrong with a scenario, and where.
type Error struct {
	File         string // or "--set" for an override, whose lines are its arguments
	Line, Column int    // from 1; a column counts characters
	Message      string // what is wrong and what to do about it
	Text         string // the offending line
}

// Error returns file:line:column and the message, then the line with a caret
// under the place.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: %s", Printable(e.File), e.Line, e.Column, Printable(e.Message))
	if e.Text == "" {
		return b.String()
	}
	line, column := excerpt([]rune(e.Text), e.Column)
	number := fmt.Sprint(e.Line)
	fmt.Fprintf(&b, "\n  %s | %s\n  %s | %s^", number, line,
		strings.Repeat(" ", len(number)), strings.Repeat(" ", column-1))
	return b.String()
}

// ErrorList is every error of a scenario, in the order of their places.
type ErrorList []*Error

// Error returns the errors, one under the other.
func (l ErrorList) Error() string {
	texts := make([]string, len(l))
	for i, e := range l {
		texts[i] = e.Error()
	}
	return strings.Join(texts, "\n")
}

// excerpt cuts a long line to a window around the column, and returns the column
// in it. Control characters are replaced, so that a hostile file cannot write to
// the terminal.
func excerpt(line []rune, column int) (string, int) {
	const before, width = 60, 100
	column = max(1, min(column, len(line)+1))
	start, lead := 0, ""
	if column > before+20 {
		start = column - 1 - before
		lead = "..."
	}
	end, tail := len(line), ""
	if end > start+width {
		end = start + width
		tail = "..."
	}
	return lead + Printable(string(line[start:end])) + tail, column - start + len(lead)
}

// Printable returns s fit for one line of a terminal: tabs and line breaks become
// blanks, other control characters and those that turn the direction of writing "?".
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case !unicode.IsGraphic(r) || r == unicode.ReplacementChar:
			return '?'
		}
		return r
	}, s)
}

// Meant returns ` (did you mean "x"?)` for the candidate nearest to the word, or
// nothing where none is near. Capitals do not count.
func Meant(word string, candidates []string) string {
	return suggestion(nearest(word, candidates))
}

func suggestion(meant string) string {
	if meant == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", meant)
}

// nearest returns the candidate nearest to the word, or "" where none is near. It
// looks at the first thousands only: a long list of names costs milliseconds.
func nearest(word string, candidates []string) string {
	const most = 10_000
	best, least := "", 1+max(1, len(word)/3)
	for _, c := range candidates[:min(most, len(candidates))] {
		if len(c)-len(word) >= least || len(word)-len(c) >= least {
			continue
		}
		if d := editDistance(strings.ToLower(word), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// editDistance is the number of bytes to insert, delete, replace or exchange with
// their neighbour to make b of a (optimal string alignment).
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(row[j-1]+1, last[j]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

// oneOf lists names for a message: "a, b or c".
func oneOf(names []string) string {
	switch n := len(names); n {
	case 0:
		return "nothing"
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], ", ") + " or " + names[n-1]
	}
}

// problems collects the errors of one reading.
type problems struct {
	list ErrorList
	more int
}

func (p *problems) add(at place, format string, args ...any) {
	p.tell(&Error{
		File: at.source.name, Line: at.line + at.source.firstLine, Column: at.column,
		Message: fmt.Sprintf(format, args...), Text: at.source.line(at.line),
	})
}

func (p *problems) tell(e *Error) {
	if len(p.list) >= maxErrors {
		p.more++
		return
	}
	p.list = append(p.list, e)
}

// told returns the number of errors so far.
func (p *problems) told() int { return len(p.list) + p.more }

// err returns the errors of the file, then of others, then of overrides, each in the
// order of places; nil when there are none.
func (p *problems) err(file string) error {
	if len(p.list) == 0 {
		return nil
	}
	rank := func(e *Error) int {
		switch e.File {
		case file:
			return 0
		case setName:
			return 2
		}
		return 1
	}
	slices.SortStableFunc(p.list, func(a, b *Error) int {
		return cmp.Or(rank(a)-rank(b), a.Line-b.Line, a.Column-b.Column)
	})
	if p.more > 0 {
		p.list[len(p.list)-1].Message += fmt.Sprintf(" (and %d more errors)", p.more)
	}
	return p.list
}

// source is a text that places point into.
type source struct {
	name      string
	lines     []string
	firstLine int // added to line numbers: the number of an override
}

// line returns line n, from 1, or nothing.
func (s *source) line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	return s.lines[n-1]
}

// place is a position in a source; line and column count from 1.
type place struct {
	source       *source
	line, column int
}

// String names the line for messages.
func (p place) String() string {
	if p.source.name == setName {
		return fmt.Sprintf("%s number %d", setName, p.line+p.source.firstLine)
	}
	return fmt.Sprintf("line %d", p.line)
}
