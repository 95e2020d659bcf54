package reproduce

import (
	"context"
	"fmt"
	"strings"

	"suspect/experiments/oracle"
	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "queueing",
		Doc:    "Queues, priorities, finite buffers, periodic sources and NFD-S against their closed forms.",
		Source: "the closed forms of queueing theory; each row names its own",
		Params: comparisonParams,
		Run:    comparison(oracle.Queueing),
	})
}

var comparisonParams = []model.Param{
	{Name: "packets", Type: model.CountParam, Default: "10000000", Doc: "packets or heartbeats of each row, in all replications together"},
	{Name: "replications", Type: model.CountParam, Default: "30", Doc: "independent replications of each row"},
	{Name: "rows", Type: model.TextParam, Optional: true, Doc: "only these rows: identifiers with commas between them"},
}

// comparison returns the experiment that holds the simulator to closed forms, row by row.
func comparison(compare func(context.Context, oracle.Options) ([]oracle.Result, error)) func(context.Context, Options) (*Document, error) {
	return func(ctx context.Context, o Options) (*Document, error) {
		p := oracle.Options{
			Packets: int(o.Params.Count("packets")), Replications: int(o.Params.Count("replications")),
			Seed: o.Seed, Workers: o.Workers, Progress: o.Progress,
		}
		switch {
		case p.Replications < 2:
			return nil, &model.ParamError{Name: "replications", Err: fmt.Errorf("%d: must be at least 2, or there is no interval", p.Replications)}
		case p.Packets < p.Replications:
			return nil, &model.ParamError{Name: "packets", Err: fmt.Errorf("%d: each of %d replications needs one", p.Packets, p.Replications)}
		}
		if rows := o.Params.Text("rows"); rows != "" {
			p.IDs = strings.Split(rows, ",")
		}
		results, err := compare(ctx, p)
		if unknown, ok := err.(*oracle.UnknownRowError); ok {
			return nil, &model.ParamError{Name: "rows", Err: unknown}
		}
		if err != nil {
			return nil, err
		}
		return comparisonDocument(results, oracle.Judge(results, o.Seed)), nil
	}
}

// comparisonDocument shows the rows, and the judgement of them all.
func comparisonDocument(results []oracle.Result, j oracle.Judgement) *Document {
	d := new(Document)
	t := newTable("Each row: what theory says, and the mean of the replications", "row", "model", "metric", "target", "simulated", "± (99%)", "t",
		"packets", "on", "verdict", "params, formula")
	for _, r := range results {
		half, statistic, on, verdict := number(r.Half, "%.2g"), number(r.T, "%+.2f"), "network", string(Agrees)
		if r.Exactly {
			half, statistic, verdict = words("exact"), words(""), "equal"
		}
		if r.Bare {
			on = "bare queue"
		}
		target, mean := number(r.Target, "%.9g"), number(r.Mean, "%.6g")
		if r.Failure != "" {
			verdict = "DIFFERS"
			d.check(r.ID+" "+r.Metric, target.Text, mean.Text, false, r.Failure)
		}
		t.add(words("%s", r.ID), words("%s", r.Model), words("%s", r.Metric), target, mean, half, statistic, count(int64(r.Packets)),
			words("%s", on), words("%s", verdict), words("%s", strings.Trim(r.Params+"; "+r.Formula, "; ")))
	}
	d.Tables = []Table{t}
	d.check("rows that agree", fmt.Sprint(j.Rows), fmt.Sprint(j.Rows-j.Failed), j.Failed == 0, "")
	if j.High > 0 {
		d.check("sum of t² of all rows", fmt.Sprintf("%.1f to %.1f", j.Low, j.High), fmt.Sprintf("%.1f", j.SumOfSquares),
			j.Low <= j.SumOfSquares && j.SumOfSquares <= j.High, "a right simulator is there in 998 of 1000 cases")
	}
	d.Notes = []string{"A row agrees if its t statistic is small enough for all rows of a right simulator to pass together with probability 99%, " +
		"and its interval narrow enough to mean something. Rows without randomness must be equal.",
		"Rows on a bare queue need a mechanism that no switched network has, and are simulated by the recursion that defines it."}
	return d
}
