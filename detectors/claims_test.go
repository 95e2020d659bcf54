package detectors_test

import (
	"testing"

	"suspect/model"
)

// promises are the bounds on delays under which detectors claim to be perfect, for the given
// parameters, worked out by hand from the words of the claims. Those of swim and memberlist
// end there; the others claim to be eventually perfect when the bound holds from some time on.
var promises = []struct {
	name       string
	given      map[string]string
	below      model.Duration
	inOrder    bool
	eventually bool
}{
	{"timeout", nil, 2 * second, false, true},
	{"adaptive", nil, 2 * second, false, true},
	{"nfd-s", nil, 2 * second, false, true},
	{"nfd-u", nil, second, false, true},
	{"nfd-e", nil, second, false, true},
	{"2w-fd", map[string]string{"long": "20"}, second, false, true},
	{"kappa", nil, 2 * second, false, true},
	{"kappa", map[string]string{"threshold": "2.5", "ramp": "0.5"}, 1500 * ms, false, true},
	{"ping", nil, second, false, true},
	{"timeout-2d-r", nil, 100*ms + 1, false, true}, // "at most d", not below
	{"so-sirer", map[string]string{"hazards": "4 1 9 1"}, 500 * ms, false, true},
	{"swim", nil, 150 * ms, false, false},
	{"memberlist", nil, 250 * ms, false, false},
	{"zookeeper", map[string]string{"timeout": "18s"}, 3 * second, false, true},
	{"lease", nil, 2 * second, false, true},
	{"bfd", nil, 500 * ms, true, true},
	{"bfd", map[string]string{"tx": "100ms", "rx": "300ms", "multiplier": "4"}, 900 * ms, true, true},
	{"ospf", nil, 10 * second, true, true},
	{"ospf", map[string]string{"dead": "100s"}, 40 * second, true, true},
	{"node-lease", nil, 24600 * ms, false, true},
	{"vote", nil, second, false, true}, // repeat
	{"traffic-light", nil, 2 * second, false, true},
}

// While every delay is below the bound, however it varies, a detector that claims to be
// perfect makes no mistake, and it suspects a crashed process for good. So does one that
// claims to be eventually perfect, from some time after the bound begins to hold; until
// then half of all messages are lost and the others late by up to 20 s. Delays are nothing,
// all but the bound, or anything between.
func TestClaims(t *testing.T) {
	t.Parallel()
	const settled = 150 * second // after everything that was late
	for _, c := range promises {
		for seed := range 6 {
			wild := at(0)
			if seed >= 3 {
				if !c.eventually {
					break
				}
				wild = at(50 * second)
			}
			w := newWorld(t, 4, c.name, c.given)
			dice := splitMix(seed)
			var latest [4][4]model.Time
			w.path = func(now model.Time, m *model.Message) (model.Duration, bool) {
				arrival := now
				switch kind := dice.IntN(3); {
				case now < wild && dice.IntN(2) == 0:
					return 0, false
				case now < wild:
					arrival = now.Add(model.Duration(dice.IntN(int(20 * second))))
				case kind == 0:
					arrival = now.Add(c.below - 1)
				case kind == 1:
					arrival = now.Add(model.Duration(dice.IntN(int(c.below))))
				}
				if last := &latest[m.From][m.To]; c.inOrder {
					arrival = max(arrival, *last)
					*last = arrival
				}
				return arrival.Sub(now), true
			}
			w.start()
			w.until(wild.Add(settled))
			for p, changes := range w.changes {
				for _, v := range changes {
					if wild == 0 {
						t.Errorf("%s %v: with delays below %v (seed %d), p%d says %v", c.name, c.given, c.below, seed, p, v)
					}
				}
				for q := range w.changes {
					if since := w.suspectedAt(p, q); since != model.Never {
						t.Errorf("%s %v (seed %d): in the end, p%d suspects p%d, since %v", c.name, c.given, seed, p, q, since)
					}
				}
				w.changes[p] = nil
			}
			w.until(wild.Add(2 * settled))
			for p, changes := range w.changes {
				if len(changes) > 0 {
					t.Errorf("%s %v (seed %d): after long, p%d says %v", c.name, c.given, seed, p, changes[0])
				}
			}
			w.crash(3)
			w.until(wild.Add(4 * settled))
			for p := range 3 {
				if since := w.suspectedAt(p, 3); since > wild.Add(3*settled) {
					t.Errorf("%s %v (seed %d): p%d says %v of the crash", c.name, c.given, seed, p, w.changes[p])
				}
			}
		}
	}
}
