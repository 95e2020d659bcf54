package graphfile

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// Error is one thing that is wrong with a file.
type Error struct {
	Path    string
	Line    int // from 1
	Column  int // in characters, from 1
	Message string
	Text    string // of the line, perhaps cut
	caret   int    // characters of Text before the column
}

// Error returns "path:line:column: message", the line, and a caret below the column.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: %s", e.Path, e.Line, e.Column, e.Message)
	if strings.TrimSpace(e.Text) != "" {
		fmt.Fprintf(&b, "\n%6d | %s\n       | %s^", e.Line, e.Text, strings.Repeat(" ", e.caret))
	}
	return b.String()
}

// ErrorList is what is wrong with a file, in the order of the file.
type ErrorList []*Error

// Error returns the errors one after the other, and the number of those beyond the
// first twenty.
func (l ErrorList) Error() string {
	const shown = 20
	var b strings.Builder
	for i, e := range l {
		if i == shown {
			fmt.Fprintf(&b, "\n%s: and %d more errors", e.Path, len(l)-shown)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.Error())
	}
	return b.String()
}

// problems gathers errors by their offsets in a text.
type problems struct {
	path   string
	text   string
	starts []int // offsets of the lines, made when needed
	found  []problem
}

type problem struct {
	offset  int
	message string
}

// Of one file, so many errors are kept, and so many bytes of a message.
const (
	maxProblems = 1000
	maxMessage  = 700
)

func (p *problems) add(offset int, format string, args ...any) {
	if len(p.found) == maxProblems {
		return
	}
	message := fmt.Sprintf(format, args...)
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "..."
	}
	p.found = append(p.found, problem{offset, message})
}

// err returns the errors as an [ErrorList] without repetitions, or nil.
func (p *problems) err() error {
	if len(p.found) == 0 {
		return nil
	}
	sort.SliceStable(p.found, func(i, j int) bool { return p.found[i].offset < p.found[j].offset })
	var list ErrorList
	for _, f := range slices.Compact(p.found) {
		list = append(list, p.locate(f))
	}
	return list
}

// line returns the number of the line at offset.
func (p *problems) line(offset int) int {
	if p.starts == nil {
		p.starts = []int{0}
		for i := range len(p.text) {
			if p.text[i] == '\n' {
				p.starts = append(p.starts, i+1)
			}
		}
	}
	return sort.Search(len(p.starts), func(i int) bool { return p.starts[i] > offset })
}

// locate makes the error of f, with its line, or the part of it around the column.
func (p *problems) locate(f problem) *Error {
	const before, after = 60, 80
	line := p.line(f.offset)
	start := p.starts[line-1]
	text, _, _ := strings.Cut(p.text[start:min(len(p.text), f.offset+4*after)], "\n")
	column := utf8.RuneCountInString(p.text[start:f.offset])
	runes := []rune(strings.ToValidUTF8(strings.TrimRight(text, "\r"), "?"))
	caret := min(column, len(runes))
	if len(runes) > caret+after {
		runes = append(runes[:caret+after:caret+after], '…')
	}
	if caret > before {
		runes = append([]rune{'…'}, runes[caret-before:]...)
		caret = before + 1
	}
	for i, r := range runes {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 { // tabs, and what would steer a terminal
			runes[i] = ' '
		}
	}
	return &Error{
		Path: p.path, Line: line, Column: column + 1,
		Message: f.message, Text: string(runes), caret: caret,
	}
}
