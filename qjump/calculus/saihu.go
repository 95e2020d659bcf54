package calculus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Saihu is a network as Saihu (Tsai, Tabatabaee, Plassart and Le Boudec: a common
// interface of worst-case delay tools) describes it in its output-port JSON, with the wishes for
// the analysis that the file expresses. Units are seconds, bits and bits per second.
type Saihu struct {
	Network      Network
	Multiplexing Multiplexing
	// Options is the file's analysis_option. IS asks for input shaping; CEIL, MOH and
	// TDMI steer another tool's precision, and are kept.
	Options []string
}

// Shaping tells whether the file asks for input shaping: [TFAShaped] instead of [TFA].
func (s Saihu) Shaping() bool { return slices.Contains(s.Options, "IS") }

var saihuOptions = []string{"IS", "CEIL", "MOH", "TDMI"}

// ReadSaihu reads an output-port network. A number without a unit is in the unit of its
// flow or server, else in that of the network, else in seconds, bits or bits per
// second. A multicast flow becomes one flow for every branch, the further ones named
// flow/branch (see [Flow] and [Network.WithoutBranches]). The error joins all errors of
// the file, each with its position, as name:line:column, its path in the document, and
// what is expected. Cycles and overload are left to [Network.Check].
func ReadSaihu(name string, text []byte) (Saihu, error) {
	r := &saihuReader{name: name, text: text}
	r.decoder = json.NewDecoder(bytes.NewReader(text))
	r.decoder.UseNumber()
	root, err := r.node(0)
	if err == nil {
		if _, more := r.decoder.Token(); more != io.EOF {
			err = errors.New("the document goes on behind its end")
		}
	}
	if err != nil {
		r.fail(node{offset: int(r.decoder.InputOffset())}, "not a JSON document: %v", err)
		return Saihu{}, errors.Join(r.errors...)
	}
	s := r.document(root)
	if r.errors != nil {
		return Saihu{}, errors.Join(r.errors...)
	}
	return s, nil
}

// A node is a JSON value, with its place in the text and its path.
type node struct {
	offset int
	path   string
	scalar any // string, json.Number, bool or nil
	list   []node
	fields map[string]node // nil unless it is an object
	keys   []string        // of fields, in the order of the text
	isList bool
}

type saihuReader struct {
	name    string
	text    []byte
	decoder *json.Decoder
	errors  []error
}

// fail notes an error at the node.
func (r *saihuReader) fail(n node, format string, args ...any) {
	before := r.text[:min(n.offset, len(r.text))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	where := ""
	if n.path != "" {
		where = n.path + ": "
	}
	r.errors = append(r.errors, fmt.Errorf("%s:%d:%d: %s%s", r.name, line, column, where, fmt.Sprintf(format, args...)))
}

// node reads the next value.
func (r *saihuReader) node(depth int) (node, error) {
	n := node{offset: int(r.decoder.InputOffset())}
	for n.offset < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[n.offset]) >= 0 {
		n.offset++
	}
	if depth > 16 {
		return n, errors.New("it is nested too deeply")
	}
	token, err := r.decoder.Token()
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return n, err
	}
	switch token {
	case json.Delim('['):
		n.isList = true
		for r.decoder.More() {
			item, err := r.node(depth + 1)
			if err != nil {
				return n, err
			}
			n.list = append(n.list, item)
		}
	case json.Delim('{'):
		n.fields = map[string]node{}
		for r.decoder.More() {
			key, err := r.node(depth + 1)
			if err != nil {
				return n, err
			}
			value, err := r.node(depth + 1)
			if err != nil {
				return n, err
			}
			word := key.scalar.(string) // the decoder lets nothing else through
			if _, twice := n.fields[word]; twice {
				r.fail(key, "%q is given twice: keep one", word)
			}
			n.fields[word] = value
			n.keys = append(n.keys, word)
		}
	default:
		n.scalar = token
		return n, nil
	}
	if _, err = r.decoder.Token(); err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// get returns a field. Reading fields this way gives nodes their paths.
func (n node) get(key string) (node, bool) {
	f, ok := n.fields[key]
	f.path = strings.TrimPrefix(n.path+"."+key, ".")
	return f, ok
}

// item returns an item of a list.
func (n node) item(i int) node {
	f := n.list[i]
	f.path = fmt.Sprintf("%s[%d]", n.path, i)
	return f
}

// object checks that the node is an object with some of the given keys.
func (r *saihuReader) object(n node, keys ...string) bool {
	if n.fields == nil {
		r.fail(n, "an object with %s is expected", strings.Join(keys, ", "))
		return false
	}
	for _, k := range n.keys {
		if !slices.Contains(keys, k) {
			f, _ := n.get(k)
			r.fail(f, "unknown: the keys here are %s", strings.Join(keys, ", "))
		}
	}
	return true
}

// list checks that the field is a list that is not empty.
func (r *saihuReader) list(n node, key string) (node, bool) {
	f, ok := n.get(key)
	if !ok || !f.isList || len(f.list) == 0 {
		if !ok {
			f.offset = n.offset
		}
		r.fail(f, "a list with at least one item is expected")
		return f, false
	}
	return f, true
}

// word returns a string that is not empty.
func (r *saihuReader) word(n node, key string) string {
	f, ok := n.get(key)
	if s, is := f.scalar.(string); ok && is && s != "" {
		return s
	}
	if !ok {
		f.offset = n.offset
	}
	r.fail(f, "a name in quotes is expected")
	return ""
}

// units are the names of the units of bare numbers.
type units struct{ time, data, rate string }

// units returns those of an object, with those around it as default.
func (r *saihuReader) units(n node, around units) units {
	for _, u := range []struct {
		key  string
		unit *string
		kind unitKind
	}{{"time_unit", &around.time, timeUnit}, {"data_unit", &around.data, dataUnit}, {"rate_unit", &around.rate, rateUnit}} {
		f, given := n.get(u.key)
		if !given {
			continue
		}
		s, _ := f.scalar.(string)
		if u.kind.factor(s) == nil {
			r.fail(f, "no unit of %s: use one such as %s", u.kind.name, u.kind.example)
			continue
		}
		*u.unit = s
	}
	return around
}

// A unitKind is a kind of quantity: how its units are written, and what they are worth.
type unitKind struct {
	name, example string
	form          *regexp.Regexp
	base          map[string]*big.Rat
}

var (
	second   = map[string]*big.Rat{"s": big.NewRat(1, 1), "m": big.NewRat(60, 1), "h": big.NewRat(3600, 1)}
	bit      = map[string]*big.Rat{"b": big.NewRat(1, 1), "B": big.NewRat(8, 1)}
	timeUnit = unitKind{"time", "s, ms or us", regexp.MustCompile(`^([afpnumkMGTPE]?)([smh])$`), second}
	dataUnit = unitKind{"data", "b, B or kB", regexp.MustCompile(`^([kMGTPE]?)([bB])$`), bit}
	rateUnit = unitKind{"rate", "bps, Mbps or Gbps", regexp.MustCompile(`^([afpnumkMGTPE]?)([bB]p[smh])$`), perTime()}
	prefixes = "afpnum kMGTPE" // powers of 1000, from -6
	number   = regexp.MustCompile(`^([0-9]{1,300}(?:\.[0-9]{0,300})?(?:[eE][+-]?[0-9]{1,2})?) *([A-Za-z]*)$`)
)

// maxDigits is the length of the longest number that is written, and read in one piece.
const maxDigits = 300

func perTime() map[string]*big.Rat {
	rates := map[string]*big.Rat{}
	for _, d := range []string{"b", "B"} {
		for _, s := range []string{"s", "m", "h"} {
			rates[d+"p"+s] = quo(bit[d], second[s])
		}
	}
	return rates
}

// factor returns what the unit is in seconds, bits or bits per second, or nil.
func (k unitKind) factor(unit string) *big.Rat {
	part := k.form.FindStringSubmatch(unit)
	if part == nil {
		return nil
	}
	power := 0
	if part[1] != "" {
		power = strings.Index(prefixes, part[1]) - 6
	}
	f := k.base[part[2]]
	for ; power > 0; power-- {
		f = mul(f, big.NewRat(1000, 1))
	}
	for ; power < 0; power++ {
		f = mul(f, big.NewRat(1, 1000))
	}
	return f
}

// quantity reads a number in the given unit, or a string of a number and a unit.
func (r *saihuReader) quantity(n node, kind unitKind, unit string) *big.Rat {
	text := ""
	switch v := n.scalar.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	}
	part := number.FindStringSubmatch(text)
	if part == nil {
		hint := ""
		if strings.HasPrefix(text, "-") {
			hint = "; it must not be negative"
		}
		r.fail(n, "a number, or a number with a unit of %s such as %s in quotes, is expected%s", kind.name, kind.example, hint)
		return nil
	}
	if part[2] != "" {
		unit = part[2]
	}
	factor := kind.factor(unit)
	if factor == nil {
		r.fail(n, "%q is no unit of %s: use one such as %s", unit, kind.name, kind.example)
		return nil
	}
	value, _ := new(big.Rat).SetString(part[1]) // the pattern lets nothing else through
	return mul(value, factor)
}

