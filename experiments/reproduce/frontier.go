package reproduce

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	runner "suspect/experiments/run"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/sim"
)

func init() {
	Register(Spec{
		Name: "frontier",
		Doc: "Detection time against mistake rate for every detector over its knob. All cost the same bytes per second, and meet the same network, crashes and random numbers; " +
			"the points that no other beats in both are the frontier of an environment.",
		Source: "W. Chen, S. Toueg and M. K. Aguilera, On the quality of service of failure detectors, IEEE Transactions on Computers 51(5), 2002: " +
			"the metrics, and the closed form of NFD-S; the detectors have sources of their own",
		Params: []model.Param{
			{Name: "replications", Type: model.CountParam, Default: "10", Doc: "runs of every environment, from 2 to 1000"},
			{Name: "periods", Type: model.CountParam, Default: "600", Doc: "heartbeats of each process in a run that are counted, at least 20, before anybody crashes"},
			{Name: "environments", Type: model.TextParam, Default: environmentNames(), Doc: "which environments"},
			{Name: "detectors", Type: model.TextParam, Default: "all", Doc: "which detectors: all, or their names"},
		},
		Run: frontier,
	})
}

// frontierConfidence is the level of the intervals.
const frontierConfidence = 0.95

// frontierPlan is what is run: replications of environments, each with several groups of
// settings.
type frontierPlan struct {
	Options
	replications int
	periods      int64
	environments []*surroundings
}

// surroundings are an environment with all that is run in it.
type surroundings struct {
	*environment
	groups [][]*tuning
	points []*point // of the settings of all groups, in their order
}

func planFrontier(o Options) (*frontierPlan, error) {
	p := &frontierPlan{Options: o, replications: int(o.Params.Count("replications")), periods: o.Params.Count("periods")}
	switch {
	case p.replications < 2 || p.replications > 1000:
		return nil, &model.ParamError{Name: "replications", Err: fmt.Errorf("%d: from 2 to 1000", p.replications)}
	case p.periods < 20 || p.periods > 1_000_000:
		return nil, &model.ParamError{Name: "periods", Err: fmt.Errorf("%d: from 20 to 1000000", p.periods)}
	}
	names := strings.FieldsFunc(o.Params.Text("environments"), func(r rune) bool { return r == ',' || r == ' ' })
	for _, name := range names {
		if !slices.ContainsFunc(environments, func(e *environment) bool { return e.name == name }) {
			return nil, &model.ParamError{Name: "environments", Err: fmt.Errorf("%q is none of %s", name, environmentNames())}
		}
	}
	for _, e := range environments {
		if !slices.Contains(names, e.name) {
			continue
		}
		groups, err := frontierSettings(o.Params.Text("detectors"), e.eta, e.panels)
		if err != nil {
			return nil, &model.ParamError{Name: "detectors", Err: err}
		}
		s := &surroundings{environment: e, groups: groups}
		for _, x := range slices.Concat(groups...) {
			s.points = append(s.points, &point{tuning: x, runs: make([]observed, p.replications)})
		}
		p.environments = append(p.environments, s)
	}
	if len(p.environments) == 0 {
		return nil, &model.ParamError{Name: "environments", Err: errors.New("none is given")}
	}
	return p, nil
}

func frontier(ctx context.Context, o Options) (*Document, error) {
	p, err := planFrontier(o)
	if err != nil {
		return nil, err
	}
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	d := new(Document)
	for _, s := range p.environments {
		if err := s.report(d, p); err != nil {
			return nil, err
		}
	}
	d.Notes = frontierNotes
	return d, nil
}

// run finds the periods at which all cost the same, and then measures.
func (p *frontierPlan) run(ctx context.Context) error {
	type job struct {
		*surroundings
		group, replication int // replication -1 is the search for periods
	}
	var searches, runs []job
	for _, s := range p.environments {
		for g, group := range s.groups {
			if g == 0 || !group[0].spec.Heartbeats {
				searches = append(searches, job{s, g, -1})
			}
			for i := range p.replications {
				runs = append(runs, job{s, g, i})
			}
		}
	}
	steps := func(done int, jobs []job, work func(j job) error) error {
		o := p.Options
		if p.Progress != nil {
			o.Progress = func(now, _ int, what string) { p.Progress(done+now, len(searches)+len(runs), what) }
		}
		name := func(i int) string {
			j := jobs[i]
			if j.replication < 0 {
				return fmt.Sprintf("%s: periods of equal cost, group %d of %d", j.name, j.group+1, len(j.groups))
			}
			return fmt.Sprintf("%s: run %d of %d, group %d of %d", j.name, j.replication+1, p.replications, j.group+1, len(j.groups))
		}
		return o.each(ctx, len(jobs), name, func(i int) error { return work(jobs[i]) })
	}
	if err := steps(0, searches, func(j job) error {
		if j.groups[j.group][0].spec.Heartbeats {
			return j.weigh(ctx, p.Seed)
		}
		return j.equalise(ctx, j.groups[j.group], p.Seed)
	}); err != nil {
		return err
	}
	return steps(len(searches), runs, func(j job) error {
		group := j.groups[j.group]
		s, err := j.scenario(group, p.seed(j.replication), p.periods, true)
		if err != nil {
			return err
		}
		r, err := runner.Run(ctx, s, runner.Options{Workers: 1})
		if err != nil {
			return err
		}
		first := slices.IndexFunc(j.points, func(x *point) bool { return x.tuning == group[0] })
		younger := 0.0
		if group[0].spec.Heartbeats {
			younger = j.younger(p.seed(j.replication), p.periods)
		}
		for k := range group {
			j.points[first+k].runs[j.replication] = observe(&r.Detectors[k], younger)
		}
		return nil
	})
}

