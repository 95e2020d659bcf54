package replay

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"suspect/model"
)

// Trace is a recorded heartbeat trace. It is read more than once.
type Trace struct {
	Name string // for messages
	Open func() (io.ReadCloser, error)
}

// File returns the trace in a file.
func File(path string) Trace {
	return Trace{path, func() (io.ReadCloser, error) { return os.Open(path) }}
}

// Bytes returns the trace in b.
func Bytes(name string, b []byte) Trace {
	return Trace{name, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}
}

// heartbeat is one line of a trace. Times are in nanoseconds.
type heartbeat struct {
	seq, sent, received int64
}

// lost is the time of arrival of a heartbeat that did not arrive.
const lost = -1

// Error is one thing that is wrong with a trace.
type Error struct {
	Path    string
	Line    int64 // from 1
	Column  int   // in bytes, from 1
	Message string
	Text    string // of the line, perhaps cut
}

// Error returns "path:line:column: message" and the line.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", e.Path, e.Line, e.Column, e.Message)
	if e.Text != "" {
		s += fmt.Sprintf("\n%9d | %s\n          | %s^", e.Line, e.Text, strings.Repeat(" ", e.Column-1))
	}
	return s
}

// ErrorList is what is wrong with a trace, in the order of its lines.
type ErrorList []*Error

// Error returns the errors one after the other.
func (l ErrorList) Error() string {
	lines := make([]string, len(l))
	for i, e := range l {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

const (
	header    = "seq,sent_ns,received_ns"
	maxErrors = 20
	maxLine   = 1000 // bytes

	// maxSpan is the greatest distance between two times of a trace, in
	// nanoseconds (26 days). Half of what a run may last is left for the shift.
	maxSpan = int64(model.MaxTime/2) / int64(model.Nanosecond)
)

// scanner reads the lines of one trace.
type scanner struct {
	path   string
	line   int64 // the number of the present line
	text   []byte
	errs   ErrorList
	first  heartbeat
	last   heartbeat // the last good one
	count  int64     // of good ones
	broken bool      // the rest cannot be read
}

// scan calls f with each heartbeat, in the order of the lines, until f returns
// false. It returns an [ErrorList] for a trace that is wrong; f may have seen its
// good lines by then.
func (t Trace) scan(f func(heartbeat) bool) error {
	file, err := t.Open()
	if err != nil {
		return err
	}
	defer file.Close()
	s := scanner{path: t.Name}
	in := bufio.NewReaderSize(file, 1<<16)
	magic, err := in.Peek(2)
	if err != nil && err != io.EOF {
		return fmt.Errorf("%s: %w", t.Name, err) // such as a directory
	}
	if bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(in)
		if err != nil {
			s.line = 1
			s.failReading(err)
			return s.errs
		}
		in = bufio.NewReaderSize(unzipped, 1<<16)
	}
	s.run(in, f)
	if s.errs != nil {
		return s.errs
	}
	return nil
}

func (s *scanner) fail(column int, format string, args ...any) {
	if len(s.errs) == maxErrors {
		return
	}
	text := s.text
	if len(text) > 100 {
		text = text[:100]
	}
	printable := strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f {
			return '?'
		}
		return r
	}, string(text))
	s.errs = append(s.errs, &Error{s.path, s.line, column, fmt.Sprintf(format, args...), printable})
}

func (s *scanner) failReading(err error) {
	s.broken = true
	s.text = nil
	readable := fmt.Sprintf("%d heartbeats before it are readable", s.count)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		s.fail(1, "the compressed data end too early; %s: get the whole file, or keep those by gzip -dc FILE | sed '$d' > NEW", readable)
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		s.fail(1, "the compressed data are damaged (%v); %s: get the file again", err, readable)
	default:
		s.fail(1, "the rest cannot be read (%v); %s", err, readable)
	}
}

// next reads the next line into s.text, and tells whether there is one.
func (s *scanner) next(in *bufio.Reader) bool {
	s.line++
	text, err := in.ReadSlice('\n')
	switch {
	case err == bufio.ErrBufferFull || len(text) > maxLine:
		s.text = text[:80]
		s.fail(1, "the line has more than %d bytes: is this a heartbeat trace?", maxLine)
		s.broken = true
		return false
	case err == io.EOF && len(text) == 0:
		return false
	case err != nil && err != io.EOF:
		s.failReading(err)
		return false
	}
	text = bytes.TrimSuffix(text, []byte{'\n'})
	s.text = bytes.TrimSuffix(text, []byte{'\r'})
	return true
}

