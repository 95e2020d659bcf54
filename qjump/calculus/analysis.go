package calculus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// Analysis is a way from a network to bounds.
type Analysis string

const (
	// TFA, total flow analysis, adds the delays of the servers on a flow's path, each
	// that of all flows there together. A flow's backlog is the largest at these
	// servers, of all flows.
	TFA Analysis = "tfa"
	// TFAShaped is TFA with input shaping (Grieu 2004; TFA++ of Mifdaoui and Leydier,
	// 2017): what comes over one line comes no faster than the line. Behind a server a
	// flow is as if delayed by anything up to the server's bound. Only lines whose
	// capacity is known shape.
	TFAShaped Analysis = "tfa++"
	// SFA, separate flow analysis, takes what every server leaves to the flow, one
	// behind the other. Cross traffic that came to a server by the same line as the flow
	// is bounded as if the flow were not there, as NetCal DNC does it. Under
	// blind multiplexing this is a theorem (see the package comment); under FIFO it is
	// unproved, and the result is a comparison.
	SFA Analysis = "sfa"
	// SFACounting is SFA with cross traffic bounded in the presence of the flow. It is
	// proved under both multiplexings.
	SFACounting Analysis = "sfa-counting"
	// PMOO, pay multiplexing only once (Schmitt, Zdarsky and Fidler, 2008), counts the
	// burst of a cross flow once on the whole stretch that it shares with the flow. It is
	// for blind multiplexing, and so for strict service curves.
	PMOO Analysis = "pmoo"
)

// Multiplexing is the order in which a server serves its flows. Each flow by itself is
// served in the order of its arrival.
type Multiplexing string

const (
	FIFO  Multiplexing = "fifo"  // all data in the order of arrival
	Blind Multiplexing = "blind" // any order among flows, also called arbitrary
)

// Status tells what a result may be used for.
type Status uint8

const (
	// Comparison is a number to be compared with that of another tool. It must not be
	// printed as a guarantee.
	Comparison Status = iota
	// Proved is an upper bound, under the assumptions of the result.
	Proved
)

func (s Status) String() string {
	if s == Proved {
		return "proved"
	}
	return "comparison"
}

// Result has the bounds of one analysis.
type Result struct {
	Analysis     Analysis
	Multiplexing Multiplexing
	Status       Status
	// Assumptions has a sentence for everything that the bounds rest on, apart from the
	// network itself; for a comparison also why it is no more.
	Assumptions []string
	Flows       []FlowBound   // in the order of the network
	Servers     []ServerBound // in the order of the network; only of TFA and TFAShaped
}

// FlowBound bounds a flow from end to end.
type FlowBound struct {
	Flow           string
	Delay, Backlog Bound
}

// ServerBound bounds all flows at a server together.
type ServerBound struct {
	Server         string
	Delay, Backlog Bound
	Utilisation    *big.Rat // the flows' rate as a share of the service rate
}

