package detectors

import (
	"encoding/binary"
	"fmt"
	"math"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "albatross",
		Source: "Leners, Gupta, Aguilera, Walfish, \"Taming uncertainty in distributed systems with help from the network\", EuroSys 2015",
		Doc:    "A manager watches all, has switches drop everything from and to whom it cannot reach, and then tells the others that he is disconnected.",
		Claims: []model.Claim{
			{Class: model.P, Under: "a manager that runs, watches all, is never suspected itself and is not cut from all others, agents that tell the truth, no machine that stops with its hypervisor, and no row of losses that lasts"},
		},
		Params: typedParams(
			model.Param{Name: "manager", Type: model.CountParam, Default: "0",
				Doc: "the process that judges and excludes"},
			model.Param{Name: "eta", Type: model.DurationParam, Default: "100ms",
				Doc: "period of the manager's questions, and after which what is not confirmed is said again"},
			model.Param{Name: "timeout", Type: model.DurationParam, Default: "500ms",
				Doc: "silence of an application after which it is excluded"},
			model.Param{Name: "retries", Type: model.CountParam, Default: "3",
				Doc: "how often a switch is told again to drop, before its neighbours are told instead"},
			model.Param{Name: "rejoin", Type: model.DurationParam, Default: "10s",
				Doc: "time after which a disconnected process may come back, if its port is up; it doubles each time that it was in vain, up to 64 times"},
			model.Param{Name: "renew", Type: model.DurationParam, Default: "10s",
				Doc: "time after which agents are subscribed to anew, as they forget when they start anew"},
		),
		Asks:  true,
		Typed: true,
		Kinds: []model.FailureKind{model.ProcessCrash, model.HostCrash, model.Partition},
		New:   newAlbatross,
	})
}

// albatross makes what it reports true. One process is the manager; the others, its
// clients, believe what it tells them, and watch nobody themselves.
//
// The manager watches by what switches tell of ports and links, what systems and
// hypervisors tell of processes and systems, and by asking each application every eta. It
// condemns a peer whose port went down, to whom there is no path on its map of the
// network, or who was silent for timeout. Then it does these steps, in this order:
//
//  1. It has the switch of the peer drop everything from and to it (Isolate). A switch
//     that does not confirm this, after the retries, is taken to be on the other side of
//     what failed, and all its neighbours are told instead: the ring of switches around
//     the peer that obey. The peers at a switch that does not obey are condemned too.
//  2. When the whole ring has confirmed, the peer is disconnected from everybody outside
//     of it, whatever is still in order. Only now it is excluded: the manager suspects it
//     of a Partition, certain and for ever, and tells its clients, who do so too, each eta
//     until they confirm.
//  3. After rejoin, if its port is up, it may come back. First the manager takes the
//     verdict back, tells the clients, and waits until all have confirmed that can speak to
//     it. Then the switches let it through again (Admit), and it is told in turn, within
//     eta, of those who came back before it did.
//
// So nobody who is not excluded himself, and has heard of what he missed since he was,
// speaks to one whom he holds for disconnected: the guarantee is asymmetric, as the excluded
// know nothing, and may suspect nobody. A report
// may take long: if the manager's own switch does not obey, it is the manager that is cut,
// and it excludes nobody.
//
// A process or system that stopped, by the word of the layer below, needs no rule, since
// nothing comes from it: ProcessCrash and HostCrash, certain. It is back with its next
// incarnation.
//
// What Albatross confuses: whoever is silent is disconnected, so a wedge, a long pause, a
// machine without power, congestion and a failed route all become a Partition, which the
// truth has for a rule that drops, on top of what else holds. Of the paper, the rules
// drop by process, here by host, as each has one. The replication of the manager is left
// out, and so is the rollback of a process that comes back, which is the application's. A
// manager that starts anew lets its clients forget what they were told, and condemns anew
// who is still silent: so it may not crash for the guarantee to hold.
type albatross struct {
	opinions
	self        model.ProcessID
	manager     model.ProcessID
	n           int
	eta         model.Duration
	timeout     model.Duration
	rejoin      model.Duration
	period      model.Duration // of the subscriptions
	retries     uint8
	hosts       model.ProcessID
	ports       []port
	uplink      model.ProcessID // the manager's switch
	watchers    []model.ProcessID
	view        linkView
	timers      timers
	started     bool
	next, renew model.Time

	members []albatrossMember // of the manager: its peers
	fresh   []bool            // of the manager: which processes know that it started
	known   []int64           // of a client: the numbers of the newest decision on each peer
}

