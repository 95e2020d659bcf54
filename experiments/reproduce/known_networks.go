package reproduce

import (
	"context"
	"fmt"
	"maps"

	"suspect/model"
	"suspect/sim"
)

// When networks are faulty, and for how long one looks at what comes of it.
const (
	faultyFrom  = model.Time(30 * model.Second)
	faultyUntil = model.Time(180 * model.Second)
	flipFlop    = model.Time(20 * model.Second)
)

// The members of groups with faulty networks, of whom the first ones are faulty. These do
// not observe any other on as many as L = 3 rings of Rapid: one observed so would seem
// unstable for ever, and hold up the removal of all.
const (
	networkMembers = 60
	networkFaulty  = 3
	networkHealthy = networkMembers - networkFaulty
)

// faultyNetwork is what some members of a group meet, the first ones.
type faultyNetwork struct {
	detector string
	given    map[string]string
	seed     uint64
	lose     func(m *model.Message, now model.Time, dice *sim.Stream) bool
}

// reaction is what the healthy members of a group made of faulty ones.
type reaction struct {
	exact    int // who hold all faulty members for failed in the end, and no others
	returned int // how often they took a faulty one back
	mistakes int // how often they took a healthy one for failed
	removals int // how often they took any for failed
	latest   model.Time
}

func (f *faultyNetwork) run(ctx context.Context) (r reaction, err error) {
	g, err := newGroup(networkMembers, f.seed, f.detector, f.given)
	if err != nil {
		return r, err
	}
	dice := sim.NewStream(f.seed, "losses")
	g.carry = func(m *model.Message) (model.Duration, bool) {
		return groupDelay, g.now < faultyFrom || !f.lose(m, g.now, dice)
	}
	held := make([]map[model.ProcessID]bool, networkMembers)
	for p := range held {
		held[p] = make(map[model.ProcessID]bool)
	}
	g.verdict = func(p model.ProcessID, v model.Verdict) {
		if p < networkFaulty {
			return
		}
		r.latest = g.now
		switch {
		case v.Suspected:
			held[p][v.Peer] = true
			r.removals++
			if v.Peer >= networkFaulty {
				r.mistakes++
			}
		default:
			delete(held[p], v.Peer)
			if v.Peer < networkFaulty {
				r.returned++
			}
		}
	}
	err = g.run(ctx, faultyUntil, nil)
	want := make(map[model.ProcessID]bool)
	for p := range model.ProcessID(networkFaulty) {
		want[p] = true
	}
	for _, h := range held[networkFaulty:] {
		if maps.Equal(h, want) {
			r.exact++
		}
	}
	return r, err
}

// newReactions returns a table of reactions.
func newReactions(title string) Table {
	return newTable(title, "detector", "losses", "members", "faulty", "healthy that hold just these failed at the end", "faulty ones taken back",
		"healthy ones held failed", "latest change [s]")
}

func (f *faultyNetwork) add(t *Table, losses string, r reaction) {
	latest := words("-")
	if r.latest > 0 {
		latest = number(r.latest.Seconds(), "%.1f")
	}
	t.add(words("%s", f.detector), words("%s", losses), count(networkMembers), count(networkFaulty), count(int64(r.exact)), count(int64(r.returned)),
		count(int64(r.mistakes)), latest)
}

const rapidSource = "Rapid, USENIX ATC 2018: 10 of 1000 processes"

// deaf tells whether a message is lost in a one-way flip-flop.
func deaf(m *model.Message, now model.Time, _ *sim.Stream) bool {
	return m.To < networkFaulty && (now-faultyFrom)/flipFlop%2 == 0
}

// losesSent and losesReceived tell whether a message is lost where members lose 80 % of
// what they send, or of what is sent to them.
func losesSent(m *model.Message, _ model.Time, dice *sim.Stream) bool {
	return m.From < networkFaulty && dice.IntN(5) != 0
}

func losesReceived(m *model.Message, _ model.Time, dice *sim.Stream) bool {
	return m.To < networkFaulty && dice.IntN(5) != 0
}

