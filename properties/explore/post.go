package explore

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// post interns what is on its way where there are no ages: classes of messages, and the
// contents of links, which are multisets, sets or sequences of them.
type post struct {
	mail    // for its classes alone
	set     bool
	ordered bool

	ids      map[string]uint32
	contents [][]uint16        // increasing, unless they are sequences; number 0 is empty
	with     map[uint64]uint32 // content and class: the content with one more
	without  [][]uint32        // [content][place]: the content without that letter, where learnt
}

func newPost(set, ordered bool) post {
	return post{
		mail: newMail(0), set: set, ordered: ordered,
		ids: map[string]uint32{"": 0}, contents: [][]uint16{nil}, with: map[uint64]uint32{}, without: [][]uint32{nil},
	}
}

// content returns the number of a content, of which it takes ownership.
func (x *post) content(letters []uint16) uint32 {
	if !x.ordered {
		slices.Sort(letters)
	}
	if x.set {
		letters = slices.Compact(letters)
	}
	key := make([]byte, 0, 2*len(letters))
	for _, c := range letters {
		key = binary.LittleEndian.AppendUint16(key, c)
	}
	id, ok := x.ids[string(key)]
	if !ok {
		id = uint32(len(x.contents))
		x.ids[string(key)] = id
		x.contents = append(x.contents, letters)
		x.without = append(x.without, slices.Repeat([]uint32{unlearnt}, len(letters)))
	}
	return id
}

// add returns the content with one more letter, or unlearnt.
func (x *post) add(content uint32, class uint16, learn bool) (uint32, error) {
	key := uint64(content)<<16 | uint64(class)
	if sum, ok := x.with[key]; ok {
		return sum, nil
	}
	if !learn {
		return unlearnt, nil
	}
	if len(x.contents[content]) == maxLetters {
		return 0, fmt.Errorf("explore: %d messages are on one link: do processes send without end? say Sets, and equal ones are one", maxLetters)
	}
	x.with[key] = x.content(append(slices.Clone(x.contents[content]), class))
	return x.with[key], nil
}

// remove returns the content without the letter at a place, or unlearnt.
func (x *post) remove(content uint32, place int, learn bool) uint32 {
	if x.without[content][place] == unlearnt && learn {
		less := x.content(slices.Delete(slices.Clone(x.contents[content]), place, place+1))
		x.without[content][place] = less
	}
	return x.without[content][place]
}

// next returns the place of the next letter that may arrive after the one at a place, -1
// before the first: equal ones are one, and of a sequence only the first may.
func (x *post) next(content uint32, place int) (int, bool) {
	letters := x.contents[content]
	if x.ordered {
		return 0, place < 0 && len(letters) > 0
	}
	after := place + 1
	for place >= 0 && after < len(letters) && letters[after] == letters[place] {
		after++
	}
	return after, after < len(letters)
}

func (x *post) bytes() int64 {
	n := int64(len(x.samples))*120 + int64(len(x.with))*40
	for _, letters := range x.contents {
		n += int64(len(letters))*8 + 100
	}
	return n
}

// appendTables and loadTables write and read the tables.
func (x *post) appendTables(b []byte) ([]byte, error) {
	b, err := x.mail.appendTables(b)
	if err != nil {
		return nil, err
	}
	b = binary.AppendUvarint(b, uint64(len(x.contents)))
	for _, letters := range x.contents[1:] {
		b = binary.AppendUvarint(b, uint64(len(letters)))
		for _, class := range letters {
			b = binary.AppendUvarint(b, uint64(class))
		}
	}
	return b, nil
}

func (x *post) loadTables(b []byte) (rest []byte, err error) {
	fresh := newPost(x.set, x.ordered)
	if b, err = fresh.mail.loadTables(b); err != nil {
		return nil, err
	}
	d := decoder{b: b}
	for n := d.int() - 1; n > 0 && d.err == nil; n-- {
		var letters []uint16
		for k := d.int(); k > 0 && d.err == nil; k-- {
			letters = append(letters, d.class(&fresh.mail))
		}
		fresh.content(letters)
	}
	*x = fresh
	return d.b, d.err
}
