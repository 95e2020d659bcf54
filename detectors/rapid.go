package detectors

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "rapid",
		Source: "Suresh, Malkhi, Gopalan, Porto Carreiro, Lokhandwala, \"Stable and consistent membership at scale with Rapid\", USENIX ATC 2018; what the paper leaves open is as in the code, lalithsuresh/rapid",
		Doc:    "Has each member observed by several others, waits until their alerts single out all members that are failing at a time, and removes these from the group by consensus (Rapid).",
		Claims: []model.Claim{
			{Class: model.P, Under: "no loss, round trips below the interval, drift-free clocks, no pauses, all processes start together and none recovers; of the members of each view fewer than half crash, and each that crashes is observed by live ones on l rings at least; fallback above 0 unless at most a fourth, (n-1)/4 rounded down, crash", Given: rapidConditions},
		},
		Params: []model.Param{
			{Name: "interval", Type: model.DurationParam, Default: "1s",
				Doc: "period of the probes; one that is not answered when the next is sent has failed; alerts and votes are sent again in each"},
			{Name: "k", Type: model.CountParam, Default: "10",
				Doc: "number of rings, K: so many observers has each member; at most 64"},
			{Name: "h", Type: model.CountParam, Default: "9",
				Doc: "alerts that make a member's failure stable, H; at most k"},
			{Name: "l", Type: model.CountParam, Default: "3",
				Doc: "alerts from which on a member is watched for more of them, L; fewer are noise; the code has 4; at most h"},
			{Name: "window", Type: model.CountParam, Default: "10",
				Doc: "how many of the latest probes are looked at, at most 64; 0: all since the view began, as in the code"},
			{Name: "failures", Type: model.CountParam, Default: "4",
				Doc: "how many of them have failed when an observer sends its alert; the code has 10"},
			{Name: "fallback", Type: model.CountParam, Default: "1",
				Doc: "intervals, plus a random number with mean N, from a member's proposal until it tries to have it decided by a majority, and between such trials; 0: it never tries"},
			{Name: "stagger", Type: model.SwitchParam, Default: "true",
				Doc: "spread the members' probes evenly over the interval, rather than send all at once"},
		},
		New: newRapid,
	})
}

// rapid is one member of a group that watches itself. Everybody is a member of the first
// view; there is no join, so that a view is told by who was removed, and who was removed is
// so for ever, even if it was a mistake or the process recovers.
//
// Monitoring. On each of K rings, which are orders of the members by a hash, a member
// observes the next one. It probes whom it observes in each interval. When 4 of its last 10
// probes of a subject have failed it alerts all members, and never takes that back in this
// view.
//
// Cut detection. See [cutDetector]. A member that sees a stable cut proposes it, once in a
// view.
//
// Consensus. A proposal is a vote, in the fast round of Fast Paxos, that goes to all members.
// Who has n - (n-1)/4 equal votes, of n members, has a decision. If proposals differ or
// votes are missing, classic rounds decide by a majority (see consensus). The decision is
// the next view, and begins all anew: the rings close where members are missing, and
// observers forget the probes of before.
//
// A member is suspected when a view without it is decided. Who learns that it was removed
// itself leaves it at that: it says no more, but that it is alive when it is asked.
//
// Messages are datagrams and may be lost, so alerts and votes are sent again in each interval
// until the view changes. Who probes a member of a later view is told that view. The code
// hands messages to TCP, once, and collects alerts for 100 ms; here, those of an interval's
// probes go in one message.
//
// Nothing pushes a cut that stays unstable: while a member has L alerts and never H, nobody is
// removed. So it is with a healthy one that is observed on L rings by members that hear
// nothing, and so alert about all whom they observe; in a small group a few of them are enough.
//
// A process that recovers has forgotten its promises and votes, so the consensus is safe only
// while those who crash in a view stay down until it ends.
//
// It allocates when there is something to alert about or to vote for, not in calm.
type rapid struct {
	sender   Heartbeats // of probes, to whom it observes
	self     model.ProcessID
	window   int
	failures int
	fallback int

	gone   rapidList   // who was removed; its length is the number of the view
	edges  []rapidEdge // to each subject
	alerts rapidList   // subjects that failed
	cut    cutDetector
	consensus
	watched peers
}

