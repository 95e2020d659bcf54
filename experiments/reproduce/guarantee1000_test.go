package reproduce

import (
	"math"
	"testing"
)

// value returns the number in a row and the named column of a table.
func value(t *testing.T, table Table, row int, column string) float64 {
	t.Helper()
	for i, c := range table.Columns {
		if c.heading() == column {
			if table.Rows[row][i].Value == nil {
				t.Fatalf("%s, row %d: %q is no number", column, row, table.Rows[row][i].Text)
			}
			return *table.Rows[row][i].Value
		}
	}
	t.Fatalf("there is no column %q", column)
	return 0
}

// By hand: 1000 x 64 x 8 / 10 Gb/s = 51.2 us, 1999 times 51.2 ns = 102.3488 us; a frame of 64
// bytes takes 84 on the wire, 67.2 ns: 67.2 us and 134.3328 us.
func TestGuaranteeByHand(t *testing.T) {
	d := run(t, "guarantee-1000", 0, nil)
	for i, want := range []float64{51.2, 51.2, 102.3488, 67.2, 134.3328} {
		proved, measured := value(t, d.Tables[1], i, "proved [us]"), value(t, d.Tables[1], i, "measured [us]")
		if proved != want || measured > want || want-measured > 2e-6 {
			t.Errorf("row %d: proved %v, measured %v, want %v", i, proved, measured, want)
		}
	}
	if got := value(t, d.Tables[0], 0, "2nP/R [us]"); got != 102.4 {
		t.Errorf("the guarantee is %v", got)
	}
	if got := value(t, d.Tables[0], 1, "of the published epoch"); math.Abs(got-84.0/64) > 1e-12 {
		t.Errorf("a frame is %v of the budget", got)
	}
}

// Other numbers of hosts and sizes agree with their closed forms too.
func TestGuaranteeOfOthers(t *testing.T) {
	for _, given := range []map[string]string{{"hosts": "2"}, {"hosts": "10000", "packet": "46"}, {"hosts": "3", "packet": "1500"}, {"hosts": "64", "packet": "256"}} {
		agree(t, run(t, "guarantee-1000", 0, given))
	}
}