// seed returns the seed of a replication. It is the same in all environments and for all
// settings: what is drawn by the same name is the same.
func (p *frontierPlan) seed(replication int) uint64 {
	return sim.NewStream(p.Seed, fmt.Sprintf("frontier/%d", replication)).Uint64()
}

// Searches for a period of equal cost: each round begins with what the last one found, and
// the last one only looks.
const (
	quietRounds, troubledRounds = 3, 3
	searchPeriods               = 100
)

// equalise scales the times of the tunings, which send messages of their own, until on a
// quiet network they cost as many bytes per second as heartbeats do. Where they cost more
// in the environment, as who asks again, their times become longer still; but not shorter
// where they cost less, as whose sessions have ended. It notes what all of them cost.
func (s *surroundings) equalise(ctx context.Context, group []*tuning, seed uint64) error {
	const rounds = quietRounds + troubledRounds
	for round := range rounds {
		where, least := s.environment, 1.0
		if round < quietRounds {
			where, least = s.quiet(), 0
		}
		plan, err := where.scenario(append([]*tuning{newTuning("timeout", "", s.eta)}, group...), seed, searchPeriods, false)
		if err != nil {
			return err
		}
		r, err := runner.Run(ctx, plan, runner.Options{Workers: 1})
		if err != nil {
			return err
		}
		budget := r.Detectors[0].Cost.BytesPerSecond
		for k, x := range group {
			x.cost = r.Detectors[k+1].Cost.BytesPerSecond
			if x.cost > 0 && round < rounds-1 {
				x.scale *= max(least, x.cost/budget)
			}
		}
	}
	return nil
}

// weigh notes what heartbeats cost.
func (s *surroundings) weigh(ctx context.Context, seed uint64) error {
	plan, err := s.scenario(s.groups[0][:1], seed, searchPeriods, false)
	if err != nil {
		return err
	}
	r, err := runner.Run(ctx, plan, runner.Options{Workers: 1})
	if err != nil {
		return err
	}
	for _, x := range slices.Concat(s.groups...) {
		if x.spec.Heartbeats {
			x.cost = r.Detectors[0].Cost.BytesPerSecond
		}
	}
	return nil
}

// scenario returns a run of the settings side by side: those that live on heartbeats on
// the same packets, all others on their own.
func (e *environment) scenario(group []*tuning, seed uint64, periods int64, crashes bool) (*scenario.Scenario, error) {
	var b strings.Builder
	counted := model.Duration(periods) * e.eta
	end := e.warmUp + counted
	if crashes {
		end += crashWindow*e.eta + e.patience
	}
	fmt.Fprintf(&b, "name: frontier-%s\nseed: %d\nduration: %v\nwarmup: %v\nproperties: []\n%s", e.name, seed, end, e.warmUp, e.text)
	if crashes {
		if !strings.Contains(e.text, "\nfaults:\n") {
			b.WriteString("faults:\n")
		}
		for i, at := range e.crashes(seed, periods) {
			fmt.Fprintf(&b, "  - {use: process-crash, process: h%d, at: %v}\n", crashing[i], at)
		}
	}
	b.WriteString("detectors:\n")
	for k, x := range group {
		fmt.Fprintf(&b, "  - {use: %s, name: d%d%s}\n", x.spec.Name, k, x.parameters())
	}
	s, err := scenario.Parse("frontier-"+e.name+".yaml", []byte(b.String()), nil)
	if err != nil {
		return nil, fmt.Errorf("the scenario of the environment %s: %w", e.name, err)
	}
	if e.prepare != nil {
		e.prepare(s)
	}
	return s, nil
}

// Crashes: these processes of all crash, for ever, at random times within so many periods
// after what is counted of mistakes alone.
const crashWindow, frontierProcesses = 20, 6

var crashing = [...]int{1, 3}

// crashes returns when they do so in a replication.
func (e *environment) crashes(seed uint64, periods int64) (times [len(crashing)]model.Duration) {
	for i, p := range crashing {
		random := sim.NewStream(seed, fmt.Sprintf("crash/%d", p))
		times[i] = e.warmUp + model.Duration(periods)*e.eta + model.Duration(random.IntN(int(crashWindow*e.eta)))
	}
	return times
}

// younger returns how much longer before the crashes the last heartbeats were sent than
// half a period, which is the mean, in seconds. Who lives on heartbeats detects a crash
// that much sooner. With this added (a control variate) the mean of detection times is
// still that of crashes at random times, and varies far less.
func (e *environment) younger(seed uint64, periods int64) float64 {
	sum := 0.0
	for i, at := range e.crashes(seed, periods) {
		offset := model.Duration(crashing[i]) * e.eta / frontierProcesses
		sum += ((at-offset)%e.eta - e.eta/2).Seconds()
	}
	return sum / float64(len(crashing))
}
