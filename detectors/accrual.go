package detectors

import (
	"encoding/binary"
	"math"
	"math/bits"
	"sort"

	"suspect/model"
)

// Accrual is what detectors implement that have more to say of a peer than suspicion
// or trust: how much they suspect it. Their verdicts are those at one threshold; a user
// with a threshold of his own asks for the level, or for the [Crossing].
type Accrual interface {
	// Level returns the suspicion level of the peer at local time now, which is not
	// before the detector's last step. It is 0 or more, and perhaps infinite. It does
	// not fall while nothing is heard of the peer. The unit depends on the detector.
	//
	// As all else that a detector knows, it stops growing at some time in a silence
	// that lasts: see the detector for when. It is 0 before the first step, and for
	// processes that are not watched.
	Level(now model.Time, peer model.ProcessID) float64
}

// Crossing returns when the peer's level reaches the threshold if the detector hears
// nothing more: the first time from now to until, exactly. It is [model.Never] if
// that is not by then.
func Crossing(a Accrual, peer model.ProcessID, threshold float64, now, until model.Time) model.Time {
	if now > until || a.Level(until, peer) < threshold {
		return model.Never
	}
	n := sort.Search(int(until.Sub(now)), func(i int) bool { return a.Level(now+model.Time(i), peer) >= threshold })
	return now + model.Time(n)
}

// Level returns how many seconds the next heartbeat is overdue, by the expected time of
// its arrival: alpha is a threshold of it. It grows no more from the moment on at which
// number l is forgotten. Of a peer that was never heard and is suspected it is the same
// as of one that is silent for ever.
func (d *estimator) Level(now model.Time, peer model.ProcessID) float64 {
	if p := d.peers.index(peer); p >= 0 && d.heartbeats.started {
		return max(0, d.overdue(p, now)).Seconds()
	}
	return 0
}

// overdue returns for how long the next heartbeat of peer p has been overdue; before it
// is, minus the time left.
func (d *estimator) overdue(p int, now model.Time) model.Duration {
	a := &d.pairs[p]
	margin := d.margin(p)
	most := margin + d.memory
	if a.filled == 0 && !d.fresh.has(p) || a.filled > 0 && a.forget <= now {
		return most
	}
	return min(now.Sub(a.tau)+margin, most)
}

// accrual is what the detectors have in common that derive a level from how long a peer
// has been silent and from the latest intervals between its heartbeats. A [law] says
// how; rules say which intervals count. When a heartbeat arrives,
//
//	tau = T_last + timeout
//
// is set, T_last being the time of its arrival and timeout the silence at which the
// level reaches the threshold, by the intervals until then, rounded up once to the
// detector's clock. The peer is suspected from tau until the next heartbeat (which must
// come before its own tau to end the suspicion): no detector polls.
//
// A new detector trusts. It takes its start for the time of an arrival, so that a peer
// that never says a word is suspected at last; but the first heartbeat makes no
// interval.
//
// Unlike the published ones, these detectors take a silence for no longer than cap,
//
//	cap = max(timeout, 0) + memory
//
// so that neither the level nor the next interval grows with it, and any heartbeat counts
// after it, however old. How long a peer is silent would make every period of the silence
// a state of its own, so that no exploration of states could end. The memory is
// [memory] periods or longer.
type accrual struct {
	heartbeats Heartbeats
	peers      peers
	rules
	pairs  []silence
	ring   []int64   // n for each peer: intervals less base, in units
	sorted []int64   // the same in increasing order, if the law is by rank; else nil
	fresh  deadlines // of the trusted peers: tau or earlier

	// Of the rule for local pauses.
	checked model.Time // last look at the clock
	hold    model.Time // nobody is suspected before
}

// law is a relation of silence and suspicion level that is due to the intervals in the
// window of a peer. Both methods count in picoseconds.
type law interface {
	// timeout returns the least silence at which the level is the threshold or more. It
	// is far from the ends of the range of float64, if not of that of a duration.
	timeout(d *accrual, p int) float64

	// level returns the level after the given silence: not below 0, and growing with it.
	level(d *accrual, p int, silence float64) float64
}

