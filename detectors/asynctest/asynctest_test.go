package asynctest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"suspect/detectors"
	"suspect/detectors/asynctest"
	"suspect/model"
)

// flood sends one message to everybody at its start, and announces what arrives.
type flood struct {
	env     detectors.Env
	started bool
}

func (d *flood) Step(_ model.Time, in *model.Input, out *model.Output) {
	if !d.started {
		d.started = true
		out.Announcements = append(out.Announcements, model.Announcement{Kind: model.Broadcast, Peer: d.env.Self})
		for _, q := range d.env.Watch {
			out.Send = append(out.Send, model.Message{From: d.env.Self, To: q})
		}
		out.Announcements = append(out.Announcements, model.Announcement{Kind: model.Handed, Peer: d.env.Self})
	}
	if in.Kind == model.Deliver {
		out.Announcements = append(out.Announcements, model.Announcement{Kind: model.Handed, Peer: in.Message.From})
	}
}

func (d *flood) Clone() model.Automaton                    { c := *d; return &c }
func (d *flood) AppendState(b []byte, _ model.Time) []byte { return detectors.AppendBool(b, d.started) }
func (d *flood) LoadState(b []byte, _ model.Time) ([]byte, error) {
	r := detectors.NewReader(b)
	d.started = r.Bool()
	return r.Rest()
}

func newFlood(env detectors.Env) (model.Automaton, error) { return &flood{env: env}, nil }

// Three processes tell each other something, and the last crashes right after. Best-effort
// broadcast, which does not relay, is not reliable on links that lose the mail of the crashed:
// how many of a hundred runs show that?
func Example() {
	broken, example := 0, ""
	for seed := range uint64(100) {
		s := asynctest.Random(seed, 3, 0, 1)
		s.Crashes.CrashedAt[2] = 12
		s.Links = asynctest.QuasiReliable
		run, err := s.Run(newFlood)
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := run.Broadcast(false); err != nil {
			broken++
			example = err.Error()
		}
	}
	fmt.Println(broken > 10 && broken < 90)
	fmt.Println(example)
	// Output:
	// true
	// seed 97, quasi-reliable links, crashes at [never never 12ps]: agreement: {2 0 0} is delivered by {p0 p2}, and the correct are {p0 p1}
}

// What links promise they keep: of the correct everything arrives, once, and of the crashed as
// much as may.
func TestLinks(t *testing.T) {
	t.Parallel()
	for links := asynctest.Reliable; links <= asynctest.FairLossy; links++ {
		var lost, twice, cut int
		for seed := range uint64(500) {
			s := asynctest.Random(seed, 4, 1, 60)
			s.Links = links
			run, err := s.Run(newFlood)
			if err != nil {
				t.Fatal(err)
			}
			from := map[[2]model.ProcessID]int{}
			whole := map[model.ProcessID]bool{}
			for _, r := range run.Records {
				if r.Kind == model.Announced && r.Announcement == model.Handed {
					from[[2]model.ProcessID{r.Peer, r.Process}]++
					whole[r.Peer] = whole[r.Peer] || r.Peer == r.Process
				}
			}
			for p := range model.ProcessID(4) {
				for q := range model.ProcessID(4) {
					if !s.Crashes.Correct(q) {
						continue
					}
					switch k := from[[2]model.ProcessID{p, q}]; {
					case k == 0 && (s.Crashes.Correct(p) || links == asynctest.Reliable && whole[p]):
						lost++
					case k == 0 && whole[p]:
						cut++
					case k > 1:
						twice++
					}
				}
			}
		}
		if lossy := links == asynctest.FairLossy; lossy != (lost > 0) || lossy != (twice > 0) || (links == asynctest.QuasiReliable) != (cut > 0) && !lossy {
			t.Errorf("%v links: %d lost, %d twice, %d of the crashed cut", links, lost, twice, cut)
		}
	}
}

// told is an automaton that announces a list at its start.
type told struct{ lines []model.Announcement }

func (d *told) Step(_ model.Time, in *model.Input, out *model.Output) {
	if in.Kind == model.Start {
		out.Announcements = append(out.Announcements, d.lines...)
	}
}
func (d *told) Clone() model.Automaton                           { return d }
func (d *told) AppendState(b []byte, _ model.Time) []byte        { return b }
func (d *told) LoadState(b []byte, _ model.Time) ([]byte, error) { return b, nil }