// either returns the field of the object, or else that of the network.
func either(n, network node, key string) (node, bool) {
	if f, ok := n.get(key); ok {
		return f, true
	}
	return network.get(key)
}

func (r *saihuReader) document(root node) Saihu {
	s := Saihu{Multiplexing: FIFO}
	if !r.object(root, "network", "flows", "servers") {
		return s
	}
	network, _ := root.get("network")
	if !r.object(network, "name", "packetizer", "multiplexing", "analysis_option", "time_unit", "data_unit", "rate_unit",
		"min_packet_length", "max_packet_length", "arrival_curve", "service_curve", "capacity") {
		return s
	}
	s.Network.Name = r.word(network, "name")
	if f, given := network.get("packetizer"); given {
		on, ok := f.scalar.(bool)
		if s.Network.Packetizer = on; !ok {
			r.fail(f, "true or false is expected")
		}
	}
	if f, given := network.get("multiplexing"); given {
		switch f.scalar {
		case "FIFO":
		case "ARBITRARY":
			s.Multiplexing = Blind
		default:
			r.fail(f, `"FIFO" or "ARBITRARY" is expected`)
		}
	}
	if f, given := network.get("analysis_option"); given {
		if !f.isList {
			r.fail(f, "a list is expected")
		}
		for i := range f.list {
			option, _ := f.item(i).scalar.(string)
			if !slices.Contains(saihuOptions, option) {
				r.fail(f.item(i), "the options are %s", strings.Join(saihuOptions, ", "))
			}
			s.Options = append(s.Options, option)
		}
	}
	around := r.units(network, units{"s", "b", "bps"})

	names := map[string]bool{}
	if servers, ok := r.list(root, "servers"); ok {
		for i := range servers.list {
			v := r.server(servers.item(i), network, around)
			if names[v.Name] && v.Name != "" {
				r.fail(servers.item(i), "the name %q is used twice", v.Name)
			}
			names[v.Name] = true
			s.Network.Servers = append(s.Network.Servers, v)
		}
	}
	taken := map[string]bool{}
	if flows, ok := r.list(root, "flows"); ok {
		for i := range flows.list {
			for _, f := range r.flow(flows.item(i), network, around, names) {
				if taken[f.Name] && f.Name != "" {
					r.fail(flows.item(i), "the name %q is used twice", f.Name)
				}
				taken[f.Name] = true
				s.Network.Flows = append(s.Network.Flows, f)
			}
		}
	}
	return s
}

