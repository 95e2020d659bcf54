package reproduce

import (
	"context"
	"fmt"

	"suspect/experiments/scenario"
	"suspect/model"
)

// sharpness shows that a delta below D is too short: without bulk, by a picosecond below
// the bound; beside bulk, at the longest latency that occurred.
type sharpness struct {
	star, quiet *beating // quiet: without bulk
}

// Replications and periods of the runs about sharpness.
const sharpReplications, sharpPeriods = 2, 50

func planSharpness(star *beating) *sharpness {
	s := &sharpness{star: still(star), quiet: still(star)}
	q := s.quiet
	q.Name, q.name, q.Traffic, q.Replications = "heartbeats-quiet", "star without bulk", nil, 1
	var err error
	if q.deadline, err = newDeadline(q.scenario()); err != nil {
		panic("reproduce: " + err.Error()) // there is one with bulk
	}
	return s
}

// still returns a short copy of the plan in which nothing crashes and nothing is checked.
func still(b *beating) *beating {
	c := *b
	c.Faults, c.Properties = nil, nil
	c.Duration, c.Replications = sharpPeriods*b.deadline.eta, sharpReplications
	return &c
}

func (s *sharpness) replications() int { return 1 + 2*sharpReplications }

// shift is one setting of NFD-S.
type shift struct {
	what     string
	delta    model.Duration
	mistaken bool // as is expected
}

// with returns the plan with one detector for each of the settings, all of which live on
// the same packets.
func (b *beating) with(shifts []shift) *scenario.Scenario {
	b.Detectors = nil
	for i, x := range shifts {
		b.Detectors = append(b.Detectors, detect("nfd-s", b.deadline.eta, fmt.Sprintf("name: shift-%d", i), fmt.Sprintf("delta: %v", x.delta)))
	}
	return b.scenario()
}

func (s *sharpness) run(ctx context.Context, m *meter, d *Document) error {
	t := newTable("How sharp it is: NFD-S with other shifts of its freshness points, where nothing crashes",
		"network", "delta", "delta [us]", "longest latency [us]", "mistakes", "expected")
	look := func(b *beating, shifts []shift) (longest model.Duration, err error) {
		r, err := m.run(ctx, b.name+", shorter deltas", b.with(shifts))
		if err != nil {
			return 0, err
		}
		longest = longestLatency(r, guaranteed)
		for i, x := range shifts {
			count, expected := r.Detectors[i].Mistakes.Count, "none"
			if x.mistaken {
				expected = "some"
			}
			t.add(words("%s", b.name), words("%s", x.what), micros(x.delta), micros(longest), number(float64(count), "%.0f"), words("%s", expected))
			d.check(fmt.Sprintf("%s, delta = %s: mistakes", b.name, x.what), expected, fmt.Sprint(count), (count > 0) == x.mistaken, "")
		}
		return longest, nil
	}
	q := s.quiet.deadline
	longest, err := look(s.quiet, []shift{{"D", q.d(), false}, {"D - r", q.wait + q.way, true}})
	if err != nil {
		return err
	}
	d.checkExactly("star without bulk: longest latency", q.wait+q.way, longest, "W + B is attained: all send to the last process in the last slot")
	b := s.star.deadline
	longest, err = look(s.star, []shift{{"D", b.d(), false}, {"D - W", b.way + processing, true}, {"D - E", b.d() - b.epoch, true}})
	if err != nil {
		return err
	}
	_, err = look(s.star, []shift{{"longest latency + 1 ps", longest + model.Picosecond, false}, {"longest latency", longest, true}})
	d.Tables = append(d.Tables, t)
	return err
}
