package properties

import (
	"fmt"
	"math/bits"

	"suspect/model"
)

// PacketCounts is a fold that counts packets, by priority and fate, over the whole
// run. It costs a few instructions per record; [Conservation] also follows every
// packet.
type PacketCounts struct {
	Sent, Delivered [model.Priorities]int64
	Duplicated      [model.Priorities]int64 // second copies, which end as packets do
	Dropped         [model.Priorities][model.DropCauses]int64
}

// Kinds returns the records that the fold wants.
func (c *PacketCounts) Kinds() model.Kinds {
	return model.KindSet(model.Sent, model.Duplicated, model.Delivered, model.Dropped)
}

// Observe takes the next record.
func (c *PacketCounts) Observe(r *model.Record) {
	switch r.Kind {
	case model.Sent:
		c.Sent[r.Priority]++
	case model.Duplicated:
		c.Duplicated[r.Priority]++
	case model.Delivered:
		c.Delivered[r.Priority]++
	case model.Dropped:
		c.Dropped[r.Priority][r.Cause]++
	}
}

// Merge adds the counts of o.
func (c *PacketCounts) Merge(o *PacketCounts) {
	for p := range c.Sent {
		c.Sent[p] += o.Sent[p]
		c.Duplicated[p] += o.Duplicated[p]
		c.Delivered[p] += o.Delivered[p]
		for cause := range c.Dropped[p] {
			c.Dropped[p][cause] += o.Dropped[p][cause]
		}
	}
}

// Totals returns the numbers of packets sent, delivered and dropped.
func (c *PacketCounts) Totals() (sent, delivered, dropped int64) {
	for p := range c.Sent {
		sent += c.Sent[p]
		delivered += c.Delivered[p]
		for _, n := range c.Dropped[p] {
			dropped += n
		}
	}
	return sent, delivered, dropped
}

// Copies returns the number of second copies that links brought.
func (c *PacketCounts) Copies() (copies int64) {
	for _, n := range c.Duplicated {
		copies += n
	}
	return copies
}

// InFlight returns how many packets, second copies among them, were sent and not yet
// delivered or dropped.
func (c *PacketCounts) InFlight() int64 {
	sent, delivered, dropped := c.Totals()
	return sent + c.Copies() - delivered - dropped
}

// String returns the balance: "10 sent = 7 delivered + 2 dropped + 1 in flight", and
// "10 sent + 1 duplicated = ..." where packets came twice.
func (c *PacketCounts) String() string {
	sent, delivered, dropped := c.Totals()
	duplicated := ""
	if n := c.Copies(); n > 0 {
		duplicated = fmt.Sprintf(" + %d duplicated", n)
	}
	return fmt.Sprintf("%d sent%s = %d delivered + %d dropped + %d in flight", sent, duplicated, delivered, dropped, c.InFlight())
}

// Conservation checks that packets are conserved: numbered 1, 2, 3… in the order of
// sending, each is delivered once, or dropped once with a cause, or still in flight at
// the end, and never before it was sent. A second copy, which a link makes of a packet
// that is in flight, has the next number and ends by itself: what was sent and what was
// duplicated is what was delivered, dropped or is in flight. It remembers one bit per
// packet, in pages that are given back when all their packets have ended.
type Conservation struct {
	PacketCounts
	sent      uint64        // the last number given
	pages     []*pageOfBits // outstanding packets; the first page is number firstPage
	firstPage uint64
	free      []*pageOfBits
	err       string // the first violation
	witness   model.Record
}

const pagePackets = 4096

type pageOfBits struct {
	outstanding int
	words       [pagePackets / 64]uint64
}

// NewConservation returns a checker for one run.
func NewConservation() *Conservation { return &Conservation{} }

// Observe takes the next record.
func (c *Conservation) Observe(r *model.Record) {
	switch r.Kind {
	case model.Sent, model.Duplicated:
		c.PacketCounts.Observe(r)
		if r.Packet != c.sent+1 {
			c.violated(r, fmt.Sprintf("packet %d was %v after packet %d", r.Packet, r.Kind, c.sent))
			return
		}
		if r.Kind == model.Duplicated && !c.isOutstanding(uint64(r.Seq)) {
			c.violated(r, fmt.Sprintf("packet %d is a second copy of packet %d, which is not in flight", r.Packet, r.Seq))
		}
		c.sent = r.Packet
		c.begin(r.Packet)
	case model.Delivered, model.Dropped:
		c.PacketCounts.Observe(r)
		switch {
		case r.Kind == model.Dropped && r.Cause == model.NotDropped:
			c.violated(r, fmt.Sprintf("packet %d was dropped without a cause", r.Packet))
		case r.At < r.SentAt:
			c.violated(r, fmt.Sprintf("packet %d ended before it was sent", r.Packet))
		}
		if r.Packet == 0 || r.Packet > c.sent {
			c.violated(r, fmt.Sprintf("packet %d was %v but never sent", r.Packet, r.Kind))
		} else if !c.end(r.Packet) {
			c.violated(r, fmt.Sprintf("packet %d was %v after it had ended", r.Packet, r.Kind))
		}
	}
}

