package scenario

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"suspect/detectors"
	"suspect/model"
	"suspect/network"
	"suspect/properties"
	"suspect/sim"
)

// scenario reads the whole tree. What it returns is meaningless if there were
// errors.
func (r *reader) scenario(root *node) *Scenario {
	top := r.section("the scenario", root, scenarioKeys)
	if root.kind != mappingNode {
		return nil
	}
	s := &Scenario{
		Name:     value(top, "name", "", parseName),
		About:    value(top, "about", "", parseText),
		Seed:     value(top, "seed", 1, parseSeed),
		Duration: value(top, "duration", 0, parseDuration),
		WarmUp:   value(top, "warmup", 0, parseDuration),
	}
	if top.good("duration") {
		if s.Duration == 0 {
			top.fail("duration", "a run needs a duration above zero")
		} else if top.good("warmup") && s.WarmUp >= s.Duration {
			top.fail("warmup", "the warm-up of %v leaves nothing of the duration of %v (make it shorter)", s.WarmUp, s.Duration)
		}
	}
	r.limits(top, s)
	r.judge(top, s)
	r.monitor(top, s)
	r.network(top, s)
	r.routing(top, s)
	r.clocks(top, s)
	r.evidence(top, s)
	r.watch(top, s)
	r.detectors(top, s)
	r.traffic(top, s)
	r.qjump(top, s)
	r.faults(top, s)
	r.generators(top, s)
	r.truth(top, s)
	r.properties(top, s)
	r.expect(top, s)
	r.replications(top, s)
	if r.told() == 0 {
		r.checkSize(top, s)
	}
	return s
}

const maxText = 4096

func parseText(text string) (string, error) {
	if utf8.RuneCountInString(text) > maxText {
		return "", fmt.Errorf("the text has more than %d characters", maxText)
	}
	return text, nil
}

// parseName reads a name that is safe in a file name and on a terminal.
func parseName(text string) (string, error) {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	switch {
	case text == "":
		return "", fmt.Errorf("the name is empty")
	case len(text) > 100:
		return "", fmt.Errorf("the name has more than 100 characters")
	case strings.Trim(text, letters) != "" || strings.ContainsFunc(text, func(c rune) bool { return !strings.ContainsRune(letters, c) }):
		return "", fmt.Errorf("%q is not a name (use letters, digits, '-', '_' and '.')", text)
	}
	return text, nil
}

func (r *reader) limits(top *section, s *Scenario) {
	l := r.section("limits", top.get("limits"), limitsKeys)
	s.Limits = Limits{
		Events: uint64(l.count("events", 0, 1, math.MaxInt64)),
		Wall:   value(l, "wall", 0, parseDuration),
		Memory: value(l, "memory", 0, parseSize),
	}
	for _, name := range []string{"wall", "memory"} {
		if l.has(name) && l.good(name) && (name == "wall" && s.Limits.Wall == 0 || name == "memory" && s.Limits.Memory == 0) {
			l.fail(name, "a limit of zero allows nothing (leave it out for no limit)")
		}
	}
}

func (r *reader) judge(top *section, s *Scenario) {
	j := r.section("judge", top.get("judge"), judgeKeys)
	s.Judge = Judge{
		DetectWithin:   value(j, "detect_within", 0, parseDuration),
		StableFrom:     model.Never,
		MistakesAtMost: int(j.count("mistakes_at_most", -1, 0, math.MaxInt32)),
	}
	if j.has("detect_within") && j.good("detect_within") && s.Judge.DetectWithin == 0 {
		j.fail("detect_within", "nothing is detected within no time")
	}
	if j.has("stable_from") {
		s.Judge.StableFrom = model.Time(value(j, "stable_from", 0, parseDuration))
		if j.good("stable_from") && top.good("duration") && s.Judge.StableFrom >= model.Time(s.Duration) {
			j.fail("stable_from", "%v is not before the end of the run at %v", s.Judge.StableFrom, s.Duration)
		}
	}
}

