package model_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/model"
)

var declared = []model.Param{
	{Name: "eta", Type: model.DurationParam, Doc: "the period"},
	{Name: "timeout", Type: model.DurationParam, Default: "30ms"},
	{Name: "window", Type: model.CountParam, Default: "1000"},
	{Name: "threshold", Type: model.ProbabilityParam, Default: "0.1%"},
	{Name: "stagger", Type: model.SwitchParam, Default: "true"},
	{Name: "link", Type: model.TextParam},
	{Name: "limit", Type: model.DurationParam, Optional: true},
	{Name: "level", Type: model.NumberParam, Default: "8", Least: 0.01, Most: 1000},
	{Name: "shift", Type: model.NumberParam, Default: "-0.50"},
}

func TestParams(t *testing.T) {
	p, errs := model.NewParams(declared, map[string]string{"eta": "10ms", "window": "3", "stagger": "false"})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if got, want := p.Duration("eta"), 10*model.Millisecond; got != want {
		t.Errorf("eta = %v, want %v", got, want)
	}
	if got, want := p.Duration("timeout"), 30*model.Millisecond; got != want {
		t.Errorf("timeout = %v, want %v", got, want)
	}
	if got := p.Count("window"); got != 3 {
		t.Errorf("window = %d, want 3", got)
	}
	if got := p.Probability("threshold"); got != 0.001 {
		t.Errorf("threshold = %v, want 0.001", got)
	}
	if level, shift := p.Number("level"), p.Number("shift"); level != 8 || shift != -0.5 {
		t.Errorf("level = %v and shift = %v, want 8 and -0.5", level, shift)
	}
	if p.Switch("stagger") {
		t.Error("stagger is on")
	}
	if got := p.Text("link"); got != "" {
		t.Errorf("link = %q, want none", got)
	}
	if !p.Given("eta") || p.Given("timeout") || p.Given("link") || p.Given("limit") {
		t.Error("Given does not tell what was given")
	}
	if got, want := p.String(), "eta=10ms timeout=30ms window=3 threshold=0.1% stagger=false link= level=8 shift=-0.50"; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
	var all []string
	for name, value := range p.All() {
		all = append(all, name+"="+value)
	}
	if got, want := strings.Join(all, " "), p.String(); got != want {
		t.Errorf("All yields %q, want %q", got, want)
	}
}

func TestParamsOfAnotherNameOrTypePanic(t *testing.T) {
	p, _ := model.NewParams(declared, map[string]string{"eta": "1s"})
	for name, get := range map[string]func(){
		"no such name": func() { p.Duration("beta") },
		"another type": func() { p.Count("eta") },
		"Given":        func() { p.Given("beta") },
		"WithText":     func() { p.WithText("eta", "2s") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			get()
		}()
	}
}