// memberStage tells where a peer of the manager stands.
type memberStage uint8

const (
	isMember    memberStage = iota
	isCondemned             // switches are told to drop
	isExcluded              // they do
	isPardoned              // the clients are told that it comes back
	isStopped               // by the word of the layer below
	memberStages
)

// albatrossMember is what the manager keeps of one peer. Its timer is the next thing to do.
type albatrossMember struct {
	stage   memberStage
	tries   uint8       // of the orders to switches
	trials  uint8       // readmissions in vain
	kind    uint8       // of the newest decision
	number  int64       // of it, 0 if there is none
	acked   []bool      // by process, who knows of it
	drops   []dropStage // by switch
	end     model.Time  // of patience with the application, or Never
	asked   model.Time  // answers to questions up to that time are old
	process int64       // the incarnations that are known, 0 if none
	system  int64
}

// dropStage tells what a switch does about a peer.
type dropStage uint8

const (
	dropNothing dropStage = iota
	dropOrdered           // to drop
	dropDone
	dropRefused // was ordered, and did not confirm
	dropLifting // was ordered to pass again
	dropStages
)

// The messages between the manager and its clients: Arg is the peer, Seq the number of the
// decision on it.
const (
	albatrossForget   = HeartbeatKind + iota // the manager started anew
	albatrossExcluded                        // in fact three kinds: of a partition,
	albatrossProcess                         // a crash of the process,
	albatrossHost                            // and of the host
	albatrossAdmitted
	albatrossKnown // to the manager: Seq is known of Arg; 0 of nobody: of the new start
)

const albatrossBytes = 12

var albatrossKinds = map[uint8]model.FailureKind{
	albatrossExcluded: model.Partition, albatrossProcess: model.ProcessCrash, albatrossHost: model.HostCrash,
}

func newAlbatross(env Env, p model.Params) (model.Automaton, error) {
	if err := needsMap(env); err != nil {
		return nil, err
	}
	o, err := newOpinions(env, p)
	if err != nil {
		return nil, err
	}
	d := &albatross{opinions: o, self: env.Self, n: env.N, hosts: model.ProcessID(env.Map.Hosts), ports: portsOf(env),
		watchers: env.Watchers, view: newLinkView(env), timers: newTimers(len(env.Watch))}
	d.uplink, _ = env.Map.Uplink(env.Self)
	for _, v := range []struct {
		name string
		to   *model.Duration
	}{{"eta", &d.eta}, {"timeout", &d.timeout}, {"rejoin", &d.rejoin}, {"renew", &d.period}} {
		if *v.to, err = duration(p, v.name, model.Microsecond); err != nil {
			return nil, err
		}
	}
	if d.rejoin > longest/64 {
		return nil, &model.ParamError{Name: "rejoin", Err: fmt.Errorf("%v is too long: at most %v", d.rejoin, longest/64)}
	}
	manager, retries := p.Count("manager"), p.Count("retries")
	if retries > 100 {
		return nil, &model.ParamError{Name: "retries", Err: fmt.Errorf("%d is too many: at most 100", retries)}
	}
	if manager >= int64(env.N) {
		return nil, &model.ParamError{Name: "manager", Err: fmt.Errorf("%d is not a process: from 0 to %d", manager, env.N-1)}
	}
	d.manager, d.retries = model.ProcessID(manager), uint8(retries)
	if d.manages() {
		d.members, d.fresh = make([]albatrossMember, len(env.Watch)), make([]bool, env.N)
		for k := range d.members {
			d.members[k].acked = make([]bool, env.N)
			d.members[k].drops = make([]dropStage, env.Map.Nodes-env.Map.Hosts)
		}
	} else {
		d.known = make([]int64, len(env.Watch))
	}
	return d, nil
}

