package command

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"suspect/experiments/graphfile"
	"suspect/experiments/report"
	"suspect/model"
	"suspect/network"
	"suspect/qjump"
)

// boundSchemaVersion is the version of the shape of the documents that bound prints.
// It grows when a field changes its meaning or goes away.
const boundSchemaVersion = 1

// levelsDocument is what bound prints as JSON of the levels of a QJUMP network.
type levelsDocument struct {
	SchemaVersion int `json:"schema_version"`
	*qjump.Answer
}

// levelFlags describe a QJUMP network on the command line.
type levelFlags struct {
	hosts, switches    int
	packet, rate       string
	epsilon, frame     string
	factors            []int
	limiter, semantics string
}

// The names of the flags that are needed with --hosts, and that can be given.
var (
	levelsNeed  = []string{"hosts", "packet", "rate"}
	levelsAllow = []string{"epsilon", "factor", "frame", "switches", "limiter", "semantics"}
)

func (f *levelFlags) declare(c *cobra.Command) {
	c.Flags().IntVar(&f.hosts, "hosts", 0, "n: hosts of the network")
	c.Flags().StringVar(&f.packet, "packet", "", "P: the largest packet of the levels on the wire, as 256B")
	c.Flags().StringVar(&f.rate, "rate", "", "R: rate of the slowest link, as 10Gbps")
	c.Flags().StringVar(&f.epsilon, "epsilon", "0s", "eps: all processing and propagation on the way, as 1us")
	c.Flags().IntSliceVar(&f.factors, "factor", []int{1}, "f: throughput factor of a level (repeatable, increasing: the first has the highest priority)")
	c.Flags().StringVar(&f.frame, "frame", "0B", "L: the largest frame below all levels on the wire, as 1518B (0B: there is none)")
	c.Flags().IntVar(&f.switches, "switches", 1, "h: switches on the way; with more than one, the network is a tree")
	c.Flags().StringVar(&f.limiter, "limiter", qjump.MinimumSpacing.String(), "how hosts limit: minimum-spacing, fixed-window or restarting-window")
	c.Flags().StringVar(&f.semantics, "semantics", qjump.CommonEpoch.String(), "what f means: common-epoch (f packets in each) or epoch-per-level (one packet in each)")
}

func newBound(e *environment) *cobra.Command {
	var (
		levels levelFlags
		file   networkFlags
		given  scenarioFlags
		out    string
	)
	c := &cobra.Command{
		Use:   "bound [SCENARIO]",
		Short: "Bound delays and backlogs, without running anything",
		Long: `Bound answers how late packets can be, with the assumptions that the answer needs.

With a SCENARIO, a file or the name of one that comes with suspect, it answers for the
levels of its section qjump on its network, with its traffic and faults: a bound for
each level, port and flow, and for each assumption whether the scenario gives, derives
or breaks it. R is the rate of the slowest link, or what qjump.rate states: with that, a
link that is slower breaks the guarantee. The exit code is 0 if every level at which somebody sends has a bound that
can be signed, and 1 if one has not. --out DIR writes a report to be signed, with
figures and the worst schedules that an adversary finds.

With --hosts, --packet and --rate it answers for the levels of a QJUMP network: the
delay from leaving the limiter until the last bit is at the receiver, proved for each
level among all others, beside what was published; epochs, rates and admission. The exit
code is 0 even if there is no bound for a level.

With --network it answers by network calculus for the flows of a network of output
ports in Saihu's JSON format. The analyses:

  tfa           adds the delays of the servers on the way
  tfa++         the same, where no line is faster than its capacity (input shaping)
  sfa           what each server leaves to the flow; under fifo for comparison only
  sfa-counting  the same, proved under fifo too
  pmoo          bursts of others are paid once; for blind multiplexing`,
		Example: `  suspect bound qjump --out signed
  suspect bound --hosts 64 --packet 256B --rate 10Gbps --epsilon 1us --factor 1 --frame 1518B
  suspect bound --hosts 24 --packet 256B --rate 10Gbps --factor 1 --factor 4 --switches 3
  suspect bound --network ports.json --analysis sfa --multiplexing blind --format json`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("suspect bound: what is %q for?", args[1])
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			flag := func(names ...string) string { // the first of them that is there
				i := slices.IndexFunc(names, c.Flags().Changed)
				if i < 0 {
					return ""
				}
				return names[i]
			}
			levelNames := slices.Concat(levelsNeed, levelsAllow)
			if len(args) == 1 {
				if name := flag(slices.Concat(levelNames, networkAllows, []string{"network"})...); name != "" {
					return usage("--%s does not go with the scenario %s, which says it all: leave one of them out (--set changes a value of a scenario)", name, args[0])
				}
				if c.Flags().Changed("out") && out == "" {
					return usage("--out needs a directory")
				}
				if strings.HasSuffix(args[0], ".json") {
					return usage("%s is no scenario: the FILE of a network goes with --network", args[0])
				}
				s, err := given.read(c, args[0])
				if err != nil {
					return err
				}
				return e.boundScenario(c.Context(), s, out)
			}
			if name := flag("set", "seed", "out"); name != "" {
				return usage("--%s is for a scenario: name its FILE (or one of suspect list scenarios)", name)
			}
			if c.Flags().Changed("network") {
				if name := flag(levelNames...); name != "" {
					return usage("--%s does not go with --network, whose FILE has all sizes and rates: leave one of them out", name)
				}
				return e.boundNetwork(file)
			}
			if name := flag(networkAllows...); name != "" {
				return usage("--%s is for a network from a file: add --network FILE", name)
			}
			for _, name := range levelsNeed {
				if !c.Flags().Changed(name) {
					return usage("suspect bound needs --%s (write --hosts 64 --packet 256B --rate 10Gbps, or --network FILE, or the name of a scenario)", name)
				}
			}
			return e.boundLevels(levels)
		},
	}
	given.declare(c)
	c.Flags().StringVar(&out, "out", "", "directory of a report on the scenario's bounds")
	levels.declare(c)
	file.declare(c)
	return c
}

