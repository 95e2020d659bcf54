package detectors

import (
	"encoding/binary"
	"slices"

	"suspect/model"
)

// consensus is one member's part in the decision on the next view: it is acceptor, learner
// and, in turn, coordinator of Fast Paxos (Lamport, Distributed Computing 19(2), 2006). The
// first round is fast: each member votes for its own proposal. All later ones are classic.
//
// Rounds are told by their ranks: 0 is none, 1 the fast one, and round r >= 2 of member p is
// r*N + p, N the number of all processes.
//
// A vote is sent to all members, and again in each interval, so any of them learns the
// decision. Fast votes decide when f = (n-1)/4, rounded down, are missing at most, of n
// members, and classic ones by a majority. Who has a proposal and sees none decided begins a
// classic round after a while. A majority promises to vote in no earlier round and tells its
// latest votes. If one of them is of a classic round, the latest such is voted for again. Of
// fast votes the most frequent is taken: if a value has a fast quorum, or may come to have
// one, a majority of q members holds it q - f times at least and any other f times at most,
// and q > 2f. (The code takes a value with more than n/4 votes, and then any.)
//
// The code tries once. Here a trial is repeated, with the same rank as long as nobody has
// begun a later round. Who has promised a later round refuses, by telling its rank.
type consensus struct {
	n        int // members of the view
	proposal rapidList
	votes    []rapidVote // the latest known of each process
	promised int64       // least rank that this member may still vote in
	round    int64       // rank of the own round, if it has begun one
	chosen   rapidList   // what is voted for in it, once that is known
	promises []bool      // who has promised it
	wait     int         // intervals until the next trial
}

// rapidVote is a vote of a member. It is the body of a promise.
type rapidVote struct {
	Rank int64
	Cut  rapidList
}

const (
	fastRank     = 1
	maxRapidRank = 1 << 60 // none that occurs is larger
)

func newConsensus(env Env) consensus {
	return consensus{votes: make([]rapidVote, env.N), promises: make([]bool, env.N)}
}

func (c *consensus) clone() consensus {
	d := *c
	d.votes, d.promises = slices.Clone(c.votes), slices.Clone(c.promises)
	return d
}

// reset makes it ready for a view of n members.
func (c *consensus) reset(n int) {
	clear(c.votes)
	clear(c.promises)
	*c = consensus{n: n, votes: c.votes, promises: c.promises}
}

// quorum returns how many votes of a rank make a decision.
func (c *consensus) quorum(rank int64) int {
	if rank == fastRank {
		return c.n - (c.n-1)/4
	}
	return c.n/2 + 1
}

// delay returns the intervals until the next trial: fallback, and an exponential number with
// as many as there are members for its mean, so that about one tries in each interval.
func (d *rapid) delay(random model.Random) int {
	if d.fallback == 0 {
		return 0
	}
	const parts = 1024
	return d.fallback + int(-float64(d.n)*model.Log(float64(parts-random.IntN(parts))/parts))
}

// propose makes a cut this member's proposal, and votes for it in the fast round if it has not
// promised a later one.
func (d *rapid) propose(cut rapidList, out *model.Output) {
	d.proposal = cut
	if d.promised == 0 {
		d.promised = fastRank
		d.accept(fastRank, cut, out)
	}
}

// vote sends the latest vote of this member again, if there is one.
func (d *rapid) vote(out *model.Output) {
	if v := d.votes[d.self]; v.Rank > 0 {
		d.broadcast(rapidVoted, v.Rank, v.Cut, len(v.Cut), out)
	}
}

// accept votes for a cut.
func (d *rapid) accept(rank int64, cut rapidList, out *model.Output) {
	d.broadcast(rapidVoted, rank, cut, len(cut), out)
	d.count(d.self, rapidVote{rank, cut}, out)
}

// count takes in a vote, and goes on to the next view if that decides it.
func (d *rapid) count(p model.ProcessID, vote rapidVote, out *model.Output) {
	if vote.Rank <= d.votes[p].Rank {
		return
	}
	d.votes[p] = vote
	equal := 0
	for _, v := range d.votes {
		if v.Rank == vote.Rank && slices.Equal(v.Cut, vote.Cut) {
			equal++
		}
	}
	if equal >= d.quorum(vote.Rank) {
		d.change(vote.Cut, out)
	}
}

// coordinate begins a classic round, or tries once more to get the own one through.
func (d *rapid) coordinate(out *model.Output) {
	if all := int64(len(d.votes)); d.round < d.promised || d.round == 0 {
		round := max(2, d.promised/all+1)*all + int64(d.self)
		if round > maxRapidRank {
			return
		}
		d.round, d.promised, d.chosen = round, round, nil
		clear(d.promises)
		d.promises[d.self] = true
	}
	if d.chosen == nil {
		d.broadcast(rapidPrepare, d.round, nil, 0, out)
	} else {
		d.broadcast(rapidAccept, d.round, d.chosen, len(d.chosen), out)
	}
}