func (d *albatross) manages() bool { return d.self == d.manager }

func (d *albatross) Step(now model.Time, in *model.Input, out *model.Output) {
	before := len(out.Verdicts)
	if !d.manages() {
		if in.Kind == model.Deliver && in.Message.From == d.manager {
			d.hear(&in.Message, now, out)
		}
		return
	}
	if !d.started {
		d.started = true
		d.next, d.renew = now, now
		for k := range d.members {
			d.members[k].end, d.members[k].asked = now.Add(d.timeout), now-1
			d.timers.set(k, d.members[k].end)
		}
	}
	if now >= d.renew {
		d.renew = now.Add(d.period)
		d.subscribe(now, out)
	}
	for _, k := range d.timers.pop(now) {
		d.due(k, now, out)
	}
	if now >= d.next {
		d.next = now.Add(d.eta)
		d.askAll(now, out)
	}
	switch in.Kind {
	case model.Deliver:
		d.confirmed(&in.Message, now, out)
	case model.Inform:
		d.inform(in.Evidence, now, out)
	}
	sortVerdicts(out.Verdicts[before:])
	if out.Wake = d.timers.next(); len(d.members) > 0 {
		out.Wake = min(out.Wake, d.next, d.renew)
	}
}

// hear takes what the manager tells its client.
func (d *albatross) hear(m *model.Message, now model.Time, out *model.Output) {
	if m.Kind == albatrossForget {
		clear(d.known)
		for k := range d.known {
			d.trust(k, out)
		}
		d.say(d.manager, albatrossKnown, int64(model.Nobody), 0, out)
		return
	}
	kind, excluded := albatrossKinds[m.Kind]
	if !excluded && m.Kind != albatrossAdmitted || m.Arg < 0 || m.Arg >= int64(d.n) || m.Seq <= 0 {
		return
	}
	d.say(d.manager, albatrossKnown, m.Arg, m.Seq, out)
	k := d.peers.index(model.ProcessID(m.Arg))
	if k < 0 || m.Seq <= d.known[k] {
		return
	}
	d.known[k] = m.Seq
	if excluded {
		d.holdOnly(k, now, certainly(kind), Reason{Told: true, From: d.manager}, out)
	} else {
		d.trust(k, out)
	}
}

// certainly is what an exclusion is a finding of.
func certainly(kind model.FailureKind) model.Finding {
	return model.Finding{Kind: kind, Certainty: model.Certain, Lasts: model.Forever}
}

func (d *albatross) say(to model.ProcessID, kind uint8, about, number int64, out *model.Output) {
	out.Send = append(out.Send, model.Message{From: d.self, To: to, Kind: kind, Arg: about, Seq: number, Bytes: albatrossBytes})
}

// subscribe asks the agents for news, and the switches for what they hold for dead.
func (d *albatross) subscribe(now model.Time, out *model.Output) {
	for k := range d.members {
		ask(d.self, d.peers.id(k), model.SystemLayer, model.Subscribe, 0, now, out)
		ask(d.self, d.peers.id(k), model.HypervisorLayer, model.Subscribe, 0, now, out)
	}
	if len(d.members) == 0 {
		return
	}
	for s := range d.members[0].drops {
		ask(d.self, d.hosts+model.ProcessID(s), model.SwitchLayer, model.Subscribe, 0, now, out)
		ask(d.self, d.hosts+model.ProcessID(s), model.SwitchLayer, model.Query, -1, now, out)
	}
}

