package reproduce

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"strings"

	"suspect/model"
	"suspect/network"
	"suspect/qjump"
)

func init() {
	Register(Spec{
		Name: "parameters",
		Doc: "The published settings of QJUMP, each recomputed. Their epochs are held to the number of hosts, packet size and link rate: three " +
			"are not doubled. Their rates follow from the epochs, but for one.",
		Source: "Grosvenor and others, \"Queues don't matter when you can JUMP them!\", NSDI 2015: project page, figures 3a, 3b, 6, 9, 10 and 11, " +
			"with the scripts and patches in camsas/qjump-expr-tools, qjump-tc and qjump-ns2, and the reproduction anakli/cs244-qjump",
		Run: parameters,
	})
}

// A setting is one published set of parameters.
type setting struct {
	where string
	hosts int   // n; 0 where it is not known, and the epoch follows from nothing
	bytes int32 // P, as the arithmetic of the setting has it
	rate  network.BitRate
	eps   model.Duration
	epoch model.Duration // as published
	// doubled tells which formula the epoch is said to follow: 2nP/R + eps or nP/R + eps.
	doubled bool
	// rounded is less than what is added to the formula for a full number, or 0 where
	// nothing is.
	rounded model.Duration
	why     string

	// The budget of a level is bytesq*f in an epoch; expected are the rates of the first
	// levels, in Mb/s, to so many digits.
	bytesq   int64
	factors  []int64
	expected []string
}

// follows tells whether the published epoch is that of a formula, rounded up.
func (s *setting) follows(formula model.Duration) bool {
	return s.epoch == formula || s.epoch > formula && s.epoch-formula < s.rounded
}

const us = model.Microsecond

// The settings, in the order of the paper's figures.
var settings = []setting{
	{where: "project page: 1000 hosts, small messages", hosts: 1000, bytes: 64, rate: publishedRate, epoch: publishedGuarantee, doubled: true,
		bytesq: 64, factors: []int64{1}, why: "published as about 100 us"},
	{where: "figure 3a: ping", hosts: 12, bytes: 1550, rate: publishedRate, epoch: 15 * us, rounded: us,
		bytesq: 1550, factors: []int64{1, 5, 15, 30, 150, 300}, expected: []string{"827", "4130", "12400"},
		why: "NOT doubled: 2nP/R would be twice that. From f = 15 on no level is limited"},
	{where: "figure 3b: memcached", hosts: 12, bytes: 256, rate: publishedRate, epoch: 5 * us, doubled: true, rounded: us,
		bytesq: 256, factors: []int64{100}, why: "the stated 5 Gb/s does NOT follow from f = 100"},
	{where: "figure 6: two-phase commit", hosts: 12, bytes: 1518, rate: publishedRate, epoch: 30 * us, doubled: true, rounded: us,
		bytesq: 1518, factors: []int64{1, 2, 4, 5, 10, 24}},
	{where: "figure 10: rate sweep", epoch: 100 * us, rate: publishedRate, bytesq: 128, factors: []int64{1, 5000}, expected: []string{"10.24"},
		why: "a setting of the rate alone, for no number of hosts"},
	{where: "figure 11: bound", hosts: 60, bytes: 256, rate: publishedRate, eps: 12 * us, epoch: 24_288 * model.Nanosecond,
		why: "NOT doubled; n is 10 hosts with trains of 6 packets, eps 3 hops of 4 us. The figure sweeps the epoch past this line"},
	{where: "figure 11: comment in its script", hosts: 120, bytes: 256, rate: publishedRate, eps: 12 * us, epoch: 61_152 * model.Nanosecond, doubled: true,
		why: "stated as 240 packets"},
	{where: "figure 9: ns-2 simulation", hosts: 144, bytes: 6 * 1500, rate: publishedRate, eps: 13_200 * model.Nanosecond, epoch: 1050 * us,
		bytesq: 1500, factors: []int64{6, 13, 19, 33, 53, 133, 667, 875},
		expected: []string{"68.6", "148.6", "217.1", "377.1", "605.7", "1520", "7622.9", "10000"},
		why:      "NOT doubled, and P is 6 packets; eps is what remains beside nP/R = 1036.8 us"},
	{where: "kernel module: defaults", epoch: 100 * us, rate: publishedRate, bytesq: 128, factors: []int64{1, 5, 10, 100, 1000, 0, 0, 10000},
		expected: []string{"10.24", "51.2", "102.4", "1024", "10240"}, why: "for no number of hosts; the levels with 0 are not used"},
	{where: "mininet reproduction", hosts: 12, bytes: 1500, rate: 10 * network.Mbps, epoch: 28_800 * us, doubled: true,
		bytesq: 1550, factors: []int64{1, 1, 30, 150, 300}, why: "with P = 1500; the budgets count 1550"},
}

