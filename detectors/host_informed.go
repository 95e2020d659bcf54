package detectors

import (
	"encoding/binary"
	"fmt"
	"math"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "host-informed",
		Source: "ours, of the host's share of Falcon's spies (SOSP 2011) without their kills, of Pigeon's sensors (NSDI 2013), and of the layers of Huang et al., \"Gray failure: the Achilles' heel of cloud-scale systems\", HotOS 2017",
		Doc:    "Asks the process, the application, the system and the hypervisor of each peer, and tells from who answers which layer failed; of one that is silent on all layers it says no kind.",
		Claims: []model.Claim{
			{Class: model.P, Under: "agents that tell the truth, no loss, every round trip to an agent or to a system that runs within (misses + 1) poll, drift-free clocks"},
			{Class: model.EventuallyP, Under: "the same from some time on"},
		},
		Params: typedParams(
			model.Param{Name: "poll", Type: model.DurationParam, Default: "500ms",
				Doc: "period of the questions"},
			model.Param{Name: "misses", Type: model.CountParam, Default: "2",
				Doc: "unanswered ones in a row after which a layer is taken not to answer: from 1 to 100"}),
		Asks:  true,
		Typed: true,
		Kinds: []model.FailureKind{model.Unspecified, model.ProcessCrash, model.HostCrash, model.Stall, model.Wedge},
		New:   newHostInformed,
	})
}

// hostInformed asks hosts alone. Of each peer it asks the process, by a ping; the
// application; the system, whether the process runs; and the hypervisor, whether the system
// does. It subscribes to the latter two, so that what they see comes at once.
//
//	hypervisor            system           application  process  said            certainty
//	says the system died  any              any          any      host crash      certain
//	else any              says: it died    any          any      process crash   certain
//	any                   answers          silent       silent   stall           500: or a loss
//	any                   answers          silent       answers  wedge           500: or a loss
//	answers               silent           silent       any      stall           333: or too busy, or a loss
//	silent                silent           silent       silent   unspecified     not told
//
// Silent is who left misses questions unanswered, and the one after. What the application did
// not answer while the process was silent, too, is not held against it when the process is
// back. A reset or finish says that the process died, too.
//
// What hosts say is certain, since each layer speaks of the one above, which it runs. What
// they do not say is not: one layer may seem silent, and the next answer, where a link
// corrupts, or a queue is full, and loses some packets and not others. Of a
// machine that is silent on all layers no host can tell whether it has no power or cannot be
// reached: then there is a suspicion of no kind, since an abstention that says nothing would
// break completeness. Nothing is said of the network in between; a single host without
// answer and a cut look alike.
type hostInformed struct {
	opinions
	responder
	poll   model.Duration
	misses uint8
	next   model.Time // of the questions
	hosts  []informedHost
}

// The layers of a host that are asked.
const (
	askedProcess = iota
	askedApplication
	askedSystem
	askedHypervisor
	askedLayers
)

// informedHost is what is kept of one peer.
type informedHost struct {
	silent [askedLayers]uint8 // questions without an answer, the latest included, up to misses + 1

	// process and system are what the layer below says of them.
	process, system word
}

// word is what a layer says of the one above.
type word struct {
	dead        bool
	incarnation int64              // the latest that was told of
	after       model.Time         // of the questions up to then, answers are of an earlier time
	evidence    model.EvidenceKind // by which it is dead
}

// hostMemory is how many questions ago an answer may have been asked for.
const hostMemory = 16

func newHostInformed(env Env, p model.Params) (model.Automaton, error) {
	if err := needsMap(env); err != nil {
		return nil, err
	}
	o, err := newOpinions(env, p)
	if err != nil {
		return nil, err
	}
	d := &hostInformed{opinions: o, responder: newResponder(env), hosts: make([]informedHost, len(env.Watch))}
	if d.poll, err = duration(p, "poll", model.Picosecond); err != nil {
		return nil, err
	}
	misses := p.Count("misses")
	if misses < 1 || misses > 100 {
		return nil, &model.ParamError{Name: "misses", Err: fmt.Errorf("%d is out of range: from 1 to 100", misses)}
	}
	d.misses = uint8(misses)
	d.reset()
	return d, nil
}

func (d *hostInformed) reset() {
	d.next = model.Never
	for k := range d.hosts {
		d.hosts[k] = informedHost{process: word{after: math.MinInt64}, system: word{after: math.MinInt64}}
	}
}

