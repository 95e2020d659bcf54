package apps

import (
	"encoding/binary"
	"errors"
	"fmt"

	"suspect/model"
)

// The kinds of messages. Seq is the number of the request, which the reply repeats; of
// data, the number of the packet; and of an acknowledgement, how many packets have come
// in order.
const (
	requestKind uint8 = iota + 1
	replyKind
	dataKind
	ackKind
)

// maxBytes is the largest payload that a packet can have.
const maxBytes = 1 << 16

// longest limits the durations of an application, so that sums of two are in range.
const longest = model.Duration(model.MaxTime) / 2

// checkBytes returns an error unless a payload is sendable.
func checkBytes(what string, bytes int32) error {
	if bytes < 1 || bytes > maxBytes {
		return fmt.Errorf("apps: %s of %d bytes: from 1 to %d are possible", what, bytes, maxBytes)
	}
	return nil
}

// checkPeer returns an error unless self can talk to peer.
func checkPeer(self, peer model.ProcessID) error {
	if self < 0 || peer < 0 || self == peer {
		return fmt.Errorf("apps: process %d is to talk to process %d: two processes are needed, numbered from 0", self, peer)
	}
	return nil
}

var errEncoding = errors.New("apps: not the encoded state of such an application")

// appendLeft appends how long it is from now until t, or nothing if that has passed.
func appendLeft(b []byte, t, now model.Time) []byte {
	return binary.AppendUvarint(b, uint64(max(0, t.Sub(now))))
}

// loadLeft is the inverse of appendLeft, for a t that lies at most longest ahead.
func loadLeft(b []byte, now model.Time, longest model.Duration) (t model.Time, rest []byte, err error) {
	left, rest, err := loadNumber(b, uint64(longest))
	return now + model.Time(left), rest, err
}

// loadNumber splits a number, at most largest, off b.
func loadNumber(b []byte, largest uint64) (v uint64, rest []byte, err error) {
	v, n := binary.Uvarint(b)
	if n <= 0 || v > largest {
		return 0, b, errEncoding
	}
	return v, b[n:], nil
}
