package scenario

import (
	"fmt"
	"strings"

	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// Clocks are the clocks of the hosts, which detectors and limiters read. Each host draws
// its offset and its drift uniformly between the low and the high one, both included.
// The zero value is true time everywhere.
type Clocks struct {
	OffsetLow, OffsetHigh model.Duration // of the time that is shown from true time
	DriftLow, DriftHigh   int64          // parts per billion
}

// AreTrue tells whether every clock shows true time until a fault changes it. An offset
// that all have in common is true time by another name.
func (c Clocks) AreTrue() bool {
	return c.OffsetLow == c.OffsetHigh && c.DriftLow == 0 && c.DriftHigh == 0
}

// Draw returns the offset and the drift of a host, each from its own stream. What a
// clock shows is never negative, so that the offset is counted from the lowest: only
// differences between clocks can be seen.
func (c Clocks) Draw(offset, drift *sim.Stream) (model.Duration, int64) {
	span := sim.Distribution{Kind: sim.Uniform, High: c.OffsetHigh - c.OffsetLow}
	return span.Sample(offset), c.DriftLow + int64(drift.IntN(int(c.DriftHigh-c.DriftLow)+1))
}

var clocksKeys = []key{
	{"offset", spanForm("a duration or uniform distribution, as \"uniform(-1us, 1us)\""), false, "By how much a clock is ahead of true time at the beginning (default 0s)."},
	{"drift", spanForm("a drift or uniform distribution, as 50ppm or \"uniform(-50ppm, 50ppm)\""), false, "By how much a clock is fast, at most 10% either way (default 0ppm)."},
}

// spanForm is a value or a uniform distribution of values, which may be negative.
func spanForm(is string) *form { return &form{is: is, schema: typed("string", "integer")} }

func (r *reader) clocks(top *section, s *Scenario) {
	sec := r.section("clocks", top.get("clocks"), clocksKeys)
	offset := value(sec, "offset", span[model.Duration]{}, spanParser(parseOffset))
	drift := value(sec, "drift", span[int64]{}, spanParser(network.ParseDrift))
	s.Clocks = Clocks{offset.low, offset.high, drift.low, drift.high}
	if !sec.good("offset", "drift") || !top.good("duration") {
		return
	}
	// Local times are as far from the end of the range as true ones may be.
	if latest := float64(s.Duration)*(1+float64(drift.high)/network.Billion) + float64(offset.high-offset.low); latest > float64(model.MaxTime) {
		r.add(sec.at, "clocks: a clock may show more than the longest run (%v) at the end (make the run shorter)", model.MaxTime)
	}
}

// parseOffset reads a duration of either sign that fits into a run.
func parseOffset(text string) (model.Duration, error) {
	d, err := model.ParseDuration(text)
	if err == nil && (d > model.Duration(model.MaxTime)/2 || d < -model.Duration(model.MaxTime)/2) {
		err = fmt.Errorf("duration %q is longer than half the longest run (%v)", text, model.MaxTime/2)
	}
	return d, err
}

// span is the values from low to high.
type span[T any] struct{ low, high T }

// spanParser reads a single value or uniform(low, high).
func spanParser[T ~int64](parse func(string) (T, error)) func(string) (span[T], error) {
	return func(text string) (span[T], error) {
		inside, is := strings.CutPrefix(strings.TrimSpace(text), "uniform(")
		if !is {
			v, err := parse(text)
			return span[T]{v, v}, err
		}
		inside, closed := strings.CutSuffix(inside, ")")
		low, high, two := strings.Cut(inside, ",")
		if !closed || !two {
			return span[T]{}, fmt.Errorf("%q is no uniform distribution (write uniform(lowest, highest))", text)
		}
		var s span[T]
		var err error
		if s.low, err = parse(low); err != nil {
			return s, err
		}
		if s.high, err = parse(high); err != nil {
			return s, err
		}
		if s.low > s.high {
			return s, fmt.Errorf("%q: the low end is above the high end", text)
		}
		return s, nil
	}
}

func (s *Scenario) writeClocks(w *writer) {
	c := s.Clocks
	if c == (Clocks{}) {
		return
	}
	w.open("clocks")
	w.line("offset: %s", formatSpan(c.OffsetLow, c.OffsetHigh, model.Duration.String))
	w.line("drift: %s", formatSpan(c.DriftLow, c.DriftHigh, network.FormatDrift))
	w.shut()
}

// formatSpan writes a span in quotes, as a value below zero needs them.
func formatSpan[T comparable](low, high T, format func(T) string) string {
	if low == high {
		return fmt.Sprintf("%q", format(low))
	}
	return fmt.Sprintf("%q", fmt.Sprintf("uniform(%s, %s)", format(low), format(high)))
}
