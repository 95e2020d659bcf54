package properties_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"suspect/model"
	"suspect/properties"
)

// A run is a complete input of a checker.
type run struct {
	env     properties.Env
	records []model.Record
	end     model.Time
}

func (r run) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "n=%d watch=%v warm-up=%d starts=%v end=%d\n", r.env.N, r.env.Watch, r.env.WarmUp, r.env.Starts, r.end)
	for i := range r.records {
		fmt.Fprintf(&b, "  %s\n", r.records[i].String())
	}
	return b.String()
}

// decode makes a small run of numbers, so that gopter can shrink it: a header, then one
// number per event. Verdicts are of three kinds, of which congestion says nothing about
// crashes, and of two detectors; a seventh of them contradict the state, as a second crash of one process.
// A third of the runs tell when processes start.
func decode(header uint32, events []uint32, everybody bool) run {
	next := func(x *uint32, n uint32) uint32 {
		v := *x % n
		*x /= n
		return v
	}
	n := 2 + int(next(&header, 3))
	env := properties.Env{N: n, Watch: properties.WatchAll(n), Detector: 1, WarmUp: model.Time(next(&header, 6))}
	slack := model.Time(next(&header, 4))
	env.Starts = next(&header, 3) == 0
	if !everybody && next(&header, 2) == 0 {
		for p := range env.Watch {
			row := env.Watch[p]
			drop := int(next(&header, uint32(len(row)+1)))
			if drop < len(row) {
				env.Watch[p] = append(row[:drop:drop], row[drop+1:]...)
			}
		}
	}
	var now model.Time
	r := run{env: env}
	for p := range n {
		if env.Starts && next(&header, 3) > 0 {
			r.records = append(r.records, model.Record{Kind: model.Started, Process: model.ProcessID(p), Peer: model.Nobody})
		}
	}
	for _, x := range events {
		now += model.Time(next(&x, 3))
		what := next(&x, 11)
		p := model.ProcessID(next(&x, uint32(n)))
		q := model.ProcessID(next(&x, uint32(n)))
		rec := model.Record{At: now, Process: p, Peer: q, Detector: 1}
		switch {
		case what < 5:
			rec.Kind = model.Suspected
		case what < 7:
			rec.Kind = model.Trusted
		case what < 9:
			rec = model.Record{At: now, Kind: model.Crashed, Process: p, Peer: model.Nobody, Failure: model.ProcessCrash}
		case what < 10:
			rec = model.Record{At: now, Kind: model.Recovered, Process: p, Peer: model.Nobody}
		default:
			rec = model.Record{At: now, Kind: model.Started, Process: p, Peer: model.Nobody}
		}
		if rec.Kind == model.Suspected || rec.Kind == model.Trusted {
			switch next(&x, 6) {
			case 0:
				rec.Failure = model.HostCrash
			case 1:
				rec.Failure = model.Congestion
			}
			if next(&x, 11) == 0 {
				rec.Detector = 0
			}
		}
		r.records = append(r.records, rec)
	}
	r.end = now + slack
	return r
}

// randomRun returns decode of random numbers, with at most so many events.
func randomRun(rng *rand.Rand, maxEvents int, everybody bool) run {
	events := make([]uint32, rng.IntN(maxEvents+1))
	for i := range events {
		events[i] = rng.Uint32()
	}
	return decode(rng.Uint32(), events, everybody)
}

// A moment is a state of the system, in force from one record to the next, both
// instants included.
type moment struct {
	from, to   model.Time
	suspects   map[[2]int]bool
	down       []bool
	started    []bool
	last       bool          // the run ends with it
	recordMade *model.Record // nil for the beginning
}

