package ideal

import (
	"encoding/binary"
	"fmt"

	"suspect/detectors"
	"suspect/model"
)

// Plan is what an oracle knows: the run's failure pattern, future included, and how it is to
// use its freedom. All modules of one run are given the same plan, which is not changed. Its
// times are those of a clock that all processes share.
type Plan struct {
	Crashes model.FailurePattern // of a process that is not to crash: [model.Never]

	// Stable is the time from which on completeness and the eventual clauses hold. Never:
	// they never come to hold, and all that is left of the class is its perpetual accuracy.
	Stable model.Time

	// Every is the time after which what the class leaves open is chosen anew, at the
	// multiples of it.
	Every model.Duration

	// Chosen is the correct process that weak accuracy speaks of, the final leader, and the
	// process that all quorums share.
	Chosen model.ProcessID

	// Watcher is the correct process that suspects the crashed where completeness is weak.
	Watcher model.ProcessID
}

// NewPlan returns a plan for a pattern with a correct process. Chosen is the largest correct
// process and Watcher the smallest: where processes are tried in turn, the best comes last.
func NewPlan(crashes model.FailurePattern, stable model.Time, every model.Duration) Plan {
	p := Plan{Crashes: crashes, Stable: stable, Every: every, Chosen: model.Nobody, Watcher: model.Nobody}
	for q := range model.ProcessID(len(crashes.CrashedAt)) {
		if crashes.Correct(q) {
			p.Chosen = q
			if p.Watcher == model.Nobody {
				p.Watcher = q
			}
		}
	}
	return p
}

// Check returns an error that says what is wrong with p for a system of n processes, or nil.
func (p *Plan) Check(n int) error {
	switch {
	case len(p.Crashes.CrashedAt) != n:
		return fmt.Errorf("the plan tells of %d processes, and the system has %d", len(p.Crashes.CrashedAt), n)
	case n > detectors.MaxSet:
		return fmt.Errorf("the system has %d processes: oracles are for up to %d", n, detectors.MaxSet)
	case p.Every <= 0:
		return fmt.Errorf("the oracle is to choose anew every %v: give it a positive time", p.Every)
	case p.Stable < 0:
		return fmt.Errorf("the oracle is to be stable from %v on: that is before the run", p.Stable)
	}
	for _, role := range []struct {
		name string
		p    model.ProcessID
	}{{"chosen process", p.Chosen}, {"watcher", p.Watcher}} {
		if role.p < 0 || int(role.p) >= n || !p.Crashes.Correct(role.p) {
			return fmt.Errorf("the %s is p%d, which is not a correct process: the class speaks of one that is", role.name, role.p)
		}
	}
	return nil
}

// kind is the range of a detector's history, and for lists of suspects how they are bound.
type kind uint8

const (
	ofClass  kind = iota // a list of suspects, of one of the eight classes
	trusting             // a list of suspects, of T
	marabout             // a list of suspects: the faulty processes
	omega                // a leader
	sigma                // a quorum
)

// oracle is the module of one process.
type oracle struct {
	env     detectors.Env
	plan    Plan
	kind    kind
	class   model.Class
	last    model.Time // last event of the plan
	correct detectors.Set

	started  bool
	next     model.Time    // when it chooses anew
	told     detectors.Set // by evidence: these have crashed, which the plan did not say
	suspects detectors.Set
	leader   model.ProcessID
	quorum   detectors.Set
}

func newOracle(env detectors.Env, plan Plan, k kind, c model.Class) (model.Automaton, error) {
	if err := env.Check(); err != nil {
		return nil, err
	}
	if err := plan.Check(env.N); err != nil {
		return nil, err
	}
	o := &oracle{env: env, plan: plan, kind: k, class: c, leader: model.Nobody, next: model.Never}
	if plan.Stable != model.Never {
		o.last = plan.Stable
	}
	for p, at := range plan.Crashes.CrashedAt {
		if at == model.Never {
			o.correct = o.correct.With(model.ProcessID(p))
		} else {
			o.last = max(o.last, at)
		}
	}
	return o, nil
}

// New returns the module of env.Self of a detector of one of the eight classes, at its worst.
func New(class model.Class, env detectors.Env, plan Plan) (model.Automaton, error) {
	return newOracle(env, plan, ofClass, class)
}

// NewOmega returns a module of the leader detector, Omega: it elects plan.Chosen from
// plan.Stable on, and anybody before.
func NewOmega(env detectors.Env, plan Plan) (model.Automaton, error) {
	return newOracle(env, plan, omega, 0)
}

