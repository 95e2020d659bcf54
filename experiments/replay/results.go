package replay

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"suspect/experiments/schema"
	"suspect/model"
	"suspect/properties"
)

// SchemaVersion is the version of the shape of [Results]. It grows when a field
// changes its meaning or goes away; new fields leave it as it is.
const SchemaVersion = 1

//go:embed results.go
var resultsSource string

// ResultsSchema returns the JSON Schema of [Results].
func ResultsSchema() []byte {
	return schema.Of("Results of suspect replay", &Results{}, resultsSource)
}

// Results are what a replay measured. Durations are in picoseconds in JSON, too.
// What does not exist, as the mean of nothing, is absent.
type Results struct {
	// SchemaVersion is the version of this document's shape.
	SchemaVersion int `json:"schema_version"`
	// Trace is its name.
	Trace string `json:"trace"`
	// Heartbeats counts those sent, with those that have no line in the trace.
	Heartbeats int64 `json:"heartbeats"`
	// Lost counts those that did not arrive.
	Lost int64 `json:"lost"`
	// Reordered counts those that arrived before one sent earlier.
	Reordered int64 `json:"reordered"`
	// Length is the time from the first sending to the last.
	Length model.Duration `json:"length_ps"`
	// Eta is the period of the sender: given, or estimated from the trace.
	Eta model.Duration `json:"eta_ps"`
	// EtaEstimated tells that Eta is an estimate.
	EtaEstimated bool `json:"eta_estimated"`
	// Lateness is how far behind the fitted schedule, a line below all sendings, the
	// sender was at the most.
	Lateness model.Duration `json:"lateness_max_ps"`
	// Delay is that of the heartbeats that arrived; absent where none did.
	Delay *Delays `json:"delay,omitempty"`
	// Detectors are in the order of the command line.
	Detectors []DetectorResult `json:"detectors"`
}

// Delays summarises durations. P50 and P99 are quantiles to within
// [properties.QuantileError]; the others are exact.
type Delays struct {
	Min  model.Duration `json:"min_ps"`
	Mean model.Duration `json:"mean_ps"`
	P50  model.Duration `json:"p50_ps"`
	P99  model.Duration `json:"p99_ps"`
	Max  model.Duration `json:"max_ps"`
}

// DetectorResult is what one detector did, in the metrics of Chen, Toueg and
// Aguilera (see [properties.QoS]).
type DetectorResult struct {
	// Name tells the detectors apart, Use is the algorithm, and Parameters are all of
	// its parameters.
	Name       string `json:"name"`
	Use        string `json:"use"`
	Parameters string `json:"parameters"`
	// Mistakes are the suspicions before the crash at the end.
	Mistakes int64 `json:"mistakes"`
	// MistakeRate is lambda_M, per second of the trace; absent where that has no length.
	MistakeRate *float64 `json:"mistakes_per_second,omitempty"`
	// MistakeDuration is the mean of T_M over the mistakes that ended; absent where
	// none did.
	MistakeDuration *model.Duration `json:"mistake_duration_mean_ps,omitempty"`
	// LongestMistake is the longest; absent without mistakes.
	LongestMistake *model.Duration `json:"mistake_duration_max_ps,omitempty"`
	// LongestOpen tells that the longest mistake was cut off by the crash.
	LongestOpen bool `json:"mistake_duration_max_open,omitempty"`
	// Recurrence is the mean of T_MR; absent for fewer than two mistakes.
	Recurrence *model.Duration `json:"mistake_recurrence_mean_ps,omitempty"`
	// QueryAccuracy is P_A; absent where the trace has no length.
	QueryAccuracy *float64 `json:"query_accuracy,omitempty"`
	// Detected tells whether the detector suspected the sender in the end, which
	// is taken to crash right after it sent the last heartbeat.
	Detected bool `json:"detected"`
	// DetectionTime is T_D of that crash, 0 where the detector suspected
	// already; absent where it was not detected.
	DetectionTime *model.Duration `json:"detection_time_ps,omitempty"`
	// Undetected tells why it was not detected.
	Undetected string `json:"undetected,omitempty"`

	// Quality has all that was measured.
	Quality *properties.Quality `json:"-"`
}