// moments replays r by the definitions, sharing nothing with the package.
func moments(r run) []moment {
	kinds := map[[2]int]map[model.FailureKind]bool{}
	watched := map[[2]int]bool{}
	for p, row := range r.env.Watch {
		for _, q := range row {
			watched[[2]int{p, int(q)}] = true
		}
	}
	down, started := make([]bool, r.env.N), make([]bool, r.env.N)
	for p := range started {
		started[p] = !r.env.Starts
	}
	snapshot := func(from model.Time, i int) moment {
		m := moment{from: from, to: r.end, suspects: map[[2]int]bool{}}
		for pair, set := range kinds {
			if len(set) > 0 {
				m.suspects[pair] = true
			}
		}
		m.down = append(m.down, down...)
		m.started = append(m.started, started...)
		if i >= 0 {
			m.recordMade = &r.records[i]
		}
		return m
	}
	all := []moment{snapshot(0, -1)}
	for i := range r.records {
		rec := &r.records[i]
		p, pair := int(rec.Process), [2]int{int(rec.Process), int(rec.Peer)}
		switch rec.Kind {
		case model.Suspected:
			if watched[pair] && started[p] && !down[p] && rec.Detector == r.env.Detector && rec.Failure != model.Congestion {
				if kinds[pair] == nil {
					kinds[pair] = map[model.FailureKind]bool{}
				}
				kinds[pair][rec.Failure] = true
			}
		case model.Trusted:
			if watched[pair] && started[p] && !down[p] && rec.Detector == r.env.Detector && rec.Failure != model.Congestion {
				delete(kinds[pair], rec.Failure)
			}
		case model.Started:
			started[p] = true
		case model.Crashed:
			down[p] = true
		case model.Recovered:
			if down[p] {
				down[p] = false
				for q := range r.env.N {
					delete(kinds, [2]int{p, q})
				}
			}
		}
		all[len(all)-1].to = rec.At
		all = append(all, snapshot(rec.At, i))
	}
	all[len(all)-1].last = true
	return all
}

func (r run) watchers(q int) []int {
	var ps []int
	for p, row := range r.env.Watch {
		for _, x := range row {
			if int(x) == q {
				ps = append(ps, p)
			}
		}
	}
	return ps
}

func (r run) pairs() [][2]int {
	var all [][2]int
	for p, row := range r.env.Watch {
		for _, q := range row {
			all = append(all, [2]int{p, int(q)})
		}
	}
	return all
}

type judgement struct {
	outcome properties.Outcome
	checked int
}