// Analyse bounds the delay and the backlog of every flow. It returns the errors of
// [Network.Check], and an error for an unknown analysis or multiplexing, for PMOO under
// FIFO, and for PMOO with curves of so many pieces that trying their combinations would
// take too long.
func Analyse(n Network, analysis Analysis, multiplexing Multiplexing) (Result, error) {
	r := Result{Analysis: analysis, Multiplexing: multiplexing, Status: Proved}
	if multiplexing != FIFO && multiplexing != Blind {
		return Result{}, fmt.Errorf("calculus: multiplexing %q is unknown: use %s or %s", multiplexing, FIFO, Blind)
	}
	switch analysis {
	case TFA, TFAShaped, SFA, SFACounting, PMOO:
	default:
		return Result{}, fmt.Errorf("calculus: analysis %q is unknown: use %s, %s, %s, %s or %s", analysis, TFA, TFAShaped, SFA, SFACounting, PMOO)
	}
	if analysis == PMOO && multiplexing == FIFO {
		return Result{}, errors.New("calculus: PMOO knows only blind multiplexing; its bounds hold for FIFO servers too, if their service curves are strict")
	}
	s, err := compile(n)
	if err != nil {
		return Result{}, err
	}
	r.Assumptions = []string{"every flow keeps its arrival curve, and nothing is lost"}
	if multiplexing == Blind {
		r.Assumptions = append(r.Assumptions, "the service curves are strict: they hold whenever something waits",
			"each flow by itself is served in the order of its arrival")
	} else {
		r.Assumptions = append(r.Assumptions, "every server serves all flows in the order of their arrival")
	}
	if n.Packetizer {
		r.Assumptions = append(r.Assumptions, "bursts count whole packets, and a packet is there when its last bit is")
	}

	a := &analyst{system: s, blind: multiplexing == Blind, known: map[string]Arrival{}}
	for v := range n.Servers {
		a.service = append(a.service, a.packetized(v))
	}
	switch analysis {
	case TFA, TFAShaped:
		r.Servers = a.servers(analysis == TFAShaped)
		for f, flow := range n.Flows {
			sum := FlowBound{flow.Name, Bound{new(big.Rat)}, Bound{new(big.Rat)}}
			for _, v := range s.path[f] {
				sum.Delay = sum.Delay.Add(r.Servers[v].Delay)
				if r.Servers[v].Backlog.Cmp(sum.Backlog) > 0 {
					sum.Backlog = r.Servers[v].Backlog
				}
			}
			r.Flows = append(r.Flows, sum)
		}
		if analysis == TFAShaped {
			r.Assumptions = append(r.Assumptions, "no line sends faster than its capacity")
		}
	case SFA, SFACounting:
		if analysis == SFA && !a.blind {
			r.Status = Comparison
			r.Assumptions = append(r.Assumptions, "NOT PROVED: cross traffic is bounded as if the flow were absent where they share a line, as NetCal DNC does; sfa-counting gives a guarantee")
		}
		for f, flow := range n.Flows {
			service := a.separate(f, analysis == SFA)
			r.Flows = append(r.Flows, FlowBound{flow.Name, Delay(flow.Arrival, service), Backlog(flow.Arrival, service)})
		}
	case PMOO:
		for f, flow := range n.Flows {
			service, err := a.once(f)
			if err != nil {
				return Result{}, err
			}
			r.Flows = append(r.Flows, FlowBound{flow.Name, Delay(flow.Arrival, service), Backlog(flow.Arrival, service)})
		}
	}
	return r, nil
}

// An analyst holds what the analyses share.
type analyst struct {
	*system
	blind   bool
	service []Service
	known   map[string]Arrival // results of bound
}

// none is the flow of interest where there is none.
const none = -1

// packetized returns the service of a server together with its packetizer, which is
// less by the longest packet (Le Boudec and Thiran). It is strict
// if the server's is, because the bits of a packet that is begun all wait in the server.
func (a *analyst) packetized(server int) Service {
	service := a.Servers[server].Service
	if !a.Packetizer || len(a.at[server]) == 0 {
		return service
	}
	return leftOver(service, Arrival{[]line{{a.longest(a.at[server]), zero}}}, zero)
}

func (a *analyst) longest(flows []int) *big.Rat {
	most := zero
	for _, f := range flows {
		if l := a.Flows[f].MaxPacket; l.Cmp(most) > 0 {
			most = l
		}
	}
	return most
}

