package reproduce

import (
	"context"
	"fmt"
	"strings"

	"suspect/detectors"
	"suspect/experiments/report"
	runner "suspect/experiments/run"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
	"suspect/properties"
)

func init() {
	Register(Spec{
		Name: "congestion-definitions",
		Doc: "How often the definitions of congestion disagree on the same traffic, and how well a prober estimates congestion from outside: " +
			"its frequency and the length of its episodes, against what the queue did; with hosts that are late, too, which looks like congestion.",
		Source: "J. Sommers, P. Barford, N. Duffield and A. Ron, Improving accuracy in end-to-end packet loss measurement, SIGCOMM 2005: the prober (Badabing) and its estimators",
		Params: []model.Param{
			{Name: "replications", Type: model.CountParam, Default: "12", Doc: "runs of each setting, each with other traffic, from 3 to 1000"},
			{Name: "length", Type: model.DurationParam, Default: "25s", Doc: "simulated time of each that counts, from 5s to 1h"},
		},
		Run: congestionDefinitions,
	})
}

// The network of the experiment: hosts on either side of one slow link, in turns, so that
// each watches one on the other side. A full queue of 250 frames of 1518 bytes lasts 61 ms.
const bottleneck = `network:
  framing: ethernet
  topology:
    graph:
      hosts: [l0, r0, l1, r1]
      switches: [left, right]
      links: [[l0, left], [l1, left], [r0, right], [r1, right], [left, right]]
  edge: {rate: 1Gbps, delay: 10us, buffer: 5000packets}
  core: {rate: 50Mbps, delay: 1ms, buffer: 250packets}
monitor: {watch: {successors: 1}, priority: 0, message_size: 64B}
`

// A competition is traffic that crosses it from the left to the right.
type competition struct{ name, text string }

var (
	// Sources in bursts, heavy-tailed flows that come as fast as the edge, and packets at
	// random.
	heavyTailed = &competition{"heavy-tailed", `traffic:
  - {use: on-off, from: [l0, l1], to: [r0, r1], rate: 34Mbps, on: "exponential(150ms)", off: "exponential(500ms)", packet: 1460B, priority: 0}
  - {use: flows, from: [l0, l1], to: [r0, r1], sizes: web-search, rate: 4Mbps, packet: 1460B, priority: 0}
  - {use: poisson, from: [l0, l1], to: [r0, r1], rate: 7Mbps, packet: 1460B, priority: 0}
`}
	// Bursts of one length at twice the rate of the link: it takes 60 ms to fill the queue,
	// which then loses for 90 ms.
	evenBursts = &competition{"even bursts", `traffic:
  - {use: on-off, from: [l0], to: [r0], rate: 100Mbps, on: 150ms, off: "exponential(1s)", packet: 1460B, priority: 0}
`}
)

// congestionWarmUp is as long as the windows of the definitions, and some.
const congestionWarmUp = 2 * model.Second

// A jitter is a way in which hosts are late: all processes on the right pause, each for
// itself, now and then.
type jitter struct {
	name  string
	pause model.Duration // mean, from half to one and a half
}

// jitterEvery is the mean time from a pause to the next.
const jitterEvery = 500 * model.Millisecond

var jitters = []jitter{
	{"none", 0}, {"pauses of 10 ms", 10 * model.Millisecond}, {"pauses of 50 ms", 50 * model.Millisecond},
	{"pauses of 100 ms", 100 * model.Millisecond}, {"pauses of 200 ms", 200 * model.Millisecond},
}

func (j *jitter) faults() string {
	if j.pause == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("faults:\n")
	for _, host := range []string{"r0", "r1"} {
		fmt.Fprintf(&b, "  - {use: pause, process: %s, at: \"exponential(%v)\", for: \"uniform(%v, %v)\", every: \"exponential(%v)\"}\n",
			host, jitterEvery, j.pause/2, j.pause*3/2, jitterEvery)
	}
	return b.String()
}

// Probabilities with which experiments of the prober begin in a slot.
var probeChances = []float64{0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9}

// usualChance is that of the runs with jitter.
const usualChance = 0.3

// Thresholds of the definitions, beside the usual ones.
var (
	waitThresholds        = []model.Duration{500 * model.Microsecond, model.Millisecond, 2 * model.Millisecond, 5 * model.Millisecond, 10 * model.Millisecond, 20 * model.Millisecond, 40 * model.Millisecond}
	utilisationThresholds = []string{"30%", "50%", "70%", "80%", "90%", "95%", "99%"}
)

// A congestionSetting is what is run several times.
type congestionSetting struct {
	name    string
	text    string // of the scenario, but for its first lines
	estim   bool   // estimators are compared, rather than definitions
	chance  float64
	jitter  *jitter
	busy    *competition            // nil: nothing competes
	agrees  []*properties.Agreement // by replication
	compare []estimated
}

