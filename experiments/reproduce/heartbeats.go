package reproduce

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"strings"
	"text/template"
	"time"

	"suspect/experiments/report"
	runner "suspect/experiments/run"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/properties"
)

func init() {
	Register(Spec{
		Name: "guaranteed-heartbeats",
		Doc: "A perfect failure detector from a bounded network. Heartbeats in the guaranteed class of QJUMP, beside saturating bulk, make no mistake; " +
			"the same in the best-effort class make many, and so do those whose assumptions are broken.",
		Source: "M. P. Grosvenor and others, Queues don't matter when you can JUMP them!, NSDI 2015; " +
			"W. Chen, S. Toueg and M. K. Aguilera, On the quality of service of failure detectors, IEEE Transactions on Computers 51(5), 2002; " +
			"T. D. Chandra and S. Toueg, Unreliable failure detectors for reliable distributed systems, Journal of the ACM 43(2), 1996",
		Params: []model.Param{
			{Name: "heartbeats", Type: model.CountParam, Default: "10000000", Doc: "heartbeats that arrive in the guaranteed class of each network, at least"},
		},
		Run: guaranteedHeartbeats,
	})
}

// heartbeatConfidence is the level of the intervals of the experiment on heartbeats.
const heartbeatConfidence = 0.95

//go:embed heartbeats/system.yaml
var systemText string

var systemTemplate = template.Must(template.New("system").Funcs(template.FuncMap{
	"list": func(items []string) string { return "[" + strings.Join(items, ", ") + "]" },
}).Parse(systemText))

// system is what differs between the scenarios of the experiment. Its lists have
// entries of the lists of a scenario.
type system struct {
	Name, Topology string
	Epsilon        model.Duration // of the level: the propagation on the longest way
	Seed           uint64
	Duration       model.Duration
	Replications   int
	Priority       model.Priority // of the heartbeats
	Level          bool           // that priority 7 is a level of QJUMP
	Rate           string         // R of its epochs, where it is not that of the slowest link
	Links          []string
	Detectors      []string
	Traffic        []string
	Faults         []string
	Properties     []string
}

// guaranteed and bestEffort are the priorities of heartbeats; bulk has the latter too.
const guaranteed, bestEffort = 7, 0

const bulkBeside = "{use: bulk, from: all, to: random, packet: 1500B, priority: 0}"

// scenario returns the system as a scenario.
func (s *system) scenario() *scenario.Scenario {
	var b bytes.Buffer
	if err := systemTemplate.Execute(&b, s); err != nil {
		panic("reproduce: " + err.Error())
	}
	parsed, err := scenario.Parse(s.Name+".yaml", b.Bytes(), nil)
	if err != nil {
		panic(fmt.Sprintf("reproduce: the scenario %s of this experiment: %v\n%s", s.Name, err, b.Bytes()))
	}
	return parsed
}

// detect returns detectors that share the heartbeats of the experiment. The parameter
// is given as "delta: 10us".
func detect(use string, eta model.Duration, parameters ...string) string {
	return fmt.Sprintf("{use: %s, eta: %v, stagger: false%s}", use, eta, strings.Join(append([]string{""}, parameters...), ", "))
}

// beating is one network with heartbeats in the guaranteed class.
type beating struct {
	system
	name     string // as tables have it
	deadline *deadline
	periods  int // of a replication
	intact   *scenario.Scenario
	found    *runner.Results
}

var heartbeatNetworks = []struct{ name, topology, epsilon string }{
	{"star", "star: {hosts: 16}", "1us"},
	{"leaf-spine", "leaf_spine: {leaves: 3, spines: 2, hosts_per_leaf: 4}", "2us"},
	{"fat-tree", "fat_tree: {k: 4}", "3us"},
}

// Sizes of a replication, in periods of heartbeats: short ones, in which many crash, and
// in small experiments even shorter ones, so that there are some.
const (
	mostPeriods, leastPeriods = 500, 50
	leastReplications         = 4
)

