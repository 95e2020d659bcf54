package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/experiments/run"
	"suspect/model"
)

var update = flag.Bool("update", false, "write the golden files anew")

func files(t *testing.T) map[string][]byte {
	t.Helper()
	r, x := sample()
	all := make(map[string][]byte)
	for _, f := range Files(Input{Results: r, Scenario: []byte("name: crash under load\n"), Worst: x, Latency: sampleLatency(), Machine: Machine{Workers: 2}}) {
		all[f.Name] = f.Data
	}
	return all
}

// The golden pages guard the wording; the numbers in them are those of the sample,
// which was made by hand.
func TestGoldenPages(t *testing.T) {
	r, _ := sample()
	var text bytes.Buffer
	if err := Text(&text, r); err != nil {
		t.Fatal(err)
	}
	pages := map[string][]byte{"page.txt": text.Bytes(), "report.md": files(t)["report.md"]}
	promised := sampleLatency()
	promised.Results, promised.Slowest, promised.Counterexamples, promised.NoExample = nil, nil, nil, nil
	var bound bytes.Buffer
	if err := BoundText(&bound, promised); err != nil {
		t.Fatal(err)
	}
	pages["bound.txt"], pages["bound.md"] = bound.Bytes(), LatencyFiles(promised)[0].Data
	for _, name := range []string{LatencyFile, "levels.csv", "ports.csv", "flows.csv", "detectors.csv", "properties.csv", "mistakes.csv", "detection.csv"} {
		pages[name] = files(t)[name]
	}
	for name, got := range pages {
		path := filepath.Join("testdata", "golden", name)
		if *update {
			if err := os.WriteFile(path, got, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestFilesAreTheSameEveryTime(t *testing.T) {
	a, b := files(t), files(t)
	for name := range a {
		if !bytes.Equal(a[name], b[name]) {
			t.Errorf("%s came out with other bytes", name)
		}
	}
}

// A run without crashes, mistakes and messages leaves sections and figures out.
func TestEmptyResults(t *testing.T) {
	r := &run.Results{Provenance: run.Provenance{Scenario: "nothing"}, Outcome: run.AsExpected,
		Detectors: []run.Detector{{Name: "idle"}}}
	for _, f := range Files(Input{Results: r}) {
		if strings.HasSuffix(f.Name, ".svg") {
			t.Errorf("there is a figure %s of nothing", f.Name)
		}
		if f.Name == "report.md" && bytes.Contains(f.Data, []byte(".svg")) {
			t.Errorf("the page shows a figure that is not there:\n%s", f.Data)
		}
	}
	if err := Text(io.Discard, r); err != nil {
		t.Error(err)
	}
}

func TestEveryFigureAndFileIsOnThePage(t *testing.T) {
	all := files(t)
	pages := append(all["report.md"], all[LatencyFile]...)
	for name := range all {
		if strings.HasSuffix(name, ".svg") && !bytes.Contains(pages, []byte("]("+name+")")) {
			t.Errorf("no page shows %s", name)
		}
	}
	for _, m := range regexp.MustCompile(`\]\(([^)]*)\)`).FindAllSubmatch(pages, -1) {
		if _, ok := all[string(m[1])]; !ok {
			t.Errorf("a page links to %s, which is not there", m[1])
		}
	}
}

// A truncated or capped run says so where nobody can miss it.
func TestWarnings(t *testing.T) {
	r, _ := sample()
	r.Outcome = run.Inconclusive
	r.Replications.Stopped = run.StoppedCap
	r.Replications.Measure, r.Replications.Precision, r.Replications.Wanted = "mistake-rate", pointer(0.3), pointer(0.05)
	r.Replications.Truncated = &run.Truncation{Replication: 1, At: model.Time(3 * model.Second), Reason: "the budget of events is spent"}
	r.Conservation.Outcome, r.Conservation.Reason = "violated", "one packet is missing"
	var b bytes.Buffer
	if err := Text(&b, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Inconclusive: 2 of 3 expectations met",
		"replication 1 ended at 3s: the budget of events is spent",
		"depends on the machine",
		"half-width is 30% of the mean, wanted 5%",
		"This is a bug",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page does not say %q:\n%s", want, b.String())
		}
	}
}

func TestJSONFiles(t *testing.T) {
	all := files(t)
	r, _ := sample()
	var back run.Results
	if err := json.Unmarshal(all["results.json"], &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(JSON(r), JSON(back)); d != "" {
		t.Errorf("results.json does not read back as what it was made of:\n%s", d)
	}
	var p map[string]any
	if err := json.Unmarshal(all[ProvenanceFile], &p); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"suspect", "seed", "scenario_hash", "stream_hash", "replication_hashes"} {
		if p[key] == nil {
			t.Errorf("%s lacks %q", ProvenanceFile, key)
		}
	}
}

// The CSV files tell the same as the results, line by line.
func TestCSVFiles(t *testing.T) {
	all := files(t)
	r, _ := sample()
	rows := func(name string) []map[string]string {
		records, err := csv.NewReader(bytes.NewReader(all[name])).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var out []map[string]string
		for _, rec := range records[1:] {
			m := make(map[string]string)
			for i, cell := range rec {
				m[records[0][i]] = cell
			}
			out = append(out, m)
		}
		return out
	}
	latency := rows("latency.csv")
	var want []run.CDFPoint
	want = append(want, r.MessageLatency[0].CDF...)
	want = append(want, r.TrafficLatency[0].CDF...)
	if len(latency) != len(want) {
		t.Fatalf("latency.csv has %d rows, want %d", len(latency), len(want))
	}
	for i, row := range latency {
		if row["latency_ps"] != strconv.FormatInt(int64(want[i].Value), 10) || row["at_or_below"] != strconv.FormatInt(want[i].Count, 10) {
			t.Errorf("latency.csv row %d: %v, want %v", i, row, want[i])
		}
	}
	d := rows("detectors.csv")
	if d[0]["mistakes"] != "12" || d[0]["detection_max_ps"] != "14900000000" || d[1]["undetected"] != "10" || d[1]["rate_high_per_s"] != "0.00183" || d[0]["too_late"] != "1" {
		t.Errorf("detectors.csv: %v", d)
	}
}

// What a stranger may write into a scenario, and what must not come out where.
var hostile = "=cmd|'/c calc'!A0\x1b[2J\x07\u202e|<script>alert(1)</script>\n# h1 [x](javascript:y) `c` */../../etc/passwd"

func TestHostileNames(t *testing.T) {
	r, x := sample()
	r.Provenance.Scenario, r.Provenance.About = hostile, hostile
	for i := range r.Detectors {
		d := &r.Detectors[i]
		d.Name, d.Use, d.Source = hostile, hostile, hostile
		d.Params = []run.Param{{Name: "x", Value: hostile}}
		d.Claims = []run.Claim{{Class: "P", Under: hostile}}
		for j := range d.Properties {
			d.Properties[j].Reason, d.Properties[j].Property = hostile, hostile
			d.Properties[j].Witness = []string{hostile}
		}
		for j := range d.Mistakes.Pairs {
			d.Mistakes.Pairs[j].Monitor = hostile
		}
	}
	r.Conservation.Reason = hostile
	for i := range r.Properties {
		p := &r.Properties[i]
		p.Name, p.Property, p.Reason, p.Witness = hostile, hostile+"=", hostile, []string{hostile}
	}
	x.Detector, x.Mistake.Monitor, x.Mistake.Peer, x.Text = hostile, hostile, hostile, []string{hostile}
	var text bytes.Buffer
	if err := Text(&text, r); err != nil {
		t.Fatal(err)
	}
	promised := sampleLatency()
	promised.Results, promised.Guarantee = r, r.Guarantee
	hostileGuarantee(promised)
	if err := BoundText(&text, promised); err != nil {
		t.Fatal(err)
	}
	all := Files(Input{Results: r, Worst: x, Latency: promised})
	all = append(all, File{"text", text.Bytes()})
	for _, f := range all {
		control := "\x1b\x07\u202e"
		if filepath.Ext(f.Name) == ".json" {
			control = "\x1b\x07" // the rest is for whoever shows it
		}
		if bytes.ContainsAny(f.Data, control) {
			t.Errorf("%s holds control characters", f.Name)
		}
		switch filepath.Ext(f.Name) {
		case ".md":
			for _, line := range strings.Split(string(f.Data), "\n") {
				if strings.HasPrefix(line, "    ") {
					continue // a code block
				}
				for _, bad := range []string{"<script", " [x](", " `c`"} {
					if strings.Contains(line, bad) {
						t.Errorf("%s holds %q: %s", f.Name, bad, line)
					}
				}
				if strings.HasPrefix(line, "# h1") {
					t.Errorf("%s has a heading of the stranger's", f.Name)
				}
			}
			for _, line := range strings.Split(string(f.Data), "\n") {
				if strings.HasPrefix(line, "|") && !strings.HasSuffix(line, "|") {
					t.Errorf("%s has a broken table row: %s", f.Name, line)
				}
			}
		case ".csv":
			records, err := csv.NewReader(bytes.NewReader(f.Data)).ReadAll()
			if err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
			for _, rec := range records {
				for _, cell := range rec {
					if strings.HasPrefix(cell, "=") {
						t.Errorf("%s has a formula: %s", f.Name, cell)
					}
				}
			}
		case ".svg":
			wellFormed(t, f.Name, f.Data)
		}
	}
}

// hostileGuarantee gives all that has a name in a report on latency bounds a hostile one.
func hostileGuarantee(x *Latency) {
	x.Source.Scenario = hostile
	g := x.Guarantee
	for i := range g.Assumptions {
		g.Assumptions[i].Text, g.Assumptions[i].Why = hostile, hostile
	}
	for i := range g.Levels {
		l := &g.Levels[i]
		if l.Withdrawn != "" {
			l.Withdrawn = hostile
		}
		if l.Bound == nil {
			l.Refused = hostile
		}
		m := x.measured(i)
		for j := range m.Ports {
			m.Ports[j].From, m.Ports[j].To = hostile, hostile
		}
		for j := range m.Flows {
			m.Flows[j].From, m.Flows[j].To = hostile, hostile
		}
	}
	for i := range g.Ports {
		g.Ports[i].From, g.Ports[i].To = hostile, hostile
	}
	for i := range g.Flows {
		g.Flows[i].From, g.Flows[i].To = hostile, hostile
	}
	x.Slowest.Packet.From, x.Slowest.Packet.To = hostile, hostile
	for i := range x.Slowest.Ports {
		x.Slowest.Ports[i].From, x.Slowest.Ports[i].To = hostile, hostile
	}
	for i := range x.Worst {
		w := &x.Worst[i]
		w.Receiver, w.Notes = hostile, []string{hostile}
		for j := range w.Sends {
			w.Sends[j].From, w.Sends[j].To = hostile, hostile
		}
		for j := range w.Phases {
			w.Phases[j].Host = hostile
		}
	}
	for _, c := range x.Counterexamples {
		c.Text = hostile
	}
	x.NoExample = []string{hostile}
}

func wellFormed(t *testing.T, name string, data []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(data))
	for {
		token, err := d.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Errorf("%s is not XML: %v", name, err)
			return
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "script" {
			t.Errorf("%s has a script", name)
		}
	}
}

func FuzzEscapes(f *testing.F) {
	f.Add(hostile)
	f.Add("")
	f.Add("..")
	f.Add("\xff\xfe")
	f.Fuzz(func(t *testing.T, s string) {
		name := FileName(s)
		if name == "" || len(name) > 64 || strings.ContainsAny(name, "/\\. \x00") || name[0] == '-' {
			t.Errorf("FileName(%q) = %q", s, name)
		}
		line := Printable(s)
		if strings.ContainsAny(line, "\n\r\t\x1b\u202e\u200b") {
			t.Errorf("Printable(%q) = %q", s, line)
		}
		if cell := csvText(s); cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
			t.Errorf("csvText(%q) = %q", s, cell)
		}
		// In Markdown what is left of s stands behind backslashes or entities.
		md := markdown(s)
		for i, r := range md {
			if strings.ContainsRune("`*_[]|<>", r) && (i == 0 || md[i-1] != '\\') {
				t.Errorf("markdown(%q) = %q", s, md)
			}
		}
	})
}

func TestDuration(t *testing.T) {
	for _, c := range []struct {
		d    model.Duration
		want string
	}{
		{0, "0s"},
		{1, "1ps"},
		{999, "999ps"},
		{1000, "1ns"},
		{51200, "51.2ns"},
		{1234567, "1.235us"},
		{999_949_999, "999.9us"},
		{999_950_000, "1ms"}, // to four digits, 1000us
		{24 * model.Second, "24s"},
		{-3 * model.Millisecond, "-3ms"},
		{3600 * model.Second, "3600s"},
	} {
		if got := Duration(c.d); got != c.want {
			t.Errorf("Duration(%d) = %q, want %q", c.d, got, c.want)
		}
	}
}

// Every duration is off by at most half of its fourth digit.
func FuzzDuration(f *testing.F) {
	f.Add(int64(999_950_000))
	f.Add(int64(1234567))
	f.Fuzz(func(t *testing.T, ps int64) {
		if ps < 0 || ps > int64(model.MaxTime) {
			t.Skip()
		}
		text := Duration(model.Duration(ps))
		back, err := model.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(float64(back)-float64(ps)) > 0.0005001*float64(ps) {
			t.Errorf("Duration(%d) = %s, off by more than 0.05%%", ps, text)
		}
	})
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Count(0), "0"}, {Count(999), "999"}, {Count(1000), "1,000"}, {Count(1234567), "1,234,567"},
		{number(0), "0"}, {number(0.00012345), "0.0001234"}, {number(1234.5), "1234"}, {number(3.14159), "3.142"},
		{share(0.5), "50%"}, {share(0.99998), "99.9980%"}, {share(1 - 7.14e-5), "99.9929%"}, {share(1), "100%"}, {share(3384.58), "338,458%"}, {share(0), "0%"},
		{byteCount(77000), "77 kB"}, {byteCount(12), "12 B"},
		{Plural(1, "crash", "crashes"), "1 crash"}, {Plural(2, "crash", "crashes"), "2 crashes"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// The ends of both intervals are chosen one by one.
func TestRateInterval(t *testing.T) {
	in := func(low, high float64) *run.Interval { return &run.Interval{Low: low, High: high} }
	for _, c := range []struct{ exact, replicated, want *run.Interval }{
		{nil, nil, nil}, {in(1, 2), nil, in(1, 2)}, {nil, in(1, 2), in(1, 2)}, {in(1, 2), in(0, 3), in(0, 3)}, {in(0, 3), in(1, 2), in(0, 3)},
		{in(1, 5), in(0, 3), in(0, 5)},
	} {
		got := rateInterval(run.Mistakes{RateExact: c.exact, RateReplicated: c.replicated})
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("of %v and %v (-want +got):\n%s", c.exact, c.replicated, d)
		}
	}
}

// A page claims no more of crashes than can be known.
func TestUnseen(t *testing.T) {
	interval := &run.Interval{Low: 0, High: 0.3085, Confidence: 0.95}
	for _, c := range []struct {
		d    run.Detection
		want string
	}{
		{run.Detection{Detected: 3}, ""},
		{run.Detection{Detected: 3, DecidedAfter: pointer(30 * ms), Unseen: &run.Unseen{Of: 1}}, ""},
		{run.Detection{Detected: 30, DecidedAfter: pointer(30 * ms), Unseen: &run.Unseen{Of: 10, Interval: interval}},
			"in 0 of the 10 replications with a crash of 30ms or longer some monitor did not suspect it at its end; 0% to 30.85% of such replications (95% interval of Clopper and Pearson)"},
		{run.Detection{Detected: 2, DecidedAfter: pointer(30 * ms), TooLate: 1, TooLateAge: ms},
			"1 pair of a crash and a monitor is too late to tell: not suspected when the run ended, 1ms after the crash or less"},
		{run.Detection{TooLate: 2, TooLateAge: ms},
			"2 pairs of a crash and a monitor are too late to tell: not suspected when the run ended, 1ms after the crash or less, and no crash was seen from which to know how long it takes (the scenario may say: judge.detect_within)"},
	} {
		if got := strings.Join(unseen(&c.d), "\n"); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// What a machine's limit truncated is not promised to come out again, nor taken as met.
func TestTruncatedByTheMachine(t *testing.T) {
	const same, others = "come out with the same bytes", "the results may be others"
	for _, reproducible := range []bool{true, false} {
		r, _ := sample()
		r.Outcome = run.Inconclusive
		r.Expectations = []run.Expectation{{Property: "strong-accuracy", Detector: "hasty", Expected: "violated", Found: "violated", Met: reproducible}}
		r.Replications.Truncated = &run.Truncation{Reproducible: reproducible}
		page := string(Files(Input{Results: r})[0].Data)
		if strings.Contains(page, same) != reproducible || strings.Contains(page, others) == reproducible || !strings.Contains(page, "by suspect 0.1.0") {
			t.Errorf("reproducible %v:\n%s", reproducible, page)
		}
		if strings.Contains(page, "| undecided |") == reproducible {
			t.Errorf("reproducible %v: expectations\n%s", reproducible, page)
		}
	}
}

func TestIdenticalReplications(t *testing.T) {
	for _, c := range []struct {
		distinct int
		want     string
	}{
		{1, "nothing is random"}, {4, "Only 4 of the 10 replications differ"}, {10, ""},
	} {
		r, _ := sample()
		r.Replications.Count, r.Replications.Distinct = 10, c.distinct
		w := warnings(r)
		if c.want == "" && len(w) > 0 || c.want != "" && (len(w) != 1 || !strings.Contains(w[0], c.want)) {
			t.Errorf("%d of 10: %q", c.distinct, w)
		}
	}
}
