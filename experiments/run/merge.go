package run

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
	"runtime"
	"slices"

	"suspect/experiments/guarantee"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
	"suspect/properties"
)

// confidence is the level of all intervals.
const confidence = 0.95

// mostPairs is the length of Mistakes.Pairs.
const mostPairs = 20

// merger joins replications, in the order of their index, to results. It needs a
// few numbers for each replication and otherwise constant memory.
type merger struct {
	scenario *scenario.Scenario
	panels   [][]int
	stopping *properties.Stopping
	measured []float64 // the measure of the stopping rule, by replication

	res          Results
	seen         map[[2]uint64]bool // hashes of replications
	streams      hash.Hash
	latency      *properties.Latency
	guarantee    *guarantee.Report // nil without QJUMP
	levels       *levels           // likewise
	truth        *truth            // nil if it is not told
	tally        tally
	conservation Property
	properties   []Property // of the network, in the scenario's order
	detectors    []mergedDetector
}

// mergedDetector is what several replications found about a detector.
type mergedDetector struct {
	quality    properties.Quality
	slowest    *Episode
	longest    *Episode
	wrong      map[pair]wrongPair
	properties []Property
	cost       cost
	kinds      *properties.Discriminated // nil without the truth

	detection, rate, recurrence, good, duration, wrongTime ratio
	outages                                                []outages // by replication
}

// ratio has the numerator and denominator of a mean or rate of each replication.
type ratio struct{ xs, ns []float64 }

func (r *ratio) add(x, n float64) { r.xs, r.ns = append(r.xs, x), append(r.ns, n) }

// addMean adds the durations of a replication, in seconds.
func (r *ratio) addMean(d *properties.Durations) { r.add(d.Sum().Seconds(), float64(d.Count())) }

// outages are the longest outages of a replication: of all that some monitor was to see,
// and of those that some did not see.
type outages struct{ longest, unseen model.Duration }

func newMerger(s *scenario.Scenario) *merger {
	m := &merger{
		scenario: s, panels: s.Panels(), seen: make(map[[2]uint64]bool), streams: sha256.New(), latency: properties.NewLatency(0),
		guarantee: guarantee.Derive(s), levels: newLevels(s),
		properties: make([]Property, len(s.NetworkProperties)), detectors: make([]mergedDetector, len(s.Detectors)),
	}
	if u := s.Replications.Until; u != nil {
		m.stopping = &properties.Stopping{
			AtLeast: s.Replications.AtLeast, AtMost: s.Replications.AtMost, Relative: u.Relative, Level: confidence,
		}
	}
	for d := range m.detectors {
		m.detectors[d].wrong = make(map[pair]wrongPair)
		m.detectors[d].properties = make([]Property, len(s.Properties))
	}
	m.tally.costs = make([]cost, len(s.Detectors))
	return m
}

// merge adds the next replication and tells whether another one is wanted.
func (m *merger) merge(r *replication) (more bool) {
	reps := &m.res.Replications
	reps.Count++
	reps.Hashes = append(reps.Hashes, r.hash.String())
	sum := r.hash.Sum()
	m.seen[sum] = true
	reps.Distinct = len(m.seen)
	m.streams.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, sum[0]), sum[1]))
	p := &m.res.Provenance
	p.Events += r.events
	p.Records += r.hash.Records()
	p.Hops += r.network.Hops
	m.latency.Merge(r.latency)
	if m.levels != nil {
		m.levels.merge(r.levels, r.index)
	}
	m.truth = m.truth.merge(r.truth)
	m.tally.merge(&r.tally)
	m.conservation.add(&r.conservation, r, &m.scenario.Network.Topology)
	for i := range r.properties {
		m.properties[i].add(&r.properties[i], r, &m.scenario.Network.Topology)
	}
	for d := range m.detectors {
		m.mergeDetector(&m.detectors[d], &r.detectors[d], r)
	}
	return m.decide(r)
}

// repeated tells whether some replications are identical. They are no independent
// observations then, and no interval can be stated.
func (m *merger) repeated() bool { return m.res.Replications.Distinct < m.res.Replications.Count }

