package reproduce

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"suspect/detectors"
	"suspect/model"
)

// knob is what trades detection time for mistakes in a detector: a parameter, and the
// values that it is given. Durations are as they are for heartbeats of 1 s, or whatever
// period is the default; all durations of a detector are scaled together. Other
// parameters have the values in with, or their defaults.
type knob struct {
	param  string
	values string
	with   string
}

// timeouts are above a period of 1 s, margins are beside it.
const (
	timeouts = "1.005s 1.02s 1.1s 1.25s 1.5s 2s 2.5s 3s 4s 6s 10s"
	margins  = "5ms 20ms 100ms 250ms 500ms 1s 1.5s 2s 3s 5s 9s"
	few      = "1.1s 1.5s 2s 3s 5s 9s"
)

// knobs has the knob of each detector, by its name. One that is not there is shown as a
// single point with its defaults.
var knobs = map[string]knob{
	"timeout":         {"timeout", timeouts, ""},
	"adaptive":        {"timeout", timeouts, "step=100ms"},
	"nfd-s":           {"delta", margins, ""},
	"nfd-u":           {"alpha", margins, ""},
	"nfd-e":           {"alpha", margins, ""},
	"2w-fd":           {"alpha", margins, ""},
	"bertier":         {"phi", "0 1 2 4 8 16 32 64", ""},
	"phi":             {"threshold", "0.3 0.5 1 2 4 8 16 32 64", ""},
	"phi-akka":        {"pause", "0s 100ms 250ms 500ms 1s 2s 3s 5s 9s", ""},
	"phi-cassandra":   {"threshold", "0.45 0.5 0.6 0.75 1 1.5 2 3", ""},
	"phi-exponential": {"threshold", "0.45 0.5 0.6 0.75 1 1.5 2 3 4", ""},
	"satzger":         {"scale", "1 0.95 0.9 0.8 0.65 0.5 0.35 0.25 0.15", "threshold=0.99"},
	"kappa":           {"threshold", "0.5 1 1.5 2 3 4 6 10", ""},
	"ping":            {"timeout", few, ""},
	"timeout-2d-r":    {"d", "50ms 100ms 250ms 500ms 1s 2s", "r=0s"},
	"so-sirer":        {"timeout", "100ms 250ms 500ms 1s 2s 4s", ""},
	"lease":           {"timeout", few, ""},
	"bfd":             {"multiplier", "1 2 3 5 8", ""},
	"ospf":            {"dead", "11s 15s 20s 30s 40s 60s", ""},
	"node-lease":      {"grace", "11s 15s 20s 30s 40s 60s", "monitor=1s"},
	"zookeeper":       {"tick", "10s 5s 2s 1s", ""},
	"swim":            {"suspicion", "0s 1s 2s 4s 8s 16s", ""},
	"memberlist":      {"suspicion-mult", "2 3 4 6 8", ""},
	"rapid":           {"failures", "1 2 3 4 6 10", ""},
	"gossip":          {"t-fail", "3s 4s 6s 8s 10s 15s 20s", ""},
	"vote":            {"base", "timeout,1.1s timeout,1.5s timeout,2s timeout,3s timeout,5s timeout,9s", ""},
	"traffic-light":   {"green", "1.1s 1.5s 2s 3s 5s 9s", ""},
}

// tuning is a detector with one value of its knob.
type tuning struct {
	spec  detectors.Spec
	given map[string]string // as for the default period
	value string            // of the knob
	param string            // the knob, or empty
	scale float64           // of all durations
	cost  float64           // bytes per second of a process where nobody crashes
}

