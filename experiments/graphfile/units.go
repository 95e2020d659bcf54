package graphfile

import (
	"fmt"
	"math"

	"suspect/model"
	"suspect/network"
)

var rateUnits = []struct {
	name string
	size network.BitRate
}{
	{"bps", 1}, {"kbps", network.Kbps}, {"Kbps", network.Kbps}, {"Mbps", network.Mbps},
	{"Gbps", network.Gbps}, {"Tbps", 1000 * network.Gbps},
}

// ParseRate reads a rate such as "10Gbps": a decimal number and one of bps, kbps,
// Mbps, Gbps and Tbps. It must be a whole number of bits per second, above zero
// and at most [network.MaxRate].
func ParseRate(s string) (network.BitRate, error) {
	number, unit := model.SplitUnit(s)
	for _, u := range rateUnits {
		if u.name != unit {
			continue
		}
		v, err := model.ParseDecimal(number, int64(u.size))
		if err != nil {
			return 0, fmt.Errorf("rate %q: %w", s, err)
		}
		if v <= 0 || network.BitRate(v) > network.MaxRate {
			return 0, fmt.Errorf("rate %q: it must be above zero and at most %d Gbps", s, network.MaxRate/network.Gbps)
		}
		return network.BitRate(v), nil
	}
	if unit == "" && number != "" {
		return 0, fmt.Errorf("rate %q has no unit (write %sGbps or %sMbps)", s, number, number)
	}
	return 0, fmt.Errorf("rate %q has an unknown unit %q (units: bps, kbps, Mbps, Gbps, Tbps)", s, unit)
}

var sizeUnits = []struct {
	name string
	size int64
}{
	{"B", 1}, {"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9},
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
}

// ParseBuffer reads the size of a buffer in bytes ("256KiB", "1MB") or in packets
// ("100packets"). It must be above zero.
func ParseBuffer(s string) (network.Buffer, error) {
	number, unit := model.SplitUnit(s)
	if unit == "packets" || unit == "packet" {
		v, err := model.ParseDecimal(number, 1)
		if err == nil && (v <= 0 || v > math.MaxInt32) {
			err = fmt.Errorf("it must be above zero and at most %d", math.MaxInt32)
		}
		if err != nil {
			return network.Buffer{}, fmt.Errorf("buffer %q: %w", s, err)
		}
		return network.Buffer{Packets: int32(v)}, nil
	}
	for _, u := range sizeUnits {
		if u.name != unit {
			continue
		}
		v, err := model.ParseDecimal(number, u.size)
		if err == nil && v <= 0 {
			err = fmt.Errorf("it must be above zero")
		}
		if err != nil {
			return network.Buffer{}, fmt.Errorf("buffer %q: %w", s, err)
		}
		return network.Buffer{Bytes: v}, nil
	}
	if unit == "" && number != "" {
		return network.Buffer{}, fmt.Errorf("buffer %q has no unit (write %sKiB or %spackets)", s, number, number)
	}
	return network.Buffer{}, fmt.Errorf("buffer %q has an unknown unit %q (units: B, kB, MB, GB, KiB, MiB, GiB, packets)", s, unit)
}
