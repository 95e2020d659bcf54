package detectors

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"suspect/detectors/seeded"
	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "vote",
		Source: "folklore; Birman's lectures on failure detection: require a vote within a group, for if a majority agrees that a service is faulty, the odds that it is are far higher",
		Doc:    "Tells everybody whom a base detector suspects, and suspects a peer that at least k of the processes accuse, itself included.",
		Claims: []model.Claim{
			{Class: model.EventuallyP, Under: "what the base detector needs to be eventually perfect, from some time on no loss, no pauses and delays that differ by less than repeat, at least k correct processes that watch each crashed one, and fewer than k faulty accusers", Given: voteConditions},
			{Class: model.EventuallyS, Under: "from some time on no loss, no pauses and delays that differ by less than repeat, at least k correct processes that watch each crashed one and in the end suspect it for good, and one correct process that in the end fewer than k accuse", Given: voteConditions},
		},
		Params: []model.Param{
			{Name: "base", Type: model.TextParam, Default: "timeout",
				Doc: "the detector that accuses, and its parameters, as: nfd-e eta=1s alpha=2s"},
			{Name: "k", Type: model.CountParam, Optional: true,
				Doc: "how many accusers make a verdict; a majority of those who watch the accused, taken to be as many as watch the process itself, if left out"},
			{Name: "repeat", Type: model.DurationParam, Default: "1s",
				Doc: "time after which a process repeats its accusations; they are forgotten unless repeated"},
			{Name: "faulty", Type: model.TextParam, Optional: true,
				Doc: "processes that accuse at random, as: 0 3; none if left out"},
			{Name: "odds", Type: model.CountParam, Default: "2",
				Doc: "a faulty process accuses each peer, anew at each repetition, with probability 1/odds"},
		},
		New: newVote,
	})
}

// vote is judgement by k of n. Each process runs a base detector. When that suspects a
// peer, or trusts it again, all processes are told; and an accusation is told again each
// time that repeat has passed, for those whom it did not reach. A process accepts an
// accusation of a peer that it watches from anybody but that peer, and forgets it at the
// third of its own repetitions without a new one, so after twice to three times repeat;
// where delays differ by less than repeat, the next one comes before that. It suspects the
// peers that k processes or more accuse, where it counts the opinion of its own base
// detector like that of others.
//
// Whoever accuses must watch the accused. A process does not know how many others do, so
// a k above that number, where not all watch all, is no error: it suspects nobody.
//
// Faults belong to the environment, but that of a process which accuses without reason is
// no fault of a network, a host or a clock: it is another algorithm. So the parameter
// faulty names the processes that follow that one. Such a process ignores its base
// detector, though it sends that one's messages, and draws lots at each repetition: it
// accuses each of its peers, independently, with probability 1/odds, and withdraws the
// accusation if the next lot is another. When n processes err independently with
// probability e, k of them err together with probability sum over j >= k of
// C(n,j) e^j (1-e)^(n-j), see [VoteError].
//
// Accusations have a kind that no base detector uses, and the base detector gets the rest,
// so that the tag of messages stays free. An accusation takes 5 bytes of payload: the
// accused, and whether it is accused or no longer.
type vote struct {
	self    model.ProcessID
	n       int
	k       int
	repeat  model.Duration
	faulty  bool
	odds    int
	peers   peers
	base    model.Automaton
	input   model.Input  // of the base, during a step
	inner   model.Output // of the base
	started bool
	next    model.Time
	ballots []ballot
}

// ballot is what is kept of one peer.
type ballot struct {
	held      int     // how many kinds of failure the base suspects
	accused   bool    // by this process
	accusers  int     // others, as far as known
	memory    []uint8 // of each process: repetitions until its accusation is forgotten; nil if nobody has ever accused
	suspected bool
}

const (
	accusationKind  = 100
	accusationBytes = 5
	accusationLasts = 3 // own repetitions
)

func newVote(env Env, p model.Params) (model.Automaton, error) {
	if err := env.Check(); err != nil {
		return nil, err
	}
	d := &vote{self: env.Self, n: env.N, k: len(env.Watchers)/2 + 1, odds: int(p.Count("odds")), peers: newPeers(env.Watch), ballots: make([]ballot, len(env.Watch))}
	var err error
	if d.base, err = newBase(env, p.Text("base")); err != nil {
		return nil, &model.ParamError{Name: "base", Err: err}
	}
	if d.repeat, err = duration(p, "repeat", model.Picosecond); err != nil {
		return nil, err
	}
	if p.Given("k") {
		d.k = int(min(p.Count("k"), int64(env.N)))
		if d.k < 1 || d.k > max(1, env.N-1) {
			return nil, &model.ParamError{Name: "k", Err: fmt.Errorf("%d of %d processes cannot accuse another: from 1 to %d", p.Count("k"), env.N, max(1, env.N-1))}
		}
	}
	if c := p.Count("odds"); c < 1 || c > 1_000_000 {
		return nil, &model.ParamError{Name: "odds", Err: fmt.Errorf("%d is out of range: from 1 to 1000000", c)}
	}
	faulty, err := parseProcesses(p.Text("faulty"), env.N)
	if err != nil {
		return nil, &model.ParamError{Name: "faulty", Err: err}
	}
	d.faulty = slices.Contains(faulty, env.Self)
	return d, nil
}

