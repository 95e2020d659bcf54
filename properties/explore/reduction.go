package explore

import "fmt"

// Reduction is the partial-order reduction of [Interleaved]. A message that is on its way is
// delivered at once, and nothing else is explored from that state, where
//
//   - its delivery is silent: whatever is chosen, the receiver ends in one state, sends
//     nothing, suspects and announces nothing new;
//   - and it commutes with all that the receiver may do before: in each local state to which
//     the receiver can get without it, by messages, timers and what it is told of
//     crashes, delivering the message before or after the next such step leads to the same
//     state, with the same messages sent and the same things told, and is still silent.
//
// Then nothing that safety can see depends on when the message arrives. Take a run to a
// state that violates the property. If the delivery is part of it, it commutes to the front:
// with steps of the receiver, as was checked, and with all else, since it touches nothing
// but the state of its receiver and a letter of one link. If the receiver crashes before, the
// delivery in front leaves no trace. And otherwise it can be put in front, and changes
// nothing that the property sees. Each such step takes a letter and adds none, so no cycle
// consists of them, and nothing is put off for ever. It is an ample set of one transition,
// for properties that see only what is told (Peled, "All from one, one for all", CAV 1993; the conditions
// C0 to C3 of Clarke, Grumberg and Peled, "Model checking", 1999).
//
// To which local states a receiver can get is not known before the graph is. It is
// bounded from above by the graph of the local states alone, where every message that any
// process can send in any of its states may arrive at any time, and again and again.
type Reduction struct {
	// Stations and Steps are the size of the graph of local states, of all processes.
	Stations, Steps int

	// Confluent is the number of pairs of a local state and a message that are delivered at
	// once.
	Confluent int

	delivered [][][]uint64 // [process][station]: the messages, by their number among the inputs
}

const (
	maxReduced = 1 << 18 // steps of local states; more take longer than they save
	maxSaid    = 64      // announcements of a process
)

func (r *Reduction) bytes() int64 {
	if r == nil {
		return 0
	}
	n := int64(0)
	for _, stations := range r.delivered {
		for _, set := range stations {
			n += int64(len(set))*8 + 24
		}
	}
	return n
}

func (r *Reduction) String() string {
	return fmt.Sprintf("%d local states and %d steps, %d messages that can be delivered at once", r.Stations, r.Steps, r.Confluent)
}

// ReductionOf returns the reduction of a graph of [Interleaved] with Reduce, after its First,
// and nil otherwise.
func ReductionOf(sys System) *Reduction {
	if t, ok := sys.(*interleaved); ok {
		return t.reduction
	}
	return nil
}

// reduce makes the graph of the local states, of processes that start in the given ones.
func (t *interleaved) reduce(first []uint32) (*Reduction, error) {
	r := &Reduction{delivered: make([][][]uint64, t.N)}
	inputs := make([][]input, t.N) // of each process that has started
	known := make([]map[input]bool, t.N)
	for p := range t.N {
		known[p] = map[input]bool{wakeInput: true}
		inputs[p] = []input{wakeInput}
		if t.Informs && t.Crashes > 0 {
			for q := range t.N {
				if q != p && t.Spared>>q&1 == 0 {
					inputs[p] = append(inputs[p], firstInform+input(q))
				}
			}
		}
	}
	// To the least fixed point: all states, all messages. Stations that are there already
	// are those of processes that have not started.
	done := make([][]int, t.N) // [process][station]: inputs that were taken
	reached := make([]map[uint32]bool, t.N)
	order := make([][]uint32, t.N)
	reach := func(p int, local uint32) {
		if !reached[p][local] {
			reached[p][local] = true
			order[p] = append(order[p], local)
			done[p] = append(done[p], 0)
		}
	}
	take := func(p int, local uint32, in input) error {
		moves, err := t.take(p, local, in, true)
		if err != nil {
			return err
		}
		for _, m := range moves {
			if len(t.stations[p].list[m.after].Said) > maxSaid {
				return fmt.Errorf("explore: p%d might announce more than %d things, if messages came again and again: which of them commute cannot be seen; explore without the reduction", p, maxSaid)
			}
			reach(p, m.after)
			for _, s := range m.sends {
				in := t.messageInput(p, s.class)
				if q := int(s.to); !known[q][in] {
					known[q][in] = true
					inputs[q] = append(inputs[q], in)
				}
			}
		}
		if r.Steps += len(moves); r.Steps > maxReduced {
			return fmt.Errorf("explore: the processes have too many local states to see which messages commute: more than %d steps; explore without the reduction", maxReduced)
		}
		return nil
	}
	for p := range t.N {
		reached[p] = map[uint32]bool{}
		if err := take(p, first[p], startInput); err != nil {
			return nil, err
		}
	}
	for more := true; more; {
		more = false
		for p := range t.N {
			for i := 0; i < len(order[p]); i++ {
				for ; done[p][i] < len(inputs[p]); done[p][i]++ {
					more = true
					in := inputs[p][done[p][i]]
					if in == wakeInput && t.stations[p].list[order[p][i]].wake == 0 {
						continue
					}
					if err := take(p, order[p][i], in); err != nil {
						return nil, err
					}
				}
			}
		}
	}
	for p := range t.N {
		r.Stations += len(order[p])
		t.commuting(r, p, order[p], inputs[p])
	}
	return r, nil
}

