package detectors_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"suspect/detectors"
	"suspect/model"
)

// misfortune is something that happens to a process, or ends.
type misfortune struct {
	at   model.Time
	who  model.ProcessID
	what int
}

var misfortunes = []struct {
	name   string
	happen func(t *testing.T, a *agents, p model.ProcessID, name string)
}{
	{"the process crashes", func(t *testing.T, a *agents, p model.ProcessID, _ string) { a.crash(p, false) }},
	{"the system crashes", func(t *testing.T, a *agents, p model.ProcessID, _ string) { a.crash(p, true) }},
	{"the application is stuck", func(t *testing.T, a *agents, p model.ProcessID, _ string) { a.machines[p].stuck = true }},
	{"it is not any more", func(t *testing.T, a *agents, p model.ProcessID, _ string) { a.machines[p].stuck = false }},
	{"its link is cut", func(t *testing.T, a *agents, p model.ProcessID, _ string) { a.machines[p].dark = true }},
	{"and mended", func(t *testing.T, a *agents, p model.ProcessID, _ string) { a.machines[p].dark = false }},
	{"it starts anew", func(t *testing.T, a *agents, p model.ProcessID, name string) {
		if !a.runs(p) {
			a.recover(p, a.w.build(t, int(p), len(a.machines), name, nil))
		}
	}},
}

// forAllMisfortunes plays random misfortunes to four processes, with messages lost now and
// then and delays of up to 3 ms, and looks at the world after every 5 ms.
func forAllMisfortunes(t *testing.T, name string, look func(w *world, a *agents) error) {
	t.Helper()
	parameters := gopter.DefaultTestParametersWithSeed(20111023)
	parameters.MinSuccessfulTests = 60
	properties := gopter.NewProperties(parameters)
	properties.Property(name, prop.ForAll(
		func(seed, losses int, drawn []int) (bool, error) {
			w := newWorld(t, 4, name, nil)
			a := withAgents(w)
			dice := splitMix(seed)
			path := w.path
			w.path = func(now model.Time, m *model.Message) (model.Duration, bool) {
				_, arrives := path(now, m)
				return model.Duration(1 + dice.IntN(int(3*ms))), arrives && dice.IntN(100) >= losses
			}
			w.start()
			for step := range 400 {
				if step%20 == 10 && step/20 < len(drawn) {
					d := drawn[step/20]
					misfortunes[d%7].happen(t, a, model.ProcessID(d/7%4), name)
				}
				w.until(at(model.Duration(step+1) * 20 * ms))
				if err := look(w, a); err != nil {
					return false, fmt.Errorf("at %v: %w", w.now, err)
				}
			}
			return true, nil
		},
		gen.IntRange(0, 1<<30), gen.IntRange(0, 5), gen.SliceOfN(8, gen.IntRange(0, 27))))
	properties.TestingRun(t)
}

// verdicts calls a function with each verdict since the last call, and tells whether its peer
// has been as it is for at least a look.
type verdicts struct {
	seen   [4]int
	starts [4]int64
}

func (v *verdicts) each(w *world, a *agents, judge func(p model.ProcessID, c change) error) error {
	for p := range w.changes {
		for _, c := range w.changes[p][v.seen[p]:] {
			if a.machines[c.Peer].starts != v.starts[c.Peer] {
				continue // it has just started anew
			}
			if err := judge(model.ProcessID(p), c); err != nil {
				return err
			}
		}
		v.seen[p] = len(w.changes[p])
	}
	for p := range v.starts {
		v.starts[p] = a.machines[p].starts
	}
	return nil
}