// decide says why there are no more replications, or returns true.
func (m *merger) decide(r *replication) (more bool) {
	reps := &m.res.Replications
	switch {
	case r.truncated != nil:
		reps.Truncated, reps.Stopped = r.truncated, StoppedTruncated
		return false
	case m.stopping == nil:
		reps.Stopped = StoppedAsRequested
		return true
	case reps.Count >= max(2, m.stopping.AtLeast) && reps.Distinct == 1:
		reps.Stopped = StoppedIdentical
		return false
	}
	u := m.scenario.Replications.Until
	if x, ok := m.measure(u, r); ok {
		m.measured = append(m.measured, x)
	}
	// A replication in which there is nothing to measure counts towards the cap.
	capped := *m.stopping
	capped.AtMost -= reps.Count - len(m.measured)
	switch decision := capped.Decide(m.measured); {
	case decision == properties.Reached && !m.repeated():
		reps.Stopped = StoppedPrecise
		return false
	case decision == properties.NotReached || reps.Count >= m.stopping.AtMost:
		reps.Stopped = StoppedCap
		return false
	}
	return true
}

// measure returns the value of a stopping rule's measure in one replication, if
// there was anything to measure.
func (m *merger) measure(u *scenario.Until, r *replication) (x float64, ok bool) {
	q := r.detectors[u.Detector].quality
	switch u.Measure {
	case scenario.DetectionTime:
		return meanSeconds(&q.DetectionTime)
	case scenario.MistakeRate:
		return q.MistakeRate()
	case scenario.MistakeDuration:
		return meanSeconds(&q.MistakeDuration)
	case scenario.QueryAccuracy:
		return q.QueryAccuracy()
	case scenario.MessageLatency:
		var all properties.Durations
		for p := range model.Priority(model.Priorities) {
			all.Merge(r.latency.Of(false, p))
		}
		return meanSeconds(&all)
	}
	panic(fmt.Sprintf("run: a scenario asks for the unknown measure %q", u.Measure))
}

// meanSeconds returns the mean of d in seconds, if it has any.
func meanSeconds(d *properties.Durations) (mean float64, ok bool) {
	return d.Mean().Seconds(), d.Count() > 0
}

// merge adds the counts of o.
func (t *tally) merge(o *tally) {
	for i := range t.packets {
		p, q := &t.packets[i], &o.packets[i]
		p.sent += q.sent
		p.delivered += q.delivered
		p.duplicated += q.duplicated
		for cause, n := range q.dropped {
			p.dropped[cause] += n
		}
	}
	for d, c := range o.costs {
		t.costs[d].messages += c.messages
		t.costs[d].bytes += c.bytes
	}
}

// add takes the result of replication r, on the given network.
func (p *Property) add(result *properties.Result, r *replication, t *network.Topology) {
	first := p.Held+p.Violated+p.Undecided+p.Vacuous == 0
	vacuous := result.Outcome == properties.Inconclusive && result.Checked == 0 && r.truncated == nil
	worse := false
	switch {
	case result.Outcome == properties.Violated:
		worse = p.Violated == 0
		p.Violated++
	case vacuous:
		worse = first
		p.Vacuous++
	case result.Outcome == properties.Inconclusive:
		worse = p.Violated == 0 && p.Undecided == 0
		p.Undecided++
	default:
		worse = p.Violated == 0 && p.Undecided == 0 && p.Held == 0
		p.Held++
	}
	p.Checked += result.Checked
	if !worse {
		return
	}
	p.Outcome, p.Reason, p.Replication = result.Outcome.String(), result.Reason, r.index
	p.Witness = make([]string, len(result.Witness))
	for i := range result.Witness {
		p.Witness[i] = witness(&result.Witness[i], t)
	}
}

func (m *merger) mergeDetector(d *mergedDetector, f *found, r *replication) {
	q := f.quality
	if q.DetectionTime.Count() > 0 && (d.slowest == nil || q.WorstDetection.Duration() > d.quality.WorstDetection.Duration()) {
		w := q.WorstDetection
		d.slowest = m.episode(r.index, w.Monitor, w.Peer, w.CrashedAt, w.CrashedAt.Add(w.Duration()), false)
	}
	if q.WorstMistake.Until != 0 && (d.longest == nil || q.WorstMistake.Duration() > d.quality.WorstMistake.Duration()) {
		w := q.WorstMistake
		d.longest = m.episode(r.index, w.Monitor, w.Peer, w.From, w.Until, w.Censored)
	}
	d.quality.Merge(q)
	if f.kinds != nil && d.kinds == nil {
		d.kinds = new(properties.Discriminated)
	}
	if f.kinds != nil {
		d.kinds.Merge(f.kinds)
	}
	for x, c := range f.wrong { // sums and maxima, so in any order
		t := d.wrong[x]
		t.count += c.count
		t.longest = max(t.longest, c.longest)
		d.wrong[x] = t
	}
	for i := range f.properties {
		d.properties[i].add(&f.properties[i], r, &m.scenario.Network.Topology)
	}
	d.detection.addMean(&q.DetectionTime)
	d.recurrence.addMean(&q.Recurrence)
	d.good.addMean(&q.GoodPeriod)
	d.duration.addMean(&q.MistakeDuration)
	d.rate.add(float64(q.Mistakes), q.Alive.Seconds())
	d.wrongTime.add(q.Wrong.Seconds(), q.Alive.Seconds())
	o := outages{longest: q.LongestOutage}
	for _, u := range q.Unseen {
		o.unseen = max(o.unseen, u.Lasted)
	}
	d.outages = append(d.outages, o)
}