// reference judges r by brute force over its moments. A negative bound is none.
func reference(property string, r run, within, from, mistakes int) judgement {
	ms := moments(r)
	final := ms[len(ms)-1]
	crashedAt := map[int]model.Time{} // for the first time
	for i := len(r.records) - 1; i >= 0; i-- {
		if rec := &r.records[i]; rec.Kind == model.Crashed {
			crashedAt[int(rec.Process)] = rec.At
		}
	}
	inF := func(p int, t model.Time) bool { at, ok := crashedAt[p]; return ok && at <= t }
	correct := func(p int) bool { return !inF(p, r.end) }
	startedBy := func(p int, t model.Time) bool {
		for _, m := range ms {
			if m.from <= t && m.started[p] {
				return true
			}
		}
		return false
	}
	anyCorrect := false
	for p := range r.env.N {
		anyCorrect = anyCorrect || correct(p)
	}
	counts := func(m moment) bool { return m.to >= r.env.WarmUp }
	warm := r.end > r.env.WarmUp

	// inForce tells whether q is in H(p, t), both have started and neither p nor q is in
	// F(t), at some instant t of the run from `from` on.
	running := func(m moment, pair [2]int) bool { return m.started[pair[0]] && m.started[pair[1]] }
	inForce := func(pair [2]int, from model.Time) bool {
		for t := from; t <= r.end; t++ {
			for _, m := range ms {
				if m.from <= t && t <= m.to && m.suspects[pair] && running(m, pair) && !inF(pair[0], t) && !inF(pair[1], t) {
					return true
				}
			}
		}
		return false
	}
	observed := func(pair [2]int) bool { // both run and neither is in F(t) at some instant t that counts
		for t := r.env.WarmUp; t <= r.end; t++ {
			for _, m := range ms {
				if m.from <= t && t <= m.to && running(m, pair) && !inF(pair[0], t) && !inF(pair[1], t) {
					return true
				}
			}
		}
		return false
	}

	switch property {
	case "strong-accuracy":
		var j judgement
		violated := false
		for _, pair := range r.pairs() {
			if observed(pair) {
				j.checked++
			}
			violated = violated || inForce(pair, r.env.WarmUp)
		}
		switch {
		case violated:
			j.outcome = properties.Violated
		case warm && anyCorrect && j.checked > 0:
			j.outcome = properties.Holds
		}
		return j

	case "weak-accuracy":
		var j judgement
		never := false
		for q := range r.env.N {
			candidate, suspected := false, false
			for _, p := range r.watchers(q) {
				candidate = candidate || observed([2]int{p, q})
				suspected = suspected || inForce([2]int{p, q}, r.env.WarmUp)
			}
			if !candidate || !correct(q) {
				continue
			}
			j.checked++
			never = never || !suspected
		}
		switch {
		case !warm || j.checked == 0:
		case never:
			j.outcome = properties.Holds
		default:
			j.outcome = properties.Violated
		}
		return j

	case "eventual-strong-accuracy", "eventual-weak-accuracy":
		verdict := func(pair [2]int) properties.Outcome {
			count := 0
			wrong := func(m moment) bool { return m.suspects[pair] && running(m, pair) && counts(m) }
			for i, m := range ms {
				if wrong(m) && (i == 0 || !wrong(ms[i-1])) {
					count++
				}
			}
			open := final.suspects[pair] && running(final, pair)
			outcomes := []properties.Outcome{}
			if from >= 0 {
				t := max(model.Time(from), r.env.WarmUp)
				switch {
				case inForce(pair, t):
					outcomes = append(outcomes, properties.Violated)
				case r.end <= t:
					outcomes = append(outcomes, properties.Inconclusive)
				default:
					outcomes = append(outcomes, properties.Holds)
				}
			}
			if mistakes >= 0 {
				switch {
				case count > mistakes:
					outcomes = append(outcomes, properties.Violated)
				case open:
					outcomes = append(outcomes, properties.Inconclusive)
				default:
					outcomes = append(outcomes, properties.Holds)
				}
			}
			return properties.Worst(outcomes...)
		}
		var j judgement
		if property == "eventual-strong-accuracy" {
			var all []properties.Outcome
			for _, pair := range r.pairs() {
				if correct(pair[0]) && correct(pair[1]) && running(final, pair) {
					j.checked++
					all = append(all, verdict(pair))
				}
			}
			j.outcome = properties.Worst(all...)
		} else {
			held, open := false, false
			for q := range r.env.N {
				var all []properties.Outcome
				for _, p := range r.watchers(q) {
					if correct(p) && correct(q) && running(final, [2]int{p, q}) {
						all = append(all, verdict([2]int{p, q}))
					}
				}
				if len(all) == 0 {
					continue
				}
				j.checked++
				held = held || properties.Worst(all...) == properties.Holds
				open = open || properties.Worst(all...) == properties.Inconclusive
			}
			switch {
			case held:
				j.outcome = properties.Holds
			case !open && j.checked > 0:
				j.outcome = properties.Violated
			}
		}
		if !warm {
			j.outcome = properties.Inconclusive
		}
		return j

	case "strong-completeness", "weak-completeness":
		var j judgement
		violated, late := false, false
		for c, m := range ms {
			if c == 0 || m.recordMade.Kind != model.Crashed {
				continue
			}
			q := int(m.recordMade.Process)
			if ms[c-1].down[q] {
				continue
			}
			e := c // the last moment of the outage
			for e+1 < len(ms) && ms[e+1].down[q] {
				e++
			}
			recovered := e+1 < len(ms)
			monitors, missed := 0, 0
			deadline := max(m.from+model.Time(max(within, 0)), r.env.WarmUp)
			if within < 0 { // only the end of the run is looked at
				deadline = r.end
				if recovered {
					continue
				}
			}
			for _, p := range r.watchers(q) {
				if !correct(p) || !startedBy(p, m.from) {
					continue
				}
				monitors++
				miss := false
				for _, x := range ms[c : e+1] {
					if (x.to > deadline || x.last) && !x.suspects[[2]int{p, q}] {
						miss = true
					}
				}
				if miss {
					missed++
				}
			}
			if monitors == 0 {
				continue
			}
			if recovered && ms[e].to <= deadline {
				continue
			}
			if !recovered && r.end < deadline {
				late = true
				continue
			}
			if property == "strong-completeness" {
				j.checked += monitors
				violated = violated || missed > 0
			} else {
				j.checked++
				violated = violated || missed == monitors
			}
		}
		switch {
		case within < 0:
		case violated:
			j.outcome = properties.Violated
		case late || j.checked == 0:
		default:
			j.outcome = properties.Holds
		}
		return j
	}
	panic("unknown property " + property)
}

