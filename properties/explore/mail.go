package explore

import (
	"encoding/binary"
	"fmt"
	"slices"

	"suspect/model"
)

// mail interns what is on its way: classes of messages between which no receiver tells,
// sets of classes that are sent at once, and the contents of links.
type mail struct {
	oldest uint8 // ages saturate there

	classIDs map[string]uint16
	samples  []model.Message // a message of each class, without its ends

	setIDs map[string]uint32
	sets   [][]uint16 // increasing; number 0 is empty

	contentIDs map[string]uint32
	contents   [][]letter // increasing; number 0 is empty
	aged       []uint32   // of each content, that one tick later, where it has been learnt
	added      [][]uint32 // [set][content]: the content with the set at age 0, likewise
}

// unlearnt stands for a number that was not looked up yet.
const unlearnt = 1<<32 - 1

// letter is a message on a link. A second one of the same class and age is not told
// from the first: they travel, and arrive, as one.
type letter struct {
	age   uint8
	class uint16
}

func (a letter) compare(b letter) int {
	if a.age != b.age {
		return int(a.age) - int(b.age)
	}
	return int(a.class) - int(b.class)
}

func newMail(oldest int) mail {
	return mail{
		oldest:     uint8(oldest),
		classIDs:   map[string]uint16{},
		setIDs:     map[string]uint32{"": 0},
		sets:       [][]uint16{nil},
		contentIDs: map[string]uint32{"": 0},
		contents:   [][]letter{nil},
		aged:       []uint32{0},
		added:      [][]uint32{{0}},
	}
}

// messageKey returns what matters of a message m between automata of the kind of a.
func messageKey(a model.Automaton, m *model.Message) (key []byte, err error) {
	if e, ok := a.(MessageEncoder); ok {
		return e.AppendMessage(nil, m), nil
	}
	if m.Body != nil {
		return nil, fmt.Errorf("explore: the body of a message of kind %d has no canonical form: the automaton %T is no MessageEncoder", m.Kind, a)
	}
	key = append(key, m.Kind, m.Tag, byte(m.Priority))
	key = binary.AppendVarint(key, m.Seq)
	key = binary.AppendVarint(key, m.Arg)
	return binary.AppendVarint(key, int64(m.Bytes)), nil
}

// class returns the class of m, which was sent by an automaton a.
func (x *mail) class(a model.Automaton, m *model.Message) (uint16, error) {
	key, err := messageKey(a, m)
	if err != nil {
		return 0, err
	}
	id, ok := x.classIDs[string(key)]
	if !ok {
		if len(x.samples) == 1<<16 {
			return 0, fmt.Errorf("explore: more than %d kinds of messages: what distinguishes them, as a sequence number, must be left out by a MessageEncoder where it does not matter", 1<<16)
		}
		id = uint16(len(x.samples))
		x.classIDs[string(key)] = id
		sample := *m
		sample.From, sample.To = model.Nobody, model.Nobody
		x.samples = append(x.samples, sample)
	}
	return id, nil
}

// set returns the number of a set of classes, which it sorts.
func (x *mail) set(classes []uint16) uint32 {
	slices.Sort(classes)
	classes = slices.Compact(classes)
	var key []byte
	for _, c := range classes {
		key = binary.LittleEndian.AppendUint16(key, c)
	}
	id, ok := x.setIDs[string(key)]
	if !ok {
		id = uint32(len(x.sets))
		x.setIDs[string(key)] = id
		x.sets = append(x.sets, slices.Clone(classes))
		x.added = append(x.added, slices.Repeat([]uint32{unlearnt}, len(x.contents)))
		x.added[id][0] = unlearnt
	}
	return id
}

// content returns the number of a content, which it sorts.
func (x *mail) content(letters []letter) uint32 {
	slices.SortFunc(letters, letter.compare)
	letters = slices.Compact(letters)
	var key []byte
	for _, l := range letters {
		key = binary.LittleEndian.AppendUint16(append(key, l.age), l.class)
	}
	id, ok := x.contentIDs[string(key)]
	if !ok {
		id = uint32(len(x.contents))
		x.contentIDs[string(key)] = id
		x.contents = append(x.contents, slices.Clone(letters))
		x.aged = append(x.aged, unlearnt)
		for set := range x.added {
			next := uint32(unlearnt)
			if set == 0 {
				next = id
			}
			x.added[set] = append(x.added[set], next)
		}
	}
	return id
}

