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

	"suspect/experiments/scenario"
	"suspect/model"
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
	streams      hash.Hash
	latency      *properties.Latency
	tally        tally
	conservation Property
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

	// The means of the replications that have one.
	detection, rate, recurrence, good, duration, accuracy []float64
}

func newMerger(s *scenario.Scenario) *merger {
	m := &merger{
		scenario: s, panels: panelsOf(s.Detectors), streams: sha256.New(), latency: properties.NewLatency(0),
		detectors: make([]mergedDetector, len(s.Detectors)),
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
	m.streams.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, sum[0]), sum[1]))
	p := &m.res.Provenance
	p.Events += r.events
	p.Records += r.hash.Records()
	p.Hops += r.network.Hops
	m.latency.Merge(r.latency)
	m.tally.merge(&r.tally)
	m.conservation.add(&r.conservation, r)
	for d := range m.detectors {
		m.mergeDetector(&m.detectors[d], &r.detectors[d], r)
	}
	return m.decide(r)
}

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
	}
	u := m.scenario.Replications.Until
	if x, ok := m.measure(u, r); ok {
		m.measured = append(m.measured, x)
	}
	// A replication in which there is nothing to measure counts towards the cap.
	capped := *m.stopping
	capped.AtMost -= reps.Count - len(m.measured)
	switch capped.Decide(m.measured) {
	case properties.Reached:
		reps.Stopped = StoppedPrecise
		return false
	case properties.NotReached:
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
		for cause, n := range q.dropped {
			p.dropped[cause] += n
		}
	}
	for d, c := range o.costs {
		t.costs[d].messages += c.messages
		t.costs[d].bytes += c.bytes
	}
}

// add takes the result of replication r.
func (p *Property) add(result *properties.Result, r *replication) {
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
		p.Witness[i] = result.Witness[i].String()
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
	for x, c := range f.wrong { // sums and maxima, so in any order
		t := d.wrong[x]
		t.count += c.count
		t.longest = max(t.longest, c.longest)
		d.wrong[x] = t
	}
	for i := range f.properties {
		d.properties[i].add(&f.properties[i], r)
	}
	for _, s := range []struct {
		means *[]float64
		of    *properties.Durations
	}{
		{&d.detection, &q.DetectionTime}, {&d.recurrence, &q.Recurrence},
		{&d.good, &q.GoodPeriod}, {&d.duration, &q.MistakeDuration},
	} {
		if x, ok := meanSeconds(s.of); ok {
			*s.means = append(*s.means, x)
		}
	}
	if x, ok := q.MistakeRate(); ok {
		d.rate = append(d.rate, x)
	}
	if x, ok := q.QueryAccuracy(); ok {
		d.accuracy = append(d.accuracy, x)
	}
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
	for d := range m.detectors {
		res.Detectors = append(res.Detectors, m.detector(d))
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
	if mean, in := properties.MeanInterval(m.measured, confidence); len(m.measured) >= 2 && mean != 0 {
		precision := in.HalfWidth() / math.Abs(mean)
		reps.Precision = &precision
	}
}

func (m *merger) detector(d int) Detector {
	plan, x := &m.scenario.Detectors[d], &m.detectors[d]
	out := Detector{
		Name: plan.Name, Use: plan.Spec.Name, Source: plan.Spec.Source, Params: params(plan.Params),
		Claims: []Claim{}, Properties: []Property{}, Cost: m.cost(d),
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
	out.Detection, out.Mistakes = x.detectionOf(), m.mistakesOf(x)
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

func (x *mergedDetector) detectionOf() Detection {
	q := &x.quality
	d := Detection{
		Detected: q.DetectionTime.Count(), Missed: q.Missed, Undetected: q.Undetected,
		Mean: mean(&q.DetectionTime, x.detection), Time: spread(&q.DetectionTime), Slowest: x.slowest,
	}
	if unseen, all := d.Missed+d.Undetected, d.Detected+d.Missed+d.Undetected; all > 0 {
		in := properties.ClopperPearson(unseen, all, confidence)
		d.UnseenShare = &Interval{in.Low, in.High, confidence}
	}
	return d
}

func (m *merger) mistakesOf(x *mergedDetector) Mistakes {
	q := &x.quality
	out := Mistakes{
		Count: q.Mistakes, Censored: q.CensoredMistakes, PairSeconds: q.Alive.Seconds(),
		RateReplicated: interval(x.rate), AccuracyInterval: interval(x.accuracy),
		Recurrence: mean(&q.Recurrence, x.recurrence), GoodPeriod: mean(&q.GoodPeriod, x.good),
		Duration: mean(&q.MistakeDuration, x.duration), Longest: x.longest,
		Pairs: []PairMistakes{}, PairsWrong: len(x.wrong),
	}
	if rate, ok := q.MistakeRate(); ok {
		in := properties.PoissonInterval(q.Mistakes, q.Alive.Seconds(), confidence)
		out.Rate, out.RateExact = &rate, &Interval{in.Low, in.High, confidence}
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

// interval returns Student's interval of the mean of replications, unless there are
// fewer than two.
func interval(means []float64) *Interval {
	if len(means) < 2 {
		return nil
	}
	_, in := properties.MeanInterval(means, confidence)
	return &Interval{in.Low, in.High, confidence}
}

// mean returns the mean of d, whose replications have the given means in seconds.
func mean(d *properties.Durations, means []float64) Mean {
	out := Mean{Count: d.Count()}
	if out.Count > 0 {
		m := d.Mean()
		out.Mean = &m
	}
	if in := interval(means); in != nil {
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
	out := Packets{Sent: int64(p.sent), Delivered: int64(p.delivered), Drops: []Drops{}}
	for cause, n := range p.dropped {
		if n > 0 {
			out.Drops = append(out.Drops, Drops{model.DropCause(cause).String(), int64(n)})
			out.Dropped += int64(n)
		}
	}
	out.InFlight = out.Sent - out.Delivered - out.Dropped
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

// expect judges the expectations.
func (m *merger) expect() {
	res := &m.res
	res.Expectations = []Expectation{}
	res.Outcome = AsExpected
	if res.Replications.Truncated != nil && len(m.scenario.Expect) == 0 {
		res.Outcome = Inconclusive
	}
	for _, e := range m.scenario.Expect {
		var outcomes []properties.Outcome
		for _, p := range res.Detectors[e.Detector].Properties {
			if p.Property == e.Property {
				o, _ := properties.ParseOutcome(p.Outcome)
				outcomes = append(outcomes, o)
			}
		}
		found := properties.Worst(outcomes...)
		res.Expectations = append(res.Expectations, Expectation{
			Property: e.Property, Detector: res.Detectors[e.Detector].Name,
			Expected: e.Outcome.String(), Found: found.String(), Met: found == e.Outcome,
		})
		switch {
		case found == e.Outcome:
		case found == properties.Inconclusive && res.Outcome == AsExpected:
			res.Outcome = Inconclusive
		case found != properties.Inconclusive:
			res.Outcome = NotAsExpected
		}
	}
}
