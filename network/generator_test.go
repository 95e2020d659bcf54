package network

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"suspect/model"
	"suspect/sim"
)

// newGenerator makes the arrivals of a generator as a scenario does.
func newGenerator(name string, t *Topology, given map[string]string) ([]Arrivals, error) {
	spec, ok := LookupGenerator(name)
	if !ok {
		return nil, fmt.Errorf("no generator %q", name)
	}
	p, errs := model.NewParams(spec.Params, given)
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	return spec.New(p, t)
}

func mustGenerator(tb testing.TB, name string, t *Topology, given map[string]string) []Arrivals {
	tb.Helper()
	all, err := newGenerator(name, t, given)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func TestGeneratorsAreRegistered(t *testing.T) {
	var names []string
	top := LeafSpine(3, 2, 2, testEdge, testCore)
	for _, s := range AllGenerators() {
		names = append(names, s.Name)
		if s.Source == "" || s.Doc == "" {
			t.Errorf("%s lacks something", s.Name)
		}
		taken := map[string]bool{}
		for _, a := range mustGenerator(t, s.Name, &top, nil) {
			if _, ok := LookupFault(a.Fault); !ok || taken[a.Name] || a.Name == "" {
				t.Errorf("%s: arrivals %q of fault %q", s.Name, a.Name, a.Fault)
			}
			taken[a.Name] = true
		}
	}
	want := []string{"bursty-loss", "cluster-first-year", "datacenter-devices", "lock-service-outages", "machine-rack", "partitions", "pauses", "wan-partitions"}
	if !slices.Equal(names, want) {
		t.Errorf("%q", names)
	}
	for _, s := range []GeneratorSpec{{Name: "hollow"}, {Name: "pauses", New: func(model.Params, *Topology) ([]Arrivals, error) { return nil, nil }}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a generator named %q could be registered", s.Name)
				}
			}()
			RegisterGenerator(s)
		}()
	}
}

func TestGeneratorErrors(t *testing.T) {
	fabric, pair := LeafSpine(2, 1, 2, testEdge, testCore), Star(2, testEdge)
	direct := newBuilder(2)
	direct.link(0, 1, testEdge)
	for _, c := range []struct {
		name  string
		top   *Topology
		given map[string]string
		want  string
	}{
		{"machine-rack", &fabric, map[string]string{"per_month": "0"}, `parameter "per_month": "0" is out of range: from 0.001 to 1e+06`},
		{"machine-rack", &fabric, map[string]string{"repair": "soon"}, `parameter "repair": "soon" is not a duration (write a number and a unit, as 10ms)`},
		{"machine-rack", &direct.Topology, nil, "the network has no switch: its faults strike racks and switches"},
		{"cluster-first-year", &fabric, map[string]string{"scale": "1800"}, `parameter "scale": "1800" is neither size nor published`},
		{"datacenter-devices", &direct.Topology, map[string]string{"scale": "x", "repair": "0s"},
			"the network has no switch: its faults strike racks and switches\nparameter \"scale\": \"x\" is neither size nor published\nparameter \"repair\": must not be zero"},
		{"wan-partitions", &fabric, map[string]string{"hardware": "100%"}, `parameter "hardware": must be above 0 and below 1`},
		{"partitions", &pair, nil, "a partial partition needs a third host, which reaches both sides"},
		{"lock-service-outages", &fabric, map[string]string{"process": "leaf0"}, `parameter "process": leaf0 is a switch; processes run on hosts`},
		{"bursty-loss", &fabric, map[string]string{"bad": "1"}, `parameter "bad": all slots would be bad`},
		{"bursty-loss", &fabric, map[string]string{"hops": "0"}, `parameter "hops": 0 is out of range: from 1 to 100`},
	} {
		_, err := newGenerator(c.name, c.top, c.given)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s %v:\n got %v\nwant %s", c.name, c.given, err, c.want)
		}
	}
	// What only a fault refuses is told before the run.
	n := newNetwork(t, 1, Config{Topology: fabric})
	err := n.Generate("bursts", mustGenerator(t, "bursty-loss", &fabric, map[string]string{"burst": "1"}))
	if want := `generator bursts, link: parameter "burst": 1 slots in a row are fewer than if slots were independent (at least 1.111 of 0.1)`; err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

