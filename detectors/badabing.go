package detectors

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "badabing",
		Source: "Sommers, Barford, Duffield, Ron, \"Improving accuracy in end-to-end packet loss measurement\", SIGCOMM 2005: the prober and its estimators",
		Doc:    "Sends pairs and triples of probes at random slots, estimates from them how often and for how long the way to itself is congested, and suspects congestion where that is often.",
		Claims: []model.Claim{
			{Class: model.P, Under: "no crashes: it never names one, so that it is accurate of them for nothing"},
		},
		Params: typedParams(
			model.Param{Name: "slot", Type: model.DurationParam, Default: "5ms",
				Doc: "length of a slot"},
			model.Param{Name: "p", Type: model.ProbabilityParam, Default: "0.3",
				Doc: "probability with which an experiment begins in a slot, at least 0.001"},
			model.Param{Name: "packets", Type: model.CountParam, Default: "3",
				Doc: "packets of a probe, sent together; at most 8"},
			model.Param{Name: "alpha", Type: model.ProbabilityParam, Default: "0.1",
				Doc: "a probe near a lost one was in a congested slot if it waited longer than 1 - alpha of the longest wait before a loss"},
			model.Param{Name: "tau", Type: model.DurationParam, Default: "40ms",
				Doc: "how near that is, in time"},
			model.Param{Name: "wait", Type: model.DurationParam, Default: "100ms",
				Doc: "a packet is lost that takes so much longer than the fastest"},
			model.Param{Name: "window", Type: model.DurationParam, Default: "1s",
				Doc: "how far back a verdict looks"},
			model.Param{Name: "share", Type: model.ProbabilityParam, Default: "0.1",
				Doc: "share of the window's slots above which the way is congested"},
			model.Param{Name: "silence", Type: model.DurationParam, Default: "500ms",
				Doc: "time without any packet after which a peer is no longer taken for congested but for silent, of which nothing is said"},
			model.Param{Name: "stagger", Type: model.SwitchParam, Default: "true",
				Doc: "spread the processes' slots evenly, rather than have all begin at once"}),
		Typed: true,
		Kinds: []model.FailureKind{model.Congestion},
		New:   newBadabing,
	})
}

// badabing is the prober of loss episodes, with the estimators on the side that receives.
//
// Time is cut into slots. In each slot an experiment begins with probability p: half of
// them are basic, a probe in this slot and the next, and half are improved, with a third
// in the slot after. A probe is a few packets sent at the beginning of a slot. The choice
// follows from the sender and the number of the slot by a fixed hash, so that a receiver
// with the same parameters knows which probes to expect; it repeats after badabingCycle
// slots.
//
// A slot counts as congested if a packet of its probe is lost, or if a lost probe is at
// most tau away and a packet of its own waited longer than 1 - alpha of the longest wait
// seen. That is the longest wait of a packet that arrived just before a loss and so met
// a queue that was all but full; waits are counted from the fastest packet, so clocks may
// differ but not drift.
//
// The outcome of an experiment has a digit for each slot, 1 for a congested one. The
// estimators are those of [Episodes], over all experiments so far. The verdict compares
// the frequency in the trailing window with share; it comes wait + tau and an experiment
// late. How long the congestion lasts is told by the mean episode.
//
// It sees congestion from the peer to itself, in the class in which its monitor sends and
// on the one path of its flow. It takes for congestion whatever loses or delays packets
// for a time: loss on a link, and a host that sends or receives late. A peer that falls
// silent looks congested until silence has passed.
type badabing struct {
	opinions
	schedule  schedule // of slots
	self      model.ProcessID
	watchers  []model.ProcessID
	chance    uint64 // p·2^53
	packets   int
	keep      int // 1 - alpha, in thousandths
	tau       int64
	silence   int64 // both in slots
	wait      model.Duration
	share     float64
	window    int64 // in slots
	least     int   // experiments in it for a verdict
	ring      int64 // slots of which arrivals are kept
	started   bool
	slot      int64      // of the next probe
	next      model.Time // when that falls due
	listeners []listener
	wakes     timers
}

