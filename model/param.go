package model

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
)

// ParamType is the type of a parameter of a detector, fault or property.
type ParamType uint8

const (
	DurationParam    ParamType = iota // exact, with a unit: "30ms"
	CountParam                        // a whole number, not negative
	ProbabilityParam                  // a number from 0 to 1, or a percentage: "0.5%"
	SwitchParam                       // "true" or "false"
	TextParam                         // a name, as of a host or link
	NumberParam                       // a decimal number: "8", "0.05"
)

// String describes the values of the type.
func (t ParamType) String() string {
	return [...]string{"duration", "count", "probability", "true or false", "name", "number"}[t]
}

// Param describes one parameter. A Default of "" makes it required, unless it is
// Optional: then it may be left out, and [Params.Given] tells.
type Param struct {
	Name     string
	Type     ParamType
	Default  string
	Optional bool
	Doc      string

	// Least and Most are the range of a [NumberParam], both inclusive; both 0 for any.
	Least, Most float64
}

// Params are the values of a thing's parameters, each in range of its type.
// Getters panic on a name that the thing did not declare with that type: that is
// a slip of its author, not of the user.
type Params struct {
	decl   []Param
	values []paramValue
}

type paramValue struct {
	i    int64
	f    float64
	text string
	set  bool
}

// ParamError says which parameter was wrong.
type ParamError struct {
	Name string
	Err  error
}

func (e *ParamError) Error() string { return fmt.Sprintf("parameter %q: %v", e.Name, e.Err) }

// Unwrap returns the reason.
func (e *ParamError) Unwrap() error { return e.Err }

// NewParams reads the given values over the defaults of decl. It returns every
// error there is (each a *[ParamError]): unknown names, required ones that are
// missing, and values that do not fit.
func NewParams(decl []Param, given map[string]string) (Params, []error) {
	p := Params{decl: decl, values: make([]paramValue, len(decl))}
	var errs []error
	known := make(map[string]bool, len(decl))
	for i, d := range decl {
		known[d.Name] = true
		text, ok := given[d.Name]
		if !ok {
			text = d.Default
		}
		if !ok && text == "" {
			if d.Default == "" && d.required() {
				errs = append(errs, &ParamError{d.Name, fmt.Errorf("is required (%v: %s)", d.Type, d.Doc)})
			}
			continue
		}
		v, err := d.parse(text)
		if err != nil {
			errs = append(errs, &ParamError{d.Name, err})
			continue
		}
		v.set = ok
		p.values[i] = v
	}
	for _, name := range SortedKeys(given) {
		if !known[name] {
			errs = append(errs, &ParamError{name, fmt.Errorf("is unknown (%s)", paramList(decl))})
		}
	}
	return p, errs
}

// required: a text parameter may be empty; others without a default must be given.
func (d Param) required() bool { return d.Type != TextParam && !d.Optional }

func paramList(decl []Param) string {
	if len(decl) == 0 {
		return "there are no parameters"
	}
	names := make([]string, len(decl))
	for i, d := range decl {
		names[i] = d.Name
	}
	return "parameters: " + strings.Join(names, ", ")
}

func (d Param) parse(s string) (v paramValue, err error) {
	v.text = s
	switch d.Type {
	case DurationParam:
		var length Duration
		length, err = ParseDuration(s)
		if err == nil && length < 0 {
			err = fmt.Errorf("duration %q is negative", s)
		}
		v.i = int64(length)
	case CountParam:
		v.i, err = strconv.ParseInt(s, 10, 64)
		if err != nil || v.i < 0 {
			err = fmt.Errorf("%q is not a whole number from 0 on", s)
		}
	case ProbabilityParam:
		v.f, err = ParseProbability(s)
	case SwitchParam:
		switch s {
		case "true":
			v.i = 1
		case "false":
		default:
			err = fmt.Errorf("%q is neither true nor false", s)
		}
	case NumberParam:
		v.f, err = parseNumber(s)
		if err == nil && (d.Least != 0 || d.Most != 0) && (v.f < d.Least || v.f > d.Most) {
			err = fmt.Errorf("%q is out of range: from %v to %v", s, d.Least, d.Most)
		}
	}
	return v, err
}

// parseNumber reads a plain decimal number: no exponent, no infinity.
func parseNumber(s string) (float64, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.Trim(s, "+-.0123456789") != "" {
		return 0, fmt.Errorf("%q is not a decimal number (write 8 or 0.05)", s)
	}
	return f, nil
}

// FormatNumber writes f as a [NumberParam] reads it, with no more digits than it takes
// to read the same number.
func FormatNumber(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// ParseProbability reads a number from 0 to 1, or a percentage up to 100%.
func ParseProbability(s string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(s), "%")
	number = strings.TrimSpace(number)
	if percent {
		number += "e-2" // rounds once, so that 0.7% is 0.007
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(f) || strings.ContainsAny(number, "xX_pP") {
		return 0, fmt.Errorf("%q is not a probability (write 0.01 or 1%%)", s)
	}
	if f < 0 || f > 1 {
		return 0, fmt.Errorf("%q is not a probability: it must lie between 0 and 1", s)
	}
	return f, nil
}

// SortedKeys returns the keys of m in increasing order.
func SortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (p Params) value(name string, t ParamType) paramValue {
	for i, d := range p.decl {
		if d.Name == name && d.Type == t {
			return p.values[i]
		}
	}
	panic(fmt.Sprintf("model: no parameter %q of type %v was declared", name, t))
}

// Duration returns the value of a [DurationParam].
func (p Params) Duration(name string) Duration { return Duration(p.value(name, DurationParam).i) }

// Count returns the value of a [CountParam].
func (p Params) Count(name string) int64 { return p.value(name, CountParam).i }

// Probability returns the value of a [ProbabilityParam].
func (p Params) Probability(name string) float64 { return p.value(name, ProbabilityParam).f }

// Switch returns the value of a [SwitchParam].
func (p Params) Switch(name string) bool { return p.value(name, SwitchParam).i != 0 }

// Text returns the value of a [TextParam].
func (p Params) Text(name string) string { return p.value(name, TextParam).text }

// WithText returns p with another value of a [TextParam].
func (p Params) WithText(name, text string) Params {
	for i, d := range p.decl {
		if d.Name == name && d.Type == TextParam {
			p.values = slices.Clone(p.values)
			p.values[i] = paramValue{text: text, set: true}
			return p
		}
	}
	panic(fmt.Sprintf("model: no parameter %q of type %v was declared", name, TextParam))
}

// Number returns the value of a [NumberParam].
func (p Params) Number(name string) float64 { return p.value(name, NumberParam).f }

// Given tells whether the parameter was given a value, rather than its default.
func (p Params) Given(name string) bool {
	for i, d := range p.decl {
		if d.Name == name {
			return p.values[i].set
		}
	}
	panic(fmt.Sprintf("model: no parameter %q was declared", name))
}

// String returns all parameters in the order of their declaration, as
// "eta=10ms timeout=30ms", but for optional ones that were left out.
func (p Params) String() string {
	var b strings.Builder
	for i, d := range p.decl {
		if d.Optional && !p.values[i].set {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s=%s", d.Name, p.values[i].text)
	}
	return b.String()
}

// All yields the names and values of the parameters in the order of their
// declaration, but for optional ones that were left out.
func (p Params) All() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for i, d := range p.decl {
			if d.Optional && !p.values[i].set {
				continue
			}
			if !yield(d.Name, p.values[i].text) {
				return
			}
		}
	}
}