func (r *reader) monitor(top *section, s *Scenario) {
	m := r.section("monitor", top.get("monitor"), monitorKeys)
	s.Network.MessageBytes = value(m, "message_size", 64, parsePayload)
	s.Monitor.Priority = r.priority(m, model.Priorities-1)
	s.Monitor.Start = value(m, "start", sim.Distribution{}, parseDistribution)
	if m.good("start") && top.good("duration") && s.Monitor.Start.Min() >= s.Duration {
		m.fail("start", "no process would start before the end of the run at %v", s.Duration)
	}
	if watch := m.get("watch"); watch != nil && watch.kind == mappingNode {
		w := r.section("monitor.watch", watch, watchKeys)
		s.Monitor.successors = w.count("successors", 0, 1, math.MaxInt32)
	} else {
		m.oneOf("watch", "all", []string{"all"})
	}
}

// watch makes the lists of who watches whom, once the hosts are known.
func (r *reader) watch(top *section, s *Scenario) {
	n := int64(s.Network.Topology.Hosts)
	if n == 0 || !r.pairsFit(top, s, n) {
		s.Network.Topology.Hosts = 0 // nothing can be checked against it
		return
	}
	s.Monitor.Watch = watchLists(int(n), int(s.watched(n)))
}

// watched returns how many of n processes each watches.
func (s *Scenario) watched(n int64) int64 {
	if s.Monitor.successors > 0 {
		return s.Monitor.successors
	}
	return n - 1
}

// pairsFit tells whether n processes can watch each other.
func (r *reader) pairsFit(top *section, s *Scenario, n int64) bool {
	at := top.at
	if m := top.get("monitor"); m != nil {
		at = m.at
		if w := m.find("watch"); w != nil {
			at = w.at
		}
	}
	switch each := s.watched(n); {
	case each >= n:
		r.add(at, "each process is to watch %d successors, but there are only %d others", each, n-1)
	case n*each > maxPairs:
		r.add(at, "%d processes that watch %d others each are %d pairs; at most %d are supported (use monitor: {watch: {successors: 8}})", n, each, n*each, int64(maxPairs))
	default:
		return true
	}
	return false
}

// watchLists makes process p watch the next each processes on a ring of n.
func watchLists(n, each int) [][]model.ProcessID {
	lists := make([][]model.ProcessID, n)
	all := make([]model.ProcessID, 0, n*each)
	for p := range n {
		start := len(all)
		for q := range max(0, p+each-n+1) { // those beyond the end of the ring
			all = append(all, model.ProcessID(q))
		}
		for q := p + 1; q <= min(p+each, n-1); q++ {
			all = append(all, model.ProcessID(q))
		}
		lists[p] = all[start:len(all):len(all)]
	}
	return lists
}

func (r *reader) priority(s *section, def model.Priority) model.Priority {
	return model.Priority(s.count("priority", int64(def), 0, model.Priorities-1))
}

// maxDetectors bounds what can be told apart in a report; Record.Detector has room for
// 256.
const maxDetectors = 64

func (r *reader) detectors(top *section, s *Scenario) {
	items := top.list("detectors", false)
	if len(items) > maxDetectors {
		top.fail("detectors", "%d detectors; at most %d can run side by side", len(items), maxDetectors)
		return
	}
	var known []string
	for _, d := range detectors.All() {
		known = append(known, d.Name)
	}
	names := make(map[string]bool)
	for i, n := range items {
		where := fmt.Sprintf("detectors[%d]", i)
		spec, ok := lookup(r, where, n, "detector", "`suspect list detectors` tells what there is", detectors.Lookup, known)
		if !ok {
			s.Detectors = append(s.Detectors, Detector{}) // keeps the numbers right
			continue
		}
		sec, params, ok := r.params(where, n, detectorKeys, spec.Params, nil)
		d := Detector{Name: value(sec, "name", "", parseName), Spec: spec, Params: params}
		if !sec.has("name") {
			d.Name = spec.Name
			for k := 2; names[d.Name]; k++ {
				d.Name = fmt.Sprintf("%s-%d", spec.Name, k)
			}
		} else if names[d.Name] && d.Name != "" {
			sec.fail("name", "there is already a detector %q", d.Name)
		}
		names[d.Name] = true
		s.Detectors = append(s.Detectors, d)
		if ok && r.agentsFor(sec, &d, s) && s.Monitor.Watch != nil {
			env := detectors.Env{N: len(s.Monitor.Watch), Watch: s.Monitor.Watch[0], Watchers: s.watchersOf(0)}
			if spec.Asks {
				env.Map = s.Network.Topology.Graph()
			}
			if _, err := spec.New(env, params); err != nil {
				r.refused(sec, err)
			}
		}
	}
}

