package properties_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"suspect/model"
	"suspect/properties"
)

// tale makes the records of a run of lines "TIME p0 WHAT p1 KIND", with the times in
// milliseconds: WHAT is + and - for the truth, says and unsays for verdicts of detector 0.
// "TIME p0 crash" is a crash, and recover its end.
func tale(lines ...string) (records []model.Record) {
	for _, line := range lines {
		var at int64
		var p, q model.ProcessID
		var what, kind string
		n, _ := fmt.Sscanf(line, "%d p%d %s p%d %s", &at, &p, &what, &q, &kind)
		r := model.Record{At: model.Time(at) * model.Time(model.Millisecond), Process: p, Peer: q}
		switch what {
		case "crash", "recover":
			r.Kind, r.Peer, r.Failure = model.Crashed, model.Nobody, model.ProcessCrash
			if what == "recover" {
				r.Kind = model.Recovered
			}
			records = append(records, r)
			continue
		case "+":
			r.Kind = model.FailureBegan
		case "-":
			r.Kind = model.FailureEnded
		case "says":
			r.Kind = model.Suspected
		case "unsays":
			r.Kind = model.Trusted
		}
		var err error
		if r.Failure, err = model.ParseFailureKind(kind); err != nil || n != 5 || r.Kind == model.Sent {
			panic(fmt.Sprintf("%q: %v", line, err))
		}
		records = append(records, r)
	}
	return records
}

const milli = model.Time(model.Millisecond)

func truthful(n int) properties.Env {
	return properties.Env{N: n, Watch: properties.WatchAll(n), Truth: true}
}

// judge runs the property over the records.
func judge(t *testing.T, env properties.Env, name string, given map[string]string, records []model.Record, end model.Time) properties.Result {
	t.Helper()
	spec, ok := properties.Lookup(name)
	if !ok {
		t.Fatalf("no property %q", name)
	}
	params, errs := model.NewParams(spec.Params, given)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	c, err := spec.New(env, params)
	if err != nil {
		t.Fatal(err)
	}
	feed(c, records)
	return c.Finish(end)
}

func feed(c interface {
	Kinds() model.Kinds
	Observe(*model.Record)
}, records []model.Record) {
	for i := range records {
		if c.Kinds().Has(records[i].Kind) {
			r := records[i]
			c.Observe(&r)
		}
	}
}

