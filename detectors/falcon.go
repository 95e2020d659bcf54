package detectors

import (
	"encoding/binary"
	"fmt"
	"math"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "falcon",
		Source: "Leners, Wu, Hung, Aguilera, Walfish, \"Detecting failures in distributed systems with the Falcon spy network\", SOSP 2011, with the constants of its published code",
		Doc:    "Asks the layer below whether a peer's application, system or machine is stuck, kills the smallest that is, and suspects what is confirmed to be down.",
		Claims: []model.Claim{
			{Class: model.P, Under: "lethal, agents that tell the truth, no failure of the last link of a host that runs, and no cut between a process and an agent, nor a row of losses, that lasts"},
		},
		Params: typedParams(
			model.Param{Name: "lethal", Type: model.SwitchParam, Default: "true",
				Doc: "kill what is stuck before it is suspected, rather than tell that it would be killed"},
			model.Param{Name: "probe", Type: model.DurationParam, Default: "100ms",
				Doc: "time from an answer about the application to the next question, from a question without an answer to the next, and between orders to kill"},
			model.Param{Name: "response", Type: model.DurationParam, Default: "500ms",
				Doc: "how long an application may be stuck; each chooses its own"},
			model.Param{Name: "retries", Type: model.CountParam, Default: "3",
				Doc: "how often questions that nobody answers, and orders that are not confirmed, are repeated before it gives up for a while"},
			model.Param{Name: "retry", Type: model.DurationParam, Default: "3s",
				Doc: "time after which all layers are asked again when none answered"},
			model.Param{Name: "end-to-end", Type: model.DurationParam, Default: "300s",
				Doc: "time without a sign of life after which a peer is suspected of nothing in particular"},
		),
		Asks:  true,
		Typed: true,
		Kinds: []model.FailureKind{model.Unspecified, model.ProcessCrash, model.HostCrash, model.Wedge},
		New:   newFalcon,
	})
}

// FalconStatus is what Falcon tells of a peer beyond its verdicts: the outcome codes of
// its published code.
type FalconStatus uint8

const (
	FalconUp         FalconStatus = iota
	FalconDown                    // the layer below says that it is
	FalconDownKilled              // and it was killed
	FalconWouldKill               // it is stuck, and would be killed if that were allowed
	FalconUnknown                 // nobody answers, or nobody who knows: the network is cut
	FalconEndToEnd                // and has been for the end-to-end time
	FalconLongDead                // it was restarted unnoticed: what was watched is long dead
	FalconSignOfLife              // it answers, having been suspected
	falconStatuses
)

// String returns the status in words.
func (s FalconStatus) String() string {
	if s >= falconStatuses {
		return fmt.Sprintf("falcon-status(%d)", uint8(s))
	}
	return [...]string{"up", "down", "down, killed", "would kill", "unknown", "end-to-end timeout", "long dead", "sign of life"}[s]
}

