package qjump

import _ "embed"

// AdmissionSource is the Go file that declares [Admission]: its comments describe it in
// the schemas of documents.
//
//go:embed table.go
var AdmissionSource string

// AnswerSource and GuaranteeSource are those of [Answer] and [Guarantee].
//
//go:embed spec.go
var AnswerSource string

//go:embed bound.go
var GuaranteeSource string
