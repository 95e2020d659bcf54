package replay

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"suspect/detectors"
	"suspect/experiments/data"
	"suspect/model"
)

var update = flag.Bool("update", false, "write the golden files; read the difference before committing it")

const ms = model.Millisecond

// text makes a trace of lines.
func text(lines ...string) Trace {
	return Bytes("trace.csv", []byte(header+"\n"+strings.Join(lines, "\n")+"\n"))
}

// render makes a trace of heartbeats.
func render(all []heartbeat) Trace {
	var lines []string
	for _, h := range all {
		line := fmt.Sprintf("%d,%d,", h.seq, h.sent)
		if h.received != lost {
			line += fmt.Sprint(h.received)
		}
		lines = append(lines, line)
	}
	return text(lines...)
}

func timeoutOf(d model.Duration) Detector {
	return Detector{Use: "timeout", Params: map[string]string{"timeout": d.String()}}
}

func mustRun(t *testing.T, trace Trace, eta model.Duration, ds ...Detector) *Results {
	t.Helper()
	r, err := Run(context.Background(), trace, Config{Eta: eta, Detectors: ds})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMalformed(t *testing.T) {
	paths, err := filepath.Glob("testdata/malformed/*")
	if err != nil || len(paths) == 0 {
		t.Fatal("no files")
	}
	for _, path := range paths {
		if filepath.Ext(path) == ".golden" {
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			begin := time.Now()
			_, err := Run(context.Background(), File(path), Config{Detectors: []Detector{timeoutOf(5 * ms)}})
			if err == nil {
				t.Fatal("no error")
			}
			if d := time.Since(begin); d > time.Second {
				t.Errorf("took %v", d)
			}
			got := strings.ReplaceAll(err.Error(), filepath.Dir(path)+"/", "") + "\n"
			if *update {
				if err := os.WriteFile(path+".golden", []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path + ".golden")
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got (-update writes it):\n%s", diff)
			}
		})
	}
}

// Six heartbeats, every 10 ms; one lost without a line, one with an empty field, one
// late by 25 ms. Worked out by hand for a timeout of 25 ms.
func TestByHand(t *testing.T) {
	const s = 1_000_000 // ns per ms
	trace := render([]heartbeat{
		{7, 1000 * s, 1001 * s},
		{8, 1010 * s, 1011 * s},
		{10, 1030 * s, lost},
		{11, 1040 * s, 1065 * s}, // suspected from 1036 on
		{12, 1050 * s, 1051 * s}, // trusted again, by one that overtakes 11
		{13, 1060 * s, 1061 * s},
	})
	r := mustRun(t, trace, 10*ms, timeoutOf(25*ms))
	d := r.Detectors[0]
	d.Quality = nil
	want := DetectorResult{
		Name: "timeout", Use: "timeout", Parameters: "eta=10ms stagger=true timeout=25ms",
		Mistakes:        1,
		MistakeRate:     new(1 / 0.060),
		MistakeDuration: new(15 * ms),
		LongestMistake:  new(15 * ms),
		QueryAccuracy:   new(1 - 15./60),
		Detected:        true,
		DetectionTime:   new((1065 + 25 - 1060) * ms),
	}
	if diff := gocmp.Diff(want, d); diff != "" {
		t.Error(diff)
	}
	if r.Heartbeats != 7 || r.Lost != 2 || r.Reordered != 2 || r.Length != 60*ms || r.EtaEstimated || r.Lateness != 0 {
		t.Errorf("%+v", r)
	}
	if r.Delay.Min != ms || r.Delay.Max != 25*ms || r.Delay.Mean != 29*ms/5 {
		t.Errorf("%+v", r.Delay)
	}
}

