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
		Name:   "differential",
		Source: "ours: pairs of probes in a class with a latency bound (Grosvenor et al., \"Queues don't matter when you can jump them!\", NSDI 2015) and in one without, on several paths, and relays as in SWIM (Das, Gupta, Motivala, DSN 2002)",
		Doc:    "Probes each peer in a class of guaranteed latency and in one of best effort, on several paths and through others, and tells kinds of failure apart by which probes come back.",
		Claims: []model.Claim{
			{Class: model.P, Under: "at least three processes, of which two never crash and no two others within three periods of each other; no failure but crashes; in the guaranteed class no loss and delays of at most d, processing in at most r, drift-free clocks, no pauses, all processes start together and none recovers"},
			{Class: model.EventuallyP, Under: "the same from some time on"},
		},
		Params: typedParams(pingParams(
			model.Param{Name: "d", Type: model.DurationParam, Default: "1ms",
				Doc: "bound on the delay in the guaranteed class, one way: that of the class"},
			model.Param{Name: "r", Type: model.DurationParam, Default: "1ms",
				Doc: "maximal time that a process takes from the arrival of a message to the sending of its answer"},
			model.Param{Name: "queueing", Type: model.DurationParam, Default: "1ms",
				Doc: "how much longer than 2d + r a probe of best effort may take, there and back, before its path counts as congested"},
			model.Param{Name: "priority", Type: model.CountParam, Default: "7",
				Doc: "priority of the guaranteed class: from 1 to 7. Best effort is that of the monitor, 0 if none is given"},
			model.Param{Name: "paths", Type: model.CountParam, Default: "4",
				Doc: "flows on which each peer is probed, which take different paths where there are several: from 1 to 8"},
			model.Param{Name: "relays", Type: model.CountParam, Default: "3",
				Doc: "processes that are asked to probe a peer which answers nothing: from 0 to 8"},
			model.Param{Name: "misses", Type: model.CountParam, Default: "2",
				Doc: "rounds in a row with the same probes lost that make a verdict: from 1 to 16"},
			model.Param{Name: "window", Type: model.CountParam, Default: "10",
				Doc: "rounds over which those with congestion, and losses that did not last, are counted: from 1 to 64"},
			model.Param{Name: "several", Type: model.CountParam, Default: "2",
				Doc: "how many of them make a verdict"},
			model.Param{Name: "convergence", Type: model.DurationParam, Default: "0s",
				Doc: "how long routes take to change after a failure, to be told as the duration of a route failure; 0 if that is not known"})...),
		Typed: true,
		Kinds: []model.FailureKind{model.ProcessCrash, model.HostCrash, model.Congestion, model.RouteFailure, model.Partition,
			model.Corruption, model.PolicyViolation, model.Stall},
		New: newDifferential,
	})
}

