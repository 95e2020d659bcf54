package data

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestHeartbeats(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(HeartbeatsLoopback2ms)
	if !strings.Contains(string(readme), hex.EncodeToString(sum[:])) {
		t.Errorf("the README has another SHA-256 sum than the file: %x", sum)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(HeartbeatsLoopback2ms))
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(unzipped)
	lines.Scan()
	if lines.Text() != "seq,sent_ns,received_ns" {
		t.Errorf("header %q", lines.Text())
	}
	n, least, most := 0, 1<<62, 0
	for ; lines.Scan(); n++ {
		var seq, sent, received int
		if _, err := fmt.Sscanf(lines.Text(), "%d,%d,%d", &seq, &sent, &received); err != nil || seq != n {
			t.Fatalf("line %q: %v", lines.Text(), err)
		}
		least, most = min(least, received-sent), max(most, received-sent)
	}
	if lines.Err() != nil || n != 50_000 || least != 1983 || most != 50_334_899 {
		t.Errorf("%d heartbeats, delays %d..%d ns, error %v", n, least, most, lines.Err())
	}
}