func (r *saihuReader) server(n, network node, around units) Server {
	var v Server
	if !r.object(n, "name", "service_curve", "capacity", "time_unit", "data_unit", "rate_unit") {
		return v
	}
	u := r.units(n, around)
	v.Name = r.word(n, "name")
	rates, latencies := r.curve(n, network, "service_curve", "latencies", timeUnit, u.time, u.rate)
	var pieces []RateLatency
	for i := range rates {
		pieces = append(pieces, RateLatency{rates[i], latencies[i]})
	}
	if pieces != nil {
		var err error
		if v.Service, err = NewService(pieces...); err != nil {
			r.fail(n, "%v", err)
		}
	}
	if f, given := either(n, network, "capacity"); given {
		v.Capacity = r.quantity(f, rateUnit, u.rate)
		if v.Capacity != nil && v.Capacity.Sign() == 0 {
			r.fail(f, "a line's capacity must be positive; leave it out if it is not known")
		}
	}
	return v
}

// curve reads the two lists of a curve: rates, and bursts or latencies. It returns nil
// and notes an error if something is wrong.
func (r *saihuReader) curve(n, network node, key, offsets string, kind unitKind, unit, rate string) (rates, others []*big.Rat) {
	f, given := either(n, network, key)
	if !given {
		r.fail(n, "%s is missing: give it here, or for all in network", key)
		return nil, nil
	}
	if !r.object(f, offsets, "rates") {
		return nil, nil
	}
	a, ok1 := r.list(f, offsets)
	b, ok2 := r.list(f, "rates")
	if !ok1 || !ok2 {
		return nil, nil
	}
	if len(a.list) != len(b.list) {
		r.fail(f, "%d %s and %d rates: there must be one rate for each", len(a.list), offsets, len(b.list))
		return nil, nil
	}
	for i := range a.list {
		x, y := r.quantity(a.item(i), kind, unit), r.quantity(b.item(i), rateUnit, rate)
		if x == nil || y == nil {
			return nil, nil
		}
		others, rates = append(others, x), append(rates, y)
	}
	return rates, others
}