// newTuning returns a detector with a value of its knob, "" for all defaults, whose
// durations are scaled as if heartbeats of 1 s had the period.
func newTuning(use, value string, eta model.Duration) *tuning {
	spec, ok := detectors.Lookup(use)
	if !ok {
		panic("reproduce: there is no detector " + use)
	}
	s := &tuning{spec: spec, given: make(map[string]string), value: value, scale: eta.Seconds()}
	if value == "" {
		return s
	}
	k := knobs[use]
	s.param, s.given[k.param] = k.param, value
	if base, timeout, is := strings.Cut(value, ","); is {
		s.given[k.param] = fmt.Sprintf("%s eta=1s timeout=%s", base, timeout)
	}
	for _, x := range strings.Fields(k.with) {
		name, text, _ := strings.Cut(x, "=")
		s.given[name] = text
	}
	return s
}

// duration matches durations in a text.
var duration = regexp.MustCompile(`\b[0-9.]+(min|ms|us|s|h)\b`)

// scaled returns a text in which durations are scaled, to whole microseconds.
func (s *tuning) scaled(text string) string {
	return duration.ReplaceAllStringFunc(text, func(x string) string {
		d, err := model.ParseDuration(x)
		if err != nil {
			panic(fmt.Sprintf("reproduce: a value of a knob: %v", err))
		}
		us := model.Duration(float64(d)*s.scale/float64(model.Microsecond) + 0.5)
		if d > 0 {
			us = max(us, 1)
		}
		return (us * model.Microsecond).String()
	})
}

// values returns the values of all parameters that are given or have durations.
func (s *tuning) values() (names []string, values map[string]string) {
	values = make(map[string]string)
	for _, p := range s.spec.Params {
		text, given := s.given[p.Name]
		switch {
		case given:
		case p.Type == model.DurationParam && p.Default != "":
			text = p.Default
		case p.Type == model.TextParam && duration.MatchString(p.Default):
			text = p.Default
		default:
			continue
		}
		names, values[p.Name] = append(names, p.Name), s.scaled(text)
	}
	return names, values
}

// parameters returns what a scenario says of the setting.
func (s *tuning) parameters() string {
	var b strings.Builder
	names, values := s.values()
	for _, name := range names {
		text := values[name]
		if strings.Contains(text, " ") {
			text = `"` + text + `"`
		}
		fmt.Fprintf(&b, ", %s: %s", name, text)
	}
	return b.String()
}

// label says what the knob is set to.
func (s *tuning) label() string {
	if s.param == "" {
		return "defaults"
	}
	_, values := s.values()
	return s.param + "=" + values[s.param]
}

// mostListeners is how many detectors share heartbeats in a run: as many as a scenario may
// have. Those of several runs listen to the same heartbeats, as nothing else differs.
const mostListeners = 64

// frontierSettings returns the settings of the detectors that are wanted, in groups that
// are run side by side: first those that share heartbeats, then others, at most so many
// panels of messages at a time.
func frontierSettings(wanted string, eta model.Duration, panels int) (groups [][]*tuning, err error) {
	names := strings.FieldsFunc(wanted, func(r rune) bool { return r == ',' || r == ' ' })
	for _, name := range names {
		spec, ok := detectors.Lookup(name)
		switch {
		case !ok && name != "all":
			return nil, fmt.Errorf("there is no detector %q", name)
		case spec.Typed:
			return nil, fmt.Errorf("%s names kinds of failure: it is in kind-matrix", name)
		}
	}
	var shared, own []*tuning
	for _, spec := range detectors.All() {
		if spec.Typed || !slices.Contains(names, "all") && !slices.Contains(names, spec.Name) {
			continue
		}
		values := strings.Fields(knobs[spec.Name].values)
		if len(values) == 0 {
			values = []string{""}
		}
		for _, value := range values {
			s := newTuning(spec.Name, value, eta)
			if spec.Heartbeats {
				shared = append(shared, s)
			} else {
				own = append(own, s)
			}
		}
	}
	if len(shared)+len(own) == 0 {
		return nil, fmt.Errorf("none is given")
	}
	for panel := range slices.Chunk(shared, mostListeners) {
		groups = append(groups, panel)
	}
	for group := range slices.Chunk(own, panels) {
		groups = append(groups, group)
	}
	return groups, nil
}
