package properties

import "suspect/model"

// mistakes finds the suspicions that accuracy is about: of a process that has not
// crashed by one that has not crashed, in force at some time from `from` on.
type mistakes struct {
	*history
	from    model.Time
	started bool
	checked int    // pairs without a crash until `from`
	watched []bool // by process: whether it is the peer in one of them

	// found is called once with each, when it begins or, if it began before, at
	// `from`. Its record is that of the beginning.
	found func(pair int32)
}

func newMistakes(env Env, from model.Time) (*mistakes, error) {
	h, err := newHistory(env)
	if err != nil {
		return nil, err
	}
	return &mistakes{history: h, from: max(from, env.WarmUp), watched: make([]bool, env.N)}, nil
}

func (m *mistakes) Kinds() model.Kinds { return verdictKinds }

// observe folds r and says what it changed.
func (m *mistakes) observe(r *model.Record) (change, int32) {
	m.advance(r.At)
	what, pair := m.step(r)
	if what == suspicion && m.started && m.neverCrashed(pair) {
		m.found(pair)
	}
	return what, pair
}

// advance reports the suspicions in force at `from` when that time has come.
func (m *mistakes) advance(now model.Time) {
	if m.started || now < m.from {
		return
	}
	m.started = true
	for i := range int32(m.len()) {
		if !m.neverCrashed(i) {
			continue
		}
		m.checked++
		m.watched[m.peer(i)] = true
		if m.suspects(i) {
			m.found(i)
		}
	}
}

// correctPairs returns the number of pairs of correct processes.
func (m *mistakes) correctPairs() (n int) {
	for i := range int32(m.len()) {
		if m.neverCrashed(i) {
			n++
		}
	}
	return n
}

// watchedByCorrect tells whether q and some monitor of it are correct.
func (m *mistakes) watchedByCorrect(q model.ProcessID) bool {
	for _, i := range m.on(q) {
		if m.neverCrashed(i) {
			return true
		}
	}
	return false
}

// Reasons for which a run settles nothing.
const (
	noCorrect = "no process is correct: every one crashed at some time"
	tooShort  = "too short: the run ends before the warm-up does"
)