func (r *replayer) results(t Trace, isEstimated bool) *Results {
	s := r.survey
	sent := s.last.seq - s.first.seq + 1
	res := &Results{
		SchemaVersion: SchemaVersion,
		Trace:         t.Name,
		Heartbeats:    sent,
		Lost:          sent - s.received,
		Reordered:     s.reordered,
		Length:        model.Duration(s.last.sent-s.first.sent) * model.Nanosecond,
		Eta:           r.eta,
		EtaEstimated:  isEstimated,
		Lateness:      r.lateness,
	}
	if s.received > 0 {
		res.Delay = &Delays{s.delay.Min(), s.delay.Mean(), s.delay.Quantile(0.5), s.delay.Quantile(0.99), s.delay.Max()}
	}
	for _, s := range r.subjects {
		q := s.quality
		d := DetectorResult{
			Name: s.name, Use: s.use, Parameters: s.params.String(),
			Mistakes:        q.Mistakes,
			MistakeDuration: mean(&q.MistakeDuration),
			Recurrence:      mean(&q.Recurrence),
			Detected:        q.DetectionTime.Count() > 0,
			DetectionTime:   mean(&q.DetectionTime), // of the one crash
			Undetected:      s.gaveUp,
			Quality:         q,
		}
		if q.Mistakes > 0 {
			d.LongestMistake, d.LongestOpen = new(q.WorstMistake.Duration()), q.WorstMistake.Censored
		}
		if rate, ok := q.MistakeRate(); ok {
			d.MistakeRate = &rate
		}
		if share, ok := q.QueryAccuracy(); ok {
			d.QueryAccuracy = &share
		}
		res.Detectors = append(res.Detectors, d)
	}
	return res
}

// mean returns the mean of d, or nil where there is none.
func mean(d *properties.Durations) *model.Duration {
	if d.Count() == 0 {
		return nil
	}
	return new(d.Mean())
}

// show returns d rounded to four digits, for people.
func show(d model.Duration) string {
	scale := model.Duration(1)
	for d/scale >= 10_000 {
		scale *= 10
	}
	return ((d + scale/2) / scale * scale).String()
}

// WriteText writes r as text with a table of the detectors.
func (r *Results) WriteText(w io.Writer) error {
	eta := "given"
	if r.EtaEstimated {
		eta = "estimated"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "trace %s\n", r.Trace)
	fmt.Fprintf(&b, "  %d heartbeats in %s, %d lost, %d reordered\n", r.Heartbeats, show(r.Length), r.Lost, r.Reordered)
	fmt.Fprintf(&b, "  period %v (%s), sent up to %s behind the fitted schedule\n", r.Eta, eta, show(r.Lateness))
	if d := r.Delay; d != nil {
		fmt.Fprintf(&b, "  delay min %s, mean %s, median %s, 99%% %s, max %s\n\n", show(d.Min), show(d.Mean), show(d.P50), show(d.P99), show(d.Max))
	} else {
		b.WriteString("  no heartbeat arrived\n\n")
	}
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "detector\tmistakes\tper second\tmean T_M\tmax T_M\tmean T_MR\tP_A\tT_D at the end")
	for _, d := range r.Detectors {
		longest, detected := orDash(show, d.LongestMistake), orDash(show, d.DetectionTime)
		if d.LongestOpen {
			longest = "over " + longest
		}
		if !d.Detected {
			detected = "not detected"
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", d.Name, d.Mistakes,
			orDash(func(x float64) string { return fmt.Sprintf("%.4g", x) }, d.MistakeRate),
			orDash(show, d.MistakeDuration), longest, orDash(show, d.Recurrence),
			orDash(func(x float64) string { return fmt.Sprintf("%.8f", x) }, d.QueryAccuracy), detected)
	}
	table.Flush()
	b.WriteByte('\n')
	for _, d := range r.Detectors {
		fmt.Fprintf(&b, "%s: %s %s\n", d.Name, d.Use, d.Parameters)
		if d.Undetected != "" {
			fmt.Fprintf(&b, "%s: not detected: %s\n", d.Name, d.Undetected)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// orDash shows *x, or that it does not exist.
func orDash[T any](show func(T) string, x *T) string {
	if x == nil {
		return "-"
	}
	return show(*x)
}