// askAll asks the applications, and of those at the ports of whom is not there; and says
// again what is not confirmed.
func (d *albatross) askAll(now model.Time, out *model.Output) {
	for k := range d.members {
		m := &d.members[k]
		q := d.peers.id(k)
		switch m.stage {
		case isMember, isStopped:
			ask(d.self, q, model.SystemLayer, model.Probe, int64(model.ApplicationLayer), now, out)
			ask(d.self, q, model.HypervisorLayer, model.Probe, int64(model.SystemLayer), now, out)
		case isExcluded:
			if at := d.ports[k].at; at != model.Nobody {
				ask(d.self, at, model.SwitchLayer, model.Query, int64(q), now, out)
			}
		case isPardoned: // one whose word was missing may have stopped, or be excluded, by now
			d.admit(k, now, out)
		}
		d.order(k, dropLifting, model.Admit, now, out)
	}
	for k := range d.members {
		d.tell(k, out)
	}
	for _, q := range d.watchers {
		if !d.fresh[q] && d.reachable(q) {
			d.say(q, albatrossForget, int64(model.Nobody), 0, out)
		}
	}
}

// reachable tells whether a process is a member, as far as is known. One that the manager
// does not watch is.
func (d *albatross) reachable(q model.ProcessID) bool {
	k := d.peers.index(q)
	return k < 0 || d.members[k].stage == isMember || d.members[k].stage == isPardoned
}

// gone tells whether a process has stopped, or is behind a closed ring, be it pardoned: it can
// neither be told anything nor speak to anybody. One that is condemned may yet be released, with
// what it was told.
func (d *albatross) gone(q model.ProcessID) bool {
	k := d.peers.index(q)
	return k >= 0 && d.members[k].stage != isMember && d.members[k].stage != isCondemned
}

// tell tells the clients that do not know it the newest decision on a peer.
func (d *albatross) tell(k int, out *model.Output) {
	m := &d.members[k]
	if m.number == 0 {
		return
	}
	for _, q := range d.watchers {
		if q != d.peers.id(k) && !m.acked[q] && d.fresh[q] && d.reachable(q) {
			d.say(q, m.kind, int64(d.peers.id(k)), m.number, out)
		}
	}
}

// decide makes a decision on a peer, and tells it.
func (d *albatross) decide(k int, kind uint8, out *model.Output) {
	m := &d.members[k]
	m.kind = kind
	m.number++
	clear(m.acked)
	d.tell(k, out)
}

// order sends a request to the switches that are at a stage about a peer.
func (d *albatross) order(k int, at dropStage, r model.Request, now model.Time, out *model.Output) {
	for s, stage := range d.members[k].drops {
		if stage == at {
			ask(d.self, d.hosts+model.ProcessID(s), model.SwitchLayer, r, int64(d.peers.id(k)), now, out)
		}
	}
}

// due does what falls due for a peer.
func (d *albatross) due(k int, now model.Time, out *model.Output) {
	m := &d.members[k]
	switch m.stage {
	case isMember:
		d.condemn(k, now, out)
	case isCondemned:
		d.press(k, now, out)
	case isExcluded:
		if l, _ := d.ports[k].down.Link(); l >= 0 && d.view.dead[l/2] {
			d.timers.set(k, now.Add(d.rejoin)) // its port is down
			return
		}
		m.stage = isPardoned
		d.trust(k, out)
		d.decide(k, albatrossAdmitted, out)
		d.admit(k, now, out)
	}
}

// condemn begins to disconnect a peer: its switch is to drop.
func (d *albatross) condemn(k int, now model.Time, out *model.Output) {
	m := &d.members[k]
	if m.stage != isMember {
		return
	}
	m.stage, m.tries, m.end, m.asked = isCondemned, 0, model.Never, now-1
	if at := d.ports[k].at; at != model.Nobody {
		m.drops[at-d.hosts] = dropOrdered
	}
	d.order(k, dropOrdered, model.Isolate, now, out)
	d.timers.set(k, now.Add(d.eta))
}