// rules are what never changes in an accrual detector.
type rules struct {
	law    law
	byRank bool           // the law asks for the window in increasing order
	n      int            // intervals in a full window
	unit   model.Duration // of the intervals in a window
	base   model.Duration // what they are less

	seeds    []model.Duration // intervals in each window at first
	tick     model.Duration   // of the detector's clock, which shows whole ones
	numbered bool             // heartbeats that come after later ones are ignored

	// If deemed is positive, a peer of which nothing was heard until then after the start
	// is taken to have been heard then.
	deemed model.Duration

	outages bool           // an interval that ends a suspicion counts
	longest model.Duration // that counts

	pause  model.Duration // see lookAtClock; 0 for no such rule
	memory model.Duration
}

// ticks returns a duration in whole ticks, rounded up.
func (r *rules) ticks(t model.Duration) model.Duration { return (t + r.tick - 1) / r.tick * r.tick }

// silence is what is kept of one peer, beside its window.
type silence struct {
	largest      int64      // number of the latest heartbeat
	last         model.Time // T_last
	tau          model.Time
	forget       model.Time // when the silence has lasted for the cap
	sum          int64      // of the window
	squareHi     uint64     // of the window, the sum of squares, 128 bits
	squareLo     uint64
	filled, next int32 // intervals in the window; where the next one goes
	heard        bool
}

// anyLength is longer than every cap.
const anyLength = 4 * longest

// longestEntry bounds an entry of the ring. With 2^16 of them, the squares of the sum
// and the sum of the squares times n are below 2^122.
const longestEntry = 1 << 45

// newAccrual returns a detector by the given rules; those that the parameters of the
// standard heartbeat settle are set here.
func newAccrual(env Env, p model.Params, r rules) (*accrual, error) {
	h, err := NewHeartbeats(env, p)
	if err != nil {
		return nil, err
	}
	if r.n, err = window(p, "n"); err != nil {
		return nil, err
	}
	r.memory = r.ticks(r.memory + min(h.schedule.eta, longest/memory)*memory)
	r.deemed = r.ticks(r.deemed)
	n := len(env.Watch)
	d := &accrual{
		heartbeats: h, peers: newPeers(env.Watch), rules: r,
		pairs: make([]silence, n),
		ring:  make([]int64, n*r.n),
		fresh: newDeadlines(n, h.schedule.eta),
	}
	if r.byRank {
		d.sorted = make([]int64, n*r.n)
	}
	d.forgetAll()
	return d, nil
}

func (d *accrual) forgetAll() {
	d.fresh.clear()
	d.checked, d.hold = 0, 0
	for p := range d.pairs {
		d.pairs[p] = silence{}
		if !d.heartbeats.started {
			d.seed(p)
		}
	}
}

func (d *accrual) seed(p int) {
	for _, interval := range d.seeds {
		d.remember(p, interval)
	}
}

// clock returns the time that the detector's clock shows.
func (d *accrual) clock(now model.Time) model.Time {
	if d.tick <= 1 {
		return now
	}
	return model.Time(floorDiv(int64(now), int64(d.tick))) * model.Time(d.tick)
}

func (d *accrual) Step(now model.Time, in *model.Input, out *model.Output) {
	if d.heartbeats.Step(now, out) {
		d.begin(now)
	}
	if d.pause > 0 {
		d.lookAtClock(now)
	}
	if d.hold <= now {
		d.fresh.expire(now, d.deadline, &d.peers, out)
	}
	if m := &in.Message; in.Kind == model.Deliver && m.Kind == HeartbeatKind {
		if p := d.peers.index(m.From); p >= 0 && (!d.numbered || d.isNew(p, m.Seq, now)) {
			d.receive(p, m.Seq, now, out)
		}
	}
	out.Wake = min(d.heartbeats.Next(), max(d.fresh.next(), d.hold))
	if d.pause > 0 {
		out.Wake = min(out.Wake, d.nextLook())
	}
}