// age learns what becomes of a content in a tick.
func (x *mail) age(content uint32) uint32 {
	if x.aged[content] == unlearnt {
		older := slices.Clone(x.contents[content])
		for i := range older {
			older[i].age = min(older[i].age+1, x.oldest)
		}
		x.aged[content] = x.content(older)
	}
	return x.aged[content]
}

// add learns what becomes of a content to which a set is sent.
func (x *mail) add(content, set uint32) uint32 {
	if x.added[set][content] == unlearnt {
		letters := slices.Clone(x.contents[content])
		for _, class := range x.sets[set] {
			letters = append(letters, letter{0, class})
		}
		sum := x.content(letters)
		x.added[set][content] = sum
	}
	return x.added[set][content]
}

// options calls do for every set of letters of a content that may be delivered, with
// the content that is kept. Where the bounds hold, the oldest must be delivered.
func (x *mail) options(content uint32, stable bool, do func(kept uint32, delivered []letter)) {
	var must, may []letter
	for _, l := range x.contents[content] {
		if stable && l.age == x.oldest {
			must = append(must, l)
		} else {
			may = append(may, l)
		}
	}
	if len(may) > 24 {
		panic(fmt.Sprintf("explore: 2^%d sets of messages may arrive on one link in one tick", len(may)))
	}
	for subset := range 1 << len(may) {
		delivered := slices.Clone(must)
		var kept []letter
		for i, l := range may {
			if subset>>i&1 != 0 {
				delivered = append(delivered, l)
			} else {
				kept = append(kept, l)
			}
		}
		do(x.content(kept), delivered)
	}
}

func (x *mail) bytes() int64 {
	return int64(len(x.contents))*(48+4+4*int64(len(x.sets))) + int64(len(x.samples))*120
}

// appendTables writes the tables.
func (x *mail) appendTables(b []byte) ([]byte, error) {
	b = binary.AppendUvarint(b, uint64(len(x.samples)))
	keys := make([]string, len(x.samples))
	for key, id := range x.classIDs {
		keys[id] = key
	}
	for id, m := range x.samples {
		if m.Body != nil {
			return nil, fmt.Errorf("explore: a message of kind %d has a body, which a checkpoint cannot hold", m.Kind)
		}
		b = appendBytes(b, []byte(keys[id]))
		b = append(b, m.Kind, m.Tag, byte(m.Priority))
		b = binary.AppendVarint(b, m.Seq)
		b = binary.AppendVarint(b, m.Arg)
		b = binary.AppendVarint(b, int64(m.Bytes))
	}
	b = binary.AppendUvarint(b, uint64(len(x.sets)))
	for _, set := range x.sets[1:] {
		b = binary.AppendUvarint(b, uint64(len(set)))
		for _, class := range set {
			b = binary.AppendUvarint(b, uint64(class))
		}
	}
	b = binary.AppendUvarint(b, uint64(len(x.contents)))
	for _, letters := range x.contents[1:] {
		b = binary.AppendUvarint(b, uint64(len(letters)))
		for _, l := range letters {
			b = binary.AppendUvarint(append(b, l.age), uint64(l.class))
		}
	}
	return b, nil
}

// loadTables is the inverse.
func (x *mail) loadTables(b []byte) (rest []byte, err error) {
	*x = newMail(int(x.oldest))
	d := decoder{b: b}
	for range d.int() {
		key := d.bytes()
		m := model.Message{From: model.Nobody, To: model.Nobody}
		m.Kind, m.Tag, m.Priority = d.byte(), d.byte(), model.Priority(d.byte())
		m.Seq, m.Arg, m.Bytes = d.varint(), d.varint(), int32(d.varint())
		x.classIDs[string(key)] = uint16(len(x.samples))
		x.samples = append(x.samples, m)
		if d.err != nil {
			return nil, d.err
		}
	}
	for n := d.int() - 1; n > 0 && d.err == nil; n-- {
		var set []uint16
		for k := d.int(); k > 0 && d.err == nil; k-- {
			set = append(set, d.class(x))
		}
		x.set(set)
	}
	for n := d.int() - 1; n > 0 && d.err == nil; n-- {
		var letters []letter
		for k := d.int(); k > 0 && d.err == nil; k-- {
			letters = append(letters, letter{d.byte(), d.class(x)})
		}
		x.content(letters)
	}
	return d.b, d.err
}

func (d *decoder) class(x *mail) uint16 {
	v := d.uvarint()
	if v >= uint64(len(x.samples)) {
		d.err = errCheckpoint
		return 0
	}
	return uint16(v)
}
