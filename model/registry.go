package model

import (
	"fmt"
	"slices"
	"strings"
)

// Registry holds the descriptions of things that scenarios name, as detectors, faults
// and properties, in the order of their names. The zero value is empty.
type Registry[S any] struct {
	names []string // increasing
	specs []S      // by their names
}

// Add adds s, the description of the named thing with the given parameters. It is
// called from init functions, and panics where its author has slipped: the name is
// empty or taken, a parameter has no name or that of another, or its default is not of
// its type.
func (r *Registry[S]) Add(name string, params []Param, s S) {
	i, taken := slices.BinarySearch(r.names, name)
	if err := checkSpec(name, taken, params); err != nil {
		panic(fmt.Sprintf("cannot register %T %q: %v", s, name, err))
	}
	r.names = slices.Insert(r.names, i, name)
	r.specs = slices.Insert(r.specs, i, s)
}

func checkSpec(name string, taken bool, params []Param) error {
	switch {
	case strings.TrimSpace(name) == "":
		return fmt.Errorf("it has no name")
	case taken:
		return fmt.Errorf("the name is taken")
	}
	for i, p := range params {
		if strings.TrimSpace(p.Name) == "" {
			return fmt.Errorf("parameter number %d has no name", i+1)
		}
		if slices.ContainsFunc(params[:i], func(other Param) bool { return other.Name == p.Name }) {
			return &ParamError{p.Name, fmt.Errorf("is declared twice")}
		}
		if p.Default == "" {
			continue
		}
		if _, err := p.parse(p.Default); err != nil {
			return &ParamError{p.Name, fmt.Errorf("the default does not fit: %w", err)}
		}
	}
	return nil
}

// Lookup returns the description of the thing with the given name.
func (r *Registry[S]) Lookup(name string) (s S, ok bool) {
	i, ok := slices.BinarySearch(r.names, name)
	if !ok {
		return s, false
	}
	return r.specs[i], true
}

// All returns the descriptions in the order of their names.
func (r *Registry[S]) All() []S { return slices.Clone(r.specs) }
