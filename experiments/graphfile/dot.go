package graphfile

import (
	"slices"
	"strconv"
	"strings"
)

// maxDepth bounds how deep subgraphs nest.
const maxDepth = 100

// readDOT reads g.text as one graph in the DOT language.
func readDOT(g *graph) {
	p := &dotParser{graph: g, byName: make(map[string]int)}
	p.next()
	p.file()
	g.stop = g.stop || p.failed
}

// tokenKind is a kind of token; punctuation is its first character.
type tokenKind rune

const (
	endOfFile  tokenKind = -1 - iota
	identifier           // a name, number, or string
	keyword              // in lower case: graph, digraph, subgraph, strict, node, edge
	edgeOp               // --
	arcOp                // ->
)

type token struct {
	kind   tokenKind
	text   string
	offset int
}

// dotParser is a recursive-descent parser with one token of lookahead.
type dotParser struct {
	*graph
	at       int // offset of what follows token
	token    token
	failed   bool // a syntax error: the rest is not read
	directed bool // a digraph was reported, and so need not each of its arcs be
	byName   map[string]int
}

// scope has the default attributes of a graph or subgraph, and the nodes that it
// mentions. A subgraph starts with a copy of what is around it.
type scope struct {
	kind  attribute // of new nodes, if its name is not empty
	edges []attribute
	nodes []int
}

func (p *dotParser) fail(offset int, format string, args ...any) {
	if !p.failed {
		p.add(offset, format, args...)
	}
	p.failed = true
	p.token = token{kind: endOfFile, offset: len(p.text)}
}

// next reads the next token; after a syntax error it is the end of the file.
func (p *dotParser) next() {
	if p.failed || p.stop {
		p.token = token{kind: endOfFile, offset: len(p.text)}
		return
	}
	p.skipBlanks()
	if p.failed {
		return
	}
	start := p.at
	rest := p.text[start:]
	switch {
	case rest == "":
		p.token = token{kind: endOfFile, offset: start}
	case rest[0] == '"':
		p.quoted(start)
	case rest[0] == '<':
		p.html(start)
	case strings.HasPrefix(rest, "--"):
		p.punctuation(edgeOp, 2)
	case strings.HasPrefix(rest, "->"):
		p.punctuation(arcOp, 2)
	case strings.IndexByte("{}[]=;,:+", rest[0]) >= 0:
		p.punctuation(tokenKind(rest[0]), 1)
	default:
		p.word(start)
	}
}

func (p *dotParser) punctuation(kind tokenKind, length int) {
	p.token = token{kind, p.text[p.at : p.at+length], p.at}
	p.at += length
}

// skipBlanks passes over white space, comments, and lines that begin with #, which
// a preprocessor leaves.
func (p *dotParser) skipBlanks() {
	for p.at < len(p.text) {
		rest := p.text[p.at:]
		switch {
		case strings.IndexByte(" \t\r\n\f\v", rest[0]) >= 0:
			p.at++
		case strings.HasPrefix(rest, "//"), rest[0] == '#' && (p.at == 0 || p.text[p.at-1] == '\n'):
			length := strings.IndexByte(rest, '\n')
			if length < 0 {
				length = len(rest)
			}
			p.at += length
		case strings.HasPrefix(rest, "/*"):
			length := strings.Index(rest[2:], "*/")
			if length < 0 {
				p.fail(p.at, "the comment is not closed: */ is missing")
				return
			}
			p.at += 2 + length + 2
		default:
			return
		}
	}
}

// quoted reads a string in double quotes. Of the escapes, \" is a quote, and a
// backslash before the end of a line joins the lines; others stay as they are.
func (p *dotParser) quoted(start int) {
	var b strings.Builder
	i := start + 1
	from := i
	for i < len(p.text) && p.text[i] != '"' {
		escape := 0 // characters of the text that an escape replaces
		if p.text[i] == '\\' && i+1 < len(p.text) {
			switch {
			case p.text[i+1] == '"':
				b.WriteString(p.text[from:i])
				from = i + 1 // the quote itself stays
				escape = 2
			case p.text[i+1] == '\n', strings.HasPrefix(p.text[i+1:], "\r\n"):
				escape = 1 + strings.IndexByte(p.text[i:], '\n')
				b.WriteString(p.text[from:i])
				from = i + escape
			default:
				escape = 2
			}
		}
		i += max(escape, 1)
	}
	if i >= len(p.text) {
		p.fail(start, "the string is not closed: \" is missing")
		return
	}
	b.WriteString(p.text[from:i])
	p.token = token{identifier, b.String(), start}
	p.at = i + 1
}

// html reads a string in balanced angle brackets, brackets included.
func (p *dotParser) html(start int) {
	depth := 0
	for i := start; i < len(p.text); i++ {
		switch p.text[i] {
		case '<':
			depth++
		case '>':
			depth--
			if depth == 0 {
				p.token = token{identifier, p.text[start : i+1], start}
				p.at = i + 1
				return
			}
		}
	}
	p.fail(start, "the HTML string is not closed: > is missing")
}

