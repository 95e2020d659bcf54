package explore_test

import (
	"fmt"
	"slices"
	"testing"

	"suspect/model"
	"suspect/properties"
	"suspect/properties/explore"
)

// scripted is an automaton of a few lines: what it does in a state, a byte, on an input.
type scripted struct {
	self  model.ProcessID
	state byte
	do    func(d *scripted, in *model.Input, out *model.Output)
	timer bool
}

func (d *scripted) Step(now model.Time, in *model.Input, out *model.Output) {
	d.do(d, in, out)
	if d.timer {
		out.Wake = now.Add(model.Second)
	}
}
func (d *scripted) Clone() model.Automaton                    { c := *d; return &c }
func (d *scripted) AppendState(b []byte, _ model.Time) []byte { return append(b, d.state) }
func (d *scripted) LoadState(b []byte, _ model.Time) ([]byte, error) {
	d.state = b[0]
	return b[1:], nil
}

func (d *scripted) send(to model.ProcessID, kind uint8, out *model.Output) {
	out.Send = append(out.Send, model.Message{From: d.self, To: to, Kind: kind})
}

func say(value int64, out *model.Output) {
	out.Announcements = append(out.Announcements, model.Announcement{Kind: model.Decided, Value: value})
}

func announced(v *explore.View, p int, value int64) bool {
	return slices.ContainsFunc(v.Said(p), func(a model.Announcement) bool { return a.Value == value })
}

// A reduction is wrong in one of these systems if it forgets one of its conditions.
func TestReductionConditions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		do   []func(d *scripted, in *model.Input, out *model.Output)
		bad  explore.Predicate
	}{
		{
			// A message from process 0 sets a flag, which nobody notices; one from process 2
			// makes process 1 send the flag and forget it. Both orders end in one state, with
			// another message sent.
			"what is sent differs",
			[]func(d *scripted, in *model.Input, out *model.Output){
				func(d *scripted, in *model.Input, out *model.Output) {
					if in.Kind == model.Start {
						d.send(1, 1, out)
						d.send(2, 1, out)
					}
				},
				func(d *scripted, in *model.Input, out *model.Output) {
					switch {
					case in.Kind != model.Deliver || d.state == 2:
					case in.Message.From == 0:
						d.state = 1
					case in.Message.From == 2:
						d.send(2, 10+d.state, out)
						d.state = 2
					}
				},
				func(d *scripted, in *model.Input, out *model.Output) {
					switch {
					case in.Kind != model.Deliver:
					case in.Message.From == 0:
						d.send(1, 1, out)
					case d.state == 0:
						d.state = 1
						say(int64(in.Message.Kind), out)
					}
				},
			},
			func(v *explore.View) bool { return announced(v, 2, 10) },
		},
		{
			// Once both are there, processes 0 and 1 hand a message to and fro, and notice
			// nothing of it.
			"what is put off for ever",
			[]func(d *scripted, in *model.Input, out *model.Output){
				func(d *scripted, in *model.Input, out *model.Output) {
					if in.Kind == model.Deliver {
						d.send(1, 1, out)
						if d.state == 0 {
							d.state = 1
							d.send(2, 1, out)
						}
					}
				},
				func(d *scripted, in *model.Input, out *model.Output) { d.send(0, 1, out) },
				func(d *scripted, in *model.Input, out *model.Output) {
					if in.Kind == model.Deliver && d.state == 0 {
						d.state = 1
						say(1, out)
					}
				},
			},
			func(v *explore.View) bool { return announced(v, 2, 1) },
		},
		{
			// Once process 1 is there, processes 1 and 2 announce what they receive, in any
			// order.
			"what is announced",
			[]func(d *scripted, in *model.Input, out *model.Output){
				func(d *scripted, in *model.Input, out *model.Output) {
					if in.Kind == model.Deliver {
						d.send(1, 1, out)
						d.send(2, 1, out)
					}
				},
				func(d *scripted, in *model.Input, out *model.Output) {
					switch {
					case in.Kind == model.Start:
						d.send(0, 1, out)
					case in.Kind == model.Deliver && d.state == 0:
						d.state = 1
						say(1, out)
					}
				},
				func(d *scripted, in *model.Input, out *model.Output) {
					if in.Kind == model.Deliver && d.state == 0 {
						d.state = 1
						say(1, out)
					}
				},
			},
			func(v *explore.View) bool { return announced(v, 2, 1) && !announced(v, 1, 1) },
		},
		{
			// What process 0 sends makes no difference to process 1, not even one step later,
			// but two steps later it does.
			"what is noticed later",
			[]func(d *scripted, in *model.Input, out *model.Output){
				func(d *scripted, in *model.Input, out *model.Output) {
					if in.Kind == model.Start {
						d.send(1, 1, out)
						d.send(2, 1, out)
					}
				},
				func(d *scripted, in *model.Input, out *model.Output) {
					switch {
					case in.Kind != model.Deliver:
					case in.Message.From == 2 && d.state == in.Message.Kind:
						d.state++
					case in.Message.From == 0 && d.state == 2:
						d.state = 3
						say(1, out)
					}
				},
				func(d *scripted, in *model.Input, out *model.Output) {
					if in.Kind == model.Deliver {
						d.send(1, 0, out)
						d.send(1, 1, out)
					}
				},
			},
			func(v *explore.View) bool { return announced(v, 1, 1) },
		},
	} {
		for _, reduce := range []bool{false, true} {
			r := interleave(t, explore.Interleaved{N: 3, Reduce: reduce, New: func(p model.ProcessID) (model.Automaton, error) {
				return &scripted{self: p, do: c.do[p]}, nil
			}}, explore.Options{Workers: 1}, explore.Always(c.name, func(v *explore.View) bool { return !c.bad(v) }))
			if r.Outcome() != properties.Violated {
				t.Errorf("%s, reduced %v: %v", c.name, reduce, r.Findings)
			}
		}
	}
}

