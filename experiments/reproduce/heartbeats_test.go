package reproduce

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	runner "suspect/experiments/run"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
	"suspect/qjump"
)

// A small experiment agrees with all that it claims.
func TestGuaranteedHeartbeats(t *testing.T) {
	d := run(t, "guaranteed-heartbeats", 2, map[string]string{"heartbeats": "10000"})
	for _, c := range d.Checks {
		if c.Outcome != Agrees {
			t.Errorf("%s: %s instead of %s (%s)", c.What, c.Measured, c.Expected, c.Why)
		}
	}
	if d.count(Agrees) < 60 {
		t.Errorf("only %d checks", d.count(Agrees))
	}
	if len(d.Figures) != 1 || !bytes.Contains(d.Figures[0].SVG, []byte(guaranteedLine)) {
		t.Error("there is no figure with the guaranteed class")
	}
	if len(d.Figures) == 1 && (!strings.Contains(d.Figures[0].Caption, "nfd-u is left out") || bytes.Contains(d.Figures[0].SVG, []byte("nfd-u"))) {
		t.Errorf("nfd-u in the figure, or its absence not said: %s", d.Figures[0].Caption)
	}
}

// The number of workers changes no cell of a table.
func TestWorkersOfHeartbeats(t *testing.T) {
	tables := func(workers int) (d Document) {
		b := smallStar(t)
		m := &meter{Options: Options{Workers: workers}, began: time.Now()}
		var err error
		if b.found, err = m.run(context.Background(), b.name, b.intact); err != nil {
			t.Fatal(err)
		}
		d.Tables = append(d.Tables, perfection(&d, []*beating{b}, 1))
		return d
	}
	if diff := cmp.Diff(tables(1), tables(3)); diff != "" {
		t.Errorf("one worker and three (-one +three):\n%s", diff)
	}
}

