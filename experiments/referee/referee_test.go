package referee_test

import (
	"flag"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"gonum.org/v1/gonum/stat"

	"suspect/experiments/referee"
	"suspect/model"
)

var (
	kills = flag.Int("kills", 40, "kills of the library in each cluster size")
	sizes = flag.String("sizes", "3,5,10", "cluster sizes")
	first = flag.Uint64("seed", 1, "seed of the first kill")
)

// automatonKills is how many kills of the automaton are compared with one of the library.
const automatonKills = 10

// A true hypothesis is rejected once in a hundred thousand tests. The library cannot be told
// which choices to make, so a test of it fails by chance now and then.
const (
	significance = 1e-5
	quantile     = 4.42 // of the standard normal distribution, two-sided
)

// reference is the mean time in seconds from a kill until the first survivor declares it,
// in 40 kills of memberlist v0.7.0 with its defaults for a LAN and a delay of 0.25 ms.
var reference = map[int]float64{3: 5.86, 5: 5.98, 10: 6.13, 30: 8.02}

const referenceKills = 40

// delays are the times in seconds that a sample of kills took, sorted.
type delays struct {
	first, last   []float64
	missed, wrong int
}

func (d *delays) add(o referee.Outcome) {
	d.first, d.last = append(d.first, o.First.Seconds()), append(d.last, o.Last.Seconds())
	d.missed += o.Missed
	d.wrong += o.Wrong
}

func (d *delays) sort() {
	slices.Sort(d.first)
	slices.Sort(d.last)
}

// library kills members of memberlist clusters, each in a bubble.
func library(t *testing.T, s referee.Settings, n int) *delays {
	var d delays
	for i := range uint64(n) {
		synctest.Test(t, func(t *testing.T) {
			o, err := referee.Library(s, *first+i)
			if err != nil {
				t.Fatalf("seed %d: %v", *first+i, err)
			}
			d.add(o)
		})
	}
	d.sort()
	return &d
}

// automaton kills members of groups of the detector memberlist.
func automaton(t *testing.T, s referee.Settings, n int) *delays {
	var d delays
	for i := range uint64(n) {
		o, err := referee.Automaton(s, *first+i)
		if err != nil {
			t.Fatalf("seed %d: %v", *first+i, err)
		}
		d.add(o)
	}
	d.sort()
	return &d
}

// standard is memberlist's default for a LAN.
func standard(members int) referee.Settings {
	return referee.Settings{Members: members, SuspicionMult: 4, Delay: 250 * model.Microsecond, Streams: true}
}

// interval returns the mean of a sample and half of its 95% interval.
func interval(sample []float64) (mean, half float64) {
	mean, deviation := stat.MeanStdDev(sample, nil)
	return mean, 1.96 * deviation / math.Sqrt(float64(len(sample)))
}

func (d *delays) log(t *testing.T, who string) {
	mean, half := interval(d.first)
	meanLast, halfLast := interval(d.last)
	t.Logf("%s: first %.3f ± %.3f s [%.2f, %.2f], last %.3f ± %.3f s; of %d kills, %d missed and %d wrong deaths",
		who, mean, half, d.first[0], d.first[len(d.first)-1], meanLast, halfLast, len(d.first), d.missed, d.wrong)
}

// agree compares a sample of kills of the library with ten times as many of the automaton.
// An automaton with a wrong suspicion multiplier must be found out.
func agree(t *testing.T, s referee.Settings, real *delays, wrong ...int) {
	n := automatonKills * len(real.first)
	built := automaton(t, s, n)
	real.log(t, "library")
	built.log(t, "automaton")
	for _, c := range []struct {
		what        string
		real, built []float64
	}{{"first", real.first, built.first}, {"last", real.last, built.last}} {
		d, p := referee.Smirnov(c.real, c.built)
		t.Logf("time to the %s death: distance %.3f, p = %.4f", c.what, d, p)
		if p < significance {
			t.Errorf("the times to the %s death are not of one distribution", c.what)
		}
	}
	for _, mult := range wrong {
		other := s
		other.SuspicionMult = mult
		_, p := referee.Smirnov(real.first, automaton(t, other, n).first)
		t.Logf("an automaton with suspicion multiplier %d: p = %.1g", mult, p)
		if p >= significance {
			t.Errorf("an automaton with suspicion multiplier %d passes for the library", mult)
		}
	}
}

// The library and the automaton take equally long, and the library as long as measured
// elsewhere.
func TestKillToDead(t *testing.T) {
	for _, text := range strings.Split(*sizes, ",") {
		members, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			real := library(t, standard(members), *kills)
			if real.missed != 0 || real.wrong != 0 {
				t.Errorf("without loss, %d deaths were missed and %d were wrong", real.missed, real.wrong)
			}
			if want, ok := reference[members]; ok {
				mean, deviation := stat.MeanStdDev(real.first, nil)
				allowed := quantile * deviation * math.Sqrt(1/float64(*kills)+1./referenceKills)
				if math.Abs(mean-want) > allowed {
					t.Errorf("the library takes %.3f s, and elsewhere %.2f s: they differ by more than %.3f s", mean, want, allowed)
				}
			}
			agree(t, standard(members), real, 3, 5)
		})
	}
}

// They do so too where every third packet is lost (36%), so that indirect pings, nacks,
// refutations and the doubts of members in their own health all matter.
func TestKillToDeadWithLoss(t *testing.T) {
	t.Parallel()
	s := standard(10)
	s.Loss, s.Streams = 0.2, false
	agree(t, s, library(t, s, *kills), 2, 8)
}

// Of three members, two look for the dead one. Each probes the two others in each round
// of two seconds, in random order; the next probe comes after a time uniform in [0 s, 1 s),
// and is the first or second of its round with equal chances. The probability that it has
// not met the dead one falls from 1 to 1/2 in the first second, to 1/8 in the next and to
// 0 in the third. The first of the two has a mean of the integral of its square, 67/96 s.
// The failed probe takes a second and the suspicion, which nobody can confirm, four.
func TestThreeMembersInClosedForm(t *testing.T) {
	mean, half := interval(automaton(t, standard(3), 20_000).first)
	if want := 5 + 67./96; math.Abs(mean-want) > quantile/1.96*half {
		t.Errorf("the automaton takes %.4f ± %.4f s, want %.4f", mean, half, want)
	}
}