// watchersOf returns who watches p.
func (s *Scenario) watchersOf(p model.ProcessID) []model.ProcessID {
	n := model.ProcessID(len(s.Monitor.Watch))
	each := model.ProcessID(len(s.Monitor.Watch[p]))
	var watchers []model.ProcessID
	for q := range n {
		if q != p && (p-q+n)%n <= each {
			watchers = append(watchers, q)
		}
	}
	return watchers
}

// lookup finds the thing that `use` names; discover tells how to know their names.
func lookup[T any](r *reader, where string, n *node, what, discover string, find func(string) (T, bool), names []string) (thing T, ok bool) {
	switch {
	case n.kind == refusedNode:
		return thing, false
	case n.kind != mappingNode:
		r.add(n.at, "%s must be a mapping with the key \"use\", not %v (%s)", where, n.kind, discover)
		return thing, false
	}
	use := n.find("use")
	if use == nil {
		r.add(n.at, "%s lacks the key \"use\" (%s)", where, discover)
		return thing, false
	}
	name, ok := r.text(where+".use", use, textForm)
	if !ok {
		return thing, false
	}
	if thing, ok = find(name); !ok {
		hint := Meant(name, names)
		if hint == "" {
			hint = " (" + discover + ")"
		}
		_, isFault := network.LookupFault(name)
		_, isGenerator := network.LookupGenerator(name)
		switch {
		case what == "fault" && isGenerator:
			hint = " (it is a generator: list it under generators)"
		case what == "generator" && isFault:
			hint = " (it is a fault: list it under faults)"
		}
		r.add(use.at, "unknown %s %q%s", what, name, hint)
	}
	return thing, ok
}

// params reads a mapping of the reader's own keys and a thing's parameters. What
// is assumed counts as given unless the mapping says otherwise.
func (r *reader) params(where string, n *node, own []key, decl []model.Param, assumed map[string]string) (*section, model.Params, bool) {
	sec := r.section(where, n, withParams(own, decl))
	given := make(map[string]string)
	ok := true
	for _, d := range decl {
		v := sec.get(d.Name)
		if v == nil {
			ok = ok && sec.good(d.Name)
			if text, is := assumed[d.Name]; is {
				given[d.Name] = text
			}
			continue
		}
		text, fine := r.paramText(sec, d, v)
		if fine && text != "" {
			given[d.Name] = text
		} else if !fine {
			sec.failed[d.Name] = true
			ok = false
		}
	}
	params, errs := newParams(decl, given)
	for _, err := range errs {
		if p, is := err.(*model.ParamError); is && sec.failed[p.Name] {
			continue // told already
		}
		r.refused(sec, err)
		ok = false
	}
	return sec, params, ok
}

// newParams makes parameters whose texts do not depend on how the values were
// written, or whether defaults were: reports show them.
func newParams(decl []model.Param, given map[string]string) (model.Params, []error) {
	params, errs := model.NewParams(decl, given)
	if errs != nil {
		return params, errs
	}
	texts := make(map[string]string)
	for _, d := range decl {
		if text, has := paramValue(params, d); has {
			texts[d.Name] = text
		}
	}
	return model.NewParams(decl, texts)
}