// Falcon never says that a peer is down while it is up: when it begins to suspect one of a
// crash, that one does not run, or nothing passes its port.
func TestFalconIsNeverWrong(t *testing.T) {
	t.Parallel()
	suspected, killed := 0, 0
	var v verdicts
	forAllMisfortunes(t, "falcon", func(w *world, a *agents) error {
		if w.now == at(20*ms) {
			v = verdicts{}
		}
		if w.now == at(8*second) {
			killed += len(a.kills)
		}
		return v.each(w, a, func(p model.ProcessID, c change) error {
			if !c.Suspected {
				return nil
			}
			suspected++
			if !a.down(c.Peer) {
				return fmt.Errorf("%d says %v, which is up", p, c.Verdict)
			}
			return nil
		})
	})
	if suspected < 300 || killed < 60 {
		t.Errorf("only %d suspicions and %d kills", suspected, killed)
	}
}

// Falcon without leave to kill kills nobody, and tells of the stuck.
func TestFalconThatMayNotKill(t *testing.T) {
	w := newWorld(t, 3, "falcon", map[string]string{"lethal": "false"})
	a := withAgents(w)
	w.start()
	w.until(at(second))
	a.machines[1].stuck = true
	a.machines[2].dark = true
	w.until(at(3 * second))
	for q, want := range map[model.ProcessID]model.FailureKind{1: model.Wedge, 2: model.HostCrash} {
		if held := w.held(0, q); len(held) != 1 || held[0] != want {
			t.Errorf("of %d: %v, want %v", q, held, want)
		}
	}
	status := w.automata[0].(interface {
		Status(model.ProcessID) detectors.FalconStatus
	}).Status
	if got := status(1); got != detectors.FalconWouldKill {
		t.Errorf("status %v", got)
	}
	a.machines[1].stuck, a.machines[2].dark = false, false
	w.until(at(8 * second))
	for q := range model.ProcessID(2) {
		if held := w.held(0, q+1); len(held) > 0 || status(q+1) == detectors.FalconWouldKill {
			t.Errorf("in the end, of %d: %v, %v", q+1, held, status(q+1))
		}
	}
	if len(a.kills) > 0 {
		t.Errorf("killed: %v", a.kills)
	}
}

// The smallest layer that is at fault is killed, once, within the times that follow from the
// constants: a stuck application after the probe that it did not answer and its response
// (0.1 s + 0.5 s, and a round trip); a machine that is dark after two probes. A process that
// stopped by itself is not killed.
func TestFalconKillsTheSmallest(t *testing.T) {
	for _, c := range []struct {
		name   string
		happen func(a *agents)
		within model.Duration
		killed string
	}{
		{"crash of the process", func(a *agents) { a.crash(1, false) }, 2 * ms, ""},
		{"crash of the system", func(a *agents) { a.crash(1, true) }, 5 * ms, ""},
		{"stuck application", func(a *agents) { a.machines[1].stuck = true }, 605 * ms, "the system of 1"},
		{"dark machine", func(a *agents) { a.machines[1].dark = true }, 205 * ms, "the switch of 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 2, "falcon", nil)
			a := withAgents(w)
			w.start()
			w.until(at(second))
			c.happen(a)
			w.until(at(2 * second))
			if since := w.suspectedAt(0, 1); since == model.Never || since.Sub(at(second)) > c.within {
				t.Errorf("suspected at %v", since)
			}
			var killed string
			for _, m := range a.kills {
				killed += fmt.Sprintf("the %v of %d", m.Layer, m.To)
			}
			if killed != c.killed {
				t.Errorf("killed by %q, want %q", killed, c.killed)
			}
		})
	}
}

// While the network is cut Falcon says nothing, for as long as the end-to-end time; then it
// suspects, of nothing in particular; and after the cut it says what it was.
func TestFalconBlocks(t *testing.T) {
	w := newWorld(t, 2, "falcon", map[string]string{"end-to-end": "60s"})
	a := withAgents(w)
	path, cut := w.path, false
	w.path = func(now model.Time, m *model.Message) (model.Duration, bool) {
		delay, arrives := path(now, m)
		return delay, arrives && !cut
	}
	w.start()
	w.until(at(second))
	cut = true // everybody from everybody, and from the switch
	a.crash(1, false)
	w.until(at(60 * second))
	if len(w.changes[0]) > 0 {
		t.Errorf("it says %v", w.changes[0])
	}
	w.until(at(62 * second))
	if held := w.held(0, 1); len(held) != 1 || held[0] != model.Unspecified {
		t.Errorf("in the end: %v", held)
	}
	cut = false
	w.until(at(75 * second))
	if held := w.held(0, 1); len(held) != 1 || held[0] != model.ProcessCrash {
		t.Errorf("after the cut: %v", held)
	}
}

