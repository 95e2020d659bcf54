package sim_test

import (
	"math/bits"
	"reflect"
	"testing"

	"suspect/model"
	"suspect/sim"
)

func hashOf(records ...model.Record) [2]uint64 {
	var h sim.Hash
	for i := range records {
		h.Observe(&records[i])
	}
	return h.Sum()
}

// flips returns every record that differs from r in one bit of one field.
func flips(r model.Record) (flipped []model.Record, fields []string) {
	for i := range reflect.TypeFor[model.Record]().NumField() {
		field := func(r *model.Record) reflect.Value { return reflect.ValueOf(r).Elem().Field(i) }
		size := field(&r).Type().Bits
		if field(&r).Kind() == reflect.Bool {
			size = func() int { return 1 }
		}
		for bit := range size() {
			x := r
			switch f := field(&x); {
			case f.CanInt():
				f.SetInt(f.Int() ^ 1<<bit)
			case f.CanUint():
				f.SetUint(f.Uint() ^ 1<<bit)
			default:
				f.SetBool(!f.Bool())
			}
			flipped = append(flipped, x)
			fields = append(fields, reflect.TypeFor[model.Record]().Field(i).Name)
		}
	}
	return flipped, fields
}

// plausible returns a record as a run tells it: small numbers in most fields.
func plausible(s *sim.Stream) model.Record {
	at := model.Time(s.Uint64() >> 24)
	return model.Record{
		At: at, SentAt: at - model.Time(s.IntN(1000)), Packet: uint64(s.IntN(1e6)), Seq: int64(s.IntN(1000)),
		Process: model.ProcessID(s.IntN(32)), Peer: model.ProcessID(s.IntN(32)),
		Kind: model.RecordKind(s.IntN(int(model.RecordKinds))), Failure: model.FailureKind(s.IntN(10)),
		Bytes: int32(s.IntN(1500)), Place: int32(s.IntN(100)), Priority: model.Priority(s.IntN(8)),
		Cause: model.DropCause(s.IntN(int(model.DropCauses))), Traffic: s.Chance(0.5), Detector: uint8(s.IntN(4)),
	}
}

// Every bit of every field, in any place of a stream, changes each of the 128 bits
// of the hash with probability 1/2.
func TestHashDependsOnEveryBit(t *testing.T) {
	s := sim.NewStream(1, "hash")
	const trials = 50
	distance := map[string][]int{}
	for range trials {
		before, r, after := plausible(s), plausible(s), plausible(s)
		base := hashOf(before, r, after)
		flipped, fields := flips(r)
		for i, x := range flipped {
			h := hashOf(before, x, after)
			d := bits.OnesCount64(h[0]^base[0]) + bits.OnesCount64(h[1]^base[1])
			if d < 30 || d > 98 { // six standard deviations
				t.Errorf("%d bits of the hash change with one bit of %s", d, fields[i])
			}
			distance[fields[i]] = append(distance[fields[i]], d)
		}
	}
	if n := reflect.TypeFor[model.Record]().NumField(); len(distance) != n {
		t.Errorf("%d of %d fields were tried", len(distance), n)
	}
	for field, ds := range distance {
		sum := 0
		for _, d := range ds {
			sum += d
		}
		if mean := float64(sum) / float64(len(ds)); mean < 60 || mean > 68 { // 5 standard deviations of the mean of 50
			t.Errorf("a bit of %s changes %.1f of 128 bits on average", field, mean)
		}
	}
}

// Two records that differ in one bit may not even agree in half of the hash: each
// half is a hash of 64 bits. (Among n values of 64 bits, n²/2^65 pairs agree by
// chance: here 1e-8.)
func TestHashesOfSimilarStreamsDiffer(t *testing.T) {
	s := sim.NewStream(2, "hash")
	first, second := map[uint64]bool{}, map[uint64]bool{}
	n := 0
	see := func(records ...model.Record) {
		h := hashOf(records...)
		if first[h[0]] || second[h[1]] {
			t.Fatalf("stream %d has half of its hash in common with another: %v", n, records)
		}
		first[h[0]], second[h[1]] = true, true
		n++
	}
	see()
	for length := 1; length < 50; length++ {
		see(make([]model.Record, length)...) // of zeros
	}
	for range 200 { // one bit, and the same bit twice, in a stream
		r, next := plausible(s), plausible(s)
		see(r)
		see(r, next)
		see(next, r)
		flipped, _ := flips(r)
		for _, x := range flipped {
			see(x)
			see(x, r)
			see(r, x)
			see(x, x)
		}
	}
	r := plausible(s)
	for at := range model.Time(100) { // small grids
		for p := range model.ProcessID(100) {
			x := r
			x.At, x.Process = at, p
			see(x)
			x = r
			x.SentAt, x.Bytes = at, -int32(p)-1
			see(x)
		}
	}
	t.Logf("%d streams", n)
}

func TestHashIsOfTheOrderToo(t *testing.T) {
	s := sim.NewStream(3, "hash")
	for range 1000 {
		a, b, c := plausible(s), plausible(s), plausible(s)
		if hashOf(a, b, c) == hashOf(b, a, c) || hashOf(a, b, c) == hashOf(a, c, b) {
			t.Fatal("exchanging two records leaves the hash as it was")
		}
	}
}

// The digits must be the same on every architecture; they change with the hash, on
// purpose only.
func TestHashGolden(t *testing.T) {
	var h sim.Hash
	if got, want := h.String(), "6012fc1273a63621f0a7b75082954792"; got != want {
		t.Errorf("the hash of nothing is %s, want %s", got, want)
	}
	s := sim.NewStream(4, "hash")
	for range 1000 {
		r := plausible(s)
		h.Observe(&r)
	}
	if got, want := h.String(), "c56f64c63c699323e0616ce7d4799297"; got != want {
		t.Errorf("the hash of 1000 records is %s, want %s", got, want)
	}
	if h.Records() != 1000 {
		t.Errorf("%d records, want 1000", h.Records())
	}
}

func BenchmarkHash(b *testing.B) {
	s := sim.NewStream(5, "hash")
	var records [1024]model.Record
	for i := range records {
		records[i] = plausible(s)
	}
	var h sim.Hash
	b.ReportAllocs()
	for i := range b.N {
		h.Observe(&records[i%1024])
	}
}