func (m *merger) episode(replication int, p, q model.ProcessID, from, until model.Time, open bool) *Episode {
	names := m.scenario.Network.Topology.Names
	return &Episode{replication, names[p], names[q], from, until, open}
}

// results returns what all replications found.
func (m *merger) results() *Results {
	s, res := m.scenario, &m.res
	res.SchemaVersion = SchemaVersion
	p := &res.Provenance
	p.Suspect, p.Go, p.Architecture = Version, runtime.Version(), runtime.GOARCH
	p.Scenario, p.About, p.ScenarioHash, p.Seed = s.Name, s.About, s.Hash(), s.Seed
	p.Duration, p.WarmUp = s.Duration, s.WarmUp
	p.Processes, p.Links = s.Processes(), 2*len(s.Network.Topology.Links)
	p.StreamHash = hex.EncodeToString(m.streams.Sum(nil)[:16])
	m.precision()
	res.Detectors = []Detector{}
	for d := range m.detectors {
		res.Detectors = append(res.Detectors, m.detector(d))
	}
	res.Properties = []Property{}
	for i, p := range m.properties {
		plan := &s.NetworkProperties[i]
		p.Property, p.Name, p.Params = plan.Spec.Name, plan.Name, params(plan.Params)
		res.Properties = append(res.Properties, p)
	}
	res.Truth = m.truth.results(s)
	if m.levels != nil {
		res.Guarantee, res.Levels = m.guarantee, m.levels.results(m.guarantee, &s.Network.Topology)
	}
	res.MessageLatency, res.TrafficLatency = m.latencies(false), m.latencies(true)
	res.Messages, res.Traffic = m.tally.packets[0].packets(), m.tally.packets[1].packets()
	m.conservation.Property = "packet-conservation"
	res.Conservation = m.conservation
	m.expect()
	return res
}

func (m *merger) precision() {
	u, reps := m.scenario.Replications.Until, &m.res.Replications
	if u == nil {
		return
	}
	reps.Measure = u.Measure + " of " + m.scenario.Detectors[u.Detector].Name
	if u.Measure == scenario.MessageLatency {
		reps.Measure = u.Measure
	}
	wanted := u.Relative / (1 + u.Relative)
	reps.Wanted = &wanted
	if mean, in := properties.MeanInterval(m.measured, confidence); len(m.measured) >= 2 && mean != 0 && !m.repeated() {
		precision := in.HalfWidth() / math.Abs(mean)
		reps.Precision = &precision
	}
}

func (m *merger) detector(d int) Detector {
	plan, x := &m.scenario.Detectors[d], &m.detectors[d]
	out := Detector{
		Name: plan.Name, Use: plan.Spec.Name, Source: plan.Spec.Source, Params: params(plan.Params),
		Claims: []Claim{}, Properties: []Property{}, Cost: m.cost(d), Kinds: kindsOf(m.scenario, x.kinds),
	}
	for _, c := range plan.Spec.Claims {
		out.Claims = append(out.Claims, Claim{c.Class.String(), c.Under})
	}
	var results []properties.Result
	for i, p := range x.properties {
		spec := &m.scenario.Properties[i]
		p.Property, p.Params = spec.Spec.Name, params(spec.Params)
		out.Properties = append(out.Properties, p)
		outcome, err := properties.ParseOutcome(p.Outcome)
		if err != nil {
			panic("run: " + err.Error())
		}
		results = append(results, properties.Result{
			Property: p.Property, Outcome: outcome, Checked: p.Checked,
			Reason: p.Reason,
		})
	}
	for _, c := range properties.ClassOutcomes(results) {
		claimed := slices.ContainsFunc(plan.Spec.Claims, func(claim model.Claim) bool { return claim.Class == c.Class })
		out.Classes = append(out.Classes, Class{c.Class.String(), c.Outcome.String(), c.Reason, claimed})
	}
	out.Detection, out.Mistakes = m.detectionOf(x), m.mistakesOf(x)
	return out
}

