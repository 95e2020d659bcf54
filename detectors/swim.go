package detectors

import (
	"fmt"
	"slices"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "swim",
		Source: "Das, Gupta, Motivala, \"SWIM: scalable weakly-consistent infection-style process group membership protocol\", DSN 2002; the switches are Dadgar, Phillips, Currey, \"Lifeguard: local health awareness for more accurate failure detection\", DSN-W 2018",
		Doc:    "Pings one member in each period, asks others to ping it if it does not answer, and spreads by gossip who is suspected and has failed (SWIM).",
		Claims: []model.Claim{
			{Class: model.P, Under: "no loss, round trips below the timeout, drift-free clocks, no pauses, all processes start together and none recovers", Given: prompt(half(times(1, "timeout")), times(100, "period"))},
		},
		Params: []model.Param{
			{Name: "period", Type: model.DurationParam, Default: "1s",
				Doc: "protocol period T', in which one member is probed"},
			{Name: "timeout", Type: model.DurationParam, Default: "300ms",
				Doc: "time for the ack of a ping, after which other members are asked to ping; at most the period"},
			{Name: "indirect", Type: model.CountParam, Default: "3",
				Doc: "how many members are asked"},
			{Name: "select", Type: model.TextParam, Default: "round-robin",
				Doc: "how the probed member is chosen: round-robin (each once in a round of random order) or random (any member, with equal chances)"},
			{Name: "suspicion", Type: model.DurationParam, Optional: true,
				Doc: "how long a member is suspected before it is confirmed to have failed; 0s: a member that does not answer has failed; left out: as many periods as a member sends news, and at least one"},
			{Name: "lambda", Type: model.CountParam, Default: "3",
				Doc: "news is sent lambda*ceil(ln(N+1)) times by each member"},
			{Name: "updates", Type: model.CountParam, Default: "6",
				Doc: "most pieces of news in a message"},
			{Name: "report", Type: model.TextParam, Default: "confirm",
				Doc: "which members the detector suspects: confirm (those that have failed, as SWIM tells its user) or suspect (those under suspicion, too)"},
			{Name: "stagger", Type: model.SwitchParam, Default: "true",
				Doc: "begin the first period a random part of a period after the start, rather than at once"},
			{Name: "lha-probe", Type: model.SwitchParam, Default: "false",
				Doc: "Lifeguard: a member that doubts its own health probes more slowly and waits longer"},
			{Name: "lha-suspicion", Type: model.SwitchParam, Default: "false",
				Doc: "Lifeguard: a suspicion lasts longest where nobody confirms it"},
			{Name: "suspicion-max", Type: model.CountParam, Default: "6",
				Doc: "for lha-suspicion: the longest suspicion, in multiples of the shortest, which is the parameter suspicion"},
			{Name: "buddy", Type: model.SwitchParam, Default: "false",
				Doc: "Lifeguard: a ping to a suspect tells it that it is suspected"},
		},
		New: newSwim,
	})
}

// swim is one member of a group that watches itself. Everybody is a member from the
// start: there is no join. In each period a member pings one other. If no ack comes within
// the timeout it asks others to ping that member too and to forward the ack; if none has
// come by the end of the period, it suspects the member, and after a time without
// refutation confirms that it has failed. News of suspicions, refutations and failures
// travels in the messages that are sent anyway. Failed members are neither pinged nor
// asked, and a failure that was confirmed is final, even if it was a mistake or the
// process recovers: the paper lets such a process join again under a new name, and here it
// has no other. A failed member that lives on still gets its pings acked, and so knows
// nothing.
//
// The paper shuffles the list of members at the beginning of a round and walks along it.
// Here each period draws from the members that the round has not yet seen, which gives the
// same orders with the same chances and leaves a smaller state.
//
// Lifeguard's components are switches. LHA-Probe keeps a counter of doubts in the own
// health, from 0 to 8: one less for an answered probe; one more for an unanswered one, once
// more if not all who were asked said that they got no ack either (a nack), and one more
// for a refuted suspicion of oneself. The period and timeout are longer by that many times
// themselves. Members that were asked send their nack after the timeout of a member in
// full health. LHA-Suspicion starts a suspicion with the longest duration, which shrinks
// with each other member that suspects the same, up to three, or as many as there are.
// The buddy system puts the suspicion into the ping to the suspect, whatever other news
// there is.
//
// Pings have one of 256 numbers in turn, so that an ack that comes 256 probes late would be
// taken for a new one. Incarnations are encoded as they are and not by their order: they
// grow only when a member refutes, so the states of a run recur as long as nobody is
// suspected that lives.
//
// Every message with news allocates its body.
type swim struct {
	swimProtocol
	members members
	probe   swimProbe
	started bool
	number  uint8             // of the latest ping
	doubts  int32             // in the own health
	next    model.Time        // when the next period begins, if no probe is under way then
	gossips model.Time        // when news is next sent by itself
	pushes  model.Time        // when the whole list is next exchanged
	owed    []model.ProcessID // in increasing order: to whom a nack is owed
	scratch []model.ProcessID
}

