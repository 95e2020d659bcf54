package detectors

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"suspect/model"
)

// Typed is a detector that names the kinds of failure. Its verdicts call back when an
// opinion changes; Findings is the query, with what verdicts have no place for.
type Typed interface {
	model.Automaton

	// Findings appends to to what is held of the peer at local time now, in the order of
	// kinds, at most one finding of each. Of a peer that is not watched there are none.
	// Since is for those who ask and steers no verdict: an encoded state leaves it out,
	// and a loaded one has it begin anew.
	Findings(peer model.ProcessID, now model.Time, to []model.Finding) []model.Finding
}

// Reason is what a finding rests on.
type Reason struct {
	Kind     model.FailureKind  // of the finding
	Evidence model.EvidenceKind // NoEvidence: a silence that became too long, unless Told
	Told     bool               // by a message of the process From
	From     model.ProcessID    // the node that told, or that was silent
	Place    model.Place        // that the evidence names, if the granularity tells places
	At       model.Time         // local time at which it came, or the silence became too long
}

// String returns r as "partition: port-state from n7 of link=3 at 2s", "process-crash:
// silence of n4 at 3s" or "partition: word of p0 at 4s".
func (r Reason) String() string {
	s := fmt.Sprintf("%v: silence of n%d", r.Kind, r.From)
	switch {
	case r.Told:
		s = fmt.Sprintf("%v: word of p%d", r.Kind, r.From)
	case r.Evidence != model.NoEvidence:
		s = fmt.Sprintf("%v: %v from n%d", r.Kind, r.Evidence, r.From)
	}
	if r.Place != model.Nowhere {
		s += fmt.Sprintf(" of %v", r.Place)
	}
	return s + fmt.Sprintf(" at %v", r.At)
}

// Explainer is a typed detector that tells why it says what it says.
type Explainer interface {
	// Explain appends the reasons of the findings on a peer at local time now, in the
	// order of kinds, one or more for each.
	Explain(peer model.ProcessID, now model.Time, to []Reason) []Reason
}

// granularity is how much the findings of a typed detector tell.
type granularity uint8

const (
	reportKind  granularity = iota // the kind of failure and no more
	reportPlace                    // and where it is
	reportFull                     // and how certain it is, how long it lasts, and warnings
)

var granularityNames = []string{"kind", "place", "full"}

// typedParams returns the parameters of typed detectors, after their own.
func typedParams(own ...model.Param) []model.Param {
	return append(own, model.Param{Name: "report", Type: model.TextParam, Default: "full",
		Doc: "what is told of a failure: kind; place, which is kind and place; or full, which is these with certainty, duration and warnings of what is to come"})
}

func newGranularity(p model.Params) (granularity, error) {
	if i := slices.Index(granularityNames, p.Text("report")); i >= 0 {
		return granularity(i), nil
	}
	return 0, &model.ParamError{Name: "report", Err: fmt.Errorf("%q is none of: %s", p.Text("report"), strings.Join(granularityNames, ", "))}
}

// coarsen takes from f what g does not tell. A warning of what has not come would be
// false without the word that it is one, so below the full report there is none.
func (g granularity) coarsen(f model.Finding) (coarse model.Finding, told bool) {
	if g < reportFull {
		if f.Warning {
			return model.Finding{}, false
		}
		f.Certainty, f.Lasts = 0, 0
	}
	if g < reportPlace {
		f.Place = model.Nowhere
	}
	return f, true
}

// opinions is what a typed detector holds of its peers: a set of findings of each, at most
// one of a kind, no finer than is to be told, each with its reason. Embedded, it makes an
// automaton a [Typed] one and an [Explainer]. Peers are given by their numbers.
//
// A verdict is written when a finding begins or ends, and when a warning becomes a fact or
// a fact a warning: then first the old one ends. When a finding changes otherwise, as in
// its place or duration, only the answers to queries do.
type opinions struct {
	granularity granularity
	peers       peers
	held        [][]opinion // of each peer, in the order of kinds
}

type opinion struct {
	finding model.Finding // without Lasts
	until   model.Time    // when it is expected to end; 0: not told
	reason  Reason
}

// newOpinions returns the empty opinions of env.Self, for parameters that include those
// of [typedParams].
func newOpinions(env Env, p model.Params) (opinions, error) {
	g, err := newGranularity(p)
	return opinions{g, newPeers(env.Watch), make([][]opinion, len(env.Watch))}, err
}

// find returns where the opinion of the given kind is or belongs.
func (o *opinions) find(peer int, k model.FailureKind) (at int, found bool) {
	for i := range o.held[peer] {
		if have := o.held[peer][i].finding.Kind; have >= k {
			return i, have == k
		}
	}
	return len(o.held[peer]), false
}

