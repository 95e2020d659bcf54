package detectors

import (
	"encoding/binary"
	"fmt"
	"slices"

	"suspect/detectors/seeded"
	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "bfd",
		Source: "RFC 5880 (Bidirectional Forwarding Detection), sections 6.2 to 6.8: asynchronous mode, and demand mode",
		Doc:    "Keeps a BFD session with each neighbour, and suspects one whose session goes down: because no packet came for the detection time, or because the neighbour says so.",
		Claims: []model.Claim{
			{Class: model.P, Under: "no loss, delays below the detection time less a transmit interval, packets in the order of their sending, sessions up within setup, drift-free clocks, no pauses, all processes start together and none recovers", Given: ordered(prompt(bfdMargin, bfdWithin))},
			{Class: model.EventuallyP, Under: "the same from some time on, except that before it processes start and messages are lost or late at will", Given: finally(ordered(prompt(bfdMargin, bfdWithin)), bfdWithin)},
		},
		Params: []model.Param{
			{Name: "tx", Type: model.DurationParam, Default: "250ms",
				Doc: "DesiredMinTxInterval once the session is up, in whole microseconds; until then it is at least 1s"},
			{Name: "rx", Type: model.DurationParam, Default: "250ms",
				Doc: "RequiredMinRxInterval, in whole microseconds: packets are sent no faster than that to this process"},
			{Name: "multiplier", Type: model.CountParam, Default: "3",
				Doc: "DetectMult: how many packets in a row must be missed, 1 to 255"},
			{Name: "demand", Type: model.SwitchParam, Default: "false",
				Doc: "demand mode: once a session is up, send nothing but poll sequences"},
			{Name: "poll", Type: model.DurationParam, Default: "1s",
				Doc: "in demand mode, time from one poll sequence to the next"},
			{Name: "setup", Type: model.DurationParam, Default: "10s",
				Doc: "time after the start until a neighbour is suspected whose session has not been up yet"},
		},
		New: newBFD,
	})
}

// bfd is RFC 5880, with one session for each process that this one watches or that
// watches it. A neighbour is suspected while its session is not up, except that at first
// each has the time setup, which the RFC leaves to its clients.
//
// Packets are sent at the transmit interval, the greater of the own DesiredMinTxInterval
// and the remote RequiredMinRxInterval, less a random 0 to 25% of it each time; or 10 to
// 25% if the multiplier is 1 (section 6.8.7). Here that is in whole percents. One is sent
// at once when its contents change. Until a session is up, the DesiredMinTxInterval is at
// least 1 s (6.8.3).
//
// In asynchronous mode the session goes down when no packet came for the detection time
//
//	remote DetectMult * max(own RequiredMinRxInterval, remote DesiredMinTxInterval)
//
// (6.8.4), so intervals of 50 ms and a multiplier of 3 make 150 ms. In demand mode the
// other side falls silent, and the session goes down when a poll sequence is not answered
// within
//
//	own DetectMult * max(own DesiredMinTxInterval, remote RequiredMinRxInterval)
//
// of its beginning. A poll sequence also accompanies each change of the own intervals
// (6.8.3). A packet that comes at the very moment at which the detection time is over is
// too late.
//
// Left out are discriminators, so that packets of a neighbour's earlier life count; the
// echo function; authentication; the passive role; and administrative shutdown of the own
// side. Intervals above a minute are refused, from users and in packets, which the RFC
// does not. The payload is 24 bytes (4.1).
type bfd struct {
	self       model.ProcessID
	peers      peers // all neighbours
	watched    []bool
	tx, rx     model.Duration // minimal intervals
	multiplier int64
	demand     bool
	poll       model.Duration
	setup      model.Duration
	started    bool
	grace      model.Time // by when young sessions must be up
	sessions   []bfdSession
	transmit   timers // next periodic transmissions
	detect     timers // ends of detection times, and next poll sequences
}

// bfdSession is the state variables of a session (section 6.8.1).
type bfdSession struct {
	state, remote bfdState
	remoteDemand  bool
	polling       bool  // a poll sequence is under way
	young         bool  // has never been up, and need not yet
	said          uint8 // flags of the last packet, without poll and final
	multiplier    int64 // of the remote side
	minTx, minRx  model.Duration

	// since is where the detection time begins: the last arrival; in demand mode the
	// beginning of the poll sequence, or the end of the last one.
	since model.Time
}

// bfdState is a session's state, as in a packet.
type bfdState uint8

const (
	bfdAdminDown bfdState = iota
	bfdDown
	bfdInit
	bfdUp
)