// servers bounds what all flows together see at every server.
func (a *analyst) servers(shaped bool) []ServerBound {
	bounds := make([]ServerBound, len(a.Servers))
	// The curve of every flow at the server that it comes to next, for TFAShaped.
	var next []Arrival
	for _, f := range a.Flows {
		next = append(next, f.Arrival)
	}
	for _, v := range a.order {
		var in Arrival
		if shaped {
			in = a.overLines(v, next)
		} else {
			in = a.bound(v, a.at[v], none)
		}
		own := a.Servers[v].Service
		b := ServerBound{Server: a.Servers[v].Name, Backlog: Backlog(in, a.service[v]), Utilisation: quo(a.rate(v), own.Rate())}
		if a.blind && len(a.at[v]) > 1 {
			b.Delay = BusyPeriod(in, a.service[v])
		} else {
			b.Delay = Delay(in, own) // in order of arrival a packetizer adds no delay
		}
		bounds[v] = b
		for _, f := range a.at[v] {
			next[f] = next[f].Delayed(b.Delay)
		}
	}
	return bounds
}

// overLines returns the curve of all flows at a server from those of the single flows:
// flows of one line together bring at most C*t + l, with the line's capacity C and the
// longest packet l if packets come whole.
func (a *analyst) overLines(server int, single []Arrival) Arrival {
	sum := NoArrival()
	for _, line := range a.lines(server, a.at[server]) {
		group := NoArrival()
		for _, f := range line.flows {
			group = group.Add(single[f])
		}
		if line.from >= 0 && a.Servers[line.from].Capacity != nil {
			group = group.Min(a.line(line.from, line.flows))
		}
		sum = sum.Add(group)
	}
	return sum
}

func (a *analyst) line(server int, flows []int) Arrival {
	packet := zero
	if a.Packetizer {
		packet = a.longest(flows)
	}
	return Arrival{[]line{{packet, a.Servers[server].Capacity}}}
}

// A lineGroup is a set of flows that come to a server from the same one, or, with from
// -1, begin there.
type lineGroup struct {
	from  int
	flows []int
}

// lines groups flows by the line over which they come to a server.
func (a *analyst) lines(server int, flows []int) []lineGroup {
	var groups []lineGroup
	for _, f := range flows {
		from := a.before(f, server)
		i := slices.IndexFunc(groups, func(g lineGroup) bool { return g.from == from })
		if i < 0 {
			i = len(groups)
			groups = append(groups, lineGroup{from: from})
		}
		groups[i].flows = append(groups[i].flows, f)
	}
	return groups
}

// bound bounds the given flows together where they come to the server. Upstream, the flow
// absent (or none) is taken not to be there as long as it goes the same way.
func (a *analyst) bound(server int, flows []int, absent int) Arrival {
	if len(flows) == 0 {
		return NoArrival()
	}
	key := binary.AppendVarint(nil, int64(server))
	key = binary.AppendVarint(key, int64(absent))
	for _, f := range flows {
		key = binary.AppendVarint(key, int64(f))
	}
	if known, ok := a.known[string(key)]; ok {
		return known
	}
	sum := NoArrival()
	for _, line := range a.lines(server, flows) {
		if line.from >= 0 {
			sum = sum.Add(a.behind(line.from, server, line.flows, absent))
			continue
		}
		for _, f := range line.flows {
			sum = sum.Add(a.Flows[f].Arrival)
		}
	}
	a.known[string(key)] = sum
	return sum
}

// behind bounds the given flows together on the line from one server to the next. It takes
// off what the other flows leave them. Where they already came to that server together,
// that is the same as to take off the convolution of what they get on the whole stretch
// (Le Boudec and Thiran), which is how they pay others' bursts once.
func (a *analyst) behind(from, to int, flows []int, absent int) Arrival {
	if absent >= 0 && !a.follows(absent, from, to) {
		absent = none
	}
	left := a.leftOver(from, without(a.at[from], flows, absent), absent)
	return Output(a.bound(from, flows, absent), left)
}

// without returns the flows of all that are neither among some nor absent.
func without(all, some []int, absent int) []int {
	var rest []int
	for _, f := range all {
		if f != absent && !slices.Contains(some, f) {
			rest = append(rest, f)
		}
	}
	return rest
}

