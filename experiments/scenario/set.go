package scenario

import (
	"fmt"
	"strconv"
	"strings"
)

// setName stands for the file in errors about overrides; the line is the number of
// the override.
const setName = "--set"

// override applies overrides path=value to the tree in their order. It returns
// nil after telling an error.
func (r *reader) override(root *node, set []string) *node {
	for i, arg := range set {
		src := &source{name: setName, lines: []string{arg}, firstLine: i}
		path, text, found := strings.Cut(arg, "=")
		if !found {
			r.add(place{src, 1, len([]rune(arg)) + 1}, "an override is written path=value, as detectors[0].timeout=50ms")
			root = nil
			continue
		}
		steps, column, err := parsePath(path)
		if err != nil {
			r.add(place{src, 1, column}, "%v", err)
			root = nil
			continue
		}
		at, message := badCharacter(src, []byte(arg))
		if i := strings.IndexAny(arg, "\n\t"); i >= 0 {
			at, message = place{src, 1, len([]rune(arg[:i])) + 1}, "more than a line"
		}
		if message != "" {
			r.add(at, "an override is one line of UTF-8 text")
			root = nil
			continue
		}
		if trimmed := strings.TrimSpace(text); trimmed == "" || trimmed[0] == '#' {
			r.add(place{src, 1, len([]rune(path)) + 2}, "the override has no value (write path=value; one that begins with # is put in quotes)")
			root = nil
			continue
		}
		// Blanks in place of the path keep the columns.
		value := parseYAML(src, strings.Repeat(" ", len([]rune(path))+1)+text, &r.problems)
		if value == nil || root == nil {
			root = nil
			continue
		}
		if !r.replace(root, steps, place{src, 1, 1}, value) {
			root = nil
		}
	}
	return root
}

// step is one step of a path: into a mapping by key, or into a list by index.
type step struct {
	key   string
	index int // -1: by key
	at    int // column
}

// parsePath reads "detectors[0].timeout". With an error it returns its column.
func parsePath(path string) (steps []step, column int, err error) {
	i := 0
	for {
		start := i
		for i < len(path) && path[i] != '.' && path[i] != '[' && path[i] != ']' {
			i++
		}
		if i == start {
			return nil, start + 1, fmt.Errorf("the path %q lacks a name here (write it as detectors[0].timeout)", path)
		}
		steps = append(steps, step{strings.TrimSpace(path[start:i]), -1, start + 1})
		for i < len(path) && path[i] == '[' {
			digits, _, closed := strings.Cut(path[i+1:], "]")
			n, err := strconv.Atoi(digits)
			if !closed || err != nil || n < 0 || strings.Trim(digits, "0123456789") != "" {
				return nil, i + 1, fmt.Errorf("the path %q has no index here (write it as detectors[0].timeout)", path)
			}
			steps = append(steps, step{"", n, i + 1})
			i += len(digits) + 2
		}
		switch {
		case i == len(path):
			return steps, 0, nil
		case path[i] != '.':
			return nil, i + 1, fmt.Errorf("the path %q goes wrong here (write it as detectors[0].timeout)", path)
		}
		i++
	}
}

// replace puts value at the end of the path, making mappings that are missing.
func (r *reader) replace(root *node, steps []step, at place, value *node) bool {
	n := root
	for i, s := range steps {
		at.column = s.at
		last := i == len(steps)-1
		if s.index >= 0 {
			if n.kind != listNode {
				r.add(at, "there is no list here, but %v", n.kind)
				return false
			}
			if s.index >= len(n.items) {
				r.add(at, "index %d is past the end: the list has %d entries, counted from 0", s.index, len(n.items))
				return false
			}
			if last {
				n.items[s.index] = value
			}
			n = n.items[s.index]
			continue
		}
		if n.kind == nullNode {
			n.kind = mappingNode
		}
		if n.kind != mappingNode {
			r.add(at, "there is no key %q here: this is %v", s.key, n.kind)
			return false
		}
		found := false
		for j := range n.pairs {
			p := &n.pairs[j]
			if p.key == s.key {
				if last {
					p.at, p.value = at, value
				}
				n, found = p.value, true
				break
			}
		}
		if !found {
			next := value
			if !last {
				next = &node{kind: mappingNode, at: at}
			}
			n.pairs = append(n.pairs, pair{s.key, at, next})
			n = next
		}
	}
	return true
}
