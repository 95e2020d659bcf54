package explorable

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"suspect/detectors"
	"suspect/detectors/agreement"
	"suspect/model"
	"suspect/properties/explore"
)

// Environment is what the explored processes live in. Fields that the kind of environment
// does not have are left out of account.
type Environment struct {
	Processes int `json:"processes"`
	Crashes   int `json:"crashes"` // at most

	// Of ticks.
	Delta      int  `json:"delta,omitempty"`      // bound on the age of messages, in ticks
	Phi        int  `json:"phi,omitempty"`        // a process takes a step in any so many ticks
	Stabilises bool `json:"gst,omitempty"`        // the bounds hold only from some time on
	FirstStep  int  `json:"first_step,omitempty"` // 0: the number of steps in the period of the detector
	Symmetry   bool `json:"symmetry,omitempty"`

	// Of interleavings.
	Ordered       bool `json:"ordered,omitempty"`
	Losses        int  `json:"losses,omitempty"` // at most; -1 is without a limit
	Duplicates    int  `json:"duplicates,omitempty"`
	QuasiReliable bool `json:"quasi_reliable,omitempty"`
	Reduce        bool `json:"reduce,omitempty"`
}

// Lines says what may happen in it, of ticks or of interleavings.
func (e Environment) Lines(ticks bool) []string {
	lines := []string{fmt.Sprintf("%d processes, of which at most %d crash", e.Processes, e.Crashes)}
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if ticks {
		add("time passes in ticks: messages take up to %d, and each process takes a step in any %d (Delta, Phi)", e.Delta, e.Phi)
		if e.Stabilises {
			add("these bounds hold from some time on; before it messages and processes take any time")
		} else {
			add("these bounds hold from the start")
		}
		if e.Symmetry {
			add("states that differ in the names of processes are one")
		}
		return lines
	}
	add("one thing happens at a time, after any time")
	if e.Ordered {
		add("messages of a link do not overtake one another")
	}
	amount := func(what string, n int) {
		switch {
		case n < 0:
			add("any number of messages is %s", what)
		case n > 0:
			add("at most %d messages are %s", n, what)
		}
	}
	amount("lost", e.Losses)
	amount("duplicated", e.Duplicates)
	if e.QuasiReliable {
		add("messages of the crashed may be lost")
	}
	if e.Reduce {
		add("of orders that make no difference one is explored (partial-order reduction)")
	}
	return lines
}

// Opened is something that is ready to be explored.
type Opened struct {
	Name   string
	Params map[string]string // all of them, as they were given or by default
	System explore.System

	// Properties are those that can be asked for. The first Default of them are those that
	// are to hold, and are explored unless others are asked for.
	Properties []explore.Property
	Default    int

	// Ticks tells which of the two environments it is.
	Ticks bool

	// Label says all that the graph depends on.
	Label string

	// Message names a message.
	Message func(m *model.Message) string
}

// Spec describes an algorithm that can be explored.
type Spec struct {
	Name, Doc, Source string
	Params            []model.Param

	// Defaults of the environment.
	Processes, Crashes int

	open func(p model.Params, e Environment, c *explore.Interleaved) (properties []explore.Property, use int, err error)
}

// All returns the algorithms, in the order of their names.
func All() []Spec { return algorithms }

// Lookup returns the algorithm with the given name.
func Lookup(name string) (Spec, bool) {
	i := slices.IndexFunc(algorithms, func(s Spec) bool { return s.Name == name })
	if i < 0 {
		return Spec{}, false
	}
	return algorithms[i], true
}

// Open puts together a detector or an algorithm, by its name, with parameters. An error
// about the value of a parameter is a *[model.ParamError].
func Open(name string, given map[string]string, e Environment) (*Opened, error) {
	if s, ok := Lookup(name); ok {
		return s.Open(given, e)
	}
	d, ok := detectors.Lookup(name)
	if !ok {
		return nil, fmt.Errorf("there is no detector or algorithm %q", name)
	}
	return openDetector(d, given, e)
}

// Open puts together an algorithm.
func (s Spec) Open(given map[string]string, e Environment) (*Opened, error) {
	params, errs := model.NewParams(s.Params, given)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	c := explore.Interleaved{
		N: e.Processes, Crashes: e.Crashes, Ordered: e.Ordered,
		Losses: e.Losses, Duplicates: e.Duplicates, QuasiReliable: e.QuasiReliable, Reduce: e.Reduce,
		Sets: e.Duplicates == explore.Unlimited,
	}
	props, use, err := s.open(params, e, &c)
	if err != nil {
		return nil, err
	}
	sys, err := c.NewSystem()
	if err != nil {
		return nil, err
	}
	o := &Opened{Name: s.Name, System: sys, Properties: props, Default: use, Params: map[string]string{}, Message: messageName}
	for name, value := range params.All() {
		o.Params[name] = value
	}
	o.Label = fmt.Sprintf("%s %s interleaved %d processes %d crashes ordered=%v losses=%d duplicates=%d quasi-reliable=%v reduce=%v",
		s.Name, texts(o.Params), e.Processes, e.Crashes, e.Ordered, e.Losses, e.Duplicates, e.QuasiReliable, e.Reduce)
	return o, nil
}

