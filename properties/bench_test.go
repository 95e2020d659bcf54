package properties_test

import (
	"testing"

	"suspect/model"
	"suspect/properties"
)

// BenchmarkQoS: verdicts on 65,280 pairs, in the order that a cache likes least.
func BenchmarkQoS(b *testing.B) {
	const n = 256
	env := properties.Env{N: n, Watch: properties.WatchAll(n)}
	q, err := properties.NewQoS(env)
	if err != nil {
		b.Fatal(err)
	}
	r := model.Record{Kind: model.Suspected}
	x := uint32(1)
	b.ReportAllocs()
	for b.Loop() {
		x = x*1664525 + 1013904223
		r.Process, r.Peer = model.ProcessID(x>>24), model.ProcessID(x>>16&255)
		r.Kind = model.Suspected + model.RecordKind(x>>15&1)
		r.At += 1000
		q.Observe(&r)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), "ns/record")
}

func BenchmarkLatency(b *testing.B) {
	l := properties.NewLatency(0)
	r := model.Record{Kind: model.Delivered, Priority: 7}
	x := uint32(1)
	b.ReportAllocs()
	for b.Loop() {
		x = x*1664525 + 1013904223
		r.At = r.SentAt + model.Time(x)
		l.Observe(&r)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), "ns/record")
}

// BenchmarkConservation: a packet sent and one delivered, a thousand in flight.
func BenchmarkConservation(b *testing.B) {
	c := properties.NewConservation()
	s, d := model.Record{Kind: model.Sent}, model.Record{Kind: model.Delivered}
	for range 1000 {
		s.Packet++
		c.Observe(&s)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Packet++
		d.Packet++
		c.Observe(&s)
		c.Observe(&d)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(2*b.N), "ns/record")
}

func BenchmarkPacketCounts(b *testing.B) {
	var c properties.PacketCounts
	r := model.Record{Kind: model.Delivered}
	for b.Loop() {
		r.Priority = (r.Priority + 1) % model.Priorities
		c.Observe(&r)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), "ns/record")
}
