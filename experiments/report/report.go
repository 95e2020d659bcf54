package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strconv"

	"suspect/experiments/figure"
	"suspect/experiments/run"
	"suspect/model"
)

// Names of files in a report.
const (
	// ProvenanceFile tells what was run. Its presence marks a report.
	ProvenanceFile = "provenance.json"
	// MachineFile tells where and how long; it alone differs between two reports
	// of the same scenario, seed and version.
	MachineFile = "machine.json"
)

// Input is what a report is made of.
type Input struct {
	Results *run.Results
	// Scenario is the resolved scenario, as YAML.
	Scenario []byte
	// Worst is the worst mistake of any detector, explained; nil when there was none.
	Worst *run.Explanation
	// Latency is what there is to say about latency bounds; nil without QJUMP.
	Latency *Latency
	// Machine goes to [MachineFile].
	Machine Machine
}

// Machine tells where and when a report was made: what is no result.
type Machine struct {
	Finished      string  `json:"finished"` // RFC 3339
	WallSeconds   float64 `json:"wall_seconds"`
	Workers       int     `json:"workers"`
	Processors    int     `json:"processors"`
	System        string  `json:"system"`
	HopsPerSecond float64 `json:"hops_per_second"`
}

// Worst returns the longest mistake of all detectors, the first of several as long;
// ok is false when there was none.
func Worst(r *run.Results) (detector string, mistake run.Episode, ok bool) {
	for _, d := range r.Detectors {
		e := d.Mistakes.Longest
		if e != nil && (!ok || e.Until.Sub(e.From) > mistake.Until.Sub(mistake.From)) {
			detector, mistake, ok = d.Name, *e, true
		}
	}
	return detector, mistake, ok
}

// Files returns the files of a report, in a fixed order and with fixed bytes.
func Files(in Input) []File {
	r := in.Results
	files := []File{
		{"report.md", nil},
		{"results.json", JSON(r)},
		{"scenario.yaml", in.Scenario},
		{"detectors.csv", detectorsCSV(r)},
		{"properties.csv", propertiesCSV(r)},
		{"mistakes.csv", mistakesCSV(r)},
		{"detection.csv", detectionCSV(r)},
		{"latency.csv", latencyCSV(r)},
	}
	var figures figureSet
	if ds := latencyDistributions(r); len(ds) > 0 {
		figures.latency = true
		files = append(files, File{"latency.svg", latencyFigure("Packet latency", ds)})
	}
	if ds := detectionDistributions(r); len(ds) > 0 {
		figures.detection = true
		files = append(files, File{"detection.svg", detectionFigure("Detection time", ds)})
	}
	if in.Worst != nil {
		files = append(files, File{"worst-mistake.svg", swimlaneFigure(worstTitle(in.Worst), in.Worst)})
	}
	if in.Latency != nil {
		files = append(files, LatencyFiles(in.Latency)...)
	}
	files = append(files, File{ProvenanceFile, provenance(r)}, File{MachineFile, JSON(in.Machine)})
	files[0].Data = page(in, figures)
	return files
}

type figureSet struct{ latency, detection bool }

func worstTitle(x *run.Explanation) string {
	m := x.Mistake
	return Printable(fmt.Sprintf("The worst mistake: %s at %s suspected %s for %s",
		figure.Shorten(x.Detector, 24), figure.Shorten(m.Monitor, 16), figure.Shorten(m.Peer, 16), lasted(&m)))
}

// JSON returns v as indented JSON with a final line break.
func JSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic("report: " + err.Error()) // NaN or an unsupported type: our bug
	}
	return b.Bytes()
}

// provenance returns what it takes to run the same again and to tell that it was
// the same.
func provenance(r *run.Results) []byte {
	return JSON(struct {
		run.Provenance
		ReplicationHashes []string `json:"replication_hashes"`
	}{r.Provenance, r.Replications.Hashes})
}

func latencyDistributions(r *run.Results) []distribution {
	var ds []distribution
	for _, l := range latencies(r) {
		ds = append(ds, spreadDistribution(l.name, l.Spread, l.Count))
	}
	return nonEmpty(ds)
}

func detectionDistributions(r *run.Results) []distribution {
	var ds []distribution
	for _, d := range r.Detectors {
		ds = append(ds, spreadDistribution(d.Name, d.Detection.Time, due(d.Detection)))
	}
	return nonEmpty(ds)
}

func spreadDistribution(name string, s run.Spread, total int64) distribution {
	d := distribution{name, figure.Distribution{Total: total}}
	for _, p := range s.CDF {
		d.Values = append(d.Values, p.Value.Seconds())
		d.Below = append(d.Below, p.Count)
	}
	return d
}

// nonEmpty returns ds, or nil where none has a value: there is nothing to draw.
func nonEmpty(ds []distribution) []distribution {
	for _, d := range ds {
		if len(d.Values) > 0 {
			return ds
		}
	}
	return nil
}