// falcon watches each peer through spies at four layers: the application is judged by the
// system of its host, the system by the hypervisor, the machine by the switch. Each spy
// speaks of the layer above it alone, and can kill it. Nobody is suspected because he is
// silent: a question about the application that is not answered in time only raises a
// doubt, in which all spies are asked, each probe anew.
//
//   - The system says that the process does not run. It is down.
//   - The system says that it does, but the application has been silent for response: it
//     is stuck, and the system is told to kill the process.
//   - The hypervisor says that the counter of the system stands still, at which it looks
//     each 100 ms: it is told to kill the system.
//   - The switch has looked for bytes from the machine each 20 ms, asked it when there were
//     none, and given up at the sixth look: it is told to disable the port.
//   - Nobody answers who could settle it, the retries included, as when the network is cut:
//     that the layer above is alive does not. Falcon blocks: it says nothing, and asks again
//     after each retry.
//
// So what is killed is the smallest layer that the one below says to be stuck. A kill is
// repeated until the spy, which looks after 5 ms, confirms it, and only then the peer is
// suspected: what is down by a verdict is down, whatever it was before. What stops by itself
// is told at once by the systems and hypervisors, to which Falcon subscribes, and again
// every 90 s, as they forget when they start anew.
//
// A peer without a sign of life for the end-to-end time is suspected, of an unspecified
// failure, as applications want some answer in the end. From then on its layers are
// killed, from the process down to the port, one each time that retry has passed, until
// one is confirmed.
//
// Incarnations tell a restarted layer from its predecessor: news of the dead one are old. A
// suspected peer is trusted again when a later incarnation shows, or when it answers what
// was asked after the verdict.
//
// A crash of the process is a ProcessCrash, one of the system or the machine a HostCrash;
// without lethal, an application that is stuck is a Wedge, and the others are told without
// certainty, which a disabled port leaves open too. What Falcon confuses: a machine whose last link has failed is taken for
// a crashed one, and is made to stay away by disabling the port; an application that is
// paused for longer than response is killed, and so crashed indeed; and after the
// end-to-end time, a partition is an unspecified failure, which counts as a crash. A kill
// names the incarnation that is known, so that a late one spares a successor; but it may hit
// one where none is known, or at a disabled port.
//
// Of the paper it has no CPU-time clock for the response, as agents do not tell how long
// an application ran, and no spies installed by the monitored: the agents are there.
type falcon struct {
	opinions
	timers  timers
	self    model.ProcessID
	hosts   model.ProcessID
	ports   []port // of the peers
	spied   []spied
	started bool
	renew   model.Time

	lethal                           bool
	probe, response, retry, endToEnd model.Duration
	retries                          uint8
}

// port is where a host is linked to a switch.
type port struct {
	at   model.ProcessID // the switch, or Nobody
	down model.Place     // the direction to the host
}

// portsOf returns the ports of the processes env.Self watches.
func portsOf(env Env) []port {
	ports := make([]port, len(env.Watch))
	for i, q := range env.Watch {
		ports[i] = port{at: model.Nobody}
		if at, up := env.Map.Uplink(q); at >= model.ProcessID(env.Map.Hosts) {
			ports[i] = port{at, model.LinkPlace(up ^ 1)}
		}
	}
	return ports
}

// falconStage tells where Falcon stands with a peer.
type falconStage uint8

const (
	falconWatching    falconStage = iota // the system is asked for the application
	falconDoubt                          // and all spies, whether the layer above lives
	falconKillProcess                    // the system is to kill it
	falconKillSystem                     // the hypervisor is
	falconKillMachine                    // the switch is to disable the port
	falconBlocked                        // as in doubt, but seldom
	falconDown                           // as when watching, but seldom: is there a successor?
	falconStages
)

// spied is what is kept of one peer. Its timer is the next thing to say.
type spied struct {
	stage   falconStage
	status  FalconStatus
	tries   uint8      // questions since the last answer of anybody, or orders to kill
	overdue bool       // the end-to-end time has passed
	kills   uint8      // of an overdue peer: which layer to kill next
	until   model.Time // in doubt: when patience with a silent application ends
	end     model.Time // of the end-to-end time; Never when it has passed or the peer is down
	asked   model.Time // answers to questions up to that time are old
	process int64      // the incarnations that are known, 0 if none
	system  int64
}

const falconResubscribe = 90 * model.Second

// falconKills are the kills of an overdue peer, one after the other.
var falconKills = [...]falconStage{falconKillProcess, falconKillSystem, falconKillMachine}

func newFalcon(env Env, p model.Params) (model.Automaton, error) {
	if err := needsMap(env); err != nil {
		return nil, err
	}
	o, err := newOpinions(env, p)
	if err != nil {
		return nil, err
	}
	d := &falcon{opinions: o, self: env.Self, lethal: p.Switch("lethal"), ports: portsOf(env),
		timers: newTimers(len(env.Watch)), spied: make([]spied, len(env.Watch))}
	for _, v := range []struct {
		name string
		to   *model.Duration
	}{{"probe", &d.probe}, {"response", &d.response}, {"retry", &d.retry}, {"end-to-end", &d.endToEnd}} {
		if *v.to, err = duration(p, v.name, model.Microsecond); err != nil {
			return nil, err
		}
	}
	if c := p.Count("retries"); c > 100 {
		return nil, &model.ParamError{Name: "retries", Err: fmt.Errorf("%d is too many: at most 100", c)}
	}
	d.retries = uint8(p.Count("retries"))
	return d, nil
}