// newBase makes the detector that the words of s describe: its name, and parameters as
// name=value.
func newBase(env Env, s string) (model.Automaton, error) {
	spec, p, err := parseBase(s)
	if err != nil {
		return nil, err
	}
	a, err := spec.New(env, p)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", spec.Name, err)
	}
	return a, nil
}

// parseBase reads the name of a detector and its parameters.
func parseBase(s string) (spec Spec, p model.Params, err error) {
	words := strings.Fields(s)
	if len(words) == 0 {
		return spec, p, fmt.Errorf("names no detector: write one, and its parameters, as: timeout eta=1s")
	}
	spec, ok := Lookup(words[0])
	if !ok || spec.Name == "vote" {
		return spec, p, fmt.Errorf("%q is not a detector that can accuse", words[0])
	}
	given := map[string]string{}
	for _, word := range words[1:] {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			return spec, p, fmt.Errorf("%q is not a parameter of %s: write name=value, without blanks", word, spec.Name)
		}
		given[name] = value
	}
	p, errs := model.NewParams(spec.Params, given)
	if len(errs) > 0 {
		return spec, p, fmt.Errorf("%s: %w", spec.Name, errs[0])
	}
	return spec, p, nil
}

// parseProcesses returns the numbers in a list.
func parseProcesses(list string, n int) (processes []model.ProcessID, err error) {
	for _, word := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		p, err := strconv.Atoi(word)
		if err != nil || p < 0 || p >= n {
			return nil, fmt.Errorf("%q is not the number of a process: from 0 to %d", word, n-1)
		}
		processes = append(processes, model.ProcessID(p))
	}
	return processes, nil
}

func (d *vote) Step(now model.Time, in *model.Input, out *model.Output) {
	if !d.started {
		d.started = true
		d.next = now.Add(d.repeat)
	}
	if now >= d.next {
		d.next = now.Add(d.repeat)
		for p := range d.ballots {
			d.forget(p)
			d.restate(p, in, out)
			d.count(p, out)
		}
	}
	d.stepBase(now, in, out)
	if m := &in.Message; in.Kind == model.Deliver && m.Kind == accusationKind && 0 <= m.From && int(m.From) < d.n && m.From != d.self {
		if p := d.peers.index(model.ProcessID(m.Seq)); p >= 0 && int64(d.peers.id(p)) == m.Seq && m.From != d.peers.id(p) {
			d.hear(p, m.From, m.Arg == 1)
			d.count(p, out)
		}
	}
	out.Wake = d.inner.Wake
	if len(d.ballots) > 0 {
		out.Wake = min(out.Wake, d.next)
	}
}

// stepBase passes an input to the base detector, and takes its opinions.
func (d *vote) stepBase(now model.Time, in *model.Input, out *model.Output) {
	d.input = *in
	if in.Kind == model.Deliver && in.Message.Kind == accusationKind {
		d.input = model.Input{Kind: model.Wake, Random: in.Random}
	}
	d.inner.Reset()
	d.base.Step(now, &d.input, &d.inner)
	d.input = model.Input{}
	out.Send = append(out.Send, d.inner.Send...)
	for _, v := range d.inner.Verdicts {
		p := d.peers.index(v.Peer)
		b := &d.ballots[p]
		if v.Suspected {
			b.held++
		} else {
			b.held--
		}
		if accuse := b.held > 0; !d.faulty && accuse != b.accused {
			d.accuse(p, accuse, out)
			d.count(p, out)
		}
	}
}

// count counts the votes on a peer.
func (d *vote) count(p int, out *model.Output) {
	b := &d.ballots[p]
	votes := b.accusers
	if b.accused {
		votes++
	}
	if suspected := votes >= d.k; suspected != b.suspected {
		b.suspected = suspected
		out.Verdicts = append(out.Verdicts, model.Verdict{Peer: d.peers.id(p), Suspected: suspected})
	}
}

// accuse tells everybody but the accused what this process thinks of it now.
func (d *vote) accuse(p int, accused bool, out *model.Output) {
	d.ballots[p].accused = accused
	m := model.Message{From: d.self, Kind: accusationKind, Bytes: accusationBytes, Seq: int64(d.peers.id(p))}
	if accused {
		m.Arg = 1
	}
	for q := range model.ProcessID(d.n) {
		if q != d.self && q != d.peers.id(p) {
			m.To = q
			out.Send = append(out.Send, m)
		}
	}
}

