package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of a scenario file. They keep a hostile file from costing more than a
// second: the YAML library takes microseconds for each token, and quadratic time for
// deep nests, large mappings, missing values and runs of blank lines.
const (
	maxFileBytes  = 512 << 10
	maxTokens     = 200_000 // names, values and punctuation: 33,000 links as [a, s]
	maxNesting    = 64
	maxKeys       = 200  // of one mapping
	maxMissing    = 1000 // keys and list entries without a value
	maxBlankLines = 100  // in a row
)

const otherFileHint = " (a large topology belongs in a DOT or GraphML file: topology: {file: ...})"

// nodeKind is the kind of a YAML node.
type nodeKind uint8

const (
	scalarNode nodeKind = iota
	listNode
	mappingNode
	nullNode
	refusedNode // an error was told: nobody has to tell another
)

// String describes the kind in messages.
func (k nodeKind) String() string {
	return [...]string{"a single value", "a list", "a mapping (key: value)", "nothing", "an error"}[k]
}

// node is a YAML node with its place. Scalars are kept as they are written: what
// a text means depends on who reads it.
type node struct {
	kind    nodeKind
	at      place
	text    string // of a scalar
	quoted  bool   // written in quotes or as a block
	literal bool   // not text for YAML: a number or truth value
	items   []*node
	pairs   []pair
}

// pair is one key of a mapping with its value.
type pair struct {
	key   string
	at    place
	value *node
}

// find returns the value of the key, or nil.
func (n *node) find(key string) *node {
	for _, p := range n.pairs {
		if p.key == key {
			return p.value
		}
	}
	return nil
}

// parseDocument reads one YAML document. It returns nil after telling an error.
func parseDocument(name string, text []byte, problems *problems) *node {
	src := &source{name: name}
	top := place{src, 1, 1}
	if len(text) > maxFileBytes {
		problems.add(top, "the file is larger than %d KiB%s", maxFileBytes>>10, otherFileHint)
		return nil
	}
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	src.lines = strings.Split(strings.ToValidUTF8(string(text), "\uFFFD"), "\n")
	if at, message := badCharacter(src, text); message != "" {
		problems.add(at, "%s", message)
		return nil
	}
	if line := longGap(src.lines); line > 0 {
		problems.add(place{src, line, 1}, "more than %d blank lines in a row (delete them)", maxBlankLines)
		return nil
	}
	return parseYAML(src, string(text), problems)
}

// longGap returns the number of a line that follows too many blank ones, or 0.
func longGap(lines []string) int {
	blank := 0
	for i, l := range lines {
		if blank++; strings.Trim(l, " \t") != "" {
			blank = 0
		}
		if blank > maxBlankLines && i < len(lines)-1 {
			return i + 1
		}
	}
	return 0
}

// badCharacter finds the first character that no scenario has.
func badCharacter(src *source, text []byte) (at place, message string) {
	at = place{src, 1, 1}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return at, "the file is not UTF-8 text (save it as UTF-8)"
		case r == '\r':
			return at, "a carriage return without a line feed (end lines with LF or CRLF)"
		case r == '\uFEFF':
			return at, "a byte order mark inside the text (delete it)"
		case r < ' ' && r != '\n' && r != '\t' || r == 0x7f:
			return at, fmt.Sprintf("the control character %U is not allowed (delete it)", r)
		}
		i += size
		at.column++
		if r == '\n' {
			at.line++
			at.column = 1
		}
	}
	return at, ""
}

// parseYAML reads text, which must be free of bad characters.
func parseYAML(src *source, text string, problems *problems) *node {
	tokens := lexer.Tokenize(text)
	if !checkTokens(src, tokens, problems) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		tellSyntax(src, err, problems)
		return nil
	}
	c := converter{src, problems}
	for _, doc := range file.Docs {
		if doc.Body != nil {
			return c.convert(doc.Body, place{src, 1, 1})
		}
	}
	problems.add(place{src, 1, 1}, "the file has no content (`suspect init` writes a scenario to start from)")
	return nil
}

