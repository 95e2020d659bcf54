package properties

import (
	"slices"

	"suspect/model"
)

// QoS is a fold that measures the quality of one detector in the metrics of Chen,
// Toueg and Aguilera, "On the quality of service of failure detectors", IEEE
// Transactions on Computers 51(5), May 2002, section 2, over all monitored pairs.
//
// Their metrics are of one pair (p monitors q) in a run without failures, but for T_D.
// Here processes crash and recover, and time before the warm-up's end does not count:
//
//   - Suspicion is of host failure (see [model.FailureKind.HostFailure]); verdicts of
//     other kinds are ignored.
//   - A pair is alive while both p and q have started (see [Env].Starts) and are up,
//     after the warm-up. An S-transition
//     (from trust to suspicion) while it is alive is a mistake. A process is down from
//     the instant of its crash on, wherever in that instant the record of it stands.
//   - The periods of T_M, T_G and T_MR count only when both of their ends are
//     transitions in one stretch of the pair's being alive: the first and last periods
//     of each stretch are censored. Mistakes that are censored, by the horizon or by a
//     crash, are still mistakes.
//   - A suspicion that stands when q starts or recovers, or when the warm-up ends, is not a
//     mistake, as no S-transition was seen; but its time counts as wrong in P_A.
//   - An outage of q, from its crash (after the warm-up) to its recovery or the
//     horizon, is detected by p at the beginning of the suspicion in force at its end.
//     T_D is that time since the crash, and zero when p suspected q already. Monitors
//     that are down at some time of the outage, or had not started when it began, do
//     not count.
type QoS struct {
	*history
	pair    []pairQuality
	upSince []model.Time // by process: when it started or last recovered
	quality *Quality

	// held are the verdicts of the time now. They count after its crashes: who crashes
	// in that instant is not alive in it.
	now  model.Time
	held []model.Record

	// Mistaken, if set, is called with each mistake when it ends.
	Mistaken func(Mistake)
}

// pairQuality is the state of one pair.
type pairQuality struct {
	changed  model.Time // the last transition in this stretch of being alive; never: -1
	lastS    model.Time // the last S-transition in this stretch; never: -1
	awaiting bool       // the peer is down, and the monitor was up all the time since
}

// Quality is what [QoS] measured.
type Quality struct {
	// DetectionTime is T_D, one sample per crash and monitor that detected it.
	DetectionTime  Durations
	WorstDetection Detection // the one with the longest T_D; the first of equals

	// Undetected counts the pairs of a crash and a monitor that did not suspect it at
	// the horizon; Missed those where the outage ended by recovery.
	Undetected, Missed int64

	// Unseen are the crashes that these pairs are of, and LongestOutage is the longest
	// outage of all that some monitor was to detect.
	Unseen        []Unseen
	LongestOutage model.Duration

	Mistakes         int64     // S-transitions of alive pairs
	CensoredMistakes int64     // those whose end was not seen
	MistakeDuration  Durations // T_M, without the censored ones
	Recurrence       Durations // T_MR, between successive S-transitions
	GoodPeriod       Durations // T_G, from the end of a mistake to the next
	WorstMistake     Mistake   // the longest, even if censored; the first of equals
	FirstMistakes    []Mistake // the first few, in the order of their beginnings

	Alive Total // the time that pairs were alive, summed over the pairs
	Wrong Total // that part of it in which they suspected
}

// Detection is the detection of one crash by one monitor.
type Detection struct {
	Monitor, Peer          model.ProcessID
	CrashedAt, SuspectedAt model.Time // the suspicion may be older than the crash
}

// Duration returns the detection time T_D.
func (d Detection) Duration() model.Duration {
	return max(0, d.SuspectedAt.Sub(d.CrashedAt))
}

// Unseen is a crash that some monitors did not suspect when its outage ended.
type Unseen struct {
	Monitors int64          // how many they are
	Lasted   model.Duration // from the crash to the recovery or the horizon
	Open     bool           // it was the horizon
}

// Mistake is a suspicion of a process that was up.
type Mistake struct {
	Monitor, Peer model.ProcessID
	From, Until   model.Time

	// Censored tells that the suspicion did not end at Until, but the run did, or the
	// monitor or the peer crashed. The zero Mistake is none, and has Until 0.
	Censored bool
}

// Duration returns the length of the mistake, as far as it was seen.
func (m Mistake) Duration() model.Duration { return m.Until.Sub(m.From) }

// maxFirstMistakes is the length of [Quality.FirstMistakes].
const maxFirstMistakes = 8