func (d *accrual) begin(now model.Time) {
	for p := range d.pairs {
		a := &d.pairs[p]
		a.last, a.heard = d.clock(now).Add(d.deemed), d.deemed > 0
		d.expect(p)
		d.fresh.add(p, a.tau)
	}
	d.checked = now
}

// isNew tells whether heartbeat seq is later than all before it, or those are forgotten.
func (d *accrual) isNew(p int, seq int64, now model.Time) bool {
	a := &d.pairs[p]
	return d.heartbeats.schedule.plausible(seq) && (!a.heard || seq > a.largest || a.forget <= now)
}

// lookAtClock looks at the clock once in a period of the local clock. If that comes
// later after the last time than the longest pause, the process itself stood still, and
// nobody is suspected until as much time has passed again.
func (d *accrual) lookAtClock(now model.Time) {
	if now < d.nextLook() {
		return
	}
	if now.Sub(d.checked) > d.pause {
		d.hold = now.Add(d.pause)
	}
	d.checked = now
}

func (d *accrual) nextLook() model.Time {
	h := &d.heartbeats
	return h.schedule.sigma(h.self, h.schedule.index(h.self, d.checked)+1)
}

// receive takes a heartbeat that counts.
func (d *accrual) receive(p int, seq int64, now model.Time, out *model.Output) {
	a := &d.pairs[p]
	trusted := d.fresh.has(p)
	at := d.clock(now)
	if a.heard && at >= a.last && (trusted || d.outages) {
		if interval := min(at, a.forget).Sub(a.last); interval <= d.longest {
			d.remember(p, interval)
		}
	}
	a.heard, a.largest, a.last = true, seq, at
	d.expect(p)
	switch fresh := now < a.tau; {
	case trusted && (fresh || now < d.hold):
		d.fresh.hasten(p, a.tau)
	case trusted:
		d.fresh.remove(p)
		out.Verdicts = append(out.Verdicts, model.Verdict{Peer: d.peers.id(p), Suspected: true})
	case fresh:
		d.fresh.add(p, a.tau)
		out.Verdicts = append(out.Verdicts, model.Verdict{Peer: d.peers.id(p)})
	}
}

// expect sets tau, when T_last is known.
func (d *accrual) expect(p int) {
	a := &d.pairs[p]
	timeout := d.timeout(p)
	a.forget = a.last.Add(max(timeout, 0) + d.memory)
	if !a.heard {
		timeout = max(timeout, 1) // a new detector trusts
	}
	a.tau = a.last.Add(timeout)
}

// timeout returns the silence at which the level reaches the threshold, rounded up to
// the detector's clock, and no more than the longest duration.
func (d *accrual) timeout(p int) model.Duration {
	ticks := math.Ceil(d.law.timeout(d, p) / float64(d.tick))
	most := float64(longest / d.tick)
	return model.Duration(min(max(ticks, -most), most)) * d.tick
}

// Level is that of the law, and 0 before a heartbeat that was only deemed to be received.
// It grows until the silence has lasted for the cap.
func (d *accrual) Level(now model.Time, peer model.ProcessID) float64 {
	p := d.peers.index(peer)
	if p < 0 || !d.heartbeats.started {
		return 0
	}
	a := &d.pairs[p]
	if now < a.last {
		return 0
	}
	return d.law.level(d, p, float64(min(d.clock(now), a.forget).Sub(a.last)))
}

// entry returns entry i of the ring of peer p. The rings advance together, about
// one entry a period, so that the entries in use lie side by side.
func (d *accrual) entry(p, i int) *int64 { return &d.ring[i*len(d.pairs)+p] }