// All errors come at once, those of declared parameters first and in that order.
func TestParamErrors(t *testing.T) {
	_, errs := model.NewParams(declared, map[string]string{
		"timeout": "-1ms", "window": "1.5", "threshold": "101%", "stagger": "yes", "level": "1000.1", "shift": "1e3", "zeta": "1", "beta": "2",
	})
	want := []string{
		`parameter "eta": is required (duration: the period)`,
		`parameter "timeout": duration "-1ms" is negative`,
		`parameter "window": "1.5" is not a whole number from 0 on`,
		`parameter "threshold": "101%" is not a probability: it must lie between 0 and 1`,
		`parameter "stagger": "yes" is neither true nor false`,
		`parameter "level": "1000.1" is out of range: from 0.01 to 1000`,
		`parameter "shift": "1e3" is not a decimal number (write 8 or 0.05)`,
		`parameter "beta": is unknown (parameters: eta, timeout, window, threshold, stagger, link, limit, level, shift)`,
		`parameter "zeta": is unknown (parameters: eta, timeout, window, threshold, stagger, link, limit, level, shift)`,
	}
	var got []string
	for _, err := range errs {
		got = append(got, err.Error())
		var p *model.ParamError
		if !errors.As(err, &p) || !strings.Contains(err.Error(), p.Name) || errors.Unwrap(err) != p.Err {
			t.Errorf("%v is no ParamError", err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, errs := model.NewParams(nil, map[string]string{"eta": "1s"}); len(errs) != 1 || !strings.Contains(errs[0].Error(), "there are no parameters") {
		t.Errorf("without parameters: %v", errs)
	}
	for _, count := range []string{"-1", "1e3", "0x10", "1_000", "9223372036854775808", ""} {
		if _, errs := model.NewParams(declared, map[string]string{"eta": "1s", "window": count}); len(errs) != 1 {
			t.Errorf("count %q: %v, want one error", count, errs)
		}
	}
}

func TestNumberParam(t *testing.T) {
	decl := []model.Param{{Name: "x", Type: model.NumberParam}, {Name: "share", Type: model.NumberParam, Least: 0, Most: 1, Default: "0.5"}}
	for text, want := range map[string]float64{
		"0": 0, "8": 8, "-8.25": -8.25, "+3": 3, ".5": 0.5, "0.1": 0.1, "1000000000000000000000": 1e21, "0.00000000000000000001": 1e-20,
	} {
		p, errs := model.NewParams(decl, map[string]string{"x": text})
		if errs != nil || p.Number("x") != want {
			t.Errorf("%q reads as %v, %v, want %v", text, p, errs, want)
			continue
		}
		again, errs := model.NewParams(decl, map[string]string{"x": model.FormatNumber(p.Number("x"))})
		if errs != nil || again.Number("x") != want {
			t.Errorf("%q, written and read again, is %v, %v", text, again, errs)
		}
	}
	for _, text := range []string{"", "NaN", "inf", "1e3", "0x10", "1_0", "--1", "eight", "1 ", "8%"} {
		if p, errs := model.NewParams(decl, map[string]string{"x": text}); len(errs) != 1 {
			t.Errorf("%q reads as %v, want an error", text, p)
		}
	}
	for text, fits := range map[string]bool{"0": true, "1": true, "-0.0001": false, "1.0001": false} {
		if _, errs := model.NewParams(decl, map[string]string{"x": "1", "share": text}); fits != (errs == nil) {
			t.Errorf("share %s: %v", text, errs)
		}
	}
}

func TestParseProbability(t *testing.T) {
	for text, want := range map[string]float64{
		"0": 0, "1": 1, "100%": 1, "0%": 0, "0.5": 0.5, " 5 % ": 0.05, "1e-3": 0.001, "0.01%": 0.0001, "5e-324": 5e-324,
	} {
		if got, err := model.ParseProbability(text); err != nil || got != want {
			t.Errorf("ParseProbability(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for permille := range 1001 { // a percentage is rounded once
		a, errA := model.ParseProbability(fmt.Sprintf("%d.%d%%", permille/10, permille%10))
		b, errB := model.ParseProbability(fmt.Sprintf("%d.%03d", permille/1000, permille%1000))
		if a != b || errA != nil || errB != nil {
			t.Errorf("%d/10%% reads as %v, %v, and as a number as %v, %v", permille, a, errA, b, errB)
		}
	}
	for _, text := range []string{"", "%", "NaN", "inf", "Infinity", "-0.1", "1.1", "100.1%", "0x1p-2", "0_1", "1e400", "half", "5%%", "1 2"} {
		if p, err := model.ParseProbability(text); err == nil {
			t.Errorf("ParseProbability(%q) = %v, want an error", text, p)
		}
	}
}

func TestSortedKeys(t *testing.T) {
	if diff := cmp.Diff([]string{"", "a", "aa", "b"}, model.SortedKeys(map[string]int{"b": 1, "aa": 2, "": 3, "a": 4})); diff != "" {
		t.Error(diff)
	}
}