// listener is what is kept of one peer. Slots are those of the peer's probes.
type listener struct {
	heard    bool
	closing  int64          // the slot that closes next
	first    int64          // the slot from which on experiments count
	latest   int64          // the last slot of which a packet came
	fastest  model.Duration // from the beginning of a slot to the arrival
	longest  model.Duration // likewise, just before a loss; noWait: none seen
	previous model.Duration // the slowest of the last closed slot of which a packet came
	judge    int64          // the slot with whose closing an experiment ends, from closing on
	digits   uint8          // of the last three slots judged, the latest lowest
	slots    []probed       // by slot, modulo their number
	outcomes []uint8        // of the window, by the slot in which an experiment began: 0 none, else 1 + first digit
	counted  [3]int         // how often each is in there; of none, less what is not there yet
	episodes Episodes
}

// probed is a slot with a probe.
type probed struct {
	got   uint8          // a bit for each packet
	worst model.Duration // of those: from the beginning of the slot to the arrival
	lost  bool           // of a closed slot: not all came
}

const (
	badabingKind = 90 // Seq is the slot, Arg the number of the packet in the probe, from 1

	// badabingCycle is the number of slots after which the choice of slots repeats: 36 s
	// of slots of 5 ms.
	badabingCycle = 7200
)

// What begins in a slot.
const (
	noExperiment uint8 = iota
	basicExperiment
	improvedExperiment
)

func newBadabing(env Env, p model.Params) (model.Automaton, error) {
	if err := env.Check(); err != nil {
		return nil, err
	}
	o, err := newOpinions(env, p)
	if err != nil {
		return nil, err
	}
	slot, err := duration(p, "slot", model.Nanosecond)
	if err != nil {
		return nil, err
	}
	d := &badabing{
		opinions: o, schedule: schedule{slot, env.N, p.Switch("stagger"), int64(model.MaxTime) / int64(slot)},
		self: env.Self, watchers: env.Watchers, packets: int(p.Count("packets")), share: p.Probability("share"),
		next: math.MinInt64, listeners: make([]listener, len(env.Watch)), wakes: newTimers(len(env.Watch)),
	}
	if d.packets < 1 || d.packets > 8 {
		return nil, &model.ParamError{Name: "packets", Err: fmt.Errorf("%d is out of range: from 1 to 8", d.packets)}
	}
	if p.Probability("p") < 0.001 {
		return nil, &model.ParamError{Name: "p", Err: fmt.Errorf("%v is too rare: at least 0.001", p.Probability("p"))}
	}
	d.chance = uint64(math.Ldexp(p.Probability("p"), 53))
	d.keep = 1000 - int(math.Round(float64(p.Probability("alpha")*1000)))
	const mostSlots = 1 << 16
	slots := func(name string, least model.Duration) (int64, error) {
		length, err := duration(p, name, least)
		if err == nil && length/slot > mostSlots {
			err = &model.ParamError{Name: name, Err: fmt.Errorf("%v has more than %d slots of %v", length, mostSlots, slot)}
		}
		return int64(length / slot), err
	}
	if d.tau, err = slots("tau", 0); err != nil {
		return nil, err
	}
	if d.window, err = slots("window", slot); err != nil {
		return nil, err
	}
	waiting, err := slots("wait", slot)
	if err != nil {
		return nil, err
	}
	d.wait = p.Duration("wait")
	if d.silence, err = slots("silence", slot); err != nil {
		return nil, err
	}
	d.ring = waiting + 2*d.tau + 8
	d.least = max(1, int(float64(p.Probability("p")*float64(d.window)))/2)
	for i := range d.listeners {
		d.listeners[i].slots = make([]probed, d.ring)
		d.listeners[i].outcomes = make([]uint8, d.window)
	}
	return d, nil
}

// begins tells which experiment the given process begins in a slot.
func (d *badabing) begins(p model.ProcessID, slot int64) uint8 {
	// The finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
	z := (uint64(p)<<32 + uint64(floorMod(slot, badabingCycle)) + 1) * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	switch {
	case z>>11 >= d.chance:
		return noExperiment
	case bits.OnesCount64(z)%2 == 0:
		return basicExperiment
	}
	return improvedExperiment
}

// probes tells whether the process sends a probe in a slot.
func (d *badabing) probes(p model.ProcessID, slot int64) bool {
	return d.begins(p, slot) != noExperiment || d.begins(p, slot-1) != noExperiment || d.begins(p, slot-2) == improvedExperiment
}