// remember enters an interval into the peer's window, instead of the oldest if that is
// full.
func (d *accrual) remember(p int, interval model.Duration) {
	v := floorDiv(int64(interval-d.base), int64(d.unit))
	d.enter(p, min(max(v, -longestEntry), longestEntry))
}

func (d *accrual) enter(p int, v int64) {
	a := &d.pairs[p]
	e := d.entry(p, int(a.next))
	if int(a.filled) == d.n {
		a.sum -= *e
		hi, lo := square(*e)
		var borrow uint64
		a.squareLo, borrow = bits.Sub64(a.squareLo, lo, 0)
		a.squareHi -= hi + borrow
		if d.sorted != nil {
			sorted := d.ranked(p)
			k := rank(sorted, *e)
			copy(sorted[k:], sorted[k+1:])
		}
		a.filled--
	}
	if d.sorted != nil {
		sorted := d.ranked(p)
		k := rank(sorted, v)
		sorted = sorted[:len(sorted)+1]
		copy(sorted[k+1:], sorted[k:])
		sorted[k] = v
	}
	a.filled++
	*e = v
	a.sum += v
	hi, lo := square(v)
	var carry uint64
	a.squareLo, carry = bits.Add64(a.squareLo, lo, 0)
	a.squareHi += hi + carry
	if a.next++; int(a.next) == d.n {
		a.next = 0
	}
}

// ranked returns the window of peer p in increasing order.
func (d *accrual) ranked(p int) []int64 {
	return d.sorted[p*d.n:][:d.pairs[p].filled:d.n]
}

// rank returns how many entries are below v.
func rank(sorted []int64, v int64) int {
	return sort.Search(len(sorted), func(i int) bool { return sorted[i] >= v })
}

func square(v int64) (hi, lo uint64) {
	u := uint64(max(v, -v))
	return bits.Mul64(u, u)
}

// interval returns the interval that entry v of a window stands for, in picoseconds.
func (d *accrual) interval(v int64) float64 {
	return float64(d.base) + float64(float64(v)*float64(d.unit))
}

// mean returns the mean interval in the window of peer p, in picoseconds. As long as
// the window is empty, that is the period.
func (d *accrual) mean(p int) float64 {
	a := &d.pairs[p]
	if a.filled == 0 {
		return float64(d.heartbeats.schedule.eta)
	}
	return float64(d.base) + float64(float64(d.unit)*float64(a.sum))/float64(a.filled)
}

// deviation returns the standard deviation of the intervals in the window of peer p, in
// picoseconds: that of the population or, from two intervals on, of the sample.
func (d *accrual) deviation(p int, sample bool) float64 {
	a := &d.pairs[p]
	n := uint64(a.filled)
	// n*sum of squares - (sum)^2, 128 bits: n^2 times the variance
	carry, lo := bits.Mul64(a.squareLo, n)
	hi := a.squareHi*n + carry
	sumHi, sumLo := square(a.sum)
	lo, borrow := bits.Sub64(lo, sumLo, 0)
	hi -= sumHi + borrow
	square := float64(float64(hi)*(1<<64)) + float64(lo)
	if sample {
		return float64(math.Sqrt(square/(float64(n)*float64(n-1))) * float64(d.unit))
	}
	return float64(math.Sqrt(square)/float64(n)) * float64(d.unit)
}

func (d *accrual) deadline(p int) model.Time { return d.pairs[p].tau }

func (d *accrual) Clone() model.Automaton {
	c := *d
	c.pairs = append([]silence(nil), d.pairs...)
	c.ring = append([]int64(nil), d.ring...)
	c.sorted = append([]int64(nil), d.sorted...)
	c.fresh = d.fresh.clone()
	return &c
}

// Of the encoded state of a peer.
const (
	trustedNow  = 1 << iota
	stillSilent // the silence has not lasted for the cap
	heardOf
	filledTimes // the intervals in its window
)