// Status tells how Falcon's own codes put what is known of the peer.
func (d *falcon) Status(peer model.ProcessID) FalconStatus {
	if p := d.peers.index(peer); p >= 0 {
		return d.spied[p].status
	}
	return FalconUnknown
}

func (d *falcon) Step(now model.Time, in *model.Input, out *model.Output) {
	if !d.started {
		d.started = true
		d.renew = now
		for p := range d.spied {
			d.spied[p] = spied{end: now.Add(d.endToEnd), asked: now - 1}
			d.timers.set(p, now)
		}
	}
	if now >= d.renew {
		d.renew = now.Add(falconResubscribe)
		d.subscribe(now, out)
	}
	for _, p := range d.timers.pop(now) {
		d.due(p, now, out)
	}
	if in.Kind == model.Inform {
		d.inform(in.Evidence, now, out)
	}
	out.Wake = d.timers.next()
	if len(d.spied) > 0 {
		out.Wake = min(out.Wake, d.renew)
	}
}

func (d *falcon) subscribe(now model.Time, out *model.Output) {
	for p := range d.spied {
		q := d.peers.id(p)
		ask(d.self, q, model.SystemLayer, model.Subscribe, 0, now, out)
		ask(d.self, q, model.HypervisorLayer, model.Subscribe, 0, now, out)
	}
}

// enter makes a peer's stage another one, and says what it is for.
func (d *falcon) enter(p int, stage falconStage, now model.Time, out *model.Output) {
	s := &d.spied[p]
	if stage == falconDoubt {
		s.until = now.Add(d.response)
		if s.stage == falconWatching { // the first question was asked a probe ago
			s.until = now.Add(max(0, d.response-d.probe))
		}
	}
	s.stage, s.tries = stage, 0
	if stage.kills() {
		s.asked = now - 1 // only what is asked from here on confirms it
	}
	d.speak(p, now, out)
}

// kills tells whether somebody is being killed.
func (s falconStage) kills() bool {
	return s == falconKillProcess || s == falconKillSystem || s == falconKillMachine
}

// kill orders what a stage is there to kill.
func (d *falcon) kill(p int, stage falconStage, now model.Time, out *model.Output) {
	q := d.peers.id(p)
	switch stage {
	case falconKillProcess:
		ask(d.self, q, model.SystemLayer, model.Kill, model.Victim(model.ProcessLayer, d.spied[p].process), now, out)
	case falconKillSystem:
		ask(d.self, q, model.HypervisorLayer, model.Kill, model.Victim(model.SystemLayer, d.spied[p].system), now, out)
	case falconKillMachine:
		if at := d.ports[p].at; at != model.Nobody {
			ask(d.self, at, model.SwitchLayer, model.Kill, int64(q), now, out)
		}
	}
}

// speak asks the questions of the stage, or orders what it is there for, and sets the time
// of the next.
func (d *falcon) speak(p int, now model.Time, out *model.Output) {
	s := &d.spied[p]
	q := d.peers.id(p)
	after := d.probe
	if s.stage.kills() {
		d.kill(p, s.stage, now, out)
	} else {
		ask(d.self, q, model.SystemLayer, model.Probe, int64(model.ApplicationLayer), now, out)
	}
	switch s.stage {
	case falconDoubt, falconBlocked:
		ask(d.self, q, model.SystemLayer, model.Probe, int64(model.ProcessLayer), now, out)
		ask(d.self, q, model.HypervisorLayer, model.Probe, int64(model.SystemLayer), now, out)
		if at := d.ports[p].at; at != model.Nobody {
			ask(d.self, at, model.SwitchLayer, model.Probe, int64(q), now, out)
		}
	}
	switch s.stage {
	case falconBlocked, falconDown:
		after = d.retry
	case falconDoubt:
		if left := s.until.Sub(now); left > 0 {
			after = min(after, left)
		}
		fallthrough
	default:
		s.tries++
	}
	d.timers.set(p, min(now.Add(after), s.end))
}