// swimProtocol is the parameters of a membership protocol.
type swimProtocol struct {
	period, timeout model.Duration
	indirect        int
	random          bool // the selection
	stagger         bool
	maxDoubts       int32 // 0: one's own health is not doubted
	nacks           bool
	buddy           bool

	// ticks tells that periods begin on ticks of a clock, as memberlist's do, rather than
	// a period after each other.
	ticks bool

	// Of gossip that does not wait for probes; no times mean none.
	gossipEvery  model.Duration
	gossipTo     int
	gossipToDead model.Duration // how long failed members get gossip
	pushEvery    model.Duration
}

// swimProbe is the probe of one member.
type swimProbe struct {
	target   model.ProcessID // Nobody: no probe is under way
	asked    bool            // others were asked, or nobody could be
	asks     model.Time      // when others are asked
	deadline model.Time
	relays   int32 // who were asked
	nacks    int32
}

// The messages of membership protocols. Seq is the number of the probe that a message
// belongs to, and Arg names a third process, plus 1.
const (
	swimPing    = 1 + iota // Arg: on behalf of whom, or 0
	swimAck                // Arg as in its ping
	swimPingReq            // Arg: whom to ping
	swimForward            // an ack handed on; Arg: whose it was
	swimNack               // no ack came; Arg: from whom
	swimGossip             // news alone
	swimPush               // the sender's whole list, which asks for the receiver's
	swimPull               // the answer
)

// Of Lifeguard.
const (
	swimMaxDoubts     = 8 // S
	swimConfirmations = 3 // K
)

func newSwim(env Env, p model.Params) (model.Automaton, error) {
	d, err := newMembership(env, p, "period", "timeout")
	if err != nil {
		return nil, err
	}
	switch p.Text("select") {
	case "round-robin":
	case "random":
		d.random = true
	default:
		return nil, &model.ParamError{Name: "select", Err: fmt.Errorf("%q is neither round-robin nor random", p.Text("select"))}
	}
	if d.members.copies, err = newsCopies(p, "lambda", naturalCeil(env.N+1)); err != nil {
		return nil, err
	}
	suspicion, err := duration(p, "suspicion", 0)
	if err != nil {
		return nil, err
	}
	if !p.Given("suspicion") {
		periods := max(1, model.Duration(d.members.copies))
		if d.period > longest/periods {
			return nil, &model.ParamError{Name: "period", Err: fmt.Errorf("%v is too long for suspicions of %d periods, which last at most %v", d.period, periods, longest)}
		}
		suspicion = d.period * periods
	}
	if suspicion > 0 {
		longest, confirmations := suspicion, 0
		if p.Switch("lha-suspicion") {
			if longest, err = timesParam(suspicion, p, "suspicion-max"); err != nil {
				return nil, err
			}
			confirmations = min(swimConfirmations, env.N-2)
		}
		d.members.timeouts = suspicionTimeouts(suspicion, longest, confirmations, model.Picosecond)
	}
	if d.members.perUpdate, err = countTo(p, "updates", 1, 1000); err != nil {
		return nil, err
	}
	if p.Switch("lha-probe") {
		d.maxDoubts, d.nacks = swimMaxDoubts, true
	}
	d.buddy = p.Switch("buddy")
	return d, nil
}

