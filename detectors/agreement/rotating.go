package agreement

import (
	"encoding/binary"
	"slices"

	"suspect/detectors"
	"suspect/detectors/seeded"
	"suspect/model"
)

// WithEventuallyS is the algorithm of Chandra and Toueg (Journal of the ACM 43(2), 1996, section 6.2) over a
// detector of the class <>S, while a majority is correct. In round r = 1, 2, ... process
// c = r mod n is the coordinator; everybody has an estimate, and the round ts in which that
// was adopted:
//
//	Phase 1: all send (r, estimate, ts) to c.
//	Phase 2: c waits for estimates of a majority, takes one with the largest ts and sends it
//	to all.
//	Phase 3: all wait until it has come or c is suspected; they adopt it, set ts to r and send
//	an ack, or send a nack.
//	Phase 4: c waits for replies of a majority; if a majority has sent an ack, it R-broadcasts
//	the estimate as the decision.
//
// A value for which a majority has sent an ack in some round is locked: one of that majority is
// among those whose estimates are taken in any later round, so that nothing else can be
// proposed. This is all that agreement rests on, so it holds whatever the detector says, and for
// faulty processes too. With a correct minority, or a detector that errs for ever, nothing may
// be decided.
var WithEventuallyS = Algorithm{"<>S", func(n *node, o Options) protocol {
	return &rotating{self: n.self, n: n.n, need: majority(n.n), rounds: o.Rounds}
}}

// rotating is that algorithm.
type rotating struct {
	self   model.ProcessID
	n      int
	need   int // estimates, and acks
	rounds int

	phase    rotatingPhase
	round    int // r
	estimate Value
	stamp    int // ts
	mail     []letter
}

type rotatingPhase uint8

const (
	between      rotatingPhase = iota // rounds; also before the first
	gathers                           // phase 2
	waits                             // phase 3
	counts                            // phase 4
	stopped                           // there are no rounds left
	lastRotating = stopped
)

// letter is what has come for this round or a later one. Even a reply may be early: a nack of
// who suspects the coordinator before that one has begun the round.
type letter struct {
	round int
	kind  uint8
	from  model.ProcessID
	stamp int
	value Value
}

func compareLetters(a, b letter) int {
	switch {
	case a.round != b.round:
		return a.round - b.round
	case a.kind != b.kind:
		return int(a.kind) - int(b.kind)
	}
	return int(a.from - b.from)
}

func (p *rotating) coordinator(round int) model.ProcessID {
	if seeded.Bug("one process coordinates all rounds") {
		return 0
	}
	return model.ProcessID(round % p.n)
}

func (p *rotating) propose(_ *instance, v Value, _ *model.Output) { p.estimate = v }

// receive takes a message, if this process is to read it in some phase.
func (p *rotating) receive(_ *instance, m *model.Message, _ *model.Output) {
	l := letter{roundOf(m), m.Kind, m.From, stampOf(m), valueOf(m)}
	if l.round < max(p.round, 1) || l.round > p.rounds {
		return
	}
	switch c := p.coordinator(l.round); m.Kind {
	case estimateKind:
		if c != p.self || l.stamp >= l.round {
			return
		}
	case proposalKind:
		if c != m.From {
			return
		}
	case ackKind, nackKind:
		if c != p.self {
			return
		}
	default:
		return
	}
	if at, found := slices.BinarySearchFunc(p.mail, l, compareLetters); !found && p.wants(l) {
		p.mail = slices.Insert(p.mail, at, l)
	}
}

// wants tells whether a letter will be read in this phase or a later one.
func (p *rotating) wants(l letter) bool {
	if l.round != p.round {
		return l.round > p.round && p.phase != stopped
	}
	switch l.kind {
	case estimateKind:
		return p.phase == gathers
	case proposalKind:
		return p.phase == gathers || p.phase == waits
	}
	return p.phase == gathers || p.phase == waits || p.phase == counts
}