// due does what falls due for a peer.
func (d *falcon) due(p int, now model.Time, out *model.Output) {
	s := &d.spied[p]
	if now >= s.end {
		s.end, s.overdue, s.status = model.Never, true, FalconEndToEnd
		d.hold(p, now, model.Finding{Kind: model.Unspecified}, Reason{From: d.peers.id(p)}, out)
		d.enter(p, falconBlocked, now, out)
		return
	}
	switch {
	case s.stage == falconWatching && s.tries > 0, s.stage.kills() && s.tries > d.retries:
		d.enter(p, falconDoubt, now, out)
		return
	case s.stage == falconDoubt && s.tries > d.retries:
		if !d.suspects(p) {
			s.status = FalconUnknown
		}
		d.enter(p, falconBlocked, now, out)
		return
	case s.stage == falconBlocked && s.overdue && d.lethal:
		d.kill(p, falconKills[s.kills], now, out)
		s.kills = (s.kills + 1) % uint8(len(falconKills))
	}
	d.speak(p, now, out)
}

// inform takes what an agent tells.
func (d *falcon) inform(e *model.Evidence, now model.Time, out *model.Output) {
	p := d.peers.index(e.About)
	if p < 0 || e.Kind != model.Liveness {
		return
	}
	switch {
	case e.Layer == model.HypervisorLayer && e.From == d.ports[p].at:
		d.informOfMachine(p, e, now, out)
	case e.From != e.About:
	case e.Layer == model.ProcessLayer || e.Layer == model.ApplicationLayer:
		d.informOfProcess(p, e, now, out)
	case e.Layer == model.SystemLayer:
		d.informOfSystem(p, e, now, out)
	}
}

// recent tells whether e answers a question that was asked after a time. Answers are not
// waited for longer than the end-to-end time.
func (d *falcon) recent(e *model.Evidence, after, now model.Time) bool {
	return answers(e, max(after, now-model.Time(d.endToEnd)), now)
}

// generation compares the incarnation that e names with the one that is known, which it
// brings up to date.
func generation(known *int64, e *model.Evidence) (older, newer bool) {
	if e.Incarnation <= 0 {
		return false, false
	}
	older, newer = e.Incarnation < *known, *known > 0 && e.Incarnation > *known
	*known = max(*known, e.Incarnation)
	return older, newer
}

// informOfProcess takes what the system tells of the process, or the application of itself.
func (d *falcon) informOfProcess(p int, e *model.Evidence, now model.Time, out *model.Output) {
	s := &d.spied[p]
	older, newer := generation(&s.process, e)
	recent := d.recent(e, s.asked, now)
	switch {
	case older:
	case e.Alive && newer:
		if s.stage == falconDown {
			s.status = FalconUp
		} else {
			s.status = FalconLongDead
		}
		s.asked = now // what was asked of its predecessor is old
		d.live(p, now, out)
		d.speak(p, now, out)
	case e.Alive && (!recent || s.stage.kills()): // nothing new, or it is condemned
	case e.Alive && e.Layer == model.ProcessLayer:
		d.runs(p, e, now, out)
	case e.Alive:
		s.asked = askedAt(e)
		switch s.status {
		case FalconWouldKill, FalconEndToEnd:
			s.status = FalconSignOfLife
		default:
			s.status = FalconUp
		}
		d.live(p, now, out)
		d.timers.set(p, min(now.Add(d.probe), s.end))
	case !pushed(e) && !recent || s.stage == falconDown:
	default: // the system answers for an application whose process does not run
		d.bury(p, model.Finding{Kind: model.ProcessCrash, Certainty: model.Certain}, e, s.stage == falconKillProcess, now, out)
	}
}

