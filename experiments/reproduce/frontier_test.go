package reproduce

import (
	"bytes"
	"context"
	commas "encoding/csv"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"suspect/detectors"
	"suspect/experiments/report"
	"suspect/model"
)

// smallFrontier are parameters with which the experiment takes about a second.
var smallFrontier = map[string]string{
	"replications": "2", "periods": "40", "environments": "exponential", "detectors": "nfd-s, nfd-u timeout ping",
}

// A small frontier agrees with the closed form, whatever the number of workers; NFD-U does
// as NFD-S where clocks agree; and everything costs the same.
func TestFrontier(t *testing.T) {
	d := run(t, "frontier", 1, smallFrontier)
	agree(t, d)
	if n := d.count(Agrees); n != 23 {
		t.Errorf("%d checks, and not one of the rate and one of T_D for each of 11 deltas, and one of costs", n)
	}
	again := run(t, "frontier", 3, smallFrontier)
	if diff := cmp.Diff(string(report.JSON(d)), string(report.JSON(again))); diff != "" {
		t.Errorf("three workers find something else:\n%s", diff)
	}
	files := d.Files()
	rows, err := commas.NewReader(bytes.NewReader(files[len(files)-1].Data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string][][]string)
	for _, r := range rows[1:] {
		found[r[0]] = append(found[r[0]], r[2:11])
	}
	if diff := cmp.Diff(found["nfd-s"], found["nfd-u"]); diff != "" || len(found["nfd-s"]) != 11 || len(found["ping"]) != 6 {
		t.Errorf("%d settings of NFD-S, %d of ping; NFD-S and NFD-U:\n%s", len(found["nfd-s"]), len(found["ping"]), diff)
	}
	costs := make(map[string]bool)
	for _, row := range d.Tables[1].Rows {
		cost := *row[11].Value
		costs[row[0].Text] = true
		if want := 5 * 102 / 0.02; math.Abs(cost/want-1) > 0.06 { // five heartbeats of 64 B and 38 B of Ethernet in 20 ms
			t.Errorf("%s, %s: %.0f bytes per second, not %.0f", row[0].Text, row[1].Text, cost, want)
		}
	}
	if len(costs) != 4 {
		t.Errorf("costs of %v", costs)
	}
	if svg := d.Figures[0].SVG; !bytes.Contains(svg, []byte("closed form")) || !bytes.Contains(svg, []byte("nfd-s")) {
		t.Error("the figure lacks the closed form or NFD-S")
	}
}

// NFD-S that is wrong by a little does not agree with the closed form of what it should be.
func TestWrongClosedForm(t *testing.T) {
	p := frontierOfSmall(t)
	s := p.environments[0]
	for _, x := range s.points {
		x.measure()
	}
	d := new(Document)
	if err := checkClosedForm(s, d, p); err != nil || d.count(Differs) != 0 {
		t.Fatalf("%d differ, error %v", d.count(Differs), err)
	}
	for _, x := range s.points {
		if x.spec.Name == "nfd-s" {
			x.given["delta"] = "700ms" // not what was run
		}
	}
	d = new(Document)
	if err := checkClosedForm(s, d, p); err != nil || d.count(Differs) < 10 {
		t.Errorf("%d differ, error %v", d.count(Differs), err)
	}
}