// press orders again, and after the retries widens the ring around the peer by the
// neighbours of those who do not obey.
func (d *albatross) press(k int, now model.Time, out *model.Output) {
	m := &d.members[k]
	if m.tries++; m.tries > d.retries {
		m.tries = 0
		for s, stage := range m.drops {
			if stage == dropOrdered {
				m.drops[s] = dropRefused
			}
		}
		if d.uplink < d.hosts || m.drops[d.uplink-d.hosts] == dropRefused {
			// The manager itself is cut. Whoever obeyed is to take it back.
			d.release(k, now, out)
			return
		}
		for s, stage := range m.drops {
			if stage != dropRefused {
				continue
			}
			for _, w := range d.view.ways.of(d.hosts + model.ProcessID(s)) {
				if w.to >= d.hosts && m.drops[w.to-d.hosts] != dropRefused && m.drops[w.to-d.hosts] != dropDone {
					m.drops[w.to-d.hosts] = dropOrdered
				} else if other := d.peers.index(w.to); other >= 0 {
					d.condemn(other, now, out)
				}
			}
		}
		if d.closed(k) {
			d.exclude(k, now, Reason{From: d.ports[k].at}, out)
			return
		}
	}
	d.order(k, dropOrdered, model.Isolate, now, out)
	d.timers.set(k, now.Add(d.eta))
}

// closed tells whether all switches of the ring around a peer have confirmed.
func (d *albatross) closed(k int) bool {
	obeyed := false
	for _, stage := range d.members[k].drops {
		if stage == dropOrdered {
			return false
		}
		obeyed = obeyed || stage == dropDone
	}
	return obeyed
}

// exclude tells that a peer is disconnected, which it is.
func (d *albatross) exclude(k int, now model.Time, why Reason, out *model.Output) {
	m := &d.members[k]
	m.stage = isExcluded
	d.holdOnly(k, now, certainly(model.Partition), why, out)
	d.decide(k, albatrossExcluded, out)
	d.timers.set(k, now.Add(d.rejoin<<m.trials))
}

// release makes a peer a member again, and has the switches let it through.
func (d *albatross) release(k int, now model.Time, out *model.Output) {
	m := &d.members[k]
	for s, stage := range m.drops {
		if stage != dropNothing {
			m.drops[s] = dropLifting
		}
	}
	m.stage, m.tries, m.asked, m.end = isMember, 0, now-1, now.Add(d.timeout)
	d.order(k, dropLifting, model.Admit, now, out)
	d.timers.set(k, m.end)
}

// admit lets a pardoned peer in when all clients know that it is.
func (d *albatross) admit(k int, now model.Time, out *model.Output) {
	m := &d.members[k]
	for _, q := range d.watchers {
		if q != d.peers.id(k) && !m.acked[q] && !d.gone(q) {
			return
		}
	}
	m.trials = min(m.trials+1, 6)
	d.release(k, now, out)
}

// confirmed takes the word of a client that it knows.
func (d *albatross) confirmed(m *model.Message, now model.Time, out *model.Output) {
	if m.Kind != albatrossKnown || m.From < 0 || int(m.From) >= d.n {
		return
	}
	if m.Seq == 0 { // it has forgotten all
		d.fresh[m.From] = true
		for k := range d.members {
			d.members[k].acked[m.From] = false
		}
		return
	}
	k := -1
	if m.Arg >= 0 && m.Arg < int64(d.n) {
		k = d.peers.index(model.ProcessID(m.Arg))
	}
	if k < 0 || d.members[k].number != m.Seq {
		return
	}
	d.members[k].acked[m.From] = true
	if d.members[k].stage == isPardoned {
		d.admit(k, now, out)
	}
}