// NFD-S with delta suspects heartbeat i when it is not there at i*eta + delta, however
// late the first heartbeat of the trace was sent.
func TestScheduleOfNFDS(t *testing.T) {
	const s = 1_000_000
	var all []heartbeat
	for i := range int64(100) {
		late := int64(0)
		if i == 0 {
			late = 3 * s
		}
		all = append(all, heartbeat{i, i*10*s + late, i*10*s + 4*s})
	}
	all[50].received += s // just in time for delta = 6 ms, and too late for 5 ms
	nfds := func(delta model.Duration) Detector {
		return Detector{Name: delta.String(), Use: "nfd-s", Params: map[string]string{"delta": delta.String()}}
	}
	r := mustRun(t, render(all), 0, nfds(6*ms), nfds(5*ms), nfds(4*ms+1))
	if r.Eta != 10*ms || !r.EtaEstimated || r.Lateness != 3*ms {
		t.Errorf("eta %v, lateness %v", r.Eta, r.Lateness)
	}
	for i, want := range []struct {
		mistakes int64
		detected model.Duration
	}{{0, 16 * ms}, {1, 15 * ms}, {1, 14*ms + 1}} {
		d := r.Detectors[i]
		if d.Mistakes != want.mistakes || *d.DetectionTime != want.detected {
			t.Errorf("delta %s: %d mistakes, detection %v, want %+v", d.Name, d.Mistakes, *d.DetectionTime, want)
		}
	}
}

// randomTrace has losses, late sendings, reordering and equal times.
func randomTrace(rng *rand.Rand) []heartbeat {
	var all []heartbeat
	base, first := rng.Int64N(1e15), rng.Int64N(1000)
	sent := base
	for i := range int64(20 + rng.IntN(200)) {
		sent = max(sent, base+i*1000+rng.Int64N(1+rng.Int64N(3000)))
		h := heartbeat{first + i, sent, sent + rng.Int64N(1+rng.Int64N(10_000))}
		switch rng.IntN(10) {
		case 0:
			h.received = lost
		case 1:
			if i > 0 {
				continue
			}
		}
		all = append(all, h)
	}
	return all
}

// TestTimeoutTwin compares with a plain timeout written down on the sorted arrivals.
func TestTimeoutTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	sometimes := map[string]int{}
	for range 500 {
		all := randomTrace(rng)
		timeout := int64(500 + rng.IntN(6000))
		r := mustRun(t, render(all), 0, timeoutOf(model.Duration(timeout)*model.Nanosecond))

		// In ns after the first sending; the detector starts then, or, by the
		// schedule, earlier.
		first, crash := all[0].sent, all[len(all)-1].sent
		var at []int64
		for _, h := range all {
			if h.received != lost {
				at = append(at, h.received)
			}
		}
		slices.Sort(at)
		survey, err := examine(render(all), 0)
		if err != nil {
			t.Fatal(err)
		}
		shift := survey.shift(r.Eta)
		last := model.Time(0)
		mistakes, suspectedSince := int64(0), model.Never
		crashAt := model.Time(crash-first)*1000 + model.Time(shift)
		note := func(until model.Time) {
			expiry := last.Add(model.Duration(timeout) * 1000)
			if suspectedSince == model.Never && expiry <= until {
				suspectedSince = expiry
				if expiry <= crashAt {
					mistakes++
				}
			}
		}
		for _, a := range at {
			now := model.Time(a-first)*1000 + model.Time(shift)
			note(now)
			suspectedSince, last = model.Never, now
		}
		note(model.Never - 1)
		d := r.Detectors[0]
		if d.Mistakes != mistakes || !d.Detected || *d.DetectionTime != max(0, suspectedSince.Sub(crashAt)) {
			t.Fatalf("%d mistakes, detection %v; want %d, %v\n%v", d.Mistakes, *d.DetectionTime, mistakes, suspectedSince.Sub(crashAt), all)
		}
		for what, happened := range map[string]bool{
			"mistake": mistakes > 0, "loss": r.Lost > 0, "reordering": r.Reordered > 0, "lateness": r.Lateness > 0, "shift": shift > 0,
		} {
			if happened {
				sometimes[what]++
			}
		}
	}
	for _, what := range []string{"mistake", "loss", "reordering", "lateness", "shift"} {
		if sometimes[what] < 50 {
			t.Errorf("%s happened in %d of 500 traces only", what, sometimes[what])
		}
	}
}

// TestPeriodTwin compares the period with the best of all lines through two points
// that have no point below.
func TestPeriodTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		all := randomTrace(rng)
		s, err := examine(render(all), 0)
		if err != nil {
			t.Fatal(err)
		}
		best, bestSum := -1.0, 0.0
		for i := range all {
		line:
			for j := i + 1; j < len(all); j++ {
				slope := float64(all[j].sent-all[i].sent) / float64(all[j].seq-all[i].seq)
				sum := 0.0
				for _, h := range all {
					over := float64(h.sent-all[i].sent) - slope*float64(h.seq-all[i].seq)
					if over < -1e-6 {
						continue line
					}
					sum += over
				}
				if best < 0 || sum < bestSum-1e-3 {
					best, bestSum = slope, sum
				}
			}
		}
		if got := float64(s.period()) / 1000; got > best+1e-6 || got < best-0.001-1e-6 {
			t.Fatalf("period %v ns, want %v ns", got, best)
		}
	}
}

