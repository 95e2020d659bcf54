package explore

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"suspect/model"
)

// magic begins a checkpoint, and ends with the number of the format.
const magic = "suspect exploration 1\n"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Save writes a checkpoint, from which [Search.Load] goes on. The label says what is
// explored, with all parameters; Load compares it.
func (s *Search) Save(w io.Writer, label string) error {
	sum := crc32.New(castagnoli)
	out := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<16)
	b := []byte(magic)
	b = appendBytes(b, []byte(label))
	b = binary.AppendUvarint(b, uint64(len(s.props)))
	for i, p := range s.props {
		b = appendBytes(b, []byte(p.Name))
		b = binary.AppendUvarint(b, uint64(s.violations[i]))
	}
	b = binary.AppendUvarint(b, uint64(s.store.words))
	for _, word := range s.first {
		b = binary.AppendUvarint(b, word)
	}
	b = binary.AppendUvarint(b, uint64(s.transitions))
	b = binary.AppendUvarint(b, b2u(s.complete))
	b = binary.AppendUvarint(b, uint64(s.cursor.shard))
	b = binary.AppendUvarint(b, uint64(s.cursor.local))
	b = binary.AppendUvarint(b, uint64(len(s.levels)))
	for _, level := range s.levels {
		for _, n := range level {
			b = binary.AppendUvarint(b, uint64(n))
		}
	}
	tables, err := s.sys.AppendTables(nil)
	if err != nil {
		return err
	}
	b = appendBytes(b, tables)
	for i := range s.store.shards {
		h := &s.store.shards[i]
		b = binary.AppendUvarint(b, uint64(h.n))
		for _, word := range h.keys {
			b = binary.LittleEndian.AppendUint64(b, word)
		}
		for _, id := range h.parents {
			b = binary.LittleEndian.AppendUint32(b, uint32(id))
		}
		b = binary.AppendUvarint(b, uint64(h.wideFrom))
		for _, word := range h.wide {
			b = binary.LittleEndian.AppendUint64(b, word)
		}
		if _, err := out.Write(b); err != nil {
			return err
		}
		b = b[:0]
	}
	if err := out.Flush(); err != nil {
		return err
	}
	_, err = w.Write(binary.LittleEndian.AppendUint32(nil, sum.Sum32()))
	return err
}

// Load replaces what s has found by a checkpoint of a search of the same System, with
// the same properties and label. Where it fails s is of no more use.
func (s *Search) Load(b []byte, label string) error {
	if len(b) < len(magic)+4 || string(b[:len(magic)]) != magic {
		return errors.New("explore: not the checkpoint of an exploration, or of another version")
	}
	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return errors.New("explore: the checkpoint is damaged")
	}
	d := decoder{b: body[len(magic):]}
	if was := string(d.bytes()); was != label {
		return fmt.Errorf("explore: the checkpoint is that of %q, not of %q", was, label)
	}
	if n := d.int(); n != len(s.props) {
		return fmt.Errorf("explore: the checkpoint is that of a search for %d properties, not %d", n, len(s.props))
	}
	for i, p := range s.props {
		if was := string(d.bytes()); was != p.Name {
			return fmt.Errorf("explore: the checkpoint is that of a search for %q where this one has %q", was, p.Name)
		}
		s.violations[i] = stateID(d.uvarint())
	}
	words := d.int()
	if words < 1 || words > len(d.b) {
		return errCheckpoint
	}
	s.first = make([]uint64, words)
	for i := range s.first {
		s.first[i] = d.uvarint()
	}
	s.transitions = int64(d.uvarint())
	s.complete = d.uvarint() == 1
	s.cursor = cursor{d.int(), d.int()}
	depth := d.int()
	s.levels = nil
	for range depth {
		var level [shards]int32
		for i := range level {
			level[i] = int32(d.uvarint())
		}
		if d.err != nil {
			return d.err
		}
		s.levels = append(s.levels, level)
	}
	rest, err := s.sys.LoadTables(d.bytes())
	if err != nil {
		return err
	}
	if len(rest) > 0 || s.sys.Words() != words || depth < 2 {
		return errCheckpoint
	}
	s.store = newStore(words)
	for i := range s.store.shards {
		h := &s.store.shards[i]
		h.n = d.int()
		h.keys = d.words(h.n * s.store.key)
		for _, id := range d.words32(h.n) {
			h.parents = append(h.parents, stateID(id))
		}
		h.wideFrom = d.int()
		if words > 2 {
			h.wide = d.words((h.n - h.wideFrom) * words)
		}
		if d.err != nil {
			return d.err
		}
		s.store.index(h)
	}
	if len(d.b) > 0 {
		return errCheckpoint
	}
	s.workersAnew()
	return nil
}

// words reads n words.
func (d *decoder) words(n int) []uint64 {
	if n < 0 || n > len(d.b)/8 {
		d.b, d.err = nil, errCheckpoint
		return nil
	}
	w := make([]uint64, n)
	for i := range w {
		w[i] = binary.LittleEndian.Uint64(d.b[8*i:])
	}
	d.b = d.b[8*n:]
	return w
}

// words32 reads n half words.
func (d *decoder) words32(n int) []uint32 {
	if n < 0 || n > len(d.b)/4 {
		d.b, d.err = nil, errCheckpoint
		return nil
	}
	w := make([]uint32, n)
	for i := range w {
		w[i] = binary.LittleEndian.Uint32(d.b[4*i:])
	}
	d.b = d.b[4*n:]
	return w
}

var errCheckpoint = errors.New("explore: not a checkpoint of such a search")

// decoder reads what the Append functions wrote. After the first mistake err is set,
// and it reads nothing but zeros.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.b, d.err = nil, errCheckpoint
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.b, d.err = nil, errCheckpoint
		return 0
	}
	d.b = d.b[n:]
	return v
}

// int reads a number that counts things which are in the rest.
func (d *decoder) int() int {
	v := d.uvarint()
	if v > 1<<40 {
		d.b, d.err = nil, errCheckpoint
		return 0
	}
	return int(v)
}

func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.b, d.err = nil, errCheckpoint
		return nil
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func appendBytes(b, what []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(what))), what...)
}

// loadTold is the inverse of appendTold.
func (l *Local) loadTold(b []byte) error {
	d := decoder{b: b}
	for p := range l.Kinds {
		l.Kinds[p] = uint16(d.uvarint())
		if l.Kinds[p]&model.HostFailures != 0 {
			l.Suspects |= 1 << p
		}
	}
	for range d.int() {
		if len(d.b) == 0 {
			return errCheckpoint
		}
		a := model.Announcement{Kind: model.AnnouncementKind(d.b[0])}
		d.b = d.b[1:]
		a.Peer, a.Seq, a.Value = model.ProcessID(d.varint()), d.varint(), d.varint()
		l.Said = append(l.Said, a)
	}
	if len(d.b) > 0 {
		l.unstarted = d.byte() == 1
	}
	if len(d.b) > 0 {
		return errCheckpoint
	}
	return d.err
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.err = errCheckpoint
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}