// The rates are the published ones: what is expected in a year of 365 days, worked out from
// the sources by hand.
func TestPublishedRates(t *testing.T) {
	// 1800 servers in 45 racks of 40, under 4 routers.
	published := LeafSpine(45, 4, 40, testEdge, testCore)
	small := LeafSpine(3, 2, 6, testEdge, testCore) // a hundredth of the servers
	for _, c := range []struct {
		name  string
		top   *Topology
		given map[string]string
		want  map[string]float64 // in a year
	}{
		{"machine-rack", &small, nil, map[string]float64{"machine": 73, "rack": 73}}, // 6 in 30 days
		{"cluster-first-year", &published, nil, map[string]float64{
			"machine": 1000, "rack": 20, "lossy-rack": 5, "power-unit": 1, "maintenance": 4, "router-reload": 12, "router": 3, "overheating": 0.5}},
		{"cluster-first-year", &small, nil, map[string]float64{
			"machine": 10, "rack": 0.2, "lossy-rack": 0.05, "power-unit": 0.01, "maintenance": 0.04, "router-reload": 0.12, "router": 0.03, "overheating": 0.005}},
		{"cluster-first-year", &small, map[string]string{"scale": "published"}, map[string]float64{
			"machine": 1000, "rack": 20, "lossy-rack": 5, "power-unit": 1, "maintenance": 4, "router-reload": 12, "router": 3, "overheating": 0.5}},
		// One in 20 of the switches of racks fails, and one in 10 of the others: 45 and 4 of
		// them at the rates 0.051293 and 0.105361; links 40.8/5.2 times as often.
		{"datacenter-devices", &published, nil, map[string]float64{"rack-switch": 2.3081982, "aggregation-switch": 0.4214421, "link": 21.4171778}},
		{"datacenter-devices", &published, map[string]string{"scale": "published"}, map[string]float64{"rack-switch": 1604.95881, "aggregation-switch": 293.04119, "link": 14892}},
		{"wan-partitions", &small, map[string]string{"per_month": "30", "hardware": "20%"}, map[string]float64{"software": 292, "hardware": 73}},
		{"partitions", &small, map[string]string{"per_month": "30"}, map[string]float64{"complete": 251.85, "partial": 105.85, "one-way": 7.3}},
		{"lock-service-outages", &small, nil, map[string]float64{"outage": 365 * 61.0 / 700}},
		{"pauses", &small, map[string]string{"collections": "3", "migrations": "1"}, map[string]float64{"collection": 657, "migration": 219}},
		{"bursty-loss", &small, nil, map[string]float64{"link": 1}},
	} {
		got := map[string]float64{}
		for _, a := range mustGenerator(t, c.name, c.top, c.given) {
			got[a.Name] = a.Expected(Month) * 365 / 30
			if a.PerMonth == 0 {
				got[a.Name] = a.Expected(Month) // at the beginning of each run
			}
		}
		for name, want := range c.want {
			if math.Abs(got[name]-want) > 1e-6*want {
				t.Errorf("%s %v: %v of %s, want %v", c.name, c.given, got[name], name, want)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// The durations have the published quantiles, exactly, and means.
func TestPublishedDurations(t *testing.T) {
	top := LeafSpine(2, 2, 2, testEdge, testCore)
	const day = 24 * model.Hour
	// To a picosecond in a thousand seconds, as far as floats tell.
	quantile := func(d Durations, share float64) model.Duration {
		if q, ok := d.(sim.Quantiles); ok {
			return q.At(share)
		}
		x := d.(sim.Distribution)
		sigma := math.Log(float64(x.High)/float64(x.Low)) / distuv.UnitNormal.Quantile(0.95)
		return model.Duration(math.Round(float64(x.Low) * math.Exp(sigma*distuv.UnitNormal.Quantile(share))))
	}
	for _, c := range []struct {
		generator, arrivals string
		at                  map[float64]model.Duration
		mean                model.Duration // 0: not published
		within              float64
	}{
		// A lognormal distribution with the published median and 95 % quantile has a mean
		// of 5.6 minutes, beside the published 6.
		{"wan-partitions", "software", map[float64]model.Duration{0.5: 162 * model.Second, 0.95: 1194 * model.Second}, 338 * model.Second, 0.01},
		{"wan-partitions", "hardware", map[float64]model.Duration{0.5: 32 * model.Minute, 0.95: 37 * day / 10, 1: 4 * day}, 492 * model.Minute, 0.001},
		{"pauses", "collection", map[float64]model.Duration{1: 21700 * model.Millisecond}, 0, 0},
		{"pauses", "migration", map[float64]model.Duration{0.9: model.Second, 0.99: 5 * model.Second, 1: 30 * model.Second}, 0, 0},
		{"lock-service-outages", "outage", map[float64]model.Duration{52.0 / 61: 30 * model.Second}, 0, 0},
	} {
		for _, a := range mustGenerator(t, c.generator, &top, nil) {
			if a.Name != c.arrivals {
				continue
			}
			if q, ok := a.Lasts.(sim.Quantiles); ok {
				if err := q.Validate(); err != nil {
					t.Error(err)
				}
			}
			for share, want := range c.at {
				if got := quantile(a.Lasts, share); got-want > 5 || want-got > 5 {
					t.Errorf("%s, %s: %v at %v, want %v", c.generator, c.arrivals, got, share, want)
				}
			}
			if mean := a.Lasts.Average(); c.mean != 0 && math.Abs(float64(mean-c.mean)) > c.within*float64(c.mean) {
				t.Errorf("%s, %s: mean %v, want %v", c.generator, c.arrivals, mean, c.mean)
			}
		}
	}
	// The repair of devices: a median of 5 minutes, and the longest of a year of 46
	// failures a day, a share of 1 - 1/16790, takes a week, within the rounding of its
	// 95 % quantile to a minute; what is longer is cut.
	repair := mustGenerator(t, "datacenter-devices", &top, nil)[0].Lasts.(atMost)
	if got := quantile(repair.Durations, 1-1.0/16790); repair.Durations.(sim.Distribution).Low != 5*model.Minute || math.Abs(float64(got)/float64(7*day)-1) > 0.01 {
		t.Errorf("repairs: %+v, and %v for the longest of a year", repair.Durations, got)
	}
	if repair.longest != 7*day {
		t.Errorf("the longest repair is %v", repair.longest)
	}
	s := sim.NewStream(1, "repair")
	longest := model.Duration(0)
	for range 100_000 {
		longest = max(longest, repair.Sample(s))
	}
	if longest != 7*day {
		t.Errorf("the longest of 100000 repairs is %v", longest)
	}
}

// counted counts records by their kind.
type counted struct{ count [model.RecordKinds]int }

func (c *counted) observe(r *model.Record) { c.count[r.Kind]++ }

// inInterval tells whether a count is in the exact interval of a Poisson distribution
// that it misses once in a million times.
func inInterval(count int, mean float64) bool {
	p := distuv.Poisson{Lambda: mean}
	return p.CDF(float64(count)) > 5e-7 && 1-p.CDF(float64(count)-1) > 5e-7
}

// In twelve months faults come as often as is expected, and their targets are as told.
func TestGeneratedCounts(t *testing.T) {
	const months = 12
	top := LeafSpine(4, 2, 5, testEdge, testCore)
	for _, c := range []struct {
		name  string
		given map[string]string
		want  map[model.RecordKind]float64 // in a year of 360 days
	}{
		{"machine-rack", map[string]string{"repair": "1ms"}, map[model.RecordKind]float64{model.LinkWentDown: 2 * 72, model.SwitchWentDown: 72}},
		{"lock-service-outages", nil, map[model.RecordKind]float64{model.Crashed: 360 * 61.0 / 700}},
		{"partitions", map[string]string{"per_month": "100", "repair": "1ms"}, map[model.RecordKind]float64{
			// A complete one cuts two links in both directions, a one-way one in one.
			model.LinkWentDown: 1200 * (0.69*4 + 0.02*2),
		}},
		{"pauses", map[string]string{"collections": "10", "migrations": "1"}, map[model.RecordKind]float64{model.Paused: 20 * 12 * 11}},
	} {
		var all counted
		for month := range uint64(months) {
			n := newNetwork(t, month, Config{Topology: top})
			idle := func() model.Automaton { return &beats{next: model.Never} }
			for h := range model.ProcessID(top.Hosts) {
				n.Attach(h, 0, Panel{New: []func() model.Automaton{idle}, Detectors: []uint8{0}})
			}
			n.kernel.Records.Subscribe(model.AllKinds, all.observe)
			if err := n.Generate(c.name, mustGenerator(t, c.name, &top, c.given)); err != nil {
				t.Fatal(err)
			}
			run(t, n, model.Time(Month))
		}
		for kind, mean := range c.want {
			each := 1.0 // records of one fault
			if kind == model.LinkWentDown {
				each = 2
			}
			if !inInterval(int(float64(all.count[kind])/each), mean/each) {
				t.Errorf("%s: %d times %v, want about %v", c.name, all.count[kind], kind, mean)
			}
		}
	}
}

// The times of arrivals are those of a Poisson process: the time to the next one is
// exponential (its quartiles are drawn equally often), whatever is in force; each heals after
// its own time, on its own element.
func TestArrivals(t *testing.T) {
	top := Star(3, testEdge)
	n := newNetwork(t, 3, Config{Topology: top})
	var last model.Time
	var quartiles [4]int
	strikes, inForce := 0, 0
	a := []Arrivals{{
		Name: "crash", Fault: "host-crash", PerMonth: 720, Lasts: sim.Distribution{Mean: 2 * model.Hour},
		Target: func(s *sim.Stream) []map[string]string {
			if now := n.kernel.Now(); strikes > 0 { // the first draw is a rehearsal
				if since := now.Sub(last); last > 0 {
					quartiles[min(3, int(4*(1-math.Exp(-since.Seconds()/3600))))]++
				}
				last = now
			}
			strikes++
			for _, d := range n.hostDown {
				inForce += int(d)
			}
			return struck("host", random)(s)
		},
	}}
	if err := n.Generate("crashes", a); err != nil {
		t.Fatal(err)
	}
	run(t, n, model.Time(Month))
	if p := uniformity(quartiles[:]); p < 1e-3 {
		t.Errorf("quartiles %v", quartiles)
	}
	if !inInterval(strikes-1, 720) {
		t.Errorf("%d strikes, want about 720", strikes-1)
	}
	// One an hour that lasts two, as in a queue with as many servers as there are
	// customers: in force are as many as a Poisson distribution of mean 2 says, which an
	// arrival sees too.
	mean := float64(inForce) / float64(strikes-1)
	if math.Abs(mean-2) > 5*math.Sqrt(2*2*2.0/720) {
		t.Errorf("%v are in force when another one comes, want 2", mean)
	}
}

// Faults that strike together heal together: when all that came in three days has
// healed, everything is as before.
func TestGeneratedFaultsHeal(t *testing.T) {
	top := LeafSpine(4, 2, 5, testEdge, testCore)
	for _, spec := range AllGenerators() {
		n := newNetwork(t, 5, Config{Topology: top})
		idle := func() model.Automaton { return &beats{next: model.Never} }
		for h := range model.ProcessID(top.Hosts) {
			n.Attach(h, 0, Panel{New: []func() model.Automaton{idle}, Detectors: []uint8{0}})
		}
		run(t, n, 1)
		before := works(n)
		strikes, arrivals, broken := 0, 0, false
		for _, a := range mustGenerator(t, spec.Name, &top, nil) {
			if a.Lasts == nil {
				continue
			}
			arrivals++
			a.PerMonth = 300
			a.Lasts = atMost{a.Lasts, model.Hour}
			target := a.Target
			a.Target = func(s *sim.Stream) []map[string]string {
				if strikes++; n.kernel.Now() > model.Time(Month/10) {
					return nil // no more of them
				}
				drawn := target(s)
				kind, _ := LookupFault(a.Fault)
				for _, given := range drawn { // what a generator strikes with loses as its kind says
					if p, errs := model.NewParams(kind.Params, given); errs != nil || kind.LosesWith(p) != kind.Loses {
						t.Fatalf("%s strikes with %s %v, which loses: %v", spec.Name, a.Fault, given, errs)
					}
				}
				return drawn
			}
			if err := n.Generate(spec.Name, []Arrivals{a}); err != nil {
				t.Fatal(err)
			}
		}
		for when := range model.Time(24) {
			run(t, n, (when+1)*model.Time(Month/10)/24)
			broken = broken || works(n) != before
		}
		run(t, n, model.Time(Month/10+model.Hour))
		if works(n) != before {
			t.Errorf("%s: not as before:\n%s", spec.Name, works(n))
		}
		if strikes < 20*arrivals || arrivals > 0 && !broken && spec.Name != "pauses" { // seconds of three days

			t.Errorf("%s: %d strikes, broken: %v", spec.Name, strikes, broken)
		}
	}
}

// A power unit takes 500 to 1000 of 1800 servers, as whole racks beside each other; an
// overheating half of them or more.
func TestSharesOfACluster(t *testing.T) {
	top := LeafSpine(45, 4, 40, testEdge, testCore)
	for _, a := range mustGenerator(t, "cluster-first-year", &top, nil) {
		least, most := 0, 0
		switch a.Name {
		case "power-unit":
			least, most = 500-20, 1000+20 // half a rack more or less
		case "overheating":
			least, most = 900-20, 1800
		case "rack":
			least, most = 40, 40
		default:
			continue
		}
		s := sim.NewStream(1, a.Name)
		low, high := 1800, 0
		for range 500 {
			hosts := 0
			seen := map[string]bool{}
			for _, given := range a.Target(s) {
				if seen[given["switch"]] {
					t.Fatalf("%s takes %s twice", a.Name, given["switch"])
				}
				seen[given["switch"]] = true
				f := mustFault(t, a.Fault, &top, given).(powerFailure)
				hosts += top.hostsIn(f.nodes)
			}
			low, high = min(low, hosts), max(high, hosts)
		}
		if low < least || high > most || low > least+60 || high < most-60 {
			t.Errorf("%s takes %d to %d servers, want %d to %d", a.Name, low, high, least, most)
		}
	}
}

// A rack that loses packets does so on the links of its hosts, a maintenance on all links of a
// switch above the racks; reloads and failures of routers strike those too.
func TestTargetsOfACluster(t *testing.T) {
	top := LeafSpine(3, 2, 4, testEdge, testCore)
	s := sim.NewStream(1, "targets")
	struck := map[string]map[string]int{}
	for _, a := range mustGenerator(t, "cluster-first-year", &top, nil) {
		for range 50 {
			ends := map[string]int{}
			all := a.Target(s)
			for _, given := range all {
				if link, ok := given["link"]; ok {
					a, b, _ := strings.Cut(link, listSeparator)
					ends[a]++
					ends[b[:1]]++ // h or l, for hosts and leaves
					if given["probability"] != "50%" {
						t.Errorf("%v", given)
					}
				}
				if struck[a.Name] == nil {
					struck[a.Name] = map[string]int{}
				}
				struck[a.Name][given["switch"]]++
			}
			switch a.Name {
			case "lossy-rack":
				if len(all) != 4 || ends["h"] != 4 || len(ends) != 2 {
					t.Errorf("%s: %v", a.Name, all)
				}
			case "maintenance":
				if len(all) != 3 || ends["l"] != 3 || len(ends) != 2 {
					t.Errorf("%s: %v", a.Name, all)
				}
			}
		}
	}
	for name, want := range map[string]int{"rack": 3, "router": 2, "router-reload": 2} {
		if len(struck[name]) != want {
			t.Errorf("%s strikes %v", name, struck[name])
		}
		for at := range struck[name] {
			if strings.HasPrefix(at, "leaf") != (name == "rack") {
				t.Errorf("%s strikes %v", name, struck[name])
			}
		}
	}
}

// The shapes of partitions, seen from outside: who still reaches whom.
func TestShapesOfPartitions(t *testing.T) {
	top := LeafSpine(3, 2, 2, testEdge, testCore)
	s := sim.NewStream(1, "shapes")
	for _, a := range mustGenerator(t, "partitions", &top, nil) {
		for range 10 {
			n := newNetwork(t, 1, Config{Topology: top})
			for _, given := range a.Target(s) {
				f, err := newFault(a.Fault, &top, s, given)
				if err != nil {
					t.Fatal(err)
				}
				f.Strike(n)
			}
			m := reach(t, n, 0)
			oneWay, cut, everybody := 0, 0, 0
			for i := range m {
				if !strings.Contains(m[i], "#") {
					everybody++
				}
				for j := range m {
					if m[i][j] == '#' {
						cut++
						if m[j][i] != '#' {
							oneWay++
						}
					}
				}
			}
			switch a.Name {
			case "complete": // two hosts from four
				if cut != 16 || oneWay != 0 {
					t.Errorf("complete: %q", m)
				}
			case "one-way":
				if cut != 8 || oneWay != 8 {
					t.Errorf("one-way: %q", m)
				}
			case "partial":
				if oneWay != 0 || cut == 0 || everybody == 0 || cut > 8 {
					t.Errorf("partial: %q", m)
				}
			}
		}
	}
}

// On a path of several links the slots are bad as often as on one.
func TestBurstyLossOfAPath(t *testing.T) {
	top := Star(2, testEdge)
	for _, hops := range []string{"1", "4"} {
		a := mustGenerator(t, "bursty-loss", &top, map[string]string{"hops": hops})
		given := a[0].Target(nil)[0]
		f := mustFault(t, "link-bursts", &top, given).(linkBursts)
		k := float64(len(hops))
		fmt.Sscan(hops, &k)
		if got := 1 - math.Pow(1-f.bursts.Bad, k); math.Abs(got-0.1) > 1e-12 {
			t.Errorf("%s links: %v of the slots of a path are bad", hops, got)
		}
	}
}