func (d *badabing) Step(now model.Time, in *model.Input, out *model.Output) {
	d.send(now, out)
	for _, p := range d.wakes.pop(now) {
		d.close(p, now, out)
		d.rearm(p)
	}
	if m := &in.Message; in.Kind == model.Deliver && m.Kind == badabingKind && d.schedule.plausible(m.Seq) && 1 <= m.Arg && m.Arg <= int64(d.packets) {
		if p := d.peers.index(m.From); p >= 0 && d.probes(m.From, m.Seq) {
			d.close(p, now, out)
			d.hear(p, m.Seq, m.Arg, now, out)
			d.rearm(p)
		}
	}
	out.Wake = d.wakes.next()
	if len(d.watchers) > 0 {
		out.Wake = min(out.Wake, d.next)
	}
}

// send sends the newest probe that is due. One that is sent late looks as if it had been
// delayed on its way.
func (d *badabing) send(now model.Time, out *model.Output) {
	if now < d.next {
		return
	}
	newest := d.schedule.index(d.self, now)
	if !d.started {
		d.started = true
		if d.slot = max(0, newest); d.schedule.sigma(d.self, newest) < now {
			d.slot = max(0, newest+1)
		}
	}
	for newest >= d.slot && !d.probes(d.self, newest) {
		newest--
	}
	if newest >= d.slot {
		for _, q := range d.watchers {
			for k := range d.packets {
				out.Send = append(out.Send, model.Message{From: d.self, To: q, Kind: badabingKind, Seq: newest, Arg: int64(k + 1)})
			}
		}
		d.slot = newest + 1
	}
	d.advance()
}

// advance goes to the next slot with a probe.
func (d *badabing) advance() {
	for !d.probes(d.self, d.slot) {
		d.slot++
	}
	d.next = d.schedule.sigma(d.self, d.slot)
}

// hear takes a packet of a probe. The ring has room for the slots that can be open.
func (d *badabing) hear(p int, slot, number int64, now model.Time, out *model.Output) {
	l := &d.listeners[p]
	took := now.Sub(d.schedule.sigma(d.peers.id(p), slot))
	switch {
	case !l.heard || took < l.fastest-d.wait: // or its clock was set
		l.forget()
		l.heard, l.closing, l.first, l.latest = true, slot, slot, slot
		l.fastest, l.longest, l.previous = took, noWait, took
		l.judge = d.nextJudged(p)
	case took < l.fastest:
		l.fastest = took
		d.close(p, now, out)
	}
	if slot < l.closing || slot >= l.closing+d.ring-2*d.tau {
		return
	}
	x := &l.slots[slot%d.ring]
	if x.got == 0 || took > x.worst {
		x.worst = took
	}
	x.got |= 1 << (number - 1)
	l.latest = max(l.latest, slot)
}

// noWait stands for the longest wait before a loss when there was no loss.
const noWait = model.Duration(math.MinInt64)

// forget returns to the state before any packet came, but for the counts.
func (l *listener) forget() {
	clear(l.slots)
	clear(l.outcomes)
	*l = listener{slots: l.slots, outcomes: l.outcomes, episodes: l.episodes}
}

// closes returns the time at which a slot closes: what comes then or later is lost.
func (d *badabing) closes(p int, slot int64) model.Time {
	return d.schedule.sigma(d.peers.id(p), slot).Add(d.listeners[p].fastest + d.wait + model.Picosecond)
}

// rearm sets the time at which the peer must be looked at next.
func (d *badabing) rearm(p int) {
	at := model.Never
	if l := &d.listeners[p]; l.heard {
		at = d.closes(p, min(l.judge, l.latest+d.silence))
	}
	d.wakes.set(p, at)
}

// close closes the slots whose time has come. With slot j are judged slot j - tau and the
// experiment that began two slots before that.
func (d *badabing) close(p int, now model.Time, out *model.Output) {
	l, id := &d.listeners[p], d.peers.id(p)
	for l.heard && d.closes(p, l.closing) <= now {
		j := l.closing
		if d.probes(id, j) {
			l.settle(&l.slots[j%d.ring], d.packets)
		}
		l.digits = l.digits<<1&7 | d.digit(p, j-d.tau)
		begun := j - d.tau - 2
		var outcome uint8
		if j == l.judge {
			outcome = l.count(d.begins(id, begun))
		}
		if begun >= 0 {
			l.slide(&l.outcomes[begun%d.window], outcome)
		}
		l.closing++
		if l.slots[floorMod(j-2*d.tau, d.ring)] = (probed{}); outcome != noOutcome {
			l.judge = d.nextJudged(p)
			d.conclude(p, now, out)
		}
		if j-l.latest >= d.silence {
			l.forget()
			d.withdraw(p, model.Congestion, out)
		}
	}
}

