package detectors_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/detectors"
	"suspect/model"
)

// The kinds of the messages of differential.
const (
	probeMessage = 70 + iota
	echoMessage
	askedMessage
	heardMessage
	relayProbeMessage
	relayEchoMessage
	foundMessage
)

// fate is what becomes of the two probes on a path.
type fate uint8

const (
	bothBack fate = iota
	bestEffortLost
	bothLost
	guaranteedLost
	guaranteedLate
	fates
)

// observation is what a prober can see of one peer on two paths, round after round.
type observation struct {
	paths  [2]fate
	found  bool // by a relay, if all probes are lost
	others bool // are silent, too
}

func (o observation) silent() bool { return o.paths == [2]fate{bothLost, bothLost} }

// world adds, for every single failure that there can be, its kind to what is then seen.
func worlds() map[observation]map[model.FailureKind]bool {
	seen := map[observation]map[model.FailureKind]bool{}
	add := func(k model.FailureKind, o observation) {
		if seen[o] == nil {
			seen[o] = map[model.FailureKind]bool{}
		}
		seen[o][k] = true
	}
	some := [][2]bool{{true, false}, {false, true}, {true, true}}
	on := func(s [2]bool, f fate) (o observation) {
		for i := range s {
			if s[i] {
				o.paths[i] = f
			}
		}
		return o
	}
	for _, s := range some {
		add(model.Congestion, on(s, bestEffortLost))      // a queue on the path is long
		add(model.PolicyViolation, on(s, bestEffortLost)) // a rule on the path for the class
		add(model.PolicyViolation, on(s, guaranteedLost)) // likewise
		add(model.Stall, on(s, guaranteedLate))           // the peer is slow to answer
		lost := on(s, bothLost)
		lost.found = lost.silent()       // relays have other paths
		add(model.RouteFailure, lost)    // a stale entry on the path
		add(model.PolicyViolation, lost) // a rule for the pair on the path
		if !lost.silent() {
			continue
		}
		alone := observation{paths: lost.paths}
		for _, k := range []model.FailureKind{model.ProcessCrash, model.HostCrash, model.Stall, // nothing answers
			model.Partition,       // the peer's last hop
			model.RouteFailure,    // all routes to the peer
			model.PolicyViolation, // a rule against the peer
		} {
			add(k, alone)
		}
		together := observation{paths: lost.paths, others: true}
		for _, k := range []model.FailureKind{model.HostCrash, // of all on one source of power
			model.Partition, model.RouteFailure, model.PolicyViolation} {
			add(k, together)
		}
	}
	return seen
}

// diagnosis is what is said: the certainty of each kind.
type diagnosis map[model.FailureKind]model.Certainty

// What is said of every combination of surviving probes is what the table says; its kind is
// one of those that a single failure could be which is seen so, and the certainty is one by
// their number.
func TestDifferentialTable(t *testing.T) {
	seen := worlds()
	single := 0
	for a := range fates {
		for b := range fates {
			for _, o := range []observation{{paths: [2]fate{a, b}}, {paths: [2]fate{a, b}, found: true}, {paths: [2]fate{a, b}, others: true}} {
				if !o.silent() && (o.found || o.others) {
					continue
				}
				want := diagnosis{}
				switch {
				case a == guaranteedLate || b == guaranteedLate:
					want[model.Stall] = 1000
				case o.silent() && o.found:
					want[model.RouteFailure] = 500
				case o.silent() && o.others:
					want[model.Partition] = 250
				case o.silent():
					want[model.HostCrash] = 166
				default:
					for _, f := range o.paths {
						switch f {
						case bestEffortLost:
							want[model.Congestion] = 500
						case guaranteedLost:
							want[model.PolicyViolation] = 1000
						case bothLost:
							want[model.RouteFailure] = 500
						}
					}
				}
				got := diagnose(t, o)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%+v: -want +got\n%s", o, diff)
				}
				if kinds := seen[o]; kinds != nil {
					single++
					for k, c := range got {
						if !kinds[k] || int(c) != 1000/len(kinds) || len(got) > 1 {
							t.Errorf("%+v: %v with certainty %d, but a single failure could be %v", o, k, c, slices.Sorted(maps.Keys(kinds)))
						}
					}
				}
			}
		}
	}
	if single != len(seen) {
		t.Errorf("%d observations of single failures compared, of %d", single, len(seen))
	}
}