// rapidEdge is what an observer knows of a subject.
type rapidEdge struct {
	awaited  bool   // a probe was sent
	answered bool   // and answered
	alerted  bool   // it has failed
	history  uint64 // latest probes, 1 for failed, the last in the lowest bit; or the number of failed ones
}

// rapidList is a list of processes in increasing order, immutable once made.
type rapidList []model.ProcessID

// String returns the list as "p1, p4".
func (l rapidList) String() string {
	names := make([]string, len(l))
	for i, p := range l {
		names[i] = fmt.Sprintf("p%d", p)
	}
	return strings.Join(names, ", ")
}

func (l rapidList) has(p model.ProcessID) bool {
	_, found := slices.BinarySearch(l, p)
	return found
}

// The messages. Arg is the number of the sender's view.
const (
	rapidProbe   = HeartbeatKind + 1 + iota // Seq: its number
	rapidReply                              // Seq as in the probe
	rapidView                               // body: who was removed
	rapidAlert                              // body: the sender's subjects that failed
	rapidVoted                              // Seq: the rank, body: the cut
	rapidPrepare                            // Seq: the rank; the first phase of a classic round
	rapidPromise                            // Seq: the rank promised, that of the prepare or a later one; body: the sender's latest vote, if any
	rapidAccept                             // Seq: the rank, body: the cut; the second phase
)

// What a plain encoding takes, in bytes: a kind, a number and a view; a count of processes
// in a body; and each of them.
const (
	rapidHeader = 1 + 8 + 4
	rapidCount  = 2
	rapidMember = 4
)

func newRapid(env Env, p model.Params) (model.Automaton, error) {
	if err := env.Check(); err != nil {
		return nil, err
	}
	interval, err := duration(p, "interval", model.Picosecond)
	if err != nil {
		return nil, err
	}
	d := &rapid{self: env.Self, watched: newPeers(env.Watch)}
	k, err := countTo(p, "k", 1, 64)
	if err != nil {
		return nil, err
	}
	h, err := countTo(p, "h", 1, int64(k))
	if err != nil {
		return nil, err
	}
	l, err := countTo(p, "l", 1, int64(h))
	if err != nil {
		return nil, err
	}
	if d.window, err = countTo(p, "window", 0, 64); err != nil {
		return nil, err
	}
	most := int64(d.window)
	if d.window == 0 {
		most = 1000
	}
	if d.failures, err = countTo(p, "failures", 1, most); err != nil {
		return nil, err
	}
	if d.fallback, err = countTo(p, "fallback", 0, 1_000_000); err != nil {
		return nil, err
	}
	d.cut = cutDetector{k: k, h: h, l: l, reports: make([]uint64, env.N)}
	d.consensus = newConsensus(env)
	d.sender = newSender(env, interval, p.Switch("stagger"), rapidProbe, nil)
	d.begin()
	return d, nil
}

// begin begins the view without those who are gone.
func (d *rapid) begin() {
	d.alerts = nil
	clear(d.cut.reports)
	d.consensus.reset(len(d.cut.reports) - len(d.gone))
	d.sender.watchers, d.edges = nil, nil
	if d.gone.has(d.self) {
		return
	}
	d.cut.observers = observers(len(d.cut.reports), d.cut.k, d.gone)
	var subjects []model.ProcessID
	for i, observer := range d.cut.observers {
		if subject := model.ProcessID(i / d.cut.k); observer == d.self {
			subjects = withMember(subjects, subject)
		}
	}
	d.sender.watchers, d.edges = subjects, make([]rapidEdge, len(subjects))
}

