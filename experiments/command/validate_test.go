package command_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// What generators are expected to do in a replication is told, in words and as JSON: the
// published rates of a cluster of 1800 servers in a year, for six hosts in 30 days.
func TestValidateTellsExpectedFaults(t *testing.T) {
	set := []string{"validate", "month", "--set", "generators[0].use=cluster-first-year", "--set", "duration=360h"}
	code, text, stderr := suspect(t, t.TempDir(), set...)
	if code != 0 {
		t.Fatal(stderr)
	}
	if want := "generator    cluster-first-year, on average in a replication:\n                  0.137 machine (host-crash)\n"; !strings.Contains(text, want) {
		t.Errorf("%s", text)
	}
	code, text, stderr = suspect(t, t.TempDir(), append(set, "--format", "json")...)
	if code != 0 {
		t.Fatal(stderr)
	}
	var got struct {
		Generators []struct {
			Generator, Arrivals, Fault string
			Expected                   float64
		}
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	g := got.Generators
	// 1000 machines in 1800 and a year, for 6 and 15 days.
	if len(g) != 11 || g[0].Generator != "cluster-first-year" || g[0].Arrivals != "machine" || g[0].Fault != "host-crash" || math.Abs(g[0].Expected-1000.0*6/1800*15/365) > 1e-9 {
		t.Errorf("%+v", g)
	}
}
