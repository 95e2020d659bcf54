package agreement

import (
	"slices"
	"testing"

	"suspect/detectors"
	"suspect/detectors/asynctest"
	"suspect/detectors/ideal"
	"suspect/model"
)

// How many messages it takes without crashes and false suspicions, counted by hand from the
// algorithms.
func TestMessageCounts(t *testing.T) {
	t.Parallel()
	one := Submissions{Values: []int64{1}}
	nothing := Submissions{}
	firstOnly := func(env detectors.Env) Submissions {
		if env.Self == 0 {
			return one
		}
		return nothing
	}
	for n := 1; n <= 6; n++ {
		all := n * (n - 1) // everybody to everybody else
		still := ideal.NewPlan(model.NewFailurePattern(n), 0, 1)
		still.Chosen = 0
		for _, c := range []struct {
			name string
			want int
			make func(env detectors.Env) (model.Automaton, error)
		}{
			{"a reliable broadcast is relayed by all", all,
				func(env detectors.Env) (model.Automaton, error) { return NewReliable(env, firstOnly(env)) }},
			{"so is a uniform one, which is its acknowledgement", all,
				func(env detectors.Env) (model.Automaton, error) { return NewUniform(env, firstOnly(env)) }},
			{"with S there are n rounds", n * all,
				func(env detectors.Env) (model.Automaton, error) {
					fd, _ := ideal.New(model.P, env, still)
					return NewConsensus(env, WithS, fd, 1, Options{})
				}},
			{"with Omega a leader asks and is answered twice, and the decision is relayed", 4*(n-1) + all,
				func(env detectors.Env) (model.Automaton, error) {
					fd, _ := ideal.NewOmega(env, still)
					return NewConsensus(env, WithOmega, fd, 1, Options{})
				}},
		} {
			s := asynctest.Random(uint64(n), n, 0, 1)
			s.Delay = 0 // all start at once, and all messages take as long
			s.Path = func(now model.Time, _ *model.Message) model.Time { return now + 5 }
			run, err := s.Run(c.make)
			if err != nil {
				t.Fatal(err)
			}
			if run.Sent != c.want {
				t.Errorf("%d processes: %s: %d messages, want %d", n, c.name, run.Sent, c.want)
			}
		}
	}
}

// table steps the process 0 of Paxos by hand, with a leader detector that says what it is told.
type table struct {
	t         *testing.T
	automaton model.Automaton
	out       model.Output
}

// fixed elects once.
type fixed struct {
	leader model.ProcessID
	said   bool
}

func (d *fixed) Step(_ model.Time, _ *model.Input, out *model.Output) {
	if !d.said {
		d.said = true
		out.Announcements = append(out.Announcements, model.Announcement{Kind: model.Elected, Peer: d.leader})
	}
}
func (d *fixed) Clone() model.Automaton                           { c := *d; return &c }
func (d *fixed) AppendState(b []byte, _ model.Time) []byte        { return detectors.AppendBool(b, d.said) }
func (d *fixed) LoadState(b []byte, _ model.Time) ([]byte, error) { return b[1:], nil }