// differential probes each peer once in a period, on each of several paths with two probes
// at a time: one in a class whose latency is bounded by d, one of best effort. A guaranteed
// probe that is not back after 2d + r was not held up by other traffic, whatever the load
// is: so congestion explains the loss of best effort alone. If nothing at all comes back, it
// asks some of those that answered in this round to probe the peer. A relay says that it
// was asked, and again if the peer answered.
//
// Of one round, with the probes on each path:
//
//	a path                                sight
//	guaranteed back, best effort not      congested
//	guaranteed late                       stalled, and nothing else: the peer took longer than r
//	neither back, but something elsewhere severed
//	guaranteed lost, best effort back     refused
//	nothing back on any path              silent, and nothing else
//
// Certainty is [model.Certain] divided by the number of kinds that a single failure could
// be which is seen so, round after round:
//
//	sight, for how long                   said             could be as well              certainty
//	congested in several of the window    congestion       a rule for the class                500
//	  and a late answer came, too         congestion       -                                  1000
//	stalled, once                         stall            -                                  1000
//	severed, misses times                 route failure    a rule on the path                  500
//	refused, misses times                 policy           -                                  1000
//	the latter two or silence for less,   corruption       flapping routes                     500
//	  in several rounds of the window
//	silent, misses times, and then
//	  a relay reaches the peer            route failure    a rule for the pair                 500
//	  no relay does, it alone is silent   host crash       process crash, stall, partition,
//	                                                       route failure, a rule               166
//	  no relay does, others fell silent   partition        host crash (of them all, by power),
//	    within a round, or all are                         route failure, a rule               250
//	  a reset or finish came              process crash    -                                  1000
//
// A loss by chance takes probes of both classes alike: so a round with one of guaranteed
// probes alone, that did not last, makes up for a round that is congested. A guaranteed
// answer that comes after its round has been judged ends a silence and tells that it was a
// stall.
//
// Where a relay reaches both, hosts with one link each have a working path between them, so
// it is no partition; hosts with several links break that rule. Other relays are asked in each
// round, and of some the way to the peer may have failed as well: so one that reached it counts
// until about all have been asked. While d and r hold, nothing
// is lost by chance, and only one failure is there at a time, congestion is told only when
// it, or a rule for the class of best effort, is there, and stall only of a peer that was not
// running. Confused are, in the nature of the thing: a crash of a host, of its process
// without a reset, a long pause, and the failure of its last hop; a rule for a pair and a
// route that fails; a rack without power and one that is cut off. A peer that crashes while
// another falls silent, or when all do, is said to be parted. A link that loses many packets looks
// like a rule, a route that fails and corruption by turns.
//
// The probes of a round leave together: what limits the rate of the guaranteed class must
// let pass one for each peer and path, and as many answers. A round is not judged if the
// process itself was held up for more than r: it says nothing of others.
type differential struct {
	opinions
	rounds      Heartbeats
	watchers    peers
	n           int
	bound       model.Duration // 2d + r
	wait        model.Duration // that, queueing and a picosecond
	relayed     model.Duration // 4d + 3r and a picosecond
	grace       model.Duration // r: how late a round may be judged
	convergence model.Duration
	priority    model.Priority
	paths       int
	relays      int
	misses      uint8
	window      uint64 // as many bits as rounds count
	several     int

	phase   differentialPhase
	due     model.Time // when the phase ends
	ignored int64      // rounds up to this one say nothing
	pairs   []differentialPair
}

type differentialPhase uint8

const (
	resting  differentialPhase = iota
	probing                    // waiting for the peers
	relaying                   // waiting for the relays
)

// differentialPair is what is kept of one peer.
type differentialPair struct {
	probes  probeOutcome // of the latest round
	asked   bool         // a relay about it, in this round
	heard   bool         // from a relay that it was
	found   bool         // by a relay
	queued  bool         // an answer of best effort came late, in this congestion
	reset   bool         // the process ended, and nothing was heard since
	reached uint8        // rounds for which it counts that one did, in this silence
	silent  uint8        // rounds in a row, saturating at misses + 2
	severed uint8        // likewise, at misses
	refused uint8        // likewise
	jams    uint64       // a bit for each round of the window, the latest lowest: congested
	losses  uint64       // likewise: a loss that did not last has ended
}

// probeOutcome tells which probes of a round are back, with a bit for each path.
type probeOutcome struct {
	guaranteed uint8 // within 2d + r
	late       uint8 // guaranteed, after that
	bestEffort uint8
}

// sight is what a round shows of a peer.
type sight uint8

const (
	congestedSight sight = 1 << iota
	stalledSight
	severedSight
	refusedSight
	silentSight
)

// see returns what an outcome on some paths shows: nothing if all is back.
func (o probeOutcome) see(paths int) (s sight) {
	all := uint8(1<<paths - 1)
	g, b := o.guaranteed, o.bestEffort
	switch {
	case o.late != 0:
		return stalledSight
	case g|b == 0:
		return silentSight
	}
	if all&^g&^b != 0 {
		s |= severedSight
	}
	if g&^b != 0 {
		s |= congestedSight
	}
	if b&^g != 0 {
		s |= refusedSight
	}
	return s
}

// Of Message.Arg of a probe and its echo: the path, and below it the class.
const (
	guaranteedProbe = iota
	bestEffortProbe
	probeClasses
)

// The messages. The Arg of those through relays is a third process, and below it the flow.
const (
	differentialProbe = 70 + iota
	differentialEcho
	relayAsked // to a relay, about a peer
	relayHeard // its answer
	relayProbe // from it to the peer, about who asked
	relayEcho  // its answer
	relayFound // from the relay, about the peer
)

const (
	flowBits           = 3
	differentialMemory = 64 // answers to rounds so long ago are not looked at
)