// Each detector of a run has the results that it has alone, a trace gives the same
// however it is packed, and an offset of both clocks changes nothing.
func TestIndependence(t *testing.T) {
	ds := []Detector{timeoutOf(6 * ms), {Name: "s", Use: "nfd-s", Params: map[string]string{"delta": "5ms"}}, {Name: "slow", Use: "timeout", Params: map[string]string{"timeout": "20ms"}}}
	ds = append(ds, onHeartbeats()...)
	trace := Bytes("trace.csv", data.HeartbeatsLoopback2ms)
	all := mustRun(t, trace, 0, ds...)
	if all.Heartbeats != 50_000 || all.Lost != 0 || all.Eta < 1999*model.Microsecond || all.Eta > 2001*model.Microsecond {
		t.Errorf("%+v", all)
	}
	for i, d := range ds {
		alone := mustRun(t, trace, 0, d)
		all.Detectors[i].Quality, alone.Detectors[0].Quality = nil, nil
		if diff := gocmp.Diff(alone.Detectors[0], all.Detectors[i]); diff != "" {
			t.Error(diff)
		}
	}
	twice, err := run(context.Background(), trace, Config{Detectors: ds}, 49_999) // read it again
	if err != nil {
		t.Fatal(err)
	}
	for i := range ds {
		twice.Detectors[i].Quality = nil
	}
	if diff := gocmp.Diff(all, twice); diff != "" {
		t.Error(diff)
	}
	var shifted []heartbeat
	if err := trace.scan(func(h heartbeat) bool {
		shifted = append(shifted, heartbeat{h.seq + 1e6, h.sent + 1e18, h.received + 1e18})
		return true
	}); err != nil {
		t.Fatal(err)
	}
	again := mustRun(t, render(shifted), 0, ds...)
	for i := range again.Detectors {
		again.Detectors[i].Quality = nil
	}
	if diff := gocmp.Diff(all, again); diff != "" {
		t.Error(diff)
	}
}

// deaf is a detector that never suspects, woken every period of 1 ms or, if asleep,
// not at all.
type deaf struct{ asleep bool }

func (d deaf) Step(now model.Time, _ *model.Input, out *model.Output) {
	if out.Wake = model.Never; !d.asleep {
		out.Wake = now.Add(ms)
	}
}
func (d deaf) Clone() model.Automaton                                { return d }
func (deaf) AppendState(b []byte, _ model.Time) []byte               { return b }
func (deaf) LoadState(b []byte, _ model.Time) (rest []byte, _ error) { return b, nil }

func init() {
	for name, d := range map[string]deaf{"deaf": {}, "asleep": {asleep: true}} {
		detectors.Register(detectors.Spec{Name: name, Heartbeats: true,
			New: func(detectors.Env, model.Params) (model.Automaton, error) { return d, nil }})
	}
}

