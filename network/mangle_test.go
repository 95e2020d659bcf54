package network

import (
	"encoding/binary"
	"math/bits"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"suspect/model"
	"suspect/sim"
)

// internetChecksum is that of RFC 1071, section 4.1, in the words of its C code.
func internetChecksum(b []byte) uint16 {
	var sum uint32
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(b[0])<<8 + uint32(b[1])
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// The checksum of the example of RFC 1071, section 3: the words 0001 f203 f4f5 f6f7 add up
// to ddf2.
func TestInternetChecksum(t *testing.T) {
	if got := internetChecksum([]byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}); got != ^uint16(0xddf2) {
		t.Errorf("%#x", got)
	}
}

// encoded are the bytes of what a message says.
func encoded(m *model.Message) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(m.Seq))
	b = binary.BigEndian.AppendUint64(b, uint64(m.Arg))
	return append(b, m.Kind, m.Tag)
}

// What is changed without being noticed differs in two bits, and its checksum does not; the
// addresses are those that they were. What is noticed had all words equal.
func TestMangledMessagesKeepTheirChecksum(t *testing.T) {
	parameters := gopter.DefaultTestParametersWithSeed(1)
	properties := gopter.NewProperties(parameters)
	properties.Property("the checksum does not tell", prop.ForAll(
		func(seq, arg int64, kind, tag uint8, seed uint64) bool {
			o := pool{free: none}
			i := o.get()
			o.packets[i] = packet{from: 1, to: 2, seq: seq, kind: kind, tag: tag, flags: 5}
			if arg != 0 {
				o.setExtra(i, extra{arg: arg})
			}
			var before, after model.Message
			o.message(i, &before)
			equal := true
			for b := encoded(&before); len(b) > 2; b = b[2:] {
				equal = equal && b[0] == b[2] && b[1] == b[3]
			}
			unnoticed := o.mangle(i, sim.NewStream(seed, "mangle").IntN)
			o.message(i, &after)
			a, b := encoded(&before), encoded(&after)
			changed := 0
			for k := range a {
				changed += bits.OnesCount8(a[k] ^ b[k])
			}
			if equal {
				return !unnoticed && changed == 0
			}
			return unnoticed && changed == 2 && internetChecksum(a) == internetChecksum(b) &&
				after.From == 1 && after.To == 2 && after.Priority == 5
		},
		gen.OneGenOf(gen.Int64(), gen.Int64Range(0, 3)), gen.OneGenOf(gen.Int64(), gen.Const(int64(0))), gen.UInt8Range(0, 3), gen.UInt8Range(0, 3), gen.UInt64(),
	))
	properties.TestingRun(t)
}

// Every change that the checksum does not tell is as likely as any other: a word with one
// bit, which can move to each of eight others.
func TestMangledEquallyOften(t *testing.T) {
	s := sim.NewStream(1, "mangle")
	var where [9]int
	for range 8000 {
		w := payload{3: 1}
		if !w.change(s.IntN) {
			t.Fatal("it cannot be changed")
		}
		for k, word := range w {
			if word != 0 {
				where[k]++
			}
		}
	}
	if where[3] != 0 || uniformity(append(where[:3:3], where[4:]...)) < 1e-3 {
		t.Errorf("the bit moves to the words %v", where)
	}
}

// Who gets what: plain messages arrive changed; one with a body, and one without a change
// that goes unnoticed, are dropped as corrupted; traffic passes.
func TestMangledDelivery(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: Star(2, testEdge), Framing: Bare, MessageBytes: 64})
	heard := receiver(t, n, []model.Message{{To: 1, Seq: 5}, {To: 1, Seq: 5, Body: 1}, {To: 1}})
	f := mustFault(t, "corruption-undetected", &n.topology, map[string]string{"link": "h0--s0", "probability": "1"})
	f.Strike(n)
	n.Send(0, 1, 100, 0, 0)
	run(t, n, model.Time(model.Second))
	c := n.Counts()
	if len(*heard) != 1 || (*heard)[0].Seq == 5 || c.Delivered != 2 || c.Dropped[model.Corrupted] != 2 {
		t.Errorf("heard %+v; %+v", *heard, c)
	}
	l, _ := linkOf("h0--s0", &n.topology)
	if !n.Mangles(l) {
		t.Error("the link does not mangle")
	}
	if f.Heal(n); n.Mangles(l) {
		t.Error("it does so when it has healed")
	}
}