func TestKindVerdicts(t *testing.T) {
	late := tale("10 p0 + p1 congestion", "14 p0 says p1 congestion", "30 p0 - p1 congestion", "33 p0 unsays p1 congestion")
	both := tale("10 p0 + p2 partition", "12 p1 + p2 partition", "15 p1 says p2 partition", "40 p0 - p2 partition", "41 p1 - p2 partition", "41 p1 unsays p2 partition")
	crashed := tale("10 p1 crash", "10 p0 + p1 process-crash", "10 p2 + p1 process-crash", "12 p0 says p1 host-crash", "12 p2 says p1 process-crash")
	tests := []struct {
		property, params string
		records          []model.Record
		outcome          properties.Outcome
		checked          int
		reason           string
	}{
		{"congestion-accuracy", "stale=3ms", late, properties.Holds, 6, "1 report of it, 0 wrong"},
		{"congestion-accuracy", "stale=2ms", late, properties.Violated, 6, "p0 suspected p1 at 14ms of it though there was none; 1 report of it, 1 wrong"},
		{"congestion-accuracy", "stale=2ms weak=true", late, properties.Holds, 3, "of 2 of 3 correct processes nobody said it wrongly"},
		{"congestion-accuracy", "stale=2ms after=34ms", late, properties.Holds, 6, "0 reports"},
		{"congestion-accuracy", "stale=2ms after=33ms", late, properties.Violated, 6, ""},
		{"congestion-accuracy", "after=100ms", late, properties.Inconclusive, 0, "too short"},
		{"partition-accuracy", "", late, properties.Holds, 6, "0 reports of it"},
		{"congestion-completeness", "within=4ms", late, properties.Holds, 1, "1 failure said within 4ms and until the end"},
		{"congestion-completeness", "within=3ms", late, properties.Violated, 1, "p0 did not say it of p1 at 13ms, 3ms or more after it began; 1 of 1 failure missed"},
		{"congestion-completeness", "within=20ms", late, properties.Inconclusive, 0, "vacuous"},
		{"congestion-completeness", "", late, properties.Inconclusive, 0, "without a bound"},
		{"partition-completeness", "within=5ms", both, properties.Violated, 2, "p0 did not say it of p2 at 15ms"},
		{"partition-completeness", "within=5ms weak=true", both, properties.Holds, 1, ""},
		{"partition-completeness", "within=2ms weak=true", both, properties.Violated, 1, ""},
		{"partition-completeness", "within=40ms weak=true", both, properties.Inconclusive, 0, "vacuous"},
		{"partition-completeness", "within=5ms", append(slices.Clone(both), tale("50 p0 crash")...), properties.Holds, 1, ""},
		{"partition-completeness", "within=5ms weak=true", append(slices.Clone(both), tale("50 p1 crash")...), properties.Violated, 1, ""},
		{"process-crash-completeness", "within=5ms", crashed, properties.Violated, 2, "p0 did not say it of p1"},
		{"host-failure-completeness", "within=5ms", crashed, properties.Holds, 2, ""},
		{"host-crash-accuracy", "", crashed, properties.Violated, 6, ""},
		{"host-failure-accuracy", "", crashed, properties.Holds, 6, ""},
		{"host-failure-accuracy", "", tale("10 p0 says p1 unspecified"), properties.Violated, 6, ""},
		{"stall-accuracy", "", tale("10 p0 says p1 stall", "10 p0 + p1 stall", "20 p0 - p1 stall", "20 p0 unsays p1 stall"), properties.Holds, 6, ""},
		{"stall-accuracy", "", tale("10 p0 says p1 stall", "10 p0 unsays p1 stall", "10 p0 + p1 stall"), properties.Holds, 6, ""},
		{"stall-accuracy", "", tale("10 p0 says p1 stall", "11 p0 + p1 stall"), properties.Violated, 6, ""},
		{"stall-completeness", "within=0s", tale("10 p0 + p1 stall", "10 p0 says p1 stall", "20 p0 unsays p1 stall", "20 p0 - p1 stall"), properties.Holds, 1, ""},
		{"stall-completeness", "within=0s", tale("10 p0 + p1 stall", "10 p0 says p1 stall", "19 p0 unsays p1 stall", "20 p0 - p1 stall"), properties.Violated, 1, "at 19ms"},
		{"stall-completeness", "within=1ms", tale("1 p0 crash", "1 p1 crash", "1 p2 crash"), properties.Inconclusive, 0, "no process is correct"},
	}
	for _, tt := range tests {
		given := map[string]string{}
		for _, f := range strings.Fields(tt.params) {
			name, value, _ := strings.Cut(f, "=")
			given[name] = value
		}
		got := judge(t, truthful(3), tt.property, given, tt.records, 100*milli)
		if got.Outcome != tt.outcome || got.Checked != tt.checked || !strings.Contains(got.Reason, tt.reason) {
			t.Errorf("%s %s: %v, checked %d: %s\nwant %v, %d: %s", tt.property, tt.params, got.Outcome, got.Checked, got.Reason, tt.outcome, tt.checked, tt.reason)
		}
	}
	spec, _ := properties.Lookup("stall-accuracy")
	params, _ := model.NewParams(spec.Params, nil)
	if _, err := spec.New(properties.Env{N: 2, Watch: properties.WatchAll(2)}, params); err == nil {
		t.Error("a property of kinds does without the ground truth")
	}
}

// randomTale makes a run of few picoseconds, in which much happens at once.
func randomTale(rng *rand.Rand, n int) (records []model.Record, end model.Time) {
	kinds := []model.FailureKind{model.Congestion, model.Partition}
	var now model.Time
	for range rng.IntN(30) {
		now += model.Time(rng.IntN(3))
		p := model.ProcessID(rng.IntN(n))
		q := model.ProcessID((int(p) + 1 + rng.IntN(n-1)) % n)
		r := model.Record{At: now, Process: p, Peer: q, Failure: kinds[rng.IntN(2)]}
		switch x := rng.IntN(20); {
		case x < 5:
			r.Kind = model.FailureBegan
		case x < 9:
			r.Kind = model.FailureEnded
		case x < 14:
			r.Kind = model.Suspected
		case x < 18:
			r.Kind = model.Trusted
		case x < 19:
			r = model.Record{At: now, Kind: model.Crashed, Process: p, Peer: model.Nobody}
		default:
			r = model.Record{At: now, Kind: model.Recovered, Process: p, Peer: model.Nobody}
		}
		records = append(records, r)
	}
	return records, now + model.Time(rng.IntN(4))
}