// live notes that the application of a peer is well.
func (d *falcon) live(p int, now model.Time, out *model.Output) {
	s := &d.spied[p]
	d.trust(p, out)
	s.stage, s.tries, s.kills, s.overdue, s.end = falconWatching, 0, 0, false, now.Add(d.endToEnd)
}

// answered notes that somebody answers: there is a way.
func (d *falcon) answered(p int, now model.Time, out *model.Output) {
	s := &d.spied[p]
	switch s.stage {
	case falconBlocked:
		d.enter(p, falconDoubt, now, out)
		fallthrough
	case falconDoubt:
		s.tries = 0
	}
}

// runs notes that the system says that the process runs, which is not to say that its
// application gets on.
func (d *falcon) runs(p int, e *model.Evidence, now model.Time, out *model.Output) {
	s := &d.spied[p]
	d.answered(p, now, out)
	switch {
	case s.stage != falconDoubt || askedAt(e) < s.until: // told before patience has ended
	case d.lethal:
		d.enter(p, falconKillProcess, now, out)
	default:
		d.wouldKill(p, model.Finding{Kind: model.Wedge}, e, now, out)
	}
}

// informOfSystem takes what the hypervisor tells of the system.
func (d *falcon) informOfSystem(p int, e *model.Evidence, now model.Time, out *model.Output) {
	s := &d.spied[p]
	older, newer := generation(&s.system, e)
	recent := d.recent(e, s.asked, now)
	switch {
	case older || s.stage == falconKillMachine:
	case e.Alive:
		if newer && s.stage == falconDown {
			d.speak(p, now, out) // is the process back too?
		}
	case !pushed(e) && !recent || d.holds(p, model.HostCrash) && s.stage == falconDown:
	case e.Killed || s.stage == falconKillSystem && recent || s.stage == falconDown:
		d.bury(p, model.Finding{Kind: model.HostCrash, Certainty: model.Certain}, e, s.stage == falconKillSystem, now, out)
	case s.stage == falconKillSystem:
	case d.lethal:
		d.enter(p, falconKillSystem, now, out)
	default:
		d.answered(p, now, out)
		d.wouldKill(p, model.Finding{Kind: model.HostCrash}, e, now, out)
	}
}

// informOfMachine takes what the switch tells of the machine.
func (d *falcon) informOfMachine(p int, e *model.Evidence, now model.Time, out *model.Output) {
	s := &d.spied[p]
	if s.stage == falconWatching || s.stage == falconDown || !d.recent(e, s.asked, now) {
		return
	}
	off := model.Finding{Kind: model.HostCrash, Place: d.ports[p].down}
	switch {
	case e.Alive: // which, as of the system, is not to say that anything on it gets on
	case s.stage == falconKillMachine || e.Killed:
		d.bury(p, off, e, true, now, out)
	case s.stage.kills():
	case d.lethal:
		d.enter(p, falconKillMachine, now, out)
	default:
		d.answered(p, now, out)
		d.wouldKill(p, off, e, now, out)
	}
}

// wouldKill tells of what is stuck, and may not be killed.
func (d *falcon) wouldKill(p int, f model.Finding, e *model.Evidence, now model.Time, out *model.Output) {
	d.spied[p].status = FalconWouldKill
	d.hold(p, now, f, Reason{Evidence: e.Kind, From: e.From, Place: f.Place}, out)
}

// bury suspects a peer of what is confirmed.
func (d *falcon) bury(p int, f model.Finding, e *model.Evidence, killed bool, now model.Time, out *model.Output) {
	s := &d.spied[p]
	s.status = FalconDown
	if killed || e.Killed {
		s.status = FalconDownKilled
	}
	d.holdOnly(p, now, f, Reason{Evidence: e.Kind, From: e.From, Place: f.Place}, out)
	s.stage, s.tries, s.kills, s.overdue = falconDown, 0, 0, false
	s.end, s.asked = model.Never, now
	d.timers.set(p, now.Add(d.retry))
}