// AppendState writes the state of the rule for local pauses, if there is one: how long
// ago the clock was looked at, up to just more than the pause, and for how long nobody will
// be suspected. For each peer follows how many intervals are in its window, whether it is
// trusted, whether the silence is below the cap and whether it was ever heard of. If below,
// the number of its latest heartbeat comes, as the distance from the period in which now
// lies, and how long the silence has lasted. Then comes the window from its oldest interval
// on.
func (d *accrual) AppendState(b []byte, now model.Time) []byte {
	b = d.heartbeats.AppendState(b, now)
	if !d.heartbeats.started {
		return b
	}
	if d.pause > 0 {
		b = binary.AppendUvarint(b, uint64(min(now.Sub(d.checked), d.pause+1)))
		b = binary.AppendUvarint(b, uint64(max(0, d.hold.Sub(now))))
	}
	for p := range d.pairs {
		a := &d.pairs[p]
		code := uint64(a.filled) * filledTimes
		if d.fresh.has(p) {
			code |= trustedNow
		}
		if now < a.forget {
			code |= stillSilent
		}
		if a.heard && (now < a.forget || d.outages && d.memory <= d.longest) {
			code |= heardOf // else the interval will not count
		}
		b = binary.AppendUvarint(b, code)
		if code&stillSilent != 0 {
			if a.heard && d.numbered {
				b = binary.AppendVarint(b, a.largest-d.heartbeats.schedule.period(now))
			}
			b = binary.AppendVarint(b, int64(now.Sub(a.last)))
		}
		for k := range int(a.filled) {
			b = binary.AppendVarint(b, *d.entry(p, (int(a.next)-int(a.filled)+k+d.n)%d.n))
		}
	}
	return b
}

func (d *accrual) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	b, err = d.heartbeats.LoadState(b, now)
	d.forgetAll()
	if err != nil || !d.heartbeats.started {
		return b, err
	}
	if d.pause > 0 {
		var age, left uint64
		if age, b, err = uvarint(b); err != nil || age > uint64(d.pause)+1 {
			return b, errEncoding
		}
		if left, b, err = uvarint(b); err != nil || left > uint64(d.pause) {
			return b, errEncoding
		}
		d.checked = now - model.Time(age)
		if left > 0 {
			d.hold = now + model.Time(left)
		}
	}
	for p := range d.pairs {
		if b, err = d.loadPair(p, b, now); err != nil {
			return b, err
		}
	}
	return b, nil
}

func (d *accrual) loadPair(p int, b []byte, now model.Time) (rest []byte, err error) {
	a := &d.pairs[p]
	code, b, err := uvarint(b)
	filled := int(min(code/filledTimes, math.MaxInt32))
	if err != nil || filled < min(len(d.seeds), d.n) || filled > d.n {
		return b, errEncoding
	}
	a.heard = code&heardOf != 0
	var age int64
	if code&stillSilent != 0 {
		if a.heard && d.numbered {
			var distance int64
			if distance, b, err = varint(b); err != nil || distance > math.MaxInt64/2 {
				return b, errEncoding
			}
			a.largest = distance + d.heartbeats.schedule.period(now)
			if !d.heartbeats.schedule.plausible(a.largest) {
				return b, errEncoding
			}
		}
		if age, b, err = varint(b); err != nil || age > 2*int64(longest)+int64(d.memory) || age < -int64(longest) || age < 0 && d.deemed == 0 {
			return b, errEncoding
		}
	}
	for range filled {
		var v int64
		if v, b, err = varint(b); err != nil || v > longestEntry || v < -longestEntry {
			return b, errEncoding
		}
		d.enter(p, v)
	}
	a.last = now - model.Time(age)
	if code&stillSilent == 0 {
		d.expect(p)
		a.last = d.clock(now) - (a.forget - a.last)
	}
	if d.clock(a.last) != a.last {
		return b, errEncoding
	}
	d.expect(p)
	if code&trustedNow != 0 {
		d.fresh.add(p, a.tau)
	}
	return b, nil
}