// params returns parameters in the order of their declaration.
func params(p model.Params) []Param {
	out := []Param{}
	for name, value := range p.All() {
		out = append(out, Param{name, value})
	}
	return out
}

func (m *merger) detectionOf(x *mergedDetector) Detection {
	q := &x.quality
	d := Detection{
		Detected: q.DetectionTime.Count(), Missed: q.Missed,
		Mean: m.mean(&q.DetectionTime, &x.detection), Time: spread(&q.DetectionTime), Slowest: x.slowest,
	}
	bound := model.Duration(model.MaxTime)
	switch {
	case m.scenario.Judge.DetectWithin != 0:
		bound = m.scenario.Judge.DetectWithin
		d.DecidedAfter = &bound
	case d.Detected > 0:
		bound = q.DetectionTime.Max()
		d.DecidedAfter = &bound
	}
	for _, u := range q.Unseen {
		switch {
		case !u.Open: // counted as missed
		case u.Lasted >= bound:
			d.Undetected += u.Monitors
		default:
			d.TooLate += u.Monitors
			d.TooLateAge = max(d.TooLateAge, u.Lasted)
		}
	}
	var unseen Unseen
	for _, o := range x.outages {
		if o.longest >= bound && o.longest > 0 {
			unseen.Of++
			if o.unseen >= bound && o.unseen > 0 {
				unseen.Replications++
			}
		}
	}
	if unseen.Of > 0 {
		d.Unseen = &unseen
	}
	if unseen.Of >= 2 && !m.repeated() {
		in := properties.ClopperPearson(int64(unseen.Replications), int64(unseen.Of), confidence)
		unseen.Interval = &Interval{in.Low, in.High, confidence}
	}
	return d
}

func (m *merger) mistakesOf(x *mergedDetector) Mistakes {
	q := &x.quality
	out := Mistakes{
		Count: q.Mistakes, Censored: q.CensoredMistakes, PairSeconds: q.Alive.Seconds(),
		RateReplicated: m.interval(&x.rate, math.Inf(1)),
		Recurrence:     m.mean(&q.Recurrence, &x.recurrence), GoodPeriod: m.mean(&q.GoodPeriod, &x.good),
		Duration: m.mean(&q.MistakeDuration, &x.duration), Longest: x.longest,
		Pairs: []PairMistakes{}, PairsWrong: len(x.wrong),
	}
	if rate, ok := q.MistakeRate(); ok {
		out.Rate = &rate
		if !m.repeated() {
			in := properties.PoissonInterval(q.Mistakes, q.Alive.Seconds(), confidence)
			out.RateExact = &Interval{in.Low, in.High, confidence}
		}
	}
	if in := m.interval(&x.wrongTime, 1); in != nil {
		out.AccuracyInterval = &Interval{1 - in.High, 1 - in.Low, confidence}
	}
	if accuracy, ok := q.QueryAccuracy(); ok {
		out.Accuracy = &accuracy
	}
	pairs := make([]pair, 0, len(x.wrong))
	for p := range x.wrong {
		pairs = append(pairs, p)
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(x.wrong[b].count, x.wrong[a].count), cmp.Compare(x.wrong[b].longest, x.wrong[a].longest),
			cmp.Compare(a.monitor, b.monitor), cmp.Compare(a.peer, b.peer))
	})
	names := m.scenario.Network.Topology.Names
	for _, p := range pairs[:min(len(pairs), mostPairs)] {
		out.Pairs = append(out.Pairs, PairMistakes{names[p.monitor], names[p.peer], x.wrong[p].count, x.wrong[p].longest})
	}
	return out
}

// interval returns Student's interval of a ratio, with replications as clusters, cut to
// what is possible: from 0 to most. There is none of fewer than two replications, nor of
// identical ones.
func (m *merger) interval(r *ratio, most float64) *Interval {
	_, in := properties.RatioInterval(r.xs, r.ns, confidence)
	if math.IsInf(in.High, 1) || m.repeated() {
		return nil
	}
	return &Interval{max(0, in.Low), min(in.High, most), confidence}
}

// mean returns the mean of d, of which r has the sums of the replications in seconds.
func (m *merger) mean(d *properties.Durations, r *ratio) Mean {
	out := Mean{Count: d.Count()}
	if out.Count > 0 {
		mean := d.Mean()
		out.Mean = &mean
	}
	if in := m.interval(r, m.scenario.Duration.Seconds()); in != nil {
		ps := func(s float64) model.Duration { return model.Duration(math.Round(s * float64(model.Second))) }
		out.Interval = &DurationInterval{ps(in.Low), ps(in.High), confidence}
	}
	return out
}