func smallStar(t *testing.T) *beating {
	t.Helper()
	star := heartbeatNetworks[0]
	b, err := newBeating(star.name, star.topology, model.Microsecond, 20_000, 1)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What breaks an assumption is in the text of the scenario, so that whoever has it runs the same.
// The slow link leaves the epochs of the others as they are, and is what is said to be broken.
func TestBreaksAreInTheText(t *testing.T) {
	star := smallStar(t)
	slow := 0
	for _, x := range planBreaks(star).list {
		s := (&breaks{star: star}).broken(x).scenario()
		again, err := scenario.Parse("again.yaml", s.Resolved(), nil)
		if err != nil || again.Hash() != s.Hash() || again.QJump.Table.Rate != 10*network.Gbps {
			t.Errorf("%s: %v:\n%s", x.assumption, err, s.Resolved())
			continue
		}
		if strings.HasPrefix(x.assumption, "no link is slower") {
			slow++
			says := strings.Join(sayings(s, star.deadline), "\n")
			if !strings.Contains(says, "BROKEN: no link is slower than R = 10Gbps (s0→h15 has 1Gbps)") {
				t.Errorf("%s: it is said:\n%s", x.assumption, says)
			}
		}
	}
	if slow != 1 {
		t.Errorf("%d slow links", slow)
	}
}

// By hand: P/R is 106 B at 10 Gb/s, or 84.8 ns, and L/R is 1542 B, or 1.2336 us. The
// bound on a star with frames is n*P/R + 2*L/R + eps.
func TestDeadlineOfTheStar(t *testing.T) {
	d := smallStar(t).deadline
	const ns = model.Nanosecond
	packet, frame, eps := 84_800*model.Picosecond, 1_233_600*model.Picosecond, 1000*ns
	epoch := 32*packet + eps
	way := 16*packet + 2*frame + eps
	nfds, timeout := d.detection()
	got := []model.Duration{d.epoch, d.eta, d.wait, d.way, d.d(), nfds, timeout}
	want := []model.Duration{epoch, 15 * epoch, 14 * epoch, way, 14*epoch + way + 1, 29*epoch + way + 1, 43*epoch + 2*way + 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("E, eta, W, B, D and the bounds of T_D (-by hand +derived):\n%s", diff)
	}
}

// The wait for the limiter is never above W, whatever the limiter, if eta is at least
// ceil(k/f) epochs. With minimum spacing W is attained in each period. If eta is a
// picosecond shorter, the wait grows period by period.
func TestWaitForTheLimiter(t *testing.T) {
	longest := func(c qjump.LimiterConfig, peers int, eta model.Duration, periods int) (waits []model.Duration) {
		l, err := qjump.NewLimiter(c)
		if err != nil {
			t.Fatal(err)
		}
		for i := range periods {
			sent := model.Time(i) * model.Time(eta)
			var last model.Time
			for range peers {
				at, ok := l.Admit(sent, 106)
				if !ok {
					t.Fatal("refused")
				}
				last = at
			}
			waits = append(waits, last.Sub(sent))
		}
		return waits
	}
	properties := gopter.NewProperties(gopter.DefaultTestParametersWithSeed(1))
	properties.Property("W is a bound", prop.ForAll(func(kind, peers, budget int, epoch, phase, more int64) string {
		c := qjump.LimiterConfig{
			Kind: qjump.LimiterKind(kind), Epoch: model.Duration(epoch), Phase: model.Duration(phase), Budget: qjump.Budget{Packets: int64(budget)},
		}
		rounds := model.Duration((peers + budget - 1) / budget)
		for i, w := range longest(c, peers, rounds*c.Epoch+model.Duration(more), 20) {
			most := (rounds - 1) * c.Epoch
			if w > most || c.Kind == qjump.MinimumSpacing && w != most {
				return fmt.Sprintf("%v: the last of %d heartbeats of period %d waits %v, and W is %v", c, peers, i, w, most)
			}
		}
		return ""
	}, gen.IntRange(0, 2), gen.IntRange(1, 12), gen.IntRange(1, 4), gen.Int64Range(1, 1000), gen.Int64Range(0, 3000), gen.Int64Range(0, 1500)))
	properties.TestingRun(t)

	c := qjump.LimiterConfig{Epoch: 100, Budget: qjump.Budget{Packets: 1}}
	if w := longest(c, 3, 299, 50); w[0] != 200 || w[49] != 249 {
		t.Errorf("with eta one less than three epochs, the third of three heartbeats waits %d in the first period and %d in the 50th; want 200 and 249", w[0], w[49])
	}
}

// Where nothing is guaranteed there is no deadline.
func TestNoDeadline(t *testing.T) {
	for _, x := range []struct{ name, old, new, want string }{
		{"no level", "priority: 7}\n\n", "priority: 6}\n\n", "the heartbeats have priority 6, which is no level"},
		{"lossy link", "buffer: 256KiB", "buffer: 256KiB, loss: 1%", "nothing is guaranteed at priority 7"},
		{"small buffers", "buffer: 256KiB", "buffer: 3packets", "nothing is guaranteed at priority 7"},
		{"excess is lost", "epsilon: 1us", "epsilon: 1us\n  excess: drop", "no deadline is derived where limiters drop their excess"},
		{"slow limiters", "epsilon: 1us", "epsilon: 1us\n  processing: 20ns", "or take 20ns for a packet"},
		{"others in the level", "traffic: [", "traffic: [{use: periodic, from: h1, to: h2, period: 1ms, packet: 64B, priority: 7}, ", "traffic[0] shares the limiters"},
		{"no classes", "qjump:\n  packet: 106B              # a heartbeat on the wire\n  epsilon: 1us\n  levels: [{priority: 7, factor: 1}]", "", "no level, no deadline"},
	} {
		t.Run(x.name, func(t *testing.T) {
			text := string(smallStar(t).intact.Source)
			if !strings.Contains(text, x.old) {
				t.Fatalf("%q is not in\n%s", x.old, text)
			}
			text = strings.Replace(text, x.old, x.new, 1)
			s, err := scenario.Parse("x.yaml", []byte(text), []string{"properties=[]"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := newDeadline(s); err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("error %v; want %q", err, x.want)
			}
		})
	}
}

// The checks of the guaranteed class can fail, as with the wait for the limiter forgotten.
func TestForgottenWait(t *testing.T) {
	b := smallStar(t)
	b.deadline.wait = 0
	nfds, _ := b.deadline.detection()
	b.Detectors = []string{
		detect("nfd-s", b.deadline.eta, fmt.Sprintf("delta: %v", b.deadline.d())),
		detect("timeout", b.deadline.eta, fmt.Sprintf("timeout: %v", nfds)),
	}
	b.Replications = 1
	var err error
	if b.found, err = runner.Run(context.Background(), b.scenario(), runner.Options{}); err != nil {
		t.Fatal(err)
	}
	d := new(Document)
	perfection(d, []*beating{b}, 1)
	var differs []string
	for _, c := range d.Checks {
		if c.Outcome == Differs {
			differs = append(differs, c.What)
		}
	}
	want := []string{"star: longest latency of a heartbeat", "star, nfd-s: mistakes", "star, nfd-s: class P"}
	for _, w := range want {
		if !strings.Contains(strings.Join(differs, "; "), w) {
			t.Errorf("%q does not differ without the wait; what does: %q", w, differs)
		}
	}
}

// An experiment of any size plans enough replications, and some crash in each.
func TestPlannedHeartbeats(t *testing.T) {
	for _, heartbeats := range []int64{1, 1000, 100_000, 10_000_000} {
		star := heartbeatNetworks[0]
		b, err := newBeating(star.name, star.topology, model.Microsecond, heartbeats, 1)
		if err != nil {
			t.Fatal(err)
		}
		from, until := b.crashing()
		_, timeout := b.deadline.detection()
		switch round := int64(16 * 15); {
		case from >= until || until+timeout >= b.Duration:
			t.Errorf("%d heartbeats: crashes between %v and %v of %v", heartbeats, from, until, b.Duration)
		case round*int64(b.periods)*int64(b.Replications) < heartbeats:
			t.Errorf("%d heartbeats: %d replications of %d periods", heartbeats, b.Replications, b.periods)
		}
	}
	p := Options{}
	s, _ := Lookup("guaranteed-heartbeats")
	p.Params, _ = model.NewParams(s.Params, map[string]string{"heartbeats": "0"})
	if _, err := Run(context.Background(), s, p); err == nil || !strings.Contains(err.Error(), "heartbeats") {
		t.Errorf("no heartbeats: error %v", err)
	}
}

// Every detector that lives on heartbeats has its curve: one that is not known here, a
// single point.
func TestEffortSettings(t *testing.T) {
	d := smallStar(t).deadline
	points := make(map[string]int)
	for _, x := range effortSettings(d) {
		points[x.use]++
	}
	for _, use := range []string{"nfd-s", "nfd-e", "timeout"} {
		if points[use] != len(shares) {
			t.Errorf("%d points for %s", points[use], use)
		}
	}
	if len(points) != len(heartbeatDetectors()) {
		t.Errorf("points %v for the detectors %v", points, heartbeatDetectors())
	}
	if got := settingsOf("another", d); len(got) != 1 || got[0].tuned || got[0].text != "" {
		t.Errorf("a detector without a known parameter: %v", got)
	}
}

// An interrupt ends the experiment soon.
func TestHeartbeatsInterrupted(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := runIn(ctx, t, "guaranteed-heartbeats", 2, nil); err == nil {
		t.Error("10 million heartbeats in 50 ms")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the interrupt took %v", took)
	}
}