func newTable(t *testing.T, n int, leader model.ProcessID) *table {
	a, err := NewConsensus(asynctest.Everybody(0, n), WithOmega, &fixed{leader: leader}, 10, Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := &table{t: t, automaton: a}
	b.step(model.Input{Kind: model.Start})
	return b
}

func (b *table) step(in model.Input) []model.Message {
	b.out.Reset()
	b.automaton.Step(0, &in, &b.out)
	return slices.Clone(b.out.Send)
}

func (b *table) from(p model.ProcessID, kind uint8, ballot, other int, v int64) []model.Message {
	return b.step(model.Input{Kind: model.Deliver, Message: model.Message{From: p, Kind: kind, Seq: packRounds(0, ballot, other), Arg: v}})
}

// expect checks that all messages are of a kind, ballot, second ballot and value.
func (b *table) expect(what string, got []model.Message, count int, kind uint8, ballot, other int, v int64) {
	b.t.Helper()
	if len(got) != count {
		b.t.Errorf("%s: %d messages, want %d: %v", what, len(got), count, got)
	}
	for _, m := range got {
		if m.Kind != kind || roundOf(&m) != ballot || stampOf(&m) != other || m.Arg != v {
			b.t.Errorf("%s: message %d (%d, %d, %d), want %d (%d, %d, %d)", what, m.Kind, roundOf(&m), stampOf(&m), m.Arg, kind, ballot, other, v)
		}
	}
}

// The proposer takes the value of the largest ballot that it is told of, in whatever order
// (Lamport 1998, B3; 2001, P2c), and begins above a ballot for which it was refused.
func TestProposer(t *testing.T) {
	t.Parallel()
	for _, told := range [][][2]int{{{8, 1}, {6, 2}}, {{6, 2}, {8, 1}}, {{0, 0}, {8, 1}}, {{8, 1}, {0, 0}}} {
		b := newTable(t, 5, 0)
		b.expect("who refuses names the ballot that it promised", b.from(1, refusalKind, 5, 17, 0), 4, prepareKind, 20, 0, 0)
		b.expect("one promise and the own make no majority", b.from(1, promiseKind, 20, told[0][0], int64(told[0][1])), 0, 0, 0, 0, 0)
		b.expect("nor does a second one of the same", b.from(1, promiseKind, 20, told[0][0], int64(told[0][1])), 0, 0, 0, 0, 0)
		b.expect("three promises do", b.from(2, promiseKind, 20, told[1][0], int64(told[1][1])), 4, acceptKind, 20, 0, 1)
		b.expect("a promise does not accept", b.from(3, promiseKind, 20, 0, 0), 0, 0, 0, 0, 0)
		b.expect("one accepts beside the own", b.from(3, acceptedKind, 20, 0, 0), 0, 0, 0, 0, 0)
		b.expect("a majority decides", b.from(4, acceptedKind, 20, 0, 0), 4, decideKind, 0, 0, 1)
	}
	b := newTable(t, 3, 0)
	b.expect("free to choose", b.from(1, promiseKind, 3, 0, 0), 2, acceptKind, 3, 0, 10)
	b.expect("a late refusal of an old ballot", b.from(1, refusalKind, 0, 4, 0), 0, 0, 0, 0, 0)
}

// The acceptor keeps its promises, one by accepting too, and tells what it accepted last.
func TestAcceptor(t *testing.T) {
	t.Parallel()
	b := newTable(t, 5, 4)
	b.expect("a first promise", b.from(2, prepareKind, 7, 0, 0), 1, promiseKind, 7, 0, 0)
	b.expect("a smaller ballot", b.from(1, prepareKind, 6, 0, 0), 1, refusalKind, 6, 7, 0)
	b.expect("it accepts what it promised", b.from(2, acceptKind, 7, 0, 12), 1, acceptedKind, 7, 0, 0)
	b.expect("it accepts without a promise", b.from(3, acceptKind, 8, 0, 13), 1, acceptedKind, 8, 0, 0)
	b.expect("which is one", b.from(2, acceptKind, 7, 0, 12), 1, refusalKind, 7, 8, 0)
	b.expect("a larger ballot learns of it", b.from(4, prepareKind, 9, 0, 0), 1, promiseKind, 9, 8, 13)
	b.expect("no ballot of the sender", b.from(3, prepareKind, 14, 0, 0), 0, 0, 0, 0, 0)
}

// What is no batch or vector is taken for none, and what is one reads back.
func FuzzBodies(f *testing.F) {
	f.Add([]byte(newBatch([]Item{{0, 0, 7}, {1, 3, -2}})))
	v := newVector(3)
	v.set(0, Value{Number: 5})
	v.set(2, Value{Batch: "x"})
	f.Add(v.append(nil))
	f.Fuzz(func(t *testing.T, text []byte) {
		if items, ok := Batch(text).Items(4, nil); ok {
			again, ok := newBatch(items).Items(4, nil)
			if !ok || !slices.Equal(items, again) {
				t.Errorf("%v reads back as %v", items, again)
			}
		}
		v, w := newVector(4), newVector(4)
		if v.parse(Vector(text)) && (!w.parse(Vector(v.append(nil))) || v.known != w.known || !slices.Equal(v.values, w.values)) {
			t.Errorf("%v reads back as %v", v, w)
		}
		_, _ = Batch(text).String(), Vector(text).String()
	})
}