// diagnose plays an observation of process 1 to process 0, of four, for two rounds.
func diagnose(t *testing.T, o observation) diagnosis {
	s := newSession(t, "differential", map[string]string{"eta": "100ms", "stagger": "false", "paths": "2"}, 4)
	for range 2 {
		s.round(func(m model.Message) fate {
			if m.To != 1 {
				if o.others {
					return bothLost
				}
				return bothBack
			}
			return o.paths[m.Arg/2]
		}, o.found)
	}
	said := diagnosis{}
	for _, f := range s.automaton.(detectors.Typed).Findings(1, s.now, nil) {
		said[f.Kind] = f.Certainty
	}
	return said
}

// session is a prober, process 0, under a test's control.
type session struct {
	automaton model.Automaton
	out       model.Output
	now       model.Time
	verdicts  []model.Verdict
	sent      []model.Message // in the last step
	probes    []model.Message // in the last step that sent any
	opened    model.Time
}

func newSession(t *testing.T, name string, given map[string]string, n int) *session {
	env := detectors.Env{N: n, Map: &model.Graph{Nodes: n + 1, Hosts: n}}
	for q := range model.ProcessID(n) {
		env.Map.Links = append(env.Map.Links, [2]model.ProcessID{q, model.ProcessID(n)})
		if q != 0 {
			env.Watch = append(env.Watch, q)
		}
	}
	env.Watchers = env.Watch
	a, err := build(t, name, given)(env)
	if err != nil {
		t.Fatal(err)
	}
	s := &session{automaton: a}
	s.step(0, model.Input{Kind: model.Start})
	return s
}

func (s *session) step(at model.Time, in model.Input) {
	s.now = at
	s.out.Reset()
	s.automaton.Step(at, &in, &s.out)
	s.sent = slices.Clone(s.out.Send)
	s.verdicts = append(s.verdicts, s.out.Verdicts...)
	isProbe := func(m model.Message) bool { return m.Kind == probeMessage }
	if slices.ContainsFunc(s.sent, isProbe) {
		s.probes, s.opened = s.sent, at
	}
}

// wake steps at the wake-up that was asked for.
func (s *session) wake() { s.step(s.out.Wake, model.Input{Kind: model.Wake}) }

func (s *session) deliver(at model.Time, m model.Message) {
	s.step(at, model.Input{Kind: model.Deliver, Message: m})
}

// round answers the probes of the open round, with the default parameters: those that
// are back after a millisecond, those that are late half a millisecond too late. Relays are
// reached, and find the peer or do not. Then it goes on to the next round's probes.
func (s *session) round(becomes func(probe model.Message) fate, found bool) {
	sent, probes := s.opened, s.probes
	echo := func(m model.Message, after model.Duration) {
		s.deliver(sent.Add(after), model.Message{From: m.To, Kind: echoMessage, Seq: m.Seq, Arg: m.Arg})
	}
	for _, m := range probes {
		f, guaranteed := becomes(m), m.Arg%2 == 0
		if f == bothBack || f == bestEffortLost && guaranteed || (f == guaranteedLost || f == guaranteedLate) && !guaranteed {
			echo(m, ms)
		}
	}
	for _, m := range probes {
		if becomes(m) == guaranteedLate && m.Arg%2 == 0 {
			echo(m, 3*ms+ms/2)
		}
	}
	s.wake() // judges
	judged := s.now
	for _, m := range s.sent {
		if m.Kind == askedMessage {
			answer := model.Message{From: m.To, Kind: heardMessage, Seq: m.Seq, Arg: m.Arg}
			s.deliver(judged.Add(ms), answer)
			if answer.Kind = foundMessage; found {
				s.deliver(judged.Add(3*ms), answer)
			}
		}
	}
	for s.opened == sent {
		s.wake()
	}
}