// settle decides whether a probe was lost.
func (l *listener) settle(x *probed, packets int) {
	if x.lost = bits.OnesCount8(x.got) < packets; x.lost {
		if x.got > 0 {
			l.longest = max(l.longest, x.worst)
		} else {
			l.longest = max(l.longest, l.previous)
		}
	}
	if x.got > 0 {
		l.previous = x.worst
	}
}

// digit returns the digit of a slot, when those up to tau later are closed.
func (d *badabing) digit(p int, k int64) uint8 {
	l := &d.listeners[p]
	if k < l.first || !d.probes(d.peers.id(p), k) {
		return 0
	}
	x := &l.slots[k%d.ring]
	if x.lost {
		return 1
	}
	if l.longest < l.fastest || x.worst-l.fastest <= permille(l.longest-l.fastest, d.keep) {
		return 0
	}
	for i := max(l.first, k-d.tau); i <= k+d.tau; i++ {
		if l.slots[i%d.ring].lost {
			return 1
		}
	}
	return 0
}

// nextJudged returns the first slot, from closing on, with whose closing an experiment is
// judged that began in the first slot or later.
func (d *badabing) nextJudged(p int) int64 {
	l := &d.listeners[p]
	j := max(l.closing, l.first+d.tau+2)
	for d.begins(d.peers.id(p), j-d.tau-2) == noExperiment {
		j++
	}
	return j
}

// What is kept of a slot in the window.
const (
	noOutcome uint8 = iota
	uncongested
	congested
)

// count counts the experiment that has ended, and returns its first digit as the outcome.
func (l *listener) count(experiment uint8) (outcome uint8) {
	if experiment == basicExperiment {
		l.episodes.Pair(l.digits >> 1)
	} else {
		l.episodes.Triple(l.digits)
	}
	return uncongested + l.digits>>2
}

// slide puts an outcome into the place of one that has left the window.
func (l *listener) slide(place *uint8, outcome uint8) {
	l.counted[*place]--
	*place = outcome
	l.counted[outcome]++
}

// conclude compares the window with the share, if half as many experiments are in it as
// are to be expected.
func (d *badabing) conclude(p int, now model.Time, out *model.Output) {
	l := &d.listeners[p]
	n := l.counted[uncongested] + l.counted[congested]
	if n < d.least || float64(l.counted[congested]) <= float64(d.share*float64(n)) {
		d.withdraw(p, model.Congestion, out)
		return
	}
	f := model.Finding{Kind: model.Congestion}
	if mean, ok := l.episodes.Duration(); ok && mean < float64(longest/d.schedule.eta) {
		f.Lasts = model.Duration(math.Round(float64(mean * float64(d.schedule.eta))))
	}
	d.hold(p, now, f, Reason{From: d.peers.id(p)}, out)
}

// Episodes implements [CongestionEstimator].
func (d *badabing) Episodes(peer model.ProcessID) (e Episodes, slot model.Duration) {
	if p := d.peers.index(peer); p >= 0 {
		e = d.listeners[p].episodes
	}
	return e, d.schedule.eta
}

// CongestionEstimator is a detector that estimates how often, and for how long at a time,
// the way from a peer is congested.
type CongestionEstimator interface {
	// Episodes returns the outcomes of the experiments so far, and the length of a slot.
	Episodes(peer model.ProcessID) (e Episodes, slot model.Duration)
}