func (s *scanner) run(in *bufio.Reader, f func(heartbeat) bool) {
	if !s.next(in) {
		if !s.broken {
			s.fail(1, "the file is empty: a trace begins with the line %s", header)
		}
		return
	}
	if string(s.text) != header {
		s.fail(1, "a trace begins with the line %s", header)
		if len(s.text) == 0 || s.text[0] < '0' || s.text[0] > '9' {
			return // another kind of file; else only the header is missing
		}
	}
	for len(s.errs) < maxErrors && s.next(in) {
		h, ok := parse(s.text)
		if !ok {
			s.explain()
			continue
		}
		if s.count > 0 && !s.follows(h) || s.count == 0 && !s.begins(h) {
			continue
		}
		if s.count == 0 {
			s.first = h
		}
		s.last = h
		s.count++
		if s.errs == nil && !f(h) {
			return
		}
	}
	if s.count == 0 && s.errs == nil {
		s.text = nil
		s.fail(1, "the trace has no heartbeats")
	}
}

// parse reads a line of three numbers, of which the last may be missing.
func parse(b []byte) (h heartbeat, ok bool) {
	var i int
	if h.seq, i = number(b, 0); i == 0 || i == len(b) || b[i] != ',' {
		return h, false
	}
	from := i + 1
	if h.sent, i = number(b, from); i == from || i == len(b) || b[i] != ',' {
		return h, false
	}
	if i+1 == len(b) {
		h.received = lost
		return h, true
	}
	from = i + 1
	h.received, i = number(b, from)
	return h, i > from && i == len(b)
}

// number reads the digits from b[i] on, and returns where they end: i if there are
// none, or too many for an int64.
func number(b []byte, i int) (v int64, end int) {
	from := i
	for ; i < len(b); i++ {
		digit := b[i] - '0'
		if digit > 9 {
			break
		}
		if i-from >= 18 && v > (math.MaxInt64-int64(digit))/10 {
			return 0, from
		}
		v = v*10 + int64(digit)
	}
	return v, i
}

// begins checks the first heartbeat.
func (s *scanner) begins(h heartbeat) bool {
	if h.received != lost && h.received < h.sent {
		s.failEarly(h)
		return false
	}
	if h.received != lost && h.received-h.sent > maxSpan {
		s.failSpan(h.received)
		return false
	}
	return true
}

// follows checks a heartbeat against those before it.
func (s *scanner) follows(h heartbeat) bool {
	switch {
	case h.seq == s.last.seq:
		s.fail(1, "heartbeat %d is there twice: keep its first arrival", h.seq)
	case h.seq < s.last.seq:
		s.fail(1, "heartbeat %d comes after heartbeat %d: sort the lines by sequence number", h.seq, s.last.seq)
	case h.sent < s.last.sent:
		s.fail(s.column(1), "heartbeat %d was sent at %d ns, before heartbeat %d at %d ns: sending times follow the sequence numbers",
			h.seq, h.sent, s.last.seq, s.last.sent)
	case h.received != lost && h.received < h.sent:
		s.failEarly(h)
	case max(h.sent, h.received)-s.first.sent > maxSpan:
		s.failSpan(max(h.sent, h.received))
	default:
		return true
	}
	return false
}

func (s *scanner) failEarly(h heartbeat) {
	s.fail(s.column(2), "heartbeat %d was received %d ns before it was sent: the clocks differ, shift one of them", h.seq, h.sent-h.received)
}

func (s *scanner) failSpan(at int64) {
	s.fail(s.column(1), "the time %d ns is more than %v after the first: are the times in nanoseconds?",
		at, model.Duration(maxSpan)*model.Nanosecond)
}

// column returns the column at which a field of the line begins.
func (s *scanner) column(field int) int {
	column := 1
	for i, c := range s.text {
		if field == 0 {
			break
		}
		if c == ',' {
			field--
			column = i + 2
		}
	}
	return column
}

// explain says what is wrong with a line that parse refused.
func (s *scanner) explain() {
	text := string(s.text)
	if text == "" {
		s.fail(1, "the line is empty")
		return
	}
	fields := strings.Split(text, ",")
	if len(fields) != 3 {
		s.fail(1, "the line has %d fields; a heartbeat has three: %s (the third may be empty, the comma stays)", len(fields), header)
		return
	}
	for i, name := range strings.Split(header, ",") {
		column, field := s.column(i), fields[i]
		if len(field) > 40 {
			field = field[:40] + "..."
		}
		_, end := number([]byte(field), 0)
		isNegative := len(field) > 1 && field[0] == '-' && strings.Trim(field[1:], "0123456789") == ""
		switch {
		case field == "" && i == 2, field != "" && end == len(field):
		case field == "":
			s.fail(column, "%s is missing", name)
		case isNegative:
			s.fail(column, "%s is negative: %s", name, field)
		case strings.Trim(field, "0123456789") == "":
			s.fail(column, "%s is out of range: %s", name, field)
		default:
			s.fail(column, "%s is not a whole number: %q", name, field)
		}
	}
}