// NewQoS returns an empty fold. It fails where env is malformed.
func NewQoS(env Env) (*QoS, error) {
	h, err := newHistory(env)
	if err != nil {
		return nil, err
	}
	q := &QoS{history: h, pair: make([]pairQuality, h.len()), upSince: make([]model.Time, env.N), quality: &Quality{}}
	for i := range q.pair {
		q.pair[i] = pairQuality{changed: -1, lastS: -1}
	}
	return q, nil
}

// Kinds returns the records that the fold wants.
func (q *QoS) Kinds() model.Kinds { return verdictKinds }

// Observe takes the next record.
func (q *QoS) Observe(r *model.Record) {
	if r.At > q.now {
		q.release(func(*model.Record) bool { return true })
		q.now = r.At
	}
	switch r.Kind {
	case model.Suspected, model.Trusted:
		if q.about(r) >= 0 {
			q.held = append(q.held, *r)
		}
		return
	case model.Crashed:
		if q.isCrash(r) {
			q.held = slices.DeleteFunc(q.held, func(v model.Record) bool { return v.Process == r.Process })
			q.suspendAll(r.Process, r.At) // while its opinions and those of it are as they were
		}
	case model.Started, model.Recovered:
		q.release(func(v *model.Record) bool { return v.Peer == r.Process && !q.isUp(r.Process) })
	}
	switch what, _ := q.step(r); what {
	case crash:
		from, to := q.of(r.Process)
		for i := from; i < to; i++ {
			q.pair[i].awaiting = false
		}
		if r.At >= q.env.WarmUp {
			for _, i := range q.on(r.Process) {
				q.pair[i].awaiting = q.isUp(q.monitor[i])
			}
		}
	case start:
		q.upSince[r.Process] = r.At
	case recovery:
		q.endOutage(r.Process, r.At, false)
		q.upSince[r.Process] = r.At
	}
}

// release lets the held verdicts count for which now is true, in their order.
func (q *QoS) release(now func(*model.Record) bool) {
	kept := q.held[:0]
	for i := range q.held {
		r := &q.held[i]
		if !now(r) {
			kept = append(kept, *r)
			continue
		}
		switch what, pair := q.step(r); what {
		case suspicion:
			q.suspect(pair, r.At)
		case trust:
			q.trust(pair, r.At)
		}
	}
	q.held = kept
}

// aliveSince returns the time since which the pair, whose processes are up, has been
// alive.
func (q *QoS) aliveSince(i int32) model.Time {
	return max(q.upSince[q.monitor[i]], q.upSince[q.peer(i)], q.env.WarmUp)
}

func (q *QoS) suspect(i int32, now model.Time) {
	if !q.isUp(q.peer(i)) || now < q.env.WarmUp {
		return
	}
	s, m := &q.pair[i], q.quality
	m.Mistakes++
	if len(m.FirstMistakes) < maxFirstMistakes {
		m.FirstMistakes = append(m.FirstMistakes, Mistake{q.monitor[i], q.peer(i), now, now, true})
	}
	if s.lastS >= 0 {
		m.Recurrence.Add(now.Sub(s.lastS))
	}
	if s.changed >= 0 {
		m.GoodPeriod.Add(now.Sub(s.changed))
	}
	s.changed, s.lastS = now, now
}

func (q *QoS) trust(i int32, now model.Time) {
	if !q.isUp(q.peer(i)) || now < q.env.WarmUp {
		return
	}
	s := &q.pair[i]
	q.quality.Wrong.add(now.Sub(max(q.opinions[i].since, q.aliveSince(i))))
	if s.changed >= 0 {
		q.quality.MistakeDuration.Add(now.Sub(s.changed))
		q.endMistake(i, now, false)
	}
	s.changed = now
}

// endMistake books the mistake that began at the pair's last transition.
func (q *QoS) endMistake(i int32, now model.Time, censored bool) {
	m := q.quality
	mistake := Mistake{q.monitor[i], q.peer(i), q.pair[i].changed, now, censored}
	if censored {
		m.CensoredMistakes++
	}
	if q.Mistaken != nil {
		q.Mistaken(mistake)
	}
	if m.WorstMistake == (Mistake{}) || mistake.Duration() > m.WorstMistake.Duration() {
		m.WorstMistake = mistake
	}
	for j := range m.FirstMistakes {
		f := &m.FirstMistakes[j]
		if f.Monitor == mistake.Monitor && f.Peer == mistake.Peer && f.From == mistake.From && f.Censored {
			*f = mistake
		}
	}
}