// bandwidth returns the rate that a level of factor f has by the setting, in Mb/s.
func (s *setting) bandwidth(f int64) (*qjump.Rational, error) {
	r, err := qjump.Budget{Bytes: s.bytesq * f}.Rate(s.epoch)
	if err != nil {
		return nil, err
	}
	r.Mul(&r.Rat, big.NewRat(1, 1_000_000))
	return r, nil
}

func parameters(context.Context, Options) (*Document, error) {
	d := new(Document)
	epochs := newTable("Epochs: published, and what nP/R and 2nP/R come to", "where", "n", "P [B]", "R [Mb/s]", "eps [us]", "nP/R + eps [us]", "2nP/R + eps [us]",
		"published [us]", "it is", "remark")
	rates := newTable("Rates: f budgets in each published epoch", "where", "budget [B]", "f", "rate [Mb/s]", "expected [Mb/s]", "on the link [Mb/s]")
	undoubled := 0
	for i := range settings {
		s := &settings[i]
		if s.hosts == 0 {
			epochs.add(words("%s", s.where), words("-"), words("-"), count(int64(s.rate/network.Mbps)), words("-"), words("-"), words("-"), micros(s.epoch),
				words("given"), words("%s", s.why))
		} else {
			single, err := qjump.FanIn(s.hosts, s.bytes, s.rate, s.eps)
			if err != nil {
				return nil, err
			}
			double, err := qjump.Epoch(s.hosts, s.bytes, s.rate, s.eps)
			if err != nil {
				return nil, err
			}
			is := "neither"
			switch {
			case s.follows(double):
				is = "2nP/R + eps"
			case s.follows(single):
				is = "nP/R + eps"
				undoubled++
			}
			want := map[bool]string{false: "nP/R + eps", true: "2nP/R + eps"}[s.doubled]
			why := ""
			if s.rounded > 0 {
				why = "rounded up to a full number of microseconds"
			}
			d.check(s.where+": the epoch of "+inMicros(s.epoch), want, is, is == want, why)
			epochs.add(words("%s", s.where), count(int64(s.hosts)), count(int64(s.bytes)), count(int64(s.rate/network.Mbps)), micros(s.eps),
				micros(single), micros(double), micros(s.epoch), words("%s", is), words("%s", s.why))
		}
		for j, f := range s.factors {
			r, err := s.bandwidth(f)
			if err != nil {
				return nil, err
			}
			mbps, _ := r.Float64()
			expected := words("")
			if j < len(s.expected) {
				expected = words("%s", s.expected[j])
				rounded, same := roundedLike(mbps, s.expected[j])
				d.check(fmt.Sprintf("%s: rate of f = %d", s.where, f), s.expected[j]+" Mb/s", rounded+" Mb/s", same, "")
			}
			onLink := min(mbps, float64(s.rate)/1e6)
			rates.add(words("%s", s.where), count(s.bytesq*f), count(f), number(mbps, "%.6g"), expected, number(onLink, "%.6g"))
		}
	}
	d.Tables = []Table{epochs, rates}
	d.check("settings whose epoch is not doubled", "3", fmt.Sprint(undoubled), undoubled == 3, "figures 3a, 9 and 11")

	memcached := settings[2]
	r, err := memcached.bandwidth(memcached.factors[0])
	if err != nil {
		return nil, err
	}
	mbps, _ := r.Float64()
	d.notComparable("figure 3b: rate of f = 100", "5000 Mb/s", fmt.Sprintf("%.6g Mb/s", mbps),
		"256 bytes 100 times in 5 us are four links full; 5 Gb/s would be about f = 12")
	d.notComparable("figure 10: best trade-off", "5.0 to 5.5 Gb/s", "-", "read off a measured figure; nothing follows it from the parameters")
	d.Notes = []string{
		"The expected rates were worked out by hand from the settings. Of its own the paper states the 5 Gb/s of figure 3b and the best trade-off of figure 10.",
		"An epoch that is not doubled still bounds the delay of spaced senders, which is nP/R for every epoch from nP/R on; it loads the receiver's link fully.",
		"The epoch of figure 11 is the place of its bound line; the experiment bound-validation sweeps the epoch.",
		"With eps = 0 a level of f = n has half of a link's rate, not all of it: a full link takes f = 2n.",
		"Bytes are as each source counts them: the kernel module's are without check, preamble and gap (see guarantee-1000).",
	}
	return d, nil
}

// roundedLike returns v rounded to the digits of an expected number, and whether it is
// that number then.
func roundedLike(v float64, expected string) (string, bool) {
	whole, fraction, _ := strings.Cut(expected, ".")
	digits := len(fraction)
	if digits == 0 { // trailing zeros need not be significant
		digits = len(strings.TrimRight(whole, "0")) - len(whole)
	}
	scale := math.Pow(10, float64(digits))
	s := fmt.Sprintf("%.*f", max(0, digits), math.Round(v*scale)/scale)
	return s, s == expected
}