func texts(params map[string]string) string {
	var all []string
	for _, name := range model.SortedKeys(params) {
		all = append(all, name+"="+params[name])
	}
	return strings.Join(all, " ")
}

// referenceParams are the values that make the reference model of a detector by timeouts:
// they are the defaults of parameters with these names.
var referenceParams = map[string]string{
	"eta": "2steps", "stagger": "false", "timeout": "1silent", "step": "1steps", "most": "8silent",
}

// Duration reads a duration, or a number of steps of a local clock as 2steps, or the timeout
// that is over when more than so many steps were silent, as 2silent.
func Duration(text string) (string, error) {
	for suffix, of := range map[string]func(int) model.Duration{"steps": explore.Steps, "silent": explore.Silence} {
		if k, found := strings.CutSuffix(text, suffix); found {
			n, err := strconv.Atoi(k)
			if err != nil || n < 0 || n > 10_000 {
				return "", fmt.Errorf("%q is no number of steps (write 2%s)", text, suffix)
			}
			return of(n).String(), nil
		}
	}
	return text, nil
}

// openDetector puts together a detector, in ticks.
func openDetector(d detectors.Spec, given map[string]string, e Environment) (*Opened, error) {
	if d.Asks {
		return nil, fmt.Errorf("detector %s lives on what hosts and switches tell, which an exploration has none of", d.Name)
	}
	all := map[string]string{}
	written := map[string]string{}
	for _, p := range d.Params {
		if text, ok := referenceParams[p.Name]; ok {
			written[p.Name] = text
		}
	}
	for name, text := range given {
		written[name] = text
	}
	for _, p := range d.Params {
		text, ok := written[p.Name]
		if !ok || p.Type != model.DurationParam {
			continue
		}
		exact, err := Duration(text)
		if err != nil {
			return nil, &model.ParamError{Name: p.Name, Err: err}
		}
		written[p.Name] = exact
	}
	params, errs := model.NewParams(d.Params, written)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	for name, value := range params.All() {
		all[name] = value
	}
	first := e.FirstStep
	if first == 0 {
		first = 1
		for _, p := range d.Params {
			if p.Name == "eta" && p.Type == model.DurationParam {
				first = max(1, int(params.Duration("eta")/explore.Steps(1)))
			}
		}
	}
	c := explore.Ticks{
		N: e.Processes, Crashes: e.Crashes, Delta: e.Delta, Phi: e.Phi, Stabilises: e.Stabilises,
		FirstStep: first, Symmetry: e.Symmetry,
		New: func(p model.ProcessID) (model.Automaton, error) { return d.New(everybody(p, e.Processes), params) },
	}
	sys, err := c.NewSystem()
	if err != nil {
		return nil, err
	}
	var fair explore.Fairness
	if e.Stabilises {
		fair = explore.EventuallyStable
	}
	props := []explore.Property{
		explore.EventualStrongAccuracy(fair), explore.StrongCompleteness(fair), explore.StrongAccuracy(),
	}
	if !e.Symmetry {
		props = append(props, explore.EventualWeakAccuracy(fair, e.Processes), explore.WeakCompleteness(fair, e.Processes))
	}
	o := &Opened{Name: d.Name, Params: all, System: sys, Properties: props, Default: 2, Ticks: true, Message: heartbeatName}
	o.Label = fmt.Sprintf("%s %s ticks %d processes %d crashes delta=%d phi=%d stabilises=%v first=%d symmetry=%v",
		d.Name, texts(all), e.Processes, e.Crashes, e.Delta, e.Phi, e.Stabilises, first, e.Symmetry)
	return o, nil
}

// everybody is the place of a process that watches all others.
func everybody(self model.ProcessID, n int) detectors.Env {
	env := detectors.Env{Self: self, N: n}
	for q := range model.ProcessID(n) {
		if q != self {
			env.Watch = append(env.Watch, q)
		}
	}
	env.Watchers = env.Watch
	return env
}

// heartbeatName names a message of a detector.
func heartbeatName(m *model.Message) string {
	if m.Kind == detectors.HeartbeatKind {
		return "heartbeat"
	}
	return fmt.Sprintf("message %d", m.Kind)
}

// messageName names a message of an algorithm, with its value if it has one.
func messageName(m *model.Message) string {
	text := agreement.MessageName(m)
	if text == "" {
		text = fmt.Sprintf("message %d", m.Kind)
	}
	if n, ok := m.Body.(fmt.Stringer); ok {
		return text + " " + n.String()
	}
	if m.Arg != 0 {
		text += fmt.Sprintf(" %d", m.Arg)
	}
	return text
}
