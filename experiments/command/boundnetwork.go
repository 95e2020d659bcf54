package command

import (
	"bytes"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"suspect/experiments/report"
	"suspect/qjump"
	"suspect/qjump/calculus"
)

// networkFlags name a network in a file and how to analyse it.
type networkFlags struct {
	path, analysis, multiplexing string
	withoutBranches              bool
}

// networkAllows has the names of the flags that go with --network alone.
var networkAllows = []string{"analysis", "multiplexing", "without-branches"}

var (
	analyses = []string{
		string(calculus.TFA), string(calculus.TFAShaped), string(calculus.SFA), string(calculus.SFACounting), string(calculus.PMOO),
	}
	multiplexings = []string{string(calculus.FIFO), string(calculus.Blind)}
)

func (f *networkFlags) declare(c *cobra.Command) {
	c.Flags().StringVar(&f.path, "network", "", "FILE of a network of output ports in Saihu's JSON format")
	c.Flags().StringVar(&f.analysis, "analysis", "", strings.Join(analyses, ", ")+" (default: tfa++ where the file asks for input shaping, else tfa)")
	c.Flags().StringVar(&f.multiplexing, "multiplexing", "", strings.Join(multiplexings, " or ")+" (default: as in the file)")
	c.Flags().BoolVar(&f.withoutBranches, "without-branches", false, "leave out the further branches of multicast flows")
}

// networkDocument is what bound prints as JSON of a network from a file.
type networkDocument struct {
	SchemaVersion int    `json:"schema_version"`
	File          string `json:"file"`
	Network       string `json:"network"`
	Analysis      string `json:"analysis"`
	Multiplexing  string `json:"multiplexing"`
	// Status is proved where the numbers are bounds under the assumptions. It is
	// comparison where they are to be compared with those of another tool; they are
	// no guarantee then.
	Status      string   `json:"status"`
	Assumptions []string `json:"assumptions"`
	// TimeUnit and DataUnit are those of delays and backlogs.
	TimeUnit string           `json:"time_unit"`
	DataUnit string           `json:"data_unit"`
	Flows    []flowDocument   `json:"flows"`
	Servers  []serverDocument `json:"servers,omitempty"` // of tfa and tfa++
}

// flowDocument has the bounds of one flow, over its whole way.
type flowDocument struct {
	Flow string `json:"flow"`
	boundsDocument
}

// serverDocument has the bounds of one server, for all flows that cross it.
type serverDocument struct {
	Server string `json:"server"`
	boundsDocument
	// Utilisation is the rate of the flows as a share of that of the service.
	Utilisation        string          `json:"utilisation"`
	UtilisationDecimal *qjump.Rational `json:"utilisation_decimal"`
}

// boundsDocument has each number as an exact fraction, such as "23960/399", and as a
// decimal number. Where there is no finite bound, the first is "inf" and the other
// null.
type boundsDocument struct {
	Delay          string          `json:"delay"`
	DelayDecimal   *qjump.Rational `json:"delay_decimal"`
	Backlog        string          `json:"backlog"`
	BacklogDecimal *qjump.Rational `json:"backlog_decimal"`
}

func newBoundsDocument(delay, backlog calculus.Bound) boundsDocument {
	return boundsDocument{delay.String(), rational(delay.Rat()), backlog.String(), rational(backlog.Rat())}
}

// rational returns r with the decimal form of package qjump, or nil for nil.
func rational(r *big.Rat) *qjump.Rational {
	if r == nil {
		return nil
	}
	x := new(qjump.Rational)
	x.Set(r)
	return x
}