func newDifferential(env Env, p model.Params) (model.Automaton, error) {
	rounds, err := newPings(env, p)
	if err != nil {
		return nil, err
	}
	rounds.kind = differentialProbe
	o, err := newOpinions(env, p)
	if err != nil {
		return nil, err
	}
	var durations [4]model.Duration
	for i, name := range []string{"d", "r", "queueing", "convergence"} {
		if durations[i], err = duration(p, name, 0); err != nil {
			return nil, err
		}
	}
	var counts [6]int
	for i, c := range []struct {
		name        string
		least, most int64
	}{{"priority", 1, model.Priorities - 1}, {"paths", 1, 8}, {"relays", 0, 8}, {"misses", 1, 16}, {"window", 1, 64}, {"several", 1, 64}} {
		v := p.Count(c.name)
		if v < c.least || v > c.most {
			return nil, &model.ParamError{Name: c.name, Err: fmt.Errorf("%d is out of range: from %d to %d", v, c.least, c.most)}
		}
		counts[i] = int(v)
	}
	delay, processing, queueing := durations[0], durations[1], durations[2]
	d := &differential{
		opinions: o, rounds: rounds, watchers: newPeers(env.Watchers), n: env.N,
		bound: 2*delay + processing, grace: processing, convergence: durations[3],
		priority: model.Priority(counts[0]), paths: counts[1], relays: counts[2], misses: uint8(counts[3]),
		window: ^uint64(0) >> (64 - counts[4]), several: counts[5],
		pairs: make([]differentialPair, len(env.Watch)),
	}
	d.wait = d.bound + queueing + model.Picosecond
	d.relayed = 4*delay + 3*processing + model.Picosecond
	if whole := d.wait + d.relayed; rounds.schedule.eta <= whole {
		return nil, &model.ParamError{Name: "eta", Err: fmt.Errorf("%v is too short for a round: longer than %v, which is 6d + 4r + queueing", rounds.schedule.eta, whole)}
	}
	d.reset()
	return d, nil
}

func (d *differential) reset() {
	clear(d.pairs)
	d.phase, d.due, d.ignored = resting, model.Never, -1
}

func (d *differential) Step(now model.Time, in *model.Input, out *model.Output) {
	for d.due <= now {
		d.endPhase(now, out)
	}
	sent := len(out.Send)
	first := d.rounds.Step(now, out)
	if first { // what was asked before is of another life
		d.ignored = d.rounds.seq - 1
	}
	if len(out.Send) > sent {
		if first {
			d.ignored--
		}
		d.open(sent, now, out)
	}
	switch in.Kind {
	case model.Deliver:
		d.deliver(now, &in.Message, out)
	case model.Inform:
		d.inform(now, in.Evidence, out)
	}
	out.Wake = min(d.rounds.Next(), d.due)
}

// open begins a round: there is one probe for each peer in the output, which becomes the
// guaranteed one on the first path.
func (d *differential) open(sent int, now model.Time, out *model.Output) {
	if d.phase != resting { // the process was held up
		d.ignored = d.rounds.seq - 2
	}
	d.phase, d.due = probing, now.Add(d.wait)
	for p := range d.pairs {
		x := &d.pairs[p]
		x.probes, x.asked, x.heard, x.found = probeOutcome{}, false, false, false
	}
	for k := sent; k < sent+len(d.pairs); k++ {
		m := &out.Send[k]
		m.Priority = d.priority
		for channel := int64(1); channel < int64(d.paths*probeClasses); channel++ {
			out.Send = append(out.Send, d.onChannel(out.Send[k], channel))
		}
	}
}

// onChannel returns m as it goes on a path and in a class.
func (d *differential) onChannel(m model.Message, channel int64) model.Message {
	m.Arg, m.Flow, m.Priority = channel, uint8(channel/probeClasses), 0
	if channel%probeClasses == guaranteedProbe {
		m.Priority = d.priority
	}
	return m
}

// endPhase judges the round, or what the relays said.
func (d *differential) endPhase(now model.Time, out *model.Output) {
	phase, late := d.phase, now.Sub(d.due) > d.grace
	d.phase, d.due = resting, model.Never
	switch {
	case late:
		d.ignored = d.rounds.upcoming(now) - 1
	case phase == probing:
		d.judge(now, out)
	default:
		for p := range d.pairs {
			if d.pairs[p].silent >= d.misses {
				d.conclude(p, now, out)
			}
		}
	}
}