// consult takes a message of the consensus.
func (d *rapid) consult(m *model.Message, out *model.Output) {
	if m.Seq <= 0 || m.Seq > maxRapidRank {
		return
	}
	cut, _ := m.Body.(rapidList)
	all := int64(len(d.votes))
	if m.Kind == rapidPrepare || m.Kind == rapidAccept {
		switch {
		case m.Seq < 2*all || m.Seq%all != int64(m.From):
			return // not a round of the sender
		case m.Seq < d.promised:
			d.promise(m.From, out) // a refusal
			return
		}
	}
	switch m.Kind {
	case rapidVoted:
		if (m.Seq == fastRank || m.Seq >= 2*all) && d.acceptable(cut) {
			d.count(m.From, rapidVote{m.Seq, cut}, out)
		}
	case rapidPrepare:
		d.promised = m.Seq
		d.promise(m.From, out)
	case rapidPromise:
		d.promised = max(d.promised, m.Seq) // by a refusal
		if m.Seq != d.round || d.round != d.promised || d.chosen != nil {
			return
		}
		d.promises[m.From] = true
		if v, ok := m.Body.(rapidVote); ok && d.acceptable(v.Cut) {
			view := d.view()
			if d.count(m.From, v, out); view != d.view() {
				return
			}
		}
		d.choose(out)
	case rapidAccept:
		if d.acceptable(cut) {
			d.promised = m.Seq
			if d.votes[d.self].Rank < m.Seq {
				d.accept(m.Seq, cut, out)
			}
		}
	}
}

// promise tells a coordinator what was promised and voted for.
func (d *rapid) promise(to model.ProcessID, out *model.Output) {
	if v := d.votes[d.self]; v.Rank > 0 {
		d.send(to, rapidPromise, d.promised, v, len(v.Cut), out)
	} else {
		d.send(to, rapidPromise, d.promised, nil, 0, out)
	}
}

// acceptable tells whether a cut can be decided: it names members of the view.
func (d *rapid) acceptable(cut rapidList) bool {
	return len(cut) > 0 && d.processes(cut) && !slices.ContainsFunc(cut, d.gone.has)
}

// choose decides what to vote for in the own round, once a majority has promised it.
func (d *rapid) choose(out *model.Output) {
	promises, latest := 0, rapidVote{}
	for p, promised := range d.promises {
		if promised {
			promises++
			if v := d.votes[p]; v.Rank > latest.Rank {
				latest = v
			}
		}
	}
	if promises <= d.n/2 {
		return
	}
	switch latest.Rank {
	case 0:
		d.chosen = d.proposal
	case fastRank:
		d.chosen = d.mostFrequent()
	default:
		d.chosen = latest.Cut
	}
	d.broadcast(rapidAccept, d.round, d.chosen, len(d.chosen), out)
	d.accept(d.round, d.chosen, out)
}

// mostFrequent returns the cut for which most of those who promised have voted in the fast
// round.
func (d *rapid) mostFrequent() (cut rapidList) {
	most := 0
	for p, v := range d.votes {
		if !d.promises[p] || v.Rank != fastRank {
			continue
		}
		equal := 0
		for q, w := range d.votes {
			if d.promises[q] && w.Rank == fastRank && slices.Equal(v.Cut, w.Cut) {
				equal++
			}
		}
		if equal > most {
			most, cut = equal, v.Cut
		}
	}
	return cut
}

// append writes the state, apart from the proposal. An own round that was overtaken counts for
// nothing, and neither do promises of one whose cut is chosen.
func (c *consensus) append(b []byte) []byte {
	for _, v := range c.votes {
		if b = binary.AppendUvarint(b, uint64(v.Rank)); v.Rank > 0 {
			b = appendList(b, v.Cut)
		}
	}
	b = binary.AppendUvarint(b, uint64(c.promised))
	b = binary.AppendUvarint(b, uint64(c.wait))
	if c.round == 0 || c.round < c.promised {
		return append(b, 0)
	}
	if b = appendList(append(b, 1), c.chosen); c.chosen == nil {
		for _, p := range c.promises {
			b = append(b, flagBits(p))
		}
	}
	return b
}

// load is the inverse of append, for n processes.
func (c *consensus) load(r *swimReader, n int) {
	for p := range c.votes {
		if v := &c.votes[p]; !r.failed {
			if v.Rank = int64(r.upTo(maxRapidRank)); v.Rank > 0 {
				v.Cut = r.list(n)
			}
		}
	}
	c.promised = int64(r.upTo(maxRapidRank))
	c.wait = int(r.upTo(1_000_000 + 7*uint64(n)))
	if r.upTo(1) == 0 || r.failed {
		return
	}
	c.round = c.promised
	if c.chosen = r.list(n); c.chosen == nil {
		for p := range c.promises {
			c.promises[p] = r.upTo(1) == 1
		}
	}
}
