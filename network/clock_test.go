package network

import (
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"suspect/model"
	"suspect/sim"
)

// A clock is a function of true time by its definition: max(floor, local + d*rate/10^9
// rounded down). Its inverse is the first time at which that is reached.
func TestClockOfOnePiece(t *testing.T) {
	parameters := gopter.DefaultTestParametersWithSeed(1)
	parameters.MinSuccessfulTests = 2000
	properties := gopter.NewProperties(parameters)
	properties.Property("a clock shows what it is defined to show", prop.ForAll(
		func(since, local, floor, passed, ask int64, rate int64) string {
			c := clock{since: model.Time(since), local: model.Time(local), floor: model.Time(floor), rate: uint64(rate)}
			want := func(t model.Time) *big.Int {
				v := new(big.Int).Mul(big.NewInt(int64(t.Sub(c.since))), big.NewInt(rate))
				v.Div(v, big.NewInt(Billion))
				v.Add(v, big.NewInt(local))
				if v.Cmp(big.NewInt(floor)) < 0 {
					v.SetInt64(floor)
				}
				if most := big.NewInt(int64(model.MaxTime)); v.Cmp(most) > 0 {
					v = most
				}
				return v
			}
			now := c.since + min(model.Time(passed), model.MaxTime-c.since)
			if got := c.at(now); want(now).Cmp(big.NewInt(int64(got))) != 0 {
				return fmt.Sprintf("%+v at %d shows %d, want %v", c, now, got, want(now))
			}
			first := c.when(model.Time(ask), now)
			asked := big.NewInt(ask)
			switch {
			case first == model.Never:
				if want(model.MaxTime).Cmp(asked) >= 0 {
					return fmt.Sprintf("%+v never shows %d", c, ask)
				}
			case first < now || want(first).Cmp(asked) < 0:
				return fmt.Sprintf("%+v at %d is to show %d, but shows %v", c, first, ask, want(first))
			case first > now && want(first-1).Cmp(asked) >= 0:
				return fmt.Sprintf("%+v shows %d before %d", c, ask, first)
			}
			return ""
		},
		gen.Int64Range(0, int64(model.MaxTime)), gen.Int64Range(-int64(model.MaxTime), int64(model.MaxTime)), gen.Int64Range(0, int64(model.MaxTime)),
		gen.OneGenOf(gen.Int64Range(0, int64(model.MaxTime)), gen.Int64Range(0, 1000)),
		gen.OneGenOf(gen.Int64Range(0, int64(model.Never)), gen.Int64Range(0, 2000)),
		gen.OneGenOf(gen.Int64Range(leastRate, mostRate), gen.OneConstOf(int64(Billion), int64(leastRate), int64(mostRate))),
	))
	properties.TestingRun(t)
}

// twin is a host's clock and what waits for it, picosecond by picosecond: what the clock
// has, what it has shown, and who wants to be told at which local time.
type twin struct {
	local, passed, shown int64
	drift                int64
}

func (c *twin) tick() {
	c.passed++
	c.see()
}

// change begins a new piece.
func (c *twin) change(step, drift int64) {
	c.local = c.has() + step
	c.passed, c.drift = 0, c.drift+drift
	c.see()
}

func (c *twin) has() int64 {
	v := new(big.Int).Mul(big.NewInt(c.passed), big.NewInt(max(leastRate, Billion+c.drift)))
	return v.Div(v, big.NewInt(Billion)).Int64() + c.local
}

func (c *twin) see() { c.shown = max(c.shown, c.has()) }

// alarm asks for wake-ups at random local times and notes when they come.
type alarm struct {
	beats
	random *sim.Stream
	wakes  model.Time
	log    func(local model.Time, asked model.Time)
}

func (a *alarm) Step(now model.Time, in *model.Input, out *model.Output) {
	if in.Kind == model.Start || now >= a.wakes {
		a.log(now, a.wakes)
		a.wakes = now.Add(model.Duration(1 + a.random.IntN(60)))
	}
	out.Wake = a.wakes
}

