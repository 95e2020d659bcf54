package replay

import (
	"math/bits"

	"suspect/model"
	"suspect/properties"
)

// survey is what a first reading of a trace tells.
type survey struct {
	first, last heartbeat
	rows        int64
	received    int64
	reordered   int64
	delay       properties.Durations
	kept        []heartbeat // all of them, unless there are too many
	corners     []corner    // of the lower convex hull of (seq, sent)
	sumSeq      float64     // of the seqs since the first
	latest      int64       // arrival
}

// corner is a sending, counted from the first: x heartbeats, y nanoseconds later.
type corner struct{ x, y uint64 }

// examine reads the trace once, and keeps its heartbeats if they are no more than
// keep.
func examine(t Trace, keep int) (*survey, error) {
	s := &survey{latest: lost}
	err := t.scan(func(h heartbeat) bool {
		s.add(h)
		if s.rows <= int64(keep) {
			s.kept = append(s.kept, h)
		} else {
			s.kept = nil
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// each calls f with the heartbeats of t, which s is about, until f returns false.
func (s *survey) each(t Trace, f func(heartbeat) bool) error {
	if s.kept == nil {
		return t.scan(f)
	}
	for _, h := range s.kept {
		if !f(h) {
			break
		}
	}
	return nil
}

func (s *survey) add(h heartbeat) {
	if s.rows == 0 {
		s.first = h
	}
	s.last = h
	s.rows++
	x := uint64(h.seq - s.first.seq)
	s.sumSeq += float64(x)
	s.addCorner(corner{x, uint64(h.sent - s.first.sent)})
	if h.received == lost {
		return
	}
	s.received++
	s.delay.Add(model.Duration(h.received-h.sent) * model.Nanosecond)
	if h.received < s.latest {
		s.reordered++
	}
	s.latest = max(s.latest, h.received)
}

// addCorner adds a point to the right of all others to the hull (Andrew's monotone
// chain).
func (s *survey) addCorner(c corner) {
	for n := len(s.corners); n >= 2; n-- {
		a, b := s.corners[n-2], s.corners[n-1]
		if less(b.y-a.y, c.x-b.x, c.y-b.y, b.x-a.x) { // slope(a, b) < slope(b, c)
			break
		}
		s.corners = s.corners[:n-1]
	}
	s.corners = append(s.corners, c)
}

// less tells whether a*b < c*d.
func less(a, b, c, d uint64) bool {
	hi1, lo1 := bits.Mul64(a, b)
	hi2, lo2 := bits.Mul64(c, d)
	return hi1 < hi2 || hi1 == hi2 && lo1 < lo2
}

// period returns the slope of the line below all points that is closest to them: it
// is the side of the hull below their mean, rounded down to a picosecond. It returns
// zero where there is one point.
func (s *survey) period() model.Duration {
	mean := s.sumSeq / float64(s.rows)
	for i := 1; i < len(s.corners); i++ {
		a, b := s.corners[i-1], s.corners[i]
		if float64(b.x) < mean {
			continue
		}
		hi, lo := bits.Mul64(b.y-a.y, uint64(model.Nanosecond))
		if hi >= b.x-a.x {
			break // unreachable: times are below maxSpan
		}
		q, _ := bits.Div64(hi, lo, b.x-a.x)
		return model.Duration(q)
	}
	return 0
}

// shift returns the local time of the first sending on a clock on which the line
// of slope eta that touches the points from below starts at zero.
func (s *survey) shift(eta model.Duration) model.Duration {
	var least int64
	for _, c := range s.corners {
		least = min(least, int64(c.y)*int64(model.Nanosecond)-int64(c.x)*int64(eta))
	}
	return model.Duration(-least)
}