// Whom a process that is not excluded itself holds for disconnected by Albatross, nothing
// comes from: the switch drops it. That is so at every moment, from before the verdict until
// after it is taken back.
func TestAlbatrossIsMadeTrue(t *testing.T) {
	t.Parallel()
	looks := 0
	forAllMisfortunes(t, "albatross", func(w *world, a *agents) error {
		for p := range model.ProcessID(4) {
			for q := range model.ProcessID(4) {
				if !a.cut(p) && a.runs(p) && slices.Contains(w.held(p, q), model.Partition) {
					looks++
					if !a.machines[q].isolated {
						return fmt.Errorf("%d holds %d for disconnected, which it is not", p, q)
					}
				}
			}
		}
		return nil
	})
	if looks < 1000 {
		t.Errorf("only %d looks at an exclusion", looks)
	}
}

// Those that Albatross disconnects are told of, by the manager and its clients alike, and
// come back when their link is mended.
func TestAlbatrossRejoins(t *testing.T) {
	w := newWorld(t, 4, "albatross", map[string]string{"rejoin": "2s"})
	a := withAgents(w)
	w.start()
	w.until(at(second))
	a.machines[3].dark = true
	w.until(at(4 * second))
	for p := range model.ProcessID(3) {
		if held := w.held(p, 3); len(held) != 1 || held[0] != model.Partition {
			t.Errorf("%d holds %v of 3", p, held)
		}
	}
	if held := w.held(3, 0); len(held) > 0 {
		t.Errorf("the excluded one holds %v of the manager", held)
	}
	a.machines[3].dark = false
	w.until(at(40 * second))
	for p := range model.ProcessID(4) {
		for q := range model.ProcessID(4) {
			if held := w.held(p, q); len(held) > 0 {
				t.Errorf("in the end %d holds %v of %d", p, held, q)
			}
		}
	}
	if a.machines[3].isolated {
		t.Error("and the rule is still there")
	}
}

// What the word of the layer below makes certain, Pigeon says at once; a wedge, which no
// sensor sees, becomes an unreachability without certainty, which ends by itself.
func TestPigeonSensors(t *testing.T) {
	w := newWorld(t, 4, "pigeon", nil)
	a := withAgents(w)
	w.start()
	w.until(at(second))
	a.crash(1, false)
	a.crash(2, true)
	a.machines[3].stuck = true
	w.until(at(1010 * ms))
	for q, want := range map[model.ProcessID]model.FailureKind{1: model.ProcessCrash, 2: model.HostCrash} {
		f := w.automata[0].(detectors.Typed).Findings(q, w.now, nil)
		if len(f) != 1 || f[0].Kind != want || f[0].Certainty != model.Certain || f[0].Lasts != model.Forever {
			t.Errorf("of %d: %+v", q, f)
		}
	}
	w.until(at(15 * second))
	f := w.automata[0].(detectors.Typed).Findings(3, w.now, nil)
	if len(f) != 1 || f[0].Kind != model.Partition || f[0].Certainty == model.Certain {
		t.Errorf("of the wedged: %+v", f)
	}
	a.machines[3].stuck = false
	w.until(at(17 * second))
	if held := w.held(0, 3); len(held) > 0 {
		t.Errorf("in the end: %v", held)
	}
}