// restate repeats an accusation, or draws a lot.
func (d *vote) restate(p int, in *model.Input, out *model.Output) {
	b := &d.ballots[p]
	if !d.faulty {
		if b.accused {
			d.accuse(p, true, out)
		}
		return
	}
	if accused := in.Random.IntN(d.odds) == 0; accused || b.accused {
		d.accuse(p, accused, out)
	}
}

// hear takes an accusation, or its withdrawal.
func (d *vote) hear(p int, from model.ProcessID, accused bool) {
	b := &d.ballots[p]
	if b.memory == nil {
		if !accused {
			return
		}
		b.memory = make([]uint8, d.n)
	}
	if was := b.memory[from] > 0; accused != was {
		if accused {
			b.accusers++
		} else {
			b.accusers--
		}
	}
	b.memory[from] = 0
	if accused {
		b.memory[from] = accusationLasts
	}
}

// forget ages the accusations of others.
func (d *vote) forget(p int) {
	b := &d.ballots[p]
	if b.accusers == 0 || seeded.Bug("an accusation is never forgotten") {
		return
	}
	for q := range b.memory {
		if b.memory[q] > 0 {
			if b.memory[q]--; b.memory[q] == 0 {
				b.accusers--
			}
		}
	}
}

func (d *vote) Clone() model.Automaton {
	c := *d
	c.base = d.base.Clone()
	c.inner = model.Output{Wake: d.inner.Wake}
	c.ballots = slices.Clone(d.ballots)
	for p := range c.ballots {
		c.ballots[p].memory = slices.Clone(c.ballots[p].memory)
	}
	return &c
}

// AppendState writes the state of the base detector and what is left until the next
// repetition; and for each peer how many kinds of failure the base suspects, whether this
// process accuses and suspects it, and who else accuses it, each with its memory.
func (d *vote) AppendState(b []byte, now model.Time) []byte {
	b = d.base.AppendState(b, now)
	if !d.started {
		return append(b, notStarted)
	}
	b = append(b, idle)
	if len(d.ballots) > 0 {
		b = appendLeft(b, d.next, now)
	}
	for p := range d.ballots {
		v := &d.ballots[p]
		b = append(b, byte(v.held), flagBits(v.accused, v.suspected))
		b = binary.AppendUvarint(b, uint64(v.accusers))
		for q, left := range v.memory {
			if left > 0 {
				b = append(binary.AppendUvarint(b, uint64(q)), left)
			}
		}
	}
	return b
}

func (d *vote) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	d.inner.Wake = model.Never
	clear(d.ballots)
	if b, err = d.base.LoadState(b, now); err != nil {
		return b, err
	}
	if len(b) == 0 || b[0] > idle {
		return b, errEncoding
	}
	d.started = b[0] == idle
	b = b[1:]
	if !d.started {
		return b, nil
	}
	if len(d.ballots) > 0 {
		if d.next, b, err = loadLeft(b, now, d.repeat); err != nil || d.next == model.Never {
			return b, errEncoding
		}
	}
	for p := range d.ballots {
		if b, err = d.loadBallot(&d.ballots[p], b); err != nil {
			return b, err
		}
	}
	return b, nil
}

func (d *vote) loadBallot(v *ballot, b []byte) (rest []byte, err error) {
	if len(b) < 2 || b[1] > 3 {
		return b, errEncoding
	}
	v.held, v.accused, v.suspected = int(b[0]), b[1]&1 != 0, b[1]&2 != 0
	accusers, b, err := uvarint(b[2:])
	if err != nil || accusers > uint64(d.n) {
		return b, errEncoding
	}
	if v.accusers = int(accusers); v.accusers > 0 {
		v.memory = make([]uint8, d.n)
	}
	last := -1
	for range v.accusers {
		var q uint64
		if q, b, err = uvarint(b); err != nil || q >= uint64(d.n) || int(q) <= last || len(b) == 0 || b[0] == 0 || b[0] > accusationLasts {
			return b, errEncoding
		}
		last = int(q)
		v.memory[q] = b[0]
		b = b[1:]
	}
	return b, nil
}

// VoteError returns the probability that at least k of n accusers err, when each errs with
// probability e, independently. It is for users: no detector calls it.
func VoteError(n, k int, e float64) float64 {
	sum, choose := 0.0, 1.0 // C(n, j)
	for j := range n + 1 {
		if j >= k {
			sum += float64(choose * power(e, j) * power(1-e, n-j))
		}
		choose *= float64(n-j) / float64(j+1)
	}
	return sum
}

func power(x float64, n int) float64 {
	product := 1.0
	for range n {
		product *= x
	}
	return product
}