// Episodes are the outcomes of experiments on a way that is congested in some slots and
// not in others: a pair tells of two slots in a row, a triple of three, each beginning in a
// slot of which nothing but chance decided. An episode is a longest run of congested
// slots; its duration is the number of them.
//
// Let N slots have A congested ones in B episodes, and let both an episode and the time
// between two be at least two slots long. With each episode two pairs are half in it, 01
// and 10, and of the A - B pairs 11 all others of its slots begin one. So of experiments
// that begin in any slot with equal probability, E[01 or 10] is to E[11] as 2B to A - B,
// the first digit is 1 with probability A/N, and
//
//	F = A/N  is estimated by  (first digits that are 1) / experiments
//	D = A/B  is estimated by  2(R/S - 1) + 1,  R = #{01, 10, 11}, S = #{01, 10}
//
// the former without bias, the latter consistently: a quotient of unbiased counts. If a
// probe sees congestion at an edge of an episode, 01 or 10, with another probability than
// inside, 11, and the second is r times the first, then E[R]/E[S] - 1 = r(A-B)/2B. Of
// triples, each episode has one 011 and one 110, seen as insides are, and each time
// between has one 001 and one 100, seen as edges are: so U/V estimates r, and
//
//	D is estimated by  (2V/U)(R/S - 1) + 1,  U = #{011, 110}, V = #{001, 100}
//
// R and S count the first two digits of triples, too.
type Episodes struct {
	Experiments int64
	First       int64 // of them, with the first digit 1
	R, S        int64 // of all experiments, by their first two digits
	U, V        int64 // of triples
	Begins      int64 // #01
	Ends        int64 // #10: on the long run as many as Begins
	Odd         int64 // #{010, 101}: of slots alone, which the estimators take to be rare
}

// Pair counts a pair with the given digits, the first in the higher bit.
func (e *Episodes) Pair(y uint8) {
	e.Experiments++
	e.First += int64(y >> 1)
	switch y {
	case 0b01:
		e.Begins++
		e.S++
		e.R++
	case 0b10:
		e.Ends++
		e.S++
		e.R++
	case 0b11:
		e.R++
	}
}

// Triple counts a triple with the given digits, the first in the highest bit.
func (e *Episodes) Triple(y uint8) {
	e.Pair(y >> 1)
	switch y {
	case 0b011, 0b110:
		e.U++
	case 0b001, 0b100:
		e.V++
	case 0b010, 0b101:
		e.Odd++
	}
}

// Frequency returns the estimate of F, and whether there was an experiment.
func (e *Episodes) Frequency() (f float64, ok bool) {
	return float64(e.First) / float64(e.Experiments), e.Experiments > 0
}

// BasicDuration returns the estimate of D in slots that takes edges and insides of
// episodes to be seen alike, and whether an edge was seen.
func (e *Episodes) BasicDuration() (slots float64, ok bool) {
	return 2*(float64(e.R)/float64(e.S)-1) + 1, e.S > 0
}

// Duration returns the improved estimate of D in slots, and whether what it needs was
// seen.
func (e *Episodes) Duration() (slots float64, ok bool) {
	r := float64(2*e.V) / float64(e.U)
	return float64(r*(float64(e.R)/float64(e.S)-1)) + 1, e.S > 0 && e.U > 0
}

func (d *badabing) Clone() model.Automaton {
	c := *d
	c.opinions = d.opinions.clone()
	c.wakes = d.wakes.clone()
	c.listeners = append([]listener(nil), d.listeners...)
	for p := range c.listeners {
		l := &c.listeners[p]
		l.slots = append([]probed(nil), l.slots...)
		l.outcomes = append([]uint8(nil), l.outcomes...)
	}
	return &c
}

// AppendState writes where now lies in the cycle of slots, whether a probe is due, the
// opinions, and the listeners, whose slots are counted from the process's own.
func (d *badabing) AppendState(b []byte, now model.Time) []byte {
	own := d.schedule.index(d.self, now)
	state := idle
	switch {
	case !d.started:
		state = notStarted
	case now >= d.next:
		state = due
	}
	b = append(b, state)
	b = binary.AppendUvarint(b, uint64(floorMod(own, badabingCycle)))
	b = binary.AppendUvarint(b, uint64(d.schedule.sigma(d.self, own+1).Sub(now)))
	b = d.opinions.appendState(b, now)
	for p := range d.listeners {
		b = d.listeners[p].append(b, own, d)
	}
	return b
}

func (l *listener) append(b []byte, own int64, d *badabing) []byte {
	e := &l.episodes
	for _, v := range [...]int64{e.Experiments, e.First, e.R, e.S, e.U, e.V, e.Begins, e.Ends, e.Odd} {
		b = binary.AppendUvarint(b, uint64(v))
	}
	b = append(b, flagBits(l.heard, l.heard && l.longest != noWait))
	if !l.heard {
		return b
	}
	b = binary.AppendVarint(b, l.closing-own)
	b = binary.AppendVarint(b, max(l.first, l.closing-l.horizon(d))-l.closing)
	b = binary.AppendVarint(b, l.latest-l.closing)
	b = binary.AppendVarint(b, int64(l.fastest))
	if l.longest != noWait {
		b = binary.AppendVarint(b, int64(l.longest))
	}
	b = binary.AppendVarint(b, int64(l.previous))
	b = append(b, l.digits)
	for i := range d.ring {
		x := &l.slots[floorMod(l.closing-2*d.tau+i, d.ring)]
		b = append(b, x.got, flagBits(x.lost))
		if x.got != 0 {
			b = binary.AppendVarint(b, int64(x.worst))
		}
	}
	for i := range d.window {
		b = append(b, l.outcomes[floorMod(l.closing-d.tau-2+i, d.window)])
	}
	return b
}