// flow reads a flow and its further branches.
func (r *saihuReader) flow(n, network node, around units, servers map[string]bool) []Flow {
	if !r.object(n, "name", "path", "path_name", "multicast", "arrival_curve", "max_packet_length", "min_packet_length", "time_unit", "data_unit", "rate_unit") {
		return nil
	}
	u := r.units(n, around)
	f := Flow{Name: r.word(n, "name"), Path: r.path(n, servers)}
	rates, bursts := r.curve(n, network, "arrival_curve", "bursts", dataUnit, u.data, u.rate)
	var buckets []Bucket
	for i := range rates {
		buckets = append(buckets, Bucket{rates[i], bursts[i]})
	}
	if buckets != nil {
		f.Arrival, _ = NewArrival(buckets...) // quantities are not negative
	}
	if length, given := either(n, network, "max_packet_length"); given {
		f.MaxPacket = r.quantity(length, dataUnit, u.data)
	}
	if length, given := either(n, network, "min_packet_length"); given {
		f.MinPacket = r.quantity(length, dataUnit, u.data)
	}
	flows := []Flow{f}
	branches, given := n.get("multicast")
	if given && !branches.isList {
		r.fail(branches, "a list of branches, each with name and path, is expected")
	}
	for i := range branches.list {
		b := branches.item(i)
		if !r.object(b, "name", "path") {
			continue
		}
		branch := f
		branch.Name, branch.BranchOf = f.Name+"/"+r.word(b, "name"), f.Name
		branch.Path = r.path(b, servers)
		flows = append(flows, branch)
	}
	return flows
}

// path reads the names of servers.
func (r *saihuReader) path(n node, servers map[string]bool) []string {
	list, ok := r.list(n, "path")
	if !ok {
		return nil
	}
	var path []string
	for i := range list.list {
		name, _ := list.item(i).scalar.(string)
		switch {
		case !servers[name]:
			r.fail(list.item(i), "%q is no server: a path has names of servers", name)
		case slices.Contains(path, name):
			r.fail(list.item(i), "server %q is on the path twice: %v", name, ErrCyclic)
		}
		path = append(path, name)
	}
	return path
}