// newBeating plans the runs of a network in which at least the given number of
// heartbeats arrive.
func newBeating(name, topology string, epsilon model.Duration, heartbeats int64, seed uint64) (*beating, error) {
	b := &beating{name: name, system: system{
		Name: "heartbeats-" + name, Topology: topology, Epsilon: epsilon, Seed: seed, Duration: model.Second, Replications: 1,
		Priority: guaranteed, Level: true, Traffic: []string{bulkBeside}, Detectors: []string{detect("nfd-s", model.Millisecond)},
	}}
	var err error
	if b.deadline, err = newDeadline(b.scenario()); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	d := b.deadline
	n := int64(b.scenario().Processes())
	round := n * int64(d.peers) // heartbeats of a period
	b.periods = int(min(max(heartbeats/(round*leastReplications), leastPeriods), mostPeriods))
	b.Duration = model.Duration(b.periods) * d.eta
	from, _ := b.crashing()
	// What is sent a D before the first crash has arrived by then.
	certain := round * int64((from-d.d())/d.eta)
	b.Replications = int((heartbeats + certain - 1) / certain)
	nfds, timeout := d.detection()
	b.Detectors = []string{
		detect("nfd-s", d.eta, fmt.Sprintf("delta: %v", d.d())),
		detect("timeout", d.eta, fmt.Sprintf("timeout: %v", nfds)),
	}
	b.Faults = b.crashes()
	b.Properties = []string{
		"{use: strong-accuracy}", // the first of the detectors' properties
		fmt.Sprintf("{use: strong-completeness, within: %v}", timeout),
		fmt.Sprintf("{use: latency-bound, bound: %v, priority: %d}", d.way, guaranteed), // the only one of the network
	}
	b.intact = b.scenario()
	return b, nil
}

// crashing returns when processes crash in a replication: late, and early enough for
// all crashes to be seen.
func (b *beating) crashing() (from, until model.Duration) {
	_, timeout := b.deadline.detection()
	return b.Duration / 5 * 4, b.Duration - timeout - b.deadline.eta
}

// crashes returns the faults of a replication: half of the processes crash, h1 right after
// it has sent, which takes longest to see, the others at random times.
func (b *beating) crashes() (faults []string) {
	from, until := b.crashing()
	eta := b.deadline.eta
	faults = append(faults, fmt.Sprintf("{use: process-crash, process: h1, at: %v}", (from+eta-1)/eta*eta))
	for h := 3; h <= b.deadline.peers; h += 2 {
		faults = append(faults, fmt.Sprintf(`{use: process-crash, process: h%d, at: "uniform(%v, %v)"}`, h, from, until))
	}
	return faults
}

// meter runs scenarios and tells how far all of them are, and at what pace.
type meter struct {
	Options
	done, total int // replications
	events      uint64
	began       time.Time
}