// step does the next phase if it need not wait.
func (p *rotating) step(c *instance, d *detectors.Module, out *model.Output) bool {
	coordinator := p.coordinator(p.round)
	switch p.phase {
	case between:
		if p.round == p.rounds {
			p.phase = stopped
			p.forget()
			return false
		}
		p.round++
		coordinator = p.coordinator(p.round)
		c.send(coordinator, p.message(c, estimateKind, p.stamp, p.estimate), out)
		if p.phase = waits; coordinator == p.self {
			p.phase = gathers
		}
		p.forget()
	case gathers:
		estimates := p.of(estimateKind)
		if len(estimates) < p.need {
			return false
		}
		p.estimate = latest(estimates)
		c.sendToAll(p.message(c, proposalKind, 0, p.estimate), out)
		p.phase = waits
		p.forget()
	case waits:
		if proposal := p.of(proposalKind); len(proposal) > 0 {
			p.estimate = proposal[0].value
			if !seeded.Bug("an adopted estimate is not stamped") {
				p.stamp = p.round
			}
			c.send(coordinator, p.message(c, ackKind, 0, Value{}), out)
		} else if d.Suspects().Has(coordinator) {
			c.send(coordinator, p.message(c, nackKind, 0, Value{}), out)
		} else {
			return false
		}
		if p.phase = between; coordinator == p.self {
			p.phase = counts
		}
		p.forget()
	case counts:
		acks, nacks := len(p.of(ackKind)), len(p.of(nackKind))
		if acks+nacks < p.need {
			return false
		}
		if acks >= p.need || seeded.Bug("it decides before a majority has acknowledged") && acks > 0 {
			c.broadcast(p.estimate, out)
		}
		p.phase = between
		p.forget()
	case stopped:
		return false
	}
	return true
}

// of returns the letters of one kind for this round.
func (p *rotating) of(kind uint8) []letter {
	from := 0
	for from < len(p.mail) && p.mail[from].round == p.round && p.mail[from].kind < kind {
		from++
	}
	to := from
	for to < len(p.mail) && p.mail[to].round == p.round && p.mail[to].kind == kind {
		to++
	}
	return p.mail[from:to]
}

// latest returns the value of one of the letters with the largest stamp, the first.
func latest(letters []letter) Value {
	best := letters[0]
	for _, l := range letters {
		if l.stamp > best.stamp && !seeded.Bug("any estimate is taken for the latest") {
			best = l
		}
	}
	return best.value
}

// message returns a message of this round.
func (p *rotating) message(c *instance, kind uint8, stamp int, v Value) model.Message {
	return withValue(model.Message{Kind: kind, Seq: packRounds(c.number, p.round, stamp)}, v)
}

// forget drops the letters that no phase will read.
func (p *rotating) forget() {
	p.mail = slices.DeleteFunc(p.mail, func(l letter) bool { return !p.wants(l) })
}

func (p *rotating) reset() {
	*p = rotating{self: p.self, n: p.n, need: p.need, rounds: p.rounds, mail: p.mail[:0]}
}

func (p *rotating) clone() protocol {
	c := *p
	c.mail = slices.Clone(p.mail)
	return &c
}

// append writes the phase, the round, the estimate and what has come.
func (p *rotating) append(b []byte) []byte {
	b = append(b, byte(p.phase))
	b = binary.AppendUvarint(b, uint64(p.round))
	b = binary.AppendUvarint(b, uint64(p.stamp))
	b = appendValue(b, p.estimate)
	b = binary.AppendUvarint(b, uint64(len(p.mail)))
	for _, l := range p.mail {
		b = append(binary.AppendUvarint(b, uint64(l.round)), l.kind, byte(l.from))
		b = appendValue(binary.AppendUvarint(b, uint64(l.stamp)), l.value)
	}
	return b
}

func (p *rotating) load(r *detectors.Reader) {
	p.phase = rotatingPhase(r.UpTo(uint64(lastRotating)))
	p.round = int(r.UpTo(uint64(p.rounds)))
	p.stamp = int(r.UpTo(uint64(p.round)))
	p.estimate = readValue(r)
	for range r.UpTo(uint64(4 * p.n * p.rounds)) {
		l := letter{int(r.UpTo(uint64(p.rounds))), uint8(r.UpTo(nackKind)), model.ProcessID(r.UpTo(uint64(p.n - 1))), int(r.UpTo(maxRound)), readValue(r)}
		if r.Failed() {
			return
		}
		p.mail = append(p.mail, l)
	}
}
