package detectors

import (
	"encoding/binary"
	"math"

	"suspect/detectors/seeded"
	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "timeout-2d-r",
		Source: "Kleppmann, \"Designing Data-Intensive Applications\", O'Reilly 2017, chapter 8, \"Timeouts and unbounded delays\": the timeout 2d + r",
		Doc:    "Sends requests to its peers, and suspects one that leaves a request without response for twice the maximal delay and the maximal processing time.",
		Claims: []model.Claim{
			{Class: model.P, Under: "no loss, delays of at most d, processing of a request in at most r, drift-free clocks, no pauses, all processes start together and none recovers", Given: prompt(times(1, "d"), times(40, "d", "r"))},
			{Class: model.EventuallyP, Under: "the same from some time on, except that before it processes start and messages are lost or late at will", Given: finally(prompt(times(1, "d"), times(40, "d", "r")), times(40, "d", "r"))},
		},
		Params: pingParams(
			model.Param{Name: "d", Type: model.DurationParam, Default: "100ms",
				Doc: "maximal delay of a message, one way"},
			model.Param{Name: "r", Type: model.DurationParam, Default: "100ms",
				Doc: "maximal time that a peer takes from the arrival of a request to the sending of its response"}),
		New: newTwoDR,
	})
}

// twoDR suspects a peer when 2d + r have passed since a request was sent to it, and
// neither its response nor one to a later request has come. A response to the latest
// request that should have one by now, or to a later request, ends the suspicion; older
// ones say nothing of the time since.
//
// While d and r are what they are said to be, it suspects crashed processes and no
// others, whether requests follow each other faster than responses or not. A response
// after exactly 2d + r keeps to the bounds, so what falls due does so a picosecond
// later. A crashed process is suspected within eta + 2d + r, and that picosecond.
//
// All peers are asked at once, so the requests that may still be answered are one queue
// for all of them.
type twoDR struct {
	requests Heartbeats
	responder
	peers   peers
	wait    model.Duration // 2d + r and a picosecond
	pairs   []answered
	pending []request // sent and not judged: from head on, oldest first
	head    int
	judged  int64 // the latest that should have been answered
}

// answered is what is kept of one peer.
type answered struct {
	suspected bool
	largest   int64 // number of an answered request; of no meaning if suspected
}

// request is one request to all peers, sent as late as its step came.
type request struct {
	seq  int64
	sent model.Time
}

func newTwoDR(env Env, p model.Params) (model.Automaton, error) {
	requests, err := newPings(env, p)
	if err != nil {
		return nil, err
	}
	delay, err := duration(p, "d", 0)
	if err != nil {
		return nil, err
	}
	processing, err := duration(p, "r", 0)
	if err != nil {
		return nil, err
	}
	d := &twoDR{requests: requests, responder: newResponder(env), peers: newPeers(env.Watch),
		wait: 2*delay + processing + model.Picosecond, pairs: make([]answered, len(env.Watch))}
	if seeded.Bug("an answer is waited for as if it took no time back") {
		d.wait -= delay
	}
	d.reset()
	return d, nil
}

func (d *twoDR) reset() {
	for p := range d.pairs {
		d.pairs[p] = answered{largest: -1}
	}
	d.pending, d.head, d.judged = d.pending[:0], 0, -1
}

func (d *twoDR) Step(now model.Time, in *model.Input, out *model.Output) {
	sent := len(out.Send)
	if d.requests.Step(now, out); len(out.Send) > sent {
		d.push(request{out.Send[sent].Seq, now})
	}
	if d.deadline() <= now {
		d.judge(now, out)
	}
	if m := &in.Message; in.Kind == model.Deliver && m.Kind == replyKind && 0 <= m.Seq && m.Seq < d.requests.seq {
		if p := d.peers.index(m.From); p >= 0 {
			d.receive(p, m.Seq, out)
		}
	}
	d.answer(in, out)
	out.Wake = min(d.requests.Next(), d.deadline())
}

// push adds a request to the queue.
func (d *twoDR) push(r request) {
	if len(d.pending) == cap(d.pending) && d.head > len(d.pending)/2 {
		n := copy(d.pending, d.pending[d.head:])
		d.pending, d.head = d.pending[:n], 0
	}
	d.pending = append(d.pending, r)
}

