package replay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"

	"suspect/detectors"
	"suspect/model"
	"suspect/properties"
	"suspect/sim"
)

// Config is what runs on a trace.
type Config struct {
	// Eta is the period of the sender. Zero takes that of the detectors, where any
	// gives one, and else estimates it.
	Eta model.Duration

	Detectors []Detector
}

// Detector asks for a detector of the registry.
type Detector struct {
	Name   string            // in results; empty: as Use, numbered from the second on
	Use    string            // name in the registry
	Params map[string]string // those given; eta defaults to that of the trace
}

// maxDetectors is the number that a record can tell apart.
const maxDetectors = 256

// The monitored sender and the monitor.
const (
	sender  model.ProcessID = 0
	monitor model.ProcessID = 1
)

// maxPeriods is how many periods a trace may last beyond ten for each heartbeat:
// detectors step in every one.
const maxPeriods = 1_000_000

// patience is how many wake-ups a detector is given, after the last arrival, to
// suspect.
const patience = 10_000_000

// Run replays t to all detectors in one pass, after a first pass that checks and
// surveys it. Errors are those of the trace (an [ErrorList]), of the detectors'
// parameters (all of them), or that of ctx when it is done.
func Run(ctx context.Context, t Trace, c Config) (*Results, error) {
	return run(ctx, t, c, maxKept)
}

// maxKept is how many heartbeats are kept from the first pass for the second, which
// saves reading them again, in 24 MiB.
const maxKept = 1 << 20

