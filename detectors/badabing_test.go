package detectors_test

import (
	"math"
	"slices"
	"testing"

	"suspect/detectors"
	"suspect/model"
)

// episodes returns random slots, congested in episodes of two slots or more with as long
// times between them, and before and after; and how many episodes there are.
func episodes(random *splitMix, n, longest int) (congested []bool, b int) {
	for len(congested) < n {
		congested = append(congested, make([]bool, 2+random.IntN(longest))...)
		for range 2 + random.IntN(longest) {
			congested = append(congested, true)
		}
		b++
	}
	return append(congested, false, false), b
}

// When an experiment of each form begins in every slot, the estimates are the truth; and so
// they are, by expectation, when edges of episodes are seen with another probability than
// their insides. The improved estimate tells the duration even then, the basic one does not.
func TestEpisodesAreUnbiased(t *testing.T) {
	var random splitMix
	for trial := range 50 {
		congested, b := episodes(&random, 20+random.IntN(300), 1+random.IntN(12))
		a := 0
		for _, c := range congested {
			if c {
				a++
			}
		}
		digit := func(i int) uint8 {
			if congested[i] {
				return 1
			}
			return 0
		}
		truth := float64(a) / float64(b)
		for _, seen := range []struct{ edges, insides int }{{1, 1}, {1, 2}, {3, 1}} {
			// In expectation: an edge that is seen counts as often as edges says, an inside
			// as insides says. What is not seen is 00 or 000, and counts for nothing.
			var e detectors.Episodes
			times := func(y uint8) int {
				switch y {
				case 0b01, 0b10:
					return seen.edges
				case 0b11:
					return seen.insides
				}
				return 1
			}
			timesTriple := func(y uint8) int {
				switch y {
				case 0b011, 0b110, 0b111:
					return seen.insides
				case 0b001, 0b100:
					return seen.edges
				}
				return 1
			}
			var pairs, triples detectors.Episodes
			for i := range len(congested) - 2 {
				pair := digit(i)<<1 | digit(i+1)
				for range times(pair) {
					pairs.Pair(pair)
				}
				triple := pair<<1 | digit(i+2)
				for range timesTriple(triple) {
					triples.Triple(triple)
				}
			}
			e = pairs
			e.U, e.V = triples.U, triples.V
			if got, ok := e.Duration(); !ok || math.Abs(got-truth) > 1e-9*truth {
				t.Errorf("trial %d: seen %+v: improved duration %v, of %d slots in %d episodes", trial, seen, got, a, b)
			}
			basic, ok := e.BasicDuration()
			if same := math.Abs(basic-truth) < 1e-9*truth; !ok || same != (seen.edges == seen.insides) && a > b {
				t.Errorf("trial %d: seen %+v: basic duration %v, of %d slots in %d episodes", trial, seen, basic, a, b)
			}
			if e.Begins != e.Ends || e.Odd != 0 {
				t.Errorf("trial %d: %d episodes began and %d ended, %d odd triples", trial, e.Begins, e.Ends, triples.Odd)
			}
			if f, ok := e.Frequency(); seen.edges == 1 && seen.insides == 1 && (!ok || f != float64(a)/float64(len(congested)-2)) {
				t.Errorf("trial %d: frequency %v, of %d slots in %d", trial, f, a, len(congested)-2)
			}
		}
	}
}

// prober is a sender, process 0, and a receiver, process 1, of badabing over a way that
// congests in some slots.
type prober struct {
	sent []probedSlot
	e    detectors.Episodes
	said []change
}

// probedSlot is what became of the packets of a slot.
type probedSlot struct {
	slot  int64
	waits []model.Duration // -1: lost
}