// Write returns the network in Saihu's format, in seconds, bits and bits per second:
// [ReadSaihu] reads the same network from it. It returns an error if a number has no
// decimal form, as a third has none. A branch is written with the path of its own and the rest
// of its flow.
func (s Saihu) Write() ([]byte, error) {
	type info struct {
		Name         string   `json:"name"`
		Packetizer   bool     `json:"packetizer"`
		Multiplexing string   `json:"multiplexing"`
		Options      []string `json:"analysis_option,omitempty"`
		Time         string   `json:"time_unit"`
		Data         string   `json:"data_unit"`
		Rate         string   `json:"rate_unit"`
	}
	type arrival struct {
		Bursts []json.Number `json:"bursts"`
		Rates  []json.Number `json:"rates"`
	}
	type service struct {
		Latencies []json.Number `json:"latencies"`
		Rates     []json.Number `json:"rates"`
	}
	type branch struct {
		Name string   `json:"name"`
		Path []string `json:"path"`
	}
	type flow struct {
		Name    string      `json:"name"`
		Path    []string    `json:"path"`
		Further []branch    `json:"multicast,omitempty"`
		Arrival arrival     `json:"arrival_curve"`
		Max     json.Number `json:"max_packet_length,omitempty"`
		Min     json.Number `json:"min_packet_length,omitempty"`
	}
	type server struct {
		Name     string      `json:"name"`
		Service  service     `json:"service_curve"`
		Capacity json.Number `json:"capacity,omitempty"`
	}
	document := struct {
		Network info     `json:"network"`
		Flows   []flow   `json:"flows"`
		Servers []server `json:"servers"`
	}{Network: info{s.Network.Name, s.Network.Packetizer, "FIFO", s.Options, "s", "b", "bps"}}
	if s.Multiplexing == Blind {
		document.Network.Multiplexing = "ARBITRARY"
	}

	var bad []error
	decimal := func(who string, v *big.Rat) json.Number {
		if v == nil {
			return ""
		}
		digits, exact := v.FloatPrec()
		text := v.FloatString(digits)
		if !exact || len(text) > maxDigits {
			bad = append(bad, fmt.Errorf("calculus: %s: %s has no decimal form of at most %d digits; choose other units", who, v.RatString(), maxDigits))
		}
		return json.Number(text)
	}
	position := map[string]int{}
	for _, f := range s.Network.Flows {
		if root, isBranch := position[f.BranchOf]; isBranch && f.BranchOf != "" {
			document.Flows[root].Further = append(document.Flows[root].Further, branch{strings.TrimPrefix(f.Name, f.BranchOf+"/"), f.Path})
			continue
		}
		position[f.Name] = len(document.Flows)
		out := flow{Name: f.Name, Path: f.Path, Max: decimal("flow "+f.Name, f.MaxPacket), Min: decimal("flow "+f.Name, f.MinPacket)}
		for _, b := range f.Arrival.Buckets() {
			out.Arrival.Bursts = append(out.Arrival.Bursts, decimal("flow "+f.Name, b.Burst))
			out.Arrival.Rates = append(out.Arrival.Rates, decimal("flow "+f.Name, b.Rate))
		}
		document.Flows = append(document.Flows, out)
	}
	for _, v := range s.Network.Servers {
		out := server{Name: v.Name, Capacity: decimal("server "+v.Name, v.Capacity)}
		for _, p := range v.Service.Pieces() {
			out.Service.Latencies = append(out.Service.Latencies, decimal("server "+v.Name, p.Latency))
			out.Service.Rates = append(out.Service.Rates, decimal("server "+v.Name, p.Rate))
		}
		document.Servers = append(document.Servers, out)
	}
	if bad != nil {
		return nil, errors.Join(bad...)
	}
	text, err := json.MarshalIndent(document, "", "    ")
	return append(text, '\n'), err
}