// A packet's Seq is its DetectMult, times 256, and its second byte: the state, times 64,
// and flags. Its Arg is its DesiredMinTxInterval in microseconds, times 2^32, and its
// RequiredMinRxInterval.
const bfdKind = HeartbeatKind + 1

const (
	bfdPoll   = 1 << 5
	bfdFinal  = 1 << 4
	bfdDemand = 1 << 1

	bfdBytes   = 24
	bfdSlow    = model.Second // minimal DesiredMinTxInterval of a session that is not up
	bfdLongest = model.Minute
)

func newBFD(env Env, p model.Params) (model.Automaton, error) {
	if err := env.Check(); err != nil {
		return nil, err
	}
	all := neighbours(env)
	n := len(all)
	d := &bfd{self: env.Self, peers: newPeers(all), watched: contained(all, env.Watch), multiplier: p.Count("multiplier"), demand: p.Switch("demand"),
		grace: model.Never, sessions: make([]bfdSession, n), transmit: newTimers(n), detect: newTimers(n)}
	var err error
	if d.tx, err = bfdInterval(p, "tx"); err != nil {
		return nil, err
	}
	if d.rx, err = bfdInterval(p, "rx"); err != nil {
		return nil, err
	}
	if d.multiplier < 1 || d.multiplier > 255 {
		return nil, &model.ParamError{Name: "multiplier", Err: fmt.Errorf("%d is out of range: from 1 to 255", d.multiplier)}
	}
	if d.poll, err = duration(p, "poll", model.Microsecond); err != nil {
		return nil, err
	}
	if d.setup, err = duration(p, "setup", model.Picosecond); err != nil {
		return nil, err
	}
	return d, nil
}

func bfdInterval(p model.Params, name string) (model.Duration, error) {
	d, err := duration(p, name, model.Microsecond)
	if err == nil && (d > bfdLongest || d%model.Microsecond != 0) {
		err = &model.ParamError{Name: name, Err: fmt.Errorf("%v is not a whole number of microseconds up to %v", d, bfdLongest)}
	}
	return d, err
}

// desiredTx returns the own DesiredMinTxInterval.
func (d *bfd) desiredTx(s *bfdSession) model.Duration {
	if s.state == bfdUp {
		return d.tx
	}
	return max(d.tx, bfdSlow)
}

// interval returns the transmit interval, without jitter (section 6.8.2).
func (d *bfd) interval(s *bfdSession) model.Duration { return max(d.desiredTx(s), s.minRx) }

// demanding tells whether demand mode is active on this side: the other is silent.
func (d *bfd) demanding(s *bfdSession) bool {
	return d.demand && s.state == bfdUp && s.remote == bfdUp
}

// periodic tells whether this side sends packets periodically.
func (s *bfdSession) periodic() bool {
	demanded := s.remoteDemand && s.state == bfdUp && s.remote == bfdUp
	return s.minRx > 0 && (!demanded || s.polling)
}

// detectAt returns when the session goes down, or in demand mode may be when the next poll
// sequence begins.
func (d *bfd) detectAt(s *bfdSession) model.Time {
	if s.state == bfdDown {
		return model.Never
	}
	return s.since.Add(d.detectionTime(s))
}

func (d *bfd) detectionTime(s *bfdSession) model.Duration {
	switch {
	case seeded.Bug("one missed packet is enough"):
		return max(d.rx, s.minTx)
	case !d.demanding(s):
		return model.Duration(s.multiplier) * max(d.rx, s.minTx)
	case s.polling:
		return model.Duration(d.multiplier) * d.interval(s)
	}
	return d.poll
}

func (d *bfd) Step(now model.Time, in *model.Input, out *model.Output) {
	if !d.started {
		d.started = true
		d.grace = now.Add(d.setup)
		for k := range d.sessions {
			d.sessions[k] = bfdSession{state: bfdDown, remote: bfdDown, young: true, minRx: model.Microsecond}
			d.transmit.set(k, now)
		}
	}
	before := len(out.Verdicts)
	for _, k := range d.detect.pop(now) {
		d.expire(k, now, in, out)
	}
	if now >= d.grace {
		d.grace = model.Never
		for k := range d.sessions {
			if s := &d.sessions[k]; s.young {
				s.young = false
				d.say(k, true, out)
			}
		}
	}
	sortVerdicts(out.Verdicts[before:])
	for _, k := range d.transmit.pop(now) {
		d.send(k, 0, out)
		d.schedule(k, now, in)
	}
	if m := &in.Message; in.Kind == model.Deliver && m.Kind == bfdKind {
		if k := d.peers.index(m.From); k >= 0 && wellFormed(m) {
			d.receive(k, now, in, out)
		}
	}
	out.Wake = min(d.transmit.next(), d.detect.next(), d.patience())
}

