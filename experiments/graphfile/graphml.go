package graphfile

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// readGraphML reads g.text as a GraphML document with one graph.
func readGraphML(g *graph) {
	p := &graphmlParser{graph: g, decoder: xml.NewDecoder(strings.NewReader(g.text)), byID: make(map[string]int)}
	p.decoder.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("the encoding %q is not supported: save the file as UTF-8", charset)
	}
	if err := p.document(); err != nil {
		g.stop = true
		var syntax *xml.SyntaxError
		switch {
		case errors.Is(err, errStopped):
		case errors.As(err, &syntax):
			g.add(p.offset(), "XML: %s", syntax.Msg)
		case errors.Is(err, io.EOF):
			g.add(len(g.text), "the file has no <graphml> element")
		default:
			g.add(p.offset(), "%v", err)
		}
	}
	if !g.stop {
		p.resolve()
	}
}

// errStopped ends the reading after an error that was reported.
var errStopped = errors.New("stopped")

type graphmlParser struct {
	*graph
	decoder    *xml.Decoder
	keys       []graphmlKey
	graphs     int
	byID       map[string]int // nodes
	labels     []string       // of the nodes, perhaps empty
	edges      []graphmlEdge
	isDirected bool // was reported
}

// graphmlKey declares an attribute.
type graphmlKey struct {
	id, domain, name string
	value            string // the default
	hasDefault       bool
	offset           int
}

type graphmlEdge struct {
	source, target string
	data           []attribute // by attr.name
	offset         int
}

// offset returns where the decoder is.
func (p *graphmlParser) offset() int { return min(int(p.decoder.InputOffset()), len(p.text)) }

// next returns the next token that matters and its offset.
func (p *graphmlParser) next() (xml.Token, int, error) {
	for {
		at := p.offset()
		t, err := p.decoder.Token()
		if err != nil {
			return nil, at, err
		}
		switch t := t.(type) {
		case xml.Directive:
			if strings.Contains(string(t), "<!ENTITY") || strings.HasPrefix(string(t), "ENTITY") {
				p.add(at, "the document declares entities, which are not expanded here: write the text itself")
				return nil, at, errStopped
			}
		case xml.StartElement, xml.EndElement, xml.CharData:
			return t, at, nil
		}
	}
}

