package qjump_test

import (
	"encoding/csv"
	"encoding/json"
	"math/big"
	"os"
	"strconv"
	"strings"
	"testing"

	"suspect/model"
	"suspect/network"
	"suspect/qjump"
)

func readCSV(t *testing.T, name string) []map[string]string {
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, line := range lines[1:] {
		row := make(map[string]string)
		for i, column := range lines[0] {
			row[column] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// integer reads a cell without a fraction; an empty one is 0.
func integer(t *testing.T, s string) int64 {
	if s == "" {
		return 0
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// agree tells whether a number that we wrote is that of a cell, which has twelve
// significant digits.
func agree(ours, cell string) bool {
	x, ok := new(big.Rat).SetString(ours)
	if !ok {
		return false
	}
	rounded, _ := new(big.Float).SetPrec(200).SetRat(x).MarshalText()
	f, _, _ := big.ParseFloat(string(rounded), 10, 200, big.ToNearestEven)
	a, _ := new(big.Rat).SetString(f.Text('g', 12))
	b, ok := new(big.Rat).SetString(cell)
	return ok && a.Cmp(b) == 0
}

// Every row of the independently computed parameter sets, the published ones among
// them: the numbers are exact, up to the twelve digits of those that do not end.
func TestParameterSets(t *testing.T) {
	outputs := strings.Fields("ser_us bound_nPR_us epoch_2nPR_us n_prime n_prime_floor level_epoch_us budget_bytes " +
		"rate_common_bps rate_perlevel_bps rate_common_capped_bps tight_spaced_f1_us tight_tumbling_f1_us " +
		"tight_spaced_plusL_f1_us spaced_plus2L_f1_us load_if_all_n_send")
	rows := readCSV(t, "qjump.csv")
	kinds := make(map[string]int)
	for _, row := range rows {
		kinds[row["kind"]]++
		rate, packet, f := network.BitRate(integer(t, row["R_bps"])), integer(t, row["P_bytes"]), integer(t, row["f"])
		if row["kind"] == "limiter" {
			epoch, err := model.ParseDuration(row["epoch_2nPR_us"] + "us")
			if err != nil {
				t.Fatal(err)
			}
			budget := qjump.Budget{Bytes: f * packet}
			got, err := budget.Rate(epoch)
			if err != nil || !agree(got.Decimal(), row["rate_common_bps"]) || budget.Bytes != integer(t, row["budget_bytes"]) {
				t.Errorf("%s: %v b/s, %v, want %s", row["id"], got.Decimal(), err, row["rate_common_bps"])
			}
			if capped := got.Capped(rate); !agree(capped.Decimal(), row["rate_common_capped_bps"]) {
				t.Errorf("%s: %v b/s, want %s", row["id"], capped.Decimal(), row["rate_common_capped_bps"])
			}
			continue
		}
		eps, err := model.ParseDuration(row["eps_us"] + "us")
		if err != nil {
			t.Fatal(err)
		}
		answer, err := qjump.Bound(qjump.Spec{
			Hosts: int(integer(t, row["n"])), Packet: int32(packet), Rate: rate, Epsilon: eps,
			Factors: []int{int(f)}, Frame: int32(integer(t, row["L_bytes"])),
		})
		if row["kind"] == "invalid" {
			variable := row["note"][strings.LastIndex(row["note"], ": ")+2:]
			variable = strings.TrimRight(variable, "<>=0123456789")
			if err == nil || !strings.Contains(err.Error(), variable+" = ") {
				t.Errorf("%s (%s): %v", row["id"], row["note"], err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", row["id"], err)
			continue
		}
		text, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		var keys map[string]any
		d := json.NewDecoder(strings.NewReader(string(text)))
		d.UseNumber()
		if err := d.Decode(&keys); err != nil {
			t.Fatal(err)
		}
		for _, column := range outputs {
			if got, _ := keys[column].(json.Number); !agree(string(got), row[column]) {
				t.Errorf("%s: %s = %v, want %s", row["id"], column, got, row[column])
			}
		}
		bound, err1 := qjump.FanIn(answer.Hosts, answer.Packet, rate, eps)
		epoch, err2 := qjump.Epoch(answer.Hosts, answer.Packet, rate, eps)
		if err1 != nil || err2 != nil || !agree(micro(bound), row["bound_nPR_us"]) || !agree(micro(epoch), row["epoch_2nPR_us"]) {
			t.Errorf("%s: %v and %v, want %s and %s us", row["id"], bound, epoch, row["bound_nPR_us"], row["epoch_2nPR_us"])
		}
	}
	if kinds["formula"] < 20 || kinds["limiter"] < 20 || kinds["invalid"] < 1 {
		t.Errorf("the file has too few rows: %v", kinds)
	}
}

func micro(d model.Duration) string { return big.NewRat(int64(d), 1_000_000).FloatString(6) }

// What is no class table is refused, with the reason.
func TestRefused(t *testing.T) {
	good := qjump.Spec{Hosts: 12, Packet: 256, Rate: 10 * network.Gbps, Factors: []int{1, 4}, Frame: 1518}
	if _, err := qjump.Bound(good); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change func(*qjump.Spec)
		want   string
	}{
		{func(s *qjump.Spec) { s.Hosts = 0 }, "n = 0 hosts"},
		{func(s *qjump.Spec) { s.Hosts = -3 }, "n = -3 hosts"},
		{func(s *qjump.Spec) { s.Packet = 0 }, "P = 0 bytes"},
		{func(s *qjump.Spec) { s.Rate = 0 }, "R = 0 b/s"},
		{func(s *qjump.Spec) { s.Epsilon = -1 }, "eps = -1ps"},
		{func(s *qjump.Spec) { s.Factors = []int{0} }, "f = 0: a throughput factor is at least 1"},
		{func(s *qjump.Spec) { s.Factors = []int{13} }, "f = 13 with n = 12 hosts"},
		{func(s *qjump.Spec) { s.Factors = nil }, "no throughput factor"},
		{func(s *qjump.Spec) { s.Factors = []int{4, 1} }, "the smaller factor needs the higher priority"},
		{func(s *qjump.Spec) { s.Factors = []int{1, 1, 1, 1, 1, 1, 1, 1, 1} }, "9 levels: 802.1Q has 8 priorities"},
		{func(s *qjump.Spec) { s.Frame = -1 }, "L = -1 bytes"},
		{func(s *qjump.Spec) { s.Switches = -1 }, "h = -1 switches"},
		{func(s *qjump.Spec) { s.Limiter = 7 }, "there is no limiter-kind(7)"},
		{func(s *qjump.Spec) { s.Semantics = 7 }, "there is no semantics(7)"},
		{func(s *qjump.Spec) { s.Hosts, s.Rate = 1<<20, 1 }, "passes the range of time"},
	} {
		s := good
		c.change(&s)
		if _, err := qjump.Bound(s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// Without eps each fully used level is half a link, so two of them fit; levels with fewer
// senders count for less.
func TestAdmission(t *testing.T) {
	table := qjump.Table{Hosts: 24, Packet: 256, Rate: 10 * network.Gbps}
	for i, f := range []int{1, 2, 3, 4, 6, 8, 12, 24} {
		table.Levels = append(table.Levels, qjump.Level{Priority: model.Priority(7 - i), Factor: f})
	}
	for _, c := range []struct {
		levels  int
		senders []int
		load    string
		full    int
		ok      bool
	}{
		{1, nil, "0.5", 1, true},
		{2, nil, "1", 2, true},
		{3, nil, "1.5", 3, false},
		{8, nil, "4", 8, false},
		{3, []int{12, 12, 2}, "0.875", 1, true}, // (12*1 + 12*2 + 2*3) / 48
		{2, []int{24, 13}, "1", 2, true},        // no more than n/f are counted
	} {
		part := table
		part.Levels = table.Levels[:c.levels]
		if a := part.Admission(c.senders); a.Load.Decimal() != c.load || a.FullyUsed != c.full || a.OK != c.ok {
			t.Errorf("%d levels, senders %v: load %s, %d fully used, %v", c.levels, c.senders, a.Load.Decimal(), a.FullyUsed, a.OK)
		}
	}
	// An epoch for each level: n = 64, P = 64 B, eps = 100 us, f = 32 sends one packet
	// in 100.2048 us from two hosts.
	table = qjump.Table{
		Hosts: 64, Packet: 64, Rate: 10 * network.Gbps, Epsilon: 100 * model.Microsecond,
		Semantics: qjump.EpochPerLevel, Levels: []qjump.Level{{Priority: 7, Factor: 32}},
	}
	want := new(big.Rat).Quo(big.NewRat(2*512, 1), big.NewRat(1002048, 1))
	if a := table.Admission(nil); a.Load.Cmp(want) != 0 {
		t.Errorf("load %v, want %v", a.Load, want)
	}
}

func TestDecimal(t *testing.T) {
	for _, c := range []struct{ number, want string }{
		{"0", "0"}, {"1", "1"}, {"-1/2", "-0.5"}, {"1/3", "0.333333333333"}, {"-1/3", "-0.333333333333"},
		{"1/3000", "0.000333333333333"}, {"2/3", "0.666666666667"}, {"1000000000001/3", "333333333334"},
		{"100/3", "33.3333333333"}, {"-100/3", "-33.3333333333"}, {"1/1024", "0.0009765625"}, {"123456789012345678/10", "12345678901234567.8"},
	} {
		var r qjump.Rational
		r.SetString(c.number)
		if got := r.Decimal(); got != c.want {
			t.Errorf("%s is written %s, want %s", c.number, got, c.want)
		}
	}
}
