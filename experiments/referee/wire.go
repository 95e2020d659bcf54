package referee

import (
	"fmt"
	"sync"
	"time"

	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// wire is a simulated network that carries the packets of programs which know no
// simulator. Its kernel runs in step with the clock of package time, which in a
// synctest bubble is the bubble's own: a packet enters the network at the present time,
// and a timer of the bubble runs the kernel to each of its events. The bubble counts
// nanoseconds and the kernel picoseconds, so what happens within a nanosecond is seen at
// its end.
type wire struct {
	mu      sync.Mutex
	began   time.Time
	kernel  *sim.Kernel
	network *network.Network
	next    *time.Timer // runs the kernel to its next event
	fates   map[uint64]fate
	ended   []ending
}

// fate is called once with what became of a packet. The wire is locked by then, and the
// fate of another packet may be sent from it.
type fate func(delivered bool)

type ending struct {
	fate      fate
	delivered bool
}

// newWire returns a wire over topology t. Losses are drawn from seed.
func newWire(t network.Topology, seed uint64) (*wire, error) {
	w := &wire{began: time.Now(), kernel: sim.New(seed), fates: make(map[uint64]fate)}
	var err error
	if w.network, err = network.New(w.kernel, network.Config{Topology: t}); err != nil {
		return nil, err
	}
	w.kernel.Records.Subscribe(model.KindSet(model.Delivered, model.Dropped), func(r *model.Record) {
		if f, ok := w.fates[r.Packet]; ok {
			delete(w.fates, r.Packet)
			w.ended = append(w.ended, ending{f, r.Kind == model.Delivered})
		}
	})
	w.next = time.AfterFunc(time.Hour, w.step)
	w.next.Stop()
	return w, nil
}

// now returns the present time in the kernel's unit.
func (w *wire) now() model.Time {
	return model.Time(time.Since(w.began)) * model.Time(model.Nanosecond)
}

// catchUp runs the kernel to the present.
func (w *wire) catchUp() {
	if err := w.kernel.Run(w.now(), sim.Budget{}); err != nil {
		panic(fmt.Sprintf("referee: the network stopped: %v", err))
	}
}

// settle tells the fates that have come about and arms the timer for the next event.
func (w *wire) settle() {
	for len(w.ended) > 0 {
		ended := w.ended
		w.ended = nil
		for _, e := range ended {
			e.fate(e.delivered)
		}
	}
	next := w.kernel.Next()
	if next == model.Never {
		w.next.Stop()
		return
	}
	wait := next.Sub(w.now())
	w.next.Reset(time.Duration((wait + model.Nanosecond - 1) / model.Nanosecond))
}

func (w *wire) step() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.catchUp()
	w.settle()
}

// send sends a packet with the given payload in bytes from one host to another and
// calls f when it has arrived or was dropped.
func (w *wire) send(from, to network.NodeID, payload int, f fate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.catchUp()
	w.enter(from, to, payload, f)
	w.settle()
}

// enter is send for a wire that is locked and has caught up.
func (w *wire) enter(from, to network.NodeID, payload int, f fate) {
	before := w.network.Counts().Sent
	w.fates[before+1] = f // it may be dropped at once
	w.network.Send(from, to, int32(payload), 0, 0)
	if w.network.Counts().Sent == before { // the sender is down
		delete(w.fates, before+1)
		w.ended = append(w.ended, ending{f, false})
	}
}

// change does something to the network.
func (w *wire) change(f func(n *network.Network)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.catchUp()
	f(w.network)
	w.settle()
}

// crash takes host h down for good.
func (w *wire) crash(h network.NodeID) {
	w.change(func(n *network.Network) { n.CrashHost(model.ProcessID(h)) })
}

// close ends the wire. Packets under way are lost, and their fate is not told.
func (w *wire) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next.Stop()
	clear(w.fates)
}
