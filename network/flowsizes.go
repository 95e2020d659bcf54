package network

import (
	"fmt"
	"math/big"
	"math/bits"

	"suspect/sim"
)

// FlowSizes is a distribution of the payload of flows, given by points of its
// distribution function and linear between them. Two points of the same size are a
// step: that share of the flows has exactly this size.
type FlowSizes struct {
	Name   string
	Source string
	Points []FlowSize
}

// FlowSize is a point of a distribution function: a share of PerMillion millionths
// of all flows have at most that many bytes of payload.
type FlowSize struct {
	Bytes      int64
	PerMillion int32
}

// million is the whole of a distribution.
const million = 1_000_000

// ns2Payload is the payload of a packet in the tables of the ns-2 studies, which
// count packets.
const ns2Payload = 1460

// WebSearch has the flow sizes of a web-search cluster, first published by
// Alizadeh et al., "Data center TCP (DCTCP)", SIGCOMM 2010, as the ns-2 study of the
// QJUMP evaluation (Grosvenor et al., NSDI 2015) tabulates them. Half of the flows
// are below 54 packets; the mean is 1141.0 packets of 1460 bytes.
var WebSearch = &FlowSizes{
	Name:   "web-search",
	Source: "QJUMP evaluation's ns-2 study (Grosvenor et al., NSDI 2015), after Alizadeh et al., SIGCOMM 2010",
	Points: []FlowSize{
		{6 * ns2Payload, 0},
		{6 * ns2Payload, 150_000},
		{13 * ns2Payload, 200_000},
		{19 * ns2Payload, 300_000},
		{33 * ns2Payload, 400_000},
		{53 * ns2Payload, 530_000},
		{133 * ns2Payload, 600_000},
		{667 * ns2Payload, 700_000},
		{1333 * ns2Payload, 800_000},
		{3333 * ns2Payload, 900_000},
		{6667 * ns2Payload, 970_000},
		{20000 * ns2Payload, million},
	},
}

// DataMining has the flow sizes of a data-mining cluster, first published by
// Greenberg et al., "VL2: a scalable and flexible data center network", SIGCOMM
// 2009, as the ns-2 study of the QJUMP evaluation tabulates them. Half of the flows
// are a single packet; the mean is 5116.6 packets of 1460 bytes.
var DataMining = &FlowSizes{
	Name:   "data-mining",
	Source: "QJUMP evaluation's ns-2 study (Grosvenor et al., NSDI 2015), after Greenberg et al., SIGCOMM 2009",
	Points: []FlowSize{
		{1 * ns2Payload, 0},
		{1 * ns2Payload, 500_000},
		{2 * ns2Payload, 600_000},
		{3 * ns2Payload, 700_000},
		{7 * ns2Payload, 800_000},
		{267 * ns2Payload, 900_000},
		{2107 * ns2Payload, 950_000},
		{66667 * ns2Payload, 990_000},
		{666667 * ns2Payload, million},
	},
}

// AllFlowSizes returns the tables that come with the package.
func AllFlowSizes() []*FlowSizes { return []*FlowSizes{DataMining, WebSearch} }

// LookupFlowSizes returns the table of the given name.
func LookupFlowSizes(name string) (*FlowSizes, bool) {
	for _, s := range AllFlowSizes() {
		if s.Name == name {
			return s, true
		}
	}
	return nil, false
}

// maxFlow bounds the size of a flow, so that the sums over a table do not overflow.
const maxFlow = 1 << 40

// Validate returns an error unless the points are a distribution function: shares
// from zero to a million, sizes from 1 byte to a tebibyte, neither decreasing.
func (s *FlowSizes) Validate() error {
	if len(s.Points) < 2 {
		return fmt.Errorf("flow sizes %q: %d points; there must be two or more", s.Name, len(s.Points))
	}
	if first, last := s.Points[0], s.Points[len(s.Points)-1]; first.PerMillion != 0 || last.PerMillion != million {
		return fmt.Errorf("flow sizes %q: the shares go from %d to %d millionths; they must go from 0 to %d",
			s.Name, first.PerMillion, last.PerMillion, million)
	}
	for i, p := range s.Points {
		if p.Bytes < 1 || p.Bytes > maxFlow {
			return fmt.Errorf("flow sizes %q: size of %d bytes; it must lie between 1 and %d", s.Name, p.Bytes, int64(maxFlow))
		}
		if i > 0 && (p.Bytes < s.Points[i-1].Bytes || p.PerMillion < s.Points[i-1].PerMillion) {
			return fmt.Errorf("flow sizes %q: point %d is below the one before it", s.Name, i)
		}
	}
	return nil
}

