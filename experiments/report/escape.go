package report

import (
	"strings"

	"suspect/experiments/scenario"
)

// Names in a scenario are text from a stranger. The functions below make them
// harmless in each place where a report shows them.

// Printable returns s fit for one line of a terminal, as errors of scenarios show it.
func Printable(s string) string { return scenario.Printable(s) }

// markdown returns s as plain text inside a line or table cell of Markdown.
func markdown(s string) string {
	var b strings.Builder
	for _, r := range Printable(s) {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case strings.ContainsRune("\\`*_{}[]()#+!|~$", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// csvText returns s as a cell that no spreadsheet takes for a formula: a leading
// = + - @ is put behind an apostrophe.
func csvText(s string) string {
	s = Printable(s)
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}

// FileName returns s as the name of a file or directory: letters, digits, - and
// _, at most 64 of them, and "scenario" where nothing is left.
func FileName(s string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}, s)
	name = strings.Trim(name, "-")
	name = name[:min(len(name), 64)]
	if name == "" {
		return "scenario"
	}
	return name
}
