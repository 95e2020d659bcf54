package report

import (
	"bytes"
	"html"
	"math"
	"math/rand/v2"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/image/font"
	"gonum.org/v1/plot/vg"

	"suspect/experiments/figure"
	"suspect/experiments/run"
	"suspect/model"
)

// Everything in a figure lies inside it, letters too, and no number is missing.
func checkFigure(t *testing.T, name string, svg []byte) {
	t.Helper()
	wellFormed(t, name, svg)
	if bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
		t.Errorf("%s draws what is no number", name)
	}
	box := regexp.MustCompile(`viewBox="0 0 ([0-9.]+) ([0-9.]+)"`).FindSubmatch(svg)
	if box == nil {
		t.Fatalf("%s has no size", name)
	}
	width, height := parse(box[1]), parse(box[2])
	for _, path := range regexp.MustCompile(`<path d="([^"]*)"`).FindAllSubmatch(svg, -1) {
		for _, m := range regexp.MustCompile(`[ML]([-0-9.e+]+),([-0-9.e+]+)`).FindAllSubmatch(path[1], -1) {
			if x, y := parse(m[1]), parse(m[2]); x < -0.01 || x > width+0.01 || y < -0.01 || y > height+0.01 {
				t.Errorf("%s draws at (%v, %v), outside of %v by %v", name, x, y, width, height)
				return
			}
		}
	}
	for _, m := range figureText.FindAllSubmatch(svg, -1) {
		x, y, size, s := parse(m[1]), -parse(m[2]), parse(m[4]), html.UnescapeString(string(m[5]))
		style := figure.Sans(vg.Length(size), figure.Ink)
		if string(m[3]) == "bold" {
			style.Font.Weight = font.WeightBold
		}
		if end := x + float64(style.Width(s)); x < -0.01 || end > width+0.01 || y < 0 || y+0.75*size > height+0.01 {
			t.Errorf("%s writes %q from (%v, %v) to %v, outside of %v by %v", name, s, x, y, end, width, height)
		}
	}
}

// figureText is an upright text of a figure: its place, weight, size and letters.
var figureText = regexp.MustCompile(`<text x="([-0-9.e]+)" y="([-0-9.e]+)" transform="scale\(1, -1\)"\s+style="[^"]*font-weight:([a-z]+);[^"]*font-size:([0-9.]+)px[^"]*">([^<]*)</text>`)

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

// everyValue makes a distribution of n sorted values in seconds, out of total.
func everyValue(name string, sorted []float64, total int64) distribution {
	d := distribution{name, figure.Distribution{Values: sorted, Total: total}}
	for i := range sorted {
		d.Below = append(d.Below, int64(i+1))
	}
	return d
}

// Forty long names push nothing off the figure, and leave the plot its height.
func TestLegendsOfManyNames(t *testing.T) {
	for _, letter := range []string{"W", "i", "世"} {
		few, many := []distribution{everyValue("a", []float64{0.01, 0.02}, 2)}, []distribution(nil)
		for i := range 40 {
			many = append(many, everyValue(strings.Repeat(letter, 30+i)+strconv.Itoa(i), []float64{0.01, 0.02}, 2))
		}
		latency := func(title string, ds []distribution) []byte { return latencyFigure(title, ds) }
		for _, draw := range []func(string, []distribution) []byte{latency, detectionFigure} {
			figure := draw("title", many)
			checkFigure(t, "many "+letter, figure)
			if a, b := axisLength(draw("title", few)), axisLength(figure); math.Abs(a-b) > 1e-6 {
				t.Errorf("an axis of %v with one name, of %v with forty", a, b)
			}
		}
		x := explained(run.Episode{Monitor: strings.Repeat(letter, 60), Peer: strings.Repeat(letter, 60), From: model.Time(1030 * ms), Until: model.Time(1060 * ms)})
		x.Detector = strings.Repeat(letter, 60)
		checkFigure(t, "swimlane "+letter, swimlaneFigure(worstTitle(x), x))
	}
}

// axisLength returns the length of the longest upright line of a figure.
func axisLength(figure []byte) (longest float64) {
	for _, m := range regexp.MustCompile(`<path d="M([-0-9.e+]+),([-0-9.e+]+)L([-0-9.e+]+),([-0-9.e+]+)"`).FindAllSubmatch(figure, -1) {
		if string(m[1]) == string(m[3]) {
			longest = max(longest, math.Abs(parse(m[2])-parse(m[4])))
		}
	}
	return longest
}
