package reproduce

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"suspect/experiments/explorable"
	"suspect/model"
	"suspect/properties"
	"suspect/properties/explore"
)

func init() {
	Register(Spec{
		Name: "exploration",
		Doc:  "Exhaustive exploration of the eventually perfect detector, and of agreement over arbitrary detectors, beside published model checking.",
		Source: `Chandra, Toueg, Journal of the ACM 43(2), 1996, for the detector and what it promises; ` +
			`Tran, Konnov, Widder, "Cutoffs for symmetric point-to-point distributed algorithms" (NETYS 2020) and Logical Methods in Computer Science 19(1), 2023, for the environment; ` +
			`states and transitions are those on which SPIN, TLC and a search written by hand agree for this model`,
		Params: []model.Param{
			{Name: "largest", Type: model.CountParam, Default: "520000", Doc: "the rows of the reference model with up to so many states; 5000000 are all"},
			{Name: "times", Type: model.SwitchParam, Default: "true", Doc: "tell times too, which differ from run to run"},
			{Name: "limit", Type: model.CountParam, Default: "130000", Doc: "of agreement, the systems with up to so many states"},
		},
		Run: exploration,
	})
}

// referenceRow is an instance of the reference model: two or three processes with Chandra and
// Toueg's detector, and what others have counted. Times are in seconds, of SPIN with
// -DSAFETY -DNOREDUCE and of a search of this one model written by hand in Go, each on one core of
// an Intel Xeon.
type referenceRow struct {
	n, crashes, delta, phi, first, most, period int
	gst                                         bool
	states, transitions                         int64
	orbits                                      int64 // with symmetry; 0 is not published
	spin, byHand                                float64
	spinBytes                                   int // a state; 0 is not published
}

var referenceRows = []referenceRow{
	{2, 1, 1, 1, 1, 5, 1, true, 8_225, 224_300, 0, 0.10, 0.02, 0},
	{2, 1, 2, 2, 1, 8, 2, false, 15_286, 117_764, 0, 0.08, 0.02, 0},
	{3, 1, 1, 1, 1, 6, 2, false, 54_004, 504_772, 9_187, 0.46, 0.09, 87},
	{2, 1, 2, 2, 1, 8, 2, true, 430_660, 9_138_550, 215_643, 4.4, 1.2, 58},
	{3, 1, 1, 2, 1, 6, 1, false, 517_392, 42_390_156, 86_844, 29.2, 4.6, 86},
	{2, 1, 3, 2, 1, 9, 2, true, 1_747_242, 48_976_260, 0, 25.6, 7.1, 57},
	{2, 1, 3, 3, 1, 11, 2, true, 4_675_543, 124_995_613, 0, 62.6, 21.2, 57},
}

func (r referenceRow) String() string {
	gst := "bounds from the start"
	if r.gst {
		gst = "bounds from some time on"
	}
	return fmt.Sprintf("N=%d T=%d Delta=%d Phi=%d tau=%d..%d sigma=%d, %s", r.n, r.crashes, r.delta, r.phi, r.first, r.most, r.period, gst)
}

func (r referenceRow) open(symmetry bool) (*explorable.Opened, error) {
	return explorable.Open("adaptive", map[string]string{
		"eta": fmt.Sprintf("%dsteps", r.period), "timeout": fmt.Sprintf("%dsilent", r.first), "most": fmt.Sprintf("%dsilent", r.most), "step": "1steps",
	}, explorable.Environment{Processes: r.n, Crashes: r.crashes, Delta: r.delta, Phi: r.phi, Stabilises: r.gst, Symmetry: symmetry})
}

// explored explores a system, with all that is given.
func explored(ctx context.Context, o Options, sys explore.System, props ...explore.Property) (*explore.Report, time.Duration, error) {
	workers := o.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	began := time.Now()
	s, err := explore.NewSearch(sys, explore.Options{Workers: workers, Stop: func() bool { return ctx.Err() != nil }}, props...)
	if err != nil {
		return nil, 0, err
	}
	r, err := s.Run()
	if err == nil {
		err = ctx.Err()
	}
	return r, time.Since(began), err
}