// newMembership reads the parameters that the protocols share; the names of two differ.
func newMembership(env Env, p model.Params, period, timeout string) (*swim, error) {
	if err := env.Check(); err != nil {
		return nil, err
	}
	d := &swim{members: newMembers(env)}
	d.stagger = p.Switch("stagger")
	var err error
	if d.period, err = duration(p, period, model.Picosecond); err != nil {
		return nil, err
	}
	if d.timeout, err = duration(p, timeout, model.Picosecond); err != nil {
		return nil, err
	}
	const longestPeriod = longest / 16 // a member in doubt takes nine
	switch {
	case d.period > longestPeriod:
		return nil, &model.ParamError{Name: period, Err: fmt.Errorf("%v is too long: at most %v", d.period, longestPeriod)}
	case d.timeout > d.period:
		return nil, &model.ParamError{Name: timeout, Err: fmt.Errorf("%v is longer than the %s, %v: no probe could wait for it", d.timeout, period, d.period)}
	}
	if d.indirect, err = countTo(p, "indirect", 0, 1000); err != nil {
		return nil, err
	}
	switch p.Text("report") {
	case "confirm":
		d.members.reported = memberFailed
	case "suspect":
		d.members.reported = memberSuspect
	default:
		return nil, &model.ParamError{Name: "report", Err: fmt.Errorf("%q is neither confirm nor suspect", p.Text("report"))}
	}
	d.forget()
	return d, nil
}

// countTo returns the count parameter of the given name, if it lies in the range.
func countTo(p model.Params, name string, least, most int64) (int, error) {
	n := p.Count(name)
	if n < least || n > most {
		return 0, &model.ParamError{Name: name, Err: fmt.Errorf("%d is not between %d and %d", n, least, most)}
	}
	return int(n), nil
}

// timesParam returns d times the count parameter of the given name.
func timesParam(d model.Duration, p model.Params, name string) (model.Duration, error) {
	n, err := countTo(p, name, 1, 1000)
	if err == nil && d > longest/model.Duration(n) {
		err = &model.ParamError{Name: name, Err: fmt.Errorf("%d times %v is too long: at most %v", n, d, longest)}
	}
	return d * model.Duration(n), err
}

// newsCopies returns how often news is sent: the count parameter of the given name times
// the logarithm of the size of the group, as rounded.
func newsCopies(p model.Params, name string, logarithm int) (int32, error) {
	n, err := countTo(p, name, 0, 100)
	return int32(n * logarithm), err
}

// naturalCeil returns the natural logarithm of n, the one of the paper's analysis of
// infection, rounded up.
func naturalCeil(n int) int {
	log := model.Log(float64(n))
	c := int(log)
	if float64(c) < log {
		c++
	}
	return c
}

// forget makes d as it is before the first step.
func (d *swim) forget() {
	d.started = false
	d.probe = swimProbe{target: model.Nobody}
	d.next, d.gossips, d.pushes = model.Never, model.Never, model.Never
}

func (d *swim) Step(now model.Time, in *model.Input, out *model.Output) {
	if !d.started {
		d.start(now, in.Random)
	}
	if d.gossips <= now { // first: ticks without news pass unseen, and news of this step waits
		d.gossip(now, in.Random, out)
	}
	d.members.expire(now, out)
	d.nack(now, out)
	d.goOn(now, in.Random, out)
	if d.pushes <= now {
		d.push(now, in.Random, out)
	}
	if in.Kind == model.Deliver {
		d.receive(now, &in.Message, out)
		d.goOn(now, in.Random, out)
	}
	d.members.expire(now, out) // a confirmation may end a suspicion at once
	out.Wake = d.wake()
}

func (d *swim) start(now model.Time, random model.Random) {
	d.started = true
	d.next = now
	if d.ticks {
		d.next = now.Add(d.period)
	}
	if d.stagger {
		d.next = d.next.Add(randomPart(d.period, random))
	}
	if d.gossipEvery > 0 {
		d.gossips = now.Add(d.gossipEvery)
	}
	if d.pushEvery > 0 {
		d.pushes = now.Add(d.pushEvery + randomPart(d.pushEvery, random))
	}
}

// randomPart returns a random part of d, one of 1024.
func randomPart(d model.Duration, random model.Random) model.Duration {
	const parts = 1024
	i := model.Duration(random.IntN(parts))
	return d/parts*i + d%parts*i/parts
}