// suspendAll ends the stretches of being alive of the pairs of p.
func (q *QoS) suspendAll(p model.ProcessID, now model.Time) {
	from, to := q.of(p)
	for i := from; i < to; i++ {
		q.suspend(i, now)
	}
	for _, i := range q.on(p) {
		q.suspend(i, now)
	}
}

// suspend ends a pair's stretch of being alive, if it is.
func (q *QoS) suspend(i int32, now model.Time) {
	if !q.isUp(q.monitor[i]) || !q.isUp(q.peer(i)) || now < q.env.WarmUp {
		return
	}
	s, since := &q.pair[i], q.aliveSince(i)
	q.quality.Alive.add(now.Sub(since))
	if q.suspects(i) {
		q.quality.Wrong.add(now.Sub(max(q.opinions[i].since, since)))
		if s.changed >= 0 {
			q.endMistake(i, now, true)
		}
	}
	s.changed, s.lastS = -1, -1
}

// endOutage books what the monitors of p made of its outage, which ends now, by
// recovery or, open, at the horizon.
func (q *QoS) endOutage(p model.ProcessID, now model.Time, open bool) {
	crashedAt, due := q.processes[p].crashedAt, false
	unseen := Unseen{Lasted: now.Sub(crashedAt), Open: open}
	for _, i := range q.on(p) {
		if !q.pair[i].awaiting {
			continue
		}
		q.pair[i].awaiting, due = false, true
		if !q.suspects(i) {
			unseen.Monitors++
			continue
		}
		d := Detection{q.monitor[i], p, crashedAt, q.opinions[i].since}
		if m := q.quality; m.DetectionTime.Count() == 0 || d.Duration() > m.WorstDetection.Duration() {
			m.WorstDetection = d
		}
		q.quality.DetectionTime.Add(d.Duration())
	}
	if due {
		q.quality.LongestOutage = max(q.quality.LongestOutage, unseen.Lasted)
	}
	if unseen.Monitors == 0 {
		return
	}
	q.quality.Unseen = append(q.quality.Unseen, unseen)
	if open {
		q.quality.Undetected += unseen.Monitors
	} else {
		q.quality.Missed += unseen.Monitors
	}
}

// Finish ends the run and returns what was measured. It is called once.
func (q *QoS) Finish(end model.Time) *Quality {
	q.release(func(*model.Record) bool { return true })
	for i := range int32(q.len()) {
		q.suspend(i, end)
	}
	for p := range q.processes {
		if q.processes[p].down {
			q.endOutage(model.ProcessID(p), end, true)
		}
	}
	return q.quality
}

// Merge adds the measurements of o, as of another replication. Its mistakes and
// detections come after those of m.
func (m *Quality) Merge(o *Quality) {
	if m.DetectionTime.Count() == 0 || o.WorstDetection.Duration() > m.WorstDetection.Duration() {
		m.WorstDetection = o.WorstDetection
	}
	if m.Mistakes == 0 || o.WorstMistake.Duration() > m.WorstMistake.Duration() {
		m.WorstMistake = o.WorstMistake
	}
	for _, f := range o.FirstMistakes {
		if len(m.FirstMistakes) < maxFirstMistakes {
			m.FirstMistakes = append(m.FirstMistakes, f)
		}
	}
	m.DetectionTime.Merge(&o.DetectionTime)
	m.MistakeDuration.Merge(&o.MistakeDuration)
	m.Recurrence.Merge(&o.Recurrence)
	m.GoodPeriod.Merge(&o.GoodPeriod)
	m.Undetected += o.Undetected
	m.Missed += o.Missed
	m.Unseen = append(m.Unseen, o.Unseen...)
	m.LongestOutage = max(m.LongestOutage, o.LongestOutage)
	m.Mistakes += o.Mistakes
	m.CensoredMistakes += o.CensoredMistakes
	m.Alive.merge(o.Alive)
	m.Wrong.merge(o.Wrong)
}

// MistakeRate returns λ_M, the mistakes per second of a pair's being alive, and false
// where no pair was ever alive.
func (m *Quality) MistakeRate() (perSecond float64, ok bool) {
	if m.Alive.IsZero() {
		return 0, false
	}
	return float64(m.Mistakes) / m.Alive.Seconds(), true
}

// QueryAccuracy returns P_A, the share of alive pair-time in which the peer was
// trusted, and false where no pair was ever alive.
func (m *Quality) QueryAccuracy() (share float64, ok bool) {
	if m.Alive.IsZero() {
		return 0, false
	}
	return 1 - m.Wrong.float()/m.Alive.float(), true
}