func exploration(ctx context.Context, o Options) (*Document, error) {
	d := &Document{}
	var rows []referenceRow
	for _, r := range referenceRows {
		if r.states <= o.Params.Count("largest") {
			rows = append(rows, r)
		}
	}
	if len(rows) == 0 {
		return nil, &model.ParamError{Name: "largest", Err: fmt.Errorf("%d: the smallest row has %d states", o.Params.Count("largest"), referenceRows[0].states)}
	}
	total := len(rows) + len(verdictRows) + len(agreementRows)
	times := o.Params.Switch("times")
	spent := func(t time.Duration, format string) Cell {
		if !times {
			return words("")
		}
		return number(t.Seconds(), format)
	}

	t := newTable("The reference model: the automata that are simulated, explored in ticks",
		"instance", "states", "transitions", "depth", "bytes a state", "time s", "M transitions/s", "SPIN s", "SPIN bytes a state", "by hand s")
	orbits := newTable("With symmetry over the processes", "instance", "states", "orbits", "transitions", "time s")
	for i, r := range rows {
		opened, err := r.open(false)
		if err != nil {
			return nil, err
		}
		report, took, err := explored(ctx, o, opened.System)
		if err != nil {
			return nil, err
		}
		rate := words("")
		if times {
			rate = number(float64(report.Transitions)/took.Seconds()/1e6, "%.1f")
		}
		spinBytes := words("")
		if r.spinBytes > 0 {
			spinBytes = count(int64(r.spinBytes))
		}
		t.add(words("%v", r), count(report.States), count(report.Transitions), count(int64(report.Depth)), number(report.BytesPerState(), "%.0f"),
			spent(took, "%.2f"), rate, number(r.spin, "%.2f"), spinBytes, number(r.byHand, "%.2f"))
		d.check(fmt.Sprintf("states and transitions, %v", r), fmt.Sprintf("%d, %d", r.states, r.transitions),
			fmt.Sprintf("%d, %d", report.States, report.Transitions), report.Complete && report.States == r.states && report.Transitions == r.transitions, "")
		if r.orbits > 0 {
			if opened, err = r.open(true); err != nil {
				return nil, err
			}
			if report, took, err = explored(ctx, o, opened.System); err != nil {
				return nil, err
			}
			orbits.add(words("%v", r), count(r.states), count(report.States), count(report.Transitions), spent(took, "%.2f"))
			d.check(fmt.Sprintf("orbits, %v", r), fmt.Sprint(r.orbits), fmt.Sprint(report.States), report.Complete && report.States == r.orbits, "")
		}
		o.tell(i+1, total, r.String())
	}

	verdicts := newTable("What holds, and what does not without its assumption", "instance", "property", "counted are runs on which", "verdict", "states", "shortest counterexample, steps")
	for i, v := range verdictRows {
		opened, err := v.row.open(false)
		if err != nil {
			return nil, err
		}
		report, _, err := explored(ctx, o, opened.System, v.property(v.fair))
		if err != nil {
			return nil, err
		}
		f := report.Findings[0]
		length := words("")
		if c := f.Counterexample; c != nil {
			length = words("%d", len(c.Prefix))
			if len(c.Cycle) > 0 {
				length = words("%d, then %d for ever", len(c.Prefix), len(c.Cycle))
			}
		}
		verdicts.add(words("%v", v.row), words("%s", f.Property), words("%s", fairText(v.fair)), words("%v", f.Outcome), count(report.States), length)
		d.check(fmt.Sprintf("%s, %v, %s", f.Property, v.row, fairText(v.fair)), v.want.String(), f.Outcome.String(), f.Outcome == v.want, v.why)
		o.tell(len(rows)+i+1, total, f.Property)
	}

	agreement := newTable("Agreement in asynchrony: any order of messages and crashes, with and without partial-order reduction",
		"algorithm", "environment", "states", "transitions", "reduced states", "reduced transitions", "violated", "time s")
	for i, a := range agreementRows {
		if a.states > o.Params.Count("limit") {
			continue
		}
		cells := []Cell{words("%s %s", a.name, a.params()), words("%d processes, %d crashes", a.n, a.crashes)}
		var violated []string
		var took time.Duration
		for _, reduce := range []bool{false, true} {
			e := explorable.Environment{Processes: a.n, Crashes: a.crashes, Reduce: reduce}
			opened, err := explorable.Open(a.name, a.given, e)
			if err != nil {
				return nil, err
			}
			var safety []explore.Property
			for _, p := range opened.Properties {
				if p.Safety() {
					safety = append(safety, p)
				}
			}
			whole, t, err := explored(ctx, o, opened.System)
			if err != nil {
				return nil, err
			}
			took += t
			cells = append(cells, count(whole.States), count(whole.Transitions))
			if opened, err = explorable.Open(a.name, a.given, e); err != nil {
				return nil, err
			}
			report, _, err := explored(ctx, o, opened.System, safety...)
			if err != nil {
				return nil, err
			}
			var now []string
			for _, f := range report.Findings {
				if f.Outcome == properties.Violated {
					now = append(now, f.Property)
				}
			}
			what := fmt.Sprintf("violated, %s %s of %d processes and %d crashes", a.name, a.params(), a.n, a.crashes)
			if reduce {
				what += ", reduced"
			}
			d.check(what, none(a.violated), none(now), none(now) == none(a.violated), a.why)
			violated = now
		}
		agreement.add(append(cells, words("%s", none(violated)), spent(took, "%.2f"))...)
		o.tell(len(rows)+len(verdictRows)+i+1, total, a.name)
	}

	d.Tables = []Table{t, orbits, verdicts, agreement}
	if len(orbits.Rows) == 0 {
		d.Tables = []Table{t, verdicts, agreement}
	}
	d.Notes = []string{
		"Times and bytes of SPIN (-DSAFETY -DNOREDUCE) and of the search written by hand for this one model were measured elsewhere, on one core of other hardware; " +
			"they are beside ours for the order of magnitude, and nothing is checked against them.",
		"N processes, of which T may crash; messages take up to Delta ticks, and a process takes a step in any Phi; the timeout of a peer begins at the first tau and grows to the last, " +
			"in silent steps; heartbeats are sent every sigma steps.",
		"TLC explored the fourth row in 228 s with two workers, measured elsewhere too.",
	}
	return d, nil
}