// paramValue returns the value of a parameter in the text that stands for it, and
// whether it has one.
func paramValue(p model.Params, d model.Param) (text string, has bool) {
	if d.Optional && !p.Given(d.Name) {
		return "", false
	}
	switch d.Type {
	case model.DurationParam:
		return p.Duration(d.Name).String(), true
	case model.CountParam:
		return fmt.Sprint(p.Count(d.Name)), true
	case model.ProbabilityParam:
		return formatProbability(p.Probability(d.Name)), true
	case model.SwitchParam:
		return fmt.Sprint(p.Switch(d.Name)), true
	case model.NumberParam:
		return model.FormatNumber(p.Number(d.Name)), true
	}
	return p.Text(d.Name), p.Text(d.Name) != ""
}

// paramText returns the text of a parameter's value. A pair of names, as the ends
// of a link, is one text for the thing that takes it.
func (r *reader) paramText(sec *section, d model.Param, v *node) (string, bool) {
	if d.Type == model.TextParam && v.kind == listNode {
		names, ok := r.names(d.Name, v)
		return strings.Join(names, linkSeparator), ok
	}
	text, ok := r.text(d.Name, v, paramForm(d.Type))
	if ok && d.Type == model.CountParam {
		if _, err := parseCount(text); err != nil {
			sec.fail(d.Name, "%v", err)
			return "", false
		}
	}
	return text, ok
}

// refused tells what a constructor said, at the parameter it speaks of.
func (r *reader) refused(sec *section, err error) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			r.refused(sec, one)
		}
		return
	}
	var p *model.ParamError
	if errors.As(err, &p) && sec.key(p.Name) != nil {
		hint := ""
		if strings.Contains(p.Err.Error(), "name") { // the error is that nothing has it
			hint = r.nodeOfParam(sec, p.Name)
		}
		sec.fail(p.Name, "%v%s", p.Err, hint)
		return
	}
	r.add(sec.at, "%s: %v", sec.name, err)
}

// nodeOfParam suggests a node for the first name in a parameter that is none. What is a
// number with a unit was not meant for a name.
func (r *reader) nodeOfParam(sec *section, param string) string {
	n := sec.get(param)
	if n == nil || sec.key(param).form != paramTextForm {
		return ""
	}
	for _, item := range append(n.items, n) {
		number, unit := model.SplitUnit(item.text)
		if _, known := r.nodes[item.text]; item.kind == scalarNode && !known && (number == "" || unit == "") {
			return r.nodeMeant(item.text, r.nodeNames)
		}
	}
	return ""
}

// names reads a list of names.
func (r *reader) names(what string, n *node) (names []string, ok bool) {
	if n.kind != listNode {
		r.add(n.at, "%s must be a list of names, not %v", what, n.kind)
		return nil, false
	}
	ok = true
	for _, item := range n.items {
		name, fine := r.text("a name in "+what, item, nameForm)
		names = append(names, name)
		ok = ok && fine
	}
	return names, ok
}

// maxFaults bounds the search for the elements that faults strike.
const maxFaults = 1000