// judge takes the outcome of a round. What can be said of silent peers is said when the
// relays had their time.
func (d *differential) judge(now model.Time, out *model.Output) {
	silence := false
	for p := range d.pairs {
		x := &d.pairs[p]
		s := x.probes.see(d.paths)
		lossy := false
		if s&silentSight != 0 {
			x.silent = min(x.silent+1, d.misses+2)
			x.severed, x.refused = 0, 0
			x.jams, x.losses = x.jams<<1&d.window, x.losses<<1&d.window
			d.ask(p, out)
			silence = true
			continue
		}
		passing := func(run *uint8, seen bool) (lasts bool) {
			if !seen {
				lossy = lossy || 0 < *run && *run < d.misses
				*run = 0
				return false
			}
			*run = min(*run+1, d.misses)
			return *run == d.misses
		}
		passing(&x.silent, false)
		x.reached = 0
		severed, refused := passing(&x.severed, s&severedSight != 0), passing(&x.refused, s&refusedSight != 0)
		x.reset = false
		x.jams = x.jams<<1&d.window | bit(s&congestedSight != 0)
		x.losses = x.losses<<1&d.window | bit(lossy)
		jammed := bits.OnesCount64(x.jams)-bits.OnesCount64(x.losses) >= d.several
		x.queued = x.queued && x.jams != 0
		said := [...]struct {
			kind  model.FailureKind
			holds bool
			f     model.Finding
		}{
			{model.ProcessCrash, false, model.Finding{}},
			{model.HostCrash, false, model.Finding{}},
			{model.Congestion, jammed, model.Finding{Certainty: d.congestionCertainty(p)}},
			{model.RouteFailure, severed, model.Finding{Certainty: oneOf(2), Lasts: d.convergence}},
			{model.Partition, false, model.Finding{}},
			{model.Corruption, bits.OnesCount64(x.losses) >= d.several, model.Finding{Certainty: oneOf(2)}},
			{model.PolicyViolation, refused, model.Finding{Certainty: oneOf(1)}},
			{model.Stall, s&stalledSight != 0, model.Finding{Certainty: oneOf(1), Place: model.NodePlace(d.peers.id(p))}},
		}
		for _, v := range said {
			if v.f.Kind = v.kind; v.holds {
				d.hold(p, now, v.f, d.silenceOf(p), out)
			} else {
				d.withdraw(p, v.kind, out)
			}
		}
	}
	if silence {
		d.phase, d.due = relaying, now.Add(d.relayed)
	}
}

func bit(set bool) uint64 {
	if set {
		return 1
	}
	return 0
}

// oneOf is the certainty of one of n kinds that a failure could be.
func oneOf(n model.Certainty) model.Certainty { return model.Certain / n }

func (d *differential) congestionCertainty(p int) model.Certainty {
	if d.pairs[p].queued {
		return oneOf(1)
	}
	return oneOf(2)
}

func (d *differential) silenceOf(p int) Reason { return Reason{From: d.peers.id(p)} }

// ask asks relays about a silent peer: of those that answered in this round, on a path on
// which they did, others in each round, and far from each other, since neighbours in number
// often share a rack.
func (d *differential) ask(p int, out *model.Output) {
	others, stride := len(d.pairs)-1, d.stride()
	if stride == 0 {
		return
	}
	asked := 0
	for k := int64(0); k < int64(others) && asked < d.relays; k++ {
		q := (p + 1 + int((d.rounds.seq+k*int64(stride))%int64(others))) % len(d.pairs)
		answered := d.pairs[q].probes.guaranteed
		if answered == 0 {
			continue
		}
		flow := bits.TrailingZeros8(answered)
		out.Send = append(out.Send, d.onFlow(model.Message{To: d.peers.id(q), Kind: relayAsked, Seq: d.rounds.seq - 1}, d.peers.id(p), flow))
		asked++
		d.pairs[p].asked = true
	}
}

// stride is how far apart the relays are that are asked in one round, or 0 if there are none.
// As they move on by one with each round, it takes about so many rounds to ask all.
func (d *differential) stride() int {
	others := len(d.pairs) - 1
	if others == 0 || d.relays == 0 {
		return 0
	}
	stride := max(1, others/d.relays)
	for gcd(stride, others) > 1 {
		stride++
	}
	return stride
}

// gcd returns the greatest common divisor of two positive numbers.
func gcd(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}

// onFlow returns a message of the guaranteed class that concerns a third process, and goes
// on the given flow, as its answers do.
func (d *differential) onFlow(m model.Message, third model.ProcessID, flow int) model.Message {
	m.From, m.Priority, m.Flow = d.rounds.self, d.priority, uint8(flow)
	m.Arg = int64(third)<<flowBits | int64(flow)
	return m
}

