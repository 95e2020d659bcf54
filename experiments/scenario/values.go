package scenario

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"suspect/experiments/graphfile"
	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// The readers of values take the text of a scalar and return an error that says
// what is wrong and what would be right. The writers give the text that reads
// back as the same value.

// parseCount reads a whole number from 0 on, in plain decimal digits.
func parseCount(s string) (int64, error) {
	const is = "is not a whole number"
	switch {
	case strings.HasPrefix(s, "-") && strings.Trim(s[1:], "0123456789") == "" && len(s) > 1:
		return 0, fmt.Errorf("%q is negative (write a whole number from 0 on)", s)
	case s == "" || strings.Trim(s, "0123456789.") != "":
		return 0, fmt.Errorf("%q %s (write plain digits, as 16)", s, is)
	case strings.Contains(s, "."):
		return 0, fmt.Errorf("%q %s (write one without a point)", s, is)
	case len(s) > 1 && s[0] == '0':
		decimal := strings.TrimLeft(s, "0")
		if decimal == "" {
			decimal = "0"
		}
		return 0, fmt.Errorf("%q begins with 0, which some readers take for octal (write %s)", s, decimal)
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is out of range (the largest is %d)", s, int64(math.MaxInt64))
	}
	return n, nil
}

// parseSeed reads a whole number of 64 bits.
func parseSeed(s string) (uint64, error) {
	if n, err := strconv.ParseUint(s, 10, 64); err == nil && (s == "0" || s[0] != '0') {
		return n, nil
	}
	if _, err := parseCount(s); err != nil && !strings.Contains(err.Error(), "out of range") {
		return 0, err
	}
	return 0, fmt.Errorf("%s is out of range (the largest seed is %d)", s, uint64(math.MaxUint64))
}

// parseDuration reads a duration that is not negative and fits into a run.
func parseDuration(s string) (model.Duration, error) {
	d, err := model.ParseDuration(s)
	switch {
	case err != nil:
		return 0, err
	case d < 0:
		return 0, fmt.Errorf("duration %q is negative", s)
	case d > model.Duration(model.MaxTime):
		return 0, fmt.Errorf("duration %q is longer than the longest run (%v, 53 days)", s, model.MaxTime)
	}
	return d, nil
}

// parseDistribution reads a duration or a distribution of durations.
func parseDistribution(s string) (sim.Distribution, error) {
	d, err := sim.ParseDistribution(s)
	if err == nil {
		return d, nil
	}
	name, rest, isCall := strings.Cut(s, "(")
	families := []string{"uniform", "exponential", "normal"}
	switch {
	case isCall && !strings.Contains(rest, ")"):
		err = fmt.Errorf("%q has no closing parenthesis", s)
	case isCall && !slices.Contains(families, strings.TrimSpace(name)):
		err = fmt.Errorf("unknown distribution %q%s (write %s)", name, Meant(name, families), distributionExamples)
	case !isCall && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ- ") == "":
		err = fmt.Errorf("%q is neither a duration nor a distribution (write %s)", s, distributionExamples)
	}
	return sim.Distribution{}, err
}

const distributionExamples = "10ms, uniform(0s, 10ms), exponential(10ms) or normal(10ms, 1ms)"

// longest is zero only where every draw of d is.
func longest(d sim.Distribution) model.Duration {
	switch d.Kind {
	case sim.Uniform, sim.Lognormal:
		return d.High
	case sim.Exponential:
		return d.Mean
	case sim.Normal:
		return d.Mean + d.Deviation
	}
	return d.Mean
}

// unit is a unit and what it is in the smallest one.
type unit struct {
	name string
	size int64
}

var rateUnits = []unit{
	{"Tbps", 1e12}, {"Gbps", 1e9}, {"Mbps", 1e6}, {"Kbps", 1e3}, {"kbps", 1e3}, {"bps", 1},
}

