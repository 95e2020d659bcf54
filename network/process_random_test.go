package network

import (
	"fmt"
	"slices"
	"testing"

	"suspect/model"
	"suspect/sim"
)

// gambler draws one number on each input and notes it. It asks to be woken at the next
// multiple of 10 ns, and sends its number to the next process.
type gambler struct {
	beats
	drawn *[]int
}

func (g *gambler) Step(now model.Time, in *model.Input, out *model.Output) {
	x := in.Random.IntN(1 << 40)
	*g.drawn = append(*g.drawn, x)
	out.Wake = nextWake(now)
	if in.Kind == model.Wake {
		out.Send = append(out.Send, model.Message{From: g.self, To: (g.self + 1) % g.n, Seq: int64(x)})
	}
}

// gamblers gives each of two processes one panel for each list of detector numbers, runs
// them for a microsecond, and returns what each automaton of process 1 drew. If crashes,
// process 1 is down for the second quarter and paused for the third.
func gamblers(t *testing.T, crashes bool, panels ...[]uint8) [][]int {
	t.Helper()
	n := newNetwork(t, 5, Config{Topology: Star(2, LinkConfig{Rate: 8 * Gbps}), Framing: Bare})
	drawn := make([][]int, 256)
	for p := range model.ProcessID(2) {
		var attached []Panel
		for _, detectors := range panels {
			panel := Panel{Detectors: detectors}
			for _, d := range detectors {
				log := new([]int)
				if p == 1 {
					log = &drawn[d]
				}
				panel.New = append(panel.New, func() model.Automaton {
					return &gambler{beats{self: p, n: 2}, log}
				})
			}
			attached = append(attached, panel)
		}
		n.Attach(p, model.Time(p), attached...)
	}
	const quarter = model.Time(250 * model.Nanosecond)
	run(t, n, quarter)
	if crashes {
		n.CrashProcess(1)
	}
	run(t, n, 2*quarter)
	if crashes {
		n.RecoverProcess(1)
		n.PauseProcess(1)
	}
	run(t, n, 3*quarter)
	if crashes {
		n.ResumeProcess(1)
	}
	run(t, n, 4*quarter)
	return drawn
}

// The choices of an automaton are the stream choices/"HOST"/DETECTOR, draw by draw and
// for all inputs: whoever else draws on its process takes nothing from it, and a crash
// does not begin it anew.
func TestChoicesAreAStreamOfEachAutomaton(t *testing.T) {
	for _, test := range []struct {
		name    string
		crashes bool
		panels  [][]uint8
	}{
		{"alone", false, [][]uint8{{3}}},
		{"with another on the same messages", false, [][]uint8{{3, 7}}},
		{"silent beside another", false, [][]uint8{{7, 3}}},
		{"with another panel", false, [][]uint8{{0}, {3}}},
		{"over a crash and a pause", true, [][]uint8{{3, 7}, {0}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			drawn := gamblers(t, test.crashes, test.panels...)
			for _, panel := range test.panels {
				for _, d := range panel {
					stream := sim.NewStream(5, fmt.Sprintf(`choices/"h1"/%d`, d))
					for i, x := range drawn[d] {
						if want := stream.IntN(1 << 40); x != want {
							t.Fatalf("draw %d of detector %d is %d, want %d", i, d, x, want)
						}
					}
					if least := 50; len(drawn[d]) < least {
						t.Errorf("detector %d drew %d numbers, want at least %d", d, len(drawn[d]), least)
					}
				}
			}
		})
	}
	if one, other := gamblers(t, false, []uint8{3}), gamblers(t, false, []uint8{4}); slices.Equal(one[3][:10], other[4][:10]) {
		t.Error("two detectors share one stream")
	}
}
