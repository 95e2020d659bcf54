package referee

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"suspect/model"
	"suspect/network"
)

// star returns two hosts on a switch, with links of 1 Gb/s and 100 us.
func star(loss float64) network.Topology {
	return network.Star(2, network.LinkConfig{
		Rate: network.Gbps, Delay: 100 * model.Microsecond, Loss: network.IndependentLoss(loss),
	})
}

func newTestWire(t *testing.T, loss float64) (*wire, []*transport) {
	w, err := newWire(star(loss), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	return w, newTransports(w)
}

// A datagram of 962 bytes makes an IPv4 packet of 990, which takes 1032 on the wire: two
// transmissions of 8.256 us, and two links.
func TestPacketsTakeTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, transports := newTestWire(t, 0)
		time.Sleep(time.Second)
		sent := make([]time.Time, 3)
		for i := range sent {
			var err error
			if sent[i], err = transports[0].WriteTo(bytes.Repeat([]byte{byte(i)}, 962), address(1).String()); err != nil {
				t.Fatal(err)
			}
		}
		// They are sent at one time, so each waits for those before it.
		for i := range sent {
			p := <-transports[1].packets
			want := 2*100*time.Microsecond + time.Duration(i+2)*8256*time.Nanosecond
			if got := time.Since(sent[i]); got != want || p.Timestamp.Sub(sent[i]) != want {
				t.Errorf("packet %d takes %v, stamped %v, want %v", i, got, p.Timestamp.Sub(sent[i]), want)
			}
			if len(p.Buf) != 962 || p.Buf[0] != byte(i) || p.From.String() != address(0).String() {
				t.Errorf("packet %d: %d bytes of %d from %v", i, len(p.Buf), p.Buf[0], p.From)
			}
		}
	})
}

// Of two links that lose every tenth packet each, 81% come through.
func TestLostPacketsAreLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, transports := newTestWire(t, 0.1)
		const n = 10_000
		arrived := 0
		for range n {
			if _, err := transports[0].WriteTo([]byte("x"), address(1).String()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
			select {
			case <-transports[1].packets:
				arrived++
			default:
			}
		}
		if arrived < 7943 || arrived > 8257 { // four standard deviations
			t.Errorf("%d of %d packets arrived, want about 8100", arrived, n)
		}
		if len(w.fates) != 0 {
			t.Errorf("%d packets have met no fate", len(w.fates))
		}
	})
}

func TestCrashedHostsAreSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, transports := newTestWire(t, 0)
		w.crash(1)
		for _, way := range [][2]network.NodeID{{0, 1}, {1, 0}} {
			if _, err := transports[way[0]].WriteTo([]byte("x"), address(way[1]).String()); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		_, err := transports[0].DialTimeout(address(1).String(), 5*time.Second)
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != 5*time.Second {
			t.Errorf("a stream to a crashed host ends after %v with %v", time.Since(began), err)
		}
		if len(transports[0].packets)+len(transports[1].packets) != 0 {
			t.Error("a packet arrived")
		}
	})
}

// echo accepts one stream and sends back what comes.
func echo(tr *transport) {
	c := <-tr.streams
	io.Copy(c, c)
	c.Close()
}

// Streams are in order and complete even where the network loses, in both directions.
func TestStreamsArriveWhole(t *testing.T) {
	for _, loss := range []float64{0, 0.2} {
		synctest.Test(t, func(t *testing.T) {
			_, transports := newTestWire(t, loss)
			go echo(transports[1])
			c, err := transports[0].DialTimeout(address(1).String(), time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			sent := make([]byte, 20_000)
			for i := range sent {
				sent[i] = byte(i * i >> 8)
			}
			began := time.Now()
			go c.Write(sent)
			got := make([]byte, len(sent))
			if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, sent) {
				t.Errorf("loss %v: the echo is not what was sent (%v)", loss, err)
			}
			if again := time.Since(began) > time.Second; again != (loss > 0) {
				t.Errorf("loss %v: the echo took %v", loss, time.Since(began))
			}
			c.Close()
			time.Sleep(time.Hour)
		})
	}
}

// A stream opens in one round trip of segments of 52 bytes: 94 on the wire.
func TestStreamsOpenOverTheNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, transports := newTestWire(t, 0)
		began := time.Now()
		c, err := transports[0].DialTimeout(address(1).String(), time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := time.Since(began), 2*(2*100*time.Microsecond+2*752*time.Nanosecond); got != want {
			t.Errorf("a stream opens in %v, want %v", got, want)
		}
		if got := c.RemoteAddr().String(); got != address(1).String() {
			t.Errorf("the stream leads to %s", got)
		}
		// A deadline ends reads, and the end of the peer ends writes.
		c.SetDeadline(time.Now().Add(time.Second))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a read past its deadline returns %v", err)
		}
		c.SetDeadline(time.Time{})
		transports[1].Shutdown()
		if _, err := c.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("a write to a host that is shut down returns %v", err)
		}
		if _, err := transports[0].DialTimeout(address(1).String(), time.Second); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a host that is shut down accepts a stream: %v", err)
		}
	})
}

func TestAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, transports := newTestWire(t, 0)
		if got := address(255).String(); got != "10.0.1.0:7946" {
			t.Errorf("host 255 has the address %s", got)
		}
		for _, addr := range []string{"10.0.0.0:7946", "10.0.0.3:7946", "10.0.0.1:7947", "11.0.0.1:7946", "[::1]:7946", "h1"} {
			if _, err := transports[0].WriteTo(nil, addr); err == nil {
				t.Errorf("%s is an address", addr)
			}
		}
	})
}