// NewSigma returns a module of the quorum detector, Sigma. Its quorums are any sets that
// contain plan.Chosen, and from plan.Stable on those of correct processes among them. So they
// intersect with any number of crashes; families of quorums without a common member, as that
// of all majorities, are left out.
func NewSigma(env detectors.Env, plan Plan) (model.Automaton, error) {
	return newOracle(env, plan, sigma, 0)
}

// NewTrusting returns a module of the trusting detector, T, of Delporte-Gallet, Fauconnier,
// Guerraoui and Kouznetsov ("Mutual exclusion in asynchronous systems with failure
// detectors", Journal of Parallel and Distributed Computing 65, 2005). It suspects some at
// its start, and others only once they have crashed.
func NewTrusting(env detectors.Env, plan Plan) (model.Automaton, error) {
	return newOracle(env, plan, trusting, 0)
}

// NewMarabout returns a module of the Marabout, which from its start suspects those who will
// ever crash. It is in S and in the eventually perfect class, and not realistic: what it says
// depends on the future, so nothing implements it (Guerraoui, "On the hardness of failure-sensitive agreement problems", Information
// Processing Letters 79(2), 2001).
func NewMarabout(env detectors.Env, plan Plan) (model.Automaton, error) {
	return newOracle(env, plan, marabout, 0)
}

// NewArbitrary returns a module of a detector that suspects anybody at any time, chosen anew
// at every multiple of the given time: it is in no class.
func NewArbitrary(env detectors.Env, every model.Duration) (model.Automaton, error) {
	return New(model.EventuallyW, env, NewPlan(model.NewFailurePattern(env.N), model.Never, every))
}

// NewArbitraryLeader returns a module of a detector that elects anybody at any time.
func NewArbitraryLeader(env detectors.Env, every model.Duration) (model.Automaton, error) {
	return NewOmega(env, NewPlan(model.NewFailurePattern(env.N), model.Never, every))
}

// duty is what a detector must say of a peer.
type duty uint8

const (
	free duty = iota // to trust or to suspect it
	trust
	suspect
)

// bound tells whether the module must by now do what the class demands of correct processes
// in the end. A faulty process never must.
func (o *oracle) bound(now model.Time) bool {
	return now >= o.plan.Stable && o.correct.Has(o.env.Self)
}

// alwaysUp tells whether q is correct, as far as the plan and the evidence tell.
func (o *oracle) alwaysUp(q model.ProcessID) bool { return (o.correct &^ o.told).Has(q) }

// learn takes in evidence of a crash that the plan does not know.
func (o *oracle) learn(in *model.Input) {
	e := in.Evidence
	if in.Kind != model.Inform || e == nil || e.Kind != model.Liveness || e.Layer != model.ProcessLayer || e.Alive {
		return
	}
	if q := e.About; 0 <= q && int(q) < o.env.N && q != o.env.Self {
		o.told = o.told.With(q)
	}
}

// duty returns what o must say of q now.
func (o *oracle) duty(q model.ProcessID, now model.Time) duty {
	crashed, bound := o.plan.Crashes.Crashed(q, now) || o.told.Has(q), o.bound(now)
	switch o.kind {
	case marabout:
		if o.alwaysUp(q) {
			return trust
		}
		return suspect
	case trusting:
		switch {
		case crashed && bound:
			return suspect
		case !crashed && o.started && !o.suspects.Has(q), bound && o.alwaysUp(q):
			return trust
		}
		return free
	}
	if crashed && bound && (o.class.Completeness() == model.StrongCompleteness || o.env.Self == o.plan.Watcher) {
		return suspect
	}
	accurate := false
	switch o.class.Accuracy() {
	case model.StrongAccuracy:
		accurate = !crashed
	case model.WeakAccuracy:
		accurate = q == o.plan.Chosen
	case model.EventualStrongAccuracy:
		accurate = bound && o.alwaysUp(q)
	case model.EventualWeakAccuracy:
		accurate = bound && q == o.plan.Chosen
	}
	if accurate {
		return trust
	}
	return free
}

func (o *oracle) Step(now model.Time, in *model.Input, out *model.Output) {
	o.learn(in)
	choose := !o.started || now >= o.next
	var open bool
	switch o.kind {
	case omega:
		open = o.lead(now, choose, in.Random, out)
	case sigma:
		open = o.gather(now, choose, in.Random, out)
	default:
		open = o.list(now, choose, in.Random, out)
	}
	o.started = true
	switch {
	case !open:
		o.next = model.Never
	case choose || o.next == model.Never:
		o.next = (now/model.Time(o.plan.Every) + 1) * model.Time(o.plan.Every)
	}
	out.Wake = min(o.next, o.event(now))
}