// instant is what the definitions speak of at one time, of one pair: what was so before,
// between or after the records of that time.
type instant struct {
	said, held   bool
	saidAfter    bool // all records
	heldAfter    bool
	emptied      bool // somewhere in it the verdict ended
	turned       bool // somewhere in it the failure began or ended
	monitorAlive bool // throughout
}

// instants replays the records for kind k of the pair, by the definitions.
func instants(records []model.Record, end model.Time, p, q model.ProcessID, k model.FailureKind) []instant {
	var all []instant
	said, held, up := false, false, true
	i := 0
	for t := model.Time(0); t <= end; t++ {
		x := instant{said: said, held: held, monitorAlive: up}
		for ; i < len(records) && records[i].At == t; i++ {
			switch r := records[i]; {
			case r.Kind == model.Crashed && r.Process == p:
				up = false
			case r.Kind == model.Recovered && r.Process == p:
				if !up {
					up, said = true, false
				}
			case r.Process != p || r.Peer != q || r.Failure != k:
			case r.Kind == model.FailureBegan:
				x.turned = x.turned || !held
				held = true
			case r.Kind == model.FailureEnded:
				x.turned = x.turned || held
				held = false
			case !up:
			case r.Kind == model.Suspected:
				said = true
			case r.Kind == model.Trusted:
				x.emptied = x.emptied || said
				said = false
			}
			x.said = x.said || said
			x.held = x.held || held
			x.monitorAlive = x.monitorAlive && up
		}
		x.saidAfter, x.heldAfter = said, held
		all = append(all, x)
	}
	return all
}

func neverCrashes(records []model.Record, p model.ProcessID) bool {
	return !slices.ContainsFunc(records, func(r model.Record) bool { return r.Kind == model.Crashed && r.Process == p })
}

// TestKindsBruteForce compares the checkers with the definitions, instant by instant.
func TestKindsBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	const n = 3
	outcomes := map[string]int{}
	for range 20_000 {
		records, end := randomTale(rng, n)
		d := model.Time(rng.IntN(4))
		since := model.Time(rng.IntN(5))
		wrong, judgedWrong := false, 0
		spoiled := make([]bool, n)
		owed, missed := 0, 0
		for p := range model.ProcessID(n) {
			for q := range model.ProcessID(n) {
				if p == q {
					continue
				}
				all := instants(records, end, p, q, model.Congestion)
				lastHeld := model.Time(math.MinInt32)
				for u, x := range all {
					if x.held {
						lastHeld = model.Time(u)
					}
					if model.Time(u) >= since && x.said && x.monitorAlive && model.Time(u)-lastHeld > d {
						wrong, spoiled[q] = true, true
						judgedWrong++
					}
				}
				if !neverCrashes(records, p) {
					continue
				}
				for a := 0; a < len(all); a++ { // failures of the pair that last longer than d
					if !all[a].heldAfter || a > 0 && all[a-1].heldAfter && !all[a].turned {
						continue
					}
					b := a + 1
					for b < len(all) && all[b].heldAfter && !all[b].turned {
						b++
					}
					deadline := a + int(d)
					if deadline >= b {
						continue
					}
					owed++
					miss := !all[deadline].saidAfter
					for u := deadline + 1; u < b; u++ {
						miss = miss || all[u].emptied
					}
					if miss {
						missed++
					}
				}
			}
		}
		given := map[string]string{"stale": fmt.Sprintf("%dps", d), "after": fmt.Sprintf("%dps", since)}
		got := judge(t, truthful(n), "congestion-accuracy", given, records, end)
		if (got.Outcome == properties.Violated) != wrong {
			t.Fatalf("accuracy with %v: %v (%s), but wrong at %d instants, of\n%v", given, got.Outcome, got.Reason, judgedWrong, records)
		}
		outcomes["accuracy "+got.Outcome.String()]++
		given["weak"] = "true"
		weak := false
		for q := range model.ProcessID(n) {
			weak = weak || neverCrashes(records, q) && !spoiled[q]
		}
		if got := judge(t, truthful(n), "congestion-accuracy", given, records, end); (got.Outcome == properties.Holds) != (weak && end > since) {
			t.Fatalf("weak accuracy with %v: %v (%s), want %v, of\n%v", given, got.Outcome, got.Reason, weak, records)
		}
		got = judge(t, truthful(n), "congestion-completeness", map[string]string{"within": fmt.Sprintf("%dps", d)}, records, end)
		if slices.ContainsFunc([]model.ProcessID{0, 1, 2}, func(p model.ProcessID) bool { return neverCrashes(records, p) }) {
			if got.Checked != owed || (got.Outcome == properties.Violated) != (missed > 0) {
				t.Fatalf("completeness within %dps: %v, checked %d (%s), want %d missed of %d, of\n%v", d, got.Outcome, got.Checked, got.Reason, missed, owed, records)
			}
			outcomes["completeness "+got.Outcome.String()]++
		}
	}
	for _, o := range []string{"accuracy holds", "accuracy violated", "completeness holds", "completeness violated", "completeness inconclusive"} {
		if outcomes[o] < 100 {
			t.Errorf("only %d runs with %s", outcomes[o], o)
		}
	}
}

