package mine

import (
	"testing"

	"suspect/model"
	"suspect/properties"
)

// TestPerfect: while messages take less than a second, nobody is suspected before it has
// crashed, and whoever has crashed is suspected within four seconds.
func TestPerfect(t *testing.T) {
	make := func(self model.ProcessID, n int) model.Automaton { return New(self, n, 2*model.Second) }
	properties.Test(t, make, properties.Claim{Class: model.P, Conditions: model.Conditions{
		Delay:   model.Second - 1,
		Crashes: -1, // any number but one
		Within:  4 * model.Second,
	}})
}