var dotKeywords = []string{"graph", "digraph", "subgraph", "strict", "node", "edge"}

// word reads a name or a number. A number ends where it can, so that -1-- is a
// number and an edge.
func (p *dotParser) word(start int) {
	end := start
	isLetter := func(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80 }
	isDigit := func(c byte) bool { return c >= '0' && c <= '9' }
	if isLetter(p.text[start]) {
		for end < len(p.text) && (isLetter(p.text[end]) || isDigit(p.text[end])) {
			end++
		}
	} else {
		end += len(p.text[end:]) - len(strings.TrimPrefix(p.text[end:], "-"))
		digits, points := 0, 0
		for end < len(p.text) && (isDigit(p.text[end]) || p.text[end] == '.' && points == 0) {
			if p.text[end] == '.' {
				points++
			} else {
				digits++
			}
			end++
		}
		if digits == 0 {
			r := []rune(p.text[start:min(len(p.text), start+4)])[0]
			p.fail(start, "unexpected character %q: names with other characters than letters, digits and _ stand in double quotes", r)
			return
		}
		if end < len(p.text) && isLetter(p.text[end]) {
			p.fail(start, "a name that begins with a digit stands in double quotes")
			return
		}
	}
	p.at = end
	p.token = token{identifier, p.text[start:end], start}
	for _, k := range dotKeywords {
		if strings.EqualFold(p.token.text, k) {
			p.token = token{keyword, k, start}
		}
	}
}

// describe names the present token in a message.
func (p *dotParser) describe() string {
	if p.token.kind == endOfFile {
		return "the end of the file"
	}
	text := p.token.text
	if len(text) > 40 {
		text = text[:40] + "..."
	}
	return strconv.Quote(strings.ToValidUTF8(text, ""))
}

func (p *dotParser) isKeyword(k string) bool { return p.token.kind == keyword && p.token.text == k }

// accept passes over a token of the given kind, if it is next.
func (p *dotParser) accept(kind tokenKind) bool {
	if p.token.kind != kind {
		return false
	}
	p.next()
	return true
}

func (p *dotParser) expect(kind tokenKind, after string) {
	if p.token.kind != kind {
		p.fail(p.token.offset, "%s is followed by %q, not by %s", after, string(rune(kind)), p.describe())
		return
	}
	p.next()
}

// id reads an identifier; strings may be joined with +.
func (p *dotParser) id() string {
	text := p.token.text
	isQuoted := p.text[p.token.offset] == '"'
	p.next()
	if !isQuoted || p.token.kind != '+' {
		return text
	}
	parts := []string{text}
	for p.token.kind == '+' {
		p.next()
		if p.token.kind != identifier || p.text[p.token.offset] != '"' {
			p.fail(p.token.offset, "+ is followed by a string in double quotes, not by %s", p.describe())
			return ""
		}
		parts = append(parts, p.token.text)
		p.next()
	}
	return strings.Join(parts, "")
}

// file: ["strict"] ("graph" | "digraph") [ID] "{" statements "}"
func (p *dotParser) file() {
	p.start = p.token.offset
	if p.isKeyword("strict") {
		p.next()
	}
	switch {
	case p.isKeyword("graph"):
	case p.isKeyword("digraph"):
		p.add(p.token.offset, "the graph is directed, but links here carry packets both ways: write graph for digraph and -- for ->")
		p.directed = true
	default:
		p.fail(p.token.offset, "a DOT file begins with graph, not with %s", p.describe())
		return
	}
	p.start = p.token.offset
	p.next()
	if p.token.kind == identifier {
		p.id()
	}
	var s scope
	p.body("graph", &s, 0)
	if p.token.kind != endOfFile {
		p.fail(p.token.offset, "the graph has ended, but %s follows: a file has one graph", p.describe())
	}
}

// body: "{" statements "}"
func (p *dotParser) body(of string, s *scope, depth int) {
	open := p.token.offset
	p.expect('{', "the beginning of the "+of)
	for p.token.kind != '}' {
		if p.token.kind == endOfFile {
			p.fail(open, "the %s is not closed: } is missing", of)
			return
		}
		p.statement(s, depth)
		p.accept(';')
	}
	p.next()
}

func (p *dotParser) statement(s *scope, depth int) {
	switch {
	case p.isKeyword("graph"):
		p.next()
		p.requireAttributes("graph")
		p.attributes(nil)
		return
	case p.isKeyword("node"):
		p.next()
		p.requireAttributes("node")
		for _, a := range p.attributes([]string{"kind"}) {
			s.kind = a
		}
		return
	case p.isKeyword("edge"):
		p.next()
		p.requireAttributes("edge")
		s.edges = override(s.edges, p.attributes(linkAttributes))
		return
	case p.token.kind == identifier:
	case p.token.kind == '{' || p.isKeyword("subgraph"):
	default:
		p.fail(p.token.offset, "a statement begins with a node, an edge or an attribute, not with %s", p.describe())
		return
	}
	nodes, isAssignment, isNode := p.vertex(s, depth)
	if isAssignment {
		return // an attribute of the graph
	}
	if p.token.kind != edgeOp && p.token.kind != arcOp {
		if isNode && p.token.kind == '[' {
			for _, a := range p.attributes([]string{"kind"}) {
				p.setKind(nodes[0], a.value, a.offset)
			}
		}
		return
	}
	p.edges(s, nodes, depth)
}