// observers returns who observes each of n processes, on each of k rings: the observer of s
// on ring r is at s*k + r. It is Nobody for those who are gone, and for one who is alone.
func observers(n, k int, gone rapidList) []model.ProcessID {
	table := make([]model.ProcessID, n*k)
	for i := range table {
		table[i] = model.Nobody
	}
	type place struct {
		hash   uint64
		member model.ProcessID
	}
	ring := make([]place, 0, n)
	for r := range k {
		ring = ring[:0]
		for p := range model.ProcessID(n) {
			if !gone.has(p) {
				ring = append(ring, place{rapidHash(r, p), p})
			}
		}
		if len(ring) < 2 {
			break
		}
		slices.SortFunc(ring, func(a, b place) int { return cmp.Compare(a.hash, b.hash) })
		last := ring[len(ring)-1].member
		for _, at := range ring {
			table[int(at.member)*k+r], last = last, at.member
		}
	}
	return table
}

// rapidHash places a process on a ring, by the finaliser of SplitMix64 (Steele, Lea, Flood,
// OOPSLA 2014), which gives different places to different arguments. The code hashes
// addresses, by xxHash with the number of the ring for a seed.
func rapidHash(ring int, p model.ProcessID) uint64 {
	z := (uint64(ring)<<32 | uint64(p)) + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// cutDetector counts the alerts about each member of a view by the rings on which its
// observers are. A member with fewer than L is taken for healthy, and the alerts for noise.
// One with H or more is stable. Between, it is unstable: more alerts may be on their way. A
// cut is proposed when there are stable members and no unstable ones. So members that fail
// together are removed together, and all who count propose the same, almost always.
//
// An observer that fails itself sends no alert. So if observer and subject both have L or
// more alerts, the observer's counts as given. (In the paper both are unstable; the code,
// which this follows, takes stable observers too.)
type cutDetector struct {
	k, h, l   int
	observers []model.ProcessID
	reports   []uint64 // of each process: the rings from which it was reported
}

// report takes in an alert of an observer about a subject, on whatever rings it observes it.
func (c *cutDetector) report(observer, subject model.ProcessID) {
	for r, o := range c.observers[int(subject)*c.k : int(subject+1)*c.k] {
		if o == observer {
			c.add(subject, r)
		}
	}
}

func (c *cutDetector) add(subject model.ProcessID, ring int) {
	c.reports[subject] |= 1 << ring
	if c.tally(subject) >= c.h {
		c.reports[subject] = 1<<c.k - 1 // no other matters
	}
}

func (c *cutDetector) tally(subject model.ProcessID) int { return bits.OnesCount64(c.reports[subject]) }

// propose returns the cut to be proposed, or nil.
func (c *cutDetector) propose() rapidList {
	for s := range model.ProcessID(len(c.reports)) {
		if n := c.tally(s); n < c.l || n >= c.h {
			continue
		}
		for r, o := range c.observers[int(s)*c.k : int(s+1)*c.k] {
			if o != model.Nobody && c.tally(o) >= c.l {
				c.add(s, r)
			}
		}
		if c.tally(s) < c.h {
			return nil
		}
	}
	var cut rapidList
	for s := range c.reports {
		if c.tally(model.ProcessID(s)) >= c.h {
			cut = append(cut, model.ProcessID(s))
		}
	}
	return cut
}

func (d *rapid) Step(now model.Time, in *model.Input, out *model.Output) {
	if d.sender.started && now >= d.sender.next {
		d.tick(in.Random, out)
	}
	sent := len(out.Send)
	d.sender.Step(now, out)
	for i := range out.Send[sent:] {
		m := &out.Send[sent+i]
		m.Arg, m.Bytes = d.view(), rapidHeader
		d.edges[i].awaited, d.edges[i].answered = true, false
	}
	if in.Kind == model.Deliver {
		d.receive(&in.Message, in.Random, out)
	}
	out.Wake = d.sender.Next()
}

// view returns the number of the view.
func (d *rapid) view() int64 { return int64(len(d.gone)) }

// tick does what is done in each interval, before the probes.
func (d *rapid) tick(random model.Random, out *model.Output) {
	d.vote(out)
	if d.wait > 0 {
		if d.wait--; d.wait == 0 {
			d.wait = d.delay(random)
			d.coordinate(out)
		}
	}
	failed := d.judge()
	if len(d.alerts) > 0 {
		d.broadcast(rapidAlert, 0, d.alerts, len(d.alerts), out)
	}
	for _, subject := range failed {
		d.cut.report(d.self, subject)
	}
	if len(failed) > 0 {
		d.consider(random, out)
	}
}

// judge counts the probes that were not answered, and returns the subjects that have failed
// by them.
func (d *rapid) judge() (failed rapidList) {
	for i := range d.edges {
		e := &d.edges[i]
		if e.alerted || !e.awaited {
			continue
		}
		missed := uint64(1)
		if e.answered {
			missed = 0
		}
		count := 0
		if d.window > 0 {
			e.history = (e.history<<1 | missed) & (1<<d.window - 1)
			count = bits.OnesCount64(e.history)
		} else {
			e.history += missed
			count = int(e.history)
		}
		if count >= d.failures {
			*e = rapidEdge{alerted: true}
			failed = append(failed, d.sender.watchers[i])
		}
	}
	if len(failed) > 0 {
		d.alerts = slices.Concat(d.alerts, failed)
		slices.Sort(d.alerts)
	}
	return failed
}

// consider proposes a cut if there is one and none was proposed in this view.
func (d *rapid) consider(random model.Random, out *model.Output) {
	if d.proposal != nil {
		return
	}
	if cut := d.cut.propose(); cut != nil {
		clear(d.cut.reports)
		d.wait = d.delay(random)
		d.propose(cut, out)
	}
}

// change begins the view without the members of the cut.
func (d *rapid) change(cut rapidList, out *model.Output) {
	gone := slices.Clone(d.gone)
	for _, p := range cut {
		if gone.has(p) {
			continue
		}
		gone = withMember(gone, p)
		if d.watched.index(p) >= 0 {
			out.Verdicts = append(out.Verdicts, model.Verdict{Peer: p, Suspected: true})
		}
	}
	d.gone = gone
	d.begin()
}

// broadcast sends a message to all members, with a body of so many processes; none if that is
// nil.
func (d *rapid) broadcast(kind uint8, seq int64, body any, processes int, out *model.Output) {
	for p := range model.ProcessID(len(d.cut.reports)) {
		if p != d.self && !d.gone.has(p) {
			d.send(p, kind, seq, body, processes, out)
		}
	}
}

func (d *rapid) send(to model.ProcessID, kind uint8, seq int64, body any, processes int, out *model.Output) {
	m := model.Message{From: d.self, To: to, Kind: kind, Seq: seq, Arg: d.view(), Bytes: rapidHeader, Body: body}
	if body != nil {
		m.Bytes += int32(rapidCount + rapidMember*processes)
	}
	if kind == rapidPromise && body != nil {
		m.Bytes += 8 // the rank
	}
	out.Send = append(out.Send, m)
}

// receive takes a message.
func (d *rapid) receive(m *model.Message, random model.Random, out *model.Output) {
	if m.From < 0 || int(m.From) >= len(d.cut.reports) || m.From == d.self {
		return // nobody's message
	}
	list, _ := m.Body.(rapidList)
	switch m.Kind {
	case rapidProbe:
		d.send(m.From, rapidReply, m.Seq, nil, 0, out)
		if 0 <= m.Arg && m.Arg < d.view() {
			d.send(m.From, rapidView, 0, d.gone, len(d.gone), out)
		}
		return
	case rapidReply:
		if i, found := slices.BinarySearch(d.sender.watchers, m.From); found && m.Seq == d.sender.seq-1 {
			d.edges[i].answered = true
		}
		return
	case rapidView:
		if m.Arg == int64(len(list)) && m.Arg > d.view() && d.processes(list) {
			d.change(list, out)
		}
		return
	}
	if m.Arg != d.view() || d.gone.has(m.From) || d.gone.has(d.self) {
		return // of another view
	}
	if m.Kind != rapidAlert {
		d.consult(m, out)
		return
	}
	if d.proposal == nil && d.processes(list) {
		for _, subject := range list {
			d.cut.report(m.From, subject)
		}
		d.consider(random, out)
	}
}

// processes tells whether a list is one of processes, in order.
func (d *rapid) processes(list rapidList) bool {
	last := model.Nobody
	for _, p := range list {
		if p <= last || int(p) >= len(d.cut.reports) {
			return false
		}
		last = p
	}
	return true
}

func (d *rapid) Clone() model.Automaton {
	c := *d
	c.edges = slices.Clone(d.edges)
	c.cut.reports = slices.Clone(d.cut.reports)
	c.consensus = d.consensus.clone()
	return &c
}

// Of the encoding of an edge.
const (
	edgeWaiting = iota // for the next interval
	edgeAwaited
	edgeAnswered
	edgeAlerted
)

// AppendState writes the view, and of a member of it the edges, the reports as long as nothing
// was proposed, and the consensus.
func (d *rapid) AppendState(b []byte, now model.Time) []byte {
	b = d.sender.AppendState(b, now)
	if !d.sender.started {
		return b
	}
	b = appendList(b, d.gone)
	if d.gone.has(d.self) {
		return b
	}
	for _, e := range d.edges {
		switch {
		case e.alerted:
			b = append(b, edgeAlerted)
			continue
		case !e.awaited:
			b = append(b, edgeWaiting)
		case e.answered:
			b = append(b, edgeAnswered)
		default:
			b = append(b, edgeAwaited)
		}
		b = binary.AppendUvarint(b, e.history)
	}
	b = appendList(b, d.proposal)
	if d.proposal == nil {
		for _, r := range d.cut.reports {
			b = binary.AppendUvarint(b, r)
		}
	}
	return d.consensus.append(b)
}

func appendList(b []byte, list rapidList) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, p := range list {
		b = binary.AppendUvarint(b, uint64(p))
	}
	return b
}