func (m *meter) run(ctx context.Context, name string, s *scenario.Scenario) (*runner.Results, error) {
	last := -1
	var events uint64
	r, err := runner.Run(ctx, s, runner.Options{Workers: m.Workers, Progress: func(p runner.Progress) {
		events = p.Events
		if p.Done == last {
			return
		}
		last = p.Done
		all := m.events + events
		m.tell(m.done+p.Done, m.total, fmt.Sprintf("%s: %.1f M events in all, %.1f M a second", name, float64(all)/1e6, float64(all)/1e6/time.Since(m.began).Seconds()))
	}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	m.done += s.Replications.AtMost
	m.events += events
	return r, nil
}

func guaranteedHeartbeats(ctx context.Context, o Options) (*Document, error) {
	heartbeats := o.Params.Count("heartbeats")
	if heartbeats < 1 || heartbeats > 1e10 {
		return nil, &model.ParamError{Name: "heartbeats", Err: fmt.Errorf("%d: from 1 to 10000000000", heartbeats)}
	}
	var systems []*beating
	for _, x := range heartbeatNetworks {
		epsilon, err := model.ParseDuration(x.epsilon)
		if err != nil {
			panic(err)
		}
		b, err := newBeating(x.name, x.topology, epsilon, heartbeats, o.Seed)
		if err != nil {
			return nil, err
		}
		systems = append(systems, b)
	}
	star := systems[0]
	sharp, curves, breaks := planSharpness(star), planCurves(systems), planBreaks(star)
	m := &meter{Options: o, began: time.Now()}
	for _, s := range systems {
		m.total += s.Replications
	}
	m.total += sharp.replications() + curves.replications() + breaks.replications()

	d := new(Document)
	for _, s := range systems {
		var err error
		if s.found, err = m.run(ctx, s.name, s.intact); err != nil {
			return nil, err
		}
	}
	d.Tables = append(d.Tables, derivation(systems), boundDerivation(systems), perfection(d, systems, heartbeats))
	for _, part := range []interface {
		run(context.Context, *meter, *Document) error
	}{sharp, curves, breaks} {
		if err := part.run(ctx, m, d); err != nil {
			return nil, err
		}
	}
	d.Notes = heartbeatNotes
	return d, nil
}

var heartbeatNotes = []string{
	"All processes send at the same moments, so that the heartbeats of a slot meet: first all go to the first process, and at last all to the last one. " +
		"Half of the processes of a replication crash, for ever: h1 right after it has sent, the others at random times near its end.",
	"D is above every latency by at least r. The detectors count an arrival in the very moment of a deadline as late, and the simulator's take no time for a step: " +
		"r = 1 ps is all that it takes. A real system states the time from its network interface to the step of the detector instead.",
	"The upper end of the mistake rate is that of the 95% interval for no mistake in so many heartbeats that were due, as if they were independent; " +
		"those of one run are not, so that for runs stands beside it. Neither is the reason to believe in no mistake: that is the proof.",
	"The interval of a rate in the best-effort class takes replications as the unit, since mistakes cluster. With no mistake it is that of the heartbeats.",
	"A detector that suspects most of the time makes few mistakes, as it cannot begin to suspect whom it suspects, and sees a crash at once: " +
		"there the part of the time in which it is wrong tells more than the rate, and the longest T_D more than the mean.",
	"In the best-effort class no limiter holds heartbeats back, so the wait W, most of D, is no part of their latency. They are late in the queues of the bulk.",
}

// perfection shows that the detectors in the guaranteed class are of class P, and when
// they see a crash.
func perfection(d *Document, systems []*beating, heartbeats int64) Table {
	t := newTable("Heartbeats in the guaranteed class beside saturating bulk: mistakes with the upper ends of their intervals, and the longest latency and T_D beside their bounds",
		"network", "detector", "heartbeats", "runs", "mistakes", "per heartbeat <", "per run <", "latency [us]", "W + B [us]",
		"crashes seen", "unseen", "T_D [us]", "at most [us]", "class P")
	for _, s := range systems {
		arrived := s.found.Messages.Delivered
		slowest, most := longestLatency(s.found, guaranteed), s.deadline.wait+s.deadline.way
		d.check(s.name+": heartbeats that arrived", ">= "+report.Count(heartbeats), report.Count(arrived), arrived >= heartbeats, "")
		d.check(s.name+": longest latency of a heartbeat", "<= "+inMicros(most), inMicros(slowest), 0 < slowest && slowest <= most, "W + B, proved")
		d.check(s.name+": heartbeats lost on the way", "0", report.Count(heartbeatsLost(s.found)), heartbeatsLost(s.found) == 0, "those to crashed processes do not count")
		nfds, timeout := s.deadline.detection()
		d.checkExactly(s.name+": longest T_D of NFD-S", nfds, s.found.Detectors[0].Detection.Time.Max, "eta + D is attained: h1 crashes right after it has sent")
		for i, bound := range []model.Duration{nfds, timeout} {
			x := &s.found.Detectors[i]
			unseen := x.Detection.Undetected + x.Detection.Missed + x.Detection.TooLate
			detection := x.Detection.Time.Max
			class := classP(x)
			t.add(words("%s", s.name), words("%s", x.Name), count(arrived), count(int64(s.found.Replications.Count)), count(x.Mistakes.Count),
				number(upperRate(x, s.deadline.eta), "%.2g"), number(properties.ClopperPearson(0, int64(s.found.Replications.Count), heartbeatConfidence).High, "%.2g"),
				micros(slowest), micros(most), count(x.Detection.Detected), count(unseen), micros(detection), micros(bound), words("%s", class))
			what := s.name + ", " + x.Name
			d.check(what+": mistakes", "0", report.Count(x.Mistakes.Count), x.Mistakes.Count == 0, "strong accuracy")
			d.check(what+": longest T_D", "<= "+inMicros(bound), inMicros(detection), 0 < detection && detection <= bound && unseen == 0,
				fmt.Sprintf("of %s", report.Plural(x.Detection.Detected, "crash and monitor", "crashes and monitors")))
			d.check(what+": class P", "holds", class, class == "holds", "strong completeness and strong accuracy in every replication")
		}
	}
	return t
}

// longestLatency returns the longest time from the sending to the delivery of a
// heartbeat.
func longestLatency(r *runner.Results, p model.Priority) model.Duration {
	for _, l := range r.MessageLatency {
		if l.Priority == int(p) {
			return l.Max
		}
	}
	return 0
}

// heartbeatsLost returns how many heartbeats were lost on the way to a process that runs.
func heartbeatsLost(r *runner.Results) (n int64) {
	for _, x := range r.Messages.Drops {
		if x.Cause != model.ProcessDown.String() {
			n += x.Count
		}
	}
	return n
}

// upperRate returns the upper end of the interval for the mistakes in a heartbeat that
// was due.
func upperRate(x *runner.Detector, eta model.Duration) float64 {
	return properties.PoissonInterval(x.Mistakes.Count, x.Mistakes.PairSeconds/eta.Seconds(), heartbeatConfidence).High
}

func classP(x *runner.Detector) string {
	for _, c := range x.Classes {
		if c.Class == model.P.String() {
			return c.Outcome
		}
	}
	panic("reproduce: no class P in the results")
}