// conclude says of what kind the failure of a silent peer is.
func (d *differential) conclude(p int, now model.Time, out *model.Output) {
	x, id := &d.pairs[p], d.peers.id(p)
	say := func(f model.Finding) { d.holdOnly(p, now, f, d.silenceOf(p), out) }
	switch {
	case x.reset: // said when it came
	case x.asked && !x.heard: // the relays fell silent, too: the next round will tell
	case x.found:
		x.reached = uint8(min(d.stride(), math.MaxUint8))
		say(model.Finding{Kind: model.RouteFailure, Certainty: oneOf(2), Lasts: d.convergence})
	case x.reached > 0: // the others have not all been asked again
		x.reached--
	case x.silent > d.misses && (d.holds(p, model.Partition) || d.holds(p, model.HostCrash)):
		// What it was called when it began, it remains.
	case d.together(p):
		say(model.Finding{Kind: model.Partition, Certainty: oneOf(4), Lasts: model.Forever})
	default:
		say(model.Finding{Kind: model.HostCrash, Certainty: oneOf(6), Lasts: model.Forever, Place: model.NodePlace(id)})
	}
}

// together tells whether another peer fell silent within a round of p, and is not reached
// either, or nobody at all answers.
func (d *differential) together(p int) bool {
	answers := false
	for q := range d.pairs {
		y := &d.pairs[q]
		answers = answers || y.silent == 0
		if q != p && !y.found && y.reached == 0 && y.silent > 0 && y.silent+1 >= d.pairs[p].silent && y.silent <= d.pairs[p].silent+1 {
			return true
		}
	}
	return !answers && len(d.pairs) > 1
}

func (d *differential) deliver(now model.Time, m *model.Message, out *model.Output) {
	if m.From < 0 || int(m.From) >= d.n || m.From == d.rounds.self {
		return
	}
	third, flow := model.ProcessID(m.Arg>>flowBits), int(m.Arg&(1<<flowBits-1))
	known := 0 <= m.Arg && m.Arg>>flowBits < int64(d.n) && third != d.rounds.self && third != m.From
	pass := func(to model.ProcessID, kind uint8, about model.ProcessID) {
		out.Send = append(out.Send, d.onFlow(model.Message{To: to, Kind: kind, Seq: m.Seq}, about, flow))
	}
	switch m.Kind {
	case differentialProbe:
		if d.watchers.index(m.From) >= 0 && 0 <= m.Arg && m.Arg < int64(d.paths*probeClasses) {
			out.Send = append(out.Send, d.onChannel(model.Message{From: d.rounds.self, To: m.From, Kind: differentialEcho, Seq: m.Seq}, m.Arg))
		}
	case differentialEcho:
		if p := d.peers.index(m.From); p >= 0 && 0 <= m.Arg && m.Arg < int64(d.paths*probeClasses) && d.recent(m.Seq) {
			d.echo(p, m.Seq, m.Arg, now, out)
		}
	case relayAsked:
		if known && d.watchers.index(m.From) >= 0 {
			pass(m.From, relayHeard, third)
			pass(third, relayProbe, m.From)
		}
	case relayProbe:
		if known {
			pass(m.From, relayEcho, third)
		}
	case relayEcho:
		if known && d.watchers.index(third) >= 0 {
			pass(third, relayFound, m.From)
		}
	case relayHeard, relayFound:
		if p := d.peers.index(third); known && p >= 0 && d.phase == relaying && m.Seq == d.rounds.seq-1 {
			d.pairs[p].heard = true
			d.pairs[p].found = d.pairs[p].found || m.Kind == relayFound
		}
	}
}

// recent tells whether an answer to a round says anything.
func (d *differential) recent(round int64) bool {
	return round < d.rounds.seq && round > d.ignored && round >= d.rounds.seq-differentialMemory
}