// list reads a list of processes, of n; nil if there are none.
func (r *swimReader) list(n int) rapidList {
	var list rapidList
	last := model.Nobody
	for range r.upTo(uint64(n)) {
		p := model.ProcessID(r.upTo(uint64(n - 1)))
		if r.failed = r.failed || p <= last; r.failed {
			return nil
		}
		list, last = append(list, p), p
	}
	return list
}

func (d *rapid) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	d.gone = nil
	if b, err = d.sender.LoadState(b, now); err != nil || !d.sender.started {
		d.begin()
		return b, err
	}
	r := swimReader{b: b, now: now}
	n := len(d.cut.reports)
	d.gone = r.list(n)
	d.begin()
	if !d.gone.has(d.self) {
		d.load(&r, n)
	}
	if r.failed {
		return r.b, errEncoding
	}
	return r.b, nil
}

func (d *rapid) load(r *swimReader, n int) {
	most := uint64(d.failures - 1)
	if d.window > 0 {
		most = 1<<d.window - 1
	}
	for i := range d.edges {
		e := &d.edges[i]
		switch state := r.byte(); state {
		case edgeAlerted:
			e.alerted = true
			d.alerts = append(d.alerts, d.sender.watchers[i])
			continue
		case edgeWaiting:
		case edgeAwaited, edgeAnswered:
			e.awaited, e.answered = true, state == edgeAnswered
		default:
			r.failed = true
		}
		e.history = r.upTo(most)
	}
	if d.proposal = r.list(n); d.proposal == nil {
		for s := range d.cut.reports {
			d.cut.reports[s] = r.upTo(1<<d.cut.k - 1)
		}
	}
	d.consensus.load(r, n)
}