// TestProjectionAndCollapse is the formal case for types. Of a typed history that is
// accurate for every kind, the projection on host failure keeps the class of Chandra and
// Toueg, but its collapse, in which any kind is a suspicion, loses accuracy as soon as
// anything but a crash happens.
func TestProjectionAndCollapse(t *testing.T) {
	records := tale("10 p0 + p1 congestion", "11 p0 says p1 congestion", "15 p0 - p1 congestion", "15 p0 unsays p1 congestion",
		"20 p1 crash", "20 p0 + p1 process-crash", "22 p0 says p1 process-crash")
	env := truthful(2)
	for _, k := range []string{"congestion", "process-crash", "host-failure"} {
		if got := judge(t, env, k+"-accuracy", nil, records, 100*milli); got.Outcome != properties.Holds {
			t.Errorf("%s-accuracy: %v: %s", k, got.Outcome, got.Reason)
		}
		if got := judge(t, env, k+"-completeness", map[string]string{"within": "2ms"}, records, 100*milli); got.Outcome != properties.Holds {
			t.Errorf("%s-completeness: %v: %s", k, got.Outcome, got.Reason)
		}
	}
	for _, tt := range []struct {
		property             string
		projected, collapsed properties.Outcome
	}{
		{"strong-accuracy", properties.Holds, properties.Violated},
		{"strong-completeness", properties.Holds, properties.Holds},
	} {
		spec, _ := properties.Lookup(tt.property)
		given := map[string]string{}
		if tt.property == "strong-completeness" {
			given["within"] = "2ms"
		}
		params, _ := model.NewParams(spec.Params, given)
		plain, _ := spec.New(env, params)
		inner, _ := spec.New(env, params)
		collapsed := properties.Collapse(inner)
		feed(plain, records)
		feed(collapsed, records)
		if got := plain.Finish(100 * milli); got.Outcome != tt.projected {
			t.Errorf("%s of the projection: %v: %s", tt.property, got.Outcome, got.Reason)
		}
		got := collapsed.Finish(100 * milli)
		if got.Outcome != tt.collapsed {
			t.Errorf("%s of the collapse: %v: %s", tt.property, got.Outcome, got.Reason)
		}
		if got.Outcome == properties.Violated && (len(got.Witness) != 1 || got.Witness[0].At != 11*milli) {
			t.Errorf("%s of the collapse has the witness %v", tt.property, got.Witness)
		}
	}
}

// TestCollapse: a peer is suspected while any kind is said of it.
func TestCollapse(t *testing.T) {
	spec, _ := properties.Lookup("eventual-strong-accuracy")
	params, _ := model.NewParams(spec.Params, map[string]string{"mistakes": "1"})
	inner, _ := spec.New(truthful(2), params)
	c := properties.Collapse(inner)
	feed(c, tale("1 p0 says p1 congestion", "2 p0 says p1 stall", "3 p0 unsays p1 congestion", "4 p0 says p1 congestion", "5 p0 unsays p1 stall", "6 p0 unsays p1 congestion"))
	if got := c.Finish(100 * milli); got.Outcome != properties.Holds {
		t.Errorf("one suspicion of several kinds: %v: %s", got.Outcome, got.Reason)
	}
}