// wake returns when the next thing falls due.
func (d *swim) wake() model.Time {
	next := d.members.nextExpiry()
	for _, p := range d.owed {
		next = min(next, d.members.list[p].relayed)
	}
	switch {
	case d.probe.target == model.Nobody:
		next = min(next, d.next)
	case d.probe.asked:
		next = min(next, d.probe.deadline)
	default:
		next = min(next, d.probe.asks, d.probe.deadline)
	}
	if len(d.members.spreading) > 0 {
		next = min(next, d.gossips)
	}
	return min(next, d.pushes)
}

// goOn takes the probe that is under way further, and begins the next.
func (d *swim) goOn(now model.Time, random model.Random, out *model.Output) {
	if d.probe.target != model.Nobody {
		if now >= d.probe.deadline {
			d.giveUp(now, out)
		} else if now >= d.probe.asks && !d.probe.asked {
			d.ask(random, out)
		}
	}
	if d.probe.target == model.Nobody && now >= d.next {
		d.begin(now, random, out)
	}
}

// begin begins a period. One that comes late, after a pause, counts from its own time; a
// tick that comes late leaves the later ones where they are.
func (d *swim) begin(now model.Time, random model.Random, out *model.Output) {
	stretch := model.Duration(1 + d.doubts)
	d.probe.deadline, d.probe.asks = now.Add(stretch*d.period), now.Add(stretch*d.timeout)
	if d.ticks {
		d.next = tickAfter(now, d.next, d.period)
		d.probe.asks = now.Add(d.timeout)
	} else {
		d.next = d.probe.deadline
	}
	target := d.choose(random)
	if target == model.Nobody {
		return
	}
	d.probe = swimProbe{target: target, asks: d.probe.asks, deadline: d.probe.deadline}
	d.number++
	ping := model.Message{To: target, Kind: swimPing, Seq: int64(d.number)}
	news := d.members.take()
	if d.buddy && d.members.list[target].standing == memberSuspect && !news.mentions(target) {
		u := d.members.about(target)
		u.Accuser = d.members.self
		news = append(news, u)
	}
	d.sendNews(ping, news, out)
}

// tickAfter returns the first time after now that is a whole number of periods after
// the tick.
func tickAfter(now, tick model.Time, period model.Duration) model.Time {
	return now.Add(period - model.Duration(floorMod(int64(now.Sub(tick)), int64(period))))
}

func floorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }

// choose draws whom to probe.
func (d *swim) choose(random model.Random) model.ProcessID {
	candidates := d.pick(func(p *member) bool { return p.standing != memberFailed && !p.probed })
	if len(candidates) == 0 {
		return model.Nobody
	}
	target := candidates[random.IntN(len(candidates))]
	if !d.random {
		d.members.list[target].probed = true
		d.members.endRound()
	}
	return target
}

// pick returns the other members that fit, until the next call.
func (d *swim) pick(fits func(p *member) bool) []model.ProcessID {
	d.scratch = d.scratch[:0]
	for p := range d.members.list {
		if id := model.ProcessID(p); id != d.members.self && fits(&d.members.list[p]) {
			d.scratch = append(d.scratch, id)
		}
	}
	return d.scratch
}

// drawSome moves n of the candidates, drawn at random, to the front and returns them; all if
// there are fewer.
func drawSome(candidates []model.ProcessID, n int, random model.Random) []model.ProcessID {
	n = min(n, len(candidates))
	for i := range n {
		j := i + random.IntN(len(candidates)-i)
		candidates[i], candidates[j] = candidates[j], candidates[i]
	}
	return candidates[:n]
}

// ask asks others to ping the target.
func (d *swim) ask(random model.Random, out *model.Output) {
	d.probe.asked = true
	fit := memberSuspect
	if d.ticks {
		fit = memberAlive // memberlist asks only these
	}
	candidates := d.pick(func(p *member) bool { return p.standing <= fit })
	if i, found := slices.BinarySearch(candidates, d.probe.target); found {
		candidates = slices.Delete(candidates, i, i+1)
	}
	for _, p := range drawSome(candidates, d.indirect, random) {
		d.send(model.Message{To: p, Kind: swimPingReq, Seq: int64(d.number), Arg: int64(d.probe.target) + 1}, out)
		d.probe.relays++
	}
}