// The checks see what is wrong, each by a smallest example.
func TestChecksCanFail(t *testing.T) {
	t.Parallel()
	said := func(kind model.AnnouncementKind, peer model.ProcessID, seq, value int64) model.Announcement {
		return model.Announcement{Kind: kind, Peer: peer, Seq: seq, Value: value}
	}
	p, d, b, h, q, e := model.Proposed, model.Decided, model.Broadcast, model.Handed, model.Quorum, model.Elected
	consensus := func(r *asynctest.Run) error { return r.Consensus() }
	uniform := func(r *asynctest.Run) error { return r.Broadcast(true) }
	order := func(r *asynctest.Run) error { return r.Order() }
	quorums := func(r *asynctest.Run) error { return r.Quorums(50) }
	leads := func(r *asynctest.Run) error { return r.Leads(50) }
	type lines = []model.Announcement
	for _, c := range []struct {
		want  string
		check func(r *asynctest.Run) error
		said  [2]lines
	}{
		{"", consensus, [2]lines{{said(p, 0, 0, 1), said(d, 0, 0, 1)}, {said(p, 0, 0, 2), said(d, 0, 0, 1)}}},
		{"agreement", consensus, [2]lines{{said(p, 0, 0, 1), said(d, 0, 0, 1)}, {said(p, 0, 0, 2), said(d, 0, 0, 2)}}},
		{"validity", consensus, [2]lines{{said(p, 0, 0, 1), said(d, 0, 0, 3)}, {}}},
		{"integrity", consensus, [2]lines{{said(p, 0, 0, 1), said(d, 0, 0, 1), said(d, 0, 0, 1)}, {}}},
		{"", uniform, [2]lines{{said(b, 0, 0, 1), said(h, 0, 0, 1)}, {said(h, 0, 0, 1)}}},
		{"validity", uniform, [2]lines{{said(b, 0, 0, 1)}, {}}},
		{"agreement", uniform, [2]lines{{said(b, 0, 0, 1), said(h, 0, 0, 1)}, {}}},
		{"integrity", uniform, [2]lines{{said(h, 0, 0, 1)}, {}}},
		{"twice", uniform, [2]lines{{said(b, 0, 0, 1), said(h, 0, 0, 1), said(h, 0, 0, 1)}, {}}},
		{"", order, [2]lines{{said(h, 0, 0, 1), said(h, 1, 0, 2)}, {said(h, 0, 0, 1)}}},
		{"order", order, [2]lines{{said(h, 0, 0, 1), said(h, 1, 0, 2)}, {said(h, 1, 0, 2)}}},
		{"", quorums, [2]lines{{said(q, 0, 0, 3)}, {said(q, 0, 0, 2)}}},
		{"do not intersect", quorums, [2]lines{{said(q, 0, 0, 1)}, {said(q, 0, 0, 2)}}},
		{"empty", quorums, [2]lines{{said(q, 0, 0, 0)}, {}}},
		{"the quorum of p1 is", quorums, [2]lines{{said(q, 0, 0, 3)}, {said(q, 0, 0, 7)}}},
		{"", leads, [2]lines{{said(e, 1, 0, 0)}, {said(e, 0, 0, 0), said(e, 1, 0, 0)}}},
		{"leaders", leads, [2]lines{{said(e, 1, 0, 0)}, {said(e, 0, 0, 0)}}},
		{"leaders", leads, [2]lines{{said(e, 2, 0, 0)}, {said(e, 2, 0, 0)}}},
	} {
		s := asynctest.Random(1, 3, 0, 1)
		s.Until = 100
		s.Crashes.CrashedAt[2] = 0
		run, err := s.Run(func(env detectors.Env) (model.Automaton, error) {
			if env.Self == 2 {
				return &told{}, nil
			}
			return &told{c.said[env.Self]}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.check(run); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want %q", c.said, err, c.want)
		}
	}
}

// The domains of the accuracies, by histories of three processes of which the last crashes at
// 50, judged from 20 on: perpetual accuracy binds and protects whoever is still up, eventual
// accuracy binds and protects the correct.
func TestDomains(t *testing.T) {
	t.Parallel()
	type span struct{ by, of, from, to model.Time }
	sa, wa, esa, ewa := model.StrongAccuracy, model.WeakAccuracy, model.EventualStrongAccuracy, model.EventualWeakAccuracy
	for _, c := range []struct {
		name   string
		spans  []span
		broken []model.Accuracy
	}{
		{"nothing", nil, nil},
		{"the crashed", []span{{0, 2, 50, 90}, {1, 2, 60, 90}}, nil},
		{"the crashed, too early", []span{{0, 2, 49, 90}}, []model.Accuracy{sa}},
		{"early", []span{{0, 1, 5, 20}}, []model.Accuracy{sa}},
		{"late", []span{{0, 1, 5, 21}}, []model.Accuracy{sa, esa}},
		{"by the faulty", []span{{2, 0, 5, 50}, {2, 1, 5, 50}}, []model.Accuracy{sa, wa}},
		{"of all, early", []span{{0, 1, 5, 9}, {1, 0, 11, 15}}, []model.Accuracy{sa, wa}},
		{"of all, late", []span{{0, 1, 5, 9}, {0, 1, 70, 75}, {1, 0, 80, 90}}, []model.Accuracy{sa, wa, esa, ewa}},
	} {
		run := &asynctest.Run{System: asynctest.Random(1, 3, 0, 1), Ended: 100}
		run.System.Crashes.CrashedAt[2] = 50
		for p := range model.ProcessID(3) {
			run.Records = append(run.Records, model.Record{Kind: model.Started, Process: p})
		}
		run.Records = append(run.Records, model.Record{Kind: model.Crashed, Process: 2, At: 50})
		for _, s := range c.spans {
			run.Records = append(run.Records,
				model.Record{Kind: model.Suspected, Process: model.ProcessID(s.by), Peer: model.ProcessID(s.of), At: s.from},
				model.Record{Kind: model.Trusted, Process: model.ProcessID(s.by), Peer: model.ProcessID(s.of), At: s.to})
		}
		slices.SortStableFunc(run.Records, func(a, b model.Record) int { return int(a.At - b.At) })
		for _, a := range []model.Accuracy{sa, wa, esa, ewa} {
			if err := run.Accurate(a, 20); (err != nil) != slices.Contains(c.broken, a) {
				t.Errorf("%s: %v: %v", c.name, a, err)
			}
		}
		strong, weak := run.Complete(model.StrongCompleteness, 60), run.Complete(model.WeakCompleteness, 50)
		if strong == nil || weak == nil {
			t.Errorf("%s: the crashed is suspected until 90 at most, and yet: %v, %v", c.name, strong, weak)
		}
	}
	run := &asynctest.Run{System: asynctest.Random(1, 3, 0, 1), Ended: 100, Records: []model.Record{{Kind: model.Suspected, Process: 1, Peer: 2, At: 55}}}
	run.System.Crashes.CrashedAt[2] = 50
	if strong, weak := run.Complete(model.StrongCompleteness, 60), run.Complete(model.WeakCompleteness, 60); strong == nil || weak != nil {
		t.Errorf("one correct process suspects the crashed: %v, %v", strong, weak)
	}
	// What stands when nothing is left to happen stands for ever.
	run.Idle = true
	run.Records = []model.Record{{Kind: model.Started, Process: 0}, {Kind: model.Started, Process: 1}, {Kind: model.Suspected, Process: 1, Peer: 0, At: 55}}
	if accurate, complete := run.Accurate(model.EventualStrongAccuracy, 200), run.Complete(model.WeakCompleteness, 200); accurate == nil || complete == nil {
		t.Errorf("after the end of an idle run: %v, %v", accurate, complete)
	}
	// Of what comes after a run was cut off nothing is known.
	run.Idle = false
	for _, err := range []error{run.Accurate(model.EventualStrongAccuracy, 200), run.Complete(model.WeakCompleteness, 200), run.Leads(200), run.Quorums(200)} {
		if err == nil || !strings.Contains(err.Error(), "cut off") {
			t.Errorf("after the end of a run that was cut off: %v", err)
		}
	}
}

// A run is a function of its system, and ends when it is told to.
func TestRuns(t *testing.T) {
	t.Parallel()
	text := func() string {
		s := asynctest.Random(9, 4, 2, 50)
		s.Links = asynctest.QuasiReliable
		run, err := s.Run(newFlood)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(run.Records, run.Steps, run.Sent, run.Ended, run.Idle)
	}
	if a, b := text(), text(); a != b {
		t.Errorf("once %s\nthen %s", a, b)
	}
	s := asynctest.Random(1, 3, 0, 1)
	s.Done = func(r *asynctest.Run) bool { return len(r.Records) > 3 }
	if run, err := s.Run(newFlood); err != nil || run.Idle || len(run.Records) < 4 {
		t.Errorf("%+v, %v", run, err)
	}
	broken := errors.New("broken")
	if _, err := s.Run(func(detectors.Env) (model.Automaton, error) { return nil, broken }); err != broken {
		t.Errorf("got %v", err)
	}
}
