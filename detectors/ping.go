package detectors

import "suspect/model"

func init() {
	Register(Spec{
		Name:   "ping",
		Source: "folklore; the pull style of Felber, Défago, Guerraoui, Oser, \"Failure detectors as first class objects\", DOA 1999",
		Doc:    "Pings its peers, and suspects one from which no reply has arrived for a fixed time.",
		Claims: []model.Claim{
			{Class: model.P, Under: "no loss, round trips below timeout - eta, drift-free clocks, no pauses, all processes start together and none recovers", Given: prompt(half(less("timeout", "eta")), times(2, "timeout"))},
			{Class: model.EventuallyP, Under: "the same from some time on, except that before it processes start and messages are lost or late at will", Given: finally(prompt(half(less("timeout", "eta")), times(2, "timeout")), times(2, "timeout"))},
		},
		Params: pingParams(model.Param{Name: "timeout", Type: model.DurationParam, Default: "3s",
			Doc: "time without a reply after which a peer is suspected"}),
		New: newPing,
	})
}

// The messages of the detectors that ask. The reply has the Seq of its ping.
const (
	pingKind = HeartbeatKind + 1 + iota
	replyKind
)

// pingParams returns the parameters of pings that follow the schedule of heartbeats,
// followed by the detector's own.
func pingParams(own ...model.Param) []model.Param {
	return append([]model.Param{
		{Name: "eta", Type: model.DurationParam, Default: "1s",
			Doc: "period of the pings"},
		{Name: "stagger", Type: model.SwitchParam, Default: "true",
			Doc: "spread the processes' pings evenly over the period, rather than have all ask at once"},
	}, own...)
}

// newPings returns a sender of pings to those whom env.Self watches, on the schedule on
// which others send heartbeats to those who watch them.
func newPings(env Env, p model.Params) (Heartbeats, error) {
	h, err := NewHeartbeats(env, p)
	h.kind, h.watchers = pingKind, env.Watch
	return h, err
}

// responder answers pings of those who watch, at once.
type responder struct {
	self     model.ProcessID
	watchers peers
}

func newResponder(env Env) responder { return responder{env.Self, newPeers(env.Watchers)} }

func (r *responder) answer(in *model.Input, out *model.Output) {
	m := &in.Message
	if in.Kind == model.Deliver && m.Kind == pingKind && r.watchers.index(m.From) >= 0 {
		out.Send = append(out.Send, model.Message{From: r.self, To: m.From, Kind: replyKind, Seq: m.Seq})
	}
}

// ping is the plain timeout in pull style: where that waits for heartbeats, this waits
// for replies, to whatever ping. A crashed peer is suspected when the timeout has passed
// since its last reply arrived. One that judges each ping by itself is [twoDR].
type ping struct {
	timeout
	responder
}

func newPing(env Env, p model.Params) (model.Automaton, error) {
	h, err := newPings(env, p)
	if err != nil {
		return nil, err
	}
	t, err := newSilence(env, p, h, replyKind)
	if err != nil {
		return nil, err
	}
	return &ping{*t, newResponder(env)}, nil
}

func (d *ping) Step(now model.Time, in *model.Input, out *model.Output) {
	d.timeout.Step(now, in, out)
	d.answer(in, out)
}

func (d *ping) Clone() model.Automaton {
	return &ping{*d.timeout.Clone().(*timeout), d.responder}
}