// inform takes what an agent tells the manager.
func (d *albatross) inform(e *model.Evidence, now model.Time, out *model.Output) {
	k := d.peers.index(e.About)
	switch {
	case e.From >= d.hosts && int(e.From-d.hosts) < len(d.view.now.distance)-int(d.hosts):
		if k >= 0 && e.Kind == model.PortState && d.obeys(k, e, now, out) {
			return
		}
		if (e.Kind == model.LinkState || e.Kind == model.PortState && !e.Killed) && d.view.inform(e, d.renew.Add(-d.period)) {
			for k := range d.members {
				if !d.view.now.reaches(d.peers.id(k)) {
					d.condemn(k, now, out)
				}
			}
		}
	case k < 0 || e.From != e.About || e.Kind != model.Liveness:
	case e.Layer == model.ProcessLayer || e.Layer == model.ApplicationLayer:
		d.informOfProcess(k, e, now, out)
	case e.Layer == model.SystemLayer:
		m := &d.members[k]
		older, _ := generation(&m.system, e)
		if !older && !e.Alive && (pushed(e) || d.recent(m, e, now)) {
			d.stop(k, albatrossHost, e, now, out)
		}
	}
}

// recent tells whether e answers a question that was asked after the time that the member
// holds, and not longer than the timeout ago.
func (d *albatross) recent(m *albatrossMember, e *model.Evidence, now model.Time) bool {
	return answers(e, max(m.asked, now-model.Time(d.timeout)), now)
}

// obeys takes the confirmation of a switch that it drops what a peer sends, or lets it
// through, and tells whether e is one.
func (d *albatross) obeys(k int, e *model.Evidence, now model.Time, out *model.Output) bool {
	m := &d.members[k]
	s := &m.drops[e.From-d.hosts]
	if e.Seq <= 0 || !d.recent(m, e, now) {
		return e.Killed
	}
	switch {
	case *s == dropLifting && e.Alive:
		*s = dropNothing
	case m.stage == isCondemned && (*s == dropOrdered || *s == dropRefused) && e.Killed && !e.Alive:
		*s = dropDone
		if d.closed(k) {
			d.exclude(k, now, Reason{Evidence: e.Kind, From: e.From, Place: e.Place}, out)
		}
	default:
		return e.Killed
	}
	return true
}

func (d *albatross) informOfProcess(k int, e *model.Evidence, now model.Time, out *model.Output) {
	m := &d.members[k]
	older, newer := generation(&m.process, e)
	recent := d.recent(m, e, now)
	if newer {
		d.fresh[e.About] = false // it has forgotten what it was told
	}
	switch {
	case older:
	case !e.Alive:
		if pushed(e) || recent {
			d.stop(k, albatrossProcess, e, now, out)
		}
	case m.stage == isStopped:
		if newer || recent && e.Layer == model.ApplicationLayer {
			m.stage, m.asked = isMember, now // what was asked before is old
			d.trust(k, out)
			d.decide(k, albatrossAdmitted, out)
			d.patient(k, now)
		}
	case m.stage == isMember && e.Layer == model.ApplicationLayer && recent:
		m.asked, m.trials = askedAt(e), 0
		d.patient(k, now)
	}
}

// patient waits for the next answer of an application.
func (d *albatross) patient(k int, now model.Time) {
	m := &d.members[k]
	m.end = now.Add(d.timeout)
	d.timers.set(k, m.end)
}

// stop notes that a peer stopped, by the word of the layer below. One that is being
// disconnected, or is, goes on to be.
func (d *albatross) stop(k int, kind uint8, e *model.Evidence, now model.Time, out *model.Output) {
	m := &d.members[k]
	if m.stage != isMember && (m.stage != isStopped || kind != albatrossHost || m.kind == albatrossHost) {
		return
	}
	m.stage, m.end, m.asked = isStopped, model.Never, now
	d.fresh[d.peers.id(k)] = false
	d.timers.set(k, model.Never)
	d.holdOnly(k, now, certainly(albatrossKinds[kind]), Reason{Evidence: e.Kind, From: e.From}, out)
	d.decide(k, kind, out)
}