// TestProjectionKeepsTheClass: over random typed histories, host-failure accuracy of zero
// staleness is strong accuracy where nobody recovers, and so is completeness.
func TestProjectionKeepsTheClass(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	seen := map[string]int{}
	for range 5000 {
		n := 3
		var records []model.Record
		var now model.Time
		down := make([]bool, n)
		for range rng.IntN(20) {
			now += model.Time(1 + rng.IntN(3)) // one thing at a time
			p := model.ProcessID(rng.IntN(n))
			q := model.ProcessID((int(p) + 1 + rng.IntN(n-1)) % n)
			switch x := rng.IntN(12); {
			case x < 4 && !down[p]:
				records = append(records, model.Record{At: now, Kind: model.Suspected, Process: p, Peer: q,
					Failure: []model.FailureKind{model.ProcessCrash, model.HostCrash, model.Congestion, model.Unspecified}[rng.IntN(4)]})
			case x < 8 && !down[p]:
				records = append(records, model.Record{At: now, Kind: model.Trusted, Process: p, Peer: q,
					Failure: []model.FailureKind{model.ProcessCrash, model.HostCrash, model.Congestion, model.Unspecified}[rng.IntN(4)]})
			case x == 11 && !down[p]:
				down[p] = true
				records = append(records, model.Record{At: now, Kind: model.Crashed, Process: p, Peer: model.Nobody, Failure: model.ProcessCrash})
				for o := range model.ProcessID(n) {
					if o != p {
						records = append(records, model.Record{At: now, Kind: model.FailureBegan, Process: o, Peer: p, Failure: model.ProcessCrash})
					}
				}
			}
		}
		end := now + 5
		env := truthful(n)
		typed := judge(t, env, "host-failure-accuracy", nil, records, end)
		plain := judge(t, env, "strong-accuracy", nil, records, end)
		if plain.Outcome != properties.Inconclusive && typed.Outcome != plain.Outcome {
			t.Fatalf("host-failure-accuracy %v (%s), strong-accuracy %v (%s) of\n%v", typed.Outcome, typed.Reason, plain.Outcome, plain.Reason, records)
		}
		seen[plain.Outcome.String()]++
		within := map[string]string{"within": fmt.Sprintf("%dps", rng.IntN(4))}
		typed = judge(t, env, "host-failure-completeness", within, records, end)
		plain = judge(t, env, "strong-completeness", within, records, end)
		if typed.Outcome != plain.Outcome {
			t.Fatalf("host-failure-completeness %v (%s), strong-completeness %v (%s) of\n%v", typed.Outcome, typed.Reason, plain.Outcome, plain.Reason, records)
		}
		seen["complete "+plain.Outcome.String()]++
	}
	for _, o := range []string{"holds", "violated", "complete holds", "complete violated"} {
		if seen[o] < 100 {
			t.Errorf("only %d histories with %s", seen[o], o)
		}
	}
}