func (d *hostInformed) Step(now model.Time, in *model.Input, out *model.Output) {
	if d.next == model.Never {
		d.next = now
		for k := range d.hosts {
			ask(d.self, d.peers.id(k), model.SystemLayer, model.Subscribe, 0, now, out)
			ask(d.self, d.peers.id(k), model.HypervisorLayer, model.Subscribe, 0, now, out)
		}
	}
	if now >= d.next {
		d.next = now.Add(d.poll)
		for k := range d.hosts {
			d.askHost(k, now, out)
			d.settle(k, now, out)
		}
	}
	switch {
	case in.Kind == model.Deliver && in.Message.Kind == replyKind:
		if k := d.peers.index(in.Message.From); k >= 0 && d.recent(in.Message.Seq, now) {
			x := &d.hosts[k]
			if x.silent[askedProcess] > d.misses { // the application in it could not answer either
				x.silent[askedApplication] = min(x.silent[askedApplication], 1)
			}
			x.silent[askedProcess] = 0
			x.live(&x.process, 0, in.Message.Seq)
			x.live(&x.system, 0, in.Message.Seq)
			d.settle(k, now, out)
		}
	case in.Kind == model.Inform:
		if k := d.peers.index(in.Evidence.About); k >= 0 && in.Evidence.From == in.Evidence.About {
			d.inform(k, now, in.Evidence)
			d.settle(k, now, out)
		}
	}
	d.answer(in, out)
	if out.Wake = d.next; len(d.hosts) == 0 {
		out.Wake = model.Never
	}
}

// askHost asks all layers of a host. A layer that did not answer may have forgotten who
// subscribed to it.
func (d *hostInformed) askHost(k int, now model.Time, out *model.Output) {
	id, x := d.peers.id(k), &d.hosts[k]
	for layer := range x.silent {
		x.silent[layer] = min(x.silent[layer]+1, d.misses+1)
	}
	out.Send = append(out.Send, model.Message{From: d.self, To: id, Kind: pingKind, Seq: int64(now)})
	ask(d.self, id, model.ApplicationLayer, model.Probe, int64(model.ApplicationLayer), now, out)
	ask(d.self, id, model.SystemLayer, model.Probe, int64(model.ProcessLayer), now, out)
	ask(d.self, id, model.HypervisorLayer, model.Probe, int64(model.SystemLayer), now, out)
	if x.silent[askedSystem] > 1 {
		ask(d.self, id, model.SystemLayer, model.Subscribe, 0, now, out)
	}
	if x.silent[askedHypervisor] > 1 {
		ask(d.self, id, model.HypervisorLayer, model.Subscribe, 0, now, out)
	}
}

// recent tells whether a question was asked lately.
func (d *hostInformed) recent(seq int64, now model.Time) bool {
	return seq <= int64(now) && seq >= int64(now.Add(-hostMemory*d.poll))
}

// inform takes what a layer of a host says of the one above, by which it shows that it is
// alive itself.
func (d *hostInformed) inform(k int, now model.Time, e *model.Evidence) {
	x, question := &d.hosts[k], int64(math.MinInt64) // of a subscription
	if answers(e, now.Add(-hostMemory*d.poll)-1, now) {
		question = int64(askedAt(e))
	}
	switch {
	case e.Kind == model.Reset || e.Kind == model.Finish:
		x.process.die(e, d.asked())
	case e.Kind != model.Liveness:
	case e.Layer == model.ApplicationLayer && e.Alive:
		x.silent[askedApplication] = 0
		x.live(&x.process, e.Incarnation, question)
		x.live(&x.system, 0, question)
	case e.Layer == model.ProcessLayer:
		x.silent[askedSystem] = 0
		x.live(&x.system, 0, question)
		if e.Alive {
			x.live(&x.process, e.Incarnation, question)
		} else {
			x.process.die(e, d.asked())
		}
	case e.Layer == model.SystemLayer:
		x.silent[askedHypervisor] = 0
		switch {
		case e.Alive:
			x.live(&x.system, e.Incarnation, question)
		case question == int64(d.asked()) && min(x.silent[askedProcess], x.silent[askedApplication], x.silent[askedSystem]) == 0:
			// It looked before the system came up, on which this question was answered.
		default:
			x.system.die(e, d.asked())
		}
	}
}

// asked returns when the latest questions were asked.
func (d *hostInformed) asked() model.Time { return d.next.Add(-d.poll) }

