package scenario

import (
	"fmt"
	"strings"

	"suspect/network"
)

// form is a kind of value. The reader names it in messages and the JSON Schema
// describes it, so that both say the same.
type form struct {
	is     string // "a duration, as 10ms"
	schema func() schema
	plain  bool // never in quotes: a number or a truth value
}

// key is one key of a mapping of the scenario file. The tables of keys are the
// only place that knows them: a reader that asks for a key outside of its table
// panics.
type key struct {
	name     string
	form     *form
	required bool
	doc      string
}

func keyNames(keys []key) []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return names
}

// reader reads one scenario.
type reader struct {
	problems
	path      string // of the scenario file
	nodes     map[string]network.NodeID
	nodeNames []string
	limiters  []limiterPlace // that were given

	recordings map[string]*network.Recording // by the name of the file; nil if it was refused
}

// section is a mapping whose keys have been checked against a table.
type section struct {
	r      *reader
	name   string
	at     place
	keys   []key
	pairs  map[string]pair
	failed map[string]bool // keys that are missing or whose value was refused
}

// section checks that n is a mapping with the given keys. A nil n is an empty
// mapping without complaints about what is missing.
func (r *reader) section(name string, n *node, keys []key) *section {
	s := &section{r: r, name: name, keys: keys, pairs: make(map[string]pair), failed: make(map[string]bool)}
	if n == nil {
		return s
	}
	s.at = n.at
	if n.kind != mappingNode {
		if n.kind != refusedNode {
			r.add(n.at, "%s must be a mapping with the keys %s, not %v", name, strings.Join(keyNames(keys), ", "), n.kind)
		}
		for _, k := range keys {
			s.failed[k.name] = true
		}
		return s
	}
	names := keyNames(keys)
	listed := false
	for _, p := range n.pairs {
		if s.key(p.key) != nil {
			s.pairs[p.key] = p
			continue
		}
		meant := nearest(p.key, names)
		hint := suggestion(meant)
		if meant == "" && !listed {
			hint = fmt.Sprintf(" (keys: %s)", strings.Join(names, ", "))
			listed = true
		}
		s.failed[meant] = true // not missing: misspelt
		r.add(p.at, "unknown key %q in %s%s", p.key, name, hint)
	}
	for _, k := range keys {
		if _, ok := s.pairs[k.name]; k.required && !ok && !s.failed[k.name] {
			s.failed[k.name] = true
			r.add(n.at, "%s lacks the key %q (%s)", name, k.name, k.form.is)
		}
	}
	return s
}

func (s *section) key(name string) *key {
	for i := range s.keys {
		if s.keys[i].name == name {
			return &s.keys[i]
		}
	}
	return nil
}

// get returns the value of the key, or nil.
func (s *section) get(name string) *node {
	if s.key(name) == nil {
		panic(fmt.Sprintf("scenario: key %q is not in the table of %s", name, s.name))
	}
	return s.pairs[name].value
}

// has tells whether the key is given.
func (s *section) has(name string) bool { return s.get(name) != nil }

// good tells whether none of the keys was refused.
func (s *section) good(names ...string) bool {
	for _, name := range names {
		if s.key(name) == nil {
			panic(fmt.Sprintf("scenario: key %q is not in the table of %s", name, s.name))
		}
		if s.failed[name] {
			return false
		}
	}
	return true
}

// fail tells that the value of the key is wrong.
func (s *section) fail(name, format string, args ...any) {
	s.failed[name] = true
	message := fmt.Sprintf(format, args...)
	if !strings.HasPrefix(message, name+" ") {
		message = name + ": " + message
	}
	s.r.add(s.place(name), "%s", message)
}

// place returns where the value of the key is, or the section without it.
func (s *section) place(name string) place {
	if p, ok := s.pairs[name]; ok {
		return p.value.at
	}
	return s.at
}

// text returns the text of a scalar that is of the form.
func (r *reader) text(name string, n *node, f *form) (string, bool) {
	switch {
	case n.kind == refusedNode:
	case n.kind == nullNode:
		r.add(n.at, "%s has no value (give %s)", name, f.is)
	case n.kind != scalarNode:
		r.add(n.at, "%s must be %s, not %v", name, f.is, n.kind)
	case n.quoted && f.plain:
		r.add(n.at, "%s must be %s, not text (leave the quotes out)", name, f.is)
	case f == textForm && n.literal || f == nameForm && n.literal && strings.Trim(n.text, "0123456789") != "":
		r.add(n.at, "%s must be %s, but %s is a number or another literal (put it in quotes)", name, f.is, n.text)
	default:
		return n.text, true
	}
	return "", false
}

// value reads the scalar of a key by parse; without the key it is def.
func value[T any](s *section, name string, def T, parse func(string) (T, error)) T {
	n := s.get(name)
	if n == nil {
		return def
	}
	text, ok := s.r.text(name, n, s.key(name).form)
	if !ok {
		s.failed[name] = true
		return def
	}
	v, err := parse(text)
	if err != nil {
		s.fail(name, "%v", err)
		return def
	}
	return v
}

// oneOf reads a name that must be one of a few.
func (s *section) oneOf(name, def string, names []string) string {
	return value(s, name, def, func(text string) (string, error) {
		for _, n := range names {
			if n == text {
				return text, nil
			}
		}
		return "", fmt.Errorf("unknown %s %q%s (write %s)", name, text, Meant(text, names), oneOf(names))
	})
}

// count reads a whole number from low to high.
func (s *section) count(name string, def, low, high int64) int64 {
	return value(s, name, def, func(text string) (int64, error) {
		v, err := parseCount(text)
		switch {
		case err != nil:
			return 0, err
		case v < low:
			return 0, fmt.Errorf("%d is too small (at least %d)", v, low)
		case v > high:
			return 0, fmt.Errorf("%d is too large (at most %d)", v, high)
		}
		return v, nil
	})
}

// list returns the entries of a list. A single value is taken for a list of it
// where single is set.
func (s *section) list(name string, single bool) []*node {
	n := s.get(name)
	switch {
	case n == nil:
		return nil
	case n.kind == listNode:
		return n.items
	case single && n.kind == scalarNode:
		return []*node{n}
	}
	s.failed[name] = true
	if n.kind != refusedNode {
		s.r.add(n.at, "%s must be a list, not %v", name, n.kind)
	}
	return nil
}
