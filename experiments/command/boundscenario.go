package command

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"runtime"

	"suspect/experiments/guarantee"
	"suspect/experiments/report"
	"suspect/experiments/run"
	"suspect/experiments/scenario"
	"suspect/experiments/schema"
	"suspect/experiments/worstcase"
	"suspect/qjump"
)

// scenarioDocument is what bound prints as JSON of a scenario.
type scenarioDocument struct {
	SchemaVersion int `json:"schema_version"`
	// Suspect is the version of this program.
	Suspect string `json:"suspect"`
	// ScenarioHash is the hash of the resolved scenario.
	ScenarioHash string `json:"scenario_hash"`
	// Signable tells whether every level at which somebody sends has a bound that no
	// broken assumption withdraws.
	Signable bool `json:"signable"`
	*guarantee.Report
}

//go:embed bound.go
var boundSource string

//go:embed boundnetwork.go
var boundNetworkSource string

//go:embed boundscenario.go
var boundScenarioSource string

// boundSchema returns the JSON Schema of what bound prints.
func boundSchema() []byte {
	const pkg = "suspect/qjump"
	return schema.AnyOf("Answers of suspect bound",
		schema.Of("", &levelsDocument{}, boundSource, schema.Source{Package: pkg, Text: qjump.AnswerSource},
			schema.Source{Package: pkg, Text: qjump.AdmissionSource}, schema.Source{Package: pkg, Text: qjump.GuaranteeSource}),
		schema.Of("", &networkDocument{}, boundNetworkSource),
		schema.Of("", &scenarioDocument{}, boundScenarioSource, guarantee.Sources()...))
}

// boundScenario answers for the levels of a scenario.
func (e *environment) boundScenario(ctx context.Context, s *scenario.Scenario, out string) error {
	if s.QJump == nil {
		return &exit{ExitBadInput, fmt.Errorf("%s has no section qjump, and so no level that a latency is bounded for\n"+
			"  add one, as  qjump: {packet: 256B, levels: [{priority: 7, factor: 1}]}\n"+
			"  suspect init --template qjump writes a whole scenario", s.Path)}
	}
	if out != "" {
		if err := report.Check(out, s.Hash()); err != nil {
			return &exit{ExitOutput, err}
		}
	}
	g := guarantee.Derive(s)
	var written string
	var unwritten error
	if out != "" {
		x, err := e.latencyReport(ctx, s, g, nil)
		if err != nil {
			return &exit{ExitInterrupted, errors.New("interrupted: no report was written")}
		}
		files := report.LatencyFiles(x)
		files = append(files, report.File{Name: "scenario.yaml", Data: s.Resolved()}, report.File{Name: report.ProvenanceFile, Data: report.JSON(x.Source)})
		written, unwritten = announce(out, files)
	}
	if err := e.showBounds(s, g); err != nil {
		return err
	}
	if unwritten != nil {
		return &exit{ExitOutput, unwritten}
	}
	if written != "" {
		e.note("%s", written)
	}
	if !report.Signable(g) {
		return &exit{ExitNotExpected, nil}
	}
	return nil
}

func (e *environment) showBounds(s *scenario.Scenario, g *guarantee.Report) error {
	if e.json() {
		return e.print(report.JSON(scenarioDocument{boundSchemaVersion, run.Version, s.Hash(), report.Signable(g), g}))
	}
	var b bytes.Buffer
	if err := report.BoundText(&b, &report.Latency{Guarantee: g, Source: source(s)}); err != nil {
		return err
	}
	return e.print(b.Bytes())
}

func source(s *scenario.Scenario) report.Source {
	return report.Source{Suspect: run.Version, Go: runtime.Version(), Architecture: runtime.GOARCH, Scenario: s.Name, ScenarioHash: s.Hash(), Seed: s.Seed}
}

// latencyReport gathers the report on the bounds of a scenario, which results are of
// where it was run. The error wraps [run.ErrInterrupted] when ctx ends.
func (e *environment) latencyReport(ctx context.Context, s *scenario.Scenario, g *guarantee.Report, results *run.Results) (*report.Latency, error) {
	x := &report.Latency{Guarantee: g, Results: results, Source: source(s)}
	options := worstcase.Options{Seed: s.Seed}
	var err error
	if results != nil {
		if p := report.Slowest(results); p != nil {
			if x.Slowest, err = run.Dissect(ctx, s, *p); err != nil {
				return nil, err
			}
		}
		if x.Counterexamples, x.NoExample, err = worstcase.Counterexamples(ctx, s, results, options); err != nil {
			return nil, err
		}
	}
	x.Curves = report.Curves(s, g)
	x.Worst, err = e.searchWorst(ctx, s, g, options)
	return x, err
}