func (r *reader) faults(top *section, s *Scenario) {
	var known []string
	for _, f := range network.AllFaults() {
		known = append(known, f.Name)
	}
	items := top.list("faults", false)
	if len(items) > maxFaults {
		top.fail("faults", "%d faults; at most %d are supported (a fault can come again: every: exponential(10s))", len(items), maxFaults)
		return
	}
	for i, n := range items {
		where := fmt.Sprintf("faults[%d]", i)
		spec, ok := lookup(r, where, n, "fault", "`suspect list faults` tells what there is", network.LookupFault, known)
		if !ok {
			continue
		}
		sec, params, ok := r.params(where, n, faultKeys, spec.Params, nil)
		f := Fault{
			Spec: spec, Params: params,
			At:       value(sec, "at", sim.Distribution{}, parseDistribution),
			For:      value(sec, "for", sim.Distribution{}, parseDistribution),
			Every:    value(sec, "every", sim.Distribution{}, parseDistribution),
			HasFor:   sec.has("for"),
			HasEvery: sec.has("every"),
			Redraw:   value(sec, "redraw", false, parseSwitch),
			Stream:   fmt.Sprintf("fault/%d", i),
		}
		switch {
		case !sec.has("at") && !sec.has("every"):
			r.add(sec.at, "%s has no time (write at: 5s, at: \"uniform(1s, 2s)\" or every: \"exponential(10s)\")", where)
		case !sec.has("at"):
			f.At = f.Every // the first interval begins with the run
		}
		if sec.has("at") && sec.good("at") && top.good("duration") && f.At.Min() > s.Duration {
			sec.fail("at", "the fault comes after the end of the run at %v", s.Duration)
		}
		if f.HasFor && sec.good("for") && longest(f.For) == 0 {
			sec.fail("for", "the fault lasts no time (leave it out for a fault that lasts for ever)")
		}
		if f.HasEvery && !f.HasFor {
			r.add(sec.place("every"), "every: a fault that comes again must end in between (give for, as for: 1s)")
		}
		if f.Redraw && !f.HasEvery {
			sec.fail("redraw", "the fault comes once (give every, as every: \"exponential(10s)\")")
		}
		if f.HasEvery && sec.good("every") && longest(f.Every) == 0 {
			sec.fail("every", "a fault that comes again after no time never lets the run go on")
		}
		if ok && s.Network.Topology.Hosts > 0 {
			if _, err := spec.New(params, &s.Network.Topology, sim.NewStream(s.Seed, f.Stream)); err != nil {
				r.refused(sec, err)
			}
		}
		s.Faults = append(s.Faults, f)
	}
}

func (r *reader) generators(top *section, s *Scenario) {
	var known []string
	for _, g := range network.AllGenerators() {
		known = append(known, g.Name)
	}
	items := top.list("generators", false)
	if len(items) > maxFaults {
		top.fail("generators", "%d generators; at most %d are supported", len(items), maxFaults)
		return
	}
	taken := make(map[string]bool)
	for i, n := range items {
		where := fmt.Sprintf("generators[%d]", i)
		spec, ok := lookup(r, where, n, "generator", "`suspect list generators` tells what there is", network.LookupGenerator, known)
		if !ok {
			continue
		}
		sec, params, ok := r.params(where, n, generatorKeys, spec.Params, nil)
		g := Generator{Name: spec.Name, Spec: spec, Params: params}
		if sec.has("name") {
			g.Name = value(sec, "name", "", parseText)
		}
		if taken[g.Name] {
			r.add(sec.place("name"), "%s: another generator is named %s (give this one a name, as name: %s-2)", where, g.Name, spec.Name)
		}
		taken[g.Name] = true
		if ok && s.Network.Topology.Hosts > 0 {
			var err error
			if g.Arrivals, err = spec.New(params, &s.Network.Topology); err != nil {
				r.refused(sec, err)
			}
		}
		s.Generators = append(s.Generators, g)
	}
}

// maxProperties bounds the checkers that see every record.
const maxProperties = 100

func (r *reader) properties(top *section, s *Scenario) {
	if !top.has("properties") {
		s.usualProperties()
		return
	}
	items := top.list("properties", false)
	if len(items) > maxProperties {
		top.fail("properties", "%d properties; at most %d can be checked", len(items), maxProperties)
		return
	}
	var known []string
	for _, p := range properties.All() {
		known = append(known, p.Name)
	}
	for i, n := range items {
		where := fmt.Sprintf("properties[%d]", i)
		spec, ok := lookup(r, where, n, "property", "`suspect list properties` tells what there is", properties.Lookup, known)
		if !ok {
			top.failed["properties"] = true
			continue
		}
		sec, params, ok := r.params(where, n, keysOfProperty(spec), spec.Params, s.Judge.bounds())
		if ok {
			if _, err := spec.New(s.propertyEnv(), params); err != nil {
				r.refused(sec, err)
			}
		}
		name := spec.Name
		switch {
		case !spec.OfNetwork:
			if s.checks(name) {
				sec.fail("use", "the property %q is listed twice", name)
			}
		case sec.has("name"):
			name = value(sec, "name", "", parseName)
			if !sec.good("name") {
				top.failed["properties"] = true
			} else if s.checks(name) {
				sec.fail("name", "there is already a property %q", name)
			}
		default:
			name = s.freeName(name)
		}
		s.check(Property{name, spec, params})
	}
}