// spec reads the flags.
func (f *levelFlags) spec() (qjump.Spec, error) {
	s := qjump.Spec{Hosts: f.hosts, Factors: f.factors, Switches: f.switches}
	var err error
	if s.Packet, err = wireBytes("packet", f.packet); err != nil {
		return s, err
	}
	if s.Frame, err = wireBytes("frame", f.frame); err != nil {
		return s, err
	}
	if s.Rate, err = graphfile.ParseRate(f.rate); err != nil {
		return s, usage("--rate: %v", err)
	}
	if s.Epsilon, err = model.ParseDuration(f.epsilon); err != nil {
		return s, usage("--epsilon: %v", err)
	}
	if s.Limiter, err = qjump.ParseLimiterKind(f.limiter); err != nil {
		return s, usage("--limiter: %v", err)
	}
	switch f.semantics {
	case qjump.CommonEpoch.String():
		s.Semantics = qjump.CommonEpoch
	case qjump.EpochPerLevel.String():
		s.Semantics = qjump.EpochPerLevel
	default:
		return s, usage("--semantics %q: %v or %v", f.semantics, qjump.CommonEpoch, qjump.EpochPerLevel)
	}
	if f.switches < 1 {
		return s, usage("--switches %d: there is one at least", f.switches)
	}
	return s, nil
}

// wireBytes reads the size of a packet or frame. That a packet has no size is left to
// package qjump to refuse.
func wireBytes(flag, text string) (int32, error) {
	if text == "0B" {
		return 0, nil
	}
	b, err := graphfile.ParseBuffer(text)
	if err != nil || b.Packets != 0 || b.Bytes > math.MaxInt32 {
		return 0, usage("--%s %q: not a size in bytes, up to 2 GiB (write --%s 256B)", flag, text, flag)
	}
	return int32(b.Bytes), nil
}

func (e *environment) boundLevels(flags levelFlags) error {
	spec, err := flags.spec()
	if err != nil {
		return err
	}
	answer, err := qjump.Bound(spec)
	if err != nil {
		return &exit{ExitUsage, err}
	}
	if e.json() {
		return e.print(report.JSON(levelsDocument{boundSchemaVersion, answer}))
	}
	return e.print(levelsText(answer))
}