// holds tells whether a finding of the kind is held, be it a warning.
func (o *opinions) holds(peer int, k model.FailureKind) bool {
	_, found := o.find(peer, k)
	return found
}

// suspects tells whether any finding is held.
func (o *opinions) suspects(peer int) bool { return len(o.held[peer]) > 0 }

// hold holds f from now on, for the given reason, rather than what was held of that kind.
// The Since of f and the Kind and At of why are filled in: a finding that is held already
// keeps its Since and, if evidence of the same kind from the same node is its reason, that
// reason's time.
func (o *opinions) hold(peer int, now model.Time, f model.Finding, why Reason, out *model.Output) {
	f, told := o.granularity.coarsen(f)
	if !told {
		o.withdraw(peer, f.Kind, out)
		return
	}
	if o.granularity < reportPlace {
		why.Place = model.Nowhere
	}
	why.Kind, why.At = f.Kind, now
	v := model.Verdict{Peer: o.peers.id(peer), Kind: f.Kind, Suspected: true,
		Warning: f.Warning, Certainty: f.Certainty, Place: f.Place, Lasts: f.Lasts}
	fresh := opinion{f, 0, why}
	if f.Lasts > 0 {
		fresh.until = now.Add(f.Lasts)
	}
	fresh.finding.Since, fresh.finding.Lasts = now, 0
	i, found := o.find(peer, f.Kind)
	if !found {
		o.held[peer] = slices.Insert(o.held[peer], i, fresh)
		out.Verdicts = append(out.Verdicts, v)
		return
	}
	old := &o.held[peer][i]
	if old.finding.Warning != f.Warning {
		out.Verdicts = append(out.Verdicts, model.Verdict{Peer: v.Peer, Kind: v.Kind}, v)
	} else {
		fresh.finding.Since = old.finding.Since
		if old.reason.Evidence == why.Evidence && old.reason.Told == why.Told && old.reason.From == why.From && old.reason.Place == why.Place {
			fresh.reason.At = old.reason.At
		}
	}
	*old = fresh
}

// holdOnly is hold, and withdraws all other kinds, before.
func (o *opinions) holdOnly(peer int, now model.Time, f model.Finding, why Reason, out *model.Output) {
	for i := len(o.held[peer]) - 1; i >= 0; i-- {
		if k := o.held[peer][i].finding.Kind; k != f.Kind {
			o.withdraw(peer, k, out)
		}
	}
	o.hold(peer, now, f, why, out)
}

// withdraw ends the finding of a kind, if it is held.
func (o *opinions) withdraw(peer int, k model.FailureKind, out *model.Output) {
	if i, found := o.find(peer, k); found {
		o.held[peer] = slices.Delete(o.held[peer], i, i+1)
		out.Verdicts = append(out.Verdicts, model.Verdict{Peer: o.peers.id(peer), Kind: k})
	}
}

// trust ends all findings on a peer.
func (o *opinions) trust(peer int, out *model.Output) {
	for len(o.held[peer]) > 0 {
		o.withdraw(peer, o.held[peer][0].finding.Kind, out)
	}
}

// Findings implements [Typed].
func (o *opinions) Findings(peer model.ProcessID, now model.Time, to []model.Finding) []model.Finding {
	if k := o.peers.index(peer); k >= 0 {
		for _, h := range o.held[k] {
			switch {
			case h.until == model.Never:
				h.finding.Lasts = model.Forever
			case h.until > now:
				h.finding.Lasts = h.until.Sub(now)
			}
			to = append(to, h.finding)
		}
	}
	return to
}

// Explain implements [Explainer].
func (o *opinions) Explain(peer model.ProcessID, now model.Time, to []Reason) []Reason {
	if k := o.peers.index(peer); k >= 0 {
		for _, h := range o.held[k] {
			to = append(to, h.reason)
		}
	}
	return to
}

// clear forgets all that is held, without a word.
func (o *opinions) clear() {
	for p := range o.held {
		o.held[p] = o.held[p][:0]
	}
}

func (o *opinions) clone() opinions {
	c := *o
	c.held = make([][]opinion, len(o.held))
	for p := range o.held {
		c.held[p] = slices.Clone(o.held[p])
	}
	return c
}

// appendState writes for each peer how many findings are held, and each of them, with its
// reason: all that is told but times that have passed.
func (o *opinions) appendState(b []byte, now model.Time) []byte {
	for _, held := range o.held {
		b = append(b, byte(len(held)))
		for _, h := range held {
			f, r := h.finding, h.reason
			b = append(b, byte(f.Kind), flagBits(f.Warning, r.Told))
			b = binary.AppendUvarint(b, uint64(f.Certainty))
			b = binary.AppendVarint(b, int64(f.Place))
			b = appendUntil(b, h.until, now)
			b = append(b, byte(r.Evidence))
			b = binary.AppendVarint(b, int64(r.From))
			b = binary.AppendVarint(b, int64(r.Place))
		}
	}
	return b
}

