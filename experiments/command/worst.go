package command

import (
	"context"
	"time"

	"suspect/experiments/guarantee"
	"suspect/experiments/scenario"
	"suspect/experiments/worstcase"
)

// searchWorst lets the adversary play against the bounds of g, and notes how fast it was.
func (e *environment) searchWorst(ctx context.Context, s *scenario.Scenario, g *guarantee.Report, o worstcase.Options) ([]worstcase.Worst, error) {
	began := time.Now()
	found, err := worstcase.Search(ctx, s, g, o)
	took := time.Since(began)
	var schedules int
	var events uint64
	for i := range found {
		schedules += found[i].Evaluations
		events += found[i].Events
	}
	if events > 0 {
		e.note("adversary: %d schedules, %d events, %.1f million events per second", schedules, events, float64(events)/1e6/took.Seconds())
	}
	return found, err
}