// document: <graphml> with keys and one graph.
func (p *graphmlParser) document() error {
	for {
		t, at, err := p.next()
		if err != nil {
			return err
		}
		start, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		if start.Name.Local != "graphml" {
			p.add(at, "a GraphML file has the element <graphml> at its top, not <%s>", start.Name.Local)
			return errStopped
		}
		p.start = at
		break
	}
	err := p.children(func(e xml.StartElement, at int) error {
		switch e.Name.Local {
		case "key":
			return p.key(e, at)
		case "graph":
			p.graphs++
			if p.graphs > 1 {
				p.add(at, "a second graph: a file has one")
				return p.decoder.Skip()
			}
			return p.graphElement(e, at)
		}
		return p.decoder.Skip()
	})
	if err != nil {
		return err
	}
	if p.graphs == 0 {
		p.add(p.start, "the file has no <graph> element")
		return errStopped
	}
	for { // the rest of the document must be XML, too
		if _, _, err := p.next(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// children calls f with each child of the present element. f reads it to its end.
func (p *graphmlParser) children(f func(e xml.StartElement, at int) error) error {
	for {
		t, at, err := p.next()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if err := f(t, at); err != nil {
				return err
			}
			if p.stop {
				return errStopped
			}
		case xml.EndElement:
			return nil
		}
	}
}

// textOf returns the text of the present element, without that of its children.
func (p *graphmlParser) textOf() (string, error) {
	var b strings.Builder
	for {
		t, _, err := p.next()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if err := p.decoder.Skip(); err != nil {
				return "", err
			}
		case xml.CharData:
			b.Write(t)
		case xml.EndElement:
			return strings.TrimSpace(b.String()), nil
		}
	}
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

func (p *graphmlParser) key(e xml.StartElement, at int) error {
	k := graphmlKey{id: attr(e, "id"), domain: attr(e, "for"), name: attr(e, "attr.name"), offset: at}
	if k.id == "" {
		p.add(at, "the <key> has no id")
	}
	if k.domain == "edge" || k.domain == "all" {
		p.known(k.name, linkAttributes, at)
	}
	if k.domain == "node" || k.domain == "all" {
		p.known(k.name, []string{"kind"}, at)
	}
	err := p.children(func(e xml.StartElement, at int) (err error) {
		if e.Name.Local != "default" {
			return p.decoder.Skip()
		}
		k.hasDefault = true
		k.value, err = p.textOf()
		return err
	})
	if other := p.findKey(k.id); other != nil {
		p.add(at, "a <key> with id %q is already in line %d", k.id, p.line(other.offset))
		return err
	}
	if len(p.keys) == maxKeys {
		p.add(at, "more than %d keys", maxKeys)
		return errStopped
	}
	p.keys = append(p.keys, k)
	return err
}

// maxKeys bounds the declared attributes, among which those of a node are searched
// one by one.
const maxKeys = 200

func (p *graphmlParser) findKey(id string) *graphmlKey {
	for i := range p.keys {
		if p.keys[i].id == id {
			return &p.keys[i]
		}
	}
	return nil
}

func (p *graphmlParser) graphElement(e xml.StartElement, at int) error {
	p.start = at
	if attr(e, "edgedefault") == "directed" {
		p.add(at, "the graph is directed, but links here carry packets both ways: write edgedefault=\"undirected\" and keep one edge for each link")
		p.isDirected = true
	}
	return p.children(func(e xml.StartElement, at int) error {
		switch e.Name.Local {
		case "node":
			return p.node(e, at)
		case "edge":
			return p.edge(e, at)
		case "hyperedge":
			p.add(at, "hyperedges are not supported: a link joins two nodes")
		}
		return p.decoder.Skip()
	})
}

// data reads the <data> children of a node or edge, over the defaults of the keys,
// and calls f with each.
func (p *graphmlParser) data(domain string, offset int, f func(attribute)) error {
	for _, k := range p.keys {
		if k.hasDefault && (k.domain == domain || k.domain == "all") {
			f(attribute{k.name, k.value, k.offset})
		}
	}
	return p.children(func(e xml.StartElement, at int) error {
		switch e.Name.Local {
		case "data":
		case "graph":
			p.add(at, "a graph within a node is not supported")
			return p.decoder.Skip()
		default:
			return p.decoder.Skip()
		}
		value, err := p.textOf()
		if err != nil {
			return err
		}
		k := p.findKey(attr(e, "key"))
		switch {
		case k == nil:
			p.add(at, "no <key> with id %q is declared above", attr(e, "key"))
		case k.domain != "" && k.domain != domain && k.domain != "all":
			p.add(at, "key %q is declared for %q, not for %q", k.id, k.domain, domain)
		default:
			f(attribute{k.name, value, at})
		}
		return nil
	})
}

func (p *graphmlParser) node(e xml.StartElement, at int) error {
	id := attr(e, "id")
	if id == "" {
		p.add(at, "the node has no id")
		return p.decoder.Skip()
	}
	if other, ok := p.byID[id]; ok {
		p.add(at, "a node with id %q is already in line %d", id, p.line(p.nodes[other].offset))
		return p.decoder.Skip()
	}
	n := p.addNode(node{name: id, offset: at})
	if p.stop {
		return errStopped
	}
	p.byID[id] = n
	p.labels = append(p.labels, "")
	return p.data("node", at, func(a attribute) {
		switch a.name {
		case "label":
			p.labels[n] = a.value
		case "kind":
			p.setKind(n, a.value, a.offset)
		}
	})
}

func (p *graphmlParser) edge(e xml.StartElement, at int) error {
	edge := graphmlEdge{source: attr(e, "source"), target: attr(e, "target"), offset: at}
	if d := attr(e, "directed"); d == "true" && !p.isDirected {
		p.add(at, "the edge is directed, but links here carry packets both ways")
	}
	if edge.source == "" || edge.target == "" {
		p.add(at, "the edge needs both source and target")
		return p.decoder.Skip()
	}
	if len(p.edges) == MaxLinks {
		p.add(at, "more than %d links", MaxLinks)
		return errStopped
	}
	err := p.data("edge", at, func(a attribute) {
		switch a.name {
		case "rate", "delay", "jitter", "loss", "buffer", "LinkSpeedRaw", "LinkSpeed", "LinkSpeedUnits":
			edge.data = append(edge.data, a)
		}
	})
	p.edges = append(p.edges, edge)
	return err
}

// resolve names the nodes, and joins them by the edges.
func (p *graphmlParser) resolve() {
	count := make(map[string]int)
	for _, l := range p.labels {
		count[l]++
	}
	ids := make([]string, len(p.nodes))
	for i := range p.nodes {
		n := &p.nodes[i]
		ids[i] = n.name
		if l := p.labels[i]; l != "" {
			n.name = l
			if count[l] > 1 {
				n.name = fmt.Sprintf("%s (%s)", l, ids[i])
			}
		}
	}
	for _, e := range p.edges {
		a, okA := p.byID[e.source]
		b, okB := p.byID[e.target]
		for _, end := range [...]struct {
			ok bool
			id string
		}{{okA, e.source}, {okB, e.target}} {
			if !end.ok {
				p.add(e.offset, "the edge ends in %q, but no node has that id", end.id)
			}
		}
		if okA && okB {
			p.addLink(link{a: a, b: b, offset: e.offset, attributes: linkData(e.data)})
		}
	}
}

// linkData turns the speeds of the Topology Zoo into rates that any rate of the
// file's own goes before.
func linkData(data []attribute) []attribute {
	var attributes []attribute
	var raw, speed, units attribute
	for _, a := range data {
		switch a.name {
		case "LinkSpeedRaw":
			raw = a
		case "LinkSpeed":
			speed = a
		case "LinkSpeedUnits":
			units = a
		default:
			attributes = append(attributes, a)
		}
	}
	rate := attribute{name: "rate"}
	switch {
	case raw.value != "":
		rate.value, rate.offset = raw.value+"bps", raw.offset
	case speed.value != "" && units.value != "":
		rate.value, rate.offset = speed.value+units.value+"bps", speed.offset
	default:
		return attributes
	}
	return append([]attribute{rate}, attributes...)
}