func spread(d *properties.Durations) Spread {
	return Spread{
		Count: d.Count(), Min: d.Min(), Max: d.Max(), QuantileError: properties.QuantileError,
		P50: d.Quantile(0.5), P90: d.Quantile(0.9), P99: d.Quantile(0.99), P999: d.Quantile(0.999), CDF: thin(d),
	}
}

// thin returns points of d's distribution function, no two nearer than half a
// percent of all or, towards the end, a tenth of what is left: fewer than 400 for a
// billion durations.
func thin(d *properties.Durations) []CDFPoint {
	points := []CDFPoint{}
	all := d.CDF()
	last := 0.0
	for i, p := range all {
		if i > 0 && i < len(all)-1 && p.Share-last < min(0.005, (1-last)/10) {
			continue
		}
		points = append(points, CDFPoint{p.Value, int64(math.Round(p.Share * float64(d.Count())))})
		last = p.Share
	}
	return points
}

func (m *merger) latencies(traffic bool) []Latency {
	out := []Latency{}
	for p := model.Priorities - 1; p >= 0; p-- {
		if d := m.latency.Of(traffic, model.Priority(p)); d.Count() > 0 {
			out = append(out, Latency{p, spread(d)})
		}
	}
	return out
}

func (p *packetTally) packets() Packets {
	out := Packets{Sent: int64(p.sent), Delivered: int64(p.delivered), Duplicated: int64(p.duplicated), Drops: drops(&p.dropped)}
	for _, d := range out.Drops {
		out.Dropped += d.Count
	}
	out.InFlight = out.Sent + out.Duplicated - out.Delivered - out.Dropped
	return out
}

// drops returns the causes that occurred.
func drops(dropped *[model.DropCauses]uint64) []Drops {
	out := []Drops{}
	for cause, n := range dropped {
		if n > 0 {
			out = append(out, Drops{model.DropCause(cause).String(), int64(n)})
		}
	}
	return out
}

// cost returns what the messages of detector d cost.
func (m *merger) cost(d int) Cost {
	s := m.scenario
	out := Cost{SharedWith: []string{}}
	for _, members := range m.panels {
		if !slices.Contains(members, d) {
			continue
		}
		sent := m.tally.costs[members[0]]
		out.Messages, out.Bytes = int64(sent.messages), int64(sent.bytes)
		for _, other := range members {
			if other != d {
				out.SharedWith = append(out.SharedWith, s.Detectors[other].Name)
			}
		}
	}
	if seconds := m.counted() * float64(s.Processes()); seconds > 0 {
		out.MessagesPerSecond = float64(out.Messages) / seconds
		out.BytesPerSecond = float64(out.Bytes) / seconds
	}
	return out
}

// counted returns the simulated time after the warm-up of all replications, in
// seconds.
func (m *merger) counted() float64 {
	s, reps := m.scenario, &m.res.Replications
	one := (s.Duration - s.WarmUp).Seconds()
	if t := reps.Truncated; t != nil {
		return float64(reps.Count-1)*one + max(0, t.At.Sub(model.Time(s.WarmUp))).Seconds()
	}
	return float64(reps.Count) * one
}

// expect judges the expectations. What depends on the machine satisfies none.
func (m *merger) expect() {
	res := &m.res
	res.Expectations = []Expectation{}
	res.Outcome = AsExpected
	truncated := res.Replications.Truncated
	if truncated != nil && len(m.scenario.Expect) == 0 {
		res.Outcome = Inconclusive
	}
	byMachine := truncated != nil && !truncated.Reproducible
	for _, e := range m.scenario.Expect {
		judged := Expectation{Property: e.Property, Expected: e.Outcome.String()}
		if e.Detector < 0 {
			judged.Found = outcomeOf(res.Properties, e.Property)
		} else {
			d := &res.Detectors[e.Detector]
			judged.Detector, judged.Found = d.Name, outcomeOf(d.Properties, e.Property)
		}
		judged.Met = judged.Found == judged.Expected && !byMachine
		res.Expectations = append(res.Expectations, judged)
		switch {
		case judged.Met:
		case judged.Found != Inconclusive && judged.Found != judged.Expected:
			res.Outcome = NotAsExpected
		case res.Outcome == AsExpected:
			res.Outcome = Inconclusive
		}
	}
}

// outcomeOf returns the outcome of the property with the name, which is among them.
func outcomeOf(all []Property, name string) string {
	for i := range all {
		if cmp.Or(all[i].Name, all[i].Property) == name {
			return all[i].Outcome
		}
	}
	panic("run: a scenario expects something of the property " + name + ", which it does not check")
}
