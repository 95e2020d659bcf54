package model_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"suspect/model"
)

type dish struct{ recipe string }

func TestRegistry(t *testing.T) {
	var r model.Registry[dish]
	if all := r.All(); len(all) != 0 {
		t.Errorf("an empty registry has %v", all)
	}
	for _, name := range []string{"soup", "bread", "stew", "apple-pie"} {
		r.Add(name, []model.Param{
			{Name: "time", Type: model.DurationParam, Default: "10ms"},
			{Name: "guests", Type: model.CountParam}, // required: no default to check
			{Name: "salt", Type: model.ProbabilityParam, Default: "1%"},
			{Name: "hot", Type: model.SwitchParam, Default: "true"},
			{Name: "cook", Type: model.TextParam, Default: "random"},
		}, dish{name})
	}
	want := []dish{{"apple-pie"}, {"bread"}, {"soup"}, {"stew"}}
	if all := r.All(); !slices.Equal(all, want) {
		t.Errorf("All is %v, want %v", all, want)
	}
	r.All()[0] = dish{"cold"} // of the caller
	for _, d := range want {
		if got, ok := r.Lookup(d.recipe); !ok || got != d {
			t.Errorf("Lookup(%q) = %v, %v", d.recipe, got, ok)
		}
	}
	for _, name := range []string{"", "sou", "soupe", "zebra"} {
		if got, ok := r.Lookup(name); ok || got != (dish{}) {
			t.Errorf("Lookup(%q) = %v, %v", name, got, ok)
		}
	}
}

func TestRegistryRefuses(t *testing.T) {
	param := func(name string, kind model.ParamType, value string) model.Param {
		return model.Param{Name: name, Type: kind, Default: value}
	}
	for _, test := range []struct {
		name   string
		params []model.Param
		want   string
	}{
		{"", nil, `cannot register model_test.dish "": it has no name`},
		{" ", nil, "it has no name"},
		{"soup", nil, `cannot register model_test.dish "soup": the name is taken`},
		{"stew", []model.Param{param("", model.TextParam, "")}, "parameter number 1 has no name"},
		{"stew", []model.Param{param("a", model.TextParam, ""), param("b", model.CountParam, "1"), param("a", model.CountParam, "1")}, `parameter "a": is declared twice`},
		{"stew", []model.Param{param("a", model.DurationParam, "10")}, `parameter "a": the default does not fit: duration "10" has no unit`},
		{"stew", []model.Param{param("a", model.DurationParam, "-1s")}, "is negative"},
		{"stew", []model.Param{param("a", model.CountParam, "1.5")}, "is not a whole number"},
		{"stew", []model.Param{param("a", model.ProbabilityParam, "2")}, "must lie between 0 and 1"},
		{"stew", []model.Param{param("a", model.SwitchParam, "yes")}, "neither true nor false"},
	} {
		var r model.Registry[dish]
		r.Add("soup", nil, dish{"first"})
		func() {
			defer func() {
				if said := fmt.Sprint(recover()); !strings.Contains(said, test.want) {
					t.Errorf("Add(%q, %v) panics with %s, want %q in it", test.name, test.params, said, test.want)
				}
			}()
			r.Add(test.name, test.params, dish{"second"})
		}()
		if all := r.All(); len(all) != 1 || all[0].recipe != "first" {
			t.Errorf("after a refusal the registry has %v", all)
		}
	}
}