// Sample returns the payload of a flow in bytes: the inverse of the distribution
// function at a uniform draw, rounded to a byte. It takes one draw.
func (s *FlowSizes) Sample(stream *sim.Stream) int64 { return s.quantile(stream.Uint64()) }

// quantile returns the size below which a share draw/2^64 of the flows lies.
func (s *FlowSizes) quantile(draw uint64) int64 {
	whole, fraction := bits.Mul64(draw, million) // the share in millionths
	i := 1
	for int64(s.Points[i].PerMillion) <= int64(whole) {
		i++
	}
	a, b := s.Points[i-1], s.Points[i]
	// Both are in units of 2^-32 millionths.
	passed := (whole-uint64(a.PerMillion))<<32 | fraction>>32
	height := uint64(b.PerMillion-a.PerMillion) << 32
	hi, lo := bits.Mul64(passed, uint64(b.Bytes-a.Bytes))
	lo, carry := bits.Add64(lo, height/2, 0)
	above, _ := bits.Div64(hi+carry, lo, height)
	return a.Bytes + int64(above)
}

// Mean returns the mean payload of a flow in bytes.
func (s *FlowSizes) Mean() float64 {
	var twice int64 // the mean in millionths, exactly
	for i, b := range s.Points[1:] {
		a := s.Points[i]
		twice += int64(b.PerMillion-a.PerMillion) * (a.Bytes + b.Bytes)
	}
	return float64(twice) / (2 * million)
}

// meanWire returns the mean of what a flow occupies on a link, in bytes, when it is
// cut into packets of the given payload, of which the last may be short.
func (s *FlowSizes) meanWire(payload int32, framing Framing) *big.Rat {
	c := cutting{int64(payload), framing}
	mean := new(big.Rat)
	for i, b := range s.Points[1:] {
		a := s.Points[i]
		// Rounded to bytes, the sizes of a segment are equally likely but for its
		// two ends, which are half as likely.
		segment := new(big.Rat).SetFrac64(c.wire(a.Bytes)+c.wire(b.Bytes), 2)
		if b.Bytes > a.Bytes {
			inner := new(big.Int).Sub(c.wireUpTo(b.Bytes-1), c.wireUpTo(a.Bytes))
			segment.Add(segment, new(big.Rat).SetInt(inner))
			segment.Quo(segment, new(big.Rat).SetInt64(b.Bytes-a.Bytes))
		}
		share := big.NewRat(int64(b.PerMillion-a.PerMillion), million)
		mean.Add(mean, segment.Mul(segment, share))
	}
	return mean
}

// cutting is how flows are cut into packets.
type cutting struct {
	payload int64
	framing Framing
}

// wire returns what a flow of the given payload occupies on a link, in bytes.
func (c cutting) wire(bytes int64) int64 {
	full, rest := bytes/c.payload, bytes%c.payload
	wire := full * int64(c.framing.WireBytes(int32(c.payload)))
	if rest != 0 {
		wire += int64(c.framing.WireBytes(int32(rest)))
	}
	return wire
}

// wireUpTo returns the sum of wire over all flows of 1 to bytes bytes.
func (c cutting) wireUpTo(bytes int64) *big.Int {
	full, rest := bytes/c.payload, bytes%c.payload
	lastPackets := func(upTo int64) (sum int64) {
		for n := int64(1); n <= upTo; n++ {
			sum += int64(c.framing.WireBytes(int32(n)))
		}
		return sum
	}
	packet := big.NewInt(int64(c.framing.WireBytes(int32(c.payload))))
	fullPackets := new(big.Int).Mul(big.NewInt(full), big.NewInt(full-1))
	fullPackets.Rsh(fullPackets, 1) // for payload flows each
	fullPackets.Mul(fullPackets, big.NewInt(c.payload))
	fullPackets.Add(fullPackets, new(big.Int).Mul(big.NewInt(full), big.NewInt(rest)))
	sum := fullPackets.Mul(fullPackets, packet)
	sum.Add(sum, new(big.Int).Mul(big.NewInt(full), big.NewInt(lastPackets(c.payload))))
	return sum.Add(sum, big.NewInt(lastPackets(rest)))
}
