package detectors_test

import (
	"os"
	"runtime/debug"
	"testing"
)

// The tests keep little and throw away much: with more room between collections of garbage
// they need a quarter less of the processor.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