// deadline returns the time at which the oldest request in the queue should have been
// answered.
func (d *twoDR) deadline() model.Time {
	if d.head == len(d.pending) {
		return model.Never
	}
	return d.pending[d.head].sent.Add(d.wait)
}

// judge takes the requests from the queue that should have been answered, and suspects
// who has answered none as late as the last of them.
func (d *twoDR) judge(now model.Time, out *model.Output) {
	for d.deadline() <= now {
		d.judged = d.pending[d.head].seq
		d.head++
	}
	for p := range d.pairs {
		if a := &d.pairs[p]; !a.suspected && a.largest < d.judged {
			a.suspected = true
			out.Verdicts = append(out.Verdicts, model.Verdict{Peer: d.peers.id(p), Suspected: true})
		}
	}
}

// receive takes the response to request j.
func (d *twoDR) receive(p int, j int64, out *model.Output) {
	switch a := &d.pairs[p]; {
	case !a.suspected:
		a.largest = max(a.largest, j)
	case j >= d.judged:
		*a = answered{largest: j}
		out.Verdicts = append(out.Verdicts, model.Verdict{Peer: d.peers.id(p)})
	}
}

func (d *twoDR) Clone() model.Automaton {
	c := *d
	c.pairs = append([]answered(nil), d.pairs...)
	c.pending = append([]request(nil), d.pending[d.head:]...)
	c.head = 0
	return &c
}

// AppendState writes the queue: its length, and for each request by how much its number
// is below the next one and the time left to it, which is 0 for at most the first,
// since of those that should have been answered only the latest counts. Then it writes
// for each peer 0 if it is suspected, else 1 + how many in the queue it has answered;
// and last, if anybody is suspected and nothing about to be judged, by how much the
// judged number is below the next one.
func (d *twoDR) AppendState(b []byte, now model.Time) []byte {
	b = d.requests.AppendState(b, now)
	if !d.requests.started {
		return b
	}
	queue := d.pending[d.head:]
	due := func(r request) bool { return r.sent.Add(d.wait) <= now }
	for len(queue) > 1 && due(queue[1]) {
		queue = queue[1:]
	}
	b = binary.AppendUvarint(b, uint64(len(queue)))
	for _, r := range queue {
		b = binary.AppendUvarint(b, uint64(d.requests.upcoming(now)-r.seq))
		b = binary.AppendUvarint(b, uint64(max(0, r.sent.Add(d.wait).Sub(now))))
	}
	suspects := false
	for _, a := range d.pairs {
		var code uint64
		suspects = suspects || a.suspected
		if !a.suspected {
			code = 1
			for _, r := range queue {
				if r.seq <= a.largest {
					code++
				}
			}
		}
		b = binary.AppendUvarint(b, code)
	}
	if suspects && !(len(queue) > 0 && due(queue[0])) {
		b = binary.AppendUvarint(b, uint64(d.requests.upcoming(now)-d.judged))
	}
	return b
}

func (d *twoDR) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	b, err = d.requests.LoadState(b, now)
	d.reset()
	if err != nil || !d.requests.started {
		return b, err
	}
	// later reads the number of a request that is later than another.
	later := func(than int64) (seq int64, err error) {
		var distance uint64
		distance, b, err = uvarint(b)
		if seq = d.requests.seq - int64(distance); err != nil || distance < 1 || distance > math.MaxInt64/2 || seq <= than {
			return 0, errEncoding
		}
		return seq, nil
	}
	var n uint64
	if n, b, err = uvarint(b); err != nil {
		return b, err
	}
	for seq, left := int64(-1), int64(-1); n > 0; n-- {
		if seq, err = later(seq); err != nil {
			return b, err
		}
		var v uint64
		if v, b, err = uvarint(b); err != nil || v > uint64(d.wait) || int64(v) <= left {
			return b, errEncoding
		}
		left = int64(v)
		d.push(request{seq, now + model.Time(left) - model.Time(d.wait)})
	}
	suspects := false
	for p := range d.pairs {
		var code uint64
		if code, b, err = uvarint(b); err != nil || code > uint64(len(d.pending))+1 {
			return b, errEncoding
		}
		suspects = suspects || code == 0
		d.pairs[p] = answered{suspected: code == 0, largest: -1}
		if code > 1 {
			d.pairs[p].largest = d.pending[code-2].seq
		}
	}
	if suspects && d.deadline() > now {
		if d.judged, err = later(-2); err != nil {
			return b, err
		}
	}
	return b, nil
}
