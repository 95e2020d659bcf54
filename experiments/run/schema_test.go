package run

import (
	"encoding/json"
	"testing"
)

// Every type and field of the results is described in their schema, and durations
// and counts are integers.
func TestResultsSchema(t *testing.T) {
	var schema struct {
		Defs map[string]struct {
			Description string
			Properties  map[string]struct {
				Type, Description string
			}
		} `json:"$defs"`
	}
	if err := json.Unmarshal(ResultsSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	if len(schema.Defs) < 15 {
		t.Errorf("the schema has %d types only", len(schema.Defs))
	}
	if got := schema.Defs["Interval"].Properties["confidence"].Description; got != "Confidence is the probability that such intervals cover the truth." {
		t.Errorf("Interval.confidence is described as %q", got)
	}
	measured, proved := schema.Defs["Level"].Properties["tightness"], schema.Defs["guarantee.Level"].Properties["bound"]
	if measured.Description == "" || proved.Description == "" {
		t.Errorf("levels are described by %+v and %+v", measured, proved)
	}
	for name, def := range schema.Defs {
		if def.Description == "" {
			t.Errorf("type %s has no description", name)
		}
		for field, p := range def.Properties {
			if p.Description == "" {
				t.Errorf("%s.%s has no description", name, field)
			}
			if len(field) > 3 && field[len(field)-3:] == "_ps" && p.Type != "integer" {
				t.Errorf("%s.%s is of type %q", name, field, p.Type)
			}
		}
	}
}
