package properties

import "suspect/model"

// mistakes finds the suspicions that accuracy is about: those in force at an instant t,
// after the warm-up, at which both the suspect and the one who suspects have started and
// neither is in F(t).
type mistakes struct {
	*history
	started bool // the warm-up has ended

	// candidates are the suspicions that began, or were in force when the warm-up ended
	// or the suspect started, at the time now: a crash in that instant may still come and
	// excuse them.
	now        model.Time
	candidates []mistake

	// found is called once with each mistake, in the order in which they begin.
	found func(mistake)
}

// mistake is a suspicion, by the record that began it.
type mistake struct {
	pair   int32
	record model.Record
}

func newMistakes(env Env) (*mistakes, error) {
	h, err := newHistory(env)
	if err != nil {
		return nil, err
	}
	return &mistakes{history: h}, nil
}

func (m *mistakes) Kinds() model.Kinds { return verdictKinds }

// observe folds r and says what it changed.
func (m *mistakes) observe(r *model.Record) (change, int32) {
	m.advance(r.At)
	what, pair := m.step(r)
	if !m.started {
		return what, pair
	}
	switch what {
	case suspicion:
		m.consider(pair)
	case start:
		for _, i := range m.on(r.Process) {
			m.consider(i)
		}
	}
	return what, pair
}

// consider makes a candidate of the pair's suspicion, if there is one and both have
// started.
func (m *mistakes) consider(pair int32) {
	if m.suspects(pair) && m.startedBoth(pair) != model.Never {
		m.candidates = append(m.candidates, mistake{pair, m.suspected(pair)})
	}
}

// advance takes note that all records before the time now were seen.
func (m *mistakes) advance(now model.Time) {
	if !m.started && now >= m.env.WarmUp {
		m.started, m.now = true, m.env.WarmUp
		for i := range int32(m.len()) {
			m.consider(i)
		}
	}
	if now > m.now {
		m.settle()
		m.now = now
	}
}

// settle judges the candidates, now that all crashes of their instant are known.
func (m *mistakes) settle() {
	for _, c := range m.candidates {
		if !m.crashed(c.pair, m.now) {
			m.found(c)
		}
	}
	m.candidates = m.candidates[:0]
}

// conclude takes note that the run ends.
func (m *mistakes) conclude(end model.Time) {
	m.advance(end)
	m.settle()
}

// tooShort tells whether no time passes from the end of the warm-up to that of the run.
func (m *mistakes) tooShort(end model.Time) bool { return end <= m.env.WarmUp }

// observed tells whether neither process of the pair had crashed when the warm-up had
// ended and both had started: accuracy says something of it.
func (m *mistakes) observed(pair int32) bool {
	since := max(m.env.WarmUp, m.startedBoth(pair))
	return m.started && since != model.Never && !m.crashed(pair, since)
}

// observedPairs returns the number of those pairs.
func (m *mistakes) observedPairs() (n int) {
	for i := range int32(m.len()) {
		if m.observed(i) {
			n++
		}
	}
	return n
}

// correctPairs returns the number of pairs of correct processes that have started.
func (m *mistakes) correctPairs() (n int) {
	for i := range int32(m.len()) {
		if m.correctPair(i) {
			n++
		}
	}
	return n
}

// watchedByCorrect tells whether q and some monitor of it are correct and have started.
func (m *mistakes) watchedByCorrect(q model.ProcessID) bool {
	for _, i := range m.on(q) {
		if m.correctPair(i) {
			return true
		}
	}
	return false
}

// Reasons for which a run settles nothing.
const (
	noCorrect = "no process is correct: every one crashed at some time"
	tooShort  = "too short: the run does not go on after the warm-up"
)
