package run

import (
	"errors"

	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
	"suspect/properties"
	"suspect/sim"
)

// replication is what one replication found.
type replication struct {
	index        int
	hash         sim.Hash
	events       uint64
	truncated    *Truncation
	network      network.Counts
	tally        tally
	latency      *properties.Latency
	levels       *levels // nil without QJUMP
	truth        *truth  // nil if it is not told
	conservation properties.Result
	properties   []properties.Result // of the network, in the scenario's order
	detectors    []found             // likewise
}

// found is what one replication found about one detector.
type found struct {
	quality    *properties.Quality
	wrong      map[pair]wrongPair
	kinds      *properties.Discriminated // nil without the truth
	properties []properties.Result       // in the scenario's order
}

// observer is a fold over records.
type observer interface {
	Kinds() model.Kinds
	Observe(r *model.Record)
}

// verdicts are the records that concern one detector only.
var verdicts = model.KindSet(model.Suspected, model.Trusted)

// router hands records to the folds that want them, those of a detector's verdicts
// to its own folds only.
type router struct {
	records *sim.Records
	routes  [][]func(*model.Record) // by detector, of its verdicts
}

func newRouter(records *sim.Records, detectors int) *router {
	r := &router{records: records, routes: make([][]func(*model.Record), detectors)}
	records.Subscribe(verdicts, func(rec *model.Record) {
		for _, f := range r.routes[rec.Detector] {
			f(rec)
		}
	})
	return r
}

// add subscribes a fold that is not about one detector.
func (r *router) add(o observer) { r.records.Subscribe(o.Kinds(), o.Observe) }

// addFor subscribes a fold about detector d.
func (r *router) addFor(d int, o observer) {
	kinds := o.Kinds()
	r.records.Subscribe(kinds&^verdicts, o.Observe)
	if kinds&verdicts == 0 {
		return
	}
	r.routes[d] = append(r.routes[d], func(rec *model.Record) {
		if kinds.Has(rec.Kind) {
			o.Observe(rec)
		}
	})
}

// replicate runs replication index of s, of whose latency the bounds are promised, and
// returns what it found. An error says that it could not be run, or was interrupted.
func replicate(s *scenario.Scenario, index int, bounds [model.Priorities]properties.Bound, w *watcher) (*replication, error) {
	m, err := newSimulation(s, index)
	if err != nil {
		return nil, err
	}
	warmUp := model.Time(s.WarmUp)
	r := &replication{
		index: index, latency: properties.NewLatency(warmUp), levels: newLevels(s), detectors: make([]found, len(s.Detectors)),
		tally: tally{warmUp: warmUp, costs: make([]cost, len(s.Detectors))},
	}
	conservation := properties.NewConservation()
	m.kernel.Records.Subscribe(model.AllKinds, r.hash.Observe)
	route := newRouter(&m.kernel.Records, len(s.Detectors))
	route.add(conservation)
	route.add(&r.tally)
	route.add(r.latency)
	if r.levels != nil {
		route.add(r.levels)
	}
	followed := newTruthFolds(s)
	for _, o := range followed.observers() {
		route.add(o)
	}

	env := properties.Env{
		N: s.Processes(), Watch: s.Monitor.Watch, Names: hostNames(s),
		WarmUp: warmUp, Starts: true, Bounds: bounds, Truth: s.Truth != nil,
	}
	ofNetwork := make([]properties.Checker, len(s.NetworkProperties))
	for i, p := range s.NetworkProperties {
		if ofNetwork[i], err = p.Spec.New(env, p.Params); err != nil {
			return nil, err
		}
		route.add(ofNetwork[i])
	}
	qualities := make([]*properties.QoS, len(s.Detectors))
	checkers := make([][]properties.Checker, len(s.Detectors))
	kinds := make([]*properties.Discrimination, len(s.Detectors))
	for d := range s.Detectors {
		env.Detector = uint8(d)
		if qualities[d], err = properties.NewQoS(env); err != nil {
			return nil, err
		}
		wrong := map[pair]wrongPair{}
		r.detectors[d].wrong = wrong
		qualities[d].Mistaken = func(m properties.Mistake) {
			x := pair{m.Monitor, m.Peer}
			w := wrong[x]
			wrong[x] = wrongPair{w.count + 1, max(w.longest, m.Duration())}
		}
		route.addFor(d, qualities[d])
		if env.Truth {
			within, stale := kindTimes(s)
			if kinds[d], err = properties.NewDiscrimination(env, within, stale); err != nil {
				return nil, err
			}
			route.addFor(d, kinds[d])
		}
		for _, p := range s.Properties {
			c, err := p.Spec.New(env, p.Params)
			if err != nil {
				return nil, err
			}
			route.addFor(d, c)
			checkers[d] = append(checkers[d], c)
		}
	}

	until := model.Time(s.Duration)
	err = m.kernel.Run(until, sim.Budget{Events: s.Limits.Events, Stop: func() error { return w.poll(m.kernel) }})
	var limit *limitError
	switch {
	case errors.Is(err, sim.ErrEvents) || errors.As(err, &limit):
		r.truncated = &Truncation{Replication: index, At: m.kernel.Now(), Reason: err.Error(), Reproducible: limit == nil}
	case err != nil:
		return nil, err
	}
	w.finished(m.kernel)

	end := m.kernel.Now()
	r.events, r.network = m.kernel.Events(), m.network.Counts()
	r.conservation = conservation.FinishWith(m.network.InFlight())
	r.compareCounts()
	for _, c := range ofNetwork {
		r.properties = append(r.properties, r.judge(c.Finish(end)))
	}
	r.truth = followed.finish(end)
	for d := range s.Detectors {
		f := &r.detectors[d]
		f.quality = qualities[d].Finish(end)
		if kinds[d] != nil {
			f.kinds = kinds[d].Finish(end)
		}
		for _, c := range checkers[d] {
			f.properties = append(f.properties, r.judge(c.Finish(end)))
		}
	}
	return r, nil
}