// die takes the word that an incarnation is dead, unless a later one was told of.
func (w *word) die(e *model.Evidence, asked model.Time) {
	if e.Incarnation != 0 && e.Incarnation < w.incarnation {
		return
	}
	*w = word{true, max(w.incarnation, e.Incarnation), asked, e.Kind}
}

// live takes the word that an incarnation lives, in answer to a question: if one is dead,
// that must be a later one, or the question was asked after it died. 0: not told which.
// What the dead one did not answer is not held against the new one.
func (x *informedHost) live(w *word, incarnation, question int64) {
	if w.dead {
		if incarnation <= w.incarnation && question <= int64(w.after) {
			return
		}
		for _, layer := range []int{askedProcess, askedApplication} {
			x.silent[layer] = min(x.silent[layer], 1)
		}
	}
	*w = word{incarnation: max(w.incarnation, incarnation), after: math.MinInt64}
}

// settle says of a host what follows from all that is known.
func (d *hostInformed) settle(k int, now model.Time, out *model.Output) {
	x, id := &d.hosts[k], d.peers.id(k)
	answers := func(layer int) bool { return x.silent[layer] <= d.misses }
	say := func(f model.Finding, evidence model.EvidenceKind) {
		f.Place = model.NodePlace(id)
		d.holdOnly(k, now, f, Reason{Evidence: evidence, From: id}, out)
	}
	switch stuck := !answers(askedApplication); {
	case x.system.dead:
		say(model.Finding{Kind: model.HostCrash, Certainty: model.Certain, Lasts: model.Forever}, x.system.evidence)
	case x.process.dead:
		say(model.Finding{Kind: model.ProcessCrash, Certainty: model.Certain, Lasts: model.Forever}, x.process.evidence)
	case stuck && answers(askedSystem) && answers(askedProcess):
		say(model.Finding{Kind: model.Wedge, Certainty: oneOf(2)}, model.NoEvidence)
	case stuck && answers(askedSystem):
		say(model.Finding{Kind: model.Stall, Certainty: oneOf(2)}, model.NoEvidence)
	case stuck && !answers(askedProcess) && answers(askedHypervisor):
		say(model.Finding{Kind: model.Stall, Certainty: oneOf(3)}, model.NoEvidence)
	case stuck && !answers(askedProcess):
		say(model.Finding{Kind: model.Unspecified}, model.NoEvidence)
	default:
		d.trust(k, out)
	}
}

func (d *hostInformed) Clone() model.Automaton {
	c := *d
	c.opinions = d.opinions.clone()
	c.hosts = append([]informedHost(nil), d.hosts...)
	return &c
}

// AppendState writes the opinions, what is left until the next questions, who has not
// answered, and what was said of processes and systems. How long ago the questions were
// asked that came before a death is told as far back as answers are looked at.
func (d *hostInformed) AppendState(b []byte, now model.Time) []byte {
	b = appendLeft(b, d.next, now)
	if d.next == model.Never {
		return b
	}
	b = d.opinions.appendState(b, now)
	for k := range d.hosts {
		x := &d.hosts[k]
		b = append(b, x.silent[:]...)
		for _, w := range []*word{&x.process, &x.system} {
			b = binary.AppendVarint(b, w.incarnation)
			if b = AppendBool(b, w.dead); w.dead {
				b = append(b, byte(w.evidence))
				b = binary.AppendUvarint(b, uint64(min(now.Sub(w.after), d.memory())))
			}
		}
	}
	return b
}

// memory is longer than questions are remembered.
func (d *hostInformed) memory() model.Duration { return hostMemory*d.poll + model.Picosecond }

func (d *hostInformed) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	d.reset()
	if d.next, b, err = loadLeft(b, now, d.poll); err != nil || d.next == model.Never {
		return b, err
	}
	if b, err = d.opinions.loadState(b, now); err != nil {
		return b, err
	}
	r := NewReader(b)
	for k := range d.hosts {
		x := &d.hosts[k]
		for layer := range x.silent {
			x.silent[layer] = uint8(r.UpTo(uint64(d.misses) + 1))
		}
		for _, w := range []*word{&x.process, &x.system} {
			w.incarnation = r.Int()
			if w.dead = r.Bool(); w.dead {
				w.evidence = model.EvidenceKind(r.UpTo(math.MaxUint8))
				w.after = now.Add(-model.Duration(r.UpTo(uint64(d.memory()))))
			}
		}
	}
	return r.Rest()
}
