package model

// FailurePattern is Chandra and Toueg's F: for each process the time at which it
// crashes, for the first time if it recovers, or [Never]. Process p is in F(t) from
// CrashedAt[p] on, that instant included.
type FailurePattern struct {
	CrashedAt []Time
}

// NewFailurePattern returns the pattern in which none of n processes crashes.
func NewFailurePattern(n int) FailurePattern {
	f := FailurePattern{CrashedAt: make([]Time, n)}
	for p := range f.CrashedAt {
		f.CrashedAt[p] = Never
	}
	return f
}

// Crashed tells whether p is in F(t).
func (f FailurePattern) Crashed(p ProcessID, t Time) bool { return f.CrashedAt[p] <= t }

// Correct tells whether p never crashes.
func (f FailurePattern) Correct(p ProcessID) bool { return f.CrashedAt[p] == Never }

// AllCrashed tells whether no process is correct. The properties of Chandra and
// Toueg speak of systems with at least one correct process.
func (f FailurePattern) AllCrashed() bool {
	for p := range f.CrashedAt {
		if f.Correct(ProcessID(p)) {
			return false
		}
	}
	return true
}
