package run

import (
	_ "embed"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"

	"github.com/invopop/jsonschema"
)

//go:embed results.go
var resultsSource string

// ResultsSchema returns the JSON Schema of [Results], indented. Its descriptions
// are the doc comments of the fields.
func ResultsSchema() []byte {
	r := jsonschema.Reflector{CommentMap: resultsComments()}
	s := r.Reflect(&Results{})
	s.Title = "Results of a run of suspect"
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic("run: the schema of results is not JSON: " + err.Error())
	}
	return append(b, '\n')
}

// resultsComments returns the doc comments of results.go under the keys that the
// reflector looks up: "suspect/experiments/run.Type" and "….Type.Field". A
// field without a comment shares that of the field before it, or of the type.
func resultsComments() map[string]string {
	const path = "suspect/experiments/run."
	comments := make(map[string]string)
	file, err := parser.ParseFile(token.NewFileSet(), "results.go", resultsSource, parser.ParseComments)
	if err != nil {
		panic("run: results.go is not Go: " + err.Error())
	}
	for _, d := range file.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE {
			continue
		}
		spec := decl.Specs[0].(*ast.TypeSpec)
		doc := oneLine(decl.Doc)
		comments[path+spec.Name.Name] = doc
		for _, f := range spec.Type.(*ast.StructType).Fields.List {
			if f.Doc != nil {
				doc = oneLine(f.Doc)
			}
			for _, name := range f.Names {
				comments[path+spec.Name.Name+"."+name.Name] = doc
			}
		}
	}
	return comments
}

func oneLine(c *ast.CommentGroup) string {
	return strings.ReplaceAll(strings.TrimSpace(c.Text()), "\n", " ")
}
