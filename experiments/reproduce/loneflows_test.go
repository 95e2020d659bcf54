package reproduce

import (
	"testing"

	"suspect/model"
)

func runNamed(t *testing.T, name string, o Options) *Document {
	t.Helper()
	s, ok := Lookup(name)
	if !ok {
		t.Fatalf("no experiment %q", name)
	}
	given := map[string]string{}
	for n, v := range o.Params.All() {
		given[n] = v
	}
	p, errs := model.NewParams(s.Params, given)
	if errs != nil {
		t.Fatal(errs)
	}
	o.Params = p
	d, err := Run(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The simulated times are those of the published plot script, to the picosecond.
func TestLoneFlows(t *testing.T) {
	for _, test := range []struct {
		to      model.ProcessID
		packets int64
		want    string
	}{
		{1, 1, "13.264us"}, {15, 1, "13.264us"}, {16, 1, "14.68us"}, {143, 1, "14.68us"},
		{7, 7, "20.464us"}, {77, 7, "21.88us"}, // 10 kB
		{1, 6667, "8012.464us"}, {16, 6667, "8013.88us"}, // 10 MB
	} {
		want, err := model.ParseDuration(test.want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := loneFlow(t.Context(), test.to, test.packets, 64); err != nil || got != want {
			t.Errorf("%d packets to h%d take %v (%v), want %v", test.packets, test.to, got, err, want)
		}
	}
	if d := runNamed(t, "lone-flows", Options{}); !d.Agrees || len(d.Checks) != 30 {
		t.Errorf("%d checks, agrees %v:\n%s", len(d.Checks), d.Agrees, d.Text())
	}
}

// A picosecond more or less is found.
func TestLoneFlowsCanDiffer(t *testing.T) {
	document := func(took, another model.Duration) *Document {
		all := make([]model.Duration, racks*hostsInRack)
		for _, w := range ways {
			for i := range w.hosts {
				all[int(w.to)+i] = w.ideal + idealPacket
			}
		}
		all[100] = another
		d := loneFlowsDocument([]flowCase{{way: &ways[0], packets: 3, window: 64, took: took}}, all)
		d.complete()
		return d
	}
	took, another := ways[0].ideal+2*idealPacket, ways[1].ideal+idealPacket
	if d := document(took, another); !d.Agrees {
		t.Errorf("the ideal itself differs:\n%s", d.Text())
	}
	for _, d := range []*Document{document(took+1, another), document(took-1, another), document(took, another+1), document(took, another-1)} {
		if d.Agrees {
			t.Errorf("a picosecond is not found:\n%s", d.Text())
		}
	}
}

// The closed form of flows with a small window is the recursion over their packets.
func TestWindowed(t *testing.T) {
	const first = 14680 * model.Nanosecond
	for window := int64(1); window < 20; window++ {
		left := make([]model.Duration, 200)
		for k := range left {
			if k > 0 {
				left[k] = left[k-1] + idealPacket
			}
			if k >= int(window) {
				left[k] = max(left[k], left[k-int(window)]+first)
			}
			if got := windowed(int64(k+1), window, first); got != left[k]+first {
				t.Fatalf("window %d, %d packets: %v, want %v", window, k+1, got, left[k]+first)
			}
		}
	}
}
