// Package schema writes the JSON Schema of a document that suspect prints, with the
// doc comments of its Go types as descriptions.
package schema
