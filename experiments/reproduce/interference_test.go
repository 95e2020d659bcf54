package reproduce

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"suspect/experiments/apps"
	"suspect/model"
	"suspect/network"
)

func withPings(t *testing.T, pings string) model.Params {
	t.Helper()
	s, _ := Lookup("interference")
	p, errs := model.NewParams(s.Params, map[string]string{"pings": pings})
	if errs != nil {
		t.Fatal(errs)
	}
	return p
}

// interferenceRun is a short run, by two workers.
var interferenceRun = sync.OnceValues(func() ([]trialRow, error) {
	s, _ := Lookup("interference")
	p, errs := model.NewParams(s.Params, map[string]string{"pings": "300"})
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	return interferenceRows(context.Background(), Options{Seed: 7, Params: p, Workers: 2})
})

// A short run agrees, and is that of the seed, whatever the number of workers.
func TestInterference(t *testing.T) {
	rows, err := interferenceRun()
	if err != nil {
		t.Fatal(err)
	}
	two := interferenceDocument(rows)
	two.complete()
	if !two.Agrees || two.count(NotComparable) != 3 || len(two.Tables) != 2 || len(two.Tables[0].Rows) != 16 || len(two.Figures) != 1 {
		t.Errorf("%d tables, %d figures, agrees %v:\n%s", len(two.Tables), len(two.Figures), two.Agrees, two.Text())
	}
	one := runNamed(t, "interference", Options{Seed: 7, Params: withPings(t, "300"), Workers: 1})
	page := func(d *Document) string {
		_, tables, _ := strings.Cut(d.Text(), "Round trips of ping")
		return tables
	}
	if page(one) == "" || page(one) != page(two) || !bytes.Equal(one.Figures[0].SVG, two.Figures[0].SVG) {
		t.Errorf("two workers found\n%s\none\n%s", two.Text(), one.Text())
	}
}

func TestInterferenceRefuses(t *testing.T) {
	s, _ := Lookup("interference")
	for _, pings := range []string{"299", "100000000000"} {
		_, err := Run(t.Context(), s, Options{Params: withPings(t, pings)})
		if _, ok := err.(*model.ParamError); !ok {
			t.Errorf("%s pings: %v", pings, err)
		}
	}
}

// The flows meet the applications where their names say: those of a switch queue share
// no host with them, but the way between their switches.
func TestMeetings(t *testing.T) {
	bed := interferenceBed()
	if errs := bed.Validate(); errs != nil {
		t.Fatal(errs)
	}
	above := func(h network.NodeID) network.NodeID {
		for _, l := range bed.Links {
			if l.A == h {
				return l.B
			}
		}
		t.Fatalf("h%d has no link", h)
		return 0
	}
	for _, app := range []*application{&pinging, &asking} {
		hosts := append([]model.ProcessID{app.server}, app.askers...)
		for _, f := range switchQueue.flows {
			if slices.Contains(hosts, model.ProcessID(f.from)) || slices.Contains(hosts, model.ProcessID(f.to)) {
				t.Errorf("%s: bulk from h%d to h%d shares a host", app.name, f.from, f.to)
			}
			for _, asker := range app.askers {
				if above(f.from) != above(network.NodeID(asker)) || above(f.to) != above(network.NodeID(app.server)) {
					t.Errorf("%s: bulk from h%d to h%d does not go the way of h%d", app.name, f.from, f.to, asker)
				}
			}
		}
	}
}

// With nobody else at its level, a request waits for one frame in transmission at each
// of the four ports in both directions, and for nothing more.
func TestBoundOfOnePing(t *testing.T) {
	got, err := pinging.bound(1, 1)
	if want := pinging.alone() + 8*bedRate.Transmission(bedFrame); err != nil || got != want {
		t.Errorf("the bound of one ping is %v (%v), want %v", got, err, want)
	}
	all, err := pinging.boundOfAll()
	if err != nil || all <= got {
		t.Errorf("the bound where all send is %v (%v), for one alone %v", all, err, got)
	}
}

