package schema

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"
)

// Of returns the JSON Schema, indented, of the type of document, a pointer to a
// struct. Source is the text of the Go file that declares this type and the structs
// that it is made of. It panics where source is not Go.
func Of(title string, document any, source string) []byte {
	r := jsonschema.Reflector{CommentMap: comments(reflect.TypeOf(document).Elem().PkgPath(), source)}
	s := r.Reflect(document)
	s.Title = title
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic("schema: not JSON: " + err.Error())
	}
	return append(b, '\n')
}

// comments returns the comments of the structs of a source file of package path, under
// the keys that the reflector looks up: "path.Type" and "path.Type.Field". A field
// without a comment shares that of the field before it, or of the type.
func comments(path, source string) map[string]string {
	file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.ParseComments)
	if err != nil {
		panic(fmt.Sprintf("schema: the source of %s: %v", path, err))
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
		name := path + "." + spec.Name.Name
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