var sizeUnits = []unit{
	{"GiB", 1 << 30}, {"GB", 1e9}, {"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10},
	{"KB", 1e3}, {"kB", 1e3}, {"B", 1},
}

// parseQuantity reads a number with one of the units.
func parseQuantity(what, s string, units []unit, example string) (int64, error) {
	number, name := model.SplitUnit(s)
	if name == "" {
		return 0, fmt.Errorf("%s %q has no unit (write it as in %s)", what, s, example)
	}
	for _, u := range units {
		if u.name != name {
			continue
		}
		v, err := model.ParseDecimal(number, u.size)
		if err != nil {
			return 0, fmt.Errorf("%s %q: %w", what, s, err)
		}
		if v < 0 {
			return 0, fmt.Errorf("%s %q is negative", what, s)
		}
		return v, nil
	}
	return 0, fmt.Errorf("%s %q has an unknown unit %q%s (units: %s)", what, s, name, unitMeant(s, units), strings.ReplaceAll(unitNames(units), "|", ", "))
}

// formatQuantity writes v in the largest unit of which it is a multiple.
func formatQuantity(v int64, units []unit) string {
	for _, u := range units {
		if v != 0 && v%u.size == 0 {
			return fmt.Sprintf("%d%s", v/u.size, u.name)
		}
	}
	return fmt.Sprintf("%d%s", v, units[len(units)-1].name)
}

func parseRate(s string) (network.BitRate, error) {
	r, err := graphfile.ParseRate(s)
	if err != nil {
		err = fmt.Errorf("%w%s", err, unitMeant(s, rateUnits))
	}
	return r, err
}

// unitMeant suggests a unit for one that is unknown.
func unitMeant(s string, units []unit) string {
	_, name := model.SplitUnit(s)
	names := make([]string, len(units))
	for i, u := range units {
		names[i] = u.name
	}
	if name == "" || slices.Contains(names, name) {
		return ""
	}
	return Meant(name, names)
}

func formatRate(r network.BitRate) string { return formatQuantity(int64(r), rateUnits) }

func parseSize(s string) (int64, error) { return parseQuantity("size", s, sizeUnits, "64B or 256KiB") }

func formatSize(v int64) string { return formatQuantity(v, sizeUnits) }

// parsePayload reads the size of a packet's payload.
func parsePayload(s string) (int32, error) {
	v, err := parseSize(s)
	switch {
	case err != nil:
		return 0, err
	case v == 0:
		return 0, errors.New("a packet must have at least 1B of payload")
	case v > network.MaxPayload:
		return 0, fmt.Errorf("size %q: a packet has at most %s of payload", s, formatSize(network.MaxPayload))
	}
	return int32(v), nil
}

const unlimited = "unlimited"

// parseBuffer reads a size, a number of packets, or "unlimited".
func parseBuffer(s string) (network.Buffer, error) {
	if s == unlimited {
		return network.Buffer{}, nil
	}
	b, err := graphfile.ParseBuffer(s)
	if err != nil {
		err = fmt.Errorf("%w%s (%s for no limit)", err, unitMeant(s, append(sizeUnits[:len(sizeUnits):len(sizeUnits)], unit{"packets", 1}, unit{"packet", 1}, unit{unlimited, 0})), unlimited)
	}
	return b, err
}

func formatBuffer(b network.Buffer) string {
	switch {
	case b.Packets != 0:
		return fmt.Sprintf("%dpackets", b.Packets)
	case b.Bytes != 0:
		return formatSize(b.Bytes)
	}
	return unlimited
}

func formatProbability(p float64) string { return strconv.FormatFloat(p, 'g', -1, 64) }

// parseShare reads a share of something, which may pass 1: "60%" or "0.6".
func parseShare(s string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(s), "%")
	number = strings.TrimSpace(number)
	f, err := strconv.ParseFloat(number, 64)
	if percent {
		f /= 100
	}
	if err != nil || strings.Trim(number, "0123456789.") != "" {
		return 0, fmt.Errorf("%q is not a share (write 60%% or 0.6)", s)
	}
	if !(f > 0 && f <= 1000) {
		return 0, fmt.Errorf("%q is not a share above 0 and at most 100000%%", s)
	}
	return f, nil
}