func tellSyntax(src *source, err error, problems *problems) {
	var syntax *yaml.SyntaxError
	if !errors.As(err, &syntax) || syntax.Token == nil {
		message, _, _ := strings.Cut(err.Error(), "\n")
		problems.add(place{src, 1, 1}, "not YAML: %s", message)
		return
	}
	hint := ""
	switch {
	case strings.Contains(syntax.Message, "'\t'"):
		hint = " (YAML is indented by blanks, not tabs)"
	case strings.Contains(syntax.Message, "mapping value is not allowed"):
		hint = " (a key after a finished value: check the indentation, and put a value that contains \": \" in quotes)"
	}
	problems.add(tokenPlace(src, syntax.Token), "not YAML: %s%s", strings.ReplaceAll(syntax.Message, "\t", `\t`), hint)
}

func tokenPlace(src *source, t *token.Token) place {
	return place{src, max(1, t.Position.Line), max(1, t.Position.Column)}
}

// checkTokens refuses what scenarios do not use and what would make the parser
// slow, before it runs.
func checkTokens(src *source, tokens token.Tokens, problems *problems) bool {
	refuse := func(t *token.Token, format string, args ...any) bool {
		problems.add(tokenPlace(src, t), format, args...)
		return false
	}
	if len(tokens) > maxTokens {
		return refuse(tokens[maxTokens], "the file has more than %d names, values and signs%s", maxTokens, otherFileHint)
	}
	type block struct{ column, keys int }
	var blocks []block // open blocks by indentation
	var flows []int    // keys of each open {...}; of [...], minus infinity
	dashes, missing, line := 0, 0, 0
	for i, t := range tokens {
		if t.Type == token.CommentType {
			continue
		}
		if t.Position.Line != line {
			line, dashes = t.Position.Line, 0
			if len(flows) == 0 {
				for len(blocks) > 0 && blocks[len(blocks)-1].column > t.Position.Column {
					blocks = blocks[:len(blocks)-1]
				}
				if len(blocks) == 0 || blocks[len(blocks)-1].column < t.Position.Column {
					blocks = append(blocks, block{column: t.Position.Column})
				}
				if i+1 < len(tokens) && tokens[i+1].Type == token.MappingValueType {
					blocks[len(blocks)-1].keys++
				}
				if blocks[len(blocks)-1].keys > maxKeys {
					return refuse(t, "a mapping with more than %d keys", maxKeys)
				}
			}
		}
		if lacksValue(tokens, i) {
			if missing++; missing > maxMissing {
				return refuse(t, "more than %d values are missing", maxMissing)
			}
		}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return refuse(t, "anchors, aliases and merge keys are not supported (write the value out, or put it in quotes if it is text)")
		case token.TagType, token.DirectiveType:
			return refuse(t, "YAML tags and directives are not supported (delete it, or put the value in quotes if it is text)")
		case token.DocumentHeaderType:
			if i > 0 {
				return refuse(t, "a second document: a scenario is one YAML document (use one file for each)")
			}
		case token.DocumentEndType:
			return refuse(t, "a document end marker is not supported (delete it)")
		case token.InvalidType:
			message := t.Error
			if message == "" {
				message = "this does not belong here"
			}
			tellSyntax(src, &yaml.SyntaxError{Message: message, Token: t}, problems)
			return false
		case token.MappingStartType:
			flows = append(flows, 1)
		case token.SequenceStartType:
			flows = append(flows, math.MinInt)
		case token.MappingEndType, token.SequenceEndType:
			flows = flows[:max(0, len(flows)-1)]
		case token.CollectEntryType:
			if len(flows) > 0 {
				if flows[len(flows)-1]++; flows[len(flows)-1] > maxKeys {
					return refuse(t, "a mapping with more than %d keys", maxKeys)
				}
			}
		case token.MappingKeyType:
			return refuse(t, "keys after a question mark are not supported (write key: value)")
		case token.SequenceEntryType:
			dashes++
		}
		if len(flows)+dashes+len(blocks) > maxNesting {
			return refuse(t, "nested more than %d deep", maxNesting)
		}
	}
	return true
}

