package schema

import (
	"encoding"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"

	"suspect/qjump"
)

// Source is the text of a Go file that declares structs of a document, in another
// package than that of the document itself.
type Source struct{ Package, Text string }

// Of returns the JSON Schema, indented, of the type of document, a pointer to a
// struct. Source is the text of the Go file that declares this type and the structs
// that it is made of, and others are those of structs of other packages, which have the
// names of these before theirs. It panics where a source is not Go.
func Of(title string, document any, source string, others ...Source) []byte {
	own := reflect.TypeOf(document).Elem().PkgPath()
	r := jsonschema.Reflector{
		CommentMap: comments(own, source),
		Namer: func(t reflect.Type) string {
			if t.PkgPath() == own || t.PkgPath() == "" {
				return t.Name()
			}
			return path.Base(t.PkgPath()) + "." + t.Name()
		},
		Mapper: func(t reflect.Type) *jsonschema.Schema {
			switch {
			case t == reflect.TypeFor[qjump.Rational]():
				return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "number"}, {Type: "null"}}}
			case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
				return &jsonschema.Schema{Type: "string"}
			}
			return nil
		},
	}
	for _, o := range others {
		maps.Copy(r.CommentMap, comments(o.Package, o.Text))
	}
	s := r.Reflect(document)
	s.Title = title
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic("schema: not JSON: " + err.Error())
	}
	return append(b, '\n')
}

// AnyOf returns the JSON Schema of documents of several types, from those that [Of]
// returned for each. Types of the same name must be the same. It panics where a schema
// is not one of these.
func AnyOf(title string, schemas ...[]byte) []byte {
	type reference struct {
		Ref string `json:"$ref"`
	}
	all := struct {
		Schema string                     `json:"$schema"`
		Title  string                     `json:"title"`
		AnyOf  []reference                `json:"anyOf"`
		Defs   map[string]json.RawMessage `json:"$defs"`
	}{Schema: jsonschema.Version, Title: title, Defs: make(map[string]json.RawMessage)}
	for _, text := range schemas {
		var one struct {
			reference
			Defs map[string]json.RawMessage `json:"$defs"`
		}
		if err := json.Unmarshal(text, &one); err != nil || one.Ref == "" {
			panic(fmt.Sprintf("schema: not the schema of a struct: %v", err))
		}
		all.AnyOf = append(all.AnyOf, one.reference)
		maps.Copy(all.Defs, one.Defs)
	}
	b, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		panic("schema: not JSON: " + err.Error())
	}
	return append(b, '\n')
}

// comments returns the comments of the structs of a source file of package pkg, under
// the keys that the reflector looks up: "pkg.Type" and "pkg.Type.Field". A field
// without a comment shares that of the field before it, or of the type.
func comments(pkg, source string) map[string]string {
	file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.ParseComments)
	if err != nil {
		panic(fmt.Sprintf("schema: the source of %s: %v", pkg, err))
	}
	all := make(map[string]string)
	ast.Inspect(file, func(n ast.Node) bool {
		decl, ok := n.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE {
			return true
		}
		spec := decl.Specs[0].(*ast.TypeSpec)
		fields, ok := spec.Type.(*ast.StructType)
		if !ok {
			return false
		}
		name := pkg + "." + spec.Name.Name
		doc := oneLine(decl.Doc)
		all[name] = doc
		for _, f := range fields.Fields.List {
			for _, c := range []*ast.CommentGroup{f.Comment, f.Doc} {
				if c != nil {
					doc = oneLine(c)
				}
			}
			for _, n := range f.Names {
				all[name+"."+n.Name] = doc
			}
		}
		return false
	})
	return all
}

func oneLine(c *ast.CommentGroup) string {
	return strings.ReplaceAll(strings.TrimSpace(c.Text()), "\n", " ")
}