// event returns the time of the plan's next event.
func (o *oracle) event(now model.Time) model.Time {
	next := model.Never
	if o.plan.Stable > now {
		next = o.plan.Stable
	}
	for _, at := range o.plan.Crashes.CrashedAt {
		if at > now {
			next = min(next, at)
		}
	}
	return next
}

// list brings the list of suspects up to date, and tells whether the class leaves any open.
func (o *oracle) list(now model.Time, choose bool, random model.Random, out *model.Output) (open bool) {
	for _, q := range o.env.Watch {
		held := o.suspects.Has(q)
		suspected := held
		switch o.duty(q, now) {
		case trust:
			suspected = false
		case suspect:
			suspected = true
		default:
			open = true
			if choose {
				suspected = random.IntN(2) == 1
			}
		}
		if suspected == held {
			continue
		}
		out.Verdicts = append(out.Verdicts, model.Verdict{Peer: q, Suspected: suspected})
		if suspected {
			o.suspects = o.suspects.With(q)
		} else {
			o.suspects = o.suspects.Without(q)
		}
	}
	return open
}

// lead brings the leader up to date.
func (o *oracle) lead(now model.Time, choose bool, random model.Random, out *model.Output) (open bool) {
	leader := o.leader
	switch open = !o.bound(now); {
	case !open:
		leader = o.plan.Chosen
	case choose:
		leader = model.ProcessID(random.IntN(o.env.N))
	}
	if leader != o.leader {
		o.leader = leader
		out.Announcements = append(out.Announcements, model.Announcement{Kind: model.Elected, Peer: leader})
	}
	return open
}

// gather brings the quorum up to date.
func (o *oracle) gather(now model.Time, choose bool, random model.Random, out *model.Output) (open bool) {
	allowed := detectors.AllOf(o.env.N)
	if o.bound(now) {
		allowed = o.correct &^ o.told
	}
	quorum := o.quorum & allowed
	if choose {
		quorum = detectors.SetOf(o.plan.Chosen)
		for rest := allowed.Without(o.plan.Chosen); rest != 0; rest &= rest - 1 {
			if random.IntN(2) == 1 {
				quorum = quorum.With(rest.First())
			}
		}
	}
	if quorum != o.quorum {
		o.quorum = quorum
		out.Announcements = append(out.Announcements, model.Announcement{Kind: model.Quorum, Peer: o.env.Self, Value: int64(quorum)})
	}
	return allowed.Len() > 1
}

func (o *oracle) Clone() model.Automaton { c := *o; return &c }

// AppendState writes what is left until the plan has nothing more to come, as the future
// depends on it, and until the next choice; who is known to have crashed beside; and the output.
func (o *oracle) AppendState(b []byte, now model.Time) []byte {
	b = detectors.AppendBool(b, o.started)
	b = binary.AppendUvarint(b, uint64(max(0, o.last.Sub(now))))
	if !o.started {
		return b
	}
	b = binary.AppendUvarint(detectors.AppendLeft(b, o.next, now), uint64(o.told))
	switch o.kind {
	case omega:
		return binary.AppendUvarint(b, uint64(o.leader))
	case sigma:
		return binary.AppendUvarint(b, uint64(o.quorum))
	}
	return binary.AppendUvarint(b, uint64(o.suspects))
}

// LoadState is the inverse of AppendState. The time now must be as far from the plan's last
// event as that of the encoding was.
func (o *oracle) LoadState(b []byte, now model.Time) ([]byte, error) {
	r := detectors.NewReader(b)
	o.next, o.told, o.suspects, o.leader, o.quorum = model.Never, 0, 0, model.Nobody, 0
	o.started = r.Bool()
	left := uint64(max(0, o.last.Sub(now)))
	r.Fail(r.UpTo(left) != left)
	if !o.started {
		return r.Rest()
	}
	o.next, o.told = r.Left(now, o.plan.Every), r.Set(o.env.N)
	switch o.kind {
	case omega:
		o.leader = model.ProcessID(r.UpTo(uint64(o.env.N - 1)))
	case sigma:
		o.quorum = r.Set(o.env.N)
	default:
		o.suspects = r.Set(o.env.N)
		r.Fail(o.suspects&^detectors.SetOf(o.env.Watch...) != 0)
	}
	return r.Rest()
}
