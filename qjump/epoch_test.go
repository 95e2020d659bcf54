package qjump_test

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"

	"suspect/model"
	"suspect/network"
	"suspect/qjump"
)

// The bound and the epoch of independently computed parameter sets, the published
// ones among them.
func TestEpochVectors(t *testing.T) {
	f, err := os.Open("testdata/epochs.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) < 10 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, row := range rows[1:] {
		n, bytes, rate := int(number(row[1])), int32(number(row[2])), network.BitRate(number(row[3]))
		eps := model.Duration(math.Round(number(row[4]) * 1e6))
		bound, err1 := qjump.FanIn(n, bytes, rate, eps)
		epoch, err2 := qjump.Epoch(n, bytes, rate, eps)
		if err1 != nil || err2 != nil {
			t.Errorf("%s: %v, %v", row[0], err1, err2)
		}
		for i, got := range []model.Duration{bound, epoch} {
			if want := number(row[5+i]); math.Abs(float64(got)/1e6-want) > 1e-9*want {
				t.Errorf("%s: %v, want %v us", row[0], got, want)
			}
		}
	}
}

func TestEpochRefuses(t *testing.T) {
	for _, c := range []struct {
		n, bytes int
		rate     network.BitRate
		eps      model.Duration
	}{
		{0, 64, network.Gbps, 0}, {1, 0, network.Gbps, 0}, {1, 64, 0, 0}, {1, 64, network.Gbps, -1},
		{math.MaxInt32, math.MaxInt32, 1, 0},
	} {
		if d, err := qjump.Epoch(c.n, int32(c.bytes), c.rate, c.eps); err == nil {
			t.Errorf("%+v: an epoch of %v", c, d)
		}
	}
}

// The guarantee that the project page states for a thousand hosts: about 100 us.
func ExampleEpoch() {
	epoch, err := qjump.Epoch(1000, 64, 10*network.Gbps, 0)
	fmt.Println(epoch, err)
	// Output: 102.4us <nil>
}