func (e *environment) boundNetwork(f networkFlags) error {
	if f.analysis != "" && !slices.Contains(analyses, f.analysis) {
		return usage("--analysis %q%s: there are %s", f.analysis, meant(f.analysis, analyses), strings.Join(analyses, ", "))
	}
	if f.multiplexing != "" && !slices.Contains(multiplexings, f.multiplexing) {
		return usage("--multiplexing %q%s: %s", f.multiplexing, meant(f.multiplexing, multiplexings), strings.Join(multiplexings, " or "))
	}
	text, err := os.ReadFile(f.path)
	if err != nil {
		return &exit{ExitBadInput, err}
	}
	s, err := calculus.ReadSaihu(f.path, text)
	if err != nil {
		return &exit{ExitBadInput, fmt.Errorf("this network cannot be analysed:\n%w", err)}
	}
	analysis, multiplexing := calculus.Analysis(f.analysis), calculus.Multiplexing(f.multiplexing)
	if analysis == "" {
		analysis = calculus.TFA
		if s.Shaping() {
			analysis = calculus.TFAShaped
		}
	}
	if multiplexing == "" {
		multiplexing = s.Multiplexing
	}
	if analysis == calculus.PMOO && multiplexing == calculus.FIFO {
		return usage("--analysis pmoo knows only blind multiplexing: add --multiplexing blind, whose bounds hold for fifo servers with strict service curves too")
	}
	var further []string // assumptions that come from the flags
	if multiplexing != s.Multiplexing {
		further = append(further, fmt.Sprintf("multiplexing is %s, as asked for: the file says %s", multiplexing, s.Multiplexing))
	}
	if n := s.Network.WithoutBranches(); f.withoutBranches && len(n.Flows) < len(s.Network.Flows) {
		further = append(further, fmt.Sprintf("nothing is sent to the further branches of multicast flows, %d in the file", len(s.Network.Flows)-len(n.Flows)))
		s.Network = n
	}
	result, err := calculus.Analyse(s.Network, analysis, multiplexing)
	if err != nil {
		return &exit{ExitBadInput, fmt.Errorf("%s: there are no bounds for this network:\n%w", f.path, err)}
	}
	result.Assumptions = append(result.Assumptions, further...)
	d := newNetworkDocument(f.path, s.Network.Name, result)
	if e.json() {
		return e.print(report.JSON(d))
	}
	return e.print(d.text())
}

func newNetworkDocument(file, name string, r calculus.Result) networkDocument {
	d := networkDocument{
		SchemaVersion: boundSchemaVersion, File: file, Network: name,
		Analysis: string(r.Analysis), Multiplexing: string(r.Multiplexing), Status: r.Status.String(), Assumptions: r.Assumptions,
		TimeUnit: "s", DataUnit: "bit", Flows: []flowDocument{},
	}
	for _, f := range r.Flows {
		d.Flows = append(d.Flows, flowDocument{f.Flow, newBoundsDocument(f.Delay, f.Backlog)})
	}
	for _, s := range r.Servers {
		d.Servers = append(d.Servers, serverDocument{s.Server, newBoundsDocument(s.Delay, s.Backlog), s.Utilisation.RatString(), rational(s.Utilisation)})
	}
	return d
}

// text returns the page for a terminal. What is not proved is called so in the first
// line, in the heads of the columns and at the end.
func (d *networkDocument) text() []byte {
	var b bytes.Buffer // takes everything
	proved := d.Status == calculus.Proved.String()
	fmt.Fprintf(&b, "%s: %s under %s multiplexing, ", report.Printable(d.Network), d.Analysis, d.Multiplexing)
	most, end := " at most", "The bounds hold if"
	if proved {
		fmt.Fprintf(&b, "proved\n\n")
	} else {
		fmt.Fprintf(&b, "COMPARISON ONLY: these numbers are no guarantee\n\n")
		most, end = " (no bound)", "The numbers are computed as if"
	}
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	head := fmt.Sprintf("delay%s [s]\texactly\tbacklog%s [bit]\texactly", most, most)
	fmt.Fprintf(w, "  flow\t%s\n", head)
	for _, f := range d.Flows {
		fmt.Fprintf(w, "  %s\t%s\n", report.Printable(f.Flow), f.cells())
	}
	w.Flush()
	if len(d.Servers) > 0 {
		fmt.Fprintln(&b)
		fmt.Fprintf(w, "  server\t%s\tutilisation\n", head)
		for _, s := range d.Servers {
			fmt.Fprintf(w, "  %s\t%s\t%s\n", report.Printable(s.Server), s.cells(), s.UtilisationDecimal.Decimal())
		}
		w.Flush()
	}
	fmt.Fprintf(&b, "\n%s\n", end)
	for _, a := range d.Assumptions {
		fmt.Fprintf(&b, "  - %s\n", report.Hang(a, 4))
	}
	return b.Bytes()
}

func (d *boundsDocument) cells() string {
	cell := func(exact string, decimal *qjump.Rational) string {
		if decimal == nil {
			return "none\tinfinite"
		}
		return decimal.Decimal() + "\t" + exact
	}
	return cell(d.Delay, d.DelayDecimal) + "\t" + cell(d.Backlog, d.BacklogDecimal)
}