// check adds a property to those that are checked.
func (s *Scenario) check(p Property) {
	if p.Spec.OfNetwork {
		s.NetworkProperties = append(s.NetworkProperties, p)
	} else {
		s.Properties = append(s.Properties, p)
	}
}

// checks tells whether a property with the name is checked.
func (s *Scenario) checks(name string) bool {
	return slices.ContainsFunc(slices.Concat(s.Properties, s.NetworkProperties), func(p Property) bool { return p.Name == name })
}

// freeName returns the name, with a number behind it if there is a property that has it.
func (s *Scenario) freeName(name string) string {
	free := name
	for k := 2; s.checks(free); k++ {
		free = fmt.Sprintf("%s-%d", name, k)
	}
	return free
}

// usualProperties checks what the scenario does not list: completeness and accuracy,
// bounded as the scenario judges, and the bound of each level, the highest priority first.
func (s *Scenario) usualProperties() {
	for _, name := range []string{
		"strong-completeness", "weak-completeness",
		"strong-accuracy", "weak-accuracy", "eventual-strong-accuracy", "eventual-weak-accuracy",
	} {
		s.checkUsual(name, s.Judge.bounds())
	}
	if s.QJump == nil {
		return
	}
	for p := model.Priorities - 1; p >= 0; p-- {
		if _, is := s.QJump.Level(model.Priority(p)); is {
			s.checkUsual("latency-bound", map[string]string{"priority": fmt.Sprint(p)})
		}
	}
}

// checkUsual checks a property with those of the given parameters that it has.
func (s *Scenario) checkUsual(name string, given map[string]string) {
	spec, ok := properties.Lookup(name)
	if !ok {
		panic("scenario: the property " + name + " is not registered")
	}
	for name := range given {
		if !slices.ContainsFunc(spec.Params, func(p model.Param) bool { return p.Name == name }) {
			delete(given, name)
		}
	}
	params, errs := newParams(spec.Params, given)
	if errs != nil {
		panic(errs[0])
	}
	s.check(Property{s.freeName(name), spec, params})
}

// bounds returns the bounds as parameters of properties: those that have a
// parameter of the name, and are not given another value, take it.
func (j Judge) bounds() map[string]string {
	b := make(map[string]string)
	if j.DetectWithin > 0 {
		b["within"] = j.DetectWithin.String()
	}
	if j.StableFrom != model.Never {
		b["from"] = j.StableFrom.String()
	}
	if j.MistakesAtMost >= 0 {
		b["mistakes"] = fmt.Sprint(j.MistakesAtMost)
	}
	return b
}

// propertyEnv is a small system to try parameters in.
func (s *Scenario) propertyEnv() properties.Env {
	return properties.Env{N: 2, Watch: properties.WatchAll(2), WarmUp: model.Time(s.WarmUp), Truth: s.Truth != nil}
}

