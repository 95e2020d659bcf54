package detectors

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "merger",
		Source: "ours; the rule of combination is Dempster's for simple support functions: Shafer, \"A Mathematical Theory of Evidence\", Princeton University Press 1976",
		Doc:    "Runs several typed detectors, and joins what they say of a peer into one report with one explanation for its silence.",
		Claims: []model.Claim{
			{Class: model.P, Under: "all that its parts need together to be perfect"},
		},
		Params: typedParams(model.Param{Name: "parts", Type: model.TextParam, Default: "host-informed -- link-state -- differential",
			Doc: "the detectors, each with its parameters, as: falcon lethal=false -- link-state queue=64000"}),
		Asks:  true,
		Typed: true,
		Kinds: []model.FailureKind{model.Unspecified, model.ProcessCrash, model.HostCrash, model.Congestion, model.RouteFailure, model.Partition,
			model.Corruption, model.RouteInstability, model.PolicyViolation, model.Stall, model.Wedge},
		New: newMerger,
	})
}

// merger joins the findings of its parts, which run on one process and see one another's
// evidence, but not one another's messages.
//
// Each finding that a kind k holds with certainty c is a simple support function: it
// commits the mass c to k and leaves the rest uncommitted, rather than against k. A part
// that says nothing is no witness against those that do, since what it cannot see it cannot
// deny. Findings of the same kind add up to
//
//	s(k) = 1 - (1-c1)(1-c2)...
//
// Crashes, partition, route failure, policy violation, stall and wedge are rival
// explanations: why a peer does not answer. By Dempster's rule, of supports for kinds that
// exclude each other there remains for each, with the odds o(k) = s(k)/(1-s(k)),
//
//	certainty(k) = o(k) / (1 + sum over all rivals l of o(l))
//
// and the merger says the one with the largest. Where several are equal, or more than one
// is certain, which is a contradiction that the rule leaves undefined, the first in this
// order is said: process crash, host crash, partition, route failure, policy violation,
// stall, wedge. A suspicion of no kind supports all rivals alike; it is said if no
// other is. Congestion, corruption and route instability may hold beside each of them, and
// are said with s(k). A finding without certainty counts as one of even odds, 500. Warnings
// are joined like facts, but have no rivals, and are said of a kind that is not held.
//
// The place and duration are those of the most certain finding of the kind, of the first
// part that has it. [Explainer] returns all reasons of all parts for what is said, in the
// order of kinds and then of parts.
//
// The rule takes its parts for independent witnesses. They are not where they read the same
// evidence, as the word of one switch: then the certainty is too high.
type merger struct {
	opinions
	parts []Typed
	wakes []model.Time // that the parts asked for

	// Scratch of a step.
	input    model.Input
	inner    model.Output
	touched  []model.ProcessID // who may be thought of otherwise now
	findings []model.Finding
	reasons  []Reason
}

const mostParts = 8

func newMerger(env Env, p model.Params) (model.Automaton, error) {
	if err := env.Check(); err != nil {
		return nil, err
	}
	o, err := newOpinions(env, p)
	if err != nil {
		return nil, err
	}
	d := &merger{opinions: o}
	wrong := func(err error) error { return &model.ParamError{Name: "parts", Err: err} }
	for _, text := range strings.Split(p.Text("parts"), "--") {
		if strings.Fields(text + " .")[0] == "merger" {
			return nil, wrong(fmt.Errorf("a merger cannot be a part of one: name its parts"))
		}
		a, err := newBase(env, text)
		if err != nil {
			return nil, wrong(err)
		}
		part, ok := a.(Typed)
		if !ok {
			return nil, wrong(fmt.Errorf("%q names no kinds of failure: only typed detectors can be parts", strings.TrimSpace(text)))
		}
		d.parts = append(d.parts, part)
	}
	if len(d.parts) > mostParts {
		return nil, wrong(fmt.Errorf("%d are too many: at most %d", len(d.parts), mostParts))
	}
	d.wakes = make([]model.Time, len(d.parts))
	d.wakeAll()
	return d, nil
}

