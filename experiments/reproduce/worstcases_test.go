package reproduce

import (
	"context"
	"math"
	"testing"

	"suspect/model"
	"suspect/qjump"
	"suspect/sim"
)

// A delay that is a picosecond off, a published number that is another, and a bound that
// is passed are all found.
func TestWorstCasesCanDiffer(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*worstCase)
		differ int
	}{
		{"right", func(*worstCase) {}, 0},
		{"too short", func(c *worstCase) { c.attempts[0].delay-- }, 1},
		{"too long", func(c *worstCase) { c.attempts[0].delay++ }, 2}, // and above the bound
		{"published otherwise", func(c *worstCase) { c.published[0] = "0.9999" }, 1},
		{"unclear", func(c *worstCase) { c.published[0], c.unclear = "0.9999", "no reason" }, 0},
	} {
		x := boundedCases()[0]
		x.attempts = x.attempts[:2]
		for _, a := range x.attempts {
			if err := a.run(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		x.published = []string{"1.0000", "1.0000"}
		c.change(&x)
		d := new(Document)
		d.judgeCases([]worstCase{x})
		if got := d.count(Differs); got != c.differ {
			t.Errorf("%s: %d checks differ, want %d", c.name, got, c.differ)
		}
	}
}

// Every published row is there once, and its closed form by hand.
func TestWorstCasesByHand(t *testing.T) {
	want := map[string]float64{ // in packets
		"one switch, n-1 spaced senders, E = 2nP/R, n = 144":                   144,
		"one switch, n-1 spaced senders, E = nP/R, n = 64":                     64,
		"one switch, fixed windows, burst at their edge, E = 2nP/R, n = 12":    23,
		"one switch, fixed windows, burst at their edge, E = nP/R, n = 144":    287,
		"and a frame L in flight at the switch, n = 12":                        12 + 1518.0/256,
		"and frames in flight at the hosts too, n = 12, P = 256 B, E = nP/R":   7114.0 / 256,
		"tree, 3 switches on the way, all links R, 9 x 16":                     146,
		"two spaced senders on each host, E = 2nP/R, n = 64":                   127,
		"two senders on each host, fixed windows, E = 2nP/R, n = 64":           253,
		"level f = 2, 12 senders beside the receiver, minimum-spacing, n = 24": 25,
		"level f = 24, 1 sender beside the receiver, fixed-window, n = 24":     49,
		"two spaced senders on each host, E = nP/R, after 40 epochs, n = 64":   39*62 + 127,
		"level f = 2, all hosts active, after 10 epochs of 2nP/R, n = 24":      47,
		"level f = 4, all hosts active, after 10 epochs of 2nP/R, n = 24":      9*44 + 93,
		"level f = 24, all hosts active, after 10 epochs of 2nP/R, n = 24":     9*504 + 553,
		"levels f = 1 and 4 at once, the lower, n = 24":                        48,
		"levels f = 1, 4 and 24 at once, the third, after 12 epochs, n = 24":   589,
	}
	for _, c := range append(boundedCases(), growingCases()...) {
		for _, a := range c.attempts {
			name := c.what + ", " + a.hosts
			if packets, ok := want[name]; ok && math.Abs(float64(a.closed)/float64(casePacket)-packets) > 1e-9 {
				t.Errorf("%s: %v packets, want %v", name, float64(a.closed)/float64(casePacket), packets)
			}
			delete(want, name)
		}
	}
	for name := range want {
		t.Errorf("%s is missing", name)
	}
}

// The draws of spaced senders are the periodic queue, by its recursion: a packet leaves
// when it and those before it have been sent.
func TestDrawIsThePeriodicQueue(t *testing.T) {
	c := randomCase{kind: qjump.MinimumSpacing, n: 12, epochs: 2}
	for seed := range uint64(20) {
		took, err := c.draw(context.Background(), sim.NewStream(seed, "draw"))
		if err != nil {
			t.Fatal(err)
		}
		s := sim.NewStream(seed, "draw")
		epoch := packets(2 * c.n)
		var begins []model.Duration
		for range c.n - 1 {
			begins = append(begins, model.Duration(s.IntN(int(epoch))))
		}
		var longest, want, free model.Duration
		for range randomEpochs {
			for range begins {
				next := 0
				for i := range begins {
					if begins[i] < begins[next] {
						next = i
					}
				}
				free = max(free, begins[next]+casePacket) + casePacket
				want = max(want, free-begins[next])
				begins[next] += epoch
			}
		}
		for _, d := range took {
			longest = max(longest, d)
		}
		if longest != want {
			t.Errorf("seed %d: the longest delay is %v, by the recursion %v", seed, longest, want)
		}
	}
}

func TestRounded(t *testing.T) {
	for published, want := range map[string][2]float64{"95": {94.5, 95.5}, "12.4": {12.35, 12.45}, "0.57": {0.565, 0.575}} {
		if low, high := rounded(published); math.Abs(low-want[0])+math.Abs(high-want[1]) > 1e-9 {
			t.Errorf("%s: %v to %v", published, low, high)
		}
	}
}