// Every detector runs on until it suspects, however patient it is; where one never
// does, the results say why.
func TestPatience(t *testing.T) {
	trace := text("0,0,1", "1,2000000,2000001", "2,4000000,4000001")
	r := mustRun(t, trace, 0, timeoutOf(30*model.Second), timeoutOf(100*3600*model.Second),
		Detector{Use: "nfd-s", Params: map[string]string{"delta": "100s"}}, Detector{Use: "asleep"}, Detector{Use: "deaf"})
	want := []struct {
		name       string
		detected   *model.Duration
		undetected string
	}{
		{"timeout", new(30*model.Second + model.Nanosecond), ""},
		{"timeout-2", new(100*3600*model.Second + model.Nanosecond), ""},
		{"nfd-s", new(100*model.Second + 2*ms), ""},
		{"asleep", nil, "it asks for no further wake-up"},
		{"deaf", nil, "cut off after 10000000 wake-ups, at 10000s after the last arrival"},
	}
	for i, w := range want {
		d := r.Detectors[i]
		if d.Name != w.name || d.Detected != (w.detected != nil) || d.Undetected != w.undetected || gocmp.Diff(w.detected, d.DetectionTime) != "" {
			t.Errorf("%+v, want %+v", d, w)
		}
	}
	var b strings.Builder
	r.WriteText(&b)
	for _, line := range []string{"timeout-2: timeout eta=2ms", "deaf: not detected: cut off after"} {
		if !strings.Contains(b.String(), line) {
			t.Errorf("the text lacks %q:\n%s", line, b.String())
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	begun := time.Now()
	if _, err := Run(ctx, trace, Config{Detectors: slices.Repeat([]Detector{{Use: "deaf"}}, 100)}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if time.Since(begun) > 2*time.Second {
		t.Error("it cannot be interrupted")
	}
}

// What does not exist is absent in JSON and a dash in the text.
func TestAbsent(t *testing.T) {
	for _, c := range []struct {
		name   string
		trace  Trace
		json   []string // absent
		within string
	}{
		{"all lost", text("0,0,", "1,2000000,", "2,4000000,"),
			[]string{`"delay"`, `"mistake_duration_mean_ps"`, `"mistake_recurrence_mean_ps"`}, "no heartbeat arrived"},
		{"one open mistake", text("0,0,", "1,2000000,", "2,4000000,"), nil, "-         over 3ms  -"},
		{"no mistake", text("0,0,1", "1,500000,500001"),
			[]string{`"mistake_duration_max_ps"`, `"mistake_duration_max_open"`}, "-         -        -          1.00000000"},
	} {
		r := mustRun(t, c.trace, 0, timeoutOf(ms))
		doc, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range c.json {
			if strings.Contains(string(doc), key) {
				t.Errorf("%s: %s has %s", c.name, doc, key)
			}
		}
		var b strings.Builder
		r.WriteText(&b)
		if !strings.Contains(b.String(), c.within) {
			t.Errorf("%s: the text lacks %q:\n%s", c.name, c.within, b.String())
		}
	}
	r := mustRun(t, text("5,7,8"), 2*ms, timeoutOf(ms))
	if d := r.Detectors[0]; d.MistakeRate != nil || d.QueryAccuracy != nil || d.DetectionTime == nil {
		t.Errorf("a trace without length: %+v", d)
	}
}

// The schema describes every field.
func TestResultsSchema(t *testing.T) {
	var s struct {
		Defs map[string]struct {
			Properties map[string]struct{ Description string }
		} `json:"$defs"`
	}
	if err := json.Unmarshal(ResultsSchema(), &s); err != nil || len(s.Defs) != 3 {
		t.Fatal(err, s)
	}
	for name, def := range s.Defs {
		for field, p := range def.Properties {
			if p.Description == "" {
				t.Errorf("%s.%s has no description", name, field)
			}
		}
	}
}

func TestArrivalsAreSorted(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		var heap arrivals
		var want, got []arrival
		for i := range rng.Int64N(60) {
			a := arrival{rng.Int64N(20), i}
			heap.push(a)
			want = append(want, a)
		}
		slices.SortFunc(want, func(a, b arrival) int {
			return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.seq, b.seq))
		})
		for len(heap) > 0 {
			got = append(got, heap.pop())
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

func TestBadConfig(t *testing.T) {
	var all []heartbeat
	for i := range int64(30) {
		all = append(all, heartbeat{i, i * 2_000_000, lost})
	}
	trace := render(all)
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{}, "no detectors"},
		{Config{Detectors: []Detector{{Use: "oracle"}, {Use: "timeout", Params: map[string]string{"timeout": "5", "x": "y"}}}}, `"oracle" is unknown`},
		{Config{Detectors: []Detector{{Use: "oracle"}, {Use: "timeout", Params: map[string]string{"timeout": "5", "x": "y"}}}}, `parameter "x"`},
		{Config{Detectors: []Detector{{Use: "timeout", Params: map[string]string{"eta": "5ms"}}, {Name: "b", Use: "timeout", Params: map[string]string{"eta": "6ms"}}}}, `"b" has 6ms`},
		{Config{Eta: 50 * ms, Detectors: []Detector{{Use: "timeout"}}}, "sent every 2ms"},
		{Config{Detectors: []Detector{{Use: "timeout"}, {Name: "timeout", Use: "nfd-s"}}}, `already a detector "timeout"`},
		{Config{Eta: -ms, Detectors: []Detector{{Use: "timeout"}}}, "negative"},
		{Config{Detectors: []Detector{{Use: "timeout", Params: map[string]string{"eta": "0s"}}}}, "too short"},
	} {
		_, err := Run(context.Background(), trace, c.config)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.config, err, c.want)
		}
	}
	if _, err := Run(context.Background(), File(t.TempDir()), Config{Detectors: []Detector{{Use: "timeout"}}}); err == nil {
		t.Error("a directory is read")
	}
}