func frontierOfSmall(t *testing.T) *frontierPlan {
	t.Helper()
	spec, _ := Lookup("frontier")
	params, errs := model.NewParams(spec.Params, smallFrontier)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	p, err := planFrontier(Options{Params: params, Seed: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return p
}

// In the class of QJUMP, who waits longer than eta + D makes no mistake, and the check of
// it fails where somebody does.
func TestFrontierGuaranteed(t *testing.T) {
	given := map[string]string{"replications": "2", "periods": "20", "environments": "qjump", "detectors": "nfd-s"}
	agree(t, run(t, "frontier", 2, given))

	spec, _ := Lookup("frontier")
	params, _ := model.NewParams(spec.Params, given)
	p, err := planFrontier(Options{Params: params, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := p.environments[0]
	for _, x := range s.points {
		for i := range x.runs {
			x.runs[i] = observed{mistakes: 1, exposure: 10, detection: 1, detected: 4}
		}
		x.measure()
	}
	d := new(Document)
	if err := checkGuaranteed(s, d, p); err != nil || d.count(Differs) != 1 {
		t.Errorf("%d checks differ, error %v", d.count(Differs), err)
	}
}

// By hand: of four points one is beaten in both, one has no place, and two are on the
// frontier. Ties beat nobody. Paired, a difference is sure that intervals would hide.
func TestJudge(t *testing.T) {
	at := func(detection, mistakes, wrong float64) *point {
		p := &point{tuning: &tuning{}}
		for i := range 4 {
			luck := float64(i)
			p.runs = append(p.runs, observed{mistakes: mistakes + luck, exposure: 100, wrong: wrong, detection: detection + luck, detected: 1})
		}
		p.measure()
		return p
	}
	quick, slow, beatenOne, asleep, tie := at(1, 40, 1), at(3, 20, 1), at(4, 30, 1), at(0, 0, 90), at(1, 40, 1)
	unseen := at(0.5, 1, 1)
	unseen.runs[0].unseen = 1
	unseen.measure()
	judge([]*point{quick, slow, beatenOne, asleep, tie, unseen})
	if quick.beaten != nil || slow.beaten != nil || tie.beaten != nil {
		t.Errorf("points of the frontier are beaten: %v, %v, %v", quick.beaten, slow.beaten, tie.beaten)
	}
	b := beatenOne.beaten
	if b == nil || b.by != slow || !b.sure() || b.sooner.value != 1 || math.Abs(b.fewer.value-0.1) > 1e-12 {
		t.Fatalf("beaten by %+v", b)
	}
	if beatenOne.detection.Low > slow.detection.High {
		t.Error("the intervals alone tell them apart")
	}
	if _, ok := asleep.place(); ok {
		t.Error("who suspects nine tenths of the time has a place")
	}
	if why, ok := unseen.place(); ok || why != "1 unseen" {
		t.Errorf("who has not seen a crash: %q, %v", why, ok)
	}
}

// Every detector has its points, one that is not known a single one. All durations are
// scaled together, those in texts too.
func TestFrontierSettings(t *testing.T) {
	groups, err := frontierSettings("all", 20*model.Millisecond, 5)
	if err != nil {
		t.Fatal(err)
	}
	points := make(map[string]int)
	for i, g := range groups {
		for _, x := range g {
			points[x.spec.Name]++
			if x.spec.Heartbeats != g[0].spec.Heartbeats {
				t.Errorf("group %d has %s beside %s", i, x.spec.Name, g[0].spec.Name)
			}
		}
	}
	for _, spec := range detectors.All() {
		if spec.Typed {
			continue
		}
		if want := max(1, len(strings.Fields(knobs[spec.Name].values))); points[spec.Name] != want {
			t.Errorf("%d points for %s, want %d", points[spec.Name], spec.Name, want)
		}
	}
	vote := newTuning("vote", "timeout,1.5s", 20*model.Millisecond)
	if got, want := vote.parameters(), `, base: "timeout eta=20ms timeout=30ms", repeat: 20ms`; got != want {
		t.Errorf("vote has %q, want %q", got, want)
	}
	phi := newTuning("phi", "4", 10*model.Millisecond)
	if got, want := phi.parameters(), ", eta: 10ms, threshold: 4, deviation: 1ms"; got != want {
		t.Errorf("phi has %q, want %q", got, want)
	}
	for name := range knobs {
		if _, ok := detectors.Lookup(name); !ok {
			t.Errorf("a knob of %q, which is no detector", name)
		}
	}
}

// What the closed form takes for granted is what the scenario says.
func TestExponentialEnvironment(t *testing.T) {
	text := environmentText("exponential")
	links := regexp.MustCompile(`loss: 2%, jitter: exponential\(5ms\)`).FindAllString(text, -1)
	if len(links) != frontierProcesses || exponentialLoss != 0.02 || exponentialDelay != 5*model.Millisecond {
		t.Errorf("%d links", len(links))
	}
}

// The bursts of two hosts differ, those of two runs with one seed do not, and as many slots
// are lost as the channel of two states says.
func TestBursts(t *testing.T) {
	var e *environment
	for _, x := range environments {
		if x.name == "bursty" {
			e = x
		}
	}
	group := []*tuning{newTuning("timeout", "2s", e.eta)}
	plan := func(seed uint64) [frontierProcesses]string {
		s, err := e.scenario(group, seed, 1000, true)
		if err != nil {
			t.Fatal(err)
		}
		var names [frontierProcesses]string
		for i := range names {
			r := s.Network.Topology.Links[i].BtoA.Replay.Recording
			if r == nil || s.Network.Topology.Links[i].AtoB.Replay.Recording != nil || r.Length() < s.Duration {
				t.Fatalf("link %d has no recording of the way to the host for the whole run", i)
			}
			names[i] = r.Sum
		}
		return names
	}
	a, b := plan(1), plan(2)
	if a != plan(1) || a == b || a[0] == a[1] {
		t.Errorf("recordings %v and, with another seed, %v", a, b)
	}
	slots, lost := burstSlots(1, "h0", 1_000_000), 0
	for _, p := range slots {
		if p.Delay < 0 {
			lost++
		}
	}
	bad := goodToBad / (goodToBad + badToGood)
	want := bad*lossInBad + (1-bad)*lossInGood
	if got := float64(lost) / float64(len(slots)); math.Abs(got/want-1) > 0.05 {
		t.Errorf("a share of %g is lost, and not %g", got, want)
	}
}

func TestFrontierInterrupted(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := runIn(ctx, t, "frontier", 2, nil); err == nil {
		t.Error("all of it in 50 ms")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the interrupt took %v", took)
	}
	for name, value := range map[string]string{"replications": "1", "periods": "2", "environments": "mars", "detectors": "nobody"} {
		if _, err := runIn(context.Background(), t, "frontier", 2, map[string]string{name: value}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: error %v", name, value, err)
		}
	}
}