// loadState is the inverse of appendState.
func (o *opinions) loadState(b []byte, now model.Time) (rest []byte, err error) {
	o.clear()
	for p := range o.held {
		if len(b) == 0 {
			return b, errEncoding
		}
		n := int(b[0])
		b = b[1:]
		last := -1
		for range n {
			var h opinion
			if h, b, err = loadOpinion(b, now); err != nil || int(h.finding.Kind) <= last {
				return b, errEncoding
			}
			if f, told := o.granularity.coarsen(h.finding); !told || f != h.finding || o.granularity < reportFull && h.until != 0 ||
				o.granularity < reportPlace && h.reason.Place != model.Nowhere {
				return b, errEncoding
			}
			last = int(h.finding.Kind)
			o.held[p] = append(o.held[p], h)
		}
	}
	return b, nil
}

func loadOpinion(b []byte, now model.Time) (h opinion, rest []byte, err error) {
	if len(b) < 2 || b[1] > 3 {
		return h, b, errEncoding
	}
	kind, warning, told := model.FailureKind(b[0]), b[1]&1 != 0, b[1]&2 != 0
	certainty, b, err := uvarint(b[2:])
	if err != nil || certainty > math.MaxUint16 {
		return h, b, errEncoding
	}
	place, b, err := int32From(b)
	if err != nil {
		return h, b, err
	}
	until, b, err := loadUntil(b, now)
	if err != nil || len(b) == 0 {
		return h, b, errEncoding
	}
	evidence := model.EvidenceKind(b[0])
	from, b, err := int32From(b[1:])
	if err != nil {
		return h, b, err
	}
	where, b, err := int32From(b)
	if err != nil {
		return h, b, err
	}
	h.finding = model.Finding{Kind: kind, Since: now, Warning: warning, Certainty: model.Certainty(certainty), Place: model.Place(place)}
	h.until = until
	h.reason = Reason{kind, evidence, told, model.ProcessID(from), model.Place(where), now}
	return h, b, nil
}

func int32From(b []byte) (v int32, rest []byte, err error) {
	wide, b, err := varint(b)
	if err != nil || wide < math.MinInt32 || wide > math.MaxInt32 {
		return 0, b, errEncoding
	}
	return int32(wide), b, nil
}

// appendUntil writes when something is expected to end: 0 if that is not told, or has
// passed, 1 if never, else 1 + what is left.
func appendUntil(b []byte, until, now model.Time) []byte {
	var code uint64
	switch {
	case until == model.Never:
		code = 1
	case until > now:
		code = 1 + uint64(until.Sub(now))
	}
	return binary.AppendUvarint(b, code)
}

func loadUntil(b []byte, now model.Time) (until model.Time, rest []byte, err error) {
	code, b, err := uvarint(b)
	switch {
	case err != nil || code > uint64(model.MaxTime):
		return 0, b, errEncoding
	case code == 0:
		return 0, b, nil
	case code == 1:
		return model.Never, b, nil
	}
	return now.Add(model.Duration(code - 1)), b, nil
}

// needsMap returns the error of a detector that asks agents and has no map of them.
func needsMap(env Env) error {
	if err := env.Check(); err != nil {
		return err
	}
	if env.Map == nil || env.Map.Hosts < env.N {
		return fmt.Errorf("it asks the agents of hosts and switches, and needs a network with a host for each of the %d processes: run it on one, rather than on messages alone", env.N)
	}
	return nil
}

// ask sends a request to the agent of a layer. All typed detectors number their requests
// by the local time of asking, so that whoever reads an answer, were it asked for by
// another detector of the same process, knows since when what it tells has been true. The
// number is that time plus one, as 0 is that of what comes by subscription; [askedAt] is the
// way back.
func ask(self, to model.ProcessID, layer model.Layer, r model.Request, arg int64, now model.Time, out *model.Output) {
	m := model.Message{From: self, To: to, Layer: layer, Kind: uint8(r), Arg: arg, Seq: int64(now) + 1}
	if r == model.Subscribe {
		m.Seq = 0
	}
	out.Send = append(out.Send, m)
}

// askedAt returns when e was asked for, if it [answers].
func askedAt(e *model.Evidence) model.Time { return model.Time(e.Seq - 1) }

// answers tells whether e answers a request that was sent after a local time, and by now.
func answers(e *model.Evidence, after, now model.Time) bool {
	return e.Seq > 0 && after < askedAt(e) && askedAt(e) <= now
}

// pushed tells whether e came by subscription and names an incarnation. Then it is no older
// than what is known of that incarnation, as each stops once.
func pushed(e *model.Evidence) bool { return e.Seq == 0 && e.Incarnation > 0 }