// estimated is what a prober made of the ways over the bottleneck in a run, and what was
// true of them, on average.
type estimated struct {
	frequency, trueFrequency float64 // share of the slots
	duration, trueDuration   float64 // mean number of slots of an episode; 0: none
	basic                    float64 // the estimate by pairs alone
	reported                 float64 // share of the time in which congestion was said
}

// definitionSettings returns the truths that are compared: the usual one, and those with
// other thresholds.
func definitionSettings() (all []*congestionSetting) {
	add := func(name, congestion string) {
		all = append(all, &congestionSetting{name: name, text: bottleneck + heavyTailed.text +
			fmt.Sprintf("truth: {pairs: monitored, classes: [0], definitions: [%s]%s}\n", strings.Join(network.CongestionNames(), ", "), congestion) +
			"detectors: [{use: timeout}]\n"})
	}
	add("usual", "")
	for _, w := range waitThresholds {
		add(fmt.Sprintf("wait %v", w), fmt.Sprintf(", congestion: {wait: %v}", w))
	}
	for _, u := range utilisationThresholds {
		add("utilisation "+u, fmt.Sprintf(", congestion: {utilisation: %s}", u))
	}
	return all
}

// slotTruth has each slot by itself: one in which the queue lost something, or at whose end
// it was as full as a packet needs that waits for 90 % of the longest wait, which is what
// the prober takes for congestion (alpha = 0.1).
const slotTruth = "truth: {pairs: monitored, classes: [0], definitions: [loss, delay], congestion: {slot: 5ms, window: 5ms, share: 0%, wait: 54ms}}\n"

func estimatorSettings() (all []*congestionSetting) {
	add := func(chance float64, j *jitter, busy *competition) {
		traffic, name := "", "no traffic"
		if busy != nil {
			traffic, name = busy.text, busy.name
		}
		all = append(all, &congestionSetting{
			name: fmt.Sprintf("prober, p = %v, jitter %s, %s", chance, j.name, name), estim: true, chance: chance, jitter: j, busy: busy,
			text: bottleneck + traffic + j.faults() + slotTruth + fmt.Sprintf("detectors: [{use: badabing, p: %v}]\n", chance),
		})
	}
	for _, busy := range []*competition{evenBursts, heavyTailed} {
		for _, p := range probeChances {
			add(p, &jitters[0], busy)
		}
	}
	for i := range jitters {
		if i > 0 {
			add(usualChance, &jitters[i], heavyTailed)
		}
		add(usualChance, &jitters[i], nil)
	}
	return all
}

// file returns the scenario.
func (c *congestionSetting) file(seed uint64, replications int, length model.Duration) string {
	return fmt.Sprintf("name: congestion\nseed: %d\nduration: %v\nwarmup: %v\nreplications: %d\nproperties: []\n%s", seed, congestionWarmUp+length, congestionWarmUp, replications, c.text)
}