// Whatever its clock does, an automaton is woken in the first picosecond in which the
// clock shows the time that it asked for, and a limiter releases likewise; what either
// is told never decreases. The twin looks at each picosecond.
func TestClocksWakeInTime(t *testing.T) {
	parameters := gopter.DefaultTestParametersWithSeed(1)
	properties := gopter.NewProperties(parameters)
	wakeUps, releases := 0, 0
	properties.Property("as a twin that looks at each picosecond", prop.ForAll(
		func(seed uint64, changes int) string {
			const span = 3000
			s := sim.NewStream(seed, "clock")
			n := newNetwork(t, seed, Config{Topology: Star(2, LinkConfig{Rate: MaxRate}), Framing: Bare})
			offset, drift := int64(s.IntN(30)), int64(s.IntN(2*MaxDrift)-MaxDrift)
			late := s.IntN(2) == 0 // the first change makes the clocks
			if late {
				offset, drift = 0, 0
			}
			if !late {
				n.SetClock(0, model.Duration(offset), drift)
			}
			var got []string
			asks := sim.NewStream(seed, "asks")
			n.Attach(0, 0, Panel{Detectors: []uint8{0}, New: []func() model.Automaton{func() model.Automaton {
				return &alarm{random: asks, log: func(local, asked model.Time) {
					got = append(got, fmt.Sprint("wake ", n.kernel.Now(), " ", local))
				}}
			}}})
			n.SetLimiter(0, 7, &spacing{gap: 70, room: 100}, 7)
			n.kernel.Records.Subscribe(model.KindSet(model.Released), func(r *model.Record) {
				got = append(got, fmt.Sprint("release ", r.At))
			})
			type change struct {
				at          model.Time
				step, drift int64
			}
			var plan []change
			for range changes {
				plan = append(plan, change{model.Time(s.IntN(span)), int64(s.IntN(401) - 200), int64(s.IntN(2*MaxDrift) - MaxDrift)})
			}
			slices.SortStableFunc(plan, func(a, b change) int { return int(a.at - b.at) })
			var sends []model.Time
			for range 20 {
				sends = append(sends, model.Time(s.IntN(span)))
			}
			slices.Sort(sends)

			// The network, stopped for each change and each packet.
			left := slices.Clone(plan)
			queue := slices.Clone(sends)
			for now := model.Time(0); now <= span; now++ {
				run(t, n, now)
				for len(left) > 0 && left[0].at == now {
					n.StepClock(0, model.Duration(left[0].step))
					n.DriftClock(0, left[0].drift)
					left = left[1:]
				}
				run(t, n, now)
				for len(queue) > 0 && queue[0] == now {
					n.Send(0, 1, 1, 7, 0)
					queue = queue[1:]
				}
				run(t, n, now)
			}

			// The twin.
			c := twin{local: offset, drift: drift}
			c.see()
			asks = sim.NewStream(seed, "asks")
			var want []string
			var held []int64 // local times of releases
			wakes, next := int64(0), int64(0)
			look := func(now model.Time) {
				if c.shown >= wakes {
					want = append(want, fmt.Sprint("wake ", now, " ", model.Time(c.shown)))
					wakes = c.shown + 1 + int64(asks.IntN(60))
					wakeUps++
				}
				for len(held) > 0 && c.shown >= held[0] {
					want = append(want, fmt.Sprint("release ", now))
					held = held[1:]
					releases++
				}
			}
			for now := model.Time(0); now <= span; now++ {
				if now > 0 {
					c.tick()
				}
				look(now)
				for _, x := range plan {
					if x.at == now {
						c.change(x.step, 0)
						c.change(0, x.drift)
						look(now)
					}
				}
				for _, at := range sends {
					if at == now {
						release := max(c.shown, next)
						next = release + 70
						held = append(held, release)
						look(now)
					}
				}
			}
			// Of one instant, wake-ups and releases come in any order.
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				for i := range min(len(got), len(want)) {
					if got[i] != want[i] {
						return fmt.Sprintf("%v: got %q, want %q", plan, got[i], want[i])
					}
				}
				return fmt.Sprintf("%v: got %d lines, want %d", plan, len(got), len(want))
			}
			return ""
		},
		gen.UInt64(), gen.IntRange(0, 8),
	))
	properties.TestingRun(t)
	if wakeUps < 3000 || releases < 1000 {
		t.Errorf("only %d wake-ups and %d releases were compared", wakeUps, releases)
	}
}