func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Run(ctx, Bytes("trace", data.HeartbeatsLoopback2ms), Config{Detectors: []Detector{{Use: "timeout"}}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// A file without end on one line is refused soon, and so is a gzip bomb.
func TestEndlessLine(t *testing.T) {
	begin := time.Now()
	zeros := Trace{"zeros", func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader(header+"\n"), endless{})), nil
	}}
	if err := zeros.scan(func(heartbeat) bool { return true }); err == nil || time.Since(begin) > time.Second {
		t.Errorf("error %v after %v", err, time.Since(begin))
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = '0'
	}
	return len(b), nil
}

func TestJSON(t *testing.T) {
	r := mustRun(t, text("0,0,1", "1,2000000,2000001"), 0, timeoutOf(5*ms))
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{`"schema_version":1,`, `"eta_ps":2000000000`, `"detection_time_ps":5000001000`, `"query_accuracy":1`} {
		if !strings.Contains(string(b), field) {
			t.Errorf("%s lacks %s", b, field)
		}
	}
}

// FuzzTrace checks that a trace is refused with errors that name lines of it, or
// replayed with measures in range.
func FuzzTrace(f *testing.F) {
	paths, _ := filepath.Glob("testdata/malformed/*")
	for _, path := range paths {
		if b, err := os.ReadFile(path); err == nil && filepath.Ext(path) != ".golden" {
			f.Add(b)
		}
	}
	f.Add([]byte(header + "\r\n0,0,\r\n1,2000000,2500000\r\n3,6000000,6000000"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Run(context.Background(), Bytes("x", b), Config{Detectors: []Detector{timeoutOf(5 * ms), {Use: "nfd-s"}}})
		var list ErrorList
		if errors.As(err, &list) {
			for _, e := range list {
				if e.Line < 1 || e.Column < 1 || len(list) > maxErrors {
					t.Errorf("%+v", e)
				}
			}
		}
		if err != nil {
			return
		}
		for _, d := range r.Detectors {
			if d.QueryAccuracy != nil && !(*d.QueryAccuracy >= 0 && *d.QueryAccuracy <= 1) || d.DetectionTime == nil || *d.DetectionTime < 0 ||
				d.Mistakes < 0 || r.Lost < 0 || r.Lateness < 0 {
				t.Errorf("%+v", r)
			}
		}
	})
}

// onHeartbeats returns every detector of the registry that can be replayed, with its
// default parameters.
func onHeartbeats() (all []Detector) {
	for _, spec := range detectors.All() {
		if spec.Heartbeats && spec.Name != "deaf" && spec.Name != "asleep" {
			all = append(all, Detector{Name: "usual " + spec.Name, Use: spec.Name})
		}
	}
	return all
}

// BenchmarkReplay reports heartbeats per second of whole runs, both passes and
// decompression included, of every detector by itself and of all together.
func BenchmarkReplay(b *testing.B) {
	all := onHeartbeats()
	for _, form := range []struct {
		name  string
		trace Trace
	}{{"gzip", Bytes("trace", data.HeartbeatsLoopback2ms)}, {"plain", Bytes("trace", bytesOf(b))}} {
		bench := func(name string, ds ...Detector) {
			b.Run(name+"/"+form.name, func(b *testing.B) {
				b.ReportAllocs()
				n := int64(0)
				for b.Loop() {
					r, err := Run(context.Background(), form.trace, Config{Detectors: ds})
					if err != nil {
						b.Fatal(err)
					}
					n += r.Heartbeats
				}
				b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "heartbeats/s")
			})
		}
		for _, d := range all {
			bench(d.Use, d)
		}
		bench("all", all...)
	}
}

func bytesOf(b *testing.B) []byte {
	plain := []byte(header + "\n")
	err := Bytes("trace", data.HeartbeatsLoopback2ms).scan(func(h heartbeat) bool {
		plain = fmt.Appendf(plain, "%d,%d,%d\n", h.seq, h.sent, h.received)
		return true
	})
	if err != nil {
		b.Fatal(err)
	}
	return plain
}
