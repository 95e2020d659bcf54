package intime

import (
	"testing"
	"time"
)

// failures counts what would fail a test.
type failures struct {
	testing.TB
	n int
}

func (f *failures) Helper()               {}
func (f *failures) Errorf(string, ...any) { f.n++ }

// What only waits takes no processor time, and passes; what works too long fails,
// unless it was slow only once.
func TestCheck(t *testing.T) {
	const limit = 20 * time.Millisecond
	work := func() {
		for end := processor() + 2*limit; processor() < end; {
		}
	}
	first := true
	for name, c := range map[string]struct {
		read func()
		want int
	}{
		"waits": {func() { time.Sleep(2 * limit) }, 0},
		"works": {work, 1},
		"once": {func() {
			if first {
				first = false
				work()
			}
		}, 0},
	} {
		f := &failures{TB: t}
		if check(f, limit, c.read); f.n != c.want {
			t.Errorf("%s: %d failures, want %d", name, f.n, c.want)
		}
	}
}