// probe sends for a time. The path tells what becomes of a packet.
func probe(t *testing.T, given map[string]string, end model.Time, path func(slot int64, packet int) model.Duration) (p prober) {
	make := build(t, "badabing", given)
	env := detectors.Env{N: 2, Watchers: []model.ProcessID{1}}
	sender, err := make(env)
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := make(detectors.Env{Self: 1, N: 2, Watch: []model.ProcessID{0}})
	if err != nil {
		t.Fatal(err)
	}
	var mail []letter
	var out, in model.Output
	out.Reset()
	in.Reset()
	hear := func(at model.Time, i model.Input) {
		in.Reset()
		receiver.Step(at, &i, &in)
		for _, v := range in.Verdicts {
			p.said = append(p.said, change{at, v})
		}
	}
	hear(0, model.Input{Kind: model.Start})
	sender.Step(0, &model.Input{Kind: model.Start}, &out)
	for now := model.Time(0); ; {
		for _, m := range out.Send {
			if m.Arg == 1 {
				p.sent = append(p.sent, probedSlot{slot: m.Seq})
			}
			x := &p.sent[len(p.sent)-1]
			wait := path(m.Seq, int(m.Arg))
			if x.waits = append(x.waits, wait); wait >= 0 {
				mail = append(mail, letter{now.Add(wait), m})
			}
		}
		slices.SortStableFunc(mail, func(a, b letter) int { return int(a.at - b.at) })
		for (len(mail) > 0 && mail[0].at <= out.Wake) || in.Wake <= out.Wake {
			if len(mail) > 0 && mail[0].at < in.Wake {
				l := mail[0]
				mail = mail[1:]
				hear(l.at, model.Input{Kind: model.Deliver, Message: l.Message})
				continue
			}
			if in.Wake > end {
				break
			}
			hear(in.Wake, model.Input{Kind: model.Wake})
		}
		if now = out.Wake; now > end {
			break
		}
		out.Reset()
		sender.Step(now, &model.Input{Kind: model.Wake}, &out)
	}
	p.e, _ = receiver.(detectors.CongestionEstimator).Episodes(0)
	return p
}

// offline computes the counts of all experiments that begin up to a slot from the log of a
// sender that chose slots as it did: by the definitions, with the whole log at hand but for
// what comes later than a loss is looked for.
func (p *prober) offline(last, tau int64, alpha float64) (e detectors.Episodes) {
	index := map[int64]int{}
	for i, x := range p.sent {
		index[x.slot] = i
	}
	lost := func(i int) bool { return slices.Contains(p.sent[i].waits, -1) }
	worst := func(i int) model.Duration { return slices.Max(p.sent[i].waits) }
	fastest := model.Duration(math.MaxInt64)
	for i := range p.sent {
		for _, w := range p.sent[i].waits {
			if w >= 0 {
				fastest = min(fastest, w)
			}
		}
	}
	congested := func(slot int64) (digit, ok bool) {
		i, probed := index[slot]
		if !probed {
			return false, false
		}
		if lost(i) {
			return true, true
		}
		longest, before, near := fastest, fastest, false
		for k := range p.sent {
			if p.sent[k].slot > slot+tau {
				break
			}
			if worst(k) >= 0 {
				before = worst(k)
			}
			if lost(k) {
				longest = max(longest, before)
				near = near || p.sent[k].slot >= slot-tau
			}
		}
		return near && float64(worst(i)-fastest) > (1-alpha)*float64(longest-fastest), true
	}
	bit := func(b bool) uint8 {
		if b {
			return 1
		}
		return 0
	}
	// Which experiments there were is told by the slots alone where probes do not touch, and
	// the test takes no others: two or three probes in a row with none before and after.
	for i := 0; i < len(p.sent); {
		n := 1
		for i+n < len(p.sent) && p.sent[i+n].slot == p.sent[i].slot+int64(n) {
			n++
		}
		slot := p.sent[i].slot
		if i += n; slot > last {
			break
		}
		x, _ := congested(slot)
		y, _ := congested(slot + 1)
		z, _ := congested(slot + 2)
		switch n {
		case 2:
			e.Pair(bit(x)<<1 | bit(y))
		case 3:
			e.Triple(bit(x)<<2 | bit(y)<<1 | bit(z))
		default:
			e.Odd = -1 << 40 // experiments overlap
		}
	}
	return e
}

