package report

import (
	"bytes"
	"math"
	"math/rand/v2"
	"regexp"
	"sort"
	"strconv"
	"testing"

	"suspect/experiments/run"
	"suspect/model"
)

// Everything in a figure lies inside it, and no number is missing.
func checkFigure(t *testing.T, name string, figure []byte) {
	t.Helper()
	wellFormed(t, name, figure)
	if bytes.Contains(figure, []byte("NaN")) || bytes.Contains(figure, []byte("Inf")) {
		t.Errorf("%s draws what is no number", name)
	}
	box := regexp.MustCompile(`viewBox="0 0 ([0-9.]+) ([0-9.]+)"`).FindSubmatch(figure)
	if box == nil {
		t.Fatalf("%s has no size", name)
	}
	width, height := parse(box[1]), parse(box[2])
	for _, path := range regexp.MustCompile(`<path d="([^"]*)"`).FindAllSubmatch(figure, -1) {
		for _, m := range regexp.MustCompile(`[ML]([-0-9.e+]+),([-0-9.e+]+)`).FindAllSubmatch(path[1], -1) {
			if x, y := parse(m[1]), parse(m[2]); x < -0.01 || x > width+0.01 || y < -0.01 || y > height+0.01 {
				t.Errorf("%s draws at (%v, %v), outside of %v by %v", name, x, y, width, height)
				return
			}
		}
	}
}

func parse(b []byte) float64 {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		panic(err)
	}
	return f
}

func TestFigures(t *testing.T) {
	for name, data := range files(t) {
		if regexp.MustCompile(`\.svg$`).MatchString(name) {
			checkFigure(t, name, data)
			if !bytes.Contains(data, []byte("'Liberation Sans',Arial,Helvetica,sans-serif")) {
				t.Errorf("%s names a font without a substitute", name)
			}
		}
	}
}

// Distributions of every size and width can be drawn, down to a single value.
func TestFiguresOfManyDistributions(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		var ds []distribution
		for range 1 + r.IntN(9) {
			n := r.IntN(40)
			scale := math.Pow(10, -12+13*r.Float64())
			width := math.Pow(10, -4+6*r.Float64())
			values := make([]float64, n)
			for i := range values {
				values[i] = scale * (1 + width*r.ExpFloat64())
			}
			sort.Float64s(values)
			ds = append(ds, everyValue("a name", values, int64(n+1+r.IntN(3))))
		}
		ds = append(ds, everyValue("one", []float64{1e-6}, 1))
		checkFigure(t, "latency", latencyFigure("latency", ds))
		checkFigure(t, "detection", detectionFigure("detection", ds))
	}
}

// Mistakes of every length, with the records before and after them cut anywhere.
func TestSwimlanesOfManyMistakes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		full := explained(run.Episode{Monitor: "h3", Peer: "h5", From: model.Time(1030 * ms), Until: model.Time(1030*ms) + model.Time(r.Int64N(int64(60*ms)))})
		at := model.Time(950*ms) + model.Time(r.Int64N(int64(130*ms)))
		broken := model.Record{At: at, Process: model.ProcessID(3 + 2*r.IntN(2)), Kind: model.Crashed}
		if r.IntN(2) == 0 {
			broken.Kind, broken.Place = model.LinkWentDown, 10
		}
		full.Records = append(full.Records, broken)
		sort.SliceStable(full.Records, func(i, j int) bool { return full.Records[i].At < full.Records[j].At })
		from := r.IntN(len(full.Records))
		full.Records = full.Records[from : from+r.IntN(len(full.Records)-from)]
		checkFigure(t, "swimlane", swimlaneFigure("mistake", full))
	}
}

// The steps of a distribution function and of its tail are the shares that counting
// gives.
func TestDistributionSteps(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	values := make([]float64, 50)
	for i := range values {
		values[i] = r.Float64()
	}
	sort.Float64s(values)
	d := everyValue("", values, 60) // ten never got a value
	for i, p := range d.points() {
		count := 0
		for _, v := range values {
			if v <= values[i] {
				count++
			}
		}
		if p.y != float64(count)/60 {
			t.Errorf("at %v: %v, want %d/60", p.x, p.y, count)
		}
	}
	for _, p := range d.tail()[1:] {
		count := 10
		for _, v := range values {
			if v > p.x {
				count++
			}
		}
		if p.y != float64(count)/60 {
			t.Errorf("tail at %v: %v, want %d/60", p.x, p.y, count)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		ticks  timeTicks
		lo, hi float64
		want   []string
	}{
		{timeTicks{log: true}, 1e-6, 1e-2, []string{"1 µs", "10 µs", "100 µs", "1 ms", "10 ms"}},
		{timeTicks{log: true}, 2e-6, 3e-5, []string{"2 µs", "5 µs", "10 µs", "20 µs"}},
		{timeTicks{}, 0, 0.05, []string{"0", "10 ms", "20 ms", "30 ms", "40 ms", "50 ms"}},
		{timeTicks{}, -1.1e-5, 9e-6, []string{"-10 µs", "-5 µs", "0", "5 µs"}},
	} {
		var got []string
		for _, tick := range c.ticks.Ticks(c.lo, c.hi) {
			if tick.Label != "" {
				got = append(got, tick.Label)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%v to %v: %q, want %q", c.lo, c.hi, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%v to %v: %q, want %q", c.lo, c.hi, got, c.want)
				break
			}
		}
	}
}

// Whatever the range, an axis gets between 3 and 12 labels.
func TestTicksOfManyRanges(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 2000 {
		lo := math.Pow(10, -12+12*r.Float64())
		hi := lo * (1 + math.Pow(10, -2+8*r.Float64()))
		for _, ticks := range []timeTicks{{log: true}, {log: false}} {
			n := 0
			for _, tick := range ticks.Ticks(lo, hi) {
				if tick.Label != "" {
					n++
				}
			}
			if n < 3 || n > 13 {
				t.Errorf("%v from %v to %v: %d labels", ticks, lo, hi, n)
			}
		}
	}
}