// lacksValue tells whether token i is the sign of a key or list entry that has no
// value.
func lacksValue(tokens token.Tokens, i int) bool {
	t := tokens[i]
	column := t.Position.Column
	switch t.Type {
	case token.SequenceEntryType:
	case token.MappingValueType:
		if i > 0 {
			column = tokens[i-1].Position.Column // of the key
		}
	default:
		return false
	}
	i++
	for i < len(tokens) && tokens[i].Type == token.CommentType {
		i++
	}
	if i == len(tokens) {
		return true
	}
	next := tokens[i]
	switch next.Type {
	case token.CollectEntryType, token.MappingEndType, token.SequenceEndType:
		return true
	case token.SequenceEntryType: // the list of a key may begin in the key's column
		if t.Type == token.MappingValueType {
			column--
		}
	}
	return next.Position.Line > t.Position.Line && next.Position.Column <= column
}

// converter turns the parser's tree into nodes and tells duplicate keys.
type converter struct {
	src      *source
	problems *problems
}

// convert returns the node for n. A node without a token is
// placed at parent.
func (c converter) convert(n ast.Node, parent place) *node {
	at := parent
	if n != nil && n.GetToken() != nil {
		at = tokenPlace(c.src, n.GetToken())
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return c.mapping(n.Values, at)
	case *ast.MappingValueNode:
		return c.mapping([]*ast.MappingValueNode{n}, at)
	case *ast.SequenceNode:
		out := &node{kind: listNode, at: at}
		for _, v := range n.Values {
			out.items = append(out.items, c.convert(v, at))
		}
		return out
	case *ast.NullNode, nil:
		return &node{kind: nullNode, at: at}
	case *ast.LiteralNode:
		return &node{at: at, text: n.Value.Value, quoted: true}
	case *ast.StringNode:
		quoted := n.Token.Type == token.DoubleQuoteType || n.Token.Type == token.SingleQuoteType
		return &node{at: at, text: n.Value, quoted: quoted}
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NanNode, *ast.InfinityNode:
		return &node{at: at, text: n.GetToken().Value, literal: true}
	}
	c.problems.add(at, "this YAML construct (%s) is not supported", strings.ToLower(n.Type().YAMLName()))
	return &node{kind: refusedNode, at: at}
}

func (c converter) mapping(values []*ast.MappingValueNode, at place) *node {
	out := &node{kind: mappingNode, at: at}
	first := make(map[string]place)
	for i, v := range values {
		key := c.convert(v.Key, at)
		if i == 0 && key.at.line == at.line && key.at.column < at.column {
			out.at = key.at // of a block mapping the parser gives the colon
		}
		if key.kind == refusedNode {
			continue
		}
		if key.kind != scalarNode {
			c.problems.add(key.at, "a key must be a name, not %v", key.kind)
			continue
		}
		if before, ok := first[key.text]; ok {
			c.problems.add(key.at, "the key %q is already given in %v (delete one)", key.text, before)
			continue
		}
		first[key.text] = key.at
		value := c.convert(v.Value, key.at)
		if value.kind == nullNode {
			value.at = key.at
			if last := len(out.pairs) - 1; last >= 0 && torn(out.pairs[last].value, key.text) {
				c.problems.add(out.pairs[last].value.at, "inside {...} a value with a comma must be in quotes: \"%s, %s\"",
					out.pairs[last].value.text, key.text)
				out.pairs[last].value.kind = refusedNode
				continue
			}
		}
		out.pairs = append(out.pairs, pair{key.text, key.at, value})
	}
	return out
}

// torn tells whether a comma in {...} has torn a value such as uniform(0s, 1s) into
// a value and a key.
func torn(value *node, key string) bool {
	return value.kind == scalarNode && !value.quoted && strings.Contains(value.text, "(") &&
		!strings.Contains(value.text, ")") && strings.HasSuffix(key, ")") && !strings.Contains(key, "(")
}