// With experiments so rare that none overlap, the receiver counts what a look at the whole
// log gives.
func TestBadabingAgainstLog(t *testing.T) {
	const slot = 5 * ms
	compared := 0
	for seed := range splitMix(12) {
		random := seed
		congested, _ := episodes(&random, 7000, 30)
		given := map[string]string{"p": "0.005", "silence": "20s", "tau": "10ms", "stagger": "false"}
		p := probe(t, given, at(30*second), func(s int64, packet int) model.Duration {
			if packet == 1 && s < 1000 {
				return ms // from then on the fastest packet is known
			}
			if s >= 1000 && s < int64(len(congested)) && congested[s] {
				if random.IntN(3) == 0 {
					return -1
				}
				return 15*ms + model.Duration(random.IntN(int(10*ms)))
			}
			return ms + model.Duration(random.IntN(int(3*ms)))
		})
		// The last experiments are not judged yet.
		last := int64((30*second-100*ms)/slot) - 20
		for p.sent[len(p.sent)-1].slot > last {
			p.sent = p.sent[:len(p.sent)-1]
		}
		want := p.offline(last-2, 2, 0.1)
		if want.Odd < 0 {
			t.Fatal("experiments overlap: take a smaller p")
		}
		compared += int(want.First)
		if p.e != want {
			t.Errorf("seed %d: %+v, the log gives %+v", seed, p.e, want)
		}
	}
	if compared == 0 {
		t.Error("nothing was congested")
	}
}

// The estimates come near the truth, and the verdict follows the share of the window.
func TestBadabingEstimates(t *testing.T) {
	// As the published method is mostly tried: episodes of 14 slots, here every 280.
	p := probe(t, map[string]string{"stagger": "false", "tau": "0s"}, at(300*second), func(s int64, _ int) model.Duration {
		if s%280 >= 266 {
			return -1
		}
		return ms
	})
	if f, _ := p.e.Frequency(); math.Abs(f-0.05) > 0.005 {
		t.Errorf("frequency %v, want 0.05", f)
	}
	// With 98 such episodes the standard deviation is 2.4 slots, by independent simulations of
	// the method at p = 0.3; here are 214: two such are 3.2.
	if d, _ := p.e.BasicDuration(); math.Abs(d-14) > 3.2 {
		t.Errorf("basic duration %v slots, want 14", d)
	}
	if d, _ := p.e.Duration(); math.Abs(d-14) > 3.2 {
		t.Errorf("improved duration %v slots, want 14", d)
	}
	if d := p.e.Begins - p.e.Ends; d*d > 9*(p.e.Begins+p.e.Ends) { // three standard deviations
		t.Errorf("%d beginnings, %d ends", p.e.Begins, p.e.Ends)
	}
}

func TestBadabingVerdict(t *testing.T) {
	jam := func(from, to model.Duration) func(int64, int) model.Duration {
		return func(s int64, packet int) model.Duration {
			switch sent := model.Duration(s) * 5 * ms; {
			case sent < from || sent >= to:
				return ms
			case packet == 3:
				return -1
			}
			return 20 * ms
		}
	}
	given := map[string]string{"stagger": "false"}
	p := probe(t, given, at(12*second), jam(4*second, 6*second))
	if len(p.said) != 2 || p.said[0].Kind != model.Congestion || !p.said[0].Suspected || p.said[1].Suspected {
		t.Fatalf("verdicts %v", p.said)
	}
	// Above a tenth of the window's second, 150 ms (wait, tau and two slots) late, as sampled.
	for i, want := range []model.Duration{4*second + 250*ms, 7*second + 50*ms} {
		if got := p.said[i].at; got < at(want-60*ms) || got > at(want+150*ms) {
			t.Errorf("verdict %d at %v, want about %v", i, got, want)
		}
	}
	if p := probe(t, given, at(6*second), jam(2*second, 2*second+50*ms)); len(p.said) != 0 {
		t.Errorf("50 ms of congestion in a second: %v", p.said)
	}
	// Delay without loss is no congestion to this method.
	p = probe(t, given, at(6*second), func(s int64, _ int) model.Duration {
		if s > 400 && s < 800 {
			return 50 * ms
		}
		return ms
	})
	if len(p.said) != 0 {
		t.Errorf("delay without loss: %v", p.said)
	}
	// A peer that falls silent looks congested until silence has passed.
	p = probe(t, given, at(6*second), jam(20*second, 20*second))
	if f, _ := p.e.Frequency(); f != 0 || len(p.said) != 0 {
		t.Errorf("an idle way: frequency %v, %v", f, p.said)
	}
	p = probe(t, given, at(8*second), func(s int64, _ int) model.Duration {
		if s >= 600 {
			return -1
		}
		return ms
	})
	if len(p.said) != 2 || p.said[1].Suspected || p.said[1].at > at(3*second+500*ms+110*ms) {
		t.Errorf("after a crash: %v", p.said)
	}
}
