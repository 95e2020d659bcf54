package qjump

import (
	"fmt"

	"suspect/model"
	"suspect/network"
)

// FanIn returns the published bound on the delay through a network that n hosts
// share, n*P/R + eps, where packets take the given number of bytes on the wire and
// the slowest link has the given rate (QJUMP). Each packet's time is
// rounded up to a picosecond. It returns an error unless n, bytes and rate are
// positive, eps is not negative, and the result is in range.
func FanIn(n int, bytes int32, rate network.BitRate, eps model.Duration) (model.Duration, error) {
	return epochs(1, n, bytes, rate, eps)
}

// Epoch returns the network epoch, 2*n*P/R + eps: what a host whose epochs are not
// aligned with the others' waits between two packets (QJUMP). Units
// and errors are those of [FanIn].
func Epoch(n int, bytes int32, rate network.BitRate, eps model.Duration) (model.Duration, error) {
	return epochs(2, n, bytes, rate, eps)
}

func epochs(factor, n int, bytes int32, rate network.BitRate, eps model.Duration) (model.Duration, error) {
	if n <= 0 || bytes <= 0 || rate <= 0 || eps < 0 {
		return 0, fmt.Errorf("qjump: %d hosts, %d bytes, %d b/s, eps %v: the first three must be positive, and eps not negative", n, bytes, rate, eps)
	}
	packet := rate.Transmission(bytes)
	if packet >= (model.Duration(model.MaxTime)-eps)/model.Duration(factor)/model.Duration(n) {
		return 0, fmt.Errorf("qjump: an epoch of %d hosts with %d bytes at %d b/s passes the range of time", n, bytes, rate)
	}
	return model.Duration(factor*n)*packet + eps, nil
}