// levelsText returns the page of a QJUMP network.
func levelsText(a *qjump.Answer) []byte {
	var b bytes.Buffer // takes everything
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprintf(&b, "QJUMP on %s hosts, %s on the way\n", report.Count(int64(a.Hosts)), report.Plural(int64(a.Switches), "switch", "switches"))
	fmt.Fprintf(w, "  packet\tP\t%d bytes on the wire, P/R = %s us\n", a.Packet, a.Ser.Decimal())
	fmt.Fprintf(w, "  slowest link\tR\t%s\n", rateText(a.Rate))
	fmt.Fprintf(w, "  processing\teps\t%s us\n", a.Epsilon.Decimal())
	below := "none: nothing is sent below these levels"
	if a.Frame > 0 {
		below = fmt.Sprintf("%d bytes on the wire", a.Frame)
	}
	fmt.Fprintf(w, "  frame below\tL\t%s\n", below)
	fmt.Fprintf(w, "  limiters\t\t%s, %s\n", a.Limiter, a.Epochs)
	w.Flush()

	fmt.Fprintf(&b, "\nAs published (no guarantee: it leaves out frames below, other levels, further switches and the kind of limiter)\n")
	fmt.Fprintf(w, "  bound\tnP/R + eps\t%s us\n", a.BoundNPR.Decimal())
	fmt.Fprintf(w, "  epoch\t2nP/R + eps\t%s us\n", a.Epoch2NPR.Decimal())
	w.Flush()

	fmt.Fprintf(&b, "\nLevels, each with all others (delay from leaving the limiter until the last bit is at the receiver)\n")
	fmt.Fprintln(w, "  priority\tf\tepoch [us]\trate [Mb/s]\tdelay at most [us]\tstatus\tbacklog at most, switch and host [B]\tby")
	for _, l := range a.Levels {
		epoch, rate := l.Epoch2NPR, l.RateCommon
		if a.Epochs == qjump.EpochPerLevel.String() {
			epoch, rate = l.LevelEpoch, l.RatePerLevel
		}
		fmt.Fprintf(w, "  %d\t%d\t%s\t%s\t", l.Priority, l.Factor, epoch.Decimal(), megabits(rate))
		if g := l.Bound; g != nil {
			fmt.Fprintf(w, "%s\t%v\t%d, %d\t%s\n", microseconds(g.Delay), g.Status, g.Backlog, g.HostBacklog, g.Method)
		} else {
			fmt.Fprintf(w, "none\t-\tnone\t-\n")
		}
	}
	w.Flush()
	writeRefusals(&b, a.Levels)

	verdict := "admitted"
	if !a.Admission.OK {
		verdict = "NOT ADMITTED"
	}
	fmt.Fprintf(&b, "\nAdmission: %s\n  %s\n", verdict, report.Hang(a.Admission.Reason, 2))
	writeAssumptions(&b, a.Levels)
	return b.Bytes()
}

// writeRefusals tells why levels have no bound, each reason once.
func writeRefusals(b *bytes.Buffer, levels []qjump.LevelAnswer) {
	var reasons []string
	without := make(map[string][]string) // priorities by reason
	for _, l := range levels {
		if l.Bound != nil {
			continue
		}
		if without[l.BoundReason] == nil {
			reasons = append(reasons, l.BoundReason)
		}
		without[l.BoundReason] = append(without[l.BoundReason], fmt.Sprint(l.Priority))
	}
	for _, r := range reasons {
		fmt.Fprintf(b, "  no bound for %s:\n    %s\n", priorities(without[r]), report.Hang(r, 4))
	}
}

// writeAssumptions lists what the bounds need, and which where not all need it.
func writeAssumptions(b *bytes.Buffer, levels []qjump.LevelAnswer) {
	var all []qjump.Assumption
	needed := make(map[qjump.Assumption][]string) // by priorities
	bounds := 0
	for _, l := range levels {
		if l.Bound == nil {
			continue
		}
		bounds++
		for _, x := range l.Bound.Assumptions {
			if needed[x] == nil {
				all = append(all, x)
			}
			needed[x] = append(needed[x], fmt.Sprint(l.Priority))
		}
	}
	if bounds == 0 {
		return
	}
	fmt.Fprintf(b, "\nThe bounds hold if\n")
	for _, x := range all {
		text := x.String()
		if len(needed[x]) < bounds {
			text += " (for " + priorities(needed[x]) + ")"
		}
		fmt.Fprintf(b, "  - %s\n", report.Hang(text, 4))
	}
}

func priorities(list []string) string {
	if len(list) == 1 {
		return "priority " + list[0]
	}
	return "priorities " + strings.Join(list, ", ")
}

// rateText writes a rate in the largest unit of which it is a multiple.
func rateText(bps int64) string {
	for _, u := range []struct {
		name string
		size network.BitRate
	}{{"Gb/s", network.Gbps}, {"Mb/s", network.Mbps}, {"kb/s", network.Kbps}} {
		if size := int64(u.size); bps%size == 0 {
			return fmt.Sprintf("%d %s", bps/size, u.name)
		}
	}
	return fmt.Sprintf("%d b/s", bps)
}

// megabits writes a rate in bits per second as Mb/s, to a bit per second.
func megabits(bps *qjump.Rational) string {
	var r qjump.Rational
	r.SetFrac64(1, int64(network.Mbps))
	r.Mul(&r.Rat, &bps.Rat)
	return r.FloatString(6)
}

// microseconds writes d exactly.
func microseconds(d model.Duration) string {
	var r qjump.Rational
	r.SetFrac64(int64(d), int64(model.Microsecond))
	return r.Decimal()
}
