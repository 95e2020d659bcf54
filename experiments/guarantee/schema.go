package guarantee

import (
	_ "embed"

	"suspect/experiments/schema"
	"suspect/qjump"
)

//go:embed report.go
var reportSource string

// Sources describe the structs of a [Report] to the schemas of documents that have one.
func Sources() []schema.Source {
	return []schema.Source{{Package: "suspect/experiments/guarantee", Text: reportSource}, {Package: "suspect/qjump", Text: qjump.AdmissionSource}}
}

// ReportSchema returns the JSON Schema of [Report], indented. Its descriptions are the
// doc comments of the fields.
func ReportSchema() []byte {
	return schema.Of("What a scenario guarantees of latency", &Report{}, reportSource, Sources()...)
}