// horizon is how far before closing the first slot makes no difference.
func (l *listener) horizon(d *badabing) int64 { return 2*d.tau + 3 }

func (d *badabing) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	own := d.schedule.index(d.self, now)
	if len(b) == 0 || b[0] > due {
		return b, errEncoding
	}
	state := b[0]
	place, b, err := uvarint(b[1:])
	if err != nil || place != uint64(floorMod(own, badabingCycle)) {
		return b, errEncoding
	}
	left, b, err := uvarint(b)
	if err != nil || left != uint64(d.schedule.sigma(d.self, own+1).Sub(now)) {
		return b, errEncoding
	}
	d.started = state != notStarted
	d.slot, d.next = 0, math.MinInt64
	switch state {
	case idle:
		d.slot = own + 1
		d.advance()
	case due:
		for d.slot = own; d.slot > 0 && !d.probes(d.self, d.slot); {
			d.slot--
		}
		d.next = d.schedule.sigma(d.self, d.slot)
		if d.next > now || !d.probes(d.self, d.slot) {
			return b, errEncoding
		}
	}
	if b, err = d.opinions.loadState(b, now); err != nil {
		return b, err
	}
	d.wakes.clear()
	for p := range d.listeners {
		l := &d.listeners[p]
		l.forget()
		if b, err = d.load(p, b, own); err != nil {
			return b, err
		}
		d.rearm(p)
	}
	return b, nil
}

func (d *badabing) load(p int, b []byte, own int64) (rest []byte, err error) {
	l := &d.listeners[p]
	e := &l.episodes
	for _, v := range [...]*int64{&e.Experiments, &e.First, &e.R, &e.S, &e.U, &e.V, &e.Begins, &e.Ends, &e.Odd} {
		var n uint64
		if n, b, err = uvarint(b); err != nil || n > math.MaxInt64/4 {
			return b, errEncoding
		}
		*v = int64(n)
	}
	if len(b) == 0 || b[0] > 3 || b[0] == 2 {
		return b, errEncoding
	}
	flags := b[0]
	b = b[1:]
	if flags == 0 {
		return b, nil
	}
	l.heard, l.longest = true, noWait
	number := func(from, to int64) (v int64) {
		if err != nil {
			return 0
		}
		if v, b, err = varint(b); err == nil && (v < from || v > to) {
			err = errEncoding
		}
		return v
	}
	const most = int64(model.MaxTime)
	slots := d.schedule.maxSeq
	l.closing = own + number(-own, slots)
	l.first = l.closing + number(-l.horizon(d), slots)
	l.latest = l.closing + number(-slots, slots)
	l.fastest = model.Duration(number(-most, most))
	if flags&2 != 0 {
		l.longest = model.Duration(number(-most, most))
	}
	l.previous = model.Duration(number(-most, most))
	if err != nil || l.latest < 0 || l.first > slots || l.closing > slots || len(b) == 0 || b[0] > 7 {
		return b, errEncoding
	}
	l.digits = b[0]
	b = b[1:]
	for i := range d.ring {
		if len(b) < 2 || b[1] > 1 {
			return b, errEncoding
		}
		x := &l.slots[floorMod(l.closing-2*d.tau+i, d.ring)]
		x.got, x.lost = b[0], b[1] == 1
		if b = b[2:]; x.got != 0 {
			x.worst = model.Duration(number(-most, most))
			if err != nil {
				return b, err
			}
		}
	}
	for i := range d.window {
		if len(b) == 0 || b[0] > congested {
			return b, errEncoding
		}
		place := &l.outcomes[floorMod(l.closing-d.tau-2+i, d.window)]
		*place = b[0]
		l.counted[b[0]]++
		b = b[1:]
	}
	l.judge = d.nextJudged(p)
	return b, nil
}