// check judges r with the registered property. A negative bound is none.
func check(t testing.TB, property string, r run, within, from, mistakes int) properties.Result {
	t.Helper()
	spec, ok := properties.Lookup(property)
	if !ok {
		t.Fatalf("property %q is not registered", property)
	}
	given := map[string]string{}
	for _, p := range spec.Params {
		switch {
		case p.Name == "within" && within >= 0:
			given["within"] = fmt.Sprintf("%dps", within)
		case p.Name == "from" && from >= 0:
			given["from"] = fmt.Sprintf("%dps", from)
		case p.Name == "mistakes" && mistakes >= 0:
			given["mistakes"] = fmt.Sprint(mistakes)
		}
	}
	params, errs := model.NewParams(spec.Params, given)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	c, err := spec.New(r.env, params)
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.records {
		if c.Kinds().Has(r.records[i].Kind) {
			rec := r.records[i] // lent for the call
			c.Observe(&rec)
			rec = model.Record{Kind: model.RecordKinds} // nothing may hold on to it
		}
	}
	return c.Finish(r.end)
}

var allProperties = []string{
	"strong-completeness", "weak-completeness", "strong-accuracy", "weak-accuracy",
	"eventual-strong-accuracy", "eventual-weak-accuracy",
}

// TestCheckersAgreeWithBruteForce compares every checker with the definitions on
// random tiny runs, and asks that each outcome was seen often.
func TestCheckersAgreeWithBruteForce(t *testing.T) {
	for _, property := range allProperties {
		t.Run(property, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(1, 2))
			var seen [3]int
			for i := range 20000 {
				r := randomRun(rng, 8, false)
				within, from, mistakes := rng.IntN(5)-1, rng.IntN(12)-2, rng.IntN(4)-1
				want := reference(property, r, within, from, mistakes)
				got := check(t, property, r, within, from, mistakes)
				if got.Outcome != want.outcome || got.Checked != want.checked {
					t.Fatalf("run %d: within=%d from=%d mistakes=%d\n%v\ngot %v, checked %d (%s)\nwant %v, checked %d",
						i, within, from, mistakes, r, got.Outcome, got.Checked, got.Reason, want.outcome, want.checked)
				}
				if got.Property != property || got.Reason == "" {
					t.Fatalf("result without a name or reason: %+v", got)
				}
				if (len(got.Witness) > 0) != (got.Outcome == properties.Violated) {
					t.Fatalf("run %d:\n%v\n%v with %d witnesses", i, r, got.Outcome, len(got.Witness))
				}
				for k, w := range got.Witness {
					if k > 0 && w.At < got.Witness[k-1].At {
						t.Fatalf("run %d:\n%v\nwitnesses are not in the order of time: %v", i, r, got.Witness)
					}
					if !contains(r.records, w) {
						t.Fatalf("run %d:\n%v\nwitness %s is not a record of the run", i, r, w.String())
					}
				}
				seen[got.Outcome]++
			}
			for o, n := range seen {
				if n < 200 {
					t.Errorf("outcome %v was seen only %d times: the generator is too weak", properties.Outcome(o), n)
				}
			}
		})
	}
}

func contains(records []model.Record, w model.Record) bool {
	for _, r := range records {
		if r == w {
			return true
		}
	}
	return false
}
