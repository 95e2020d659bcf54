// Package intime tells tests whether reading a hostile input takes too long.
package intime

import (
	"syscall"
	"testing"
	"time"
)

// Limit is what no input may take.
const Limit = time.Second

// Check calls read and fails t if it takes longer than [Limit], three times in a
// row. The processor time of the test's process counts where it is less than the time
// on the clock, so that other processes do not matter.
func Check(t testing.TB, read func()) {
	t.Helper()
	check(t, Limit, read)
}

func check(t testing.TB, limit time.Duration, read func()) {
	t.Helper()
	var took time.Duration
	for range 3 {
		began, used := time.Now(), processor()
		read()
		if took = min(time.Since(began), processor()-used); took <= limit {
			return
		}
	}
	t.Errorf("it took %v", took)
}

// processor returns the processor time that this process has used.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