// giveUp ends a probe without an answer.
func (d *swim) giveUp(now model.Time, out *model.Output) {
	p := d.probe
	d.probe = swimProbe{target: model.Nobody}
	switch missing := p.relays - p.nacks; {
	case d.ticks && p.relays > 0:
		d.doubt(missing) // memberlist
	case missing > 0:
		d.doubt(2)
	default:
		d.doubt(1)
	}
	u := memberUpdate{Member: p.target, Standing: memberSuspect, Incarnation: d.members.list[p.target].incarnation, Accuser: d.members.self}
	if len(d.members.timeouts) == 0 {
		u.Standing = memberFailed
	}
	d.members.learn(u, now, out)
}

// doubt adds to the doubts in the own health.
func (d *swim) doubt(more int32) { d.doubts = max(0, min(d.doubts+more, d.maxDoubts)) }

// answered ends the probe of the given number if target answered it.
func (d *swim) answered(number int64, target model.ProcessID) {
	if target != model.Nobody && target == d.probe.target && number == int64(d.number) {
		d.probe = swimProbe{target: model.Nobody}
		d.doubt(-1)
	}
}

// send sends m with news.
func (d *swim) send(m model.Message, out *model.Output) { d.sendNews(m, d.members.take(), out) }

func (d *swim) sendNews(m model.Message, news memberNews, out *model.Output) {
	m.From, m.Bytes = d.members.self, news.bytes()
	if len(news) > 0 {
		m.Body = news
	}
	out.Send = append(out.Send, m)
}

// receive takes a message. News comes first, so that an ack can carry a refutation.
func (d *swim) receive(now model.Time, m *model.Message, out *model.Output) {
	third := model.ProcessID(-1)
	if 0 < m.Arg && m.Arg <= int64(len(d.members.list)) {
		third = model.ProcessID(m.Arg - 1)
	}
	if !d.members.has(m.From) || m.Seq < 0 || m.Seq > 255 || m.Arg != 0 && !(third == d.members.self || d.members.has(third)) {
		return // nobody's message
	}
	body, _ := m.Body.(memberNews)
	if m.Kind == swimPush || m.Kind == swimPull {
		if d.pushEvery > 0 {
			d.merge(m, body, now, out)
		}
		return
	}
	for _, u := range body {
		d.hear(u, now, out)
	}
	from := &d.members.list[m.From]
	switch m.Kind {
	case swimPing:
		d.send(model.Message{To: m.From, Kind: swimAck, Seq: m.Seq, Arg: m.Arg}, out)
	case swimAck:
		if m.Arg == 0 {
			d.answered(m.Seq, m.From)
		} else if third != d.members.self {
			d.forward(m, third, out)
		}
	case swimPingReq:
		if d.members.has(third) && third != m.From {
			d.send(model.Message{To: third, Kind: swimPing, Seq: m.Seq, Arg: int64(m.From) + 1}, out)
			if d.nacks {
				from.relayed, from.relaySeq, from.relayTarget = now.Add(d.timeout), m.Seq, third
				d.owed = withMember(d.owed, m.From)
			}
		}
	case swimForward:
		d.answered(m.Seq, third)
	case swimNack:
		if third == d.probe.target && m.Seq == int64(d.number) && d.probe.nacks < d.probe.relays {
			d.probe.nacks++
		}
	}
}

// hear takes in a piece of news from another member.
func (d *swim) hear(u memberUpdate, now model.Time, out *model.Output) {
	if d.members.learn(u, now, out) {
		d.doubt(1)
	}
}

// forward hands an ack on to the member that asked for the ping. Where nacks are sent, the
// time for it ends with the nack.
func (d *swim) forward(ack *model.Message, origin model.ProcessID, out *model.Output) {
	if d.nacks {
		o := &d.members.list[origin]
		if !slices.Contains(d.owed, origin) || o.relaySeq != ack.Seq || o.relayTarget != ack.From {
			return
		}
		d.owed = withoutMember(d.owed, origin)
	}
	d.send(model.Message{To: origin, Kind: swimForward, Seq: ack.Seq, Arg: int64(ack.From) + 1}, out)
}

// nack tells members that no ack has come to the pings that they asked for.
func (d *swim) nack(now model.Time, out *model.Output) {
	for i := 0; i < len(d.owed); {
		p := d.owed[i]
		o := &d.members.list[p]
		if o.relayed > now {
			i++
			continue
		}
		d.owed = slices.Delete(d.owed, i, i+1)
		d.send(model.Message{To: p, Kind: swimNack, Seq: o.relaySeq, Arg: int64(o.relayTarget) + 1}, out)
	}
}