// oneWayFlipFlop makes members hear nothing in every other 20 s, while all they say arrives.
func oneWayFlipFlop(ctx context.Context, p knownParams, d *Document) error {
	t := newReactions("One-way flip-flop: nothing reaches the faulty members in every other 20 s")
	for _, c := range []struct {
		detector, want string
		given          map[string]string
		measured       func(r reaction) string
		agrees         func(r reaction) bool
		why            string
	}{
		{"rapid", "removes them", nil, exactly, removesExactly, ""},
		{"memberlist", "oscillates", nil,
			func(r reaction) string { return fmt.Sprintf("takes them back %d times", r.returned) },
			func(r reaction) bool { return r.returned > 0 }, "; that it never removes all of the 10 is not asked of so few"},
		{"zookeeper", "does not react", map[string]string{"timeout": "40s"},
			func(r reaction) string { return fmt.Sprintf("%d sessions expire", r.removals) },
			func(r reaction) bool { return r.removals == 0 }, "; sessions of 40 s here, theirs are not known"},
	} {
		f := faultyNetwork{c.detector, c.given, p.seed, deaf}
		r, err := f.run(ctx)
		if err != nil {
			return err
		}
		f.add(&t, "all received, 20 s on, 20 s off", r)
		d.check(fmt.Sprintf("one-way flip-flop, %d of %d: %s", networkFaulty, networkMembers, c.detector), c.want, c.measured(r), c.agrees(r), rapidSource+c.why)
	}
	d.Tables = append(d.Tables, t)
	return nil
}

func exactly(r reaction) string {
	return fmt.Sprintf("%d of %d remove just these", r.exact, networkHealthy)
}

func removesExactly(r reaction) bool {
	return r.exact == networkHealthy && r.mistakes == 0 && r.returned == 0
}

// reactsInPart tells that some sessions of faulty members expired and none of others, and
// that not everybody ends up without just these.
func reactsInPart(r reaction) bool {
	return r.removals > 0 && r.mistakes == 0 && r.exact < networkHealthy
}

// heavyLoss makes members lose 80 % of what they send, or of what is sent to them.
func heavyLoss(ctx context.Context, p knownParams, d *Document) error {
	t := newReactions("80 % loss at the faulty members")
	for _, c := range []struct {
		direction string
		lose      func(m *model.Message, now model.Time, dice *sim.Stream) bool
	}{{"sent", losesSent}, {"received", losesReceived}} {
		for _, detector := range []string{"rapid", "memberlist", "zookeeper"} {
			var given map[string]string
			if detector == "zookeeper" {
				given = map[string]string{"timeout": "40s"}
			}
			f := faultyNetwork{detector, given, p.seed, c.lose}
			r, err := f.run(ctx)
			if err != nil {
				return err
			}
			f.add(&t, "80 % of what is "+c.direction, r)
			what := fmt.Sprintf("80 %% loss of what is %s, %d of %d: %s", c.direction, networkFaulty, networkMembers, detector)
			switch detector {
			case "rapid":
				d.check(what, "removes just these", exactly(r), removesExactly(r), rapidSource)
			case "memberlist":
				d.notComparable(what, "does not settle", fmt.Sprintf("%s, %d mistakes about others, %d returns", exactly(r), r.mistakes, r.returned),
					rapidSource+"; the library also pings over TCP, which sends again what is lost, and here it does not")
			case "zookeeper":
				d.check(what, "reacts, but only in part", fmt.Sprintf("%d sessions of the faulty expire, %d come back; %s", r.removals-r.mistakes, r.returned, exactly(r)),
					reactsInPart(r), rapidSource+"; sessions of 40 s here, theirs are not known, nor how late is late then")
			}
		}
	}
	d.Tables = append(d.Tables, t)
	d.Notes = append(d.Notes, "Rapid's text says that the 80 % are lost of what is sent, and a caption that they are of what is received: both are here.",
		fmt.Sprintf("The groups with faulty networks are of %d members rather than 1000. Among few members more are faulty, in proportion; where these "+
			"observe a healthy one on three of Rapid's rings, it removes nobody.", networkMembers))
	return nil
}
