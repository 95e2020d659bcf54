package run

import (
	_ "embed"

	"suspect/experiments/guarantee"
	"suspect/experiments/schema"
)

//go:embed results.go
var resultsSource string

// ResultsSchema returns the JSON Schema of [Results], indented. Its descriptions
// are the doc comments of the fields.
func ResultsSchema() []byte {
	return schema.Of("Results of a run of suspect", &Results{}, resultsSource, guarantee.Sources()...)
}