// wakeAll has all parts step at the next step.
func (d *merger) wakeAll() {
	for i := range d.wakes {
		d.wakes[i] = math.MinInt64
	}
}

func (d *merger) Step(now model.Time, in *model.Input, out *model.Output) {
	n := uint8(len(d.parts))
	d.touched = d.touched[:0]
	due := now >= slices.Min(d.wakes)
	for i := range d.parts {
		d.input = *in
		if in.Kind == model.Deliver {
			if d.input.Message.Tag = in.Message.Tag / n; in.Message.Tag%n != uint8(i) {
				d.input = model.Input{Kind: model.Wake, Random: in.Random}
			}
		}
		if d.input.Kind == model.Wake && now < d.wakes[i] {
			continue
		}
		d.stepPart(i, now, out)
	}
	switch in.Kind {
	case model.Deliver:
		d.touched = append(d.touched, in.Message.From)
	case model.Inform:
		d.touched = append(d.touched, in.Evidence.About)
	}
	if due || in.Kind == model.Inform {
		// A part may think otherwise of whom it suspects, without a verdict: with another
		// certainty, or of another place.
		for p := range d.held {
			if d.suspects(p) {
				d.touched = append(d.touched, d.peers.id(p))
			}
		}
	}
	d.input = model.Input{}
	slices.Sort(d.touched)
	last := model.Nobody
	for _, id := range d.touched {
		if p := d.peers.index(id); p >= 0 && id != last {
			d.join(p, now, out)
			last = id
		}
	}
	out.Wake = slices.Min(d.wakes)
}

// stepPart gives part i its input. Messages of n parts have the number of the part as the
// remainder of their tag by n.
func (d *merger) stepPart(i int, now model.Time, out *model.Output) {
	d.inner.Reset()
	d.parts[i].Step(now, &d.input, &d.inner)
	d.wakes[i] = d.inner.Wake
	for _, m := range d.inner.Send {
		tag := int(m.Tag)*len(d.parts) + i
		if tag > math.MaxUint8 {
			panic(fmt.Sprintf("detectors: a tag of %d of a part of a merger of %d", m.Tag, len(d.parts)))
		}
		m.Tag = uint8(tag)
		out.Send = append(out.Send, m)
	}
	for _, v := range d.inner.Verdicts {
		d.touched = append(d.touched, v.Peer)
	}
}

// rivals are the kinds that explain a silence, in the order in which they are preferred.
var rivals = [...]model.FailureKind{model.ProcessCrash, model.HostCrash, model.Partition, model.RouteFailure, model.PolicyViolation, model.Stall, model.Wedge}

// besides are the kinds that can hold beside each other and every rival.
var besides = [...]model.FailureKind{model.Congestion, model.Corruption, model.RouteInstability}

// support is what the findings of one kind add up to.
type support struct {
	best  model.Finding // the most certain
	doubt float64       // (1-c1)(1-c2)..., 1 if there is none
}

// add adds a finding.
func (s *support) add(f model.Finding) {
	if f.Certainty == 0 {
		f.Certainty = model.Certain / 2
	}
	if s.doubt == 1 || f.Certainty > s.best.Certainty {
		s.best = f
	}
	s.doubt *= 1 - float64(f.Certainty)/float64(model.Certain)
}

// strength returns s.
func (s *support) strength() model.Certainty {
	if s.doubt == 0 {
		return model.Certain
	}
	return uncertainly(1 - s.doubt)
}

// uncertainly returns a share in thousandths, of which no rounding makes a certainty.
func uncertainly(share float64) model.Certainty {
	return min(model.Certainty(math.Round(float64(share*float64(model.Certain)))), model.Certain-1)
}

// supports returns what the parts say of a peer, by kind: facts or warnings.
func (d *merger) supports(peer model.ProcessID, now model.Time, warnings bool) (of [model.Wedge + 1]support) {
	for k := range of {
		of[k].doubt = 1
	}
	for _, part := range d.parts {
		d.findings = part.Findings(peer, now, d.findings[:0])
		for _, f := range d.findings {
			if f.Warning != warnings || int(f.Kind) >= len(of) {
				continue
			}
			of[f.Kind].add(f)
		}
	}
	return of
}