// An automaton that announces whatever it receives has no finite graph of local states.
func TestReductionGivesUp(t *testing.T) {
	t.Parallel()
	sys, err := explore.Interleaved{N: 2, Reduce: true, New: func(p model.ProcessID) (model.Automaton, error) {
		return &scripted{self: p, do: func(d *scripted, in *model.Input, out *model.Output) {
			if in.Kind == model.Start {
				d.send(1-p, 1, out)
			}
			say(1, out)
		}}, nil
	}}.NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := explore.NewSearch(sys, explore.Options{Workers: 1}); err == nil {
		t.Error("it has")
	}
}

// Votes that nobody acts upon are delivered at once, in any number.
func TestReductionOfVotes(t *testing.T) {
	t.Parallel()
	const n = 6
	var states [2]int64
	for i, reduce := range []bool{false, true} {
		r := interleave(t, explore.Interleaved{N: n, Reduce: reduce, New: func(p model.ProcessID) (model.Automaton, error) {
			return &scripted{self: p, do: func(d *scripted, in *model.Input, out *model.Output) {
				switch {
				case in.Kind == model.Start && d.self > 0:
					d.send(0, 1, out)
				case in.Kind == model.Deliver:
					d.state |= 1 << in.Message.From
				}
			}}, nil
		}}, explore.Options{Workers: 1})
		states[i] = r.States
	}
	// Whoever votes has started or not, and once process 0 has, its vote is under way or has
	// arrived.
	const voters = n - 1
	whole, three := int64(1<<voters), int64(1)
	for range voters {
		three *= 3
	}
	whole += three
	// With the reduction nothing but a chain of deliveries follows the start of process 0, in
	// the order of the voters, and one delivery each later vote. One vote under way that
	// comes after all that have arrived can be either.
	reduced := int64(1<<voters + 1<<voters + voters<<(voters-1) + voters<<(voters-1) - (1<<voters - 1))
	if states[0] != whole || states[1] != reduced {
		t.Errorf("%d states, want %d; %d with the reduction, want %d", states[0], whole, states[1], reduced)
	}
}