// Where every other host sends to the server at the level of requests, as much as its
// limiter lets pass, a ping is later than with a frame at each port, and within the bound.
func TestBoundWhereAllSend(t *testing.T) {
	crowd := meeting{name: "a flood from every host", kind: flood}
	for h := range network.NodeID(bedHosts) {
		if h != 0 && h != 6 {
			crowd.flows = append(crowd.flows, bulkFlow{h, 6})
		}
	}
	bound, err := pinging.boundOfAll()
	if err != nil {
		t.Fatal(err)
	}
	m, err := (&trial{&pinging, &crowd, withQJump}).run(t.Context(), 1, 50*pingPeriod)
	if err != nil {
		t.Fatal(err)
	}
	if longest := m.quantile(1); longest > bound || longest <= pinging.alone() || m.dropped > 0 {
		t.Errorf("the longest of %d pings takes %v, and %d packets are dropped; the bound is %v", m.asked, longest, m.dropped, bound)
	}
}

// Four requests that come at one time wait for each other's service, which the bound
// counts, and for nothing that it does not.
func TestBoundOfASlowServer(t *testing.T) {
	slow := asking
	slow.service = 20 * model.Microsecond
	slow.ask = func(self, server model.ProcessID, bytes int32, p model.Priority) (model.Automaton, error) {
		return apps.NewPing(apps.PingConfig{Self: self, To: server, Period: model.Millisecond, Bytes: bytes, Priority: p})
	}
	bound, err := slow.bound(4, 1)
	if err != nil {
		t.Fatal(err)
	}
	m, err := (&trial{&slow, &bothWays, withQJump}).run(t.Context(), 1, 20*model.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if longest := m.quantile(1); longest > bound || longest < slow.alone()+3*slow.service-model.Microsecond {
		t.Errorf("the longest takes %v; the bound is %v, and alone it would be %v", longest, bound, slow.alone())
	}
}

// Each kind of check fails when what it is about does not hold.
func TestInterferenceCanDiffer(t *testing.T) {
	rows, err := interferenceRun()
	if err != nil {
		t.Fatal(err)
	}
	if d := interferenceDocument(rows); d.count(Differs) > 0 {
		t.Fatal(d.Text())
	}
	breaks := map[string]func(r *trialRow) bool{
		"alone takes longer": func(r *trialRow) bool {
			r.trips[0]++
			return r.place == &nothing
		},
		"no interference at hosts": func(r *trialRow) bool {
			for i := range r.trips {
				r.trips[i] = r.app.alone()
			}
			return r.place == &bothHosts && r.use == asBestEffort
		},
		"the shared queue is short": func(r *trialRow) bool {
			for i := range r.trips {
				r.trips[i] /= 100
			}
			return r.place == &switchQueue && r.use == asBestEffort
		},
		"the shared queue is not full": func(r *trialRow) bool {
			for i := range r.trips {
				r.trips[i] -= 5 * model.Microsecond
			}
			return r.place == &switchQueue && r.use == asBestEffort && r.app == &pinging
		},
		"one is late": func(r *trialRow) bool {
			r.trips[len(r.trips)-1] = r.bound + 1
			return r.use == withQJump
		},
		"two bounds are mixed up": func(r *trialRow) bool {
			r.bound, r.everyHost = r.everyHost, r.bound
			return r.use == withQJump
		},
		"QJUMP takes nothing": func(r *trialRow) bool {
			for i := range r.trips {
				r.trips[i] = r.app.alone()
			}
			return r.place == &switchQueue && r.use == withQJump
		},
		"a packet is dropped": func(r *trialRow) bool {
			r.dropped++
			return r.use == withQJump
		},
		"priority alone withstands a flood": func(r *trialRow) bool {
			for i := range r.trips {
				r.trips[i] = r.app.alone()
			}
			return r.place == &flooded && r.use == withPriority
		},
	}
	for name, change := range breaks {
		for i := range rows {
			broken := slices.Clone(rows)
			trips := *rows[i].roundTrips
			trips.trips = slices.Clone(trips.trips)
			broken[i].roundTrips = &trips
			if !change(&broken[i]) {
				continue
			}
			if interferenceDocument(broken).count(Differs) == 0 {
				t.Errorf("%s: nothing differs where %s beside %s is treated as %v", name, rows[i].app.name, rows[i].place.name, rows[i].use)
			}
		}
	}
}