// join says of a peer what follows from what the parts say of it.
func (d *merger) join(p int, now model.Time, out *model.Output) {
	peer := d.peers.id(p)
	facts, warnings := d.supports(peer, now, false), d.supports(peer, now, true)
	winner, certainty := explain(&facts)
	var said [model.Wedge + 1]model.Finding
	for k := range said {
		kind := model.FailureKind(k)
		switch fact, warning := &facts[k], &warnings[k]; {
		case kind == winner && fact.doubt < 1:
			said[k] = fact.best
			said[k].Certainty = certainty
		case slices.Contains(besides[:], kind) && fact.doubt < 1:
			said[k] = fact.best
			said[k].Certainty = fact.strength()
		case warning.doubt < 1:
			said[k] = warning.best
			said[k].Certainty = warning.strength()
		default:
			d.withdraw(p, kind, out)
		}
	}
	for k, f := range said {
		if f != (model.Finding{}) {
			d.hold(p, now, f, d.firstReason(peer, model.FailureKind(k), now), out)
		}
	}
}

// explain returns the rival with the largest certainty, by Dempster's rule; or Unspecified,
// whose certainty is that of whoever says so.
func explain(facts *[model.Wedge + 1]support) (winner model.FailureKind, c model.Certainty) {
	sum, best := 1.0, 0.0
	for _, k := range rivals {
		s := &facts[k]
		if s.doubt == 0 {
			return k, model.Certain
		}
		odds := (1 - s.doubt) / s.doubt
		sum += odds
		if odds > best {
			winner, best = k, odds
		}
	}
	if best == 0 {
		return model.Unspecified, facts[model.Unspecified].strength()
	}
	return winner, uncertainly(best / sum)
}

// firstReason returns the first reason for a kind that a part gives.
func (d *merger) firstReason(peer model.ProcessID, k model.FailureKind, now model.Time) Reason {
	for _, part := range d.parts {
		if e, ok := part.(Explainer); ok {
			d.reasons = e.Explain(peer, now, d.reasons[:0])
			for _, r := range d.reasons {
				if r.Kind == k {
					return r
				}
			}
		}
	}
	return Reason{From: peer}
}

// Explain implements [Explainer].
func (d *merger) Explain(peer model.ProcessID, now model.Time, to []Reason) []Reason {
	from := len(to)
	p := d.peers.index(peer)
	if p < 0 {
		return to
	}
	for _, part := range d.parts {
		if e, ok := part.(Explainer); ok {
			to = e.Explain(peer, now, to)
		}
	}
	said := slices.DeleteFunc(to[from:], func(r Reason) bool { return !d.holds(p, r.Kind) })
	slices.SortStableFunc(said, func(a, b Reason) int { return int(a.Kind) - int(b.Kind) })
	for i := range said {
		if d.granularity < reportPlace {
			said[i].Place = model.Nowhere
		}
	}
	return to[:from+len(said)]
}

func (d *merger) Clone() model.Automaton {
	c := *d
	c.opinions = d.opinions.clone()
	c.parts = make([]Typed, len(d.parts))
	for i, part := range d.parts {
		c.parts[i] = part.Clone().(Typed)
	}
	c.wakes = slices.Clone(d.wakes)
	c.inner, c.touched, c.findings, c.reasons = model.Output{}, nil, nil, nil
	return &c
}

// AppendState writes the opinions and the states of the parts.
func (d *merger) AppendState(b []byte, now model.Time) []byte {
	b = d.opinions.appendState(b, now)
	for _, part := range d.parts {
		b = part.AppendState(b, now)
	}
	return b
}

func (d *merger) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	d.wakeAll()
	if b, err = d.opinions.loadState(b, now); err != nil {
		return b, err
	}
	for _, part := range d.parts {
		if b, err = part.LoadState(b, now); err != nil {
			return b, err
		}
	}
	return b, nil
}