// Steps add up, each within the range, be they as long as that.
func TestLongSteps(t *testing.T) {
	most := int64(model.MaxTime)
	for _, steps := range [][]int64{{most, -most}, {-most, most}, {-most, -most, most}, {most, most, -most, 5}, {1, -most, most, most}} {
		c, want := trueClock, int64(0)
		for _, step := range steps {
			c.set(0, model.Duration(step), 0)
			sum := new(big.Int).Add(big.NewInt(want), big.NewInt(step))
			switch {
			case sum.Cmp(big.NewInt(most)) > 0:
				want = most
			case sum.Cmp(big.NewInt(-most)) < 0:
				want = -most
			default:
				want = sum.Int64()
			}
			if c.local != model.Time(want) {
				t.Errorf("%v: %d after %d, want %d", steps, c.local, step, want)
			}
		}
	}
}

// A clock that comes to the end of the range stands still, whatever it was set to.
func TestClocksStayInRange(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: star8G(2)})
	most := model.Duration(model.MaxTime)
	for range 5 {
		n.StepClock(0, most)
	}
	if got := n.LocalTime(0); got != model.MaxTime {
		t.Errorf("ahead of all: %v", got)
	}
	for range 5 {
		n.StepClock(1, -most)
		n.DriftClock(1, -MaxDrift)
		n.DriftClock(1, -MaxDrift)
		n.DriftClock(1, -MaxDrift)
	}
	run(t, n, 1000)
	if got := n.LocalTime(1); got != 0 {
		t.Errorf("behind all: %v", got)
	}
	for range 5 {
		n.StepClock(1, most)
	}
	if got := n.LocalTime(1); got < model.MaxTime-1000 {
		t.Errorf("caught up: %v", got)
	}
}

func TestDrifts(t *testing.T) {
	for _, c := range []struct {
		text string
		ppb  int64
		same string // as it is written
	}{
		{"50ppm", 50_000, "50ppm"}, {"-0.5ppm", -500, "-500ppb"}, {"0.1%", 1_000_000, "1000ppm"}, {"10%", MaxDrift, "10%"},
		{"0ppm", 0, "0ppm"}, {"-100000 ppm", -MaxDrift, "-10%"},
	} {
		got, err := ParseDrift(c.text)
		if err != nil || got != c.ppb || FormatDrift(got) != c.same {
			t.Errorf("%s: %d (%s), %v", c.text, got, FormatDrift(got), err)
		}
	}
	for text, want := range map[string]string{
		"":                        `"" is not a drift (write a number and a unit, as 50ppm, -200ppb or 0.1%)`,
		"5":                       `"5" is not a drift (write a number and a unit, as 50ppm, -200ppb or 0.1%)`,
		"fast":                    `"fast" is not a drift (write a number and a unit, as 50ppm, -200ppb or 0.1%)`,
		"5us":                     `drift "5us" has an unknown unit "us" (units: ppm, ppb, %)`,
		"1e3ppm":                  `drift "1e3ppm" has an unknown unit "e3ppm" (units: ppm, ppb, %)`,
		"0.5ppb":                  `drift "0.5ppb": 0.5 is finer than the smallest unit`,
		"-11%":                    `drift "-11%": it must lie between -10% and 10%`,
		"1..5ppm":                 `drift "1..5ppm": "1..5" is not a decimal number`,
		"99999999999999999999ppm": `drift "99999999999999999999ppm": 99999999999999999999 is out of range`,
	} {
		if _, err := ParseDrift(text); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}