// leftOver returns what a server leaves beside the given cross flows.
func (a *analyst) leftOver(server int, cross []int, absent int) Service {
	arrival := a.bound(server, cross, absent)
	if a.blind {
		return LeftOverBlind(a.service[server], arrival)
	}
	return LeftOverFIFO(a.service[server], arrival)
}

// separate returns the service of a flow on its path, server by server.
func (a *analyst) separate(flow int, absent bool) Service {
	who := none
	if absent {
		who = flow
	}
	var service Service
	for i, v := range a.path[flow] {
		left := a.leftOver(v, without(a.at[v], nil, flow), who)
		if i == 0 {
			service = left
		} else {
			service = service.Then(left)
		}
	}
	return service
}

// maxCombinations bounds the work of PMOO for one flow.
const maxCombinations = 1 << 14

// once returns the service of a flow on its path with every cross flow's burst counted
// once for each stretch that it shares with the flow (Schmitt, Zdarsky and Fidler, 2008).
// For rate-latency servers k and token buckets x it is the rate-latency curve with
//
//	R = min over k of R_k - (the rates at k)
//	T = sum over k of T_k + (sum over x of b_x + sum over k of T_k*(the rates at k)) / R.
//
// All combinations of the pieces of the curves hold at once, between the same two
// moments, so that the service is their maximum.
func (a *analyst) once(flow int) (Service, error) {
	type stretch struct{ first, last int } // positions on the path
	var stretches []stretch
	var groups [][]int
	path := a.path[flow]
	for f := range a.Flows {
		for first := 0; first < len(path) && f != flow; first++ {
			if a.place[f][path[first]] < 0 {
				continue
			}
			last := first
			for last+1 < len(path) && a.follows(f, path[last], path[last+1]) {
				last++
			}
			i := slices.Index(stretches, stretch{first, last})
			if i < 0 {
				i = len(stretches)
				stretches, groups = append(stretches, stretch{first, last}), append(groups, nil)
			}
			groups[i] = append(groups[i], f)
			first = last
		}
	}

	combinations := 1
	cross := make([]Arrival, len(groups))
	choice := make([]int, len(path)+len(groups)) // of a piece for each server, then of a bucket for each group
	limit := make([]int, len(choice))
	for k, v := range path {
		limit[k] = len(a.service[v].pieces)
	}
	for x, flows := range groups {
		cross[x] = a.bound(path[stretches[x].first], flows, none)
		limit[len(path)+x] = len(cross[x].lines)
	}
	for _, n := range limit {
		if n == 0 {
			return Service{}, nil // a cross flow without bound leaves nothing
		}
		if combinations *= n; combinations > maxCombinations {
			return Service{}, fmt.Errorf("calculus: PMOO for flow %q has more than %d combinations of pieces of curves; use fewer pieces, or %s", a.Flows[flow].Name, maxCombinations, SFA)
		}
	}

	var pieces []RateLatency
	for range combinations {
		var rate *big.Rat
		latency, bursts := zero, zero
		for k, v := range path {
			p := a.service[v].pieces[choice[k]]
			rates := zero
			for x, s := range stretches {
				if s.first <= k && k <= s.last {
					rates = add(rates, cross[x].lines[choice[len(path)+x]].slope)
				}
			}
			if left := sub(p.Rate, rates); rate == nil || left.Cmp(rate) < 0 {
				rate = left
			}
			latency = add(latency, p.Latency)
			bursts = add(bursts, mul(p.Latency, rates))
		}
		for x := range groups {
			bursts = add(bursts, cross[x].lines[choice[len(path)+x]].at)
		}
		if rate.Sign() > 0 {
			pieces = append(pieces, RateLatency{rate, add(latency, quo(bursts, rate))})
		}
		for i := range choice { // the next combination, as an odometer
			if choice[i]++; choice[i] < limit[i] {
				break
			}
			choice[i] = 0
		}
	}
	return newService(pieces), nil
}
