package agreement

import (
	"encoding/binary"

	"suspect/detectors"
	"suspect/detectors/seeded"
	"suspect/model"
)

// WithOmega is Paxos (Lamport, "The part-time parliament", ACM Transactions on Computer Systems
// 16(2), 1998; "Paxos made simple", 2001), for one decree, whose leader is that of a detector
// of the class Omega, while a majority is correct. Every process is a proposer and an
// acceptor; the ballots of process p are k*n + p for k = 1, 2, ...
//
//	Phase 1a: a process that finds itself the leader begins a ballot b of its own, larger
//	than all that it has heard of, and sends prepare(b) to all.
//	Phase 1b: an acceptor that has promised no larger one promises b, and tells the last
//	ballot that it accepted, with the value.
//	Phase 2a: when a majority has promised, the proposer sends accept(b, v) to all, v being
//	the value of the largest ballot told of, or its own if there is none.
//	Phase 2b: an acceptor that has promised no larger one accepts, and says so.
//
// When a majority has accepted, v is chosen, and the proposer R-broadcasts that. An acceptor
// that has promised a larger ballot refuses, and names it, as Lamport advises; a leader that
// was refused begins a larger ballot.
//
// Agreement holds for all processes and whatever the detector says. Once Omega has settled, the
// leader alone begins ballots, and one of them is larger than all others.
var WithOmega = Algorithm{"Omega", func(n *node, o Options) protocol {
	return &ballots{self: n.self, n: n.n, need: majority(n.n), most: (o.Rounds+1)*n.n - 1}
}}

// ballots is that algorithm.
type ballots struct {
	self model.ProcessID
	n    int
	need int // promises, and acceptances
	most int // the largest ballot

	value Value // own proposal
	heard int   // largest ballot heard of

	// The acceptor. Ballot 0 is none.
	promised   int
	accepted   int
	acceptance Value

	// The proposer.
	phase    ballotPhase
	ballot   int
	votes    detectors.Set // who has promised, or accepted, in this phase
	best     int           // of those who promised: the largest ballot accepted
	proposal Value         // and its value; in phase 2, what is proposed
}

type ballotPhase uint8

const (
	noBallot ballotPhase = iota
	prepares
	accepts
)

func (p *ballots) propose(_ *instance, v Value, _ *model.Output) { p.value = v }

func (p *ballots) step(c *instance, d *detectors.Module, out *model.Output) bool {
	next := (p.heard/p.n+1)*p.n + int(p.self)
	if p.phase != noBallot || d.Leader() != p.self || next > p.most {
		return false
	}
	p.phase, p.ballot, p.heard = prepares, next, next
	p.votes, p.best, p.proposal = 0, 0, p.value
	c.sendToAll(p.message(c, prepareKind, next, 0, Value{}), out)
	return true
}

func (p *ballots) receive(c *instance, m *model.Message, out *model.Output) {
	b, stamp := roundOf(m), stampOf(m)
	if b < p.n || b > p.most || stamp > p.most {
		return
	}
	switch m.Kind {
	case prepareKind, acceptKind:
		if b%p.n != int(m.From) {
			return
		}
		p.hear(b)
		p.answer(c, m, b, out)
	case promiseKind, acceptedKind, refusalKind:
		if b == p.ballot {
			p.count(c, m, stamp, out)
		}
	}
}

func (p *ballots) hear(ballot int) { p.heard = max(p.heard, ballot) }

// answer is the acceptor.
func (p *ballots) answer(c *instance, m *model.Message, b int, out *model.Output) {
	switch {
	case b < p.promised && !seeded.Bug("an older ballot is accepted"):
		c.send(m.From, p.message(c, refusalKind, b, p.promised, Value{}), out)
	case m.Kind == prepareKind:
		p.promised = b
		c.send(m.From, p.message(c, promiseKind, b, p.accepted, p.acceptance), out)
	default:
		p.promised, p.accepted, p.acceptance = b, b, valueOf(m)
		c.send(m.From, p.message(c, acceptedKind, b, 0, Value{}), out)
	}
}

// count is the proposer on an answer to its ballot.
func (p *ballots) count(c *instance, m *model.Message, stamp int, out *model.Output) {
	switch {
	case m.Kind == refusalKind && !seeded.Bug("a refusal is ignored"):
		p.hear(stamp)
		p.phase, p.ballot = noBallot, 0
	case m.Kind == promiseKind && p.phase == prepares:
		p.votes = p.votes.With(m.From)
		if stamp > p.best && !seeded.Bug("what was accepted is not proposed again") {
			p.best, p.proposal = stamp, valueOf(m)
		}
		if p.votes.Len() >= p.need {
			p.phase, p.votes = accepts, 0
			c.sendToAll(p.message(c, acceptKind, p.ballot, 0, p.proposal), out)
		}
	case m.Kind == acceptedKind && p.phase == accepts:
		p.votes = p.votes.With(m.From)
		if p.votes.Len() >= p.need {
			p.phase, p.ballot = noBallot, 0
			c.broadcast(p.proposal, out)
		}
	}
}

// message returns a message of a ballot, with a second one.
func (p *ballots) message(c *instance, kind uint8, ballot, other int, v Value) model.Message {
	return withValue(model.Message{Kind: kind, Seq: packRounds(c.number, ballot, other)}, v)
}

func (p *ballots) reset() { *p = ballots{self: p.self, n: p.n, need: p.need, most: p.most} }

func (p *ballots) clone() protocol { c := *p; return &c }

// append writes the acceptor, and the proposer with what its phase depends on.
func (p *ballots) append(b []byte) []byte {
	b = appendValue(b, p.value)
	for _, v := range []int{p.heard, p.promised, p.accepted} {
		b = binary.AppendUvarint(b, uint64(v))
	}
	if p.accepted > 0 {
		b = appendValue(b, p.acceptance)
	}
	b = append(b, byte(p.phase))
	if p.phase != noBallot {
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(p.ballot)), uint64(p.votes))
		b = appendValue(b, p.proposal)
	}
	if p.phase == prepares {
		b = binary.AppendUvarint(b, uint64(p.best))
	}
	return b
}

func (p *ballots) load(r *detectors.Reader) {
	p.value = readValue(r)
	ballot := func() int { return int(r.UpTo(uint64(p.most))) }
	p.heard, p.promised, p.accepted = ballot(), ballot(), ballot()
	if p.accepted > 0 {
		p.acceptance = readValue(r)
	}
	p.phase = ballotPhase(r.UpTo(uint64(accepts)))
	if p.phase != noBallot {
		p.ballot, p.votes, p.proposal = ballot(), r.Set(p.n), readValue(r)
	}
	if p.phase == prepares {
		p.best = ballot()
	}
}
