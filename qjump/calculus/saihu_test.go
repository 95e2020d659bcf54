package calculus

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"os"
	"strings"
	"testing"
)

func demo(t testing.TB) Saihu {
	t.Helper()
	text, err := os.ReadFile("testdata/saihu-demo.json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := ReadSaihu("saihu-demo.json", text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The published results of Saihu's demo network, from the file that it ships. They were
// computed without the multicast branch of that file.
func TestSaihuDemo(t *testing.T) {
	var published struct {
		Flows   map[string]map[string]float64 `json:"flow_e2e_delay"`
		Servers map[string]map[string]float64 `json:"server_delay"`
	}
	text, err := os.ReadFile("testdata/saihu-demo-results.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &published); err != nil {
		t.Fatal(err)
	}
	s := demo(t)
	if s.Multiplexing != FIFO || !s.Shaping() || len(s.Network.Flows) != 4 {
		t.Fatalf("%+v", s)
	}
	near := func(what string, got Bound, want float64) {
		t.Helper()
		us, _ := new(big.Rat).Mul(got.Rat(), big.NewRat(1e6, 1)).Float64()
		if !(math.Abs(us-want) <= 1e-9*want) {
			t.Errorf("%s: %v us, published %v", what, us, want)
		}
	}
	n := s.Network.WithoutBranches()
	for _, c := range []struct {
		tool string
		a    Analysis
		m    Multiplexing
	}{{"xTFA_TFA", TFAShaped, FIFO}, {"DNC_SFA", SFA, FIFO}, {"DNC_PMOO", PMOO, Blind}} {
		r := analyse(t, n, c.a, c.m)
		for _, f := range r.Flows {
			near(c.tool+" "+f.Flow, f.Delay, published.Flows[f.Flow][c.tool])
		}
		for _, v := range r.Servers {
			near(c.tool+" "+v.Server, v.Delay, published.Servers[v.Server][c.tool])
		}
	}
	// With the branch as a flow of its own every bound is at least as large.
	for _, a := range []Analysis{TFA, TFAShaped, SFACounting} {
		all, fewer := analyse(t, s.Network, a, FIFO), analyse(t, n, a, FIFO)
		for _, f := range fewer.Flows {
			if flowBound(t, all, f.Flow).Delay.Cmp(f.Delay) < 0 {
				t.Errorf("%s of %s falls with the branch", a, f.Flow)
			}
		}
	}
}

func TestSaihuUnits(t *testing.T) {
	s := demo(t)
	f0, f1, f2 := s.Network.Flows[0], s.Network.Flows[2], s.Network.Flows[3]
	// f0: 10 B at 10 kb/s and 2 kB at 0.5 in the flow's own unit, kb/s.
	if got := f0.Arrival.String(); got != "10000:80 500:16000" {
		t.Errorf("f0 %s", got)
	}
	if f1.Arrival.String() != "10000:80" || f1.MaxPacket.RatString() != "400" || f1.MinPacket.RatString() != "32" || f2.MaxPacket.RatString() != "400" {
		t.Errorf("%+v, %+v", f1, f2)
	}
	if b := s.Network.Flows[1]; b.Name != "f0/p1" || b.BranchOf != "f0" || strings.Join(b.Path, " ") != "s0-o0 s1-o1" {
		t.Errorf("branch %+v", b)
	}
	v := s.Network.Servers[0]
	if v.Service.String() != "4000000:1/100000 50000000:1/1000" || v.Capacity.RatString() != "100000000" {
		t.Errorf("server %s, %s", v.Service, v.Capacity.RatString())
	}
}

func TestSaihuRoundTrip(t *testing.T) {
	s := demo(t)
	s.Multiplexing = Blind
	first, err := s.Write()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ReadSaihu("again", first)
	if err != nil {
		t.Fatal(err)
	}
	second, err := again.Write()
	if err != nil || string(first) != string(second) {
		t.Errorf("%v\n%s\n%s", err, first, second)
	}
	if got, want := fmt.Sprint(flatten(again)), fmt.Sprint(flatten(s)); got != want {
		t.Errorf("read\n%s\nwrote\n%s", got, want)
	}
	s.Network.Flows[0].Arrival = bucket(t, "1/3", "1")
	if _, err := s.Write(); err == nil || !strings.Contains(err.Error(), "flow f0: 1/3") {
		t.Errorf("a third was written: %v", err)
	}
}

// flatten puts all of a network into comparable text.
func flatten(s Saihu) []string {
	text := []string{s.Network.Name, string(s.Multiplexing), fmt.Sprint(s.Options, s.Network.Packetizer)}
	for _, f := range s.Network.Flows {
		text = append(text, fmt.Sprintln(f.Name, f.Path, f.Arrival, f.MaxPacket, f.MinPacket, f.BranchOf))
	}
	for _, v := range s.Network.Servers {
		text = append(text, fmt.Sprintln(v.Name, v.Service, v.Capacity))
	}
	return text
}

func TestSaihuRefuses(t *testing.T) {
	const good = `{"network": {"name": "n"},
 "flows": [{"name": "f", "path": ["s"], "arrival_curve": {"bursts": [1], "rates": [1]}}],
 "servers": [{"name": "s", "service_curve": {"latencies": [0], "rates": [2]}}]}`
	if _, err := ReadSaihu("x", []byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"bursts": [1]`, `"bursts": ["1kBps"]`, `x:2:70: flows[0].arrival_curve.bursts[0]: "kBps" is no unit of data: use one such as b, B or kB`},
		{`"rates": [1]`, `"rates": [-1]`, "must not be negative"},
		{`"rates": [1]`, `"rates": [1, 2]`, "x:2:58: flows[0].arrival_curve: 1 bursts and 2 rates"},
		{`"rates": [1]`, `"rates": []`, "flows[0].arrival_curve.rates: a list with at least one item"},
		{`"rates": [1]`, `"rates": ["1e999999999"]`, "a number"},
		{`"rates": [1]`, `"rates": [true]`, "a number"},
		{`"rates": [2]`, `"rates": [0]`, "x:3:14: servers[0]: calculus: rate-latency curve 0: the rate must be positive"},
		{`"path": ["s"]`, `"path": ["t"]`, `x:2:35: flows[0].path[0]: "t" is no server`},
		{`"path": ["s"]`, `"path": ["s", "s"]`, "twice"},
		{`"path": ["s"]`, `"path": ["s"], "multicast": {}`, "flows[0].multicast: a list of branches"},
		{`"path": ["s"]`, `"path": ["s"], "colour": 1`, "flows[0].colour: unknown: the keys here are name, path"},
		{`"path": ["s"]`, `"path": ["s"], "name": "g"`, `x:2:41: "name" is given twice`},
		{`"name": "n"`, `"name": "n", "multiplexing": "fair"`, `network.multiplexing: "FIFO" or "ARBITRARY" is expected`},
		{`"name": "n"`, `"name": "n", "analysis_option": ["XX"]`, "network.analysis_option[0]: the options are IS"},
		{`"name": "n"`, `"name": "n", "packetizer": "no"`, "network.packetizer: true or false"},
		{`"name": "n"`, `"name": "n", "time_unit": "Mbps"`, "network.time_unit: no unit of time"},
		{`"name": "n"`, `"name": 3`, "network.name: a name in quotes"},
		{`{"name": "s", `, `{"capacity": 0, "name": "s", `, "servers[0].capacity: a line's capacity must be positive"},
		{`"flows": [{`, `"flows": [{"name": "f", "path": ["s"], "arrival_curve": {"bursts": [1], "rates": [1]}}, {`, `flows[1]: the name "f" is used twice`},
		{`]}}]}`, `]}}]} 1`, "goes on behind its end"},
		{`]}}]}`, ``, "not a JSON document: unexpected EOF"},
		{`"network": {"name": "n"},`, `"network": ` + strings.Repeat("[", 100), "nested too deeply"},
	} {
		text := strings.Replace(good, c.old, c.new, 1)
		s, err := ReadSaihu("x", []byte(text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v; want %s", c.new, s, err, c.want)
		}
	}
	// All errors are told at once.
	_, err := ReadSaihu("x", []byte(strings.NewReplacer(`["s"]`, `["t"]`, `"name": "n"`, `"name": ""`).Replace(good)))
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("not two errors: %v", err)
	}
	// A cycle and overload are for the analysis to tell.
	s, err := ReadSaihu("x", []byte(strings.Replace(good, `"rates": [1]`, `"rates": [3]`, 1)))
	if err != nil || !errors.Is(s.Network.Check(), ErrOverload) {
		t.Errorf("%v, %v", err, s.Network.Check())
	}
}

// No text makes the reader fail in another way than by an error; what it reads can
// be written and read again.
func FuzzSaihu(f *testing.F) {
	text, err := os.ReadFile("testdata/saihu-demo.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"network": {"name": "n", "service_curve": {"latencies": ["1ms"], "rates": ["1e3kbps"]}}, "flows": [{"name": "f", "path": ["s"], "arrival_curve": {"bursts": [1, 2.5], "rates": [1, "1Bpm"]}}], "servers": [{"name": "s"}]}`))
	f.Add([]byte(`[[[{"a": 1e99}]]]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ReadSaihu("fuzz", text)
		if err != nil {
			return
		}
		written, err := s.Write()
		if err != nil {
			return // no finite decimal form
		}
		again, err := ReadSaihu("again", written)
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		if fmt.Sprint(flatten(again)) != fmt.Sprint(flatten(s)) {
			t.Errorf("%v\n%v", flatten(s), flatten(again))
		}
		Analyse(s.Network, TFA, s.Multiplexing)
	})
}