// A client of Albatross that starts anew has forgotten who is excluded, and is told again.
func TestAlbatrossTellsTheForgetful(t *testing.T) {
	w := newWorld(t, 4, "albatross", map[string]string{"rejoin": "60s"})
	a := withAgents(w)
	w.start()
	w.until(at(second))
	a.machines[3].dark = true
	w.until(at(2 * second))
	a.crash(2, false)
	w.until(at(3 * second))
	w.changes[2] = nil
	a.recover(2, w.build(t, 2, 4, "albatross", map[string]string{"rejoin": "60s"}))
	w.until(at(4 * second))
	for p := range model.ProcessID(3) {
		if held := w.held(p, 3); len(held) != 1 || held[0] != model.Partition {
			t.Errorf("%d holds %v of the excluded one", p, held)
		}
	}
}

// Who comes back does not wait for the word of a client that has stopped or is excluded
// meanwhile: after the pardon nobody suspects him, and so the switch lets him through.
func TestAlbatrossWaitsForNobodyGone(t *testing.T) {
	for name, happen := range map[string]func(a *agents){
		"its link is cut":     func(a *agents) { a.machines[2].dark = true },
		"its process crashes": func(a *agents) { a.machines[2].ofSystem = nil; a.crash(2, false) }, // without a word
	} {
		w := newWorld(t, 4, "albatross", map[string]string{"rejoin": "2s"})
		a := withAgents(w)
		w.start()
		w.until(at(second))
		a.machines[3].dark = true
		w.until(at(2 * second))
		a.machines[3].dark = false
		w.until(w.suspectedAt(0, 3).Add(2*second - 60*ms))
		happen(a)
		w.until(at(8 * second))
		if held := w.held(0, 2); len(held) != 1 {
			t.Errorf("%s: of that client the manager holds %v", name, held)
		}
		if held := append(w.held(0, 3), w.held(1, 3)...); len(held) > 0 || a.machines[3].isolated {
			t.Errorf("%s: of who came back others hold %v, and that the switch drops is %v", name, held, a.machines[3].isolated)
		}
	}
}

// Nobody is let in before a client that is only condemned has said that it knows: it may be
// released, and would hold for disconnected one who speaks to it. Here its switch is deaf to
// orders about it, and it is silent for a while, across the pardon of another.
func TestAlbatrossWaitsForTheCondemned(t *testing.T) {
	w := newWorld(t, 4, "albatross", map[string]string{"rejoin": "2s", "retries": "100"})
	a := withAgents(w)
	path, cut := w.path, false
	w.path = func(now model.Time, m *model.Message) (model.Duration, bool) {
		delay, arrives := path(now, m)
		deaf := cut && (m.To == 2 && m.From == 0 || m.From == 2 && m.To == 0 || m.Layer == model.SwitchLayer && m.Arg == 2)
		return delay, arrives && !deaf
	}
	w.start()
	w.until(at(second))
	a.machines[3].dark = true
	w.until(at(2 * second))
	a.machines[3].dark = false
	excluded := w.suspectedAt(0, 3)
	w.until(excluded.Add(second))
	cut = true
	w.until(excluded.Add(4 * second))
	if held := w.held(2, 3); len(held) != 1 || !a.machines[3].isolated || a.machines[2].isolated {
		t.Errorf("the condemned holds %v of one who is isolated: %v", held, a.machines[3].isolated)
	}
	cut = false
	w.until(excluded.Add(8 * second))
	if held := w.held(1, 3); len(held) > 0 || a.machines[3].isolated {
		t.Errorf("in the end he is still isolated, or held for %v", held)
	}
}

