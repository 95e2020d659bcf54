package calculus

import (
	"encoding/csv"
	"math/big"
	"os"
	"strings"
	"testing"
)

func rat(t testing.TB, s string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("%q is no number", s)
	}
	return r
}

func bucket(t testing.TB, rate, burst string) Arrival {
	t.Helper()
	a, err := NewArrival(Bucket{Rate: rat(t, rate), Burst: rat(t, burst)})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func rateLatency(t testing.TB, rate, latency string) Service {
	t.Helper()
	s, err := NewService(RateLatency{Rate: rat(t, rate), Latency: rat(t, latency)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// network reads the notation of the vector file: servers name=R:T, flows
// name=r:b:path with > between servers.
func network(t testing.TB, servers, flows string) Network {
	t.Helper()
	var n Network
	for _, s := range strings.Fields(servers) {
		name, curve, _ := strings.Cut(s, "=")
		rate, latency, _ := strings.Cut(curve, ":")
		n.Servers = append(n.Servers, Server{Name: name, Service: rateLatency(t, rate, latency)})
	}
	for _, f := range strings.Fields(flows) {
		name, rest, _ := strings.Cut(f, "=")
		part := strings.Split(rest, ":")
		n.Flows = append(n.Flows, Flow{Name: name, Arrival: bucket(t, part[0], part[1]), Path: strings.Split(part[2], ">")})
	}
	return n
}

func analyse(t testing.TB, n Network, a Analysis, m Multiplexing) Result {
	t.Helper()
	r, err := Analyse(n, a, m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func flowBound(t testing.TB, r Result, name string) FlowBound {
	t.Helper()
	for _, f := range r.Flows {
		if f.Flow == name {
			return f
		}
	}
	t.Fatalf("no flow %s", name)
	return FlowBound{}
}

// vectors returns the rows of the vector file whose id begins with the prefix, by column.
func vectors(t testing.TB, prefix string, atLeast int) []map[string]string {
	t.Helper()
	f, err := os.Open("testdata/bounds.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, values := range all[1:] {
		if strings.HasPrefix(values[0], prefix) {
			row := map[string]string{}
			for i, v := range values {
				row[all[0][i]] = v
			}
			rows = append(rows, row)
		}
	}
	if len(rows) < atLeast {
		t.Fatalf("%d rows %s, want at least %d", len(rows), prefix, atLeast)
	}
	return rows
}

var multiplexings = map[string]Multiplexing{"ARB": Blind, "FIFO": FIFO}

// The values of NetCal DNC's functional tests, delay and backlog, to the last digit.
func TestDNC(t *testing.T) {
	for _, row := range vectors(t, "dnc-", 100) {
		r := analyse(t, network(t, row["servers"], row["flows"]), Analysis(strings.ToLower(row["analysis"])), multiplexings[row["mux"]])
		b := flowBound(t, r, row["flow"])
		if b.Delay.String() != row["delay"] || b.Backlog.String() != row["backlog"] {
			t.Errorf("%s %s, %s of %s under %s: delay %v and backlog %v, want %s and %s", row["id"], row["network"],
				row["analysis"], row["flow"], row["mux"], b.Delay, b.Backlog, row["delay"], row["backlog"])
		}
	}
}

// The rows of the published Saihu results, exactly, on the curves that the rows give.
func TestSaihuRows(t *testing.T) {
	checked := 0
	for _, row := range vectors(t, "saihu-", 12) {
		if strings.HasPrefix(row["id"], "saihu-elp") {
			continue // a linear program of another tool, for comparison only
		}
		n := network(t, row["servers"], row["flows"])
		analysis := Analysis(strings.ToLower(row["analysis"]))
		if strings.HasPrefix(row["analysis"], "TFA + input shaping C=100") {
			analysis = TFAShaped
			for i := range n.Servers {
				n.Servers[i].Capacity = big.NewRat(100, 1)
			}
		}
		r := analyse(t, n, analysis, multiplexings[row["mux"]])
		var got Bound
		if strings.HasPrefix(row["flow"], "s") {
			for _, s := range r.Servers {
				if s.Server == row["flow"] {
					got = s.Delay
				}
			}
		} else {
			got = flowBound(t, r, row["flow"]).Delay
		}
		if got.String() != row["delay"] {
			t.Errorf("%s: %v, want %s", row["id"], got, row["delay"])
		}
		checked++
	}
	if checked < 10 {
		t.Errorf("only %d rows", checked)
	}
}

// The strict-priority rows: classic and refined bounds of a port.
func TestPriorityRows(t *testing.T) {
	for _, row := range vectors(t, "sp-", 7) {
		var rate, lower string
		for _, f := range strings.Fields(row["servers"]) {
			if s, ok := strings.CutPrefix(f, "port="); ok {
				rate, _, _ = strings.Cut(s, ":")
			}
			if s, ok := strings.CutPrefix(f, "Llow="); ok {
				lower = s
			}
		}
		class := map[string]Arrival{}
		var length *big.Rat
		for _, f := range strings.Fields(row["flows"]) {
			name, rest, _ := strings.Cut(f, "=")
			part := strings.Split(rest, ":")
			class[name] = bucket(t, part[0], part[1])
			if len(part) > 2 {
				length = rat(t, strings.TrimPrefix(part[2], "l="))
			}
		}
		higher := NoArrival()
		if row["flow"] == "M" {
			higher = class["H"]
		}
		port := Port{Rate: rat(t, rate), LowerFrame: rat(t, lower)}
		var got Bound
		var err error
		if strings.Contains(row["analysis"], "-l)") {
			got, err = port.DelayOfFrame(class[row["flow"]], higher, length)
		} else {
			got, err = port.Delay(class[row["flow"]], higher)
		}
		if err != nil || got.String() != row["delay"] {
			t.Errorf("%s: %v, %v, want %s", row["id"], got, err, row["delay"])
		}
	}
}