// csvFile returns a CSV file. Cells that hold names must have gone through csvText.
func csvFile(header []string, rows [][]string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write(header)
	w.WriteAll(rows) // a bytes.Buffer takes everything
	return b.Bytes()
}

// due returns the number of pairs of a crash and a monitor that was to see it, and had the
// time to.
func due(d run.Detection) int64 { return d.Detected + d.Missed + d.Undetected }

func picoseconds(d model.Duration) string { return strconv.FormatInt(int64(d), 10) }

func count(n int64) string { return strconv.FormatInt(n, 10) }

// optional writes a number so that it reads back as the same, or nothing.
func optional(f *float64) string {
	if f == nil {
		return ""
	}
	return strconv.FormatFloat(*f, 'g', -1, 64)
}

func ends(i *run.Interval) (low, high string) {
	if i == nil {
		return "", ""
	}
	return optional(&i.Low), optional(&i.High)
}

func meanCells(m run.Mean) []string {
	cells := []string{"", "", ""}
	if m.Mean != nil {
		cells[0] = picoseconds(*m.Mean)
	}
	if m.Interval != nil {
		cells[1], cells[2] = picoseconds(m.Interval.Low), picoseconds(m.Interval.High)
	}
	return cells
}

func detectorsCSV(r *run.Results) []byte {
	header := []string{"detector", "use", "detected", "missed", "undetected", "too_late",
		"detection_mean_ps", "detection_low_ps", "detection_high_ps", "detection_p50_ps", "detection_p99_ps", "detection_max_ps",
		"mistakes", "mistake_rate_per_s", "rate_low_per_s", "rate_high_per_s",
		"recurrence_mean_ps", "recurrence_low_ps", "recurrence_high_ps",
		"duration_mean_ps", "duration_low_ps", "duration_high_ps",
		"accuracy", "accuracy_low", "accuracy_high", "messages_per_s", "bytes_per_s"}
	var rows [][]string
	for _, d := range r.Detectors {
		x, m := d.Detection, d.Mistakes
		row := []string{csvText(d.Name), csvText(d.Use), count(x.Detected), count(x.Missed), count(x.Undetected), count(x.TooLate)}
		row = append(row, meanCells(x.Mean)...)
		if x.Time.Count > 0 {
			row = append(row, picoseconds(x.Time.P50), picoseconds(x.Time.P99), picoseconds(x.Time.Max))
		} else {
			row = append(row, "", "", "")
		}
		low, high := ends(rateInterval(m))
		row = append(row, count(m.Count), optional(m.Rate), low, high)
		row = append(row, meanCells(m.Recurrence)...)
		row = append(row, meanCells(m.Duration)...)
		low, high = ends(m.AccuracyInterval)
		row = append(row, optional(m.Accuracy), low, high, optional(&d.Cost.MessagesPerSecond), optional(&d.Cost.BytesPerSecond))
		rows = append(rows, row)
	}
	return csvFile(header, rows)
}

func propertiesCSV(r *run.Results) []byte {
	var rows [][]string
	for _, p := range judgements(r) {
		rows = append(rows, []string{csvText(p.detector), csvText(propertyName(p.Property)), p.Outcome, strconv.Itoa(p.Checked),
			strconv.Itoa(p.Held), strconv.Itoa(p.Violated), strconv.Itoa(p.Undecided), strconv.Itoa(p.Vacuous), csvText(p.Reason)})
	}
	return csvFile([]string{"detector", "property", "outcome", "exercised", "held", "violated", "undecided", "vacuous", "reason"}, rows)
}

func mistakesCSV(r *run.Results) []byte {
	var rows [][]string
	for _, d := range r.Detectors {
		for _, p := range d.Mistakes.Pairs {
			rows = append(rows, []string{csvText(d.Name), csvText(p.Monitor), csvText(p.Peer), count(p.Count), picoseconds(p.Longest)})
		}
	}
	return csvFile([]string{"detector", "monitor", "suspected", "mistakes", "longest_ps"}, rows)
}

func detectionCSV(r *run.Results) []byte {
	var rows [][]string
	for _, d := range r.Detectors {
		for _, p := range d.Detection.Time.CDF {
			rows = append(rows, []string{csvText(d.Name), picoseconds(p.Value), count(p.Count), count(due(d.Detection))})
		}
	}
	return csvFile([]string{"detector", "detection_time_ps", "detected_by_then", "due"}, rows)
}

func latencyCSV(r *run.Results) []byte {
	var rows [][]string
	for _, l := range latencies(r) {
		for _, p := range l.CDF {
			rows = append(rows, []string{l.kind, strconv.Itoa(l.Priority), picoseconds(p.Value), count(p.Count), count(l.Count)})
		}
	}
	return csvFile([]string{"packets", "priority", "latency_ps", "at_or_below", "delivered"}, rows)
}