func (c *Conservation) violated(r *model.Record, err string) {
	if c.err == "" {
		c.err, c.witness = err, *r
	}
}

// begin marks a packet as outstanding.
func (c *Conservation) begin(packet uint64) {
	n := packet / pagePackets
	if n == c.firstPage+uint64(len(c.pages)) {
		if len(c.pages) > 0 {
			c.release(n - 1) // all of it has been sent
		}
		c.pages = append(c.pages, c.newPage())
	}
	page := c.pages[n-c.firstPage]
	page.words[packet%pagePackets/64] |= 1 << (packet % 64)
	page.outstanding++
}

func (c *Conservation) newPage() *pageOfBits {
	last := len(c.free) - 1
	if last < 0 {
		return new(pageOfBits)
	}
	page := c.free[last]
	c.free = c.free[:last]
	return page
}

// isOutstanding tells whether the packet was sent and has not ended.
func (c *Conservation) isOutstanding(packet uint64) bool {
	n := packet / pagePackets
	if n < c.firstPage || n-c.firstPage >= uint64(len(c.pages)) || c.pages[n-c.firstPage] == nil {
		return false
	}
	return c.pages[n-c.firstPage].words[packet%pagePackets/64]>>(packet%64)&1 != 0
}

// end tells whether the packet was outstanding, and marks that it is not.
func (c *Conservation) end(packet uint64) bool {
	if !c.isOutstanding(packet) {
		return false
	}
	n := packet / pagePackets
	page := c.pages[n-c.firstPage]
	page.words[packet%pagePackets/64] &^= 1 << (packet % 64)
	page.outstanding--
	if n < c.sent/pagePackets {
		c.release(n)
	}
	return true
}

// release gives back page n, all of whose packets were sent, when all have ended.
func (c *Conservation) release(n uint64) {
	page := c.pages[n-c.firstPage]
	if page == nil || page.outstanding > 0 {
		return
	}
	c.free = append(c.free, page)
	c.pages[n-c.firstPage] = nil
	for len(c.pages) > 0 && c.pages[0] == nil {
		c.pages = c.pages[1:]
		c.firstPage++
	}
}

// Oldest returns the number of the oldest packet in flight, and false where there is
// none.
func (c *Conservation) Oldest() (packet uint64, ok bool) {
	for i, page := range c.pages {
		if page == nil || page.outstanding == 0 {
			continue
		}
		for j, word := range page.words {
			if word != 0 {
				return (c.firstPage+uint64(i))*pagePackets + uint64(j*64+bits.TrailingZeros64(word)), true
			}
		}
	}
	return 0, false
}

// Finish judges the run. Packets in flight make it Inconclusive, since a packet that
// was silently lost looks the same: whoever can count those in flight uses
// [Conservation.FinishWith].
func (c *Conservation) Finish(model.Time) Result {
	result := c.FinishWith(int(c.InFlight()))
	if oldest, ok := c.Oldest(); ok && result.Outcome == Holds {
		result.Outcome = Inconclusive
		result.Reason += fmt.Sprintf("; the oldest in flight is packet %d", oldest)
	}
	return result
}

// FinishWith judges the run, given the number of packets that the network itself
// counts in flight at its end. Checked is the number of packets sent.
func (c *Conservation) FinishWith(inFlight int) Result {
	sent, _, _ := c.Totals()
	result := Result{Property: "packet-conservation", Checked: int(sent)}
	switch oldest, _ := c.Oldest(); {
	case c.err != "":
		result.Outcome, result.Reason, result.Witness = Violated, c.err, []model.Record{c.witness}
	case c.InFlight() != int64(inFlight):
		result.Outcome = Violated
		result.Reason = fmt.Sprintf("%v, but the network holds %d; the oldest in flight is packet %d", &c.PacketCounts, inFlight, oldest)
	case sent == 0:
		result.Reason = "vacuous: no packet was sent"
	default:
		result.Outcome, result.Reason = Holds, c.String()
	}
	return result
}