func (s *session) said() string {
	var words []string
	for _, v := range s.verdicts {
		words = append(words, fmt.Sprint(v))
	}
	s.verdicts = nil
	return fmt.Sprint(words)
}

// What comes after the bounds, and what the process itself is to blame for.
func TestDifferentialTimes(t *testing.T) {
	all := func(f fate) func(model.Message) fate { return func(model.Message) fate { return f } }
	given := map[string]string{"eta": "100ms", "stagger": "false", "paths": "2"}
	t.Run("bound", func(t *testing.T) { // 2d + r is in time, a picosecond more is late
		for after, want := range map[model.Duration]string{3 * ms: "[]", 3*ms + 1: "[suspect p1 of stall]"} {
			s := newSession(t, "differential", given, 2)
			for _, m := range s.sent {
				s.deliver(at(after), model.Message{From: 1, Kind: echoMessage, Seq: m.Seq, Arg: m.Arg})
			}
			s.wake()
			if got := s.said(); got != want {
				t.Errorf("all after %v: %v, want %v", after, got, want)
			}
		}
	})
	t.Run("pause of the peer", func(t *testing.T) { // looks like a crash until it is over
		s := newSession(t, "differential", given, 4)
		first := s.sent[0]
		for range 3 {
			s.round(func(m model.Message) fate {
				if m.To == 1 {
					return bothLost
				}
				return bothBack
			}, false)
		}
		if got := s.said(); got != "[suspect p1 of host-crash]" {
			t.Error(got)
		}
		s.deliver(s.now.Add(ms/2), model.Message{From: 1, Kind: echoMessage, Seq: first.Seq, Arg: 0})
		if got := s.said(); got != "[trust p1 of host-crash suspect p1 of stall]" {
			t.Error(got)
		}
		s.round(all(bothBack), false)
		if got := s.said(); got != "[trust p1 of stall]" {
			t.Error(got)
		}
	})
	t.Run("relays that differ", func(t *testing.T) { // one that reached the peer counts until others were asked as well
		s := newSession(t, "differential", map[string]string{"eta": "100ms", "stagger": "false", "paths": "2", "relays": "2"}, 8)
		silent := func(m model.Message) fate {
			if m.To == 1 {
				return bothLost
			}
			return bothBack
		}
		s.round(silent, false)
		s.round(silent, true)
		if got := s.said(); got != "[suspect p1 of route-failure]" {
			t.Error(got)
		}
		// Of the six others two are asked in a round. The stride of 3 has a divisor in common
		// with 6, and so has 4: it is 5.
		for range 5 {
			s.round(silent, false)
		}
		if got := s.said(); got != "[]" {
			t.Error(got)
		}
		s.round(silent, false)
		if got := s.said(); got != "[trust p1 of route-failure suspect p1 of host-crash]" {
			t.Error(got)
		}
	})
	t.Run("pause of its own", func(t *testing.T) { // says nothing of others
		s := newSession(t, "differential", given, 4)
		probes := s.sent
		for range 4 {
			s.step(s.now.Add(150*ms), model.Input{Kind: model.Wake})
		}
		for _, m := range probes {
			s.deliver(s.now, model.Message{From: m.To, Kind: echoMessage, Seq: m.Seq, Arg: m.Arg})
		}
		if got := s.said(); got != "[]" {
			t.Error(got)
		}
	})
	t.Run("queued", func(t *testing.T) { // a late answer of best effort leaves no other explanation
		s := newSession(t, "differential", given, 3)
		for range 2 {
			s.round(all(bestEffortLost), false)
		}
		last := s.sent[0].Seq
		certainty := func() model.Certainty { return s.automaton.(detectors.Typed).Findings(1, s.now, nil)[0].Certainty }
		if c := certainty(); c != 500 {
			t.Error(c)
		}
		sent := s.now
		for _, m := range s.sent {
			if m.Arg%2 == 0 {
				s.deliver(sent.Add(ms), model.Message{From: m.To, Kind: echoMessage, Seq: m.Seq, Arg: m.Arg})
			}
		}
		s.wake()
		s.deliver(sent.Add(20*ms), model.Message{From: 1, Kind: echoMessage, Seq: last, Arg: 1})
		if c := certainty(); c != model.Certain {
			t.Error(c)
		}
	})
	t.Run("losses", func(t *testing.T) { // of both classes alike are no congestion
		s := newSession(t, "differential", given, 3)
		for i := range 10 {
			s.round(func(m model.Message) fate {
				switch {
				case m.Arg >= 2 || m.To != 1:
				case i%4 == 1:
					return bestEffortLost
				case i%4 == 3:
					return guaranteedLost
				}
				return bothBack
			}, false)
		}
		// Until the first loss has shown that it did not last, there are two jams in 10 rounds
		// against one loss; then two against two.
		if got := s.said(); got != "[suspect p1 of corruption]" {
			t.Error(got)
		}
	})
	t.Run("reset", func(t *testing.T) {
		s := newSession(t, "differential", given, 4)
		s.step(at(ms), model.Input{Kind: model.Inform, Evidence: &model.Evidence{Kind: model.Reset, From: 1, About: 1}})
		for range 4 {
			s.round(func(m model.Message) fate {
				if m.To == 1 {
					return bothLost
				}
				return bothBack
			}, false)
		}
		s.round(all(bothBack), false)
		if got := s.said(); got != "[suspect p1 of process-crash trust p1 of process-crash]" {
			t.Error(got)
		}
	})
	t.Run("old silence", func(t *testing.T) { // a second crash, later, is one alone again
		s := newSession(t, "differential", given, 4)
		for i := range 12 {
			s.round(func(m model.Message) fate {
				if m.To == 1 || m.To == 2 && i > 5 {
					return bothLost
				}
				return bothBack
			}, false)
		}
		if got := s.said(); got != "[suspect p1 of host-crash suspect p2 of host-crash]" {
			t.Error(got)
		}
	})
	lostTo := func(peers ...model.ProcessID) func(model.Message) fate {
		return func(m model.Message) fate {
			if slices.Contains(peers, m.To) {
				return bothLost
			}
			return bothBack
		}
	}
	t.Run("not together", func(t *testing.T) { // two rounds apart
		s := newSession(t, "differential", map[string]string{"eta": "100ms", "stagger": "false", "paths": "2", "misses": "3"}, 4)
		for i := range 8 {
			if peers := []model.ProcessID{1, 2}; i < 2 {
				s.round(lostTo(peers[:1]...), false)
			} else {
				s.round(lostTo(peers...), false)
			}
		}
		if got := s.said(); got != "[suspect p1 of host-crash suspect p2 of host-crash]" {
			t.Error(got)
		}
	})
	t.Run("late after a pause of its own", func(t *testing.T) { // of whom it had not heard before
		s := newSession(t, "differential", given, 4)
		s.round(lostTo(1), false)
		probes := s.probes
		s.step(s.now.Add(50*ms), model.Input{Kind: model.Wake})
		s.deliver(s.now, model.Message{From: 1, Kind: echoMessage, Seq: probes[0].Seq})
		if got := s.said(); got != "[]" {
			t.Error(got)
		}
	})
	t.Run("relays that fell silent", func(t *testing.T) { // are no witnesses
		s := newSession(t, "differential", given, 4)
		s.round(lostTo(1), false)
		for _, m := range s.probes {
			if m.To != 1 {
				s.deliver(s.opened.Add(ms), model.Message{From: m.To, Kind: echoMessage, Seq: m.Seq, Arg: m.Arg})
			}
		}
		for now := s.opened; s.opened == now; {
			s.wake()
		}
		if got := s.said(); got != "[]" {
			t.Error(got)
		}
		s.round(lostTo(1), false)
		if got := s.said(); got != "[suspect p1 of host-crash]" {
			t.Error(got)
		}
	})
}
