package command_test

import (
	"encoding/csv"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// issueBound is a network of 64 hosts as flags.
var issueBound = []string{"bound", "--hosts", "64", "--packet", "256B", "--rate", "10Gbps", "--epsilon", "1us", "--factor", "1", "--frame", "1518B"}

// eightLevels is a network of 1000 hosts with as many levels as there can be.
var eightLevels = []string{"bound", "--hosts", "1000", "--packet", "1500B", "--rate", "10Gbps", "--epsilon", "10us", "--factor", "1,2,3,4,5,6", "--factor", "7", "--factor", "1000", "--frame", "1518B"}

// demoNetwork is the network that comes with Saihu, whose results are published.
func demoNetwork(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../qjump/calculus/testdata/saihu-demo.json")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// boundJSON runs bound and returns its answer, with numbers as they were written.
func boundJSON(t *testing.T, args ...string) map[string]any {
	t.Helper()
	code, stdout, stderr := suspect(t, t.TempDir(), append(args, "--format", "json")...)
	if code != 0 || stderr != "" {
		t.Fatalf("%v: exit code %d: %s", args, code, stderr)
	}
	d := json.NewDecoder(strings.NewReader(stdout))
	d.UseNumber()
	var answer map[string]any
	if err := d.Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func fraction(t *testing.T, v any) *big.Rat {
	t.Helper()
	text, _ := v.(string)
	if n, ok := v.(json.Number); ok {
		text = n.String()
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("%v is no number", v)
	}
	return r
}

// near tells whether a and b differ by no more than 1e-11 of b: vectors have twelve
// digits.
func near(a, b *big.Rat) bool {
	d := new(big.Rat).Sub(a, b)
	limit := new(big.Rat).Mul(new(big.Rat).Abs(b), big.NewRat(1, 100_000_000_000))
	return d.Abs(d).Cmp(limit) <= 0
}

// The outputs of the independently computed rows are there under their names, and no
// row of kind invalid is answered.
func TestBoundVectors(t *testing.T) {
	f, err := os.Open("../../qjump/testdata/qjump.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	kinds := make(map[string]int)
	for _, line := range lines[1:] {
		row := make(map[string]string)
		for i, column := range lines[0] {
			row[column] = line[i]
		}
		kinds[row["kind"]]++
		args := []string{"bound", "--hosts", row["n"], "--packet", row["P_bytes"] + "B", "--rate", row["R_bps"] + "bps",
			"--epsilon", row["eps_us"] + "us", "--factor", row["f"]}
		switch row["kind"] {
		case "invalid":
			code, stdout, stderr := suspect(t, t.TempDir(), args...)
			if code != 64 || stdout != "" || !strings.Contains(stderr, "eps = -1us: processing takes no negative time") {
				t.Errorf("%s: exit code %d: %s%s", row["id"], code, stdout, stderr)
			}
		case "formula":
			answer := boundJSON(t, append(args, "--frame", row["L_bytes"]+"B")...)
			for i := 8; i < len(line)-1; i++ { // from ser_us on, without the note
				if got := fraction(t, answer[lines[0][i]]); !near(got, fraction(t, line[i])) {
					t.Errorf("%s: %s = %v, want %s", row["id"], lines[0][i], answer[lines[0][i]], line[i])
				}
			}
		}
	}
	if kinds["formula"] < 15 || kinds["invalid"] < 1 {
		t.Errorf("the file has too few rows: %v", kinds)
	}
}

// The command of the manual. Its numbers by hand: P/R = 2048/10 ns, L/R = 12144/10 ns.
// A proved bound is not below the delay n*P/R + 2*L/R + eps, which an adversary reaches.
func TestBoundLevels(t *testing.T) {
	answer := boundJSON(t, issueBound...)
	for key, want := range map[string]string{
		"schema_version": "1", "n": "64", "P_bytes": "256", "R_bps": "10000000000", "eps_us": "1", "L_bytes": "1518", "f": "1", "priority": "7",
		"ser_us": "0.2048", "bound_nPR_us": "14.1072", "epoch_2nPR_us": "27.2144", "tight_tumbling_f1_us": "27.0096",
		"tight_spaced_plusL_f1_us": "15.3216", "spaced_plus2L_f1_us": "16.536",
	} {
		if fraction(t, answer[key]).Cmp(fraction(t, want)) != 0 {
			t.Errorf("%s = %v, want %s", key, answer[key], want)
		}
	}
	bound := answer["bound"].(map[string]any)
	if d := fraction(t, bound["delay_ps"]); d.Cmp(big.NewRat(16_536_000, 1)) < 0 || bound["status"] != "proved" {
		t.Errorf("the bound is %v", bound)
	}

	_, stdout, _ := suspect(t, t.TempDir(), issueBound...)
	golden(t, "bound-issue.txt", stdout)
	for _, want := range []string{"14.1072 us", "27.2144 us", "64 hosts", "1518 bytes", "75.254277"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	_, stdout, _ = suspect(t, t.TempDir(), append(issueBound, "--format", "json")...)
	golden(t, "bound-issue.json", stdout)
}

// Levels whose load is too large have a reason in place of a bound, and the answer
// comes at once.
func TestBoundWithoutGuarantee(t *testing.T) {
	began := time.Now()
	code, stdout, _ := suspect(t, t.TempDir(), eightLevels...)
	if took := time.Since(began); took > time.Second {
		t.Errorf("1000 hosts and eight levels took %v", took)
	}
	golden(t, "bound-levels.txt", stdout)
	if code != 0 || strings.Count(stdout, "  none  ") != 2*6 || !strings.Contains(stdout, "NOT ADMITTED") {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
	levels := boundJSON(t, eightLevels...)["levels"].([]any)
	for i, l := range levels {
		level := l.(map[string]any)
		_, bound := level["bound"]
		_, refused := level["bound_refused"]
		// A full level is E/2 of each E = 2nP/R + eps, and two are below one: 2*1200/2410.
		if bound != (i < 2) || refused == bound {
			t.Errorf("level %d: %v", i, level)
		}
	}
	if len(levels) != 8 {
		t.Errorf("%d levels", len(levels))
	}
	// The other flags come through.
	_, stdout, _ = suspect(t, t.TempDir(), "bound", "--hosts", "24", "--packet", "256B", "--rate", "10Gbps", "--factor", "1,2,3", "--limiter", "fixed-window", "--semantics", "epoch-per-level", "--switches", "3")
	if !strings.Contains(stdout, "fixed-window, epoch-per-level") || !strings.Contains(stdout, "3 switches") || !strings.Contains(stdout, "none: nothing is sent below") {
		t.Error(stdout)
	}
}

// The published results of the demo network (Saihu), in microseconds there. What is
// not proved is called a comparison wherever it is printed.
func TestBoundNetwork(t *testing.T) {
	text, err := os.ReadFile("../../qjump/calculus/testdata/saihu-demo-results.json")
	if err != nil {
		t.Fatal(err)
	}
	var published struct {
		Flows   map[string]map[string]json.Number `json:"flow_e2e_delay"`
		Servers map[string]map[string]json.Number `json:"server_delay"`
	}
	if err := json.Unmarshal(text, &published); err != nil {
		t.Fatal(err)
	}
	demo := demoNetwork(t)
	micro := big.NewRat(1, 1_000_000)
	for _, c := range []struct{ tool, analysis, multiplexing, status string }{
		{"DNC_SFA", "sfa", "fifo", "comparison"},
		{"DNC_PMOO", "pmoo", "blind", "proved"},
		{"xTFA_TFA", "tfa++", "fifo", "proved"},
	} {
		answer := boundJSON(t, "bound", "--network", demo, "--analysis", c.analysis, "--multiplexing", c.multiplexing, "--without-branches")
		if answer["status"] != c.status || answer["time_unit"] != "s" || answer["data_unit"] != "bit" {
			t.Errorf("%s: %v", c.analysis, answer)
		}
		count := 0
		check := func(kind, name string, want map[string]map[string]json.Number) {
			list, _ := answer[kind].([]any)
			for _, x := range list {
				count++
				b := x.(map[string]any)
				us := new(big.Rat).Mul(fraction(t, want[b[name].(string)][c.tool]), micro)
				if !near(fraction(t, b["delay"]), us) {
					t.Errorf("%s: %v, published %v", c.analysis, b, us)
				}
				for _, key := range []string{"delay", "backlog"} {
					if !near(fraction(t, b[key+"_decimal"]), fraction(t, b[key])) {
						t.Errorf("%s: %s and its decimal differ: %v", c.analysis, key, b)
					}
				}
			}
		}
		check("flows", "flow", published.Flows)
		check("servers", "server", published.Servers)
		if want := map[string]int{"tfa++": 6}[c.analysis]; count != max(want, 3) {
			t.Errorf("%s: %d bounds", c.analysis, count)
		}
	}

	// 23960/399 us, exactly.
	flows := boundJSON(t, "bound", "--network", demo, "--analysis", "sfa", "--multiplexing", "fifo", "--without-branches")["flows"].([]any)
	if d := fraction(t, flows[1].(map[string]any)["delay"]); d.Cmp(new(big.Rat).Mul(big.NewRat(23960, 399), micro)) != 0 {
		t.Errorf("f1 has %v", d)
	}

	_, stdout, _ := suspect(t, filepath.Dir(demo), "bound", "--network", "saihu-demo.json", "--analysis", "sfa", "--multiplexing", "fifo")
	golden(t, "bound-sfa.txt", stdout)
	if !strings.Contains(stdout, "COMPARISON ONLY") || strings.Contains(stdout, "at most") || strings.Contains(stdout, "bounds hold") {
		t.Errorf("what is not proved looks like a guarantee:\n%s", stdout)
	}
	_, stdout, _ = suspect(t, filepath.Dir(demo), "bound", "--network", "saihu-demo.json") // asks for input shaping
	golden(t, "bound-tfa.txt", stdout)
	_, stdout, _ = suspect(t, filepath.Dir(demo), "bound", "--network", "saihu-demo.json", "--analysis", "sfa", "--multiplexing", "fifo", "--format", "json")
	golden(t, "bound-sfa.json", stdout)
}

// twoPorts returns the text of a network with two ports and two flows of the given rate,
// the first from s0 to s1 and the other on the given path.
func twoPorts(rate, path string) string {
	return `{"network": {"name": "two ports", "arrival_curve": {"bursts": [25], "rates": [` + rate + `]}},
 "servers": [{"name": "s0", "service_curve": {"latencies": [10], "rates": [10]}}, {"name": "s1", "service_curve": {"latencies": [10], "rates": [10]}}],
 "flows": [{"name": "f0", "path": ["s0", "s1"]}, {"name": "f1", "path": ` + path + `}]}`
}

func TestBoundExitCodes(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"good.json": twoPorts("4", `["s0", "s1"]`), "full.json": twoPorts("5", `["s0", "s1"]`),
		"overload.json": twoPorts("6", `["s0", "s1"]`), "cyclic.json": twoPorts("4", `["s1", "s0"]`),
		"unknown.json": twoPorts("4", `["s0", "s7"]`), "broken.json": "{\n\"network\": [",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	with := func(flags ...string) []string { return append(issueBound[:len(issueBound):len(issueBound)], flags...) }
	file := func(name string, flags ...string) []string {
		return append([]string{"bound", "--network", name}, flags...)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{file("good.json", "--analysis", "sfa-counting"), 0, "sfa-counting under fifo multiplexing, proved"},
		{file("good.json", "--multiplexing", "blind"), 0, "tfa under blind multiplexing, proved"},
		{file("good.json", "--multiplexing", "blind"), 0, "multiplexing is blind, as asked for: the file says fifo"},
		{file("full.json", "--multiplexing", "blind"), 0, "none"}, // a full server need never become empty

		{[]string{"bound"}, 64, "needs --hosts"},
		{[]string{"bound", "--hosts", "64", "--rate", "1Gbps"}, 64, "needs --packet"},
		{[]string{"bound", "ports.json"}, 64, "goes with --network"},
		{with("--network", "good.json"), 64, "--hosts does not go with --network"},
		{file("good.json", "--factor", "2"), 64, "--factor does not go with --network"},
		{with("--analysis", "sfa"), 64, "--analysis is for a network from a file: add --network FILE"},
		{with("--without-branches"), 64, "add --network FILE"},
		{with("--hosts", "0"), 64, "n = 0 hosts"},
		{with("--packet", "0B"), 64, "P = 0 bytes"},
		{with("--packet", "256"), 64, "write --packet 256B"},
		{with("--packet", "9packets"), 64, "not a size in bytes"},
		{with("--packet", "3GiB"), 64, "up to 2 GiB"},
		{with("--frame", "-1B"), 64, "not a size in bytes"},
		{with("--rate", "0bps"), 64, "above zero"},
		{with("--rate", "10"), 64, "no unit"},
		{with("--epsilon", "1"), 64, "no unit"},
		{with("--factor", "0"), 64, "a throughput factor is at least 1"},
		{with("--factor", "65"), 64, "f = 65 with n = 64 hosts"},
		{with("--factor", "4", "--factor", "2"), 64, "the smaller factor needs the higher priority"},
		{with("--factor", "2,3,4,5,6,7,8,9"), 64, "802.1Q has 8 priorities"},
		{with("--switches", "0"), 64, "there is one at least"},
		{with("--limiter", "token-bucket"), 64, "minimum-spacing"},
		{with("--semantics", "other"), 64, "common-epoch or epoch-per-level"},
		{with("--fram", "1B"), 64, `did you mean "--frame"?`},
		{file("good.json", "--analysis", "sfaa"), 64, `did you mean "sfa"?`},
		{file("good.json", "--multiplexing", "lifo"), 64, "fifo or blind"},
		{file("good.json", "--analysis", "pmoo"), 64, "add --multiplexing blind"},

		{file("none.json"), 65, "none.json"},
		{file("."), 65, "is a directory"},
		{file("broken.json"), 65, "broken.json:2:"},
		{file("unknown.json"), 65, `unknown.json:3:80: flows[1].path[1]: "s7" is no server`},
		{file("overload.json"), 65, `server "s0": flows f0, f1 with a rate of 12 together`},
		{file("cyclic.json"), 65, "in a cycle"},
	} {
		code, stdout, stderr := suspect(t, dir, c.args...)
		if code != c.code || !strings.Contains(stdout+stderr, c.want) || code != 0 && stdout != "" {
			t.Errorf("%v: exit code %d, want %d and %q:\n%s%s", c.args, code, c.code, c.want, stdout, stderr)
		}
	}
	flow := boundJSON(t, "bound", "--network", filepath.Join(dir, "full.json"), "--multiplexing", "blind")["flows"].([]any)[0].(map[string]any)
	if decimal, there := flow["delay_decimal"]; flow["delay"] != "inf" || decimal != nil || !there {
		t.Errorf("a flow without bound: %v", flow)
	}
}
