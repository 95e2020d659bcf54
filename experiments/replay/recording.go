package replay

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"suspect/experiments/data"
	"suspect/model"
	"suspect/network"
)

// Named returns the trace in a file. Where there is no such file, the name of the
// trace that comes with suspect stands for that.
func Named(path string) Trace {
	if filepath.Base(path) == data.HeartbeatsLoopback2msFile {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return Bytes(data.HeartbeatsLoopback2msFile, data.HeartbeatsLoopback2ms)
		}
	}
	return File(path)
}

// maxProbes bounds the heartbeats of a trace that links replay: they are kept, in 16
// bytes each.
const maxProbes = 1 << 24

// Recording returns the trace for links that replay it. Its beginning is the first
// sending, and it lasts until the time of the last one and a mean period. Heartbeats
// without a line are lost ones that were sent at even distances between their
// neighbours. The error is an [ErrorList] where the lines are wrong.
func (t Trace) Recording() (*network.Recording, error) {
	sum := sha256.New()
	hashed := Trace{t.Name, func() (io.ReadCloser, error) {
		file, err := t.Open()
		if err != nil {
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{io.TeeReader(file, sum), file}, nil
	}}
	var (
		probes      []network.Probe
		first, last heartbeat
	)
	err := hashed.scan(func(h heartbeat) bool {
		if probes == nil {
			first, last = h, h
		}
		if missing := h.seq - last.seq - 1; missing > 0 {
			at := model.Duration(last.sent-first.sent)*model.Nanosecond +
				model.Duration(h.sent-last.sent)*model.Nanosecond/model.Duration(missing+1)
			probes = append(probes, network.Probe{At: at, Delay: network.Lost}) // and so are the others
		}
		p := network.Probe{At: model.Duration(h.sent-first.sent) * model.Nanosecond, Delay: network.Lost}
		if h.received != lost {
			p.Delay = model.Duration(h.received-h.sent) * model.Nanosecond
		}
		probes, last = append(probes, p), h
		return len(probes) <= maxProbes
	})
	if err != nil {
		return nil, err
	}
	span := model.Duration(last.sent-first.sent) * model.Nanosecond
	switch {
	case len(probes) > maxProbes:
		return nil, fmt.Errorf("%s: more than %d heartbeats, which links cannot replay: cut the trace", t.Name, maxProbes)
	case span == 0:
		return nil, fmt.Errorf("%s: all heartbeats were sent at one moment: how long they stand for is unknown", t.Name)
	}
	period := max(span/model.Duration(last.seq-first.seq), 1)
	return network.NewRecording(t.Name, hex.EncodeToString(sum.Sum(nil)), probes, span+period)
}