// Digests are of one state each.
func TestDigests(t *testing.T) {
	t.Parallel()
	var systems []explore.System
	for seed := uint64(1); seed <= 12; seed++ {
		c := puppets(seed)
		c.Losses, c.Duplicates = 1, 1
		sys, err := c.NewSystem()
		if err != nil {
			t.Fatal(err)
		}
		systems = append(systems, sys)
	}
	sys, err := row{n: 2, crashes: 1, delta: 1, phi: 2, first: 1, most: 3, period: 1, gst: 1}.adaptive().NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	// Here states differ in the kind of a message alone.
	kinds, err := explore.Interleaved{N: 2, New: func(p model.ProcessID) (model.Automaton, error) {
		return &scripted{self: p, do: func(d *scripted, in *model.Input, out *model.Output) {
			if in.Kind == model.Start {
				d.send(1-p, uint8(in.Random.IntN(3)), out)
			}
		}}, nil
	}}.NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	for _, sys := range append(systems, sys, kinds) {
		// Twice, since what was given while the system grew wider is void.
		for range 2 {
			seen, digests := map[string]bool{}, map[string]bool{}
			first, err := sys.First()
			for err == explore.ErrWider {
				first, err = sys.First()
			}
			waiting := [][]uint64{first}
			var succ explore.Successors
			for ; len(waiting) > 0 && len(seen) < 2000; waiting = waiting[1:] {
				if name := fmt.Sprint(waiting[0]); !seen[name] {
					seen[name] = true
					d, err := explore.Digest(sys, waiting[0])
					if err != nil {
						t.Fatal(err)
					}
					digests[d] = true
					for succ.Reset(); !sys.Expander().Expand(waiting[0], &succ); succ.Reset() {
						if err = sys.Learn(waiting[0]); err != nil {
							break
						}
					}
					if err != nil {
						break
					}
					for s := range slices.Chunk(succ.States, sys.Words()) {
						waiting = append(waiting, slices.Clone(s))
					}
				}
			}
			if len(seen) != len(digests) {
				t.Errorf("%d states have %d digests", len(seen), len(digests))
			}
		}
	}
}

// A walk is shown without its loops where no search makes it shorter.
func TestWalkWithoutLoops(t *testing.T) {
	t.Parallel()
	c := explore.Interleaved{N: 2, Timers: true, New: func(p model.ProcessID) (model.Automaton, error) {
		return &scripted{self: p, timer: true, do: func(d *scripted, in *model.Input, out *model.Output) {
			switch in.Kind {
			case model.Start:
				d.send(1-p, 1, out)
			case model.Wake:
				d.state = (d.state + 1) % 3
			case model.Deliver:
				say(1, out)
			}
		}}, nil
	}}
	holds := explore.Always("quiet", func(v *explore.View) bool { return !announced(v, 0, 1) || !announced(v, 1, 1) })
	loops := 0
	for seed := range uint64(40) {
		sys, err := c.NewSystem()
		if err != nil {
			t.Fatal(err)
		}
		r, err := explore.Walk{Seed: seed, Walks: 100, Depth: 100, Shorten: 1}.Run(sys, holds)
		if err != nil {
			t.Fatal(err)
		}
		x := r.Findings[0].Counterexample
		if x == nil {
			t.Fatal(r.Findings)
		}
		if err := x.Shows(sys, holds); err != nil {
			t.Error(err)
		}
		seen := map[string]bool{}
		for _, s := range x.Prefix {
			seen[fmt.Sprint(s.After)] = true
		}
		if len(seen) != len(x.Prefix) || len(x.Prefix) < 4 {
			t.Errorf("%d steps pass through %d states", len(x.Prefix), len(seen))
		}
		if r.Steps > int64(len(x.Prefix)) {
			loops++
		}
	}
	if loops < 5 {
		t.Errorf("only %d walks had loops", loops)
	}
}