func none(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func fairText(f explore.Fairness) string {
	var all []string
	if f&explore.EventuallyStable != 0 {
		all = append(all, "the bounds come to hold")
	}
	if f&explore.EveryoneSteps != 0 {
		all = append(all, "all keep taking steps")
	}
	if len(all) == 0 {
		return "anything happens"
	}
	return strings.Join(all, " and ")
}

// verdictRow is a verdict that theory, or the law of the reference model, foretells.
type verdictRow struct {
	row      referenceRow
	property func(explore.Fairness) explore.Property
	fair     explore.Fairness
	want     properties.Outcome
	why      string
}

func strongAccuracy(explore.Fairness) explore.Property { return explore.StrongAccuracy() }

var verdictRows = func() (all []verdictRow) {
	reference := func(delta, phi, first, most, period int, gst bool) referenceRow {
		return referenceRow{n: 2, crashes: 1, delta: delta, phi: phi, first: first, most: most, period: period, gst: gst}
	}
	add := func(r referenceRow, p func(explore.Fairness) explore.Property, fair explore.Fairness, want properties.Outcome, why string) {
		all = append(all, verdictRow{r, p, fair, want, why})
	}
	const law = "strong accuracy exactly from tau = Delta + Phi*sigma - 1 on"
	add(reference(2, 2, 5, 8, 2, false), strongAccuracy, 0, properties.Holds, law)
	add(reference(2, 2, 4, 8, 2, false), strongAccuracy, 0, properties.Violated, law)
	add(reference(3, 1, 3, 5, 1, false), strongAccuracy, 0, properties.Holds, law)
	add(reference(3, 1, 2, 5, 1, false), strongAccuracy, 0, properties.Violated, law)
	const grows = "eventual strong accuracy exactly if timeouts may grow to Delta + Phi*sigma - 1"
	add(reference(2, 1, 1, 2, 1, true), explore.EventualStrongAccuracy, explore.EventuallyStable, properties.Holds, grows)
	add(reference(2, 1, 1, 1, 1, true), explore.EventualStrongAccuracy, explore.EventuallyStable, properties.Violated, grows)
	add(reference(1, 1, 1, 5, 1, true), explore.StrongCompleteness, explore.EventuallyStable, properties.Holds, "CT96: eventually perfect under partial synchrony")
	const never = "nothing is promised where the bounds never come to hold"
	add(reference(1, 1, 1, 5, 1, true), explore.EventualStrongAccuracy, 0, properties.Violated, never)
	add(reference(1, 1, 1, 5, 1, true), explore.StrongCompleteness, 0, properties.Violated, "who is paused for ever suspects nobody")
	add(reference(1, 1, 1, 5, 1, true), explore.StrongCompleteness, explore.EveryoneSteps, properties.Holds, "completeness needs steps, and no synchrony")
	return all
}()

// agreementRow is an algorithm in asynchrony.
type agreementRow struct {
	name     string
	given    map[string]string
	n        int
	crashes  int
	states   int64 // about: what the parameter limit is compared with
	violated []string
	why      string
}

func (a agreementRow) params() string {
	var all []string
	for _, name := range model.SortedKeys(a.given) {
		all = append(all, name+"="+a.given[name])
	}
	return strings.Join(all, " ")
}

var agreementRows = []agreementRow{
	{"consensus-s", map[string]string{"detector": "S"}, 2, 1, 250, nil, "CT96: agreement with S"},
	{"consensus-s", map[string]string{"detector": "arbitrary"}, 2, 1, 400, []string{"agreement", "uniform-agreement"}, "it is not indulgent: without weak accuracy processes disagree"},
	{"consensus-eventually-s", map[string]string{"rounds": "2"}, 2, 2, 400, nil, "indulgent: agreement whatever the detector says and though all crash"},
	{"consensus-omega", map[string]string{"rounds": "1"}, 2, 2, 2_000, nil, "indulgent"},
	{"consensus-eventually-s", map[string]string{"rounds": "1"}, 3, 1, 124_000, nil, "indulgent"},
	{"atomic-broadcast", map[string]string{"messages": "2"}, 2, 1, 3_000, nil, "CT96: total order rests on agreement"},
	{"reliable-broadcast", map[string]string{"messages": "2"}, 3, 2, 30_000, nil, ""},
}