// expire is what happens at detectAt.
func (d *bfd) expire(k int, now model.Time, in *model.Input, out *model.Output) {
	s := &d.sessions[k]
	if d.demanding(s) && !s.polling {
		s.polling, s.since = true, now
		d.send(k, 0, out)
		d.schedule(k, now, in)
	} else {
		d.enter(k, bfdDown, out)
		d.announce(k, now, in, out)
	}
	d.detect.set(k, d.detectAt(s))
}

// wellFormed tells whether m can be a packet (section 6.8.6).
func wellFormed(m *model.Message) bool {
	const poll, final, demand, state = bfdPoll, bfdFinal, bfdDemand, 3 << 6
	return m.Seq>>16 == 0 && m.Seq>>8 != 0 && m.Seq&0xff&^(poll|final|demand|state) == 0 && m.Seq&(poll|final) != poll|final &&
		0 <= m.Arg && m.Arg>>32 <= int64(bfdLongest/model.Microsecond) && m.Arg&0xffffffff <= int64(bfdLongest/model.Microsecond)
}

// receive takes a packet (section 6.8.6).
func (d *bfd) receive(k int, now model.Time, in *model.Input, out *model.Output) {
	s, m := &d.sessions[k], &in.Message
	demanding, interval := d.demanding(s), d.interval(s)
	polled := m.Seq&bfdPoll != 0
	s.multiplier = m.Seq >> 8
	s.remote = bfdState(m.Seq >> 6 & 3)
	s.remoteDemand = m.Seq&bfdDemand != 0
	s.minTx = model.Duration(m.Arg>>32) * model.Microsecond
	s.minRx = model.Duration(m.Arg&0xffffffff) * model.Microsecond
	answered := s.polling && m.Seq&bfdFinal != 0
	s.polling = s.polling && !answered
	switch {
	case s.remote == bfdAdminDown:
		d.enter(k, bfdDown, out)
	case s.state == bfdDown && s.remote == bfdDown:
		d.enter(k, bfdInit, out)
	case s.state == bfdDown && s.remote == bfdInit, s.state == bfdInit && s.remote >= bfdInit:
		d.enter(k, bfdUp, out)
	case s.state == bfdUp && s.remote == bfdDown:
		d.enter(k, bfdDown, out)
	}
	if !demanding || !d.demanding(s) || answered {
		s.since = now
	}
	if polled {
		d.send(k, bfdFinal, out)
	}
	if !d.announce(k, now, in, out) && (interval != d.interval(s) || s.periodic() != d.transmit.has(k)) {
		d.schedule(k, now, in)
	}
	d.detect.set(k, d.detectAt(s))
}

// enter changes the state of a session.
func (d *bfd) enter(k int, state bfdState, out *model.Output) {
	s := &d.sessions[k]
	if s.state == state {
		return
	}
	desired, was := d.desiredTx(s), s.state
	s.state = state
	s.polling = s.polling || d.desiredTx(s) != desired
	if (was == bfdUp) != (state == bfdUp) {
		if !s.young {
			d.say(k, state != bfdUp, out)
		}
		s.young = false
	}
}

func (d *bfd) say(k int, suspected bool, out *model.Output) {
	if d.watched[k] {
		out.Verdicts = append(out.Verdicts, model.Verdict{Peer: d.peers.id(k), Suspected: suspected})
	}
}

// contents returns the flags of a packet, without poll and final.
func (d *bfd) contents(s *bfdSession) uint8 {
	b := uint8(s.state) << 6
	if d.demanding(s) {
		b |= bfdDemand
	}
	return b
}

// announce sends a packet at once, and tells so, if it differs from the last one and the
// other side wants any.
func (d *bfd) announce(k int, now model.Time, in *model.Input, out *model.Output) bool {
	s := &d.sessions[k]
	if s.said == d.contents(s) || s.minRx == 0 {
		return false
	}
	d.send(k, 0, out)
	d.schedule(k, now, in)
	return true
}

