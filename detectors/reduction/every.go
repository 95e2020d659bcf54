package reduction

import (
	"fmt"

	"suspect/detectors"
	"suspect/model"
)

// every is due at the first step, and then whenever a period has passed: "repeatedly".
type every struct {
	period  model.Duration
	next    model.Time
	started bool
}

func newEvery(period model.Duration) (every, error) {
	if period <= 0 {
		return every{}, fmt.Errorf("the algorithm is to repeat itself every %v: give it a positive time", period)
	}
	return every{period: period}, nil
}

// due tells whether a step at the given time has to act, once.
func (e *every) due(now model.Time) bool {
	if e.started && now < e.next {
		return false
	}
	e.started = true
	e.next = now.Add(e.period)
	return true
}

// append writes the time left, or that there was no step yet.
func (e *every) append(b []byte, now model.Time) []byte {
	if !e.started {
		return detectors.AppendLeft(b, model.Never, now)
	}
	return detectors.AppendLeft(b, e.next, now)
}

// load is the inverse of append.
func (e *every) load(r *detectors.Reader, now model.Time) {
	e.next = r.Left(now, e.period)
	e.started = e.next != model.Never
}

// numberBytes is the payload of a message that carries one number: that and its kind.
const numberBytes = 9

// sendToOthers sends m to all of n processes but its sender.
func sendToOthers(m model.Message, n int, out *model.Output) {
	for q := range model.ProcessID(n) {
		if q != m.From {
			m.To = q
			out.Send = append(out.Send, m)
		}
	}
}

// isOther tells whether p is one of n processes, and not self.
func isOther(p, self model.ProcessID, n int) bool { return 0 <= p && int(p) < n && p != self }

// tell writes the verdicts that make the list of suspects another, and returns that.
func tell(old, suspects detectors.Set, out *model.Output) detectors.Set {
	for rest := old ^ suspects; rest != 0; rest &= rest - 1 {
		q := rest.First()
		out.Verdicts = append(out.Verdicts, model.Verdict{Peer: q, Suspected: suspects.Has(q)})
	}
	return suspects
}