func TestDiscrimination(t *testing.T) {
	records := tale(
		"10 p0 + p1 congestion", "13 p0 says p1 congestion", "20 p0 - p1 congestion", "21 p0 unsays p1 congestion", // right, after 3 ms
		"30 p0 + p1 partition", "31 p0 says p1 host-crash", "35 p0 says p1 partition", "36 p0 unsays p1 host-crash", "40 p0 - p1 partition", "40 p0 unsays p1 partition",
		"50 p0 + p1 stall", "60 p0 - p1 stall", // never said
		"62 p0 says p1 stall", "63 p0 unsays p1 stall", // 2 ms stale
		"70 p0 says p1 corruption", "71 p0 unsays p1 corruption", // false
		"80 p0 + p1 congestion", "81 p0 + p1 partition", "82 p0 says p1 partition", // two episodes: that of congestion ends
	)
	env := properties.Env{N: 2, Watch: [][]model.ProcessID{{1}, nil}, Truth: true}
	d, err := properties.NewDiscrimination(env, 8*model.Millisecond, 2*model.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	feed(d, records)
	got := d.Finish(100 * milli)
	var want properties.Discriminated
	none := properties.NoKind
	want.Episodes[model.Congestion][model.Congestion] = 1
	want.Episodes[model.Partition][model.Partition] = 2 // the first after 8 ms, though other things were said
	want.Episodes[model.Stall][none] = 1
	want.Episodes[model.Congestion][none] = 1
	want.Reports[model.Congestion][model.Congestion] = 1
	want.Reports[model.Partition][model.HostCrash] = 1
	want.Reports[model.Partition][model.Partition] = 2
	want.Reports[model.Stall][model.Stall] = 1
	want.Reports[none][model.Corruption] = 1
	if got.Episodes != want.Episodes {
		t.Errorf("episodes %v, want %v", got.Episodes, want.Episodes)
	}
	if got.Reports != want.Reports {
		t.Errorf("reports %v, want %v", got.Reports, want.Reports)
	}
	if n := got.FalseReports(); n != 1 {
		t.Errorf("%d false reports, want 1", n)
	}
	if right, all := got.Recall(model.Congestion); right != 1 || all != 2 {
		t.Errorf("recall of congestion %d of %d, want 1 of 2", right, all)
	}
	if any, right := got.Any[model.Partition], got.Right[model.Partition]; any.Count() != 2 || any.Min() != model.Millisecond || right.Max() != 5*model.Millisecond {
		t.Errorf("partition: first word after %v to %v, right one after at most %v", any.Min(), any.Max(), right.Max())
	}
	if s := got.PairTime.Seconds(); s != 0.1 {
		t.Errorf("pair time %v s, want 0.1", s)
	}
}

// TestInformation: closed forms of the mutual information.
func TestInformation(t *testing.T) {
	var perfect, blind, half properties.Confusion
	for k := range model.FailureKind(4) {
		perfect[k][k] = 10
		blind[k][properties.NoKind] = 10
		half[k][k/2] = 10 // tells pairs of kinds apart
	}
	// A binary symmetric channel with crossover 1/4: 1 - H(1/4) bits.
	var noisy properties.Confusion
	noisy[0][0], noisy[0][1], noisy[1][0], noisy[1][1] = 3, 1, 1, 3
	channel := 1 + 0.25*math.Log2(0.25) + 0.75*math.Log2(0.75)
	for _, tt := range []struct {
		m          properties.Confusion
		bits, most float64
	}{{perfect, 2, 2}, {blind, 0, 2}, {half, 1, 2}, {noisy, channel, 1}, {properties.Confusion{}, 0, 0}} {
		bits, most := tt.m.Information()
		if math.Abs(bits-tt.bits) > 1e-12 || math.Abs(most-tt.most) > 1e-12 {
			t.Errorf("%v bits of %v, want %v of %v", bits, most, tt.bits, tt.most)
		}
	}
}

// TestLeak: eight links fail one after the other.
func TestLeak(t *testing.T) {
	run := func(report func(link int32) []model.Record) properties.Leaked {
		l := properties.NewLeak(0)
		for i := range int32(8) {
			at := model.Time(i) * 100
			strike := []model.Record{
				{At: at, Kind: model.LinkWentDown, Place: 2 * i}, {At: at, Kind: model.LinkWentDown, Place: 2*i + 1},
			}
			feed(l, append(strike, report(i)...))
		}
		return l.Finish()
	}
	say := func(p, q model.ProcessID, place int32) model.Record {
		return model.Record{Kind: model.Suspected, Process: p, Peer: q, Failure: model.Partition, Place: place}
	}
	for _, tt := range []struct {
		name   string
		report func(int32) []model.Record
		groups int
		bits   float64
	}{
		{"nothing", func(int32) []model.Record { return nil }, 1, 0},
		{"the same", func(int32) []model.Record { return []model.Record{say(0, 1, 0)} }, 1, 0},
		{"the order does not matter", func(i int32) []model.Record {
			two := []model.Record{say(0, 1, 0), say(1, 0, 0)}
			if i%2 == 0 {
				slices.Reverse(two)
			}
			return two
		}, 1, 0},
		{"halves", func(i int32) []model.Record { return []model.Record{say(0, model.ProcessID(1+i/4), 0)} }, 2, 1},
		{"how certain", func(i int32) []model.Record {
			r := say(0, 1, 0)
			r.Certainty = model.Certainty(500 + 10*(i%4))
			return []model.Record{r}
		}, 4, 2},
		{"whether it is expected", func(i int32) []model.Record {
			r := say(0, 1, 0)
			r.Warning = i%2 == 0
			return []model.Record{r}
		}, 2, 1},
		{"the place", func(i int32) []model.Record { return []model.Record{say(0, 1, i+1)} }, 8, 3},
	} {
		got := run(tt.report)
		if got.Elements != 8 || got.Groups != tt.groups || math.Abs(got.Bits-tt.bits) > 1e-12 || got.Most != 3 || got.Smallest != 8/tt.groups {
			t.Errorf("%s: %+v, want %d groups and %v bits", tt.name, got, tt.groups, tt.bits)
		}
	}
}
