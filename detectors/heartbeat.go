package detectors

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"

	"suspect/detectors/seeded"
	"suspect/model"
)

// HeartbeatKind is the kind of the message that is a standard heartbeat. Its Seq
// is the heartbeat's number i.
const HeartbeatKind = 1

// HeartbeatParams returns the parameters of the standard heartbeat, followed by
// the detector's own.
func HeartbeatParams(own ...model.Param) []model.Param {
	return append([]model.Param{
		{Name: "eta", Type: model.DurationParam, Default: "1s",
			Doc: "period of the heartbeats"},
		{Name: "stagger", Type: model.SwitchParam, Default: "true",
			Doc: "spread the processes' heartbeats evenly over the period, rather than send them all at once"},
	}, own...)
}

// schedule is the times at which everybody's heartbeats are sent, on clocks that
// agree: process p sends heartbeat i >= 0 at
//
//	sigma_i = i*eta + offset_p
//
// offset_p is p*eta/N, rounded down, if the processes are staggered, else zero.
type schedule struct {
	eta     model.Duration
	n       int
	stagger bool
	maxSeq  int64 // no run is long enough for a larger number
}

func (s *schedule) offset(p model.ProcessID) model.Duration {
	if !s.stagger {
		return 0
	}
	hi, lo := bits.Mul64(uint64(p), uint64(s.eta))
	offset, _ := bits.Div64(hi, lo, uint64(s.n))
	return model.Duration(offset)
}

// sigma returns the time at which p sends heartbeat i.
func (s *schedule) sigma(p model.ProcessID, i int64) model.Time {
	return model.Time(i*int64(s.eta) + int64(s.offset(p)))
}

// index returns the largest i, perhaps negative, with sigma_i <= t.
func (s *schedule) index(p model.ProcessID, t model.Time) int64 {
	return floorDiv(int64(t)-int64(s.offset(p)), int64(s.eta))
}

// period returns the number of the period of the local clock in which t lies.
func (s *schedule) period(t model.Time) int64 { return floorDiv(int64(t), int64(s.eta)) }

// plausible tells whether i can be the number of a heartbeat.
func (s *schedule) plausible(i int64) bool { return 0 <= i && i <= s.maxSeq }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Heartbeats is the sending half of the detectors that live on heartbeats: it
// sends heartbeat i to every watcher at local time
//
//	sigma_i = i*eta + offset
//
// where the offset spreads the processes over the period (see
// [HeartbeatParams]). The number i follows from the clock alone, so a process
// that recovers goes on with the right one, and a monitor whose clock agrees
// knows every sigma_i, as NFD-S requires. The first heartbeat is the first that
// falls due at or after the first step.
//
// When steps come late, as after a pause, only the newest heartbeat that is due
// is sent. In the model of Chen, Toueg and Aguilera the earlier ones count as
// lost; a monitor would learn nothing from them that the newest does not tell.
type Heartbeats struct {
	schedule schedule
	kind     uint8
	self     model.ProcessID
	watchers []model.ProcessID
	next     model.Time // when heartbeat seq is due
	seq      int64
	started  bool
}

// NewHeartbeats returns the sender of env.Self, for parameters that include
// those of [HeartbeatParams].
func NewHeartbeats(env Env, p model.Params) (Heartbeats, error) {
	if err := env.Check(); err != nil {
		return Heartbeats{}, err
	}
	eta, err := duration(p, "eta", model.Picosecond)
	if err != nil {
		return Heartbeats{}, err
	}
	return newSender(env, eta, p.Switch("stagger"), HeartbeatKind, env.Watchers), nil
}

// newSender returns a sender of messages of the given kind that follow the schedule of
// heartbeats with the given period.
func newSender(env Env, period model.Duration, stagger bool, kind uint8, to []model.ProcessID) Heartbeats {
	return Heartbeats{
		schedule: schedule{period, env.N, stagger, int64(model.MaxTime) / int64(period)},
		kind:     kind,
		self:     env.Self,
		watchers: to,
		next:     math.MinInt64, // so that the first step is due
	}
}

// Step sends what is due at local time now, and tells whether this was the first
// step.
func (h *Heartbeats) Step(now model.Time, out *model.Output) (first bool) {
	if now < h.next {
		return false
	}
	first = !h.started
	newest := h.schedule.index(h.self, now)
	if first {
		h.started = true
		h.seq = newest
		if h.seq < 0 || h.schedule.sigma(h.self, newest) < now {
			h.seq++
		}
	}
	if newest >= h.seq {
		for i, q := range h.watchers {
			if seeded.Bug("the last watcher gets no heartbeat") && i == len(h.watchers)-1 {
				break
			}
			out.Send = append(out.Send, model.Message{From: h.self, To: q, Kind: h.kind, Seq: newest})
		}
		h.seq = newest + 1
	}
	h.next = h.schedule.sigma(h.self, h.seq)
	return first
}

// Next returns the local time at which the next heartbeat is due; the caller
// asks for a wake-up no later than that.
func (h *Heartbeats) Next() model.Time {
	if len(h.watchers) == 0 {
		return model.Never
	}
	return h.next
}

// Of the state of a sender.
const (
	notStarted byte = iota
	idle
	due // a heartbeat is due, and no step has come since
)

// upcoming returns the number of the next heartbeat that a step at now or later sends:
// of several that are due, the newest. Encodings count from it.
func (h *Heartbeats) upcoming(now model.Time) int64 {
	if now >= h.next {
		return max(h.seq, h.schedule.index(h.self, now))
	}
	return h.seq
}

// AppendState appends the state to b: what is left of the period at now, and
// whether a heartbeat is due.
func (h *Heartbeats) AppendState(b []byte, now model.Time) []byte {
	state := idle
	switch {
	case !h.started:
		state = notStarted
	case now >= h.next:
		state = due
	}
	left := h.schedule.sigma(h.self, h.schedule.index(h.self, now)+1).Sub(now)
	return binary.AppendUvarint(append(b, state), uint64(left))
}

var errEncoding = errors.New("not the encoded state of such a detector")

// LoadState is the inverse of AppendState. The time now must lie in the period
// as the time of the encoding did: sending follows the clock.
func (h *Heartbeats) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	if len(b) == 0 || b[0] > due {
		return b, errEncoding
	}
	state := b[0]
	left, b, err := uvarint(b[1:])
	seq := h.schedule.index(h.self, now) + 1
	if err != nil || left != uint64(h.schedule.sigma(h.self, seq).Sub(now)) {
		return b, errEncoding
	}
	h.started = state != notStarted
	if state == due {
		seq--
	}
	h.seq, h.next = seq, h.schedule.sigma(h.self, seq)
	if !h.started {
		h.seq, h.next = 0, math.MinInt64
	}
	return b, nil
}

// uvarint splits a number off b.
func uvarint(b []byte) (v uint64, rest []byte, err error) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, b, errEncoding
	}
	return v, b[n:], nil
}

// varint splits a signed number off b.
func varint(b []byte) (v int64, rest []byte, err error) {
	v, n := binary.Varint(b)
	if n <= 0 {
		return 0, b, errEncoding
	}
	return v, b[n:], nil
}