// requireAttributes fails unless an attribute list follows.
func (p *dotParser) requireAttributes(after string) {
	if p.token.kind != '[' {
		p.fail(p.token.offset, "%s is followed by \"[\", not by %s (a node of that name stands in double quotes)", after, p.describe())
	}
}

// edges reads the rest of "a -- b -- c [attributes]" behind a.
func (p *dotParser) edges(s *scope, from []int, depth int) {
	first := len(p.links)
	for p.token.kind == edgeOp || p.token.kind == arcOp {
		if p.token.kind == arcOp && !p.directed {
			p.add(p.token.offset, "-> is an edge of directed graphs: write --")
		}
		offset := p.token.offset
		p.next()
		if p.token.kind != identifier && p.token.kind != '{' && !p.isKeyword("subgraph") {
			p.fail(p.token.offset, "an edge ends in a node or a subgraph, not in %s", p.describe())
			return
		}
		to, isAssignment, _ := p.vertex(s, depth)
		if isAssignment {
			p.fail(offset, "an edge ends in a node or a subgraph, not in an attribute")
			return
		}
		for _, a := range from {
			for _, b := range to {
				if p.stop {
					return
				}
				p.addLink(link{a: a, b: b, offset: offset})
			}
		}
		from = to
	}
	attributes := s.edges
	if p.token.kind == '[' {
		attributes = override(attributes, p.attributes(linkAttributes))
	}
	for i := first; i < len(p.links); i++ {
		p.links[i].attributes = attributes
	}
}

// override returns the attributes of own, and those of base that own does not have,
// in a slice of its own. A repeated attribute counts the last time.
func override(base, own []attribute) []attribute {
	all := slices.Clone(base)
	for _, a := range own {
		i := slices.IndexFunc(all, func(b attribute) bool { return a.name == b.name })
		if i < 0 {
			all = append(all, a)
		} else {
			all[i] = a
		}
	}
	return all
}

// vertex reads a node (isNode) or a subgraph and returns its nodes, or an
// assignment ID = ID, which is an attribute of the graph and has none.
func (p *dotParser) vertex(s *scope, depth int) (nodes []int, isAssignment, isNode bool) {
	if p.token.kind != identifier {
		nodes = p.subgraph(s, depth+1)
		s.nodes = append(s.nodes, nodes...)
		return nodes, false, false
	}
	offset := p.token.offset
	name := p.id()
	if p.accept('=') {
		p.value(name)
		return nil, true, false
	}
	for range 2 { // a port and a compass point
		if p.accept(':') {
			if p.token.kind != identifier {
				p.fail(p.token.offset, "a colon is followed by the name of a port, not by %s", p.describe())
				return nil, false, false
			}
			p.id()
		}
	}
	n, ok := p.byName[name]
	if !ok {
		n = p.addNode(node{name: name, offset: offset})
		p.byName[name] = n
		if s.kind.name != "" && !p.stop {
			p.setKind(n, s.kind.value, s.kind.offset)
		}
	}
	s.nodes = append(s.nodes, n)
	return []int{n}, false, true
}

// subgraph: ["subgraph" [ID]] "{" statements "}". It returns its nodes, each once.
func (p *dotParser) subgraph(s *scope, depth int) []int {
	if depth > maxDepth {
		p.fail(p.token.offset, "subgraphs nest deeper than %d levels", maxDepth)
		return nil
	}
	if p.isKeyword("subgraph") {
		p.next()
		if p.token.kind == identifier {
			p.id()
		}
	}
	inner := scope{kind: s.kind, edges: s.edges}
	p.body("subgraph", &inner, depth)
	seen := make(map[int]bool, len(inner.nodes))
	var nodes []int
	for _, n := range inner.nodes {
		if !seen[n] {
			seen[n] = true
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// value reads the value of an attribute.
func (p *dotParser) value(name string) string {
	if p.token.kind != identifier {
		p.fail(p.token.offset, "attribute %q has no value: it is followed by %s (values with other characters than letters and digits stand in double quotes)",
			name, p.describe())
		return ""
	}
	return p.id()
}

// attributes reads attribute lists "[a=b, c=d] [e=f]" and returns those of known.
func (p *dotParser) attributes(known []string) []attribute {
	var read []attribute
	for p.accept('[') {
		for p.token.kind == identifier {
			a := attribute{offset: p.token.offset}
			a.name = p.id()
			p.expect('=', "the name of an attribute")
			if p.failed {
				return nil
			}
			a.value = p.value(a.name)
			if p.graph.known(a.name, known, a.offset) {
				read = append(read, a)
			}
			if !p.accept(',') {
				p.accept(';')
			}
		}
		if p.token.kind != ']' {
			p.fail(p.token.offset, "the list of attributes continues with a name or ends with \"]\", not with %s", p.describe())
			return nil
		}
		p.next()
	}
	return read
}