func run(ctx context.Context, t Trace, c Config, keep int) (*Results, error) {
	if len(c.Detectors) == 0 {
		return nil, errors.New("replay: no detectors are given")
	}
	if len(c.Detectors) > maxDetectors {
		return nil, fmt.Errorf("replay: %d detectors; at most %d are supported", len(c.Detectors), maxDetectors)
	}
	var err error
	if c.Detectors, err = named(c.Detectors); err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	s, err := examine(t, keep)
	if err != nil {
		return nil, err
	}
	eta, isEstimated, err := c.period(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	r := &replayer{survey: s, eta: eta, start: s.shift(eta)}
	var errs []error
	for i, d := range c.Detectors {
		subject, err := newSubject(d, uint8(i), eta)
		if err != nil {
			errs = append(errs, fmt.Errorf("detector %q: %w", d.Name, err))
			continue
		}
		r.subjects = append(r.subjects, subject)
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	if err := r.run(ctx, t); err != nil {
		return nil, err
	}
	return r.results(t, isEstimated), nil
}

// named returns ds with names that tell them apart, as scenarios give them.
func named(ds []Detector) ([]Detector, error) {
	ds = slices.Clone(ds)
	names := make(map[string]bool)
	for i := range ds {
		d := &ds[i]
		if d.Name == "" {
			d.Name = d.Use
			for k := 2; names[d.Name]; k++ {
				d.Name = fmt.Sprintf("%s-%d", d.Use, k)
			}
		} else if names[d.Name] {
			return nil, fmt.Errorf("there is already a detector %q", d.Name)
		}
		names[d.Name] = true
	}
	return ds, nil
}

// period returns the eta of the run, and whether it is estimated.
func (c Config) period(s *survey) (eta model.Duration, isEstimated bool, err error) {
	eta, from := c.Eta, "the run"
	for _, d := range c.Detectors {
		text, ok := d.Params["eta"]
		if !ok {
			continue
		}
		given, err := model.ParseDuration(text)
		if err != nil || given <= 0 {
			continue // the detector will say so
		}
		if eta != 0 && given != eta {
			return 0, false, fmt.Errorf("%s has eta %v, but detector %q has %v: a trace has one", from, eta, d.Name, given)
		}
		eta, from = given, fmt.Sprintf("detector %q", d.Name)
	}
	estimate := s.period()
	if eta < 0 {
		return 0, false, fmt.Errorf("eta %v is negative", eta)
	}
	n := uint64(s.last.seq - s.first.seq)
	switch off := max(eta, estimate) - min(eta, estimate); {
	case eta == 0 && estimate == 0:
		return 0, false, errors.New("the sending times do not tell the period: give eta")
	case eta == 0:
		eta, isEstimated = estimate, true
	case n > 0 && off > estimate/10 && uint64(off) > 10*uint64(eta)/n:
		return 0, false, fmt.Errorf("%s has eta %v, but the heartbeats of the trace were sent every %v: leave eta out, or give that", from, eta, show(estimate))
	}
	if hi, lo := bits.Mul64(n, uint64(eta)); hi != 0 || lo > uint64(model.MaxTime/2) {
		return 0, false, fmt.Errorf("%d heartbeats with period %v take more than %v", n+1, eta, model.MaxTime/2)
	}
	length := s.shift(eta) + model.Duration(max(s.latest, s.last.sent)-s.first.sent)*model.Nanosecond
	if uint64(length/eta) > maxPeriods+10*uint64(s.rows) {
		return 0, false, fmt.Errorf("the trace lasts %v, which is %d periods of %v, but has only %d heartbeats: is it one trace, of a sender that keeps a period?",
			show(length), length/eta, eta, s.rows)
	}
	return eta, isEstimated, nil
}

// subject is one detector that is measured.
type subject struct {
	name, use string
	params    model.Params
	index     uint8
	automaton model.Automaton
	now       model.Time // of its last step
	random    *sim.Stream
	wake      model.Input
	out       model.Output
	suspects  bool // the sender
	qos       *properties.QoS
	quality   *properties.Quality
	gaveUp    string // why it does not suspect, or empty
}

func newSubject(d Detector, index uint8, eta model.Duration) (*subject, error) {
	spec, ok := detectors.Lookup(d.Use)
	if !ok {
		var names []string
		for _, s := range detectors.All() {
			names = append(names, s.Name)
		}
		return nil, fmt.Errorf("%q is unknown (detectors: %s)", d.Use, strings.Join(names, ", "))
	}
	if !spec.Heartbeats {
		return nil, fmt.Errorf("%s sends messages of its own, which a recorded trace cannot answer", d.Use)
	}
	given := maps.Clone(d.Params)
	if given == nil {
		given = make(map[string]string)
	}
	for _, p := range spec.Params {
		if _, ok := given["eta"]; p.Name == "eta" && !ok {
			given["eta"] = eta.String()
		}
	}
	params, errs := model.NewParams(spec.Params, given)
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	a, err := spec.New(detectors.Env{Self: monitor, N: 2, Watch: []model.ProcessID{sender}}, params)
	if err != nil {
		return nil, err
	}
	qos, err := properties.NewQoS(properties.Env{N: 2, Watch: [][]model.ProcessID{nil, {sender}}, Detector: index})
	if err != nil {
		return nil, err
	}
	random := sim.NewStream(1, fmt.Sprintf("replay/%q", d.Name)) // the same on every replay
	return &subject{
		name: d.Name, use: d.Use, params: params, index: index,
		automaton: a, random: random, wake: model.Input{Kind: model.Wake}, qos: qos,
	}, nil
}

// step gives the detector an input at a time, and its verdicts to its fold.
func (s *subject) step(now model.Time, in *model.Input) {
	s.out.Reset()
	in.Random = s.random
	s.automaton.Step(now, in, &s.out)
	s.now = now
	if s.out.Wake <= now {
		panic(fmt.Sprintf("replay: detector %s asked at %v for a wake-up at %v, which is not later", s.use, now, s.out.Wake))
	}
	for _, v := range s.out.Verdicts {
		kind := model.Trusted
		if v.Suspected {
			kind = model.Suspected
		}
		if v.Peer == sender && v.Kind.HostFailure() {
			s.suspects = v.Suspected
		}
		s.qos.Observe(&model.Record{
			At: now, Process: monitor, Peer: v.Peer, Kind: kind, Failure: v.Kind, Detector: s.index,
		})
	}
}

// advance gives the detector the wake-ups that it wants before the time.
func (s *subject) advance(until model.Time) {
	for s.out.Wake < until {
		s.step(s.out.Wake, &s.wake)
	}
}

// await runs the detector on from a time, after which nothing arrives, until it
// suspects. The error is that of ctx.
func (s *subject) await(ctx context.Context, now model.Time) error {
	for steps := 0; !s.suspects && s.gaveUp == ""; steps++ {
		if steps%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		switch {
		case s.out.Wake == model.Never:
			s.gaveUp = "it asks for no further wake-up"
		case s.out.Wake > model.MaxTime:
			s.gaveUp = fmt.Sprintf("its next wake-up is later than %v", model.MaxTime)
		case steps == patience:
			s.gaveUp = fmt.Sprintf("cut off after %d wake-ups, at %s after the last arrival", steps, show(s.out.Wake.Sub(now)))
		default:
			s.step(s.out.Wake, &s.wake)
		}
	}
	return nil
}

// replayer is the state of the second pass.
type replayer struct {
	*survey
	eta      model.Duration
	start    model.Duration // local time of the first sending
	subjects []*subject
	inFlight arrivals
	input    model.Input // of Deliver
	lateness model.Duration
}

// local returns the local time of a time of the trace, in nanoseconds.
func (r *replayer) local(ns int64) model.Time {
	return model.Time(r.start) + model.Time(ns-r.first.sent)*model.Time(model.Nanosecond)
}

// maxInFlight bounds the heartbeats that wait for their arrival.
const maxInFlight = 1 << 20

func (r *replayer) run(ctx context.Context, t Trace) error {
	r.input = model.Input{Kind: model.Deliver, Message: model.Message{
		From: sender, To: monitor, Kind: detectors.HeartbeatKind,
	}}
	for _, s := range r.subjects {
		s.step(0, &model.Input{Kind: model.Start})
	}
	var stopped error
	rows := 0
	err := r.each(t, func(h heartbeat) bool {
		if rows++; rows%4096 == 0 && ctx.Err() != nil {
			stopped = ctx.Err()
			return false
		}
		// Nothing from here on arrives before it is sent.
		r.deliver(h.sent)
		i := h.seq - r.first.seq
		r.lateness = max(r.lateness, r.local(h.sent).Sub(model.Time(i*int64(r.eta))))
		if h.received == lost {
			return true
		}
		if len(r.inFlight) == maxInFlight {
			stopped = fmt.Errorf("%s: more than %d heartbeats are in flight when heartbeat %d is sent", t.Name, maxInFlight, h.seq)
			return false
		}
		r.inFlight.push(arrival{h.received, i})
		return true
	})
	if err == nil {
		err = stopped
	}
	if err != nil {
		return err
	}
	return r.crash(ctx)
}

// deliver hands over what arrives up to a time of the trace.
func (r *replayer) deliver(until int64) {
	for len(r.inFlight) > 0 && r.inFlight[0].at <= until {
		a := r.inFlight.pop()
		now := r.local(a.at)
		r.input.Message.Seq = a.seq
		for _, s := range r.subjects {
			s.advance(now)
			s.step(now, &r.input)
		}
	}
}

// crash ends the trace by a crash of the sender, and runs on until everybody had time
// to see it.
func (r *replayer) crash(ctx context.Context) error {
	r.deliver(r.last.sent)
	at := r.local(r.last.sent)
	for _, s := range r.subjects {
		s.advance(at + 1)
		s.qos.Observe(&model.Record{At: at, Process: sender, Peer: model.Nobody, Kind: model.Crashed, Failure: model.ProcessCrash})
	}
	last := max(r.latest, r.last.sent)
	r.deliver(last)
	for _, s := range r.subjects {
		now := r.local(last)
		s.advance(now + 1)
		if err := s.await(ctx, now); err != nil {
			return err
		}
		s.quality = s.qos.Finish(max(now, s.now))
	}
	return nil
}

// arrival is a heartbeat in flight.
type arrival struct{ at, seq int64 }

func (a arrival) before(b arrival) bool {
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

// arrivals is a binary heap with the first arrival on top.
type arrivals []arrival

func (h *arrivals) push(a arrival) {
	*h = append(*h, a)
	q := *h
	i := len(q) - 1
	for i > 0 && a.before(q[(i-1)/2]) {
		q[i] = q[(i-1)/2]
		i = (i - 1) / 2
	}
	q[i] = a
}

func (h *arrivals) pop() arrival {
	q := *h
	top, n := q[0], len(q)-1
	a := q[n]
	q = q[:n]
	*h = q
	if n == 0 {
		return top
	}
	i := 0
	for {
		child := 2*i + 1
		if child >= n {
			break
		}
		if child+1 < n && q[child+1].before(q[child]) {
			child++
		}
		if !q[child].before(a) {
			break
		}
		q[i] = q[child]
		i = child
	}
	q[i] = a
	return top
}