func congestionDefinitions(ctx context.Context, o Options) (*Document, error) {
	replications, length := int(o.Params.Count("replications")), o.Params.Duration("length")
	switch {
	case replications < 3 || replications > 1000:
		return nil, &model.ParamError{Name: "replications", Err: fmt.Errorf("%d: from 3 to 1000", replications)}
	case length < 5*model.Second || length > model.Hour:
		return nil, &model.ParamError{Name: "length", Err: fmt.Errorf("%v: from 5s to 1h", length)}
	}
	definitions, estimators := definitionSettings(), estimatorSettings()
	var all []*congestionSetting
	for _, c := range append(append(all, definitions...), estimators...) {
		c.agrees, c.compare = make([]*properties.Agreement, replications), make([]estimated, replications)
		all = append(all, c)
	}
	name := func(i int) string { return fmt.Sprintf("%s: run %d", all[i/replications].name, i%replications+1) }
	err := o.each(ctx, len(all)*replications, name, func(i int) error {
		c := all[i/replications]
		s, err := scenario.Parse("congestion.yaml", []byte(c.file(o.Seed, replications, length)), nil)
		if err != nil {
			return err
		}
		if c.estim {
			c.compare[i%replications], err = estimateCongestion(ctx, s, i%replications)
		} else {
			c.agrees[i%replications], err = compareDefinitions(ctx, s, i%replications)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	d := new(Document)
	reportDefinitions(d, definitions)
	reportEstimators(d, estimators)
	for _, f := range []struct {
		name string
		of   *congestionSetting
	}{{"definitions", definitions[0]}, {"prober", estimators[0]}, {"jitter", estimators[len(estimators)-1]}} {
		d.Attached = append(d.Attached, report.File{Name: f.name + ".yaml", Data: []byte(f.of.file(o.Seed, replications, length))})
	}
	d.Notes = congestionNotes
	return d, nil
}

// waysAcross are the ordered pairs of which one monitors the other, each on the other side:
// all ways from the left to the right count, one of each pair.
const waysAcross = 4

// compareDefinitions runs a replication and compares the definitions of congestion.
func compareDefinitions(ctx context.Context, s *scenario.Scenario, replication int) (*properties.Agreement, error) {
	// Half of the ways of so many pairs lead from the right to the left, where nothing
	// competes, and are left out.
	fold := properties.NewCongestionAgreement(model.Time(s.WarmUp), waysAcross/2, 1)
	_, err := runner.Again(ctx, s, replication, fold.Kinds(), func(r *model.Record) bool {
		fold.Observe(r)
		return true
	})
	return fold.Finish(model.Time(s.Duration)), err
}

// estimateCongestion runs a replication and compares the estimates with the truth, for
// those who listen on the right.
func estimateCongestion(ctx context.Context, s *scenario.Scenario, replication int) (e estimated, err error) {
	listeners := make([]model.Automaton, s.Processes())
	spec := &s.Detectors[0].Spec
	create := spec.New
	spec.New = func(env detectors.Env, p model.Params) (model.Automaton, error) {
		a, err := create(env, p)
		listeners[env.Self] = a // the last one that is made for a process is the one that runs
		return a, err
	}
	ways := make([]slotEpisodes, s.Processes())
	spoken := make([]spell, s.Processes())
	for p := range ways {
		ways[p].since, ways[p].warmUp, spoken[p].warmUp = model.Never, model.Time(s.WarmUp), model.Time(s.WarmUp)
	}
	kinds := model.KindSet(model.FailureBegan, model.FailureEnded, model.Suspected, model.Trusted)
	if _, err = runner.Again(ctx, s, replication, kinds, func(r *model.Record) bool {
		switch r.Kind {
		case model.FailureBegan, model.FailureEnded:
			if r.Failure == model.Congestion {
				ways[r.Process].observe(r)
			}
		default:
			spoken[r.Process].set(r.Kind == model.Suspected, r.At)
		}
		return true
	}); err != nil {
		return e, err
	}
	end, slot := model.Time(s.Duration), 5*model.Millisecond
	slots := float64(end.Sub(model.Time(s.WarmUp)) / slot)
	n, episodes, congested := 0.0, 0, model.Duration(0)
	estimate := detectors.Episodes{}
	for p, watch := range s.Monitor.Watch {
		w := &ways[p]
		w.finish(end)
		spoken[p].set(false, end)
		if p%2 == 0 {
			continue // it listens on the left
		}
		n++
		episodes += w.episodes
		congested += w.congested
		e.reported += spoken[p].total.Seconds()
		x, _ := listeners[p].(detectors.CongestionEstimator).Episodes(watch[0])
		estimate.Experiments += x.Experiments
		estimate.First += x.First
		estimate.R, estimate.S, estimate.U, estimate.V = estimate.R+x.R, estimate.S+x.S, estimate.U+x.U, estimate.V+x.V
	}
	e.trueFrequency = float64(congested/slot) / slots / n
	if episodes > 0 {
		e.trueDuration = float64(congested/slot) / float64(episodes)
	}
	e.reported /= n * end.Sub(model.Time(s.WarmUp)).Seconds()
	e.frequency, _ = estimate.Frequency()
	if v, ok := estimate.Duration(); ok {
		e.duration = v
	}
	if v, ok := estimate.BasicDuration(); ok {
		e.basic = v
	}
	return e, nil
}

// slotEpisodes adds up the congested slots of a way from the peer to the monitor, by any of
// the definitions, and their longest runs.
type slotEpisodes struct {
	warmUp    model.Time
	holds     uint8 // by definition
	last      model.Time
	since     model.Time // or Never
	episodes  int
	congested model.Duration
}

func (w *slotEpisodes) observe(r *model.Record) {
	w.advance(r.At)
	bit := uint8(1) << r.Detector
	w.holds &^= bit
	if r.Kind == model.FailureBegan && model.Directions(r.Seq)&model.Backward != 0 {
		w.holds |= bit
	}
}

// advance books what held after the records of the last instant, once there is a later one.
func (w *slotEpisodes) advance(now model.Time) {
	if now == w.last {
		return
	}
	switch {
	case w.holds != 0 && w.since == model.Never:
		w.since = w.last
	case w.holds == 0 && w.since != model.Never:
		if w.last > w.warmUp {
			w.episodes++
			w.congested += w.last.Sub(max(w.since, w.warmUp))
		}
		w.since = model.Never
	}
	w.last = now
}

func (w *slotEpisodes) finish(end model.Time) {
	w.advance(end)
	w.holds = 0
	w.last = end
	w.advance(end + 1)
}

// spell adds up for how long something was so.
type spell struct {
	warmUp model.Time
	is     bool
	since  model.Time
	total  model.Duration
}

func (s *spell) set(is bool, now model.Time) {
	if s.is && now > s.warmUp {
		s.total += now.Sub(max(s.since, s.warmUp))
	}
	s.is, s.since = is, now
}
