// Package data holds the real measurements that the project ships. Its README says
// where they come from.
package data

import _ "embed"

// HeartbeatsLoopback2ms is a recorded heartbeat trace of 50,000 heartbeats, one
// every 2 ms, in the format of package replay, compressed by gzip.
//
//go:embed heartbeats-loopback-2ms.csv.gz
var HeartbeatsLoopback2ms []byte

// HeartbeatsLoopback2msFile is the name of its file.
const HeartbeatsLoopback2msFile = "heartbeats-loopback-2ms.csv.gz"