// echo takes an answer to a probe.
func (d *differential) echo(p int, round, channel int64, now model.Time, out *model.Output) {
	x, path := &d.pairs[p], uint8(1)<<(channel/probeClasses)
	guaranteed := channel%probeClasses == guaranteedProbe
	if round == d.rounds.seq-1 && d.phase == probing {
		switch {
		case !guaranteed:
			x.probes.bestEffort |= path
		case now <= d.due.Add(d.bound-d.wait):
			x.probes.guaranteed |= path
		case x.probes.guaranteed&path == 0: // else a duplicate
			x.probes.late |= path
		}
		return
	}
	switch {
	case !guaranteed:
		// Of the latest round, and the other probe of the pair was back in time.
		if x.jams == 0 || round != d.rounds.seq-1 || x.probes.guaranteed&^x.probes.bestEffort&path == 0 {
			return
		}
		x.queued = true
		if d.holds(p, model.Congestion) {
			d.hold(p, now, model.Finding{Kind: model.Congestion, Certainty: oneOf(1)}, d.silenceOf(p), out)
		}
	case x.silent > 0:
		x.silent, x.reached, x.reset = 0, 0, false
		d.holdOnly(p, now, model.Finding{Kind: model.Stall, Certainty: oneOf(1), Place: model.NodePlace(d.peers.id(p))}, d.silenceOf(p), out)
	}
}

// inform takes the word of a host that a process does not run there any more.
func (d *differential) inform(now model.Time, e *model.Evidence, out *model.Output) {
	p := d.peers.index(e.About)
	if (e.Kind != model.Reset && e.Kind != model.Finish) || p < 0 || e.From != e.About {
		return
	}
	d.pairs[p].reset = true
	d.holdOnly(p, now, model.Finding{Kind: model.ProcessCrash, Certainty: oneOf(1), Lasts: model.Forever, Place: model.NodePlace(e.About)},
		Reason{Evidence: e.Kind, From: e.From}, out)
}

func (d *differential) Clone() model.Automaton {
	c := *d
	c.opinions = d.opinions.clone()
	c.pairs = append([]differentialPair(nil), d.pairs...)
	return &c
}

// AppendState writes the rounds and opinions, the phase and what is left of it, by how many
// rounds the ignored ones are below the next, and each peer.
func (d *differential) AppendState(b []byte, now model.Time) []byte {
	b = d.rounds.AppendState(b, now)
	if !d.rounds.started {
		return b
	}
	b = d.opinions.appendState(b, now)
	b = append(b, byte(d.phase))
	if d.phase != resting {
		b = binary.AppendVarint(b, int64(max(d.due.Sub(now), -d.grace-1)))
	}
	b = append(b, byte(min(d.rounds.upcoming(now)-d.ignored, differentialMemory+1)))
	for i := range d.pairs {
		x := &d.pairs[i]
		b = append(b, flagBits(x.asked, x.heard, x.found, x.queued, x.reset), x.reached, x.silent, x.severed, x.refused,
			x.probes.guaranteed, x.probes.late, x.probes.bestEffort)
		b = binary.AppendUvarint(binary.AppendUvarint(b, x.jams), x.losses)
	}
	return b
}

func (d *differential) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	d.reset()
	if b, err = d.rounds.LoadState(b, now); err != nil || !d.rounds.started {
		return b, err
	}
	if b, err = d.opinions.loadState(b, now); err != nil {
		return b, err
	}
	if len(b) == 0 || b[0] > byte(relaying) {
		return b, errEncoding
	}
	d.phase, b = differentialPhase(b[0]), b[1:]
	if d.phase != resting {
		var left int64
		if left, b, err = varint(b); err != nil || left > int64(d.wait+d.relayed) || left < -int64(d.grace)-1 {
			return b, errEncoding
		}
		d.due = now + model.Time(left)
	}
	if len(b) == 0 || b[0] < 1 || b[0] > differentialMemory+1 {
		return b, errEncoding
	}
	d.ignored, b = d.rounds.seq-int64(b[0]), b[1:]
	for i := range d.pairs {
		x := &d.pairs[i]
		all := uint8(1<<d.paths - 1)
		if len(b) < 8 || b[0] > 31 || int(b[1]) > d.stride() || b[2] > d.misses+2 || b[3] > d.misses || b[4] > d.misses || (b[5]|b[6]|b[7])&^all != 0 {
			return b, errEncoding
		}
		x.asked, x.heard, x.found, x.queued, x.reset = b[0]&1 != 0, b[0]&2 != 0, b[0]&4 != 0, b[0]&8 != 0, b[0]&16 != 0
		x.reached, x.silent, x.severed, x.refused = b[1], b[2], b[3], b[4]
		x.probes, b = probeOutcome{b[5], b[6], b[7]}, b[8:]
		if x.jams, b, err = uvarint(b); err != nil || x.jams&^d.window != 0 {
			return b, errEncoding
		}
		if x.losses, b, err = uvarint(b); err != nil || x.losses&^d.window != 0 {
			return b, errEncoding
		}
	}
	return b, nil
}
