package replay

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"suspect/model"
	"suspect/properties"
)

// Results are what a replay measured. Durations are in picoseconds in JSON, too.
type Results struct {
	Trace      string `json:"trace"`
	Heartbeats int64  `json:"heartbeats"` // sent, with those that have no line
	Lost       int64  `json:"lost"`
	Reordered  int64  `json:"reordered"` // arrived before one sent earlier

	// Length is the time from the first sending to the last.
	Length model.Duration `json:"length_ps"`

	// Eta is the period of the sender: given, or estimated from the trace.
	Eta          model.Duration `json:"eta_ps"`
	EtaEstimated bool           `json:"eta_estimated"`

	// Lateness is how far behind its schedule the sender was at the most.
	Lateness model.Duration `json:"lateness_max_ps"`

	// Delays of the heartbeats that arrived, all zero where none did.
	Delay Delays `json:"delay"`

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

// DetectorResult is what one detector did.
type DetectorResult struct {
	Name       string `json:"name"`
	Use        string `json:"use"`
	Parameters string `json:"parameters"`

	// Mistakes are the suspicions before the crash; the rest of the metrics are
	// those of Chen, Toueg and Aguilera (see [properties.QoS]).
	Mistakes        int64          `json:"mistakes"`
	MistakeRate     float64        `json:"mistakes_per_second"`
	MistakeDuration model.Duration `json:"mistake_duration_mean_ps"`
	LongestMistake  model.Duration `json:"mistake_duration_max_ps"`
	Recurrence      model.Duration `json:"mistake_recurrence_mean_ps"`
	QueryAccuracy   float64        `json:"query_accuracy"`

	// DetectionTime is that of the crash right after the last heartbeat was sent.
	// It is zero where the detector suspected already, and where it never did.
	Detected      bool           `json:"detected"`
	DetectionTime model.Duration `json:"detection_time_ps"`

	// Quality has all that was measured.
	Quality *properties.Quality `json:"-"`
}

func (r *replayer) results(t Trace, isEstimated bool) *Results {
	s := r.survey
	sent := s.last.seq - s.first.seq + 1
	res := &Results{
		Trace:        t.Name,
		Heartbeats:   sent,
		Lost:         sent - s.received,
		Reordered:    s.reordered,
		Length:       model.Duration(s.last.sent-s.first.sent) * model.Nanosecond,
		Eta:          r.eta,
		EtaEstimated: isEstimated,
		Lateness:     r.lateness,
		Delay:        Delays{s.delay.Min(), s.delay.Mean(), s.delay.Quantile(0.5), s.delay.Quantile(0.99), s.delay.Max()},
	}
	for _, s := range r.subjects {
		q := s.quality
		d := DetectorResult{
			Name: s.name, Use: s.use, Parameters: s.params.String(),
			Mistakes:        q.Mistakes,
			MistakeDuration: q.MistakeDuration.Mean(),
			LongestMistake:  q.WorstMistake.Duration(),
			Recurrence:      q.Recurrence.Mean(),
			QueryAccuracy:   1, // where the trace has no length, nothing was wrong
			Detected:        q.DetectionTime.Count() > 0,
			DetectionTime:   q.DetectionTime.Max(),
			Quality:         q,
		}
		d.MistakeRate, _ = q.MistakeRate()
		if share, ok := q.QueryAccuracy(); ok {
			d.QueryAccuracy = share
		}
		res.Detectors = append(res.Detectors, d)
	}
	return res
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
	fmt.Fprintf(&b, "  period %v (%s), sent up to %s late\n", r.Eta, eta, show(r.Lateness))
	fmt.Fprintf(&b, "  delay min %s, mean %s, median %s, 99%% %s, max %s\n\n",
		show(r.Delay.Min), show(r.Delay.Mean), show(r.Delay.P50), show(r.Delay.P99), show(r.Delay.Max))
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "detector\tmistakes\tper second\tmean T_M\tmax T_M\tmean T_MR\tP_A\tT_D at the end")
	for _, d := range r.Detectors {
		detected := "not detected"
		if d.Detected {
			detected = show(d.DetectionTime)
		}
		fmt.Fprintf(table, "%s\t%d\t%.4g\t%s\t%s\t%s\t%.8f\t%s\n", d.Name, d.Mistakes, d.MistakeRate,
			orDash(d.MistakeDuration), orDash(d.LongestMistake), orDash(d.Recurrence), d.QueryAccuracy, detected)
	}
	table.Flush()
	b.WriteByte('\n')
	for _, d := range r.Detectors {
		fmt.Fprintf(&b, "%s: %s %s\n", d.Name, d.Use, d.Parameters)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func orDash(d model.Duration) string {
	if d == 0 {
		return "-"
	}
	return show(d)
}