// A machine that shows signs of life to its switch while nothing on it answers settles
// nothing: Falcon does not know, and after the end-to-end time it kills from the process down
// until something is confirmed, which is the port.
func TestFalconOfADeafMachine(t *testing.T) {
	w := newWorld(t, 2, "falcon", map[string]string{"end-to-end": "10s"})
	a := withAgents(w)
	path, deaf := w.path, false
	w.path = func(now model.Time, m *model.Message) (model.Duration, bool) {
		delay, arrives := path(now, m)
		return delay, arrives && !(deaf && (m.To == 1 || m.From == 1))
	}
	status := w.automata[0].(interface {
		Status(model.ProcessID) detectors.FalconStatus
	}).Status
	w.start()
	w.until(at(second))
	deaf = true
	w.until(at(10 * second))
	if got := status(1); got != detectors.FalconUnknown || len(w.changes[0]) > 0 {
		t.Errorf("before the end-to-end time: %v, %v", got, w.changes[0])
	}
	w.until(at(30 * second))
	if held := w.held(0, 1); len(held) != 1 || held[0] != model.HostCrash || !a.machines[1].disabled || status(1) != detectors.FalconDownKilled {
		t.Errorf("in the end: %v, %v, and that the port is disabled is %v", held, status(1), a.machines[1].disabled)
	}
}

// fabric is the manager of Albatross, process 0, on four hosts at two leaves, 4 and 5, that two
// spines join, 6 and 7. Everybody answers at once but the deaf, and the hosts that are cut.
type fabric struct {
	automaton model.Automaton
	now       model.Time
	deaf, cut []model.ProcessID
	isolated  map[model.ProcessID][]model.ProcessID // by host: the switches that drop, in order
	excluded  map[model.ProcessID]model.Time
}

func newFabric(t *testing.T) *fabric {
	env := detectors.Env{N: 4, Watch: []model.ProcessID{1, 2, 3}, Watchers: []model.ProcessID{1, 2, 3},
		Map: &model.Graph{Nodes: 8, Hosts: 4, Links: [][2]model.ProcessID{{0, 4}, {1, 4}, {2, 5}, {3, 5}, {4, 6}, {4, 7}, {5, 6}, {5, 7}}}}
	a, err := build(t, "albatross", nil)(env)
	if err != nil {
		t.Fatal(err)
	}
	return &fabric{automaton: a, isolated: map[model.ProcessID][]model.ProcessID{}, excluded: map[model.ProcessID]model.Time{}}
}

// until steps the manager, and what it sends is answered at once, up to end.
func (f *fabric) until(end model.Time) {
	for f.now <= end {
		wake := f.step(model.Input{Kind: model.Wake})
		if wake > end {
			break
		}
		f.now = max(f.now+1, wake)
	}
	f.now = end
}

func (f *fabric) step(in model.Input) model.Time {
	var out model.Output
	out.Reset()
	f.automaton.Step(f.now, &in, &out)
	for _, v := range out.Verdicts {
		if delete(f.excluded, v.Peer); v.Suspected {
			f.excluded[v.Peer] = f.now
		}
	}
	wake := out.Wake
	for _, m := range out.Send {
		host := model.ProcessID(m.Arg)
		e := &model.Evidence{From: m.To, Seq: m.Seq}
		switch r := model.Request(m.Kind); {
		case slices.Contains(f.deaf, m.To) || slices.Contains(f.cut, m.To) || len(f.isolated[m.To]) > 0:
			continue
		case m.Layer == model.ProcessLayer: // a client knows: of nobody, that the manager began
			known := model.Message{From: m.To, Kind: detectors.HeartbeatKind + 5, Arg: m.Arg, Seq: m.Seq}
			wake = f.step(model.Input{Kind: model.Deliver, Message: known})
			continue
		case m.Layer == model.SwitchLayer && (r == model.Isolate || r == model.Admit):
			f.isolated[host] = slices.DeleteFunc(f.isolated[host], func(s model.ProcessID) bool { return s == m.To })
			if r == model.Isolate {
				f.isolated[host] = append(f.isolated[host], m.To)
			}
			e.Kind, e.About, e.Layer, e.Alive, e.Killed = model.PortState, host, model.SwitchLayer, r == model.Admit, r == model.Isolate
		case m.Layer == model.SystemLayer && r == model.Probe:
			e.Kind, e.About, e.Layer, e.Alive, e.Incarnation = model.Liveness, m.To, model.ApplicationLayer, true, 1
		default:
			continue
		}
		wake = f.step(model.Input{Kind: model.Inform, Evidence: e})
	}
	return wake
}

