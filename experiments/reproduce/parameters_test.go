package reproduce

import (
	"slices"
	"strings"
	"testing"
)

// A published epoch, or an expected rate, that is another one is found.
func TestParametersCanDiffer(t *testing.T) {
	before := slices.Clone(settings)
	defer func() { settings = before }()
	differ := func(change func()) []string {
		settings = slices.Clone(before)
		change()
		var what []string
		for _, c := range run(t, "parameters", 0, nil).Checks {
			if c.Outcome == Differs {
				what = append(what, c.What)
			}
		}
		return what
	}
	for _, c := range []struct {
		change func()
		want   string
	}{
		{func() {}, ""},
		{func() { settings[0].epoch++ }, "project page: 1000 hosts, small messages: the epoch of 102.400001 us"},
		{func() { settings[1].epoch = 30 * us }, "figure 3a: ping: the epoch of 30 us"},
		{func() { settings[3].epoch = 29 * us }, "figure 6: two-phase commit: the epoch of 29 us"},
		{func() { settings[7].eps++ }, "figure 9: ns-2 simulation: the epoch of 1050 us"},
		{func() { settings[8].bytesq = 129 }, "kernel module: defaults: rate of f = 1"},
	} {
		what := differ(c.change)
		if (c.want == "") != (len(what) == 0) || !strings.HasPrefix(strings.Join(what, "\n"), c.want) {
			t.Errorf("want %q, differ: %q", c.want, what)
		}
	}
}

func TestRoundedLike(t *testing.T) {
	for _, c := range []struct {
		v    float64
		like string
		want string
		same bool
	}{
		{68.5714, "68.6", "68.6", true}, {826.667, "827", "827", true}, {4133.33, "4130", "4130", true}, {4138.2, "4130", "4140", false},
		{12400, "12400", "12400", true}, {40960, "5000", "41000", false}, {7622.857, "7622.9", "7622.9", true},
	} {
		if got, same := roundedLike(c.v, c.like); got != c.want || same != c.same {
			t.Errorf("%v like %s: %s, %v", c.v, c.like, got, same)
		}
	}
}