// commuting finds the messages that commute, of one process.
func (t *interleaved) commuting(r *Reduction, p int, order []uint32, inputs []input) {
	words := (len(inputs) + 63) / 64
	good := make([][]uint64, len(t.stations[p].list))
	for _, local := range order {
		set := make([]uint64, words)
		for i, in := range inputs {
			if _, _, ok := t.message(in); ok && t.commutes(p, local, in, inputs) {
				set[i/64] |= 1 << (i % 64)
			}
		}
		good[local] = set
	}
	// In the end a message commutes here if it does so here and in every state that
	// follows.
	for changed := true; changed; {
		changed = false
		for i := len(order) - 1; i >= 0; i-- {
			local := order[i]
			for _, in := range inputs {
				for _, m := range t.moves[p][uint64(local)<<32|uint64(in)] {
					for w, now := range good[local] {
						if next := now & good[m.after][w]; next != now {
							good[local][w] = next
							changed = true
						}
					}
				}
			}
		}
	}
	r.delivered[p] = make([][]uint64, len(good))
	for _, local := range order {
		// From here on by the number of the input itself, as it is looked up.
		var set []uint64
		for i, in := range inputs {
			if good[local][i/64]>>(i%64)&1 == 0 {
				continue
			}
			for len(set) <= int(in)/64 {
				set = append(set, 0)
			}
			set[in/64] |= 1 << (in % 64)
			r.Confluent++
		}
		r.delivered[p][local] = set
	}
}

// silent returns the state after a delivery that nobody notices.
func (t *interleaved) silent(p int, local uint32, in input) (after uint32, ok bool) {
	moves := t.moves[p][uint64(local)<<32|uint64(in)]
	if len(moves) != 1 || len(moves[0].sends) > 0 {
		return 0, false
	}
	s := t.stations[p].list
	return moves[0].after, s[local].tells(&s[moves[0].after])
}

// commutes tells whether the delivery of a message is silent here, and commutes with each of
// the inputs.
func (t *interleaved) commutes(p int, local uint32, message input, inputs []input) bool {
	then, ok := t.silent(p, local, message)
	if !ok {
		return false
	}
	for _, in := range inputs {
		first := t.moves[p][uint64(local)<<32|uint64(in)]
		second := t.moves[p][uint64(then)<<32|uint64(in)]
		if in == wakeInput && first == nil {
			continue // no wake-up is asked for
		}
		if len(first) != len(second) {
			return false
		}
		for i := range first {
			if !same(first[i], second[i]) {
				return false
			}
			if after, ok := t.silent(p, first[i].after, message); !ok || after != second[i].after {
				return false
			}
		}
	}
	return true
}

// same tells whether two steps choose and send alike.
func same(a, b move) bool {
	if len(a.sends) != len(b.sends) || len(a.script) != len(b.script) {
		return false
	}
	for i := range a.sends {
		if a.sends[i] != b.sends[i] {
			return false
		}
	}
	for i := range a.script {
		if a.script[i] != b.script[i] {
			return false
		}
	}
	return true
}

// confluent returns a message to process p from q that is to be delivered at once.
func (e *interleavedExpander) confluent() (p, q, place int, ok bool) {
	t := e.t
	for p := range t.N {
		local := e.local(p)
		if s := &t.stations[p].list[local]; s.down || !s.begun {
			continue
		}
		set := t.reduction.delivered[p][local]
		if len(set) == 0 {
			continue
		}
		for q := range t.N {
			if q == p {
				continue
			}
			content := e.content(q, p)
			for place, ok := t.post.next(content, -1); ok; place, ok = t.post.next(content, place) {
				in := t.messageInput(q, t.post.contents[content][place])
				if int(in/64) < len(set) && set[in/64]>>(in%64)&1 != 0 {
					return p, q, place, true
				}
			}
		}
	}
	return 0, 0, 0, false
}