func (d *albatross) Clone() model.Automaton {
	c := *d
	c.opinions, c.timers, c.view = d.opinions.clone(), d.timers.clone(), d.view.clone()
	c.known = append([]int64(nil), d.known...)
	c.fresh = append([]bool(nil), d.fresh...)
	c.members = append([]albatrossMember(nil), d.members...)
	for k := range c.members {
		m := &c.members[k]
		m.acked = append([]bool(nil), m.acked...)
		m.drops = append([]dropStage(nil), m.drops...)
	}
	return &c
}

// AppendState writes of a client the numbers that it knows, and of the manager what is
// left until its next questions, who knows of its start, the links that are dead, and each
// member; then the opinions.
func (d *albatross) AppendState(b []byte, now model.Time) []byte {
	if !d.manages() {
		for _, number := range d.known {
			b = binary.AppendUvarint(b, uint64(number))
		}
		return d.opinions.appendState(b, now)
	}
	if !d.started {
		return append(b, notStarted)
	}
	b = appendLeft(append(b, idle), d.next, now)
	b = appendLeft(b, d.renew, now)
	for _, f := range d.fresh {
		b = AppendBool(b, f)
	}
	b = d.view.appendState(b)
	for k := range d.members {
		m := &d.members[k]
		b = append(b, byte(m.stage), m.tries, m.trials, m.kind)
		b = binary.AppendUvarint(b, uint64(m.number))
		for _, a := range m.acked {
			b = AppendBool(b, a)
		}
		for _, s := range m.drops {
			b = append(b, byte(s))
		}
		b = appendLeft(b, m.end, now)
		b = appendLeft(b, d.timers.at(k), now)
		b = binary.AppendUvarint(b, uint64(min(now.Sub(m.asked), d.timeout)))
		b = binary.AppendUvarint(b, uint64(m.process))
		b = binary.AppendUvarint(b, uint64(m.system))
	}
	return d.opinions.appendState(b, now)
}

func (d *albatross) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	r := NewReader(b)
	if !d.manages() {
		for k := range d.known {
			d.known[k] = int64(r.UpTo(math.MaxInt64))
		}
		if b, err = r.Rest(); err != nil {
			return b, err
		}
		return d.opinions.loadState(b, now)
	}
	d.timers.clear()
	d.view.forget()
	clear(d.fresh)
	for k := range d.members {
		m := &d.members[k]
		clear(m.acked)
		clear(m.drops)
		*m = albatrossMember{acked: m.acked, drops: m.drops}
	}
	d.started = r.UpTo(uint64(idle)) == uint64(idle)
	if !d.started || r.Failed() {
		d.opinions.clear()
		return r.Rest()
	}
	d.next, d.renew = r.Left(now, d.eta), r.Left(now, d.period)
	for q := range d.fresh {
		d.fresh[q] = r.Bool()
	}
	d.view.load(&r)
	for k := range d.members {
		m := &d.members[k]
		m.stage, m.tries, m.trials = memberStage(r.UpTo(uint64(memberStages-1))), uint8(r.UpTo(math.MaxInt8)), uint8(r.UpTo(6))
		m.kind, m.number = uint8(r.UpTo(albatrossAdmitted)), int64(r.UpTo(math.MaxInt64))
		for q := range m.acked {
			m.acked[q] = r.Bool()
		}
		for s := range m.drops {
			m.drops[s] = dropStage(r.UpTo(uint64(dropStages - 1)))
		}
		m.end = r.Left(now, d.timeout)
		d.timers.set(k, r.Left(now, longest))
		m.asked = now - model.Time(r.UpTo(uint64(d.timeout)))
		m.process, m.system = int64(r.UpTo(math.MaxInt64)), int64(r.UpTo(math.MaxInt64))
	}
	if r.Fail(d.next == model.Never || d.renew == model.Never); r.Failed() {
		return r.Rest()
	}
	b, _ = r.Rest()
	return d.opinions.loadState(b, now)
}