// Around a switch that does not obey, Albatross closes a ring of those that do, and only then
// excludes whom it encloses; and if its own switch does not, it excludes nobody. A switch is
// told four times, 100 ms apart, and given 100 ms each; a silent host is condemned after 500 ms.
func TestAlbatrossRing(t *testing.T) {
	for _, c := range []struct {
		name      string
		deaf, cut []model.ProcessID
		excluded  []model.ProcessID
		rings     map[model.ProcessID][]model.ProcessID
		after     model.Duration
	}{
		{"its switch obeys", nil, []model.ProcessID{2}, []model.ProcessID{2}, map[model.ProcessID][]model.ProcessID{2: {5}}, 500 * ms},
		{"it does not, and takes its other host along", []model.ProcessID{5}, []model.ProcessID{2}, []model.ProcessID{2, 3},
			map[model.ProcessID][]model.ProcessID{2: {6, 7}, 3: {6, 7}}, 900 * ms},
		{"nor does a spine", []model.ProcessID{5, 7}, []model.ProcessID{2, 3}, []model.ProcessID{2, 3},
			map[model.ProcessID][]model.ProcessID{2: {4, 6}, 3: {4, 6}}, 1300 * ms},
		{"nobody does", []model.ProcessID{4, 5, 6, 7}, []model.ProcessID{1, 2, 3}, nil, nil, 0},
		{"the manager's own does not", []model.ProcessID{4}, []model.ProcessID{1}, nil, nil, 0},
	} {
		f := newFabric(t)
		f.until(at(second))
		f.deaf, f.cut = c.deaf, c.cut
		since := f.now // the last answers
		f.until(since.Add(c.after - 1))
		if len(f.excluded) > 0 && c.after > 0 {
			t.Errorf("%s: before the ring is closed %v are excluded", c.name, f.excluded)
		}
		f.until(since.Add(3 * second))
		for _, p := range []model.ProcessID{1, 2, 3} {
			_, is := f.excluded[p]
			if is != slices.Contains(c.excluded, p) {
				t.Errorf("%s: that %d is excluded is %v", c.name, p, is)
			}
			ring := slices.Sorted(slices.Values(f.isolated[p]))
			if is && !slices.Equal(ring, c.rings[p]) {
				t.Errorf("%s: %d is dropped by %v, want %v", c.name, p, ring, c.rings[p])
			}
		}
		if len(c.excluded) > 0 && f.excluded[2] != since.Add(c.after) {
			t.Errorf("%s: excluded at %v, want %v", c.name, f.excluded[2], since.Add(c.after))
		}
		// The ring opens again when the cut is gone, and nobody is left behind a rule.
		f.deaf, f.cut = nil, nil
		f.until(since.Add(40 * second))
		for _, p := range []model.ProcessID{1, 2, 3} {
			if _, is := f.excluded[p]; is || len(f.isolated[p]) > 0 {
				t.Errorf("%s: in the end %d is dropped by %v, and that it is excluded is %v", c.name, p, f.isolated[p], is)
			}
		}
	}
}

// Each readmission that is in vain doubles the time to the next.
func TestAlbatrossDoublesRejoin(t *testing.T) {
	w := newWorld(t, 3, "albatross", map[string]string{"rejoin": "2s"})
	a := withAgents(w)
	w.start()
	w.until(at(second))
	a.machines[2].stuck = true
	w.until(at(40 * second))
	var gaps []model.Duration
	since := model.Time(0)
	for _, c := range w.changes[0] {
		if c.Suspected {
			since = c.at
		} else {
			gaps = append(gaps, c.at.Sub(since))
		}
	}
	if want := []model.Duration{2 * second, 4 * second, 8 * second, 16 * second}; !slices.Equal(gaps, want) {
		t.Errorf("readmitted after %v, want %v", gaps, want)
	}
}
