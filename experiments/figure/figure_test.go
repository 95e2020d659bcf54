package figure

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
)

// figureText is an upright text of a figure: its place, weight, size and letters.
var figureText = regexp.MustCompile(`<text x="([-0-9.e]+)" y="([-0-9.e]+)" transform="scale\(1, -1\)"\s+style="[^"]*font-weight:([a-z]+);[^"]*font-size:([0-9.]+)px[^"]*">([^<]*)</text>`)

// check tells whether a figure is XML, and all in it lies inside of it, letters too.
func check(t *testing.T, name string, svg []byte) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%s is not XML: %v", name, err)
		}
	}
	if bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
		t.Errorf("%s draws what is no number", name)
	}
	box := regexp.MustCompile(`viewBox="0 0 ([0-9.]+) ([0-9.]+)"`).FindSubmatch(svg)
	if box == nil {
		t.Fatalf("%s has no size", name)
	}
	width, height := parse(box[1]), parse(box[2])
	for _, m := range regexp.MustCompile(`[ML]([-0-9.e+]+),([-0-9.e+]+)`).FindAllSubmatch(svg, -1) {
		if x, y := parse(m[1]), parse(m[2]); x < -0.01 || x > width+0.01 || y < -0.01 || y > height+0.01 {
			t.Fatalf("%s draws at (%v, %v), outside of %v by %v", name, x, y, width, height)
		}
	}
	for _, m := range figureText.FindAllSubmatch(svg, -1) {
		x, y, size, s := parse(m[1]), -parse(m[2]), parse(m[4]), html.UnescapeString(string(m[5]))
		style := Sans(vg.Length(size), Ink)
		if string(m[3]) == "bold" {
			style = bold(style)
		}
		if end := x + float64(style.Width(s)); x < -0.01 || end > width+0.01 || y < 0 || y+0.75*size > height+0.01 {
			t.Errorf("%s writes %q from (%v, %v) to %v, outside of %v by %v", name, s, x, y, end, width, height)
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

// texts returns the texts of a figure, in its order.
func texts(svg []byte) (all []string) {
	for _, m := range figureText.FindAllSubmatch(svg, -1) {
		all = append(all, html.UnescapeString(string(m[5])))
	}
	return all
}

// everything is a figure with all that a figure can have.
func everything() *Figure {
	curve := Series{Name: "proved bound", Kind: Marked}
	measured := Series{Name: "slowest packet, with its interval", Kind: Marks}
	beside := Series{Name: "measured here", Kind: Marks, Of: "proved bound", Hollow: true, Points: []Point{{64, 1e-5}}}
	others := Series{Name: "without bulk", Muted: true}
	for n := 2.0; n <= 1024; n *= 2 {
		curve.Points = append(curve.Points, Point{n, n * 2e-7})
		others.Points = append(others.Points, Point{n, n * 0.6e-7})
		measured.Points = append(measured.Points, Point{n * 1.1, n * 1.2e-7})
		measured.Low, measured.High = append(measured.Low, n*0.9e-7), append(measured.High, n*1.5e-7)
	}
	zero := Series{Name: "mistakes per second", Kind: Marks, Points: []Point{{1e-3, 0}, {2e-3, 0.1}, {4e-3, 4}},
		Low: []float64{0, 0.02, 2}, High: []float64{0.03, 0.4, 6}}
	steps := Series{Name: "share", Kind: LastDot, Points: []Point{{1e-6, 0}, {1e-6, 0.4}, {3e-6, 0.9}, {9e-6, 1}}}
	return &Figure{
		Title: "Bound & <maximum>\x1b, of all there is", Columns: 2,
		Panels: []Panel{
			{Caption: "time from the limiter to the receiver", X: Axis{Label: "hosts", Log: true}, Y: Axis{Unit: Seconds, Log: true},
				Series: []Series{others, curve, measured, beside}, Lines: []Line{{At: 1e-4, Label: "wanted: 100 µs"}, {At: 1.1e-4, Label: "epoch"}, {Upright: true, At: 64, Label: "this scenario"}}},
			{Caption: "mistakes per second", X: Axis{Label: "detection time", Unit: Seconds, Log: true}, Y: Axis{Log: true}, Series: []Series{zero}},
			{Caption: "share of packets", X: Axis{Label: "latency", Unit: Seconds}, Y: Axis{Unit: Share, To: 1}, Series: []Series{steps},
				Lines: []Line{{Upright: true, At: 9.5e-6, Label: "bound", Of: "share"}, {Upright: true, At: 8e-6, Label: "published", Of: "share"}}},
			{Caption: "bytes that wait", X: Axis{Label: "link rate", Unit: BitsPerSecond, Log: true}, Y: Axis{Unit: Bytes},
				Series: []Series{{Name: "backlog", Points: []Point{{1e9, 1e5}, {1e10, 2e4}, {1e11, 1e3}}}}},
		},
	}
}

func bars() *Bars {
	return &Bars{
		Title: "Where the slowest packet was", X: Axis{Label: "time since its release", Unit: Seconds},
		Parts: []Part{{Name: "waiting behind its own level"}, {Name: "waiting for a frame below"}, {Name: "transmission"}, {Name: "propagation", Muted: true}},
		Rows: []Row{
			{"h3", 0, []float64{0, 1.2e-6, 0.2e-6, 0.5e-6}},
			{"a switch with a name that is far too long to be written here", 1.9e-6, []float64{0.8e-6, 0.6e-6, 0.2e-6, 0.5e-6}},
		},
		Lines: []Line{{Upright: true, At: 4.6e-6, Label: "bound 4.6 µs"}},
	}
}

// Nothing lies outside of a figure, and the same figure is the same bytes. With
// FIGURES=DIR the figures are written there, to be looked at.
func TestFigures(t *testing.T) {
	for name, svg := range map[string]func() []byte{"everything": everything().SVG, "bars": bars().SVG} {
		first := svg()
		check(t, name, first)
		if !bytes.Equal(first, svg()) {
			t.Errorf("%s came out with other bytes", name)
		}
		if dir := os.Getenv("FIGURES"); dir != "" {
			if err := os.WriteFile(dir+"/"+name+".svg", first, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// The texts of a figure are those that were given, each once.
func TestTexts(t *testing.T) {
	got := texts(everything().SVG())
	for _, want := range []string{
		"Bound & <maximum>?, of all there is", "proved bound", "without bulk", "slowest packet, with its interval", "mistakes per second", "share", "backlog",
		"wanted: 100 µs", "epoch", "this scenario", "bound", "published", "hosts", "link rate", "100 Gb/s", "1 ms", "100 kB", "100%",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("the figure does not say %q; it says %q", want, got)
		}
	}
}

// The labels of lines that are close together do not cover each other.
func TestLabelsOfLines(t *testing.T) {
	p := Panel{X: Axis{Log: true, From: 1, To: 1000}, Y: Axis{Log: true, From: 1e-6, To: 1e-3}}
	for i := range 4 {
		at := 1 + 0.05*float64(i)
		p.Lines = append(p.Lines, Line{At: 1e-4 * at, Label: fmt.Sprint("lying ", i)}, Line{Upright: true, At: 30 * at, Label: fmt.Sprint("upright ", i)})
	}
	f := Figure{Panels: []Panel{p}}
	var boxes []vg.Rectangle
	for _, m := range figureText.FindAllSubmatch(f.SVG(), -1) {
		if s := string(m[5]); strings.HasPrefix(s, "lying") || strings.HasPrefix(s, "upright") {
			style := Sans(vg.Length(parse(m[4])), Ink)
			at := vg.Point{X: vg.Length(parse(m[1])), Y: -vg.Length(parse(m[2]))}
			boxes = append(boxes, vg.Rectangle{Min: at, Max: at.Add(vg.Point{X: style.Width(s), Y: style.Font.Size * 0.7})})
		}
	}
	if len(boxes) != 8 {
		t.Fatalf("%d of 8 labels", len(boxes))
	}
	for i, a := range boxes {
		for _, b := range boxes[:i] {
			if a.Min.X < b.Max.X && b.Min.X < a.Max.X && a.Min.Y < b.Max.Y && b.Min.Y < a.Max.Y {
				t.Errorf("labels at %v and %v cover each other", a, b)
			}
		}
	}
}

// A long name leaves bars their room.
func TestNamesOfBars(t *testing.T) {
	if got := texts(bars().SVG()); !slices.ContainsFunc(got, func(s string) bool {
		return strings.HasPrefix(s, "a switch with a name") && strings.HasSuffix(s, "…")
	}) {
		t.Errorf("the texts are %q", got)
	}
}

// Figures of any numbers can be drawn: none, one, the same ones, across many decades,
// negative ones and zero on logarithmic axes.
func TestFiguresOfManyNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		f := Figure{Title: "many", Columns: r.IntN(3)}
		for range 1 + r.IntN(4) {
			p := Panel{Caption: "caption", X: Axis{Label: "x", Unit: Unit(r.IntN(6)), Log: r.IntN(2) == 0}, Y: Axis{Unit: Unit(r.IntN(6)), Log: r.IntN(2) == 0}}
			number := func() float64 {
				if r.IntN(10) == 0 {
					return 0
				}
				return math.Pow(10, -11+13*r.Float64()) * float64(1-2*(r.IntN(8)/7))
			}
			for i := range r.IntN(4) {
				s := Series{Name: fmt.Sprint("series ", i), Kind: Kind(r.IntN(5)), Muted: r.IntN(5) == 0}
				for range r.IntN(6) {
					y := number()
					s.Points = append(s.Points, Point{number(), y})
					s.Low, s.High = append(s.Low, y-math.Abs(y)*r.Float64()), append(s.High, y+math.Abs(y)*r.Float64())
				}
				p.Series = append(p.Series, s)
			}
			for range r.IntN(4) {
				p.Lines = append(p.Lines, Line{Upright: r.IntN(2) == 0, At: number(), Label: strings.Repeat("label ", 1+r.IntN(40)), Of: "series 1"})
			}
			f.Panels = append(f.Panels, p)
		}
		check(t, "many", f.SVG())
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		ticks  Ticks
		lo, hi float64
		want   []string
	}{
		{Ticks{Unit: Seconds, Log: true}, 1e-6, 1e-2, []string{"1 µs", "10 µs", "100 µs", "1 ms", "10 ms"}},
		{Ticks{Unit: Seconds, Log: true}, 2e-6, 3e-5, []string{"2 µs", "5 µs", "10 µs", "20 µs"}},
		{Ticks{Unit: Seconds}, 0, 0.05, []string{"0", "10 ms", "20 ms", "30 ms", "40 ms", "50 ms"}},
		{Ticks{Unit: Seconds}, -1.1e-5, 9e-6, []string{"-10 µs", "-5 µs", "0", "5 µs"}},
		{Ticks{Unit: Share, Log: true}, 1e-6, 1, []string{"1 ppm", "10 ppm", "0.01%", "0.1%", "1%", "10%", "100%"}},
		{Ticks{Unit: Share, Log: true, Most: 7}, 1e-8, 1, []string{"0.01 ppm", "1 ppm", "0.01%", "1%", "100%"}},
		{Ticks{Unit: Share}, 0, 1, []string{"0%", "20%", "40%", "60%", "80%", "100%"}},
		{Ticks{Unit: Seconds, Log: true, Most: 7}, 1.2e-6, 1.7e-5, []string{"2 µs", "5 µs", "10 µs"}},
		{Ticks{Unit: Count, Log: true}, 1, 3, []string{"1", "2", "3"}},
		{Ticks{Unit: Count}, 1, 2, []string{"1", "2"}},
		{Ticks{Log: true}, 2, 1000, []string{"3", "10", "30", "100", "300", "1000"}},
		{Ticks{Log: true}, 1e-9, 1e-4, []string{"1e-9", "1e-8", "1e-7", "1e-6", "1e-5", "1e-4"}},
		{Ticks{Unit: BitsPerSecond, Log: true}, 1e8, 1e11, []string{"100 Mb/s", "1 Gb/s", "10 Gb/s", "100 Gb/s"}},
		{Ticks{Unit: Bytes}, 0, 4000, []string{"0", "1 kB", "2 kB", "3 kB", "4 kB"}},
	} {
		got := labelled(c.ticks, c.lo, c.hi)
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v from %v to %v: %q, want %q", c.ticks, c.lo, c.hi, got, c.want)
		}
	}
}

func labelled(ticks Ticks, lo, hi float64) (labels []string) {
	for _, tick := range ticks.Ticks(lo, hi) {
		if tick.Label != "" {
			labels = append(labels, tick.Label)
		}
	}
	return labels
}

// Whatever the range, an axis gets neither too few nor too many labels, all different.
func TestTicksOfManyRanges(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 4000 {
		lo := math.Pow(10, -12+12*r.Float64())
		hi := lo * (1 + math.Pow(10, -2+12*r.Float64()))
		most := []int{6, 7, 12}[r.IntN(3)]
		for _, ticks := range []Ticks{{Unit: Seconds, Log: true, Most: most}, {Unit: Seconds, Most: most}, {Log: true, Most: most}} {
			labels := labelled(ticks, lo, hi)
			if len(labels) < 2 || len(labels) > most {
				t.Errorf("%+v from %v to %v: labels %q", ticks, lo, hi, labels)
			}
			sort.Strings(labels)
			if len(slices.Compact(labels)) != len(labels) {
				t.Errorf("%+v from %v to %v: twice the same label", ticks, lo, hi)
			}
		}
	}
}

// The steps of a distribution function and of its tail are the shares that counting
// gives.
func TestDistributionSteps(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	d := Distribution{Total: 60} // ten never got a value
	for i := range 50 {
		d.Values, d.Below = append(d.Values, r.Float64()), append(d.Below, int64(i+1))
	}
	sort.Float64s(d.Values)
	above := func(x float64) (n int) {
		for _, v := range d.Values {
			if v > x {
				n++
			}
		}
		return n + 10
	}
	for _, p := range d.Steps()[1:] {
		if want := float64(60-above(p.X)) / 60; p.Y != want {
			t.Errorf("at %v: %v, want %v", p.X, p.Y, want)
		}
	}
	for _, p := range d.Tail()[1:] {
		if want := float64(above(p.X)) / 60; p.Y != want {
			t.Errorf("tail at %v: %v, want %v", p.X, p.Y, want)
		}
	}
	if got := TailFloor(d, Distribution{Total: 1000}); got != 1e-4 {
		t.Errorf("the tail of 1000 samples ends at %v, want 0.0001", got)
	}
}