func (d *falcon) Clone() model.Automaton {
	c := *d
	c.opinions, c.timers = d.opinions.clone(), d.timers.clone()
	c.spied = append([]spied(nil), d.spied...)
	return &c
}

// AppendState writes what is left until the subscriptions are renewed, and for each peer
// the stage with its counts and times; then the opinions. Of times that only tell which
// answers are old, no more than the end-to-end time is written.
func (d *falcon) AppendState(b []byte, now model.Time) []byte {
	if !d.started {
		return append(b, notStarted)
	}
	b = appendLeft(append(b, idle), d.renew, now)
	for p := range d.spied {
		s := &d.spied[p]
		b = append(b, byte(s.stage), byte(s.status), s.tries, s.kills, flagBits(s.overdue))
		b = appendLeft(b, d.timers.at(p), now)
		if s.stage == falconDoubt { // what was asked since counts, so it is told when that was
			b = binary.AppendVarint(b, max(int64(s.until.Sub(now)), -int64(d.endToEnd)))
		}
		b = appendLeft(b, s.end, now)
		b = d.appendAge(b, s.asked, now)
		b = binary.AppendUvarint(b, uint64(s.process))
		b = binary.AppendUvarint(b, uint64(s.system))
	}
	return d.opinions.appendState(b, now)
}

func (d *falcon) appendAge(b []byte, asked, now model.Time) []byte {
	return binary.AppendUvarint(b, uint64(min(now.Sub(asked), d.endToEnd)))
}

func (d *falcon) loadAge(b []byte, now model.Time) (asked model.Time, rest []byte, err error) {
	age, b, err := uvarint(b)
	if err != nil || age > uint64(d.endToEnd) {
		return 0, b, errEncoding
	}
	return now - model.Time(age), b, nil
}

func (d *falcon) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	d.timers.clear()
	if len(b) == 0 || b[0] > idle {
		return b, errEncoding
	}
	d.started = b[0] == idle
	b = b[1:]
	if !d.started {
		d.opinions.clear()
		return b, nil
	}
	if d.renew, b, err = loadLeft(b, now, falconResubscribe); err != nil || d.renew == model.Never {
		return b, errEncoding
	}
	for p := range d.spied {
		if b, err = d.loadSpied(p, b, now); err != nil {
			return b, err
		}
	}
	return d.opinions.loadState(b, now)
}

func (d *falcon) loadSpied(p int, b []byte, now model.Time) (rest []byte, err error) {
	if len(b) < 5 || b[0] >= byte(falconStages) || b[1] >= byte(falconStatuses) || int(b[3]) >= len(falconKills) || b[4] > 1 {
		return b, errEncoding
	}
	s := spied{stage: falconStage(b[0]), status: FalconStatus(b[1]), tries: b[2], kills: b[3], overdue: b[4] == 1}
	b = b[5:]
	var next model.Time
	if next, b, err = loadLeft(b, now, longest); err != nil || next == model.Never {
		return b, errEncoding
	}
	if s.stage == falconDoubt {
		var ahead int64
		if ahead, b, err = varint(b); err != nil || ahead < -int64(d.endToEnd) || ahead > int64(longest) {
			return b, errEncoding
		}
		s.until = now + model.Time(ahead)
	}
	if s.end, b, err = loadLeft(b, now, d.endToEnd); err != nil {
		return b, err
	}
	if s.asked, b, err = d.loadAge(b, now); err != nil {
		return b, err
	}
	for _, to := range []*int64{&s.process, &s.system} {
		var v uint64
		if v, b, err = uvarint(b); err != nil || v > math.MaxInt64 {
			return b, errEncoding
		}
		*to = int64(v)
	}
	d.spied[p] = s
	d.timers.set(p, next)
	return b, nil
}