// send sends a packet: a final one, or one that polls if a poll sequence is under way.
func (d *bfd) send(k int, final uint8, out *model.Output) {
	s := &d.sessions[k]
	s.said = d.contents(s)
	flags := s.said | final
	if s.polling && final == 0 {
		flags |= bfdPoll
	}
	out.Send = append(out.Send, model.Message{From: d.self, To: d.peers.id(k), Kind: bfdKind, Bytes: bfdBytes,
		Seq: d.multiplier<<8 | int64(flags),
		Arg: int64(d.desiredTx(s)/model.Microsecond)<<32 | int64(d.rx/model.Microsecond)})
}

// schedule sets the time of the next periodic packet, with jitter.
func (d *bfd) schedule(k int, now model.Time, in *model.Input) {
	s := &d.sessions[k]
	if !s.periodic() {
		d.transmit.set(k, model.Never)
		return
	}
	percent := 100 - in.Random.IntN(26)
	if d.multiplier == 1 {
		percent = 90 - in.Random.IntN(16)
	}
	d.transmit.set(k, now.Add(permille(d.interval(s), 10*percent)))
}

// patience returns the time at which young sessions will be suspected.
func (d *bfd) patience() model.Time {
	if d.grace == model.Never || slices.ContainsFunc(d.sessions, func(s bfdSession) bool { return s.young }) {
		return d.grace
	}
	d.grace = model.Never // nothing is young again
	return d.grace
}

func (d *bfd) Clone() model.Automaton {
	c := *d
	c.sessions = append([]bfdSession(nil), d.sessions...)
	c.transmit, c.detect = d.transmit.clone(), d.detect.clone()
	return &c
}

// AppendState writes whether the detector has started and the time left to young sessions;
// and for each session its states and flags, what the last packets from both sides said,
// and what is left until the next periodic packet and of the detection time.
func (d *bfd) AppendState(b []byte, now model.Time) []byte {
	if !d.started {
		return append(b, notStarted)
	}
	b = appendLeft(append(b, idle), d.grace, now)
	for k := range d.sessions {
		s := &d.sessions[k]
		b = append(b, byte(s.state)<<2|byte(s.remote), flagBits(s.remoteDemand, s.polling, s.young), s.said, byte(s.multiplier))
		b = binary.AppendUvarint(b, uint64(s.minTx/model.Microsecond))
		b = binary.AppendUvarint(b, uint64(s.minRx/model.Microsecond))
		b = appendLeft(b, d.transmit.at(k), now)
		b = appendLeft(b, d.detect.at(k), now)
	}
	return b
}

func (d *bfd) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	clear(d.sessions)
	d.transmit.clear()
	d.detect.clear()
	d.grace = model.Never
	if len(b) == 0 || b[0] > idle {
		return b, errEncoding
	}
	d.started = b[0] == idle
	b = b[1:]
	if !d.started {
		return b, nil
	}
	if d.grace, b, err = loadLeft(b, now, d.setup); err != nil {
		return b, err
	}
	for k := range d.sessions {
		if b, err = d.loadSession(k, b, now); err != nil {
			return b, err
		}
	}
	d.patience()
	return b, nil
}

func (d *bfd) loadSession(k int, b []byte, now model.Time) (rest []byte, err error) {
	s := &d.sessions[k]
	if len(b) < 4 || b[0]>>4 != 0 || b[0]>>2 == byte(bfdAdminDown) || b[1] > 7 {
		return b, errEncoding
	}
	*s = bfdSession{state: bfdState(b[0] >> 2), remote: bfdState(b[0] & 3), said: b[2], multiplier: int64(b[3]),
		remoteDemand: b[1]&1 != 0, polling: b[1]&2 != 0, young: b[1]&4 != 0}
	if s.young && (s.state == bfdUp || d.grace == model.Never) {
		return b, errEncoding
	}
	b = b[4:]
	for _, to := range []*model.Duration{&s.minTx, &s.minRx} {
		var v uint64
		if v, b, err = uvarint(b); err != nil || v > uint64(bfdLongest/model.Microsecond) {
			return b, errEncoding
		}
		*to = model.Duration(v) * model.Microsecond
	}
	transmit, b, err := loadLeft(b, now, bfdLongest)
	if err != nil {
		return b, err
	}
	d.transmit.set(k, transmit)
	detect, b, err := loadLeft(b, now, max(255*bfdLongest, d.poll))
	if err != nil || (detect == model.Never) != (s.state == bfdDown) || s.state != bfdDown && detect > now.Add(d.detectionTime(s)) {
		return b, errEncoding
	}
	if s.state != bfdDown {
		s.since = detect - model.Time(d.detectionTime(s))
		d.detect.set(k, detect)
	}
	return b, nil
}