// hostNames returns the names of the processes: those of their hosts.
func hostNames(s *scenario.Scenario) []string { return s.Network.Topology.Names[:s.Processes()] }

// judge keeps what a truncated run did not see to its end from counting as a pass.
func (r *replication) judge(result properties.Result) properties.Result {
	if r.truncated != nil && result.Outcome == properties.Holds {
		result.Outcome = properties.Inconclusive
		result.Reason = "the run was truncated: " + r.truncated.Reason
	}
	return result
}

// compareCounts violates conservation where the network's own counts are not those
// of its records.
func (r *replication) compareCounts() {
	if r.conservation.Outcome == properties.Violated {
		return
	}
	var sent, delivered, duplicated uint64
	var dropped [model.DropCauses]uint64
	for _, p := range r.tally.packets {
		sent += p.sent
		delivered += p.delivered
		duplicated += p.duplicated
		for cause, n := range p.dropped {
			dropped[cause] += n
		}
	}
	n := &r.network
	if sent != n.Sent || delivered != n.Delivered || duplicated != n.Duplicated || dropped != n.Dropped {
		r.conservation.Outcome = properties.Violated
		r.conservation.Reason = "the network's counts are not those of its records"
	}
}

// packetTally counts packets over the whole run.
type packetTally struct {
	sent, delivered uint64
	duplicated      uint64 // second copies
	dropped         [model.DropCauses]uint64
}

// cost counts the messages of one panel after the warm-up.
type cost struct{ messages, bytes uint64 }

// tally is a fold that counts packets.
type tally struct {
	warmUp  model.Time
	packets [2]packetTally // of messages, of traffic
	costs   []cost         // by the first detector of the panel that sent
}

// Kinds returns the records that the fold wants.
func (t *tally) Kinds() model.Kinds {
	return model.KindSet(model.Sent, model.Duplicated, model.Delivered, model.Dropped)
}

// Observe takes the next record.
func (t *tally) Observe(r *model.Record) {
	p := &t.packets[0]
	if r.Traffic {
		p = &t.packets[1]
	}
	switch r.Kind {
	case model.Sent:
		p.sent++
		if !r.Traffic && r.At >= t.warmUp {
			c := &t.costs[r.Detector]
			c.messages++
			c.bytes += uint64(r.Bytes)
		}
	case model.Duplicated:
		p.duplicated++
	case model.Delivered:
		p.delivered++
	case model.Dropped:
		p.dropped[r.Cause]++
	}
}

// pair is a monitor and the peer that it watches.
type pair struct{ monitor, peer model.ProcessID }

// wrongPair counts the mistakes of one pair, and how long the longest was.
type wrongPair struct {
	count   int64
	longest model.Duration
}