func (r *reader) expect(top *section, s *Scenario) {
	type subject struct{ property, detector string }
	first := make(map[subject]int)
	for i, n := range top.list("expect", false) {
		sec := r.section(fmt.Sprintf("expect[%d]", i), n, expectKeys)
		e := Expectation{
			Property: value(sec, "property", "", parseText),
			Detector: r.detectorNamed(sec, s),
		}
		outcome := sec.oneOf("outcome", "holds", []string{"holds", "violated", "inconclusive"})
		e.Outcome, _ = properties.ParseOutcome(outcome)
		if sec.has("property") && sec.good("property") && top.good("properties") {
			r.judged(sec, s, &e)
		}
		if sec.good("property", "detector", "outcome") {
			of, same := subject{property: e.Property}, "property"
			if sec.has("detector") {
				of.detector, same = sec.get("detector").text, "property and detector"
			}
			if j, twice := first[of]; !twice {
				first[of] = i
			} else if s.Expect[j].Outcome != e.Outcome {
				sec.fail("outcome", "expect[%d] expects another outcome of the same %s (delete one)", j, same)
			}
		}
		s.Expect = append(s.Expect, e)
	}
}

// judged checks that the property of an expectation is one that is checked, and that
// it names a detector where the property is judged of one.
func (r *reader) judged(sec *section, s *Scenario, e *Expectation) {
	all := slices.Concat(s.Properties, s.NetworkProperties)
	i := slices.IndexFunc(all, func(p Property) bool { return p.Name == e.Property })
	switch {
	case i < 0:
		var names []string
		for _, p := range all {
			names = append(names, p.Name)
		}
		hint := Meant(e.Property, names)
		if hint == "" {
			hint = fmt.Sprintf(" (checked: %s)", strings.Join(names, ", "))
		}
		sec.fail("property", "%q is not among the properties that are checked%s", e.Property, hint)
	case all[i].Spec.OfNetwork && sec.has("detector"):
		sec.fail("detector", "the property %q is judged of the network, not of a detector (delete it)", e.Property)
	case all[i].Spec.OfNetwork:
		e.Detector = -1
	case !sec.has("detector") && sec.good("detector"):
		sec.failed["detector"] = true
		r.add(sec.at, "%s lacks the key \"detector\" (the property %q is judged of each)", sec.name, e.Property)
	}
}

// detectorNamed reads the key detector: the name of one of the scenario's.
func (r *reader) detectorNamed(sec *section, s *Scenario) int {
	name := value(sec, "detector", "", parseText)
	if !sec.has("detector") || !sec.good("detector") {
		return 0
	}
	var names []string
	refused := false
	for i, d := range s.Detectors {
		if d.Name == name {
			return i
		}
		names = append(names, d.Name)
		refused = refused || d.Name == ""
	}
	if !refused { // one that was refused might have the name
		sec.fail("detector", "there is no detector named %q%s (detectors: %s)", name, Meant(name, names), strings.Join(names, ", "))
	}
	return 0
}

// maxReplications bounds what makes sense.
const maxReplications = 1_000_000

func (r *reader) replications(top *section, s *Scenario) {
	s.Replications = Replications{AtLeast: 1, AtMost: 1}
	n := top.get("replications")
	if n == nil || n.kind != mappingNode {
		count := int(top.count("replications", 1, 1, maxReplications))
		s.Replications = Replications{AtLeast: count, AtMost: count}
		return
	}
	sec := r.section("replications", n, replicationsKeys)
	least := sec.count("at_least", 10, 2, maxReplications)
	most := sec.count("at_most", least, 2, maxReplications)
	if sec.good("at_least", "at_most") && least > most {
		at := "at_least"
		if !sec.has(at) {
			at = "at_most"
		}
		sec.fail(at, "at_least is %d, above at_most, %d", least, most)
	}
	s.Replications = Replications{AtLeast: int(least), AtMost: int(most)}
	u := sec.get("until")
	if u == nil {
		return
	}
	until := r.section("replications.until", u, untilKeys)
	s.Replications.Until = &Until{
		Measure:  until.oneOf("measure", MistakeRate, Measures()),
		Detector: r.detectorNamed(until, s),
		Relative: value(until, "relative", 0, model.ParseProbability),
	}
	if until.has("relative") && until.good("relative") && s.Replications.Until.Relative == 0 {
		until.fail("relative", "an interval of no width is never reached (write 5%%)")
	}
}
